"""Bugs of exports: what another program would compute, or read, that the network does not."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

ONNX, NODES, GRAPH = (
    f"runs/export/{name}.py" for name in ("as_onnx", "onnx_layers", "onnx_graph")
)  # fmt: skip
C, STATEMENTS, PROGRAM, TEXT, ROWS = (
    f"runs/export/{name}.py" for name in ("as_c", "c_layers", "c_program", "c_text", "c_table")
)  # fmt: skip
DOCUMENT = "runs/export/document.py"

OF_ONNX = ("runs/export/test_onnx.py",)
OF_C = ("runs/export/test_c.py",)
OF_DOCUMENTS = ("runs/export/test_documents.py",)

BUGS = (
    Bug(
        "a graph takes inputs that are scaled already",
        (Edit(ONNX, "    if model.scaling is not None:\n        x = _scaled(g, model, x)\n", ""),),
        tests=OF_ONNX,
    ),
    Bug(
        "a graph rounds the mean of its inputs to float32",
        (
            Edit(
                ONNX,
                'centred = g.op("Sub", wide, g.constant(mean, "input.mean", np.float64))',
                'centred = g.op("Sub", wide, '
                'g.constant(mean.astype("f"), "input.mean", np.float64))',
            ),
        ),
        tests=OF_ONNX,
    ),
    Bug(
        "a graph pads an image at the wrong sides",
        (
            Edit(
                NODES, '"pads": [top, left, bottom, right],', '"pads": [bottom, right, top, left],'
            ),
        ),
        tests=OF_ONNX,
    ),
    Bug(
        "a mean in a graph leaves the padding out",
        (Edit(NODES, '"count_include_pad": 1}', '"count_include_pad": 0}'),),
        tests=OF_ONNX,
    ),
    Bug(
        "a loop in a graph runs on over the padding",
        (
            Edit(
                GRAPH,
                'after = [self.op("Where", outer[-1], old, new) for old, new in pairs]',
                'after = [self.op("Where", outer[-1], new, new) for old, new in pairs]',
            ),
        ),
        tests=OF_ONNX,
    ),
    Bug(
        "the forget and the input gate of a graph's LSTM in one another's place",
        (Edit(NODES, "        i, f, new, o = g.ops(", "        f, i, new, o = g.ops("),),
        tests=OF_ONNX,
    ),
    Bug(
        "a graph has a label where an output is NaN",
        (
            Edit(
                ONNX,
                'number = g.op("Where", lost, g.number(len(model.classes), np.int64), number)',
                'number = g.op("Where", lost, number, number)',
            ),
        ),
        tests=OF_ONNX,
    ),
    Bug(
        "a graph takes a category that the run refuses",
        (Edit(ONNX, "refused_code if refuse_new else beyond)", "beyond)"),),
        tests=OF_ONNX,
    ),
    Bug(
        "a graph of one output puts the probabilities of the two classes in the wrong order",
        (
            Edit(
                ONNX,
                'y = g.op("Concat", g.op("Sub", g.number(1.0), y), y, axis=-1)',
                'y = g.op("Concat", y, g.op("Sub", g.number(1.0), y), axis=-1)',
            ),
        ),
        tests=OF_ONNX,
    ),
    Bug(
        "two arrays of a C file that live at the same time lie in the same memory",
        (Edit(PROGRAM, "if o.last >= buffer.first and", "if o.last > buffer.first and"),),
        tests=OF_C,
    ),
    Bug(
        "a C file leaves outputs in the units of the training",
        (
            Edit(
                C,
                '        f"    y[k] = y[k] * {scale}[{which}] + {mean}[{which}];"\n',
                '        f"    y[k] = y[k] * {scale}[{which}] + 0 * {mean}[{which}];"\n',
            ),
        ),
        tests=OF_C,
    ),
    Bug(
        "a float of a C file has seven digits",
        (Edit(TEXT, "    text = str(value)\n", '    text = f"{value:.7g}"\n'),),
        tests=OF_C,
    ),
    Bug(
        "the question marks of a string of C may make a trigraph",
        (Edit(TEXT, ', "?": "\\\\?"}', "}"),),
        tests=OF_C,
    ),
    Bug(
        "the words of a name are taken for words of C",
        (Edit(PROGRAM, r"""r'"(?:[^"\\]|\\.)*"|/""", "r'/"),),
        tests=OF_C,
    ),
    Bug(
        "a missing cell in C is the first category",
        (Edit(ROWS, 'yield f"k = missing ? {place} : k;"', 'yield "k = missing ? 0 : k;"'),),
        tests=OF_C,
    ),
    Bug(
        "a GRU in C keeps what it should forget",
        (
            Edit(
                STATEMENTS,
                "h[k] = @sigma(-u) * g + @sigma(u) * h[k];",
                "h[k] = @sigma(u) * g + @sigma(-u) * h[k];",
            ),
        ),
        tests=OF_C,
    ),
    Bug(
        "a network that is loaded from a file forgets its scaling",
        (
            Edit(
                DOCUMENT,
                '        scaling=_read_scaling(found.scaling, network.input, "inputs", path),\n',
                "        scaling=None,\n",
            ),
        ),
        tests=OF_DOCUMENTS,
    ),
    Bug(
        "a network that is loaded from a file has the type of labels of every other",
        (Edit(DOCUMENT, "        label_type=found.label_type,\n", ""),),
        tests=OF_DOCUMENTS,
    ),
)

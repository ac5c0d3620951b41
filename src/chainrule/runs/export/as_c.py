"""A trained network as one C99 file: weights, ``predict``, names of the classes, nothing else.

The file needs ``math.h`` alone (``string.h`` where a table has categories), allocates no memory,
and compiles without warnings. All names begin with the name of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.core.arrays import Array
from chainrule.core.notation import sizes_text
from chainrule.data.readers.encoding import typed_labels
from chainrule.nn.graph import INPUT
from chainrule.runs.export.c_layers import ACTIVATIONS, FUNCTIONS, LAYERS
from chainrule.runs.export.c_program import Program
from chainrule.runs.export.c_table import encoder, needs_strings
from chainrule.runs.export.c_text import LONGEST_STRING, comment, identifier, in_comment, string
from chainrule.runs.export.model import Model, not_finite, refused, without_form


def written(model: Model, path: Path, dtype: str | None) -> tuple[str, tuple[str, ...]]:
    """The text of the file, and how much memory it takes.

    Raises:
        ChainruleError: C has no form of this network here; all reasons are given.
    """
    kind = np.dtype(dtype or model.network.dtype)
    refused(model, "C", [*_reasons(model, kind)])
    program = Program(identifier(path.stem), kind, FUNCTIONS)
    _pass(program, model)
    memory = program.memory()
    texts = [text.encode("utf-8", "surrogateescape") for text in _texts(model)]
    stored = program.stored + sum(len(text) + 1 for text in texts)
    notes = (
        f"{stored:,} bytes of constants (flash) and {memory * kind.itemsize:,} bytes of memory "
        "(RAM), beside the code and the functions of math.h",
    )
    parts = [
        comment(_head(model, program, notes[0])),
        "#include <math.h>\n" + "#include <string.h>\n" * needs_strings(model.encoding),
        *_declarations(model),
        *([] if model.encoding is None else encoder(model.encoding)),
        *program.functions(),
        *program.constants,
        *_names(model),
        _predict(program, model, memory),
        *_label(model),
        _main(model, f"{program.prefix.upper()}_MAIN"),
    ]
    return program.as_c("\n".join(parts)), notes


def _reasons(model: Model, dtype: np.dtype[Any]) -> Iterator[str]:
    """Why there is no such file."""
    yield from without_form(model, LAYERS, ACTIVATIONS)
    arrays: dict[str, Array] = dict(model.network.parameters)
    for name, scaling in (("inputs", model.scaling), ("targets", model.target_scaling)):
        if scaling is not None:
            arrays[f"the scaling of the {name} (mean)"] = scaling.mean
            arrays[f"the scaling of the {name} (scale)"] = scaling.scale
            with np.errstate(all="ignore"):
                if not (scaling.scale.astype(dtype) > 0).all():
                    yield f"a scale of the {name} is 0 in {dtype}; take float64"
    yield from not_finite(arrays, dtype)
    if any(
        len(text.encode("utf-8", "surrogateescape")) > LONGEST_STRING for text in _texts(model)
    ):
        yield f"a name or category is longer than the {LONGEST_STRING:,} bytes of a string of C"


def _texts(model: Model) -> list[str]:
    """All texts that are strings in the file."""
    columns = [] if model.encoding is None else model.encoding.inputs
    return [*_class_names(model), *(word for column in columns for word in column.categories)]


def _class_names(model: Model) -> list[str]:
    if model.classes is None:
        return model.output_names if model.multi_label else []
    return [str(label) for label in typed_labels(model.classes, model.label_type)]


# The texts around the pass


def _head(model: Model, program: Program, sizes: str) -> Iterator[str]:
    network = model.network
    yield f"{model.name}: a network trained by chainrule {__version__}"
    yield ""
    own = "in their own units" if model.scaling is not None else "as the network was trained on"
    yield f"Inputs, {own}: {sizes_text(network.input_shape)}"
    for k, name in enumerate(model.input_names or ()):
        yield f"  x[{k}]: {name}"
    if model.takes_padding:
        yield "  A shorter case ends with steps whose numbers are all NAN."
    yield f"Outputs: {sizes_text(model.output_shape)}"
    named = model.output_names
    for k, name in enumerate(named):
        yield f"  y[{'n * ' + str(len(named)) + ' + ' if model.steps else ''}{k}]: {name}"
    yield "Layers:"
    for layer in network.layers:
        yield f"  {layer.name}: {layer.type}, {sizes_text(layer.output_shape)}"
    yield ""
    yield f"Sizes: {sizes}."
    yield "One call at a time: the arrays of the pass are static. To use it, compile this file and"
    yield "declare the functions below, or include it. An example: "
    yield f"cc -std=c99 -D{program.prefix.upper()}_MAIN FILE.c -lm, which reads cases from stdin."


def _declarations(model: Model) -> Iterator[str]:
    sizes = [f"@INPUTS = {model.inputs}", f"@OUTPUTS = {model.network.outputs}"]
    names = len(_class_names(model))
    if names:
        sizes.append(f"@CLASSES = {names}")
    lines = [
        f"enum {{ {', '.join(sizes)} }};",
        "void @predict(const real *x, real *y);",
    ]
    if names:
        lines.append("extern const char *const @class_names[@CLASSES];")
    if model.classes is not None:
        lines.append("int @class(const real *y);")
    yield "\n".join(lines) + "\n"


def _names(model: Model) -> Iterator[str]:
    names = _class_names(model)
    if names:
        listed = ",\n".join(f"    {string(name)}" for name in names)
        yield f"const char *const @class_names[@CLASSES] = {{\n{listed}\n}};\n"


def _pass(program: Program, model: Model) -> None:
    """Add the statements of the forward pass to the program."""
    network = model.network
    if network.reads_sequences:
        program.steps = "length" if model.takes_padding else str(network.input_shape[0])
    made = {INPUT: _scaled(program, model)}
    for now, k in enumerate(network.graph.order, start=1):
        program.now = now
        layer = network.layers[k]
        fed = [made[source] for source in network.graph.sources[k]]
        statements = LAYERS[layer.__class__]
        is_last = k == network.graph.order[-1]
        if statements is None:
            made[k] = fed[0]
        else:
            made[k] = "y" if is_last else program.buffer(layer.outputs)
            program.add(f"/* {in_comment(layer.name)} */")
            statements(program, layer, made[k], *fed)
        program.reads(*fed)
    if made[network.graph.order[-1]] != "y":
        program.use("copy")
        program.add(f"@copy({made[network.graph.order[-1]]}, y, @OUTPUTS);")
    _in_own_units(program, model)


def _scaled(program: Program, model: Model) -> str:
    """The array that holds the inputs as the layers take them."""
    if model.takes_padding:
        program.use("length")
        steps, features = model.network.input_shape
        program.add(f"const long length = @length(x, {steps}, {features});")
    if model.scaling is None:
        return "x"
    mean = program.constant("input_mean", model.scaling.mean)
    scale = program.constant("input_scale", model.scaling.scale)
    x = program.buffer(model.inputs)
    program.add(
        f"for (long k = 0; k < @INPUTS; k++)\n    {x}[k] = (x[k] - {mean}[k]) / {scale}[k];"
    )
    return x


def _in_own_units(program: Program, model: Model) -> None:
    """Outputs in the units of the targets; NAN at padding."""
    if model.steps is not None and model.takes_padding:
        width = model.output_shape[1]
        program.add(f"for (long k = length * {width}; k < @OUTPUTS; k++)\n    y[k] = (real)NAN;")
    if model.target_scaling is None:
        return
    scaling = model.target_scaling
    mean = program.constant("output_mean", scaling.mean)
    scale = program.constant("output_scale", scaling.scale)
    which = "k" if scaling.mean.size == model.network.outputs else f"k % {scaling.mean.size}"
    program.add(
        "for (long k = 0; k < @OUTPUTS; k++)\n"
        f"    y[k] = y[k] * {scale}[{which}] + {mean}[{which}];"
    )


def _predict(program: Program, model: Model, memory: int) -> str:
    """The function that runs the pass."""
    lines = []
    if memory:
        lines.append(f"static real memory[{memory}];")
    lines += [f"real *const {b.name} = memory + {b.offset};" for b in program.buffers.values()]
    statements = "\n".join([*lines, *program.lines])
    depth, body = 1, []
    for line in statements.split("\n"):
        depth -= line.startswith("}")
        body.append("    " * depth + line)
        depth += line.endswith("{")
    head = "/* The outputs y of a case x. */\nvoid @predict(const real *x, real *y)\n"
    return head + "{\n" + "\n".join(body) + "\n}\n"


def _label(model: Model) -> Iterator[str]:
    """The function that gives the number of the class."""
    if model.classes is None:
        return
    width = model.output_shape[-1]
    of = "of one step" if model.steps is not None else "of a case"
    if width == 1:
        body = "    return y[0] > 0.5R;\n"
    else:
        body = (
            "    int best = 0;\n"
            f"    for (int k = 1; k < {width}; k++)\n"
            "        if (y[k] > y[best])\n            best = k;\n    return best;\n"
        )
    head = f"/* The number of the class for the outputs y {of}; 0 where they are NAN. */\n"
    head += "int @class(const real *y)\n"
    yield f"{head}{{\n{body}}}\n"


def _main(model: Model, guard: str) -> str:
    """An example that reads cases from stdin and prints their outputs."""
    prints = [
        "for (long k = 0; k < @OUTPUTS; k++)",
        '    printf("%s%.17g", k ? " " : "", (double)y[k]);',
    ]
    if model.classes is not None and model.steps is None:
        prints.append('printf(" %s", @class_names[@class(y)]);')
    prints.append('printf("\\n");')
    body = "\n".join(f"        {line}" for line in prints)
    return f"""\
#ifdef {guard}
#include <stdio.h>

int main(void)
{{
    static real x[@INPUTS], y[@OUTPUTS];
    for (;;) {{
        for (long k = 0; k < @INPUTS; k++) {{
            double value;
            if (scanf("%lf", &value) != 1)
                return k != 0;
            x[k] = (real)value;
        }}
        @predict(x, y);
{body}
    }}
}}
#endif
"""

"""A trained network as a graph of ONNX, from what a table or an array holds to what it means.

The graph takes inputs in their own units and gives predictions: encoding of columns, scaling,
layers, units of the targets and names of the classes are all in it. docs/export.md describes its
inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.registry import name_in
from chainrule.core.strict_json import as_json
from chainrule.data.readers.encoding import typed_labels
from chainrule.data.tables.fitting import InputColumn
from chainrule.nn.activations import ACTIVATIONS as NAMES
from chainrule.nn.graph import INPUT
from chainrule.runs.export.model import Model, not_finite, refused, without_form
from chainrule.runs.export.onnx_graph import IR, ML_OPSET, OPSET, Graph
from chainrule.runs.export.onnx_layers import ACTIVATIONS, LAYERS, ONLY_FLOAT32

MOST_INPUTS = 100
"""A table of more columns becomes one input of (cases, columns) where all of them are numbers."""

LARGEST = 2**31 - 2**20
"""The most bytes of parameters: the format (protobuf) cannot hold a message of 2 GiB."""


def written(model: Model, path: Path, dtype: str | None) -> tuple[bytes, tuple[str, ...]]:
    """The content of the file, and notes on it.

    Raises:
        ChainruleError: the graph cannot hold the network; all reasons are given.
        MissingExtraError: the package onnx is not installed.
    """
    kind = np.dtype(dtype or "float32")
    refused(model, "ONNX", [*_reasons(model, kind)])
    g = Graph(kind)
    inputs, x = _inputs(g, model)
    outputs = _outputs(g, model, _through_layers(g, model, x))
    helper = g.onnx.helper
    graph = helper.make_graph(g.nodes, "chainrule", inputs, outputs, g.constants)
    made = helper.make_model(
        graph,
        producer_name="chainrule",
        producer_version=__version__,
        ir_version=IR,
        opset_imports=[
            helper.make_opsetid("", OPSET),
            helper.make_opsetid("ai.onnx.ml", ML_OPSET),
        ],
    )
    helper.set_model_props(made, _properties(model))
    try:
        g.onnx.checker.check_model(made, full_check=True)
    except (g.onnx.checker.ValidationError, g.onnx.shape_inference.InferenceError) as error:
        message = f"the package onnx refuses the graph: {error}"
        raise ChainruleError(Problem(message, path)) from None
    return made.SerializeToString(deterministic=True), _notes(model, kind)


def _reasons(model: Model, dtype: np.dtype[Any]) -> Iterator[str]:
    """Why the graph cannot hold the network."""
    yield from without_form(model, LAYERS, ACTIVATIONS)
    for layer in model.network.layers if dtype == np.float64 else ():
        phi: Any = getattr(layer, "activation", None)
        if type(phi) in ONLY_FLOAT32:
            yield f"{layer.name}: {ONLY_FLOAT32[type(phi)]} ({name_in(NAMES, phi)}); take float32"
    yield from not_finite(dict(model.network.parameters), dtype)
    size = model.network.theta.size * dtype.itemsize
    if size > LARGEST:
        yield f"its parameters take {size:,} bytes; at most {LARGEST:,} fit into one file"


def _notes(model: Model, dtype: np.dtype[Any]) -> tuple[str, ...]:
    if model.network.dtype == np.float64 and dtype == np.float32:
        return ("the numbers are rounded to float32; the dtype float64 keeps them",)
    return ()


def _properties(model: Model) -> dict[str, str]:
    """What programs may want to read beside the graph, as JSON."""
    found: dict[str, Any] = {"outputs": model.output_names}
    if model.input_names is not None:
        found["inputs"] = list(model.input_names)
    if model.classes is not None:
        found["classes"] = list(model.classes)
    return {key: as_json(value) for key, value in found.items()}


# From what is passed to the layers' x


def _inputs(g: Graph, model: Model) -> tuple[list[Any], str]:
    """The declarations of the inputs, and x as the first layers take it."""
    network = model.network
    if model.encoding is not None and _by_column(model):
        declared, x = _from_columns(g, model)
    else:
        name, shape = g.fresh("input"), network.input_shape
        declared, x = [g.info(name, g.dtype, ["cases", *shape])], name
    if model.scaling is not None:
        x = _scaled(g, model, x)
    if model.encoding is not None and _by_column(model):
        x = g.cast(x, g.dtype)
        if len(network.input_shape) > 1:
            x = g.reshape(x, *network.input_shape)
    if model.takes_padding:
        g.padded = g.all_nan(x)
        x = g.op("Where", g.padded, g.number(0.0), x)
    return declared, x


def _by_column(model: Model) -> bool:
    """Whether each column of the table is an input of its own."""
    assert model.encoding is not None
    columns = model.encoding.inputs
    plain = all(c.kind == "number" and c.fill is None for c in columns)
    return not plain or (len(columns) <= MOST_INPUTS and len(model.network.input_shape) == 1)


def _scaled(g: Graph, model: Model, x: str) -> str:
    """(x − mean) / scale; the mean is not rounded to float32, as in the training."""
    assert model.scaling is not None
    shape = model.network.input_shape
    if model.encoding is not None and _by_column(model):
        shape = (model.inputs,)
    mean, scale = (each.reshape(shape) for each in (model.scaling.mean, model.scaling.scale))
    wide = x if model.encoding is not None and _by_column(model) else g.cast(x, np.float64)
    centred = g.op("Sub", wide, g.constant(mean, "input.mean", np.float64))
    scaled = g.op("Div", centred, g.constant(scale, "input.scale", np.float64))
    return g.cast(scaled, g.dtype)


def _from_columns(g: Graph, model: Model) -> tuple[list[Any], str]:
    """An input for each column, (cases, 1) float64 or text; and x, (cases, inputs) float64."""
    assert model.encoding is not None
    declared: list[Any] = []
    parts: list[str] = []
    names = [g.fresh(c.name or "column") for c in model.encoding.inputs]
    refuse_new = model.encoding.new_categories == "error"
    for column, name in zip(model.encoding.inputs, names, strict=True):
        if column.kind == "number":
            declared.append(g.info(name, np.float64, ["cases", 1]))
            parts += _number(g, column, name)
        else:
            declared.append(
                g.onnx.helper.make_tensor_value_info(name, g.onnx.TensorProto.STRING, ["cases", 1])
            )
            parts += _category(g, column, name, refuse_new=refuse_new)
    return declared, g.op("Concat", *parts, axis=1, name="encoded")


def _number(g: Graph, column: InputColumn, cell: str) -> Iterator[str]:
    """A number, with what fills it where it is missing (NaN), and the indicator of that."""
    missing = g.op("IsNaN", cell)
    fill = column.fill
    if fill is None:
        yield cell
    else:
        yield g.op("Where", missing, g.number(float(fill), np.float64), cell)
    if column.has_indicator:
        yield g.cast(missing, np.float64)


def _category(g: Graph, column: InputColumn, cell: str, *, refuse_new: bool) -> Iterator[str]:
    """The inputs of a category: its number, or 1 at its place; an empty text is missing.

    Where the run refuses a category that training has not seen, or a missing cell, the inputs are
    NaN, because a graph cannot refuse anything; otherwise they are what the run makes of it.
    """
    beyond, refused_code = len(column.categories), -1
    codes = {word: k for k, word in enumerate(column.categories)}
    missing = beyond if column.fill is None else codes[str(column.fill)]
    if column.on_missing in ("error", "drop"):
        missing = refused_code
    code = _coded(g, cell, {"": missing, **codes}, refused_code if refuse_new else beyond)
    value = number = g.cast(code, np.float64)
    if column.kind == "one_hot":
        places = g.constant(np.arange(beyond)[None], "categories", np.int64)
        value = g.cast(g.op("Equal", code, places), np.float64)
    is_refused = g.op("Less", number, g.number(0.0, np.float64))
    yield g.op("Where", is_refused, g.constant(np.nan, "refused", np.float64), value)
    if column.has_indicator:
        yield g.cast(_coded(g, cell, {"": 1}, 0), np.float64)


def _coded(g: Graph, cell: str, codes: Mapping[str, int], other: int) -> str:
    """The code of each text, (cases, 1) int64."""
    return g.op(
        "LabelEncoder",
        cell,
        domain="ai.onnx.ml",
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=other,
    )


# The layers


def _through_layers(g: Graph, model: Model, x: str) -> str:
    """The output of the last layer, (cases, *output_shape); NaN at padding."""
    network = model.network
    made = {INPUT: x}
    for k in network.graph.order:
        layer = network.layers[k]
        fed = [made[source] for source in network.graph.sources[k]]
        made[k] = LAYERS[layer.__class__](g, layer, *fed)
    y = made[network.graph.order[-1]]
    if g.padded is not None and model.steps is not None:
        y = g.op("Where", g.padded, g.number(np.nan), y)
    return y


# From the last layer to what its outputs mean


def _outputs(g: Graph, model: Model, y: str) -> list[Any]:
    """The declarations of the outputs."""
    lead: list[int | str] = ["cases"] if model.steps is None else ["cases", model.steps]
    if model.classes is not None:
        label, kind = _label(g, model, y)
        if model.of_probabilities and model.output_shape[-1] == 1:
            y = g.op("Concat", g.op("Sub", g.number(1.0), y), y, axis=-1)
        what = "probabilities" if model.of_probabilities else "scores"
        width = len(model.classes) if model.of_probabilities else model.output_shape[-1]
        return [
            _named(g, label, "label", kind, lead),
            _named(g, y, what, g.dtype, [*lead, width]),
        ]
    whole = ["cases", *model.output_shape]
    if model.multi_label:
        above = g.cast(g.op("Greater", y, g.number(0.5)), np.int64)
        labels = g.op("Where", g.op("IsNaN", y), g.number(-1, np.int64), above)
        return [
            _named(g, labels, "labels", np.int64, whole),
            _named(g, y, "probabilities", g.dtype, whole),
        ]
    if model.target_scaling is not None:
        y = _in_own_units(g, model, y)
    return [_named(g, y, "values", g.dtype, whole)]


def _named(g: Graph, value: str, name: str, dtype: Any, shape: list[Any]) -> Any:
    """The value as an output of the graph."""
    found = g.op("Identity", value, name=name)
    if dtype is str:
        kind = g.onnx.TensorProto.STRING
        return g.onnx.helper.make_tensor_value_info(found, kind, shape)
    return g.info(found, dtype, shape)


def _label(g: Graph, model: Model, y: str) -> tuple[str, Any]:
    """The label of each case and its type; an empty text, −1 or NaN where an output is NaN."""
    assert model.classes is not None
    if model.output_shape[-1] == 1:
        above = g.cast(g.op("Greater", y, g.number(0.5)), np.int64)
        number = g.op("Squeeze", above, g.sizes(-1))
    else:
        number = g.op("ArgMax", y, axis=-1, keepdims=0)
    lost = g.op("Squeeze", g.any_nan(y), g.sizes(-1))
    number = g.op("Where", lost, g.number(len(model.classes), np.int64), number)
    labels: Array = typed_labels(model.classes, model.label_type)
    if labels.dtype.kind == "U":
        names = g.texts([*labels.tolist(), ""], "classes")
        return g.op("Gather", names, number), str
    whole = labels.dtype.kind in "bi"
    kind = np.int64 if whole else np.float64
    values = [*labels.astype(kind).tolist(), -1 if whole else np.nan]
    return g.op("Gather", g.constant(values, "classes", kind), number), kind


def _in_own_units(g: Graph, model: Model, y: str) -> str:
    """y · scale + mean, computed in float64."""
    assert model.target_scaling is not None
    scaling, wide = model.target_scaling, g.cast(y, np.float64)
    scaled = g.op("Mul", wide, g.constant(scaling.scale.ravel(), "output.scale", np.float64))
    moved = g.op("Add", scaled, g.constant(scaling.mean.ravel(), "output.mean", np.float64))
    return g.cast(moved, g.dtype)

"""Each activation and each layer as nodes of ONNX: two tables, with a function an entry.

Between layers a case has its own shape, (features,), (steps, features) or (channels, height,
width). Where onnxruntime has no operator for float64, a function is written in operators that it
has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn import activations, layer_types
from chainrule.nn.activations import Activation
from chainrule.nn.images.geometry import Windows
from chainrule.nn.layer_types import Layer
from chainrule.runs.export.onnx_graph import Graph

# Activations


def _is_double(g: Graph) -> bool:
    return g.dtype == np.float64


def _elu_of(g: Graph, z: str, alpha: float, scale: float = 1.0) -> str:
    """scale · z for z > 0, else scale · alpha (eᶻ − 1)."""
    zero = g.number(0.0)
    below = g.op("Sub", g.op("Exp", g.op("Min", z, zero)), g.number(1.0))
    found = g.op("Add", g.op("Max", z, zero), g.op("Mul", below, g.number(alpha)))
    return found if scale == 1 else g.op("Mul", found, g.number(scale))


def _leaky_relu(g: Graph, phi: Any, z: str) -> str:
    positive = g.op("Greater", z, g.number(0.0))
    return g.op("Where", positive, z, g.op("Mul", z, g.number(phi.slope)))


def _elu(g: Graph, phi: Any, z: str) -> str:
    return _elu_of(g, z, phi.alpha) if _is_double(g) else g.op("Elu", z, alpha=phi.alpha)


def _selu(g: Graph, phi: Any, z: str) -> str:
    alpha, scale = activations._SELU_ALPHA, activations._SELU_SCALE
    return (
        _elu_of(g, z, alpha, scale) if _is_double(g) else g.op("Selu", z, alpha=alpha, gamma=scale)
    )


def _softplus(g: Graph, phi: Any, z: str) -> str:
    if not _is_double(g):
        return g.op("Softplus", z)
    decay = g.op("Exp", g.op("Neg", g.op("Abs", z)))
    return g.op("Add", g.op("Relu", z), g.op("Log", g.op("Add", decay, g.number(1.0))))


def _softsign(g: Graph, phi: Any, z: str) -> str:
    if not _is_double(g):
        return g.op("Softsign", z)
    return g.op("Div", z, g.op("Add", g.op("Abs", z), g.number(1.0)))


def _gelu(g: Graph, phi: Any, z: str) -> str:
    inner = g.op("Erf", g.op("Div", z, g.number(sqrt(2))))
    gate = g.op("Mul", g.op("Add", inner, g.number(1.0)), g.number(0.5))
    return g.op("Mul", z, gate)


def _silu(g: Graph, phi: Any, z: str) -> str:
    return g.op("Mul", z, g.op("Sigmoid", z))


def _mish(g: Graph, phi: Any, z: str) -> str:
    return g.op("Mul", z, g.op("Tanh", _softplus(g, phi, z)))


ACTIVATIONS: Mapping[type[Activation], Callable[[Graph, Any, str], str]] = {
    activations.Linear: lambda g, phi, z: z,
    activations.Sigmoid: lambda g, phi, z: g.op("Sigmoid", z),
    activations.Tanh: lambda g, phi, z: g.op("Tanh", z),
    activations.ReLU: lambda g, phi, z: g.op("Relu", z),
    activations.LeakyReLU: _leaky_relu,
    activations.ELU: _elu,
    activations.SELU: _selu,
    activations.GELU: _gelu,
    activations.SiLU: _silu,
    activations.Mish: _mish,
    activations.Softplus: _softplus,
    activations.Softsign: _softsign,
}
"""φ(z) of each activation: from the graph, φ and the name of z to the name of φ(z)."""

ONLY_FLOAT32: Mapping[type[Activation], str] = {
    activations.GELU: "onnxruntime has no error function in float64"
}
"""The activations that a graph in float64 cannot hold, with the reason."""


def phi(g: Graph, layer: Any, z: str) -> str:
    """φ(z) by the layer's own activation."""
    return ACTIVATIONS[type(layer.activation)](g, layer.activation, z)


# Layers


def _plus_bias(g: Graph, layer: Any, z: str, shape: tuple[int, ...] = (-1,)) -> str:
    if not layer.bias:
        return z
    return g.op("Add", z, g.constant(layer.b.reshape(shape), f"{layer.name}.b"))


def _dense(g: Graph, layer: Any, x: str) -> str:
    z = g.op("MatMul", x, g.constant(layer.W, f"{layer.name}.W"), name=f"{layer.name}.z")
    return phi(g, layer, _plus_bias(g, layer, z))


def _window_options(windows: Windows) -> dict[str, Any]:
    top, bottom, left, right = windows.padding
    return {
        "kernel_shape": [windows.rows, windows.columns],
        "strides": [*windows.stride],
        "pads": [top, left, bottom, right],
    }


def _conv2d(g: Graph, layer: Any, x: str) -> str:
    if _is_double(g):
        by_place = _filtered(g, layer, x, layer.W.reshape(len(layer.W), -1).T)
        return phi(g, layer, _plus_bias(g, layer, by_place, (-1, 1, 1)))
    inputs = [x, g.constant(layer.W, f"{layer.name}.W")]
    if layer.bias:
        inputs.append(g.constant(layer.b, f"{layer.name}.b"))
    z = g.op("Conv", *inputs, name=f"{layer.name}.z", **_window_options(layer.windows))
    return phi(g, layer, z)


def _locally_connected2d(g: Graph, layer: Any, x: str) -> str:
    windows = layer.windows
    W = layer.W.reshape(windows.places, layer.filters, windows.under).transpose(0, 2, 1)
    z = _filtered(g, layer, x, W)
    if layer.bias:
        b = layer.b.reshape(windows.down, windows.across, layer.filters).transpose(2, 0, 1)
        z = g.op("Add", z, g.constant(b, f"{layer.name}.b"))
    return phi(g, layer, z)


def _filtered(g: Graph, layer: Any, x: str, W: Array) -> str:
    """Filters applied to what is under each window; W is (under, filters), or one a place.

    Returns:
        (cases, filters, down, across), without biases.
    """
    under = _patches(g, x, layer.windows)
    one = g.op("Unsqueeze", under, g.sizes(2))  # (cases, places, 1, under)
    z = g.op("MatMul", one, g.constant(W, f"{layer.name}.W"), name=f"{layer.name}.z")
    by_place = g.op("Squeeze", z, g.sizes(2))
    turned = g.op("Transpose", by_place, perm=[0, 2, 1])
    return g.reshape(turned, *layer.output_shape)


def _patches(g: Graph, x: str, windows: Windows) -> str:
    """The numbers under each window, (cases, places, channels · rows · columns)."""
    top, bottom, left, right = windows.padding
    if any(windows.padding):
        pads = g.sizes(0, 0, top, left, 0, 0, bottom, right)
        x = g.op("Pad", x, pads, g.number(0.0))
    channels, height, width = windows.padded_image
    flat = g.reshape(x, channels * height * width)
    places = np.arange(channels * height * width).reshape(channels, height, width)
    i, j = np.indices((windows.down, windows.across)).reshape(2, -1, 1, 1, 1)
    c, p, q = np.indices((channels, windows.rows, windows.columns))
    at = places[c, i * windows.stride[0] + p, j * windows.stride[1] + q]
    index = g.constant(at.reshape(windows.places, windows.under), "places", np.int64)
    return g.op("Gather", flat, index, axis=1)


def _max_pool2d(g: Graph, layer: Any, x: str) -> str:
    return g.op("MaxPool", x, name=f"{layer.name}.y", **_window_options(layer.windows))


def _average_pool2d(g: Graph, layer: Any, x: str) -> str:
    windows = layer.windows
    if not _is_double(g):
        options = {**_window_options(windows), "count_include_pad": 1}
        return g.op("AveragePool", x, name=f"{layer.name}.y", **options)
    by_channel = g.reshape(
        _patches(g, x, windows), windows.places, windows.channels, windows.rows * windows.columns
    )
    mean = g.op("ReduceMean", by_channel, axes=[-1], keepdims=0)
    return g.reshape(g.op("Transpose", mean, perm=[0, 2, 1]), *layer.output_shape)


def _embedding(g: Graph, layer: Any, x: str) -> str:
    """The vectors of class numbers, one behind the other: 0 for −1, NaN for what is no class."""
    zeros = np.zeros((1, layer.size))  # the last row, which the index −1 takes
    vectors = g.constant(np.vstack([layer.E, zeros]), f"{layer.name}.E")
    whole = g.op("Equal", g.op("Floor", x), x)
    above = g.op("Greater", x, g.number(-1.5))
    below = g.op("Less", x, g.number(float(layer.classes)))
    is_class = g.op("And", whole, g.op("And", above, below))
    number = g.cast(g.op("Where", is_class, x, g.number(-1.0)), np.int64)
    found = g.op("Gather", vectors, number, axis=0)
    is_class = g.op("Unsqueeze", is_class, g.sizes(-1))
    return g.reshape(g.op("Where", is_class, found, g.number(np.nan)), *layer.output_shape)


def _recurrent(g: Graph, layer: Any, x: str) -> str:
    def step(states: list[str], fed: str, by_state: str) -> list[str]:
        return [phi(g, layer, g.op("Add", fed, by_state))]

    return _unrolled(g, layer, x, step)


def _lstm(g: Graph, layer: Any, x: str) -> str:
    def step(states: list[str], fed: str, by_state: str) -> list[str]:
        i, f, new, o = g.ops("Split", [g.op("Add", fed, by_state)], 4, axis=-1)
        kept = g.op("Mul", g.op("Sigmoid", f), states[1])
        c = g.op("Add", kept, g.op("Mul", g.op("Sigmoid", i), g.op("Tanh", new)))
        return [g.op("Mul", g.op("Sigmoid", o), g.op("Tanh", c)), c]

    return _unrolled(g, layer, x, step)


def _gru(g: Graph, layer: Any, x: str) -> str:
    b_hn = g.constant(layer.b_hn, f"{layer.name}.b_hn") if layer.bias else None

    def step(states: list[str], fed: str, by_state: str) -> list[str]:
        (r, u, new), (r_h, u_h, m) = (g.ops("Split", [z], 3, axis=-1) for z in (fed, by_state))
        m = m if b_hn is None else g.op("Add", m, b_hn)
        heard = g.op("Mul", g.op("Sigmoid", g.op("Add", r, r_h)), m)
        candidate = g.op("Tanh", g.op("Add", new, heard))
        u = g.op("Add", u, u_h)
        kept = g.op("Mul", g.op("Sigmoid", u), states[0])
        return [g.op("Add", g.op("Mul", g.op("Sigmoid", g.op("Neg", u)), candidate), kept)]

    return _unrolled(g, layer, x, step)


def _unrolled(
    g: Graph, layer: Any, x: str, step: Callable[[list[str], str, str], list[str]]
) -> str:
    """The output of a layer with states, from those before a step, x W + b, and h U."""
    fed = g.op("MatMul", x, g.constant(layer.W, f"{layer.name}.W"))
    fed = _plus_bias(g, layer, fed)
    U = g.constant(layer.U, f"{layer.name}.U")

    def run(states: list[str], now: list[str]) -> list[str]:
        return step(states, now[0], g.op("MatMul", states[0], U))

    starts = [getattr(layer, f"{name}0") for name in layer.state_names]
    last, by_step = g.over_steps(run, starts, [fed])
    return last[0] if layer.only_last else by_step[0]


def _batch_norm(g: Graph, layer: Any, x: str) -> str:
    """z = γ (x − mean) / √(variance + ε) + β by the running statistics, of each channel."""
    if _is_double(g) or layer.reads_sequences:
        scale = layer.gamma / np.sqrt(layer.variance + layer.epsilon)
        shape = (-1, 1, 1) if len(layer.input_shape) == 3 else (-1,)
        shift = (layer.beta - layer.mean * scale).reshape(shape)
        scaled = g.op("Mul", x, g.constant(scale.reshape(shape), f"{layer.name}.scale"))
        return phi(g, layer, g.op("Add", scaled, g.constant(shift, f"{layer.name}.shift")))
    names = ("gamma", "beta", "mean", "variance")
    arrays = [g.constant(getattr(layer, name), f"{layer.name}.{name}") for name in names]
    z = g.op("BatchNormalization", x, *arrays, epsilon=layer.epsilon, name=f"{layer.name}.z")
    return phi(g, layer, z)


def _layer_norm(g: Graph, layer: Any, x: str) -> str:
    """z = γ (x − mean) / √(variance + ε) + β over a case, or over each step of a sequence."""
    gamma, beta = (g.constant(getattr(layer, n), f"{layer.name}.{n}") for n in ("gamma", "beta"))
    axes = list(range(-len(layer.shapes()["gamma"]), 0))
    if not _is_double(g):
        options = {"axis": axes[0], "epsilon": layer.epsilon, "name": f"{layer.name}.z"}
        return phi(g, layer, g.op("LayerNormalization", x, gamma, beta, **options))
    centred = g.op("Sub", x, g.op("ReduceMean", x, axes=axes, keepdims=1))
    variance = g.op("ReduceMean", g.op("Mul", centred, centred), axes=axes, keepdims=1)
    deviation = g.op("Sqrt", g.op("Add", variance, g.number(layer.epsilon)))
    scaled = g.op("Mul", g.op("Div", centred, deviation), gamma)
    return phi(g, layer, g.op("Add", scaled, beta))


def _add(g: Graph, layer: Any, *sources: str) -> str:
    total, *rest = sources
    for source in rest:
        total = g.op("Add", total, source, name=f"{layer.name}.y")
    return total


def _concatenate(g: Graph, layer: Any, *sources: str) -> str:
    return g.op("Concat", *sources, axis=layer.axis, name=f"{layer.name}.y")


LAYERS: Mapping[type[Layer], Callable[..., str]] = {
    layer_types.Dense: _dense,
    layer_types.Softmax: lambda g, layer, x: g.op("Softmax", x, axis=-1),
    layer_types.Recurrent: _recurrent,
    layer_types.LSTM: _lstm,
    layer_types.GRU: _gru,
    layer_types.Conv2D: _conv2d,
    layer_types.LocallyConnected2D: _locally_connected2d,
    layer_types.MaxPool2D: _max_pool2d,
    layer_types.AveragePool2D: _average_pool2d,
    layer_types.BatchNorm: _batch_norm,
    layer_types.LayerNorm: _layer_norm,
    layer_types.GlobalAveragePool2D: lambda g, layer, x: g.op(
        "ReduceMean", x, axes=[2, 3], keepdims=0
    ),
    layer_types.Embedding: _embedding,
    layer_types.Flatten: lambda g, layer, x: g.reshape(x, layer.outputs),
    layer_types.Dropout: lambda g, layer, x: x,  # in evaluation
    layer_types.Add: _add,
    layer_types.Concatenate: _concatenate,
}
"""The output of each layer: from the graph, the layer and the names of its sources to a name."""

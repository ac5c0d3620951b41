"""A network's loss as a graph, for the second derivation of its gradient.

The forward pass is written once more in the graph's operations; none of the layers' backward
passes, Jacobians or derivatives is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule import autodiff as f
from chainrule.autodiff import Node, activate, backpropagate, loss_of, variable
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.sequences import has_target, lengths_of, padded_steps, target_rows
from chainrule.nn.graph import INPUT
from chainrule.nn.layer_types import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LocallyConnected2D,
    MaxPool2D,
    Recurrent,
    Softmax,
)
from chainrule.nn.losses import FromLogits, Loss
from chainrule.nn.network import Network
from chainrule.nn.parameters import Parameters
from chainrule.nn.sequences.losses import SequenceFromLogits, SequenceLoss

# Layers over sequences as graphs, for the second derivation of their gradients.
#
# The recurrence is written out step by step; its derivative is the graph's own.


def each_step(layer: Any, x: Node, map_of_rows: Callable[[Node], tuple[Node, ...]]) -> list[Node]:
    """What a map of rows makes of every step, as rows of cases; NaN at padding.

    Args:
        layer: whose input is a sequence.
        x: (cases, steps · features).
        map_of_rows: takes (cases · steps, features).
    """
    cases, (steps, features) = x.shape[0], layer.input_shape
    lengths = lengths_of(x.value.reshape(cases, steps, features))
    rows = _numbers(x.reshape((cases, steps, features)), lengths).reshape((-1, features))
    return [
        _marked(y.reshape((cases, steps, -1)), lengths).reshape((cases, -1))
        for y in map_of_rows(rows)
    ]


def recurrent(layer: Any, x: Node, parameters: Mapping[str, Node]) -> Node:
    """The output of a `chainrule.nn.Recurrent`, h(n) = φ(x(n) W + h(n−1) U + b).

    Truncated to k steps, the output of step m is computed anew from the value of h(m − k), which
    is a constant: that is the layer's definition of its truncated gradient.
    """
    cases, (steps, features) = x.shape[0], layer.input_shape
    lengths = lengths_of(x.value.reshape(cases, steps, features))
    numbers = _numbers(x.reshape((cases, steps, features)), lengths)
    fed = [numbers[:, n, :] @ parameters["W"] for n in range(steps)]

    def run(h: Any, first: int, last: int) -> list[Any]:
        """The states after steps first to last, counted from 1, from the state h before."""
        states = []
        for n in range(first, last + 1):
            z = fed[n - 1] + h @ parameters["U"]
            h = activate(z + parameters["b"] if layer.bias else z, layer.activation)
            states.append(h)
        return states

    start = _start(layer, parameters, cases)
    states = run(start, 1, steps)
    k = layer.truncate
    if k is not None and k < steps:
        values = [h.value for h in states]
        states = states[:k] + [
            run(values[m - k - 1], m - k + 1, m)[-1] for m in range(k + 1, steps + 1)
        ]
    by_case = f.concatenate([h.reshape((cases, 1, -1)) for h in states], axis=1)
    if not layer.only_last:
        return _marked(by_case, lengths).reshape((cases, -1))
    last = np.full(cases, steps - 1) if lengths is None else lengths - 1
    return by_case[np.arange(cases), last]


def _start(layer: Any, parameters: Mapping[str, Node], cases: int) -> Any:
    if layer.learns_start:
        return f.broadcast_to(parameters["h0"].reshape((1, -1)), (cases, layer.size))
    return np.broadcast_to(layer.start, (cases, layer.size)).copy()


def loss_over_steps(y: Node, t: Array, loss: Loss | FromLogits) -> Node:
    """The loss of y and t; of sequences the mean over cases of the sum over steps.

    Args:
        y: outputs or logits, (cases, outputs) or (cases, steps · outputs).
        t: prepared targets.
        loss: of the network.
    """
    if not isinstance(loss, SequenceLoss | SequenceFromLogits):
        return loss_of(y, t, loss)
    rows = y.reshape((*t.shape[:2], -1))[has_target(t)]
    return loss_of(rows, target_rows(t), loss.each) * (len(rows) / len(y))


def _numbers(x: Node, lengths: Array | None) -> Node:
    """x with 0 in place of padding."""
    if lengths is None:
        return x
    return f.where(padded_steps(lengths, x.shape[1])[:, :, None], 0.0, x)


def _marked(y: Node, lengths: Array | None) -> Node:
    """y with NaN at padding."""
    if lengths is None:
        return y
    return f.where(padded_steps(lengths, y.shape[1])[:, :, None], np.nan, y)


class NetworkGraph(NamedTuple):
    """A network at one batch.

    Attributes:
        loss: the node of the loss, penalty included.
        x: the node of the inputs, (cases, input).
        parameters: the nodes of the parameters by full name, such as ``dense_1.W``.
        outputs: the node of each layer's output by the layer's name.
    """

    loss: Node
    x: Node
    parameters: Mapping[str, Node]
    outputs: Mapping[str, Node]


class LayerNodes(NamedTuple):
    """What one layer computed: z, which a loss may start from, and the output."""

    z: Node
    output: Node


def _dense(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    if len(layer.input_shape) == 2:
        return LayerNodes(*each_step(layer, x, lambda rows: _dense_rows(layer, rows, parameters)))
    return _dense_rows(layer, x, parameters)


def _dense_rows(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    z = x @ parameters["W"]
    return _activated(layer, z + parameters["b"] if layer.bias else z)


def _recurrent(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    y = recurrent(layer, x, parameters)
    return LayerNodes(y, y)


def _softmax(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    if len(layer.input_shape) == 2:
        return LayerNodes(x, *each_step(layer, x, lambda rows: (f.softmax(rows),)))
    return LayerNodes(x, f.softmax(x))


def _add(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    width = layer.outputs
    terms = [x[:, start : start + width] for start in range(0, layer.inputs, width)]
    y = terms[0]
    for term in terms[1:]:
        y = y + term
    return LayerNodes(y, y)


def _concatenate(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    y = x[:, layer.order]
    return LayerNodes(y, y)


def _images(layer: Any, x: Node) -> Node:
    return x.reshape((len(x), *layer.input_shape))


def _rows(y: Node) -> Node:
    return y.reshape((len(y), -1))


def _conv2d(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    padded = f.pad2d(_images(layer, x), layer.windows.padding)
    z = f.conv2d(padded, parameters["W"], parameters.get("b"), stride=layer.stride)
    return _activated(layer, _rows(z))


def _locally_connected2d(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    z = f.local2d(_images(layer, x), parameters["W"], layer.stride, layer.windows.padding)
    if layer.bias:
        z = z + parameters["b"].transpose(2, 0, 1)
    return _activated(layer, _rows(z))


def _activated(layer: Any, z: Node) -> LayerNodes:
    z = z.named(f"{layer.name}.z")
    return LayerNodes(z, activate(z, layer.activation))


def _max_pool2d(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    where = (layer.window_size, layer.stride, layer.windows.padding)
    y = _rows(f.max_pool2d(_images(layer, x), *where))
    return LayerNodes(y, y)


def _average_pool2d(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    where = (layer.window_size, layer.stride, layer.windows.padding)
    y = _rows(f.average_pool2d(_images(layer, x), *where))
    return LayerNodes(y, y)


def _flatten(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    return LayerNodes(x, x)


def _dropout(layer: Any, x: Node, parameters: Mapping[str, Node]) -> LayerNodes:
    mask = layer.draw_mask(len(x), x.value.dtype)
    y = x if mask is None else x * mask
    return LayerNodes(y, y)


LAYERS: Mapping[type[Layer], Callable[[Any, Node, Mapping[str, Node]], LayerNodes]] = {
    Dense: _dense,
    Softmax: _softmax,
    Recurrent: _recurrent,
    Conv2D: _conv2d,
    LocallyConnected2D: _locally_connected2d,
    MaxPool2D: _max_pool2d,
    AveragePool2D: _average_pool2d,
    Flatten: _flatten,
    Dropout: _dropout,
    Add: _add,
    Concatenate: _concatenate,
}
"""Each layer's graph, given the layer, its input and its parameters."""


def network_graph(network: Network, x: Any, t: Any) -> NetworkGraph:
    """The loss of ``network`` at inputs x and targets t as a graph.

    Args:
        network: of layers of the table.
        x: inputs, (cases, input).
        t: targets, as `Network.loss` takes them.

    Raises:
        ConfigError: a layer has no graph.
        ShapeError: x or t does not fit.

    Example:
        >>> network = Network([Dense(1, "linear")], input=1, loss="mse", seed=1)
        >>> graph = network_graph(network, [[2.0]], [[0.0]])
        >>> float(graph.loss.value) == network.loss([[2.0]], [[0.0]])
        True
    """
    inputs = node = logits = variable(network.prepare_inputs(x), "x")
    made = {INPUT: inputs}
    targets = network.prepare_targets(t)
    parameters = {name: variable(value.copy(), name) for name, value in network.parameters.items()}
    outputs = {}
    for k in network.graph.order:
        layer = network.layers[k]
        kind = layer.__class__  # at each step of sequences that of the layer of rows
        if kind not in LAYERS:
            raise ConfigError(f"a layer of type {layer.type} has no graph yet: {layer.name}")
        own = {name: parameters[f"{layer.name}.{name}"] for name in layer.shapes()}
        fed = [made[source] for source in network.graph.sources[k]]
        x_of_layer = fed[0] if len(fed) == 1 else f.concatenate(fed, axis=1)
        logits, node = LAYERS[kind](layer, x_of_layer, own)
        outputs[layer.name] = made[k] = node.named(f"{layer.name}.a")
    pair = network.from_logits
    start = (node, network.loss_function) if pair is None else (logits, pair)
    loss = _penalised(loss_over_steps(start[0], targets, start[1]), network, parameters)
    return NetworkGraph(loss.named("L"), inputs, parameters, outputs)


def _penalised(loss: Node, network: Network, parameters: Mapping[str, Node]) -> Node:
    """The loss plus rate · Σ½w² and rate · Σ|w|."""
    for name, w in parameters.items():
        for kind, rate in network.penalty_rates(name).items():
            size = 0.5 * f.sum(w * w) if kind == "L2" else f.sum(f.absolute(w))
            loss = loss + rate * size
    return loss


def graph_gradient(network: Network, x: Any, t: Any) -> Parameters:
    """∂L/∂θ as the graph finds it, in the layout of θ.

    Args:
        network: see `network_graph`; neither θ nor its gradient is changed.
        x: inputs.
        t: targets.

    Example:
        >>> from chainrule.gradients import relative_error
        >>> network = Network([Dense(4, "tanh"), Dense(2)], input=3, loss="mse", seed=1)
        >>> x, t = [[1.0, 2.0, 3.0]], [[0.0, 1.0]]
        >>> value = network.loss(x, t)
        >>> analytic = network.backward_pass(t).vector
        >>> relative_error(graph_gradient(network, x, t).vector, analytic) < 1e-15
        True
    """
    graph = network_graph(network, x, t)
    found = Parameters(network.parameters.layout, dtype=network.dtype)
    nodes = backpropagate(graph.loss, list(graph.parameters.values()))
    for name, node in zip(graph.parameters, nodes, strict=True):
        view: Array = found[name]
        view[...] = node.value
    return found

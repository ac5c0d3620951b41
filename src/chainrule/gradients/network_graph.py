"""A network's loss as a graph of operations, for a second derivation of its gradient.

The forward pass of every layer is written a second time, in the operations of
`chainrule.autodiff`. The layers' own backward passes, Jacobians and derivatives are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from chainrule import autodiff as f
from chainrule.autodiff import Node
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.sequences import has_target, lengths_of, padded_steps, target_rows
from chainrule.nn import layer_types as layers
from chainrule.nn.graph import INPUT
from chainrule.nn.layers.base import Layer
from chainrule.nn.losses import FromLogits, Loss
from chainrule.nn.network import Network
from chainrule.nn.parameters import Parameters
from chainrule.nn.sequences.losses import SequenceFromLogits, SequenceLoss


class NetworkGraph(NamedTuple):
    """The graph of a network's loss on one batch.

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
    """Two nodes of one layer: z, before its activation or softmax, and its output.

    Some losses are computed from the last layer's z, its logits. For a layer without an activation
    or softmax, both are the same node.
    """

    z: Node
    output: Node


Arrays = Mapping[str, Node]
"""The nodes of one layer's parameters, by name, such as ``W``."""


def _without_activation(y: Node) -> LayerNodes:
    """The nodes of a layer without an activation."""
    return LayerNodes(y, y)


def _activated(layer: Any, z: Node) -> LayerNodes:
    """The nodes of a layer that applies its activation to z."""
    z = z.named(f"{layer.name}.z")
    return LayerNodes(z, f.activate(z, layer.activation))


# Layers whose input is one row of numbers for each case


def _dense(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    z = x @ own["W"]
    return _activated(layer, z + own["b"] if layer.bias else z)


def _add(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    """The sum of the layers that feed this one, whose outputs are concatenated in x."""
    width = layer.outputs
    terms = [x[:, start : start + width] for start in range(0, layer.inputs, width)]
    y = terms[0]
    for term in terms[1:]:
        y = y + term
    return _without_activation(y)


def _dropout(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    """x times the random mask of the layer's own forward pass, which is a constant here."""
    mask = layer.draw_mask(len(x), x.value.dtype)
    return _without_activation(x if mask is None else x * mask)


def _normalized(layer: Any, x: Node, axes: tuple[int, ...], own: Arrays) -> Node:
    """γ x̂ + β with the mean and the variance of x over some axes; ``own`` broadcasts to x."""
    away = x - f.mean(x, axis=axes, keepdims=True)
    variance = f.mean(away * away, axis=axes, keepdims=True)
    return own["gamma"] * (away / f.sqrt(variance + layer.epsilon)) + own["beta"]


def _layer_norm(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    """Rows and images alike; γ and β of an image's shape become rows."""
    rows = {name: value.reshape((-1,)) for name, value in own.items()}
    return _activated(layer, _normalized(layer, x, (1,), rows))


def _batch_norm(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    """Over the cases and places of each channel, or over the real steps of each feature."""
    if layer.reads_sequences:
        numbers, lengths = _sequences(layer, x)
        cases, steps, features = numbers.shape
        rows = numbers.reshape((-1, features))
        real = np.arange(cases * steps)
        if lengths is not None:
            real = np.flatnonzero(~padded_steps(lengths, steps))
        z = _by_columns(layer, rows[real], own)
        place = np.zeros(cases * steps, int)  # of each step in z; padding gets any, then NaN
        place[real] = np.arange(len(real))
        nodes = _activated(layer, z)
        by_step = (y[place].reshape((cases, steps, features)) for y in nodes)
        return LayerNodes(*(_rows(_padded(y, lengths, np.nan)) for y in by_step))
    return _activated(layer, _rows(_by_columns(layer, _images(layer, x), own)))


def _by_columns(layer: Any, x: Node, own: Arrays) -> Node:
    """Batch normalisation of (cases, features) or (cases, channels, height, width)."""
    shape = (-1, *(1,) * (len(x.shape) - 2))
    aligned = {name: value.reshape(shape) for name, value in own.items()}
    if layer.context.training:
        return _normalized(layer, x, (0, *range(2, len(x.shape))), aligned)
    mean, variance = (own[name].value.reshape(shape) for name in layer.untrained)
    away = (x - mean) / np.sqrt(variance + layer.epsilon)
    return aligned["gamma"] * away + aligned["beta"]


def _embedding(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    """The rows of E at the numbers in x, which are constants; zeros for −1."""
    numbers = np.rint(x.value.real).astype(int)
    vectors = own["E"][np.maximum(numbers, 0)]
    return _without_activation(_rows(f.where((numbers < 0)[:, :, None], 0.0, vectors)))


# Layers on images


def _images(layer: Any, x: Node) -> Node:
    """Rows reshaped to the layer's input, (cases, channels, height, width)."""
    return x.reshape((len(x), *layer.input_shape))


def _rows(y: Node) -> Node:
    """Images or sequences reshaped to one row for each case."""
    return y.reshape((len(y), -1))


def _conv2d(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    padded = f.pad2d(_images(layer, x), layer.windows.padding)
    return _activated(layer, _rows(f.conv2d(padded, own["W"], own.get("b"), stride=layer.stride)))


def _locally_connected2d(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    z = f.local2d(_images(layer, x), own["W"], layer.stride, layer.windows.padding)
    if layer.bias:
        z = z + own["b"].transpose(2, 0, 1)
    return _activated(layer, _rows(z))


def _pool(pool: Callable[..., Node]) -> Callable[..., LayerNodes]:
    """The graph of a pooling layer; ``pool`` is the graph's operation."""

    def pooled(layer: Any, x: Node, own: Arrays) -> LayerNodes:
        windows = (layer.window_size, layer.stride, layer.windows.padding)
        return _without_activation(_rows(pool(_images(layer, x), *windows)))

    return pooled


def _global_average_pool2d(layer: Any, x: Node, own: Arrays) -> LayerNodes:
    return _without_activation(f.mean(_images(layer, x), axis=(2, 3)))


# Layers on sequences


def _at_each_step(layer: Any, x: Node, map_of_rows: Callable[[Node], LayerNodes]) -> LayerNodes:
    """The nodes of a layer of rows that is applied at each step of a sequence.

    Each node has one row for each case, (cases, steps · size), with NaN at padded steps.

    Args:
        layer: the layer.
        x: its input, (cases, steps · features).
        map_of_rows: the layer's graph for one step of one case in each row.
    """
    numbers, lengths = _sequences(layer, x)
    found = map_of_rows(numbers.reshape((-1, layer.input_shape[1])))
    by_step = (y.reshape((*numbers.shape[:2], -1)) for y in found)
    return LayerNodes(*(_rows(_padded(y, lengths, np.nan)) for y in by_step))


def _sequences(layer: Any, x: Node) -> tuple[Node, Array | None]:
    """The input as (cases, steps, features), 0 at padded steps, and the length of each case."""
    sequences = x.reshape((len(x), *layer.input_shape))
    lengths = lengths_of(sequences.value)
    return _padded(sequences, lengths, 0.0), lengths


def _padded(x: Node, lengths: Array | None, value: float) -> Node:
    """The sequences, with ``value`` in place of each number of a padded step."""
    return (
        x if lengths is None else f.where(padded_steps(lengths, x.shape[1])[:, :, None], value, x)
    )


Step = Callable[[Any, Node, Arrays, tuple[Any, ...]], tuple[Node, ...]]
"""One step of a layer with a state: the states after it, the first of which is put out.

Its arguments are the layer, x(n) W of the step, the parameters and the states before it.
"""


def _recurrent_step(layer: Any, xW: Node, own: Arrays, states: tuple[Any, ...]) -> tuple[Node]:
    """h(n) = φ(x(n) W + h(n−1) U + b)."""
    z = xW + states[0] @ own["U"]
    return (f.activate(z + own["b"] if layer.bias else z, layer.activation),)


def _gate(z: Node, k: int, size: int) -> Node:
    """The block of z that belongs to gate k."""
    return z[:, k * size : (k + 1) * size]


def _lstm_step(layer: Any, xW: Node, own: Arrays, states: tuple[Any, ...]) -> tuple[Node, Node]:
    """h(n) and c(n), see `chainrule.nn.LSTM`."""
    h, c = states
    z = xW + h @ own["U"]
    z = z + own["b"] if layer.bias else z
    i, forget, g, o = (_gate(z, k, layer.size) for k in range(4))
    c = f.sigmoid(forget) * c + f.sigmoid(i) * f.tanh(g)
    return f.sigmoid(o) * f.tanh(c), c


def _gru_step(layer: Any, xW: Node, own: Arrays, states: tuple[Any, ...]) -> tuple[Node]:
    """h(n), see `chainrule.nn.GRU`."""
    (h,) = states
    xW = xW + own["b"] if layer.bias else xW
    hU = h @ own["U"]
    (xr, xu, xg), (hr, hu, m) = ([_gate(z, k, layer.size) for k in range(3)] for z in (xW, hU))
    m = m + own["b_hn"] if layer.bias else m
    g = f.tanh(xg + f.sigmoid(xr + hr) * m)
    return (f.sigmoid(-(xu + hu)) * g + f.sigmoid(xu + hu) * h,)


def _unrolled(layer: Any, x: Node, own: Arrays, step: Step) -> LayerNodes:
    """The output of a layer with a state, such as a `chainrule.nn.Recurrent`.

    The truncated gradient of k steps is defined as follows: the output of each step m > k is
    computed from the states of step m − k, which are treated as constants.
    """
    numbers, lengths = _sequences(layer, x)
    cases, steps = numbers.shape[:2]
    xW = [numbers[:, n, :] @ own["W"] for n in range(steps)]

    def run(states: tuple[Any, ...], first: int, last: int) -> list[tuple[Any, ...]]:
        """The states of the steps first, …, last, computed from those of step first − 1."""
        found = []
        for n in range(first, last + 1):
            states = step(layer, xW[n - 1], own, states)
            found.append(states)
        return found

    found = run(tuple(_starts(layer, own, cases)), 1, steps)
    k = layer.truncate
    if k is not None and k < steps:
        values = [tuple(state.value for state in states) for states in found]
        found = found[:k] + [
            run(values[m - k - 1], m - k + 1, m)[-1] for m in range(k + 1, steps + 1)
        ]
    by_case = f.concatenate([states[0].reshape((cases, 1, -1)) for states in found], axis=1)
    if not layer.only_last:
        return _without_activation(_rows(_padded(by_case, lengths, np.nan)))
    last = np.full(cases, steps - 1) if lengths is None else lengths - 1
    return _without_activation(by_case[np.arange(cases), last])


def _starts(layer: Any, own: Arrays, cases: int) -> Iterator[Any]:
    """The start of each state, (cases, size)."""
    given = np.split(layer.start, len(layer.state_names))
    for name, numbers in zip(layer.state_names, given, strict=True):
        if layer.learns_start:
            yield f.broadcast_to(own[f"{name}0"].reshape((1, -1)), (cases, layer.size))
        else:
            yield np.broadcast_to(numbers, (cases, layer.size)).copy()


def loss_over_steps(y: Node, t: Array, loss: Loss | FromLogits) -> Node:
    """The loss of outputs y, or of logits y if ``loss`` is computed from logits.

    For sequences it is the sum over the steps that have a target, averaged over the cases.
    """
    if not isinstance(loss, SequenceLoss | SequenceFromLogits):
        return f.loss_of(y, t, loss)
    rows = y.reshape((*t.shape[:2], -1))[has_target(t)]
    return f.loss_of(rows, target_rows(t), loss.each) * (len(rows) / len(y))


def _weighted_loss(y: Node, t: Array, loss: Loss | FromLogits, weights: Array) -> Node:
    """(1/N) Σ wᵢ Lᵢ, with a graph for the loss of each case that has a target."""
    total = f.constant(0.0, y)
    for case, weight in enumerate(weights):
        own = slice(case, case + 1)
        if len(target_rows(t[own])):
            total = total + loss_over_steps(y[own], t[own], loss) * (float(weight) / len(y))
    return total


LAYERS: Mapping[type[Layer], Callable[..., LayerNodes]] = {
    layers.Dense: _dense,
    layers.Softmax: lambda layer, x, own: LayerNodes(x, f.softmax(x)),
    layers.Recurrent: partial(_unrolled, step=_recurrent_step),
    layers.LSTM: partial(_unrolled, step=_lstm_step),
    layers.GRU: partial(_unrolled, step=_gru_step),
    layers.Conv2D: _conv2d,
    layers.LocallyConnected2D: _locally_connected2d,
    layers.MaxPool2D: _pool(f.max_pool2d),
    layers.AveragePool2D: _pool(f.average_pool2d),
    layers.GlobalAveragePool2D: _global_average_pool2d,
    layers.Embedding: _embedding,
    layers.Flatten: lambda layer, x, own: _without_activation(x),
    layers.Dropout: _dropout,
    layers.BatchNorm: _batch_norm,
    layers.LayerNorm: _layer_norm,
    layers.Add: _add,
    layers.Concatenate: lambda layer, x, own: _without_activation(x[:, layer.order]),
}
"""For each class of layer, the function that makes its graph from layer, input and parameters."""


def _nodes(layer: Layer, x: Node, own: Arrays) -> LayerNodes:
    # A layer that is applied at each step is of another type, but its __class__ is still that of
    # the layer of rows.
    kind = layer.__class__
    if kind not in LAYERS:
        raise ConfigError(f"a layer of type {layer.type} has no graph yet: {layer.name}")
    graph = LAYERS[kind]
    if layer.at_each_step:
        return _at_each_step(layer, x, lambda rows: graph(layer, rows, own))
    return graph(layer, x, own)


def network_graph(network: Network, x: Any, t: Any, weights: Any = None) -> NetworkGraph:
    """The graph of the loss of ``network`` on inputs x and targets t.

    Args:
        network: whose layers are all of classes in `LAYERS`.
        x: inputs, (cases, input).
        t: targets, as `Network.loss` takes them.
        weights: those of the cases, as `Network.loss` takes them.

    Raises:
        ConfigError: a layer is of another class.
        ShapeError: x, t or weights do not fit the network.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(1, "linear")], input=1, loss="mse", seed=1)
        >>> graph = network_graph(network, [[2.0]], [[0.0]])
        >>> float(graph.loss.value) == network.loss([[2.0]], [[0.0]])
        True
    """
    inputs = node = logits = f.variable(network.prepare_inputs(x), "x")
    made = {INPUT: inputs}
    targets = network.prepare_targets(t)
    parameters = {
        name: f.variable(value.copy(), name) for name, value in network.parameters.items()
    }
    outputs = {}
    for k in network.graph.order:
        layer = network.layers[k]
        own = {name: parameters[f"{layer.name}.{name}"] for name in layer.shapes()}
        fed = [made[source] for source in network.graph.sources[k]]
        logits, node = _nodes(layer, fed[0] if len(fed) == 1 else f.concatenate(fed, axis=1), own)
        outputs[layer.name] = made[k] = node.named(f"{layer.name}.a")
    of_logits = network.from_logits  # softmax or sigmoid with its cross-entropy; None for others
    y, function = (node, network.loss_function) if of_logits is None else (logits, of_logits)
    w = network.prepare_weights(weights, len(targets))
    if w is None:
        loss = loss_over_steps(y, targets, function)
    else:
        loss = _weighted_loss(y, targets, function, w)
    loss = _penalised(loss, network, parameters)
    return NetworkGraph(loss.named("L"), inputs, parameters, outputs)


def _penalised(loss: Node, network: Network, parameters: Mapping[str, Node]) -> Node:
    """The loss plus each array's penalty: rate · Σ½w² for L2, rate · Σ|w| for L1."""
    for name, w in parameters.items():
        for kind, rate in network.penalty_rates(name).items():
            size = 0.5 * f.sum(w * w) if kind == "L2" else f.sum(f.absolute(w))
            loss = loss + rate * size
    return loss


def graph_gradient(network: Network, x: Any, t: Any, weights: Any = None) -> Parameters:
    """∂L/∂θ by reverse mode over the graph, in the layout of θ.

    Args:
        network: see `network_graph`; neither θ nor its gradient is changed.
        x: inputs.
        t: targets.
        weights: those of the cases.

    Example:
        >>> from chainrule.gradients import relative_error
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(4, "tanh"), Dense(2)], input=3, loss="mse", seed=1)
        >>> x, t = [[1.0, 2.0, 3.0]], [[0.0, 1.0]]
        >>> value = network.loss(x, t)
        >>> analytic = network.backward_pass(t).vector
        >>> relative_error(graph_gradient(network, x, t).vector, analytic) < 1e-15
        True
    """
    graph = network_graph(network, x, t, weights)
    found = Parameters(network.parameters.layout, dtype=network.dtype)
    nodes = f.backpropagate(graph.loss, list(graph.parameters.values()))
    for name, node in zip(graph.parameters, nodes, strict=True):
        view: Array = found[name]
        view[...] = node.value
    return found

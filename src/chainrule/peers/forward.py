"""A network's forward pass in another library's arrays, layer by layer.

What a layer computes there is written once more, in a table of that library's own functions;
none of the layers' code here is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import are_sequences, has_target, target_rows
from chainrule.nn.building import activation_name
from chainrule.nn.graph import INPUT
from chainrule.nn.layer_types import Add, Concatenate, Layer
from chainrule.nn.losses import FromLogits, Loss
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import SequenceFromLogits, SequenceLoss, loss_of_a_step

LayerFunction = Callable[[Any, Any, Mapping[str, Any]], tuple[Any, Any]]
"""z and the output of a layer, given the layer, its x and its parameters by name."""

Layers = Mapping[type[Layer], LayerFunction]


def obstacle_of_layers(network: Network, layers: Layers, activations: Any) -> str | None:
    """The first layer or activation that a library has no function for; None where it has all.

    Args:
        network: any.
        layers: the library's table of layers.
        activations: the classes of activations that it knows.
    """
    for layer in network.layers:
        kind = layer.__class__  # at each step of sequences that of the layer of rows
        if kind not in layers:
            return f"it has no layer {kind.__name__}"
        phi = getattr(layer, "activation", None)
        if phi is not None and type(phi) not in activations:
            return f"it has no activation {activation_name(layer)}"  # type: ignore[arg-type]
    return None


def logits_and_outputs(
    network: Network,
    x: Any,
    parameters: Mapping[str, Any],
    layers: Layers,
    concatenate: Callable[[Sequence[Any]], Any],
) -> tuple[Any, Any]:
    """The last layer's z and output.

    Args:
        network: whose layers the table has.
        x: inputs, (cases, input).
        parameters: by full name, such as ``dense_1.W``.
        layers: the library's table.
        concatenate: the library's, along axis 1.
    """
    made, z = {INPUT: x}, x
    for k in network.graph.order:
        layer = network.layers[k]
        own = {name: parameters[f"{layer.name}.{name}"] for name in layer.shapes()}
        fed = [made[source] for source in network.graph.sources[k]]
        joined = fed[0] if len(fed) == 1 else concatenate(fed)
        z, made[k] = layers[layer.__class__](layer, joined, own)
    return z, made[network.graph.order[-1]]


def add(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    """The sum of stretches of each row."""
    width = layer.outputs
    y = x[:, :width]
    for start in range(width, layer.inputs, width):
        y = y + x[:, start : start + width]
    return y, y


def concatenate_rows(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    """The numbers of each row in their new order."""
    y = x[:, layer.order]
    return y, y


JOINS: Layers = {Add: add, Concatenate: concatenate_rows}
"""What joins do in any library."""


def dropout(xp: Any) -> LayerFunction:
    """The function of a dropout layer: a product with the very mask that our own pass draws.

    Args:
        xp: the library's module of array operations.
    """

    def of_cases(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
        """x ⊙ m in training mode, else x, twice."""
        mask = layer.draw_mask(len(x), np.dtype(float))
        y = x if mask is None else x * xp.asarray(mask)
        return y, y

    return of_cases


# Layers and losses over sequences in another library's arrays; the library differentiates them.
#
# PyTorch and JAX have the operations that are needed here under the same names. Padding is found
# anew, from the NaN of the inputs.


def at_each_step(xp: Any, of_rows: LayerFunction) -> LayerFunction:
    """A layer's function of rows, which of a sequence is done at every step.

    Args:
        xp: the library's module of array operations.
        of_rows: takes and gives (rows, features).
    """

    def of_cases(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
        """The z and the output for rows of cases, (cases, steps · features); NaN at padding."""
        if len(layer.input_shape) == 1:
            return of_rows(layer, x, own)
        steps, features = layer.input_shape
        sequence = x.reshape((-1, steps, features))
        padded = xp.isnan(sequence).all(2)[:, :, None]
        rows = xp.where(padded, 0.0, sequence).reshape((-1, features))
        found = (y.reshape((-1, steps, layer.size)) for y in of_rows(layer, rows, own))
        z, y = (xp.where(padded, float("nan"), one).reshape((len(x), -1)) for one in found)
        return z, y

    return of_cases


def recurrent(xp: Any, activate: Callable[[Any, Any], Any]) -> LayerFunction:
    """The function of a recurrent layer.

    Args:
        xp: the library's module of array operations.
        activate: φ(z), given the library's activation φ of ours.
    """

    def of_cases(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
        """The output for rows of cases, twice: no loss is computed from z. NaN at padding."""
        steps, features = layer.input_shape
        sequence = x.reshape((-1, steps, features))
        padded = xp.isnan(sequence).all(2)
        fed = xp.where(padded[:, :, None], 0.0, sequence)
        start = own["h0"] if layer.learns_start else xp.asarray(layer.start)
        h, states = start[None, :] + 0 * fed[:, 0, :1], []
        for n in range(steps):
            z = fed[:, n, :] @ own["W"] + h @ own["U"]
            h = activate(layer.activation, z + own["b"] if layer.bias else z)
            states.append(h)
        by_case = xp.stack(states, 1)
        if layer.only_last:
            y = by_case[np.arange(len(x)), (~padded).sum(1) - 1]
            return y, y
        y = xp.where(padded[:, :, None], float("nan"), by_case).reshape((len(x), -1))
        return y, y

    return of_cases


def of_a_step(loss: Loss | FromLogits | None) -> Any:
    """What the libraries' tables of losses know: the loss of a step, or any other as it is."""
    if isinstance(loss, SequenceFromLogits):
        return loss.each
    return loss_of_a_step(loss) if isinstance(loss, SequenceLoss) else loss


def summed(
    loss: Callable[[Any, Any], Any], y: Any, t: Array, array: Callable[[Array], Any]
) -> Any:
    """The loss of y and t; of sequences the mean over cases of the sum over steps.

    Args:
        loss: the mean over rows.
        y: the library's outputs or logits, (cases, outputs).
        t: prepared targets.
        array: makes the library's array of one of NumPy's.
    """
    if not are_sequences(t):
        return loss(y, array(t))
    case, step = np.nonzero(has_target(t))
    rows = y.reshape((len(t), t.shape[1], -1))[case, step]
    return loss(rows, array(target_rows(t))) * (len(case) / len(t))

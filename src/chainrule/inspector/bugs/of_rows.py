"""Bugs of dense layers, activations, softmax, dropout, embedding and joins."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.inspector.bugs.bug import At, Planted, bent_layers, layers_of, moved
from chainrule.inspector.record import Record
from chainrule.nn.activations import Sigmoid, Tanh
from chainrule.nn.graph import INPUT

FILTERED = ("conv2d", "locally_connected2d")
"""The types of layers with filters."""

BACK = ("dense", *FILTERED)
"""The types that send ∂L/∂input back by their weights W."""


# φ


def no_slope(at: At) -> Array | None:
    """δ = ∂L/∂a, as if φ were the identity."""
    if at.stage == "slopes":
        return np.ones_like(at.right)
    return None if at.is_given or not at.has("z") else at.array("J").reshape(at.right.shape)


def no_slope_at_output(at: At) -> Array | None:
    """The same at the output alone."""
    return no_slope(at) if at.is_last else None


def slope_at_output(at: At) -> Array | None:
    """φ′ of a in place of φ′ of z."""
    if at.is_given or not at.has("z"):
        return None
    slope = at.layer.activation.derivative(at.array("h" if at.has("h") else "out"))
    return _with_slope(at, slope)


def formula_at_z(at: At) -> Array | None:
    """The formula for the slope in terms of a, with z put in."""
    if at.is_given or not isinstance(getattr(at.layer, "activation", None), Tanh | Sigmoid):
        return None
    z = at.array("z")
    return _with_slope(at, 1 - z * z if isinstance(at.layer.activation, Tanh) else z * (1 - z))


def _with_slope(at: At, slope: Array) -> Array:
    """φ′ itself where it is asked for, else ∂L/∂a φ′."""
    if at.stage == "slopes":
        return slope
    return (at.array("J") * slope).reshape(at.right.shape)


def has_slopes(record: Record) -> bool:
    """Whether an activation is bent."""
    return any(bent_layers(record))


def has_slope_at_output(record: Record) -> bool:
    """Whether the output has an activation whose slope is used."""
    last = record.layer(record.network.graph.order[-1])
    return any(layer is last for layer in bent_layers(record))


def has_other_slopes_at_outputs(record: Record) -> bool:
    """Whether φ′(a) is not φ′(z); of relu it is."""
    z = np.linspace(-3, 3, 25)
    return any(
        not np.allclose(phi.derivative(phi.value(z)), phi.derivative(z))
        for phi in (layer.activation for layer in bent_layers(record))
    )


def has_tanh_or_sigmoid(record: Record) -> bool:
    """Whether a slope is taken of a tanh or a sigmoid."""
    return any(isinstance(layer.activation, Tanh | Sigmoid) for layer in bent_layers(record))


# W on the way back


def back_by(at: At, W: Array) -> Array:
    """∂L/∂input by other weights than the layer's."""
    if at.type in FILTERED:
        found: Array = at.layer.jacobians_at(at.layer.x, W)["x"].vjp(_rows(at.delta))
        return found
    jacobian = at.layer.jacobians()["x"]
    if hasattr(jacobian, "inner"):
        return replace(jacobian, inner=replace(jacobian.inner, W=W)).vjp(_rows(at.delta))
    return replace(jacobian, W=W).vjp(_rows(at.delta))


def _rows(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _own_gradient(at: At) -> Array:
    """∂L/∂W of the layer, without the penalty."""
    return at.record.network.gradients[f"{at.layer.name}.W"]


def not_transposed(at: At) -> Array | None:
    """δ W in place of δ Wᵀ."""
    if at.type != "dense" or at.layer.W.shape[0] != at.layer.W.shape[1]:
        return None
    return back_by(at, at.layer.W.T)


def updated_too_soon(at: At) -> Array | None:
    """δ Wᵀ with the W after the update."""
    if at.type not in BACK or not _learns(at.record, at.layer):
        return None
    return back_by(at, at.layer.W - at.rate * _own_gradient(at))


def gradient_for_weights(at: At) -> Array | None:
    """δ times the gradient of W in place of W."""
    if at.type not in BACK or not _learns(at.record, at.layer):
        return None
    return back_by(at, _own_gradient(at))


def _learns(record: Record, layer: Any) -> bool:
    layout = record.network.parameters.layout
    return any(one.name == "W" and one.trained for one in layout.of_layer(layer.name))


def has_square_weights(record: Record) -> bool:
    """Whether a dense layer's W is square, so that its transposed fits as well."""
    return any(one.W.shape[0] == one.W.shape[1] > 1 for one in layers_of(record, "dense"))


def sends_by_learnt_weights(record: Record) -> bool:
    """Whether a layer that learns its W sends ∂L/∂input back by it."""
    return any(_learns(record, layer) for layer in layers_of(record, *BACK))


def learns_by_steps(record: Record) -> bool:
    """Whether the update moves such a W."""
    step = record.step
    rates = record.network.rates(step.rule.default_rate)
    return step.scale > 0 and any(
        rates[f"{layer.name}.W"] for layer in layers_of(record, *BACK) if _learns(record, layer)
    )


# Gradients of parameters


def reshaped(at: At) -> Array | None:
    """δᵀ x, brought into shape by reshape where it should be transposed."""
    if at.stage != "W_grad" or at.type != "dense":
        return None
    return at.right.T.reshape(at.right.shape)


def own_output(at: At) -> Array | None:
    """The layer's output in place of its input."""
    if at.stage != "W_grad" or at.type != "dense" or not _is_as_wide(at.layer):
        return None
    width = at.right.shape[0]
    return at.array("out").reshape(-1, width).T @ at.delta.reshape(-1, width)


def _is_as_wide(layer: Any) -> bool:
    return bool(layer.W.shape[0] == layer.W.shape[1])


def bias_averaged(at: At) -> Array | None:
    """The mean of δ over the cases in place of their sum."""
    return at.right / at.cases if at.parameter in ("b", "b_hn") else None


def bias_of_first_case(at: At) -> Array | None:
    """δ of the first case alone."""
    if at.stage != "b_grad" or at.type not in ("dense", "conv2d"):
        return None
    first = at.delta[0]
    if at.type == "conv2d":
        return first.sum(axis=(1, 2))
    return first.reshape(-1, at.right.size).sum(axis=0)


def bias_of_all_units(at: At) -> Array | None:
    """One number for all units."""
    return np.full_like(at.right, at.right.sum()) if at.parameter in ("b", "b_hn") else None


def no_bias(at: At) -> Array | None:
    """The biases left as they are."""
    return np.zeros_like(at.right) if at.parameter in ("b", "b_hn") else None


def has_biases(record: Record) -> bool:
    """Whether biases are learnt."""
    return any(moved(record, "b", "b_hn"))


def has_biases_and_cases(record: Record) -> bool:
    """Whether biases are learnt from several cases."""
    return has_biases(record) and len(record.x) > 1


def has_plain_biases_and_cases(record: Record) -> bool:
    """Whether a dense or a convolutional layer learns its biases from several cases."""
    plain = {layer.name for layer in layers_of(record, "dense", "conv2d")}
    return len(record.x) > 1 and any(one.layer in plain for one in moved(record, "b"))


def has_several_biases(record: Record) -> bool:
    """Whether a layer learns several biases."""
    return any(np.prod(segment.shape) > 1 for segment in moved(record, "b", "b_hn"))


def has_wide_weights(record: Record) -> bool:
    """Whether a dense layer learns a W of several rows and columns."""
    dense = {layer.name for layer in layers_of(record, "dense")}
    return any(min(one.shape) > 1 for one in moved(record, "W") if one.layer in dense)


def has_as_wide_a_layer(record: Record) -> bool:
    """Whether a dense layer that learns has as many units as inputs."""
    return any(_is_as_wide(one) and _learns(record, one) for one in layers_of(record, "dense"))


def loop_too_short(at: At) -> Array | None:
    """The first layer with parameters left out."""
    return np.zeros_like(at.right) if at.layer.name == _first_to_learn(at.record) else None


def _first_to_learn(record: Record) -> str | None:
    learning = {segment.layer for segment in record.network.parameters.layout.trained}
    order = (record.layer(k).name for k in record.network.graph.order)
    return next((name for name in order if name in learning), None)


def first_layer_learns(record: Record) -> bool:
    """Whether the gradient of the first layer with parameters is not 0."""
    first = _first_to_learn(record)
    trained = record.network.parameters.layout.trained
    return any(
        record[f"{segment.full_name}_grad"].any() for segment in trained if segment.layer == first
    )


# Softmax, dropout, embedding, joins


def diagonal_softmax(at: At) -> Array | None:
    """y (1 − y) alone: the other classes forgotten."""
    if at.type != "softmax":
        return None
    y = at.array("out")
    return (at.array("J") * y * (1 - y)).reshape(at.right.shape)


def has_softmax(record: Record) -> bool:
    """Whether there is a softmax."""
    return any(layers_of(record, "softmax"))


def no_mask(at: At) -> Array | None:
    """∂L/∂output passed on as it is."""
    return at.array("J").reshape(at.right.shape) if at.type == "dropout" else None


def unscaled_mask(at: At) -> Array | None:
    """The mask of zeros and ones, without its 1 / (1 − rate)."""
    if at.type != "dropout":
        return None
    return (at.array("J") * (at.array("mask") > 0)).reshape(at.right.shape)


def has_dropout(record: Record) -> bool:
    """Whether numbers are dropped."""
    return any(layer.rate > 0 for layer in layers_of(record, "dropout"))


def assigned_vectors(at: At) -> Array | None:
    """The last use of a class number alone, where all uses add up."""
    if at.stage != "E_grad":
        return None
    found = np.zeros_like(at.right)
    for number, row in zip(*_uses(at), strict=True):
        if number >= 0:
            found[int(number)] = row
    return found


def _uses(at: At) -> tuple[Array, Array]:
    """The class numbers, −1 at padding, and ∂L/∂output of each."""
    (source,) = at.record.network.graph.sources[at.k]
    name = "input" if source == INPUT else at.record.layer(source).name
    numbers = np.nan_to_num(at.record[f"{name}.out"], nan=-1).ravel()
    return numbers, at.array("J").reshape(len(numbers), -1)


def uses_vectors_again(record: Record) -> bool:
    """Whether a class number comes twice."""
    if not any(moved(record, "E")):
        return False
    numbers = record["input.out"][record["input.out"] >= 0]
    return len(np.unique(numbers)) < len(numbers)


def assigned_sum(at: At) -> Array | None:
    """Of a layer with several consumers: what the last of them sends, alone."""
    graph = at.record.network.graph
    uses = [
        (k, place)
        for k in reversed(graph.order)
        for place, source in enumerate(graph.sources[k], 1)
        if source == at.k
    ]
    if len(uses) < 2:
        return None
    k, place = uses[-1]
    name = "sent" if len(graph.sources[k]) == 1 else f"sent_{place}"
    return at.record[f"{at.record.layer(k).name}.{name}"].reshape(at.right.shape)


def feeds_several(record: Record) -> bool:
    """Whether a layer feeds several."""
    graph = record.network.graph
    uses = Counter(source for k in graph.order for source in graph.sources[k])
    return any(count > 1 for source, count in uses.items() if source != INPUT)


DELTA = ("delta", "slopes")
"""Where the slope of an activation is used: δ, and of a recurrent layer φ′ at every step."""

SLOPES = (
    Planted(
        "no_slope",
        "The activation's slope forgotten",
        "I sent ∂L/∂a straight on as δ, as if the activation were not there.",
        "The chain rule: δ = ∂L/∂a · φ′(z), where φ′ is the slope of the activation.",
        "Look at a unit that is nearly saturated. How much should its z still matter?",
        "delta = J * phi_slope(z)",
        "delta = J",
        DELTA,
        no_slope,
        has_slopes,
    ),
    Planted(
        "no_slope_at_output",
        "The output's slope forgotten",
        "For cross-entropy δ is y − t, so I began with that for my loss as well.",
        "Only with the loss that belongs to the activation does φ′ cancel; otherwise "
        "δ = ∂L/∂y · φ′(z).",
        "Which pairs of a loss and an output let the slope cancel? Is yours one of them?",
        "delta = J * phi_slope(z)",
        "delta = J  # at the output",
        DELTA,
        no_slope_at_output,
        has_slope_at_output,
    ),
    Planted(
        "slope_at_output",
        "The slope taken at a instead of z",
        "I had the activation's output at hand and put that into its slope φ′.",
        "The slope is taken where the activation was: at z.",
        "Compute the slope of one unit by hand. Which number did you put in?",
        "delta = J * phi_slope(z)",
        "delta = J * phi_slope(a)",
        DELTA,
        slope_at_output,
        has_other_slopes_at_outputs,
    ),
    Planted(
        "formula_at_z",
        "The slope's formula in a, with z put in",
        "I knew that the slope is 1 − a² (of a sigmoid a (1 − a)), and wrote it with z.",
        "The short formulas are in terms of a: tanh′(z) = 1 − a², σ′(z) = a (1 − a).",
        "Is a slope of these functions ever below 0, or above 1?",
        "delta = J * (1 - a ** 2)",
        "delta = J * (1 - z ** 2)",
        DELTA,
        formula_at_z,
        has_tanh_or_sigmoid,
    ),
)

BIASES = (
    Planted(
        "bias_averaged",
        "Bias averaged",
        "For the bias I took the mean of δ over the cases. δ was averaged already.",
        "A bias is added in every case, so that its gradient is the sum of δ over the cases.",
        "Think of the bias as a weight on an input that is 1. What would xᵀδ give?",
        "b_grad = delta.sum(axis=0)",
        "b_grad = delta.mean(axis=0)",
        ("grad",),
        bias_averaged,
        has_biases_and_cases,
    ),
    Planted(
        "bias_of_first_case",
        "Bias not summed over the cases",
        "b has one row and δ has many, so I took the first.",
        "A bias is added in every case, so that its gradient is the sum of δ over the cases.",
        "Change a case other than the first. Which gradients follow?",
        "b_grad = delta.sum(axis=0)",
        "b_grad = delta[0]",
        ("b_grad",),
        bias_of_first_case,
        has_plain_biases_and_cases,
    ),
    Planted(
        "bias_of_all_units",
        "One number for all biases",
        "I summed δ without saying over which axis.",
        "Each unit has a bias of its own: the sum runs over the cases, not over the units.",
        "Look at the shapes on both sides. Would a wrong one have been noticed?",
        "b_grad = delta.sum(axis=0)",
        "b_grad = delta.sum()",
        ("grad",),
        bias_of_all_units,
        has_several_biases,
    ),
    Planted(
        "no_bias",
        "Bias forgotten",
        "I computed the gradients of the weights and never those of the biases.",
        "Every parameter that the loss depends on has a gradient.",
        "Which numbers never move, however long you train?",
        "b_grad = delta.sum(axis=0)",
        "b_grad = np.zeros_like(b)",
        ("grad",),
        no_bias,
        has_biases,
    ),
)

WEIGHTS = (
    Planted(
        "not_transposed",
        "W not transposed",
        "The shapes fitted, so I multiplied δ by W.",
        "Forward is x W, so that back is δ Wᵀ: row i of W belongs to input i.",
        "Shapes do not tell the two ways apart here. Follow one weight from unit to unit.",
        "J_before = delta @ W.T",
        "J_before = delta @ W",
        ("sent",),
        not_transposed,
        has_square_weights,
    ),
    Planted(
        "reshaped",
        "Reshaped instead of transposed",
        "The gradient came out with rows and columns exchanged, and reshape made the shape right.",
        "Transposing moves each number to its place; reshape only counts them anew.",
        "The shapes are right and so is the sum of all numbers. Is each in its place?",
        "W_grad = (delta.T @ x).T",
        "W_grad = (delta.T @ x).reshape(W.shape)",
        ("W_grad",),
        reshaped,
        has_wide_weights,
    ),
    Planted(
        "own_output",
        "The next layer's input",
        "My list of stored values was off by one, and xᵀδ took the layer's own output for x.",
        "A weight moves z by the input that it is multiplied with.",
        "Set one input to 0. Which gradients should be 0 as well?",
        "W_grad = x.T @ delta",
        "W_grad = a.T @ delta",
        ("W_grad",),
        own_output,
        has_as_wide_a_layer,
    ),
    Planted(
        "updated_too_soon",
        "Weights updated before δ is passed on",
        "I updated W as soon as I had its gradient, and only then computed the δ below it.",
        "All gradients are taken at the same point: first the whole pass, then the update.",
        "Work out the first wrong number by hand. With which weights does it come out as planted?",
        "J_before = delta @ W.T; W -= rate * W_grad",
        "W -= rate * W_grad; J_before = delta @ W.T",
        ("sent",),
        updated_too_soon,
        learns_by_steps,
    ),
    Planted(
        "gradient_for_weights",
        "∂L/∂W taken for W on the way back",
        "I mixed the names up and multiplied δ by the gradient of W.",
        "An input moves the loss through the weights that it is multiplied with.",
        "Double the targets' distance. By which factor should the first layer's gradient grow?",
        "J_before = delta @ W.T",
        "J_before = delta @ W_grad.T",
        ("sent",),
        gradient_for_weights,
        sends_by_learnt_weights,
    ),
    Planted(
        "loop_too_short",
        "The loop ends one layer early",
        "My loop over the layers ran from the last to the second.",
        "Every parameter that the loss depends on has a gradient.",
        "Count the layers, and count the gradients.",
        "for k in range(layers - 1, -1, -1):",
        "for k in range(layers - 1, 0, -1):",
        ("grad", "penalty"),
        loop_too_short,
        first_layer_learns,
    ),
)

OTHERS = (
    Planted(
        "diagonal_softmax",
        "Softmax's Jacobian as its diagonal",
        "I took y (1 − y) as the slope of softmax, like that of a sigmoid.",
        "Every class's probability depends on every z: ∂y_i/∂z_j is −y_i y_j for i ≠ j.",
        "Add the gradients of a case over the classes. What must come out, and why?",
        "J_before = y * (J - (J * y).sum(axis=1, keepdims=True))",
        "J_before = y * (1 - y) * J",
        ("sent",),
        diagonal_softmax,
        has_softmax,
    ),
    Planted(
        "assigned_sum",
        "= for += where a layer feeds several",
        "Each layer wrote ∂L/∂a of what feeds it, and the last one to do so won.",
        "What several layers read moves the loss through each of them, and the ways add up.",
        "Find a place where two ways part. Do both come back?",
        "J[source] += J_before",
        "J[source] = J_before",
        ("J",),
        assigned_sum,
        feeds_several,
    ),
    Planted(
        "no_mask",
        "Dropout's mask forgotten on the way back",
        "I dropped units on the way forward and let the gradient through all of them.",
        "Back goes by the same mask as forward: what was multiplied by m has the slope m.",
        "Take a unit that was dropped in this pass. Can it have moved the loss?",
        "J_before = J * mask",
        "J_before = J",
        ("sent",),
        no_mask,
        has_dropout,
    ),
    Planted(
        "unscaled_mask",
        "Dropout's factor forgotten on the way back",
        "Back I used the zeros and ones alone, and forgot that forward also divides by 1 − rate.",
        "Back goes by the same mask as forward, its factor 1 / (1 − rate) included.",
        "Compare the gradients on both sides of the layer where nothing was dropped.",
        "J_before = J * mask",
        "J_before = J * (mask > 0)",
        ("sent",),
        unscaled_mask,
        has_dropout,
    ),
    Planted(
        "assigned_vectors",
        "Embedding assigned instead of added",
        "I wrote E_grad[x] = J, and of several uses of a class NumPy keeps the last.",
        "A vector that is used several times has the sum of the gradients of its uses.",
        "Which class comes more than once? How many of its uses reach the gradient?",
        "np.add.at(E_grad, x, J)",
        "E_grad[x] = J",
        ("E_grad",),
        assigned_vectors,
        uses_vectors_again,
    ),
)

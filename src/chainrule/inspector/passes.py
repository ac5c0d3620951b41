"""Both passes and the update of a network, with every array that they compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, one_hot
from chainrule.core.sequences import has_target
from chainrule.explain.layers import explainer_of
from chainrule.explain.lesson import Lesson
from chainrule.explain.updates import updated
from chainrule.inspector.inner import inner_of
from chainrule.inspector.record import (
    LOSS_WORD,
    Bug,
    FirstStep,
    Record,
    delta_from,
    has_z,
    letter_of_output,
)
from chainrule.inspector.says import letter_of
from chainrule.nn.graph import INPUT, INPUT_WORD
from chainrule.nn.losses import SmoothedLoss
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import loss_of_a_step
from chainrule.training.engines.threads import number_of_threads, on_threads
from chainrule.training.optimizers import LBFGS, norm, optimizer


def recorded(
    network: Network,
    x: Array,
    t: Array,
    weights: Array | None = None,
    *,
    step: FirstStep | None = None,
    seed: int = 0,
    bugs: Sequence[Bug] = (),
) -> Record:
    """Both passes in training mode and the update, with every array that they compute.

    Args:
        network: in float64; the passes change only what it stores.
        x: prepared inputs.
        t: prepared targets.
        weights: prepared weights of the cases.
        step: the update; by default that of gradient descent.
        seed: of the random numbers of layers such as dropout.
        bugs: wrong rules, see `Bug`.
    """
    record = Record(network, x, t, weights, step or FirstStep(), bugs, seed)
    threads = on_threads(number_of_threads(network, len(x)))
    with threads, network.training_mode(seed), np.errstate(all="ignore"):
        _forward(record)
        _loss(record)
        _backward(record)
        _gradients(record)
        _update(record)
    return record


def _forward(record: Record) -> None:
    network = record.network
    record.keep(INPUT, "out", record.x, "value", "x", network.input_shape)
    network.propagate(record.x.copy())
    passed = network.walk(record.x, network.theta)
    for k, (_, fed, z, out) in zip(network.graph.order, passed, strict=True):
        layer: Any = record.layer(k)
        for name, values in network.parameters.layer(layer.name).items():
            record.keep(k, name, values, "parameter", letter_of(name))
        inner = inner_of(layer)
        inner.forward(record, k, fed)
        if has_z(layer) and inner.keeps_z:
            record.keep(k, "z", z, "value", "z", layer.z_shape)
        record.keep(k, "out", out, "value", letter_of_output(record, k), layer.output_shape)


# The loss


def shown_targets(network: Network, t: Array) -> Array:
    """Prepared targets as rows of the network's outputs, (cases, *output shape).

    A class is a row with a 1 in its place. A step without a target is NaN.
    """
    shape = network.layers[network.graph.order[-1]].output_shape
    if t.dtype.kind not in "iu":
        return t.reshape(len(t), *shape).astype(float)
    if t.ndim == 1:
        return one_hot(t, shape[-1], np.float64)
    found = np.full((*t.shape, shape[-1]), np.nan)
    present = has_target(t)
    found[present] = one_hot(t[present], shape[-1], np.float64)
    return found


def _loss(record: Record) -> None:
    network, t = record.network, record.t
    last = network.layers[network.graph.order[-1]]
    shape = last.output_shape
    rows = shown_targets(network, t)
    record.keep_of(LOSS_WORD, "t", rows, "value", "t", shape, "What should come out.")
    rule = loss_of_a_step(network.loss_function)
    if isinstance(rule, SmoothedLoss) and rule.label_smoothing:
        says = "The targets that the loss sees: each a little towards the one that says nothing."
        smooth = rule.smoothed(rows, shape[-1], np.float64)
        record.keep_of(LOSS_WORD, "t_smooth", smooth, "value", "t′", shape, says)
    if record.weights is not None:
        says = "How much each case counts."
        record.keep_of(LOSS_WORD, "weights", record.weights, "value", "w", (), says)
    if network.from_logits is not None:
        each = network.from_logits.by_case(network.logits, t)
    else:
        each = network.loss_function.by_case(record[f"{last.name}.out"].reshape(len(t), -1), t)
    record.keep_of(LOSS_WORD, "each", each, "value", "ℓ", (), "The loss of each case.")
    if network.penalised:
        says = "What the penalties on the weights add to the loss."
        record.keep_of(LOSS_WORD, "penalty", network.penalty_loss(), "value", "Ω", says=says)
    record.loss = float(network.loss_of_pass(t, record.weights))
    says = "The loss: the mean over the cases, and the penalties."
    record.keep_of(LOSS_WORD, "value", record.loss, "value", "L", says=says)


# The backward pass


def _backward(record: Record) -> None:
    network = record.network
    order, sources = network.graph.order, network.graph.sources
    received: dict[int, Array] = {}
    uses = Counter(source for k in order for source in sources[k])
    for k in reversed(order):
        layer: Any = record.layer(k)
        is_last = k == order[-1]
        J = network.loss_jacobian(record.t, record.weights) if is_last else received.pop(k)
        J = record.right_or_wrong("J", k, J)
        letter = f"∂L/∂{letter_of_output(record, k)}"
        record.keep(k, "J", J, "gradient", letter, layer.output_shape)
        sent = record.right_or_wrong("sent", k, _back_through(record, k, J))
        for place, (source, part) in enumerate(zip(sources[k], layer.part(sent), strict=True), 1):
            if uses[source] > 1:
                _keep_part(record, k, place if layer.joins else None, source, part)
            received[source] = received[source] + part if source in received else part
    record.keep(INPUT, "J", received[INPUT], "gradient", "∂L/∂x", network.input_shape)


def _keep_part(record: Record, k: int, place: int | None, source: int, part: Array) -> None:
    """Keep what a layer sends back to one of the uses of an output.

    Args:
        record: what has been computed so far.
        k: the index of the layer.
        place: of a join, which of its sources it is, from 1.
        source: the index of the layer that has the output.
        part: (cases, outputs of the source).
    """
    network = record.network
    given = INPUT_WORD if source == INPUT else network.layers[source].name
    shape = network.input_shape if source == INPUT else network.layers[source].output_shape
    name, letter = "sent", "∂L/∂x"
    if place is not None:
        name, letter = f"sent_{place}", f"∂L/∂x{'ᵃᵇᶜᵈᵉ'[place - 1 : place]}"
    says = f"How the loss moves with what {given} gives, by way of this layer alone."
    record.keep(k, name, part, "gradient", letter, shape, says)


def _back_through(record: Record, k: int, J: Array) -> Array:
    """∂L/∂input of a layer, which stores δ and the gradients of its parameters."""
    layer = record.layer(k)
    inner = inner_of(layer)
    if inner.back is not None:
        return inner.back(record, k, J)
    delta = delta_from(record, k, J)
    if delta is not None:
        found: Array = layer.backward_from_delta(delta)
        return found
    found = layer.backward_pass(J)
    if has_z(layer):
        record.keep(k, "delta", layer.delta, "gradient", "δ", layer.z_shape)
    return found


def _gradients(record: Record) -> None:
    """The gradients of the parameters, with what the penalty adds."""
    network = record.network
    penalty = network.penalty_gradient()
    for k in network.graph.order:
        for segment in network.parameters.layout.of_layer(record.layer(k).name):
            if not segment.trained:
                continue
            gradient = network.gradients[segment.full_name]
            added = penalty[segment.slice].reshape(segment.shape)
            gradient = record.right_or_wrong(f"{segment.name}_grad", k, gradient)
            added = record.right_or_wrong(f"{segment.name}_penalty", k, added)
            letter = f"∂L/∂{letter_of(segment.name)}"
            record.keep(k, f"{segment.name}_grad", gradient + added, "parameter_gradient", letter)


# The update


def _update(record: Record) -> None:
    """The parameters after the first step of the optimiser, the running statistics included."""
    network, layout = record.network, record.network.parameters.layout
    running = _running(network)
    after = _line_search(record) if isinstance(record.step.rule, LBFGS) else _stepped(record)
    for k in network.graph.order:
        for segment in layout.of_layer(record.layer(k).name):
            values = (after if segment.trained else running)[segment.slice].reshape(segment.shape)
            record.keep(k, f"{segment.name}_new", values, "update", letter_of(segment.name))


def _running(network: Network) -> Array:
    """θ after the layers have changed what no gradient moves; θ itself stays as it was."""
    before = network.theta.copy()
    network.update_untrained()
    after = network.theta.copy()
    network.theta[...] = before
    return after


def _stepped(record: Record) -> Array:
    """θ after a step by the gradients of the record, whether right or wrong."""
    network, step = record.network, record.step
    layout = network.parameters.layout
    theta, gradient = network.theta.copy(), np.zeros_like(network.theta)
    for segment in layout.trained:
        gradient[segment.slice] = record[f"{segment.full_name}_grad"].ravel()
    if step.most is not None:
        length = norm(gradient)
        factor = step.most / length if length > step.most else 1.0
        gradient *= factor
        says = "The length of the gradient of all weights together."
        record.keep_of(LOSS_WORD, "norm", length, "update", "‖g‖", says=says)
        says = "The factor that shortens the gradient to the length that it may have."
        record.keep_of(LOSS_WORD, "clip", factor, "update", "c", says=says)
    rule = optimizer(step.rule)
    biases = [segment.slice for segment in layout.trained if segment.is_bias]
    rule.bind(theta, gradient, layout.runs(network.rates(rule.default_rate)), biases)
    rule.scale = step.scale
    rule.step()
    return theta


def _line_search(record: Record) -> Array:
    """θ after the first iteration of L-BFGS, which asks for gradients itself."""
    lesson = Lesson(record.network, record.x, record.t, explainer_of, record.weights)
    return updated(lesson, optimizer(record.step.rule)).after.vector

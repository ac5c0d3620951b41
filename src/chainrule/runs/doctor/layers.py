"""Illnesses of the start and of the layers: symmetric, dead, saturated, vanishing, exploding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.network import Network
from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.passes import LayerState
from chainrule.runs.doctor.patient import Patient
from chainrule.runs.doctor.skill import percent

MOST_DEAD = 0.5
"""More dead units than this share of a layer are an illness if training suffers."""

MOST_SATURATED = 0.5
"""The same of outputs at the flat ends."""

SHRINKS, GROWS = 1e-3, 1e3
"""‖∂L/∂θ‖ / ‖θ‖ of the first layer over that of the last, below or above which it is told."""

LARGE_GRADIENT = 1e3
"""A gradient of the start whose norm is larger explodes."""


def symmetric_start(patient: Patient) -> Iterator[Finding]:
    """All units of a hidden layer have equal weights, before training and after."""
    for place, layer in enumerate(patient.network.layers[:-1]):
        if not _is_symmetric(patient.network, layer.name):
            continue
        if not _is_symmetric(patient.start, layer.name) or not patient.suffers:
            continue
        if _feeds_nothing_but_output(patient.network, place):
            continue
        units = layer.output_shape[0] if len(layer.output_shape) == 3 else layer.output_shape[-1]
        right = _start_for(patient, place)
        yield Finding(
            "symmetric_start",
            layer.name,
            f"all {units} units of {layer.name} start with the same weights and still have the "
            f"same after {patient.epochs} epochs: they are one unit; {patient.standing}",
            "certain",
            "draw the weights at random",
            (f"network.layers.{place}.weights={right}", *_others(patient, place)),
        )
        return


def _others(patient: Patient, place: int) -> Iterator[str]:
    """The other layers whose start is the same for all units."""
    for k, layer in enumerate(patient.network.layers):
        if k != place and _is_symmetric(patient.start, layer.name):
            yield f"network.layers.{k}.weights={_start_for(patient, k)}"


def _feeds_nothing_but_output(network: Network, place: int) -> bool:
    """Whether only layers without weights follow, so that it is the output layer."""
    return not any(layer.has_weights for layer in network.layers[place + 1 :])


def _is_symmetric(network: Network, name: str) -> bool:
    """Whether all of at least two units have the same weights."""
    arrays = network.parameters.layer(name)
    W = arrays.get("W")
    if W is None or W.ndim < 2:
        return False
    units = W.reshape(-1, W.shape[-1]) if W.ndim == 2 else W.reshape(len(W), -1).T
    if units.shape[1] < 2:
        return False
    return bool(np.allclose(units, units[:, :1], rtol=1e-9, atol=1e-12))


def _start_for(patient: Patient, place: int) -> str:
    """The rule of initial weights that suits a layer's activation."""
    phi = getattr(patient.network.layers[place], "activation", None)
    return "he" if "LU" in type(phi).__name__ else "glorot"


def dead_units(patient: Patient) -> Iterator[Finding]:
    """Units that give 0 for every case."""
    if not patient.suffers:
        return
    for after, before in zip(patient.after.layers, patient.before.layers, strict=True):
        if after.dead <= MOST_DEAD:
            continue
        at_start = before.dead > MOST_DEAD
        when = "from the start" if at_start else f"at the start it was {percent(before.dead)}"
        yield Finding(
            "dead_units",
            after.name,
            f"{percent(after.dead)} of the {after.units} units of {after.name} give 0 for every "
            f"training case, {when}; {patient.standing}",
            "certain" if after.dead == 1 else "likely",
            *_against_death(patient, after, at_start),
        )
        return


def _against_death(
    patient: Patient, state: LayerState, at_start: bool
) -> tuple[str, tuple[str, ...]]:
    at = f"network.layers.{state.place}"
    if at_start:
        return (
            "start with biases of 0 and weights by He's rule",
            (f"{at}.biases=zeros", f"{at}.weights=he"),
        )
    rate = patient.rate / 10
    return (
        "a smaller learning rate, or an activation that is never flat",
        (f"network.learning_rate={rate:.3g}",),
    )


def saturated_units(patient: Patient) -> Iterator[Finding]:
    """Sigmoid or tanh units at their flat ends."""
    if not patient.suffers:
        return
    for after, before in zip(patient.after.layers, patient.before.layers, strict=True):
        worst = max(after.saturated, before.saturated)
        if min(after.saturated, before.saturated) <= MOST_SATURATED:
            continue
        at = f"network.layers.{after.place}"
        yield Finding(
            "saturated_units",
            after.name,
            f"{percent(before.saturated)} of the outputs of {after.name} stood at the flat ends "
            f"of {after.activation} at the start, {percent(after.saturated)} after training; "
            f"{patient.standing}",
            "certain" if worst > 0.9 else "likely",
            "start with smaller weights, by Glorot's rule",
            (f"{at}.weights=glorot", f"{at}.biases=zeros"),
        )
        return


def vanishing_gradients(patient: Patient) -> Iterator[Finding]:
    """Gradients that shrink on their way back, at the start."""
    first, last = _ends(patient)
    if not patient.suffers or first is None or last is None:
        return
    ratio = first.pull / last.pull if first.pull and last.pull else 0.0
    if ratio >= SHRINKS or first.gradient == 0:
        return
    yield Finding(
        "vanishing_gradients",
        first.name,
        f"at the start ‖∂L/∂θ‖ / ‖θ‖ is {first.pull:.2g} in {first.name} and {last.pull:.2g} in "
        f"{last.name}, {1 / ratio:.2g} times as large; {patient.standing}",
        "likely",
        "activations that shrink less (tanh or relu), weights by Glorot's or He's rule, or "
        "batch_norm between the layers",
        _livelier(patient),
    )


def _livelier(patient: Patient) -> tuple[str, ...]:
    """The settings that make hidden layers tanh by Glorot's rule."""
    changes = []
    for state in patient.before.layers:
        layer = patient.network.layers[state.place]
        if not layer.has_weights or "weights" not in layer.initial_values:
            continue
        if state.activation == "sigmoid" and not layer.is_output:
            changes.append(f"network.layers.{state.place}.activation=tanh")
        changes.append(f"network.layers.{state.place}.weights={_start_for(patient, state.place)}")
    return tuple(changes)


def exploding_gradients(patient: Patient) -> Iterator[Finding]:
    """Gradients that grow on their way back, at the start."""
    first, last = _ends(patient)
    if not patient.suffers or first is None or last is None:
        return
    norms = [state.gradient or 0.0 for state in patient.before.trained]
    largest = max(norms)
    ratio = first.pull / last.pull if first.pull and last.pull else 0.0
    if np.isfinite(largest) and largest < LARGE_GRADIENT and ratio < GROWS:
        return
    worst = patient.before.trained[int(np.argmax(norms))]
    yield Finding(
        "exploding_gradients",
        worst.name,
        f"at the start the gradient of {worst.name} has the norm {largest:.3g}, that of the last "
        f"layer {last.gradient:.3g}; outputs of {last.name} have the size {last.spread:.3g}; "
        f"{patient.standing}",
        "likely",
        "smaller first weights, by Glorot's or He's rule, or a limit on the gradient's norm "
        "(training.clip_gradient_norm)",
        (*_smaller(patient), "training.clip_gradient_norm=1"),
    )


def _smaller(patient: Patient) -> Iterator[str]:
    for state in patient.before.trained:
        layer = patient.network.layers[state.place]
        if "weights" in layer.initial_values:
            yield f"network.layers.{state.place}.weights={_start_for(patient, state.place)}"


def _ends(patient: Patient) -> tuple[LayerState | None, LayerState | None]:
    """The first and the last layer with weights, if they are two."""
    with_weights = [
        state
        for state in patient.before.trained
        if patient.network.layers[state.place].has_weights
    ]
    if len(with_weights) < 2:
        return None, None
    return with_weights[0], with_weights[-1]


def norm(array: Array) -> float:
    """The Euclidean norm."""
    return float(np.linalg.norm(array.astype(np.float64)))

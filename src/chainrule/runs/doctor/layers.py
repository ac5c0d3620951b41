"""Illnesses of the start and of the layers: symmetric, dead, saturated, vanishing, exploding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.nn.layer_types import Layer
from chainrule.nn.network import Network
from chainrule.runs.doctor.diagnosis import Confidence, Finding
from chainrule.runs.doctor.passes import LayerState, units_of
from chainrule.runs.doctor.patient import Patient
from chainrule.runs.doctor.skill import number, percent

MOST_DEAD, MOST_SATURATED = 0.5, 0.5
"""More dead units, or outputs at the flat ends, than this share of a layer are an illness if
training suffers."""

NEARLY_ALL, MOSTLY = 0.9, 0.75
"""So many are one even where no treatment was found to help; and the second, from the start on,
are told as possible where training does not suffer."""

SHRINKS, SHRINKS_CLEARLY = 3e-2, 1e-3
"""‖∂L/∂θ‖ / ‖θ‖ of the first layer over that of the last, below which gradients vanish: if a
treatment helps, and clearly."""

FORGETS = 1e-5
"""The gradient at the first step of a sequence over that at the last, below which it vanishes."""

RECURRENT = ("recurrent", "lstm", "gru")
"""The layers that carry a state from step to step."""

GROWS = 1e3
"""The same, above which they explode."""

LARGE_GRADIENT, HUGE_GRADIENT = 30.0, 1e3
"""A gradient of the start whose norm is larger explodes: if a treatment helps, and clearly."""

SCALES = ("unscaled_inputs", "unscaled_targets")
"""Illnesses that make units saturate and gradients explode."""


def symmetric_start(patient: Patient) -> Iterator[Finding]:
    """All units of a hidden layer have equal weights, before training and after."""
    for place, layer in patient.hidden if patient.updates else []:
        still = _is_symmetric(patient.network, layer)
        if not still and (patient.quick or not patient.may_suffer):
            continue
        if not _is_symmetric(patient.start, layer):
            continue
        treatment = tuple(_redrawn(patient, place))
        if not still and patient.helped_by(*treatment) is None:
            continue
        after = "they are equal still: they act as one" if still else "they are nearly so"
        yield Finding(
            "symmetric_start",
            layer.name,
            f"the {units_of(layer)} units of {layer.name} start with equal weights, and after "
            f"{patient.epochs} epochs {after}; {patient.standing}",
            "certain" if still else "likely",
            "draw the weights at random",
            treatment,
        )
        return


def _redrawn(patient: Patient, first: int) -> Iterator[str]:
    """The settings that draw the weights of this layer, and of others that are symmetric too."""
    for place, layer in enumerate(patient.network.layers):
        if place == first or _is_symmetric(patient.start, layer):
            yield from _drawn_anew(layer, place)


def _drawn_anew(layer: Layer, place: int) -> Iterator[str]:
    """The settings that draw a layer's weights by the rule that suits them, if it has any."""
    if "weights" in layer.initial_values:
        yield f"network.layers.{place}.weights={_rule_for(layer)}"
    if "recurrent_weights" in layer.initial_values:
        yield f"network.layers.{place}.recurrent_weights=glorot"


def _is_symmetric(network: Network, layer: Layer) -> bool:
    """Whether all of at least two units have the same weights."""
    W = network.parameters.layer(layer.name).get("W")
    if W is None or W.ndim < 2:
        return False
    columns = W if W.ndim == 2 else W.reshape(len(W), -1).T
    if columns.shape[1] < 2:
        return False
    rounding = 1e4 * np.finfo(W.dtype).eps * np.abs(W).max()
    return bool(np.abs(columns - columns[:, :1]).max() <= rounding)


def _rule_for(layer: Layer) -> str:
    """The rule of initial weights that suits a layer's activation."""
    return "he" if "LU" in type(getattr(layer, "activation", None)).__name__ else "glorot"


def dead_from_start(patient: Patient) -> Iterator[Finding]:
    """Units that give 0 for every case from the start."""
    yield from _dead(patient, at_start=True)


def dead_in_training(patient: Patient) -> Iterator[Finding]:
    """Units that training has brought to give 0 for every case."""
    yield from _dead(patient, at_start=False)


def _dead(patient: Patient, *, at_start: bool) -> Iterator[Finding]:
    if patient.has(*SCALES, "exploding_gradients", "rate_too_high"):
        return
    if not patient.suffers and (patient.quick or not at_start):
        return
    for after, before in zip(patient.after.layers, patient.before.layers, strict=True):
        if after.dead <= MOST_DEAD or (before.dead > MOST_DEAD) != at_start:
            continue
        at = f"network.layers.{after.place}"
        rate = min(patient.rate / 10, patient.default_rate)
        treatment: tuple[str, ...] = (f"network.learning_rate={rate:.3g}",)
        advice = "a smaller learning rate, or leaky_relu, which is nowhere flat"
        if at_start:
            treatment = (f"{at}.weights=he", *_without_biases(patient, after))
            advice = "start with weights by He's rule and biases of 0"
        when = "from the start" if at_start else f"at the start {percent(before.dead)}"
        helped = patient.helped_by(*treatment) is not None
        sure = patient.suffers and (after.dead == 1 or helped)
        if not sure and after.dead < (NEARLY_ALL if patient.suffers else MOSTLY):
            continue
        yield Finding(
            "dead_units",
            after.name,
            f"{percent(after.dead)} of the {after.units} units of {after.name} give 0 for every "
            f"training case, {when}; {patient.standing}",
            "possible" if not patient.suffers else "certain" if after.dead == 1 else "likely",
            advice,
            treatment,
        )
        return


def _without_biases(patient: Patient, state: LayerState) -> Iterator[str]:
    if getattr(patient.network.layers[state.place], "bias", False):
        yield f"network.layers.{state.place}.biases=zeros"


def saturated_units(patient: Patient) -> Iterator[Finding]:
    """Sigmoid or tanh units at their flat ends from the start."""
    if patient.has(*SCALES) or (patient.quick and not patient.may_suffer):
        return
    for after, before in zip(patient.after.layers, patient.before.layers, strict=True):
        least = min(after.saturated, before.saturated)
        if least <= (MOST_SATURATED if patient.may_suffer else MOSTLY):
            continue
        treatment = tuple(smaller_start(patient, biases=True))
        advice = "start with smaller weights, by Glorot's rule, and biases of 0"
        helped = patient.helped_by(*treatment, sign=True)
        if helped is None and (found := patient.helped_by(*_livelier(patient), sign=True)):
            helped, treatment = found, _livelier(patient)
            advice = "start with smaller weights, by Glorot's rule, and tanh in place of sigmoid"
        told = patient.suffers or patient.quick or (least > NEARLY_ALL and patient.may_suffer)
        if helped is None and not told and patient.may_suffer:
            continue
        yield Finding(
            "saturated_units",
            after.name,
            f"{percent(before.saturated)} of the outputs of {after.name} stand at the flat ends "
            f"of {after.activation} at the start, {percent(after.saturated)} after training; "
            f"{patient.reached(helped) if helped else patient.standing}",
            "certain"
            if helped and least > NEARLY_ALL
            else "likely"
            if helped or told
            else "possible",
            advice,
            treatment,
        )
        return


def exploding_gradients(patient: Patient) -> Iterator[Finding]:
    """Gradients that are huge at the start."""
    first, last = _ends(patient)
    if first is None or last is None or patient.has(*SCALES):
        return
    if not patient.may_suffer and (patient.quick or patient.is_values):
        return
    norms = [state.gradient or 0.0 for state in patient.before.trained]
    worst = patient.before.trained[int(np.argmax(norms))]
    largest = float(np.max(norms))
    grows = bool((first.pull or 0.0) > GROWS * (last.pull or np.inf))
    clearly = not largest < (LARGE_GRADIENT if patient.quick else HUGE_GRADIENT) or grows
    if not clearly and largest < LARGE_GRADIENT:
        return
    treatment = tuple(smaller_start(patient))
    limited = (*treatment, "training.clip_gradient_norm=1")
    helped = None
    if patient.may_suffer:
        helped = patient.helped_by(*treatment, sign=clearly)
        if helped is None and (found := patient.helped_by(*limited, sign=clearly)):
            helped, treatment = found, limited
        if helped is None and not (clearly and patient.suffers):
            return
        if patient.trial(*treatment).diverged and not patient.trial(*limited).diverged:
            treatment = limited
    elif not clearly:
        return
    sure: Confidence = "certain" if helped and clearly else "likely"
    beside = "" if worst is last else f", that of {last.name} {number(last.gradient)}"
    yield Finding(
        "exploding_gradients",
        worst.name,
        f"at the start the gradient of {worst.name} has the norm {number(largest)}{beside}, "
        f"and the outputs of {last.name} have the size {number(last.spread)}; "
        f"{patient.reached(helped) if helped else patient.standing}",
        sure if patient.may_suffer else "possible",
        "smaller first weights, by Glorot's or He's rule; a limit on the gradient's norm "
        "(training.clip_gradient_norm) helps too",
        treatment,
    )


def smaller_start(patient: Patient, *, biases: bool = False) -> Iterator[str]:
    """The settings that draw all weights by the rule that suits them, and set biases to 0."""
    for state in patient.before.trained:
        layer = patient.network.layers[state.place]
        if "weights" not in layer.initial_values:
            continue
        yield from _drawn_anew(layer, state.place)
        if biases:
            yield from _without_biases(patient, state)


def vanishing_gradients(patient: Patient) -> Iterator[Finding]:
    """Gradients that shrink on their way back, at the start."""
    first, last = _ends(patient)
    if (
        not patient.may_suffer
        or first is None
        or last is None
        or patient.has(*SCALES, "saturated_units")
    ):
        return
    ratio = first.pull / last.pull if first.pull and last.pull else 1.0
    if not ratio < SHRINKS:
        return
    treatment = _livelier(patient)
    helped = patient.helped_by(*treatment, sign=ratio < SHRINKS_CLEARLY)
    if helped is None and not (ratio < SHRINKS_CLEARLY and patient.suffers):
        return
    yield Finding(
        "vanishing_gradients",
        first.name,
        f"at the start ‖∂L/∂θ‖ / ‖θ‖ is {number(first.pull)} in {first.name} and "
        f"{number(last.pull)} in {last.name}, {1 / ratio:.2g} times as large; "
        f"{patient.reached(helped) if helped else patient.standing}",
        "certain" if helped and ratio < SHRINKS_CLEARLY else "likely",
        "activations that shrink less, such as tanh or relu, with weights by Glorot's or He's "
        "rule; batch_norm between the layers, or fewer layers",
        treatment,
    )


def vanishing_through_time(patient: Patient) -> Iterator[Finding]:
    """Gradients that shrink from step to step on their way back, at the start."""
    memory = patient.before.memory
    if memory is None or not patient.suffers or not memory < FORGETS:
        return
    place, layer = next(
        (k, one) for k, one in enumerate(patient.network.layers) if one.type in RECURRENT
    )
    treatment: tuple[str, ...] = (f"network.layers.{place}.recurrent_weights=glorot",)
    if layer.type == "recurrent":
        treatment = (f"network.layers.{place}={{type: lstm, size: {layer.size}}}",)
    helped = patient.helped_by(*treatment, sign=True)
    yield Finding(
        "vanishing_gradients",
        layer.name,
        f"at the start the first step of a sequence has {memory:.2g} times the gradient of the "
        f"last step, of the loss at the last step; "
        f"{patient.reached(helped) if helped else patient.standing}",
        "likely",
        "lstm or gru, whose states carry the gradient over many steps, or recurrent weights by "
        "Glorot's rule",
        treatment,
    )


def _livelier(patient: Patient) -> tuple[str, ...]:
    """The settings that make sigmoid layers tanh, and draw weights by the rule that suits."""
    changes = []
    for state in patient.before.trained:
        layer = patient.network.layers[state.place]
        if "weights" not in layer.initial_values:
            continue
        is_end = layer.is_output or layer is patient.network.layers[-1]
        if state.activation == "sigmoid" and not is_end:
            changes.append(f"network.layers.{state.place}.activation=tanh")
        changes += _drawn_anew(layer, state.place)
    return tuple(changes)


def _ends(patient: Patient) -> tuple[LayerState | None, LayerState | None]:
    """The first and the last layer with weights, if they are two."""
    layers = patient.network.layers
    found = [state for state in patient.before.trained if layers[state.place].has_weights]
    return (found[0], found[-1]) if len(found) > 1 else (None, None)

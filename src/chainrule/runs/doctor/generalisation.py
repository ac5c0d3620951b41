"""Illnesses of generalisation: too much learnt of the training cases, or too little."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from chainrule.core.errors import shown
from chainrule.nn.activations import Linear
from chainrule.runs.doctor.diagnosis import Confidence, Finding
from chainrule.runs.doctor.patient import Patient

RISEN, RISEN_FAR = 1.3, 2.0
"""A validation loss that is so many times its least has risen, and has risen far."""

GAP, WIDE_GAP = 0.1, 0.2
"""The least gap of accuracy or R² between training and held-out cases that is told; and, above
what chance makes of so few cases, the gap of a longer training that is told though no earlier
epoch was better."""

LEARNT = 0.9
"""Whoever has a higher accuracy or R² on its training cases knows them nearly by heart."""

HARDLY = 0.01
"""Weights that moved by less than this share of their size have learnt nothing by heart."""

FEW_CASES = 3.5
"""Of cases held out: if an earlier epoch named so few more rightly, that is chance."""

LOST = 0.03
"""So much of the skill on cases held out is lost to a better model, or to an earlier epoch."""

FEW_EPOCHS, FEW_UPDATES = 15, 100
"""Of a training of fewer epochs or updates it is only possible that the network is too small."""

WIDE = 64
"""Of an advice to widen a layer."""


def overfitting(patient: Patient) -> Iterator[Finding]:
    """The validation loss has risen, or the gap to the training data is large."""
    held = patient.held_out_skill
    if held is None or patient.diverged or len(patient.held_out) < 20:
        return
    if patient.skill < patient.chance + GAP * (1 - patient.chance):  # nothing was learnt
        return
    if set(patient.alarms) - {"leaking_feature", "class_imbalance"}:
        return
    losses = patient.curve("validation_loss")
    if patient.quick and patient.moved < HARDLY:
        return
    gap, earlier = patient.skill - held, patient.best_held_out - held
    if not patient.is_values and earlier < FEW_CASES / len(patient.held_out):
        earlier = 0.0  # the best of many epochs is better by chance
    risen = losses[-1] / min(losses) if losses and min(losses) > 0 else 1.0
    wide = gap > WIDE_GAP + 1 / sqrt(len(patient.held_out)) and patient.skill > LEARNT
    wide = wide and patient.epochs >= FEW_EPOCHS
    if gap < GAP or (losses and risen < RISEN and earlier < LOST and not wide):
        return
    better = patient.reference.best - held
    sure = earlier > LOST or risen > RISEN_FAR or better > LOST or wide
    if not losses:
        sure = gap > 2 * GAP and better > LOST
    sure = sure and "shuffled_labels" not in patient.hints  # there may be nothing to learn
    part = "validation" if patient.validates else "test"
    course = ""
    if risen >= RISEN:
        epoch = losses.index(min(losses)) + 1
        course = f"; the validation loss was least after epoch {epoch}, {min(losses):.3g}, and is "
        course += f"{losses[-1]:.3g} now"
    yield Finding(
        "overfitting",
        None,
        f"the training {patient.measure} is {patient.figure(patient.skill)}, the {part} "
        f"{patient.measure} {patient.figure(held)}{course}",
        "likely" if sure else "possible",
        "stop when the validation loss does (early_stopping), a penalty, dropout, fewer units, or "
        "more cases",
        _remedy(patient, earlier, risen),
    )


def _remedy(patient: Patient, earlier: float, risen: float) -> tuple[str, ...]:
    """To stop earlier if an earlier epoch was better, else a penalty, if one is found to help."""
    stop = ("training.callbacks=[early_stopping]",)
    if earlier > LOST or (patient.quick and risen >= RISEN):
        return stop
    return _penalised(patient) or (stop if risen >= RISEN else ())


def _penalised(patient: Patient) -> tuple[str, ...]:
    """The penalty with which cases held out are answered best; nothing where none helps.

    Nothing for a network that has a penalty already; without trials, a usual one.
    """
    tried = [(f"network.penalty={{type: L2, rate: {rate}}}",) for rate in (0.01, 0.1)]
    if patient.network.penalised:
        return ()
    if patient.quick:
        return tried[0]
    best = max(tried, key=lambda each: patient.trial(*each).held_out)
    return best if patient.trial(*best).held_out > patient.trial().held_out + LOST / 3 else ()


def too_much_penalty(patient: Patient) -> Iterator[Finding]:
    """A penalty that keeps the network from learning its training cases."""
    if (
        not patient.may_suffer
        or patient.diverged
        or patient.quick
        or not patient.network.penalised
    ):
        return
    helped = patient.helped_by("network.penalty=none")
    if helped is None:
        return
    stated = shown(patient.config.network["penalty"], 60)
    yield Finding(
        "underfitting",
        None,
        f"the penalty {stated} makes {patient.network.penalty_loss():.3g} of the loss; "
        f"{patient.reached(helped)}",
        "likely",
        "a smaller penalty, or none",
        ("network.penalty=none",),
    )


def underfitting(patient: Patient) -> Iterator[Finding]:
    """Training ended before the training cases were learnt, or the network cannot learn them."""
    if not patient.may_suffer or patient.diverged or patient.quick or patient.alarms:
        return
    long = patient.epochs >= FEW_EPOCHS and patient.updates >= FEW_UPDATES
    plain = patient.suffers and patient.reference.cases > 0 and long
    sure: Confidence = "likely" if plain else "possible"
    for treatment, advice in _treatments(patient):
        helped = patient.helped_by(*treatment)
        if helped is not None:
            more_epochs = treatment[0].startswith("training.epochs")
            yield Finding(
                "underfitting",
                None,
                f"{patient.standing}; {patient.reached(helped)}",
                "possible" if more_epochs or _is_falling(patient) else sure,
                advice,
                treatment,
            )
            return
    if patient.suffers and patient.reference.cases:
        name, best = max(patient.reference.skills.items(), key=lambda each: each[1])
        yield Finding(
            "underfitting",
            None,
            f"{patient.standing}; {name} reach {patient.figure(best)} on cases not seen before",
            "possible" if _is_falling(patient) else sure,
            "more epochs, or more and wider layers",
        )


def _treatments(patient: Patient) -> Iterator[tuple[tuple[str, ...], str]]:
    """What may help, with the advice in words."""
    layers = patient.network.layers
    dropped = [
        f"network.layers.{place}.rate=0.2"
        for place, layer in enumerate(layers)
        if layer.type == "dropout" and getattr(layer, "rate", 0) > 0.5
    ]
    straight = [
        f"network.layers.{place}.activation=tanh"
        for place, layer in patient.hidden
        if isinstance(getattr(layer, "activation", None), Linear)
    ]
    narrow = [
        f"network.layers.{place}.size={WIDE}"
        for place, layer in patient.hidden
        if layer.type == "dense" and layer.size < WIDE // 2
    ]
    if dropped:
        yield tuple(dropped), "a smaller rate of dropout"
    if straight:
        yield tuple(straight), "an activation that is not linear"
    if narrow:
        yield tuple(narrow), "more units"
    if dropped and narrow:
        yield (*dropped, *narrow), "a smaller rate of dropout, and more units"
    if not patient.hidden and [layer.type for layer in layers] in (
        ["dense"],
        ["dense", "softmax"],
    ):
        yield (f"network.layers={_with_hidden(patient)}",), "a hidden layer"
    yield (f"training.epochs={5 * max(1, patient.config.training['epochs'])}",), "more epochs"


def _with_hidden(patient: Patient) -> str:
    """The layers of a network without a hidden one, with one."""
    first, *others = patient.config.network["layers"]
    last = f"{{size: {first['size']}, activation: {patient.before.layers[0].activation}}}"
    ends = "".join(f", {layer['type']}" for layer in others)
    return f"[{{size: 32, activation: tanh}}, {last}{ends}]"


def _is_falling(patient: Patient) -> bool:
    """Whether the training loss still falls."""
    losses = patient.curve("train_loss")
    return len(losses) < 4 or losses[-1] < 0.98 * losses[-(len(losses) // 4) - 1]

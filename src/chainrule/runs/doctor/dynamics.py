"""Illnesses of the steps: a rate too high or too low, too few updates."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.patient import Patient
from chainrule.training.optimizers import LBFGS, optimizer

FEW_UPDATES, VERY_FEW_UPDATES = 300, 100
"""So many updates are few, and very few."""

FEW_EPOCHS = 5
"""Of fewer epochs the updates are few whatever the batch is."""

LOW = 20
"""A rate so many times below the optimiser's own may be too low."""

HIGH = 5
"""A rate so many times above the optimiser's own is too high where the loss did not fall."""


def _has_rate(patient: Patient) -> bool:
    return not isinstance(optimizer(patient.settings.optimizer), LBFGS)


def rate_too_high(patient: Patient) -> Iterator[Finding]:
    """A smaller rate learns what this one does not."""
    if not patient.may_suffer or not _has_rate(patient) or not patient.rate > 0:
        return
    if patient.has("unscaled_inputs", "unscaled_targets", "exploding_gradients"):
        return
    if patient.quick:
        yield from _high_at_a_glance(patient)
        return
    own, usual = patient.rate, patient.default_rate
    sign = own > HIGH * usual or patient.diverged is not None
    tried = [
        (trial, rate)
        for rate in sorted({usual, own / 10, own / 100, usual / 10, usual / 100})
        if usual / 1000 <= rate <= own / 3
        and (trial := patient.helped_by(f"network.learning_rate={rate:.3g}", sign=sign))
    ]
    if not tried:
        return
    best = max(trial.skill for trial, _ in tried)
    good = [
        (abs(log(rate / usual)), trial, rate) for trial, rate in tried if trial.skill > best - 0.02
    ]
    _, helped, rate = min(good, key=lambda each: each[0])
    yield Finding(
        "rate_too_high",
        None,
        f"at the rate {own:g} {_course(patient)}; {patient.reached(helped)}",
        "certain" if sign else "likely" if patient.suffers else "possible",
        "a smaller learning rate",
        (f"network.learning_rate={rate:.3g}",),
    )


def _course(patient: Patient) -> str:
    """A clause on how the loss went."""
    losses = patient.curve("train_loss")
    if patient.diverged or not losses:
        return "the training was soon no longer finite"
    return f"the training loss went from {losses[0]:.3g} in epoch 1 to {losses[-1]:.3g}"


def _high_at_a_glance(patient: Patient) -> Iterator[Finding]:
    """A rate far above the usual one, with which the loss did not fall."""
    usual = patient.default_rate
    losses = patient.curve("train_loss")
    fell = losses and losses[-1] < 0.9 * patient.before.loss
    fell = fell and not _kills(patient)
    if patient.rate < HIGH * usual or (fell and not patient.diverged):
        return
    yield Finding(
        "rate_too_high",
        None,
        f"at the rate {patient.rate:g} {_course(patient)}, where it was {patient.before.loss:.3g} "
        f"before training; usual is about {usual:g}",
        "likely",
        "a smaller learning rate",
        (f"network.learning_rate={usual:g}",),
    )


def _kills(patient: Patient) -> bool:
    """Whether training has brought most units of a layer to give 0 for every case."""
    both = zip(patient.after.layers, patient.before.layers, strict=True)
    return patient.suffers and any(after.dead > 0.5 >= before.dead for after, before in both)


def rate_too_low(patient: Patient) -> Iterator[Finding]:
    """A larger rate learns what this one does not."""
    if not patient.may_suffer or patient.diverged or not _has_rate(patient):
        return
    own, usual = patient.rate, patient.default_rate
    if own > usual / LOW:
        return
    if patient.quick:
        helped, rate = None, usual
        if not patient.suffers or patient.moved > 0.01 or patient.updates < 20:
            return
    else:
        sign = patient.moved < 0.01
        tried = [
            (trial, rate)
            for rate in (usual, 5 * usual, usual / 10)
            if rate > 5 * own
            and (trial := patient.helped_by(f"network.learning_rate={rate:g}", sign=sign))
        ]
        if not tried:
            return
        helped, rate = max(tried, key=lambda each: each[0].skill)
    yield Finding(
        "rate_too_low",
        None,
        f"at the rate {own:g} {patient.updates:,} updates moved the weights by "
        f"{patient.moved:.2g} of their size; "
        f"{patient.reached(helped) if helped else patient.standing}",
        "certain" if helped and patient.moved < 0.01 else "likely",
        "a larger learning rate",
        (f"network.learning_rate={rate:g}",),
    )


def batch_too_large(patient: Patient) -> Iterator[Finding]:
    """A smaller batch, which has more updates, learns what this one does not."""
    if patient.diverged or patient.quick or patient.cut or not _has_rate(patient):
        return
    cases, updates = patient.cases, patient.updates
    size = min(cases, patient.settings.cases_a_minibatch(cases))
    plain = updates < VERY_FEW_UPDATES // 2 and 2 * size >= cases
    if size < max(64, cases // 4) or updates > FEW_UPDATES or patient.epochs < FEW_EPOCHS:
        return
    if not (plain or patient.may_suffer):
        return
    treatment = ("training.batch_size=32",)
    helped = patient.helped_by(*treatment, sign=updates < VERY_FEW_UPDATES)
    if helped is None:
        return
    yield Finding(
        "batch_too_large",
        None,
        f"minibatches of {size:,} of {cases:,} cases make {updates:,} updates in "
        f"{patient.epochs} epochs; {patient.reached(helped)}",
        "likely",
        "smaller minibatches, which make more updates of the same cases",
        treatment,
    )

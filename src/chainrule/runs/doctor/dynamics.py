"""Illnesses of the steps: a rate too high or too low, too few updates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.patient import Patient
from chainrule.runs.doctor.trials import Trial
from chainrule.training.optimizers import LBFGS, optimizer

FEW_UPDATES = 300
"""So many updates are few."""

CURES = 0.5
"""A treatment helps if it closes this share of what is missing."""


def helps(patient: Patient, trial: Trial, base: Trial) -> bool:
    """Whether a trial reached clearly more than the same training without the change."""
    goal = max(patient.attainable, trial.skill)
    missing = goal - max(base.skill, patient.chance)
    return missing > 0.02 and trial.skill - max(base.skill, patient.chance) > CURES * missing


def _has_rate(patient: Patient) -> bool:
    return not isinstance(optimizer(patient.settings.optimizer), LBFGS)


def rate_too_high(patient: Patient) -> Iterator[Finding]:
    """A smaller rate learns what this one does not."""
    if not patient.suffers or not _has_rate(patient) or not patient.rate > 0:
        return
    base = patient.trial("as it is")
    for factor in (10, 100, 1000, 1e5, 1e7):
        rate = float(f"{patient.rate / factor:.3g}")
        if rate < patient.default_rate / 1000:
            return
        trial = patient.trial(f"rate {rate}", network={"learning_rate": rate})
        if helps(patient, trial, base):
            yield Finding(
                "rate_too_high",
                None,
                f"at the rate {patient.rate:g} {_course(patient, base)}; at {rate:g} the same "
                f"{trial.epochs} epochs reach {patient.figure(trial.skill)}",
                "certain" if base.diverged else "likely",
                "a smaller learning rate",
                (f"network.learning_rate={rate:g}",),
            )
            return


def _course(patient: Patient, base: Trial) -> str:
    """A clause on how the loss went."""
    if base.diverged:
        return "the training is no longer finite"
    losses = base.losses
    return (
        f"the loss went from {losses[0]:.3g} to {losses[-1]:.3g} and the training "
        f"{'R²' if patient.is_values else 'accuracy'} to {patient.figure(base.skill)}"
    )


def rate_too_low(patient: Patient) -> Iterator[Finding]:
    """A larger rate learns what this one does not."""
    if not patient.suffers or patient.diverged or not _has_rate(patient):
        return
    if patient.rate > patient.default_rate / 20:
        return
    moved = patient.moved
    base = patient.trial("as it is")
    for rate in (patient.default_rate, patient.default_rate * 5, patient.default_rate / 10):
        if rate <= 5 * patient.rate:
            continue
        trial = patient.trial(f"rate {rate}", network={"learning_rate": rate})
        if helps(patient, trial, base):
            yield Finding(
                "rate_too_low",
                None,
                f"at the rate {patient.rate:g} the weights moved by {moved:.2g} of their size in "
                f"{patient.epochs} epochs; at {rate:g} the same epochs reach "
                f"{patient.figure(trial.skill)} in place of {patient.figure(base.skill)}",
                "likely",
                "a larger learning rate",
                (f"network.learning_rate={rate:g}",),
            )
            return


def batch_too_large(patient: Patient) -> Iterator[Finding]:
    """A smaller batch, which has more updates, learns what this one does not."""
    if not patient.suffers or patient.diverged or not _has_rate(patient):
        return
    cases = len(patient.train)
    size = min(cases, patient.settings.cases_a_minibatch(cases))
    updates = patient.epochs * int(np.ceil(cases / size))
    if size < max(64, cases // 4) or updates > FEW_UPDATES:
        return
    base = patient.trial("as it is")
    trial = patient.trial("batch 32", training={"batch_size": 32})
    if helps(patient, trial, base):
        yield Finding(
            "batch_too_large",
            None,
            f"a minibatch of {size:,} of {cases:,} cases makes {updates:,} updates in "
            f"{patient.epochs} epochs; with minibatches of 32 the same epochs reach "
            f"{patient.figure(trial.skill)} in place of {patient.figure(base.skill)}",
            "likely",
            "smaller minibatches",
            ("training.batch_size=32",),
        )

"""Illnesses of generalisation: too much learnt of the training cases, or too little."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.patient import Patient

RISEN = 1.3
"""A validation loss that is this many times its least has risen."""

GAP = 0.1
"""The least gap of accuracy or R² between training and held-out cases that is told."""


def overfitting(patient: Patient) -> Iterator[Finding]:
    """The validation loss has risen, or the gap to the training data is large."""
    held = patient.held_out_skill
    if held is None or patient.diverged or len(patient.held_out) < 20:
        return
    gap = patient.skill - held
    losses = [v for v in patient.history.get("validation_loss", []) if v is not None]
    if gap < GAP or len(losses) < 2:
        return
    least = min(losses)
    epoch = losses.index(least) + 1
    risen = losses[-1] / least if least > 0 else 1.0
    lost = max(patient.best_held_out, patient.reference.best) - held
    if risen < RISEN:
        return
    yield Finding(
        "overfitting",
        None,
        f"the training {'R²' if patient.is_values else 'accuracy'} is "
        f"{patient.figure(patient.skill)}, on cases held out {patient.figure(held)}; the "
        f"validation loss was least after epoch {epoch} ({least:.3g}) and is {losses[-1]:.3g} now",
        "likely" if lost > 0.03 or risen > 2 else "possible",
        "stop when the validation loss does, or a penalty, dropout, fewer units, more cases",
        ("training.callbacks=[early_stopping]",),
    )


def underfitting(patient: Patient) -> Iterator[Finding]:
    """Training ended before the training cases were learnt, or the network cannot."""
    if not patient.suffers or patient.diverged:
        return
    losses = [v for v in patient.history.get("train_loss", []) if v is not None]
    falling = len(losses) > 3 and losses[-1] < 0.98 * losses[-(len(losses) // 4) - 1]
    advice = "more epochs" if falling else "more or wider layers, or a smaller penalty"
    settings = (f"training.epochs={4 * max(1, patient.epochs)}",) if falling else ()
    yield Finding(
        "underfitting",
        None,
        f"{patient.standing}, simple models {patient.figure(patient.reference.best)} on cases "
        "that they have not seen" + ("; the loss is still falling" if falling else ""),
        "possible" if falling else "likely",
        advice,
        settings,
    )

"""Where the first number that is not finite came from."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.layers import smaller_start
from chainrule.runs.doctor.patient import Patient


def not_finite_at_start(patient: Patient) -> Iterator[Finding]:
    """A number that is infinite or NaN before anything was learnt."""
    found = patient.before.not_finite
    if found is None:
        return
    layer, direction = found
    treatment = tuple(smaller_start(patient))
    helped = patient.helped_by(*treatment)
    yield Finding(
        "not_finite",
        layer,
        f"before the first update a number is not finite: it arises in the {direction} pass, in "
        f"{layer}{_said(patient)}",
        "certain",
        "smaller first weights, by Glorot's or He's rule"
        if helped
        else "inputs and targets of mean 0 and deviation 1, or float64 (network.dtype)",
        treatment if helped else (),
    )


def not_finite(patient: Patient) -> Iterator[Finding]:
    """A loss or a gradient that became infinite or NaN in training."""
    if patient.diverged is None or "not_finite" in patient.alarms:
        return
    found = patient.after.not_finite
    where = f", first in the {found[1]} pass, in {found[0]}" if found else ""
    yield Finding(
        "not_finite",
        found[0] if found else None,
        f"training ended where a number was no longer finite{where}{_said(patient)}",
        "certain",
        "a smaller learning rate, inputs and targets of mean 0 and deviation 1, or a limit on "
        "the gradient's norm",
        ("training.clip_gradient_norm=1",),
    )


def _said(patient: Patient) -> str:
    return f": {patient.diverged}" if patient.diverged else ""

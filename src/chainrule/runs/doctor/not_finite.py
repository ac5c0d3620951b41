"""Where the first number that is not finite came from."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.layers import smaller_start
from chainrule.runs.doctor.patient import Patient


def not_finite_at_start(patient: Patient) -> Iterator[Finding]:
    """A number that is infinite or NaN before anything was learnt."""
    found = None if patient.diverged is None else patient.before.not_finite
    if found is None:
        return
    layer, direction = found
    treatment = tuple(smaller_start(patient))
    helps = patient.quick or patient.helped_by(*treatment) is not None
    yield Finding(
        "not_finite",
        layer,
        f"before the first update a number is not finite already: it arises in the {direction} "
        f"pass, in {layer}",
        "certain",
        "smaller first weights, by Glorot's or He's rule"
        if helps
        else "inputs and targets of mean 0 and deviation 1, or float64 (network.dtype)",
        treatment if helps else (),
    )


def not_finite(patient: Patient) -> Iterator[Finding]:
    """A loss or a gradient that became infinite or NaN in training."""
    if patient.diverged is None or "not_finite" in patient.alarms:
        return
    yield Finding(
        "not_finite",
        patient.diverged.layer,
        f"{patient.diverged}",
        "certain",
        "a smaller learning rate, inputs and targets of mean 0 and deviation 1, or a limit on "
        "the gradient's norm",
        ("training.clip_gradient_norm=1",),
    )

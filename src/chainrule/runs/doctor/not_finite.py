"""Where the first number that is not finite came from."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.patient import Patient


def not_finite(patient: Patient) -> Iterator[Finding]:
    """A loss or a gradient that is infinite or NaN."""
    found = patient.before.not_finite or patient.after.not_finite
    if patient.diverged is None and found is None:
        return
    when = "at the start" if patient.before.not_finite else "during training"
    where = f"first in the {found[1]} pass of {found[0]}" if found else "in a minibatch"
    said = f": {patient.diverged}" if patient.diverged else ""
    yield Finding(
        "not_finite",
        found[0] if found else None,
        f"{when} a number was no longer finite, {where}{said}",
        "certain",
        "a smaller learning rate, inputs and targets of mean 0 and deviation 1, or a limit on "
        "the gradient's norm",
        ("training.clip_gradient_norm=1",),
    )

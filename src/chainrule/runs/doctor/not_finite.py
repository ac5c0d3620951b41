"""Where the first number that is not finite came from."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import shown
from chainrule.core.notation import input_name
from chainrule.core.sequences import target_rows
from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.layers import smaller_start
from chainrule.runs.doctor.patient import Patient


def not_finite_at_start(patient: Patient) -> Iterator[Finding]:
    """A number that is infinite or NaN before anything was learnt."""
    if patient.diverged is not None and (huge := _huge_value(patient)):
        yield huge
        return
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


def _huge_value(patient: Patient) -> Finding | None:
    """An input or a target so large that its square is not finite."""
    x = patient.train.x.reshape(len(patient.train), -1)
    column = int(np.abs(x).max(axis=0, initial=0).argmax())
    name = shown(input_name(column, patient.data.feature_names), 40)[1:-1]
    if not _overflows(x):
        x, name = target_rows(patient.train.t), "the target"
        if not patient.is_values or not _overflows(x):
            return None
        column = int(np.abs(x).max(axis=0, initial=0).argmax())
    huge = x[:, column][np.abs(x[:, column]) > sqrt(np.finfo(x.dtype).max)]
    are = f"case has {name} = " if len(huge) == 1 else f"cases have numbers in {name} such as "
    return Finding(
        "not_finite",
        patient.diverged.layer if patient.diverged else None,
        f"{len(huge):,} of {len(x):,} training {are}{huge[0]:.3g}, whose square is larger than "
        f"any number of {x.dtype}; {patient.diverged}",
        "certain",
        "look at this column in the source of the data: correct the number, or leave the case out",
    )


def _overflows(numbers: Array) -> bool:
    """Whether a square is larger than any number of the type."""
    largest = np.abs(numbers).max(initial=0)
    return numbers.dtype.kind == "f" and bool(largest > sqrt(np.finfo(numbers.dtype).max))


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

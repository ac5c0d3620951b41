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
from chainrule.training.trainer import Part


def not_finite_at_start(patient: Patient) -> Iterator[Finding]:
    """A number that is infinite or NaN before anything was learnt."""
    for part, noun in ((patient.train, "training"), (patient.held_out, "validation or test")):
        if len(part) and (huge := _huge_value(patient, part, noun)):
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


def _huge_value(patient: Patient, part: Part, noun: str) -> Finding | None:
    """An input or a target of these cases so large that its square is not finite."""
    numbers = part.x.reshape(len(part), -1)
    is_input = _overflows(numbers)
    if not is_input:
        numbers = target_rows(part.t)
        if not patient.is_values or not _overflows(numbers):
            return None
    column = int(np.abs(numbers).max(axis=0).argmax())
    name = "the target"
    if is_input:
        place = column % patient.network.input_shape[-1]  # of sequences, within their steps
        name = shown(input_name(place, patient.data.feature_names), 40)[1:-1]
    sizes = np.abs(numbers[:, column])
    huge = numbers[:, column][sizes > sqrt(np.finfo(numbers.dtype).max)]
    are = f"case has {name} = " if len(huge) == 1 else f"cases have numbers in {name} such as "
    then = f"; {patient.diverged}" if patient.diverged else ""
    return Finding(
        "not_finite",
        patient.diverged.layer if patient.diverged else None,
        f"{len(huge):,} of {len(numbers):,} {noun} {are}{huge[0]:.3g}, whose square is larger "
        f"than any number of {numbers.dtype}{then}",
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

"""Illnesses of the output: a loss or a last layer that does not fit the targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.sequences import target_rows
from chainrule.nn.losses import BinaryCrossEntropy, ResidualLoss
from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.patient import Patient
from chainrule.runs.doctor.skill import percent

RANGES = {
    "Sigmoid": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "Softsign": (-1.0, 1.0),
    "ReLU": (0.0, np.inf),
    "Softplus": (0.0, np.inf),
}
"""Between which numbers the outputs of an activation lie."""


def wrong_loss(patient: Patient) -> Iterator[Finding]:
    """See the module."""
    if patient.is_values:
        yield from _out_of_range(patient)
    elif patient.kind.classes:
        yield from _of_classes(patient)


def _out_of_range(patient: Patient) -> Iterator[Finding]:
    """Values that the last activation cannot reach."""
    last = patient.network.layers[-1]
    name = type(getattr(last, "activation", None)).__name__
    if name not in RANGES:
        return
    low, high = RANGES[name]
    t = target_rows(patient.train.t)
    outside = float(((t < low) | (t > high)).mean())
    if outside < 0.01:
        return
    place = len(patient.network.layers) - 1
    yield Finding(
        "wrong_loss",
        last.name,
        f"the last layer, {name.lower()}, gives numbers from {low:g} to {high:g}, but "
        f"{percent(outside)} of the targets lie outside: they go from {t.min():.4g} to "
        f"{t.max():.4g}",
        "certain",
        "let the last layer be linear",
        (f"network.layers.{place}.activation=linear",),
    )


def _of_classes(patient: Patient) -> Iterator[Finding]:
    """A loss of values, or of labels of which a case may have several, for classes."""
    loss = patient.network.loss_function
    last = patient.network.layers[-1]
    if isinstance(loss, ResidualLoss):
        fits = last.gives_distribution
    elif isinstance(loss, BinaryCrossEntropy) and patient.network.outputs > 1:
        fits = False
    else:
        return
    name = type(loss).__name__
    settings = ("network.loss=cross_entropy",) if fits else ()
    yield Finding(
        "wrong_loss",
        last.name,
        f"the targets are classes, of which a case has one, and the loss is {name}; "
        f"{patient.standing}",
        "likely" if patient.suffers else "possible",
        "cross_entropy with softmax as the last layer is made for such targets",
        settings,
    )

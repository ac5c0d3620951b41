"""Illnesses of the output: a loss or a last layer that does not fit the targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import target_rows
from chainrule.nn.losses import BinaryCrossEntropy, CrossEntropy, Hinge
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

MOST_CLASSES = 20
"""Values of more whole numbers are no classes."""

OUTSIDE = 0.02
"""More targets than this share outside the range of the outputs are an illness."""


def wrong_loss(patient: Patient) -> Iterator[Finding]:
    """See the module."""
    if patient.is_values:
        yield from _out_of_range(patient)
        yield from _classes_as_values(patient)
    elif patient.kind.classes:
        yield from _of_classes(patient)
        yield from _half_before_softmax(patient)


def _out_of_range(patient: Patient) -> Iterator[Finding]:
    """Values that the last activation cannot reach."""
    last = patient.network.layers[-1]
    name = type(getattr(last, "activation", None)).__name__
    t = target_rows(patient.train.t)
    if last.gives_distribution:
        yield from _of_no_distribution(last.name, t)
    if name not in RANGES:
        return
    low, high = RANGES[name]
    outside = float(((t < low) | (t > high)).mean())
    if outside < OUTSIDE:
        return
    place = len(patient.network.layers) - 1
    yield Finding(
        "wrong_loss",
        last.name,
        f"the activation of {last.name}, {name.lower()}, gives numbers from {low:g} to {high:g}, "
        f"but {percent(outside)} of the targets lie outside: they go from {t.min():.4g} to "
        f"{t.max():.4g}",
        "certain",
        "let the last layer be linear",
        (f"network.layers.{place}.activation=linear",),
    )


def _of_no_distribution(name: str, t: Array) -> Iterator[Finding]:
    """Values that are no distribution, behind outputs that are one."""
    of_none = float(((t < 0).any(axis=1) | (np.abs(t.sum(axis=1) - 1) > OUTSIDE)).mean())
    if of_none < OUTSIDE:
        return
    yield Finding(
        "wrong_loss",
        name,
        f"the outputs of {name} are from 0 to 1 and add up to 1, but {percent(of_none)} of the "
        "cases have values as targets that do not",
        "certain",
        f"let a linear layer be the last: take {name} out of network.layers",
    )


def _of_classes(patient: Patient) -> Iterator[Finding]:
    """A loss that is none of a distribution, for classes of which a case has one."""
    network, last = patient.network, patient.network.layers[-1]
    loss = getattr(network.loss_function, "each", network.loss_function)  # of every step
    fits_one = isinstance(loss, BinaryCrossEntropy) and last.output_shape[-1] == 1
    if isinstance(loss, CrossEntropy | Hinge) or fits_one:
        return
    treatment = _to_cross_entropy(patient)
    helped = patient.helped_by(*treatment) if treatment and patient.may_suffer else None
    name = patient.config.network["loss"]
    word = name if isinstance(name, str) else name["type"]
    yield Finding(
        "wrong_loss",
        last.name,
        f"the targets are classes, of which a case has one, but the loss is {word}; "
        f"{patient.reached(helped) if helped else patient.standing}",
        "likely" if helped or (patient.quick and patient.suffers) else "possible",
        "cross_entropy with softmax as the last layer is made for such targets",
        treatment,
    )


def _to_cross_entropy(patient: Patient) -> tuple[str, ...]:
    """The settings that make the network end in softmax with cross-entropy."""
    layers = patient.network.layers
    if layers[-1].gives_distribution:
        return ("network.loss=cross_entropy",)
    if patient.network.outputs == 1:
        return (
            "network.loss=binary_cross_entropy",
            f"network.layers.{len(layers) - 1}.activation=sigmoid",
        )
    if type(getattr(layers[-1], "activation", None)).__name__ == "Sigmoid":
        return ("network.loss=binary_cross_entropy",)
    return ()


def _classes_as_values(patient: Patient) -> Iterator[Finding]:
    """Whole numbers from 0 on, few and each of many cases, which may be numbers of classes."""
    t = target_rows(patient.train.t)
    if t.shape[1] != 1 or not patient.may_suffer or patient.data.target_scaling is not None:
        return
    values, counts = np.unique(t, return_counts=True)
    if not 3 <= len(values) <= MOST_CLASSES or (values != np.arange(len(values))).any():
        return
    if counts.min() < max(3, len(t) / len(values) / 4):
        return
    yield Finding(
        "wrong_loss",
        patient.network.layers[-1].name,
        f"the targets are the whole numbers from 0 to {len(values) - 1}, each of at least "
        f"{counts.min():,} training cases: if they are numbers of classes, a difference between "
        f"them means nothing; {patient.standing}",
        "possible",
        "if they are classes: target: classes in data, as many units in the last layer, softmax "
        "behind it, and loss: cross_entropy",
    )


def _half_before_softmax(patient: Patient) -> Iterator[Finding]:
    """An activation that takes from softmax half of the numbers, or all that are far from 0."""
    network = patient.network
    if len(network.layers) < 2 or not network.layers[-1].gives_distribution:
        return
    place = len(network.layers) - 2
    layer = network.layers[place]
    name = type(getattr(layer, "activation", None)).__name__
    if name not in RANGES or not layer.has_weights:
        return
    low, high = RANGES[name]
    treatment = (f"network.layers.{place}.activation=linear",)
    helped = patient.helped_by(*treatment) if patient.may_suffer else None
    yield Finding(
        "wrong_loss",
        layer.name,
        f"softmax takes any number, but {layer.name}, whose activation is {name.lower()}, gives "
        f"it numbers from {low:g} to {high:g} only; "
        f"{patient.reached(helped) if helped else patient.standing}",
        "possible",
        "let the layer before softmax be linear",
        treatment,
    )

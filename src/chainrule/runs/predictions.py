"""From a network's outputs to predictions as people write them, and from their targets back.

The labels of classes keep the type that they have in the data, values are in their own units, and
of labels that a case may have several of, each is 0 or 1.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, ShapeError, shown
from chainrule.data.readers.cases import Labels, LabelType
from chainrule.data.readers.encoding import (
    encode_classes,
    encode_label_sets,
    encode_values,
    typed_labels,
)
from chainrule.data.standardization import Standardization
from chainrule.data.target_scaling import scaled_targets
from chainrule.nn.network import Network
from chainrule.training.metrics import predicted_classes, predicted_labels
from chainrule.training.scores import target_labels


class Trained(Protocol):
    """What this module needs of a `chainrule.runs.run.Run`."""

    network: Network
    classes: tuple[str, ...] | None
    label_type: LabelType
    target_names: tuple[str, ...] | None
    target_scaling: Standardization | None
    multi_label: bool


def predictions(run: Trained, outputs: Array) -> Array:
    """What `Run.predict` returns for these outputs.

    Args:
        run: the trained network.
        outputs: in the targets' own units, (cases, outputs).
    """
    last = run.network.layers[-1]
    if last.gives_sequences:
        outputs = outputs.reshape(-1, *last.output_shape)
    missing: Array = np.asarray(np.isnan(outputs))
    if run.multi_label:
        type_ = np.bool_ if run.label_type == "bool" else np.int64
        return _with_missing(predicted_labels(outputs).astype(type_), missing)
    if run.classes is None:
        return outputs
    rows = outputs.reshape(-1, outputs.shape[-1])
    numbers = predicted_classes(rows).reshape(outputs.shape[:-1])
    labels = typed_labels(run.classes, run.label_type)
    return _with_missing(labels[numbers], np.asarray(missing.any(axis=-1)))


def _with_missing(found: Array, missing: Array) -> Array:
    """The predictions, with an empty text or NaN where they are missing."""
    if found.dtype.kind == "U":
        return np.where(missing, "", found)
    return np.where(missing, np.nan, found) if missing.any() else found


def output_names(run: Trained) -> list[str]:
    """What each output of a run stands for: the name of a class, a label or a value.

    The names of classes are written as their labels are in the data. A single output that tells
    two classes apart stands for the second one.
    """
    outputs = run.network.layers[-1].output_shape[-1]
    if run.classes is None:
        return target_labels(run.target_names, outputs, multi_label=run.multi_label)
    labels = [str(label) for label in typed_labels(run.classes, run.label_type)]
    return labels[1:] if outputs == 1 else labels


def numbers_of(run: Trained, t: Any) -> Array:
    """Targets as they are in the data as numbers, which `scaled` makes what the network takes.

    Args:
        run: the trained network.
        t: as `Run.evaluate` takes it.

    Raises:
        DataError: a label is none of the classes, or no number where numbers are expected.
        ShapeError: there is another number of targets a case than the network has outputs.
    """
    values = np.asarray(t)
    if values.dtype.kind == "O":
        values = values.astype(np.str_)
    if not values.ndim or values.dtype.kind not in "Ubiuf":
        raise DataError(f"targets are one a case, found {shown(t)}")
    if values.dtype.kind == "b":
        values = values.astype(np.int64)
    if run.network.layers[-1].gives_sequences:
        return values
    if values.dtype.kind == "U" and values.ndim > 1:
        raise DataError("targets hold rows of text; expected one label a case")
    given = values if values.dtype.kind != "U" else [word.strip() for word in values.tolist()]
    return encoded_labels(run, Labels(given, _place))


def _place(case: int, message: str) -> Problem:
    return Problem(f"t[{case}]: {message}")


def encoded_labels(run: Trained, labels: Labels) -> Array:
    """The labels of a file as numbers, which `scaled` makes what the network takes.

    Raises:
        DataError: as `numbers_of`.
    """
    if run.classes is not None:
        return encode_classes([labels], run.classes)[0]
    if run.multi_label:
        return encode_label_sets([labels])[0]
    return encode_values([labels])[0]


def scaled(run: Trained, t: Array) -> Array:
    """Targets as numbers, of which values are scaled as the network's training targets were.

    Raises:
        ShapeError: there is another number of targets a case than the network has outputs.
    """
    scaling = run.target_scaling
    if scaling is None:
        return t
    if t.shape[-1] != scaling.mean.size:
        found, wanted = t.shape[-1], scaling.mean.size
        raise ShapeError(f"the network predicts {wanted} targets, but these are {found}")
    return scaled_targets(t, scaling)

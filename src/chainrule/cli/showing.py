"""Looking at a data set: its images, its scatter plot, or its sequences as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from secrets import randbits
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError
from chainrule.core.sequences import are_sequences
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.readers.characters import SPACE
from chainrule.plots.images import image_grid
from chainrule.plots.scatter import scatter
from chainrule.training.metrics import true_classes
from chainrule.training.scores import target_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NONE = "-"
"""Printed where a step has no target."""


def picture(data: DataSplit, part: Dataset, title: str, count: int) -> Figure:
    """Random images of ``part``, or its scatter plot.

    Args:
        data: the data set of the part.
        part: the cases.
        title: the picture's title.
        count: the most images to show.

    Raises:
        DataError: the part has no cases.
    """
    if len(part) == 0:
        raise DataError(f"{title}: there are no cases")
    if data.target_scaling is not None:  # targets are shown in their own units
        part = replace(part, t=data.target_scaling.undo(part.t))
    if data.image_shape is None:
        return scatter(
            _in_own_units(part.x, data),
            part.t,
            classes=data.classes,
            feature_names=data.feature_names,
            target_names=data.target_names,
            one_unit=data.one_unit,
            title=title,
        )
    chosen = _some(part, count)
    x, t = _in_own_units(part.x[chosen], data), part.t[chosen]
    if data.classes is None:
        labels = [_targets_text(value, data) for value in t]
    else:
        labels = [data.classes[k] for k in true_classes(t)]
    return image_grid(data.pictures(x), labels, title=title)


def _in_own_units(x: Array, data: DataSplit) -> Array:
    """Inputs as they were before they were standardised."""
    return x if data.scaling is None else data.scaling.undo(x)


def _targets_text(t: Array, data: DataSplit) -> str:
    """The label of an image whose targets are no classes: its first value, or all its labels."""
    if not data.multi_label:
        return _number(float(np.ravel(t)[0]), 4)
    names = target_labels(data.target_names, len(t), multi_label=True)
    return ", ".join(name for name, there in zip(names, t, strict=True) if there) or NONE


def _some(part: Dataset, count: int) -> Array:
    """The indices of at most ``count`` cases, drawn at random."""
    return np.random.default_rng(randbits(64)).permutation(len(part))[:count]


def sequences_as_text(
    data: DataSplit, part: Dataset, count: int, *, are_indices: bool = False
) -> str:
    """Random cases as text: their inputs and targets, with one column per step.

    A text's windows are printed as text, with the characters that follow below them.

    Args:
        data: the data set of the part.
        part: the cases, whose inputs are (cases, steps, features).
        count: the most cases to show.
        are_indices: whether the inputs are class numbers, those of the characters of a text.

    Raises:
        DataError: the part has no cases.
    """
    if len(part) == 0:
        raise DataError(f"{data.source}: there are no cases")
    if data.target_scaling is not None:  # targets are shown in their own units
        part = replace(part, t=data.target_scaling.undo(part.t))
    lines = [data.source]
    for case in _some(part, count):
        x = part.x[case]
        x = x[~np.isnan(x).all(axis=1)]
        lines += ["", *_case(x, part.t[case], data.classes, are_sequences(part.t), are_indices)]
    return "\n".join(lines) + "\n"


def _case(
    x: Array, t: Any, classes: Sequence[str] | None, of_steps: bool, are_indices: bool
) -> Iterator[str]:
    """The lines of one sequence: its features, then its targets."""
    are_one_hot = classes is not None and len(classes) == x.shape[1] > 2 and of_steps
    if classes is not None and (are_one_hot or are_indices):
        numbers = np.where(x.any(axis=1), x.argmax(axis=1), -1) if are_one_hot else x[:, 0]
        yield "x  " + "".join(_character(classes, int(k)) for k in numbers)
        yield "t  " + "".join(_character(classes, int(k)) for k in t)
        return
    rows = [[_number(v) for v in feature] for feature in x.T]
    targets = [_target(v, classes) for v in (t[: len(x)] if of_steps else [t])]
    columns = zip(*rows, *([targets] if of_steps else []), strict=True)
    widths = [max(map(len, column)) for column in columns]
    for k, row in enumerate(rows):
        yield ("x  " if k == 0 else "   ") + _aligned(row, widths)
    yield "t  " + (_aligned(targets, widths) if of_steps else targets[0])


def _character(classes: Sequence[str], number: int) -> str:
    """A character in printable form; a box for one that the alphabet lacks."""
    if number < 0:
        return "□"
    return " " if classes[number] == SPACE else classes[number]


def _aligned(words: Sequence[str], widths: Sequence[int]) -> str:
    return " ".join(word.rjust(width) for word, width in zip(words, widths, strict=True))


def _target(t: Any, classes: Sequence[str] | None) -> str:
    if np.ndim(t) == 0 and classes is not None:
        return classes[int(t)] if t >= 0 else NONE
    values = np.ravel(t)
    return NONE if np.isnan(values).any() else " ".join(map(_number, values))


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}g}"

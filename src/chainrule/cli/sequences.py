"""Sequences as text: for looking at, and what a network says of each step."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from secrets import randbits
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError
from chainrule.core.sequences import are_sequences
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.readers.characters import SPACE
from chainrule.training.scores import predicted_classes

NONE = "-"
"""Printed where a step has no target."""


def sequences_as_text(data: DataSplit, part: Dataset, count: int) -> str:
    """Some cases at random: inputs and targets, a column a step.

    A text's windows are printed as text, with the characters that follow below them.

    Args:
        data: what the part belongs to.
        part: its cases are (cases, steps, features).
        count: the most cases to show.

    Raises:
        DataError: the part has no cases.
    """
    if len(part) == 0:
        raise DataError(f"{data.source}: there are no cases")
    assert data.sequence_shape is not None
    chosen = np.random.default_rng(randbits(64)).permutation(len(part))[:count]
    lines = [data.source]
    for case in chosen:
        x = part.x[case]
        x = x[~np.isnan(x).all(axis=1)]
        lines += ["", *_case(x, part.t[case], data.classes, of_steps=are_sequences(part.t))]
    return "\n".join(lines) + "\n"


def _case(x: Array, t: Any, classes: Sequence[str] | None, *, of_steps: bool) -> Iterator[str]:
    if classes is not None and len(classes) == x.shape[1] > 2 and of_steps:
        numbers = np.where(x.any(axis=1), x.argmax(axis=1), -1)
        yield "x  " + "".join(_character(classes, int(k)) for k in numbers)
        yield "t  " + "".join(_character(classes, int(k)) for k in t)
        return
    rows = [[_number(v) for v in feature] for feature in x.T]
    targets = [_target(v, classes) for v in (t[: len(x)] if of_steps else [t])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if of_steps:
        widths = [max(w, len(v)) for w, v in zip(widths, targets, strict=True)]
    for k, row in enumerate(rows):
        yield ("x  " if k == 0 else "   ") + _set(row, widths)
    yield "t  " + (_set(targets, widths) if of_steps else targets[0])


def _character(classes: Sequence[str], number: int) -> str:
    """A character as it can be printed; one that the alphabet lacks as a box."""
    if number < 0:
        return "□"
    return " " if classes[number] == SPACE else classes[number]


def _set(words: Sequence[str], widths: Sequence[int]) -> str:
    return " ".join(word.rjust(width) for word, width in zip(words, widths, strict=True))


def _target(t: Any, classes: Sequence[str] | None) -> str:
    if np.ndim(t) == 0 and classes is not None:
        return classes[int(t)] if t >= 0 else NONE
    values = np.ravel(t)
    return NONE if np.isnan(values).any() else " ".join(map(_number, values))


def _number(value: float) -> str:
    return f"{value:.3g}"


def steps_as_csv(classes: Sequence[str] | None, y: Array, steps: int) -> str:
    """What a network says of each real step: case and step, both from 1, then as of a case.

    Args:
        classes: the names of the classes, or None for values.
        y: outputs, (cases, steps · outputs), NaN at padding.
        steps: of a case.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    by_step = y.reshape(len(y), steps, -1)
    outputs = by_step.shape[2]
    if classes is None:
        names = [f"value_{k + 1}" for k in range(outputs)]
    else:
        names = ["class", *(classes if outputs > 1 else classes[1:])]
    writer.writerow(["case", "step", *names])
    for case, step in np.argwhere(~np.isnan(by_step).all(axis=2)):
        row = by_step[case, step]
        said = [] if classes is None else [classes[int(predicted_classes(row[None])[0])]]
        writer.writerow([case + 1, step + 1, *said, *(f"{v:.8g}" for v in row)])
    return text.getvalue()

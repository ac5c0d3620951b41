"""The cases that a network gets most wrong, with what it said and how sure it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.notation import input_name
from chainrule.core.sequences import NO_CLASS, are_sequences
from chainrule.data.readers.characters import Alphabet
from chainrule.plots.images import shades
from chainrule.runs.report.examined import Examined
from chainrule.runs.report.pictures import LARGEST_SIDE, Picture, picture
from chainrule.training.metrics import predicted_labels
from chainrule.training.scores import outputs_of, target_labels

MOST_IMAGES, MOST_ROWS = 24, 12
MOST_COLUMNS = 12
"""Of a table with more columns, the first are shown."""

MOST_STEPS = 24
"""Of a sequence so many steps are shown, up to the one that the network was asked about."""

MOST_WORDS = 6
"""Of more labels than this a case shows only the first."""


@dataclass(frozen=True)
class Mistake:
    """One case.

    Attributes:
        case: its place, such as ``17`` or, of a sequence, ``17, step 3``.
        true: what is right.
        said: what the network said.
        sure: how sure it was of that, and of what is right; or how far it was off.
        picture: the case, where it is an image.
        cells: its inputs as texts, where it is none.
    """

    case: str
    true: str
    said: str
    sure: str
    picture: Picture | None = None
    cells: Sequence[str] = ()


@dataclass(frozen=True)
class Mistakes:
    """The worst mistakes of one part of the data.

    Attributes:
        headings: what the true target, the prediction and the last figure are called.
        inputs: the names of the inputs that are shown; empty for images.
        cases: the worst first.
        wrong: how many targets are wrong, where right and wrong can be told apart.
        total: of how many.
        not_finite: for how many the network gives no finite number.
        left_out: how many columns are not shown.
    """

    headings: tuple[str, str, str]
    inputs: list[str]
    cases: list[Mistake]
    wrong: int | None
    total: int
    not_finite: int
    left_out: int


def mistakes(found: Examined, most: int | None = None) -> Mistakes:
    """The cases with the greatest errors; where nothing is wrong, those that are least sure.

    Args:
        found: the cases and what the network says of them.
        most: how many of them; by default what a page has room for.
    """
    of_kind: dict[str, Callable[[Examined], _Errors]] = {
        "classes": _of_classes,
        "labels": _of_labels,
        "values": _of_values,
    }
    errors = of_kind[found.kind.word](found)
    with np.errstate(all="ignore"):
        size = np.where(found.finite, errors.size, -np.inf)
    order = np.argsort(-size, kind="stable")
    are_images = found.data.image_shape is not None
    fits = MOST_IMAGES if are_images else MOST_ROWS
    shown = min(fits if most is None else most, errors.wrong or len(order))
    chosen = [k for k in order if found.finite[k]][:shown]
    pictures = _pictures(found, chosen) if are_images else [None] * len(chosen)
    names, cells = ([], [[] for _ in chosen]) if are_images else _inputs(found, chosen)
    cases = [
        Mistake(_place(found, k), *errors.words(k), image, of_case[:MOST_COLUMNS])
        for k, image, of_case in zip(chosen, pictures, cells, strict=True)
    ]
    return Mistakes(
        headings=errors.headings,
        inputs=names[:MOST_COLUMNS],
        cases=cases,
        wrong=errors.wrong,
        total=len(found.finite),
        not_finite=int((~found.finite).sum()),
        left_out=max(0, len(names) - MOST_COLUMNS),
    )


# How wrong each case is


@dataclass(frozen=True)
class _Errors:
    """How wrong each row is.

    Attributes:
        size: by which they are sorted, (rows,).
        words: of a row what is right, what was said, and how sure.
        headings: of these three.
        wrong: how many are wrong, or None.
    """

    size: Array
    words: Callable[[int], tuple[str, str, str]]
    headings: tuple[str, str, str]
    wrong: int | None


def _percent(p: float) -> str:
    return f"{100 * p:.4g} %"


def _of_classes(found: Examined) -> _Errors:
    y, _ = found.rows
    rows, true, said = np.arange(len(y)), found.true, found.said
    of_each = np.column_stack([1 - y[:, 0], y[:, 0]]) if y.shape[1] == 1 else y
    are_probabilities = outputs_of(found.run.network) != "any"
    wrong = said != true

    def words(k: int) -> tuple[str, str, str]:
        pair = float(of_each[k, said[k]]), float(of_each[k, true[k]])
        p, of_true = (_percent(v) if are_probabilities else f"{v:.4g}" for v in pair)
        sure = p if are_probabilities else f"output {p}"
        if wrong[k]:
            sure += f", {of_true} for {found.name_of(true[k])}"
        return found.name_of(true[k]), found.name_of(said[k]), sure

    margin = of_each[rows, said] - of_each[rows, true]
    least_sure = -of_each[rows, said]
    # All that are wrong come before all that are right; of those, the least sure first.
    span = 1 + np.nanmax(np.abs(of_each), initial=0) * 2
    size = np.where(wrong, span + margin, least_sure - span)
    return _Errors(size, words, ("is", "said", "how sure"), int((wrong & found.finite).sum()))


def _of_labels(found: Examined) -> _Errors:
    y, t = found.rows
    names = target_labels(found.kind.names, y.shape[1], multi_label=True)
    said, true = predicted_labels(y), predicted_labels(t)
    wrong = (said != true).any(axis=1)

    def listed(which: Array) -> str:
        some = [names[k] for k in np.flatnonzero(which)]
        rest = f" and {len(some) - MOST_WORDS} more" if len(some) > MOST_WORDS else ""
        return ", ".join(some[:MOST_WORDS]) + rest or "none"

    def words(k: int) -> tuple[str, str, str]:
        off = np.argsort(-np.abs(y[k] - t[k]), kind="stable")[:3]
        sure = ", ".join(f"{_percent(float(y[k, j]))} for {names[j]}" for j in off)
        return listed(true[k]), listed(said[k]), sure

    size = np.abs(y - t).max(axis=1)
    return _Errors(size, words, ("has", "said", "how sure"), int((wrong & found.finite).sum()))


def _of_values(found: Examined) -> _Errors:
    y, t = found.rows
    names = target_labels(found.kind.names, y.shape[1], multi_label=False)
    off = y - t
    deviation = t.std(axis=0)
    size = np.abs(off / np.where(deviation > 0, deviation, 1)).max(axis=1)

    def words(k: int) -> tuple[str, str, str]:
        if y.shape[1] == 1:
            return _number(t[k, 0]), _number(y[k, 0]), _number(off[k, 0])
        worst = np.argsort(-np.abs(off[k]), kind="stable")[:3]
        three = (
            "; ".join(f"{names[j]} {_number(values[k, j])}" for j in worst)
            for values in (t, y, off)
        )
        is_, said, error = three
        return is_, said, error

    return _Errors(size, words, ("is", "said", "error"), None)


def _number(value: float) -> str:
    return f"{value:.6g}"


# What is shown of each case


def _place(found: Examined, row: int) -> str:
    case, step = found.places[row]
    number = f"{found.numbers[case]:,}"
    return f"{number}, step {step + 1:,}" if are_sequences(found.t) else number


def _pictures(found: Examined, rows: Sequence[int]) -> list[Picture | None]:
    """The images of the cases as they were before they were standardised."""
    x = found.x[found.places[rows, 0]] if len(rows) else found.x[:0]
    if found.data.scaling is not None:
        x = found.data.scaling.undo(x)
    if not len(rows):
        return []
    return [picture(each, LARGEST_SIDE) for each in shades(found.data.pictures(x))]


def _inputs(found: Examined, rows: Sequence[int]) -> tuple[list[str], list[list[str]]]:
    """The names of the inputs, and those of each case as texts in their own units."""
    cases = found.places[rows, 0] if len(rows) else np.empty(0, np.intp)
    x = found.x[cases]
    if found.data.scaling is not None:
        x = found.data.scaling.undo(x)
    if found.data.sequence_shape is not None:
        has_steps = are_sequences(found.t) and len(rows)
        steps = found.places[rows, 1] if has_steps else np.full(len(rows), -1)
        is_text = "text" in found.run.config.data
        return ["the text until then" if is_text else "the sequence"], [
            [_sequence(found, of_case, int(step))] for of_case, step in zip(x, steps, strict=True)
        ]
    encoding = found.data.encoding
    if encoding is None:
        names = [input_name(k, found.data.feature_names) for k in range(found.run.network.input)]
        return names, [[_number(v) for v in row] for row in x.reshape(len(x), -1)]
    return [column.name for column in encoding.inputs], [_cells(found, row) for row in x]


def _cells(found: Examined, row: Array) -> list[str]:
    """The cells of a table's row, from what they became."""
    assert found.data.encoding is not None
    cells, start = [], 0
    for column in found.data.encoding.inputs:
        own = row[start : start + column.width]
        start += column.width
        if column.has_indicator and own[-1] > 0.5:
            cells.append("missing")
        elif column.kind == "number":
            cells.append(_number(float(own[0])))
        else:
            at = round(float(own[0])) if column.kind == "integer" else int(own.argmax())
            known = 0 <= at < len(column.categories) and (column.kind == "integer" or own.any())
            cells.append(column.categories[at] if known else "another")
    return cells


def _sequence(found: Examined, x: Array, step: int) -> str:
    """The last steps of a sequence, up to the one that was asked about; −1 for the last."""
    x = x.reshape(found.data.sequence_shape or x.shape)
    x = x[: step + 1] if step >= 0 else x[~np.isnan(x).all(axis=1)]
    shown = x[-MOST_STEPS:]
    before = "… " if len(shown) < len(x) else ""
    if "text" in found.run.config.data and found.run.classes is not None:
        are_indices = found.run.config.data.get("encoding") == "indices"
        return before + _characters(found.run.classes, shown, are_indices=are_indices)
    width = shown.shape[1]
    steps = [" ".join(f"{v:.3g}" for v in row) for row in shown]
    return before + (", " if width == 1 else " | ").join(steps)


def _characters(classes: Sequence[str], x: Array, *, are_indices: bool) -> str:
    """A text from its inputs: one-hot, numbers of characters, or shares of the alphabet."""
    symbols = Alphabet.named(classes).symbols
    if x.shape[1] > 1:
        numbers = np.where(x.any(axis=1), x.argmax(axis=1), NO_CLASS)
    else:
        numbers = (x[:, 0] * (1 if are_indices else len(symbols))).round().astype(int)
    return "".join(symbols[k] if 0 <= k < len(symbols) else "□" for k in numbers)

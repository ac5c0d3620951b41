"""What the data of a training are, in a few lines, and what is doubtful about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.cli.terminal import say
from chainrule.core.errors import shown
from chainrule.core.notation import counted
from chainrule.data.dataset import DataSplit
from chainrule.data.tables.description import commonest, readable
from chainrule.data.tables.roles import listed
from chainrule.data.tables.suspicions import FILLED, families, filling

if TYPE_CHECKING:
    from chainrule.data.tables.encoding import TableEncoding

MOST_DOUBTS = 6
"""At most so many doubts are said before a training; ``chainrule describe`` shows all."""

MOST_CLASSES = 8
"""Of more classes than these, the commonest are named."""


def say_data(data: DataSplit) -> None:
    """Print what the data are: source and parts, label, inputs, and what was done to columns."""
    for heading, text in _lines(data):
        say(f"{heading:<10}{text}")


def say_doubts(data: DataSplit, *, to_stderr: bool = False, most: int | None = None) -> None:
    """Print what is doubtful about data, the worst first.

    Args:
        data: the data.
        to_stderr: print to stderr, as where stdout is to stay empty.
        most: how many doubts are said at most; None for all.
    """
    for doubt in data.doubts[:most]:
        say(f"note: {doubt}", to_stderr=to_stderr)
    more = len(data.doubts) - len(data.doubts[:most])
    if more:
        say(f"note: and {more} more; chainrule describe shows them", to_stderr=to_stderr)


def _lines(data: DataSplit) -> Iterator[tuple[str, str]]:
    yield "data", data.source
    sizes = zip(data, ("training", "validation", "test"), strict=True)
    yield "split", ", ".join(f"{len(part):,} {name}" for part, name in sizes) + " cases"
    if data.encoding is not None:
        yield "label", f"{listed(data.encoding.labels)}: {targets_text(data)}"
        yield from _columns(data.encoding, data.doubts)
    elif not data.has_targets_of_steps:
        yield "label", targets_text(data)


def targets_text(data: DataSplit) -> str:
    """The classes or labels with their counts in all parts, or the range of the values."""
    t = np.concatenate([part.t for part in data])
    if data.multi_label:
        names = data.target_names or [str(k + 1) for k in range(t.shape[-1])]
        counts = np.nansum(t, axis=tuple(range(t.ndim - 1)))
        return f"a case may have several: {commonest(names, counts, MOST_CLASSES)}"
    if data.classes is None:
        if not t.size:
            return "no values"
        if data.target_scaling is not None:
            t = data.target_scaling.undo(t)
        mean = readable(np.nanmean(t), 4)
        return f"values from {readable(np.nanmin(t))} to {readable(np.nanmax(t))}, mean {mean}"
    numbers = t if t.ndim == 1 else t.argmax(axis=-1)
    counts = np.bincount(numbers[numbers >= 0].astype(np.intp), minlength=len(data.classes))
    return f"classes {commonest(data.classes, counts, MOST_CLASSES)}"


def _columns(encoding: TableEncoding, doubts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The inputs, other columns and missing cells, but for what a doubt says of them."""
    yield "inputs", f"{encoding.width:,}: {inputs_text(encoding)}"
    others = [
        f"{key} {shown(name)[1:-1]}"
        for key in ("weight", "group", "time")
        if (name := getattr(encoding, key)) is not None
    ]
    if others:
        yield "also", ", ".join(others)
    dropped: dict[str, list[str]] = {}
    for name, reason in encoding.left_out.items():
        if not any(reason in doubt for doubt in doubts):
            dropped.setdefault(reason, []).append(name)
    if dropped:
        words = [f"{listed(names)} ({reason})" for reason, names in dropped.items()]
        yield "left out", "; ".join(words)
    filled = [column for column in encoding.inputs if column.missing]
    if filled and not any(doubt.startswith(FILLED) for doubt in doubts):
        words = [f"{c.missing:,} of {shown(c.name)[1:-1]} ({filling(c)})" for c in filled[:5]]
        more = f" and of {len(filled) - 5} more columns" if len(filled) > 5 else ""
        yield "missing", f"{', '.join(words)}{more}"


def inputs_text(encoding: TableEncoding) -> str:
    """The columns that are inputs, with the number of categories where they have some."""
    together = families([column.name for column in encoding.inputs])
    words: list[str] = []
    family: list[str] = []

    def close() -> None:
        if family:
            ends: Sequence[str] = (family[0], family[-1])
            words.append(" … ".join(shown(name)[1:-1] for name in ends))
            family.clear()

    for column in encoding.inputs:
        start = together.get(column.name)
        if family and together.get(family[0]) != start:
            close()
        if start is not None:
            family.append(column.name)
            continue
        name = shown(column.name, 40)[1:-1]
        many = counted(len(column.categories), "category").replace("categorys", "categories")
        words.append(name if column.kind == "number" else f"{name} ({many})")
    close()
    if len(words) > 12:
        words = [*words[:11], f"and {len(words) - 11} more columns"]
    return ", ".join(words)

"""From labels to targets: class numbers, or values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, nearest, shown
from chainrule.data.readers.cases import Labels, as_word, commands_terminal, is_numeric, is_whole

MAX_CLASS = 65_535
"""Class numbers above this are taken for identifiers or values written by mistake."""

MOST_SHOWN = 10
"""At most so many wrong labels of a file are reported; the others are counted."""


class OutsideClassesError(DataError):
    """Labels that are none of the classes.

    Attributes:
        needed: how many classes the labels need if they are class numbers and no list of the
            classes' names came with them; otherwise None.
    """

    def __init__(self, problems: Iterable[Problem], needed: int | None) -> None:
        self.needed = needed
        super().__init__(problems)


def class_names(
    parts: Sequence[Labels], listed: Iterable[Any] | None = None, outputs: int | None = None
) -> tuple[str, ...]:
    """The names of the classes in the order of their numbers, over all parts together.

    Args:
        parts: the labels of the training, validation and test files.
        listed: the names as the user lists them; these then are the classes.
        outputs: the network's number of outputs; one output tells two classes apart.

    Returns:
        The listed names; or those the file brings; or the sorted texts; or, for class
        numbers, "0", "1", ... up to the outputs' or the largest label's number.

    Raises:
        DataError: for a list that repeats a name, texts among numbers, numbers that cannot be
            class numbers, or labels that are all of one class where nothing names another.
    """
    names = _class_names(parts, listed, outputs)
    stated = listed is not None or any(p.names is not None or np.ndim(p.values) > 1 for p in parts)
    check_names(names, next((part.path for part in parts), None))
    if len(names) == 1 or not stated:
        require_two_classes(parts)
    return names


def check_names(names: Sequence[str], path: Path | None) -> None:
    """Refuse class names that are not fit to be shown.

    Raises:
        DataError: one stands there twice, or holds characters that a terminal takes for commands.
    """
    if len(set(names)) < len(names):
        raise DataError(Problem("a class is named twice", path))
    for name in names:
        if commands_terminal(name):
            raise DataError(Problem(f"the class {shown(name)} has control characters", path))


def require_two_classes(parts: Sequence[Labels]) -> None:
    """Refuse labels that are all the same: a classifier would learn nothing from them.

    Raises:
        DataError: they are; with the place of the first one.
    """
    words = _words(parts)
    if len(words) != 1:
        return
    count, word = sum(map(len, parts)), words.pop()
    found = f"all {count} labels are {word}" if count > 1 else f"the only label is {word}"
    first = next(part for part in parts if len(part))
    raise DataError(first.place(0, f"{found}; a classifier needs two classes"))


def _words(parts: Sequence[Labels]) -> set[str]:
    """The different labels of all parts."""
    return {word for part in parts for word in part.distinct()[0]}


def _class_names(
    parts: Sequence[Labels], listed: Iterable[Any] | None, outputs: int | None
) -> tuple[str, ...]:
    if listed is not None:
        names = tuple(as_word(name) for name in listed)
        if len(set(names)) < len(names):
            raise DataError(f"classes must not repeat a name, but lists {', '.join(names)}")
        return names
    brought = [(part.names, part.path) for part in parts if part.names is not None]
    if brought:
        names, path = brought[0]
        for others, other_path in brought[1:]:
            if others != names:
                message = f"the classes' names differ from those of {path}"
                raise DataError(Problem(message, other_path))
        return names
    if any(part.are_text for part in parts):
        _refuse_mixture([part for part in parts if not part.are_names])
        return tuple(sorted(_words(parts)))
    return tuple(str(k) for k in range(_number_of_classes(parts, outputs)))


def encode_classes(parts: Sequence[Labels], names: Sequence[str]) -> list[Array]:
    """The class numbers of every part's cases.

    A label is looked up by its name; numbers that are no names count the names from 0.

    Raises:
        OutsideClassesError: for every label outside the classes, with its place.
    """
    encoded, problems = [], []
    for part in parts:
        words, which = part.distinct()
        lookup = _lookup(part, names)
        numbers = np.array([lookup.get(word, -1) for word in words], dtype=np.int64)[which]
        encoded.append(numbers)
        outside = np.flatnonzero(numbers < 0)
        hint = _hint(parts, names) if len(outside) else ""
        for case in outside[:MOST_SHOWN]:
            problems.append(part.place(int(case), _outside(words[which[case]], names) + hint))
            hint = ""  # once is enough
        if len(outside) > MOST_SHOWN:
            more = len(outside) - MOST_SHOWN
            problems.append(Problem(f"and {more} more such labels", part.path))
    if problems:
        raise OutsideClassesError(problems, _needed(parts))
    return encoded


def encode_values(parts: Sequence[Labels]) -> list[Array]:
    """The labels as values, (cases, outputs) float64.

    Raises:
        DataError: for texts, with the first one's place.
    """
    encoded = []
    for part in parts:
        if isinstance(part.values, list):
            case = next(k for k, v in enumerate(part.values) if not is_numeric(v))
            message = f"expected a value as the target, found {part.values[case]!r}"
            raise DataError(part.place(case, message))
        encoded.append(part.values.reshape(len(part), -1).astype(np.float64))
    return encoded


def _lookup(part: Labels, names: Sequence[str]) -> Mapping[str, int]:
    """The class number of each word that may stand in ``part``."""
    by_name = {name: k for k, name in enumerate(names)}
    if part.names is not None and not part.are_text:
        # The source's own list names the class of each of its numbers.
        return {str(k): by_name[name] for k, name in enumerate(part.names) if name in by_name}
    if any(is_whole(name) for name in names):
        return by_name
    return by_name | {str(k): k for k in range(len(names))}


def _needed(parts: Sequence[Labels]) -> int | None:
    """How many classes these class numbers need; None where they are none, or have names."""
    if any(part.are_text or part.names is not None for part in parts):
        return None
    try:
        return _number_of_classes(parts, None)
    except DataError:
        return None


def _number_of_classes(parts: Sequence[Labels], outputs: int | None) -> int:
    """Class numbers start at 0; without outputs the largest label decides how many there are."""
    rows = [np.shape(part.values)[1] for part in parts if np.ndim(part.values) > 1]
    if rows:
        return int(max(rows))
    if outputs is not None:
        return max(outputs, 2)
    largest = 1
    for part in parts:
        values = np.asarray(part.values, dtype=np.float64)
        wrong = (values < 0) | (values > MAX_CLASS) | (values != np.floor(values))
        if wrong.any():
            case = int(np.argmax(wrong))
            raise DataError(part.place(case, _no_class_number(values[case], parts)))
        largest = max(largest, int(values.max(initial=0)))
    return largest + 1


def _no_class_number(value: float, parts: Sequence[Labels]) -> str:
    text = f"label {as_word(value)} is no class number (0, 1, 2, ...)"
    if value != np.floor(value):
        return f"{text}; if the labels are values to be learned, write target: value"
    return text + _list_hint(_words(parts))


def _outside(word: str, names: Sequence[str]) -> str:
    """The message for a label that is none of the classes."""
    guess = None if is_whole(word) else nearest(word, names)
    hint = f"; did you mean {guess!r}?" if guess else ""
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    if list(names) == [str(k) for k in range(len(names))] and len(names) > 3:
        listed = f"0 to {len(names) - 1}"
    return f"label {word!r} is outside the {len(names)} classes {listed}{hint}"


def _hint(parts: Sequence[Labels], names: Sequence[str]) -> str:
    """How to write which numbers stand for the classes, where there are as many."""
    words = _words(parts)
    are_numbers = not any(part.are_text for part in parts)
    return _list_hint(words) if are_numbers and len(words) == len(names) else ""


def _list_hint(words: Iterable[str]) -> str:
    ordered = sorted(words, key=lambda word: (float(word) if is_numeric(word) else np.inf, word))
    return f"; to name the classes, write classes: [{', '.join(ordered)}]" * (len(ordered) <= 20)


def _refuse_mixture(parts: Sequence[Labels]) -> None:
    """Among numbers a text is far likelier a slip than a name, and the other way round."""
    first: dict[bool, tuple[int, Labels, str]] = {}
    counts = {True: 0, False: 0}
    for part in parts:
        words, which = part.distinct()
        numeric = np.array([is_numeric(word) for word in words], dtype=bool)[which]
        for kind in (True, False):
            cases = np.flatnonzero(numeric == kind)
            counts[kind] += len(cases)
            if len(cases) and (kind not in first or cases[0] < first[kind][0]):
                first[kind] = (int(cases[0]), part, words[which[cases[0]]])
    if not (counts[True] and counts[False]):
        return
    rare = counts[True] < counts[False]
    case, part, word = first[rare]
    one, others = ("a number", "text") if rare else ("text", "numbers")
    raise DataError(
        part.place(
            case,
            f"label {word!r} is {one}, but {counts[not rare]} other labels are {others}; where "
            "both are names of classes, list them under classes:",
        )
    )

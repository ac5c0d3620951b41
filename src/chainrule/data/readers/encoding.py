"""Encoding labels as targets: class numbers, or values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, nearest, shown
from chainrule.core.limits import MOST_SHOWN
from chainrule.core.sequences import NO_CLASS
from chainrule.data.readers.cases import (
    Labels,
    LabelType,
    as_word,
    commands_terminal,
    is_numeric,
    is_whole,
)

_INT64 = np.iinfo(np.int64)

MAX_CLASS = 65_535
"""Labels above this are refused as class numbers: they are likely identifiers or values."""


class OutsideClassesError(DataError):
    """Some labels are not among the classes.

    Attributes:
        needed: the number of classes that the labels need if they are class numbers and their
            files hold no names of classes; otherwise None.
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
        listed: the names listed by the user, which then are the classes.
        outputs: the network's number of outputs; one output distinguishes two classes.

    Returns:
        The listed names, or those stored in the files, or the distinct labels sorted if they
        are text, or if they are whole numbers that are no class numbers but as many as the
        network has outputs, such as 5 and 7; otherwise "0", "1", ..., as many as one-hot rows
        have columns or the network has outputs (at least two), or up to the largest label.

    Raises:
        DataError: a list of names repeats one, holds control characters or differs between
            files; labels mix text and numbers, cannot be class numbers, or are all the same
            while nothing names another class.
    """
    if listed is not None:
        known = _words(parts)  # the name of a folder may begin or end with blanks
        names = tuple(name if name in known else as_word(name) for name in listed)
        if len(set(names)) < len(names):
            raise DataError(f"classes must not repeat a name, but lists {', '.join(names)}")
    elif any(part.names is not None for part in parts):
        names = _names_in_files(parts)
    else:
        names = _names_of_labels(parts, outputs)
    stated = listed is not None or any(p.names is not None or np.ndim(p.values) > 1 for p in parts)
    check_names(names, next((part.path for part in parts), None))
    if len(names) == 1 or not stated:
        require_two_classes(parts)
    return names


def _names_in_files(parts: Sequence[Labels]) -> tuple[str, ...]:
    """The names stored in the files, which must agree in all files that store names."""
    first, *others = [(part.names, part.path) for part in parts if part.names is not None]
    for names, path in others:
        if names != first[0]:
            message = f"the classes' names differ from those of {first[1]}"
            raise DataError(Problem(message, path))
    return first[0]


def _names_of_labels(parts: Sequence[Labels], outputs: int | None) -> tuple[str, ...]:
    """The distinct labels sorted, if they are text; otherwise "0", "1", ..."""
    if any(part.are_text for part in parts):
        _refuse_mixture([part for part in parts if not part.are_names])
        first = _words(parts[:1])
        others = (part for part in parts[1:] if not end_in_points(part, first))
        return tuple(sorted(first | _words(list(others))))
    number, found = _number_of_classes(parts, outputs), _whole_labels(parts)
    if found and len(found) == number and not 0 <= found[0] <= found[-1] < number:
        return tuple(map(str, found))
    return tuple(str(k) for k in range(number))


def _whole_labels(parts: Sequence[Labels]) -> list[int]:
    """The distinct labels in order, if each is one whole number; otherwise none."""
    if any(part.are_text or np.ndim(part.values) > 1 for part in parts):
        return []
    found = np.unique(np.concatenate([np.asarray(part.values, float) for part in parts]))
    return found.astype(int).tolist() if (found == np.floor(found)).all() else []


def check_names(names: Sequence[str], path: Path | None) -> None:
    """Refuse class names that are ambiguous or unsafe to print.

    Raises:
        DataError: a name occurs twice or holds control characters.
    """
    if len(set(names)) < len(names):
        raise DataError(Problem("a class is named twice", path))
    for name in names:
        if commands_terminal(name):
            raise DataError(Problem(f"the class {shown(name)} has control characters", path))


def require_two_classes(parts: Sequence[Labels]) -> None:
    """Refuse labels that are all the same: a classifier would learn nothing from them.

    Raises:
        DataError: all labels are the same; with the place of the first one.
    """
    words = _words(parts)
    if len(words) != 1:
        return
    count, word = sum(map(len, parts)), words.pop()
    found = f"all {count} labels are {word}" if count > 1 else f"the only label is {word}"
    first = next(part for part in parts if len(part))
    raise DataError(first.place(0, f"{found}; a classifier needs two classes"))


def _words(parts: Sequence[Labels]) -> set[str]:
    """The distinct labels of all parts."""
    return {word for part in parts for word in part.distinct()[0]}


def end_in_points(part: Labels, names: Iterable[str]) -> bool:
    """Whether each label of a part is the name of a class with a point behind it.

    So ends each line of the test file of the census data of UCI, as they are passed around.
    """
    if not part.are_text:
        return False
    words, known = _words([part]), set(names)
    are_new = bool(words) and not words & known
    return are_new and all(word.endswith(".") and word[:-1] in known for word in words)


def encode_classes(
    parts: Sequence[Labels], names: Sequence[str], *, with_others: bool = False
) -> list[Array]:
    """The class numbers of every part's cases.

    A label is the name of a class, or an index: into the names that its own file stores, or
    else into ``names`` if none of these is a whole number.

    Args:
        parts: the labels of the training, validation and test files.
        names: the names of the classes.
        with_others: give a label that is not among the classes the number `NO_CLASS`.

    Raises:
        OutsideClassesError: labels are not among the classes, and ``with_others`` does not allow
            them; with their places.
    """
    encoded, problems = [], []
    for part in parts:
        words, which = part.distinct()
        lookup = _lookup(part, names)
        numbers = np.array([lookup.get(word, NO_CLASS) for word in words], dtype=np.int64)[which]
        encoded.append(numbers)
        if with_others:
            continue
        outside = np.flatnonzero(numbers < 0)
        hint = ""
        if len(outside) and not any(p.are_text for p in parts):
            found = _words(parts)
            hint = _list_hint(found) if len(found) == len(names) else ""
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
        DataError: a text is not a finite number; with the place of the first one.
    """
    encoded = []
    for part in parts:
        if isinstance(part.values, list):
            for case, word in enumerate(part.values):
                if not (is_numeric(word) and np.isfinite(float(word))):
                    message = f"expected a value as the target, found {word!r}"
                    raise DataError(part.place(case, message))
        values = np.array(part.values, dtype=np.float64)
        encoded.append(values.reshape(len(part), prod(values.shape[1:])))
    return encoded


def encode_label_sets(parts: Sequence[Labels]) -> list[Array]:
    """Rows of 0 and 1, (cases, labels) float64, for cases that may have several labels at once.

    Raises:
        DataError: a part has no rows, rows of other lengths than the first, or other numbers;
            with their places.
    """
    problems: list[Problem] = []
    for part in parts:
        rows = np.asarray(part.values)
        if rows.ndim < 2 or part.are_text:
            message = "target: labels takes a row of 0 and 1 for each case, found one label a case"
            raise DataError(Problem(message, part.path, key="target"))
        wrong = (rows != 0) & (rows != 1)
        for case, column in np.argwhere(wrong)[:MOST_SHOWN]:
            name = repr(part.columns[column]) if part.columns else f"column {column + 1}"
            message = f"label {as_word(rows[case, column])} in {name}; expected 0 or 1"
            hint = "" if problems else _value_hint(rows)
            if part.place_in_column is None:
                problems.append(part.place(int(case), message + hint))
            else:
                problems.append(part.place_in_column(int(case), int(column), message + hint))
        more = int(wrong.any(axis=None) and wrong.sum()) - MOST_SHOWN
        if more > 0:
            problems.append(Problem(f"and {more} more such labels", part.path))
    if problems:
        raise DataError(problems)
    return encode_values(parts)


def _value_hint(rows: Array) -> str:
    """What to write if the rows are no labels."""
    if ((rows >= 0) & (rows <= 1)).all():
        return "; where these are probabilities to be learned, write target: value"
    return " (for values of any size choose another loss, such as mse)"


def names_of_columns(parts: Sequence[Labels]) -> tuple[str, ...] | None:
    """The names of the columns of targets, which every part that has names must have alike.

    Raises:
        DataError: names differ between files, or hold control characters.
    """
    named = [part for part in parts if part.columns is not None]
    for part in named:
        if part.columns != named[0].columns:
            message = f"the names of the targets differ from those of {named[0].path}"
            raise DataError(Problem(message, part.path))
    columns = named[0].columns if named else None
    if columns is not None:
        check_names(columns, named[0].path)
    return columns


def label_type(parts: Sequence[Labels], names: Sequence[str]) -> LabelType:
    """The type of the labels: that of the first part, if the names of the classes can have it.

    Args:
        parts: the labels of all parts.
        names: the names of the classes; none where a case may have several labels.

    Example:
        >>> three = Labels(np.array([0, 2, 1]), lambda _, message: Problem(message))
        >>> label_type([three], ["0", "1", "2"]), label_type([three], ["a", "b", "c"])
        ('int', 'text')
    """
    if any(part.are_text or part.are_names for part in parts):
        return "text"
    found = parts[0].type
    if found is None or (names and found != "text" and np.ndim(parts[0].values) > 1):
        is_float = np.ndim(parts[0].values) == 1 and np.asarray(parts[0].values).dtype.kind == "f"
        found = "float" if is_float else "int"  # columns of one-hot rows are numbered
    return found if has_type(names, found) else "text"


def has_type(names: Sequence[str], type_: LabelType) -> bool:
    """Whether every name is that of a label of this type.

    Example:
        >>> has_type(["0", "12"], "int"), has_type(["007"], "int"), has_type(["0.5"], "float")
        (True, False, True)
    """
    if type_ == "int":
        short = all(is_whole(name) and len(name) <= len(str(_INT64.min)) for name in names)
        numbers = map(int, names) if short else [_INT64.max + 1]
        return all(_INT64.min <= n <= _INT64.max for n in numbers) and all(
            str(int(name)) == name for name in names
        )
    if type_ == "float":
        return all(is_numeric(name) for name in names)
    return type_ == "text" or set(names) <= {"0", "1"}


def typed_labels(names: Sequence[str], type_: LabelType) -> Array:
    """The labels of the classes, (classes,), in the type that they have in the source.

    Example:
        >>> typed_labels(["0", "1"], "bool"), typed_labels(["3", "8"], "int")
        (array([False,  True]), array([3, 8]))
    """
    if type_ == "text":
        return np.array(names, dtype=np.str_)
    kinds = {"int": np.int64, "float": np.float64, "bool": np.bool_}
    numbers = [float(name) if type_ == "float" else int(name) for name in names]
    return np.array(numbers).astype(kinds[type_])


def _lookup(part: Labels, names: Sequence[str]) -> Mapping[str, int]:
    """The class number for each text that a label of ``part`` may have."""
    by_name = {name: k for k, name in enumerate(names)}
    if end_in_points(part, names):
        return {f"{name}.": k for name, k in by_name.items()}
    if part.names is not None and not part.are_text:
        # A number is an index into the list of names that its own source holds.
        return {str(k): by_name[name] for k, name in enumerate(part.names) if name in by_name}
    if any(is_whole(name) for name in names):
        return by_name
    return by_name | {str(k): k for k in range(len(names))}


def _needed(parts: Sequence[Labels]) -> int | None:
    """How many classes the labels need; None if they are no class numbers, or have names."""
    if any(part.are_text or part.names is not None for part in parts):
        return None
    found = _whole_labels(parts)
    if len(found) > 1 and found[0] != 0:  # then they are no class numbers, but names
        return len(found) if len(found) <= MAX_CLASS else None
    try:
        return _number_of_classes(parts, None)
    except DataError:
        return None


def _number_of_classes(parts: Sequence[Labels], outputs: int | None) -> int:
    """The number of columns of one-hot rows, else outputs, else largest label + 1; at least 2."""
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


def _list_hint(words: Iterable[str]) -> str:
    """A hint how to name the classes of these labels; empty for more than 20 labels."""
    ordered = sorted(words, key=lambda word: (float(word) if is_numeric(word) else np.inf, word))
    return f"; to name the classes, write classes: [{', '.join(ordered)}]" * (len(ordered) <= 20)


def _refuse_mixture(parts: Sequence[Labels]) -> None:
    """Refuse labels of text mixed with numbers: the rarer kind is probably a mistake."""
    first: dict[bool, tuple[Labels, int, str]] = {}
    counts = {True: 0, False: 0}
    for part in parts:
        words, which = part.distinct()
        numeric = np.array([is_numeric(word) for word in words], dtype=bool)[which]
        for kind in (True, False):
            cases = np.flatnonzero(numeric == kind)
            counts[kind] += len(cases)
            if len(cases):
                first.setdefault(kind, (part, int(cases[0]), words[which[cases[0]]]))
    if len(first) == 2:
        rare = counts[True] < counts[False]
        part, case, word = first[rare]
        one, others = ("a number", "text") if rare else ("text", "numbers")
        message = (
            f"label {word!r} is {one}, but {counts[not rare]} other labels are {others}; where "
            "both are names of classes, list them under classes:"
        )
        raise DataError(part.place(case, message))

"""Sequences in an .npz file of ``x``, ``t`` and ``lengths``.

``x`` is (cases, steps, features); ``lengths``, (cases,), is the number of steps of each case; the
steps after these are padding. Without ``lengths`` the array could also hold images: it is read as
sequences only for a network that reads sequences, and then steps at the end of a case are padding
if all their features are NaN.

``t`` has one target for each case, class numbers (cases,) or values (cases, outputs), or one for
each step: class numbers (cases, steps), −1 for no target, or values (cases, steps, outputs), NaN
for no target. ``classes`` holds the names of the classes in order, ``target_names`` those of
values or labels, ``weights`` how much each case counts.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, ShapeError
from chainrule.core.sequences import NO_CLASS, lengths_of, padded_steps, partly_nan
from chainrule.data.dataset import Dataset
from chainrule.data.readers.cases import Labels
from chainrule.data.readers.encoding import MAX_CLASS, check_names, require_two_classes
from chainrule.data.readers.npz_file import (
    DAMAGES,
    names_in,
    names_of_classes,
    read_arrays,
    read_header,
    weights_in,
)
from chainrule.data.readers.paths import existing_file, files_matching

KNOWN = ("x", "t", "classes", "target_names", "lengths", "weights")


@dataclass(frozen=True, eq=False)
class Sequences:
    """The content of a file of sequences.

    Attributes:
        x: (cases, steps, features), NaN in padding.
        t: as in the file, but with no targets in padding; None if the file has none.
        classes: the names of the classes, or None if the file has none.
        weights: how much each case counts, (cases,), or None.
        target_names: the names of labels or values, or None if the file has none.
    """

    x: Array
    t: Array | None
    classes: tuple[str, ...] | None
    weights: Array | None
    target_names: tuple[str, ...] | None


def holds_sequences(path: Path, *, wanted: bool = False) -> bool:
    """Whether a file is an .npz file of sequences: it has an array ``lengths``.

    Args:
        path: the file, in any format; the answer for a damaged file is False.
        wanted: whether the network reads sequences: then an ``x`` of three axes is enough.
    """
    try:
        with zipfile.ZipFile(existing_file(files_matching(path)[0])) as file:
            names = file.namelist()
            if "lengths.npy" in names:
                return True
            if not wanted or "x.npy" not in names:
                return False
            with file.open("x.npy") as stream:
                shape, *_ = read_header(stream)
                return len(shape) == 3
    except (*DAMAGES, NotImplementedError, RuntimeError):
        # Damaged, packed in an unknown way, or encrypted: the reader of the file reports which.
        return False


def read_sequences(path: Path) -> Sequences:
    """Read a file of sequences.

    Raises:
        DataError: it is damaged, or its arrays do not fit each other.
    """
    return checked_sequences(read_arrays(path, KNOWN), path)


def checked_sequences(
    arrays: Mapping[str, Array], path: Path | None = None, name: str = ""
) -> Sequences:
    """Sequences from arrays with the names and shapes that the top of this module describes.

    Args:
        arrays: by `KNOWN`; those but x may be missing.
        path: the file that they were read from, or None.
        name: what a caller who passes them calls them, for messages.

    Raises:
        DataError: the arrays do not fit each other.
    """
    try:
        return _checked(arrays, path)
    except DataError as error:
        if not name:
            raise
        named = [replace(p, message=f"{name}: {p.message}") for p in error.problems]
        raise DataError(named) from None


def _checked(arrays: Mapping[str, Array], path: Path | None) -> Sequences:
    x = arrays["x"]
    if x.ndim != 3 or x.dtype.kind not in "buif" or 0 in x.shape:
        raise DataError(
            Problem(f"x has shape {x.shape}; expected numbers (cases, steps, features)", path)
        )
    lengths = arrays["lengths"] if "lengths" in arrays else _found_lengths(path, x)
    if lengths.shape != (len(x),) or lengths.dtype.kind not in "iu":
        raise DataError(
            Problem(f"lengths has shape {lengths.shape}; expected {len(x)} whole numbers", path)
        )
    wrong = (lengths < 1) | (lengths > x.shape[1])
    if wrong.any():
        case = int(wrong.argmax())
        message = f"lengths[{case}] is {lengths[case]}; expected 1 to {x.shape[1]} steps"
        raise DataError(Problem(message, path))
    padded = padded_steps(lengths.astype(np.intp), x.shape[1])
    finite = np.isfinite(x).all(axis=2) | padded
    if not finite.all():
        case, step = (int(k) for k in np.argwhere(~finite)[0])
        raise DataError(Problem(f"x[{case}, {step}] is not finite within the case", path))
    x = np.where(padded[:, :, None], np.nan, x)
    t = arrays.get("t")
    targets = None if t is None else _targets(path, t, padded)
    target_names = names_in(path, arrays, "target_names", "targets")
    weights = weights_in(path, arrays)
    return Sequences(x, targets, _names(path, arrays), weights, target_names)


def parts_with_names(
    found: Sequence[Sequences | None],
    classes: Sequence[str] | None,
    source: str,
    path: Path | None = None,
) -> tuple[list[Dataset | None], Sequence[str] | None]:
    """The parts of the data as data sets, and the names of the classes if targets are numbers.

    Args:
        found: the sequences to train on, then validation and test sequences of their own or None.
        classes: the names that the classes have if ``found`` does not name them, or None.
        source: where they come from, for messages.
        path: the file that they were read from, or None.

    Raises:
        DataError: targets are missing, do not fit the names or are all the same; or the parts
            have cases of different shapes.
    """
    made: list[Dataset | None] = []
    for one in found:
        if one is None:
            made.append(None)
        elif one.t is None:
            raise DataError(Problem("found no array t of targets beside x", path))
        else:
            made.append(Dataset(one.x, one.t, one.weights))
    whole, first = made[0], found[0]
    assert whole is not None
    assert first is not None
    names = first.classes or classes
    if names is None and whole.t.dtype.kind in "iu":
        there = whole.t[whole.t != NO_CLASS]
        require_two_classes([Labels(there, lambda _, message: Problem(message, path), path)])
        names = tuple(str(k) for k in range(max(1, int(whole.t.max())) + 1))
    for part in (part for part in made if part is not None):
        if names is not None and part.t.size and part.t.max() >= len(names):
            message = f"t goes up to {part.t.max()}; there are {len(names)} classes"
            raise DataError(Problem(message, path))
        if part.x.shape[1:] != whole.x.shape[1:] or part.t.shape[1:] != whole.t.shape[1:]:
            raise DataError(f"{source}: the parts of the data have cases of different shapes")
    return made, names


def _found_lengths(path: Path | None, x: Array) -> Array:
    """The number of steps of each case before the padding, which is found by its NaNs."""
    try:
        lengths = lengths_of(x)
    except ShapeError as error:
        raise DataError(Problem(f"x has no lengths beside it, and {error}", path)) from None
    return np.full(len(x), x.shape[1]) if lengths is None else lengths


def _targets(path: Path | None, t: Array, padded: Array) -> Array:
    """The targets: class numbers as integers, values as float64, and none in padding."""
    if t.dtype.kind in "US":
        message = "t holds texts; expected class numbers, whose names stand in classes in order"
        raise DataError(Problem(message, path))
    if t.dtype.kind not in "biuf" or t.ndim not in (1, 2, 3) or len(t) != len(padded):
        raise DataError(
            Problem(f"t has shape {t.shape} of {t.dtype}; expected targets of {len(padded)}", path)
        )
    if t.dtype.kind == "b":
        t = t.astype(np.intp)
    of_steps = t.ndim == 3 or (t.ndim == 2 and t.dtype.kind in "iu")
    if of_steps and t.shape[1] != padded.shape[1]:
        message = f"t has shape {t.shape}; expected {padded.shape[1]} steps a case"
        raise DataError(Problem(message, path))
    if np.isinf(t).any() or (np.isnan(t).any() and t.ndim < 3):
        raise DataError(Problem("t holds numbers that are not finite", path))
    if t.dtype.kind == "f" or t.ndim == 3:
        t = t.astype(np.float64)
        if of_steps:
            t[padded] = np.nan
            if place := partly_nan(t):  # either all values of a step are targets or none
                message = "is NaN in some of its values; expected in none or in all"
                raise DataError(Problem(f"t[{place[0]}, {place[1]}] {message}", path))
        return t
    return _class_numbers(path, t, padded if of_steps else None)


def _class_numbers(path: Path | None, t: Array, padded: Array | None) -> Array:
    """Class numbers, at least 0; as targets of steps (with ``padded``) also −1 for no target."""
    least = 0 if padded is None else NO_CLASS
    wrong = (t < least) | (t > MAX_CLASS)
    if padded is not None:
        wrong &= ~padded
    if wrong.any():
        place = tuple(int(k) for k in np.argwhere(wrong)[0])
        none = "" if padded is None else ", or −1 for none"
        message = f"t[{', '.join(map(str, place))}] is {t[place]}; expected a class number{none}"
        raise DataError(Problem(f"{message} (0 to {MAX_CLASS:,})", path))
    if padded is not None:
        t = np.where(padded, NO_CLASS, t)
    return t.astype(np.intp)


def _names(path: Path | None, arrays: Mapping[str, Array]) -> tuple[str, ...] | None:
    """The names of the classes, at least two, if the file has any."""
    names = names_of_classes(path, arrays)
    if names is not None:
        if len(names) < 2:
            raise DataError(Problem("classes must hold the names of the classes in order", path))
        check_names(names, path)
    return names

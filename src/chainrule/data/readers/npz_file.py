"""NumPy's .npz files of inputs ``x``, targets ``t`` and possibly class names and weights."""

from __future__ import annotations

import math
import os
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from chainrule.core.arrays import Array, weights_of_cases
from chainrule.core.errors import ConfigError, DataError, Problem, ShapeError, unknown
from chainrule.core.files import whole_file
from chainrule.core.limits import MAX_DIMENSIONS, MAX_HEADER_BYTES, MAX_MEMBERS
from chainrule.core.sequences import lengths_of
from chainrule.data.dataset import PARTS, DataSplit
from chainrule.data.readers.cases import Cases, Labels, LabelType, as_word
from chainrule.data.readers.npz_parts import OWN, Names, parts_of, problem_of
from chainrule.data.readers.paths import existing_file, refuse_bomb

DAMAGES = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, struct.error
)  # fmt: skip
"""The exceptions that Python's reader of zip files raises for a damaged file.

The last three are raised for names that are not UTF-8, negative offsets and truncated entries.
"""

WORKBOOKS = (".xlsx", ".xlsm", ".ods")
"""How the names of workbooks end, which are zip files too."""

_KNOWN = ("x", "t", "classes", "target_names", "image_shape", "weights")
_KNOWN_OF_PARTS = ("x", "t", "classes", "target_names", "image_shape")


def is_npz(head: bytes, name: str) -> bool:
    """Whether a file is taken for an .npz file, by its first bytes or its name in lower case."""
    return name.endswith(".npz") or (head.startswith(b"PK") and not name.endswith(WORKBOOKS))


def read_npz(path: Path, part: str | None = None) -> Cases:
    """Read the inputs ``x``, (cases, ...), and the targets ``t`` of an .npz file.

    ``t`` holds class numbers (cases,), one-hot rows, values, or the names of classes; it may
    be missing. ``classes`` holds the names of the classes in order, ``target_names``
    those of the columns of ``t``, ``image_shape`` the shape of images in rows, ``weights`` how
    much each case counts, (cases,). Pickled objects are refused, so that no code in the file is
    run.

    Other names of the arrays are known too, such as ``X`` and ``y``, and those of Keras' files,
    which hold several parts: see `chainrule.data.readers.npz_parts`. Images of bytes with such
    names are grey values of 0..255, to be divided by 255, as everyone does who passes such files
    around; ``x`` is taken as it is.

    Args:
        path: the file.
        part: of a file with parts, which of them: ``train``, ``validation`` or ``test``; None for
            the test data, or what comes first if there are none.

    Returns:
        x as stored, but with bool as uint8 and without an axis of one channel; the labels or None;
        a note if the part was not asked for, or if the images go far beyond 1.

    Raises:
        DataError: the file is no .npz file, is damaged or lacks ``x`` or the part; an array holds
            objects, NaN or infinity, or has a wrong shape; its size, read from the header before
            memory is allocated, is too large.
    """
    parts = parts_in(path, to_train=part == "train")
    wanted = "" if "" in parts else part or ("test" if "test" in parts else next(iter(parts)))
    if wanted not in parts:
        raise DataError(Problem(f"found no arrays of the {wanted} data", path))
    names = parts[wanted]
    notes = []
    if wanted and part is None:
        notes.append(f"{path.name} has several parts; its {wanted} data are taken")
    arrays = read_arrays(path, _KNOWN if not wanted else _KNOWN_OF_PARTS, names)
    x = checked_inputs(arrays["x"], names.x, path)
    shape = _image_shape(path, x, arrays.get("image_shape"))
    labels, weights = _labels(path, x, arrays, names), weights_in(path, arrays)
    is_grey = arrays["x"].dtype == np.uint8 and shape is not None
    are_bytes = is_grey and names.x != OWN.x
    if shape is not None and not are_bytes and x.max() > BRIGHT:
        notes.append(
            f"{path.name}: {names.x} holds images with values up to {as_word(x.max())}; "
            f"{TOO_BRIGHT}"
        )
    return Cases(
        x, labels, image_shape=shape, are_bytes=are_bytes, weights=weights, notes=tuple(notes)
    )


BRIGHT = 16
"""Images with larger values are told; those of digits in scikit-learn go up to 16."""

TOO_BRIGHT = "networks learn better from values about 1: standardize: true makes them so"
"""What the user is told of them."""


def parts_in(path: Path, *, to_train: bool) -> dict[str, Names]:
    """The names of the inputs and targets of each part; see `npz_parts.parts_of`.

    Args:
        path: the file.
        to_train: whether there must be training data, and targets in every part.

    Raises:
        DataError: the file is no .npz file or is damaged, has no inputs, or lacks what it must
            have; everything that is missing is named.
    """
    with _members(path) as (_, members):
        parts = parts_of(members)
        is_npz = any(info.filename.endswith(".npy") for info in members.values())
        message = problem_of(parts, members) if to_train or not parts else None
        if "xl/workbook.xml" in members:
            message = "the file is a workbook; give it a name that ends in .xlsx"
        elif not is_npz:
            message = "the file is a zip file without NumPy arrays; expected arrays x and t"
        if message is not None:
            raise DataError(Problem(message, path))
        return parts


def with_npz_parts(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The settings of data, with the parts that an .npz ``file`` has written out as keys.

    A ``file: mnist.npz`` with test data becomes the same with ``test_file: mnist.npz``: of a file
    with parts, each key takes its own.

    Args:
        settings: the ``data`` part of a configuration.
        folder: where its relative paths start.

    Raises:
        ConfigError: the split takes a fraction for a part that the file has.
    """
    file = settings.get("file")
    if not isinstance(file, str | Path):
        return dict(settings)
    path = folder / os.path.expanduser(file)
    if not path.name.lower().endswith(".npz") or not path.is_file():
        return dict(settings)
    apart = [part for part in parts_in(path, to_train=True) if part in ("validation", "test")]
    split = settings.get("split")
    for part in apart:
        fraction = split[PARTS.index(part)] if split else 0
        if fraction and f"{part}_file" not in settings:
            message = f"the {part} part of split must be 0: {path.name} has {part} data"
            raise ConfigError(Problem(message, key="split"))
    return {**{f"{part}_file": file for part in apart}, **settings}


def write_npz(path: Path, data: DataSplit) -> None:
    """Write the parts of ``data``, one after the other, as one .npz file.

    The file holds ``x`` and ``t``, if known ``classes``, ``target_names``, ``image_shape`` and
    ``weights`` (1 in a part without weights), and for sequences
    ``lengths``, as `chainrule.data.readers.sequence_file.read_sequences` reads them.

    Args:
        path: the file to write; an existing file is replaced.
        data: the data set.

    Raises:
        ChainruleError: the file cannot be written; no part of it is left behind then.
    """
    parts = [part for part in data if len(part)]
    x = np.concatenate([part.x for part in parts])
    arrays: dict[str, Any] = {"x": x, "t": np.concatenate([part.t for part in parts])}
    if any(part.weights is not None for part in parts):
        arrays["weights"] = np.concatenate(
            [np.ones(len(part)) if part.weights is None else part.weights for part in parts]
        )
    if data.classes is not None:
        arrays["classes"] = np.array(data.classes)
    if data.target_names is not None:
        arrays["target_names"] = np.array(data.target_names)
    if data.image_shape is not None:
        arrays["image_shape"] = np.array(data.image_shape)
    if data.sequence_shape is not None:
        lengths = lengths_of(x)
        arrays["lengths"] = np.full(len(x), x.shape[1]) if lengths is None else lengths
        arrays["x"] = np.nan_to_num(x)
    with whole_file(Path(path)) as file:
        np.savez(file, **arrays)


def read_arrays(path: Path, known: Sequence[str], names: Names = OWN) -> dict[str, Array]:
    """The arrays of an .npz file whose names are in ``known``; the file must have the inputs.

    Args:
        path: the file.
        known: the arrays to read, among them x and t.
        names: what the file calls x and t.

    Raises:
        DataError: the file is no .npz file, is damaged or lacks ``x``; an array holds objects;
            its size, read from the header before memory is allocated, is too large.
    """
    called = {"x": names.x, "t": names.t or ""}
    with _members(path) as (file, members):
        if names.x not in members:
            raise DataError(Problem(problem_of({}, members) or "found no x", path))
        places = {name: called.get(name, name) for name in known}
        wanted = {name: members[own] for name, own in places.items() if own in members}
        packed = sum(info.compress_size for info in wanted.values())
        unpacked = sum(info.file_size for info in wanted.values())
        refuse_bomb(path, min(path.stat().st_size, packed), unpacked)
        return {name: _read(path, file, info) for name, info in wanted.items()}


def one_of_arrays(arrays: Collection[str], name: str | None, path: Path) -> str:
    """The name of the array that is meant in a file that holds arrays by name.

    Args:
        arrays: the names that the file holds.
        name: the one that is asked for; None for the only one.
        path: of the file, for messages.

    Raises:
        DataError: the file has no such array; or it has several and none is named.
    """
    if name is None and len(arrays) == 1:
        (name,) = arrays
    if name is None:
        held = ", ".join(sorted(arrays)[:10])
        message = f"which of its arrays is meant, array: NAME; it holds {held}"
        raise DataError(Problem(message, path))
    if name not in arrays:
        raise DataError(Problem(unknown("array", name, sorted(arrays)), path))
    return name


def read_member(path: Path, name: str | None = None) -> Array:
    """One array of an .npz file by name, or the only one.

    Raises:
        DataError: the file is no .npz file, is damaged or has no such array; or it has several
            and none is named; an array holds objects or is too large.
    """
    with _members(path) as (file, members):
        info = members[one_of_arrays(members, name, path)]
        packed = min(path.stat().st_size, info.compress_size)
        refuse_bomb(path, packed, info.file_size)
        return _read(path, file, info)


@contextmanager
def _members(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """An .npz file opened, and its members by the names of the arrays."""
    existing_file(path)
    try:
        with zipfile.ZipFile(path) as file:
            infos = file.infolist()
            if len(infos) > MAX_MEMBERS:
                raise DataError(Problem(f"found {len(infos):,} arrays; expected x and t", path))
            members = {info.filename.removesuffix(".npy"): info for info in infos}
            if len(members) < len(infos):
                raise DataError(Problem("two arrays of the file have the same name", path))
            yield file, members
    except DataError:
        raise
    except DAMAGES as error:
        message = f"the file is no .npz file, or is damaged ({error})"
        raise DataError(Problem(message, path)) from None
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(Problem(f"the file cannot be unpacked ({error})", path)) from None


def weights_in(path: Path | None, arrays: Mapping[str, Array]) -> Array | None:
    """The array ``weights``, (cases,), or None if there is no such array.

    Raises:
        DataError: there is not one number for each case of ``x``, one is negative or not finite,
            or all are 0.
    """
    if "weights" not in arrays:
        return None
    found, cases = arrays["weights"], len(arrays["x"])
    try:
        weights = weights_of_cases(found[:, 0] if found.shape == (cases, 1) else found, cases)
    except ShapeError as error:
        raise DataError(Problem(str(error), path)) from None
    if not weights.any():
        raise DataError(Problem("all weights are 0; expected one above 0", path))
    return weights


def read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an array in NumPy's format, up to the first byte of the array's data.

    NumPy parses the header as a Python literal, so that no code in it is run.

    Returns:
        The shape of the array, whether it is in Fortran order, and its dtype.

    Raises:
        ValueError: the header is not valid, is too long, or has a shape that is not read.
    """
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        with warnings.catch_warnings(action="ignore"):  # about headers that Python 2 wrote
            version = np.lib.format.read_magic(stream)
            if version not in readers:  # version 3.0 is for structures of named fields
                raise ValueError(f"version {version[0]}.{version[1]} of the format is not read")
            header = readers[version](stream, max_header_size=MAX_HEADER_BYTES)
    # What Python's parsers raise besides ValueError when a literal is wrong or nested deeply.
    except (TypeError, SyntaxError, OverflowError, RecursionError, MemoryError,
            tokenize.TokenError):  # fmt: skip
        raise ValueError("its header is not NumPy's") from None
    shape = header[0]
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"{len(shape)} dimensions; at most {MAX_DIMENSIONS} are read")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"the shape {shape} in its header")
    return header


def _read(path: Path, file: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """Read one array, if the size that its header states is the size of its data."""
    name = info.filename.removesuffix(".npy")
    try:
        with file.open(info) as stream:
            shape, is_fortran, dtype = read_header(stream)
            if dtype.hasobject:
                message = f"{name} holds Python objects, which are not loaded; save numbers"
                raise DataError(Problem(message, path))
            needed = dtype.itemsize * math.prod(shape)
            if needed != info.file_size - stream.tell():
                message = f"{name} is damaged: its header asks for {needed} bytes"
                raise DataError(Problem(message, path))
            content = stream.read(needed)
            stream.read(1)  # zipfile compares the checksum at the end
            array: Array = np.frombuffer(content, dtype)
            return array.reshape(shape, order="F" if is_fortran else "C")
    except DataError:
        raise
    except (ValueError, OverflowError) as error:
        reason = str(error).partition("\n")[0][:100]
        raise DataError(Problem(f"{name} is damaged ({reason})", path)) from None


def checked_inputs(x: Array, name: str, path: Path | None = None) -> Array:
    """Rows of numbers or images, with bool as uint8 and without an axis of one channel.

    Args:
        x: (cases,), (cases, features), (cases, height, width), or images with 1 or 3 channels in
            the first or the last axis of an image.
        name: what its source calls it, for messages.
        path: the file that it was read from, or None.

    Raises:
        DataError: x has another shape, no entries, or some that are not finite real numbers.
    """
    if x.dtype.kind not in "buif":
        raise DataError(Problem(f"{name} holds {x.dtype}; expected real numbers", path))
    if x.ndim == 1:
        x = x[:, None]
    channels: tuple[int, ...] = (x.shape[3], x.shape[1]) if x.ndim == 4 else ()
    if 1 in channels and 3 not in channels:
        x = x.squeeze(3 if channels[0] == 1 else 1)  # one channel is grey
    elif x.ndim not in (2, 3, 4) or (channels and 3 not in channels):
        message = (
            f"{name} has shape {x.shape}; expected (cases, features), (cases, height, width), "
            "or with 1 or 3 channels (cases, height, width, channels) or (cases, channels, "
            "height, width)"
        )
        raise DataError(Problem(message, path))
    if x.size == 0:
        raise DataError(Problem(f"{name} has shape {x.shape}; expected at least one case", path))
    _refuse_non_finite(path, name, x)
    return x.astype(np.uint8) if x.dtype.kind == "b" else x


def _refuse_non_finite(path: Path | None, name: str, array: Array) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        first = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        place = ", ".join(map(str, first))
        message = f"{name}[{place}] is {array[first]}; expected finite numbers"
        raise DataError(Problem(message, path))


def _labels(path: Path, x: Array, arrays: Mapping[str, Array], names: Names) -> Labels | None:
    if "t" not in arrays:
        return None
    t, name = arrays["t"], names.t
    assert name is not None
    if t.dtype.kind not in "buifU" or t.ndim not in (1, 2) or 0 in t.shape[1:]:
        message = (
            f"{name} has shape {t.shape} of {t.dtype}; expected class numbers (cases,), "
            "or one-hot rows or values (cases, outputs)"
        )
        raise DataError(Problem(message, path))
    if len(t) != len(x):
        message = f"{names.x} has {len(x)} cases, but {name} has {len(t)}"
        raise DataError(Problem(message, path))
    _refuse_non_finite(path, name, t)
    if t.ndim == 2 and t.shape[1] == 1:
        t = t[:, 0]
    if t.dtype.kind == "U" and t.ndim == 2:
        message = f"{name} holds rows of text; expected one name a case"
        raise DataError(Problem(message, path))

    def at(case: int, message: str) -> Problem:
        return Problem(f"{name}[{case}]: {message}", path)

    values = t.astype(np.int64) if t.dtype.kind == "b" else t
    listed = names_of_classes(path, arrays)
    return Labels(
        values.tolist() if t.dtype.kind == "U" else values,
        at,
        path,
        listed,
        columns=_names_of_targets(path, arrays, t, listed),
        type=_label_type(t, arrays.get("classes")),
    )


def _label_type(t: Array, classes: Array | None) -> LabelType | None:
    """The type of the labels where that of their numbers does not tell."""
    if classes is not None and t.ndim == 1:
        return "text" if classes.dtype.kind == "U" else "int"
    return "bool" if t.dtype.kind == "b" else None


def _names_of_targets(
    path: Path, arrays: Mapping[str, Array], t: Array, classes: Sequence[str] | None
) -> tuple[str, ...] | None:
    """The names of the columns of ``t``, which may stand in ``classes`` as well."""
    columns = t.shape[1] if t.ndim == 2 else 1
    names = names_in(path, arrays, "target_names", "targets")
    if names is None:
        return tuple(classes) if t.ndim == 2 and classes and len(classes) == columns else None
    if len(names) != columns:
        message = f"target_names holds {len(names)} names, but t has {columns} columns"
        raise DataError(Problem(message, path))
    return names


def names_of_classes(path: Path | None, arrays: Mapping[str, Array]) -> tuple[str, ...] | None:
    """The names in the array ``classes``, or None if there is no such array.

    Raises:
        DataError: the array is not a list of texts or whole numbers.
    """
    return names_in(path, arrays, "classes", "classes")


def names_in(
    path: Path | None, arrays: Mapping[str, Array], key: str, of: str
) -> tuple[str, ...] | None:
    """The names in the array ``key``, or None; raises what `names_of_classes` raises."""
    names = arrays.get(key)
    if names is None:
        return None
    if names.ndim != 1 or names.dtype.kind not in "Uiu":
        raise DataError(Problem(f"{key} must hold the names of the {of} in order", path))
    return tuple(map(str, names))


def _image_shape(path: Path, x: Array, stored: Array | None) -> tuple[int, ...] | None:
    """The shape of one image: that of a case of ``x``, or for rows the array ``image_shape``."""
    if x.ndim > 2:
        return x.shape[1:]
    if stored is None:
        return None
    sides = [int(side) for side in stored.flat] if stored.dtype.kind in "iu" else []
    if stored.ndim != 1 or min(sides, default=0) < 1 or math.prod(sides) != x.shape[1]:
        raise DataError(Problem(f"image_shape does not fit {x.shape[1]} features", path))
    return tuple(sides)

"""Reading a file of cases in any known format, recognised by its first bytes and its name.

To add a format, write a reader that returns `Cases` in a file of its own in this folder, and add
an entry to `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.data.readers.cases import Cases, Options, place_channels
from chainrule.data.readers.idx_file import is_idx, read_idx_images
from chainrule.data.readers.npz_file import is_npz, read_npz
from chainrule.data.readers.paths import files_matching
from chainrule.data.readers.pictures import format_of
from chainrule.data.readers.unpacking import first_bytes
from chainrule.data.tables.cases import cases_of_table
from chainrule.data.tables.reading import read_table


class Format(NamedTuple):
    """A format for files of cases.

    Attributes:
        is_meant: whether a file is of this format, by its first 8 bytes, unpacked, and its name in
            lower case.
        read: the reader; it raises `DataError` for anything wrong with the file.
        has_labels_apart: whether the labels are in a separate file.
    """

    is_meant: Callable[[bytes, str], bool]
    read: Callable[[Path, Options], Cases]
    has_labels_apart: bool = False


FORMATS = {
    "npz": Format(
        is_npz,
        lambda path, options: read_npz(path, options.part),
    ),
    "idx": Format(
        is_idx, lambda path, options: read_idx_images(path, options.labels), has_labels_apart=True
    ),
    "table": Format(
        lambda head, name: True,
        lambda path, options: cases_of_table(read_table(path), features=options.features),
    ),
}
"""The formats by name, in the order in which they are tried."""


def recognise(path: Path) -> str:
    """The name in `FORMATS` of a file's format.

    It is the first format that the file's first bytes or its name indicate; else a table, of
    text or of another kind.

    Raises:
        DataError: the file is missing or cannot be read, or is a single image or a .npy array.
    """
    path = files_matching(path)[0]
    begin = first_bytes(path, 32)
    head = begin[:8]
    if format_of(begin) is not None:
        hint = "for images in one folder a class write folder: with their folder"
        raise DataError(Problem(f"the file is a single image; {hint}", path))
    if head.startswith(b"\x93NUMPY"):
        message = "the file is a single array (.npy); expected an .npz file of x and t"
        raise DataError(Problem(message, path))
    return next(k for k, form in FORMATS.items() if form.is_meant(head, path.name.lower()))


def is_table(path: Path) -> bool:
    """Whether a file holds a table, whose columns have roles, rather than arrays.

    Raises:
        DataError: as `recognise`.
    """
    return recognise(path) == "table"


def read_cases(path: Path, **options: Any) -> Cases:
    """Read a file of cases with their labels.

    Args:
        path: the file.
        options: what is known about it; see `Options`.

    Returns:
        The cases, whose labels are not None.

    Raises:
        DataError: something is wrong with the file.
        ConfigError: the format needs a file of labels and none is given, or the other way round.
    """
    known = Options(**options)
    form = FORMATS[recognise(path)]
    if form.has_labels_apart and known.labels is None:
        raise ConfigError(
            f"{path} is an IDX file of inputs; write the file of its labels under labels:"
        )
    if known.labels is not None and not form.has_labels_apart:
        raise ConfigError(
            f"labels names a file of labels, as IDX files have; {path} holds its own"
        )
    cases = form.read(path, known)
    if cases.labels is None:
        raise DataError(Problem("found no array t of targets beside x", path))
    return cases


def read_inputs(
    path: Path, *, features: int, channels: str | None = None, **options: Any
) -> Cases:
    """Read cases for a trained network, with labels or without.

    A table of exactly ``features`` columns has no labels; with one column more, the last holds
    the label. An .npz file need not have ``t``. Images are flattened.

    Args:
        path: the file.
        features: the network's number of inputs.
        channels: the place of the channel axis that the network expects, ``first`` or ``last``;
            None for that in the file.
        options: what else is known about the file; see `Options`.

    Returns:
        The cases, with x (cases, features) as in the file (float32 as float64), not standardised,
        and labels for `chainrule.data.readers.encoding.encode_classes` or `encode_values`.

    Raises:
        DataError: something is wrong with the file, or it has another number of inputs.
    """
    cases = FORMATS[recognise(path)].read(path, Options(features=features, **options))
    x = place_channels(cases.x, cases.image_shape, channels).reshape(len(cases), -1)
    if x.shape[1] != features:
        message = f"found {x.shape[1]} inputs a case, but the network has {features}"
        raise DataError(Problem(message, path))
    if cases.are_bytes:
        return replace(cases, x=x / 255, are_bytes=False)
    return replace(cases, x=x.astype(np.float64) if x.dtype == np.float32 else x)

"""A file of cases in any of the formats, told apart by their contents."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.data.readers.cases import Cases, Labels, place_channels
from chainrule.data.readers.idx_file import TYPES, read_idx_images
from chainrule.data.readers.npz_file import read_npz
from chainrule.data.readers.paths import FOLDER_HINT, existing_file
from chainrule.data.readers.text_file import read_text

_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")


def recognise(path: Path) -> str:
    """The format of a file: ``text``, ``npz`` or ``idx``.

    The first bytes decide; only where they say nothing does the name.

    Raises:
        DataError: if the file is missing, or is plainly of a kind that holds no cases.
    """
    try:
        with open(existing_file(path, hint=FOLDER_HINT), "rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DataError(Problem(f"the file cannot be read ({error.strerror})", path)) from None
    if head.startswith(_IMAGES):
        hint = "for images in one folder a class write folder: with their folder"
        raise DataError(Problem(f"the file is a single image; {hint}", path))
    if head.startswith(b"\x93NUMPY"):
        raise DataError(
            Problem("the file is a single array (.npy); expected an .npz file of x and t", path)
        )
    name = path.name.lower()
    if head.startswith(b"PK") or name.endswith(".npz"):
        return "npz"
    is_idx = len(head) > 3 and head[:2] == b"\0\0" and head[2] in TYPES
    named_idx = name.removesuffix(".gz").endswith(("-ubyte", ".idx"))
    if is_idx or named_idx or head.startswith(b"\x1f\x8b"):
        return "idx"
    return "text"


def read_cases(
    path: Path,
    *,
    label: str = "last",
    header: bool | str = "auto",
    labels: Path | None = None,
) -> Cases:
    """Read a file of cases with their labels.

    Args:
        path: the file.
        label: the label's column in a text file, ``last`` or ``first``.
        header: whether a text file begins with the columns' names, or ``auto``.
        labels: the file of labels that belongs to an IDX file of images.

    Returns:
        The cases; their labels are there.

    Raises:
        DataError: for whatever is wrong with the file.
        ConfigError: if an IDX file comes without ``labels``, or another with.
    """
    kind = recognise(path)
    if kind == "idx":
        if labels is None:
            raise ConfigError(
                f"{path} is an IDX file of inputs; write the file of its labels under labels:"
            )
        return read_idx_images(path, labels)
    if labels is not None:
        raise ConfigError(
            f"labels names a file of labels, as IDX files have; {path} holds its own"
        )
    cases = read_npz(path) if kind == "npz" else read_text(path, label=label, header=header)
    if cases.labels is None:
        raise DataError(Problem("found no array t of targets beside x", path))
    return cases


def read_inputs(
    path: Path,
    *,
    features: int,
    label: str = "last",
    header: bool | str = "auto",
    labels: Path | None = None,
    channels: str | None = None,
) -> tuple[Array, Labels | None]:
    """Read cases for a trained network, with labels or without.

    A text file of exactly ``features`` columns has no labels; with one column more, the last
    or first is the label. In an .npz file ``t`` may be missing. Images are flattened.

    Args:
        path: the file.
        features: the network's number of inputs.
        label: the label's column in a text file, ``last`` or ``first``.
        header: whether a text file begins with the columns' names, or ``auto``.
        labels: the file of labels that belongs to an IDX file, if they are wanted.
        channels: where the colours of images are to stand, ``first`` or ``last``; None for
            where they stand in the file.

    Returns:
        x (cases, features) as in the file (float32 as float64), not standardised; and the labels
        or None, for `chainrule.data.readers.encoding.encode_classes` or `encode_values`.

    Raises:
        DataError: for whatever is wrong with the file, or another number of inputs.
    """
    kind = recognise(path)
    if kind == "text":
        cases = read_text(path, label=label, header=header, features=features)
    else:
        cases = read_npz(path) if kind == "npz" else read_idx_images(path, labels)
    x = place_channels(cases.x, cases.image_shape, channels).reshape(len(cases), -1)
    if x.shape[1] != features:
        message = f"found {x.shape[1]} inputs a case, but the network has {features}"
        raise DataError(Problem(message, path))
    return x.astype(np.float64) if x.dtype == np.float32 else x, cases.labels

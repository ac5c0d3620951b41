"""CIFAR-10 and CIFAR-100: finding and reading the user's copy of the published files.

Both were collected by Krizhevsky, *Learning multiple layers of features from tiny images* (2009).
They come in two forms: the "python version", whose files are pickles (read by `read_pickle`,
which runs nothing in them), and the binary version, whose records are a label byte (for CIFAR-100
two, coarse and fine) and 3,072 bytes of pixels: 1,024 red, then green, then blue, row by row.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, Problem, unknown
from chainrule.core.limits import MAX_PICKLE_BYTES
from chainrule.data.named.pickles import read_pickle
from chainrule.data.readers.cases import Cases, Labels
from chainrule.data.readers.paths import existing_folder, find_data, read_bytes

SIDE, COLORS = 32, 3
PIXELS = SIDE * SIDE * COLORS

PAGE = "https://www.cs.toronto.edu/~kriz"
"""Where the sets are published; ``cifar.html`` there describes them and states the checksums."""


@dataclass(frozen=True)
class Layout:
    """One published form of a data set.

    Attributes:
        title: ``CIFAR-10`` or ``CIFAR-100``.
        archive: the name of the archive on `PAGE`.
        md5: its checksum, in hexadecimal.
        folder: the folder that the archive unpacks to.
        train: the files of training images; at least one must exist, and all that do are read.
        test: the file of test images.
        names: the file of class names for each kind of label.
        labels: the key (or the index of the label byte) for each kind of label.
        binary: whether it is the binary version.
    """

    title: str
    archive: str
    md5: str
    folder: str
    train: tuple[str, ...]
    test: str
    names: Mapping[str, str]
    labels: Mapping[str, Any]
    binary: bool = False

    @property
    def name(self) -> str:
        """The data set and the form, for messages."""
        return self.title + ", binary version" * self.binary

    @property
    def set_name(self) -> str:
        """The set's name in a configuration: ``cifar10`` or ``cifar100``."""
        return self.title.lower().replace("-", "")


_TEN = tuple(f"data_batch_{k}" for k in range(1, 6))
LAYOUTS = (
    Layout(
        "CIFAR-10",
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        "cifar-10-batches-py",
        _TEN,
        "test_batch",
        {"fine": "batches.meta"},
        {"fine": "labels"},
    ),
    Layout(
        "CIFAR-100",
        "cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
        "cifar-100-python",
        ("train",),
        "test",
        {"fine": "meta", "coarse": "meta"},
        {"fine": "fine_labels", "coarse": "coarse_labels"},
    ),
    Layout(
        "CIFAR-10",
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
        "cifar-10-batches-bin",
        tuple(f"{name}.bin" for name in _TEN),
        "test_batch.bin",
        {"fine": "batches.meta.txt"},
        {"fine": 0},
        binary=True,
    ),
    Layout(
        "CIFAR-100",
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
        "cifar-100-binary",
        ("train.bin",),
        "test.bin",
        {"fine": "fine_label_names.txt", "coarse": "coarse_label_names.txt"},
        {"fine": 1, "coarse": 0},
        binary=True,
    ),
)
"""The published forms; the python version of each set comes before the binary one."""


@dataclass(frozen=True, eq=False)
class Cifar:
    """The images of one of the sets.

    Attributes:
        train_images: uint8, (cases, 32, 32, 3): rows from the top, channels red, green, blue.
        train_labels: class numbers, (cases,).
        test_images: as `train_images`.
        test_labels: as `train_labels`.
        class_names: the names in the order of the class numbers.
        name: ``CIFAR-10`` or ``CIFAR-100``.
    """

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array
    class_names: tuple[str, ...]
    name: str

    def choose(self, classes: Sequence[str]) -> Cifar:
        """Only the images of the given classes, which get new numbers in the order given.

        Raises:
            ConfigError: a class does not exist, or is given twice.
        """
        for k, name in enumerate(classes):
            if name not in self.class_names:
                raise ConfigError(unknown(f"class of {self.name}", name, self.class_names))
            if name in classes[:k]:
                raise ConfigError(f"the class {name} is named twice")
        numbers = np.full(len(self.class_names), -1)
        numbers[[self.class_names.index(name) for name in classes]] = np.arange(len(classes))
        train, test = numbers[self.train_labels], numbers[self.test_labels]
        return Cifar(
            self.train_images[train >= 0],
            train[train >= 0],
            self.test_images[test >= 0],
            test[test >= 0],
            tuple(classes),
            self.name,
        )


# Finding the files


def layout_of(folder: Path) -> Layout | None:
    """The published form that a folder holds, if any."""
    for layout in LAYOUTS:
        # os.path.isfile raises no error, whatever the folder's name.
        test, *train = (os.path.isfile(folder / name) for name in (layout.test, *layout.train))
        if test and any(train):
            return layout
    return None


def find_published(name: str, *, beside: Path) -> Path:
    """The folder of a set's published files, in either version; see `find_data` for the places.

    Args:
        name: ``cifar10`` or ``cifar100``.
        beside: the folder of the configuration or the program.

    Raises:
        DataError: the files are in none of the places; the message says how to get them.
    """
    python, binary = (layout for layout in LAYOUTS if layout.set_name == name)
    try:
        return find_data(python.folder, beside=beside)
    except DataError as error:
        nowhere = error
    with suppress(DataError):
        return find_data(binary.folder, beside=beside)
    place = shlex.quote(str(beside / "data"))
    raise DataError(
        f"{nowhere}\nTo get it:\n"
        f"  mkdir -p {place} && cd {place}\n"
        f"  curl -LO {PAGE}/{python.archive}\n"
        f"  md5sum {python.archive}    # must print {python.md5}\n"
        f"  tar xzf {python.archive}\n"
        f"The binary version will do as well: {PAGE}/{binary.archive}, MD5 {binary.md5}, which "
        f"unpacks to {binary.folder}"
    )


def as_published(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The settings, with a ``folder`` of published files replaced by ``name`` and ``path``.

    Such a folder is recognised by its file names; see `LAYOUTS`.

    Args:
        settings: the ``data`` part of a configuration.
        folder: where its relative paths start.

    Raises:
        ConfigError: there are settings that only other folders of images have.
    """
    stated = settings.get("folder")
    if not isinstance(stated, str | Path) or "name" in settings:
        return dict(settings)
    layout = layout_of(folder / os.path.expanduser(stated))
    if layout is None:
        return dict(settings)
    of_folders = ("size", "color", "skip_broken", "validation_folder", "test_folder")
    foreign = [key for key in of_folders if key in settings]
    if foreign:
        what = f"{Path(stated).name} holds {layout.name}, whose images are 32 x 32, in colour"
        raise ConfigError([Problem(f"{key} has no place here: {what}") for key in foreign])
    others = {key: value for key, value in settings.items() if key != "folder"}
    return {"name": layout.set_name, "path": stated, **others}


# Reading the files


def read_published(name: str, folder: Path, settings: Mapping[str, Any]) -> tuple[Cases, Cases]:
    """The cases that training and validation are drawn from, and the published test cases.

    Args:
        name: ``cifar10`` or ``cifar100``.
        folder: the folder of the published files.
        settings: the settings, of which ``label``, ``classes`` and ``count`` are used if given.

    Returns:
        x uint8, (cases, 32, 32, 3), and the labels with the classes' names.

    Raises:
        ConfigError: the set does not have the class or the kind of label.
        DataError: the files are missing, damaged or of another set, or no training image is left.
    """
    layout = layout_of(folder)
    if layout is not None and layout.set_name != name:
        raise DataError(Problem(f"expected the files of {name}, found {layout.name}", folder))
    cifar = read_cifar(folder, label=settings.get("label", "fine"))
    if "classes" in settings:
        cifar = cifar.choose([str(word) for word in settings["classes"]])
    if len(cifar.train_images) == 0:
        of_these = " of these classes" if "classes" in settings else ""
        raise DataError(Problem(f"found no training image{of_these}", folder))

    def place(case: int, message: str) -> Problem:
        return Problem(f"image {case}: {message}", folder)

    def cases(images: Array, numbers: Array) -> Cases:
        labels = Labels(numbers, place, path=folder, names=cifar.class_names, type="text")
        return Cases(images, labels, image_shape=images.shape[1:], are_bytes=True)

    first = slice(settings.get("count"))
    return (
        cases(cifar.train_images[first], cifar.train_labels[first]),
        cases(cifar.test_images, cifar.test_labels),
    )


def read_cifar(folder: Path, *, label: str = "fine") -> Cifar:
    """Read a folder of published files; its file names tell the set and the version.

    Args:
        folder: such as ``cifar-10-batches-py`` or ``cifar-100-binary``.
        label: ``fine``, or for CIFAR-100 also ``coarse``: 20 groups of its 100 fine classes.

    Raises:
        ConfigError: CIFAR-10 has no coarse labels.
        DataError: a file is missing, damaged, or of another form.
    """
    layout = layout_of(folder)
    if layout is None:
        existing_folder(folder)
        known = "; ".join(f"{form.name}: {form.train[0]}, {form.test}" for form in LAYOUTS)
        raise DataError(Problem(f"this folder has the files of no CIFAR set ({known})", folder))
    if label not in layout.labels:
        raise ConfigError(unknown(f"label of {layout.name}", label, layout.labels))
    names = _class_names(layout, folder, label)
    read = _read_binary if layout.binary else _read_pickled

    def images_and_labels(files: Iterable[str]) -> tuple[Array, Array]:
        parts = [read(folder / file, layout, label, len(names)) for file in files]
        images = np.empty((sum(len(rows) for rows, _ in parts), SIDE, SIDE, COLORS), np.uint8)
        start = 0
        for rows, _ in parts:  # filled in place, because a second copy takes 150 MB
            planes = rows.reshape(-1, COLORS, SIDE, SIDE)
            images[start : start + len(rows)] = planes.transpose(0, 2, 3, 1)
            start += len(rows)
        return images, np.concatenate([labels for _, labels in parts])

    train = images_and_labels(file for file in layout.train if (folder / file).is_file())
    return Cifar(*train, *images_and_labels([layout.test]), names, layout.title)


def _read_pickled(path: Path, layout: Layout, label: str, classes: int) -> tuple[Array, Array]:
    """Rows of pixels and labels from a file of the python version."""
    values = read_pickle(path)
    rows, labels = values.get("data"), values.get(layout.labels[label])
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != PIXELS:
        found = getattr(rows, "shape", type(rows).__name__)
        message = f"expected data of shape (cases, {PIXELS:,}), found {found}"
        raise DataError(Problem(message, path))
    return rows, _checked(path, layout.labels[label], labels, len(rows), classes)


def _read_binary(path: Path, layout: Layout, label: str, classes: int) -> tuple[Array, Array]:
    """Rows of pixels and labels from a file of the binary version."""
    bytes_before = len(layout.labels)
    record = bytes_before + PIXELS
    contents = np.frombuffer(read_bytes(path, at_most=MAX_PICKLE_BYTES), np.uint8)
    if len(contents) % record:
        message = f"records have {record:,} bytes, the file {len(contents):,}: not a whole number"
        raise DataError(Problem(message, path))
    records = contents.reshape(-1, record)
    labels = records[:, layout.labels[label]].tolist()
    return records[:, bytes_before:], _checked(path, "labels", labels, len(records), classes)


def _checked(path: Path, key: str, labels: Any, cases: int, classes: int) -> Array:
    """The labels as an array, checked: one for each case, each the number of a class."""
    if not isinstance(labels, list) or not all(type(number) is int for number in labels):
        raise DataError(Problem(f"expected {key}, a list of class numbers", path))
    if len(labels) != cases:
        raise DataError(Problem(f"{cases:,} images have {len(labels):,} {key}", path))
    for case, number in enumerate(labels):
        if not 0 <= number < classes:
            message = f"{key}: image {case} has class {number}, of the classes 0 to {classes - 1}"
            raise DataError(Problem(message, path))
    return np.array(labels, dtype=np.int64)


def _class_names(layout: Layout, folder: Path, label: str) -> tuple[str, ...]:
    """The names of the classes, in the order of their numbers."""
    path = folder / layout.names[label]
    if not path.is_file():
        message = f"{layout.name} has its class names in {path.name}; it is missing"
        raise DataError(Problem(message, path))
    if layout.binary:
        names = read_bytes(path, at_most=MAX_PICKLE_BYTES).decode("utf-8", "replace").split()
    else:
        key = "label_names" if "labels" in layout.labels.values() else f"{label}_label_names"
        found = read_pickle(path).get(key)
        names = [_text(name) for name in found] if isinstance(found, list) else []
    can_be_shown = all(name.strip() and name.isprintable() for name in names)
    if not names or len(set(names)) < len(names) or not can_be_shown:
        raise DataError(Problem("expected a list of class names, each once", path))
    return tuple(names)


def _text(name: Any) -> str:
    """A name written by Python 2 or 3; "" for other values, whose text could be huge."""
    if isinstance(name, bytes):
        return name.decode("latin-1")
    return name if isinstance(name, str) else ""

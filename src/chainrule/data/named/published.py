"""CIFAR by name: where the user's copy of the published files lies, and its cases."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.data.named.cifar import Cifar, layout_of, read_cifar
from chainrule.data.named.lookup import find_data
from chainrule.data.readers.cases import Cases
from chainrule.data.readers.labels import Labels
from chainrule.data.settings import IMAGE_FOLDER_KEYS

PAGE = "https://www.cs.toronto.edu/~kriz"
"""Where the sets are published; ``cifar.html`` there describes them and states the checksums."""


class Archive(NamedTuple):
    """A published archive.

    Attributes:
        file: its name on `PAGE`.
        md5: its checksum, in hexadecimal.
        folder: what it unpacks to.
    """

    file: str
    md5: str
    folder: str


ARCHIVES: Mapping[str, tuple[Archive, Archive]] = {
    "cifar10": (
        Archive(
            "cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", "cifar-10-batches-py"
        ),
        Archive(
            "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", "cifar-10-batches-bin"
        ),
    ),
    "cifar100": (
        Archive("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", "cifar-100-python"),
        Archive("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", "cifar-100-binary"),
    ),
}
"""The python and the binary version, by the name of the set."""


def find_published(name: str, *, beside: Path) -> Path:
    """The folder of a set's published files, in either version; see `find_data` for the places.

    Args:
        name: ``cifar10`` or ``cifar100``.
        beside: the folder of the configuration or the program.

    Raises:
        DataError: it is nowhere; the message says how to get it.
    """
    nowhere: list[DataError] = []
    for archive in ARCHIVES[name]:
        try:
            return find_data(archive.folder, beside=beside)
        except DataError as error:
            nowhere.append(error)
    raise DataError(f"{nowhere[0]}\n{_how_to_get(*ARCHIVES[name], beside / 'data')}")


def _how_to_get(python: Archive, binary: Archive, folder: Path) -> str:
    """The commands that put a set where it is looked for."""
    place = shlex.quote(str(folder))
    steps = (
        f"mkdir -p {place} && cd {place}",
        f"curl -LO {PAGE}/{python.file}",
        f"md5sum {python.file}    # must print {python.md5}",
        f"tar xzf {python.file}",
    )
    download = "\n".join(f"  {step}" for step in steps)
    return (
        f"To get it:\n{download}\nThe binary version will do as well: {PAGE}/{binary.file}, "
        f"MD5 {binary.md5}, which unpacks to {binary.folder}"
    )


def as_published(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same settings; ``folder`` with the published files in it becomes ``name`` and ``path``.

    Such a folder is known by its file names; see `chainrule.data.named.cifar.LAYOUTS`.

    Args:
        settings: the ``data`` part of a configuration.
        folder: where its relative paths start.

    Raises:
        ConfigError: there are settings of other folders of images.
    """
    stated = settings.get("folder")
    if not isinstance(stated, str | Path) or "name" in settings:
        return dict(settings)
    layout = layout_of(folder / os.path.expanduser(stated))
    if layout is None:
        return dict(settings)
    foreign = [key for key in IMAGE_FOLDER_KEYS if key in settings]
    if foreign:
        what = f"{Path(stated).name} holds {layout.name}, whose images are 32 x 32, in colour"
        raise ConfigError([Problem(f"{key} has no place here: {what}") for key in foreign])
    others = {key: value for key, value in settings.items() if key != "folder"}
    return {"name": layout.set_name, "path": stated, **others}


def read_published(name: str, folder: Path, settings: Mapping[str, Any]) -> tuple[Cases, Cases]:
    """The cases that training and validation are drawn from, and the published test cases.

    Args:
        name: ``cifar10`` or ``cifar100``.
        folder: of the published files.
        settings: ``label``, ``classes`` and ``count``, where they are given.

    Returns:
        x uint8, (cases, 32, 32, 3), and the labels with the classes' names.

    Raises:
        ConfigError: a class or a kind of label that the set does not have.
        DataError: the files are missing, damaged, another set's, or without a training image.
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
    first = slice(settings.get("count"))
    return (
        _cases(cifar, cifar.train_images[first], cifar.train_labels[first], folder),
        _cases(cifar, cifar.test_images, cifar.test_labels, folder),
    )


def _cases(cifar: Cifar, images: Array, labels: Array, folder: Path) -> Cases:
    def place(case: int, message: str) -> Problem:
        return Problem(f"image {case}: {message}", folder)

    named = Labels(labels, place, path=folder, names=cifar.class_names)
    return Cases(images, named, image_shape=images.shape[1:], are_bytes=True)

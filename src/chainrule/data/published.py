"""CIFAR by name: where the user's copy of the published files lies, and its cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.data.cases import Cases
from chainrule.data.cifar import Cifar, read_cifar
from chainrule.data.dataset import Array
from chainrule.data.labels import Labels
from chainrule.data.lookup import find_data
from chainrule.errors import DataError, Problem


class Archive(NamedTuple):
    """What is published, by its maker's page (https://www.cs.toronto.edu/~kriz/cifar.html).

    Attributes:
        url: of the python version.
        md5: of that file, in hexadecimal.
        folders: what the two versions unpack to.
    """

    url: str
    md5: str
    folders: tuple[str, str]


ARCHIVES: Mapping[str, Archive] = {
    "cifar10": Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        ("cifar-10-batches-py", "cifar-10-batches-bin"),
    ),
    "cifar100": Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
        ("cifar-100-python", "cifar-100-binary"),
    ),
}
"""The archives by the name of the set."""


def find_published(name: str, *, beside: Path) -> Path:
    """The folder of a set's published files, in either version; see `find_data` for the places.

    Args:
        name: ``cifar10`` or ``cifar100``.
        beside: the folder of the configuration or the program.

    Raises:
        DataError: it is nowhere; the message says how to get it.
    """
    archive = ARCHIVES[name]
    nowhere: list[DataError] = []
    for folder in archive.folders:
        try:
            return find_data(folder, beside=beside)
        except DataError as error:
            nowhere.append(error)
    file = archive.url.rpartition("/")[2]
    steps = (
        f"mkdir -p {beside / 'data'} && cd {beside / 'data'}",
        f"curl -LO {archive.url}",
        f"md5sum {file}    # {archive.md5}",
        f"tar xzf {file}",
    )
    download = "\n".join(f"  {step}" for step in steps)
    raise DataError(f"{nowhere[0]}\nTo get it:\n{download}")


def read_published(name: str, folder: Path, settings: Mapping[str, Any]) -> tuple[Cases, Cases]:
    """The cases that training and validation are drawn from, and the published test cases.

    Args:
        name: ``cifar10`` or ``cifar100``.
        folder: of the published files.
        settings: ``label`` and ``classes``, where they are given.

    Returns:
        x uint8, (cases, 32, 32, 3), and the labels with the classes' names.

    Raises:
        ConfigError: a class or a kind of label that the set does not have.
        DataError: the files are missing, damaged, or another set's.
    """
    cifar = read_cifar(folder, label=settings.get("label", "fine"))
    if cifar.name.lower().replace("-", "") != name:
        raise DataError(Problem(f"expected the files of {name}, found {cifar.name}", folder))
    if "classes" in settings:
        cifar = cifar.choose([str(word) for word in settings["classes"]])
    return (
        _cases(cifar, cifar.train_images, cifar.train_labels, folder),
        _cases(cifar, cifar.test_images, cifar.test_labels, folder),
    )


def _cases(cifar: Cifar, images: Array, labels: Array, folder: Path) -> Cases:
    def place(case: int, message: str) -> Problem:
        return Problem(f"image {case}: {message}", folder)

    named = Labels(labels, place, path=folder, names=cifar.class_names)
    return Cases(images, named, image_shape=images.shape[1:])

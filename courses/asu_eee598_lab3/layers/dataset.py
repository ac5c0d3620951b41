"""Images of four classes, or as many as are asked for, one-hot, as the lab trains on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chainrule.core.arrays import one_hot
from chainrule.core.errors import DataError
from chainrule.core.randomness import stream
from chainrule.data.named.cifar import read_cifar
from chainrule.data.readers.paths import find_data

from .layer import Array, whole

Cases = tuple[Array, Array]

FOLDER = Path(__file__).resolve().parents[1]
CLASSES = 4
IMAGE = (3, 32, 32)
PIXELS = 3072


def cifar100(
    seed: int = 0, *, classes: int = CLASSES, images: bool = False
) -> tuple[Cases, Cases]:
    """A random few of the classes of CIFAR-100.

    The folder ``cifar-100-python`` is looked for beside the scripts and in ``data/`` there, in the
    folder that ``CHAINRULE_DATA`` names, and in ``../shared/data`` beside the repository.

    Args:
        seed: says which classes.
        classes: how many; the lab trains on four, the one that follows it on three.
        images: give images, (cases, 3, 32, 32), as the layers of images take them.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: rows of 3,072 pixels scaled to [−0.5, 0.5], red,
        green, then blue, or images, and one-hot rows of ``classes``.

    Raises:
        ConfigError: a number of classes that is none.
        DataError: the files are not there or damaged, or have images of fewer classes.
    """
    return _some_classes("cifar-100-python", seed, classes, images)


def cifar10_subset(
    seed: int = 0, *, classes: int = CLASSES, images: bool = False
) -> tuple[Cases, Cases]:
    """The same of CIFAR-10, from the folder ``cifar-10-batches-py``; see `cifar100`."""
    return _some_classes("cifar-10-batches-py", seed, classes, images)


def _some_classes(folder: str, seed: int, classes: int, images: bool) -> tuple[Cases, Cases]:
    whole("classes", classes, 1)
    path = find_data(folder, beside=FOLDER, within=("cifar_mini",))
    cifar = read_cifar(path, label="fine")
    # A file of a few hundred images may have none of some class.
    present = np.intersect1d(cifar.train_labels, cifar.test_labels)
    if len(present) < classes:
        raise DataError(f"{path} has images of {len(present)} classes, {classes} are needed")
    numbers = stream(seed, "classes").choice(present, classes, replace=False)
    chosen = cifar.choose([cifar.class_names[k] for k in np.sort(numbers)])
    shape = (-1, *IMAGE) if images else (-1, PIXELS)

    def cases(x: Array, labels: Array) -> Cases:
        return scaled(x).reshape(shape), one_hot(labels, classes, float)

    train = cases(chosen.train_images, chosen.train_labels)
    return train, cases(chosen.test_images, chosen.test_labels)


def scaled(images: Array) -> Array:
    """Images of bytes, (cases, 32, 32, 3), as rows in [−0.5, 0.5], one colour after the other.

    Example:
        >>> scaled(np.full((1, 32, 32, 3), 255, np.uint8)).shape
        (1, 3072)
    """
    rows: Array = images.transpose(0, 3, 1, 2).reshape(len(images), -1) / 255.0
    rows -= 0.5
    return rows

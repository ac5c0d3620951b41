"""Images of four classes, one-hot, as the lab trains on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chainrule.data.cifar import Cifar, read_cifar
from chainrule.data.lookup import find_data
from chainrule.errors import DataError
from chainrule.randomness import stream
from chainrule.targets import one_hot

from .layer import Array

Cases = tuple[Array, Array]

FOLDER = Path(__file__).resolve().parents[1]
CLASSES = 4


def cifar100(seed: int = 0) -> tuple[Cases, Cases]:
    """A random four of the classes of CIFAR-100.

    The folder ``cifar-100-python`` is looked for in ``data/`` beside the scripts, in the folder
    that ``CHAINRULE_DATA`` names, and in ``../shared/data`` beside the repository.

    Args:
        seed: says which classes.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: rows of 3,072 pixels scaled to [−0.5, 0.5], red,
        green, then blue, and one-hot rows of 4.

    Raises:
        DataError: the files are not there or damaged, or have images of fewer classes.
    """
    return _four_classes("cifar-100-python", seed)


def cifar10_subset(seed: int = 0) -> tuple[Cases, Cases]:
    """The same of CIFAR-10, from the folder ``cifar-10-batches-py``; see `cifar100`."""
    return _four_classes("cifar-10-batches-py", seed)


def _four_classes(folder: str, seed: int) -> tuple[Cases, Cases]:
    path = find_data(folder, beside=FOLDER, within=("cifar_mini",))
    cifar = read_cifar(path, label="fine")
    # A file of a few hundred images may have none of some class.
    present = np.intersect1d(cifar.train_labels, cifar.test_labels)
    if len(present) < CLASSES:
        raise DataError(f"{path} has images of {len(present)} classes, {CLASSES} are needed")
    numbers = stream(seed, "classes").choice(present, CLASSES, replace=False)
    chosen = cifar.choose([cifar.class_names[k] for k in np.sort(numbers)])
    return _cases(chosen)


def _cases(cifar: Cifar) -> tuple[Cases, Cases]:
    train = scaled(cifar.train_images), one_hot(cifar.train_labels, CLASSES, float)
    return train, (scaled(cifar.test_images), one_hot(cifar.test_labels, CLASSES, float))


def scaled(images: Array) -> Array:
    """Images of bytes, (cases, 32, 32, 3), as rows in [−0.5, 0.5], one colour after the other.

    Example:
        >>> scaled(np.full((1, 32, 32, 3), 255, np.uint8)).shape
        (1, 3072)
    """
    rows: Array = images.transpose(0, 3, 1, 2).reshape(len(images), -1) / 255.0
    rows -= 0.5
    return rows

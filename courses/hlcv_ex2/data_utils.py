"""CIFAR-10 as the exercise's script loads it: the mean training image taken away, rows of 3,072.

The images are looked for as ``cifar-10-batches-py`` in ``data/`` and, where the exercise keeps
them, in ``datasets/`` beside this file, in the folder that ``CHAINRULE_DATA`` names, and in
``../shared/data`` beside the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import DataError
from chainrule.data.named.cifar import find_published, read_cifar

Array = npt.NDArray[Any]


class Parts(NamedTuple):
    """What `get_CIFAR10_data` returns: cases float64 (N, 3072), labels (N,)."""

    X_train: Array
    y_train: Array
    X_val: Array
    y_val: Array
    X_test: Array
    y_test: Array


def load_CIFAR10(ROOT: str) -> tuple[Array, Array, Array, Array]:
    """Training and test images as published, pixels 0 to 255 in float64, (N, 32, 32, 3).

    Args:
        ROOT: the folder of the published files.

    Raises:
        DataError: the files are not there, or are no CIFAR-10.
    """
    cifar = read_cifar(Path(ROOT))
    return (
        cifar.train_images.astype(float),
        cifar.train_labels,
        cifar.test_images.astype(float),
        cifar.test_labels,
    )


def get_CIFAR10_data(
    num_training: int = 49000, num_validation: int = 1000, num_test: int = 1000
) -> Parts:
    """The first images for training, those behind them for validation, the first for testing.

    The mean of the training images is subtracted from all; each image is a row of 3,072.

    Raises:
        DataError: there are fewer images, or none to be found.
    """
    cifar = read_cifar(find_published("cifar10", beside=Path(__file__).parent))
    found = len(cifar.train_images), len(cifar.test_images)
    if found[0] < num_training + num_validation or found[1] < num_test:
        raise DataError(
            f"{num_training:,} + {num_validation:,} training and {num_test:,} test images are "
            f"asked for; the folder has {found[0]:,} and {found[1]:,}"
        )
    train = slice(0, num_training)
    validation = slice(num_training, num_training + num_validation)
    mean = cifar.train_images[train].mean(axis=0)
    parts = (cifar.train_images[train], cifar.train_images[validation])
    rows = [_rows(images, mean) for images in (*parts, cifar.test_images[:num_test])]
    labels = cifar.train_labels[train], cifar.train_labels[validation]
    return Parts(rows[0], labels[0], rows[1], labels[1], rows[2], cifar.test_labels[:num_test])


def _rows(images: Array, mean: Array) -> Array:
    """One row a case, on the scale of the pixels."""
    return np.subtract(images, mean, dtype=float).reshape(len(images), -1)

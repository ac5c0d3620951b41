"""Networks of layers on images and of normalisation, of many sizes, strides and paddings."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule import Dense, Network, Softmax
from chainrule.nn.layer_types import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Flatten,
    GlobalAveragePool2D,
    LayerNorm,
    LocallyConnected2D,
    MaxPool2D,
)

Case = tuple[Network, Any, Any]
"""A network with its inputs and targets."""

CLASSES = 3


def images_of(shape: tuple[int, int, int], cases: int, seed: int, *, tied: bool = False) -> Any:
    """Random images; ``tied``: of few whole numbers, so that windows hold several equal ones."""
    rng = np.random.default_rng(seed)
    return rng.integers(-1, 2, (cases, *shape)) if tied else rng.normal(size=(cases, *shape))


def classified(layers: list[Any], x: Any, **options: Any) -> Case:
    """A network that ends in a softmax of three classes."""
    layers = [*layers, Dense(CLASSES), Softmax()]
    network = Network(layers, input=list(x.shape[1:]), seed=len(layers), **options)
    return network, x, np.arange(len(x)) % CLASSES


def a_few() -> Iterator[Case]:
    """One small network for each kind of layer, with a penalty and without."""
    x = images_of((2, 5, 4), 2, 0)
    yield classified(
        [
            Conv2D(3, 3, padding="same", activation="tanh"),
            MaxPool2D(2),
            BatchNorm(activation="tanh"),
            Conv2D(2, [2, 1], stride=[1, 2], padding=[1, 0], activation="tanh", bias=False),
            AveragePool2D(2, stride=1, padding=1),
            LayerNorm(),
            GlobalAveragePool2D(),
        ],
        x,
        penalty={"type": "L2", "rate": 0.1, "biases": True},
    )
    yield classified(
        [
            LocallyConnected2D(2, 3, stride=2, padding="same", activation="tanh", bias=False),
            LocallyConnected2D(2, 2, padding=1, activation="tanh"),
            Flatten(),
            BatchNorm(activation="tanh"),
            LayerNorm(),
        ],
        x,
        penalty={"type": "L1", "rate": 0.01},
    )


def filters_of_all_kinds() -> Iterator[Case]:
    """Sizes, strides and paddings of filters, shared and of each place."""
    for n, (size, stride, padding) in enumerate(
        [
            (1, 1, 0),
            (3, 1, "same"),
            (2, 1, "same"),
            ([3, 2], [2, 1], "same"),
            ([2, 4], 3, "same"),
            (3, 2, 1),
            ([1, 3], [1, 3], [0, 2]),
            (2, 3, "valid"),
            (5, 1, 4),
        ]
    ):
        x = images_of((1 + n % 3, 7, 6), 2, n)
        for kind in (Conv2D, LocallyConnected2D):
            options = {"stride": stride, "padding": padding, "bias": n % 2 == 0}
            first = kind(2, size, activation="tanh", **options)
            yield classified(
                [first, kind(1, 1, activation="tanh"), Flatten()], x, penalty={"L2": 0.1 * (n % 2)}
            )


def pools_of_all_kinds() -> Iterator[Case]:
    """Sizes, strides and paddings of pools; images with ties and without."""
    for n, (size, stride, padding) in enumerate(
        [(2, None, 0), (3, 1, 1), ([3, 2], [2, 1], [1, 0]), (2, 3, 0), (3, 2, "same"), (1, 1, 0)]
    ):
        for tied in (False, True):
            x = images_of((2, 7, 5), 3, n, tied=tied)
            for kind in (MaxPool2D, AveragePool2D):
                yield classified([kind(size, stride=stride, padding=padding), Flatten()], x)
    yield classified([GlobalAveragePool2D()], images_of((4, 3, 2), 2, 9))


def normalised_of_all_kinds() -> Iterator[Case]:
    """Rows, images and sequences, padded and whole; one case alone; own scales and rates."""
    rng = np.random.default_rng(3)
    own = {"weights": {"range": [0.5, 2]}, "biases": {"range": [-1, 1]}}
    for kind in (BatchNorm, LayerNorm):
        for cases in (1, 2, 7):
            x = rng.normal(2, 3, (cases, 5))
            yield classified([Dense(4, "tanh"), kind(activation="tanh", **own)], x)
        x = images_of((3, 4, 2), 3, 5)
        yield classified([kind(epsilon=0.1, **own), Flatten()], x, penalty={"L2": 0.2})
        yield sequences(kind(activation="tanh", **own), padded=False)
        yield sequences(kind(activation="tanh", **own), padded=True)
    yield classified([BatchNorm(momentum=1)], rng.normal(size=(4, 2)))
    one_place = images_of((3, 1, 1), 1, 5)
    yield classified([BatchNorm(), Flatten()], one_place)


def sequences(layer: Any, *, padded: bool) -> Case:
    """A layer on sequences, which may end early."""
    rng = np.random.default_rng(4)
    x, t = rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 3, 2))
    if padded:
        x[1, 2:] = x[3, 1:] = t[1, 2:] = t[3, 1:] = np.nan
    return Network([layer, LayerNorm()], input=[3, 2], seed=4, loss="mse"), x, t

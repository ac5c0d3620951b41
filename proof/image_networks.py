"""Networks of images that the proof of the gradients runs over: every layer, in drawn shapes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from chainrule import Dense, Network, Softmax
from chainrule.core.arrays import Array
from chainrule.nn import (
    AveragePool2D,
    Conv2D,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LocallyConnected2D,
    MaxPool2D,
)
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.images import filtered, pooled
from chainrule.nn.kinks import distances
from proof.networks import LARGEST, REACH, TRIES

FILTERED = {"conv2d": Conv2D, "locally_connected2d": LocallyConnected2D}
POOLED = {"max_pool2d": MaxPool2D, "average_pool2d": AveragePool2D}
OF_CHANNELS = {"global_average_pool2d": GlobalAveragePool2D}
SHAPES = 12
"""Of each kind in the full form."""

OTHERS, FAR = 20, 10**6
"""At most this many networks are drawn for one case; the distance of their seeds."""


@dataclass(frozen=True)
class ImageKind:
    """One layer on images with its settings.

    Attributes:
        layer: its name in a configuration.
        activation: of filters; empty for pooling.
        stride: in both directions.
        padding: in both directions, or ``same``.
        bias: whether filters have biases.
    """

    layer: str
    activation: str
    stride: int
    padding: int | str
    bias: bool


@dataclass(frozen=True)
class ImageCase:
    """A network with a batch for it.

    Attributes:
        kind: of the layer that is tested.
        seed: from which the sizes and numbers are drawn.
        network: a convolution, which needs the gradient with respect to its output; the layer
            that is tested; a dense layer.
        x: images as rows.
        t: classes.
    """

    kind: ImageKind
    seed: int
    network: Network
    x: Array
    t: Array


def image_kinds() -> list[ImageKind]:
    """Filters x activation x stride x padding, with and without biases; pools x the same.

    Last what pools whole channels, which has no settings.
    """
    paddings: tuple[int | str, ...] = (0, "same")
    kinds = [
        ImageKind(layer, phi, stride, padding, bias=k % 3 > 0)
        for k, (layer, phi, stride, padding) in enumerate(
            product(FILTERED, ACTIVATIONS, (1, 2), paddings)
        )
    ]
    pools = product(POOLED, (1, 2, 3), (0, 1))
    kinds += [ImageKind(layer, "", stride, padding, False) for layer, stride, padding in pools]
    return [*kinds, *(ImageKind(layer, "", 1, 0, False) for layer in OF_CHANNELS)]


def image_network(kind: ImageKind, seed: int, dtype: str = "float64") -> Network:
    """A network of that kind; its sizes and its weights follow from the seed."""
    rng = np.random.default_rng([seed, 2])
    channels, height, width = (int(n) for n in rng.integers((1, 3, 3), (4, 6, 7)))
    rows, columns = (int(n) for n in rng.integers(1 if not kind.padding else 2, 4, 2))
    first = Conv2D(int(rng.integers(1, 4)), 2, padding="same", activation="tanh")
    layers: list[Layer] = [first, _layer(kind, [rows, columns], int(rng.integers(1, 4)))]
    layers += [Flatten(), Dense(3, "linear"), Softmax()]
    network = Network(layers, input=[channels, height, width], dtype=dtype, seed=seed)
    size = len(network.theta)
    network.theta = rng.uniform(0.1, 0.7, size) * rng.choice([-1.0, 1.0], size)
    return network


def _layer(kind: ImageKind, size: list[int], filters: int) -> Layer:
    where: dict[str, Any] = {"stride": kind.stride, "padding": kind.padding}
    if kind.layer in OF_CHANNELS:
        return OF_CHANNELS[kind.layer]()
    if kind.layer in POOLED:
        return POOLED[kind.layer](size, **where)
    made = FILTERED[kind.layer]
    return made(filters, size, activation=kind.activation, bias=kind.bias, **where)


def image_case(kind: ImageKind, seed: int) -> ImageCase:
    """A network and a batch away from every kink, with every z within ±10.

    If every batch of a network with many windows meets a kink, another network is drawn.
    """
    for other in range(seed, seed + OTHERS * FAR, FAR):
        network, rng = image_network(kind, other), np.random.default_rng([other, 3])
        cases = int(rng.integers(1, 6))
        for _ in range(TRIES):
            x, t = rng.normal(size=(cases, network.input)), rng.integers(0, 3, cases)
            if _is_smooth(network, x, t):
                return ImageCase(kind, other, network, x, t)
    raise AssertionError(f"no batch away from the kinks was found for {kind}, {seed}")


def _is_smooth(network: Network, x: Array, t: Array) -> bool:
    network.forward_pass(x)
    if any(np.abs(layer.z).max() > LARGEST for layer in network.layers):  # type: ignore[attr-defined]
        return False
    far = (np.abs(d).min(initial=np.inf) for _, d in distances(network, x, t, network.theta))
    return min(far, default=np.inf) > REACH


@contextmanager
def loops_from(worth: int) -> Iterator[None]:
    """Within this context, compiled loops are used for arrays of at least ``worth`` numbers."""
    modules: tuple[Any, ...] = (filtered, pooled)
    before = [module.WORTH_LOOPS for module in modules]
    for module in modules:
        module.WORTH_LOOPS = worth
    try:
        yield
    finally:
        for module, kept in zip(modules, before, strict=True):
            module.WORTH_LOOPS = kept


def image_cases(full: bool) -> Iterator[ImageCase]:
    """Every kind in many shapes; in the short form, every second kind in one shape."""
    kinds = image_kinds()
    for k, kind in enumerate(kinds):
        if full or k % 2 == (k // 24) % 2:
            for j in range(SHAPES if full else 1):
                yield image_case(kind, SHAPES * k + j)

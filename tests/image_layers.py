"""Layers on images of all sorts, each within a network of its own, and images for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.nn import AveragePool2D, Conv2D, Flatten, Layer, LocallyConnected2D, MaxPool2D

FILTERED, POOLED = (Conv2D, LocallyConnected2D), (MaxPool2D, AveragePool2D)

WAYS = {"numpy": 10**12, "loops": 0}
"""The two ways that real numbers may go, by the work from which compiled loops are used."""


@contextmanager
def going(way: str) -> Iterator[None]:
    """While this lasts, layers on images go that way whatever the work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.nn.images.filtered.WORTH_LOOPS", WAYS[way])
        patch.setattr("chainrule.nn.images.pooled.WORTH_LOOPS", WAYS[way])
        yield


class Case(NamedTuple):
    """A layer within a network, images for it, and what a loss might send back."""

    layer: Any
    network: Network
    x: np.ndarray
    J: np.ndarray


def case_for(layer: Layer, shape: tuple[int, int, int], cases: int = 2, seed: int = 0, **options):
    """The layer in a network, with random parameters, images and J."""
    network = Network([layer, Flatten(), Dense(1)], input=list(shape), seed=seed, **options)
    rng = np.random.default_rng(seed)
    network.theta[:] = rng.normal(size=network.theta.shape)
    x = rng.normal(size=(cases, layer.inputs)).astype(network.dtype)
    return Case(layer, network, x, rng.normal(size=(cases, layer.outputs)).astype(network.dtype))


def images_of(case: Case) -> np.ndarray:
    """x as (cases, channels, height, width)."""
    return case.x.reshape(len(case.x), *case.layer.input_shape)


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def filtered(draw, kinds=FILTERED, activation="tanh", **options) -> Case:
    """A layer of filters: windows that are not square, strides, paddings, one case or several."""
    size, stride = draw(PAIRS), draw(PAIRS)
    padding = draw(
        st.one_of(
            st.sampled_from(["same", "valid"]),
            st.integers(0, 2),
            st.tuples(st.integers(0, 2), st.integers(0, 2)),
        )
    )
    shape = draw(st.tuples(st.integers(1, 3), st.integers(3, 7), st.integers(3, 7)))
    kind = draw(st.sampled_from(kinds))
    layer = kind(
        draw(st.integers(1, 9)),
        size,
        stride=stride,
        padding=padding,
        bias=draw(st.booleans()),
        activation=activation,
    )
    return case_for(layer, shape, draw(st.integers(1, 3)), draw(st.integers(0, 10**6)), **options)


@st.composite
def pooled(draw, kinds=POOLED, **options) -> Case:
    """A layer that pools: windows side by side, apart or overlapping, with padding or none."""
    size = draw(PAIRS)
    stride = draw(st.one_of(st.none(), PAIRS))
    padding = draw(
        st.one_of(st.just("same"), st.tuples(*(st.integers(0, length - 1) for length in size)))
    )
    if padding == "same" and any(s > n for s, n in zip(stride or size, size, strict=True)):
        stride = None
    shape = draw(st.tuples(st.integers(1, 3), st.integers(3, 7), st.integers(3, 7)))
    layer = draw(st.sampled_from(kinds))(size, stride=stride, padding=padding)
    return case_for(layer, shape, draw(st.integers(1, 3)), draw(st.integers(0, 10**6)), **options)


def image_nets() -> st.SearchStrategy[Case]:
    """Any of the layers on images."""
    return st.one_of(filtered(), pooled())

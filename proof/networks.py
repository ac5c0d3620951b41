"""The networks that the proof of the gradients runs over: every kind of part, drawn shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.core.arrays import Array
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.kinks import distances
from chainrule.nn.losses import LOSSES
from chainrule.nn.penalties import PENALTIES

RATE = 0.03
REACH = 0.02
"""The least distance from a kink, which a numeric step must not cross."""

LARGEST = 10.0
"""Logits, and every z, stay within this."""

TRIES = 3000
SHAPES = 100


@dataclass(frozen=True)
class Shape:
    """Sizes of a network and a batch."""

    cases: int
    inputs: int
    hidden: tuple[int, ...]
    outputs: int


@dataclass(frozen=True)
class Kind:
    """The parts of a network: activation, loss, whether it ends in softmax, penalty."""

    activation: str
    loss: str
    softmax: bool
    penalty: str


@dataclass(frozen=True)
class Drawn:
    """A network with a batch for it."""

    kind: Kind
    shape: Shape
    network: Network
    x: Array
    t: Array


def kinds() -> list[Kind]:
    """Every activation x loss, with and without softmax, x penalty: 12 x 12 x 5."""
    ends = [("cross_entropy", True), ("binary_cross_entropy", False)]
    ends += [(loss, soft) for loss in LOSSES if loss not in dict(ends) for soft in (False, True)]
    penalties = ["none", *PENALTIES, *(f"{name} on biases" for name in PENALTIES)]
    return [
        Kind(phi, loss, soft, penalty)
        for phi, (loss, soft), penalty in product(ACTIVATIONS, ends, penalties)
    ]


def shapes(count: int) -> list[Shape]:
    """Shapes that Hypothesis draws, always the same ones; batches and widths of 1 among them."""
    size = st.integers(1, 6)
    drawn: list[Shape] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.builds(Shape, size, size, st.lists(size, max_size=4).map(tuple), size))
    def draw(shape: Shape) -> None:
        drawn.append(shape)

    draw()
    return drawn[:count]


def network_of(kind: Kind, shape: Shape, seed: int, dtype: str = "float64") -> Network:
    """A network of that kind and shape, with no weight near 0, where L1 has its kink."""
    last = {"cross_entropy": "linear", "binary_cross_entropy": "sigmoid"}
    layers: list[Dense | Softmax] = [Dense(n, kind.activation) for n in shape.hidden]
    layers.append(Dense(shape.outputs, last.get(kind.loss, kind.activation)))
    if kind.softmax:
        layers.append(Softmax())
    name, _, biases = kind.penalty.partition(" ")
    penalty = None if name == "none" else {"type": name, "rate": RATE, "biases": bool(biases)}
    network = Network(layers, input=shape.inputs, loss=kind.loss, penalty=penalty, dtype=dtype)
    rng = np.random.default_rng(seed)
    size = len(network.theta)
    network.theta = rng.uniform(0.1, 1, size) * rng.choice([-1.0, 1.0], size)
    return network


def targets(network: Network, cases: int, rng: np.random.Generator) -> Array:
    """Targets of the kind that the loss takes."""
    if network.loss_function.for_classes:
        return rng.integers(0, network.outputs, cases)
    if type(network.loss_function) is LOSSES["binary_cross_entropy"]:
        return rng.integers(0, 2, (cases, network.outputs)).astype(float)
    return 2 * rng.normal(size=(cases, network.outputs))


def drawn(kind: Kind, shape: Shape, seed: int) -> Drawn:
    """A network and a batch away from every kink, with every z within ±10."""
    rng = np.random.default_rng([seed, 1])
    for trial in range(TRIES):
        network = network_of(kind, shape, seed + 7919 * (trial // 50))
        x = rng.normal(size=(shape.cases, shape.inputs))
        t = network.prepare_targets(targets(network, shape.cases, rng))
        if is_smooth(network, x, t):
            return Drawn(kind, shape, network, x, t)
    raise AssertionError(f"no batch away from the kinks was found for {kind}, {shape}")


def is_smooth(network: Network, x: Array, t: Array) -> bool:
    """Whether every kink is further away than `REACH`, and every z within ±10."""
    network.forward_pass(x)
    if any(np.abs(la.z).max() > LARGEST for la in network.layers if isinstance(la, Dense)):
        return False
    far = (np.abs(d).min(initial=np.inf) for _, d in distances(network, x, t, network.theta))
    return min(far, default=np.inf) > REACH


def all_drawn(numbers: Iterable[int], some: slice = slice(None)) -> Iterator[Drawn]:
    """Every kind, or some, in as many shapes as there are numbers (0 to 99), which choose them."""
    found, chosen = shapes(SHAPES), list(numbers)
    for k, kind in list(enumerate(kinds()))[some]:
        for j in chosen:
            yield drawn(kind, found[(37 * k + j) % SHAPES], SHAPES * k + j)

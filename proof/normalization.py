"""Batch and layer normalisation of every kind, drawn at random, by independent derivations.

Each activation is combined with both layers, with rows, images and sequences of different lengths,
and with both modes. Sizes, ε and the number of cases, from one on, are drawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np

from chainrule import Dense, Network, Softmax
from chainrule.core.arrays import Array
from chainrule.gradients import central_difference, complex_step
from chainrule.gradients.checking import autograd
from chainrule.gradients.network_graph import graph_gradient
from chainrule.gradients.rounding import ROUNDING, rounding
from chainrule.nn import BatchNorm, Conv2D, Flatten, Layer, LayerNorm, Recurrent
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.kinks import distances
from chainrule.training.engines.threads import on_threads
from proof.agreement import Agreement, agreements, keep, line_of
from proof.gradients import STEP, explicit, gradient
from proof.line import Line

SHORT, FULL = 1, 20
"""The number of networks of each kind."""

REACH, TRIES, LESS_AFTER = 0.02, 3000, 200
JAX_SHORT, JAX_FULL = 17, 61
"""One of this many networks goes through JAX, which compiles each anew."""

LAYERS = {"batch_norm": BatchNorm, "layer_norm": LayerNorm}
SHAPES = ("row", "image", "sequence")

CLAIMS = {
    "central": ("central difference, normalised", 1e-8),
    "complex": ("complex step, normalised", 1e-13),
    "graph": ("normalisation as a graph", 1e-13),
    "torch": ("PyTorch autograd, normalised", 1e-13),
    "jax": ("JAX autograd, normalised", 1e-13),
    "explicit": ("explicit Jacobians that couple the cases", 1e-13),
    "rows": ("normalised cases in another order", 1e-13),
}


@dataclass(frozen=True)
class Kind:
    """What is normalised, how, and in which mode; a number from which the rest is drawn."""

    activation: str
    layer: str
    shape: str
    training: bool
    number: int

    def rng(self, what: int) -> np.random.Generator:
        """A random stream for each kind and purpose."""
        place = [*ACTIVATIONS].index(self.activation), [*LAYERS].index(self.layer)
        place += SHAPES.index(self.shape), int(self.training)
        return np.random.default_rng([*place, self.number, what])


@dataclass(frozen=True)
class Drawn:
    """A network with a batch for it."""

    network: Network
    x: Array
    t: Array

    def mode(self, kind: Kind) -> AbstractContextManager[Any]:
        """The mode in which the network is compared."""
        return self.network.training_mode() if kind.training else nullcontext()


def kinds(count: int) -> Iterator[Kind]:
    """Every activation with both layers, three shapes and both modes, ``count`` times."""
    for found in product(ACTIVATIONS, LAYERS, SHAPES, (False, True), range(count)):
        yield Kind(*found)


def lines(full: bool) -> Iterator[Line]:
    """A line for each derivation; the full run is stored."""
    start = time.perf_counter()
    found = sweep(FULL if full else SHORT, JAX_FULL if full else JAX_SHORT)
    seconds = time.perf_counter() - start
    for name, agreement in found.items():
        if full and agreement.arrays:
            command = "python -m proof --full normalization"
            keep(f"normalization-{name}", agreement, seconds, command)
        yield line_of(f"normalization-{name}", agreement)


def sweep(count: int, every_jax: int) -> dict[str, Agreement]:
    """Compare ``count`` networks of every kind."""
    found = agreements(CLAIMS)
    with on_threads(1):
        for number, kind in enumerate(kinds(count), 1):
            compare(found, kind, drawn(kind), with_jax=number % every_jax == 0)
    return found


def compare(found: dict[str, Agreement], kind: Kind, case: Drawn, *, with_jax: bool) -> None:
    """Add one network's comparisons."""
    network, x, t = case.network, case.x, case.t
    trained = np.zeros(len(network.theta), bool)
    for segment in network.parameters.layout.trained:
        trained[segment.slice] = True
    with case.mode(kind):
        g = gradient(network, x, t)
        noise = rounding(network, x, t, rng=np.random.default_rng(len(x))).gradient
        loss = network.loss(x, t)

        def f(theta: Array) -> Any:
            return network.loss(x, t, theta)

        def add(name: str, other: Array, blur: Array = noise) -> None:
            # The loss depends on running statistics too, but no gradient belongs to them.
            found[name].add(network, kind, g, np.where(trained, other, 0.0), blur)

        blur = noise + 4 * ROUNDING * abs(loss) / STEP
        add("central", central_difference(f, network.theta, STEP), blur)
        add("complex", complex_step(f, network.theta))
        add("graph", graph_gradient(network, x, t).vector)
        add("explicit", explicit(network, x, t))
        add("rows", gradient(network, x[::-1], t[::-1]))
        for library in ("torch", "jax"):
            if find_spec(library) is not None and (library == "torch" or with_jax):
                rows = network.prepare_inputs(x), network.prepare_targets(t)
                add(library, autograd(network, library, *rows))


def network_of(kind: Kind) -> Network:
    """The network of a kind; its sizes are drawn."""
    rng = kind.rng(1)
    a, b, c = (int(n) for n in rng.integers(2, 6, 3))
    layers: list[Layer]
    shape: list[int]
    if kind.shape == "row":
        layers, shape = [Dense(a, kind.activation), _norm(kind, rng), Dense(b, "tanh")], [c]
        layers.append(_norm(kind, rng))
    elif kind.shape == "image":
        shape = [2, 2 + a % 2, 2 + b % 3]
        layers = [Conv2D(c, 2), _norm(kind, rng), Flatten()]
    else:
        layers, shape = [_norm(kind, rng), Recurrent(a), _norm(kind, rng)], [b, c]
    penalty = {"type": "L2", "rate": 0.03, "biases": True} if rng.random() < 0.5 else None
    return Network([*layers, Dense(3), Softmax()], input=shape, penalty=penalty)


def _norm(kind: Kind, rng: np.random.Generator) -> Layer:
    activation = kind.activation if rng.random() < 0.7 else "linear"
    return LAYERS[kind.layer](activation=activation, epsilon=float(10 ** rng.uniform(-3, -0.5)))


def drawn(kind: Kind) -> Drawn:
    """A network and cases away from every kink; fewer cases where that is hard to find."""
    rng, network = kind.rng(2), network_of(kind)
    most = int(rng.integers(1, 9))
    for trial in range(TRIES):
        cases = max(1, most - trial // LESS_AFTER)
        network.theta = rng.uniform(0.1, 0.8, len(network.theta)) * rng.choice([-1, 1])
        for segment in network.parameters.layout:
            if segment.name == "variance":
                network.parameters[segment.full_name] = rng.uniform(0.3, 3, segment.shape)
        found = Drawn(network, *_batch(network, cases, rng))
        with found.mode(kind):
            if _is_smooth(found):
                return found
    raise AssertionError(f"no batch away from the kinks was found for {kind}")


def _batch(network: Network, cases: int, rng: np.random.Generator) -> tuple[Array, Array]:
    x = rng.normal(0.5, 2, size=(cases, *network.input_shape))
    if len(network.input_shape) != 2:
        return x, rng.integers(0, 3, cases)
    steps = network.input_shape[0]
    padded = np.arange(steps) >= rng.integers(1, steps + 1, cases)[:, None]
    x[padded] = np.nan
    return x, np.where(padded, -1, rng.integers(0, 3, (cases, steps)))


def _is_smooth(case: Drawn) -> bool:
    network = case.network
    x, t = network.prepare_inputs(case.x), network.prepare_targets(case.t)
    with np.errstate(invalid="ignore"):
        far = (np.nanmin(np.abs(d)) for _, d in distances(network, x, t, network.theta) if d.size)
        return min(far, default=np.inf) > REACH

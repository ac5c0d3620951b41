"""Sequences: layers with a state of every kind, drawn at random, by independent derivations.

The recurrent layer with each activation, the LSTM and the GRU are combined with each loss. The
rest is drawn: sizes, outputs of all steps or of the last, biases, start state, a second such
layer, lengths of the cases, steps without a target; an embedding of class numbers, some unknown,
in place of values.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
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
from chainrule.nn import GRU, LSTM, Embedding, Layer, Recurrent
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.kinks import distances
from chainrule.nn.losses import LOSSES
from chainrule.nn.sequences.unrolled import Unrolled
from chainrule.training.engines.threads import on_threads
from proof.agreement import Agreement, agreements, keep, line_of
from proof.gradients import STEP, explicit, gradient
from proof.line import Line

SHORT, FULL = 1, 6
"""The number of networks of each pair of a name of `LAYERS` and a loss."""

GATED = {"lstm": LSTM, "gru": GRU}
LAYERS = (*ACTIVATIONS, *GATED)
"""A recurrent layer is named by its activation, a layer with gates by its type."""

EMBEDDED = 0.25
"""The share of networks that begin with an embedding."""

REACH, TRIES = 0.02, 3000
JAX_SHORT, JAX_FULL = 28, 61
"""One of this many networks goes through JAX, which compiles each anew."""

CLAIMS = {
    "central": ("central difference, through time", 1e-8),
    "complex": ("complex step, through time", 1e-13),
    "graph": ("the recurrence as a graph", 1e-13),
    "torch": ("PyTorch autograd, through time", 1e-12),
    "jax": ("JAX autograd, through time", 1e-12),
    "explicit": ("explicit Jacobians through time", 1e-13),
    "alone": ("cases of different lengths, one by one", 1e-13),
    "truncated": ("truncated, against its definition", 1e-13),
}


@dataclass(frozen=True)
class Kind:
    """A pair of a name of `LAYERS` and a loss, and a number from which the rest is drawn."""

    layer: str
    loss: str
    number: int

    def rng(self, what: int) -> np.random.Generator:
        """A random stream for each kind and purpose."""
        place = [LAYERS.index(self.layer), [*LOSSES].index(self.loss)]
        return np.random.default_rng([*place, self.number, what])


@dataclass(frozen=True)
class Drawn:
    """A network, its cases of different lengths, and the same cases as one padded batch."""

    network: Network
    xs: list[Array]
    ts: list[Array]
    x: Array
    t: Array


def lines(full: bool) -> Iterator[Line]:
    """A line for each derivation; the full run is stored."""
    start = time.perf_counter()
    found = sweep(FULL if full else SHORT, JAX_FULL if full else JAX_SHORT)
    seconds = time.perf_counter() - start
    for name, agreement in found.items():
        if full and agreement.arrays:
            keep(f"sequences-{name}", agreement, seconds, "python -m proof --full sequences")
        yield line_of(f"sequences-{name}", agreement)


def sweep(count: int, every_jax: int) -> dict[str, Agreement]:
    """Compare ``count`` networks of every layer and loss."""
    found = agreements(CLAIMS)
    kinds = [Kind(*kind) for kind in product(LAYERS, LOSSES, range(count))]
    with on_threads(1):
        for number, kind in enumerate(kinds, 1):
            compare(found, kind, drawn(kind), with_jax=number % every_jax == 0)
    return found


def compare(found: dict[str, Agreement], kind: Kind, case: Drawn, *, with_jax: bool) -> None:
    """Add one network's comparisons."""
    network, x, t = case.network, case.x, case.t
    g = gradient(network, x, t)
    noise = rounding(network, x, t, rng=np.random.default_rng(len(x))).gradient
    loss = network.loss(x, t)

    def f(theta: Array) -> Any:
        return network.loss(x, t, theta)

    def add(name: str, ours: Array, other: Array, blur: Array = noise) -> None:
        found[name].add(network, kind, ours, other, blur)

    blur = noise + 4 * ROUNDING * abs(loss) / STEP
    add("central", g, central_difference(f, network.theta, STEP), blur)
    add("complex", g, complex_step(f, network.theta))
    add("graph", g, graph_gradient(network, x, t).vector)
    add("explicit", g, explicit(network, x, t))
    add("alone", g, one_by_one(kind, case))
    for library in ("torch", "jax"):
        if find_spec(library) is not None and (library == "torch" or with_jax):
            add(library, g, autograd(network, library, x, t))
    for layer in network.layers:
        if isinstance(layer, Unrolled):
            layer.truncate = 1 + (kind.number + layer.size) % layer.steps
    add("truncated", gradient(network, x, t), graph_gradient(network, x, t).vector)


def one_by_one(kind: Kind, case: Drawn) -> Array:
    """The mean gradient of the cases, each in a network of its own length."""
    total = np.zeros_like(case.network.theta)
    for x, t in zip(case.xs, case.ts, strict=True):
        alone = network_of(kind, len(x))
        alone.theta = case.network.theta
        total += gradient(alone, x[None], t[None])
    return total / len(case.xs)


def network_of(kind: Kind, steps: int, *, embeds: bool = True) -> Network:
    """The network of a kind; the number of steps changes nothing else.

    Args:
        kind: from which everything else is drawn.
        steps: of a case.
        embeds: whether some networks begin with an embedding.
    """
    rng = kind.rng(1)
    features, outputs = (int(n) for n in rng.integers(1, 4, 2))
    layers: list[Layer] = [_unrolled(kind, rng, "all") for _ in range(int(rng.integers(0, 2)))]
    if embeds and kind.rng(3).random() < EMBEDDED:
        layers.insert(0, Embedding(2, classes=2 + features))
        features = 1
    layers.append(_unrolled(kind, rng, str(rng.choice(["all", "last"]))))
    layers.append(Dense(outputs, "sigmoid" if kind.loss == "binary_cross_entropy" else "linear"))
    if kind.loss == "cross_entropy" or (kind.loss in ("mse", "mae") and rng.random() < 0.3):
        layers.append(Softmax())
    penalty = {"type": "L2", "rate": 0.03, "biases": True} if rng.random() < 0.5 else None
    return Network(layers, input=[steps, features], loss=kind.loss, penalty=penalty)


def _unrolled(kind: Kind, rng: np.random.Generator, outputs: str) -> Unrolled:
    size = int(rng.integers(1, 5))
    start = rng.choice(["zeros", "learnt", "given"])
    bias = bool(rng.random() < 0.8)
    states = 2 if kind.layer == "lstm" else 1
    given = rng.normal(size=size * states).tolist() if start == "given" else str(start)
    if kind.layer in GATED:
        return GATED[kind.layer](size, outputs=outputs, bias=bias, start=given)
    return Recurrent(size, kind.layer, outputs=outputs, bias=bias, start=given)


def drawn(kind: Kind) -> Drawn:
    """A network and cases away from every kink."""
    rng = kind.rng(2)
    lengths = rng.integers(1, 7, int(rng.integers(1, 5)))
    network = network_of(kind, int(lengths.max()))
    for _ in range(TRIES):
        network.theta = rng.uniform(-0.7, 0.7, len(network.theta))
        xs = [_inputs(network, n, rng) for n in lengths]
        ts = [_targets(network, n, rng) for n in lengths]
        x, t = padded(xs, np.nan), padded(ts, -1 if ts[0].dtype.kind == "i" else np.nan)
        if _is_smooth(network, x, t):
            return Drawn(network, xs, ts, x, t)
    raise AssertionError(f"no batch away from the kinks was found for {kind}")


def _inputs(network: Network, steps: int, rng: np.random.Generator) -> Array:
    """The inputs of one case: values, or class numbers with −1 for none."""
    first, shape = network.layers[0], (steps, network.input_shape[1])
    if isinstance(first, Embedding):
        return rng.integers(-1, first.classes, shape).astype(float)
    return rng.normal(size=shape)


def _targets(network: Network, steps: int, rng: np.random.Generator) -> Array:
    """The targets of one case: for each step, with one missing, or for the last step."""
    shape = network.layers[-1].output_shape
    at = (steps, *shape[1:]) if len(shape) == 2 else shape
    loss = getattr(network.loss_function, "each", network.loss_function)
    t: Array
    if loss.for_classes:
        t = rng.integers(0, shape[-1], at[:-1])
    else:
        t = rng.uniform(0.1, 0.9, at) * (1 if type(loss) is LOSSES["binary_cross_entropy"] else 3)
    if len(shape) == 2 and steps > 1:
        t[int(rng.integers(steps))] = -1 if t.dtype.kind == "i" else np.nan
    return t


def padded(cases: list[Array], filler: float) -> Array:
    """The cases as one array, padded with ``filler`` if their lengths differ."""
    longest = max((len(case) for case in cases if case.ndim), default=0)
    if cases[0].ndim == 0 or len({case.shape for case in cases}) == 1:
        return np.array(cases)
    found = np.full((len(cases), longest, *cases[0].shape[1:]), filler, cases[0].dtype)
    for row, case in zip(found, cases, strict=True):
        row[: len(case)] = case
    return found


def _is_smooth(network: Network, x: Array, t: Array) -> bool:
    x, t = network.prepare_inputs(x), network.prepare_targets(t)
    with np.errstate(invalid="ignore"):
        far = (np.nanmin(np.abs(d)) for _, d in distances(network, x, t, network.theta) if d.size)
        return min(far, default=np.inf) > REACH

"""How far rounding alone moves a gradient: below that no two derivations need agree.

Where terms of a gradient nearly cancel, few digits of it are left, whoever computes it: in a
trained network, or with the mean absolute error, whose δ are ± 1 and add up to nothing. Two
things are measured: how large the terms are that were added up, and how far gradient and loss move
when every input, every parameter, every layer's output and the terms of φ'(z) of gelu, silu and
mish, which cancel where it has its zero, are moved by a small share of themselves. Below the
smallest normal number a rounding is as large as of that number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.activations import Activation, Gated
from chainrule.nn.images.filtered import Filtered
from chainrule.nn.layer_types import Dense, Layer, Recurrent, Softmax
from chainrule.nn.layers.base import Weighted
from chainrule.nn.network import Network
from chainrule.nn.parameters import Parameters
from chainrule.nn.sequences.through_time import ThroughTime, flat_rows

SHARE = 2.0**-40
ROUNDING = 2.0**-53
LEAST = float(np.finfo(float).tiny)
"""The smallest normal number."""

SAMPLES = 8
"""So often everything is moved."""


@dataclass(frozen=True)
class Rounding:
    """What one rounding of everything does. It is infinite where a pass gave no number.

    Attributes:
        gradient: to each number of the gradient, shape of θ.
        flushed: the same in arithmetic that takes every number below the smallest normal for 0,
            as functions of the libraries do.
        loss: to the loss.
        passed: Σ |∂L/∂a| over all that layers pass on.
    """

    gradient: Array
    flushed: Array
    loss: float
    passed: float


def rounding(network: Network, x: Array, t: Array, *, rng: np.random.Generator) -> Rounding:
    """What one rounding of everything does at a batch.

    The network's own gradient is overwritten; θ is as before.

    Args:
        network: in float64.
        x: prepared inputs.
        t: prepared targets.
        rng: by how much things are moved.
    """
    with np.errstate(all="ignore"):
        loss = network.loss(x, t)
        gradient = network.backward_pass(t).vector.copy()
        added, passed = _terms(network, t, LEAST)
        flushed, _ = _terms(network, t, LEAST / ROUNDING)
        losses, gradients = zip(*_moved_passes(network, x, t, rng), strict=True)
        spread = _spread(np.array(gradients), gradient)
        return Rounding(
            _known(np.hypot(ROUNDING * added, spread) + ROUNDING * (2 * LEAST)),
            _known(np.hypot(ROUNDING * flushed, spread)),
            float(_known(np.hypot(ROUNDING * loss, _spread(np.array(losses), np.array(loss))))),
            float(_known(np.array(passed))),
        )


def _spread(moved: Array, still: Array) -> Array:
    """How far a rounding moves what `SHARE` moved so far."""
    shares = (moved - still) * (ROUNDING / SHARE)
    root: Array = np.sqrt(np.mean(shares * shares, axis=0))
    # Squares come to the end of floating point long before the numbers.
    return np.where(root > 0, root, np.abs(shares).max(axis=0))


def _known(values: Array) -> Array:
    """Infinite where there is no number."""
    return np.where(np.isnan(values), np.inf, values)


def _moved_passes(
    network: Network, x: Array, t: Array, rng: np.random.Generator
) -> Iterator[tuple[float, Array]]:
    """Loss and gradient with everything moved, again and again."""
    theta = network.theta.copy()
    try:
        for _ in range(SAMPLES):
            network.theta = moved(theta, rng)
            target = _moved_targets(network, t, rng)
            with _slopes_moved(network, rng), outputs_moved(network, rng):
                loss = network.loss(moved(x, rng), target)
                yield loss, network.backward_pass(target).vector.copy()
    finally:
        network.theta = theta


def moved(values: Array, rng: np.random.Generator) -> Array:
    """Each number multiplied by 1 and about `SHARE` more or less."""
    return values * (1 + SHARE * rng.normal(size=values.shape))


def _moved_targets(network: Network, t: Array, rng: np.random.Generator) -> Array:
    """Targets between 0 and 1, whose δ is the difference of two terms; others as they are."""
    if network.from_logits is None or t.dtype.kind != "f":
        return t
    return np.where((t > 0) & (t < 1), np.minimum(moved(t, rng), 1), t)


@contextmanager
def outputs_moved(network: Network, rng: np.random.Generator) -> Iterator[None]:
    """While this lasts, what each layer puts out is moved by a small share of itself."""
    with ExitStack() as stack:
        for layer in network.layers:
            _move_outputs(layer, rng)
            stack.callback(_leave_outputs, layer)
        yield


def _move_outputs(layer: Any, rng: np.random.Generator) -> None:
    forward_pass, evaluate = layer.forward_pass, layer.evaluate

    def moved_values(*arguments: Any, **options: Any) -> tuple[Array, Array]:
        """z, and the output moved."""
        z, y = evaluate(*arguments, **options)
        return z, moved(y, rng)

    layer.forward_pass = lambda x: moved(forward_pass(x), rng)
    layer.evaluate = moved_values


def _leave_outputs(layer: Any) -> None:
    del layer.forward_pass, layer.evaluate


@dataclass(frozen=True)
class _SlopeMoved(Activation):
    """An activation whose φ'(z) is moved by a small share of its terms."""

    own: Gated
    rng: np.random.Generator

    def value(self, z: Array, out: Array | None = None) -> Array:
        """As of its own."""
        return self.own.value(z, out)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """φ'(z) and a small share of its terms, up or down."""
        slope = self.own.derivative(z, out)
        slope += SHARE * self.rng.choice([-1.0, 1.0], z.shape) * self.own.slope_terms(z)
        return slope


@contextmanager
def _slopes_moved(network: Network, rng: np.random.Generator) -> Iterator[None]:
    """While this lasts, φ' is moved where its terms cancel: of `Gated` activations."""
    layers = [layer for layer in network.layers if isinstance(layer, Weighted)]
    own = [layer.activation for layer in layers]
    try:
        for layer, activation in zip(layers, own, strict=True):
            if isinstance(activation, Gated):
                layer.activation = _SlopeMoved(activation, rng)
        yield
    finally:
        for layer, activation in zip(layers, own, strict=True):
            layer.activation = activation


def terms(network: Network, t: Array) -> Array:
    """The magnitudes of the terms that each number of the gradient is the sum of, shape of θ.

    The backward pass with every number's magnitude in its place, after a forward pass.

    Args:
        network: after a forward pass.
        t: prepared targets of its cases.
    """
    return _terms(network, t, 0.0)[0]


def _terms(network: Network, t: Array, least: float) -> tuple[Array, float]:
    """The same where every number passed on and every slope is at least ``least``.

    Returns:
        The magnitudes, and the sum of all that was passed on.
    """
    sums, passed = Parameters(network.parameters.layout), 1.0
    penalty = np.abs(network.penalty_gradient())
    last = network.graph.order[-1]
    received = {last: np.abs(_from_loss(network, t))}
    for k in reversed(network.graph.order):
        if k not in received:  # before a layer that is not ours the measured spread alone counts
            continue
        layer, J = network.layers[k], received[k] + least
        passed += float(J.sum())
        is_delta = k == last and network.from_logits is not None
        J = J if is_delta else _by_slopes(layer, J, least)
        upstream = _through(layer, J, sums, least)
        if upstream is not None:
            for source, part in zip(network.graph.sources[k], layer.part(upstream), strict=True):
                received[source] = received[source] + part if source in received else part
    return sums.vector + penalty, passed


def _from_loss(network: Network, t: Array) -> Array:
    """∂L/∂y, or ∂L/∂z where that is what the backward pass starts from."""
    if network.from_logits is None:
        return network.loss_jacobian(t)
    return network.loss_delta(t)


def _by_slopes(layer: Layer, J: Array, least: float) -> Array:
    """The step through the function behind z; a recurrent layer takes its own with U."""
    if isinstance(layer, Softmax):
        return _through_softmax(layer, J)
    if isinstance(layer, Dense | Filtered):
        return np.abs(layer.jacobians()["a"].vjp(J)) + least * J
    return J


def _through(layer: Layer, J: Array, sums: Parameters, least: float) -> Array | None:
    """The step from z on, the parameters' sums filled in; None of a layer that is not known."""
    if isinstance(layer, Softmax):
        return J
    if isinstance(layer, Dense):
        J = J.reshape(-1, layer.size)
        sums[f"{layer.name}.W"] = np.abs(layer.x).T @ J
        if layer.bias:
            sums[f"{layer.name}.b"] = J.sum(axis=0)
        return (J @ np.abs(layer.W).T).reshape(-1, layer.inputs)
    if isinstance(layer, Recurrent):
        return _through_time(layer, J, sums, least)
    if isinstance(layer, Filtered):
        return _through_filters(layer, J, sums)
    if layer.adds_up:  # then the Jacobian holds nothing below 0
        return layer.jacobians()["x"].vjp(J)
    return None


def _through_softmax(layer: Softmax, J: Array) -> Array:
    assert layer.s is not None
    s = np.nan_to_num(layer.s).reshape(-1, layer.size)  # NaN is padding
    J = J.reshape(s.shape)
    return (s * (J + (s * J).sum(axis=1, keepdims=True))).reshape(layer.s.shape)


def _through_filters(layer: Filtered, J: Array, sums: Parameters) -> Array:
    local = layer.jacobians_at(np.abs(layer.x), np.abs(layer.W))
    upstream = local.pop("x")
    for name, jacobian in local.items():
        sums[f"{layer.name}.{name}"] = jacobian.vjp(J)
    return upstream.vjp(J)


def _through_time(layer: Recurrent, J: Array, sums: Parameters, least: float) -> Array:
    """The step through a recurrent layer; its parameters' sums are filled in."""
    passed: Any = layer.jacobians()["a"]
    size = np.abs(passed.slopes) + least
    J = ThroughTime(size, np.abs(layer.U), passed.last, passed.depth).deltas(J)
    found = {"W": np.abs(layer.x), "U": np.abs(layer.states[:-1]), "b": np.ones((*J.shape[:2], 1))}
    for name, by_step in found.items():
        if name in layer.shapes():
            total = np.tensordot(by_step, J, axes=((0, 1), (0, 1)))
            sums[f"{layer.name}.{name}"] = total.reshape(layer.shapes()[name])
    if layer.learns_start:
        sums[f"{layer.name}.h0"] = J[0].sum(axis=0) @ np.abs(layer.U).T
    return flat_rows(J @ np.abs(layer.W).T)

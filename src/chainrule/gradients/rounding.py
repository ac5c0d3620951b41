"""How far rounding alone moves a gradient: below that no two derivations need agree.

Where terms of a gradient nearly cancel, few digits of it are left, whoever computes it: in a
trained network, or with the mean absolute error, whose δ are ± 1 and add up to nothing. Two
things are measured: how large the terms are that were added up, and how far the gradient moves
when every input, every parameter and the terms of φ'(z) of gelu, silu and mish, which cancel where
it has its zero, are moved by a small share of themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.activations import Activation, Gated
from chainrule.layers import Dense, Layer, Recurrent, Softmax
from chainrule.layers.filtered import Filtered
from chainrule.layers.weighted import Weighted
from chainrule.network import Network
from chainrule.parameters import Array, Parameters
from chainrule.sequences.recurrent_jacobians import ThroughTime, flat_rows

SHARE = 2.0**-30
ROUNDING = 2.0**-53


def rounding(network: Network, x: Array, t: Array, *, rng: np.random.Generator) -> Array:
    """What one rounding of everything does to each number of the gradient, shape of θ.

    The network's own gradient is overwritten; θ is as before.

    Args:
        network: in float64.
        x: prepared inputs.
        t: prepared targets.
        rng: which way things are moved.
    """
    network.loss(x, t)
    added = ROUNDING * terms(network, t)
    theta = network.theta.copy()
    gradients = []
    try:
        for _ in range(4):
            network.theta = _moved(theta, rng)
            with _slopes_moved(network, rng):
                network.loss(_moved(x, rng), t)
                gradients.append(network.backward_pass(t).vector.copy())
    finally:
        network.theta = theta
    spread: Array = np.std(gradients, axis=0)
    return np.hypot(added, spread * (ROUNDING / SHARE))


def _moved(values: Array, rng: np.random.Generator) -> Array:
    """Each number multiplied by 1 ± `SHARE`."""
    return values * (1 + SHARE * rng.choice([-1.0, 1.0], values.shape))


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
    sums = Parameters(network.parameters.layout)
    penalty = np.abs(network.penalty_gradient())
    received = {network.wiring.order[-1]: np.abs(network.loss_jacobian(t))}
    for k in reversed(network.wiring.order):
        # Of what lies before a layer that is not known nothing can be told.
        J = _through(network.layers[k], received[k], sums) if k in received else None
        if J is not None:
            parts = network.layers[k].part(J)
            for source, part in zip(network.wiring.sources[k], parts, strict=True):
                received[source] = received[source] + part if source in received else part
    return sums.vector + penalty


def _through(layer: Layer, J: Array, sums: Parameters) -> Array | None:
    """The step through a layer, its parameters' sums filled in; None of one that is not known."""
    if isinstance(layer, Softmax):
        return _through_softmax(layer, J)
    if isinstance(layer, Dense):
        J = np.abs(layer.jacobians()["a"].vjp(J)).reshape(-1, layer.size)
        sums[f"{layer.name}.W"] = np.abs(layer.x).T @ J
        if layer.bias:
            sums[f"{layer.name}.b"] = J.sum(axis=0)
        return (J @ np.abs(layer.W).T).reshape(-1, layer.inputs)
    if isinstance(layer, Recurrent):
        return _through_time(layer, J, sums)
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
    J = np.abs(layer.jacobians()["a"].vjp(J))
    local = layer.jacobians_at(np.abs(layer.x), np.abs(layer.W))
    upstream = local.pop("x")
    for name, jacobian in local.items():
        sums[f"{layer.name}.{name}"] = jacobian.vjp(J)
    return upstream.vjp(J)


def _through_time(layer: Recurrent, J: Array, sums: Parameters) -> Array:
    """The step through a recurrent layer; its parameters' sums are filled in."""
    passed: Any = layer.jacobians()["a"]
    size = np.abs(passed.slopes)
    J = ThroughTime(size, np.abs(layer.U), passed.last, passed.depth).deltas(J)
    found = {"W": np.abs(layer.x), "U": np.abs(layer.states[:-1]), "b": np.ones((*J.shape[:2], 1))}
    for name, by_step in found.items():
        if name in layer.shapes():
            total = np.tensordot(by_step, J, axes=((0, 1), (0, 1)))
            sums[f"{layer.name}.{name}"] = total.reshape(layer.shapes()[name])
    if layer.learns_start:
        sums[f"{layer.name}.h0"] = J[0].sum(axis=0) @ np.abs(layer.U).T
    return flat_rows(J @ np.abs(layer.W).T)

"""How far rounding alone moves a gradient: derivations need not agree more closely than that.

Where the terms of a gradient nearly cancel, few of its digits are left, however it is computed.
This happens in a trained network, or with the mean absolute error, whose δ = ±1/n may add up to 0.
Two things are measured:

- The size of the terms that are added up.
- How far the gradient and the loss move when every input, parameter and layer output is changed
  by a small relative amount. The terms of φ'(z) of gelu, silu and mish, which cancel where φ' = 0,
  are changed too.

The rounding of a subnormal number is as large as that of the smallest normal number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.activations import Activation, Gated
from chainrule.nn.jacobians import Explicit, Jacobian
from chainrule.nn.layers.base import Layer
from chainrule.nn.network import Network
from chainrule.nn.parameters import Parameters

SHARE = 2.0**-40
"""The relative size of the random change of a number."""

ROUNDING = 2.0**-53
LEAST = float(np.finfo(float).tiny)
"""The smallest normal number."""

DENSE_MOST = 2**16
"""The most numbers of an explicit Jacobian that is built."""

SAMPLES = 8
"""How many times everything is changed at random."""


@dataclass(frozen=True)
class Rounding:
    """The effect of one rounding of every number; infinite where a pass gave NaN.

    Attributes:
        gradient: on each number of the gradient, shape of θ.
        flushed: the same in arithmetic that replaces numbers below the smallest normal one by 0,
            as some functions of other libraries do.
        loss: on the loss.
        passed: Σ |∂L/∂a| over the outputs a of all layers.
    """

    gradient: Array
    flushed: Array
    loss: float
    passed: float


def rounding(
    network: Network,
    x: Array,
    t: Array,
    weights: Array | None = None,
    *,
    rng: np.random.Generator,
) -> Rounding:
    """The effect of one rounding of every number at a batch.

    The network's own gradient is overwritten; θ is not changed.

    Args:
        network: in float64.
        x: prepared inputs.
        t: prepared targets.
        weights: prepared weights.
        rng: draws by how much each number is moved.
    """
    with np.errstate(all="ignore"):
        loss = network.loss(x, t, weights=weights)
        gradient = network.backward_pass(t, weights=weights).vector.copy()
        added, passed = terms(network, t, LEAST, weights)
        flushed, _ = terms(network, t, LEAST / ROUNDING, weights)
        losses, gradients = zip(*_moved_passes(network, x, t, weights, rng), strict=True)
        spread = _spread(np.array(gradients), gradient)
        return Rounding(
            _known(np.hypot(ROUNDING * added, spread) + ROUNDING * (2 * LEAST)),
            _known(np.hypot(ROUNDING * flushed, spread)),
            float(_known(np.hypot(ROUNDING * loss, _spread(np.array(losses), np.array(loss))))),
            float(_known(np.array(passed))),
        )


def _spread(moved: Array, still: Array) -> Array:
    """The change of values by one rounding, from their changes when all is moved by `SHARE`."""
    shares = (moved - still) * (ROUNDING / SHARE)
    root: Array = np.sqrt(np.mean(shares * shares, axis=0))
    # Squares underflow long before the numbers themselves.
    return np.where(root > 0, root, np.abs(shares).max(axis=0))


def _known(values: Array) -> Array:
    """The values with infinity in place of NaN."""
    return np.where(np.isnan(values), np.inf, values)


def _moved_passes(
    network: Network, x: Array, t: Array, weights: Array | None, rng: np.random.Generator
) -> Iterator[tuple[float, Array]]:
    """Loss and gradient with everything moved by `SHARE` at random, `SAMPLES` times."""
    theta = network.theta.copy()
    exact = any(layer.takes_class_numbers for layer in network.layers)
    try:
        for _ in range(SAMPLES):
            network.theta = moved(theta, rng)
            target = _moved_targets(network, t, rng)
            with _slopes_moved(network, rng), outputs_moved(network, rng):
                loss = network.loss(x if exact else moved(x, rng), target, weights=weights)
                yield loss, network.backward_pass(target, weights=weights).vector.copy()
    finally:
        network.theta = theta


def moved(values: Array, rng: np.random.Generator) -> Array:
    """Each number moved by about `SHARE` of itself."""
    return values * (1 + SHARE * rng.normal(size=values.shape))


def _moved_targets(network: Network, t: Array, rng: np.random.Generator) -> Array:
    """Targets with those between 0 and 1 moved, because their δ is the difference of two terms."""
    if network.from_logits is None or t.dtype.kind != "f":
        return t
    return np.where((t > 0) & (t < 1), np.minimum(moved(t, rng), 1), t)


@contextmanager
def outputs_moved(network: Network, rng: np.random.Generator) -> Iterator[None]:
    """Within this context, the output of each layer is changed at random by `moved`."""
    layers: list[Any] = list(network.layers)
    for layer in layers:
        _move_outputs(layer, rng)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward_pass, layer.evaluate  # the methods of the class take effect again


def _move_outputs(layer: Any, rng: np.random.Generator) -> None:
    forward_pass, evaluate = layer.forward_pass, layer.evaluate

    def moved_values(*arguments: Any, **options: Any) -> tuple[Array, Array]:
        """z and the moved output."""
        z, y = evaluate(*arguments, **options)
        return z, moved(y, rng)

    layer.forward_pass = lambda x: moved(forward_pass(x), rng)
    layer.evaluate = moved_values


@dataclass(frozen=True)
class _SlopeMoved(Activation):
    """An activation whose φ'(z) is moved by a small share of its terms."""

    own: Gated
    rng: np.random.Generator

    def value(self, z: Array, out: Array | None = None) -> Array:
        """φ(z), not moved."""
        return self.own.value(z, out)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """φ'(z), moved up or down by a small share of its terms."""
        slope = self.own.derivative(z, out)
        slope += SHARE * self.rng.choice([-1.0, 1.0], z.shape) * self.own.slope_terms(z)
        return slope


@contextmanager
def _slopes_moved(network: Network, rng: np.random.Generator) -> Iterator[None]:
    """Within this context, φ' of `Gated` activations, whose terms may cancel, is moved."""
    own = [(layer, getattr(layer, "activation", None)) for layer in network.layers]
    gated: list[tuple[Any, Gated]] = [(la, phi) for la, phi in own if isinstance(phi, Gated)]
    try:
        for layer, phi in gated:
            layer.activation = _SlopeMoved(phi, rng)
        yield
    finally:
        for layer, phi in gated:
            layer.activation = phi


def terms(
    network: Network, t: Array, least: float = 0.0, weights: Array | None = None
) -> tuple[Array, float]:
    """For each number of the gradient, the sum of the magnitudes of its terms.

    They are found by a backward pass with every number replaced by its magnitude.

    Args:
        network: after a forward pass.
        t: prepared targets of its cases.
        least: a lower bound for every slope; it is also added to every number passed on.
        weights: prepared weights of its cases.

    Returns:
        The sums, shape of θ, and the sum of all numbers passed on to layers.
    """
    sums, passed = Parameters(network.parameters.layout), 1.0
    last, from_logits = network.graph.order[-1], network.from_logits is not None
    derivative = network.loss_delta if from_logits else network.loss_jacobian
    start = derivative(t, weights)
    received = {last: np.abs(start)}
    for k in reversed(network.graph.order):
        if k not in received:  # its terms are unknown; only the measured spread counts
            continue
        layer, g = network.layers[k], received[k] + least
        passed += float(g.sum())
        for name, part in _through(layer, g, least, from_z=from_logits and k == last).items():
            if name in layer.shapes():
                sums[f"{layer.name}.{name}"] = part
                continue
            for source, J in zip(network.graph.sources[k], layer.part(part), strict=True):
                received[source] = received[source] + J if source in received else J
    return sums.vector + np.abs(network.penalty_gradient()), passed


def _through(layer: Layer, g: Array, least: float, *, from_z: bool) -> dict[str, Array]:
    """Sums of magnitudes for the gradients by x and each parameter; empty if they are unknown.

    ``g`` has those of the gradient by the layer's output, or by z if ``from_z``.
    """
    local = {
        name: _magnitudes(J, least, is_shared=name in layer.shapes())
        for name, J in layer.jacobians().items()
    }
    known = {name: back for name, back in local.items() if back is not None}
    if len(known) < len(local):
        return {}
    for name in ("a", "z"):  # ∂output/∂z of an activation or of a softmax
        by_z = known.pop(name, None)
        if by_z is not None and not from_z:
            g = by_z(g)
    return {name: back(g) for name, back in known.items()} if known else {"x": g}


def _magnitudes(
    jacobian: Jacobian, least: float, *, is_shared: bool
) -> Callable[[Array], Array] | None:
    """A function that multiplies g by the magnitudes of a Jacobian; None if these are unknown.

    A Jacobian that does not give its magnitudes is built as explicit matrices, unless they would
    be too large.

    Args:
        jacobian: of a layer.
        least: a lower bound for every slope.
        is_shared: whether it is with respect to a parameter, which all cases share.
    """
    known = jacobian.magnitudes(least)
    if known is not None:
        return known.vjp
    if prod(jacobian.dense_shape) > DENSE_MOST:
        return None
    values = np.abs(jacobian.dense())
    if is_shared or values.ndim == 4:  # four axes: the Jacobian couples the cases
        return lambda g: np.tensordot(g, values, 2)
    return Explicit(values).vjp

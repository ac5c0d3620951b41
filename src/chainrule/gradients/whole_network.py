"""A whole network's gradient at one batch, compared with other derivations of it.

The other derivations are numeric differentiation number by number, one random direction for each
array, and the gradients of other libraries. `findings.Comparison` decides whether a difference
counts. Where a first result does not agree, other steps that suit the number are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients.findings import DIGITS, ROUNDINGS, TOLERANCES, Comparison, Finding
from chainrule.gradients.kinks import crossed, moves
from chainrule.gradients.network_graph import graph_gradient
from chainrule.gradients.numeric import (
    COMPLEX_STEP,
    NUMERIC,
    along,
    central_difference,
)
from chainrule.gradients.rounding import LEAST, ROUNDING, Rounding, rounding
from chainrule.nn.layer_types import Layer
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment

STEP = 1e-3
"""The step of the first central difference."""

STEPS = 14
"""How many other steps are tried if the first fails, each a quarter of the one before."""

LARGEST_MOVE = 0.25
"""The largest of these steps moves each z by at most this, or this share of z if |z| > 1."""

SMALL_MOVE = 1e-9
"""The largest change of any z or output by the second complex step."""


@dataclass
class Point:
    """A network at a batch, with the gradient of its backward pass.

    Attributes:
        network: at the θ of the gradient.
        x: prepared inputs.
        t: prepared targets.
        weights: prepared weights of the cases, or None.
        gradient: of the backward pass, the shape of θ.
        loss: at θ.
        noise: the effect of rounding on gradient and loss at θ.
        near: masks of the numbers so near a kink that rounding decides their side, as
            `kinks.undecided` gives them.
        batch: the number of the batch, from 1.
        rng: the source of all random choices.
        theta: a copy of θ.
    """

    network: Network
    x: Array
    t: Array
    weights: Array | None
    gradient: Array
    loss: float
    noise: Rounding
    near: tuple[Array, ...]
    batch: int
    rng: np.random.Generator
    theta: Array = field(init=False)

    def __post_init__(self) -> None:
        self.theta = self.network.theta.copy()

    def f(self, theta: Array) -> Any:
        """The loss at any vector."""
        return self.network.loss(self.x, self.t, theta, self.weights)

    def crosses(self, i: int, reach: float) -> bool:
        """Whether moving one parameter by ± ``reach`` crosses a kink."""
        return crossed(self.network, self.x, self.t, reach * self.only(i))

    def is_at_kink(self, direction: Array) -> bool:
        """Whether the derivative along a direction depends on a side that rounding decides."""
        return moves(self.network, self.x, self.t, direction, self.near)

    def only(self, i: int) -> Array:
        """The unit vector of one parameter."""
        direction = np.zeros_like(self.theta)
        direction[i] = 1.0
        return direction

    def underflow(self, step: float) -> float:
        """The error of a complex step's derivative by underflow in the layers."""
        return ROUNDINGS * ROUNDING * (LEAST * self.noise.passed / step)


def by_coordinates(
    point: Point, method: str, chosen: Callable[[Segment], Array]
) -> Iterator[Finding]:
    """The findings of the method ``central`` or ``complex``, array by array.

    ``chosen`` gives the indices in θ of the numbers of an array that are compared.
    """
    for segment in point.network.parameters.layout.trained:
        at = chosen(segment)
        numeric = NUMERIC[method](point.f, point.theta, at=at)
        if method == "central":
            error, again = blur(abs(point.loss), point.noise.loss, STEP), _central_again
        else:
            error, again = point.underflow(COMPLEX_STEP), _complex_again
        found = _compared(point, method, at, numeric, error)
        for k in np.flatnonzero(~found.agree | found.unknown):
            again(point, found, int(k))
        yield found.finding(segment, method, point.batch)


def _central_again(point: Point, found: Comparison, k: int) -> None:
    """Try steps that suit the number; where they cross a kink, the number is left out."""
    i, network, rounding = int(found.at[k]), point.network, point.noise.loss
    least_blur = blur(abs(point.loss), rounding, _largest_step(network, point.x, i))
    if found.agree[k] and least_blur > DIGITS * float(found.size[k]):
        return  # at every step the rounding of the loss hides the derivative
    found.other[k], found.error[k], step = steadiest(point, i, rounding)
    if not found.agree[k]:
        found.kinks[k] = point.crosses(i, 2 * step) or point.is_at_kink(point.only(i))


def _complex_again(point: Point, found: Comparison, k: int) -> None:
    """Try a complex step that suits the number."""
    _along_again(point, found, k, point.only(int(found.at[k])))


def _along_again(point: Point, found: Comparison, k: int, direction: Array) -> None:
    """Try another complex step along a direction.

    Its result is taken if it agrees, or if underflow left no digits in that of the first step.
    """
    step = small_step(point.network, point.x, direction)
    again = float(along(point.f, point.theta, direction, step))
    had_no_digits, error = found.unknown[k] or step < COMPLEX_STEP, point.underflow(step)
    if found.try_again(k, again, error):
        return
    if had_no_digits:
        found.other[k], found.error[k] = again, error
    found.kinks[k] = not found.agree[k] and point.is_at_kink(direction)


def by_autograd(point: Point, method: str, gradient: Array) -> Iterator[Finding]:
    """The findings of a comparison with another library's whole gradient."""
    for segment in point.network.parameters.layout.trained:
        at = np.arange(segment.start, segment.stop)
        found = _compared(point, method, at, gradient[at], 0.0)
        for k in np.flatnonzero(~found.agree):
            found.kinks[k] = point.is_at_kink(point.only(int(at[k])))
        yield found.finding(segment, method, point.batch)


def by_projection(point: Point) -> Iterator[Finding]:
    """The findings of ⟨v, Jᵀu⟩ = ⟨Jv, u⟩ for J = ∂L/∂θ, u = 1 and v random over one array.

    J v is found by a complex step. An array takes one evaluation of the loss, whatever its size,
    and a second complex step where the first does not agree.
    """
    for segment in point.network.parameters.layout.trained:
        v = np.zeros_like(point.theta)
        v[segment.slice] = point.rng.normal(size=segment.stop - segment.start)
        own = v[segment.slice]
        products = own * point.gradient[segment.slice]
        moved = float(along(point.f, point.theta, v))
        found = Comparison(
            np.array([segment.start]),
            np.array([products.sum()]),
            np.array([moved]),
            np.array([np.abs(own * point.noise.gradient[segment.slice]).sum()]),
            np.array([point.underflow(COMPLEX_STEP)]),
            TOLERANCES["projection"],
            2 * np.array([np.abs(products).sum()]),
        )
        if not found.agree[0] or found.unknown[0]:
            _along_again(point, found, 0, v)
        yield found.finding(segment, "projection", point.batch)


def _compared(point: Point, method: str, at: Array, other: Array, error: float) -> Comparison:
    noise = point.noise.flushed if method in ("torch", "jax") else point.noise.gradient
    errors = np.full(len(at), error)
    return Comparison(at, point.gradient[at], other.copy(), noise[at], errors, TOLERANCES[method])


# Steps that suit one parameter. If an input is 1e8, a step in its weight moves z by 1e8 times the
# step: a step that is good for one parameter may be far too large or too small for another.


def steadiest(point: Point, i: int, rounding: float) -> tuple[float, float, float]:
    """The central difference for one parameter, with the step that agrees best with smaller ones.

    The rounding of the loss, divided by the step, is an error of each result: its `blur`. A larger
    step is trusted only if its result agrees within the errors with those of all smaller steps.

    Args:
        point: the network at θ and a batch.
        i: the index of the parameter in θ.
        rounding: the effect of one rounding of every number on the loss.

    Returns:
        The derivative, the largest error that it may have, and the step.
    """
    values: list[float] = []
    network, x = point.network, point.x

    def f(theta: Array) -> float:
        """The loss at any vector, which is added to ``values``."""
        values.append(float(point.f(theta)))
        return values[-1]

    best = (np.nan, np.inf, 0.0)
    found: list[tuple[float, float]] = []
    for step in sorted(_steps(network, x, i)):
        values.clear()
        value = float(central_difference(f, network.theta, step, np.array([i]))[0])
        own = blur(float(np.abs(values).max()), rounding, step)
        if not np.isfinite(value + own):
            continue
        if found:
            # The difference to the next smaller step shows the error of the formula, except for
            # what the rounding of the two values hides.
            error = abs(value - found[-1][0]) + found[-1][1] + own
            agrees = all(abs(value - v) <= error + b for v, b in found)
            if agrees and error < best[1]:
                best = (value, error, step)
        found.append((value, own))
    return best


def _steps(network: Network, x: Array, i: int) -> list[float]:
    """The steps to try, from the largest one down to the last digits of the parameter."""
    largest, least = _largest_step(network, x, i), 2.0**-44 * abs(float(network.theta[i]))
    return [largest / 4**k for k in range(STEPS) if largest / 4**k > least]


def _largest_step(network: Network, x: Array, i: int) -> float:
    """The step that moves some z or output by `LARGEST_MOVE`; if none moves, a share of θᵢ."""
    direction = np.zeros_like(network.theta)
    direction[i] = 1.0
    moves = [
        float((move / np.maximum(np.abs(values), 1)).max(initial=0.0))
        for values, move in _moves(network, x, direction)
    ]
    size = abs(float(network.theta[i])) or 1.0
    return LARGEST_MOVE / max(moves) if max(moves) else LARGEST_MOVE * size


def small_step(network: Network, x: Array, direction: Array) -> float:
    """The complex step whose largest move of a z or output is `SMALL_MOVE`.

    A smaller step would lose more of a small derivative by underflow.
    """
    move = max(float(m.max(initial=0.0)) for _, m in _moves(network, x, direction))
    return SMALL_MOVE / move if move else COMPLEX_STEP


def _moves(network: Network, x: Array, direction: Array) -> Iterator[tuple[Array, Array]]:
    """Every layer's z and output, with the magnitudes of their derivatives along a direction."""
    for _, _, z, y in network.walk(x, network.theta + 1j * COMPLEX_STEP * direction):
        for values in (z, y):
            known = values[~np.isnan(values.real)]
            yield known.real, np.abs(known.imag) / COMPLEX_STEP


def blur(loss: float, rounding: float, step: float) -> float:
    """The error of a difference quotient that comes from the rounding of the loss."""
    return 8 * (ROUNDING * loss + rounding) / step


# The gradient of truncated backpropagation through time is not the derivative of the loss. It is
# compared with its definition: the graph in which the state k steps before an output is constant.
# The other checks are made without truncation.


def truncating_layers(network: Network) -> list[Layer]:
    """The layers whose truncation is shorter than their sequences."""
    return [
        layer
        for layer in network.layers
        if layer.truncate is not None and layer.truncate < layer.input_shape[0]
    ]


@contextmanager
def untruncated(network: Network) -> Iterator[None]:
    """Within this context, no layer truncates its gradient."""
    layers = truncating_layers(network)
    depths = [layer.truncate for layer in layers]
    for layer in layers:
        layer.truncate = None
    try:
        yield
    finally:
        for layer, depth in zip(layers, depths, strict=True):
            layer.truncate = depth


def against_definition(
    network: Network, x: Array, t: Array, weights: Array | None, *, rng: np.random.Generator
) -> Iterator[Finding]:
    """Each array's truncated gradient, compared with that of the graph which defines it."""
    layers = truncating_layers(network)
    if not layers:
        return
    depths = ", ".join(f"{layer.name} after {layer.truncate}" for layer in layers)
    defined = graph_gradient(network, x, t, weights).vector
    network.loss(x, t)
    ours = network.backward_pass(t, weights=weights).vector.copy()
    noise = rounding(network, x, t, weights, rng=rng).gradient
    limit = TOLERANCES["complex"]
    for segment in network.parameters.layout.trained:
        at = np.arange(segment.start, segment.stop)
        found = Comparison(at, ours[at], defined[at], noise[at], np.zeros(len(at)), limit)
        what = f"∂L/∂{segment.name} cut off in {depths}"
        yield replace(found.finding(segment, "graph", 1), what=what)

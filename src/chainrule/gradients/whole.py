"""A whole network's gradient at one batch, compared with other derivations of it.

Each number is held to a share of its own size, or where that is less than what rounding or the
method's own error comes to, to so many of those. Where a method's own error leaves no digits, it
cannot judge, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients.findings import Finding, Verdict
from chainrule.gradients.kinks import crossed, moves
from chainrule.gradients.numeric import (
    COMPLEX_STEP,
    NUMERIC,
    along,
    complex_step,
    relative_error,
)
from chainrule.gradients.rounding import LEAST, ROUNDING, Rounding
from chainrule.gradients.steadiest import blur, is_hopeless, small_step, steadiest
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment

TOLERANCES = {
    "central": 1e-8,
    "complex": 1e-12,
    "projection": 1e-12,
    "torch": 1e-12,
    "jax": 1e-12,
}
"""The relative error that is still right, by method; rounding is allowed for besides."""

STEP = 1e-3
ROUNDINGS = 50.0
"""How many roundings a gradient may be off: there is one in every operation."""

DIGITS = 1e-4
"""A method whose own error is a larger share of a number cannot judge it."""


@dataclass
class Point:
    """A network at a batch, with the gradient of its backward pass.

    Attributes:
        network: at the θ of the gradient.
        x: prepared inputs.
        t: prepared targets.
        gradient: of the backward pass, the shape of θ.
        loss: at θ.
        noise: what rounding does there.
        near: the numbers whose side of a kink rounding decides, see `kinks.undecided`.
        batch: its number, from 1.
    """

    network: Network
    x: Array
    t: Array
    gradient: Array
    loss: float
    noise: Rounding
    near: tuple[Array, ...]
    batch: int
    theta: Array = field(init=False)

    def __post_init__(self) -> None:
        self.theta = self.network.theta.copy()

    def f(self, theta: Array) -> Any:
        """The loss at any vector."""
        return self.network.loss(self.x, self.t, theta)

    def crosses(self, i: int, reach: float) -> bool:
        """Whether moving one parameter by ± ``reach`` crosses a kink."""
        return crossed(self.network, self.x, self.t, reach * self.only(i))

    def is_at_kink(self, direction: Array) -> bool:
        """Whether the derivative along a direction depends on a side that rounding decides."""
        return moves(self.network, self.x, self.t, direction, self.near)

    def only(self, i: int) -> Array:
        """The direction in which one parameter moves."""
        direction = np.zeros_like(self.theta)
        direction[i] = 1.0
        return direction

    def underflow(self, step: float) -> float:
        """What a complex step loses below the smallest number, on its way through the layers."""
        return ROUNDINGS * ROUNDING * (LEAST * self.noise.passed / step)


@dataclass
class Comparison:
    """Numbers of one array, ours and another derivation's.

    Attributes:
        at: their places in θ.
        ours: of the backward pass.
        other: of the method.
        rounding: what one rounding of everything does to each.
        error: how far the method itself may be off.
        limit: the share of a number's size that is still right.
        terms: what the size of each is taken from; |ours| + |other| where it is left out.
        kinks: which of them are at a kink.
    """

    at: Array
    ours: Array
    other: Array
    rounding: Array
    error: Array
    limit: float
    terms: Array | None = None
    kinks: Array = field(init=False)

    def __post_init__(self) -> None:
        self.kinks = np.zeros(len(self.at), bool)

    @property
    def off(self) -> Array:
        """How far they are apart; nothing where both are the same infinity."""
        return np.where(self.ours == self.other, 0.0, np.abs(self.ours - self.other))

    @property
    def size(self) -> Array:
        """What a share is taken of."""
        return np.abs(self.ours) + np.abs(self.other) if self.terms is None else self.terms

    @property
    def slack(self) -> Array:
        """What rounding and the method's error come to."""
        return ROUNDINGS * self.rounding + self.error

    @property
    def agree(self) -> Array:
        """Which of them are as near as they should be."""
        return np.isfinite(self.off) & (self.off <= self.limit * self.size + self.slack)

    @property
    def unknown(self) -> Array:
        """Of which nothing can be said: the method has no digits, or no number at all.

        A NaN of ours is wrong, never unknown: the loss is finite there.
        """
        known = DIGITS * self.size + ROUNDINGS * self.rounding
        blurred = (self.off > 0) & ~(self.error <= known)
        lost = np.isfinite(self.ours) & ~np.isfinite(self.other)
        return (self.agree & blurred) | lost | (np.isinf(self.rounding) & ~np.isnan(self.ours))

    @property
    def relative(self) -> Array:
        """Which of them agree to a share of their size, and not only to roundings or an error."""
        return self.agree & ((self.slack <= self.limit * self.size) | (self.off == 0))

    def try_again(self, k: int, other: float, error: float) -> bool:
        """Take another result of the method for one number if that agrees.

        Args:
            k: which of the numbers.
            other: the result.
            error: how far it may be off.
        """
        before = self.other[k], self.error[k]
        self.other[k], self.error[k] = other, error
        if self.agree[k] and not self.unknown[k]:
            return True
        self.other[k], self.error[k] = before
        return False


def by_coordinates(
    point: Point, method: str, chosen: Callable[[Segment], Array]
) -> Iterator[Finding]:
    """The findings of ``central`` or ``complex``, parameter by parameter.

    Args:
        point: where.
        method: ``central`` or ``complex``.
        chosen: which numbers of θ to compare for an array.
    """
    for segment in point.network.parameters.layout:
        at = chosen(segment)
        numeric = NUMERIC[method](point.f, point.theta, at=at)
        if method == "central":
            error = np.full(len(at), blur(abs(point.loss), point.noise.loss, STEP))
        else:
            error = np.full(len(at), point.underflow(COMPLEX_STEP))
        found = _compared(point, method, at, numeric, error)
        for k in np.flatnonzero(~found.agree | found.unknown):
            (_central if method == "central" else _complex)(point, found, int(k))
        yield finding_of(segment, method, point.batch, found)


def _central(point: Point, found: Comparison, k: int) -> None:
    """Look again with steps that suit the number; where one crosses a kink, it is left out."""
    i, network, loss = int(found.at[k]), point.network, point.noise.loss
    needed = DIGITS * float(found.size[k])
    if found.agree[k] and is_hopeless(network, point.x, i, point.loss, loss, needed):
        return
    found.other[k], found.error[k], step = steadiest(network, point.x, point.t, i, loss)
    if not found.agree[k]:
        found.kinks[k] = point.crosses(i, 2 * step) or point.is_at_kink(point.only(i))


def _complex(point: Point, found: Comparison, k: int) -> None:
    """Look again with a step that suits the number."""
    one, direction = found.at[k : k + 1], point.only(int(found.at[k]))
    step = small_step(point.network, point.x, direction)
    again = float(complex_step(point.f, point.theta, one, step)[0])
    _again(point, found, k, direction, again, step)


def _again(
    point: Point, found: Comparison, k: int, direction: Array, again: float, step: float
) -> None:
    """Take another complex step's result where it agrees, or where the first said nothing."""
    said_nothing, error = found.unknown[k] or step < COMPLEX_STEP, point.underflow(step)
    if found.try_again(k, again, error):
        return
    if said_nothing:
        found.other[k], found.error[k] = again, error
    found.kinks[k] = not found.agree[k] and point.is_at_kink(direction)


def by_autograd(point: Point, method: str, gradient: Array) -> Iterator[Finding]:
    """The findings of a comparison with another library's whole gradient."""
    for segment in point.network.parameters.layout:
        at = np.arange(segment.start, segment.stop)
        found = _compared(point, method, at, gradient[at], np.zeros(len(at)))
        for k in np.flatnonzero(~found.agree):
            found.kinks[k] = point.is_at_kink(point.only(int(at[k])))
        yield finding_of(segment, method, point.batch, found)


def by_projection(point: Point, *, rng: np.random.Generator) -> Iterator[Finding]:
    """⟨v, Jᵀu⟩ = ⟨Jv, u⟩ for J = ∂L/∂θ, u = 1 and v random over one array; J v is complex.

    Two evaluations an array, however large it is.
    """
    for segment in point.network.parameters.layout:
        v = np.zeros_like(point.theta)
        v[segment.slice] = rng.normal(size=segment.stop - segment.start)
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
            step = small_step(point.network, point.x, v)
            _again(point, found, 0, v, float(along(point.f, point.theta, v, step)), step)
        yield finding_of(segment, "projection", point.batch, found)


def _compared(point: Point, method: str, at: Array, other: Array, error: Array) -> Comparison:
    of_library = method in ("torch", "jax")
    rounding = point.noise.flushed if of_library else point.noise.gradient
    limit = TOLERANCES[method]
    return Comparison(at, point.gradient[at], other.copy(), rounding[at], error, limit)


def finding_of(segment: Segment, method: str, batch: int, found: Comparison) -> Finding:
    """What a comparison of an array comes to.

    Args:
        segment: the array.
        method: of the other derivation.
        batch: its number, from 1.
        found: its numbers, or their sum along a direction.
    """
    known = ~found.kinks & ~found.unknown
    wrong, relative = known & ~found.agree, known & found.relative
    rounded = known & found.agree & ~relative & (ROUNDINGS * found.rounding >= found.error)
    verdict, worst = Verdict.RIGHT, None
    if wrong.any():
        verdict, relative = Verdict.WRONG, wrong
        furthest = int(np.where(wrong, found.off / found.slack, 0.0).argmax())
        worst = _place(segment, int(found.at[furthest])) if method != "projection" else None
    elif found.kinks.any():
        verdict = Verdict.KINK
    elif found.unknown.any() and not (known & (found.size > 0)).any():
        verdict = Verdict.UNJUDGED
    count = segment.stop - segment.start
    return Finding(
        segment.layer,
        segment.name,
        method,
        batch,
        _error(found, relative),
        verdict,
        count if method == "projection" else len(found.at),
        count,
        int(found.kinks.sum()) if method != "projection" else 0,
        worst,
        compared=int(relative.sum()),
        roundings=float((found.off[rounded] / found.rounding[rounded]).max(initial=0.0)),
    )


def _error(found: Comparison, these: Array) -> float:
    """The relative error of some of the numbers."""
    if found.terms is not None:
        return float((found.off[these] / found.terms[these]).max(initial=0.0))
    return relative_error(found.ours[these], found.other[these])


def _place(segment: Segment, number: int) -> tuple[int, ...]:
    """The index in its array of a number of θ."""
    return tuple(int(i) for i in np.unravel_index(number - segment.start, segment.shape))

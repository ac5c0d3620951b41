"""A whole network's gradient at one batch, compared with other derivations of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.gradients.findings import Finding, Verdict
from chainrule.gradients.kinks import crossed
from chainrule.gradients.numeric import NUMERIC, along, central_difference, relative_error
from chainrule.gradients.rounding import ROUNDING
from chainrule.network import Network
from chainrule.parameters import Array, Segment

TOLERANCES = {
    "central": 1e-8,
    "complex": 1e-12,
    "projection": 1e-12,
    "torch": 1e-12,
    "jax": 1e-12,
}
"""The relative error that is still right, by method; rounding is allowed for besides."""

STEP = 1e-3
NEAR = 1e-9
ROUNDINGS = 50.0
"""How many roundings a gradient may be off: there is one in every operation."""


@dataclass
class Point:
    """A network at a batch, with the gradient of its backward pass.

    Attributes:
        network: at the θ of the gradient.
        x: prepared inputs.
        t: prepared targets.
        gradient: of the backward pass, the shape of θ.
        loss: at θ.
        noise: what rounding does to each number of the gradient, see `rounding`.
        batch: its number, from 1.
    """

    network: Network
    x: Array
    t: Array
    gradient: Array
    loss: float
    noise: Array
    batch: int
    theta: Array = field(init=False)

    def __post_init__(self) -> None:
        self.theta = self.network.theta.copy()

    def f(self, theta: Array) -> Any:
        """The loss at any vector."""
        return self.network.loss(self.x, self.t, theta)

    def crosses(self, i: int, reach: float) -> bool:
        """Whether moving one parameter by ± ``reach`` crosses a kink."""
        direction = np.zeros_like(self.theta)
        direction[i] = reach
        return crossed(self.network, self.x, self.t, direction)


def by_coordinates(
    point: Point, method: str, chosen: Callable[[Segment], Array]
) -> Iterator[Finding]:
    """The findings of ``central`` or ``complex``, parameter by parameter.

    Args:
        point: where.
        method: ``central`` or ``complex``.
        chosen: which numbers of θ to compare for an array.
    """
    differentiate = NUMERIC[method]
    for segment in point.network.parameters.layout:
        at = chosen(segment)
        numeric = differentiate(point.f, point.theta, at=at)
        yield judged(point, segment, method, at, numeric)


def by_autograd(point: Point, method: str, gradient: Array) -> Iterator[Finding]:
    """The findings of a comparison with another library's whole gradient."""
    for segment in point.network.parameters.layout:
        at = np.arange(segment.start, segment.stop)
        yield judged(point, segment, method, at, gradient[at])


def by_projection(point: Point, *, rng: np.random.Generator) -> Iterator[Finding]:
    """⟨v, Jᵀu⟩ = ⟨Jv, u⟩ for J = ∂L/∂θ, u = 1 and v random over one array; J v is complex.

    Two evaluations an array, however large it is.
    """
    for segment in point.network.parameters.layout:
        v = np.zeros_like(point.theta)
        v[segment.slice] = rng.normal(size=segment.stop - segment.start)
        products = v[segment.slice] * point.gradient[segment.slice]
        off = abs(products.sum() - float(along(point.f, point.theta, v)))
        size = 2 * float(np.linalg.norm(products))
        noise = ROUNDINGS * float(np.linalg.norm(v[segment.slice] * point.noise[segment.slice]))
        verdict = Verdict.RIGHT
        if off > TOLERANCES["projection"] * size + noise:
            at_kink = crossed(point.network, point.x, point.t, NEAR * v)
            verdict = Verdict.KINK if at_kink else Verdict.WRONG
        yield Finding(
            segment.layer,
            segment.name,
            "projection",
            point.batch,
            off / size if size and verdict is not Verdict.KINK else float(off > 0 == size),
            verdict,
            len(products),
            len(products),
        )


def judged(point: Point, segment: Segment, method: str, at: Array, numeric: Array) -> Finding:
    """One array: where the two differ, a kink or the method's own error is looked for first."""
    ours = point.gradient[at]
    limit = TOLERANCES[method]
    slack = ROUNDINGS * point.noise[at]
    reach = np.full(len(at), NEAR)
    if method == "central":
        slack = slack + _blur(point.loss, STEP)
        reach[:] = 2 * STEP
    numeric = numeric.copy()
    share = limit * float(np.linalg.norm(ours) + np.linalg.norm(numeric)) / np.sqrt(len(at))
    suspects = np.flatnonzero(~(np.abs(ours - numeric) <= share + slack))
    kinks = np.zeros(len(at), bool)
    for k in suspects:
        if method == "central":
            numeric[k], error, step = _steadiest(point.f, point.theta, int(at[k]), point.loss)
            slack[k], reach[k] = slack[k] + error, 2 * step
        kinks[k] = point.crosses(int(at[k]), reach[k])
    return _finding(point, segment, method, at, (ours, numeric, slack), kinks)


def _finding(
    point: Point,
    segment: Segment,
    method: str,
    at: Array,
    compared: tuple[Array, Array, Array],
    kinks: Array,
) -> Finding:
    ours, numeric, slack = (values[~kinks] for values in compared)
    off = np.abs(ours - numeric)
    size = float(np.linalg.norm(ours) + np.linalg.norm(numeric))
    allowed = TOLERANCES[method] * size + float(np.linalg.norm(slack))
    verdict = Verdict.KINK if kinks.any() else Verdict.RIGHT
    worst = None
    if not float(np.linalg.norm(off)) <= allowed:
        verdict = Verdict.WRONG
        flat = int(at[~kinks][off.argmax()]) - segment.start
        worst = tuple(int(i) for i in np.unravel_index(flat, segment.shape))
    return Finding(
        segment.layer,
        segment.name,
        method,
        point.batch,
        relative_error(ours, numeric),
        verdict,
        len(at),
        segment.stop - segment.start,
        int(kinks.sum()),
        worst,
    )


def _blur(loss: float, step: float) -> float:
    """What the rounding of the loss becomes when it is divided by a step."""
    return 8 * ROUNDING * max(abs(loss), 1e-300) / step


def _steadiest(f: Callable[[Array], Any], theta: Array, i: int, loss: float) -> Any:
    """The central difference where it changes least from one step to a smaller one.

    Large inputs or a kink nearby may ask for smaller steps than the usual one.

    Returns:
        The derivative by number i, its error, and its step.
    """
    steps = [STEP / 4**k for k in range(7)]
    found = [float(central_difference(f, theta, step, np.array([i]))[0]) for step in steps]
    changes = [
        abs(found[k + 1] - found[k]) + _blur(loss, steps[k + 1]) for k in range(len(steps) - 1)
    ]
    best = int(np.argmin(changes))
    return found[best + 1], changes[best], steps[best + 1]

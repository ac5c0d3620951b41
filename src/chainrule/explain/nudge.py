"""One weight nudged by hand: how the loss changes, beside what the gradient says.

The gradient is the slope of L at the weight w, so a small step ε changes L by about ∂L/∂w · ε. The
check needs nothing of the chain rule: it runs the network forwards twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.naming import upper
from chainrule.explain.paths import number_in_theta, place_of
from chainrule.nn.kinks import distances
from chainrule.nn.network import Network

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-1, 1.0)
"""The ε that are tried, in this order: the larger ones only where L hardly changes."""

DIGITS = 3
"""ΔL and ∂L/∂w · ε are shown with so many significant digits."""

AGREEMENT = 0.005
"""How far ΔL may be from ∂L/∂w · ε, as a share of it, for an ε to be taken."""

STRAIGHT = 1e-6
"""With a smaller share of difference, L is called a straight line."""


@dataclass(frozen=True)
class Nudge:
    """What a small step of one weight does to the loss.

    Attributes:
        weight: the parameter's full name, such as ``dense_1.W``.
        index: the place of the weight in it.
        value: the weight.
        epsilon: ε, by which it is moved.
        before: L at the weight.
        after: L at the weight + ε.
        gradient: ∂L/∂w.
        kinks: those that the step crosses or begins at, such as ``z of dense_1 at 0``.
        sides: ΔL/ε for a tiny ε to the left and to the right of w, if there are kinks; else None.
        truncated: the layers whose gradient goes back through fewer steps than there are.
        nearer: the share by which the two differ for a tenth of ε; None if it was not measured.
    """

    weight: str
    index: tuple[int, ...]
    value: float
    epsilon: float
    before: float
    after: float
    gradient: float
    kinks: tuple[str, ...] = ()
    sides: tuple[float, float] | None = None
    truncated: tuple[str, ...] = ()
    nearer: float | None = None

    @property
    def change(self) -> float:
        """ΔL, how much L changed."""
        return self.after - self.before

    @property
    def predicted(self) -> float:
        """∂L/∂w · ε, how much it should have changed."""
        return self.gradient * self.epsilon

    @property
    def difference(self) -> float:
        """How far ΔL is from ∂L/∂w · ε, as a share of it; infinite if the gradient alone is 0."""
        off = abs(self.change - self.predicted)
        if self.predicted == 0:
            return 0.0 if off == 0 else float("inf")
        return off / abs(self.predicted)

    @property
    def is_rounding(self) -> bool:
        """Whether ΔL is so small beside L that its digits are rounding errors."""
        least = 10**DIGITS * np.finfo(float).eps * max(abs(self.before), abs(self.after))
        return bool(abs(self.change) < least and abs(self.predicted) < least)

    def __str__(self) -> str:
        return f"ΔL = {_padded(self.change)}, gradient × ε = {_padded(self.predicted)}"

    @property
    def agrees(self) -> bool:
        """Whether the two agree to the digits shown, and L has no kink between."""
        if self.kinks or (self.is_rounding and self.predicted != 0):
            return False
        return self.predicted == 0 or self.difference <= AGREEMENT

    @property
    def why(self) -> str:
        """Why the two differ, or that they agree: a sentence or two."""
        if self.kinks:
            return self._at_a_kink()
        if self.truncated and not self.agrees:
            return (
                "They do not agree, and need not: the gradient goes back through time for some "
                f"steps only (the key truncate of {' and '.join(self.truncated)}), and leaves out "
                "the paths through more steps, which do move L."
            )
        if self.predicted == 0:
            return self._without_gradient()
        if self.is_rounding:
            return (
                "Both are so small beside L that ΔL shows only in the last digits of L, which "
                "are rounded."
            )
        if self.difference < STRAIGHT:
            return "They agree: from w to w + ε, L is a straight line to the digits shown."
        tenth = "" if self.nearer is None else f", with a tenth of ε by {_percent(self.nearer)}"
        return (
            f"They differ by {_percent(self.difference)}{tenth}: the gradient is the slope of "
            "L at w itself, and on the way to w + ε the slope changes a little."
        )

    def _without_gradient(self) -> str:
        if self.change == 0:
            return "The gradient is 0, and L does not change at all: no path leads from w to L."
        return (
            "The gradient is 0: at w itself L is level. What shows is how L bends, which grows "
            "with the square of ε."
        )

    def _at_a_kink(self) -> str:
        where = " and ".join(self.kinks)
        left, right = self.sides or (self.gradient, self.gradient)
        return (
            f"L has a kink here ({where}), where its slope jumps: just to the left of w it is "
            f"{_number(left)}, just to the right {_number(right)}. The gradient, "
            f"{_number(self.gradient)}, is what the library takes at a kink by convention, and "
            "ΔL need not agree with it."
        )


def _padded(value: float) -> str:
    """The number with all its digits, also where the last ones are 0."""
    mantissa, _, exponent = f"{value:#.{DIGITS}g}".partition("e") if value else ("0", "", "")
    power = f"·10{upper(int(exponent))}" if exponent else ""
    return mantissa.rstrip(".").replace("-", "−") + power


def _percent(share: float) -> str:
    return f"{100 * share:.2g}\N{NO-BREAK SPACE}%"


def _number(value: float) -> str:
    return _padded(value)


def nudged(
    network: Network, x: Any, t: Any, weight: str, index: Sequence[int], *, weights: Any = None
) -> Nudge:
    """Move one weight by a small ε, and compare ΔL with the gradient.

    Both forward passes see the same cases, and in training mode the same random numbers: the same
    masks of dropout, and the same minibatch in batch normalisation. ε is the first of `STEPS` for
    which the two agree to the digits shown and no kink lies between; if there is none, the one
    with the best agreement.

    Args:
        network: any network; its parameters are not changed. It is run in the mode that it is in.
        x: inputs, (cases, input).
        t: their targets.
        weight: the full name of a parameter.
        index: the place of the weight in it.
        weights: of the cases, as `Network.loss` takes them.

    Raises:
        ShapeError: x or t do not fit, or there is no such place.
        UnknownNameError: there is no such parameter.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(1, "linear")], input=1, loss="mse")
        >>> network.layers[0].W = [[1.0]]
        >>> nudge = nudged(network, [[1.0]], [[3.0]], "dense_1.W", (0, 0))
        >>> print(nudge, "with ε =", nudge.epsilon)
        ΔL = −0.0399, gradient × ε = −0.0400 with ε = 0.01
    """
    x, t = network.prepare(x, t)
    trial = _Trial(network, (x, t, weights), weight, place_of(network, weight, index))
    tried: list[Nudge] = []
    for epsilon in STEPS:
        tried.append(trial.at(epsilon))
        if tried[-1].agrees:
            return trial.with_remarks(tried[-1])
    if trial.truncated:
        return trial.with_remarks(tried[1])
    return trial.with_remarks(min(tried, key=lambda one: (one.is_rounding, one.difference)))


class _Trial:
    """The loss as a function of one weight."""

    def __init__(
        self,
        network: Network,
        cases: tuple[Array, Array, Any],
        weight: str,
        place: tuple[int, ...],
    ) -> None:
        self.network, self.weight, self.place = network, weight, place
        self.x, self.t, self.weights = cases
        self.truncated = tuple(
            layer.name
            for layer in network.layers
            if layer.truncate is not None and layer.truncate < layer.input_shape[0]
        )
        self.number = number_in_theta(network, weight, place)
        with network.lock:
            network.loss(self.x, self.t, weights=self.weights)
            gradients = network.backward_pass(self.t, weights=self.weights)
            self.gradient = float(gradients.vector[self.number])
        self.theta = network.theta.astype(float)  # float32 has too few digits for a difference
        self.before = self._loss(self.theta)

    def _loss(self, theta: Array) -> float:
        return float(self.network.loss(self.x, self.t, theta=theta, weights=self.weights))

    def _moved(self, epsilon: float) -> Array:
        theta = self.theta.copy()
        theta[self.number] += epsilon
        return theta

    def at(self, epsilon: float) -> Nudge:
        """The weight moved by ε."""
        theta = self._moved(epsilon)
        value, after = float(self.theta[self.number]), self._loss(theta)
        kinks = tuple(_crossed(self.network, self.x, self.t, self.theta, theta))
        place = (self.weight, self.place, value, epsilon, self.before, after, self.gradient)
        return Nudge(*place, kinks, truncated=self.truncated)

    def with_remarks(self, nudge: Nudge) -> Nudge:
        """The nudge with what is said about a kink, or about a smaller ε."""
        if nudge.kinks:
            tiny = min(STEPS)
            left, right = (
                (self._loss(self._moved(step)) - self.before) / step for step in (-tiny, tiny)
            )
            return replace(nudge, sides=(left, right))
        if nudge.predicted == 0 or not nudge.agrees:
            return nudge
        nearer = self.at(nudge.epsilon / 10)
        return nudge if nearer.is_rounding else replace(nudge, nearer=nearer.difference)


def _crossed(network: Network, x: Array, t: Array, here: Array, there: Array) -> Iterator[str]:
    """The kinks on whose other side a step from ``here`` to ``there`` ends."""
    pairs = zip(
        distances(network, x, t, here, bends=False),
        distances(network, x, t, there, bends=False),
        strict=True,
    )
    for (name, before), (_, after) in pairs:
        moved = np.sign(before) != np.sign(after)
        if (moved & ~np.isnan(before)).any():
            yield name

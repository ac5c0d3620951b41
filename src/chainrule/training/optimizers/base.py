"""The base class of the optimisers, and clipping of the gradient that they step by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite, sqrt
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import Problem
from chainrule.core.registry import Entry

Rates = Sequence[tuple[slice, float]]


@dataclass
class Optimizer(Entry):
    """An update rule with its state.

    A rule that treats every parameter by itself overrides `_update`.

    Attributes:
        default_rate: the learning rate if the network has none.
        has_rate: whether the learning rate has a meaning for the rule.
        state_names: the names of the vectors that the rule keeps between steps.
        state: these vectors, by name; rows of one array.
        steps: how many steps were taken.
        rates: slices of θ with their learning rates, as passed to `bind`.
        scale: the factor by which every learning rate is multiplied; a schedule sets it.
        ending: why no further step would change θ, as a sentence; None while steps do.
    """

    default_rate: ClassVar[float] = 0.1
    has_rate: ClassVar[bool] = True
    takes_all_cases: ClassVar[bool] = False
    state_names: ClassVar[tuple[str, ...]] = ()

    state: dict[str, Array] = field(default_factory=dict, init=False, repr=False)
    steps: int = field(default=0, init=False, repr=False)
    rates: Rates = field(default=(), init=False, repr=False)
    scale: float = field(default=1.0, init=False, repr=False)
    ending: str | None = field(default=None, init=False, repr=False)

    def bind(
        self, theta: Array, gradient: Array, rates: Rates, biases: Sequence[slice] = ()
    ) -> None:
        """Prepare to update ``theta``, with the state at its start and no steps taken.

        Args:
            theta: the parameter vector, changed in place by ``step``.
            gradient: the vector from which each step reads the gradient.
            rates: slices of θ with their learning rates, in order; parameters outside of them are
                not trained.
            biases: the slices of θ that a decay of the weights may spare, in order: biases, and
                the parameters of normalisations.
        """
        self.steps = 0
        self.rates = tuple(rates)
        block = np.zeros((len(self.state_names), len(theta)), theta.dtype)
        self.state = dict(zip(self.state_names, block, strict=True))
        scratch = np.empty_like(theta)
        vectors = {"theta": theta, "gradient": gradient, "scratch": scratch, **self.state}
        self._slices = [
            ({name: vector[part] for name, vector in vectors.items()}, rate)
            for part, rate in self.rates
        ]

    def problems(self, trainer: Any) -> Iterator[Problem]:
        """What the optimiser cannot work with, and what to write instead.

        Args:
            trainer: a `chainrule.training.Trainer` with its network, cases, settings and schedule.
        """
        yield from ()

    def step(self) -> None:
        """Update θ once, with the present content of the gradient vector."""
        self.steps += 1
        for vectors, rate in self._slices:
            self._update(rate * self.scale, **vectors)

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        """Update a slice of θ, whose parameters all have the same learning rate."""
        raise NotImplementedError(f"{type(self).__name__} has no rule for a single parameter")

    def close(self) -> None:
        """End what the optimiser keeps running between two steps; a later step starts it again."""


def without(parts: Rates, spared: Sequence[slice], size: int) -> Rates:
    """The slices without those that are spared, with the same rates.

    Args:
        parts: slices with their rates, in order.
        spared: the slices to leave out, in order.
        size: the length of the vector.

    Example:
        >>> without([(slice(0, 9), 0.1)], [slice(2, 4)], 9)
        [(slice(0, 2, None), 0.1), (slice(4, 9, None), 0.1)]
    """
    found = []
    for part, rate in parts:
        start, stop, _ = part.indices(size)
        for other in spared:
            if start < other.stop and other.start < stop:
                found.append((slice(start, max(start, other.start)), rate))
                start = other.stop
        found.append((slice(start, stop), rate))
    return [(part, rate) for part, rate in found if part.start < part.stop]


# Clipping the gradient by its norm.


def norm(gradient: Array) -> float:
    """‖g‖₂ over all parameters, without overflow or underflow of the squares.

    Example:
        >>> norm(np.array([3.0, 4.0])), norm(np.array([0.0, -2e300]))
        (5.0, 2e+300)
    """
    with np.errstate(over="ignore"):
        square = float(np.dot(gradient, gradient))
    if isfinite(square) and square > 1e-280:
        return sqrt(square)
    largest = float(np.abs(gradient).max(initial=0))
    if largest == 0 or not isfinite(largest):
        return largest
    scaled = gradient.astype(np.float64) / largest
    return largest * sqrt(float(np.dot(scaled, scaled)))


def clip_norm(gradient: Array, most: float) -> float:
    """Scale the gradient in place so that its norm is at most c: g ← g · min(1, c / ‖g‖).

    The norm is that of the whole gradient vector, penalty included, not of each array by itself.
    `torch.nn.utils.clip_grad_norm_` does the same if the penalty is part of the loss, except that
    it divides by ‖g‖ + 1e-6, so that its result is slightly shorter than c.

    Source: Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*
    (2013), algorithm 1.

    Args:
        gradient: the gradient of all parameters, finite.
        most: c, above 0.

    Returns:
        ‖g‖ before clipping.

    Example:
        >>> g = np.array([3.0, 4.0])
        >>> clip_norm(g, 10.0), clip_norm(g, 1.0), g
        (5.0, 5.0, array([0.6, 0.8]))
    """
    found = norm(gradient)
    if found > most:
        gradient *= most / found
    return found

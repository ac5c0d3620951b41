r"""Learning-rate schedules: the factor on every learning rate in each epoch.

A private rate of a layer is scaled like the network's, so that their ratio stays. With e the
epoch, counted from 1, and E the number of epochs:

================  ==================================================
name              factor
================  ==================================================
``constant``      1
``exponential``   decayᵉ⁻¹
``inverse``       1 / (1 + decay · (e − 1))
``step``          byᵏ, k = ⌊(e − 1) / every⌋
``cosine``        final + (1 − final) · ½ (1 + cos(π (e − 1) / E))
================  ==================================================

The factor depends on the epoch alone: a training that goes on from a checkpoint has the rates
it would have had.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi
from typing import Any

from chainrule.core.arguments import is_finite
from chainrule.core.errors import ConfigError
from chainrule.core.registry import from_table


class Schedule(ABC):
    """How the learning rates change from epoch to epoch."""

    @abstractmethod
    def factor(self, epoch: int, epochs: int) -> float:
        """The factor on every learning rate.

        Args:
            epoch: counted from 1.
            epochs: how many there will be, at least ``epoch``.
        """


def _at_least_0(name: str, value: float, most: float | None = None) -> None:
    if not (is_finite(value) and value >= 0 and (most is None or value <= most)):
        bound = "finite and at least 0" if most is None else f"from 0 to {most:g}"
        raise ConfigError(f"{name} must be {bound}, found {value!r}")


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rates in every epoch."""

    def factor(self, epoch: int, epochs: int) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True)
class Exponential(Schedule):
    """Each epoch's rates are those of the epoch before times ``decay``.

    Attributes:
        decay: from 0 to 1.

    Example:
        >>> [round(Exponential(0.5).factor(epoch, 3), 3) for epoch in (1, 2, 3)]
        [1.0, 0.5, 0.25]
    """

    decay: float = 0.95

    def __post_init__(self) -> None:
        _at_least_0("decay", self.decay, 1.0)

    def factor(self, epoch: int, epochs: int) -> float:
        """``decay`` to the power of the epochs before."""
        return self.decay ** (epoch - 1)


@dataclass(frozen=True)
class Inverse(Schedule):
    """Rates that fall as one over the number of epochs.

    Source: Robbins and Monro, *A stochastic approximation method* (1951), whose conditions a
    rate of this form meets.

    Attributes:
        decay: at least 0.
    """

    decay: float = 0.1

    def __post_init__(self) -> None:
        _at_least_0("decay", self.decay)

    def factor(self, epoch: int, epochs: int) -> float:
        """One over one plus ``decay`` times the epochs before."""
        return 1.0 / (1.0 + self.decay * (epoch - 1))


@dataclass(frozen=True)
class Step(Schedule):
    """After every so many epochs the rates are multiplied by ``by``.

    Attributes:
        every: a whole number of epochs, at least 1.
        by: from 0 to 1.

    Example:
        >>> [Step(every=2, by=0.1).factor(epoch, 4) for epoch in (1, 2, 3, 4)]
        [1.0, 1.0, 0.1, 0.1]
    """

    every: float = 10
    by: float = 0.5

    def __post_init__(self) -> None:
        if not (is_finite(self.every) and self.every >= 1 and self.every == int(self.every)):
            raise ConfigError(f"every must be a whole number of epochs, found {self.every!r}")
        _at_least_0("by", self.by, 1.0)

    def factor(self, epoch: int, epochs: int) -> float:
        """``by`` to the power of the steps taken."""
        return float(self.by ** ((epoch - 1) // int(self.every)))


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a wave of the cosine, from the full rate towards ``final`` of it.

    Source: Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*
    (2017), without restarts.

    Attributes:
        final: from 0 to 1; the epoch after the last would have this factor.
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        _at_least_0("final", self.final, 1.0)

    def factor(self, epoch: int, epochs: int) -> float:
        """Between 1 in the first epoch and nearly ``final`` in the last."""
        return self.final + (1 - self.final) * 0.5 * (1 + cos(pi * (epoch - 1) / epochs))


SCHEDULES: Mapping[str, type[Schedule]] = {
    "constant": Constant,
    "exponential": Exponential,
    "inverse": Inverse,
    "step": Step,
    "cosine": Cosine,
}
"""The schedules by name."""


def schedule(value: str | Mapping[str, Any]) -> Schedule:
    """A schedule by name, or by ``type`` with its options.

    Raises:
        ConfigError: no such name or option, or an option out of its range.

    Example:
        >>> schedule({"type": "exponential", "decay": 0.9})
        Exponential(decay=0.9)
    """
    return from_table("schedule", SCHEDULES, value)

r"""Learning-rate schedules: a factor by which every learning rate is multiplied in each epoch.

The learning rate in epoch e is the configured rate times the factor of that epoch. The factor is
the same for the network's rate and for the rates of single layers, so their ratios stay constant.
With e the epoch, counted from 1, and E the number of epochs:

================  ==================================================
name              factor
================  ==================================================
``constant``      1
``exponential``   decayᵉ⁻¹
``inverse``       1 / (1 + decay · (e − 1))
``step``          byᵏ, k = ⌊(e − 1) / every⌋
``cosine``        final + (1 − final) · ½ (1 + cos(π (e − 1) / E))
================  ==================================================

The factor depends on e and E alone. Training that resumes from a checkpoint with the same E
therefore uses the same rates as training without interruption.
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
    """The factor on the learning rates as a function of the epoch."""

    @abstractmethod
    def factor(self, epoch: int, epochs: int) -> float:
        """The factor by which every learning rate is multiplied in an epoch.

        Args:
            epoch: the epoch e, counted from 1.
            epochs: the number of epochs E of the whole training, at least ``epoch``.
        """


def _check_range(name: str, value: float, maximum: float | None = None) -> None:
    if not (is_finite(value) and value >= 0 and (maximum is None or value <= maximum)):
        bound = "finite and at least 0" if maximum is None else f"from 0 to {maximum:g}"
        raise ConfigError(f"{name} must be {bound}, found {value!r}")


@dataclass(frozen=True)
class Constant(Schedule):
    """Constant learning rates: the factor is 1 in every epoch."""

    def factor(self, epoch: int, epochs: int) -> float:
        """The factor 1."""
        return 1.0


@dataclass(frozen=True)
class Exponential(Schedule):
    """Exponential decay: the rates are multiplied by ``decay`` after each epoch.

    Attributes:
        decay: the ratio of the rates of one epoch to those of the epoch before, from 0 to 1.

    Example:
        >>> [round(Exponential(0.5).factor(epoch, 3), 3) for epoch in (1, 2, 3)]
        [1.0, 0.5, 0.25]
    """

    decay: float = 0.95

    def __post_init__(self) -> None:
        _check_range("decay", self.decay, 1.0)

    def factor(self, epoch: int, epochs: int) -> float:
        """The factor decayᵉ⁻¹ in epoch e."""
        return self.decay ** (epoch - 1)


@dataclass(frozen=True)
class Inverse(Schedule):
    """Inverse decay: for ``decay`` > 0 the rates fall in proportion to 1/e for large e.

    The rates then satisfy the conditions of Robbins and Monro, *A stochastic approximation
    method* (1951): their sum over all epochs is infinite, and the sum of their squares is finite.

    Attributes:
        decay: how much 1 / factor increases from one epoch to the next, at least 0.
    """

    decay: float = 0.1

    def __post_init__(self) -> None:
        _check_range("decay", self.decay)

    def factor(self, epoch: int, epochs: int) -> float:
        """The factor 1 / (1 + decay · (e − 1)) in epoch e."""
        return 1.0 / (1.0 + self.decay * (epoch - 1))


@dataclass(frozen=True)
class Step(Schedule):
    """Step decay: the rates are multiplied by ``by`` each time ``every`` epochs have passed.

    Attributes:
        every: the number of epochs between two changes, a whole number of at least 1.
        by: the factor of one change, from 0 to 1.

    Example:
        >>> [Step(every=2, by=0.1).factor(epoch, 4) for epoch in (1, 2, 3, 4)]
        [1.0, 1.0, 0.1, 0.1]
    """

    every: float = 10
    by: float = 0.5

    def __post_init__(self) -> None:
        if not (is_finite(self.every) and self.every >= 1 and self.every == int(self.every)):
            raise ConfigError(f"every must be a whole number of epochs, found {self.every!r}")
        _check_range("by", self.by, 1.0)

    def factor(self, epoch: int, epochs: int) -> float:
        """The factor byᵏ in epoch e, with k = ⌊(e − 1) / every⌋."""
        return float(self.by ** ((epoch - 1) // int(self.every)))


@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine annealing: the factor falls from 1 towards ``final`` along half a period of a cosine.

    Source: Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*
    (2017); here without restarts.

    Attributes:
        final: the value of the formula at e = E + 1, one epoch after the last, from 0 to 1.
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        _check_range("final", self.final, 1.0)

    def factor(self, epoch: int, epochs: int) -> float:
        """The factor final + (1 − final) · ½ (1 + cos(π (e − 1) / E)) in epoch e of E."""
        return self.final + (1 - self.final) * 0.5 * (1 + cos(pi * (epoch - 1) / epochs))


SCHEDULES: Mapping[str, type[Schedule]] = {
    "constant": Constant,
    "exponential": Exponential,
    "inverse": Inverse,
    "step": Step,
    "cosine": Cosine,
}
"""The classes of schedules, by the name that a configuration uses."""


def schedule(value: str | Mapping[str, Any]) -> Schedule:
    """The schedule with a given name, or with the ``type`` and the options of a mapping.

    Raises:
        ConfigError: the name or an option does not exist, or an option is out of its range.

    Example:
        >>> schedule({"type": "exponential", "decay": 0.9})
        Exponential(decay=0.9)
    """
    return from_table("schedule", SCHEDULES, value)

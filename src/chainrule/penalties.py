r"""Penalties on the size of the parameters.

A penalty adds ``rate · Σ Ω(w)`` to the loss, over weights, and over biases only if asked:

======  ========  ====================
name    Ω(w)      derivative of Ω
======  ========  ====================
``L2``  ½ w²      w
``L1``  \|w\|   sign(w), and 0 at 0
======  ========  ====================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import ConfigError, unknown
from chainrule.parameters import Array, Layout
from chainrule.tables import entry_options, is_finite

DEFAULT_RATE = 0.001
"""The rate of a penalty that is asked for without one."""


class Penalty(ABC):
    """Ω, its sum over an array and its derivative.

    Attributes:
        kinks: the points where the derivative jumps.
    """

    kinks: ClassVar[tuple[float, ...]] = ()

    @abstractmethod
    def total(self, w: Array) -> Any:
        """Σ Ω(w) over a flat array, which may be complex; a number of the array's type."""

    @abstractmethod
    def derivative(self, w: Array) -> Array:
        """Ω'(w), elementwise, in the shape of ``w``; may be ``w`` itself."""


@dataclass(frozen=True)
class L2(Penalty):
    """Ω(w) = ½ w²."""

    def total(self, w: Array) -> Any:
        """½ Σ w²."""
        return 0.5 * np.dot(w, w)

    def derivative(self, w: Array) -> Array:
        """w."""
        return w


@dataclass(frozen=True)
class L1(Penalty):
    """Ω(w) = |w|, with derivative 0 at the kink."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def total(self, w: Array) -> Any:
        """Σ |w|; for complex w, Σ sign(Re w) · w, which the complex step differentiates."""
        return np.dot(w, np.sign(w.real))

    def derivative(self, w: Array) -> Array:
        """sign(w)."""
        return np.sign(w)


PENALTIES: Mapping[str, Penalty] = {"L1": L1(), "L2": L2()}
"""The penalties by name."""


@dataclass(frozen=True)
class PenaltySetting:
    """Which penalty a network has, at which rate, and on what.

    Attributes:
        type: ``L1`` or ``L2``.
        rate: finite, at least 0.
        biases: whether biases are penalised as well as weights.
    """

    type: str = "L2"
    rate: float = DEFAULT_RATE
    biases: bool = False

    def __post_init__(self) -> None:
        if self.type not in PENALTIES:
            raise ConfigError(unknown("penalty", self.type, PENALTIES))
        if not (is_finite(self.rate) and self.rate >= 0):
            raise ConfigError(f"a penalty's rate is finite and at least 0, found {self.rate!r}")
        if not isinstance(self.biases, bool):
            raise ConfigError(f"a penalty's biases is true or false, found {self.biases!r}")

    @property
    def penalty(self) -> Penalty:
        """The entry of the table."""
        return PENALTIES[self.type]


def penalty_setting(
    value: str | Mapping[str, Any] | PenaltySetting | None,
) -> PenaltySetting | None:
    """The setting that a configuration's value describes, None for no penalty.

    Args:
        value: None or ``"none"``, a name, a mapping of ``type``, ``rate`` and ``biases``, or
            a setting.

    Example:
        >>> penalty_setting({"type": "L1", "rate": 0.01})
        PenaltySetting(type='L1', rate=0.01, biases=False)
        >>> penalty_setting({"type": "none"}) is None
        True
    """
    if value is None or isinstance(value, PenaltySetting):
        return value
    options = entry_options("penalty", value)
    if str(options.get("type", "")).lower() == "none":
        return None
    for key in options:
        if key not in ("type", "rate", "biases"):
            raise ConfigError(unknown("key of penalty", key, ("type", "rate", "biases")))
    return PenaltySetting(**options)


@dataclass(frozen=True)
class PlacedPenalty:
    """A penalty on stretches of θ.

    Attributes:
        setting: which penalty, and its rate.
        parts: the stretches.
    """

    setting: PenaltySetting
    parts: tuple[slice, ...]

    def loss(self, theta: Array) -> Any:
        """Rate · Σ Ω(w) over the stretches of θ, which may be complex."""
        penalty, rate = self.setting.penalty, self.setting.rate
        return rate * sum(penalty.total(theta[part]) for part in self.parts)

    def add_gradient(self, theta: Array, vector: Array) -> None:
        """Add rate · Ω'(θ), on the stretches, to ``vector``, of the shape of θ."""
        penalty, rate = self.setting.penalty, self.setting.rate
        for part in self.parts:
            vector[part] += rate * penalty.derivative(theta[part])


def placed(setting: PenaltySetting, layout: Layout) -> PlacedPenalty:
    """A penalty on what it is asked for of θ: weights, and biases too where they are asked for.

    Args:
        setting: which penalty, and whether on biases.
        layout: of θ.

    Example:
        >>> layout = Layout({"dense_1": {"W": (2, 2), "b": (2,)}})
        >>> placed(PenaltySetting(), layout).parts
        (slice(0, 4, None),)
        >>> placed(PenaltySetting(biases=True), layout).parts
        (slice(0, 6, None),)
    """
    rates = {
        segment.full_name: setting.rate if setting.biases or not segment.is_bias else 0.0
        for segment in layout
    }
    return PlacedPenalty(setting, tuple(part for part, rate in layout.runs(rates) if rate))

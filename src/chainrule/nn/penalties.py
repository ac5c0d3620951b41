r"""Penalties on the size of the parameters.

A penalty adds ``rate · Σ Ω(w)`` to the loss: the sum is over the weights, and over the biases too
if ``biases`` is set. Several penalties add up, each with its own rate. A layer may have penalties
of its own in place of the network's. Ω is one of:

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
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, unknown
from chainrule.core.registry import entry_options
from chainrule.nn.parameters import Layout, Segment

DEFAULT_RATE = 0.001
"""The rate of a penalty that is given without a rate."""


class Penalty(ABC):
    """A penalty function Ω: its sum over an array, and its derivative.

    Attributes:
        kinks: the points where the derivative jumps.
    """

    kinks: ClassVar[tuple[float, ...]] = ()

    @abstractmethod
    def total(self, w: Array) -> Any:
        """Σ Ω(w) over a flat array, which may be complex; the sum is of the array's type."""

    @abstractmethod
    def derivative(self, w: Array) -> Array:
        """Ω'(w), elementwise, in the shape of ``w``; may be ``w`` itself."""


class L2(Penalty):
    """Ω(w) = ½ w²."""

    def total(self, w: Array) -> Any:
        """½ Σ w²."""
        return 0.5 * np.dot(w, w)

    def derivative(self, w: Array) -> Array:
        """w."""
        return w


class L1(Penalty):
    """Ω(w) = |w|, whose derivative at 0 is taken as 0."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def total(self, w: Array) -> Any:
        """Σ |w|; for complex w, Σ sign(Re w) · w, so that the complex step can be used."""
        return np.dot(w, np.sign(w.real))

    def derivative(self, w: Array) -> Array:
        """sign(w)."""
        return np.sign(w)


PENALTIES: Mapping[str, Penalty] = {"L1": L1(), "L2": L2()}
"""The penalties by name."""


@dataclass(frozen=True)
class PenaltySetting:
    """The types of penalty, their rates, and whether they apply to biases.

    Attributes:
        rates: the rates by type, ``L1`` or ``L2``, finite and at least 0; empty for no penalty.
        biases: whether biases are penalised as well as weights.

    Raises:
        ConfigError: a type is unknown, a rate is invalid, or ``biases`` is not a bool.
    """

    rates: Mapping[str, float] = field(hash=False)
    biases: bool = False

    def __post_init__(self) -> None:
        for name, rate in self.rates.items():
            if name not in PENALTIES:
                raise ConfigError(unknown("penalty", name, PENALTIES))
            if not (is_finite(rate) and rate >= 0):
                raise ConfigError(f"a penalty's rate is finite and at least 0, found {rate!r}")
        if not isinstance(self.biases, bool):
            raise ConfigError(f"a penalty's biases is true or false, found {self.biases!r}")

    def on(self, segment: Segment) -> dict[str, float]:
        """The rates above 0 for a segment of θ, by type, in the order of `PENALTIES`."""
        rates = self.rates if self.biases or not segment.is_bias else {}
        return {name: rates[name] for name in PENALTIES if rates.get(name)}


PenaltyLike = str | Mapping[str, Any] | PenaltySetting
"""A description of a penalty, as `penalty_setting` takes it."""

NO_PENALTY = PenaltySetting({})
"""The setting of a layer that has no penalty even if the network has one."""


def penalty_setting(value: PenaltyLike | None) -> PenaltySetting | None:
    """The setting that a configuration's value describes, None for no penalty.

    Args:
        value: None or ``"none"``, a name, a mapping of ``type``, ``rate`` and ``biases``, a
            mapping of rates by type and ``biases``, or a setting.

    Raises:
        ConfigError: ``value`` does not describe a penalty.

    Example:
        >>> penalty_setting({"type": "L1", "rate": 0.01})
        PenaltySetting(rates={'L1': 0.01}, biases=False)
        >>> penalty_setting({"L1": 0.001, "L2": 0.01})
        PenaltySetting(rates={'L1': 0.001, 'L2': 0.01}, biases=False)
        >>> penalty_setting({"type": "none"}) is None
        True
    """
    if value is None or isinstance(value, PenaltySetting):
        return value
    options = entry_options("penalty", value)
    biases = options.pop("biases", False)
    if any(name in options for name in PENALTIES):
        _require_known(options, tuple(PENALTIES))
        return PenaltySetting(options, biases)
    if str(options.get("type", "")).lower() == "none":
        return None
    _require_known(options, ("type", "rate"))
    return PenaltySetting({options.get("type", "L2"): options.get("rate", DEFAULT_RATE)}, biases)


def _require_known(options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in options:
        if key not in known:
            keys = ("type", "rate", "biases", *PENALTIES)
            mixed = key in ("type", "rate")
            raise ConfigError(EITHER_OR if mixed else unknown("key of penalty", key, keys))


EITHER_OR = (
    "a penalty is written with a type and its rate, or with the rates of L1 and L2 themselves; "
    "this mixes the two"
)


class PenaltyTerm(NamedTuple):
    """One type of penalty, at one rate above 0, on one slice of θ."""

    type: str
    rate: float
    part: slice

    @property
    def penalty(self) -> Penalty:
        """The entry of `PENALTIES`."""
        return PENALTIES[self.type]


@dataclass(frozen=True)
class PlacedPenalty:
    """The penalties on all parts of θ.

    Attributes:
        rates: the rates above 0 by type, for every array by its full name.
        terms: the same penalties on the longest slices of θ over which a rate is constant.
    """

    rates: Mapping[str, Mapping[str, float]]
    terms: tuple[PenaltyTerm, ...]

    def loss(self, theta: Array) -> Any:
        """Σ rate · Σ Ω(w) over the terms, for θ, which may be complex."""
        return sum(term.rate * term.penalty.total(theta[term.part]) for term in self.terms)

    def add_gradient(self, theta: Array, vector: Array) -> None:
        """Add rate · Ω'(θ) of each term to its slice of ``vector``, which has θ's shape."""
        for term in self.terms:
            penalty, rate, part = term.penalty, term.rate, term.part
            vector[part] += rate * penalty.derivative(theta[part])


def placed(
    setting: PenaltySetting | None,
    layout: Layout,
    own: Mapping[str, PenaltySetting] | None = None,
) -> PlacedPenalty:
    """The penalties on the parts of θ, given the settings of the network and of layers.

    Args:
        setting: the network's setting; None for no penalty.
        layout: the layout of θ.
        own: the settings of layers, by name, that replace the network's for these layers.

    Example:
        >>> layout = Layout({"dense_1": {"W": (2, 2), "b": (2,)}, "dense_2": {"W": (2, 1)}})
        >>> both = PenaltySetting({"L1": 0.1, "L2": 0.2})
        >>> for term in placed(both, layout, {"dense_2": PenaltySetting({"L2": 0.3})}).terms:
        ...     print(*term)
        L1 0.1 slice(0, 4, None)
        L2 0.2 slice(0, 4, None)
        L2 0.3 slice(6, 8, None)
    """
    own, network = own or {}, setting or NO_PENALTY
    rates = {s.full_name: own.get(s.layer, network).on(s) if s.trained else {} for s in layout}
    terms = [
        PenaltyTerm(name, rate, part)
        for name in PENALTIES
        for part, rate in layout.runs({at: found.get(name, 0.0) for at, found in rates.items()})
        if rate
    ]
    return PlacedPenalty(rates, tuple(terms))

"""The initial values of weights and biases.

An initializer draws weights of shape (inputs, outputs) or biases of shape (outputs,) from a random
generator. n_in and n_out are the numbers of inputs and outputs; for biases they are those of the
layer's weights W, so that both are drawn from the same distribution:

=================  =======================================================
``[low, high]``    uniform in [low, high)
``r``              uniform in [-r, r), r a number
``glorot``         uniform in ±√(6 / (n_in + n_out))
``glorot_normal``  normal with variance 2 / (n_in + n_out)
``he``             normal with variance 2 / n_in
``he_uniform``     uniform in ±√(6 / n_in)
``zeros``          0 everywhere
=================  =======================================================

For filters on images, n_in is the number of weights of one filter, channels × height × width, and
n_out is filters × height × width.

Sources: Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural
networks* (2010), equation 16; He et al., *Delving deep into rectifiers* (2015), equation 10.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from numbers import Real
from typing import Any

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, unknown

Shape = tuple[int, ...]
Fans = tuple[int, int]


class Initializer(ABC):
    """Draws the initial values of one array."""

    @abstractmethod
    def draw(self, shape: Shape, rng: np.random.Generator, fans: Fans | None = None) -> Array:
        """Float64 values of ``shape``.

        Args:
            shape: (inputs, outputs) for weights, (outputs,) for biases, or any with ``fans``.
            rng: the generator to draw from.
            fans: n_in and n_out: how many inputs one output depends on, and how many outputs one
                input affects; by default the first and the last of ``shape``.
        """


@dataclass(frozen=True)
class Range(Initializer):
    """Uniform in [low, high); the constant ``low`` where both are equal."""

    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = is_finite(self.low) and is_finite(self.high)
        if not (numbers and self.low <= self.high and is_finite(self.high - self.low)):
            raise ConfigError(
                "a range is two finite numbers, the smaller first, "
                f"found [{self.low}, {self.high}]"
            )

    def draw(self, shape: Shape, rng: np.random.Generator, fans: Fans | None = None) -> Array:
        """See `Initializer.draw`."""
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Scaled(Initializer):
    """Uniform or normal with mean 0 and variance 2 / fan.

    Attributes:
        normal: whether it is normal; otherwise it is uniform in ±√(3 · variance).
        both_sides: whether fan is n_in + n_out (Glorot); otherwise it is n_in (He).
    """

    normal: bool
    both_sides: bool

    def draw(self, shape: Shape, rng: np.random.Generator, fans: Fans | None = None) -> Array:
        """See `Initializer.draw`; for a shape (outputs,) without ``fans``, n_in is n_out."""
        n_in, n_out = (shape[0], shape[-1]) if fans is None else fans
        variance = 2.0 / (n_in + n_out if self.both_sides else n_in)
        if self.normal:
            return rng.normal(0.0, sqrt(variance), shape)
        limit = sqrt(3.0 * variance)
        return rng.uniform(-limit, limit, shape)


INITIALIZERS: Mapping[str, Initializer] = {
    "glorot": Scaled(normal=False, both_sides=True),
    "glorot_uniform": Scaled(normal=False, both_sides=True),
    "glorot_normal": Scaled(normal=True, both_sides=True),
    "he": Scaled(normal=True, both_sides=False),
    "he_normal": Scaled(normal=True, both_sides=False),
    "he_uniform": Scaled(normal=False, both_sides=False),
    "zeros": Range(0.0, 0.0),
}
"""The initializers by name; ``glorot`` is the uniform and ``he`` the normal form."""


def initializer(value: str | float | Sequence[float] | Initializer) -> Initializer:
    """The initializer for a name in `INITIALIZERS`, a range [low, high], or r for [-r, r].

    Raises:
        ConfigError: there is no such name, or the range is not two finite numbers in order.

    Example:
        >>> initializer([-0.1, 0.1]) == initializer(0.1)
        True
    """
    if isinstance(value, Initializer):
        return value
    if isinstance(value, str):
        if value not in INITIALIZERS:
            raise ConfigError(unknown("start of weights", value, INITIALIZERS))
        return INITIALIZERS[value]
    around_0 = isinstance(value, Real) and not isinstance(value, bool)
    ends: Any = [-value, value] if around_0 else value  # type: ignore[operator]
    try:
        low, high = ends
    except (TypeError, ValueError):
        raise ConfigError(f"a range is two numbers [low, high], found {value!r}") from None
    return Range(low, high)

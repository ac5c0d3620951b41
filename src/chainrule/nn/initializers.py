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
``ones``           1 everywhere
=================  =======================================================

Or the numbers themselves are given, as an array or as lists within lists of the parameter's own
shape: ``[[0.15, 0.25], [0.20, 0.30]]``. What is meant can always be said outright, as
``{values: [...]}`` or ``{range: [low, high]}``.

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
from chainrule.core.arrays import Array, finite_array
from chainrule.core.errors import ConfigError, ShapeError, shown, unknown

Shape = tuple[int, ...]
Fans = tuple[int, int]

OUTRIGHT = ("values", "range")
"""The keys of a mapping that says outright what is meant; a configuration has ``file`` as well."""


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


class Given(Initializer):
    """The numbers themselves.

    Args:
        values: an array or lists within lists, of the shape of the parameter.

    Attributes:
        values: a copy in float64, which cannot be written to.

    Raises:
        ConfigError: they are no finite numbers in rows of one length.

    Example:
        >>> Given([[1, 2]]).draw((1, 2), np.random.default_rng())
        array([[1., 2.]])
    """

    def __init__(self, values: Any) -> None:
        try:
            array = finite_array(values, "initial values")
        except ShapeError as error:
            raise ConfigError(str(error)) from None
        array.flags.writeable = False
        self.values = array

    def __repr__(self) -> str:
        """Such as ``Given(2 x 3 numbers)``."""
        return f"Given({' x '.join(map(str, self.values.shape))} numbers)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.values.shape, self.values.tobytes()))

    def draw(self, shape: Shape, rng: np.random.Generator, fans: Fans | None = None) -> Array:
        """The numbers; see `Initializer.draw`.

        Raises:
            ConfigError: they are of another shape.
        """
        if self.values.shape != shape:
            raise ConfigError(f"expected values of shape {shape}, found {self.values.shape}")
        return self.values.copy()


INITIALIZERS: Mapping[str, Initializer] = {
    "glorot": Scaled(normal=False, both_sides=True),
    "glorot_uniform": Scaled(normal=False, both_sides=True),
    "glorot_normal": Scaled(normal=True, both_sides=True),
    "he": Scaled(normal=True, both_sides=False),
    "he_normal": Scaled(normal=True, both_sides=False),
    "he_uniform": Scaled(normal=False, both_sides=False),
    "zeros": Range(0.0, 0.0),
    "ones": Range(1.0, 1.0),
}
"""The initializers by name; ``glorot`` is the uniform and ``he`` the normal form."""


InitializerLike = (
    str
    | float
    | Sequence[float]
    | Sequence[Sequence[Any]]
    | Mapping[str, Any]
    | Array
    | Initializer
)


def initializer(value: InitializerLike) -> Initializer:
    """The initializer that is meant by a caller's value.

    Args:
        value: a name in `INITIALIZERS`; a range [low, high], or r for [-r, r]; the numbers
            themselves, as lists within lists or an array of at least two axes; or outright
            ``{"range": [low, high]}`` or ``{"values": ...}``.

    Raises:
        ConfigError: there is no such name, the range is not two finite numbers in order, or the
            values are no array of finite numbers.

    Example:
        >>> initializer([-0.1, 0.1]) == initializer(0.1)
        True
        >>> initializer([[0.15, 0.25], [0.20, 0.30]])
        Given(2 x 2 numbers)
    """
    if isinstance(value, Initializer):
        return value
    if isinstance(value, str):
        if value not in INITIALIZERS:
            raise ConfigError(unknown("start of weights", value, INITIALIZERS))
        return INITIALIZERS[value]
    if isinstance(value, Mapping):
        return _outright(value)
    if is_nested(value):
        return Given(value)
    return _range(value)


def initializer_of_row(value: Any, *, two_are_values: bool = False) -> Initializer:
    """As `initializer`, for an array of one axis, whose values may be listed.

    Args:
        value: as `initializer` takes it; or a list of numbers, one for each place of the array.
        two_are_values: whether two numbers are values; otherwise they are a range, as they always
            were. A single number may be meant either way in the same manner.

    Raises:
        ConfigError: as `initializer`.

    Example:
        >>> initializer_of_row([0.1, 0.2, 0.3]), initializer_of_row([0.1, 0.2])
        (Given(3 numbers), Range(low=0.1, high=0.2))
        >>> initializer_of_row([0.1, 0.2], two_are_values=True)
        Given(2 numbers)
    """
    if is_row(value) and (two_are_values or len(value) != 2):
        return Given(value)
    return initializer(value)


def is_row(value: Any) -> bool:
    """Whether a value is a list or array of one axis, of at least one item."""
    is_list = isinstance(value, list | tuple | np.ndarray) and np.ndim(value[:0]) == 1
    return is_list and len(value) > 0 and not is_nested(value)


def is_nested(value: Any) -> bool:
    """Whether a value is lists within a list, or an array of at least two axes."""
    if isinstance(value, list | tuple):
        return any(isinstance(item, list | tuple | np.ndarray) for item in value)
    return bool(getattr(value, "ndim", 0) > 1)


def _outright(value: Mapping[str, Any]) -> Initializer:
    """The initializer for ``{"values": ...}`` or ``{"range": ...}``."""
    if "file" in value:
        raise ConfigError(
            "a file of initial values is read for a configuration; in Python pass the array "
            "itself, such as weights=np.load('W.npy')"
        )
    if len(value) != 1 or next(iter(value)) not in OUTRIGHT:
        raise ConfigError(
            f"a start is said outright as {{values: [...]}} or {{range: [low, high]}}, found "
            f"{shown(value)}"
        )
    ((kind, content),) = value.items()
    return Given(content) if kind == "values" else _range(content)


def _range(value: Any) -> Range:
    """The range [low, high], or [-r, r] for a number r."""
    around_0 = isinstance(value, Real) and not isinstance(value, bool)
    ends: Any = [-value, value] if around_0 else value
    try:
        low, high = ends
    except (TypeError, ValueError):
        raise ConfigError(f"a range is two numbers [low, high], found {shown(value)}") from None
    return Range(low, high)

"""Inputs brought to mean 0 and, if wanted, to standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import DataError, ShapeError

INPUTS_AT_A_TIME = 256
"""How many inputs have their standard deviations computed at once."""

ROUNDING = 1e-3
"""Inputs that were standardised in float32 have a mean and a deviation off by less than this."""


@dataclass(frozen=True, eq=False)
class Standardization:
    """The scaling (x − mean) / scale, fitted on training data alone.

    Validation and test data are scaled with the mean and the scale of the training data, so
    that the network learns nothing about cases it has not seen.

    Attributes:
        mean: each input's mean, of the shape of one case.
        scale: each input's standard deviation; 1 for a constant input, which avoids a division
            by 0, and 1 for every input if only the mean is subtracted.

    Example:
        >>> import numpy as np
        >>> train = np.array([[1.0, 7.0], [3.0, 7.0]])
        >>> scaling = Standardization.fit(train)
        >>> scaling.apply(train).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
        >>> scaling.apply(np.array([[5.0, 8.0]])).tolist()
        [[3.0, 1.0]]
    """

    mean: Array
    scale: Array

    @classmethod
    def fit(
        cls,
        x: Array,
        *,
        center_only: bool = False,
        of: str = "inputs",
        weights: Array | None = None,
    ) -> Standardization:
        """The scaling that takes ``x``, (cases, ...), to mean 0 and standard deviation 1.

        Args:
            x: the training inputs, or the training targets.
            center_only: subtract the mean and leave the deviation as it is.
            of: what ``x`` is, for messages.
            weights: how much each case counts, (cases,), above 0, so that a case of weight 2
                counts as two; None where all count the same.

        Raises:
            ShapeError: x holds no real numbers.
            DataError: there are no cases, or a mean or standard deviation is not finite.
        """
        x = as_numbers(x, of, "biuf")
        if x.ndim == 0 or len(x) == 0:
            raise DataError("there are no cases to fit a standardisation on")
        if x.dtype != np.float32:
            x = np.asarray(x, dtype=np.float64)
        lowest = x.min(axis=0).astype(np.float64)
        constant = lowest == x.max(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            average = _mean(x, weights)
            mean = np.where(constant, lowest, average)
            unscaled = constant | center_only
            deviation = 1.0 if center_only else _deviation(x, weights, average)
            scale = np.where(unscaled, 1.0, deviation)
        # Values that differ only slightly may have a standard deviation that rounds to 0.
        scale = np.where(scale == 0, 1.0, scale)
        if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
            raise DataError(f"the {of} are too large to be standardised in float64")
        return cls(mean, scale)

    @property
    def ratio(self) -> float:
        """The largest scale over the smallest."""
        return float(self.scale.max() / self.scale.min())

    def with_common_scale(self) -> Standardization:
        """The scaling that divides every input by the root of their mean variance.

        Example:
            >>> Standardization(np.zeros(2), np.array([1.0, 7.0])).with_common_scale().scale
            array([5., 5.])
        """
        return replace(self, scale=np.full_like(self.scale, np.sqrt(np.mean(self.scale**2))))

    def apply(self, x: Array) -> Array:
        """``x``, (cases, ...), scaled: float32 if ``x`` is float32, otherwise float64.

        The mean is not rounded to float32, because that would shift all cases by the same error.

        Raises:
            ShapeError: if a case of ``x`` has another shape than those it was fitted on.
        """
        if x.shape[1:] != self.mean.shape:
            raise ShapeError(
                f"the standardisation was fitted on cases of shape {self.mean.shape}, "
                f"but these have shape {x.shape[1:]}"
            )
        dtype = np.float32 if x.dtype == np.float32 else np.float64
        scaled: Array = np.empty(x.shape, dtype)
        np.subtract(x, self.mean, out=scaled, casting="same_kind")
        scaled /= self.scale.astype(dtype)
        return scaled

    def undo(self, x: Array) -> Array:
        """Scaled numbers in the units that they had before, x · scale + mean, in float64.

        Args:
            x: scaled cases, (cases, ...), or the steps of sequences, (cases, steps, ...).
        """
        rows = x.reshape(-1, self.mean.size) * self.scale.reshape(-1) + self.mean.reshape(-1)
        return rows.reshape(x.shape)


def is_standardized(x: Array) -> bool:
    """Whether inputs (cases, ...) have mean 0 and deviation 1, or are constant, but for rounding.

    Example:
        >>> x = np.array([[1.0, 7.0], [3.0, 7.0]])
        >>> is_standardized(x), is_standardized(Standardization.fit(x).apply(x))
        (False, True)
    """
    try:
        found = Standardization.fit(x)
    except DataError:
        return False
    near = np.abs(found.mean) < ROUNDING, np.abs(found.scale - 1) < ROUNDING
    return all(bool(each.all()) for each in near)


def _mean(x: Array, weights: Array | None) -> Array:
    """The mean of each input, computed in float64."""
    if weights is None:
        return x.mean(axis=0, dtype=np.float64)
    return np.average(x.astype(np.float64), axis=0, weights=weights)


def _deviation(x: Array, weights: Array | None, mean: Array) -> Array:
    """The standard deviation of each input, computed in float64.

    For float32 only some inputs are computed at once: NumPy would copy all of them to float64,
    which takes gigabytes for many images.
    """
    if weights is not None:
        return np.sqrt(np.average(np.square(x - mean), axis=0, weights=weights))
    if x.dtype == np.float64:  # NumPy copies no float64 inputs
        deviation: Array = x.std(axis=0)
        return deviation
    rows = x.reshape(len(x), -1)
    parts = [
        rows[:, first : first + INPUTS_AT_A_TIME].std(axis=0, dtype=np.float64)
        for first in range(0, rows.shape[1], INPUTS_AT_A_TIME)
    ]
    return np.concatenate([np.empty(0), *parts]).reshape(x.shape[1:])

"""Inputs scaled to mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.data.dataset import Array
from chainrule.errors import DataError, ShapeError


@dataclass(frozen=True, eq=False)
class Standardization:
    """The scaling (x − mean) / scale, fitted on training data alone.

    Validation and test data are scaled with the training data's numbers: their own would let
    the network know something about cases it has not seen.

    Attributes:
        mean: each input's mean, of the shape of one case.
        scale: each input's standard deviation; 1 where the input is constant, so that it
            becomes 0 and not a division by 0.

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
    def fit(cls, x: Array) -> Standardization:
        """The scaling that takes ``x``, (cases, ...), to mean 0 and standard deviation 1.

        Raises:
            DataError: without cases, or with values so large that their mean is infinite.
        """
        if len(x) == 0:
            raise DataError("there are no cases to fit a standardisation on")
        x = np.asarray(x, dtype=np.float64)
        lowest = x.min(axis=0)
        constant = lowest == x.max(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.where(constant, lowest, x.mean(axis=0))
            scale = np.where(constant, 1.0, x.std(axis=0))
        # Neighbouring numbers may differ and still have a deviation that rounds to 0.
        scale = np.where(scale == 0, 1.0, scale)
        if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
            raise DataError("the inputs are too large to be standardised in float64")
        return cls(mean, scale)

    def apply(self, x: Array) -> Array:
        """``x``, (cases, ...), scaled, in float64.

        Raises:
            ShapeError: if a case of ``x`` has another shape than those it was fitted on.
        """
        if x.shape[1:] != self.mean.shape:
            raise ShapeError(
                f"the standardisation was fitted on cases of shape {self.mean.shape}, "
                f"but these have shape {x.shape[1:]}"
            )
        scaled: Array = (x - self.mean) / self.scale
        return scaled

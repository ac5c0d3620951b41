"""The layer that turns images or sequences into rows of numbers, for a dense layer."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.layers.base import Arrays, ParameterFree, Shape


class Flatten(ParameterFree):
    """Gives the numbers of each case as one row, in the same (row-major) order."""

    type: ClassVar[str] = "flatten"
    formula: ClassVar[str] = "x"
    same_at_every_step: ClassVar[bool] = False
    passes_on: ClassVar[bool] = True

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        (self.input_shape,) = shapes
        self.output_shape = (prod(self.input_shape),)
        self.size = self.outputs

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z = y = x."""
        return x, x

    def _jacobian_x(self) -> Diagonal:
        return Diagonal(np.ones_like(self.x))

    def _input_gradient(self, delta: Array) -> Array:
        return delta

"""Images or sequences as rows of numbers, so that a dense layer can take them."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.layers.base import Arrays, ParameterFree, Shape


class Flatten(ParameterFree):
    """The same numbers in the same order, as one row: (channels, height, width) row by row."""

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
        """x, twice: there is no activation."""
        return x, x

    def _jacobian_x(self) -> Diagonal:
        return Diagonal(np.ones_like(self.x))

    def _input_gradient(self, delta: Array) -> Array:
        return delta

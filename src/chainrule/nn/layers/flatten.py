"""Images or sequences as rows of numbers, so that a dense layer can take them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.jacobians import Diagonal, Jacobian, explicit
from chainrule.nn.layers.base import Arrays, Layer, Shape


class Flatten(Layer):
    """The same numbers in the same order, as one row: (channels, height, width) row by row.

    Args:
        name: see `Layer`.
        inputs: see `Layer`.
    """

    type: ClassVar[str] = "flatten"
    formula: ClassVar[str] = "x"
    same_at_every_step: ClassVar[bool] = False
    passes_on: ClassVar[bool] = True
    adds_up: ClassVar[bool] = True

    def __init__(
        self, *, name: str | None = None, inputs: str | Sequence[str] | None = None
    ) -> None:
        super().__init__(name=name, inputs=inputs)
        self.x: Any = None
        self.z: Any = None

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        (self.input_shape,) = shapes
        self.output_shape = (prod(self.input_shape),)
        self.size = self.outputs

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """x, twice: there is no activation."""
        return x, x

    def forward_pass(self, x: Array) -> Array:
        """x itself: a case is a row already."""
        self.x = self.z = x
        return x

    def jacobians(self) -> dict[str, Jacobian]:
        """``x``: the identity.

        Raises:
            ShapeError: there was no forward pass.
        """
        self._of_pass(self.x)
        return {"x": Diagonal(np.ones_like(self.x))}

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """J itself."""
        return self.backward_from_delta(J, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """δ itself."""
        self.delta = delta
        return explicit(self.jacobians()["x"]).vjp(delta) if self.explicit else delta

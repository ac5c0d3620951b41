"""Softmax: logits to a distribution over the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.nn.jacobians import Jacobian, SoftmaxJacobian, explicit, from_top
from chainrule.nn.layers.base import Arrays, Layer, Shape, sizes_text


def softmax(z: Array) -> Array:
    """s_j = e^(z_j) / Σ_k e^(z_k) along the last axis.

    The largest z is subtracted first, which changes nothing and overflows never. Complex numbers
    are ordered by their real parts; that one is then 0 in both parts, so that a complex step sees
    how the others move, however small they are.

    Example:
        >>> softmax(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])
    """
    if np.iscomplexobj(z):
        top = np.take_along_axis(z, z.real.argmax(axis=-1)[..., None], axis=-1)
    else:
        top = np.maximum.reduce(z, axis=-1, keepdims=True)
    e: Array = z - top
    np.exp(e, out=e)
    e /= np.add.reduce(e, axis=-1, keepdims=True)
    return e


class Softmax(Layer):
    """The softmax output; it has the size of the layer before it and no parameters.

    Args:
        size: may be stated; must then be the size of the layer before it.
        name: see `Layer`.
        inputs: see `Layer`.
    """

    type: ClassVar[str] = "softmax"
    output_letter: ClassVar[str] = "s"
    keeps_width: ClassVar[bool] = True
    gives_distribution: ClassVar[bool] = True
    must_be_last: ClassVar[bool] = True

    def __init__(
        self,
        *,
        size: int | None = None,
        name: str | None = None,
        inputs: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(name=name, inputs=inputs)
        self._stated = size
        self.z: Array | None = None
        self.s: Array | None = None

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        (shape,) = shapes
        if len(shape) > 1:
            raise ConfigError(
                f"{self.name} takes a row of numbers, but what feeds it has the shape "
                f"{sizes_text(shape)}; put a flatten layer before it"
            )
        if self._stated not in (None, shape[-1]):
            raise ConfigError(
                f"softmax of size {self._stated} stands on a layer of size {shape[-1]}; "
                "leave its size out, or state the same"
            )
        self.input_shape = self.output_shape = shape
        self.size = shape[-1]

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """The logits and the softmax."""
        return x, softmax(x)

    def forward_pass(self, x: Array) -> Array:
        """The distribution over the classes, (cases, size), for the logits x."""
        self.z, self.s = self.evaluate(x, {})
        return self.s

    def jacobians(self) -> dict[str, Jacobian]:
        """``z``: ∂s/∂z = diag(s) − s sᵀ.

        Raises:
            ShapeError: there was no forward pass.
        """
        return {"z": SoftmaxJacobian(self._of_pass(self.s))}

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ = J_L (diag(s) − s sᵀ); only the differences between outputs matter in J_L."""
        J_z = self.jacobians()["z"]
        if not self.explicit:
            return self.backward_from_delta(J_z.vjp(J))
        return self.backward_from_delta(explicit(J_z).vjp(from_top(J, self._of_pass(self.s))))

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The logits are the input, so its gradient is δ itself."""
        self.delta = delta
        return delta

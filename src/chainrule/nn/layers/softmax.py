"""The softmax function and layer, which turn logits into probabilities of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.notation import sizes_text
from chainrule.nn.jacobians import Jacobian, SoftmaxJacobian, explicit, from_top
from chainrule.nn.layers.base import Arrays, Layer, Shape


def softmax(z: Array) -> Array:
    """s_j = e^(z_j) / Σ_k e^(z_k) along the last axis.

    It is computed as e^(z_j − m) / Σ_k e^(z_k − m), where m is the largest entry of z: the factor
    e^(−m) cancels, and no exponential exceeds 1, so none overflows.

    For complex z, which the complex-step derivative needs, m is the entry with the largest real
    part. It is subtracted with its imaginary part, so that its own term is exactly 1. The
    imaginary parts of s then come from the other terms alone and keep their relative precision
    even if one probability is close to 1.

    Args:
        z: logits, (..., classes), real or complex.

    Returns:
        s, of the shape of z.

    Example:
        >>> softmax(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])
    """
    if np.iscomplexobj(z):
        m = np.take_along_axis(z, z.real.argmax(axis=-1)[..., None], axis=-1)
    else:
        m = np.maximum.reduce(z, axis=-1, keepdims=True)
    e: Array = z - m
    np.exp(e, out=e)
    e /= np.add.reduce(e, axis=-1, keepdims=True)
    return e


class Softmax(Layer):
    """The softmax output layer, with as many outputs as inputs and no parameters.

    Args:
        size: the number of outputs; it may be left out, and must otherwise equal the number of
            inputs.
        name: see `Layer`.
        inputs: see `Layer`.

    Attributes:
        z: the logits of the last forward pass, (cases, size); None before it.
        s: the softmax of these logits, (cases, size); None before it.
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
        self._given_size = size
        self.z: Array | None = None
        self.s: Array | None = None

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`.

        Raises:
            ConfigError: the input of a case is not a single row of numbers, or its length is not
                the ``size`` that was given.
        """
        (shape,) = shapes
        if len(shape) > 1:
            raise ConfigError(
                f"{self.name} takes a row of numbers, but what feeds it has the shape "
                f"{sizes_text(shape)}; put a flatten layer before it"
            )
        if self._given_size not in (None, shape[-1]):
            raise ConfigError(
                f"softmax of size {self._given_size} stands on a layer of size {shape[-1]}; "
                "leave its size out, or state the same"
            )
        self.input_shape = self.output_shape = shape
        self.size = shape[-1]

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """The logits z = x and their softmax, both (cases, size); stores nothing."""
        return x, softmax(x)

    def forward_pass(self, x: Array) -> Array:
        """The probabilities of the classes for the logits x; both are (cases, size)."""
        self.z, self.s = self.evaluate(x, {})
        return self.s

    def jacobians(self) -> dict[str, Jacobian]:
        """One entry, ``z``: the Jacobian ∂s/∂z = diag(s) − s sᵀ of each case.

        Raises:
            ShapeError: there was no forward pass.
        """
        return {"z": SoftmaxJacobian(self._of_pass(self.s))}

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ = ∂L/∂z = J_L (diag(s) − s sᵀ), which is also the gradient with respect to the input.

        J_L = ∂L/∂s is a row vector for each case. A constant added to all its entries does not
        change δ, because each row and each column of diag(s) − s sᵀ sums to 0. In exact
        arithmetic `from_top`, which subtracts such a constant, therefore changes nothing; it
        reduces the rounding error.

        Args:
            J: J_L, (cases, size).
            to_input: has no effect, since δ is computed in any case.

        Returns:
            δ, (cases, size).

        Raises:
            ShapeError: there was no forward pass.
        """
        J_z = self.jacobians()["z"]
        if not self.explicit:
            return self.backward_from_delta(J_z.vjp(J))
        return self.backward_from_delta(explicit(J_z).vjp(from_top(J, self._of_pass(self.s))))

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """Stores and returns δ = ∂L/∂z: the input of the layer is z, so its gradient is δ."""
        self.delta = delta
        return delta

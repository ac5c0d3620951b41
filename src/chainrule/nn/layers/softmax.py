"""Softmax: logits to a distribution over the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.sequences import lengths_of, mark, padded_steps, without_padding
from chainrule.nn.jacobians import Jacobian, SoftmaxJacobian, explicit
from chainrule.nn.jacobians.elementary import from_top
from chainrule.nn.layers.base import Arrays, Layer, Shape, sizes_text
from chainrule.nn.sequences.step_jacobians import EachStep


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
    """The softmax output; it takes its size from upstream and has no parameters.

    Of a sequence, (steps, classes), it is that of every step.

    Args:
        size: may be stated; must then be the size of the layer before it.
        name: see `Layer`.
        inputs: see `Layer`.
    """

    type: ClassVar[str] = "softmax"
    knows_padding: ClassVar[bool] = True
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
        if len(shape) > 2:
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
        """The logits and the softmax; of a sequence, that of every step."""
        if len(self.input_shape) < 2:  # also alone, where nobody said how wide it is
            return x, softmax(x)
        sequence = x.reshape(len(x), *self.input_shape)
        lengths = lengths_of(sequence)
        s = softmax(without_padding(sequence, lengths))
        return x, mark(s, lengths).reshape(x.shape)

    def forward_pass(self, x: Array) -> Array:
        """The distribution over the classes, (cases, size), for the logits x."""
        self.z, self.s = self.evaluate(x, {})
        return self.s

    def jacobians(self) -> dict[str, Jacobian]:
        """``z``: ∂s/∂z = diag(s) − s sᵀ.

        Raises:
            ShapeError: there was no forward pass.
        """
        s = self._of_pass(self.s)
        if len(self.input_shape) < 2:  # also alone, where nobody said how wide it is
            return {"z": SoftmaxJacobian(s)}
        return {"z": self._jacobian_of_steps(s)}

    def _jacobian_of_steps(self, s: Array) -> EachStep:
        """Padding is left out besides being 0: what comes from behind may be NaN there."""
        sequence = s.reshape(len(s), *self.input_shape)
        lengths, steps = lengths_of(sequence), self.input_shape[0]
        rows = without_padding(sequence, lengths).reshape(-1, self.size)
        padded = None if lengths is None else padded_steps(lengths, steps)
        return EachStep(SoftmaxJacobian(rows), steps, padded)

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ = J_L (diag(s) − s sᵀ); of J_L only the differences between outputs matter."""
        J_z = self.jacobians()["z"]
        if not self.explicit:
            return self.backward_from_delta(J_z.vjp(J))
        rows = from_top(J.reshape(-1, self.size), self._of_pass(self.s).reshape(-1, self.size))
        return self.backward_from_delta(explicit(J_z).vjp(rows.reshape(J.shape)))

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The logits are the input: δ itself is passed upstream."""
        self.delta = delta
        return delta

"""The convolution a = φ(W ∗ x + b)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.activations import Linear, ReLU
from chainrule.nn.images import convolution_numpy as convolution
from chainrule.nn.images.convolution_jacobians import (
    ConvolutionBiases,
    ConvolutionInput,
    ConvolutionWeights,
)
from chainrule.nn.images.filter_jacobians import ByBiases, ByImages, ByWeights, as_rows, images
from chainrule.nn.images.filtered import Filtered
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.layers.base import Arrays


class Conv2D(Filtered):
    """z[n, f, i, j] = b[f] + Σ_{c,p,q} W[f, c, p, q] x[n, c, s i + p, s j + q], a = φ(z).

    W has the shape (filters, channels, height, width), b (filters,); s is the stride, x padded.
    What libraries and courses call convolution is strictly a cross-correlation: the filter is
    not turned round. For the arguments see `Filtered`.

    Real numbers go through compiled loops where there is work enough
    (`chainrule.nn.images.kernels`), complex ones and small layers through NumPy
    (`chainrule.nn.images`); which of the two depends on the sizes alone.

    Example:
        >>> from chainrule.nn import Dense, Flatten
        >>> from chainrule.nn.network import Network
        >>> layer = Conv2D(1, [1, 2], bias=False, activation="linear")
        >>> network = Network([layer, Flatten(), Dense(1)], input=[1, 1, 3], loss="mse")
        >>> layer.W = [[[[1.0, 10.0]]]]
        >>> layer.forward_pass(np.array([[1.0, 2.0, 3.0]]))
        array([[21., 32.]])
        >>> layer.backward_pass(np.array([[1.0, 1.0]]))
        array([[ 1., 11., 10.]])
        >>> layer.W_grad
        array([[[[3., 5.]]]])
    """

    by_images: ClassVar[type[ByImages]] = ConvolutionInput
    by_weights: ClassVar[type[ByWeights]] = ConvolutionWeights
    by_biases: ClassVar[type[ByBiases]] = ConvolutionBiases
    type: ClassVar[str] = "conv2d"
    formula: ClassVar[str] = "W ∗ x + b"
    formula_without_bias: ClassVar[str] = "W ∗ x"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """W (filters, channels, height, width) and b (filters,)."""
        shapes: dict[str, tuple[int, ...]] = {
            "W": (self.filters, self.input_shape[0], *self.filter_size)
        }
        return {**shapes, "b": (self.filters,)} if self.bias else shapes

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """See `Filtered.evaluate`."""
        if not self._is_for_loops(x, *values.values()):
            return super().evaluate(x, values)
        x = np.ascontiguousarray(x)
        z = np.empty((len(x), self.outputs), x.dtype)
        return z, self._run(x, values, z, self._new_loops(x))

    @property
    def uses_of_weights(self) -> int:
        """Once at every place."""
        return int(self.windows.places)

    def _apply(self, x: Array, values: Arrays) -> Array:
        z = convolution.convolve(images(x, self.windows), values["W"], self.windows)
        if self.bias:
            z = z + values["b"][:, None, None]
        return as_rows(z)

    @property
    def largest_product(self) -> int:
        """0: its products are made in compiled loops."""
        return 0

    @property
    def in_loops(self) -> int:
        """Each output is a sum over what is under its window."""
        return self.outputs * int(self.windows.under)

    def forward_pass(self, x: Array) -> Array:
        """The outputs a = φ(W ∗ x + b), (cases, outputs)."""
        if not self._is_for_loops(x, self.W):
            return super().forward_pass(x)
        self.x = x = np.ascontiguousarray(x)
        self.z = self._room("z", x)
        self.a = self._run(x, self._values, self.z, self._loops(x))
        return self.a

    def _run(self, x: Array, values: Arrays, z: Array, loops: Any) -> Array:
        """Write z and give a; relu is taken along, and linear leaves nothing to do."""
        linear, relu = (isinstance(self.activation, kind) for kind in (Linear, ReLU))
        keeps = z is self.z
        a = z if linear else self._room("a", x) if keeps else np.empty_like(z)
        loops.forward(x, values["W"], values.get("b"), z, a if relu else None)
        return a if linear or relu else self._activation.value(z, out=a)

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ = J ∂a/∂z, then `backward_from_delta`; with relu both in one go."""
        if self.explicit or not self._is_for_loops(self._of_pass(self.x), J, self.W):
            return super().backward_pass(J, to_input=to_input)
        if isinstance(self.activation, Linear):
            return self._run_back(J, J, to_input=to_input)
        delta = self._room_for_delta(J)
        if isinstance(self.activation, ReLU):
            return self._run_back(J, delta, to_input=to_input)
        # φ'(z) lies where δ will be: δ is their product in place.
        J_a = Diagonal(self._activation.derivative(self.z, delta))
        return self._run_back(J_a.vjp(J, delta), delta, to_input=to_input, relu=False)

    def _room_for_delta(self, J: Array) -> Array:
        """Where a was, if things are kept: whoever took it has gone back before this layer."""
        reads_on = self.context.buffers is None or self.is_output
        return self._room("delta", J) if reads_on else self._room("a", J)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """See `Filtered.backward_from_delta`."""
        if self.explicit or not self._is_for_loops(self.x, delta, self.W):
            return super().backward_from_delta(delta, to_input=to_input)
        return self._run_back(delta, delta, to_input=to_input, relu=False)

    def _run_back(
        self, J: Array, delta: Array, *, to_input: bool, relu: bool | None = None
    ) -> Array | None:
        """All gradients in one sweep over the images."""
        relu = isinstance(self.activation, ReLU) if relu is None else relu
        upstream = self.context.input_gradient(self.name, self.inputs, J) if to_input else None
        self._loops(self.x).backward(
            self.x,
            np.ascontiguousarray(J),
            self.W,
            z=self.z if relu else None,
            delta=delta if relu else None,
            W_grad=self.W_grad,
            b_grad=self.b_grad if self.bias else None,
            upstream=upstream,
        )
        self.delta = delta
        return upstream

    def _loops(self, x: Array) -> Any:
        """The loops with the room they need, the same in every pass where things are kept."""
        return self.context.cached((self.name, "loops", len(x)), self._new_loops, x)

    def _new_loops(self, x: Array) -> Any:
        from chainrule.nn.images.kernels.convolution import (
            Convolution,  # Numba, only where it is needed
        )
        from chainrule.nn.images.kernels.grids import Shape

        w = self.windows
        shape = Shape(
            w.channels, w.height, w.width, w.rows, w.columns, w.stride, w.padding, self.filters
        )
        return Convolution(shape, len(x), x.dtype)

    def _room(self, what: str, like: Array) -> Array:
        return self.context.buffer(self.name, what, (len(like), self.outputs), like.dtype)

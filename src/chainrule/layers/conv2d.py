"""The convolution a = φ(W ∗ x + b)."""

from __future__ import annotations

from typing import ClassVar

from chainrule.image_jacobians import ConvolutionBiases, ConvolutionInput, ConvolutionWeights
from chainrule.image_jacobians.rows import as_rows, images
from chainrule.layers.base import Arrays
from chainrule.layers.filtered import Filtered
from chainrule.parameters import Array
from chainrule.windows import convolution


class Conv2D(Filtered):
    """z[n, f, i, j] = b[f] + Σ_{c,p,q} W[f, c, p, q] x[n, c, s i + p, s j + q], a = φ(z).

    W has the shape (filters, channels, height, width), b (filters,); s is the stride, x padded.
    What libraries and courses call convolution is strictly a cross-correlation: the filter is
    not turned round. For the arguments see `Filtered`.

    Example:
        >>> from chainrule.layers import Dense, Flatten
        >>> from chainrule.network import Network
        >>> layer = Conv2D(1, [1, 2], bias=False, activation="linear")
        >>> network = Network([layer, Flatten(), Dense(1)], input=[1, 1, 3], loss="mse")
        >>> layer.W = [[[[1.0, 10.0]]]]
        >>> import numpy as np
        >>> layer.forward_pass(np.array([[1.0, 2.0, 3.0]]))
        array([[21., 32.]])
        >>> layer.backward_pass(np.array([[1.0, 1.0]]))
        array([[ 1., 11., 10.]])
        >>> layer.W_grad
        array([[[[3., 5.]]]])
    """

    type: ClassVar[str] = "conv2d"
    formula: ClassVar[str] = "W ∗ x + b"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """W (filters, channels, height, width) and b (filters,)."""
        shapes: dict[str, tuple[int, ...]] = {
            "W": (self.filters, self.input_shape[0], *self.filter_size)
        }
        return {**shapes, "b": (self.filters,)} if self.bias else shapes

    @property
    def uses_of_weights(self) -> int:
        """Once at every place."""
        return self.window_places.down * self.window_places.across

    def _apply(self, x: Array, values: Arrays) -> Array:
        z = convolution.convolve(images(x, self.windows), values["W"], self.windows)
        if self.bias:
            z = z + values["b"][:, None, None]
        return as_rows(z)

    def _jacobian_x(self) -> ConvolutionInput:
        return ConvolutionInput(self.W, self.windows, len(self.x))

    def _jacobian_W(self) -> ConvolutionWeights:
        return ConvolutionWeights(self.x, self.windows, self.filters)

    def _jacobian_b(self) -> ConvolutionBiases:
        return ConvolutionBiases(len(self.x), self.filters, self.windows, self.x.dtype)

"""Filters as of a convolution, but each place has its own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images import local_numpy as local
from chainrule.nn.images.filter_jacobians import ByBiases, ByImages, ByWeights, as_rows, images
from chainrule.nn.images.filtered import Filtered
from chainrule.nn.images.local_jacobians import LocalBiases, LocalInput, LocalWeights
from chainrule.nn.images.sliding import padded, within
from chainrule.nn.layers.base import Arrays


class LocallyConnected2D(Filtered):
    """z[n, f, i, j] = b[i, j, f] + Σ_{c,p,q} W[i, j, f, c, p, q] x[n, c, s i + p, s j + q].

    W has the shape (down, across, filters, channels, height, width): ``W[i, j]`` is what a
    `Conv2D` has for all places. b has the shape (down, across, filters): biases are no more
    shared than weights are. For the arguments see `Filtered`.
    """

    by_images: ClassVar[type[ByImages]] = LocalInput
    by_weights: ClassVar[type[ByWeights]] = LocalWeights
    by_biases: ClassVar[type[ByBiases]] = LocalBiases
    type: ClassVar[str] = "locally_connected2d"
    formula: ClassVar[str] = "W ∗ x + b, W and b of each place"
    formula_without_bias: ClassVar[str] = "W ∗ x, W of each place"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """W (down, across, filters, channels, height, width) and b (down, across, filters)."""
        places = self.output_shape[1:]
        shapes: dict[str, tuple[int, ...]] = {
            "W": (*places, self.filters, self.input_shape[0], *self.filter_size)
        }
        return {**shapes, "b": (*places, self.filters)} if self.bias else shapes

    @property
    def largest_product(self) -> int:
        """That of one place."""
        return super().largest_product // int(self.windows.places)

    def _apply(self, x: Array, values: Arrays) -> Array:
        if self._is_for_loops(x, *values.values()):
            z = np.empty((len(x), self.outputs), x.dtype)
            self._loops().forward(self._padded(x), values["W"], values.get("b"), z)
            return z
        z = local.apply_filters(images(x, self.windows), values["W"], self.windows)
        if self.bias:
            z = z + values["b"].transpose(2, 0, 1)
        return as_rows(z)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """See `Filtered.backward_from_delta`."""
        if self.explicit or not self._is_for_loops(self.x, delta, self.W):
            return super().backward_from_delta(delta, to_input=to_input)
        self.delta = delta
        loops, delta = self._loops(), np.ascontiguousarray(delta)
        x = self._padded(self.x)
        loops.weights(x, delta, self.W_grad, self.b_grad if self.bias else None)
        if not to_input:
            return None
        J = np.empty_like(x)
        loops.images(delta, self.W, J)
        upstream = self.context.input_gradient(self.name, self.inputs, delta)
        return as_rows(within(J.reshape(len(J), *self._padded_image()), self.windows), upstream)

    def _loops(self) -> Any:
        from chainrule.nn.images.kernels.local import Local  # Numba, only where it is needed

        w = self.windows
        image, size = self._padded_image(), (w.rows, w.columns)
        return Local(image, size, w.stride, (w.down, w.across), self.filters)

    def _padded(self, x: Array) -> Array:
        """Rows of images with what lies around them."""
        return np.ascontiguousarray(as_rows(padded(images(x, self.windows), self.windows)))

    def _padded_image(self) -> tuple[int, int, int]:
        channels, height, width = self.windows.image
        top, bottom, left, right = self.windows.padding
        return channels, height + top + bottom, width + left + right

"""Filters as of a convolution, but each place has its own."""

from __future__ import annotations

from typing import ClassVar

from chainrule.image_jacobians import LocalBiases, LocalInput, LocalWeights
from chainrule.image_jacobians.rows import as_rows, images
from chainrule.jacobians import Jacobian
from chainrule.layers.base import Arrays
from chainrule.layers.filtered import Filtered
from chainrule.parameters import Array
from chainrule.windows import local


class LocallyConnected2D(Filtered):
    """z[n, f, i, j] = b[i, j, f] + Σ_{c,p,q} W[i, j, f, c, p, q] x[n, c, s i + p, s j + q].

    W has the shape (down, across, filters, channels, height, width): ``W[i, j]`` is what a
    `Conv2D` has for all places. b has the shape (down, across, filters): biases are no more
    shared than weights are. For the arguments see `Filtered`.
    """

    type: ClassVar[str] = "locally_connected2d"
    formula: ClassVar[str] = "W ∗ x + b, W and b of each place"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """W (down, across, filters, channels, height, width) and b (down, across, filters)."""
        places = self.output_shape[1:]
        shapes: dict[str, tuple[int, ...]] = {
            "W": (*places, self.filters, self.input_shape[0], *self.filter_size)
        }
        return {**shapes, "b": (*places, self.filters)} if self.bias else shapes

    def _apply(self, x: Array, values: Arrays) -> Array:
        z = local.apply_filters(images(x, self.windows), values["W"], self.windows)
        if self.bias:
            z = z + values["b"].transpose(2, 0, 1)
        return as_rows(z)

    def jacobians_at(self, x: Array, W: Array) -> dict[str, Jacobian]:
        """See `Filtered.jacobians_at`."""
        cases, windows = len(x), self.windows
        found: dict[str, Jacobian] = {
            "x": LocalInput(W, windows, cases),
            "W": LocalWeights(x, windows, self.filters),
        }
        if self.bias:
            found["b"] = LocalBiases(cases, self.filters, windows, x.dtype)
        return found

"""The base of layers with filters, whether all places share the filters or not.

Such a layer computes z from the values under each window of an image, and a = φ(z).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

import numpy as np

from chainrule.core.arguments import require_count
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.activations import Activation
from chainrule.nn.images.geometry import Windows, checked_padding, pair, windows_on
from chainrule.nn.jacobians import Diagonal, Jacobian, explicit
from chainrule.nn.layers.base import Arrays, Shape, Weighted, WeightedOptions

# The Jacobians.


class ImageJacobian(Jacobian):
    """A Jacobian with respect to images, one matrix per case.

    Args:
        windows: the positions of the layer's windows.
        count: the number of cases.
        maps: the number of channels of the output.
    """

    __slots__ = ("count", "maps", "windows")
    per_case: ClassVar[tuple[str, ...]] = ("count",)

    def __init__(self, windows: Windows, count: int, maps: int) -> None:
        self.windows = windows
        self.count = count
        self.maps = maps

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, maps · places, channels · height · width)."""
        image = self.windows.channels * self.windows.height * self.windows.width
        return (self.count, self.maps * self.windows.places, image)


class ByImages(ImageJacobian):
    """∂z/∂x: each row has a filter at the position of its window; the same for every case.

    Args:
        W: the filters, (..., filters, channels, rows, columns).
        windows: the positions of the filters.
        count: the number of cases.
    """

    __slots__ = numbers = ("W",)

    def __init__(self, W: Array, windows: Windows, count: int) -> None:
        super().__init__(windows, count, W.shape[-4])
        self.W = W


class ByWeights(Jacobian):
    """∂z/∂W: for each output the inputs under its window, in the columns of its filter.

    Args:
        x: the layer's inputs, (cases, channels · height · width).
        windows: the positions of the filters.
        shape: the shape of W, (..., filters, channels, rows, columns).
    """

    __slots__ = ("shape", "windows", "x")
    per_case = numbers = ("x",)

    def __init__(self, x: Array, windows: Windows, shape: tuple[int, ...]) -> None:
        self.x = x
        self.windows = windows
        self.shape = shape

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, filters · places, *shape)."""
        return (len(self.x), self.shape[-4] * self.windows.places, *self.shape)


class ByBiases(Jacobian):
    """∂z/∂b: 1 where the bias is added to the output, else 0.

    Args:
        count: the number of cases.
        windows: the positions of the filters.
        shape: the shape of b, (..., filters).
        dtype: the type of the matrix.
    """

    __slots__ = ("count", "dtype", "shape", "windows")
    per_case = ("count",)
    numbers = ()

    def __init__(
        self, count: int, windows: Windows, shape: tuple[int, ...], dtype: np.dtype[np.generic]
    ) -> None:
        self.count = count
        self.windows = windows
        self.shape = shape
        self.dtype = dtype

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, filters · places, *shape)."""
        return (self.count, self.shape[-1] * self.windows.places, *self.shape)


# The layers.

WORTH_LOOPS = 20_000
"""Layers with at least this many multiplications per case run in compiled loops."""


class Filtered(Weighted):
    """Filters of one size at every place, whether the places share them or not.

    Args:
        filters: how many, the channels of the output; at least 1.
        size: of a filter, a number or [height, width].
        stride: from one place to the next, a number or [height, width].
        padding: of zeros, a number or [height, width] for every side; ``same`` for as many
            outputs as inputs (⌈· / stride⌉); ``valid`` for none.
        activation: φ, as for `Dense`.
        options: ``bias``, ``weights``, ``biases``, ``learning_rate``, ``penalty``, ``name`` and
            ``inputs``, see `Weighted`.

    Attributes:
        windows: where the filters stand, once connected.
    """

    takes_images: ClassVar[bool] = True
    same_at_every_step: ClassVar[bool] = False
    by_images: ClassVar[type[ByImages]]
    by_weights: ClassVar[type[ByWeights]]
    by_biases: ClassVar[type[ByBiases]]
    """The Jacobians of z with respect to x, W and b."""

    def __init__(
        self,
        filters: int,
        size: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] = 0,
        activation: str | Mapping[str, Any] | Activation | None = None,
        **options: Unpack[WeightedOptions],
    ) -> None:
        super().__init__(activation=activation, **options)
        require_count("filters", filters, 1)
        self.filters = int(filters)
        self.filter_size = pair(size, "size", 1)
        self.stride = pair(stride, "stride", 1)
        self.padding = checked_padding(padding)
        self.windows: Any = None
        self.z: Any = None
        self.a: Any = None

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        (shape,) = shapes
        name = self.name or type(self).__name__
        self.windows = windows_on(shape, self.filter_size, self.stride, self.padding, name)
        self.input_shape = shape
        self.output_shape = (self.filters, self.windows.down, self.windows.across)
        self.size = self.outputs

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """See `Layer.draw`; the fan-in is the number of values under a filter."""
        area = self.windows.rows * self.windows.columns
        fans = self.windows.under, self.filters * area
        start = {"W": self.weights, "b": self.biases}[name]
        return start.draw(self.shapes()[name], rng, fans)

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z and a = φ(z), each (cases, filters · down · across)."""
        z = self._apply(x, values)
        return z, self._activation.value(z)

    @abstractmethod
    def _apply(self, x: Array, values: Arrays) -> Array:
        """z for the given parameters, (cases, outputs)."""

    def forward_pass(self, x: Array) -> Array:
        """The outputs a = φ(z), (cases, outputs)."""
        self.x = x
        self.z, self.a = self.evaluate(x, self._values)
        return self.a

    def jacobians(self) -> dict[str, Jacobian]:
        """``a``: ∂a/∂z; ``x``, ``W`` and ``b``: ∂z with respect to each argument.

        Raises:
            ShapeError: there was no forward pass.
        """
        self._of_pass(self.x)
        J_a = Diagonal(self._activation.derivative(self.z))
        return {"a": J_a, **self.jacobians_at(self.x, self.W)}

    def jacobians_at(self, x: Array, W: Array) -> dict[str, Jacobian]:
        """∂z with respect to ``x``, ``W`` and, where there are biases, ``b``.

        Args:
            x: rows of images.
            W: the filters.
        """
        cases, windows, shapes = len(x), self.windows, self.shapes()
        found: dict[str, Jacobian] = {
            "x": self.by_images(W, windows, cases),
            "W": self.by_weights(x, windows, shapes["W"]),
        }
        if self.bias:
            found["b"] = self.by_biases(cases, windows, shapes["b"], x.dtype)
        return found

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ = ∂L/∂a ∂a/∂z, then `backward_from_delta`."""
        J_a = Diagonal(self._activation.derivative(self._of_pass(self.z)))
        delta = explicit(J_a).vjp(J) if self.explicit else J_a.vjp(J)
        return self.backward_from_delta(delta, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """Write ∂L/∂W and ∂L/∂b, summed over cases and places; return ∂L/∂x if asked for."""
        self.delta = delta
        local = self.jacobians_at(self.x, self.W)
        J_x = local.pop("x")
        for name, J in local.items():
            gradient = self._gradients[name]
            if self.explicit:  # the sum runs over the cases n and the outputs m
                gradient[...] = np.einsum("nm,nm...->...", delta, J.dense())
            else:
                J.vjp(delta, gradient)
        if not to_input:
            return None
        if self.explicit:
            return explicit(J_x).vjp(delta)
        return J_x.vjp(delta, self.context.input_gradient(self.name, self.inputs, delta))

    def _is_for_loops(self, *arrays: Array) -> bool:
        """Whether compiled loops compute this: real arrays of one type, and enough work.

        Raises:
            ShapeError: the layer belongs to no network yet, so that it has no windows.
        """
        if self.windows is None:
            raise ShapeError("a layer of filters looks nowhere before it belongs to a network")
        dtype = arrays[0].dtype
        if dtype.char not in "fd" or any(array.dtype != dtype for array in arrays):
            return False
        return self.outputs * self.windows.under >= WORTH_LOOPS

"""The convolution a = φ(W ∗ x + b): NumPy functions, Jacobians, and the layer.

With stride s and padded x, W ∗ x is Σ_{c,p,q} W[f, c, p, q] x[n, c, s i + p, s j + q] at
[n, f, i, j]. The filter is not flipped, as in all libraries and in the courses; strictly, this is
a cross-correlation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.activations import Linear, ReLU
from chainrule.nn.images.filtered import ByBiases, ByImages, ByWeights, Filtered
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.im2col import (
    as_rows,
    col2im,
    filter_matrix,
    im2col,
    images,
    into,
    maps,
    offsets,
    padded,
    under,
)
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.layers.base import Arrays
from chainrule.nn.parameters import sum_of_rows

# In NumPy, one matrix product for each position (p, q) within the filter.


def convolve(x: Array, W: Array, windows: Windows) -> Array:
    """The convolution, without biases.

    Args:
        x: images, (cases, channels, height, width).
        W: filters, (filters, channels, rows, columns).
        windows: where the filters stand.

    Returns:
        (cases, filters, down, across).

    Example:
        >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
        >>> convolve(x, np.ones((1, 1, 2, 2)), Windows(1, 3, 3, 2, 2))
        array([[[[ 8., 12.],
                 [20., 24.]]]])
    """
    cases, filters = len(x), len(W)
    x = padded(x, windows)
    z = np.zeros((cases, filters, windows.places), np.result_type(x, W))
    for p, q in offsets(windows):
        z += W[:, :, p, q] @ _as_rows(under(x, windows, p, q))
    return z.reshape(cases, filters, windows.down, windows.across)


def input_gradient(delta: Array, W: Array, windows: Windows) -> Array:
    """∂L/∂x from δ = ∂L/∂z: Σ_f W[f, c, p, q] δ[n, f, i, j] is added at [n, c, s i + p, s j + q].

    Args:
        delta: (cases, filters, down, across).
        W: filters, (filters, channels, rows, columns).
        windows: where the filters stand.

    Returns:
        (cases, channels, height, width).
    """
    rows, dtype = _as_rows(delta), np.result_type(delta, W)
    shape = (len(delta), windows.channels, windows.down, windows.across)
    parts = ((W[:, :, p, q].T @ rows).reshape(shape) for p, q in offsets(windows))
    return col2im(parts, windows, len(delta), dtype)


def weight_gradient(x: Array, delta: Array, windows: Windows) -> Array:
    """∂L/∂W from δ = ∂L/∂z: Σ_{n,i,j} δ[n, f, i, j] x[n, c, s i + p, s j + q], x padded.

    Args:
        x: images, (cases, channels, height, width).
        delta: (cases, filters, down, across).
        windows: where the filters stand.

    Returns:
        (filters, channels, rows, columns).
    """
    x, rows = padded(x, windows), _as_rows(delta)
    shape = (delta.shape[1], windows.channels, windows.rows, windows.columns)
    found = np.empty(shape, np.result_type(x, delta))
    for p, q in offsets(windows):
        part = _as_rows(under(x, windows, p, q))
        products = (rows @ part.transpose(0, 2, 1)).reshape(len(x), shape[0] * shape[1])
        found[:, :, p, q] = sum_of_rows(products).reshape(shape[:2])
    return found


def _as_rows(images: Array) -> Array:
    """Images reshaped to (cases, channels, places)."""
    cases, channels, down, across = images.shape
    return images.reshape(cases, channels, down * across)


# The Jacobians.


class ConvolutionInput(ByImages):
    """∂z/∂x: each row has a filter at the position of its window; the same for every case.

    Args:
        W: the filters, (filters, channels, rows, columns).
        windows: where they stand.
        count: the number of cases.

    Example:
        >>> W = np.array([[[[1.0, 2.0]]]])
        >>> ConvolutionInput(W, Windows(1, 1, 3, 1, 2), count=1).dense()
        array([[[1., 2., 0.],
                [0., 1., 2.]]])
    """

    __slots__ = ()

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g (∂z/∂x), which is `input_gradient` for δ = g."""
        return as_rows(input_gradient(maps(g, self.windows), self.W, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """(∂z/∂x) v = W ∗ v."""
        return as_rows(convolve(images(v, self.windows), self.W, self.windows))

    def _dense(self) -> Array:
        matrix = filter_matrix(self.W[None, None], self.windows)
        return np.broadcast_to(matrix, self.dense_shape).copy()


class ConvolutionWeights(ByWeights):
    """∂z/∂W: for each output the inputs under its window, in the columns of its filter.

    For the arguments see `ByWeights`.
    """

    __slots__ = ()

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g (∂z/∂W), summed over cases, in the shape of W: `weight_gradient` for δ = g."""
        x, delta = images(self.x, self.windows), maps(g, self.windows)
        return into(weight_gradient(x, delta, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """(∂z/∂W) v = v ∗ x, for v in the shape of W."""
        return as_rows(convolve(images(self.x, self.windows), v, self.windows))

    def _dense(self) -> Array:
        patches = im2col(images(self.x, self.windows), self.windows)
        own = np.eye(self.shape[0], dtype=bool)[:, None, None, :, None, None, None]
        return (patches[:, None, :, :, None] * own).reshape(self.dense_shape)


class ConvolutionBiases(ByBiases):
    """∂z/∂b: 1 where the output and the bias belong to the same filter, else 0.

    For the arguments see `ByBiases`.

    Example:
        >>> J = ConvolutionBiases(1, Windows(1, 1, 2, 1, 1), (2,), np.dtype(float))
        >>> J.vjp(np.array([[1.0, 2.0, 3.0, 4.0]]))
        array([3., 7.])
    """

    __slots__ = ()

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g (∂z/∂b), the sum of g over cases and places, (filters,)."""
        return into(sum_of_rows(maps(g, self.windows).sum(axis=(2, 3))), out)

    def jvp(self, v: Array) -> Array:
        """(∂z/∂b) v: v, (filters,), repeated at every place of every case."""
        return np.tile(np.repeat(v, self.windows.places), (self.count, 1))

    def _dense(self) -> Array:
        own = np.repeat(np.eye(*self.shape, dtype=self.dtype), self.windows.places, axis=0)
        return np.broadcast_to(own, self.dense_shape).copy()


# The layer.


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
    axes: ClassVar[Mapping[str, str]] = {
        "W": "(filters, channels, height, width)",
        "b": "(filters,)",
    }
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
        z, a = (np.empty((len(x), self.outputs), x.dtype) for _ in range(2))
        return z, self._run(x, values, z, a, self._new_loops(x))

    @property
    def uses_of_weights(self) -> int:
        """How often each weight is used for one case: once at every place."""
        return int(self.windows.places)

    def _apply(self, x: Array, values: Arrays) -> Array:
        z = convolve(images(x, self.windows), values["W"], self.windows)
        if self.bias:
            z = z + values["b"][:, None, None]
        return as_rows(z)

    @property
    def largest_product(self) -> int:
        """0, because the products are computed in compiled loops."""
        return 0

    @property
    def in_loops(self) -> int:
        """Multiplications per case: each output is a sum over the inputs under its window."""
        return self.outputs * int(self.windows.under)

    def forward_pass(self, x: Array) -> Array:
        """The outputs a = φ(W ∗ x + b), (cases, outputs)."""
        if not self._is_for_loops(x, self.W):
            return super().forward_pass(x)
        self.x = x = np.ascontiguousarray(x)
        self.z = self._room("z", x)
        a = self.z if self._is(Linear) else self._room("a", x)
        self.a = self._run(x, self._values, self.z, a, self._loops(x))
        return self.a

    def _is(self, kind: Any) -> bool:
        """Whether φ is exactly of this type; a derived class may compute something else."""
        return type(self.activation) is kind

    def _run(self, x: Array, values: Arrays, z: Array, a: Array, loops: Any) -> Array:
        """Compute z and return a; the loops also compute relu, and for linear a is z itself."""
        relu = self._is(ReLU)
        loops.forward(x, values["W"], values.get("b"), z, a if relu else None)
        if self._is(Linear):
            return z
        return a if relu else self._activation.value(z, out=a)

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ = ∂L/∂a ∂a/∂z, then `backward_from_delta`; for relu the loops compute both."""
        if self.explicit or not self._is_for_loops(self._of_pass(self.x), J, self.W):
            return super().backward_pass(J, to_input=to_input)
        if self._is(Linear):
            return self._run_back(J, J, to_input=to_input)
        # δ may overwrite a, because the layers that read a have finished their backward pass. But
        # a of the last layer is read after the passes, and without buffers the caller holds a.
        is_read = self.context.buffers is None or self.is_output
        delta = self._room("delta" if is_read else "a", J)
        if self._is(ReLU):
            return self._run_back(J, delta, to_input=to_input, relu=True)
        # The array of δ first holds φ'(z), which is then multiplied by ∂L/∂a in place.
        J_a = Diagonal(self._activation.derivative(self.z, delta))
        return self._run_back(J_a.vjp(J, delta), delta, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """See `Filtered.backward_from_delta`."""
        if self.explicit or not self._is_for_loops(self.x, delta, self.W):
            return super().backward_from_delta(delta, to_input=to_input)
        return self._run_back(delta, delta, to_input=to_input)

    def _run_back(
        self, J: Array, delta: Array, *, to_input: bool, relu: bool = False
    ) -> Array | None:
        """Compute all gradients in one call, from J = δ, or for relu from J = ∂L/∂a."""
        gradient = self.context.input_gradient(self.name, self.inputs, J) if to_input else None
        self._loops(self.x).backward(
            self.x,
            np.ascontiguousarray(J),
            self.W,
            z=self.z if relu else None,
            delta=delta if relu else None,
            W_grad=self.W_grad,
            b_grad=self.b_grad if self.bias else None,
            input_gradient=gradient,
        )
        self.delta = delta
        return gradient

    def _loops(self, x: Array) -> Any:
        """The compiled loops and their buffers, reused in later passes if buffers are kept."""
        return self.context.cached((self.name, "loops", len(x)), self._new_loops, x)

    def _new_loops(self, x: Array) -> Any:
        # Imported here, because Numba takes long to load.
        from chainrule.nn.images.kernels.convolution import Convolution

        return Convolution(self.windows, self.filters, len(x), x.dtype)

    def _room(self, what: str, like: Array) -> Array:
        return self.context.buffer(self.name, what, (len(like), self.outputs), like.dtype)

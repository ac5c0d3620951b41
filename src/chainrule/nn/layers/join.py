"""Layers with several inputs: their sum, and their concatenation; and their Jacobians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.notation import sizes_text
from chainrule.core.sequences import overflow_is_no_padding
from chainrule.nn.jacobians import Jacobian
from chainrule.nn.layers.base import Arrays, ParameterFree, Shape

# The Jacobians. Every element of their explicit matrices is 0 or 1. These are float32 to save
# memory; their product with a float64 array is float64.


@dataclass(eq=False, repr=False)
class SumJacobian(Jacobian):
    """[I I … I]: the Jacobian of x₁ + … + x_k with respect to the concatenation (x₁ … x_k).

    Args:
        count: the number of cases.
        terms: k, the number of terms.
        size: n, the length of each term.

    Example:
        >>> SumJacobian(1, 2, 2).dense()[0].astype(int)
        array([[1, 0, 1, 0],
               [0, 1, 0, 1]])
    """

    count: int
    terms: int
    size: int
    per_case = ("count",)
    numbers = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, k n)."""
        return (self.count, self.size, self.terms * self.size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g repeated k times, (g g … g)."""
        return np.concatenate([g] * self.terms, axis=1, out=out)

    def jvp(self, v: Array) -> Array:
        """The sum v₁ + … + v_k."""
        return v.reshape(len(v), self.terms, self.size).sum(axis=1)

    def _dense(self) -> Array:
        matrix = np.tile(np.eye(self.size, dtype="float32"), (1, self.terms))
        return np.broadcast_to(matrix, self.dense_shape).copy()


@dataclass(eq=False, repr=False)
class Reordering(Jacobian):
    """A permutation matrix: the Jacobian of y = x[order].

    Args:
        count: the number of cases.
        order: the index in x of each element of y, (n,).

    Example:
        >>> J = Reordering(1, np.array([2, 0, 1]))
        >>> J.jvp(np.array([[5.0, 6.0, 7.0]])), J.vjp(np.array([[5.0, 6.0, 7.0]]))
        (array([[7., 5., 6.]]), array([[6., 7., 5.]]))
    """

    count: int
    order: Array
    per_case = ("count",)
    numbers = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, n)."""
        return (self.count, len(self.order), len(self.order))

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Each element of g, moved to the index in x of its element of y."""
        out = np.empty_like(g) if out is None else out
        out[:, self.order] = g
        return out

    def jvp(self, v: Array) -> Array:
        """v[order]."""
        return v[:, self.order]

    def _dense(self) -> Array:
        matrix = np.eye(len(self.order), dtype="float32")[self.order]
        return np.broadcast_to(matrix, self.dense_shape).copy()


# The layers


class Join(ParameterFree):
    """A linear map, without parameters, of the outputs of several layers, the sources.

    For each case, x is the concatenation of the sources' rows, in the order of ``inputs``.

    Args:
        inputs: the names of at least two layers; ``input`` is the network's input. A name may
            occur more than once, and then counts as often.
        name: see `Layer`.
    """

    joins: ClassVar[bool] = True
    same_at_every_step: ClassVar[bool] = False

    _widths: tuple[int, ...] = ()

    def gather(self, arrays: Sequence[Array]) -> Array:
        """The sources' rows, concatenated, (cases, inputs)."""
        return np.concatenate(arrays, axis=1)

    def part(self, J: Array) -> Sequence[Array]:
        """The columns of J that belong to each source."""
        return np.split(J, list(accumulate(self._widths))[:-1], axis=1)

    def _take(self, shapes: Sequence[Shape], output: Shape) -> None:
        self._widths = tuple(map(prod, shapes))
        self.input_shape, self.output_shape = (sum(self._widths),), output
        self.size = prod(output)

    def _fed(self, shapes: Sequence[Shape]) -> str:
        """For a message, such as ``dense_1 gives 4 and dense_2 gives 3 x 8 x 8``."""
        named = zip(self.sources, shapes, strict=True)
        return " and ".join(f"{name} gives {sizes_text(shape)}" for name, shape in named)


class Add(Join):
    """The sum of its sources' outputs, which must have the same shape: y = x₁ + x₂ + ….

    The gradient with respect to each source is that of y. A sum of the input and output of a few
    layers makes them a residual block.

    Raises:
        ConfigError: the sources are of different shapes.

    Example:
        >>> from chainrule.nn import Dense
        >>> from chainrule.nn.network import Network
        >>> network = Network(
        ...     [Dense(2, "linear", name="f"), Add(inputs=["input", "f"])], input=2, loss="mse")
        >>> network.layers[0].W = [[0.0, 0.0], [0.0, 0.0]]
        >>> network.forward_pass([[3.0, 4.0]])
        array([[3., 4.]])
    """

    type: ClassVar[str] = "add"
    formula: ClassVar[str] = "x₁ + x₂ + …"
    keeps_width: ClassVar[bool] = True

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        if len(set(shapes)) > 1:
            raise ConfigError(f"{self.name} adds what has one shape, but {self._fed(shapes)}")
        self._take(shapes, shapes[0])

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z = y, the sum; in sequences, NaN at padding and at no other step."""
        terms = self.part(x)
        y = sum(terms[1:], start=terms[0])
        if len(self.output_shape) == 2:
            shape = (len(x), *self.output_shape)
            overflow_is_no_padding(y.reshape(shape), terms[0].reshape(shape))
        return y, y

    def _jacobian_x(self) -> SumJacobian:
        return SumJacobian(len(self.x), len(self._widths), self.size)


class Concatenate(Join):
    """The concatenation of its sources' outputs.

    Images (channels, height, width) are joined along the channels, and sequences (steps, features)
    and rows (features,) along the features; the other sizes must be the same.

    Attributes:
        order: the index in x of each number of the output, (outputs,).
        axis: the axis along which the sources are joined, counted with the cases as axis 0.

    Raises:
        ConfigError: the sources do not fit each other.

    Example:
        >>> from chainrule.nn import Dense
        >>> from chainrule.nn.network import Network
        >>> network = Network(
        ...     [Dense(3, name="f"), Concatenate(inputs=["f", "input"]), Dense(1)], input=2)
        >>> network.layers[1].output_shape
        (5,)
    """

    type: ClassVar[str] = "concatenate"
    formula: ClassVar[str] = "x₁ and x₂ …, one behind the other"

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        axis = 1 if len(shapes[0]) == 2 else 0
        self.axis = axis + 1
        rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
        if len({len(shape) for shape in shapes}) > 1 or len(rest) > 1:
            along = ("features", "features", "channels")[min(len(shapes[0]), 3) - 1]
            raise ConfigError(
                f"{self.name} joins along the {along}, all other sizes being the same, but "
                f"{self._fed(shapes)}"
            )
        joined = sum(shape[axis] for shape in shapes)
        self._take(shapes, (*shapes[0][:axis], joined, *shapes[0][axis + 1 :]))
        places = np.split(np.arange(self.inputs), list(accumulate(self._widths))[:-1])
        laid = [place.reshape(shape) for place, shape in zip(places, shapes, strict=True)]
        self.order = np.concatenate(laid, axis=axis).ravel()
        self._moves = not np.array_equal(self.order, np.arange(self.inputs))

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z = y, the numbers of x in their new order."""
        y = x[:, self.order] if self._moves else x
        return y, y

    def _jacobian_x(self) -> Reordering:
        return Reordering(len(self.x), self.order)

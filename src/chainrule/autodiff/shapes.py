"""Linear operations: sums, reshaping, indexing, and the product of matrices.

Reverse mode multiplies by the transpose of a linear map, which is linear too. The operations come
in pairs of transposes, such as sum and broadcast, or indexing and scattering; the product of
matrices is linear in each factor. Every derivative therefore has a derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from chainrule.autodiff.node import (
    CALL,
    NUMPY_FUNCTIONS,
    PRODUCT,
    Node,
    Operation,
    Pullback,
    apply,
    lift,
    register,
)
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError

Axis = int | tuple[int, ...] | None


def _linear(
    name: str,
    forward: Callable[..., Any],
    *backward: Pullback,
    expects: str,
    formula: str = "",
    binding: int = CALL,
) -> None:
    register(
        Operation(name, formula or f"{name}({{0}})", binding, forward, backward, expects=expects)
    )


# Sums


def _with_ones(a: Array | Node, axis: Axis) -> tuple[int, ...]:
    """The shape of ``a`` with a 1 in place of the summed axes."""
    axes = range(a.ndim) if axis is None else np.atleast_1d(np.asarray(axis)).tolist()
    summed = {int(k) % a.ndim for k in axes}
    return tuple(1 if k in summed else n for k, n in enumerate(a.shape))


def _spread(g: Node, y: Node, a: Node) -> Node:
    """The gradient g, broadcast along the summed axes to the shape of ``a``."""
    shape = _with_ones(a, y.options["axis"])
    return apply("broadcast_to", apply("reshape", g, shape=shape), shape=a.shape)


def _mean(a: Array, axis: Axis, keepdims: bool) -> Any:
    total = a.sum(axis=axis, keepdims=keepdims)
    return total / (a.size // max(1, np.size(total)))


def _mean_back(g: Node, y: Node, a: Node) -> Node:
    count = prod(a.shape) // max(1, prod(y.shape))  # numbers of a in each mean
    return _spread(g / float(count), y, a)


def sum_to(a: Array, shape: tuple[int, ...]) -> Array:
    """``a`` summed over its broadcast axes, back to ``shape``."""
    leading = tuple(range(a.ndim - len(shape)))
    a = a.sum(axis=leading)
    ones = tuple(k for k, n in enumerate(shape) if n == 1 and a.shape[k] != 1)
    return np.asarray(a.sum(axis=ones, keepdims=True)).reshape(shape)


_linear(
    "sum",
    lambda a, axis, keepdims: a.sum(axis=axis, keepdims=keepdims),
    _spread,
    expects="an axis of the array",
    formula="Σ {0}",
    binding=PRODUCT,
)
_linear("mean", _mean, _mean_back, expects="an axis of the array")
_linear(
    "broadcast_to",
    lambda a, shape: np.broadcast_to(a, shape).copy(),
    lambda g, y, a: apply("sum_to", g, shape=a.shape),
    expects="a shape that the array can be broadcast to",
    formula="broadcast({0})",
)
_linear(
    "sum_to",
    sum_to,
    lambda g, y, a: apply("broadcast_to", g, shape=a.shape),
    expects="a shape that can be broadcast to the array's",
    formula="Σ {0}",
    binding=PRODUCT,
)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """The sum over an axis, several, or all."""
    return apply("sum", x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """The mean over an axis, several, or all."""
    return apply("mean", x, axis=axis, keepdims=keepdims)


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Node:
    """The array broadcast to a larger shape."""
    return apply("broadcast_to", x, shape=tuple(shape))


# Reshaping and indexing


def _scatter(a: Array, key: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` with ``a`` added at ``key``; an index that occurs twice gets both."""
    out = np.zeros(shape, dtype=a.dtype)
    if _is_basic(key):
        out[key] += a
    else:
        np.add.at(out, key, a)
    return out


def _is_basic(key: Any) -> bool:
    """Whether this is NumPy's basic indexing, which selects no element twice."""
    parts = key if isinstance(key, tuple) else (key,)
    plain = (int, np.integer, slice, type(None), type(Ellipsis))
    return all(isinstance(p, plain) and not isinstance(p, bool) for p in parts)


def _part(k: int) -> Pullback:
    """The pullback of a concatenation for its array number ``k``."""

    def backward(g: Node, y: Node, *inputs: Node) -> Node:
        """The slice of g that belongs to this array along the joined axis."""
        axis = y.options["axis"] % y.ndim
        sizes = [node.shape[axis] for node in inputs]
        first = int(np.sum(sizes[:k]))
        key = (*[slice(None)] * axis, slice(first, first + sizes[k]))
        return apply("getitem", g, key=key)

    return backward


_linear(
    "reshape",
    lambda a, shape: a.reshape(shape),
    lambda g, y, a: apply("reshape", g, shape=a.shape),
    expects="a shape of as many numbers",
)
_linear(
    "transpose",
    lambda a, axes: a.transpose(axes),
    lambda g, y, a: apply("transpose", g, axes=tuple(np.argsort(y.options["axes"]).tolist())),
    expects="every axis of the array once",
)
_linear(
    "getitem",
    lambda a, key: a[key].copy(),
    lambda g, y, a: apply("scatter", g, shape=a.shape, **y.options),
    expects="an index that lies in the array",
    formula="{0}[{key}]",
)
_linear(
    "scatter",
    _scatter,
    lambda g, y, a: apply("getitem", g, key=y.options["key"]),
    expects="numbers that fit the places",
)
_linear(
    "astype",
    lambda a, dtype: a.astype(dtype),
    lambda g, y, a: apply("astype", g, dtype=a.dtype),
    expects="a type of numbers",
    formula="{0}",
)
_linear("identity", lambda a: a, lambda g, y, a: g, expects="an array", formula="{0}")
register(
    Operation(
        "concatenate",
        "[{all}]",
        CALL,
        lambda *arrays, axis: np.concatenate(arrays, axis=axis),
        _part,
        expects="at least one array, and the same shape in all axes but the joined one",
    )
)


def reshape(x: Any, shape: Any) -> Node:
    """The same numbers in another shape."""
    return apply("reshape", x, shape=shape)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Node:
    """The axes in another order; reversed if none is given."""
    node = lift([x])[0]
    return node.T if axes is None else apply("transpose", node, axes=tuple(axes))


def concatenate(arrays: Sequence[Any], axis: int = 0) -> Node:
    """The arrays joined along an axis.

    Example:
        >>> from chainrule.autodiff import variable
        >>> concatenate([variable([1.0]), [2.0, 3.0]]).value
        array([1., 2., 3.])
    """
    if not arrays:
        raise ShapeError("concatenate expects at least one array, found none")
    return apply("concatenate", *arrays, axis=axis)


def identity(x: Any) -> Node:
    """A new node with the value of x; a derivative by this node leaves out other uses of x."""
    return apply("identity", x)


NUMPY_FUNCTIONS.update(
    {
        np.sum: sum,
        np.mean: mean,
        np.broadcast_to: broadcast_to,
        np.reshape: reshape,
        np.transpose: transpose,
        np.concatenate: concatenate,
    }
)


# The product of matrices


def _as_matrices(g: Node, a: Node, b: Node) -> tuple[Node, Node, Node]:
    """g, a and b of a product a b as matrices: a vector a is a row, a vector b is a column."""
    rows = a.reshape((1, *a.shape)) if a.ndim == 1 else a
    columns = b.reshape((*b.shape, 1)) if b.ndim == 1 else b
    stack = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    return g.reshape((*stack, rows.shape[-2], columns.shape[-1])), rows, columns


def _swapped(a: Node) -> Node:
    """The last two axes exchanged."""
    return apply("transpose", a, axes=(*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))


def _like(gradient: Node, matrices: Node, a: Node) -> Node:
    """A gradient summed to the shape of ``matrices``, then in the shape of ``a``, the factor."""
    if gradient.shape != matrices.shape:
        gradient = apply("sum_to", gradient, shape=matrices.shape)
    return gradient if gradient.shape == a.shape else gradient.reshape(a.shape)


def _left_factor(g: Node, y: Node, a: Node, b: Node) -> Node:
    """The gradient of the left factor, g bᵀ."""
    g, rows, columns = _as_matrices(g, a, b)
    return _like(g @ _swapped(columns), rows, a)


def _right_factor(g: Node, y: Node, a: Node, b: Node) -> Node:
    """The gradient of the right factor, aᵀ g."""
    g, rows, columns = _as_matrices(g, a, b)
    return _like(_swapped(rows) @ g, columns, b)


register(
    Operation(
        "matmul",
        "{0} {1}",
        PRODUCT,
        np.matmul,
        (_left_factor, _right_factor),
        expects="as many columns on the left as rows on the right, and stacks that can be "
        "broadcast",
    ),
    np.matmul,
)

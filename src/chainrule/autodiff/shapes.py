"""Operations that move and add numbers, and the product of matrices: all linear.

The way back through a linear map is another linear map. They stand here in pairs, each the way
back of the other: sum and broadcast, indexing and scattering, reshaping and transposing and their
inverses. Therefore every derivative has a derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from chainrule.autodiff.node import CALL, PRODUCT, Node, Operation, Pullback, apply, register
from chainrule.core.arrays import Array

Axis = int | tuple[int, ...] | None


def _kept(a: Array | Node, axis: Axis) -> tuple[int, ...]:
    """The shape of ``a`` with the summed axes kept as 1."""
    axes = range(a.ndim) if axis is None else np.atleast_1d(np.asarray(axis)).tolist()
    summed = {int(k) % a.ndim for k in axes}
    return tuple(1 if k in summed else n for k, n in enumerate(a.shape))


def _spread(g: Node, y: Node, a: Node) -> Node:
    """G for every number of ``a`` that was summed."""
    kept = _kept(a, y.options["axis"])
    return apply("broadcast_to", apply("reshape", g, shape=kept), shape=a.shape)


def _count(y: Node, a: Node) -> int:
    """How many numbers were added to make one of y."""
    return prod(a.shape) // max(1, prod(y.shape))


def _sum(a: Array, axis: Axis, keepdims: bool) -> Any:
    return a.sum(axis=axis, keepdims=keepdims)


def _mean(a: Array, axis: Axis, keepdims: bool) -> Any:
    total = a.sum(axis=axis, keepdims=keepdims)
    return total / (a.size // max(1, np.size(total)))


def sum_to(a: Array, shape: tuple[int, ...]) -> Array:
    """``a`` summed to a shape that broadcasting made it from."""
    leading = tuple(range(a.ndim - len(shape)))
    a = a.sum(axis=leading)
    ones = tuple(k for k, n in enumerate(shape) if n == 1 and a.shape[k] != 1)
    return np.asarray(a.sum(axis=ones, keepdims=True)).reshape(shape)


def _scatter(a: Array, key: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` with ``a`` added where ``key`` says; places named twice get both."""
    out = np.zeros(shape, dtype=a.dtype)
    if _is_basic(key):
        out[key] += a
    else:
        np.add.at(out, key, a)
    return out


def _is_basic(key: Any) -> bool:
    """Whether no place can be named twice."""
    parts = key if isinstance(key, tuple) else (key,)
    plain = (int, np.integer, slice, type(None), type(Ellipsis))
    return all(isinstance(p, plain) and not isinstance(p, bool) for p in parts)


def _transposed_back(g: Node, y: Node, a: Node) -> Node:
    back = tuple(int(k) for k in np.argsort(y.options["axes"]))
    return apply("transpose", g, axes=back)


def _concatenate(*arrays: Array, axis: int) -> Array:
    return np.concatenate(arrays, axis=axis)


def _part(k: int) -> Pullback:
    """The part of g that belongs to array number ``k`` of a concatenation."""

    def backward(g: Node, y: Node, *inputs: Node) -> Node:
        """The stretch of g along the joined axis that this array filled."""
        axis = y.options["axis"] % y.ndim
        sizes = [node.shape[axis] for node in inputs]
        first = sum(sizes[:k])
        key = (*[slice(None)] * axis, slice(first, first + sizes[k]))
        return apply("getitem", g, key=key)

    return backward


def _as_matrices(g: Node, a: Node, b: Node) -> tuple[Node, Node, Node]:
    """The three arrays of a product a b with vectors written as a row and a column."""
    rows = a.reshape((1, *a.shape)) if a.ndim == 1 else a
    columns = b.reshape((*b.shape, 1)) if b.ndim == 1 else b
    stack = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    return g.reshape((*stack, rows.shape[-2], columns.shape[-1])), rows, columns


def _swapped(a: Node) -> Node:
    """The last two axes exchanged."""
    return apply("transpose", a, axes=(*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))


def _like(product: Node, rows: Node, a: Node) -> Node:
    """A product's stacked matrices summed to those of ``rows``, in the shape of ``a``."""
    if product.shape != rows.shape:
        product = apply("sum_to", product, shape=rows.shape)
    return product if product.shape == a.shape else product.reshape(a.shape)


def _left_factor(g: Node, y: Node, a: Node, b: Node) -> Node:
    """G Bᵀ."""
    g, rows, columns = _as_matrices(g, a, b)
    return _like(g @ _swapped(columns), rows, a)


def _right_factor(g: Node, y: Node, a: Node, b: Node) -> Node:
    """Aᵀ G."""
    g, rows, columns = _as_matrices(g, a, b)
    return _like(_swapped(rows) @ g, columns, b)


def _line(
    name: str, formula: str, forward: Any, backward: Any, expects: str, binding: int = CALL
) -> Operation:
    return Operation(name, formula, binding, forward, backward, expects=expects)


def _each(backward: Pullback) -> Sequence[Pullback]:
    return (backward,)


SHAPES = (
    _line("sum", "Σ {0}", _sum, _each(_spread), "an axis of the array", PRODUCT),
    _line(
        "mean",
        "mean({0})",
        _mean,
        _each(lambda g, y, a: _spread(g / float(_count(y, a)), y, a)),
        "an axis of the array",
    ),
    _line(
        "broadcast_to",
        "broadcast({0})",
        lambda a, shape: np.broadcast_to(a, shape).copy(),
        _each(lambda g, y, a: apply("sum_to", g, shape=a.shape)),
        "a shape that the array can be broadcast to",
    ),
    _line(
        "sum_to",
        "Σ {0}",
        sum_to,
        _each(lambda g, y, a: apply("broadcast_to", g, shape=a.shape)),
        "a shape that can be broadcast to the array's",
        PRODUCT,
    ),
    _line(
        "reshape",
        "reshape({0})",
        lambda a, shape: a.reshape(shape),
        _each(lambda g, y, a: apply("reshape", g, shape=a.shape)),
        "a shape of as many numbers",
    ),
    _line(
        "transpose",
        "transpose({0})",
        lambda a, axes: a.transpose(axes),
        _each(_transposed_back),
        "every axis of the array once",
    ),
    _line(
        "getitem",
        "{0}[{key}]",
        lambda a, key: a[key].copy(),
        _each(lambda g, y, a: apply("scatter", g, shape=a.shape, **y.options)),
        "an index that lies in the array",
    ),
    _line(
        "scatter",
        "scatter({0})",
        _scatter,
        _each(lambda g, y, a: apply("getitem", g, key=y.options["key"])),
        "numbers that fit the places",
    ),
    _line(
        "concatenate",
        "[{all}]",
        _concatenate,
        _part,
        "at least one array, and the same shape in all axes but the joined one",
    ),
    _line(
        "matmul",
        "{0} {1}",
        np.matmul,
        (_left_factor, _right_factor),
        "as many columns on the left as rows on the right, and stacks that can be broadcast",
        PRODUCT,
    ),
    _line(
        "astype",
        "{0}",
        lambda a, dtype: a.astype(dtype),
        _each(lambda g, y, a: apply("astype", g, dtype=a.dtype)),
        "a type of numbers",
    ),
    _line("identity", "{0}", lambda a: a, _each(lambda g, y, a: g), "an array"),
)
"""Linear operations, one way back an argument."""

register(*SHAPES)

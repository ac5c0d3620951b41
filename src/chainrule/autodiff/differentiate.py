"""Derivatives of functions: gradient, Jacobian, Hessian and their products with vectors.

Every function here takes a function of arrays that is written in the graph's operations, and the
point to differentiate at. Given arrays it returns arrays. Given a `Node`, as it is within another
derivative, it returns a `Node`, which can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.autodiff.functions import concatenate, identity
from chainrule.autodiff.node import Node, constant, variable
from chainrule.autodiff.walk import backpropagate
from chainrule.core.errors import ShapeError

Function = Callable[..., Any]


def gradient(function: Function, *arguments: Any) -> Any:
    """∇f = ∂f/∂x of a function with a single number as its value.

    Args:
        function: f.
        arguments: of f; arrays, numbers or nodes.

    Returns:
        An array of the argument's shape and type; a tuple of them for several arguments.

    Raises:
        ShapeError: the value is not a single number.

    Example:
        >>> gradient(lambda x: (x ** 3).sum(), [1.0, 2.0])
        array([ 3., 12.])
        >>> gradient(lambda x, y: x * y, 3.0, 5.0)
        (array(5.), array(3.))

        The gradient of a gradient:

        >>> gradient(lambda x: gradient(lambda u: u ** 3, x), 2.0)
        array(12.)
    """
    points = tuple(_point(a) for a in arguments)
    value = _value(function, *points)
    if value.size != 1:
        raise ShapeError(
            f"a gradient is of a function with a single number as its value, found the shape "
            f"{value.shape}; sum it up, or use jacobian or vjp"
        )
    found = tuple(_given(g, arguments) for g in backpropagate(value, points))
    return found[0] if len(found) == 1 else found


def vjp(function: Function, x: Any, g: Any) -> Any:
    """G J, with J = ∂f/∂x: one pass back.

    Args:
        function: f.
        x: where; any shape.
        g: of the shape of f(x).

    Returns:
        Σ_j g_j ∂f_j/∂x, of the shape of x.

    Raises:
        ShapeError: g has another shape.

    Example:
        >>> vjp(lambda x: x ** 2, [1.0, 2.0], [10.0, 100.0])
        array([ 20., 400.])
    """
    point = _point(x)
    value = _value(function, point)
    return _given(backpropagate(value, [point], _weights(g, value))[0], (x, g))


def jvp(function: Function, x: Any, v: Any) -> Any:
    """J v, with J = ∂f/∂x: how the value moves as x moves along v.

    g J is linear in g, and its derivative by g is Jᵀ: the pass back differentiated once more, so
    that no second table of derivatives is needed.

    Args:
        function: f.
        x: where; any shape.
        v: of the shape of x.

    Returns:
        Σ_i ∂f/∂x_i v_i, of the shape of f(x).

    Raises:
        ShapeError: v has another shape.

    Example:
        >>> jvp(lambda x: x ** 2, [1.0, 2.0], [10.0, 100.0])
        array([ 20., 400.])
    """
    point = _point(x)
    value = _value(function, point)
    g = Node(np.zeros_like(value.value))
    product = backpropagate(value, [point], g)[0]
    return _given(backpropagate(product, [g], _weights(v, point))[0], (x, v))


def jacobian(function: Function, x: Any) -> Any:
    """J[j, i] = ∂f_j/∂x_i, every number of the value by every number of x.

    One pass back for each number of the value.

    Args:
        function: f.
        x: where; any shape.

    Returns:
        The shape of f(x) followed by that of x.

    Example:
        >>> jacobian(lambda x: x[0] * x, [2.0, 3.0])
        array([[4., 0.],
               [3., 2.]])
    """
    point = _point(x)
    value = _value(function, point)
    rows = []
    for j in range(value.size):
        g = np.zeros(value.size, dtype=value.dtype)
        g[j] = 1
        rows.append(backpropagate(value, [point], Node(g.reshape(value.shape)))[0])
    shape = (*value.shape, *point.shape)
    if not rows:
        return _given(Node(np.zeros(shape, dtype=point.dtype)), (x,))
    return _given(concatenate([row.reshape((-1,)) for row in rows]).reshape(shape), (x,))


def hessian(function: Function, x: Any) -> Any:
    """H[i, k] = ∂²f / ∂x_i ∂x_k, the Jacobian of the gradient.

    Args:
        function: f, with a single number as its value.
        x: where; any shape.

    Returns:
        The shape of x twice.

    Raises:
        ShapeError: the value is not a single number.

    Example:
        >>> hessian(lambda x: x[0] ** 2 * x[1], [1.0, 3.0])
        array([[6., 2.],
               [2., 0.]])
    """
    return jacobian(lambda point: gradient(function, point), x)


def _point(x: Any) -> Node:
    """A node of one's own at x: uses of x elsewhere do not belong to this derivative."""
    return identity(x) if isinstance(x, Node) else variable(x)


def _value(function: Function, *points: Node) -> Node:
    value = function(*points)
    return value if isinstance(value, Node) else constant(value, points[0])


def _weights(g: Any, like: Node) -> Node:
    weights = g if isinstance(g, Node) else constant(g, like)
    if weights.shape != like.shape:
        raise ShapeError(f"the vector has to have the shape {like.shape}, found {weights.shape}")
    return weights


def _given(result: Node, given: tuple[Any, ...]) -> Any:
    """A node where a node was given, else the array."""
    return result if any(isinstance(x, Node) for x in given) else result.value

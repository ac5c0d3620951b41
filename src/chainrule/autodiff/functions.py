"""The operations as functions: of nodes, arrays or numbers, giving a node.

Sums, differences, products, quotients, powers, ``@``, indexing and comparisons are Python's own
operators on a `Node`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.autodiff.node import Node, apply, constant, lift, value_of
from chainrule.core.errors import ShapeError


def exp(x: Any) -> Node:
    """Eˣ."""
    return apply("exp", x)


def expm1(x: Any) -> Node:
    """Eˣ − 1, to full precision near 0."""
    return apply("expm1", x)


def log(x: Any) -> Node:
    """Ln x, the natural logarithm."""
    return apply("log", x)


def log1p(x: Any) -> Node:
    """Ln(1 + x), to full precision near 0."""
    return apply("log1p", x)


def sqrt(x: Any) -> Node:
    """√x."""
    return apply("sqrt", x)


def square(x: Any) -> Node:
    """x²."""
    return apply("square", x)


def sin(x: Any) -> Node:
    """Sin x."""
    return apply("sin", x)


def cos(x: Any) -> Node:
    """Cos x."""
    return apply("cos", x)


def tan(x: Any) -> Node:
    """Tan x."""
    return apply("tan", x)


def arctan(x: Any) -> Node:
    """Arctan x."""
    return apply("arctan", x)


def sinh(x: Any) -> Node:
    """Sinh x."""
    return apply("sinh", x)


def cosh(x: Any) -> Node:
    """Cosh x."""
    return apply("cosh", x)


def tanh(x: Any) -> Node:
    """Tanh x; its derivative is 1 / cosh² x, which keeps its digits where tanh is near 1."""
    return apply("tanh", x)


def erf(x: Any) -> Node:
    """The error function; its derivative is 2 e^(−x²) / √π."""
    return apply("erf", x)


def sigmoid(x: Any) -> Node:
    """σ(x) = 1 / (1 + e⁻ˣ); its derivative is σ(x) σ(−x)."""
    return apply("sigmoid", x)


def softplus(x: Any) -> Node:
    """Ln(1 + eˣ); its derivative is σ(x)."""
    return apply("softplus", x)


def normal_cdf(x: Any) -> Node:
    """Φ(x), the distribution function of the standard normal."""
    return apply("normal_cdf", x)


def relu(x: Any, at_zero: float = 0.0) -> Node:
    """max(x, 0).

    Args:
        x: nodes, arrays or numbers.
        at_zero: what the derivative at 0 is said to be; the library's is 0.

    Example:
        >>> from chainrule.autodiff import gradient
        >>> gradient(relu, 0.0), gradient(lambda x: relu(x, at_zero=1.0), 0.0)
        (array(0.), array(1.))
    """
    return apply("relu", x, at_zero=at_zero)


def absolute(x: Any) -> Node:
    """|x|; its derivative is sign(x), 0 at 0."""
    return apply("abs", x)


def sign(x: Any) -> Node:
    """−1, 0 or 1; its derivative is 0."""
    return apply("sign", x)


def maximum(a: Any, b: Any) -> Node:
    """The larger of two, elementwise; where they are equal, b gets the whole gradient.

    So ``maximum(z, 0)`` has the derivative 0 at 0, as relu has.
    """
    return apply("maximum", a, b)


def minimum(a: Any, b: Any) -> Node:
    """The smaller of two, elementwise; where they are equal, b gets the whole gradient."""
    return apply("minimum", a, b)


def where(condition: Any, a: Any, b: Any) -> Node:
    """A where the condition holds, else b; the condition is a constant.

    Args:
        condition: an array of true and false, such as ``z > 0``.
        a: node, array or number.
        b: node, array or number.
    """
    like = next((x for x in (a, b) if isinstance(x, Node)), None)
    return apply("where", constant(value_of(condition), like), a, b)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """The sum over an axis, several, or all."""
    return apply("sum", x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """The mean over an axis, several, or all."""
    return apply("mean", x, axis=axis, keepdims=keepdims)


def reshape(x: Any, shape: Any) -> Node:
    """The same numbers in another shape."""
    return apply("reshape", x, shape=shape)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Node:
    """The axes in another order; reversed if none is given."""
    node = lift([x])[0]
    return node.T if axes is None else apply("transpose", node, axes=tuple(axes))


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Node:
    """The array repeated to a larger shape."""
    return apply("broadcast_to", x, shape=tuple(shape))


def concatenate(arrays: Sequence[Any], axis: int = 0) -> Node:
    """Arrays one behind the other along an axis.

    Example:
        >>> from chainrule.autodiff import variable
        >>> concatenate([variable([1.0]), [2.0, 3.0]]).value
        array([1., 2., 3.])
    """
    if not arrays:
        raise ShapeError("concatenate expects at least one array, found none")
    return apply("concatenate", *arrays, axis=axis)


def softmax(z: Any) -> Node:
    """s_j = e^(z_j) / Σ_k e^(z_k) along the last axis."""
    return apply("softmax", z)


def log_softmax(z: Any) -> Node:
    """Ln of the softmax along the last axis, to full precision."""
    return apply("log_softmax", z)


def identity(x: Any) -> Node:
    """A new node of the same value: what is done with it is not done with x."""
    return apply("identity", x)

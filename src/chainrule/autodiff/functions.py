"""Elementwise functions and softmax, with their derivatives.

The derivative for a takes g, the node y and its inputs a, b, and returns g ∂y/∂a. It is written in
the operations of the graph, so that it has a derivative too. Inputs of different shapes are
broadcast; `pull_back` sums the gradients to their shapes, so no derivative here has to.

All functions take complex numbers as those of `chainrule.nn.activations` do, so that the complex
step can check the derivatives: a piecewise function chooses its piece by the real part.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from math import sqrt as root
from typing import Any

import numpy as np

from chainrule.autodiff.node import (
    CALL,
    NUMPY_FUNCTIONS,
    POWER,
    PRODUCT,
    SUM,
    Node,
    Operation,
    Pullback,
    apply,
    constant,
    real_value,
    register,
    value_of,
)
from chainrule.core.arrays import Array
from chainrule.nn.activations import magnitude
from chainrule.nn.activations import sigmoid as precise_sigmoid
from chainrule.nn.activations import softplus as precise_softplus


def elementwise(
    name: str,
    forward: Callable[..., Any],
    *backward: Pullback,
    formula: str = "",
    binding: int = CALL,
    ufunc: np.ufunc | None = None,
) -> None:
    """Register an elementwise operation, with a derivative for each argument."""
    arguments = ", ".join(f"{{{k}}}" for k in range(len(backward)))
    formula = formula or f"{name}({arguments})"
    operation = Operation(name, formula, binding, forward, backward, elementwise=True)
    register(operation, forward if isinstance(forward, np.ufunc) else ufunc)


def unary(
    name: str,
    forward: Callable[[Array], Any],
    backward: Pullback,
    doc: str,
    formula: str = "",
    binding: int = CALL,
    ufunc: np.ufunc | None = None,
) -> Callable[[Any], Node]:
    """Register an elementwise operation, and return it as a function of nodes or numbers."""
    elementwise(name, forward, backward, formula=formula, binding=binding, ufunc=ufunc)

    def function(x: Any) -> Node:
        return apply(name, x)

    function.__name__, function.__qualname__, function.__doc__ = name, name, doc
    return function


def of_rows(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function that takes arrays only, extended to single numbers."""

    def forward(a: Array) -> Array:
        """``function`` of ``a`` as an array of at least one axis, in the shape of ``a``."""
        return function(np.atleast_1d(a)).reshape(np.shape(a))

    return forward


def _zero(g: Node, y: Node, *inputs: Node) -> Node:
    """The gradient through a piecewise constant function: 0."""
    return Node(np.zeros_like(y.value))


# Arithmetic: on nodes these are Python's operators.


def _exponent_less_1(a: Node, b: Node) -> Node:
    """b − 1, but 1 where a = b = 0: the derivative b aᵇ⁻¹ is 0 there, and must not be 0 · ∞."""
    both_zero = (a.value == 0) & (b.value == 0)
    return b - 1 if not both_zero.any() else apply("where", both_zero, 1.0, b - 1)


def _log_of_base(a: Node) -> Node:
    """ln a, and 0 where a is 0: the derivative of 0ᵇ with respect to b is 0."""
    is_zero = a.value == 0
    return log(a if not is_zero.any() else apply("where", is_zero, 1.0, a))


def _infix(name: str, sign: str, binding: int, by_a: Pullback, by_b: Pullback) -> None:
    ufunc: np.ufunc = getattr(np, name)
    elementwise(name, ufunc, by_a, by_b, formula=f"{{0}}{sign}{{1}}", binding=binding)


_infix("add", " + ", SUM, lambda g, y, a, b: g, lambda g, y, a, b: g)
_infix("subtract", " − ", SUM, lambda g, y, a, b: g, lambda g, y, a, b: -g)
_infix("multiply", " · ", PRODUCT, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
_infix("divide", " / ", PRODUCT, lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y) / b)
_infix(
    "power",
    "^",
    POWER,
    lambda g, y, a, b: g * (b * a ** _exponent_less_1(a, b)),
    lambda g, y, a, b: g * (y * _log_of_base(a)),
)
elementwise("negative", np.negative, lambda g, y, a: -g, formula="−{0}", binding=PRODUCT)


# Functions of one number


def _sech2(a: Array) -> Array:
    """1 / cosh² a = 4 t / (1 + t)² with t = e^(−2|a|), which never overflows."""
    t = np.exp(-2 * magnitude(a))
    return 4 * t / (1 + t) ** 2


def _erf(a: Array) -> Any:
    from scipy.special import erf

    return erf(a)


def _normal_cdf(a: Array) -> Array:
    from scipy.special import erfc

    values: Array = 0.5 * erfc(a / a.dtype.type(-root(2)))
    return values.astype(a.dtype)


def _normal_density(a: Array) -> Array:
    near = np.where(np.abs(a.real) < 40, a, a.dtype.type(40))
    return np.exp(-0.5 * near * near) / a.dtype.type(root(2 * pi))


exp = unary("exp", np.exp, lambda g, y, a: g * y, "The exponential function eˣ.")
expm1 = unary("expm1", np.expm1, lambda g, y, a: g * exp(a), "eˣ − 1, to full precision near 0.")
log = unary("log", np.log, lambda g, y, a: g / a, "The natural logarithm ln x.")
log1p = unary("log1p", np.log1p, lambda g, y, a: g / (1 + a), "ln(1 + x), precise near 0.")
sqrt = unary("sqrt", np.sqrt, lambda g, y, a: g / (2 * y), "The square root √x.", "√{0}")
square = unary(
    "square", np.square, lambda g, y, a: g * (2 * a), "The square x².", "{0}²", binding=POWER
)
sin = unary("sin", np.sin, lambda g, y, a: g * apply("cos", a), "The sine.")
cos = unary("cos", np.cos, lambda g, y, a: -(g * sin(a)), "The cosine.")
tan = unary("tan", np.tan, lambda g, y, a: g * (1 + y * y), "The tangent.")
arctan = unary("arctan", np.arctan, lambda g, y, a: g / (1 + a * a), "The inverse of the tangent.")
sinh = unary("sinh", np.sinh, lambda g, y, a: g * apply("cosh", a), "The hyperbolic sine.")
cosh = unary("cosh", np.cosh, lambda g, y, a: g * sinh(a), "The hyperbolic cosine.")
tanh = unary(
    "tanh",
    np.tanh,
    lambda g, y, a: g * apply("sech2", a),
    "The hyperbolic tangent; its derivative 1 / cosh² x keeps its digits where tanh is near 1.",
)
elementwise("sech2", _sech2, lambda g, y, a: g * (-2 * (tanh(a) * y)), formula="tanh′({0})")
sigmoid = unary(
    "sigmoid",
    of_rows(precise_sigmoid),
    lambda g, y, a: g * (y * apply("sigmoid", -a)),
    "The logistic function σ(x) = 1 / (1 + e⁻ˣ); its derivative is σ(x) σ(−x).",
    "σ({0})",
)
softplus = unary(
    "softplus",
    of_rows(precise_softplus),
    lambda g, y, a: g * sigmoid(a),
    "The function ln(1 + eˣ); its derivative is σ(x).",
)
erf = unary(
    "erf",
    _erf,
    lambda g, y, a: g * (2 / root(pi) * exp(-(a * a))),
    "The error function; its derivative is 2 e^(−x²) / √π.",
)
normal_cdf = unary(
    "normal_cdf",
    _normal_cdf,
    lambda g, y, a: g * apply("normal_density", a),
    "Φ(x), the distribution function of the standard normal.",
    "Φ({0})",
)
elementwise("normal_density", _normal_density, lambda g, y, a: -(g * (a * y)), formula="N({0})")


# Piecewise functions; the mask that chooses the piece is a constant.


def _extremum(name: str, ufunc: np.ufunc, wins: np.ufunc) -> None:
    """Register the larger or the smaller of a and b; where they are equal, b gets the gradient.

    The derivative of max(z, 0) at 0 is therefore 0. ``wins(a, b)`` is true where a is the result.
    """

    def forward(a: Array, b: Array) -> Array:
        is_complex = np.iscomplexobj(a) or np.iscomplexobj(b)
        return np.where(wins(a.real, b.real), a, b) if is_complex else ufunc(a, b)

    def mask(y: Node, a: Node, b: Node) -> Node:
        return Node(np.asarray(wins(real_value(a), real_value(b))).astype(y.dtype))

    elementwise(
        name,
        forward,
        lambda g, y, a, b: g * mask(y, a, b),
        lambda g, y, a, b: g * (1 - mask(y, a, b)),
        formula=f"{name[:3]}({{0}}, {{1}})",
        ufunc=ufunc,
    )


_extremum("maximum", np.maximum, np.greater)
_extremum("minimum", np.minimum, np.less)


def _relu(a: Array, at_zero: float) -> Array:
    return np.where(a.real > 0, a, a.dtype.type(0))


def _relu_slope(a: Array, at_zero: float) -> Array:
    slope = np.where(a.real == 0, at_zero, a.real > 0)
    return slope.astype(a.dtype)


absolute = unary(
    "abs",
    magnitude,
    lambda g, y, a: g * apply("sign", a),
    "The magnitude |x|; its derivative is sign(x), 0 at 0.",
    "|{0}|",
    ufunc=np.absolute,
)
sign = unary(
    "sign",
    lambda a: np.sign(a.real).astype(a.dtype),
    _zero,
    "The sign −1, 0 or 1; its derivative is 0.",
    ufunc=np.sign,
)
elementwise("relu", _relu, lambda g, y, a: g * apply("relu_slope", a, **y.options))
elementwise("relu_slope", _relu_slope, _zero, formula="relu′({0})")
elementwise(
    "where",
    lambda c, a, b: np.where(c.real != 0, a, b),
    _zero,
    lambda g, y, c, a, b: apply("where", c, g, 0.0),
    lambda g, y, c, a, b: apply("where", c, 0.0, g),
)


def relu(x: Any, at_zero: float = 0.0) -> Node:
    """The larger of x and 0.

    Args:
        x: node, array or number.
        at_zero: the value of the derivative at 0.

    Example:
        >>> from chainrule.autodiff import gradient
        >>> gradient(relu, 0.0), gradient(lambda x: relu(x, at_zero=1.0), 0.0)
        (array(0.), array(1.))
    """
    return apply("relu", x, at_zero=at_zero)


def maximum(a: Any, b: Any) -> Node:
    """The larger of two, elementwise; where they are equal, b gets the whole gradient."""
    return apply("maximum", a, b)


def minimum(a: Any, b: Any) -> Node:
    """The smaller of two, elementwise; where they are equal, b gets the whole gradient."""
    return apply("minimum", a, b)


def where(condition: Any, a: Any, b: Any) -> Node:
    """The numbers of a where the condition holds, else those of b.

    Args:
        condition: an array of booleans, such as ``z > 0``; it is a constant.
        a: node, array or number.
        b: node, array or number.
    """
    like = next((x for x in (a, b) if isinstance(x, Node)), None)
    return apply("where", constant(value_of(condition), like), a, b)


NUMPY_FUNCTIONS[np.where] = where


# Softmax and its logarithm, along the last axis, to full precision. Where one probability s is
# nearly 1, the difference 1 − s loses its digits, but the sum of the other probabilities keeps
# them. Both derivatives therefore treat the largest entry, marked by a mask, separately.


def _largest(a: Array) -> Array:
    """1 at the first largest real part of every row, 0 elsewhere, in the type of ``a``."""
    mask = np.zeros_like(a)
    np.put_along_axis(mask, a.real.argmax(axis=-1)[..., None], 1, axis=-1)
    return mask


def _check_rows(z: Array) -> None:
    if z.ndim == 0 or z.shape[-1] == 0:
        raise ValueError


def _softmax(z: Array) -> Array:
    _check_rows(z)
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _log_softmax(z: Array) -> Array:
    """The rows z − z_m − ln(1 + Σ_{j≠m} e^(z_j − z_m)), with z_m the largest."""
    _check_rows(z)
    top = _largest(z)
    below = z - (z * top).sum(axis=-1, keepdims=True)
    others = (np.exp(below) * (1 - top)).sum(axis=-1, keepdims=True)
    return below - np.log1p(others)


def _row_sum(a: Node) -> Node:
    return a.sum(axis=-1, keepdims=True)


def _softmax_back(g: Node, y: Node, z: Node) -> Node:
    """The rows s ⊙ (g − g·s); g minus a constant gives the same, so g is made 0 at the largest."""
    g = g - _row_sum(g * Node(_largest(z.value)))
    return y * (g - _row_sum(g * y))


def _log_softmax_back(g: Node, y: Node, z: Node) -> Node:
    """The rows g − s Σg; at the largest entry m, g_m Σ_{k≠m} s_k − s_m Σ_{k≠m} g_k."""
    top = _largest(z.value)
    at_top, elsewhere = Node(top), Node(1 - top)
    s = softmax(z)
    largest = g * _row_sum(s * elsewhere) - s * _row_sum(g * elsewhere)
    return at_top * largest + elsewhere * (g - s * _row_sum(g))


def _of_rows(name: str, formula: str, forward: Callable[[Array], Array], back: Pullback) -> None:
    expects = "rows of at least one number"
    register(Operation(name, formula, CALL, forward, (back,), expects=expects))


_of_rows("softmax", "softmax({0})", _softmax, _softmax_back)
_of_rows("log_softmax", "ln softmax({0})", _log_softmax, _log_softmax_back)


def softmax(z: Any) -> Node:
    """The softmax s_j = e^(z_j) / Σ_k e^(z_k) along the last axis."""
    return apply("softmax", z)


def log_softmax(z: Any) -> Node:
    """The logarithm of the softmax along the last axis, to full precision."""
    return apply("log_softmax", z)

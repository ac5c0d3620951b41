"""Operations on each number for itself: the table's first part, one derivative an argument.

A derivative takes g, the node y and the inputs a, b and gives g ∂y/∂a. It is written in the
operations of the graph, so that it has a derivative too. Inputs of different shapes are broadcast;
`pull_back` sums g back to their shapes, so no line here has to.

Complex inputs are continued as in `chainrule.nn.activations`: a piecewise function chooses its
piece by the real part, so that the complex step can check the derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from chainrule.autodiff.node import (
    CALL,
    POWER,
    PRODUCT,
    SUM,
    Node,
    Operation,
    Pullback,
    apply,
    real_value,
    register,
)
from chainrule.core.arrays import Array
from chainrule.nn.activations import magnitude
from chainrule.nn.activations import sigmoid as precise_sigmoid
from chainrule.nn.activations import softplus as precise_softplus


def elementwise(
    name: str, formula: str, binding: int, forward: Callable[..., Any], *backward: Pullback
) -> Operation:
    """A line of the table."""
    return Operation(name, formula, binding, forward, backward, elementwise=True)


def _function(name: str, forward: Callable[..., Any], backward: Pullback) -> Operation:
    """The line of a function of one argument."""
    return elementwise(name, f"{name}({{0}})", CALL, forward, backward)


def _nothing(g: Node, y: Node, *inputs: Node) -> Node:
    """The derivative of what is constant in pieces."""
    return Node(np.zeros_like(y.value))


# What the forward passes need beside NumPy's functions


def of_rows(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function of the library, which takes arrays alone, for a single number as well."""

    def forward(a: Array) -> Array:
        """``function`` of rows, in the shape of ``a``."""
        return function(np.atleast_1d(a)).reshape(np.shape(a))

    return forward


def _sech2(a: Array) -> Array:
    """1 / cosh² a = 4 t / (1 + t)² with t = e^(−2|a|), which never overflows."""
    t = np.exp(-2 * magnitude(a))
    return 4 * t / (1 + t) ** 2


def _sign(a: Array) -> Array:
    return np.sign(a.real).astype(a.dtype)


def _maximum(a: Array, b: Array) -> Array:
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        return np.where(a.real > b.real, a, b)
    return np.maximum(a, b)


def _minimum(a: Array, b: Array) -> Array:
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        return np.where(a.real < b.real, a, b)
    return np.minimum(a, b)


def _relu(a: Array, at_zero: float) -> Array:
    return np.where(a.real > 0, a, a.dtype.type(0))


def _relu_slope(a: Array, at_zero: float) -> Array:
    slope = np.where(a.real == 0, at_zero, a.real > 0)
    return slope.astype(a.dtype)


def _erf(a: Array) -> Array:
    from scipy.special import erf

    values: Array = erf(a)
    return values


def _normal_cdf(a: Array) -> Array:
    from scipy.special import erfc

    values: Array = 0.5 * erfc(a / a.dtype.type(-sqrt(2)))
    return values.astype(a.dtype)


def _normal_density(a: Array) -> Array:
    near = np.where(np.abs(a.real) < 40, a, a.dtype.type(40))
    return np.exp(-0.5 * near * near) / a.dtype.type(sqrt(2 * pi))


def _chosen(c: Array, a: Array, b: Array) -> Array:
    return np.where(c.real != 0, a, b)


# Masks: constants that say for which numbers an argument was the one taken.


def _mask(y: Node, taken: Any) -> Node:
    return Node(np.asarray(taken).astype(y.dtype))


def _first_is_larger(y: Node, a: Node, b: Node) -> Node:
    return _mask(y, real_value(a) > real_value(b))


def _first_is_smaller(y: Node, a: Node, b: Node) -> Node:
    return _mask(y, real_value(a) < real_value(b))


def _safe_exponent(a: Node, b: Node) -> Node:
    """b − 1, but 1 where 0⁻¹ would come: there the derivative of a⁰ is 0."""
    both_zero = (a.value == 0) & (b.value == 0)
    return b - 1 if not both_zero.any() else apply("where", both_zero, 1.0, b - 1)


def _log_of_base(a: Node) -> Node:
    """ln a, and 0 where a is 0: the derivative of 0ᵇ by b is 0."""
    is_zero = a.value == 0
    return apply("log", a if not is_zero.any() else apply("where", is_zero, 1.0, a))


ELEMENTWISE = (
    elementwise("add", "{0} + {1}", SUM, np.add, lambda g, y, a, b: g, lambda g, y, a, b: g),
    elementwise(
        "subtract", "{0} − {1}", SUM, np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g
    ),
    elementwise(
        "multiply",
        "{0} · {1}",
        PRODUCT,
        np.multiply,
        lambda g, y, a, b: g * b,
        lambda g, y, a, b: g * a,
    ),
    elementwise(
        "divide",
        "{0} / {1}",
        PRODUCT,
        np.divide,
        lambda g, y, a, b: g / b,
        lambda g, y, a, b: -(g * y) / b,
    ),
    elementwise(
        "power",
        "{0}^{1}",
        POWER,
        np.power,
        lambda g, y, a, b: g * (b * a ** _safe_exponent(a, b)),
        lambda g, y, a, b: g * (y * _log_of_base(a)),
    ),
    elementwise("negative", "−{0}", PRODUCT, np.negative, lambda g, y, a: -g),
    elementwise("abs", "|{0}|", CALL, magnitude, lambda g, y, a: g * apply("sign", a)),
    _function("sign", _sign, _nothing),
    _function("exp", np.exp, lambda g, y, a: g * y),
    _function("expm1", np.expm1, lambda g, y, a: g * apply("exp", a)),
    _function("log", np.log, lambda g, y, a: g / a),
    _function("log1p", np.log1p, lambda g, y, a: g / (1 + a)),
    elementwise("sqrt", "√{0}", CALL, np.sqrt, lambda g, y, a: g / (2 * y)),
    elementwise("square", "{0}²", POWER, np.square, lambda g, y, a: g * (2 * a)),
    _function("sin", np.sin, lambda g, y, a: g * apply("cos", a)),
    _function("cos", np.cos, lambda g, y, a: -(g * apply("sin", a))),
    _function("tan", np.tan, lambda g, y, a: g * (1 + y * y)),
    _function("arctan", np.arctan, lambda g, y, a: g / (1 + a * a)),
    _function("sinh", np.sinh, lambda g, y, a: g * apply("cosh", a)),
    _function("cosh", np.cosh, lambda g, y, a: g * apply("sinh", a)),
    _function("tanh", np.tanh, lambda g, y, a: g * apply("sech2", a)),
    elementwise(
        "sech2",
        "tanh′({0})",
        CALL,
        _sech2,
        lambda g, y, a: g * (-2 * (apply("tanh", a) * y)),
    ),
    elementwise(
        "sigmoid",
        "σ({0})",
        CALL,
        of_rows(precise_sigmoid),
        lambda g, y, a: g * (y * apply("sigmoid", -a)),
    ),
    _function("softplus", of_rows(precise_softplus), lambda g, y, a: g * apply("sigmoid", a)),
    elementwise(
        "relu",
        "relu({0})",
        CALL,
        _relu,
        lambda g, y, a: g * apply("relu_slope", a, **y.options),
    ),
    elementwise("relu_slope", "relu′({0})", CALL, _relu_slope, _nothing),
    _function("erf", _erf, lambda g, y, a: g * (2 / sqrt(pi) * apply("exp", -(a * a)))),
    elementwise(
        "normal_cdf",
        "Φ({0})",
        CALL,
        _normal_cdf,
        lambda g, y, a: g * apply("normal_density", a),
    ),
    elementwise("normal_density", "N({0})", CALL, _normal_density, lambda g, y, a: -(g * (a * y))),
    # Where both are equal the second argument has it, so that max(z, 0) has derivative 0 at 0.
    elementwise(
        "maximum",
        "max({0}, {1})",
        CALL,
        _maximum,
        lambda g, y, a, b: g * _first_is_larger(y, a, b),
        lambda g, y, a, b: g * (1 - _first_is_larger(y, a, b)),
    ),
    elementwise(
        "minimum",
        "min({0}, {1})",
        CALL,
        _minimum,
        lambda g, y, a, b: g * _first_is_smaller(y, a, b),
        lambda g, y, a, b: g * (1 - _first_is_smaller(y, a, b)),
    ),
    elementwise(
        "where",
        "where({0}, {1}, {2})",
        CALL,
        _chosen,
        _nothing,
        lambda g, y, c, a, b: apply("where", c, g, 0.0),
        lambda g, y, c, a, b: apply("where", c, 0.0, g),
    ),
)
"""Elementwise operations, one derivative an argument."""

register(*ELEMENTWISE)

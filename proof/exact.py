"""The library's functions in arithmetic of 80 digits, written from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

from chainrule.core.arrays import Array
from chainrule.nn.activations import SELU

DIGITS = 80
FAR = 10_000
"""Beyond this the normal distribution is 0 or 1 to 80 digits."""

END_OF_NUMBERS = 1e-285
"""The smallest size whose unit of the last place is still a floating-point number."""

Number = Any
Exact = Callable[[Number], Number]


def _sigmoid(z: Number) -> Number:
    return 1 / (1 + mpmath.exp(-z))


def _elu(z: Number) -> Number:
    return z if z > 0 else mpmath.expm1(z)


def _selu(z: Number) -> Number:
    return SELU_SCALE * (z if z > 0 else SELU_ALPHA * mpmath.expm1(z))


def _normal(z: Number) -> Number:
    if abs(z) > FAR:
        return mpf(1 if z > 0 else 0)
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


def _density(z: Number) -> Number:
    return mpf(0) if abs(z) > FAR else mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi)


def _softplus(z: Number) -> Number:
    return mpmath.log1p(mpmath.exp(z)) if z < FAR else z


def _mish_slope(z: Number) -> Number:
    s = _softplus(z)
    return mpmath.tanh(s) + (z * _sigmoid(z) / mpmath.cosh(s) ** 2 if z < FAR else 0)


# The constants as SELU's definition in the library rounds them.
SELU_SCALE = mpf(float(SELU().derivative(np.array([1.0]))[0]))
SELU_ALPHA = mpf("1.6732632423543772")

VALUES: Mapping[str, Exact] = {
    "linear": lambda z: z,
    "sigmoid": _sigmoid,
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, mpf(0)),
    "leaky_relu": lambda z: z if z > 0 else mpf(0.01) * z,
    "elu": _elu,
    "selu": _selu,
    "gelu": lambda z: z * _normal(z),
    "silu": lambda z: z * _sigmoid(z),
    "mish": lambda z: z * mpmath.tanh(_softplus(z)),
    "softplus": _softplus,
    "softsign": lambda z: z / (1 + abs(z)),
}
"""φ by the activation's name, with its default options."""

SLOPES: Mapping[str, Exact] = {
    "linear": lambda z: mpf(1),
    "sigmoid": lambda z: _sigmoid(z) * _sigmoid(-z),
    "tanh": lambda z: 1 / mpmath.cosh(z) ** 2,
    "relu": lambda z: mpf(1 if z > 0 else 0),
    "leaky_relu": lambda z: mpf(1) if z > 0 else mpf(0.01),
    "elu": lambda z: mpf(1) if z > 0 else mpmath.exp(z),
    "selu": lambda z: SELU_SCALE * (1 if z > 0 else SELU_ALPHA * mpmath.exp(z)),
    "gelu": lambda z: _normal(z) + z * _density(z),
    "silu": lambda z: _sigmoid(z) * (1 + z * _sigmoid(-z)),
    "mish": _mish_slope,
    "softplus": _sigmoid,
    "softsign": lambda z: 1 / (1 + abs(z)) ** 2,
}
"""φ' by the activation's name."""

LARGER_TERM: Mapping[str, Exact] = {
    "gelu": _normal,
    "silu": _sigmoid,
    "mish": lambda z: mpmath.tanh(_softplus(z)),
}
"""For a φ' with a zero away from 0, a term of φ', in whose units errors near the zero count."""


def ulps(
    found: Array, z: Array, exact: Exact, term: Exact | None = None, end: float = END_OF_NUMBERS
) -> Array:
    """The errors of results, in units of the last place of the exact value.

    Args:
        found: f(z) as it was computed, (n,).
        z: (n,).
        exact: f.
        term: a function whose units count where it is larger in magnitude than f.
        end: the units of smaller values are those of this value.
    """
    kind = found.dtype
    errors = np.empty(len(z))
    with mpmath.workdps(DIGITS):
        for k, at in enumerate(z):
            true = exact(mpf(float(at)))
            size = max(abs(true), abs(term(mpf(float(at)))) if term else mpf(0), mpf(end))
            unit = float(np.spacing(kind.type(size)))
            errors[k] = float(abs(mpf(float(found[k])) - true) / mpf(unit))
    return errors


def cross_entropy(z: Array, t: int) -> tuple[Number, list[Number]]:
    """ln Σ e^(z_j − z_t) and δ = softmax − one-hot, of logits of any size."""
    with mpmath.workdps(1000):  # e^(−1000) beside 1
        top = max(mpf(float(v)) for v in z)
        e = [mpmath.exp(mpf(float(v)) - top) for v in z]
        total = mpmath.fsum(e)
        loss = mpmath.log(total) - (mpf(float(z[t])) - top)
        others = [v / total for v in e]
        others[t] = -mpmath.fsum(v for j, v in enumerate(others) if j != t)
        return loss, others


def binary_cross_entropy(z: float, t: int) -> tuple[Number, Number]:
    """ln(1 + e^(∓z)) for t = 1 or 0, and δ = σ(z) − t."""
    with mpmath.workdps(1000):
        sign = -1 if t else 1
        e = mpmath.exp(sign * mpf(float(z)))
        return mpmath.log1p(e), sign * e / (1 + e)


def relative(found: float, true: Number, smallest: float = 1e-307) -> float:
    """The relative error; 0 if the difference is below the end of floating point."""
    with mpmath.workdps(DIGITS):
        off = abs(mpf(float(found)) - true)
        if off < smallest:
            return 0.0
        return float(off / abs(true)) if true else float("inf")

r"""The activations of `chainrule.nn.activations` in compiled code: φ and φ' of a layer's units.

Most of them use eˣ for x ≤ 0, computed by operations that the compiler vectorises. With n the
integer nearest to x / ln 2 and r = x − n ln 2, so that \|r\| ≤ ½ ln 2,

    eˣ = 2ⁿ eʳ,    eʳ − 1 ≈ r + r²/2! + r³/3! + …

n ln 2 is subtracted in two parts; the first part of ln 2 is so short that n times it is exact.
2ⁿ is assembled from its bits: x / ln 2 + 1.5 · 2⁵² rounds x / ln 2 to n, and its low bits are n.
"""

from __future__ import annotations

from math import erfc, log1p, pi, sqrt
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import EXACT, exact, exact_part, kernel, part, wide_vectors
from chainrule.training.engines.compiled.tables import (
    BOUND,
    ELU,
    FUNCTION,
    GELU,
    LEAKY_RELU,
    LINEAR,
    MISH,
    OUTPUTS,
    PADDED,
    RELU,
    SIGMOID,
    SILU,
    SLOPE,
    SOFTPLUS,
    SOFTSIGN,
    START,
    TANH,
    A,
    Index,
    Workspace,
    Z,
)

LOWEST_64, LOWEST_32 = -708.0, np.float32(-87.0)
"""For x below these, eˣ would be subnormal or 0; x is replaced by these bounds."""

INVERSE_32 = np.float32(1.4426950408889634)
ROUND_32 = np.float32(12582912.0)
HIGH_32, LOW_32 = np.float32(0.693145751953125), np.float32(1.42860676533018e-06)
C2, C3, C4, C5, C6, C7 = (np.float32(1 / k) for k in (2, 6, 24, 120, 720, 5040))
ONE_32 = np.float32(1)


def exp_parts(x: Any) -> tuple[Any, Any]:
    """p and s with eˣ = s p + s and eˣ − 1 = s p + (s − 1), for x ≤ 0, within 2 ulp.

    To be called from compiled code. NaN gives NaN; any x below −708 (float32: −87) is replaced
    by that bound.
    """
    raise NotImplementedError("exp_parts is called from compiled code")


@overload(exp_parts, jit_options={"fastmath": EXACT, "forceinline": True})
def _exp_parts(x: Any) -> Any:
    return _single if x == types.float32 else _double


def _double(x: Any) -> tuple[Any, Any]:
    x = LOWEST_64 if x < LOWEST_64 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = x - n * 0.6931471803691238
    r = r - n * 1.9082149292705877e-10
    p = r * (1 / 6227020800.0) + 1 / 479001600.0
    p = p * r + 1 / 39916800.0
    p = p * r + 1 / 3628800.0
    p = p * r + 1 / 362880.0
    p = p * r + 1 / 40320.0
    p = p * r + 1 / 5040.0
    p = p * r + 1 / 720.0
    p = p * r + 1 / 120.0
    p = p * r + 1 / 24.0
    p = p * r + 1 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    bits = np.float64(shifted).view(np.int64)
    return p * r, np.int64((bits + 1023) << 52).view(np.float64)


def _single(x: Any) -> tuple[Any, Any]:
    x = LOWEST_32 if x < LOWEST_32 else x
    shifted = x * INVERSE_32 + ROUND_32
    n = shifted - ROUND_32
    r = x - n * HIGH_32
    r = r - n * LOW_32
    p = r * C7 + C6
    p = p * r + C5
    p = p * r + C4
    p = p * r + C3
    p = p * r + C2
    p = p * r + ONE_32
    bits = np.float32(shifted).view(np.int32)
    return p * r, np.int32(np.int32(bits + 127) << 23).view(np.float32)


@exact_part
def exp_below_0(x: Any) -> Any:
    """eˣ for x ≤ 0, computed by `exp_parts`."""
    p, s = exp_parts(x)
    return s * p + s


# A layer's units.


@part
def activate(k: int, ws: Workspace) -> None:
    """Compute a = φ(z) and φ'(z) of layer k to full precision; a of the padding is set to 0.

    Also writes an upper bound of every |a|, see `bound_of_outputs`.
    """
    start = ws.layers[k, START]
    stop = start + ws.layers[k, PADDED]
    apply_activation(k, ws, start, stop)
    for j in range(start + ws.layers[k, OUTPUTS], stop):
        ws.units[A, j] = 0
    ws.units[BOUND, k + Index(1)] = bound_of_outputs(k, ws, start, stop)


@part
def apply_activation(k: int, ws: Workspace, start: int, stop: int) -> None:
    """Compute a = φ(z) and φ'(z) of layer k, for the units ``start`` to ``stop`` − 1."""
    if ws.layers[k, FUNCTION] == SIGMOID:
        _apply(_sigmoid, 0, 0, ws.units, start, stop)
    else:
        _others(ws.layers[k, FUNCTION], ws.options[k, 0], ws.options[k, 1], ws.units, start, stop)


@part
def rectify(units: Array, start: int, stop: int) -> float:
    """Overwrite z with a = relu(z), and return an upper bound of every a: their sum.

    φ'(z) need not be written, because it is 1 where a > 0 and else 0.
    """
    zero, bound = units.dtype.type(0), units.dtype.type(0)
    for j in range(start, stop):
        z = units[Z, j]
        a = zero if z <= zero else z  # NaN stays NaN
        units[Z, j] = a
        bound += a
    return bound


@part
def bound_of_outputs(k: int, ws: Workspace, start: int, stop: int) -> float:
    """An upper bound of every |a| of layer k: 1 if φ is bounded by 1, else 1 + Σ |a|.

    The sum is not finite if one of them is not.
    """
    code, bound = ws.layers[k, FUNCTION], ws.units.dtype.type(1)
    if code != SIGMOID and code != TANH and code != SOFTSIGN:
        for j in range(start, stop):
            bound += abs(ws.units[A, j])
    return bound


@kernel
def _others(code: int, option: float, scale: float, units: Array, start: int, stop: int) -> None:
    """All activations but the sigmoid."""
    if code == LINEAR:
        _apply(_linear, option, scale, units, start, stop)
    elif code == TANH:
        _apply(_tanh, option, scale, units, start, stop)
    elif code == RELU:
        _apply(_relu, option, scale, units, start, stop)
    elif code == LEAKY_RELU:
        _apply(_leaky_relu, option, scale, units, start, stop)
    elif code == ELU:
        _apply(_elu, option, scale, units, start, stop)
    elif code == GELU:
        _apply(_gelu, option, scale, units, start, stop)
    elif code == SILU:
        _apply(_silu, option, scale, units, start, stop)
    elif code == MISH:
        _apply(_mish, option, scale, units, start, stop)
    elif code == SOFTPLUS:
        _apply(_softplus, option, scale, units, start, stop)
    elif code == SOFTSIGN:
        _apply(_softsign, option, scale, units, start, stop)


@exact
def _apply(phi: Any, option: float, scale: float, units: Array, start: int, stop: int) -> None:
    """Apply one activation to the units ``start`` to ``stop`` − 1.

    ``phi`` takes z, 1 in the units' type, and the layer's two options; it returns φ(z) and φ'(z).
    """
    wide_vectors()
    one = units.dtype.type(1)
    for j in range(start, stop):
        a, slope = phi(units[Z, j], one, option, scale)
        units[A, j] = a
        units[SLOPE, j] = slope


@exact_part
def _linear(z: Any, one: Any, option: Any, scale: Any) -> Any:
    return z, one


@exact_part
def _relu(z: Any, one: Any, option: Any, scale: Any) -> Any:
    zero = one - one
    return zero if z <= zero else z, one if z > zero else zero  # NaN stays NaN


@exact_part
def _leaky_relu(z: Any, one: Any, option: Any, scale: Any) -> Any:
    slope = one if z > one - one else option
    return z * slope, slope


@exact_part
def _softsign(z: Any, one: Any, option: Any, scale: Any) -> Any:
    inverse = one / (one + abs(z))
    return z * inverse, inverse * inverse


@exact_part
def _sigmoid(z: Any, one: Any, option: Any, scale: Any) -> Any:
    """Within 2 ulp: q = n / (1 + t) is improved by its residual, (n − q) − q t."""
    t = exp_below_0(-abs(z))
    inverse = one / (one + t)
    above = one if z >= one - one else t
    q = above * inverse
    return q + ((above - q) - q * t) * inverse, t * inverse * inverse


@exact_part
def _tanh(z: Any, one: Any, option: Any, scale: Any) -> Any:
    """tanh|z| = −m / (2 + m) and 1/cosh² z = 4 (m + 1) / (2 + m)², m = e^(−2|z|) − 1."""
    two = one + one
    p, s = exp_parts(-two * abs(z))
    m = s * p + (s - one)
    inverse = one / (two + m)
    value = m * inverse
    slope = (two + two) * (s * p + s) * inverse * inverse
    return value if z < one - one else -value, slope


@exact_part
def _elu(z: Any, one: Any, alpha: Any, scale: Any) -> Any:
    """ELU times a scale, which is 1 except for SELU."""
    zero = one - one
    p, s = exp_parts(zero if z > zero else z)
    value = scale * (z if z > zero else alpha * (s * p + (s - one)))
    return value, scale * (one if z > zero else alpha * (s * p + s))


ROOT_HALF, DENSITY = 1 / sqrt(2), 1 / sqrt(2 * pi)


@exact_part
def _gelu(z: Any, one: Any, option: Any, scale: Any) -> Any:
    v = np.float64(z)
    near = v if abs(v) < 40.0 else 40.0
    normal = 0.5 * erfc(-v * ROOT_HALF)
    return v * normal, normal + near * exp_below_0(-0.5 * near * near) * DENSITY


END = np.float32(708)
"""For |z| beyond this, z e^(−|z|) is set to 0, because `exp_parts` never returns 0."""


@exact_part
def _exp_and_sigmoid(z: Any, one: Any) -> Any:
    """t = e^(−|z|), 1 / (1 + t), and σ(z)."""
    t = exp_below_0(-abs(z))
    inverse = one / (one + t)
    return t, inverse, inverse if z >= one - one else t * inverse


@exact_part
def _silu(z: Any, one: Any, option: Any, scale: Any) -> Any:
    zero = one - one
    t, inverse, sigmoid = _exp_and_sigmoid(z, one)
    slope = sigmoid + (z if abs(z) < END else zero) * (t * inverse * inverse)
    return (z if z > -END else zero) * sigmoid, slope


@exact_part
def _mish(z: Any, one: Any, option: Any, scale: Any) -> Any:
    """With q = σ(−z): tanh(softplus z) as in the reference, 1/cosh²(softplus z) = 4q²/(1+q²)²."""
    zero, two = one - one, one + one
    t, inverse, sigmoid = _exp_and_sigmoid(z, one)
    above, below = one + two * t, t * (t + two)
    tanh = above / (above + two * t * t) if z >= zero else below / (below + two)
    q = t * inverse if z >= zero else inverse
    w = one / (one + q * q)
    near = z if abs(z) < END else zero
    slope = tanh + near * ((two + two) * q * q * w * w) * sigmoid
    return (z if z > -END else zero) * tanh, slope


@exact_part
def _softplus(z: Any, one: Any, option: Any, scale: Any) -> Any:
    t, _, sigmoid = _exp_and_sigmoid(z, one)
    return (z if z >= one - one else one - one) + log1p(t), sigmoid

r"""eˣ, the sigmoid and tanh in compiled loops, by operations that the compiler vectorises.

eˣ is computed for x ≤ 0. With n the integer nearest to x / ln 2 and r = x − n ln 2, so that
\|r\| ≤ ½ ln 2,

    eˣ = 2ⁿ eʳ,    eʳ − 1 ≈ r + r²/2! + r³/3! + …

n ln 2 is subtracted in two parts; the first part of ln 2 is so short that n times it is exact.
2ⁿ is assembled from its bits: x / ln 2 + 1.5 · 2⁵² rounds x / ln 2 to n, and its low bits are n.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from chainrule.nn.kernels.jit import EXACT, exact_part

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


@exact_part
def sigmoid_and_slope(z: Any, one: Any) -> Any:
    """σ(z) and σ'(z), within 2 ulp; ``one`` is 1 in the type of z.

    With t = e^(−|z|), q = n / (1 + t) is improved by its residual, (n − q) − q t.
    """
    t = exp_below_0(-abs(z))
    inverse = one / (one + t)
    above = one if z >= one - one else t
    q = above * inverse
    return q + ((above - q) - q * t) * inverse, t * inverse * inverse


@exact_part
def tanh_and_slope(z: Any, one: Any) -> Any:
    """tanh z and 1/cosh² z; ``one`` is 1 in the type of z.

    tanh|z| = −m / (2 + m) and 1/cosh² z = 4 (m + 1) / (2 + m)², m = e^(−2|z|) − 1.
    """
    two = one + one
    p, s = exp_parts(-two * abs(z))
    m = s * p + (s - one)
    inverse = one / (two + m)
    value = m * inverse
    slope = (two + two) * (s * p + s) * inverse * inverse
    return value if z < one - one else -value, slope

"""φ and φ' of a layer's units; the twin of `chainrule.nn.activations` in compiled loops.

Each loop is one activation, over the units ``start`` to ``stop``, padding included.
"""

from __future__ import annotations

from math import erfc, log1p, pi, sqrt

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import exact, kernel, part, wide_vectors
from chainrule.training.engines.compiled.exponentials import exp_parts
from chainrule.training.engines.compiled.plan import (
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
    Z,
)

ROOT_HALF, DENSITY = 1 / sqrt(2), 1 / sqrt(2 * pi)

END = np.float32(708)
"""Beyond ±this a product z eᶻ is 0: `exp_parts` stays above 0, and z may be as large as 1e300."""


@part
def activate(k: int, layers: Array, options: Array, units: Array) -> None:
    """a = φ(z) and φ'(z) of layer k, to full precision; a of the padding is 0.

    Leaves a bound of every |a| as well: 1 where φ has it, else their sum, which is not finite
    if one of them is not.
    """
    start = layers[k, START]
    stop = start + layers[k, PADDED]
    apply_activation(k, layers, options, units, start, stop)
    for j in range(start + layers[k, OUTPUTS], stop):
        units[A, j] = 0
    units[BOUND, k + Index(1)] = bound_of_outputs(k, layers, units, start, stop)


@part
def apply_activation(
    k: int, layers: Array, options: Array, units: Array, start: int, stop: int
) -> None:
    """a = φ(z) and φ'(z) by the activation of layer k, for the units ``start`` to ``stop``."""
    if layers[k, FUNCTION] == SIGMOID:
        _sigmoid(units, start, stop)
    else:
        _others(layers[k, FUNCTION], options[k, 0], options[k, 1], units, start, stop)


@part
def rectify(units: Array, start: int, stop: int) -> float:
    """a = relu(z) in place of z, and a bound of every |a|: their sum.

    φ' is 1 where a is above 0, so nothing else need be written.
    """
    zero, bound = units.dtype.type(0), units.dtype.type(0)
    for j in range(start, stop):
        z = units[Z, j]
        a = zero if z <= zero else z  # NaN stays NaN
        units[Z, j] = a
        bound += a
    return bound


@part
def bound_of_outputs(k: int, layers: Array, units: Array, start: int, stop: int) -> float:
    """A bound of every |a| of layer k: 1 where φ has it, else their sum."""
    code, bound = layers[k, FUNCTION], units.dtype.type(1)
    if code != SIGMOID and code != TANH and code != SOFTSIGN:
        for j in range(start, stop):
            bound += abs(units[A, j])
    return bound


@kernel
def _others(code: int, option: float, scale: float, units: Array, start: int, stop: int) -> None:
    """All but the sigmoid."""
    if code == LINEAR:
        _linear(units, start, stop)
    elif code == TANH:
        _tanh(units, start, stop)
    elif code == RELU:
        _relu(units, start, stop)
    elif code == LEAKY_RELU:
        _leaky_relu(option, units, start, stop)
    elif code == ELU:
        _elu(option, scale, units, start, stop)
    elif code == GELU:
        _gelu(units, start, stop)
    elif code == SILU:
        _silu(units, start, stop)
    elif code == MISH:
        _mish(units, start, stop)
    elif code == SOFTPLUS:
        _softplus(units, start, stop)
    elif code == SOFTSIGN:
        _softsign(units, start, stop)


@exact
def _linear(units: Array, start: int, stop: int) -> None:
    wide_vectors()
    for j in range(start, stop):
        units[A, j] = units[Z, j]
        units[SLOPE, j] = 1


@exact
def _relu(units: Array, start: int, stop: int) -> None:
    wide_vectors()
    zero, one = units.dtype.type(0), units.dtype.type(1)
    for j in range(start, stop):
        z = units[Z, j]
        units[A, j] = zero if z <= zero else z  # NaN stays NaN
        units[SLOPE, j] = one if z > zero else zero


@exact
def _leaky_relu(leak: float, units: Array, start: int, stop: int) -> None:
    wide_vectors()
    zero, one = units.dtype.type(0), units.dtype.type(1)
    for j in range(start, stop):
        slope = one if units[Z, j] > zero else leak
        units[A, j] = units[Z, j] * slope
        units[SLOPE, j] = slope


@exact
def _softsign(units: Array, start: int, stop: int) -> None:
    wide_vectors()
    one = units.dtype.type(1)
    for j in range(start, stop):
        inverse = one / (one + abs(units[Z, j]))
        units[A, j] = units[Z, j] * inverse
        units[SLOPE, j] = inverse * inverse


@exact
def _sigmoid(units: Array, start: int, stop: int) -> None:
    """Within 2 ulp: q = n / (1 + t) is improved by its residual, (n − q) − q t."""
    wide_vectors()
    zero, one = units.dtype.type(0), units.dtype.type(1)
    for j in range(start, stop):
        p, s = exp_parts(-abs(units[Z, j]))
        t = s * p + s
        inverse = one / (one + t)
        above = one if units[Z, j] >= zero else t
        q = above * inverse
        units[A, j] = q + ((above - q) - q * t) * inverse
        units[SLOPE, j] = t * inverse * inverse


@exact
def _tanh(units: Array, start: int, stop: int) -> None:
    """tanh|z| = −m / (2 + m) and 1/cosh² z = 4 (m + 1) / (2 + m)², m = e^(−2|z|) − 1."""
    wide_vectors()
    zero, one, two, four = (
        units.dtype.type(0),
        units.dtype.type(1),
        units.dtype.type(2),
        units.dtype.type(4),
    )
    for j in range(start, stop):
        p, s = exp_parts(-two * abs(units[Z, j]))
        m = s * p + (s - one)
        inverse = one / (two + m)
        value = m * inverse
        units[A, j] = value if units[Z, j] < zero else -value
        units[SLOPE, j] = four * (s * p + s) * inverse * inverse


@exact
def _elu(alpha: float, scale: float, units: Array, start: int, stop: int) -> None:
    """Elu times a scale, which selu has."""
    wide_vectors()
    zero, one = units.dtype.type(0), units.dtype.type(1)
    for j in range(start, stop):
        v = units[Z, j]
        p, s = exp_parts(zero if v > zero else v)
        units[A, j] = scale * (v if v > zero else alpha * (s * p + (s - one)))
        units[SLOPE, j] = scale * (one if v > zero else alpha * (s * p + s))


@exact
def _gelu(units: Array, start: int, stop: int) -> None:
    wide_vectors()
    for j in range(start, stop):
        v = np.float64(units[Z, j])
        near = v if abs(v) < 40.0 else 40.0
        p, s = exp_parts(-0.5 * near * near)
        normal = 0.5 * erfc(-v * ROOT_HALF)
        units[A, j] = v * normal
        units[SLOPE, j] = normal + near * (s * p + s) * DENSITY


@exact
def _silu(units: Array, start: int, stop: int) -> None:
    wide_vectors()
    zero, one = units.dtype.type(0), units.dtype.type(1)
    for j in range(start, stop):
        v = units[Z, j]
        p, s = exp_parts(-abs(v))
        t = s * p + s
        inverse = one / (one + t)
        sigmoid = inverse if v >= zero else t * inverse
        units[A, j] = (v if v > -END else zero) * sigmoid
        units[SLOPE, j] = sigmoid + (v if abs(v) < END else zero) * (t * inverse * inverse)


@exact
def _mish(units: Array, start: int, stop: int) -> None:
    """With q = σ(−z): tanh(softplus z) as in the reference, 1/cosh²(softplus z) = 4q²/(1+q²)²."""
    wide_vectors()
    zero, one, two, four = (
        units.dtype.type(0),
        units.dtype.type(1),
        units.dtype.type(2),
        units.dtype.type(4),
    )
    for j in range(start, stop):
        v = units[Z, j]
        p, s = exp_parts(-abs(v))
        t = s * p + s
        above, below = one + two * t, t * (t + two)
        tanh = above / (above + two * t * t) if v >= zero else below / (below + two)
        inverse = one / (one + t)
        sigmoid = inverse if v >= zero else t * inverse
        q = t * inverse if v >= zero else inverse
        w = one / (one + q * q)
        units[A, j] = (v if v > -END else zero) * tanh
        near = v if abs(v) < END else zero
        units[SLOPE, j] = tanh + near * (four * q * q * w * w) * sigmoid


@exact
def _softplus(units: Array, start: int, stop: int) -> None:
    wide_vectors()
    zero, one = units.dtype.type(0), units.dtype.type(1)
    for j in range(start, stop):
        v = units[Z, j]
        p, s = exp_parts(-abs(v))
        t = s * p + s
        inverse = one / (one + t)
        units[A, j] = (v if v >= zero else zero) + log1p(t)
        units[SLOPE, j] = inverse if v >= zero else t * inverse

"""The activations of `chainrule.nn.activations` in compiled code: φ and φ' of a layer's units.

Most of them use eˣ for x ≤ 0, see `chainrule.nn.kernels.exponential`.
"""

from __future__ import annotations

from math import erfc, log1p, pi, sqrt
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.exponential import (
    exp_below_0,
    exp_parts,
    sigmoid_and_slope,
    tanh_and_slope,
)
from chainrule.nn.kernels.jit import exact, exact_part, kernel, part, wide_vectors
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
    return sigmoid_and_slope(z, one)


@exact_part
def _tanh(z: Any, one: Any, option: Any, scale: Any) -> Any:
    return tanh_and_slope(z, one)


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

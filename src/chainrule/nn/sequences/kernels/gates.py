"""The element-wise part of one step of an LSTM and of a GRU, in compiled loops.

A step's matrix products are NumPy's. What follows works on each unit alone; through NumPy it would
be some thirty passes over the arrays. All arrays of a step are (cases, blocks · size), with the
blocks of a case side by side, and rows are processed block by block, so that the compiler
vectorises each loop.

The forward passes leave the derivatives of the step as products, so that the backward passes only
multiply. Formulas: `chainrule.nn.LSTM` and `chainrule.nn.GRU`.
"""

from __future__ import annotations

from math import exp

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.exponential import sigmoid_and_slope, tanh_and_slope
from chainrule.nn.kernels.jit import entry, exact, part, wide_vectors

FAR = 86.0
"""For |z| beyond this, e^(−|z|) may be below the normal numbers of float32."""


@exact
def _sigmoids(z: Array, values: Array, slopes: Array, case: int, start: int, stop: int) -> None:
    """σ(z) and σ'(z) of one row, for the numbers ``start`` to ``stop`` − 1."""
    wide_vectors()
    one = z.dtype.type(1)
    far = 0
    for j in range(start, stop):
        a, slope = sigmoid_and_slope(z[case, j], one)
        values[case, j] = a
        slopes[case, j] = slope
        far += abs(z[case, j]) > FAR
    if far:  # seldom; the vectorised eˣ ends above the subnormal numbers and 0
        for j in range(start, stop):
            if abs(z[case, j]) > FAR:
                t = exp(-abs(np.float64(z[case, j])))
                values[case, j] = 1.0 if z[case, j] > 0 else t
                slopes[case, j] = t


@exact
def _tanhs(
    z: Array, at: int, values: Array, to: int, slopes: Array, beside: int, case: int, size: int
) -> None:
    """tanh z and its slope for a block of one row, each block beginning at the number given."""
    wide_vectors()
    one, two = z.dtype.type(1), z.dtype.type(2)
    far = 0
    for j in range(size):
        a, slope = tanh_and_slope(z[case, at + j], one)
        values[case, to + j] = a
        slopes[case, beside + j] = slope
        far += abs(two * z[case, at + j]) > FAR
    if far:
        for j in range(size):
            if abs(two * z[case, at + j]) > FAR:
                slopes[case, beside + j] = 4.0 * exp(-2.0 * abs(np.float64(z[case, at + j])))


@part
def _add(z: Array, more: Array, case: int, width: int) -> None:
    """Add a row to another."""
    for j in range(width):
        z[case, j] += more[case, j]


@part
def _multiply(z: Array, to: int, factor: Array, at: int, case: int, size: int) -> None:
    """Multiply the block of a row that begins at ``to`` by a block of another array's row."""
    for j in range(size):
        z[case, to + j] *= factor[case, at + j]


@part
def _product(
    out: Array, to: int, a: Array, at_a: int, b: Array, at_b: int, case: int, size: int
) -> None:
    """Write the product of two blocks."""
    for j in range(size):
        out[case, to + j] = a[case, at_a + j] * b[case, at_b + j]


@entry
def lstm_forward(
    z: Array, carried: Array, before: Array, c: Array, h: Array, gates: Array, slopes: Array
) -> None:
    """One step of an LSTM.

    Args:
        z: x(n) W + b, (cases, 4 · size); h(n−1) U is added to it.
        carried: h(n−1) U.
        before: c(n−1), (cases, size).
        c: room for c(n).
        h: room for h(n).
        gates: room for i, f, g, o, (cases, 4 · size).
        slopes: room for (cases, 6 · size): ∂c(n) by z_i, z_f and z_g, ∂h(n) by z_o with c(n) held
            fixed, and then ∂h(n)/∂c(n) and ∂c(n)/∂c(n−1) = f.
    """
    wide_vectors()
    cases, size = before.shape
    for case in range(cases):
        _add(z, carried, case, 4 * size)
        _sigmoids(z, gates, slopes, case, 0, 2 * size)
        _tanhs(z, 2 * size, gates, 2 * size, slopes, 2 * size, case, size)
        _sigmoids(z, gates, slopes, case, 3 * size, 4 * size)
        for j in range(size):
            kept = gates[case, size + j] * before[case, j]
            c[case, j] = kept + gates[case, j] * gates[case, 2 * size + j]
        _multiply(slopes, 0, gates, 2 * size, case, size)
        _multiply(slopes, size, before, 0, case, size)
        _multiply(slopes, 2 * size, gates, 0, case, size)
        for j in range(size):
            slopes[case, 5 * size + j] = gates[case, size + j]
        _tanhs(c, 0, h, 0, slopes, 4 * size, case, size)
        _multiply(slopes, 3 * size, h, 0, case, size)
        _multiply(slopes, 4 * size, gates, 3 * size, case, size)
        _multiply(h, 0, gates, 3 * size, case, size)


@entry
def lstm_backward(
    g: Array, of_h: Array, of_c: Array, slopes: Array, delta: Array, kept: Array
) -> None:
    """One step of an LSTM backwards.

    Args:
        g: ∂L/∂h(n) by the step's own output, (cases, size).
        of_h: ∂L/∂h(n) by the step behind, δ(n+1) Uᵀ; overwritten.
        of_c: ∂L/∂c(n) by the step behind.
        slopes: of `lstm_forward`.
        delta: room for δ(n), (cases, 4 · size).
        kept: room for ∂L/∂c(n−1), (cases, size).
    """
    wide_vectors()
    cases, size = g.shape
    for case in range(cases):
        _add(of_h, g, case, size)
        for j in range(size):
            kept[case, j] = of_c[case, j] + of_h[case, j] * slopes[case, 4 * size + j]
        for block in range(3):
            _product(delta, block * size, kept, 0, slopes, block * size, case, size)
        _product(delta, 3 * size, of_h, 0, slopes, 3 * size, case, size)
        _multiply(kept, 0, slopes, 5 * size, case, size)


@entry
def gru_forward(
    z: Array, carried: Array, m: Array, before: Array, h: Array, gates: Array, slopes: Array
) -> None:
    """One step of a GRU.

    Args:
        z: x(n) W + b, (cases, 3 · size); h(n−1) U is added to the blocks of r and u.
        carried: h(n−1) U; overwritten.
        m: b_hn, (cases, size); the block of the candidate of h(n−1) U is added to it.
        before: h(n−1), (cases, size).
        h: room for h(n).
        gates: room for r, u, g, (cases, 3 · size).
        slopes: room for (cases, 5 · size): ∂h(n) by z_r, z_u, z_g, z_m, and h(n−1) with z held
            fixed, which is u.
    """
    wide_vectors()
    cases, size = before.shape
    half, one = z.dtype.type(0.5), z.dtype.type(1)
    for case in range(cases):
        _add(z, carried, case, 2 * size)
        _sigmoids(z, gates, slopes, case, 0, 2 * size)
        for j in range(size):
            m[case, j] += carried[case, 2 * size + j]
        for j in range(size):  # from here on the first block of carried is room
            carried[case, j] = z[case, 2 * size + j] + gates[case, j] * m[case, j]
        _tanhs(carried, 0, h, 0, slopes, 2 * size, case, size)
        for j in range(size):  # 1 − u, but no difference of nearly equal numbers
            u, slope = gates[case, size + j], slopes[case, size + j]
            carried[case, j] = slope / u if u > half else one - u
        _multiply(slopes, 2 * size, carried, 0, case, size)
        for j in range(size):
            slopes[case, size + j] *= before[case, j] - h[case, j]
        for j in range(size):
            kept = gates[case, size + j] * before[case, j]
            h[case, j] = kept + carried[case, j] * h[case, j]
        _product(slopes, 3 * size, slopes, 2 * size, gates, 0, case, size)
        _multiply(slopes, 0, slopes, 2 * size, case, size)
        _multiply(slopes, 0, m, 0, case, size)
        for j in range(size):
            slopes[case, 4 * size + j] = gates[case, size + j]


@entry
def gru_backward(
    g: Array, of_h: Array, behind: Array, slopes: Array, by_W: Array, by_U: Array, kept: Array
) -> None:
    """One step of a GRU backwards.

    Args:
        g: ∂L/∂h(n) by the step's own output, (cases, size).
        of_h: ∂L/∂h(n) by the gates of the step behind, δ(n+1) Uᵀ; overwritten.
        behind: ∂L/∂h(n) by what the step behind keeps of it.
        slopes: of `gru_forward`.
        by_W: room for δ(n) of the blocks r, u, g, (cases, 3 · size).
        by_U: room for those of the blocks r, u, m.
        kept: room for ∂L/∂h(n−1) by what this step keeps of it.
    """
    wide_vectors()
    cases, size = g.shape
    for case in range(cases):
        _add(of_h, g, case, size)
        _add(of_h, behind, case, size)
        for block in range(3):
            _product(by_W, block * size, of_h, 0, slopes, block * size, case, size)
        for j in range(2 * size):
            by_U[case, j] = by_W[case, j]
        _product(by_U, 2 * size, of_h, 0, slopes, 3 * size, case, size)
        _product(kept, 0, of_h, 0, slopes, 4 * size, case, size)

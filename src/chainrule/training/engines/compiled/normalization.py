"""Batch and layer normalisation behind other layers, on minibatches, in compiled code.

A layer that normalises reads a of the layer before and writes z = γ ⊙ x̂ + β; its φ is computed as
that of a dense layer. Sums over cases or units are kept in float64.

``norms`` are three arrays: x̂ of the layers, (1, units), in the layout of the units; statistics of
them, (4, units), see `MEAN`, of which a layer's begin where its units do; and the layers' options,
(layers, 2), see `EPSILON`. ``sizes`` are as in `batches`.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import kernel
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.tables import (
    BIASES,
    BY_BATCH,
    BY_CASE,
    DELTA,
    EPSILON,
    INVERSE,
    KIND,
    MEAN,
    OUTPUTS,
    PASSING,
    SHARE,
    START,
    THETA,
    VARIANCE,
    WEIGHTS,
    Index,
    Rules,
    Workspace,
    Z,
    weighted_layers,
)
from chainrule.training.engines.compiled.updates import corrections, update

ZERO, ONE, TWO = Index(0), Index(1), Index(2)

Norms = tuple[Array, Array, Array]
"""The type of ``norms``."""


def make_norms(network: Network, length: int) -> Norms:
    """The arrays ``norms`` for units of this length."""
    options = [
        (getattr(layer, "epsilon", 0.0), getattr(layer, "momentum", 0.0))
        for layer in weighted_layers(network)
    ]
    shape = PASSING + 1, length
    return np.zeros((1, length), network.dtype), np.zeros(shape), np.array(options)


@kernel
def normalise(
    k: int, source: int, sizes: tuple[int, int], learn: bool, norms: Any, ws: Workspace
) -> None:
    """Compute x̂ and z = γ ⊙ x̂ + β of layer k, from row ``source`` of the units before it."""
    standard, statistics, options = norms
    (count, size), layers, units = sizes, ws.layers, ws.units
    start, before, width = (
        layers[k, START] * size,
        layers[k - ONE, START] * size,
        layers[k, OUTPUTS],
    )
    for j in range(count * width):
        standard[0, start + j] = units[source, before + j]
    epsilon = options[k, EPSILON]
    if layers[k, KIND] == BY_CASE:
        for case in range(count):
            at = start + case * width
            statistics[INVERSE, start + case] = _standardise_case(at, width, epsilon, standard)
    else:
        if learn:
            _centre(start, count, width, standard, statistics)
            _measure(start, count, width, standard, statistics)
        else:
            _centre_by_running(start, count, layers[k, BIASES] + width, width, norms, ws)
        _scale(start, count, width, epsilon, standard, statistics)
    gamma, beta = layers[k, WEIGHTS], layers[k, BIASES]
    for case in range(count):
        at = start + case * width
        for j in range(width):
            shifted = ws.weights[THETA, gamma + j] * standard[0, at + j]
            units[Z, at + j] = shifted + ws.weights[THETA, beta + j]


@kernel
def _centre(start: int, count: int, width: int, standard: Array, statistics: Array) -> None:
    """Subtract each unit's mean over the cases, in two turns as `standardized.centred` does."""
    for j in range(start, start + width):
        statistics[MEAN, j] = 0.0
    for _ in range(2):
        for j in range(start, start + width):
            statistics[PASSING, j] = 0.0
        for case in range(count):
            for j in range(width):
                statistics[PASSING, start + j] += standard[0, start + case * width + j]
        for j in range(start, start + width):
            statistics[PASSING, j] /= count
            statistics[MEAN, j] += statistics[PASSING, j]
        for case in range(count):
            for j in range(width):
                standard[0, start + case * width + j] -= statistics[PASSING, start + j]


@kernel
def _measure(start: int, count: int, width: int, standard: Array, statistics: Array) -> None:
    """The variance of each unit over the cases."""
    for j in range(start, start + width):
        statistics[VARIANCE, j] = 0.0
    for case in range(count):
        for j in range(width):
            d = np.float64(standard[0, start + case * width + j])
            statistics[VARIANCE, start + j] += d * d
    for j in range(start, start + width):
        statistics[VARIANCE, j] /= count


@kernel
def _centre_by_running(
    start: int, count: int, mean: int, width: int, norms: Any, ws: Workspace
) -> None:
    """Subtract the running mean, at index ``mean`` of θ; the running variance lies behind it."""
    standard, statistics, _ = norms
    for j in range(width):
        statistics[VARIANCE, start + j] = ws.weights[THETA, mean + width + j]
    for case in range(count):
        for j in range(width):
            standard[0, start + case * width + j] -= ws.weights[THETA, mean + j]


@kernel
def _scale(
    start: int, count: int, width: int, epsilon: float, standard: Array, statistics: Array
) -> None:
    """Divide each unit by √(variance + ε)."""
    for j in range(start, start + width):
        statistics[INVERSE, j] = _inverse(statistics[VARIANCE, j], epsilon)
    for case in range(count):
        for j in range(width):
            standard[0, start + case * width + j] *= statistics[INVERSE, start + j]


@kernel
def _inverse(variance: float, epsilon: float) -> float:
    """1 / √(variance + ε); a variance that overflowed gives NaN, not 0."""
    return 1.0 / sqrt(variance + epsilon) + 0.0 * variance


@kernel
def _standardise_case(at: int, width: int, epsilon: float, standard: Array) -> float:
    """Standardise ``width`` numbers from index ``at`` on; returns 1 / √(variance + ε)."""
    for _ in range(2):
        total = 0.0
        for j in range(at, at + width):
            total += standard[0, j]
        mean = total / width
        for j in range(at, at + width):
            standard[0, j] -= mean
    variance = 0.0
    for j in range(at, at + width):
        d = np.float64(standard[0, j])
        variance += d * d
    inverse = _inverse(variance / width, epsilon)
    for j in range(at, at + width):
        standard[0, j] *= inverse
    return inverse


@kernel
def go_back(k: int, sizes: tuple[int, int], norms: Any, ws: Workspace) -> None:
    """From N δ of layer k: N ∂L/∂γ and N ∂L/∂β into the gradient, N ∂L/∂x into the δ before."""
    standard, (count, size), layers, gradient = norms[0], sizes, ws.layers, ws.gradient
    start, width = layers[k, START] * size, layers[k, OUTPUTS]
    gamma, beta = layers[k, WEIGHTS], layers[k, BIASES]
    for j in range(width):
        gradient[0, gamma + j] = 0
        gradient[0, beta + j] = 0
    for case in range(count):
        at = start + case * width
        for j in range(width):
            delta = ws.units[DELTA, at + j]
            gradient[0, gamma + j] += delta * standard[0, at + j]
            gradient[0, beta + j] += delta
    if layers[k, KIND] == BY_CASE:
        for case in range(count):
            _through_case(k, case, size, norms, ws)
    else:
        _through_minibatch(k, sizes, norms, ws)


@kernel
def _through_minibatch(k: int, sizes: tuple[int, int], norms: Any, ws: Workspace) -> None:
    """γ / σ (δ − Σ δ / n − x̂ Σ (δ x̂) / n) for the n cases of each unit."""
    (standard, statistics, _), (count, size), layers = norms, sizes, ws.layers
    start, before, width = (
        layers[k, START] * size,
        layers[k - ONE, START] * size,
        layers[k, OUTPUTS],
    )
    gamma, beta, share = layers[k, WEIGHTS], layers[k, BIASES], ws.units.dtype.type(1 / count)
    for case in range(count):
        at = case * width
        for j in range(width):
            sums, along = ws.gradient[0, beta + j], ws.gradient[0, gamma + j]
            less = standard[0, start + at + j] * (along * share) + sums * share
            scale = ws.weights[THETA, gamma + j] * statistics[INVERSE, start + j]
            ws.units[DELTA, before + at + j] = (ws.units[DELTA, start + at + j] - less) * scale


@kernel
def _through_case(k: int, case: int, size: int, norms: Any, ws: Workspace) -> None:
    """(u − Σ u / n − x̂ Σ (u x̂) / n) / σ with u = γ ⊙ δ, for the n units of a case."""
    (standard, statistics, _), layers = norms, ws.layers
    width, gamma, sums, along = layers[k, OUTPUTS], layers[k, WEIGHTS], 0.0, 0.0
    start, at = layers[k, START] * size, layers[k, START] * size + case * width
    before = layers[k - ONE, START] * size + case * width
    for j in range(width):
        u = np.float64(ws.units[DELTA, at + j] * ws.weights[THETA, gamma + j])
        sums += u
        along += u * standard[0, at + j]
    sums, along, inverse = sums / width, along / width, statistics[INVERSE, start + case]
    for j in range(width):
        u = ws.units[DELTA, at + j] * ws.weights[THETA, gamma + j]
        ws.units[DELTA, before + j] = (u - sums - standard[0, at + j] * along) * inverse


@kernel
def update_all(number: int, rules: Rules, ws: Workspace) -> None:
    """As `update_by_gradient`; γ is updated by the rule for biases, which spares it decay."""
    corrected, layers = corrections(rules, number), ws.layers
    for k in range(Index(len(layers))):
        row, biases, width = layers[k, WEIGHTS], layers[k, BIASES], layers[k, OUTPUTS]
        for b in range(TWO):
            start, stop = (biases, biases + width) if b else (row, biases)
            as_bias = b if layers[k, KIND] == ZERO else ONE
            its = (ws.gradient, ZERO, start)
            update(k, as_bias, its, start, stop - start, rules, corrected, ws)


@kernel
def follow(sizes: tuple[int, int], norms: Any, ws: Workspace) -> None:
    """Move running means and variances towards those of the minibatch; see `BatchNorm`."""
    (_, statistics, options), (count, size), layers = norms, sizes, ws.layers
    for k in range(Index(len(layers))):
        if layers[k, KIND] == BY_BATCH:
            start, width, share = layers[k, START] * size, layers[k, OUTPUTS], options[k, SHARE]
            mean = layers[k, BIASES] + width
            for j in range(width):
                old = ws.weights[THETA, mean + j]
                ws.weights[THETA, mean + j] = old + share * (statistics[MEAN, start + j] - old)
                if count > ONE:
                    unbiased = statistics[VARIANCE, start + j] * (count / (count - ONE))
                    old = ws.weights[THETA, mean + width + j]
                    ws.weights[THETA, mean + width + j] = old + share * (unbiased - old)

"""Recurrent networks written out with loops, for the tests to compare with."""

from __future__ import annotations

import numpy as np


def states(layer, x):
    """h(0) to h(steps) of one case, x (steps, features), in plain loops."""
    h = [np.array(layer.h0, dtype=float)]
    for step in x:
        z = np.array(
            [
                sum(step[i] * layer.W[i, j] for i in range(len(step)))
                + sum(h[-1][i] * layer.U[i, j] for i in range(layer.size))
                + (layer.b[j] if layer.bias else 0.0)
                for j in range(layer.size)
            ]
        )
        h.append(layer.activation.value(z))
    return h


def truncated_gradients(layer, x, J, depth):
    """Gradients of one case by the definition, each output on its own.

    The output of step m is differentiated through steps m − k + 1 to m; h(m − k) is a constant.

    Args:
        layer: its parameters are taken as they are.
        x: (steps, features).
        J: of the loss by h(1) to h(steps), (steps, size).
        depth: k.
    """
    h = states(layer, x)
    found = {name: np.zeros(shape) for name, shape in layer.shapes().items()}
    found["x"] = np.zeros_like(x)
    for m in range(1, len(x) + 1):
        g = J[m - 1]
        for n in range(m, max(0, m - depth), -1):
            z = x[n - 1] @ layer.W + h[n - 1] @ layer.U + (layer.b if layer.bias else 0.0)
            delta = g * layer.activation.derivative(z)
            found["W"] += np.outer(x[n - 1], delta)
            found["U"] += np.outer(h[n - 1], delta)
            if layer.bias:
                found["b"] += delta
            found["x"][n - 1] += layer.W @ delta
            g = layer.U @ delta
            if n == 1 and layer.learns_start:
                found["h0"] += g
    return found


def padded(cases):
    """Cases of different lengths in one array, NaN behind their ends."""
    longest = max(map(len, cases))
    x = np.full((len(cases), longest, *cases[0].shape[1:]), np.nan)
    for case, values in zip(x, cases, strict=True):
        case[: len(values)] = values
    return x

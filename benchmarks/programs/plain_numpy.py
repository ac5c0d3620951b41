"""NumPy as one writes it: expressions that make new arrays."""

from __future__ import annotations

import numpy as np

from benchmarks.programs import Run
from benchmarks.workloads import RATE, Problem

ACTIVATIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}
# By the output a, which is kept anyway.
DERIVATIVES = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
    "relu": lambda a: a > 0,
}


def make(problem: Problem) -> Run:
    """A forward pass, a backward pass and an update of lists of arrays."""
    weights, penalty = problem.weights(), problem.workload.penalty
    activation = ACTIVATIONS[problem.workload.activation]
    derivative = DERIVATIVES[problem.workload.activation]

    def step(x: np.ndarray, t: np.ndarray) -> float:
        outputs = [x]
        for W, b in weights[:-1]:
            outputs.append(activation(outputs[-1] @ W + b))
        W, b = weights[-1]
        z = outputs[-1] @ W + b
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        sums = e.sum(axis=1, keepdims=True)
        rows = np.arange(len(t))
        loss = np.mean(np.log(sums[:, 0]) - z[rows, t])
        if penalty:
            loss += penalty / 2 * sum(np.vdot(W, W) for W, _ in weights)
        delta = e / sums
        delta[rows, t] -= 1
        delta /= len(t)
        for k in range(len(weights) - 1, -1, -1):
            W, b = weights[k]
            W_grad = outputs[k].T @ delta
            if penalty:
                W_grad += penalty * W
            b_grad = delta.sum(axis=0)
            if k:
                delta = (delta @ W.T) * derivative(outputs[k])
            W -= RATE * W_grad
            b -= RATE * b_grad
        return float(loss)

    def run(first: int, last: int) -> np.ndarray:
        chosen = problem.chosen(first, last)
        return np.array([step(problem.x[cases], problem.t[cases]) for cases in chosen])

    return run

"""NumPy with ``out=``: every array is allocated once and reused."""

from __future__ import annotations

import numpy as np

from benchmarks.programs import Run
from benchmarks.workloads import RATE, Problem


def _sigmoid(z: np.ndarray) -> None:
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    np.reciprocal(z, out=z)


ACTIVATIONS = {
    "sigmoid": _sigmoid,
    "tanh": lambda z: np.tanh(z, out=z),
    "relu": lambda z: np.maximum(z, 0, out=z),
}


def _times_derivative(name: str, delta: np.ndarray, a: np.ndarray) -> None:
    """δ ← δ f'(z), computed from a = f(z), which is overwritten."""
    if name == "relu":
        np.greater(a, 0, out=a)
        delta *= a
        return
    if name == "sigmoid":
        delta *= a
        np.subtract(1, a, out=a)
    else:
        a *= a
        np.subtract(1, a, out=a)
    delta *= a


def make(problem: Problem) -> Run:
    """One layout of buffers for minibatches that all have the same number of cases."""
    workload, weights = problem.workload, problem.weights()
    batch, dtype, activation = workload.batch, workload.dtype, workload.activation
    x_room, t_room = np.empty((batch, workload.widths[0]), dtype), np.empty(batch, int)
    outputs = [np.empty((batch, size), dtype) for size in workload.widths[1:]]
    deltas = [np.empty_like(a) for a in outputs[:-1]]
    gradients = [(np.empty_like(W), np.empty_like(b)) for W, b in weights]
    column, rows = np.empty((batch, 1), dtype), np.arange(batch)
    forward = ACTIVATIONS[activation]

    def propagate(x: np.ndarray) -> None:
        for k, (W, b) in enumerate(weights):
            np.matmul(x, W, out=outputs[k])
            x = outputs[k]
            x += b
            if k < len(weights) - 1:
                forward(x)

    def lossy_softmax(z: np.ndarray, t: np.ndarray) -> float:
        """The loss; z becomes the δ of the last layer."""
        z.max(axis=1, keepdims=True, out=column)
        z -= column
        right = z[rows, t].sum()
        np.exp(z, out=z)
        z.sum(axis=1, keepdims=True, out=column)
        z /= column
        z[rows, t] -= 1
        z *= 1 / batch
        np.log(column, out=column)
        return (column.sum() - right) / batch

    def backpropagate(x: np.ndarray) -> None:
        delta = outputs[-1]
        for k in range(len(weights) - 1, -1, -1):
            (W, _), (W_grad, b_grad) = weights[k], gradients[k]
            np.matmul((outputs[k - 1] if k else x).T, delta, out=W_grad)
            delta.sum(axis=0, out=b_grad)
            if k:
                np.matmul(delta, W.T, out=deltas[k - 1])
                delta = deltas[k - 1]
                _times_derivative(activation, delta, outputs[k - 1])

    def update() -> None:
        for (W, b), (W_grad, b_grad) in zip(weights, gradients, strict=True):
            if workload.penalty:
                W *= 1 - RATE * workload.penalty
            W_grad *= RATE
            W -= W_grad
            b_grad *= RATE
            b -= b_grad

    def step(x: np.ndarray, t: np.ndarray) -> float:
        propagate(x)
        loss = float(lossy_softmax(outputs[-1], t))
        if workload.penalty:
            loss += workload.penalty / 2 * float(sum(np.vdot(W, W) for W, _ in weights))
        backpropagate(x)
        update()
        return loss

    def run(first: int, last: int) -> np.ndarray:
        losses = np.empty(last - first)
        for k, cases in enumerate(problem.chosen(first, last)):
            if isinstance(cases, slice):
                losses[k] = step(problem.x[cases], problem.t[cases])
            else:
                problem.x.take(cases, axis=0, out=x_room, mode="clip")
                problem.t.take(cases, out=t_room, mode="clip")
                losses[k] = step(x_room, t_room)
        return losses

    return run

"""PyTorch without autograd: the gradients written out, W changed by the product itself."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.programs import Run
from benchmarks.programs.torch_eager import minibatches
from benchmarks.workloads import RATE, Problem

ACTIVATIONS = {"sigmoid": torch.sigmoid_, "tanh": torch.tanh_, "relu": torch.relu_}
# What autograd itself calls, by the output a.
BACKWARD = {
    "sigmoid": torch.ops.aten.sigmoid_backward,
    "tanh": torch.ops.aten.tanh_backward,
    "relu": lambda delta, a: torch.ops.aten.threshold_backward(delta, a, 0),
}


def make(problem: Problem) -> Run:
    """``W ← (1 − lr·rate)·W − lr·aᵀδ`` is one call."""
    weights = [(torch.from_numpy(W), torch.from_numpy(b)) for W, b in problem.weights()]
    penalty = problem.workload.penalty
    activation = ACTIVATIONS[problem.workload.activation]
    backward = BACKWARD[problem.workload.activation]
    take = minibatches(problem)

    def step(x: torch.Tensor, t: torch.Tensor) -> float:
        outputs = [x]
        for W, b in weights[:-1]:
            outputs.append(activation(torch.addmm(b, outputs[-1], W)))
        W, b = weights[-1]
        logs = torch.log_softmax(torch.addmm(b, outputs[-1], W), dim=1)
        columns = t.unsqueeze(1)
        loss = -logs.gather(1, columns).mean().item()
        if penalty:
            loss += penalty / 2 * float(sum(torch.dot(W.view(-1), W.view(-1)) for W, _ in weights))
        ones = torch.full(columns.shape, -1.0, dtype=x.dtype)
        delta = logs.exp_().scatter_add_(1, columns, ones).div_(len(t))
        for k in range(len(weights) - 1, -1, -1):
            W, b = weights[k]
            below = backward(delta @ W.T, outputs[k]) if k else None
            W.addmm_(outputs[k].T, delta, beta=1 - RATE * penalty, alpha=-RATE)
            b.sub_(delta.sum(0), alpha=RATE)
            delta = below
        return loss

    @torch.inference_mode()
    def run(first: int, last: int) -> np.ndarray:
        return np.array([step(x, t) for x, t in take(first, last)])

    return run

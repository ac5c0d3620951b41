"""PyTorch with torch.compile over the whole step: loss, gradient and update in one graph."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from benchmarks.programs import Run
from benchmarks.programs.torch_eager import minibatches
from benchmarks.workloads import RATE, Problem

ACTIVATIONS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


def make(problem: Problem) -> Run:
    """The gradient as a function of the weights, so that nothing interrupts the graph."""
    torch.compiler.reset()  # it counts how often one step is compiled, over all problems
    weights = [(torch.from_numpy(W), torch.from_numpy(b)) for W, b in problem.weights()]
    penalty = problem.workload.penalty
    activation = ACTIVATIONS[problem.workload.activation]
    take = minibatches(problem)

    def objective(weights, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        for W, b in weights[:-1]:
            x = activation(torch.addmm(b, x, W))
        W, b = weights[-1]
        loss = functional.cross_entropy(torch.addmm(b, x, W), t)
        if penalty:
            loss = loss + penalty / 2 * sum(W.square().sum() for W, _ in weights)
        return loss

    # The weights are not an argument: then there is less to look through before each call.
    @torch.compile(fullgraph=True, dynamic=False)
    def step(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        gradients, loss = torch.func.grad_and_value(objective)(weights, x, t)
        for pair, gradient in zip(weights, gradients, strict=True):
            for parameter, part in zip(pair, gradient, strict=True):
                parameter.sub_(part, alpha=RATE)
        return loss

    @torch.no_grad()
    def run(first: int, last: int) -> np.ndarray:
        return np.array([step(x, t).item() for x, t in take(first, last)])

    return run

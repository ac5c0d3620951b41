"""PyTorch as its tutorials write it: modules, autograd, an optimiser."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.programs import Run
from benchmarks.workloads import RATE, Problem

ACTIVATIONS = {"sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}


def make_model(problem: Problem) -> torch.nn.Sequential:
    """Linear layers and activations, with the weights that all start from."""
    modules: list[torch.nn.Module] = []
    for W, b in problem.start:
        linear = torch.nn.Linear(*W.shape, dtype=getattr(torch, problem.workload.dtype))
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        modules += [linear, ACTIVATIONS[problem.workload.activation]()]
    return torch.nn.Sequential(*modules[:-1])


def minibatches(problem: Problem):
    """A function that yields inputs and targets of minibatches ``first`` to ``last`` − 1."""
    x, t = torch.from_numpy(problem.x), torch.from_numpy(problem.t)
    order = None if problem.order is None else torch.from_numpy(problem.order)
    batch = problem.workload.batch

    def take(first: int, last: int):
        for k in range(first, last):
            part = slice(k * batch, (k + 1) * batch)
            if problem.workload.full:
                yield x, t
            elif order is None:
                yield x[part], t[part]
            else:
                yield x[order[part]], t[order[part]]

    return take


def make(problem: Problem) -> Run:
    """The usual loop; the penalty is the optimiser's weight decay."""
    model, penalty = make_model(problem), problem.workload.penalty
    weights = [p for p in model.parameters() if p.dim() == 2]
    biases = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": weights, "weight_decay": penalty}, {"params": biases}]
    sgd = torch.optim.SGD(groups, lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()
    take = minibatches(problem)

    def step(x: torch.Tensor, t: torch.Tensor) -> float:
        sgd.zero_grad()
        loss = criterion(model(x), t)
        total = loss.item()
        if penalty:
            with torch.no_grad():
                total += penalty / 2 * sum(torch.dot(W.view(-1), W.view(-1)) for W in weights)
        loss.backward()
        sgd.step()
        return float(total)

    return lambda first, last: np.array([step(x, t) for x, t in take(first, last)])

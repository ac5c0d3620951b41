"""chainrule: one of its engines, as a training calls it, one call an epoch."""

from __future__ import annotations

import numpy as np

from benchmarks.programs import Run
from benchmarks.workloads import RATE, Problem, make_network
from chainrule.training.engines import ENGINES
from chainrule.training.optimizers import SGD


def make(problem: Problem, kind: str) -> Run:
    """The engine ``kind`` on the network of the workload."""
    workload, sgd = problem.workload, SGD()
    network = make_network(workload)
    rates = network.parameters.layout.runs(network.rates(RATE))
    sgd.bind(network.theta, network.gradients.vector, rates)
    t = network.prepare_targets(problem.t)
    engine = ENGINES[kind](network, sgd, problem.x, t, batch_size=workload.batch, classes=True)
    if engine.name != kind:
        print(f"  {workload.name}: engine {kind} falls back to {engine.name}")

    def run(first: int, last: int) -> np.ndarray:
        if workload.full:
            return np.concatenate([engine.run(None, 0, 1).losses for _ in range(first, last)])
        return engine.run(problem.order, first, last).losses

    return run

"""The numpy engine against PyTorch's eager loop, a minibatch of a deep, narrow network.

Workload W4: 400-100-50-50-50-50-4, tanh, softmax with cross-entropy, batch 32, plain SGD. Both
train on the same shuffled cases in float64, each on one and on two threads; the better of the
two counts. Run with: python -m benchmarks.against_torch
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.timing import interleaved, machine, spread
from chainrule import Network
from chainrule.engines import NumpyEngine
from chainrule.optimizers import SGD

WIDTHS = (400, 100, 50, 50, 50, 50, 4)
BATCH, MINIBATCHES, ROUNDS = 32, 100, 25
RATE = 0.01
MICROSECOND = 1e-6


def data() -> tuple[np.ndarray, np.ndarray]:
    """Random cases: x (cases, 400) and class numbers t (cases,)."""
    rng = np.random.default_rng(0)
    cases = BATCH * MINIBATCHES
    return rng.normal(size=(cases, WIDTHS[0])), rng.integers(0, WIDTHS[-1], cases)


def ours(x: np.ndarray, t: np.ndarray, threads: int) -> Callable[[], object]:
    """An epoch of the numpy engine."""
    layers = [{"size": size, "activation": "tanh"} for size in WIDTHS[1:-1]]
    layers += [{"size": WIDTHS[-1]}, "softmax"]
    network = Network.from_config(
        {"input": WIDTHS[0], "loss": "cross_entropy", "learning_rate": RATE, "layers": layers}
    )
    sgd = SGD()
    rates = network.parameters.layout.runs(network.rates(RATE))
    sgd.bind(network.theta, network.gradients.vector, rates)
    engine = NumpyEngine(
        network, sgd, x, network.prepare_targets(t), batch_size=BATCH, classes=True
    )
    rng = np.random.default_rng(1)

    def epoch() -> None:
        with threadpool_limits(threads):
            engine.run(rng.permutation(len(x)), 0, engine.minibatches)

    return epoch


def torch_eager(x: np.ndarray, t: np.ndarray, threads: int) -> Callable[[], object]:
    """An epoch of PyTorch, as its tutorials write it."""
    import torch

    modules: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(WIDTHS):
        modules += [torch.nn.Linear(inputs, outputs, dtype=torch.float64), torch.nn.Tanh()]
    model = torch.nn.Sequential(*modules[:-1])
    sgd = torch.optim.SGD(model.parameters(), lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()
    inputs, targets = torch.from_numpy(x), torch.from_numpy(t)
    rng = np.random.default_rng(1)

    def epoch() -> None:
        torch.set_num_threads(threads)
        order = torch.from_numpy(rng.permutation(len(x)))
        for first in range(0, len(x), BATCH):
            chosen = order[first : first + BATCH]
            sgd.zero_grad()
            loss = criterion(model(inputs[chosen]), targets[chosen])
            loss.backward()
            sgd.step()

    return epoch


def main() -> None:
    """Time both and print the ratio."""
    x, t = data()
    rivals = {
        f"{name}, {threads} thread{'s' * (threads > 1)}": make(x, t, threads)
        for threads in (1, 2)
        for name, make in (("torch eager", torch_eager), ("chainrule numpy", ours))
    }
    seconds = {
        name: [s / MINIBATCHES for s in times]
        for name, times in interleaved(rivals, ROUNDS).items()
    }
    print(f"{'-'.join(map(str, WIDTHS))}, tanh, batch {BATCH}, float64; {machine()}")
    print("microseconds a minibatch: median (range)")
    for name, times in seconds.items():
        print(f"  {name:28}{spread(times, MICROSECOND)}")
    best = {
        name: min(median(times) for key, times in seconds.items() if key.startswith(name))
        for name in ("torch eager", "chainrule numpy")
    }
    ratio = best["torch eager"] / best["chainrule numpy"]
    print(f"  torch's best over ours: {ratio:.2f}  (at least 1.5 is asked for)")


if __name__ == "__main__":
    main()

"""Training one case at a time: the compiled engine, the numpy engine, plain NumPy and PyTorch.

Workload W1: 128-50-10, sigmoid, softmax with cross-entropy, float64, plain SGD in the order of
the file; inputs are 0 or 1, a quarter of them 1. All start from the same θ, and their losses are
held against each other first. Run with: python -m benchmarks.one_case_at_a_time
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.timing import interleaved, machine, spread
from chainrule import Dense, Network, Softmax
from chainrule.engines import Engine, NumpyEngine
from chainrule.engines.compiled.engine import CompiledEngine
from chainrule.optimizers import SGD

INPUT, HIDDEN, CLASSES = 128, 50, 10
CASES, COMPARED, ROUNDS = 9000, 500, 15
RATE = 0.01
MICROSECOND = 1e-6


class Rival(NamedTuple):
    """One way to train: a function that runs some cases and returns their losses."""

    run: Callable[[int], list[float]]
    cases: int


def data() -> tuple[np.ndarray, np.ndarray]:
    """Random cases: x (cases, 128) and class numbers t (cases,)."""
    rng = np.random.default_rng(0)
    x = (rng.random((CASES, INPUT)) < 0.25).astype(float)
    return x, rng.integers(0, CLASSES, CASES)


def make_network() -> Network:
    """The same θ each time."""
    layers = [Dense(HIDDEN, "sigmoid"), Dense(CLASSES, "linear"), Softmax()]
    return Network(layers, input=INPUT, learning_rate=RATE, seed=1)


def ours(kind: type[Engine], x: np.ndarray, t: np.ndarray) -> Callable[[int], list[float]]:
    """One of our engines."""
    network, sgd = make_network(), SGD()
    rates = network.parameters.layout.runs(network.rates(RATE))
    sgd.bind(network.theta, network.gradients.vector, rates)
    engine = kind(network, sgd, x, t, batch_size=1, classes=True)
    return lambda cases: list(engine.run(None, 0, cases).losses)


def plain_numpy(x: np.ndarray, t: np.ndarray) -> Callable[[int], list[float]]:
    """The four gradients written out, as a homework has them."""
    network = make_network()
    W, b, V, c = (view.copy() for view in network.parameters.values())
    rows = np.eye(CLASSES)[t]

    def run(cases: int) -> list[float]:
        losses = []
        for k in range(cases):
            a = 1 / (1 + np.exp(-(x[k] @ W + b)))
            z = a @ V + c
            e = np.exp(z - z.max())
            p = e / e.sum()
            losses.append(-float(np.log(p[t[k]])))
            d2 = p - rows[k]
            d1 = (V @ d2) * a * (1 - a)
            V[...] -= RATE * np.outer(a, d2)
            c[...] -= RATE * d2
            W[...] -= RATE * np.outer(x[k], d1)
            b[...] -= RATE * d1
        return losses

    return run


def torch_eager(x: np.ndarray, t: np.ndarray) -> Callable[[int], list[float]]:
    """As the tutorials of PyTorch write it, on one thread, which is faster here."""
    import torch

    torch.set_num_threads(1)
    network = make_network()
    model = torch.nn.Sequential(
        torch.nn.Linear(INPUT, HIDDEN, dtype=torch.float64),
        torch.nn.Sigmoid(),
        torch.nn.Linear(HIDDEN, CLASSES, dtype=torch.float64),
    )
    with torch.no_grad():
        for own, view in zip(model.parameters(), network.parameters.values(), strict=True):
            own.copy_(torch.from_numpy(view.T.copy()))
    sgd: Any = torch.optim.SGD(model.parameters(), lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()
    inputs, targets = torch.from_numpy(x), torch.from_numpy(t)

    def run(cases: int) -> list[float]:
        losses = []
        for k in range(cases):
            sgd.zero_grad()
            loss = criterion(model(inputs[k : k + 1]), targets[k : k + 1])
            loss.backward()
            sgd.step()
            losses.append(loss.item())
        return losses

    return run


def rivals(x: np.ndarray, t: np.ndarray) -> dict[str, Rival]:
    """Whatever is installed; the slow ones run fewer cases a round."""
    found = {
        "chainrule compiled": Rival(ours(CompiledEngine, x, t), CASES),
        "chainrule numpy": Rival(ours(NumpyEngine, x, t), COMPARED),
        "plain NumPy": Rival(plain_numpy(x, t), COMPARED),
    }
    if find_spec("torch"):
        found["torch eager"] = Rival(torch_eager(x, t), COMPARED)
    else:
        print("torch is not installed: make bench installs it")
    return found


def main() -> None:
    """Hold the losses against each other, time all, and print the ratios."""
    entries = rivals(*data())
    with threadpool_limits(1):
        losses = {name: np.array(rival.run(COMPARED)) for name, rival in entries.items()}
        timed = {
            name: lambda rival=rival: rival.run(rival.cases) for name, rival in entries.items()
        }
        seconds = {
            name: [s / entries[name].cases for s in times]
            for name, times in interleaved(timed, ROUNDS).items()
        }
    own = "chainrule compiled"
    print(f"{INPUT}-{HIDDEN}-{CLASSES}, sigmoid, one case at a time, float64; {machine()}")
    print("microseconds a step: median (range); over ours; largest difference of a loss")
    for name, times in seconds.items():
        ratio = median(times) / median(seconds[own])
        apart = np.abs(losses[name] - losses[own]).max()
        print(f"  {name:20}{spread(times, MICROSECOND)}   {ratio:6.1f}   {apart:.0e}")


if __name__ == "__main__":
    main()

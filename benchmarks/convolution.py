"""Times of convolutions and of a small convolutional network beside PyTorch, float32.

Forward and backward (the gradients of W, b and the input) of the 3 × 3 convolutions of 16 filters
on 32 images of 3 × 32 × 32 and of 32 filters on 32 images of 16 × 16 × 16; a training step of two
of them with pooling and two dense layers. Run with:
python -m benchmarks.convolution [--quick] [--rounds N] [--threads N] [--json FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.results import store
from benchmarks.timing import machine, spread
from chainrule import Dense, Network, Softmax
from chainrule.nn import Conv2D, Flatten, MaxPool2D
from chainrule.training.engines.numpy_engine import NumpyEngine
from chainrule.training.engines.threads import on_threads
from chainrule.training.optimizers import optimizer

CASES = 32
LAYERS = {"16 filters on 3 × 32 × 32": (3, 32, 16), "32 filters on 16 × 16 × 16": (16, 16, 32)}
BATCHES = (32, 64)
MILLISECOND = 1e-3

Programs = Mapping[str, Callable[[], object]]


def convolutions(channels: int, side: int, filters: int) -> tuple[Programs, float]:
    """Both passes of a convolution in both libraries, and our buffers' size over the output's."""
    import torch

    rng = np.random.default_rng(0)
    x = rng.standard_normal((CASES, channels * side * side)).astype(np.float32)
    layer = Conv2D(filters, 3, padding="same", activation="linear")
    layers = [layer, Flatten(), Dense(1)]
    network = Network(layers, input=[channels, side, side], dtype="float32", loss="mse")
    layer.context.buffers = {}
    J = rng.standard_normal((CASES, layer.outputs)).astype(np.float32)

    def ours() -> None:
        layer.forward_pass(x)
        layer.backward_pass(J)

    images = torch.from_numpy(x.reshape(CASES, channels, side, side).copy()).requires_grad_()
    W, b = (torch.from_numpy(a.copy()).requires_grad_() for a in (layer.W, layer.b))
    g = torch.from_numpy(J.reshape(CASES, filters, side, side))

    def theirs() -> None:
        y = torch.nn.functional.conv2d(images, W, b, padding=1)
        torch.autograd.grad(y, (images, W, b), g)

    with on_threads(2):
        ours()
    kept = sum(array.nbytes for array in layer.context.buffers.values())
    assert network.layers[0] is layer
    return {"chainrule": ours, "torch": theirs}, kept / J.nbytes


def steps(batch: int) -> Programs:
    """A training step of a small convolutional network, ours and PyTorch's."""
    import torch
    from torch import nn

    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, 3 * 32 * 32)).astype(np.float32)
    t = rng.integers(0, 10, batch)
    layers = [
        *(Conv2D(16, 3, padding="same"), MaxPool2D(2)),
        *(Conv2D(32, 3, padding="same"), MaxPool2D(2)),
        *(Flatten(), Dense(64), Dense(10), Softmax()),
    ]
    network = Network(layers, input=[3, 32, 32], dtype="float32", learning_rate=0.01)
    sgd = optimizer("sgd")
    layout = network.parameters.layout
    sgd.bind(network.theta, network.gradients.vector, layout.runs(network.rates(0.01)))
    engine = NumpyEngine(network, sgd, x, t, batch_size=batch, classes=True)

    model = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 10)),
    )
    rule = torch.optim.SGD(model.parameters(), lr=0.01)
    images, labels = torch.from_numpy(x.reshape(batch, 3, 32, 32)), torch.from_numpy(t)

    def theirs() -> None:
        rule.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        rule.step()

    return {"chainrule": lambda: engine.run(None, 0, 1), "torch": theirs}


def apart(programs: Programs, rounds: int) -> dict[str, list[float]]:
    """The seconds of each program's calls; the programs take turns of ten calls.

    PyTorch's threads stay busy for a while after a call. In ten calls in a row, a program has the
    processor to itself.
    """
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(max(1, rounds // 10)):
        for name, run in programs.items():
            run()
            for _ in range(10):
                start = perf_counter()
                run()
                seconds[name].append(perf_counter() - start)
    return seconds


def measure(rounds: int, threads: int) -> dict[str, Any]:
    """The seconds of every program, for each layer and each network."""
    import torch

    found: dict[str, Any] = {}
    with ExitStack() as stack:
        before = torch.get_num_threads()
        stack.callback(torch.set_num_threads, before)
        torch.set_num_threads(threads)
        stack.enter_context(on_threads(threads, 1))
        for name, sizes in LAYERS.items():
            programs, memory = convolutions(*sizes)
            found[name] = {"memory": memory, "seconds": apart(programs, rounds)}
        for batch in BATCHES:
            programs = steps(batch)
            found[f"a step of {batch} images"] = {"seconds": apart(programs, rounds)}
    return found


def ratio(
    seconds: Mapping[str, Sequence[float]], of: Callable[[Sequence[float]], float] = median
) -> float:
    """Our median over PyTorch's; with ``of=min``, the ratio of the fastest calls."""
    return of(seconds["chainrule"]) / of(seconds["torch"])


def report(found: Mapping[str, Any]) -> str:
    """The measurements as a table in milliseconds."""
    rows = [f"{'':28} {'chainrule':>26} {'torch':>26}   ratio  of the best  memory / activations"]
    for name, of in found.items():
        ours, theirs = (spread(of["seconds"][n], MILLISECOND) for n in ("chainrule", "torch"))
        memory = f"{of['memory']:.2f}" if "memory" in of else ""
        ratios = f"{ratio(of['seconds']):7.2f} {ratio(of['seconds'], min):12.2f}"
        rows.append(f"{name:28} {ours:>26} {theirs:>26} {ratios}  {memory}")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; store with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--json", metavar="FILE", help="add the figures to this file")
    options = parser.parse_args(arguments)
    found = measure(20 if options.quick else options.rounds, options.threads)
    print(f"{machine()}, {options.threads} threads, float32, milliseconds\n")
    print(report(found))
    if options.json:
        store(options.json, {"convolution": found})


if __name__ == "__main__":
    main()

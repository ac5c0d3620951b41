"""Layers with a state beside PyTorch's: forward and backward pass of a minibatch, float32.

Run with: python -m benchmarks.recurrence [THREADS], by default 1. The recurrent layer, the LSTM
and the GRU take turns with `torch.nn.RNN`, `LSTM` and `GRU`; the medians of the milliseconds and
of the ratios are printed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import product
from statistics import median
from time import perf_counter

import numpy as np
import torch

from chainrule import Network
from chainrule.nn import GRU, LSTM, Layer, Recurrent
from chainrule.training.engines.threads import on_threads

# Cases, steps, features, units.
SIZES = ((16, 8, 1, 8), (32, 20, 1, 16), (32, 32, 98, 64), (32, 32, 64, 128), (64, 100, 32, 256))
TURNS = 9

KINDS = {"recurrent": (Recurrent, "RNN"), "lstm": (LSTM, "LSTM"), "gru": (GRU, "GRU")}


def pair_of(
    kind: str, cases: int, steps: int, features: int, size: int
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Functions for both passes of our layer, and of PyTorch's."""
    rng = np.random.default_rng(0)
    ours_of, theirs_of = KINDS[kind]
    layer: Layer = ours_of(size)
    network = Network([layer], input=[steps, features], loss="mse", dtype="float32", seed=1)
    x = rng.normal(size=(cases, steps * features)).astype(np.float32)
    J = rng.normal(size=(cases, steps * size)).astype(np.float32)
    pool: dict[tuple[object, ...], object] = {}
    rnn = getattr(torch.nn, theirs_of)(features, size, batch_first=True)
    fed = torch.from_numpy(x).reshape(cases, steps, features).requires_grad_()
    u = torch.from_numpy(J).reshape(cases, steps, size)

    def ours() -> None:
        with network.reused_buffers(pool):
            layer.forward_pass(x)
            layer.backward_pass(J)

    def theirs() -> None:
        rnn.zero_grad()
        fed.grad = None
        rnn(fed)[0].backward(u)

    return ours, theirs


def seconds(run: Callable[[], object]) -> float:
    """The fastest of five calls."""
    times = []
    for _ in range(5):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times)


def main() -> None:
    """Print a line for each size."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(threads)
    with on_threads(threads):
        measure()


def measure() -> None:
    """Every kind and size in turn."""
    sizes_of = f"{'cases':>6}{'steps':>6}{'inputs':>7}{'units':>6}"
    print(f"{'layer':>10}{sizes_of}{'ours ms':>9}{'torch ms':>9}  ratio")
    for kind, sizes in product(KINDS, SIZES):
        pair = pair_of(kind, *sizes)
        turns = [(seconds(pair[0]), seconds(pair[1])) for _ in range(TURNS)]
        ours, theirs = (1e3 * median(one) for one in zip(*turns, strict=True))
        ratio = median(a / b for a, b in turns)
        cases, steps, features, size = sizes
        row = (
            f"{kind:>10}{cases:6}{steps:6}{features:7}{size:6}{ours:9.3f}{theirs:9.3f}{ratio:7.2f}"
        )
        print(row)


if __name__ == "__main__":
    main()

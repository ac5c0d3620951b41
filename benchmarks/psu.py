"""Times of the functions of Penn State's homework 2 beside plain NumPy code.

Softmax regression on XOR, and one hidden layer on the spiral: the time of a call of predict,
computeCost and computeGrad, with their checks of arguments, over that of a few lines of NumPy. The
programs take turns on one thread; the fastest round counts, as other work disturbed it least.

Run with: python -m benchmarks.psu [--rounds N]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.timing import interleaved, machine
from chainrule.training.engines.threads import on_threads

COURSE = Path(__file__).parents[1] / "courses" / "psu_ist597_hw2"
# Cases, sizes of the layers, the largest allowed ratio to plain NumPy's time, calls a round.
SIZES = ((4, (2, 2), 4.0, 50), (10, (4, 100, 3), 4.0, 50), (300, (2, 100, 3), 1.5, 5))
REG = 1e-3
MICROSECOND = 1e-6


def scores_of(X, theta):
    """The inputs of each layer, and the scores."""
    inputs = [X]
    for W, b in zip(theta[:-2:2], theta[1:-2:2], strict=True):
        inputs.append(np.maximum(inputs[-1] @ W + b, 0))
    return inputs, inputs[-1] @ theta[-2] + theta[-1]


def probabilities(scores):
    """Softmax of the scores."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def predict(X, theta):
    """Scores and probabilities."""
    _, scores = scores_of(X, theta)
    return scores, probabilities(scores)


def compute_cost(X, y, theta, reg):
    """The mean cross-entropy plus the penalty."""
    p = predict(X, theta)[1]
    data = -np.log(p[np.arange(len(y)), y]).mean()
    return data + 0.5 * reg * sum((W**2).sum() for W in theta[::2])


def compute_grad(X, y, theta, reg):
    """The gradient, one array for each array of θ."""
    inputs, scores = scores_of(X, theta)
    delta = probabilities(scores)
    delta[np.arange(len(y)), y] -= 1
    delta /= len(y)
    gradients = []
    for k in reversed(range(len(inputs))):
        W = theta[2 * k]
        gradients[:0] = [inputs[k].T @ delta + reg * W, delta.sum(axis=0, keepdims=True)]
        if k:
            delta = (delta @ W.T) * (inputs[k] > 0)
    return tuple(gradients)


def course() -> ModuleType:
    """The course's module of functions."""
    spec = spec_from_file_location("theta", COURSE / "theta.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pairs(functions: Any, cases: int, sizes: tuple[int, ...]) -> dict[str, list[Callable]]:
    """For each function, a call of the course's and one of plain NumPy, which must agree."""
    rng = np.random.default_rng(0)
    theta = [a for n, k in pairwise(sizes) for a in (rng.normal(size=(n, k)), np.zeros((1, k)))]
    X, y = rng.normal(size=(cases, sizes[0])), rng.integers(sizes[-1], size=cases)
    calls: dict[str, list[Callable]] = {
        "predict": [lambda f=f: f(X, theta) for f in (functions.predict, predict)]
    }
    for name, plain in (("computeCost", compute_cost), ("computeGrad", compute_grad)):
        both = (getattr(functions, name), plain)
        calls[name] = [lambda f=f: f(X, y, theta, REG) for f in both]
    for ours, plain in calls.values():
        for a, b in zip(*(as_tuple(call()) for call in (ours, plain)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    return calls


def as_tuple(result: Any) -> tuple[Any, ...]:
    """The result of a call as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def main() -> None:
    """Print a line for each function and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    functions = course()
    print(f"µs a call, the least of {rounds} rounds; {machine()}; one thread")
    print(f"  {'cases, sizes':18}{'':12}{'ours':>8}{'NumPy':>8}{'ratio':>7}")
    with on_threads(1):
        for cases, sizes, most, count in SIZES:
            for name, calls in pairs(functions, cases, sizes).items():
                ours, plain = measured(calls, rounds, count)
                what = f"{cases} × {'-'.join(map(str, sizes))}"
                row = f"  {what:18}{name:12}{ours:8.1f}{plain:8.1f}{ours / plain:7.2f}"
                print(f"{row}  ({most:g} at most)")


def measured(calls: list[Callable], rounds: int, count: int) -> list[float]:
    """Microseconds of each call; the calls take turns."""

    def repeated(call: Callable) -> Callable[[], None]:
        def run() -> None:
            for _ in range(count):
                call()

        return run

    programs = {str(k): repeated(call) for k, call in enumerate(calls)}
    seconds = interleaved(programs, rounds)
    return [min(times) / count / MICROSECOND for times in seconds.values()]


if __name__ == "__main__":
    main()

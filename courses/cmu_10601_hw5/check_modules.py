"""Each module's backward pass against finite differences, and that of the whole network.

Run with: python3 check_modules.py [--seed 0] [--cases 4]

Prints the relative error ‖a − b‖ / (‖a‖ + ‖b‖) of every derivative; the exit status is 1 if one
is above the limit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from chainrule.cli.terminal import failures_reported
from chainrule.core.arrays import Array
from chainrule.gradients import central_difference, relative_error
from modules import CrossEntropy, Linear, Module, NeuralNetwork, Sigmoid, Softmax

LIMIT = 1e-8
STEP = 2e-4
INPUTS, HIDDEN, CLASSES = 6, 5, 4

Error = tuple[str, str, float]


def numeric(f: Callable[[], float], array: Array) -> Array:
    """∂f/∂array by central differences, where ``f`` reads ``array`` itself; it is put back."""
    start = array.copy()

    def at(vector: Array) -> float:
        array[...] = vector.reshape(array.shape)
        return f()

    gradient = central_difference(at, start.ravel(), STEP).reshape(array.shape)
    array[...] = start
    return gradient


def module_errors(
    name: str, module: Module, x: Array, rng: np.random.Generator
) -> Iterator[Error]:
    """The errors of one module, with a random ∂L/∂output g: L = Σ g ⊙ output."""
    g = rng.normal(size=module.forward(x).shape)
    upstream = module.backward(g)

    def loss() -> float:
        return float((g * module.forward(x)).sum())

    yield name, "x", relative_error(upstream, numeric(loss, x))
    for parameter, (value, gradient) in module.parameters().items():
        yield name, parameter, relative_error(gradient, numeric(loss, value))


def cross_entropy_errors(y: Array, t: Array) -> Iterator[Error]:
    """The error of the loss's derivative by the probabilities."""
    loss = CrossEntropy()
    loss.forward(y, t)
    yield (
        "cross-entropy",
        "ŷ",
        relative_error(loss.backward(), numeric(lambda: loss.forward(y, t), y)),
    )


def network_errors(network: NeuralNetwork, x: Array, t: Array) -> Iterator[Error]:
    """The errors of all modules in a row."""
    network.forward(x, t)
    upstream = network.backward()

    def loss() -> float:
        return network.forward(x, t)[1]

    yield "the network", "x", relative_error(upstream, numeric(loss, x))
    for k, module in enumerate(network.modules):
        for parameter, (value, gradient) in module.parameters().items():
            error = relative_error(gradient, numeric(loss, value))
            yield "the network", f"{parameter} of module {k + 1}", error


def errors(seed: int = 0, cases: int = 4) -> list[Error]:
    """Module, argument and relative error of every derivative there is.

    Args:
        seed: of the random numbers at which the derivatives are taken.
        cases: in the minibatch.
    """
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(cases, INPUTS)), rng.normal(size=(cases, CLASSES))
    y = rng.dirichlet(np.full(CLASSES, 3.0), cases)
    t = rng.integers(0, CLASSES, cases)
    one_step: list[tuple[str, Module, Array]] = [
        ("linear", Linear(INPUTS, CLASSES, seed=seed), x),
        ("sigmoid", Sigmoid(), z),
        ("softmax", Softmax(), z),
    ]
    found = [e for name, module, at in one_step for e in module_errors(name, module, at, rng)]
    found += cross_entropy_errors(y, t)
    found += network_errors(NeuralNetwork(INPUTS, HIDDEN, CLASSES, [-1, 1], seed), x, t)
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Print the errors; 1 if one is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    parser.add_argument("--cases", type=int, default=4, help="in the minibatch")
    options = parser.parse_args(words)
    if options.seed < 0 or options.cases < 1:
        parser.error("a seed is at least 0, and there is at least 1 case")
    found = errors(options.seed, options.cases)
    for module, argument, error in found:
        verdict = "ok" if error <= LIMIT else f"WRONG: above {LIMIT:g}"
        print(f"{module:14} ∂/∂{argument:16} relative error {error:.1e}  {verdict}")
    return int(any(error > LIMIT for _, _, error in found))


if __name__ == "__main__":
    with failures_reported("check_modules"):
        raise SystemExit(main())

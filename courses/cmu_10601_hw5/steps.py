"""Every number of the first updates: what each module puts out, and each gradient back through it.

Run with: python3 steps.py tinyTrain.csv [--cases 2] [--units 4] [--init 2] [--rate 0.1]

The names are the homework's: a, z, b, ŷ and J forward; g with the name of what J is differentiated
by backward; then α and β behind the update. A row of α and β is a unit, its bias in front, and the
1 that the bias is multiplied by stands in front of x and z.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from chainrule.cli.terminal import failures_reported
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from letters import letters_network, read_letters
from modules import Linear, NeuralNetwork

FORWARD = ("a", "z", "b", "ŷ")
BACKWARD = ("b", "z", "a", "x")


def matrix(W: Array, b: Array) -> Array:
    """α or β as the homework writes it, (units, 1 + inputs), of W, (inputs, units), and b.

    Example:
        >>> matrix(np.array([[1.0], [2.0]]), np.array([7.0]))
        array([[7., 1., 2.]])
    """
    return np.column_stack([b, W.T])


def tell_matrix(values: Array) -> None:
    """Print a matrix, a line a row; nothing where it has no columns."""
    for row in values if values.size else ():
        print("    " + " ".join(f"{value:z10.6f}" for value in row))


def steps_of(network: NeuralNetwork, x: Array, t: Array) -> Iterator[tuple[str, Array]]:
    """Names and numbers of a forward and a backward pass, in their order.

    Args:
        network: the modules; their gradients are left in them.
        x: one case, (1, pixels).
        t: its class, (1,).
    """
    yield "x", _with_one(x)
    for name, module in zip(FORWARD, network.modules, strict=True):
        x = module.forward(x)
        yield name, _with_one(x) if name == "z" else x
    yield "J", np.array([[network.loss.forward(x, t)]])
    g = network.loss.backward()
    yield "g_ŷ", g
    for name, module in zip(BACKWARD, reversed(network.modules), strict=True):
        g = module.backward(g)
        if isinstance(module, Linear):
            yield "g_α" if name == "x" else "g_β", matrix(module.W_grad, module.b_grad)
        if name != "x":
            yield f"g_{name}", g


def _with_one(values: Array) -> Array:
    return np.column_stack([np.ones(len(values)), values])


def started(pixels: int, units: int, init_flag: int, classes: int = 10) -> NeuralNetwork:
    """The modules with the first weights of the program."""
    first = letters_network(pixels, units, init_flag, 0.0).parameters
    network = NeuralNetwork(pixels, units, classes)
    for name, linear in zip(("hidden", "output"), network.modules[::2], strict=True):
        assert isinstance(linear, Linear)
        linear.W, linear.b = first[f"{name}.W"], first[f"{name}.b"]
    return network


def update(network: NeuralNetwork, rate: float) -> Iterator[tuple[str, Array]]:
    """One step of gradient descent; α and β behind it."""
    for name, linear in zip(("α", "β"), network.modules[::2], strict=True):
        assert isinstance(linear, Linear)
        linear.W, linear.b = linear.W - rate * linear.W_grad, linear.b - rate * linear.b_grad
        yield name, matrix(linear.W, linear.b)


def main(words: Sequence[str] | None = None) -> None:
    """Print every step of the first cases of a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="training data, as for neuralnet.py")
    parser.add_argument("--cases", type=int, default=2, help="how many updates; by default 2")
    parser.add_argument("--units", type=int, default=4, help="hidden units; by default 4")
    parser.add_argument("--init", type=int, default=2, help="1 random, 2 zeros; by default 2")
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate; by default 0.1")
    chosen = parser.parse_args(words)
    if min(chosen.cases, chosen.units) < 1 or not 0 <= chosen.rate < float("inf"):
        raise ConfigError("cases and units are at least 1, and the rate is finite and at least 0")
    data = read_letters(chosen.file)
    network = started(data.x.shape[1], chosen.units, chosen.init)
    for k in range(min(chosen.cases, len(data.x))):
        print(f"case {k + 1}, class {int(data.t[k])}")
        passes = steps_of(network, data.x[k : k + 1], data.t[k : k + 1])
        for name, values in (*passes, *update(network, chosen.rate)):
            print(f"  {name}")
            tell_matrix(values)


if __name__ == "__main__":
    with failures_reported("steps"):
        main()

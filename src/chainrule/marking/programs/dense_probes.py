"""The calls that tell the bugs of a dense network apart: few, small, each for a reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Probe, Program
from chainrule.marking.programs.dense import FUNCTIONS, Dense, lines

Inputs = dict[str, Any]


def classifier_probes(net: Dense, state: bool = True, seed: int = 20) -> Iterator[Probe]:
    """For networks that end in softmax and cross-entropy."""
    rng = np.random.default_rng(seed)
    sizes = _sizes(net)

    def one(n: int, reg: float, sizes: Sequence[int] = sizes) -> Inputs:
        made = parameters(rng, sizes) | {"X": rng.normal(size=(n, sizes[0])), "reg": reg}
        return made | {"y": labels(rng, n, sizes[-1])}

    yield Probe("five cases", "the batch of a usual call", (one(5, 0.0),))
    yield Probe("penalty", "reg is not 0", (one(20, 4.0),))
    yield Probe("one case", "N = 1: a missing 1/N does not show here", (one(1, 0.0),))
    square = one(4, 0.1, [4] * len(sizes))
    yield Probe("square", "as many cases as inputs and units: every product fits", (square,))
    yield Probe("zeros", "z is exactly 0 at some relu", (at_the_kink(one(3, 0.0)),))
    if state:
        second = one(5, 0.1)
        other = one(5, 0.1) | {"X": second["X"], "y": second["y"]}
        again = (one(5, 0.2), second, other, one(3, 0.2))
        yield Probe("again", "four batches, two of them the same with other weights", again)
    large = (_overflowing(one(4, 0.0)), _far_apart(net, one(200, 0.0)))
    yield Probe("large logits", "e to the logits overflows", large, is_extreme=True)


def given_probes(net: Dense) -> Iterator[Probe]:
    """For networks whose activations, softmax, loss and penalty come with the call."""
    rng = np.random.default_rng(21)
    sizes = _sizes(net)
    for name, acts, softmax, kind, wrt, n, chosen in (
        ("sigmoid", "sigmoid", True, "cross_entropy", "none", 5, sizes),
        ("tanh", "tanh", False, "mse", "L2", 4, sizes),
        ("relu", "relu", True, "cross_entropy", "L1", 8, sizes),
        ("softmax and squares", "tanh sigmoid", True, "mse", "none", 5, sizes),
        ("one case", "sigmoid relu", False, "mse", "L1", 1, sizes),
        ("square", "tanh sigmoid", True, "cross_entropy", "L2", 4, [4] * len(sizes)),
        ("linear output", "relu tanh", False, "mse", "L2", 6, sizes),
    ):
        made = parameters(rng, chosen)
        made |= {
            "X": rng.normal(size=(n, chosen[0])),
            "reg": 8.0 if name == "linear output" else 0.3,
        }
        made |= {"softmax": softmax, "kind": kind, "wrt": wrt}
        listed = acts.split()
        for k in range(1, net.layers + 1):
            made[f"act{k}"] = listed[(k - 1) % len(listed)]
        if name == "linear output":
            made[f"act{net.layers}"] = "linear"
        classes = labels(rng, n, chosen[-1])
        made["t"] = (
            np.eye(chosen[-1])[classes] if kind != "mse" else rng.normal(size=(n, chosen[-1]))
        )
        if softmax and kind == "mse":
            made["t"] = np.eye(chosen[-1])[classes]
        if name == "relu":
            made = at_the_kink(made)
        yield Probe(name, f"{', '.join(dict.fromkeys(listed))}; {kind}; penalty {wrt}", (made,))
    yield Probe("large sums", "e to the sums overflows", (_lifted(net, rng),), is_extreme=True)


def _lifted(net: Dense, rng: np.random.Generator) -> Inputs:
    """A linear last layer whose z are all about 1000, under softmax and cross-entropy."""
    sizes = _sizes(net)
    made = parameters(rng, sizes) | {"X": rng.normal(size=(4, sizes[0])), "reg": 0.0}
    made |= {"softmax": True, "kind": "cross_entropy", "wrt": "none"}
    made |= {f"act{k}": "tanh" for k in range(1, net.layers)} | {f"act{net.layers}": "linear"}
    made[f"b{net.layers}"] = made[f"b{net.layers}"] + 1000.0
    return made | {"t": np.eye(sizes[-1])[labels(rng, 4, sizes[-1])]}


def _sizes(net: Dense) -> list[int]:
    return [4, *(6 + k % 3 for k in range(net.layers - 1)), 3]


def parameters(rng: np.random.Generator, sizes: Sequence[int]) -> Inputs:
    """Weights and biases of every layer, such that hidden numbers stay near 1."""
    made: Inputs = {}
    for k, (rows, columns) in enumerate(pairwise(sizes), start=1):
        made[f"W{k}"] = rng.normal(size=(rows, columns)) / np.sqrt(rows)
        made[f"b{k}"] = rng.normal(size=columns) / 2
    return made


def labels(rng: np.random.Generator, n: int, classes: int) -> Array:
    """Class numbers, the first and the last among them where there are two cases or more."""
    y = rng.integers(0, classes, n)
    y[: min(n, 2)] = [0, classes - 1][: min(n, 2)]
    return y


def at_the_kink(made: Inputs) -> Inputs:
    """The same with z exactly 0 in every layer for the first case, so that all classes tie."""
    X = np.array(made["X"])
    X[0] = 0.0
    return made | {"X": X} | {b: 0.0 * np.asarray(made[b]) for b in made if b[0] == "b"}


def _overflowing(made: Inputs) -> Inputs:
    """The same with logits of thousands, and one case whose logits are 600, 595 and less."""
    last = max(int(name[1:]) for name in made if name[0] == "W")
    made = at_the_kink(made)
    b = np.zeros_like(made[f"b{last}"])
    b[:2] = 600.0, 595.0
    return made | {f"W{last}": 1e4 * np.asarray(made[f"W{last}"]), f"b{last}": b}


def _far_apart(net: Dense, many: Inputs) -> Inputs:
    """Two cases, all logits of one about 600, those of the other far below 0."""
    many, last = at_the_kink(many), net.layers
    program = Program("", tuple(lines(net)), (), (), FUNCTIONS)
    a = program.run(Probe("", "", (many,)))[0][f"a{last - 1}"][1:]
    lengths = np.linalg.norm(a, axis=1, keepdims=True) + 1e-9
    r, s = np.unravel_index(((a / lengths) @ (a / lengths).T).argmin(), (len(a), len(a)))
    w = a[r] / lengths[r] ** 2 - a[s] / lengths[s] ** 2
    w *= 600 / (a[r] @ w)
    W = w[:, None] + 1e-3 * np.asarray(many[f"W{last}"])
    rows = [r + 1, s + 1]
    return many | {"X": many["X"][rows], "y": many["y"][rows], f"W{last}": W}

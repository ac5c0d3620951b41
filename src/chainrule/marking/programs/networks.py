"""Networks of dense layers under a loss: both passes line by line, and what goes wrong there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Line, Probe, Program, Variation


def relu(z: Array) -> Array:
    """max(0, z)."""
    return np.maximum(z, 0.0)


def relu_slope(z: Array) -> Array:
    """1 where z > 0, else 0."""
    return np.where(z > 0, 1.0, 0.0)


def softmax(z: Array) -> Array:
    """e^z / Σ e^z over the classes, shifted so that nothing overflows."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


FUNCTIONS = {"relu": relu, "relu_slope": relu_slope, "softmax": softmax}


def classifier(hidden: int = 1) -> Program:
    """Dense layers with relu between them, softmax and mean cross-entropy + reg · ΣW² on top.

    Inputs: ``X`` (N, D), ``y`` (N,) class numbers, ``reg``, and for each layer k from 1 ``Wk``
    (inputs,
    units) and ``bk`` (units,).

    Args:
        hidden: the number of hidden layers.
    """
    layers = hidden + 1
    return Program(
        "classifier",
        tuple(_lines(layers)),
        tuple(_variations(layers)),
        tuple(_probes(layers)),
        FUNCTIONS,
    )


def _lines(layers: int) -> Iterator[Line]:
    yield Line("N", "len(X)", "the number of cases", "forward")
    yield Line("a0", "X", "the input", "forward")
    for k in range(1, layers + 1):
        yield Line(f"z{k}", f"a{k - 1} @ W{k} + b{k}", f"z of layer {k}", "forward")
        if k < layers:
            yield Line(f"a{k}", f"relu(z{k})", f"the output of layer {k}", "forward")
    last = layers
    yield Line("p", f"softmax(z{last})", "the class probabilities", "forward")
    yield Line("T", f"np.eye(z{last}.shape[1])[y]", "the one-hot targets", "loss")
    yield Line("data_loss", "-np.log(p[np.arange(N), y]).sum() / N", "the cross-entropy", "loss")
    squares = " + ".join(f"np.sum(W{k}**2)" for k in range(1, layers + 1))
    yield Line("penalty", f"reg * ({squares})", "the penalty", "loss")
    yield Line("loss", "data_loss + penalty", "the loss", "loss")
    yield Line(f"d{last}", "(p - T) / N", f"δ of layer {last}", "backward")
    for k in range(layers, 0, -1):
        yield Line(f"dW{k}_data", f"a{k - 1}.T @ d{k}", f"∂L/∂W of layer {k}, data", "backward")
        yield Line(f"dW{k}_penalty", f"2 * reg * W{k}", f"∂L/∂W of layer {k}, penalty", "backward")
        yield Line(f"dW{k}", f"dW{k}_data + dW{k}_penalty", f"∂L/∂W of layer {k}", "backward")
        yield Line(f"db{k}", f"d{k}.sum(axis=0)", f"∂L/∂b of layer {k}", "backward")
        if k > 1:
            yield Line(f"da{k - 1}", f"d{k} @ W{k}.T", f"∂L/∂a of layer {k - 1}", "backward")
            rule = f"da{k - 1} * relu_slope(z{k - 1})"
            yield Line(f"d{k - 1}", rule, f"δ of layer {k - 1}", "backward")


def _variations(layers: int) -> Iterator[Variation]:
    yield Variation(
        "no_mean",
        "the gradient is not divided by N",
        "The loss is the mean over the N cases, but δ of the output is not divided by N, so every "
        "gradient is N times too large.",
        "Compare the gradient of one case with that of the same case twice.",
        {f"d{layers}": "p - T"},
        often=3,
    )
    for k in range(1, layers + 1):
        yield Variation(
            f"no_mean_in_dW{k}",
            f"1/N is missing in ∂L/∂W of layer {k}",
            f"∂L/∂W of layer {k} is N times too large; the other gradients have their 1/N.",
            "Which arrays change when you take each case twice?",
            {f"dW{k}_data": "N * RIGHT"},
        )
        yield Variation(
            f"bias_averaged_{k}",
            f"∂L/∂b of layer {k} is a mean where it is a sum",
            f"δ of layer {k} already has the 1/N of the mean loss; db is its sum over the cases, "
            "and the code takes the mean, which divides by N once more.",
            "How does b enter z of every case, and what does that make of the sum?",
            {f"db{k}": "RIGHT / N"},
        )
    yield Variation(
        "penalty_without_2",
        "the factor 2 of the penalty's gradient is missing",
        "The penalty is λ·ΣW², whose derivative is 2λW; the gradient adds λW.",
        "Differentiate λw² by hand.",
        {f"dW{k}_penalty": f"reg * W{k}" for k in range(1, layers + 1)},
        often=3,
    )
    yield Variation(
        "half_penalty",
        "the penalty is ½λΣW²",
        "The loss has ½λ·ΣW² and the gradient λW, which belong together.",
        "",
        {
            "penalty": "RIGHT / 2",
            **{f"dW{k}_penalty": f"reg * W{k}" for k in range(1, layers + 1)},
        },
        group="penalty",
    )


def _probes(layers: int) -> Iterator[Probe]:
    rng = np.random.default_rng(20)

    def case(n: int, sizes: Sequence[int], reg: float) -> dict[str, object]:
        made: dict[str, object] = {"X": rng.normal(size=(n, sizes[0])), "reg": reg}
        for k, (rows, columns) in enumerate(pairwise(sizes), start=1):
            made[f"W{k}"] = rng.normal(size=(rows, columns))
            made[f"b{k}"] = rng.normal(size=columns)
        made["y"] = rng.integers(0, sizes[-1], n)
        return made

    sizes = [4, *(6 + k for k in range(layers - 1)), 3]
    yield Probe("five cases", "the batch of a usual call", (case(5, sizes, 0.0),))
    yield Probe("penalty", "the penalty is in it", (case(8, sizes, 0.3),))
    yield Probe("one case", "N = 1: a missing 1/N does not show here", (case(1, sizes, 0.0),))
    yield Probe("square", "a transposed product still fits", (case(5, [4] * (layers + 1), 0.1),))

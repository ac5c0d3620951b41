"""The six workloads: networks, data, the order of the cases and the weights to start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from chainrule import Network

RATE = 0.01
PENALTY = 0.001


@dataclass(frozen=True)
class Workload:
    """A network with softmax and cross-entropy on top, trained by plain SGD.

    Attributes:
        name: in tables.
        widths: inputs, hidden layers, classes.
        activation: of the hidden layers.
        batch: cases of a minibatch.
        steps: minibatches of an epoch; epochs, if all cases are one minibatch.
        dtype: ``float64`` or ``float32``.
        penalty: the rate of ½ Σ w² over the weights.
        full: whether each step takes all cases.
        shuffled: whether an epoch takes the cases in random order.
        ones: the share of ones among inputs of 0 and 1; None for normally distributed inputs.
    """

    name: str
    widths: tuple[int, ...]
    activation: str
    batch: int
    steps: int
    dtype: str = "float64"
    penalty: float = 0.0
    full: bool = False
    shuffled: bool = True
    ones: float | None = None

    @property
    def description(self) -> str:
        """Widths, function, batch and type in a line.

        Example:
            >>> Workload("", (9, 9, 9, 2), "relu", 8, 1).description
            '9×3-2, relu, batch 8, float64'
        """
        runs = [(width, len(list(run))) for width, run in groupby(self.widths)]
        chain = "-".join(f"{width}×{count}" if count > 1 else f"{width}" for width, count in runs)
        penalty = ", L2" if self.penalty else ""
        return f"{chain}, {self.activation}, batch {self.batch}{penalty}, {self.dtype}"

    @property
    def cases(self) -> int:
        """The number of cases."""
        return self.batch if self.full else self.batch * self.steps

    @property
    def operations(self) -> int:
        """Floating-point operations of a step: the products of both passes, and the update.

        For every weight and case two operations forward, two for the gradient of the weight and
        two for the gradient with respect to the input, which the first layer does not need; for
        every parameter two for its update.
        """
        products = sum(i * o for i, o in pairwise(self.widths))
        first = self.widths[0] * self.widths[1]
        parameters = products + sum(self.widths[1:])
        return 2 * self.batch * (3 * products - first) + 2 * parameters

    def network_config(self) -> dict[str, Any]:
        """The ``network`` part of a configuration."""
        layers: list[Any] = [{"size": s, "activation": self.activation} for s in self.widths[1:-1]]
        layers += [{"size": self.widths[-1]}, "softmax"]
        config = {
            "input": self.widths[0],
            "loss": "cross_entropy",
            "learning_rate": RATE,
            "dtype": self.dtype,
            "layers": layers,
        }
        if self.penalty:
            config["penalty"] = {"type": "L2", "rate": self.penalty}
        return config


def _workloads() -> Iterator[Workload]:
    wide = (1000,) * 7 + (10,)
    deep = (400, 100, 50, 50, 50, 50, 4)
    yield Workload("W1 f64", (128, 50, 10), "sigmoid", 1, 9000, shuffled=False, ones=0.25)
    for dtype in ("float64", "float32"):
        yield Workload(f"W2 f{dtype[5:]}", (3072, 50, 10), "relu", 200, 20, dtype, PENALTY)
    for dtype in ("float32", "float64"):
        yield Workload(f"W3 f{dtype[5:]}", (3072, 500, 5), "relu", 128, 10, dtype)
    for dtype in ("float64", "float32"):
        yield Workload(f"W4 f{dtype[5:]}", deep, "tanh", 32, 100, dtype)
    yield Workload("W5 f64", (2, 100, 3), "relu", 300, 1000, penalty=PENALTY, full=True)
    yield Workload("W6 f32", wide, "relu", 128, 10, "float32")


WORKLOADS = {workload.name: workload for workload in _workloads()}


@dataclass(frozen=True)
class Problem:
    """A workload with its data and first weights, the same for every program.

    Attributes:
        workload: what is trained.
        x: inputs, (cases, widths[0]).
        t: class numbers, (cases,).
        order: the cases in the order of an epoch, (cases,); None if they are not shuffled.
        start: initial weights (inputs, outputs) and biases (outputs,) of every layer.
    """

    workload: Workload
    x: np.ndarray
    t: np.ndarray
    order: np.ndarray | None
    start: tuple[tuple[np.ndarray, np.ndarray], ...]

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """A copy of the initial values that a program may change."""
        return [(W.copy(), b.copy()) for W, b in self.start]

    def chosen(self, first: int, last: int) -> Iterator[slice | np.ndarray]:
        """The cases of minibatches ``first`` to ``last`` − 1, as an index."""
        batch = self.workload.batch
        for k in range(first, last):
            if self.workload.full:
                yield slice(None)
            else:
                part = slice(k * batch, (k + 1) * batch)
                yield part if self.order is None else self.order[part]


def make_network(workload: Workload) -> Network:
    """Our network with the initial weights of all programs."""
    from chainrule import Network  # not at the top: other libraries are timed from their start

    return Network.from_config(workload.network_config(), seed=1)


def make_problem(workload: Workload) -> Problem:
    """Random cases, with fixed seeds."""
    rng = np.random.default_rng(0)
    shape = workload.cases, workload.widths[0]
    if workload.ones is None:
        x = rng.standard_normal(shape, dtype=np.dtype(workload.dtype))
    else:
        x = (rng.random(shape) < workload.ones).astype(workload.dtype)
    t = rng.integers(0, workload.widths[-1], workload.cases)
    shuffled = workload.shuffled and not workload.full
    order = rng.permutation(workload.cases) if shuffled else None
    values = [view.copy() for view in make_network(workload).parameters.values()]
    return Problem(workload, x, t, order, tuple(zip(values[::2], values[1::2], strict=True)))

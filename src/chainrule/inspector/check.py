"""The gradient check of a pass: each array of gradients against derivatives of the loss itself.

The derivative of the loss by a number is taken by the complex step, which knows nothing of the
backward pass. At a kink, such as that of relu at 0, the slope is a convention, and such numbers
are left out rather than called wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients.kinks import undecided
from chainrule.gradients.network_graph import graph_gradient
from chainrule.gradients.numeric import COMPLEX_STEP
from chainrule.gradients.whole_network import truncating_layers
from chainrule.inspector.record import Record
from chainrule.nn.graph import INPUT, INPUT_WORD
from chainrule.nn.kinks import distances
from chainrule.training.engines.threads import number_of_threads, on_threads

Verdict = Literal["right", "wrong", "kink", "truncated", "unsure"]

MOST_CELLS = 16
"""Of a larger array so many numbers are tried one by one, and all together along a direction."""

TOLERANCE = 1e-7
"""The relative error up to which two derivatives are the same."""

NOTHING = 1e-10
"""Derivatives that are smaller than this share of the array's largest are 0 but for rounding."""


@dataclass(frozen=True)
class CheckRow:
    """What was found of one array of gradients.

    Attributes:
        key: its key in the record, such as ``dense_1.W_grad``.
        letter: in formulas, such as ``∂L/∂W``.
        verdict: ``right``, ``wrong``; ``kink``: at every number that was tried the slope is a
            convention; ``truncated``, of inputs: the gradient is cut off in time on purpose, so
            that no derivative of the loss can judge it; ``unsure``: a number is not finite.
        tried: how many of its numbers were compared one by one.
        of: how many there are.
        error: the largest relative error.
        at: where that was.
        analytic: the number there, of the backward pass.
        numeric: the derivative of the loss there.
        kinks: how many numbers were left out at kinks.
    """

    key: str
    letter: str
    verdict: Verdict
    tried: int
    of: int
    error: float
    at: list[int]
    analytic: float
    numeric: float
    kinks: int

    def told(self) -> dict[str, Any]:
        """The row as JSON, in which a number that is not finite is None."""
        numbers = {name: getattr(self, name) for name in ("error", "analytic", "numeric")}
        return asdict(self) | {
            name: one if np.isfinite(one) else None for name, one in numbers.items()
        }


def gradient_check(record: Record) -> list[CheckRow]:
    """Every gradient of the parameters and of the input, held against the loss.

    Args:
        record: with the arrays of the backward pass, right or wrong.

    Returns:
        A row for each array, in the order of the forward pass; inputs that are class numbers have
        no derivative, and no row. Gradients that are cut off in time are held against the graph
        that defines them.
    """
    network = record.network
    threads = on_threads(number_of_threads(network, len(record.x)))
    with threads, network.training_mode(record.seed), np.errstate(all="ignore"):
        loss, truncated = _Loss(record), _truncated(record)
        defined: Mapping[str, Array] = {}
        if truncated:
            found = graph_gradient(network, record.x, record.t, record.weights)
            trained = network.parameters.layout.trained
            defined = {f"{one.full_name}_grad": found[one.full_name] for one in trained}
        return [
            _row_of_cut(record, key, defined.get(key))
            if layer in truncated
            else _row(record, loss, key, move)
            for layer, key, move in _arrays(record)
        ]


Move = Callable[[Array], tuple[Array, Array]]
"""Inputs and θ, moved along a direction of an array by a complex step."""


def _arrays(record: Record) -> Iterator[tuple[str, str, Move]]:
    """For each array of gradients its layer, its key, and how what it belongs to is moved."""
    network, x = record.network, record.x
    if not any(layer.takes_class_numbers for layer in network.layers):

        def move_input(direction: Array) -> tuple[Array, Array]:
            return x + 1j * COMPLEX_STEP * direction.reshape(x.shape), network.theta

        yield INPUT_WORD, f"{INPUT_WORD}.J", move_input
    for k in network.graph.order:
        for segment in network.parameters.layout.of_layer(network.layers[k].name):
            if not segment.trained:
                continue

            def move_theta(direction: Array, part: slice = segment.slice) -> tuple[Array, Array]:
                theta = network.theta.astype(complex)
                theta[part] += 1j * COMPLEX_STEP * direction.ravel()
                return x, theta

            yield segment.layer, f"{segment.full_name}_grad", move_theta


@dataclass(frozen=True)
class _Loss:
    """The loss of a record's network as a function of inputs and θ."""

    record: Record

    def slope(self, moved: tuple[Array, Array]) -> float:
        """The derivative along a complex step."""
        x, theta = moved
        record = self.record
        found = record.network.loss(x, record.t, theta.astype(complex), record.weights)
        return float(np.imag(found)) / COMPLEX_STEP

    @cached_property
    def near(self) -> tuple[Array, ...]:
        """The numbers so near to a kink that rounding decides their side."""
        record, rng = self.record, np.random.default_rng(0)
        return undecided(record.network, record.x, record.t, rng=rng)

    def is_at_kink(self, moved: tuple[Array, Array]) -> bool:
        """Whether a step moves any of them."""
        if not any(mask.any() for mask in self.near):
            return False
        x, theta = moved
        record = self.record
        there = distances(record.network, x, record.t, theta.astype(complex), bends=False)
        return any(
            bool(np.imag(d)[mask].any()) for mask, (_, d) in zip(self.near, there, strict=True)
        )


def _truncated(record: Record) -> set[str]:
    """The layers whose gradients, and those of what feeds them, are cut off in time."""
    network = record.network
    found = {layer.name for layer in truncating_layers(network)}
    for k in reversed(network.graph.order):
        if network.layers[k].name in found:
            for source in network.graph.sources[k]:
                found.add(INPUT_WORD if source == INPUT else network.layers[source].name)
    return found


def _row(record: Record, loss: _Loss, key: str, move: Move) -> CheckRow:
    analytic = record[key]
    found = _Comparison(loss, analytic, move)
    cells = [*_chosen(analytic.ravel())]
    for k in cells:
        found.try_cell(k)
    if not found.wrong and len(cells) < analytic.size:
        found.search(np.arange(analytic.size))
    return found.row(key, record.entries[key].letter)


def _row_of_cut(record: Record, key: str, defined: Array | None) -> CheckRow:
    """The row of a gradient that is cut off in time.

    Args:
        record: with the gradient.
        key: its key.
        defined: what it is by its definition; None for an input.
    """
    analytic, letter = record[key], record.entries[key].letter
    if defined is None:
        at = [0] * analytic.ndim
        return CheckRow(key, letter, "truncated", 0, analytic.size, 0.0, at, 0.0, 0.0, 0)
    found = _Comparison(_Loss(record), analytic, lambda direction: (direction, direction))
    found.numeric = dict(enumerate(map(float, defined.ravel())))
    found.largest = max(found.largest, float(np.abs(defined).max(initial=0.0)))
    return found.row(key, letter)


def _chosen(analytic: Array) -> Sequence[int]:
    """The numbers that are tried: all of a few, else the largest, and some between."""
    if len(analytic) <= MOST_CELLS:
        return range(len(analytic))
    largest = np.argsort(-np.abs(np.nan_to_num(analytic)), kind="stable")[: MOST_CELLS // 2]
    between = np.linspace(0, len(analytic) - 1, MOST_CELLS - len(largest)).astype(int)
    return sorted({*map(int, largest), *map(int, between)})


class _Comparison:
    """An array of gradients and the derivatives that it is held against."""

    def __init__(self, loss: _Loss, analytic: Array, move: Move) -> None:
        self.loss, self.analytic, self.move = loss, analytic, move
        finite = np.abs(analytic[np.isfinite(analytic)])
        self.largest = float(finite.max(initial=0.0))
        self.numeric: dict[int, float] = {}
        self.kinks = 0

    def try_cell(self, k: int) -> None:
        """Compare one number, unless its slope is a convention."""
        moved = self.move(self._direction(np.array([k])))
        if self.loss.is_at_kink(moved):
            self.kinks += 1
        else:
            self.numeric[k] = self.loss.slope(moved)
            self.largest = max(self.largest, abs(self.numeric[k]))

    def _direction(self, cells: Array) -> Array:
        """1 or −1 at some numbers, and 0 elsewhere; the signs go neither with rows nor columns."""
        direction = np.zeros(self.analytic.size)
        direction[cells] = np.where(np.random.default_rng(1).random(len(cells)) < 0.5, -1.0, 1.0)
        if len(cells) == 1:
            direction[cells] = 1.0
        return direction.reshape(self.analytic.shape)

    def search(self, cells: Array) -> None:
        """Compare the sum along a direction; if it is wrong, find a wrong number by halves."""
        while len(cells) > 1 and not self._agrees_along(cells):
            first, second = np.array_split(cells, 2)
            cells = second if self._agrees_along(first) else first
        if len(cells) == 1:
            self.try_cell(int(cells[0]))

    def _agrees_along(self, cells: Array) -> bool:
        direction = self._direction(cells)
        moved = self.move(direction)
        if self.loss.is_at_kink(moved):
            return True
        terms = direction * self.analytic
        limit = TOLERANCE * np.abs(terms).sum() + NOTHING * self.largest
        return bool(abs(self.loss.slope(moved) - terms.sum()) <= limit)

    def error(self, k: int) -> float:
        """The relative error of a number; 0 where both derivatives are rounding errors."""
        a, b = self.analytic.ravel()[k], self.numeric[k]
        size = max(abs(a), abs(b), NOTHING / TOLERANCE * self.largest)
        return float(abs(a - b) / size) if size else 0.0

    @property
    def wrong(self) -> bool:
        """Whether a number is wrong."""
        return any(self.error(k) > TOLERANCE for k in self.numeric)

    def row(self, key: str, letter: str) -> CheckRow:
        """What was found."""
        worst = max(self.numeric, key=self.error, default=0)
        analytic = float(self.analytic.ravel()[worst])
        numeric = self.numeric.get(worst, analytic)
        verdict: Verdict = "wrong" if self.wrong else "right" if self.numeric else "kink"
        if not np.isfinite([analytic, numeric]).all():
            verdict = "unsure"
        return CheckRow(
            key,
            letter,
            verdict,
            len(self.numeric),
            self.analytic.size,
            self.error(worst) if self.numeric else 0.0,
            [int(k) for k in np.unravel_index(worst, self.analytic.shape)],
            analytic,
            numeric,
            self.kinks,
        )

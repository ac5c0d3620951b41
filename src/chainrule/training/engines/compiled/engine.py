"""The compiled engine: a stretch of minibatches in one call of compiled code."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.training.engines.base import Engine, Stretch
from chainrule.training.engines.compiled.obstacles import (
    CLIPPING,
    obstacle_of_cases,
    obstacle_of_network,
)
from chainrule.training.engines.compiled.programs import program_for
from chainrule.training.engines.numpy_engine import NumpyEngine
from chainrule.training.scores import Score

BY_CASE_BELOW = 100_000
"""Parameters below which a set is evaluated a case at a time, if half of its inputs or more are 0
and so are skipped. Milliseconds for 9,000 cases in the numpy engine, which takes many at once,
and by case, with a quarter of the inputs (784: a fifth) other than 0, and with all of them:

==========  ==========  =====  ========  ========
network     parameters  numpy  sparse    dense
==========  ==========  =====  ========  ========
128-50-10        6,960      9         5        10
784-30-10       23,860     23        20        41
784-100-10      79,510     46        30
==========  ==========  =====  ========  ========
"""

MULTIPLICATIONS_AT_ONCE = 500_000_000
FEWEST_AT_ONCE = 1024
"""A set is evaluated in pieces of half a second or less, between which a signal is heard."""


class CompiledEngine(Engine):
    """Forward pass, backward pass and update in compiled loops.

    What it cannot run it hands to the numpy engine: then ``name`` is that one's, and
    ``obstacle`` says why. A minibatch in which a number might not be finite is handed over as
    well, so that what is found there, and how it is told, is the same.

    Attributes:
        obstacle: why the numpy engine runs it; None where compiled code does.
    """

    name: ClassVar[str] = "compiled"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reference = NumpyEngine(*args, **options)
        self.obstacle = obstacle_of_network(self.network, self.optimizer, self.batch_size)
        if self.obstacle is None and self.clip_gradient_norm is not None:
            self.obstacle = CLIPPING
        if self.obstacle is None:
            self.obstacle = obstacle_of_cases(self.network, self.x, self.t)
        if self.obstacle is not None:
            self.name = self._reference.name  # type: ignore[misc]  # a run records who runs it
            return
        self._seen: list[tuple[Array, bool]] = []
        what = self.network, self.optimizer, self.x, self.t, self.batch_size
        self._program = program_for(*what)

    def prepare(self) -> None:
        """See `Engine.prepare`: a stretch of no minibatch compiles what a longer one runs."""
        if self.obstacle is None:
            self._program.run(None, 0, np.empty(0))

    def run(self, order: Array | None, first: int, last: int) -> Stretch:
        """See `Engine.run`."""
        if self.obstacle is not None or not self._are_there(order, first, last):
            return self._reference.run(order, first, last)
        losses, correct, done = np.empty(last - first), 0, 0
        while done < len(losses):
            ran, right = self._program.run(order, first + done, losses[done:])
            done, correct = done + ran, correct + right
            if done < len(losses):
                one = self._reference.run(order, first + done, first + done + 1)
                losses[done], done, correct = one.losses[0], done + 1, correct + one.correct
        return Stretch(losses, correct if self.classes else 0)

    def evaluate(self, x: Array, t: Array) -> Score | None:
        """What `chainrule.training.scores.evaluate` gives, in compiled code where that is faster.

        Args:
            x: inputs, (cases, input).
            t: targets, as `Network.loss` takes them.

        Raises:
            ShapeError: x or t does not fit the network.
        """
        return self._evaluate_compiled(x, t) or super().evaluate(x, t)

    def _evaluate_compiled(self, x: Array, t: Array) -> Score | None:
        network = self.network
        if self.obstacle is not None or not self.classes or not len(x):
            return None
        x, t = network.prepare_inputs(x), network.prepare_targets(t)
        if self.batch_size == 1 and not self._is_worth_loops(x):
            return None
        if obstacle_of_cases(network, x, t) is not None:
            return None
        step = max(FEWEST_AT_ONCE, MULTIPLICATIONS_AT_ONCE // len(network.theta))
        pieces = [slice(start, start + step) for start in range(0, len(x), step)]
        found = [self._program.evaluate(x[piece], t[piece]) for piece in pieces]
        if None in found:
            return None
        losses, correct = zip(*(each for each in found if each is not None), strict=True)
        counts = [len(x[piece]) for piece in pieces]
        loss = losses[0] if len(pieces) == 1 else float(np.dot(losses, counts)) / len(x)
        return Score(loss=loss, accuracy=sum(correct) / len(x), r2=None, cases=len(x))

    def _is_worth_loops(self, x: Array) -> bool:
        return len(self.network.theta) < BY_CASE_BELOW and self._is_sparse(x)

    def _is_sparse(self, x: Array) -> bool:
        """Whether half of the inputs or more are 0; of the last sets it is still known."""
        for seen, sparse in self._seen:
            if seen is x:
                return sparse
        sparse = bool(2 * np.count_nonzero(x) <= x.size)
        self._seen = [(x, sparse), *self._seen[:2]]
        return sparse

    def _are_there(self, order: Array | None, first: int, last: int) -> bool:
        """Whether the minibatches and their cases exist: compiled loops do not ask."""
        cases = len(self.x if order is None else order)
        if not 0 <= first <= last <= -(-cases // self.batch_size):
            return False
        if order is None:
            return True
        chosen = order[first * self.batch_size : last * self.batch_size]
        return chosen.min(initial=0) >= 0 and chosen.max(initial=0) < len(self.x)

"""The compiled engine: a chunk of minibatches in one call of compiled code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.network import Network
from chainrule.training.engines.base import Chunk, Engine
from chainrule.training.engines.compiled.support import (
    CLIPPING,
    reason_against,
    reason_against_cases,
)
from chainrule.training.engines.compiled.tables import dropouts, normalises
from chainrule.training.engines.numpy_engine import NumpyEngine
from chainrule.training.optimizers import Optimizer
from chainrule.training.scores import Score, measured, outputs

if TYPE_CHECKING:
    from chainrule.training.engines.compiled.loop import Loop

# The choice among the compiled loops depends on the sizes alone.
#
# Batch size 1 has a loop of its own. For minibatches there are two: one calls gemm for every
# product; the other, for networks of few units, sums without BLAS, each SIMD lane holding a case.
# The table shows the time with gemm divided by the time without BLAS, and in brackets the
# microseconds of a step without BLAS (float64, one thread, relu, shuffled cases):
#
# ===============  ==========  =========  =========  =========  =========  ==========
# network          parameters  batch 4    16         32         100        300
# ===============  ==========  =========  =========  =========  =========  ==========
# 2-10-3                   63  1.6 (1)    2.4 (1)    3.3 (1)    4.3 (2)    5.4 (5)
# 4-20-20-3               583  0.8 (3)    1.2 (3)    1.8 (3)    2.2 (7)    2.5 (19)
# 2-100-3                 603  1.0 (2)    1.2 (3)    1.9 (3)    2.4 (8)    3.0 (24)
# 64-32-10              2,410  0.3 (5)    0.6 (7)    0.9 (9)    1.0 (23)   0.9 (85)
# 20-100-5              2,605  0.4 (6)    0.8 (7)    1.0 (10)   1.4 (23)   1.7 (63)
# 10-50-50-5            3,355  0.4 (8)    0.8 (10)   1.0 (14)   1.4 (34)   1.5 (97)
# 50-50-50-50-4         7,854  0.3 (18)   0.7 (22)   0.9 (31)   1.1 (76)   1.3 (204)
# 100-100-10           11,110  0.3 (22)   0.6 (26)   0.7 (37)   0.9 (92)   1.3 (236)
# ===============  ==========  =========  =========  =========  =========  ==========
#
# In float32 the pattern is the same. What decides is parameters divided by cases per minibatch.

FEW_PARAMETERS = 12_000
"""Networks with more parameters use gemm: none was measured; its blocks fit the caches better."""

PARAMETERS_TO_A_CASE = 80
"""Sums without BLAS are used up to this many parameters per case of a minibatch."""


def has_few_units(network: Network, batch_size: int) -> bool:
    """Whether a minibatch takes less time without BLAS.

    Args:
        network: the network to train.
        batch_size: cases per minibatch, at least 2.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(100, "relu"), Dense(3)], input=2)
        >>> [has_few_units(network, cases) for cases in (4, 300)]
        [False, True]
    """
    parameters = len(network.theta)
    return parameters <= min(FEW_PARAMETERS, PARAMETERS_TO_A_CASE * batch_size)


def loop_for(
    network: Network,
    optimizer: Optimizer,
    x: Array,
    t: Array,
    batch_size: int,
    weights: Array | None = None,
    counted: Array | None = None,
) -> Loop:
    """The loop that trains the network on these cases in minibatches of this size.

    Args:
        network: one for which `support` finds no fallback reason.
        optimizer: bound to it.
        x: prepared inputs.
        t: prepared targets.
        batch_size: as configured; it may exceed the number of cases.
        weights: prepared weights of the cases, or None.
        counted: how much each case counts where it is correct, or None.
    """
    given = network, optimizer, x, t, batch_size, weights, counted
    by_blas = any(dropouts(network)) or normalises(network)
    if batch_size == 1 and not by_blas:
        from chainrule.training.engines.compiled.cases import CaseLoop

        return CaseLoop(*given)
    if has_few_units(network, min(batch_size, len(x))) and not by_blas:
        from chainrule.training.engines.compiled.lanes import LaneLoop

        return LaneLoop(*given)
    from chainrule.training.engines.compiled.batches import BlasLoop

    return BlasLoop(*given)


BY_CASE_BELOW = 100_000
"""With batch size 1 and fewer parameters than this, sets of which at least half of the inputs are
0 are evaluated case by case, which skips zeros. Milliseconds for 9,000 cases, in the numpy engine
and case by case; in sparse inputs a quarter (of 784: a fifth) are not 0, in dense ones all:

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
"""A set is evaluated in pieces of at most half a second; signals are handled between them."""


class CompiledEngine(Engine):
    """Forward pass, backward pass and update in compiled loops.

    Whatever it cannot run, the numpy engine runs; ``name`` is then ``numpy`` and
    ``fallback_reason`` says why. The numpy engine also runs every minibatch in which a value
    might not be finite, so that both engines report the same error.
    """

    name: ClassVar[str] = "compiled"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reference = NumpyEngine(*args, **options)
        self.fallback_reason = (
            reason_against(self.network, self.optimizer)
            or (None if self.clip_gradient_norm is None else CLIPPING)
            or reason_against_cases(self.network, self.x, self.t)
        )
        if self.fallback_reason is not None:
            self.name = self._reference.name  # type: ignore[misc]  # recorded by the run
            return
        self._seen: list[tuple[Array, bool]] = []
        given = self.network, self.optimizer, self.x, self.t, self.batch_size
        self._loop = loop_for(*given, self.weights, self.counted)

    def prepare(self) -> None:
        """See `Engine.prepare`: running a chunk of no minibatches compiles the loop."""
        if self.fallback_reason is None:
            with self.training_mode():
                self._loop.run(None, 0, np.empty(0), np.empty(0))
        else:
            self._reference.prepare()

    def run(
        self, order: Array | None, first: int, last: int, scales: Array | None = None
    ) -> Chunk:
        """See `Engine.run`."""
        there = scales is None or len(scales) == last - first
        if self.fallback_reason is not None or not (there and self._are_there(order, first, last)):
            return self._reference.run(order, first, last, scales)
        losses, correct, done = np.empty(last - first), 0, 0
        weighted = np.zeros(0 if self.weights is None else last - first)
        while done < len(losses):
            left = None if scales is None else scales[done:]
            with self.training_mode():  # in which dropout draws its masks
                ran, right = self._loop.run(
                    order, first + done, losses[done:], weighted[done:], left
                )
            done, correct = done + ran, correct + right
            if done < len(losses):
                its = None if scales is None else scales[done : done + 1]
                one = self._reference.run(order, first + done, first + done + 1, its)
                losses[done] = one.losses[0]
                if self.weights is None:
                    correct += int(one.correct)
                else:
                    weighted[done : done + 1] = one.correct
                done += 1
        if not self.classes:
            return Chunk(losses, 0)
        return Chunk(losses, correct if self.weights is None else weighted)

    def evaluate(
        self, x: Array, t: Array, weights: Array | None = None, metrics: Sequence[str] = ()
    ) -> Score | None:
        """As `chainrule.training.scores.evaluate`, but in compiled code where that is faster.

        Args:
            x: inputs, (cases, input).
            t: targets, as `Network.loss` takes them.
            weights: those of the cases; with weights nothing is compiled.
            metrics: the names of further metrics, for which the layers themselves run once more.

        Raises:
            ShapeError: x, t or weights do not fit.
        """
        found = self._evaluate_compiled(x, t) if weights is None else None
        if found is None or not metrics:
            return found or super().evaluate(x, t, weights, metrics)
        y, targets = outputs(self.network, x), self.network.prepare_targets(t)
        return replace(found, metrics=measured(metrics, y, targets, None, labels=False))

    def _evaluate_compiled(self, x: Array, t: Array) -> Score | None:
        network = self.network
        if self.fallback_reason is not None or not self.classes or not len(x):
            return None
        x, t = network.prepare_inputs(x), network.prepare_targets(t)
        by_case = self.batch_size == 1
        if by_case and not (len(network.theta) < BY_CASE_BELOW and self._is_sparse(x)):
            return None
        if reason_against_cases(network, x, t) is not None:
            return None
        step = max(FEWEST_AT_ONCE, MULTIPLICATIONS_AT_ONCE // len(network.theta))
        pieces = [slice(start, start + step) for start in range(0, len(x), step)]
        found = [self._loop.evaluate(x[piece], t[piece]) for piece in pieces]
        if None in found:
            return None
        losses, correct = zip(*(each for each in found if each is not None), strict=True)
        counts = [len(x[piece]) for piece in pieces]
        loss = losses[0] if len(pieces) == 1 else float(np.dot(losses, counts)) / len(x)
        return Score(loss=loss, accuracy=sum(correct) / len(x), r2=None, cases=len(x))

    def _is_sparse(self, x: Array) -> bool:
        """Whether at least half of the inputs are 0; remembered for the last three sets."""
        for seen, sparse in self._seen:
            if seen is x:
                return sparse
        sparse = bool(2 * np.count_nonzero(x) <= x.size)
        self._seen = [(x, sparse), *self._seen[:2]]
        return sparse

    def _are_there(self, order: Array | None, first: int, last: int) -> bool:
        """Whether the minibatches and their cases exist, which compiled loops do not check."""
        cases = len(self.x if order is None else order)
        if not 0 <= first <= last <= -(-cases // self.batch_size):
            return False
        if order is None:
            return True
        chosen = order[first * self.batch_size : last * self.batch_size]
        return chosen.min(initial=0) >= 0 and chosen.max(initial=0) < len(self.x)

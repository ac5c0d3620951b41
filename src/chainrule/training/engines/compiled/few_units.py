"""What the loop over blocks of cases is given, made once."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.lane_losses import PRODUCT
from chainrule.training.engines.compiled.lanes import run_lanes
from chainrule.training.engines.compiled.packing import LINE, aligned
from chainrule.training.engines.compiled.plan import (
    BOUND,
    CLASS_CROSS_ENTROPY,
    DELTA,
    Index,
    Plan,
    dense_layers,
    make_plan,
)
from chainrule.training.engines.compiled.program import NO_ORDER, Prepared, Program
from chainrule.training.optimizers import Optimizer

LARGEST_BLOCK = 304
"""Cases. The sums of a block have to be added up, which favours large blocks; from 600 on their
units no longer fit the second cache. With blocks of 48, 104, 152, 304, 608 and 3,000 cases a
minibatch of 3,000 took 2-100-3 249, 230, 228, 208, 203 and 390 µs; one of 1,000 took 10-50-50-5
480, 472, 471, 538, 544 and 516."""

EVALUATED = 256
"""Cases that are evaluated at a time, at least."""


class FewUnits(Program):
    """Runs minibatches without BLAS, every lane of a register one case.

    Args:
        network: see `Program`.
        optimizer: see `Program`.
        x: see `Program`.
        t: see `Program`.
        batch_size: cases a minibatch.
    """

    def __init__(
        self, network: Network, optimizer: Optimizer, x: Array, t: Array, batch_size: int
    ) -> None:
        self._batch_size = batch_size
        super().__init__(network, optimizer, x, t)

    def _make_plan(self) -> Plan:
        return make_plan(self._network, [False] * len(dense_layers(self._network)), fill=False)

    def _make_arrays(self) -> None:
        dtype, plan = self._network.dtype, self._plan
        block, outputs = self._block(), self._network.layers[-1].size
        self._room = (
            aligned((1, self._network.input * block), dtype),
            aligned((DELTA + 1, plan.units * block), dtype),
            aligned((PRODUCT + 1, block), dtype),
            aligned((BOUND, outputs), dtype),
        )
        self._numbers = np.zeros((1, block), np.int64)
        self._gradient = aligned((1, plan.parameters), dtype)

    def _block(self) -> int:
        """Cases of a block: a minibatch in equal parts, filled up to whole lines."""
        cases = max(1, min(self._batch_size, len(self._cases.x)))
        parts, lane = -(-cases // LARGEST_BLOCK), LINE // self._network.dtype.itemsize
        return -(-cases // (parts * lane)) * lane

    def _train(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        begin, size = first * self._batch_size, self._batch_size
        if order is None:
            return self._call(self._cases, NO_ORDER, begin, losses, size, learn=True)
        drawn = order[begin : begin + len(losses) * size]
        return self._call(self._cases, drawn, 0, losses, size, learn=True)

    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """See `Program.evaluate`."""
        size = min(max(self._batch_size, EVALUATED), len(x))
        losses = np.empty(-(-len(x) // size))
        self._pack()
        ran, correct = self._call(Prepared.of(x, t), NO_ORDER, 0, losses, size, learn=False)
        if ran < len(losses):
            return None
        counts = np.minimum(size, len(x) - size * np.arange(len(losses)))
        return float(losses @ counts) / len(x), correct

    def _call(
        self,
        cases: Prepared,
        order: Array,
        first: int,
        losses: Array,
        batch_size: int,
        *,
        learn: bool,
    ) -> tuple[int, int]:
        codes, rates, rules = self._tables(cases)
        is_common = codes[0] == CLASS_CROSS_ENTROPY and self._plan.softmax
        ran, correct = run_lanes(
            cases.x,
            np.ascontiguousarray(order, np.int64),
            Index(first),
            Index(batch_size),
            cases.labels,
            cases.rows,
            self._plan.layers,
            self._plan.options,
            rates,
            rules,
            None if is_common else True,
            self._weights,
            self._state,
            self._room,
            self._numbers,
            self._gradient,
            losses,
            learn,
        )
        return int(ran), int(correct)

"""What the loop over minibatches is given, made once."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.layer_types import Dense
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.batches import run_batches
from chainrule.training.engines.compiled.blas import gemm_address
from chainrule.training.engines.compiled.plan import (
    BOUND,
    CLASS_CROSS_ENTROPY,
    DESCENT,
    WITH_L1,
    Index,
    Plan,
    aligned,
    dense_layers,
    make_plan,
)
from chainrule.training.engines.compiled.program import NO_ORDER, Prepared, Program
from chainrule.training.optimizers import Optimizer

EVALUATED = 256
"""Cases that are evaluated at a time, at least."""


NARROW, DEEP = 64, 1024
"""A layer of so few outputs and so many inputs is turned, see `is_turned`."""


def is_turned(layer: Dense, dtype: np.dtype[Any]) -> bool:
    """Whether the weights of a layer are kept a row an output, which needs a copy of them.

    OpenBLAS works on blocks of 16 or 24 columns of float64 at a time, and with few columns the
    last block is mostly empty. Microseconds a step on two threads, a row an input and a row an
    output, cases in the order of the file: 3072-50-10 in float64 2,154 and 1,690, in float32 977
    and 1,159; 3072-500-5 in float64 6,705 and 7,130; 1000×7-10 no difference.
    """
    return dtype == np.float64 and layer.size <= NARROW and layer.inputs >= DEEP


class ManyCases(Program):
    """Runs minibatches of several cases.

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
        self._gemm = np.uintp(gemm_address(network.dtype))  # loaded before threads are limited
        super().__init__(network, optimizer, x, t)

    def _make_plan(self) -> Plan:
        by_output = [
            is_turned(layer, self._network.dtype) for layer in dense_layers(self._network)
        ]
        return make_plan(self._network, by_output, fill=False)

    def _make_arrays(self) -> None:
        self._nothing = np.empty((0, 0), self._network.dtype)
        self._units = self._gradient = self._gathered = self._nothing

    def _make_room(self, cases: int, *, gather: bool) -> None:
        """For that many cases, and for a gradient where an update needs one."""
        dtype = self._network.dtype
        if self._units.shape[1] < self._plan.units * cases:
            self._units = self._make_units(cases)
        if gather and len(self._gathered) < cases:
            self._gathered = aligned((cases, self._network.input), dtype)
        if not len(self._gradient) and not self._is_direct():
            self._gradient = aligned((1, self._plan.parameters), dtype)

    def _make_units(self, cases: int) -> Array:
        """Room for all units of that many cases."""
        return aligned((BOUND + 1, self._plan.units * cases), self._network.dtype)

    def _is_direct(self) -> bool:
        """Whether an update needs no gradient."""
        _, _, rule, penalty = self._tables(self._cases).codes
        return rule == DESCENT and penalty != WITH_L1

    def _is_common(self, codes: tuple[int, ...]) -> bool:
        """Whether the program for the most common rules will do."""
        common = (CLASS_CROSS_ENTROPY, True, True)
        return (codes[0], self._plan.softmax, self._is_direct()) == common

    def _train(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        begin, there = first * self._batch_size, len(self._cases.x if order is None else order)
        size = min(self._batch_size, max(1, there))  # less than asked for in an only minibatch
        self._make_room(size, gather=order is not None)
        if order is None:
            return self._call(self._cases, NO_ORDER, begin, self._units, losses, size, learn=True)
        drawn = order[begin : begin + len(losses) * size]
        return self._call(self._cases, drawn, 0, self._units, losses, size, learn=True)

    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """See `Program.evaluate`."""
        size = min(max(self._batch_size, EVALUATED), len(x))
        units = self._units
        if units.shape[1] < self._plan.units * size:
            units = self._make_units(size)
        losses = np.empty(-(-len(x) // size))
        self._pack()
        ran, correct = self._call(Prepared.of(x, t), NO_ORDER, 0, units, losses, size, learn=False)
        if ran < len(losses):
            return None
        counts = np.minimum(size, len(x) - size * np.arange(len(losses)))
        return float(losses @ counts) / len(x), correct

    def _call(
        self,
        cases: Prepared,
        order: Array,
        first: int,
        units: Array,
        losses: Array,
        batch_size: int,
        *,
        learn: bool,
    ) -> tuple[int, int]:
        codes, rates, rules = self._tables(cases)
        ran, correct = run_batches(
            self._gemm,
            cases.x,
            np.ascontiguousarray(order, np.int64),
            Index(first),
            Index(batch_size),
            cases.labels,
            cases.rows,
            self._plan.layers,
            self._plan.options,
            rates,
            self._largest_input,
            rules,
            None if self._is_common(codes) else True,
            self._weights,
            self._state,
            self._gradient,
            units,
            self._gathered,
            losses,
            learn,
        )
        return int(ran), int(correct)

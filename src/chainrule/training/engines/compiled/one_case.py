"""What the loop over single cases is given, made once."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.training.engines.compiled.cases import run_cases
from chainrule.training.engines.compiled.packing import aligned
from chainrule.training.engines.compiled.plan import (
    BOUND,
    CLASS_CROSS_ENTROPY,
    DESCENT,
    NO_PENALTY,
    Index,
    Plan,
    dense_layers,
    make_plan,
)
from chainrule.training.engines.compiled.program import NO_ORDER, Prepared, Program

MOST_COMMON = (CLASS_CROSS_ENTROPY, True, DESCENT, NO_PENALTY)
"""Loss, softmax, rule and penalties that have a program of their own."""


class OneCase(Program):
    """Runs minibatches of one case.

    The first layer's weights keep a row an input; those of the others are turned to a row an
    output, however many: what they are multiplied with then lies along memory in every pass.
    """

    changes_before_it_knows: ClassVar[bool] = True

    def _make_plan(self) -> Plan:
        by_output = [k > 0 for k in range(len(dense_layers(self._network)))]
        return make_plan(self._network, by_output, fill=True)

    def _make_arrays(self) -> None:
        self._units = aligned((BOUND + 1, self._plan.units), self._network.dtype)
        self._shown = np.zeros(self._network.input + 1, np.uintp)

    def _train(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        ran, correct = self._call(self._cases, order, first, losses, learn=True)
        if ran < len(losses):  # some weights have changed already; θ itself has not
            self._pack()
            ran, correct = self._call(self._cases, order, first, losses[:ran], learn=True)
        return ran, correct

    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """See `Program.evaluate`."""
        cases, losses = Prepared.of(x, t), np.empty(len(x))
        self._pack()
        ran, correct = self._call(cases, None, 0, losses, learn=False)
        if ran < len(losses):
            return None
        return float(losses.sum() / len(x)) + self._network.penalty_loss(), correct

    def _call(
        self,
        cases: Prepared,
        order: Array | None,
        first: int,
        losses: Array,
        *,
        learn: bool,
    ) -> tuple[int, int]:
        codes, rates, rules = self._tables(cases)
        if not learn:  # the penalty of one case is that of all
            codes = (*codes[:3], NO_PENALTY)
            rules = np.array(codes, np.uintp), rules[1]
        drawn = NO_ORDER if order is None else order[first : first + len(losses)]
        ran, correct = run_cases(
            cases.x,
            np.ascontiguousarray(drawn, np.int64),
            Index(first),
            cases.labels,
            cases.rows,
            self._plan.layers,
            self._plan.options,
            rates,
            self._largest_input,
            None if codes == MOST_COMMON else rules,
            self._weights,
            self._state,
            self._units,
            self._shown,
            losses,
            learn,
        )
        return int(ran), int(correct)

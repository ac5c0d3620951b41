"""What the loop over the cases is given, made once, and brought up to date for each stretch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule.engines.compiled.cases import run_cases
from chainrule.engines.compiled.packing import Packing, aligned
from chainrule.engines.compiled.plan import (
    BOUND,
    CLASS_CROSS_ENTROPY,
    CROSS_ENTROPY,
    DESCENT,
    LOSSES,
    NESTEROV,
    NO_PENALTY,
    PENALTIES,
    RULES,
    Index,
    loss_option,
    make_plan,
    rates_of_layers,
)
from chainrule.network import Network
from chainrule.optimizers import Adam, Momentum, Optimizer
from chainrule.parameters import Array


class Prepared(NamedTuple):
    """A set of cases as the loop takes it.

    Attributes:
        x: inputs, (cases, input).
        labels: class numbers; empty where targets are rows.
        rows: targets as rows; empty where they are class numbers.
    """

    x: Array
    labels: Array
    rows: Array

    @classmethod
    def of(cls, x: Array, t: Array) -> Prepared:
        """The set of inputs and targets as the network prepares them."""
        labels = np.ascontiguousarray(t if t.ndim == 1 else (), np.int64)
        rows = np.ascontiguousarray(t if t.ndim == 2 else np.empty((0, 0)), x.dtype)
        return cls(x, labels, rows)


class OneCase:
    """Runs minibatches of one case in compiled code.

    Args:
        network: one that `obstacles` has nothing against.
        optimizer: bound to it.
        x: prepared inputs.
        t: prepared targets.
    """

    def __init__(self, network: Network, optimizer: Optimizer, x: Array, t: Array) -> None:
        self._network = network
        self._optimizer = optimizer
        self._cases = Prepared.of(x, t)
        self._largest_input = float(max(x.max(initial=0), -x.min(initial=0)))
        self._plan = make_plan(network)
        self._packing = Packing(network, self._plan)
        self._make_arrays()

    def _make_arrays(self) -> None:
        """What the loop writes to; every row begins at a line of the cache."""
        plan, dtype = self._plan, self._network.dtype
        states = len(self._optimizer.state)
        self._weights = aligned((1 + states, plan.parameters), dtype)
        self._units = aligned((BOUND + 1, plan.units), dtype)
        self._shown = np.zeros(self._network.input + 1, np.uintp)

    def run(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        """Run minibatches from ``first`` on, as many as there are ``losses`` to fill.

        Returns:
            How many were run, and how many of them were right. If they are fewer, the next one
            is not for compiled code.
        """
        ran, correct = self._train(order, first, losses)
        if ran < len(losses):  # θ itself has not been touched yet
            ran, correct = self._train(order, first, losses[:ran])
        for packed, vector in self._packed():
            self._packing.unpack(packed, vector)
        self._optimizer.steps += ran
        return ran, correct

    def evaluate(self, x: Array, t: Array, losses: Array) -> tuple[int, int]:
        """The losses of a set of cases, the penalty left out, as far as they are finite.

        Args:
            x: prepared inputs.
            t: prepared targets.
            losses: written to, (cases,).

        Returns:
            How many were evaluated, and how many of them are right.
        """
        cases = Prepared.of(x, t)
        codes = (*self._codes(cases)[:3], NO_PENALTY, NO_PENALTY)
        self._packing.pack(self._network.theta, self._weights[0])
        return self._call(cases, None, 0, codes, losses, learn=False)

    def _train(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        for packed, vector in self._packed():
            self._packing.pack(vector, packed)
        codes = self._codes(self._cases)
        return self._call(self._cases, order, first, codes, losses, learn=True)

    def _call(
        self,
        cases: Prepared,
        order: Array | None,
        first: int,
        codes: tuple[int, ...],
        losses: Array,
        *,
        learn: bool,
    ) -> tuple[int, int]:
        drawn = () if order is None else order[first : first + len(losses)]
        ran, correct = run_cases(
            cases.x,
            np.ascontiguousarray(drawn, np.int64),
            Index(first),
            cases.labels,
            cases.rows,
            self._plan.layers,
            self._plan.options,
            self._rates(),
            self._largest_input,
            self._rules(codes),
            self._weights,
            self._units,
            self._shown,
            losses,
            learn,
        )
        return int(ran), int(correct)

    def _packed(self) -> list[tuple[Array, Array]]:
        """The packed vectors, each with the one that it is a copy of."""
        own = (self._network.theta, *self._optimizer.state.values())
        return list(zip(self._weights, own, strict=True))

    # What a schedule or a caller may change between two stretches

    def _rates(self) -> Array:
        rates = np.array(rates_of_layers(self._network, self._optimizer))
        return (rates * self._optimizer.scale).astype(self._network.dtype)

    def _codes(self, cases: Prepared) -> tuple[int, ...]:
        """Loss, whether there is a softmax, rule, penalty of weights and of biases."""
        network, optimizer = self._network, self._optimizer
        loss = LOSSES[type(network.loss_function)]
        if loss == CROSS_ENTROPY and len(cases.labels):
            loss = CLASS_CROSS_ENTROPY
        rule = RULES[type(optimizer)]
        if isinstance(optimizer, Momentum) and optimizer.nesterov:
            rule = NESTEROV
        of_weights = PENALTIES[network.penalty.type] if network.penalty else NO_PENALTY
        of_biases = of_weights if network.penalty and network.penalty.biases else NO_PENALTY
        return loss, self._plan.softmax, rule, of_weights, of_biases

    def _rules(self, codes: tuple[int, ...]) -> tuple[Array, Array] | None:
        """None for the most common ones."""
        if codes == (CLASS_CROSS_ENTROPY, True, DESCENT, NO_PENALTY, NO_PENALTY):
            return None
        return np.array(codes, np.uintp), np.array(self._constants(), np.float64)

    def _constants(self) -> tuple[float, ...]:
        network, optimizer = self._network, self._optimizer
        rate = network.penalty.rate if network.penalty else 0.0
        options = _options_of_rule(optimizer)
        return rate, *options, loss_option(network.loss_function), optimizer.steps


def _options_of_rule(optimizer: Optimizer) -> tuple[float, float, float]:
    match optimizer:
        case Momentum(momentum=momentum):
            return momentum, 0.0, 0.0
        case Adam(beta1=beta1, beta2=beta2, epsilon=epsilon):
            return beta1, beta2, epsilon
    return 0.0, 0.0, 0.0

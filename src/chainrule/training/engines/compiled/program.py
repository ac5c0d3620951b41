"""What every compiled program is given: vectors, rates and rules, up to date for each chunk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.plan import (
    CLASS_CROSS_ENTROPY,
    CROSS_ENTROPY,
    LOSSES,
    NESTEROV,
    RULES,
    STEPS,
    Packing,
    Plan,
    aligned,
    decays_of_layers,
    loss_option,
    penalty_code,
    rates_of_layers,
)
from chainrule.training.optimizers import Adam, Momentum, Optimizer

NO_ORDER = np.empty(0, np.int64)
"""Cases are taken as they stand in the file."""


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
        labels = np.array(t if t.ndim == 1 else (), np.int64)  # of its own: they are indices
        rows = np.ascontiguousarray(t if t.ndim == 2 else np.empty((0, 0)), x.dtype)
        return cls(x, labels, rows)


class Tables(NamedTuple):
    """Rates and rules as the loop takes them.

    Attributes:
        codes: loss, whether there is a softmax, rule, penalties.
        rates: of weights and biases, a row a layer.
        rules: the codes again, and the constants: see `plan`.
    """

    codes: tuple[int, ...]
    rates: Array
    rules: tuple[Array, Array]


class Program(ABC):
    """Runs minibatches in compiled code, on θ and the optimiser's state or packed copies.

    Args:
        network: one that `support` finds no fallback reason for.
        optimizer: bound to it.
        x: prepared inputs.
        t: prepared targets.
    """

    changes_before_it_knows: ClassVar[bool] = False
    """Whether weights have changed when a minibatch is found not to be finite: then the loops work
    on copies, and θ takes over only what went well."""

    _plan: Plan
    _known: Tables
    _said: tuple[object, ...]

    def __init__(self, network: Network, optimizer: Optimizer, x: Array, t: Array) -> None:
        self._network = network
        self._optimizer = optimizer
        self._cases = Prepared.of(x, t)
        self._largest_input = float(max(x.max(initial=0), -x.min(initial=0)))
        self._plan = self._make_plan()
        self._packing = Packing(network, self._plan)
        self._make_arrays()
        self._bind()

    def _bind(self) -> None:
        """Find θ, the optimiser's state and its rates, which are others once it is bound anew."""
        network, optimizer = self._network, self._optimizer
        self._bound, self._said = optimizer.rates, ()
        self._base_rates = np.array(rates_of_layers(network, optimizer))
        state = _rows_of(network, optimizer)
        if self._packing.is_identity and state is not None and not self.changes_before_it_knows:
            self._weights, self._state = network.theta.reshape(1, -1), state
            self._pairs: list[tuple[Array, Array]] = []
        else:
            self._weights, self._state = self._make_copies()
            self._pairs = self._make_pairs()

    def _make_copies(self) -> tuple[Array, Array]:
        """Room for packed θ and state; every row begins at a line of the cache."""
        width, dtype = self._plan.parameters, self._network.dtype
        return aligned((1, width), dtype), aligned((len(self._optimizer.state), width), dtype)

    def _make_pairs(self) -> list[tuple[Array, Array]]:
        """Views of θ and state, and of their packed copies."""
        own = (self._network.theta, *self._optimizer.state.values())
        rows = zip(own, (*self._weights, *self._state), strict=True)
        return [pair for row in rows for pair in self._packing.pairs(*row)]

    @abstractmethod
    def _make_plan(self) -> Plan:
        """How the weights lie."""

    @abstractmethod
    def _make_arrays(self) -> None:
        """What else the loops write to."""

    def run(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        """Run minibatches from ``first`` on, as many as there are ``losses`` to fill.

        Returns:
            How many were run, and how many cases of them were right. If they are fewer, the next
            one is not for compiled code.
        """
        if self._optimizer.rates is not self._bound:
            self._bind()
        self._pack()
        ran, correct = self._train(order, first, losses)
        self._unpack()
        self._optimizer.steps += ran
        return ran, correct

    @abstractmethod
    def _train(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        """`run`, on the packed vectors alone."""

    @abstractmethod
    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """The mean loss of a set of cases, penalty included, and how many of them are right.

        Args:
            x: prepared inputs, at least one case.
            t: prepared targets.

        Returns:
            None where a loss is not finite.
        """

    def _pack(self) -> None:
        for own, packed in self._pairs:
            np.copyto(packed, own)

    def _unpack(self) -> None:
        for own, packed in self._pairs:
            np.copyto(own, packed)

    # What a schedule or a caller may change between two chunks

    def _tables(self, cases: Prepared) -> Tables:
        """Rates and rules as they are now; made anew only where something has changed."""
        network, optimizer = self._network, self._optimizer
        said = (
            network.loss_function,
            network.penalised,
            len(cases.labels) > 0,
            optimizer.scale,
            *_options_of_rule(optimizer),
        )
        if said != self._said:
            codes, constants = self._codes(cases), np.array(self._constants(), np.float64)
            rates = (self._base_rates * optimizer.scale).astype(network.dtype)
            self._known = Tables(codes, rates, (np.array(codes, np.uintp), constants))
            self._said = said
        self._known.rules[1][STEPS] = optimizer.steps
        return self._known

    def _codes(self, cases: Prepared) -> tuple[int, ...]:
        """Loss, whether there is a softmax, rule, penalties."""
        network, optimizer = self._network, self._optimizer
        loss = LOSSES[type(network.loss_function)]
        if loss == CROSS_ENTROPY and len(cases.labels):
            loss = CLASS_CROSS_ENTROPY
        rule = RULES[type(optimizer)]
        if isinstance(optimizer, Momentum) and optimizer.nesterov:
            rule = NESTEROV
        return loss, self._plan.softmax, rule, penalty_code(decays_of_layers(network))

    def _constants(self) -> tuple[float, ...]:
        network, optimizer = self._network, self._optimizer
        options = (*_options_of_rule(optimizer), loss_option(network.loss_function))
        return (*options, optimizer.steps, *decays_of_layers(network))


def _options_of_rule(optimizer: Optimizer) -> tuple[float, float, float]:
    if isinstance(optimizer, Momentum):
        return optimizer.momentum, float(optimizer.nesterov), 0.0
    if isinstance(optimizer, Adam):
        return optimizer.beta1, optimizer.beta2, optimizer.epsilon
    return 0.0, 0.0, 0.0


def _rows_of(network: Network, optimizer: Optimizer) -> Array | None:
    """The array that the optimiser's vectors are the rows of; None if they are not."""
    vectors = list(optimizer.state.values())
    if not vectors:
        return np.empty((0, 0), network.dtype)
    whole = vectors[0].base
    if whole is None or whole.shape != (len(vectors), len(vectors[0])):
        return None
    same = (row.ctypes.data == own.ctypes.data for row, own in zip(whole, vectors, strict=True))
    return whole if all(same) else None

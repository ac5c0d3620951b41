"""What every compiled loop is given: θ, the optimiser's state, rates and rules of each chunk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.tables import (
    BOUND,
    CLASS_CROSS_ENTROPY,
    CROSS_ENTROPY,
    LOSSES,
    NESTEROV,
    RULES,
    STEPS,
    Cases,
    Minibatches,
    Packing,
    Rules,
    Tables,
    aligned,
    decays_of_layers,
    loss_option,
    penalty_code,
    rates_of_layers,
)
from chainrule.training.optimizers import Adam, Momentum, Optimizer


class Settings(NamedTuple):
    """Rates and rules of a chunk.

    Attributes:
        codes: loss, whether there is a softmax, update rule, penalties.
        rates: of weights and biases, a row a layer.
        rules: the codes again, and the constants.
    """

    codes: tuple[int, ...]
    rates: Array
    rules: Rules


class Loop(ABC):
    """Runs minibatches in compiled code, on θ and the optimiser's state or packed copies.

    Args:
        network: one that `support` finds no fallback reason for.
        optimizer: bound to it.
        x: prepared inputs.
        t: prepared targets.
        batch_size: cases a minibatch.
    """

    changes_before_it_knows: ClassVar[bool] = False
    """Whether weights have changed when a minibatch is found not to be finite: then the loop works
    on copies, and θ takes over only what went well."""

    _tables: Tables
    _settings: Settings
    _settings_of: tuple[object, ...]
    _pairs: list[tuple[Array, Array]]
    """Views of θ and of the optimiser's state, and of their packed copies."""

    def __init__(
        self, network: Network, optimizer: Optimizer, x: Array, t: Array, batch_size: int
    ) -> None:
        self._network = network
        self._optimizer = optimizer
        self._batch_size = batch_size
        self._cases = Cases.of(x, t)
        self._largest_input = float(max(x.max(initial=0), -x.min(initial=0)))
        self._tables = self._make_tables()
        self._packing = Packing(network, self._tables)
        self._gradient = self._nothing = np.empty((0, 0), network.dtype)
        self._make_arrays()
        self._bind()

    def _bind(self) -> None:
        """Find θ, the optimiser's state and its rates, which are others once it is bound anew.

        The loop works on them themselves where it may, and else on copies whose rows begin at a
        line of the cache.
        """
        network, optimizer = self._network, self._optimizer
        self._bound, self._settings_of = optimizer.rates, ()
        self._base_rates = np.array(rates_of_layers(network, optimizer))
        state = _rows_of(network, optimizer)
        if self._packing.is_identity and state is not None and not self.changes_before_it_knows:
            self._weights, self._state = network.theta.reshape(1, -1), state
            self._pairs = []
        else:
            width, dtype = self._tables.parameters, network.dtype
            self._weights = aligned((1, width), dtype)
            self._state = aligned((len(optimizer.state), width), dtype)
            own = (network.theta, *optimizer.state.values())
            rows = zip(own, (*self._weights, *self._state), strict=True)
            self._pairs = [pair for row in rows for pair in self._packing.pairs(*row)]

    @abstractmethod
    def _make_tables(self) -> Tables:
        """How the weights lie."""

    @abstractmethod
    def _make_arrays(self) -> None:
        """What else the loop writes to."""

    def _make_units(self, length: int) -> Array:
        """Room for units, with the bound of the inputs in its place."""
        units = aligned((BOUND + 1, length), self._network.dtype)
        units[BOUND, :1] = self._largest_input
        return units

    def _workspace(self, units: Array) -> tuple[Array, ...]:
        """The fields of a `Workspace` as they are now, with the rates of the last settings."""
        tables, rates = self._tables, self._settings.rates
        return (
            tables.layers,
            tables.options,
            rates,
            self._weights,
            self._state,
            self._gradient,
            units,
        )

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
        for own, packed in self._pairs:
            np.copyto(own, packed)
        self._optimizer.steps += ran
        return ran, correct

    def _pack(self) -> None:
        for own, packed in self._pairs:
            np.copyto(packed, own)

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

    # What a schedule or a caller may change between two chunks

    def _settings_for(self, cases: Cases) -> Settings:
        """Rates and rules as they are now; made anew only where something has changed."""
        network, optimizer = self._network, self._optimizer
        settings_of = (
            network.loss_function,
            network.penalised,
            len(cases.labels) > 0,
            optimizer.scale,
            *_options_of_rule(optimizer),
        )
        if settings_of != self._settings_of:
            codes, constants = self._codes(cases), np.array(self._constants(), np.float64)
            rates = (self._base_rates * optimizer.scale).astype(network.dtype)
            self._settings = Settings(codes, rates, Rules(np.array(codes, np.uintp), constants))
            self._settings_of = settings_of
        self._settings.rules.constants[STEPS] = optimizer.steps
        return self._settings

    def _codes(self, cases: Cases) -> tuple[int, ...]:
        """Loss, whether there is a softmax, update rule, penalties."""
        network, optimizer = self._network, self._optimizer
        loss = LOSSES[type(network.loss_function)]
        if loss == CROSS_ENTROPY and len(cases.labels):
            loss = CLASS_CROSS_ENTROPY
        rule = RULES[type(optimizer)]
        if isinstance(optimizer, Momentum) and optimizer.nesterov:
            rule = NESTEROV
        return loss, self._tables.softmax, rule, penalty_code(decays_of_layers(network))

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


EVALUATED = 256
"""Cases that are evaluated at a time, at least."""


class MinibatchLoop(Loop):
    """Runs minibatches of several cases; see `Loop`."""

    def _train(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        there = len(self._cases.x if order is None else order)
        size = min(self._batch_size, max(1, there))  # an only minibatch may have fewer cases
        chosen = Minibatches.of(order, first, len(losses), size)
        return self._call(self._cases, chosen, losses, learn=True)

    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """See `Loop.evaluate`."""
        size = min(max(self._batch_size, EVALUATED), len(x))
        losses, chosen = np.empty(-(-len(x) // size)), Minibatches.of(None, 0, 0, size)
        self._pack()
        ran, correct = self._call(Cases.of(x, t), chosen, losses, learn=False)
        if ran < len(losses):
            return None
        counts = np.minimum(size, len(x) - size * np.arange(len(losses)))
        return float(losses @ counts) / len(x), correct

    @abstractmethod
    def _call(
        self, cases: Cases, chosen: Minibatches, losses: Array, *, learn: bool
    ) -> tuple[int, int]:
        """Run the compiled loop; how many minibatches it ran, and how many cases were right."""

"""The base class of the compiled loops: θ, the optimiser's state, rates and rules per chunk."""

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
    IN_FULL,
    LOSSES,
    MOMENTA,
    NESTEROV,
    NO_SCALES,
    OPTIONS,
    RULES,
    STEPS,
    Cases,
    Minibatches,
    Paces,
    Packing,
    Rules,
    Tables,
    Weighing,
    aligned,
    decays_of_layers,
    loss_option,
    penalty_code,
    rates_of_layers,
    weight_decays,
)
from chainrule.training.optimizers import AdaGrad, Adam, AdamW, Momentum, Nadam, Optimizer, RMSProp


class Settings(NamedTuple):
    """Rates and rules of a chunk.

    Attributes:
        codes: loss, whether there is a softmax, update rule, penalties.
        rates: learning rates of weights and biases, one row per layer.
        rules: the codes as an array, and the constants.
    """

    codes: tuple[int, ...]
    rates: Array
    rules: Rules


class Loop(ABC):
    """Runs minibatches in compiled code, on θ and the optimiser's state or on packed copies.

    Args:
        network: one for which `support` finds no fallback reason.
        optimizer: bound to it.
        x: prepared inputs.
        t: prepared targets.
        batch_size: cases per minibatch.
        weights: prepared weights of the cases, or None.
        counted: how much each case counts where it is correct, or None for its weight.
    """

    changes_before_it_knows: ClassVar[bool] = False
    """Whether weights may have changed before a gradient is found not to be finite. Such a loop
    works on copies, and θ receives only the minibatches before that one."""

    _tables: Tables
    _settings: Settings
    _settings_of: tuple[object, ...]
    _pairs: list[tuple[Array, Array]]
    """Pairs of views: of θ or the optimiser's state, and of its packed copy."""

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        x: Array,
        t: Array,
        batch_size: int,
        weights: Array | None = None,
        counted: Array | None = None,
    ) -> None:
        self._network = network
        self._optimizer = optimizer
        self._batch_size = batch_size
        self._cases = self._cases_of(x, t)
        self._case_weights = np.empty(0, network.dtype) if weights is None else weights
        self._counted = self._case_weights if counted is None else counted
        self._largest_input = float(max(x.max(initial=0), -x.min(initial=0)))
        self._tables = self._make_tables()
        self._packing = Packing(network, self._tables)
        self._gradient = self._nothing = np.empty((0, 0), network.dtype)
        self._make_arrays()
        self._bind()

    def _cases_of(self, x: Array, t: Array) -> Cases:
        """The cases; with label smoothing their targets are rows, as the loss sees them.

        The class that a row stands for is that of its largest target, which smoothing keeps.
        """
        network = self._network
        return Cases.of(x, network.loss_function.smoothed(t, network.outputs, network.dtype))

    def _bind(self) -> None:
        """Fetch θ and the optimiser's state and rates; binding the optimiser replaces them.

        The loop works on the arrays themselves where it can, and otherwise on packed copies that
        begin at a cache line.
        """
        network, optimizer = self._network, self._optimizer
        self._bound, self._settings_of = optimizer.rates, ()
        self._decays = weight_decays(network, optimizer) or (0.0, 0.0)
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
        """The tables, with this loop's memory layout of the weights."""

    @abstractmethod
    def _make_arrays(self) -> None:
        """Allocate the other arrays that the loop writes to."""

    def _make_units(self, length: int) -> Array:
        """An array for the values of the units, with the bound of the inputs filled in."""
        units = aligned((BOUND + 1, length), self._network.dtype)
        units[BOUND, :1] = self._largest_input
        return units

    def _workspace(self, units: Array) -> tuple[Array, ...]:
        """The current fields of a `Workspace`, with the rates of the last settings."""
        tables, rates = self._tables, self._settings.rates.copy()  # `set_rates` may change them
        return (
            tables.layers,
            tables.options,
            rates,
            self._weights,
            self._state,
            self._gradient,
            units,
        )

    def run(
        self,
        order: Array | None,
        first: int,
        losses: Array,
        correct: Array,
        scales: Array | None = None,
    ) -> tuple[int, int]:
        """Run minibatches from ``first`` on, one for each element of ``losses``.

        Where cases have weights, ``correct`` receives the sum of those of correct cases; for
        ``scales`` see `Engine.run`.

        Returns:
            The numbers of minibatches run and of correct cases in them. If not all were run, the
            next minibatch has to be run by the numpy engine.
        """
        if self._optimizer.rates is not self._bound:
            self._bind()
        self._pack()
        weighing = Weighing(self._case_weights, self._counted, correct)
        given = NO_SCALES if scales is None else np.ascontiguousarray(scales, np.float64)
        paces = Paces(self._base_rates, given)
        ran, right = self._train(order, first, losses, weighing, paces)
        for own, packed in self._pairs:
            np.copyto(own, packed)
        self._optimizer.steps += ran
        return ran, right

    def _pack(self) -> None:
        for own, packed in self._pairs:
            np.copyto(packed, own)

    @abstractmethod
    def _train(
        self, order: Array | None, first: int, losses: Array, weighing: Weighing, paces: Paces
    ) -> tuple[int, int]:
        """As `run`, but on the packed vectors alone."""

    @abstractmethod
    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """The mean loss of a set of cases, penalty included, and the number of correct cases.

        Args:
            x: prepared inputs, at least one case.
            t: prepared targets.

        Returns:
            None where a loss is not finite.
        """

    # Settings that a schedule or a caller may change between two chunks

    def _settings_for(self, cases: Cases) -> Settings:
        """The current rates and rules, computed again only if something has changed."""
        network, optimizer = self._network, self._optimizer
        settings_of = (
            network.loss_function,
            network.penalised,
            len(cases.labels) > 0,
            optimizer.scale,
            *_options_of_rule(optimizer, self._decays),
        )
        if settings_of != self._settings_of:
            codes, constants = self._codes(cases), np.array(self._constants(), np.float64)
            rates = (self._base_rates * optimizer.scale).astype(network.dtype)
            self._settings = Settings(codes, rates, Rules(np.array(codes, np.uintp), constants))
            self._settings_of = settings_of
        self._settings.rules.constants[STEPS] = optimizer.steps
        if isinstance(optimizer, Nadam):
            self._settings.rules.constants[MOMENTA] = optimizer.product(optimizer.steps)
        return self._settings

    def _codes(self, cases: Cases) -> tuple[int, ...]:
        """The codes of loss, softmax, update rule and penalties, as in `Rules.codes`."""
        network, optimizer = self._network, self._optimizer
        loss = LOSSES[type(network.loss_function)]
        if loss == CROSS_ENTROPY and len(cases.labels):
            loss = CLASS_CROSS_ENTROPY
        rule = RULES[type(optimizer)]
        if isinstance(optimizer, Momentum) and optimizer.nesterov:
            rule = NESTEROV
        if isinstance(optimizer, RMSProp) and not optimizer.is_plain:
            rule = IN_FULL
        return loss, self._tables.softmax, rule, penalty_code(decays_of_layers(network))

    def _constants(self) -> tuple[float, ...]:
        network, optimizer = self._network, self._optimizer
        options = (*_options_of_rule(optimizer, self._decays), loss_option(network.loss_function))
        return (*options, optimizer.steps, 1.0, *decays_of_layers(network))


def _options_of_rule(optimizer: Optimizer, decays: tuple[float, float]) -> tuple[float, ...]:
    """The optimiser's options in the order of `Rules.constants`, or 0; its `weight_decays`."""
    found: tuple[float, ...] = ()
    match optimizer:
        case Momentum():
            found = optimizer.momentum, float(optimizer.nesterov)
        case AdaGrad():
            found = 1.0, 1.0, optimizer.epsilon
        case RMSProp():
            of_mean = optimizer.momentum, float(optimizer.centered)
            found = optimizer.alpha, 1 - optimizer.alpha, optimizer.epsilon, *of_mean
        case AdamW():
            moments = optimizer.beta1, optimizer.beta2, optimizer.epsilon, 0.0, 0.0
            found = *moments, *decays
        case Nadam():
            found = optimizer.beta1, optimizer.beta2, optimizer.epsilon, optimizer.momentum_decay
        case Adam():
            found = optimizer.beta1, optimizer.beta2, optimizer.epsilon
    return (*found, *(0.0,) * (OPTIONS - len(found)))


def _rows_of(network: Network, optimizer: Optimizer) -> Array | None:
    """The array whose rows are the optimiser's state vectors; None if there is no such array."""
    vectors = list(optimizer.state.values())
    if not vectors:
        return np.empty((0, 0), network.dtype)
    whole = vectors[0].base
    if whole is None or whole.shape != (len(vectors), len(vectors[0])):
        return None
    same = (row.ctypes.data == own.ctypes.data for row, own in zip(whole, vectors, strict=True))
    return whole if all(same) else None


EVALUATED = 256
"""The smallest number of cases evaluated at a time."""


class MinibatchLoop(Loop):
    """Runs minibatches of several cases; see `Loop`."""

    def _train(
        self, order: Array | None, first: int, losses: Array, weighing: Weighing, paces: Paces
    ) -> tuple[int, int]:
        there = len(self._cases.x if order is None else order)
        size = min(self._batch_size, max(1, there))  # a single minibatch may have fewer cases
        chosen = Minibatches.of(order, first, len(losses), size)
        return self._call(self._cases, chosen, losses, True, weighing, paces)

    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """See `Loop.evaluate`."""
        size = min(max(self._batch_size, EVALUATED), len(x))
        losses, chosen = np.empty(-(-len(x) // size)), Minibatches.of(None, 0, 0, size)
        self._pack()
        none, paces = Weighing.none(self._network.dtype), Paces(self._base_rates, NO_SCALES)
        ran, correct = self._call(self._cases_of(x, t), chosen, losses, False, none, paces)
        if ran < len(losses):
            return None
        counts = np.minimum(size, len(x) - size * np.arange(len(losses)))
        return float(losses @ counts) / len(x), correct

    @abstractmethod
    def _call(
        self,
        cases: Cases,
        chosen: Minibatches,
        losses: Array,
        learn: bool,
        weighing: Weighing,
        paces: Paces,
    ) -> tuple[int, int]:
        """Run the compiled loop; return the numbers of minibatches run and of correct cases."""

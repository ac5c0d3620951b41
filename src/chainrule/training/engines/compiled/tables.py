"""A network as arrays of numbers, and θ in the memory layout that the compiled loops work on.

The codes on which the loops branch, and the columns and rows of their arrays, are named here.
This file does not import Numba.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple, cast

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn import activations as phi
from chainrule.nn import losses
from chainrule.nn.layer_types import BatchNorm, Dense, Dropout, LayerNorm
from chainrule.nn.losses import Loss
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.training.engines.other_libraries import decay_of
from chainrule.training.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nadam,
    Optimizer,
    Rates,
    RMSProp,
)

Index: Any = np.uintp
"""The type of all indices and counts within kernels, an unsigned integer. For a signed index Numba
adds a test whether it is negative and counts from the end, and such loops are not vectorised."""

# Codes of activations, losses and update rules. The numpy engine runs what has no code.

LINEAR, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, GELU, SILU, MISH, SOFTPLUS, SOFTSIGN = range(11)

ACTIVATIONS: Mapping[type, int] = {
    phi.Linear: LINEAR,
    phi.Sigmoid: SIGMOID,
    phi.Tanh: TANH,
    phi.ReLU: RELU,
    phi.LeakyReLU: LEAKY_RELU,
    phi.ELU: ELU,
    phi.SELU: ELU,
    phi.GELU: GELU,
    phi.SiLU: SILU,
    phi.Mish: MISH,
    phi.Softplus: SOFTPLUS,
    phi.Softsign: SOFTSIGN,
}

CLASS_CROSS_ENTROPY, CROSS_ENTROPY, BINARY, SQUARED, ABSOLUTE, HUBER, LOG_COSH, HINGE = range(8)

LOSSES: Mapping[type[Loss], int] = {
    losses.CrossEntropy: CROSS_ENTROPY,
    losses.BinaryCrossEntropy: BINARY,
    losses.MeanSquaredError: SQUARED,
    losses.MeanAbsoluteError: ABSOLUTE,
    losses.Huber: HUBER,
    losses.LogCosh: LOG_COSH,
    losses.Hinge: HINGE,
}
"""Cross-entropy of class numbers, the most common loss, has a code of its own."""

DESCENT, MOMENTUM, NESTEROV, ADAM, NADAM, BY_ROOT, IN_FULL = range(7)
"""Codes of update rules. BY_ROOT divides the gradient by the root of a sum or mean of squares:
AdaGrad, and RMSProp unless it is centred or has momentum, which is IN_FULL."""

RULES: Mapping[type[Optimizer], int] = {
    SGD: DESCENT,
    Momentum: MOMENTUM,
    AdaGrad: BY_ROOT,
    RMSProp: BY_ROOT,
    Adam: ADAM,
    AdamW: ADAM,
    Nadam: NADAM,
}

L1, L2 = range(2)

PENALTIES: Mapping[str, int] = {"L1": L1, "L2": L2}
"""The position of each penalty's rate among the rates of one parameter array."""

NO_PENALTY, L2_ALONE, WITH_L1 = range(3)
"""Codes for the kinds of penalties that a network has."""

# Columns and rows of the arrays.

INPUTS, OUTPUTS, PADDED, START, WEIGHTS, STRIDE, BIASES, FUNCTION, BY_OUTPUT, DROPS, KIND = range(
    11
)
"""Columns of `Tables.layers`: the numbers of inputs, of outputs, and of outputs with padding; the
index of the layer's first unit in the vectors of z, a and δ; in packed θ the index of its first
weight, the length of a row of weights, and the index of its first bias; the code of the
activation; whether a row of weights belongs to an output (1) or to an input (0); whether dropout
stands behind the layer (1) or not (0); what kind of layer it is, see `DENSE`."""

DENSE, BY_BATCH, BY_CASE = range(3)
"""Kinds of layers. A layer that normalises, by the minibatch or by the case, has as many inputs as
outputs; γ lies where a dense layer has its weights, β where it has its biases, and behind them the
running mean and the running variance."""

KINDS: Mapping[type, int] = {Dense: DENSE, BatchNorm: BY_BATCH, LayerNorm: BY_CASE}

MEAN, VARIANCE, INVERSE, PASSING = range(4)
"""Rows of the statistics of layers that normalise, where a layer has those of a feature or of a
case: mean, variance and 1 / √(variance + ε), and a sum in passing."""

EPSILON, SHARE = range(2)
"""Columns of the options of layers that normalise: ε, and the share of a minibatch in the running
statistics."""

KEPT = 2
"""The last column of `Tables.options`, the factor 1 / (1 − rate) of dropout behind a layer."""

Z, A, SLOPE, DELTA, Y, SCRATCH, BOUND = range(7)
"""Rows of `Workspace.units`: z, a = φ(z), φ'(z) and δ of all layers side by side; the outputs;
scratch space for one row of weights; upper bounds of |a| for the inputs and for each layer."""

THETA = 0
"""The only row of `Workspace.weights`."""

FIRST, SECOND, THIRD = range(3)
"""Rows of the optimiser's state: the velocity or mean, and the mean square; of RMSProp the mean
square, the mean and the velocity."""

OPTION_1, OPTION_2, OPTION_3, OPTION_4, OPTION_5, DECAY, LOSS_OPTION, STEPS, MOMENTA, DECAYS = (
    *range(6), *range(7, 11),
)  # fmt: skip
"""Positions in `Rules.constants`: the optimiser's options; AdamW's decay of weights, followed by
that of biases; the loss's option; the number of steps taken; Nadam's product of the momenta of the
steps so far, which the loops carry on; from `DECAYS` on, the rates of the penalties on weights and
biases, layer by layer."""

OPTIONS = LOSS_OPTION
"""How many constants the optimiser has before the loss's."""

LOSS, HAS_SOFTMAX, UPDATE, PENALTY = range(4)
"""Positions in `Rules.codes`: the loss, whether the outputs are those of a softmax, the
optimiser's update rule, the kind of penalties."""


# The arguments of the kernels.


class Cases(NamedTuple):
    """A set of cases.

    Attributes:
        x: inputs, (cases, input).
        labels: targets as class numbers, (cases,); empty where they are vectors.
        rows: targets as vectors, (cases, outputs); empty where they are class numbers.
    """

    x: Array
    labels: Array
    rows: Array

    @classmethod
    def of(cls, x: Array, t: Array) -> Cases:
        """The cases with these inputs and targets, which the network has prepared."""
        labels = np.array(t if t.ndim == 1 else (), np.int64)  # a copy: they are unchecked indices
        rows = np.ascontiguousarray(t if t.ndim == 2 else np.empty((0, 0)), x.dtype)
        return cls(x, labels, rows)


class Weighing(NamedTuple):
    """The weights of cases, which programs of the most common kind do not look at.

    Attributes:
        weights: prepared weights, (cases,); empty where the cases have none.
        counted: how much each case counts where it is correct, likewise.
        correct: receives the sum of what each minibatch's correct cases count, to begin with
            0 (minibatches,); unused without weights.
    """

    weights: Array
    counted: Array
    correct: Array

    @classmethod
    def none(cls, dtype: np.dtype[Any]) -> Weighing:
        """Cases without weights, for a network of this type."""
        return cls(np.empty(0, dtype), np.empty(0, dtype), np.empty(0))


class Paces(NamedTuple):
    """The learning rates of each minibatch, where a schedule changes them within an epoch.

    Attributes:
        base: the rates of weights and biases before any schedule, (layers, 2); float64.
        scales: the factor of each minibatch, (minibatches,); empty where the rates of the
            workspace hold for all of them.
    """

    base: Array
    scales: Array


NO_SCALES = np.empty(0)
"""Stands for rates that no schedule changes within a call."""

NO_ORDER = np.empty(0, np.int64)
"""Stands for the order of the data set."""


class Minibatches(NamedTuple):
    """The cases to run, and how many at a time.

    Attributes:
        order: the indices of the cases; empty for ``first``, ``first`` + 1 and so on.
        first: the index of the first case where ``order`` is empty.
        size: cases per minibatch; the last one takes what is left.
    """

    order: Array
    first: Any
    size: Any

    @classmethod
    def of(cls, order: Array | None, first: int, count: int, size: int) -> Minibatches:
        """The minibatches ``first`` … ``first + count`` − 1 of an epoch."""
        start = first * size
        if order is None:
            return cls(NO_ORDER, Index(start), Index(size))
        chosen = np.ascontiguousarray(order[start : start + count * size], np.int64)
        return cls(chosen, Index(0), Index(size))


class Rules(NamedTuple):
    """Loss, penalties and update rule.

    Attributes:
        codes: (4,); see `LOSS` for the positions.
        constants: (10 + 4 · layers,); see `OPTION_1` for the positions.
    """

    codes: Array
    constants: Array


class Workspace(NamedTuple):
    """The arrays that a loop reads and writes.

    Attributes:
        layers: one row per layer; see `INPUTS` for the columns.
        options: options of the activations, one row per layer.
        rates: learning rates of weights and biases, one row per layer.
        weights: packed θ, (1, parameters), updated in place.
        state: the packed state of the optimiser, (vectors, parameters), updated in place.
        gradient: (1, parameters); empty where no update needs one.
        units: values of the units; see `Z` for the rows.
    """

    layers: Array
    options: Array
    rates: Array
    weights: Array
    state: Array
    gradient: Array
    units: Array


class Tables(NamedTuple):
    """The dense layers of a network, and those that normalise.

    Attributes:
        layers: one row per layer, (layers, 11); see `INPUTS` for the columns.
        options: options of the activations and `KEPT`, (layers, 3).
        units: the length of the vectors of z, a and δ.
        parameters: the length of packed θ.
        softmax: whether a softmax follows the last dense layer.
    """

    layers: Array
    options: Array
    units: int
    parameters: int
    softmax: bool


Compiled = Dense | BatchNorm | LayerNorm
"""The layers with parameters that are compiled."""


def weighted_layers(network: Network) -> list[Compiled]:
    """The layers that have parameters, in a network that can be compiled."""
    return [cast("Compiled", layer) for layer in network.layers if layer.has_weights]


def normalises(network: Network) -> bool:
    """Whether the network has a layer that normalises."""
    return any(isinstance(layer, BatchNorm | LayerNorm) for layer in network.layers)


def dropouts(network: Network) -> list[Dropout | None]:
    """For each layer with parameters, the dropout right behind it."""
    layers = [*network.layers, None]
    pairs = [(a, b) for a, b in pairwise(layers) if a is not None and a.has_weights]
    return [b if isinstance(b, Dropout) else None for _, b in pairs]


def make_tables(network: Network, by_output: Sequence[bool], *, fill: bool) -> Tables:
    """The tables of a network for which `support` finds no fallback reason.

    Args:
        network: the network to describe.
        by_output: for each layer with parameters, whether a row of weights belongs to an output or
            to an input.
        fill: pad every row of weights and of units to whole cache lines.
    """
    rows, units, parameters = [], 0, 0
    behind = dropouts(network)
    for layer, turned, drop in zip(weighted_layers(network), by_output, behind, strict=True):
        width = filled(layer.size, network.dtype) if fill else layer.size
        depth = filled(layer.inputs, network.dtype) if fill else layer.inputs
        count, stride = (layer.size, depth) if turned else (layer.inputs, width)
        count = count if isinstance(layer, Dense) else 1  # a row of γ
        biases = parameters + count * stride
        code = ACTIVATIONS[type(layer.activation)]
        sizes = layer.inputs, layer.size, width, units, parameters, stride, biases
        kind = KINDS[type(layer)]
        rows += [(*sizes, code, turned, drop is not None, kind)]
        units += width
        parameters = biases + (3 * width if kind == BY_BATCH else width)
    return Tables(
        np.array(rows, np.uintp),
        np.array(
            [
                (*_options(layer), 1.0 if drop is None else 1 / (1 - drop.rate))
                for layer, drop in zip(weighted_layers(network), behind, strict=True)
            ],
            network.dtype,
        ),
        units,
        parameters,
        network.layers[-1].gives_distribution,
    )


def filled(width: int, dtype: np.dtype[Any]) -> int:
    """The width rounded up to whole cache lines of 64 bytes.

    Example:
        >>> filled(50, np.dtype("float64")), filled(50, np.dtype("float32"))
        (56, 64)
    """
    lane = LINE // dtype.itemsize
    return -(-width // lane) * lane


def _options(layer: Compiled) -> tuple[float, float]:
    match layer.activation:
        case phi.LeakyReLU(slope=slope):
            return slope, 1.0
        case phi.ELU(alpha=alpha):
            return alpha, 1.0
        case phi.SELU():
            return phi._SELU_ALPHA, phi._SELU_SCALE
    return 0.0, 1.0


def loss_option(loss: Loss) -> float:
    """The loss's option, δ of Huber's loss; 0 for a loss without one."""
    return loss.delta if isinstance(loss, losses.Huber) else 0.0


def rates_of_layers(network: Network, optimizer: Optimizer) -> list[tuple[float, ...]] | None:
    """Every layer's learning rates of weights and biases, or of γ and β, before any schedule.

    Returns:
        Pairs, the second 0 where there are no biases; None if an array has several rates.
    """
    pairs = []
    for layer in weighted_layers(network):
        segments = network.parameters.layout.of_layer(layer.name)
        rates = [_rate_of(segment, optimizer.rates) for segment in segments if segment.trained]
        rates += [0.0] if len(rates) == 1 else []
        if isinstance(layer, Dense) or len(set(rates)) == 1:  # γ and β have one rate
            pairs.append(tuple(rate for rate in rates if rate is not None))
        else:
            pairs.append(())
    return pairs if all(len(pair) == 2 for pair in pairs) else None


def _rate_of(segment: Segment, rates: Rates) -> float | None:
    for part, rate in rates:
        if part.start <= segment.start and segment.stop <= part.stop:
            return rate
    return None


def weight_decays(network: Network, optimizer: Optimizer) -> tuple[float, float] | None:
    """AdamW's decay of weights and of biases, 0 for other optimisers; None if layers differ."""
    weights: set[float] = set()
    biases: set[float] = set()
    for segment in network.parameters.layout.trained:
        (biases if segment.is_bias else weights).add(decay_of(segment, optimizer))
    if len(weights) > 1 or len(biases) > 1:
        return None
    return max(weights, default=0.0), max(biases, default=0.0)


def decays_of_layers(network: Network) -> list[float]:
    """The rates of the penalties in the order of `Rules.constants` from `DECAYS` on, or 0."""
    found = []
    for layer in weighted_layers(network):
        for name in ("W", "b") if isinstance(layer, Dense) else ("gamma", "beta"):
            there = name in layer.shapes()
            rates = network.penalty_rates(f"{layer.name}.{name}") if there else {}
            found += [rates.get(kind, 0.0) for kind in PENALTIES]
    return found


def penalty_code(decays: Sequence[float]) -> int:
    """The code of the penalties with these rates, which `decays_of_layers` gives."""
    if any(decays[L1 :: len(PENALTIES)]):
        return WITH_L1
    return L2_ALONE if any(decays) else NO_PENALTY


# θ in the loops' memory layout: rows may fill whole cache lines, and be transposed where faster.

LINE = 64
"""Bytes per cache line."""


def aligned(shape: tuple[int, int], dtype: np.dtype[Any]) -> Array:
    """An array of zeros that begins at a cache line."""
    spare = np.zeros(prod(shape) + LINE // dtype.itemsize, dtype)
    start = -spare.ctypes.data % LINE // dtype.itemsize
    return spare[start : start + prod(shape)].reshape(shape)


class Packing:
    """Maps vectors in the layout of θ to packed vectors, and back.

    Args:
        network: the network with the layout of θ.
        tables: its tables.
    """

    def __init__(self, network: Network, tables: Tables) -> None:
        self._network = network
        self._tables = tables

    @property
    def is_identity(self) -> bool:
        """Whether packed vectors have the layout of θ."""
        places = np.arange(self._network.parameters.layout.size)
        packed = np.full(self._tables.parameters, -1)
        for own, other in self.pairs(places, packed):
            np.copyto(other, own)
        return np.array_equal(packed, places)

    def pairs(self, vector: Array, packed: Array) -> Iterator[tuple[Array, Array]]:
        """Views of the same parameters in both vectors, of equal shapes, without padding."""
        layout = self._network.parameters.layout
        for k, layer in enumerate(weighted_layers(self._network)):
            columns = self._tables.layers[k].astype(int)
            views = layout.views(vector, layer.name)
            if not isinstance(layer, Dense):
                places = packed[columns[WEIGHTS] :].reshape(-1)
                for own, at in zip(
                    views.values(), range(0, len(places), layer.size), strict=False
                ):
                    yield own, places[at : at + layer.size]
                continue
            rows = packed[columns[WEIGHTS] : columns[BIASES]].reshape(-1, columns[STRIDE])
            own = views["W"].T if columns[BY_OUTPUT] else views["W"]
            yield own, rows[:, : own.shape[1]]
            if layer.bias:  # otherwise the packed biases stay 0, with a learning rate of 0
                biases = packed[columns[BIASES] :]
                yield views["b"], biases[: columns[OUTPUTS]]

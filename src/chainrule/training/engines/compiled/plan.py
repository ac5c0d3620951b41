"""A network as tables of numbers.

The kernels go by the codes and columns named here; no Numba is needed to read or make them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn import activations as phi
from chainrule.nn import losses
from chainrule.nn.activations import Activation
from chainrule.nn.layer_types import Dense, Softmax
from chainrule.nn.losses import Loss
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.training.optimizers import SGD, Adam, Momentum, Optimizer, Rates

Index: Any = np.uintp
"""Makes a whole number that is never negative. Numba takes an index of this type as it is; of
a signed one it first asks whether it counts from the end, and loops then no longer run in
vectors. All indices and counts within kernels are of this type."""

LINEAR, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, GELU, SILU, MISH, SOFTPLUS, SOFTSIGN = range(11)

ACTIVATIONS: Mapping[type[Activation], int] = {
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
"""Cross-entropy of class numbers, which are most common, has a code of its own."""

DESCENT, MOMENTUM, NESTEROV, ADAM = range(4)

RULES: Mapping[type[Optimizer], int] = {SGD: DESCENT, Momentum: MOMENTUM, Adam: ADAM}

L1, L2 = range(2)

PENALTIES: Mapping[str, int] = {"L1": L1, "L2": L2}
"""Where the rate of each stands among those of an array."""

INPUTS, OUTPUTS, PADDED, START, WEIGHTS, STRIDE, BIASES, FUNCTION, BY_OUTPUT = range(9)
"""Columns of `Plan.layers`: the widths; the outputs with padding; where the units begin in the
vectors of z, a and δ; where the weights begin in the packed vector, the length of a row, where
the biases begin; the activation; whether a row of weights is an output's, else an input's."""

Z, A, SLOPE, DELTA, Y, SCRATCH, BOUND = range(7)
"""Rows of the units: z, a = φ(z), φ'(z) and δ of all layers side by side; the outputs; room for
one row of weights; a bound of |a| of the inputs and of each layer."""

THETA = 0
"""The only row of the weights."""

FIRST, SECOND = range(2)
"""Rows of the state, which the optimiser carries: velocity or mean, mean square."""

OPTION_1, OPTION_2, OPTION_3, LOSS_OPTION, STEPS, DECAYS = range(6)
"""Numbers that the rules need: the optimiser's options, how many steps it has taken, and so on.
From `DECAYS` on stand the penalties' rates, those of weights and of biases layer by layer."""

LOSS, HAS_SOFTMAX, UPDATE, PENALTY = range(4)
"""Codes of the rules: the loss, whether a softmax makes the outputs, the optimiser's rule, the
penalties."""

NO_PENALTY, L2_ALONE, WITH_L1 = range(3)
"""Codes of all penalties together."""


class Plan(NamedTuple):
    """The dense layers of a network.

    Attributes:
        layers: a row each, with the columns above, (layers, 9).
        options: of the activations, (layers, 2).
        units: the length of the vectors of z, a and δ.
        parameters: the length of the packed vector.
        softmax: whether a softmax stands behind them.
    """

    layers: Array
    options: Array
    units: int
    parameters: int
    softmax: bool


def dense_layers(network: Network) -> list[Dense]:
    """The layers that have parameters."""
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def make_plan(network: Network, by_output: Sequence[bool], *, fill: bool) -> Plan:
    """The tables of a network that `support` finds no fallback reason for.

    Args:
        network: whose layers they are.
        by_output: for each dense layer, whether a row of weights is an output's, else an input's.
        fill: pad every row of weights and of units to whole lines of the cache.
    """
    rows, units, parameters = [], 0, 0
    for layer, turned in zip(dense_layers(network), by_output, strict=True):
        width = filled(layer.size, network.dtype) if fill else layer.size
        depth = filled(layer.inputs, network.dtype) if fill else layer.inputs
        count, stride = (layer.size, depth) if turned else (layer.inputs, width)
        biases = parameters + count * stride
        code = next(c for kind, c in ACTIVATIONS.items() if type(layer.activation) is kind)
        rows += [
            (layer.inputs, layer.size, width, units, parameters, stride, biases, code, turned)
        ]
        units += width
        parameters = biases + width
    return Plan(
        np.array(rows, np.uintp),
        np.array([_options(layer) for layer in dense_layers(network)], network.dtype),
        units,
        parameters,
        isinstance(network.layers[-1], Softmax),
    )


def filled(width: int, dtype: np.dtype[Any]) -> int:
    """The width of a row that fills whole lines of the processor's cache, 64 bytes each.

    Example:
        >>> filled(50, np.dtype("float64")), filled(50, np.dtype("float32"))
        (56, 64)
    """
    lane = 64 // dtype.itemsize
    return -(-width // lane) * lane


def _options(layer: Dense) -> tuple[float, float]:
    match layer.activation:
        case phi.LeakyReLU(slope=slope):
            return slope, 1.0
        case phi.ELU(alpha=alpha):
            return alpha, 1.0
        case phi.SELU():
            return phi._SELU_ALPHA, phi._SELU_SCALE
    return 0.0, 1.0


def loss_option(loss: Loss) -> float:
    """The option of the loss that has one, else 0."""
    return loss.delta if isinstance(loss, losses.Huber) else 0.0


def rates_of_layers(network: Network, optimizer: Optimizer) -> list[tuple[float, ...]] | None:
    """The learning rates of weights and biases of every dense layer, before any schedule.

    Returns:
        Pairs, the second 0 where there are no biases; None where a rate changes within an array.
    """
    pairs = []
    for layer in dense_layers(network):
        segments = network.parameters.layout.of_layer(layer.name)
        rates = [_rate_of(segment, optimizer.rates) for segment in segments]
        rates += [] if layer.bias else [0.0]
        pairs.append(tuple(rate for rate in rates if rate is not None))
    return pairs if all(len(pair) == 2 for pair in pairs) else None


def decays_of_layers(network: Network) -> list[float]:
    """The rates of the penalties, as the rules have them from `DECAYS` on; 0 for none."""
    found = []
    for layer in dense_layers(network):
        for name in ("W", "b"):
            there = name in layer.shapes()
            rates = network.penalty_rates(f"{layer.name}.{name}") if there else {}
            found += [rates.get(kind, 0.0) for kind in PENALTIES]
    return found


def penalty_code(decays: Sequence[float]) -> int:
    """Whether there is a penalty, and whether L1 is among them, from `decays_of_layers`."""
    if any(decays[L1 :: len(PENALTIES)]):
        return WITH_L1
    return L2_ALONE if any(decays) else NO_PENALTY


def _rate_of(segment: Segment, rates: Rates) -> float | None:
    for part, rate in rates:
        if part.start <= segment.start and segment.stop <= part.stop:
            return rate
    return None


# θ as the loops want it: rows that fill whole lines of the cache, turned where that is faster.

LINE = 64


def aligned(shape: tuple[int, int], dtype: np.dtype[Any]) -> Array:
    """Zeros that begin at a line of the cache."""
    spare = np.zeros(prod(shape) + LINE // dtype.itemsize, dtype)
    start = -spare.ctypes.data % LINE // dtype.itemsize
    return spare[start : start + prod(shape)].reshape(shape)


class Packing:
    """Copies vectors laid out as θ into packed ones, and back.

    Args:
        network: whose layout it is.
        plan: of that network.
    """

    def __init__(self, network: Network, plan: Plan) -> None:
        self._network = network
        self._plan = plan

    @property
    def is_identity(self) -> bool:
        """Whether packed vectors are laid out as θ is."""
        places = np.arange(self._network.parameters.layout.size)
        packed = np.full(self._plan.parameters, -1)
        self.pack(places, packed)
        return np.array_equal(packed, places)

    def pack(self, vector: Array, packed: Array) -> None:
        """Copy a vector laid out as θ into a packed one, whose padding stays as it is: 0."""
        for own, other in self.pairs(vector, packed):
            np.copyto(other, own)

    def unpack(self, packed: Array, vector: Array) -> None:
        """Copy a packed vector into one laid out as θ."""
        for own, other in self.pairs(vector, packed):
            np.copyto(own, other)

    def pairs(self, vector: Array, packed: Array) -> Iterator[tuple[Array, Array]]:
        """Views of the same numbers in both, of one shape."""
        layout = self._network.parameters.layout
        for k, layer in enumerate(dense_layers(self._network)):
            columns = self._plan.layers[k].astype(int)
            views = layout.views(vector, layer.name)
            rows = packed[columns[WEIGHTS] : columns[BIASES]].reshape(-1, columns[STRIDE])
            own = views["W"].T if columns[BY_OUTPUT] else views["W"]
            yield own, rows[:, : own.shape[1]]
            if layer.bias:  # else their place stays 0, and at a rate of 0
                biases = packed[columns[BIASES] :]
                yield views["b"], biases[: columns[OUTPUTS]]

"""Which networks compiled code cannot train, and why; this file does not import Numba."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.core.arrays import Array
from chainrule.nn.layer_types import Dense, Dropout, Layer, Softmax
from chainrule.nn.layers.base import Activated
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.tables import (
    ACTIVATIONS,
    KINDS,
    LOSSES,
    RULES,
    rates_of_layers,
    weight_decays,
    weighted_layers,
)
from chainrule.training.optimizers import Optimizer

CLIPPING = "clipping of the gradient's norm is not compiled"


def reason_against(network: Network, optimizer: Optimizer) -> str | None:
    """Why compiled code cannot train a network; None where it can.

    Args:
        network: with its layers and loss.
        optimizer: bound to it.
    """
    return next(_reasons(network, optimizer), None)


def _reasons(network: Network, optimizer: Optimizer) -> Iterator[str]:
    if network.explicit_jacobians:
        yield "explicit Jacobians are multiplied by the layers themselves"
    if not network.graph.is_chain:
        yield "layers that branch are not compiled"
    yield from filter(None, map(_reason_of_layer, network.layers))
    yield from _reasons_of_places(network)
    if type(network.loss_function) not in LOSSES:
        yield f"the loss {network.loss_function} is not compiled"
    if type(optimizer) not in RULES:
        yield f"the optimiser {type(optimizer).__name__} is not compiled"
    if rates_of_layers(network, optimizer) is None:
        yield "a learning rate changes within the weights or biases of a layer"
    if weight_decays(network, optimizer) is None:
        yield "the decay of the weights differs between layers"


def _reason_of_layer(layer: Layer) -> str | None:
    if layer.reads_sequences:
        return f"the layer {layer.name} takes sequences, which are not compiled"
    # Exact types are compared: a derived class may compute something else.
    if type(layer) in (Softmax, Dropout):
        return None
    if not (type(layer) in KINDS and isinstance(layer, Activated)):
        return f"the layer {layer.name}, of type {layer.type}, is not compiled"
    if type(layer.activation) not in ACTIVATIONS:
        return f"the activation {type(layer.activation).__name__} of {layer.name} is not compiled"
    return None


def _reasons_of_places(network: Network) -> Iterator[str]:
    """Dropout and layers that normalise are compiled behind layers whose outputs they change."""
    first = network.layers[0]
    if type(first) in KINDS and type(first) is not Dense:
        yield f"a layer that normalises is compiled behind a dense layer, {first.name} is not"
    layers = network.layers
    for k, layer in enumerate(layers):
        if type(layer) is not Dropout:
            continue
        around = layers[k - 1 : k] + layers[k + 1 : k + 2]
        if [type(one) in KINDS for one in around] != [True, True]:
            yield f"dropout is compiled between two dense layers, {layer.name} is not"


def reason_against_cases(network: Network, x: Array, t: Array) -> str | None:
    """Why compiled code, which checks no index, cannot train on these cases; None where it can.

    Args:
        network: the network to train.
        x: inputs, (cases, input), which may be complex.
        t: targets, class numbers or rows.
    """
    if x.dtype != network.dtype or x.shape[1:] != (network.input,) or not x.flags.c_contiguous:
        return f"inputs of type {x.dtype} and shape {x.shape} are not as the network prepares them"
    if len(x) != len(t):
        return f"{len(x)} cases have {len(t)} targets"
    if t.ndim == 1 and not (t.dtype.kind in "iu" and _are_classes(t, network.outputs)):
        return "the class numbers are not as the network prepares them"
    if t.ndim > 1 and t.shape[1:] != (network.outputs,):
        return "the rows of targets are not as the network prepares them"
    return None


def _are_classes(t: Array, classes: int) -> bool:
    return bool(t.min(initial=0) >= 0 and t.max(initial=0) < classes)


# The engine that ``auto`` stands for, chosen by the sizes in the configuration alone.
#
# Compiled code has to be loaded in every process, and compiled when it is used for the first time
# on a machine. Measured on two cores of a Xeon, in milliseconds, importing Numba included:
#
# ======================================================  ==========
# load the common program (plain descent, cross-entropy)         450
# compile it, once                                             3 500
# compile the one for every rule, once                         7 000
# compile the one for networks of few units, once              8 500
# ======================================================  ==========
#
# A step of the numpy engine takes about 30 µs, plus 12 µs per dense layer, 3 ns per unit and case,
# and the time of the products. Compiled code takes a fiftieth of that for single cases and half of
# it for small minibatches. If the numpy engine would take 1.5 seconds or more, compiled code from
# the cache is faster, loading included; compiling pays off within the first few runs.

STEP, STEP_OF_LAYER, STEP_OF_UNIT, STEP_OF_PRODUCT = 30e-6, 12e-6, 3e-9, 1 / 10e9
"""Seconds that a step of the numpy engine takes: per step, per layer, per unit and case, and per
multiplication; a step has three multiplications per weight and case. A small minibatch spends most
of its time on reading and writing the weights, and counts as `LEAST_CASES` cases."""

LEAST_CASES = 10

WORTH_LOADING = 1.5
"""Compiled code is loaded if the numpy engine would take at least this many seconds."""


def engine_for(
    network: Network, optimizer: Optimizer, *, cases: int, batch_size: int, epochs: int
) -> str:
    """The name of the engine whose training takes less time, loading included.

    It depends on the sizes and on nothing else, so that the same file gives the same bits.

    Args:
        network: the network to train.
        optimizer: bound to it.
        cases: the number of cases in the training set.
        batch_size: cases per minibatch.
        epochs: the number of epochs.

    Example:
        >>> from chainrule.nn import Dense
        >>> from chainrule.training.optimizers import SGD
        >>> network, sgd = Network([Dense(2)], input=3), SGD()
        >>> sgd.bind(network.theta, network.gradients.vector, [(slice(0, 8), 0.1)])
        >>> [engine_for(network, sgd, cases=100, batch_size=1, epochs=e) for e in (10, 1000)]
        ['numpy', 'compiled']
    """
    if reason_against(network, optimizer) is not None:
        return "numpy"
    steps = -(-cases // batch_size) * epochs
    seconds = steps * _seconds_of_step(network, min(batch_size, cases))
    return "compiled" if seconds >= WORTH_LOADING else "numpy"


def _seconds_of_step(network: Network, cases: int) -> float:
    """An estimate of the seconds that the numpy engine takes for a minibatch."""
    sizes = [layer.size for layer in weighted_layers(network)]
    products = 3 * len(network.theta) * max(cases, LEAST_CASES)
    return (
        STEP
        + STEP_OF_LAYER * len(sizes)
        + STEP_OF_UNIT * sum(sizes) * cases
        + STEP_OF_PRODUCT * products
    )

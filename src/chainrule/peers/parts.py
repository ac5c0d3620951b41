"""What a network to be trained elsewhere is made of, and what of it a library does not know."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from chainrule.core.errors import ConfigError
from chainrule.core.registry import name_in
from chainrule.nn.activations import Activation
from chainrule.nn.building import activation_name
from chainrule.nn.layer_types import Dense, Softmax
from chainrule.nn.losses import LOSSES, Loss
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.training import optimizers
from chainrule.training.optimizers import Optimizer


def unknown_part(
    network: Network,
    optimizer: Optimizer,
    *,
    activations: Collection[type[Activation]],
    losses: Collection[type[Loss]],
    rules: Collection[type[Optimizer]],
) -> str | None:
    """The first part of a training that is of none of the classes that a library knows.

    Args:
        network: its layers and its loss.
        optimizer: bound to it.
        activations: the classes that are known; of a class derived from one nothing is known.
        losses: likewise.
        rules: the optimisers, likewise.

    Returns:
        A sentence; None where all is known.
    """
    return next(_unknown(network, optimizer, activations, losses, rules), None)


def _unknown(
    network: Network,
    optimizer: Optimizer,
    activations: Collection[type[Activation]],
    losses: Collection[type[Loss]],
    rules: Collection[type[Optimizer]],
) -> Iterator[str]:
    if not network.graph.is_chain:
        yield "it has no layers that branch"
    if len(network.input_shape) == 2:
        yield "it has no networks of sequences"
    for layer in network.layers:
        if type(layer) not in (Dense, Softmax):
            yield f"it has no layer {type(layer).__name__}"
        elif isinstance(layer, Dense) and type(layer.activation) not in activations:
            yield f"it has no activation {activation_name(layer)}"
    if type(network.loss_function) not in losses:
        yield f"it has no loss {name_in(LOSSES, network.loss_function)}"
    if type(optimizer) not in rules:
        yield f"it has no optimizer {name_in(optimizers.OPTIMIZERS, optimizer)}"
    for segment in network.parameters.layout:
        if _part_of(segment, optimizer) is None:
            yield f"it takes one learning rate for each array; {segment.full_name} has several"


def dense_layers(network: Network) -> list[Dense]:
    """The layers that have weights, from the input to the output."""
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def rate_of(segment: Segment, optimizer: Optimizer) -> float:
    """The learning rate of an array, before a schedule's factor.

    Raises:
        ConfigError: it has several.
    """
    rate = _part_of(segment, optimizer)
    if rate is None:
        raise ConfigError(f"{segment.full_name} has several learning rates")
    return rate


def _part_of(segment: Segment, optimizer: Optimizer) -> float | None:
    return next(
        (
            rate
            for part, rate in optimizer.rates
            if part.start <= segment.start and segment.stop <= part.stop
        ),
        None,
    )

"""What compiled code cannot train, and why; no Numba is needed to say so."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.core.arrays import Array
from chainrule.nn.layer_types import Dense, Layer, Softmax
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.plan import ACTIVATIONS, LOSSES, RULES, rates_of_layers
from chainrule.training.optimizers import Optimizer

CLIPPING = "clipping of the gradient's norm is not compiled"


def obstacle_of_network(network: Network, optimizer: Optimizer, batch_size: int) -> str | None:
    """Why compiled code cannot train a network; None where it can.

    Args:
        network: with its layers and loss.
        optimizer: bound to it.
        batch_size: cases a minibatch.
    """
    return next(_obstacles(network, optimizer, batch_size), None)


def _obstacles(network: Network, optimizer: Optimizer, batch_size: int) -> Iterator[str]:
    if network.explicit_jacobians:
        yield "explicit Jacobians are multiplied by the layers themselves"
    if not network.wiring.is_chain:
        yield "layers that branch are not compiled"
    yield from filter(None, map(_obstacle_of_layer, network.layers))
    if type(network.loss_function) not in LOSSES:
        yield f"the loss {network.loss_function} is not compiled"
    if type(optimizer) not in RULES:
        yield f"the optimiser {type(optimizer).__name__} is not compiled"
    if rates_of_layers(network, optimizer) is None:
        yield "a learning rate changes within the weights or biases of a layer"


def _obstacle_of_layer(layer: Layer) -> str | None:
    if len(layer.input_shape) == 2:
        return f"the layer {layer.name} takes sequences, which are not compiled"
    if type(layer) is Softmax:
        return None
    if type(layer) is not Dense:
        return f"the layer {layer.name}, a {type(layer).__name__}, is not compiled"
    if type(layer.activation) not in ACTIVATIONS:
        return f"the activation {type(layer.activation).__name__} of {layer.name} is not compiled"
    return None


def obstacle_of_cases(network: Network, x: Array, t: Array) -> str | None:
    """Why compiled code cannot train on cases: it trusts them, so they are looked at first.

    Args:
        network: to be trained.
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

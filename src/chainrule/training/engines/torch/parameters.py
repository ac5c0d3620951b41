"""Copies of parameters between a network and a PyTorch module of the same layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from chainrule.core.arrays import Array
from chainrule.core.errors import Problem, ShapeError, shown
from chainrule.nn.layer_types import Layer
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.training.engines.torch.modules import is_transposed, tensor_view
from chainrule.training.engines.torch.own_modules import torch_name

_FIXED = ("start", "start_cell", "num_batches_tracked")
"""What a ``state_dict`` may hold that has no place in θ: a start state that is not learnt, and a
counter of batch normalisation."""


class _Pair(NamedTuple):
    """A parameter in a network and in a module; None on the side that does not have it.

    Attributes:
        layer: the name of our layer.
        part: the name of the module's part for messages.
        kind: the parameter's name in PyTorch.
        segment: its place in θ.
        tensor: the module's parameter.
    """

    layer: str
    part: str
    kind: str
    segment: Segment | None
    tensor: Tensor | None


def from_torch(module: nn.Module | Mapping[str, Any], network: Network) -> None:
    """Copy a module's parameters, or those of a ``state_dict``, into a network.

    The module's layers that have parameters, such as ``Linear`` and ``Conv2d``, must match those
    of the network in order; activations are not compared. The running statistics of batch
    normalisation are copied too. A module's layer without a bias gives biases of 0, and biases
    that are all 0 fit a layer that has none. An ``RNN``, ``LSTM`` or ``GRU`` of several layers
    fits as many of ours; the two biases of each are added. If anything does not fit, nothing is
    copied.

    Args:
        module: a module on any device, of any floating-point type; or its ``state_dict``, a
            mapping from names such as ``0.weight`` to tensors.
        network: the network whose θ is changed.

    Raises:
        ShapeError: shapes differ, there are more or fewer layers, or a layer has no place for
            biases; all reasons are given.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(2, "relu"), Dense(1)], input=3, loss="mse")
        >>> module = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
        >>> from_torch(module, network)
        >>> bool(np.allclose(network.layers[0].W, module[0].weight.detach().T))
        True
        >>> from_torch(module.state_dict(), network)
    """
    pairs = _pairs([one for part in _parts(module) for one in _recurrent_layers(part)], network)
    _refuse(
        f"{pair.layer} has no biases, found some in {pair.part}"
        for pair in pairs
        if pair.segment is None and pair.tensor is not None and _as_array(pair.tensor).any()
    )
    for pair in pairs:
        if pair.segment is not None:
            values = 0.0 if pair.tensor is None else _as_array(pair.tensor)
            tensor_view(network.theta, pair.segment).numpy()[...] = values


def copy_to_torch(network: Network, module: nn.Module) -> None:
    """Copy a network's parameters into a module; the reverse of `from_torch`.

    Args:
        network: the network, which is not changed.
        module: its parameters are changed in place, so that an optimiser still has them.

    Raises:
        ShapeError: as `from_torch`; also where a module has no bias for biases that are not 0.
    """
    pairs = _pairs(_parts(module), network)
    _refuse(
        f"{pair.layer} has biases, found none in {pair.part}"
        for pair in pairs
        if pair.tensor is None and pair.segment is not None
        if network.theta[pair.segment.slice].any()
    )
    with torch.no_grad():
        for pair in pairs:
            if pair.tensor is not None and pair.segment is not None:
                pair.tensor.copy_(tensor_view(network.theta, pair.segment))
            elif pair.tensor is not None:
                pair.tensor.zero_()


def _as_array(tensor: Tensor) -> Array:
    return np.asarray(tensor.detach().to("cpu", torch.float64).numpy())


def _refuse(reasons: Iterator[str]) -> None:
    problems = [Problem(reason) for reason in reasons]
    if problems:
        raise ShapeError(problems)


class _Part(NamedTuple):
    """A module's layer that has parameters.

    Attributes:
        name: for messages.
        about: its sizes, for messages.
        parameters: by their names in it; running statistics are among them.
        epsilon: what a module that normalises adds to a variance; None where it is not known.
    """

    name: str
    about: str
    parameters: dict[str, Tensor]
    epsilon: float | None = None


def _parts(module: nn.Module | Mapping[str, Any]) -> list[_Part]:
    """The layers with parameters of a module, or of a ``state_dict``, in order."""
    if isinstance(module, nn.Module):
        return [
            _Part(
                f"{type(part).__name__} {name!r}" if name else f"the {type(part).__name__}",
                part.extra_repr(),
                {**dict(part.named_parameters(recurse=False)), **_running(part)},
                getattr(part, "eps", None),
            )
            for name, part in module.named_modules()
            if [*part.parameters(recurse=False)]
        ]
    if not isinstance(module, Mapping):
        raise ShapeError(
            f"parameters are those of a module or a state_dict, found {shown(module)}"
        )
    found: dict[str, dict[str, Tensor]] = {}
    for key, tensor in module.items():
        if not isinstance(tensor, Tensor):
            raise ShapeError(f"{key} of a state_dict is a tensor, found {shown(tensor)}")
        layer, _, name = str(key).rpartition(".")
        found.setdefault(layer, {})[name] = tensor
    return [
        _Part(
            f"the layer {layer!r}" if layer else "the layer",
            ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in parameters.items()),
            parameters,
        )
        for layer, parameters in found.items()
    ]


def _recurrent_layers(part: _Part) -> list[_Part]:
    """The layers of PyTorch's own ``RNN``, ``LSTM`` or ``GRU`` in one direction; else the part."""
    names = part.parameters.keys()
    layers = range(sum(name.startswith("weight_ih_l") for name in names))
    weights = {f"weight_{side}_l{k}" for side in ("ih", "hh") for k in layers}
    biases = {name.replace("weight", "bias") for name in weights}
    if not layers or names not in (weights, weights | biases):
        return [part]
    return [part._replace(parameters=_as_ours(part.parameters, k)) for k in layers]


def _as_ours(given: Mapping[str, Tensor], k: int) -> dict[str, Tensor]:
    """The parameters of the k-th layer of an ``RNN``, ``LSTM`` or ``GRU`` by our modules' names.

    Of the two biases only the sum has an effect, except in the candidate of a GRU.
    """
    U = given[f"weight_hh_l{k}"]
    found = {"weight": given[f"weight_ih_l{k}"], "recurrent_weight": U}
    if f"bias_ih_l{k}" not in given:
        return found
    beside_x, beside_h = (given[f"bias_{side}_l{k}"].detach().double() for side in ("ih", "hh"))
    size = U.shape[1]
    if len(U) == 3 * size:
        found[torch_name("b_hn")] = beside_h[2 * size :]
        beside_h = torch.cat([beside_h[: 2 * size], torch.zeros_like(beside_h[2 * size :])])
    return {**found, "bias": beside_x + beside_h}


def _pairs(parts: list[_Part], network: Network) -> list[_Pair]:
    """The parameters of a module's layers and a network's, layer by layer in order.

    Raises:
        ShapeError: they do not match; all reasons are given.
    """
    layers = [layer for layer in network.layers if layer.shapes()]
    if len(layers) != len(parts):
        expected = ", ".join(map(repr, layers))
        found = ", ".join(f"{part.name}: {part.about}" for part in parts) or "none"
        raise ShapeError(
            f"the network has {len(layers)} layers with parameters ({expected}), "
            f"found {len(parts)} in the module ({found})"
        )
    pairs = []
    for layer, (name, _, theirs, epsilon) in zip(layers, parts, strict=True):
        layout = network.parameters.layout
        own = {torch_name(s.name): s for s in layout if s.layer == layer.name}
        _refuse(_other_epsilon(layer, name, epsilon))
        kinds = [k for k in {**own, **theirs} if k in own or k not in _FIXED]
        pairs += [_Pair(layer.name, name, k, own.get(k), theirs.get(k)) for k in kinds]
    _refuse(reason for pair in pairs for reason in _problems_of(pair))
    return pairs


def _running(part: nn.Module) -> dict[str, Tensor]:
    """The running statistics of a module that has any."""
    buffers = part.named_buffers(recurse=False)
    return {name: tensor for name, tensor in buffers if name.startswith("running_")}


def _other_epsilon(layer: Layer, name: str, theirs: float | None) -> Iterator[str]:
    """Why a module that normalises computes something else with the same parameters."""
    ours = getattr(layer, "epsilon", None)
    if ours is not None and theirs is not None and ours != theirs:
        yield f"{layer.name} has the epsilon {ours:g}, found {theirs:g} in {name}"


def _problems_of(pair: _Pair) -> Iterator[str]:
    """Why a module's parameter does not match ours; a missing bias is no problem, it may be 0."""
    layer, part, kind, segment, tensor = pair
    if segment is None or tensor is None:
        if kind not in ("bias", torch_name("b_hn")):
            takes, found = ("no", "one") if segment is None else ("a", "none")
            yield f"{layer} takes {takes} {kind}, found {found} in {part}"
        return
    shape = segment.shape[::-1] if is_transposed(segment) else segment.shape
    if isinstance(tensor, UninitializedParameter) or tensor.is_meta:
        yield f"{layer} takes a {kind} of shape {shape}; that of {part} holds no numbers"
    elif tuple(tensor.shape) != shape or not tensor.is_floating_point():
        found = f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"
        yield f"{layer} takes a {kind} (outputs first) of shape {shape}, found {found} in {part}"

"""Copies of parameters between a network and any PyTorch module of ``Linear`` layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from chainrule.core.arrays import Array
from chainrule.core.errors import Problem, ShapeError
from chainrule.nn.layer_types import Dense
from chainrule.nn.network import Network


def from_torch(module: nn.Module, network: Network) -> None:
    """Copy a module's parameters into a network.

    The module's ``Linear`` layers, in their order, are the network's dense layers; activations
    are not compared. A ``Linear`` without a bias has biases of 0, and biases that are all 0 fit a
    layer that has none. Nothing is copied unless all of it fits.

    Args:
        module: on any device, of any floating-point type.
        network: its θ is changed.

    Raises:
        ShapeError: a layer has another shape, there are more or fewer of them, a layer has no
            place for biases, or the module has parameters outside ``Linear`` layers; all
            reasons at once.

    Example:
        >>> network = Network([Dense(2, "relu"), Dense(1)], input=3, loss="mse")
        >>> made_elsewhere = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
        >>> from_torch(made_elsewhere, network)
        >>> bool(np.allclose(network.layers[0].W, made_elsewhere[0].weight.detach().T))
        True
    """
    pairs = _matched(module, network)
    without = [
        Problem(f"{layer.name} has no biases, found some in {name}")
        for (layer, linear), (name, _) in zip(pairs, _linears(module), strict=True)
        if not layer.bias and (bias := _bias(linear)) is not None and _as_array(bias).any()
    ]
    if without:
        raise ShapeError(without)
    for layer, linear in pairs:
        layer.W = _as_array(linear.weight).T
        bias = _bias(linear)
        if layer.bias:
            layer.b = 0.0 if bias is None else _as_array(bias)


def copy_to_torch(network: Network, module: nn.Module) -> None:
    """Copy a network's parameters into a module made elsewhere, as `from_torch` the other way.

    Args:
        network: stays as it is.
        module: its parameters are changed in place, so that an optimiser keeps its hold on
            them.

    Raises:
        ShapeError: as `from_torch`; also where a ``Linear`` has no bias for biases not all 0.
    """
    pairs = _matched(module, network)
    without = [
        Problem(f"{layer.name} has biases, found none in {name}")
        for (layer, linear), (name, _) in zip(pairs, _linears(module), strict=True)
        if _bias(linear) is None and layer.bias and layer.b.any()
    ]
    if without:
        raise ShapeError(without)
    with torch.no_grad():
        for layer, linear in pairs:
            linear.weight.copy_(torch.from_numpy(layer.W.T.copy()))
            bias = _bias(linear)
            if bias is not None:
                b = layer.b.copy() if layer.bias else np.zeros(layer.size)
                bias.copy_(torch.from_numpy(b))


def _bias(linear: nn.Linear) -> Tensor | None:
    """Its biases; PyTorch's types do not say that there may be none."""
    return linear.bias


def _as_array(tensor: Tensor) -> Array:
    return np.asarray(tensor.detach().to("cpu", torch.float64).numpy())


def _dense_layers(network: Network) -> list[Dense]:
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def _linears(module: nn.Module) -> list[tuple[str, nn.Linear]]:
    """A module's ``Linear`` layers in order, with the words that name them in a message."""
    return [
        (f"Linear {name!r}" if name else "the Linear", found)
        for name, found in module.named_modules()
        if isinstance(found, nn.Linear)
    ]


def _matched(module: nn.Module, network: Network) -> list[tuple[Dense, nn.Linear]]:
    """Dense layers and ``Linear`` layers by order.

    Raises:
        ShapeError: they do not fit; all reasons at once.
    """
    dense, linears = _dense_layers(network), _linears(module)
    problems = [*_other_parameters(module, linears)]
    if len(dense) == len(linears):
        pairs = zip(dense, linears, strict=True)
        problems += [p for layer, (name, linear) in pairs for p in _misfits(layer, name, linear)]
    else:
        expected = ", ".join(f"{layer.name} {layer.inputs} → {layer.size}" for layer in dense)
        found = ", ".join(f"{name} {m.in_features} → {m.out_features}" for name, m in linears)
        problems.append(
            f"the network has {len(dense)} dense layers ({expected}), "
            f"found {len(linears)} Linear layers ({found or 'none'})"
        )
    if problems:
        raise ShapeError([Problem(problem) for problem in problems])
    return [(layer, linear) for layer, (_, linear) in zip(dense, linears, strict=True)]


def _misfits(layer: Dense, name: str, linear: nn.Linear) -> Iterator[str]:
    """What keeps a ``Linear`` from being a dense layer."""
    expected = {"weight": (layer.size, layer.inputs), "bias": (layer.size,)}
    for kind, shape in expected.items():
        tensor = getattr(linear, kind)
        if tensor is None:
            continue
        if isinstance(tensor, UninitializedParameter) or tensor.is_meta:
            yield f"{layer.name} takes a {kind} of shape {shape}; that of {name} holds no numbers"
        elif tuple(tensor.shape) != shape or not tensor.is_floating_point():
            found = f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"
            yield (
                f"{layer.name} takes a {kind} (outputs first) of shape {shape}, "
                f"found {found} in {name}"
            )


def _other_parameters(module: nn.Module, linears: list[tuple[str, nn.Linear]]) -> Iterator[str]:
    """Parameters that no dense layer has a place for, such as those of a normalisation."""
    known = {id(p) for _, linear in linears for p in linear.parameters()}
    for name, parameter in module.named_parameters():
        if id(parameter) not in known:
            yield f"expected parameters of Linear layers alone, found {name}"

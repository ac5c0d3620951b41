"""A network as PyTorch modules, and parameters both ways.

`to_torch` builds the same network out of `torch.nn.Linear` and PyTorch's own activations, so
that it can be trained, exported or compared there; `from_torch` and `copy_to_torch` copy
parameters between a network and any module whose parameters are those of ``Linear`` layers,
made here or elsewhere. A weight W of shape (inputs, size) is the transpose of PyTorch's.

Only what needs PyTorch imports this module; ``pip install 'chainrule[torch]'``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, MissingExtraError, Problem, ShapeError
from chainrule.nn import activations
from chainrule.nn.activations import Activation
from chainrule.nn.building import activation_name
from chainrule.nn.layer_types import Dense, Layer, Softmax
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment

try:
    import torch
    from torch import Tensor, nn
    from torch.nn.parameter import UninitializedParameter
except ModuleNotFoundError:
    raise MissingExtraError(
        "a network as PyTorch modules needs the package torch, which is not installed; "
        "install it with: pip install 'chainrule[torch]'"
    ) from None

SOFTPLUS_THRESHOLD = 40.0
"""From here on ln(1 + eᶻ) is z in float64. PyTorch's own 20 would lose digits after the 10th."""

ACTIVATION_MODULES: Mapping[type[Activation], Callable[[Any], nn.Module]] = {
    activations.Linear: lambda phi: nn.Identity(),
    activations.Sigmoid: lambda phi: nn.Sigmoid(),
    activations.Tanh: lambda phi: nn.Tanh(),
    activations.ReLU: lambda phi: nn.ReLU(),
    activations.LeakyReLU: lambda phi: nn.LeakyReLU(phi.slope),
    activations.ELU: lambda phi: nn.ELU(phi.alpha),
    activations.SELU: lambda phi: nn.SELU(),
    activations.GELU: lambda phi: nn.GELU(),
    activations.SiLU: lambda phi: nn.SiLU(),
    activations.Mish: lambda phi: nn.Mish(),
    activations.Softplus: lambda phi: nn.Softplus(threshold=SOFTPLUS_THRESHOLD),
    activations.Softsign: lambda phi: nn.Softsign(),
}
"""PyTorch's module for each activation of the table."""


def to_torch(network: Network, *, logits: bool = False, share: bool = False) -> nn.Sequential:
    """The same network built from PyTorch modules; the loss is kept apart.

    PyTorch's global random state is neither read nor changed.

    Args:
        network: of dense layers and, at the end, perhaps softmax.
        logits: leave out the function that the loss is computed together with (softmax of
            cross-entropy, sigmoid of binary cross-entropy), as `torch.nn.CrossEntropyLoss`
            and `torch.nn.BCEWithLogitsLoss` expect it.
        share: the modules' parameters are θ itself and not a copy of it: an optimiser of
            PyTorch then trains ``network``.

    Returns:
        A sequence of ``Linear`` layers and activations, of the network's floating-point type.

    Raises:
        ConfigError: a layer or activation that is not of the tables; all of them at once.

    Example:
        >>> from chainrule.nn import Dense, Softmax
        >>> network = Network([Dense(3, "tanh"), Dense(2), Softmax()], input=4)
        >>> [type(module).__name__ for module in to_torch(network)]
        ['Linear', 'Tanh', 'Linear', 'Softmax']
        >>> tuple(to_torch(network, logits=True)[-1].weight.shape)
        (2, 3)
    """
    _require_known(network)
    modules = [module for layer in network.layers for module in _modules_of(layer)]
    if logits and network.from_logits is not None:
        modules.pop()
    linears = [module for module in modules if isinstance(module, nn.Linear)]
    for layer, linear in zip(_dense_layers(network), linears, strict=True):
        _take_over(linear, layer, share=share)
    return nn.Sequential(*modules)


def _require_known(network: Network) -> None:
    """Every layer is of the very classes that are known here, not of one derived from them."""
    problems = [] if network.graph.is_chain else ["the network's layers branch"]
    for layer in network.layers:
        if len(layer.input_shape) == 2:
            problems.append(f"{layer.name} works at each step of a sequence")
        elif type(layer) not in (Dense, Softmax):
            problems.append(f"{layer.name} is a layer of class {type(layer).__name__}")
        elif isinstance(layer, Dense) and type(layer.activation) not in ACTIVATION_MODULES:
            problems.append(f"{layer.name} has the activation {activation_name(layer)}")
    if problems:
        rest = "which has no counterpart in PyTorch here; the numpy engine runs it"
        raise ConfigError([Problem(f"{problem}, {rest}") for problem in problems])


def _modules_of(layer: Layer) -> Iterator[nn.Module]:
    """A layer as modules; the parameters hold nothing yet, and no random number is drawn."""
    if isinstance(layer, Dense):
        yield nn.Linear(layer.inputs, layer.size, bias=layer.bias, device="meta")
        if type(layer.activation) is not activations.Linear:
            yield ACTIVATION_MODULES[type(layer.activation)](layer.activation)  # type: ignore[index]
    else:
        yield nn.Softmax(dim=1)


def _take_over(linear: nn.Linear, layer: Dense, *, share: bool) -> None:
    """Give a ``Linear`` the parameters of a dense layer."""
    W = torch.from_numpy(layer.W).t()
    linear.weight = nn.Parameter(W if share else W.clone(memory_format=torch.contiguous_format))
    if layer.bias:
        b = torch.from_numpy(layer.b)
        linear.bias = nn.Parameter(b if share else b.clone())


def tensor_view(vector: Array, segment: Segment) -> Tensor:
    """One parameter's part of a vector over θ's layout, in the shape PyTorch has it.

    Args:
        vector: θ, its gradient, or a vector of an optimiser's state.
        segment: of the layout.

    Returns:
        A tensor on the vector's own memory: (size, inputs) for W, (size,) for b.
    """
    return torch.from_numpy(vector[segment.slice].reshape(segment.shape)).t()


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

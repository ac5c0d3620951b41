"""A network as PyTorch modules; the table `LAYERS` has the counterpart of each layer.

`to_torch` builds the same network out of PyTorch's own layers and activations, so that it can be
trained, exported or compared there; the engine and the check of gradients use the same modules
with functions in other forms (see `Forms`). Between modules a case has its own shape,
(channels, height, width) or (steps, features), as PyTorch has it; the network takes and gives
rows, as ours does. A matrix W of shape (inputs, size) is the transpose of PyTorch's.

Only what needs PyTorch imports this module; ``pip install 'chainrule[torch]'``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem
from chainrule.nn.activations import Linear
from chainrule.nn.graph import INPUT
from chainrule.nn.layer_types import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LocallyConnected2D,
    MaxPool2D,
    Recurrent,
    Softmax,
)
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.training.engines.other_libraries import Library, recurrence
from chainrule.training.engines.torch.functions import (
    ACTIVATIONS,
    LOSSES,
    PENALTIES,
    SOFTMAX,
)

Parts = Iterator[tuple[str, nn.Module]]
"""The modules of one layer with what each is for; "" is the layer itself, whose output is z."""

PARAMETER_NAMES = {"W": "weight", "b": "bias", "U": "recurrent_weight", "h0": "start"}
"""What our parameters are called in PyTorch's modules."""


# Layers that PyTorch does not have as we do


class LinearOfSteps(nn.Linear):
    """``nn.Linear`` at each step of a sequence; a step that is padding, all NaN, stays padding.

    Without the masks NaN would reach the gradient of the weights as 0 · NaN.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(cases, steps, outputs) for (cases, steps, features)."""
        padded = x.isnan().all(-1, keepdim=True)
        return torch.where(padded, torch.nan, super().forward(torch.where(padded, 0.0, x)))


class LocallyConnected2d(nn.Module):
    """Filters as of a convolution, but each place has its own; images are padded already.

    Args:
        layer: ours. ``weight`` is (down, across, filters, channels, height, width), ``bias``
            (down, across, filters).
    """

    def __init__(self, layer: LocallyConnected2D) -> None:
        super().__init__()
        self.size, self.stride, self.places = layer.filter_size, layer.stride, layer.output_shape
        _declare(self, layer)

    def forward(self, x: Tensor) -> Tensor:
        """(cases, filters, down, across) for (cases, channels, height, width)."""
        under = F.unfold(x, self.size, stride=self.stride)
        under = under.reshape(len(x), -1, *self.places[1:])
        z = torch.einsum("nkij,ijfk->nfij", under, self.weight.flatten(3))
        return z if self.bias is None else z + self.bias.permute(2, 0, 1)


class RecurrentOfSteps(nn.Module):
    """h(n) = φ(x(n) W + h(n−1) U + b). PyTorch's ``RNN`` has two biases, and no padding as ours.

    Args:
        layer: ours.
        phi: φ.
    """

    def __init__(self, layer: Recurrent, phi: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.activation = phi
        _declare(self, layer)
        if not layer.learns_start:
            start = torch.from_numpy(layer.start.astype(layer.W.dtype))
            self.register_buffer("start", start)

    def forward(self, x: Tensor) -> Tensor:
        """(cases, steps, size), or (cases, size), for (cases, steps, features)."""
        own = {"W": self.weight.t(), "U": self.recurrent_weight.t(), "h0": self.start}
        own["b"] = self.bias
        return recurrence(torch, torch.detach, self.layer, x, own, self.activation)


class DropoutOfMasks(nn.Dropout):
    """``nn.Dropout``, which multiplies by given masks where there is a source of them.

    Attributes:
        draw: gives the mask for a number of cases, or None in evaluation; None for PyTorch's own
            random numbers.
    """

    draw: Callable[[int], Any] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of x."""
        if self.draw is None:
            return super().forward(x)
        mask = self.draw(len(x))
        return x if mask is None else x * torch.from_numpy(mask).reshape(x.shape)


class Sum(nn.Module):
    """The sum of what several layers put out."""

    def forward(self, *sources: Tensor) -> Tensor:
        """Of the shape of each source."""
        return sum(sources[1:], start=sources[0])


class Concatenated(nn.Module):
    """What several layers put out, one behind the other.

    Args:
        axis: along which, the axis of the cases counted.
    """

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *sources: Tensor) -> Tensor:
        """The sources' tensors as one."""
        return torch.cat(sources, self.axis)


class CaseShape(nn.Module):
    """Rows as what they stand for; images or sequences that have their shape are taken as well.

    Args:
        shape: of one case.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """The cases, each in its shape."""
        return x.reshape(len(x), *self.shape)


def _declare(module: nn.Module, layer: Layer) -> None:
    """Parameters that hold nothing yet, of PyTorch's names; None for biases that are not there."""
    for name, shape in layer.shapes().items():
        parameter = nn.Parameter(torch.empty(shape, device="meta"))
        module.register_parameter(PARAMETER_NAMES[name], parameter)
    if "b" not in layer.shapes():
        module.register_parameter("bias", None)


# The counterpart of each layer


def _activation(layer: Any, form: str) -> Parts:
    """Nothing for the identity."""
    if type(layer.activation) is not Linear:
        yield "activation", ACTIVATIONS[type(layer.activation)].made(form, layer.activation)


def _padding(layer: Any, value: float = 0.0) -> Parts:
    """PyTorch names the columns first. Its pooling takes at most half a window by itself."""
    top, bottom, left, right = layer.windows.padding
    if any(layer.windows.padding):
        yield "padding", nn.ConstantPad2d((left, right, top, bottom), value)


def _dense(layer: Any, form: str) -> Parts:
    kind = LinearOfSteps if layer.uses_of_weights > 1 else nn.Linear
    yield "", kind(*layer.shapes()["W"], bias=layer.bias, device="meta")
    yield from _activation(layer, form)


def _conv2d(layer: Any, form: str) -> Parts:
    yield from _padding(layer)
    channels, filters = layer.input_shape[0], layer.filters
    options: dict[str, Any] = {"stride": layer.stride, "bias": layer.bias, "device": "meta"}
    yield "", nn.Conv2d(channels, filters, layer.filter_size, **options)
    yield from _activation(layer, form)


def _locally_connected2d(layer: Any, form: str) -> Parts:
    yield from _padding(layer)
    yield "", LocallyConnected2d(layer)
    yield from _activation(layer, form)


def _recurrent(layer: Any, form: str) -> Parts:
    phi = ACTIVATIONS[type(layer.activation)].made(form, layer.activation)
    yield "", RecurrentOfSteps(layer, phi)


def _max_pool2d(layer: Any, form: str) -> Parts:
    yield from _padding(layer, -inf)
    yield "", nn.MaxPool2d(layer.window_size, layer.stride)


def _average_pool2d(layer: Any, form: str) -> Parts:
    yield from _padding(layer)
    yield "", nn.AvgPool2d(layer.window_size, layer.stride)


LAYERS: Mapping[type[Layer], Callable[[Any, str], Parts]] = {
    Dense: _dense,
    Conv2D: _conv2d,
    LocallyConnected2D: _locally_connected2d,
    MaxPool2D: _max_pool2d,
    AveragePool2D: _average_pool2d,
    Recurrent: _recurrent,
    Dropout: lambda layer, form: iter([("", DropoutOfMasks(layer.rate))]),
    Flatten: lambda layer, form: iter([("", nn.Flatten())]),
    Softmax: lambda layer, form: iter([("", SOFTMAX.made(form, layer))]),
    Add: lambda layer, form: iter([("", Sum())]),
    Concatenate: lambda layer, form: iter([("", Concatenated(layer.axis))]),
}
"""The modules of each layer, with its functions in one of the `Forms`."""

TORCH = Library(LAYERS, ACTIVATIONS, LOSSES, PENALTIES)
"""The parts that have a counterpart in PyTorch; the update rules stand in `optimizers`."""


# The network as modules


class GraphOfModules(nn.Module):
    """Layers that feed each other as a network's graph says, each a few modules in a row.

    Args:
        layers: of each layer its modules by their names.
        network: says which layers feed which.
    """

    def __init__(self, layers: list[dict[str, nn.Module]], network: Network) -> None:
        super().__init__()
        self.graph = network.graph
        self.names = [tuple(modules) for modules in layers]
        self.input = CaseShape(network.input_shape)
        for modules in layers:
            for name, module in modules.items():
                self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        """The output of the last layer, as rows."""
        made = {INPUT: self.input(x)}
        for k in self.graph.order:
            fed = [made[source] for source in self.graph.sources[k]]
            for name in self.names[k]:
                fed = [self.get_submodule(name)(*fed)]
            made[k] = fed[0]
        return made[self.graph.order[-1]].flatten(1)


class Modules:
    """A network's modules, which hold its parameters.

    Args:
        network: of layers and activations that have a counterpart in PyTorch.
        form: of the functions; see `Forms`.
        share: the modules' parameters are θ itself, and not a copy of it.
        our_masks: dropout multiplies by the masks that the network's own layers draw, where the
            network is in training mode; else PyTorch draws them, where the module is.

    Attributes:
        by_layer: the module whose output is the z of a layer, by the layer's name.
    """

    def __init__(
        self, network: Network, form: str, *, share: bool = False, our_masks: bool = True
    ) -> None:
        self.network = network
        self.by_layer: dict[str, nn.Module] = {}
        self._layers: list[dict[str, nn.Module]] = []
        taken = {*dir(nn.Module()), "graph", "names", "input", "output"}
        for layer in network.layers:
            modules = {}
            for use, module in LAYERS[layer.__class__](layer, form):
                modules[_name(f"{layer.name}_{use}" if use else layer.name, taken)] = module
                if not use:
                    self.by_layer[layer.name] = module
                if our_masks and isinstance(module, DropoutOfMasks):
                    module.draw = partial(_mask, layer, network.dtype)
            self._layers.append(modules)
        for segment in network.parameters.layout:
            parameter = tensor_view(network.theta, segment)
            if not share:
                parameter = parameter.clone(memory_format=torch.contiguous_format)
            module = self.by_layer[segment.layer]
            setattr(module, PARAMETER_NAMES[segment.name], nn.Parameter(parameter))

    def whole(self) -> nn.Module:
        """From rows of cases to rows of outputs."""
        return self._as_one(self._layers)

    def up_to_logits(self) -> nn.Module:
        """From rows of cases to rows of logits; of outputs where the loss is computed from those.

        The logits are what the last module, softmax or a sigmoid, is applied to.
        """
        if self.network.from_logits is None:
            return self.whole()
        last = dict(list(self._layers[-1].items())[:-1])
        return self._as_one([*self._layers[:-1], last])

    def behind_logits(self) -> nn.Module:
        """From those rows to rows of outputs."""
        if self.network.from_logits is None:
            return nn.Identity()
        *_, last = self._layers[-1].values()
        return nn.Sequential(CaseShape(self.network.layers[-1].z_shape), last, nn.Flatten())

    def _as_one(self, layers: list[dict[str, nn.Module]]) -> nn.Module:
        network = self.network
        if not network.graph.is_chain:
            return GraphOfModules(layers, network)
        named = {name: module for modules in layers for name, module in modules.items()}
        if network.input_shape != (network.input,):
            named = {"input": CaseShape(network.input_shape), **named}
        if network.layers[-1].output_shape != (network.outputs,):
            named["output"] = nn.Flatten()
        return nn.Sequential(OrderedDict(named))


def _name(name: str, taken: set[str]) -> str:
    """A name that PyTorch allows for a module, and that no other has."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _mask(layer: Any, dtype: Any, cases: int) -> Array | None:
    mask: Array | None = layer.draw_mask(cases, dtype)
    return mask


def tensor_view(vector: Array, segment: Segment) -> Tensor:
    """One parameter's part of a vector over θ's layout, in the shape PyTorch has it.

    Args:
        vector: θ, its gradient, or a vector of an optimiser's state.
        segment: of the layout.

    Returns:
        A tensor on the vector's own memory: (size, inputs) for a matrix, else as ours.
    """
    tensor = torch.from_numpy(vector[segment.slice].reshape(segment.shape))
    return tensor.t() if tensor.ndim == 2 else tensor


def to_torch(network: Network, *, logits: bool = False, share: bool = False) -> nn.Module:
    """The same network built from PyTorch modules, without the loss.

    It takes and gives what `Network.forward_pass` does: rows, or images and sequences in their own
    shape, to rows. PyTorch's global random state is neither read nor changed. Dropout is PyTorch's
    own: it leaves numbers out until ``eval()`` is called.

    Args:
        network: any, of the layers and activations of the tables.
        logits: leave out the function that the loss is computed together with (softmax of
            cross-entropy, sigmoid of binary cross-entropy), as `torch.nn.CrossEntropyLoss`
            and `torch.nn.BCEWithLogitsLoss` expect it.
        share: the modules' parameters are θ itself and not a copy of it: an optimiser of
            PyTorch then trains ``network``.

    Returns:
        A module of the network's floating-point type, whose parameters are called as our layers
        are, such as ``dense_1.weight``: a `torch.nn.Sequential`, unless layers branch.

    Raises:
        ConfigError: a layer or activation that is not of the tables; all of them at once.

    Example:
        >>> from chainrule.nn import Dense, Softmax
        >>> network = Network([Dense(3, "tanh"), Dense(2), Softmax()], input=4)
        >>> [type(module).__name__ for module in to_torch(network)]
        ['Linear', 'Tanh', 'Linear', 'Softmax']
        >>> [*to_torch(network, logits=True).state_dict()]
        ['dense_1.weight', 'dense_1.bias', 'dense_2.weight', 'dense_2.bias']
    """
    require_known_layers(network)
    modules = Modules(network, "plain", share=share, our_masks=False)
    return modules.up_to_logits() if logits else modules.whole()


def require_known_layers(network: Network) -> None:
    """Every layer is of the very classes that are known here, not of one derived from them.

    Raises:
        ConfigError: they are not; all of them at once.
    """
    rest = "which has no counterpart in PyTorch here; the numpy engine runs it"
    problems = [
        Problem(f"{name} has the {what}, {rest}")
        if what.startswith("activation")
        else Problem(f"{name} is a {what}, {rest}")
        for what, name in TORCH.missing_layers(network)
    ]
    if problems:
        raise ConfigError(problems)

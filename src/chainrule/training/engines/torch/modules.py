"""A network as PyTorch modules; the table `LAYERS` has the counterpart of each layer.

`to_torch` builds the same network from PyTorch's own layers and activations, so that it can be
trained, exported or compared there. The engine and the check of gradients use the same modules
with functions in other forms (see `Forms`). Between modules a case has its own shape,
(channels, height, width) or (steps, features), as in PyTorch; the whole network takes and gives
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

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem
from chainrule.nn import layer_types
from chainrule.nn.activations import Linear, Sigmoid, Tanh
from chainrule.nn.graph import INPUT
from chainrule.nn.layer_types import Layer
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.training.engines.other_libraries import (
    Library,
    Step,
    gru_step,
    lstm_step,
    recurrent_step,
)
from chainrule.training.engines.torch.functions import (
    ACTIVATIONS,
    LOSSES,
    PENALTIES,
    SOFTMAX,
)
from chainrule.training.engines.torch.own_modules import (
    BatchNormOfAny,
    CaseShape,
    Concatenated,
    DropoutOfMasks,
    EmbeddingOfNumbers,
    GatedOfSteps,
    LayerNormOfSteps,
    LinearOfSteps,
    LocallyConnected2d,
    Sum,
    UnrolledOfSteps,
    torch_name,
)

Parts = Iterator[tuple[str, nn.Module]]
"""The modules of one layer, each with its purpose; "" is the layer itself, whose output is z."""


# The counterpart of each layer


def _activation(layer: Any, form: str) -> Parts:
    """The module of the activation; none for the identity."""
    if type(layer.activation) is not Linear:
        yield "activation", ACTIVATIONS[type(layer.activation)].made(form, layer.activation)


def _padding(layer: Any, value: float = 0.0) -> Parts:
    """A module for padding, because PyTorch's pooling pads by at most half a window."""
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
    yield "", UnrolledOfSteps(layer, recurrent_step, phi)


def _gated(step: Callable[..., Step], fused: Any) -> Callable[[Any, str], Parts]:
    """The modules of a layer with gates; the check of gradients differentiates each step."""

    def parts(layer: Any, form: str) -> Parts:
        functions = [ACTIVATIONS[type(phi)].made(form, phi) for phi in (Sigmoid(), Tanh())]
        if form == "formula":
            yield "", UnrolledOfSteps(layer, step, *functions)
        else:
            yield "", GatedOfSteps(layer, step, fused, *functions)

    return parts


def _max_pool2d(layer: Any, form: str) -> Parts:
    yield from _padding(layer, -inf)
    yield "", nn.MaxPool2d(layer.window_size, layer.stride)


def _average_pool2d(layer: Any, form: str) -> Parts:
    yield from _padding(layer)
    yield "", nn.AvgPool2d(layer.window_size, layer.stride)


def _batch_norm(layer: Any, form: str) -> Parts:
    """PyTorch's own in the plain form, except for sequences."""
    channels, sizes = layer.gamma.shape[0], len(layer.input_shape)
    kind: Callable[..., nn.Module] = BatchNormOfAny
    if form == "plain" and sizes != 2:
        kind = nn.BatchNorm1d if sizes == 1 else nn.BatchNorm2d
    yield "", kind(channels, eps=layer.epsilon, momentum=layer.momentum)
    yield from _activation(layer, form)


def _layer_norm(layer: Any, form: str) -> Parts:
    kind = LayerNormOfSteps if layer.at_each_step else nn.LayerNorm
    yield "", kind(layer.shapes()["gamma"], eps=layer.epsilon, device="meta")
    yield from _activation(layer, form)


def _embedding(layer: Any, form: str) -> Parts:
    yield "", EmbeddingOfNumbers(layer.classes, layer.size, device="meta")


def _global_average_pool2d(layer: Any, form: str) -> Parts:
    yield "", nn.AdaptiveAvgPool2d(1)
    yield "rows", nn.Flatten()


LAYERS: Mapping[type[Layer], Callable[[Any, str], Parts]] = {
    layer_types.Dense: _dense,
    layer_types.Conv2D: _conv2d,
    layer_types.LocallyConnected2D: _locally_connected2d,
    layer_types.MaxPool2D: _max_pool2d,
    layer_types.AveragePool2D: _average_pool2d,
    layer_types.GlobalAveragePool2D: _global_average_pool2d,
    layer_types.Embedding: _embedding,
    layer_types.Recurrent: _recurrent,
    layer_types.LSTM: _gated(lstm_step, torch.lstm),
    layer_types.GRU: _gated(gru_step, torch.gru),
    layer_types.Dropout: lambda layer, form: iter([("", DropoutOfMasks(layer.rate))]),
    layer_types.BatchNorm: _batch_norm,
    layer_types.LayerNorm: _layer_norm,
    layer_types.Flatten: lambda layer, form: iter([("", nn.Flatten())]),
    layer_types.Softmax: lambda layer, form: iter([("", SOFTMAX.made(form, layer))]),
    layer_types.Add: lambda layer, form: iter([("", Sum())]),
    layer_types.Concatenate: lambda layer, form: iter([("", Concatenated(layer.axis))]),
}
"""The modules of each layer, with its functions in one of the `Forms`."""

TORCH = Library(LAYERS, ACTIVATIONS, LOSSES, PENALTIES)
"""The parts that have a counterpart in PyTorch; the update rules stand in `optimizers`."""


# The network as modules


class GraphOfModules(nn.Module):
    """Layers connected as in a network's graph, each a few modules in a row.

    Args:
        layers: the modules of each layer by name.
        network: the network whose graph is used.
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
        network: a network of layers and activations that have a counterpart in PyTorch.
        form: the form of its functions; see `Forms`.
        share: the modules' parameters are θ itself, and not a copy of it.
        our_masks: dropout uses the masks that the network's own layers draw while the network is
            in training mode; otherwise PyTorch draws them while the module is.

    Attributes:
        by_layer: by the layer's name, the module whose output is its z.
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
            tensor = tensor_view(network.theta, segment)
            if not share:
                tensor = tensor.clone(memory_format=torch.contiguous_format)
            own = nn.Parameter(tensor) if segment.trained else tensor
            setattr(self.by_layer[segment.layer], torch_name(segment.name), own)

    def tensor(self, segment: Segment) -> Any:
        """The parameter, or the buffer of what is not trained, for a segment of θ."""
        return getattr(self.by_layer[segment.layer], torch_name(segment.name))

    def whole(self) -> nn.Module:
        """A module that maps rows of inputs to rows of outputs."""
        return self._as_one(self._layers)

    def up_to_logits(self) -> nn.Module:
        """A module that maps rows of inputs to rows of logits.

        The logits are the input of the last module, softmax or a sigmoid. Where the loss is not
        computed from logits, it maps to the outputs.
        """
        if self.network.from_logits is None:
            return self.whole()
        last = dict(list(self._layers[-1].items())[:-1])
        return self._as_one([*self._layers[:-1], last])

    def behind_logits(self) -> nn.Module:
        """A module that maps the rows given by `up_to_logits` to rows of outputs."""
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
    """One parameter's part of a vector in θ's layout, as a tensor on the vector's own memory.

    The vector is θ, its gradient, or a vector of an optimiser's state. A matrix is transposed,
    (size, inputs), as PyTorch has it.
    """
    tensor = torch.from_numpy(vector[segment.slice].reshape(segment.shape))
    return tensor.t() if is_transposed(segment) else tensor


def is_transposed(segment: Segment) -> bool:
    """Whether PyTorch has the transpose: that of a matrix, but not of an embedding's vectors."""
    return len(segment.shape) == 2 and segment.name != "E"


def to_torch(network: Network, *, logits: bool = False, share: bool = False) -> nn.Module:
    """The same network built from PyTorch modules, without the loss.

    The module takes rows, or images and sequences in their own shape, and gives rows, as
    `Network.forward_pass` does. PyTorch's global random state is neither read nor changed. Dropout
    and batch normalisation are PyTorch's own: they are in training until ``eval()`` is called.

    Args:
        network: a network of the layers and activations of the tables.
        logits: leave out the last function where the loss is computed together with it (softmax
            for cross-entropy, sigmoid for binary cross-entropy), as `torch.nn.CrossEntropyLoss`
            and `torch.nn.BCEWithLogitsLoss` expect it.
        share: the modules' parameters are θ itself and not a copy of it, so that an optimiser of
            PyTorch trains ``network``.

    Returns:
        A module of the network's floating-point type: a `torch.nn.Sequential`, unless layers
        branch. Its parameters are named after our layers, such as ``dense_1.weight``.

    Raises:
        ConfigError: layers or activations are not in the tables; all of them are named.

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
    """Refuse layers and activations of other classes than those of the tables.

    Raises:
        ConfigError: there are such layers or activations; all of them are named.
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

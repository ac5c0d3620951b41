"""Making a network's layers: from a configuration, with names, connected and checked.

The reader of configuration files checks the same rules on the text of a configuration, which may
have other errors as well; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter
from typing import Any, NamedTuple

from chainrule.core.arguments import is_whole
from chainrule.core.errors import ConfigError, Problem, shown, unknown
from chainrule.core.registry import entry_options, name_in
from chainrule.nn.activations import ACTIVATIONS, Linear, Sigmoid, activation
from chainrule.nn.graph import (
    INPUT,
    INPUT_WORD,
    LayerGraph,
    LayerNode,
    LayerProblem,
    graph_problems,
    layer_graph,
    names_of,
)
from chainrule.nn.initializers import Given
from chainrule.nn.layer_types import LAYERS, Dense, Layer, arguments_of
from chainrule.nn.layers.base import Activated, Shape
from chainrule.nn.layers.normalization import Normalized
from chainrule.nn.losses import (
    FROM_LOGITS,
    BinaryCrossEntropy,
    CrossEntropy,
    FromLogits,
    Loss,
    loss_function,
)
from chainrule.nn.sequences.each_step import connected_to
from chainrule.nn.sequences.losses import over_steps

NETWORK_KEYS = (
    *("input", "loss", "learning_rate", "bias_learning_rate", "penalty", "dtype"),
    *("explicit_jacobians", "layers"),
)


OF_NO_FILE = ("parameters", None)
"""The key and the value of a configuration that starts from no file of parameters."""

_READ_ELSEWHERE = (
    "parameters: a file of parameters is read by chainrule.train, which takes the whole "
    "configuration; a network in Python takes them by network.theta = ..."
)


class ConnectError(ConfigError):
    """A layer cannot take the shape of its input.

    Attributes:
        layer: the layer's index in the list of layers; the problems may name a key of it.
    """

    def __init__(self, problems: Any, layer: int) -> None:
        super().__init__(problems)
        self.layer = layer


class Connected(NamedTuple):
    """Layers that make a network.

    Attributes:
        layers: from the input to the output; a given layer that is applied to each step of a
            sequence by itself is wrapped in an `EachStep`.
        graph: which layers feed which.
        loss: the given loss; if the output is a sequence, its sum over the steps.
        from_logits: the loss as a function of the logits; None if the last layer and the loss
            have no such form.
    """

    layers: tuple[Layer, ...]
    graph: LayerGraph
    loss: Loss
    from_logits: FromLogits | None


def connect(layers: Sequence[Layer], shape: Shape, loss: Loss) -> Connected:
    """Name the layers, choose the activations left out, fix the shapes, and check the graph.

    The layers are changed; ``shape`` is that of one case of the network's input.

    Raises:
        ConfigError: the layers do not make a network; the error lists all reasons.
    """
    names = names_of([layer.type for layer in layers], [layer.name for layer in layers])
    for layer, name in zip(layers, names, strict=True):
        layer.name = name
    problems = [*network_problems(layers, loss)]
    if not any(found.layer is not None for found in problems):
        _choose_activations(layers)
        problems = [*network_problems(layers, loss)]
    if problems:
        raise ConfigError([Problem(found.message) for found in problems])
    graph = layer_graph(nodes_of(layers))
    shapes, layers = {INPUT: shape}, [*layers]
    for k in graph.order:
        if layers[k].takes_class_numbers and graph.sources[k] != (INPUT,):
            raise ConnectError(
                f"{layers[k].name} takes class numbers, which only the network's input has: put "
                f"it first, or write inputs: {INPUT_WORD}",
                k,
            )
        try:
            layers[k] = connected_to(layers[k], [shapes[source] for source in graph.sources[k]])
        except ConfigError as error:
            raise ConnectError(error.problems, k) from None
        if wrong := [*start_problems(layers[k])]:
            raise ConnectError(wrong, k)
        shapes[k] = layers[k].output_shape
    _mark_output(layers, graph)
    return Connected(tuple(layers), graph, *output_losses(layers[-1], loss))


def output_losses(last: Layer, loss: Loss) -> tuple[Loss, FromLogits | None]:
    """The loss of the outputs of the last layer, summed over steps where these are a sequence.

    Args:
        last: the connected layer.
        loss: of one case, or of one step.

    Returns:
        It, and the same as a function of the logits; None where they have no such form.
    """
    pair = FROM_LOGITS.get((_output_function(last), type(loss)))
    return over_steps(loss, None if pair is None else pair.of(loss), last.output_shape)


def start_problems(layer: Layer) -> Iterator[Problem]:
    """The parameters of a connected layer whose numbers are given in another shape.

    Each problem has the argument that gives them as its key.
    """
    for name, shape in layer.shapes().items():
        argument = layer.starts.get(name, "")
        start = getattr(layer, argument, None)
        if isinstance(start, Given) and start.values.shape != shape:
            yield Problem(message_of_shape(layer, name, start.values.shape), key=argument)


def message_of_shape(layer: Layer, name: str, found: Shape) -> str:
    """What is wrong with the initial values of a parameter, which have the shape ``found``."""
    shape, axes = layer.shapes()[name], f", {layer.axes[name]}" if name in layer.axes else ""
    exchanged = len(shape) > 1 and found == shape[::-1]
    hint = ", which fits if rows and columns are exchanged" if exchanged else ""
    return (
        f"{layer.starts[name]} of {layer.name} have the shape {shape}{axes}; found {found}{hint}"
    )


def _mark_output(layers: Sequence[Layer], graph: LayerGraph) -> None:
    """Set ``is_output`` on the last layer and on those whose output is only passed on to it."""
    for layer in layers:
        layer.is_output = False
    k, passed_on = graph.order[-1], True
    while passed_on and k != INPUT:
        layers[k].is_output = True
        k, passed_on = graph.sources[k][0], layers[k].passes_on


def shape_of_input(value: Any) -> Shape:
    """The shape of one case of a network's input: a number of inputs, or several sizes.

    Raises:
        ConfigError: it is neither.
    """
    sizes = value if isinstance(value, list | tuple) else [value]
    if not 1 <= len(sizes) <= 3:
        raise ConfigError(
            f"input is a number, [steps, features] or [channels, height, width], found {value!r}"
        )
    for size in sizes:
        if not is_whole(size, 1):
            raise ConfigError(f"input must be a whole number of at least 1, found {size!r}")
    return tuple(map(int, sizes))


def checked_layers(layers: Any) -> tuple[Layer, ...]:
    """``layers`` as a tuple.

    Raises:
        ConfigError: it is not a sequence of layers.
    """
    if not isinstance(layers, Sequence) or isinstance(layers, str):
        raise ConfigError(f"layers is a list of layers, found {layers!r}")
    for layer in layers:
        if not isinstance(layer, Layer):
            raise ConfigError(
                f"layers are objects such as Dense(3), found {layer!r}; Network.from_config takes "
                "words and mappings"
            )
    return tuple(layers)


def default_loss(*, ends_in_softmax: bool) -> str:
    """The loss of a network for which none was named."""
    return "cross_entropy" if ends_in_softmax else "mse"


def connected(config: Mapping[str, Any]) -> tuple[list[Layer], LayerGraph]:
    """The connected layers of a ``network:`` mapping, without memory for parameters.

    Args:
        config: as `Network.from_config` takes it, with ``input`` and ``loss`` given.

    Raises:
        ConfigError: the parts do not make a network; a `ConnectError` where shapes do not fit.
    """
    layers = layers_from_config(config["layers"])
    found = connect(layers, shape_of_input(config["input"]), loss_function(config["loss"]))
    return [*found.layers], found.graph


def nodes_of(layers: Sequence[Layer]) -> list[LayerNode]:
    """The graph's nodes for these layers."""
    return [LayerNode(layer.name, layer.type, layer.sources, layer.joins) for layer in layers]


def _choose_activations(layers: Sequence[Layer]) -> None:
    """Set activations left out: linear if no layer with an activation follows, else relu.

    It is linear as well right before a layer that normalises and has an activation of its own;
    a layer that only normalises counts as one without an activation.
    """
    graph = layer_graph(nodes_of(layers))
    followed: set[int] = set()
    normalised: set[int] = set()
    for k in reversed(graph.order):
        layer: Any = layers[k]
        has_one = hasattr(layer, "activation")
        if has_one and layer.activation is None:
            is_hidden = k in followed and k not in normalised
            layer.activation = activation("relu" if is_hidden else "linear")
        if isinstance(layer, Normalized):
            has_one = not isinstance(layer.activation, Linear)
            normalised.update(graph.sources[k] if has_one else ())
        if has_one or k in followed:
            followed.update(graph.sources[k])


def network_problems(layers: Sequence[Layer], loss: Loss) -> Iterator[LayerProblem]:
    """The reasons why these layers and this loss do not make a network."""
    if not any(layer.has_weights for layer in layers):
        message = "a network needs at least one dense layer, or another with weights"
        yield LayerProblem(message, None if not layers else 0)
        return
    own = [*_layer_problems(layers)]
    yield from own
    if not own:
        yield from graph_problems(nodes_of(layers))
    yield from loss_problems(layers[-1], loss)


def loss_problems(last: Layer, loss: Loss) -> Iterator[LayerProblem]:
    """The reasons why a loss does not fit the outputs of the last layer."""
    if isinstance(loss, CrossEntropy) and not last.gives_distribution:
        yield LayerProblem(
            f"cross_entropy needs outputs that are a distribution, but the last layer is "
            f"{_described(last)}; add a softmax layer behind it, or choose another loss",
            None,
        )
    by_sigmoid = isinstance(getattr(last, "activation", None), Sigmoid)
    if isinstance(loss, BinaryCrossEntropy) and not by_sigmoid:
        yield LayerProblem(
            f"binary_cross_entropy needs outputs between 0 and 1, but the last layer is "
            f"{_described(last)}; give it activation sigmoid, or choose another loss",
            None,
        )


def _layer_problems(layers: Sequence[Layer]) -> Iterator[LayerProblem]:
    seen: set[str] = set()
    for k, layer in enumerate(layers):
        if layer.must_be_last and k < len(layers) - 1:
            yield LayerProblem(f"{layer.type} must be the last layer", k)
        if layer.bound:
            yield LayerProblem(f"{layer.name} already belongs to a network", k)
        if layer.name in seen:
            yield LayerProblem(f"two layers have the name {layer.name!r}", k)
        if any(mark in layer.name for mark in "./\\"):
            yield LayerProblem(f"the name {layer.name!r} must not contain a dot or a slash", k)
        seen.add(layer.name)


def _output_function(layer: Layer) -> str:
    """``softmax``, ``sigmoid``, or another word, for the function that gives the outputs."""
    if isinstance(layer, Activated) and layer.loss_from_z:
        return "sigmoid" if isinstance(layer.activation, Sigmoid) else "other"
    return layer.type


def activation_name(layer: Activated) -> str:
    """The name of a layer's activation, as a configuration writes it."""
    return "" if layer.activation is None else name_in(ACTIVATIONS, layer.activation)


def _described(layer: Layer) -> str:
    if isinstance(layer, Dense):
        return f"dense with activation {activation_name(layer)}"
    return layer.type


def network_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Network` that a ``network:`` mapping holds, ``layers`` included.

    Raises:
        ConfigError: a key is unknown, or ``input`` or ``layers`` is missing.
    """
    if not isinstance(config, Mapping):
        raise ConfigError(
            f"network is a mapping of {', '.join(NETWORK_KEYS)}, found {shown(config)}"
        )
    options = {key: value for key, value in config.items() if (key, value) != OF_NO_FILE}
    problems = [
        Problem(_READ_ELSEWHERE)
        if key == OF_NO_FILE[0]
        else Problem(unknown("key of network", key, NETWORK_KEYS))
        for key in options
        if key not in NETWORK_KEYS
    ]
    if config.get("input") is None:
        problems.append(Problem("network needs its number of inputs: input"))
    layers = config.get("layers")
    if not isinstance(layers, Sequence) or isinstance(layers, str) or not layers:
        problems.append(Problem("network needs a list of layers: layers"))
    if problems:
        raise ConfigError(problems)
    return options


def layers_from_config(entries: Sequence[str | Mapping[str, Any] | Layer]) -> list[Layer]:
    """The layers for mappings of ``type`` (dense if left out) and options, or for types alone.

    A layer stands for itself.

    Raises:
        ConfigError: types, keys or values are unknown; the error lists those of all layers.
    """
    layers, problems = [], []
    for k, entry in enumerate(entries):
        try:
            layers.append(_layer(entry))
        except ConfigError as error:
            problems += [Problem(f"layers[{k}]: {problem}") for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return layers


def _layer(entry: str | Mapping[str, Any] | Layer) -> Layer:
    if isinstance(entry, Layer):
        return entry
    options = entry_options("layer", entry)
    kind = options.pop("type", "dense")
    kind = "dense" if kind == "basic_layer" else kind
    if kind not in LAYERS:
        raise ConfigError(unknown("type of layer", kind, LAYERS))
    known = arguments_of(LAYERS[kind])
    for key in options:
        if key not in known:
            raise ConfigError(unknown(f"key of a {kind} layer", key, known))
    for key, parameter in known.items():
        if parameter.default is Parameter.empty and options.get(key) is None:
            name = "its size" if key == "size" else f"a number of {key}"
            raise ConfigError(f"a {kind} layer needs {name}")
    return LAYERS[kind](**{k: v for k, v in options.items() if v is not None})

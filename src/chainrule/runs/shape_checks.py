"""Whether a network and its data fit each other, and the shapes that each of them states.

A problem names the line of the configuration that would have to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from chainrule.config.load import Config
from chainrule.core.errors import Problem
from chainrule.data.dataset import DataSplit
from chainrule.data.readers.encoding import OutsideClassesError
from chainrule.nn.building import shape_of_input
from chainrule.nn.graph import INPUT, LayerNode, layer_graph, names_of
from chainrule.nn.jacobians import DENSE_LIMIT
from chainrule.nn.layer_types import LAYERS, Layer
from chainrule.nn.losses import loss_function
from chainrule.training import Settings


def size_problems(config: Config, data: DataSplit) -> Iterator[Problem]:
    """Messages where the sizes that the configuration states are not those of the data."""
    inputs, shape, stated = inputs_of(data), case_shape(data), config.network["input"]
    message = None
    if stated is not None and prod(shape_of_input(stated)) != inputs:
        kind = f", images of {' x '.join(map(str, data.image_shape))}" if data.image_shape else ""
        if data.sequence_shape is not None:
            kind = ", {} steps of {}".format(*data.sequence_shape)
        right = input_of(data, images=isinstance(stated, list))
        message = (
            f"the network has input {stated}, but the data have {inputs} numbers a case{kind} "
            f"({data.source}); write {right}, or leave input out"
        )
    elif isinstance(stated, list) and len(stated) > 1 and shape not in (None, stated):
        message = (
            f"the network has input {stated}, but a case of the data has the shape {shape} "
            f"({data.source}); write {shape}, or leave input out"
        )
    if message is not None:
        yield config.problem(("network", "input"), message)
    found = output_layer(config)
    if found is None:
        return
    k, layer = found
    wanted, what = _wanted_outputs(config, data)
    if layer["size"] not in wanted:
        message = (
            f"the last layer has size {layer['size']}, but the data have {what} "
            f"({data.source}); write size {wanted[-1]}"
        )
        yield config.problem(("network", "layers", k, "size"), message)


def shape_problem(config: Config, data: DataSplit, layers: Sequence[Layer]) -> Problem | None:
    """The first message where the shapes of the connected layers are not those of the data."""
    return (
        _colours_last(config, data)
        or _other_steps(config, data, layers)
        or _other_outputs(config, data, layers)
        or _too_explicit(config, data, layers)
    )


def _colours_last(config: Config, data: DataSplit) -> Problem | None:
    """Images of pixels of three numbers, for a network that takes a plane a colour."""
    has_colours = data.image_shape is not None and len(data.image_shape) == 3
    if not has_colours or data.channels_first or not takes_images(config):
        return None
    message = "layers on images take a plane a colour; write channels: first, or leave it out"
    return config.problem(("data", "channels"), message)


def _other_steps(config: Config, data: DataSplit, layers: Sequence[Layer]) -> Problem | None:
    """Targets of every step for a network of one output a case, or the other way round."""
    at_steps, wanted = layers[-1].gives_sequences, data.has_targets_of_steps
    if at_steps == wanted:
        return None
    recurrent = [k for k, layer in enumerate(layers) if layer.takes_sequences]
    at: tuple[str | int, ...] = ("network", "layers", *recurrent[-1:])
    if not wanted:
        message = "the data have one target a case, but the network gives one at every step: "
        last = "write outputs: last in this layer"
        message += last if recurrent else "it needs a recurrent layer"
    else:
        message = "the data have a target for every step, but the network gives one a case: "
        steps = f"give it input {[*(data.sequence_shape or ())]} and a recurrent layer"
        every = "it takes outputs: all in this layer, and no flatten behind it"
        message += every if recurrent else steps
    return config.problem(at, message)


def _other_outputs(config: Config, data: DataSplit, layers: Sequence[Layer]) -> Problem | None:
    """Another number of outputs than the data need, where no layer's size states it."""
    wanted, what = _wanted_outputs(config, data)
    outputs = layers[-1].output_shape[-1]
    if output_layer(config) is not None or outputs in wanted:
        return None
    message = (
        f"the network has {outputs} outputs, but the data have {what} ({data.source}); "
        f"it takes {wanted[-1]}"
    )
    return config.problem(("network", "layers", len(config.network["layers"]) - 1), message)


def _wanted_outputs(config: Config, data: DataSplit) -> tuple[list[int], str]:
    """The sizes of an output layer that fit the targets, and the reason in words."""
    if data.classes is None:
        columns = data.train.t.shape[-1] if data.train.t.ndim > 1 else 1
        return [columns], f"{columns} target value{'s' * (columns > 1)} a case"
    count = len(data.classes)
    named = ", ".join(data.classes[:10]) + (", …" if count > 10 else "")
    # Two classes fit one output as well, the second class above one half, unless the loss or
    # a softmax compares the outputs of the classes.
    compared = loss_function(config.network["loss"]).for_classes
    compared = compared or LAYERS[config.network["layers"][-1]["type"]].gives_distribution
    return ([1, 2] if count == 2 and not compared else [count]), f"{count} classes: {named}"


def too_few_outputs(error: OutsideClassesError, config: Config) -> Iterator[Problem]:
    """A message at the last layer's size, where it alone says how many classes there are."""
    found = output_layer(config)
    if found is not None and error.needed is not None and "classes" not in config.data:
        k, layer = found
        message = (
            f"the last layer has size {layer['size']}, but the labels go up to "
            f"{error.needed - 1}; if they are right, write size {error.needed}"
        )
        yield config.problem(("network", "layers", k, "size"), message)


def _too_explicit(config: Config, data: DataSplit, layers: Sequence[Layer]) -> Problem | None:
    """A layer whose explicit Jacobians of a minibatch are too large for the memory."""
    if not config.network["explicit_jacobians"]:
        return None
    count = len(data.train)
    cases = min(Settings(**config.training).cases_a_minibatch(count), count)
    for k, layer in enumerate(layers):
        weights = layer.shapes().get("W", (0,))
        by_weights = prod(weights) if layer.takes_images else 0
        numbers = cases * layer.outputs * max(layer.inputs, layer.outputs, by_weights)
        if numbers > DENSE_LIMIT:
            message = (
                f"explicit Jacobians of {layer.name} hold {numbers:,} numbers for {cases} cases, "
                f"more than the limit of {DENSE_LIMIT:,}: write a smaller batch_size or layer, or "
                "explicit_jacobians: false"
            )
            return config.problem(("network", "layers", k), message)
    return None


def output_layer(config: Config) -> tuple[int, dict[str, Any]] | None:
    """The number and the settings of the layer whose size is the number of outputs.

    None where no size says it, as behind a convolution: there it follows from the shapes.
    """
    layers = config.network["layers"]
    types = _kinds(config)
    names = names_of(types, [layer.get("name") for layer in layers])
    inputs = [tuple(layer.get("inputs") or ()) for layer in layers]
    sources = layer_graph(
        [LayerNode(*of) for of in zip(names, types, inputs, strict=True)]
    ).sources
    kinds = [LAYERS[word] for word in types]
    open_, seen = [len(layers) - 1], set()
    while open_:
        k = open_.pop(0)
        if k != INPUT and kinds[k].size_is_outputs:
            return k, layers[k]
        if k != INPUT and kinds[k].keeps_width and k not in seen:
            open_ += sources[k]
        seen.add(k)
    return None


def takes_images(config: Config) -> bool:
    """Whether the network's input is stated as images, or goes into layers that take images."""
    return _takes(config, 3, any(LAYERS[kind].takes_images for kind in _kinds(config)))


def takes_sequences(config: Config) -> bool:
    """Whether the network's input is stated as sequences, or goes into layers that take them."""
    return _takes(config, 2, any(LAYERS[kind].takes_sequences for kind in _kinds(config)))


def _takes(config: Config, axes: int, by_layers: bool) -> bool:
    stated = config.network["input"]
    return by_layers if stated is None else isinstance(stated, list) and len(stated) == axes


def _kinds(config: Config) -> list[str]:
    return [layer["type"] for layer in config.network["layers"]]


def case_shape(data: DataSplit) -> list[int] | None:
    """[channels, height, width] of images, [steps, features] of sequences; None of rows."""
    if data.sequence_shape is not None:
        return [*data.sequence_shape]
    if data.image_shape is None or len(data.image_shape) not in (2, 3):
        return None
    height, width, channels = (*data.image_shape, 1)[:3]
    return [channels, height, width]


def inputs_of(data: DataSplit) -> int:
    """The numbers of a case."""
    return prod(data.train.x.shape[1:])


def input_of(data: DataSplit, *, images: bool) -> int | list[int]:
    """What ``input`` says of data: a shape if they are sequences, or if images are wanted.

    Otherwise it is the number of inputs.
    """
    shape = case_shape(data) if images or data.sequence_shape is not None else None
    return inputs_of(data) if shape is None else shape

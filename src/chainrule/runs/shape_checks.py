"""Checks that the shapes of a network and of its data agree.

Each problem that is found refers to the line of the configuration that has to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from chainrule.config.load import Config
from chainrule.core.errors import ConfigError, Problem, ShapeError, nearest, shown
from chainrule.core.sequences import NO_CLASS
from chainrule.data.dataset import DataSplit
from chainrule.data.readers.encoding import OutsideClassesError
from chainrule.nn.building import shape_of_input
from chainrule.nn.graph import INPUT, LayerNode, layer_graph, names_of
from chainrule.nn.jacobians import DENSE_LIMIT
from chainrule.nn.layer_types import LAYERS, Layer
from chainrule.nn.losses import loss_function
from chainrule.training import Settings
from chainrule.training.scores import target_labels

_RARE, _FEWEST = 2, 10
"""A class of at most so many cases may be a misspelling, where classes have so many on average."""


def size_problems(config: Config, data: DataSplit) -> Iterator[Problem]:
    """Compare the sizes that the configuration states with those of the data.

    Yields:
        A problem if ``input`` does not agree with the inputs of the data, and a problem if the
        size of the output layer does not agree with the targets.
    """
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
            f"({data.source}); write size {wanted[-1]}{_misspelt(data)}"
        )
        yield config.problem(("network", "layers", k, "size"), message)


def shape_problem(config: Config, data: DataSplit, layers: Sequence[Layer]) -> Problem | None:
    """The first problem found by checks that need connected layers, which know their shapes.

    Args:
        config: the configuration.
        data: the data of the run.
        layers: the layers of the network after they were connected.
    """
    return (
        _channel_order_problem(config, data)
        or _class_number_problem(config, data, layers)
        or _step_problem(config, data, layers)
        or _output_problem(config, data, layers)
        or _jacobian_problem(config, data, layers)
    )


def _channel_order_problem(config: Config, data: DataSplit) -> Problem | None:
    """A problem if colour images are stored channels-last and the layers need channels-first."""
    has_colours = data.image_shape is not None and len(data.image_shape) == 3
    if not has_colours or data.channels_first or not takes_images(config):
        return None
    message = "layers on images take a plane a colour; write channels: first, or leave it out"
    return config.problem(("data", "channels"), message)


def encoding_problem(config: Config) -> Problem | None:
    """A problem if the encoding of a text is not the one that the network takes."""
    written = config.data.get("encoding")
    if "text" not in config.data or written is None:
        return None
    embeds = takes_class_numbers(config)
    if embeds == (written == "indices"):
        return None
    message = (
        "an embedding takes the numbers of characters: write encoding: indices, or leave it out"
        if embeds
        else "indices are for an embedding, and this network has none; write encoding: one_hot or "
        "numbers, or begin the network with {type: embedding, size: 16}"
    )
    return config.problem(("data", "encoding"), message)


def lacks_classes(config: Config) -> bool:
    """Whether the number of classes of an embedding was left out."""
    return any(map(_is_open, config.network["layers"]))


def _is_open(layer: Mapping[str, Any]) -> bool:
    return LAYERS[layer["type"]].takes_class_numbers and layer.get("classes") is None


def with_classes(config: Config, data: DataSplit) -> Config:
    """The configuration with the number of classes of an embedding, which a text tells.

    Raises:
        ConfigError: it was left out, and the data are no text.
    """
    layers = [dict(layer) for layer in config.network["layers"]]
    for k, layer in enumerate(layers):
        if not _is_open(layer):
            continue
        if "text" not in config.data or data.classes is None:
            largest = max(float(np.nanmax(part.x, initial=0)) for part in data)
            message = (
                "an embedding must be told how many class numbers there are, 0, 1, 2, ...; the "
                f"largest in the data is {largest:.9g}: write classes: {int(largest) + 1}"
            )
            raise ConfigError(config.problem(("network", "layers", k), message))
        layer["classes"] = len(data.classes)
    return config.replace(network={"layers": layers})


def _class_number_problem(
    config: Config, data: DataSplit, layers: Sequence[Layer]
) -> Problem | None:
    """A problem if an embedding is given a number that is none of its classes."""
    names = ("training", "validation", "test")
    for k, layer in enumerate(layers):
        for name, part in zip(names, data, strict=True):
            if not layer.takes_class_numbers:
                break
            try:
                layer.require_class_numbers(part.x.reshape(len(part), *layer.input_shape))  # type: ignore[attr-defined]
            except ShapeError as error:
                message = f"in the {name} data: {error}{_classes_that_would_do(data)}"
                return config.problem(("network", "layers", k, "classes"), message)
    return None


def _classes_that_would_do(data: DataSplit) -> str:
    """Advice, if all numbers of the data would be class numbers of a larger embedding."""
    numbers = np.concatenate([part.x[~np.isnan(part.x)] for part in data])
    if not ((numbers == np.rint(numbers)) & (numbers >= NO_CLASS) & np.isfinite(numbers)).all():
        return ""
    return f"; classes: {int(numbers.max()) + 1} would do"


def _step_problem(config: Config, data: DataSplit, layers: Sequence[Layer]) -> Problem | None:
    """A problem if only one of targets and network outputs has an entry for each step."""
    has_steps, wanted = layers[-1].gives_sequences, data.has_targets_of_steps
    if has_steps == wanted:
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


def _output_problem(config: Config, data: DataSplit, layers: Sequence[Layer]) -> Problem | None:
    """A problem if the network has a number of outputs that does not fit the targets.

    If a layer's ``size`` states the number of outputs, `size_problems` checks it instead.
    """
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
    """The numbers of outputs that fit the targets, and a description of the targets as text."""
    if data.classes is None:
        columns = data.train.t.shape[-1] if data.train.t.ndim > 1 else 1
        if data.multi_label:
            labels = target_labels(data.target_names, columns, multi_label=True)
            return [columns], f"{columns} labels: {_listed(labels)}"
        return [columns], f"{columns} target value{'s' * (columns > 1)} a case"
    count = len(data.classes)
    # Two classes may also be encoded by a single output, which then predicts the second class if
    # it is above one half. A loss for classes or a softmax needs one output for each class.
    one_each = loss_function(config.network["loss"]).for_classes
    one_each = one_each or LAYERS[config.network["layers"][-1]["type"]].gives_distribution
    named = f"{count} classes: {_listed(data.classes)}"
    return ([1, 2] if count == 2 and not one_each else [count]), named


def _misspelt(data: DataSplit) -> str:
    """A hint at a class of a case or two that is named nearly as another; or ""."""
    if data.classes is None or data.has_targets_of_steps:
        return ""
    t = np.concatenate([part.t for part in data])
    numbers = t if t.ndim == 1 else t.argmax(axis=1)
    counts = np.bincount(numbers.astype(np.intp), minlength=len(data.classes))
    if counts.sum() < _FEWEST * len(counts):
        return ""
    for name in (data.classes[k] for k in np.flatnonzero(counts <= _RARE)):
        others = [other for other in data.classes if other != name]
        guess = nearest(name, others)
        if guess is not None:
            word = shown(name)
            return f", or correct {word} if it is a misspelling of {shown(guess)}"
    return ""


def _listed(names: Sequence[str]) -> str:
    """The first ten of the names."""
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def too_few_outputs(error: OutsideClassesError, config: Config) -> Iterator[Problem]:
    """A problem at the size of the output layer if it is smaller than the number of classes.

    There is none if the configuration lists the classes, if the labels do not tell how many
    classes there are, or if no layer's ``size`` states the number of outputs.
    """
    found = output_layer(config)
    if found is not None and error.needed is not None and "classes" not in config.data:
        k, layer = found
        message = (
            f"the last layer has size {layer['size']}, but the labels are of {error.needed} "
            f"classes; if they are right, write size {error.needed}"
        )
        yield config.problem(("network", "layers", k, "size"), message)


def _jacobian_problem(config: Config, data: DataSplit, layers: Sequence[Layer]) -> Problem | None:
    """A problem if a dense Jacobian of a minibatch would have more than `DENSE_LIMIT` entries."""
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
    """The index and the settings of the layer whose ``size`` states the number of outputs.

    The search starts at the last layer and continues to the sources of each layer that has as
    many outputs as each of its sources, such as softmax or add. The result is None if it finds no
    such ``size``, for example if a flatten layer after a convolution gives the outputs.
    """
    layers = config.network["layers"]
    types = _types(config)
    names = names_of(types, [layer.get("name") for layer in layers])
    inputs = [tuple(layer.get("inputs") or ()) for layer in layers]
    sources = layer_graph(
        [LayerNode(*node) for node in zip(names, types, inputs, strict=True)]
    ).sources
    kinds = [LAYERS[word] for word in types]
    queue, seen = [len(layers) - 1], set()
    while queue:
        k = queue.pop(0)
        if k != INPUT and kinds[k].size_is_outputs:
            return k, layers[k]
        if k != INPUT and kinds[k].keeps_width and k not in seen:
            queue += sources[k]
        seen.add(k)
    return None


def takes_images(config: Config) -> bool:
    """Whether the network takes images.

    It does if the configuration states ``input`` with three axes, or states no ``input`` and has
    a layer that takes images.
    """
    return _takes_axes(config, 3, any(LAYERS[kind].takes_images for kind in _types(config)))


def takes_sequences(config: Config) -> bool:
    """Whether the network takes sequences.

    It does if the configuration states ``input`` with two axes, or states no ``input`` and has a
    layer that takes sequences.
    """
    return _takes_axes(config, 2, any(LAYERS[kind].takes_sequences for kind in _types(config)))


def takes_class_numbers(config: Config) -> bool:
    """Whether the network takes class numbers, for an embedding."""
    return any(LAYERS[kind].takes_class_numbers for kind in _types(config))


def _takes_axes(config: Config, axes: int, by_layers: bool) -> bool:
    stated = config.network["input"]
    return by_layers if stated is None else isinstance(stated, list) and len(stated) == axes


def _types(config: Config) -> list[str]:
    return [layer["type"] for layer in config.network["layers"]]


def case_shape(data: DataSplit) -> list[int] | None:
    """The shape of the inputs of one case, in the order that layers on images or sequences take.

    Returns:
        [channels, height, width] for images, [steps, features] for sequences, otherwise None.
    """
    if data.sequence_shape is not None:
        return [*data.sequence_shape]
    if data.image_shape is None or len(data.image_shape) not in (2, 3):
        return None
    height, width, channels = (*data.image_shape, 1)[:3]
    return [channels, height, width]


def inputs_of(data: DataSplit) -> int:
    """The number of input values of one case."""
    return prod(data.train.x.shape[1:])


def input_of(data: DataSplit, *, images: bool) -> int | list[int]:
    """The value of the setting ``input`` that fits the data.

    Args:
        data: the data of the run.
        images: whether images are given to the network with their shape, not as flat rows.

    Returns:
        [steps, features] for sequences; [channels, height, width] for images if ``images`` is
        true; otherwise the number of inputs.
    """
    shape = case_shape(data) if images or data.sequence_shape is not None else None
    return inputs_of(data) if shape is None else shape

"""From a checked configuration to data and a network that fit each other.

Where data and network disagree, the message names the configuration's line first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from chainrule.chain import ConnectError, activation_name, connected, shape_of_input
from chainrule.config.load import Config
from chainrule.data.dataset import DataSplit
from chainrule.data.paths import FOLDER_HINT, existing_file, existing_folder
from chainrule.data.published import as_published, find_published
from chainrule.data.settings import CIFAR_NAMES, PATH_KEYS
from chainrule.data.sources import load_data
from chainrule.data.targets import OutsideClassesError
from chainrule.description import Description, describe_config
from chainrule.errors import ChainruleError, ConfigError, DataError, Problem
from chainrule.jacobians import DENSE_LIMIT
from chainrule.layers import LAYERS, Recurrent
from chainrule.layers.filtered import Filtered
from chainrule.layers.weighted import Weighted
from chainrule.losses import BinaryCrossEntropy, loss_function
from chainrule.network import Network
from chainrule.wiring import INPUT, Plug, names_of, wire


def assemble_data(config: Config) -> DataSplit:
    """The data that a configuration describes, for the network it describes.

    Raises:
        ChainruleError: the data cannot be made or read, or do not fit the network.
    """
    settings = _with_paths(locate_data(config))
    try:
        data = load_data(
            settings,
            folder=config.folder,
            seed=config.training["seed"],
            outputs=_outputs(config),
            target=_target(config),
            dtype=config.network["dtype"],
            sequences=_takes_sequences(config),
        )
    except OutsideClassesError as error:
        raise DataError([*_too_few_outputs(error, config), *error.problems]) from error
    except ChainruleError as error:
        raise _placed(error, config) from error
    problems = list(_misfits(config, data))
    if problems:
        raise ConfigError(problems)
    return data


def data_key(config: Config) -> str:
    """The same text for two configurations if and only if their data are the same.

    Whoever trains several networks can assemble the data once.
    """
    network = config.network
    asked = (_outputs(config), network["input"], _target(config), network["dtype"])
    takes = (_takes_images(config), _takes_sequences(config))
    seen = (config.folder, config.training["seed"], *takes)
    return repr((config.data, *seen, asked))


def locate_data(config: Config) -> Config:
    """The configuration with the name and the place of a published set written out.

    Both may follow from where it was found. A run keeps them so: its folder is another one than
    the configuration's. Where the colours of images stand is written out too, if the network says
    it: a plane a colour for layers of images.

    Raises:
        ChainruleError: the set is nowhere, or has no such settings.
    """
    if _takes_images(config) and config.data.get("channels") is None:
        config = config.replace(data={"channels": "first"})
    try:
        config = replace(config, data=as_published(config.data, config.folder))
        name = config.data.get("name")
        if name not in CIFAR_NAMES or "path" in config.data:
            return config
        found = find_published(name, beside=config.folder.resolve())
    except ChainruleError as error:
        raise _placed(error, config) from error
    return config.replace(data={"path": os.path.relpath(found, config.folder)})


def _with_paths(config: Config) -> dict[str, Any]:
    """The data's settings with whole paths; what is not there is told at its key."""
    settings = dict(config.data)
    problems: list[Problem] = []
    for key in (key for key in PATH_KEYS if key in settings):
        settings[key] = config.resolve(settings[key])
        try:
            if key in ("folder", "path"):
                existing_folder(settings[key])
            else:
                existing_file(settings[key], hint=FOLDER_HINT if key == "file" else "")
        except DataError as error:
            problems += [config.problem(("data", key), str(problem)) for problem in error.problems]
    if problems:
        raise DataError(problems)
    return settings


def assemble_network(config: Config, data: DataSplit) -> tuple[Config, Network]:
    """The network, and the configuration with the input size filled in.

    Raises:
        ConfigError: the parts do not make a network.
    """
    config = with_input(config, data)
    problem = (
        _too_large(config)
        or _colours_last(config, data)
        or _other_steps(config, data)
        or _other_outputs(config, data)
        or _too_explicit(config, data)
    )
    if problem is not None:
        raise ConfigError(problem)
    return config, Network.from_config(config.network, seed=config.training["seed"])


def describe_network(config: Config) -> Description:
    """Shapes and numbers of parameters; reads the data only where the input is left out.

    Raises:
        ChainruleError: the parts do not make a network, or the data cannot be read.
    """
    if config.network["input"] is None:
        config = with_input(config, assemble_data(config))
    try:
        return describe_config(config.network)
    except ConnectError as error:
        raise _placed_at_layer(error, config) from None


def _placed_at_layer(error: ConnectError, config: Config) -> ConfigError:
    at = ("network", "layers", error.layer)
    return ConfigError([config.problem(at, str(problem)) for problem in error.problems])


def layers_as_built(config: Config, network: Network) -> list[dict[str, Any]]:
    """The layers of a configuration with the choices written out that it left open."""
    written = []
    for layer, built in zip(config.network["layers"], network.layers, strict=True):
        chosen: dict[str, Any] = {}
        if isinstance(built, Weighted):
            chosen = {"activation": activation_name(built), **built.starts}
        written.append({**layer, **{k: v for k, v in chosen.items() if k not in layer}})
    return written


def _too_large(config: Config) -> Problem | None:
    """A network beyond this machine's memory, said before memory is asked for.

    θ, its gradient and the optimiser's scratch are vectors of one length.

    Raises:
        ConfigError: a layer cannot take what feeds it.
    """
    try:
        layers, _ = connected(config.network)
    except ConnectError as error:
        raise _placed_at_layer(error, config) from None
    parameters = {k: sum(map(prod, layer.shapes().values())) for k, layer in enumerate(layers)}
    needed = 3 * sum(parameters.values()) * np.dtype(config.network["dtype"]).itemsize
    there = _memory()
    if needed <= there:
        return None
    largest = max(parameters, key=lambda k: parameters[k])
    message = (
        f"the network has {sum(parameters.values()):.3g} parameters; to train it takes at least "
        f"{needed / 2**30:.4g} GiB, and this machine has {there / 2**30:.4g}: a smaller size is "
        "needed"
    )
    key = ("size",) if "size" in config.network["layers"][largest] else ()
    return config.problem(("network", "layers", largest, *key), message)


def _colours_last(config: Config, data: DataSplit) -> Problem | None:
    """Colour images as pixels of three numbers, for a network that takes planes of a colour."""
    has_colours = data.image_shape is not None and len(data.image_shape) == 3
    if not has_colours or data.channels_first or not _takes_images(config):
        return None
    message = "layers on images take a plane a colour; write channels: first, or leave it out"
    return config.problem(("data", "channels"), message)


def _too_explicit(config: Config, data: DataSplit) -> Problem | None:
    """Explicit Jacobians of a minibatch that are too large to be written out."""
    if not config.network["explicit_jacobians"]:
        return None
    cases = min(config.training["batch_size"], len(data.train))
    for k, layer in enumerate(connected(config.network)[0]):
        by_weights = prod(layer.shapes().get("W", ())) if isinstance(layer, Filtered) else 0
        numbers = cases * layer.outputs * max(layer.inputs, layer.outputs, by_weights)
        if numbers > DENSE_LIMIT:
            message = (
                f"explicit Jacobians of {layer.name} hold {numbers:,} numbers for {cases} cases, "
                f"more than the limit of {DENSE_LIMIT:,}: write a smaller batch_size or layer, or "
                "explicit_jacobians: false"
            )
            return config.problem(("network", "layers", k), message)
    return None


def _other_steps(config: Config, data: DataSplit) -> Problem | None:
    """Targets of every step for a network of one output a case, or the other way round."""
    layers, _ = connected(config.network)
    at_steps, wanted = len(layers[-1].output_shape) == 2, data.has_targets_of_steps
    if at_steps == wanted:
        return None
    recurrent = [k for k, layer in enumerate(layers) if isinstance(layer, Recurrent)]
    at: tuple[str | int, ...] = ("network", "layers", *recurrent[-1:])
    if not wanted:
        change = "write outputs: last in this layer" if recurrent else "it needs a recurrent layer"
        message = (
            f"the data have one target a case, but the network gives one at every step: {change}"
        )
    elif recurrent:
        message = (
            "the data have a target for every step, but the network gives one a case: it takes "
            "outputs: all in this layer, and no flatten behind it"
        )
    else:
        message = (
            "the data have a target for every step, but the network gives one a case: give it "
            f"input {[*(data.sequence_shape or ())]} and a recurrent layer"
        )
    return config.problem(at, message)


def _memory() -> int:
    """The machine's memory in bytes; 2⁴⁰ where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**40


def _inputs(data: DataSplit) -> int:
    return prod(data.train.x.shape[1:])


def with_input(config: Config, data: DataSplit) -> Config:
    """The configuration with the network's input filled in, where it was left out.

    A network that looks at images gets their shape, [channels, height, width], one that reads
    sequences [steps, features].
    """
    if config.network["input"] is not None:
        return config
    shape = _case_shape(data)
    if shape is not None and (data.sequence_shape is not None or _takes_images(config)):
        return config.replace(network={"input": shape})
    return config.replace(network={"input": _inputs(data)})


def _case_shape(data: DataSplit) -> list[int] | None:
    """[channels, height, width] of images, [steps, features] of sequences; None of rows."""
    if data.sequence_shape is not None:
        return [*data.sequence_shape]
    if data.image_shape is None or len(data.image_shape) not in (2, 3):
        return None
    height, width, channels = (*data.image_shape, 1)[:3]
    return [channels, height, width]


def _takes_images(config: Config) -> bool:
    """Whether the network's input is stated as images, or goes into layers that take such."""
    stated = config.network["input"]
    if stated is not None:
        return isinstance(stated, list | tuple) and len(stated) == 3
    return any(LAYERS[layer["type"]].takes_images for layer in config.network["layers"])


def _takes_sequences(config: Config) -> bool:
    """Whether the network's input is stated as sequences, or goes into layers that take such."""
    stated = config.network["input"]
    if stated is not None:
        return isinstance(stated, list | tuple) and len(stated) == 2
    return any(LAYERS[layer["type"]] is Recurrent for layer in config.network["layers"])


def _output_layer(config: Config) -> tuple[int, dict[str, Any]] | None:
    """Where the layer stands whose size is the number of outputs, and what it is.

    None where no size says it, as behind filters: then it follows from the shapes.
    """
    layers = config.network["layers"]
    types = [layer["type"] for layer in layers]
    names = names_of(types, [layer.get("name") for layer in layers])
    inputs = [tuple(layer.get("inputs") or ()) for layer in layers]
    sources = wire([Plug(*of) for of in zip(names, types, inputs, strict=True)]).sources
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


def _outputs(config: Config) -> int | None:
    """The number of outputs, or of classes, where a layer's size says it."""
    found = _output_layer(config)
    return None if found is None else int(found[1]["size"])


def _target(config: Config) -> str | None:
    """What the network wants to learn: classes, values, or whatever the generator makes."""
    loss = loss_function(config.network["loss"])
    if loss.for_classes or isinstance(loss, BinaryCrossEntropy):
        return "class"
    if LAYERS[config.network["layers"][-1]["type"]].gives_distribution:
        return "class"
    return None if "generator" in config.data else "value"


def _placed(error: ChainruleError, config: Config) -> ChainruleError:
    """The same error; problems without a place get that of their key, or of the ``data`` part."""
    problems = [
        problem if problem.path is not None else config.problem(_of_data(problem), problem.message)
        for problem in error.problems
    ]
    return type(error)(problems)


def _of_data(problem: Problem) -> tuple[str, ...]:
    """The setting of ``data`` that a problem is about, or all of it."""
    return ("data",) if problem.key is None else ("data", problem.key)


def _too_few_outputs(error: OutsideClassesError, config: Config) -> Iterator[Problem]:
    """The last layer's size, where it alone says how many classes there are."""
    found = _output_layer(config)
    if found is not None and error.needed is not None and "classes" not in config.data:
        k, layer = found
        message = (
            f"the last layer has size {layer['size']}, but the labels go up to "
            f"{error.needed - 1}; if they are right, write size {error.needed}"
        )
        yield config.problem(("network", "layers", k, "size"), message)


def _misfits(config: Config, data: DataSplit) -> Iterator[Problem]:
    """Where the sizes of network and data differ."""
    inputs, stated = _inputs(data), config.network["input"]
    if stated is not None and prod(shape_of_input(stated)) != inputs:
        images = (
            f", images of {' x '.join(map(str, data.image_shape))}" if data.image_shape else ""
        )
        if data.sequence_shape is not None:
            images = ", {} steps of {}".format(*data.sequence_shape)
        message = (
            f"the network has input {stated}, but the data have {inputs} numbers a case{images} "
            f"({data.source}); write {inputs}, or leave input out"
        )
        yield config.problem(("network", "input"), message)
    elif isinstance(stated, list) and len(stated) > 1:
        shape = _case_shape(data)
        if shape is not None and stated != shape:
            message = (
                f"the network has input {stated}, but a case of the data has the shape {shape} "
                f"({data.source}); write {shape}, or leave input out"
            )
            yield config.problem(("network", "input"), message)
    found = _output_layer(config)
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


def _other_outputs(config: Config, data: DataSplit) -> Problem | None:
    """Outputs that no layer's size states, where they are not as many as the data ask for."""
    wanted, what = _wanted_outputs(config, data)
    outputs = connected(config.network)[0][-1].output_shape[-1]
    if _output_layer(config) is not None or outputs in wanted:
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

"""Initial values from files: read for a configuration, and kept in the folder of its run.

``weights: {file: W.npy}`` in a layer and ``parameters: PATH`` in the network say that numbers from
a file are what training starts from. They are read when the network is made, and never again: a
run's folder has a copy of them, ``start.safetensors``, to which its configuration refers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from chainrule.config.load import Config, number_of_values
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, ConfigError, Problem
from chainrule.core.limits import machine_memory
from chainrule.data.readers.array_file import TEXTS, finite, read_array
from chainrule.data.readers.npz_file import one_of_arrays
from chainrule.data.readers.paths import read_bytes
from chainrule.nn.building import connected, message_of_shape
from chainrule.nn.layer_types import Layer
from chainrule.nn.network import Network
from chainrule.runs.checkpoint import Checkpoint, problems_of_numbers, problems_of_parameters
from chainrule.runs.run_folder import START
from chainrule.runs.tensor_file import Arrays, parse_tensors

MOST_WRITTEN = 1000
"""A run's configuration has at most so many numbers of an array; more are kept in a file."""

Place = tuple[int, str]
"""The index of a layer and the key of an array of its parameters."""


def is_file(start: Any) -> bool:
    """Whether a start is ``{file: ...}``."""
    return isinstance(start, Mapping) and "file" in start


def without_files(network: Mapping[str, Any]) -> dict[str, Any]:
    """The ``network:`` part without the starts that stand in files, for shapes or loaded θ."""
    layers = [{k: v for k, v in layer.items() if not is_file(v)} for layer in network["layers"]]
    return {k: v for k, v in network.items() if k != "parameters"} | {"layers": layers}


def made_network(config: Config, layers: Sequence[Layer]) -> Network:
    """The network of a configuration, with the initial values that its files hold.

    Args:
        config: with the network's input written out.
        layers: the same layers, connected, which say the shape of every array.

    Raises:
        ConfigError: a file cannot be read, or holds an array of another shape; lists all of them.
    """
    network = without_files(config.network)
    problems: list[Problem] = []
    for (k, key), start in _files_in(config.network):
        try:
            array = _array(config, start)
            network["layers"][k][key] = {"values": _fitted(array, layers[k], key, start["file"])}
        except ChainruleError as error:
            at = ("network", "layers", k, key, "file")
            problems += [config.problem(at, str(problem)) for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    made = Network.from_config(network, seed=config.training["seed"])
    if config.network.get("parameters") is not None:
        _load_all(config, made)
    return made


def initial_network(config: Config) -> Network:
    """The network of a configuration as training begins, with what its files hold.

    Args:
        config: with the network's input written out, such as that of a run.

    Raises:
        ConfigError: the parts do not make a network, or a file does not fit.
    """
    return made_network(config, connected(without_files(config.network))[0])


def _files_in(network: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for k, layer in enumerate(network["layers"]):
        for key, start in layer.items():
            if is_file(start):
                yield (k, key), start


def _array(config: Config, start: Mapping[str, Any]) -> Array:
    """The array that ``{file: ..., array: ...}`` names."""
    path, name = config.resolve(start["file"]), start.get("array")
    if path.suffix.lower() != ".safetensors":
        return read_array(path, name)
    arrays = _tensors(path)
    return finite(arrays[one_of_arrays(arrays, name, path)], path)


def _tensors(path: Path) -> Arrays:
    content = read_bytes(path, at_most=machine_memory())
    return parse_tensors(content, path, "parameters")[0]


def _fitted(array: Array, layer: Layer, key: str, file: str) -> Array:
    """The array in the shape of its parameter.

    The rows of a text become an array of any number of axes: a row for each place of the first.

    Raises:
        ConfigError: it has another shape.
    """
    shapes = layer.shapes()
    name = next(name for name, argument in layer.starts.items() if argument == key)
    shape = shapes[name]
    if file.lower().endswith(TEXTS):
        is_row = len(shape) == 1 and 1 in array.shape and array.size == shape[0]
        if is_row or array.shape == (shape[0], prod(shape[1:])):
            return array.reshape(shape)
    if array.shape != shape:
        raise ConfigError(message_of_shape(layer, name, array.shape))
    return array


def _load_all(config: Config, network: Network) -> None:
    """Read every parameter from the file that ``parameters`` names."""
    try:
        path = config.resolve(config.network["parameters"])
        arrays = _tensors(path)
        shapes = {name: view.shape for name, view in network.parameters.items()}
        found = {name: array.shape for name, array in arrays.items()}
        problems = problems_of_parameters(path, found, shapes)
        problems = problems or [*problems_of_numbers(path, arrays)]
        if problems:
            raise ChainruleError(problems)
    except ChainruleError as error:
        at = ("network", "parameters")
        placed = [config.problem(at, str(problem)) for problem in error.problems]
        raise ConfigError(placed) from None
    for name, view in network.parameters.items():
        view[...] = arrays[name]


# What a run keeps


def as_kept(config: Config, network: Network) -> tuple[Config, dict[str, Array]]:
    """The configuration as a run's folder has it, and the arrays for ``start.safetensors``.

    Args:
        config: as resolved.
        network: at its initial parameters.

    Returns:
        The configuration, whose starts from files and long lists of values refer to the folder's
        own file; and copies of these arrays by name, none if there is no such start.
    """
    layers, kept = [dict(layer) for layer in config.network["layers"]], dict[str, Array]()
    for k, (layer, built) in enumerate(zip(layers, network.layers, strict=True)):
        for name, key in built.starts.items():
            start, full_name = layer.get(key), f"{built.name}.{name}"
            is_long = isinstance(start, Mapping) and number_of_values(start) > MOST_WRITTEN
            if (is_file(start) or is_long) and full_name in network.parameters:
                layers[k][key] = {"file": START, "array": full_name}
                kept[full_name] = network.parameters[full_name].copy()
    changed: dict[str, Any] = {"layers": layers}
    if config.network.get("parameters") is not None:
        changed["parameters"] = START
        kept = {name: view.copy() for name, view in network.parameters.items()}
    return (config.replace(network=changed), kept) if kept else (config, kept)


def with_own_files(config: Config, checkpoint: Checkpoint) -> Config:
    """The configuration of a run that goes on, with its own copies of files that are gone.

    A file that is still there is read, and must hold what the run began with.
    """
    then, own = checkpoint.configuration["network"], checkpoint.path.parent.absolute() / START
    layers = [dict(layer) for layer in config.network["layers"]]
    changed: dict[str, Any] = {}
    before = then["layers"] if isinstance(then.get("layers"), list) else []
    for (k, key), start in _files_in(config.network):
        layer = before[k] if k < len(before) else None
        began = layer.get(key) if isinstance(layer, dict) else None
        if (
            isinstance(began, dict)
            and is_file(began)
            and not os.path.exists(config.resolve(start["file"]))
        ):
            layers[k][key] = {**began, "file": str(own)}
            changed["layers"] = layers
    named = config.network.get("parameters")
    is_gone = named is not None and not os.path.exists(config.resolve(named))
    if is_gone and then.get("parameters") == START:
        changed["parameters"] = str(own)
    return config.replace(network=changed) if changed else config

"""`resolve`: from a checked configuration to data and a network that fit each other.

Everything that a configuration leaves open is decided here, once; later code reads `Resolved`.
Errors about data and network that do not fit begin with the line of the configuration.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np

from chainrule.config.load import Config
from chainrule.core.errors import (
    ChainruleError,
    ConfigError,
    DataError,
    MissingExtraError,
    Problem,
)
from chainrule.core.limits import machine_memory
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.named.cifar import find_published
from chainrule.data.named.from_sklearn import CIFAR_NAMES
from chainrule.data.passed import Passed
from chainrule.data.readers.encoding import OutsideClassesError
from chainrule.data.readers.files import is_table
from chainrule.data.readers.paths import (
    FOLDER_HINT,
    existing_file,
    existing_folder,
    files_matching,
)
from chainrule.data.settings import (
    FOLDER_KEYS,
    PATH_KEYS,
    names_in,
    with_defaults,
    with_each_name,
)
from chainrule.data.sources import load_data, with_parts_of_files
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.loading import table_options
from chainrule.data.tables.reading import read_table
from chainrule.data.tables.table import Table
from chainrule.nn.building import ConnectError, activation_name, connected
from chainrule.nn.description import Description, describe_config
from chainrule.nn.layer_types import LAYERS, Layer
from chainrule.nn.losses import BinaryCrossEntropy, loss_function
from chainrule.nn.network import Network
from chainrule.runs.shape_checks import (
    encoding_problem,
    input_of,
    lacks_classes,
    output_layer,
    shape_problem,
    size_problems,
    takes_class_numbers,
    takes_images,
    takes_sequences,
    too_few_outputs,
    with_classes,
)
from chainrule.runs.starts import made_network, without_files
from chainrule.training import Callback, Settings, Trainer
from chainrule.training.class_weights import weights_by_class
from chainrule.training.engines import ENGINES
from chainrule.training.optimizers import optimizer
from chainrule.training.scores import TargetKind


@dataclass(frozen=True, eq=False)
class Resolved:
    """A configuration with all choices made, and the data and the network that it describes.

    Attributes:
        config: with every choice written out, except the engine and its threads.
        data: split and scaled.
        network: with its initial parameters.
        settings: how to train.
    """

    config: Config
    data: DataSplit
    network: Network
    settings: Settings

    def trainer(
        self, callbacks: Iterable[Callback] = (), files: Collection[str] | None = None
    ) -> Trainer:
        """A new trainer of the network.

        Args:
            callbacks: called in this order, after those that the configuration names.
            files: see `Trainer`.

        Raises:
            ConfigError: the engine cannot run the network, or a callback cannot take part.
            MissingExtraError: the engine's library is not installed.
        """
        with self.placed():
            return Trainer(
                self.network,
                self.data.train,
                self.data.validation,
                self.settings,
                kind=TargetKind.of(self.data),
                callbacks=[*callbacks],
                files=files,
            )

    def training_set(self) -> Dataset:
        """The training cases, their weights each times that of the case's class.

        Raises:
            ConfigError: the class weights do not fit the targets.
        """
        train, given = self.data.train, self.settings.class_weights
        if given is None:
            return train
        with self.placed():
            t = self.network.prepare_targets(train.t)
            kind = TargetKind.of(self.data)
            weights = weights_by_class(given, kind, self.network, t, train.weights)
        return replace(train, weights=weights)

    @contextmanager
    def placed(self) -> Iterator[None]:
        """A context in which errors of an engine or a callback get the line of its setting."""
        try:
            yield
        except (ConfigError, MissingExtraError) as error:
            raise type(error)([self._placed(problem) for problem in error.problems]) from None

    def _placed(self, problem: Problem) -> Problem:
        """The problem with the line of its setting in ``training``, if its key names one.

        A problem of a callback that was passed in Python names no setting.
        """
        words = (problem.key or "").split(".")
        if words[0] not in self.config.training:
            return problem
        at = (int(word) if word.isdecimal() else word for word in words)
        return self.config.problem(("training", *at), problem.message)

    def as_run(self, trainer: Trainer) -> Config:
        """The configuration with the trainer's engine and number of threads written out.

        Only the trainer knows them: an engine that cannot train the network falls back to another.
        """
        chosen = {"engine": trainer.engine.name, "threads": trainer.threads}
        return self.config.replace(training=chosen)


def resolve_data(
    config: Config,
    *,
    encoding: TableEncoding | None = None,
    classes: Sequence[str] | None = None,
    given: Passed | None = None,
) -> DataSplit:
    """The data that a configuration describes, in the form that its network needs.

    Args:
        config: a checked configuration.
        encoding: that of an earlier run, if the data are read for it; see `load_data`.
        classes: those of an earlier run, likewise.
        given: the data, if they are passed in Python; see `chainrule.runs.passed.with_passed`.

    Raises:
        ChainruleError: the data cannot be made or read, or do not fit the network.
    """
    settings = _with_paths(locate_data(config))
    if settings.get("scale_targets") and _target(config) == "class":
        raise ConfigError(_no_scaled_targets(config))
    try:
        data = load_data(
            settings,
            folder=config.folder,
            seed=config.training["seed"],
            outputs=_outputs(config),
            target=_target(config),
            dtype=config.network["dtype"],
            sequences=takes_sequences(config),
            encoding=encoding,
            classes=classes,
            labels=_gives_labels(config),
            given=given,
        )
    except OutsideClassesError as error:
        of_size = list(too_few_outputs(error, config))  # then one label is example enough
        raise DataError([*of_size, *error.problems[: 1 if of_size else None]]) from error
    except ChainruleError as error:
        raise placed(error, config) from error
    problems = list(size_problems(config, data))
    if problems:
        raise ConfigError(problems)
    return data


def is_table_there(config: Config) -> bool:
    """Whether the data of a configuration are a table, in files that exist."""
    try:
        files = [file for path in _files_of(config) for file in files_matching(path)]
    except DataError:
        return False
    return bool(files) and os.path.isfile(files[0]) and is_table(files[0])


def resolve_table(config: Config) -> Table:
    """The table in a configuration's file, before anything is decided about its columns.

    Raises:
        ChainruleError: the file cannot be read, or the settings say wrongly how.
    """
    try:
        return read_table(_files_of(config), table_options(config.data))
    except ChainruleError as error:
        raise placed(error, config) from error


def _files_of(config: Config) -> list[Path]:
    """The files, or patterns of files, that the key ``file`` of the data names."""
    return [config.resolve(name) for name in names_in(config.data.get("file", []))]


def require_engine(config: Config) -> None:
    """Check that the library of the configuration's engine is installed.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        ENGINES[config.training["engine"]]
    except MissingExtraError as error:
        at = ("training", "engine")
        raise MissingExtraError(
            [config.problem(at, problem.message) for problem in error.problems]
        ) from None


def data_key(config: Config) -> str:
    """A text that is the same for two configurations if and only if their data are the same.

    A caller who trains several networks can compare these texts and make the data only once.
    """
    network, seed = config.network, config.training["seed"]
    target = (_outputs(config), network["input"], _target(config), network["dtype"])
    takes = (takes_images, takes_sequences, takes_class_numbers, _gives_labels)
    return repr((config.data, config.folder, seed, *(each(config) for each in takes), target))


def locate_data(config: Config) -> Config:
    """The configuration with the name and the path of a published data set written out.

    If left out, they follow from where the data set is found. A run needs them explicitly, since
    its folder is not that of the configuration. The parts of a folder of images or of an .npz
    file are written out as well. If the network has layers on images and ``channels`` is left
    out, it becomes ``first``: one plane per colour. The ``encoding`` of a text for an embedding
    becomes ``indices``.

    Raises:
        ChainruleError: the data set is not found, or does not take these settings; or the network
            does not take the encoding of a text.
    """
    if takes_images(config) and config.data.get("channels") is None:
        config = config.replace(data={"channels": "first"})
    problem = encoding_problem(config)
    if problem is not None:
        raise ConfigError(problem)
    if "text" in config.data and takes_class_numbers(config):
        config = config.replace(data={"encoding": "indices"})
    try:
        data = with_parts_of_files(config.data, config.folder)
        config = replace(config, data=data)
        name = config.data.get("name")
        if name not in CIFAR_NAMES or "path" in config.data:
            return config
        found = find_published(name, beside=config.folder.resolve())
    except ChainruleError as error:
        raise placed(error, config) from error
    return config.replace(data={"path": os.path.relpath(found, config.folder)})


def _with_paths(config: Config) -> dict[str, Any]:
    """The data's settings with resolved paths; a DataError if a file or folder is missing."""
    settings = dict(config.data)
    problems: list[Problem] = []
    for key in (key for key in PATH_KEYS if key in settings):
        stated = names_in(settings[key])
        settings[key] = with_each_name(settings[key], lambda name: str(config.resolve(name)))
        try:
            for path in map(config.resolve, stated):
                if key in FOLDER_KEYS:
                    existing_folder(path)
                    continue
                for file in files_matching(path):
                    existing_file(file, hint=FOLDER_HINT if key == "file" else "")
        except DataError as error:
            problems += [config.problem(("data", key), str(problem)) for problem in error.problems]
    if problems:
        raise DataError(problems)
    return settings


def resolve(
    config: Config, data: DataSplit | None = None, *, given: Passed | None = None
) -> Resolved:
    """Decide everything that a configuration leaves open, in this order.

    1. The data: their path, whether targets are classes or values (by the loss, the last layer
       and the targets themselves), the classes, the split and the scaling.
    2. The network's input, from the data.
    3. The layers: activations, initial values, shapes, and whether they fit data and memory.
    4. The learning rate, from the optimizer.

    The engine and its threads may still be ``auto``: they follow from the network and the data,
    see `Resolved.trainer` and `Resolved.as_run`.

    Args:
        config: a checked configuration.
        data: what `resolve_data` returned for a configuration with the same `data_key`, so that
            several networks can share them; None to make or read them.
        given: the data, if they are passed in Python; see `chainrule.runs.passed.with_passed`.

    Raises:
        ChainruleError: the data cannot be made or read, the parts do not make a network, or data
            and network do not fit each other.
    """
    config = locate_data(config)
    if data is None:
        data = resolve_data(config, given=given)
    config = with_classes(with_input(config, data), data)
    layers = _connected(config)
    problem = shape_problem(config, data, layers)
    if problem is not None:
        raise ConfigError(problem)
    network = made_network(config, layers)
    settings = Settings(**config.training)
    rate = network.learning_rate
    config = config.replace(
        network={
            "learning_rate": optimizer(settings.optimizer).default_rate if rate is None else rate,
            "layers": _layers_as_built(config, network),
        },
        data=with_defaults(config.data),
    )
    return Resolved(config, data, network, settings)


def describe_network(config: Config) -> Description:
    """The layers' shapes and numbers of parameters.

    Reads the data only if the input, or the number of classes of an embedding, is left out.

    Raises:
        ChainruleError: the parts do not make a network, or the data cannot be read.
    """
    if config.network["input"] is None or lacks_classes(config):
        data = resolve_data(config)
        config = with_classes(with_input(config, data), data)
    with _at_its_layer(config):
        return describe_config(without_files(config.network))


@contextmanager
def _at_its_layer(config: Config) -> Iterator[None]:
    """A context in which an error of connecting a layer gets the line of that layer."""
    try:
        yield
    except ConnectError as error:
        at = ("network", "layers", error.layer)
        problems = [
            config.problem((*at, problem.key) if problem.key else at, problem.message)
            for problem in error.problems
        ]
        raise ConfigError(problems) from None


def _layers_as_built(config: Config, network: Network) -> list[dict[str, Any]]:
    """The layers of a configuration, with activations and initial values written out."""
    written, layers_built = [], cast("Sequence[Any]", network.layers)
    for layer, built in zip(config.network["layers"], layers_built, strict=True):
        chosen: dict[str, Any] = {}
        if built.initial_values:  # the other layers have no such choices
            starts = {k: v for k, v in built.initial_values.items() if built.bias or k != "biases"}
            phi = {"activation": activation_name(built)} if hasattr(built, "activation") else {}
            chosen = {**phi, **starts}
        written.append({**layer, **{k: v for k, v in chosen.items() if k not in layer}})
    return written


def parameter_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """The shapes of θ's arrays by name, found without allocating the arrays.

    Args:
        config: with the network's input written out.

    Raises:
        ConfigError: the layers do not fit each other, or need more than this machine's memory.
    """
    layers = _connected(config)
    return {f"{layer.name}.{k}": shape for layer in layers for k, shape in layer.shapes().items()}


def _connected(config: Config) -> list[Layer]:
    """The layers with their shapes; raises what `parameter_shapes` raises."""
    with _at_its_layer(config):
        layers, _ = connected(without_files(config.network))
    problem = _too_large(config, layers)
    if problem is not None:
        raise ConfigError(problem)
    return layers


def _too_large(config: Config, layers: Sequence[Layer]) -> Problem | None:
    """The problem if the network needs more than this machine's memory, found before allocating.

    It needs three vectors of θ's length (θ, its gradient and the optimiser's scratch vector) and
    the outputs of all layers for at least one case.
    """
    parameters = [sum(map(prod, layer.shapes().values())) for layer in layers]
    outputs = [layer.outputs for layer in layers]
    itemsize = np.dtype(config.network["dtype"]).itemsize
    needed = (3 * sum(parameters) + sum(outputs)) * itemsize
    there = machine_memory()
    if needed <= there:
        return None
    largest = max(range(len(layers)), key=lambda k: 3 * parameters[k] + outputs[k])
    message = (
        f"the network has {sum(parameters):.3g} parameters and, for each case, {sum(outputs):.3g} "
        f"outputs of layers; it takes at least {needed / 2**30:.4g} GiB, and this machine has "
        f"{there / 2**30:.4g}: a smaller size is needed"
    )
    key = ("size",) if "size" in config.network["layers"][largest] else ()
    return config.problem(("network", "layers", largest, *key), message)


def with_input(config: Config, data: DataSplit) -> Config:
    """The configuration with the network's input, taken from the data if it was left out.

    For layers on images it is [channels, height, width], for layers on sequences
    [steps, features], otherwise the number of inputs.
    """
    if config.network["input"] is not None:
        return config
    return config.replace(network={"input": input_of(data, images=takes_images(config))})


def _outputs(config: Config) -> int | None:
    """The number of outputs, if the size of a layer determines it; otherwise None."""
    found = output_layer(config)
    return None if found is None else int(found[1]["size"])


def _gives_labels(config: Config) -> bool:
    """Whether each output is a probability of its own, so that a case may have several labels."""
    last = LAYERS[config.network["layers"][-1]["type"]]
    is_binary = isinstance(loss_function(config.network["loss"]), BinaryCrossEntropy)
    return is_binary and not last.gives_distribution


def _no_scaled_targets(config: Config) -> Problem:
    """The problem of scaled targets for a loss, or a last layer, that takes probabilities."""
    message = (
        "scale_targets is for targets that are values, but the loss or the last layer of this "
        "network takes classes or probabilities; choose a loss for values, such as mse, without "
        "softmax, or leave scale_targets out"
    )
    return config.problem(("data", "scale_targets"), message)


def _target(config: Config) -> str | None:
    """The kind of targets: ``class``, ``value``, or None for the kind that the generator makes."""
    loss = loss_function(config.network["loss"])
    if loss.for_classes or isinstance(loss, BinaryCrossEntropy):
        return "class"
    if LAYERS[config.network["layers"][-1]["type"]].gives_distribution:
        return "class"
    return None if "generator" in config.data else "value"


def placed(error: ChainruleError, config: Config) -> ChainruleError:
    """The same error; problems without a path get the line of their setting in ``data``."""
    problems = []
    for problem in error.problems:
        at = ("data",) if problem.key is None else ("data", problem.key)
        placed = problem.path is not None
        problems.append(problem if placed else config.problem(at, problem.message))
    return type(error)(problems)

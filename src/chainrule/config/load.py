"""`load_config`: from a file or a mapping to a checked `Config`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chainrule.config.messages import in_order, schema_problems
from chainrule.config.reading.compact import is_compact, read_compact
from chainrule.config.reading.overrides import apply_overrides
from chainrule.config.reading.tree import Tree, dotted, read_text
from chainrule.config.reading.yaml_reader import read_yaml
from chainrule.config.reading.yaml_writer import write_yaml
from chainrule.config.rules import rule_problems
from chainrule.config.schema.configuration import Configuration
from chainrule.core import html
from chainrule.core.errors import ConfigError, Problem, printable, shown
from chainrule.core.limits import MAX_CONFIG_BYTES, MAX_CONFIG_VALUES
from chainrule.core.notation import counted, cut
from chainrule.core.registry import Entry
from chainrule.core.schema import (
    KeyPath,
    PlainError,
    entries_in,
    found,
    in_plain_types,
    plain,
)
from chainrule.data.settings import KINDS, PATH_KEYS, with_each_name
from chainrule.nn.building import default_loss
from chainrule.nn.layer_types import LAYERS

EXPORTED = "chainrule model"
"""What stands under ``format`` in a file of an exported network, which is no configuration."""


@dataclass(frozen=True)
class Config:
    """A checked configuration; two are equal if their network, data and training are.

    Attributes:
        network: every key, with None for what is left open. A layer is a mapping of ``type``
            and the keys that have a value. A choice with options (``elu``, ``adam``) is a
            mapping of ``type`` and all options; a choice without options is its name.
        data: the keys that were written, after the one that says the kind of data. Generators
            and readers have defaults for the others.
        training: every key.
        folder: the folder that relative paths start from.
        path: the file it was read from, if any.
        name: the name of its runs: the file's name without its ending, or ``run``.
    """

    network: dict[str, Any]
    data: dict[str, Any]
    training: dict[str, Any]
    folder: Path = field(default_factory=Path.cwd, compare=False)
    path: Path | None = field(default=None, compare=False)
    name: str = field(default="run", compare=False)
    _tree: Tree = field(default_factory=lambda: Tree({}), compare=False, repr=False)

    @property
    def parts(self) -> dict[str, dict[str, Any]]:
        """``network``, ``data`` and ``training`` by name."""
        return {"network": self.network, "data": self.data, "training": self.training}

    def problem(
        self, path: tuple[str | int, ...], message: str, *, of_key: bool = False
    ) -> Problem:
        """A problem that is found after the checks, such as when the data are read.

        Args:
            path: the path of the wrong value, such as ``("network", "input")``; where it is not
                written, the place of the innermost value around it is given.
            message: what was found and what was expected.
            of_key: whether to give the place of the key rather than of its value.
        """
        return self._tree.problem(path, message, of_key=of_key)

    def resolve(self, name: str | Path) -> Path:
        """The path of a file that the configuration names."""
        return self.folder / _expanded(name)

    def replace(
        self,
        network: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
    ) -> Config:
        """The same configuration with some keys set, such as the input size found in the data.

        Raises:
            ConfigError: a value the schema refuses.

        Example:
            >>> config = load_config({"network": {"loss": "mse", "layers": [{"size": 1}]}})
            >>> config.replace(network={"input": 3}, training={"epochs": 2}).network["input"]
            3
        """
        new = {"network": network, "data": data, "training": training}
        parts = {name: {**part, **(new[name] or {})} for name, part in self.parts.items()}
        return replace(self, **_checked(Tree(parts)))

    def moved(self, folder: str | Path) -> Config:
        """The same configuration with its relative paths adapted to another folder.

        A run's copy of its configuration stands in another folder than the file it was read from.
        """
        folder = Path(folder).resolve()
        data = dict(self.data)
        for key in PATH_KEYS:
            if key in data:
                data[key] = with_each_name(data[key], lambda name: self._moved_name(name, folder))
        return replace(self, network=self._moved_network(folder), data=data, folder=folder)

    def _moved_network(self, folder: Path) -> dict[str, Any]:
        """The network, whose files of initial values are named from another folder."""

        def moved(start: Any) -> Any:
            if isinstance(start, Mapping) and "file" in start:
                return {**start, "file": self._moved_name(start["file"], folder)}
            return start

        layers = [{k: moved(v) for k, v in layer.items()} for layer in self.network["layers"]]
        named = self.network.get("parameters")
        parameters = None if named is None else self._moved_name(named, folder)
        return {**self.network, "layers": layers, "parameters": parameters}

    def _moved_name(self, name: str, folder: Path) -> str:
        """The name of a file, relative to another folder if it is relative."""
        if _expanded(name).is_absolute():
            return name
        path = self.resolve(name)
        # Behind a symbolic link to a folder, ".." is the parent of what it links to.
        return _relative(path.parent.resolve() / path.name, folder)

    def __repr__(self) -> str:
        kind = next(kind for kind in KINDS if kind in self.data)
        found = cut(printable(f"{kind} {self.data[kind]}"), 60)
        layers = counted(len(self.network["layers"]), "layer")
        return f"Config({cut(printable(self.name), 40)}: {layers}, {found})"

    @html.never_fails
    def _repr_html_(self) -> str:
        text = html.escaped(self.to_yaml(), 6000)
        return html.piece(
            f"Configuration {self.name}", f'<pre style="font-family:monospace">{text}</pre>'
        )

    def to_yaml(self) -> str:
        """The configuration as a YAML text that loads as an equal `Config`.

        Example:
            >>> config = load_config({"network": {"loss": "mse", "layers": [{"size": 1}]}})
            >>> print(config.to_yaml())
            network:
              loss: mse
              dtype: float64
              explicit_jacobians: false
              layers:
                - {type: dense, size: 1, bias: true}
            data:
              generator: shapes
            training:
              epochs: 30
              batch_size: 32
              seed: 0
              shuffle: true
              optimizer: sgd
              schedule: constant
              engine: auto
              threads: auto
              evaluate: running
              health: true
            <BLANKLINE>
        """
        return write_yaml(self.to_write())

    def to_write(self) -> dict[str, dict[str, Any]]:
        """The parts by name, with the keys that have a value."""
        return {name: _said(part) for name, part in self.parts.items()}

    def chosen(self) -> list[str]:
        """The paths of all values that were not written: defaults, and what was left to us.

        Example:
            >>> config = load_config({"network": {"loss": "mse", "layers": [{"size": 1}]}})
            >>> config.chosen()[:4]
            ['network.dtype', 'network.explicit_jacobians', 'network.layers[0].type', \
'network.layers[0].bias']
        """
        leaves = (path for path, _ in leaves_of(self.to_write()))
        return [dotted(path) for path in leaves if not _is_written(self._tree.value, path)]

    def require_readable(self) -> None:
        """Refuse a configuration that could not be read again from the file of a run.

        Raises:
            ConfigError: with every default written out it has more values, or takes more bytes,
                than are read; or an object stands in it.
        """
        objects = list(entries_in(self.parts))
        if objects:
            raise ConfigError([self.problem(path, _no_file_of(one)) for path, one in objects])
        values, bytes_ = number_of_values(self.to_write()), len(self.to_yaml().encode())
        if values > MAX_CONFIG_VALUES or bytes_ > MAX_CONFIG_BYTES:
            message = (
                f"with every choice written out the configuration has {values:,} values in "
                f"{bytes_:,} bytes; at most {MAX_CONFIG_VALUES:,} values in {MAX_CONFIG_BYTES:,} "
                "bytes are read, and the run could not be loaded: fewer layers or shorter lists "
                "are needed"
            )
            raise ConfigError(self.problem(("network", "layers"), message))


@dataclass(frozen=True)
class Source:
    """A configuration that has been read but not checked.

    Attributes:
        tree: its values and their places.
        folder: see `Config`, as for ``path`` and ``name``.
    """

    tree: Tree
    folder: Path = field(default_factory=Path.cwd)
    path: Path | None = None
    name: str = "run"

    def config(self, overrides: Sequence[str] = ()) -> Config:
        """The checked configuration; the file is not read again.

        Raises:
            ConfigError: everything that is wrong with it, in the order of its lines.
        """
        tree = apply_overrides(self.tree, overrides)
        parts = _checked(tree)
        return Config(**parts, folder=self.folder, path=self.path, name=self.name, _tree=tree)


def read_source(source: str | os.PathLike[str] | Mapping[str, Any]) -> Source:
    """Read a configuration without checking its values.

    Raises:
        ConfigError: it cannot be read.
    """
    if isinstance(source, Mapping):
        try:
            return Source(Tree(plain(source)))
        except PlainError as error:
            raise ConfigError(Problem(error.message, dotted(error.path) or None)) from None
    try:
        path = Path(source)
    except TypeError:
        message = (
            "a configuration is the path of a file, or a mapping of network, data and training"
        )
        raise ConfigError(f"{message}; found {shown(source)}") from None
    text = read_text(path)
    tree = read_compact(text, path) if is_compact(text) else read_yaml(text, path)
    return Source(tree, path.absolute().parent, path, path.stem)


def load_config(
    source: str | os.PathLike[str] | Mapping[str, Any] | Config, overrides: Sequence[str] = ()
) -> Config:
    """Read and check a configuration.

    Args:
        source: a file in YAML or in the compact form, a mapping of the same keys, or a
            loaded `Config`.
        overrides: ``path=value`` items, such as ``training.epochs=5``, that override it.

    Raises:
        ConfigError: everything that is wrong with it, in the order of its lines.

    Example:
        >>> config = load_config(
        ...     {"network": {"loss": "mse", "layers": [{"size": 1}]}}, ["training.epochs=5"])
        >>> config.training["epochs"], config.training["batch_size"]
        (5, 32)
    """
    if not isinstance(source, Config):
        return read_source(source).config(overrides)
    if not overrides:
        return source
    return Source(Tree(source.parts), source.folder, source.path, source.name).config(overrides)


def _checked(tree: Tree) -> dict[str, Any]:
    """The checked and normalised parts of a tree, by name.

    Raises:
        ConfigError: every problem that the tree has.
    """
    problems = list(tree.problems)
    if not isinstance(tree.value, dict):
        parts = "a configuration has the parts network:, data: and training:"
        message = f"{parts}, found {found(tree.value)}"
        if tree.value is None:
            message = f"this file is empty; {parts} (chainrule init writes one)"
        raise ConfigError([*problems, tree.problem((), message)])
    if tree.value.get("format") == EXPORTED:
        taken = "predict, evaluate and export take it in place of a run"
        message = f"this is an exported network, not a configuration; {taken}"
        raise ConfigError([*problems, tree.problem((), message)])
    try:
        model = Configuration.model_validate(tree.value)
    except ValidationError as error:
        problems += schema_problems(error, tree)
    problems += rule_problems(tree)
    if problems:
        raise ConfigError(in_order(problems))
    network = in_plain_types(model.network)
    network["layers"] = [_said(layer) for layer in network["layers"]]
    if network["loss"] is None:
        last = LAYERS[network["layers"][-1]["type"]]
        network["loss"] = default_loss(ends_in_softmax=last.gives_distribution)
    data = model.data.model_dump(exclude_unset=True)
    kind = {key: data[key] for key in KINDS if key in data}
    return {
        "network": network,
        "data": {**kind, **data},
        "training": in_plain_types(model.training),
    }


def leaves_of(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value of a configuration that is no mapping and no list of mappings, with its path.

    Example:
        >>> list(leaves_of({"data": {"name": "iris", "split": [0.5, 0.5]}}))
        [(('data', 'name'), 'iris'), (('data', 'split'), [0.5, 0.5])]
    """
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        yield path, value
        return
    for key, item in value.items():
        yield from leaves_of(item, (*path, key))


def _is_written(tree: Any, path: KeyPath) -> bool:
    """Whether a value stands in the tree of what was written, perhaps as a name alone."""
    for k, step in enumerate(path):
        if isinstance(tree, list) and isinstance(step, int):
            tree = dict(enumerate(tree))
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, str):  # "elu" stands for {type: elu}, whose options are not written
            return path[k:] == ("type",)
        else:  # numbers stand for {values: ...}
            return tree is not None
    return tree is not None and tree != "auto"


def _said(section: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a section that have a value."""
    return {key: value for key, value in section.items() if value is not None}


def _no_file_of(entry: Entry) -> str:
    return (
        f"an object cannot be written into the files of a run, found {shown(entry)}; write its "
        "name or a mapping of type and options, or pass save=False"
    )


def number_of_values(value: Any) -> int:
    """The number of values, as the readers of configurations count them."""
    items = value.values() if isinstance(value, Mapping) else value
    return (
        1 + sum(map(number_of_values, items)) if isinstance(value, Mapping | list | tuple) else 1
    )


def _expanded(name: str | Path) -> Path:
    """The path with the home folder for ``~``; ``~x`` is kept if there is no user x."""
    return Path(os.path.expanduser(name))


def _relative(path: Path, folder: Path) -> str:
    """``path`` relative to ``folder``; absolute on another drive of Windows."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return str(path)

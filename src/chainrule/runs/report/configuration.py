"""The configuration of a run on the page, and in what those of several runs differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.config.load import Config, leaves_of
from chainrule.config.reading.tree import dotted
from chainrule.config.reading.yaml_writer import flow
from chainrule.core.schema import KeyPath

LONGEST = 400
"""A value of more characters than this, such as weights written by hand, is shortened."""


@dataclass(frozen=True)
class Piece:
    """A piece of a line of YAML.

    Attributes:
        text: the text.
        chosen: whether it is a value that was not written in the configuration.
    """

    text: str
    chosen: bool = False


Line = list[Piece]


def configuration_lines(config: Config, chosen: Collection[str] | None) -> list[Line]:
    """The configuration as YAML, as a run's folder has it; what was left open is marked.

    Args:
        config: the configuration as run.
        chosen: the paths of what was not written; None if that is not known.
    """
    marked = set(chosen or ())
    return [
        line
        for name, section in config.to_write().items()
        for line in _section_lines(name, section, marked)
    ]


def _section_lines(
    name: str, section: Mapping[str, Any], marked: Collection[str]
) -> Iterator[Line]:
    yield [Piece(f"{name}:")]
    for key, value in section.items():
        path: KeyPath = (name, key)
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            yield [Piece(f"  {flow(key)}:")]
            for number, item in enumerate(value):
                yield [Piece("    - "), *_flow((*path, number), item, marked)]
        elif isinstance(value, Mapping):
            yield [Piece(f"  {flow(key)}: "), *_flow(path, value, marked)]
        else:
            yield [Piece("  "), Piece(_pair(key, value), dotted(path) in marked)]


def _flow(path: KeyPath, value: Any, marked: Collection[str]) -> Line:
    """A value on one line, as `flow` writes it, in pieces."""
    if not isinstance(value, Mapping):
        return [Piece(_shortened(flow(value)), dotted(path) in marked)]
    pieces = [Piece("{")]
    for number, (key, item) in enumerate(value.items()):
        if number:
            pieces.append(Piece(", "))
        if isinstance(item, Mapping):
            pieces += [Piece(f"{flow(key)}: "), *_flow((*path, key), item, marked)]
        else:
            pieces.append(Piece(_pair(key, item), dotted((*path, key)) in marked))
    return [*pieces, Piece("}")]


def _pair(key: str, value: Any) -> str:
    return f"{flow(key)}: {_shortened(flow(value))}"


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]} … {text[-LONGEST // 4 :]}"


def differences(configs: Mapping[str, Config]) -> list[tuple[str, list[str]]]:
    """What the configurations of several runs do not have in common.

    Returns:
        For each setting its path and, in the order of the runs, its value; a dash for a setting
        that a run has not.
    """
    found = {name: dict(_settings(config)) for name, config in configs.items()}
    paths = dict.fromkeys(path for leaves in found.values() for path in leaves)
    rows = []
    for path in paths:
        values = [
            _shortened(flow(leaves[path])) if path in leaves else "–" for leaves in found.values()
        ]
        if len(set(values)) > 1:
            rows.append((dotted(path), values))
    return rows


def _settings(config: Config) -> Iterator[tuple[KeyPath, Any]]:
    """Every value with its path; the name of a choice stands where one without options stands."""
    for path, value in leaves_of(config.to_write()):
        is_choice = path[-1] == "type" and isinstance(path[-2], str)
        yield path[:-1] if is_choice else path, value

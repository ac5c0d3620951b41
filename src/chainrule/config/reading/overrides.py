"""``--set path=value``: single values that replace those of a configuration's file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from typing import Any

from chainrule.config.reading.tree import Place, Tree
from chainrule.config.reading.yaml_reader import read_yaml
from chainrule.core.errors import ConfigError, Problem, shown
from chainrule.core.schema import NAME_BYTES, KeyPath, entries_in, found

_ITEM = re.compile(r"\s*([^=]+?)\s*=(.*)\Z", re.DOTALL)
_INDEX = re.compile(r"\[(-?[0-9]+)\]")
_NUMBER = re.compile(r"-?[0-9]{1,9}\Z")

# Keys whose value, or each of whose items, is a name or a mapping of ``type`` and options.
_NAMED = ("loss", "activation", "optimizer", "penalty", "schedule")
_LISTS_OF_NAMED = ("layers", "callbacks")


class _OverrideError(Exception):
    """The reason why an item cannot be applied."""


def apply_overrides(tree: Tree, items: Iterable[str]) -> Tree:
    """A copy of a tree with some values set.

    Args:
        tree: the tree of a configuration.
        items: each ``path=value``: keys and indices (from 0) joined by dots, an index also as
            ``layers[0]``, and the value as in YAML. Later items win. Missing mappings on the
            way are created; the schema reports unknown keys.

    Example:
        >>> tree = apply_overrides(Tree({"training": {}}), ["training.batch_size=8"])
        >>> tree.value
        {'training': {'batch_size': 8}}
    """
    items = _as_items(items)
    tree = replace(
        tree,
        value=deepcopy(tree.value, {id(one): one for _, one in entries_in(tree.value)}),
        keys=dict(tree.keys),
        values=dict(tree.values),
        problems=list(tree.problems),
    )
    for item in items:
        source = f"--set {item}"
        try:
            path, value = _parse(item)
            touched = _put(tree, path, value)
        except _OverrideError as error:
            tree.problems.append(Problem(str(error), source))
            continue
        _mark(tree, touched, Place(source))
    return tree


_MARKS = (",", "|", "%", "@", "`")
"""Values that YAML cannot read unless they are in quotation marks."""


def _as_items(items: Any) -> list[str]:
    """The items as a list of strings; a single string is refused.

    Raises:
        ConfigError: they are not a list of strings.
    """
    if isinstance(items, Iterable) and not isinstance(items, str):
        listed = [*items]
        if all(isinstance(item, str) for item in listed):
            return listed
    message = "overrides are a list of items such as 'training.epochs=5'"
    raise ConfigError(f"{message}; found {shown(items)}")


def _parse(item: str) -> tuple[list[str], Any]:
    """The steps and the value of ``path=value``."""
    match = _ITEM.match(item)
    if match is None:
        raise _OverrideError("expected path=value, such as training.epochs=5")
    steps = _INDEX.sub(r".\1", match[1]).split(".")
    if not all(steps):
        raise _OverrideError(f"the path {match[1]!r} has an empty step; write it as a.b.c")
    # Bytes of a file's name that YAML cannot hold, and marks such as a delimiter, are texts.
    if NAME_BYTES.search(match[2]) or match[2].strip() in _MARKS:
        return steps, match[2].strip()
    try:
        read = read_yaml(match[2].strip())
    except ConfigError as error:
        raise _OverrideError(f"the value cannot be read: {error.problems[0].message}") from None
    if read.problems:
        raise _OverrideError(read.problems[0].message)
    return steps, read.value


def _put(tree: Tree, steps: list[str], value: Any) -> KeyPath:
    """Set the value at the end of ``steps``, and return the path of the outermost new value."""
    if tree.value is None:
        tree.value = {}
    inside = tree.value
    path: KeyPath = ()
    new: KeyPath | None = None
    for step in steps[:-1]:
        key = _key(tree, inside, path, step)
        path = (*path, key)
        before = inside.get(key) if isinstance(inside, dict) else inside[key]
        if before is None and new is None:
            new = path
        inside[key] = _opened(before, path)
        inside = inside[key]
    last = _key(tree, inside, path, steps[-1])
    inside[last] = value
    return new or (*path, last)


def _key(tree: Tree, inside: Any, path: KeyPath, step: str) -> Any:
    """The key or index that ``step`` means in a mapping or list."""
    if isinstance(inside, dict):
        return step
    if not isinstance(inside, list):
        raise _OverrideError(f"{tree.word(path)} is {found(inside)}, which has no {step!r}")
    if not _NUMBER.match(step):
        raise _OverrideError(f"{tree.word(path)} is a list; expected an index, found {step!r}")
    if not 0 <= int(step) < len(inside):
        has = f"has the indices 0 to {len(inside) - 1}" if inside else "is empty"
        raise _OverrideError(f"index {step} is out of range; {tree.word(path)} {has}")
    return int(step)


def _opened(value: Any, path: KeyPath) -> Any:
    """A value that can hold keys: None becomes a mapping, a name a mapping with ``type``."""
    if value is None:
        return {}
    is_item = len(path) > 1 and path[-2] in _LISTS_OF_NAMED
    if isinstance(value, str) and (path[-1] in _NAMED or is_item):
        no_penalty = path[-1] == "penalty" and value.lower() == "none"
        return {} if no_penalty else {"type": value}
    return value


def _mark(tree: Tree, path: KeyPath, place: Place) -> None:
    """Make ``place`` the place of everything at and below ``path``."""
    for places in (tree.keys, tree.values):
        for known in [known for known in places if known[: len(path)] == path]:
            del places[known]
        places[path] = place

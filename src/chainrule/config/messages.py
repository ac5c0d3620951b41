"""Converts the schema's errors to messages in plain words, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any

from pydantic import ValidationError

from chainrule.config.advice import home_of, on_key, on_value, part_of
from chainrule.config.reading.tree import Tree
from chainrule.core.errors import Problem, nearest, unknown
from chainrule.core.limits import MOST_PROBLEMS
from chainrule.core.schema import KeyPath, must_be


def schema_problems(error: ValidationError, tree: Tree) -> list[Problem]:
    """The problems of a schema's error, each at the key or value it is about.

    A missing key is not reported if a key beside it looks like its misspelling, or if the tree
    could only be read in part.
    """
    errors: list[dict[str, Any]] = [dict(item) for item in error.errors(include_url=False)]
    if len(errors) > MOST_PROBLEMS:  # only in a malicious file; messages take time
        places = {id(item): tree.place(tuple(item["loc"]), of_key=True) for item in errors}
        errors.sort(key=lambda item: places[id(item)].line or inf)
        del errors[MOST_PROBLEMS:]
    meant = set(_meant_by_unknown_keys(errors))
    problems = []
    for item in errors:
        kind, path, context = item["type"], tuple(item["loc"]), item.get("ctx", {})
        if kind == "missing_key":
            if path not in meant and not tree.partial:
                problems.append(_missing(tree, path, context["about"]))
        elif kind == "unknown_key":
            problems += _unknown(tree, path, context["known"])
        else:
            problems.append(_wrong(tree, path, kind, context))
    return problems


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems by line and column, without repetition; those without a line come last."""
    return sorted(dict.fromkeys(problems), key=lambda p: (p.line or inf, p.column or inf))


def _meant_by_unknown_keys(errors: Iterable[Mapping[str, Any]]) -> Iterator[KeyPath]:
    for item in errors:
        if item["type"] == "unknown_key":
            *parent, key = item["loc"]
            guess = nearest(key, item["ctx"]["known"])
            if guess:
                yield (*parent, guess)
            part = home_of(str(key).lower())[0] if not parent else None
            if part is not None:
                yield ("network" if part == "layers" else part,)


def _missing(tree: Tree, path: KeyPath, about: str | None) -> Problem:
    *parent, key = path
    word = tree.spell(tuple(parent), str(key))
    reason = f" ({about})" if about else ""
    if path == ("network",):
        reason += "; chainrule describe, with a data file, writes one that fits it"
    return tree.problem(tuple(parent), f"missing key {word!r}{reason}")


def _unknown(tree: Tree, path: KeyPath, known: list[str]) -> Iterator[Problem]:
    """An unknown key, unless the reader has reported it already."""
    *parent, key = path
    place = tree.place(path, of_key=True)
    if any((p.line, p.column) == (place.line, place.column) for p in tree.problems if p.line):
        return
    compact = tree.is_compact and place.source == tree.source
    word = tree.word(path) if isinstance(key, str) else key
    message = on_key(word, part_of(tuple(parent)), known, compact=compact)
    if message is None:
        if place.source == tree.source:
            known = [tree.spell(tuple(parent), name) for name in known]
        message = unknown("key", word, known, part_of(tuple(parent)))
    yield tree.problem(path, message, of_key=True)


def _wrong(tree: Tree, path: KeyPath, kind: str, context: dict[str, Any]) -> Problem:
    """The problem of a refused value, or of its item that the error's ``at`` names."""
    if context.get("at") is not None:
        path = (*path, context["at"])
    value = tree.value_at(path)
    advice = on_value(tree, path, value, context.get("expected", ""))
    if advice is not None:
        return tree.problem(path, advice)
    if kind == "invalid":
        return tree.problem(path, context["message"])
    return tree.problem(path, must_be(tree.word(path), context, value))

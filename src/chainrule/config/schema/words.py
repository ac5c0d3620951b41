"""Types whose values are words: one of a list, an entry of a table, a start of weights.

The words come from the tables of the modules below, so that an activation or a loss is added
there alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from math import inf, isfinite
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    create_model,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from chainrule.config.schema.fields import Flag, Number, Section, expected, said
from chainrule.core.errors import ConfigError, unknown


class Metadata:
    """A type of its own making: ``check`` gives the normalised value or raises."""

    def check(self, value: Any) -> Any:
        """The normalised value; raises `expected` or `said`."""
        raise NotImplementedError

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of what ``check`` accepts, in its canonical spelling."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self.json_schema()


@dataclass(frozen=True)
class Word(Metadata):
    """One of some words, in any case.

    Attributes:
        kind: what the words name, for messages.
        words: in their own spelling.
    """

    kind: str
    words: tuple[str, ...]

    def check(self, value: Any, at: str | int | None = None) -> str:
        """The word in its own spelling."""
        if not isinstance(value, str):
            raise expected(one_of(self.words), at)
        found = {word.lower(): word for word in self.words}.get(value.lower())
        if found is None:
            raise said(unknown(self.kind, value, self.words), at)
        return found

    def json_schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class Start(Metadata):
    """How weights or biases start: a range or a word.

    Attributes:
        what: ``weights`` or ``biases``.
        words: the names of the initializers.
    """

    what: str
    words: tuple[str, ...]

    def check(self, value: Any) -> list[float] | str:
        """A range [low, high], also of the one number r of [-r, r], or a word in its spelling."""
        if isinstance(value, str):
            try:
                return Word(f"start of {self.what}", self.words).check(value)
            except PydanticCustomError as error:
                message = (error.context or {})["message"]
                raise said(f"{message}, or a range [low, high]") from None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        found = as_range([-value, value] if is_number else value)
        if found is None:
            words = one_of(self.words)
            bound = " less than 1.8e308 apart," if as_range(value, width=inf) else ""
            what = f"a range [low, high] of finite numbers, the lower first,{bound}"
            raise expected(f"{what} a number r of at least 0 for [-r, r], or {words}")
        return found

    def json_schema(self) -> dict[str, Any]:
        """Two numbers, one, or an enumeration."""
        one = {"type": "number", "minimum": 0}
        pair = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        return {"anyOf": [pair, one, Word(self.what, self.words).json_schema()]}


@dataclass(frozen=True)
class Maybe(Metadata):
    """A type that may also be left open, by None.

    Attributes:
        inner: the type where something is said.
    """

    inner: Metadata

    def check(self, value: Any) -> Any:
        """None, or what the type makes of ``value``."""
        return None if value is None else self.inner.check(value)

    def json_schema(self) -> dict[str, Any]:
        """Null, or the type."""
        return {"anyOf": [self.inner.json_schema(), {"type": "null"}]}


class Choice(Metadata):
    """An entry of a table of dataclasses, by its name or as ``{type: name, option: ...}``.

    The fields of an entry are its options, so that a new entry needs nothing here. An entry
    without options normalises to its name, one with options to a mapping of all of them.

    Args:
        kind: what the table holds, for messages.
        table: dataclasses by name.
    """

    def __init__(self, kind: str, table: Mapping[str, type[Any]]) -> None:
        self.kind = kind
        self.table = table

    @property
    def word(self) -> Word:
        """The names as they are now: a table grows where somebody registers an entry."""
        return Word(self.kind, tuple(self.table))

    def check(self, value: Any) -> str | dict[str, Any]:
        """The name, or the mapping of the name and all options."""
        if isinstance(value, str):
            return self.entry(self.word.check(value), {})
        if not isinstance(value, dict):
            words = one_of(tuple(self.table))
            raise expected(f"the name of {with_article(self.kind)} ({words})")
        if "type" not in value:
            raise said(f"missing key 'type' (the {self.kind}: {one_of(self.table)})")
        return self.entry(self.word.check(value["type"], at="type"), value)

    def entry(self, name: str, options: Mapping[str, Any]) -> str | dict[str, Any]:
        """The entry ``name`` with some of its options."""
        found = self.model(name).model_validate({**options, "type": name}).model_dump()
        return found if len(found) > 1 else name

    def model(self, name: str) -> type[Section]:
        """The model of an entry's mapping."""
        kind: Any = self.table[name]
        return self._model(name, kind)

    @cache  # noqa: B019  # there are a few tables, and they live as long as the program
    def _model(self, name: str, entry: Any) -> type[Section]:
        options: dict[str, Any] = {"type": (Literal[name], Field(description="its name"))}
        for option in (field for field in fields(entry) if field.init):
            sort: Any = Flag if isinstance(option.default, bool) else Number
            checked = Annotated[sort, AfterValidator(self.accepted(name, option.name))]
            about = f"{option.name} of {name}"
            options[option.name] = (checked, Field(option.default, description=about))
        return create_model(name, __base__=Section, **options)

    def accepted(self, name: str, option: str) -> Callable[[Any], Any]:
        """A check by the entry itself, which knows the bounds of its options."""

        def check(value: Any) -> Any:
            try:
                self.table[name](**{option: value})
            except ConfigError as error:
                raise said(str(error)) from None
            return value

        return check

    def json_schema(self) -> dict[str, Any]:
        """A name, or the mapping of one of the entries."""
        entries = {name: self.model(name).model_json_schema() for name in self.table}
        bare = [name for name, entry in entries.items() if len(entry["properties"]) == 1]
        by_type = {
            "type": "object",
            "properties": {"type": {"enum": bare}},
            "required": ["type"],
            "additionalProperties": False,
        }
        with_options = [entry for name, entry in entries.items() if name not in bare]
        return {"anyOf": [self.word.json_schema(), by_type, *with_options]}


def as_range(value: Any, width: float = sys.float_info.max) -> list[float] | None:
    """Two finite numbers, the lower first, at most ``width`` apart; None for anything else."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in value):
        return None
    try:
        low, high = (float(end) for end in value)
    except OverflowError:
        return None
    ordered = isfinite(low) and isfinite(high) and low <= high
    return [low, high] if ordered and high - low <= width else None


def one_of(words: Iterable[str]) -> str:
    """Some words as an alternative.

    Example:
        >>> one_of(["L1", "L2", "none"])
        'L1, L2 or none'
    """
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def with_article(noun: str) -> str:
    """A noun with its indefinite article.

    Example:
        >>> with_article("activation")
        'an activation'
    """
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def distinct(words: Sequence[str]) -> str | None:
    """The first word that stands twice, if any."""
    return next((word for k, word in enumerate(words) if word in words[:k]), None)

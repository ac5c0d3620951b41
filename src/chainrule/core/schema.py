"""The types of settings (pydantic models), whose messages say in plain words what is expected.

A `Section` is a mapping of known keys, such as a part of a configuration; `Numeric`, `Word` and
`Choice` are types of values. `core.declared` makes sections from functions' signatures.

Errors are pydantic's custom ones, of four types: ``expected`` (a value of another type),
``invalid`` (whose message is complete), ``unknown_key`` and ``missing_key``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cache, partial, reduce
from operator import ge, gt, le, lt, or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from chainrule.core.arguments import MAX_SEED, MOST, is_finite, is_whole
from chainrule.core.errors import ConfigError, Problem, nearest, unknown
from chainrule.core.limits import MAX_DEPTH
from chainrule.core.registry import Entry, is_entry

KeyPath = tuple[str | int, ...]
"""The way to a value from the root: keys of mappings and indices of lists."""

NAME_BYTES = re.compile("[\udc80-\udcff]")
"""Undecodable bytes of file names, which Python represents by lone surrogates (PEP 383)."""


def expected(
    what: str, at: str | int | None = None, words: Sequence[str] = ()
) -> PydanticCustomError:
    """The error that a value, or its item at the key ``at``, is not ``what``.

    If a string was found, the message suggests the nearest of ``words``.
    """
    context = {"expected": what, "at": at, "words": tuple(words)}
    return PydanticCustomError("expected", "expected", context)


def invalid(message: str, at: str | int | None = None) -> PydanticCustomError:
    """An error about a value, or its item at ``at``, whose complete message is ``message``."""
    return PydanticCustomError("invalid", "invalid", {"message": message, "at": at})


def described_as(
    what: str, at_most: int | None = None, words: Sequence[str] = ()
) -> WrapValidator:
    """A validator that replaces every error about a value by: it must be ``what``.

    For a whole number above ``at_most`` the message names only that bound; for a string it
    suggests the nearest of ``words``.
    """

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            too_large = at_most is not None and isinstance(value, int) and value > at_most
            raise expected(f"at most {at_most}" if too_large else what, words=words) from None

    return WrapValidator(check)


class Section(BaseModel):
    """A mapping of known keys; the message for an unknown key lists them."""

    # A configuration needs few of the models, so each is built at its first use.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @model_validator(mode="wrap")
    @classmethod
    def _in_plain_words(cls, value: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise expected("a mapping of keys to values")
        try:
            return handler(value)
        except ValidationError as error:
            details = [cls._reworded(item) for item in error.errors(include_url=False)]
        raise ValidationError.from_exception_data(cls.__name__, details)

    @classmethod
    def keys(cls) -> list[str]:
        """The keys of the mapping, its own before those of its base class."""
        shared = getattr(cls.__base__, "model_fields", {})
        return sorted(cls.model_fields, key=lambda key: key in shared)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The value of each key that may be left out; None where it follows from others."""
        return {k: f.default for k, f in cls.model_fields.items() if not f.is_required()}

    @classmethod
    def _reworded(cls, item: Any) -> InitErrorDetails:
        """The error, with a missing key's description or the alternatives to an unknown one."""
        kind, context = item["type"], item.get("ctx", {})
        if kind == "missing":
            about = cls.model_fields[item["loc"][-1]].description
            kind, context = "missing_key", {"about": about}
        elif kind == "extra_forbidden":
            kind, context = "unknown_key", {"known": cls.keys()}
        error = PydanticCustomError(kind, kind, context)
        return InitErrorDetails(type=error, loc=item["loc"], input=item["input"])


# Types with a check of their own.


class Metadata:
    """A type of values with a check of its own, for use in ``Annotated[...]``."""

    def check(self, value: Any) -> Any:
        """The normalised value; raises what `expected` or `invalid` return."""
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
class Numeric(Metadata):
    """A whole number (`is_whole`) or a finite one (`is_finite`) within bounds.

    Attributes:
        sort: ``integer`` or ``number``, as the JSON Schema calls it.
        what: what the number must be, for messages; if a whole number is too large, they name
            the maximum instead.
        bounds: the bounds by the JSON Schema's keywords, such as ``minimum``.
    """

    sort: Literal["integer", "number"]
    what: str
    bounds: Mapping[str, float] = field(default_factory=dict, hash=False)

    def check(self, value: Any) -> int | float:
        """The number, as an int or a float."""
        whole = self.sort == "integer"
        if not (is_whole(value) if whole else is_finite(value)):
            raise expected(self.what)
        broken = [key for key, bound in self.bounds.items() if not _HOLDS[key](value, bound)]
        if broken:
            too_large = whole and broken == ["maximum"]
            raise expected(f"at most {self.bounds['maximum']}" if too_large else self.what)
        return int(value) if whole else float(value)

    def json_schema(self) -> dict[str, Any]:
        """The sort and the bounds."""
        return {"type": self.sort, **self.bounds}


_HOLDS = {"minimum": ge, "maximum": le, "exclusiveMinimum": gt, "exclusiveMaximum": lt}


def _whole(least: int, most: int = MOST) -> Numeric:
    return Numeric(
        "integer", f"a whole number of at least {least}", {"minimum": least, "maximum": most}
    )


def _number(what: str, **bounds: float) -> Numeric:
    return Numeric("number", what, bounds)


Whole = Annotated[int, _whole(0)]
Count = Annotated[int, _whole(1)]
Points = Annotated[int, _whole(2)]
Groups = Annotated[
    int, Numeric("integer", "a whole number from 2 to 1000", {"minimum": 2, "maximum": 1000})
]
Seed = Annotated[int, _whole(0, MAX_SEED)]
Integer = Annotated[int, Numeric("integer", "a whole number")]
OptionalCount = Annotated[
    Count | None, described_as("a whole number of at least 1, or null", MOST)
]
Number = Annotated[float, _number("a finite number")]
Amount = Annotated[float, _number("a finite number of at least 0", minimum=0)]
AboveZero = Annotated[float, _number("a finite number above 0", exclusiveMinimum=0)]
Share = Annotated[float, _number("a number from 0 to 1", minimum=0, maximum=1)]
AboveZeroShare = Annotated[
    float, _number("a number above 0 and at most 1", exclusiveMinimum=0, maximum=1)
]
BelowOne = Annotated[
    float, _number("a number of at least 0 and below 1", minimum=0, exclusiveMaximum=1)
]
Flag = Annotated[bool, described_as("true or false")]
Text = Annotated[
    str, Field(min_length=1), described_as("a text (in quotes if it looks like a number)")
]


def _as_bytes(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Accept undecodable bytes, which names of files may hold but pydantic refuses."""
    if isinstance(value, str) and NAME_BYTES.search(value):
        handler(NAME_BYTES.sub("?", value))
        return value
    return handler(value)


FileName = Annotated[Text, WrapValidator(_as_bytes)]


@dataclass(frozen=True)
class Word(Metadata):
    """One of several words, in upper or lower case.

    Attributes:
        kind: what the words name, for messages.
        words: in the spelling that the check returns.
    """

    kind: str
    words: tuple[str, ...]

    def check(self, value: Any, at: str | int | None = None) -> str:
        """The word as it stands in ``words``."""
        if not isinstance(value, str):
            raise expected(one_of(self.words), at)
        found = {word.lower(): word for word in self.words}.get(value.lower())
        if found is None:
            raise invalid(unknown(self.kind, value, self.words), at)
        return found

    def json_schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class WholeRange(Metadata):
    """A range of whole numbers; a single number n stands for [n, n].

    Attributes:
        smallest: the lower bound of both ends.
        largest: the upper bound of both ends; None for `MOST`.
    """

    smallest: int
    largest: int | None = None

    def check(self, value: Any) -> list[int]:
        """[low, high], the lower first."""
        ends = value if isinstance(value, list) else [value, value]
        are_whole = all(is_whole(end) for end in ends)
        most = MOST if self.largest is None else self.largest
        if len(ends) != 2 or not are_whole or not self.smallest <= ends[0] <= ends[1] <= most:
            bounds = f"of at least {self.smallest}"
            if self.largest is not None:
                bounds = f"from {self.smallest} to {self.largest}"
            raise expected(
                f"a range [low, high] of whole numbers {bounds}, the lower first, or one number"
            )
        return list(ends)

    def json_schema(self) -> dict[str, Any]:
        """One number or two."""
        one = {"type": "integer", "minimum": self.smallest}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 2, "maxItems": 2}]}


@dataclass(frozen=True)
class Maybe(Metadata):
    """A type of values, or None.

    Attributes:
        inner: the type.
    """

    inner: Metadata

    def check(self, value: Any) -> Any:
        """None, or what ``inner`` makes of ``value``."""
        return None if value is None else self.inner.check(value)

    def json_schema(self) -> dict[str, Any]:
        """Null, or the type."""
        return {"anyOf": [self.inner.json_schema(), {"type": "null"}]}


def _type_of(option: dataclasses.Field[Any]) -> Any:
    """The type of an entry's option: a `Word` if it has a list of words, else by annotation."""
    if "words" in option.metadata:
        return Annotated[Any, Word(option.metadata["kind"], tuple(option.metadata["words"]))]
    name = option.type if isinstance(option.type, str) else option.type.__name__
    return {"bool": Flag, "int": Integer, "str": Text}.get(name, Number)


@dataclass(frozen=True)
class OneOf(Metadata):
    """One of several types of values.

    Attributes:
        read: determines which type is meant, and returns the value as that type reads it.
        kinds: returns all types, for the JSON Schema.
    """

    read: Callable[[Any], Any]
    kinds: Callable[[], Iterable[Any]]

    def check(self, value: Any) -> Any:
        """See `Metadata.check`."""
        return self.read(value)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        kinds: Any = reduce(or_, self.kinds())
        return handler(TypeAdapter(kinds).core_schema)


class Choice(Metadata):
    """An entry of a table of dataclasses, by its name or as ``{type: name, option: ...}``.

    The fields of the dataclass are the entry's options. An entry without options normalises to
    its name, one with options to a mapping of all of them, of those that are
    `OMITTED_AS_DEFAULT` only where they differ from their default. In Python it may be an object,
    which stays as it is.

    Args:
        kind: what the table holds, for messages.
        table: dataclasses by name.
    """

    def __init__(self, kind: str, table: Mapping[str, type[Any]]) -> None:
        self.kind = kind
        self.table = table

    @property
    def word(self) -> Word:
        """The names as they are now: users may register entries."""
        return Word(self.kind, tuple(self.table))

    def check(self, value: Any) -> str | dict[str, Any] | Entry:
        """The name, the mapping of the name and all options, or the object."""
        if is_entry(value, self.table):
            return value
        if isinstance(value, str):
            return self.entry(self.word.check(value), {})
        if not isinstance(value, dict):
            article = "an" if self.kind[0] in "aeiou" else "a"
            raise expected(f"the name of {article} {self.kind} ({one_of(self.table)})")
        if "type" not in value:
            raise invalid(f"missing key 'type' (the {self.kind}: {one_of(self.table)})")
        return self.entry(self.word.check(value["type"], at="type"), value)

    def entry(self, name: str, options: Mapping[str, Any]) -> str | dict[str, Any]:
        """The entry ``name`` with these options, normalised."""
        found = self.model(name).model_validate({**options, "type": name}).model_dump()
        for option in fields(self.table[name]):
            may_be_left_out = option.metadata.get("omitted_as_default")
            if may_be_left_out and found.get(option.name) == option.default:
                del found[option.name]
        return found if len(found) > 1 else name

    def model(self, name: str) -> type[Section]:
        """The model of an entry's mapping."""
        entry: Any = self.table[name]
        return self._model(name, entry)

    @cache  # noqa: B019  # there are a few tables, and they live as long as the program
    def _model(self, name: str, entry: Any) -> type[Section]:
        options: dict[str, Any] = {"type": (Literal[name], Field(description="its name"))}
        for option in (one for one in fields(entry) if one.init):
            sort: Any = _type_of(option)
            checked = Annotated[sort, AfterValidator(partial(self._accepted, name, option.name))]
            about = f"{option.name} of {name}"
            options[option.name] = (checked, Field(option.default, description=about))
        return create_model(name, __base__=Section, **options)

    def _accepted(self, name: str, option: str, value: Any) -> Any:
        """The value of an option, if the entry's constructor, which checks bounds, accepts it."""
        try:
            self.table[name](**{option: value})
        except ConfigError as error:
            raise invalid(str(error)) from None
        return value

    def json_schema(self) -> dict[str, Any]:
        """A name, or the mapping of an entry."""
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


# Mappings given in Python, without a file: problems name the key.


def validated(
    read: Callable[[Any], Any],
    value: Mapping[str, Any],
    broken_rules: Iterable[tuple[str, str]] = (),
) -> Any:
    """Validate a mapping given in Python by a model.

    Args:
        read: the model's validation, such as `Section.model_validate`.
        value: the mapping.
        broken_rules: other problems, as keys and messages; those about a key whose value the
            model refuses are not reported.

    Raises:
        ConfigError: everything that is wrong with it; each problem names its key.
    """
    tree = in_plain_values(value)
    problems: list[Problem] = []
    try:
        result = read(tree)
    except ValidationError as error:
        problems += [_problem(item, tree) for item in error.errors(include_url=False)]
    refused = {problem.key for problem in problems}
    problems += [Problem(m, key=key) for key, m in broken_rules if key not in refused]
    if problems:
        raise ConfigError(problems)
    return result


def in_plain_values(value: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping converted by `plain`.

    Raises:
        ConfigError: it holds a value that no file could hold.
    """
    try:
        tree: dict[str, Any] = plain(dict(value))
    except PlainError as error:
        message = f"{error.path[0]}: {error.message}"
        raise ConfigError(Problem(message, key=str(error.path[0]))) from None
    return tree


def _problem(item: Any, value: Any) -> Problem:
    """A pydantic error as a problem, with the top-level key of ``value`` that it concerns."""
    path, kind, context = tuple(item["loc"]), item["type"], item.get("ctx", {})
    if context.get("at") is not None:
        path = (*path, context["at"])
    key = str(path[0]) if path else None
    if kind == "unknown_key":
        holder = next((step for step in path[-2::-1] if isinstance(step, str)), "")
        return Problem(unknown("key", path[-1], context["known"], holder), key=key)
    if kind == "missing_key":
        return Problem(f"missing key {path[-1]!r} ({context['about']})", key=key)
    if kind == "invalid":
        return Problem(context["message"], key=key)
    word = "value"
    for step in path:
        word = f"item {step + 1} of {word}" if isinstance(step, int) else step
        value = value[step]
    return Problem(must_be(word, context, value), key=key)


def must_be(word: str, context: Mapping[str, Any], value: Any) -> str:
    """The message for a value of another type than was expected.

    Args:
        word: what the value is called.
        context: of an error made by `expected`.
        value: what was found.
    """
    guess = nearest(value, context.get("words", ())) if isinstance(value, str) else None
    was = found(value) + (f"; did you mean {guess!r}?" if guess else "")
    # Pydantic's own error about a string with a lone surrogate has no context.
    wanted = context.get("expected", "a text of whole characters")
    return f"{word} must be {wanted}, found {was}"


def found(value: Any) -> str:
    """A value as a configuration would write it, in at most 60 characters.

    Example:
        >>> found("ten"), found(True), found(None), found([1, "a"])
        ("'ten'", 'true', 'nothing', "[1, 'a']")
    """
    text = _written(value)
    return text if len(text) <= 60 else f"{text[:56]} ..."


def _written(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, dict):
        items = (f"{key}: {_written(item)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, int) and value.bit_length() > 14_000:  # Python writes 4,300 digits
        return f"a whole number of {value.bit_length()} bits"
    return repr(value)


def plain(value: Any, path: KeyPath = ()) -> Any:
    """A copy of a Python value made of dict, list, str, int, float, bool, None and `Entry` only.

    NumPy scalars and arrays, tuples, enumerations and paths become what a file would hold.

    Raises:
        PlainError: a value that no file could hold.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None or type(value) in (bool, int, float, str) or isinstance(value, Entry):
        return value
    if len(path) > MAX_DEPTH:
        raise PlainError(path, "values are nested too deeply")
    if isinstance(value, Mapping):
        return {str(key): plain(item, (*path, str(key))) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist(), path)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [plain(item, (*path, k)) for k, item in enumerate(value)]
    for kind in (str, int, float):  # instances of subclasses
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, type):
        name = value.__name__
        message = (
            f"the class {name} cannot stand in a configuration; {name}() makes an object of it"
        )
        raise PlainError(path, message)
    raise PlainError(path, f"a {type(value).__name__} cannot stand in a configuration")


def entries_in(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Entry]]:
    """Every `Entry` in a configuration that was made in Python, with its place."""
    if isinstance(value, Entry):
        yield path, value
    items: Any = value.items() if isinstance(value, Mapping) else ()
    for key, item in enumerate(value) if isinstance(value, list) else items:
        yield from entries_in(item, (*path, key))


def in_plain_types(value: Any) -> Any:
    """Sections as dicts, at any depth; unlike ``model_dump`` it keeps an `Entry` as it is."""
    if isinstance(value, BaseModel):
        return {key: in_plain_types(getattr(value, key)) for key in type(value).model_fields}
    if isinstance(value, list):
        return [in_plain_types(item) for item in value]
    return value


@dataclass
class PlainError(Exception):
    """A Python value that no configuration file could hold.

    Attributes:
        path: where it stands.
        message: what is wrong with it.
    """

    path: KeyPath
    message: str


def one_of(words: Iterable[str]) -> str:
    """Words joined by commas and "or".

    Example:
        >>> one_of(["L1", "L2", "none"])
        'L1, L2 or none'
    """
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def repeated(words: Sequence[str]) -> str | None:
    """The first word that repeats an earlier one, if any."""
    return next((word for k, word in enumerate(words) if word in words[:k]), None)

"""What the schema's models are made of: numbers, words, ranges, and a base that speaks plainly.

Every type here says in its own words what it expects; `messages` joins them to what was found
and where. The kinds of an error, all of pydantic's custom sort, are ``expected`` (a value of
another sort), ``said`` (a message that is complete), ``unknown_key`` and ``missing_key``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from chainrule.config.reading.scalars import NAME_BYTES
from chainrule.core.arguments import MAX_SEED, MOST


def expected(
    what: str, at: str | int | None = None, words: Sequence[str] = ()
) -> PydanticCustomError:
    """The error of a value that is not ``what``; at the key ``at`` of the value, if given.

    A word is told the nearest of the ``words`` that would do.
    """
    context = {"expected": what, "at": at, "words": tuple(words)}
    return PydanticCustomError("expected", "expected", context)


def said(message: str, at: str | int | None = None) -> PydanticCustomError:
    """The error that ``message`` describes in full; at the key ``at`` of the value, if given."""
    return PydanticCustomError("said", "said", {"message": message, "at": at})


def says(what: str, at_most: int | None = None, words: Sequence[str] = ()) -> WrapValidator:
    """Whatever is wrong with a value, the error is that it must be ``what``.

    A whole number above ``at_most`` is told that bound alone, a word the nearest of ``words``.
    """

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        """The value as the schema reads it.

        Raises:
            PydanticCustomError: it reads none; in the words of ``what``.
        """
        try:
            return handler(value)
        except ValidationError:
            too_large = at_most is not None and isinstance(value, int) and value > at_most
            raise expected(f"at most {at_most}" if too_large else what, words=words) from None

    return WrapValidator(check)


class Section(BaseModel):
    """A mapping of known keys; an unknown one is reported with those that are known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

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
        """The keys of the mapping, its own before those it shares with others."""
        shared = getattr(cls.__base__, "model_fields", {})
        return sorted(cls.model_fields, key=lambda key: key in shared)

    @classmethod
    def _reworded(cls, item: Any) -> InitErrorDetails:
        """An error of this model's own keys with what this model knows of them."""
        kind, context = item["type"], item.get("ctx", {})
        if kind == "missing":
            about = cls.model_fields[item["loc"][-1]].description
            kind, context = "missing_key", {"about": about}
        elif kind == "extra_forbidden":
            kind, context = "unknown_key", {"known": cls.keys()}
        error = PydanticCustomError(kind, kind, context)
        return InitErrorDetails(type=error, loc=item["loc"], input=item["input"])


Count = Annotated[int, Field(ge=1, le=MOST), says("a whole number of at least 1", MOST)]
Points = Annotated[int, Field(ge=2, le=MOST), says("a whole number of at least 2", MOST)]
Groups = Annotated[int, Field(ge=2, le=1000), says("a whole number from 2 to 1000")]
Whole = Annotated[int, Field(ge=0, le=MOST), says("a whole number of at least 0", MOST)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED), says("a whole number of at least 0", MAX_SEED)]
Number = Annotated[float, Field(allow_inf_nan=False), says("a finite number")]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False), says("a finite number of at least 0")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), says("a number from 0 to 1")]
BelowOne = Annotated[
    float, Field(ge=0, lt=1, allow_inf_nan=False), says("a number of at least 0 and below 1")
]
Flag = Annotated[bool, says("true or false")]
Text = Annotated[str, Field(min_length=1), says("a text (in quotes if it looks like a number)")]


def _as_bytes(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Let bytes pass that are no text, which the names of files may hold."""
    if isinstance(value, str) and NAME_BYTES.search(value):
        handler(NAME_BYTES.sub("?", value))
        return value
    return handler(value)


FileName = Annotated[Text, WrapValidator(_as_bytes)]
NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]*$"
Name = Annotated[
    str,
    Field(pattern=NAME_PATTERN),
    says("a word of letters, digits, '_' and '-' that begins with a letter"),
]

"""How an array of parameters starts: a range, a rule, numbers of one's own, or a file of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath as Path
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from chainrule.core.arguments import is_finite
from chainrule.core.errors import ConfigError
from chainrule.core.schema import (
    FileName,
    Metadata,
    Section,
    Text,
    Word,
    expected,
    found,
    invalid,
    one_of,
)
from chainrule.nn.initializers import INITIALIZERS, Given, is_nested, is_row

_NUMBER = {"type": "number"}
_ROW = {"type": "array", "items": _NUMBER, "minItems": 1}
_ROWS = {"type": "array", "items": {"type": "array"}, "minItems": 1}
_PAIR = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_AROUND_0 = {"type": "number", "minimum": 0}


class _Values(Section):
    """The initial values themselves."""

    values: Annotated[Any, WithJsonSchema({"anyOf": [_ROW, _ROWS]})] = Field(
        description="the numbers, in lists within lists of the shape of the parameter"
    )


class _Range(Section):
    """Initial values that are drawn evenly."""

    range: Annotated[Any, WithJsonSchema({"anyOf": [_PAIR, _AROUND_0]})] = Field(
        description="the range [low, high], or r for [-r, r]"
    )


class _File(Section):
    """Initial values that a file holds."""

    file: FileName = Field(
        description="a .npy file of the parameter's shape, or a .csv or .txt file of rows of "
        "numbers, from the configuration's folder"
    )
    array: Text | None = Field(None, description="of a .safetensors file, the name of the array")


OUTRIGHT: Mapping[str, type[Section]] = {"values": _Values, "range": _Range, "file": _File}
"""The mappings that say outright how an array of parameters starts, by their first key."""


@dataclass(frozen=True)
class Start(Metadata):
    """The initial values of an array of parameters: a range, a name, or the values themselves.

    Attributes:
        what: the key, such as ``weights``, for messages.
        of_row: whether the array has one axis, so that a list of numbers may be its values. Two
            numbers are a range; where they are not, `said_outright` says so.
        words: the rules that may be named.
    """

    what: str
    of_row: bool = False
    words: tuple[str, ...] = tuple(INITIALIZERS)

    @property
    def _word(self) -> Word:
        return Word(f"start of {self.what}", self.words)

    def check(self, value: Any) -> list[float] | str | dict[str, Any]:
        """A range [low, high], which is [-r, r] for a single number r; a name; or a mapping.

        Values become ``{values: ...}``, however they were written.
        """
        if isinstance(value, str):
            try:
                return self._word.check(value)
            except PydanticCustomError as error:
                message = (error.context or {})["message"]
                if Path(value).suffix:
                    raise invalid(f"{self.what} from a file are {{file: {value}}}") from None
                own = "a range [low, high], or numbers of one's own"
                own += "" if self.of_row else " [[...], [...]]"
                raise invalid(f"{message}, {own}") from None
        if isinstance(value, dict):
            return self._outright(value)
        if is_nested(value) or (self.of_row and is_row(value) and len(value) != 2):
            return {"values": self._values(value)}
        return self._range(value)

    def _outright(self, value: dict[str, Any]) -> dict[str, Any]:
        kind = next((key for key in OUTRIGHT if key in value), None)
        if kind is None:
            raise expected("{range: [low, high]}, {values: [...]} or {file: W.npy}")
        checked = OUTRIGHT[kind].model_validate(value).model_dump(exclude_none=True)
        if kind == "range":
            return {"range": self._range(value["range"], "range")}
        return {"values": self._values(value["values"], "values")} if kind == "values" else checked

    def _values(self, value: Any, at: str | None = None) -> list[Any]:
        try:
            values: list[Any] = Given(value).values.tolist()
        except ConfigError as error:
            raise invalid(f"{self.what}: {error}", at) from None
        return values

    def _range(self, value: Any, at: str | None = None) -> list[float]:
        ends = [-value, value] if is_finite(value) else value
        bound = ""
        if isinstance(ends, list) and len(ends) == 2 and all(map(is_finite, ends)):
            low, high = map(float, ends)
            if low <= high and is_finite(high - low):
                return [low, high]
            if self.of_row and at is None and low > high:
                message = f"{self.what}: two numbers are a range [low, high], the lower first; "
                raise invalid(f"{message}as one number a unit write {{values: {found(value)}}}")
            bound = " less than 1.8e308 apart," if low < high else ""
        raise expected(
            f"a range [low, high] of finite numbers, the lower first,{bound} a number r of at "
            f"least 0 for [-r, r]{'' if at else self._otherwise}",
            at,
        )

    @property
    def _otherwise(self) -> str:
        """What may be written besides a range, for messages."""
        rows = "a list of numbers, one a unit" if self.of_row else "rows of numbers [[...], [...]]"
        return f", {rows}, {{file: W.npy}}, or {one_of(self.words)}"

    def json_schema(self) -> dict[str, Any]:
        """Lists of numbers, one number, an enumeration, or a mapping that says outright."""
        lists = [_ROW if self.of_row else _PAIR, _ROWS]
        outright = [model.model_json_schema() for model in OUTRIGHT.values()]
        return {"anyOf": [*lists, _AROUND_0, self._word.json_schema(), *outright]}


def by_hand(value: Any) -> bool:
    """Whether weights are given as numbers, here or in a file, and not drawn."""
    return is_nested(value) or (isinstance(value, dict) and ("values" in value or "file" in value))


BESIDE = {"biases": "weights", "recurrent_biases": "recurrent_weights"}
"""For each key of an array of one axis, the key of the weights that it stands beside."""


def are_values(layer: Mapping[str, Any], key: str) -> bool:
    """Whether a layer's key of an array of one axis gives its numbers, here or in a file."""
    value = layer.get(key)
    if isinstance(value, list) and is_row(value):
        return len(value) != 2 or by_hand(layer.get(BESIDE.get(key, "")))
    return by_hand(value)


def said_outright(options: Mapping[str, Any], *, normalises: bool) -> dict[str, Any]:
    """The keys of a layer, in which two numbers that are no range say so outright.

    They are one number a unit beside weights that are given as numbers, and in a layer that
    normalises, which has nothing to draw. Where they are, a single number says outright that it
    is a range, because the range that it becomes has two numbers.

    Args:
        options: the keys as they were written.
        normalises: whether it is a layer that normalises.
    """
    found = dict(options)
    for key in ("weights", *BESIDE):
        value = options.get(key)
        if not (normalises or by_hand(options.get(BESIDE.get(key, "")))):
            continue
        if isinstance(value, list) and len(value) == 2 and is_row(value):
            found[key] = {"values": value}
        elif is_finite(value):
            found[key] = {"range": value}
    return found

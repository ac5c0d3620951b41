"""A few cases that stand in a configuration itself: ``data: {x: [[0, 1]], t: [1]}``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import finite_array
from chainrule.core.errors import ShapeError
from chainrule.core.schema import KeyPath, Metadata, expected, invalid
from chainrule.data.generators.base import UNSAID, Data
from chainrule.data.readers.cases import as_word


def is_text(value: str) -> bool:
    """Whether a text holds no halves of characters, which cannot be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class ClassNames(Metadata):
    """The names of classes; a number stands for the name that is written so."""

    def check(self, value: Any) -> list[str]:
        """The names as texts."""
        are_names = isinstance(value, list) and all(
            (isinstance(name, str) and name and is_text(name)) or is_finite(name) for name in value
        )
        if not are_names or len(value) < 2:
            raise expected("a list of at least 2 names")
        return [name if isinstance(name, str) else as_word(name) for name in value]

    def json_schema(self) -> dict[str, Any]:
        """At least two texts or numbers."""
        name = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "number"}]}
        return {"type": "array", "items": name, "minItems": 2}


Classes = Annotated[Any, ClassNames()]


@dataclass(frozen=True)
class Numbers(Metadata):
    """Numbers in lists within lists: one item a case.

    Attributes:
        what: the key, for messages.
        words: whether a list may hold words instead, such as the names of classes.
    """

    what: str
    words: bool = False

    def check(self, value: Any) -> list[Any]:
        """The lists, with numbers as they are written."""
        are_words = self.words and isinstance(value, list) and bool(value)
        if are_words and all(isinstance(item, str) and item and is_text(item) for item in value):
            return list(value)
        try:
            finite_array(value, self.what)
        except ShapeError as error:
            raise invalid(str(error)) from None
        return list(value)

    def json_schema(self) -> dict[str, Any]:
        """Numbers, lists, or texts."""
        kinds: list[Any] = [{"type": "number"}, {"type": "array"}]
        kinds += [{"type": "string", "minLength": 1}] if self.words else []
        return {"type": "array", "items": {"anyOf": kinds}, "minItems": 1}


class Written(Data):
    """A few cases that stand in the configuration itself."""

    x: Annotated[Any, Numbers("x")] = Field(
        description="the inputs, one list of numbers a case: [[0.05, 0.10], [0.2, 0.3]]; the "
        "cases are all for training unless split says otherwise"
    )
    t: Annotated[Any, Numbers("t", words=True)] = Field(
        description="the targets, one a case: class numbers, names of classes, values, or lists "
        "of values"
    )
    weights: Annotated[Any, Numbers("weights")] = Field(
        UNSAID, description="how much each case counts in loss and scores"
    )
    classes: Classes = Field([], description="the names of the classes, in order")


def counts_of_written(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Targets and weights of another number than the cases that are written."""
    for key in ("t", "weights"):
        lists = data["x"], data.get(key)
        if all(isinstance(one, list) for one in lists) and len(lists[0]) != len(lists[1] or ()):
            cases, found = map(len, lists)
            message = f"{key} has one item for each of the {cases} cases of x, found {found}"
            yield (key,), message

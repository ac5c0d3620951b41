"""The types that only data need: classes of shapes, ranges of pixels, a split."""

from __future__ import annotations

from typing import Any

from chainrule.config.schema.fields import expected, said
from chainrule.config.schema.words import Metadata, Word, distinct
from chainrule.core.arguments import as_fractions
from chainrule.data.generators.shapes import ImageGenerator

_MOST_CASES = 10**9
"""Beyond this a part of a split is no slip of somebody who thought of numbers of cases."""


def shape_classes() -> tuple[str, ...]:
    """The classes that the image generator can draw."""
    return tuple(ImageGenerator.CLASSES)


class ShapeClasses(Metadata):
    """Names of shapes, or how many of the first ones."""

    def check(self, value: Any) -> list[str]:
        """At least two names, none of them twice."""
        known = shape_classes()
        if isinstance(value, int) and not isinstance(value, bool) and 2 <= value <= len(known):
            return list(known[:value])
        if not isinstance(value, list) or len(value) < 2:
            raise expected(f"a list of at least 2 shapes, or a number from 2 to {len(known)}")
        names = []
        for k, word in enumerate(value):
            names.append(Word("shape", known).check(word, at=k))
        if again := distinct(names):
            raise said(f"{again} stands twice among the classes", at=names.index(again) + 1)
        return names

    def json_schema(self) -> dict[str, Any]:
        """A list of names or a number."""
        known = list(shape_classes())
        names = {"type": "array", "items": {"enum": known}, "minItems": 2, "uniqueItems": True}
        return {"anyOf": [names, {"type": "integer", "minimum": 2, "maximum": len(known)}]}


class Pixels(Metadata):
    """A range of whole numbers; a single number is a range of its own.

    Args:
        smallest: what both ends are at least.
    """

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest

    def check(self, value: Any) -> list[int]:
        """[low, high], the lower first."""
        ends = value if isinstance(value, list) else [value, value]
        whole = all(isinstance(end, int) and not isinstance(end, bool) for end in ends)
        if not whole or len(ends) != 2 or not self.smallest <= ends[0] <= ends[1]:
            raise expected(
                f"a range [low, high] of whole numbers of at least {self.smallest}, "
                "the lower first, or one number"
            )
        return list(ends)

    def json_schema(self) -> dict[str, Any]:
        """One number or two."""
        one = {"type": "integer", "minimum": self.smallest}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 2, "maxItems": 2}]}


class Split(Metadata):
    """The fractions of training, validation and test data."""

    def check(self, value: Any) -> list[float]:
        """Three fractions that sum to 1; percentages become fractions."""
        what = (
            "three fractions [training, validation, test] from 0 to 1 that sum to 1, or "
            "percentages that sum to 100"
        )
        if not isinstance(value, list) or len(value) != 3:
            raise expected(what)
        if any(isinstance(part, bool) or not isinstance(part, int | float) for part in value):
            raise expected(what)
        if not all(0 <= part <= _MOST_CASES for part in value):
            raise expected(what)
        found = as_fractions(value)
        if found is not None:
            return found
        parts = f"{' + '.join(f'{part:g}' for part in value)} = {sum(value):g}"
        if all(part <= 1 for part in value):
            raise said(f"the fractions of split must sum to 1; {parts}")
        message = "split takes fractions that sum to 1, or percentages that sum to 100"
        raise said(f"{message}; {parts} (numbers of cases are not read)")

    def json_schema(self) -> dict[str, Any]:
        """Three numbers from 0 to 100."""
        part = {"type": "number", "minimum": 0, "maximum": 100}
        return {"type": "array", "items": part, "minItems": 3, "maxItems": 3}

"""The generators of ``data:``, one model each; what all data have stands first."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chainrule.config.schema.fields import (
    Amount,
    Count,
    Flag,
    Groups,
    Points,
    Section,
    Seed,
    Share,
    Whole,
    expected,
    said,
    says,
)
from chainrule.config.schema.words import Metadata, Word, distinct
from chainrule.core.arguments import as_fractions
from chainrule.data.generators.points import CURVES
from chainrule.data.generators.shapes import SMALLEST_SIDE, ImageGenerator
from chainrule.data.settings import CHANNELS
from chainrule.data.splits import DEFAULT_SPLIT

# The types that only data need: classes of shapes, ranges of pixels, a split.

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


UNSAID: Any = None
"""A default that depends on other values, and is the generator's or the reader's to choose."""


class Data(Section):
    """What every kind of data has."""

    split: Annotated[Any, Split()] = Field(
        list(DEFAULT_SPLIT),
        description="the fractions of training, validation and test data, which sum to 1, or "
        "percentages, which sum to 100",
    )
    standardize: Annotated[
        bool | Literal["center"], says("true, false or center", words=("center",))
    ] = Field(
        False,
        description="bring each input to mean 0 and deviation 1, or by center to mean 0 alone, "
        "by the training data",
    )
    flatten: Flag = Field(True, description="images as rows of pixels rather than 2-D")
    channels: Annotated[Any, Word("channels", CHANNELS)] = Field(
        UNSAID,
        description="where the colours of an image stand: last, red, green and blue of each pixel "
        "together, or first, a plane a colour; by default first for a network of image layers",
    )
    seed: Seed = Field(UNSAID, description="the data's own seed; by default that of training")
    target: Annotated[Any, Word("target", ("class", "value"))] = Field(
        None, description="class numbers or values; by default it follows from the loss"
    )


class Shapes(Data):
    """Images of two-dimensional shapes."""

    generator: Literal["shapes"] = Field(description="the kind of data")
    size: Annotated[int, Field(ge=10, le=50), says("a whole number from 10 to 50")] = Field(
        16, description="the images have size x size pixels"
    )
    classes: Annotated[Any, ShapeClasses()] = Field(
        ["circle", "rectangle", "triangle", "cross"],
        description="the shapes to draw, or how many of the first ones",
    )
    count: Count = Field(1000, description="the number of images, all classes together")
    noise: Share = Field(0.0, description="the fraction of pixels set at random")
    width: Annotated[Any, Pixels(SMALLEST_SIDE)] = Field(
        UNSAID, description="pixels; by default from 3/8 to 7/8 of the size"
    )
    height: Annotated[Any, Pixels(SMALLEST_SIDE)] = Field(
        UNSAID, description="pixels; by default from 3/8 to 7/8 of the size"
    )
    thickness: Annotated[Any, Pixels(1)] = Field(
        UNSAID, description="the stroke in pixels; by default from 1 to 1/8 of the size"
    )
    centered: Flag = Field(False, description="each shape in the middle rather than anywhere")


class Xor(Data):
    """Two classes at the corners of a square."""

    generator: Literal["xor"] = Field(description="the kind of data")
    count: Points = Field(400, description="the number of points")
    noise: Amount = Field(0.1, description="the standard deviation about the corners")


class Spirals(Data):
    """Interleaved spirals, a class an arm."""

    generator: Literal["spirals"] = Field(description="the kind of data")
    arms: Groups = Field(3, description="the number of spirals")
    count: Points = Field(600, description="the number of points")
    noise: Amount = Field(0.1, description="the standard deviation about the spirals")
    turns: Annotated[float, Field(gt=0, allow_inf_nan=False), says("a finite number above 0")] = (
        Field(1.0, description="how often a spiral goes round")
    )


class Moons(Data):
    """Two interleaved half circles."""

    generator: Literal["moons"] = Field(description="the kind of data")
    count: Points = Field(400, description="the number of points")
    noise: Amount = Field(0.1, description="the standard deviation about the half circles")


class Rings(Data):
    """Circles about one centre, a class each."""

    generator: Literal["rings"] = Field(description="the kind of data")
    rings: Groups = Field(2, description="the number of circles")
    count: Points = Field(400, description="the number of points")
    noise: Amount = Field(0.05, description="the standard deviation about the circles")


class Blobs(Data):
    """Clouds of points in any number of dimensions, a class each."""

    generator: Literal["blobs"] = Field(description="the kind of data")
    features: Count = Field(2, description="the number of dimensions")
    classes: Groups = Field(3, description="the number of clouds")
    count: Points = Field(600, description="the number of points")
    spread: Amount = Field(1.0, description="the standard deviation of a cloud")


class Curve(Data):
    """A curve with noise: one input, one value to learn."""

    generator: Literal["curve"] = Field(description="the kind of data")
    function: Annotated[Any, Word("function", tuple(CURVES))] = Field(
        "sine", description="the curve"
    )
    count: Points = Field(400, description="the number of points")
    noise: Amount = Field(0.1, description="the standard deviation about the curve")


class Echo(Data):
    """Sequences to be said again some steps later."""

    generator: Literal["echo"] = Field(description="the kind of data")
    steps: Annotated[Any, Pixels(1)] = Field(
        20, description="the steps of a sequence, or a range that lengths are drawn from"
    )
    delay: Whole = Field(5, description="how many steps later; below the number of steps")
    count: Points = Field(1000, description="the number of sequences")
    of: Annotated[Any, Word("kind of echo", ("values", "bits"))] = Field(
        "values", description="numbers from -1 to 1, or bits, which are classes"
    )


class Parity(Data):
    """Strings of bits: is the number of ones odd?"""

    generator: Literal["parity"] = Field(description="the kind of data")
    bits: Annotated[Any, Pixels(1)] = Field(
        8, description="the bits of a string, or a range of lengths"
    )
    count: Points = Field(
        UNSAID, description="the number of strings; by default all there are, at most 1000"
    )
    targets: Annotated[Any, Word("targets", ("all", "last"))] = Field(
        "last", description="a target after the last bit, or after all of them"
    )


GENERATORS: dict[str, type[Data]] = {
    "shapes": Shapes,
    "xor": Xor,
    "spirals": Spirals,
    "moons": Moons,
    "rings": Rings,
    "blobs": Blobs,
    "curve": Curve,
    "echo": Echo,
    "parity": Parity,
}
"""The models of the generators, by name."""

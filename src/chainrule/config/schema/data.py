"""The ``data:`` part of a configuration: one model for each kind of data.

Which of ``generator``, ``file``, ``folder`` and ``name`` is there says the kind, so that an
unknown key is reported against the keys of that kind alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WrapValidator

from chainrule.config.schema.fields import Count, FileName, Flag, Text, expected, said, says
from chainrule.config.schema.generators import (
    GENERATORS,
    UNSAID,
    Blobs,
    Curve,
    Data,
    Echo,
    Moons,
    Parity,
    Rings,
    Shapes,
    Spirals,
    Xor,
)
from chainrule.config.schema.words import Word, one_of
from chainrule.core.limits import MAX_IMAGE_SIDE
from chainrule.data.named.from_sklearn import IN_SKLEARN, NAMES
from chainrule.data.readers.characters import ENCODINGS
from chainrule.data.settings import KINDS, WINDOW


class File(Data):
    """Data of a file: delimited text, .npz or IDX."""

    file: FileName = Field(description="the file, from the configuration's folder")
    label: Annotated[Any, Word("label", ("last", "first"))] = Field(
        "last", description="the column of the label, in a text file"
    )
    header: Annotated[Literal["auto"] | bool, says("auto, true or false", words=("auto",))] = (
        Field("auto", description="whether a text file's first line names the columns")
    )
    labels: FileName = Field(UNSAID, description="the file of the labels, for IDX images")
    validation_file: FileName = Field(UNSAID, description="validation data in a file of their own")
    validation_labels: FileName = Field(UNSAID, description="their labels, for IDX images")
    test_file: FileName = Field(UNSAID, description="test data in a file of their own")
    test_labels: FileName = Field(UNSAID, description="their labels, for IDX images")
    classes: Annotated[list[Text], Field(min_length=2), says("a list of at least 2 names")] = (
        Field([], description="the names of the classes, in order")
    )


class Characters(Data):
    """A text whose next character is to be predicted."""

    text: FileName = Field(description="a UTF-8 file, from the configuration's folder")
    steps: Count = Field(WINDOW, description="the characters of a window")
    stride: Count = Field(
        UNSAID, description="from a window's beginning to the next one's; by default steps"
    )
    encoding: Annotated[Any, Word("encoding", ENCODINGS)] = Field(
        "one_hot", description="a 1 at the character's number, or the number itself"
    )


Side = Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)]


class Folder(Data):
    """Images in one subfolder for each class, or the published files of CIFAR."""

    folder: FileName = Field(description="the folder, from the configuration's folder")
    size: Annotated[
        Side | Annotated[list[Side], Field(min_length=2, max_length=2)],
        says(f"a whole number from 1 to {MAX_IMAGE_SIDE}, or two: [height, width]"),
    ] = Field(UNSAID, description="resize to this; by default all images must agree")
    color: Flag = Field(False, description="red, green and blue rather than grey")


class Named(Data):
    """A set that comes with scikit-learn."""

    name: Annotated[Any, Word("data set", IN_SKLEARN)] = Field(description="the set")


class Cifar10(Data):
    """CIFAR-10 from the user's copy of the published files."""

    name: Literal["cifar10"] = Field(description="the set")
    path: FileName = Field(
        UNSAID,
        description="the folder of the published files; by default cifar-10-batches-py in data/ "
        "beside the configuration or in the folder that CHAINRULE_DATA names",
    )
    classes: Annotated[list[Text], Field(min_length=2), says("a list of at least 2 names")] = (
        Field([], description="the classes to take, in this order; by default all")
    )
    count: Count = Field(
        UNSAID,
        description="at most so many images to train and validate on, the first; by default all",
    )


class Cifar100(Cifar10):
    """CIFAR-100 from the user's copy of the published files."""

    name: Literal["cifar100"] = Field(description="the set")  # type: ignore[assignment]
    label: Annotated[Any, Word("label", ("fine", "coarse"))] = Field(
        "fine", description="the 100 fine classes or the 20 coarse ones"
    )


_NAMED: dict[str, type[Data]] = {"cifar10": Cifar10, "cifar100": Cifar100}


def _by_kind(value: Any, handler: Any) -> Data:
    """The data of the one kind that is meant; only its own errors are reported."""
    if not isinstance(value, dict | None):
        raise expected("a mapping of keys to values, such as {generator: shapes}")
    value = dict(value or {})
    kinds = [key for key in value if key in KINDS]
    if len(kinds) > 1:
        first, second = kinds[:2]
        both = f"found both {first!r} and {second!r}"
        raise said(f"data come from one of {one_of(KINDS)}, {both}", second)
    if not kinds:
        value["generator"] = "shapes"
    kind = kinds[0] if kinds else "generator"
    if kind == "file":
        return File.model_validate(value)
    if kind == "text":
        return Characters.model_validate(value)
    if kind == "folder":
        return Folder.model_validate(value)
    table = tuple(GENERATORS) if kind == "generator" else NAMES
    value[kind] = Word("generator" if kind == "generator" else "data set", table).check(
        value[kind], at=kind
    )
    if kind == "generator":
        return GENERATORS[value[kind]].model_validate(value)
    return _NAMED.get(value[kind], Named).model_validate(value)


AnyData = Annotated[
    Shapes
    | Xor
    | Spirals
    | Moons
    | Rings
    | Blobs
    | Curve
    | Echo
    | Parity
    | Characters
    | File
    | Folder
    | Named
    | Cifar10
    | Cifar100,
    WrapValidator(_by_kind),
]
"""Data of any kind."""

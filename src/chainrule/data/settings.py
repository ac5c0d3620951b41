"""The ``data:`` part of a configuration: a model for each kind of data, and rules for its values.

The one key among ``generator``, ``file``, ``folder``, ``name`` and ``text`` that is present gives
the kind, so that the message for an unknown key lists only the keys of that kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, create_model

from chainrule.core.declared import Arguments, arguments_of
from chainrule.core.errors import ConfigError, shown
from chainrule.core.limits import MAX_COLUMNS
from chainrule.core.schema import (
    NAME_BYTES,
    Count,
    FileName,
    Flag,
    KeyPath,
    Metadata,
    OneOf,
    Text,
    Whole,
    Word,
    described_as,
    expected,
    invalid,
    one_of,
    validated,
)
from chainrule.data.generators.base import GENERATORS as DECLARED
from chainrule.data.generators.base import UNSAID, Data
from chainrule.data.generators.points import POINT_SETS
from chainrule.data.generators.sequences import SEQUENCES
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.data.named.from_sklearn import CIFAR_NAMES, IN_SKLEARN, NAMES
from chainrule.data.readers.characters import read_characters
from chainrule.data.readers.image_folder import read_image_folder
from chainrule.data.splits import DEFAULT_SPLIT
from chainrule.data.written import Classes, Written, counts_of_written, is_text

T = TypeVar("T")

WRITTEN_KINDS = ("generator", "file", "folder", "name", "text", "x")
"""Exactly one of these keys of a configuration says where the data come from."""

KINDS = (*WRITTEN_KINDS, "python")
"""The same, and the key of data that are passed in Python."""

COMMON_KEYS = tuple(Data.model_fields)
"""The settings that every kind of data has."""

PATH_KEYS = (
    "path",
    "file",
    "folder",
    "text",
    "labels",
    "validation_file",
    "validation_labels",
    "test_file",
    "test_labels",
    "validation_folder",
    "test_folder",
)
"""The keys that name a file or a folder."""

FOLDER_KEYS = ("path", "folder", "validation_folder", "test_folder")
"""Those of them that name a folder."""

GENERATORS: Mapping[str, Arguments] = {
    name: DECLARED[name] for name in ("shapes", *POINT_SETS, *SEQUENCES)
}
"""The generators by name, with the settings of each."""


@dataclass(frozen=True)
class Columns(Metadata):
    """Columns of a table by name, or by number from 1; one of them may be written alone.

    Attributes:
        ways: what may be said of each column, as a mapping from columns to these words; the
            first is meant where columns are only listed.
    """

    ways: tuple[str, ...] = ()

    def check(self, value: Any) -> list[str | int] | dict[str | int, str]:
        """The columns as a list, or as a mapping from column to way."""
        if self.ways and isinstance(value, dict) and value:
            word = Word("way", self.ways)
            return {one_column(k): word.check(way, at=k) for k, way in value.items()}
        if not isinstance(value, list):
            return [one_column(value)]
        if not value:
            raise expected("a list of columns, each a name or a number from 1")
        return [one_column(column, at) for at, column in enumerate(value)]

    def json_schema(self) -> dict[str, Any]:
        """A column, or a list of them; with ways also a mapping."""
        one = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}
        forms: list[Any] = [*one["anyOf"], {"type": "array", "items": one, "minItems": 1}]
        if self.ways:
            way = {"type": "string", "enum": list(self.ways)}
            forms.append({"type": "object", "additionalProperties": way, "minProperties": 1})
        return {"anyOf": forms}


def one_column(value: Any, at: str | int | None = None) -> str | int:
    """A column's name, or its number: from 1, or from −1 for those counted from the last."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 < abs(value) <= MAX_COLUMNS:
        return value
    raise expected("a column: its name, or its number from 1 (the last is -1)", at)


@dataclass(frozen=True)
class OneColumn(Metadata):
    """A column of a table, by name or by number from 1."""

    def check(self, value: Any) -> str | int:
        """The name or the number."""
        return one_column(value)

    def json_schema(self) -> dict[str, Any]:
        """A text or a whole number."""
        return {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}


@dataclass(frozen=True)
class Missing(Metadata):
    """What stands for missing cells: one way for all columns, or one for each."""

    def check(self, value: Any) -> str | dict[str | int, str]:
        """The way, or the mapping from column to way."""
        word = Word("way", WAYS_OF_MISSING)
        if isinstance(value, dict) and value:
            return {one_column(k): word.check(way, at=k) for k, way in value.items()}
        return word.check(value)

    def json_schema(self) -> dict[str, Any]:
        """A word, or a mapping of columns to words."""
        word = {"type": "string", "enum": list(WAYS_OF_MISSING)}
        by_column = {"type": "object", "additionalProperties": word, "minProperties": 1}
        return {"anyOf": [word, by_column]}


WAYS_OF_MISSING = ("error", "mean", "median", "most_frequent", "zero", "drop")
"""What may be done about a missing cell; see `chainrule.data.tables.encoding`."""


class TableKeys(Data):
    """The settings that say what the columns of a table are for."""

    label: Annotated[Any, Columns()] = Field(
        "last",
        description="of a table, the column of the label: its name, its number from 1, last or "
        "first; a list for several targets or one-hot columns",
    )
    label_separator: Text = Field(
        UNSAID,
        description="what separates labels where a cell of the label lists several, such as |",
    )
    columns: Annotated[Any, Columns()] = Field(
        UNSAID, description="the columns that are inputs; by default all that are not labels"
    )
    drop: Annotated[Any, Columns()] = Field(
        UNSAID, description="columns to leave out, such as an id"
    )
    categorical: Annotated[Any, Columns(("one_hot", "integer"))] = Field(
        UNSAID,
        description="columns whose cells are categories, as a list or as {NAME: one_hot} or "
        "{NAME: integer}; columns of texts are one_hot by default",
    )
    new_categories: Annotated[Any, Word("way", ("error", "other"))] = Field(
        "error", description="whether a category that training has not seen is an error"
    )
    missing: Annotated[Any, Missing()] = Field(
        UNSAID,
        description="what stands for missing cells: mean, median, most_frequent or zero; drop "
        "leaves out their rows, error refuses them; {NAME: zero} for one column; by default mean "
        "of numbers and most_frequent of categories, if at most half of a column is missing",
    )
    missing_indicator: Flag = Field(
        False, description="add an input for each column with missing cells: 1 where one is"
    )
    weight: Annotated[Any, OneColumn()] = Field(
        UNSAID, description="the column of the cases' weights in loss and scores"
    )
    group: Annotated[Any, OneColumn()] = Field(
        UNSAID, description="the column of a group that the split never divides, such as patient"
    )
    time: Annotated[Any, OneColumn()] = Field(
        UNSAID, description="the column by which the split is made in order, the earliest to train"
    )
    image: Annotated[
        list[Count], Field(min_length=2, max_length=2), described_as("a list of height and width")
    ] = Field(
        UNSAID,
        description="the inputs of a row are the grey values of an image of this height and width",
    )
    classes: Classes = Field([], description="the names of the classes, in order")


PassedForm = Literal["arrays", "table"]


class Given(TableKeys):
    """Data that are passed in Python, as ``chainrule.train(config, data=...)``."""

    python: PassedForm = Field(description="what was passed")
    validation_python: PassedForm = Field(
        UNSAID, description="written into a run whose validation data were passed, as validation="
    )
    test_python: PassedForm = Field(
        UNSAID, description="written into a run whose test data were passed, as test="
    )


def _is_file_name(value: Any) -> bool:
    """Whether a value is a text that may name a file, with bytes that are no text (PEP 383)."""
    return isinstance(value, str) and bool(value) and is_text(NAME_BYTES.sub("?", value))


@dataclass(frozen=True)
class FileNames(Metadata):
    """A file, a pattern that files match, or a list of these, which are read as one table."""

    def check(self, value: Any) -> str | list[str]:
        """The name, or the list of names."""
        names = value if isinstance(value, list) else [value]
        if names and all(map(_is_file_name, names)):
            return value
        if isinstance(value, list):
            raise expected("a list of one or more names of files")
        raise expected("a text (in quotes if it looks like a number)")

    def json_schema(self) -> dict[str, Any]:
        """A text, or a list of them."""
        one = {"type": "string", "minLength": 1}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def names_in(value: str | Path | Sequence[str]) -> list[str]:
    """The names of files in the value of a key that may list several."""
    return list(map(str, value)) if isinstance(value, list | tuple) else [str(value)]


def with_each_name(value: Any, change: Callable[[str], T]) -> T | list[T]:
    """The value of a key that names files, with every name changed."""
    return list(map(change, value)) if isinstance(value, list | tuple) else change(value)


class File(TableKeys):
    """Data from a file: a table (such as CSV), .npz or IDX."""

    file: Annotated[Any, FileNames()] = Field(
        description="the file, from the configuration's folder; all files that match a pattern "
        "such as part-*.csv, or that are listed, are read as one table"
    )
    header: Annotated[
        Literal["auto"] | bool, described_as("auto, true or false", words=("auto",))
    ] = Field("auto", description="whether a table's first line names the columns")
    delimiter: Text = Field(UNSAID, description="what separates cells; by default it is found")
    decimal: Annotated[Any, Word("mark", (".", ","))] = Field(
        UNSAID, description="the decimal mark of numbers; by default it is found"
    )
    thousands: Annotated[Any, Word("mark", (",", ".", " ", "'"))] = Field(
        UNSAID, description="the mark between groups of three digits"
    )
    encoding: Text = Field(UNSAID, description="the encoding of a text file, by default UTF-8")
    comment: Annotated[str, described_as('a text, or "" for none')] = Field(
        "#", description='what begins a line that is passed over; "" for none'
    )
    skip_rows: Whole = Field(0, description="lines to pass over before the table begins")
    na: Annotated[list[str], described_as("a list of words")] = Field(
        UNSAID,
        description="the words that stand for missing cells, as empty ones do; by default ?, NA, "
        "nan, ...",
    )
    sheet: Annotated[Any, OneColumn()] = Field(
        UNSAID, description="the sheet of a workbook by name or number, by default the first"
    )
    labels: FileName = Field(UNSAID, description="the file of the labels, for IDX images")
    validation_file: Annotated[Any, FileNames()] = Field(
        UNSAID, description="validation data in files of their own"
    )
    validation_labels: FileName = Field(UNSAID, description="their labels, for IDX images")
    test_file: Annotated[Any, FileNames()] = Field(
        UNSAID, description="test data in files of their own"
    )
    test_labels: FileName = Field(UNSAID, description="their labels, for IDX images")


ONLY_OF_TABLES = (
    *(key for key in TableKeys.model_fields if key not in (*COMMON_KEYS, "classes")),
    *(
        "header",
        "delimiter",
        "decimal",
        "thousands",
        "encoding",
        "comment",
        "skip_rows",
        "na",
        "sheet",
    ),
)
"""The settings that files of arrays, .npz and IDX, do not take."""

FILE_KEYS = tuple(key for key in File.model_fields if key not in (*COMMON_KEYS, "file"))
"""The settings that only data from a file have."""

Characters = create_model(
    "Characters",
    __base__=Data,
    __doc__="A text whose next character is to be predicted.",
    text=(FileName, Field(description="a UTF-8 file, from the configuration's folder")),
    **arguments_of(read_characters, Data),
)
Folder = create_model(
    "Folder",
    __base__=Data,
    __doc__="Images in one subfolder for each class, or the published files of CIFAR.",
    folder=(
        FileName,
        Field(
            description="the folder, from the configuration's folder; its folders train, val (or "
            "valid, validation) and test are parts of the data"
        ),
    ),
    validation_folder=(
        FileName,
        Field(UNSAID, description="validation images in a folder of their own, of the same form"),
    ),
    test_folder=(
        FileName,
        Field(UNSAID, description="test images in a folder of their own, of the same form"),
    ),
    **arguments_of(read_image_folder, Data),
)


class Named(Data):
    """A data set that comes with scikit-learn."""

    name: Annotated[Any, Word("data set", IN_SKLEARN)] = Field(description="the set")


class Cifar10(Data):
    """CIFAR-10 from the user's copy of the published files."""

    name: Literal["cifar10"] = Field(description="the set")
    path: FileName = Field(
        UNSAID,
        description="the folder of the published files; by default cifar-10-batches-py in data/ "
        "beside the configuration or in the folder that CHAINRULE_DATA names",
    )
    classes: Classes = Field([], description="the classes to take, in this order; by default all")
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


_READ: Mapping[str, type[Data]] = {
    "file": File,
    "text": Characters,
    "folder": Folder,
    "python": Given,
    "x": Written,
}
_NAMED: Mapping[str, type[Data]] = {"cifar10": Cifar10, "cifar100": Cifar100}


def _by_kind(value: Any) -> Any:
    """The value, validated by the model of its kind, so that only its errors are reported."""
    if not isinstance(value, dict | None):
        raise expected("a mapping of keys to values, such as {generator: shapes}")
    value = dict(value or {})
    if "python" in value:  # what is passed replaces a source that the configuration names
        elsewhere = {key for model in _models() for key in model.model_fields}
        foreign = {*KINDS, *elsewhere} - {*Given.model_fields}
        value = {key: setting for key, setting in value.items() if key not in foreign}
    kinds = [key for key in value if key in KINDS]
    if len(kinds) > 1:
        first, second = kinds[:2]
        both = f"found both {first!r} and {second!r}"
        raise invalid(f"data come from one of {one_of(WRITTEN_KINDS)}, {both}", second)
    if not kinds and {"t", "y", "X"} & set(value):  # then x and t were meant
        return Written.model_validate(value)
    if not kinds:
        kinds, value["generator"] = ["generator"], "shapes"
    (kind,) = kinds
    if kind in _READ:
        return _READ[kind].model_validate(value)
    if kind == "name":
        value[kind] = Word("data set", NAMES).check(value[kind], at=kind)
        return _NAMED.get(value[kind], Named).model_validate(value)
    value[kind] = Word("generator", tuple(GENERATORS)).check(value[kind], at=kind)
    return GENERATORS[value[kind]].model.model_validate(value)


def _models() -> list[type[Data]]:
    """The models of all kinds of data."""
    made: list[Any] = [known.model for known in GENERATORS.values()]
    return [*made, Characters, File, Folder, Given, Written, Named, Cifar10, Cifar100]


AnyData = Annotated[Data, OneOf(_by_kind, _models)]
"""Data of any kind."""


@cache
def _any_data() -> TypeAdapter[Any]:
    return TypeAdapter(AnyData)


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, validated by the model of their kind, without those that are None.

    Raises:
        ConfigError: they are not valid; the error lists everything that is wrong.
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(f"data are described by a mapping, found {shown(settings)}")
    written = {key: value for key, value in settings.items() if value is not None}
    if not any(kind in written for kind in KINDS):
        raise ConfigError(f"data come from one of {one_of(WRITTEN_KINDS)}; found none of them")
    broken = ((str(path[0]), message) for path, message in data_problems(written))
    read = validated(_any_data().validate_python, written, broken)
    found: dict[str, Any] = read.model_dump(exclude_unset=True)
    return found


def data_problems(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """The key and the message of each conflict between settings; invalid values are ignored."""
    kinds = [key for key in data if key in KINDS]
    if are_sequences(data) and data.get("standardize") not in (None, False):
        message = "standardize is for rows of numbers and images, not for sequences"
        yield ("standardize",), message
    if data.get("target") == "labels" and len(kinds) < 2 and kinds not in (["file"], ["python"]):
        yield ("target",), "target: labels is for a file with a row of 0 and 1 for each case"
    if data.get("scale_targets") is True and data.get("target") in ("class", "labels"):
        message = "scale_targets is for targets that are values, with target: value"
        yield ("scale_targets",), message
    if kinds == ["file"]:
        yield from _file_problems(data)
    elif kinds == ["x"]:
        yield from counts_of_written(data)
    elif kinds in (["folder"], ["python"]):
        yield from _split_problems(data, kinds[0])
    elif kinds == ["name"] and has_its_own(data, "test") and _part_of_split(data, 2):
        yield ("split", 2), "the test part of split must be 0: the set has test images of its own"
    elif kinds in ([], ["generator"]) and (known := GENERATORS.get(_generator(data))):
        yield from (((key,), message) for key, message in known.problems(data))


def _file_problems(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """The conflicts of validation and test data that have files of their own."""
    yield from _split_problems(data, "file")
    for part in ("validation", "test"):
        file, labels = f"{part}_file", f"{part}_labels"
        if labels in data and file not in data:
            yield (labels,), f"{labels} is given, but no {file}"
        if file in data and "labels" in data and labels not in data:
            yield (file,), f"{file} is given, but no {labels}"


def _split_problems(data: Mapping[str, Any], kind: str) -> Iterator[tuple[KeyPath, str]]:
    """The fractions of the split for validation and test data that have a source of their own."""
    for k, part in enumerate(("validation", "test"), start=1):
        key = f"{part}_{kind}"
        if key in data and _part_of_split(data, k):
            giver = f"{part}=" if kind == "python" else key
            yield ("split", k), f"the {part} part of split must be 0: {giver} gives it"


def _part_of_split(data: Mapping[str, Any], part: int) -> Any:
    split = data.get("split")
    return split[part] if isinstance(split, list | tuple) and len(split) == 3 else 0


def has_its_own(data: Mapping[str, Any], part: str) -> bool:
    """Whether the validation or test ``part`` has its own cases, which are not split off."""
    published = part == "test" and data.get("name") in CIFAR_NAMES
    return published or any(f"{part}_{kind}" in data for kind in ("file", "folder", "python"))


def _generator(data: Mapping[str, Any]) -> str:
    """The name of the generator in lower case; shapes by default."""
    word = data.get("generator", "shapes")
    return word.lower() if isinstance(word, str) else ""


def are_sequences(data: Mapping[str, Any]) -> bool:
    """Whether the data are sequences, steps by features."""
    return "text" in data or ("generator" in data and _generator(data) in SEQUENCES)


def fractions_of(data: Mapping[str, Any]) -> tuple[float, float, float]:
    """The fractions of the split; training gets the default share of a part with its own cases."""
    if "split" in data:
        train, validation, test = data["split"]
        return train, validation, test
    if "x" in data:
        return 1.0, 0.0, 0.0
    validation, test = (
        0.0 if has_its_own(data, name) else fraction
        for name, fraction in zip(("validation", "test"), DEFAULT_SPLIT[1:], strict=True)
    )
    return 1 - validation - test, validation, test


def own_arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are arguments of the generator, or of the reader of a text or a folder."""
    read = next((model for kind, model in _READ.items() if kind in data), None)
    own = {*(read or GENERATORS[data["generator"]].model).model_fields}
    own -= {*COMMON_KEYS, *KINDS, *PATH_KEYS}
    return {key: data[key] for key in data if key in own and data[key] is not None}


def with_defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings with every default written out, except the seed.

    A run is saved with these, so that it can be repeated after a default has changed.

    Example:
        >>> with_defaults({"generator": "moons", "noise": 0.2})["count"]
        400
    """
    chosen: dict[str, Any] = {"split": list(fractions_of(data)), "standardize": False}
    if "text" in data:
        chosen |= {key: Characters.model_fields[key].default for key in ("steps", "encoding")}
    elif "generator" in data:
        _, *arguments = GENERATORS[data["generator"]].signature.parameters.values()
        own = {each.name: each.default for each in arguments if each.name != "seed"}
        if data["generator"] == "shapes":  # some of its defaults follow from the size
            made = ImageGenerator(**own_arguments(data), flatten=data.get("flatten", True))
            own = {key: getattr(made, key) for key in own}
        chosen |= own
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in chosen.items()}
    return {**data, **{k: v for k, v in plain.items() if v is not None and k not in data}}

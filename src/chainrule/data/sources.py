"""From the ``data`` part of a configuration to training, validation and test data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.core.randomness import stream
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.digests import with_digests
from chainrule.data.generators.points import POINT_SETS
from chainrule.data.generators.sequences import SEQUENCES
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.data.named.cifar import as_published, find_published, read_published
from chainrule.data.named.from_sklearn import CIFAR_NAMES, read_named
from chainrule.data.passed import Passed, passed_as_written
from chainrule.data.preparing import (
    changed,
    in_numbers,
    standardized,
    with_note_of_weights,
    with_values,
)
from chainrule.data.readers.cases import (
    Cases,
    Labels,
    channels_of,
    picture_shape,
    place_channels,
)
from chainrule.data.readers.characters import read_characters
from chainrule.data.readers.encoding import has_type
from chainrule.data.readers.files import is_table, read_cases
from chainrule.data.readers.image_folder import read_image_parts, with_parts
from chainrule.data.readers.npz_file import with_npz_parts
from chainrule.data.readers.paths import files_matching, plain_path
from chainrule.data.readers.sequence_file import (
    Sequences,
    holds_sequences,
    parts_with_names,
    read_sequences,
)
from chainrule.data.settings import (
    FILE_KEYS,
    KINDS,
    ONLY_OF_TABLES,
    PATH_KEYS,
    checked_settings,
    fractions_of,
    names_in,
    own_arguments,
)
from chainrule.data.splits import split_cases
from chainrule.data.suspicions import Rank, Suspicion, in_order, suspicions_of_data
from chainrule.data.tables.dividing import TableLoading
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.loading import Reader, file_reader
from chainrule.data.tables.table import Table
from chainrule.data.target_scaling import note_on_targets, with_scaled_targets
from chainrule.data.targets import TargetRule


def load_data(
    settings: Mapping[str, Any],
    *,
    folder: Path,
    seed: int,
    outputs: int | None = None,
    target: str | None = None,
    dtype: str = "float64",
    sequences: bool = False,
    encoding: TableEncoding | None = None,
    classes: Sequence[str] | None = None,
    given: Passed | None = None,
    labels: bool = False,
) -> DataSplit:
    """Make or read the data that a configuration describes.

    Whether targets are classes or values follows from the first of these that applies:

    1. the setting ``target`` decides;
    2. labels with names are classes;
    3. the argument ``target`` decides, except that whole numbers and one-hot rows are classes
       if the network has several outputs;
    4. whole numbers and one-hot rows are classes, other numbers are values.

    Without the setting, class numbers become values only for one output with ``target="value"``.

    With ``labels`` or the setting ``target: labels``, rows of 0 and 1 are the labels of a case,
    of which it may have several or none. With ``labels`` alone, rows that all are one-hot are
    classes, and a note says so.

    Args:
        settings: the ``data`` mapping; keys that are absent or None have their defaults.
        folder: where relative paths start.
        seed: the run's seed, used unless the settings have their own.
        outputs: the network's number of outputs where it is known.
        target: ``class`` or ``value``, as the loss expects.
        dtype: the network's. For ``float32`` the inputs of CIFAR are float32, which halves the
            memory; other inputs keep the precision in which they were read.
        sequences: whether the network reads sequences: an .npz file of x with three dimensions
            is then read as (cases, steps, features).
        encoding: how an earlier training has encoded the columns of a table, to do it again.
        classes: the names that an earlier training gave the classes of files, in their order, to
            number them alike; a case of another class then gets the number −1. None if there was
            no training, or if the targets were values.
        given: the data of the kind ``python``, which were passed in Python.
        labels: whether each output is a probability of its own, as with sigmoid outputs and
            binary cross-entropy, so that a case may have several labels.

    Returns:
        The three parts, split, flattened and standardised as the settings say.

    Raises:
        ConfigError: the settings are not valid or do not fit the data.
        DataError: the data cannot be read.
        MissingExtraError: a named set needs scikit-learn, which is not installed.

    Example:
        >>> data = load_data({"generator": "xor", "count": 40}, folder=Path(), seed=1)
        >>> [len(part) for part in data], data.classes
        ([28, 8, 4], ('0', '1'))
    """
    folder = Path(folder)
    settings = with_parts_of_files(checked_settings(settings), folder)
    seed = settings.get("seed", seed)
    where = "passed in Python"
    if "x" in settings:
        settings, given = passed_as_written(settings, sequences=sequences)
        where = IN_CONFIGURATION
    rule = TargetRule(settings, outputs, target, labels, classes)
    loading = _Loading(settings, folder, seed, rule, encoding, given, where)
    return loading.load(dtype, sequences=sequences)


def with_parts_of_files(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The settings of data, with the parts written out that their files and folders have.

    Args:
        settings: the ``data`` part of a configuration.
        folder: where its relative paths start.

    Raises:
        ConfigError: a part is a setting as well, or gets a fraction of the split.
        DataError: the files do not hold what belongs to their parts.
    """
    return with_npz_parts(with_parts(as_published(settings, folder), folder), folder)


NOT_IN_A_FILE = (
    "the data were passed in Python, as chainrule.train(config, data=...), and are in no file; "
    "pass them again, or write file: with a file that holds them in place of python:"
)

IN_CONFIGURATION = "written in the configuration"

# The cases to be split, and the validation and test cases that come from sources of their own.
_Sources = tuple[Cases, Cases | None, Cases | None]


@dataclass(frozen=True)
class _Loading:
    """One call of `load_data`; the attributes are its arguments, and doubts found on the way.

    ``where`` says where the data of the kind ``python`` stand, for messages.
    """

    settings: Mapping[str, Any]
    folder: Path
    seed: int
    rule: TargetRule
    encoding: TableEncoding | None
    given: Passed | None
    where: str
    doubts: list[Suspicion] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The key that says where the data come from."""
        return next(kind for kind in KINDS if kind in self.settings)

    @property
    def generator(self) -> str | None:
        """The name of the generator, or None if the data are read."""
        return self.settings.get("generator")

    def load(self, dtype: str, *, sequences: bool) -> DataSplit:
        """The data, split and standardised."""
        kind = self.kind
        if self.generator == "shapes":
            data = self._shapes()
        elif kind == "file" and holds_sequences(self._path("file"), wanted=sequences):
            data = self._sequence_file()
        elif kind == "python" and isinstance(self._passed().train, Sequences):
            data = self._passed_sequences()
        elif self._is_table:
            data = self._tables()
        elif kind == "text":
            data = self._characters()
        elif self.generator in SEQUENCES:
            data = self._split_sequences(self._made(SEQUENCES), ("0", "1"), str(self.generator))
        else:
            read = {
                "generator": self._points,
                "file": self._files,
                "folder": self._images,
                "name": self._named,
                "python": self._passed_cases,
            }
            sources = read[kind]()
            data = self._from_cases(sources)
            if kind == "folder":
                dtype = "float64"  # as images were read before they could be read as bytes
            data = in_numbers(data, dtype, are_bytes=sources[0].are_bytes)
        data = with_note_of_weights(data)
        if self.generator is None:  # a generator makes the same cases each time
            data = with_digests(data)
        data = self._with_scaled_targets(data)
        wanted = self.settings.get("standardize", False)
        if wanted:
            data = standardized(data, center_only=wanted == "center")
        return data if self.kind == "generator" else self._with_doubts(data)

    def _with_doubts(self, data: DataSplit) -> DataSplit:
        """The data with what is doubtful about them, the worst first."""
        doubts = [*self.doubts, *suspicions_of_data(data, self.settings)]
        return replace(data, doubts=in_order(doubts))

    def _with_scaled_targets(self, data: DataSplit) -> DataSplit:
        """The data with scaled targets if they are to be; a doubt if that may be needed."""
        are_values = data.classes is None and not data.multi_label
        if not self.settings.get("scale_targets", False):
            said = "scale_targets" in self.settings or not are_values
            note = None if said else note_on_targets(data.train.t)
            if note is not None:
                self.doubts.append(Suspicion(Rank.LEARNING_IS_WORSE, note))
            return data
        if not are_values:
            found = "labels" if data.multi_label else f"{len(data.classes or ())} classes"
            message = f"scale_targets is for targets that are values; these are {found}"
            raise ConfigError(Problem(message, key="scale_targets"))
        return with_scaled_targets(data)

    def _path(self, key: str) -> Path:
        """The file or folder that a setting names; of several, the first."""
        return self._paths(key)[0]

    def _paths(self, key: str) -> list[Path]:
        """The files that a setting names or that match its pattern."""
        named = [plain_path(self.folder / name) for name in names_in(self.settings[key])]
        return [file for path in named for file in files_matching(path)]

    def _split(self, count: int, classes: Array | None) -> tuple[Array, Array, Array]:
        """The indices of the cases of each part."""
        rng = stream(self.seed, "data", "split")
        train, validation, test = split_cases(count, fractions_of(self.settings), rng, classes)
        if self.where == IN_CONFIGURATION:  # the few cases stay in the order of the file
            return np.sort(train), np.sort(validation), np.sort(test)
        return train, validation, test

    def _made(self, makers: Mapping[str, Callable[..., Dataset]]) -> Dataset:
        """The data set made by the generator, which is one of ``makers``."""
        name = self.settings["generator"]
        return makers[name](stream(self.seed, "data", name), **own_arguments(self.settings))

    def _shapes(self) -> DataSplit:
        """Images of shapes, which the generator splits itself."""
        shared = {k: self.settings[k] for k in ("flatten", "split") if k in self.settings}
        own = own_arguments(self.settings)
        data = ImageGenerator(**own, **shared, seed=self.seed).generate()
        if not self.rule.are_values:
            return data
        return changed(
            data, lambda part: replace(part, t=part.t[:, None].astype(float)), classes=None
        )

    def _characters(self) -> DataSplit:
        """The characters of a text, which its reader splits by position."""
        if self.settings.get("target") == "value":
            message = "target of a text is class: the character that comes next"
            raise ConfigError(Problem(message, key="target"))
        own = own_arguments(self.settings)
        return read_characters(self._path("text"), split=fractions_of(self.settings), **own)

    def _sequence_file(self) -> DataSplit:
        """Sequences of one file, which is split."""
        path = self._path("file")
        others = [key for key in self.settings if key in FILE_KEYS]
        if others:
            message = f"{others[0]} is not for a file of sequences, as {path.name} is one"
            raise ConfigError(Problem(message, key=others[0]))
        return self._split_parts([read_sequences(path), None, None], path.name, path)

    def _split_parts(
        self, found: Sequence[Sequences | None], source: str, path: Path | None = None
    ) -> DataSplit:
        """Sequences to split, and validation and test sequences of their own or None."""
        (whole, *own), names = parts_with_names(found, self.rule.classes, source, path)
        assert whole is not None
        assert found[0] is not None
        return self._split_sequences(whole, names, source, found[0].target_names, own)

    def _split_sequences(
        self,
        made: Dataset,
        names: Sequence[str] | None,
        source: str,
        target_names: tuple[str, ...] | None = None,
        own: Sequence[Dataset | None] = (None, None),
    ) -> DataSplit:
        """The sequences, split, beside those of ``own``; class numbers may become values."""
        are_numbers = made.t.dtype.kind == "i"
        path = self._path("file") if self.kind == "file" else None
        are_sets = self.rule.are_sets_of_sequences(made.t, path)
        wanted = self.settings.get("target", self.rule.target)
        if not (are_numbers or are_sets) and wanted == "class":
            message = (
                f"{source} gives values here, not classes; choose a loss for values, such as mse"
            )
            if self.kind == "file":
                message += f", or make t whole numbers, one a class (it holds {made.t.dtype})"
            key = "target" if "target" in self.settings else self.kind
            raise ConfigError(Problem(message, key=key))
        classes = tuple(names) if names and are_numbers and not self.rule.are_values else None
        if are_sets and target_names is None and names is not None:
            target_names = tuple(names)
        columns = made.t.shape[-1] if made.t.ndim > 1 and not are_numbers else 1
        if classes is None and target_names is not None and len(target_names) != columns:
            message = f"{source} names {len(target_names)} targets, but t has {columns} columns"
            raise DataError(Problem(message, key=self.kind))
        steps, features = made.x.shape[1:]
        parts = self._split(len(made), made.t if made.t.ndim == 1 and classes else None)
        train, validation, test = (
            made.take(rows) if part is None else part
            for rows, part in zip(parts, (None, *own), strict=True)
        )
        data = DataSplit(
            train,
            validation,
            test,
            classes=classes,
            sequence_shape=(steps, features),
            source=f"{source}: {len(made)} sequences of {steps} steps",
            label_type="int" if classes and has_type(classes, "int") else "text",
            target_names=target_names if classes is None else None,
            multi_label=are_sets,
        )
        return changed(data, with_values) if are_numbers and self.rule.are_values else data

    def _points(self) -> _Sources:
        points = self._made(POINT_SETS)
        names = None
        if points.t.ndim == 1:
            names = tuple(str(k) for k in range(int(points.t.max()) + 1))
        labels = Labels(points.t, lambda _, message: Problem(message), names=names)
        return Cases(points.x, labels), None, None

    def _file(self, key: str, labels: str) -> Cases | None:
        """The cases of the file that the setting ``key`` names, or None if it is absent."""
        if key not in self.settings:
            return None
        if len(self._paths(key)) > 1:
            message = "only tables are read from several files, not arrays"
            raise ConfigError(Problem(message, key=key))
        return read_cases(
            self._path(key),
            labels=self._path(labels) if labels in self.settings else None,
            part="train" if key == "file" else key.removesuffix("_file"),
        )

    def _files(self) -> _Sources:
        for key in ONLY_OF_TABLES:
            if key in self.settings:
                message = f"{key} is for tables; {self._path('file').name} holds arrays"
                raise ConfigError(Problem(message, key=key))
        train = self._file("file", "labels")
        validation = self._file("validation_file", "validation_labels")
        test = self._file("test_file", "test_labels")
        assert train is not None
        for key, cases in (("validation_file", validation), ("test_file", test)):
            if cases is not None and cases.x.shape[1:] != train.x.shape[1:]:
                found, expected = (_inputs(x.x.shape[1:]) for x in (cases, train))
                message = f"found {found} a case, but {self._path('file').name} has {expected}"
                raise DataError(Problem(message, self._path(key)))
            if cases is not None and cases.are_bytes != train.are_bytes:
                message = f"its images are {cases.x.dtype}, those to train on {train.x.dtype}"
                raise DataError(Problem(message, self._path(key)))
        return train, validation, test

    def _tables(self) -> DataSplit:
        """Tables, whose columns become labels and inputs as the settings say."""
        loading = TableLoading(self.settings, self.seed, self.rule, self.encoding, self.doubts)
        data = loading.load(self._table_reader())
        assert data.encoding is not None
        count, width = sum(map(len, data)), data.encoding.width
        return replace(data, source=self._description(count, (width,), data.classes))

    def _table_reader(self) -> Reader:
        """The reader of the configuration's files, or of the table that was passed."""
        if self.kind == "python":
            parts = zip(
                ("file", "validation_file", "test_file"), self._passed().parts, strict=True
            )
            tables = {key: part for key, part in parts if isinstance(part, Table)}
            return lambda key, texts: tables[key].with_texts(texts)
        return file_reader(self.settings, self._paths)

    def _images(self) -> _Sources:
        validation, test = (
            self._path(key) if key in self.settings else None
            for key in ("validation_folder", "test_folder")
        )
        return read_image_parts(
            self._path("folder"), validation, test, **own_arguments(self.settings)
        )

    @property
    def _is_table(self) -> bool:
        """Whether the data are a table, whose columns have roles."""
        if self.kind == "python":
            return isinstance(self._passed().train, Table)
        return self.kind == "file" and is_table(self._path("file"))

    def _passed_cases(self) -> _Sources:
        """Rows of numbers or images that were passed in Python."""
        parts = self._passed().parts
        train, validation, test = (part if isinstance(part, Cases) else None for part in parts)
        assert train is not None
        return train, validation, test

    def _passed_sequences(self) -> DataSplit:
        """Sequences that were passed in Python."""
        parts = self._passed().parts
        found = [part if isinstance(part, Sequences) else None for part in parts]
        return self._split_parts(found, f"arrays {self.where}")

    def _passed(self) -> Passed:
        """The data that were passed in Python."""
        if self.given is None:
            raise DataError(Problem(NOT_IN_A_FILE, key="python"))
        return self.given

    def _named(self) -> _Sources:
        name = self.settings["name"]
        if name not in CIFAR_NAMES:
            return read_named(name), None, None
        is_stated = "path" in self.settings
        path = self._path("path") if is_stated else find_published(name, beside=self.folder)
        cases, test = read_published(name, path, self.settings)
        return cases, None, test

    def _from_cases(self, sources: _Sources) -> DataSplit:
        """The cases, split, with encoded targets and images in the configured shape."""
        present = [cases for cases in sources if cases is not None]
        labels = [cases.labels for cases in present if cases.labels is not None]
        targets = self.rule.targets(labels)
        flatten, channels = self.settings.get("flatten", True), self.settings.get("channels")
        inputs = [place_channels(c.x, c.image_shape, channels) for c in present]
        if flatten:
            inputs = [x.reshape(len(x), -1) for x in inputs]
        datasets = map(Dataset, inputs, targets.parts, [cases.weights for cases in present])
        shape, order = present[0].image_shape, channels_of(present[0].image_shape)
        whole, *apart = (None if c is None else next(datasets) for c in sources)
        assert whole is not None
        parts = self._split(len(whole), whole.t if targets.classes is not None else None)
        train, validation, test = (
            whole.take(part) if own is None else own
            for own, part in zip((None, *apart), parts, strict=True)
        )
        return DataSplit(
            train,
            validation,
            test,
            classes=targets.classes,
            image_shape=picture_shape(shape),
            channels_first=bool(order) and (channels or order) == "first",
            feature_names=present[0].feature_names,
            one_unit=self.kind == "generator",  # of points
            source=self._description(
                sum(map(len, present)), present[0].x.shape[1:], targets.classes
            ),
            notes=(*(note for cases in present for note in cases.notes), *targets.notes),
            **targets.described,
        )

    def _description(self, count: int, shape: Sequence[int], classes: Sequence[str] | None) -> str:
        """A description of the source, for messages."""
        name = self.settings[self.kind]
        if self.kind in PATH_KEYS:
            first, *more = names_in(name)
            name = Path(first).name + (f" and {len(more)} more" if more else "")
        if self.kind == "python":
            name = f"{name} {self.where}"
        groups = f", {len(classes)} classes" if classes is not None else ""
        return f"{name}: {count:,} case{'s' * (count != 1)}, {_inputs(shape)}{groups}"


def _inputs(shape: Sequence[int]) -> str:
    if len(shape) == 1:
        return f"{shape[0]} input{'s' if shape[0] != 1 else ''}"
    return f"images of {' x '.join(map(str, shape))}"

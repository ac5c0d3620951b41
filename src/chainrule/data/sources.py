"""The door to all data: from the ``data`` part of a configuration to training data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.core.randomness import stream
from chainrule.core.sequences import NO_CLASS
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.generators.points import POINT_SETS
from chainrule.data.generators.sequences import SEQUENCES
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.data.named.cifar import as_published, find_published, read_published
from chainrule.data.named.from_sklearn import CIFAR_NAMES, read_named
from chainrule.data.readers.cases import (
    Cases,
    Labels,
    channels_first,
    channels_last,
    picture_shape,
    place_channels,
)
from chainrule.data.readers.characters import read_characters
from chainrule.data.readers.encoding import (
    class_names,
    encode_classes,
    encode_values,
    require_two_classes,
)
from chainrule.data.readers.files import read_cases
from chainrule.data.readers.image_folder import read_image_folder
from chainrule.data.readers.sequence_file import holds_sequences, read_sequences
from chainrule.data.settings import (
    FILE_KEYS,
    KINDS,
    PATH_KEYS,
    checked_settings,
    fractions_of,
    own_arguments,
)
from chainrule.data.splits import split_cases
from chainrule.data.standardization import Standardization


def load_data(
    settings: Mapping[str, Any],
    *,
    folder: Path,
    seed: int,
    outputs: int | None = None,
    target: str | None = None,
    dtype: str = "float64",
    sequences: bool = False,
) -> DataSplit:
    """Make or read the data that a configuration describes.

    Whether targets are classes or values: ``target`` in the settings says so; otherwise names
    are always classes; otherwise the argument ``target`` says so, except that one column of
    whole numbers cannot be the values of several outputs and is taken for class numbers;
    and where nothing is known, whole numbers are classes. Data made of classes become
    values (their numbers) only for a single output with ``target="value"``.

    Args:
        settings: the ``data`` mapping; keys that are absent or None have their defaults.
        folder: where relative paths start.
        seed: the run's seed, used unless the settings have their own.
        outputs: the network's number of outputs where it is known.
        target: ``class`` or ``value``, as the loss expects it.
        dtype: of the network. For ``float32`` the inputs of CIFAR are float32, in half the
            memory; other inputs stay as exact as they were read.
        sequences: whether the network reads such: an .npz file of (cases, steps, features)
            holds them then without saying so.

    Returns:
        The three parts, split, flattened and standardised as asked.

    Raises:
        ConfigError: for settings that cannot be met.
        DataError: for data that cannot be read.
        MissingExtraError: for a named set without scikit-learn.

    Example:
        >>> data = load_data({"generator": "xor", "count": 40}, folder=Path(), seed=1)
        >>> [len(part) for part in data], data.classes
        ([28, 8, 4], ('0', '1'))
    """
    settings = checked_settings(settings)
    settings = as_published(settings, Path(folder))
    kind = next(key for key in KINDS if key in settings)
    seed = settings.get("seed", seed)
    if settings.get("generator") == "shapes":
        data = _shapes(settings, seed, outputs, target)
    elif kind == "file" and holds_sequences(Path(folder) / settings["file"], wanted=sequences):
        data = _sequence_file(settings, Path(folder), seed, outputs, target)
    elif kind == "text":
        data = _characters(settings, Path(folder))
    elif settings.get("generator") in SEQUENCES:
        data = _sequences(settings, seed, outputs, target)
    else:
        sources = _READERS[kind](settings, Path(folder), seed)
        data = _from_cases(sources, settings, seed, outputs, target)
        data = _in_numbers(data, dtype, are_bytes=sources[0].are_bytes)
    wanted = settings.get("standardize", False)
    return _standardized(data, center_only=wanted == "center") if wanted else data


def _shapes(
    settings: Mapping[str, Any], seed: int, outputs: int | None, target: str | None
) -> DataSplit:
    """Images of shapes, which the generator splits itself."""
    shared = {key: settings[key] for key in ("flatten", "split") if key in settings}
    data = ImageGenerator(**own_arguments(settings), **shared, seed=seed).generate()
    wanted = settings.get("target", "value" if target == "value" and outputs == 1 else "class")
    if wanted == "class":
        return data
    parts = [Dataset(part.x, part.t[:, None].astype(float)) for part in data]
    return replace(data, train=parts[0], validation=parts[1], test=parts[2], classes=None)


def _characters(settings: Mapping[str, Any], folder: Path) -> DataSplit:
    """A text, which its reader splits by position."""
    if settings.get("target") == "value":
        message = "target of a text is class: the character that comes next"
        raise ConfigError(Problem(message, key="target"))
    own = own_arguments(settings)
    return read_characters(folder / settings["text"], split=fractions_of(settings), **own)


def _sequences(
    settings: Mapping[str, Any], seed: int, outputs: int | None, target: str | None
) -> DataSplit:
    """Sequences that are made; bits are classes unless a single output is to give values."""
    name = settings["generator"]
    own = own_arguments(settings)
    made = SEQUENCES[name](stream(seed, "data", name), **own)
    return _split_sequences(made, ("0", "1"), name, settings, seed, outputs, target)


def _sequence_file(
    settings: Mapping[str, Any], folder: Path, seed: int, outputs: int | None, target: str | None
) -> DataSplit:
    """Sequences of one file, which is split."""
    path = folder / settings["file"]
    others = [key for key in settings if key in FILE_KEYS]
    if others:
        message = f"{others[0]} is not for a file of sequences, as {path.name} is one"
        raise ConfigError(Problem(message, key=others[0]))
    found = read_sequences(path)
    if found.t is None:
        raise DataError(Problem("found no array t of targets beside x", path))
    names = found.classes
    if names is None and found.t.dtype.kind in "iu":
        there = found.t[found.t != NO_CLASS]
        require_two_classes([Labels(there, lambda _, message: Problem(message, path), path)])
        names = tuple(str(k) for k in range(max(1, int(found.t.max())) + 1))
    if names is not None and found.t.max() >= len(names):
        raise DataError(
            Problem(f"t goes up to {found.t.max()}; there are {len(names)} classes", path)
        )
    made = Dataset(found.x, found.t)
    return _split_sequences(made, names, path.name, settings, seed, outputs, target)


def _split_sequences(
    made: Dataset,
    names: Sequence[str] | None,
    told: str,
    settings: Mapping[str, Any],
    seed: int,
    outputs: int | None,
    target: str | None,
) -> DataSplit:
    """The parts; class numbers become values where a single output is to give them."""
    bits = made.t.dtype.kind == "i"
    if not bits and settings.get("target", target) == "class":
        message = f"{told} gives values here, not classes; choose a loss for values, such as mse"
        if "file" in settings:
            message += f", or make t whole numbers, one a class (it holds {made.t.dtype})"
        key = next(kind for kind in KINDS if kind in settings)
        raise ConfigError(Problem(message, key="target" if "target" in settings else key))
    wanted = settings.get("target", "value" if target == "value" and outputs == 1 else "class")
    if bits and wanted == "value":
        made = Dataset(made.x, np.where(made.t == NO_CLASS, np.nan, made.t)[..., None])
    classes = tuple(names) if names is not None and made.t.dtype.kind == "i" else None
    stratify = made.t if made.t.ndim == 1 else None
    rng = stream(seed, "data", "split")
    train, validation, test = (
        made.take(part) for part in split_cases(len(made), fractions_of(settings), rng, stratify)
    )
    shape = (made.x.shape[1], made.x.shape[2])
    source = f"{told}: {len(made)} sequences of {shape[0]} steps"
    return DataSplit(train, validation, test, classes=classes, sequence_shape=shape, source=source)


# Readers: the cases to be split, and those of the files that validation and test data have.
_Sources = tuple[Cases, Cases | None, Cases | None]


def _generated(settings: Mapping[str, Any], folder: Path, seed: int) -> _Sources:
    name = settings["generator"]
    own = own_arguments(settings)
    points = POINT_SETS[name](stream(seed, "data", name), **own)
    names = None
    if points.t.ndim == 1:
        names = tuple(str(k) for k in range(int(points.t.max()) + 1))
    labels = Labels(points.t, lambda _, message: Problem(message), names=names)
    return Cases(points.x, labels), None, None


def _from_files(settings: Mapping[str, Any], folder: Path, seed: int) -> _Sources:
    def read(key: str, labels: str) -> Cases | None:
        if key not in settings:
            return None
        return read_cases(
            folder / settings[key],
            label=settings.get("label", "last"),
            header=settings.get("header", "auto"),
            labels=folder / settings[labels] if labels in settings else None,
        )

    train = read("file", "labels")
    validation = read("validation_file", "validation_labels")
    test = read("test_file", "test_labels")
    assert train is not None
    for key, cases in (("validation_file", validation), ("test_file", test)):
        if cases is not None and cases.x.shape[1:] != train.x.shape[1:]:
            found, expected = (_inputs(x.x.shape[1:]) for x in (cases, train))
            message = f"found {found} a case, but {Path(settings['file']).name} has {expected}"
            raise DataError(Problem(message, folder / settings[key]))
    return train, validation, test


def _from_folder(settings: Mapping[str, Any], folder: Path, seed: int) -> _Sources:
    cases = read_image_folder(
        folder / settings["folder"],
        size=settings.get("size"),
        color=settings.get("color", False),
    )
    return cases, None, None


def _named(settings: Mapping[str, Any], folder: Path, seed: int) -> _Sources:
    name = settings["name"]
    if name not in CIFAR_NAMES:
        return read_named(name), None, None
    if "path" in settings:
        published = folder / settings["path"]
    else:
        published = find_published(name, beside=folder)
    cases, test = read_published(name, published, settings)
    return cases, None, test


_READERS: Mapping[str, Callable[[Mapping[str, Any], Path, int], _Sources]] = {
    "generator": _generated,
    "file": _from_files,
    "folder": _from_folder,
    "name": _named,
}


def _from_cases(
    sources: _Sources,
    settings: Mapping[str, Any],
    seed: int,
    outputs: int | None,
    target: str | None,
) -> DataSplit:
    """Targets, split and shape of what was read."""
    present = [cases for cases in sources if cases is not None]
    labels = [cases.labels for cases in present if cases.labels is not None]
    classes = None
    if _are_classes(labels, settings, outputs, target):
        listed = settings.get("classes") if "file" in settings else None
        classes = class_names(labels, listed, outputs)
        targets = encode_classes(labels, classes)
    else:
        targets = encode_values(labels)
    flatten, channels = settings.get("flatten", True), settings.get("channels")
    inputs = [place_channels(c.x, c.image_shape, channels) for c in present]
    datasets = iter(
        [Dataset(_flat(x) if flatten else x, t) for x, t in zip(inputs, targets, strict=True)]
    )
    shape = present[0].image_shape
    is_first = channels_first(shape) if channels is None else channels == "first"
    whole, validation, test = (None if c is None else next(datasets) for c in sources)
    assert whole is not None
    fractions = fractions_of(settings)
    rng = stream(seed, "data", "split")
    stratify = whole.t if classes is not None else None
    parts = [whole.take(p) for p in split_cases(len(whole), fractions, rng, stratify)]
    return DataSplit(
        parts[0],
        validation if validation is not None else parts[1],
        test if test is not None else parts[2],
        classes=classes,
        image_shape=picture_shape(shape),
        channels_first=is_first and (channels_first(shape) or channels_last(shape)),
        feature_names=present[0].feature_names,
        source=_described(settings, present, classes),
    )


def _are_classes(
    labels: Sequence[Labels],
    settings: Mapping[str, Any],
    outputs: int | None,
    target: str | None,
) -> bool:
    """Whether the targets are classes; `load_data` says by which rule."""
    if "target" in settings:
        return bool(settings["target"] == "class")
    if any(part.are_text for part in labels):
        return target != "value" or outputs != 1 or _listed(settings)
    single_value = target == "value" and outputs == 1
    if _listed(settings) or any(part.names is not None for part in labels):
        return not single_value
    if settings.get("generator") == "curve":
        if target == "class":
            message = (
                "generator: curve gives values, not classes; choose a loss for values, such as mse"
            )
            raise ConfigError(Problem(message, key="generator"))
        return False
    if target == "value":
        several = outputs is not None and outputs > 1
        return several and all(part.look_like_classes for part in labels)
    return target == "class" or all(part.look_like_classes for part in labels)


def _listed(settings: Mapping[str, Any]) -> bool:
    return "file" in settings and "classes" in settings


def _in_numbers(data: DataSplit, dtype: str, *, are_bytes: bool) -> DataSplit:
    """Bytes, which took an eighth of the room, divided by 255; float32 as exact as wanted.

    Nothing is rounded: inputs of float64 are standardised before a network of float32 rounds.
    """

    def numbers(x: Array) -> Array:
        if are_bytes:
            return np.divide(x, 255, dtype=dtype)
        return x.astype(dtype) if x.dtype == np.float32 and dtype == "float64" else x

    parts = [Dataset(numbers(part.x), part.t) for part in data]
    return replace(data, train=parts[0], validation=parts[1], test=parts[2])


def _standardized(data: DataSplit, *, center_only: bool) -> DataSplit:
    """All parts on the scale of the training inputs."""
    scaling = Standardization.fit(data.train.x, center_only=center_only)
    train, validation, test = (Dataset(scaling.apply(part.x), part.t) for part in data)
    return replace(data, train=train, validation=validation, test=test, scaling=scaling)


def _flat(x: Array) -> Array:
    return x.reshape(len(x), -1)


def _inputs(shape: Sequence[int]) -> str:
    if len(shape) == 1:
        return f"{shape[0]} input{'s' if shape[0] != 1 else ''}"
    return f"images of {' x '.join(map(str, shape))}"


def _described(
    settings: Mapping[str, Any], present: Sequence[Cases], classes: Sequence[str] | None
) -> str:
    """The source in words."""
    kind, name = next((kind, settings[kind]) for kind in KINDS if kind in settings)
    if kind in PATH_KEYS:
        name = Path(name).name
    count = sum(len(cases) for cases in present)
    groups = f", {len(classes)} classes" if classes is not None else ""
    return f"{name}: {count} cases, {_inputs(present[0].x.shape[1:])}{groups}"

"""What the ``data`` part of a configuration may say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arguments import MAX_SEED, Checks
from chainrule.core.errors import ConfigError, unknown
from chainrule.data.generators.points import POINT_SETS
from chainrule.data.generators.sequences import SEQUENCES
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.data.splits import DEFAULT_SPLIT

KINDS = ("generator", "file", "folder", "name", "text")
"""Exactly one of these keys says where the data come from."""

COMMON_KEYS = ("split", "standardize", "flatten", "channels", "seed", "target")
"""What can be said of any data."""

CHANNELS = ("last", "first")
"""Where an image's colours stand: (height, width, 3), or (3, height, width) for convolution."""

FILE_KEYS = (
    "label",
    "header",
    "labels",
    "validation_file",
    "validation_labels",
    "test_file",
    "test_labels",
    "classes",
)
"""What can be said of data in files."""

IMAGE_FOLDER_KEYS = ("size", "color")
"""What can be said of a folder of images."""

WINDOW = 32
"""The steps of a text's windows where nothing else is said."""

TEXT_KEYS = ("steps", "stride", "encoding")
"""What can be said of a text that is learnt character by character."""

CIFAR_NAMES = ("cifar10", "cifar100")
"""The named sets that are read from the user's copy of the published files."""

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
)
"""The keys that name a file or a folder."""

_CIFAR_KEYS = ("path", "classes", "count")
_NAMED_KEYS = {"cifar10": _CIFAR_KEYS, "cifar100": (*_CIFAR_KEYS, "label")}

GENERATORS: tuple[str, ...] = ("shapes", *POINT_SETS, *SEQUENCES)
"""The sets that are made, not read."""


def known_keys(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that data of the kind in ``settings`` may have; all arguments of a generator.

    Example:
        >>> known_keys({"generator": "moons"})[-4:]
        ('seed', 'target', 'count', 'noise')
    """
    kind = next(key for key in KINDS if key in settings)
    if kind == "file":
        own: Iterable[str] = FILE_KEYS
    elif kind == "folder":
        own = IMAGE_FOLDER_KEYS
    elif kind == "text":
        own = TEXT_KEYS
    elif kind == "name":
        own = _NAMED_KEYS.get(settings[kind], ())
    else:
        own = [key for key in inspect.signature(_maker(settings[kind])).parameters if key != "rng"]
    return (kind, *COMMON_KEYS, *(key for key in own if key not in COMMON_KEYS))


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings with what they leave open written out, but for the seed.

    A run keeps them so: it can be made again when the defaults have changed.

    Example:
        >>> with_defaults({"generator": "moons", "noise": 0.2})["count"]
        400
    """
    taken: dict[str, Any] = {"split": fractions_of(settings), "standardize": False}
    if "text" in settings:
        taken |= {"steps": WINDOW, "encoding": "one_hot"}
    if "generator" in settings:
        maker = _maker(settings["generator"])
        arguments = inspect.signature(maker).parameters
        own = {key: settings[key] for key in arguments if key in settings}
        taken |= {
            key: each.default for key, each in arguments.items() if key not in ("rng", "seed")
        }
        if settings["generator"] == "shapes":  # some of its defaults follow from the size
            made = vars(ImageGenerator(**own))
            taken |= {key: made[key] for key in taken if key in arguments}
    plain = {key: list(v) if isinstance(v, tuple) else v for key, v in taken.items()}
    said = {key: v for key, v in plain.items() if v is not None and key not in settings}
    return {**settings, **said}


def check_settings(settings: Mapping[str, Any], target: str | None) -> str:
    """The kind of data, once the settings say one and nothing unknown."""
    kinds = [key for key in KINDS if key in settings]
    if len(kinds) != 1:
        found = " and ".join(kinds) if kinds else "none of them"
        raise ConfigError(
            f"data must say where it comes from with one of {', '.join(KINDS)}; found {found}"
        )
    kind = kinds[0]
    if kind == "generator" and settings[kind] not in GENERATORS:
        raise ConfigError(unknown("generator", settings[kind], GENERATORS))
    checks = Checks()
    known = known_keys(settings)
    for key in settings:
        if key not in known:
            checks.fail(unknown("key of data", key, known))
    for key in PATH_KEYS:
        if not isinstance(settings.get(key, ""), str | Path):
            checks.fail(f"{key} must be a path, not {settings[key]!r}")
    checks.flag("flatten", settings.get("flatten", False))
    if settings.get("standardize") != "center":
        checks.flag("standardize", settings.get("standardize", False), other="center")
    if settings.get("channels") is not None:
        checks.choice("channels", settings["channels"], CHANNELS)
    checks.choice("target", settings.get("target", target or "class"), ("class", "value"))
    checks.integer("seed", settings.get("seed", 0), at_least=0, most=MAX_SEED)
    _check_split(settings, checks)
    if are_sequences(settings) and settings.get("standardize"):
        message = "standardize is for rows of numbers and images, not for sequences"
        checks.fail(message, "standardize")
    if kind == "file":
        checks.choice("label", settings.get("label", "last"), ("last", "first"))
        if settings.get("header", "auto") not in (True, False, "auto"):
            checks.fail(f"header must be auto, true or false, not {settings['header']!r}")
        _check_classes(settings, checks)
    elif kind == "name":
        checks.choice("label", settings.get("label", "fine"), ("fine", "coarse"))
        checks.integer("count", settings.get("count", 1), at_least=1)
        _check_classes(settings, checks)
    else:
        _check_maker(settings, checks)
    checks.finish()
    return kind


def are_sequences(settings: Mapping[str, Any]) -> bool:
    """Whether the data are sequences, steps by features."""
    return "text" in settings or settings.get("generator") in SEQUENCES


def _check_classes(settings: Mapping[str, Any], checks: Checks) -> None:
    listed = settings.get("classes", ["", ""])
    if isinstance(listed, str) or not isinstance(listed, Sequence) or len(listed) < 2:
        checks.fail(f"classes must be a list of at least 2 names, not {listed!r}")


def _check_maker(settings: Mapping[str, Any], checks: Checks) -> None:
    """Once something is wrong, learn what is wrong with a generator's arguments, too."""
    if not checks.problems or "generator" not in settings:
        return
    maker = _maker(settings["generator"])
    known = inspect.signature(maker).parameters
    own = {key: value for key, value in settings.items() if key in known and key != "seed"}
    if "rng" in known:
        own["rng"] = np.random.default_rng(0)
    try:
        maker(**own)
    except ConfigError as error:
        checks.problems.extend(p for p in error.problems if p not in checks.problems)


def _maker(generator: str) -> Callable[..., Any]:
    return ImageGenerator if generator == "shapes" else {**POINT_SETS, **SEQUENCES}[generator]


def _check_split(settings: Mapping[str, Any], checks: Checks) -> None:
    """The fractions, and that a part with cases of its own takes nothing from the others."""
    if "split" not in settings:
        return
    split = checks.fractions(settings["split"])
    for name, fraction in zip(("validation", "test"), split[1:], strict=True):
        if _has_its_own(settings, name) and fraction > 0:
            what = "a file" if f"{name}_file" in settings else "published images"
            checks.fail(f"split must be 0 for {name}, which has {what} of its own")


def _has_its_own(settings: Mapping[str, Any], part: str) -> bool:
    """Whether validation or test data come apart from the training data."""
    published = part == "test" and settings.get("name") in CIFAR_NAMES
    return published or f"{part}_file" in settings


def fractions_of(settings: Mapping[str, Any]) -> tuple[float, float, float]:
    """The fractions of what is split; a part with its own cases leaves its share to training."""
    if "split" in settings:
        train, validation, test = settings["split"]
        return train, validation, test
    validation, test = (
        0.0 if _has_its_own(settings, name) else fraction
        for name, fraction in zip(("validation", "test"), DEFAULT_SPLIT[1:], strict=True)
    )
    return 1 - validation - test, validation, test

"""A patient: a configuration with its data, the cause of an illness, and how it is trained.

A variant of an illness is a function that makes a `Patient`. Its configuration trains well as it
stands; ``cause`` is what plants the illness in it, written as ``chainrule train --set`` takes it.
So what makes it ill is known by construction, and `SIGNS` shows by measurement that it is ill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import chainrule
from chainrule.config.load import Config as LoadedConfig
from chainrule.config.load import load_config
from chainrule.config.reading.yaml_writer import write_yaml
from chainrule.core.errors import DivergenceError

Arrays = Mapping[str, Any]
Config = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A training that is well, and what makes it ill.

    Attributes:
        config: that trains well, or the path of its file.
        settings: of it that are changed in any case, such as where its data lie.
        cause: settings such as ``"network.learning_rate=1000"`` that plant the illness.
        files: by name what the configuration's files hold: of an ``.npz`` the arrays, of a
            ``.csv`` the columns.
        also: other illnesses that are as right a first answer as the planted one, with the
            reason.
        needs: a package without which the data cannot be had.
    """

    config: Config | Path
    settings: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    files: Mapping[str, Arrays] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    needs: str | None = None


Variant = Callable[[], Patient]

ILLNESSES: dict[str, dict[str, Variant]] = {}
"""By illness and by what the variant is called, the functions that make it."""


def variant(illness: str) -> Callable[[Variant], Variant]:
    """Enter a function among the variants of an illness, under its name."""

    def enter(make: Variant) -> Variant:
        ILLNESSES.setdefault(illness, {})[make.__name__.replace("_", " ")] = make
        return make

    return enter


def configuration(
    layers: list[Any],
    data: Config,
    *,
    rate: float | None = None,
    loss: Any = None,
    penalty: Any = None,
    dtype: str | None = None,
    **training: Any,
) -> dict[str, Any]:
    """A configuration of these layers and data; what is None is left to its default."""
    network = {"layers": layers, "learning_rate": rate, "loss": loss}
    network |= {"penalty": penalty, "dtype": dtype}
    stated = {key: value for key, value in network.items() if value is not None}
    return {"network": stated, "data": dict(data), "training": {"seed": 1, **training}}


def dense(size: int, activation: str | None = None, **keys: Any) -> dict[str, Any]:
    """A dense layer."""
    return {"size": size, **({"activation": activation} if activation else {}), **keys}


def write_files(patient: Patient, folder: Path) -> Path:
    """Write the data and the configuration that is well; returns the configuration's path."""
    for name, arrays in patient.files.items():
        if name.endswith(".npz"):
            np.savez(folder / name, **arrays)
        else:
            _write_table(folder / name, arrays)
    if isinstance(patient.config, Path):
        return patient.config
    path = folder / "patient.yaml"
    path.write_text(write_yaml(dict(patient.config)), encoding="utf-8")
    return path


def _write_table(path: Path, columns: Arrays) -> None:
    rows = zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(_cell, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(value: Any) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _overrides(patient: Patient, ill: bool) -> tuple[str, ...]:
    return (*patient.settings, *(patient.cause if ill else ()))


def trained(patient: Patient, folder: Path, *, ill: bool = True) -> chainrule.Run:
    """Train a patient as ``chainrule train`` does, and keep the run in memory.

    Args:
        patient: to be trained.
        folder: an empty one for its files.
        ill: whether with the cause of its illness.

    Returns:
        The run; where it diverged, what is left of it in its folder.
    """
    path = write_files(patient, folder)
    try:
        return chainrule.train(path, overrides=_overrides(patient, ill), save=False)
    except DivergenceError:
        return saved(patient, folder, ill=ill)


def saved(patient: Patient, folder: Path, *, ill: bool = True) -> chainrule.Run:
    """Train a patient into a folder, and load the run from there."""
    path, run = write_files(patient, folder), folder / "run"
    with suppress(DivergenceError):
        chainrule.train(path, overrides=_overrides(patient, ill), run=run)
    return chainrule.load(run)


def loaded_config(patient: Patient, folder: Path, *, ill: bool = True) -> LoadedConfig:
    """The configuration of a patient, which is not trained."""
    return load_config(write_files(patient, folder), _overrides(patient, ill))


def diverged(run: chainrule.Run) -> bool:
    """Whether its loss or gradient was no longer finite."""
    return run.ending is not None and "finite" in run.ending


def quality(run: chainrule.Run, part: str = "test") -> float:
    """How much better than chance a part is judged: 1 if all is right, 0 for chance
    and where there is nothing to tell apart.

    R² for values, −∞ where the outputs are not finite; for classes
    (accuracy − share of the most frequent class) / (1 − share).
    """
    score = run.scores[part]
    if score.r2 is not None:
        return score.r2
    if score.accuracy is None:
        return -np.inf
    t = getattr(run.data, part).t
    t = t[t >= 0] if t.dtype.kind == "i" else t
    chance = float(np.unique(t, return_counts=True)[1].max() / t.size)
    return (score.accuracy - chance) / (1 - chance) if chance < 1 else 0.0

"""What the empirical questions share: their options, and independent runs side by side."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chainrule.core.errors import ConfigError
from chainrule.data.dataset import Dataset
from chainrule.data.readers.paths import find_data
from letters import letters_network, read_letters, train_letters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path(__file__).resolve().parent
SIZES = ("small", "medium", "large")

Columns = dict[str, list[Any]]
Given = TypeVar("Given")
Gave = TypeVar("Gave")


@dataclass(frozen=True)
class Options:
    """What a question's command line says.

    Attributes:
        epochs: passes over the training data.
        size: which of the homework's sets.
        jobs: how many runs at a time, each in a process of its own.
        out: the folder of the pictures.
        units: hidden units, where the question leaves them open.
    """

    epochs: int
    size: str
    jobs: int
    out: Path
    units: int


@dataclass(frozen=True)
class Setting:
    """One run: the network's start and how it is trained."""

    size: str
    epochs: int
    hidden_units: int
    learning_rate: float
    init_flag: int = 1


def options(
    description: str | None,
    words: Sequence[str] | None,
    *,
    epochs: int = 100,
    units: int | None = None,
) -> Options:
    """Read a question's command line.

    Args:
        description: what the question is.
        words: of the command line; None for the process's own.
        epochs: by default; the homework asks for 100.
        units: hidden units by default; None where the question says how many.

    Raises:
        ConfigError: a number that cannot be.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=epochs, help=f"by default {epochs}")
    parser.add_argument("--size", choices=SIZES, default="large", help="the set of letters")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--out", type=Path, default=FOLDER / "out", help="of the pictures")
    if units is None:
        parser.set_defaults(units=0)
    else:
        parser.add_argument("--units", type=int, default=units, help=f"by default {units}")
    read = parser.parse_args(words)
    if min(read.epochs, read.jobs, read.units + (units is None)) < 1:
        raise ConfigError("epochs, jobs and units are at least 1")
    return Options(read.epochs, read.size, read.jobs, read.out, read.units)


def letters(size: str) -> tuple[Dataset, Dataset]:
    """The training and the validation cases of one of the homework's sets.

    Raises:
        DataError: they are not there, or no letters.
    """
    paths = [
        find_data(f"{size}{part}.csv", beside=FOLDER, within=("cmu_ocr",))
        for part in ("Train", "Validation")
    ]
    train = read_letters(paths[0])
    return train, read_letters(paths[1], train.x.shape[1])


def history_of(setting: Setting) -> Columns:
    """What each epoch of a run gave, by column."""
    train, validation = letters(setting.size)
    network = letters_network(
        train.x.shape[1], setting.hidden_units, setting.init_flag, setting.learning_rate
    )
    return dict(train_letters(network, train, validation, setting.epochs))


def side_by_side(
    run: Callable[[Given], Gave], settings: Sequence[Given], jobs: int
) -> Iterator[Gave]:
    """``run`` of every setting, in order; up to ``jobs`` of them at a time."""
    if jobs == 1 or len(settings) == 1:
        yield from map(run, settings)
        return
    fresh = get_context("spawn")  # a copy of a process with threads could hang
    with ProcessPoolExecutor(min(jobs, len(settings)), mp_context=fresh) as pool:
        yield from pool.map(run, settings)


def save(figure: Figure, out: Path, name: str) -> None:
    """Write a picture and say where it is."""
    from chainrule.plots.save import save_figure

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {out}: {error.strerror}") from None
    for file in save_figure(figure, out / f"{name}.png"):
        print(f"picture written to {file}")

"""One trial: a training with some settings changed, and what is stored of it.

`main` is the program that runs the trials of a `Pool`, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from shutil import rmtree
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from chainrule.core.errors import ChainruleError
from chainrule.core.files import require_own
from chainrule.runs.worker_process import Message, Send, serve

if TYPE_CHECKING:
    from chainrule.config.load import Source

MEASURES = ("loss", "accuracy", "r2")
PARTS = ("train", "validation", "test")
SCORES = tuple(f"{part}_{measure}" for part in PARTS for measure in MEASURES)
"""The scores that a trial may have after its last epoch."""

MOST_OF_A_FAILURE = 20_000
"""The reason of a failure is stored up to this many letters."""

KILLED = "its process ended"
"""The beginning of a `Trial.failure` whose process was ended from outside."""


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        number: from 0.
        values: of the settings that vary, as texts in YAML, by path.
        scores: ``train_loss``, ``validation_accuracy`` and so on after the last epoch, and
            ``best_validation_loss`` and so on: the best of all epochs.
        epochs: that ran.
        seconds: of the whole trial.
        engine: that ran it.
        failure: why it has no scores; None where it has.
    """

    number: int
    values: dict[str, str]
    scores: dict[str, float] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0
    engine: str = ""
    failure: str | None = None

    @property
    def was_killed(self) -> bool:
        """Whether its process was ended, which is no fault of its values."""
        return self.failure is not None and self.failure.startswith(KILLED)

    @classmethod
    def from_mapping(cls, found: Mapping[str, Any]) -> Trial:
        """The trial that `dataclasses.asdict` made a mapping of.

        Raises:
            ValueError: this is no trial.
        """
        return _TRIAL.validate_python(found)


_TRIAL = TypeAdapter(Trial)


def overrides_of(values: Mapping[str, str]) -> list[str]:
    """A trial's values as ``--set`` takes them."""
    return [f"{path}={text}" for path, text in values.items()]


class TrialRunner:
    """Runs one trial after the other, on data that are read once.

    Args:
        source: the configuration, as it was read when the sweep began.
        overrides: that every trial has.
    """

    def __init__(self, source: Source, overrides: Iterable[str]) -> None:
        self.source = source
        self.overrides = list(overrides)
        self._data_of: str | None = None
        self._data: Any = None

    def run(self, number: int, values: dict[str, str], folder: str | None = None) -> Trial:
        """Train and score; a failure becomes a trial that says why.

        Args:
            number: of the trial.
            values: of the settings that vary, by path.
            folder: for the files of its run; None to write none.
        """
        start = perf_counter()
        try:
            trained = self._train(values, folder)
        except ChainruleError as error:
            why = "; ".join(str(problem) for problem in error.problems)[:MOST_OF_A_FAILURE]
        except MemoryError:
            why = "there was not enough memory"
        except Exception as error:  # whatever it is, the other trials go on
            why = f"{type(error).__name__}: {error}"
        else:
            return Trial(
                number,
                values,
                scores_of(trained),
                epochs=len(trained.history.rows),
                seconds=perf_counter() - start,
                engine=trained.engine,
            )
        return Trial(number, values, seconds=perf_counter() - start, failure=why)

    def _train(self, values: dict[str, str], folder: str | None) -> Any:
        from chainrule.runs.resolve import data_key, locate_data, resolve_data
        from chainrule.runs.run import train

        config = locate_data(self.source.config([*self.overrides, *overrides_of(values)]))
        if data_key(config) != self._data_of:
            self._data = None  # two data sets at once might not fit into the memory
            self._data = resolve_data(config)
            self._data_of = data_key(config)
        if folder is not None:  # its files, if there are any, are those of a trial broken off
            require_own(Path(folder))
            rmtree(folder, ignore_errors=True)
        return train(config, data=self._data, save=folder is not None, run=folder)


def scores_of(run: Any) -> dict[str, float]:
    """The finite scores of a run after its last epoch, and the best validation of all epochs."""
    scores = {}
    for part in PARTS:
        for measure in MEASURES:
            value = getattr(run.scores.get(part), measure, None)
            if value is not None and isfinite(value):
                scores[f"{part}_{measure}"] = float(value)
    for measure in MEASURES:
        column = f"validation_{measure}"
        if run.history.rows and column in run.history:
            values = [v for v in run.history[column] if v is not None and isfinite(v)]
            if values:
                scores[f"best_{column}"] = (min if measure == "loss" else max)(values)
    return scores


def is_better_low(score: str) -> bool:
    """Whether less of a score is better.

    Example:
        >>> is_better_low("validation_loss"), is_better_low("best_validation_accuracy")
        (True, False)
    """
    return score.endswith("_loss")


def main() -> None:
    """The program of a worker: first what all trials have in common, then a trial a message."""
    serve(_run_trials)


def _run_trials(receive: Callable[[], Message], send: Send) -> None:
    from chainrule.config.load import Source
    from chainrule.config.reading.tree import Tree

    common = receive()
    source = Source(Tree(common["value"]), Path(common["folder"]), name=common["name"])
    runner = TrialRunner(source, common["overrides"])
    while True:
        send(asdict(runner.run(**receive())))


if __name__ == "__main__":
    main()

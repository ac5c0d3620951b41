"""One trial: a training with some settings changed, and what is stored of it.

`main` is a program that runs trials one after the other, as a `Pool` asks. It reads a line of
JSON for each thing to do, first what all trials have in common, then a trial at a time, and
answers each trial by a line. When the pool is gone, so is the program. It is a process of its own
that inherits nothing, so that it works whatever started the sweep.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from math import isfinite
from pathlib import Path
from queue import SimpleQueue
from shutil import rmtree
from time import perf_counter
from typing import TYPE_CHECKING, Any

from chainrule.core.errors import ChainruleError
from chainrule.core.files import require_own

if TYPE_CHECKING:
    from chainrule.config.load import Source

MEASURES = ("loss", "accuracy", "r2")
PARTS = ("train", "validation", "test")

MOST_OF_A_FAILURE = 20_000
"""Letters of the reason why a trial failed that are stored."""

KILLED = "its process ended"
"""How the failure of a trial begins that was ended from outside."""


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
        """Whether its process came to an end; it is no fault of its values, as others are."""
        return self.failure is not None and self.failure.startswith(KILLED)

    def as_mapping(self) -> dict[str, Any]:
        """For a line of JSON; `from_mapping` is the way back."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, found: Mapping[str, Any]) -> Trial:
        """A trial from its line.

        Raises:
            ValueError: this is no trial.
        """
        trial: Trial = _reader().validate_python(found)
        return trial


@cache
def _reader() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Trial)


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
            values: what is special about it.
            folder: of its run; None to keep none.
        """
        start = perf_counter()
        try:
            trained = self._train(values, folder)
        except ChainruleError as error:
            why = "; ".join(str(problem) for problem in error.problems)[:MOST_OF_A_FAILURE]
            return Trial(number, values, seconds=perf_counter() - start, failure=why)
        except MemoryError:
            return Trial(number, values, failure="there was not enough memory")
        except Exception as error:  # whatever it is, the other trials go on
            why = f"{type(error).__name__}: {error}"
            return Trial(number, values, seconds=perf_counter() - start, failure=why)
        return Trial(
            number,
            values,
            scores_of(trained),
            epochs=len(trained.history.rows),
            seconds=perf_counter() - start,
            engine=trained.engine,
        )

    def _train(self, values: dict[str, str], folder: str | None) -> Any:
        from chainrule.runs.resolve import data_key, locate_data, resolve_data
        from chainrule.runs.run import train

        config = locate_data(self.source.config([*self.overrides, *overrides_of(values)]))
        if data_key(config) != self._data_of:
            self._data = None  # two sets at once might be too much
            self._data = resolve_data(config)
            self._data_of = data_key(config)
        if folder is not None:  # what is there was left by a trial that was broken off
            require_own(Path(folder))
            rmtree(folder, ignore_errors=True)
        return train(config, data=self._data, save=folder is not None, run=folder)


def scores_of(run: Any) -> dict[str, float]:
    """What a run reached in the end, and the best its validation reached."""
    scores = {}
    for part in PARTS:
        score = run.scores.get(part)
        for measure in MEASURES:
            value = getattr(score, measure, None)
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
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else prints is no answer
    requests: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    try:
        runner = _runner(**requests.get())
        while True:
            trial = runner.run(**requests.get())
            answers.write(json.dumps(trial.as_mapping()) + "\n")
            answers.flush()
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # an orderly end would wait for the listener, which waits for us


def _runner(value: Any, folder: str, name: str, overrides: list[str]) -> TrialRunner:
    """What the trials have in common, as `Pool` sends it."""
    from chainrule.config.load import Source
    from chainrule.config.reading.tree import Tree

    return TrialRunner(Source(Tree(value), Path(folder), name=name), overrides)


def _listen(requests: SimpleQueue[dict[str, Any]]) -> None:
    """Pass on the requests; at the end of the input end the process, also within a trial."""
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()

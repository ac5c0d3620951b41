"""One trial of a sweep: a training with the trial's values, and the result that is stored.

`main` is the program of a worker of a `Pool`; it runs one trial after the other.
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
from chainrule.data.dataset import PARTS
from chainrule.runs.worker_process import Message, Send, serve
from chainrule.training.scores import MEASURES, is_better_low

if TYPE_CHECKING:
    from chainrule.config.load import Source
    from chainrule.data.passed import Passed

SCORES = tuple(f"{part}_{measure}" for part in PARTS for measure in MEASURES)
"""The scores that a trial can have after its last epoch."""

MOST_OF_A_FAILURE = 20_000
"""The reason of a failure is cut off after this many characters."""

KILLED = "its process ended"
"""The beginning of `Trial.failure` if the trial's process ended during the trial."""


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        number: counted from 0.
        values: the values of the settings that vary, as texts in YAML, by path.
        scores: ``train_loss``, ``validation_accuracy`` and so on after the last epoch, and
            ``best_validation_loss`` and so on: the best of all epochs.
        epochs: how many epochs ran.
        seconds: the time of the whole trial.
        engine: the engine that ran it.
        failure: why the trial failed; None if it did not.
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
        """Whether its process ended, which says nothing about the values: it can be run again."""
        return self.failure is not None and self.failure.startswith(KILLED)

    @classmethod
    def from_mapping(cls, found: Mapping[str, Any]) -> Trial:
        """The trial from a mapping that `dataclasses.asdict` made of it.

        Raises:
            ValueError: the mapping does not describe a trial.
        """
        return _TRIAL.validate_python(found)


_TRIAL = TypeAdapter(Trial)


def overrides_of(values: Mapping[str, str]) -> list[str]:
    """A trial's values as ``--set`` takes them."""
    return [f"{path}={text}" for path, text in values.items()]


class TrialRunner:
    """Runs one trial after the other; the data are read again only if a trial needs others.

    Args:
        source: the configuration, as it was read when the sweep began.
        overrides: settings that all trials have in common.
        given: the data, if they were passed in Python.
    """

    def __init__(
        self, source: Source, overrides: Iterable[str], given: Passed | None = None
    ) -> None:
        self.source = source
        self.given = given
        self.overrides = list(overrides)
        self._data_of: str | None = None
        self._data: Any = None

    def run(self, number: int, values: dict[str, str], folder: str | None = None) -> Trial:
        """Train and score; a failure is returned as a trial with its reason.

        Args:
            number: the trial's number.
            values: the values of the settings that vary, by path.
            folder: the folder for the files of the run; None to write none.
        """
        start = perf_counter()
        try:
            trained = self._train(values, folder)
        except ChainruleError as error:
            why = "; ".join(str(problem) for problem in error.problems)[:MOST_OF_A_FAILURE]
        except MemoryError:
            why = "there was not enough memory"
        except Exception as error:  # no error may end the other trials
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
        from chainrule.runs.train import train

        config = locate_data(self.source.config([*self.overrides, *overrides_of(values)]))
        if data_key(config) != self._data_of:
            self._data = None  # free it first: two data sets may not fit into memory
            self._data = resolve_data(config, given=self.given)
            self._data_of = data_key(config)
        if folder is not None:  # an earlier attempt at this trial may have left files
            require_own(Path(folder))
            rmtree(folder, ignore_errors=True)
        else:
            config = _without_files(config)
        return train(config, data=self._data, save=folder is not None, run=folder)


def _without_files(config: Any) -> Any:
    """The configuration of a trial that has no folder: without callbacks that write into one."""
    from chainrule.training.callbacks import CALLBACKS

    listed = config.training["callbacks"] or []
    kept = [
        each
        for each in listed
        if not CALLBACKS[each if isinstance(each, str) else each["type"]].writes_files
    ]
    return config if len(kept) == len(listed) else config.replace(training={"callbacks": kept})


def scores_of(run: Any) -> dict[str, float]:
    """The finite scores of a run after its last epoch, and its best validation scores."""
    scores = {}
    for part in PARTS:
        figures = run.scores[part].figures if part in run.scores else {}
        for measure, value in figures.items():
            if isfinite(value):
                scores[f"{part}_{measure}"] = float(value)
    for measure in MEASURES:
        column = f"validation_{measure}"
        if run.history.rows and column in run.history:
            values = [v for v in run.history[column] if v is not None and isfinite(v)]
            if values:
                scores[f"best_{column}"] = (min if is_better_low(measure) else max)(values)
    return scores


def main() -> None:
    """The program of a worker; the first message is common to all trials, then one per trial."""
    serve(_run_trials)


def _run_trials(receive: Callable[[], Message], send: Send) -> None:
    from chainrule.config.load import Source
    from chainrule.config.reading.tree import Tree
    from chainrule.runs.passed import unpacked

    common = receive()
    source = Source(Tree(common["value"]), Path(common["folder"]), name=common["name"])
    runner = TrialRunner(source, common["overrides"], unpacked(common["data"]))
    while True:
        send(asdict(runner.run(**receive())))


if __name__ == "__main__":
    main()

"""One trial: a training with some settings changed, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
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
"""Letters that are kept of why a trial failed."""

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
        kinds = {"number": int, "values": dict, "scores": dict, "epochs": int, "engine": str}
        if any(not isinstance(found.get(key), kind) for key, kind in kinds.items()):
            raise ValueError("no trial")
        scores = {str(k): float(v) for k, v in found["scores"].items()}
        values = {str(k): str(v) for k, v in found["values"].items()}
        failure = found.get("failure")
        return cls(
            found["number"],
            values,
            scores,
            found["epochs"],
            float(found.get("seconds", 0.0)),
            found["engine"],
            None if failure is None else str(failure),
        )


def overrides_of(values: Mapping[str, str]) -> list[str]:
    """A trial's values as ``--set`` takes them."""
    return [f"{path}={text}" for path, text in values.items()]


class Bench:
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

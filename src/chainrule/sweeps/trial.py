"""One trial: a training with some settings changed, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from time import perf_counter
from typing import Any

from chainrule.errors import ChainruleError

MEASURES = ("loss", "accuracy", "r2")
PARTS = ("train", "validation", "test")


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
        config: the path of a configuration, or a mapping.
        overrides: that every trial has.
        keep: the folder for the runs' own folders; None to keep none.
    """

    def __init__(
        self, config: str | Mapping[str, Any], overrides: Iterable[str], keep: str | None = None
    ) -> None:
        self.config = config
        self.overrides = list(overrides)
        self.keep = keep
        self._data_of: str | None = None
        self._data: Any = None

    def run(self, number: int, values: dict[str, str]) -> Trial:
        """Train and score; a failure becomes a trial that says why."""
        start = perf_counter()
        try:
            trained = self._train(number, values)
        except ChainruleError as error:
            why = "; ".join(str(problem) for problem in error.problems)
            return Trial(number, values, seconds=perf_counter() - start, failure=why)
        except MemoryError:
            return Trial(number, values, failure="there was not enough memory")
        return Trial(
            number,
            values,
            scores_of(trained),
            epochs=len(trained.history.rows),
            seconds=perf_counter() - start,
            engine=trained.engine,
        )

    def _train(self, number: int, values: dict[str, str]) -> Any:
        from chainrule.assembly import assemble_data, data_key, locate_data
        from chainrule.config.load import load_config
        from chainrule.runs import train

        overrides = [*self.overrides, *overrides_of(values)]
        config = locate_data(load_config(self.config, overrides))
        if data_key(config) != self._data_of:
            self._data = None  # two sets at once might be too much
            self._data = assemble_data(config)
            self._data_of = data_key(config)
        folder = None if self.keep is None else f"{self.keep}/{number + 1}"
        return train(
            self.config, overrides=overrides, data=self._data, save=bool(self.keep), run=folder
        )


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

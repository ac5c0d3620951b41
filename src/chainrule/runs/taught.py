"""A network with its data and settings, of a configuration or a run, to look into one pass."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arguments import is_whole
from chainrule.core.arrays import Array, cases_that_count
from chainrule.core.errors import ConfigError, DataError, unknown
from chainrule.core.randomness import stream
from chainrule.data.dataset import PART_WORDS
from chainrule.runs.resolve import Resolved, resolve
from chainrule.runs.run import Run, load
from chainrule.training import Settings
from chainrule.training.optimizers import optimizer
from chainrule.training.schedules import Epoch, schedule

if TYPE_CHECKING:
    from chainrule.data.dataset import Dataset

_PASSED = (
    "this run's data were passed in Python and are in no file; with run = chainrule.load(...), a "
    "case is worked out by run.network.{method}(run.scaled(x), t)"
)

_OF_A_RUN = (
    "a run is worked out as it was trained; overrides (--set) go with a configuration, which is "
    "worked out as it starts"
)


def taught(source: Any, overrides: Sequence[str] = (), method: str = "explain") -> Taught:
    """The network, data and settings of a run or a configuration.

    Args:
        source: a run or its folder; or a configuration, its file, or a mapping.
        overrides: items that replace settings of a configuration.
        method: that of `Network` that takes arrays instead, for the message that there are none.

    Raises:
        ChainruleError: the run or the configuration cannot be read, or overrides are of a run.
    """
    if isinstance(source, str | os.PathLike) and os.path.isdir(source):
        source = load(source)
    if isinstance(source, Run):
        if list(overrides):
            raise ConfigError(_OF_A_RUN)
        if source.engine and "python" in source.config.data and not source.has_data:
            message = _PASSED.format(method=method)
            raise DataError(source.config.problem(("data", "python"), message))
        settings = Settings(**source.config.training)
        whole = Resolved(source.config, source.data, source.network, settings)
        return Taught(whole, source.name, True)
    from chainrule.config.load import Config, read_source

    config = source if isinstance(source, Config) else read_source(source).config(overrides)
    return Taught(resolve(config), config.name, False)


@dataclass(frozen=True)
class Taught:
    """A network with its data and settings.

    Attributes:
        resolved: all of them.
        name: that of the configuration, or of the run's folder.
        is_trained: whether the network is as it was when its training ended.
    """

    resolved: Resolved
    name: str
    is_trained: bool

    @property
    def settings(self) -> Settings:
        """How it is trained."""
        return self.resolved.settings

    @property
    def when(self) -> str:
        """Which weights the network has, as a sentence."""
        if self.is_trained:
            return "The weights are those after the training."
        return "The weights are those with which training starts."

    @property
    def outputs(self) -> Sequence[str] | None:
        """What each output stands for: a class, a label or a value by name."""
        data = self.resolved.data
        if data.classes is not None and len(data.classes) == self.resolved.network.outputs:
            return data.classes
        return data.target_names

    def part(self, split: str) -> Dataset:
        """The cases of a part of the data; those of the training with their weights there.

        Raises:
            DataError: there is no such part, or it has no cases.
        """
        if split not in PART_WORDS:
            raise DataError(unknown("split", split, PART_WORDS))
        found: Dataset = (
            self.resolved.training_set()
            if split == "train"
            else getattr(self.resolved.data, split)
        )
        if not len(found):
            raise DataError(f"there are no {PART_WORDS[split]} data to take a case from")
        return found

    def first(self, part: Dataset, count: int) -> tuple[Array, Array | None]:
        """The numbers of the first cases of a part that count, at most so many, and their weights.

        Raises:
            DataError: every case has the weight 0.
        """
        numbers, _, weights = cases_that_count(np.arange(len(part)), part.t, part.weights)
        if not len(numbers):
            raise DataError("every case has the weight 0, so that none is trained on")
        return numbers[:count], None if weights is None else weights[:count]

    def minibatch(
        self, part: Dataset, split: str, case: int, *, with_all: bool = True
    ) -> tuple[Array, int, Array | None]:
        """The cases that are worked out together, the place of the case, and their weights.

        Args:
            part: of the data, see `part`.
            split: its name.
            case: an index into it.
            with_all: whether an optimiser that takes all cases is given them.

        Raises:
            DataError: there is no such case, or it does not count.
        """
        count = len(part)
        if not is_whole(case) or not 0 <= case < count:
            there = "0" if count == 1 else f"0 to {count - 1}"
            cases = "case" if count == 1 else "cases"
            raise DataError(
                f"there is no case {case!r} in the {PART_WORDS[split]} data: {cases} {there}"
            )
        numbers, _, weights = cases_that_count(np.arange(count), part.t, part.weights)
        if case not in numbers:
            raise DataError(f"case {case} has the weight 0, so that it is not trained on")
        own = int(np.flatnonzero(numbers == case)[0])
        chosen = self._together(len(numbers), own, with_all)
        place = int(np.flatnonzero(chosen == own)[0])
        return numbers[chosen], place, None if weights is None else weights[chosen]

    def _together(self, count: int, case: int, with_all: bool) -> Array:
        """The first minibatch of the training with the case, if cases depend on each other."""
        needed = max(layer.least_cases for layer in self.resolved.network.layers)
        takes_all = with_all and optimizer(self.settings.optimizer).takes_all_cases
        if needed == 1 and not takes_all:
            return np.array([case])
        size = self.settings.cases_a_minibatch(count)
        order = np.arange(count)
        if self.settings.shuffle and size < count:
            order = stream(self.settings.seed, "shuffle", "1").permutation(count)
        start = int(np.flatnonzero(order == case)[0]) // size * size
        return order[start : start + size]

    def scale(self) -> float:
        """The schedule's factor in the first minibatch of a training."""
        settings = self.settings
        count = len(self.resolved.data.train)
        minibatches = ceil(count / settings.cases_a_minibatch(count)) if count else 1
        chosen = schedule(settings.schedule)
        found = chosen.factors(Epoch(1, settings.epochs, minibatches))
        return float(np.atleast_1d(found)[0])

    def notes(self) -> list[str]:
        """What is to be known of the numbers of the data."""
        data, found = self.resolved.data, []
        if data.scaling is not None:
            found.append(
                "The inputs are standardised, as the network sees them: (value − mean) / "
                "standard deviation, both of that input in the training data."
            )
        if data.target_scaling is not None:
            found.append("The targets are scaled in the same way, and the outputs with them.")
        return [*found, *(f"{note[0].upper()}{note[1:].rstrip('.')}." for note in data.notes)]

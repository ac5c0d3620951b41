"""Which trials a sweep makes: a grid in order, or draws; each the same however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import ConfigError
from chainrule.core.randomness import stream
from chainrule.runs.sweeps.variation import Choices, Variation

Point = dict[str, str]
"""The values of one trial, as texts, by their paths."""

MOST_TRIALS = 100_000


@dataclass(frozen=True)
class Plan:
    """The trials of a sweep, numbered from 0; each is the same however many there are.

    Attributes:
        variations: what varies.
        count: how many trials.
        seed: of the draws.
        in_order: whether the points of the grid come one after the other, and not at random.
        grid: how many points the grid has; 0 where a range has none.
    """

    variations: tuple[Variation, ...]
    count: int
    seed: int
    in_order: bool
    grid: int

    @classmethod
    def make(cls, variations: Sequence[Variation], trials: int | None, seed: int) -> Plan:
        """The whole grid in order without ``trials``, else so many draws, of a grid none twice.

        Raises:
            ConfigError: nothing varies, a path twice, a grid of a range, or too many trials.

        Example:
            >>> plan = Plan.make([Variation.parse("a=1,2"), Variation.parse("b=x,y")], None, 0)
            >>> [list(plan.point(k).values()) for k in range(plan.count)]
            [['1', 'x'], ['1', 'y'], ['2', 'x'], ['2', 'y']]
        """
        paths = [variation.path for variation in variations]
        if not paths:
            raise ConfigError("a sweep varies something: --vary network.learning_rate=log:1e-3..1")
        for k, path in enumerate(paths):
            if path in paths[:k]:
                raise ConfigError(f"{path} is varied twice")
        ranges = [v.path for v in variations if not isinstance(v.values, Choices)]
        if trials is None and ranges:
            raise ConfigError(
                f"{ranges[0]} varies over a range, which has no grid; say how many draws: "
                "--trials 20, or list its values"
            )
        grid = 0 if ranges else prod(len(v.values.samples()) for v in variations)
        count = min(trials or grid, grid or MOST_TRIALS + 1)
        if not 1 <= count <= MOST_TRIALS or (trials is not None and trials < 1):
            found = count if trials is None else trials
            raise ConfigError(f"a sweep has 1 to {MOST_TRIALS:,} trials, found {found:,}")
        return cls(tuple(variations), count, seed, in_order=trials is None, grid=grid)

    def point(self, trial: int) -> Point:
        """The values of a trial."""
        if not 0 < self.grid <= MOST_TRIALS:
            return {
                v.path: v.values.draw(stream(self.seed, "sweep", v.path, str(trial)))
                for v in self.variations
            }
        number = trial if self.in_order else int(self._shuffled[trial])
        sizes = [len(v.values.samples()) for v in self.variations]
        places = np.unravel_index(number, sizes)
        return {
            v.path: v.values.samples()[int(k)]
            for v, k in zip(self.variations, places, strict=True)
        }

    @cached_property
    def _shuffled(self) -> npt.NDArray[np.int64]:
        """The grid's points in random order."""
        return stream(self.seed, "sweep", "grid").permutation(self.grid)

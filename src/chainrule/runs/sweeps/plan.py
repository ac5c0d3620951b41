"""What a sweep varies, and which trials follow: a grid in order, or random draws.

A trial's values depend on its number and the seed, not on the number of trials.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, isfinite, log, log10, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import ConfigError, Problem, shown, unknown
from chainrule.core.randomness import stream

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+|inf|nan)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"(?:(?P<kind>[A-Za-z]+):)?(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})\Z")

_WORD = re.compile(r"[A-Za-z][\w./-]*\Z")
_NO_TEXTS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


@dataclass(frozen=True)
class Choices:
    """A list of values of a setting, as texts in YAML, drawn with equal probability."""

    texts: tuple[str, ...]

    def draw(self, rng: np.random.Generator) -> str:
        """One of the values."""
        return self.texts[int(rng.integers(len(self.texts)))]

    def samples(self) -> tuple[str, ...]:
        """The values to check against the setting: all of them."""
        return self.texts


@dataclass(frozen=True)
class Range:
    """The numbers from ``low`` to ``high``, uniform on a linear or a logarithmic scale.

    Attributes:
        low: the smallest number.
        high: the largest number, above ``low``.
        logarithmic: whether the logarithm is uniform; ``low`` must then be above 0.
        whole: whether only whole numbers are drawn.

    Example:
        >>> Range(1e-4, 1.0, logarithmic=True).samples()
        ('0.0001', '1.0')
    """

    low: float
    high: float
    logarithmic: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.low) and isfinite(self.high) and self.low < self.high):
            raise ConfigError(
                f"a range goes from a lower to a higher number, found {self.low:g}..{self.high:g}"
            )
        if self.logarithmic and self.low <= 0:
            raise ConfigError(f"a logarithmic range begins above 0, found {self.low:g}")
        if self.whole and not (self.low == int(self.low) and self.high == int(self.high)):
            raise ConfigError(
                f"a range of whole numbers has whole ends, found {self.low:g}..{self.high:g}"
            )

    def draw(self, rng: np.random.Generator) -> str:
        """A random number of the range; whole numbers include both ends."""
        low, high = self._on_scale(self.low), self._on_scale(self.high + self.whole)
        value = low + float(rng.random()) * (high - low)
        value = exp(value) if self.logarithmic else value
        if self.whole:
            return str(min(int(value), int(self.high)))
        # Six significant digits, and more for a narrow range, so that its values stay distinct.
        largest = max(abs(self.low), abs(self.high))
        digits = 6 + max(0, int(log10(largest / (self.high - self.low))))
        return repr(min(max(float(f"{value:.{digits}g}"), self.low), self.high))

    def _on_scale(self, value: float) -> float:
        return log(value) if self.logarithmic else value

    def samples(self) -> tuple[str, ...]:
        """The values to check against the setting: both ends."""
        form = (lambda v: str(int(v))) if self.whole else repr
        return form(self.low), form(self.high)

    def place(self, value: float) -> float:
        """The position of a value in the range on its scale, from 0 (low) to 1 (high)."""
        low, high = self._on_scale(self.low), self._on_scale(self.high)
        return (self._on_scale(value) - low) / (high - low)


KINDS: Mapping[str, Mapping[str, bool]] = {
    "uniform": {},
    "log": {"logarithmic": True},
    "int": {"whole": True},
    "logint": {"logarithmic": True, "whole": True},
}
"""The kinds of range, by the word before the colon."""


@dataclass(frozen=True)
class Variation:
    """A setting that varies, and its values.

    Attributes:
        path: as ``--set`` takes it, such as ``network.learning_rate``.
        values: the values to choose from.
        text: the values as they were written.
    """

    path: str
    values: Choices | Range
    text: str

    @classmethod
    def parse(cls, item: str) -> Variation:
        """The variation that an argument of ``--vary`` describes.

        Args:
            item: ``path=1,2,3`` (values as in YAML; commas inside brackets belong to a value),
                or ``path=KIND:LOW..HIGH`` with one of `KINDS`, ``uniform`` by default.

        Raises:
            ConfigError: it is neither.

        Example:
            >>> Variation.parse("training.optimizer=sgd,{type: momentum, momentum: 0.8}").values
            Choices(texts=('sgd', '{type: momentum, momentum: 0.8}'))
            >>> Variation.parse("network.learning_rate=log:1e-4..1").values.draw(
            ...     np.random.default_rng(0))
            '0.0353059'
        """
        path, equals, text = (part.strip() for part in item.partition("="))
        if not equals or not path or not text:
            raise _wrong(item, "expected path=values, such as training.seed=1,2,3")
        try:
            return cls(path, _range(text) or Choices(_texts(text)), text)
        except ConfigError as error:
            raise _wrong(item, error.problems[0].message) from None

    @classmethod
    def of(cls, path: str, values: str | Sequence[Any]) -> Variation:
        """A variation from Python; ``values`` is a list, or a text as after ``=`` in `parse`."""
        if isinstance(values, str):
            return cls.parse(f"{path}={values}")
        if not isinstance(values, Iterable) or isinstance(values, Mapping):
            message = f"expected a list of values or the text of a range, found {shown(values)}"
            raise _wrong(f"{path}=", message)
        try:
            texts = tuple(_text_of(value) for value in values)
        except (TypeError, ValueError) as error:
            raise _wrong(f"{path}=", f"a value cannot be written down: {error}") from None
        if not texts:
            raise _wrong(f"{path}=", "there is no value")
        return cls(path, Choices(texts), ",".join(texts))


def _text_of(value: Any) -> str:
    """A value in YAML: a plain word as it is, anything else as JSON, which is valid YAML."""
    if isinstance(value, str) and _WORD.match(value) and value.lower() not in _NO_TEXTS:
        return value
    plain = value.tolist() if isinstance(value, np.generic | np.ndarray) else value
    return json.dumps(plain)


def _wrong(item: str, message: str) -> ConfigError:
    return ConfigError(Problem(message, f"--vary {item}"))


def _range(text: str) -> Range | None:
    """The range that a text describes; None if the text is a list."""
    match = _RANGE.match(text)
    if match is None:
        kind, colon, _ = text.partition(":")
        if colon and kind.lower() in KINDS:
            raise ConfigError(f"expected {kind}:LOW..HIGH, such as {kind}:1..10")
        return None
    kind = (match["kind"] or "uniform").lower()
    if kind not in KINDS:
        raise ConfigError(unknown("kind of range", kind, KINDS))
    return Range(float(match["low"]), float(match["high"]), **KINDS[kind])


def _texts(text: str) -> tuple[str, ...]:
    """The values of a list: the text is split at commas outside brackets and quotes."""
    texts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        depth += (sign in "[{") - (sign in "]}") if not quote else 0
        if sign == "," and not depth and not quote:
            texts.append("")
        else:
            texts[-1] += sign
    texts = [text.strip() for text in texts]
    if not all(texts):
        raise ConfigError("there is nothing between two commas")
    if len(set(texts)) < len(texts):
        raise ConfigError("a value stands twice")
    return tuple(texts)


Point = dict[str, str]
"""The values of one trial, as texts, by the settings' paths."""

MOST_TRIALS = 100_000


@dataclass(frozen=True)
class Plan:
    """The trials of a sweep, numbered from 0.

    Attributes:
        variations: the settings that vary.
        count: the number of trials.
        seed: the seed of the draws.
        in_order: whether the points of the grid come in order instead of shuffled.
        grid: the number of points of the grid; 0 if a setting varies over a range.
    """

    variations: tuple[Variation, ...]
    count: int
    seed: int
    in_order: bool
    grid: int

    @classmethod
    def make(cls, variations: Sequence[Variation], trials: int | None, seed: int) -> Plan:
        """A plan of ``trials`` random points, or of the whole grid in order if it is None.

        No point of a grid is drawn twice, unless the grid has more than `MOST_TRIALS` points.

        Raises:
            ConfigError: nothing varies, a setting varies twice, a grid is wanted but a setting
                varies over a range, or the number of trials is out of its range.

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
        """The numbers of the grid's points in random order."""
        return stream(self.seed, "sweep", "grid").permutation(self.grid)

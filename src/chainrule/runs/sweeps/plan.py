"""What a sweep varies, and which trials follow: a grid in order, or random draws.

A trial's values follow from its number and the seed, and not from how many trials there are.
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
    """Some values of a setting, as texts in YAML, each as likely as the others."""

    texts: tuple[str, ...]

    def draw(self, rng: np.random.Generator) -> str:
        """One of the values."""
        return self.texts[int(rng.integers(len(self.texts)))]

    def samples(self) -> tuple[str, ...]:
        """The values by which to check that the setting takes them: all."""
        return self.texts


@dataclass(frozen=True)
class Range:
    """All numbers between two, evenly likely on a linear or a logarithmic scale.

    Attributes:
        low: the smallest.
        high: the largest, above it.
        logarithmic: whether each decade is as likely as the others; then ``low`` is above 0.
        whole: whole numbers alone.

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
        """A number of the range; whole ones include both ends."""
        low, high = self._on_scale(self.low), self._on_scale(self.high + self.whole)
        value = low + float(rng.random()) * (high - low)
        value = exp(value) if self.logarithmic else value
        if self.whole:
            return str(min(int(value), int(self.high)))
        # Six digits tell values apart and can be written down; of a narrow range, more.
        largest = max(abs(self.low), abs(self.high))
        digits = 6 + max(0, int(log10(largest / (self.high - self.low))))
        return repr(min(max(float(f"{value:.{digits}g}"), self.low), self.high))

    def _on_scale(self, value: float) -> float:
        return log(value) if self.logarithmic else value

    def samples(self) -> tuple[str, ...]:
        """The values by which to check that the setting takes them: both ends."""
        form = (lambda v: str(int(v))) if self.whole else repr
        return form(self.low), form(self.high)

    def place(self, value: float) -> float:
        """Where a value lies in the range, from 0 to 1."""
        low, high = self._on_scale(self.low), self._on_scale(self.high)
        return (self._on_scale(value) - low) / (high - low)


KINDS: Mapping[str, Mapping[str, bool]] = {
    "uniform": {},
    "log": {"logarithmic": True},
    "int": {"whole": True},
    "logint": {"logarithmic": True, "whole": True},
}
"""The kinds of range by the word before their ends."""


@dataclass(frozen=True)
class Variation:
    """A setting that varies.

    Attributes:
        path: as ``--set`` takes it, such as ``network.learning_rate``.
        values: that it takes.
        text: of the values as it was written, for messages.
    """

    path: str
    values: Choices | Range
    text: str

    @classmethod
    def parse(cls, item: str) -> Variation:
        """A variation as ``--vary`` takes it.

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
        """A variation from Python: the values are a list, or a text as behind ``path=``."""
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
    """A value in YAML: a plain word as it is, all else as JSON, which YAML includes."""
    if isinstance(value, str) and _WORD.match(value) and value.lower() not in _NO_TEXTS:
        return value
    plain = value.tolist() if isinstance(value, np.generic | np.ndarray) else value
    return json.dumps(plain)


def _wrong(item: str, message: str) -> ConfigError:
    return ConfigError(Problem(message, f"--vary {item}"))


def _range(text: str) -> Range | None:
    """The range that a specification describes; None where it is a list."""
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
    """The values of a list: the text split at commas outside of brackets and quotes."""
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
"""The values of one trial, as texts, by their paths."""

MOST_TRIALS = 100_000


@dataclass(frozen=True)
class Plan:
    """The trials of a sweep, numbered from 0; each is the same however many there are.

    Attributes:
        variations: what varies.
        count: how many trials.
        seed: of the draws.
        in_order: whether the points of the grid come in their order, and not shuffled.
        grid: how many points the grid has; 0 where a range has none.
    """

    variations: tuple[Variation, ...]
    count: int
    seed: int
    in_order: bool
    grid: int

    @classmethod
    def make(cls, variations: Sequence[Variation], trials: int | None, seed: int) -> Plan:
        """Without ``trials`` the whole grid in order, else that many draws, of a grid none twice.

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

"""A computation as lines of NumPy, so that a bug is another rule for some of its lines.

A program is what a course asks for, written as on the board: a line has a name, such as
``dW1``, and a
rule, such as ``a0.T @ d1``. A bug or a convention is a `Variation`: other rules for some lines.
Running
the program with a variation gives the numbers of a student who made that bug, and everything
that
depends on the changed line follows by itself, so bugs in two lines combine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType, SimpleNamespace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array

STAGES = ("forward", "loss", "backward", "update")
"""The stages of a program, in the order in which a fault in one of them is looked for."""

RIGHT = "RIGHT"
"""Stands for the line's own rule within the rule of a variation."""

Case = Mapping[str, Any]
"""The inputs of one call, by name: arrays and numbers."""

Values = dict[str, Any]
"""Inputs and the value of every line, by name."""


@dataclass(frozen=True)
class Line:
    """One line of a program.

    Attributes:
        name: of its value; a Python identifier.
        rule: the NumPy expression in inputs, earlier names, ``np``, ``before`` (the values of
        the call
            before on the same object; None at the first) and the program's functions.
        says: what the value is, as in a sentence: ``∂L/∂W of layer 1``.
        stage: one of `STAGES`.
    """

    name: str
    rule: str
    says: str
    stage: str


@dataclass(frozen=True)
class Variation:
    """Other rules for some lines: a bug that students make, or a convention that they may choose.

    Attributes:
        name: a word, such as ``no_mean_in_dW1``.
        title: what is wrong, in a few words, with the place.
        sentence: what happens in the code and why it is wrong, as a teacher would say it.
        hint: where to look; it does not give the bug away.
        changes: the other rules, by the names of their lines; ``RIGHT`` stands for the line's
        own.
        group: of conventions only: those of one group exclude each other. A bug has none.
        often: how often it is met, compared with others, to order explanations that both fit.
    """

    name: str
    title: str
    sentence: str
    hint: str
    changes: Mapping[str, str]
    group: str = ""
    often: float = 1.0

    @property
    def is_convention(self) -> bool:
        """Whether it is a convention and no bug."""
        return bool(self.group)


@dataclass(frozen=True)
class Probe:
    """Calls that are made one after the other on the same object.

    Attributes:
        name: a word, such as ``second batch``.
        why: which bugs it tells from others, as in a sentence.
        calls: the inputs of each call.
    """

    name: str
    why: str
    calls: tuple[Case, ...]


@dataclass(frozen=True)
class Program:
    """A computation, its probes and the variations that are known of it.

    Attributes:
        name: a word, such as ``network``.
        lines: in order.
        variations: bugs and conventions.
        probes: calls that tell the variations apart.
        functions: what rules may call besides NumPy.
    """

    name: str
    lines: tuple[Line, ...]
    variations: tuple[Variation, ...]
    probes: tuple[Probe, ...]
    functions: Mapping[str, Any] = field(default_factory=dict)

    def line(self, name: str) -> Line:
        """The line of a name.

        Raises:
            KeyError: there is none.
        """
        return next(line for line in self.lines if line.name == name)

    def stage_of(self, variation: Variation) -> str:
        """The first stage in which a variation changes a line."""
        return next(line.stage for line in self.lines if line.name in variation.changes)

    def run(self, probe: Probe, variations: Sequence[Variation] = ()) -> list[Values]:
        """The values of every call of a probe.

        Args:
            probe: its calls are made on the same object.
            variations: bugs and conventions, all of them at once; of two that change the same
            line
                the later one is put around the earlier one where it says ``RIGHT``.
        """
        rules = [(line.name, self._rule(line, variations)) for line in self.lines]
        found: list[Values] = []
        before: Any = None
        for case in probe.calls:
            values: Values = {"np": np, **self.functions, **case, "before": before}
            with np.errstate(all="ignore"):
                for name, code in rules:
                    values[name] = eval(code, values)
            found.append(values)
            before = SimpleNamespace(**values)
        return found

    def _rule(self, line: Line, variations: Iterable[Variation]) -> CodeType:
        rule = line.rule
        for variation in variations:
            if line.name in variation.changes:
                rule = variation.changes[line.name].replace(RIGHT, f"({rule})")
        return _compiled(rule)


@lru_cache(maxsize=20_000)
def _compiled(rule: str) -> CodeType:
    return compile(rule, f"<{rule}>", "eval")


def is_same(found: Any, expected: Any, tolerance: float = 1e-7) -> bool:
    """Whether two arrays have the same shape and agree, NaN and infinities included.

    A number may differ by ``tolerance`` of itself or by a thousandth of that of the largest.
    """
    a, b = np.asarray(found, float), np.asarray(expected, float)
    if a.shape != b.shape:
        return False
    finite = b[np.isfinite(b)]
    floor = 1e-3 * tolerance * float(np.abs(finite).max(initial=0.0))
    return bool(np.allclose(a, b, rtol=tolerance, atol=floor, equal_nan=True))


def differing(found: Array, expected: Array, tolerance: float = 1e-7) -> Iterator[tuple[int, ...]]:
    """The indices at which two arrays of one shape differ."""
    for at in np.ndindex(expected.shape):
        if not is_same(found[at], expected[at], tolerance):
            yield at

"""A computation as lines of NumPy, so that a bug is another rule for some of its lines.

A program is what a course asks for, written as on the board: a line has a name, such as ``dW1``,
and a rule, such as ``a0.T @ d1``. A bug or a convention is a `Variation`: other rules for some
lines. Running the program with a variation gives the numbers of a student who made that bug, and
everything that depends on the changed line follows by itself, so bugs in two lines combine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import CodeType, SimpleNamespace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array

FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NameError,
    TypeError,
    ValueError,
)
"""The errors that a rule may raise in a probe whose shapes it does not fit."""

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
        rule: the NumPy expression in inputs, earlier names, ``np``, ``before`` (the values of the
            call before on the same object; None at the first) and the program's functions.
        says: what the value is, as in a sentence: ``∂L/∂W of layer 1``.
        stage: a word, such as forward, loss, backward or update: a fault is charged once a stage.
    """

    name: str
    rule: str
    says: str
    stage: str


@dataclass(frozen=True)
class Variation:
    """Other rules for some lines: a bug that students make, or a convention that they may choose.

    Attributes:
        name: its kind and place, such as ``no_mean@dW1``; the kind alone where there is one place.
        title: what is wrong, in a few words, with the place.
        sentence: what happens in the code and why it is wrong, as a teacher would say it.
        hint: where to look; it does not give the bug away.
        changes: the other rules, by the names of their lines; ``RIGHT`` stands for the line's own.
        group: of conventions only: those of one group exclude each other. A bug has none.
        often: how often it is met, compared with others, to order explanations that both fit.
        is_generated: whether it was made mechanically from a rule, and not written by hand.
    """

    name: str
    title: str
    sentence: str
    hint: str
    changes: Mapping[str, str]
    group: str = ""
    often: float = 1.0
    is_generated: bool = False

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
        is_extreme: whether its inputs are such as no usual call has, such as logits of 1000: what
            is wrong in such probes alone is advice, and costs nothing.
    """

    name: str
    why: str
    calls: tuple[Case, ...]
    is_extreme: bool = False


@dataclass(frozen=True)
class Gradient:
    """What a line of a program is the derivative of.

    Attributes:
        of: the line that is differentiated, such as ``loss``.
        by: the input by which it is differentiated.
        upstream: the input that holds ∂L/∂(``of``), where ``of`` is no number; else empty.
    """

    of: str
    by: str
    upstream: str = ""


@dataclass(frozen=True)
class Program:
    """A computation, its probes and the variations that are known of it.

    Attributes:
        name: a word, such as ``network``.
        lines: in order.
        variations: bugs and conventions.
        probes: calls that tell the variations apart.
        functions: what rules may call besides NumPy.
        gradients: which lines are gradients, and of what. By default every line ``dNAME`` whose
            NAME is an input is the derivative of the line ``loss``, if there is one.
        may_change: inputs that a call may rightly write into, such as weights in an update.
        is_tabled: whether its values are known for its own probes alone, as those of a solution
            are; for other inputs its rules say nothing.
    """

    name: str
    lines: tuple[Line, ...]
    variations: tuple[Variation, ...]
    probes: tuple[Probe, ...]
    functions: Mapping[str, Any] = field(default_factory=dict)
    gradients: Mapping[str, Gradient] = field(default_factory=dict)
    may_change: tuple[str, ...] = ()
    is_tabled: bool = False

    @property
    def is_run(self) -> bool:
        """Whether it is that of a file that is run with arguments; else calls are made."""
        return False

    def followers(self) -> Mapping[str, frozenset[str]] | None:
        """For every line those that follow from it; None where the rules tell it."""
        return None

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The place of every line, counted from 0."""
        return {line.name: k for k, line in enumerate(self.lines)}

    @cached_property
    def inputs(self) -> frozenset[str]:
        """The names of the inputs of all probes."""
        calls = [call for probe in self.probes for call in probe.calls]
        return frozenset(name for call in calls for name in call)

    def derived(self) -> Mapping[str, Gradient]:
        """The gradients as given, or else those that the names of lines and inputs tell."""
        if self.gradients or "loss" not in self.order:
            return self.gradients
        names = [line.name for line in self.lines]
        found = {name: name[1:] for name in names if name[0] == "d" and name[1:] in self.inputs}
        return {line: Gradient("loss", name) for line, name in found.items()}

    def line(self, name: str) -> Line:
        """The line of a name.

        Raises:
            KeyError: there is none.
        """
        return self.lines[self.order[name]]

    def stage_of(self, variation: Variation) -> str:
        """The first stage in which a variation changes a line."""
        return next(line.stage for line in self.lines if line.name in variation.changes)

    def run(self, probe: Probe, variations: Sequence[Variation] = ()) -> list[Values]:
        """The values of every call of a probe.

        Args:
            probe: its calls are made on the same object.
            variations: bugs and conventions, all of them at once; of two that change the same
                line the later one is put around the earlier one where it says ``RIGHT``.
        """
        changed = self.rules(variations)
        rules = [(line.name, changed.get(line.name, line.rule)) for line in self.lines]
        found: list[Values] = []
        before: Any = None
        for case in probe.calls:
            values: Values = {"np": np, **self.functions, **case, "before": before}
            with np.errstate(all="ignore"):
                for name, rule in rules:
                    with suppress(*FAILURES):
                        values[name] = evaluated(rule, values)
            found.append(values)
            before = SimpleNamespace(**values)
        return found

    def rules(self, variations: Iterable[Variation]) -> dict[str, str]:
        """The rules of the lines that variations change, by name.

        Args:
            variations: of two that change the same line the later one is put around the earlier
                one where it says ``RIGHT``, and replaces it where it does not.
        """
        found: dict[str, str] = {}
        for variation in variations:
            for name, rule in variation.changes.items():
                if name in self.order:
                    earlier = found.get(name, self.line(name).rule)
                    found[name] = rule.replace(RIGHT, f"({earlier})")
        return found


@lru_cache(maxsize=20_000)
def _compiled(rule: str) -> CodeType:
    return compile(rule, f"<{rule}>", "eval")


def evaluated(rule: str, names: dict[str, Any]) -> Any:
    """The value of a rule.

    Args:
        rule: one of our own tables, or made from one.
        names: what it may read.
    """
    return eval(_compiled(rule), names)


def is_same(found: Any, expected: Any, tolerance: float = 1e-7, slack: Any = 0.0) -> bool:
    """Whether two arrays have the same shape and agree, NaN and infinities included.

    A number may differ by ``tolerance`` of itself or by a thousandth of that of the largest.

    Args:
        found: the submission's array.
        expected: the right one.
        tolerance: the relative error that is allowed.
        slack: the absolute error that is allowed besides: what rounding makes of another order of
            operations.
    """
    a, b = np.asarray(found, float), np.asarray(expected, float)
    if a.shape != b.shape:
        return False
    size = np.abs(b)
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= tolerance * size + 1e-3 * tolerance * _largest(size) + slack
    return bool(np.all((near & np.isfinite(b)) | (a == b) | (np.isnan(a) & np.isnan(b))))


def _largest(size: Array) -> float:
    most = float(size.max(initial=0.0))
    return most if np.isfinite(most) else float(size[np.isfinite(size)].max(initial=0.0))


def differing(found: Array, expected: Array, tolerance: float = 1e-7) -> Iterator[tuple[int, ...]]:
    """The indices at which two arrays of one shape differ."""
    for at in np.ndindex(expected.shape):
        if not is_same(found[at], expected[at], tolerance):
            yield at

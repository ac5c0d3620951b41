"""What the doctor says: findings in order, each with its evidence and what to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import repeat
from shlex import quote
from textwrap import wrap
from typing import Any, Literal

from chainrule.core import html
from chainrule.core.errors import printable

WIDTH = 96
"""Lines are at most so long, but for settings."""

WELL = "healthy: nothing found that keeps it from learning"

Confidence = Literal["certain", "likely", "possible"]
"""How sure a finding is. ``possible`` is a hint and no alarm."""

ILLNESSES = {
    "constant_labels": "every training case has the same target",
    "absent_class": "a class has no training case",
    "leaking_feature": "one input alone gives the target away",
    "wrong_loss": "the loss or the last layer does not fit the targets",
    "shuffled_labels": "the targets have nothing to do with the inputs",
    "not_finite": "a loss or a gradient became infinite or NaN",
    "symmetric_start": "all units of a layer start alike and stay alike",
    "unscaled_inputs": "inputs are far from mean 0 and deviation 1",
    "unscaled_targets": "values are far from mean 0 and deviation 1",
    "dead_units": "units give 0 for every case and learn nothing",
    "saturated_units": "units stand at the flat ends of their activation",
    "exploding_gradients": "gradients grow from layer to layer on the way back",
    "vanishing_gradients": "gradients shrink from layer to layer on the way back",
    "rate_too_high": "steps are too long, so that the loss jumps instead of falling",
    "rate_too_low": "steps are too short to get anywhere",
    "batch_too_large": "an epoch has too few updates",
    "class_imbalance": "one class is so frequent that the others are not learnt",
    "overfitting": "training cases are learnt by heart, and others suffer",
    "underfitting": "not even the training cases are learnt",
}
"""The illnesses by name, with what each of them is."""


@dataclass(frozen=True)
class Finding:
    """One thing that keeps a network from learning, or makes its scores mislead.

    Attributes:
        illness: one of the names in `ILLNESSES`.
        layer: the name of the layer that it is about, or None.
        evidence: a sentence with the numbers that speak for it.
        confidence: ``certain``, ``likely`` or ``possible``.
        advice: a sentence that says what to try.
        settings: what to try as overrides of the configuration, such as
            ``network.learning_rate=0.01``; empty where no key settles it.
    """

    illness: str
    layer: str | None
    evidence: str
    confidence: Confidence
    advice: str
    settings: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f" in {self.layer}" if self.layer else ""
        return printable(f"{self.illness}{where} ({self.confidence}): {self.evidence}")

    @property
    def options(self) -> str:
        """The settings as options of a command."""
        return f"--set {' '.join(map(_quoted, self.settings))}" if self.settings else ""

    @property
    def lines(self) -> list[str]:
        """The finding as it is printed: what it is, its evidence, and what to try."""
        where = f" in {self.layer}" if self.layer else ""
        found = [f"{self.illness}{where}, {self.confidence}: {ILLNESSES[self.illness]}"]
        for heading, text in (("evidence", self.evidence), ("try", self.advice)):
            lines = wrap(text, WIDTH - 12, break_long_words=False, break_on_hyphens=False)
            found += [
                f"  {head:<10}{line}" for head, line in zip(_heads(heading), lines, strict=False)
            ]
        if self.settings:
            found.append(f"  {'':<10}{self.options}")
        return [printable(line) for line in found]


def _heads(first: str) -> Iterator[str]:
    """A heading for the first line, and nothing for the others."""
    yield first
    yield from repeat("")


def _quoted(setting: str) -> str:
    """A setting as a shell takes it."""
    return quote(setting) if set(setting) & set(" {}[]") else setting


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What the doctor found, cause before consequence; it iterates over its findings.

    Attributes:
        findings: the findings, alarms first.
        examined: a sentence on what was looked at, such as the scores and the epochs.
        name: of the run or the configuration.
    """

    findings: tuple[Finding, ...]
    examined: str = ""
    name: str = ""

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that are certain or likely; the others are hints."""
        return tuple(each for each in self.findings if each.confidence != "possible")

    @property
    def healthy(self) -> bool:
        """Whether nothing was found that is certain or likely."""
        return not self.alarms

    @property
    def first(self) -> Finding | None:
        """The first finding, or None."""
        return self.findings[0] if self.findings else None

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        lines = [printable(f"{self.name}: {self.examined}")]
        if self.healthy:
            lines.append(WELL)
        for each in self.findings:
            lines += ["", *each.lines]
        return "\n".join(lines)

    def __repr__(self) -> str:
        words = ", ".join(f"{each.illness} ({each.confidence})" for each in self) or "healthy"
        return printable(f"Diagnosis({self.name}: {words})")

    @html.never_fails
    def _repr_html_(self) -> str:
        well = WELL if self.healthy else ""
        each = (html.lines(found, f"try: {found.advice}", found.options) for found in self)
        return html.piece(f"doctor: {self.name}", html.lines(self.examined, well), *each)

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values, as ``chainrule doctor --json`` prints them."""
        return {
            "name": self.name,
            "healthy": self.healthy,
            "examined": self.examined,
            "findings": [{**asdict(each), "settings": [*each.settings]} for each in self],
        }

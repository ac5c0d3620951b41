"""What the doctor says: findings in order, each with its evidence and what to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from chainrule.core.errors import printable

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


@dataclass(frozen=True)
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
        if not self.findings:
            return printable(f"{self.name}: nothing found; {self.examined}")
        return "\n".join(str(each) for each in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values, as ``chainrule doctor --json`` prints them."""
        return {
            "name": self.name,
            "healthy": self.healthy,
            "examined": self.examined,
            "findings": [{**asdict(each), "settings": [*each.settings]} for each in self],
        }

"""What a check of gradients found: a line for each array and method, and their sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chainrule.core.errors import printable


class Verdict(StrEnum):
    """What a comparison of two derivatives says.

    Attributes:
        RIGHT: they agree as far as the method can tell.
        WRONG: they do not, and the function is smooth there.
        KINK: they do not where the function has a kink, and agree elsewhere.
        UNJUDGED: the method has no digits there, and says neither.
    """

    RIGHT = "right"
    WRONG = "wrong"
    KINK = "at a kink"
    UNJUDGED = "not judged"


@dataclass(frozen=True)
class Finding:
    """One derivative compared with another derivation of it.

    Attributes:
        place: a layer's name, ``loss`` or ``penalty``.
        what: the array, such as ``W``; of a layer checked alone the derivative, such as ``∂z/∂W``.
        method: of the other derivation.
        batch: which of the batches, from 1.
        error: ‖a−b‖ / (‖a‖+‖b‖), over what was compared so; of what is wrong where it is wrong.
        verdict: see `Verdict`.
        checked: how many numbers were compared.
        total: how many there are.
        at_kinks: how many of them were left out because of a kink.
        worst: the index in the array of the number that is furthest off, None where the method
            compares no single numbers.
        compared: how many numbers the error is of: not those at a kink, nor those whose terms
            cancel or vanish, nor those that agree only within the method's own
            error, nor those of which it has no digits; None for all.
        roundings: the largest difference of those whose terms cancel or vanish, in roundings of
            everything that they are made of.
    """

    place: str
    what: str
    method: str
    batch: int
    error: float
    verdict: Verdict
    checked: int
    total: int
    at_kinks: int = 0
    worst: tuple[int, ...] | None = None
    compared: int | None = None
    roundings: float = 0.0

    @property
    def name(self) -> str:
        """The place and the array, such as ``dense_1.W``."""
        return f"{self.place}.{self.what}"

    def __str__(self) -> str:
        """Such as ``dense_1.W: relative error 5e-05 by complex, batch 2, worst at [3, 1]``."""
        worst = f", worst at {list(self.worst)}" if self.worst is not None else ""
        return printable(
            f"{self.place} {self.what}: relative error {self.error:.2g} by {self.method}, "
            f"batch {self.batch}{worst}"
        )


@dataclass(frozen=True)
class Report:
    """All findings of a check.

    Attributes:
        parameters: the whole network's gradient, by array, method and batch.
        alone: each layer's Jacobians, the loss and the penalty, checked for themselves, in the
            order of the backward pass.
        notes: what was not done, and why; kinks that were met.
    """

    parameters: tuple[Finding, ...]
    alone: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return self.first_wrong is None

    @property
    def first_wrong(self) -> Finding | None:
        """Where the backward pass first goes wrong.

        That is the first derivative, from the loss to the first layer, that is wrong by itself.
        Where each is right alone, and only their chain is not, it is the array nearest to the
        loss that is wrong.
        """
        wrong = [f for f in self.alone if f.verdict is Verdict.WRONG]
        wrong = wrong or [f for f in reversed(self.parameters) if f.verdict is Verdict.WRONG]
        return wrong[0] if wrong else None

    @property
    def diagnosis(self) -> str:
        """Where it first goes wrong, in one sentence."""
        found = self.first_wrong
        if found is None:
            return "every gradient is right"
        if found in self.alone:
            return f"it first goes wrong in {found}"
        return (
            f"every layer is right alone, but not their chain, or what is kept from one batch to "
            f"the next: {found}"
        )

    @property
    def roundings(self) -> float:
        """The largest difference of numbers whose terms cancel or vanish, in roundings."""
        return max((f.roundings for f in self.parameters), default=0.0)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The arrays and derivatives that no method could judge, by name."""
        judged: dict[str, bool] = {}
        for f in (*self.parameters, *self.alone):
            judged[f.name] = judged.get(f.name, False) or f.verdict is not Verdict.UNJUDGED
        return tuple(name for name, known in judged.items() if not known)

    def errors(self, method: str | None = None) -> dict[str, float]:
        """The largest relative error of every parameter array, by full name."""
        return _largest(f for f in self.parameters if method in (None, f.method))

    def errors_alone(self) -> dict[str, float]:
        """The largest relative error of every derivative checked alone, by place and name."""
        return _largest(self.alone)

    @property
    def worst(self) -> float:
        """The largest relative error of all that was compared so, what is at a kink left out."""
        return max((f.error for f in (*self.parameters, *self.alone)), default=0.0)


def _largest(findings: Iterable[Finding]) -> dict[str, float]:
    largest: dict[str, float] = {}
    for f in findings:
        largest[f.name] = max(f.error, largest.get(f.name, 0.0))
    return largest

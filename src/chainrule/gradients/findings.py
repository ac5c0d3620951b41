"""What a check of gradients found, and when a difference between two derivations counts.

Each number of a gradient may differ by a share of its own size (`TOLERANCES`), plus `ROUNDINGS`
roundings of everything that it is computed from, plus the other method's own error. Where that
error leaves no digits, the method cannot judge, and the finding says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import printable
from chainrule.gradients.numeric import relative_error
from chainrule.nn.parameters import Segment

TOLERANCES = {
    "central": 1e-8,
    "complex": 1e-12,
    "projection": 1e-12,
    "torch": 1e-12,
    "jax": 1e-12,
}
"""The largest relative error that counts as right, by method; rounding is allowed for besides."""

ROUNDINGS = 50.0
"""How many roundings of everything a gradient may be off: each operation makes one."""

DIGITS = 1e-4
"""A method cannot judge a number if its own error is a larger share of the number than this."""


class Verdict(StrEnum):
    """The result of comparing two derivatives.

    Attributes:
        RIGHT: they agree as far as the method can tell.
        WRONG: they differ where the function is smooth.
        KINK: they differ only where the function has a kink.
        UNJUDGED: the method has no digits, and cannot tell.
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
        what: the array, such as ``W``; layer by layer the derivative, such as ``∂z/∂W``.
        method: the method of the other derivation.
        batch: the number of the batch, from 1.
        error: ‖a−b‖ / (‖a‖+‖b‖) over the numbers that are wrong; if none is, over all for which a
            relative error means something, see ``compared``.
        verdict: see `Verdict`.
        checked: how many numbers were looked at.
        total: how many numbers there are.
        at_kinks: how many numbers were left out because of a kink.
        worst: the index in the array of the wrong number that is furthest off; None where none is
            wrong, or the method compares no single numbers.
        compared: how many numbers ``error`` is of, None for all. Left out are numbers at a kink,
            those whose terms cancel or vanish, those that agree only within the method's own
            error, and those for which the method has no digits.
        roundings: the largest difference among the numbers whose terms cancel or vanish, in
            roundings of everything that they are made of.
        training: whether the network was in training mode, in which only networks with layers that
            differ in it are checked as well.
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
    training: bool = False

    @property
    def derivative(self) -> str:
        """``what``, with the mode if that is training, such as ``W in training``."""
        return f"{self.what} in training" if self.training else self.what

    @property
    def name(self) -> str:
        """The place and the derivative, such as ``dense_1.W``."""
        return f"{self.place}.{self.derivative}"

    def __str__(self) -> str:
        """Such as ``dense_1.W: relative error 5e-05 by complex, batch 2, worst at [3, 1]``."""
        worst = f", worst at {list(self.worst)}" if self.worst is not None else ""
        return printable(
            f"{self.place} {self.derivative}: relative error {self.error:.2g} by {self.method}, "
            f"batch {self.batch}{worst}"
        )


@dataclass(frozen=True, repr=False)
class Report:
    """All findings of a check.

    Attributes:
        parameters: findings about the whole network's gradient, by batch, method and array.
        by_layer: findings about the loss, each layer's Jacobians and the penalty, each checked by
            itself, in the order of the backward pass.
        notes: what was not done, and why; the kinks that were met.
    """

    parameters: tuple[Finding, ...]
    by_layer: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count = len(self.parameters) + len(self.by_layer)
        return (
            f"<Report of {count} comparisons: {self.diagnosis}; "
            f"largest relative error {self.worst:.1e}>"
        )

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return self.first_wrong is None

    @property
    def first_wrong(self) -> Finding | None:
        """Where the backward pass first goes wrong; None where nothing is wrong.

        This is the first derivative, from the loss to the first layer, that is wrong by itself. If
        each is right by itself, but the network's gradient is not, it is the wrong array that is
        nearest to the loss.
        """
        findings = (*self.by_layer, *reversed(self.parameters))
        return next((f for f in findings if f.verdict is Verdict.WRONG), None)

    @property
    def diagnosis(self) -> str:
        """Where the backward pass first goes wrong, in one sentence."""
        found = self.first_wrong
        if found is None:
            return "every gradient is right"
        if found in self.by_layer:
            return f"it first goes wrong in {found}"
        return (
            f"layer by layer every derivative is right, but not their product along the network, "
            f"or what one batch leaves behind for the next: {found}"
        )

    @property
    def roundings(self) -> float:
        """The largest difference among numbers whose terms cancel or vanish, in roundings."""
        return max((f.roundings for f in self.parameters), default=0.0)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The arrays and derivatives that no method could judge, by name."""
        judged: dict[str, bool] = {}
        for f in (*self.parameters, *self.by_layer):
            judged[f.name] = judged.get(f.name, False) or f.verdict is not Verdict.UNJUDGED
        return tuple(name for name, known in judged.items() if not known)

    def errors(self, method: str | None = None) -> dict[str, float]:
        """The largest relative error of every parameter array, by full name."""
        return _largest(f for f in self.parameters if method in (None, f.method))

    def errors_by_layer(self) -> dict[str, float]:
        """The largest relative error of every derivative checked by itself, by place and name."""
        return _largest(self.by_layer)

    @property
    def worst(self) -> float:
        """The largest relative error of all findings; numbers at a kink are left out."""
        return max((f.error for f in (*self.parameters, *self.by_layer)), default=0.0)


def _largest(findings: Iterable[Finding]) -> dict[str, float]:
    largest: dict[str, float] = {}
    for f in findings:
        largest[f.name] = max(f.error, largest.get(f.name, 0.0))
    return largest


@dataclass
class Comparison:
    """Numbers of one array by the backward pass and by another method.

    Attributes:
        at: their places in θ.
        ours: the numbers by the backward pass.
        other: the numbers by the method.
        rounding: the effect of one rounding of everything on each.
        error: the method's own error of each.
        limit: the share of a number's size by which it may differ.
        terms: the size of each, |ours| + |other| by default.
        kinks: which of them are at a kink.
    """

    at: Array
    ours: Array
    other: Array
    rounding: Array
    error: Array
    limit: float
    terms: Array | None = None
    kinks: Array = field(init=False)

    def __post_init__(self) -> None:
        self.kinks = np.zeros(len(self.at), bool)

    @property
    def off(self) -> Array:
        """The differences; 0 where both are the same infinity."""
        return np.where(self.ours == self.other, 0.0, np.abs(self.ours - self.other))

    @property
    def size(self) -> Array:
        """The size of each number, of which relative errors are a share."""
        return np.abs(self.ours) + np.abs(self.other) if self.terms is None else self.terms

    @property
    def slack(self) -> Array:
        """The difference that rounding and the method's own error allow."""
        return ROUNDINGS * self.rounding + self.error

    @property
    def agree(self) -> Array:
        """Which numbers differ by no more than is allowed."""
        return np.isfinite(self.off) & (self.off <= self.limit * self.size + self.slack)

    @property
    def unknown(self) -> Array:
        """Which numbers the method cannot judge, because it has no digits or no finite number.

        A NaN of ours is wrong and never unknown, because the loss is finite.
        """
        known = DIGITS * self.size + ROUNDINGS * self.rounding
        blurred = (self.off > 0) & ~(self.error <= known)
        lost = np.isfinite(self.ours) & ~np.isfinite(self.other)
        return (self.agree & blurred) | lost | (np.isinf(self.rounding) & ~np.isnan(self.ours))

    @property
    def relative(self) -> Array:
        """Which numbers agree to a share of their size, and not only within rounding or error."""
        return self.agree & ((self.slack <= self.limit * self.size) | (self.off == 0))

    def try_again(self, k: int, other: float, error: float) -> bool:
        """Take another result of the method for number ``k``, with its error, if it agrees."""
        before = self.other[k], self.error[k]
        self.other[k], self.error[k] = other, error
        if self.agree[k] and not self.unknown[k]:
            return True
        self.other[k], self.error[k] = before
        return False

    def finding(self, segment: Segment, method: str, batch: int) -> Finding:
        """The finding about an array; by projection the one number compared is a sum."""
        known = ~self.kinks & ~self.unknown
        wrong, relative = known & ~self.agree, known & self.relative
        rounded = known & self.agree & ~relative & (ROUNDINGS * self.rounding >= self.error)
        is_sum, verdict, worst = method == "projection", Verdict.RIGHT, None
        if wrong.any():
            verdict, relative = Verdict.WRONG, wrong
            if not is_sum:
                worst = self._furthest(wrong, segment)
        elif self.kinks.any():
            verdict = Verdict.KINK
        elif self.unknown.any() and not (known & (self.size > 0)).any():
            verdict = Verdict.UNJUDGED
        count = segment.stop - segment.start
        return Finding(
            segment.layer,
            segment.name,
            method,
            batch,
            self._relative_error(relative),
            verdict,
            count if is_sum else len(self.at),
            count,
            0 if is_sum else int(self.kinks.sum()),
            worst,
            compared=int(relative.sum()),
            roundings=float((self.off[rounded] / self.rounding[rounded]).max(initial=0.0)),
        )

    def _furthest(self, wrong: Array, segment: Segment) -> tuple[int, ...]:
        """The index in its array of the wrong number whose difference exceeds ``slack`` most."""
        furthest = int(np.where(wrong, self.off / self.slack, 0.0).argmax())
        place = np.unravel_index(int(self.at[furthest]) - segment.start, segment.shape)
        return tuple(int(i) for i in place)

    def _relative_error(self, these: Array) -> float:
        if self.terms is not None:
            return float((self.off[these] / self.terms[these]).max(initial=0.0))
        return relative_error(self.ours[these], self.other[these])

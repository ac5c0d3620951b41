"""What a check of gradients found, and when a difference between two derivations counts.

Two derivations of a number may differ by the sum of three terms: a relative tolerance times the
size of the number (`TOLERANCES`), `ROUNDINGS` times the effect of rounding each quantity that it
is computed from once, and the other method's own error. If that last error is too large for the
result to have reliable digits (`DIGITS`), the method cannot judge the number, and the finding says
so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from chainrule.core import html
from chainrule.core.arrays import Array
from chainrule.core.errors import printable
from chainrule.core.notation import counted, cut
from chainrule.gradients.numeric import relative_error
from chainrule.nn.parameters import Segment

TOLERANCES = {
    "central": 1e-8,
    "complex": 1e-12,
    "projection": 1e-12,
    "torch": 1e-12,
    "jax": 1e-12,
}
"""The relative tolerance of each method; rounding and the method's own error are added to it."""

ROUNDINGS = 50.0
"""How many times the effect of rounding every quantity once a gradient may be off.

It is more than one, because each operation of a pass rounds its result.
"""

DIGITS = 1e-4
"""A method cannot judge a number if the method's own error exceeds this fraction of the number's
size plus `ROUNDINGS` times the effect of rounding."""


class Verdict(StrEnum):
    """The result of comparing two derivatives.

    Attributes:
        RIGHT: they agree within the method's accuracy.
        WRONG: they differ where the function is differentiable.
        KINK: some numbers were left out, because the function has a kink there; the others agree.
        UNJUDGED: the method's own error is too large for a verdict.
    """

    RIGHT = "right"
    WRONG = "wrong"
    KINK = "at a kink"
    UNJUDGED = "not judged"


@dataclass(frozen=True, repr=False)
class Finding:
    """The comparison of one derivative with another derivation of the same derivative.

    Attributes:
        place: a layer's name, ``loss`` or ``penalty``.
        what: what is compared: a parameter array, such as ``W``, for the network's gradient; a
            derivative, such as ``∂z/∂W``, when a layer is checked by itself.
        method: the method of the other derivation.
        batch: the number of the batch, from 1.
        error: the relative error ‖a − b‖ / (‖a‖ + ‖b‖) of the wrong numbers; if none is wrong, of
            those counted in ``compared``. By projection, where a = Σ v_i g_i is one sum over the
            gradient g, it is |a − b| / (2 Σ |v_i g_i|).
        verdict: see `Verdict`.
        checked: how many numbers were looked at, including those that could not be judged.
        total: how many numbers the array or derivative has.
        at_kinks: how many numbers were left out because of a kink.
        worst: the index in the array of the wrong number with the largest difference, relative to
            what rounding and the method's error allow; None if no number is wrong, or if the
            method does not compare single numbers.
        compared: how many numbers ``error`` was computed from; None for all. If none is wrong,
            these are left out: numbers at a kink, numbers that the method cannot judge, and
            unequal numbers for which rounding and the method's own error allow a larger
            difference than the relative tolerance does.
        roundings: the largest difference among those of the last kind for which rounding allows
            at least as much as the method's own error, as where terms cancel or vanish; in units
            of the effect of rounding each quantity that they are computed from once.
        training: whether the network was in training mode. Besides evaluation mode, a network is
            checked in this mode only if it has a layer that computes something else in it.
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
        """``what``, followed by the mode if it is training mode, such as ``W in training``."""
        return f"{self.what} in training" if self.training else self.what

    @property
    def name(self) -> str:
        """The place and the derivative, joined by a dot, such as ``dense_1.W``."""
        return f"{self.place}.{self.derivative}"

    def __repr__(self) -> str:
        return cut(f"<{self.verdict}: {self}>", 160)

    def __str__(self) -> str:
        """For example ``dense_1 W: relative error 5e-05 by complex, batch 2, worst at [3, 1]``."""
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
        by_layer: findings about the loss, each layer's Jacobians and the penalty, each checked
            separately, in the order of the backward pass.
        notes: messages about checks that were not made, with the reason, and about kinks.
    """

    parameters: tuple[Finding, ...]
    by_layer: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count = len(self.parameters) + len(self.by_layer)
        return (
            f"<Report of {count} comparisons: {cut(self.diagnosis, 90)}; "
            f"largest relative error {self.worst:.1e}>"
        )

    @html.never_fails
    def _repr_html_(self) -> str:
        count = counted(len(self.parameters) + len(self.by_layer), "comparison")
        diagnosis = self.diagnosis[0].upper() + self.diagnosis[1:]
        methods = list(dict.fromkeys(f.method for f in self.parameters))
        arrays = dict.fromkeys((f.place, f.derivative) for f in self.parameters)
        rows = [
            (*array, *(_errors(self.parameters, array, method) for method in methods))
            for array in arrays
        ]
        wrong = [(f.place, f.derivative, f.method, f"{f.error:.2g}") for f in self.wrong]
        return html.piece(
            f"{diagnosis} ({count})",
            html.table(("layer", "array", *methods), rows, words=2) if rows else "",
            html.table(("wrong in", "derivative", "by", "error"), wrong, words=3) if wrong else "",
            html.lines(*self.notes[:8]),
        )

    @property
    def right(self) -> bool:
        """Whether no finding is wrong."""
        return self.first_wrong is None

    @property
    def first_wrong(self) -> Finding | None:
        """The finding where the backward pass first goes wrong; None if no finding is wrong.

        It is the first wrong one among ``by_layer``, which go from the loss back to the first
        layer. If none of these is wrong, but the gradient of the whole network is, it is the wrong
        finding about the parameter array that is nearest to the loss.
        """
        return next(iter(self.wrong), None)

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """All wrong findings, in the order of the backward pass."""
        findings = (*self.by_layer, *reversed(self.parameters))
        return tuple(f for f in findings if f.verdict is Verdict.WRONG)

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
        """The largest `Finding.roundings` of the network's gradient; 0 if there are none."""
        return max((f.roundings for f in self.parameters), default=0.0)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The names of the arrays and derivatives that no method could judge."""
        judged: dict[str, bool] = {}
        for f in (*self.parameters, *self.by_layer):
            judged[f.name] = judged.get(f.name, False) or f.verdict is not Verdict.UNJUDGED
        return tuple(name for name, known in judged.items() if not known)

    def errors(self, method: str | None = None) -> dict[str, float]:
        """The largest relative error of each parameter array, by full name.

        Args:
            method: the only method whose findings are used; None for all methods.
        """
        return _largest(f for f in self.parameters if method in (None, f.method))

    def errors_by_layer(self) -> dict[str, float]:
        """The largest relative error of each derivative in ``by_layer``, by `Finding.name`."""
        return _largest(self.by_layer)

    @property
    def worst(self) -> float:
        """The largest relative error of all findings; numbers at a kink are left out."""
        return max((f.error for f in (*self.parameters, *self.by_layer)), default=0.0)


def _errors(findings: Iterable[Finding], array: tuple[str, str], method: str) -> str:
    """The largest relative error of an array by a method, over all batches, for a table."""
    found = [f for f in findings if (f.place, f.derivative) == array and f.method == method]
    unlike = {f.verdict for f in found} - {Verdict.RIGHT}
    error = f"{max(f.error for f in found):.2g}" if found else "–"
    return ", ".join((error, *sorted(unlike)))


def _largest(findings: Iterable[Finding]) -> dict[str, float]:
    """The largest error of the findings of each name."""
    largest: dict[str, float] = {}
    for f in findings:
        largest[f.name] = max(f.error, largest.get(f.name, 0.0))
    return largest


@dataclass
class Comparison:
    """Some numbers of one gradient array, from the backward pass and from another method.

    Attributes:
        at: their indices in θ.
        ours: the numbers that the backward pass found.
        other: the numbers that the other method found.
        rounding: how far each number moves when every quantity that it is computed from is rounded
            once.
        error: the other method's own error of each number.
        limit: the relative tolerance, see `size`.
        terms: the size of each number if it is not |ours| + |other|: for a sum, twice the sum of
            the absolute values of its terms.
        kinks: which of the numbers are at a kink, True or False for each.
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
        """The differences |ours − other|; 0 where both are the same infinity."""
        return np.where(self.ours == self.other, 0.0, np.abs(self.ours - self.other))

    @property
    def size(self) -> Array:
        """What the difference of each number is divided by for its relative error."""
        return np.abs(self.ours) + np.abs(self.other) if self.terms is None else self.terms

    @property
    def slack(self) -> Array:
        """The difference that is allowed for rounding and for the method's own error."""
        return ROUNDINGS * self.rounding + self.error

    @property
    def agree(self) -> Array:
        """Which numbers agree: |ours − other| ≤ limit · size + slack, and is finite."""
        return np.isfinite(self.off) & (self.off <= self.limit * self.size + self.slack)

    @property
    def unknown(self) -> Array:
        """Which numbers the method cannot judge.

        These are the numbers that agree, but not exactly, although the method's error is too large
        (`DIGITS`); those that are infinite or NaN by the method, but finite by the backward pass;
        and those on which the effect of rounding is infinite. A NaN of the backward pass is always
        wrong, because the loss is finite.
        """
        known = DIGITS * self.size + ROUNDINGS * self.rounding
        blurred = (self.off > 0) & ~(self.error <= known)
        lost = np.isfinite(self.ours) & ~np.isfinite(self.other)
        return (self.agree & blurred) | lost | (np.isinf(self.rounding) & ~np.isnan(self.ours))

    @property
    def relative(self) -> Array:
        """Which numbers agree with a relative error that means something.

        Their slack is no more than limit · size, or they are exactly equal.
        """
        return self.agree & ((self.slack <= self.limit * self.size) | (self.off == 0))

    def try_again(self, k: int, other: float, error: float) -> bool:
        """Replace the method's result for number ``k`` if another can be judged and agrees.

        Args:
            k: the index of the number among those compared.
            other: the method's other result.
            error: the method's own error of it.

        Returns:
            Whether it agrees and was taken.
        """
        before = self.other[k], self.error[k]
        self.other[k], self.error[k] = other, error
        if self.agree[k] and not self.unknown[k]:
            return True
        self.other[k], self.error[k] = before
        return False

    def finding(self, segment: Segment, method: str, batch: int) -> Finding:
        """The finding about the array.

        If the method is ``projection``, the only number compared is a sum over the whole array.

        Args:
            segment: the array's place in θ.
            method: the other method.
            batch: the number of the batch, from 1.
        """
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
        """The index in its array of the wrong number for which difference / slack is largest."""
        furthest = int(np.where(wrong, self.off / self.slack, 0.0).argmax())
        place = np.unravel_index(int(self.at[furthest]) - segment.start, segment.shape)
        return tuple(int(i) for i in place)

    def _relative_error(self, these: Array) -> float:
        """The relative error of the chosen numbers, as defined for `Finding.error`."""
        if self.terms is not None:
            return float((self.off[these] / self.terms[these]).max(initial=0.0))
        return relative_error(self.ours[these], self.other[these])

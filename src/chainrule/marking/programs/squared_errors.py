"""The squared error alone, by whatever it is divided, and its gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.marking.program import Case, Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention

MEANS = {
    "cases": ("N", "the sum over the outputs, mean over the cases"),
    "entries": ("a.size", "the mean over cases and outputs"),
    "none": ("1", "the sum over cases and outputs"),
}
"""By which number a squared error is divided."""


def squared_error() -> Program:
    """The squared error: L = Σ (a − t)² / (N M) and ∂L/∂a = 2(a − t)/(N M).

    A mean over the cases alone, a sum, and a half in front, are conventions. Inputs: ``a`` (N, M)
    outputs, ``t`` (N, M) targets.
    """
    return Program(
        "squared error",
        (
            Line("N", "len(a)", "the number of cases", "forward"),
            Line("difference", "a - t", "a − t", "forward"),
            Line("total", "(difference**2).sum()", "Σ (a − t)²", "loss"),
            Line("divisor", "a.size", "the number that it is divided by", "loss"),
            Line("loss", "total / divisor", "the loss", "loss"),
            Line("da_total", "2 * difference", "∂L/∂a of the sum", "backward"),
            Line("da", "da_total / divisor", "∂L/∂a", "backward"),
        ),
        tuple(_squared_variations()),
        tuple(_squared_probes()),
    )


def _squared_variations() -> Iterator[Variation]:
    yield from _reductions_of_squares()
    yield from _factors_of_squares()
    yield from _squares()
    yield from _means_of_errors()


def _reductions_of_squares() -> Iterator[Variation]:
    """The half and the mean of the loss, which are conventions."""
    halves = (("", "", ""), ("_half", "half ", "0.5 * "))
    for name, (divisor, says) in MEANS.items():
        for suffix, half, factor in halves:
            if name == "entries" and not suffix:
                continue
            yield convention(
                f"{name}{suffix}",
                "squared error",
                f"the loss is {half}{says} of (a − t)²",
                "Loss and gradient belong together.",
                total=f"{factor}RIGHT" if factor else "RIGHT",
                da_total=f"{factor}RIGHT" if factor else "RIGHT",
                divisor=divisor,
            )
    yield convention(
        "each_case",
        "squared error",
        "the loss is one number for each case",
        "The loss is not summed over the cases; the gradient is that of each case's own.",
        loss="(difference**2).mean(axis=1)",
        da="2 * difference / a.shape[1]",
    )


def _factors_of_squares() -> Iterator[Variation]:
    """Factors of the loss or of its gradient alone."""
    yield bug(
        "no_factor_2@da",
        "the factor 2 is missing in ∂L/∂a",
        "The derivative of (a − t)² is 2(a − t). Only a loss with ½ in front has a − t.",
        "Differentiate (a − t)² by hand and compare with your loss.",
        4,
        da_total="0.5 * RIGHT",
    )
    yield bug(
        "factor_2@da",
        "∂L/∂a is twice too large",
        "The loss has a ½ that the gradient has not: ½(a − t)² has the derivative a − t.",
        "Differentiate your loss by hand, with its factor in front.",
        da_total="2 * RIGHT",
    )
    yield bug(
        "no_mean@da",
        "the division is missing in ∂L/∂a",
        "The loss is divided by the number of cases or entries, the gradient is not.",
        "Compare the gradient of one case with that of the same case twice.",
        3,
        da="da_total",
    )
    yield bug(
        "no_mean@loss",
        "the loss is a sum where the gradient is that of a mean",
        "The gradient is divided, the loss is not: they are not of one function.",
        "Compare the loss of one case with that of the same case twice.",
        loss="total",
    )
    yield bug(
        "cases_for_entries@da",
        "∂L/∂a is divided by the number of cases, the loss by that of all entries",
        "np.mean over the whole array divides by N·M; the gradient must divide by the same one.",
        "By which number does np.mean divide for 5 cases of 3 outputs?",
        2,
        da="da_total / N",
    )
    yield bug(
        "divided_again_by_outputs@da",
        "∂L/∂a is divided by the number of outputs once more than the loss",
        "The gradient must be divided by the same number as the loss.",
        "By which number does your loss divide for 5 cases of 3 outputs?",
        da="RIGHT / a.shape[1]",
    )


def _squares() -> Iterator[Variation]:
    """Signs, and what is not squared."""
    yield bug(
        "wrong_sign@da",
        "∂L/∂a has the wrong sign",
        "The derivative with respect to the output a of (a − t)² is 2(a − t); the code has t − a.",
        "Should a grow or shrink when it is larger than t?",
        3,
        da="-RIGHT",
    )
    yield bug(
        "sign_no_factor_2@da",
        "∂L/∂a is t − a: the sign is wrong and the factor 2 missing",
        "The derivative with respect to the output a of (a − t)² is 2(a − t).",
        "Differentiate (a − t)² by hand; mind the inner derivative.",
        da="-RIGHT / 2",
    )
    yield bug(
        "no_square@loss",
        "the loss is a mean of differences that are not squared",
        "Errors of opposite sign cancel; the loss needs the square.",
        "What is your loss for a = (1, −1), t = 0?",
        total="difference.sum()",
    )
    yield bug(
        "absolute@loss",
        "the loss is the absolute error",
        "|a − t| in place of (a − t)²; its gradient would be the sign.",
        "What is your loss when the error doubles?",
        total="np.abs(difference).sum()",
    )
    yield bug(
        "root@loss",
        "the loss is the root of the squared error",
        "With the root, the gradient needs 1/(2√…) as well.",
        "What is your loss when the error doubles?",
        loss="np.sqrt(RIGHT)",
    )


def _means_of_errors() -> Iterator[Variation]:
    """Means over the wrong axis."""
    yield bug(
        "squared@da",
        "∂L/∂a keeps the square",
        "The derivative of (a − t)² is 2(a − t); the code returns (a − t)² again.",
        "Is your gradient ever negative?",
        da_total="difference**2",
    )
    yield bug(
        "mean_over_cases@da",
        "∂L/∂a is a mean over the cases: one row for all",
        "Every entry of a has a gradient of its own; np.mean adds up those of different cases.",
        "Compare the shapes of a and of your gradient.",
        da="da_total.mean(axis=0)",
    )
    yield bug(
        "mean_over_all@da",
        "∂L/∂a is one number, a mean over everything",
        "Every entry of a has a gradient of its own; np.mean adds them up.",
        "Compare the shapes of a and of your gradient.",
        da="da_total.mean()",
    )
    yield bug(
        "averaged_over_cases@da",
        "∂L/∂a is summed or averaged over the cases",
        "Every entry of a has a gradient of its own; the cases are not added.",
        "Compare the shapes of a and of your gradient.",
        da="RIGHT.mean(axis=0)",
    )


def _squared_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(35)

    def case(n: int, outputs: int) -> Case:
        a, t = rng.normal(size=(2, n, outputs))
        return {"a": a, "t": t}

    yield Probe("five cases", "the batch of a usual call", (case(5, 3),))
    yield Probe("eight cases", "another N: a constant is no 1/N", (case(8, 2),))
    yield Probe("one case", "N = 1: a missing 1/N does not show here", (case(1, 3),))
    yield Probe("one output", "M = 1: cases and entries are the same", (case(4, 1),))

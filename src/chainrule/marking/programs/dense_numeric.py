"""What goes wrong where a gradient is computed by finite differences of the loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.marking.program import Line, Probe, Program, Variation
from chainrule.marking.programs.dense import Dense

CHECK = (
    "Where must the bracket be in (J(θ+ε) − J(θ−ε)) / 2ε? Put in J(θ) = θ, whose derivative is 1."
)


def numeric_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs of the numeric gradient; the loss is right."""

    def everywhere(rule: str) -> dict[str, str]:
        return {f"d{p}": rule for p in net.parameters}

    yield Variation(
        "difference_over_eps",
        "the central difference is divided by ε, not by 2ε",
        "J(θ+ε) − J(θ−ε) spans two steps, and is divided by one: every number is twice too large.",
        CHECK,
        everywhere("2 * RIGHT"),
        often=2,
    )
    yield Variation(
        "difference_over_4",
        "the difference is divided by twice too much",
        "Every number is half of the derivative: a one-sided difference J(θ+ε) − J(θ) spans one "
        "step and is divided by ε, not by 2ε.",
        CHECK,
        everywhere("RIGHT / 2"),
        often=2,
    )
    yield Variation(
        "difference_sign",
        "the difference has the wrong sign",
        "J(θ−ε) − J(θ+ε) is taken; the derivative is J(θ+ε) − J(θ−ε) over 2ε.",
        CHECK,
        everywhere("-RIGHT"),
    )
    for eps in ("1e-3", "1e-4", "1e-5", "1e-6"):
        yield Variation(
            f"brackets_missing@{eps}",
            "brackets are missing: the difference is divided by 2 and multiplied by ε",
            "x / 2 * ε is (x / 2) · ε in Python; write x / (2 * ε).",
            CHECK,
            everywhere(f"RIGHT * {eps}**2"),
            often=2,
        )
        yield Variation(
            f"difference_not_divided@{eps}",
            "the difference is not divided by 2ε",
            "J(θ+ε) − J(θ−ε) is returned as it is; the derivative is this difference over 2ε.",
            CHECK,
            everywhere(f"RIGHT * 2 * {eps}"),
        )
        yield Variation(
            f"numerator_brackets_missing@{eps}",
            "brackets are missing: only J(θ−ε) is divided by 2ε",
            "a − b / (2ε) divides b alone; write (a − b) / (2 * ε).",
            CHECK,
            everywhere(f"loss - loss / (2 * {eps}) + RIGHT / 2"),
        )
    for k in range(1, net.layers + 1):
        yield Variation(
            f"no_numeric_bias@{k}",
            f"the numeric gradient of b of layer {k} is 0",
            "The loop goes over the weights alone; every parameter is to be moved.",
            "Which parameters does your loop change?",
            {f"db{k}": f"np.zeros_like(b{k})"},
        )
        yield Variation(
            f"no_numeric_weights@{k}",
            f"the numeric gradient of W of layer {k} is 0",
            "These weights are never moved, or not in the θ that the cost is computed of.",
            "Does your cost change when you change this W?",
            {f"dW{k}": f"np.zeros_like(W{k})"},
        )
    yield Variation(
        "numeric_without_penalty",
        "the numeric gradient leaves out the penalty",
        "The cost is computed with reg = 0 in the differences.",
        "With which reg do you call the cost?",
        {f"dW{k}_penalty": f"np.zeros_like(W{k})" for k in range(1, net.layers + 1)},
    )


def mini_batch() -> Program:
    """Rows ``start`` to ``end`` of ``X`` and ``y``, the last left out.

    Inputs: ``X`` (N, D), ``y`` (N,), ``start`` and ``end``. Values: ``X_batch`` and ``y_batch``.
    """
    X = np.arange(36.0).reshape(9, 4) / 7
    y = np.array([0, 1, 2, 2, 1, 0, 1, 1, 2])

    def case(start: int, end: int) -> dict[str, object]:
        return {"X": X, "y": y, "start": start, "end": end}

    probes = (
        Probe("from the start", "the first rows", (case(0, 3),)),
        Probe("in the middle", "start is not 0", (case(2, 6),)),
        Probe("one case", "a batch of one", (case(4, 5),)),
        Probe("to the end", "the last rows", (case(6, 9),)),
    )
    lines = (
        Line("X_batch", "X[start:end]", "the cases of the batch", "forward"),
        Line("y_batch", "y[start:end]", "their labels", "forward"),
    )
    return Program("mini_batch", lines, tuple(_batch_bugs()), probes)


def _batch_bugs() -> Iterator[Variation]:
    hint = "Cut rows 2 to 5 of ten numbered rows. Which numbers do you get?"

    def both(rows: str) -> dict[str, str]:
        return {"X_batch": f"X[{rows}]", "y_batch": f"y[{rows}]"}

    for kind, title, sentence, changes in (
        (
            "batch_too_short",
            "the last case of the batch is left out",
            "The slice ends at end − 1; a slice leaves out its end already.",
            both("start:end - 1"),
        ),
        (
            "batch_too_long",
            "one case too many is in the batch",
            "The slice ends at end + 1, so the case at end is in this batch and in the next.",
            both("start:end + 1"),
        ),
        (
            "batch_start_shifted",
            "the batch starts one case late",
            "The slice starts at start + 1, as if cases were counted from 1.",
            both("start + 1:end"),
        ),
        (
            "batch_shifted",
            "the batch is shifted by one case",
            "The slice runs from start + 1 to end + 1; cases are counted from 0.",
            both("start + 1:end + 1"),
        ),
        (
            "batch_from_0",
            "every batch starts at the first case",
            "The slice ignores start.",
            both(":end"),
        ),
        (
            "batch_first_rows",
            "every batch has the first cases",
            "The first end − start cases are taken, whatever start is.",
            both(":end - start"),
        ),
        (
            "batch_to_the_end",
            "every batch goes to the last case",
            "The slice ignores end.",
            both("start:"),
        ),
        (
            "end_as_size",
            "end is taken for the size of the batch",
            "The slice runs from start to start + end; end is where the batch ends.",
            both("start:start + end"),
        ),
        (
            "labels_not_cut",
            "the labels are not cut with the cases",
            "All labels are returned; case i of the batch then has the label of another case.",
            {"y_batch": "y"},
        ),
        (
            "labels_from_the_start",
            "the labels are those of the first cases",
            "The cases are cut from start, the labels from 0: they no longer belong together.",
            {"y_batch": "y[:end - start]"},
        ),
        (
            "labels_shifted",
            "the labels are shifted by one against the cases",
            "Cases and labels must be cut with the same start and end.",
            {"y_batch": "y[start + 1:end + 1]"},
        ),
        (
            "labels_too_short",
            "a label is missing at the end of the batch",
            "Cases and labels must be cut with the same start and end.",
            {"y_batch": "y[start:end - 1]"},
        ),
        (
            "columns_for_rows",
            "columns are cut where rows are the cases",
            "X[:, start:end] takes some features of all cases; cases are rows: X[start:end].",
            {"X_batch": "X[:, start:end]"},
        ),
    ):
        yield Variation(kind, title, sentence, hint, changes)

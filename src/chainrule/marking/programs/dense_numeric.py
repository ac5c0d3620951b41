"""What goes wrong where a gradient is computed by finite differences of a loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.marking.program import Line, Probe, Program, Variation
from chainrule.marking.programs.dense import FUNCTIONS, Dense
from chainrule.marking.programs.dense import lines as lines_of
from chainrule.marking.programs.dense_probes import classifier_probes

CHECK = (
    "Where must the bracket be in (J(θ+ε) − J(θ−ε)) / 2ε? Put in J(θ) = θ, whose derivative is 1."
)

AWAY = 0.01
"""How far from 0 every z of a hidden layer is, so that students may take any ε up to 0.001."""

USUAL = ("five cases", "penalty", "one case")
"""The probes whose loss has a derivative by every parameter."""


def numeric_gradient(hidden: int = 1) -> Program:
    """A gradient by central differences, as a ratio to central differences of the same loss.

    What is marked are the differences alone, whatever the student's loss is: a part's call divides
    what the student returns by central differences of the student's own loss.

    Inputs: those of ``classifier``. Values: ``W1_ratio``, ``b1_ratio``, ... in the shapes of the
    parameters, 1 where both agree; and as 1 or 0: ``moved`` (θ is another after the call),
    ``unpenalised`` (the differences are those of the loss with reg = 0, to which the ratios are
    taken then), ``like_loss`` (every number is nearly a multiple of the loss).

    Args:
        hidden: the number of hidden layers.
    """
    net = Dense(hidden + 1, (*["relu"] * hidden, "linear"))
    probes = tuple(_smooth(net, name) for name in USUAL)
    lines = (
        *(Line(f"{p}_ratio", f"np.ones({p}.shape)", _says(p), "backward") for p in net.parameters),
        Line("moved", "0.0", "whether θ is another after the call", "backward"),
        Line("unpenalised", "0.0", "whether the penalty is left out", "backward"),
        Line("like_loss", "0.0", "whether the numbers are multiples of the loss", "backward"),
    )
    variations = tuple(_differences(net))
    return Program(
        "numeric_gradient", lines, variations, probes, gradients={}, may_change=net.parameters
    )


def _smooth(net: Dense, name: str) -> Probe:
    """A probe of `classifier` in which no relu is so near its kink that a step of ε crosses it."""
    program = Program("", tuple(lines_of(net)), (), (), FUNCTIONS)
    for seed in range(20, 1000):
        probe = next(one for one in classifier_probes(net, False, seed) if one.name == name)
        values = program.run(probe)[0]
        if all(np.abs(values[f"z{k}"]).min() > AWAY for k in range(1, net.layers)):
            return probe
    raise ValueError(f"no seed keeps the probe {name!r} away from the kinks")


def _says(parameter: str) -> str:
    return f"the ratio of ∂J/∂{parameter} by differences to that of the cost"


def _differences(net: Dense) -> Iterator[Variation]:
    yield from _quotients(net)
    yield from _moves(net)


def _quotients(net: Dense) -> Iterator[Variation]:
    """What is subtracted, and what is divided by."""

    def everywhere(rule: str) -> dict[str, str]:
        return {f"{p}_ratio": rule for p in net.parameters}

    hints = {
        "differences_cancel": "Print both costs of the first difference. Are they different?",
        "numeric_without_penalty": "With which reg do you compute the two costs?",
        "theta_moved": "Compare θ before and after the call, number by number.",
    }
    for kind, title, sentence, changes in (
        (
            "difference_over_eps",
            "the central difference is divided by ε, not by 2ε",
            "J(θ+ε) − J(θ−ε) spans two steps and is divided by one: every number is twice too "
            "large.",
            everywhere("2 * RIGHT"),
        ),
        (
            "one_side_over_two",
            "every number is half of the derivative",
            "A one-sided difference J(θ+ε) − J(θ) spans one step and is divided by 2ε; or the "
            "central one is divided by 4ε.",
            everywhere("RIGHT / 2"),
        ),
        (
            "difference_sign",
            "the difference has the wrong sign",
            "J(θ−ε) − J(θ+ε) is taken; the derivative is J(θ+ε) − J(θ−ε) over 2ε.",
            everywhere("-RIGHT"),
        ),
        (
            "numerator_brackets_missing",
            "brackets are missing: one of the two costs alone is divided",
            "a − b / (2ε) divides b alone; write (a − b) / (2 * ε).",
            {"like_loss": "1.0"} | everywhere("0 * RIGHT"),
        ),
        (
            "differences_cancel",
            "the numeric gradient is 0: both costs are taken at the same θ",
            "θ+ε and θ−ε are the same array (no copy), or ε is added and taken back before the "
            "cost is computed, so that the difference is 0.",
            everywhere("0 * RIGHT"),
        ),
        (
            "numeric_without_penalty",
            "the numeric gradient leaves out the penalty",
            "The costs of the differences are computed with reg = 0.",
            {"unpenalised": "1.0 if reg else 0.0"},
        ),
        (
            "theta_moved",
            "θ is not put back after the differences",
            "A parameter that was moved by ε is not set back to its value, so that later "
            "differences are taken at another point.",
            {"moved": "1.0"},
        ),
    ):
        yield Variation(kind, title, sentence, hints.get(kind, CHECK), changes, often=2)


def _moves(net: Dense) -> Iterator[Variation]:
    """What is moved, and by how much."""

    def everywhere(rule: str) -> dict[str, str]:
        return {f"{p}_ratio": rule for p in net.parameters}

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
    for eps in ("1e-3", "1e-4", "1e-5"):
        yield Variation(
            f"difference_over_2@{eps}",
            "the difference is divided by 2 alone, not by 2ε",
            "J(θ+ε) − J(θ−ε) is divided by 2 and not by ε; the derivative is this over 2ε.",
            CHECK,
            everywhere(f"RIGHT * {eps}"),
        )
    for p in net.parameters:
        yield Variation(
            f"not_moved@{p}",
            f"the numeric gradient of {p} is 0",
            f"{p} is never moved, or not in the θ that the cost is computed of.",
            f"Does your cost change when you change {p}?",
            {f"{p}_ratio": "0 * RIGHT"},
        )
    if net.layers > 1:
        yield Variation(
            "biases_not_moved",
            "the numeric gradients of the biases are 0",
            "The loop goes over the weights alone; every parameter is to be moved.",
            "Which parameters does your loop change?",
            {f"{p}_ratio": "0 * RIGHT" for p in net.parameters if p[0] == "b"},
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


def _both(rows: str) -> dict[str, str]:
    return {"X_batch": f"X[{rows}]", "y_batch": f"y[{rows}]"}


_BATCHES = (
    (
        "batch_too_short",
        "the last case of the batch is left out",
        "The slice ends at end − 1; a slice leaves out its end already.",
        _both("start:end - 1"),
    ),
    (
        "batch_too_long",
        "one case too many is in the batch",
        "The slice ends at end + 1, so the case at end is in this batch and in the next.",
        _both("start:end + 1"),
    ),
    (
        "batch_start_shifted",
        "the batch starts one case late",
        "The slice starts at start + 1, as if cases were counted from 1.",
        _both("start + 1:end"),
    ),
    (
        "batch_shifted",
        "the batch is shifted by one case",
        "The slice runs from start + 1 to end + 1; cases are counted from 0.",
        _both("start + 1:end + 1"),
    ),
    (
        "batch_from_0",
        "every batch starts at the first case",
        "The slice ignores start.",
        _both(":end"),
    ),
    (
        "batch_first_rows",
        "every batch has the first cases",
        "The first end − start cases are taken, whatever start is.",
        _both(":end - start"),
    ),
    (
        "batch_to_the_end",
        "every batch goes to the last case",
        "The slice ignores end.",
        _both("start:"),
    ),
    (
        "end_as_size",
        "end is taken for the size of the batch",
        "The slice runs from start to start + end; end is where the batch ends.",
        _both("start:start + end"),
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
)
"""What goes wrong in a batch: the name, the title, the sentence and the rules."""


def _batch_bugs() -> Iterator[Variation]:
    hint = "Cut rows 2 to 5 of ten numbered rows. Which numbers do you get?"

    for kind, title, sentence, changes in _BATCHES:
        yield Variation(kind, title, sentence, hint, changes)

"""Training by stochastic gradient descent, line by line, as a program of nine arguments does it.

The lines are those of the board: the forward pass of some rows, the gradients of one case, the
step, and what is reported. `Descent.run` evaluates them case by case and epoch by epoch, so that
a wrong line of the backward pass shows in every number that is reported afterwards.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType, SimpleNamespace

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import unknown
from chainrule.marking.program import FAILURES, Case, Line, Probe, Program, Values, Variation
from chainrule.marking.programs import descent_files as files
from chainrule.marking.programs import descent_reports as reports
from chainrule.marking.programs import descent_steps as steps
from chainrule.marking.programs.dense import sigmoid, softmax
from chainrule.marking.programs.descent_probes import probes

RANDOM = 1
"""The argument that says that the parameters start from random numbers; 2 is from zeros."""


def with_ones(rows: Array) -> Array:
    """The rows with a column of ones in front."""
    return np.hstack([np.ones((len(rows), 1)), rows])


def cross_entropies(p: Array, labels: Array) -> Array:
    """-log of the probability of each case's label."""
    return -np.log(p[np.arange(len(p)), labels])


FUNCTIONS = {
    "sigmoid": sigmoid,
    "softmax": softmax,
    "with_ones": with_ones,
    "cross_entropies": cross_entropies,
}

FORM = (
    Line("form_metrics_file", "0.0", "the metrics file", "form"),
    Line("form_labels_files", "0.0", "the labels files", "form"),
    Line("form_words", "0.0", "the words of the metrics' lines", "form"),
    Line("form_spaces", "0.0", "the spaces of the metrics' lines", "form"),
    Line("form_number", "0.0", "the numbers of the metrics' lines", "form"),
    Line("form_extra", "0.0", "further lines of the metrics", "form"),
    Line("form_from_zero", "0.0", "the first epoch's number", "form"),
    Line("form_lines", "0.0", "the lines of the metrics", "form"),
    Line("form_order", "0.0", "the order of the metrics' lines", "form"),
    Line("form_ends", "0.0", "the ends of the lines", "form"),
    Line("form_last_end", "0.0", "the end of the metrics' last line", "form"),
    Line("form_labels", "0.0", "the lines of the labels files", "form"),
    Line("form_labels_end", "0.0", "the end of the labels' last line", "form"),
)
"""What is odd about the files that were written: 0 where nothing is."""

ONCE = (
    Line("X", "train[:, 1:]", "the inputs of the training data", "data"),
    Line("t", "train[:, 0].astype(int)", "the labels of the training data", "data"),
    Line("V", "validation[:, 1:]", "the inputs of the validation data", "data"),
    Line("s", "validation[:, 0].astype(int)", "the labels of the validation data", "data"),
    Line("K", "10", "the number of classes", "data"),
    Line("D", "hidden", "the number of hidden units", "data"),
    Line("start", "0.0", "the parameters before the first step", "forward"),
    Line("alpha_start", "np.zeros((D, X.shape[1] + 1))", "α before the first step", "forward"),
    Line("beta_start", "np.zeros((K, D + 1))", "β before the first step", "forward"),
    Line("L", "X", "the inputs that are trained on", "update"),
    Line("l", "t", "the labels that are trained on", "update"),
    Line("E", "epochs", "the number of epochs", "update"),
    Line("gamma", "rate", "the learning rate", "update"),
    Line("shuffled", "0.0", "the order of the cases", "update"),
    Line("order", "np.arange(len(L))", "the order of the cases", "update"),
    Line("together", "1", "the number of cases in a step", "update"),
)
"""What is settled before the training."""

FORWARD = (
    Line("x", "with_ones(rows)", "x with x₀ = 1", "forward"),
    Line("a", "x @ alpha.T", "a = αx", "forward"),
    Line("z", "sigmoid(a)", "z = σ(a)", "forward"),
    Line("zo", "with_ones(z)", "z with z₀ = 1", "forward"),
    Line("b", "zo @ beta.T", "b = βz", "forward"),
    Line("p", "softmax(b)", "ŷ, the class probabilities", "forward"),
)
"""The forward pass of some rows, in training and in reporting."""

STEP = (
    Line("y", "np.eye(K)[labels]", "the one-hot label", "backward"),
    Line("db", "p - y", "∂J/∂b", "backward"),
    Line("dbeta", "db.T @ zo", "∂J/∂β", "backward"),
    Line("dz", "db @ beta[:, 1:]", "∂J/∂z", "backward"),
    Line("slope", "z * (1 - z)", "σ′(a)", "backward"),
    Line("da", "dz * slope", "∂J/∂a", "backward"),
    Line("dalpha", "da.T @ x", "∂J/∂α", "backward"),
    Line("step_rate", "gamma", "the learning rate of a step", "update"),
    Line("alpha_next", "alpha - step_rate * dalpha", "α after a step", "update"),
    Line("beta_next", "beta - step_rate * dbeta", "β after a step", "update"),
)
"""The gradients of one case and its step."""

REMEMBERED = ("dalpha", "dbeta")
"""What ``before`` holds within a step: that of the step before."""

AFTER_EPOCH = (
    Line("train_loss", "cross_entropies(p_train, t).mean()", "crossentropy(train)", "loss"),
    Line(
        "validation_loss",
        "cross_entropies(p_validation, s).mean()",
        "crossentropy(validation)",
        "loss",
    ),
)
"""What is computed after each epoch."""

AT_END = (
    Line("train_losses", "train_history[1:]", "crossentropy(train) of every epoch", "loss"),
    Line(
        "validation_losses",
        "validation_history[1:]",
        "crossentropy(validation) of every epoch",
        "loss",
    ),
    Line(
        "train_labels",
        "p_train.round(12).argmax(axis=1)",
        "the labels of the training data",
        "labels",
    ),
    Line(
        "validation_labels",
        "p_validation.round(12).argmax(axis=1)",
        "the labels of the validation data",
        "labels",
    ),
    Line(
        "train_error", "(p_train.round(12).argmax(axis=1) != t).mean()", "error(train)", "errors"
    ),
    Line(
        "validation_error",
        "(p_validation.round(12).argmax(axis=1) != s).mean()",
        "error(validation)",
        "errors",
    ),
)
"""What is written at the end."""


@dataclass(frozen=True)
class Descent(Program):
    """A program whose lines are evaluated for every case of every epoch.

    Inputs: ``train`` and ``validation`` (N, 1 + M) with the label in column 0, ``epochs``,
    ``hidden``, ``init`` (1 RANDOM, 2 ZERO) and ``rate``. From a random start only the lines
    settled before the training have values, since nobody knows the draws.
    """

    blocks: tuple[tuple[Line, ...], ...] = field(
        default=((*FORM, *ONCE), FORWARD, STEP, AFTER_EPOCH, AT_END)
    )

    @property
    def is_run(self) -> bool:
        """Yes: a file is run, with nine arguments."""
        return True

    def followers(self) -> Mapping[str, frozenset[str]]:
        """For every line those that follow from it: by the loops, nearly all."""
        names = frozenset(self.order)
        form = frozenset(line.name for line in FORM)
        alone = {line.name: frozenset((line.name,)) for line in (*FORM, *AT_END)}
        seen = {"start", "shuffled"}
        after = names - form - seen
        found = dict.fromkeys(names - set(alone) - seen, after)
        labels = {"train_labels": {"train_error"}, "validation_labels": {"validation_error"}}
        return {
            **found,
            **alone,
            **{name: alone[name] | frozenset(more) for name, more in labels.items()},
            **{name: frozenset((name,)) for name in seen},
        }

    def run(self, probe: Probe, variations: Sequence[Variation] = ()) -> list[Values]:
        """The values of every call of a probe; see `Program.run`."""
        changed = self.rules(variations)
        codes = tuple(
            _compiled(tuple((line.name, changed.get(line.name, line.rule)) for line in block))
            for block in self.blocks
        )
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # means of no numbers
            return [self._trained(call, codes) for call in probe.calls]

    def _trained(self, case: Case, codes: Sequence[CodeType]) -> Values:
        values: Values = {"np": np, **self.functions, **case, "before": None}
        try:
            _train(values, codes)
        except FAILURES:
            # Such a bug stops the submission too: the lines that follow have no value.
            for line in AT_END:
                values.pop(line.name, None)
        return values


def _train(values: Values, codes: Sequence[CodeType]) -> None:
    """Evaluate all lines; the values of the last step remain."""
    once, forward, step, after_epoch, at_end = codes
    exec(once, values)
    if values["init"] == RANDOM:
        return
    values.update(
        alpha=values["alpha_start"], beta=values["beta_start"], epoch=0, during=[], before=None
    )
    history: tuple[list[float], list[float]] = ([], [])
    _report(values, forward, after_epoch, history)
    for epoch in range(1, values["E"] + 1):
        values.update(epoch=epoch, during=[])
        _one_epoch(values, forward, step)
        _report(values, forward, after_epoch, history)
    values["train_history"], values["validation_history"] = map(np.array, history)
    exec(at_end, values)


def _one_epoch(values: Values, forward: CodeType, step: CodeType) -> None:
    order, together = values["order"], values["together"]
    for first in range(0, len(order), together):
        chosen = order[first : first + together]
        values.update(rows=values["L"][chosen], labels=values["l"][chosen])
        exec(forward, values)
        values["during"].append(cross_entropies(values["p"], values["labels"]).mean())
        exec(step, values)
        values["before"] = SimpleNamespace(**{name: values[name] for name in REMEMBERED})
        values.update(alpha=values["alpha_next"], beta=values["beta_next"])


def _report(
    values: Values,
    forward: CodeType,
    after_epoch: CodeType,
    history: tuple[list[float], list[float]],
) -> None:
    for rows, name in (("V", "p_validation"), ("X", "p_train")):
        values["rows"] = values[rows]
        exec(forward, values)
        values[name] = values["p"]
    exec(after_epoch, values)
    history[0].append(values["train_loss"])
    history[1].append(values["validation_loss"])


@lru_cache(maxsize=20_000)
def _compiled(rules: tuple[tuple[str, str], ...]) -> CodeType:
    text = "\n".join(f"{name} = {rule}" for name, rule in rules)
    return compile(text, "<descent>", "exec")


def descent(which: Sequence[str] = ()) -> Descent:
    """Training by stochastic gradient descent of one hidden layer, as a program of nine arguments.

    Args:
        which: the names of the probes that are made; all of them by default.

    Raises:
        ValueError: there is no such probe.
    """
    return _descent(tuple(which))


@lru_cache(maxsize=32)
def _descent(which: tuple[str, ...]) -> Descent:
    lines = tuple(
        line for block in (FORM, ONCE, FORWARD, STEP, AFTER_EPOCH, AT_END) for line in block
    )
    known = {probe.name: probe for probe in probes()}
    if strange := [name for name in which if name not in known]:
        raise ValueError(unknown("probe", strange[0], known))
    made = tuple(known[name] for name in which or known)
    return Descent("descent", lines, _variations(), made, FUNCTIONS)


def _variations() -> tuple[Variation, ...]:
    of_training = (*steps.FORWARD, *steps.BACKWARD, *steps.STEP, *steps.EPOCHS)
    of_reports = (*reports.LOSSES, *reports.TIMES, *reports.LABELS, *reports.ERRORS)
    return (*files.FORM, *files.DATA, *files.START, *of_training, *of_reports, *reports.DIGITS)

"""Stochastic gradient descent by a student's own loop, tried with a loss of known slope.

What is marked is the loop alone: a part's call puts a loss of known value and slope in the place
of the student's, so that a wrong gradient costs nothing here, and the batches that are drawn
change nothing. At the t-th call, from 0, that loss is 10 + t and the gradient of an array is
(1 + t) · pull in every number, with a pull of its own for each array.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Line, Probe, Program, Variation

PULLS = {"W1": 1.0, "b1": 2.0, "W2": 3.0, "b2": 4.0}
"""The gradient of each array at the first call."""


def descended(start: float, pull: float, rates: Array, moves: Array, shrink: float = 0.0) -> Array:
    """How far a mean of parameters is from its start, before each step and at the end."""
    at, found = start, [0.0]
    for rate, move in zip(rates, moves, strict=True):
        at = at - pull * move - shrink * rate * at
        found.append(at - start)
    return np.array(found)


def with_momentum(moves: Array, factor: float) -> Array:
    """The steps v ← factor · v + move."""
    v, found = 0.0, []
    for move in moves:
        v = factor * v + move
        found.append(v)
    return np.array(found)


def training_loop() -> Program:
    """The training loop: which cases are drawn, how each step moves the parameters, what is kept.

    Inputs: ``X`` (N, D) whose first column is the number i of the case, ``y`` with i mod 3,
    ``X_val``, ``y_val``, ``learning_rate``, ``decay``, ``reg``, ``num_iters`` and ``batch_size``.
    Values: ``loss_history``; ``W1_moved``, ``b1_moved``, ... (how far the mean of each array is
    from its start, before each step and at the end, with ``W1_start``, ... as the start);
    ``regs``, the reg of each call of the loss; ``sizes``, the cases of each batch; and as 1 or 0:
    ``paired`` (labels belong to their cases), ``drawn`` (every case was drawn), ``validated``
    (val_acc_history is of the validation set).
    """
    functions = {"descended": descended, "with_momentum": with_momentum}
    probes = tuple(_probes())
    return Program("training_loop", tuple(_lines()), tuple(_variations()), probes, functions)


def _lines() -> Iterator[Line]:
    yield Line("T", "np.arange(num_iters)", "the iterations", "update")
    yield Line("epoch", "max(len(X) // batch_size, 1)", "the iterations of an epoch", "update")
    yield Line("decays", "(T + epoch - 1) // epoch", "how often the rate has decayed", "update")
    yield Line("rates", "learning_rate * decay**decays", "the learning rate", "update")
    yield Line("moves", "rates * (1.0 + T)", "learning rate times gradient", "update")
    for name, pull in PULLS.items():
        rule = f"descended({name}_start, {pull}, rates, moves)"
        yield Line(f"{name}_moved", rule, f"how far {name} has moved", "update")
    yield Line("loss_history", "10.0 + T", "the losses of the iterations", "update")
    yield Line("regs", "np.full(num_iters, reg)", "the reg that the loss is called with", "update")
    yield Line("sizes", "np.full(num_iters, batch_size)", "the cases of each batch", "update")
    yield Line("paired", "1.0", "whether labels belong to their cases", "update")
    yield Line("drawn", "1.0", "whether every case is drawn some time", "update")
    yield Line("validated", "1.0", "whether val_acc_history is of the validation set", "update")


def _variations() -> Iterator[Variation]:
    yield from _steps()
    yield from _forgotten()
    yield from _rates()
    yield from _batches()
    yield from _histories()


_STEPS = (
    (
        "update_sign",
        "the update adds the gradient",
        "The parameters are moved along the gradient, uphill; the step is −α times the gradient.",
        "Does the loss of a batch fall after a step with a small rate?",
        {"moves": "-RIGHT"},
    ),
    (
        "rate_not_used",
        "the learning rate is missing in the update",
        "The whole gradient is subtracted; the step is α times the gradient.",
        "Train with learning_rate=0. What should happen to the parameters?",
        {"moves": "1.0 + T"},
    ),
    (
        "rate_squared",
        "the learning rate is multiplied in twice",
        "The step is α² times the gradient.",
        "Double the learning rate. By which factor does the first step grow?",
        {"moves": "RIGHT * rates"},
    ),
    (
        "step_over_batch",
        "the step is divided by the batch size",
        "The gradient is that of a mean already; the step divides it by the number of cases "
        "again.",
        "Which part of your code divides by the number of cases, and how often?",
        {"moves": "RIGHT / batch_size"},
    ),
    (
        "step_times_batch",
        "the step is multiplied by the batch size",
        "The gradient is that of the mean over the batch; the step makes a sum of it.",
        "Which part of your code knows the number of cases, and how often is it used?",
        {"moves": "RIGHT * batch_size"},
    ),
    (
        "steps_accumulate",
        "every step adds all steps before it",
        "v is added to, not set anew: v ← v − α·gradient without a factor keeps all earlier "
        "gradients for ever. The algorithm's v is the step of this iteration alone.",
        "Train with gradients that become 0 after the first step. Do the parameters rest?",
        {"moves": "with_momentum(RIGHT, 1.0)"},
    ),
    (
        "first_gradient_kept",
        "every step uses the gradient of the first batch",
        "The gradient is computed once, before the loop; each step needs that of its own "
        "batch at the parameters of now.",
        "Print the gradient of two iterations. Are they the same array?",
        {"moves": "rates"},
    ),
    (
        "penalty_again",
        "the penalty is subtracted in the update as well",
        "The gradient has the term of the penalty already; the update adds 2·reg·W once more.",
        "Where does reg enter your training loop?",
        {
            f"{name}_moved": f"descended({name}_start, {PULLS[name]}, rates, moves, 2 * reg)"
            for name in ("W1", "W2")
        },
    ),
    (
        "one_iteration_less",
        "the loop makes one iteration less",
        "The loop ends at num_iters − 1.",
        "Train with num_iters=1. Do the parameters move?",
        {"T": "np.arange(num_iters - 1)", "regs": "RIGHT[:-1]", "sizes": "RIGHT[:-1]"},
    ),
    (
        "not_updated",
        "the parameters are never updated",
        "The steps are computed but do not reach self.params: a name is bound to a new array, "
        "or a copy is changed.",
        "Print one number of self.params before and after a step.",
        {"moves": "0.0 * T"},
    ),
)
"""What goes wrong in a step: the name, the title, the sentence, the hint and the rules."""


def _steps() -> Iterator[Variation]:
    for kind, title, sentence, hint, changes in _STEPS:
        yield Variation(kind, title, sentence, hint, changes, often=2)
    for factor in (0.5, 0.9, 0.95, 0.99):
        yield Variation(
            f"momentum@{factor}",
            f"the steps have a momentum of {factor}",
            f"v ← {factor}·v − α·gradient is used; the algorithm's step is −α·gradient, whatever "
            f"its title says.",
            "Compare line 3 of the algorithm with your update.",
            {"moves": f"with_momentum(RIGHT, {factor})"},
        )


def _forgotten() -> Iterator[Variation]:
    for names, says in (
        (("b1", "b2"), "the biases are"),
        (("W1", "W2"), "the weights are"),
        *(((name,), f"{name} is") for name in PULLS),
    ):
        place = f"@{names[0]}" if len(names) == 1 else ""
        kind = "not_updated" if place else f"{'biases' if names[0] == 'b1' else 'weights'}_kept"
        yield Variation(
            kind + place,
            f"{says} not updated",
            "The update leaves out "
            + " and ".join(names)
            + ", which stay as they were at the start.",
            "Which numbers never move, however long you train?",
            {f"{name}_moved": "0.0 * np.arange(num_iters + 1)" for name in names},
        )


def _rates() -> Iterator[Variation]:
    hint = "Write down the rate of the first ten iterations with epochs of three."
    yield Variation(
        "decay_at_the_end",
        "the learning rate decays after the last iteration of an epoch",
        "The starting code decays it in the first iteration of each epoch; the text does not say.",
        "",
        {"decays": "T // epoch"},
        group="decay",
    )
    for kind, title, sentence, rule in (
        (
            "decay_each_step",
            "the learning rate decays in every iteration",
            "It is multiplied by the decay in every iteration; it should be once an epoch.",
            "T",
        ),
        (
            "no_decay",
            "the learning rate does not decay",
            "learning_rate_decay is not used, or its product is not kept.",
            "0 * T",
        ),
        (
            "decay_before_step",
            "the learning rate decays before the first step",
            "The rate is multiplied by the decay before it has been used once.",
            "T // epoch + 1",
        ),
        (
            "decay_once",
            "the learning rate decays in the first epoch alone",
            "After its first decay the rate stays as it is; it should decay once in every epoch.",
            "np.minimum(T, 1)",
        ),
    ):
        yield Variation(kind, title, sentence, hint, {"decays": rule})
    yield Variation(
        "decay_divides",
        "the rate is divided by the decay, not multiplied",
        "The rate grows from epoch to epoch; it is multiplied by the decay.",
        hint,
        {"rates": "learning_rate / decay**decays"},
    )


def _batches() -> Iterator[Variation]:
    for kind, title, sentence, hint, changes in (
        (
            "reg_not_passed",
            "train does not hand reg on to loss",
            "loss is called without reg, so the penalty is 0 in the training, whatever reg is.",
            "Train with a very large reg. Do the weights shrink?",
            {"regs": "np.zeros(num_iters)"},
        ),
        (
            "labels_of_other_cases",
            "the labels are not those of the drawn cases",
            "The cases are drawn, but their labels are taken from other rows: the same indices "
            "must be used for X and y.",
            "Print the first case of a batch and its label. Do they belong together?",
            {"paired": "0.0"},
        ),
        (
            "same_batch",
            "some cases are never drawn",
            "However long the training, some of the cases never come into a batch.",
            "Count how often each case is drawn in 1000 iterations.",
            {"drawn": "0.0"},
        ),
        (
            "empty_batches",
            "after the first epoch the batches are empty",
            "The number of the batch runs on after the last case; it must begin again (or cases "
            "be drawn at random).",
            "Print the number of cases of each batch.",
            {"sizes": "np.where(T < epoch, batch_size, 0)"},
        ),
        (
            "whole_set",
            "every step uses all cases",
            "The loss is called with the whole training set; a step is made with a batch of "
            "batch_size cases.",
            "Print the number of cases that loss is called with.",
            {"sizes": "np.full(num_iters, len(X))"},
        ),
        (
            "one_case",
            "every step uses one case",
            "A single index is drawn; a batch has batch_size cases.",
            "Print the number of cases that loss is called with.",
            {"sizes": "np.ones(num_iters)"},
        ),
        (
            "validated_on_training",
            "val_acc_history is not the accuracy on the validation set",
            "The accuracy that is kept for the validation set is computed on other cases, such as "
            "the training batch.",
            "Give a validation set whose labels are all wrong. What does val_acc_history say?",
            {"validated": "0.0"},
        ),
    ):
        yield Variation(kind, title, sentence, hint, changes)


def _histories() -> Iterator[Variation]:
    for kind, title, sentence, rule in (
        ("history_of_epochs", "once an epoch", "kept once an epoch", "RIGHT[::epoch]"),
        (
            "history_of_hundreds",
            "every hundredth time",
            "kept every 100 iterations",
            "RIGHT[::100]",
        ),
        ("history_of_the_last", "for the last iteration", "overwritten each time", "RIGHT[-1:]"),
        ("history_empty", "never", "never kept", "RIGHT[:0]"),
    ):
        yield Variation(
            kind,
            f"the loss is kept {title}",
            f"The loss is {sentence}; loss_history has one for each iteration.",
            "How many numbers should loss_history have after 7 iterations?",
            {"loss_history": rule},
        )


def _probes() -> Iterator[Probe]:
    rng = np.random.default_rng(22)

    def case(
        cases: int, size: int, iterations: int, decay: float, reg: float
    ) -> dict[str, object]:
        X = np.column_stack([np.arange(float(cases)), rng.normal(size=(cases, 2))])
        X_val = np.column_stack([np.arange(4.0), np.ones((4, 2))])
        made: dict[str, object] = {
            "X": X,
            "y": np.arange(cases) % 3,
            "X_val": X_val,
            "y_val": np.array([0, 1, 0, 1]),
            "learning_rate": 0.01,
            "decay": decay,
            "reg": reg,
            "num_iters": iterations,
            "batch_size": size,
        }
        return made | {f"{name}_start": k + 1.5 for k, name in enumerate(PULLS)}

    yield Probe("decay", "three iterations an epoch", (case(12, 4, 8, 0.5, 0.0),))
    yield Probe("penalty", "reg is not 0", (case(6, 3, 4, 1.0, 0.25),))
    yield Probe("many", "enough iterations to draw every case", (case(12, 4, 90, 0.9, 0.0),))

"""Bugs of cases of unequal weight."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

ARRAYS, LOSSES, ENGINE = "core/arrays.py", "nn/losses.py", "training/engines/numpy_engine.py"
ENGINES, SCORES, DATA = "training/engines/base.py", "training/scores.py", "data/dataset.py"

TESTS = ("training/test_weights_of_cases.py",)

BUGS = (
    Bug(
        "weights of cases left out of the gradient",
        (Edit(ENGINE, "network.backpropagate(t, weights=weights)", "network.backpropagate(t)"),),
        tests=TESTS,
    ),
    Bug(
        "weights of cases left out of the loss",
        (Edit(ENGINE, "network.loss_of_pass(t, weights)", "network.loss_of_pass(t)"),),
        tests=TESTS,
    ),
    Bug(
        "weights of cases not divided by their mean",
        (Edit(ARRAYS, "shares / shares.mean()", "weights.astype(np.float64)"),),
        tests=TESTS,
    ),
    Bug(
        "weights of cases not shuffled with them",
        (Edit(ENGINES, "values.take(order[chosen])", "values[chosen]"),),
        tests=TESTS,
    ),
    Bug(
        "minibatch divided by its weights instead of its cases",
        (
            Edit(
                LOSSES,
                "return J if weights is None else J * weights[:, None]",
                "return J if weights is None else J * weights[:, None] / weights.mean()",
            ),
        ),
        tests=TESTS,
    ),
    Bug(
        "cases of weight 0 kept in the minibatches",
        (Edit(ARRAYS, "    if not there.all():\n", "    if not there.any():\n"),),
        tests=TESTS,
    ),
    Bug(
        "weights in the residual of R² and not in the mean target",
        (
            Edit(
                "training/metrics.py",
                "np.average(t.astype(np.float64), axis=0, weights=weights)",
                "t.mean(axis=0, dtype=np.float64)",
            ),
        ),
        tests=TESTS,
    ),
    Bug(
        "weights of cases lost in the split",
        (
            Edit(
                DATA,
                "Dataset(self.x[cases], self.t[cases], weights)",
                "Dataset(self.x[cases], self.t[cases])",
            ),
        ),
        tests=TESTS,
    ),
)

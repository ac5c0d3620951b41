"""Bugs of scores, of targets that are scaled, and of predictions as people read them."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

SCORES, UNDO, SCALING = (
    "training/scores.py", "data/standardization.py", "data/target_scaling.py"
)  # fmt: skip
METRICS = "training/metrics.py"
EACH = ("training/test_scores_of_each_target.py",)
SCALED = ("runs/test_scaled_targets.py",)

BUGS = (
    Bug(
        "a label that no case has counts as found",
        (Edit(METRICS, "out=np.zeros(len(a))", "out=np.ones(len(a))"),),
        tests=EACH,
    ),
    Bug(
        "precision and recall exchanged",
        (
            Edit(
                SCORES,
                "of_each.precision, of_each.recall, of_each.f1",
                "of_each.recall, of_each.precision, of_each.f1",
            ),
        ),
        tests=EACH,
    ),
    Bug(
        "a row is right where any of its labels is",
        (Edit(SCORES, "right.all(axis=1)", "right.any(axis=1)"),),
        tests=EACH,
    ),
    Bug(
        "an output of exactly one half gives a label",
        (Edit(METRICS, "    return y > 0.5\n", "    return y >= 0.5\n"),),
        tests=EACH,
    ),
    Bug(
        "root mean squared error of all targets at once",
        (
            Edit(
                SCORES,
                "rmse=float(rmse.sum()) / self.outputs",
                "rmse=float(np.sqrt(np.square(rmse).sum() / self.outputs))",
            ),
        ),
        tests=EACH,
    ),
    Bug(
        "scaled targets brought back without their mean",
        (
            Edit(
                UNDO,
                "* self.scale.reshape(-1) + self.mean.reshape(-1)",
                "* self.scale.reshape(-1)",
            ),
        ),
        tests=SCALED,
    ),
    Bug(
        "scaling of targets fitted on test data",
        (
            Edit(
                SCALING,
                "cases_that_count(*data.train.arrays)",
                "cases_that_count(*(data.test if len(data.test) else data.train).arrays)",
            ),
        ),
        tests=SCALED,
    ),
    Bug(
        "predictions left in the units of the scaled targets",
        (
            Edit(
                "runs/run.py",
                "TargetKind.of(self).in_own_units(outputs(self.network, x))",
                "outputs(self.network, x)",
            ),
        ),
        tests=SCALED,
    ),
    Bug(
        "whole numbers predicted as floats",
        (Edit("data/readers/encoding.py", '"int": np.int64', '"int": np.float64'),),
        tests=("runs/test_label_types.py",),
    ),
    Bug(
        "advice to scale inputs that are scaled already",
        (Edit("training/trainer.py", "elif not is_standardized(self.train.x):", "else:"),),
        tests=SCALED,
    ),
)

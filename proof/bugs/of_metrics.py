"""Bugs of metrics, class weights and label smoothing."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

METRICS, SCORES, TRAINER = "training/metrics.py", "training/scores.py", "training/trainer.py"
WEIGHTS, LOSSES = "training/class_weights.py", "nn/losses.py"

OF_METRICS = ("training/test_metrics.py",)
OF_WEIGHTS = ("training/test_class_weights.py",)
OF_SMOOTHING = ("nn/test_label_smoothing.py",)

BUGS = (
    Bug(
        "equal scores count whole in the area under the curve",
        (Edit(METRICS, "up @ (below + 0.5 * down)", "up @ (below + down)"),),
        tests=OF_METRICS,
    ),
    Bug(
        "weights left out of the area under the curve",
        (
            Edit(
                METRICS, "np.ones(len(scores)) if weights is None", "np.ones(len(scores)) if True"
            ),
        ),
        tests=OF_METRICS,
    ),
    Bug(
        "a class that no case has lowers the balanced accuracy",
        (
            Edit(
                METRICS,
                "counts.recall[actual].mean()) if actual",
                "counts.recall.mean()) if actual",
            ),
        ),
        tests=OF_METRICS,
    ),
    Bug(
        "a class that never occurs lowers the mean F1",
        (
            Edit(
                METRICS,
                "occur = np.full(len(values), labels) | (counts.actual + counts.predicted > 0)",
                "occur = np.full(len(values), True)",
            ),
        ),
        tests=OF_METRICS,
    ),
    Bug(
        "a tie for place k counts twice",
        (
            Edit(
                METRICS,
                "np.where(places < true, ~(y < own), ~(y <= own))",
                "~(y <= own)",
            ),
        ),
        tests=OF_METRICS,
    ),
    Bug(
        "the first of two classes is the one that is looked for",
        (Edit(METRICS, "return float(values[1])", "return float(values[0])"),),
        tests=OF_METRICS,
    ),
    Bug(
        "a mean weighted by what is said instead of what is there",
        (
            Edit(
                METRICS,
                "float(values @ counts.actual / total)",
                "float(values @ counts.predicted / counts.predicted.sum())",
            ),
        ),
        tests=OF_METRICS,
    ),
    Bug(
        "log loss of the predicted class instead of the true one",
        (
            Edit(
                METRICS,
                "p = np.take_along_axis(y, true_classes(t)[:, None], axis=1)[:, 0]",
                "p = y.max(axis=1)",
            ),
        ),
        tests=OF_METRICS,
    ),
    Bug(
        "metrics of the last batch of an evaluation alone",
        (Edit(SCORES, "np.concatenate(kept)", "kept[-1].repeat(len(kept), axis=0)"),),
        tests=OF_METRICS,
    ),
    Bug(
        "weights of cases left out of metrics",
        (
            Edit(
                SCORES,
                "own = None if weights is None else weights_of_targets(weights, t)\n"
                "    rows = target_rows(t)",
                "own = None\n    rows = target_rows(t)",
            ),
        ),
        tests=OF_METRICS,
    ),
    Bug(
        "balanced weights that are those of the frequent classes",
        (
            Edit(
                WEIGHTS,
                "totals.sum() / np.count_nonzero(there) / np.where(there, totals, 1.0)",
                "totals / totals.sum() * np.count_nonzero(there)",
            ),
        ),
        tests=OF_WEIGHTS,
    ),
    Bug(
        "class weights take the place of the cases' own",
        (
            Edit(
                WEIGHTS,
                "product = (weights / weights.max()) * (factors / factors.max())",
                "product = factors / factors.max()",
            ),
        ),
        tests=OF_WEIGHTS,
    ),
    Bug(
        "the running accuracy weighs classes",
        (Edit(TRAINER, "counted=self._counted(),", "counted=None,"),),
        tests=OF_WEIGHTS,
    ),
    Bug(
        "class weights in evaluations too",
        (
            Edit(
                TRAINER,
                "        self.settings = settings\n",
                "        self.settings = settings\n"
                "        if settings.class_weights is not None:\n"
                "            ones = (self.validation.t == 0) + 1.0\n"
                "            self.validation = Part(self.validation.x, self.validation.t, ones)\n",
            ),
        ),
        tests=OF_WEIGHTS,
    ),
    Bug(
        "class weights not divided by their mean",
        (
            Edit(
                TRAINER,
                "return self.network.prepare_weights(shares, len(part))",
                "return self.network.prepare_weights(weights, len(part))",
            ),
        ),
        tests=OF_WEIGHTS,
    ),
    Bug(
        "a smoothed target shared among the wrong classes alone",
        (Edit(LOSSES, "        return 1 / outputs\n", "        return 1 / (outputs - 1)\n"),),
        tests=OF_SMOOTHING,
    ),
    Bug(
        "labels smoothed in the loss and not in its gradient",
        (
            Edit(
                LOSSES,
                "        t = self.loss.smoothed(t, y.shape[1], y.real.dtype)\n"
                "        if t.ndim == 1:\n            cases",
                "        if t.ndim == 1:\n            cases",
            ),
        ),
        tests=OF_SMOOTHING,
    ),
    Bug(
        "a binary target drawn to 0 instead of one half",
        (Edit(LOSSES, "        return 0.5\n", "        return 0.0\n"),),
        tests=OF_SMOOTHING,
    ),
    Bug(
        "labels smoothed twice",
        (
            Edit(
                LOSSES,
                "kept, added = 1 - self.label_smoothing,",
                "kept, added = (1 - self.label_smoothing) ** 2,",
            ),
        ),
        tests=OF_SMOOTHING,
    ),
)

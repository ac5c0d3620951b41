"""Bugs of batch and layer normalisation: means, variances, their derivatives and their memory."""

from __future__ import annotations

from dataclasses import replace

from proof.bugs.bug import Bug, Edit

LAYERS, STANDARD = "nn/layers/normalization.py", "nn/layers/standardized.py"

TESTS = ("nn/layers/test_normalization.py",)
"""Those that run what is changed here."""

_BUGS = (
    Bug(
        "normalisation's derivative without that of the mean",
        (Edit(STANDARD, "        found += sums * share\n", ""),),
    ),
    Bug(
        "normalisation's derivative without that of the variance",
        (Edit(STANDARD, "along * share", "along * 0"),),
    ),
    Bug(
        "the gain left out of the gradient of layer normalisation's input",
        (
            Edit(
                STANDARD, "u = self.groups.formed(g) * self.gain", "u = 1 * self.groups.formed(g)"
            ),
        ),
    ),
    Bug(
        "the gain left out of the gradient of batch normalisation's input",
        (
            Edit(
                STANDARD,
                "aligned(sums), into)\n        return self._result(found, self.gain * ",
                "aligned(sums), into)\n        return self._result(found, ",
            ),
        ),
    ),
    Bug(
        "normalisation's gradient not divided by the deviation",
        (Edit(STANDARD, "        found *= scale\n", ""),),
    ),
    Bug(
        "the mean of a normalisation taken once",
        (Edit(STANDARD, "    found -= shift\n", ""),),
    ),
    Bug(
        "epsilon outside the root",
        (
            Edit(
                STANDARD,
                "1 / np.sqrt(variance + epsilon)",
                "1 / (np.sqrt(variance) + epsilon)",
            ),
        ),
    ),
    Bug(
        "layer normalisation over the batch",
        (Edit(LAYERS, "by_column=False", "by_column=True"),),
    ),
    Bug(
        "layer normalisation's variance of n − 1 numbers",
        (
            Edit(
                STANDARD,
                "total_product(values, values, out.scratch) / count",
                "total_product(values, values, out.scratch) / (count - 1 + groups.by_column)",
            ),
        ),
    ),
    Bug(
        "layer normalisation's matrices without 1/n",
        (
            Edit(
                STANDARD,
                "shared = (1 + flat[:, :, None] * flat[:, None, :])",
                "shared = (flat[:, :, None] * flat[:, None, :])",
            ),
        ),
    ),
    Bug(
        "batch normalisation's matrices couple the features",
        (
            Edit(
                STANDARD, "groups.labels[:, None] == groups.labels", "groups.labels[:, None] >= 0"
            ),
        ),
    ),
    Bug(
        "batch normalisation by the minibatch in evaluation",
        (Edit(LAYERS, "        if self.context.training:\n", "        if True:\n"),),
    ),
    Bug(
        "batch normalisation by the running statistics in training",
        (Edit(LAYERS, "        if self.context.training:\n", "        if False:\n"),),
    ),
    Bug(
        "batch normalisation's mean and variance taken for constants",
        (
            Edit(
                LAYERS,
                "        if self._in_training:\n            return Norm",
                "        if 0:\n            return Norm",
            ),
        ),
    ),
    Bug(
        "the running variance with its bias",
        (Edit(LAYERS, "(at.n / (at.n - 1))", "1"),),
    ),
    Bug(
        "the running variance of a single number",
        (Edit(LAYERS, "if at.n > 1:", "if True:"), Edit(LAYERS, "(at.n - 1)", "max(at.n - 1, 1)")),
    ),
    Bug(
        "momentum of the running statistics as Keras has it",
        (
            Edit(
                LAYERS,
                "self.momentum * (at.mean.reshape(-1) - self.mean)",
                "(1 - self.momentum) * (at.mean.reshape(-1) - self.mean)",
            ),
        ),
    ),
    Bug(
        "padding counted in the statistics",
        (Edit(STANDARD, "        count = np.count_nonzero(real)\n", "        count = len(x)\n"),),
    ),
    Bug(
        "the gradient of a normalisation reaches padding",
        (
            Edit(
                STANDARD,
                "        if self.at.real is not None:\n            found *= self.at.real\n",
                "",
            ),
        ),
    ),
    Bug(
        "an overflow of the variance goes unnoticed",
        (Edit(STANDARD, " + 0 * variance", ""),),
    ),
    Bug(
        "gamma and beta of a normalisation penalised",
        (Edit("nn/parameters.py", '"c0", "gamma", "beta")', '"c0")'),),
    ),
)

COMPILED = "training/engines/compiled/normalization.py"

_COMPILED = (
    Bug(
        "compiled normalisation: mean and variance of a minibatch taken for constants",
        (Edit(COMPILED, "standard[0, start + at + j] * (along * share) + sums * share", "0.0"),),
    ),
    Bug(
        "compiled normalisation: the running variance with its bias",
        (Edit(COMPILED, " * (count / (count - ONE))", ""),),
    ),
    Bug(
        "compiled normalisation: γ decays as a weight",
        (Edit(COMPILED, "b if layers[k, KIND] == ZERO else ONE", "b"),),
    ),
    Bug(
        "compiled normalisation: an overflow of the variance goes unnoticed",
        (Edit(COMPILED, "sqrt(variance + epsilon) + 0.0 * variance", "sqrt(variance + epsilon)"),),
    ),
)

BUGS = (
    *(replace(bug, tests=TESTS) for bug in _BUGS),
    *(
        replace(bug, tests=("training/engines/test_compiled_normalization.py",))
        for bug in _COMPILED
    ),
)

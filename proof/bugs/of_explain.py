"""Bugs of explanations: of paths, of the nudge, and of what is said of layers."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

PATHS, NUDGE = ("explain/test_paths.py",), ("explain/test_nudge.py",)
LAYERS = ("explain/test_layers_explained.py",)

BUGS = (
    Bug(
        "paths in the order of their products, not of their sizes",
        (
            Edit(
                "explain/paths.py",
                "bounds = np.abs(product * factors) * nodes",
                "bounds = np.maximum(product * factors, 1e-300) * nodes",
            ),
        ),
        tests=PATHS,
    ),
    Bug(
        "paths through the mean of a minibatch with the wrong sign",
        (
            Edit(
                "explain/ways.py",
                "from_mean = FromOne(group, -slope, count",
                "from_mean = FromOne(group, slope, count",
            ),
        ),
        tests=PATHS,
    ),
    Bug(
        "paths a step longer than truncation lets them be",
        (Edit("explain/ways.py", "if age + 1 < self.depth else None", "if True else None"),),
        tests=PATHS,
    ),
    Bug(
        "the penalty is no path",
        (Edit("explain/paths.py", "    if penalty:\n", "    if penalty < 0:\n"),),
        tests=PATHS,
    ),
    Bug(
        "the weight nudged the other way",
        (
            Edit(
                "explain/nudge.py",
                "theta[self.number] += epsilon",
                "theta[self.number] -= epsilon",
            ),
        ),
        tests=NUDGE,
    ),
    Bug(
        "a nudge over a kink counts as agreement",
        (Edit("explain/nudge.py", "if self.kinks or (", "if ("),),
        tests=NUDGE,
    ),
    Bug(
        "a pixel of the image taken from the next column of the window",
        (
            Edit(
                "explain/layers/images.py",
                "q = column + windows.padding[2] - j * windows.stride[1]",
                "q = column + windows.padding[2] - j * windows.stride[1] - 1",
            ),
        ),
        tests=LAYERS,
    ),
    Bug(
        "the forget gate's δ by the cell after the step",
        (
            Edit(
                "explain/layers/gates.py",
                "(1, dc * before, _slope_of_gate(f)",
                "(1, dc * now, _slope_of_gate(f)",
            ),
        ),
        tests=LAYERS,
    ),
    Bug(
        "the way through the variance without its 2",
        (
            Edit(
                "explain/layers/normalization.py",
                "Fraction(2 * (x - group.mean), n)",
                "Fraction(x - group.mean, n)",
            ),
        ),
        tests=LAYERS,
    ),
)

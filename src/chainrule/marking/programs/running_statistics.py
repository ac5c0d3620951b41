"""The running statistics of batch normalisation, and its test mode, which uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.marking.program import Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention

LONG = {"mean": "mean", "var": "variance"}

SWAPPED = {
    f"running_{n}": f"(1 - momentum) * {n}_before + momentum * {now}"
    for n, now in (("mean", "mu[0]"), ("var", "var[0]"))
}
"""The rules of who takes momentum for the weight of the new batch."""
"""What the two statistics are called."""


def running_variations() -> Iterator[Variation]:
    """What goes wrong with the running mean and variance while training."""
    yield from _weights_of_running()
    yield from _updates_of_running()
    yield from _running_variances()


def _weights_of_running() -> Iterator[Variation]:
    """What momentum is the weight of."""
    yield convention(
        "momentum_of_the_new",
        "momentum",
        "momentum is the weight of the new batch",
        "The running statistics are (1 − m)·old + m·new, as in PyTorch; other courses have m at "
        "the old value.",
        **SWAPPED,
    )
    yield convention(
        "unbiased_running_variance",
        "running variance",
        "the running variance is the unbiased one",
        "The batch is normalised by the biased variance, and the running one is divided by N − 1, "
        "as in PyTorch.",
        running_var="momentum * var_before + (1 - momentum) * var[0] * count / (count - 1)",
    )


def _updates_of_running() -> Iterator[Variation]:
    """How the running mean and variance are updated."""
    for name, long in LONG.items():
        now = "mu[0]" if name == "mean" else "var[0]"
        yield bug(
            f"not_kept@running_{name}",
            f"the running {long} is not updated",
            "Test mode needs the running statistics; the call leaves this one as it was, or "
            "computes it without putting it back where it is kept.",
            f"Print the running {long} before and after a call in training mode.",
            **{f"running_{name}": f"{name}_before"},
        )
        yield bug(
            f"overwritten@running_{name}",
            f"the running {long} is that of the last batch",
            "It must be a mean over many batches, m·old + (1 − m)·new.",
            f"Call it with two batches and print the running {long} after each.",
            **{f"running_{name}": now},
        )
        yield bug(
            f"momentum_swapped@running_{name}",
            f"the weights of old and new are swapped in the running {long} alone",
            "The two running statistics use the momentum in different ways.",
            f"Compare the line of the running {long} with the other.",
            **{f"running_{name}": SWAPPED[f"running_{name}"]},
        )
        yield bug(
            f"added@running_{name}",
            f"the running {long} grows: the old value has no weight",
            "It must be m·old + (1 − m)·new; the code adds to the whole old value.",
            "Call it a hundred times with the same batch.",
            **{f"running_{name}": f"{name}_before + (1 - momentum) * {now}"},
        )


def _running_variances() -> Iterator[Variation]:
    """What is kept in the place of the variance."""
    yield bug(
        "deviation@running_var",
        "the standard deviation is kept as running variance",
        "Test mode takes the root of what is kept, so it must be the variance.",
        "What does test mode do with the running variance?",
        running_var="momentum * var_before + (1 - momentum) * s[0]",
    )
    yield bug(
        "with_eps@running_var",
        "ε is in the running variance",
        "Test mode adds ε again; what is kept is the variance alone.",
        "Where is ε added, and how often?",
        running_var="momentum * var_before + (1 - momentum) * (var[0] + eps)",
    )


def batch_norm_test() -> Program:
    """Batch normalisation in test mode: by the running statistics, whatever the batch is.

    Inputs: ``x`` (N, D), ``gamma``, ``beta``, ``running_mean``, ``running_var`` (D,), ``eps``.
    """
    return Program(
        "batch norm, test mode",
        (
            Line("mu", "running_mean", "the mean", "forward"),
            Line("s", "np.sqrt(running_var + eps)", "the standard deviation", "forward"),
            Line("xhat", "(x - mu) / s", "x̂", "forward"),
            Line("out", "gamma * xhat + beta", "the output", "forward"),
        ),
        tuple(_test_variations()),
        tuple(_test_probes()),
    )


def _test_variations() -> Iterator[Variation]:
    yield from _statistics_in_test()
    yield from _scales_in_test()
    yield from _deviations_in_test()


def _statistics_in_test() -> Iterator[Variation]:
    """The statistics of the batch in the place of the running ones."""
    yield bug(
        "batch_statistics@out",
        "test mode normalises by the statistics of the batch",
        "In test mode the output of a case must not depend on the others beside it: mean and "
        "variance are the running ones.",
        "Put one case in alone, then beside others: does its output change?",
        3,
        xhat="(x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)",
    )
    yield bug(
        "batch_mean@out",
        "test mode subtracts the mean of the batch",
        "In test mode the output of a case must not depend on the others beside it: the mean is "
        "the running one, as the variance is.",
        "Put one case in alone, then beside others: does its output change?",
        2,
        mu="x.mean(axis=0)",
    )
    yield bug(
        "batch_variance@out",
        "test mode divides by the deviation of the batch",
        "In test mode the output of a case must not depend on the others beside it: the variance "
        "is the running one, as the mean is.",
        "Put one case in alone, then beside others: does its output change?",
        2,
        s="np.sqrt(x.var(axis=0) + eps)",
    )
    yield bug(
        "not_centred@out",
        "the running mean is not subtracted",
        "x̂ = (x − μ)/σ in both modes; the code divides x itself.",
        "Compare the lines of the two modes.",
        xhat="x / s",
    )


def _scales_in_test() -> Iterator[Variation]:
    """γ, β and ε where they do not belong, or not at all."""
    yield bug(
        "shift_scaled@out",
        "β is scaled by γ",
        "The output is γ·x̂ + β; the code has γ·(x̂ + β).",
        "Put in γ = 0: what should come out?",
        out="gamma * (xhat + beta)",
    )
    yield bug(
        "shift_before@out",
        "β is added before x is divided by σ",
        "The output is γ·x̂ + β. The code adds β to x − μ, so that it is divided by σ and "
        "multiplied by γ as well.",
        "By how much does the output grow when β grows by 1?",
        out="gamma * (x - mu + beta) / s",
    )
    yield bug(
        "no_scale@out",
        "γ is left out in test mode",
        "The output is γ·x̂ + β in both modes.",
        "Compare the lines of the two modes.",
        out="xhat + beta",
    )
    yield bug(
        "no_eps@out",
        "ε is left out in test mode",
        "Test mode must divide by the same √(σ² + ε) as training.",
        "Try a running variance of 0.",
        s="np.sqrt(running_var)",
    )
    yield bug(
        "eps_outside@out",
        "ε is added to the standard deviation in test mode",
        "Test mode must divide by the same √(σ² + ε) as training.",
        "Try a running variance smaller than ε.",
        s="np.sqrt(running_var) + eps",
    )


def _deviations_in_test() -> Iterator[Variation]:
    """What is divided by, and what is left out."""
    yield bug(
        "divided_by_variance@out",
        "test mode divides by the variance, not by its root",
        "Test mode must divide by the same √(σ² + ε) as training.",
        "Compare the lines of the two modes.",
        s="running_var + eps",
    )
    yield bug(
        "deviation_taken@out",
        "test mode takes the running variance for a standard deviation",
        "What is kept is the variance; the root is missing.",
        "Compare the lines of the two modes.",
        s="running_var",
    )
    yield bug(
        "no_scale_and_shift@out",
        "γ and β are left out in test mode",
        "The output is γ·x̂ + β in both modes.",
        "Compare the lines of the two modes.",
        out="xhat",
    )
    yield bug(
        "no_shift_beta@out",
        "β is left out in test mode",
        "The output is γ·x̂ + β in both modes.",
        "Compare the lines of the two modes.",
        out="gamma * xhat",
    )
    yield bug(
        "not_normalised@out",
        "test mode does nothing",
        "The output in test mode is γ·x̂ + β with the running statistics, and not x.",
        "What does the network expect that was trained on x̂?",
        out="x",
    )


def _test_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(40)

    def made(n: int, d: int, scale: float) -> dict[str, Any]:
        kept = {"running_mean": rng.normal(size=d), "running_var": scale * rng.uniform(size=d)}
        case = {
            "x": rng.normal(size=(n, d)) + rng.normal(size=d),
            "gamma": rng.uniform(0.5, 2.0, size=d),
            "beta": rng.normal(size=d),
            "eps": 1e-5,
        }
        return {**case, **kept}

    yield Probe("six cases", "the batch of a usual call", (made(6, 4, 2.0),))
    yield Probe("one case", "a batch of one has no variance", (made(1, 3, 2.0),))
    yield Probe("small variances", "variances near ε, where its place shows", (made(5, 3, 1e-5),))

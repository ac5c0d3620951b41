"""Batch and layer normalisation, and dropout: both passes line by line, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.marking.program import Gradient, Line, Probe, Program, Variation
from chainrule.marking.programs.running_statistics import LONG, running_variations
from chainrule.marking.programs.variations import bug

GRADIENTS = {f"d{name}": Gradient("out", name, "dout") for name in ("x", "gamma", "beta")}
"""What the gradients of both layers are the derivatives of."""


def batch_norm() -> Program:
    """Batch normalisation while training: every feature over the cases, and all its gradients.

    Inputs: ``x`` (N, D), ``gamma``, ``beta`` (D,), ``eps``, ``momentum``, ``mean_before`` and
    ``var_before`` (D,), the running statistics before the call, and ``dout`` (N, D).
    """
    return Program(
        "batch norm",
        (*_norm_lines("0", "x.shape[0]"), *_running_lines()),
        (
            *_norm_forward("cases", "0"),
            *_norm_backward("0"),
            *_norm_parameters(False),
            *running_variations(),
        ),
        tuple(_batch_probes()),
        gradients=GRADIENTS,
    )


def layer_norm() -> Program:
    """Layer normalisation: every case over its features, and all its gradients.

    Inputs: ``x`` (N, D), ``gamma``, ``beta`` (D,), ``eps`` and ``dout`` (N, D).
    """
    return Program(
        "layer norm",
        tuple(_norm_lines("1", "x.shape[1]")),
        (*_norm_forward("features", "1"), *_norm_backward("1"), *_norm_parameters(True)),
        tuple(_layer_probes()),
        gradients=GRADIENTS,
    )


def _norm_lines(axis: str, count: str) -> Iterator[Line]:
    over = f"axis={axis}, keepdims=True"
    yield Line("count", count, "the number of values that are averaged", "forward")
    yield Line("mu", f"x.mean({over})", "the mean", "forward")
    yield Line("centred", "x - mu", "x − mean", "forward")
    yield Line("var", f"(centred**2).mean({over})", "the variance", "forward")
    yield Line("s", "np.sqrt(var + eps)", "the standard deviation", "forward")
    yield Line("xhat", "centred / s", "x̂, which is x normalised", "forward")
    yield Line("scaled", "gamma * xhat", "γ·x̂", "forward")
    yield Line("out", "scaled + beta", "the output", "forward")
    yield Line("s_back", "s", "the standard deviation in the backward pass", "backward")
    yield Line("xhat_back", "xhat", "x̂ in the backward pass", "backward")
    yield Line("dbeta", "dout.sum(axis=0)", "∂L/∂β", "backward")
    yield Line("dgamma", "(dout * xhat_back).sum(axis=0)", "∂L/∂γ", "backward")
    yield Line("dxhat", "dout * gamma", "∂L/∂x̂", "backward")
    yield Line("direct", "dxhat / s_back", "the part of ∂L/∂x through x̂ itself", "backward")
    rule = f"(dxhat * centred).sum({over}) * -0.5 * s_back**-3"
    yield Line("dvar", rule, "∂L/∂(variance)", "backward")
    yield Line("by_var", "dvar * 2 * centred / count", "the part through the variance", "backward")
    yield Line("dmu", f"-direct.sum({over})", "∂L/∂(mean)", "backward")
    yield Line("by_mu", "dmu / count", "the part of ∂L/∂x through the mean", "backward")
    yield Line("dx", "direct + by_var + by_mu", "∂L/∂x", "backward")


def _running_lines() -> Iterator[Line]:
    for name, now in (("mean", "mu[0]"), ("var", "var[0]")):
        kept = f"momentum * {name}_before + (1 - momentum) * {now}"
        yield Line(f"running_{name}", kept, f"the running {LONG[name]}", "update")


def _norm_forward(over: str, axis: str) -> Iterator[Variation]:
    yield from _scales_and_shifts()
    yield from _deviations()
    yield from _axes_of_statistics(over, axis)


def _scales_and_shifts() -> Iterator[Variation]:
    """γ and β where they do not belong, or not at all."""
    yield bug(
        "shift_before@out",
        "β is added before x is divided by σ",
        "The output is γ·x̂ + β. The code adds β to x − μ, so that it is divided by σ and "
        "multiplied by γ as well.",
        "By how much does the output grow when β grows by 1?",
        2,
        out="gamma * (centred + beta) / s",
    )
    yield bug(
        "shift_scaled@out",
        "β is scaled by γ",
        "The output is γ·x̂ + β; the code has γ·(x̂ + β).",
        "Put in γ = 0: what should come out?",
        out="gamma * (xhat + beta)",
    )
    yield bug(
        "no_shift_beta@out",
        "β has no effect on the output",
        "The output is γ·x̂ + β; the code has γ·x̂. Either β is left out, or it is added to x "
        "before the mean is subtracted, which takes it out again.",
        "Put in γ = 0: what should come out?",
        out="scaled",
    )
    yield bug(
        "no_scale@out",
        "γ is left out",
        "The output is γ·x̂ + β; the code has x̂ + β.",
        "Put in γ = 0: what should come out?",
        scaled="xhat",
    )


def _deviations() -> Iterator[Variation]:
    """What is subtracted, and what is divided by."""
    yield bug(
        "divided_by_variance@out",
        "x is divided by the variance, not by its root",
        "x̂ = (x − μ)/√(σ² + ε); the code leaves out the root, so that x̂ has no variance of 1.",
        "Print x̂.std() along the axis that is normalised.",
        s="var + eps",
    )
    yield bug(
        "eps_outside@out",
        "ε is added to the standard deviation, not to the variance",
        "√(σ² + ε) is not σ + √… or σ + ε: with ε = 10⁻⁵ the two differ by 10⁻³ for a small σ.",
        "Try x whose variance is smaller than ε.",
        s="np.sqrt(var) + eps",
    )
    yield bug(
        "no_eps@out",
        "ε is left out",
        "√(σ² + ε) keeps the division away from 0 where all values are equal; without ε it is "
        "0/0.",
        "Try x whose values are all equal.",
        s="np.sqrt(var)",
    )
    yield bug(
        "unbiased_variance@out",
        "the variance is divided by n − 1",
        "x̂ uses the biased variance, the mean of the squares; ddof=1 belongs at most to the "
        "running statistics.",
        "Print x̂.var() along the axis that is normalised.",
        var="RIGHT * count / (count - 1)",
    )
    yield bug(
        "not_centred@out",
        "the mean is not subtracted",
        "x̂ = (x − μ)/σ; the code divides x itself.",
        "Print x̂.mean() along the axis that is normalised.",
        xhat="x / s",
    )


def _axes_of_statistics(over: str, axis: str) -> Iterator[Variation]:
    """Mean and variance over another axis."""
    other = str(1 - int(axis))
    yield bug(
        "wrong_axis@out",
        f"mean and variance are not taken over the {over}",
        f"This layer normalises over the {over}, axis {axis}; the code uses axis {other}.",
        "Print the mean of x̂ along both axes.",
        2,
        mu=f"x.mean(axis={other}, keepdims=True)",
        var=f"(centred**2).mean(axis={other}, keepdims=True)",
    )
    for name, long, rule in (
        ("mu", "mean", "x.mean({0})"),
        ("var", "variance", "(centred**2).mean({0})"),
    ):
        yield bug(
            f"wrong_axis@{name}",
            f"the {long} is not taken over the {over}",
            f"This layer normalises over the {over}, axis {axis}; the {long} is taken along axis "
            f"{other}.",
            "Print the mean and the variance of x̂ along both axes.",
            **{name: rule.format(f"axis={other}, keepdims=True")},
        )
        yield bug(
            f"over_all@{name}",
            f"the {long} is taken over everything",
            f"Without an axis, NumPy runs over the whole array; this layer normalises over the "
            f"{over} alone.",
            "Print the mean and the variance of x̂ along both axes.",
            **{name: rule.format("keepdims=True")},
        )
    yield bug(
        "over_all@out",
        "mean and variance are taken over everything",
        f"Without an axis, np.mean runs over the whole array; this layer normalises over the "
        f"{over} alone.",
        "Print the mean of x̂ along both axes.",
        mu="x.mean(keepdims=True)",
        var="(centred**2).mean(keepdims=True)",
    )


def _norm_backward(axis: str) -> Iterator[Variation]:
    yield from _ways_left_out()
    yield from _factors_of_ways()
    yield from _deviations_of_gradient(axis)
    yield from _arrays_of_gradient(axis)
    yield from _sums_of_gradient(axis)


def _ways_left_out() -> Iterator[Variation]:
    """Ways from x to the output that the gradient leaves out."""
    hint = "Draw the graph from x to x̂: on how many ways does x reach it?"
    yield bug(
        "statistics_constant@dx",
        "∂L/∂x forgets that mean and variance depend on x",
        "dx = γ·dout/σ is only the way through x̂ itself. x reaches the output through the mean "
        "and the variance as well, and both ways have to be added.",
        hint,
        3,
        dx="direct",
    )
    yield bug(
        "no_way_through_variance@dx",
        "∂L/∂x leaves out the way through the variance",
        "x reaches the output directly, through the mean and through the variance; the third part "
        "is missing.",
        hint,
        2,
        dx="direct + by_mu",
    )
    yield bug(
        "no_way_through_mean@dx",
        "∂L/∂x leaves out the way through the mean",
        "x reaches the output directly, through the mean and through the variance; the second "
        "part is missing.",
        hint,
        2,
        dx="direct + by_var",
    )
    yield bug(
        "no_gamma@dx",
        "γ is missing in ∂L/∂x",
        "out = γ·x̂ + β, so ∂L/∂x̂ = γ·dout; the code goes on with dout.",
        "Call backward with γ twice as large: what has to happen to dx?",
        2,
        dxhat="dout",
    )


def _factors_of_ways() -> Iterator[Variation]:
    """Signs and factors of the ways through the variance and the mean."""
    yield bug(
        "wrong_sign_variance@dx",
        "the way through the variance has the wrong sign",
        "∂(1/σ)/∂σ² = −½ σ⁻³: the minus is missing.",
        "Differentiate v^(−1/2) by hand.",
        dvar="-RIGHT",
    )
    yield bug(
        "no_half@dx",
        "the ½ of the root's derivative is missing",
        "∂(v^(−1/2))/∂v = −½ v^(−3/2); the code has −v^(−3/2).",
        "Differentiate v^(−1/2) by hand.",
        dvar="2 * RIGHT",
    )
    yield bug(
        "one_over_s@dx",
        "the derivative of 1/σ is taken as −1/σ in place of −1/σ²",
        "∂(1/s)/∂s = −1/s², one power more than the code has.",
        "Differentiate 1/s by hand.",
        dvar="RIGHT * s",
    )
    yield bug(
        "variance_for_s@dx",
        "the variance is used where the standard deviation belongs",
        "∂x̂/∂(x − μ) = 1/√(σ² + ε); the code divides by σ² + ε.",
        "Which of the two does forward divide by?",
        direct="dxhat / s**2",
    )
    yield bug(
        "no_factor_2@dx",
        "the factor 2 of the square is missing in the way through the variance",
        "∂(x − μ)²/∂x = 2(x − μ); the code has x − μ.",
        "Differentiate the variance by hand.",
        by_var="RIGHT / 2",
    )
    yield bug(
        "not_averaged_variance@dx",
        "the 1/n of the variance is missing in ∂L/∂x",
        "The variance is a *mean* of squares, so its derivative has 1/n.",
        "Differentiate the variance by hand.",
        by_var="RIGHT * count",
    )
    yield bug(
        "not_averaged_mean@dx",
        "the 1/n of the mean is missing in ∂L/∂x",
        "μ is a mean, so ∂μ/∂x = 1/n for each value.",
        "By how much does the mean grow when one of n values grows by 1?",
        by_mu="RIGHT * count",
    )


def _deviations_of_gradient(axis: str) -> Iterator[Variation]:
    """What stands in the place of x − μ, of σ and of its powers."""
    over = f"axis={axis}, keepdims=True"
    yield bug(
        "x_for_centred@dx",
        "the way through the variance uses x where x − μ belongs",
        "The variance is a mean of (x − μ)², and its derivative 2(x − μ)/n.",
        "Which array did forward square?",
        by_var="dvar * 2 * x / count",
    )
    yield bug(
        "no_eps@dx",
        "the backward pass leaves out ε",
        "Forward divides by √(σ² + ε), so backward has to use the same root. It shows where the "
        "variance is small.",
        "Which σ did forward divide by?",
        s_back="np.sqrt(var)",
        xhat_back="centred / np.sqrt(var)",
    )
    yield bug(
        "no_eps_in_sigma@dx",
        "the σ of the backward pass leaves out ε",
        "Forward divides by √(σ² + ε), so backward has to use the same root. It shows where the "
        "variance is small.",
        "Which σ did forward divide by?",
        s_back="np.sqrt(var)",
    )
    yield bug(
        "power_of_s@dx",
        "the power −3/2 is taken of σ in place of the variance",
        "∂(v^(−1/2))/∂v = −½ v^(−3/2) with v = σ² + ε, which is −½ σ⁻³; the code has σ^(−3/2).",
        "Of which array is your power taken?",
        dvar=f"(dxhat * centred).sum({over}) * -0.5 * s**-1.5",
    )
    yield bug(
        "power_kept@dx",
        "the power of the root is kept: −½ v^(−1/2)",
        "∂(v^(−1/2))/∂v = −½ v^(−3/2): differentiating makes the power one less.",
        "Differentiate v^(−1/2) by hand.",
        dvar=f"(dxhat * centred).sum({over}) * -0.5 / s",
    )
    yield bug(
        "divided_twice@dx",
        "∂L/∂x is divided by the variance in place of σ",
        "All three ways have one 1/σ in front; the code has 1/σ².",
        "Which of the two does forward divide by?",
        dx="RIGHT / s",
    )


def _arrays_of_gradient(axis: str) -> Iterator[Variation]:
    """Another array in the gradient, or a number left out."""
    over = f"axis={axis}, keepdims=True"
    yield bug(
        "xhat_for_centred@dx",
        "the way through the variance uses x̂ where x − μ belongs",
        "The variance is a mean of (x − μ)², and its derivative 2(x − μ)/n; x̂ has been divided by "
        "σ already.",
        "Which array did forward square?",
        by_var="dvar * 2 * xhat / count",
    )
    yield bug(
        "x_for_centred@dvar",
        "∂L/∂σ² uses x where x − μ belongs",
        "x̂ = (x − μ)/σ, so its derivative with respect to σ² has the factor x − μ.",
        "Which array did forward divide by σ?",
        dvar=f"(dxhat * x).sum({over}) * -0.5 * s**-3",
    )
    yield bug(
        "wrong_sign_mean@dx",
        "the way through the mean has the wrong sign",
        "x̂ = (x − μ)/σ: μ is subtracted, so its part is subtracted.",
        "What happens to x̂ when μ grows?",
        by_mu="-RIGHT",
    )
    yield bug(
        "count_left_out@dx",
        "the short formula of ∂L/∂x lacks the n in front of dx̂",
        "dx = (n·dx̂ − Σdx̂ − x̂·Σ(dx̂·x̂)) / (n·σ); without the n the first term is n times "
        "too small.",
        "Compare with the formula that goes through the three ways.",
        direct="dxhat / (count * s)",
        dmu=f"-(dxhat / s).sum({over})",
    )


def _sums_of_gradient(axis: str) -> Iterator[Variation]:
    """Sums over another axis, and an upstream that is handed on."""
    hint = "Draw the graph from x to x̂: on how many ways does x reach it?"
    yield bug(
        "wrong_axis@dx",
        "the sums in ∂L/∂x run over the wrong axis",
        f"What was averaged over axis {axis} forward is summed over axis {axis} backward.",
        "Along which axis are mean and variance taken?",
        dvar=f"(dxhat * centred).sum(axis={1 - int(axis)}, keepdims=True) * -0.5 * s**-3",
        dmu=f"-direct.sum(axis={1 - int(axis)}, keepdims=True)",
    )
    yield bug(
        "mean_of_sums@dx",
        "the sums in ∂L/∂x are means, and are divided by n again",
        "Σ is taken once and 1/n once; np.mean has 1/n in it already.",
        "How many times does 1/n stand in your dx?",
        by_var="RIGHT / count",
        by_mu="RIGHT / count",
    )
    yield bug(
        "shift_in_gradient@dx",
        "the output is used where x̂ belongs in ∂L/∂x",
        "out = γ·x̂ + β; the formula needs x̂ itself.",
        "Which array did forward keep?",
        by_var="dvar * 2 * out * s / count",
    )
    yield bug(
        "upstream_passed_on@dx",
        "dout is handed on as it is",
        "backward returns dout for dx, as if the layer were the identity.",
        hint,
        dx="dout",
    )


def _norm_parameters(is_layer: bool) -> Iterator[Variation]:
    yield from _sums_of_parameters(is_layer)
    yield from _products_of_parameters()


def _sums_of_parameters(is_layer: bool) -> Iterator[Variation]:
    """The sums of γ and β over the cases."""
    names = {"dgamma": ("∂L/∂γ", "dout * xhat"), "dbeta": ("∂L/∂β", "dout")}
    for array, (shown, inner) in names.items():
        yield bug(
            f"wrong_axis@{array}",
            f"{shown} is summed over the features in place of the cases",
            "γ and β have one entry for each feature, whatever the layer normalises over, so "
            "their gradients are sums over the cases, axis 0. Where there are as many cases as "
            "features the shape does not give it away.",
            "Which axis of dout does γ not have?",
            4 if is_layer else 1,
            **{array: f"({inner}).sum(axis=1)"},
        )
        yield bug(
            f"bias_averaged@{array}",
            f"{shown} is a mean where it is a sum",
            "Every case adds to the gradient. The 1/N of a mean loss is in dout already.",
            "Compare the gradient of one case with that of the same case twice.",
            **{array: f"({inner}).mean(axis=0)"},
        )
        yield bug(
            f"not_summed@{array}",
            f"{shown} is not summed over the cases",
            "It has a row for each case; the parameter is shared by all of them.",
            "Print the shapes of the parameter and of its gradient.",
            **{array: inner},
        )
        yield bug(
            f"bias_of_all_units@{array}",
            f"{shown} is summed over the features as well",
            "Every feature has a γ and a β of its own.",
            "Print the shapes of the parameter and of its gradient.",
            **{array: f"({inner}).sum()"},
        )


def _products_of_parameters() -> Iterator[Variation]:
    """What the upstream is multiplied by."""
    yield bug(
        "matrix_product@dgamma",
        "∂L/∂γ is a matrix product",
        "γ multiplies x̂ entry by entry, so its gradient is Σ dout * x̂ over the cases, (D,). "
        "doutᵀ·x̂ is (D, D), and only its diagonal is meant.",
        "What is the shape of your dγ?",
        2,
        dgamma="dout.T @ xhat",
    )
    yield bug(
        "x_for_xhat@dgamma",
        "∂L/∂γ uses x where x̂ belongs",
        "γ multiplies the normalised x̂, not x.",
        "What does γ multiply in the forward pass?",
        dgamma="(dout * x).sum(axis=0)",
    )
    yield bug(
        "centred_for_xhat@dgamma",
        "∂L/∂γ uses x − μ where x̂ belongs",
        "γ multiplies the normalised x̂, which is divided by σ.",
        "What does γ multiply in the forward pass?",
        dgamma="(dout * centred).sum(axis=0)",
    )
    yield bug(
        "out_for_xhat@dgamma",
        "∂L/∂γ uses the output where x̂ belongs",
        "γ multiplies the normalised x̂; the output has γ and β in it.",
        "What does γ multiply in the forward pass?",
        dgamma="(dout * out).sum(axis=0)",
    )
    yield bug(
        "no_upstream@dgamma",
        "dout is left out of ∂L/∂γ",
        "By the chain rule x̂ is multiplied by dout before the sum.",
        "Call backward twice, the second time with 2·dout: what has to happen to dγ?",
        dgamma="xhat.sum(axis=0)",
    )
    yield bug(
        "no_upstream@dbeta",
        "∂L/∂β counts cases: dout is left out",
        "∂out/∂β is 1 for each case, and by the chain rule it is multiplied by dout.",
        "Call backward twice, the second time with 2·dout: what has to happen to dβ?",
        dbeta="np.full(x.shape[1], float(len(x)))",
    )
    yield bug(
        "swapped@dgamma",
        "∂L/∂γ and ∂L/∂β are swapped",
        "γ multiplies x̂ and β is added: ∂L/∂γ = Σ dout·x̂, ∂L/∂β = Σ dout.",
        "In which order does your backward return them?",
        dgamma="dout.sum(axis=0)",
        dbeta="(dout * xhat).sum(axis=0)",
    )


def norm_case(rng: np.random.Generator, n: int, d: int, scale: Any = 1.0) -> dict[str, Any]:
    """The inputs of n cases with d features."""
    return {
        "x": scale * rng.normal(size=(n, d)) + rng.normal(size=d),
        "gamma": rng.uniform(0.5, 2.0, size=d),
        "beta": rng.normal(size=d),
        "eps": 1e-5,
        "dout": rng.normal(size=(n, d)),
    }


def _batch_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(38)

    def made(n: int, d: int, scale: Any = 1.0) -> dict[str, Any]:
        before = {"mean_before": rng.normal(size=d), "var_before": rng.uniform(0.5, 2, size=d)}
        return {**norm_case(rng, n, d, scale), **before, "momentum": 0.8}

    yield Probe("six cases", "the batch of a usual call", (made(6, 4),))
    yield Probe("square", "as many cases as features: a wrong axis fits", (made(4, 4),))
    why = "variances near ε, where its place shows"
    yield Probe("small variances", why, (made(5, 3, 3e-3),))
    yield Probe("second batch", "what is kept from the batch before", (made(5, 3), made(5, 3)))


def _layer_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(39)
    yield Probe("six cases", "the batch of a usual call", (norm_case(rng, 6, 4),))
    why = "as many cases as features: a wrong axis fits"
    yield Probe("square", why, (norm_case(rng, 4, 4),))
    yield Probe("one case", "N = 1: what mixes the cases shows not", (norm_case(rng, 1, 5),))
    small = norm_case(rng, 5, 3)
    small["x"] = 3e-3 * rng.normal(size=(5, 3)) + rng.normal(size=(5, 1))
    yield Probe("small variances", "variances near ε, where its place shows", (small,))

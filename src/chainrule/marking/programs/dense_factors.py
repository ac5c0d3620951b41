"""Factors that do not belong, brackets left out, and weights changed before δ is sent back."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import Dense
from chainrule.marking.programs.dense_slopes import slope_lines
from chainrule.marking.programs.places import at_layers, ruled

FACTORS = (
    ("classes_for_cases", "N / p.shape[1]", "divided by the number of classes in place of N"),
    ("features_for_cases", "N / X.shape[1]", "divided by the number of features in place of N"),
    ("cases_and_one", "N / (N + 1)", "divided by N + 1 in place of N"),
    ("cases_but_one", "N / max(N - 1, 1)", "divided by N − 1 in place of N"),
    ("doubled", "2", "twice too large"),
    ("halved", "0.5", "half of what it should be"),
)
"""Factors of a gradient: the kind, the number, and what the array then is."""

RATES = (
    ("rate_on_data", "reg", "multiplied by λ"),
    ("one_plus_penalty", "(1 + 2 * reg)", "multiplied by 1 + 2λ"),
)
"""The same for factors that come from a penalty."""


def factor_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs of factors and brackets on the way back, and of weights that change too early."""
    yield from _factors(net)
    yield from _beginnings(net)
    yield from _slopes_again(net)
    yield from _brackets(net)
    yield from _changed_weights(net)
    yield from _own_outputs(net)


def _has_penalty(net: Dense) -> bool:
    return net.is_given or net.penalty != "none"


def _factors(net: Dense) -> Iterator[Variation]:
    """A known number too many in the weights' gradients alone, or in those of the biases."""
    every = range(1, net.layers + 1)
    for kind, factor, words in FACTORS + (RATES if _has_penalty(net) else ()):
        for array, others in (("W", "the biases"), ("b", "the weights")):
            yield from at_layers(
                every,
                f"{kind}@d{array}",
                f"∂L/∂{array} of {{layer}} is {words}",
                f"The data part of ∂L/∂{array} of {{layer}} has this factor, while the gradient "
                f"of {others} need not have it: both are made of the same δ, whose 1/N is the "
                "only factor that the loss gives.",
                "Divide your array by what a numeric derivative of your loss gives. Is it the "
                "same number everywhere, and how does it change with the number of cases?",
                ruled(f"d{array}{{k}}_data", f"RIGHT * {factor}"),
            )


def _beginnings(net: Dense) -> Iterator[Variation]:
    """A known number too many in all gradients, or the output once more in δ."""
    start = f"d{net.layers}" if net.is_fused else "dp"
    for kind, factor, words in FACTORS:
        if kind in ("classes_for_cases", "cases_and_one", "cases_but_one") and not net.summed:
            yield Variation(
                f"{kind}@start",
                f"the gradient is {words}",
                "The loss is the mean over the N cases, so that δ of the output has 1/N; the code "
                f"has another divisor, and every gradient (without its penalty) is {words}.",
                "Print what you divide by, for 5 cases and for 6.",
                {start: f"RIGHT * {factor}"},
            )
    if net.is_given:
        yield Variation(
            "classes_for_cases@mse",
            "the gradient of the squared error is divided by the outputs in place of the cases",
            "The mean over the N cases in the loss gives 1/N; the gradient is divided by the "
            "number of outputs where this 1/N belongs. That of the cross-entropy is right.",
            "Print what you divide by, for 5 cases and for 6.",
            {start: "RIGHT * N / p.shape[1] if kind == 'mse' else RIGHT"},
        )
    if not net.is_fused:
        return
    for kind, factor, words in (
        ("output_again", "p", "p, the probabilities,"),
        ("one_minus_output_again", "(1 - p)", "1 − p"),
    ):
        yield Variation(
            kind,
            f"δ of the output is multiplied by {words} once more",
            f"δ is (p − t) times {words} besides. p − t is already the derivative by z: "
            "the softmax and the logarithm are in it.",
            "Differentiate −log p_y by z on paper. What is left beside p − t?",
            {"error": f"RIGHT * {factor}"},
        )


def _slopes_again(net: Dense) -> Iterator[Variation]:
    """φ′ a second time where one array is made of δ."""
    bent = [k for k in net.bent if f"s{k}" in slope_lines(net)]
    curved = [k for k in bent if net.is_given or net.activations[k - 1] != "relu"]
    for array, rule in (("W", "a{j}.T @ (d{k} * s{k})"), ("b", "(d{k} * s{k}).sum(axis=0)")):
        yield from at_layers(
            curved,
            f"slope_twice@d{array}",
            f"φ′ is multiplied in a second time in ∂L/∂{array} of {{layer}} alone",
            f"δ of {{layer}} is ∂L/∂a · φ′(z) already; where ∂L/∂{array} is made of it, φ′(z) is "
            "multiplied in once more.",
            "Mark every place of your backward pass where the activation's derivative is used.",
            ruled(f"d{array}{{k}}_data", rule),
        )


def _brackets(net: Dense) -> Iterator[Variation]:
    """δ = ∂L/∂a · φ′(z) written in one line, without the brackets around φ′."""
    for act, kind, rule, says, right in (
        ("sigmoid", "brackets", "da{k} * a{k} - a{k}", "∂L/∂a · a · 1 − a", "a · (1 − a)"),
        ("sigmoid", "one_missing", "da{k} * a{k} - a{k}**2", "∂L/∂a · a − a · a", "a · (1 − a)"),
        ("tanh", "brackets", "da{k} - a{k}**2", "∂L/∂a · 1 − a²", "(1 − a²)"),
    ):
        changes = {
            f"d{k}": form.format(rule.format(k=k))
            for k, form in net.with_activation(act)
            if f"s{k}" in slope_lines(net)
        }
        if changes:
            yield Variation(
                f"{kind}@{act}",
                f"brackets are missing around the slope of {act} in δ",
                f"δ is computed as {says}, where only the first term has the factor ∂L/∂a; it is "
                f"∂L/∂a · {right}.",
                "Set ∂L/∂a to 0. What must δ be, and what does your line give?",
                changes,
                often=2,
            )


def _changed_weights(net: Dense) -> Iterator[Variation]:
    """Weights that the penalty, or a step, has changed before δ is sent through them."""
    if not _has_penalty(net):
        return
    forms = [
        ("weights_grown_by_penalty", "W{k} + dW{k}_penalty", "W and its penalty's derivative"),
        ("weights_after_decay", "W{k} - dW{k}_penalty", "W less its penalty's derivative"),
    ]
    if net.penalty == "squares" and not net.is_given:
        forms += [
            ("weights_grown_by_rate", "(1 + reg) * W{k}", "(1 + λ) W"),
            ("weights_less_rate", "(1 - reg) * W{k}", "W − λW"),
        ]
    forms.append(("weights_after_step", "W{k} - dW{k}", "W less its gradient"))
    for kind, weights, words in forms:
        yield from at_layers(
            range(2, net.layers + 1),
            kind,
            f"W has been changed before δ is sent back through {{layer}}: {words}",
            f"δ of the layer below is made with {words}: W was changed in place first. "
            "The forward pass used W itself, so that δ must go back through that W; this one "
            "line makes the gradients of all layers below wrong.",
            "Print one weight before the backward pass and just before δ is sent through it.",
            ruled("da{j}", f"d{{k}} @ ({weights}).T"),
            often=2,
        )


def _own_outputs(net: Dense) -> Iterator[Variation]:
    """The layer's output where its input belongs, chosen by the shape."""
    yield from at_layers(
        [k for k in net.bent if k < net.layers or not net.is_fused],
        "own_output_of_same_shape",
        "∂L/∂W of {layer} is made with its own output where input and output have one shape",
        "The array for the product is found by its shape; where {layer} is square its output fits "
        "as well as its input, and the output is taken. W is multiplied with the input.",
        "Try a layer with as many units as inputs. Which array does your product take?",
        ruled("dW{k}_data", "a{k}.T @ d{k} if a{k}.shape == a{j}.shape else RIGHT"),
    )

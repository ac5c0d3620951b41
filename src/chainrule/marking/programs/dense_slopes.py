"""What goes wrong with the slope φ′ of an activation on the way back."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import Dense
from chainrule.marking.programs.places import at_layers


def slope_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs of φ′ in δ."""
    yield from _slopes_left_out(net)
    yield from _slopes_of_others(net)


def _slopes_left_out(net: Dense) -> Iterator[Variation]:
    """A slope left out, taken twice, or another array in its place."""
    bent = [k for k in net.bent if f"s{k}" in slope_lines(net)]
    curved = [k for k in bent if net.is_given or net.activations[k - 1] != "relu"]
    yield from at_layers(
        bent,
        "no_slope",
        "φ′ is missing in δ of {layer}",
        "∂L/∂a of {layer} is used as its δ, as if the activation were not there; the chain rule "
        "gives δ = ∂L/∂a · φ′(z).",
        "Take a unit whose activation is flat at its z. How much may its weights matter?",
        lambda k: {f"d{k}": f"da{k}"},
        often=4,
    )
    yield from at_layers(
        curved,
        "slope_twice",
        "φ′ is multiplied in twice in {layer}",
        "δ of {layer} is ∂L/∂a · φ′(z)²: the slope enters where ∂L/∂a is made and again where δ "
        "is.",
        "Mark every place of your backward pass where the activation's derivative is used.",
        lambda k: {f"d{k}": f"RIGHT * s{k}"},
    )
    yield from at_layers(
        curved,
        "slope_times_z",
        "φ′(z) is multiplied by z besides in {layer}",
        "δ of {layer} is ∂L/∂a · φ′(z) · z; there is no z in the chain rule here.",
        "Differentiate φ(z) by z, for one number, on paper.",
        lambda k: {f"s{k}": f"RIGHT * z{k}"},
    )
    yield from at_layers(
        bent,
        "activation_for_slope",
        "φ itself is used in place of φ′ in {layer}",
        "δ of {layer} is ∂L/∂a times the activation's output a; the chain rule asks for the "
        "derivative φ′(z).",
        "Which number does the slope of the activation have at z = 2?",
        lambda k: {f"s{k}": f"a{k}"},
        often=2,
    )


def _slopes_of_others(net: Dense) -> Iterator[Variation]:
    """The slope of another layer or of another case."""
    bent = [k for k in net.bent if f"s{k}" in slope_lines(net)]
    yield from at_layers(
        [k for k in bent if k > 1],
        "slope_of_layer_below",
        "φ′ is taken at the layer below in {layer}",
        "The slope in δ of {layer} is that of another layer's z: an index is off by one.",
        "Which z went through the activation of this layer?",
        lambda k: {f"s{k}": net.slope(k - 1)},
    )
    yield from at_layers(
        [k for k in bent if k < net.layers and k + 1 in bent],
        "slope_of_layer_above",
        "φ′ is taken at the layer above in {layer}",
        "The slope in δ of {layer} is that of another layer's z: an index is off by one.",
        "Which z went through the activation of this layer?",
        lambda k: {f"s{k}": net.slope(k + 1)},
    )
    yield from at_layers(
        bent,
        "slope_of_first_case",
        "φ′ of the first case is used for all cases in {layer}",
        "One row of the slope (or mask) is used for the whole batch; every case has a z of its "
        "own.",
        "Compare the gradient of two cases with the sum of the gradients of each alone.",
        lambda k: {f"s{k}": "RIGHT[:1] + 0 * RIGHT"},
    )
    yield from at_layers(
        bent,
        "mask_from_delta",
        "relu's mask is taken from the gradient, not from z, in {layer}",
        "δ of {layer} is set to 0 where ∂L/∂a is negative. A relu lets the gradient pass where "
        "its own input z was positive, whatever the gradient's sign.",
        "Which of the two arrays at hand went through relu on the way forward?",
        lambda k: {f"d{k}": _relu_only(net, k, f"da{k} * (da{k} > 0)")},
        often=3,
    )
    yield from _of_functions(net)


def _relu_only(net: Dense, k: int, rule: str) -> str:
    if net.is_given:
        return f"({rule} if act{k} == 'relu' else RIGHT)"
    return rule


def slope_lines(net: Dense) -> set[str]:
    """The lines of slopes that are not 1 everywhere."""
    last = net.layers - 1 if net.is_fused else net.layers
    return {
        f"s{k}" for k in range(1, last + 1) if net.is_given or net.activations[k - 1] != "linear"
    }


def _of_functions(net: Dense) -> Iterator[Variation]:
    """Wrong formulas for the slope of one function, wherever it is used."""
    for act, kind, rule, title, sentence in SLOPES:
        changes = {
            f"s{k}": form.format(rule.format(k=k))
            for k, form in net.with_activation(act)
            if f"s{k}" in slope_lines(net)
        }
        if changes and (
            net.is_given or kind not in ("one_minus_missing", "no_slope")
        ):  # the same as φ for φ′
            yield Variation(
                f"{kind}@{act}",
                title,
                sentence,
                f"Compare your derivative of {act} with (φ(z + h) − φ(z − h)) / 2h at a few z.",
                changes,
                often=3 if kind in ("slope_at_a", "formula_at_z") else 1,
            )


SLOPES = (
    (
        "linear",
        "zero_slope",
        "np.zeros_like(z{k})",
        "the slope of the linear activation is 0",
        "φ(z) = z has the slope 1 everywhere; with 0 nothing flows back.",
    ),
    (
        "linear",
        "slope_is_z",
        "z{k}",
        "the slope of the linear activation is z",
        "φ(z) = z has the slope 1 everywhere.",
    ),
    *(
        (
            act,
            "no_slope",
            "np.ones_like(z{k})",
            f"the slope of {act} is 1 everywhere",
            f"The derivative of {act} gives 1 for every z, as if it were linear; others are "
            f"right.",
        )
        for act in ("relu", "sigmoid", "tanh")
    ),
    (
        "relu",
        "mask_inverted",
        "(z{k} <= 0) * 1.0",
        "relu's mask is inverted",
        "The gradient passes where z ≤ 0 and is stopped where z > 0; it is the other way round.",
    ),
    (
        "relu",
        "leaky_slope",
        "np.where(z{k} > 0, 1.0, 0.01)",
        "relu's slope is 0.01 below 0, as of a leaky relu",
        "The forward pass is max(0, z), whose slope below 0 is 0.",
    ),
    (
        "relu",
        "slope_of_sign",
        "np.sign(z{k})",
        "relu's slope is −1 below 0",
        "np.sign(z) is −1 for negative z; relu is flat there: its slope is 0.",
    ),
    (
        "sigmoid",
        "slope_at_a",
        "sigmoid(a{k}) * (1 - sigmoid(a{k}))",
        "the sigmoid's slope is taken at a, not at z",
        "σ′ is computed from σ(a), although a = σ(z) already is the sigmoid's value: the sigmoid "
        "is applied twice. With a at hand the slope is a (1 − a).",
    ),
    (
        "sigmoid",
        "formula_at_z",
        "z{k} * (1 - z{k})",
        "the formula a (1 − a) is used with z in place of a",
        "The short formula σ′ = a (1 − a) is in terms of the output a = σ(z); the code puts z in.",
    ),
    (
        "sigmoid",
        "one_minus_missing",
        "a{k}",
        "the factor 1 − a is missing in the sigmoid's slope",
        "σ′ is a (1 − a); the code has a alone.",
    ),
    (
        "sigmoid",
        "a_missing",
        "1 - a{k}",
        "the factor a is missing in the sigmoid's slope",
        "σ′ is a (1 − a); the code has 1 − a alone.",
    ),
    (
        "sigmoid",
        "squared_for_product",
        "(1 - a{k})**2",
        "the sigmoid's slope is (1 − a)² in place of a (1 − a)",
        "σ′ is a (1 − a): the two factors are different numbers.",
    ),
    (
        "sigmoid",
        "squared_a",
        "a{k}**2",
        "the sigmoid's slope is a² in place of a (1 − a)",
        "σ′ is a (1 − a): the two factors are different numbers.",
    ),
    (
        "sigmoid",
        "slope_of_tanh",
        "1 - a{k}**2",
        "the slope of tanh is used for the sigmoid",
        "1 − a² belongs to tanh; the sigmoid's slope is a (1 − a).",
    ),
    (
        "sigmoid",
        "quarter_minus_square",
        "0.25 - a{k}**2",
        "the sigmoid's slope is ¼ − a² in place of a (1 − a)",
        "σ′ is a (1 − a), which is ¼ − (a − ½)².",
    ),
    (
        "sigmoid",
        "brackets_missing",
        "a{k} * 1 - a{k}",
        "brackets are missing in the sigmoid's slope: a · 1 − a is 0",
        "σ′ is a · (1 − a); without the brackets a · 1 − a is a − a, and nothing flows back.",
    ),
    (
        "sigmoid",
        "one_plus",
        "a{k} * (1 + a{k})",
        "a sign is wrong in the sigmoid's slope",
        "σ′ is a (1 − a); the code has a (1 + a).",
    ),
    (
        "tanh",
        "slope_at_a",
        "1 - np.tanh(a{k})**2",
        "tanh's slope is taken at a, not at z",
        "The slope is computed from tanh(a), although a = tanh(z) already is the function's "
        "value: tanh is applied twice. With a at hand the slope is 1 − a².",
    ),
    (
        "tanh",
        "formula_at_z",
        "1 - z{k}**2",
        "the formula 1 − a² is used with z in place of a",
        "The short formula tanh′ = 1 − a² is in terms of the output a = tanh(z); the code puts z "
        "in.",
    ),
    (
        "tanh",
        "square_missing",
        "1 - a{k}",
        "the square is missing in tanh's slope",
        "tanh′ is 1 − a²; the code has 1 − a.",
    ),
    (
        "tanh",
        "squared_difference",
        "(1 - a{k})**2",
        "tanh's slope is (1 − a)² in place of 1 − a²",
        "tanh′ is 1 − a²: the square is of a alone, not of the difference.",
    ),
    (
        "tanh",
        "sech",
        "1 / np.cosh(z{k})",
        "tanh's slope is 1/cosh z: the square is missing",
        "tanh′(z) is 1/cosh² z, which is 1 − tanh² z.",
    ),
    (
        "tanh",
        "slope_of_sigmoid",
        "a{k} * (1 - a{k})",
        "the slope of the sigmoid is used for tanh",
        "a (1 − a) belongs to the sigmoid; tanh's slope is 1 − a².",
    ),
    (
        "tanh",
        "one_plus",
        "1 + a{k}**2",
        "a sign is wrong in tanh's slope",
        "tanh′ is 1 − a²; the code has 1 + a².",
    ),
    (
        "tanh",
        "minus_one",
        "a{k}**2 - 1",
        "the sign of tanh's slope is turned round",
        "tanh′ is 1 − a², which is positive everywhere; the code has a² − 1.",
    ),
)
"""Wrong slopes: of what, the kind, the rule, its title, its sentence."""

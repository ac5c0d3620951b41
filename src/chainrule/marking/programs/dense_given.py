"""What goes wrong in networks whose softmax, loss, activations and penalty can be chosen."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import Dense, penalty_slope
from chainrule.marking.programs.places import at_layers, ruled

MSE, CROSS = "kind == 'mse'", "kind == 'cross_entropy'"
"""Where one of the two losses is asked for."""

FIRST_SUM = (
    "Add the gradient that leaves the softmax over the classes. What must come out, and why?"
)
"""A hint: a softmax does not move when all its inputs move alike."""


def given_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs where the choices meet: in the loss's derivative, the softmax's, and the penalty's."""
    yield from _given_beginnings(net)
    yield from _softmaxes(net)
    yield from _losses(net)
    yield from _functions(net)
    yield from _penalties(net)
    yield from _of_one_penalty(net)
    yield from _choices(net)


def _given_beginnings(net: Dense) -> Iterator[Variation]:
    yield from _beginnings_of_squares(net)
    yield from _softmax_on_the_way_back(net)
    yield from _beginnings_of_entropy()


def _beginnings_of_squares(net: Dense) -> Iterator[Variation]:
    """The first δ under the squared error."""
    yield Variation(
        "no_two",
        "the 2 of the squared error's derivative is missing",
        "The loss is the mean of (y − t)², whose derivative is 2 (y − t) over the number of "
        "outputs; the gradient has y − t.",
        "How far off are the numbers: by the same factor everywhere, or not?",
        {"squared_slope": "RIGHT / 2"},
        often=3,
    )
    yield Variation(
        "not_over_outputs",
        "the gradient of the squared error is not divided by the number of outputs",
        "The loss is a mean over the outputs, its gradient that of the sum over them.",
        "Double the number of outputs by taking each twice. Should δ change?",
        {"squared_slope": "RIGHT * error.shape[1]"},
        often=2,
    )
    yield Variation(
        "twice_error",
        "the gradient of the squared error is 2 (y − t) for half the sum of squares",
        "The loss has the factor ½, which the 2 of the derivative cancels.",
        "Differentiate ½ (y − t)² by y.",
        {"squared": "RIGHT * error.shape[1] / 2", "squared_slope": "RIGHT * error.shape[1]"},
    )
    yield Variation(
        "error_for_mse",
        "δ of the output is y − t for the squared error: the output's slope is forgotten",
        "Only with the loss that belongs to it does φ′ of the output cancel; with the squared "
        "error δ is 2 (y − t)/n · φ′(z).",
        "Which pairs of a loss and an output let the slope cancel? Is yours one of them?",
        {f"s{net.layers}": f"(np.ones_like(z{net.layers}) if {MSE} else RIGHT)"},
        often=3,
    )


def _softmax_on_the_way_back(net: Dense) -> Iterator[Variation]:
    """The softmax on the way back."""
    yield Variation(
        "diagonal_softmax",
        "softmax's Jacobian is taken as its diagonal",
        "Only ∂y_i/∂z_i = y_i (1 − y_i) is used. Every output of a softmax depends on every z: "
        "∂y_i/∂z_j = −y_i y_j for i ≠ j.",
        "Add the gradient that leaves the softmax over the classes. What must come out, and why?",
        {"dq": "q * (1 - q) * dp"},
        often=4,
    )
    yield Variation(
        "softmax_left_out_back",
        "softmax is left out on the way back",
        "The derivative by the softmax's outputs is handed to the last layer as it is; between "
        "them comes softmax's Jacobian.",
        "By which variable is the gradient that your last layer receives the derivative?",
        {"dq": "dp"},
        often=2,
    )
    yield Variation(
        "softmax_summed_over_cases",
        "the sum in softmax's derivative runs over the cases",
        "Σ g·y belongs to one case: it runs over the classes (axis 1 for rows of cases).",
        "Does the gradient of a case change when another case changes?",
        {"dq": "q * (dp - (dp * q).sum(axis=0, keepdims=True))"},
    )
    yield Variation(
        "softmax_sign",
        "the sign of softmax's mixed derivatives is turned round",
        "∂y_i/∂z_j is −y_i y_j for i ≠ j; the code adds y_i y_j.",
        "Add the gradient that leaves the softmax over the classes. What must come out, and why?",
        {"dq": "q * (dp + (dp * q).sum(axis=1, keepdims=True) - 2 * q * dp)"},
    )
    yield Variation(
        "softmax_added",
        "the sum in softmax's derivative is added, not subtracted",
        "∂L/∂z_j is y_j (g_j − Σ g_i y_i); the code has a plus.",
        FIRST_SUM,
        {"dq": "q * (dp + (dp * q).sum(axis=1, keepdims=True))"},
        often=2,
    )
    yield Variation(
        "softmax_always",
        "softmax's derivative is used also where the network has no softmax",
        "The backward pass goes through a softmax that the forward pass does not have.",
        "Which network does your backward pass belong to when softmax is False?",
        {f"da{net.layers}": "p * (dp - (dp * p).sum(axis=1, keepdims=True))"},
    )


def _beginnings_of_entropy() -> Iterator[Variation]:
    """The first δ under the cross-entropy."""
    yield Variation(
        "mse_for_cross_entropy",
        "the derivative of the squared error is used for cross-entropy",
        "The gradient does not depend on which loss was chosen.",
        "Follow the name of the loss through your backward pass.",
        {"dp": f"(squared_slope / N if {CROSS} else RIGHT)"},
    )
    yield Variation(
        "error_twice_through_softmax",
        "y − t is passed through softmax's Jacobian once more",
        "y − t is the derivative of cross-entropy by the softmax's input already; the Jacobian of "
        "the softmax is in it.",
        "By which variable is y − t the derivative?",
        {"dp": f"((p - t) / N if {CROSS} else RIGHT)"},
        often=2,
    )
    yield Variation(
        "crossed_sign",
        "the minus of the cross-entropy's derivative is missing",
        "The derivative of −t·log y by y is −t/y; the code has t/y.",
        "Does the loss grow or shrink when the right class's output grows?",
        {"crossed_slope": "-RIGHT"},
        often=2,
    )
    yield Variation(
        "binary_slope",
        "the derivative of the cross-entropy is that of yes/no outputs",
        "(y − t) / (y (1 − y)) belongs to −t·log y − (1 − t)·log(1 − y); the loss is −Σ t·log y, "
        "whose derivative is −t/y.",
        "What is the derivative by an output whose target is 0?",
        {"crossed_slope": "(p - t) / (p * (1 - p))"},
    )


def _softmaxes(net: Dense) -> Iterator[Variation]:
    last = net.layers
    for kind, title, sentence, rule in (
        (
            "softmax_skipped_for_mse",
            "softmax is left out on the way back from the squared error",
            "2 (y − t) is the derivative by the softmax's outputs; before it is handed to the "
            "last layer it goes through softmax's Jacobian. The short form y − t belongs to "
            "cross-entropy.",
            f"(dp if {MSE} else RIGHT)",
        ),
        (
            "softmax_factor_missing",
            "the factor y in front is missing in softmax's derivative",
            "∂L/∂z_j is y_j (g_j − Σ g_i y_i); the code has g_j − Σ g_i y_i.",
            "dp - (dp * q).sum(axis=1, keepdims=True)",
        ),
        (
            "softmax_factor_missing@mse",
            "the factor y in front is missing in softmax's derivative for the squared error",
            "∂L/∂z_j is y_j (g_j − Σ g_i y_i); the code has g_j − Σ g_i y_i.",
            f"(dp - (dp * q).sum(axis=1, keepdims=True) if {MSE} else RIGHT)",
        ),
        (
            "softmax_sum_unweighted",
            "the sum in softmax's derivative lacks its factor y",
            "∂L/∂z_j is y_j (g_j − Σ g_i y_i); the code sums g_i without y_i.",
            "q * (dp - dp.sum(axis=1, keepdims=True))",
        ),
        (
            "softmax_sum_without_factor",
            "the sum in softmax's derivative is not multiplied by y_j",
            "∂L/∂z_j is y_j g_j − y_j Σ g_i y_i; the code subtracts Σ g_i y_i from every class "
            "alike.",
            "q * dp - (q * dp).sum(axis=1, keepdims=True)",
        ),
        (
            "identity_for_diagonal",
            "softmax's Jacobian is I − y yᵀ in place of diag(y) − y yᵀ",
            "On the diagonal of softmax's Jacobian stands y_i − y_i², not 1 − y_i².",
            "dp - q * (dp * q).sum(axis=1, keepdims=True)",
        ),
    ):
        yield Variation(kind, title, sentence, FIRST_SUM, {"dq": rule}, often=2)
    yield Variation(
        "slope_of_softmax",
        "φ′ of the last layer is taken from the softmax's output",
        "The slope of the last layer belongs to its own output; the softmax was made in the same "
        "array (in place), or is taken for it.",
        "Print the last layer's kept output before and after the softmax. Is it the same array?",
        {f"s{last}": f"(phi_slope(act{last}, q, q) if softmax else RIGHT)"},
    )


def _losses(net: Dense) -> Iterator[Variation]:
    alone = "Change the loss in the call. For which one does the gradient fit the loss?"
    for kind, title, sentence, changes in (
        (
            "no_mean@mse",
            "the gradient of the squared error is not divided by N",
            "The squared error is a mean over the cases and its gradient that of their sum; the "
            "cross-entropy has its 1/N.",
            {"dp": f"(RIGHT * N if {MSE} else RIGHT)"},
        ),
        (
            "no_mean@cross_entropy",
            "the gradient of the cross-entropy is not divided by N",
            "The cross-entropy is a mean over the cases and its gradient that of their sum; the "
            "squared error has its 1/N.",
            {"dp": f"(RIGHT * N if {CROSS} else RIGHT)"},
        ),
        (
            "squared_sign",
            "the sign of the squared error's derivative is turned round",
            "The derivative of (y − t)² by y is 2 (y − t), not 2 (t − y).",
            {"squared_slope": "-RIGHT"},
        ),
        (
            "mse_summed_in_loss",
            "the squared error is summed over the outputs, its derivative is that of a mean",
            "The loss adds up the outputs' squares, while the derivative divides by their number.",
            {"squared": "RIGHT * error.shape[1]"},
        ),
        (
            "mse_halved_in_loss",
            "the squared error has a factor ½ that its derivative does not have",
            "The derivative of ½ (y − t)² is y − t; the code has 2 (y − t).",
            {"squared": "RIGHT / 2"},
        ),
        (
            "cross_entropy_mean_in_loss",
            "the cross-entropy is a mean over the outputs too, its derivative is not",
            "The loss divides by cases and outputs (np.mean of all numbers), the derivative by "
            "the cases alone.",
            {"crossed": "RIGHT / p.shape[1]"},
        ),
    ):
        yield Variation(kind, title, sentence, alone, changes, often=2)
    if net.layers == 1:
        return
    yield Variation(
        "mean_in_every_layer",
        "δ is divided by N in every layer",
        "The derivative of the loss has its 1/N, and every layer divides its δ by N once more: "
        "N² in the last layer, N³ in the one below.",
        "Which of the lines of your backward pass belongs to the mean in the loss?",
        {f"d{k}": "RIGHT / N" for k in range(1, net.layers + 1)},
        often=2,
    )


def _functions(net: Dense) -> Iterator[Variation]:
    for kind, sigmoid, tanh, title, sentence in (
        (
            "formula_at_z",
            "z{k} * (1 - z{k})",
            "1 - z{k}**2",
            "the formulas a (1 − a) and 1 − a² are used with z in place of a",
            "The short formulas of the slopes are in terms of the output a = φ(z); the code puts "
            "z in, for the sigmoid and for tanh.",
        ),
        (
            "slope_at_a",
            "sigmoid(a{k}) * (1 - sigmoid(a{k}))",
            "1 - np.tanh(a{k})**2",
            "the slopes of sigmoid and tanh are taken at a, not at z",
            "The function is applied once more to its own output before the slope is taken.",
        ),
    ):
        yield Variation(
            kind,
            title,
            sentence,
            "Compare your derivatives with (φ(z + h) − φ(z − h)) / 2h at a few z.",
            {
                f"s{k}": f"({sigmoid.format(k=k)} if act{k} == 'sigmoid' else "
                f"{tanh.format(k=k)} if act{k} == 'tanh' else RIGHT)"
                for k in range(1, net.layers + 1)
            },
            often=2,
        )


def _penalties(net: Dense) -> Iterator[Variation]:
    every = range(1, net.layers + 1)
    l1, l2 = "wrt == 'L1'", "wrt == 'L2'"
    for kind, title, sentence, changes in (
        (
            "l1_matrix_norm",
            "L1's penalty is a matrix norm, not Σ|w|",
            "np.linalg.norm(W, 1) of a matrix is its largest column sum; the penalty is the sum "
            "of all |w|.",
            {f"size_W{k}": f"(np.abs(W{k}).sum(axis=0).max() if {l1} else RIGHT)" for k in every},
        ),
        (
            "l1_not_in_loss",
            "L1's penalty is in the gradients, but not in the loss",
            "With L2 the loss has its penalty, with L1 it has none, while the gradients have "
            "c·sign(w).",
            {"penalty": f"(0.0 if {l1} else RIGHT)"},
        ),
        (
            "l2_not_in_loss",
            "L2's penalty is in the gradients, but not in the loss",
            "With L1 the loss has its penalty, with L2 it has none, while the gradients have c·w.",
            {"penalty": f"(0.0 if {l2} else RIGHT)"},
        ),
        (
            "penalty_of_gradient",
            "the penalty's derivative is taken of the gradient, not of the weights",
            "c·sign and c· are applied to ∂L/∂W; they belong to W itself.",
            {
                f"dW{k}_penalty": f"(reg * dW{k}_data if {l2} else reg * np.sign(dW{k}_data) "
                f"if {l1} else RIGHT)"
                for k in every
            },
        ),
        (
            "rate_squared_in_loss",
            "the rate c is multiplied in twice in the loss",
            "The penalty of the loss has c², its derivative c.",
            {"penalty": "RIGHT * reg"},
        ),
    ):
        yield Variation(
            kind, title, sentence, "Set W = 2 in one weight and 0 elsewhere, and c = 0.1.", changes
        )


def _of_one_penalty(net: Dense) -> Iterator[Variation]:
    """Bugs in the gradient of L1 alone, or of L2 alone."""
    every = range(1, net.layers + 1)
    for wrt in ("L1", "L2"):
        other = "L2" if wrt == "L1" else "L1"
        yield from at_layers(
            every,
            f"penalty_not_in_gradient@{wrt}",
            wrt + "'s penalty is missing in ∂L/∂W of {layer}",
            f"With {other} the gradient has the penalty's term, with {wrt} it has none, while the "
            "loss has its penalty.",
            "Set the targets so that the data's gradient is 0. What is left of ∂L/∂W?",
            ruled("dW{k}_penalty", f"(np.zeros_like(W{{k}}) if wrt == '{wrt}' else RIGHT)"),
        )
        yield from at_layers(
            every,
            f"penalty_on_biases_in_gradient@{wrt}",
            wrt + "'s penalty is in ∂L/∂b of {layer}, but not in the loss",
            "The gradient of the biases has a term of the penalty, while the loss penalises the "
            "weights alone.",
            "Change b of that layer. Does the penalty of your loss change?",
            ruled(
                "db{k}_penalty", f"(({penalty_slope(net, 'b{k}')}) if wrt == '{wrt}' else RIGHT)"
            ),
        )
        for kind, rule, words, sentence in (
            (
                "penalty_sign",
                "-RIGHT",
                "has the wrong sign",
                "It is subtracted; it must be added.",
            ),
            (
                "penalty_over_N_in_gradient",
                "RIGHT / N",
                "is divided by N in the gradients",
                "It does not depend on the cases and is added after the mean.",
            ),
            (
                "penalty_times_N",
                "RIGHT * N",
                "is added once for each case in the gradients",
                "It does not depend on the cases and is added once.",
            ),
        ):
            yield Variation(
                f"{kind}@{wrt}",
                f"the derivative of {wrt}'s penalty {words}",
                f"{sentence} With {other} it is right.",
                "Take each case twice. Should the penalty's part of the gradient change?",
                {f"dW{k}_penalty": f"({rule} if wrt == '{wrt}' else RIGHT)" for k in every},
            )


def _choices(net: Dense) -> Iterator[Variation]:
    """A choice that is not followed, or that of another layer."""
    last, every = net.layers, range(1, net.layers + 1)
    yield Variation(
        "softmax_in_every_network",
        "the output goes through softmax also where none is asked for",
        "The choice softmax = False has no effect on the forward pass.",
        "Run a regression: can an output be larger than 1?",
        {"p": "q"},
    )
    yield Variation(
        "linear_before_softmax",
        "the last layer's activation is left out where a softmax follows",
        "The last layer's own activation comes first, and its outputs go into the softmax.",
        "Which array goes into your softmax: z of the last layer or its output?",
        {
            f"a{last}": f"(z{last} if softmax else RIGHT)",
            f"s{last}": f"(np.ones_like(z{last}) if softmax else RIGHT)",
        },
    )
    yield Variation(
        "error_is_slope",
        "the derivative of the mean squared error is taken as y − t",
        "The mean over the outputs of (y − t)² has the derivative 2 (y − t) over their number.",
        "How far off are the numbers: by the same factor everywhere?",
        {"squared_slope": "error"},
    )
    if net.layers == 1:
        return
    for kind, title, other in (
        ("activations_reversed", "the activations are given to the layers in reverse order", 0),
        ("activation_of_layer_below", "a layer has the activation of the one below", -1),
        ("activation_of_layer_above", "a layer has the activation of the one above", 1),
    ):
        acts = {k: last + 1 - k if not other else min(max(k + other, 1), last) for k in every}
        yield Variation(
            kind,
            title,
            "An index into the list of activations is off, on the way forward and back.",
            "Print for each layer its number and its activation.",
            {f"a{k}": f"phi(act{acts[k]}, z{k})" for k in every}
            | {f"s{k}": f"phi_slope(act{acts[k]}, z{k}, a{k})" for k in every},
        )
        yield Variation(
            f"{kind}@slope",
            title + ", on the way back alone",
            "An index into the list of activations is off in the backward pass.",
            "Print for each layer its number and the activation whose derivative is used.",
            {f"s{k}": f"phi_slope(act{acts[k]}, z{k}, a{k})" for k in every},
        )

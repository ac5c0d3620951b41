"""What goes wrong in the backward pass of a dense network."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import Dense
from chainrule.marking.programs.dense_factors import factor_bugs
from chainrule.marking.programs.dense_given import given_bugs
from chainrule.marking.programs.dense_gradients import gradient_bugs
from chainrule.marking.programs.dense_slopes import slope_bugs
from chainrule.marking.programs.places import at_layers


def backward_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs from the loss back to the gradients of the parameters."""
    yield from _means(net)
    yield from _beginnings(net)
    if net.is_given:
        yield from given_bugs(net)
    yield from slope_bugs(net)
    yield from gradient_bugs(net)
    yield from factor_bugs(net)


def _start(net: Dense) -> str:
    """The line that has the 1/N of the mean."""
    return f"d{net.layers}" if net.is_fused else "dp"


def _means(net: Dense) -> Iterator[Variation]:
    yield from _means_left_out(net)
    yield from _means_again(net)


def _means_left_out(net: Dense) -> Iterator[Variation]:
    """1/N: missing, or there twice."""
    start, every = _start(net), range(1, net.layers + 1)
    if not net.summed:
        yield Variation(
            "no_mean",
            "the gradient is not divided by N",
            "The loss is the mean over the N cases, but δ of the output is not divided by N, so "
            "every gradient (without its penalty) is N times too large.",
            "Compare the gradient of one case with that of the same case taken twice.",
            {start: "RIGHT * N"},
            often=4,
        )
        yield from at_layers(
            every,
            "no_mean@dW",
            "1/N is missing in ∂L/∂W of {layer}",
            "The data part of ∂L/∂W of {layer} is N times too large: the loss is a mean over the "
            "cases, and its 1/N does not reach this array, while others have it.",
            "Take each case twice. Which of your arrays change, and should they?",
            lambda k: {f"dW{k}_data": "RIGHT * N"},
            often=2,
        )
        yield from at_layers(
            every,
            "no_mean@db",
            "1/N is missing in ∂L/∂b of {layer}",
            "∂L/∂b of {layer} is N times too large: the loss is a mean over the cases, and its "
            "1/N does not reach this array, while others have it.",
            "Take each case twice. Which of your arrays change, and should they?",
            lambda k: {f"db{k}_data": "RIGHT * N"},
            often=2,
        )
    yield Variation(
        "mean_twice",
        "the gradient is divided by N twice",
        "δ of the output is divided by N, and then by N once more. The loss is a mean over the "
        "cases: 1/N enters once.",
        "Compare the gradient of one case with that of the same case ten times over.",
        {start: "RIGHT / N"},
        often=2,
    )
    yield from at_layers(
        range(1, net.layers),
        "mean_twice@d",
        "1/N enters once more in δ of {layer}",
        "δ of {layer} is divided by N although the δ that it is made of has its 1/N already. 1/N "
        "enters once, where the loss begins; after that it is passed on with δ.",
        "Which of the lines of your backward pass belongs to the mean in the loss?",
        lambda k: {f"d{k}": "RIGHT / N"},
        often=2,
    )


def _means_again(net: Dense) -> Iterator[Variation]:
    """A mean where a sum belongs, or over another axis."""
    start, every = _start(net), range(1, net.layers + 1)
    yield from at_layers(
        every,
        "averaged_again",
        "∂L/∂W of {layer} is divided by N twice",
        "δ carries 1/N from the loss; the product of the inputs and δ is a sum over the cases, "
        "and in {layer} it is divided by N once more.",
        "Compare the gradient of one case with that of the same case ten times over.",
        lambda k: {f"dW{k}_data": "RIGHT / N"},
        often=2,
    )
    yield from at_layers(
        every,
        "bias_averaged",
        "∂L/∂b of {layer} is a mean where it is a sum",
        "δ already has the 1/N of the mean loss; ∂L/∂b of {layer} is its sum over the cases, and "
        "the code takes the mean, which divides by N once more.",
        "Think of b as a weight on an input that is always 1. What would xᵀδ give?",
        lambda k: {f"db{k}_data": "RIGHT / N"},
        often=4,
    )
    rule = {start: "RIGHT * N / X.shape[1]"}
    yield Variation(
        "gradient_over_features",
        "the gradient is divided by the number of features, not of cases",
        "1/N in the backward pass is taken with X.shape[1]; the number of cases is X.shape[0] "
        "where a row is a case.",
        "Print the N of your backward pass for 5 cases of 4 features.",
        rule,
    )
    yield Variation(
        "gradient_over_classes",
        "the gradient is divided by the number of classes as well",
        "δ of the output is divided by all N·C numbers; the mean is over the cases alone.",
        "How many numbers does the mean in your loss divide by?",
        {start: "RIGHT / p.shape[1]"}
        if net.is_fused
        else {start: net.where("kind == 'cross_entropy'", "RIGHT / p.shape[1]")},
    )


def _beginnings(net: Dense) -> Iterator[Variation]:
    start = _start(net)
    yield Variation(
        "wrong_sign",
        "the sign of the gradient is turned round",
        "δ of the output is target − output; the derivative of the loss is output − target, and "
        "the update subtracts it. All gradients have the wrong sign and training goes uphill.",
        "Take one small step along your gradient. Which way does the loss go?",
        {start: "-RIGHT"},
        often=3,
    )
    if not net.is_fused:
        return
    yield from _targets_left_out()
    yield from _softmax_once_more(net)
    yield from _targets(net)
    yield from _other_deltas(net)


def _targets_left_out() -> Iterator[Variation]:
    """The target that is subtracted from the output."""
    yield Variation(
        "target_left_out",
        "the 1 of the right class is not subtracted in δ of the output",
        "δ of the output is p / N for every class; at the class y it is (p − 1) / N.",
        "Which δ does a case have whose prediction is perfect?",
        {"error": "p"},
    )
    yield Variation(
        "one_from_every_class",
        "1 is subtracted from every class, not from the right one",
        "δ of the output is (p − 1) / N everywhere; the 1 belongs to the class y of each case "
        "alone: the target is 0 for the others.",
        "Add δ of one case over the classes. What must come out?",
        {"error": "p - 1"},
        often=2,
    )
    yield Variation(
        "labels_of_every_case",
        "1 is subtracted at the classes of all cases",
        "p[:, y] −= 1 takes, for every case, the columns of all labels in the batch; each case "
        "has one label, p[np.arange(N), y].",
        "Look at δ of the first case. At how many classes is it negative?",
        {"error": "p - (t.max(axis=0) > 0)"},
        often=2,
    )


def _softmax_once_more(net: Dense) -> Iterator[Variation]:
    """Softmax's slope in the δ of the output, where p − t has it already."""
    last = f"d{net.layers}"
    yield Variation(
        "diagonal_softmax",
        "softmax's Jacobian is taken as its diagonal",
        "Only ∂p_i/∂z_i = p_i (1 − p_i) is used, so that δ is 0 but at the right class. Every "
        "class's probability depends on every z: ∂p_i/∂z_j = −p_i p_j for i ≠ j, which gives p − "
        "t in the end.",
        "Add δ of one case over the classes. What must come out, and why?",
        {last: "-t * (1 - p) / N"},
        often=2,
    )
    yield Variation(
        "softmax_slope_again",
        "δ of the output is multiplied by p (1 − p) besides",
        "p − t is already the derivative by z: the softmax and the logarithm are in it. Another "
        "factor p (1 − p) counts the softmax twice.",
        "Differentiate −log p_y by z on paper. Where does p (1 − p) cancel?",
        {"error": "RIGHT * p * (1 - p)"},
        often=2,
    )
    yield Variation(
        "slope_of_log_alone",
        "δ of the output is −t/p: softmax is left out on the way back",
        "−t/p is the derivative by the probabilities; δ is the derivative by z, so softmax's "
        "Jacobian comes between them.",
        "By which variable is your first gradient the derivative?",
        {"error": "-t / p"},
    )
    yield Variation(
        "jacobian_transposed",
        "the Jacobian of log-softmax is transposed",
        "∂log p_i/∂z_j is δ_ij − p_j: the sum over i subtracts p_j times the sum of what comes "
        "in. The transposed one subtracts the same number, Σ p_i g_i, from every class.",
        "Add δ of one case over the classes. What must come out, and why?",
        {"error": "-t + (t * p).sum(axis=1, keepdims=True)"},
    )


def _targets(net: Dense) -> Iterator[Variation]:
    """Another target in the place of the right one."""
    last = f"d{net.layers}"
    for kind, rule, words in (
        ("mean_of_p_alone", "p / N - t", "p/N − t: the target is not divided by N"),
        ("mean_of_t_alone", "p - t / N", "p − t/N: the probability is not divided by N"),
        ("t_over_N_again", "(p - t / N) / N", "(p − t/N)/N: the target is divided by N twice"),
        ("p_over_N_again", "(p / N - t) / N", "(p/N − t)/N: the probability is divided twice"),
    ):
        yield Variation(
            kind,
            f"δ of the output is {words}",
            "The difference p − t belongs together and is divided by N once: (p − t)/N.",
            "Which δ does a case have whose prediction is perfect?",
            {last: rule},
            often=2,
        )


def _other_deltas(net: Dense) -> Iterator[Variation]:
    """Another array in the place of p − t."""
    for kind, rule, title, sentence in (
        (
            "predicted_for_target",
            "p - (p == p.max(axis=1, keepdims=True))",
            "δ of the output takes the predicted class for the right one",
            "1 is subtracted at the most probable class; it belongs to the class y.",
        ),
        (
            "error_squared",
            "(p - t)**2",
            "δ of the output is (p − t)², not p − t",
            "The derivative of the cross-entropy by z is p − t.",
        ),
        (
            "mask_on_output",
            f"(p - t) * (z{net.layers} > 0)",
            "relu's mask is put on δ of the output as well",
            "The last layer has no relu: its scores may be negative, and their δ counts.",
        ),
    ):
        yield Variation(
            kind,
            title,
            sentence,
            "Add δ of one case over the classes. What must come out, and why?",
            {"error": rule},
        )
    yield Variation(
        "doubled_error",
        "δ of the output has a factor 2 that belongs to squared errors",
        "δ is 2 (p − t) / N; with cross-entropy and softmax it is (p − t) / N.",
        "Which loss has the derivative 2 (p − t)?",
        {"error": "2 * RIGHT"},
    )
    yield Variation(
        "scores_in_delta",
        "δ of the output is made of the scores, not of the probabilities",
        "z − t is used where p − t belongs; p is softmax(z).",
        "Which δ does a case have whose prediction is perfect?",
        {"error": f"{'a' if net.has_bent_output else 'z'}{net.layers} - t"},
    )
    if not net.one_hot:
        yield Variation(
            "labels_shifted_in_delta",
            "the labels are off by one in δ of the output",
            "The 1 is subtracted at the class y − 1; the labels count from 0, as the columns do.",
            "At which class of the first case is δ negative?",
            {"error": "p - np.eye(p.shape[1])[y - 1]"},
        )
        yield Variation(
            "labels_shifted_up_in_delta",
            "the labels are off by one, upwards, in δ of the output",
            "The 1 is subtracted at the class y + 1; the labels count from 0, as the columns do.",
            "At which class of the first case is δ negative?",
            {"error": "p - np.eye(p.shape[1])[(y + 1) % p.shape[1]]"},
        )
        yield Variation(
            "minus_one_at_the_label",
            "δ of the output is −1 at the right class, in place of p − 1",
            "−1 is assigned at the class y where 1 is to be subtracted from p (= for −=).",
            "Which δ does a case have whose prediction is perfect?",
            {"error": "np.where(t > 0, -1.0, p)"},
        )

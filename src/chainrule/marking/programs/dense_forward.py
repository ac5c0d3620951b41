"""What goes wrong in the forward pass and the loss of a dense network."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import ACTIVATIONS, Dense
from chainrule.marking.programs.places import at_layers


def forward_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs on the way to the output."""
    yield from _sums(net)
    yield from _activations(net)
    yield from _softmax(net)
    yield from _returned(net)
    yield from _predictions()


def _sums(net: Dense) -> Iterator[Variation]:
    every = range(1, net.layers + 1)
    yield from at_layers(
        every,
        "bias_left_out",
        "b is not added in {layer}",
        "z of {layer} is x·W alone; it should be x·W + b. The bias then cannot change the output, "
        "and its gradient belongs to a loss in which it does not occur.",
        "Change one bias by 1 and run the forward pass. What should happen to z?",
        lambda k: {f"z{k}": f"xW{k}"},
    )
    yield from at_layers(
        every,
        "bias_twice",
        "b is added twice in {layer}",
        "z of {layer} is x·W + 2b: the bias is added once with the product and once again.",
        "Set W to 0. Which z do you expect, and which do you get?",
        lambda k: {f"z{k}": f"xW{k} + 2 * b{k}"},
    )
    yield from at_layers(
        every,
        "bias_for_each_input",
        "b is added once for each input in {layer}",
        "In the loop over the inputs the bias is added together with each x·w, so that z of "
        "{layer} has b as often as there are inputs; it belongs to z once.",
        "Set W to 0 and b to 1. Which z do you get?",
        lambda k: {f"z{k}": f"xW{k} + W{k}.shape[0] * b{k}"},
    )
    yield from at_layers(
        every,
        "bias_subtracted",
        "b is subtracted in {layer}",
        "z of {layer} is x·W − b; the layer is defined as x·W + b.",
        "Set W to 0 and b to 1. Which z do you get?",
        lambda k: {f"z{k}": f"xW{k} - b{k}"},
    )
    yield from at_layers(
        every,
        "untransposed",
        "W is transposed in the forward pass of {layer}",
        "In {layer} x·Wᵀ is computed (or W·x in the other layout); where W is square no shape "
        "complains, but unit j then gets the weights of another unit.",
        "Take a square W with a single entry that is not 0. Which output should it reach?",
        lambda k: {f"xW{k}": f"a{k - 1} @ W{k}.T"},
    )


def _after_activation(net: Dense, k: int) -> str:
    """φ of x·W alone, to which b is added."""
    return "(" + net.value(k).replace(f"z{k}", f"xW{k}") + f") + b{k}"


def _activations(net: Dense) -> Iterator[Variation]:
    bent = [k for k in net.bent if net.is_given or net.activations[k - 1] != "linear"]
    yield from at_layers(
        bent,
        "bias_after_activation",
        "b is added after the activation in {layer}",
        "The output of {layer} is φ(x·W) + b; the layer is φ(x·W + b).",
        "Set x to 0 and b to −1. What does relu make of it?",
        lambda k: {f"a{k}": _after_activation(net, k)},
    )
    yield from at_layers(
        bent,
        "no_activation",
        "the activation is left out in {layer}",
        "In {layer} z is passed on as the output. Without φ between them, two layers are one "
        "linear layer.",
        "Print a hidden output. Could your activation have given these numbers?",
        lambda k: {f"a{k}": f"z{k}"},
    )
    for act in ACTIVATIONS[:3]:
        for other, says in _others(act):
            changes = {
                f"a{k}": form.format(says.format(z=f"z{k}"))
                for k, form in net.with_activation(act)
            }
            if changes:
                yield Variation(
                    f"{other}_for_{act}",
                    f"{_ARTICLES.get(other, other)} is computed where {act} is asked for",
                    f"The hidden output has the values of {_ARTICLES.get(other, other)}; "
                    f"{act} is {_FORMULAS[act]}.",
                    "Put −2, 0 and 2 into your function, and into the formula by hand.",
                    changes,
                )
    if not net.is_given and net.activations[-1] == "linear":
        last = net.layers
        acts = {act for act in net.activations[:-1] if act != "linear"}
        for act in sorted(acts):
            rule = (
                f"np.tanh(xW{last} + b{last})" if act == "tanh" else f"{act}(xW{last} + b{last})"
            )
            yield Variation(
                "activation_on_scores",
                f"{act} is applied to the scores of the last layer too",
                f"The last layer's z goes through {act} before the loss. The scores must be free "
                "to take any value, negative ones too.",
                "Which layers have an activation in the text's equations?",
                {f"z{last}": rule},
            )


_FORMULAS = {"relu": "max(0, z)", "sigmoid": "1 / (1 + e^−z)", "tanh": "(e^z − e^−z)/(e^z + e^−z)"}
_ARTICLES = {
    "capped": "relu cut off at 1",
    "leaky": "a leaky relu (slope 0.01 below 0)",
    "absolute": "|z|",
    "min": "min(0, z)",
    "flipped": "the sigmoid of −z",
    "tanh_of_half": "tanh of z/2",
    "step": "a step (0 or 1)",
}


def _others(act: str) -> list[tuple[str, str]]:
    """What is computed in place of an activation, and its formula."""
    known = {
        "relu": "relu({z})",
        "sigmoid": "sigmoid({z})",
        "tanh": "np.tanh({z})",
    }
    more = {
        "relu": [
            ("capped", "np.clip({z}, 0, 1)"),
            ("leaky", "np.where({z} > 0, {z}, 0.01 * {z})"),
            ("absolute", "np.abs({z})"),
            ("min", "np.minimum(0, {z})"),
            ("step", "np.where({z} > 0, 1.0, 0.0)"),
        ],
        "sigmoid": [("flipped", "sigmoid(-{z})")],
        "tanh": [("tanh_of_half", "np.tanh({z} / 2)")],
    }
    return [(name, rule) for name, rule in known.items() if name != act] + more[act]


def _softmax(net: Dense) -> Iterator[Variation]:
    if not net.is_given and net.loss != "cross_entropy":
        return
    yield from _sums_of_softmax(net)
    yield from _outputs_of_softmax(net)


def _sums_of_softmax(net: Dense) -> Iterator[Variation]:
    """The sum and the shift of the softmax."""
    last = f"a{net.layers}" if net.has_bent_output else f"z{net.layers}"
    yield Variation(
        "softmax_over_cases",
        "softmax's sum runs over the cases, not over the classes",
        "e^z is divided by its sum down each column (axis 0), so the numbers of a class add up to "
        "1 over the batch. The probabilities of one case must add up to 1: sum along axis 1 for "
        "rows of cases.",
        "Add the probabilities of the first case. What do you get?",
        {"total": "e.sum(axis=0, keepdims=True)"},
        often=2,
    )
    yield Variation(
        "softmax_over_all",
        "softmax's sum runs over the whole batch",
        "e^z is divided by the sum over all cases and classes; each case needs a sum of its own.",
        "Add the probabilities of the first case. What do you get?",
        {"total": "e.sum()"},
        often=2,
    )
    yield Variation(
        "softmax_running_sum",
        "softmax divides by a running sum (cumsum), not by the sum",
        "e^z of each class is divided by the sum up to that class; every class is to be divided "
        "by the same sum, that over all classes.",
        "Add the probabilities of the first case. What do you get?",
        {"total": "np.cumsum(e, axis=1)"},
    )
    yield Variation(
        "softmax_shift_over_cases",
        "softmax is shifted by the maximum of each class over the cases",
        "Subtracting the same number from all logits of one case leaves softmax as it is. Here "
        "each class gets another number (the maximum along axis 0), which changes the result.",
        "Which numbers may be subtracted from the logits without changing the probabilities?",
        {"shifted": f"{last} - {last}.max(axis=0, keepdims=True)"},
    )
    yield Variation(
        "sum_not_shifted",
        "softmax's sum is of other exponentials than its numerator",
        "The maximum is subtracted in the numerator alone: e^(z − max z) is divided by Σ e^z.",
        "Add the probabilities of the first case. What do you get?",
        {"total": f"np.exp({last}).sum(axis=1, keepdims=True)"},
    )


def _outputs_of_softmax(net: Dense) -> Iterator[Variation]:
    """What is handed on in the place of the softmax."""
    last = f"a{net.layers}" if net.has_bent_output else f"z{net.layers}"
    yield Variation(
        "softmax_not_divided",
        "softmax is not divided by its sum",
        "The output is e^z; softmax divides it by Σ e^z over the classes, so that the "
        "probabilities of a case add up to 1.",
        "Add the probabilities of the first case. What do you get?",
        {"total": "1.0"},
    )
    yield Variation(
        "softmax_left_out",
        "the scores are returned without softmax",
        "The output is z of the last layer. The model's output is softmax(z): numbers between 0 "
        "and 1 that add up to 1 in each case.",
        "Can a probability be negative?",
        {"p": net.where("softmax", last)},
    )
    yield Variation(
        "sigmoid_for_softmax",
        "the output is the sigmoid of each score, not softmax",
        "1 / (1 + e^−z) is taken of every score on its own; softmax divides e^z by the sum over "
        "all classes of the case.",
        "Add the probabilities of the first case. What do you get?",
        {"p": net.where("softmax", f"sigmoid({last})")},
    )


def _returned(net: Dense) -> Iterator[Variation]:
    if net.is_given or net.loss != "cross_entropy":
        return
    yield Variation(
        "log_probabilities",
        "logarithms of the probabilities are returned",
        "log p is returned where p is asked for.",
        "Can a probability be negative?",
        {"probabilities": "np.log(p)"},
    )
    yield Variation(
        "outputs_swapped",
        "scores and probabilities are returned in the wrong order",
        "The probabilities come first and the scores second; asked for is (scores, "
        "probabilities).",
        "Which of the two returned arrays has rows that add up to 1?",
        {"scores": "p", "probabilities": f"z{net.layers}"},
    )
    yield Variation(
        "delta_in_kept_output",
        "the backward pass changes the probabilities that are kept",
        "p −= t is made in the array that the forward pass keeps; a later call on the same cases "
        "returns (p − t)/N as probabilities. Copy before changing: p.copy().",
        "Call loss(X), then loss(X, y), then loss(X) again. Does the third equal the first?",
        {"p_again": "(p - t) / N"},
    )
    yield Variation(
        "delta_in_kept_output_undivided",
        "the backward pass changes the probabilities that are kept",
        "p −= t is made in the array that the forward pass keeps; a later call on the same cases "
        "returns p − t as probabilities. Copy before changing: p.copy().",
        "Call loss(X), then loss(X, y), then loss(X) again. Does the third equal the first?",
        {"p_again": "p - t"},
    )


def _predictions() -> Iterator[Variation]:
    yield Variation(
        "predicted_over_cases",
        "predict takes the largest over the cases, not over the classes",
        "argmax runs down the columns (axis 0), which gives one case for each class; wanted is "
        "one class for each case: axis 1 for rows of cases.",
        "How many numbers should predict return for 5 cases?",
        {"predicted": "np.argmax(p, axis=0)"},
    )
    yield Variation(
        "largest_probability",
        "predict returns the largest probability, not its class",
        "max gives the number, argmax its place; wanted is the class.",
        "Are the numbers that predict returns class numbers?",
        {"predicted": "p.max(axis=1)"},
    )
    yield Variation(
        "least_probable",
        "predict returns the least probable class",
        "The class with the smallest probability is taken; wanted is the one with the largest.",
        "Which class would you bet on?",
        {"predicted": "np.argmin(p, axis=1)"},
    )
    yield Variation(
        "predicted_from_one",
        "predict counts the classes from 1",
        "The class numbers are those of the labels y, which start at 0.",
        "Which class number does your function give for a case that is surely of the first class?",
        {"predicted": "RIGHT + 1"},
    )


def loss_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs in the loss alone; the gradients are those of the right one."""
    yield from _reductions(net)
    yield from _targets(net)
    yield from _cases_lost(net)
    if net.is_given or net.loss == "cross_entropy":
        yield from _logarithms(net)
    if net.is_given or net.loss == "mse":
        yield from _squares(net)


def _reductions(net: Dense) -> Iterator[Variation]:
    yield Variation(
        "loss_summed",
        "the loss is summed over the cases, while its gradient is that of the mean",
        "The loss is the sum over the cases where the mean is asked for; it grows with the batch. "
        "The gradients have their 1/N, so they are not those of this loss.",
        "Compute the loss of one case, and of the same case five times over.",
        {"data_loss": "RIGHT * N"},
        often=2,
    )
    yield Variation(
        "loss_mean_twice",
        "the loss is divided by N twice",
        "The loss is a mean over the cases already and is divided by N once more.",
        "Compute the loss of one case, and of the same case five times over.",
        {"data_loss": "RIGHT / N"},
    )
    yield Variation(
        "loss_over_classes",
        "the loss is divided by the number of classes as well",
        "The mean runs over all N·C numbers (np.mean of an array with a row a case and a column a "
        "class). The loss of a case is a sum over its classes, and the mean is over cases.",
        "How many numbers does your mean divide by?",
        {"data_loss": "RIGHT / p.shape[1]"},
        often=2,
    )
    yield Variation(
        "loss_over_features",
        "the loss is divided by the number of features, not of cases",
        "1/N is taken with X.shape[1]; the number of cases is X.shape[0] where a row is a case.",
        "Print the N of your loss for 5 cases of 4 features.",
        {"data_loss": "RIGHT * N / X.shape[1]"},
    )
    yield Variation(
        "wrong_N",
        "N is the number of features, not of cases",
        "Loss and gradients are divided by X.shape[1]; the number of cases is X.shape[0] where a "
        "row is a case.",
        "Print N for 5 cases of 4 features.",
        {"N": "X.shape[1]"},
    )
    yield Variation(
        "N_is_classes",
        "N is the number of classes, not of cases",
        "Loss and gradients are divided by the number of outputs; a mean over the cases is "
        "divided by their number.",
        "Print N for 5 cases of 3 classes.",
        {"N": f"W{net.layers}.shape[1]"},
    )
    yield Variation(
        "loss_of_one_case",
        "the loss is that of the last case alone",
        "The loss is assigned in a loop over the cases, so that only the last one remains; the "
        "cases' losses must be added up.",
        "Change a case other than the last. Does the loss follow?",
        {"data_loss": ("crossed" if _crosses(net) else "squared") + "[-1]"}
        if not net.is_given
        else {"data_loss": "(crossed if kind == 'cross_entropy' else squared)[-1]"},
    )


def _crosses(net: Dense) -> bool:
    return net.loss == "cross_entropy"


def _targets(net: Dense) -> Iterator[Variation]:
    if net.one_hot:
        return
    yield Variation(
        "column_labels",
        "labels that are a column (N, 1) give another loss",
        "y of shape (N, 1) is not flattened: p[np.arange(N), y] or y == k then broadcasts to N × "
        "N numbers. The loss is right for y of shape (N,) alone; use y.ravel().",
        "Print the shape of what you sum over, for y of shape (5, 1).",
        {"columns": "0.0"},
    )
    classes = "p.shape[1]"
    yield Variation(
        "labels_shifted",
        "the labels are off by one",
        "y − 1 is used as the class number, as if the labels counted from 1; they count from 0, "
        "so class 0 becomes the last class.",
        "Which column of the probabilities belongs to the label 0?",
        {"t": f"np.eye({classes})[y - 1]"},
    )
    yield Variation(
        "labels_shifted_up",
        "the labels are off by one, upwards",
        "y + 1 is used as the class number; the labels count from 0, as the columns do.",
        "Which column of the probabilities belongs to the label 0?",
        {"t": f"np.eye({classes})[(y + 1) % {classes}]"},
    )


def _cases_lost(net: Dense) -> Iterator[Variation]:
    start = f"d{net.layers}" if net.is_fused else "dp"
    loss = "crossed" if net.is_given or net.loss == "cross_entropy" else "squared"
    for kind, title, keep in (
        ("last_case_lost", "the last case is left out", "(np.arange(N) < N - 1)"),
        ("first_case_lost", "the first case is left out", "(np.arange(N) > 0)"),
        (
            "last_chunk_lost",
            "with an odd number of cases the last one is left out",
            "(np.arange(N) < N - N % 2)",
        ),
    ):
        yield Variation(
            kind,
            f"{title}, in the loss and in the gradients",
            "A loop (or a slice) over the cases ends too early or begins too late, while the mean "
            "still divides by all N.",
            "Change one case at a time. For which does the loss stay as it is?",
            {loss: f"RIGHT * {keep}", start: f"RIGHT * {keep}[:, None]"},
        )


def _logarithms(net: Dense) -> Iterator[Variation]:
    yield from _logs(net)
    yield from _classes_in_loss(net)
    yield from _other_losses(net)


def _logs(net: Dense) -> Iterator[Variation]:
    """The logarithm's base, its sign, and what it is taken of."""
    cases = "kind == 'cross_entropy'"
    yield Variation(
        "loss_sign",
        "the minus of the cross-entropy is missing",
        "The loss is Σ t·log p, which is negative and grows as the network gets better; the "
        "cross-entropy is −Σ t·log p.",
        "Which sign has the logarithm of a probability?",
        {"crossed": "-RIGHT"},
        often=2,
    )
    for base, factor in (("2", "np.log(2)"), ("10", "np.log(10)")):
        yield Variation(
            f"log{base}",
            f"the logarithm is taken to the base {base}",
            f"np.log{base} is used in the loss; the cross-entropy has the natural logarithm, "
            f"whose derivative is 1/p.",
            "Which loss do you expect for two equally probable classes?",
            {"crossed": f"RIGHT / {factor}"},
        )
    yield Variation(
        "loss_without_log",
        "the logarithm is missing in the loss",
        "The loss adds up −p of the right class; the cross-entropy is −log p.",
        "Which loss do you expect for a probability of 1?",
        {"crossed": "-(t * p).sum(axis=1)"},
    )
    yield Variation(
        "log_of_mean",
        "the logarithm is taken of the mean probability",
        "The probabilities of the right classes are averaged before the logarithm; the loss is "
        "the mean of −log p over the cases.",
        "Take two cases with p = 1 and p = 0.01. Which loss do you expect?",
        {"data_loss": net.where(cases, "-np.log((t * p).sum(axis=1).mean())")},
    )


def _classes_in_loss(net: Dense) -> Iterator[Variation]:
    """The classes that count in the loss."""
    yield Variation(
        "loss_over_all_classes",
        "the logarithms of all classes are added up, not that of the right class",
        "The loss is −Σ log p over every class; the target, which is 1 at the right class and 0 "
        "elsewhere, must pick one of them.",
        "Does your loss change when the labels change?",
        {"crossed": "-log_p.sum(axis=1)"},
    )
    yield Variation(
        "loss_of_the_predicted",
        "the loss takes the most probable class, not the right one",
        "−log of the largest probability does not depend on the labels; the loss needs the "
        "probability of the class y.",
        "Does your loss change when the labels change?",
        {"crossed": "-log_p.max(axis=1)"},
    )
    binary = "-(t * log_p + (1 - t) * np.log(1 - p)).sum(axis=1)"
    yield Variation(
        "binary_cross_entropy",
        "the loss is the cross-entropy of separate yes/no outputs",
        "−Σ t·log p + (1 − t)·log(1 − p) treats each class as a question of its own. With softmax "
        "the loss is −Σ t·log p alone: that of the right class.",
        "How many terms of the sum are not 0 in the text's formula?",
        {"crossed": binary},
    )
    yield Variation(
        "loss_not_logged_softmax",
        "the loss takes the score of the right class, not the logarithm of its probability",
        "−z of the right class lacks the sum over the other classes: −log p = −z + log Σ e^z.",
        "Add 5 to all scores of a case. Should its loss change?",
        {"crossed": f"-(t * {'a' if net.has_bent_output else 'z'}{net.layers}).sum(axis=1)"},
    )


def _other_losses(net: Dense) -> Iterator[Variation]:
    """Another loss in the place of the cross-entropy."""
    cases = "kind == 'cross_entropy'"
    if not net.one_hot:
        for kind, rule, words in (
            ("all_pairs_in_loss", "-log_p[:, y].sum() / N", "added up over all pairs"),
            ("mean_of_pairs_in_loss", "-log_p[:, y].mean()", "averaged over all pairs"),
        ):
            yield Variation(
                kind,
                f"log p is {words} of a case and a label",
                "p[:, y] takes, for every case, the columns of all labels in the batch: an N × N "
                "array. Each case has one label: p[np.arange(N), y].",
                "Print the shape of what you sum over, for 5 cases.",
                {"data_loss": rule},
            )
    if not net.is_given:
        yield Variation(
            "squared_for_cross_entropy",
            "the loss is a squared error, not the cross-entropy",
            "The loss adds up (p − t)²; asked for is −log p of the right class.",
            "Which loss do you expect for a probability of 1? Of ½?",
            {"crossed": "((p - t)**2).sum(axis=1)"},
        )
    else:
        yield Variation(
            "squared_for_cross_entropy",
            "the squared error is returned where cross-entropy is asked for",
            "The loss does not depend on which loss was chosen.",
            "Follow the name of the loss through your code.",
            {"data_loss": f"(squared.sum() / N if {cases} else RIGHT)"},
        )


def _squares(net: Dense) -> Iterator[Variation]:
    yield Variation(
        "not_squared",
        "the error is not squared",
        "The loss adds up p − t, where errors of opposite signs cancel; asked for is (p − t)².",
        "Can your loss be negative?",
        {"squared": "error.mean(axis=1)"},
    )
    yield Variation(
        "absolute_error",
        "the loss is the absolute error, not the squared one",
        "The loss adds up |p − t|; asked for is (p − t)².",
        "Which loss do you expect for an error of 3?",
        {"squared": "np.abs(error).mean(axis=1)"},
    )
    yield Variation(
        "root_of_squares",
        "the root is taken of the squared error",
        "The root of the sum of squares is returned (a norm); the loss is the sum of squares "
        "itself.",
        "Which loss do you expect for an error of 3 in one output?",
        {"squared": "np.sqrt((error**2).sum(axis=1))"},
    )

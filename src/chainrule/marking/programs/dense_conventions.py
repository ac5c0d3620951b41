"""What courses leave open in a dense network, each choice the same in loss and gradient."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import Dense, penalty_slope, size


def conventions(net: Dense) -> Iterator[Variation]:
    """Every convention, those that exclude each other in one group."""
    yield from _reductions(net)
    yield from _penalties(net)
    yield from _kinks(net)
    yield from _softmax(net)
    yield from _squares(net)
    yield Variation(
        "last_of_equals",
        "of equally probable classes the last is predicted",
        "Where two classes are equally probable, the larger class number is returned; np.argmax "
        "gives the smaller.",
        "",
        {"predicted": "p.shape[1] - 1 - np.argmax(p[:, ::-1], axis=1)"},
        group="ties",
    )


def _every(net: Dense) -> range:
    return range(1, net.layers + 1)


def _reductions(net: Dense) -> Iterator[Variation]:
    start = f"d{net.layers}" if net.is_fused else "dp"
    factor, kind, words = (
        ("/ N", "mean_for_sum", "mean")
        if net.summed
        else (
            "* N",
            "sum_for_mean",
            "sum",
        )
    )
    yield Variation(
        kind,
        f"loss and gradient are those of the {words} over the cases",
        f"The loss is the {words} over the cases and the gradients belong to it.",
        "",
        {"data_loss": f"RIGHT {factor}", start: f"RIGHT {factor}"},
        group="reduction",
    )
    if net.is_given:
        yield Variation(
            "cross_entropy_over_outputs",
            "the cross-entropy is a mean over the outputs as well",
            "Loss and gradient of the cross-entropy are divided by the number of outputs besides.",
            "",
            {"crossed": "RIGHT / p.shape[1]", "crossed_slope": "RIGHT / p.shape[1]"},
            group="cross-entropy",
        )
        yield Variation(
            "binary_cross_entropy_throughout",
            "the cross-entropy is that of separate yes/no outputs",
            "−Σ t·log y + (1 − t)·log(1 − y) is used, in the loss and in its derivative.",
            "",
            {
                "crossed": "-(t * log_p + (1 - t) * np.log(1 - p)).sum(axis=1)",
                "crossed_slope": "(p - t) / (p * (1 - p))",
            },
            group="cross-entropy",
        )


def _penalties(net: Dense) -> Iterator[Variation]:
    if net.penalty == "none" and not net.is_given:
        return

    def scaled(factor: str) -> dict[str, str]:
        rule = net.where("wrt == 'L2'", f"RIGHT {factor}")
        sizes = {f"size_{name}": rule for name in net.parameters}
        return sizes | {f"d{name}_penalty": rule for name in net.parameters}

    if net.is_given or net.penalty == "half_squares":
        kind, factor, formula = "whole_penalty", "* 2", "λΣW² in the loss and 2λW in the gradient"
    else:
        kind, factor, formula = "half_penalty", "/ 2", "½λΣW² in the loss and λW in the gradient"
    yield Variation(
        kind,
        f"the penalty is {formula.split(' in')[0]}",
        f"There is {formula}, which belong together.",
        "",
        scaled(factor),
        group="penalty",
    )
    over_N = dict.fromkeys(("penalty", *(f"d{p}_penalty" for p in net.parameters)), "RIGHT / N")
    yield Variation(
        "penalty_over_N",
        "the penalty is divided by N, in loss and gradient",
        "The penalty is inside the mean over the cases, in the loss and in its gradient alike.",
        "",
        over_N,
        group="penalty over N",
    )
    if not net.biases_penalised:
        yield Variation(
            "penalty_on_biases",
            "the penalty takes the biases as well",
            "Weights and biases are penalised, in the loss and in its gradient alike.",
            "",
            {f"size_b{k}": size(net, f"b{k}") for k in _every(net)}
            | {f"db{k}_penalty": penalty_slope(net, f"b{k}") for k in _every(net)},
            group="penalty on biases",
        )
    if net.is_given:
        yield Variation(
            "loss_without_penalty",
            "the loss is given without the penalty, which the gradients have",
            "The number returned as the loss is the loss of the outputs alone; the penalty is in "
            "the gradients. Both together are the loss that is minimised.",
            "",
            {"penalty": "0.0"},
            group="penalty in the loss",
        )


def _kinks(net: Dense) -> Iterator[Variation]:
    last = net.layers - 1 if net.is_fused else net.layers
    for value, name in ((1, "one"), (0.5, "half")):
        rule = f"np.where(z{{k}} > 0, 1.0, np.where(z{{k}} == 0, {value}, 0.0))"
        changes = {
            f"s{k}": form.format(rule.format(k=k))
            for k, form in net.with_activation("relu")
            if k <= last
        }
        if changes:
            yield Variation(
                f"slope_at_zero@{name}",
                f"relu′(0) is {value}",
                "At 0 relu has no derivative; any number from 0 to 1 may be taken there.",
                "",
                changes,
                group="relu at 0",
            )


def _softmax(net: Dense) -> Iterator[Variation]:
    if not net.is_given and net.loss != "cross_entropy":
        return
    if net.is_given:
        yield _unshifted(f"a{net.layers}")
        yield _unshifted_sum(f"a{net.layers}", "q")
        yield from _epsilons(("-t / (p + {eps})",))
        return
    yield from _shifts(net)
    yield from _logs_of_softmax(net)


def _shifts(net: Dense) -> Iterator[Variation]:
    """How the logits are shifted before e^z is taken."""
    last = f"a{net.layers}" if net.has_bent_output else f"z{net.layers}"
    yield _unshifted(last)
    yield _unshifted_sum(last, "p")
    yield Variation(
        "shift_over_batch",
        "softmax is shifted by the largest logit of the whole batch",
        "One maximum is subtracted from all cases; a case whose logits are all much smaller then "
        "has e^z = 0 everywhere, and 0/0 is nan. Take the maximum of each case: "
        "max(axis=1, keepdims=True).",
        "Put a case with logits around 0 beside one with logits around 1000.",
        {"shifted": f"{last} - {last}.max()"},
        group="shift of softmax",
    )
    yield Variation(
        "shift_over_batch@log_sum",
        "log Σ e^z is shifted by the largest logit of the whole batch",
        "One maximum is subtracted from all cases; a case whose logits are all much smaller then "
        "has Σ e^z = 0, and the logarithm of 0. Take the maximum of each case: "
        "max(axis=1, keepdims=True).",
        "Put a case with logits around 0 beside one with logits around 1000.",
        {"shifted": f"{last} - {last}.max()", "p": "np.exp(shifted - np.log(total))"},
        group="shift of softmax",
    )
    for bound in (500, 700):
        yield Variation(
            f"clipped_logits@{bound}",
            f"logits are clipped at ±{bound}",
            "Beyond the bound softmax sees another number than the logit. Subtracting the "
            "largest logit of each case is exact.",
            "",
            {"shifted": f"np.clip({last}, -{bound}, {bound})"},
            group="shift of softmax",
        )


def _logs_of_softmax(net: Dense) -> Iterator[Variation]:
    """How the logarithm of the softmax is taken."""
    last = f"a{net.layers}" if net.has_bent_output else f"z{net.layers}"
    yield Variation(
        "log_of_zero",
        "the loss is infinite at large logits: log of 0",
        "The logarithm is taken of a probability that has become 0. log p = z − max z − "
        "log Σ e^(z − max z) is finite always.",
        "What is np.log(np.exp(-1000.0))?",
        {"log_p": "np.log(p)", "crossed": "-np.where(t > 0, log_p, 0.0).sum(axis=1)"},
        group="logarithm",
        often=3,
    )
    yield Variation(
        "zero_times_log_of_zero",
        "the loss is nan at large logits: 0 times log of 0",
        "t · log p is 0 · (−∞), which is nan, where a probability has become 0. log p = "
        "z − max z − log Σ e^(z − max z) is finite always.",
        "What is 0 * np.log(0.0)?",
        {"log_p": "np.log(p)"},
        group="logarithm",
        often=2,
    )
    yield Variation(
        "log_of_sum",
        "the loss is infinite at large logits: log Σ e^z without a shift",
        "−z + log Σ e^z overflows where a logit is above 709; subtract the largest logit first.",
        "What is np.log(np.exp(1000.0))?",
        {
            "log_p": f"{last} - np.log(np.exp({last}).sum(axis=1, keepdims=True))",
            "crossed": "-np.where(t > 0, log_p, 0.0).sum(axis=1)",
        },
        group="logarithm",
    )
    yield from _epsilons(())


def _unshifted(last: str) -> Variation:
    return Variation(
        "no_shift",
        "softmax is not shifted: overflow at large logits",
        "e^z is infinite from z = 710 on, and the probabilities become nan. Subtracting the "
        "largest logit of each case first changes nothing else.",
        "What is np.exp(1000)?",
        {"shifted": last},
        group="shift of softmax",
        often=2,
    )


def _unshifted_sum(last: str, out: str) -> Variation:
    return Variation(
        "no_shift_in_log_sum",
        "log Σ e^z is infinite at large logits: the maximum is not subtracted",
        "e^z is infinite from z = 710 on, and so is log Σ e^z, although it is close to the "
        "largest logit: log Σ e^z = max z + log Σ e^(z − max z), whose exponents are at most 0.",
        "What is np.log(np.exp(1000.0))?",
        {"shifted": last, out: f"np.exp({last} - np.log(total))"},
        group="shift of softmax",
    )


def _epsilons(slopes: tuple[str, ...]) -> Iterator[Variation]:
    """ε added to or put under the probability, of the sizes that are met."""
    for power in (5, 6, 7, 8, 9, 10, 12, 15, 16, 20):
        eps = f"1e-{power}"
        if not slopes or power < 9:
            yield Variation(
                f"epsilon_in_log@{eps}",
                f"{eps} is added within the logarithm",
                "log(p + ε) keeps the loss finite where a probability is 0; it is no longer the "
                "loss whose gradient is p − t, by a very little.",
                "",
                {"log_p": f"np.log(p + {eps})"},
                group="logarithm",
            )
        for slope in slopes if power < 9 else ():
            yield Variation(
                f"epsilon_in_log_and_slope@{eps}",
                f"{eps} is added to the output in the logarithm and its derivative",
                "log(y + ε) and its derivative t/(y + ε) belong together.",
                "",
                {"log_p": f"np.log(p + {eps})", "crossed_slope": slope.format(eps=eps)},
                group="logarithm",
            )
        if not slopes and power < 8:
            yield Variation(
                f"clipped_in_log@{eps}",
                f"probabilities are raised to {eps} for the logarithm",
                "The loss stays finite where a probability is 0, at −log ε.",
                "",
                {"log_p": f"np.log(np.clip(p, {eps}, 1 - {eps}))"},
                group="logarithm",
            )


def _squares(net: Dense) -> Iterator[Variation]:
    if not net.is_given and net.loss != "mse":
        return
    for kind, factor, words in (
        ("mse_summed", "* error.shape[1]", "the sum of the squares over the outputs"),
        (
            "mse_half_summed",
            "* error.shape[1] / 2",
            "half the sum of the squares over the outputs",
        ),
        ("mse_half", "/ 2", "half the mean of the squares over the outputs"),
    ):
        yield Variation(
            kind,
            f"the squared error of a case is {words}",
            f"Loss and gradient are those of {words}.",
            "",
            {"squared": f"RIGHT {factor}", "squared_slope": f"RIGHT {factor}"},
            group="squared error",
        )

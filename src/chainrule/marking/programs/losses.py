"""Losses of classes alone: cross-entropy of probabilities, and softmax with it in one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.marking.program import Case, Line, Probe, Program, Variation
from chainrule.marking.programs.softmax import softmax_forward, softmax_shifts
from chainrule.marking.programs.variations import bug, convention


def cross_entropy() -> Program:
    """Cross-entropy on probabilities: L = −Σ t log p / N and ∂L/∂p = −t/(N p).

    Inputs: ``p`` (N, C) probabilities, ``t`` (N, C) one-hot targets.
    """
    return Program(
        "cross-entropy",
        (
            Line("N", "len(p)", "the number of cases", "forward"),
            Line("each", "-(t * np.log(p)).sum(axis=1)", "the loss of each case", "loss"),
            Line("total", "each.sum()", "the sum of the losses", "loss"),
            Line("loss", "total / N", "the loss", "loss"),
            Line("dp_total", "-t / p", "∂L/∂p of the sum", "backward"),
            Line("dp", "dp_total / N", "∂L/∂p", "backward"),
        ),
        tuple(_cross_entropy_variations()),
        tuple(_cross_entropy_probes()),
    )


def _cross_entropy_variations() -> Iterator[Variation]:
    yield from _reductions_of_loss()
    yield from _gradients_of_loss()
    yield from _functions_of_loss()
    yield from _batches_of_loss()


def _reductions_of_loss() -> Iterator[Variation]:
    """The mean over the cases: missing, or of another number."""
    yield convention(
        "summed",
        "reduction",
        "the loss is a sum over the cases",
        "Loss and gradient are sums over the cases, which belong together; the learning rate then "
        "depends on the size of the batch.",
        loss="total",
        dp="dp_total",
    )
    yield bug(
        "no_mean@dp",
        "1/N is missing in ∂L/∂p",
        "The loss is the mean over the N cases, so its gradient is −t/(N·p). The code returns "
        "−t/p, which is N times too large.",
        "Compare the gradient of one case with that of the same case twice.",
        4,
        dp="dp_total",
    )
    yield bug(
        "no_mean@loss",
        "the loss is a sum where the gradient is that of the mean",
        "The gradient has 1/N, the loss has not: they are not of one function.",
        "Compare the loss of one case with that of the same case twice.",
        2,
        loss="total",
    )
    yield bug(
        "mean_over_classes@loss",
        "the loss is divided by N·C",
        "np.mean over the whole array divides by the cases and the classes. Cross-entropy sums "
        "over the classes and averages over the cases alone.",
        "By which number is the sum divided for 5 cases of 3 classes?",
        2,
        loss="total / p.size",
    )
    yield bug(
        "mean_over_classes@dp",
        "∂L/∂p is divided by N·C",
        "The loss is divided by the number of cases N; the gradient by the number of entries, "
        "cases times classes.",
        "By which number is the gradient divided for 5 cases of 3 classes?",
        dp="dp_total / p.size",
    )
    yield bug(
        "classes_for_cases@loss",
        "the loss is divided by the number of classes in place of the cases",
        "The mean is over the cases, shape[0]; the code divides by shape[1].",
        "Which axis of p is the cases?",
        loss="total / p.shape[1]",
    )
    yield bug(
        "classes_for_cases@dp",
        "∂L/∂p is divided by the number of classes in place of the cases",
        "The mean is over the cases, shape[0]; the code divides by shape[1].",
        "Which axis of p is the cases?",
        dp="dp_total / p.shape[1]",
    )


def _gradients_of_loss() -> Iterator[Variation]:
    """A wrong sign, the gradient for the logits, or a factor left out."""
    yield bug(
        "wrong_sign@loss",
        "the minus of the cross-entropy is missing",
        "log p is negative, and the loss is −log p of the right class: it must be positive and "
        "fall when p grows.",
        "What is the loss of a case whose right class has p = 1/2?",
        2,
        loss="-RIGHT",
    )
    yield bug(
        "wrong_sign@dp",
        "∂L/∂p has the wrong sign",
        "L = −log p of the right class, whose derivative is −1/p. With the plus the step makes "
        "the right class less likely.",
        "Should p of the right class grow or shrink when the loss falls?",
        3,
        dp="-RIGHT",
    )
    yield bug(
        "softmax_in_it@dp",
        "∂L/∂p is (p − t)/N, the gradient for the logits",
        "(p − t)/N is softmax and cross-entropy taken together. This layer sees probabilities, "
        "and the softmax layer below multiplies by its Jacobian, so softmax would count twice.",
        "With respect to what does this layer differentiate: p, or what softmax takes?",
        4,
        dp="(p - t) / N",
    )
    yield bug(
        "softmax_in_it_no_mean@dp",
        "∂L/∂p is p − t, the gradient for the logits, and without 1/N",
        "p − t is softmax and cross-entropy taken together, of a sum. This layer sees "
        "probabilities: ∂L/∂p = −t/(N·p).",
        "With respect to what does this layer differentiate: p, or what softmax takes?",
        2,
        dp="p - t",
    )
    yield bug(
        "no_division_by_p@dp",
        "1/p is missing in ∂L/∂p",
        "The derivative of log p is 1/p; the code has −t/N alone.",
        "Differentiate −t·log p by hand.",
        2,
        dp="-t / N",
    )
    yield bug(
        "all_classes@dp",
        "∂L/∂p leaves out the targets",
        "Only the right class stands in the loss of a case, and t picks it out; the code has "
        "−1/p in every class.",
        "Does the loss change when p of a wrong class alone changes?",
        dp="-1 / (N * p)",
    )


def _functions_of_loss() -> Iterator[Variation]:
    """Another function in the place of the cross-entropy."""
    yield bug(
        "binary@loss",
        "the loss is the binary cross-entropy of every class",
        "−t log p − (1 − t) log(1 − p) is for outputs that are each a yes or no; with softmax the "
        "classes share one distribution, and the loss is −t log p.",
        "Which formula did the text give for more than two classes?",
        loss="-(t * np.log(p) + (1 - t) * np.log(1 - p)).sum() / N",
    )
    yield bug(
        "binary@dp",
        "∂L/∂p is that of the binary cross-entropy",
        "(p − t)/(p(1 − p)) belongs to outputs that are each a yes or no; with softmax the loss "
        "is −t log p, whose derivative is −t/p.",
        "Which formula did the text give for more than two classes?",
        dp="(p - t) / (p * (1 - p) * N)",
    )
    for log in ("log2", "log10"):
        yield bug(
            f"{log}@loss",
            f"the logarithm has base {log[3:]}",
            f"The loss takes np.{log}; the derivative 1/p belongs to the natural logarithm.",
            "What is the loss of a case whose right class has p = 1/e?",
            loss=f"-(t * np.{log}(p)).sum() / N",
        )
    yield bug(
        "no_log@loss",
        "the logarithm is missing in the loss",
        "The loss is −Σ t·p, without the log: it is linear in p and does not punish p near 0.",
        "What is the loss of a case whose right class has p = 1/2?",
        loss="-(t * p).sum() / N",
    )
    yield bug(
        "probabilities_for_targets@loss",
        "the entropy of the output is taken in place of the cross-entropy",
        "−Σ p log p does not see the targets.",
        "Change the targets: does the loss change?",
        loss="-(p * np.log(p)).sum() / N",
    )
    yield bug(
        "predicted_class@loss",
        "the loss takes the probability of the predicted class, not of the right one",
        "−log of the largest probability is small whatever the target is; the target picks the "
        "class whose probability counts.",
        "Change the targets: does the loss change?",
        loss="-np.log(p.max(axis=1)).sum() / N",
    )
    yield bug(
        "swapped@loss",
        "outputs and targets are swapped in the loss",
        "−Σ p log t takes the logarithm of the one-hot targets, which is −inf.",
        "Of which of the two arrays is the logarithm taken?",
        loss="-(p * np.log(t)).sum() / N",
    )


def _batches_of_loss() -> Iterator[Variation]:
    """What is not added up, or kept from the batch before."""
    yield bug(
        "not_averaged@loss",
        "the loss is one number for each case",
        "The loss must be one number, the mean over the cases.",
        "What is the shape of your loss?",
        loss="each",
    )
    yield bug(
        "kept_from_before@loss",
        "the loss is added to that of the batch before",
        "Each batch's loss starts at zero; here that of the batch before is still in it.",
        "Call forward twice with the same batch.",
        loss="(RIGHT if before is None else RIGHT + before.loss)",
    )
    yield bug(
        "target_from_before@dp",
        "∂L/∂p uses the targets of the batch before",
        "backward needs what the last forward was given; here the targets kept from an earlier "
        "batch are used.",
        "Where does forward keep t, and is that done at every call?",
        dp="(RIGHT if before is None or before.t.shape != p.shape else -before.t / p / N)",
    )


def _cross_entropy_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(33)

    def case(n: int, classes: int) -> Case:
        p = rng.uniform(0.1, 1.0, size=(n, classes))
        return {
            "p": p / p.sum(axis=1, keepdims=True),
            "t": np.eye(classes)[rng.integers(0, classes, n)],
        }

    yield Probe("five cases", "the batch of a usual call", (case(5, 3),))
    yield Probe("eight cases", "another N: a constant is no 1/N", (case(8, 4),))
    yield Probe("one case", "N = 1: a missing 1/N does not show here", (case(1, 3),))
    yield Probe("second batch", "what is kept from the batch before", (case(5, 3), case(5, 3)))


def softmax_loss() -> Program:
    """Softmax and mean cross-entropy in one: the loss and ∂L/∂x = (p − t)/N for the logits x.

    Inputs: ``x`` (N, C) logits, ``y`` (N,) class numbers.
    """
    return Program(
        "softmax loss",
        (
            Line("N", "len(x)", "the number of cases", "forward"),
            Line("shifted", "x - x.max(axis=1, keepdims=True)", "x − max x", "forward"),
            Line("e", "np.exp(shifted)", "e^x", "forward"),
            Line("sums", "e.sum(axis=1, keepdims=True)", "Σ e^x of each case", "forward"),
            Line("p", "e / sums", "the probabilities", "forward"),
            Line("log_p", "shifted - np.log(sums)", "log p", "loss"),
            Line("T", "np.eye(x.shape[1])[y]", "the one-hot targets", "loss"),
            Line("each", "-log_p[np.arange(N), y]", "the loss of each case", "loss"),
            Line("total", "each.sum()", "the sum of the losses", "loss"),
            Line("loss", "total / N", "the loss", "loss"),
            Line("dx_total", "p - T", "∂L/∂x of the sum", "backward"),
            Line("dx", "dx_total / N", "∂L/∂x", "backward"),
        ),
        tuple(_softmax_loss_variations()),
        tuple(_softmax_loss_probes()),
    )


def _softmax_loss_variations() -> Iterator[Variation]:
    yield from _logarithms()
    yield from _means_and_targets()
    yield from _signs_and_sums()
    yield from _arrays_of_softmax_loss()


def _logarithms() -> Iterator[Variation]:
    """How the logarithm of a small probability is taken."""
    yield convention(
        "summed",
        "reduction",
        "the loss is a sum over the cases",
        "Loss and gradient are sums over the cases, which belong together; the learning rate then "
        "depends on the size of the batch.",
        loss="total",
        dx="dx_total",
    )
    yield convention(
        "log_of_zero",
        "log",
        "the loss is infinite for large logits: log of a probability that is 0",
        "e^−1000 is 0 in floating point and log 0 is −inf, although log p = x − max x − log Σ e^x "
        "is an ordinary number. Computed from the logits directly, it never meets a 0.",
        log_p="np.log(p)",
    )
    yield convention(
        "log_of_zero_summed",
        "log",
        "the loss is nan for large logits: 0 times the log of a probability that is 0",
        "e^−1000 is 0 in floating point, log 0 is −inf, and 0 · (−inf) is nan, although log p = "
        "x − max x − log Σ e^x is an ordinary number.",
        log_p="np.log(p)",
        each="-(T * log_p).sum(axis=1)",
    )
    for epsilon in ("1e-15", "1e-12", "1e-10", "1e-9", "1e-8"):
        yield convention(
            f"epsilon_{epsilon}",
            "log",
            f"{epsilon} is added within the logarithm",
            "That keeps log away from 0, and makes the loss a little wrong where p is small; "
            "log p = x − max x − log Σ e^x needs no such number.",
            log_p=f"np.log(p + {epsilon})",
        )
    yield convention(
        "no_shift_in_log_sum",
        "shift",
        "log Σ e^x is infinite at large logits: the maximum is not subtracted",
        "e^1000 is infinite in floating point, so log Σ e^x is too, although it is close to the "
        "largest logit: log Σ e^x = max x + log Σ e^(x − max x), whose exponents are at most 0.",
        shifted="x",
        p="np.exp(x - np.log(sums))",
    )
    yield from softmax_shifts({"shifted": "x"}, {"shifted": "x - x.max()"})


def _means_and_targets() -> Iterator[Variation]:
    """The mean over the cases, and the targets that are subtracted."""
    yield bug(
        "no_mean@dx",
        "1/N is missing in ∂L/∂x",
        "The loss is the mean over the N cases, so its gradient is (p − t)/N. The code returns "
        "p − t, which is N times too large.",
        "Compare the gradient of one case with that of the same case twice.",
        4,
        dx="dx_total",
    )
    yield bug(
        "no_mean@loss",
        "the loss is a sum where the gradient is that of the mean",
        "The gradient has 1/N, the loss has not: they are not of one function.",
        "Compare the loss of one case with that of the same case twice.",
        2,
        loss="total",
    )
    yield bug(
        "mean_twice@dx",
        "∂L/∂x is divided by N twice",
        "The mean over N cases gives one 1/N; here there are two.",
        "Compare the gradient of one case with that of the same case twice.",
        dx="RIGHT / N",
    )
    yield bug(
        "classes_for_cases@dx",
        "∂L/∂x is divided by the number of classes in place of the cases",
        "The mean is over the cases, shape[0]; the code divides by shape[1].",
        "Which axis of x is the cases?",
        dx="dx_total / x.shape[1]",
    )
    yield bug(
        "classes_for_cases@loss",
        "the loss is divided by the number of classes in place of the cases",
        "The mean is over the cases, shape[0]; the code divides by shape[1].",
        "Which axis of x is the cases?",
        loss="total / x.shape[1]",
    )
    yield bug(
        "no_target@dx",
        "the 1 of the right class is not subtracted",
        "∂L/∂x = (p − t)/N; the code returns p/N, so every class is pushed down, the right one "
        "too.",
        "What should the gradient be when p is exactly t?",
        2,
        dx="p / N",
    )
    yield bug(
        "target_after_mean@dx",
        "the 1 of the right class is subtracted after the division by N",
        "∂L/∂x = (p − t)/N: both are divided. The code computes p/N − t.",
        "In which order are the two steps done?",
        dx="p / N - T",
    )


def _signs_and_sums() -> Iterator[Variation]:
    """Signs, and the sum over the classes."""
    yield bug(
        "wrong_sign@dx",
        "∂L/∂x has the wrong sign",
        "∂L/∂x = (p − t)/N; the code has (t − p)/N, which descends uphill.",
        "Should the logit of the right class grow or shrink when the loss falls?",
        2,
        dx="-RIGHT",
    )
    yield bug(
        "wrong_sign@loss",
        "the minus of the cross-entropy is missing",
        "log p is negative, and the loss is −log p of the right class.",
        "What is the loss of a case whose right class has p = 1/2?",
        loss="-RIGHT",
    )
    yield bug(
        "assigned@dx",
        "−1/N is written over the probability of the right class",
        "∂L/∂x = (p − t)/N: at the right class 1/N is *subtracted* from p/N; with = in place of "
        "−= the probability is lost.",
        "What is the gradient at the right class when p = 1?",
        dx="np.where(T == 1, -1.0, p) / N",
    )
    yield bug(
        "mean_over_classes@dx",
        "∂L/∂x is divided by N·C",
        "The loss is divided by the number of cases; the gradient by cases times classes.",
        "By which number is the gradient divided for 5 cases of 3 classes?",
        dx="dx_total / x.size",
    )
    yield bug(
        "inverse_of_log@dx",
        "the derivative of log Σe^x is taken as Σe^x in place of 1/Σe^x",
        "(log s)′ = 1/s, so that e^x/s = p comes out; the code multiplies by s.",
        "Differentiate log s by hand.",
        dx="(e * sums - T) / N",
    )
    yield bug(
        "log_sum_left_out@dx",
        "the gradient through log Σe^x is not divided by Σe^x",
        "(log s)′ = 1/s, so that e^x/s = p comes out; the code has e^x alone.",
        "Differentiate log s by hand.",
        dx="(e - T) / N",
    )


def _arrays_of_softmax_loss() -> Iterator[Variation]:
    """Another array in the loss, in the gradient or in the softmax."""
    yield bug(
        "not_shifted@log_p",
        "the logit of the right class is not shifted in the loss",
        "log p = x − max x − log Σ e^(x − max x): where the sum is shifted, so must the logit be.",
        "Add 10 to all logits: does the loss change?",
        2,
        log_p="x - np.log(sums)",
    )
    yield bug(
        "on_column@dx",
        "the 1 is subtracted from whole columns",
        "dx[:, y] −= 1 takes it from the columns of all the classes in the batch, in every row; "
        "the pairs (case, class) are dx[np.arange(N), y].",
        "Print dx − p for three cases.",
        dx="(p - T.any(axis=0)) / N",
    )
    yield bug(
        "predicted_class@loss",
        "the loss takes the probability of the predicted class, not of the right one",
        "−log of the largest probability is small whatever the target is; the target picks the "
        "class whose probability counts.",
        "Change the targets: does the loss change?",
        loss="-log_p.max(axis=1).sum() / N",
    )
    yield bug(
        "gradient_of_p@dx",
        "∂L/∂x is −t/(N p), the gradient with respect to the probabilities",
        "−t/p is ∂L/∂p; softmax's Jacobian still has to be applied to reach the logits.",
        "With respect to what is the loss differentiated here?",
        dx="-T / (N * p)",
    )
    yield bug(
        "diagonal_softmax@dx",
        "softmax's Jacobian is taken as its diagonal p(1 − p)",
        "Every logit moves every probability, through the sum in the denominator; the code keeps "
        "only the effect on its own class.",
        "Raise one logit: what happens to the probabilities of the other classes?",
        dx="(p - T) * p * (1 - p) / N",
    )
    yield bug(
        "diagonal_softmax_exact@dx",
        "softmax's Jacobian is taken as its diagonal: wrong classes get no gradient",
        "−t/p times p(1 − p) leaves the right class alone; a wrong class has p/N as gradient, "
        "through the sum in the denominator.",
        "Raise the logit of a wrong class: does the loss change?",
        dx="-T * (1 - p) / N",
    )
    yield from (
        variation
        for variation in softmax_forward("p")
        if variation.name in ("wrong_axis@p", "wrong_axis_throughout@p", "sum_over_all@p")
    )


def _softmax_loss_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(34)

    def case(n: int, classes: int) -> Case:
        return {"x": rng.normal(size=(n, classes)), "y": rng.integers(0, classes, n)}

    yield Probe("five cases", "the batch of a usual call", (case(5, 3),))
    yield Probe("eight cases", "another N: a constant is no 1/N", (case(8, 4),))
    yield Probe("one case", "N = 1: a missing 1/N does not show here", (case(1, 3),))
    yield Probe("square", "as many cases as classes: a wrong axis fits", (case(4, 4),))
    large = {
        "x": np.array([[1000.0, 999.0, 0.0], [2.0, 1.0, 0.0], [0.0, 800.0, 1.0]]),
        "y": np.array([1, 0, 2]),
    }
    yield Probe("large logits", "e^1000 overflows where nothing is subtracted", (large,), True)

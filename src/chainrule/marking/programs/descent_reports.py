"""What goes wrong in what a training program reports: cross-entropies, labels and errors."""

from __future__ import annotations

from chainrule.marking.program import Variation
from chainrule.marking.programs.variations import bug

_LOSSES = ("train_losses", "validation_losses")
_EACH = ("train_loss", "validation_loss")
_ERRORS = ("train_error", "validation_error")
_LABELS = ("train_labels", "validation_labels")


def both(names: tuple[str, str], rule: str) -> dict[str, str]:
    """The same rule for the line of the training data and that of the validation data."""
    return dict.fromkeys(names, rule)


LOSSES: tuple[Variation, ...] = (
    bug(
        "no_mean@losses",
        "the cross-entropy is a sum where it is a mean",
        "The mean over the cases is asked for; here the cross-entropies of all cases are "
        "added up and not divided by their number.",
        "Does the value grow when each case is there twice?",
        3,
        train_loss="RIGHT * len(t)",
        validation_loss="RIGHT * len(s)",
    ),
    bug(
        "no_mean@train_loss",
        "crossentropy(train) is a sum where it is a mean",
        "The mean over the training cases is asked for; here they are only added up.",
        "Does the value grow when each case is there twice?",
        train_loss="RIGHT * len(t)",
    ),
    bug(
        "no_mean@validation_loss",
        "crossentropy(validation) is a sum where it is a mean",
        "The mean over the validation cases is asked for; here they are only added up.",
        "Does the value grow when each case is there twice?",
        validation_loss="RIGHT * len(s)",
    ),
    bug(
        "wrong_N@validation_loss",
        "crossentropy(validation) is divided by the number of training cases",
        "The mean of the validation data has their own number of cases below; here it is that "
        "of the training data.",
        "Which N stands in each of the two means?",
        2,
        validation_loss="RIGHT * len(s) / len(t)",
    ),
    bug(
        "wrong_N@train_loss",
        "crossentropy(train) is divided by the number of validation cases",
        "The mean of the training data has their own number of cases below; here it is that "
        "of the validation data.",
        "Which N stands in each of the two means?",
        train_loss="RIGHT * len(t) / len(s)",
    ),
    bug(
        "mean_over_classes",
        "the cross-entropy is divided by the number of classes as well",
        "The mean runs over the cases only. A mean over all entries of the array divides by "
        "the ten classes too.",
        "How many numbers does your mean run over for one case?",
        **both(_EACH, "RIGHT / K"),
    ),
    bug(
        "log_base@2",
        "the logarithm is that of base 2",
        "The cross-entropy is asked for with the natural logarithm.",
        "What should it be for ten classes that are equally likely?",
        **both(_EACH, "RIGHT / np.log(2)"),
    ),
    bug(
        "log_base@10",
        "the logarithm is that of base 10",
        "The cross-entropy is asked for with the natural logarithm.",
        "What should it be for ten classes that are equally likely?",
        **both(_EACH, "RIGHT / np.log(10)"),
    ),
    *(
        bug(
            f"offset_in_log@{offset}",
            f"{offset} is added within the logarithm",
            f"The cross-entropy is −log ŷ. Here it is −log(ŷ + {offset}), which is smaller; ŷ "
            "is never 0, since a softmax never is.",
            "What should it be for ten classes that are equally likely?",
            train_loss=f"-np.log(p_train[np.arange(len(t)), t] + {offset}).mean()",
            validation_loss=f"-np.log(p_validation[np.arange(len(s)), s] + {offset}).mean()",
        )
        for offset in ("0.1", "0.01", "0.001", "1e-4", "1e-5", "1e-6", "1")
    ),
    bug(
        "wrong_sign@losses",
        "the minus of the cross-entropy is missing",
        "Logarithms of probabilities are negative; the cross-entropy is −log ŷ of the label.",
        "Can a cross-entropy be negative?",
        **both(_EACH, "-RIGHT"),
    ),
    bug(
        "labels_shifted@losses",
        "the cross-entropy is that of another label",
        "−log ŷ is taken at the index label + 1 instead of the label.",
        "Which entry of ŷ is read for the label 0?",
        train_loss="cross_entropies(p_train, (t + 1) % K).mean()",
        validation_loss="cross_entropies(p_validation, (s + 1) % K).mean()",
    ),
    bug(
        "labels_shifted@losses_below",
        "the cross-entropy is that of another label",
        "−log ŷ is taken at the index label − 1 instead of the label.",
        "Which entry of ŷ is read for the label 0?",
        train_loss="cross_entropies(p_train, t - 1).mean()",
        validation_loss="cross_entropies(p_validation, s - 1).mean()",
    ),
    bug(
        "own_prediction@losses",
        "the cross-entropy is that of the predicted label",
        "−log ŷ is taken of the largest probability instead of that of the true label.",
        "Where does the true label enter your cross-entropy?",
        train_loss="-np.log(p_train.max(axis=1)).mean()",
        validation_loss="-np.log(p_validation.max(axis=1)).mean()",
    ),
    bug(
        "binary_cross_entropy",
        "the cross-entropy has the terms of the other classes as well",
        "For classes that exclude each other it is −log ŷ of the label; here each class adds "
        "−(1 − y) log(1 − ŷ), as for ten separate questions.",
        "What should it be for ten classes that are equally likely?",
        train_loss="RIGHT - (np.log(1 - p_train) * (1 - np.eye(K)[t])).sum(axis=1).mean()",
        validation_loss="RIGHT"
        " - (np.log(1 - p_validation) * (1 - np.eye(K)[s])).sum(axis=1).mean()",
    ),
    bug(
        "squared_error",
        "what is reported is the squared error",
        "The mean cross-entropy is asked for; here it is Σ(ŷ − y)².",
        "What should it be for ten classes that are equally likely?",
        train_loss="((p_train - np.eye(K)[t]) ** 2).sum(axis=1).mean()",
        validation_loss="((p_validation - np.eye(K)[s]) ** 2).sum(axis=1).mean()",
    ),
    bug(
        "other_data@validation_loss",
        "crossentropy(validation) is that of the training data",
        "The second value of each epoch must be computed from the validation data; here it is "
        "the first once more.",
        "Give it a validation file of one case: does the value change?",
        2,
        validation_loss="train_loss",
    ),
    bug(
        "other_data@train_loss",
        "crossentropy(train) is that of the validation data",
        "The first value of each epoch must be computed from the training data; here it is "
        "that of the validation data.",
        "Give it a validation file of one case: does the value change?",
        train_loss="cross_entropies(p_validation, s).mean()",
    ),
    bug(
        "swapped@losses",
        "crossentropy(train) and crossentropy(validation) are swapped",
        "Each of the two values is printed under the name of the other.",
        "Give it a validation file of one case: which of the two changes?",
        train_losses="validation_history[1:]",
        validation_losses="train_history[1:]",
    ),
)
"""The cross-entropies."""


TIMES: tuple[Variation, ...] = (
    bug(
        "during@train_loss",
        "crossentropy(train) is taken during the epoch instead of after it",
        "The cross-entropy of each case is taken when its turn comes, with the parameters of "
        "that moment. What is asked for is that of all cases with the parameters at the end "
        "of the epoch.",
        "With which parameters is the cross-entropy of the first case computed?",
        3,
        train_loss="np.mean(during) if during else RIGHT",
    ),
    bug(
        "during@sum",
        "crossentropy(train) is added up during the epoch",
        "The cross-entropy of each case is taken when its turn comes, with the parameters of "
        "that moment, and not divided by N. The mean at the end of the epoch is asked for.",
        "With which parameters is the cross-entropy of the first case computed?",
        train_loss="np.sum(during) if during else RIGHT",
    ),
    bug(
        "before@losses",
        "the cross-entropies are taken before the epoch instead of after it",
        "What is printed for an epoch are the values with which it began, those of the start "
        "for the first.",
        "What is the very first value from ZERO with ten classes, and what should it be?",
        2,
        train_losses="train_history[:-1]",
        validation_losses="validation_history[:-1]",
    ),
    bug(
        "before@validation_loss",
        "crossentropy(validation) is taken before the epoch instead of after it",
        "The validation value of an epoch is that with which it began.",
        "What is its very first value from ZERO with ten classes, and what should it be?",
        validation_losses="validation_history[:-1]",
    ),
    bug(
        "before@train_loss",
        "crossentropy(train) is taken before the epoch instead of after it",
        "The training value of an epoch is that with which it began.",
        "What is its very first value from ZERO with ten classes, and what should it be?",
        train_losses="train_history[:-1]",
    ),
    bug(
        "last_case@train_loss",
        "crossentropy(train) is that of the last case alone",
        "The mean over all training cases is asked for; here it is what the last case of the "
        "epoch gave when its turn came.",
        "How many cases does your value come from?",
        train_loss="during[-1] if during else RIGHT",
    ),
    bug(
        "last_case@losses",
        "the cross-entropies are those of the last case alone",
        "The mean over all cases is asked for; only the last case is in it.",
        "How many cases does your value come from?",
        train_loss="cross_entropies(p_train, t)[-1]",
        validation_loss="cross_entropies(p_validation, s)[-1]",
    ),
    bug(
        "kept_from_before@losses",
        "the sum of the cross-entropies is never cleared",
        "Each epoch's value must start from 0; here those of the epochs before are in it.",
        "Where does the sum become 0 again?",
        2,
        train_losses="np.cumsum(RIGHT)",
        validation_losses="np.cumsum(RIGHT)",
    ),
    bug(
        "final@losses",
        "every epoch reports the values of the last one",
        "The values of an epoch belong to the parameters at its end; here all epochs have "
        "those at the end of the training.",
        "When are the values computed, and when are they written?",
        train_losses="np.full(E, train_history[-1])",
        validation_losses="np.full(E, validation_history[-1])",
    ),
)
"""When cross-entropies are taken, and of which cases."""


LABELS: tuple[Variation, ...] = (
    bug(
        "last_of_ties",
        "of equally likely classes the last is taken",
        "Where several classes are equally likely, the smallest index is to be predicted.",
        "Which label do you predict from ZERO before the first step?",
        train_labels="K - 1 - p_train.round(12)[:, ::-1].argmax(axis=1)",
        validation_labels="K - 1 - p_validation.round(12)[:, ::-1].argmax(axis=1)",
        train_error="(K - 1 - p_train.round(12)[:, ::-1].argmax(axis=1) != t).mean()",
        validation_error="(K - 1 - p_validation.round(12)[:, ::-1].argmax(axis=1) != s).mean()",
    ),
    bug(
        "labels_shifted@labels",
        "the predicted labels are one too large",
        "Labels count from 0, as in the data; the index of the class is the label itself.",
        "Which label do you write for the first entry of ŷ?",
        **both(_LABELS, "RIGHT + 1"),
    ),
    bug(
        "labels_shifted@prediction",
        "the predicted labels are one too large, and the errors with them",
        "Labels count from 0, as in the data; the index of the class is the label itself.",
        "Which label do you predict for the first entry of ŷ?",
        **both(_LABELS, "RIGHT + 1"),
        train_error="(p_train.round(12).argmax(axis=1) + 1 != t).mean()",
        validation_error="(p_validation.round(12).argmax(axis=1) + 1 != s).mean()",
    ),
    bug(
        "least_likely",
        "the least likely class is predicted",
        "The label is the index of the largest probability; here it is that of the smallest.",
        "Compare one case's ŷ with its label by hand.",
        train_labels="p_train.argmin(axis=1)",
        validation_labels="p_validation.argmin(axis=1)",
        train_error="(p_train.argmin(axis=1) != t).mean()",
        validation_error="(p_validation.argmin(axis=1) != s).mean()",
    ),
    bug(
        "true_labels",
        "the labels files hold the true labels",
        "What the network predicts is to be written, not what the data say.",
        "Where do the numbers that you write come from?",
        train_labels="t",
        validation_labels="s",
    ),
    bug(
        "swapped@labels",
        "the two labels files are swapped",
        "The third argument names the file of the training data's labels, the fourth that of "
        "the validation data's.",
        "How many lines has each of the two files?",
        train_labels="p_validation.round(12).argmax(axis=1)",
        validation_labels="p_train.round(12).argmax(axis=1)",
    ),
    bug(
        "other_data@validation_labels",
        "the validation labels are those predicted for the training data",
        "Each labels file holds what the network predicts for the cases of its own data; here "
        "both hold the labels of the training data.",
        "Give it a validation file of one case: how many lines has its labels file?",
        validation_labels="p_train.round(12).argmax(axis=1)",
    ),
    bug(
        "other_data_cut@validation_labels",
        "the validation labels are the first of those predicted for the training data",
        "Each labels file holds what the network predicts for the cases of its own data; here "
        "the labels of the training data are cut to the number of validation cases.",
        "From which rows are the labels of the validation file computed?",
        validation_labels="p_train.round(12).argmax(axis=1)[:len(s)]",
    ),
    bug(
        "reversed@labels",
        "the predicted labels are written from the last case to the first",
        "The n-th line of a labels file belongs to the n-th case of the data; here the first "
        "line is that of the last case.",
        "Predict the first case alone: in which line does its label stand?",
        **both(_LABELS, "RIGHT[::-1]"),
    ),
    bug(
        "sorted@labels",
        "the predicted labels are written in the order of their size",
        "The n-th line of a labels file belongs to the n-th case of the data; sorted labels do "
        "not say which case they belong to.",
        "Predict the first case alone: in which line does its label stand?",
        **both(_LABELS, "np.sort(RIGHT)"),
    ),
)
"""The predicted labels."""


ERRORS: tuple[Variation, ...] = (
    bug(
        "accuracy@errors",
        "the errors are the share of right labels",
        "error is the share of wrong labels; here it is 1 minus that.",
        "What is the error of a network that is always right?",
        2,
        **both(_ERRORS, "1 - RIGHT"),
    ),
    bug(
        "percent@errors",
        "the errors are in per cent",
        "A share between 0 and 1 is asked for.",
        "What is the error of a network that is always wrong?",
        **both(_ERRORS, "100 * RIGHT"),
    ),
    bug(
        "no_mean@errors",
        "the errors are counts",
        "The number of wrong labels is to be divided by the number of cases.",
        "What is the error of a network that is always wrong?",
        2,
        train_error="RIGHT * len(t)",
        validation_error="RIGHT * len(s)",
    ),
    bug(
        "whole_division@errors",
        "the errors are cut to whole numbers",
        "The number of wrong labels is divided by the number of cases without its remainder, "
        "which leaves 0 of every share but 1.",
        "What does 3 // 4 give, and what does 3 / 4?",
        **both(_ERRORS, "np.floor(RIGHT)"),
    ),
    bug(
        "wrong_N@errors",
        "error(validation) is divided by the number of training cases",
        "Each error is a share of its own data.",
        "Which N stands in each of the two shares?",
        validation_error="RIGHT * len(s) / len(t)",
    ),
    bug(
        "swapped@errors",
        "error(train) and error(validation) are swapped",
        "Each of the two values is printed under the name of the other.",
        "Count the wrong labels in both labels files by hand.",
        train_error="(p_validation.round(12).argmax(axis=1) != s).mean()",
        validation_error="(p_train.round(12).argmax(axis=1) != t).mean()",
    ),
    bug(
        "other_data@validation_error",
        "error(validation) is that of the training data",
        "It must be computed from the labels of the validation data.",
        "Count the wrong labels in both labels files by hand.",
        validation_error="train_error",
    ),
    bug(
        "error_over_pairs",
        "every predicted label is compared with the labels of all cases",
        "Arrays of shape (N,) and (N, 1) are compared as a table of N × N entries: every "
        "prediction with every label. The prediction of a case belongs to the label of the same "
        "case alone, so both must have the same shape.",
        "Print the shape of `predicted != labels`: how many entries has it for N cases?",
        2,
        train_error="np.not_equal.outer(p_train.round(12).argmax(axis=1), t).mean()",
        validation_error="np.not_equal.outer(p_validation.round(12).argmax(axis=1), s).mean()",
    ),
    bug(
        "error_over_pairs@sum",
        "every predicted label is compared with the labels of all cases, and counted",
        "Arrays of shape (N,) and (N, 1) are compared as a table of N × N entries; what differs "
        "there is counted and divided by N. The prediction of a case belongs to the label of the "
        "same case alone, so both must have the same shape.",
        "Print the shape of `predicted != labels`: how many entries has it for N cases?",
        train_error="np.not_equal.outer(p_train.round(12).argmax(axis=1), t).sum() / len(t)",
        validation_error="np.not_equal.outer(p_validation.round(12).argmax(axis=1), s).sum()"
        " / len(s)",
    ),
)
"""The errors."""


_FEW = tuple(
    bug(
        f"few_digits@{digits}",
        f"the cross-entropies are printed with {digits} digit{'s' * (digits > 1)} only",
        "Values are compared with a reference to six digits; print them as they are.",
        "How many digits has the sample output of the text?",
        **both(_LOSSES, f"np.round(RIGHT, {digits})"),
    )
    for digits in (1, 2, 3, 4, 5)
)
_ENOUGH = tuple(
    Variation(
        f"digits@{digits}",
        f"the cross-entropies are printed with {digits} digits",
        "",
        "",
        both(_LOSSES, f"np.round(RIGHT, {digits})"),
        group="digits",
    )
    for digits in (6, 7, 8)
)
DIGITS: tuple[Variation, ...] = (*_FEW, *_ENOUGH)
"""How many digits are printed."""

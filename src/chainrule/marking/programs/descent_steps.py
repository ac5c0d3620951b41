"""What goes wrong in the passes, the steps and the epochs of a training."""

from __future__ import annotations

from chainrule.marking.program import Variation
from chainrule.marking.programs.variations import bug

FORWARD: tuple[Variation, ...] = (
    bug(
        "no_bias@alpha",
        "the bias of the hidden layer takes no part",
        "α has a column for the bias, which belongs to x₀ = 1. Here that column is not there "
        "or stays 0: it is neither used nor trained.",
        "Print α[:, 0] after the first step from ZERO with at least two cases.",
        2,
        x="RIGHT * (np.arange(RIGHT.shape[1]) > 0)",
    ),
    bug(
        "no_bias@beta",
        "the bias of the output layer takes no part",
        "β has a column for the bias, which belongs to z₀ = 1. Here that column is not there "
        "or stays 0: it is neither used nor trained.",
        "Print β[:, 0] after the first step.",
        2,
        zo="RIGHT * (np.arange(RIGHT.shape[1]) > 0)",
    ),
    bug(
        "no_bias@both",
        "neither layer has a bias",
        "The columns of α and β for x₀ = 1 and z₀ = 1 are not there or stay 0.",
        "Print α[:, 0] and β[:, 0] after the first step.",
        x="RIGHT * (np.arange(RIGHT.shape[1]) > 0)",
        zo="RIGHT * (np.arange(RIGHT.shape[1]) > 0)",
    ),
    bug(
        "sigmoid_of_minus",
        "the sign in the exponent of the sigmoid is missing",
        "σ(a) = 1/(1 + e^−a). With e^a in its place it is 1 − σ(a), which falls where σ "
        "rises, while z(1 − z) is the slope of the rising one.",
        "What is your σ(10)?",
        z="1 - RIGHT",
    ),
    bug(
        "wrong_activation",
        "the hidden layer is no sigmoid: z is 0 where a is 0",
        "The hidden layer must be z = σ(a), which is ½ where a = 0. Here z is 0 there, as "
        "with tanh, a ReLU or no activation at all, and from ZERO all of z stays 0 for ever.",
        "What is your z where a = 0?",
        z="a",
    ),
    bug(
        "sigmoid_of_bias@beta",
        "the 1 of the output layer's bias goes through the sigmoid",
        "z₀ = 1 is put in front of z after the sigmoid. Put in front of a, it becomes σ(1) = "
        "0.731.",
        "What is the first entry of the vector that β is multiplied with?",
        zo="np.hstack([np.full((len(z), 1), sigmoid(1.0)), z])",
    ),
    bug(
        "sigmoid_output",
        "the output layer has sigmoids where a softmax is asked for",
        "ŷ must be softmax(b), whose entries add up to 1. Here each is σ(b) by itself.",
        "What is the sum of your ŷ?",
        p="sigmoid(b)",
    ),
    bug(
        "softmax_axis",
        "the softmax is taken over the cases",
        "The probabilities of a case must add up to 1 over the classes. Where several cases "
        "are taken together, the sum here runs over the cases instead.",
        "What is the sum of each row of your ŷ for three cases at once?",
        p="RIGHT if len(b) == 1 else np.exp(b) / np.exp(b).sum(axis=0)",
    ),
    bug(
        "softmax_axis@all",
        "the softmax is divided by the sum over all cases and classes",
        "The probabilities of each case must add up to 1. Where several cases are taken "
        "together, the sum here runs over all of them.",
        "What is the sum of each row of your ŷ for three cases at once?",
        p="np.exp(b) / np.exp(b).sum()",
    ),
)
"""The forward pass."""


BACKWARD: tuple[Variation, ...] = (
    bug(
        "no_slope@da",
        "σ′ is missing in ∂J/∂a",
        "∂J/∂a = ∂J/∂z · z(1 − z), since z = σ(a). Here ∂J/∂z is handed on as it is, so α's "
        "gradient is at least four times too large.",
        "Which derivative belongs to the step from a to z?",
        3,
        da="dz",
    ),
    bug(
        "slope_at_a",
        "σ′ is taken of z, which is σ(a) already",
        "σ′(a) = z(1 − z). Here the formula that applies σ is used on z, which gives "
        "σ(z)(1 − σ(z)): the sigmoid is applied twice.",
        "What is σ′ where a = 0, and what does your code give?",
        3,
        slope="sigmoid(z) * (1 - sigmoid(z))",
    ),
    bug(
        "formula_at_z",
        "z(1 − z) is computed with a in place of z",
        "σ′(a) = z(1 − z) with z = σ(a). Here it is a(1 − a).",
        "What is σ′ where a = 0, and what does your code give?",
        2,
        slope="a * (1 - a)",
    ),
    bug(
        "slope_twice",
        "σ′ is multiplied in twice",
        "∂J/∂a = ∂J/∂z · z(1 − z); the factor z(1 − z) is there twice.",
        "Follow one number from ∂J/∂z to ∂J/∂a: what is it multiplied with, and where?",
        da="dz * slope * slope",
    ),
    bug(
        "wrong_activation_slope",
        "the slope is that of tanh, 1 − z²",
        "The hidden layer is a sigmoid, whose slope is z(1 − z); 1 − z² is that of tanh.",
        "Differentiate 1/(1 + e^−a).",
        slope="1 - z**2",
    ),
    bug(
        "half_slope@z",
        "the slope is z where it is z(1 − z)",
        "σ′(a) = z(1 − z); the factor 1 − z is missing.",
        "Differentiate 1/(1 + e^−a).",
        slope="z",
    ),
    bug(
        "half_slope@1-z",
        "the slope is 1 − z where it is z(1 − z)",
        "σ′(a) = z(1 − z); the factor z is missing.",
        "Differentiate 1/(1 + e^−a).",
        slope="1 - z",
    ),
    bug(
        "half_slope@(1-z)²",
        "the slope is (1 − z)² where it is z(1 − z)",
        "σ′(a) = z(1 − z); a factor z has become 1 − z.",
        "Differentiate 1/(1 + e^−a).",
        slope="(1 - z)**2",
    ),
    bug(
        "half_slope@z²",
        "the slope is z² where it is z(1 − z)",
        "σ′(a) = z(1 − z); the factor 1 − z has become z.",
        "Differentiate 1/(1 + e^−a).",
        slope="z**2",
    ),
    bug(
        "updated_first",
        "β is updated before ∂J/∂z is computed with it",
        "∂J/∂z = βᵀ ∂J/∂b is the gradient at the β of the forward pass. Here β has made its "
        "step already, so α's gradient belongs to no point at all.",
        "At which line does β change, and which lines read it afterwards?",
        3,
        dz="db @ (beta - gamma * dbeta)[:, 1:]",
    ),
    bug(
        "gradient_for_weights",
        "∂J/∂z is computed with β's gradient in place of β",
        "∂J/∂z = βᵀ ∂J/∂b. Here ∂J/∂β stands where β belongs.",
        "Which array is multiplied with z in the forward pass?",
        2,
        dz="db @ dbeta[:, 1:]",
    ),
    bug(
        "summed_over_units@dz",
        "∂J/∂z is one number for all hidden units",
        "Each hidden unit has its own ∂J/∂z, a sum over the outputs. Here it is summed over "
        "the units as well.",
        "What shape has ∂J/∂z for three hidden units?",
        dz="RIGHT.sum(axis=1, keepdims=True) + 0 * RIGHT",
    ),
    bug(
        "bias_column_in_dz",
        "∂J/∂z is computed with the wrong columns of β",
        "β's column 0 belongs to the bias z₀ = 1, on which α has no influence. It must be "
        "left out of ∂J/∂z; here the last column is left out and the bias's is kept.",
        "Which column of β belongs to z₁?",
        2,
        dz="db @ beta[:, :-1]",
    ),
    bug(
        "bias_row_kept",
        "the wrong row of ∂J/∂α is dropped",
        "Carrying z₀ = 1 through the back pass gives ∂J/∂α a row too many, its first. Here "
        "the last row is dropped, so each unit gets the gradient of the one before it.",
        "Which row of ∂J/∂α belongs to z₀?",
        dalpha="np.vstack([0 * RIGHT[:1], RIGHT[:-1]])",
    ),
    bug(
        "wrong_sign@db",
        "∂J/∂b has the wrong sign",
        "∂J/∂b = ŷ − y. With y − ŷ and a step against it, each step climbs: the cross-entropy "
        "grows.",
        "Does the cross-entropy of one case fall in one step?",
        2,
        db="y - p",
    ),
    bug(
        "no_softmax_slope",
        "∂J/∂ŷ is used as ∂J/∂b",
        "−y/ŷ is the derivative by ŷ. To get to b the softmax's Jacobian is still needed; "
        "both together are ŷ − y.",
        "Which derivative belongs to the step from b to ŷ?",
        db="-y / p",
    ),
    bug(
        "diagonal_softmax",
        "the softmax's Jacobian is taken as its diagonal",
        "∂ŷₗ/∂bₖ is ŷₗ(1 − ŷₗ) on the diagonal and −ŷₗŷₖ beside it. The latter is left out, "
        "so only the output of the right class learns.",
        "How does ŷ₂ change when b₁ grows?",
        2,
        db="-y * (1 - p)",
    ),
    bug(
        "no_label@db",
        "the label is missing in ∂J/∂b",
        "∂J/∂b = ŷ − y; here it is ŷ alone, and nothing is learnt from the labels.",
        "Where does the label enter your back pass?",
        db="p",
    ),
    bug(
        "labels_shifted",
        "the one-hot label is off by one",
        "The 1 must stand at the index of the label, counted from 0. It stands one earlier, "
        "as if labels began at 1.",
        "Print the one-hot vector of the label 0.",
        y="np.eye(K)[labels - 1]",
    ),
    bug(
        "labels_shifted@all",
        "the labels are read one too small, in training and in the cross-entropy",
        "Labels count from 0 in the data. Here 1 is subtracted, as if they began at 1: label 0 "
        "becomes the last class and every other the one before it.",
        "Print the label of the first case as it is trained on, and the one in the file.",
        y="np.eye(K)[labels - 1]",
        train_loss="cross_entropies(p_train, t - 1).mean()",
        validation_loss="cross_entropies(p_validation, s - 1).mean()",
    ),
    bug(
        "no_slope@alpha_bias",
        "σ′ is missing in the gradient of α's biases",
        "The biases' gradient is ∂J/∂a, like that of the weights without the input. Here it "
        "is ∂J/∂z, without z(1 − z).",
        "What is the derivative of a by its bias, and where does z(1 − z) come in?",
        dalpha="np.hstack([dz.T.sum(axis=1, keepdims=True), RIGHT[:, 1:]])",
    ),
    bug(
        "z_for_a@dbeta",
        "∂J/∂β is computed with a in place of z",
        "b = βz, so ∂J/∂β = ∂J/∂b · zᵀ. Here it is the hidden layer before its sigmoid, a.",
        "What is multiplied with β in the forward pass?",
        dbeta="db.T @ with_ones(a)",
    ),
)
"""The back pass."""


STEP: tuple[Variation, ...] = (
    bug(
        "wrong_N@step",
        "the step of each case is divided by N",
        "The objective of one step is the cross-entropy of its one case. The mean over the N "
        "cases is what is reported; divided by N here too, the steps are N times too short.",
        "Does doubling the training data change the step for its first case?",
        2,
        step_rate="gamma / len(X)",
    ),
    bug(
        "batch@sum",
        "one step for all cases together",
        "Parameters must change after each case. Here the gradients of all cases are added up "
        "and there is one step in an epoch.",
        "How often does α change in an epoch of five cases?",
        2,
        together="len(X)",
    ),
    bug(
        "batch@mean",
        "one step for the mean of all cases",
        "Parameters must change after each case. Here the mean gradient of all cases makes "
        "one step in an epoch.",
        "How often does α change in an epoch of five cases?",
        2,
        together="len(X)",
        step_rate="gamma / len(X)",
    ),
    bug(
        "not_trained@alpha",
        "α is never updated",
        "The gradient of α is not subtracted from it: only β learns.",
        "Print α before and after two steps.",
        alpha_next="alpha",
    ),
    bug(
        "not_trained@beta",
        "β is never updated",
        "The gradient of β is not subtracted from it; from ZERO nothing is learnt at all.",
        "Print β before and after a step.",
        beta_next="beta",
    ),
    bug(
        "rate_ignored",
        "the learning rate is ignored",
        "The gradient is subtracted as it is; the ninth argument has no effect.",
        "Run it with the rates 0 and 0.1: do the results differ?",
        step_rate="1.0",
    ),
    *(
        bug(
            f"rate_fixed@{rate}",
            f"the learning rate is always {rate}",
            f"The ninth argument is the learning rate; the program takes {rate} whatever is "
            "asked for.",
            "Run it with the rates 0 and 0.1: do the results differ?",
            step_rate=rate,
        )
        for rate in ("0.1", "0.01", "0.001", "0.5")
    ),
    *(
        bug(
            f"rate_decayed@{place}",
            "the learning rate shrinks from epoch to epoch",
            f"The rate must stay as it was given; here it is {words}.",
            "Print the rate that is used in every epoch.",
            step_rate=rule,
        )
        for place, words, rule in (
            ("epoch", "divided by the number of the epoch", "gamma / epoch"),
            ("0.9", "multiplied by 0.9 after each epoch", "gamma * 0.9 ** (epoch - 1)"),
            ("0.95", "multiplied by 0.95 after each epoch", "gamma * 0.95 ** (epoch - 1)"),
            ("0.99", "multiplied by 0.99 after each epoch", "gamma * 0.99 ** (epoch - 1)"),
            ("0.5", "halved after each epoch", "gamma * 0.5 ** (epoch - 1)"),
        )
    ),
    bug(
        "kept_from_before",
        "the gradients of earlier cases are never cleared",
        "Each step must use the gradient of its own case. Here the gradients are added up "
        "from step to step.",
        "Print the gradient of one case that is trained on twice with the rate 0.",
        dalpha="RIGHT + (before.dalpha if before else 0)",
        dbeta="RIGHT + (before.dbeta if before else 0)",
    ),
    bug(
        "momentum",
        "the steps have momentum",
        "Plain SGD is asked for; here 0.9 of the step before is added to each step.",
        "Which numbers does a step depend on besides its own case?",
        dalpha="RIGHT + (0.9 * before.dalpha if before else 0)",
        dbeta="RIGHT + (0.9 * before.dbeta if before else 0)",
    ),
)
"""The step of a case."""


EPOCHS: tuple[Variation, ...] = (
    bug(
        "one_epoch_too_few",
        "one epoch too few",
        "num_epoch epochs are asked for, each with its two lines; the last one is missing.",
        "How many epochs does your program run for num_epoch = 1?",
        E="epochs - 1",
    ),
    bug(
        "one_epoch_too_many",
        "one epoch too many",
        "num_epoch epochs are asked for; there is one more.",
        "How many epochs does your program run for num_epoch = 1?",
        E="epochs + 1",
    ),
    bug(
        "shuffled",
        "the cases are shuffled",
        "Cases must be taken in the order of the file, so that results can be compared. What "
        "is reported belongs to another order.",
        "Run it twice with the same arguments: are the results the same? (With a fixed seed "
        "they are, and still another order's.)",
        2,
        shuffled="1.0",
    ),
    bug(
        "reversed_order",
        "the cases are taken from the last to the first",
        "Cases must be taken in the order of the file.",
        "Print the label of each case as it is trained on.",
        order="RIGHT[::-1]",
    ),
    bug(
        "last_case_left_out",
        "the last case is not trained on",
        "Every case of the file makes one step in an epoch; the loop ends one too early.",
        "How many steps are made in an epoch of five cases?",
        order="RIGHT[:-1]",
    ),
    bug(
        "first_case_left_out",
        "the first case is not trained on",
        "Every case of the file makes one step in an epoch; the loop begins one too late.",
        "How many steps are made in an epoch of five cases?",
        order="RIGHT[1:]",
    ),
    bug(
        "trained_on_validation",
        "the validation data are trained on as well",
        "Parameters may change by the training data only. Here the validation cases make "
        "steps too.",
        "In which loops does α change?",
        L="np.vstack([X, V])",
        l="np.r_[t, s]",
    ),
    bug(
        "files_swapped",
        "the training and the validation file are swapped",
        "The first argument is the training data, the second the validation data.",
        "Print both names as they are read.",
        X="validation[:, 1:]",
        t="validation[:, 0].astype(int)",
        V="train[:, 1:]",
        s="train[:, 0].astype(int)",
    ),
    bug(
        "started_anew",
        "each epoch starts from zeros again",
        "Training goes on from epoch to epoch. Here the parameters are made anew in each.",
        "Where are α and β made: within the loop over the epochs?",
        E="min(1, epochs)",
        train_losses="np.repeat(RIGHT, epochs)",
        validation_losses="np.repeat(RIGHT, epochs)",
    ),
)
"""The epochs: which cases, in which order, how often."""

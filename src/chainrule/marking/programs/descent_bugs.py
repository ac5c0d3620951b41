"""What goes wrong in programs that train one hidden layer by stochastic gradient descent."""

from __future__ import annotations

from chainrule.marking.program import Variation

LOSSES = ("train_losses", "validation_losses")
ERRORS = ("train_error", "validation_error")
LABELS = ("train_labels", "validation_labels")


def variations() -> tuple[Variation, ...]:
    """All of them, the oftener ones of each part of the program first."""
    return (
        *_of_form(),
        *_of_data(),
        *_of_start(),
        *_of_forward(),
        *_of_backward(),
        *_of_step(),
        *_of_epochs(),
        *_of_losses(),
        *_of_times(),
        *_of_labels(),
        *_of_errors(),
        *_of_digits(),
    )


def bug(
    name: str, title: str, sentence: str, hint: str, often: float = 1.0, **changes: str
) -> Variation:
    """A bug, by the rules that it has in place of the right ones."""
    return Variation(name, title, sentence, hint, changes, often=often)


def both(names: tuple[str, str], rule: str) -> dict[str, str]:
    """The same rule for the line of the training data and that of the validation data."""
    return dict.fromkeys(names, rule)


def _of_form() -> tuple[Variation, ...]:
    return tuple(
        bug(name, title, sentence, hint, **{name: "1.0"}) for name, title, sentence, hint in _FORMS
    )


_FORMS = (
    (
        "form_metrics_file",
        "there is no metrics file",
        "The fifth argument names the file to which the metrics are written. After the run there "
        "is none of that name.",
        "Under which name, and in which folder, does your program write it?",
    ),
    (
        "form_labels_files",
        "a labels file is missing",
        "The third and fourth arguments name the files to which the labels are written. After the "
        "run one of them is not there, or neither is.",
        "Under which names, and in which folder, does your program write them?",
    ),
    (
        "form_words",
        "a line of the metrics has other words than asked for",
        "Each line must read `epoch=1 crossentropy(train): 2.18506276114` or `error(train): 0.77`, "
        "with `train` or `validation` in the brackets, letter for letter.",
        "Compare your file with the sample, letter by letter.",
    ),
    (
        "form_spaces",
        "the spaces of the metrics' lines are not those asked for",
        "There is one space after the epoch's number and one after the colon, and no other.",
        "Put a mark in place of each space and compare with the sample.",
    ),
    (
        "form_number",
        "a number of the metrics is not written plainly",
        "After the colon and a space stands the number alone. Brackets or a type around it, such "
        "as `[2.18]`, come from printing an array.",
        "What type has the value that you print?",
    ),
    (
        "form_extra",
        "the metrics file has lines that do not belong there",
        "It holds two lines for each epoch and two for the errors, and nothing else: no heading and "
        "no remarks.",
        "Compare the number of lines with 2 · num_epoch + 2.",
    ),
    (
        "form_from_zero",
        "the epochs are counted from 0",
        "The first epoch is `epoch=1`.",
        "Which number stands before the last cross-entropy for num_epoch = 2?",
    ),
    (
        "form_lines",
        "lines are missing in the metrics, or there more than once",
        "It holds a line for train and one for validation in each epoch, numbered from 1, and then "
        "one each for the errors.",
        "Compare the number of lines with 2 · num_epoch + 2, and their first words with the sample.",
    ),
    (
        "form_order",
        "the lines of the metrics stand in another order",
        "In each epoch train comes before validation, the epochs follow each other, and the errors "
        "are last, train first.",
        "Compare the first words of each line with the sample.",
    ),
    (
        "form_ends",
        "lines end in \\r\\n",
        "Each line must end in \\n alone. \\r comes from writing it as text, or from a file "
        "opened with another `newline`.",
        "Look at the file's bytes: `open(name, 'rb').read()`.",
    ),
    (
        "form_last_end",
        "the last line of the metrics has no end",
        "Each line must be ended by \\n, the last one too.",
        "Look at the file's last byte: `open(name, 'rb').read()[-1:]`.",
    ),
    (
        "form_labels",
        "a labels file holds something other than one whole number a line",
        "Each line is one label as in the data: a whole number without a point, comma or bracket.",
        "What type has the value that you print: 3 or 3.0?",
    ),
    (
        "form_labels_end",
        "the last line of a labels file has no end",
        "Each label must be ended by \\n, the last one too.",
        "Look at the file's last byte: `open(name, 'rb').read()[-1:]`.",
    ),
)


def _of_data() -> tuple[Variation, ...]:
    return (
        bug(
            "first_row_lost",
            "the first case of each file is lost",
            "The files have no header line, but the first line is read as one, so a case is "
            "missing in the training and in every mean, and the labels file is a line short.",
            "Compare the number of lines of the labels file with that of the data.",
            2,
            X="train[1:, 1:]",
            t="train[1:, 0].astype(int)",
            V="validation[1:, 1:]",
            s="validation[1:, 0].astype(int)",
        ),
        bug(
            "last_row_lost",
            "the last case of each file is lost",
            "Reading stops one line too early, so the last case is missing in the training, in "
            "every mean and in the labels file.",
            "Compare the number of lines of the labels file with that of the data.",
            X="train[:-1, 1:]",
            t="train[:-1, 0].astype(int)",
            V="validation[:-1, 1:]",
            s="validation[:-1, 0].astype(int)",
        ),
        bug(
            "label_as_input",
            "the label is among the inputs",
            "Column 0 of the file is the label. It is given to the network as an input as well, "
            "which then learns from the answer itself.",
            "How many columns has α for data of M features?",
            X="train",
            V="validation",
        ),
        bug(
            "first_input_lost",
            "the first input is lost",
            "Column 0 of the file is the label and column 1 the first input. Reading begins at "
            "column 2 here, so one input is missing.",
            "How many inputs do you have for data of M + 1 columns?",
            X="train[:, 2:]",
            V="validation[:, 2:]",
        ),
        bug(
            "last_input_lost",
            "the last input is lost",
            "Reading stops one column too early, so one input is missing.",
            "How many inputs do you have for data of M + 1 columns?",
            X="train[:, 1:-1]",
            V="validation[:, 1:-1]",
        ),
        bug(
            "fixed_inputs@128",
            "the number of inputs is fixed at 128",
            "The program works for data of 128 inputs only, and fails for any other. The number "
            "must be taken from the data.",
            "Search your file for 128 and 129.",
            alpha_start="np.zeros((D, 129))",
        ),
        bug(
            "cut_to_integers",
            "the inputs are cut to whole numbers",
            "Inputs may be any number between 0 and 1. They are read as integers here, which makes "
            "0 of all of them but 1.",
            "Print the first row of the inputs for a file that has 0.5 in it.",
            2,
            X="np.trunc(RIGHT)",
            V="np.trunc(RIGHT)",
        ),
        bug(
            "made_binary",
            "the inputs are made 0 or 1",
            "Inputs may be any number between 0 and 1; here each that is not 0 counts as 1.",
            "Print the first row of the inputs for a file that has 0.5 in it.",
            X="(RIGHT > 0) * 1.0",
            V="(RIGHT > 0) * 1.0",
        ),
        bug(
            "divided_by_255",
            "the inputs are divided by 255",
            "The inputs already lie between 0 and 1; dividing them by 255 leaves next to nothing.",
            "What is the largest input after reading?",
            X="RIGHT / 255",
            V="RIGHT / 255",
        ),
        *(
            bug(
                f"classes_counted@{way}",
                "the number of classes is taken from the training data",
                f"The number of classes is {words}. There are always ten, 0 to 9, and training "
                "data may lack some of them, which then have no output at all.",
                "How many outputs has the network for training data with the labels 2 and 5 only?",
                K=rule,
            )
            for way, words, rule in (
                ("distinct", "that of the distinct labels", "len(np.unique(t))"),
                ("largest", "the largest label + 1", "int(t.max()) + 1"),
            )
        ),
        *(
            bug(
                f"fixed_units@{units}",
                f"there are always {units} hidden units",
                f"The number of hidden units is the seventh argument; the program has {units} "
                "whatever is asked for.",
                "Run it with 1 and with 20 hidden units: do the results differ?",
                D=str(units),
            )
            for units in (4, 5, 10, 20, 50, 100, 128, 200)
        ),
        bug(
            "bias_counted_as_unit",
            "one hidden unit too few: the bias is counted as one of them",
            "With D hidden units β has D + 1 columns. Here the constant z₀ = 1 takes the place of "
            "one of the D units.",
            "Print the shape of α for D = 4.",
            D="hidden - 1",
        ),
        bug(
            "one_unit_too_many",
            "one hidden unit too many",
            "With D hidden units α has D rows. Here it has D + 1, and the unit of the bias is "
            "trained like the others.",
            "Print the shape of α for D = 4.",
            D="hidden + 1",
        ),
    )


def _of_start() -> tuple[Variation, ...]:
    return (
        bug(
            "always_random",
            "ZERO starts with random weights",
            "With init_flag 2 all weights must be 0, and then two cases get the same probabilities "
            "before the first step. They do not here: the start is random.",
            "Print α right after it is made, once for each value of init_flag.",
            start="1.0 if init == 2 else 0.0",
        ),
        bug(
            "always_zero",
            "RANDOM starts with zeros",
            "With init_flag 1 the weights must be drawn from −0.1 to 0.1. Here all of them (or "
            "those of β) are 0, so that all hidden units stay alike for ever.",
            "Print β right after it is made, once for each value of init_flag.",
            start="1.0 if init == 1 else 0.0",
        ),
        bug(
            "flags_swapped",
            "RANDOM and ZERO are swapped",
            "init_flag 1 means RANDOM and 2 means ZERO; the program does it the other way round.",
            "Print α right after it is made, once for each value of init_flag.",
            start="1.0",
        ),
        *(
            bug(name, title, sentence, hint, start=f"{code}.0 if init == 1 else 0.0")
            for code, name, title, sentence, hint in _RANDOM_STARTS
        ),
    )


_RANDOM_STARTS = (
    (
        2,
        "zero_start@alpha",
        "RANDOM leaves α at 0",
        "With RANDOM, α and β are both drawn. Here α is 0: before the first step the probabilities "
        "do not depend on the inputs.",
        "Print α right after it is made.",
    ),
    (
        3,
        "only_positive",
        "RANDOM draws positive weights only",
        "Weights must be uniform from −0.1 to 0.1. Here they are all positive, as drawn from 0 to "
        "0.1.",
        "What is the smallest of the weights that you draw?",
    ),
    (
        4,
        "too_wide",
        "RANDOM draws weights that are too large",
        "Weights must be uniform from −0.1 to 0.1. Before the first step the class probabilities "
        "differ from one another by more than such weights can make them.",
        "What are the smallest and the largest of the weights that you draw?",
    ),
    (
        5,
        "too_narrow",
        "RANDOM draws weights that are too small",
        "Weights must be uniform from −0.1 to 0.1. Before the first step the class probabilities "
        "are more alike than such weights leave them.",
        "What are the smallest and the largest of the weights that you draw?",
    ),
    (
        6,
        "random_biases",
        "RANDOM draws the biases too",
        "Weights are drawn, but biases always start at 0: the first column of α and of β. Here the "
        "bias column of β is drawn like the rest.",
        "Print β[:, 0] right after it is made.",
    ),
    (
        7,
        "too_wide_or_random_biases",
        "RANDOM draws weights that are too large, or draws the biases too",
        "Weights must be uniform from −0.1 to 0.1 and biases 0. With one hidden unit the class "
        "probabilities differ by more than that; both mistakes would make it so.",
        "Print β right after it is made: its first column, and its largest entry.",
    ),
)


def _of_forward() -> tuple[Variation, ...]:
    return (
        bug(
            "no_bias@alpha",
            "the bias of the hidden layer takes no part",
            "α has a column for the bias, which belongs to x₀ = 1. Here that column is not there or "
            "stays 0: it is neither used nor trained.",
            "Print α[:, 0] after the first step from ZERO with at least two cases.",
            2,
            x="RIGHT * (np.arange(RIGHT.shape[1]) > 0)",
        ),
        bug(
            "no_bias@beta",
            "the bias of the output layer takes no part",
            "β has a column for the bias, which belongs to z₀ = 1. Here that column is not there or "
            "stays 0: it is neither used nor trained.",
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
            "σ(a) = 1/(1 + e^−a). With e^a in its place it is 1 − σ(a), which falls where σ rises, "
            "while z(1 − z) is the slope of the rising one.",
            "What is your σ(10)?",
            z="1 - RIGHT",
        ),
        bug(
            "wrong_activation",
            "the hidden layer is no sigmoid: z is 0 where a is 0",
            "The hidden layer must be z = σ(a), which is ½ where a = 0. Here z is 0 there, as with "
            "tanh, a ReLU or no activation at all, and from ZERO all of z stays 0 for ever.",
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
            "The probabilities of a case must add up to 1 over the classes. Where several cases are "
            "taken together, the sum here runs over the cases instead.",
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


def _of_backward() -> tuple[Variation, ...]:
    return (
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
            "β's column 0 belongs to the bias z₀ = 1, on which α has no influence. It must be left "
            "out of ∂J/∂z; here the last column is left out and the bias's is kept.",
            "Which column of β belongs to z₁?",
            2,
            dz="db @ beta[:, :-1]",
        ),
        bug(
            "bias_row_kept",
            "the wrong row of ∂J/∂α is dropped",
            "Carrying z₀ = 1 through the back pass gives ∂J/∂α a row too many, its first. Here the "
            "last row is dropped, so each unit gets the gradient of the one before it.",
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
            "−y/ŷ is the derivative by ŷ. To get to b the softmax's Jacobian is still needed; both "
            "together are ŷ − y.",
            "Which derivative belongs to the step from b to ŷ?",
            db="-y / p",
        ),
        bug(
            "diagonal_softmax",
            "the softmax's Jacobian is taken as its diagonal",
            "∂ŷₗ/∂bₖ is ŷₗ(1 − ŷₗ) on the diagonal and −ŷₗŷₖ beside it. The latter is left out, so "
            "only the output of the right class learns.",
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
            "no_slope@alpha_bias",
            "σ′ is missing in the gradient of α's biases",
            "The biases' gradient is ∂J/∂a, like that of the weights without the input. Here it is "
            "∂J/∂z, without z(1 − z).",
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


def _of_step() -> tuple[Variation, ...]:
    return (
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
            "Parameters must change after each case. Here the mean gradient of all cases makes one "
            "step in an epoch.",
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
            "Each step must use the gradient of its own case. Here the gradients are added up from "
            "step to step.",
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


def _of_epochs() -> tuple[Variation, ...]:
    return (
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
            "Parameters may change by the training data only. Here the validation cases make steps "
            "too.",
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


def _of_losses() -> tuple[Variation, ...]:
    each = ("train_loss", "validation_loss")
    return (
        bug(
            "no_mean@losses",
            "the cross-entropy is a sum where it is a mean",
            "The mean over the cases is asked for; here the cross-entropies of all cases are added "
            "up and not divided by their number.",
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
            **both(each, "RIGHT / K"),
        ),
        bug(
            "log_base@2",
            "the logarithm is that of base 2",
            "The cross-entropy is asked for with the natural logarithm.",
            "What should it be for ten classes that are equally likely?",
            **both(each, "RIGHT / np.log(2)"),
        ),
        bug(
            "log_base@10",
            "the logarithm is that of base 10",
            "The cross-entropy is asked for with the natural logarithm.",
            "What should it be for ten classes that are equally likely?",
            **both(each, "RIGHT / np.log(10)"),
        ),
        *(
            bug(
                f"offset_in_log@{offset}",
                f"{offset} is added within the logarithm",
                f"The cross-entropy is −log ŷ. Here it is −log(ŷ + {offset}), which is smaller; ŷ is "
                "never 0, since a softmax never is.",
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
            **both(each, "-RIGHT"),
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


def _of_times() -> tuple[Variation, ...]:
    return (
        bug(
            "during@train_loss",
            "crossentropy(train) is taken during the epoch instead of after it",
            "The cross-entropy of each case is taken when its turn comes, with the parameters of "
            "that moment. What is asked for is that of all cases with the parameters at the end of "
            "the epoch.",
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
            "The values of an epoch belong to the parameters at its end; here all epochs have those "
            "at the end of the training.",
            "When are the values computed, and when are they written?",
            train_losses="np.full(E, train_history[-1])",
            validation_losses="np.full(E, validation_history[-1])",
        ),
    )


def _of_labels() -> tuple[Variation, ...]:
    return (
        bug(
            "last_of_ties",
            "of equally likely classes the last is taken",
            "Where several classes are equally likely, the smallest index is to be predicted.",
            "Which label do you predict from ZERO before the first step?",
            train_labels="K - 1 - p_train.round(12)[:, ::-1].argmax(axis=1)",
            validation_labels="K - 1 - p_validation.round(12)[:, ::-1].argmax(axis=1)",
        ),
        bug(
            "labels_shifted@labels",
            "the predicted labels are one too large",
            "Labels count from 0, as in the data; the index of the class is the label itself.",
            "Which label do you write for the first entry of ŷ?",
            **both(LABELS, "RIGHT + 1"),
        ),
        bug(
            "least_likely",
            "the least likely class is predicted",
            "The label is the index of the largest probability; here it is that of the smallest.",
            "Compare one case's ŷ with its label by hand.",
            train_labels="p_train.argmin(axis=1)",
            validation_labels="p_validation.argmin(axis=1)",
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
            train_error="(p_train.round(12).argmax(axis=1) != t).mean()",
            validation_error="(p_validation.round(12).argmax(axis=1) != s).mean()",
        ),
    )


def _of_errors() -> tuple[Variation, ...]:
    return (
        bug(
            "accuracy@errors",
            "the errors are the share of right labels",
            "error is the share of wrong labels; here it is 1 minus that.",
            "What is the error of a network that is always right?",
            2,
            **both(ERRORS, "1 - RIGHT"),
        ),
        bug(
            "percent@errors",
            "the errors are in per cent",
            "A share between 0 and 1 is asked for.",
            "What is the error of a network that is always wrong?",
            **both(ERRORS, "100 * RIGHT"),
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
            train_error="(validation_labels != s).mean()",
            validation_error="(train_labels != t).mean()",
        ),
        bug(
            "other_data@validation_error",
            "error(validation) is that of the training data",
            "It must be computed from the labels of the validation data.",
            "Count the wrong labels in both labels files by hand.",
            validation_error="train_error",
        ),
    )


def _of_digits() -> tuple[Variation, ...]:
    few = tuple(
        bug(
            f"few_digits@{digits}",
            f"the cross-entropies are printed with {digits} digit{'s' * (digits > 1)} only",
            "Values are compared with a reference to six digits; print them as they are.",
            "How many digits has the sample output of the text?",
            **both(LOSSES, f"np.round(RIGHT, {digits})"),
        )
        for digits in (1, 2, 3, 4, 5)
    )
    enough = tuple(
        Variation(
            f"digits@{digits}",
            f"the cross-entropies are printed with {digits} digits",
            "",
            "",
            both(LOSSES, f"np.round(RIGHT, {digits})"),
            group="digits",
        )
        for digits in (6, 7, 8)
    )
    return (*few, *enough)

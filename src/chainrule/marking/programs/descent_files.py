"""What goes wrong with the files of a training program, and with the start of its parameters."""

from __future__ import annotations

from chainrule.marking.program import Variation
from chainrule.marking.programs.variations import bug

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
        "Each line must read `epoch=1 crossentropy(train): 2.18506276114` or `error(train): "
        "0.77`, with `train` or `validation` in the brackets, letter for letter.",
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
        "It holds two lines for each epoch and two for the errors, and nothing else: no heading "
        "and no remarks.",
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
        "It holds a line for train and one for validation in each epoch, numbered from 1, and "
        "then one each for the errors.",
        "Compare the number of lines with 2 · num_epoch + 2, and their first words with those of "
        "the sample.",
    ),
    (
        "form_order",
        "the lines of the metrics stand in another order",
        "In each epoch train comes before validation, the epochs follow each other, and the "
        "errors are last, train first.",
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


FORM: tuple[Variation, ...] = tuple(
    bug(name, title, sentence, hint, **{name: "1.0"}) for name, title, sentence, hint in _FORMS
)
"""The form of the files."""


DATA: tuple[Variation, ...] = (
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
        "Inputs may be any number between 0 and 1. They are read as integers here, which "
        "makes 0 of all of them but 1.",
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
"""Reading the data, and the sizes that follow from them."""


_RANDOM_STARTS = (
    (
        2,
        "zero_start@alpha",
        "RANDOM leaves α at 0",
        "With RANDOM, α and β are both drawn. Here α is 0: before the first step the "
        "probabilities do not depend on the inputs.",
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
        "Weights are drawn, but biases always start at 0: the first column of α and of β. Here "
        "the bias column of β is drawn like the rest.",
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


START: tuple[Variation, ...] = (
    bug(
        "always_random",
        "ZERO starts with random weights",
        "With init_flag 2 all weights must be 0, and then two cases get the same "
        "probabilities before the first step. They do not here: the start is random.",
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
"""The start of the parameters."""

"""What goes wrong where δ is sent back, and where it becomes gradients of parameters."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import Dense
from chainrule.marking.programs.dense_slopes import slope_lines
from chainrule.marking.programs.places import at_layers, ruled


def gradient_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs from δ on: what is sent back, ∂L/∂W, ∂L/∂b, and all arrays at once."""
    yield from _sent_back(net)
    yield from _bias_cut_wrongly(net)
    yield from _weights(net)
    yield from _biases(net)
    yield from _wholes(net)


def _sent_back(net: Dense) -> Iterator[Variation]:
    yield from _sent_through(net)
    yield from _slopes_sent(net)
    yield from _arrays_sent(net)


def _sent_through(net: Dense) -> Iterator[Variation]:
    """What δ is multiplied by on its way to the layer below."""
    upper = range(2, net.layers + 1)
    yield from at_layers(
        upper,
        "transposed",
        "W is not transposed where δ is sent back through {layer}",
        "δ is multiplied by W instead of Wᵀ; where W is square no shape complains. Forward is "
        "x·W, so that back is δ·Wᵀ: row i of W belongs to input i.",
        "Shapes cannot tell the two apart here. Follow one weight from unit to unit.",
        lambda k: {f"da{k - 1}": f"d{k} @ W{k}"},
        often=2,
    )
    yield from at_layers(
        upper,
        "gradient_for_weights",
        "∂L/∂W is used in place of W where δ is sent back through {layer}",
        "δ is multiplied by the gradient dW instead of the weights W. An input moves the loss "
        "through the weights that it is multiplied with.",
        "Double W of that layer alone. By which factor should the δ below it change?",
        lambda k: {f"da{k - 1}": f"d{k} @ dW{k}.T"},
        often=3,
    )
    yield from at_layers(
        upper,
        "penalty_sent_back",
        "the gradient without its penalty is used in place of W through {layer}",
        "δ is multiplied by xᵀδ instead of the weights W. An input moves the loss through the "
        "weights that it is multiplied with.",
        "Double W of that layer alone. By which factor should the δ below it change?",
        lambda k: {f"da{k - 1}": f"d{k} @ dW{k}_data.T"},
    )
    yield from at_layers(
        [k for k in upper if k > 1],
        "weights_of_layer_below",
        "δ is sent back through the weights of the layer below {layer}",
        "δ of {layer} is multiplied by another layer's W: an index is off by one, and where the "
        "shapes are equal nothing complains.",
        "Which W did the forward pass use between these two layers?",
        lambda k: {f"da{k - 1}": f"d{k} @ W{k - 1}.T"},
    )
    yield from at_layers(
        upper,
        "assigned_over_units",
        "what is sent back through {layer} is of the last unit alone: = in place of +=",
        "In the loop over the units the error of a unit below is assigned, so that only the last "
        "unit's share remains; all shares must be added up.",
        "Set the weights of the last unit to 0. Is anything sent back?",
        lambda k: {f"da{k - 1}": f"np.outer(d{k}[:, -1], W{k}[:, -1])"},
    )


def _slopes_sent(net: Dense) -> Iterator[Variation]:
    """Errors that add up, and a slope too many."""
    upper = range(2, net.layers + 1)
    lower = [k - 1 for k in upper if f"s{k - 1}" in slope_lines(net)]
    yield from at_layers(
        lower,
        "errors_add_up@d",
        "δ of {layer} still has that of the case before in it",
        "The error of a hidden unit is summed up in a variable that is not set to 0 for each "
        "case; only the first case is right.",
        "Take the same case twice. Should the second have another δ?",
        ruled("d{k}", "carried(da{k}, s{k})"),
    )
    bent = [k for k in upper if f"s{k}" in slope_lines(net)]
    yield from at_layers(
        [k for k in bent if net.is_given or net.activations[k - 1] != "relu"],
        "slope_twice_sent",
        "φ′ of {layer} is in twice what is sent back through it",
        "The layer's own gradients are right; what it hands down has φ′(z) once more.",
        "Mark every place of your backward pass where the activation's derivative is used.",
        ruled("da{j}", "(d{k} * s{k}) @ W{k}.T"),
    )


def _arrays_sent(net: Dense) -> Iterator[Variation]:
    """Another array on the way to the layer below."""
    upper = range(2, net.layers + 1)
    yield from at_layers(
        upper,
        "errors_add_up",
        "what is sent back through {layer} is added to that of the cases before",
        "The error of a hidden unit is summed up without being set to 0 for each case, so that "
        "every case has the errors of those before it as well.",
        "Take the same case twice. Should the second have another δ?",
        lambda k: {f"da{k - 1}": "np.cumsum(RIGHT, axis=0)"},
    )
    curved = [k for k in upper if net.is_given or net.activations[k - 2] != "relu"]
    yield from at_layers(
        curved,  # of relu the same as φ for φ′
        "sent_times_input",
        "what is sent back through {layer} is multiplied by the layer's input as well",
        "∂L/∂a of the layer below is δ Wᵀ; the input belongs to ∂L/∂W alone.",
        "By what is a multiplied in the forward pass?",
        lambda k: {f"da{k - 1}": f"RIGHT * a{k - 1}"},
    )
    yield from at_layers(
        upper,
        "shared_over_units",
        "δ is not weighted when it is sent back through {layer}",
        "Every unit below gets the sum of δ, as if all weights were 1.",
        "Double one weight. Whose δ should change?",
        lambda k: {f"da{k - 1}": f"d{k} @ np.ones_like(W{k}).T"},
    )
    yield from at_layers(
        [k for k in upper if k < net.layers or not net.is_fused],
        "delta_without_slope_sent",
        "∂L/∂a, not δ, is sent back through {layer}",
        "What goes back through {layer} lacks its φ′(z): its own gradients have it, the layers "
        "below do not.",
        "By which variable is what you hand down the derivative?",
        lambda k: {f"da{k - 1}": f"da{k} @ W{k}.T"},
    )
    if net.is_fused and net.layers > 1:
        last = net.layers
        yield Variation(
            "output_sent_back",
            "the probabilities, not δ, are sent back",
            "The hidden δ is made of p·Wᵀ; it must be made of δ = (p − t)/N.",
            "Which hidden δ does a case have whose prediction is perfect?",
            {f"da{last - 1}": f"p @ W{last}.T"},
        )


def _weights(net: Dense) -> Iterator[Variation]:
    yield from _inputs_of_weights(net)
    yield from _products_of_weights(net)
    yield from _arrays_of_weights(net)


def _inputs_of_weights(net: Dense) -> Iterator[Variation]:
    """Another array in the place of the layer's input, or a product turned round."""
    every, upper = range(1, net.layers + 1), range(2, net.layers + 1)
    yield from at_layers(
        [k for k in every if k in net.bent or not net.is_fused],
        "own_output",
        "∂L/∂W of {layer} is made with the layer's own output",
        "The product takes the output a of {layer} where its input belongs: an index is off by "
        "one, and with square shapes nothing complains.",
        "Set one input of the layer to 0. Which gradients must be 0 as well?",
        lambda k: {f"dW{k}_data": f"{'a' if k in net.bent else 'z'}{k}.T @ d{k}"},
        often=2,
    )
    yield from at_layers(
        upper,
        "z_for_a",
        "∂L/∂W of {layer} is made with z, before the activation",
        "The product takes z of the layer below; what W of {layer} multiplies in the forward pass "
        "is a = φ(z).",
        "Which array does the forward pass multiply by this W?",
        lambda k: {f"dW{k}_data": f"z{k - 1}.T @ d{k}"},
        often=2,
    )
    yield from at_layers(
        upper,
        "input_for_a",
        "∂L/∂W of {layer} is made with the network's input X",
        "The product takes X; what W of {layer} multiplies in the forward pass is the output of "
        "the layer below. With equal sizes nothing complains.",
        "Which array does the forward pass multiply by this W?",
        lambda k: {f"dW{k}_data": f"X.T @ d{k}"},
    )
    yield from at_layers(
        every,
        "transposed@dW",
        "∂L/∂W of {layer} is transposed",
        "The gradient is δᵀx where W has a row for each input: rows and columns are exchanged, "
        "and with square shapes nothing complains.",
        "Set one input to 0. A row or a column of the gradient must become 0: which?",
        lambda k: {f"dW{k}_data": "RIGHT.T"},
        often=2,
    )


def _products_of_weights(net: Dense) -> Iterator[Variation]:
    """What is no matrix product, or has some of the cases alone."""
    every = range(1, net.layers + 1)
    yield from at_layers(
        every,
        "reshaped",
        "∂L/∂W of {layer} is reshaped where it should be transposed",
        "δᵀx is brought into shape by reshape. Transposing moves each number to its place; "
        "reshape only counts them anew.",
        "The shape is right and so is the sum of all numbers. Is each in its place?",
        lambda k: {f"dW{k}_data": f"(d{k}.T @ a{k - 1}).reshape(W{k}.shape)"},
    )
    yield from at_layers(
        every,
        "elementwise_product@dW",
        "* in place of the matrix product in ∂L/∂W of {layer}",
        "x and δ are multiplied number by number; ∂L/∂W is xᵀδ, a matrix product that sums over "
        "the cases.",
        "Which shape must the gradient have, and which does your product have for 5 cases?",
        lambda k: {f"dW{k}_data": f"a{k - 1} * d{k}"},
        often=2,
    )
    yield from at_layers(
        every,
        "summed_before_product",
        "the cases are summed before they are multiplied in ∂L/∂W of {layer}",
        "The sum of the inputs is multiplied by the sum of δ. The sum over the cases is of the "
        "products x·δ of each case.",
        "Take two cases whose δ are opposite but whose inputs differ. Is the gradient 0?",
        lambda k: {f"dW{k}_data": f"np.outer(a{k - 1}.sum(axis=0), d{k}.sum(axis=0))"},
    )
    yield from at_layers(
        every,
        "first_case@dW",
        "∂L/∂W of {layer} has the first case alone",
        "The product of the first case's input and δ is taken; the gradient is the sum over all "
        "cases.",
        "Change a case other than the first. Which gradients follow?",
        lambda k: {f"dW{k}_data": f"np.outer(a{k - 1}[0], d{k}[0])"},
    )
    yield from at_layers(
        every,
        "assigned@dW",
        "∂L/∂W of {layer} has the last case alone: = in place of +=",
        "In the loop over the cases the gradient is assigned, so that only the last case remains; "
        "the cases' gradients must be added up.",
        "Change a case other than the last. Which gradients follow?",
        lambda k: {f"dW{k}_data": f"np.outer(a{k - 1}[-1], d{k}[-1])"},
        often=2,
    )
    yield from _parts_of_weights(net)


def _arrays_of_weights(net: Dense) -> Iterator[Variation]:
    """Another array in the place of δ, or none."""
    every = range(1, net.layers + 1)
    yield from at_layers(
        every,
        "over_units@dW",
        "∂L/∂W of {layer} is divided by the number of units",
        "A mean is taken over the layer's units as well; the gradient is a sum over the cases.",
        "Double the number of units by taking each twice. Should the gradient of one change?",
        lambda k: {f"dW{k}_data": f"RIGHT / W{k}.shape[1]"},
    )
    yield from at_layers(
        every,
        "dW_of_ones",
        "the input is missing in ∂L/∂W of {layer}",
        "Every row of the gradient is the sum of δ, as if all inputs were 1.",
        "Set one input of the layer to 0. Which gradients must be 0 as well?",
        lambda k: {f"dW{k}_data": f"np.ones_like(a{k - 1}).T @ d{k}"},
    )
    yield from at_layers(
        [k for k in every if f"s{k}" in slope_lines(net)],
        "dW_before_slope",
        "φ′ is missing in ∂L/∂W of {layer} alone",
        "∂L/∂W of {layer} is made with ∂L/∂a, before φ′(z) is multiplied in; it must be made with "
        "δ = ∂L/∂a · φ′(z).",
        "Which of your gradients use δ, and which what was there before it?",
        lambda k: {f"dW{k}_data": f"a{k - 1}.T @ da{k}"},
    )
    yield from at_layers(
        every,
        "no_weights",
        "∂L/∂W of {layer} is 0",
        "The gradient of these weights is never computed, so they never learn.",
        "Which numbers never move, however long you train?",
        lambda k: {f"dW{k}": f"np.zeros_like(W{k})"},
    )
    yield from at_layers(
        every,
        "negated@dW",
        "the sign of ∂L/∂W of {layer} is turned round",
        "The data part of this gradient has the opposite sign, while the others are right.",
        "Move one of these weights a little along its gradient. Which way does the loss go?",
        lambda k: {f"dW{k}_data": "-RIGHT"},
    )


def _parts_of_weights(net: Dense) -> Iterator[Variation]:
    """Loops over cases, inputs or units that begin late or end early."""
    every = range(1, net.layers + 1)
    for kind, words, rule in (
        ("first_case_lost@dW", "the first case is", "a{j}[1:].T @ d{k}[1:]"),
        ("last_case_lost@dW", "the last case is", "a{j}[:-1].T @ d{k}[:-1]"),
        (
            "first_input_lost",
            "the first input is",
            "RIGHT * (np.arange(W{k}.shape[0]) > 0)[:, None]",
        ),
        (
            "last_input_lost",
            "the last input is",
            "RIGHT * (np.arange(W{k}.shape[0]) < W{k}.shape[0] - 1)[:, None]",
        ),
        ("first_unit_lost", "the first unit is", "RIGHT * (np.arange(W{k}.shape[1]) > 0)"),
        (
            "last_unit_lost",
            "the last unit is",
            "RIGHT * (np.arange(W{k}.shape[1]) < W{k}.shape[1] - 1)",
        ),
    ):
        yield from at_layers(
            every,
            kind,
            words + " left out of ∂L/∂W of {layer}",
            "A loop (or a slice) begins at 1, or ends one too early, where {layer}'s gradient is "
            "made.",
            "Which rows, columns or cases does your loop visit? Print its first and last index.",
            ruled("dW{k}_data", rule),
        )
    if net.is_fused and not net.one_hot:
        last, classes = net.layers, f"W{net.layers}.shape[1]"
        part = f"last_of_each(a{last - 1}, y, {classes})"
        yield Variation(
            "assigned_over_classes",
            f"of several cases of a class one alone counts in ∂L/∂W of layer {last}",
            "sums[y] += x adds once for each index, also where a class comes twice; NumPy then "
            "keeps the last. np.add.at(sums, y, x) adds all of them.",
            "Take two cases of the same class. Does the gradient follow both?",
            {f"dW{last}_data": f"(a{last - 1}.T @ p - {part}) / N"},
        )


def _bias_cut_wrongly(net: Dense) -> Iterator[Variation]:
    upper = range(2, net.layers + 1)
    for kind, words, rule in (
        ("bias_row_kept@first", "the last unit", "d{k} @ np.vstack([b{k}, W{k}[:-1]]).T"),
        ("bias_row_kept@last", "the first unit", "d{k} @ np.vstack([W{k}[1:], b{k}]).T"),
    ):
        yield from at_layers(
            upper,
            kind,
            words + " is cut off in place of the bias where δ is sent back through {layer}",
            "Weights and bias are one array; on the way back the bias's row belongs to no unit "
            "and must be cut off. The wrong end is cut, so every unit gets the weights of its "
            "neighbour.",
            "At which end of the array is the bias, and which end do you cut?",
            ruled("da{j}", rule),
        )


def _biases(net: Dense) -> Iterator[Variation]:
    yield from _sums_of_biases(net)
    yield from _cases_of_biases(net)
    yield from _arrays_of_biases(net)


def _sums_of_biases(net: Dense) -> Iterator[Variation]:
    """The sum over the cases: over all, over another axis, or none."""
    every = range(1, net.layers + 1)
    yield from at_layers(
        every,
        "bias_of_all_units",
        "∂L/∂b of {layer} is one number for all units",
        "δ is summed over the cases and over the units, without an axis. Each unit has a bias of "
        "its own: the sum runs over the cases alone.",
        "Look at the shapes on both sides. Would a wrong one have been noticed?",
        lambda k: {f"db{k}_data": f"np.full(d{k}.shape[1], d{k}.sum())"},
        often=2,
    )
    yield from at_layers(
        every,
        "bias_a_number",
        "∂L/∂b of {layer} is a single number",
        "δ is summed without an axis, which gives one number; b has one for each unit, and "
        "broadcasting hides it in the update.",
        "Print the shapes of b and of its gradient.",
        lambda k: {f"db{k}": f"d{k}.sum()"},
        often=2,
    )
    yield from at_layers(
        every,
        "summed_over_wrong_axis@db",
        "∂L/∂b of {layer} is summed over the units, not over the cases",
        "The sum runs along the wrong axis and gives a number for each case; b has one for each "
        "unit. With as many cases as units no shape complains.",
        "How many numbers should ∂L/∂b have, and how many has yours for 7 cases?",
        lambda k: {f"db{k}": f"d{k}.sum(axis=1)"},
        often=2,
    )
    yield from at_layers(
        every,
        "bias_not_summed",
        "∂L/∂b of {layer} is not summed over the cases",
        "δ itself, a row for each case, is returned; a bias is added in every case, so that its "
        "gradient is the sum of δ over the cases.",
        "Print the shapes of b and of its gradient.",
        lambda k: {f"db{k}": f"d{k}"},
    )


def _cases_of_biases(net: Dense) -> Iterator[Variation]:
    """Some of the cases alone, or none."""
    every = range(1, net.layers + 1)
    yield from at_layers(
        every,
        "bias_of_first_case",
        "∂L/∂b of {layer} has the first case alone",
        "δ of the first case is taken; a bias is added in every case, so that its gradient is the "
        "sum of δ over the cases.",
        "Change a case other than the first. Which gradients follow?",
        lambda k: {f"db{k}_data": f"d{k}[0]"},
    )
    yield from at_layers(
        every,
        "assigned@db",
        "∂L/∂b of {layer} has the last case alone: = in place of +=",
        "In the loop over the cases the gradient is assigned, so that only the last case remains; "
        "the cases' gradients must be added up.",
        "Change a case other than the last. Which gradients follow?",
        lambda k: {f"db{k}_data": f"d{k}[-1]"},
    )
    for kind, words, rule in (
        ("first_case_lost@db", "the first case is", "d{k}[1:].sum(axis=0)"),
        ("last_case_lost@db", "the last case is", "d{k}[:-1].sum(axis=0)"),
    ):
        yield from at_layers(
            every,
            kind,
            words + " left out of ∂L/∂b of {layer}",
            "A loop (or a slice) over the cases begins at 1, or ends one too early.",
            "Which cases does your sum visit? Change one of them at a time.",
            ruled("db{k}_data", rule),
        )
    yield from at_layers(
        every,
        "no_bias",
        "∂L/∂b of {layer} is 0",
        "The gradient of these biases is never computed, so they never learn.",
        "Which numbers never move, however long you train?",
        lambda k: {f"db{k}": f"np.zeros_like(b{k})"},
        often=2,
    )
    yield from at_layers(
        every,
        "ones@db",
        "∂L/∂b of {layer} is all ones",
        "The gradient of the biases does not depend on δ. The derivative of z by b is 1, and the "
        "chain rule multiplies it by δ.",
        "Make every prediction perfect. What must the gradient of b be then?",
        lambda k: {f"db{k}_data": f"np.ones_like(b{k})"},
    )


def _arrays_of_biases(net: Dense) -> Iterator[Variation]:
    """Another array in the place of δ."""
    every = range(1, net.layers + 1)
    yield from at_layers(
        every,
        "bias_counts_cases",
        "∂L/∂b of {layer} is the number of cases",
        "Ones are summed over the cases instead of δ: the upstream gradient is missing.",
        "Make every prediction perfect. What must the gradient of b be then?",
        lambda k: {f"db{k}_data": f"np.full(d{k}.shape[1], float(N))"},
    )
    yield from at_layers(
        every,
        "bias_from_weights",
        "∂L/∂b of {layer} is summed from ∂L/∂W, not from δ",
        "The rows of xᵀδ are added up, so the inputs are in it; ∂L/∂b is the sum of δ itself.",
        "What is the input that b is multiplied with?",
        lambda k: {f"db{k}_data": f"dW{k}_data.sum(axis=0)"},
    )
    yield from at_layers(
        [k for k in every if f"s{k}" in slope_lines(net)],
        "bias_before_slope",
        "φ′ is missing in ∂L/∂b of {layer} alone",
        "∂L/∂b of {layer} sums ∂L/∂a, before φ′(z) is multiplied in; it is the sum of "
        "δ = ∂L/∂a · φ′(z).",
        "Which of your gradients use δ, and which what was there before it?",
        lambda k: {f"db{k}_data": f"da{k}.sum(axis=0)"},
        often=2,
    )
    yield from at_layers(
        every,
        "negated@db",
        "the sign of ∂L/∂b of {layer} is turned round",
        "This gradient has the opposite sign, while the others are right.",
        "Move one of these biases a little along its gradient. Which way does the loss go?",
        lambda k: {f"db{k}_data": "-RIGHT"},
    )
    yield from at_layers(
        every,
        "begins_at_one@db",
        "the sum for ∂L/∂b of {layer} begins at 1",
        "The array that δ is added to is made of ones; a sum begins at 0.",
        "Make every prediction perfect. What must the gradient of b be then?",
        lambda k: {f"db{k}_data": "RIGHT + 1"},
    )
    yield from at_layers(
        every,
        "bias_absolute",
        "∂L/∂b of {layer} sums the absolute values of δ",
        "|δ| is added up, so that cases that pull in opposite directions no longer cancel.",
        "Take two cases with opposite δ. What must the gradient of b be?",
        lambda k: {f"db{k}_data": f"np.abs(d{k}).sum(axis=0)"},
    )


def _wholes(net: Dense) -> Iterator[Variation]:
    """Bugs in all arrays at once."""
    yield from _loops_over_cases(net)
    yield from _changed_gradients(net)


def _loops_over_cases(net: Dense) -> Iterator[Variation]:
    """Loops that lose cases, and parameters that are changed."""
    every = range(1, net.layers + 1)
    if net.layers > 1:
        yield Variation(
            "loop_too_short",
            "the first layer is skipped on the way back",
            "The loop over the layers ends one layer early: the gradients of layer 1 stay 0.",
            "Count the layers, and count the gradients.",
            {"dW1": "np.zeros_like(W1)", "db1": "np.zeros_like(b1)"},
        )
    yield Variation(
        "assigned_over_cases",
        "all gradients have the last case alone: = in place of +=",
        "In the loop over the cases the gradients are assigned, so that only the last case "
        "remains; the cases' gradients must be added up.",
        "Change a case other than the last. Which gradients follow?",
        {f"dW{k}_data": f"np.outer(a{k - 1}[-1], d{k}[-1])" for k in every}
        | {f"db{k}_data": f"d{k}[-1]" for k in every},
        often=2,
    )
    yield Variation(
        "parameters_changed",
        "the call changes the parameters of the network",
        "W or b is changed in place (such as W *= 2·reg, or an update) where gradients are asked "
        "for; the next call then sees another network.",
        "Print one number of the parameters before and after the call.",
        {"parameters_changed": "1.0"},
        often=2,
    )


def _changed_gradients(net: Dense) -> Iterator[Variation]:
    """Gradients that are changed before they are returned."""
    every = range(1, net.layers + 1)
    for kind, title, sentence, rule in (
        (
            "gradient_normalised",
            "every gradient is divided by its norm",
            "The gradients have length 1, so they are no longer those of the loss.",
            "RIGHT / np.linalg.norm(RIGHT)",
        ),
        (
            "gradient_signs",
            "the signs of the gradients are returned",
            "Only +1 and −1 are left of the gradients.",
            "np.sign(RIGHT)",
        ),
    ):
        yield Variation(
            kind,
            title,
            sentence,
            "Multiply the loss by 1000. By which factor do your gradients grow?",
            {name: rule for k in every for name in (f"dW{k}", f"db{k}")},
        )
    for bound in (1, 5):
        yield Variation(
            f"clipped_gradient@{bound}",
            f"the gradients are clipped at ±{bound}",
            f"Numbers beyond ±{bound} are cut off before the gradients are returned, so they are "
            "no longer those of the loss; clipping, if wanted, belongs into the update.",
            "Multiply the loss by 1000. By which factor do your gradients grow?",
            {
                name: f"np.clip(RIGHT, -{bound}, {bound})"
                for k in every
                for name in (f"dW{k}", f"db{k}")
            },
        )

"""What goes wrong in the penalty of a dense network, in the loss and in the gradients."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import Dense, penalty_slope, size
from chainrule.marking.programs.places import at_layers, ruled


def penalty_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs of penalties; none where there is no penalty."""
    if net.penalty == "none" and not net.is_given:
        return
    yield from _left_out(net)
    yield from _factors(net)
    yield from _biases(net)
    yield from _formulas(net)


def _every(net: Dense) -> range:
    return range(1, net.layers + 1)


def _left_out(net: Dense) -> Iterator[Variation]:
    if not net.is_given:  # where it is a convention
        yield Variation(
            "penalty_not_in_loss",
            "the penalty is missing in the loss, while the gradients have it",
            "The loss is returned without the penalty; the gradients then are not those of this "
            "loss.",
            "Change reg. What should happen to the loss?",
            {"penalty": "0.0"},
            often=2,
        )
    if net.layers > 1:
        yield from at_layers(
            _every(net),
            "weights_not_in_penalty",
            "W of {layer} is missing in the penalty of the loss",
            "The sum of squares leaves out W of {layer}, while the gradient has its term.",
            "Change one weight of each layer in turn. For which does the penalty not change?",
            lambda k: {f"size_W{k}": "0.0"},
            whole=False,
        )
        yield from at_layers(
            _every(net),
            "weights_not_penalised",
            "W of {layer} is left out of the penalty, in loss and gradient",
            "The penalty is over the weights of all layers; W of {layer} is missing in it.",
            "Change one weight of each layer in turn. For which does the penalty not change?",
            lambda k: {f"size_W{k}": "0.0", f"dW{k}_penalty": f"np.zeros_like(W{k})"},
            whole=False,
        )
    yield from at_layers(
        _every(net),
        "penalty_not_in_gradient",
        "the penalty is missing in ∂L/∂W of {layer}",
        "The loss has the penalty of W of {layer}, but its derivative is not added to the "
        "gradient.",
        "Set the targets so that the data's gradient is 0. What is left of ∂L/∂W?",
        lambda k: {f"dW{k}_penalty": f"np.zeros_like(W{k})"},
        often=2,
    )


def _factors(net: Dense) -> Iterator[Variation]:
    yield from _doubled_factors(net)
    yield from _slopes_of_squares(net)
    yield from _brackets(net)
    yield from _signs_and_rates(net)
    yield from _numbers_of_cases(net)


def _doubled_factors(net: Dense) -> Iterator[Variation]:
    """The factor 2 of the penalty's derivative, or the ½ of the penalty."""
    squares = net.penalty == "squares" and not net.is_given
    half = "½λ·ΣW²"
    if squares:
        yield from at_layers(
            _every(net),
            "penalty_without_2",
            "the factor 2 of the penalty's derivative is missing in {layer}",
            "The loss has λ·ΣW², whose derivative is 2λW; the gradient adds λW, which belongs to "
            f"{half}.",
            "Differentiate λw² by w on paper.",
            lambda k: {f"dW{k}_penalty": f"reg * W{k}"},
            often=4,
        )
        yield Variation(
            "half_penalty_in_loss",
            "the loss has ½λΣW² while the gradient is 2λW",
            "The derivative of ½λΣW² is λW; the gradient belongs to λΣW².",
            "Differentiate ½λw² by w on paper.",
            {"penalty": "RIGHT / 2"},
        )
    else:
        yield from at_layers(
            _every(net),
            "penalty_with_2",
            "the penalty's derivative is twice too large in {layer}",
            f"The loss has {half}, whose derivative is λW; the gradient adds 2λW.",
            "Differentiate ½λw² by w on paper.",
            lambda k: {f"dW{k}_penalty": net.where("wrt == 'L2'", "2 * RIGHT")},
            often=3,
        )
        yield Variation(
            "whole_penalty_in_loss",
            "the loss has λΣW² while the gradient is λW",
            f"The derivative of λΣW² is 2λW; the gradient belongs to {half}.",
            "Differentiate λw² by w on paper.",
            {"penalty": net.where("wrt == 'L2'", "2 * RIGHT")},
            often=3,
        )


def _slopes_of_squares(net: Dense) -> Iterator[Variation]:
    """What stands in the place of the derivative of w²."""
    for kind, rule, title, sentence in (
        (
            "penalty_not_differentiated",
            "reg * W{k}**2",
            "the penalty itself, not its derivative, is added to ∂L/∂W of {layer}",
            "λw² is the penalty of a weight; its derivative is 2λw.",
        ),
        (
            "penalty_slope_squared",
            "2 * reg * W{k}**2",
            "the penalty's derivative has w² in place of w in {layer}",
            "The derivative of w² is 2w.",
        ),
        (
            "penalty_slope_summed",
            "2 * reg * np.sum(W{k}) + 0 * W{k}",
            "the penalty's derivative is one number for all weights of {layer}",
            "Each weight's derivative is that of its own square: 2λw, not 2λΣw.",
        ),
        (
            "penalty_slope_absolute",
            "2 * reg * np.abs(W{k})",
            "the penalty's derivative has |w| in place of w in {layer}",
            "The derivative of w² is 2w, which is negative for a negative w.",
        ),
        (
            "penalty_slope_sign",
            "reg * np.sign(W{k})",
            "the penalty's derivative is λ·sign(w) in {layer}",
            "λ·sign(w) belongs to λ·|w|; the derivative of λw² is 2λw.",
        ),
        (
            "penalty_slope_twice",
            "4 * reg * W{k}",
            "the penalty's derivative is twice too large in {layer}",
            "4λW is added, or 2λW twice; the derivative of λw² is 2λw.",
        ),
        (
            "rate_squared",
            "2 * reg**2 * W{k}",
            "λ is multiplied in twice in the penalty's derivative in {layer}",
            "2λ²W is added; the derivative of λw² is 2λw.",
        ),
    ):
        if net.penalty == "squares" and not net.is_given:
            yield from at_layers(
                _every(net),
                kind,
                title,
                sentence,
                "Differentiate λw² by w on paper, for w = −3.",
                ruled("dW{k}_penalty", rule),
            )


def _brackets(net: Dense) -> Iterator[Variation]:
    """λ or a factor that is on some of the sums alone."""
    if net.layers > 1:
        sizes = [f"size_{name}" for name in net.parameters]
        for k in _every(net):
            others = " + ".join(size for size in sizes if size != f"size_W{k}")
            yield Variation(
                f"rate_left_out_of_loss@{k}",
                f"λ is missing for W of layer {k} in the loss",
                "A bracket is out of place: λ multiplies only some of the sums.",
                "Write the penalty with all its brackets. Set reg to 0: what is left of it?",
                {"penalty": f"reg * ({others}) + size_W{k}"},
            )
            if net.is_given or net.penalty != "squares":
                continue
            yield Variation(
                f"half_penalty_in_loss@{k}",
                f"the loss has ½λΣW² for layer {k}, while the gradient is 2λW",
                "One of the sums of squares is halved, the other and the gradients are not.",
                "Write the penalty with all its factors, layer by layer.",
                {f"size_W{k}": "RIGHT / 2"},
            )


def _signs_and_rates(net: Dense) -> Iterator[Variation]:
    """The penalty's sign and rate."""
    yield from at_layers(
        _every(net),
        "penalty_sign",
        "the sign of the penalty is turned round in ∂L/∂W of {layer}",
        "The penalty's derivative is subtracted, so that the weights grow; it is added to the "
        "gradient, because the penalty is added to the loss.",
        "With reg large, should a step make the weights larger or smaller?",
        lambda k: {f"dW{k}_penalty": "-RIGHT"},
    )
    yield Variation(
        "penalty_subtracted",
        "the penalty is subtracted in the loss",
        "The loss falls as the weights grow; the penalty is added to the data's loss.",
        "Should larger weights raise or lower the loss?",
        {"penalty": "-RIGHT"},
    )
    yield from at_layers(
        _every(net),
        "rate_left_out",
        "λ is missing in the penalty's derivative in {layer}",
        "The gradient adds the derivative of the sum without its factor λ, also where reg is 0.",
        "Set reg to 0. Does the penalty leave your gradient?",
        lambda k: {f"dW{k}_penalty": penalty_slope(net, f"W{k}").replace("reg", "1.0")},
    )
    yield Variation(
        "rate_left_out_of_loss",
        "λ is missing in the penalty of the loss",
        "The sum of squares is added without its factor λ, also where reg is 0.",
        "Set reg to 0. Does the penalty leave your loss?",
        {
            "penalty": "RIGHT / reg if reg else "
            + " + ".join(f"np.sum(W{k}**2)" for k in _every(net))
        }
        if not net.is_given
        else {"penalty": " + ".join(f"size_{name}" for name in net.penalised)},
    )
    for k in _every(net):
        if net.layers > 1:
            yield Variation(
                f"rate_twice@{k}",
                f"λ is multiplied in twice for W of layer {k} in the loss",
                "A bracket is out of place: one of the sums is multiplied by λ once more.",
                "Write the penalty with all its brackets, and count the λ of each sum.",
                {f"size_W{k}": "RIGHT * reg"},
            )


def _numbers_of_cases(net: Dense) -> Iterator[Variation]:
    """N where the penalty has none."""
    yield Variation(
        "penalty_over_N_in_loss",
        "the penalty is divided by N in the loss alone",
        "The mean over the cases takes the penalty with it; the penalty does not depend on the "
        "cases and is added after the mean. The gradients are not those of this loss.",
        "Take each case twice. Should the penalty change?",
        {"penalty": "RIGHT / N"},
        often=2,
    )
    yield from at_layers(
        _every(net),
        "penalty_over_N_in_gradient",
        "the penalty is divided by N in ∂L/∂W of {layer}",
        "The penalty's derivative is added before the division by N; it does not depend on the "
        "cases.",
        "Take each case twice. Should the penalty's part of the gradient change?",
        lambda k: {f"dW{k}_penalty": "RIGHT / N"},
        often=2,
    )
    yield from at_layers(
        _every(net),
        "penalty_times_N",
        "the penalty is added once for each case in ∂L/∂W of {layer}",
        "The penalty's derivative is inside the loop (or the sum) over the cases and is added N "
        "times.",
        "Take each case twice. Should the penalty's part of the gradient change?",
        lambda k: {f"dW{k}_penalty": "RIGHT * N"},
    )
    yield Variation(
        "penalty_times_N_in_loss",
        "the penalty is added once for each case in the loss",
        "The penalty is inside the loop over the cases and is added N times.",
        "Take each case twice. Should the penalty change?",
        {"penalty": "RIGHT * N"},
    )


def _biases(net: Dense) -> Iterator[Variation]:
    if net.biases_penalised:
        return
    yield from at_layers(
        _every(net),
        "penalty_on_biases_in_gradient",
        "the penalty is in ∂L/∂b of {layer}, but not in the loss",
        "The gradient of the biases has a term of the penalty, while the loss penalises the "
        "weights alone.",
        "Change b of that layer. Does the penalty of your loss change?",
        lambda k: {f"db{k}_penalty": penalty_slope(net, f"b{k}")},
        often=3,
    )
    yield from at_layers(
        _every(net),
        "biases_not_penalised",
        "the penalty of b is in the loss, but not in ∂L/∂b of {layer}",
        "The loss penalises the biases as well, but the derivative of that is not added to ∂L/∂b.",
        "Change b of that layer. Does the penalty of your loss change?",
        lambda k: {f"db{k}_penalty": f"np.zeros_like(b{k})"},
    )
    yield from at_layers(
        _every(net),
        "biases_not_penalised_nor_weights",
        "the penalty of W and that of b are lost in the gradients of {layer}",
        "The loss penalises weights and biases, but where the gradients are assigned (= for +=) "
        "the penalty's derivative, which was put there before, is overwritten.",
        "Set the targets so that the data's gradient is 0. What is left of ∂L/∂W and ∂L/∂b?",
        lambda k: {  # without a penalty on the biases it is no other bug than that of W
            f"dW{k}_penalty": f"np.zeros_like(W{k}) if size_b{k} else RIGHT",
            f"db{k}_penalty": f"np.zeros_like(b{k})",
        },
        often=2,
    )
    if net.penalty == "squares" and not net.is_given:
        yield Variation(
            "half_penalty_on_biases_in_gradient",
            "λb is in the gradients of the biases, but no penalty of them in the loss",
            "The gradients of the biases have a term λb, while the loss penalises the weights "
            "alone.",
            "Change a bias. Does the penalty of your loss change?",
            {f"db{k}_penalty": f"reg * b{k}" for k in _every(net)},
        )
    yield Variation(
        "penalty_on_biases_in_loss",
        "the biases are in the penalty of the loss, but not in the gradients",
        "The loss penalises weights and biases, while the gradients of the biases have no such "
        "term.",
        "Which parameters does the text put under the penalty?",
        {f"size_b{k}": size(net, f"b{k}") for k in _every(net)},
        often=2,
    )


def _formulas(net: Dense) -> Iterator[Variation]:
    yield from _sums_of_weights(net)
    yield from _means_of_weights(net)


def _sums_of_weights(net: Dense) -> Iterator[Variation]:
    """Another sum over the weights in the place of that of the squares."""
    for kind, rule, title, sentence, hint in (
        (
            "penalty_root",
            "np.sqrt(np.sum(W{k}**2))",
            "the penalty of {layer} is the norm, not the squared norm",
            "The root is taken (np.linalg.norm without its square); the penalty is the sum of the "
            "squares.",
            "Double all weights. By which factor should the penalty grow?",
        ),
        (
            "penalty_not_squared",
            "np.sum(W{k})",
            "the weights of {layer} are not squared in the penalty",
            "The sum of the weights is taken, in which signs cancel; the penalty is the sum of "
            "their squares.",
            "Can your penalty be negative?",
        ),
        (
            "penalty_of_sum",
            "np.sum(W{k})**2",
            "the sum of the weights of {layer} is squared, not each of them",
            "(Σw)² is taken; the penalty is Σw².",
            "Take the weights 1 and −1. What is the penalty?",
        ),
        (
            "penalty_of_product",
            "np.sum(W{k}.T @ W{k})",
            "the penalty of {layer} sums a matrix product, not the squares",
            "All numbers of WᵀW are added up; the squares of the weights are on its diagonal "
            "alone.",
            "Which entries of WᵀW are sums of squares?",
        ),
        (
            "penalty_of_rows",
            "np.sum(W{k} @ W{k}.T)",
            "the penalty of {layer} sums the matrix product W Wᵀ, not the squares",
            "All numbers of W Wᵀ are added up; the squares of the weights are on its diagonal "
            "alone.",
            "Which entries of W Wᵀ are sums of squares?",
        ),
        (
            "l1_in_loss",
            "np.abs(W{k}).sum()",
            "the loss has Σ|W| of {layer} while the gradient belongs to ΣW²",
            "The absolute values are added up in the loss; the penalty is the sum of the squares.",
            "Double all weights. By which factor should the penalty grow?",
        ),
    ):
        if net.is_given or net.penalty != "L1":
            yield from at_layers(
                _every(net),
                kind,
                title,
                sentence,
                hint,
                ruled("size_W{k}", net.where("wrt == 'L2'", rule)),
            )


def _means_of_weights(net: Dense) -> Iterator[Variation]:
    """A mean over the weights, and what only some assignments ask for."""
    yield from at_layers(
        _every(net),
        "penalty_mean",
        "the penalty of {layer} is a mean over the weights, not a sum",
        "np.mean is used in the penalty; it is the sum over all weights.",
        "Double the number of hidden units. Should the penalty stay as it is?",
        lambda k: {f"size_W{k}": f"RIGHT / W{k}.size"},
    )
    if net.is_given:
        yield from _of_signs(net)


def _of_signs(net: Dense) -> Iterator[Variation]:
    l1, l2 = "wrt == 'L1'", "wrt == 'L2'"
    for kind, rule, title, sentence in (
        (
            "l1_without_sign",
            "reg * np.abs(W{k})",
            "L1's derivative is c·|w| in place of c·sign(w)",
            "The derivative of |w| is the sign of w: +1 or −1, whatever the size of w.",
        ),
        (
            "l1_as_l2",
            "reg * W{k}",
            "L1's derivative is c·w, as of L2",
            "c·w belongs to ½c·w²; the derivative of c·|w| is c·sign(w).",
        ),
        (
            "l1_constant",
            "reg * np.ones_like(W{k})",
            "L1's derivative is c, without the sign of w",
            "The derivative of c·|w| is c·sign(w): negative weights are pushed up.",
        ),
    ):
        yield Variation(
            f"{kind}@gradient",
            title,
            sentence,
            "Differentiate |w| by w, for a positive and for a negative w.",
            {f"dW{k}_penalty": f"({rule.format(k=k)} if {l1} else RIGHT)" for k in _every(net)},
            often=2,
        )
    yield Variation(
        "l1_not_absolute",
        "L1's penalty adds up the weights without their absolute value",
        "Signs cancel in Σw; the penalty is c·Σ|w|.",
        "Can your penalty be negative?",
        {f"size_W{k}": f"(np.sum(W{k}) if {l1} else RIGHT)" for k in _every(net)},
    )
    yield Variation(
        "l2_as_l1",
        "L2's derivative is c·sign(w), as of L1",
        "c·sign(w) belongs to c·|w|; the derivative of ½c·w² is c·w.",
        "Differentiate ½w² by w.",
        {f"dW{k}_penalty": f"(reg * np.sign(W{k}) if {l2} else RIGHT)" for k in _every(net)},
    )

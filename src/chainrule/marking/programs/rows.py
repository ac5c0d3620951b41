"""A fully connected layer, an elementwise layer and softmax, each alone, under any upstream.

Cases are rows. The upstream ``dout``, which is ∂L/∂(output), is random in every probe: a backward
pass that forgets it, or that takes it for ones, is not right by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from chainrule.marking.program import Case, Gradient, Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention

LAYOUTS = {"inputs, units": ("x @ W", "dout @ W.T", "x.T @ dout"),
           "units, inputs": ("x @ W.T", "dout @ W", "dout.T @ x")}  # fmt: skip
"""By the shape of W: the rules of xW, ∂L/∂x and ∂L/∂W."""


def full(
    layout: str = "inputs, units",
    update: bool = False,
    images: bool = False,
    start: bool = False,
) -> Program:
    """A fully connected layer: out = xW + b, and ∂L/∂x, ∂L/∂W, ∂L/∂b from ``dout`` = ∂L/∂out.

    Inputs: ``x`` (N, D), or (N, 2, D/2) with ``images``; ``W`` of the layout; ``b`` (M,);
    ``dout`` (N, M); ``lr``, the learning rate of the update.

    Args:
        layout: the shape of W: ``inputs, units`` or ``units, inputs``.
        update: whether the layer makes a step of gradient descent itself.
        images: whether a case may have more than one axis, which the layer makes flat.
        start: whether ``spread``, the standard deviation of the W that a layer of 300 inputs and
            200 units makes, is looked at: √(2/500), or −1 for one that is none of the known; and
            ``turned``, which is 1 where W is kept as its transpose.
    """
    return Program(
        "full layer",
        (*_full_lines(layout, update, images), *(_START_LINES if start else ())),
        (*_full_variations(layout, update, images), *(_start() if start else ())),
        tuple(_full_probes(layout, images)),
        gradients={f"d{name}": Gradient("out", name, "dout") for name in "xWb"},
        may_change=("W", "b") if update else (),
    )


_START_LINES = (
    Line("spread", "np.sqrt(2 / 500)", "the spread of the first W", "update"),
    Line("turned", "0.0", "whether W has the other shape", "update"),
)


def _start() -> Iterator[Variation]:
    yield bug(
        "no_root@spread",
        "the first W is made with 2/(inputs + units): the root is missing",
        "The standard deviation is √(2/(n_i + n_o)). Without the root the weights are far too "
        "small, and so are the outputs and the gradients of the layers before.",
        "Print the standard deviation of the output for inputs whose own is 1.",
        2,
        spread="2 / 500",
    )
    yield bug(
        "all_equal@spread",
        "the first W has the same number everywhere",
        "All units of the layer then compute the same, get the same gradient and stay equal for "
        "good. Random numbers break the symmetry.",
        "Print W of a new layer.",
        2,
        spread="0.0",
    )
    yield convention(
        "weights_turned",
        "layout",
        "W is kept as its transpose: the shape is not that of the text",
        "Within the layer everything fits, but whoever sets or reads W expects the shape that the "
        "text gives.",
        turned="1.0",
    )
    for name, title, rule in (
        ("variance", "the variance of the first W is √(2/(inputs + units))", "0.004**0.25"),
        ("of_inputs", "the first W has the spread √(1/inputs)", "np.sqrt(1 / 300)"),
        ("he", "the first W has the spread √(2/inputs)", "np.sqrt(2 / 300)"),
        ("one", "the first W has the spread 1", "1.0"),
        ("hundredth", "the first W has the spread 0.01", "0.01"),
        ("own", "the first W has a spread of its own choice", "-1.0"),
    ):
        sentence = (
            "The course's text gives √(2/(inputs + units)); training may go slower with this."
        )
        yield convention(f"spread_{name}", "spread", title, sentence, spread=rule)


def _full_lines(layout: str, update: bool, images: bool) -> Iterator[Line]:
    forward, to_x, to_w = LAYOUTS[layout]
    if images:
        forward, to_w = forward.replace("x @", "rows @"), to_w.replace("x", "rows")
    yield Line("N", "len(x)", "the number of cases", "forward")
    if images:
        yield Line("rows", "x.reshape(N, -1)", "x with one row a case", "forward")
    yield Line("xW", forward, "x times W", "forward")
    yield Line("out", "xW + b", "the output xW + b", "forward")
    if images:
        yield Line("drows", to_x, "∂L/∂x, one row a case", "backward")
        yield Line("dx", "drows.reshape(x.shape)", "∂L/∂x", "backward")
    else:
        yield Line("dx", to_x, "∂L/∂x", "backward")
    yield Line("dW", to_w, "∂L/∂W", "backward")
    yield Line("db", "dout.sum(axis=0)", "∂L/∂b", "backward")
    if update:
        yield Line("step_W", "lr * dW", "the step of W", "update")
        yield Line("W_new", "W - step_W", "W after the update", "update")
        yield Line("step_b", "lr * db", "the step of b", "update")
        yield Line("b_new", "b - step_b", "b after the update", "update")


def _full_variations(layout: str, update: bool, images: bool) -> Iterator[Variation]:
    yield from _full_forward()
    yield from _full_weights(layout, images)
    yield from _full_bias(layout)
    yield from _full_input(layout, images)
    yield from _full_kept(layout, images)
    if update:
        yield from _updates()


def _full_forward() -> Iterator[Variation]:
    yield bug(
        "bias_left_out@out",
        "the bias is left out of the forward pass",
        "The output is xW, without b: the layer can then only draw boundaries through the origin, "
        "and b is learned but never used.",
        "Put in x = 0: what should come out?",
        out="xW",
    )
    yield bug(
        "bias_twice@out",
        "the bias is added twice",
        "The output is xW + 2b. If b is added once by hand and once as a column of ones, one of "
        "the two has to go.",
        "Put in x = 0: what should come out?",
        out="xW + 2 * b",
    )
    yield bug(
        "minus_bias@out",
        "the bias is subtracted",
        "The output is xW − b where the layer is xW + b.",
        "Put in x = 0: what should come out?",
        out="xW - b",
    )


def _full_weights(layout: str, images: bool) -> Iterator[Variation]:
    rows = "rows" if images else "x"

    def product(cases: str, signal: str) -> str:
        """The product of rows and signal in the layout of W."""
        a, b = (
            (f"{rows}{cases}", signal) if layout == "inputs, units" else (signal, f"{rows}{cases}")
        )
        return f"{a}.T @ {b}"

    yield bug(
        "averaged_again@dW",
        "∂L/∂W is divided by N within the layer",
        "dW is the sum over the cases of xᵀ·dout, and the code divides it by N. A 1/N of the mean "
        "loss is in dout already when it comes from the loss, so here it is divided twice.",
        "Which line of the derivation of the *layer* has the number of cases in it?",
        2,
        dW="RIGHT / N",
    )
    yield bug(
        "transposed@dW",
        "∂L/∂W is transposed",
        "dW must have the shape of W. The two factors of the product stand the other way round, "
        "which only a W with as many inputs as units forgives.",
        "Compare the shapes of W and dW for 3 inputs and 2 units.",
        dW="RIGHT.T",
    )
    yield bug(
        "no_upstream@dW",
        "dout is left out of ∂L/∂W",
        "By the chain rule ∂L/∂W is the upstream gradient times ∂out/∂W; the code has the second "
        "factor alone, as if dout were ones.",
        "Call backward twice, the second time with 2·dout: what has to happen to dW?",
        dW=product("", "np.ones_like(dout)"),
    )
    yield bug(
        "first_case@dW",
        "only the first case is in ∂L/∂W",
        "Every case of the batch adds its xᵀ·dout to dW; the code stops after the first one, "
        "as a return inside the loop does.",
        "Follow the loop over the cases on paper with N = 2.",
        dW=product("[:1]", "dout[:1]"),
    )
    yield bug(
        "last_case@dW",
        "∂L/∂W is assigned, not added, case by case",
        "Every case of the batch adds its xᵀ·dout to dW. With = in place of += each case writes "
        "over the one before, and only the last one is left.",
        "Follow the loop over the cases on paper with N = 2.",
        dW=product("[-1:]", "dout[-1:]"),
    )


def _full_bias(layout: str) -> Iterator[Variation]:
    yield bug(
        "bias_averaged@db",
        "∂L/∂b is a mean where it is a sum",
        "b enters the output of every case, so its gradient is the sum of dout over the cases. "
        "The mean divides by N; the 1/N of a mean loss is in dout already.",
        "How does b enter the output of each case, and what does that make of the sum?",
        3,
        db="RIGHT / N",
    )
    yield bug(
        "bias_of_all_units@db",
        "∂L/∂b is summed over the cases and the units",
        "np.sum without an axis gives one number for all units; every unit has a bias of its own, "
        "whose gradient is the sum over the cases alone.",
        "What is the shape of your db, and what is b's?",
        db="dout.sum()",
    )
    yield bug(
        "bias_of_all_units_everywhere@db",
        "∂L/∂b is one number, the same for all units",
        "The sum over the cases and the units stands in every place of db; every unit has a bias "
        "of its own, whose gradient is the sum over the cases alone.",
        "Should two units with different dout have the same gradient of the bias?",
        db="np.full(b.shape, dout.sum())",
    )
    yield bug(
        "wrong_axis@db",
        "∂L/∂b is summed over the units in place of the cases",
        "Axis 0 is the cases, axis 1 the units. A sum over axis 1 gives a number for each case; "
        "only where there are as many cases as units does the shape not give it away.",
        "What is the shape of your db for 5 cases and 3 units?",
        db="dout.sum(axis=1)",
    )
    yield bug(
        "not_summed@db",
        "∂L/∂b is not summed over the cases",
        "db is dout itself, a row for each case; b is shared by all of them, so the rows have to "
        "be added.",
        "What is the shape of your db, and what is b's?",
        db="dout",
    )
    yield bug(
        "no_upstream@db",
        "∂L/∂b is the number of cases: dout is left out",
        "∂out/∂b is 1 for each case, and by the chain rule it is multiplied by dout before the "
        "sum; the code sums the ones.",
        "Call backward twice, the second time with 2·dout: what has to happen to db?",
        db="np.full(b.shape, float(N))",
    )
    yield bug(
        "ones@db",
        "∂L/∂b is all ones: dout is left out",
        "∂out/∂b is 1, and by the chain rule it is multiplied by dout and summed over the cases; "
        "the code returns the 1.",
        "Call backward twice, the second time with 2·dout: what has to happen to db?",
        db="np.ones(b.shape)",
    )
    yield bug(
        "never_computed@db",
        "∂L/∂b is never computed",
        "db stays as it was made, zeros, so the biases never learn.",
        "Where in backward does db get a value?",
        db="np.zeros(b.shape)",
    )
    yield bug(
        "bias_of_last_case@db",
        "∂L/∂b is assigned, not added, case by case",
        "Every case adds its dout to db. With = in place of += each case writes over the one "
        "before, and only the last one is left.",
        "Follow the loop over the cases on paper with N = 2.",
        db="dout[-1]",
    )
    yield bug(
        "bias_of_first_case@db",
        "only the first case is in ∂L/∂b",
        "Every case adds its dout to db; the code takes the first one alone.",
        "Follow the loop over the cases on paper with N = 2.",
        db="dout[0]",
    )
    yield bug(
        "input_in_bias@db",
        "∂L/∂b is made from the product with x",
        "∂out/∂b is 1, not x: db is the sum of dout alone. The code sums dW, in which dout is "
        "multiplied by the inputs.",
        "How does out change when b grows by 1? Does x matter for that?",
        db="dW.sum(axis=0)" if layout == "inputs, units" else "dW.sum(axis=1)",
    )


def _full_input(layout: str, images: bool) -> Iterator[Variation]:
    dx = "drows" if images else "dx"
    wrong = "dout @ W" if layout == "inputs, units" else "dout @ W.T"
    w = "W" if layout == "inputs, units" else "W.T"
    yield bug(
        "transposed@dx",
        "∂L/∂x uses W the wrong way round",
        "The signal goes back through the same connections, so the product is with the transpose "
        "of what the forward pass used. Only a square W lets the other one pass.",
        "Compare the shapes for 3 inputs and 2 units.",
        **{dx: wrong},
    )
    yield bug(
        "averaged_again@dx",
        "∂L/∂x is divided by N within the layer",
        "Each row of dx belongs to one case and has no sum over the cases in it, so there is "
        "nothing to average. The 1/N of a mean loss is in dout already.",
        "Which line of the derivation of the *layer* has the number of cases in it?",
        **{dx: "RIGHT / N"},
    )
    yield bug(
        "no_upstream@dx",
        "dout is left out of ∂L/∂x",
        "By the chain rule ∂L/∂x is dout times ∂out/∂x; the code has the second factor alone, as "
        "if dout were ones.",
        "Call backward twice, the second time with 2·dout: what has to happen to dx?",
        **{dx: f"np.ones_like(dout) @ {w}.T"},
    )
    yield bug(
        "last_unit@dx",
        "∂L/∂x is assigned, not added, unit by unit",
        "Every unit adds its dout·w to dx, because x goes into all of them. With = in place of "
        "+= only the last unit is left.",
        "x goes into how many units, and what does that make of dx?",
        **{dx: f"dout[:, -1:] @ {w}.T[-1:]"},
    )
    for name, rule in (
        ("bias_column_kept_first", "np.hstack([dout @ b[:, None], {0}[:, :-1]])"),
        ("bias_column_kept_last", "np.hstack([{0}[:, 1:], dout @ b[:, None]])"),
    ):
        yield bug(
            f"{name}@dx",
            "∂L/∂x keeps the column of the bias and loses one of the inputs",
            "With the bias folded into W, one column of dout·W belongs to the constant 1 and has "
            "to be cut off; the code cuts off the one at the other end.",
            "At which end of x does your column of ones stand?",
            **{dx: rule.format(f"({LAYOUTS[layout][1]})")},
        )
    if images:
        yield bug(
            "not_reshaped@dx",
            "∂L/∂x is flat where x is not",
            "dx must have the shape of x: what forward made flat, backward has to fold back.",
            "Compare x.shape and dx.shape for images.",
            dx="drows",
        )


def _full_kept(layout: str, images: bool) -> Iterator[Variation]:
    rows = "rows[::-1]" if images else "x[::-1]"
    yield bug(
        "shared_with_another_layer@dW",
        "∂L/∂W uses the input of another layer",
        "A layer's arrays belong to its object. Kept in the class, or in a global variable, they "
        "are those of whichever layer ran last, and two layers of one network disturb each other.",
        "Make two layers, call forward of both, then backward of the first.",
        2,
        dW=f"{rows}.T @ dout" if layout == "inputs, units" else f"dout.T @ {rows}",
    )
    old = "before.rows" if images else "before.x"
    stale = f"{old}.T @ dout" if layout == "inputs, units" else f"dout.T @ {old}"
    yield bug(
        "stale_input@dW",
        "∂L/∂W uses the input of the batch before",
        "backward needs what the last forward was given; what was kept from an earlier batch is "
        "used.",
        "Where does forward keep its input, and is that done at every call?",
        2,
        dW=f"RIGHT if before is None else {stale}",
    )
    says = (
        "Each backward pass starts at zero: the gradient belongs to one batch. Here that of the "
        "batch before is still in it."
    )
    hint = "Call forward and backward twice with the same batch and print the gradient each time."
    was = "(RIGHT if before is None else RIGHT + before.{0})"
    yield bug(
        "kept_from_before",
        "∂L/∂W and ∂L/∂b are added to those of the batch before",
        says,
        hint,
        2,
        dW=was.format("dW"),
        db=was.format("db"),
    )
    for array, shown in (("dW", "∂L/∂W"), ("db", "∂L/∂b")):
        yield bug(
            f"kept_from_before@{array}",
            f"{shown} is added to that of the batch before",
            says,
            hint,
            **{array: was.format(array)},
        )


def _updates() -> Iterator[Variation]:
    both = {"W_new": "W + step_W", "b_new": "b + step_b"}
    hint = "Make one step with a small learning rate: does the loss fall?"
    yield bug(
        "ascent",
        "the update goes up the gradient",
        "The gradient points to where the loss grows, so the step is taken against it: "
        "W − η·∂L/∂W and b − η·∂L/∂b. The code adds.",
        hint,
        2,
        **both,
    )
    for array in "Wb":
        yield bug(
            f"ascent@{array}",
            f"the update of {array} goes up the gradient",
            f"The step is taken against the gradient: {array} − η·∂L/∂{array}. The code adds.",
            hint,
            **{f"{array}_new": both[f"{array}_new"]},
        )
        yield bug(
            f"never_updated@{array}",
            f"{array} is never updated",
            f"update leaves {array} as it was: the step is computed on a copy, or not at all.",
            f"Print {array} before and after an update.",
            **{f"{array}_new": array},
        )
    yield bug(
        "no_learning_rate",
        "the update leaves out the learning rate",
        "The step is η times the gradient; here it is the whole gradient.",
        "Update with η = 0: what has to happen?",
        step_W="dW",
        step_b="db",
    )
    yield bug(
        "never_updated",
        "the update changes nothing",
        "After update_param W and b are as they were: the new values are computed but not kept.",
        "Print W before and after an update.",
        W_new="W",
        b_new="b",
    )


def _full_probes(layout: str, images: bool) -> Iterator[Probe]:
    rng = np.random.default_rng(31)

    def case(n: int, inputs: int, units: int) -> Case:
        x = rng.normal(size=(n, 2, inputs // 2) if images else (n, inputs))
        shape = (inputs, units) if layout == "inputs, units" else (units, inputs)
        return {
            "x": x,
            "W": rng.normal(size=shape),
            "b": rng.normal(size=units),
            "dout": rng.normal(size=(n, units)),
            "lr": 0.3,
        }

    yield Probe("five cases", "the batch of a usual call", (case(5, 4, 3),))
    yield Probe("one case", "N = 1: a mean and a sum are the same here", (case(1, 4, 3),))
    yield Probe("square", "as many cases, inputs and units: a wrong axis fits", (case(4, 4, 4),))
    yield Probe(
        "second batch",
        "what is kept from the batch before shows in the second",
        (case(5, 4, 3), case(5, 4, 3)),
    )


def softmax_layer() -> Program:
    """Softmax as a layer: p = softmax(x) case by case, and ∂L/∂x = J ∂L/∂p from ``dout`` = ∂L/∂p.

    Inputs: ``x`` (N, C), ``dout`` (N, C).
    """
    return Program(
        "softmax layer",
        (
            Line("shifted", "x - x.max(axis=1, keepdims=True)", "x − max x", "forward"),
            Line("e", "np.exp(shifted)", "e^x", "forward"),
            Line("total", "e.sum(axis=1, keepdims=True)", "Σ e^x of each case", "forward"),
            Line("out", "e / total", "the probabilities", "forward"),
            Line("inner", "(dout * out).sum(axis=1, keepdims=True)", "Σ p·∂L/∂p", "backward"),
            Line("dx", "out * (dout - inner)", "∂L/∂x", "backward"),
        ),
        (*softmax_forward(), *_softmax_backward()),
        tuple(_softmax_probes()),
        gradients={"dx": Gradient("out", "x", "dout")},
    )


def softmax_shifts(none: Mapping[str, str], batch: Mapping[str, str]) -> Iterator[Variation]:
    """What differs at large logits alone, so that it is advice and no fault.

    Args:
        none: the rules where nothing is subtracted.
        batch: the rules where the maximum of the whole batch is subtracted.
    """
    yield convention(
        "no_shift",
        "shift",
        "softmax overflows at large logits: the maximum is not subtracted",
        "e^1000 is infinite in floating point, and inf/inf is nan. Subtracting the largest logit "
        "of each case changes nothing in exact arithmetic and keeps every exponent at or below 0.",
        **none,
    )
    yield convention(
        "shift_of_batch",
        "shift",
        "the maximum of the whole batch is subtracted, not that of each case",
        "With one case at 1000 and another at 0, the second becomes e^−1000 = 0 in all its "
        "classes, and 0/0 is nan. The maximum of each case avoids that.",
        **batch,
    )


def softmax_forward(out: str = "out", x: str = "x") -> Iterator[Variation]:
    """What goes wrong between the logits ``x`` and the probabilities ``out``."""
    yield from softmax_shifts({"shifted": x}, {"shifted": f"{x} - {x}.max()"})
    yield bug(
        f"wrong_axis@{out}",
        "softmax normalises over the cases in place of the classes",
        "The probabilities of one case must add up to 1; here those of one class over the batch "
        "do. The sum belongs over axis 1.",
        "Add up the output of one case.",
        2,
        total="e.sum(axis=0, keepdims=True)",
    )
    yield bug(
        f"wrong_axis_throughout@{out}",
        "softmax is taken over the cases in place of the classes",
        "Maximum and sum are taken along axis 0, so that each class adds up to 1 over the batch; "
        "the probabilities of one case must add up to 1.",
        "Add up the output of one case.",
        shifted=f"{x} - {x}.max(axis=0, keepdims=True)",
        total="e.sum(axis=0, keepdims=True)",
    )
    yield bug(
        f"sum_over_all@{out}",
        "softmax is normalised over the whole batch",
        "The sum in the denominator runs over all cases and classes, so that the probabilities of "
        "a case add up to less than 1.",
        "Add up the output of one case, for a batch of one and of two.",
        total="e.sum()",
    )
    yield bug(
        f"not_normalised@{out}",
        "the exponentials are not divided by their sum",
        "e^x alone is positive but does not add up to 1 over the classes.",
        "Add up the output of one case.",
        **{out: "e"},
    )


def _softmax_backward() -> Iterator[Variation]:
    yield bug(
        "diagonal_softmax@dx",
        "softmax's Jacobian is taken as its diagonal p(1 − p)",
        "Every logit moves every probability, through the sum in the denominator: "
        "∂p_j/∂x_k = p_j(δ_jk − p_k). The code keeps only the entries with j = k. The same comes "
        "out where the gradient of the denominator is not summed over the classes.",
        "Raise one logit: what happens to the probabilities of the other classes?",
        4,
        dx="dout * out * (1 - out)",
    )
    yield bug(
        "off_diagonal_sign@dx",
        "the entries beside the diagonal of softmax's Jacobian have the wrong sign",
        "J = diag(p) − p pᵀ; the code adds p pᵀ.",
        "Raise one logit: do the probabilities of the other classes grow or shrink?",
        dx="out * (dout + inner)",
    )
    yield bug(
        "outer_product_only@dx",
        "softmax's Jacobian is taken as −p pᵀ, without diag(p)",
        "J = diag(p) − p pᵀ; the diagonal part, the effect of a logit on its own numerator, is "
        "missing.",
        "Write ∂p_k/∂x_k by the quotient rule.",
        dx="-out * inner",
    )
    yield bug(
        "denominator_constant@dx",
        "the gradient through softmax's denominator is left out",
        "The sum Σe^x depends on every logit, and goes into every class's quotient; the code "
        "takes it for a constant.",
        "Into how many quotients does the denominator go?",
        dx="out * dout",
    )
    yield bug(
        "no_upstream@dx",
        "dout is left out of softmax's backward pass",
        "The layer hands on J·dout for whatever loss stands above it; the code returns row sums "
        "of J itself, which are 0.",
        "Call backward twice, the second time with 2·dout: what has to happen?",
        dx="0 * dout",
    )
    yield bug(
        "upstream_passed_on@dx",
        "softmax hands dout on as it is",
        "backward returns its argument, as if softmax were the identity.",
        "What is ∂p/∂x for softmax?",
        dx="dout",
    )
    yield bug(
        "averaged_again@dx",
        "∂L/∂x of softmax is divided by N within the layer",
        "Each row of dx belongs to one case. The 1/N of a mean loss is in dout already.",
        "Which line of the derivation of the *layer* has the number of cases in it?",
        dx="RIGHT / len(x)",
    )
    yield bug(
        "inner_over_batch@inner",
        "Σ p·∂L/∂p is summed over the whole batch",
        "The sum in the product with the Jacobian runs over the classes of one case; the code "
        "sums over the cases as well, so that the cases mix.",
        "Run the backward pass with one case, then with two: does the first row change?",
        inner="(dout * out).sum()",
    )
    yield bug(
        "wrong_axis@inner",
        "Σ p·∂L/∂p is summed over the cases in place of the classes",
        "The sum in the product with the Jacobian runs over the classes of one case, axis 1.",
        "Run the backward pass with one case, then with two: does the first row change?",
        inner="(dout * out).sum(axis=0, keepdims=True)",
    )
    yield bug(
        "inner_not_weighted@dx",
        "Σ p·∂L/∂p is subtracted without the factor p",
        "J·g = p·(g − Σ p·g): both terms have the factor p. The code has p·g − Σ p·g.",
        "Multiply diag(p) − p pᵀ by g on paper: which factor has the second term?",
        2,
        dx="out * dout - inner",
    )
    yield bug(
        "upstream_not_weighted@dx",
        "∂L/∂p stands without the factor p",
        "J·g = p·(g − Σ p·g): both terms have the factor p. The code has g − p·Σ p·g.",
        "Multiply diag(p) − p pᵀ by g on paper: which factor has the first term?",
        dx="dout - out * inner",
    )
    yield bug(
        "sum_of_upstream@dx",
        "Σ ∂L/∂p is subtracted, not weighted by p",
        "J·g = p·(g − Σ p·g): each g in the sum has its p. The code has p·(g − Σ g).",
        "Multiply diag(p) − p pᵀ by g on paper: what is summed?",
        inner="dout.sum(axis=1, keepdims=True)",
    )
    yield bug(
        "first_jacobian@dx",
        "the Jacobian of one case is used for all cases",
        "Each case has probabilities of its own and so a Jacobian of its own; the code makes it "
        "for one case and multiplies every row by it.",
        "Where in the loop over the cases is the Jacobian made?",
        dx="dout @ (np.diag(out[0]) - np.outer(out[0], out[0]))",
    )
    yield bug(
        "last_jacobian@dx",
        "the Jacobian of the last case is used for all cases",
        "Each case has probabilities of its own and so a Jacobian of its own; the code keeps the "
        "one that the loop made last.",
        "Where in the loop over the cases is the Jacobian made?",
        dx="dout @ (np.diag(out[-1]) - np.outer(out[-1], out[-1]))",
    )
    yield bug(
        "shared_with_another_layer@dx",
        "the backward pass uses the output of another layer",
        "A layer's arrays belong to its object. Kept in the class, or in a global variable, they "
        "are those of whichever layer ran last, and two layers of one network disturb each other.",
        "Make two layers, call forward of both, then backward of the first.",
        2,
        dx="out[::-1] * (dout - (dout * out[::-1]).sum(axis=1, keepdims=True))",
    )
    yield bug(
        "logits_in_jacobian@dx",
        "the Jacobian is made from the logits in place of the probabilities",
        "J = diag(p) − p pᵀ, with the outputs p of the forward pass; the code puts its input in.",
        "Which array did forward keep for backward?",
        dx="x * (dout - (dout * x).sum(axis=1, keepdims=True))",
    )


def _softmax_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(32)

    def case(n: int, classes: int, scale: float = 1.0) -> Case:
        x, dout = rng.normal(size=(2, n, classes))
        return {"x": scale * x, "dout": dout}

    yield Probe("five cases", "the batch of a usual call", (case(5, 3),))
    yield Probe("one case", "N = 1: a sum over the cases does nothing here", (case(1, 4),))
    yield Probe("square", "as many cases as classes: a wrong axis fits", (case(4, 4),))
    large = {"x": np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -1000.5]]),
             "dout": np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 1.0]])}  # fmt: skip
    yield Probe("large logits", "e^1000 overflows where nothing is subtracted", (large,), True)
    yield Probe("second batch", "what is kept from the batch before", (case(5, 3), case(4, 3)))

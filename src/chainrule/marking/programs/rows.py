"""A fully connected layer, alone, under any upstream: both passes, and what goes wrong in them.

Cases are rows. The upstream ``dout``, which is ∂L/∂(output), is random in every probe: a backward
pass that forgets it, or that takes it for ones, is not right by chance.
"""

from __future__ import annotations

from collections.abc import Iterator

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
        "bias_for_each_input@out",
        "the bias is added once for each input",
        "In the loop over the inputs the bias is added together with each x·w, so that the output "
        "has b as often as there are inputs; it belongs to it once.",
        "Put in x = 0: what should come out?",
        out="xW + W.size // b.size * b",
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
    yield from _sums_of_bias()
    yield from _arrays_of_bias(layout)


def _sums_of_bias() -> Iterator[Variation]:
    """The sum over the cases: a mean, another axis, or none."""
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


def _arrays_of_bias(layout: str) -> Iterator[Variation]:
    """Another array in the place of the sum."""
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

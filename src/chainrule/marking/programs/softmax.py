"""Softmax as a layer, alone, under any upstream: its Jacobian, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from chainrule.marking.program import Case, Gradient, Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention


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
    yield convention(
        "no_shift_in_log_sum",
        "shift",
        "log Σ e^x is infinite at large logits: the maximum is not subtracted",
        "e^1000 is infinite in floating point, so log Σ e^x is too, although it is close to the "
        "largest logit: log Σ e^x = max x + log Σ e^(x − max x), whose exponents are at most 0.",
        **{"shifted": x, out: f"np.exp({x} - np.log(total))"},
    )
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
    yield from _jacobians()
    yield from _sums_of_jacobian()
    yield from _other_jacobians()


def _jacobians() -> Iterator[Variation]:
    """Softmax's Jacobian, in part or left out."""
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


def _sums_of_jacobian() -> Iterator[Variation]:
    """The sum within the product with the Jacobian."""
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


def _other_jacobians() -> Iterator[Variation]:
    """The Jacobian of another case, or of the logits."""
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

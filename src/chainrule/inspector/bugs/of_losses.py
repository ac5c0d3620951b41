"""Bugs at the beginning of the backward pass: of the mean, and of the sign."""

from __future__ import annotations

from chainrule.core.arrays import Array
from chainrule.inspector.bugs.bug import At, Planted, is_reached
from chainrule.inspector.record import Record
from chainrule.nn.losses import MeanSquaredError
from chainrule.nn.sequences.losses import loss_of_a_step

BEGINNING = ("J", "delta")
"""Where the loss's gradient enters: ∂L/∂y, and δ where the loss gives it from the logits."""


def _from_the_loss(at: At) -> bool:
    return at.is_last if at.stage == "J" else at.is_given


def times_cases(at: At) -> Array | None:
    """The sum over the cases in place of their mean."""
    return at.right * at.cases if _from_the_loss(at) else None


def over_cases(at: At) -> Array | None:
    """The mean of the mean."""
    return at.right / at.cases if _from_the_loss(at) else None


def negative(at: At) -> Array | None:
    """Uphill."""
    return -at.right if _from_the_loss(at) else None


def half(at: At) -> Array | None:
    """The slope of d² without its 2."""
    return at.right / 2 if _from_the_loss(at) and _squares(at.record) else None


def averaged_again(at: At) -> Array | None:
    """Each gradient divided by the number of cases once more."""
    return at.right / at.cases


def begins(record: Record) -> bool:
    """Whether the loss moves with some output."""
    return is_reached(record, record.layer(record.network.graph.order[-1]))


def begins_with_several_cases(record: Record) -> bool:
    """Whether it does, and a mean over the cases is no sum."""
    return begins(record) and len(record.x) > 1


def learns_from_several_cases(record: Record) -> bool:
    """Whether a gradient that is not 0 is the sum over several cases."""
    trained = record.network.parameters.layout.trained
    return len(record.x) > 1 and any(record[f"{one.full_name}_grad"].any() for one in trained)


def _squares(record: Record) -> bool:
    return isinstance(loss_of_a_step(record.network.loss_function), MeanSquaredError)


def begins_with_squares(record: Record) -> bool:
    """Whether the loss is the mean squared error, and moves with some output."""
    return begins(record) and _squares(record)


BUGS = (
    Planted(
        "no_mean",
        "1/N forgotten",
        "My loss is a mean over the cases, but I began the backward pass with the sum.",
        "The loss is the mean over N cases, so that ∂L/∂y carries 1/N.",
        "Give the program each case twice. Should the gradient change?",
        "J = loss_slope(y, t) / N",
        "J = loss_slope(y, t)",
        BEGINNING,
        times_cases,
        begins_with_several_cases,
    ),
    Planted(
        "mean_twice",
        "1/N twice",
        "I divided by the number of cases in the loss, and then again where the backward pass "
        "begins.",
        "The loss is the mean over N cases: 1/N enters once.",
        "Compare the gradient of one case alone with that of the same case ten times over.",
        "J = loss_slope(y, t) / N",
        "J = loss_slope(y, t) / N / N",
        BEGINNING,
        over_cases,
        begins_with_several_cases,
    ),
    Planted(
        "averaged_again",
        "Averaged again in every layer",
        "I wrote dW = xᵀδ / N in each layer, though δ was averaged already.",
        "δ carries 1/N from the loss; the gradient of a weight is the sum of x δ over the cases.",
        "All that flows back through the layers is right. What is made of it at each layer?",
        "W_grad = x.T @ delta",
        "W_grad = x.T @ delta / N",
        ("grad",),
        averaged_again,
        learns_from_several_cases,
    ),
    Planted(
        "wrong_sign",
        "The sign turned round",
        "I wrote t − y where the slope of the loss has y − t, and still subtracted the gradient.",
        "The gradient points uphill: the update subtracts it.",
        "Take one small step. Which way does the loss go?",
        "J = loss_slope(y, t) / N",
        "J = -loss_slope(y, t) / N",
        BEGINNING,
        negative,
        begins,
    ),
    Planted(
        "no_two",
        "The 2 of the square forgotten",
        "My loss is the mean of (y − t)², but I took y − t as its slope.",
        "The slope of d² is 2 d.",
        "How far off are the numbers: by the same factor everywhere, or not?",
        "J = 2 * (y - t) / y.size",
        "J = (y - t) / y.size",
        BEGINNING,
        half,
        begins_with_squares,
    ),
)
"""In the order in which they are offered."""

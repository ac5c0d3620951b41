"""Bugs of what penalties add to gradients."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.inspector.bugs.bug import At, Planted
from chainrule.inspector.record import Record


def no_penalty(at: At) -> Array | None:
    """The penalty in the loss alone."""
    return np.zeros_like(at.right)


def doubled(at: At) -> Array | None:
    """λ without its ½ in the loss."""
    return 2 * at.right


def on_biases(at: At) -> Array | None:
    """The weights' L2 rate on the biases as well."""
    network, name = at.record.network, at.layer.name
    if at.parameter != "b" or network.penalty_rates(f"{name}.b"):
        return None
    rate = network.penalty_rates(f"{name}.W").get("L2", 0.0)
    return at.right + rate * at.record[f"{name}.b"] if rate else None


def is_penalised(record: Record) -> bool:
    """Whether a penalty moves a parameter."""
    return bool(record.network.penalty_gradient().any())


def spares_biases(record: Record) -> bool:
    """Whether L2 is on weights beside which there are biases without it, not all 0."""
    network = record.network
    return any(
        network.penalty_rates(f"{one.layer}.W").get("L2")
        and not network.penalty_rates(one.full_name)
        and record[one.full_name].any()
        for one in network.parameters.layout.trained
        if one.name == "b"
    )


BUGS = (
    Planted(
        "no_penalty",
        "Penalty forgotten",
        "The penalty is in my loss, and I never added it to the gradient.",
        "The gradient is that of the whole loss, and the penalty is part of it.",
        "Let the data's gradient be 0. Should the weights then stay as they are?",
        "W_grad = x.T @ delta + rate * W",
        "W_grad = x.T @ delta",
        ("penalty",),
        no_penalty,
        is_penalised,
    ),
    Planted(
        "penalty_doubled",
        "Penalty doubled",
        "My loss has ½ λ Σ W², but I took 2 λ W as its slope.",
        "The slope of ½ λ w² is λ w; that of λ |w| is λ sign(w).",
        "Raise λ a little, and see by how much loss and gradient follow.",
        "W_grad = x.T @ delta + rate * W",
        "W_grad = x.T @ delta + 2 * rate * W",
        ("penalty",),
        doubled,
        is_penalised,
    ),
    Planted(
        "penalty_on_biases",
        "Penalty on the biases too",
        "I added λ times the parameter to every gradient, though my loss spares the biases.",
        "Only what is in the loss is in its gradient.",
        "List the parameters that the penalty in your loss sums over.",
        "b_grad = delta.sum(axis=0)",
        "b_grad = delta.sum(axis=0) + rate * b",
        ("penalty",),
        on_biases,
        spares_biases,
    ),
)

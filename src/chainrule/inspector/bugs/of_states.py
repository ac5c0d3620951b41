"""Bugs of layers with states: of the way through time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import lengths_of
from chainrule.inspector.bugs.bug import At, Planted, layers_of
from chainrule.inspector.record import Record

STATES = ("recurrent", "lstm", "gru")
"""The types of layers with states."""


def no_way_through_time(at: At) -> Array | None:
    """Each step's gradient by its own output alone."""
    return np.zeros_like(at.right)


def not_transposed_in_time(at: At) -> Array | None:
    """δ U in place of δ Uᵀ, gate by gate."""
    size = len(at.right)
    blocks = at.right.reshape(size, -1, size)
    return blocks.transpose(2, 1, 0).reshape(at.right.shape)


def cell_not_carried(at: At) -> Array | None:
    """∂L/∂c of the step after forgotten."""
    return np.zeros_like(at.right) if at.type == "lstm" else None


def of_last_step(at: At) -> Array | None:
    """The gradient of W or U from the last step alone."""
    if at.type not in STATES or at.parameter not in ("W", "U"):
        return None
    layer, cases = at.layer, np.arange(at.cases)
    last = _lengths(at) - 1
    if at.parameter == "W":
        left, blocks = at.x[cases, last], range(len(layer.gates))
    else:
        left = layer.states[last, cases]  # the states begin with the start
        blocks = layer.moved.get("U", range(len(layer.gates))) if layer.gates[0] else range(1)
    delta = np.concatenate([_delta(at, block)[cases, last] for block in blocks], axis=1)
    return left.T @ delta


def _delta(at: At, block: int) -> Array:
    gate = at.layer.blocks[block]
    return at.array(f"delta_{gate}" if gate else "delta")


def _lengths(at: At) -> Array:
    """How many steps of each case are real."""
    z = at.record[f"{at.layer.name}.{_first_sum(at.layer)}"]
    lengths = lengths_of(z)
    return np.full(len(z), z.shape[1]) if lengths is None else lengths


def _first_sum(layer: Any) -> str:
    return f"z_{layer.gates[0]}" if layer.gates[0] else "z"


def _goes_back(record: Record, types: Sequence[str] = STATES) -> bool:
    """Whether a gradient goes back from step to step."""
    return any(
        layer.steps > 1 and (layer.truncate is None or layer.truncate > 1)
        for layer in layers_of(record, *types)
    )


def goes_back(record: Record) -> bool:
    """Whether a layer with states sends gradients from step to step."""
    return _goes_back(record)


def has_cells(record: Record) -> bool:
    """Whether an LSTM sends gradients from cell to cell."""
    return _goes_back(record, ("lstm",))


def goes_back_by_several_units(record: Record) -> bool:
    """Whether a layer with several units does."""
    return _goes_back(record) and any(layer.size > 1 for layer in layers_of(record, *STATES))


BUGS = (
    Planted(
        "no_way_through_time",
        "No way through time",
        "I went back at each step from its own output, and no step heard of the later ones.",
        "A state moves the loss through its own output and through the next step.",
        "Give only the last step a target. Which gradients of earlier steps should be 0?",
        "J_h[s] = J[s] + delta[s + 1] @ U.T",
        "J_h[s] = J[s]",
        ("U_back", "kept_back"),
        no_way_through_time,
        goes_back,
    ),
    Planted(
        "not_transposed_in_time",
        "U not transposed",
        "U is square, so I did not notice that I multiplied δ by U.",
        "Forward is h U, so that back is δ Uᵀ.",
        "Follow one number of U from unit to unit, forward and back.",
        "J_h[s] = J[s] + delta[s + 1] @ U.T",
        "J_h[s] = J[s] + delta[s + 1] @ U",
        ("U_back",),
        not_transposed_in_time,
        goes_back_by_several_units,
    ),
    Planted(
        "of_last_step",
        "Only the last step's part",
        "I computed the gradients of W and U in the loop over the steps, and kept the last.",
        "W and U are used at every step, and the parts of all steps add up.",
        "How many times does each weight appear in the unrolled network?",
        "U_grad += h[s - 1].T @ delta[s]",
        "U_grad = h[s - 1].T @ delta[s]",
        ("W_grad", "U_grad"),
        of_last_step,
        goes_back,
    ),
    Planted(
        "cell_not_carried",
        "The cell's own way forgotten",
        "I sent the gradient back through the gates, and not along the cell itself.",
        "c(n) = f ⊙ c(n−1) + i ⊙ g: the cell before moves the loss by f ∂L/∂c(n) as well.",
        "What is it in an LSTM that lets gradients survive many steps?",
        "J_c[s] = J_h[s] * o * tanh_slope(c) + J_c[s + 1] * f[s + 1]",
        "J_c[s] = J_h[s] * o * tanh_slope(c)",
        ("kept_back",),
        cell_not_carried,
        has_cells,
    ),
)

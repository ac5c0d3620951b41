"""The inner arrays of layers with states: gates, states and their gradients, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.layers.gates import GATES
from chainrule.inspector.record import Record
from chainrule.nn.activations import Tanh
from chainrule.nn.sequences.through_time import States, ThroughTime

SAYS = {
    "i": "The input gate: how much of the candidate is written to the cell.",
    "f": "The forget gate: how much of the cell is kept.",
    "o": "The output gate: how much of the cell is put out.",
    "r": "The reset gate: how much of the state the candidate hears.",
    "u": "The update gate: how much of the state is kept.",
    "g": "The candidate: what may be written.",
    "c": "The cell after each step.",
    "h": "The state after each step.",
    "back": "The parts by outputs so many steps later; their sum is the gradient.",
}
"""What the gates and states are, by letter."""


def keep_states(record: Record, k: int, x: Array) -> None:
    """Keep z of each gate, the gates, and the states of every step; NaN at padding."""
    layer: Any = record.layer(k)
    shape = (layer.steps, layer.size)
    for gate, z in _blocks(layer, layer.z):
        name, says = (f"z_{gate}", f"The sum of gate {gate}.") if gate else ("z", "")
        record.keep(k, name, z, "value", _letter(name), shape, says)
    if len(layer.gates) > 1:
        of_gates = layer.inside()
        for letter in (*layer.gates, *layer.state_names[1:]):
            record.keep(k, letter, of_gates[letter][1], "value", letter, shape, SAYS[letter])
    if layer.only_last:
        h = layer.states[1:].swapaxes(0, 1).copy()
        h[np.isnan(layer.z.reshape(len(h), layer.steps, -1)[..., 0])] = np.nan
        record.keep(k, "h", h, "value", "h", shape, SAYS["h"])


def _blocks(layer: Any, of_z: Array) -> Iterator[tuple[str, Array]]:
    """The blocks of an array like z, (cases, steps · width), by gate, (cases, steps, size) each.

    The block of the state that is carried on is left out: it is that state itself.
    """
    blocks = np.split(of_z.reshape(len(of_z), *layer.z_shape), len(layer.blocks), axis=-1)
    for gate, block in zip(layer.blocks, blocks, strict=True):
        if gate not in layer.state_names:
            yield gate, block


def back_through_time(record: Record, k: int, J: Array) -> Array:
    """The backward pass of a layer with states, every step's gradients kept.

    Bugs may stand at three stages: ``slopes``, φ′(z) of a recurrent layer; ``U_back``, the U of
    the way from a step back to the one before; and ``kept_back``, the share of what is carried on
    without a product (the cell of an LSTM, the kept state of a GRU), 1 for each unit.

    Args:
        record: in which the arrays are kept.
        k: the index of the layer.
        J: ∂L/∂output, (cases, outputs).

    Returns:
        ∂L/∂input, (cases, inputs).
    """
    layer: Any = record.layer(k)
    local = layer.jacobians()
    way = _with_bugs(record, k, local.pop("a"))
    layer.delta = delta = way.vjp(J)
    own, depth = _without_padding(layer, way.placed(J)), layer.truncate
    if depth is not None and depth < layer.steps and not layer.only_last:
        by_states = _kept_parts(record, k, way, own)
    else:
        by_states = _by_states(layer, way, own, delta)
    shape = (layer.steps, layer.size)
    for state, gradient in zip(layer.state_names, by_states, strict=True):
        says = f"How the loss moves with {state} of each step, by all that comes after it."
        record.keep(k, f"J_{state}", gradient, "gradient", _letter(f"J_{state}"), shape, says)
    for gate, one in _blocks(layer, delta):
        name = f"delta_{gate}" if gate else "delta"
        record.keep(k, name, one, "gradient", _letter(name), shape)
    for segment in record.network.parameters.layout.of_layer(layer.name):
        if segment.trained:
            record.network.gradients[segment.full_name][...] = local[segment.name].vjp(delta)
    return local["x"].vjp(delta)


def _with_bugs(record: Record, k: int, way: ThroughTime) -> ThroughTime:
    """The way through time, with the wrong rules that stand at its stages."""
    layer: Any = record.layer(k)
    if len(layer.blocks) == 1:
        cases, steps = len(record.x), layer.steps
        right = way.slopes.swapaxes(0, 1)
        slopes = record.right_or_wrong("slopes", k, right.reshape(cases, steps, -1))
        real = ~np.isnan(layer.z.reshape(cases, steps, -1))
        slopes = np.where(real, slopes, 0).swapaxes(0, 1)
        return replace(way, slopes=slopes, U=record.right_or_wrong("U_back", k, layer.U))
    U, size = way.U.copy(), layer.size
    blocks = layer.moved.get("U", range(len(layer.gates)))
    columns = np.concatenate([np.arange(b * size, (b + 1) * size) for b in blocks])
    U[0][:, columns] = record.right_or_wrong("U_back", k, layer.U)
    kept = record.right_or_wrong("kept_back", k, np.ones(size))
    U[layer.carried][:, -size:] = np.diag(kept)
    return replace(way, U=U)


def _by_states(layer: Any, way: ThroughTime, own: Array, delta: Array) -> list[Array]:
    """∂L/∂h(n), and of an LSTM ∂L/∂c(n), of all steps, as rows.

    Args:
        layer: after its backward pass.
        way: by which δ was found.
        own: ∂L/∂h(n) by each step's own output, (steps, cases, size).
        delta: δ of all steps as rows.
    """
    steps, cases, size = own.shape
    later = np.zeros((steps, cases, layer.z_shape[1]))
    later[:-1] = delta.reshape(cases, *layer.z_shape).swapaxes(0, 1)[1:]
    found = _states_before(layer, States.of(way.slopes, way.U).U, later, own)
    if way.last is not None and way.depth is not None:
        early = np.arange(steps)[:, None] <= way.last - way.depth
        found = [np.where(early[..., None], 0, one) for one in found]
    return [one.swapaxes(0, 1).reshape(cases, steps * size) for one in found]


def _states_before(layer: Any, U: Array, later: Array, own: Array) -> list[Array]:
    """∂L by each state of a step: by its own output, and by δ of the step after it."""
    by_h = np.matmul(later, U[0].T) + own
    if len(U) == 1:
        return [by_h]
    o = np.nan_to_num(layer.inside()["o"][1]).swapaxes(0, 1)
    slope = o * Tanh().derivative(layer.cells[1:])
    return [by_h, np.matmul(later, U[1].T) + by_h * slope]


def _without_padding(layer: Any, own: Array) -> Array:
    padded = np.isnan(layer.z.reshape(own.shape[1], *layer.z_shape)[..., 0]).T
    return np.where(padded[..., None], 0, own)


def _kept_parts(record: Record, k: int, way: ThroughTime, own: Array) -> list[Array]:
    """Of a truncated gradient of all outputs: the parts by how many steps later the output is.

    With j = 0, …, depth − 1, part j of step n is what the output of step n + j alone says. Each is
    kept as an array (cases, depth, steps, size).

    Returns:
        The sums of the parts by each state, as `_by_states`.
    """
    layer: Any = record.layer(k)
    states = States.of(way.slopes, way.U)
    parts: dict[str, list[Array]] = {}
    part = states.beside_blocks(own) * states.slopes[0]
    later = np.zeros_like(part)
    for j in range(layer.truncate):
        if j:
            later = np.concatenate([part[1:], np.zeros_like(part[:1])])
            part = states.back(later, slice(None))
        by_states = _states_before(layer, states.U, later, own if j == 0 else np.zeros_like(own))
        for name, one in _named_parts(layer, by_states, part):
            parts.setdefault(name, []).append(one)
    shape = (layer.truncate, layer.steps, layer.size)
    for name, found in parts.items():
        values, letter = np.array(found).swapaxes(0, 1), _letter(name, part=True)
        record.keep(k, f"{name}_back", values, "gradient", letter, shape, SAYS["back"])
    return [sum(parts[f"J_{state}"], np.zeros(())) for state in layer.state_names]


def _letter(name: str, *, part: bool = False) -> str:
    """The letter of z, δ or the gradient of a state, by its name; of a part of it, if asked for.

    ∂L/∂h by all that comes after is told from ∂L/∂h by the step's own output.
    """
    kind, _, of = name.partition("_")
    ending = "ᵖᵃʳᵗ" if part else "ᵃˡˡ" if name == "J_h" else ""
    letter = f"∂L/∂{of}" if kind == "J" else {"delta": "δ"}.get(kind, kind) + GATES.get(of, "")
    return letter + ending


def _named_parts(layer: Any, by_states: list[Array], part: Array) -> Iterator[tuple[str, Array]]:
    """One part of the gradients by states and by z, by name, (cases, steps, size) each."""
    for state, one in zip(layer.state_names, by_states, strict=True):
        yield f"J_{state}", one.swapaxes(0, 1)
    rows = part.swapaxes(0, 1).reshape(part.shape[1], -1)
    for gate, one in _blocks(layer, rows):
        yield f"delta_{gate}" if gate else "delta", one

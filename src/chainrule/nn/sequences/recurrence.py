"""The recurrence h(n) = φ(x(n) W + h(n−1) U + b), run from the first step to the last.

Arrays have the steps first, (steps, cases, ...), so that each step is one stretch of memory; what
comes in and what is given out are cases, as rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, unknown
from chainrule.core.sequences import lengths_of, mark, padded_steps
from chainrule.nn.activations import Activation
from chainrule.nn.sequences.recurrent_jacobians import flat_rows

Room = Callable[[str, tuple[int, ...], Any], Array]
"""Where arrays come from, by what they are for, shape and type."""


def new(what: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """Room that is new each time, whatever it is for."""
    return np.empty(shape, dtype)


def by_step(x: Array, steps: int, room: Room) -> tuple[Array, Array | None]:
    """x with the steps first, (steps, cases, features), 0 at padding; and the lengths.

    Args:
        x: rows of cases, (cases, steps · features).
        steps: of a case.
        room: for the result.

    Raises:
        ShapeError: padding stands within a case, or a case is nothing but padding.
    """
    sequence = x.reshape(len(x), steps, x.shape[1] // steps)  # of no cases, -1 is unknown
    lengths = lengths_of(sequence)
    found = room("x", (steps, len(x), sequence.shape[2]), x.dtype)
    found[...] = sequence.swapaxes(0, 1)
    if lengths is not None:
        found[padded_steps(lengths, steps).T] = 0
    return found, lengths


def run(
    x: Array, values: Mapping[str, Array], start: Array, activation: Activation, room: Room
) -> tuple[Array, Array]:
    """z, (steps, cases, size), and the states h(0), …, h(steps); x W is one product.

    Args:
        x: as `by_step` gives it.
        values: W, (features, size), U, (size, size), and b, (size,), where there are biases.
        start: h(0), (size,).
        activation: φ.
        room: for z, the states and what is carried from step to step.
    """
    steps, cases, features = x.shape
    W, U = values["W"], values["U"]
    dtype = np.result_type(x, *values.values())
    shape = (steps, cases, len(U))
    z = room("z", shape, dtype)
    np.dot(x.reshape(-1, features), W, out=z.reshape(-1, len(U)))
    if "b" in values:
        z += values["b"]
    states = room("h", (steps + 1, *shape[1:]), dtype)
    states[0] = start
    carried = room("carried", shape[1:], dtype)
    for n in range(steps):
        z[n] += np.dot(states[n], U, out=carried)
        activation.value(z[n], out=states[n + 1])
    return z, states


def last_steps(x: Array, lengths: Array | None) -> Array:
    """For each case the number of its last real step, from 0, (cases,).

    Args:
        x: an array of all steps, the steps first.
        lengths: as `by_step` gives them.
    """
    steps, cases, _ = x.shape
    return np.full(cases, steps - 1) if lengths is None else lengths - 1


def all_outputs(states: Array, lengths: Array | None, room: Room) -> Array:
    """h(1), …, h(steps) as rows of cases, (cases, steps · size), NaN at padding."""
    steps, cases, size = states[1:].shape
    out = room("out", (cases, steps, size), states.dtype)
    out[...] = states[1:].swapaxes(0, 1)
    return mark(out, lengths).reshape(cases, steps * size)


def last_outputs(states: Array, last: Array) -> Array:
    """h after the step ``last`` of each case, numbered from 0, (cases, size)."""
    chosen: Array = states[last + 1, np.arange(len(last))]
    return mark(chosen[:, None], None)[:, 0]


def marked_rows(z: Array, lengths: Array | None) -> Array:
    """A copy of z as rows of cases, (cases, steps · size), NaN at padding: there is none."""
    rows = np.array(flat_rows(z), order="C")  # a copy: the layer reads its own again
    return mark(rows.reshape(len(rows), len(z), z.shape[2]), lengths).reshape(rows.shape)


# The start state h(0) of a recurrence, as it is asked for.

STARTS = ("zeros", "learnt")


def given_start(start: Any, size: int) -> Array:
    """h(0), (size,), where it is not learnt; zeros, from which it starts, where it is.

    Args:
        start: a word of `STARTS`, or the numbers.
        size: how many units there are.

    Raises:
        ConfigError: neither a word of `STARTS` nor ``size`` numbers.
    """
    if isinstance(start, str):
        if start not in STARTS:
            raise ConfigError(unknown("start of a recurrent layer", start, STARTS))
        return np.zeros(size)
    numbers = list(start) if isinstance(start, Sequence | np.ndarray) else []
    if len(numbers) != size or not all(is_finite(v) for v in numbers):
        raise ConfigError(
            f"start is zeros, learnt, or a list of {size} finite numbers, one a unit; "
            f"found {start!r}"
        )
    return np.array(numbers, dtype=np.float64)

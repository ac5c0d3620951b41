"""What the layers with gates have in common: the LSTM and the GRU.

A step is the matrix products x(n) W and h(n−1) U, and then for each unit a function of a few
numbers, the same for every unit. These numbers are z(n): a block for each gate, side by side, and
a last block for the state that is carried on from the step before without a product. So all of a
layer's Jacobians follow from the derivatives of that function, which each layer states, and from
U (`chainrule.nn.sequences.through_time`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.jacobians import Jacobian
from chainrule.nn.layers.base import Arrays
from chainrule.nn.parameters import sum_of_rows
from chainrule.nn.sequences.through_time import (
    BIASES,
    InBlocks,
    ThroughTime,
    flat_rows,
    of_one_step,
)
from chainrule.nn.sequences.unrolled import Allocate, Unrolled, by_step, marked_rows, outputs_of


class Gated(Unrolled):
    """A layer with gates, see `Unrolled` for what it takes and gives.

    The last block of z is the carried state as it was before the step.
    """

    moved: ClassVar[Mapping[str, Sequence[int]]] = {}
    """By the name of an argument of z, the blocks that it moves; those of W, if left out."""

    carried: ClassVar[int] = 0
    """Which of the states is carried on in the last block of z."""

    _states: Any = None  # all of them, (states, steps + 1, cases, size)
    _z: Any = None

    @abstractmethod
    def step(self, z: Sequence[Array]) -> Sequence[Array]:
        """The states after a step, for the blocks of z, (…, size) each, real or complex."""

    @abstractmethod
    def slopes_of_step(self, z: Sequence[Array]) -> Sequence[Sequence[Array | None]]:
        """For each state, its derivatives by each block of z; None for one that is 0."""

    # The forward pass

    def _run(self, x: Array, values: Arrays, allocate: Allocate) -> tuple[Array, Array]:
        z, states = self._run_all(x, values, allocate)
        return z, states[0]

    def _run_all(self, x: Array, values: Arrays, allocate: Allocate) -> tuple[Array, Array]:
        """z of all steps, and all states, (states, steps + 1, cases, size)."""
        steps, cases, features = x.shape
        dtype = np.result_type(x, *values.values())
        z = allocate("z", (steps, cases, len(self.blocks) * self.size), dtype)
        z.fill(0)
        fed = np.dot(x.reshape(-1, features), values["W"])
        z[..., self._columns("W")] = fed.reshape(steps, cases, fed.shape[1])
        for name in BIASES:
            if name in values:
                z[..., self._columns(name)] += values[name]
        states = allocate("states", (len(self.state_names), steps + 1, cases, self.size), dtype)
        states[:, 0] = np.array(self._starts(values))[:, None]
        beside_U, last = self._columns("U"), self._columns("carried")
        for n in range(steps):
            z[n][:, beside_U] += np.dot(states[0, n], values["U"])
            z[n][:, last] = states[self.carried, n]
            for state, value in zip(states, self.step(self._split(z[n])), strict=True):
                state[n + 1] = value
        return z, states

    def forward_pass(self, x: Array) -> Array:
        """The outputs, (cases, steps · size) or (cases, size)."""
        self.x, self._lengths = by_step(x, self.steps, self._buffer)
        self._z, self._states = self._run_all(self.x, self._values, self._buffer)
        self.states = self._states[0]
        self._last = self._last_of(self.x, self._lengths)
        return outputs_of(self.states, self._lengths, self._last, self._buffer)

    def _columns(self, argument: str) -> Array:
        """Which numbers of z an argument moves."""
        last = (len(self.blocks) - 1,) if argument == "carried" else range(len(self.gates))
        blocks = np.array(self.moved.get(argument, last))
        return (blocks[:, None] * self.size + np.arange(self.size)).ravel()

    def _split(self, z: Array) -> list[Array]:
        """The blocks of z, (…, size) each, as views."""
        return np.split(z, len(self.blocks), axis=-1)

    # Jacobians and the backward pass

    @property
    def z(self) -> Array | None:
        """z of all steps in the last forward pass, (cases, steps · width); NaN at padding."""
        return None if self._z is None else marked_rows(self._z, self._lengths)

    def _through_time(self) -> ThroughTime:
        z = self._of_pass(self._z)
        found = [
            [np.zeros_like(z[..., : self.size]) if one is None else one for one in of_state]
            for of_state in self.slopes_of_step(self._split(z))
        ]
        slopes = self._without_padding(np.array([np.concatenate(one, axis=-1) for one in found]))
        return ThroughTime(slopes, self._matrices_of_states(), self._last, self.truncate)

    def _matrices_of_states(self) -> Array:
        """The matrices by which the states add to the next z, (states, size, width)."""
        shape = (len(self.state_names), self.size, len(self.blocks) * self.size)
        found = np.zeros(shape, self.U.dtype)
        found[0][:, self._columns("U")] = self.U
        found[self.carried][:, self._columns("carried")] = np.eye(self.size)
        return found

    def _step_jacobians(self) -> dict[str, Jacobian]:
        width = len(self.blocks) * self.size

        def placed(name: str, blocks: Jacobian) -> Jacobian:
            return InBlocks(blocks, self._columns(name), width)

        found = of_one_step(self.x, self.states, self._values, self._lengths, placed)
        return {**found, **self._jacobians_by_start(self._matrices_of_states())}

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ of every step by backpropagation through time, then the gradients from δ."""
        if self.explicit:
            return self._explicit_backward(J, to_input=to_input)
        return self._backward(self._through_time().deltas(J), to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The backward pass, given the part of δ from each step's own output alone.

        It has the shape of z, (cases, steps · width), because an output is no function of one
        number of z.
        """
        direct = delta.reshape(len(delta), *self.z_shape).swapaxes(0, 1)
        return self._backward(self._through_time().from_direct(direct), to_input=to_input)

    def _backward(self, delta: Array, *, to_input: bool) -> Array | None:
        """The gradients from δ(n) of all steps, (steps, cases, width)."""
        self.delta = flat_rows(delta)
        if self.learns_start:
            for name, matrix in zip(self.state_names, self._matrices_of_states(), strict=True):
                np.dot(sum_of_rows(delta[0]), matrix.T, out=self._gradients[f"{name}0"])
        if "b_hn" in self._gradients:
            rows = delta[..., self._columns("b_hn")].reshape(-1, self.size)
            sum_of_rows(rows, self._gradients["b_hn"])
        by_W, by_U = (delta[..., self._columns(name)] for name in ("W", "U"))
        return self._sums(by_W, by_U, to_input=to_input)

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
from typing import Any, ClassVar, NamedTuple

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
    placed_at,
)
from chainrule.nn.sequences.unrolled import Allocate, Unrolled, by_step, marked_rows, outputs_of


class Pass(NamedTuple):
    """A forward pass by compiled loops.

    Attributes:
        z: z(n) of all steps but for its last block, in one part or several, (steps, cases, …).
        states: all states, (states, steps + 1, cases, size).
        slopes: the derivatives of each step, as its backward loop needs them.
    """

    z: tuple[Array, ...]
    states: Array
    slopes: Array


class Delta(NamedTuple):
    """δ(n) of all steps in parts.

    Attributes:
        by_W: of the blocks that x W is added to, (steps, cases, gates · size).
        by_U: of the blocks that h U is added to, (steps, cases, gates · size).
        kept: of the block of the carried state, (steps, cases, size).
    """

    by_W: Array
    by_U: Array
    kept: Array


class Gated(Unrolled):
    """A layer with gates, see `Unrolled` for what it takes and gives.

    The last block of z is the carried state as it was before the step. Real numbers go through
    compiled loops, `chainrule.nn.sequences.kernels`, complex ones and all Jacobians through the
    formulas of `step` and `slopes_of_step`.
    """

    moved: ClassVar[Mapping[str, Sequence[int]]] = {}
    """By the name of an argument of z, the blocks that it moves; those of W, if left out."""

    axes: ClassVar[Mapping[str, str]] = {
        "W": "(features, units of each gate side by side)",
        "U": "(units, units of each gate side by side)",
        "b": "(units of each gate one behind the other,)",
        "b_hn": "(units,)",
    }

    carried: ClassVar[int] = 0
    """Which of the states is carried on in the last block of z."""

    _slopes_of_a_unit: ClassVar[int]
    """The number of blocks of a step's slopes in the compiled loops."""

    _pass: Pass | None = None
    _delta: Delta | None = None

    @abstractmethod
    def step(self, z: Sequence[Array]) -> Sequence[Array]:
        """The states after a step, for the blocks of z, (…, size) each, real or complex."""

    @abstractmethod
    def slopes_of_step(self, z: Sequence[Array]) -> Sequence[Sequence[Array | None]]:
        """For each state, its derivatives by each block of z; None for one that is 0."""

    @abstractmethod
    def _steps(
        self, fed: Array, states: Array, slopes: Array, values: Arrays, allocate: Allocate
    ) -> tuple[Array, ...]:
        """Compute all states by compiled loops, one step after the other.

        Args:
            fed: x(n) W + b, (steps, cases, gates · size); z is written into it.
            states: (states, steps + 1, cases, size), of which the first step is the start.
            slopes: room for each step's slopes, or for those of one step, which all steps use.
            values: the parameters.
            allocate: returns the arrays that the loops need beside.

        Returns:
            The parts of z, see `Pass`.
        """

    @abstractmethod
    def _steps_back(self, g: Array, slopes: Array) -> Delta:
        """δ by compiled loops, one step after the other from the last.

        Args:
            g: ∂L/∂h(n) by each step's own output, (steps, cases, size), 0 at padding.
            slopes: of the `Pass`.
        """

    # The forward pass

    def _run(self, x: Array, values: Arrays, allocate: Allocate) -> tuple[Array, Array]:
        dtype = np.result_type(x, *values.values())
        if dtype.kind == "c":
            return self._run_complex(x, values, dtype)
        found = self._run_compiled(x, values, allocate, keep_slopes=False)
        return self._whole_z(found), found.states[0]

    def _run_complex(self, x: Array, values: Arrays, dtype: Any) -> tuple[Array, Array]:
        """z of all steps and h by the formulas of `step`."""
        steps, cases, features = x.shape
        z = np.zeros((steps, cases, len(self.blocks) * self.size), dtype)
        fed = np.dot(x.reshape(-1, features), values["W"])
        z[..., self._columns("W")] = fed.reshape(steps, cases, fed.shape[1])
        for name in BIASES:
            if name in values:
                z[..., self._columns(name)] += values[name]
        states = [np.array(start)[None] for start in self._starts(values)]
        found = [np.broadcast_to(states[0], (cases, self.size))]
        beside_U, last = self._columns("U"), self._columns("carried")
        for n in range(steps):
            z[n][:, beside_U] += np.dot(states[0], values["U"])
            z[n][:, last] = states[self.carried]
            states = [*self.step(self._split(z[n]))]
            found.append(states[0])
        return z, np.array(found)

    def _run_compiled(
        self, x: Array, values: Arrays, allocate: Allocate, *, keep_slopes: bool
    ) -> Pass:
        """A pass by compiled loops; slopes that are not kept are those of the last step alone."""
        steps, cases, features = x.shape
        dtype = np.result_type(x, *values.values())
        fed = allocate("z", (steps, cases, len(self.gates) * self.size), dtype)
        np.dot(x.reshape(-1, features), values["W"], out=fed.reshape(-1, fed.shape[2]))
        if "b" in values:
            fed += values["b"]
        count = len(self.state_names)
        states = allocate("states", (count, steps + 1, cases, self.size), dtype)
        for state, start in zip(states, self._starts(values), strict=True):
            state[0] = start
        width = self._slopes_of_a_unit * self.size
        slopes = allocate("slopes", (steps if keep_slopes else 1, cases, width), dtype)
        return Pass(self._steps(fed, states, slopes, values, allocate), states, slopes)

    def forward_pass(self, x: Array) -> Array:
        """The outputs, (cases, steps · size) or (cases, size)."""
        self.x, self._lengths = by_step(x, self.steps, self._buffer)
        self._pass = self._run_compiled(self.x, self._values, self._buffer, keep_slopes=True)
        self.states = self._pass.states[0]
        self._last = self._last_of(self.x, self._lengths)
        return outputs_of(self.states, self._lengths, self._last, self._buffer)

    def _whole_z(self, one: Pass) -> Array:
        """z of a pass with its last block, (steps, cases, width)."""
        return np.concatenate([*one.z, one.states[self.carried, :-1]], axis=-1)

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
        if self._pass is None:
            return None
        return marked_rows(self._whole_z(self._pass), self._lengths)

    @property
    def delta(self) -> Array | None:
        """δ = ∂L/∂z of the last backward pass, (cases, steps · width); 0 at padding."""
        if self._delta is None:
            return None
        by_W, by_U, kept = self._delta
        of_state = len(self.blocks) - 1 - len(self.gates)  # blocks that h U alone is added to
        only_U = by_U[..., by_U.shape[2] - of_state * self.size :]
        return flat_rows(np.concatenate([by_W, only_U, kept], axis=-1))

    @delta.setter
    def delta(self, value: Array | None) -> None:
        """Take δ as one array, (cases, steps · width)."""
        self._delta = None if value is None else self._parts(value)

    def _parts(self, delta: Array) -> Delta:
        """The parts of δ given as rows."""
        by_step = delta.reshape(len(delta), *self.z_shape).swapaxes(0, 1)
        names = ("W", "U", "carried")
        return Delta(*(by_step[..., self._columns(name)] for name in names))

    @abstractmethod
    def formulas_of_step(self, z: Sequence[Array]) -> dict[str, tuple[str, Array]]:
        """The gates and states of a step by symbol, each as a formula and a value."""

    def inside(self) -> dict[str, tuple[str, Array]]:
        """Each gate's matrices, and the gates of all steps, (cases, steps, size)."""
        size, found = self.size, {}
        for name in ("W", "U", "b"):
            for k, gate in enumerate(self.gates) if name in self._values else ():
                block = self._values[name][..., k * size : (k + 1) * size]
                found[f"{name}_{gate}"] = (f"of {name}, the columns of gate {gate}", block)
        z = self._split(self._whole_z(self._of_pass(self._pass)))
        for symbol, (formula, value) in self.formulas_of_step(z).items():
            rows = marked_rows(value, self._lengths)
            found[symbol] = (formula, rows.reshape(len(rows), self.steps, size))
        return found

    def _through_time(self) -> ThroughTime:
        z = self._whole_z(self._of_pass(self._pass))
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
        """δ of every step by backpropagation through time, then the gradients from δ.

        A truncated gradient of all outputs goes through the Jacobians: it is no single pass from
        the last step to the first. With one output for each case, truncation only sets δ to 0 at
        the earlier steps.
        """
        one = self._of_pass(self._pass)
        if self.explicit:
            return self._explicit_backward(J, to_input=to_input)
        if self.truncate is not None and self.truncate < self.steps and self._last is None:
            return self._from_parts(self._parts(self._through_time().vjp(J)), to_input=to_input)
        steps, cases, _ = self.x.shape
        room = self._buffer("upstream", (steps, cases, self.size), one.states.dtype)
        g = self._without_padding(placed_at(J, self._last, room))
        delta = self._steps_back(g, one.slopes)
        if self.truncate is not None and self._last is not None:
            early = np.arange(steps)[:, None] <= self._last - self.truncate
            for part in delta:
                part[early] = 0
        return self._from_parts(delta, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The backward pass, given the part of δ from each step's own output alone.

        It has the shape of z, (cases, steps · width), because an output is no function of one
        number of z.
        """
        direct = delta.reshape(len(delta), *self.z_shape).swapaxes(0, 1)
        through = flat_rows(self._through_time().from_direct(direct))
        return self._from_parts(self._parts(through), to_input=to_input)

    def _from_parts(self, delta: Delta, *, to_input: bool) -> Array | None:
        """The gradients from the parts of δ."""
        self._delta = delta
        by_W, by_U, kept = delta
        if self.learns_start:
            of_h = np.dot(sum_of_rows(by_U[0]), self.U.T)
            starts = [of_h, *(np.zeros_like(of_h) for _ in self.state_names[1:])]
            starts[self.carried] += sum_of_rows(kept[0])
            for name, start in zip(self.state_names, starts, strict=True):
                self._gradients[f"{name}0"][...] = start
        if "b_hn" in self._gradients:
            rows = by_U[..., -self.size :].reshape(-1, self.size)
            sum_of_rows(rows, self._gradients["b_hn"])
        return self._sums(by_W, by_U, to_input=to_input)

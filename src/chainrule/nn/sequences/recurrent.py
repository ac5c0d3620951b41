"""The recurrent layer h(n) = φ(x(n) W + h(n−1) U + b)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.activations import Activation
from chainrule.nn.activations import activation as activation_of
from chainrule.nn.initializers import InitializerLike
from chainrule.nn.jacobians import Diagonal, Jacobian
from chainrule.nn.layers.base import (
    DEFAULT_WEIGHTS,
    Arrays,
    Weighted,
    WeightedOptions,
)
from chainrule.nn.parameters import sum_of_rows
from chainrule.nn.sequences.through_time import ThroughTime, flat_rows, of_one_step
from chainrule.nn.sequences.unrolled import (
    Allocate,
    StartLike,
    Unrolled,
    by_step,
    marked_rows,
    outputs_of,
)


class Recurrent(Unrolled, Weighted):
    """h(n) = φ(x(n) W + h(n−1) U + b) for n = 1, …, steps, from the start state h(0).

    W has the shape (features, size), U (size, size) and b (size,). The input is a sequence, of
    shape (steps, features). The output is (steps, size), or (size,) if only the last step's.

    Backpropagation through time is complete or truncated to k steps. Truncated, the derivative of
    each step's output goes back through k steps, its own included, and treats h before them as a
    constant (formulas: `chainrule.nn.sequences.through_time`), so that only the outputs 1 to k
    have a gradient with respect to h(0). k = steps gives the full gradient.

    Shorter cases are padded at their end with steps whose inputs are all NaN; the last step is
    then the last one that is not padding (see `chainrule.core.sequences`).

    Args:
        size: the number of units, at least 1.
        activation: φ, by name, by ``type`` with options, or as an object.
        outputs: the steps whose h is put out, ``all`` or the ``last`` alone.
        start: h(0): ``zeros``, ``learnt`` (a parameter h0, initially 0, or the numbers in
            ``{"learnt": [...]}``), or its numbers, which then stay.
        truncate: the k of truncated backpropagation; None for all steps.
        recurrent_weights: the initial values of U, as ``weights`` of `WithWeights`.
        options: ``bias``, ``weights``, ``biases``, ``learning_rate``, ``penalty``, ``name`` and
            ``inputs``, see `WithWeights`.

    Raises:
        ConfigError: the size, activation, start, rate or another argument is invalid.

    Source: Werbos, *Backpropagation through time: what it does and how to do it* (1990).

    Example:
        Two steps of one linear unit: h = (2, 3·2 + 5) = (2, 11). With ∂L/∂h(2) = 1, δ(2) = 1
        and δ(1) = δ(2) U = 3, so ∂L/∂U = h(0) δ(1) + h(1) δ(2) = 0·3 + 2·1.

        >>> from chainrule.nn.network import Network
        >>> layer = Recurrent(1, "linear", outputs="last")
        >>> network = Network([layer], input=[2, 1], loss="mse")
        >>> layer.W, layer.U = [[1.0]], [[3.0]]
        >>> network.forward_pass([[[2.0], [5.0]]])
        array([[11.]])
        >>> layer.backward_pass(np.array([[1.0]]))
        array([[3., 1.]])
        >>> layer.U_grad, layer.b_grad
        (array([[2.]]), array([4.]))
    """

    type: ClassVar[str] = "recurrent"
    axes: ClassVar[Mapping[str, str]] = {
        "W": "(features, units)",
        "U": "(units, units)",
        "b": "(units,)",
    }
    formula: ClassVar[str] = "x(n) W + h(n−1) U + b at every step n"
    formula_without_bias: ClassVar[str] = "x(n) W + h(n−1) U at every step n"
    slope_formula: ClassVar[str] = (
        "∂a/∂z through time: of step n by step n diag(φ′(z(n))), by step m < n "
        "diag(φ′(z(n))) Uᵀ times that of step n − 1"
    )

    def __init__(
        self,
        size: int,
        activation: str | Mapping[str, Any] | Activation = "tanh",
        *,
        outputs: str = "all",
        start: StartLike = "zeros",
        truncate: int | None = None,
        recurrent_weights: InitializerLike = DEFAULT_WEIGHTS,
        **options: Unpack[WeightedOptions],
    ) -> None:
        super().__init__(
            size,
            outputs=outputs,
            start=start,
            truncate=truncate,
            recurrent_weights=recurrent_weights,
            **options,
        )
        self.activation = activation_of(activation)
        self._z: Any = None

    def _run(self, x: Array, values: Arrays, allocate: Allocate) -> tuple[Array, Array]:
        """See `run`."""
        return run(x, values, self._starts(values)[0], self._activation, allocate)

    def forward_pass(self, x: Array) -> Array:
        """The outputs, (cases, steps · size) or (cases, size)."""
        self.x, self._lengths = by_step(x, self.steps, self._buffer)
        self._z, self.states = self._run(self.x, self._values, self._buffer)
        self._last = self._last_of(self.x, self._lengths)
        return outputs_of(self.states, self._lengths, self._last, self._buffer)

    # Jacobians and the backward pass

    @property
    def z(self) -> Array | None:
        """z of all steps in the last forward pass, (cases, steps · size); NaN at padding."""
        return None if self._z is None else marked_rows(self._z, self._lengths)

    @property
    def slopes(self) -> Diagonal:
        """diag φ'(z(n)) for all steps, 0 at padding: ``a`` without the effect on later steps."""
        return Diagonal(flat_rows(self._through_time().slopes))

    def _step_jacobians(self) -> dict[str, Jacobian]:
        found = of_one_step(self.x, self.states, self._values, self._lengths)
        return {**found, **self._jacobians_by_start(self.U[None])}

    def _through_time(self) -> ThroughTime:
        z = self._of_pass(self._z)
        slopes = self._activation.derivative(z, self._buffer("slopes", z.shape, z.dtype))
        return ThroughTime(self._without_padding(slopes), self.U, self._last, self.truncate)

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ of every step by backpropagation through time, then the gradients from δ."""
        if self.explicit:
            return self._explicit_backward(J, to_input=to_input)
        through_time = self._through_time()
        room = self._buffer("delta", self._z.shape, self._z.dtype)
        return self._backward(through_time.deltas(J, room), to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The backward pass, given g(n) ⊙ φ'(z(n)) of the steps put out, (cases, outputs)."""
        through_time = self._through_time()
        return self._backward(
            through_time.from_direct(through_time.placed(delta)), to_input=to_input
        )

    def _backward(self, delta: Array, *, to_input: bool) -> Array | None:
        """The gradients from δ(n) of all steps, (steps, cases, size)."""
        self.delta = flat_rows(delta)
        if self.learns_start:
            np.dot(sum_of_rows(delta[0]), self.U.T, out=self.h0_grad)
        return self._sums(delta, delta, to_input=to_input)


def run(
    x: Array, values: Mapping[str, Array], start: Array, activation: Activation, allocate: Allocate
) -> tuple[Array, Array]:
    """z, (steps, cases, size), and the states h(0), …, h(steps), (steps + 1, cases, size).

    Args:
        x: (steps, cases, features).
        values: W, U and, if there are biases, b.
        start: h(0), (size,).
        activation: φ.
        allocate: returns the arrays for z, for the states and for h U of one step.
    """
    steps, cases, features = x.shape
    W, U = values["W"], values["U"]
    dtype = np.result_type(x, *values.values())
    shape = (steps, cases, len(U))
    z = allocate("z", shape, dtype)
    np.dot(x.reshape(-1, features), W, out=z.reshape(-1, len(U)))
    if "b" in values:
        z += values["b"]
    states = allocate("h", (steps + 1, *shape[1:]), dtype)
    states[0] = start
    carried = allocate("carried", shape[1:], dtype)
    for n in range(steps):
        z[n] += np.dot(states[n], U, out=carried)
        activation.value(z[n], out=states[n + 1])
    return z, states

"""The recurrent layer h(n) = φ(x(n) W + h(n−1) U + b)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Unpack

import numpy as np

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.arrays import Array, assign
from chainrule.core.errors import ConfigError, ShapeError, unknown
from chainrule.core.sequences import lengths_of, mark, padded_steps
from chainrule.nn.activations import Activation
from chainrule.nn.activations import activation as activation_of
from chainrule.nn.initializers import initializer
from chainrule.nn.jacobians import Composed, Diagonal, Jacobian, explicit
from chainrule.nn.layers.base import (
    DEFAULT_BIASES,
    DEFAULT_WEIGHTS,
    Arrays,
    InitializerLike,
    Shape,
    View,
    Weighted,
    WeightedOptions,
    counted,
    sizes_text,
)
from chainrule.nn.parameters import sum_of_rows
from chainrule.nn.sequences.through_time import (
    FromStart,
    ThroughTime,
    flat_rows,
    of_one_step,
)

OUTPUTS = ("all", "last")


class Recurrent(Weighted):
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
        start: h(0): ``zeros``, ``learnt`` (a parameter h0, initially 0), or its numbers.
        truncate: the k of truncated backpropagation; None for all steps.
        recurrent_weights: the initial values of U, as ``weights`` of `Weighted`.
        options: ``bias``, ``weights``, ``biases``, ``learning_rate``, ``penalty``, ``name`` and
            ``inputs``, see `Weighted`.

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
    knows_padding: ClassVar[bool] = True
    formula: ClassVar[str] = "x(n) W + h(n−1) U + b at every step n"
    formula_without_bias: ClassVar[str] = "x(n) W + h(n−1) U at every step n"
    slope_formula: ClassVar[str] = (
        "∂a/∂z through time: of step n by step n diag(φ′(z(n))), by step m < n "
        "diag(φ′(z(n))) Uᵀ times that of step n − 1"
    )
    takes_sequences: ClassVar[bool] = True
    same_at_every_step: ClassVar[bool] = False
    size_is_outputs: ClassVar[bool] = True
    loss_from_z: ClassVar[bool] = False
    initial_values: ClassVar[Mapping[str, str]] = {
        "weights": DEFAULT_WEIGHTS,
        "recurrent_weights": DEFAULT_WEIGHTS,
        "biases": DEFAULT_BIASES,
    }
    _absences: ClassVar[Mapping[str, str]] = {
        **Weighted._absences,
        "h0": "does not learn its start state",
    }

    def __init__(
        self,
        size: int,
        activation: str | Mapping[str, Any] | Activation = "tanh",
        *,
        outputs: str = "all",
        start: str | Sequence[float] = "zeros",
        truncate: int | None = None,
        recurrent_weights: InitializerLike = DEFAULT_WEIGHTS,
        **options: Unpack[WeightedOptions],
    ) -> None:
        super().__init__(activation=activation_of(activation), **options)
        self.size = counted("size", size)
        if outputs not in OUTPUTS:
            raise ConfigError(unknown("outputs of a recurrent layer", outputs, OUTPUTS))
        self.only_last = outputs == "last"
        self.learns_start = isinstance(start, str) and start == "learnt"
        self.start = given_start(start, self.size)
        self.truncate = truncate
        self.recurrent_weights = initializer(recurrent_weights)
        self.states: Any = None
        self._z: Any = None
        self._last: Array | None = None
        self._lengths: Array | None = None

    @property
    def truncate(self) -> int | None:
        """The k of truncated backpropagation; None for all steps."""
        return self._truncate

    @truncate.setter
    def truncate(self, value: int | None) -> None:
        if value is not None and not (is_whole(value) and value >= 1):
            raise ConfigError(f"truncate is a whole number of at least 1, found {value!r}")
        self._truncate = None if value is None else int(value)

    @property
    def steps(self) -> int:
        """The number of steps of a case.

        Raises:
            ShapeError: the layer belongs to no network yet, so that its input is unknown.
        """
        if not self.input_shape:
            raise ShapeError("a recurrent layer has no steps before it belongs to a network")
        return self.input_shape[0]

    @property
    def uses_of_weights(self) -> int:
        """The number of steps, since every step uses each weight once."""
        return self.steps

    @property
    def z_shape(self) -> Shape:
        """(steps, size), also if the output is only the last step's."""
        return (self.steps, self.size)

    @property
    def features(self) -> int:
        """The number of inputs at each step."""
        return self.input_shape[1]

    # The other parameters and their gradients, which are views into θ and ∂L/∂θ

    U = View("The recurrent weights, (size, size), a view into θ; assigning writes into θ.")
    U_grad = View("∂L/∂U of the last backward pass, (size, size), a view into the gradient.")
    h0_grad = View("∂L/∂h(0) of the last backward pass, (size,), a view into the gradient.")

    @property
    def h0(self) -> Array:
        """The start state h(0), (size,); if it is learnt, a view into θ."""
        return self._start_of(self._values)

    @h0.setter
    def h0(self, value: Any) -> None:
        assign(self._of(self._values, "h0"), value, f"{self.name}.h0")

    def _start_of(self, values: Arrays) -> Array:
        """h(0) for the parameters ``values``, and of their type, so that float32 is kept."""
        return values["h0"] if self.learns_start else self.start.astype(values["W"].dtype)

    # Shapes, initial values and the forward pass

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`; the input is a sequence."""
        (shape,) = shapes
        if len(shape) != 2:
            raise ConfigError(
                f"{self.name}, a recurrent layer, takes a sequence [steps, features], but what "
                f"feeds it has the shape {sizes_text(shape)}"
            )
        self.input_shape = shape
        self.output_shape = (self.size,) if self.only_last else (shape[0], self.size)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of W (features, size), U (size, size), and, if any, b and h0 (size,)."""
        size = self.size
        bias = {"b": (size,)} if self.bias else {}
        start = {"h0": (size,)} if self.learns_start else {}
        return {"W": (self.features, size), "U": (size, size), **bias, **start}

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """See `Layer.draw`."""
        if name == "h0":
            return np.zeros(self.size)
        start = {"W": self.weights, "U": self.recurrent_weights, "b": self.biases}[name]
        fans = (self.size if name == "U" else self.features, self.size)
        return start.draw(self.shapes()[name], rng, fans)

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z of all steps, (cases, steps · size), with NaN at padding; and the outputs."""
        x, lengths = by_step(x, self.steps, new)
        z, states = run(x, values, self._start_of(values), self._activation, new)
        y = outputs_of(states, lengths, self._last_of(x, lengths), new)
        return marked_rows(z, lengths), y

    def forward_pass(self, x: Array) -> Array:
        """The outputs, (cases, steps · size) or (cases, size)."""
        self.x, self._lengths = by_step(x, self.steps, self._buffer)
        self._z, self.states = run(
            self.x, self._values, self._start_of(self._values), self._activation, self._buffer
        )
        self._last = self._last_of(self.x, self._lengths)
        return outputs_of(self.states, self._lengths, self._last, self._buffer)

    def _last_of(self, x: Array, lengths: Array | None) -> Array | None:
        """The index of each case's last step before padding; None if all steps are put out."""
        if not self.only_last:
            return None
        steps, cases, _ = x.shape
        return np.full(cases, steps - 1) if lengths is None else lengths - 1

    def _buffer(self, what: str, shape: Shape, dtype: Any) -> Array:
        return self.context.buffer(self.name, what, shape, dtype)

    # Jacobians and the backward pass

    @property
    def z(self) -> Array | None:
        """z of all steps in the last forward pass, (cases, steps · size); NaN at padding."""
        return None if self._z is None else marked_rows(self._z, self._lengths)

    @property
    def a(self) -> Array | None:
        """The outputs of the last forward pass, (cases, outputs)."""
        states = self.states
        return None if states is None else outputs_of(states, self._lengths, self._last, new)

    def jacobians(self) -> dict[str, Jacobian]:
        """``a``: the outputs by the z of all steps, through time; others: z(n) by each argument.

        The Jacobians of z(n) by ``x``, ``W``, ``U``, ``b`` and ``h0`` hold h(n−1) fixed; ``a``
        contains the effect on later steps. `through_time` returns the products of both.

        Raises:
            ShapeError: there was no forward pass.
        """
        self._of_pass(self.x)
        return {"a": self._through_time(), **self._step_jacobians()}

    def through_time(self) -> dict[str, Jacobian]:
        """The Jacobians of the outputs by each argument through all steps, or ``truncate`` steps.

        Raises:
            ShapeError: there was no forward pass.

        Example:
            >>> from chainrule.nn.network import Network
            >>> layer = Recurrent(1, "linear", outputs="last", bias=False)
            >>> network = Network([layer], input=[2, 1], loss="mse")
            >>> layer.W, layer.U = [[1.0]], [[3.0]]
            >>> _ = network.forward_pass([[[2.0], [5.0]]])
            >>> layer.through_time()["x"].dense()
            array([[[3., 1.]]])
        """
        local = self.jacobians()
        outer = local.pop("a")
        return {name: Composed(outer, inner) for name, inner in local.items()}

    @property
    def slopes(self) -> Diagonal:
        """diag φ'(z(n)) for all steps, 0 at padding: ``a`` without the effect on later steps."""
        return Diagonal(flat_rows(self._through_time().slopes))

    def _step_jacobians(self) -> dict[str, Jacobian]:
        """The Jacobians of z(n) by each argument, with h(n−1) held fixed."""
        found = of_one_step(self.x, self.states, self._values, self._lengths)
        if self.learns_start:
            found["h0"] = FromStart(self.U, self.x.shape[1], self.steps)
        return found

    def _through_time(self) -> ThroughTime:
        """The outputs by z of all steps; slope 0 at padding stops the gradient there."""
        z = self._of_pass(self._z)
        slopes = self._activation.derivative(z, self._buffer("slopes", z.shape, z.dtype))
        if self._lengths is not None:
            slopes[padded_steps(self._lengths, self.steps).T] = 0
        return ThroughTime(slopes, self.U, self._last, self.truncate)

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ of every step by backpropagation through time, then the gradients from δ."""
        through_time = self._through_time()
        if self.explicit:
            return self._explicit_backward(explicit(through_time).vjp(J), to_input=to_input)
        delta = through_time.deltas(J, self._buffer("delta", self._z.shape, self._z.dtype))
        return self._backward(delta, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The backward pass, given g(n) ⊙ φ'(z(n)) of the steps put out, (cases, outputs)."""
        through_time = self._through_time()
        return self._backward(
            through_time.from_direct(through_time.placed(delta)), to_input=to_input
        )

    def _backward(self, delta: Array, *, to_input: bool) -> Array | None:
        """∂L/∂W = Σ x(n)ᵀ δ(n), ∂L/∂U = Σ h(n−1)ᵀ δ(n), ∂L/∂b = Σ δ(n); ∂L/∂x(n) = δ(n) Wᵀ.

        δ has the steps first, so that each sum over cases and steps is one matrix product.
        """
        steps, cases, size = delta.shape
        rows = delta.reshape(-1, size)
        self.delta = flat_rows(delta)
        np.dot(self.x.reshape(-1, self.features).T, rows, out=self.W_grad)
        np.dot(self.states[:-1].reshape(-1, size).T, rows, out=self.U_grad)
        if self.bias:
            sum_of_rows(rows, self.b_grad)
        if self.learns_start:
            np.dot(sum_of_rows(delta[0]), self.U.T, out=self.h0_grad)
        if not to_input:
            return None
        return flat_rows(np.dot(rows, self.W.T).reshape(steps, cases, self.features))

    def _explicit_backward(self, delta: Array, *, to_input: bool) -> Array | None:
        """The gradients of `_backward`, by multiplying δ by the dense Jacobians of z(n)."""
        self.delta = delta
        inner = self._step_jacobians()
        for name in self.shapes():
            self._gradients[name][...] = np.tensordot(delta, inner[name].dense(), 2)
        return explicit(inner["x"]).vjp(delta) if to_input else None


# The forward recurrence. Arrays have the steps first, (steps, cases, ...), so that each step is
# contiguous; the layer's input and output have one row for each case.

Allocate = Callable[[str, tuple[int, ...], Any], Array]
"""Returns an array to write to, given its purpose, shape and type."""


def new(what: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """A new array each time, for every purpose."""
    return np.empty(shape, dtype)


def by_step(x: Array, steps: int, allocate: Allocate) -> tuple[Array, Array | None]:
    """x with the steps first, (steps, cases, features), and 0 at padding; and the cases' lengths.

    Raises:
        ShapeError: there is padding in the middle of a case, or a case is nothing but padding.
    """
    sequence = x.reshape(len(x), steps, x.shape[1] // steps)  # -1 fails for 0 cases
    lengths = lengths_of(sequence)
    found = allocate("x", (steps, len(x), sequence.shape[2]), x.dtype)
    found[...] = sequence.swapaxes(0, 1)
    if lengths is not None:
        found[padded_steps(lengths, steps).T] = 0
    return found, lengths


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


def outputs_of(
    states: Array, lengths: Array | None, last: Array | None, allocate: Allocate
) -> Array:
    """The layer's output, given the states h(0), h(1), …, h(steps).

    If ``last`` is None, it is h(1), …, h(steps) of each case, (cases, steps · size), with NaN at
    padding. Otherwise it is h at the step of each case with the index ``last``, (cases, size).
    """
    if last is not None:
        chosen: Array = states[last + 1, np.arange(len(last))]
        return mark(chosen[:, None], None)[:, 0]
    steps, cases, size = states[1:].shape
    out = allocate("out", (cases, steps, size), states.dtype)
    out[...] = states[1:].swapaxes(0, 1)
    return mark(out, lengths).reshape(cases, steps * size)


def marked_rows(z: Array, lengths: Array | None) -> Array:
    """A copy of z with one row for each case, (cases, steps · size), and NaN at padding."""
    rows = np.array(flat_rows(z), order="C")  # a copy: the layer reads z again
    return mark(rows.reshape(len(rows), len(z), z.shape[2]), lengths).reshape(rows.shape)


# The start state h(0)

STARTS = ("zeros", "learnt")


def given_start(start: Any, size: int) -> Array:
    """h(0), (size,): the given numbers, or zeros, also for the initial value of a learnt one.

    Raises:
        ConfigError: ``start`` is neither in `STARTS` nor a list of ``size`` finite numbers.
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

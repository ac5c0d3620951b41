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

    W is (features, size), U (size, size), b (size,). The input is a sequence, of shape
    (steps, features); the output (steps, size), or (size,) where only the last is given.

    Backpropagation through time is complete, or truncated to k steps: the derivative of each
    step's output then goes back through k steps, its own counted, and takes h before them for a
    constant (formulas: `chainrule.nn.sequences.through_time`). k = steps gives the whole gradient.
    The start state is reached from the first step alone, so with k only by outputs 1 to k.

    Cases of fewer steps are filled up at their end by steps whose inputs are all NaN; ``last`` is
    then the last step that is real (see `chainrule.core.sequences`).

    Args:
        size: the number of units, at least 1.
        activation: φ, by name, by ``type`` with options, or as an object.
        outputs: ``all`` steps, or the ``last`` alone.
        start: h(0): ``zeros``, ``learnt`` (a parameter h0, at first 0), or its numbers.
        truncate: k of truncated backpropagation; None for all steps.
        recurrent_weights: how U starts.
        options: ``bias``, ``weights``, ``biases``, ``learning_rate``, ``penalty``, ``name`` and
            ``inputs``, see `Weighted`.

    Raises:
        ConfigError: a size, activation, start, rate or another argument that is none.

    Source: Werbos, *Backpropagation through time: what it does and how to do it* (1990).

    Example:
        Two steps of one linear unit: h = (2, 3·2 + 5) = (2, 11). From δ = 1 at the last step U
        sends 3 back to the first, so ∂L/∂U = 0·3 + 2·1.

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
            ShapeError: the layer belongs to no network yet, which would say it.
        """
        if not self.input_shape:
            raise ShapeError("a recurrent layer has no steps before it belongs to a network")
        return self.input_shape[0]

    @property
    def uses_of_weights(self) -> int:
        """Once at every step."""
        return self.steps

    @property
    def z_shape(self) -> Shape:
        """(steps, size), also where only the last output is given on."""
        return (self.steps, self.size)

    @property
    def features(self) -> int:
        """The number of inputs at each step."""
        return self.input_shape[1]

    # The parameters beside W and b, and their gradients, views into the two vectors

    U = View("The weights of the state before, (size, size), a view into θ; see `W`.")
    U_grad = View("∂L/∂U of the last backward pass, (size, size), a view into the gradient.")
    h0_grad = View("∂L/∂h(0) of the last backward pass, (size,), a view into the gradient.")

    @property
    def h0(self) -> Array:
        """The start state, (size,): a view into θ where it is learnt."""
        return self._start_of(self._values)

    @h0.setter
    def h0(self, value: Any) -> None:
        assign(self._of(self._values, "h0"), value, f"{self.name}.h0")

    def _start_of(self, values: Arrays) -> Array:
        """h(0) at any parameters; of their type, so that float32 stays float32."""
        return values["h0"] if self.learns_start else self.start.astype(values["W"].dtype)

    # The layer as its network sees it

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
        """W (features, size), U (size, size), and b (size,) and h0 (size,) where there are any."""
        size = self.size
        of_bias = {"b": (size,)} if self.bias else {}
        of_start = {"h0": (size,)} if self.learns_start else {}
        return {"W": (self.features, size), "U": (size, size), **of_bias, **of_start}

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """See `Layer.draw`."""
        if name == "h0":
            return np.zeros(self.size)
        start = {"W": self.weights, "U": self.recurrent_weights, "b": self.biases}[name]
        fans = (self.size if name == "U" else self.features, self.size)
        return start.draw(self.shapes()[name], rng, fans)

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z of all steps, (cases, steps · size), NaN at padding, and the outputs."""
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
        """For each case the number of its last real step, from 0; None where all are put out."""
        if not self.only_last:
            return None
        steps, cases, _ = x.shape
        return np.full(cases, steps - 1) if lengths is None else lengths - 1

    def _buffer(self, what: str, shape: Shape, dtype: Any) -> Array:
        return self.context.buffer(self.name, what, shape, dtype)

    # What the backward pass is made of

    @property
    def z(self) -> Array | None:
        """φ's argument at all steps of the last forward pass, (cases, steps · size)."""
        return None if self._z is None else marked_rows(self._z, self._lengths)

    @property
    def a(self) -> Array | None:
        """The outputs of the last forward pass, (cases, outputs)."""
        states = self.states
        return None if states is None else outputs_of(states, self._lengths, self._last, new)

    def jacobians(self) -> dict[str, Jacobian]:
        """``a``: the outputs by z of all steps, through time; the others: z of each step alone.

        That by ``x``, ``W``, ``U``, ``b`` or ``h0`` holds the state before each step fixed; how
        it goes on from there is in ``a``. `through_time` has both in one.

        Raises:
            ShapeError: there was no forward pass.
        """
        self._of_pass(self.x)
        return {"a": self._through_time(), **self._step_jacobians()}

    def through_time(self) -> dict[str, Jacobian]:
        """The outputs by each argument, all the ways through time in it; truncated as the layer.

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
        """φ'(z) at each step, 0 at padding: the local part of ``a``."""
        return Diagonal(flat_rows(self._through_time().slopes))

    def _step_jacobians(self) -> dict[str, Jacobian]:
        """∂z by each argument, the state before held fixed."""
        found = of_one_step(self.x, self.states, self._values, self._lengths)
        if self.learns_start:
            found["h0"] = FromStart(self.U, self.x.shape[1], self.steps)
        return found

    def _through_time(self) -> ThroughTime:
        """The outputs by z of all steps; padded steps have slope 0, so no gradient passes them."""
        z = self._of_pass(self._z)
        slopes = self._activation.derivative(z, self._buffer("slopes", z.shape, z.dtype))
        if self._lengths is not None:
            slopes[padded_steps(self._lengths, self.steps).T] = 0
        return ThroughTime(slopes, self.U, self._last, self.truncate)

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ of every step by backpropagation through time, then the gradients from it."""
        through_time = self._through_time()
        if self.explicit:
            return self._explicit_backward(explicit(through_time).vjp(J), to_input=to_input)
        delta = through_time.deltas(J, self._buffer("delta", self._z.shape, self._z.dtype))
        return self._backward(delta, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The backward pass from ∂L/∂z of the outputs' own steps, (cases, outputs)."""
        through_time = self._through_time()
        return self._backward(
            through_time.from_direct(through_time.placed(delta)), to_input=to_input
        )

    def _backward(self, delta: Array, *, to_input: bool) -> Array | None:
        """∂L/∂W = Σ x(n)ᵀ δ(n), ∂L/∂U = Σ h(n−1)ᵀ δ(n), ∂L/∂b = Σ δ(n); ∂L/∂x(n) = δ(n) Wᵀ.

        δ has the steps first, so each sum over cases and steps is one product.
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
        """The same by the explicit matrices: outer products, and δ times the blocks of Wᵀ."""
        self.delta = delta
        inner = self._step_jacobians()
        for name in self.shapes():
            self._gradients[name][...] = np.tensordot(delta, inner[name].dense(), 2)
        return explicit(inner["x"]).vjp(delta) if to_input else None


# The recurrence, run from the first step to the last. Arrays have the steps first, (steps, cases,
# ...), so that the numbers of a step lie together; inputs and outputs are rows of cases.

Allocate = Callable[[str, tuple[int, ...], Any], Array]
"""Gives an array to write to, by what it is for, its shape and its type."""


def new(what: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """A new array each time, whatever it is for."""
    return np.empty(shape, dtype)


def by_step(x: Array, steps: int, allocate: Allocate) -> tuple[Array, Array | None]:
    """Rows of cases with the steps first, (steps, cases, features), 0 at padding; and the lengths.

    Raises:
        ShapeError: padding stands within a case, or a case is nothing but padding.
    """
    sequence = x.reshape(len(x), steps, x.shape[1] // steps)  # of no cases, -1 is unknown
    lengths = lengths_of(sequence)
    found = allocate("x", (steps, len(x), sequence.shape[2]), x.dtype)
    found[...] = sequence.swapaxes(0, 1)
    if lengths is not None:
        found[padded_steps(lengths, steps).T] = 0
    return found, lengths


def run(
    x: Array, values: Mapping[str, Array], start: Array, activation: Activation, allocate: Allocate
) -> tuple[Array, Array]:
    """z, (steps, cases, size), and the states h(0), …, h(steps); x W is one product.

    Args:
        x: (steps, cases, features).
        values: W, U and, where there are biases, b.
        start: h(0), (size,).
        activation: φ.
        allocate: gives the arrays of z, the states and h U of one step.
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

    It is h(1), …, h(steps) as rows of cases, (cases, steps · size), NaN at padding; or h after the
    step ``last`` of each case, numbered from 0, (cases, size).
    """
    if last is not None:
        chosen: Array = states[last + 1, np.arange(len(last))]
        return mark(chosen[:, None], None)[:, 0]
    steps, cases, size = states[1:].shape
    out = allocate("out", (cases, steps, size), states.dtype)
    out[...] = states[1:].swapaxes(0, 1)
    return mark(out, lengths).reshape(cases, steps * size)


def marked_rows(z: Array, lengths: Array | None) -> Array:
    """A copy of z as rows of cases, (cases, steps · size), NaN at padding, where there is no z."""
    rows = np.array(flat_rows(z), order="C")  # the layer reads its own array again
    return mark(rows.reshape(len(rows), len(z), z.shape[2]), lengths).reshape(rows.shape)


# The start state h(0) of a recurrence.

STARTS = ("zeros", "learnt")


def given_start(start: Any, size: int) -> Array:
    """h(0), (size,): the given numbers, or zeros, which a learnt one has at first as well.

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

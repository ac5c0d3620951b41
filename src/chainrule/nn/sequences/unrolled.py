"""What layers with a state have in common: the recurrent layer, the LSTM and the GRU.

Such a layer is unrolled in time: its state after step n is computed from the input x(n) and from
its state after step n − 1, by the same parameters at every step.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Unpack

import numpy as np

from chainrule.core.arguments import is_finite, is_whole, require_count
from chainrule.core.arrays import Array, assign
from chainrule.core.errors import ConfigError, ShapeError, unknown
from chainrule.core.notation import sizes_text
from chainrule.core.sequences import lengths_of, mark, padded_steps
from chainrule.nn.initializers import InitializerLike, initializer
from chainrule.nn.jacobians import Composed, Jacobian, explicit
from chainrule.nn.layers.base import (
    DEFAULT_BIASES,
    DEFAULT_WEIGHTS,
    Arrays,
    Shape,
    View,
    WeightedOptions,
    WithWeights,
)
from chainrule.nn.parameters import sum_of_rows
from chainrule.nn.sequences.through_time import FromStart, ThroughTime, flat_rows

OUTPUTS = ("all", "last")
STARTS = ("zeros", "learnt")
StartLike = str | Sequence[float] | Array | Mapping[str, Any]


class Unrolled(WithWeights):
    """A layer whose state after each step depends on its state before.

    Its input is a sequence, of shape (steps, features). Its output is the state h of all steps,
    (steps, size), or of the last step alone, (size,). Shorter cases are padded at their end with
    steps whose inputs are all NaN; the last step is then the last one that is not padding.

    z(n) is what the element-wise part of step n is computed from: a block of ``size`` numbers, or
    several side by side.

    Args:
        size: the number of units, at least 1.
        outputs: the steps whose h is put out, ``all`` or the ``last`` alone.
        start: the state before the first step: ``zeros``, ``learnt`` (parameters, initially 0,
            or the numbers in ``{"learnt": [...]}``), or its numbers, which then stay.
        truncate: the k of truncated backpropagation, see `chainrule.nn.sequences.through_time`;
            None for all steps.
        recurrent_weights: the initial values of U, as ``weights`` of `WithWeights`.
        options: ``bias``, ``weights``, ``biases``, ``learning_rate``, ``penalty``, ``name`` and
            ``inputs``, see `WithWeights`.

    Attributes:
        states: h(0), …, h(steps) of the last forward pass, (steps + 1, cases, size).

    Raises:
        ConfigError: the size, start, rate or another argument is invalid.
    """

    knows_padding: ClassVar[bool] = True
    takes_sequences: ClassVar[bool] = True
    same_at_every_step: ClassVar[bool] = False
    size_is_outputs: ClassVar[bool] = True
    loss_from_z: ClassVar[bool] = False
    initial_values: ClassVar[Mapping[str, str]] = {
        "weights": DEFAULT_WEIGHTS,
        "recurrent_weights": DEFAULT_WEIGHTS,
        "biases": DEFAULT_BIASES,
    }
    starts: ClassVar[Mapping[str, str]] = {
        **WithWeights.starts,
        "U": "recurrent_weights",
    }
    _absences: ClassVar[Mapping[str, str]] = {
        **WithWeights._absences,
        "h0": "does not learn its start state",
        "c0": "does not learn its start state",
    }

    state_names: ClassVar[tuple[str, ...]] = ("h",)
    """The states that are carried from step to step; the first is put out."""

    gates: ClassVar[tuple[str, ...]] = ("",)
    """The blocks of W, U and b, side by side, each of ``size`` columns."""

    blocks: ClassVar[tuple[str, ...]] = ("",)
    """The blocks of z, side by side, each of ``size`` numbers."""

    def __init__(
        self,
        size: int,
        *,
        outputs: str = "all",
        start: StartLike = "zeros",
        truncate: int | None = None,
        recurrent_weights: InitializerLike = DEFAULT_WEIGHTS,
        **options: Unpack[WeightedOptions],
    ) -> None:
        super().__init__(**options)
        require_count("size", size, 1)
        self.size = int(size)
        if outputs not in OUTPUTS:
            raise ConfigError(unknown("outputs of a recurrent layer", outputs, OUTPUTS))
        self.only_last = outputs == "last"
        self.learns_start = isinstance(start, Mapping) or (
            isinstance(start, str) and start == "learnt"
        )
        self.start = given_start(start, self.size, len(self.state_names))
        self.truncate = truncate
        self.recurrent_weights = initializer(recurrent_weights)
        self.states: Any = None
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
        """(steps, the width of z), also if the output is only the last step's."""
        return (self.steps, len(self.blocks) * self.size)

    @property
    def features(self) -> int:
        """The number of inputs at each step."""
        return self.input_shape[1]

    # The other parameters and their gradients, which are views into θ and ∂L/∂θ

    U = View("The recurrent weights, (size, …), a view into θ; assigning writes into θ.")
    U_grad = View("∂L/∂U of the last backward pass, a view into the gradient.")
    h0_grad = View("∂L/∂h(0) of the last backward pass, (size,), a view into the gradient.")

    @property
    def h0(self) -> Array:
        """The start state h(0), (size,); if it is learnt, a view into θ."""
        return self._starts(self._values)[0]

    @h0.setter
    def h0(self, value: Any) -> None:
        assign(self._of(self._values, "h0"), value, f"{self.name}.h0")

    def _starts(self, values: Arrays) -> list[Array]:
        """The start of each state, of the type of the parameters, so that float32 is kept."""
        if self.learns_start:
            return [values[f"{name}0"] for name in self.state_names]
        given = self.start.astype(values["W"].dtype)
        return np.split(given, len(self.state_names))

    # Shapes, initial values and the forward pass

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`; the input is a sequence."""
        (shape,) = shapes
        if len(shape) != 2:
            raise ConfigError(
                f"{self.name}, a recurrent layer, takes a sequence [steps, features], but what "
                f"feeds it has the shape {sizes_text(shape)}; the input of such a network is "
                "[steps, features], of class numbers [steps, 1]"
            )
        self.input_shape = shape
        self.output_shape = (self.size,) if self.only_last else (shape[0], self.size)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """W (features, gates · size), U (size, gates · size), b (gates · size,), starts (size,).

        A layer without biases has no b, and only a learnt start state is a parameter.
        """
        size, width = self.size, len(self.gates) * self.size
        bias = {"b": (width,)} if self.bias else {}
        start = {f"{name}0": (size,) for name in self.state_names if self.learns_start}
        return {"W": (self.features, width), "U": (size, width), **bias, **start}

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """See `Layer.draw`. Each gate's weights are a matrix of their own, of ``size`` outputs."""
        if name.removesuffix("0") in self.state_names:
            own = self.state_names.index(name.removesuffix("0"))
            return np.split(self.start, len(self.state_names))[own].copy()
        start = {"W": self.weights, "U": self.recurrent_weights}.get(name, self.biases)
        fans = (self.size if name == "U" else self.features, self.size)
        return start.draw(self.shapes()[name], rng, fans)

    @abstractmethod
    def _run(self, x: Array, values: Arrays, allocate: Allocate) -> tuple[Array, Array]:
        """z, (steps, cases, width), and h(0), …, h(steps), (steps + 1, cases, size).

        Args:
            x: (steps, cases, features), 0 at padding.
            values: the parameters, perhaps complex.
            allocate: returns the arrays to write into.
        """

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z of all steps, (cases, steps · width), with NaN at padding; and the outputs."""
        x, lengths = by_step(x, self.steps, new)
        z, states = self._run(x, values, new)
        y = outputs_of(states, lengths, self._last_of(x, lengths), new)
        return marked_rows(z, lengths), y

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
    def a(self) -> Array | None:
        """The outputs of the last forward pass, (cases, outputs)."""
        states = self.states
        return None if states is None else outputs_of(states, self._lengths, self._last, new)

    def jacobians(self) -> dict[str, Jacobian]:
        """``a``: the outputs by the z of all steps, through time; others: z(n) by each argument.

        The Jacobians of z(n) by ``x``, the parameters and the start states hold the states before
        it fixed; ``a`` contains the effect on later steps. `through_time` returns the products of
        both.

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
            >>> from chainrule.nn import Network, Recurrent
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

    @abstractmethod
    def _through_time(self) -> ThroughTime:
        """The outputs by z of all steps; slope 0 at padding stops the gradient there."""

    @abstractmethod
    def _step_jacobians(self) -> dict[str, Jacobian]:
        """The Jacobians of z(n) by each argument, with the states before it held fixed."""

    def _jacobians_by_start(self, matrices: Array) -> dict[str, Jacobian]:
        """z(1) by each learnt start state, with the matrices (states, size, width)."""
        if not self.learns_start:
            return {}
        cases = self.x.shape[1]
        names = (f"{name}0" for name in self.state_names)
        pairs = zip(names, matrices, strict=True)
        return {name: FromStart(U, cases, self.steps) for name, U in pairs}

    def _without_padding(self, of_steps: Array) -> Array:
        """An array (…, steps, cases, width) set to 0 at padding, in place."""
        if self._lengths is not None:
            of_steps[..., padded_steps(self._lengths, self.steps).T, :] = 0
        return of_steps

    def _sums(self, by_z: Array, beside_U: Array, *, to_input: bool) -> Array | None:
        """∂L/∂W = Σ x(n)ᵀ δ(n), ∂L/∂U = Σ h(n−1)ᵀ δ(n), ∂L/∂b = Σ δ(n); ∂L/∂x(n) = δ(n) Wᵀ.

        δ has the steps first, so that each sum over cases and steps is one matrix product.

        Args:
            by_z: the blocks of δ that x W is added to, (steps, cases, gates · size).
            beside_U: those that h U is added to.
            to_input: whether to compute ∂L/∂x.
        """
        steps, cases, width = by_z.shape
        rows = by_z.reshape(-1, width)
        np.dot(self.x.reshape(-1, self.features).T, rows, out=self.W_grad)
        h = self.states[:-1].reshape(-1, self.size)
        np.dot(h.T, beside_U.reshape(-1, width), out=self.U_grad)
        if self.bias:
            sum_of_rows(rows, self.b_grad)
        if not to_input:
            return None
        return flat_rows(np.dot(rows, self.W.T).reshape(steps, cases, self.features))

    def _explicit_backward(self, J: Array, *, to_input: bool) -> Array | None:
        """The gradients, by multiplying by the dense Jacobians through time and of z(n)."""
        delta = self.delta = explicit(self._through_time()).vjp(J)
        inner = self._step_jacobians()
        for name in self.shapes():
            self._gradients[name][...] = np.tensordot(delta, inner[name].dense(), 2)
        return explicit(inner["x"]).vjp(delta) if to_input else None


# Arrays have the steps first, (steps, cases, ...), so that each step is contiguous; the layer's
# input and output have one row for each case.

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


def given_start(start: Any, size: int, states: int = 1) -> Array:
    """The start states one after the other, (states · size,): the given numbers, or zeros.

    A learnt start state begins with zeros as well, unless it is ``{"learnt": numbers}``.

    Raises:
        ConfigError: ``start`` is neither in `STARTS` nor a list of so many finite numbers.
    """
    if isinstance(start, Mapping):
        if set(start) != {"learnt"}:
            raise ConfigError(
                f"a start that is learnt from given numbers is {{learnt: [...]}}, found {start!r}"
            )
        start = start["learnt"]
    if isinstance(start, str):
        if start not in STARTS:
            raise ConfigError(unknown("start of a recurrent layer", start, STARTS))
        return np.zeros(states * size)
    numbers = list(start) if isinstance(start, Sequence | np.ndarray) else []
    if len(numbers) != states * size or not all(is_finite(v) for v in numbers):
        each = "one a unit" if states == 1 else "one a unit for h(0), then one a unit for c(0)"
        raise ConfigError(
            f"start is zeros, learnt, or a list of {states * size} finite numbers, {each}; "
            f"found {start!r}"
        )
    return np.array(numbers, dtype=np.float64)

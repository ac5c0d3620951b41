"""The LSTM layer: a cell c(n) that gates write to, keep, and read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Unpack

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array, assign
from chainrule.core.errors import ConfigError
from chainrule.nn.activations import Tanh, sigmoid, sigmoid_derivative
from chainrule.nn.initializers import Given, InitializerLike
from chainrule.nn.layers.base import (
    DEFAULT_WEIGHTS,
    Arrays,
    View,
    WeightedOptions,
)
from chainrule.nn.sequences.gated import Delta, Gated
from chainrule.nn.sequences.unrolled import Allocate, StartLike

FORGET_BIAS = 1.0
"""What is added to the initial biases of the forget gate, if nothing else is asked for."""


class LSTM(Gated):
    """h(n) = o ⊙ tanh c(n), c(n) = f ⊙ c(n−1) + i ⊙ g, with the gates of step n from x, h(n−1).

    With z(n) = x(n) W + h(n−1) U + b, whose four blocks of ``size`` columns are z_i, z_f, z_g
    and z_o:

        i = σ(z_i)      how much of the candidate g is written to the cell
        f = σ(z_f)      how much of the cell is kept
        g = tanh(z_g)   the candidate
        o = σ(z_o)      how much of the cell is put out

    Order and formulas are those of `torch.nn.LSTM`, so that weights carry over: W is its
    ``weight_ih_l0`` transposed, U its ``weight_hh_l0`` transposed, and b the sum of its two
    biases, of which only the sum has an effect.

    W has the shape (features, 4 · size), U (size, 4 · size) and b (4 · size,). The input is a
    sequence, of shape (steps, features). The output is h of all steps, (steps, size), or of the
    last alone, (size,). Truncation and padding are those of `Recurrent`; truncated, the gradient
    treats h and c before the k steps as constants.

    Args:
        size: the number of units, at least 1.
        outputs: the steps whose h is put out, ``all`` or the ``last`` alone.
        start: h(0) and c(0): ``zeros``, ``learnt`` (parameters h0 and c0, initially 0), or
            2 · size numbers, those of h(0) first.
        truncate: the k of truncated backpropagation; None for all steps.
        recurrent_weights: the initial values of U, as ``weights`` of `WithWeights`; each gate's
            are drawn as a matrix of its own, (size, size).
        forget_bias: added to the initial biases of the forget gate, so that the cell keeps what
            it has until training says otherwise; None for `FORGET_BIAS`, if there are biases.
        options: ``bias``, ``weights``, ``biases``, ``learning_rate``, ``penalty``, ``name`` and
            ``inputs``, see `WithWeights`.

    Raises:
        ConfigError: the size, start, forget bias or another argument is invalid.

    Sources: Hochreiter and Schmidhuber, *Long short-term memory* (1997); the forget gate: Gers,
    Schmidhuber and Cummins, *Learning to forget: continual prediction with LSTM* (2000); its bias:
    Jozefowicz, Zaremba and Sutskever, *An empirical exploration of recurrent network
    architectures* (2015).

    Example:
        All weights and biases are 0, so that i = f = o = ½ and g = 0: the cell halves at each
        step, c = 4, 2, 1, and h = ½ tanh c.

        >>> from chainrule.nn.network import Network
        >>> zeros = {"weights": "zeros", "recurrent_weights": "zeros", "bias": False}
        >>> layer = LSTM(1, start=[0.0, 8.0], **zeros)
        >>> network = Network([layer], input=[3, 1], loss="mse")
        >>> network.forward_pass([[[1.0], [1.0], [1.0]]]).round(4)
        array([[0.4997, 0.482 , 0.3808]])
    """

    type: ClassVar[str] = "lstm"
    formula: ClassVar[str] = "x(n) W + h(n−1) U + b at every step n, for i, f, g, o; then c(n−1)"
    formula_without_bias: ClassVar[str] = (
        "x(n) W + h(n−1) U at every step n, for i, f, g, o; then c(n−1)"
    )
    output_formula: ClassVar[str] = (
        "o ⊙ tanh c(n), with c(n) = f ⊙ c(n−1) + i ⊙ g and i, f, o = σ(z), g = tanh(z)"
    )
    slope_formula: ClassVar[str] = (
        "∂a/∂z through time: a step's own derivatives of h and c by z, and by the z of the steps "
        "before it those of h and c of step n − 1 times Uᵀ and f"
    )
    state_names: ClassVar[tuple[str, ...]] = ("h", "c")
    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    blocks: ClassVar[tuple[str, ...]] = (*gates, "c")
    carried: ClassVar[int] = 1
    _slopes_of_a_unit: ClassVar[int] = 6

    def __init__(
        self,
        size: int,
        *,
        outputs: str = "all",
        start: StartLike = "zeros",
        truncate: int | None = None,
        recurrent_weights: InitializerLike = DEFAULT_WEIGHTS,
        forget_bias: float | None = None,
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
        if forget_bias is not None and not is_finite(forget_bias):
            raise ConfigError(f"forget_bias is a finite number, found {forget_bias!r}")
        if forget_bias is not None and not self.bias:
            raise ConfigError(
                "with bias: false there is no bias of the forget gate; leave forget_bias out"
            )
        if forget_bias is not None and isinstance(self.biases, Given):
            raise ConfigError(
                "biases that are given as numbers are taken as they are, those of the forget gate "
                "included; leave forget_bias out"
            )
        self.forget_bias = FORGET_BIAS if forget_bias is None else float(forget_bias)

    c0_grad = View("∂L/∂c(0) of the last backward pass, (size,), a view into the gradient.")

    @property
    def c0(self) -> Array:
        """The start state c(0), (size,); if it is learnt, a view into θ."""
        return self._starts(self._values)[1]

    @c0.setter
    def c0(self, value: Any) -> None:
        assign(self._of(self._values, "c0"), value, f"{self.name}.c0")

    @property
    def cells(self) -> Array | None:
        """c(0), …, c(steps) of the last forward pass, (steps + 1, cases, size)."""
        return None if self._pass is None else self._pass.states[1]

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """See `Layer.draw`; ``forget_bias`` moves the forget gate's biases, unless given."""
        found = super().draw(name, rng)
        if name == "b" and not isinstance(self.biases, Given):
            found[self.size : 2 * self.size] += self.forget_bias
        return found

    def step(self, z: Sequence[Array]) -> tuple[Array, Array]:
        """h(n) and c(n), for z_i, z_f, z_g, z_o and c(n−1)."""
        z_i, z_f, z_g, z_o, c = z
        c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
        return sigmoid(z_o) * np.tanh(c), c

    def formulas_of_step(self, z: Sequence[Array]) -> dict[str, tuple[str, Array]]:
        """See `Gated.formulas_of_step`."""
        z_i, z_f, z_g, z_o, _ = z
        return {
            "i": ("σ(z_i), how much is written to the cell", sigmoid(z_i)),
            "f": ("σ(z_f), how much of the cell is kept", sigmoid(z_f)),
            "g": ("tanh(z_g), what is written", np.tanh(z_g)),
            "o": ("σ(z_o), how much of the cell is put out", sigmoid(z_o)),
            "c": ("f ⊙ c(n−1) + i ⊙ g, the cell", self.step(z)[1]),
        }

    def slopes_of_step(self, z: Sequence[Array]) -> list[list[Array | None]]:
        """∂c = g σ′(z_i), c(n−1) σ′(z_f), i tanh′(z_g), 0, f; ∂h = o tanh′(c) ∂c + tanh c σ′(z_o).

        Each in the order z_i, z_f, z_g, z_o, c(n−1).
        """
        z_i, z_f, z_g, z_o, c = z
        _, now = self.step(z)
        by_c = sigmoid(z_o) * Tanh().derivative(now)
        own = [
            np.tanh(z_g) * sigmoid_derivative(z_i),
            c * sigmoid_derivative(z_f),
            sigmoid(z_i) * Tanh().derivative(z_g),
        ]
        keep = sigmoid(z_f)
        by_o = np.tanh(now) * sigmoid_derivative(z_o)
        return [[*(by_c * one for one in own), by_o, by_c * keep], [*own, None, keep]]

    def _steps(
        self, fed: Array, states: Array, slopes: Array, values: Arrays, allocate: Allocate
    ) -> tuple[Array]:
        from chainrule.nn.sequences.kernels.gates import lstm_forward

        h, c = states
        carried, gates = (allocate(w, fed.shape[1:], fed.dtype) for w in ("carried", "gates"))
        for n, z in enumerate(fed):
            np.dot(h[n], values["U"], out=carried)
            own = slopes[n % len(slopes)]
            lstm_forward(z, carried, c[n], c[n + 1], h[n + 1], gates, own)
        return (fed,)

    def _steps_back(self, g: Array, slopes: Array) -> Delta:
        from chainrule.nn.sequences.kernels.gates import lstm_backward

        steps, cases, size = g.shape
        delta = self._buffer("delta", (steps, cases, 4 * size), g.dtype)
        kept = self._buffer("kept", (steps + 1, cases, size), g.dtype)
        of_h = self._buffer("of_h", (cases, size), g.dtype)
        kept[-1] = of_h[...] = 0
        for n in range(steps - 1, -1, -1):
            lstm_backward(g[n], of_h, kept[n + 1], slopes[n], delta[n], kept[n])
            np.dot(delta[n], self.U.T, out=of_h)
        return Delta(delta, delta, kept[:-1])

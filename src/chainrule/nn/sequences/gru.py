"""The GRU layer: gates that mix the state before with a candidate for the new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Unpack

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.nn.activations import Tanh, sigmoid, sigmoid_derivative
from chainrule.nn.initializers import Given, InitializerLike, initializer_of_row
from chainrule.nn.layers.base import DEFAULT_WEIGHTS, Arrays, View, WeightedOptions
from chainrule.nn.sequences.gated import Delta, Gated
from chainrule.nn.sequences.unrolled import Allocate, StartLike


class GRU(Gated):
    """h(n) = (1 − u) ⊙ g + u ⊙ h(n−1), with the gates of step n from x(n) and h(n−1).

    W, U and b have three blocks of ``size`` columns, for the reset gate r, the update gate u and
    the candidate g. With the blocks of z(n), where m is the state's part of the candidate:

        z_r = x(n) W_r + h(n−1) U_r + b_r      r = σ(z_r)   how much of z_m the candidate hears
        z_u = x(n) W_u + h(n−1) U_u + b_u      u = σ(z_u)   how much of the state is kept
        z_g = x(n) W_g + b_g
        z_m = h(n−1) U_g + b_hn                g = tanh(z_g + r ⊙ z_m)

    Order and formulas are those of `torch.nn.GRU`, which calls them r, z, n: the reset gate acts
    behind the product with U_g, as with ``reset_after=True`` in Keras, its default. W is PyTorch's
    ``weight_ih_l0`` transposed and U its ``weight_hh_l0`` transposed. Of its biases ``bias_ih_l0``
    and ``bias_hh_l0``, only the sum has an effect for r and u, and b holds it; for the candidate b
    holds the first, and b_hn, (size,), the last block of the second.

    Args:
        size: the number of units, at least 1.
        outputs: the steps whose h is put out, ``all`` or the ``last`` alone.
        start: h(0): ``zeros``, ``learnt`` (a parameter h0, initially 0, or the numbers in
            ``{"learnt": [...]}``), or its numbers, which then stay.
        truncate: the k of truncated backpropagation; None for all steps.
        recurrent_weights: the initial values of U, as ``weights`` of `WithWeights`; each gate's
            are drawn as a matrix of its own, (size, size).
        recurrent_biases: the initial values of b_hn; by default as ``biases``, and 0 where those
            are given as numbers, which are b's alone.
        options: ``bias`` (of b and b_hn), ``weights``, ``biases``, ``learning_rate``, ``penalty``,
            ``name`` and ``inputs``, see `WithWeights`.

    Raises:
        ConfigError: the size, start or another argument is invalid.

    Source: Cho et al., *Learning phrase representations using RNN encoder–decoder for statistical
    machine translation* (2014), equations 5 to 8, where u is called z and the reset gate acts
    before the product with U_g.

    Example:
        All weights and biases are 0, so that u = ½ and g = 0: the state halves at each step.

        >>> from chainrule.nn.network import Network
        >>> layer = GRU(1, start=[8.0], weights="zeros", recurrent_weights="zeros")
        >>> network = Network([layer], input=[3, 1], loss="mse")
        >>> network.forward_pass([[[1.0], [1.0], [1.0]]])
        array([[4., 2., 1.]])
    """

    type: ClassVar[str] = "gru"
    formula: ClassVar[str] = (
        "x(n) W + h(n−1) U + b at every step n, for r and u; x(n) W + b for g; "
        "h(n−1) U + b_hn for m; then h(n−1)"
    )
    formula_without_bias: ClassVar[str] = (
        "x(n) W + h(n−1) U at every step n, for r and u; x(n) W for g; h(n−1) U for m; then h(n−1)"
    )
    output_formula: ClassVar[str] = (
        "(1 − u) ⊙ g + u ⊙ h(n−1), with g = tanh(z_g + r ⊙ z_m) and r, u = σ(z)"
    )
    slope_formula: ClassVar[str] = (
        "∂a/∂z through time: a step's own derivatives of h by z, and by the z of the steps before "
        "it those of h of step n − 1 times Uᵀ and u"
    )
    gates: ClassVar[tuple[str, ...]] = ("r", "u", "g")
    blocks: ClassVar[tuple[str, ...]] = (*gates, "m", "h")
    _slopes_of_a_unit: ClassVar[int] = 5
    moved: ClassVar[Mapping[str, Sequence[int]]] = {"U": (0, 1, 3), "b_hn": (3,)}
    starts: ClassVar[Mapping[str, str]] = {**Gated.starts, "b_hn": "recurrent_biases"}

    b_hn = View("The biases beside the state's part of the candidate, (size,), a view into θ.")
    b_hn_grad = View("∂L/∂b_hn of the last backward pass, a view into the gradient.")
    _absences: ClassVar[Mapping[str, str]] = {
        **Gated._absences,
        "b_hn": Gated._absences["b"],
    }

    def __init__(
        self,
        size: int,
        *,
        outputs: str = "all",
        start: StartLike = "zeros",
        truncate: int | None = None,
        recurrent_weights: InitializerLike = DEFAULT_WEIGHTS,
        recurrent_biases: InitializerLike | None = None,
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
        if recurrent_biases is not None and not self.bias:
            raise ConfigError(
                "with bias: false there are no biases to start; leave recurrent_biases out"
            )
        by_hand = isinstance(self.recurrent_weights, Given)
        otherwise = "zeros" if isinstance(self.biases, Given) else self.biases
        self.recurrent_biases = initializer_of_row(
            otherwise if recurrent_biases is None else recurrent_biases, two_are_values=by_hand
        )

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """See `Layer.draw`."""
        if name != "b_hn":
            return super().draw(name, rng)
        fans = (self.features, self.size)
        return self.recurrent_biases.draw(self.shapes()[name], rng, fans)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Those of `Unrolled`, and of b_hn, (size,), behind b."""
        found = super().shapes()
        start = {"h0": found.pop("h0")} if self.learns_start else {}
        bias = {"b_hn": (self.size,)} if self.bias else {}
        return {**found, **bias, **start}

    def step(self, z: Sequence[Array]) -> tuple[Array]:
        """h(n), for z_r, z_u, z_g, z_m and h(n−1)."""
        z_r, z_u, z_g, z_m, h = z
        return (sigmoid(-z_u) * np.tanh(z_g + sigmoid(z_r) * z_m) + sigmoid(z_u) * h,)

    def formulas_of_step(self, z: Sequence[Array]) -> dict[str, tuple[str, Array]]:
        """See `Gated.formulas_of_step`."""
        z_r, z_u, z_g, z_m, _ = z
        r = sigmoid(z_r)
        return {
            "r": ("σ(z_r), how much the candidate hears of the state", r),
            "u": ("σ(z_u), how much of the state is kept", sigmoid(z_u)),
            "g": ("tanh(z_g + r ⊙ z_m), the candidate", np.tanh(z_g + r * z_m)),
        }

    def slopes_of_step(self, z: Sequence[Array]) -> list[list[Array | None]]:
        """∂h = s z_m σ′(z_r), (h(n−1) − g) σ′(z_u), s, s r, u with s = (1 − u) tanh′.

        In the order z_r, z_u, z_g, z_m, h(n−1).
        """
        z_r, z_u, z_g, z_m, h = z
        r, keep = sigmoid(z_r), sigmoid(z_u)
        inner = z_g + r * z_m
        s = sigmoid(-z_u) * Tanh().derivative(inner)
        by_r = s * z_m * sigmoid_derivative(z_r)
        by_u = (h - np.tanh(inner)) * sigmoid_derivative(z_u)
        return [[by_r, by_u, s, s * r, keep]]

    def _steps(
        self, fed: Array, states: Array, slopes: Array, values: Arrays, allocate: Allocate
    ) -> tuple[Array, Array]:
        from chainrule.nn.sequences.kernels.gates import gru_forward

        (h,) = states
        carried, gates = (allocate(w, fed.shape[1:], fed.dtype) for w in ("carried", "gates"))
        m = allocate("m", (*fed.shape[:2], self.size), fed.dtype)
        m[...] = values.get("b_hn", 0)
        for n, z in enumerate(fed):
            np.dot(h[n], values["U"], out=carried)
            gru_forward(z, carried, m[n], h[n], h[n + 1], gates, slopes[n % len(slopes)])
        return fed, m

    def _steps_back(self, g: Array, slopes: Array) -> Delta:
        from chainrule.nn.sequences.kernels.gates import gru_backward

        steps, cases, size = g.shape
        by_W, by_U = (
            self._buffer(what, (steps, cases, 3 * size), g.dtype) for what in ("by_W", "by_U")
        )
        kept = self._buffer("kept", (steps + 1, cases, size), g.dtype)
        of_h = self._buffer("of_h", (cases, size), g.dtype)
        kept[-1] = of_h[...] = 0
        for n in range(steps - 1, -1, -1):
            gru_backward(g[n], of_h, kept[n + 1], slopes[n], by_W[n], by_U[n], kept[n])
            np.dot(by_U[n], self.U.T, out=of_h)
        return Delta(by_W, by_U, kept[:-1])

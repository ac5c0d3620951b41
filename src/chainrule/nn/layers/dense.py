"""The dense layer a = φ(x W + b)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Unpack

import numpy as np

from chainrule.core.arguments import require_count
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.notation import sizes_text
from chainrule.nn.activations import Activation
from chainrule.nn.jacobians import (
    BiasJacobian,
    Diagonal,
    InputJacobian,
    Jacobian,
    WeightJacobian,
    explicit,
)
from chainrule.nn.layers.base import Arrays, Shape, Weighted, WeightedOptions


class Buffers(NamedTuple):
    """The arrays that the passes over a batch write into; None for a new array each time."""

    z: Array | None = None
    a: Array | None = None
    delta: Array | None = None
    input_gradient: Array | None = None
    ones: Array | None = None

    @classmethod
    def of(cls, layer: Dense, cases: int, dtype: Any) -> Buffers:
        """Arrays for ``layer``; other layers may share the one of the input's gradient."""
        z, a, delta = (np.empty((cases, layer.size), dtype) for _ in range(3))
        input_gradient = layer.context.input_gradient(layer.name, layer.inputs, delta)
        return cls(z, a, delta, input_gradient, np.ones(cases, dtype))


NEW = Buffers()


class Dense(Weighted):
    """a = φ(z), z = x W + b, with W of shape (inputs, size) and an optional b of shape (size,).

    If the input is a sequence, (steps, features), the layer is applied to every step by itself
    (see `chainrule.nn.sequences.each_step`), and W has the shape (features, size).

    Args:
        size: the number of outputs, at least 1.
        activation: φ, by name, by ``type`` with options, or as an object. None lets the network
            choose: linear if no layer with an activation follows, else relu.
        options: ``bias`` (without it z = x W), ``weights``, ``biases``, ``learning_rate``,
            ``penalty``, ``name`` and ``inputs``, see `Weighted`.

    Raises:
        ConfigError: the size, activation, initial values or another option is invalid.

    Example:
        One case through one neuron, by hand: a = z = 2·3 + 1 = 7. With δ = 10, ∂L/∂W = x δ = 20,
        ∂L/∂b = δ = 10 and ∂L/∂x = δ W = 30.

        >>> from chainrule.nn.network import Network
        >>> layer = Dense(1, "linear")
        >>> network = Network([layer], input=1, loss="mse")
        >>> layer.W, layer.b = [[3.0]], [1.0]
        >>> layer.forward_pass(np.array([[2.0]]))
        array([[7.]])
        >>> layer.backward_pass(np.array([[10.0]]))
        array([[30.]])
        >>> layer.W_grad, layer.b_grad
        (array([[20.]]), array([10.]))
    """

    type: ClassVar[str] = "dense"
    formula: ClassVar[str] = "x W + b"
    formula_without_bias: ClassVar[str] = "x W"
    explanations: ClassVar[Mapping[str, tuple[str, str, str]]] = {
        "W": (
            "weights, (inputs, outputs)",
            "∂z_k/∂W_ij = x_i where j = k, else 0",
            "δ · J_W = xᵀ δ, the outer products summed over the cases",
        ),
        "b": ("biases", "∂z/∂b = I, the same for every case", "δ · J_b, summed over the cases"),
        "x": ("input", "∂z/∂x = Wᵀ, the same for every case", ""),
    }
    size_is_outputs: ClassVar[bool] = True
    axes: ClassVar[Mapping[str, str]] = {"W": "(inputs, units)", "b": "(units,)"}

    def __init__(
        self,
        size: int,
        activation: str | Mapping[str, Any] | Activation | None = None,
        **options: Unpack[WeightedOptions],
    ) -> None:
        super().__init__(activation=activation, **options)
        require_count("size", size, 1)
        self.size = int(size)
        self._out = NEW
        self.z: Any = None
        self.a: Any = None

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        (shape,) = shapes
        if len(shape) > 1:
            raise ConfigError(
                f"{self.name}, a dense layer, takes a row of numbers, but what feeds it has the "
                f"shape {sizes_text(shape)}; put a flatten layer before it"
            )
        self.input_shape, self.output_shape = shape, (self.size,)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of W, (inputs, size), and of b, (size,), if the layer has biases."""
        shapes: dict[str, tuple[int, ...]] = {"W": (self.inputs, self.size)}
        return {**shapes, "b": (self.size,)} if self.bias else shapes

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """See `Layer.draw`."""
        start = {"W": self.weights, "b": self.biases}[name]
        return start.draw(self.shapes()[name], rng, (self.inputs, self.size))

    def evaluate(self, x: Array, values: Arrays, out: Buffers = NEW) -> tuple[Array, Array]:
        """z = x W + b and a = φ(z)."""
        z = np.dot(x, values["W"], out=out.z)
        if self.bias:
            z += values["b"]
        return z, self._activation.value(z, out=out.a)

    def forward_pass(self, x: Array) -> Array:
        """The outputs a = φ(x W + b), (cases, size)."""
        self._out = self._buffers(x)
        self.x = x
        self.z, self.a = self.evaluate(x, self._values, self._out)
        return self.a

    def _buffers(self, x: Array) -> Buffers:
        context = self.context
        if context.buffers is None:
            return NEW
        found: Buffers = context.cached((self.name, len(x)), Buffers.of, self, len(x), x.dtype)
        return found

    def jacobians(self) -> dict[str, Jacobian]:
        """``a``: ∂a/∂z; ``x``, ``W`` and ``b``: ∂z/∂x, ∂z/∂W and ∂z/∂b.

        Raises:
            ShapeError: there was no forward pass.
        """
        self._of_pass(self.x)
        found: dict[str, Jacobian] = {
            "a": Diagonal(self._activation.derivative(self.z)),
            "x": self._jacobian_x(),
            "W": self._jacobian_W(),
        }
        return {**found, "b": self._jacobian_b()} if self.bias else found

    def _jacobian_a(self) -> Diagonal:
        # With reused buffers φ'(z) is written into the array of δ, and multiplied by J in place.
        return Diagonal(self._activation.derivative(self._of_pass(self.z), self._out.delta))

    def _jacobian_x(self) -> InputJacobian:
        return InputJacobian(self.W, len(self.x))

    def _jacobian_W(self) -> WeightJacobian:
        return WeightJacobian(self.x, self.size)

    def _jacobian_b(self) -> BiasJacobian:
        ones = self._out.ones
        return BiasJacobian(
            np.ones(len(self.x), self.x.dtype) if ones is None else ones, self.size
        )

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ = J ∂a/∂z, then `backward_from_delta`."""
        J_a = self._jacobian_a()
        delta = J_a.vjp(J, self._out.delta) if not self.explicit else explicit(J_a).vjp(J)
        return self.backward_from_delta(delta, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """∂L/∂W = xᵀ δ, ∂L/∂b = Σ δ over the cases, and ∂L/∂x = δ Wᵀ, which is returned."""
        self.delta = delta
        if self.explicit:  # the outer products x_n δ_n of each case n, summed over the cases
            np.einsum("ni,nj->ij", self.x, delta, out=self.W_grad)
        else:
            self._jacobian_W().vjp(delta, self.W_grad)
        if self.bias:
            self._jacobian_b().vjp(delta, self.b_grad)
        if not to_input:
            return None
        J_x = self._jacobian_x()
        if self.explicit:
            return explicit(J_x).vjp(delta)
        return J_x.vjp(delta, self._out.input_gradient)

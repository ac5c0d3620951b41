"""What layers with weights, biases and an activation have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chainrule.core.arguments import is_whole
from chainrule.core.arrays import Array, assign
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.nn.activations import Activation, activation
from chainrule.nn.initializers import Initializer, initializer
from chainrule.nn.layers.base import Arrays, Layer
from chainrule.nn.penalties import NO_PENALTY, PenaltyLike, penalty_setting

InitializerLike = str | float | Sequence[float] | Initializer

DEFAULT_WEIGHTS, DEFAULT_BIASES = "glorot", "zeros"


class Weighted(Layer):
    """W, b and their gradients as views into θ and its gradient, and φ.

    Args:
        activation: φ, by name, by ``type`` with options, or as an object; None for relu in a
            hidden layer and linear in the last one, which the network decides.
        bias: whether there is b.
        weights: how W starts: a name, a range [low, high], or a number r for [-r, r].
        biases: how b starts, likewise; a rule counts the inputs and outputs of W.
        learning_rate: see `Layer`.
        penalty: of this layer alone, as a network takes it; ``none`` for none, and None for the
            network's.
        name: see `Layer`.
        inputs: see `Layer`.

    Attributes:
        x: the inputs of the last forward pass; None before.

    Raises:
        ConfigError: an activation, start, rate or another argument that is none.
    """

    output_letter: ClassVar[str] = "a"
    has_weights: ClassVar[bool] = True
    starts: ClassVar[Mapping[str, str]] = {"weights": DEFAULT_WEIGHTS, "biases": DEFAULT_BIASES}
    """How the parameters start where nothing else is asked, by the argument that says it."""

    formula_without_bias: ClassVar[str] = ""
    """`Layer.formula` of a layer that has no b."""

    _activation: Any
    _absences: ClassVar[Mapping[str, str]] = {"b": "was made without biases"}
    """Why a layer of a network may be without a parameter, by the parameter's name."""

    def __init__(
        self,
        *,
        activation: str | Mapping[str, Any] | Activation | None,
        bias: bool = True,
        weights: InitializerLike,
        biases: InitializerLike,
        learning_rate: float | None,
        penalty: PenaltyLike | None,
        name: str | None,
        inputs: str | Sequence[str] | None,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, inputs=inputs)
        if not isinstance(bias, bool):
            raise ConfigError(f"bias is true or false, found {bias!r}")
        self.bias = bias
        self.activation = activation
        self.weights = initializer(weights)
        self.biases = initializer(biases)
        if penalty is not None:
            self.penalty = penalty_setting(penalty) or NO_PENALTY
        self.x: Any = None

    @property
    def formula_of_z(self) -> str:
        """See `Layer.formula_of_z`."""
        return self.formula if self.bias else self.formula_without_bias

    @property
    def activation(self) -> Activation | None:
        """φ; None until the network has decided where it was left out."""
        return self._activation

    @activation.setter
    def activation(self, value: str | Mapping[str, Any] | Activation | None) -> None:
        self._activation = None if value is None else activation(value)

    @property
    def W(self) -> Array:
        """The weights, a view into θ; assigning writes into θ."""
        return self._of(self._values, "W")

    @W.setter
    def W(self, value: Any) -> None:
        assign(self.W, value, f"{self.name}.W")

    @property
    def b(self) -> Array:
        """The biases, a view into θ; assigning writes into θ."""
        return self._of(self._values, "b")

    @b.setter
    def b(self, value: Any) -> None:
        assign(self.b, value, f"{self.name}.b")

    @property
    def W_grad(self) -> Array:
        """∂L/∂W of the last backward pass, a view into the gradient."""
        return self._of(self._gradients, "W")

    @W_grad.setter
    def W_grad(self, value: Any) -> None:
        assign(self.W_grad, value, f"{self.name}.W_grad")

    @property
    def b_grad(self) -> Array:
        """∂L/∂b of the last backward pass, a view into the gradient."""
        return self._of(self._gradients, "b")

    @b_grad.setter
    def b_grad(self, value: Any) -> None:
        assign(self.b_grad, value, f"{self.name}.b_grad")

    def _of(self, arrays: Arrays, name: str) -> Array:
        if name not in arrays:
            without = (
                f"no {name}: it {self._absences[name]}"
                if self.bound
                else f"no {name} before it belongs to a network"
            )
            raise ShapeError(f"{self.name or type(self).__name__} has {without}")
        return arrays[name]


def counted(what: str, value: Any) -> int:
    """``value``, if it is a whole number of at least 1.

    Raises:
        ConfigError: it is not.
    """
    if not is_whole(value) or value < 1:
        raise ConfigError(f"{what} must be a whole number of at least 1, found {value!r}")
    return int(value)

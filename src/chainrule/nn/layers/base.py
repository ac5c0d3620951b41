"""What every layer has: its place in θ, a forward pass, local Jacobians, a backward pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, ClassVar, TypedDict, TypeVar

import numpy as np

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.arrays import Array, assign
from chainrule.core.errors import ConfigError, ShapeError, UnknownNameError, printable
from chainrule.nn.activations import Activation, activation
from chainrule.nn.context import Context
from chainrule.nn.initializers import Initializer, initializer
from chainrule.nn.jacobians import Jacobian, explicit
from chainrule.nn.penalties import NO_PENALTY, PenaltyLike, PenaltySetting, penalty_setting

Arrays = Mapping[str, Array]
Stored = TypeVar("Stored")

Shape = tuple[int, ...]
"""Of one case: (features,), (channels, height, width) or (steps, features)."""


def sizes_text(shape: Shape) -> str:
    """Such as ``3 x 32 x 32``."""
    return " x ".join(map(str, shape))


class _NotBound(dict[str, Array]):
    """The parameters of a layer that belongs to no network yet: looking one up is an error."""

    def __missing__(self, name: str) -> Array:
        raise UnknownNameError(f"a layer has no {name} before it belongs to a network")


class Layer(ABC):
    """A map from (cases, inputs) to (cases, outputs), with parameters that are views into θ.

    A layer is made without knowing its neighbours; a `Network` connects it, which fixes its
    inputs, its name and its place in θ. Whatever a case looks like, an image or a sequence, it
    travels between layers as a row of numbers; a layer knows the shape that the row stands for.

    Args:
        name: unique in the network; by default the type and the position, as ``dense_1``.
        learning_rate: private to this layer; None for the network's.
        inputs: the name of the layer that feeds this one, or ``input`` for the network's own
            input; by default the layer before it.

    Attributes:
        penalty: of this layer alone, in place of the network's; None for the network's. The
            network reads it when it is made, and when its own is assigned.
        sources: what ``inputs`` named; empty for the layer before.
        input_shape: the shape of one case of x, once connected.
        output_shape: the shape of one case of the output, once connected.
        size: the number of units of a layer that has such, else the width of the output.
        explicit: multiply by dense Jacobians in the backward pass.
        is_output: whether it is the network's last layer, whose output is read after the passes.
        context: what the passes know beside x and θ, such as whether this is training; a network
            gives all its layers its own.
        bound: whether the layer belongs to a network.
        delta: δ = ∂L/∂z of the last backward pass, (cases, outputs).
    """

    type: ClassVar[str]
    """Its word in a configuration, such as ``dense``."""

    formula: ClassVar[str] = ""
    """z as a formula of x and the parameters, such as ``x W + b``."""

    output_letter: ClassVar[str] = "z"
    """What the output is called: z itself, a = φ(z), s of a softmax."""

    slope_formula: ClassVar[str] = "∂a/∂z = diag(φ′(z))"
    """The Jacobian of the output by z as a formula, where the layer has one, ``a``."""

    explanations: ClassVar[Mapping[str, tuple[str, str, str]]] = {}
    """For a verbose pass, by the name of a parameter or ``x``: what it is, and its local Jacobian
    and its gradient as formulas."""

    # What it takes

    takes_images: ClassVar[bool] = False
    """Whether x must be images, (channels, height, width)."""

    takes_sequences: ClassVar[bool] = False
    """Whether x must be sequences, (steps, features)."""

    knows_padding: ClassVar[bool] = False
    """Whether a step of a sequence may be padding, NaN, which it passes on as such."""

    same_at_every_step: ClassVar[bool] = True
    """Whether it takes each step of a sequence as a case (see `EachStep`), not the whole."""

    at_each_step: ClassVar[bool] = False
    """Whether it is an `EachStep`: such a layer, fed with sequences."""

    joins: ClassVar[bool] = False
    """Whether it takes several inputs, and at least two."""

    # What it gives

    has_weights: ClassVar[bool] = False
    """Whether there are weights to train; a network needs at least one layer that has some."""

    initial_values: ClassVar[Mapping[str, str]] = {}
    """The default rules for the initial values of the parameters, by the argument for each."""

    size_is_outputs: ClassVar[bool] = False
    """Whether its argument ``size`` is the number of outputs, of a case or of a step."""

    keeps_width: ClassVar[bool] = False
    """Whether it puts out as many numbers as each of its sources."""

    passes_on: ClassVar[bool] = False
    """Whether the output may be x itself, as the same numbers in the same order."""

    gives_distribution: ClassVar[bool] = False
    """Whether the outputs, of a case or of a step, are at least 0 and add up to 1."""

    must_be_last: ClassVar[bool] = False
    """Whether no layer may follow."""

    truncate: int | None = None
    """After how many steps the gradient through time is cut off; None for never."""

    loss_from_z: ClassVar[bool] = True
    """Whether a loss may be computed from z instead of the output: z has a number for each."""

    # What is different in training

    differs_in_training: ClassVar[bool] = False
    """Whether it computes something else in training mode, see `Context`."""

    untrained: ClassVar[tuple[str, ...]] = ()
    """Which of its arrays no optimizer and no penalty changes, such as running statistics."""

    def __init__(
        self,
        *,
        name: str | None = None,
        learning_rate: float | None = None,
        inputs: str | Sequence[str] | None = None,
    ) -> None:
        if learning_rate is not None and not (is_finite(learning_rate) and learning_rate >= 0):
            raise ConfigError(
                f"a learning rate is a finite number of at least 0, found {learning_rate!r}"
            )
        if not isinstance(name, str | None):
            raise ConfigError(f"a layer's name is a text, found {name!r}")
        names = (inputs,) if isinstance(inputs, str) else inputs or ()
        if not isinstance(names, Sequence) or not all(isinstance(n, str) and n for n in names):
            raise ConfigError(f"inputs are names of layers, found {inputs!r}")
        self.name = name or ""
        self.sources = tuple(names)
        self.learning_rate = learning_rate
        self.penalty: PenaltySetting | None = None
        self.input_shape: Shape = ()
        self.output_shape: Shape = ()
        self.size: int = 0
        self.explicit = False
        self.is_output = False
        self.context = Context()
        self.delta: Array | None = None
        self.bound = False
        self._values: Arrays = _NotBound()
        self._gradients: Arrays = _NotBound()

    def __repr__(self) -> str:
        """Such as ``Dense dense_1: 4 → 3``."""
        before = sizes_text(self.input_shape) or "?"
        after = sizes_text(self.output_shape) or self.size or "?"
        return printable(f"{self.__class__.__name__} {self.name}: {before} → {after}")

    @property
    def inputs(self) -> int:
        """The width of x, (cases, inputs), once connected; 0 before."""
        return prod(self.input_shape or (0,))

    @property
    def outputs(self) -> int:
        """The width of the output, (cases, outputs), once connected; 0 before."""
        return prod(self.output_shape or (0,))

    @property
    def reads_sequences(self) -> bool:
        """Whether the input of a case is a sequence, (steps, features)."""
        return len(self.input_shape) == 2

    @property
    def gives_sequences(self) -> bool:
        """Whether the output of a case is a sequence, (steps, features)."""
        return len(self.output_shape) == 2

    @property
    def formula_of_z(self) -> str:
        """`formula` with the parameters that this layer has."""
        return self.formula

    @property
    def z_shape(self) -> Shape:
        """What the z of one case stands for: as the output, unless only a part is given on."""
        return self.output_shape

    @abstractmethod
    def connect(self, *shapes: Shape) -> None:
        """Fix ``input_shape`` and ``output_shape``.

        Args:
            shapes: of one case of what each source puts out; one for most layers.

        Raises:
            ConfigError: the layer cannot take these shapes.
        """

    def gather(self, arrays: Sequence[Array]) -> Array:
        """What the sources put out, (cases, ...) each, as the one x of this layer."""
        (x,) = arrays
        return x

    def part(self, J: Array) -> Sequence[Array]:
        """The gradient with respect to x, (cases, inputs), cut into those of the sources."""
        return (J,)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the parameters by name, in their order in θ."""
        return {}

    @property
    def uses_of_weights(self) -> int:
        """How often a case multiplies by each weight: once, unless places or steps share it."""
        return 1

    @property
    def largest_product(self) -> int:
        """How many multiplications a case takes in the largest matrix product of NumPy."""
        return prod(self.shapes().get("W", (0,)))

    @property
    def in_loops(self) -> int:
        """How many multiplications a case takes in compiled loops."""
        return 0

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """The first values of the parameter ``name``."""
        raise NotImplementedError(f"{type(self).__name__} has no parameter {name}")

    def bind(self, values: Arrays, gradients: Arrays) -> None:
        """Take the views into θ and into the gradient vector."""
        self.bound = True
        self._values = values
        self._gradients = gradients

    @abstractmethod
    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """The layer's function at any parameters, complex ones included; stores nothing.

        What differs in training comes from ``context``, as in the forward pass: within one context
        it is one function, which can be differentiated.

        Returns:
            z, before the activation (for softmax: the logits), and the output.
        """

    @abstractmethod
    def forward_pass(self, x: Array) -> Array:
        """The output for x, (cases, inputs); keeps what the backward pass needs."""

    def _of_pass(self, stored: Stored | None) -> Stored:
        """What the last forward pass stored.

        Raises:
            ShapeError: there was none.
        """
        if stored is None:
            raise ShapeError(f"there was no forward pass through {self.name}")
        return stored

    @abstractmethod
    def jacobians(self) -> dict[str, Jacobian]:
        """The local Jacobians at the last forward pass, by what they are taken from."""

    def through_time(self) -> dict[str, Jacobian]:
        """The outputs by each argument, where a step depends on those before it; else nothing."""
        return {}

    def ties(self, x: Array) -> Array | None:
        """Signed distances to where it would choose other numbers of x; else None."""
        return None

    @abstractmethod
    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """One step of the chain rule.

        Args:
            J: of the loss with respect to this layer's output, (cases, size).
            to_input: whether to compute the gradient with respect to the input.

        Returns:
            The gradient with respect to the input, (cases, inputs), or None.
        """

    @abstractmethod
    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The backward pass from δ = ∂L/∂z on, where the loss was computed from z."""

    def update_untrained(self) -> None:  # noqa: B027  # most layers have nothing to update
        """Change the ``untrained`` arrays; engines call it once a minibatch, after θ's update."""


class ParameterFree(Layer):
    """A map without parameters and without an activation: its output is z, and δ is J itself.

    Attributes:
        x: the inputs of the last forward pass; None before.
        z: the output of the last forward pass; None before.
    """

    x: Any = None
    z: Any = None

    def __init__(
        self, *, name: str | None = None, inputs: str | Sequence[str] | None = None
    ) -> None:
        super().__init__(name=name, inputs=inputs)

    def forward_pass(self, x: Array) -> Array:
        """The output, (cases, outputs)."""
        self.x = x
        self.z, y = self.evaluate(x, {})
        return y

    @abstractmethod
    def _jacobian_x(self) -> Jacobian:
        """∂z/∂x at the last forward pass."""

    def _input_gradient(self, delta: Array) -> Array:
        """δ ∂z/∂x, by the structure of the Jacobian."""
        return self._jacobian_x().vjp(delta)

    def jacobians(self) -> dict[str, Jacobian]:
        """``x``: ∂z/∂x, x being the rows of all sources, one behind the other.

        Raises:
            ShapeError: there was no forward pass.
        """
        self._of_pass(self.x)
        return {"x": self._jacobian_x()}

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """The gradient with respect to x, J ∂z/∂x."""
        return self.backward_from_delta(J, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The gradient with respect to x, δ ∂z/∂x."""
        self.delta = delta
        if not to_input:
            return None
        if self.explicit:
            return explicit(self._jacobian_x()).vjp(delta)
        return self._input_gradient(delta)


# What layers with weights, biases and an activation have in common.

InitializerLike = str | float | Sequence[float] | Initializer

DEFAULT_WEIGHTS, DEFAULT_BIASES = "glorot", "zeros"


class WeightedOptions(TypedDict, total=False):
    """The arguments of `Weighted` that every layer with weights passes on to it as they are."""

    bias: bool
    weights: InitializerLike
    biases: InitializerLike
    learning_rate: float | None
    penalty: PenaltyLike | None
    name: str | None
    inputs: str | Sequence[str] | None


class View:
    """An attribute of a layer that is its view into θ: ``W``; into ∂L/∂θ: ``W_grad``."""

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute
        self.name = attribute.removesuffix("_grad")
        self.vector = "_values" if attribute == self.name else "_gradients"

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        return self if layer is None else layer._of(getattr(layer, self.vector), self.name)

    def __set__(self, layer: Any, value: Any) -> None:
        assign(self.__get__(layer), value, f"{layer.name}.{self.attribute}")


class Weighted(Layer):
    """W, b and their gradients as views into θ and its gradient, and φ.

    Args:
        activation: φ, by name, by ``type`` with options, or as an object; None for relu in a
            hidden layer and linear in the last one, which the network decides.
        bias: whether there is b.
        weights: the initial values of W: a rule's name, a range [low, high], or a number r for
            the range [-r, r].
        biases: those of b, likewise; a rule counts the inputs and outputs of W.
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
    initial_values: ClassVar[Mapping[str, str]] = {
        "weights": DEFAULT_WEIGHTS,
        "biases": DEFAULT_BIASES,
    }

    formula_without_bias: ClassVar[str] = ""
    """`Layer.formula` of a layer that has no b."""

    _activation: Any
    _absences: ClassVar[Mapping[str, str]] = {"b": "was made without biases"}
    """Why a layer of a network may be without a parameter, by the parameter's name."""

    def __init__(
        self,
        *,
        activation: str | Mapping[str, Any] | Activation | None = None,
        bias: bool = True,
        weights: InitializerLike = DEFAULT_WEIGHTS,
        biases: InitializerLike = DEFAULT_BIASES,
        learning_rate: float | None = None,
        penalty: PenaltyLike | None = None,
        name: str | None = None,
        inputs: str | Sequence[str] | None = None,
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

    W = View("The weights, a view into θ; to assign is to write into θ.")
    b = View("The biases, a view into θ; to assign is to write into θ.")
    W_grad = View("∂L/∂W of the last backward pass, a view into the gradient.")
    b_grad = View("∂L/∂b of the last backward pass, a view into the gradient.")

    def _of(self, arrays: Arrays, name: str) -> Array:
        if name not in arrays:
            why = (
                f": it {self._absences[name]}" if self.bound else " before it belongs to a network"
            )
            raise ShapeError(f"{self.name or type(self).__name__} has no {name}{why}")
        return arrays[name]


def counted(what: str, value: Any) -> int:
    """``value``, if it is a whole number of at least 1.

    Raises:
        ConfigError: it is not.
    """
    if not is_whole(value) or value < 1:
        raise ConfigError(f"{what} must be a whole number of at least 1, found {value!r}")
    return int(value)

"""The base classes of layers: views into θ, forward pass, local Jacobians, backward pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import Parameter, signature
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict, TypeVar, Unpack

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array, assign
from chainrule.core.errors import (
    ConfigError,
    Problem,
    ShapeError,
    UnknownNameError,
    printable,
    unknown,
)
from chainrule.core.notation import sizes_text
from chainrule.nn.activations import Activation, activation
from chainrule.nn.context import Context
from chainrule.nn.initializers import Given, InitializerLike, initializer, initializer_of_row
from chainrule.nn.jacobians import Jacobian, explicit
from chainrule.nn.penalties import NO_PENALTY, PenaltyLike, PenaltySetting, penalty_setting

Arrays = Mapping[str, Array]
Stored = TypeVar("Stored")

Shape = tuple[int, ...]
"""The shape of one case: (features,), (channels, height, width) or (steps, features)."""


class _NotBound(dict[str, Array]):
    """The parameters of a layer before it belongs to a network: every look-up is an error."""

    def __missing__(self, name: str) -> Array:
        raise UnknownNameError(f"a layer has no {name} before it belongs to a network")


class Layer(ABC):
    """A map from (cases, inputs) to (cases, outputs), with parameters that are views into θ.

    A layer is made without knowing its neighbours. A `Network` connects it, and that fixes its
    input shape, its name and its place in θ. Layers pass each case on as a flat row of numbers,
    also if it is an image or a sequence; a layer knows the shape that the row stands for.

    Args:
        name: unique in the network; by default the type and a number, as ``dense_1``.
        learning_rate: of this layer alone; None for the network's.
        inputs: the name of the layer whose output is this one's input, or ``input`` for the
            network's input; by default the layer before it.

    Attributes:
        penalty: of this layer alone, in place of the network's; None for the network's. A
            network reads it when it is made and whenever its own penalty is assigned.
        sources: the names given as ``inputs``; empty for the layer before.
        input_shape: the shape of one case of x, once connected.
        output_shape: the shape of one case of the output, once connected.
        size: the number of units, or, of a layer without units, the width of the output.
        explicit: whether the backward pass multiplies by dense Jacobians.
        is_output: whether its output is the network's: it is the last layer, or the layers after
            it only pass its output on. Such an output is read after the passes.
        context: what the passes depend on besides x and θ, such as the training mode; all layers
            of a network share the network's.
        bound: whether the layer belongs to a network.
        delta: δ = ∂L/∂z of the last backward pass, one row for each case.
    """

    type: ClassVar[str]
    """The name of this type of layer in a configuration, such as ``dense``."""

    formula: ClassVar[str] = ""
    """z as a formula of x and the parameters, such as ``x W + b``."""

    output_letter: ClassVar[str] = "z"
    """The symbol of the output: z, a for φ(z), or s for a softmax."""

    output_formula: ClassVar[str] = ""
    """The output as a formula of z, if it is no activation of z."""

    slope_formula: ClassVar[str] = "∂a/∂z = diag(φ′(z))"
    """The formula of the Jacobian of the output with respect to z, if `jacobians` has ``a``."""

    explanations: ClassVar[Mapping[str, tuple[str, str, str]]] = {}
    """What a verbose pass says of each parameter and of ``x``, by name: its meaning, and the
    formulas of ∂z with respect to it and of its gradient."""

    # Its input

    takes_images: ClassVar[bool] = False
    """Whether its input must be images, (channels, height, width)."""

    takes_sequences: ClassVar[bool] = False
    """Whether its input must be sequences, (steps, features)."""

    takes_class_numbers: ClassVar[bool] = False
    """Whether its input must be class numbers, which only the network's own input can be."""

    knows_padding: ClassVar[bool] = False
    """Whether steps of its input may be padding (NaN), for which its output is NaN as well."""

    same_at_every_step: ClassVar[bool] = True
    """Whether, fed with sequences, it is applied to each step by itself (see `EachStep`)."""

    at_each_step: ClassVar[bool] = False
    """Whether it is an `EachStep`, a layer that is being applied to each step by itself."""

    joins: ClassVar[bool] = False
    """Whether several layers feed it, at least two."""

    # Its parameters and its output

    has_weights: ClassVar[bool] = False
    """Whether it has weights to train; a network needs at least one such layer."""

    initial_values: ClassVar[Mapping[str, str]] = {}
    """The default initializers of its parameters, by the argument that sets each of them."""

    starts: ClassVar[Mapping[str, str]] = {}
    """The argument that says how a parameter starts, by the parameter's name."""

    axes: ClassVar[Mapping[str, str]] = {}
    """What the axes of its parameters count, by name, such as ``(inputs, units)``."""

    size_is_outputs: ClassVar[bool] = False
    """Whether its argument ``size`` is the number of outputs for each case, or for each step."""

    keeps_width: ClassVar[bool] = False
    """Whether its output has as many numbers as the output of each of its sources."""

    passes_on: ClassVar[bool] = False
    """Whether its output may be x itself: the same numbers in the same order."""

    gives_distribution: ClassVar[bool] = False
    """Whether the outputs for each case, or for each step, are at least 0 and add up to 1."""

    must_be_last: ClassVar[bool] = False
    """Whether it must be the last layer."""

    truncate: int | None = None
    """How many steps the gradient goes back through time; None for all of them."""

    loss_from_z: ClassVar[bool] = True
    """Whether a loss may be computed from z, as z has one number for each output."""

    # Training

    differs_in_training: ClassVar[bool] = False
    """Whether it computes something else in training mode than in evaluation, see `Context`."""

    untrained: ClassVar[tuple[str, ...]] = ()
    """The arrays that no optimizer or penalty applies to, such as running statistics."""

    if not TYPE_CHECKING:  # the types of the arguments are those of ``__init__``

        def __new__(cls, *_: Any, **options: Any) -> Self:
            """A new layer of ours, unless an argument is unknown; then the nearest is named."""
            if options and cls.__init__.__module__.startswith("chainrule."):
                problems = list(_unknown_arguments(cls, options))
                if problems:
                    raise ConfigError(problems)
            return super().__new__(cls)

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
        """`formula`, in which only parameters that this layer has occur."""
        return self.formula

    @property
    def z_shape(self) -> Shape:
        """The shape of one case of z: that of the output, unless only a part is put out."""
        return self.output_shape

    @abstractmethod
    def connect(self, *shapes: Shape) -> None:
        """Fix ``input_shape`` and ``output_shape``.

        Args:
            shapes: the shape of one case of each source's output; most layers have one source.

        Raises:
            ConfigError: the layer cannot take these shapes.
        """

    def gather(self, arrays: Sequence[Array]) -> Array:
        """The input x of this layer, made of the outputs of its sources, (cases, ...) each."""
        (x,) = arrays
        return x

    def part(self, J: Array) -> Sequence[Array]:
        """The gradient with respect to x, (cases, inputs), split into one for each source."""
        return (J,)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the parameters by name, in their order in θ."""
        return {}

    @property
    def uses_of_weights(self) -> int:
        """How often each weight is used for a case: once, unless places or steps share it."""
        return 1

    @property
    def least_cases(self) -> int:
        """The fewest cases of a minibatch from which it learns anything; see `BatchNorm`."""
        return 1

    @property
    def largest_product(self) -> int:
        """The multiplications for one case in the layer's largest matrix product by NumPy."""
        return prod(self.shapes().get("W", (0,)))

    @property
    def in_loops(self) -> int:
        """The multiplications for one case that compiled loops do instead of NumPy."""
        return 0

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """Initial values of the parameter ``name``."""
        raise NotImplementedError(f"{type(self).__name__} has no parameter {name}")

    @property
    def bias_names(self) -> frozenset[str]:
        """The names of its biases: the parameters that the argument for biases starts."""
        return frozenset(name for name, start in self.starts.items() if start.endswith("biases"))

    def bind(self, values: Arrays, gradients: Arrays) -> None:
        """Store the layer's views into θ and into the gradient vector."""
        self.bound = True
        self._values = values
        self._gradients = gradients

    @abstractmethod
    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """The layer's function at any parameters, complex ones included; stores nothing.

        As in the forward pass, what differs in training follows from ``context``. While that stays
        the same, repeated calls compute the same function, which can be differentiated.

        Returns:
            z, before the activation (for softmax: the logits), and the output.
        """

    @abstractmethod
    def forward_pass(self, x: Array) -> Array:
        """The output for x, (cases, inputs); stores what the backward pass needs."""

    def _of_pass(self, stored: Stored | None) -> Stored:
        """``stored``, a value that the last forward pass stored.

        Raises:
            ShapeError: it is None, because there was no forward pass.
        """
        if stored is None:
            raise ShapeError(f"there was no forward pass through {self.name}")
        return stored

    @abstractmethod
    def jacobians(self) -> dict[str, Jacobian]:
        """The local Jacobians at the last forward pass, such as ``a``: ∂a/∂z, and ``x``: ∂z/∂x."""

    def inside(self) -> dict[str, tuple[str, Array]]:
        """What a verbose pass shows besides z and the output: formula and array, by symbol."""
        return {}

    def through_time(self) -> dict[str, Jacobian]:
        """The outputs' Jacobians by each argument, if steps depend on earlier ones; else empty."""
        return {}

    def ties(self, x: Array) -> Array | None:
        """Signed distances of x from ties, for a layer that selects numbers of x; else None."""
        return None

    @abstractmethod
    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """Apply the chain rule at this layer, and store the gradients of its parameters.

        Args:
            J: the gradient of the loss with respect to this layer's output, (cases, outputs).
            to_input: whether to compute the gradient with respect to the input.

        Returns:
            The gradient with respect to the input, (cases, inputs), or None.
        """

    @abstractmethod
    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The backward pass, given δ = ∂L/∂z instead of J, as for a loss computed from z."""

    def update_untrained(self) -> None:  # noqa: B027  # most layers have nothing to update
        """Change the ``untrained`` arrays; engines call this after θ's update for a minibatch."""


class ParameterFree(Layer):
    """A layer without parameters or activation: its output is z, so that δ is J.

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
        """δ ∂z/∂x, computed without the dense Jacobian."""
        return self._jacobian_x().vjp(delta)

    def jacobians(self) -> dict[str, Jacobian]:
        """``x``: ∂z/∂x, where x is the concatenated rows of all sources.

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


# What layers with weights and biases have in common

DEFAULT_WEIGHTS, DEFAULT_BIASES = "glorot", "zeros"


class WeightedOptions(TypedDict, total=False):
    """The arguments of `WithWeights` that subclasses take as ``**options`` and pass on to it."""

    bias: bool
    weights: InitializerLike
    biases: InitializerLike
    learning_rate: float | None
    penalty: PenaltyLike | None
    name: str | None
    inputs: str | Sequence[str] | None


class View:
    """An attribute that is a layer's view into θ, such as ``W``, or into ∂L/∂θ: ``W_grad``."""

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


def arguments_of(layer: type[Layer]) -> dict[str, Parameter]:
    """The arguments of a layer's constructor, by name.

    ``**options`` stands for the arguments of the class that it derives from; they are included.

    Example:
        >>> list(arguments_of(WithWeights))[:3]
        ['bias', 'weights', 'biases']
    """
    found: dict[str, Parameter] = {}
    for kind in layer.__mro__:
        if "__init__" not in vars(kind):
            continue
        own = dict(signature(vars(kind)["__init__"]).parameters)
        options = [name for name, one in own.items() if one.kind is Parameter.VAR_KEYWORD]
        found |= {n: one for n, one in own.items() if n not in {"self", *options, *found}}
        if not options:
            break
    return found


def _unknown_arguments(layer: type[Layer], given: Iterable[str]) -> Iterator[Problem]:
    """The arguments that a layer does not have, each with what is to be written instead."""
    known = arguments_of(layer)
    for name in given:
        if name == "input_shape":
            yield Problem("input_shape: the shape of a case is told to the network, input=...")
        elif name not in known:
            yield Problem(unknown(f"argument of {layer.__name__}", name, known))


class Parametrised(Layer):
    """A layer with parameters that are trained, and views into them."""

    output_letter: ClassVar[str] = "a"
    has_weights: ClassVar[bool] = True

    _absences: ClassVar[Mapping[str, str]] = {}
    """The reason why a layer of a network lacks a parameter, by the parameter's name."""

    def _of(self, arrays: Arrays, name: str) -> Array:
        if name not in arrays:
            why = (
                f": it {self._absences[name]}" if self.bound else " before it belongs to a network"
            )
            raise ShapeError(f"{self.name or type(self).__name__} has no {name}{why}")
        return arrays[name]


class Activated(Parametrised):
    """A layer whose output is a = φ(z) with an activation φ."""

    _activation: Any

    @property
    def activation(self) -> Activation | None:
        """φ; if it was left out, None until a network has chosen it."""
        return self._activation

    @activation.setter
    def activation(self, value: str | Mapping[str, Any] | Activation | None) -> None:
        self._activation = None if value is None else activation(value)


class WithWeights(Parametrised):
    """A layer with weights W and biases b.

    Args:
        bias: whether the layer has biases b.
        weights: the initial values of W: the name of an initializer, a range [low, high], a
            number r for the range [-r, r], or the numbers themselves, as an array or as lists
            within lists of the shape of W; see `chainrule.nn.initializers.initializer`.
        biases: the initial values of b, likewise; n_in and n_out are those of W. A list of
            numbers has one for each place of b; one of two numbers is a range, unless ``weights``
            are given as numbers, or it is written as ``{"values": [...]}``.
        learning_rate: see `Layer`.
        penalty: of this layer alone, as the argument of `Network`; ``none`` for no penalty, None
            for the network's.
        name: see `Layer`.
        inputs: see `Layer`.

    Attributes:
        x: the inputs of the last forward pass; None before.

    Raises:
        ConfigError: an initializer, rate or another argument is invalid.
    """

    initial_values: ClassVar[Mapping[str, str]] = {
        "weights": DEFAULT_WEIGHTS,
        "biases": DEFAULT_BIASES,
    }
    starts: ClassVar[Mapping[str, str]] = {"W": "weights", "b": "biases"}

    formula_without_bias: ClassVar[str] = ""
    """The formula of z for a layer without biases."""

    _absences: ClassVar[Mapping[str, str]] = {"b": "was made without biases"}

    def __init__(
        self,
        *,
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
        self.weights = initializer(weights)
        by_hand = isinstance(self.weights, Given)
        self.biases = initializer_of_row(biases, two_are_values=by_hand)
        if not bias and isinstance(self.biases, Given):
            raise ConfigError("without biases (bias=False) none can be given; leave one out")
        if penalty is not None:
            self.penalty = penalty_setting(penalty) or NO_PENALTY
        self.x: Any = None

    @property
    def formula_of_z(self) -> str:
        """See `Layer.formula_of_z`."""
        return self.formula if self.bias else self.formula_without_bias

    W = View("The weights, a view into θ; assigning writes into θ.")
    b = View("The biases, a view into θ; assigning writes into θ.")
    W_grad = View("∂L/∂W of the last backward pass, a view into the gradient.")
    b_grad = View("∂L/∂b of the last backward pass, a view into the gradient.")


class Weighted(Activated, WithWeights):
    """A layer with weights W, biases b and an activation φ.

    Args:
        activation: φ, by name, by ``type`` with options, or as an object. None lets the network
            choose: linear if no layer with an activation follows, else relu.
        options: the arguments of `WithWeights`.

    Raises:
        ConfigError: an activation, initializer, rate or another argument is invalid.
    """

    def __init__(
        self,
        *,
        activation: str | Mapping[str, Any] | Activation | None = None,
        **options: Unpack[WeightedOptions],
    ) -> None:
        super().__init__(**options)
        self.activation = activation

"""Batch and layer normalisation: numbers with a mean of 0 and a variance of 1, then γ and β.

Both standardise x, x̂ = (x − mean) / √(variance + ε), and give z = γ ⊙ x̂ + β. They differ in which
numbers share a mean and a variance: in batch normalisation those of one feature in all cases of a
minibatch, in layer normalisation those of one case.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, ClassVar, TypedDict, Unpack

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.sequences import lengths_of, mark, padded_steps, without_padding
from chainrule.nn.activations import Activation, Linear
from chainrule.nn.initializers import InitializerLike, Scaled, initializer_of_row
from chainrule.nn.jacobians import Diagonal, Jacobian, explicit
from chainrule.nn.layers.base import Activated, Arrays, Shape, View
from chainrule.nn.layers.standardized import (
    NEW,
    ByColumn,
    Groups,
    Normalising,
    Out,
    Standardised,
    standardised,
)
from chainrule.nn.penalties import NO_PENALTY, PenaltyLike, penalty_setting


class NormalizedOptions(TypedDict, total=False):
    """The arguments of `Normalized` that subclasses take as ``**options`` and pass on to it."""

    epsilon: float
    activation: str | Mapping[str, Any] | Activation
    weights: InitializerLike
    biases: InitializerLike
    learning_rate: float | None
    penalty: PenaltyLike | None
    name: str | None
    inputs: str | Sequence[str] | None


class Normalized(Activated):
    """A layer that standardises its input: a = φ(z), z = γ ⊙ x̂ + β.

    Args:
        epsilon: ε, added to the variance so that its root is never 0; above 0. PyTorch's is 1e-5,
            Keras's 1e-3.
        activation: φ; by default linear, so that a is z.
        weights: the initial values of γ: ``ones``, ``zeros``, a range [low, high] or a number r
            for [-r, r] where ``{"range": ...}`` says so, or the numbers themselves, one a feature.
        biases: the initial values of β, likewise.
        learning_rate: see `Layer`.
        penalty: see `Weighted`; γ and β are penalised only where it includes biases.
        name: see `Layer`.
        inputs: see `Layer`.

    Attributes:
        x: the inputs of the last forward pass; None before.

    Raises:
        ConfigError: epsilon, the activation, a rate or another argument is invalid.
    """

    keeps_width: ClassVar[bool] = True
    knows_padding: ClassVar[bool] = True
    starts: ClassVar[Mapping[str, str]] = {"gamma": "weights", "beta": "biases"}
    axes: ClassVar[Mapping[str, str]] = {"gamma": "one a feature", "beta": "one a feature"}

    gamma = View("The scale γ, a view into θ; assigning writes into θ.")
    beta = View("The shift β, a view into θ; assigning writes into θ.")
    gamma_grad = View("∂L/∂γ of the last backward pass, a view into the gradient.")
    beta_grad = View("∂L/∂β of the last backward pass, a view into the gradient.")

    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        activation: str | Mapping[str, Any] | Activation = "linear",
        weights: InitializerLike = "ones",
        biases: InitializerLike = "zeros",
        learning_rate: float | None = None,
        penalty: PenaltyLike | None = None,
        name: str | None = None,
        inputs: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, inputs=inputs)
        if not (is_finite(epsilon) and epsilon > 0):
            raise ConfigError(f"epsilon must be finite and above 0, found {epsilon!r}")
        self.epsilon = float(epsilon)
        self.activation = activation
        self.weights = initializer_of_row(weights, two_are_values=True)
        self.biases = initializer_of_row(biases, two_are_values=True)
        for name in ("weights", "biases"):
            if isinstance(getattr(self, name), Scaled):
                raise ConfigError(
                    f"{name} of a layer that normalises start at ones, zeros, a range or given "
                    "numbers; rules such as glorot count inputs and outputs, which γ and β do not "
                    "have"
                )
        if penalty is not None:
            self.penalty = penalty_setting(penalty) or NO_PENALTY
        self.x: Any = None
        self.z: Any = None
        self.a: Any = None
        self._groups = Groups(0, (0,), True)
        self._pass: Standardised | None = None

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        (self.input_shape,) = shapes
        self.output_shape = self.input_shape
        self.size = self.outputs
        self._groups = self._grouped(self.input_shape)

    @abstractmethod
    def _grouped(self, shape: Shape) -> Groups:
        """Which numbers of cases of this shape share a mean."""

    @abstractmethod
    def _standardised(self, x: Array, values: Arrays, out: Out = NEW) -> Standardised:
        """x̂ for rows x, in their form, 0 at padding."""

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """γ and β as asked for; a running variance starts at 1, a running mean at 0."""
        shape = self.shapes()[name]
        if name in self.starts:
            found: Array = getattr(self, self.starts[name]).draw(shape, rng)
            return found
        return np.full(shape, float(name == "variance"))

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z = γ ⊙ x̂ + β and a = φ(z)."""
        gamma, beta = (self._groups.aligned(values[name]) for name in ("gamma", "beta"))
        z = self._standardised(x, values).values * gamma + beta
        return self._outputs(z.reshape(len(x), self.inputs), x)

    def _outputs(self, z: Array, x: Array, out: Array | None = None) -> tuple[Array, Array]:
        """z and φ(z), marked at padding; φ is computed before, since a complex NaN spreads."""
        a = z if type(self._activation) is Linear else self._activation.value(z, out=out)
        if self.reads_sequences:
            lengths = self._lengths(x)
            for values in (z, a) if a is not z else (z,):
                mark(values.reshape(-1, *self.input_shape), lengths)
        return z, a

    def _lengths(self, x: Array) -> Array | None:
        """The lengths of cases that are sequences; None where no step is padding."""
        return lengths_of(x.reshape(-1, *self.input_shape)) if self.reads_sequences else None

    def forward_pass(self, x: Array) -> Array:
        """The outputs a = φ(γ ⊙ x̂ + β), (cases, outputs)."""
        groups, values = self._groups, self._values
        standard, z, a = (
            self.context.buffer(self.name, what, x.shape, x.dtype) for what in ("x̂", "z", "a")
        )
        formed = groups.formed(z)
        out = Out(groups.formed(standard), scratch=formed)
        self.x, self._pass = x, self._standardised(x, values, out)
        np.multiply(self._pass.values, groups.aligned(values["gamma"]), out=formed)
        formed += groups.aligned(values["beta"])
        self.z, self.a = self._outputs(z, x, a)
        return self.a

    @property
    def statistics(self) -> Standardised:
        """x̂ of the last forward pass, with the mean and the variance that it was made by.

        Raises:
            ShapeError: there was no forward pass.
        """
        return self._of_pass(self._pass)

    @abstractmethod
    def _jacobian_x(self) -> Jacobian:
        """∂z/∂x at the last forward pass."""

    def _jacobian_a(self, out: Array | None = None) -> Diagonal:
        """∂a/∂z, 0 at padding."""
        slopes = self._activation.derivative(self._of_pass(self.z), out)
        if self._of_pass(self._pass).real is not None:
            slopes[np.isnan(self.z)] = 0
        return Diagonal(slopes)

    def _jacobian_gamma(self) -> ByColumn:
        at = self._of_pass(self._pass)
        return ByColumn(at.values, self._groups, self.gamma.shape, len(self.x))

    def _jacobian_beta(self) -> ByColumn:
        at = self._of_pass(self._pass)
        ones = np.ones((1, 1), at.values.dtype) if at.real is None else at.real
        factor = np.broadcast_to(ones, at.values.shape)
        return ByColumn(factor, self._groups, self.beta.shape, len(self.x))

    def jacobians(self) -> dict[str, Jacobian]:
        """``a``: ∂a/∂z; ``x``, ``gamma`` and ``beta``: ∂z with respect to each.

        Raises:
            ShapeError: there was no forward pass.
        """
        self._of_pass(self._pass)
        return {
            "a": self._jacobian_a(),
            "x": self._jacobian_x(),
            "gamma": self._jacobian_gamma(),
            "beta": self._jacobian_beta(),
        }

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """δ = J ∂a/∂z, then `backward_from_delta`."""
        delta = J
        if type(self._activation) is not Linear or self.explicit:
            out = self.context.buffer(self.name, "delta", J.shape, J.dtype)
            J_a = self._jacobian_a(out)
            delta = explicit(J_a).vjp(J) if self.explicit else J_a.vjp(J, out)
        return self.backward_from_delta(delta, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """∂L/∂γ = Σ δ ⊙ x̂ and ∂L/∂β = Σ δ over the numbers of each γ; returns ∂L/∂x."""
        self.delta = delta
        if self.explicit:
            return self._backward_explicitly(delta, to_input=to_input)
        groups, gradients = self._groups, self._gradients
        self._jacobian_gamma().vjp(delta, gradients["gamma"])
        groups.column_sums(groups.formed(delta), gradients["beta"].reshape(-1))
        if not to_input:
            return None
        J_x, out = self._jacobian_x(), self.context.input_gradient(self.name, self.inputs, delta)
        if isinstance(J_x, Normalising) and groups.by_column:
            return J_x.vjp_by_sums(delta, gradients["gamma"], gradients["beta"], out)
        return J_x.vjp(delta, out)

    def _backward_explicitly(self, delta: Array, *, to_input: bool) -> Array | None:
        local = self.jacobians()
        for name in ("gamma", "beta"):
            self._gradients[name][...] = np.tensordot(delta, local[name].dense(), 2)
        if not to_input:
            return None
        if len(local["x"].dense_shape) == 4:  # the cases are coupled
            return np.tensordot(delta, local["x"].dense(), 2)
        return explicit(local["x"]).vjp(delta)


class LayerNorm(Normalized):
    """Layer normalisation: x̂ has the mean 0 and the variance 1 in every case by itself.

    z = γ ⊙ x̂ + β with x̂ = (x − mean(x)) / √(variance(x) + ε), over the numbers of one case:
    those of a row, of each step of a sequence, or of an image, channels, height and width
    together. γ and β have the shape of the case (of the step). Training and evaluation are the
    same, and no case depends on another.

    As ``torch.nn.LayerNorm`` over the whole shape of a case. Keras's ``LayerNormalization`` takes
    the last axis alone, which for images are the channels of each place.

    Source: Ba, Kiros and Hinton, *Layer normalization*, arXiv:1607.06450 (2016), equations 3
    and 4.

    Args:
        options: see `Normalized`.

    Example:
        >>> from chainrule.nn.network import Network
        >>> layer = LayerNorm(epsilon=1e-12)
        >>> network = Network([layer], input=4, loss="mse")
        >>> layer.forward_pass(np.array([[1.0, 1.0, 5.0, 5.0]]))
        array([[-1., -1.,  1.,  1.]])
    """

    type: ClassVar[str] = "layer_norm"
    formula: ClassVar[str] = "γ ⊙ x̂ + β, x̂ = (x − mean) / √(variance + ε) of each case"
    explanations: ClassVar[Mapping[str, tuple[str, str, str]]] = {
        "gamma": ("the scale γ", "∂z/∂γ = diag(x̂)", "δ ⊙ x̂, summed over the cases"),
        "beta": ("the shift β", "∂z/∂β = I", "δ, summed over the cases"),
        "x": ("input", "∂z_i/∂x_j = γ_i/σ ([i=j] − 1/n − x̂_i x̂_j/n), of n inputs", ""),
    }

    def __init__(self, **options: Unpack[NormalizedOptions]) -> None:
        super().__init__(**options)

    def _grouped(self, shape: Shape) -> Groups:
        return Groups(prod(shape), (prod(shape),), by_column=False)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """γ and β, of the shape of a case."""
        return dict.fromkeys(("gamma", "beta"), self.input_shape)

    def _standardised(self, x: Array, values: Arrays, out: Out = NEW) -> Standardised:
        return standardised(self._groups.formed(x), self._groups, self.epsilon, out=out)

    def _jacobian_x(self) -> Jacobian:
        gain = self._groups.aligned(self.gamma)
        return Normalising(self._of_pass(self._pass), gain, self._groups, len(self.x))


class BatchNorm(Normalized):
    """Batch normalisation: in training each feature has the mean 0 and the variance 1.

    z = γ ⊙ x̂ + β with x̂ = (x − mean) / √(variance + ε). In training mean and variance are those
    of the minibatch: for rows of each feature over the cases, for images of each channel over
    cases and places, for sequences of each feature over cases and steps, padding left out. In
    evaluation they are the running ones, which are parameters that no gradient moves: after each
    minibatch ``mean ← (1 − momentum) mean + momentum · mean of the minibatch``, and likewise
    ``variance``, by the estimate without bias, n / (n − 1) times the variance of n numbers.

    Of a single number (a minibatch of one row) the variance is 0: z is β, no gradient passes to x,
    and the running variance stays. Weights of cases do not count in mean and variance, as in
    PyTorch; they multiply the losses alone.

    In Python, where no engine does it, call ``network.update_untrained()`` after each step.

    Source: Ioffe and Szegedy, *Batch normalization: accelerating deep network training by reducing
    internal covariate shift*, arXiv:1502.03167 (2015), algorithms 1 and 2.

    Args:
        momentum: the share of the minibatch in the running statistics, above 0 and at most 1, as
            in PyTorch. Keras counts what stays: its ``momentum`` of 0.99 is 0.01 here.
        options: see `Normalized`.

    Raises:
        ConfigError: the momentum or another argument is invalid.

    Example:
        >>> from chainrule.nn.network import Network
        >>> layer = BatchNorm(epsilon=1e-12)
        >>> network = Network([layer], input=1, loss="mse")
        >>> x = np.array([[1.0], [1.0], [5.0], [5.0]])
        >>> with network.training_mode():
        ...     layer.forward_pass(x).ravel()
        array([-1., -1.,  1.,  1.])
        >>> network.update_untrained()
        >>> layer.mean, layer.variance.round(3)
        (array([0.3]), array([1.433]))
    """

    type: ClassVar[str] = "batch_norm"
    formula: ClassVar[str] = "γ ⊙ x̂ + β, x̂ = (x − mean) / √(variance + ε)"
    same_at_every_step: ClassVar[bool] = False
    differs_in_training: ClassVar[bool] = True
    untrained: ClassVar[tuple[str, ...]] = ("mean", "variance")
    explanations: ClassVar[Mapping[str, tuple[str, str, str]]] = {
        "gamma": ("the scale γ", "∂z/∂γ = diag(x̂)", "δ ⊙ x̂, summed over the cases"),
        "beta": ("the shift β", "∂z/∂β = I", "δ, summed over the cases"),
        "mean": ("the running mean, not trained", "", ""),
        "variance": ("the running variance, not trained", "", ""),
        "x": (
            "input",
            "∂z/∂x = diag(γ/σ); in training γ/σ ([i=j] − 1/n − x̂_i x̂_j/n) for the n numbers "
            "of a feature",
            "",
        ),
    }

    mean = View("The running mean, a view into θ; assigning writes into θ.")
    variance = View("The running variance, a view into θ; assigning writes into θ.")

    def __init__(self, momentum: float = 0.1, **options: Unpack[NormalizedOptions]) -> None:
        super().__init__(**options)
        if not (is_finite(momentum) and 0 < momentum <= 1):
            raise ConfigError(
                f"the momentum of batch_norm is the share of a minibatch in the running "
                f"statistics, above 0 and at most 1, found {momentum!r}"
            )
        self.momentum = float(momentum)

    @property
    def _in_training(self) -> bool:
        """Whether the last forward pass used the statistics of its batch."""
        return self._pass is not None and self._pass.n > 0

    @property
    def formula_of_z(self) -> str:
        """See `Layer.formula_of_z`; the formula of the last forward pass."""
        return (
            f"{self.formula} of the {'minibatch' if self._in_training else 'running statistics'}"
        )

    @property
    def least_cases(self) -> int:
        """Two, where each case has but one number of a feature."""
        return 2 if len(self.input_shape) == 1 or prod(self.input_shape[1:]) == 1 else 1

    def _grouped(self, shape: Shape) -> Groups:
        if len(shape) == 3:
            return Groups(prod(shape), (shape[0], prod(shape[1:])), by_column=True)
        return Groups(prod(shape), shape[-1:], by_column=True)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """γ, β, and the running mean and variance: a number for each feature or channel."""
        features = self.input_shape[-1] if self.reads_sequences else self.input_shape[0]
        return dict.fromkeys(("gamma", "beta", "mean", "variance"), (features,))

    def _standardised(self, x: Array, values: Arrays, out: Out = NEW) -> Standardised:
        lengths, groups, real = self._lengths(x), self._groups, None
        if lengths is not None:
            sequences = x.reshape(-1, *self.input_shape)
            x = without_padding(sequences, lengths)
            padded = padded_steps(lengths, sequences.shape[1])
            real = (~padded).reshape(-1, 1).astype(x.real.dtype)
        x = groups.formed(x)
        if self.context.training:
            return standardised(x, groups, self.epsilon, real, out)
        mean, variance = values["mean"], values["variance"]
        inverse = 1 / np.sqrt(groups.aligned(variance) + self.epsilon)
        found = np.subtract(x, groups.aligned(mean), out=out.values)
        found *= inverse
        if real is not None:
            found *= real
        return Standardised(found, mean, variance, inverse, 0, real)

    def _jacobian_x(self) -> Jacobian:
        at, groups = self._of_pass(self._pass), self._groups
        gain = groups.aligned(self.gamma)
        if self._in_training:
            return Normalising(at, gain, groups, len(self.x))
        scale = gain * at.inverse if at.real is None else gain * at.inverse * at.real
        scale = np.broadcast_to(scale, at.values.shape)
        return Diagonal(scale.reshape(len(self.x), self.inputs))

    def update_untrained(self) -> None:
        """Move the running statistics towards those of the last pass, if it was in training."""
        at = self._pass
        if at is None:
            return
        self.mean += self.momentum * (at.mean.reshape(-1) - self.mean)
        if at.n > 1:
            unbiased = at.variance.reshape(-1) * (at.n / (at.n - 1))
            self.variance += self.momentum * (unbiased - self.variance)

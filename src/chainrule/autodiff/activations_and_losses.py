"""Activations and losses as graphs: the library's, and custom ones from a function alone.

No derivative is written here: the graph differentiates the operations that a function is composed
of. This is a second derivation, independent of the derivatives in `chainrule.nn.activations` and
`chainrule.nn.losses`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import Any, ClassVar, TypeVar

import numpy as np

from chainrule.autodiff import functions as f
from chainrule.autodiff.differentiate import gradient, vjp
from chainrule.autodiff.node import CALL, Node, Operation, constant, lift, variable
from chainrule.autodiff.shapes import identity, mean, sum
from chainrule.core.arrays import Array, class_numbers
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.nn import activations, losses
from chainrule.nn.activations import Activation, into
from chainrule.nn.losses import FromLogits, Loss, loss_function

T = TypeVar("T")

# The library's activations

# The fixed point of mean 0 and variance 1: Klambauer et al., Self-normalizing neural networks
# (2017), below equation 14.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _elu(z: Node, alpha: float) -> Node:
    return f.where(z > 0, z, alpha * f.expm1(f.where(z > 0, 0.0, z)))


def _softsign(z: Node) -> Node:
    """z / (1 + |z|), for |z| ≥ 1 in a form whose derivative is not a difference of two terms."""
    size = 1 + f.absolute(z)
    return f.where(size.value < 2, z / size, f.sign(z) * (1 - 1 / size))


ACTIVATION_GRAPHS: Mapping[type[Activation], Callable[[Any, Node], Node]] = {
    activations.Linear: lambda a, z: identity(z),
    activations.Sigmoid: lambda a, z: f.sigmoid(z),
    activations.Tanh: lambda a, z: f.tanh(z),
    activations.ReLU: lambda a, z: f.relu(z),
    activations.LeakyReLU: lambda a, z: f.where(z > 0, z, a.slope * z),
    activations.ELU: lambda a, z: _elu(z, a.alpha),
    activations.SELU: lambda a, z: _SELU_SCALE * _elu(z, _SELU_ALPHA),
    activations.GELU: lambda a, z: z * f.normal_cdf(z),
    activations.SiLU: lambda a, z: z * f.sigmoid(z),
    activations.Mish: lambda a, z: z * f.tanh(f.softplus(z)),
    activations.Softplus: lambda a, z: f.softplus(z),
    activations.Softsign: lambda a, z: _softsign(z),
}
"""Each activation's graph, given its object (for the options) and z."""


# The library's losses


def _true_class(y: Node, t: Array) -> Node:
    """The output of each case's true class, (cases,)."""
    return y[np.arange(len(y)), t]


def _huber(loss: Any, d: Node) -> Node:
    r = f.absolute(d)
    straight = loss.delta * (r - 0.5 * loss.delta)
    return f.where(r <= loss.delta, 0.5 * (d * d), straight)


def _log_cosh(d: Node) -> Node:
    r = f.absolute(d)
    near = f.sinh(0.5 * f.where(r < 1, d, 0.0))
    far = r + f.log1p(f.exp(-2 * r)) - log(2)
    return f.where(r < 1, f.log1p(2 * (near * near)), far)


def _smoothed(loss: Any, t: Array, classes: int | None = None) -> Array:
    """t with label smoothing, t − ε (t − u), u being 1/classes, or ½ without ``classes``.

    Args:
        loss: with its ``label_smoothing`` ε.
        t: class numbers (cases,) or rows.
        classes: how many there are, for outputs that are a distribution.
    """
    epsilon = loss.label_smoothing
    if epsilon == 0:
        return t
    known = np.equal.outer(t, np.arange(classes or 1)) * 1.0 if t.ndim == 1 else t
    return np.asarray(known - epsilon * (known - 1 / (classes or 2)))


def _cross_entropy(y: Node, t: Array) -> Node:
    if t.ndim == 1:
        return sum(-f.log(_true_class(y, t))) / len(y)
    return sum(-(f.log(f.where(t == 0, 1.0, y)) * t)) / len(y)


def _binary_cross_entropy(y: Node, t: Array) -> Node:
    right, wrong = f.log(f.where(t == 0, 1.0, y)), f.log1p(-f.where(t == 1, 0.0, y))
    return -mean(t * right + (1 - t) * wrong)


def _hinge(y: Node, t: Array) -> Node:
    wrong = np.arange(y.shape[1]) != t[:, None]
    margins = f.maximum(1 + y - _true_class(y, t).reshape((-1, 1)), 0.0)
    return sum(f.where(wrong, margins, 0.0)) / len(y)


def _softmax_cross_entropy(z: Node, t: Array) -> Node:
    log_s = f.log_softmax(z)
    if t.ndim == 1:
        return sum(-_true_class(log_s, t)) / len(z)
    return sum(-(f.where(t == 0, 0.0, log_s) * t)) / len(z)


def _sigmoid_cross_entropy(z: Node, t: Array) -> Node:
    return mean((1 - t) * f.softplus(z) + t * f.softplus(-z))


LOSS_GRAPHS: Mapping[type[Loss] | type[FromLogits], Callable[[Any, Node, Array], Node]] = {
    losses.MeanSquaredError: lambda loss, y, t: mean((y - t) ** 2),
    losses.MeanAbsoluteError: lambda loss, y, t: mean(f.absolute(y - t)),
    losses.Huber: lambda loss, y, t: mean(_huber(loss, y - t)),
    losses.LogCosh: lambda loss, y, t: mean(_log_cosh(y - t)),
    losses.CrossEntropy: lambda loss, y, t: _cross_entropy(y, _smoothed(loss, t, y.shape[1])),
    losses.BinaryCrossEntropy: lambda loss, y, t: _binary_cross_entropy(y, _smoothed(loss, t)),
    losses.Hinge: lambda loss, y, t: _hinge(y, t),
    losses.SoftmaxCrossEntropy: lambda pair, z, t: _softmax_cross_entropy(
        z, _smoothed(pair.loss, t, z.shape[1])
    ),
    losses.SigmoidCrossEntropy: lambda pair, z, t: _sigmoid_cross_entropy(
        z, _smoothed(pair.loss, t)
    ),
}
"""Each loss's graph, given its object (for the options), y (or the logits z) and t."""


# Custom functions, which the graph differentiates


class FunctionActivation(Activation):
    """An activation that the graph differentiates; see `activation_from`."""

    function: ClassVar[Callable[[Any], Any]]

    def graph(self, z: Node) -> Node:
        """φ(z) as a node."""
        return _node(type(self).function(z), z)

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`."""
        return into(out, self.graph(variable(z)).value)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """φ'(z), found as the product of ones and the Jacobian, which is diagonal."""
        return into(out, vjp(self.graph, z, np.ones_like(z)))


class FunctionLoss(Loss):
    """A loss that the graph differentiates; see `loss_from`."""

    function: ClassVar[Callable[[Any, Any], Any]]

    def graph(self, y: Node, t: Array) -> Node:
        """L(y, t) as a node.

        Raises:
            ShapeError: the value is not a single number.
        """
        value = _node(type(self).function(y, t), y)
        if value.size != 1:
            raise ShapeError(
                f"the loss {type(self).__name__} gave the shape {value.shape}, expected a single "
                "number: take the mean over the cases"
            )
        return value

    def value(self, y: Array, t: Array) -> Any:
        """See `Loss.value`."""
        return self.graph(variable(y), t).value

    def jacobian(self, y: Array, t: Array) -> Array:
        """See `Loss.jacobian`."""
        found: Array = gradient(lambda outputs: self.graph(outputs, t), y)
        return found

    def prepare(self, t: Any, outputs: int, dtype: Any) -> Array:
        """See `Loss.prepare`; class numbers stay class numbers where the loss is for classes."""
        if self.for_classes and np.ndim(t) == 1:
            return class_numbers(t, outputs)
        return super().prepare(t, outputs, dtype)


def activation_from(
    function: Callable[[Any], Any], *, kinks: Sequence[float] = (), name: str | None = None
) -> type[FunctionActivation]:
    """Make the class of an activation from its function alone.

    Args:
        function: φ, elementwise, written with operators and functions of NumPy or this package.
        kinks: the places where the derivative jumps.
        name: the name of the class; by default the function's.

    Returns:
        A subclass of `Activation` that is made without arguments, to be registered, or given to a
        layer as ``Dense(3, Bump())``.

    Raises:
        ConfigError: the function is not elementwise, or uses an operation that the graph lacks.

    Example:
        >>> Bump = activation_from(lambda z: np.exp(-z * z), name="Bump")
        >>> z = np.array([0.5, 1.0])
        >>> Bump().value(z).round(6), Bump().derivative(z).round(6)
        (array([0.778801, 0.367879]), array([-0.778801, -0.735759]))
    """
    made = _class_of(function, name, FunctionActivation, kinks=tuple(map(float, kinks)))
    _check_elementwise(made())
    return made


def loss_from(
    function: Callable[[Any, Any], Any], *, for_classes: bool = False, name: str | None = None
) -> type[FunctionLoss]:
    """Make the class of a loss from its function alone.

    Args:
        function: L(y, t), a single number, the mean over the cases; y is (cases, outputs), and t
            an array of the same shape, or class numbers (cases,).
        for_classes: whether targets are classes; class numbers are then passed on as they are.
        name: the name of the class; by default the function's.

    Returns:
        A subclass of `Loss` that is made without arguments.

    Example:
        >>> Quartic = loss_from(lambda y, t: ((y - t) ** 4).mean(), name="Quartic")
        >>> y, t = np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])
        >>> float(Quartic().value(y, t)), Quartic().jacobian(y, t)
        (8.5, array([[ 2., 16.]]))
    """
    return _class_of(function, name, FunctionLoss, for_classes=for_classes)


def _class_of(function: Any, name: str | None, base: type[T], **attributes: Any) -> type[T]:
    """A subclass of ``base`` for a function, with the function's name and documentation."""
    own = getattr(function, "__name__", "")
    own = own if own.isidentifier() else type(function).__name__ + "Function"
    attributes["function"] = staticmethod(function)
    attributes["__doc__"] = function.__doc__ or f"A {base.__name__} made from a function."
    attributes["__module__"] = function.__module__
    return type(name or own, (base,), attributes)


def _node(value: Any, like: Node) -> Node:
    """The result of a function as a node; a plain number becomes a constant."""
    return value if isinstance(value, Node) else constant(value, like)


def _check_elementwise(phi: FunctionActivation) -> None:
    """Refuse a function that is not elementwise: its Jacobian is not diagonal.

    Raises:
        ConfigError: the function is not elementwise, or not made of the graph's operations.
    """
    z = np.array([[-1.5, -0.5, 0.25], [0.75, 1.25, 2.0]])
    with np.errstate(all="ignore"):
        try:
            together = phi.value(z)
            alone = [phi.value(np.array([[n]])).reshape(-1)[0] for n in z.reshape(-1)]
        except ShapeError as error:
            raise ConfigError(f"{type(phi).__name__} cannot be an activation: {error}") from None
    if together.shape != z.shape or not np.allclose(
        together.reshape(-1), alone, rtol=1e-9, equal_nan=True
    ):
        raise ConfigError(
            f"an activation takes each number for itself, but {type(phi).__name__} of several "
            "numbers is not what it is of each of them"
        )


# Any activation or loss as a node


def activate(z: Any, activation: str | Mapping[str, Any] | Activation) -> Node:
    """φ(z) for an activation of the library, or a custom one.

    An activation that is neither in the library nor made by `activation_from` is differentiated
    by its class's own ``derivative``; such a node has no second derivative.

    Args:
        z: node, array or number.
        activation: a name, ``type`` with options, or an `Activation`.

    Raises:
        ConfigError: no such name or option.

    Example:
        >>> from chainrule.autodiff import gradient
        >>> gradient(lambda z: activate(z, {"type": "leaky_relu", "slope": 0.2}), -3.0)
        array(0.2)
    """
    phi, node = activations.activation(activation), lift([z])[0]
    if type(phi) in ACTIVATION_GRAPHS:
        return ACTIVATION_GRAPHS[type(phi)](phi, node)
    if isinstance(phi, FunctionActivation):
        return phi.graph(node)
    return _by_class(phi, f.of_rows(phi.value), f.of_rows(phi.derivative), "activation", node)


def loss_of(y: Any, t: Array, loss: str | Mapping[str, Any] | Loss | FromLogits) -> Node:
    """L(y, t) for a loss of the library, or a custom one.

    A loss that is neither in the library nor made by `loss_from` is differentiated by its class's
    own ``jacobian``; such a node has no second derivative.

    Args:
        y: outputs, (cases, outputs); the logits z for a loss computed from these.
        t: prepared targets, as `Loss.prepare` gives them.
        loss: a name, ``type`` with options, a `Loss`, or an entry of `FROM_LOGITS`.

    Raises:
        ConfigError: no such name or option.

    Example:
        >>> from chainrule.autodiff import gradient
        >>> gradient(lambda y: loss_of(y, np.zeros((1, 2)), "mse"), [[1.0, 3.0]])
        array([[1., 3.]])
    """
    found = loss if isinstance(loss, FromLogits) else loss_function(loss)
    node = lift([y])[0]
    if type(found) in LOSS_GRAPHS:
        return LOSS_GRAPHS[type(found)](found, node, t)
    if isinstance(found, FunctionLoss):
        return found.graph(node, t)
    if isinstance(found, Loss):
        return _by_class(
            found,
            lambda y: np.asarray(found.value(y, t)),
            lambda y: found.jacobian(y, t),
            "loss",
            node,
        )
    raise ShapeError(f"{type(found).__name__} is computed from the logits and has no graph")


def _by_class(
    own: Activation | Loss,
    value: Callable[[Array], Array],
    derivative: Callable[[Array], Array],
    what: str,
    x: Node,
) -> Node:
    """A node with the value and derivative of a class, and without a second derivative."""
    name = type(own).__name__

    def backward(g: Node, y: Node, a: Node) -> Node:
        """g times the derivative, whose own node refuses to be differentiated."""
        slope = Operation(f"{name}′", f"{name}′({{0}})", CALL, derivative, (second,))
        return g * Node(derivative(a.value), slope, (a,))

    def second(g: Node, y: Node, a: Node) -> Node:
        raise ShapeError(
            f"the second derivative of {name} is not known: the class gives the first alone; "
            f"write the {what} with {what}_from to have all of them"
        )

    operation = Operation(name, f"{name}({{0}})", CALL, value, (backward,), what == "activation")
    return Node(value(x.value), operation, (x,))

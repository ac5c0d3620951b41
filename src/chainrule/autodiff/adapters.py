"""Activations and losses of one's own from a function alone: the graph finds the derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from chainrule.autodiff.differentiate import gradient, vjp
from chainrule.autodiff.node import Node, constant, variable
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.nn.activations import Activation, into
from chainrule.nn.losses import Loss, class_numbers


class FunctionActivation(Activation):
    """An activation whose derivative the graph finds; see `activation_from`."""

    function: ClassVar[Callable[[Any], Any]]

    def graph(self, z: Node) -> Node:
        """φ(z) as a node."""
        return _node(type(self).function(z), z)

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`."""
        return into(out, self.graph(variable(z)).value)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """1 J: the function is elementwise, so J is diagonal and this is its diagonal."""
        return into(out, vjp(self.graph, z, np.ones_like(z)))


class FunctionLoss(Loss):
    """A loss whose derivative the graph finds; see `loss_from`."""

    function: ClassVar[Callable[[Any, Any], Any]]

    def graph(self, y: Node, t: Array) -> Node:
        """L(y, t) as a node.

        Raises:
            ShapeError: it is not a single number.
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
    """The class of an activation that has no derivative written for it.

    Args:
        function: φ, elementwise, written in NumPy's functions, this package's or operators.
        kinks: where the derivative jumps.
        name: of the class; by default the function's.

    Returns:
        A subclass of `Activation` that is made without arguments, to be registered, or given to a
        layer as ``Dense(3, Bump())``.

    Raises:
        ConfigError: the function is not elementwise, or not made of the graph's operations.

    Example:
        >>> Bump = activation_from(lambda z: np.exp(-z * z), name="Bump")
        >>> z = np.array([0.5, 1.0])
        >>> Bump().value(z).round(6), Bump().derivative(z).round(6)
        (array([0.778801, 0.367879]), array([-0.778801, -0.735759]))
    """
    made = type(
        name or _name(function),
        (FunctionActivation,),
        {
            "function": staticmethod(function),
            "kinks": tuple(float(k) for k in kinks),
            "__doc__": function.__doc__ or "An activation made from a function.",
            "__module__": function.__module__,
        },
    )
    _check_elementwise(made())
    return made


def loss_from(
    function: Callable[[Any, Any], Any], *, for_classes: bool = False, name: str | None = None
) -> type[FunctionLoss]:
    """The class of a loss that has no derivative written for it.

    Args:
        function: L(y, t), a single number: the mean over the cases. y is (cases, outputs), t an
            array: rows of the same shape, or class numbers (cases,).
        for_classes: whether targets are classes by nature, and stay class numbers where they are
            given as such.
        name: of the class; by default the function's.

    Returns:
        A subclass of `Loss` that is made without arguments.

    Example:
        >>> Quartic = loss_from(lambda y, t: ((y - t) ** 4).mean(), name="Quartic")
        >>> y, t = np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])
        >>> float(Quartic().value(y, t)), Quartic().jacobian(y, t)
        (8.5, array([[ 2., 16.]]))
    """
    return type(
        name or _name(function),
        (FunctionLoss,),
        {
            "function": staticmethod(function),
            "for_classes": for_classes,
            "__doc__": function.__doc__ or "A loss made from a function.",
            "__module__": function.__module__,
        },
    )


def _node(value: Any, like: Node) -> Node:
    """What a function gave, as a node: it may be a number."""
    return value if isinstance(value, Node) else constant(value, like)


def _name(function: Any) -> str:
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else type(function).__name__ + "Function"


def _check_elementwise(phi: FunctionActivation) -> None:
    """Refuse what mixes numbers: the derivative would be no diagonal.

    Raises:
        ConfigError: as said.
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

"""The library's activations as graphs: values as precise as theirs, no derivative written here.

This is the second derivation of each of them. The library's own stands in
`chainrule.nn.activations`; here the graph differentiates what the function is composed of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule.autodiff import functions as f
from chainrule.autodiff.adapters import FunctionActivation
from chainrule.autodiff.elementwise import of_rows
from chainrule.autodiff.node import CALL, Node, Operation, lift
from chainrule.core.errors import ShapeError
from chainrule.nn import activations as by_hand
from chainrule.nn.activations import Activation

# The fixed point of mean 0 and variance 1: Klambauer et al., Self-normalizing neural networks
# (2017), below equation 14.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _elu(z: Node, alpha: float) -> Node:
    return f.where(z > 0, z, alpha * f.expm1(f.where(z > 0, 0.0, z)))


def _softsign(z: Node) -> Node:
    """z / (1 + |z|); far out as sign(z) (1 − 1 / (1 + |z|)), whose derivative has one term."""
    size = 1 + f.absolute(z)
    return f.where(size.value < 2, z / size, f.sign(z) * (1 - 1 / size))


GRAPHS: Mapping[type[Activation], Callable[[Any, Node], Node]] = {
    by_hand.Linear: lambda a, z: f.identity(z),
    by_hand.Sigmoid: lambda a, z: f.sigmoid(z),
    by_hand.Tanh: lambda a, z: f.tanh(z),
    by_hand.ReLU: lambda a, z: f.relu(z),
    by_hand.LeakyReLU: lambda a, z: f.where(z > 0, z, a.slope * z),
    by_hand.ELU: lambda a, z: _elu(z, a.alpha),
    by_hand.SELU: lambda a, z: _SELU_SCALE * _elu(z, _SELU_ALPHA),
    by_hand.GELU: lambda a, z: z * f.normal_cdf(z),
    by_hand.SiLU: lambda a, z: z * f.sigmoid(z),
    by_hand.Mish: lambda a, z: z * f.tanh(f.softplus(z)),
    by_hand.Softplus: lambda a, z: f.softplus(z),
    by_hand.Softsign: lambda a, z: _softsign(z),
}
"""Each activation's graph, given its object (for the options) and z."""


def activate(z: Any, activation: str | Mapping[str, Any] | Activation) -> Node:
    """φ(z) for an activation of the library, or one of your own.

    One that is neither in the library nor made by `activation_from` is taken with the derivative
    that its class has; such a node has no second derivative.

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
    phi, node = by_hand.activation(activation), lift([z])[0]
    if type(phi) in GRAPHS:
        return GRAPHS[type(phi)](phi, node)
    if isinstance(phi, FunctionActivation):
        return phi.graph(node)
    return _as_it_is(phi, node)


def _as_it_is(phi: Activation, z: Node) -> Node:
    """A node of value and derivative as the class gives them."""
    name = type(phi).__name__
    value, derivative = of_rows(phi.value), of_rows(phi.derivative)

    def backward(g: Node, y: Node, a: Node) -> Node:
        """The product g φ'(z); φ'(z) is a node of its own, so that it can be asked for."""
        slope = Operation(f"{name}′", f"{name}′({{0}})", CALL, derivative, (second,))
        return g * Node(derivative(a.value), slope, (a,))

    def second(g: Node, y: Node, a: Node) -> Node:
        """No φ''.

        Raises:
            ShapeError: always; the class gives the first derivative alone.
        """
        raise ShapeError(
            f"the second derivative of {name} is not known: the class gives the first alone; "
            "write the activation with activation_from to have all of them"
        )

    operation = Operation(name, f"{name}({{0}})", CALL, value, (backward,), elementwise=True)
    return Node(value(z.value), operation, (z,))

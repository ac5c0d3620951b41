"""The library's losses as graphs: no derivative is written here.

This is the second derivation of each of them; the library's own stands in `chainrule.nn.losses`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from typing import Any

import numpy as np

from chainrule.autodiff import functions as f
from chainrule.autodiff.adapters import FunctionLoss
from chainrule.autodiff.node import CALL, Node, Operation, lift
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn import losses as by_hand
from chainrule.nn.losses import FromLogits, Loss, loss_function


def _mean_over_cases(terms: Node, cases: int) -> Node:
    return f.sum(terms) / cases


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


def _cross_entropy(y: Node, t: Array) -> Node:
    if t.ndim == 1:
        return _mean_over_cases(-f.log(_true_class(y, t)), len(y))
    return _mean_over_cases(-(f.log(f.where(t == 0, 1.0, y)) * t), len(y))


def _binary_cross_entropy(y: Node, t: Array) -> Node:
    right, wrong = f.log(f.where(t == 0, 1.0, y)), f.log1p(-f.where(t == 1, 0.0, y))
    return -f.mean(t * right + (1 - t) * wrong)


def _hinge(y: Node, t: Array) -> Node:
    wrong = np.arange(y.shape[1]) != t[:, None]
    margins = f.maximum(1 + y - _true_class(y, t).reshape((-1, 1)), 0.0)
    return _mean_over_cases(f.where(wrong, margins, 0.0), len(y))


def _softmax_cross_entropy(z: Node, t: Array) -> Node:
    log_s = f.log_softmax(z)
    if t.ndim == 1:
        return _mean_over_cases(-_true_class(log_s, t), len(z))
    return _mean_over_cases(-(f.where(t == 0, 0.0, log_s) * t), len(z))


def _sigmoid_cross_entropy(z: Node, t: Array) -> Node:
    return f.mean((1 - t) * f.softplus(z) + t * f.softplus(-z))


GRAPHS: Mapping[type[Loss] | type[FromLogits], Callable[[Any, Node, Array], Node]] = {
    by_hand.MeanSquaredError: lambda loss, y, t: f.mean((y - t) ** 2),
    by_hand.MeanAbsoluteError: lambda loss, y, t: f.mean(f.absolute(y - t)),
    by_hand.Huber: lambda loss, y, t: f.mean(_huber(loss, y - t)),
    by_hand.LogCosh: lambda loss, y, t: f.mean(_log_cosh(y - t)),
    by_hand.CrossEntropy: lambda loss, y, t: _cross_entropy(y, t),
    by_hand.BinaryCrossEntropy: lambda loss, y, t: _binary_cross_entropy(y, t),
    by_hand.Hinge: lambda loss, y, t: _hinge(y, t),
    by_hand.SoftmaxCrossEntropy: lambda loss, z, t: _softmax_cross_entropy(z, t),
    by_hand.SigmoidCrossEntropy: lambda loss, z, t: _sigmoid_cross_entropy(z, t),
}
"""Each loss's graph, given its object (for the options), y (or the logits z) and t."""


def loss_of(y: Any, t: Array, loss: str | Mapping[str, Any] | Loss | FromLogits) -> Node:
    """L(y, t) for a loss of the library, or one of your own.

    One that is neither in the library nor made by `loss_from` is taken with the derivative that
    its class has; such a node has no second derivative.

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
    if type(found) in GRAPHS:
        return GRAPHS[type(found)](found, node, t)
    if isinstance(found, FunctionLoss):
        return found.graph(node, t)
    if isinstance(found, Loss):
        return _as_it_is(found, node, t)
    raise ShapeError(f"{type(found).__name__} is computed from the logits and has no graph")


def _as_it_is(loss: Loss, y: Node, t: Array) -> Node:
    """A node of value and derivative as the class gives them."""
    name = type(loss).__name__

    def value(y: Array) -> Array:
        """L(y, t), an array without axes."""
        return np.asarray(loss.value(y, t))

    def backward(g: Node, node: Node, y: Node) -> Node:
        """G ∂L/∂y, of the shape of y; ∂L/∂y is a node of its own."""
        slope = Operation(
            f"{name}′", f"{name}′({{0}})", CALL, lambda y: loss.jacobian(y, t), (second,)
        )
        return g * Node(loss.jacobian(y.value, t), slope, (y,))

    def second(g: Node, node: Node, y: Node) -> Node:
        """No ∂²L/∂y².

        Raises:
            ShapeError: always; the class gives the first derivative alone.
        """
        raise ShapeError(
            f"the second derivative of {name} is not known: the class gives the first alone; "
            "write the loss with loss_from to have all of them"
        )

    return Node(value(y.value), Operation(name, f"{name}({{0}})", CALL, value, (backward,)), (y,))

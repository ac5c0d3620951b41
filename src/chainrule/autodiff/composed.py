"""Operations composed of others that stand in the graph as one node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.autodiff.node import CALL, Node, Operation, Pullback, apply, variable
from chainrule.autodiff.walk import backpropagate
from chainrule.core.arrays import Array


def composed(name: str, formula: str, function: Callable[..., Node]) -> Operation:
    """The line of an operation whose derivative is that of what it is made of.

    Tables and pictures show one node. The way back computes the inside again, rather than
    keeping it.

    Args:
        name: see `Operation`.
        formula: see `Operation`.
        function: of nodes and the options; it checks the inputs itself.
    """

    def forward(*arrays: Array, **options: Any) -> Array:
        """The value alone, without its graph."""
        return function(*map(variable, arrays), **options).value

    def pullback(k: int) -> Pullback:
        """The way back to input number ``k``."""

        def backward(g: Node, y: Node, *inputs: Node) -> Node:
            """G ∂y/∂input: the inside is made again, and its graph walked back."""
            own = [apply("identity", node) for node in inputs]
            return backpropagate(function(*own, **y.options), [own[k]], g)[0]

        return backward

    return Operation(name, formula, CALL, forward, pullback)

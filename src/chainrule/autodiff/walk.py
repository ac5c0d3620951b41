"""The way back through a graph: every node once, after all nodes that were made from it.

Nothing here calls itself: a chain of any length is walked with lists. The gradients are nodes
too, made by the graph's own operations, so they can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from chainrule.autodiff.node import Node, apply
from chainrule.core.errors import ShapeError


def topological(output: Node, cut: Collection[Node] = ()) -> list[Node]:
    """``output`` and all it was made from, every node after its inputs.

    Args:
        output: the last node of the list.
        cut: nodes not to be looked behind; ``output`` is none of them.

    Example:
        >>> from chainrule.autodiff import variable
        >>> x = variable(2.0, "x")
        >>> y = (x * x).named("y")
        >>> [node.name for node in topological((x + y).named("z"))]
        ['x', 'y', 'z']
    """
    order: list[Node] = []
    entered: set[Node] = set()
    to_do: list[tuple[Node, bool]] = [(output, False)]
    while to_do:
        node, inputs_done = to_do.pop()
        if inputs_done:
            order.append(node)
        elif node not in entered:
            entered.add(node)
            to_do.append((node, True))
            if node not in cut:
                to_do.extend((source, False) for source in reversed(node.inputs))
    return order


def backpropagate(
    output: Node,
    inputs: Sequence[Node],
    seed: Node | None = None,
    cut: Collection[Node] = (),
) -> list[Node]:
    """g ∂output/∂input for each of ``inputs``: reverse mode.

    The nodes are taken in reverse topological order. With g_v = Σ over the nodes w made from v of
    g_w ∂w/∂v, each node's g is complete when its turn comes, and a node used twice gets a sum.

    Args:
        output: the node to differentiate.
        inputs: any nodes it was made from; for others the result is 0.
        seed: g at the output, of its shape; by default 1.
        cut: nodes whose values are held fixed on the way, so that nothing goes on behind them.

    Returns:
        A node of the shape and type of each input.

    Raises:
        ShapeError: the seed has not the output's shape.

    Example:
        >>> from chainrule.autodiff import variable
        >>> x = variable(3.0)
        >>> backpropagate(x * x + x, [x])[0].value
        array(7.)
    """
    seed = _seed(output, seed)
    held = set(cut) - {output}
    order = topological(output, held)
    wanted = _leading_to(order, inputs)
    terms: dict[Node, list[Node]] = {output: [seed]}
    gradients: dict[Node, Node] = {}
    asked = set(inputs)
    for node in reversed(order):
        if node not in wanted or node not in terms:
            continue
        g = total(terms.pop(node))
        if node in asked:
            gradients[node] = g
        if node not in held:
            for k, source in enumerate(node.inputs):
                if source in wanted:
                    terms.setdefault(source, []).append(pull_back(node, k, g))
    return [gradients[n] if n in gradients else Node(np.zeros_like(n.value)) for n in inputs]


def _seed(output: Node, seed: Node | None) -> Node:
    if seed is None:
        return Node(np.ones_like(output.value))
    if seed.shape != output.shape:
        raise ShapeError(
            f"what is multiplied by a Jacobian from the left has the output's shape "
            f"{output.shape}, found {seed.shape}"
        )
    return seed


def _leading_to(order: Iterable[Node], inputs: Sequence[Node]) -> set[Node]:
    """The nodes that depend on one of ``inputs``: only these need a gradient."""
    wanted = set(inputs)
    for node in order:
        if any(source in wanted for source in node.inputs):
            wanted.add(node)
    return wanted


def total(terms: Sequence[Node]) -> Node:
    """The sum of gradients that came to one node on several ways."""
    g = terms[0]
    for term in terms[1:]:
        g = g + term
    return g


def pull_back(node: Node, k: int, g: Node) -> Node:
    """What g at ``node`` gives its input number ``k``: g ∂node/∂input, in the input's shape."""
    assert node.operation is not None, "only an operation has inputs"
    source = node.inputs[k]
    result = node.operation.pullback(k)(g, node, *node.inputs)
    if node.operation.elementwise and result.shape != source.shape:
        result = apply("sum_to", result, shape=source.shape)
    if result.dtype != source.dtype and result.dtype.kind == source.dtype.kind:
        result = apply("astype", result, dtype=source.dtype)
    return result

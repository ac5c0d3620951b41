"""Reverse mode through a graph, and gradients, Jacobians and their products of functions.

`backpropagate` visits every node once, after all nodes that were made from it. It uses lists
instead of recursion, so a chain may be of any length. The gradients are nodes too, made by the
graph's own operations, so they can be differentiated again.

The other functions take a function that is written in the graph's operations, and the point to
differentiate at. Given arrays they return arrays. Given a `Node`, as within another derivative,
they return a `Node`, which can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.autodiff.node import Node, apply, constant, variable
from chainrule.core.errors import ShapeError


def topological(output: Node, cut: Collection[Node] = ()) -> list[Node]:
    """``output`` and all nodes it was computed from, each after its inputs.

    Args:
        output: the last node of the list.
        cut: nodes other than ``output`` whose inputs are not followed.

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
    """The gradient g ∂output/∂input for each of ``inputs``, by reverse mode.

    The nodes are taken in reverse topological order. The gradient of a node v is the sum over the
    nodes w made from it, g_v = Σ_w g_w ∂w/∂v, and is therefore complete when the turn of v comes.

    Args:
        output: the node to differentiate.
        inputs: nodes; where ``output`` does not depend on one, its gradient is 0.
        seed: g, of the output's shape; by default 1.
        cut: nodes treated as leaves: no gradient goes on to their inputs.

    Returns:
        A node of the shape and type of each input.

    Raises:
        ShapeError: the seed has another shape than the output.

    Example:
        >>> from chainrule.autodiff import variable
        >>> x = variable(3.0)
        >>> backpropagate(x * x + x, [x])[0].value
        array(7.)
    """
    if seed is None:
        seed = Node(np.ones_like(output.value))
    if seed.shape != output.shape:
        raise ShapeError(
            f"what is multiplied by a Jacobian from the left has the output's shape "
            f"{output.shape}, found {seed.shape}"
        )
    ends = set(cut) - {output}
    order = topological(output, ends)
    needed = _depending_on(order, inputs)
    terms: dict[Node, list[Node]] = {output: [seed]}
    requested = set(inputs)
    gradients: dict[Node, Node] = {}
    for node in reversed(order):
        if node not in needed or node not in terms:
            continue
        g = total(terms.pop(node))
        if node in requested:
            gradients[node] = g
        if node not in ends:
            for k, source in enumerate(node.inputs):
                if source in needed:
                    terms.setdefault(source, []).append(pull_back(node, k, g))
    return [gradients[n] if n in gradients else Node(np.zeros_like(n.value)) for n in inputs]


def _depending_on(order: Iterable[Node], inputs: Sequence[Node]) -> set[Node]:
    """``inputs`` and the nodes that depend on any of them: only these need a gradient."""
    needed = set(inputs)
    for node in order:
        if any(source in needed for source in node.inputs):
            needed.add(node)
    return needed


def total(terms: Sequence[Node]) -> Node:
    """The sum of the gradients that reach one node by several paths."""
    g = terms[0]
    for term in terms[1:]:
        g = g + term
    return g


def pull_back(node: Node, k: int, g: Node) -> Node:
    """The gradient g ∂node/∂input by input number ``k``, in the input's shape."""
    assert node.operation is not None, "only an operation has inputs"
    source = node.inputs[k]
    result = node.operation.pullback(k)(g, node, *node.inputs)
    if node.operation.elementwise and result.shape != source.shape:
        result = apply("sum_to", result, shape=source.shape)
    if result.dtype != source.dtype and result.dtype.kind == source.dtype.kind:
        result = apply("astype", result, dtype=source.dtype)
    return result


# Derivatives of functions


def gradient(function: Callable[..., Any], *arguments: Any) -> Any:
    """The gradient ∇f = ∂f/∂x of a function with a single number as its value.

    Args:
        function: f.
        arguments: the arguments of f; arrays, numbers or nodes.

    Returns:
        An array of the argument's shape and type; a tuple of them for several arguments.

    Raises:
        ShapeError: the value is not a single number.

    Example:
        >>> gradient(lambda x: (x ** 3).sum(), [1.0, 2.0])
        array([ 3., 12.])
        >>> gradient(lambda x, y: x * y, 3.0, 5.0)
        (array(5.), array(3.))

        The gradient of a gradient:

        >>> gradient(lambda x: gradient(lambda u: u ** 3, x), 2.0)
        array(12.)
    """
    points = tuple(_point(a) for a in arguments)
    value = _value(function, *points)
    if value.size != 1:
        raise ShapeError(
            f"a gradient is of a function with a single number as its value, found the shape "
            f"{value.shape}; sum it up, or use jacobian or vjp"
        )
    found = tuple(_given(g, arguments) for g in backpropagate(value, points))
    return found[0] if len(found) == 1 else found


def vjp(function: Callable[..., Any], x: Any, g: Any) -> Any:
    """The product g J with J = ∂f/∂x at x, of the shape of x: one backward pass.

    (g J)_i = Σ_j g_j ∂f_j/∂x_i, for g of the shape of f(x).

    Raises:
        ShapeError: g has another shape.

    Example:
        >>> vjp(lambda x: x ** 2, [1.0, 2.0], [10.0, 100.0])
        array([ 20., 400.])
    """
    point = _point(x)
    value = _value(function, point)
    return _given(backpropagate(value, [point], _weights(g, value))[0], (x, g))


def jvp(function: Callable[..., Any], x: Any, v: Any) -> Any:
    """The product J v with J = ∂f/∂x at x, of the shape of f(x): the derivative of f along v.

    (J v)_j = Σ_i ∂f_j/∂x_i v_i, for v of the shape of x. It is found by differentiating the
    backward pass: g J is linear in g, and its derivative with respect to g is Jᵀ.

    Raises:
        ShapeError: v has another shape.

    Example:
        >>> jvp(lambda x: x ** 2, [1.0, 2.0], [10.0, 100.0])
        array([ 20., 400.])
    """
    point = _point(x)
    value = _value(function, point)
    g = Node(np.zeros_like(value.value))
    product = backpropagate(value, [point], g)[0]
    return _given(backpropagate(product, [g], _weights(v, point))[0], (x, v))


def jacobian(function: Callable[..., Any], x: Any) -> Any:
    """The Jacobian J[j, i] = ∂f_j/∂x_i at x; its axes are those of f(x), then those of x.

    It takes one backward pass for each number of f(x).

    Example:
        >>> jacobian(lambda x: x[0] * x, [2.0, 3.0])
        array([[4., 0.],
               [3., 2.]])
    """
    point = _point(x)
    value = _value(function, point)
    shape = (*value.shape, *point.shape)
    if not value.size:
        return _given(Node(np.zeros(shape, dtype=point.dtype)), (x,))
    rows = [row.reshape((-1,)) for row in jacobian_rows(value, point)]
    return _given(apply("concatenate", *rows, axis=0).reshape(shape), (x,))


def jacobian_rows(output: Node, source: Node, cut: Collection[Node] = ()) -> Iterator[Node]:
    """The gradient of each number of ``output``, of the shape of ``source``."""
    for j in range(output.size):
        g = np.zeros_like(output.value)
        g.flat[j] = 1
        yield backpropagate(output, [source], Node(g), cut)[0]


def hessian(function: Callable[..., Any], x: Any) -> Any:
    """The Hessian H[i, k] = ∂²f / ∂x_i ∂x_k at x, the Jacobian of the gradient.

    Raises:
        ShapeError: the value of f is not a single number.

    Example:
        >>> hessian(lambda x: x[0] ** 2 * x[1], [1.0, 3.0])
        array([[6., 2.],
               [2., 0.]])
    """
    return jacobian(lambda point: gradient(function, point), x)


def _point(x: Any) -> Node:
    """A new node with the value of x; other uses of x do not enter this derivative."""
    return apply("identity", x) if isinstance(x, Node) else variable(x)


def _value(function: Callable[..., Any], *points: Node) -> Node:
    value = function(*points)
    return value if isinstance(value, Node) else constant(value, points[0])


def _weights(g: Any, like: Node) -> Node:
    weights = g if isinstance(g, Node) else constant(g, like)
    if weights.shape != like.shape:
        raise ShapeError(f"the vector has to have the shape {like.shape}, found {weights.shape}")
    return weights


def _given(result: Node, given: tuple[Any, ...]) -> Any:
    """The result as a node where a node was given, else as an array."""
    return result if any(isinstance(x, Node) for x in given) else result.value

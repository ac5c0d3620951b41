"""A graph's two passes, a step a node: what tables and pictures of it show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.autodiff.formulas import digits, formula
from chainrule.autodiff.node import Node
from chainrule.autodiff.walk import backpropagate, topological
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError

MOST = 16
"""A local Jacobian of more numbers than this is not written out."""

_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Term:
    """One edge: what a child gives a node's gradient, g_child ∂child/∂node.

    Attributes:
        child: the step of the node that was made from this one.
        local: ∂child/∂node, the other inputs held fixed: a number, the diagonal of an
            elementwise operation, or the whole Jacobian; None where that is larger than `MOST`.
        value: the product, of the node's shape.
    """

    child: Step
    local: Array | None
    value: Array


@dataclass(eq=False)
class Step:
    """One node in both passes.

    Attributes:
        node: the node.
        name: its own, or u₁, u₂, ... in order of the forward pass.
        formula: of the nodes shown; empty for variables and constants.
        inputs: the steps of the nodes in the formula.
        gradient: ∂output/∂node, of the node's shape.
        terms: one for each child; the gradient is their sum.
    """

    node: Node
    name: str
    formula: str
    inputs: tuple[Step, ...] = ()
    terms: tuple[Term, ...] = field(default=(), repr=False)
    gradient: Array = field(default_factory=lambda: np.zeros(()), repr=False)


def steps(output: Node, *, named_only: bool = False) -> list[Step]:
    """The nodes of a graph in order of the forward pass, each with its gradient and its terms.

    Args:
        output: a single number.
        named_only: show the nodes with names alone, and what lies between them as one formula
            each, as lecture notes do.

    Raises:
        ShapeError: the output is not a single number.

    Example:
        >>> from chainrule.autodiff import sin, variable
        >>> x = variable(0.0, "x")
        >>> for step in steps((sin(x) + x * x).named("y")):
        ...     print(step.name, "=", step.formula or step.node.value, "→", step.gradient)
        x = 0.0 → 1.0
        u₁ = sin(x) → 1.0
        u₂ = x · x → 1.0
        y = u₁ + u₂ → 1.0
    """
    if output.size != 1:
        raise ShapeError(
            f"gradients are of a single number, found {output.name or 'a node'} {output.shape}"
        )
    names = _names(output, named_only)
    made: dict[Node, Step] = {}
    sources = {node: _sources(node, names) for node in names}
    for node in names:
        text = formula(node, names) if node.operation else ""
        made[node] = Step(node, names[node], text, tuple(made[s] for s in sources[node]))
    return _with_gradients(output, made, sources)


def _names(output: Node, named_only: bool) -> dict[Node, str]:
    """The nodes shown, in order, each with its name."""
    order = topological(output)
    names: dict[Node, str] = {}
    count = 0
    for node in order:
        if node.name:
            names[node] = node.name
        elif node is output or (node.operation is not None and not named_only):
            count += 1
            names[node] = f"u{str(count).translate(_LOWERED)}"
    return names


def _sources(node: Node, shown: dict[Node, str]) -> list[Node]:
    """The shown nodes that ``node`` is directly made from, in order of its formula."""
    held = set(shown) - {node}
    return [n for n in topological(node, held) if n in held]


def _with_gradients(
    output: Node, made: dict[Node, Step], sources: dict[Node, list[Node]]
) -> list[Step]:
    """The backward pass over the nodes shown: every step, complete."""
    gradients: dict[Node, Array] = {output: np.ones_like(output.value)}
    terms: dict[Node, list[Term]] = {node: [] for node in made}
    for node in reversed(list(made)):
        g = gradients.get(node, np.zeros_like(node.value))
        step = made[node]
        step.gradient, step.terms = g, tuple(reversed(terms[node]))
        for source, local, value in _edges(node, sources[node], g):
            terms[source].append(Term(step, local, value))
            gradients[source] = gradients[source] + value if source in gradients else value
    return list(made.values())


def _edges(
    node: Node, sources: Sequence[Node], g: Array
) -> Iterator[tuple[Node, Array | None, Array]]:
    """Each source of ``node`` with the local derivative and its product with g."""
    if not sources:
        return
    products = backpropagate(node, sources, Node(g), cut=sources)
    for source, product in zip(sources, products, strict=True):
        yield source, local_derivative(node, source, sources), product.value


def local_derivative(node: Node, source: Node, held: Sequence[Node]) -> Array | None:
    """∂node/∂source with the other nodes ``held`` fixed; see `Term`.

    Args:
        node: what is differentiated.
        source: by what.
        held: nodes that count as independent, ``source`` among them.
    """
    if node.size * source.size > MOST**2 or node.size > MOST:
        return None
    rows = []
    for j in range(node.size):
        unit = np.zeros_like(node.value)
        unit.reshape(-1)[j] = 1
        rows.append(backpropagate(node, [source], Node(unit), cut=held)[0].value.reshape(-1))
    J = np.array(rows)
    if node.shape == source.shape and not np.any(J - np.diag(np.diag(J))):
        return np.diag(J).reshape(node.shape)
    return J if J.size <= MOST else None


def shown(values: Array | None, significant: int = 4) -> str:
    """An array for reading: a number, a few of them, or shape and range.

    Example:
        >>> shown(np.array(0.25)), shown(np.array([[1.0, -2.0], [0.5, 3.0]]))
        ('0.25', '[1 −2; 0.5 3]')
        >>> shown(np.arange(12.0).reshape(3, 4))
        '3×4: 0 … 11'
    """
    if values is None:
        return "Jacobian"
    values = np.asarray(values)
    if values.size == 1:
        return digits(values.reshape(-1)[0].item(), significant)
    if values.ndim > 2 or values.size not in range(1, 7):
        sizes = "×".join(map(str, values.shape))
        ends = (values.min(), values.max()) if values.size else (0.0, 0.0)
        return f"{sizes}: {' … '.join(digits(float(end), significant) for end in ends)}"
    rows = [" ".join(digits(x.item(), significant) for x in row) for row in np.atleast_2d(values)]
    return f"[{'; '.join(rows)}]"

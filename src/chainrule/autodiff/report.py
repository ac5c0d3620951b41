"""What tables and pictures of a graph show: formulas, and both passes, a step a node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.autodiff.differentiate import backpropagate, topological
from chainrule.autodiff.node import CALL, POWER, Node, Operation
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError, printable

if TYPE_CHECKING:
    from rich.table import Table

LONGEST = 160
"""Formulas are cut at so many characters."""

MOST = 16
"""A local Jacobian of more numbers than this is not written out."""

_RAISED = str.maketrans("0123456789−-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


# A node's formula, as lecture notes write it, in the names of the nodes it was made from


def formula(node: Node, names: Mapping[Node, str] | None = None) -> str:
    """What ``node`` is computed as.

    Args:
        node: any node.
        names: of nodes that are written by a name; by default of those that have one.

    Example:
        >>> from chainrule.autodiff import sin, variable
        >>> x, y = variable(2.0, "x"), variable(3.0, "y")
        >>> formula((x + y) * sin(x) ** 2 / (x * y))
        '(x + y) · sin(x)² / (x · y)'
    """
    if names is None:
        names = {n: n.name for n in topological(node) if n.name}
    others = {n: name for n, name in names.items() if n is not node}
    written: dict[Node, tuple[str, int]] = {}
    for part in topological(node, others):
        written[part] = (others[part], CALL) if part in others else _written(part, written)
    return written[node][0]


def _written(node: Node, inputs: Mapping[Node, tuple[str, int]]) -> tuple[str, int]:
    """The formula of one operation, and how strongly it binds."""
    operation = node.operation
    if operation is None:
        return node.name or number(node), CALL
    if operation.name == "power" and node.inputs[1].operation is None and not node.inputs[1].name:
        return _raised(inputs[node.inputs[0]], number(node.inputs[1])), POWER
    texts = [_bracketed(inputs[n], operation, k) for k, n in enumerate(node.inputs)]
    options = {key: _option(value) for key, value in node.options.items()}
    text = operation.formula.format(*texts, all=", ".join(texts), **options)
    return cut(text), operation.binding


def _bracketed(part: tuple[str, int], operation: Operation, k: int) -> str:
    """A part's formula, in brackets where it binds too weakly."""
    text, binding = part
    if operation.binding == CALL and operation.name not in {"sqrt", "getitem"}:
        return text
    # a − (b − c) and a / (b / c) need theirs as well.
    loose = operation.name in {"subtract", "divide"} and k == 1
    weak = binding < operation.binding or (loose and binding == operation.binding)
    signed = k > 0 and text.startswith("−")
    return f"({text})" if weak or signed else text


def _raised(base: tuple[str, int], exponent: str) -> str:
    text = f"({base[0]})" if base[1] <= POWER or base[0].startswith("−") else base[0]
    raised = exponent.translate(_RAISED)
    return cut(text + (raised if set(exponent) <= set("0123456789−") else f"^{exponent}"))


def _option(value: Any) -> str:
    parts = value if isinstance(value, tuple) else (value,)
    return ", ".join(_index(part) for part in parts)


def _index(part: Any) -> str:
    if isinstance(part, slice):
        ends = ("" if end is None else str(end) for end in (part.start, part.stop))
        return ":".join(ends) + ("" if part.step is None else f":{part.step}")
    if part is Ellipsis:
        return "…"
    return str(part) if isinstance(part, int | type(None)) else "·"


def cut(text: str, limit: int = LONGEST) -> str:
    """``text``, its middle left out where it is too long."""
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"


def number(node: Node) -> str:
    """A constant: its number, or the shape of its array."""
    if node.size != 1:
        return f"array{node.shape}"
    return digits(node.value.reshape(-1)[0])


def digits(x: Any, significant: int = 6) -> str:
    """A number for reading, with a true minus sign.

    Example:
        >>> digits(-0.1234567), digits(2.0), digits(1e-9)
        ('−0.123457', '2', '1e−9')
    """
    if isinstance(x, complex):
        return f"{x:.{significant}g}".replace("-", "−")
    mantissa, _, exponent = f"{x:.{significant}g}".partition("e")
    text = f"{mantissa}e{int(exponent)}" if exponent else mantissa
    return text.replace("-", "−")


# Both passes, a step a node


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
    """∂node/∂source, as in `Term`; the nodes ``held``, ``source`` among them, are independent."""
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


# The table


def graph_table(output: Node, *, named_only: bool = False) -> Table:
    """Both passes over a graph: value, local derivatives, gradient, and what it is the sum of.

    The last column has, for every child c that was made from the node, the gradient of c times
    the local derivative ∂c/∂node; the gradient is the sum of these.

    Args:
        output: a single number, such as a loss J.
        named_only: see `steps`.

    Returns:
        A table to be printed with Rich; `print_graph` prints it.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    found = steps(output, named_only=named_only)
    result = printable(found[-1].name)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("node", "formula"):
        table.add_column(heading, overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("∂node/∂input", overflow="fold")
    # As Text, because brackets in a name are no markup.
    table.add_column(Text(f"∂{result}/∂node"), justify="right", style="bold")
    sums = f"= Σ over children c: ∂{result}/∂c · ∂c/∂node [c]"
    table.add_column(Text(sums), overflow="fold")
    for step in found:
        table.add_row(*(Text(printable(cell)) for cell in row(step)))
    return table


def row(step: Step) -> tuple[str, ...]:
    """The words of one line, a column each.

    Example:
        >>> from chainrule.autodiff import variable
        >>> x, w = variable(2.0, "x"), variable(3.0, "w")
        >>> for step in steps((w * x * x).named("J"), named_only=True):
        ...     print(" | ".join(row(step)))
        w |  | 3 |  | 4 | 1 · 4 [J]
        x |  | 2 |  | 12 | 1 · 12 [J]
        J | w · x · x | 12 | w: 4, x: 12 | 1 | 1
    """
    return (
        step.name,
        step.formula,
        shown(step.node.value),
        ", ".join(f"{source.name}: {shown(_local(source, step))}" for source in step.inputs),
        shown(step.gradient),
        " + ".join(_product(term) for term in step.terms) or "1",
    )


def print_graph(output: Node, *, named_only: bool = False, width: int | None = None) -> None:
    """Print `graph_table`.

    Args:
        output: a single number.
        named_only: see `steps`.
        width: of the screen, in characters; by default the terminal's.
    """
    from rich.console import Console

    Console(width=width, highlight=False).print(graph_table(output, named_only=named_only))


def _local(source: Step, step: Step) -> Array | None:
    return next(term.local for term in source.terms if term.child is step)


def _product(term: Term) -> str:
    """g_child · local as numbers, and the child; the product alone where it is no number."""
    if term.value.size == 1 and term.child.node.size == 1 and term.local is not None:
        second = shown(term.local)
        factor = f"({second})" if second.startswith("−") else second
        return f"{shown(term.child.gradient)} · {factor} [{term.child.name}]"
    return f"{shown(term.value)} [{term.child.name}]"

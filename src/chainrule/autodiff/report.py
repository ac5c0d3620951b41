"""The content of tables and pictures of a graph: formulas, values and gradients of its nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.autodiff.differentiate import backpropagate, jacobian_rows, topological
from chainrule.autodiff.node import CALL, POWER, Node, Operation
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError, printable
from chainrule.core.notation import subscript

if TYPE_CHECKING:
    from rich.table import Table

LONGEST = 160
"""The most characters of a formula; the middle of a longer one is left out."""

MOST = 16
"""The most numbers of a local Jacobian that is shown in full."""

_RAISED = str.maketrans("0123456789−-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


# Formulas as in lecture notes, written with the names of nodes


def formula(node: Node, names: Mapping[Node, str] | None = None) -> str:
    """The formula by which ``node`` is computed.

    Args:
        node: any node.
        names: the nodes that are written as a name; by default those that have one.

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
    """The formula of one operation, and its precedence."""
    operation = node.operation
    if operation is None:
        return node.name or _number(node), CALL
    if operation.name == "power" and node.inputs[1].operation is None and not node.inputs[1].name:
        return _raised(inputs[node.inputs[0]], _number(node.inputs[1])), POWER
    texts = [_bracketed(inputs[n], operation, k) for k, n in enumerate(node.inputs)]
    options = {key: _option(value) for key, value in node.options.items()}
    text = operation.formula.format(*texts, all=", ".join(texts), **options)
    return _cut(text), operation.binding


def _bracketed(part: tuple[str, int], operation: Operation, k: int) -> str:
    """The formula of input number ``k``, in brackets where its precedence is too low."""
    text, binding = part
    if operation.binding == CALL and operation.name not in {"sqrt", "getitem"}:
        return text
    # A right operand of equal precedence is in brackets too: a − (b − c), a / (b / c).
    loose = operation.name in {"subtract", "divide"} and k == 1
    weak = binding < operation.binding or (loose and binding == operation.binding)
    signed = k > 0 and text.startswith("−")
    return f"({text})" if weak or signed else text


def _raised(base: tuple[str, int], exponent: str) -> str:
    text = f"({base[0]})" if base[1] <= POWER or base[0].startswith("−") else base[0]
    raised = exponent.translate(_RAISED)
    return _cut(text + (raised if set(exponent) <= set("0123456789−") else f"^{exponent}"))


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


def _cut(text: str) -> str:
    """``text`` without its middle where it is too long."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"


def _number(node: Node) -> str:
    """The number of a constant, or the shape of its array."""
    return digits(node.value.flat[0]) if node.size == 1 else f"array{node.shape}"


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


# Forward and backward pass, a step for each node


@dataclass(frozen=True)
class Term:
    """The part g_child ∂child/∂node of a node's gradient that comes from one child.

    Attributes:
        child: the step of a node that was made from this one.
        local: ∂child/∂node with the other inputs held fixed: a number, the diagonal of an
            elementwise operation, or the whole Jacobian; None where that is larger than `MOST`.
        value: the product, of the node's shape.
    """

    child: Step
    local: Array | None
    value: Array


@dataclass(eq=False)
class Step:
    """One node in the forward and the backward pass.

    Attributes:
        node: the node.
        name: its own name, or u₁, u₂, ... in order of the forward pass.
        formula: in the names of the nodes shown; empty for variables and constants.
        inputs: the steps of the nodes in the formula.
        terms: one for each child; the gradient is their sum.
        gradient: ∂output/∂node, of the node's shape.
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
        named_only: show only nodes with names, as lecture notes do; the formula of each then
            includes the operations of the unnamed nodes before it.

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
    for node, name in names.items():
        shown_before = set(names) - {node}
        sources = [made[n] for n in topological(node, shown_before) if n in shown_before]
        made[node] = Step(node, name, formula(node, names) if node.operation else "", (*sources,))
    _add_gradients(list(made.values()))
    return list(made.values())


def _names(output: Node, named_only: bool) -> dict[Node, str]:
    """The nodes shown, in order, each with its name."""
    names: dict[Node, str] = {}
    count = 0
    for node in topological(output):
        if node.name:
            names[node] = node.name
        elif node is output or (node.operation is not None and not named_only):
            count += 1
            names[node] = f"u{subscript(count)}"
    return names


def _add_gradients(found: Sequence[Step]) -> None:
    """Fill in gradients and terms by a backward pass; the last step is the output."""
    found[-1].gradient = np.ones_like(found[-1].node.value)
    for step in reversed(found):
        cut = [source.node for source in step.inputs]
        products = backpropagate(step.node, cut, Node(step.gradient), cut) if cut else []
        for source, product in zip(step.inputs, products, strict=True):
            term = Term(step, _local_derivative(step.node, source.node, cut), product.value)
            source.gradient = source.gradient + term.value if source.terms else term.value
            source.terms = (term, *source.terms)


def _local_derivative(node: Node, source: Node, cut: Sequence[Node]) -> Array | None:
    """∂node/∂source, as in `Term`, with all nodes in ``cut`` as independent variables."""
    if node.size * source.size > MOST**2 or node.size > MOST:
        return None
    J = np.array([row.value.reshape(-1) for row in jacobian_rows(node, source, cut)])
    if node.shape == source.shape and not np.any(J - np.diag(np.diag(J))):
        return np.diag(J).reshape(node.shape)
    return J if J.size <= MOST else None


def shown(values: Array | None, significant: int = 4) -> str:
    """A short text for an array: up to six numbers, or the shape and range of a larger one.

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
    """A table of a graph's nodes: value, local derivatives, gradient, and the gradient's terms.

    For every child c that was made from the node, the last column has the gradient of c times the
    local derivative ∂c/∂node. The gradient is the sum of these terms.

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
    # As Text, so that brackets in a name are not read as Rich's markup.
    table.add_column(Text(f"∂{result}/∂node"), justify="right", style="bold")
    sums = f"= Σ over children c: ∂{result}/∂c · ∂c/∂node [c]"
    table.add_column(Text(sums), overflow="fold")
    for step in found:
        table.add_row(*(Text(printable(cell)) for cell in _row(step)))
    return table


def _row(step: Step) -> tuple[str, ...]:
    """The cells of one row."""
    derivatives = ((s, next(t.local for t in s.terms if t.child is step)) for s in step.inputs)
    return (
        step.name,
        step.formula,
        shown(step.node.value),
        ", ".join(f"{source.name}: {shown(local)}" for source, local in derivatives),
        shown(step.gradient),
        " + ".join(_product(term) for term in step.terms) or "1",
    )


def print_graph(output: Node, *, named_only: bool = False, width: int | None = None) -> None:
    """Print `graph_table`.

    Args:
        output: a single number.
        named_only: see `steps`.
        width: the number of characters in a line; by default the terminal's.
    """
    from rich.console import Console

    Console(width=width, highlight=False).print(graph_table(output, named_only=named_only))


def _product(term: Term) -> str:
    """The child's name with g_child · local in numbers, or their product where it is an array."""
    if term.value.size == 1 and term.child.node.size == 1 and term.local is not None:
        second = shown(term.local)
        factor = f"({second})" if second.startswith("−") else second
        return f"{shown(term.child.gradient)} · {factor} [{term.child.name}]"
    return f"{shown(term.value)} [{term.child.name}]"

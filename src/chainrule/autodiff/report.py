"""A graph as a table, a line a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.autodiff.node import Node
from chainrule.autodiff.steps import Step, Term, shown, steps
from chainrule.core.arrays import Array
from chainrule.core.errors import printable

if TYPE_CHECKING:
    from rich.table import Table


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

"""A node's formula, as lecture notes write it, in the names of the nodes it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule.autodiff.node import CALL, POWER

if TYPE_CHECKING:
    from chainrule.autodiff.node import Node, Operation

LONGEST = 160
"""Formulas are cut at so many characters."""

_RAISED = str.maketrans("0123456789−-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


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
    from chainrule.autodiff.walk import topological

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

"""Brackets of a rule that are forgotten or set around too much, as changes of a part of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """Another text for a part of a rule.

    Attributes:
        kind: a word, such as ``left_out``.
        text: what stands there.
        says: what is wrong, with ``{line}`` for the line: ``the factor a is missing in {line}``.
        often: how likely it is, compared with others.
    """

    kind: str
    text: str
    says: str
    often: float = 1.0


def one_over_n(a: str, b: str) -> Iterator[Change]:
    """A difference of which one term alone is averaged over the cases."""
    for first, second, which in ((f"({a})", f"N * ({b})", a), (f"N * ({a})", f"({b})", b)):
        says = f"{which} alone is divided by N, not {a} − {b} together, in {{line}}"
        yield Change("brackets", f"{first} - {second}", says, 0.8)


def one_term(node: ast.BinOp, sign: str) -> Iterator[Change]:
    """A factor or divisor of a sum that one of its terms alone has: brackets forgotten."""
    terms = node.left
    if not isinstance(terms, ast.BinOp) or not isinstance(terms.op, ast.Add | ast.Sub):
        return
    a, b, c = map(ast.unparse, (terms.left, terms.right, node.right))
    between = "+" if isinstance(terms.op, ast.Add) else "-"
    words = "divided by" if sign == "/" else "multiplied by"
    first, second = (
        f"({a}) {sign} ({c}) {between} ({b})",
        f"({a}) {between} ({b}) {sign} ({c})",
    )
    yield Change("brackets", first, f"{a} alone is {words} {c} in {{line}}")
    yield Change("brackets", second, f"{b} alone is {words} {c} in {{line}}")


def open_brackets(node: ast.BinOp, sign: str) -> Iterator[Change]:
    """A product with a sum on its right, whose brackets are forgotten: ``a * 1 - a``.

    Example:
        >>> [change.text for change in open_brackets(ast.parse("a * (1 - a)").body[0].value, "*")]
        ['(a) * (1) - (a)']
    """
    terms = node.right
    if not isinstance(terms, ast.BinOp) or not isinstance(terms.op, ast.Add | ast.Sub):
        return
    a, b, c = map(ast.unparse, (node.left, terms.left, terms.right))
    between = "+" if isinstance(terms.op, ast.Add) else "-"
    says = f"the brackets around {b} {between} {c} are missing in {{line}}"
    yield Change("brackets", f"({a}) {sign} ({b}) {between} ({c})", says, 0.8)


def square_of_all(node: ast.BinOp) -> Iterator[Change]:
    """A difference with a power, of which the power is taken of all: ``(1 - a)**2``.

    Example:
        >>> [change.text for change in square_of_all(ast.parse("1 - a**2").body[0].value)]
        ['(1 - (a)) ** (2)']
    """
    for is_left, term in ((True, node.left), (False, node.right)):
        if isinstance(term, ast.BinOp) and isinstance(term.op, ast.Pow):
            base, power = ast.unparse(term.left), ast.unparse(term.right)
            a, b = ast.unparse(node.left), ast.unparse(node.right)
            inner = f"({base}) - ({b})" if is_left else f"{a} - ({base})"
            says = f"the power {power} is taken of all of {a} − {b} in {{line}}"
            yield Change("brackets", f"({inner}) ** ({power})", says, 0.7)

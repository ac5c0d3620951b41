"""Expressions as pieces between which a line may be broken, in one of several notations.

The order of operations and the parentheses are the same in plain text and in LaTeX; only the
signs differ, which a `Notation` knows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainrule.explain.expressions import (
    Constant,
    Expression,
    Fraction,
    Function,
    Leaf,
    Name,
    Negative,
    Number,
    Others,
    Power,
    Product,
    Ratio,
    Sum,
    Variable,
)
from chainrule.explain.numbers import shown

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
"""How tightly a formula holds together; a looser one within a tighter one needs parentheses."""


@dataclass(frozen=True)
class Piece:
    """A part of a written formula that no line break divides.

    Attributes:
        text: what is written.
        width: about how many characters wide it is.
        depth: how many parentheses stand around the place before it, where a line may be broken.
    """

    text: str
    width: int
    depth: int = 0


Pieces = list[Piece]


class Notation(ABC):
    """How the parts of a formula are written.

    Attributes:
        digits: how many digits a number has; None to write variables by their names.
        widest_fraction: how wide a fraction may be to be written one above the other; a wider
            one is written a / b.
    """

    times: str
    minus: str
    widest_fraction: int

    def __init__(self, digits: int | None = None) -> None:
        self.digits = digits
        self.by_name = digits is None

    @abstractmethod
    def name(self, name: Name | Ratio) -> str:
        """A variable's name."""

    @abstractmethod
    def number(self, value: float, digits: int) -> str:
        """A number of at least 0."""

    def negative(self, number: str) -> str:
        """A number below 0, given its absolute value as it is written."""
        return self.minus + number

    @abstractmethod
    def others(self, one: Others, number: str) -> Sequence[str]:
        """The number, … in a rule, and the words behind it."""

    @abstractmethod
    def power(self, base: str, exponent: int) -> str:
        """The base, in parentheses where it needs them, to a power."""

    @abstractmethod
    def applied(self, function: str, arguments: Sequence[Pieces]) -> Pieces:
        """A function of its arguments."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """A fraction with one above the other."""

    def width(self, text: str) -> int:
        """About how wide the text is."""
        return len(text)


def pieces(one: Expression, notation: Notation) -> Pieces:
    """The formula in a notation, as pieces between which it may be broken."""
    return _Writer(notation).write(one)


class _Writer:
    """Writes expressions in one notation."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation

    def write(self, one: Expression) -> Pieces:
        """The pieces of an expression."""
        if isinstance(one, Others):
            number = "…" if self.notation.by_name else self._value(one)
            return [self._piece(text) for text in self.notation.others(one, number)]
        if isinstance(one, Leaf):
            return [self._piece(self._leaf(one))]
        if isinstance(one, Negative):
            return self._negative(one)
        if isinstance(one, Sum):
            return self._sum(one)
        if isinstance(one, Product):
            return self._product(one)
        if isinstance(one, Fraction):
            return self._fraction(one)
        if isinstance(one, Power):
            *base, last = self._within(one.base, ATOM)
            raised = self.notation.power(last.text, one.exponent)
            return [*base, replace(last, text=raised, width=last.width + 1)]
        assert isinstance(one, Function), f"an expression of a known kind, found {one!r}"
        return self.notation.applied(one.function, [self.write(a) for a in one.arguments])

    def _piece(self, text: str) -> Piece:
        return Piece(text, self.notation.width(text))

    def _joined(self, written: Pieces) -> str:
        return "".join(piece.text for piece in written)

    def _leaf(self, leaf: Leaf) -> str:
        if isinstance(leaf, Constant):
            return leaf.sign
        if isinstance(leaf, Variable) and self.notation.by_name:
            return self.notation.name(leaf.name)
        return self._value(leaf)

    def _value(self, leaf: Leaf) -> str:
        # The 2 of 2 (y − t) has all its digits in every line.
        digits = 17 if isinstance(leaf, Number) or self.notation.digits is None else None
        text = self.notation.number(abs(leaf.value), digits or self.notation.digits or 17)
        return self.notation.negative(text) if self._is_negative(leaf) else text

    def _is_negative(self, one: Expression) -> bool:
        """Whether it is written with a minus sign in front."""
        if isinstance(one, Negative):
            return True
        if isinstance(one, Variable | Others) and self.notation.by_name:
            return False
        return isinstance(one, Leaf) and one.value < 0

    def _tightness(self, one: Expression) -> int:
        if isinstance(one, Sum) or self._is_negative(one) or isinstance(one, Others):
            return SUM
        if isinstance(one, Fraction) and self._is_stacked(one):
            return POWER
        if isinstance(one, Product | Fraction):
            return PRODUCT
        if isinstance(one, Function) and one.function == "exp":
            return POWER
        if self.notation.by_name and isinstance(one, Variable):
            has_layer = isinstance(one.name, Ratio) or one.name.layer is not None
            return POWER if has_layer else ATOM  # (∂L/∂z)² and (a⁽¹⁾₁)², but t₁²
        if isinstance(one, Leaf) and not isinstance(one, Constant) and not self._is_plain(one):
            return PRODUCT  # 1.2 · 10⁻⁵
        return POWER if isinstance(one, Power) else ATOM

    def _is_plain(self, leaf: Leaf) -> bool:
        """Whether it is a name, or a number without a power of ten."""
        if isinstance(leaf, Variable) and self.notation.by_name:
            return True
        return "e" not in shown(leaf.value, self.notation.digits or 17)

    def _within(self, one: Expression, least: int) -> Pieces:
        """The expression, in parentheses if it holds together less tightly than ``least``."""
        written = self.write(one)
        return written if self._tightness(one) >= least else _parenthesised(written)

    def _negative(self, one: Negative) -> Pieces:
        return _prefixed(self.notation.minus, self._within(one.inner, PRODUCT))

    def _sum(self, one: Sum) -> Pieces:
        first, *rest = one.terms
        written = self.write(first)
        for term in rest:
            inner = term.inner if isinstance(term, Negative) else term
            is_minus = isinstance(term, Negative)
            if not is_minus and isinstance(inner, Leaf) and self._is_negative(inner):
                inner, is_minus = replace(inner, value=-inner.value), True
            sign = self.notation.minus if is_minus else "+"
            written += _prefixed(f" {sign} ", self._term(inner))
        return written

    def _term(self, one: Expression) -> Pieces:
        """A term behind a sign."""
        if isinstance(one, Product):
            return self._product(one, bare=False)
        return self.write(one) if isinstance(one, Others) else self._within(one, PRODUCT)

    def _product(self, one: Product, *, bare: bool = True) -> Pieces:
        """A product; ``bare``: a minus sign of the first factor needs no parentheses."""
        first, *rest = one.factors
        is_bare = bare and isinstance(first, Leaf)
        written = self.write(first) if is_bare else self._within(first, PRODUCT)
        for factor in rest:
            least = PRODUCT if isinstance(factor, Fraction) else POWER
            written += _prefixed(self.notation.times, self._within(factor, least))
        return written

    def _is_stacked(self, one: Fraction) -> bool:
        """Whether a fraction is written one above the other."""
        return self._width(one) <= self.notation.widest_fraction

    def _width(self, one: Fraction) -> int:
        return max(self.notation.width(self._joined(self.write(part))) for part in one.parts())

    def _fraction(self, one: Fraction) -> Pieces:
        if self._is_stacked(one):
            above, below = (self._joined(self.write(part)) for part in one.parts())
            return [Piece(self.notation.fraction(above, below), self._width(one))]
        is_tight = all(isinstance(part, Number) for part in one.parts())
        below_line = self._within(one.denominator, POWER)
        numerator = self._within(one.numerator, PRODUCT)
        return numerator + _prefixed("/" if is_tight else " / ", below_line)


def _prefixed(sign: str, written: Pieces) -> Pieces:
    first, *rest = written
    return [Piece(sign + first.text, first.width + min(len(sign), 3)), *rest]


def _parenthesised(written: Pieces) -> Pieces:
    first, *rest = written
    deeper = [first, *(replace(piece, depth=piece.depth + 1) for piece in rest)]
    deeper[0] = replace(first, text=f"({first.text}", width=first.width + 1)
    last = deeper[-1]
    deeper[-1] = replace(last, text=f"{last.text})", width=last.width + 1)
    return deeper


def terms(written: Pieces, depth: int | None = None) -> list[Pieces]:
    """The pieces in groups, each of which begins with a plus or a minus: the terms of a sum.

    Args:
        written: from `pieces`.
        depth: in how many parentheses the sum may stand; None for the outermost sum.
    """
    signs = [piece.depth for piece in written[1:] if _is_term(piece)]
    most = min(signs, default=0) if depth is None else depth
    found: list[Pieces] = [written[:1]]
    for piece in written[1:]:
        if _is_term(piece) and piece.depth <= most:
            found.append([])
        found[-1].append(piece)
    return found


def _is_term(piece: Piece) -> bool:
    return piece.text.startswith((" + ", " − ", " - "))


def lines(written: Pieces, width: int, *, used: int = 0, deepest: int = 99) -> list[str]:
    """The pieces as lines of at most ``width``, broken before a sign.

    A sum is broken between its terms; a term alone only if it is longer than a line, and then
    between the terms of a sum in parentheses, or before any sign.

    Args:
        written: from `pieces`.
        width: the most characters of a line; a single longer piece has a line of its own.
        used: how much of the first line is taken already.
        deepest: the most parentheses around a break.
    """
    found, left = [""], width - used

    def put(group: Pieces, depth: int) -> None:
        nonlocal left
        whole = sum(piece.width for piece in group)
        may_break = left < width and group[0].depth <= deepest
        if whole <= left or len(group) == 1 or depth > deepest:
            if whole > left and may_break:
                found.append("")
                left = width
            text = "".join(piece.text for piece in group)
            found[-1] += text if found[-1] else text.lstrip(" ")
            left -= whole
        elif whole <= width and may_break and _is_term(group[0]):
            found.append("")
            left = width
            put(group, depth)
        else:
            inner = terms(group, depth)
            last = depth > max(piece.depth for piece in group)
            for part in inner if len(inner) > 1 or not last else ([piece] for piece in group):
                put(part, depth + 1)

    put(written, 0)
    return found

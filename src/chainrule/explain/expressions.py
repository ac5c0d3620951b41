"""A small tree of mathematical expressions: what stands on the right of an equals sign.

A formula is built once, of variables that know their value. Read with the variables' names it is
the rule; read with their values it is the rule with the numbers put in; evaluated it is the
result. `chainrule.explain.text` and `chainrule.explain.latex` write the tree.

    x = Variable(Name("x", at=(1,)), 0.05)
    w = Variable(Name("W", 1, (1, 1)), 0.15)
    x * w                       # x₁ · W⁽¹⁾₁₁, and 0.05 · 0.15
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cosh, erfc, exp, inf, log, pi, sqrt, tanh

Read = Callable[[float], float]
"""What is put in for a number when an expression is evaluated, such as the number rounded to the
digits in which it is printed."""


class Expression(ABC):
    """A formula of numbers and variables, made by ``+``, ``-``, ``*``, ``/``, ``**`` as well."""

    @abstractmethod
    def parts(self) -> Sequence[Expression]:
        """What it is made of; empty for a number or a variable."""

    @abstractmethod
    def evaluate(self, read: Read = float) -> float:
        """Its value, when each number is first passed through ``read``."""

    def leaves(self) -> Iterator[Expression]:
        """Its numbers and variables, in the order in which they are written."""
        if not self.parts():
            yield self
        for part in self.parts():
            yield from part.leaves()

    def __add__(self, other: Expression | float) -> Expression:
        return Sum((*_terms(self), *_terms(of(other))))

    def __sub__(self, other: Expression | float) -> Expression:
        return Sum((*_terms(self), Negative(of(other))))

    def __rsub__(self, other: float) -> Expression:
        return of(other) - self

    def __radd__(self, other: float) -> Expression:
        return of(other) + self

    def __mul__(self, other: Expression | float) -> Expression:
        return Product((*_factors(self), *_factors(of(other))))

    def __rmul__(self, other: float) -> Expression:
        return of(other) * self

    def __truediv__(self, other: Expression | float) -> Expression:
        return Fraction(self, of(other))

    def __rtruediv__(self, other: float) -> Expression:
        return of(other) / self

    def __pow__(self, exponent: int) -> Expression:
        return Power(self, exponent)

    def __neg__(self) -> Expression:
        return Negative(self)


def of(value: Expression | float) -> Expression:
    """The expression itself, or a number as an expression."""
    return value if isinstance(value, Expression) else Number(float(value))


def _terms(one: Expression) -> tuple[Expression, ...]:
    return one.terms if isinstance(one, Sum) else (one,)


def _factors(one: Expression) -> tuple[Expression, ...]:
    return one.factors if isinstance(one, Product) else (one,)


# Names


@dataclass(frozen=True)
class Name:
    """The name of one number, such as z⁽¹⁾₂: the second z of layer 1.

    Attributes:
        letter: such as ``x``, ``W`` or ``δ``.
        layer: the number of its layer, counted from 1; None for what belongs to no layer.
        at: its place in its array, counted from 1; empty for a single number.
        where: what stands in parentheses behind it: a remark such as ``step 3``, or the name
            of the number that it belongs to.
    """

    letter: str
    layer: int | None = None
    at: tuple[int, ...] = ()
    where: str | Name | Ratio = ""

    @property
    def needs_commas(self) -> bool:
        """Whether its indices are to be separated: of an image, or above 9."""
        return len(self.at) > 2 or any(k > 9 for k in self.at)


@dataclass(frozen=True)
class Ratio:
    """The name of a partial derivative ∂of/∂by.

    Attributes:
        of: what changes.
        by: what is moved.
    """

    of: Name
    by: Name


LOSS = Name("L")
"""The name of the loss."""


def by(name: Name) -> Ratio:
    """The name of ∂L/∂name."""
    return Ratio(LOSS, name)


# Leaves


@dataclass(frozen=True)
class Leaf(Expression):
    """A number or a variable."""

    value: float

    def parts(self) -> Sequence[Expression]:
        """None."""
        return ()

    def evaluate(self, read: Read = float) -> float:
        """Its value, read."""
        return read(self.value)


@dataclass(frozen=True)
class Number(Leaf):
    """A number that the rule itself holds, such as the 2 of 2 (y − t); it is never rounded."""

    def evaluate(self, read: Read = float) -> float:
        """Its value."""
        return self.value


@dataclass(frozen=True)
class Constant(Leaf):
    """A number with a sign of its own, such as π, which is never rounded.

    Attributes:
        sign: the sign.
    """

    sign: str = "π"

    def evaluate(self, read: Read = float) -> float:
        """Its value."""
        return self.value


PI = Constant(pi)
"""The number π."""


@dataclass(frozen=True)
class Variable(Leaf):
    """A number with a name.

    Attributes:
        name: how the rule writes it.
    """

    name: Name | Ratio


MOST_COUNTED = 10**15
"""Terms that are not written out are counted up to this number."""


@dataclass(frozen=True)
class Others(Leaf):
    """The sum of the terms that are not written out.

    Attributes:
        count: how many there are.
        of: what they are, in the plural, such as ``terms``.
    """

    count: int
    of: str = "terms"

    @property
    def words(self) -> str:
        """What is written behind the number, such as ``the other 780 terms``."""
        if self.count >= MOST_COUNTED:
            return f"the other {self.of}, more than {MOST_COUNTED:,} of them"
        if self.count == 1:
            return f"the other {self.of.removesuffix('s')}"
        return f"the other {self.count:,} {self.of}"


# What is made of others


@dataclass(frozen=True)
class Negative(Expression):
    """−x."""

    inner: Expression

    def parts(self) -> Sequence[Expression]:
        """The inner expression."""
        return (self.inner,)

    def evaluate(self, read: Read = float) -> float:
        """−x."""
        return -self.inner.evaluate(read)


@dataclass(frozen=True)
class Sum(Expression):
    """The terms, added up from the first to the last."""

    terms: tuple[Expression, ...]

    def parts(self) -> Sequence[Expression]:
        """The terms."""
        return self.terms

    def evaluate(self, read: Read = float) -> float:
        """The sum."""
        return sum(term.evaluate(read) for term in self.terms)


@dataclass(frozen=True)
class Product(Expression):
    """The factors, multiplied from the first to the last."""

    factors: tuple[Expression, ...]

    def parts(self) -> Sequence[Expression]:
        """The factors."""
        return self.factors

    def evaluate(self, read: Read = float) -> float:
        """The product."""
        found = 1.0
        for factor in self.factors:
            found *= factor.evaluate(read)
        return found


@dataclass(frozen=True)
class Fraction(Expression):
    """The numerator over the denominator."""

    numerator: Expression
    denominator: Expression

    def parts(self) -> Sequence[Expression]:
        """Numerator and denominator."""
        return (self.numerator, self.denominator)

    def evaluate(self, read: Read = float) -> float:
        """The quotient; NaN or infinite where the denominator is 0."""
        above, below = self.numerator.evaluate(read), self.denominator.evaluate(read)
        if below == 0:
            return above * inf
        return above / below


@dataclass(frozen=True)
class Power(Expression):
    """The base to a whole power, such as the square."""

    base: Expression
    exponent: int

    def parts(self) -> Sequence[Expression]:
        """The base."""
        return (self.base,)

    def evaluate(self, read: Read = float) -> float:
        """The power."""
        found, base = 1.0, self.base.evaluate(read)
        for _ in range(self.exponent):
            found *= base
        return found


@dataclass(frozen=True)
class Function(Expression):
    """A function of `FUNCTIONS` of one or several arguments.

    Attributes:
        function: its name in the table.
        arguments: what it is applied to.
    """

    function: str
    arguments: tuple[Expression, ...]

    def parts(self) -> Sequence[Expression]:
        """The arguments."""
        return self.arguments

    def evaluate(self, read: Read = float) -> float:
        """Its value; infinite where it overflows."""
        try:
            return FUNCTIONS[self.function](*(one.evaluate(read) for one in self.arguments))
        except OverflowError:
            return inf
        except ValueError:  # the logarithm of 0
            return -inf


def _sigmoid(z: float) -> float:
    return 1 / (1 + exp(-z)) if z >= 0 else exp(z) / (1 + exp(z))


FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "exp": exp,
    "ln": log,
    "sqrt": sqrt,
    "tanh": tanh,
    "cosh": cosh,
    "abs": abs,
    "max": max,
    "min": min,
    "σ": _sigmoid,
    "Φ": lambda z: 0.5 * erfc(-z / sqrt(2)),
    "sign": lambda w: float((w > 0) - (w < 0)),
}
"""The functions that a formula may use: e^x, ln, √, |x|, the sigmoid σ, Φ of the normal
distribution, and others."""


def function(name: str, *arguments: Expression | float) -> Expression:
    """The function of `FUNCTIONS` applied to the arguments."""
    return Function(name, tuple(map(of, arguments)))


MOST_WHOLE = 10
"""A sum of no more terms is written whole: a filter of 3 × 3 with its bias is."""

MOST_TERMS = 6
"""The terms that are written out of a longer sum."""


def shortened(
    terms: Iterable[Expression], keep: Callable[[int], bool] = bool, what: str = "terms"
) -> Expression:
    """The sum of the terms; of many, those that matter and the others as one number.

    Of more than `MOST_WHOLE` the largest are written out, `MOST_TERMS` in all, and those that
    ``keep`` asks for.

    Args:
        terms: in the order in which they are written.
        keep: whether a term must be written out, by its index; by default no term must.
        what: what the terms are, in the plural.

    Example:
        >>> dozen = shortened([Number(float(k)) for k in range(12)], what="numbers")
        >>> [term.value for term in dozen.terms], dozen.terms[-1].words
        ([6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 15.0], 'the other 6 numbers')
    """
    every = list(terms)
    return sum_of([term.evaluate() for term in every], every.__getitem__, keep, what)


def sum_of(
    values: Sequence[float],
    term: Callable[[int], Expression],
    keep: Callable[[int], bool] = bool,
    what: str = "terms",
) -> Expression:
    """The same of terms of which only those that are written out are made, as of a million.

    Args:
        values: of all terms.
        term: from an index to its term.
        keep: see `shortened`.
        what: see `shortened`.
    """
    count = len(values)
    if count <= MOST_WHOLE:
        return Sum(tuple(map(term, range(count)))) if count > 1 else term(0)
    wanted = keep if keep is not bool else (lambda _: False)
    order = sorted(range(count), key=lambda k: (not wanted(k), -abs(values[k])))
    chosen = sorted(order[:MOST_TERMS])
    rest = sum(values[k] for k in sorted(order[MOST_TERMS:]))
    return Sum((*map(term, chosen), Others(rest, count - len(chosen), what)))

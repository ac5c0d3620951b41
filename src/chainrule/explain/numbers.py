"""How many digits a line shows, so that whoever computes it again finds the printed result."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.explain.expressions import Expression

DIGITS = 9
"""How many significant digits are shown unless something else is asked for."""

EXACT = 17
"""With this many digits a number in double precision is written exactly."""


def shown(value: float, digits: int) -> str:
    """The number with so many significant digits, without trailing zeros.

    Example:
        >>> shown(0.1, 9), shown(1 / 3, 3), shown(-1e-7, 9), shown(-0.0, 9), shown(0.9, 17)
        ('0.1', '0.333', '-1e-07', '0', '0.9')
    """
    exact = repr(float(value) + 0.0)  # the fewest digits from which the number is read again
    return exact.removesuffix(".0") if digits >= EXACT else f"{value + 0.0:.{digits}g}"


def rounded(value: float, digits: int) -> float:
    """The number that is read where ``value`` is shown with so many digits."""
    return float(shown(value, digits))


@dataclass(frozen=True)
class Fit:
    """How a line is printed.

    Attributes:
        formula: the formula whose numbers are put in.
        operands: the digits of the numbers that are put in.
        result: the digits of the result.
        exact: whether the printed numbers give the printed result; otherwise it is what remains
            of large numbers that cancel, and not one of its digits can be found from them.
    """

    formula: Expression
    operands: int
    result: int
    exact: bool = True


def fit(formulas: Sequence[Expression], value: float, digits: int = DIGITS) -> Fit:
    """The fewest digits of the operands with which a formula gives ``value``, to ``digits``.

    If a formula gives it with no number of digits, the next one is tried. If none does, the
    result has fewer digits: those that do follow from the printed numbers.

    Args:
        formulas: equal formulas, the most instructive first.
        value: what the library computed.
        digits: the digits of the result.

    Example:
        A difference of nearly equal numbers needs more digits than its result has.

        >>> from chainrule.explain.expressions import Name, Variable
        >>> y, t = Variable(1 / 3, Name("y")), Variable(0.333333, Name("t"))
        >>> found = fit([y - t], y.value - t.value, 4)
        >>> found.operands, found.result
        (12, 4)
    """
    for result in range(digits, 0, -1):
        for formula in formulas:
            for operands in _more(digits):
                if _gives(formula, value, operands, result):
                    return Fit(formula, operands, result)
    return Fit(formulas[0], EXACT, digits, exact=False)


def _more(digits: int) -> Iterator[int]:
    """The numbers of digits that are tried: a few more, and at last as many as there are."""
    yield from range(digits, min(digits + 4, EXACT))
    yield from (more for more in (12, 15, EXACT) if more > digits + 3 or more == EXACT)


def _gives(formula: Expression, value: float, operands: int, result: int) -> bool:
    """Whether the formula, of numbers of so many digits, has the value, to so many digits."""
    found = formula.evaluate(lambda number: rounded(number, operands))
    if not isfinite(found):
        return False
    return shown(found, result) == shown(value, result)

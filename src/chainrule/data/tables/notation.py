"""How numbers are written: their decimal mark, and what separates their thousands."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from chainrule.core.errors import shown

_GROUPED = re.compile(r"[+-]?\d{1,3}([,.' \u00a0\u202f])\d{3}(\1\d{3})*", re.ASCII)


class Notation(NamedTuple):
    """How the numbers of a table are written.

    Attributes:
        decimal: the decimal mark, ``.`` or ``,``.
        thousands: the mark between groups of three digits, or None.
    """

    decimal: str = "."
    thousands: str | None = None

    def number(self, cell: str) -> float | None:
        """The finite number that a cell holds, or None.

        Groups of digits count only where all of them, but the first, have three digits.

        Example:
            >>> [Notation().number(cell) for cell in ("-1.5e3", "1_000", "inf", "٣", "1,5")]
            [-1500.0, None, None, None, None]
            >>> [Notation(",", ".").number(cell) for cell in ("1.234,5", "1.23", "1234,5")]
            [1234.5, None, 1234.5]
        """
        if not _pattern(self).fullmatch(cell):
            return None
        plain = cell
        if self.thousands is not None:
            for mark in _spellings(self.thousands):
                plain = plain.replace(mark, "")
        number = float(plain.replace(self.decimal, "."))
        return number if math.isfinite(number) else None

    def pythons(self, cells: Sequence[str]) -> Sequence[str] | None:
        """The cells as Python's ``float`` reads them; None if that needs a closer look at each."""
        if self == Notation():
            return cells
        text = "\n".join(cells)
        if self.thousands is not None and any(m in text for m in _spellings(self.thousands)):
            return None
        if self.decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".")
        plain = text.split("\n")
        return plain if len(plain) == len(cells) else None


PLAIN = Notation()
"""As Python writes numbers."""


def _spellings(thousands: str) -> str:
    """The characters that a thousands separator may be: a blank may be one that does not break."""
    return {" ": " \u00a0\u202f", "'": "'\u2019"}.get(thousands, thousands)


@cache
def _pattern(notation: Notation) -> re.Pattern[str]:
    point = re.escape(notation.decimal)
    whole = r"\d+"
    if notation.thousands is not None:
        mark = f"[{re.escape(_spellings(notation.thousands))}]"
        whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)"
    return re.compile(rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell is a number with a comma that cannot separate thousands.

    Example:
        >>> [has_decimal_comma(cell) for cell in ("2,5", "0,125", "1,907", "2.5", "1,2,3")]
        [True, True, False, False, False]
    """
    if "," not in cell or Notation(",").number(cell) is None:
        return False
    return _GROUPED.fullmatch(cell) is None or cell.lstrip("+-").startswith("0")


def wrong_number(cell: str, used: Notation = PLAIN) -> str:
    """What is wrong with a cell where a number is expected, and which key settles it.

    Args:
        cell: the text.
        used: how the numbers of the table are written; by default as Python writes them.

    Example:
        >>> print(wrong_number("1,907"))
        expected a number, found '1,907'; write thousands: "," if the comma separates thousands,
        decimal: "," if it is the decimal mark
        >>> print(wrong_number("2,5"))
        expected a number, found '2,5'; if that is a decimal comma, write decimal: ","
    """
    if _pattern(used).fullmatch(cell) and used.number(cell) is None:
        return f"{cell[:40]} is too large for a float64 number"
    if used.number(cell) is not None:
        other = "point" if used.decimal == "." else "comma"
        return (
            f"found {shown(cell, 40)}, whose {other} is not the other numbers' decimal mark; if "
            f'it separates thousands, write thousands: "{used.decimal}"'
        )
    return f"expected a number, found {shown(cell, 40)}{_advice(cell, used)}"


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number with a decimal point and without groups of digits."""
    return Notation().number(cell) is not None


def may_be_number(cell: str, used: Notation = PLAIN) -> bool:
    """Whether a cell would be a number in another notation, as ``1,907`` and ``2,5`` would.

    Args:
        cell: the text.
        used: how the numbers of the table are written; by default as Python writes them.

    Example:
        >>> [may_be_number(cell) for cell in ("1,907", "2,5", "2.5", "Oslo")]
        [True, True, False, False]
    """
    return used.number(cell) is None and _advice(cell, used) != ""


def notation_advice(cells: Sequence[str]) -> str:
    """The keys by which all cells of a column are numbers, if no other notation reads them all.

    Example:
        >>> print(notation_advice(["1.234,50", "17,00"]))
        decimal: "," and thousands: "."
        >>> notation_advice(["1,907", "2,001"]), notation_advice(["1,907", "2.5", "x"])
        ('', '')
    """
    marks = ((",", None), (".", ","), (",", "."), (".", "'"), (",", " "), (".", " "))
    fit = [Notation(*pair) for pair in marks]
    for cell in cells:
        fit = [notation for notation in fit if notation.number(cell) is not None]
        if not fit:
            return ""
    if any(len({notation.number(cell) for notation in fit}) > 1 for cell in cells):
        return ""
    decimal, thousands = min(fit, key=lambda notation: notation.thousands is not None)
    keys = [f'decimal: "{decimal}"'] * (decimal != ".")
    return " and ".join([*keys, *[f'thousands: "{thousands}"'] * (thousands is not None)])


def _advice(cell: str, used: Notation) -> str:
    """The key by which a cell would be a number, for the end of a message; or nothing."""
    grouped = _GROUPED.fullmatch(cell)
    if grouped and grouped[1] != used.decimal:
        mark = grouped[1] if grouped[1] in ",.'" else " "
        advice = f'; write thousands: "{mark}" if the {_NAMED[mark]} separates thousands'
        is_decimal = Notation(mark).number(cell) is not None if mark in ",." else False
        return advice + (f', decimal: "{mark}" if it is the decimal mark' * is_decimal)
    for decimal, thousands in ((",", None), (".", None), (",", "."), (".", ",")):
        if Notation(decimal, thousands).number(cell) is not None:
            if decimal != used.decimal and thousands is None:
                return f'; if that is a decimal {_NAMED[decimal]}, write decimal: "{decimal}"'
            keys = f'thousands: "{thousands}"'
            if decimal != used.decimal:
                keys = f'decimal: "{decimal}" and {keys}'
            return f"; if that is {Notation(decimal, thousands).number(cell)!r}, write {keys}"
    return ""


_NAMED = {",": "comma", ".": "point", "'": "apostrophe", " ": "blank"}

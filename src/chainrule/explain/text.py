"""Explanations as plain text, of any width from 40 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from chainrule.core.errors import printable
from chainrule.explain.blocks import Block, Given, Matrix, Section, Sentence, Step
from chainrule.explain.expressions import Expression, Name, Others, Ratio, by
from chainrule.explain.naming import name_text, number_text, text_width, upper
from chainrule.explain.writing import Notation, Piece, Pieces, lines, pieces

NARROWEST = 40
"""The fewest columns that the text is written for."""

WORDS, FORMULAS = 2, 4
"""By how many columns sentences and formulas are indented."""


class Plain(Notation):
    """Plain text with Unicode's small letters for indices."""

    times = " · "
    minus = "−"
    widest_fraction = 0

    def width(self, text: str) -> int:
        """See `text_width`."""
        return text_width(text)

    def name(self, name: Name | Ratio) -> str:
        """See `name_text`."""
        return name_text(name)

    def number(self, value: float, digits: int) -> str:
        """See `number_text`."""
        return number_text(value, digits)

    def others(self, one: Others, number: str) -> Sequence[str]:
        """Such as ``0.0123 (the other 780 terms)``."""
        return (number, *(f" {word}" for word in f"({one.words})".split()))

    def power(self, base: str, exponent: int) -> str:
        """Such as ``x²``."""
        return base + upper(exponent)

    def applied(self, function: str, arguments: Sequence[Pieces]) -> Pieces:
        """Such as ``e^(x)``, ``√(x)``, ``|x|`` or ``tanh(x)``."""
        before, after = {"exp": ("e^(", ")"), "sqrt": ("√(", ")"), "abs": ("|", "|")}.get(
            function, (f"{function}(", ")")
        )
        inner = [Piece(p.text, p.width, p.depth + 1) for p in arguments[0]]
        for argument in arguments[1:]:
            first, *rest = argument
            last = inner[-1]
            inner[-1] = Piece(f"{last.text},", last.width + 1, last.depth)
            inner += [Piece(f" {first.text}", first.width + 1, first.depth + 1), *rest]
        inner[0] = Piece(before + inner[0].text, inner[0].width + len(before), inner[0].depth)
        inner[-1] = Piece(inner[-1].text + after, inner[-1].width + len(after), inner[-1].depth)
        return inner

    def fraction(self, above: str, below: str) -> str:
        """Not used: a fraction is written in one line."""
        return f"({above}) / ({below})"


def formula_text(one: Expression, digits: int | None = None) -> str:
    """A formula in one line: by the names of its variables, or with numbers of so many digits.

    Example:
        >>> from chainrule.explain.expressions import Name, Variable
        >>> x, w = Variable(0.05, Name("x", at=(1,))), Variable(-0.15, Name("W", 1, (1, 1)))
        >>> formula_text(x * w + 1), formula_text(x * w + 1, 9)
        ('x₁ · W⁽¹⁾₁₁ + 1', '0.05 · (−0.15) + 1')
    """
    return "".join(piece.text for piece in pieces(one, Plain(digits)))


def as_text(title: str, sections: Sequence[Section], width: int, digits: int) -> str:
    """The sections as text of at most ``width`` columns, at least `NARROWEST`."""
    width = max(NARROWEST, width)
    found = [*_wrapped(title, width, 0), "═" * min(width, len(title))]
    for section in sections:
        found += _section(section, width, digits)
    return printable("\n".join(found)) + "\n"


_TOGETHER = re.compile(
    r" = (1 / )?"  # x = 0.5
    r"|\(case \d+\)"
    r"|([ay] )?\([^() ] − [^() ]\)"  # (y − t), and y (1 − y)
    r"|(\S+ / )?\(1 \+ e"  # 1 / (1 + e^(−z))
)
"""What a sentence keeps on one line."""


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    space = " " * indent
    together = _TOGETHER.sub(lambda found: found[0].replace(" ", "\u00a0"), text)
    found = textwrap.wrap(
        together, width, initial_indent=space, subsequent_indent=space, break_on_hyphens=False
    )
    return [line.replace("\u00a0", " ") for line in found]


def _section(section: Section, width: int, digits: int) -> Iterator[str]:
    yield ""
    title = _wrapped(section.title, width, 0 if section.level == 1 else WORDS)
    if section.level == 1:
        yield ""
    yield from title
    if section.level == 1:
        yield "─" * max(map(len, title))
    for block in section.blocks:
        yield ""
        yield from _block(block, width, digits)


def _block(block: Block, width: int, digits: int) -> Iterator[str]:
    if isinstance(block, Given):
        block = block.sentence(digits)
    if isinstance(block, Sentence):
        yield from _wrapped(block.text, width, WORDS)
        return
    if block.why:
        yield from _wrapped(block.why, width, WORDS)
    if isinstance(block, Matrix):
        yield from _matrix(block, width, digits)
    else:
        yield from _step(block, width, digits)


def _step(step: Step, width: int, digits: int) -> Iterator[str]:
    found = step.fit(digits)
    name = name_text(step.result.name)
    own = text_width(name)
    indent = FORMULAS + (own if own <= width // 5 else 2) + 1
    sides = [pieces(rule, Plain()) for rule in step.shown_rules(digits)]
    if found.formula.parts() or found.operands != found.result:
        sides.append(pieces(found.formula, Plain(found.operands)))
    sign = "←" if step.becomes else "="
    head = " " * FORMULAS + f"{name} {sign} "
    for k, side in enumerate(sides):
        used = text_width(head) - indent - 2 if k == 0 else 0
        first, *more = lines(side, width - indent - 2, used=used)
        yield (head if k == 0 else " " * indent + "= ") + first
        yield from (" " * (indent + 2) + line for line in more)
    equals = "=" if found.exact else "≈"
    yield " " * indent + f"{equals} {number_text(step.result.value, found.result)}"


def _matrix(matrix: Matrix, width: int, digits: int) -> Iterator[str]:
    rows, columns = matrix.kept
    cells = [[number_text(float(matrix.cells[r, c]), digits) for c in columns] for r in rows]
    name = name_text(by(matrix.name) if matrix.gradient else matrix.name)
    height, breadth = matrix.cells.shape
    size = f"{height} × {breadth}" if matrix.values.ndim > 1 else counted(breadth)
    kept = len(rows) * len(columns)
    note = f", {kept} of them shown" if kept < height * breadth else ""
    yield from _wrapped(f"{name}, {size}{note}:", width, FORMULAS)
    yield from _grid(matrix, cells, width)


def counted(numbers: int) -> str:
    """Such as ``2 numbers``."""
    return f"{numbers:,} number{'s' * (numbers != 1)}"


def _grid(matrix: Matrix, cells: list[list[str]], width: int) -> Iterator[str]:
    """The cells below their column numbers, in as many blocks of columns as the width needs."""
    rows, columns = matrix.kept
    has_rows = matrix.values.ndim > 1
    label = max(len(str(r + 1)) for r in rows) if has_rows else 0
    texts = [*(cell for row in cells for cell in row), *(str(c + 1) for c in columns)]
    each = max(map(len, texts)) + 2
    fitting = max(1, (width - FORMULAS - label) // each)
    for start in range(0, len(columns), fitting):
        part = slice(start, start + fitting)
        heads = "".join(f"{c + 1:>{each}}" for c in columns[part])
        yield " " * (FORMULAS + label) + heads
        for r, row in zip(rows, cells, strict=True):
            front = str(r + 1).rjust(label) if has_rows else ""
            yield " " * FORMULAS + front + "".join(f"{cell:>{each}}" for cell in row[part])

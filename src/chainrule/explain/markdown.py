"""Explanations as Markdown that GitHub shows, with formulas in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chainrule.core.errors import printable
from chainrule.explain.blocks import Block, Given, Matrix, Section, Sentence, Step
from chainrule.explain.expressions import by
from chainrule.explain.latex import Latex, name_latex
from chainrule.explain.naming import number_text, with_names
from chainrule.explain.writing import Pieces, lines, pieces

WIDTH = 76
"""About how many letters wide a formula may be before it is broken."""


def as_markdown(title: str, sections: Sequence[Section], digits: int) -> str:
    """The sections as Markdown."""
    found = [f"# {_plain(title)}"]
    for section in sections:
        found.append(f"{'#' * (section.level + 1)} {_plain(section.title)}")
        for block in section.blocks:
            found += _block(block, digits)
    return printable("\n\n".join(found)) + "\n"


def _plain(text: str) -> str:
    """Text in which no character has a meaning for Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$&])", r"\\\1", text)


def _sentence(text: str) -> str:
    return with_names(text, _plain, lambda name: f"$`{name_latex(name, inline=True)}`$")


def _block(block: Block, digits: int) -> Iterator[str]:
    if isinstance(block, Given):
        block = block.sentence(digits)
    if isinstance(block, Sentence):
        yield _sentence(block.text)
        return
    if block.why:
        yield _sentence(block.why)
    yield _matrix(block, digits) if isinstance(block, Matrix) else _step(block, digits)


def _step(step: Step, digits: int) -> str:
    rows = []
    for k, (sign, side) in enumerate(sides_of(step, digits)):
        name = name_latex(step.result.name) + " " if k == 0 else ""
        first, *more = lines(side, WIDTH, deepest=0)
        rows.append(f"{name}&{sign} {first}")
        rows += [rf"&\quad {{}} {line}" for line in more]
    inner = " \\\\\n".join(rows)
    return f"```math\n\\begin{{aligned}}\n{inner}\n\\end{{aligned}}\n```"


def sides_of(step: Step, digits: int) -> Iterator[tuple[str, Pieces]]:
    """What stands behind each sign: the rules, the last one with numbers, and the result."""
    found = step.fit(digits)
    for k, rule in enumerate(step.shown_rules(digits)):
        sign = r"\leftarrow" if step.becomes and k == 0 else "="
        yield sign, pieces(rule, Latex())
    if found.formula.parts() or found.operands != found.result:
        yield "=", pieces(found.formula, Latex(found.operands))
    sign = "=" if found.exact else r"\approx"
    yield sign, pieces(step.result, Latex(found.result))


def _matrix(matrix: Matrix, digits: int) -> str:
    rows, columns = matrix.kept
    name = name_latex(by(matrix.name) if matrix.gradient else matrix.name)
    head = [f"$`{name}`$", *(str(c + 1) for c in columns)]
    lines = [head, ["---:"] * len(head)]
    for r in rows:
        label = str(r + 1) if matrix.values.ndim > 1 else ""
        lines.append([label, *(number_text(float(matrix.cells[r, c]), digits) for c in columns)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

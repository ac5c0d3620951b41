"""The page of one student: each part, what was found, and what shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isclose
from textwrap import dedent

from chainrule.marking.assignments.assignment import Assignment
from chainrule.marking.classes.classroom import Excerpt, Kept
from chainrule.marking.classes.reports.page import STATUS, page, points, text
from chainrule.marking.result import Demonstration, PartResult, Shown

HINTS = ("To see it: ", "A hint: ", "A choice of yours ")
"""Paragraphs that begin so are set apart: they say where to look, or what is no fault."""

HIDDEN = "The inputs and numbers that this part was marked with are not shown."

_NAME = re.compile(r"\(([A-Za-z]\w*)\)")


def student_page(assignment: Assignment, kept: Kept) -> str:
    """The page of a student, which holds nothing of any other.

    Args:
        assignment: what was asked for.
        kept: what was found about the submission.
    """
    return page(f"{assignment.title}: {kept.marked.student}", _body(assignment, kept))


def _body(assignment: Assignment, kept: Kept) -> Iterator[str]:
    marked = kept.marked
    yield f"<h1>{text(marked.student)}</h1>"
    yield f'<p class="of">{text(assignment.title)}</p>'
    yield (
        f'<p class="total">{points(marked.earned)} '
        f"<small>of {points(marked.credit)} points</small></p>"
    )
    if len(marked.parts) > 1:
        yield _overview(marked.parts)
    for note in kept.notes:
        yield f'<p class="note">{text(_sentence(note))}</p>'
    same = {part.lines for part in marked.parts}
    if len(same) == 1 and len(marked.parts) > 1 and marked.earned == 0:
        yield f"<section>{''.join(_paragraphs(marked.parts[0]))}</section>"
        return
    hidden = {part.name for part in assignment.parts if part.is_hidden}
    said: set[str] = set()
    shown: set[tuple[str, int]] = set()
    for k, part in enumerate(marked.parts):
        of_part = (one for one in kept.excerpts if one.part == part.name)
        excerpt = next((one for one in of_part if (one.file, one.line) not in shown), None)
        yield from _part(k, _without(part, said), excerpt, is_hidden=part.name in hidden)
        said.update(part.lines)
        shown.update((one.file, one.line) for one in (excerpt,) if one is not None)


def _without(part: PartResult, said: set[str]) -> PartResult:
    """A part that follows from an earlier one, without what was said and shown there."""
    if part.status != "charged before":
        return part
    lines = tuple(line for line in part.lines if line not in said)
    return replace(part, lines=lines, demonstration=None)


def _overview(parts: Sequence[PartResult]) -> str:
    """All parts in a few lines."""
    rows = "".join(
        f'<li><span class="{_kind(part)}" aria-hidden="true">{STATUS[part.status][0]}</span> '
        f'<a href="#part-{k + 1}">{text(part.title)}</a> '
        f'<span class="got">{points(part.earned)} of {points(part.credit)}</span></li>'
        for k, part in enumerate(parts)
    )
    return f'<ul class="overview">{rows}</ul>'


def _kind(part: PartResult) -> str:
    return part.status.replace(" ", "-")


def _sentence(words: str) -> str:
    """Words with the stop of a sentence."""
    return words if words.endswith((".", "?", "!", ":")) else f"{words}."


def _part(k: int, part: PartResult, excerpt: Excerpt | None, *, is_hidden: bool) -> Iterator[str]:
    sign, words = STATUS[part.status]
    yield f'<section id="part-{k + 1}"><div class="head"><h2>{text(part.title)}</h2>'
    yield f'<span class="got">{points(part.earned)} of {points(part.credit)}</span></div>'
    yield f'<p class="status {_kind(part)}">{sign} {words}</p>'
    yield from _paragraphs(part)
    if excerpt is not None:
        yield _code(excerpt)
    if part.demonstration is not None:
        yield from _demonstration(part.demonstration)
    if is_hidden:
        yield f'<p class="note">{HIDDEN}</p>'
    yield "</section>"


def _paragraphs(part: PartResult) -> Iterator[str]:
    """What was found; hints are set apart, and so are lines to run."""
    told = part.status == "right"  # the first line says so again
    for line in part.lines[told:]:
        first, _, code = line.partition("\n")
        kind = ' class="hint"' if first.startswith(HINTS) else ""
        yield f"<p{kind}>{_titled(first, part)}</p>"
        if code:
            yield f'<pre tabindex="0">{text(code)}</pre>'


def _titled(line: str, part: PartResult) -> str:
    """A paragraph for HTML; where it begins with the title of what was found, that stands out."""
    for _, title in part.titles:
        if title and line.casefold().startswith(f"{title}.".casefold()):
            end = len(title) + 1
            return f"<strong>{_marked_names(line[:end])}</strong>{_marked_names(line[end:])}"
    return _marked_names(line)


def _marked_names(line: str) -> str:
    """The line for HTML, with names of arrays in brackets as code."""
    return _NAME.sub(r"(<code>\1</code>)", text(line))


def _code(excerpt: Excerpt) -> str:
    """A few lines of the student's own file, with the one that is meant marked."""
    rows = []
    for k, line in enumerate(dedent("\n".join(excerpt.lines)).split("\n")):
        number = excerpt.first + k
        row = f"{number:>4}  {text(line)}"
        rows.append(f"<b>{row}</b>" if number == excerpt.line else row)
    name = f"{text(excerpt.file)}, line {excerpt.line}"
    return f'<p class="note">{name}</p><pre tabindex="0">{chr(10).join(rows)}</pre>'


def _demonstration(shown: Demonstration) -> Iterator[str]:
    """A small input, what code with the bug gives for it, and what is right."""
    yield f"<h3>{text(shown.title)}</h3>"
    if shown.given:
        given = "".join(_matrix(one, one.name) for one in shown.given)
        yield f'<div class="matrices">{given}</div>'
    found = _matrix(shown.found, f"{shown.found.name} with the bug", shown.expected)
    expected = _matrix(shown.expected, f"{shown.expected.name}, right")
    yield f'<div class="matrices">{found}{expected}</div>'


def _matrix(shown: Shown, caption: str, beside: Shown | None = None) -> str:
    """An array in brackets; numbers that differ from those of another are marked."""
    rows = []
    for j, row in enumerate(shown.rows):
        cells = []
        for k, value in enumerate(row):
            off = beside is not None and not _is_same(value, beside, j, k)
            cells.append(f"<td{' class=off' if off else ''}>{_number(value)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    if not rows:
        rows.append("<tr><td class=off>nothing</td></tr>")
    return (
        f"<figure><figcaption>{text(caption)}</figcaption>"
        f'<table class="matrix">{"".join(rows)}</table></figure>'
    )


def _is_same(value: float, beside: Shown, j: int, k: int) -> bool:
    if j >= len(beside.rows) or k >= len(beside.rows[j]):
        return False
    other = beside.rows[j][k]
    both_none = value != value and other != other
    return both_none or isclose(value, other, rel_tol=1e-6, abs_tol=1e-12)


def _number(value: float) -> str:
    """A number in few digits, with a true minus."""
    return f"{round(value, 12) + 0.0:.4g}".replace("-", "−")

"""The page of one student: each part, what was found, and what shows it."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.assignment import Assignment
from chainrule.marking.classroom import Kept
from chainrule.marking.reports.page import STATUS, page, points, text
from chainrule.marking.result import PartResult


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
    for note in kept.notes:
        yield f'<p class="note">{text(note)}</p>'
    for part in marked.parts:
        yield from _part(part)


def _part(part: PartResult) -> Iterator[str]:
    sign, words = STATUS[part.status]
    kind = part.status.replace(" ", "-")
    yield f'<section><div class="head"><h2>{text(part.title)}</h2>'
    yield f'<span class="got">{points(part.earned)} of {points(part.credit)}</span></div>'
    yield f'<p class="status {kind}">{sign} {words}</p>'
    for k, line in enumerate(part.lines):
        yield f"<p{' class=what' if k == 0 and part.status == 'wrong' else ''}>{text(line)}</p>"
    yield "</section>"

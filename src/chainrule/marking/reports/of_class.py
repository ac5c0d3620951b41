"""The page of a class: how many points, which parts, which bugs how often, and who has what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median
from urllib.parse import quote

from chainrule.core.notation import counted
from chainrule.marking.assignment import Assignment
from chainrule.marking.classroom import Class, Kept
from chainrule.marking.reports.page import STATUS, bar, page, points, share, table, text


@dataclass(frozen=True)
class Found:
    """A bug or a convention, and who has it.

    Attributes:
        name: of the variation, or of several joined by `` + ``.
        title: in a few words.
        parts: in which it was found.
        students: who have it, in the order of the class.
    """

    name: str
    title: str
    parts: tuple[str, ...]
    students: tuple[str, ...]


def found_in(marked: Class, *, conventions: bool = False) -> list[Found]:
    """The bugs of a class, or its conventions, the commonest first.

    A bug that a student has in several parts counts once; of several that could be meant the
    likeliest counts.
    """
    students: dict[str, dict[str, None]] = {}
    parts: dict[str, dict[str, None]] = {}
    for kept in marked.results:
        for part in kept.marked.parts:
            names = part.conventions if conventions else tuple(_single(part.bugs))
            for name in names:
                students.setdefault(name, {})[kept.marked.student] = None
                parts.setdefault(name, {})[part.name] = None
    titles = _titles(marked.assignment)
    found = [
        Found(name, titles.get(name, name), tuple(parts[name]), tuple(who))
        for name, who in students.items()
    ]
    return sorted(found, key=lambda one: (-len(one.students), one.title))


def _single(bugs: Sequence[str]) -> Iterator[str]:
    """The bugs of the likeliest explanation, one by one."""
    for name in bugs[:1]:
        yield from name.split(" + ")


def _titles(assignment: Assignment) -> dict[str, str]:
    return {v.name: v.title for part in assignment.parts for v in part.program.variations}


def class_page(marked: Class) -> str:
    """The page of a class.

    Args:
        marked: the class.
    """
    return page(f"{marked.assignment.title}: the class", _body(marked))


def _body(marked: Class) -> Iterator[str]:
    scores = [kept.marked.earned for kept in marked.results]
    most = sum(part.credit for part in marked.assignment.parts)
    yield f'<h1 class="wide">{text(marked.assignment.title)}</h1>'
    yield (
        f'<p class="of">{counted(len(scores), "submission")}; of {points(most)} points the mean '
        f"is {points(mean(scores))}, the median {points(median(scores))}</p>"
    )
    yield f"<section><h2>Points</h2>{_histogram(scores, most)}</section>"
    yield f"<section><h2>Parts</h2>{_parts(marked)}</section>"
    yield f"<section><h2>What went wrong</h2>{_bugs(marked)}</section>"
    yield f"<section><h2>Who has what</h2>{_students(marked)}</section>"


BARS = 10


def _histogram(scores: Sequence[float], most: float) -> str:
    """How many submissions have how many points, as bars."""
    counts = Counter(min(int(share(score, most) * BARS), BARS - 1) for score in scores)
    highest = max(counts.values(), default=1)
    width, height = 400 / BARS, 100
    pieces = []
    for k in range(BARS):
        tall = height * counts[k] / highest
        x = k * width
        pieces.append(
            f'<rect x="{x + 2:.1f}" y="{14 + height - tall:.1f}" width="{width - 4:.1f}" '
            f'height="{tall:.1f}"/>'
        )
        if counts[k]:
            pieces.append(
                f'<text x="{x + width / 2:.1f}" y="{10 + height - tall:.1f}" '
                f'text-anchor="middle">{counts[k]}</text>'
            )
        low = points(most * k / BARS)
        pieces.append(f'<text x="{x:.1f}" y="{height + 30}">{low}</text>')
    pieces.append(f'<line x1="0" y1="{height + 14}" x2="400" y2="{height + 14}"/>')
    label = f"submissions by points, from 0 to {points(most)}"
    return (
        f'<svg class="histogram" viewBox="0 0 400 {height + 36}" role="img" '
        f'aria-label="{label}">{"".join(pieces)}</svg>'
    )


def _parts(marked: Class) -> str:
    rows = []
    for k, part in enumerate(marked.assignment.parts):
        results = [kept.marked.parts[k] for kept in marked.results]
        right = sum(one.status == "right" for one in results)
        got = mean(one.earned for one in results)
        rows.append(
            [
                text(part.title),
                f"{right} of {len(results)}",
                bar(share(right, len(results))),
                f"{points(got)} of {points(part.credit)}",
            ]
        )
    return table(["part", "right", "", "mean points"], rows, words=(0, 2))


def _bugs(marked: Class) -> str:
    found = found_in(marked)
    if not found:
        return "<p>Nothing that has a name.</p>"
    most = len(found[0].students)
    rows = [
        [
            f"{text(one.title)}<br><code>{text(one.name)}</code>",
            str(len(one.students)),
            bar(share(len(one.students), most)),
            text(", ".join(one.parts)),
        ]
        for one in found
    ]
    return table(["bug", "students", "", "in"], rows, words=(0, 2, 3))


def _students(marked: Class) -> str:
    headings = ["student", *(part.name for part in marked.assignment.parts), "points", "found"]
    rows = [_student(kept) for kept in marked.results]
    return table(headings, rows, words=(0, len(headings) - 1))


def _student(kept: Kept) -> list[str]:
    student = kept.marked.student
    bugs = dict.fromkeys(name for part in kept.marked.parts for name in part.bugs[:1])
    return [
        f'<a href="students/{quote(student)}.html">{text(student)}</a>',
        *(
            f'<span class="{part.status.replace(" ", "-")}" title="{STATUS[part.status][1]}">'
            f"{STATUS[part.status][0]}</span> {points(part.earned)}"
            for part in kept.marked.parts
        ),
        points(kept.marked.earned),
        text(", ".join(bugs)),
    ]

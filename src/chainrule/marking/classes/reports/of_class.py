"""The page of a class: how many points, which parts, which bugs how often, and who has what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil
from statistics import mean, median
from urllib.parse import quote

from chainrule.core.notation import counted, in_a_line
from chainrule.marking.classes.classroom import Class, Kept
from chainrule.marking.classes.reports.counting import Found, bugs_of, found_in
from chainrule.marking.classes.reports.page import STATUS, bar, page, points, share, table, text
from chainrule.marking.result import PartResult

BARS = 10
"""The most bars of the distribution of points."""


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
    failed = [kept.marked.student for kept in marked.results if kept.failed]
    if failed:
        yield (
            f'<p class="wrong">Not marked by no fault of their own: {text(", ".join(failed))}. '
            "The same command marks them again.</p>"
        )
    yield f"<section><h2>Points</h2>{_histogram(scores, most)}</section>"
    yield f"<section><h2>Parts</h2>{_parts(marked)}</section>"
    yield f"<section><h2>What went wrong</h2>{_bugs('bugs', found_in(marked))}</section>"
    conventions = found_in(marked, conventions=True)
    if conventions:
        yield "<section><h2>Conventions that differ</h2>"
        yield '<p class="note">They cost nothing.</p>'
        yield f"{_bugs('conventions', conventions)}</section>"
    yield f"<section><h2>Who has what</h2>{_students(marked)}</section>"
    seen = [kept for kept in marked.results if any(p.teacher for p in kept.marked.parts)]
    if seen:
        yield "<section><h2>What was seen</h2>"
        yield '<p class="note">For you: it says numbers that students do not see.</p>'
        yield from map(_seen, seen)
        yield "</section>"


def _histogram(scores: Sequence[float], most: float) -> str:
    """How many submissions have how many points, as bars."""
    step = max(ceil(most / BARS), 1)
    bars = max(ceil((most + 1) / step), 1)
    counts = Counter(min(int(score / step), bars - 1) for score in scores)
    highest = max(counts.values(), default=1)
    width, height = 480 / bars, 110
    pieces = []
    for k in range(bars):
        tall, x = height * counts[k] / highest, k * width
        pieces.append(
            f'<rect x="{x + 2:.1f}" y="{18 + height - tall:.1f}" width="{width - 4:.1f}" '
            f'height="{tall:.1f}"/>'
        )
        if counts[k]:
            pieces.append(
                f'<text x="{x + width / 2:.1f}" y="{13 + height - tall:.1f}">{counts[k]}</text>'
            )
        low, high = k * step, min((k + 1) * step - 1, ceil(most))
        name = f"{low}" if low == high else f"{low}–{high}"
        pieces.append(f'<text x="{x + width / 2:.1f}" y="{height + 34}">{name}</text>')
    pieces.append(f'<line x1="0" y1="{height + 18}" x2="480" y2="{height + 18}"/>')
    label = f"submissions by points, from 0 to {points(most)}"
    return (
        f'<svg class="histogram" viewBox="0 0 480 {height + 40}" role="img" '
        f'aria-label="{label}">{"".join(pieces)}</svg>'
    )


def _parts(marked: Class) -> str:
    rows = []
    for k, part in enumerate(marked.assignment.parts):
        results = [kept.marked.parts[k] for kept in marked.results]
        counts = Counter(one.status for one in results)
        got = mean(one.earned for one in results)
        rows.append(
            [
                text(part.title),
                f"{counts['right']} of {len(results)}",
                bar(share(counts["right"], len(results))),
                str(counts["wrong"]),
                str(counts["charged before"]),
                str(counts["not run"]),
                f"{points(got)} of {points(part.credit)}",
            ]
        )
    headings = ["part", "right", "", "not right", "follows", "not run", "mean points"]
    return table("parts", headings, rows, words=(0, 2))


def _bugs(name: str, found: Sequence[Found]) -> str:
    if not found:
        return "<p>Nothing that has a name.</p>"
    most = max(len(one.students) for one in found)
    rows = [
        [
            _bug(one),
            str(len(one.students)),
            bar(share(len(one.students), most)),
            f"<details><summary>who</summary>{text(', '.join(one.students))}</details>",
        ]
        for one in found
    ]
    return table(name, ["", "students", "", ""], rows, words=(0, 2, 3))


def _bug(one: Found) -> str:
    """A kind of bug with its places."""
    places = [f"{name.removeprefix(one.kind) or 'all'} {count}×" for name, count in one.places]
    where = f'<span class="places"> · {text(in_a_line(places))}</span>' if places[1:] else ""
    return f'{text(one.title)}<br><span class="note"><code>{text(one.kind)}</code>{where}</span>'


def _students(marked: Class) -> str:
    headings = ["student", *(part.name for part in marked.assignment.parts), "points", "found"]
    rows = [_student(kept) for kept in marked.results]
    return table("students", headings, rows, words=(0, len(headings) - 1))


def _student(kept: Kept) -> list[str]:
    student = kept.marked.student
    return [
        f'<a href="students/{quote(student)}.html">{text(student)}</a>',
        *(_cell(part) for part in kept.marked.parts),
        points(kept.marked.earned),
        f"<code>{text(', '.join(bugs_of(kept)))}</code>",
    ]


def _cell(part: PartResult) -> str:
    sign, words = STATUS[part.status]
    kind = part.status.replace(" ", "-")
    return (
        f'<span class="{kind}" title="{words}" aria-label="{words}">{sign}</span> '
        f"{points(part.earned)}"
    )


def _seen(kept: Kept) -> str:
    """What a teacher is told of a submission."""
    parts = "".join(
        f"<h3>{text(part.title)}</h3>{''.join(f'<p>{text(line)}</p>' for line in part.teacher)}"
        for part in kept.marked.parts
        if part.teacher
    )
    return f"<details><summary>{text(kept.marked.student)}</summary>{parts}</details>"

"""Writes all that a marked class is shown as, into one folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from chainrule.core.errors import printable
from chainrule.core.files import require_own, write_whole
from chainrule.core.strict_json import finite_or_null
from chainrule.marking.classes.classroom import Class, in_json, kept_of_others
from chainrule.marking.classes.reports.counting import found_in
from chainrule.marking.classes.reports.of_class import class_page
from chainrule.marking.classes.reports.page import points
from chainrule.marking.classes.reports.student import student_page
from chainrule.marking.classes.submissions import Submission

PAGES = "students"
RESULTS = "results"


def write_reports(marked: Class, folder: Path) -> None:
    """Write the table, the JSON and the pages; older ones are replaced.

    Args:
        marked: the class.
        folder: an existing one.

    Raises:
        ChainruleError: a file cannot be written.
    """
    pages = folder / PAGES
    require_own(pages)
    pages.mkdir(exist_ok=True)
    for kept in marked.results:
        page = student_page(marked.assignment, kept)
        write_whole(pages / f"{kept.marked.student}.html", page, own=True)
    write_whole(folder / "class.html", class_page(marked), own=True)
    write_whole(folder / "class.csv", class_csv(marked), own=True)
    write_whole(folder / "class.json", class_json(marked), own=True)


def write_reports_of_all(marked: Class, everybody: Sequence[Submission], folder: Path) -> int:
    """Write the reports of those who were marked now and of those who were marked earlier.

    Args:
        marked: those who were marked now.
        everybody: all submissions of the class.
        folder: an existing one, with the results that are kept.

    Returns:
        How many the reports hold; others are not marked, or not as the assignment is now.

    Raises:
        ChainruleError: a file cannot be written.
    """
    now = {kept.marked.student: kept for kept in marked.results}
    others = [one for one in everybody if one.student not in now]
    earlier = kept_of_others(marked.assignment, others, folder / RESULTS) if others else ()
    known = now | {kept.marked.student: kept for kept in earlier}
    results = tuple(known[one.student] for one in everybody if one.student in known)
    write_reports(replace(marked, results=results), folder)
    return len(results)


def class_csv(marked: Class) -> str:
    """The class as comma-separated text: a row a student, a column a part."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows(_rows(marked))
    return file.getvalue()


def _rows(marked: Class) -> Iterator[list[str]]:
    names = [part.name for part in marked.assignment.parts]
    yield ["student", "points", "of", *names, *(f"{name} bug" for name in names)]
    for kept in marked.results:
        one = kept.marked
        yield [
            _cell(one.student),
            points(one.earned),
            points(one.credit),
            *(points(part.earned) for part in one.parts),
            *(_cell(part.bugs[0] if part.bugs else "") for part in one.parts),
        ]


def _cell(value: str) -> str:
    """A text that a spreadsheet takes for a text, and not for a formula."""
    return f"'{printable(value)}" if value[:1] in ("=", "+", "-", "@") else printable(value)


def class_json(marked: Class) -> bytes:
    """The class as JSON: every result, and the bugs with who has them."""
    found: dict[str, Any] = {
        "assignment": marked.assignment.name,
        "title": marked.assignment.title,
        "bugs": [asdict(one) for one in found_in(marked)],
        "conventions": [asdict(one) for one in found_in(marked, conventions=True)],
        "students": [
            {**asdict(kept.marked), "points": kept.marked.earned, "notes": list(kept.notes)}
            for kept in marked.results
        ],
    }
    return in_json(finite_or_null(found)) + b"\n"

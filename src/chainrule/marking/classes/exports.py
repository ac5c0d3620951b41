"""The result of one submission in the form that a grading system reads: Gradescope and others.

Each form is the one that the system's public documentation describes. Texts are plain; what a
student may not see of a hidden part is kept back by the system where it can, and else left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from chainrule.core.files import write_whole
from chainrule.core.notation import counted
from chainrule.marking.assignments.assignment import Assignment
from chainrule.marking.result import Marked, PartResult

MOST_TEXT = 20_000
"""Of a part's text so many characters are written: PrairieLearn takes a file of 1 MB at most."""

_STATUS = {
    "right": "Right.",
    "wrong": "Not right yet.",
    "charged before": "Not right yet, but only by a fault that an earlier part was charged for.",
    "not run": "Could not be tried.",
}


def export(form: str, marked: Marked, assignment: Assignment, notes: Sequence[str] = ()) -> Any:
    """What a grading system reads, as plain dicts, lists, texts and numbers.

    Args:
        form: one of `FORMS`.
        marked: what was found about the submission.
        assignment: which says what is hidden.
        notes: what was done to find the submission's files.
    """
    hidden = {part.name for part in assignment.parts if part.is_hidden}
    return FORMS[form](marked, hidden, notes)


def write_export(
    form: str, marked: Marked, assignment: Assignment, path: Path, notes: Sequence[str] = ()
) -> None:
    """Write the file that a grading system reads, whole or not at all; its folder is made.

    Args:
        form: one of `FORMS`.
        marked: what was found about the submission.
        assignment: which says what is hidden.
        path: the file, such as ``results.json``.
        notes: what was done to find the submission's files.
    """
    text = json.dumps(export(form, marked, assignment, notes), indent=2, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text + "\n")


def gradescope(marked: Marked, hidden: set[str], notes: Sequence[str] = ()) -> dict[str, Any]:
    """The ``results.json`` of an autograder of Gradescope; hidden parts are shown when published.

    Args:
        marked: what was found.
        hidden: the names of the hidden parts.
        notes: what was done to find the submission's files.
    """
    tests = [
        {
            "name": part.title,
            "number": str(number),
            "score": part.earned,
            "max_score": part.credit,
            "status": _passed(part.status == "right"),
            "output": _text(part),
            "output_format": "text",
            "visibility": "after_published" if part.name in hidden else "visible",
            "tags": [bug for bug in part.bugs[:1] if part.name not in hidden],
        }
        for number, part in enumerate(marked.parts, start=1)
    ]
    return {
        "execution_time": ceil(marked.seconds),
        "output": "\n".join((_total(marked, hidden), *notes)),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def otter(marked: Marked, hidden: set[str], notes: Sequence[str] = ()) -> dict[str, Any]:
    """The results of Otter-Grader: a box of the public tests, and one of each question.

    Args:
        marked: what was found.
        hidden: the names of the hidden parts.
        notes: what was done to find the submission's files.
    """
    public = [part for part in marked.parts if part.name not in hidden]
    summary = {
        "name": "Public Tests",
        "visibility": "visible",
        "status": _passed(all(part.status == "right" for part in public)),
        "output": "\n\n".join((*notes, *(f"{part.name}: {_text(part)}" for part in public))),
    }
    questions = [
        {
            "name": part.name,
            "score": round(part.earned, 5),
            "max_score": round(part.credit, 5),
            "visibility": "hidden" if part.name in hidden else "visible",
            "output": f"{part.title}\n\n{_text(part)}",
        }
        for part in marked.parts
    ]
    return {"tests": [summary, *questions], "stdout_visibility": "hidden"}


def prairielearn(marked: Marked, hidden: set[str], notes: Sequence[str] = ()) -> dict[str, Any]:
    """The ``results.json`` of an external grader of PrairieLearn.

    A submission of which nothing could be tried is not gradable, which costs no attempt. What
    PrairieLearn is given it shows at once: of a hidden part it is given the points alone.

    Args:
        marked: what was found.
        hidden: the names of the hidden parts.
        notes: what was done to find the submission's files.
    """
    if marked.parts and all(part.status == "not run" for part in marked.parts):
        shown = [_text(part) for part in marked.parts if part.name not in hidden]
        return {"gradable": False, "format_errors": list(dict.fromkeys((*notes, *shown)))}
    tests = [
        {
            "name": part.title,
            "description": "hidden" if part.name in hidden else part.name,
            "points": part.earned,
            "max_points": part.credit,
            "message": "" if part.name in hidden else _STATUS[part.status],
            "output": "" if part.name in hidden else _text(part),
        }
        for part in marked.parts
    ]
    return {
        "gradable": True,
        "score": marked.earned / marked.credit if marked.credit else 0.0,
        "message": "\n".join((_total(marked, set()), *notes)),
        "tests": tests,
    }


FORMS: Mapping[str, Callable[[Marked, set[str], Sequence[str]], dict[str, Any]]] = {
    "gradescope": gradescope,
    "otter": otter,
    "prairielearn": prairielearn,
}
"""The forms, by the name of the system that reads them."""


def _passed(is_right: bool) -> str:
    return "passed" if is_right else "failed"


def _text(part: PartResult) -> str:
    """What the student is told of a part."""
    text = "\n\n".join(part.lines) or _STATUS[part.status]
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + " …"


def _total(marked: Marked, hidden: set[str]) -> str:
    """The points of the parts that are shown."""
    shown = [part for part in marked.parts if part.name not in hidden]
    earned, credit = sum(part.earned for part in shown), sum(part.credit for part in shown)
    kept_back = len(marked.parts) - len(shown)
    more = f"; {counted(kept_back, 'hidden part')} besides" if kept_back else ""
    return f"{earned:g} of {credit:g} points{more}."

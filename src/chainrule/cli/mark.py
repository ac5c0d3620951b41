"""``chainrule mark ASSIGNMENT SUBMISSIONS``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Quiet
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.marking.assignments.assignment import Assignment
    from chainrule.marking.classes.classroom import Class

FAILED = 1

MOST_ROWS = 30
"""Of more students or bugs than this, the first are printed."""


def command(
    assignment: Annotated[
        Path,
        typer.Argument(
            metavar="ASSIGNMENT", help="The assignment's folder, or the name of a course's."
        ),
    ],
    submissions: Annotated[
        Path,
        typer.Argument(
            metavar="SUBMISSIONS",
            help="A folder with a folder, an archive, a notebook or a file for each student; or "
            "one submission.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "--output",
            metavar="FOLDER",
            help="Where results and reports go; by default SUBMISSIONS-marked, here.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Mark only this student; may be repeated."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            max=256,
            help="How many are marked at the same time; by default one a core.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Mark also what is marked already.")
    ] = False,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Run the code although this machine cannot hold it in a sandbox."
        ),
    ] = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="SYSTEM",
            help="Mark one submission, and write what gradescope, otter or prairielearn reads "
            "to the file --out.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Mark a class in a sandbox: points, and the bug of each.

    Writes a table, JSON, a page for each student and one for the class. A marking that was
    interrupted goes on where it was, by the same command. The status is 1 if a submission could
    not be marked by no fault of its own.
    """
    from chainrule.core.files import locked
    from chainrule.core.interrupts import terminable
    from chainrule.core.limits import machine_cores
    from chainrule.core.notation import counted
    from chainrule.marking.assignments.assignment import assignment_at
    from chainrule.marking.assignments.checking import require_right
    from chainrule.marking.classes.classroom import mark_class
    from chainrule.marking.classes.reports.written import RESULTS, write_reports_of_all
    from chainrule.marking.classes.submissions import chosen, find_submissions

    wanted = assignment_at(assignment)
    if form is not None:
        if only or jobs or again:
            raise typer.BadParameter(
                "--format marks one submission; leave --only, --jobs, --again"
            )
        _export(form, wanted, submissions, out, trust=trust)
        return
    everybody = find_submissions(submissions, wanted.files)
    found = chosen(everybody, only or [])
    folder = _folder(out, submissions)
    require_right(wanted)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "another marking writes into this folder"), terminable():
        try:
            marked = mark_class(
                wanted,
                found,
                folder / RESULTS,
                jobs or machine_cores(),
                trusted=trust,
                again=again,
                tell=_silent if quiet else _tell,
            )
        except KeyboardInterrupt:
            say("stopped; what is marked is kept: the same command goes on", to_stderr=True)
            raise
        written = write_reports_of_all(marked, everybody, folder)
    if not quiet:
        _print(marked, folder)
        if only:
            say(f"they hold {written} of {counted(len(everybody), 'submission')}")
    if any(kept.failed for kept in marked.results):
        raise typer.Exit(FAILED)


def _export(
    form: str, assignment: Assignment, path: Path, out: Path | None, *, trust: bool
) -> None:
    """Mark one submission and write the file of a grading system.

    Raises:
        ChainruleError: there is no such system or submission, or no file to write.
    """
    from chainrule.core.errors import ChainruleError, Problem, unknown
    from chainrule.marking.assignments.checking import require_right
    from chainrule.marking.classes.classroom import mark_handed_in
    from chainrule.marking.classes.exports import FORMS, write_export
    from chainrule.marking.classes.submissions import Submission, student_name

    if form not in FORMS:
        raise ChainruleError(unknown("system", form, FORMS, "--format"))
    if out is None:
        raise ChainruleError(f"--format {form} needs --out FILE: where the result goes")
    if out.is_dir():
        raise ChainruleError(Problem("this is a folder; the result is a file", out))
    if not path.exists():
        raise ChainruleError(Problem("no such file or folder", path))
    require_right(assignment)
    kept = mark_handed_in(assignment, Submission(student_name(path), path), trust=trust)
    write_export(form, kept.marked, assignment, out, kept.notes)


def _folder(out: Path | None, submissions: Path) -> Path:
    """Where results go.

    Raises:
        ChainruleError: within the submissions, where they would be taken for one, or a file.
    """
    from chainrule.core.errors import ChainruleError, Problem

    folder = out or Path(f"{submissions.absolute().name}-marked")
    inside = folder.absolute().resolve()
    if submissions.absolute().resolve() in (inside, *inside.parents):
        message = "results would lie among the submissions; name another folder by --out"
        raise ChainruleError(Problem(message, folder))
    if folder.exists() and not folder.is_dir():
        raise ChainruleError(Problem("this is a file; results go into a folder", folder))
    return folder


Tell = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Say nothing."""


def _tell(done: int, total: int) -> None:
    """Say how far it is at every tenth, where no bar shows it."""
    import sys

    if sys.stderr.isatty() or total < 10:
        return
    if done * 10 // total > (done - 1) * 10 // total:
        say(f"{done} of {total} marked", to_stderr=True)


def _print(marked: Class, folder: Path) -> None:
    from chainrule.cli.tables import print_rows
    from chainrule.core.notation import in_a_line
    from chainrule.marking.classes.reports.counting import bugs_of, found_in
    from chainrule.marking.classes.reports.page import points

    parts = marked.assignment.parts
    rows = []
    for kept in marked.results[:MOST_ROWS]:
        one = kept.marked
        rows.append(
            (
                one.student,
                *(points(part.earned) for part in one.parts),
                f"{points(one.earned)} of {points(one.credit)}",
                in_a_line(bugs_of(kept), most=60),
            )
        )
    headings = ("student", *(part.name for part in parts), "points", "found")
    print_rows(headings, rows, words=1, last_is_word=True)
    left = len(marked.results) - MOST_ROWS
    if left > 0:
        say(f"... and {left} more")
    bugs_found = found_in(marked)
    if len(marked.results) > 1 and bugs_found:
        table = [(one.title, str(len(one.students))) for one in bugs_found[:MOST_ROWS]]
        print_rows(("what went wrong", "students"), table, words=1)
    say(f"class    {folder / 'class.html'}")
    say(f"table    {folder / 'class.csv'}")
    say(f"students {folder / 'students'}")

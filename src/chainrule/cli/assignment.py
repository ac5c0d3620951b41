"""``chainrule assignment init NAME [FOLDER]`` and ``chainrule assignment check FOLDER``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.examples import epilog
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.marking.assignments.checking import Checked
    from chainrule.marking.assignments.known import Known

app = typer.Typer(
    help="Write an exercise, and check it before a class is marked.",
    no_args_is_help=True,
    epilog=epilog("assignment"),
    rich_markup_mode=None,
)

FAILED = 1

SHOWN = 3
"""Of more groups of bugs that a part does not tell apart, the first are printed."""


@app.command("init", epilog=epilog("assignment init"))
def init(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="NTNU, HLCV, CMU, PSU, ASU or custom.")
    ],
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Where to write it; by default NAME."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Write an assignment that works as it is: its rules, a solution and a page for students."""
    from chainrule.core.errors import ChainruleError, unknown
    from chainrule.marking.assignments.assignment import shipped
    from chainrule.marking.assignments.templates import write_assignment

    known = shipped()
    found = {word.lower(): word for word in known}.get(name.lower())
    if found is None:
        raise ChainruleError(unknown("assignment", name, known))
    target = folder or Path(found)
    written = write_assignment(known[found], target, replace=force)
    say(f"{len(written)} files written to {target}; now: chainrule assignment check {target}")


@app.command("programs", epilog=epilog("assignment programs"))
def programs(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A program, to see its inputs and lines."),
    ] = None,
) -> None:
    """List what a part may ask for by name: what each program computes, and what it knows."""
    from chainrule.cli.tables import print_rows
    from chainrule.marking.assignments.known import known_program, known_programs

    if name is None:
        rows = [(one.name, one.says, ", ".join(one.options)) for one in known_programs()]
        print_rows(("program", "computes", "options"), rows, words=3)
    else:
        _print_program(known_program(name))


def _print_program(known: Known) -> None:
    """Print what a teacher has to know of a program to write a part of it."""
    from chainrule.cli.tables import print_rows
    from chainrule.marking.assignments.known import inputs_of

    say(f"{known.name}: {known.says}")
    if known.options:
        say(f"options: {', '.join(known.options)}")
    program = known.program
    if program is None:
        return
    say(f"inputs: {', '.join(inputs_of(program))}")
    rows = [(line.name, line.rule, line.says) for line in program.lines]
    print_rows(("returned value", "is", "in words"), rows, words=3)
    conventions = [v for v in program.variations if v.is_convention]
    if conventions:
        named = [(v.name, v.group, v.title) for v in conventions]
        print_rows(("accepted convention", "group", "in words"), named, words=3)
    bugs = len(program.variations) - len(conventions)
    say(f"{bugs} bugs are known of it, besides those that are found by changing a line")


@app.command("check", epilog=epilog("assignment check"))
def check(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The assignment, or the name of a course's.")
    ],
    full: Annotated[
        bool, typer.Option("--full", help="Name every bug that a part does not notice.")
    ] = False,
) -> None:
    """Check an assignment: your solution must pass, and the parts should notice what goes wrong.

    The status is 1 if the solution does not pass.
    """
    from chainrule.marking.assignments.assignment import assignment_at
    from chainrule.marking.assignments.checking import check_assignment

    checked = check_assignment(assignment_at(folder))
    _print(checked, full=full)
    if not checked.is_right:
        raise typer.Exit(FAILED)


def _print(checked: Checked, *, full: bool) -> None:
    """Print what was found about each part, and what may be changed."""
    from chainrule.cli.tables import print_rows
    from chainrule.core.notation import counted

    headings = ("part", "your solution", "bugs noticed", "told apart", "time", "limit")
    rows = []
    for part in checked.parts:
        same = sum(len(group) for group in part.alike)
        rows.append(
            (
                part.name,
                "right" if part.is_right else "NOT RIGHT",
                f"{part.noticed} of {part.known}" if part.known else "none known",
                f"{part.noticed - same} of {part.noticed}" if part.known else "",
                f"{part.seconds:.2f} s",
                f"{part.limit:g} s",
            )
        )
    print_rows(headings, rows, words=2)
    for part in checked.parts:
        if not part.is_right:
            say(f"{part.name}: your solution does not pass")
            for line in part.said:
                say(f"  {line}")
        for group in part.alike if full else part.alike[:SHOWN]:
            say(f"{part.name}: the same numbers come of: {'; or '.join(group)}")
        if not full and len(part.alike) > SHOWN:
            left = counted(len(part.alike) - SHOWN, "other case")
            say(f"{part.name}: so they do in {left} (--full)")
        for title in part.missed if full else ():
            say(f"{part.name}: not noticed: {title}")
    for warning in checked.warnings:
        say(f"warning: {warning}")
    say(checked.tier)

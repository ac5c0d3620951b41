"""``chainrule explain CONFIG|RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Overrides
from chainrule.cli.terminal import say, say_result

if TYPE_CHECKING:
    from chainrule.explain.explanation import Explanation

FORMATS = {"text": (".txt",), "markdown": (".md", ".markdown"), "html": (".html", ".htm")}
"""The forms in which an explanation is written, with the endings of their files."""

NO_TERMINAL = 80
"""The columns of a text that no terminal shows."""


def command(
    source: Annotated[
        Path,
        typer.Argument(metavar="CONFIG|RUN", help="A configuration, or a run's folder."),
    ],
    case: Annotated[
        int, typer.Option("--case", help="Which case of the data, counted from 0.", metavar="N")
    ] = 0,
    weight: Annotated[
        str | None,
        typer.Option(
            "--weight",
            help="The weight to look at, its place counted from 0, such as 'dense_1.W[0,2]'; it "
            "alone is worked out then.",
            metavar="NAME",
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option("--split", metavar="PART", help="Of which data: train, validation or test."),
    ] = "train",
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="text, markdown or html; by default what the ending of --out says, else text.",
            metavar="FORMAT",
        ),
    ] = None,
    digits: Annotated[
        int,
        typer.Option(
            "--digits",
            metavar="N",
            help="Significant digits, 2 to 17; more where a line needs them.",
        ),
    ] = 9,
    width: Annotated[
        int | None,
        typer.Option(
            "--width",
            metavar="N",
            help="Columns of the text, at least 40; by default the terminal's.",
            min=40,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "--output", help="The file to write.", metavar="FILE"),
    ] = None,
    set_: Overrides = None,
) -> None:
    """Work out one pass with its numbers, as on the board.

    Each number has its rule, the rule with the numbers put in, and the result: forwards to the
    loss, back to every gradient, and the first step of the optimiser. Of a configuration the
    network is as it starts, of a run as it is after its training.
    """
    from chainrule.runs.explained import explained

    form = _format(format_, out)
    _require_other_file(source, out)
    found = explained(
        source, case=case, weight=weight, split=split, digits=digits, overrides=set_ or []
    )
    written = _written(found, form, _width(width, out))
    if out is None:
        say_result(written)
        return
    from chainrule.core.files import write_whole

    write_whole(out, written)
    say(f"explanation written to {out}")


def _format(named: str | None, out: Path | None) -> str:
    """The form that ``--format`` names, or the ending of the file, or text.

    Raises:
        ChainruleError: there is no such form.
    """
    from chainrule.core.errors import ChainruleError, Problem, unknown

    if named is None:
        ending = "" if out is None else out.suffix.lower()
        found = next((form for form, endings in FORMATS.items() if ending in endings), None)
        if found is None and ending:
            known = ", ".join(one for endings in FORMATS.values() for one in endings)
            message = f"the ending {ending} is no form of an explanation, which are {known}; "
            raise ChainruleError(Problem(message + "--format names the form of another file", out))
        return found or "text"
    if named.lower() not in FORMATS:
        raise ChainruleError(unknown("format", named, FORMATS))
    return named.lower()


def _require_other_file(source: Path, out: Path | None) -> None:
    """Refuse to write over the configuration, or over a file of the run."""
    if out is None:
        return
    from chainrule.core.files import refuse_input
    from chainrule.runs.run_folder import RunFolder

    refuse_input(out, source)
    if source.is_dir():
        refuse_input(out, *RunFolder(source).files, because=f"this file belongs to {source}")


def _width(wanted: int | None, out: Path | None) -> int:
    """The columns of the text."""
    if wanted is not None:
        return wanted
    from shutil import get_terminal_size

    return NO_TERMINAL if out is not None else get_terminal_size((NO_TERMINAL, 24)).columns


def _written(found: Explanation, form: str, width: int) -> str:
    if form == "html":
        return found.html()
    return found.markdown() if form == "markdown" else found.text(width)

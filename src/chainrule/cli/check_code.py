"""``chainrule check-code FILE``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Quiet
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.marking.own_code import Checked
    from chainrule.marking.recognising import Recognised
    from chainrule.marking.result import Demonstration, Shown

WRONG = 1

RIGHT = "Right: every number agrees."
"""What a part says of itself where the verdict has said it."""


def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Python file, or the folder of several.")
    ],
    forward: Annotated[
        str | None,
        typer.Option("--forward", metavar="NAME", help="Check this function of the file."),
    ] = None,
    backward: Annotated[
        str | None,
        typer.Option(
            "--backward",
            metavar="NAME",
            help="Its gradient; left out where --forward returns its gradients as well.",
        ),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option(
            "--inputs",
            metavar="WORDS",
            help='What functions are called with: "x=5x3 b=4 y=labels:3 reg=0.1".',
        ),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Run the code although this machine cannot hold it in a sandbox."
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Check your own code: is each gradient right, and if not, which bug is it?

    Finds out what the file has: the network of a course, layers as NAME_forward and NAME_backward,
    a function and its derivative, a gradient check of your own. Exit status 0: all is right;
    1: something is wrong; 2: something could not be checked.
    """
    from chainrule.core.errors import ChainruleError
    from chainrule.marking.own_code import check_file, inputs_from, of_names
    from chainrule.marking.recognising import recognise

    if backward and not forward:
        raise typer.BadParameter(
            "--backward names the gradient of a function: name it by --forward"
        )
    given = inputs_from(inputs) if inputs else None
    known = of_names(file, forward, backward) if forward else recognise(file)
    if not quiet:
        say(known.why)
    found: list[Checked] = []
    for one in check_file(known, given, trust=trust):
        found.append(one)
        _print(one, quiet=quiet)
    if not found:
        raise ChainruleError(_nothing(file, known))
    say(_conclusion(found))
    if any(one.verdict == "not run" for one in found):
        raise typer.Exit(2)
    if any(one.verdict == "WRONG" for one in found):
        raise typer.Exit(WRONG)


def _print(one: Checked, *, quiet: bool) -> None:
    if quiet and one.verdict == "right":
        return
    say(f"\n{one.name}: {one.verdict}")
    for line in one.lines[:1] if one.verdict == "wrong before" else one.lines:
        if line != RIGHT:
            say(_indented(line))
    if one.shown is not None and one.verdict == "WRONG" and not quiet:
        _show(one.shown)


def _indented(text: str, width: int = 96) -> str:
    import textwrap

    wrapped = [textwrap.fill(line, width, subsequent_indent="  ") for line in text.splitlines()]
    return textwrap.indent("\n".join(wrapped), "  ")


def _show(shown: Demonstration) -> None:
    """A small input that shows a bug, as lines of numbers."""
    say(_indented(shown.title))
    for array in shown.given:
        say(_row(array))
    say(_row(shown.found, f"{shown.found.name}, yours"))
    say(_row(shown.expected, f"{shown.expected.name}, right"))


def _row(array: Shown, name: str = "") -> str:
    rows = [" ".join(f"{value:10.4g}" for value in row) for row in array.rows]
    head = f"    {name or array.name:<14}"
    return "\n".join(f"{head if k == 0 else ' ' * len(head)}{row}" for k, row in enumerate(rows))


def _conclusion(found: list[Checked]) -> str:
    right = sum(one.verdict == "right" for one in found)
    if right == len(found):
        return f"\nright: all {right}" if right > 1 else "\nright"
    return f"\n{right} of {len(found)} right"


def _nothing(file: Path, known: Recognised) -> str:
    return (
        f"{file}: nothing in it looks like a gradient ({known.why}). Functions are found by their "
        "names, such as tanh and tanh_derivative, or affine_forward and affine_backward; others "
        "are named: --forward f --backward f_slope"
    )

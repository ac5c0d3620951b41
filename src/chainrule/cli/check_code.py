"""``chainrule check-code FILE``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Quiet
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.marking.own.files import Checked
    from chainrule.marking.own.recognising import Recognised
    from chainrule.marking.result import Demonstration

WRONG = 1

OF_CLASSES = (
    "A layer of your own is checked in Python: chainrule.check_function(layer.forward, "
    "layer.backward, {'x': (5, 3)}) for a layer that you made."
)
"""What is said of classes whose objects nobody but their author can make."""

AS_ABOVE = "What is wrong here comes from what is wrong above; mend that first."
"""What a part says of itself whose numbers follow from a fault that was told already."""

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
    """Check your own code: is it right, and if not, which bug is it?

    Finds out what the file has: the network of a course, layers as NAME_forward and NAME_backward,
    a function and its derivative, a gradient check of your own. Exit status 0: all is right;
    1: something is wrong; 2: something could not be checked.
    """
    from chainrule.core.errors import ChainruleError
    from chainrule.marking.own.files import check_file, importable, inputs_from
    from chainrule.marking.own.recognising import recognise, recognise_pair

    if backward and not forward:
        raise typer.BadParameter(
            "--backward names the gradient of a function: name it by --forward"
        )
    given = inputs_from(inputs) if inputs else None
    found: list[Checked] = []
    with importable(file) as path:
        known = recognise_pair(path, forward, backward) if forward else recognise(path)
        if known.interface and not quiet:
            say(known.why)
        for one in check_file(known, given, trust=trust):
            found.append(one)
            _print(one, quiet=quiet)
    if not found:
        raise ChainruleError(_nothing(file, known))
    if known.left and not quiet:
        say("\n" + _indented(f"Not checked: {', '.join(known.left)}").strip())
        if any(".backward" in name for name in known.left):
            say(_indented(OF_CLASSES))
    say(_conclusion(found))
    if any(one.verdict == "not run" for one in found):
        raise typer.Exit(2)
    if any(one.verdict == "WRONG" for one in found):
        raise typer.Exit(WRONG)


def _print(one: Checked, *, quiet: bool) -> None:
    if quiet and one.verdict == "right":
        return
    say(f"\n{one.name}: {one.verdict}")
    for line in (AS_ABOVE,) if one.verdict == "wrong before" else one.lines:
        if line != RIGHT:
            say(_indented(line))
    if one.shown is not None and one.verdict == "WRONG" and not quiet:
        _show(one.shown)


WIDEST = 98
"""A line of text is no longer than this, however wide the terminal is."""


def _indented(text: str) -> str:
    import shutil
    import textwrap

    width = max(min(shutil.get_terminal_size().columns, WIDEST) - 3, 40)
    wrapped = [textwrap.fill(line, width, subsequent_indent="  ") for line in text.splitlines()]
    return textwrap.indent("\n".join(wrapped), "  ")


def _show(shown: Demonstration) -> None:
    """A small input that shows a bug, as lines of numbers."""
    say(_indented(shown.title))
    named = [(array.name, array.rows) for array in shown.given]
    named.append((f"{shown.found.name}, yours", shown.found.rows))
    named.append((f"{shown.expected.name}, right", shown.expected.rows))
    texts = [(name, [[f"{x:.4g}" for x in row] for row in rows]) for name, rows in named]
    width = max((len(text) for _, rows in texts for row in rows for text in row), default=1) + 1
    for name, rows in texts:
        lines = [" ".join(text.rjust(width) for text in row) for row in rows]
        say("\n".join(f"    {'' if k else name:<14}{line}" for k, line in enumerate(lines)))


def _conclusion(found: list[Checked]) -> str:
    right = sum(one.verdict == "right" for one in found)
    if right == len(found):
        return f"\nright: all {right}" if right > 1 else "\nright"
    return f"\n{right} of {len(found)} right"


def _nothing(file: Path, known: Recognised) -> str:
    return (
        f"{file}: nothing in it looks like a gradient: {known.why}. Functions are found by their "
        "names, such as tanh and tanh_derivative, or affine_forward and affine_backward; others "
        "are named: --forward f --backward f_slope"
    )

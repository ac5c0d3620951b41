"""What the commands print: the one way to the terminal.

Names of classes, layers and files come from elsewhere and may hold characters that command a
terminal or turn the order of its letters round, so all text passes through `printable`.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chainrule.errors import printable

if TYPE_CHECKING:
    from rich.console import Console


def say(text: object = "", *, to_stderr: bool = False, end: str = "\n") -> None:
    """Print a text at once, with what a terminal must not be sent written as escapes.

    Args:
        text: one or several lines.
        to_stderr: what is no result goes there, so that results can be written to a file.
        end: what follows the text.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    print(printable(str(text)), end=end, file=stream, flush=True)


def say_result(text: str) -> None:
    """Print what a file could have held as well: as it is, unless a terminal shows it."""
    if sys.stdout.isatty():
        text = printable(text)
    print(text, end="", flush=True)


def console(**options: Any) -> Console:
    """A console of rich's, which leaves it to `failures_told` to end the program.

    Args:
        options: of `rich.console.Console`.
    """
    from rich.console import Console

    class Raising(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Raising(**options)


def prepare_streams() -> None:
    """Make output possible wherever it goes, and warnings one line each.

    A δ must not end a training on an old terminal.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *where: object, **options: object) -> None:
    """Where in the source a warning was given says nothing to a user."""
    with suppress(OSError):
        say(f"chainrule: {message}", to_stderr=True)

"""What the commands print: the one way to the terminal.

Names of classes, layers and files come from elsewhere and may hold characters that command a
terminal or turn the order of its letters round, so all text passes through `printable`.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from chainrule.core.errors import printable

if TYPE_CHECKING:
    from rich.console import Console


class OutputError(OSError):
    """What a command prints cannot be written, as on a full disk."""


def say(text: object = "", *, to_stderr: bool = False) -> None:
    """Print a text at once, with what a terminal must not be sent written as escapes.

    Args:
        text: one or several lines.
        to_stderr: what is no result goes there, so that results can be written to a file.

    Raises:
        OutputError: the output cannot be written.
    """
    with _written():
        print(printable(str(text)), file=sys.stderr if to_stderr else sys.stdout, flush=True)


def say_result(text: str) -> None:
    """Print what a file could have held as well: as it is, unless a terminal shows it.

    Raises:
        OutputError: the output cannot be written.
    """
    with _written():
        print(printable(text) if sys.stdout.isatty() else text, end="", flush=True)


def flush_output() -> None:
    """Write what is still in the output's buffer.

    Raises:
        OutputError: the output cannot be written.
    """
    if sys.stdout is not None:
        with _written():
            sys.stdout.flush()


def leave_output() -> None:
    """Drop what is left in the output's buffer: it has nowhere to go."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _written() -> Iterator[None]:
    """Tell a full disk under the output apart from other failures; who left is told elsewhere."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        leave_output()
        raise OutputError(error.errno, error.strerror or str(error)) from None


def console(**options: Any) -> Console:
    """A console of rich's, which leaves it to `failures_told` to end the program.

    Args:
        options: of `rich.console.Console`.
    """
    from rich.console import Console

    class Raising(Console):
        """Rich's own would end the program with status 1."""

        def on_broken_pipe(self) -> None:
            """The reader of the output left."""
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
        say(f"chainrule: {' '.join(str(message).split())}", to_stderr=True)

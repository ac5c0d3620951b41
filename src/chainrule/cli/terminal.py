"""What the commands print, and how a program ends when something goes wrong.

Names of classes, layers and files may hold characters that a terminal takes for commands or that
reverse the order of its letters, so all text passes through `printable`. The courses' scripts
report their failures by `failures_reported` as well.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from chainrule.core.errors import ChainruleError, Problem, printable
from chainrule.core.progress import Advance, showing_by

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

INPUT_ERROR = 2
INTERRUPTED = 130
READER_LEFT = 141
TERMINATED = 143

PATIENCE = 1.0
"""Work that takes longer than these seconds is shown as a bar."""


class OutputError(OSError):
    """What a command prints cannot be written, as on a full disk."""


def say(text: object = "", *, to_stderr: bool = False) -> None:
    """Print a text and flush it; characters that could control a terminal are escaped.

    Args:
        text: one or several lines.
        to_stderr: for text that is not a result, so that stdout can be redirected to a file.

    Raises:
        OutputError: the output cannot be written.
    """
    with _writing():
        print(printable(str(text)), file=sys.stderr if to_stderr else sys.stdout, flush=True)


def say_result(text: str) -> None:
    """Print a result that may be redirected to a file: unchanged, unless a terminal shows it.

    Raises:
        OutputError: the output cannot be written.
    """
    with _writing():
        print(printable(text) if sys.stdout.isatty() else text, end="", flush=True)


@contextmanager
def _writing() -> Iterator[None]:
    """Turn a failure to write the output, as on a full disk, into an `OutputError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        raise OutputError(error.errno, error.strerror or str(error)) from None


def _drop_output() -> None:
    """Send what is left in the output's buffer to /dev/null: it cannot be written."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console(**options: Any) -> Console:
    """A console of rich that leaves a broken pipe to `failures_reported`."""
    from rich.console import Console

    class Raising(Console):
        """Raises an error where rich's own class would end the program with status 1."""

        def on_broken_pipe(self) -> None:
            """Called when the reader of the output has closed it."""
            raise BrokenPipeError

    return Raising(**options)


@contextmanager
def work_shown() -> Iterator[None]:
    """Within this context work that takes long is shown as a bar, if stderr is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    with showing_by(_as_bar):
        yield


@contextmanager
def _as_bar(what: str, total: int | None) -> Iterator[Advance]:
    """Show a piece of work as a bar that appears after `PATIENCE` and goes when the work ends."""
    done = 0
    bar: Progress | None = None

    def appear() -> None:
        nonlocal bar
        bar = _bar()
        bar.add_task(what, total=total, completed=done)
        bar.start()

    def advance(more: int) -> None:
        nonlocal done
        done += more
        if bar is not None and bar.tasks:
            bar.update(bar.tasks[0].id, completed=done)

    timer = threading.Timer(PATIENCE, appear)
    timer.start()
    try:
        yield advance
    finally:
        timer.cancel()
        timer.join()
        if bar is not None:
            bar.stop()


def _bar() -> Progress:
    """A bar on stderr, which leaves nothing behind."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeRemainingColumn(compact=True),
        console=console(stderr=True),
        transient=True,
    )


@contextmanager
def failures_reported(program: str) -> Iterator[None]:
    """Turn a failure the user can cause into its message on stderr and an exit status.

    Status 2: something in the input is wrong; 130: stopped by Ctrl-C; 143: by SIGTERM; 141, the
    shell's status for SIGPIPE: a reader of our output, such as ``head``, has closed it, which
    ends the program without a message.

    Args:
        program: the beginning of a message that names no file.

    Raises:
        SystemExit: with the status.

    Example:
        >>> from chainrule.core.errors import DataError
        >>> with failures_reported("demonstration"):
        ...     raise DataError("no cases")
        Traceback (most recent call last):
        SystemExit: 2
    """
    from chainrule.core.interrupts import Terminated

    _prepare_streams()
    try:
        yield
        if sys.stdout is not None:
            with _writing():
                sys.stdout.flush()  # while a failure can still be reported
    except ChainruleError as error:
        _end(program, error.problems, INPUT_ERROR)
    except MemoryError as error:
        _end(program, [Problem(f"not enough memory: {error}".rstrip(": "))], INPUT_ERROR)
    except KeyboardInterrupt as error:
        status = TERMINATED if isinstance(error, Terminated) else INTERRUPTED
        _end(program, [Problem("interrupted")], status)
    except OSError as error:
        _drop_output()
        if isinstance(error, BrokenPipeError):
            raise SystemExit(READER_LEFT) from None
        _end(program, [_problem_of(error)], INPUT_ERROR)


def _prepare_streams() -> None:
    """Write "?" for a character that the terminal does not know, and a warning as one line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *where: object, **options: object) -> None:
    """Print a warning without its place in the source, which means nothing to a user."""
    with suppress(OSError):
        say(f"chainrule: {' '.join(str(message).split())}", to_stderr=True)


def _problem_of(error: OSError) -> Problem:
    """The problem for a system error that no reader or writer of a file has reported."""
    reason = error.strerror or str(error)
    of_output = error.filename is None and error.errno in (errno.ENOSPC, errno.EIO)
    if isinstance(error, OutputError) or of_output:
        return Problem(f"cannot write the output: {reason}")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        reason += "; allow more (ulimit -n), or close some"
    return Problem(reason, error.filename if isinstance(error.filename, str) else None)


def _end(program: str, problems: Iterable[Problem], status: int) -> None:
    with suppress(OSError):  # stderr may be closed
        for problem in problems:
            place = "" if problem.path is not None else f"{program}: "
            say(f"{place}{problem}", to_stderr=True)
    raise SystemExit(status) from None

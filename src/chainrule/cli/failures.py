"""How a program ends when something goes wrong: one message that says where, no traceback.

The commands and the courses' scripts share it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from chainrule.cli.output import OutputError, flush_output, leave_output, prepare_streams, say

if TYPE_CHECKING:
    from chainrule.core.errors import Problem

INPUT_ERROR = 2
INTERRUPTED = 130
READER_LEFT = 141
TERMINATED = 143


@contextmanager
def failures_told(program: str) -> Iterator[None]:
    """Turn a failure the user can cause into its message on stderr and an exit status.

    Status 2: something in the input is wrong; 130: stopped by Ctrl-C; 143: by SIGTERM; 141, as
    the shell calls SIGPIPE: a reader of our output has seen enough, such as ``head``, which ends
    the program quietly.

    Args:
        program: what the message begins with where no file can be named.

    Raises:
        SystemExit: with the status.

    Example:
        >>> from chainrule.core.errors import DataError
        >>> with failures_told("demonstration"):
        ...     raise DataError("no cases")
        Traceback (most recent call last):
        SystemExit: 2
    """
    from chainrule.core.errors import ChainruleError, Problem
    from chainrule.core.interrupts import Terminated

    prepare_streams()
    try:
        yield
        flush_output()  # while its failure can still be told
    except ChainruleError as error:
        _end(program, error.problems, INPUT_ERROR)
    except MemoryError as error:
        _end(program, [Problem(f"not enough memory: {error}".rstrip(": "))], INPUT_ERROR)
    except KeyboardInterrupt as error:
        status = TERMINATED if isinstance(error, Terminated) else INTERRUPTED
        _end(program, [Problem("interrupted")], status)
    except OSError as error:
        leave_output()
        if isinstance(error, BrokenPipeError):
            raise SystemExit(READER_LEFT) from None
        _end(program, [_problem_of(error)], INPUT_ERROR)


def _problem_of(error: OSError) -> Problem:
    """A failure of the system that no reader or writer of a file has told."""
    from chainrule.core.errors import Problem

    said = error.strerror or str(error)
    of_output = error.filename is None and error.errno in (errno.ENOSPC, errno.EIO)
    if isinstance(error, OutputError) or of_output:
        return Problem(f"cannot write the output: {said}")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        said += "; allow more (ulimit -n), or close some"
    return Problem(said, error.filename if isinstance(error.filename, str) else None)


def _end(program: str, problems: Iterable[Problem], status: int) -> None:
    with suppress(OSError):  # who closed stderr does not want to be told
        for problem in problems:
            place = "" if problem.path is not None else f"{program}: "
            say(f"{place}{problem}", to_stderr=True)
    raise SystemExit(status) from None

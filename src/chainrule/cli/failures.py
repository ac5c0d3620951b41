"""How a program ends when something goes wrong: one message that says where, no traceback.

The commands and the courses' scripts share it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.errors import Problem

INPUT_ERROR = 2
INTERRUPTED = 130
TERMINATED = 143


@contextmanager
def failures_told(program: str) -> Iterator[None]:
    """Turn a failure the user can cause into its message on stderr and an exit status.

    Status 2: something in the input is wrong; 130: stopped by Ctrl-C; 143: by SIGTERM. A reader of
    our output that has seen enough, such as ``head``, ends the program quietly.

    Args:
        program: what the message begins with where no file can be named.

    Raises:
        SystemExit: with the status.

    Example:
        >>> from chainrule.errors import DataError
        >>> with failures_told("demonstration"):
        ...     raise DataError("no cases")
        Traceback (most recent call last):
        SystemExit: 2
    """
    from chainrule.errors import ChainruleError, Problem
    from chainrule.interrupts import Terminated

    try:
        yield
    except ChainruleError as error:
        _end(program, error.problems, INPUT_ERROR)
    except MemoryError as error:
        _end(program, [Problem(f"not enough memory: {error}".rstrip(": "))], INPUT_ERROR)
    except KeyboardInterrupt as error:
        status = TERMINATED if isinstance(error, Terminated) else INTERRUPTED
        _end(program, [Problem("interrupted")], status)
    except OSError as error:  # all that remains is our own output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(0) from None
        message = f"cannot write the output: {error.strerror or error}"
        _end(program, [Problem(message)], INPUT_ERROR)


def _end(program: str, problems: Iterable[Problem], status: int) -> None:
    for problem in problems:
        place = "" if problem.path is not None else f"{program}: "
        print(f"{place}{problem}", file=sys.stderr)
    raise SystemExit(status) from None

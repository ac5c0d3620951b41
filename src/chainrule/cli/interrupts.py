"""Ctrl-C during the program's imports ends it at once, with status 130.

There is nothing to save yet, and an exception during an import would end in a traceback. This
module imports little, so that it can be imported first.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

INTERRUPTED = 130


def _leave(number: int, frame: object) -> None:
    os.write(2, b"chainrule: interrupted\n")
    os._exit(INTERRUPTED)


def at_once() -> None:
    """From now on Ctrl-C ends the program, unless ignored, as in a script's background job."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def now() -> None:
    """End the program that Ctrl-C has interrupted with status 130.

    Without this, ``python -m`` would end by the signal itself, although the exception was caught,
    if the signal came in code compiled from a string, such as the methods of a dataclass.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(INTERRUPTED)


def by_exception() -> None:
    """From now on Ctrl-C raises `KeyboardInterrupt`, for a command that has something to save."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)

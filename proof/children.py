"""Child processes that are cheap to start: forks of this process.

A fork has everything imported and compiled already, so that a thousand of them take minutes. It
reports its progress to its parent in shared memory, where nothing is lost however it ends.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

HANGS = 1200.0
"""Seconds after which a child counts as one that never ends, even on a slow machine."""

MARKS = 4
"""Numbers on a board."""


class Board:
    """A few integers in memory that parent and child share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8 * MARKS)

    def __getitem__(self, k: int) -> int:
        value: int = struct.unpack_from("<q", self._memory, 8 * k)[0]
        return value

    def __setitem__(self, k: int, value: int) -> None:
        struct.pack_into("<q", self._memory, 8 * k, value)


class Child:
    """A fork of this process that does some work and ends.

    Args:
        work: the function to call; its result is the exit status, which is 1 for an exception.
        quiet: whether to discard what it prints.
    """

    def __init__(self, work: Callable[[], int | None], *, quiet: bool = True) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        self.status: int | None = None
        if self.pid == 0:
            _run(work, quiet)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal, if the child has not ended."""
        if self.status is None:
            os.kill(self.pid, number)

    def poll(self) -> int | None:
        """The exit status; −n if signal n killed the child; None if it has not ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def wait(self, seconds: float = HANGS) -> int | None:
        """The exit status, waiting for it at most this many seconds."""
        end = monotonic() + seconds
        while self.poll() is None and monotonic() < end:
            sleep(0.0005)
        return self.status


def _run(work: Callable[[], int | None], quiet: bool) -> None:
    """Do the work in the child; never returns."""
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(
                number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            )
        if quiet:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
        status = work() or 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


@contextmanager
def children_end() -> Iterator[list[Child]]:
    """A list of children; those that have not ended at the end of the context are killed."""
    children: list[Child] = []
    try:
        yield children
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
                child.wait()

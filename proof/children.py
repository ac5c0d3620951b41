"""Processes that are cheap to make and to end: copies of this one, which has imported all.

A child begins with everything imported and compiled, so that a thousand of them take minutes. It
tells its parent through shared memory how far it came: nothing is lost that was written there,
whatever ends it.
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
"""Seconds after which a child is taken for one that never ends: no machine is so slow."""

MARKS = 4
"""Numbers on a board."""


class Board:
    """A few numbers that parent and child see at once."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8 * MARKS)

    def __getitem__(self, k: int) -> int:
        value: int = struct.unpack_from("<q", self._memory, 8 * k)[0]
        return value

    def __setitem__(self, k: int, value: int) -> None:
        struct.pack_into("<q", self._memory, 8 * k, value)


class Child:
    """A copy of this process that does some work and ends.

    Args:
        work: what it does; the exit status is what it gives, 1 for a failure that nobody caught.
        quiet: it prints nothing.
    """

    def __init__(self, work: Callable[[], int | None], *, quiet: bool = True) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        self.status: int | None = None
        if self.pid == 0:
            _run(work, quiet)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal, if it is still there."""
        if self.status is None:
            os.kill(self.pid, number)

    def poll(self) -> int | None:
        """Its exit status; −n if signal n killed it; None if it has not ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def wait(self, seconds: float = HANGS) -> int | None:
        """`poll` for so long."""
        end = monotonic() + seconds
        while self.poll() is None and monotonic() < end:
            sleep(0.0005)
        return self.status


def _run(work: Callable[[], int | None], quiet: bool) -> None:
    """In the child: never returns."""
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
    """A list of children; those that are still there afterwards are killed."""
    there: list[Child] = []
    try:
        yield there
    finally:
        for child in there:
            if child.poll() is None:
                child.kill()
                child.wait()

"""Turns Ctrl-C and SIGTERM into a request to stop at the next safe moment."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

DOUBLE_TAP_SECONDS = 1.0
"""A second Ctrl-C within this time is taken for part of the first."""

GRACE_SECONDS = 0.7
"""How long after a request evaluations and drawings may still run."""

AGAIN_SECONDS = 0.05
"""The time after which the alarm is repeated if the work did not stop."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], Any]


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived while there was nothing to save."""


class Leave(BaseException):
    """Ends the work in progress of `Interruptible.attempt`, which catches it."""


class Interruptible:
    """Runs work that changes nothing, such as an evaluation, and so may be interrupted anywhere.

    Python delivers signals to the main thread; in other threads the work always runs to its end.
    """

    def __init__(self) -> None:
        self._inside = False
        self._end: float | None = None
        self._before: tuple[Any, Any] | None = None

    def leave(self) -> None:
        """End the work in progress; later work must end within `GRACE_SECONDS` from now.

        A signal's handler calls this: it raises an exception in the middle of the work.
        """
        self._end = monotonic() + GRACE_SECONDS
        if self._inside:
            self._arm(AGAIN_SECONDS)
            raise Leave

    @property
    def is_requested(self) -> bool:
        """Whether an interruption was requested."""
        return self._end is not None

    def close(self) -> None:
        """Run no more work from now on."""
        self._end = 0.0

    def attempt(self, work: Callable[[], T]) -> T | None:
        """What ``work`` returns; None if it was interrupted.

        Args:
            work: a function that may be stopped anywhere without harm.
        """
        if self._end is not None and monotonic() >= self._end:
            return None
        try:
            return self._work(work)
        except Leave:
            return None
        except Exception:
            if not self.is_requested:
                raise
            return None  # C code may turn Leave into an error of its own
        finally:
            self._inside = False
            self._disarm()

    def _work(self, work: Callable[[], T]) -> T:
        try:
            self._inside = True
            if self._end is not None:
                self._arm(self._end - monotonic())
            return work()
        finally:
            self._inside = False

    def _arm(self, seconds: float) -> None:
        """Interrupt after some seconds, and repeatedly: C code may swallow an exception."""
        if self._before is not None or not _is_main_thread() or not hasattr(signal, "setitimer"):
            return
        self._before = signal.signal(signal.SIGALRM, self._ring), sys.unraisablehook
        sys.unraisablehook = self._pass_on
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6), AGAIN_SECONDS)

    def _disarm(self) -> None:
        if self._before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            handler, sys.unraisablehook = self._before
            signal.signal(signal.SIGALRM, handler)
            self._before = None

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._inside:
            raise Leave

    def _pass_on(self, unraisable: Any) -> None:
        """Leave every unraisable exception but our own to the hook that was set before."""
        if self._before is not None and not isinstance(unraisable.exc_value, Leave):
            self._before[1](unraisable)


@contextmanager
def terminable() -> Iterator[None]:
    """Within this context SIGTERM raises `Terminated`, as Ctrl-C raises `KeyboardInterrupt`."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise Terminated

    with _handled(handle, [signal.SIGTERM]):
        yield


@contextmanager
def on_interrupt(request: Callable[[int], None]) -> Iterator[None]:
    """Within this context the first Ctrl-C or SIGTERM calls ``request`` with the signal's number.

    A second one, after `DOUBLE_TAP_SECONDS`, has its usual effect. The first raises no
    exception, which could leave half of θ updated: the trainer stops between two minibatches.
    Only the main thread receives signals: in other threads this does nothing.
    """
    first: list[float] = []
    before = _handlers()

    def handle(number: int, frame: FrameType | None) -> None:
        if first and monotonic() - first[0] > DOUBLE_TAP_SECONDS:
            signal.signal(number, before[number])
            signal.raise_signal(number)
        elif not first:
            first.append(monotonic())
            request(number)

    with _handled(handle):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within this context Ctrl-C and SIGTERM do nothing, so that a file is written to its end."""
    with _handled(lambda number, frame: None):
        yield


def _handlers(numbers: Sequence[int] = SIGNALS) -> dict[int, Any]:
    """The present handler of each signal."""
    return {int(number): signal.getsignal(number) or signal.SIG_DFL for number in numbers}


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _handled(handler: Handler, numbers: Sequence[int] = SIGNALS) -> Iterator[None]:
    if not _is_main_thread():
        yield
        return
    before = _handlers(numbers)
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)

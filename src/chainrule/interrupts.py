"""Ctrl-C and SIGTERM, turned from an exception anywhere into a request at the right moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

DOUBLE_TAP_SECONDS = 1.0
"""A second Ctrl-C within this time is taken for part of the first."""

LEAVE_SECONDS = 1.0
"""How long after a request evaluations and drawings may still go on."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], Any]


class Terminated(KeyboardInterrupt):
    """SIGTERM, where there is nothing to be saved."""


class Leave(BaseException):
    """Leaves what `Leavable.attempt` does; nobody else ever sees it."""


class Leavable:
    """Work that changes nothing, such as an evaluation, and so may be left at any moment."""

    def __init__(self) -> None:
        self._inside = False
        self._end: float | None = None

    def leave(self) -> None:
        """Leave what is being attempted; what is attempted later has `LEAVE_SECONDS` from now.

        For a signal's handler: it raises in the midst of the work.
        """
        self._end = monotonic() + LEAVE_SECONDS
        self._raise()

    def _raise(self) -> None:
        if self._inside:
            self._inside = False
            raise Leave

    def attempt(self, work: Callable[[], T]) -> T | None:
        """What ``work`` gives; None if it was left.

        The time is watched in the main thread alone, and where there are timers.

        Args:
            work: changes nothing that matters if it is left in the midst.
        """
        left = None if self._end is None else self._end - monotonic()
        if left is not None and left <= 0:
            return None
        try:
            try:
                self._inside = True
                with _alarm(self._raise, left):
                    return work()
            finally:
                self._inside = False
        except Leave:
            return None


@contextmanager
def _alarm(ring: Callable[[], None], seconds: float | None) -> Iterator[None]:
    if seconds is None or not _is_main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda number, frame: ring())
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def status_of(number: int) -> int:
    """The exit status of a program that a signal ended: 130 for Ctrl-C, 143 for SIGTERM.

    Example:
        >>> status_of(signal.SIGINT), status_of(signal.SIGTERM)
        (130, 143)
    """
    return 128 + number


@contextmanager
def terminable() -> Iterator[None]:
    """While this lasts, SIGTERM raises `Terminated` as Ctrl-C raises `KeyboardInterrupt`."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise Terminated

    with _handled(handle, [signal.SIGTERM]):
        yield


@contextmanager
def on_interrupt(request: Callable[[int], None]) -> Iterator[None]:
    """While this lasts, the first Ctrl-C or SIGTERM calls ``request``; a later one interrupts.

    The request is given the signal's number.

    An exception between two instructions of an update could leave half of θ changed; a
    request is honoured between two minibatches. Only the main thread receives signals:
    elsewhere this does nothing.
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
    """While this lasts, Ctrl-C and SIGTERM do nothing: what is being written is written whole."""
    with _handled(lambda number, frame: None):
        yield


def _handlers(numbers: Sequence[int] = SIGNALS) -> dict[int, Any]:
    """What is done now on each signal."""
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

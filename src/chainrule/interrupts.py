"""Ctrl-C, turned from an exception anywhere into a request at the right moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any

DOUBLE_TAP_SECONDS = 1.0
"""A second Ctrl-C within this time is taken for part of the first."""

Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def on_interrupt(request: Callable[[], None]) -> Iterator[None]:
    """While this lasts, the first Ctrl-C (or SIGTERM) calls ``request``; a later one interrupts.

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
            request()

    with _handled(handle):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """While this lasts, Ctrl-C and SIGTERM do nothing: what is being written is written whole."""
    with _handled(lambda number, frame: None):
        yield


def _handlers() -> dict[int, Any]:
    """What is done now on each signal."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    return {int(number): signal.getsignal(number) or signal.SIG_DFL for number in numbers}


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _handlers()
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)

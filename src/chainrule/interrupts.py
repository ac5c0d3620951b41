"""Ctrl-C, turned from an exception anywhere into a request at the right moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_interrupt(request: Callable[[], None]) -> Iterator[None]:
    """While this lasts, the first Ctrl-C (or SIGTERM) calls ``request``; the second interrupts.

    An exception between two instructions of an update could leave half of θ changed; a
    request is honoured between two minibatches. Only the main thread receives signals:
    elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(number, before[signal.Signals(number)] or signal.SIG_DFL)
        request()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)

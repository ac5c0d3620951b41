"""Ignores every signal that can be ignored, and sleeps."""

import contextlib
import signal
import time


def attack():
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)

"""Ctrl-C as a request."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from chainrule.core import interrupts
from chainrule.core.interrupts import (
    Interruptible,
    Terminated,
    on_interrupt,
    terminable,
    uninterrupted,
)
from yardstick import HANGS


def press(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request(number):
    requests = []
    with on_interrupt(requests.append):
        press(number)
    assert requests == [number]


def test_a_double_tap_is_one_request(monkeypatch):
    monkeypatch.setattr(interrupts, "DOUBLE_TAP_SECONDS", HANGS)
    requests = []
    with on_interrupt(requests.append):
        press()
        press(signal.SIGTERM)
    assert requests == [signal.SIGINT]


def test_nothing_interrupts_what_is_being_written():
    requests = []
    with on_interrupt(requests.append), uninterrupted():
        press()
        press()
    assert requests == []


def test_the_second_interrupts(monkeypatch):
    monkeypatch.setattr("chainrule.core.interrupts.DOUBLE_TAP_SECONDS", 0.0)
    requests = []
    with on_interrupt(requests.append):
        press()
        with pytest.raises(KeyboardInterrupt):
            press()
    assert requests == [signal.SIGINT]


def test_the_handlers_from_before_are_put_back_also_after_an_error():
    def work():
        with on_interrupt(lambda number: None):
            assert signal.getsignal(signal.SIGINT) != before[0]
            press()
            raise ZeroDivisionError

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError):
        work()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_in_another_thread_nothing_happens():
    handlers = []

    def work():
        with on_interrupt(lambda number: None):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


def test_sigterm_may_raise_as_ctrl_c_does():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), terminable():
        press(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


# Work that may be left


def test_what_is_not_left_gives_its_result():
    assert Interruptible().attempt(lambda: 3) == 3


def test_work_fails_as_it_does_elsewhere():
    with pytest.raises(ZeroDivisionError):
        Interruptible().attempt(lambda: 1 / 0)


def long_work() -> str:
    """Whoever hears of its end did not leave it."""
    end = time.monotonic() + HANGS / 10
    while time.monotonic() < end:
        pass
    return "the end"


def interrupted_work() -> str:
    """Long work, in the midst of which a signal comes."""
    threading.Timer(0.05, press).start()
    return long_work()


def test_a_request_leaves_work_in_its_midst():
    work = Interruptible()
    with on_interrupt(lambda number: work.leave()):
        assert work.attempt(interrupted_work) is None


def test_work_after_a_request_has_little_time(monkeypatch):
    before = signal.getsignal(signal.SIGALRM)
    work = Interruptible()
    monkeypatch.setattr(interrupts, "GRACE_SECONDS", HANGS)
    work.leave()
    assert work.attempt(lambda: "quick") == "quick"
    monkeypatch.setattr(interrupts, "GRACE_SECONDS", 0.1)
    work.leave()
    assert work.attempt(long_work) is None
    assert work.attempt(lambda: "too late") is None
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_request_that_c_code_swallows_is_made_again(capsys):
    """As by compilers, which call back: an exception there is reported and lost."""

    class Deaf:
        def __del__(self):
            press()
            time.sleep(0.001)  # so that the signal is heard in here

    def swallow():
        Deaf()
        return long_work()

    hook, work = sys.unraisablehook, Interruptible()
    with on_interrupt(lambda number: work.leave()):
        assert work.attempt(swallow) is None
    assert capsys.readouterr().err == ""
    assert sys.unraisablehook is hook


def test_what_is_left_may_fail_in_its_own_words():
    def work():
        try:
            interrupted_work()
        except BaseException:
            raise RuntimeError("half done") from None

    interruptible = Interruptible()
    with on_interrupt(lambda number: interruptible.leave()):
        assert interruptible.attempt(work) is None

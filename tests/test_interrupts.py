"""Ctrl-C as a request."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from chainrule.interrupts import on_interrupt, uninterrupted


def press(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request(number):
    requests = []
    with on_interrupt(lambda: requests.append(1)):
        press(number)
    assert requests == [1]


def test_a_double_tap_is_one_request():
    requests = []
    with on_interrupt(lambda: requests.append(1)):
        press()
        press()
    assert requests == [1]


def test_nothing_interrupts_what_is_being_written():
    requests = []
    with on_interrupt(lambda: requests.append(1)), uninterrupted():
        press()
        press()
    assert requests == []


def test_the_second_interrupts(monkeypatch):
    monkeypatch.setattr("chainrule.interrupts.DOUBLE_TAP_SECONDS", 0.0)
    requests = []
    with on_interrupt(lambda: requests.append(1)):
        press()
        with pytest.raises(KeyboardInterrupt):
            press()
    assert requests == [1]


def test_the_handlers_from_before_are_put_back_also_after_an_error():
    def work():
        with on_interrupt(lambda: None):
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
        with on_interrupt(lambda: None):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]

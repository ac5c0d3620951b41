"""Reports of how far a piece of work is, and who hears them."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from chainrule.core.progress import progress, show_nothing, showing_by


@pytest.fixture
def heard():
    """What is reported, as lines of words."""
    said = []

    @contextmanager
    def show(what, total):
        said.append(f"{what} of {total}")
        yield lambda more: said.append(f"+{more}")
        said.append("end")

    with showing_by(show):
        yield said


def work(what="reading", total=5):
    with progress(what, total) as advance:
        advance(2)
        advance(3)


def test_a_report_goes_to_whoever_shows_it(heard):
    work()
    work("counting", None)
    expected = ["reading of 5", "+2", "+3", "end", "counting of None", "+2", "+3", "end"]
    assert heard == expected


def test_work_within_work_is_not_shown(heard):
    with progress("all files", 1) as advance:
        work()
        advance(1)
    work()
    assert heard == ["all files of 1", "+1", "end", "reading of 5", "+2", "+3", "end"]


def test_nobody_hears_what_is_reported_elsewhere(heard):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    with showing_by(lambda what, total: pytest.fail("shown by the wrong one")):
        show_nothing()
        work()
    assert heard == []
    work()
    assert heard


def test_the_end_is_reported_after_a_failure_as_well():
    ends = []

    @contextmanager
    def show(what, total):
        try:
            yield lambda more: None
        finally:
            ends.append(what)

    with showing_by(show):
        with pytest.raises(ZeroDivisionError), progress("dividing", 1):
            raise ZeroDivisionError
        work()
    assert ends == ["dividing", "reading"]

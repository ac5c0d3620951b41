"""How the doctor's answers are counted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from doctor.battery import WELL, Verdict, holds, summary

RIGHT = ("dead_units", "rate_too_high")


@pytest.mark.parametrize(
    ("found", "first", "told"),
    [
        ((("dead_units", "certain"),), True, True),
        ((("dead_units", "possible"), ("overfitting", "likely")), True, False),
        ((("rate_too_high", "likely"), ("dead_units", "certain")), True, True),
        ((("overfitting", "certain"), ("dead_units", "certain")), False, False),
        ((), False, False),
    ],
)
def test_the_right_illness_counts_if_it_is_first(found, first, told):
    judged = Verdict("dead_units", "moons", RIGHT, found)
    assert (judged.holds, judged.is_told) == (first, told)


@pytest.mark.parametrize(
    ("sure", "silent"), [("possible", True), ("likely", False), ("certain", False)]
)
def test_what_train_would_tell_of_a_healthy_run_is_an_alarm(sure, silent):
    judged = Verdict(WELL, "iris", (), (("overfitting", sure),))
    assert judged.holds is silent
    assert Verdict(WELL, "iris").holds


def test_the_figures_count_what_is_here():
    right = Verdict("dead_units", "a", RIGHT, (("dead_units", "likely"),))
    wrong = Verdict("dead_units", "b", RIGHT, (("overfitting", "likely"),))
    away = Verdict(WELL, "letters", absent="no letters")
    found = [*[right] * 19, wrong, away, Verdict(WELL, "iris", (), (("overfitting", "possible"),))]
    assert summary(found) == (
        "the right illness first in 19 of 20 variants = 95.0%, likely or certain in 19; false "
        "alarms in 0 of 1 healthy runs, and something possible in 1 more"
    )
    assert holds(found)
    assert not holds([*found, wrong])
    assert not holds([*found, Verdict(WELL, "moons", (), (("overfitting", "likely"),))])


@pytest.mark.exhaustive
def test_the_command_shows_the_patients_that_are_named():
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "proof", "doctor", "--only", "biases of minus 20"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "dead_units" in said
    assert "the right illness first in 1 of 1 variants = 100.0%" in said

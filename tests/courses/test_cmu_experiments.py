"""CMU 10-601 homework 5: the empirical questions, each a command."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from course_folders import COURSES, on_path

from chainrule.core.errors import ConfigError, DataError

with on_path("cmu_10601_hw5"):
    import experiments
    import hidden_units
    import learning_rates
    import letters
    import zero_start

pytestmark = pytest.mark.exhaustive

FOLDER = COURSES / "cmu_10601_hw5"


@pytest.fixture
def small(real, tmp_path, monkeypatch):
    """Options that make a question take a second; pictures go to a folder that is not there."""
    monkeypatch.setenv("CHAINRULE_DATA", str(real))
    out = tmp_path / "pictures" / "here"
    return ["--size", "small", "--epochs", "2", "--jobs", "1", "--out", str(out)], out


def table(text):
    """The rows of numbers of a printed table."""
    lines = [line for line in text.splitlines() if "picture" not in line]
    rows = [re.findall(r"\d+(?:\.\d+)?", line) for line in lines]
    return [list(map(float, row)) for row in rows if len(row) >= 3]


def test_the_settings_are_the_homework_s():
    assert hidden_units.UNITS == (5, 20, 50, 100, 200)
    assert hidden_units.LEARNING_RATE == 0.01
    assert learning_rates.RATES == (0.1, 0.01, 0.001)
    assert learning_rates.HIDDEN_UNITS == 50
    chosen = experiments.options("", [])
    assert (chosen.epochs, chosen.size) == (100, "large")


def test_one_figure_for_each_rate(small, capsys):
    options, out = small
    learning_rates.main(options)
    assert sorted(p.name for p in out.iterdir()) == [
        "learning_rate_0.001.png",
        "learning_rate_0.01.png",
        "learning_rate_0.1.png",
    ]
    rows = table(capsys.readouterr().out)
    train, validation = experiments.letters("small")
    for rate, row in zip(learning_rates.RATES, rows, strict=True):
        history = letters.train_letters(
            letters.letters_network(128, 50, 1, rate), train, validation, 2
        )
        losses = history["train_loss"][-1], history["validation_loss"][-1]
        assert row[:3] == pytest.approx([rate, *losses], abs=6e-5)


def test_cross_entropy_over_the_number_of_units(small, capsys, monkeypatch):
    options, out = small
    drawn = {}
    right = hidden_units.draw
    monkeypatch.setattr(hidden_units, "draw", lambda *a: drawn.setdefault("figure", right(*a)))
    hidden_units.main(options)
    assert [p.name for p in out.iterdir()] == ["hidden_units.png"]
    rows = np.array(table(capsys.readouterr().out))
    assert rows[:, 0].tolist() == [5, 20, 50, 100, 200]
    axes = drawn["figure"].axes[0]
    for line, column in zip(axes.lines, rows.T[1:], strict=True):
        assert line.get_xdata().tolist() == [5, 20, 50, 100, 200]
        assert np.asarray(line.get_ydata()) == pytest.approx(column, abs=6e-5)


def test_from_zero_all_units_stay_alike_and_from_random_none(small, capsys):
    options, out = small
    zero_start.main([*options, "--units", "8"])
    assert [p.name for p in out.iterdir()] == ["zero_start.png"]
    told = capsys.readouterr().out
    assert "weights start at 0: 1 of 8 hidden units are different" in told
    assert "weights start at random: 8 of 8 hidden units are different" in told
    assert told.count("is the same from unit to unit") == 3
    assert told.count("differs by up to") == 3
    assert told.count("output.b has 10 values for 10 classes") == 2


def test_alpha_and_beta_are_printed_after_the_first_updates(small, capsys):
    """Against the homework's algorithm for a case, written out."""
    train, _ = experiments.letters("small")
    zero_start.tell_first_updates(train)
    *_, last = capsys.readouterr().out.split("after update ")
    head, *rows = last.splitlines()
    alpha, beta = np.zeros((4, 129)), np.zeros((10, 5))
    for x, t in zip(train.x[:3], train.t[:3], strict=True):
        x = np.array([1, *x])
        z = np.array([1, *1 / (1 + np.exp(-alpha @ x))])
        delta = np.exp(beta @ z) / np.exp(beta @ z).sum()
        delta[t] -= 1
        upstream = (beta.T @ delta * z * (1 - z))[1:]
        alpha, beta = alpha - 0.1 * np.outer(upstream, x), beta - 0.1 * np.outer(delta, z)
    assert head == f"3, on a letter of class {train.t[2]}:"
    moved = np.flatnonzero(alpha.any(axis=0))
    first = moved[:6]
    assert rows[0] == (
        f"  alpha, 4 x 129: {len(moved)} columns are not 0, the first: {str(first.tolist())[1:-1]}"
    )
    printed = [list(map(float, row.split())) for row in rows if row.startswith("    ")]
    assert np.array(printed[:4]) == pytest.approx(alpha[:, first], abs=6e-7)
    assert np.array(printed[4:]) == pytest.approx(beta, abs=6e-7)


def test_the_zero_start_is_told_apart_by_what_it_learns(real, monkeypatch):
    monkeypatch.setenv("CHAINRULE_DATA", str(real))
    result = zero_start.result_of(experiments.Setting("small", 3, 20, 0.1, 2))
    assert result.largest == [0.0] * 4
    W, V = result.parameters["hidden.W"], result.parameters["output.W"]
    assert W.any()
    assert len(np.unique(V, axis=1).T) == 10  # the classes' weights differ, the units' do not
    assert np.array_equal(V, np.tile(V[0], (20, 1)))


def test_runs_side_by_side_give_the_same_numbers(small):
    options, out = small
    words = [sys.executable, str(FOLDER / "learning_rates.py"), *options]
    told = []
    for jobs in ("1", "3"):
        words[words.index("--jobs") + 1] = jobs
        done = subprocess.run(words, cwd=out.parents[1], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told.append(table(done.stdout))
    assert told[0] == told[1]
    assert len(told[0]) == 3


@pytest.mark.parametrize("words", [["--epochs", "0"], ["--jobs", "0"]])
def test_numbers_that_cannot_be_are_told(words):
    with pytest.raises(ConfigError, match="at least 1"):
        learning_rates.main(words)


def test_data_that_are_not_there_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"smallTrain\.csv is not there"):
        experiments.letters("small")


@pytest.mark.parametrize("script", ["hidden_units.py", "learning_rates.py", "zero_start.py"])
def test_a_failure_of_a_command_is_one_message(script, tmp_path):
    words = [sys.executable, str(FOLDER / script), "--epochs", "-1"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "at least 1" in done.stderr


@pytest.mark.parametrize("units", [5, 6, 10, 50])
def test_units_stay_alike_whatever_their_number(real, monkeypatch, units):
    """NumPy's products round the last units of a row otherwise, and that grows."""
    monkeypatch.setenv("CHAINRULE_DATA", str(real))
    result = zero_start.result_of(experiments.Setting("small", 30, units, 0.1, 2))
    assert max(result.largest) == 0

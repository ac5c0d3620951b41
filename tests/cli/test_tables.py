"""Results as tables: no number cut off, no name taken for markup."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.cli.tables import print_confusion, print_result, print_scores
from chainrule.training.scores import Score


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip() and "─" not in line]


def test_scores_of_a_classification(capsys):
    print_scores({"train": Score(0.123456789, 0.98765, None, 700), "test": Score(2, 0, None, 1)})
    assert rows(capsys.readouterr().out) == [
        ["data", "cases", "loss", "accuracy"],
        ["training", "700", "0.12346", "98.77%"],
        ["test", "1", "2", "0.00%"],
    ]


def test_scores_of_a_regression(capsys):
    print_scores({"train": Score(0.5, None, -0.25, 7), "validation": Score(0.5, None, None, 1)})
    assert rows(capsys.readouterr().out) == [
        ["data", "cases", "loss", "R²"],
        ["training", "7", "0.5", "-0.2500"],
        ["validation", "1", "0.5", "–"],
    ]


@pytest.mark.parametrize("columns", ["10", "30", "200"])
def test_a_narrow_terminal_cuts_nothing_off(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    name = "a/long path/to [bold]some[/bold] :smile: file.csv"
    print_scores({name: Score(123456.789, 0.98765, None, 700000)})
    print_confusion(np.eye(12, dtype=int) * 1234, [f"class [{k}] :x:" for k in range(12)])
    text = capsys.readouterr().out
    for kept in (name, "1.2346e+05", "98.77%", "700,000", "class [11] :x:"):
        assert kept in text
    assert text.count("1234 ") >= 12


def test_the_confusion_matrix_has_a_dot_for_nothing(capsys):
    print_confusion(np.array([[5, 0], [2, 3]]), ["a", "b"])
    text = capsys.readouterr().out
    assert "true class (row) taken for (column)" in text
    assert rows(text)[1:] == [["a", "b"], ["a", "5", "·"], ["b", "2", "3"]]


def test_too_many_classes_for_a_matrix(capsys):
    print_confusion(np.eye(31, dtype=int), [str(k) for k in range(31)])
    assert "31 classes: too many" in capsys.readouterr().out


def result(**changes) -> SimpleNamespace:
    settings = {
        "interrupted": False,
        "ending": None,
        "signal": None,
        "history": SimpleNamespace(rows=[{}] * 3),
        "scores": {"train": Score(0.5, 1.0, None, 3)},
        "folder": Path("runs/[b]-1"),
        "engine": "numpy",
        "fallback_reason": None,
        "data": SimpleNamespace(notes=()),
        "target_scaling": None,
    }
    return SimpleNamespace(**{**settings, **changes})


def test_the_end_says_where_the_files_lie(capsys):
    print_result(result())
    text = capsys.readouterr().out
    assert "run             runs/[b]-1\n" in text
    assert "learning curve  runs/[b]-1/learning_curve.png\n" in text
    assert "stopped" not in text
    assert "engine" not in text


def test_an_engine_that_could_not_run_it_says_why(capsys):
    print_result(result(fallback_reason="the activation Cube of dense_1 is not compiled"))
    text = capsys.readouterr().out
    assert "engine          numpy: the activation Cube of dense_1 is not compiled\n" in text


def test_a_stopped_training_says_so(capsys):
    print_result(result(interrupted=True, folder=None))
    text = capsys.readouterr().out
    assert "stopped after 3 whole epochs" in text
    assert "learning curve" not in text
    assert "--resume" not in text


def test_a_training_that_was_ended_says_how_to_go_on(capsys, tmp_path):
    print_result(result(interrupted=True, signal=15, folder=tmp_path))
    text = capsys.readouterr().out
    assert f"to go on        the same command with --run {tmp_path} --resume\n" in text
    assert "learning curve" not in text  # it was not drawn
    (tmp_path / "learning_curve.png").touch()
    print_result(result(signal=2, folder=tmp_path))
    assert "learning curve" in capsys.readouterr().out

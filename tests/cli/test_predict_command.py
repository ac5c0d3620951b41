"""``chainrule predict``."""

from __future__ import annotations

import csv
import os
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from chainrule import load, train
from chainrule.runs.run_folder import RunFolder

X = np.random.default_rng(3).normal([500, 5], [100, 1], size=(60, 2))
NAMES = np.where((X[:, 0] - 500) / 100 > X[:, 1] - 5, "ja, doch", "nein")


def settings(layers, file, loss=None) -> dict:
    return {
        "network": {"layers": layers, **({"loss": loss} if loss else {})},
        "data": {"file": str(file), "standardize": True},
        "training": {"epochs": 20, "batch_size": 8},
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Runs with names, with one output, and with values; files of cases."""
    place = tmp_path_factory.mktemp("predict")
    rows = [f'{a!r},{b!r},"{n}"' for (a, b), n in zip(X.tolist(), NAMES, strict=True)]
    (place / "labelled.csv").write_text("\n".join(["a,b,kind", *rows]))
    (place / "cases.csv").write_text("\n".join(f"{a!r},{b!r}" for a, b in X.tolist()))
    np.savez(place / "cases.npz", x=X)
    (place / "values.csv").write_text("\n".join(f"{a!r},{b!r},{a + b!r}" for a, b in X.tolist()))
    file = place / "labelled.csv"
    train(settings([{"size": 2}, "softmax"], file), run=place / "names")
    one = [{"size": 1, "activation": "sigmoid"}]
    train(settings(one, file, "binary_cross_entropy"), run=place / "one")
    train(settings([{"size": 1}], place / "values.csv", "mse"), run=place / "values")
    return place


def table(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text)))


@pytest.mark.parametrize("file", ["cases.csv", "labelled.csv", "cases.npz"])
def test_names_and_probabilities_of_each_case(command, place, file):
    outcome = command("predict", place / "names", place / file)
    assert outcome.status == 0
    assert outcome.err.startswith("note: no header") == (file == "cases.csv")
    header, *rows = table(outcome.out)
    run = load(place / "names")
    assert header == ["class", "ja, doch", "nein"]
    assert [row[0] for row in rows] == run.predict(X).tolist()
    found = np.array([[float(v) for v in row[1:]] for row in rows])
    assert found == pytest.approx(run.outputs(X), rel=1e-6)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_one_output_is_the_probability_of_the_second_class(command, place):
    header, *rows = table(command("predict", place / "one", place / "cases.csv").out)
    assert header == ["class", "nein"]
    assert all((name == "nein") == (float(p) > 0.5) for name, p in rows)
    assert np.mean([name for name, _ in rows] == NAMES) > 0.9


def test_a_regression_gives_values(command, place):
    header, *rows = table(command("predict", place / "values", place / "cases.csv").out)
    assert header == ["value_1"]
    expected = load(place / "values").predict(X)
    assert [float(v) for (v,) in rows] == pytest.approx(expected[:, 0].tolist(), rel=1e-6)


def test_out_writes_the_same_table(command, place):
    printed = command("predict", place / "names", place / "cases.csv").out
    outcome = command("predict", place / "names", place / "cases.csv", "--out", "ü.csv")
    assert outcome.out == "60 predictions written to ü.csv\n"
    assert Path("ü.csv").read_text(encoding="utf-8") == printed
    assert os.listdir() == ["ü.csv"]


@pytest.mark.parametrize("out", [".", "missing/a.csv"])
def test_a_place_that_cannot_be_written_is_explained(command, place, out):
    outcome = command("predict", place / "names", place / "cases.csv", "--out", out)
    assert outcome.status == 2
    assert f"{out}: cannot write this file: " in outcome.err
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2,3,4\n", "found 4 columns, expected the 3 of the training data"),
        ("1\n", "found 1 column, expected the 3"),
        ("", "empty"),
        ("1,x\n1,2\n3,4\n", "x"),
        ("1,inf\n", "expected a number, found 'inf'"),
    ],
)
def test_cases_that_do_not_fit_are_explained(command, place, content, message):
    Path("bad.csv").write_text(content)
    outcome = command("predict", place / "names", "bad.csv")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("bad.csv")
    assert message in outcome.err.lower()


def test_a_missing_cell_is_filled_in_with_a_note(command, place):
    Path("gap.csv").write_text("a,b\n1,nan\n")
    outcome = command("predict", place / "names", "gap.csv")
    assert outcome.status == 0
    assert "missing cells filled in: 1 in b (mean: " in outcome.err


def test_the_runs_own_scaling_is_used_and_not_one_of_the_file(command, place):
    """One case alone has no spread of its own."""
    Path("one.csv").write_text(f"{X[7, 0]},{X[7, 1]}\n")
    alone = table(command("predict", place / "names", "one.csv").out)[1]
    among = table(command("predict", place / "names", place / "cases.csv").out)[8]
    assert alone[0] == among[0]
    assert [float(v) for v in alone[1:]] == pytest.approx([float(v) for v in among[1:]], rel=1e-6)


def test_a_damaged_run_is_explained(command, place, tmp_path):
    import shutil

    shutil.copytree(place / "names", "run")
    files = RunFolder(Path("run"))
    files.parameters.write_bytes(files.parameters.read_bytes()[:-9])
    outcome = command("predict", "run", place / "cases.csv")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("run/parameters.safetensors: ")


def test_the_file_of_cases_is_not_overwritten(command, place):
    Path("cases.csv").write_text("1,2\n")
    outcome = command("predict", place / "names", "cases.csv", "--out", "./cases.csv")
    assert (outcome.status, outcome.out) == (2, "")
    assert "cases.csv: this is the file that is read" in outcome.err
    assert Path("cases.csv").read_text() == "1,2\n"


def test_labels_are_of_no_account(command, place):
    """Also those that the run does not know."""
    Path("other.csv").write_text("500,5,vielleicht\n400,4,nein\n")
    outcome = command("predict", place / "names", "other.csv")
    assert outcome.status == 0
    assert outcome.err == "note: no header: the columns are taken by position as a, b, kind\n"
    assert len(table(outcome.out)) == 3

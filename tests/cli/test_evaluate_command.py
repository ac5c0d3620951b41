"""``chainrule evaluate``."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from chainrule import load, train


def settings(layers, data, loss=None, **training):
    return {
        "network": {"layers": layers, **({"loss": loss} if loss else {})},
        "data": data,
        "training": {"epochs": 30, "batch_size": 8, **training},
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Runs of three kinds on data far from 0, and files for them."""
    place = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(3)
    x = rng.normal([500, 5], [100, 1], size=(90, 2))
    names = np.where((x[:, 0] - 500) / 100 > x[:, 1] - 5, "größer", "kleiner")
    header = ["a,b,kind"]
    text = [f"{a!r},{b!r},{n}" for (a, b), n in zip(x.tolist(), names, strict=True)]
    (place / "text.csv").write_text("\n".join(header + text), encoding="utf-8")
    values = [f"{a!r},{b!r},{2 * a - b!r}" for a, b in x.tolist()]
    (place / "values.csv").write_text("\n".join(header + values))
    (place / "none.csv").write_text("\n".join(f"{a!r},{b!r}" for a, b in x.tolist()))
    file = {"file": str(place / "text.csv"), "standardize": True}
    train(settings([{"size": 2}, "softmax"], file), run=place / "names")
    one = [{"size": 1, "activation": "sigmoid"}]
    train(settings(one, file, "binary_cross_entropy"), run=place / "one")
    file = {"file": str(place / "values.csv"), "standardize": True}
    train(settings([{"size": 1}], {**file, "split": [0.8, 0.2, 0]}, "mae"), run=place / "values")
    return place


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("run", ["names", "one"])
def test_without_a_file_the_test_data_are_scored(command, place, run):
    outcome = command("evaluate", place / run)
    score = load(place / run).test
    assert (outcome.status, outcome.err) == (0, "")
    assert ["test", "9", f"{score.loss:.5g}", f"{score.accuracy:.2%}"] in words(outcome.out)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_another_part_may_be_named(command, place, split):
    out = command("evaluate", place / "names", "--split", split).out
    score = load(place / "names").scores[split]
    assert f"{score.loss:.5g}" in out
    assert f" {score.cases} " in out


@pytest.mark.parametrize("run", ["names", "one"])
def test_a_file_is_scored_on_the_runs_scale_with_its_names(command, place, run):
    out = command("evaluate", place / run, place / "text.csv").out
    rows = (place / "text.csv").read_text(encoding="utf-8").splitlines()[1:]
    x = [[float(v) for v in row.split(",")[:2]] for row in rows]
    names = [row.split(",")[2] for row in rows]
    right = np.mean(load(place / run).predict(x) == names)
    assert right > 0.9
    assert f"{right:.2%}" in out
    matrix = re.search(r"^ größer +(\S+) +(\S+)", out.partition("(row)")[2], re.MULTILINE)
    assert sum(int(n) for n in matrix.groups() if n != "·") == names.count("größer")


def test_a_regression_has_r2_and_no_confusion(command, place):
    out = command("evaluate", place / "values", place / "values.csv").out
    assert "R²" in out
    assert "true class" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["names", "none.csv"], "none.csv: the file has no labels to compare with"),
        (["names", "nothing.csv"], "nothing.csv: "),
        (["names", "values.csv"], "values.csv:2:"),
        (["values", "text.csv"], "text.csv:2:"),
        (["names", "--split", "tets"], "unknown split 'tets'; did you mean 'test'?"),
        (["values", "--split", "test"], "no test data; --split validation evaluates"),
        (["nothing"], "nothing: a run's folder holds"),
    ],
)
def test_what_cannot_be_evaluated_is_explained(command, place, monkeypatch, arguments, message):
    monkeypatch.chdir(place)
    outcome = command("evaluate", *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_a_file_with_more_columns_is_refused(command, place):
    Path("wide.csv").write_text("1,2,3,4,größer\n")
    outcome = command("evaluate", place / "names", "wide.csv")
    assert outcome.status == 2
    assert "found 5 columns, expected the 3 of the training data" in outcome.err


def test_idx_images_have_their_labels_in_a_file_of_their_own(command, folder):
    images = np.arange(30 * 4, dtype=np.uint8)
    head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (30, 2, 2))
    Path("x-ubyte").write_bytes(head + images.tobytes())
    labels = bytes(k % 2 for k in range(30))
    Path("t-ubyte").write_bytes(bytes([0, 0, 8, 1]) + (30).to_bytes(4, "big") + labels)
    data = {"file": "x-ubyte", "labels": "t-ubyte", "standardize": True}
    run = train(settings([{"size": 2}, "softmax"], data), run="run")
    outcome = command("evaluate", "run", "x-ubyte", "--labels", "t-ubyte")
    assert outcome.status == 0
    right = np.mean(run.predict(images.reshape(30, 4) / 255) == np.arange(30) % 2)
    assert f"{right:.2%}" in outcome.out
    outcome = command("evaluate", "run", "x-ubyte")
    assert outcome.status == 2
    assert "--labels" in outcome.err


def test_the_metrics_that_suit_and_a_line_for_each_class(command, place):
    run = load(place / "names")
    out = command("evaluate", place / "names").out
    for heading in ("balanced accuracy", "precision", "recall", "F1", "ROC AUC", "log loss"):
        assert re.search(rf"^ {heading} +\S+", out, re.MULTILINE), heading
    lines = out.partition("each class:")[2].partition("true class")[0]
    for name in run.classes:
        assert re.search(rf"^ {name} +\d+ +[\d.]+ +[\d.]+ +[\d.]+", lines, re.MULTILINE)


def mistakes_of(out):
    """The first words of each line of the mistakes, and the line above them."""
    head, _, table = out.partition("with cases counted from 1 (explain --case counts from 0):")
    return head.splitlines()[-1], [line[:3] for line in words(table) if line and line[0].isdigit()]


@pytest.mark.parametrize("run", ["names", "one"])
def test_the_mistakes_are_those_of_the_network_the_worst_first(command, place, run, tmp_path):
    sure, right, unsure = (900, 1, "kleiner"), (900, 1, "größer"), (520, 5, "kleiner")
    rows = [unsure, right, sure, right]
    text = "\n".join(["a,b,kind", *(",".join(map(str, row)) for row in rows)])
    (tmp_path / "cases.csv").write_text(text, encoding="utf-8")
    outcome = command("evaluate", place / run, tmp_path / "cases.csv", "--mistakes", "2")
    head, found = mistakes_of(outcome.out)
    assert found == [["3", "kleiner", "größer"], ["1", "kleiner", "größer"]]
    assert head == "2 of 4 wrong; the worst 2, "
    y = load(place / run).outputs(np.array([[900.0, 1]]))[0]
    share = 100 * (y[0] if run == "names" else 1 - y[0])
    assert f"{share:.4g} %, {100 - share:.4g} % for kleiner" in outcome.out
    one = mistakes_of(
        command("evaluate", place / run, tmp_path / "cases.csv", "--mistakes", "1").out
    )
    assert one == ("2 of 4 wrong; the worst 1, ", found[:1])


def test_the_mistakes_of_a_file_need_no_data_of_the_run(command, place, tmp_path):
    trained = load(place / "values")
    (tmp_path / "new.csv").write_text("a,b,kind\n600,5,1195\n400,6,900\n")
    said = trained.predict({"a": [600, 400], "b": [5, 6]})[:, 0]
    outcome = command("evaluate", place / "values", tmp_path / "new.csv", "--mistakes", "1")
    _, rows = mistakes_of(outcome.out)
    assert rows == [["1", "1195", f"{said[0]:.6g}"]]
    assert outcome.out.split()[-2:] == ["600", "5"]


def test_no_mistakes_are_those_that_are_least_sure(command, place, tmp_path):
    (tmp_path / "easy.csv").write_text("a,b,kind\n900,1,größer\n100,9,kleiner\n", "utf-8")
    outcome = command("evaluate", place / "names", tmp_path / "easy.csv", "--mistakes", "5")
    head, rows = mistakes_of(outcome.out)
    assert head == "none of 2 wrong; the least sure 2, "
    assert len(rows) == 2

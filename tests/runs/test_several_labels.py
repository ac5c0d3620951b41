"""Labels of which a case may have several: recognised, scored, saved and predicted."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ChainruleError, ConfigError, DataError, Problem, ShapeError
from chainrule.data.readers.cases import Labels
from chainrule.data.readers.encoding import encode_label_sets, names_of_columns
from chainrule.training.engines import ENGINES

# Some tests evaluate a run on the data that it was trained on, of which it warns.
pytestmark = pytest.mark.filterwarnings("ignore:of the .* cases:chainrule.core.errors.DataWarning")

metrics = pytest.importorskip("sklearn.metrics")

NAMES = ["sun", "rain", "snow"]
RNG = np.random.default_rng(4)
X = RNG.normal(size=(80, 4))
T = (X[:, :3] > [0, 0.5, 1]).astype(int)


def config(file: str, *, size: int = 3, loss: str = "binary_cross_entropy", **data) -> dict:
    last = [{"size": size, "activation": "sigmoid"}]
    if loss == "cross_entropy":
        last = [{"size": size}, "softmax"]
    return {
        "network": {"loss": loss, "layers": [{"size": 6}, *last]},
        "data": {"file": file, **data},
        "training": {"epochs": 25, "batch_size": 8, "optimizer": "adam", "evaluate": "full"},
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Files of cases, and a run in the folder ``run``."""
    place = tmp_path_factory.mktemp("labels")
    np.savez(place / "d.npz", x=X, t=T, classes=NAMES)
    np.savez(place / "flags.npz", x=X, t=T.astype(bool))
    np.savez(place / "one_hot.npz", x=X, t=np.eye(3, dtype=int)[np.arange(80) % 3])
    chainrule.train(config(str(place / "d.npz")), run=place / "run")
    return place


def test_rows_of_0_and_1_are_labels_without_a_key(place):
    run = chainrule.train(config(str(place / "d.npz")), save=False)
    assert (run.data.multi_label, run.data.classes) == (True, None)
    assert run.data.target_names == run.target_names == tuple(NAMES)
    x, t = run.data.test.x, run.data.test.t
    said = run.predict(x)
    assert said.dtype == np.int64
    assert np.array_equal(said, run.outputs(x) > 0.5)
    assert run.test.accuracy == pytest.approx(1 - metrics.hamming_loss(t, said))
    assert run.test.row_accuracy == pytest.approx(metrics.accuracy_score(t, said))
    macro = metrics.f1_score(t, said, average="macro", zero_division=0)
    assert run.test.f1 == pytest.approx(macro)
    assert [label.name for label in run.test.labels] == NAMES
    for column in ("accuracy", "row_accuracy", "f1"):
        assert (
            len(run.history[f"train_{column}"]) == len(run.history[f"validation_{column}"]) == 25
        )
    assert run.history["validation_f1"][-1] == run.validation.f1


def test_a_run_comes_back_with_its_labels(place):
    trained, run = (chainrule.load(place / "run") for _ in range(2))
    assert (run.multi_label, run.target_names, run.label_type) == (True, tuple(NAMES), "int")
    assert run.scores == trained.scores
    assert run.test.labels[0].name == "sun"
    again = run.evaluate(X, T)
    assert again == run.evaluate(X.tolist(), T.astype(bool).tolist())
    assert again.labels[0].cases == T[:, 0].sum()
    assert run.evaluate(run.data.test.x, run.data.test.t) == run.test


def test_truth_values_are_predicted_as_such(place):
    run = chainrule.train(config(str(place / "flags.npz")), save=False)
    assert run.predict(X).dtype == np.bool_
    assert run.target_names is None
    assert [label.name for label in run.train.labels] == ["label_1", "label_2", "label_3"]
    lost = run.predict([[0.0, np.nan, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert np.isnan(lost[0]).all()
    assert set(lost[1]) <= {0.0, 1.0}


def test_predictions_as_a_table_name_each_label(command, place):
    outcome = command("predict", place / "run", place / "d.npz")
    assert (outcome.status, outcome.err) == (0, "")
    header, *rows = csv.reader(StringIO(outcome.out))
    assert header == [*NAMES, *(f"probability of {name}" for name in NAMES)]
    run = chainrule.load(place / "run")
    assert [[int(cell) for cell in row[:3]] for row in rows] == run.predict(X).tolist()
    found = np.array([[float(cell) for cell in row[3:]] for row in rows])
    assert found == pytest.approx(run.outputs(X), rel=1e-6)


def test_every_label_has_its_line(command, place, tmp_path):
    """At the end of a training and in `evaluate`; a label that no case has is told."""
    t = T.copy()
    t[:, 2] = 0
    file = tmp_path / "none.npz"
    np.savez(file, x=X, t=t)
    outcome = command("evaluate", place / "run", file)
    table = [line.split() for line in outcome.out.splitlines() if line.strip()]
    assert ["data", "cases", "loss", "accuracy", "whole", "row", "F1"] in table
    assert [row[0] for row in table if row[0] in NAMES] == NAMES
    assert "(1 label that no case has counts as F1 0)" in outcome.out
    run = chainrule.load(place / "run").evaluate(X, t)
    assert f"{run.accuracy:.2%}" in outcome.out
    assert f"{run.row_accuracy:.2%}" in outcome.out
    (tmp_path / "c.yaml").write_text(json.dumps(config(str(place / "d.npz"))))
    outcome = command("train", tmp_path / "c.yaml", "--run", tmp_path / "r")
    assert "each label, in the test data:" in outcome.out
    assert "validation F1" in outcome.out


def test_one_hot_rows_stay_classes_and_that_is_said(place):
    file = str(place / "one_hot.npz")
    run = chainrule.train(config(file), save=False)
    assert run.classes == ("0", "1", "2")
    (note,) = run.data.notes
    assert "target: labels" in note
    run = chainrule.train(config(file, target="labels"), save=False)
    assert (run.classes, run.multi_label, run.data.notes) == (None, True, ())
    run = chainrule.train(config(file, loss="cross_entropy"), save=False)
    assert (run.classes, run.multi_label, run.data.notes) == (("0", "1", "2"), False, ())


def test_rows_that_are_values_say_what_labels_would_give(place):
    run = chainrule.train(config(str(place / "d.npz"), target="value"), save=False)
    assert (run.multi_label, run.test.accuracy) == (False, None)
    assert "target: labels" in run.data.notes[0]
    assert [target.name for target in run.test.targets] == NAMES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "cross_entropy"}, r"t\[0\]: .* sigmoid outputs and loss: binary_cross_entropy"),
        ({"loss": "cross_entropy", "target": "labels"}, "exclude each other; take sigmoid"),
        ({"loss": "hinge"}, "sigmoid outputs and loss: binary_cross_entropy"),
        ({"size": 4}, r"have 3 labels: sun, rain, snow .*write size 3"),
        ({"size": 1}, r"have 3 labels: sun, rain, snow .*write size 3"),
        ({"scale_targets": True}, "scale_targets is for targets that are values"),
        ({"target": "labels", "scale_targets": True}, "scale_targets is for targets that are"),
    ],
)
def test_what_does_not_fit_several_labels_names_what_does(place, change, message):
    t = T.copy()
    t[0] = [1, 1, 0]
    np.savez(place / "first.npz", x=X, t=t, classes=NAMES)
    with pytest.raises(ChainruleError, match=message):
        chainrule.train(config(str(place / "first.npz"), **change), save=False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(2, r"t\[5\]: label 2 in column 2; expected 0 or 1"), (0.25, "write target: value")],
)
def test_another_number_than_0_and_1_is_placed(tmp_path, wrong, message):
    t = T.astype(float)
    t[5, 1] = wrong
    np.savez(tmp_path / "d.npz", x=X, t=t)
    with pytest.raises(DataError, match=message) as caught:
        chainrule.train(config(str(tmp_path / "d.npz")), save=False)
    assert len(caught.value.problems) == 1
    np.savez(tmp_path / "d.npz", x=X, t=np.where(T, 7, 0))
    with pytest.raises(DataError) as caught:
        chainrule.train(config(str(tmp_path / "d.npz")), save=False)
    assert len(caught.value.problems) == 11
    assert f"and {np.count_nonzero(T) - 10} more" in str(caught.value.problems[-1])


def test_one_label_a_case_is_no_row(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, t=T[:, 0])
    with pytest.raises(DataError, match="takes a row of 0 and 1 for each case"):
        chainrule.train(config(str(tmp_path / "d.npz"), target="labels"), save=False)
    with pytest.raises(ConfigError, match="target: labels is for a file"):
        chainrule.train({"data": {"name": "iris", "target": "labels"}}, save=False)


def test_names_are_one_for_each_column(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, t=T, target_names=["a", "b"])
    with pytest.raises(DataError, match="target_names holds 2 names, but t has 3 columns"):
        chainrule.train(config(str(tmp_path / "d.npz")), save=False)


def test_a_reader_may_hand_over_sets_of_labels_with_their_names():
    """As a table whose cells hold lists, ``a|b``: sets even where every case has one label."""

    def place(case: int, message: str) -> Problem:
        return Problem(f"line {case + 2}: {message}")

    part = Labels(np.eye(2), place, columns=("a", "b"), are_sets=True)
    assert names_of_columns([part]) == ("a", "b")
    assert encode_label_sets([part])[0].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    wrong = Labels(np.array([[0, 1], [3, 0]]), place, columns=("a", "b"), are_sets=True)
    with pytest.raises(DataError, match="line 3: label 3 in 'a'; expected 0 or 1"):
        encode_label_sets([wrong])
    other = Labels(np.eye(2), place, columns=("a", "c"))
    with pytest.raises(DataError, match="the names of the targets differ"):
        names_of_columns([part, other])


def test_columns_of_a_table_are_labels_by_name(command, tmp_path):
    """In a table the place of another number has its column, and predictions the titles."""
    rows = [f"{a:.6f},{b:.6f},{int(a > 0)},{int(b > 0)}" for a, b in X[:, :2]]
    (tmp_path / "d.csv").write_text("\n".join(["a,b,warm,wet", *rows]))
    settings = config("d.csv", size=2, label=["warm", "wet"])
    (tmp_path / "c.yaml").write_text(json.dumps(settings))
    assert command("train", tmp_path / "c.yaml", "--run", tmp_path / "r", "--quiet").status == 0
    outcome = command("predict", tmp_path / "r", tmp_path / "d.csv")
    header = ["warm", "wet", "probability of warm", "probability of wet"]
    assert next(csv.reader(StringIO(outcome.out))) == header
    rows[3] = rows[3][:-1] + "2"
    (tmp_path / "d.csv").write_text("\n".join(["a,b,warm,wet", *rows]))
    outcome = command("evaluate", tmp_path / "r", tmp_path / "d.csv")
    assert outcome.status == 2
    column = len(rows[3])
    assert f"d.csv:5:{column}: label 2 in 'wet'; expected 0 or 1" in outcome.err


def test_images_are_shown_with_their_labels(tmp_path):
    from chainrule.cli.showing import picture
    from chainrule.data.sources import load_data

    x, t = RNG.random((6, 4, 4)), np.array([[1, 1, 0], [0, 0, 0]] * 3)
    np.savez(tmp_path / "d.npz", x=x, t=t, classes=NAMES)
    settings = {"file": "d.npz", "split": [1, 0, 0], "target": "labels"}
    data = load_data(settings, folder=tmp_path, seed=1)
    figure = picture(data, data.train, "weather", 6)
    assert {axes.get_title() for axes in figure.axes} >= {"sun, rain", "-"}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_trains_on_them(place, engine):
    settings = config(str(place / "d.npz"))
    if not ENGINES.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    settings["training"] |= {"epochs": 2, "engine": engine}
    run = chainrule.train(settings, save=False)
    settings["training"]["engine"] = "numpy"
    expected = chainrule.train(settings, save=False)
    assert run.test.figures == pytest.approx(expected.test.figures, rel=1e-9)


@pytest.mark.parametrize("of_steps", [False, True])
def test_sequences_may_have_several_labels(tmp_path, of_steps):
    """One row of labels a case, or one a step; padding has none."""
    x = RNG.normal(size=(30, 5, 2))
    t = (x > 0).astype(float) if of_steps else (x[:, 0] > 0).astype(float)
    np.savez(tmp_path / "s.npz", x=x, t=t, lengths=np.full(30, 4), classes=["up", "down"])
    recurrent = {"type": "recurrent", "size": 4, "outputs": "all" if of_steps else "last"}
    settings = config(str(tmp_path / "s.npz"), size=2)
    settings["network"]["layers"][0] = recurrent
    run = chainrule.train(settings, run=tmp_path / "r")
    assert (run.multi_label, run.target_names) == (True, ("up", "down"))
    said = chainrule.load(tmp_path / "r").predict(x)
    assert said.shape == t.shape
    if of_steps:
        padded = np.where(np.arange(5)[None, :, None] < 4, t, np.nan)
        assert run.evaluate(np.where(np.isnan(padded), np.nan, x), padded).labels[0].cases == int(
            t[:, :4, 0].sum()
        )


def test_evaluate_refuses_what_are_no_labels(place):
    run = chainrule.load(place / "run")
    with pytest.raises(DataError, match=r"t\[1\]: label 2 in column 1"):
        run.evaluate(X[:2], [[0, 1, 0], [2, 0, 0]])
    with pytest.raises(ShapeError, match="3"):
        run.evaluate(X[:2], [[0, 1], [1, 0]])
    with pytest.raises(DataError, match="rows of text"):
        run.evaluate(X[:2], [["a", "b", "c"], ["a", "b", "c"]])


@pytest.mark.parametrize(
    ("t", "names", "message"),
    [
        (np.arange(30) % 2, ["up", "down"], "takes rows of 0 and 1, found one label each"),
        (np.full((30, 2), 0.5), ["up", "down"], r"t\[0, 0\] is 0.5; expected 0 or 1"),
        (np.ones((30, 2)), ["up"], "names 1 targets, but t has 2 columns"),
    ],
)
def test_sequences_without_sets_of_labels_are_refused(tmp_path, t, names, message):
    x = RNG.normal(size=(30, 5, 2))
    np.savez(tmp_path / "s.npz", x=x, t=t, lengths=np.full(30, 4), target_names=names)
    settings = config(str(tmp_path / "s.npz"), size=2, target="labels")
    settings["network"]["layers"][0] = {"type": "recurrent", "size": 4, "outputs": "last"}
    with pytest.raises(DataError, match=message):
        chainrule.train(settings, save=False)

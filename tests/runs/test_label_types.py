"""Predictions have the type that the labels have in the data."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule.core.errors import ChainruleError, DataError, ShapeError
from chainrule.data.readers.encoding import has_type, typed_labels
from chainrule.runs.run_folder import RunFolder

# Some tests evaluate a run on the data that it was trained on, of which it warns.
pytestmark = pytest.mark.filterwarnings("ignore:of the .* cases:chainrule.core.errors.DataWarning")

RNG = np.random.default_rng(2)
NUMBERS = np.arange(60) % 3
X = RNG.normal(0, 0.3, size=(60, 2)) + 3 * np.eye(3)[NUMBERS][:, :2]


def trained(data: dict, layers: list | None = None, **options):
    settings = {
        "network": {"layers": layers or [{"size": 3}, "softmax"]},
        "data": data,
        "training": {"epochs": 20, "batch_size": 8},
    }
    return chainrule.train(settings, **{"save": False, **options})


def npz(place, t, **arrays) -> dict:
    np.savez(place / "d.npz", x=X, t=t, **arrays)
    return {"file": str(place / "d.npz")}


def csv_of(place, labels) -> dict:
    rows = [f"{a!r},{b!r},{label}" for (a, b), label in zip(X.tolist(), labels, strict=True)]
    (place / "d.csv").write_text("\n".join(["a,b,kind", *rows]))
    return {"file": str(place / "d.csv")}


@pytest.mark.parametrize(
    ("t", "arrays", "type_", "dtype", "labels"),
    [
        (NUMBERS, {}, "int", np.int64, {0, 1, 2}),
        (NUMBERS.astype(np.uint8), {}, "int", np.int64, {0, 1, 2}),
        (NUMBERS.astype(float), {}, "float", np.float64, {0.0, 1.0, 2.0}),
        (np.eye(3)[NUMBERS], {}, "int", np.int64, {0, 1, 2}),
        (np.eye(3, dtype=bool)[NUMBERS], {}, "int", np.int64, {0, 1, 2}),
        (np.array(list("abc"))[NUMBERS], {}, "text", None, {"a", "b", "c"}),
        (np.array(["1", "2", "03"])[NUMBERS], {}, "text", None, {"1", "2", "03"}),
        (NUMBERS, {"classes": ["a", "b", "c"]}, "text", None, {"a", "b", "c"}),
        (NUMBERS, {"classes": [3, 5, 8]}, "int", np.int64, {3, 5, 8}),
    ],
)
def test_an_array_gives_its_own_type(tmp_path, t, arrays, type_, dtype, labels):
    run = trained(npz(tmp_path, t, **arrays), run=tmp_path / "r", save=True)
    assert run.data.label_type == run.label_type == type_
    for found in (run.predict(X), chainrule.load(tmp_path / "r").predict(X)):
        assert set(found.tolist()) == labels
        assert found.dtype == dtype or found.dtype.kind == "U"
    if type_ != "text":
        whole = sorted(labels) if arrays else [0, 1, 2]
        assert np.mean(run.predict(X) == np.array(whole)[NUMBERS]) > 0.8


def test_truth_values_stay_truth_values(tmp_path):
    data = npz(tmp_path, NUMBERS > 0) | {"target": "class"}
    one = [{"size": 1, "activation": "sigmoid"}]
    run = trained(data, one, run=tmp_path / "r", save=True)
    assert (run.label_type, run.classes) == ("bool", ("0", "1"))
    assert chainrule.load(tmp_path / "r").predict(X).dtype == np.bool_
    assert run.evaluate(X, NUMBERS > 0).accuracy == np.mean(run.predict(X) == (NUMBERS > 0))


@pytest.mark.parametrize(
    ("words", "listed", "type_", "header"),
    [
        (["0", "1", "2"], None, "int", ["class", "0", "1", "2"]),
        (["5", "7", "-9"], ["5", "7", "-9"], "int", ["class", "5", "7", "-9"]),
        (["0.5", "1.5", "2.5"], ["0.5", "1.5", "2.5"], "float", ["class", "0.5", "1.5", "2.5"]),
        (["no", "yes", "?!"], None, "text", ["class", "?!", "no", "yes"]),
    ],
)
def test_a_table_of_predictions_writes_them_as_in_the_file(
    command, tmp_path, words, listed, type_, header
):
    labels = np.array(words)[NUMBERS]
    data = csv_of(tmp_path, labels) | ({} if listed is None else {"classes": listed})
    run = trained(data, run=tmp_path / "r", save=True)
    assert run.label_type == type_
    found = list(csv.reader(StringIO(command("predict", tmp_path / "r", data["file"]).out)))
    assert found[0] == header
    assert {row[0] for row in found[1:]} <= set(words)
    assert np.mean([row[0] for row in found[1:]] == labels) > 0.8


@pytest.mark.parametrize(
    ("data", "type_"),
    [
        ({"generator": "xor", "count": 40}, "int"),
        ({"generator": "shapes", "count": 40, "height": 10, "width": 10}, "text"),
        ({"name": "iris"}, "text"),
        ({"name": "digits"}, "int"),
        ({"generator": "parity", "count": 40}, "int"),
    ],
)
def test_generators_and_named_sets(data, type_):
    layers = {
        "parity": [{"type": "recurrent", "size": 3, "outputs": "last"}, {"size": 2}, "softmax"],
        "xor": [{"size": 2}, "softmax"],
        "digits": [{"size": 10}, "softmax"],
        "iris": [{"size": 3}, "softmax"],
    }
    if data.get("generator") == "shapes":
        from chainrule.data.sources import load_data

        found = load_data(data, folder=Path(), seed=1)
        assert found.label_type == type_
        return
    run = trained(data, layers[data.get("name") or data["generator"]])
    assert run.label_type == type_
    assert (run.predict(run.data.test.x).dtype == np.int64) == (type_ == "int")


def test_where_an_output_is_no_number_whole_numbers_become_floats(tmp_path):
    run = trained(npz(tmp_path, NUMBERS))
    found = run.predict([[np.nan, 0.0], [0.0, 0.0]])
    assert found.dtype == np.float64
    assert np.isnan(found[0])
    assert found[1] in (0.0, 1.0, 2.0)
    run = trained(npz(tmp_path, np.array(list("abc"))[NUMBERS]))
    assert run.predict([[np.nan, 0.0], [0.0, 0.0]])[0] == ""


def test_evaluate_takes_labels_of_every_spelling(tmp_path):
    """As in the data, as numbers of the classes, as names, and as one-hot rows."""
    run = trained(npz(tmp_path, NUMBERS, classes=["a", "b", "c"]))
    names = np.array(["a", "b", "c"])[NUMBERS]
    expected = run.evaluate(X, names)
    assert expected.accuracy == np.mean(run.predict(X) == names)
    spellings = [names.tolist(), names.astype(object), NUMBERS, np.eye(3)[NUMBERS]]
    for t in [*spellings, [f" {name}" for name in names]]:
        assert run.evaluate(X, t) == expected
    part = run.data.test
    assert run.evaluate(part.x, part.t) == run.test


@pytest.mark.parametrize(
    ("t", "error", "message"),
    [
        (["a", "B", "c"], DataError, r"t\[1\]: label 'B' is outside the 3 classes a, b, c; did"),
        ([0, 1, 3], DataError, r"t\[2\]: label '3' is outside"),
        ([0, 1], ShapeError, "3 cases have 2 targets"),
        (3, DataError, "targets are one a case, found 3"),
        ([1j, 0, 0], DataError, "targets are one a case"),
        ([[1, 0, 0], [1, 1, 0], [0, 0, 1]], DataError, r"t\[1\]: a target row of classes"),
    ],
)
def test_evaluate_places_what_is_no_label(tmp_path, t, error, message):
    run = trained(npz(tmp_path, NUMBERS, classes=["a", "b", "c"]))
    with pytest.raises(error, match=message):
        run.evaluate(X[:3], t)


def test_evaluate_is_the_score_of_the_command(command, tmp_path):
    data = csv_of(tmp_path, NUMBERS)
    run = trained(data, run=tmp_path / "r", save=True)
    outcome = command("evaluate", tmp_path / "r", data["file"])
    score = run.evaluate(X, NUMBERS)
    assert f"{score.loss:.5g}" in outcome.out
    assert f"{score.accuracy:.2%}" in outcome.out


def test_older_runs_predict_texts(tmp_path):
    trained(npz(tmp_path, NUMBERS), run=tmp_path / "r", save=True)
    files = RunFolder(tmp_path / "r")
    facts = json.loads(files.facts.read_text())
    new = ("label_type", "target_names", "target_scaling", "multi_label")
    files.facts.write_text(json.dumps({k: v for k, v in facts.items() if k not in new}))
    run = chainrule.load(tmp_path / "r")
    assert set(run.predict(X)) == {"0", "1", "2"}
    assert (run.target_names, run.target_scaling, run.multi_label) == (None, None, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label_type": "int", "classes": ["a", "b", "c"]}, "no label of the type int"),
        ({"label_type": "number"}, "label_type"),
        ({"target_names": ["a"]}, "found 1 names of targets, but the network has 3 outputs"),
        ({"target_names": ["a", "b", "\x1b"]}, "control characters"),
        ({"target_scaling": True}, "target_scaling.safetensors: there is no such file"),
        ({"multi_label": 3}, "multi_label"),
        ({"multi_label": True}, "classes and several labels"),
    ],
)
def test_facts_that_do_not_fit_each_other_are_refused(tmp_path, change, message):
    trained(npz(tmp_path, NUMBERS), run=tmp_path / "r", save=True)
    files = RunFolder(tmp_path / "r")
    files.facts.write_text(json.dumps(json.loads(files.facts.read_text()) | change))
    with pytest.raises(ChainruleError, match=message):
        chainrule.load(tmp_path / "r")


@given(st.lists(st.integers(-(10**17), 10**17), min_size=1))
def test_whole_numbers_come_back_as_they_were(numbers):
    names = list(map(str, numbers))
    assert has_type(names, "int")
    assert typed_labels(names, "int").tolist() == numbers


@given(st.text(max_size=25), st.sampled_from(["int", "float", "bool", "text"]))
def test_a_name_of_a_type_can_be_converted(name, type_):
    if has_type([name], type_):
        (label,) = typed_labels([name], type_)
        assert type_ == "text" or float(label) == float(name) or name.lower().strip("-+") == "nan"

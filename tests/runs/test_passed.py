"""Data that are passed in Python: to train, to a trained run, and as the same data in a file."""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule
from chainrule.core.errors import ChainruleError, ConfigError, DataError, DataWarning, ShapeError
from chainrule.data.dataset import Dataset
from chainrule.data.tables.table import Table, column_of

ROWS = 60
RNG = np.random.default_rng(3)
NUMBERS = RNG.normal(size=(ROWS, 3)).round(3)
CITIES = np.array(["Oslo", "Bergen", "Rom"])[RNG.integers(0, 3, ROWS)]
BOUGHT = np.where(NUMBERS[:, 0] + (CITIES == "Rom") > 0, "yes", "no")
COLUMNS = {
    "a": NUMBERS[:, 0].tolist(),
    "b": NUMBERS[:, 1].tolist(),
    "city": CITIES.tolist(),
    "c": NUMBERS[:, 2].tolist(),
    "bought": BOUGHT.tolist(),
}
INPUTS = {name: cells for name, cells in COLUMNS.items() if name != "bought"}


def config(data: dict[str, Any] | None = None, size: int = 2, **network: Any) -> dict[str, Any]:
    last = ["softmax"] if size > 1 and not network else []
    parts = {
        "network": {"layers": [{"size": 4}, {"size": size}, *last], **network},
        "training": {"epochs": 3, "batch_size": 8},
    }
    return parts if data is None else {**parts, "data": data}


def trained(data: Any, settings: dict[str, Any] | None = None, **more: Any) -> chainrule.Run:
    return chainrule.train(config(settings), data=data, save=False, **more)


def library(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed")


FRAMES = {
    "mapping": dict,
    "records": lambda columns: [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ],
    "table": lambda columns: Table(tuple(column_of(k, v) for k, v in columns.items())),
    "pandas": lambda columns: library("pandas").DataFrame(columns),
    "polars": lambda columns: library("polars").DataFrame(columns),
    "pyarrow": lambda columns: library("pyarrow").table(columns),
    "records of numpy": lambda columns: np.rec.fromarrays(
        [np.array(cells) for cells in columns.values()], names=list(columns)
    ),
}
every_frame = pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)


def write_csv(path: Path, columns: dict[str, list[Any]]) -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def of_csv(tmp_path_factory) -> chainrule.Run:
    """A run that was trained on the table in a file."""
    path = write_csv(tmp_path_factory.mktemp("csv") / "people.csv", COLUMNS)
    return chainrule.train(
        config({"file": str(path), "label": "bought", "standardize": True}), save=False
    )


@cache
def people() -> chainrule.Run:
    """A run that was trained on the table in memory."""
    return trained(COLUMNS, {"label": "bought", "standardize": True})


def same(run: chainrule.Run, other: chainrule.Run) -> bool:
    return np.array_equal(run.network.theta, other.network.theta) and run.scores == other.scores


# Training


@every_frame
def test_a_frame_trains_as_the_same_table_in_a_file(of_csv, frame):
    run = trained(frame(COLUMNS), {"label": "bought", "standardize": True})
    assert same(run, of_csv)
    assert run.classes == ("no", "yes")
    assert run.data.feature_names == of_csv.data.feature_names


@every_frame
def test_inputs_and_labels_apart_train_as_one_frame(of_csv, frame):
    for t in (BOUGHT, BOUGHT.tolist(), BOUGHT.astype(object)):
        run = trained((frame(INPUTS), t), {"standardize": True})
        assert same(run, of_csv)
        assert run.config.data["label"] == ["target"]


def test_the_source_of_the_configuration_is_replaced_and_its_other_keys_hold():
    file = {"file": "absent.csv", "header": True, "delimiter": ";", "validation_file": "no.csv"}
    run = trained(COLUMNS, {**file, "label": "bought", "drop": ["city", "c"]})
    assert run.data.feature_names == ("a", "b")
    assert list(run.config.data) == ["python", "split", "standardize", "label", "drop"]
    made = {"generator": "moons", "noise": 0.1, "standardize": True}
    assert trained((NUMBERS, BOUGHT), made).config.data["python"] == "arrays"
    assert trained((NUMBERS, BOUGHT)).data.feature_names is None


@pytest.mark.parametrize("key", ["lable", "nois", "haeder"])
def test_unknown_keys_are_still_refused(key):
    for kind in ({"file": "a.csv"}, {"generator": "moons"}, {}):
        with pytest.raises(ConfigError, match=f"unknown key '{key}'"):
            trained(COLUMNS, {**kind, key: 1})


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool"])
def test_arrays_of_numbers_train_as_the_same_numbers_in_a_table(dtype):
    x = (NUMBERS * 3).astype(dtype)
    named = {name: x[:, k] for k, name in enumerate("abc")}
    assert same(trained((x, BOUGHT)), trained((named, BOUGHT)))
    assert same(trained((x, BOUGHT)), trained((x.tolist(), BOUGHT.tolist())))


def test_a_single_array_has_its_label_in_the_last_column():
    whole = np.column_stack([NUMBERS, BOUGHT == "yes"])
    assert same(trained(whole), trained((NUMBERS, BOUGHT == "yes")))
    assert same(trained(whole, {"label": 4}), trained(whole))


def test_missing_cells_and_texts_of_an_array_are_encoded_as_those_of_a_table():
    x = NUMBERS.copy()
    x[::7, 1] = np.nan
    run = trained((x, BOUGHT), {"missing": "median"})
    assert [column.on_missing for column in run.encoding.inputs] == ["median"] * 3
    assert np.isfinite(run.data.train.x).all()
    masked = np.ma.array(NUMBERS, mask=np.isnan(x))
    assert same(trained((masked, BOUGHT), {"missing": "median"}), run)
    mixed = np.column_stack([NUMBERS.astype(object), CITIES])
    assert trained((mixed, BOUGHT)).data.feature_names[3:] == (
        "column_4=Bergen", "column_4=Oslo", "column_4=Rom",
    )  # fmt: skip


def test_weights_are_a_third_part():
    weights = RNG.integers(0, 4, ROWS)
    frame = {**COLUMNS, "w": weights}
    expected = trained(frame, {"label": "bought", "weight": "w"})
    for x in (INPUTS, np.column_stack([list(cells) for cells in INPUTS.values()]).astype(object)):
        run = trained((x, BOUGHT, weights))
        assert np.array_equal(run.data.train.weights, expected.data.train.weights)
    assert same(trained((INPUTS, BOUGHT, weights)), expected)
    plain = trained((NUMBERS, BOUGHT, weights))
    assert plain.data.train.weights.sum() > 0
    assert plain.config.data["python"] == "arrays"


def test_validation_and_test_data_of_their_own():
    first, second, third = ({k: v[s] for k, v in COLUMNS.items()} for s in (
        slice(30), slice(30, 45), slice(45, None)))  # fmt: skip
    apart = {k: v for k, v in second.items() if k != "bought"}, second["bought"]
    run = trained(first, {"label": "bought"}, validation=apart, test=third)
    assert list(map(len, run.data)) == [30, 15, 15]
    assert run.config.data["split"] == [1.0, 0.0, 0.0]
    arrays = trained((NUMBERS[:40], BOUGHT[:40]), test=(NUMBERS[40:], BOUGHT[40:]))
    assert len(arrays.data.test) == 20
    assert arrays.config.data["test_python"] == "arrays"
    with pytest.raises(ConfigError, match="the test part of split must be 0: test= gives it"):
        trained(first, {"label": "bought", "split": [0.6, 0.2, 0.2]}, test=third)
    with pytest.raises(DataError, match=r"validation's x has cases of the shape \(2,\)"):
        trained((NUMBERS, BOUGHT), validation=(NUMBERS[:, :2], BOUGHT))


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 1), (6, 5, 3), (3, 6, 5)])
def test_images_of_every_order_of_channels(shape):
    x = RNG.random((ROWS, *shape)).astype(np.float32)
    run = trained((x, BOUGHT))
    height_first = x if shape != (3, 6, 5) else x.transpose(0, 2, 3, 1)
    assert run.data.image_shape == tuple(n for n in height_first.shape[1:] if n != 1)
    assert run.predict(x).shape == (ROWS,)
    if 3 in shape:  # a network of rows is given the order that it was trained on
        other = x.transpose(0, 3, 1, 2) if shape[2] == 3 else height_first
        assert np.array_equal(run.outputs(other), run.outputs(x))
    layers = [{"type": "conv2d", "filters": 2, "size": 3}, "flatten", {"size": 2}, "softmax"]
    conv = chainrule.train({"network": {"layers": layers}}, data=(x, BOUGHT), save=False,
                           overrides=["training.epochs=1"])  # fmt: skip
    expected = conv.outputs(np.moveaxis(np.atleast_3d(height_first[0]), -1, 0)[None])
    assert np.array_equal(conv.outputs(x[:1]), expected)


def test_sequences_with_targets_of_every_kind():
    x = RNG.normal(size=(ROWS, 5, 2))
    layer = {"type": "recurrent", "size": 3, "activation": "tanh"}
    names = {"layers": [{**layer, "outputs": "last"}, {"size": 2}, "softmax"]}
    run = chainrule.train({"network": names, "training": {"epochs": 1}}, data=(x, BOUGHT),
                          validation=(x, BOUGHT), save=False)  # fmt: skip
    assert run.data.sequence_shape == (5, 2)
    assert run.classes == ("no", "yes")
    steps = {"loss": "mse", "layers": [layer, {"size": 1}]}
    parts = {"network": steps, "training": {"epochs": 1}}
    values = chainrule.train(parts, data=(x, x[:, :, :1]), save=False)
    assert values.predict(x).shape == (ROWS, 5, 1)
    for bad, message in ((NUMBERS, "has the shape"), (INPUTS, "data is a table")):
        with pytest.raises(DataError, match=message):
            chainrule.train(parts, data=(bad, np.ones(ROWS)), save=False)


# Types of labels


@pytest.mark.parametrize(
    ("t", "kind"),
    [
        ((NUMBERS[:, 0] > 0).astype(int), "int"),
        (NUMBERS[:, 0] > 0, "bool"),
        (BOUGHT, "text"),
        (np.where(NUMBERS[:, 0] > 0, 1.0, 0.0), "int"),
    ],
)
def test_predictions_have_the_type_of_the_labels(t, kind):
    for x in (NUMBERS, dict(zip("abc", NUMBERS.T, strict=True))):
        run = trained((x, t))
        assert run.label_type == kind
        if kind != "int" or t.dtype.kind == "i":
            assert run.predict(x).dtype.kind == t.dtype.kind


def test_one_hot_rows_values_and_several_labels():
    one_hot = np.eye(3)[NUMBERS.argmax(axis=1)]
    for x in (NUMBERS, dict(zip("abc", NUMBERS.T, strict=True))):
        run = chainrule.train(config(size=3), data=(x, one_hot), save=False)
        assert run.classes == ("0", "1", "2")
        assert run.predict(x).dtype.kind == "i"
    values = chainrule.train(
        config(size=2, loss="mse"), data=(NUMBERS, NUMBERS[:, :2]), save=False
    )
    assert values.predict(NUMBERS).shape == (ROWS, 2)
    labels = {"p": (NUMBERS[:, 0] > 0).astype(int), "q": (NUMBERS[:, 1] > 0).astype(int)}
    layers = [{"size": 2, "activation": "sigmoid"}]
    several = chainrule.train(
        {"network": {"layers": layers, "loss": "binary_cross_entropy"}},
        data=(NUMBERS, labels),
        save=False,
    )
    assert several.multi_label
    assert several.predict(NUMBERS).shape == (ROWS, 2)


# What is refused


class Sparse:
    """As SciPy's sparse matrices look from outside."""

    nnz, shape = 3, (ROWS, 3)

    def toarray(self) -> np.ndarray: ...


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((NUMBERS, BOUGHT[:5]), "x has 60 cases, and t has 5"),
        ((NUMBERS,), "found a tuple of 1; expected"),
        ((NUMBERS, None), "t is None"),
        ((Sparse(), BOUGHT), r"a sparse matrix is not read; x.toarray\(\)"),
        ((np.full((ROWS, 2), np.inf), BOUGHT), "is inf; expected finite"),
        (({"a": np.full(ROWS, -np.inf)}, BOUGHT), "column 'a', row 0: expected a finite number"),
        ((NUMBERS.astype(complex), BOUGHT), "complex"),
        ((np.ones((ROWS, 2, 2, 2, 2)), BOUGHT), "has shape"),
        ((3, BOUGHT), "x is a single value"),
        ((NUMBERS, [*BOUGHT[:-1], None]), r"t\[59\]: the label is missing"),
        ((NUMBERS, BOUGHT, -np.ones(ROWS)), "weights are finite and at least 0"),
        ((NUMBERS, BOUGHT, np.zeros(ROWS)), "all weights are 0"),
        (({**INPUTS, "y": BOUGHT}, {"y": BOUGHT}), "x and t both have a column 'y'"),
        ("people.csv", "'people.csv' is a text; the name of a file"),
        (object(), "data: "),
        ([NUMBERS, BOUGHT], "data: "),
    ],
)
def test_what_is_no_data_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        trained(data)


def test_settings_that_do_not_fit_what_is_passed_are_refused():
    images = RNG.random((ROWS, 4, 4))
    with pytest.raises(ConfigError, match="missing is for tables; the data that are passed are"):
        trained((images, BOUGHT), {"missing": "mean"})
    with pytest.raises(ConfigError, match="label names the column 'bought' of x, but t holds"):
        trained((COLUMNS, BOUGHT), {"label": "bought"})
    with pytest.raises(DataError, match="data= is missing"):
        chainrule.train(config(), validation=COLUMNS, save=False)
    shared = people().data
    with pytest.raises(DataError, match="a DataSplit has parts of its own"):
        trained(shared, test=COLUMNS)


def test_rows_of_pandas_in_another_order_are_refused():
    pandas = library("pandas")
    x = pandas.DataFrame(INPUTS)
    t = pandas.Series(BOUGHT, name="bought")
    assert same(trained((x, t)), trained((x, BOUGHT)))
    with pytest.raises(DataError, match="the same index in two orders"):
        trained((x, t.sample(frac=1, random_state=0)))
    other = pandas.Series(BOUGHT, index=np.arange(ROWS) + 1000)
    assert same(trained((x, other)), trained((x, t)))


# A trained run


@every_frame
@given(order=st.permutations(list(COLUMNS)))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_columns_of_every_order_predict_the_same(of_csv, frame, order):
    shuffled = frame({name: COLUMNS[name] for name in order})
    run = people()
    assert np.array_equal(run.outputs(shuffled), run.outputs(COLUMNS))
    assert np.array_equal(of_csv.outputs(shuffled), run.outputs(COLUMNS))
    without = frame({name: COLUMNS[name] for name in order if name != "bought"})
    assert run.predict(without).tolist() == run.predict(COLUMNS).tolist()


def test_a_file_predicts_as_the_frame_it_was_written_from(tmp_path, command):
    run = chainrule.train(
        config({"label": "bought", "standardize": True}), data=COLUMNS, run=tmp_path / "run"
    )
    path = write_csv(tmp_path / "people.csv", COLUMNS)
    out = tmp_path / "out.csv"
    assert command("predict", tmp_path / "run", path, "--out", out).status == 0
    classes = [line.split(",")[0] for line in out.read_text().splitlines()[1:]]
    assert classes == run.predict(COLUMNS).tolist()
    assert "42 were trained on" in command("evaluate", tmp_path / "run", path).err


def test_one_row_is_a_mapping():
    run = people()
    row = {name: cells[4] for name, cells in INPUTS.items()}
    assert run.predict(row).tolist() == run.predict(COLUMNS)[4:5].tolist()
    assert run.outputs([row])[0] == pytest.approx(run.outputs(COLUMNS)[4], rel=1e-12)
    with pytest.raises(DataError, match="the column 'city', an input, is missing"):
        run.predict({k: v for k, v in row.items() if k != "city"})


def test_a_row_of_pandas_is_one_case():
    frame = library("pandas").DataFrame(COLUMNS)
    assert people().predict(frame.iloc[4]).tolist() == people().predict(frame)[4:5].tolist()


def test_plain_arrays_go_by_position():
    run = people()
    x = np.column_stack([np.array(cells, dtype=object) for cells in INPUTS.values()])
    with pytest.warns(DataWarning, match="no names: the columns are taken by position as a, b"):
        assert np.array_equal(run.outputs(x), run.outputs(COLUMNS))
    with pytest.raises(ShapeError, match=r"\(cases, 4\) with the columns a, b, city, c; found"):
        run.predict(x[:, :2])
    numbers = trained({**dict(zip("abc", NUMBERS.T, strict=True)), "y": BOUGHT})
    assert np.array_equal(numbers.outputs(NUMBERS), numbers.outputs({"c": NUMBERS[:, 2],
        "a": NUMBERS[:, 0], "b": NUMBERS[:, 1]}))  # fmt: skip


def test_an_array_of_columns_in_another_order_than_the_inputs_goes_by_the_tables_order():
    table = {**dict(zip("abc", NUMBERS.T, strict=True)), "y": BOUGHT}
    run = trained(table, {"columns": ["c", "a", "b"]})
    with pytest.warns(DataWarning, match="by position as a, b, c"):
        assert np.array_equal(run.outputs(NUMBERS), run.outputs(table))


def test_a_run_of_arrays_takes_frames_of_as_many_numbers():
    run = trained((NUMBERS, BOUGHT))
    assert np.array_equal(
        run.outputs(dict(zip("abc", NUMBERS.T, strict=True))), run.outputs(NUMBERS)
    )
    with pytest.raises(DataError, match="column 'c', row 0: a number is expected"):
        run.predict({"a": [1.0], "b": [2.0], "c": ["x"]})
    with pytest.raises(ShapeError):
        run.predict({"a": [1.0], "b": [2.0]})


def test_new_data_are_told_of_and_faults_are_placed():
    run = people()
    with pytest.warns(DataWarning, match="extra of no use") as caught:
        run.predict({**COLUMNS, "extra": COLUMNS["a"]})
    assert caught[0].filename == __file__
    holes = {**COLUMNS, "b": [None, *COLUMNS["b"][1:]]}
    with pytest.warns(DataWarning, match=r"filled in.*1 in b \(mean"):
        run.predict(holes)
    with pytest.raises(DataError, match="column 'city', row 1: new category 'Paris'"):
        run.predict({**COLUMNS, "city": ["Rom", "Paris", *CITIES[2:]]})
    other = trained(COLUMNS, {"label": "bought", "new_categories": "other"})
    with pytest.warns(DataWarning, match="1 cell of city: a category that training has not"):
        other.predict({**COLUMNS, "city": ["Paris", *CITIES[1:]]})
    with pytest.raises(DataError, match="a sparse matrix"):
        run.predict(Sparse())


def test_numbers_in_texts_are_numbers_as_they_are_in_a_file(of_csv):
    texts = {**COLUMNS, "a": list(map(str, COLUMNS["a"]))}
    run = trained(texts, {"label": "bought", "standardize": True})
    assert same(run, of_csv)
    assert any("texts are taken as numbers: a" in note for note in run.data.notes)
    with pytest.warns(DataWarning, match="texts are taken as numbers: a"):
        assert np.array_equal(people().outputs(texts), people().outputs(COLUMNS))
    codes = {"code": ["007", "010", "1", "2"] * 15, "y": BOUGHT}
    assert trained(codes).data.feature_names[0] == "code=007"


@pytest.mark.filterwarnings("ignore:of the 60 cases")
def test_evaluate_takes_the_labels_in_the_frame_or_beside_it():
    run = people()
    expected = run.evaluate(COLUMNS)
    assert expected.accuracy == np.mean(run.predict(COLUMNS) == BOUGHT)
    for t in (BOUGHT, BOUGHT.tolist(), {"bought": BOUGHT}, (BOUGHT == "yes").astype(int)):
        assert run.evaluate(INPUTS, t) == expected
        assert run.evaluate((INPUTS, t)) == expected
    weights = np.arange(1.0, ROWS + 1)
    assert run.evaluate((INPUTS, BOUGHT, weights)) == run.evaluate(INPUTS, BOUGHT, weights)
    assert run.evaluate(COLUMNS, weights=weights) == run.evaluate(INPUTS, BOUGHT, weights)
    with pytest.raises(DataError, match=r"x holds no labels \(bought\)"):
        run.evaluate(INPUTS)
    with pytest.raises(DataError, match="evaluate takes"):
        run.evaluate((INPUTS, BOUGHT), BOUGHT)
    plain = trained((NUMBERS, BOUGHT))
    assert plain.evaluate(Dataset(NUMBERS, (BOUGHT == "yes").astype(int))).cases == ROWS


def test_evaluate_knows_what_was_trained_on():
    run = people()
    with pytest.warns(DataWarning, match="of the 60 cases 42 were trained on and 12 were valid"):
        run.evaluate(COLUMNS)
    new = {**COLUMNS, "a": [value + 1 for value in COLUMNS["a"]]}
    with warnings.catch_warnings(action="error"):
        assert run.evaluate(new).cases == ROWS


# Saved runs


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "run"
    chainrule.train(config({"label": "bought"}), data=COLUMNS, run=folder)
    return folder


def test_a_loaded_run_takes_frames_by_name(saved):
    run = chainrule.load(saved)
    assert run.config.data["python"] == "table"
    expected = trained(COLUMNS, {"label": "bought"})
    assert np.array_equal(run.outputs(COLUMNS), expected.outputs(COLUMNS))


def test_data_that_are_in_no_file_cannot_be_read_again(saved, command):
    with pytest.raises(DataError, match="this run's data were passed in Python"):
        _ = chainrule.load(saved).data
    with pytest.raises(DataError, match="pass them again, or write file:"):
        chainrule.train(saved / "config.yaml", save=False)
    assert "name a FILE" in command("evaluate", saved).err
    assert "pass them again" in command("train", saved / "config.yaml").err


def test_a_saved_configuration_trains_on_data_that_are_passed_again(saved):
    again = chainrule.train(saved / "config.yaml", data=COLUMNS, save=False)
    assert same(again, chainrule.load(saved))


def test_a_run_goes_on_with_the_same_data_alone(tmp_path):
    whole = trained(COLUMNS, {"label": "bought"}, overrides=["training.epochs=6"])
    chainrule.train(config({"label": "bought"}), data=COLUMNS, run=tmp_path / "r")
    more = {"run": tmp_path / "r", "resume": True, "overrides": ["training.epochs=6"]}
    other = {**COLUMNS, "a": COLUMNS["b"]}
    with pytest.raises(DataError, match="are not those that the run"):
        chainrule.train(config({"label": "bought"}), data=other, **more)
    run = chainrule.train(config({"label": "bought"}), data=COLUMNS, **more)
    assert np.array_equal(run.network.theta, whole.network.theta)


def test_tensors_train_as_arrays():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x, t = torch.tensor(NUMBERS), torch.tensor(BOUGHT == "yes").long()
    assert same(trained((x, t)), trained((NUMBERS, (BOUGHT == "yes").astype(int))))
    with pytest.raises(ChainruleError, match="sparse tensor"):
        trained((x.to_sparse(), t))
    assert importlib.util.find_spec("torch") is not None


# Sweeps and comparisons, whose trainings are processes of their own


@pytest.mark.exhaustive
def test_a_sweep_trains_every_trial_on_the_data_that_are_passed(tmp_path):
    rates = {"network.learning_rate": [0.1, 0.5]}
    for name, data in (("arrays", (NUMBERS, BOUGHT)), ("table", (INPUTS, BOUGHT))):
        found = chainrule.sweep(config(), rates, data=data, jobs=1, folder=tmp_path / name)
        for trial in found.trials:
            rate = trial.values["network.learning_rate"]
            run = trained(data, overrides=[f"network.learning_rate={rate}"])
            assert trial.scores["validation_loss"] == run.validation.loss
    with pytest.raises(ChainruleError, match="a sweep of another set of data"):
        chainrule.sweep(
            config(), rates, data=(INPUTS, BOUGHT[::-1]), jobs=1, folder=tmp_path / name
        )


@pytest.mark.exhaustive
def test_settings_of_tables_vary_in_a_sweep_over_an_array(tmp_path):
    found = chainrule.sweep(
        config(), {"data.columns": [1, 2]}, data=(NUMBERS, BOUGHT), jobs=1,
        folder=tmp_path / "sweep",
    )  # fmt: skip
    assert not found.failed
    assert len({trial.scores["train_loss"] for trial in found.trials}) == 2


def test_a_sweep_takes_no_data_that_are_split_already(tmp_path):
    with pytest.raises(DataError, match="not a DataSplit"):
        chainrule.sweep(
            config(), {"training.seed": [1]}, data=people().data, folder=tmp_path / "s"
        )


@pytest.mark.exhaustive
def test_a_comparison_trains_on_the_data_that_are_passed():
    library("sklearn")
    t = NUMBERS.argmax(axis=1)
    found = chainrule.compare(config(size=3), "sklearn", data=(NUMBERS, t), save=False, epochs=2)
    run = chainrule.train(
        config(size=3), data=(NUMBERS, t), save=False, overrides=["training.epochs=2"]
    )
    assert np.allclose(found.ours.theta, run.network.theta, rtol=1e-12)
    assert found.config["data"]["python"] == "arrays"


def test_rows_that_training_leaves_out_are_left_out_of_scores_and_not_of_predictions():
    gaps = {**COLUMNS, "a": [None, *COLUMNS["a"][1:]]}
    run = trained(gaps, {"missing": "drop", "label": "bought"})
    with pytest.warns(DataWarning) as warned:
        assert run.evaluate(gaps).cases == ROWS - 1
    assert "1 of 60 rows have missing cells and are left out" in str(warned[0].message)
    with pytest.raises(DataError, match="a missing cell; the run was trained with missing: drop"):
        run.predict(gaps)


def test_a_run_of_passed_data_is_explained_while_they_are_in_memory(saved):
    found = chainrule.explained(people(), case=1, digits=4)
    assert found.step("L").result.value > 0
    with pytest.raises(DataError, match="passed in Python"):
        chainrule.explained(saved, case=1)


@pytest.mark.parametrize(
    ("name", "function"), [("explain", "explained"), ("report", "report"), ("doctor", "examine")]
)
def test_a_run_says_which_function_does_what_is_no_method(name, function):
    with pytest.raises(AttributeError, match=rf"chainrule\.{function}\(run"):
        getattr(people(), name)


def test_a_report_is_about_runs(tmp_path):
    with pytest.raises(ChainruleError, match="about runs or their folders, found 3"):
        chainrule.report(3, tmp_path / "x.html")

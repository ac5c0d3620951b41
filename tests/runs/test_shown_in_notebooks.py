"""How objects show themselves: as HTML in a notebook, small and escaped, and as a short text."""

from __future__ import annotations

import base64
import re
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import chainrule
from chainrule import Dense, Network
from chainrule.config.load import load_config
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.gradients import check
from chainrule.nn import Conv2D
from chainrule.nn.jacobians import InputJacobian, WeightJacobian
from chainrule.runs.resolve import resolve_data
from chainrule.training import History
from pieces import read

HOSTILE = "\"><script src=x onload=alert(1)><img src=x onerror=alert(2)>& '"
TAGS = {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "br", "pre"}
PICTURES = {"img", "span"}
MOST_BYTES, MOST_LETTERS = 20_000, 160


def run_of_many(columns, layers, name="{}"):
    """A run on a table of many columns, with many layers and classes."""
    rng = np.random.default_rng(0)
    names = [name.format(f"column number {k} of the table") for k in range(columns)]
    x = pd.DataFrame(rng.normal(size=(60, columns)), columns=names)
    t = [name.format(f"class {k % 30}") for k in range(60)]
    hidden = [{"size": 2, "activation": "tanh"} for _ in range(layers)]
    config = {
        "network": {"layers": [*hidden, {"size": 30}, "softmax"]},
        "data": {"split": [0.6, 0.2, 0.2]},
        "training": {"epochs": 1, "metrics": ["f1"], "engine": "numpy"},
    }
    return chainrule.train(config, data=(x, t), save=False)


def shown_of(run):
    """Everything that belongs to a run and shows itself, by name."""
    network, data = run.network, run.data
    network.forward_pass(data.train.x[:4])
    return {
        "run": run,
        "network": network,
        "history": run.history,
        "data": data,
        "train": data.train,
        "score": run.train,
        "configuration": run.config,
        "θ": network.parameters,
        "gradients": network.backward_pass(data.train.t[:4]),
        "encoding": run.encoding,
        **{f"∂z/∂{name}": J for name, J in network.layers[0].jacobians().items()},
    }


@pytest.mark.parametrize(
    ("columns", "layers", "name"),
    [
        (40, 4, HOSTILE + "{}"),
        pytest.param(1000, 30, HOSTILE + "{}", marks=pytest.mark.exhaustive),
        pytest.param(1000, 30, "{}", marks=pytest.mark.exhaustive),
    ],
)
def test_what_belongs_to_a_large_run_is_small_and_escaped(columns, layers, name):
    for what, found in shown_of(run_of_many(columns, layers, name)).items():
        text = repr(found)
        assert len(text) <= MOST_LETTERS, (what, text)
        assert text.isprintable(), what
        if what == "encoding":
            continue
        html = found._repr_html_()
        piece = read(html)
        assert piece.tags <= TAGS | (PICTURES if what == "run" else set()), what
        assert piece.attributes <= {"style", "scope", "alt", "src"}, what
        assert len(html.encode()) <= MOST_BYTES, (what, len(html))
        assert piece.text.replace("\n", "").isprintable(), what


def test_a_network_is_the_table_of_its_layers():
    network = Network([Dense(3, "tanh", name=HOSTILE), Dense(2)], input=4, penalty={"L2": 0.5})
    piece = read(network._repr_html_())
    assert piece.rows[1] == ["input", "", "", "4", "", "", ""]
    assert piece.rows[2][1:] == ["dense", "input", "3", "12", "3", "12"]
    assert "<script" not in network._repr_html_()
    for words in ("2 layers, 23 parameters", "18 weights and 5 biases", "loss: mse", "L2 0.5"):
        assert words in piece.text


def test_a_history_shows_its_first_best_and_last_epoch():
    history = History.from_arrays(
        {
            "train_loss": np.array([4.0, 3.0, 2.0, 1.0]),
            "validation_loss": np.array([np.nan, 2.0, 3.0, 4.0]),
        }
    )
    assert read(history._repr_html_()).rows == [
        ["column", "epoch 1, first", "epoch 2, best", "epoch 4, last"],
        ["train loss", "4", "3", "1"],
        ["validation loss", "nan", "2", "4"],
    ]
    assert "no rows" not in read(History()._repr_html_()).text
    assert repr(history) == "History(4 epochs: epoch, train_loss, validation_loss)"


def test_data_show_their_classes_and_first_rows_in_their_own_units():
    x, t = {"width": [1.0, 2, 3, 4], "<b>": [10.0, 20, 30, 40]}, ["a", "b", "a", "a"]
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"split": [1, 0, 0], "standardize": True},
        "training": {"epochs": 0},
    }
    data = chainrule.train(config, data=(pd.DataFrame(x), t), save=False).data
    rows = read(data._repr_html_()).rows
    assert rows[:4] == [
        ["cases", "training", "validation", "test"],
        ["all", "4", "0", "0"],
        ["a", "3", "0", "0"],
        ["b", "1", "0", "0"],
    ]
    assert rows[4] == ["width", "<b>", "class"]
    in_order = {(f"{k}", f"{10 * k}", name) for k, name in enumerate(t, 1)}
    assert {tuple(row) for row in rows[5:]} == in_order


def test_values_and_labels_are_shown_too():
    values = Dataset(np.arange(6.0).reshape(3, 2), np.array([[0.5, 1], [2, 3], [4, 5]]))
    assert read(values._repr_html_()).rows[:2] == [
        ["x₁", "x₂", "t₁", "t₂"],
        ["0", "1", "0.5", "1"],
    ]
    labels = Dataset(np.zeros((2, 1)), np.array([[1, 0], [1, 1]]))
    data = DataSplit(labels, labels, labels, multi_label=True, target_names=("red", "blue"))
    assert read(data._repr_html_()).rows[2:4] == [["red"] + ["2"] * 3, ["blue"] + ["1"] * 3]


SOURCES = {
    "shapes": {"generator": "shapes", "classes": 2},
    "echo": {"generator": "echo"},
    "curve": {"generator": "curve"},
}


@pytest.mark.parametrize("source", SOURCES)
def test_data_of_any_kind_show_themselves(source):
    layers = {"echo": [{"type": "recurrent", "size": 1}], "curve": [{"size": 1}]}
    network = {"layers": layers.get(source, [{"size": 2}, "softmax"])}
    network |= {"loss": "mse"} if source != "shapes" else {}
    data = resolve_data(
        load_config({"network": network, "data": {**SOURCES[source], "count": 60}})
    )
    html = data._repr_html_()
    assert len(html) < MOST_BYTES
    assert len(images_of(html)) == (8 if source == "shapes" else 0)


def images_of(html):
    files = re.findall(r'src="data:image/png;base64,([^"]*)"', html)
    return [Image.open(BytesIO(base64.b64decode(file))) for file in files]


def test_images_are_shown_as_they_are():
    x = np.zeros((3, 4, 5, 3))
    x[0, 1, 2] = [1.0, 0.5, 0.0]
    data = DataSplit(
        *[Dataset(x.reshape(3, -1), np.arange(3))] * 3,
        classes=("<a>", "b", "c"),
        image_shape=(4, 5, 3),
    )
    found = images_of(data._repr_html_())
    assert [image.size for image in found] == [(5, 4)] * 3
    assert found[0].getpixel((2, 1)) == (255, 127, 0)
    assert found[0].getpixel((1, 2)) == (0, 0, 0)
    large = DataSplit(
        *[Dataset(np.random.default_rng(0).random((20, 300 * 200)), np.zeros(20, int))] * 3,
        classes=("a",),
        image_shape=(300, 200),
    )
    html = large._repr_html_()
    assert max(images_of(html)[0].size) <= 64
    assert len(html) < MOST_BYTES


def test_a_gradient_report_says_what_is_wrong_and_by_how_much():
    x, t = np.random.default_rng(0).normal(size=(4, 3)), np.ones((4, 2))
    layers = [Dense(3, "tanh", name="<i>"), Dense(2)]
    report = check(Network(layers, input=3, seed=1), x, t, methods=["complex"])
    piece = read(report._repr_html_())
    assert "Every gradient is right" in piece.text
    places = [("<i>", "W"), ("<i>", "b"), ("dense_2", "W"), ("dense_2", "b")]
    assert [tuple(row[:2]) for row in piece.rows[1:]] == places
    assert all(float(row[2]) < 1e-12 for row in piece.rows[1:])


def test_a_wrong_gradient_is_shown_where_it_is_wrong(monkeypatch):
    right = WeightJacobian.vjp
    monkeypatch.setattr(WeightJacobian, "vjp", lambda *arguments: 2 * right(*arguments))
    report = check(Network([Dense(2)], input=3, seed=1), np.eye(3), np.eye(3, 2))
    piece = read(report._repr_html_())
    assert piece.text.startswith("It first goes wrong in dense_1 ∂z/∂W")
    assert ["dense_1", "∂z/∂W"] in [row[:2] for row in piece.rows]
    assert len(repr(report)) <= MOST_LETTERS


def test_a_jacobian_shows_its_structure_and_its_numbers():
    network = Network([Dense(2, "tanh")], input=3, seed=1)
    network.forward_pass(np.arange(6.0).reshape(2, 3))
    for J in network.layers[0].jacobians().values():
        piece = read(J._repr_html_())
        expected = J.dense()[0].reshape(J.dense_shape[1], -1)
        assert [row[1:] for row in piece.rows[1:]] == [[f"{v:.4g}" for v in r] for r in expected]
    weights = read(network.layers[0].jacobians()["W"]._repr_html_())
    assert weights.rows[0] == ["row", "0, 0", "0, 1", "1, 0", "1, 1", "2, 0", "2, 1"]
    assert "∂z_k / ∂W_ij = x_i if j = k, else 0" in weights.text


def test_a_large_jacobian_is_shortened_and_a_huge_one_is_described():
    network = Network([Conv2D(4, size=3)], input=[1, 20, 20], seed=1)
    network.forward_pass(np.ones((2, 400)))
    J = network.layers[0].jacobians()["x"]
    assert len(read(J._repr_html_()).rows) == 9
    huge = InputJacobian(np.ones((3000, 2000)), count=7)
    piece = read(huge._repr_html_())
    assert (piece.rows, "7 cases, 2000 x 3000 numbers each" in piece.text) == ([], True)


def test_a_damaged_object_falls_back_to_its_text():
    history = History()
    history.append({"epoch": 1, "train_loss": "much"})
    assert history._repr_html_() is None

"""What `inspect` refuses, saying what was expected, and what it says of what was given."""

from __future__ import annotations

import json

import numpy as np
import pytest

import chainrule
from chainrule import Dense, Network
from chainrule.core.errors import ChainruleError
from chainrule.data.standardization import Standardization
from chainrule.inspector.session import Session

NETWORK = Network([Dense(2, "tanh"), Dense(1, "sigmoid")], input=3, loss="binary_cross_entropy")
X, T = np.eye(3), [0, 1, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"names": "abc"}, "names are a list of 3 texts, found 'abc'"),
        ({"names": 5}, "names are a list of 3 texts, found 5"),
        ({"outputs": ["no", "yes"]}, "found 2; the names of two classes are classes="),
        ({"classes": ["yes"]}, "classes are 2 texts, found 1"),
        ({"notes": "one"}, "notes are a list of sentences"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"scale": float("nan")}, "scale must be finite and at least 0"),
        ({"clip_gradient_norm": 0}, "clip_gradient_norm must be finite and above 0"),
        ({"image": (2, 2)}, "image is the height and the width of the 3 numbers"),
        ({"image": "13"}, "image is the height and the width of the 3 numbers"),
        ({"scaling": 5}, "scaling is a Standardization, found 5"),
        ({"encoding": 5}, "encoding is a TableEncoding, found 5"),
        ({"save": "a\0.html"}, "save is the path of a file or folder"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(given, message):
    with pytest.raises(ChainruleError, match=message):
        NETWORK.inspect(X, T, **given)


def test_a_scaling_of_other_inputs_is_refused():
    with pytest.raises(ChainruleError, match=r"scaling has 2 means for cases of the shape \(3,\)"):
        NETWORK.inspect(X, T, scaling=Standardization(np.zeros(2), np.ones(2)))


@pytest.mark.parametrize("port", ["80", 1.5, True, -1, 65_536])
def test_a_port_that_cannot_be_is_refused(port):
    with pytest.raises(ChainruleError, match="a port is a number from 1 to 65535, or 0 for any"):
        NETWORK.inspect(X, T).open(port=port, browser=False)


def test_one_output_has_two_classes_and_the_case_may_be_a_number_of_numpy():
    found = NETWORK.inspect(X, T, classes=["no", "yes"], case=np.int64(1))
    assert [label for _, label in found.told.cases] == ["no", "yes", "yes"]
    assert '"case": 1' in found.html()


def test_a_layer_may_have_a_long_name_and_there_may_be_many():
    layers = [Dense(2, "tanh", name=f"{'x' * 300}{k}") for k in range(120)]
    made = Network(layers, input=2, loss="mse").inspect(X[:, :2], X[:, :2])
    names = [layer.name for layer in made.network.layers]
    edit = {"kind": "parameter", "key": f"{names[0]}.W", "at": [0, 0], "value": 2.0}
    of = {"edits": [edit], "bugs": [], "frame": None, "only": None}
    wanted = {
        "of": of,
        "at": 0,
        "axes": [0, 1],
        "window": [[0, 1], [0, 1]],
        "side": 2,
        "layers": names[-1:],
        "coarse": names[:-1],
        "step": 1,
    }
    assert Session(made).answers["/plane"](json.dumps(wanted).encode())


@pytest.mark.exhaustive
def test_of_data_that_have_changed_since_the_training_the_page_says_so(tmp_path):
    file = tmp_path / "data.csv"
    lines = [f"{k},{k % 3},{'uv'[k % 2]}" for k in range(40)]
    file.write_text("\n".join(["a,b,y", *lines]))
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"file": str(file), "label": "y", "header": True},
        "training": {"epochs": 1, "engine": "numpy"},
    }
    chainrule.train(config, run=tmp_path / "run")
    file.write_text("\n".join(["a,b,y", *lines[:30]]))
    notes = chainrule.inspect(tmp_path / "run").told.notes
    assert notes[-1].startswith("The data have changed since training: of 30 cases")

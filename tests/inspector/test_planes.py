"""What a network says at every point of a plane of two of its inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

import chainrule
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ShapeError
from chainrule.inspector.planes import MOST_POINTS, PlaneWanted, plane, plane_told
from chainrule.inspector.session import Session
from chainrule.nn import Dropout


def network(inputs: int = 2) -> Network:
    layers = [Dense(5, "tanh"), Dropout(0.5), Dense(3), Softmax()]
    return Network(layers, input=inputs, seed=3)


OF = {"edits": [], "bugs": [], "frame": None, "only": None}
WANTED = {
    "of": OF,
    "at": 1,
    "axes": [0, 1],
    "window": [[-1.0, 2], [0, 4.0]],
    "side": 7,
    "layers": ["dense_1"],
    "coarse": [],
    "step": 1,
}


def wanted(**changes) -> PlaneWanted:
    return PlaneWanted.model_validate_json(json.dumps({**WANTED, **changes}))


def test_a_plane_holds_what_the_trained_network_says():
    made = network(3)
    x = np.array([[7.0, 7, 7], [9, 0.25, 9]])
    found = plane(made, x, wanted(axes=[2, 0], layers=["dense_1", "softmax"]))
    assert {name: values.shape for name, values in found.items()} == {
        "dense_1": (5, 49),
        "softmax": (3, 49),
    }
    for row, column in ((0, 0), (0, 6), (6, 0), (2, 5)):
        point = [4 - row * 4 / 6, 0.25, -1 + column * 3 / 6]
        expected = made.evaluate(np.array([point]))[1][0]
        assert found["softmax"][:, row * 7 + column] == pytest.approx(expected, abs=1e-15)


def test_of_a_hidden_layer_every_third_point_is_enough():
    made, x = network(), np.zeros((2, 2))
    whole = plane(made, x, wanted(layers=["dense_1"]))["dense_1"].reshape(5, 7, 7)
    both = plane(made, x, wanted(layers=["softmax"], coarse=["dense_1"], step=3))
    assert both["softmax"].shape == (3, 49)
    assert np.array_equal(both["dense_1"].reshape(5, 3, 3), whole[:, ::3, ::3])


WRONG_FORMS = {
    "an axis too many": {"axes": [0, 1, 1]},
    "an axis below": {"axes": [-1, 0]},
    "true": {"axes": [0, True]},
    "no window": {"window": None},
    "a window of text": {"window": [["0", "1"], [0, 1]]},
    "a window that is vast": {"window": [[0, 1e300], [0, 1]]},
    "a large side": {"side": 97},
    "a small side": {"side": 1},
    "no step": {"step": 0},
    "layers of lists": {"layers": [["dense_1"]]},
    "layers as a text": {"layers": "dense_1"},
    "no pass": {"of": None},
    "something more": {"path": "/etc/passwd"},
}


@pytest.mark.parametrize("changes", WRONG_FORMS.values(), ids=WRONG_FORMS)
def test_what_does_not_say_a_plane_is_refused(changes):
    assert wanted().side == 7
    with pytest.raises(ValidationError):
        wanted(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"axes": [1, 1]},
        {"axes": [0, 2]},
        {"at": 2},
        {"window": [[1, 0], [0, 1]]},
        {"layers": ["dense_9"]},
        {"coarse": ["dense_9"]},
    ],
)
def test_planes_that_there_are_not_are_refused(changes):
    with pytest.raises(ShapeError):
        plane(network(), np.zeros((2, 2)), wanted(**changes))


def test_a_session_answers_with_the_plane_of_the_edited_network_of_a_frame():
    config = {
        "network": {"layers": [{"size": 5, "activation": "tanh"}, {"size": 2}, "softmax"]},
        "data": {"generator": "xor", "count": 40, "split": [0.5, 0.25, 0.25]},
        "training": {"epochs": 3},
    }
    found = chainrule.inspect(config, count=3, film=True)
    session = Session(found)
    edit = {"kind": "parameter", "key": "dense_2.b", "at": [1], "value": 3.5}
    of = {**OF, "frame": 2, "edits": [edit], "only": 1}
    body = {**WANTED, "of": of, "side": 5, "layers": ["softmax"]}
    answer = session.answers["/plane"](json.dumps(body).encode())
    length = int.from_bytes(answer[:4], "little")
    (told,) = json.loads(answer[4 : 4 + length])["arrays"]
    numbers = np.frombuffer(answer[4 + length :], "<f8")
    assert (told["key"], told["shape"]) == ("softmax", [2, 25])
    trained = found.network
    trained.theta = found.told.film.theta(2)
    trained.parameters["dense_2.b"][1] = 3.5
    expected = plane(trained, found.x, wanted(side=5, layers=["softmax"]))["softmax"]
    assert np.array_equal(numbers.reshape(2, 25), expected)


def test_the_page_is_told_the_cases_and_ranges_with_some_room():
    x = np.array([[0.0, 5.0], [1.0, 5.0], [0.123456789, 5.0]])
    told = plane_told(network(), x, np.array([0, 2, 1]), ["a", "b", "c"])
    assert told["ranges"] == [[-0.12, 1.12], [4.88, 5.12]]
    assert told["points"][2] == [0.12346, 5.0]
    assert (told["labels"], told["classes"]) == ([0, 2, 1], ["a", "b", "c"])
    rows = plane_told(network(), x, np.eye(3)[[0, 2, 1]], ["a", "b", "c"])
    assert rows["labels"] == [0, 2, 1]
    values = plane_told(network(), x, np.array([[0.5], [np.nan], [2]]), None)
    assert values["labels"] == [0.5, 0, 2]
    many = plane_told(network(), np.tile(x, (200, 1)), np.zeros(600), None)
    assert len(many["points"]) == len(many["labels"]) == MOST_POINTS


def test_the_two_inputs_that_tell_the_most_are_shown_first():
    made, rng = network(4), np.random.default_rng(1)
    t = np.arange(60) % 3
    x = rng.normal(size=(60, 4))
    x[:, 3] += 3 * (t == 1)
    x[:, 1] += 2 * (t == 2)
    x[:, 2] = 5
    assert plane_told(made, x, t, ["a", "b", "c"])["axes"] == [1, 3]
    assert plane_told(made, x, np.eye(3)[t], ["a", "b", "c"])["axes"] == [1, 3]
    value = 3 * x[:, :1] + x[:, 3:]
    assert plane_told(made, x, value, None)["axes"] == [0, 3]
    assert plane_told(network(), x[:, :2], t, ["a", "b", "c"])["axes"] == [0, 1]


def test_other_networks_have_no_planes():
    for inputs in (1, 33):
        other = Network([Dense(1)], input=inputs, loss="mse")
        assert plane_told(other, np.ones((2, inputs)), np.ones(2), None) is None
    assert plane_told(network(), np.full((2, 2), np.inf), np.zeros(2), None) is None
    found = chainrule.inspect(
        {
            "network": {"layers": [{"size": 2}, "softmax"]},
            "data": {"generator": "xor", "count": 40, "split": [0.5, 0.25, 0.25]},
        },
        count=3,
    )
    assert len(found.scene["plane"]["points"]) == 20

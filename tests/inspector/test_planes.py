"""What a network says at every point of a plane of two of its inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest

import chainrule
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError
from chainrule.inspector.planes import MOST_POINTS, PlaneWanted, Sheet, as_bytes, plane, plane_told
from chainrule.nn import Dropout


def network(inputs: int = 2) -> Network:
    layers = [Dense(5, "tanh"), Dropout(0.5), Dense(3), Softmax()]
    return Network(layers, input=inputs, seed=3)


WANTED = {"axes": [0, 1], "window": [[-1.0, 2], [0, 4.0]], "side": 7, "layers": ["dense_1"]}


def test_a_plane_holds_what_the_trained_network_says():
    made = network(3)
    wanted = PlaneWanted.of({**WANTED, "axes": [2, 0], "layers": ["dense_1", "softmax"]}, made)
    base = np.array([9.0, 0.25, 9.0])
    hidden, y = plane(made, base, wanted)
    assert (hidden.layer, y.layer) == ("dense_1", "softmax")
    assert (hidden.values.shape, y.values.shape) == ((5, 49), (3, 49))
    for row, column in ((0, 0), (0, 6), (6, 0), (2, 5)):
        point = [4 - row * 4 / 6, 0.25, -1 + column * 3 / 6]
        expected = made.evaluate(np.array([point]))[1][0]
        assert y.values[:, row * 7 + column] == pytest.approx(expected, abs=1e-15)


def test_levels_are_the_values_to_a_127th_of_the_largest():
    values = np.array([[0.5, -2.0], [np.nan, np.inf]])
    (told,), content = as_bytes([Sheet("dense_1", values)])
    assert told == {"layer": "dense_1", "units": 2, "scale": 2 / 127}
    assert np.frombuffer(content, np.int8).tolist() == [32, -127, -128, -128]
    assert Sheet("a", np.zeros((1, 2))).levels().tolist() == [[0, 0]]


WRONG = {
    "no mapping": [],
    "an axis too many": {**WANTED, "axes": [0, 1, 1]},
    "one axis twice": {**WANTED, "axes": [1, 1]},
    "an axis that is not": {**WANTED, "axes": [0, 2]},
    "an axis below": {**WANTED, "axes": [-1, 0]},
    "true": {**WANTED, "axes": [0, True]},
    "no window": {**WANTED, "window": None},
    "a window upside down": {**WANTED, "window": [[1, 0], [0, 1]]},
    "a window of text": {**WANTED, "window": [["0", "1"], [0, 1]]},
    "a window of nan": {**WANTED, "window": [[0, float("nan")], [0, 1]]},
    "a window that is vast": {**WANTED, "window": [[0, 1e300], [0, 1]]},
    "a large side": {**WANTED, "side": 97},
    "a small side": {**WANTED, "side": 1},
    "an unknown layer": {**WANTED, "layers": ["dense_9"]},
    "layers of lists": {**WANTED, "layers": [["dense_1"]]},
    "layers as a text": {**WANTED, "layers": "dense_1"},
}


@pytest.mark.parametrize("wanted", WRONG.values(), ids=WRONG)
def test_what_is_no_plane_is_refused(wanted):
    made = network()
    assert PlaneWanted.of(json.loads(json.dumps(WANTED)), made).side == 7
    with pytest.raises(ConfigError, match="found"):
        PlaneWanted.of(wanted, made)


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

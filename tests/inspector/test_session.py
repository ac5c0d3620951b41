"""What the server of a page computes: edited passes, the same as of a network that is so."""

from __future__ import annotations

import json
import re
from copy import deepcopy

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ChainruleError
from chainrule.inspector import session as sessions
from chainrule.inspector.edits import PassWanted
from chainrule.inspector.packing import MOST_EXACT, packed
from chainrule.inspector.session import Session
from chainrule.nn import BatchNorm, Recurrent

FIRST = {"edits": [], "bugs": [], "frame": None, "only": None}
X = np.random.default_rng(0).normal(size=(5, 4))
T = [0, 1, 2, 1, 0]


def made(**options) -> Network:
    layers = [Dense(3, "tanh"), Dense(3, "linear"), Softmax()]
    return Network(layers, input=4, seed=1, penalty={"L2": 0.1}, **options)


def unpacked(text: bytes) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """The header and the arrays; those in levels as numbers."""
    length = int.from_bytes(text[:4], "little")
    header, found = json.loads(text[4 : 4 + length]), {}
    for one in header["arrays"]:
        size, start = int(np.prod(one["shape"])), 4 + length + one["start"]
        assert start % 8 == 0
        kind = np.dtype("i1" if one["scale"] else "<f8")
        values = np.frombuffer(text[start : start + size * kind.itemsize], kind)
        values = values * one["scale"] if one["scale"] else values
        found[one["key"]] = values.reshape(one["shape"])
    return header, found


def ask(session: Session, path: str = "/pass", **changes: object):
    body = {**FIRST, **changes} if path == "/pass" else changes
    return unpacked(session.answers[path](json.dumps(body).encode()))


def same(found, expected) -> None:
    record = expected.record
    assert set(found) == set(record.entries)
    for key, entry in record.entries.items():
        np.testing.assert_allclose(found[key], entry.values, rtol=0, atol=1e-15, err_msg=key)


def test_a_pass_without_edits_is_the_first_one_with_its_scene():
    base = made().inspect(X, T)
    header, arrays = ask(Session(base))
    assert header["scene"] == json.loads(json.dumps(base.scene))
    assert header["loss"] == base.record.loss
    same(arrays, base)


def test_an_edited_parameter_input_and_target():
    network, x, t = made(), X.copy(), [*T]
    edits = [
        {"kind": "parameter", "key": "dense_1.W", "at": [3, 1], "value": 7},
        {"kind": "parameter", "key": "dense_1.W", "at": [3, 1], "value": 0.25},
        {"kind": "input", "at": [2, 3], "value": -1.5},
        {"kind": "target", "at": [4, 0], "value": 0},
        {"kind": "target", "at": [4, 2], "value": 1},
    ]
    base = network.inspect(x, t)
    before = deepcopy(base.record.entries)
    session = Session(base)
    header, arrays = ask(session, edits=edits)
    assert header["scene"] is None
    network.parameters["dense_1.W"][3, 1] = 0.25
    x[2, 3], t[4] = -1.5, 2
    same(arrays, network.inspect(x, t))
    for key, entry in before.items():  # and what there was stays
        np.testing.assert_array_equal(base.record[key], entry.values)
    same(ask(session)[1], base)


@pytest.mark.parametrize("name", ["relu", "linear", "sigmoid"])
def test_another_activation_is_that_of_a_network_made_with_it(name):
    network = made()
    header, arrays = ask(
        Session(network.inspect(X, T)),
        edits=[{"kind": "activation", "layer": "dense_1", "value": name}],
    )
    other = Network([Dense(3, name), Dense(3, "linear"), Softmax()], input=4, penalty={"L2": 0.1})
    other.theta = network.theta
    expected = other.inspect(X, T)
    same(arrays, expected)
    assert header["scene"]["layers"] == json.loads(json.dumps(expected.scene))["layers"]


def test_another_activation_of_the_last_layer_changes_the_form_of_the_loss():
    network = Network([Dense(1, "sigmoid")], input=4, seed=1, loss="mse")
    session = Session(network.inspect(X, np.zeros((5, 1))))
    edit = {"kind": "activation", "layer": "dense_1", "value": "tanh"}
    _, arrays = ask(session, edits=[edit])
    other = Network([Dense(1, "tanh")], input=4, loss="mse")
    other.theta = network.theta
    same(arrays, other.inspect(X, np.zeros((5, 1))))
    network = Network([Dense(1, "sigmoid")], input=4, loss="binary_cross_entropy")
    session = Session(network.inspect(X, np.zeros((5, 1))))
    with pytest.raises(ChainruleError, match="give it activation sigmoid"):
        ask(session, edits=[{"kind": "activation", "layer": "dense_1", "value": "tanh"}])


def test_other_cases_and_one_case_alone():
    network = made()
    session = Session(network.inspect(X, T, weights=[1, 2, 3, 4, 5]))
    _, arrays = ask(session, only=3)
    same(arrays, network.inspect(X[3:4], T[3:4], weights=[4]))
    cases = {
        "kind": "cases",
        "x": [[1, 2, 3, 4], [5, 6, 7, 8.5]],
        "t": [[0, 0, 1], [1, 0, 0]],
        "labels": ["third", "first"],
    }
    header, arrays = ask(session, edits=[cases])
    same(arrays, network.inspect(cases["x"], [2, 0]))
    assert header["scene"]["cases"] == [
        {"number": 0, "label": "third"},
        {"number": 1, "label": "first"},
    ]
    header, arrays = ask(session, edits=[cases], only=1)
    same(arrays, network.inspect(cases["x"][1:], [0]))
    assert header["scene"]["cases"] == [{"number": 1, "label": "first"}]


def test_sequences_keep_their_padding():
    layers = [Recurrent(2), Dense(2, "linear")]
    network = Network(layers, input=[3, 1], loss="mse", seed=1)
    x = np.array([[[1.0], [2.0], [np.nan]], [[3.0], [4.0], [5.0]]])
    t = np.where(np.isnan(x), np.nan, [[[0.5, 0.1]]])
    session = Session(network.inspect(x, t))
    target = {"kind": "target", "at": [1, 2, 0], "value": 2.0}
    cases = {
        "kind": "cases",
        "x": [[1, 2, None]],
        "t": [[0.5, 0.1, 0.5, 0.1, None, None]],
        "labels": [""],
    }
    t[1, 2, 0] = 2.0
    same(ask(session, edits=[target])[1], network.inspect(x, t))
    same(ask(session, edits=[cases])[1], network.inspect(x[:1], t[:1]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"edits": [{"kind": "parameter", "key": "dense_1.V", "at": [0], "value": 1}]}, "dense_1"),
        ({"edits": [{"kind": "parameter", "key": "dense_1.W", "at": [0], "value": 1}]}, "(4, 3)"),
        ({"edits": [{"kind": "parameter", "key": "dense_1.b", "at": [3], "value": 1}]}, "(3,)"),
        ({"edits": [{"kind": "parameter", "key": "dense_1.b", "at": [-1], "value": 1}]}, "than"),
        ({"edits": [{"kind": "parameter", "key": "dense_1.b", "at": [True], "value": 1}]}, "int"),
        ({"edits": [{"kind": "input", "at": [5, 0], "value": 1}]}, "no place [5, 0] in input.out"),
        ({"edits": [{"kind": "input", "at": [0, 0], "value": float("nan")}]}, "finite"),
        ({"edits": [{"kind": "input", "at": [0, 0], "value": float("inf")}]}, "finite"),
        ({"edits": [{"kind": "input", "at": [0, 0], "value": "1"}]}, "valid number"),
        ({"edits": [{"kind": "target", "at": [0, 0], "value": 0.5}]}, "distributions"),
        ({"edits": [{"kind": "target", "at": [0, 3], "value": 1}]}, "no place [0, 3] in loss.t"),
        ({"edits": [{"kind": "activation", "layer": "dense_1", "value": "tanhh"}]}, "'tanh'"),
        ({"edits": [{"kind": "activation", "layer": "dense", "value": "tanh"}]}, "no"),
        ({"edits": [{"kind": "activation", "layer": "softmax", "value": "tanh"}]}, "has no act"),
        ({"edits": [{"kind": "cases", "x": [], "t": [], "labels": []}]}, "at least 1"),
        (
            {"edits": [{"kind": "cases", "x": [[1]], "t": [[1]], "labels": [""]}]},
            "4 inputs",
        ),
        ({"edits": [{"kind": "cases", "x": [[1] * 4], "t": [], "labels": [""]}]}, "at least 1"),
        ({"edits": [{"kind": "wish"}]}, "kind"),
        ({"edits": [{}]}, "kind"),
        ({"edits": {}}, "valid array"),
        ({"only": 5}, "no case 5: cases 0 to 4"),
        ({"only": 0.5}, "valid integer"),
        ({"wish": 1}, "wish"),
    ],
)
def test_what_is_refused_says_why(changes, words):
    with pytest.raises(ChainruleError, match=re.escape(words)):
        ask(Session(made().inspect(X, T)), **changes)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"edits":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"null",
        b"\xff\xfe",
        b'\x80\x04\x95"',
        json.dumps({**FIRST, "frame": 10**400}).encode(),
        json.dumps({**FIRST, "frame": 3}).encode(),
        json.dumps({**FIRST, "bugs": ["b" * 10**6]}).encode(),
    ],
)
def test_a_body_of_another_kind_is_refused(body):
    for answer in Session(made().inspect(X, T)).answers.values():
        with pytest.raises(ChainruleError):
            answer(body)


def test_layers_that_need_several_cases_say_so():
    network = Network([Dense(3), BatchNorm(), Dense(3), Softmax()], input=4, seed=1)
    with pytest.raises(ChainruleError, match="batch_norm_1 makes the numbers of a case depend"):
        ask(Session(network.inspect(X, T)), only=0)


def test_a_large_array_comes_in_levels_and_exactly_where_it_is_asked_for():
    network = Network([Dense(60), Softmax()], input=50, seed=1)
    x = np.random.default_rng(0).normal(size=(3, 50))
    session = Session(network.inspect(x, [0, 1, 2]))
    exact = session.base.record["dense_1.W"]
    assert exact.size > MOST_EXACT
    header, arrays = ask(session)
    told = next(one for one in header["arrays"] if one["key"] == "dense_1.W")
    assert told["largest"] == np.abs(exact).max()
    assert np.abs(arrays["dense_1.W"] - exact).max() <= told["scale"] * 0.5 + 1e-15
    np.testing.assert_array_equal(arrays["dense_1.b"], session.base.record["dense_1.b"])
    wanted = [
        {"key": "dense_1.W", "region": [7, [3, 9]]},
        {"key": "dense_1.W", "region": [None, 59]},
        {"key": "dense_1.out", "region": [[0, 0], None]},
        {"key": "loss.value", "region": []},
    ]
    _, found = ask(session, "/numbers", of=FIRST, wanted=wanted)
    np.testing.assert_array_equal(found["0"], exact[7:8, 3:9])
    np.testing.assert_array_equal(found["1"], exact[:, 59:])
    assert found["2"].shape == (0, 60)
    assert found["3"] == session.base.record.loss


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([{"key": "dense_1.W", "region": [4, 0]}], "found 4 to 5"),
        ([{"key": "dense_1.W", "region": [[3, 2], 0]}], "found 3 to 2"),
        ([{"key": "dense_1.W", "region": [[0, 5], 0]}], "found 0 to 5"),
        ([{"key": "dense_1.W", "region": [-1, 0]}], "greater than or equal to 0"),
        ([{"key": "dense_1.W", "region": [0]}], "has 2 axes"),
        ([{"key": "dense_1.V", "region": [0]}], "unknown array 'dense_1.V'"),
        ([{"key": "dense_1.W", "region": [0, 0]}] * 201, "at most 200"),
    ],
)
def test_regions_that_are_not_there_are_refused(wanted, words):
    with pytest.raises(ChainruleError, match=re.escape(words)):
        ask(Session(made().inspect(X, T)), "/numbers", of=FIRST, wanted=wanted)


def test_not_too_many_numbers_are_sent_at_once(monkeypatch):
    monkeypatch.setattr(sessions, "MOST_SENT", 20)
    wanted = [{"key": "dense_1.W", "region": [None, None]}] * 2
    with pytest.raises(ChainruleError, match="at most 20 numbers"):
        ask(Session(made().inspect(X, T)), "/numbers", of=FIRST, wanted=wanted)


def test_numbers_that_are_not_finite_have_a_level_of_their_own():
    values = np.linspace(-2, 1, MOST_EXACT + 4)
    values[1], values[2], values[3] = np.nan, np.inf, -np.inf
    header, found = unpacked(packed({}, {"one": values, "zeros": np.zeros(5_000)}))
    scale = header["arrays"][0]["scale"]
    assert header["arrays"][0]["largest"] == 2
    assert (found["one"][1:4] == -128 * scale).all()
    np.testing.assert_allclose(found["one"][4:], values[4:], atol=scale / 2 + 1e-15)
    assert not found["zeros"].any()
    _, tiny = unpacked(packed({}, {"tiny": np.full(5_000, 5e-324)}))
    assert np.isfinite(tiny["tiny"]).all()


def test_regions_come_along_with_a_pass_where_they_are_within_its_arrays():
    network = Network([Dense(40, "tanh"), Dense(1)], input=60, seed=1)
    session = Session(network.inspect(np.ones((3, 60)), np.zeros((3, 1))))
    edit = {"kind": "parameter", "key": "dense_1.W", "at": [1, 2], "value": 0.123456789}
    also = [
        {"key": "dense_1.W", "region": [[0, 3], 2]},
        {"key": "dense_9.W", "region": [0, 2]},
        {"key": "dense_1.W", "region": [60, 2]},
        {"key": "input.out", "region": [2, None]},
    ]
    _, arrays = ask(session, edits=[edit], also=also)
    assert arrays["0"].shape == (3, 1)
    assert arrays["0"][1, 0] == 0.123456789
    assert arrays["3"].shape == (1, 60)
    assert not {"1", "2"} & set(arrays)
    with pytest.raises(ChainruleError, match="at most 8"):
        ask(session, also=also * 3)


def test_few_passes_are_kept(monkeypatch):
    session = Session(made().inspect(X, T))

    def passed(value: float):
        edit = {"kind": "input", "at": [0, 0], "value": value}
        return session.passed(PassWanted.model_validate({**FIRST, "edits": [edit]}))

    assert passed(1.0) is passed(1.0)
    for value in range(40):
        passed(float(value))
    assert len(session._passes) == sessions.MOST_PASSES
    monkeypatch.setattr(sessions, "MOST_KEPT", 1)
    passed(3.0)
    assert len(session._passes) == 1

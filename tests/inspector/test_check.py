"""The gradient check of a pass: what it says of kinks, ties, truncation and overflow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_engine_against_python import as_json

from chainrule import Dense, Network, Softmax
from chainrule.core.arrays import Array
from chainrule.explain.lesson import in_float64
from chainrule.inspector.bugs import BUGS
from chainrule.inspector.check import CheckRow, gradient_check
from chainrule.inspector.passes import recorded
from chainrule.inspector.record import Record
from chainrule.inspector.session import Session
from chainrule.nn.layer_types import Embedding, Flatten, MaxPool2D, Recurrent
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "check_finds.mjs"


def record_of(network: Network, x: Any, t: Any, *bugs: str) -> Record:
    """The record of a network with bugs."""
    made = in_float64(network)
    return recorded(made, *made.prepare(x, t), bugs=[BUGS[name] for name in bugs])


def checked(network: Network, x: Any, t: Any, *bugs: str) -> dict[str, CheckRow]:
    """The rows of a check by their keys."""
    return {row.key: row for row in gradient_check(record_of(network, x, t, *bugs))}


def in_page(network: Network, x: Any, t: Any, *bugs: str) -> dict[str, dict[str, Any]]:
    """The same of the page's own check."""
    asked = as_json(record_of(network, x, t, *bugs)) | {"bugs": [*bugs]}
    return {row["key"]: row for row in run(SCRIPT, [asked])[0]}


def at_the_kink() -> tuple[Network, Array, Array]:
    """Relu units of which z is exactly 0, and others where it is not."""
    network = Network([Dense(2, "relu"), Dense(1)], input=2, loss="mse")
    network.layers[0].W = [[1.0, 0.5], [-1.0, 0.25]]
    network.layers[0].b = [0.0, 0.1]
    network.layers[1].W = [[1.0], [2.0]]
    return network, np.array([[2.0, 2.0], [1.0, 3.0]]), np.array([[1.0], [2.0]])


def test_a_number_at_a_kink_is_left_out():
    rows = checked(*at_the_kink())
    assert rows["dense_1.W_grad"].verdict == "right"
    assert rows["dense_1.W_grad"].kinks == 2
    assert rows["dense_1.b_grad"].kinks == 1
    assert rows["dense_2.W_grad"].verdict == "right"


@needs_node
def test_the_page_leaves_it_out_as_well():
    rows = in_page(*at_the_kink())
    assert rows["dense_1.W_grad"]["kinks"] == 2
    assert {row["verdict"] for row in rows.values()} == {"right"}


def test_equal_inputs_of_a_pool_are_no_error():
    network = Network([MaxPool2D(2), Flatten(), Dense(2), Softmax()], input=[1, 4, 4], seed=1)
    rows = checked(network, np.ones((2, 1, 4, 4)), [0, 1])
    assert rows["input.J"].verdict == "kink"
    assert rows["dense_1.W_grad"].verdict == "right"


def cut_off() -> tuple[Network, Array, Array]:
    """A layer whose gradient is cut off after two steps, behind one that it reaches."""
    network = Network(
        [Recurrent(2), Recurrent(2, truncate=2), Dense(1)], input=[4, 1], loss="mse", seed=1
    )
    x = np.random.default_rng(0).normal(size=(2, 4, 1))
    return network, x, x


def test_a_truncated_gradient_is_held_against_its_definition():
    rows = checked(*cut_off())
    assert rows.pop("input.J").verdict == "truncated"
    assert {row.verdict for row in rows.values()} == {"right"}
    assert rows["recurrent_1.U_grad"].tried == 4


def test_a_bug_is_found_in_a_truncated_gradient():
    rows = checked(*cut_off(), "of_last_step")
    wrong = {key for key, row in rows.items() if row.verdict == "wrong"}
    assert wrong == {f"recurrent_{n}.{name}_grad" for n in (1, 2) for name in "WU"}


@needs_node
def test_the_page_does_not_judge_truncated_gradients():
    rows = in_page(*cut_off())
    right = {key for key, row in rows.items() if row["verdict"] == "right"}
    assert right == {"dense_1.W_grad", "dense_1.b_grad"}
    assert {rows[key]["verdict"] for key in rows.keys() - right} == {"truncated"}


def test_class_numbers_have_no_derivative():
    network = Network([Embedding(2, classes=3), Dense(2), Softmax()], input=2, seed=1)
    assert [*checked(network, [[0, 1], [1, 2]], [0, 1])] == [
        "embedding_1.E_grad",
        "dense_1.W_grad",
        "dense_1.b_grad",
    ]


def test_numbers_that_overflow_are_not_judged_and_told_as_null():
    network = Network([Dense(1, "linear")], input=1, loss="mse")
    network.layers[0].W = [[1e200]]
    record = record_of(network, [[1e200]], [[0.0]])
    rows = {row.key: row for row in gradient_check(record)}
    assert rows["dense_1.W_grad"].verdict == "unsure"
    text = json.dumps([row.told() for row in rows.values()], allow_nan=False)
    assert '"analytic": null' in text


@pytest.mark.parametrize("place", [(0, 0), (123, 45), (199, 79)])
def test_a_single_wrong_number_of_a_large_array_is_found(place):
    network = Network([Dense(80, "tanh"), Dense(1)], input=200, loss="mse", seed=1)
    x = np.random.default_rng(0).normal(size=(3, 200))

    class Once:
        def wrong(self, stage: str, record: Record, k: int, right: Array) -> Array | None:
            if stage != "W_grad" or k != 0:
                return None
            found = right.copy()
            found[place] += 1e-4
            return found

    made = in_float64(network)
    record = recorded(made, *made.prepare(x, np.zeros((3, 1))), bugs=[Once()])
    rows = {row.key: row for row in gradient_check(record)}
    row = rows["dense_1.W_grad"]
    assert (row.verdict, tuple(row.at), row.of) == ("wrong", place, 16_000)
    assert row.tried < 20
    assert row.analytic - row.numeric == pytest.approx(1e-4)
    assert {one.verdict for key, one in rows.items() if key != "dense_1.W_grad"} == {"right"}


def test_the_server_answers_with_the_rows():
    network, x, t = at_the_kink()
    session = Session(network.inspect(x, t))
    wanted = {"edits": [], "bugs": ["no_slope"], "frame": None, "only": None}
    answer = session.answers["/check"](json.dumps(wanted).encode())
    length = int.from_bytes(answer[:4], "little")
    rows = json.loads(answer[4 : 4 + length])["rows"]
    expected = gradient_check(record_of(network, x, t, "no_slope"))
    assert rows == json.loads(json.dumps([row.told() for row in expected]))
    assert "wrong" in {row["verdict"] for row in rows}

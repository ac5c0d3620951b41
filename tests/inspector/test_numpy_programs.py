"""The NumPy programs that the page copies run, and give the number that the pass has."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.inspector.scene import Told, scene
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "numpy_programs.mjs"

pytestmark = needs_node


def programs(*networks):
    """For each network with its inputs and targets the programs of all its operations."""
    scenes = []
    for network, x, t in networks:
        record = recorded(in_float64(network), *network.prepare(x, t))
        arrays = {key: entry.values.ravel().tolist() for key, entry in record.entries.items()}
        scenes.append({"scene": scene(record, Told("a test")), "arrays": arrays})
    return run(SCRIPT, scenes)


def printed(program):
    """What a program prints."""
    said = StringIO()
    with redirect_stdout(said), np.errstate(all="ignore"):
        exec(program, {})
    return float(said.getvalue())


def cases(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


CLASSIFIER = Network([Dense(8, "tanh"), Dense(3), Softmax()], input=4, seed=1, penalty={"L2": 0.1})
WIDE = Network([Dense(70, "tanh"), Dense(2)], input=40, seed=1, loss="mse")
EVERY = [
    ("dense", CLASSIFIER, cases(6, 4), [0, 1, 1, 0, 2, 0]),
    ("wide", WIDE, cases(3, 40), cases(3, 2)),
]


@pytest.mark.parametrize(("name", "network", "x", "t"), EVERY)
def test_each_program_prints_the_number_of_the_pass(name, network, x, t):
    (found,) = programs((network, x, t))
    assert found
    for one in found:
        value = printed(one["program"])
        expected = np.nan if one["value"] is None else one["value"]
        assert np.isclose(value, expected, rtol=1e-11, atol=1e-13, equal_nan=True), one["program"]


def test_a_program_reads_as_it_is_written_by_hand():
    (found,) = programs((CLASSIFIER, cases(6, 4), [0, 1, 1, 0, 2, 0]))
    lines = {(one["target"], tuple(one["at"])): one["program"] for one in found}
    assert "cell = x[0] @ W1[:, 0] + b1[0]  # z1[0, 0]" in lines["dense_1.z", (0, 0)]
    assert "x[:, 0] @ delta1[:, 0]" in lines["dense_1.W_grad", (0, 0)]

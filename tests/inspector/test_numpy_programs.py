"""The NumPy programs that the page copies run, and give the number that the pass has."""

from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import image_networks
import numpy as np
import pytest
import sequence_networks
from test_edits_alike import inspected, numbers

from chainrule import Dense, Network, Softmax
from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.inspector.scene import Told, scene
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "numpy_programs.mjs"

pytestmark = needs_node

Case = tuple[Network, Any, Any]


def programs(*networks: Case) -> list[list[dict[str, Any]]]:
    """For each network with its inputs and targets the programs of all its operations."""
    scenes = []
    for network, x, t in networks:
        made = in_float64(network)
        record = recorded(made, *made.prepare(x, t))
        arrays = {key: numbers(entry.values) for key, entry in record.entries.items()}
        scenes.append({"scene": scene(record, Told("a test")), "arrays": arrays})
    return run(SCRIPT, scenes)


def printed(program: str) -> float:
    """What a program prints."""
    said = StringIO()
    with redirect_stdout(said), np.errstate(all="ignore"):
        exec(program, {})
    return float(said.getvalue())


def require_right(found: list[list[dict[str, Any]]]) -> None:
    """Hold what the programs print against the pass."""
    for one in (one for programs in found for one in programs):
        assert not one["unknown"], one["program"]  # their values would be put in
        value, right = printed(one["program"]), float(one["value"])
        assert np.isclose(value, right, rtol=1e-10, atol=1e-12, equal_nan=True), one["program"]


def cases(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


CLASSIFIER: Case = (
    Network([Dense(8, "tanh"), Dense(3), Softmax()], input=4, seed=1, penalty={"L2": 0.1}),
    cases(6, 4),
    [0, 1, 1, 0, 2, 0],
)
WIDE: Case = (
    Network([Dense(70, "sigmoid"), Dense(2)], input=40, seed=1, loss="mse"),
    cases(3, 40),
    cases(3, 2),
)


@cache
def of_dense_layers() -> list[list[dict[str, Any]]]:
    """The programs of a classifier and of a wide network."""
    return programs(CLASSIFIER, WIDE)


def test_each_program_prints_the_number_of_the_pass():
    found = of_dense_layers()
    assert all(found)
    require_right(found)


@pytest.mark.exhaustive
def test_each_program_of_every_family_prints_the_number_of_the_pass():
    kinds = (
        image_networks.a_few(),
        image_networks.pools_of_all_kinds(),
        image_networks.normalised_of_all_kinds(),
    )
    require_right(programs(*(tuple(one)[-3:] for kind in kinds for one in kind)))
    sequences = sequence_networks.variants(np.random.default_rng(0))
    require_right(programs(*(one[1:] for one in sequences)))


@pytest.mark.exhaustive
def test_each_program_of_random_networks_prints_the_number_of_the_pass():
    given = []
    for base in map(inspected, range(60)):
        arrays = {key: numbers(entry.values) for key, entry in base.record.entries.items()}
        given.append({"scene": base.scene, "arrays": arrays})
    require_right(run(SCRIPT, given))


def test_a_program_reads_as_it_is_written_by_hand():
    dense, wide = of_dense_layers()
    lines = {(one["target"], *one["at"]): one["program"] for one in dense}
    for key, line in {
        ("dense_1.z", 0, 0): "cell = x[0] @ W1[:, 0] + b1[0]  # z1[0, 0]",
        ("dense_1.out", 0, 0): "cell = np.tanh(z1_0_0)  # a1[0, 0]",
        ("dense_1.W_grad", 0, 0): "cell = x[:, 0] @ delta1[:, 0] + lam * W1_0_0  # dL_dW1[0, 0]",
        ("softmax.out", 0, 0): "cell = np.exp(z2[0, 0]) / np.sum(np.exp(z2[0]))  # y[0, 0]",
        ("dense_1.W_new", 0, 0): "cell = W1_0_0 - eta * dL_dW1_0_0  # W1_new[0, 0]",
    }.items():
        assert line in lines[key].splitlines(), lines[key]
    (large,) = (one for one in wide if one["target"] == "dense_1.z" and one["at"] == [0, 0])
    assert "cell = x @ W1 + b1_0  # z1[0, 0]" in large["program"]
    assert "# x[0, 0:40] of the pass" in large["program"]

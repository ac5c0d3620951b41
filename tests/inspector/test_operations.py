"""Every operation's formula gives, from the recorded numbers, the number that Python recorded."""

from pathlib import Path

import numpy as np

from chainrule import Dense, Network, Softmax
from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.inspector.scene import Told, scene
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "held_against_python.mjs"

pytestmark = needs_node


def held(*networks: tuple[Network, object, object], exact: bool = False) -> list[dict[str, float]]:
    """The worst error of every operation, for each network with its inputs and targets.

    Args:
        networks: each with its inputs and targets.
        exact: whether also nothing may be said to be influenced that does not read the cell.
    """
    told = Told("a test")
    scenes = []
    for network, x, t in networks:
        made = in_float64(network)
        record = recorded(made, *made.prepare(x, t))
        arrays = {key: numbers(entry.values) for key, entry in record.entries.items()}
        scenes.append({"scene": scene(record, told), "exact": exact, "arrays": arrays})
    return run(SCRIPT, scenes)


def numbers(values: np.ndarray) -> list[float | None]:
    """An array's numbers as JSON holds them: None for NaN."""
    return [None if np.isnan(value) else value for value in values.ravel().tolist()]


def test_dense_layers():
    network = Network(
        [Dense(8, "tanh"), Dense(3), Softmax()], input=4, seed=1, penalty={"L2": 0.1}
    )
    x = np.random.default_rng(0).normal(size=(6, 4))
    (errors,) = held((network, x, [0, 1, 1, 0, 2, 0]))
    assert {"dense_1.z", "dense_1.out", "dense_1.delta", "dense_1.W_grad"} <= set(errors)
    assert max(errors.values()) < 1e-12

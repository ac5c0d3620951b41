"""An epoch of each example by compiled code: the numbers of the reference, and the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainrule
from networks import difference

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ["shapes.yaml", "no_hidden_layer.yaml", "deep.yaml", "spirals.yaml", "regression.yaml"]
NAMES += ["iris.yaml", "compact.txt", "by_hand.yaml"]
BOUNDS = {"float64": 1e-12, "float32": 1e-4}


def epoch(name: str, engine: str) -> chainrule.Run:
    if name == "iris.yaml":
        pytest.importorskip("sklearn", reason="iris comes with scikit-learn")
    changed = ["training.epochs=1", f"training.engine={engine}"]
    return chainrule.train(EXAMPLES / name, overrides=changed, save=False)


@pytest.mark.parametrize("name", NAMES)
def test_an_epoch_is_that_of_the_reference(name):
    expected, found = epoch(name, "numpy"), epoch(name, "compiled")
    assert found.engine == "compiled"
    bound = BOUNDS[str(expected.network.dtype)]
    losses = (run.history.minibatch_losses for run in (expected, found))
    assert difference(*losses) <= bound
    for parameter, array in expected.network.parameters.items():
        assert difference(array, found.network.parameters[parameter]) <= bound, parameter
    for part, score in expected.scores.items():
        assert found.scores[part].loss == pytest.approx(score.loss, rel=max(bound, 1e-9))
        assert found.scores[part].accuracy == score.accuracy


@pytest.mark.parametrize("name", ["deep.yaml", "spirals.yaml"])
def test_the_same_file_gives_the_same_bits(name):
    first, second = epoch(name, "compiled"), epoch(name, "compiled")
    assert first.network.theta.tobytes() == second.network.theta.tobytes()
    losses = [run.history.minibatch_losses for run in (first, second)]
    assert np.array_equal(*losses)
    assert first.config.training["threads"] == second.config.training["threads"] == 1

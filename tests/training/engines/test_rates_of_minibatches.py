"""Rates that change within an epoch: every engine, and each program of the compiled one."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from test_compiled_engine import BLAS, CHOSEN, DTYPES, LANES, engine_of, the_way

from chainrule import Dense, Network, Softmax
from chainrule.training.engines import ENGINES, NumpyEngine
from chainrule.training.engines.compiled.engine import CompiledEngine

RULES = ["sgd", {"type": "momentum", "nesterov": True}, "adam"]
WAYS = [(1, CHOSEN), (4, BLAS), (4, LANES)]
SCALES = np.array([0.5, 1e-3, 0.0, 2.0, 1 / 3, 0.7, 1.1, 0.9])
RNG = np.random.default_rng(4)
X, LABELS = RNG.normal(size=(32, 5)), RNG.integers(0, 3, 32)


def network_of(loss="cross_entropy", penalty=None, dtype="float64") -> Network:
    layers = [Dense(6, "tanh", learning_rate=0.7), Dense(3)]
    layers += [Softmax()] if loss == "cross_entropy" else []
    given = {"loss": loss, "penalty": penalty, "dtype": dtype, "learning_rate": 0.2, "seed": 1}
    return Network(layers, input=5, **given)


def one_by_one(engine, minibatches) -> list[float]:
    """The losses where the caller sets the scale before every minibatch."""
    losses = []
    for k in range(minibatches):
        engine.optimizer.scale = float(SCALES[k])
        losses += engine.run(None, k, k + 1).losses.tolist()
    return losses


@pytest.mark.parametrize(("batch_size", "way"), WAYS)
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("common", [True, False])
def test_a_chunk_has_the_bits_of_its_minibatches(batch_size, way, rule, common, dtype):
    network = network_of(dtype=dtype) if common else network_of("mse", "L1", dtype)
    targets = LABELS if common else np.eye(3)[LABELS]
    with the_way(way):
        whole, single = (
            engine_of(CompiledEngine, copy.deepcopy(network), X, targets, rule, batch_size)
            for _ in range(2)
        )
    assert whole.fallback_reason is None
    found = whole.run(None, 0, 8, SCALES)
    assert found.losses.tolist() == one_by_one(single, 8)
    assert np.array_equal(whole.network.theta, single.network.theta)
    for name, vector in whole.optimizer.state.items():
        assert np.array_equal(vector, single.optimizer.state[name])
    # What a chunk has set, the next one does not see.
    whole.optimizer.scale = single.optimizer.scale = 1.0
    assert np.array_equal(whole.run(None, 0, 8).losses, single.run(None, 0, 8).losses)
    assert np.array_equal(whole.network.theta, single.network.theta)


@pytest.mark.parametrize("name", sorted(set(ENGINES) - {"auto"}))
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_engine_multiplies_the_rates_of_each_minibatch(name, rule):
    if not ENGINES.is_installed(name):
        pytest.skip(f"{name} is not installed")
    network = network_of()
    one, other = (
        engine_of(kind, copy.deepcopy(network), X, LABELS, rule, 4)
        for kind in (NumpyEngine, ENGINES[name])
    )
    expected, found = one_by_one(one, 8), other.run(None, 0, 8, SCALES)
    assert found.losses == pytest.approx(expected, rel=1e-12)
    assert other.network.theta == pytest.approx(one.network.theta, rel=1e-11, abs=1e-14)


@pytest.mark.parametrize(("batch_size", "way"), WAYS)
def test_a_minibatch_that_the_reference_runs_has_its_own_scale(batch_size, way):
    """Compiled code leaves sums that might overflow to it, and goes on behind them."""
    x = X.copy()
    x[:, 0] = 0
    x[3 * batch_size] = [1.5e308, 0, 0, 0, 0]  # in the fourth minibatch
    network = Network([Dense(3), Softmax()], input=5, seed=1, learning_rate=1e-300)
    network.layers[0].W[0] = 0
    with the_way(way):
        engines = [
            engine_of(kind, copy.deepcopy(network), x, LABELS, "sgd", batch_size)
            for kind in (CompiledEngine, NumpyEngine)
        ]
    found, expected = (engine.run(None, 0, 8, SCALES) for engine in engines)
    assert found.losses == pytest.approx(expected.losses, rel=1e-7)  # of logits around 1e8
    theta = engines[1].network.theta
    assert abs(theta).max() > 1e7  # by that minibatch
    assert engines[0].network.theta == pytest.approx(theta, rel=1e-7)


def test_scales_of_another_length_are_no_reading_beyond_them():
    engine = engine_of(CompiledEngine, network_of(), X, LABELS, "sgd", 4)
    with pytest.raises(IndexError):
        engine.run(None, 0, 8, SCALES[:3])

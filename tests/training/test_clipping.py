"""Clipping of the gradient's norm, in the arithmetic and in every engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule import Dense, Network, Softmax
from chainrule.training import Part, Settings, Trainer
from chainrule.training.optimizers import clip_norm, norm

vectors = arrays(float, st.integers(1, 12), elements=st.floats(-1e3, 1e3))
X = np.random.default_rng(0).normal(size=(20, 3))
T = np.random.default_rng(1).integers(0, 2, 20)
SMALL = 0.05


@given(vectors, st.floats(1e-3, 1e4))
def test_the_direction_stays_and_the_length_is_at_most_c(g, most):
    before = g.copy()
    found = clip_norm(g, most)
    assert found == pytest.approx(np.linalg.norm(before), rel=1e-12)
    factor = min(1.0, most / found) if found else 1.0
    assert g == pytest.approx(before * factor, rel=1e-12, abs=1e-300)
    if found <= most:
        assert np.array_equal(g, before)


@given(arrays(float, st.integers(1, 6), elements=st.floats(-1e3, 1e3)), st.integers(-150, 150))
def test_the_norm_neither_overflows_nor_vanishes(g, power):
    scale = 2.0 ** (6 * power)
    expected = np.linalg.norm(g) * scale
    if 1e-280 < expected < 1e300 and np.abs(g[g != 0]).min(initial=1) > 1e-3:
        assert norm(g * scale) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("g", "expected"),
    [
        ([], 0.0),
        ([0.0, 0.0], 0.0),
        ([3e-200, -4e-200], 5e-200),
        ([3e200, -4e200], 5e200),
        ([-np.inf, 1.0], np.inf),
        (np.array([3e-30, 4e-30], np.float32), 5e-30),
        (np.array([3e30, 4e30], np.float32), 5e30),
    ],
)
def test_norms_whose_square_no_number_holds(g, expected):
    assert norm(np.asarray(g)) == pytest.approx(expected, rel=1e-6, abs=0)


def test_it_is_what_pytorch_does_but_for_its_millionth():
    torch = pytest.importorskip("torch")
    g = np.random.default_rng(2).normal(size=30)
    parts = [torch.zeros(10, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    for part, values in zip(parts, np.split(g, 3), strict=True):
        part.grad = torch.from_numpy(values.copy())
    torch.nn.utils.clip_grad_norm_(parts, 0.5)
    clip_norm(g, 0.5)
    assert np.concatenate([p.grad.numpy() for p in parts]) == pytest.approx(g, rel=1e-5)


def network_for(penalty=None):
    layers = [Dense(4, "tanh"), Dense(2), Softmax()]
    return Network(layers, input=3, seed=3, penalty=penalty, learning_rate=1.0)


def trained(engine="numpy", penalty=None, **settings):
    network = network_for(penalty)
    chosen = Settings(epochs=1, batch_size=20, engine=engine, shuffle=False, **settings)
    trainer = Trainer(network, Part(X, T), Part(X[:0], T[:0]), chosen, classes=True)
    trainer.run()
    return trainer


@pytest.mark.parametrize("penalty", [None, {"type": "L2", "rate": 10.0}])
def test_a_step_is_that_of_the_whole_gradient_shortened_with_its_penalty(penalty):
    start = network_for(penalty)
    start.loss(X, T)
    gradient = start.backward_pass(T).vector.copy()
    assert np.linalg.norm(gradient) > SMALL
    step = start.theta - trained(penalty=penalty, clip_gradient_norm=SMALL).network.theta
    assert step == pytest.approx(gradient * (SMALL / np.linalg.norm(gradient)), rel=1e-9)
    assert np.linalg.norm(step) == pytest.approx(SMALL, rel=1e-12)


def test_a_gradient_that_is_short_enough_is_not_touched():
    assert np.array_equal(trained(clip_gradient_norm=1e9).network.theta, trained().network.theta)


@pytest.mark.parametrize("engine", ["compiled", "torch", "auto"])
def test_every_engine_clips_or_hands_over(engine):
    if engine == "torch":
        pytest.importorskip("torch")
    expected = trained(clip_gradient_norm=SMALL)
    found = trained(engine, clip_gradient_norm=SMALL)
    assert found.network.theta == pytest.approx(expected.network.theta, rel=1e-12)
    if engine == "compiled":
        assert found.engine.name == "numpy"
        assert "clipping" in found.engine.fallback_reason

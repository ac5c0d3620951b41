"""Dropout between dense layers in compiled code: the masks and the steps of the numpy engine."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from proof.resumed_runs import TRAIN, VALIDATION, Setting, resume_everywhere

from chainrule import Network, nn
from chainrule.training import Settings, Trainer
from chainrule.training.engines import NumpyEngine
from chainrule.training.engines.compiled.engine import CompiledEngine
from chainrule.training.optimizers import optimizer
from chainrule.training.scores import evaluate
from networks import difference


def network(activation, rate=0.4, **options):
    hidden = [nn.Dense(9, activation), nn.Dropout(rate), nn.Dense(7, activation)]
    more = [nn.Dense(6, activation), nn.Dropout(0.2), nn.Dense(5), nn.Softmax()]
    return Network([*hidden, *more], input=4, seed=1, **options)


def engine_of(kind, net, x, t, rule, batch_size):
    step = optimizer(rule)
    step.bind(net.theta, net.gradients.vector, net.parameters.layout.runs(net.rates(0.05)))
    given = net.prepare_inputs(x), net.prepare_targets(t)
    return kind(net, step, *given, batch_size=batch_size, classes=True, seed=3)


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_it_takes_the_steps_of_the_reference(activation, batch_size, rule):
    rng = np.random.default_rng(0)
    x, t, net = rng.normal(size=(29, 4)), rng.integers(0, 5, 29), network(activation)
    reference = engine_of(NumpyEngine, copy.deepcopy(net), x, t, rule, batch_size)
    compiled = engine_of(CompiledEngine, net, x, t, rule, batch_size)
    assert compiled.fallback_reason is None
    for order in (None, rng.permutation(29)):
        expected = reference.run(order, 0, reference.minibatches)
        first, rest = compiled.run(order, 0, 2), compiled.run(order, 2, compiled.minibatches)
        losses = np.concatenate([first.losses, rest.losses])
        assert difference(expected.losses, losses) < 1e-12
        assert expected.correct == first.correct + rest.correct
        assert difference(reference.network.theta, net.theta) < 1e-12
    assert evaluate(net, x, t, classes=True).loss == pytest.approx(compiled.evaluate(x, t).loss)


@pytest.mark.parametrize("rate", [0.0, 0.9])
def test_nothing_and_nearly_everything_dropped(rate):
    rng = np.random.default_rng(0)
    x, t, net = rng.normal(size=(12, 4)), rng.integers(0, 5, 12), network("relu", rate)
    reference = engine_of(NumpyEngine, copy.deepcopy(net), x, t, "sgd", 5)
    compiled = engine_of(CompiledEngine, net, x, t, "sgd", 5)
    expected, found = reference.run(None, 0, 3), compiled.run(None, 0, 3)
    assert difference(expected.losses, found.losses) < 1e-12
    assert difference(reference.network.theta, net.theta) < 1e-12


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([nn.Dropout(0.5), nn.Dense(3)], "dropout_1"),
        ([nn.Dense(4), nn.Dropout(0.5), nn.Dropout(0.5), nn.Dense(3)], "dropout_1"),
        ([nn.Dense(4), nn.Dense(3), nn.Dropout(0.5)], "dropout_1"),
    ],
)
def test_elsewhere_the_numpy_engine_runs_it_and_says_why(layers, name):
    net = Network([*copy.deepcopy(layers), nn.Softmax()], input=4, seed=1)
    x, t = np.ones((6, 4)), np.arange(6) % 3
    engine = engine_of(CompiledEngine, net, x, t, "sgd", 3)
    reason = f"dropout is compiled between two dense layers, {name} is not"
    assert (engine.name, engine.fallback_reason) == ("numpy", reason)
    engine.run(None, 0, 2)


class Dropping(Setting):
    def trainer(self, *callbacks):
        layers = [nn.Dense(5, "relu"), nn.Dropout(0.3), nn.Dense(3), nn.Softmax()]
        settings = Settings(epochs=3, batch_size=4, seed=6, engine="compiled")
        net = Network(layers, input=3, seed=2)
        return Trainer(net, TRAIN, VALIDATION, settings, classes=True, callbacks=callbacks)


def test_a_resumed_training_has_the_bits_of_one_never_stopped(tmp_path):
    setting = Dropping("compiled", 4, "sgd", "constant", shuffle=True)
    assert resume_everywhere(setting, tmp_path)[0] == []

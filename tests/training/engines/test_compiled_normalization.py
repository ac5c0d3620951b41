"""Batch and layer normalisation in compiled code: the steps of the numpy engine."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from proof.resumed_runs import TRAIN, VALIDATION, Setting, resume_everywhere

from chainrule import Network, nn
from chainrule.training import Settings, Trainer
from chainrule.training.engines import NotFiniteError, NumpyEngine
from chainrule.training.engines.compiled.engine import CompiledEngine
from chainrule.training.optimizers import optimizer
from chainrule.training.scores import evaluate
from networks import difference

NORMS = [nn.BatchNorm, nn.LayerNorm]


def network(norm, activation="tanh", **options):
    """Without biases before a batch normalisation: their derivative is 0, but for rounding."""
    hidden = [nn.Dense(9, bias=False), norm(activation=activation, epsilon=1e-3), nn.Dropout(0.2)]
    more = [nn.Dense(7, activation), norm(learning_rate=0.02), nn.Dense(6, bias=False), norm()]
    return Network([*hidden, *more, nn.Dense(5), nn.Softmax()], input=4, seed=1, **options)


def engine_of(kind, net, x, t, rule, batch_size, **options):
    step = optimizer(rule)
    layout = net.parameters.layout
    biases = [segment.slice for segment in layout if segment.is_bias]
    step.bind(net.theta, net.gradients.vector, layout.runs(net.rates(0.05)), biases)
    given = net.prepare_inputs(x), net.prepare_targets(t)
    return kind(net, step, *given, batch_size=batch_size, classes=True, seed=3, **options)


def pair(net, x, t, rule="sgd", batch_size=7, **options):
    """The reference, and the compiled engine on the network itself."""
    reference = engine_of(NumpyEngine, copy.deepcopy(net), x, t, rule, batch_size, **options)
    compiled = engine_of(CompiledEngine, net, x, t, rule, batch_size, **options)
    assert (compiled.name, compiled.fallback_reason) == ("compiled", None)
    return reference, compiled


def cases(count=29):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)), rng.integers(0, 5, count)


def assert_same_steps(reference, compiled, order=None, scales=None):
    last = reference.minibatches
    parts = (scales, None, None) if scales is None else (scales, scales[:2], scales[2:])
    expected = reference.run(order, 0, last, parts[0])
    first, rest = compiled.run(order, 0, 2, parts[1]), compiled.run(order, 2, last, parts[2])
    assert difference(expected.losses, np.concatenate([first.losses, rest.losses])) < 1e-12
    assert difference(reference.network.theta, compiled.network.theta) < 1e-12
    if reference.weights is None:
        assert expected.correct == first.correct + rest.correct
    else:
        found = np.concatenate([first.correct, rest.correct])
        assert difference(expected.correct, found) < 1e-12


DECAYED = {"type": "adamw", "weight_decay": 0.1}
FULL = {"type": "L2", "rate": 0.1, "biases": True}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    ("rule", "penalty"),
    [("sgd", None), ("sgd", FULL), ("adam", {"type": "L1", "rate": 0.01}), (DECAYED, None)],
)
@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_it_takes_the_steps_of_the_reference(norm, rule, penalty, batch_size):
    (x, t), net = cases(), network(norm, penalty=penalty)
    reference, compiled = pair(net, x, t, rule, batch_size)
    order = np.random.default_rng(1).permutation(29)
    for chosen in (None, order):
        assert_same_steps(reference, compiled, chosen)
    expected = evaluate(net, x, t, classes=True)
    assert compiled.evaluate(x, t).loss == pytest.approx(expected.loss, rel=1e-13)


@pytest.mark.parametrize("norm", NORMS)
def test_with_weights_a_schedule_within_the_epoch_and_relu(norm):
    (x, t), net = cases(), network(norm, "relu")
    weights = np.random.default_rng(2).uniform(0.1, 2, 29)
    reference, compiled = pair(net, x, t, "momentum", weights=weights)
    assert_same_steps(reference, compiled, scales=np.array([0.1, 0.5, 1.0, 0.3, 0.2]))


@pytest.mark.parametrize("norm", NORMS)
def test_a_minibatch_that_is_not_finite_changes_nothing(norm):
    (x, t), net = cases(), network(norm)
    x[15, 0] = 1e200  # its square overflows in the variance
    reference, compiled = pair(net, x, t, "adam")
    for engine in (reference, compiled):
        with pytest.raises(NotFiniteError) as caught:
            engine.run(None, 0, 5)
        assert caught.value.minibatch == 2
        assert engine.optimizer.steps == 2
    assert difference(reference.network.theta, net.theta) < 1e-12


def test_only_means_and_variances_move_at_a_rate_of_0():
    (x, t), net = cases(), network(nn.BatchNorm)
    _, compiled = pair(net, x, t)
    before, layout = net.theta.copy(), net.parameters.layout
    compiled.run(None, 0, 5, np.zeros(5))
    for segment in layout:
        moved = not np.array_equal(net.theta[segment.slice], before[segment.slice])
        assert moved == (segment.name in ("mean", "variance"))


def test_before_the_first_dense_layer_the_numpy_engine_runs_it_and_says_why():
    net = Network([nn.LayerNorm(), nn.Dense(5), nn.Softmax()], input=4, seed=1)
    engine = engine_of(CompiledEngine, net, *cases(), "sgd", 7)
    reason = "a layer that normalises is compiled behind a dense layer, layer_norm_1 is not"
    assert (engine.name, engine.fallback_reason) == ("numpy", reason)
    engine.run(None, 0, 2)


class Normalising(Setting):
    def trainer(self, *callbacks):
        layers = [nn.Dense(5), nn.BatchNorm(activation="relu"), nn.Dense(4), nn.LayerNorm()]
        settings = Settings(epochs=3, batch_size=4, seed=6, engine="compiled", optimizer="adam")
        net = Network([*layers, nn.Dense(3), nn.Softmax()], input=3, seed=2)
        return Trainer(net, TRAIN, VALIDATION, settings, classes=True, callbacks=callbacks)


def test_a_resumed_training_has_the_bits_of_one_never_stopped(tmp_path):
    setting = Normalising("compiled", 4, "adam", "constant", shuffle=True)
    assert resume_everywhere(setting, tmp_path)[0] == []

"""The engine that is the layers themselves: what a chunk of minibatches does to θ."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.training.engines import ENGINES, NotFiniteError, NumpyEngine
from chainrule.training.optimizers import optimizer

RNG = np.random.default_rng(8)
X, T = RNG.normal(size=(11, 3)), RNG.integers(0, 2, 11)


def network(**options) -> Network:
    layers = [Dense(4, "tanh", learning_rate=0.2), Dense(2, "linear"), Softmax()]
    return Network(layers, input=3, learning_rate=0.5, seed=1, **options)


def engine(net: Network, batch_size: int = 4, rule: object = "sgd", x=X, t=T) -> NumpyEngine:
    step = optimizer(rule)
    step.bind(net.theta, net.gradients.vector, net.parameters.layout.runs(net.rates(0.1)))
    return NumpyEngine(
        net,
        step,
        net.prepare_inputs(x),
        net.prepare_targets(t),
        batch_size=batch_size,
        classes=True,
    )


def descent_by_hand(net: Network, minibatches: list[np.ndarray]) -> list[float]:
    """Plain descent through the public passes; the loss before each step."""
    losses = []
    rates = {name: 0.2 if name.startswith("dense_1") else 0.5 for name in net.parameters}
    for cases in minibatches:
        losses.append(net.loss(X[cases], T[cases]))
        gradients = net.backward_pass(T[cases])
        steps = {name: rates[name] * gradients[name] for name in net.parameters}
        for name, view in net.parameters.items():
            view -= steps[name]
    return losses


@pytest.mark.parametrize("penalty", [None, {"type": "L2", "rate": 0.1, "biases": True}])
@pytest.mark.parametrize("order", [None, RNG.permutation(11)], ids=["file order", "shuffled"])
def test_weights_change_only_after_the_whole_minibatch_has_gone_back(order, penalty):
    run, hand = network(penalty=penalty), network(penalty=penalty)
    result = engine(run).run(order, 0, 3)
    cases = np.arange(11) if order is None else order
    losses = descent_by_hand(hand, [cases[:4], cases[4:8], cases[8:]])
    assert result.losses == pytest.approx(losses, rel=1e-14)
    assert run.theta == pytest.approx(hand.theta, rel=1e-13, abs=1e-15)


def test_the_optimiser_is_asked_once_a_minibatch_with_theta_untouched_until_then(monkeypatch):
    net = network()
    runner = engine(net)
    start, seen = net.theta.copy(), []
    step = type(runner.optimizer).step

    def spy(self):
        seen.append(np.array_equal(net.theta, start))
        step(self)
        start[...] = net.theta

    monkeypatch.setattr(type(runner.optimizer), "step", spy)
    runner.run(None, 0, 3)
    assert seen == [True] * 3


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("cut", [1, 2])
def test_two_stretches_are_one(rule, cut):
    whole, parts = network(), network()
    expected = engine(whole, rule=rule).run(None, 0, 3)
    runner = engine(parts, rule=rule)
    found = [runner.run(None, 0, cut), runner.run(None, cut, 3)]
    assert np.array_equal(np.concatenate([s.losses for s in found]), expected.losses)
    assert sum(s.correct for s in found) == expected.correct
    assert whole.theta.tobytes() == parts.theta.tobytes()


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(1, [1] * 11), (4, [4, 4, 3]), (11, [11]), (99, [11])]
)
def test_the_last_minibatch_may_be_smaller(batch_size, sizes):
    runner = engine(network(), batch_size)
    cuts = [runner.cases_of(k) for k in range(runner.minibatches)]
    assert [len(X[cut]) for cut in cuts] == sizes
    assert [cut.start for cut in cuts] == list(np.cumsum([0, *sizes[:-1]]))


def test_cases_are_counted_as_they_ran():
    net = network()
    net.learning_rate = 0.0
    frozen = Network([Dense(2, "linear"), Softmax()], input=3, learning_rate=0.0, seed=1)
    result = engine(frozen).run(None, 0, 3)
    assert result.correct == np.sum(frozen.forward_pass(X).argmax(axis=1) == T)


def test_a_ragged_last_minibatch_leaves_nothing_behind_in_the_next_epoch():
    """Buffers are kept by size; an epoch must not see what another size left."""
    run, hand = network(), network()
    runner = engine(run)
    for _ in range(3):
        runner.run(None, 0, 3)
    cases = np.arange(11)
    descent_by_hand(hand, [cases[:4], cases[4:8], cases[8:]] * 3)
    assert run.theta == pytest.approx(hand.theta, rel=1e-12, abs=1e-14)


def test_the_training_set_is_left_as_it_was():
    x, t = X.copy(), T.copy()
    engine(network(), x=x, t=t).run(RNG.permutation(11), 0, 3)
    assert np.array_equal(x, X)
    assert np.array_equal(t, T)


def test_a_loss_that_is_not_finite_is_found_before_theta_changes():
    x = X.copy()
    x[5] = 1e308
    net = Network([Dense(2, "linear"), Dense(2, "linear")], input=3, loss="mse", seed=1)
    runner = engine(net, x=x)
    runner.run(None, 0, 1)
    before = net.theta.copy()
    with pytest.raises(NotFiniteError) as caught:
        runner.run(None, 1, 3)
    error = caught.value
    assert (error.minibatch, error.what, error.layer) == (1, "loss", "dense_2")
    assert np.array_equal(net.theta, before)


@pytest.mark.parametrize("at", ["dense_1", "dense_2"])
def test_a_gradient_that_is_not_finite_names_the_layer_where_it_went_wrong(monkeypatch, at):
    net = network()
    layer = next(layer for layer in net.layers if layer.name == at)
    backward = type(layer).backward_from_delta

    def broken(self, delta, **options):
        J = backward(self, delta, **options)
        if self is layer:
            self.W_grad[0, 0] = np.nan
        return J

    monkeypatch.setattr(Dense, "backward_from_delta", broken)
    before = net.theta.copy()
    with pytest.raises(NotFiniteError) as caught:
        engine(net).run(None, 2, 3)
    assert (caught.value.minibatch, caught.value.what, caught.value.layer) == (2, "gradient", at)
    assert np.array_equal(net.theta, before)


def test_a_huge_but_finite_gradient_is_no_error():
    net = Network([Dense(1, "linear")], input=3, loss="mse", learning_rate=0.0, seed=1)
    engine(net, x=X * 1e150, t=np.zeros(11)).run(None, 0, 3)
    assert np.abs(net.gradients.vector).max() > 1e200


def test_the_names_of_the_table():
    assert set(ENGINES) >= {"auto", "numpy"}
    assert ENGINES["auto"].name == ENGINES["numpy"].name == "numpy"


def test_an_order_may_repeat_cases_and_be_longer_than_the_data():
    drawn, filed = network(), network()
    order = np.array([2, 0, 0, 1, 2, 2, 1, 10, 9, 0, 0, 0, 3, 2])
    by_order = engine(drawn, 4, x=X, t=T).run(order, 0, 4)
    by_file = engine(filed, 4, x=X[order], t=T[order]).run(None, 0, 4)
    assert np.array_equal(by_order.losses, by_file.losses)
    assert np.array_equal(drawn.theta, filed.theta)

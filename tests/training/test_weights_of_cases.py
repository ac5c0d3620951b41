"""Cases of unequal weight: a weight of 2 is the case twice, 0 is no case, 1 everywhere is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import all_layers
from chainrule import Dense, Network, Softmax
from chainrule.autodiff import loss_from
from chainrule.core.errors import DataError, ShapeError
from chainrule.data.dataset import Dataset
from chainrule.data.standardization import Standardization
from chainrule.gradients import complex_step, relative_error
from chainrule.nn.losses import LOSSES, MeanSquaredError, mean_loss
from chainrule.training import Callback, Part, Settings, Trainer
from chainrule.training import trainer as trainer_module
from chainrule.training.engines import ENGINES, NumpyEngine
from chainrule.training.scores import TargetKind, evaluate
from chainrule.training.tracing import ShowMinibatches, as_text, trace
from networks import CLASS_LOSSES, network_for, networks_with_batches, targets_for

RNG = np.random.default_rng(8)
X, CLASSES = RNG.normal(size=(23, 4)), RNG.integers(0, 3, 23)
VALUES = RNG.normal(size=(23, 2))
WEIGHTS = RNG.uniform(0.2, 3.0, 23)
SCALING = Standardization.fit(VALUES)
times = st.integers(0, 3)


def repeated(draw_times, *arrays):
    """Each case as often as the numbers say."""
    return [np.repeat(values, draw_times, axis=0) for values in arrays]


def of_mean_one(weights):
    weights = np.asarray(weights, float)
    return weights * len(weights) / weights.sum()


# Loss and gradient


@settings(max_examples=60, deadline=None)
@given(networks_with_batches(), st.data())
def test_a_weight_of_k_is_the_case_k_times_in_loss_and_gradient(made, data):
    network, x, t = made
    k = data.draw(st.lists(times, min_size=len(x), max_size=len(x)).filter(any))
    loss = network.loss(x, t, weights=of_mean_one(k))
    gradient = network.backward_pass(t, weights=of_mean_one(k)).vector.copy()
    x, t = repeated(k, x, t)
    assert loss == pytest.approx(network.loss(x, t), rel=1e-12)
    assert relative_error(network.backward_pass(t).vector, gradient) < 1e-12


@pytest.mark.parametrize("case", all_layers.CASES)
def test_in_a_network_of_every_layer_it_is_the_case_k_times(case):
    network = all_layers.network(case)
    x, t = all_layers.batch(network, 5)
    k = np.array([2, 0, 1, 3, 1])
    for explicit in (False, True):
        network.explicit_jacobians = explicit
        loss = network.loss(x, t, weights=of_mean_one(k))
        gradient = network.backward_pass(t, weights=of_mean_one(k), to_input=True).vector.copy()
        by_input = network.input_gradient
        more, targets = repeated(k, x, t)
        assert loss == pytest.approx(network.loss(more, targets), rel=1e-12)
        expected = network.backward_pass(targets, to_input=True)
        assert relative_error(expected.vector, gradient) < 1e-12
        sums = np.add.reduceat(network.input_gradient, [0, 2, 3, 6])
        assert relative_error(sums, by_input[k > 0]) < 1e-12
        assert not by_input[k == 0].any()


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_is_that_of_the_weighted_mean_of_single_losses(loss):
    network = network_for("tanh", loss, {"type": "L2", "rate": 0.1}, outputs=3, seed=2)
    x = RNG.normal(size=(4, 3))
    t = network.prepare_targets(targets_for(network, 4, RNG))
    w = np.array([0.5, 2.5, 0.0, 1.0])  # not of mean 1: the network takes weights as they are

    def by_definition(theta):
        penalty = 0.1 * 0.5 * sum((theta[s.slice] ** 2).sum() for s in weights_of(network))
        each = [network.loss(x[k : k + 1], t[k : k + 1], theta) - penalty for k in range(4)]
        return w @ each / 4 + penalty

    def weights_of(network):
        return [s for s in network.parameters.layout if not s.is_bias]

    assert network.loss(x, t, weights=w) == pytest.approx(by_definition(network.theta), rel=1e-13)
    found = network.backward_pass(t, weights=w).vector.copy()
    at = np.arange(len(found))
    assert relative_error(complex_step(by_definition, network.theta, at), found) < 1e-12


@pytest.mark.parametrize("case", ["softmax", "recurrent", "locally_connected2d without biases"])
def test_weights_of_one_give_the_bits_of_no_weights(case):
    network = all_layers.network(case)
    x, t = all_layers.batch(network, 5)
    loss, gradient = network.loss(x, t), network.backward_pass(t).vector.copy()
    assert network.loss(x, t, weights=np.ones(5)) == loss
    assert np.array_equal(network.backward_pass(t, weights=[1] * 5).vector, gradient)


def test_a_loss_of_ones_own_is_asked_for_one_case_after_the_other():
    own = loss_from(lambda y, t: ((y - t) * (y - t)).mean(), name="Own")()
    y, t = RNG.normal(size=(2, 4, 3))
    w = np.array([1.0, 0.0, 2.0, 1.0])
    found = mean_loss(own, y, t, w)
    assert found == pytest.approx(mean_loss(MeanSquaredError(), y, t, w), rel=1e-14)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1.0, 2.0], "one number for each of 3 cases"),
        ([[1.0], [2.0], [1.0]], "one number for each of 3 cases"),
        ([1.0, -0.5, 1.0], "found -0.5 for case 1"),
        ([1.0, 1.0, np.nan], "found nan for case 2"),
        ([np.inf, 1.0, 1.0], "found inf for case 0"),
        (["a", "b", "c"], "weights are numbers"),
    ],
)
def test_wrong_weights_are_refused_wherever_they_come_in(weights, said):
    network = Network([Dense(3), Softmax()], input=4, seed=1)
    x, t = X[:3], CLASSES[:3]
    network.loss(x, t)
    for refuse in (
        lambda: Dataset(x, t, weights),
        lambda: network.loss(x, t, weights=weights),
        lambda: network.backward_pass(t, weights=weights),
        lambda: evaluate(network, x, t, classes=True, weights=weights),
    ):
        with pytest.raises(ShapeError, match=said):
            refuse()


def test_a_data_set_keeps_the_weights_of_the_cases_that_are_taken():
    whole = Dataset(X, CLASSES, WEIGHTS.tolist())
    part = whole.take(np.array([4, 0, 9]))
    assert np.array_equal(part.weights, WEIGHTS[[4, 0, 9]])
    assert "weights" in repr(whole)
    assert "weights" not in repr(Dataset(X, CLASSES))


# Scores


KINDS = {
    "classes": (lambda: small(classes=True), CLASSES, TargetKind(classes=True)),
    "values": (lambda: small(classes=False), VALUES, TargetKind(names=("a", "b"))),
    "scaled values": (lambda: small(classes=False), VALUES, TargetKind(scaling=SCALING)),
    "labels": (
        lambda: Network([Dense(3, "sigmoid")], input=4, loss="binary_cross_entropy", seed=1),
        (RNG.random((23, 3)) < 0.4).astype(float),
        TargetKind(multi_label=True),
    ),
}


def numbers_in(score):
    """Every figure of a score, those of each label and target included, by name."""
    found = dict(score.figures)
    for each in (*score.labels, *score.targets):
        own = {f"{each.name} {k}": v for k, v in vars(each).items() if k not in ("name", "cases")}
        found |= {k: v for k, v in own.items() if v is not None}
    return found


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(k=st.lists(times, min_size=23, max_size=23).filter(any))
def test_a_weight_of_k_is_the_case_k_times_in_every_score(kind, k):
    make, t, described = KINDS[kind]
    network = make()
    found = evaluate(network, X, t, kind=described, weights=k)
    x, targets = repeated(k, X, t)
    expected = evaluate(network, x, targets, kind=described)
    assert found.cases == np.count_nonzero(k)
    assert numbers_in(found) == pytest.approx(numbers_in(expected), rel=1e-10, abs=1e-11)


def test_cases_of_a_label_are_counted_and_not_weighed():
    make, t, kind = KINDS["labels"]
    plain = evaluate(make(), X, t, kind=kind)
    found = evaluate(make(), X, t, kind=kind, weights=WEIGHTS)
    assert [each.cases for each in found.labels] == [each.cases for each in plain.labels]


def test_the_steps_of_a_sequence_have_the_weight_of_their_case():
    network = all_layers.network("recurrent, given start")
    x, t = all_layers.batch(network, 6)
    k = [3, 1, 0, 2, 1, 1]
    found = evaluate(network, x, t, classes=True, weights=k)
    expected = evaluate(network, *repeated(k, x, t), classes=True)
    assert found.accuracy == pytest.approx(expected.accuracy, rel=1e-14)
    assert found.loss == pytest.approx(expected.loss, rel=1e-14)


def test_only_ratios_of_weights_count_and_none_above_0_is_no_score():
    network = small(classes=True)
    first = evaluate(network, X, CLASSES, classes=True, weights=WEIGHTS)
    again = evaluate(network, X, CLASSES, classes=True, weights=WEIGHTS * 1e300)
    assert first.loss == pytest.approx(again.loss, rel=1e-14)
    assert evaluate(network, X, CLASSES, classes=True, weights=np.zeros(23)) is None
    plain = evaluate(network, X, CLASSES, classes=True)
    assert evaluate(network, X, CLASSES, classes=True, weights=np.full(23, 0.3)) == plain


def test_a_case_of_weight_0_may_even_have_no_finite_loss():
    x = np.array([[1.0], [np.inf]])
    network = Network([Dense(1, "linear")], input=1, loss="mse", seed=1)
    found = evaluate(network, x, [0.0, 0.0], classes=False, weights=[2, 0])
    assert found.loss == network.loss(x[:1], [0.0])


def test_all_right_is_an_accuracy_of_exactly_1():
    network = small(classes=True)
    t = network.forward_pass(X).argmax(axis=1)
    for seed in range(20):
        weights = np.random.default_rng(seed).uniform(0, 1, 23)
        assert evaluate(network, X, t, classes=True, weights=weights).accuracy == 1.0


# Training


def small(classes, **options):
    last = [Dense(3), Softmax()] if classes else [Dense(2, "linear")]
    return Network([Dense(5, "tanh"), *last], input=4, learning_rate=0.3, seed=2, **options)


def trained(data, *, classes=True, validation=None, callbacks=(), dtype="float64", **changed):
    options = {"epochs": 3, "batch_size": 5, "seed": 4, "engine": "numpy", **changed}
    network = small(classes, dtype=dtype)
    none = Part(X[:0], CLASSES[:0])
    made = Trainer(
        network,
        data,
        validation or none,
        Settings(**options),
        classes=classes,
        callbacks=callbacks,
    )
    made.run()
    return made


def weighted(weights, classes=True):
    return Dataset(X, CLASSES if classes else VALUES, weights)


@pytest.mark.parametrize("factor", [1, 0.1, 7])
def test_equal_weights_train_to_the_bits_of_no_weights(factor):
    plain = trained(weighted(None), evaluate="full")
    same = trained(weighted(np.full(23, factor)), evaluate="full")
    assert np.array_equal(plain.network.theta, same.network.theta)
    for column in ("train_loss", "train_accuracy"):
        assert plain.history[column] == same.history[column]


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_weight_of_k_trains_as_the_case_k_times_on_the_whole_set(classes, dtype):
    k = RNG.integers(0, 4, 23)
    t = CLASSES if classes else VALUES
    options = {"classes": classes, "dtype": dtype, "batch_size": 100, "evaluate": "full"}
    found = trained(weighted(k, classes), **options)
    expected = trained(Dataset(*repeated(k, X, t)), **options)
    near = 1e-12 if dtype == "float64" else 2e-5
    assert found.network.theta == pytest.approx(expected.network.theta, rel=near, abs=near)
    for column in found.columns:
        assert found.history[column] == pytest.approx(expected.history[column], rel=20 * near)


def test_cases_of_weight_0_are_not_trained_on():
    weights = np.where(np.arange(23) % 3 == 0, 0.0, WEIGHTS)
    there = weights > 0
    found = trained(weighted(weights), validation=weighted(weights))
    rest = Dataset(X[there], CLASSES[there], weights[there])
    expected = trained(rest, validation=rest)
    assert np.array_equal(found.network.theta, expected.network.theta)
    assert found.history["validation_loss"] == expected.history["validation_loss"]
    assert len(found.train) == np.count_nonzero(there)


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_minibatch_takes_the_mean_of_w_L_of_its_own_cases(shuffle):
    """Descent written out for a linear network, with weights divided by their mean over all."""
    network = Network([Dense(1, "linear")], input=4, loss="mse", learning_rate=0.1, seed=3)
    t = VALUES[:, :1]
    W, b = network.layers[0].W.copy(), network.layers[0].b.copy()
    settings = Settings(epochs=2, batch_size=5, seed=4, engine="numpy", shuffle=shuffle)
    made = Trainer(network, Dataset(X, t, WEIGHTS), Part(X[:0], t[:0]), settings, classes=False)
    orders = [made.order(epoch) for epoch in (1, 2)]
    made.run()
    w, losses = WEIGHTS / WEIGHTS.mean(), []
    for order in orders:
        cases = np.arange(23) if order is None else order
        for start in range(0, 23, 5):
            own = cases[start : start + 5]
            d = X[own] @ W + b - t[own]
            losses.append(np.mean(w[own, None] * d * d))
            delta = 2 * w[own, None] * d / len(own)
            W, b = W - 0.1 * X[own].T @ delta, b - 0.1 * delta.sum(axis=0)
    assert pytest.approx(W, rel=1e-12) == network.layers[0].W
    assert network.layers[0].b == pytest.approx(b, rel=1e-12)
    assert made.history.minibatch_losses == pytest.approx(np.array(losses), rel=1e-12)


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_the_running_accuracy_is_weighted_and_does_not_depend_on_the_chunks(monkeypatch, seconds):
    whole = trained(weighted(WEIGHTS), epochs=4)
    monkeypatch.setattr(trainer_module, "CHUNK_SECONDS", seconds)
    found = trained(weighted(WEIGHTS), epochs=4)
    assert found.history["train_accuracy"] == whole.history["train_accuracy"]


def test_without_a_step_the_running_figures_are_those_of_the_evaluation():
    network = small(classes=True)
    network.learning_rate = 0.0
    settings = Settings(epochs=1, batch_size=5, engine="numpy")
    data = weighted(WEIGHTS)
    made = Trainer(network, data, data, settings, classes=True)
    made.run()
    score = evaluate(network, X, CLASSES, classes=True, weights=WEIGHTS)
    by_hand = WEIGHTS @ (network.forward_pass(X).argmax(axis=1) == CLASSES) / WEIGHTS.sum()
    assert score.accuracy == pytest.approx(by_hand, rel=1e-14)
    assert 0 < by_hand < 1
    for part in ("train", "validation"):
        assert made.history[f"{part}_loss"] == pytest.approx([score.loss], rel=1e-14)
        assert made.history[f"{part}_accuracy"] == pytest.approx([by_hand], rel=1e-14)


def test_with_nothing_to_train_on_there_is_no_training():
    with pytest.raises(DataError, match="all training cases have the weight 0"):
        trained(weighted(np.zeros(23)))


def test_validation_cases_that_all_have_weight_0_give_no_columns():
    made = trained(weighted(WEIGHTS), validation=weighted(np.zeros(23)))
    assert "validation_loss" not in made.history
    assert made.columns == ["train_loss", "train_accuracy"]


@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"auto", "numpy"}))
@pytest.mark.parametrize("loss", LOSSES)
def test_every_engine_takes_the_weighted_steps_of_the_reference(engine, loss):
    if not ENGINES.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    found = []
    for name in (engine, "numpy"):
        network = network_for("tanh", loss, inputs=4, outputs=3, seed=3)
        t = targets_for(network, 23, np.random.default_rng(1))
        settings = Settings(epochs=2, batch_size=5, seed=4, engine=name)
        data = Dataset(X, t, WEIGHTS)
        made = Trainer(network, data, data, settings, classes=loss in CLASS_LOSSES)
        made.run()
        found.append(made)
    ours, reference = found
    assert ours.network.theta == pytest.approx(reference.network.theta, rel=1e-11, abs=1e-13)
    for column in reference.columns:
        assert ours.history[column] == pytest.approx(reference.history[column], rel=1e-11)


@pytest.mark.parametrize("case", ["recurrent", "recurrent, given start", "dense at each step"])
def test_pytorch_weights_sequences_as_the_reference_does(case):
    pytest.importorskip("torch", reason="needs the package torch")
    thetas = []
    for engine in ("torch", "numpy"):
        network = all_layers.network(case, learning_rate=0.1)
        x, t = all_layers.batch(network, 7)
        settings = Settings(epochs=2, batch_size=3, seed=4, engine=engine)
        data = Dataset(x, t, WEIGHTS[:7])
        made = Trainer(network, data, Part(x[:0], t[:0]), settings, classes=False)
        made.run()
        thetas.append(network.theta)
    assert thetas[0] == pytest.approx(thetas[1], rel=1e-11, abs=1e-13)


LOOPS = {"cases": (1, 5), "lanes": (6, 5), "blas": (6, 120)}
"""Cases of a minibatch and hidden units that each of the compiled loops is made for."""


@pytest.mark.parametrize(
    "dtype", ["float64", pytest.param("float32", marks=pytest.mark.exhaustive)]
)
@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("loop", LOOPS)
def test_every_compiled_loop_takes_the_weighted_steps_of_the_reference(loop, classes, dtype):
    batch_size, units = LOOPS[loop]
    found = []
    for engine in ("compiled", "numpy"):
        last = [Dense(3), Softmax()] if classes else [Dense(2, "linear")]
        network = Network([Dense(units, "tanh"), *last], input=4, seed=2, dtype=dtype)
        settings = Settings(
            epochs=2, batch_size=batch_size, seed=4, engine=engine, optimizer="momentum"
        )
        data = weighted(WEIGHTS, classes)
        made = Trainer(network, data, data, settings, classes=classes)
        made.run()
        assert (made.engine.name, made.engine.fallback_reason) == (engine, None)
        found.append(made)
    ours, reference = found
    near = 1e-11 if dtype == "float64" else 1e-4
    assert ours.network.theta == pytest.approx(reference.network.theta, rel=near, abs=near)
    for column in reference.columns:
        assert ours.history[column] == pytest.approx(reference.history[column], rel=near)


def test_a_minibatch_that_the_loop_leaves_to_the_reference_keeps_its_weight(monkeypatch):
    """The loop bounds a gradient by Σ |δ| |x|, which overflows here; the gradient does not."""
    x, weights, left = X.copy(), WEIGHTS.copy(), []
    x[7], weights[7] = 8e306, 1e6  # divided by the mean about 23; δ is 23 · (⅔, −⅓, −⅓)
    run = NumpyEngine.run

    def seen(self, order, first, last, scales=None):
        left.append((first, last))
        return run(self, order, first, last, scales)

    monkeypatch.setattr(NumpyEngine, "run", seen)
    found = []
    for engine in ("compiled", "numpy"):
        layers = [Dense(3, weights="zeros"), Softmax()]
        network = Network(layers, input=4, learning_rate=1e-308)
        settings = Settings(epochs=1, batch_size=1, engine=engine, shuffle=False)
        data = Dataset(x, CLASSES, weights)
        made = Trainer(network, data, Part(x[:0], CLASSES[:0]), settings, classes=True)
        made.run()
        found.append(made)
    ours, reference = found
    assert left[0] == (7, 8)
    assert ours.history["train_accuracy"] == pytest.approx(reference.history["train_accuracy"])
    assert ours.history.minibatch_losses == pytest.approx(reference.history.minibatch_losses)


# What a learner sees


def test_the_trace_shows_the_weights_and_what_they_multiply():
    network = small(classes=True)
    w = np.array([0.5, 1.5])
    entries = {e.name: e for e in trace(network, X[:2], CLASSES[:2], weights=w)}
    assert np.array_equal(entries["w"].value, w)
    plain = {e.name: e for e in trace(network, X[:2], CLASSES[:2])}
    assert "w" not in plain
    for name in ("J_L", "δ softmax", "δ dense_1"):
        assert entries[name].value == pytest.approx(w[:, None] * plain[name].value, rel=1e-13)
    assert entries["L"].value == network.loss(X[:2], CLASSES[:2], weights=w)
    text = as_text(list(entries.values()))
    assert "mean over the cases, each times its weight w" in text
    assert "w · (s − t) / cases" in text


def test_verbose_shows_the_weights_of_the_minibatch_that_runs(capsys):
    class Seen(Callback):
        every_minibatch = True

        def on_minibatch(self, trainer, x, t):
            seen.append((x.copy(), trainer.minibatch_weights.copy()))

    seen = []
    trained(weighted(WEIGHTS), callbacks=[Seen(), ShowMinibatches()], epochs=1)
    assert capsys.readouterr().out.count("w  (") == 5
    shares = WEIGHTS / WEIGHTS.mean()
    for x, w in seen:
        cases = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in x]
        assert w == pytest.approx(shares[cases], rel=1e-14)

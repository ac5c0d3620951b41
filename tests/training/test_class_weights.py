"""Weights of classes: they multiply those of cases in training, and no evaluation sees them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError
from chainrule.data.dataset import Dataset
from chainrule.nn import Recurrent
from chainrule.training import Part, Settings, Trainer
from chainrule.training.class_weights import class_weights
from chainrule.training.engines import ENGINES
from chainrule.training.scores import TargetKind, evaluate

RNG = np.random.default_rng(8)
X, T = RNG.normal(size=(30, 4)), RNG.choice(3, 30, p=[0.6, 0.3, 0.1])
OWN = RNG.uniform(0.5, 2, 30)
GIVEN = [1.0, 2.0, 5.0]
KIND = TargetKind(classes=True, names=("a", "b", "c"))


def trainer(weights=None, *, kind=KIND, end=None, t=T, loss="cross_entropy", **options):
    network = Network(
        [Dense(5, "tanh"), *(end or [Dense(3), Softmax()])], input=4, loss=loss, seed=2
    )
    data = Dataset(X, t, weights)
    chosen = Settings(**{"epochs": 2, "batch_size": 7, "engine": "numpy", **options})
    return Trainer(network, data, data, chosen, kind=kind)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.booleans(), st.data())
def test_balanced_is_the_formula_of_scikit_learn(numbers, weighted, data):
    utils = pytest.importorskip("sklearn.utils.class_weight")
    numbers, weights = np.array(numbers), None
    if weighted:
        size = len(numbers)
        weights = np.array(data.draw(st.lists(st.integers(1, 9), min_size=size, max_size=size)))
    there = np.unique(numbers)
    options = {"classes": there, "y": numbers, "sample_weight": weights}
    expected = utils.compute_class_weight("balanced", **options)
    found = class_weights("balanced", list("abcd"), numbers, weights)
    assert found[there] == pytest.approx(expected, rel=1e-14)
    w = np.ones(len(numbers)) if weights is None else weights
    totals = np.bincount(numbers, w * found[numbers], 4)[there]
    assert totals == pytest.approx(totals[0], rel=1e-13)


@pytest.mark.parametrize("batch_size", [1, pytest.param(7, marks=pytest.mark.exhaustive), 30])
@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"auto"}))
@pytest.mark.parametrize("own", [None, OWN])
def test_training_is_that_of_the_products_of_weights(engine, batch_size, own):
    if not ENGINES.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    options = {"engine": engine, "batch_size": batch_size}
    found = trainer(own, class_weights=GIVEN, **options)
    product = np.array(GIVEN)[T] * (1 if own is None else own)
    expected = trainer(product, **options)
    assert found.engine.name == engine
    found.run()
    expected.run()
    assert found.network.theta == pytest.approx(expected.network.theta, rel=1e-12)
    losses = expected.history["train_loss"]
    assert found.history["train_loss"] == pytest.approx(losses, rel=1e-12)
    score = evaluate(found.network, X, T, classes=True, weights=own)
    last = found.history.rows[-1]
    assert last["validation_loss"] == pytest.approx(score.loss, rel=1e-12)
    assert last["validation_accuracy"] == pytest.approx(score.accuracy, rel=1e-12)


@pytest.mark.parametrize("batch_size", [1, 30])
@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"auto"}))
@pytest.mark.parametrize("own", [None, OWN])
def test_the_running_accuracy_does_not_weigh_classes(engine, batch_size, own):
    if not ENGINES.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    still = {"optimizer": {"type": "momentum"}, "epochs": 1, "engine": engine}
    found, plain = (
        trainer(own, class_weights=given, batch_size=batch_size, **still)
        for given in (GIVEN, None)
    )
    for made in (found, plain):
        made.optimizer.scale = 0.0
        made.set_scale = lambda: None
        made.run()
    accuracy = plain.history["train_accuracy"]
    assert found.history["train_accuracy"] == pytest.approx(accuracy, rel=1e-12)
    assert accuracy == pytest.approx(plain.history["validation_accuracy"], rel=1e-12)
    assert found.history["train_loss"] != plain.history["train_loss"]


def test_with_a_pass_of_its_own_the_training_loss_weighs_no_classes():
    made = trainer(OWN, class_weights="balanced", evaluate="full")
    made.run()
    assert made.history["train_loss"] == pytest.approx(made.history["validation_loss"], rel=1e-14)


def test_names_of_classes_and_their_order_say_the_same():
    by_name, in_order = (
        trainer(class_weights=given) for given in ({"c": 5.0, "b": 2}, [1, 2.0, 5])
    )
    assert np.array_equal(by_name.training_weights, in_order.training_weights)
    assert by_name.training_weights.mean() == pytest.approx(1, rel=1e-15)


def test_equal_class_weights_give_the_bits_of_none():
    found, plain = trainer(class_weights=[3, 3, 3]), trainer()
    found.run()
    plain.run()
    assert np.array_equal(found.network.theta, plain.network.theta)
    assert found.history["train_accuracy"] == plain.history["train_accuracy"]


def test_one_probability_tells_two_classes_whose_weights_differ():
    t = (T > 0).astype(float)
    options = {"end": [Dense(1, "sigmoid")], "t": t, "loss": "binary_cross_entropy"}
    kind = TargetKind(classes=True, names=("no", "yes"))
    made = trainer(class_weights={"yes": 3}, kind=kind, **options)
    ratio = made.training_weights[t == 1][0] / made.training_weights[t == 0][0]
    assert ratio == pytest.approx(3, rel=1e-15)


@pytest.mark.parametrize("own", [1e-300, 1e300])
def test_no_product_overflows_or_loses_a_case(own):
    weights = np.where(np.arange(30) % 2, own, 1.0)
    made = trainer(weights, class_weights=[1e-300, 1.0, 1e300])
    assert len(made.training_weights) == len(made.train) == 30
    assert np.isfinite(made.training_weights).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"d": 2}, "unknown class 'd'. Known: a, b, c"),
        ([1, 2], r"a weight for each of the 3 classes|for each of the 3 classes \(a, b, c\)"),
        ("balancd", "did you mean 'balanced'"),
        ([], "class_weights must be balanced, a mapping"),
        ({}, "class_weights must be balanced, a mapping"),
        (2.0, "class_weights must be balanced, a mapping"),
        ([1, 0, 1], "a finite number above 0, found 0"),
        ({"a": -1}, "a finite number above 0, found -1"),
        ({"a": float("inf")}, "a finite number above 0, found inf"),
        ({"a": float("nan")}, "a finite number above 0, found nan"),
        ({"a": "much"}, "a finite number above 0, found 'much'"),
        ({"a": True}, "a finite number above 0, found true"),
        ({"a": 10**400}, "a finite number above 0"),
        ({"a": None}, "a finite number above 0"),
    ],
)
def test_what_weighs_no_classes_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        trainer(class_weights=given)


def test_only_classes_have_class_weights():
    values = Network([Dense(1, "linear")], input=4, loss="mse")
    part, options = Part(X, X[:, :1]), {"class_weights": "balanced"}
    with pytest.raises(ConfigError, match="these are values; data: weight"):
        Trainer(values, part, part, Settings(**options))
    labels = {"end": [Dense(2, "sigmoid")], "loss": "binary_cross_entropy", "t": np.eye(2)[T % 2]}
    with pytest.raises(ConfigError, match="these are labels"):
        trainer(kind=TargetKind(multi_label=True), **labels, **options)
    layers = [Recurrent(3, outputs="all"), Dense(3), Softmax()]
    steps = Part(X.reshape(30, 2, 2), np.stack([T, T], 1))
    network = Network(layers, input=[2, 2])
    with pytest.raises(ConfigError, match="a class at every step"):
        Trainer(network, steps, steps, Settings(**options), kind=KIND)


CONFIG = {
    "network": {"loss": {"type": "cross_entropy", "label_smoothing": 0.1}},
    "data": {"generator": "moons", "count": 60, "noise": 0.3},
    "training": {
        "epochs": 6,
        "metrics": ["balanced_accuracy", "roc_auc", "f1"],
        "class_weights": {"1": 3},
        "callbacks": [{"type": "early_stopping", "monitor": "validation_f1", "patience": 9}],
    },
}
CONFIG["network"]["layers"] = [{"size": 6, "activation": "tanh"}, {"size": 2}, "softmax"]


class Stop(chainrule.training.Callback):
    def on_epoch(self, trainer, row):
        trainer.interrupted = trainer.epoch == 3


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_stopped_run_goes_on_to_the_bits_of_one_never_stopped(tmp_path, engine):
    config = {**CONFIG, "training": {**CONFIG["training"], "engine": engine}}
    whole = chainrule.train(config, save=False)
    chainrule.train(config, run=tmp_path / "run", callbacks=[Stop()])
    found = chainrule.train(config, run=tmp_path / "run", resume=True)
    assert np.array_equal(found.network.theta, whole.network.theta)
    for column in whole.history:
        if column != "seconds":
            assert found.history[column] == whole.history[column], column
    loaded = chainrule.load(tmp_path / "run")
    assert loaded.test == found.test
    assert loaded.test.metrics.keys() == {"balanced_accuracy", "roc_auc", "f1"}
    assert (
        loaded.score_of_scaled(found.data.test.x, found.data.test.t).metrics == whole.test.metrics
    )


def test_another_class_weight_is_another_run(tmp_path):
    chainrule.train(CONFIG, run=tmp_path / "run", callbacks=[Stop()])
    for key, value in (("class_weights", {"1": 4}), ("metrics", ["f1"])):
        other = {**CONFIG, "training": {**CONFIG["training"], key: value}}
        with pytest.raises(ConfigError, match=key):
            chainrule.train(other, run=tmp_path / "run", resume=True)


def test_a_mistake_has_its_line(tmp_path):
    file = tmp_path / "run.yaml"
    text = "network: {layers: [{size: 2}, softmax]}\ndata: {generator: moons, count: 40}\n"
    file.write_text(text + "training:\n  class_weights: {left: 2}\n")
    with pytest.raises(ConfigError, match=r"run.yaml:4:25: unknown class 'left'. Known: 0, 1"):
        chainrule.train(file, save=False)
    file.write_text(text + "training:\n  metrics: [f1, rmse]\n")
    with pytest.raises(ConfigError, match=r"run.yaml:4:17: .*did you mean 'log_loss'"):
        chainrule.train(file, save=False)


def test_the_check_and_the_comparison_see_the_weights():
    from chainrule.config.load import load_config
    from chainrule.runs.resolve import resolve

    resolved = resolve(load_config(CONFIG))
    part = resolved.training_set()
    ratio = part.weights[part.t == 1][0] / part.weights[part.t == 0][0]
    assert ratio == pytest.approx(3)

"""Metrics held against scikit-learn, on random cases with ties, weights and absent classes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.data.dataset import Dataset
from chainrule.nn import Recurrent
from chainrule.training import EarlyStopping, Part, Settings, Trainer, scores
from chainrule.training.metrics import (
    METRICS,
    accuracy,
    averaged,
    balanced_accuracy,
    counts_of_classes,
    log_loss,
    mae,
    r2,
    rmse,
    roc_auc,
    roc_auc_of,
    suiting,
    top_k_accuracy,
)
from chainrule.training.scores import TargetKind, evaluate

sk = pytest.importorskip("sklearn.metrics")

EIGHTHS = st.integers(0, 8).map(lambda n: n / 8)


def near(found, expected):
    if expected is None:
        assert found is None
        return
    assert found == pytest.approx(expected, rel=1e-13, abs=1e-14)


def theirs(function, *args, **options):
    """What scikit-learn finds, without its warnings; None where it finds nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = float(function(*args, **options))
        except ValueError:
            return None
    return None if np.isnan(value) else value


@st.composite
def weights_of(draw, cases):
    """Weights above 0, or None."""
    if draw(st.booleans()):
        return None
    w = draw(st.lists(st.integers(1, 12), min_size=cases, max_size=cases))
    return np.array(w) / 4


@st.composite
def of_classes(draw, least=2):
    """Distributions with ties, classes of which some may be absent, and weights."""
    cases, classes = draw(st.integers(1, 12)), draw(st.integers(least, 5))
    row = st.lists(st.integers(1, 4), min_size=classes, max_size=classes)
    y = np.array(draw(st.lists(row, min_size=cases, max_size=cases)), float)
    there = draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=classes))
    t = np.array(draw(st.lists(st.sampled_from(there), min_size=cases, max_size=cases)))
    return y / y.sum(axis=1, keepdims=True), t, draw(weights_of(cases))


@st.composite
def of_labels(draw):
    """Outputs among eighths, labels of which some may be in no case or in all, and weights."""
    cases, labels = draw(st.integers(1, 12)), draw(st.integers(2, 4))
    row = st.lists(EIGHTHS, min_size=labels, max_size=labels)
    y = np.array(draw(st.lists(row, min_size=cases, max_size=cases)))
    t = np.array(draw(st.lists(row, min_size=cases, max_size=cases))) > 0.5
    t[:, 0] |= draw(st.booleans())
    t[:, 1] &= draw(st.booleans())
    return y, t.astype(float), draw(weights_of(cases))


@given(of_classes())
@settings(deadline=None, max_examples=25)
def test_of_classes(given_cases):
    y, t, w = given_cases
    said, two = y.argmax(axis=1), y.shape[1] == 2
    near(accuracy(y, t, w), theirs(sk.accuracy_score, t, said, sample_weight=w))
    near(balanced_accuracy(y, t, w), theirs(sk.balanced_accuracy_score, t, said, sample_weight=w))
    for part in ("precision", "recall", "f1"):
        score = getattr(sk, f"{part}_score")
        for average in ("macro", "weighted", "usual"):
            theirs_is = ("binary" if two else "macro") if average == "usual" else average
            options = {"average": theirs_is, "zero_division": 0, "sample_weight": w}
            near(averaged(part, average, y, t, w), theirs(score, t, said, **options))
    for k in range(1, y.shape[1]):
        # scikit-learn prefers the last of equal outputs, and the first is preferred here.
        options = {"k": k, "sample_weight": w, "labels": range(y.shape[1])}
        last = y.shape[1] - 1 - t
        if two:
            expected = theirs(sk.accuracy_score, t, said, sample_weight=w)
        else:
            expected = theirs(sk.top_k_accuracy_score, last, y[:, ::-1], **options)
        near(top_k_accuracy(k, y, t, w), expected)
    options = {"labels": range(y.shape[1]), "sample_weight": w}
    near(log_loss(y, t, w), theirs(sk.log_loss, t, y, **options))


@given(of_classes())
@settings(deadline=None, max_examples=25)
def test_roc_auc_of_classes_is_the_mean_over_those_that_are_not_all_or_none(given_cases):
    y, t, w = given_cases
    columns = [1] if y.shape[1] == 2 else range(y.shape[1])
    areas = [theirs(sk.roc_auc_score, t == k, y[:, k], sample_weight=w) for k in columns]
    known = [area for area in areas if area is not None]
    near(roc_auc(y, t, w), np.mean(known) if known else None)
    if len(known) == y.shape[1] > 2:
        options = {"multi_class": "ovr", "labels": range(y.shape[1]), "sample_weight": w}
        near(roc_auc(y, t, w), theirs(sk.roc_auc_score, t, y, **options))


@given(of_labels())
@settings(deadline=None, max_examples=25)
def test_of_labels(given_cases):
    y, t, w = given_cases
    said = y > 0.5
    near(accuracy(y, t, w, labels=True), 1 - theirs(sk.hamming_loss, t, said, sample_weight=w))
    for part in ("precision", "recall", "f1"):
        score = getattr(sk, f"{part}_score")
        for average in ("macro", "weighted", "micro", "usual"):
            options = {"average": "macro" if average == "usual" else average}
            options |= {"zero_division": 0, "sample_weight": w}
            found = averaged(part, average, y, t, w, labels=True)
            near(found, theirs(score, t, said, **options))
    pairs = list(zip(t.T, y.T, strict=True))
    areas = [theirs(sk.roc_auc_score, *pair, sample_weight=w) for pair in pairs]
    known = [area for area in areas if area is not None]
    near(roc_auc(y, t, w, labels=True), np.mean(known) if known else None)
    p = np.clip(y, 0.01, 0.99)
    options = {"labels": [0, 1], "sample_weight": w}
    losses = [theirs(sk.log_loss, *pair, **options) for pair in zip(t.T, p.T, strict=True)]
    near(log_loss(p, t, w, labels=True), np.mean(losses))


@given(of_labels())
@settings(deadline=None, max_examples=25)
def test_of_values(given_cases):
    y, t, w = given_cases
    t = t * 3 + np.floor(y * 2)
    near(mae(y, t, w), theirs(sk.mean_absolute_error, t, y, sample_weight=w))
    near(rmse(y, t, w), theirs(sk.root_mean_squared_error, t, y, sample_weight=w))
    if not (t == t[:1]).all():
        spread = np.average((t - np.average(t, axis=0, weights=w)) ** 2, axis=0, weights=w)
        each = [
            theirs(sk.r2_score, t[:, k], y[:, k], sample_weight=w, force_finite=False)
            for k in np.flatnonzero(spread > 1e-12)
        ]
        if len(each) == t.shape[1]:
            options = {"multioutput": "variance_weighted", "sample_weight": w}
            near(r2(y, t, w), theirs(sk.r2_score, t, y, **options))
    else:
        assert r2(y, t, w) is None


@given(of_classes(), st.integers(1, 4))
@settings(deadline=None, max_examples=15)
def test_a_case_of_weight_2_is_two_cases_and_one_of_weight_0_is_none(given_cases, seed):
    y, t, _ = given_cases
    k = np.random.default_rng(seed).integers(0, 3, len(t))
    many = np.repeat(y, k, axis=0), np.repeat(t, k)
    for name in suiting("classes", "distribution", y.shape[1]):
        function = METRICS[name].function
        near(function(y, t, k.astype(float), labels=False), function(*many, None, labels=False))


@pytest.mark.parametrize("name", METRICS)
def test_of_no_cases_nothing_is_known(name):
    metric = METRICS[name]
    labels = metric.kinds == ("labels",)
    t = np.empty(0, int) if "classes" in metric.kinds else np.empty((0, 12))
    y = np.empty((0, 12))
    assert metric.function(y, t, None, labels=labels) is None


def test_one_output_tells_two_classes_apart_by_the_probability_of_the_second():
    p = np.array([[0.1], [0.6], [0.5], [0.9]])
    t = np.array([[0.0], [0.0], [1.0], [1.0]])
    whole = np.hstack([1 - p, p])
    for name in suiting("classes", "distribution", 2):
        function = METRICS[name].function
        expected = function(whole, t[:, 0].astype(int), None, labels=False)
        near(function(p, t, None, labels=False), expected)


def test_a_single_class_is_always_right():
    y, t = np.ones((3, 1)), np.zeros(3, int)
    assert (accuracy(y, t), balanced_accuracy(y, t), log_loss(y, t)) == (1, 1, 0)
    assert roc_auc(y, t) is None
    assert counts_of_classes(y, t).predicted.tolist() == [3]


def test_one_hot_rows_are_the_classes():
    y, t = np.array([[0.5, 0.2, 0.3], [0.1, 0.8, 0.1]]), np.array([2, 1])
    for name in suiting("classes", "distribution", 3):
        function = METRICS[name].function
        assert function(y, np.eye(3)[t], None, labels=False) == function(y, t, None, labels=False)


def test_outputs_that_are_nan_are_never_right_and_leave_nothing_to_rank():
    y, t = np.array([[np.nan, np.nan, np.nan], [0.2, 0.3, 0.5]]), np.array([1, 2])
    assert top_k_accuracy(2, y, t) == 0.5
    assert np.isnan(roc_auc(y, t))
    assert np.isnan(log_loss(y, t))


def test_what_is_surely_wrong_leaves_the_log_loss_finite():
    y, t = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([0, 0])
    most = -np.log(np.finfo(float).tiny)
    near(log_loss(y, t), (most + np.log(2)) / 2)
    near(log_loss(np.array([[1.0]]), np.array([[0.0]])), most)
    assert log_loss(np.array([[1e-300]]), np.array([[0.0]])) == 1e-300


def test_the_area_under_the_curve_tells_scores_of_1e_300_apart():
    s, there = np.array([1e-300, 2e-300, 3e-300, -np.inf]), np.array([False, True, True, False])
    assert roc_auc_of(s, there) == 1
    assert roc_auc_of(-s, there) == 0


def test_the_area_under_the_curve_of_a_million_cases_takes_a_sort():
    rng = np.random.default_rng(1)
    s, there = rng.normal(size=100_000), rng.random(100_000) < 0.3
    near(roc_auc_of(s, there), sk.roc_auc_score(there, s))


# In training


RNG = np.random.default_rng(4)
X, T = RNG.normal(size=(40, 4)), RNG.integers(0, 3, 40)
NAMED = ["balanced_accuracy", "top_2_accuracy", "f1", "precision_weighted", "roc_auc", "log_loss"]


def trainer(data=None, validation=None, *, end=None, kind=None, **options):
    end = end or [Dense(3), Softmax()]
    loss = {Softmax: "cross_entropy"}.get(type(end[-1]), "binary_cross_entropy")
    network = Network([Dense(5, "tanh"), *end], input=4, loss=loss, seed=2)
    kind = kind or TargetKind(classes=True)
    data = data or Dataset(X, T)
    settings = Settings(**{"epochs": 2, "metrics": NAMED, "evaluate": "full", **options})
    return Trainer(network, data, validation or data, settings, kind=kind)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("weights", [None, RNG.uniform(0.5, 2, 40)])
def test_they_are_columns_of_the_history(engine, weights):
    made = trainer(Dataset(X, T, weights), engine=engine, batch_size=8)
    made.run()
    y = made.network.evaluate(made.network.prepare_inputs(X))[1]
    for name in NAMED:
        expected = METRICS[name].function(y, T, weights, labels=False)
        for part in ("train", "validation"):
            near(made.history[f"{part}_{name}"][-1], expected)
            assert f"{part}_{name}" in made.columns


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_they_change_nothing_else(engine):
    found, plain = (trainer(engine=engine, metrics=m) for m in (NAMED, None))
    found.run()
    plain.run()
    for column in plain.columns:
        assert found.history[column] == plain.history[column]


def test_they_are_those_of_all_batches_of_an_evaluation(monkeypatch):
    monkeypatch.setattr(scores, "CASES_AT_A_TIME", 7)
    network = trainer().network
    weights = RNG.uniform(0.5, 2, 40)
    found = evaluate(network, X, T, classes=True, weights=weights, metrics=NAMED)
    y = network.evaluate(X)[1]
    for name in NAMED:
        near(found.figures[name], METRICS[name].function(y, T, weights, labels=False))


def test_while_training_runs_only_validation_has_them():
    made = trainer(evaluate="running")
    made.run()
    assert "train_f1" not in made.history
    assert "train_f1" not in made.columns
    assert "validation_f1" in made.history


def test_a_callback_says_why_there_is_no_such_metric():
    early = EarlyStopping("validation_roc_auc")
    one_class = Part(*(part[[0, 0, 0]] for part in (X, T)))
    with pytest.raises(ConfigError, match=r"told to measure it: metrics: \[roc_auc\]"):
        trainer(callbacks=[early], metrics=None)
    with pytest.raises(ConfigError, match="roc_auc says nothing of these validation data"):
        trainer(validation=one_class, callbacks=[early], metrics=["roc_auc"])


def test_a_callback_monitors_them_and_is_told_what_train_needs():
    stop = {"type": "early_stopping", "monitor": "validation_f1", "patience": 1}
    made = trainer(callbacks=[stop], epochs=30)
    made.run()
    best = np.maximum.accumulate(made.history["validation_f1"])
    assert len(best) < 30
    assert best[-1] == best[-2]
    with pytest.raises(ConfigError, match="train_f1, but the training data have it only with ev"):
        trainer(callbacks=[{**stop, "monitor": "train_f1"}], evaluate="running")
    with pytest.raises(ConfigError, match="did you mean 'validation_roc_auc'"):
        trainer(callbacks=[{**stop, "monitor": "validation_roc_auk"}])


@pytest.mark.exhaustive
def test_a_run_keeps_them_and_a_sweep_judges_by_one(tmp_path):
    config = {
        "network": {"layers": [{"size": 3}, {"size": 2}, "softmax"]},
        "data": {"generator": "moons", "count": 60},
        "training": {"epochs": 2, "metrics": ["roc_auc", "log_loss"]},
    }
    run = chainrule.train(config, run=tmp_path / "run")
    assert chainrule.load(tmp_path / "run").scores == run.scores
    text = (tmp_path / "run" / "run.json").read_text()
    (tmp_path / "run" / "run.json").write_text(text.replace("roc_auc", "roc_bauch"))
    with pytest.raises(ChainruleError, match="an unknown metric"):
        chainrule.load(tmp_path / "run")
    found = chainrule.sweep(
        config,
        {"training.seed": [0, 1]},
        by="best_validation_log_loss",
        folder=tmp_path / "sweep",
        jobs=1,
    )
    first, second = found.ranked
    score = "best_validation_log_loss"
    assert first.scores[score] <= second.scores[score]


def test_those_that_every_score_has_anyway_may_be_named():
    made = trainer(metrics=["accuracy"])
    made.run()
    assert made.metrics == []


def test_where_a_metric_is_undefined_it_has_no_column():
    made = trainer(validation=Dataset(X[:3], np.zeros(3, int)))
    made.run()
    assert "validation_roc_auc" not in made.columns
    assert "validation_roc_auc" not in made.history
    assert "train_roc_auc" in made.columns


def test_labels_and_steps_of_sequences_have_them_too():
    t = np.stack([T == 0, T != 1], 1).astype(float)
    named = ["precision", "recall_micro", "f1_weighted", "roc_auc", "log_loss"]
    w = RNG.uniform(0.5, 2, 40)
    kind = TargetKind(multi_label=True)
    made = trainer(Dataset(X, t, w), end=[Dense(2, "sigmoid")], kind=kind, metrics=named)
    made.run()
    y = made.network.evaluate(X)[1]
    for name in named:
        expected = METRICS[name].function(y, t, w, labels=True)
        near(made.history[f"validation_{name}"][-1], expected)
    network = Network([Recurrent(4, outputs="all"), Dense(3), Softmax()], input=[5, 2], seed=1)
    x, steps = RNG.normal(size=(6, 5, 2)), RNG.integers(0, 3, (6, 5))
    steps[1, 3:] = -1
    weights = np.arange(1.0, 7)
    score = evaluate(network, x, steps, classes=True, weights=weights, metrics=NAMED)
    there = steps.ravel() >= 0
    rows = network.evaluate(network.prepare_inputs(x))[1].reshape(-1, 3)[there]
    own = np.repeat(weights, 5)[there]
    for name in NAMED:
        expected = METRICS[name].function(rows, steps.ravel()[there], own, labels=False)
        near(score.figures[name], expected)


@pytest.mark.parametrize(
    ("name", "end", "kind", "said"),
    [
        ("mae", [Dense(3), Softmax()], TargetKind(classes=True), "mae is for values.*'log_loss'"),
        ("r2", [Dense(3), Softmax()], TargetKind(classes=True), "r2 is for values.*'accuracy'"),
        ("top_3_accuracy", [Dense(3), Softmax()], TargetKind(classes=True), "always 1.*'top_2_ac"),
        ("f1_micro", [Dense(3), Softmax()], TargetKind(classes=True), "it is the acc.*'f1_macro'"),
        ("top_2_accuracy", [Dense(2, "sigmoid")], TargetKind(multi_label=True), "is for classes"),
        ("log_loss", [Dense(3, "sigmoid")], TargetKind(classes=True), "those of softmax as the"),
    ],
)
def test_what_does_not_suit_is_refused_with_what_does(name, end, kind, said):
    t = np.eye(3)[T][:, : end[0].size]
    with pytest.raises(ConfigError, match=said):
        trainer(Dataset(X, t), end=end, kind=kind, metrics=["accuracy", name])


def test_values_have_no_metrics_of_classes():
    network = Network([Dense(1, "linear")], input=4, loss="mse")
    part = Part(X, X[:, :1])
    for name, instead in (("f1", "r2"), ("log_loss", "rmse"), ("balanced_accuracy", "r2")):
        with pytest.raises(ConfigError, match=f"these targets are values; .*{instead!r}"):
            Trainer(network, part, part, Settings(metrics=[name]))
    Trainer(network, part, part, Settings(metrics=["r2", "mae", "rmse"]))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["f1", "f1"], "the metric f1 is named twice"),
        ("f1", "a list of metrics such as"),
        (["auc"], "did you mean 'roc_auc'"),
        (["top_1_accuracy"], "did you mean 'top_"),
        ([None], "item 1 of metrics must be accuracy"),
        ({"f1": 1}, "a list of metrics such as"),
    ],
)
def test_what_names_no_metrics_is_refused(value, said):
    with pytest.raises(ConfigError, match=said):
        Settings(metrics=value)

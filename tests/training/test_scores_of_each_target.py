"""Scores of labels and of values, held against scikit-learn on random cases.

The cases have ties, outputs of exactly one half, labels that no case has or that are never said,
and values that do not vary.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.data.standardization import Standardization
from chainrule.training import Part, Settings, Trainer
from chainrule.training import scores as module
from chainrule.training.scores import MOST_LISTED, Score, TargetKind, evaluate

metrics = pytest.importorskip("sklearn.metrics")

LABELS, VALUES = TargetKind(multi_label=True), TargetKind()
QUARTERS = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


def as_given(outputs: int, loss: str = "mse") -> Network:
    """A network whose outputs are its inputs."""
    network = Network([Dense(outputs, "linear")], input=outputs, loss=loss)
    network.layers[0].W = np.eye(outputs)
    return network


@st.composite
def of_labels(draw):
    """Outputs among quarters, and labels; some labels are in no case."""
    cases, labels = draw(st.integers(1, 12)), draw(st.integers(2, 4))
    row = st.lists(QUARTERS, min_size=labels, max_size=labels)
    y = np.array(draw(st.lists(row, min_size=cases, max_size=cases)))
    t = np.array(draw(st.lists(row, min_size=cases, max_size=cases))) > 0.5
    there = np.array(draw(st.lists(st.booleans(), min_size=labels, max_size=labels)))
    return y, (t & there).astype(float)


@given(of_labels())
@settings(deadline=None)
def test_labels_are_scored_as_scikit_learn_scores_them(cases):
    y, t = cases
    score, said = evaluate(as_given(t.shape[1]), y, t, kind=LABELS), y > 0.5
    assert score.accuracy == pytest.approx(1 - metrics.hamming_loss(t, said), abs=1e-15)
    assert score.row_accuracy == metrics.accuracy_score(t, said)
    macro = metrics.f1_score(t, said, average="macro", zero_division=0)
    assert score.f1 == pytest.approx(macro, abs=1e-15)
    assert (score.r2, score.mae, score.rmse, score.targets) == (None, None, None, ())
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(t, said, zero_division=0)
    for k, label in enumerate(score.labels):
        assert (label.name, label.cases) == (f"label_{k + 1}", int(t[:, k].sum()))
        assert label.accuracy == metrics.accuracy_score(t[:, k], said[:, k])
        found = (label.precision, label.recall, label.f1)
        assert found == pytest.approx((precision[k], recall[k], f1[k]), abs=1e-15)


@st.composite
def of_values(draw):
    """Outputs and values of one to three targets, of which some do not vary."""
    cases, targets = draw(st.integers(2, 12)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    units = 10.0 ** rng.integers(-4, 7, targets)
    varies = np.array(draw(st.lists(st.booleans(), min_size=targets, max_size=targets)))
    t = np.round(rng.normal(3, 1, (cases, targets)), 1) * units
    t = np.where(varies, t, t[0])
    return t + np.round(rng.normal(0, 1, t.shape), 1) * units, t


@given(of_values(), st.booleans())
@settings(deadline=None)
def test_values_are_scored_as_scikit_learn_scores_them(cases, scaled):
    """In the targets' own units, whether or not they were scaled for training."""
    y, t = cases
    outputs = t.shape[1]
    if scaled:
        scaling = Standardization.fit(t)
        kind, x, targets = TargetKind(scaling=scaling), scaling.apply(y), scaling.apply(t)
    else:
        kind, x, targets = VALUES, y, t
    score = evaluate(as_given(outputs), x, targets, kind=kind)
    assert score.mae == pytest.approx(metrics.mean_absolute_error(t, y), rel=1e-9)
    assert score.rmse == pytest.approx(metrics.root_mean_squared_error(t, y), rel=1e-9)
    if np.ptp(t, axis=0).all():  # scikit-learn passes over the others, and their residuals
        r2 = metrics.r2_score(t, y, multioutput="variance_weighted")
        assert score.r2 == pytest.approx(r2, rel=1e-9, abs=1e-9)
    elif not np.ptp(t, axis=0).any():
        assert score.r2 is None
    assert len(score.targets) == (outputs if outputs > 1 else 0)
    for k, target in enumerate(score.targets):
        assert target.name == f"value_{k + 1}"
        own = (metrics.mean_absolute_error(t[:, k], y[:, k]), target.mae)
        assert own[0] == pytest.approx(own[1], rel=1e-9)
        own = (metrics.root_mean_squared_error(t[:, k], y[:, k]), target.rmse)
        assert own[0] == pytest.approx(own[1], rel=1e-9)
        if np.ptp(t[:, k]):
            own = (metrics.r2_score(t[:, k], y[:, k]), target.r2)
            assert own[0] == pytest.approx(own[1], rel=1e-9, abs=1e-9)
        else:
            assert target.r2 is None


def test_batches_give_the_scores_of_the_whole(monkeypatch):
    rng = np.random.default_rng(3)
    y, t = rng.random((23, 3)), rng.integers(0, 2, (23, 3)).astype(float)
    network = as_given(3)
    whole = [evaluate(network, y, t, kind=kind) for kind in (LABELS, VALUES)]
    monkeypatch.setattr(module, "CASES_AT_A_TIME", 4)
    labels, values = (evaluate(network, y, t, kind=kind) for kind in (LABELS, VALUES))
    assert (labels.labels, labels.f1) == (whole[0].labels, whole[0].f1)
    assert values.figures == pytest.approx(whole[1].figures, rel=1e-13)


def test_names_are_those_of_the_targets():
    kind = TargetKind(multi_label=True, names=("sun", "rain"))
    score = evaluate(as_given(2), [[1.0, 0.0]], [[1.0, 1.0]], kind=kind)
    assert [(label.name, label.recall) for label in score.labels] == [("sun", 1.0), ("rain", 0.0)]
    kind = TargetKind(names=("width", "height"))
    score = evaluate(as_given(2), [[1.0, 0.0]], [[1.0, 1.0]], kind=kind)
    assert [(each.name, each.mae) for each in score.targets] == [("width", 0.0), ("height", 1.0)]


def test_many_targets_are_not_listed():
    y = np.zeros((2, MOST_LISTED + 1))
    assert evaluate(as_given(y.shape[1]), y, y, kind=VALUES).targets == ()
    assert evaluate(as_given(y.shape[1]), y, y, kind=LABELS).labels == ()
    assert len(evaluate(as_given(MOST_LISTED), y[:, 1:], y[:, 1:]).targets) == MOST_LISTED


@pytest.mark.parametrize(
    ("kind", "measures"),
    [
        (LABELS, ["loss", "accuracy", "row_accuracy", "f1"]),
        (VALUES, ["loss", "r2", "mae", "rmse"]),
        (TargetKind(classes=True), ["loss", "accuracy"]),
    ],
)
def test_the_history_has_the_measures_of_the_targets(kind, measures):
    t = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    part = Part(np.ones((3, 2)), t)
    options = Settings(epochs=2, evaluate="full")
    trainer = Trainer(as_given(2), part, part, options, kind=kind)
    trainer.run()
    columns = [f"{part}_{name}" for part in ("train", "validation") for name in measures]
    assert list(trainer.history) == ["epoch", *columns, "seconds"]
    assert trainer.columns == columns
    assert trainer.history["validation_loss"][-1] == trainer.evaluate(part).loss


def test_errors_of_targets_that_do_not_vary_are_there():
    score = evaluate(as_given(1), [[1.0], [3.0]], [2.0, 2.0])
    assert score == Score(1.0, None, None, 2, mae=1.0, rmse=1.0)

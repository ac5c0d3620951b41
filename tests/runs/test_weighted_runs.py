"""Weights of cases from a file to a run: split, scored, written again, and kept to go on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.config.load import load_config
from chainrule.core.errors import DataError
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.readers.npz_file import read_npz, write_npz
from chainrule.data.readers.sequence_file import read_sequences
from chainrule.runs.resolve import resolve_data
from chainrule.training.scores import evaluate

RNG = np.random.default_rng(2)
X = RNG.normal(size=(60, 3))
T = (X[:, 0] + RNG.normal(size=60) > 0).astype(int)
WEIGHTS = np.arange(60) / 10  # the weight names the case
CONFIG = {
    "network": {"layers": [{"size": 4, "activation": "tanh"}, {"size": 2}, "softmax"]},
    "data": {"file": "cases.npz", "split": [0.6, 0.2, 0.2]},
    "training": {"epochs": 4, "batch_size": 8, "seed": 3},
}


@pytest.fixture(autouse=True)
def _file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("cases.npz", x=X, t=T, weights=WEIGHTS)


def data(**settings):
    return resolve_data(load_config({**CONFIG, "data": {**CONFIG["data"], **settings}}))


def cases_of(part):
    return np.rint(part.weights * 10).astype(int)


def test_every_part_has_the_weights_of_its_own_cases():
    split = data()
    for part in split:
        assert np.array_equal(part.x, X[cases_of(part)])
        assert np.array_equal(part.t, T[cases_of(part)])
    assert sorted(np.concatenate([cases_of(part) for part in split])) == list(range(60))


def test_inputs_that_are_standardised_keep_their_weights():
    for changed, plain in zip(data(standardize=True), data(), strict=True):
        assert not np.array_equal(changed.x, plain.x)
        assert np.array_equal(changed.weights, plain.weights)


def test_inputs_are_standardised_without_cases_of_weight_0():
    np.savez("cases.npz", x=X, t=T, weights=np.where(X[:, 0] > 1, 0, 1.5))
    split = data(standardize=True)
    there = split.train.weights > 0
    assert not there.all()
    assert split.train.x[there].mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert split.train.x[there].std(axis=0) == pytest.approx(1, rel=1e-12)


def test_files_of_their_own_for_validation_and_test_have_weights_of_their_own():
    np.savez("validation.npz", x=X[:5], t=T[:5], weights=np.arange(1.0, 6.0))
    np.savez("test.npz", x=X[:7], t=T[:7])
    split = data(validation_file="validation.npz", test_file="test.npz", split=[1, 0, 0])
    assert split.validation.weights.tolist() == [1, 2, 3, 4, 5]
    assert split.test.weights is None
    assert np.array_equal(split.train.x, X[cases_of(split.train)])


def test_sequences_have_weights_of_cases():
    x, t = RNG.normal(size=(60, 5, 2)), RNG.integers(0, 2, (60, 5))
    np.savez("cases.npz", x=x, t=t, weights=WEIGHTS, lengths=np.full(60, 5))
    split = data()
    assert split.sequence_shape == (5, 2)
    for part in split:
        assert np.array_equal(part.x, x[cases_of(part)])
    write_npz(Path("again.npz"), split)
    again = read_sequences(Path("again.npz"))
    assert np.array_equal(again.x, x[np.rint(again.weights * 10).astype(int)])


def test_a_run_trains_and_scores_with_the_weights():
    run = chainrule.train(CONFIG, save=False)
    plain = chainrule.train(CONFIG, save=False, data=without_weights(run.data))
    assert run.engine == "numpy"
    assert not np.array_equal(run.network.theta, plain.network.theta)
    for name in ("train", "validation", "test"):
        part, score = getattr(run.data, name), getattr(run, name)
        assert score == evaluate(run.network, part.x, part.t, classes=True, weights=part.weights)
    assert run.history["validation_loss"][-1] == pytest.approx(run.validation.loss, rel=1e-14)


def without_weights(split):
    parts = [Dataset(part.x, part.t) for part in split]
    return DataSplit(*parts, classes=split.classes)


def test_the_data_given_in_python_may_have_weights():
    parts = [Dataset(X[k::3], T[k::3], WEIGHTS[k::3]) for k in range(3)]
    run = chainrule.train(CONFIG, save=False, data=DataSplit(*parts, classes=("0", "1")))
    part = parts[2]
    score = evaluate(run.network, part.x, part.t, classes=True, weights=part.weights)
    assert run.test == score
    assert run.test.cases == np.count_nonzero(part.weights)


def test_train_says_that_the_cases_have_weights_and_how_many_are_left_out(command):
    np.savez("cases.npz", x=X, t=T, weights=np.where(np.arange(60) < 50, 2.5, 0.5))
    Path("c.yaml").write_text("network: {layers: [{size: 2}, softmax]}\ndata: {file: cases.npz}\n")
    outcome = command("train", "c.yaml", "--set", "training.epochs=1")
    assert "note: the training cases have weights from 0.5 to 2.5" in outcome.out + outcome.err
    np.savez("cases.npz", x=X, t=T, weights=np.where(np.arange(60) < 50, 0, 0.5))
    (note,) = data(split=[1, 0, 0]).notes
    assert note.endswith("from 0.5 to 0.5; 50 of weight 0 are not trained on")


def test_evaluate_weights_the_runs_data_and_a_file(command):
    chainrule.train(CONFIG, run="r")
    run = chainrule.load("r")
    for arguments, part in (([], run.data.test), (["cases.npz"], Dataset(X, T, WEIGHTS))):
        score = evaluate(run.network, part.x, part.t, classes=True, weights=part.weights)
        plain = evaluate(run.network, part.x, part.t, classes=True)
        outcome = command("evaluate", "r", *arguments)
        assert outcome.status == 0, outcome.err
        assert f"{score.loss:.4f}" in outcome.out
        assert f"{plain.loss:.4f}" not in outcome.out
    outcome = command("predict", "r", "cases.npz")
    assert len(outcome.out.splitlines()) == 61


def test_data_make_writes_the_weights_in_the_order_of_the_cases(command):
    Path("c.yaml").write_text("network: {layers: [{size: 2}, softmax]}\ndata: {file: cases.npz}\n")
    outcome = command("data", "make", "c.yaml", "again.npz")
    assert outcome.status == 0, outcome.err
    again = read_npz(Path("again.npz"))
    order = np.rint(again.weights * 10).astype(int)
    assert sorted(order) == list(range(60))
    assert np.array_equal(again.x, X[order])
    half = DataSplit(Dataset(X, T, WEIGHTS), Dataset(X[:2], T[:2]), Dataset(X[:0], T[:0]))
    write_npz(Path("half.npz"), half)
    assert read_npz(Path("half.npz")).weights.tolist() == [*WEIGHTS, 1, 1]
    write_npz(Path("none.npz"), without_weights(half))
    assert "weights" not in np.load("none.npz")


def test_a_run_goes_on_only_with_the_weights_that_it_began_with():
    chainrule.train(CONFIG, run="r")
    longer = {**CONFIG, "training": {**CONFIG["training"], "epochs": 6}}
    straight = chainrule.train(longer, save=False)
    changed = WEIGHTS.copy()
    changed[data().train.weights.argmax() :] += 0.5
    np.savez("cases.npz", x=X, t=T, weights=changed)
    with pytest.raises(DataError, match="training data"):
        chainrule.train(longer, run="r", resume=True)
    np.savez("cases.npz", x=X, t=T, weights=WEIGHTS)
    resumed = chainrule.train(longer, run="r", resume=True)
    assert np.array_equal(resumed.network.theta, straight.network.theta)
    assert resumed.history["train_accuracy"] == straight.history["train_accuracy"]


def test_check_checks_the_weighted_loss(command, monkeypatch):
    Path("c.yaml").write_text("network: {layers: [{size: 2}, softmax]}\ndata: {file: cases.npz}\n")
    outcome = command("check", "c.yaml", "--method", "complex")
    assert outcome.status == 0, outcome.out
    monkeypatch.setattr("chainrule.nn.network.times_weights", lambda J, weights: J)
    assert command("check", "c.yaml", "--method", "complex").status == 1


WRONG = {
    "too few": (WEIGHTS[:59], "one number for each of 60 cases"),
    "too many axes": (np.ones((60, 2)), "one number for each of 60 cases"),
    "a single number": (np.array(2.0), "one number for each of 60 cases"),
    "negative": (WEIGHTS - 1, "found -1 for case 0"),
    "NaN": (np.where(WEIGHTS == 1.2, np.nan, 1), "found nan for case 12"),
    "infinite": (np.where(WEIGHTS == 1.2, np.inf, 1), "found inf for case 12"),
    "all 0": (np.zeros(60), "all weights are 0"),
    "text": (np.full(60, "1.0"), "weights are numbers"),
    "complex": (np.ones(60, complex), "weights are real numbers"),
}


@pytest.mark.parametrize("what", WRONG)
def test_weights_that_are_none_are_refused_with_the_file(what):
    weights, said = WRONG[what]
    np.savez("cases.npz", x=X, t=T, weights=weights)
    with pytest.raises(DataError, match=r"cases\.npz.*" + re.escape(said)):
        data()


def test_training_cases_that_all_have_weight_0_are_refused():
    np.savez("cases.npz", x=X, t=T, weights=np.where(np.isin(WEIGHTS, data().test.weights), 1, 0))
    with pytest.raises(DataError, match="all 36 training cases have the weight 0"):
        chainrule.train(CONFIG, save=False)


def test_a_column_of_weights_is_read_as_one_number_a_case():
    np.savez("cases.npz", x=X, t=T, weights=np.arange(60, dtype=np.uint8)[:, None])
    assert read_npz(Path("cases.npz")).weights.tolist() == list(range(60))

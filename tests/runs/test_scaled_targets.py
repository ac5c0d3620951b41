"""Targets that are scaled for training: whatever a person sees is in their own units."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule.core.errors import ConfigError, DataError, DivergenceError, ShapeError
from chainrule.data.target_scaling import (
    is_far_from_1,
    note_on_targets,
    scaled_targets,
    scaling_of_targets,
)
from chainrule.runs.run_folder import RunFolder
from chainrule.training.engines import ENGINES

# Some tests evaluate a run on the data that it was trained on, of which it warns.
pytestmark = pytest.mark.filterwarnings("ignore:of the .* cases:chainrule.core.errors.DataWarning")

RNG = np.random.default_rng(6)
X = RNG.normal([5, -3], [2, 0.5], (120, 2))
PRICES = np.column_stack([X[:, 0] * 1e6 + 3e6, X[:, 1] * 1e-4])
NAMES = ("price", "growth")


def config(file: str | Path, size: int = 1, **data) -> dict:
    return {
        "network": {"loss": "mse", "learning_rate": 0.05, "layers": [{"size": 8}, {"size": size}]},
        "data": {"file": str(file), "standardize": True, **data},
        "training": {"epochs": 30, "batch_size": 8},
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A file of two targets and one of a single target, and a run on each."""
    place = tmp_path_factory.mktemp("scaled")
    np.savez(place / "two.npz", x=X, t=PRICES, target_names=NAMES)
    rows = [
        f"{a!r},{b!r},{t!r}" for (a, b), t in zip(X.tolist(), PRICES[:, 0].tolist(), strict=True)
    ]
    (place / "one.csv").write_text("\n".join(["a,b,price", *rows]))
    chainrule.train(config(place / "two.npz", 2, scale_targets=True), run=place / "two")
    chainrule.train(config(place / "one.csv", scale_targets=True), run=place / "one")
    return place


def test_training_sees_mean_0_and_deviation_1_of_each(place):
    data = chainrule.load(place / "two").data
    assert data.train.t.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert data.train.t.std(axis=0) == pytest.approx([1, 1])
    whole = np.concatenate([part.t for part in data])
    own = data.target_scaling.undo(whole)
    assert np.sort(own, axis=0) == pytest.approx(np.sort(PRICES, axis=0), rel=1e-12)


def test_predictions_and_scores_are_in_own_units(place):
    run = chainrule.load(place / "two")
    y = run.predict(X)
    assert np.array_equal(y, run.outputs(X))
    assert np.abs(y - PRICES).mean(axis=0) / PRICES.std(axis=0) == pytest.approx([0, 0], abs=0.2)
    score = run.evaluate(X, PRICES)
    each = np.abs(y - PRICES).mean(axis=0)
    assert [target.name for target in score.targets] == [*NAMES]
    assert [target.mae for target in score.targets] == pytest.approx(each.tolist(), rel=1e-9)
    assert score.mae == pytest.approx(each.mean(), rel=1e-9)
    assert all(target.r2 > 0.9 for target in score.targets)
    mean, scale = run.target_scaling.mean, run.target_scaling.scale
    scaled = run.network.loss(run.scaled(X), (PRICES - mean) / scale)
    assert score.loss == pytest.approx(scaled, rel=1e-12)


def test_the_same_network_learns_as_from_targets_scaled_by_hand(tmp_path, place):
    """Bit for bit: the key does nothing else than to scale the targets."""
    data = chainrule.load(place / "two").data
    by_hand = [scaled_targets(PRICES, data.target_scaling)]
    np.savez(tmp_path / "d.npz", x=X, t=by_hand[0])
    run = chainrule.train(config(tmp_path / "d.npz", 2), save=False)
    assert np.array_equal(run.network.theta, chainrule.load(place / "two").network.theta)


def test_a_run_comes_back_with_its_scaling(place):
    trained, run = chainrule.load(place / "two"), chainrule.load(place / "two")
    assert run.target_names == NAMES
    assert run.scores == trained.scores
    part = run.data.validation
    assert run.score_of_scaled(part.x, part.t).figures == pytest.approx(run.validation.figures)
    assert run.history["validation_mae"][-1] == run.validation.mae
    assert json.loads((place / "two" / "run.json").read_text())["target_scaling"] is True
    RunFolder(place / "two").require_own()


def test_a_scaling_that_does_not_fit_is_refused(place, tmp_path):
    files = RunFolder(place / "two")
    with pytest.raises(chainrule.ChainruleError, match="but the network has 3 outputs"):
        files.read_facts(inputs=2, outputs=3)


def test_commands_print_own_units(command, place):
    outcome = command("predict", place / "one", place / "one.csv")
    header, *rows = csv.reader(StringIO(outcome.out))
    assert header == ["price"]
    found = np.array(rows, dtype=float)
    assert found == pytest.approx(chainrule.load(place / "one").predict(X), rel=1e-6)
    outcome = command("evaluate", place / "one", place / "one.csv")
    assert "the loss is that of the scaled targets" in outcome.out
    score = chainrule.load(place / "one").evaluate(X, PRICES[:, 0])
    for figure in (score.loss, score.mae, score.rmse):
        assert f"{figure:.5g}" in outcome.out
    assert command("evaluate", place / "one").out.count("R²") == 1


def test_the_verbose_pass_says_which_targets_are_scaled(command, place, tmp_path):
    (tmp_path / "c.yaml").write_text(json.dumps(config(place / "one.csv", scale_targets=True)))
    arguments = ["--set", "training.epochs=1", "--run", tmp_path / "r"]
    outcome = command("train", tmp_path / "c.yaml", "--verbose", *arguments)
    assert "the targets, scaled: (t − mean) / deviation" in outcome.out
    assert "the outputs, in the units of the scaled targets" in outcome.out
    assert "mse, mean over the cases, of the scaled targets" in outcome.out


def test_a_data_set_is_shown_and_written_in_own_units(command, place, tmp_path):
    (tmp_path / "c.yaml").write_text(json.dumps(config(place / "two.npz", 2, scale_targets=True)))
    assert command("data", "make", tmp_path / "c.yaml", tmp_path / "d.npz").status == 0
    with np.load(tmp_path / "d.npz") as found:
        assert np.array_equal(np.sort(found["t"], axis=0), np.sort(PRICES, axis=0))
        assert tuple(found["target_names"]) == NAMES
    outcome = command("data", "show", tmp_path / "c.yaml", "--save", tmp_path / "p.png")
    assert outcome.status == 0


def test_pictures_of_the_data_have_own_units(place):
    from chainrule.cli.showing import picture

    data = chainrule.load(place / "two").data
    figure = picture(data, data.train, "two", 5)
    low, high = figure.axes[0].get_ylim()
    assert high - low > 1e6


def test_sequences_are_scaled_step_by_step(tmp_path):
    x = RNG.normal(size=(40, 5, 1))
    t = np.cumsum(x, axis=1) * 1e5
    np.savez(tmp_path / "s.npz", x=x, t=t, lengths=np.full(40, 4))
    settings = config(tmp_path / "s.npz", 1, scale_targets=True, standardize=False)
    settings["network"]["layers"][0] = {"type": "recurrent", "size": 4, "outputs": "all"}
    run = chainrule.train(settings, run=tmp_path / "r")
    rows = run.data.train.t[~np.isnan(run.data.train.t)]
    assert (rows.mean(), rows.std()) == pytest.approx((0, 1), abs=1e-12)
    padding = np.arange(5)[None, :, None] >= 4
    x, t = np.where(padding, np.nan, x), np.where(padding, np.nan, t)
    y = chainrule.load(tmp_path / "r").predict(x)
    assert run.evaluate(x, t).mae == pytest.approx(np.nanmean(np.abs(y - t)), rel=1e-9)
    assert np.nanstd(y) > 1e4


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_trains_on_scaled_targets(place, engine):
    if not ENGINES.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    settings = config(place / "two.npz", 2, scale_targets=True)
    settings["training"] |= {"engine": engine}
    run = chainrule.train(settings, save=False)
    assert run.test.figures == pytest.approx(chainrule.load(place / "two").test.figures, rel=1e-6)


def test_a_resumed_run_has_the_same_bits(place, tmp_path):
    settings = config(place / "two.npz", 2, scale_targets=True)
    settings["training"] |= {"epochs": 10}
    chainrule.train(settings, run=tmp_path / "r")
    settings["training"] |= {"epochs": 30}
    run = chainrule.train(settings, run=tmp_path / "r", resume=True)
    whole = chainrule.load(place / "two")
    assert np.array_equal(run.network.theta, whole.network.theta)
    assert run.scores == whole.scores
    assert run.history["validation_rmse"] == whole.history["validation_rmse"]


def test_a_run_does_not_go_on_with_targets_in_other_units(place, tmp_path):
    np.savez(tmp_path / "d.npz", x=X, t=PRICES)
    settings = config(tmp_path / "d.npz", 2, scale_targets=True)
    settings["training"]["epochs"] = 2
    chainrule.train(settings, run=tmp_path / "r")
    np.savez(tmp_path / "d.npz", x=X, t=PRICES * 4)  # the same numbers, once they are scaled
    settings["training"]["epochs"] = 3
    with pytest.raises(DataError, match="units of the targets"):
        chainrule.train(settings, run=tmp_path / "r", resume=True)


@pytest.mark.parametrize(
    ("layers", "loss", "data"),
    [
        ([{"size": 3}, "softmax"], "cross_entropy", {"name": "iris"}),
        ([{"size": 1, "activation": "sigmoid"}], "binary_cross_entropy", {"generator": "xor"}),
        ([{"size": 2}], "mse", {"generator": "xor"}),
        ([{"size": 1}], "mse", {"generator": "xor", "target": "class"}),
    ],
)
def test_classes_are_not_scaled(layers, loss, data):
    settings = {
        "network": {"loss": loss, "layers": layers},
        "data": {**data, "scale_targets": True},
    }
    with pytest.raises(ConfigError, match="scale_targets is for targets that are values"):
        chainrule.train(settings, save=False)


@pytest.mark.parametrize(
    ("t", "word"),
    [
        (PRICES[:, 0], "mean 7.95e+06"),
        (RNG.normal(0, 1e-5, 50), "deviation"),
        (RNG.normal(1e4, 1, (50, 2)), "of value 1"),
        (RNG.normal(0, 1, 50), None),
        (np.full(50, 3.0), None),
        (np.empty((0, 1)), None),
    ],
)
def test_targets_far_from_1_are_told_with_the_key(t, word):
    note = note_on_targets(t)
    assert is_far_from_1(t) == (word is not None)
    assert (note is None) == (word is None)
    assert word is None or (word in note and "scale_targets: true" in note)


@pytest.mark.parametrize(("data", "notes"), [({}, 1), ({"scale_targets": False}, 0)])
def test_the_note_is_said_once_and_not_where_the_key_is_set(place, data, notes):
    settings = config(place / "one.csv", **data)
    settings["network"]["learning_rate"] = 1e-15
    settings["training"]["epochs"] = 1
    doubts = chainrule.train(settings, save=False).data.doubts
    assert sum("scale_targets" in doubt for doubt in doubts) == notes
    settings["data"]["scale_targets"] = True
    doubts = chainrule.train(settings, save=False).data.doubts
    assert not any("scale_targets" in doubt for doubt in doubts)


@pytest.mark.parametrize(
    ("data", "advice", "not_advised"),
    [
        ({"standardize": True}, "scale_targets: true", "standardize: true"),
        ({"standardize": False}, "standardize: true", None),
        ({"standardize": True, "scale_targets": True}, "learning_rate", "true"),
        ({"standardize": "center"}, "standardize: true", None),
    ],
)
def test_advice_after_a_divergence_is_not_followed_already(place, data, advice, not_advised):
    settings = config(place / "one.csv", **data)
    settings["network"]["learning_rate"] = 100.0
    settings["network"]["layers"][0]["activation"] = "relu"
    with pytest.raises(DivergenceError) as caught:
        chainrule.train(settings, save=False)
    assert advice in str(caught.value)
    assert not_advised is None or not_advised not in str(caught.value)


@given(
    st.lists(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=2), min_size=2, max_size=20),
    st.booleans(),
)
def test_scaling_and_back_gives_the_targets(rows, of_steps):
    t = np.array(rows)
    if of_steps:
        t = np.stack([t, np.full(t.shape, np.nan)], axis=1)
    scaling = scaling_of_targets(t)
    back = scaling.undo(scaled_targets(t, scaling))
    assert back == pytest.approx(
        t, rel=1e-9, abs=1e-9 * np.nanmax(np.abs(t), initial=1), nan_ok=True
    )


def test_evaluate_takes_as_many_targets_as_there_are_outputs(place):
    run = chainrule.load(place / "two")
    with pytest.raises(ShapeError, match="predicts 2 targets, but these are 1"):
        run.evaluate(X, PRICES[:, 0])
    with pytest.raises(ShapeError, match="120 cases have 3 targets"):
        run.evaluate(X, PRICES[:3])
    with pytest.raises(DataError, match="expected a value as the target, found 'a'"):
        chainrule.load(place / "one").evaluate(X[:1], ["a"])
    assert run.evaluate(X[:0], PRICES[:0]) is None


@pytest.mark.exhaustive
def test_a_sweep_ranks_by_an_error(place, tmp_path):
    found = chainrule.sweep(
        config(place / "one.csv", scale_targets=True),
        {"training.epochs": [1, 20]},
        by="validation_mae",
        jobs=1,
        folder=tmp_path / "s",
    )
    assert [trial.epochs for trial in found.ranked] == [20, 1]
    best = found.best.scores
    assert best["best_validation_mae"] <= best["validation_mae"] < 1e6


def test_targets_whose_squares_overflow_are_noted_with_their_deviation():
    note = note_on_targets(np.array([1e200, -3e200]))
    assert note is not None
    assert note.startswith("the targets have mean -1e+200 and deviation 2e+200;")

"""The film of a training, as Python makes it: kept, replayed, and what a page carries of it."""

from __future__ import annotations

import base64
import gzip
import json
import re

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ConfigError, DataError
from chainrule.inspector import film as module
from chainrule.inspector.film import ENDS, Film, film_of, losses_of, replayed
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Frames, History
from chainrule.training.frames import Frame

CONFIG = {
    "network": {"layers": [{"size": 3, "activation": "tanh"}, {"size": 3}, "softmax"]},
    "data": {"generator": "blobs", "classes": 3, "count": 30, "split": [0.8, 0.2, 0]},
    "training": {"epochs": 6, "batch_size": 6, "seed": 1, "callbacks": ["frames"]},
}
BARE = {**CONFIG, "training": {**CONFIG["training"], "callbacks": None}}


def film(frames: int, size: int = 10) -> Film:
    made = [Frame(k, np.full(size, k / 2), np.full(2, np.nan)) for k in range(frames)]
    return Film(made, {"epochs": [], "train": [], "validation": []}, own=frames - 1)


def test_a_run_that_kept_frames_shows_them(tmp_path):
    run = chainrule.train(CONFIG, run=tmp_path / "run")
    found = film_of(chainrule.load(tmp_path / "run"))
    assert [frame.epoch for frame in found.frames] == [*range(7)]
    assert found.own == 6
    assert np.array_equal(found.theta(6), run.network.theta)
    assert not np.array_equal(found.theta(0), found.theta(6))
    told = found.scene(run.network)
    assert told["frames"][0] == {"id": 0, "epoch": 0, "losses": [None, None]}
    assert told["frames"][2]["losses"][1] == run.history["validation_loss"][1]
    assert told["curve"]["train"] == run.history["train_loss"]
    assert told["parameters"] == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]
    with pytest.raises(ConfigError, match="no frame 7"):
        found.theta(7)


def test_a_run_without_frames_shows_its_start_and_its_end(tmp_path):
    chainrule.train(BARE, run=tmp_path / "run")
    whole = chainrule.train(CONFIG, run=tmp_path / "whole")
    found = film_of(chainrule.load(tmp_path / "run"))
    assert [frame.epoch for frame in found.frames] == [0, 6]
    kept = film_of(whole)
    assert np.array_equal(found.theta(0), kept.theta(0))
    assert np.array_equal(found.theta(1), kept.theta(6))
    assert (found.own, found.note) == (1, ENDS)


@pytest.mark.parametrize("own", ["with", "without"])
def test_trained_again_a_run_has_the_frames_that_it_would_have_kept(tmp_path, own):
    config = CONFIG if own == "with" else BARE
    run = chainrule.train(config, run=tmp_path / "run")
    files = sorted(tmp_path.rglob("*"))
    found = replayed(chainrule.load(tmp_path / "run"))
    kept = chainrule.train(CONFIG, run=tmp_path / "whole")
    expected = film_of(kept)
    assert [f.theta.tobytes() for f in found.frames] == [
        f.theta.tobytes() for f in expected.frames
    ]
    assert "It ends with the same bits as the run." in found.note
    assert found.own == 6
    assert np.array_equal(found.theta(6), run.network.theta)
    assert sorted((tmp_path / "run").rglob("*")) == files[1:]


def test_trained_again_to_another_end_it_says_so(tmp_path):
    chainrule.train(BARE, run=tmp_path / "run")
    loaded = chainrule.load(tmp_path / "run")
    loaded.network.theta[0] += 0.25
    found = replayed(loaded)
    assert "It ends up to 0.25 away from the parameters of the run" in found.note
    assert found.own is None


def test_trained_again_for_too_long_it_ends_there(monkeypatch):
    monkeypatch.setattr(module, "REPLAY_SECONDS", 1e-9)
    config = chainrule.config.load.load_config(CONFIG)
    found = replayed(config)
    assert [frame.epoch for frame in found.frames] == [0]
    assert found.note.endswith("0 epochs.")


def test_passed_data_are_in_no_file(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 2))
    bare = {"network": CONFIG["network"], "training": BARE["training"]}
    chainrule.train(bare, data=(x, [0, 1, 2, 0] * 5), run=tmp_path / "run")
    with pytest.raises(DataError, match="were passed in Python"):
        replayed(chainrule.load(tmp_path / "run"))
    assert len(film_of(chainrule.load(tmp_path / "run")).frames) == 2


def test_of_a_restored_epoch_no_frame_is_the_runs_own(tmp_path):
    config = {**CONFIG, "training": {**CONFIG["training"]}}
    best = {"type": "best_weights", "monitor": "train_loss", "mode": "max"}
    config["training"]["callbacks"] = [best, {"type": "frames", "count": 2}]
    found = film_of(chainrule.train(config, run=tmp_path / "run"))
    assert [frame.epoch for frame in found.frames] == [0, 6]
    assert found.own is None
    assert "another epoch" in found.note


def test_a_page_carries_so_many_frames_as_fit():
    assert film(60).of_bytes(60 * 80).called == range(60)
    few = film(61).of_bytes(4 * 80 + 79)
    assert [*few.called] == [0, 20, 40, 60]
    assert few.own == 60
    assert np.array_equal(few.theta(20), np.full(10, 10.0))
    assert "4 of 61 frames" in few.note
    assert film(61).of_bytes(159) is None


def test_of_many_epochs_the_curve_has_some_and_the_last():
    history = History()
    for epoch in range(1, 2001):
        history.append({"epoch": epoch, "train_loss": 1.0 / epoch, "seconds": 0.0})
    found = losses_of(history)
    assert len(found["epochs"]) <= 601
    assert (found["epochs"][0], found["epochs"][-1]) == (1, 2000)
    assert found["validation"] == [None] * len(found["epochs"])
    assert losses_of(History()) == {"epochs": [], "train": [], "validation": []}


def test_the_page_of_a_run_carries_its_frames(tmp_path):
    run = chainrule.train(CONFIG, run=tmp_path / "run")
    text = chainrule.inspect(tmp_path / "run", count=2).html()
    told = json.loads(re.search(r'id="scene">(.*?)</script>', text)[1])
    packed = re.search(r'id="frames">(.*?)</script>', text)[1]
    numbers = np.frombuffer(gzip.decompress(base64.b64decode(packed)), "<f8")
    kept = film_of(run)
    assert np.array_equal(numbers, np.concatenate([frame.theta for frame in kept.frames]))
    assert [one["epoch"] for one in told["film"]["frames"]] == [*range(7)]


def test_a_configuration_has_a_film_only_if_it_is_trained():
    assert chainrule.inspect(CONFIG, count=2).scene["film"] is None
    found = chainrule.inspect(CONFIG, count=2, film=True)
    assert len(found.scene["film"]["frames"]) == 7
    assert found.scene["film"]["own"] == 0
    frames = Frames()
    chainrule.train(BARE, save=False, callbacks=[frames])
    assert np.array_equal(found.told.film.theta(6), frames.frames[6].theta)
    assert np.array_equal(found.network.theta, frames.frames[0].theta)
    assert found.told.film.note.startswith("Trained for this film")
    assert (
        "As the page opens, the weights are those with which training starts." in found.told.notes
    )


def test_a_damaged_file_of_frames_is_named(tmp_path):
    chainrule.train(CONFIG, run=tmp_path / "run")
    path = RunFolder(tmp_path / "run").frames
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(chainrule.ChainruleError, match=r"frames\.safetensors"):
        chainrule.inspect(tmp_path / "run")

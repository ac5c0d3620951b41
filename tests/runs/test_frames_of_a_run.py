"""The frames of a training: which are kept, that they survive a stop, and their file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import chainrule
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.frames_file import read_frames
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Callback, Frames
from chainrule.training import callbacks as module

MINIBATCHES = 4
CONFIG = {
    "network": {"layers": [{"size": 3, "activation": "tanh"}, {"size": 3}, "softmax"]},
    "data": {"generator": "blobs", "classes": 3, "count": 30, "split": [0.8, 0.2, 0]},
    "training": {"epochs": 11, "batch_size": 6, "seed": 1, "optimizer": "adam"},
}


def with_frames(count: int, epochs: int = 11) -> dict:
    training = {"epochs": epochs, "callbacks": [{"type": "frames", "count": count}]}
    return {**CONFIG, "training": {**CONFIG["training"], **training}}


class StopAfter(Callback):
    """Interrupts after so many minibatches, as Ctrl-C does."""

    every_minibatch = True

    def __init__(self, minibatches: int) -> None:
        self.minibatches = minibatches

    def on_chunk(self, trainer):
        if trainer.minibatches_run >= self.minibatches:
            trainer.interrupted = True


@pytest.fixture(scope="module")
def every_theta():
    """θ at the start and after each of 11 epochs, and the losses of each."""
    found = []

    class Keep(Callback):
        def on_start(self, trainer):
            found.append(trainer.network.theta.copy())

        def on_epoch(self, trainer, row):
            found.append(trainer.network.theta.copy())

    run = chainrule.train(CONFIG, save=False, callbacks=[Keep()])
    return found, run.history


@pytest.mark.parametrize(
    ("count", "epochs", "kept"),
    [
        (60, 11, [*range(12)]),
        (12, 10, [*range(11)]),
        (12, 11, [0, 2, 4, 6, 8, 10, 11]),
        (4, 11, [0, 4, 8, 11]),
        (4, 8, [0, 4, 8]),
        (2, 11, [0, 11]),
        (2, 0, [0]),
    ],
)
def test_the_distance_doubles_so_that_few_remain(every_theta, count, epochs, kept):
    frames = Frames(count)
    training = {**CONFIG["training"], "epochs": epochs}
    chainrule.train({**CONFIG, "training": training}, save=False, callbacks=[frames])
    assert [frame.epoch for frame in frames.frames] == kept
    assert len(kept) <= count
    thetas, history = every_theta
    columns = [history[f"{part}_loss"] for part in ("train", "validation")]
    for frame in frames.frames:
        assert np.array_equal(frame.theta, thetas[frame.epoch])
        if frame.epoch:
            assert [*frame.losses] == [column[frame.epoch - 1] for column in columns]
    assert np.isnan(frames.frames[0].losses).all()


def test_a_run_writes_them_and_they_are_read_again(tmp_path, every_theta):
    run = chainrule.train(with_frames(5), run=tmp_path / "run")
    path = RunFolder(tmp_path / "run").frames
    loaded = chainrule.load(tmp_path / "run")
    found = read_frames(path, loaded.network)
    assert [frame.epoch for frame in found] == [0, 4, 8, 11]
    for frame in found:
        assert frame.theta.tobytes() == every_theta[0][frame.epoch].tobytes()
    assert np.array_equal(found[-1].theta, run.network.theta)
    assert path.stat().st_size < 4 * run.network.theta.nbytes + 1000


@pytest.mark.parametrize("stops", [(0,), (3,), (MINIBATCHES * 5, 33), (1, 2, 3, 40)])
def test_a_run_that_was_stopped_ends_with_the_same_file(tmp_path, stops):
    config = with_frames(5)
    chainrule.train(config, run=tmp_path / "whole")
    for k, minibatches in enumerate([*stops, 10**9]):
        stop = StopAfter(minibatches)
        chainrule.train(config, run=tmp_path / "parts", resume=k > 0, callbacks=[stop])
    whole, parts = (RunFolder(tmp_path / name).frames.read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def test_more_epochs_go_on_from_the_frames_of_fewer(tmp_path):
    chainrule.train(with_frames(5), run=tmp_path / "whole")
    chainrule.train(with_frames(5, epochs=7), run=tmp_path / "parts")
    parts = RunFolder(tmp_path / "parts")
    assert [*load_file(parts.frames)["epochs"]] == [0, 2, 4, 6, 7]
    chainrule.train(with_frames(5), run=tmp_path / "parts", resume=True)
    assert parts.frames.read_bytes() == RunFolder(tmp_path / "whole").frames.read_bytes()


def test_the_frames_show_training_where_another_callback_restores_the_best(tmp_path, every_theta):
    config = with_frames(60)
    worst_first = {"type": "best_weights", "monitor": "train_loss", "mode": "max"}
    config["training"]["callbacks"].insert(0, worst_first)
    run = chainrule.train(config, run=tmp_path / "run")
    frames = read_frames(RunFolder(tmp_path / "run").frames, run.network)
    assert np.array_equal(frames[-1].theta, every_theta[0][-1])
    assert not np.array_equal(frames[-1].theta, run.network.theta)


def test_large_networks_keep_fewer_and_too_large_ones_are_refused(monkeypatch):
    size = 3 * 8 * 7  # bytes of θ: 2·3 + 3 + 3·3 + 3 numbers
    network = chainrule.train(CONFIG, save=False).network
    assert network.theta.nbytes == size
    monkeypatch.setattr(module, "MOST_FRAME_BYTES", 3 * size)
    frames = Frames(60)
    chainrule.train(CONFIG, save=False, callbacks=[frames])
    assert [frame.epoch for frame in frames.frames] == [0, 8, 11]
    monkeypatch.setattr(module, "MOST_FRAME_BYTES", 2 * size - 1)
    with pytest.raises(ConfigError, match="frames of a training take at most"):
        chainrule.train(CONFIG, save=False, callbacks=[Frames()])


@pytest.mark.parametrize("count", [1, 0, 2.5, True, "5"])
def test_a_count_is_at_least_two(count):
    with pytest.raises(ConfigError, match="count must be a whole number of at least 2"):
        Frames(count)


WRONG_STATES = {
    "no count": {"every": 0},
    "another distance": {"every": 3},
    "too many": {"every": 1},
    "epochs back": {"epochs": np.array([0, 8, 4, 11])},
    "another network": {"theta": np.zeros((4, 5))},
    "another type": {"theta": np.zeros((4, 21), np.float32)},
    "not finite": {"theta": np.full((4, 21), np.inf)},
    "no table": {"losses": np.zeros(4)},
}


@pytest.mark.parametrize("changed", WRONG_STATES.values(), ids=WRONG_STATES)
def test_a_state_of_something_else_is_refused(tmp_path, changed):
    chainrule.train(with_frames(4), run=tmp_path / "run")
    state = read_checkpoint(RunFolder(tmp_path / "run").checkpoint).states["frames_1"]
    assert state["every"] == 4
    frames = Frames(4)
    chainrule.train(CONFIG, save=False, callbacks=[frames])
    frames.load_state(state)
    with pytest.raises(ValueError, match=r"frame|distance"):
        frames.load_state({**state, **changed})


def changed_file(path, **changes):
    arrays = {**load_file(path), **changes}
    layout = [["dense_1.W", 2, 3], ["dense_1.b", 3], ["dense_2.W", 3, 3], ["dense_2.b", 3]]
    said = {"parameters": json.dumps(layout)}
    save_file({k: v for k, v in arrays.items() if v is not None}, path, said)


WRONG_FILES = {
    "an array missing": {"losses": None},
    "one more": {"more": np.zeros(3)},
    "another network": {"theta": np.zeros((4, 5))},
    "more frames": {"theta": np.zeros((5, 21))},
    "epochs as a table": {"epochs": np.zeros((4, 4), np.int64)},
    "epochs twice": {"epochs": np.array([0, 4, 4, 11])},
    "nan": {"theta": np.full((4, 21), np.nan)},
}


@pytest.mark.parametrize("changes", WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_file_of_something_else_is_refused(tmp_path, changes):
    run = chainrule.train(with_frames(4), run=tmp_path / "run")
    path = RunFolder(tmp_path / "run").frames
    changed_file(path)
    assert len(read_frames(path, run.network)) == 4
    changed_file(path, **changes)
    with pytest.raises(ChainruleError, match=r"frames\.safetensors"):
        read_frames(path, run.network)


def test_a_damaged_file_and_a_link_are_refused(tmp_path):
    run = chainrule.train(with_frames(4), run=tmp_path / "run")
    path = RunFolder(tmp_path / "run").frames
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    with pytest.raises(ChainruleError, match=r"frames\.safetensors"):
        read_frames(path, run.network)
    (tmp_path / "other").write_bytes(content)
    path.unlink()
    assert read_frames(path, run.network) == []
    path.symlink_to(tmp_path / "other")
    with pytest.raises(ChainruleError, match="this is a link"):
        read_frames(path, run.network)

"""A training that is followed while it runs: what pages are told, and what training is not."""

from __future__ import annotations

import json
import threading
import time
from itertools import islice

import numpy as np
import pytest

import chainrule
from chainrule.config.load import load_config
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.inspector import live as module
from chainrule.inspector import publishing
from chainrule.inspector.live import LiveFilm, OwnTraining, WatchedTraining
from chainrule.inspector.publishing import Publisher
from chainrule.nn import Dense, Network
from chainrule.runs.starts import initial_network
from chainrule.training import Callback

CONFIG = {
    "network": {"layers": [{"size": 3, "activation": "tanh"}, {"size": 3}, "softmax"], "input": 2},
    "data": {"generator": "blobs", "classes": 3, "count": 30, "split": [0.8, 0.2, 0]},
    "training": {"epochs": 12, "batch_size": 6, "seed": 1, "engine": "numpy"},
}


def network() -> Network:
    return Network([Dense(2)], input=1, loss="mse")


def live_film(**options) -> LiveFilm:
    return LiveFilm(network(), can_stop=True, **options)


def events_of(stream) -> list[dict]:
    return [json.loads(one[6:]) for one in stream if one.startswith(b"data: ")]


def theta(k: float) -> np.ndarray:
    return np.full(4, float(k))


# The film that grows.


def test_a_live_film_lets_older_frames_go_and_keeps_their_numbers():
    film = live_film()
    for k in range(1, 501):
        film.add(k, theta(k), [[k, 1 / k, None]])
    now = film.now()
    assert len(now.frames) <= module.MOST_FRAMES
    assert now.numbers[0] == 0
    assert now.numbers[-1] == 500
    assert all(number % 16 == 0 or number == 500 for number in now.numbers)
    assert film.theta(496).tolist() == theta(496).tolist()
    assert film.theta(485).tolist() == theta(485).tolist()  # a recent one, not in the film
    with pytest.raises(ConfigError, match="frame 470 of this training is no longer there"):
        film.theta(470)
    assert len(film.told["curve"]["epochs"]) <= module.MOST_POINTS + 1
    assert film.told["curve"]["epochs"][-1] == 500
    assert film.told["curve"]["validation"][0] is None


def test_a_training_that_has_not_moved_adds_no_frame():
    film = live_film()
    film.add(1, theta(1), [[1, 0.5, float("nan")]])
    film.add(1, theta(1), [])
    assert film.now().numbers == [0, 1]
    film.add(1, theta(2), [])  # another callback has restored parameters
    assert film.now().numbers == [0, 1, 2]
    json.dumps(film.told, allow_nan=False)


# What a training tells, and that it waits for nobody.


class Trainer:
    """As much of a trainer as the callback looks at."""

    def __init__(self):
        self.network, self.folder, self.epoch, self.minibatch = network(), None, 1, 0
        self.engine = self.settings = self.history = self
        self.minibatches, self.epochs, self.rows, self.interrupted = 4, 9, [], False


def test_a_reader_that_is_slow_makes_the_training_wait_for_nothing(monkeypatch):
    monkeypatch.setattr(publishing, "SECONDS", 0.0)
    reads, got = threading.Event(), []

    def send(message):
        reads.wait(30)
        got.append(message)

    publisher, trainer = Publisher(send, threading.Event()), Trainer()
    publisher.on_start(trainer)
    for k in range(200):
        trainer.network.theta[...] = k
        trainer.minibatch = k % 4
        trainer.rows.append({"epoch": k + 1, "train_loss": k})
        publisher.on_pause(trainer)
    assert not got  # nobody has waited until something was read
    reads.set()
    publisher.close()
    assert len(got) <= 3  # the one that was being sent, and the latest
    assert got[-1]["theta"].tolist() == [199.0] * 4
    assert [row[0] for one in got for row in one["rows"]] == [*range(1, 201)]
    assert got[0]["epochs"] == 9


def test_it_tells_so_often_and_stops_when_it_is_to(monkeypatch):
    now, told, sent, stop = [0.0], [], threading.Semaphore(0), threading.Event()
    monkeypatch.setattr(publishing, "monotonic", lambda: now[0])
    monkeypatch.setattr(publishing, "SECONDS", 1.0)

    def send(message):
        told.append(now[0])
        sent.release()

    publisher, trainer = Publisher(send, stop), Trainer()
    publisher.on_start(trainer)
    assert sent.acquire(timeout=30)
    for k in range(1, 14):
        now[0] = k / 4
        publisher.on_pause(trainer)
        if k % 4 == 0:
            assert sent.acquire(timeout=30)
    assert not trainer.interrupted
    stop.set()
    publisher.on_pause(trainer)
    publisher.close()
    assert trainer.interrupted
    assert told == [0, 1, 2, 3]


def test_a_page_is_told_at_most_ten_times_a_second():
    assert publishing.SECONDS >= 0.1
    assert module.BETWEEN_EVENTS >= 0.1


def test_a_reader_that_has_gone_stops_the_training():
    def send(message):
        raise BrokenPipeError

    stop = threading.Event()
    publisher = Publisher(send, stop)
    publisher.on_start(Trainer())
    publisher.close()
    assert stop.is_set()


# A training in a process of its own.


def own(tmp_path, **training) -> OwnTraining:
    config = load_config({**CONFIG, "training": {**CONFIG["training"], **training}})
    return OwnTraining(config, initial_network(config), tmp_path / "run")


@pytest.mark.exhaustive
def test_a_training_that_is_followed_has_the_bits_of_one_that_is_not(tmp_path):
    alone = chainrule.train(CONFIG, run=tmp_path / "alone")
    followed = own(tmp_path)
    streams: list[list[dict]] = [[], []]
    readers = [
        threading.Thread(target=lambda k=k: streams[k].extend(events_of(followed.events())))
        for k in range(2)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    followed.close()
    for found in streams:
        last = found[-1]
        assert last["live"]["state"] == "finished"
        assert "All 12 epochs have run" in last["live"]["text"]
        assert last["frames"][-1]["epoch"] == last["epochs"] == 12
        assert last["curve"]["train"] == alone.history["train_loss"]
    number = streams[0][-1]["frames"][-1]["id"]
    assert followed.film.theta(number).tobytes() == alone.network.theta.astype(float).tobytes()
    written = chainrule.load(tmp_path / "run")
    assert written.network.theta.tobytes() == alone.network.theta.tobytes()
    assert len(chainrule.inspect(written).told.film.frames) == 13


@pytest.mark.exhaustive
def test_of_a_large_network_the_run_keeps_no_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 20)  # of 21 parameters
    followed = own(tmp_path, epochs=2)
    last = events_of(followed.events())[-1]
    followed.close()
    assert last["live"]["state"] == "finished"
    assert not (tmp_path / "run" / "frames.safetensors").exists()


@pytest.mark.exhaustive
def test_a_training_that_is_stopped_can_go_on(tmp_path):
    followed = own(tmp_path, epochs=100_000, checkpoint_every=5)
    events = followed.events()
    while json.loads(next(events)[6:])["frames"][-1]["epoch"] < 1:
        pass
    followed.stop()
    last = events_of(events)[-1]
    followed.close()
    assert last["live"]["state"] == "stopped"
    loaded = chainrule.load(tmp_path / "run")
    assert loaded.interrupted
    assert 0 < len(loaded.history.rows) < 100_000


@pytest.mark.exhaustive
def test_closing_ends_the_training_and_keeps_its_run(tmp_path):
    followed = own(tmp_path, epochs=100_000)
    for _ in followed.events():
        if followed.film.has_moved:
            break
    followed.close()
    assert followed.is_over
    assert chainrule.load(tmp_path / "run").interrupted


@pytest.mark.exhaustive
def test_closing_waits_shortly_for_a_training_that_has_not_moved(monkeypatch):
    monkeypatch.setattr(module, "IDLE_ENDING_SECONDS", 0.05)
    config = load_config({**CONFIG, "training": {**CONFIG["training"], "epochs": 10**6}})
    training = OwnTraining(config, initial_network(config))
    began = time.monotonic()
    training.close()  # its process is just starting
    assert time.monotonic() - began < 1
    assert training.is_over


def test_no_training_begins_for_a_port_that_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = chainrule.inspect(CONFIG, train=True)
    with (
        network().inspect([[1.0]], [[1.0, 2.0]]).open(browser=False) as taken,
        pytest.raises(ChainruleError, match=f"port {taken.port} cannot be served on"),
    ):
        made.open(port=taken.port, browser=False)
    assert not (tmp_path / "runs").exists()


@pytest.mark.exhaustive
def test_a_training_that_fails_says_why(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "there").write_text("")
    followed = own(tmp_path)
    last = events_of(followed.events())[-1]
    followed.close()
    assert last["live"]["state"] == "failed"
    assert "not empty" in last["live"]["text"]


def test_between_events_there_is_a_pause_and_each_is_the_latest(monkeypatch):
    followed, pauses, epochs = module.Live(live_film()), [], iter(range(1, 100))

    def sleep(seconds):
        """Three frames later."""
        pauses.append(seconds)
        for epoch in islice(epochs, 3):
            followed.film.add(epoch, theta(epoch), [])
            followed._news()
        if len(pauses) == 4:
            followed._end("finished", "It has ended.")

    monkeypatch.setattr(module, "sleep", sleep)
    found = events_of(followed.events())
    assert pauses == [module.BETWEEN_EVENTS] * 4
    assert [one["frames"][-1]["epoch"] for one in found] == [0, 3, 6, 9, 12]
    assert found[-1]["live"] == {"state": "finished", "text": "It has ended.", "can_stop": True}
    assert len(events_of(followed.events())) == 1  # who comes later is told how it ended


def test_who_has_gone_is_noticed_in_silence(monkeypatch):
    monkeypatch.setattr(module, "SILENCE", 0.01)
    events = module.Live(live_film()).events()
    assert next(events).startswith(b"data: ")
    assert next(events).startswith(b": ")
    events.close()


# A training in another process, known by its folder.


class Slowly(Callback):
    """Waits after every epoch, so that checkpoints are written in between."""

    def on_epoch(self, trainer, row):
        time.sleep(0.25)


@pytest.mark.exhaustive
def test_a_folder_into_which_another_process_trains_is_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(ConfigError, match="no process trains into"):
        WatchedTraining(folder, initial_network(load_config(CONFIG)))
    thread = threading.Thread(
        target=lambda: chainrule.train(CONFIG, run=folder, callbacks=[Slowly()])
    )
    thread.start()
    while not (folder / "metrics.jsonl").exists():
        time.sleep(0.02)
    found = chainrule.inspect(folder, train=True, count=2)
    followed = found.training(found.network)
    with pytest.raises(ConfigError, match="another process trains"):
        followed.stop()
    last = events_of(followed.events())[-1]
    thread.join()
    followed.close()
    run = chainrule.load(folder)
    assert last["live"]["state"] == "finished"
    assert last["live"]["can_stop"] is False
    assert last["frames"][-1]["epoch"] == 12
    assert len(last["frames"]) >= 3
    assert last["curve"]["train"] == run.history["train_loss"]
    number = last["frames"][-1]["id"]
    assert np.array_equal(followed.film.theta(number), run.network.theta)


# A page that follows.


def test_what_is_followed_is_served_and_neither_saved_nor_a_film(tmp_path):
    with pytest.raises(ConfigError, match="leave out film and save"):
        chainrule.inspect(CONFIG, train=True, film=True)
    with pytest.raises(ConfigError, match="leave out film and save"):
        chainrule.inspect(CONFIG, train=True, save=tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()
    run = chainrule.train(CONFIG, save=False)
    with pytest.raises(ConfigError, match="has been trained"):
        chainrule.inspect(run, train=True)

"""Schedules that vary within an epoch, and on plateau: in runs, their files, and when resumed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import chainrule
from chainrule.config.load import load_config
from chainrule.core.errors import ConfigError
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Callback

MINIBATCHES, EPOCHS, RATE = 6, 4, 0.4
CONFIG = {
    "network": {
        "layers": [{"size": 6, "activation": "tanh"}, {"size": 3}, "softmax"],
        "learning_rate": RATE,
    },
    "data": {
        "generator": "blobs",
        "classes": 3,
        "count": 60,
        "spread": 3.0,
        "split": [60, 20, 20],
    },
    "training": {"epochs": EPOCHS, "batch_size": 6, "seed": 1, "optimizer": "momentum"},
}
CYCLE = {"type": "one_cycle", "pct_start": 0.4}
PLATEAU = {"type": "plateau", "patience": 1, "min_delta": 0.2, "factor": 0.5}
SCHEDULES = [CYCLE, PLATEAU, {"type": "cosine", "warm_up": 1.5}]


@pytest.fixture(autouse=True)
def no_curve(monkeypatch):
    """A second is a long time for a picture nobody looks at."""
    monkeypatch.setattr("chainrule.runs.train.draw_learning_curve", lambda *_: None)


def changed(**training) -> dict:
    return {**CONFIG, "training": {**CONFIG["training"], **training}}


class Watch(Callback):
    """Notes the rate of every minibatch, and interrupts after so many of them."""

    every_minibatch = True

    def __init__(self, until=10**9):
        self.until, self.rates = until, []

    def on_chunk(self, trainer):
        self.rates.append(trainer.rate)
        trainer.interrupted = trainer.minibatches_run >= self.until


def bits(folder) -> dict[str, bytes]:
    """All that the run's checkpoint holds, but the seconds."""
    found = read_checkpoint(RunFolder(folder).checkpoint)
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in found.history.rows]
    return {**{k: v.tobytes() for k, v in found.arrays.items()}, "rows": repr(rows).encode()}


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each["type"])
def test_a_run_goes_on_with_the_bits_of_one_that_never_stopped(tmp_path, engine, schedule):
    config = changed(schedule=schedule, engine=engine)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    chainrule.train(config, run=whole)
    for until in (1, 8, 12, 99):
        run = chainrule.train(config, run=parts, resume=until > 1, callbacks=[Watch(until)])
    assert not run.interrupted
    assert bits(parts) == bits(whole)


def test_every_minibatch_has_its_own_rate_and_the_history_that_of_the_last(tmp_path):
    watching = Watch()
    config = changed(schedule={"type": "constant", "warm_up": 1.5}, engine="numpy")
    run = chainrule.train(config, run=tmp_path / "run", callbacks=[watching])
    expected = [RATE * min(1, (k + 1) / 9) for k in range(EPOCHS * MINIBATCHES)]
    assert watching.rates == pytest.approx(expected, rel=1e-14)
    assert run.history["learning_rate"] == pytest.approx(expected[5::6], rel=1e-14)
    assert list(run.history)[-2:] == ["learning_rate", "seconds"]
    lines = RunFolder(tmp_path / "run").metrics.read_text().splitlines()
    assert [json.loads(line)["learning_rate"] for line in lines] == run.history["learning_rate"]
    assert chainrule.load(tmp_path / "run").history["learning_rate"] == watching.rates[5::6]


def test_constant_rates_have_no_column():
    assert "learning_rate" not in chainrule.train(CONFIG, save=False).history


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_the_rates_do_not_depend_on_the_chunks(engine):
    config = changed(schedule=CYCLE, engine=engine)
    whole = chainrule.train(config, save=False)
    single = chainrule.train(config, save=False, callbacks=[Watch()])
    assert whole.network.theta.tobytes() == single.network.theta.tobytes()
    assert whole.history.minibatch_losses.tobytes() == single.history.minibatch_losses.tobytes()


def test_plateau_lowers_the_rate_where_the_column_stands_still():
    run = chainrule.train(changed(schedule=PLATEAU, epochs=8), save=False)
    best, rate, expected = np.inf, RATE, []
    for loss in run.history["validation_loss"]:
        expected.append(rate)
        if loss < best - 0.2:
            best = loss
        else:
            rate *= 0.5
    assert run.history["learning_rate"] == expected
    assert expected[-1] < RATE


@pytest.mark.parametrize(
    ("schedule", "data", "message"),
    [
        (
            {"type": "plateau", "monitor": "validation_accuracy"},
            {"split": [100, 0, 0]},
            r"the schedule plateau monitors validation_accuracy, but there are no validation data",
        ),
        ({"type": "plateau", "monitor": "train_r2"}, {}, "there is no such column here"),
        ({"type": "one_cycle", "three_phase": True, "pct_start": 0.7}, {}, "at most 0.5"),
    ],
)
def test_a_schedule_that_cannot_be_followed_is_refused_at_its_line(
    tmp_path, schedule, data, message
):
    lines = "\n".join(f"    {key}: {json.dumps(value)}" for key, value in schedule.items())
    text = load_config({**CONFIG, "data": {**CONFIG["data"], **data}}).to_yaml()
    text = text.replace("schedule: constant", f"schedule:\n{lines}")
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        chainrule.train(file, save=False)
    line = caught.value.problems[0].line
    assert line is not None
    at = text.splitlines().index(next(x for x in text.splitlines() if "schedule:" in x))
    assert at < line <= at + 1 + len(schedule)


def test_a_configuration_without_a_warm_up_is_what_it_was():
    """So that runs of earlier versions go on."""
    for schedule in ("constant", {"type": "cosine", "final": 0.5}):
        assert load_config(changed(schedule=schedule)).training["schedule"] == schedule
    warm = {"type": "constant", "warm_up": 2}
    assert load_config(changed(schedule=warm)).training["schedule"] == warm
    plain = {"type": "constant", "warm_up": 0}
    assert load_config(changed(schedule=plain)).training["schedule"] == "constant"


def test_more_epochs_after_a_cycle_are_refused(tmp_path):
    chainrule.train(changed(schedule=CYCLE), run=tmp_path / "run")
    more = changed(schedule=CYCLE, epochs=EPOCHS + 1)
    with pytest.raises(ConfigError, match=f"follows from that number; write {EPOCHS}"):
        chainrule.train(more, run=tmp_path / "run", resume=True)


def test_more_epochs_may_follow_a_plateau(tmp_path):
    chainrule.train(changed(schedule=PLATEAU), run=tmp_path / "run")
    more = changed(schedule=PLATEAU, epochs=EPOCHS + 2)
    chainrule.train(more, run=tmp_path / "run", resume=True)
    chainrule.train(more, run=tmp_path / "whole")
    assert bits(tmp_path / "run") == bits(tmp_path / "whole")

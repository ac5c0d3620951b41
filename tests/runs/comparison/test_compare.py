"""The same training by our engine and by other libraries, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ChainruleError, ConfigError, DataError, DivergenceError
from chainrule.core.registry import LibraryTable
from chainrule.peers import PEERS
from chainrule.runs.comparison.pool import TrainingProcess
from yardstick import HANGS

pytestmark = pytest.mark.exhaustive

EXAMPLES = Path(__file__).parents[3] / "examples"
MOONS = {
    "network": {"layers": [{"size": 5, "activation": "tanh"}, {"size": 1}]},
    "data": {"generator": "xor", "count": 50},
    "training": {"epochs": 3, "batch_size": 8, "seed": 1, "engine": "numpy"},
}


def needs(*names):
    for name in names:
        pytest.importorskip(name, reason=f"{name} is not installed: the extra peers")


def changed(**network):
    return {**MOONS, "network": {**MOONS["network"], **network}}


@pytest.mark.parametrize("name", ["iris", "spirals"])
def test_an_epoch_of_an_example_is_the_same_in_every_library(name, folder):
    needs("sklearn")
    found = chainrule.compare(EXAMPLES / f"{name}.yaml", epochs=1, save=False)
    assert [peer.name for peer in found.peers] == [n for n in PEERS if PEERS.is_installed(n)]
    for peer in found.peers:
        assert found.loss_difference(peer) < 1e-12
        assert found.theta_difference(peer) < 1e-12
        assert peer.memory is None or peer.memory > peer.memory_before > 0


def test_cases_of_unequal_weight_are_trained_on_by_the_libraries_that_take_them(folder):
    needs("sklearn", "torch")
    rng = np.random.default_rng(4)
    weights = rng.uniform(0.5, 2, 40)
    weights[:4] = 0
    np.savez("cases.npz", x=rng.normal(size=(40, 2)), t=rng.integers(0, 3, 40), weights=weights)
    layers = [{"size": 4, "activation": "tanh"}, {"size": 3}, "softmax"]
    config = {"network": {"layers": layers}, "data": {"file": "cases.npz", "split": [1, 0, 0]}}
    found = chainrule.compare(config, ["torch", "sklearn"], epochs=2, save=False)
    assert found.cases == 36
    assert "takes no weights of cases" in found.left_out["sklearn"]
    (peer,) = found.peers
    assert found.loss_difference(peer) < 1e-12
    assert found.theta_difference(peer) < 1e-12


def test_ours_is_the_training_of_every_run(folder):
    needs("sklearn")
    found = chainrule.compare(
        EXAMPLES / "spirals.yaml", ["sklearn"], epochs=3, overrides=["training.batch_size=100"]
    )
    run = chainrule.train(
        EXAMPLES / "spirals.yaml",
        overrides=["training.epochs=3", "training.batch_size=100"],
        save=False,
    )
    assert found.ours.version == f"engine {run.engine}"
    assert found.ours.epoch_losses.tolist() == run.history["train_loss"]
    assert np.array_equal(found.ours.theta, run.network.theta)
    assert (found.epochs, found.minibatches, found.cases) == (3, 7, 630)
    (peer,) = found.peers
    assert found.ratio(peer) == peer.step_seconds / found.ours.step_seconds > 0


def test_the_files(folder, real_pictures):
    needs("sklearn")
    found = chainrule.compare(MOONS, ["sklearn"])
    assert found.folder == Path("comparisons/run-1")
    assert sorted(p.name for p in found.folder.iterdir()) == [
        "compare.json",
        "comparison.png",
        "comparison.svg",
    ]
    written = json.loads((found.folder / "compare.json").read_text())
    assert written["config"]["training"]["epochs"] == 3
    ours, peer = written["results"]
    assert ours["epoch_losses"] == found.ours.epoch_losses.tolist()
    assert (ours["name"], ours["ratio"]) == ("chainrule", None)
    assert peer["version"] == PEERS.version("sklearn")
    assert peer["loss_difference"] == found.loss_difference(found.peers[0]) < 1e-12
    assert len(peer["epoch_seconds"]) == 3


def test_a_schedule_of_rates_is_followed(folder):
    needs("sklearn")
    config = {
        **MOONS,
        "training": {
            **MOONS["training"],
            "optimizer": "momentum",
            "schedule": {"type": "step", "every": 1, "by": 0.3},
        },
    }
    found = chainrule.compare(config, ["sklearn"], save=False)
    assert found.theta_difference(found.peers[0]) < 1e-12


def test_trainings_take_turns(folder):
    needs("sklearn")
    turns = []
    chainrule.compare(
        MOONS, "sklearn", epochs=4, save=False, watch=lambda *turn: turns.append(turn)
    )
    assert turns == [
        (name, share) for share in (0.25, 0.5, 1.0) for name in ("chainrule", "sklearn")
    ]


def test_who_cannot_train_it_is_left_out_with_the_reason(folder, monkeypatch):
    needs("sklearn", "torch")
    lines = []
    installed = LibraryTable.is_installed
    monkeypatch.setattr(LibraryTable, "is_installed", lambda s, n: n != "jax" and installed(s, n))
    config = changed(loss="huber")
    found = chainrule.compare(config, list(PEERS), save=False, report=lines.append)
    assert [peer.name for peer in found.peers] == ["torch"]
    assert found.left_out["sklearn"] == "it has no loss huber"
    assert "pip install 'chainrule[jax]'" in found.left_out["jax"]
    assert lines[0] == "chainrule: engine numpy"
    assert "sklearn is left out: it has no loss huber" in lines


def test_nobody_is_left(folder, monkeypatch):
    needs("sklearn")
    expected = "(?s)sklearn: it has no loss huber.*there is no peer left to compare with"
    with pytest.raises(ChainruleError, match=expected):
        chainrule.compare(changed(loss="huber"), ["sklearn"])
    monkeypatch.setattr(LibraryTable, "is_installed", lambda self, name: False)
    with pytest.raises(ConfigError, match=r"pip install 'chainrule\[torch\]'"):
        chainrule.compare(MOONS)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"with_": ["pytorch"]}, "unknown peer 'pytorch'; did you mean 'torch'"),
        ({"with_": ["scikit-learn", "jaxx"]}, "(?s)did you mean 'sklearn'.*did you mean 'jax'"),
        ({"with_": []}, "name at least one peer to compare with: torch, jax, sklearn"),
        ({"with_": ["sklearn"], "epochs": 0}, "at least 1 epoch"),
        ({"with_": ["sklearn"], "threads": 0}, "threads is a whole number of at least 1, found 0"),
        ({"with_": ["sklearn"], "engine": "numpi"}, "did you mean 'numpy'"),
        ({"with_": ["sklearn"], "overrides": ["training.epoch=2"]}, "did you mean 'epochs'"),
    ],
)
def test_mistakes(options, message, folder):
    with pytest.raises(ConfigError, match=message):
        chainrule.compare(MOONS, **options)
    assert list(folder.iterdir()) == []


def test_mistakes_in_the_data_are_told_where_they_stand(folder):
    Path("c.yaml").write_text("network: {layers: [{size: 1}]}\ndata: {file: no.csv}\n")
    with pytest.raises(DataError, match=r"^c\.yaml:2:14: .*no such file"):
        chainrule.compare("c.yaml", ["sklearn"])


def test_an_engine_that_cannot_run_the_network_is_told_at_its_key(folder):
    """Be it that its library is not installed, or that it multiplies no explicit Jacobians."""
    needs("sklearn")
    Path("c.yaml").write_text(
        "network: {explicit_jacobians: true, loss: mse, layers: [{size: 1}]}\n"
        "data: {generator: xor}\ntraining: {engine: torch}\n"
    )
    with pytest.raises(ChainruleError, match=r"^c\.yaml:3:20: the .*torch"):
        chainrule.compare("c.yaml", ["sklearn"])


def test_a_training_that_comes_to_grief(folder):
    needs("sklearn")
    with pytest.raises(DivergenceError, match="the loss is no longer a finite number in epoch"):
        chainrule.compare(changed(learning_rate=1e200), ["sklearn"])
    assert list(folder.iterdir()) == []


def test_the_folder_is_looked_at_first(folder):
    Path("full").mkdir()
    Path("full/notes.txt").write_text("mine")
    with pytest.raises(ChainruleError, match="this folder is not empty; a comparison needs"):
        chainrule.compare(MOONS, ["sklearn"], folder="full")
    assert os.listdir("full") == ["notes.txt"]


def test_a_process_that_is_killed_leaves_its_peer_out(folder, monkeypatch):
    needs("sklearn", "torch")
    train_until = TrainingProcess.train_until

    def deadly(self, epoch):
        if self.name == "sklearn":
            os.kill(self.pid, signal.SIGKILL)
        return train_until(self, epoch)

    monkeypatch.setattr(TrainingProcess, "train_until", deadly)
    found = chainrule.compare(MOONS, ["sklearn", "torch"], save=False)
    assert found.left_out == {"sklearn": "its process was killed by signal 9"}
    assert [peer.name for peer in found.peers] == ["torch"]


def test_a_configuration_that_is_edited_meanwhile(folder):
    needs("sklearn", "torch")
    text = "network: {layers: [{size: 3}, {size: 1}]}\ndata: {generator: xor, count: 20}\n"
    Path("c.yaml").write_text(text)

    def edit(line):
        Path("c.yaml").write_text(text.replace("20", "30") if "torch" in line else text)

    found = chainrule.compare("c.yaml", ["torch", "sklearn"], epochs=2, save=False, report=edit)
    assert found.left_out == {
        "sklearn": "the configuration or its data have changed in the meantime"
    }


def test_ctrl_c_leaves_nothing_behind(folder):
    needs("sklearn")
    program = "from chainrule.cli.main import main; main()"
    Path("c.yaml").write_text(
        "network: {layers: [{size: 300}, {size: 300}, {size: 1}]}\n"
        "data: {generator: xor, count: 5000}\ntraining: {epochs: 100000, batch_size: 50}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "compare", "c.yaml", "--with", "sklearn"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while not Path("comparisons/c-1").exists():
        time.sleep(0.05)
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=HANGS)  # ends when the trainings have ended
    assert (process.returncode, err) == (130, "chainrule: interrupted\n")
    assert os.listdir() == ["c.yaml"]

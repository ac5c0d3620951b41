"""``chainrule inspect CONFIG --train``, ended by Ctrl-C, and what cannot be asked for."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import chainrule

CONFIG = """\
network: {layers: [{size: 3, activation: tanh}, {size: 3}, softmax]}
data: {generator: blobs, classes: 3, count: 30}
training: {epochs: 1000000, batch_size: 6, seed: 1, engine: numpy}
"""


@pytest.fixture
def config(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(CONFIG)
    return "small.yaml"


def events(address: str, count: int) -> list[bytes]:
    """The first events that a page would be told."""
    base, token = address.split("/#token=")
    asked = urllib.request.Request(f"{base}/live", headers={"X-Chainrule-Token": token})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        lines = (line for line in answer if line.startswith(b"data: "))
        return [next(lines) for _ in range(count)]


@pytest.mark.exhaustive
def test_ctrl_c_ends_the_page_and_the_training_whose_run_is_saved(config):
    command = [sys.executable, "-m", "chainrule", "inspect", config, "--train", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        address = re.search(r"http://\S+", p.stdout.readline())[0]
        found = events(address, 6)
        assert len(set(found)) == 6
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=60)
    assert (p.returncode, err) == (0, "")
    run = chainrule.load("runs/small-1")
    assert run.interrupted
    assert 0 < len(run.history.rows) < 1_000_000
    before = Path("runs/small-1/metrics.jsonl").stat().st_size
    time.sleep(0.5)
    assert Path("runs/small-1/metrics.jsonl").stat().st_size == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["small.yaml", "--train", "--save", "a.html"], "leave out"),
        (["small.yaml", "--train", "--film"], "leave out"),
        (["empty", "--train"], "config.yaml"),
    ],
)
def test_what_goes_together(command, config, arguments, message):
    Path("empty").mkdir()
    outcome = command("inspect", *arguments)
    assert outcome.status == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("runs").exists()
    assert not Path("a.html").exists()


@pytest.mark.exhaustive
def test_a_folder_into_which_nobody_trains_is_refused(command, config):
    chainrule.train(config, run="r", overrides=["training.epochs=1"])
    outcome = command("inspect", "r", "--train", "--no-browser")
    assert outcome.status == 2
    assert "no process trains into 'r' now" in outcome.err

"""``chainrule compare CONFIG --with PEERS``."""

from __future__ import annotations

import re
import sys

import pytest

pytestmark = pytest.mark.exhaustive

CONFIG = """\
network: {layers: [{size: 5, activation: tanh}, {size: 1}]}
data: {generator: xor, count: 50}
training: {epochs: 3, batch_size: 8, seed: 1}
"""


@pytest.fixture
def config(folder):
    (folder / "xor.yaml").write_text(CONFIG)
    return "xor.yaml"


@pytest.fixture
def sklearn():
    return pytest.importorskip("sklearn", reason="scikit-learn is not installed")


def test_the_table_and_the_files(command, config, folder, sklearn):
    done = command("compare", config, "--with", "sklearn", "--set", "training.batch_size=7")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:2] == ["chainrule: engine numpy", f"sklearn: {sklearn.__version__}"]
    assert "3 epochs of 5 steps, 35 cases, 21 parameters, 1 thread" in lines
    heading = next(line for line in lines if "ratio" in line)
    assert "first epoch" in heading
    ours, theirs = (
        next(line.split() for line in lines[2:] if line.strip().startswith(name))
        for name in ("chainrule", "sklearn")
    )
    assert ours[3] == "1"
    assert float(theirs[3]) > 0
    assert (folder / "comparisons" / "xor-1" / "compare.json").is_file()
    assert "comparisons/xor-1/comparison.png" in done.out


def test_one_epoch_tells_no_time_of_a_step(command, config, folder, sklearn):
    done = command("compare", config, "--with", "sklearn", "--epochs", 1, "--save", "here")
    assert done.status == 0
    assert "1 epoch of 5 steps" in done.out
    assert "more --epochs show it" in done.out
    assert (folder / "here" / "comparison.svg").is_file()


def test_a_terminal_sees_how_far_everybody_is(command, config, sklearn, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    done = command("compare", config, "--with", "sklearn", "--epochs", 4)
    assert done.status == 0
    for name in ("chainrule", "sklearn"):
        assert re.search(rf"{name}.* 25%", done.out)
        assert re.search(rf"{name}.*100%", done.out)


def test_quiet_is_silent(command, config, sklearn):
    done = command("compare", config, "--with", "sklearn", "--quiet", "--epochs", 2)
    assert (done.status, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--with", "pytorch"], "chainrule: unknown peer 'pytorch'; did you mean 'torch'?"),
        (["--with", ","], "name at least one peer"),
        (["--engine", "fast"], "fast"),
        (["--threads", "0"], "'--threads'"),
        (["--set", "training.batchsize=2"], "did you mean 'batch_size'"),
        (["--with", "sklearn", "--save", "xor.yaml"], "xor.yaml"),
    ],
)
def test_mistakes(arguments, message, command, config):
    done = command("compare", config, *arguments)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_network_that_nobody_else_can_train(command, config, sklearn):
    arguments = ("--with", "sklearn", "--set", "network.loss=huber")
    done = command("compare", config, *arguments)
    assert done.status == 2
    assert "sklearn is left out: it has no loss huber" in done.out
    assert "there is no peer left to compare with" in done.err

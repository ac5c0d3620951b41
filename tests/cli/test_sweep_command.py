"""``chainrule sweep CONFIG --vary ...``."""

from __future__ import annotations

import pytest

CONFIG = """
network:
  layers: [{size: 5, activation: tanh}, {size: 2}, softmax]
data: {generator: moons, count: 60}
training: {epochs: 3, batch_size: 10, seed: 1}
"""


@pytest.fixture
def config(folder):
    (folder / "moons.yaml").write_text(CONFIG)
    return "moons.yaml"


@pytest.mark.exhaustive
def test_a_grid_with_its_table_and_files(command, config, folder, real_pictures):
    done = command(
        "sweep", config, "--vary", "training.seed=1,2", "network.learning_rate=0.01,0.1"
    )
    assert done.status == 0
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0].startswith("1/4  validation accuracy ")
    assert "trial   training.seed   network.learning_rate   validation accuracy   seconds" in (
        " ".join(done.out.split("\n")).replace("  trial", "trial")
    )
    assert "the best is trial" in done.out
    assert "test accuracy" in done.out
    assert (folder / "sweeps" / "moons-1" / "sweep.png").stat().st_size > 3000
    assert "chainrule train sweeps/moons-1/best.yaml" in done.out
    assert command("train", "sweeps/moons-1/best.yaml", "--quiet").status == 0


@pytest.mark.exhaustive
def test_going_on(command, config, folder):
    arguments = ("sweep", config, "--vary", "network.learning_rate=log:0.01..1", "--run", "s")
    assert command(*arguments, "--trials", 2, "--jobs", 1).status == 0
    more = command(*arguments, "--trials", 3, "--jobs", 1)
    assert more.out.startswith("3/3  ")
    quiet = command(*arguments, "--trials", 4, "--quiet")
    assert (quiet.status, quiet.out) == (0, "")


@pytest.mark.exhaustive
def test_failures_are_counted(command, config):
    relu = ("--set", "network.layers.0.activation=relu", "--jobs", 1)
    done = command("sweep", config, "--vary", "network.learning_rate=0.1,1e300", *relu)
    assert done.status == 0
    assert "failed: training stopped" in done.out
    assert "1 of 2 trials failed" in done.out
    none = command("sweep", config, "--vary", "network.learning_rate=1e300", *relu)
    assert none.status == 2
    assert "no trial has a score" in none.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vary", "network.lerning_rate=1,2"], "did you mean 'learning_rate'"),
        (["--vary", "network.learning_rate=log:1..2"], "say how many draws: --trials 20"),
        (["--vary", "training.seed=1,2", "--by", "loss"], "validation_loss"),
        (["--vary", "training.seed"], "expected path=values"),
        (["--vary", "training.seed=1,2", "--run", "moons.yaml"], "moons.yaml"),
    ],
)
def test_mistakes(arguments, message, command, config):
    done = command("sweep", config, *arguments)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err

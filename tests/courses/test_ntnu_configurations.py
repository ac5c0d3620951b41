"""NTNU IT3030, project 1: its three configurations, its README's commands, its demonstration."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule
from chainrule.config.load import load_config

pytestmark = pytest.mark.exhaustive

FOLDER = Path(__file__).parents[2] / "courses" / "ntnu_it3030_p1"
NAMES = ("two_hidden", "no_hidden", "five_hidden")
README = (FOLDER / "README.md").read_text(encoding="utf-8")
COMMANDS = [c for c in re.findall(r"`(chainrule [^`]+)`", README) if not c.endswith("FILE")]
SMALL = ("--set", "training.epochs=1", "data.count=60")


def hidden_layers(config):
    return sum(layer["type"] == "dense" for layer in config.network["layers"]) - 1


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_say_the_same(name):
    compact, written = (load_config(FOLDER / f"{name}.{form}") for form in ("txt", "yaml"))
    assert compact.network == written.network
    assert compact.data == written.data
    assert compact.training == written.training


def test_the_networks_are_those_that_the_project_asks_for():
    two, none, five = (load_config(FOLDER / f"{name}.txt") for name in NAMES)
    assert [hidden_layers(config) for config in (two, none, five)] == [2, 0, 5]
    assert two.data == none.data
    assert two.data["count"] * two.data["split"][0] >= 500
    assert five.data["count"] * five.data["split"][0] >= 100
    assert five.training["epochs"] >= 10


@pytest.mark.parametrize(
    ("name", "validation"), [("two_hidden", 85), ("no_hidden", 74), ("five_hidden", 90)]
)
def test_what_the_readme_says_is_reached(name, validation):
    run = chainrule.train(FOLDER / f"{name}.txt", save=False)
    score = 100 * run.history["validation_accuracy"][-1]
    assert score >= validation
    row = next(line for line in README.splitlines() if line.startswith(f"| `{name}`"))
    said = [int(number) for number in re.findall(r"(\d+) %", row)]
    # Another processor adds in another order, so a case or two may fall on the other side.
    found = [100 * run.train.accuracy, score, 100 * run.test.accuracy]
    assert said == pytest.approx(found, abs=3)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_runs(command, tmp_path):
    words = shlex.split(command)[1:]
    words = [str(FOLDER / word) if (FOLDER / word).is_file() else word for word in words]
    if words[0] == "train":
        words += SMALL
    elif "show" in words:
        words += ["--save", "picture.png"]
    run(["-m", "chainrule.cli.main", *words], tmp_path)
    assert any(tmp_path.iterdir())


def run(arguments, folder):
    program = [sys.executable, *arguments]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demonstration_leaves_a_picture_of_everything(tmp_path):
    told = run([str(FOLDER / "demonstration.py"), "--out", "shown"], tmp_path)
    shown = tmp_path / "shown"
    for name in NAMES:
        assert (shown / name / "learning_curve.png").stat().st_size > 10_000
    assert len(list(shown.glob("images_*.png"))) == 5
    verbose = (shown / "verbose.txt").read_text(encoding="utf-8")
    assert "J_a dense_1" in verbose
    assert "∂L/∂W dense_3" in verbose
    difference = re.search(r"relative: (\S+)", told)
    assert float(difference[1]) < 1e-13


def test_the_demonstration_overwrites_nothing(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    program = [sys.executable, str(FOLDER / "demonstration.py"), "--out", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert "Traceback" not in done.stderr

"""Penn State's homework 2: its five scripts, and the numbers it states."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from course_folders import COURSES, on_path

FOLDER = COURSES / "psu_ist597_hw2"
FILES = ("xor.dat", "spiral_train.dat", "iris_train.dat", "iris_test.dat")
PICTURES = {
    "prob1a": [],
    "prob1b": ["prob1b_boundary.png"],
    "prob1c": ["prob1c_curves.png"],
    "prob2a": ["prob2a_difference.png", "prob2a_penalties.png"],
    "prob2b": ["prob2b_overfitting.png"],
}


@pytest.fixture(scope="module")
def ran(real, tmp_path_factory):
    """Every script, run as a program from another folder: its output, and its pictures."""
    if not (real / "psu" / "xor.dat").is_file():
        pytest.skip(f"{real} has no files of the homework")
    out = tmp_path_factory.mktemp("psu")
    environment = os.environ | {"CHAINRULE_DATA": str(real)}
    told = {}
    for name in PICTURES:
        words = [sys.executable, str(FOLDER / f"{name}.py")]
        words += ["--out", name] if PICTURES[name] else []
        done = subprocess.run(words, capture_output=True, text=True, cwd=out, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        told[name] = done.stdout
    return told, out


def percents(text):
    return [float(number) for number in re.findall(r"([\d.]+)%", text)]


@pytest.mark.parametrize(("name", "arrays"), [*zip(PICTURES, (2, 2, 2, 4, 6), strict=True)])
def test_every_gradient_is_correct(ran, name, arrays):
    assert ran[0][name].count("CORRECT") == arrays
    assert "INCORRECT" not in ran[0][name]


@pytest.mark.parametrize("name", [name for name in PICTURES if PICTURES[name]])
def test_the_pictures_are_there(ran, name):
    folder = ran[1] / name
    assert sorted(path.name for path in folder.iterdir()) == PICTURES[name]
    assert all(path.stat().st_size > 20_000 for path in folder.iterdir())


def test_xor_without_a_hidden_layer_and_with_one(ran):
    assert percents(ran[0]["prob1a"].splitlines()[-1])[0] in (50, 75)
    assert "cost 0.693147" in ran[0]["prob1a"]
    line = next(line for line in ran[0]["prob2a"].splitlines() if line.startswith("after"))
    assert percents(line) == [100]


def test_the_spiral_without_a_hidden_layer_and_with_one(ran):
    (linear,) = percents(ran[0]["prob1b"])
    assert 40 < linear < 60
    accuracies = percents(ran[0]["prob2a"].partition("The spiral")[2])
    assert max(accuracies) > 99
    # The larger the penalty, the simpler the boundary.
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[-1] < 60


def test_iris_without_a_hidden_layer(ran):
    assert min(percents(ran[0]["prob1c"])) > 92


def test_iris_over_fits_and_both_remedies_help(ran):
    rows = re.findall(r"  (\D.*?)  +([\d.]+) +([\d.]+)  [\d.]+%", ran[0]["prob2b"])
    (none, *none_costs), (_, *penalty_costs), (_, *stopping_costs) = rows
    assert none == "no remedy"
    training, validation = map(float, none_costs)
    assert validation > 20 * training
    for costs in (penalty_costs, stopping_costs):
        assert float(costs[0]) > 5 * training
        assert float(costs[1]) < 0.75 * validation
    assert 1 < int(re.search(r"back to epoch (\d+)", ran[0]["prob2b"])[1]) < 200


def test_the_readme_says_what_the_scripts_print(ran):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\|.*\|$", readme, re.M)[2:]:
        script = re.search(r"`(prob\w+)", row)[1]
        printed = percents(ran[0][script])
        for number in re.findall(r"([\d.]+) %", row.split("|")[-2]):
            # Another processor adds in another order, so a case may fall on the other side.
            assert min(abs(float(number) - p) for p in printed) <= 2.5, row


def test_early_stopping_keeps_the_best_parameters(real):
    if not (real / "psu" / "iris_train.dat").is_file():
        pytest.skip(f"{real} has no files of the homework")
    with on_path("psu_ist597_hw2"):
        experiments = import_module("experiments")
        stopping = experiments.EarlyStopping(patience=3)
        run = experiments.train(
            "iris_train.dat",
            [20],
            reg=0.0,
            epochs=60,
            rate=0.5,
            batch_size=10,
            validation="iris_test.dat",
            callbacks=[stopping],
        )
    losses = run.history["validation_loss"]
    assert len(losses) == stopping.best_epoch + 3 < 60
    assert np.argmin(losses) + 1 == stopping.best_epoch
    assert run.validation.loss == pytest.approx(min(losses), abs=1e-12)


def test_curves_at_different_penalties_are_compared_without_the_penalty(real):
    if not (real / "psu" / "iris_train.dat").is_file():
        pytest.skip(f"{real} has no files of the homework")
    with on_path("psu_ist597_hw2"):
        experiments, theta = import_module("experiments"), import_module("theta")
        run = experiments.train(
            "iris_train.dat",
            [5],
            reg=0.5,
            epochs=3,
            rate=0.1,
            validation="iris_test.dat",
            callbacks=[experiments.CrossEntropies()],
        )
        learnt = theta.theta_of(run.network)
        for part, name in (("train", "iris_train.dat"), ("validation", "iris_test.dat")):
            cases = experiments.load(name)
            cost = theta.computeCost(*cases, learnt, 0.0)
            assert run.history[f"{part}_cross_entropy"][-1] == pytest.approx(cost, 1e-12)
            cost = theta.computeCost(*cases, learnt, 0.5)
            assert run.history[f"{part}_loss"][-1] == pytest.approx(cost, 1e-12)


def run_in(folder: Path, environment):
    words = [sys.executable, str(folder / "prob1b.py")]
    return subprocess.run(words, capture_output=True, text=True, env=environment)


def test_data_in_a_folder_beside_the_scripts_or_nowhere(tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
    for path in FOLDER.glob("*.py"):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "CHAINRULE_DATA"}
    done = run_in(folder, environment)
    assert done.returncode == 2
    assert "spiral_train.dat is not there" in done.stderr
    assert "Traceback" not in done.stderr
    (folder / "data").mkdir()
    (folder / "data" / "spiral_train.dat").write_text("0,0,0\n1,0,1\n0,1,2\n1,1,0\n")
    done = run_in(folder, environment)
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / "prob1b_boundary.png").is_file()
    (folder / "data" / "spiral_train.dat").write_text("0,0,left\n1,0,right\n")
    done = run_in(folder, environment)
    assert done.returncode == 2
    assert "class numbers" in done.stderr
    assert "Traceback" not in done.stderr

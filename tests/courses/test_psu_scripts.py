"""Penn State's homework 2: its six scripts, their training loop, what its README states."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from course_folders import COURSES, on_path

from chainrule.core.errors import DivergenceError

with on_path("psu_ist597_hw2"):
    import descent
    import iris
    import theta as course

pytestmark = pytest.mark.exhaustive

FOLDER = COURSES / "psu_ist597_hw2"
PICTURES = {
    "prob1a": ["prob1a_losses.png"],
    "prob1b": ["prob1b_boundary.png"],
    "prob1c": ["prob1c_boundaries.png", "prob1c_losses.png"],
    "prob1d": ["prob1d_boundaries.png", "prob1d_penalties.png"],
    "prob2a": ["prob2a_losses.png", "prob2a_remedies.png"],
    "prob2b": ["prob2b_depths.png", "prob2b_losses.png", "prob2b_remedies.png"],
}
NAMES = ["W", "b", "W2", "b2", "W3", "b3"]
XOR = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
SIDES = np.array([0, 1, 1, 0])


@pytest.fixture(scope="session")
def ran(real, tmp_path_factory):
    """Runs a script, once, as a program from another folder: its output, its pictures' folder."""
    if not (real / "psu" / "xor.dat").is_file():
        pytest.skip(f"{real} has no files of the homework")
    out = tmp_path_factory.mktemp("psu")
    environment = os.environ | {"CHAINRULE_DATA": str(real)}

    @cache
    def run(name):
        words = [sys.executable, str(FOLDER / f"{name}.py"), "--out", name]
        done = subprocess.run(words, capture_output=True, text=True, cwd=out, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout, out / name

    return run


@pytest.fixture
def iris_cases(real, monkeypatch):
    """The training and the validation cases of iris, as they are."""
    if not (real / "psu" / "iris_train.dat").is_file():
        pytest.skip(f"{real} has no files of the homework")
    monkeypatch.setenv("CHAINRULE_DATA", str(real))
    return iris.iris(standardize=False)


def table(text, title):
    """The rows of a printed table as numbers, by their first cell."""
    rows = {}
    for line in text[text.index(f"\n{title}") :].split("\n")[3:]:
        if not line.startswith("  "):
            break
        name, *cells = re.split(r"\s{2,}", line.strip())
        rows[name] = [float(re.match(r"[\d.e+-]+", cell)[0]) for cell in cells]
    return rows


@pytest.mark.parametrize(("name", "arrays"), [*zip(PICTURES, (2, 2, 4, 4, 4, 6), strict=True)])
def test_every_gradient_is_correct(ran, name, arrays):
    verdicts = re.findall(r"^  (\w+) +((?:IN)?CORRECT)  error", ran(name)[0], re.M)
    assert verdicts == [(array, "CORRECT") for array in NAMES[:arrays]]


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_are_there(ran, name):
    folder = ran(name)[1]
    assert sorted(path.name for path in folder.iterdir()) == PICTURES[name]
    assert all(path.stat().st_size > 20_000 for path in folder.iterdir())


def test_xor_without_a_hidden_layer(ran):
    text = ran("prob1a")[0]
    tried = table(text, "Tried")
    assert len(tried) == 6
    for cost, right, _ in tried.values():
        assert cost >= 0.693147
        assert right <= 75
    assert tried["0.1, 0"][0] == pytest.approx(np.log(2), abs=1e-4)
    cases = table(text, "The cases")
    assert [row[0] for row in cases.values()] == SIDES.tolist()
    assert all(abs(p - 0.5) < 0.01 for row in cases.values() for p in row[1:])


def test_xor_with_a_hidden_layer(ran):
    text = ran("prob1c")[0]
    over_epochs = table(text, "The loss over the epochs")
    losses = [loss for loss, _ in over_epochs.values()]
    assert losses == sorted(losses, reverse=True)
    assert over_epochs["500"][0] < 0.01
    assert over_epochs["500"][1] == 100
    tried = table(text, "Tried")
    assert tried["2"][0] < tried["6"][0] <= tried["16"][0] == 10


def test_the_spiral_without_a_hidden_layer(ran):
    tried = table(ran("prob1b")[0], "Tried")
    assert 40 < tried["1, 0.001"][1] < 60
    assert all(40 < right < 66 for _, right in tried.values())


def test_the_spiral_with_a_hidden_layer(ran):
    text = ran("prob1d")[0]
    assert table(text, "Tried")["as chosen"][1] > 99
    accuracies = [right for _, right in table(text, "The same at several penalties").values()]
    # The larger the penalty, the simpler the boundary.
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 99
    assert accuracies[-1] < 60


@pytest.mark.parametrize(("name", "ratio"), [("prob2a", 5), ("prob2b", 20)])
def test_iris_over_fits_and_both_remedies_help(ran, name, ratio):
    rows = table(ran(name)[0], "Over-fitting")
    (epoch, training, validation, *right), penalty, stopping = rows.values()
    assert epoch == 500
    assert right[0] == 100
    assert validation > ratio * training
    for _, remedied_training, remedied_validation, *right in (penalty, stopping):
        assert remedied_training > 2 * training
        assert remedied_validation < 0.8 * validation
        assert min(right) > 90
    assert 1 < stopping[0] < 300
    epochs = table(ran(name)[0], "More and more epochs")
    assert epochs[f"{stopping[0]:.0f}"] == stopping[1:]


def test_two_layers_are_compared_with_one(ran):
    rows = table(ran("prob2b")[0], "One hidden layer and two")
    one, two = rows["one hidden layer (2a)"], rows["two hidden layers"]
    assert one == table(ran("prob2a")[0], "Tried")["as chosen"]
    assert two == table(ran("prob2b")[0], "Tried")["as chosen"]
    assert two[1] < one[1]
    assert two[2] > one[2]


def blocks_of_the_readme():
    """The tables of the README's section on what was found, by the script they come from."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    found = readme[readme.index("## What was found") : readme.index("## What a call takes")]
    for section in found.split("\n### ")[1:]:
        for block in re.findall(r"(?:^    .*\n)+", section, re.M):
            yield pytest.param(f"prob{section[:2]}", block, id=f"{section[:2]}-{block[4:20]}")


@pytest.mark.parametrize(("name", "block"), [*blocks_of_the_readme()])
def test_the_readme_says_what_the_scripts_print(ran, name, block):
    title, columns, *rows = (line[4:] for line in block.splitlines())
    number = re.compile(r"\d[\d.]*(?:e-\d+)?%?")

    def words(line):
        return number.sub("#", line).split()

    printed = ran(name)[0].split("\n")
    start = next(k for k, line in enumerate(printed) if words(line) == words(title))
    for stated, line in zip([columns, *rows], printed[start + 1 :], strict=False):
        assert words(stated) == words(line)
        for a, b in zip(number.findall(stated), number.findall(line), strict=True):
            # Another processor adds in another order, so a case may fall on the other side.
            tolerance = 2.5 if "%" in a else 0.02 + 0.3 * float(a.rstrip("%"))
            assert float(a.rstrip("%")) == pytest.approx(float(b.rstrip("%")), abs=tolerance)


def test_the_readme_names_every_picture():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for pictures in PICTURES.values():
        assert all(f"`{picture}`" in readme for picture in pictures)


# The training loop


def start(sizes, seed=1):
    return descent.first_theta(sizes, seed=seed)


def test_descent_on_all_cases_is_the_homeworks_recipe():
    theta = start([2, 5, 2])
    before = [array.copy() for array in theta]
    found = descent.fit(theta, XOR, SIDES, reg=0.1, step_size=0.5, epochs=3)
    expected = [array.copy() for array in theta]
    for _ in range(3):
        gradient = course.computeGrad(XOR, SIDES, expected, 0.1)
        expected = [a - 0.5 * g for a, g in zip(expected, gradient, strict=True)]
    for a, b in zip(found.theta, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)
    for a, b in zip(theta, before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert found.epoch == 3
    assert found.history["train_loss"][-1] == course.computeCost(XOR, SIDES, found.theta, 0.0)


@pytest.mark.parametrize("size", [1, 3, 4, 11, 12])
def test_minibatches_have_every_case_once_in_a_new_order_each_epoch(size):
    X, y = np.arange(11.0)[:, None], np.arange(11)
    rng = np.random.default_rng(0)
    orders = []
    for _ in range(2):
        batches = [*descent.mini_batches(X, y, size, rng)]
        assert [len(labels) for _, labels in batches] == [
            min(size, 11 - first) for first in range(0, 11, size)
        ]
        for cases, labels in batches:
            np.testing.assert_array_equal(cases[:, 0], labels)
        orders.append(np.concatenate([labels for _, labels in batches]).tolist())
        assert sorted(orders[-1]) == y.tolist()
    assert orders[0] != orders[1]


def test_all_cases_at_once_stay_in_their_order():
    ((X, y),) = descent.mini_batches(XOR, SIDES, None, np.random.default_rng(0))
    assert X is XOR
    assert y is SIDES


@pytest.mark.parametrize(("epochs", "recorded"), [(10, [4, 8, 10]), (8, [4, 8]), (3, [3])])
def test_losses_are_recorded_every_so_often_and_at_the_end(epochs, recorded):
    found = descent.fit(start([2, 2]), XOR, SIDES, reg=0.0, step_size=0.1, epochs=epochs, every=4)
    assert found.history["epoch"] == recorded
    assert found.epoch == epochs
    once = descent.fit(start([2, 2]), XOR, SIDES, reg=0.0, step_size=0.1, epochs=epochs)
    for a, b in zip(found.theta, once.theta, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_epochs_are_the_start():
    theta = start([2, 3, 2])
    found = descent.fit(theta, XOR, SIDES, reg=0.0, step_size=0.1, epochs=0)
    assert found[1:] == (0, {})
    for a, b in zip(found.theta, theta, strict=True):
        np.testing.assert_array_equal(a, b)


def test_early_stopping_goes_back_to_the_best_theta(iris_cases):
    (X, y), validation = iris_cases
    setting = {"reg": 0.0, "step_size": 0.1, "batch_size": 10, "validation": validation}
    theta = start([4, 20, 3])
    found = descent.fit(theta, X, y, epochs=60, patience=3, **setting)
    losses = found.history["validation_loss"]
    assert len(losses) == found.epoch + 3 < 60
    assert np.argmin(losses) + 1 == found.epoch
    assert min(losses) == course.computeCost(*validation, found.theta, 0.0)
    # Up to there it is the same descent as without it.
    again = descent.fit(theta, X, y, epochs=found.epoch, **setting)
    assert again.history["validation_loss"] == losses[: found.epoch]
    for a, b in zip(found.theta, again.theta, strict=True):
        np.testing.assert_array_equal(a, b)


def test_curves_at_different_penalties_are_compared_without_the_penalty(iris_cases):
    (X, y), validation = iris_cases
    found = descent.fit(
        start([4, 5, 3]), X, y, reg=0.5, step_size=0.1, epochs=3, validation=validation
    )
    for part, data in (("train", (X, y)), ("validation", validation)):
        assert found.history[f"{part}_loss"][-1] == course.computeCost(*data, found.theta, 0.0)
        accuracy = descent.accuracy(*data, found.theta)
        assert found.history[f"{part}_accuracy"][-1] == accuracy
        right = course.predict(data[0], found.theta)[1].argmax(axis=1) == data[1]
        assert accuracy == right.mean()


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_a_step_size_that_is_too_large_is_named():
    with pytest.raises(DivergenceError, match=r"after epoch 1; a smaller step size"):
        descent.fit(start([2, 3, 2]), 1e200 * XOR, SIDES, reg=1.0, step_size=1e200, epochs=5)


def test_standardised_iris_has_the_training_cases_mean_and_deviation(iris_cases):
    (raw, y), (raw_valid, y_valid) = iris_cases
    (X, labels), (X_valid, labels_valid) = iris.iris()
    np.testing.assert_allclose(X, (raw - raw.mean(axis=0)) / raw.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(X_valid, (raw_valid - raw.mean(axis=0)) / raw.std(axis=0), 1e-9)
    assert (labels == y).all()
    assert (labels_valid == y_valid).all()


# The data


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

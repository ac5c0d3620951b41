"""ASU EEE 598, lab 3: its data, and its two scripts on the small batch of CIFAR-100."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from course_folders import COURSES, on_path

from chainrule.core.errors import ConfigError, DataError
from chainrule.data.named.cifar import read_cifar

pytestmark = pytest.mark.exhaustive

FOLDER = COURSES / "asu_eee598_lab3"

with on_path("asu_eee598_lab3"):
    import better_cifar
    import learning_rates
    from layers import dataset


@pytest.fixture
def mini(real, monkeypatch):
    """The small batches of the published files are what is found."""
    monkeypatch.setenv("CHAINRULE_DATA", str(real / "cifar_mini"))
    return real / "cifar_mini"


def quick(out):
    return ["--data", "cifar100", "--epochs", "2", "--out", str(out)]


# The data


@pytest.mark.parametrize(
    ("load", "folder"),
    [(dataset.cifar100, "cifar-100-python"), (dataset.cifar10_subset, "cifar-10-batches-py")],
)
def test_four_classes_one_hot_and_scaled(mini, load, folder):
    (x_train, y_train), (x_test, y_test) = load(seed=3)
    published = read_cifar(mini / folder)
    for x, y, images in (
        (x_train, y_train, published.train_images),
        (x_test, y_test, published.test_images),
    ):
        assert x.dtype == y.dtype == np.float64
        assert x.shape == (len(y), 3072)
        assert y.shape == (len(x), 4)
        assert np.array_equal(y.sum(axis=1), np.ones(len(y)))
        assert set(np.unique(y)) == {0.0, 1.0}
        assert (y.sum(axis=0) > 0).all()
        assert x.min() >= -0.5
        assert x.max() <= 0.5
        pixels = {bytes(image.transpose(2, 0, 1)) for image in images}
        back = np.rint((x + 0.5) * 255).astype(np.uint8)
        assert all(row.tobytes() in pixels for row in back)


def test_every_image_of_the_four_classes_has_its_own_label(mini):
    (x_train, y_train), _ = dataset.cifar100(1)
    published = read_cifar(mini / "cifar-100-python")
    images = {
        bytes(image.transpose(2, 0, 1)): label
        for image, label in zip(published.train_images, published.train_labels, strict=True)
    }
    rows = np.rint((x_train + 0.5) * 255).astype(np.uint8)
    labels = [images[row.tobytes()] for row in rows]
    chosen = sorted(set(labels))
    assert len(chosen) == 4
    assert [chosen[k] for k in y_train.argmax(axis=1)] == labels
    assert len(labels) == np.isin(published.train_labels, chosen).sum()


@pytest.mark.parametrize("load", [dataset.cifar100, dataset.cifar10_subset])
def test_images_of_three_classes_as_the_next_lab_wants_them(mini, load):
    rows, images = load(5, classes=3), load(5, classes=3, images=True)
    for (x, y), (as_images, same) in zip(rows, images, strict=True):
        assert as_images.shape == (len(y), 3, 32, 32)
        assert y.shape == (len(x), 3)
        assert np.array_equal(as_images.reshape(x.shape), x)
        assert np.array_equal(same, y)
    with pytest.raises(ConfigError, match="classes is a whole number of at least 1, found 0"):
        load(5, classes=0)
    with pytest.raises(DataError, match="101 are needed"):
        load(5, classes=101)


def test_the_files_may_lie_beside_the_scripts(real, monkeypatch, tmp_path):
    monkeypatch.setattr(dataset, "FOLDER", tmp_path)
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    kept = real / "cifar_mini" / "cifar-100-python"
    (tmp_path / kept.name).symlink_to(kept, target_is_directory=True)
    assert dataset.cifar100()[0][0].shape[1] == 3072


def test_the_seed_draws_the_classes(mini):
    first, again, other = (dataset.cifar100(seed)[0][0] for seed in (7, 7, 1213391684))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_a_subset_of_cifar10(cifar10, monkeypatch):
    monkeypatch.setenv("CHAINRULE_DATA", str(cifar10))
    (x_train, y_train), (x_test, y_test) = dataset.cifar10_subset()
    assert x_train.shape == (20_000, 3072)
    assert y_train.sum(axis=0).tolist() == [5000] * 4
    assert len(x_test) == len(y_test)
    assert y_test.sum(axis=0).min() > 100


def test_files_that_are_not_there_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(dataset, "FOLDER", tmp_path)
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="cifar-100-python is not there"):
        dataset.cifar100()


# The scripts


def test_the_lab_s_rates_and_network(mini):
    assert set(learning_rates.RATES) == {0.1, 0.01, 10}
    assert learning_rates.BATCH == 128
    model = learning_rates.given_network(3072, 4)
    assert [layer.W.shape for layer in model.layers[::2][:2]] == [(500, 3072), (4, 500)]


def test_losses_and_accuracies_are_printed_and_drawn(mini, tmp_path, capsys):
    learning_rates.main([*quick(tmp_path / "results"), "--rates", "0.1", "0.01"])
    assert sorted(p.name for p in (tmp_path / "results").iterdir()) == [
        "test_accuracy.png",
        "training_loss.png",
    ]
    train, (x_test, y_test) = dataset.cifar100(0)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("rate")]
    for rate, line in zip((0.1, 0.01), lines, strict=True):
        model = learning_rates.given_network(3072, 4)
        losses = model.fit(*train, 2, rate, 128)
        accuracy = np.mean(model.predict(x_test) == y_test.argmax(axis=1))
        told = ", ".join(f"{loss:.3f}" for loss in losses)
        assert line == f"rate {rate:g}: {told}; test accuracy {accuracy:.1%}"


def test_a_curve_that_diverges_is_drawn_to_where_it_ended(mini, capsys):
    train, test = dataset.cifar100(0)
    sound, diverged = (learning_rates.train(rate, train, test, 40) for rate in (0.01, 1e6))
    assert "no longer a finite number" in capsys.readouterr().err
    assert diverged.diverged
    assert not sound.diverged
    whole = int(np.isfinite(diverged.losses).sum())
    averages, minibatches = learning_rates.draw_losses([sound, diverged]).axes
    drawn = {line.get_label(): line for line in averages.lines}
    assert len(drawn["rate 0.01"].get_xdata()) == 40
    ended = drawn[f"rate 1e+06: diverged in epoch {whole + 1}"]
    assert np.array_equal(ended.get_ydata(), diverged.losses[:whole])
    curve, cross = minibatches.lines
    assert len(curve.get_xdata()) == len(diverged.minibatches)
    assert cross.get_xdata()[0] == len(diverged.minibatches)
    assert np.isfinite(curve.get_ydata()).all()
    assert len(learning_rates.draw_losses([sound]).axes) == 1


def test_a_loss_that_grows_leaves_the_others_to_be_seen(mini):
    train, test = dataset.cifar100(0)
    sound, grown = (learning_rates.train(rate, train, test, 5) for rate in (0.01, 10))
    assert not grown.diverged
    assert grown.losses[-1] > 1e5
    averages, minibatches = learning_rates.draw_losses([sound, grown]).axes
    assert sound.losses.max() < averages.get_ylim()[1] < 3
    assert "rate 10: leaves this scale" in {line.get_label() for line in averages.lines}
    assert len(minibatches.lines[0].get_xdata()) == len(grown.minibatches)


def test_mirror_images():
    image = np.arange(3072).reshape(3, 32, 32)
    flipped = better_cifar.mirrored(image.reshape(1, -1)).reshape(3, 32, 32)
    for column in range(32):
        assert np.array_equal(flipped[:, :, column], image[:, :, 31 - column])


def test_the_better_network_is_compared_seed_by_seed(mini, tmp_path, capsys):
    better_cifar.main([*quick(tmp_path), "--seeds", "2"])
    told = capsys.readouterr().out.splitlines()
    rows = [[float(n) for n in re.findall(r"[-\d.]+", line)] for line in told[1:3]]
    train, test = dataset.cifar100(0)
    for seed, row in enumerate(rows):
        given = 100 * better_cifar.given_accuracy(train, test, 2, seed)
        better = 100 * better_cifar.better_accuracy(train, test, 2, seed)
        assert row == pytest.approx([seed, given, better], abs=0.06)
    assert told[3].startswith("mean")
    assert (tmp_path / "better_cifar.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("script", "words", "expected"),
    [
        ("learning_rates.py", ["--rates", "-1"], "a learning rate is finite and at least 0"),
        ("learning_rates.py", ["--epochs", "0"], "at least 1"),
        ("better_cifar.py", ["--seeds", "none"], "at least 1"),
        ("better_cifar.py", ["--classes", "-1"], "at least 0"),
    ],
)
def test_a_failure_is_told_with_status_2(script, words, expected, tmp_path):
    command = [sys.executable, str(FOLDER / script), *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr

"""MNIST and its relatives as tables: a row of pixels for each image."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ConfigError
from chainrule.data.sources import load_data

SIDE = 8
RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
PIXELS = RNG.integers(0, 256, (60, SIDE * SIDE))
PIXELS[:, 0], PIXELS[:, -1] = 0, LABELS % 2 * 50
PIXELS[:, 10] = LABELS * 100


def write(folder, rows, head=None):
    lines = [",".join(map(str, row)) for row in rows]
    (folder / "d.csv").write_text("\n".join([*([head] if head else []), *lines]) + "\n")


ROWS = np.column_stack([LABELS, PIXELS])
PLACES = ",".join(f"{row}x{column}" for row in range(1, 9) for column in range(1, 9))
NUMBERS = ",".join(f"pixel{k}" for k in range(SIDE * SIDE))

FORMS = {
    "label first, no header": (None, "first"),
    "label,1x1,1x2": (f"label,{PLACES}", "label"),
    "label,pixel0 of Kaggle": (f"label,{NUMBERS}", "label"),
}


def load(folder, **settings):
    return load_data({"file": "d.csv", **settings}, folder=folder, seed=1, target="class")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_images(tmp_path, form):
    head, label = FORMS[form]
    write(tmp_path, ROWS, head)
    data = load(tmp_path, label=label, image=[SIDE, SIDE], split=[1, 0, 0])
    assert data.image_shape == (SIDE, SIDE)
    assert data.classes == ("0", "1", "2")
    assert sorted(data.train.x.tolist()) == sorted(PIXELS.tolist())
    assert data.pictures(data.train.x).shape == (60, SIDE, SIDE)
    assert "the images hold values up to 255; networks learn better" in " ".join(data.notes)
    assert load(tmp_path, label=label, image=[SIDE, SIDE], flatten=False).train.x.ndim == 3
    told = load(tmp_path, label=label, image=[SIDE, SIDE], standardize=True).notes
    assert "the images hold" not in " ".join(told)


def test_without_the_label_the_message_names_the_key(tmp_path):
    write(tmp_path, ROWS)
    with pytest.raises(ConfigError, match=r"look like images.*write label: first, or label: last"):
        load(tmp_path)
    write(tmp_path, ROWS, f"label,{NUMBERS}")
    message = r"the label is the last column, 'pixel63', .*is called 'label'; write label: label"
    with pytest.raises(ConfigError, match=message):
        load(tmp_path)
    assert load(tmp_path, label="last").classes[-1] == "50"
    assert "label" not in load(tmp_path, drop=["label"]).feature_names
    write(tmp_path, np.column_stack([PIXELS, LABELS]))
    assert load(tmp_path).classes == ("0", "1", "2")


def test_a_size_that_the_rows_do_not_have(tmp_path):
    write(tmp_path, ROWS, f"label,{NUMBERS}")
    message = "a row has 64 inputs, but an image of 28 x 28 has 784"
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, label="label", image=[28, 28])


@pytest.mark.parametrize(
    "key",
    [
        {"image": [2, 2]},
        {"columns": ["a"]},
        {"missing": "mean"},
        {"label": "first"},
        {"header": True},
    ],
)
def test_what_is_for_tables_is_refused_for_arrays(tmp_path, key):
    np.savez(tmp_path / "d.npz", x=np.zeros((6, 4)), t=[0, 1] * 3)
    (name,) = key
    with pytest.raises(ConfigError, match=f"{name} is for tables; d.npz holds arrays"):
        load_data({"file": "d.npz", **key}, folder=tmp_path, seed=1)


@pytest.mark.filterwarnings("ignore:of the 60 cases:chainrule.core.errors.DataWarning")
def test_they_are_convolved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, ROWS, f"label,{NUMBERS}")
    layers = [{"type": "conv2d", "filters": 2, "size": 3}, "flatten", {"size": 3}, "softmax"]
    config = {
        "network": {"layers": layers},
        "data": {"file": "d.csv", "label": "label", "image": [SIDE, SIDE], "standardize": True},
        "training": {"epochs": 30},
    }
    run = chainrule.train(config)
    assert run.evaluate(PIXELS, LABELS).accuracy > 0.8

"""``chainrule data show`` and ``chainrule data make``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainrule import train
from chainrule.cli import showing
from chainrule.config.load import load_config
from chainrule.runs.resolve import resolve_data

NETWORK = "network: {layers: [{size: 3}, softmax]}\n"
SHAPES = "data: {generator: shapes, size: 12, classes: 3, count: 60}\n"
SOURCES = {
    "images": SHAPES,
    "standardized images": "data: {file: images.npz, standardize: true, flatten: false}\n",
    "points": "data: {generator: blobs, classes: 3, count: 60}\n",
    "many features": "data: {generator: blobs, classes: 3, features: 9, count: 60}\n",
}


@pytest.fixture
def config(folder, monkeypatch):
    """A configuration of images, on a machine without a screen."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    rng = np.random.default_rng(0)
    np.savez("images.npz", x=rng.random((60, 5, 4)), t=np.arange(60) % 3)
    Path("c.yaml").write_text(NETWORK + SHAPES)
    return "c.yaml"


@pytest.mark.exhaustive
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_any_data_have_a_picture(command, config, source, split):
    Path(config).write_text(NETWORK + SOURCES[source])
    outcome = command("data", "show", config, "--split", split, "--save", "p.png")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == "picture written to p.png\n"
    with Image.open("p.png") as image:
        assert min(image.size) > 100


def test_points_are_drawn_in_their_own_units_and_to_one_scale():
    network = {"layers": [{"size": 3}, {"size": 3}, "softmax"]}
    source = {"generator": "blobs", "classes": 3, "count": 60}
    axes = []
    for is_scaled in (False, True):
        config = {"network": network, "data": source | {"standardize": is_scaled}}
        data = resolve_data(load_config(config))
        axes += showing.picture(data, data.train, "", 1).axes
    a, b = axes
    assert np.allclose(a.collections[0].get_offsets(), b.collections[0].get_offsets())
    assert a.get_aspect() == b.get_aspect() == 1
    assert (a.get_xlabel(), a.get_ylabel()) == ("x₁", "x₂")


def test_without_a_screen_the_picture_has_a_name_of_its_own(command, config):
    outcome = command("data", "show", config)
    assert outcome.out == "picture written to c-train.png\n"
    before = Path("c-train.png").read_bytes()
    outcome = command("data", "show", config, "--set", "data.noise=0.2")
    assert outcome.out == "picture written to c-train-2.png\n"
    assert Path("c-train.png").read_bytes() == before


@pytest.fixture
def seen(monkeypatch):
    """The images and labels of each grid that is drawn."""
    grids, draw = [], showing.image_grid

    def spy(images, labels, **options):
        grids.append((images, labels))
        return draw(images, labels, **options)

    monkeypatch.setattr(showing, "image_grid", spy)
    return grids


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([], 10),
        (["--count", "3"], 3),
        pytest.param(["--count", "99"], 42, marks=pytest.mark.exhaustive),
    ],
)
def test_so_many_images_are_shown(command, config, seen, given, shown):
    assert command("data", "show", config, "--save", "p.svg", *given).status == 0
    assert [(len(images), len(labels)) for images, labels in seen] == [(shown, shown)]


def test_images_are_shown_as_they_were_before_they_were_standardized(command, config, seen):
    Path(config).write_text(NETWORK + SOURCES["standardized images"])
    raw = {image.tobytes() for image in np.round(np.load("images.npz")["x"], 9)}
    assert command("data", "show", config, "--save", "p.svg").status == 0
    assert all(image.tobytes() in raw for image in np.round(seen[0][0], 9))


def test_values_may_be_overridden(command, config):
    arguments = ["--set", "data.size=20", "data.split=[0.5,0.5,0]"]
    assert (
        "30 training, 30 validation, 0 test"
        in command("data", "make", config, "a.npz", *arguments).out
    )
    assert np.load("a.npz")["x"].shape == (60, 400)


def test_data_that_were_made_can_be_trained_on(command, config):
    outcome = command("data", "make", config, "ü.npz")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == (
        "42 training, 12 validation, 6 test cases written to ü.npz, in this order; "
        "a run splits them anew\n"
    )
    Path("n.yaml").write_text(NETWORK + "data: {file: ü.npz}\n", encoding="utf-8")
    run = train("n.yaml", save=False)
    assert run.classes == ("circle", "rectangle", "triangle")
    assert run.data.image_shape == (12, 12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "c.yaml", "--split", "tset"], ["did you mean 'test'"]),
        (["show", "c.yaml", "--save", "p.pgn"], ["p.pgn", "png"]),
        (["show", "c.yaml", "--save", "missing/p.png"], ["missing"]),
        (["show", "c.yaml", "--save", "."], ["."]),
        (["show", "c.yaml", "--count", "0"], ["--count"]),
        (["show", "c.yaml", "--set", "data.split=[1,0,0]", "--split", "test"], ["no cases"]),
        (["show", "nothing.yaml"], ["nothing.yaml"]),
        (["make", "c.yaml", "missing/a.npz"], ["missing"]),
        (["make", "c.yaml", "."], ["."]),
        (["make", "c.yaml", "c.yaml"], ["c.yaml: the name", "end in .npz"]),
        (["make", "c.yaml", "a.csv"], ["a.csv: the name", "end in .npz"]),
        (["make", "c.yaml", "a"], ["a: the name", "end in .npz"]),
        (["show", "c.yaml", "--count", "101"], ["--count"]),
        (["make", "c.yaml"], ["Missing argument"]),
    ],
)
def test_what_cannot_be_done_is_explained(command, config, arguments, words):
    before = sorted(os.listdir())
    outcome = command("data", *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    for word in words:
        assert word in outcome.err
    assert sorted(os.listdir()) == before
    assert Path(config).read_text() == NETWORK + SHAPES


def test_a_configuration_is_not_overwritten_by_its_data(command, config):
    Path("c.npz").symlink_to(config)
    outcome = command("data", "make", config, "c.npz")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == "c.npz: this is the file that is read; name another\n"
    assert Path(config).read_text() == NETWORK + SHAPES

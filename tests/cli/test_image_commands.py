"""``chainrule predict`` and ``chainrule evaluate`` with images, for a run trained on images."""

from __future__ import annotations

import csv
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainrule import load, train

pytestmark = pytest.mark.exhaustive

RNG = np.random.default_rng(5)


def picture(kind: str) -> Image.Image:
    """A dark or a bright image in colour, of a size of its own."""
    low = 20 if kind == "dark" else 180
    pixels = RNG.integers(low, low + 60, size=(9, 7, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture(scope="module", params=[{}, {"color": True}, {"standardize": True}], ids=str)
def place(tmp_path_factory, request):
    """Images of two classes, a run trained on them, and other images."""
    place = tmp_path_factory.mktemp("images")
    for kind in ("bright", "dark"):
        for part, count in (("pictures", 12), ("new", 3)):
            (place / part / kind).mkdir(parents=True)
            for k in range(count):
                picture(kind).save(place / part / kind / f"{kind}{k}.png")
    (place / "flat").mkdir()
    for path in (place / "new").rglob("*.png"):
        shutil.copy(path, place / "flat" / path.name)
    settings = {
        "network": {"layers": [{"size": 2}, "softmax"], "learning_rate": 0.5},
        "data": {"folder": str(place / "pictures"), "size": [4, 3], **request.param},
        "training": {"epochs": 60, "batch_size": 4, "seed": 2},
    }
    train(settings, run=place / "run")
    return place


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text)))


@pytest.mark.parametrize("given", ["flat", "new"])
def test_images_of_a_folder_are_predicted_in_the_order_of_their_names(command, place, given):
    outcome = command("predict", place / "run", place / given)
    assert (outcome.status, outcome.err) == (0, "")
    header, *found = rows(outcome.out)
    assert header == ["class", "bright", "dark"]
    assert [row[0] for row in found] == ["bright"] * 3 + ["dark"] * 3


def test_one_image_is_a_case(command, place):
    among = rows(command("predict", place / "run", place / "flat").out)[2]
    alone = rows(command("predict", place / "run", place / "flat/bright1.png").out)
    assert len(alone) == 2
    assert alone[1][0] == among[0]
    assert float(alone[1][1]) == pytest.approx(float(among[1]), rel=1e-6)


def test_an_image_is_read_as_those_of_the_training_data(command, place):
    run = load(place / "run")
    color = run.config.data.get("color", False)
    with Image.open(place / "flat/dark0.png") as image:
        small = image.convert("RGB" if color else "L").resize((3, 4), Image.Resampling.LANCZOS)
    expected = run.outputs(np.asarray(small).reshape(1, -1) / 255)
    found = rows(command("predict", place / "run", place / "flat/dark0.png").out)[1][1:]
    assert [float(v) for v in found] == pytest.approx(expected[0].tolist(), rel=1e-6)


def test_folders_of_classes_are_evaluated(command, place):
    outcome = command("evaluate", place / "run", place / "new")
    assert (outcome.status, outcome.err) == (0, "")
    assert "100.00%" in outcome.out
    assert " 6 " in outcome.out


def test_one_class_alone_may_be_evaluated(command, place):
    shutil.copytree(place / "new/dark", "one/dark")
    assert " 3 " in command("evaluate", place / "run", "one").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "run", "flat"], "flat: the file has no labels"),
        (["evaluate", "run", "flat/dark0.png"], "flat/dark0.png: the file has no labels"),
        (["evaluate", "run", "strange"], "strange/drak/0.png: label 'drak'"),
        (["predict", "run", "flat/drak0.png"], "did you mean 'dark0.png'"),
        (["predict", "run", "empty"], "empty: found no image"),
        (["predict", "run", "damaged.png"], "damaged.png: the file is not an image"),
    ],
)
def test_what_is_no_case_is_explained(command, place, monkeypatch, arguments, message):
    monkeypatch.chdir(place)
    Path("empty").mkdir(exist_ok=True)
    Path("strange/drak").mkdir(parents=True, exist_ok=True)
    shutil.copy("flat/dark0.png", "strange/drak/0.png")
    Path("damaged.png").write_text("text")
    outcome = command(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_images_of_another_size_are_refused_where_none_is_set(command, folder):
    for kind in ("bright", "dark"):
        Path("p", kind).mkdir(parents=True)
        for k in range(4):
            picture(kind).save(f"p/{kind}/{k}.png")
    settings = {"network": {"layers": [{"size": 2}, "softmax"]}, "data": {"folder": "p"}}
    train({**settings, "training": {"epochs": 1}}, run="run")
    assert command("predict", "run", "p/dark/0.png").status == 0
    picture("dark").resize((5, 5)).save("other.png")
    outcome = command("predict", "run", "other.png")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == "other.png: found images of 5 x 5, but the network has 63 inputs\n"


GREY = """\
network:
  layers: [{type: conv2d, filters: 2, size: 3}, flatten, {size: 2}, softmax]
data: {file: grey.npz}
training: {epochs: 1}
"""


@pytest.mark.parametrize("shape", [(40, 1, 6, 5), (40, 6, 5, 1)])
@pytest.mark.parametrize("stated", ["null", "[1, 6, 5]"])
def test_images_of_one_channel_are_grey_images(command, shape, stated):
    x = np.random.default_rng(0).normal(size=shape)
    np.savez("grey.npz", x=x, t=np.arange(40) % 2)
    Path("c.yaml").write_text(GREY)
    outcome = command(
        "train", "c.yaml", "--run", "r", "--quiet", "--set", f"network.input={stated}"
    )
    assert (outcome.status, outcome.err) == (0, "")
    one, other = (np.ascontiguousarray(x.reshape(40, 30)), x.reshape(40, 6, 5))
    tables = []
    for name, array in (("same", x), ("rows", one), ("planes", other)):
        np.savez(f"{name}.npz", x=array)
        tables.append(command("predict", "r", f"{name}.npz").out)
    assert tables[0] == tables[1] == tables[2] != ""

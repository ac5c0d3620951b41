"""Folders of images with folders for training, validation and test data."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainrule import train
from chainrule.core.errors import ChainruleError, ConfigError, DataError
from chainrule.data.sources import load_data

COUNTS = {"train": 6, "val": 3, "test": 2}
VALUES = {"train": 10, "val": 100, "test": 200}


def classes_in(place: Path, count: int, value: int, names=("cat", "dog")) -> None:
    """A folder with a folder of images for each class."""
    for name in names:
        (place / name).mkdir(parents=True, exist_ok=True)
        for k in range(count):
            Image.new("L", (4, 4), value + k).save(place / name / f"{k}.png")


@pytest.fixture
def images(tmp_path):
    """The three parts, each with values of its own."""
    for part, count in COUNTS.items():
        classes_in(tmp_path / "imgs" / part, count, VALUES[part])
    return tmp_path / "imgs"


def read(images, **settings):
    return load_data({"folder": "imgs", **settings}, folder=images.parent, seed=1)


def refusal(images, kind=ChainruleError, **settings):
    with pytest.raises(kind) as caught:
        read(images, **settings)
    return str(caught.value)


def values(part):
    """What the images of a part are filled with, in order."""
    return sorted((part.x[:, 0] * 255).round().astype(int).tolist())


def expected(part):
    return sorted([VALUES[part] + k for k in range(COUNTS[part])] * 2)


@pytest.mark.parametrize(
    "names",
    [("train", "val", "test"), ("training", "valid", "testing"), ("Train", "Validation", "TEST")],
)
def test_folders_of_parts_are_the_parts(images, names):
    for old, new in zip(COUNTS, names, strict=True):
        (images / old).rename(images / f"{new}-")
        (images / f"{new}-").rename(images / new)
    data = read(images)
    assert [values(part) for part in data] == [expected(part) for part in COUNTS]
    assert data.classes == ("cat", "dog")
    assert data.notes == ()


def test_a_part_without_a_folder_is_split_off(images):
    shutil.rmtree(images / "val")
    data = read(images)
    assert values(data.test) == expected("test")
    assert sorted(values(data.train) + values(data.validation)) == expected("train")
    assert len(data.validation) == 2  # a fifth of twelve images
    whole = read(images, split=[1, 0, 0])
    assert (len(whole.train), len(whole.validation), len(whole.test)) == (12, 0, 4)


def test_the_parts_may_be_named_by_keys(images):
    assert [values(part) for part in read(images, test_folder="imgs/test")] == [
        expected(part) for part in COUNTS
    ]
    (images / "test").rename(images.parent / "elsewhere")
    data = read(images, folder="imgs/train", test_folder="elsewhere", validation_folder="imgs/val")
    assert [values(part) for part in data] == [expected(part) for part in COUNTS]


def test_a_folder_within_may_be_named_as_the_test_data(images):
    classes_in(images, 5, 50)
    shutil.rmtree(images / "train")
    data = read(images, test_folder="imgs/test", validation_folder="imgs/val")
    assert data.classes == ("cat", "dog")
    assert values(data.train) == sorted([50 + k for k in range(5)] * 2)
    assert values(data.test) == expected("test")


def test_a_class_that_is_absent_from_a_part_is_told(images):
    shutil.rmtree(images / "test" / "cat")
    (images / "test" / "cat").mkdir()
    classes_in(images / "val", 2, 100, names=("cow",))
    data = read(images)
    assert data.classes == ("cat", "cow", "dog")
    assert data.notes == (
        "train has no image of cow",
        "test has no image of cat, cow",
    )
    assert set(data.test.t.tolist()) == {2}


def test_what_is_left_out_and_what_is_broken_is_counted_over_all_parts(images):
    for part in COUNTS:
        (images / part / "cat" / "about.txt").write_text("a cat")
        (images / part / "cat" / "broken.png").write_text("a cat")
    assert refusal(images).count("not an image") == 3
    notes = read(images, skip_broken=True).notes
    assert "3 files that are no images (3 .txt)" in notes[0]
    assert "3 broken images" in notes[1]


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({"test_folder": "more"}, "test_folder", "the test images are in imgs/test"),
        ({"split": [0.7, 0.2, 0.1]}, "split", "must be 0: imgs/val gives it"),
        ({"split": [0.9, 0, 0.1]}, "split", "the test part of split must be 0: imgs/test"),
    ],
)
def test_a_part_comes_from_one_place(images, settings, key, words):
    classes_in(images.parent / "more", 2, 0)
    with pytest.raises(ConfigError) as caught:
        read(images, **settings)
    (problem,) = caught.value.problems
    assert problem.key == key
    assert words in problem.message


def test_a_part_that_a_key_names_is_not_split_off_as_well(images):
    found = refusal(images, folder="imgs/train", test_folder="imgs/test", split=[0.7, 0.2, 0.1])
    assert "the test part of split must be 0: test_folder gives it" in found


def test_training_images_are_no_test_images(images):
    found = refusal(images, folder="imgs/train", test_folder="imgs/../imgs/train")
    assert "holds the images to train on" in found


def test_a_folder_of_parts_is_not_a_part(images):
    found = refusal(images, ConfigError, folder="imgs/train", test_folder="imgs")
    assert "test_folder: imgs/test" in found


def test_words_may_also_be_classes(images):
    """Among other folders of images ``train`` is one of the vehicles."""
    classes_in(images / "vehicles", 3, 0, names=("train", "plane", "car"))
    assert read(images, folder="imgs/vehicles").classes == ("car", "plane", "train")


def flat(images, part):
    """Only images, without folders of classes."""
    for path in (images / part).glob("*/*.png"):
        path.rename(images / part / f"{path.parent.name}{path.name}")
    for name in ("cat", "dog"):
        (images / part / name).rmdir()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i: flat(i, "test"), ["images in test lie in no folder of a class", "imgs/train"]),
        (lambda i: [flat(i, p) for p in COUNTS], ["lie in no folder of a class", "/CLASS/"]),
        (lambda i: classes_in(i, 2, 0), ["train", "beside cat, dog", "test_folder:"]),
        (lambda i: shutil.rmtree(i / "train"), ["no folder train", "folder: imgs/..."]),
        (lambda i: shutil.copytree(i / "val", i / "valid"), ["val and valid", "rename one"]),
    ],
)
def test_what_could_be_meant_in_two_ways_is_refused(images, change, words):
    change(images)
    found = refusal(images, DataError)
    for word in words:
        assert word in found


def test_other_folders_and_files_beside_the_parts_do_not_matter(images):
    (images / "annotations").mkdir()
    (images / "annotations" / "boxes.json").write_text("{}")
    (images / "README.md").write_text("about")
    (images / "__MACOSX").mkdir()
    assert [len(part) for part in read(images)] == [12, 6, 4]


NET = {"layers": [{"size": 2}, "softmax"]}


def test_a_run_has_the_same_parts_when_it_is_loaded_and_evaluates_either_layout(images, command):
    settings = {"network": NET, "data": {"folder": str(images)}, "training": {"epochs": 30}}
    run = train(settings, run=images.parent / "run")
    again = command("evaluate", images.parent / "run")
    by_part = command("evaluate", images.parent / "run", images)
    by_class = command("evaluate", images.parent / "run", images / "test")
    assert (again.status, by_part.status, by_class.status) == (0, 0, 0)
    assert f"{run.test.loss:.4f}"[:5] in again.out
    assert again.out.splitlines()[4:] != []
    for outcome in (by_part, by_class):
        assert " 4 " in outcome.out
    assert "the images in test are taken, not in train and val" in by_part.err
    validation = command("evaluate", images.parent / "run", images, "--split", "validation")
    assert " 6 " in validation.out
    nothing = command("evaluate", images.parent / "run", images, "--split", "tset")
    assert nothing.status == 2
    assert "of the parts train and val and test" in nothing.err
    which = command("predict", images.parent / "run", images)
    assert which.status == 2
    assert f"name one, such as {images / 'test'}" in which.err


def test_a_run_that_left_out_broken_images_evaluates_but_does_not_predict_without_them(
    images, command
):
    data = {"folder": str(images), "skip_broken": True}
    train({"network": NET, "data": data, "training": {"epochs": 1}}, run=images.parent / "run")
    (images / "test" / "cat" / "broken.png").write_text("text")
    evaluated = command("evaluate", images.parent / "run", images / "test")
    assert evaluated.status == 0
    assert "note: left out of test: 1 broken image, cat/broken.png" in evaluated.err
    predicted = command("predict", images.parent / "run", images / "test")
    assert predicted.status == 2
    assert "broken.png: the file is not an image" in predicted.err


def test_inputs_are_those_of_before(images):
    """Bytes divided by 255 in float64, for a network of float32 as well."""
    for dtype in ("float64", "float32"):
        data = load_data({"folder": "imgs"}, folder=images.parent, seed=1, dtype=dtype)
        assert data.train.x.dtype == np.float64
        assert set(data.train.x.ravel().tolist()) == {(10 + k) / 255 for k in range(6)}

"""From settings to training, validation and test data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError, ConfigError, DataError
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.data.readers.files import read_inputs
from chainrule.data.settings import GENERATORS
from chainrule.data.sources import load_data


@pytest.fixture
def load(tmp_path):
    def load_settings(seed=1, outputs=None, target=None, **settings):
        return load_data(settings, folder=tmp_path, seed=seed, outputs=outputs, target=target)

    return load_settings


def sizes(data):
    return [len(part) for part in data]


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_with_its_defaults(load, name):
    data = load(generator=name)
    count = sum(sizes(data))
    assert sizes(data) == [round(count * f) for f in (0.7, 0.2, 0.1)]
    assert data.source.startswith(name)
    assert (data.classes is None) == (name in ("curve", "echo"))
    assert np.array_equal(data.train.x, load(generator=name).train.x)
    assert not np.array_equal(data.train.x, load(generator=name, seed=2).train.x)


def test_the_settings_own_seed_wins(tmp_path):
    own = load_data({"generator": "xor", "seed": 5}, folder=tmp_path, seed=1)
    runs = load_data({"generator": "xor"}, folder=tmp_path, seed=5)
    assert np.array_equal(own.train.x, runs.train.x)


def test_shapes_are_the_generators(load):
    data = load(generator="shapes", size=12, count=50, classes=3, split=[0.5, 0.5, 0])
    same = ImageGenerator(size=12, count=50, classes=3, split=[0.5, 0.5, 0], seed=1).generate()
    assert np.array_equal(data.train.x, same.train.x)
    assert load(generator="shapes", count=50, flatten=False).train.x.shape[1:] == (16, 16)


def test_standardised_on_training_data_alone(load):
    data = load(generator="blobs", features=4, standardize=True)
    assert data.train.x.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert data.train.x.std(axis=0) == pytest.approx(1)
    assert abs(data.validation.x.mean(axis=0)).max() > 1e-3
    plain = load(generator="blobs", features=4)
    assert plain.scaling is None
    assert np.allclose(data.scaling.apply(plain.test.x), data.test.x)


def test_files_for_validation_and_test(load, tmp_path):
    for name, rows in (("a", "1,2,x\n" * 30), ("b", "1,2,y\n" * 5), ("c", "1,2,z\n" * 4)):
        (tmp_path / name).write_text(rows)
    data = load(file="a", validation_file="b", test_file="c")
    assert sizes(data) == [30, 5, 4]
    assert data.classes == ("x", "y", "z")
    assert set(data.test.t) == {2}
    assert sizes(load(file="a", validation_file="b")) == [27, 5, 3]
    assert sizes(load(file="a", validation_file="b", split=[1, 0, 0])) == [30, 5, 0]
    with pytest.raises(ConfigError, match="the test part of split must be 0"):
        load(file="a", test_file="c", split=[0.7, 0.2, 0.1])
    (tmp_path / "d").write_text("1,2,3,x\n")
    with pytest.raises(DataError, match="found 4 columns, expected the 3 of the training data"):
        load(file="a", validation_file="d")


def test_targets_by_what_is_known(load, tmp_path):
    (tmp_path / "n").write_text("1,2,0\n1,3,1\n1,4,2\n")
    (tmp_path / "v").write_text("1,2,0.5\n1,3,1\n1,4,2\n")
    (tmp_path / "w").write_text("1,2,a\n1,3,b\n1,4,b\n")
    whole = {"split": [1, 0, 0]}
    assert load(file="n", **whole).train.t.dtype.kind == "i"
    assert load(file="n", target="value", **whole).train.t.shape == (3, 1)
    assert load(file="n", target="value", outputs=1, **whole).classes is None
    assert load(file="n", target="value", outputs=3, **whole).classes == ("0", "1", "2")
    assert load(file="v", **whole).train.t.shape == (3, 1)
    assert load(file="w", target="value", outputs=2, **whole).classes == ("a", "b")
    named = {"label": ["last"]}
    with pytest.raises(DataError, match="w:1:5: expected a value as the target, found 'a'"):
        load(file="w", target="value", outputs=1, **named)
    with pytest.raises(DataError, match=r"v:1:5: label 0\.5 is no class number"):
        load(file="v", target="class", **named)
    with pytest.raises(DataError, match="n:3:5: label '2' is outside the 2 classes 0, 1"):
        load(file="n", target="class", outputs=2, **named)


def test_the_settings_target_wins(tmp_path):
    (tmp_path / "n").write_text("1,2,0\n1,3,1\n")
    settings = {"file": "n", "target": "class", "split": [1, 0, 0]}
    data = load_data(settings, folder=tmp_path, seed=1, outputs=1, target="value")
    assert data.classes == ("0", "1")


def test_classes_of_a_generator_as_values(load):
    for name in ("xor", "shapes"):
        data = load(generator=name, target="value", outputs=1)
        assert data.train.t.shape == (len(data.train), 1)
        assert data.train.t.dtype == np.float64
        assert data.classes is None
        assert load(generator=name, target="value", outputs=4).classes is not None
    with pytest.raises(ConfigError, match="curve gives values, not classes"):
        load(generator="curve", target="class")


def test_images_are_flattened_unless_told(load, tmp_path):
    np.savez(tmp_path / "i.npz", x=np.zeros((10, 3, 4, 3)), t=np.arange(10) % 2)
    flat = load(file="i.npz")
    assert flat.train.x.shape == (7, 36)
    assert flat.image_shape == (3, 4, 3)
    assert load(file="i.npz", flatten=False).train.x.shape == (7, 3, 4, 3)


def test_named_sets(load):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    iris = load(name="iris")
    assert sizes(iris) == [105, 30, 15]
    assert np.bincount(iris.test.t).tolist() == [5, 5, 5]
    assert load(name="digits").train.x.shape == (1258, 64)


WRONG = [
    ({}, "one of generator, file, folder, name, text or x; found none"),
    ({"generator": "xor", "file": "a"}, "found both 'generator' and 'file'"),
    ({"generator": "moon"}, "did you mean 'moons'?"),
    ({"generator": ["xor"]}, "generator must be shapes, xor, "),
    ({"generator": "xor", "nois": 1}, "did you mean 'noise'?"),
    ({"file": 5}, "file must be a text (in quotes if it looks like a number), found 5"),
    ({"file": "a.csv", "label": 0}, "label must be a column: its name, or its number from 1"),
    ({"file": "a.csv", "header": "maybe"}, "header must be auto, true or false"),
    ({"file": "a.csv", "classes": ["x"]}, "at least 2 names"),
    ({"file": "a.csv", "standardize": "yes"}, "standardize must be true, false or center"),
    ({"generator": "xor", "target": "number"}, "unknown target 'number'"),
    ({"file": "a.csv", "seed": 1.5}, "seed must be a whole number"),
    ({"folder": "nowhere"}, "no such folder"),
    ({"name": "mnist"}, "unknown data set 'mnist'"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_wrong_settings(load, settings, message):
    with pytest.raises(ChainruleError) as caught:
        load_data(settings, folder=Path("."), seed=0)
    assert message in str(caught.value)


def test_all_wrong_settings_at_once(load):
    with pytest.raises(ConfigError) as caught:
        load(generator="shapes", siz=3, standardize=2, size=9, noise=7)
    assert len(caught.value.problems) == 4


def test_real_files(real):
    settings = {"file": "psu/iris_train.dat", "test_file": "psu/iris_test.dat"}
    names = ["setosa", "versicolor", "virginica"]
    data = load_data({**settings, "classes": names}, folder=real, seed=1, outputs=3)
    assert sizes(data) == [88, 22, 40]
    assert data.classes == tuple(names)
    letters = {
        "file": "cmu_ocr/smallTrain.csv",
        "validation_file": "cmu_ocr/smallValidation.csv",
        "label": "first",
        "split": [1, 0, 0],
    }
    data = load_data(letters, folder=real, seed=1, outputs=10, target="class")
    assert sizes(data) == [500, 100, 0]
    assert np.bincount(data.train.t).min() > 0


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
def test_numbers_of_a_file_are_taken_as_they_are(dtype, load, tmp_path):
    """Bytes that nobody called pixels are not divided by 255, and nothing is rounded."""
    x = np.arange(60).reshape(20, 3) % 2
    for name, kind in (("narrow", dtype), ("wide", "float64")):
        np.savez(tmp_path / f"{name}.npz", x=x.astype(kind), t=np.arange(20) % 2)
    for standardize in (False, True, "center"):
        narrow, wide = (
            load(file=f"{name}.npz", standardize=standardize) for name in ("narrow", "wide")
        )
        assert np.array_equal(narrow.train.x, wide.train.x)
        assert np.array_equal(narrow.test.x, wide.test.x)


def test_float32_of_a_file_is_scaled_as_exactly_as_float64(load, tmp_path):
    x = np.random.default_rng(0).normal(100, 1, (30, 2)).astype(np.float32)
    np.savez(tmp_path / "narrow.npz", x=x, t=np.arange(30) % 2)
    np.savez(tmp_path / "wide.npz", x=x.astype(float), t=np.arange(30) % 2)
    narrow, wide = (load(file=f"{k}.npz", standardize=True) for k in ("narrow", "wide"))
    assert np.array_equal(narrow.train.x, wide.train.x)
    assert np.array_equal(narrow.scaling.mean, wide.scaling.mean)
    inputs = read_inputs(tmp_path / "narrow.npz", features=2).x
    assert inputs.dtype == np.float64

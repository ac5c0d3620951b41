"""The .npz reader and writer."""

from __future__ import annotations

import contextlib
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, ConfigError, DataError
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.data.readers.files import read_inputs
from chainrule.data.readers.npz_file import read_npz, write_npz
from chainrule.data.sources import load_data


@pytest.fixture
def save(tmp_path):
    def save_file(**arrays):
        np.savez(tmp_path / "cases.npz", **arrays)
        return tmp_path / "cases.npz"

    return save_file


def message(path):
    with pytest.raises(DataError) as caught:
        read_npz(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def test_inputs_and_targets(save):
    cases = read_npz(save(x=np.arange(6.0).reshape(3, 2), t=np.array([0, 1, 0])))
    assert cases.x.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert cases.labels.values.tolist() == [0, 1, 0]
    assert cases.image_shape is None


def test_one_feature_images_and_names(save):
    assert read_npz(save(x=np.zeros(3), t=np.zeros(3))).x.shape == (3, 1)
    assert read_npz(save(x=np.zeros((3, 4, 5)), t=np.zeros(3))).image_shape == (4, 5)
    assert read_npz(save(x=np.zeros((3, 4, 5, 3)), t=np.zeros(3))).image_shape == (4, 5, 3)
    cases = read_npz(save(x=np.ones((2, 1), dtype=bool), t=np.array(["b", "a"])))
    assert cases.labels.values == ["b", "a"]
    assert cases.x.dtype == np.uint8
    named = read_npz(save(x=np.zeros((2, 1)), t=[1, 0], classes=["no", "yes"]))
    assert named.labels.names == ("no", "yes")
    assert read_npz(save(x=np.zeros((2, 1)))).labels is None


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((6, 1, 4, 5), (4, 5)),
        ((6, 4, 5, 1), (4, 5)),
        ((6, 1, 4, 3), (1, 4, 3)),
        ((6, 3, 4, 1), (3, 4, 1)),
        ((6, 1, 1, 1), (1, 1)),
    ],
)
def test_one_channel_is_grey(save, shape, found):
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    cases = read_npz(save(x=x))
    assert cases.image_shape == found
    assert np.array_equal(cases.x.reshape(6, -1), x.reshape(6, -1))


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"xs": np.zeros(2), "ts": np.zeros(2)}, "found the arrays xs, ts; expected x and t, or"),
        ({"x": np.zeros((3, 1)), "t": np.zeros(2)}, "x has 3 cases, but t has 2"),
        ({"x": np.array([[0, 1], [np.nan, 1]]), "t": [0, 1]}, "x[1, 0] is nan"),
        ({"x": np.zeros((1, 1)), "t": [np.inf]}, "t[0] is inf"),
        ({"x": np.array([[None]]), "t": [0]}, "x holds Python objects"),
        ({"x": np.zeros((1, 1)), "t": np.array([{}])}, "t holds Python objects"),
        ({"x": np.array([["a"]]), "t": [0]}, "expected real numbers"),
        ({"x": np.array([[1j]]), "t": [0]}, "expected real numbers"),
        ({"x": np.zeros((0, 3)), "t": np.zeros(0)}, "at least one case"),
        ({"x": np.zeros((1, 2, 2, 2)), "t": [0]}, "expected (cases, features)"),
        ({"x": np.zeros((1, 2)), "t": np.zeros((1, 2, 2))}, "t has shape (1, 2, 2)"),
        ({"x": np.zeros((1, 2)), "t": [0], "image_shape": [2, 2]}, "image_shape does not fit"),
        ({"x": np.zeros((1, 2)), "t": [0], "classes": 3}, "classes must hold the names"),
    ],
)
def test_wrong_arrays(save, arrays, expected):
    assert expected in message(save(**arrays))


def test_files_that_are_no_npz(tmp_path, save):
    path = save(x=np.zeros((50, 3)), t=np.zeros(50))
    content = path.read_bytes()
    damaged = tmp_path / "damaged.npz"
    for wrong in (b"", b"hello", content[: len(content) // 2], content[:200] + b"\xff" * 200):
        damaged.write_bytes(wrong)
        assert "is no .npz file, or is damaged" in message(damaged)
    with zipfile.ZipFile(damaged, "w") as file:
        file.writestr("sheet.xml", "<a/>")
    assert "zip file without NumPy arrays" in message(damaged)


def write_claim(path, shape, content):
    """An .npz file whose header claims a shape of bytes."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("x.npy", "w", force_zip64=True) as stream,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(content)


def test_headers_that_claim_too_much(tmp_path):
    path = tmp_path / "claim.npz"
    write_claim(path, (10**6, 10**6), b"few")
    assert "its header asks for 1000000000000 bytes" in message(path)
    write_claim(path, (100, 10**6), bytes(10**8))
    assert "refused as a damaged or hostile file" in message(path)


@given(st.data())
def test_damage_anywhere_ends_in_a_clear_error(tmp_path, save, data):
    content = bytearray(save(x=np.zeros((4, 2)), t=np.arange(4)).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    with contextlib.suppress(ChainruleError):
        read_npz(path)


def test_what_is_written_is_read(tmp_path):
    data = ImageGenerator(size=10, count=60, seed=2).generate()
    path = tmp_path / "shapes.npz"
    path.write_text("older")
    write_npz(path, data)
    cases = read_npz(path)
    assert np.array_equal(cases.x, np.concatenate([part.x for part in data]))
    assert np.array_equal(cases.labels.values, np.concatenate([part.t for part in data]))
    assert cases.labels.names == data.classes
    assert cases.image_shape == (10, 10)
    assert [entry.name for entry in tmp_path.iterdir()] == ["shapes.npz"]


def test_a_failed_write_leaves_nothing(tmp_path):
    part = Dataset(np.zeros((1, 1)), np.zeros((1, 1)))
    data = DataSplit(part, part, part)
    with pytest.raises(ChainruleError, match="cannot write this file"):
        write_npz(tmp_path / "none" / "out.npz", data)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ChainruleError, match="cannot write this file"):
        write_npz(tmp_path / "folder.npz", data)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.npz"]


# The names of others


def images(cases, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (cases, 4, 4)).astype(np.uint8)


@pytest.fixture
def keras(save):
    labels = np.arange(30) % 3
    return save(x_train=images(30), y_train=labels, x_test=images(6, 1), y_test=labels[:6, None])


def load(path, **settings):
    return load_data({"file": path.name, **settings}, folder=path.parent, seed=1)


def test_the_parts_of_keras_are_training_and_test_data(keras):
    data = load(keras)
    assert [len(part) for part in data] == [24, 6, 6]
    assert np.array_equal(data.test.x, images(6, 1).reshape(6, -1) / 255)
    assert data.test.t.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.image_shape == (4, 4)
    assert data.classes == ("0", "1", "2")
    everything = np.concatenate([data.train.x, data.validation.x])
    assert sorted(everything.tolist()) == sorted((images(30).reshape(30, -1) / 255).tolist())


@pytest.mark.parametrize(
    "names",
    [
        ("X_train", "Y_train", "X_val", "Y_val", "X_test", "Y_test"),
        ("x_train", "y_train", "x_valid", "y_valid", "x_test", "y_test"),
        ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
        ("train_x", "train_y", "validation_x", "validation_y", "test_x", "test_y"),
    ],
)
def test_parts_by_other_names(save, names):
    arrays = [np.zeros((12, 2)), np.arange(12) % 2, np.ones((4, 2)), [0, 1, 0, 1]]
    arrays += [np.full((2, 2), 2.0), [0, 1]]
    data = load(save(**dict(zip(names, arrays, strict=True))))
    assert [len(part) for part in data] == [12, 4, 2]
    assert [part.x[0, 0] for part in data] == [0, 1, 2]


@pytest.mark.parametrize("names", [("X", "y"), ("data", "target"), ("images", "labels")])
def test_one_part_by_other_names(save, names):
    data = load(save(**dict(zip(names, (images(20), np.arange(20) % 2), strict=True))))
    assert sum(map(len, data)) == 20
    assert 0 <= data.train.x.min() <= data.train.x.max() == 1


def test_images_of_bytes_called_x_stay_as_they_are_and_this_is_told(save):
    data = load(save(x=images(20), t=np.arange(20) % 2))
    assert data.train.x.max() == 255
    assert "x holds images with values up to 255" in data.notes[0]
    assert load(save(x=images(20) / 255, t=np.arange(20) % 2)).notes == ()
    floats = load(save(X_train=images(20) * 1.0, y_train=np.arange(20) % 2))
    assert "standardize: true makes them so" in floats.notes[0]


def test_truth_values_are_no_grey_values(save):
    data = load(save(x_train=images(20) > 127, y_train=np.arange(20) % 2))
    assert set(np.unique(data.train.x)) == {0, 1}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["x_train", "x_test"], "but not y_train and y_test"),
        (["x_test", "y_test"], "but not x_train and y_train"),
        (["x_train", "y_train", "X_val"], "but not y_val"),
        (["train_images", "test_images"], "but not y_train and y_test"),
    ],
)
def test_everything_that_is_missing_is_named(save, names, expected):
    with pytest.raises(DataError) as caught:
        load(save(**{name: np.zeros(4) for name in names}))
    assert str(caught.value).endswith(expected)


def test_the_split_has_nothing_for_a_part_of_the_file(keras):
    message = "the test part of split must be 0: cases.npz has test data"
    with pytest.raises(ConfigError, match=message):
        load(keras, split=[0.8, 0.1, 0.1])
    assert [len(part) for part in load(keras, split=[0.9, 0.1, 0])] == [27, 3, 6]


def test_parts_of_different_types_are_refused(save):
    path = save(
        x_train=images(9), y_train=[0, 1, 2] * 3, x_test=images(9) / 2, y_test=[0, 1, 2] * 3
    )
    with pytest.raises(DataError, match="its images are float64, those to train on uint8"):
        load(path)


def test_a_trained_network_takes_the_test_data_and_says_so(keras):
    cases = read_inputs(keras, features=16)
    assert cases.notes == ("cases.npz has several parts; its test data are taken",)
    assert np.array_equal(cases.x, images(6, 1).reshape(6, -1) / 255)
    train = read_inputs(keras, features=16, part="train")
    assert len(train) == 30
    assert not train.notes


def test_only_inputs_are_enough_to_predict(save):
    assert read_inputs(save(x_test=images(5)), features=16).labels is None


def test_messages_name_the_arrays_as_they_are_called(save):
    path = save(X_train=np.zeros((3, 2)), y_train=[0, 1])
    with pytest.raises(DataError, match="X_train has 3 cases, but y_train has 2"):
        load(path)


def test_a_workbook_with_another_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as file:
        file.writestr("xl/workbook.xml", "<x/>")
    assert message(tmp_path / "d.npz").endswith("give it a name that ends in .xlsx")

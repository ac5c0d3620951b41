"""The .npz reader and writer."""

from __future__ import annotations

import contextlib
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, DataError
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.data.readers.npz_file import read_npz, write_npz


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
        ({"x_train": np.zeros(2), "y_train": np.zeros(2)}, "found the arrays x_train, y_train"),
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

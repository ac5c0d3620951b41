"""Files of sequences: what is written is read, and what is damaged is refused."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, ConfigError, DataError
from chainrule.data.readers.npz_file import write_npz
from chainrule.data.readers.sequence_file import holds_sequences, read_sequences
from chainrule.data.sources import load_data


def good() -> bytes:
    file = BytesIO()
    x = np.arange(12.0).reshape(3, 4, 1)
    np.savez(file, x=x, t=[[0, 1, 1, 0], [1, -1, 5, 5], [1, 0, 1, 5]], lengths=[4, 2, 3])
    return file.getvalue()


GOOD = good()


def test_what_stands_behind_a_case_is_not_read(tmp_path):
    path = tmp_path / "s.npz"
    path.write_bytes(GOOD)
    found = read_sequences(path)
    assert np.isnan(found.x[1, 2:]).all()
    assert found.x[1, 1] == 5
    assert found.t.tolist() == [[0, 1, 1, 0], [1, -1, -1, -1], [1, 0, 1, -1]]


@pytest.mark.parametrize(
    "made",
    [
        {"generator": "echo", "steps": [3, 6], "delay": 2, "count": 20},
        {"generator": "echo", "of": "bits", "count": 20},
        {"generator": "parity", "bits": [1, 4]},
        {"generator": "parity", "bits": [2, 4], "targets": "all"},
    ],
)
def test_what_is_written_is_read(tmp_path, made):
    data = load_data(made, folder=Path(), seed=1)
    path = tmp_path / "s.npz"
    write_npz(path, data)
    assert holds_sequences(path)
    again = load_data({"file": "s.npz", "split": [1, 0, 0]}, folder=tmp_path, seed=1)
    assert again.classes == data.classes
    assert again.sequence_shape == data.sequence_shape
    whole = np.concatenate([part.x for part in data])
    key = np.argsort([row.tobytes() for row in np.nan_to_num(whole, nan=-9)])
    own = np.argsort([row.tobytes() for row in np.nan_to_num(again.train.x, nan=-9)])
    assert np.array_equal(again.train.x[own], whole[key], equal_nan=True)
    targets = np.concatenate([part.t for part in data])[key]
    assert np.array_equal(again.train.t[own], targets, equal_nan=targets.dtype.kind == "f")


@settings(max_examples=150)
@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_read_as_something_or_refused(tmp_path, place, byte, cut):
    path = tmp_path / "s.npz"
    path.write_bytes(GOOD[:place] if cut else GOOD[:place] + bytes([byte]) + GOOD[place + 1 :])
    with suppress(DataError):
        if holds_sequences(path):
            found = read_sequences(path)
            assert found.x.ndim == 3
            assert len(found.x) == len(found.t)


def test_keys_of_other_files_are_refused(tmp_path):
    (tmp_path / "s.npz").write_bytes(GOOD)
    with pytest.raises(ConfigError, match=r"header is not for a file of sequences, as s\.npz is"):
        load_data({"file": "s.npz", "header": True}, folder=tmp_path, seed=1)


def test_a_file_without_targets_trains_nothing(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.zeros((2, 3, 1)), lengths=[3, 3])
    with pytest.raises(ChainruleError, match="no array t of targets"):
        load_data({"file": "s.npz"}, folder=tmp_path, seed=1)


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


def test_without_lengths_a_file_holds_sequences_where_such_are_wanted(tmp_path):
    x = np.arange(24.0).reshape(4, 3, 2)
    path = saved(tmp_path / "s.npz", x=x, t=[0, 1, 0, 1])
    assert not holds_sequences(path)
    assert holds_sequences(path, wanted=True)
    assert read_sequences(path).x.tolist() == x.tolist()
    data = load_data(
        {"file": "s.npz", "split": [1, 0, 0]}, folder=tmp_path, seed=1, sequences=True
    )
    assert data.sequence_shape == (3, 2)
    images = load_data({"file": "s.npz", "split": [1, 0, 0]}, folder=tmp_path, seed=1)
    assert (images.sequence_shape, images.image_shape) == (None, (3, 2))


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": np.zeros((4, 3))},
        {"x": np.zeros((4, 3, 2, 1))},
        {"t": np.zeros((4, 3, 2))},
        {"x": np.array([None])},
    ],
)
def test_what_has_other_axes_is_no_sequences_even_where_such_are_wanted(tmp_path, arrays):
    assert not holds_sequences(saved(tmp_path / "s.npz", **arrays), wanted=True)


def test_without_lengths_nan_in_every_number_of_a_step_is_padding(tmp_path):
    x = np.ones((2, 3, 2))
    x[1, 1:] = np.nan
    found = read_sequences(saved(tmp_path / "s.npz", x=x, t=[[0, 1, 0], [1, 5, 5]]))
    assert np.isnan(found.x).all(axis=2).tolist() == [[False] * 3, [False, True, True]]
    assert found.t.tolist() == [[0, 1, 0], [1, -1, -1]]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((1, slice(0, 1)), "x has no lengths beside it, and padding .* step 1 of case 1"),
        ((1, slice(None)), "x has no lengths beside it, and case 1 has no step"),
        ((1, 1, 0), r"x\[1, 1\] is not finite within the case"),
    ],
)
def test_other_nan_are_refused(tmp_path, place, message):
    x = np.ones((2, 3, 2))
    x[place] = np.nan
    with pytest.raises(DataError, match=message):
        read_sequences(saved(tmp_path / "s.npz", x=x))


def test_a_target_has_all_its_values_or_none(tmp_path):
    x, t = np.ones((2, 3, 2)), np.zeros((2, 3, 2))
    t[0, 2] = t[1, 1:] = np.nan
    arrays = {"x": x, "lengths": [3, 1], "t": t}
    assert np.array_equal(read_sequences(saved(tmp_path / "s.npz", **arrays)).t, t, equal_nan=True)
    for value in (0, 1):
        partly = t.copy()
        partly[0, 1, value] = np.nan
        arrays = {"x": x, "lengths": [3, 1], "t": partly}
        with pytest.raises(DataError, match=r"t\[0, 1\] is NaN in some of its values"):
            read_sequences(saved(tmp_path / "s.npz", **arrays))


@settings(max_examples=100)
@given(place=st.integers(0, 400), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_without_lengths_is_read_or_refused(tmp_path, place, byte, cut):
    whole = BytesIO()
    np.savez(whole, x=np.ones((2, 3, 2)), t=[0, 1])
    content, path = whole.getvalue(), tmp_path / "s.npz"
    path.write_bytes(
        content[:place] if cut else content[:place] + bytes([byte]) + content[place + 1 :]
    )
    with suppress(DataError):
        if holds_sequences(path, wanted=True):
            read_sequences(path)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int16", "uint64"])
@pytest.mark.parametrize("at_steps", [False, True])
def test_whole_numbers_of_every_type_are_classes(tmp_path, dtype, at_steps):
    t = np.arange(12).reshape(4, 3) % 2
    t = (t if at_steps else t[:, 0]).astype(dtype)
    saved(tmp_path / "s.npz", x=np.ones((4, 3, 1)), lengths=[3] * 4, t=t)
    data = load_data({"file": "s.npz", "split": [1, 0, 0]}, folder=tmp_path, seed=1)
    assert data.classes == ("0", "1")
    assert data.train.t.dtype == np.intp
    assert data.has_targets_of_steps == at_steps


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"t": [0, 70_000, 1]}, r"t\[1\] is 70000; expected a class number \(0 to 65,535\)"),
        ({"t": [0, 1, -1]}, r"t\[2\] is -1; expected a class number \(0 to"),
        ({"t": [[0, 1], [0, -2], [0, 0]]}, r"t\[1, 1\] is -2; .*, or −1 for none \(0 to"),
        ({"t": [0, 1, 0], "classes": ["a", "\x1b[2J"]}, "has control characters"),
        ({"t": [0, 1, 0], "classes": ["a", "a"]}, "a class is named twice"),
    ],
)
def test_targets_that_are_no_classes_are_told_with_their_place(tmp_path, arrays, message):
    path = saved(tmp_path / "s.npz", x=np.ones((3, 2, 1)), lengths=[2, 2, 2], **arrays)
    with pytest.raises(DataError, match=message):
        read_sequences(path)

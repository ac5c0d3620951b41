"""MNIST's format, plain and gzipped."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import DataError
from chainrule.data.readers.idx_file import TYPES, read_idx, read_idx_images


def idx(array, code=0x08):
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(TYPES[code]).tobytes()


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="images-idx3-ubyte"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write_file


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 5))
LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress])
def test_images_and_labels(write, pack):
    images, labels = write(pack(idx(IMAGES))), write(pack(idx(LABELS)), "labels")
    cases = read_idx_images(images, labels)
    assert np.array_equal(cases.x, IMAGES / 255)
    assert cases.image_shape == (4, 5)
    assert cases.labels.values.tolist() == LABELS.tolist()
    assert read_idx_images(images).labels is None


@pytest.mark.parametrize("code", TYPES)
def test_every_type_of_number(write, code):
    values = np.arange(12).reshape(3, 4)
    assert np.array_equal(read_idx(write(idx(values, code))), values)
    scale = 255 if code == 0x08 else 1
    assert np.array_equal(read_idx_images(write(idx(values, code))).x, values / scale)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"1,2,3\n", "not an IDX file: it begins with '31 2c 32 2c'"),
        (b"\0\0\x08\3\0\0", "ends within its header"),
        (idx(IMAGES)[:-3], "6 x 4 x 5 numbers, 120 bytes; found only 117"),
        (idx(IMAGES) + b"!", "found more"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**20, 9), "GiB"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**15, 2**10, 9), "found only 0"),
        (gzip.compress(idx(IMAGES), mtime=0)[:40], "is damaged"),
        (b"\x1f\x8bnonsense", "is damaged"),
        (idx(LABELS), "one number a case"),
        (idx(np.zeros((2, 2, 2, 2, 2))), "expected images"),
        (idx(np.full((1, 2), np.nan), 0x0D), "NaN or infinity"),
    ],
)
def test_wrong_files(write, content, message):
    path = write(content)
    with pytest.raises(DataError) as caught:
        read_idx_images(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_labels_that_do_not_belong(write):
    images = write(idx(IMAGES))
    with pytest.raises(DataError, match="found 5 labels for the 6 images"):
        read_idx_images(images, write(idx(LABELS[:5]), "labels"))
    with pytest.raises(DataError, match="found 3 dimensions"):
        read_idx_images(images, images)
    with pytest.raises(DataError, match="no such file"):
        read_idx_images(images, images.with_name("nothing"))


@pytest.mark.exhaustive
@settings(deadline=None)
@given(st.binary(max_size=40))
def test_no_content_ends_in_anything_but_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.idx"
    for start in (b"", b"\0\0", b"\x1f\x8b\x08"):
        path.write_bytes(start + content)
        with contextlib.suppress(DataError):
            read_idx(path)

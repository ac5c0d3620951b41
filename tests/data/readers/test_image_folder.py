"""Folders of images, one subfolder a class."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from chainrule.core.errors import ConfigError, DataError
from chainrule.data.readers.image_folder import read_image_folder

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


@pytest.fixture
def folder(tmp_path):
    """Two images of each of two classes, and what else lies about in folders."""
    for name, ending in (("dog", "png"), ("cat", "bmp")):
        (tmp_path / name).mkdir()
        for k in range(2):
            Image.fromarray(GREY + k).save(tmp_path / name / f"{k}.{ending}")
    (tmp_path / "cat" / "Thumbs.db").write_text("not an image")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    return tmp_path


def messages(folder, **arguments):
    with pytest.raises(DataError) as caught:
        read_image_folder(folder, **arguments)
    return [str(problem) for problem in caught.value.problems]


def test_images_by_class(folder):
    cases = read_image_folder(folder)
    assert cases.labels.values == ["cat", "cat", "dog", "dog"]
    assert cases.image_shape == (3, 4)
    assert np.array_equal(cases.x, [(GREY + k) / 255 for k in (0, 1, 0, 1)])


def test_colour_and_size(folder):
    cases = read_image_folder(folder, color=True, size=[6, 5])
    assert cases.x.shape == (4, 6, 5, 3)
    assert cases.image_shape == (6, 5, 3)
    assert read_image_folder(folder, size=8).x.shape == (4, 8, 8)
    assert 0 <= cases.x.min() <= cases.x.max() <= 1


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "ppm", "pgm", "bmp", "JPEG"])
def test_formats(tmp_path, ending):
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("L", (5, 5), 255).save(tmp_path / name / f"1.{ending}")
    assert np.allclose(read_image_folder(tmp_path).x, 1)


def test_transparent_deep_and_palette_images(folder):
    clear = np.zeros((3, 4, 4), dtype=np.uint8)
    Image.fromarray(clear).save(folder / "cat" / "0.png")
    Image.fromarray(np.full((3, 4), 65535, dtype=np.uint16)).save(folder / "cat" / "1.png")
    Image.new("P", (4, 3), 0).save(folder / "cat" / "2.png")
    x = read_image_folder(folder).x
    assert (x[1] == 1).all()
    assert (x[3] == 1).all()


def test_images_that_do_not_agree(folder):
    Image.new("L", (9, 3)).save(folder / "dog" / "2.png")
    (found,) = messages(folder)
    assert found.startswith(f"{folder / 'dog' / '2.png'}: the image has 3 x 9 pixels, but 0.bmp")
    assert len(read_image_folder(folder, size=4)) == 5


def test_images_that_cannot_be_read(folder):
    (folder / "cat" / "a.png").write_text("text")
    whole = (folder / "dog" / "0.png").read_bytes()
    (folder / "dog" / "b.png").write_bytes(whole[:45])
    (folder / "dog" / "c.png").write_bytes(b"")
    found = messages(folder)
    assert [m.split(": ")[0].rsplit("/", 1)[-1] for m in found] == ["a.png", "b.png", "c.png"]


def chunk(kind, content):
    """A part of a PNG file."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_decompression_bombs(folder, side):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (folder / "cat" / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    (found,) = messages(folder)
    assert "bomb.png" in found
    assert "at most" in found or "too large" in found


def test_folders_without_classes(folder, tmp_path):
    assert "did you mean" in messages(folder.parent / f"{folder.name}x")[0]
    assert "found no subfolder" in messages(folder / "cat")[0]
    assert "this is a file" in messages(folder / "notes.txt")[0]
    (folder / "empty").mkdir()
    assert "found no image" in messages(folder)[0]


@pytest.mark.parametrize("size", [0, 1.5, "big", [3], [3, 4, 5], [3, -1]])
def test_wrong_sizes(folder, size):
    with pytest.raises(ConfigError, match="size must be"):
        read_image_folder(folder, size=size)

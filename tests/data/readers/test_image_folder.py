"""Folders of images, one subfolder a class."""

from __future__ import annotations

import os
import struct
import time
import zlib
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chainrule.core.errors import ConfigError, DataError
from chainrule.core.progress import showing_by
from chainrule.data.readers import pictures
from chainrule.data.readers.image_folder import read_image_folder, read_images
from chainrule.data.readers.paths import natural

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


@pytest.fixture
def folder(tmp_path):
    """Two images of each of two classes, and what else lies about in folders."""
    for name, ending in (("dog", "png"), ("cat", "bmp")):
        (tmp_path / name).mkdir()
        for k in range(2):
            Image.fromarray(GREY + k).save(tmp_path / name / f"{k}.{ending}")
    (tmp_path / "cat" / "Thumbs.db").write_text("not an image")
    (tmp_path / "__MACOSX").mkdir()
    return tmp_path


def messages(folder, **arguments):
    with pytest.raises(DataError) as caught:
        read_image_folder(folder, **arguments)
    return [str(problem) for problem in caught.value.problems]


def test_images_by_class(folder):
    cases = read_image_folder(folder)
    assert cases.labels.values == ["cat", "cat", "dog", "dog"]
    assert cases.labels.names == ("cat", "dog")
    assert cases.image_shape == (3, 4)
    assert cases.are_bytes
    assert np.array_equal(cases.x, [GREY + k for k in (0, 1, 0, 1)])


def test_colour_and_size(folder):
    cases = read_image_folder(folder, color=True, size=[6, 5])
    assert cases.x.shape == (4, 6, 5, 3)
    assert cases.image_shape == (6, 5, 3)
    assert read_image_folder(folder, size=8).x.shape == (4, 8, 8)


def test_a_picture_is_read_by_its_content_and_not_by_its_name(folder):
    Image.fromarray(GREY).save(folder / "cat" / "web.jpg", format="WEBP", lossless=True)
    Image.fromarray(GREY).save(folder / "cat" / "no_ending", format="PNG")
    assert np.array_equal(read_image_folder(folder).x[2:4], [GREY, GREY])


def test_classes_are_in_natural_order(tmp_path):
    for name in ("10", "9", "b", "A", "a 10", "a 2"):
        (tmp_path / name).mkdir()
        Image.fromarray(GREY).save(tmp_path / name / "1.png")
    assert read_image_folder(tmp_path).labels.names == ("9", "10", "A", "a 2", "a 10", "b")


@given(st.lists(st.text("0129abAB é", max_size=6)), st.randoms())
def test_natural_order_is_an_order_of_all_names(names, random):
    """Whatever the order they come in, and numbers alone by their value."""
    ordered = sorted(names, key=natural)
    random.shuffle(names)
    assert sorted(names, key=natural) == ordered
    numbers = [int(name) for name in ordered if name.isdecimal()]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("threads", [1, 3])
def test_many_images_are_read_in_threads_into_their_places(tmp_path, monkeypatch, threads):
    monkeypatch.setattr(pictures, "machine_cores", lambda: threads)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for k in range(60):
            Image.new("L", (3, 2), 100 * (name == "b") + k).save(tmp_path / name / f"{k:02}.png")
    x = read_image_folder(tmp_path).x
    assert x[:, 0, 0].tolist() == [*range(60), *range(100, 160)]
    assert (x == x[:, :1, :1]).all()


def test_progress_is_reported(folder):
    for k in range(60):
        Image.fromarray(GREY).save(folder / "cat" / f"more{k}.png")
    heard = []

    @contextmanager
    def show(what, total):
        heard.append((what, total))
        yield heard.append

    with showing_by(show):
        read_image_folder(folder)
    (what, total), *numbers = heard
    assert what == "reading images"
    assert sum(numbers) == total
    assert len(numbers) > 1


def test_ctrl_c_ends_the_reading_at_once(folder, monkeypatch):
    """The images that threads are reading are read to their end, and no more."""
    for k in range(400):
        (folder / "cat" / f"more{k}.png").write_bytes(b"")
    begun = []

    def slow(path, *options):
        begun.append(path)
        time.sleep(0.01)
        return GREY

    monkeypatch.setattr(pictures, "read_picture", slow)
    monkeypatch.setattr(pictures, "machine_cores", lambda: 2)

    @contextmanager
    def interrupted(what, total):
        """Ctrl-C as soon as some images are read."""

        def advance(number):
            raise KeyboardInterrupt

        yield advance

    with showing_by(interrupted), pytest.raises(KeyboardInterrupt):
        read_image_folder(folder)
    number = len(begun)
    time.sleep(0.1)
    assert len(begun) == number < 300


# What is left out


def test_what_systems_and_editors_leave_is_passed_over_without_a_word(folder):
    for name in (
        *(".DS_Store", "Thumbs.db", "desktop.ini", "._0.png", "0.png~", "1.png.part", "x.tmp"),
        *("THUMBS.DB", "#recycle", "ehthumbs.db"),
    ):
        (folder / "cat" / name).write_text("litter")
    for name in (".git", "__MACOSX", ".ipynb_checkpoints", "@eaDir", ".idea"):
        (folder / "cat" / name).mkdir()
        (folder / name).mkdir(exist_ok=True)
        Image.fromarray(GREY).save(folder / name / "0.png")
    cases = read_image_folder(folder)
    assert len(cases) == 4
    assert not [note for note in cases.notes if "left out" in note]


def test_everything_else_that_is_left_out_is_counted_with_its_reason(folder):
    for k in range(3):
        (folder / "cat" / f"{k}.txt").write_text("about the picture")
    (folder / "labels.csv").write_text("1,cat")
    (folder / "dog" / ".secret.png").write_bytes(b"")
    os.mkfifo(folder / "dog" / "pipe.png")
    os.symlink("nowhere", folder / "dog" / "link.png")
    os.symlink("circle.png", folder / "dog" / "circle.png")
    (folder / "dog" / "more").mkdir()
    Image.fromarray(GREY).save(folder / "beside.png")
    cases = read_image_folder(folder)
    assert len(cases) == 4
    (note,) = (note for note in cases.notes if "left out" in note)
    for words in (
        f"left out of {folder.name}: ",
        "4 files that are no images (3 .txt, 1 .csv)",
        "1 hidden file or folder",
        "3 pipes, devices or links to nothing",
        "1 folder inside of a class's folder",
        "1 image beside the folders of classes",
    ):
        assert words in note


def test_images_of_several_formats_are_told(folder):
    assert (
        "images of different formats were read: 2 .bmp, 2 .png" in read_image_folder(folder).notes
    )
    for path in (folder / "cat").glob("*.bmp"):
        path.rename(path.with_suffix(".png"))
    assert read_image_folder(folder).notes == ()


def test_a_class_of_one_image_is_told(folder):
    (folder / "cow").mkdir()
    Image.fromarray(GREY).save(folder / "cow" / "0.png")
    assert "there is only one image of cow" in read_image_folder(folder).notes


# Images that are broken or do not agree


def test_images_that_do_not_agree_are_counted_with_the_line_to_write(folder):
    Image.new("L", (9, 3)).save(folder / "dog" / "2.png")
    Image.new("L", (5, 5)).save(folder / "dog" / "3.png")
    (found,) = messages(folder)
    assert found.startswith(
        f"{folder}: the images have 3 sizes: 4 of 3 x 4, 1 of 3 x 9, 1 of 5 x 5 (the first of "
    )
    assert "dog/2.png" in found
    assert found.endswith("write size: [3, 4] to resize all to the commonest")
    assert len(read_image_folder(folder, size=[3, 4])) == 6


def test_of_many_sizes_the_commonest_is_advised_though_the_first_is_another(folder):
    for path in folder.glob("cat/*.bmp"):
        path.unlink()
    for k in range(9):
        Image.new("L", (1 + k, 7)).save(folder / "cat" / f"a{k}.png")
    for k in range(3):
        Image.new("L", (7, 7)).save(folder / "dog" / f"b{k}.png")
    (found,) = messages(folder)
    assert "the images have 10 sizes: 4 of 7 x 7, 2 of 3 x 4, " in found
    assert "and 5 more" in found
    assert "write size: 7 " in found


def broken(folder, count=1):
    """Put broken images among the good ones."""
    for k in range(count):
        (folder / "cat" / f"broken{k:02}.png").write_text("text")


def test_images_that_cannot_be_read(folder):
    (folder / "cat" / "a.png").write_text("text")
    whole = (folder / "dog" / "0.png").read_bytes()
    (folder / "dog" / "b.png").write_bytes(whole[:45])
    (folder / "dog" / "c.png").write_bytes(b"")
    *found, hint = messages(folder)
    assert [m.split(": ")[0].rsplit("/", 1)[-1] for m in found] == ["a.png", "b.png", "c.png"]
    assert hint.endswith(
        "to go on without the 3 of 7 images that cannot be read, write skip_broken: true"
    )


def test_of_many_broken_images_ten_are_named(folder):
    broken(folder, 25)
    found = messages(folder)
    assert len(found) == 12
    assert "broken09.png" in found[9]
    assert "and 15 more broken images" in found[10]


def test_broken_images_are_left_out_and_named_where_that_is_wanted(folder):
    broken(folder, 12)
    (folder / "cat" / "0.bmp").rename(folder / "cat" / "z.bmp")  # a broken one is the first
    cases = read_image_folder(folder, skip_broken=True)
    assert np.array_equal(cases.x, [GREY + k for k in (1, 0, 0, 1)])
    assert cases.labels.values == ["cat", "cat", "dog", "dog"]
    (note,) = (note for note in cases.notes if "left out" in note)
    assert note.startswith(
        f"left out of {folder.name}: 12 broken images, cat/broken00.png, cat/broken01.png, "
    )
    assert note.endswith("and 2 more")


def test_a_class_of_broken_images_alone_is_refused(folder):
    for k in range(2):
        (folder / "cat" / f"{k}.bmp").write_text("text")
    assert "every image of cat is broken" in messages(folder, skip_broken=True)[0]
    for k in range(2):
        (folder / "dog" / f"{k}.png").write_text("text")
    assert "all images are broken" in messages(folder, skip_broken=True)[0]


def chunk(kind, content):
    """A part of a PNG file."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_decompression_bombs(folder, side):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (folder / "cat" / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    found, _ = messages(folder)
    assert "bomb.png" in found
    assert "at most" in found or "too large" in found


def test_more_than_memory_is_refused_before_it_is_taken(folder):
    found = messages(folder, size=8192, color=True)[0]
    assert (
        "4 images of 8192 x 8192 would take 6.0 GiB; at most 4 are read; give a smaller" in found
    )


# Folders that are not of this form


def test_folders_without_classes(folder):
    assert "did you mean" in messages(folder.parent / f"{folder.name}x")[0]
    found = messages(folder / "cat")[0]
    assert "found no subfolder, but 2 images; expected a subfolder of images for each" in found
    (folder / "notes.txt").write_text("hello")
    assert "this is a file" in messages(folder / "notes.txt")[0]


def test_the_folder_above_the_one_that_is_meant(folder):
    outer = folder / "outer"
    (outer / "data" / "cat").mkdir(parents=True)
    (outer / "data" / "dog").mkdir()
    found = messages(outer)[0]
    assert "found only the subfolder 'data'" in found
    assert "such as those in data: write folder: .../data" in found


def test_a_class_without_images_says_what_is_there(folder):
    (folder / "empty").mkdir()
    (folder / "papers").mkdir()
    (folder / "papers" / "1.pdf").write_text("%PDF")
    (folder / "nested" / "more").mkdir(parents=True)
    empty, nested, papers = messages(folder)
    assert empty.startswith(f"{folder / 'empty'}: found no image of this class: put some into")
    assert nested.startswith(
        f"{folder / 'nested'}: found no image of this class, but folders (more"
    )
    assert papers.startswith(f"{folder / 'papers'}: found no image of this class, but 1 file that")
    assert "1 .pdf" in papers


@pytest.mark.parametrize("size", [0, 1.5, "big", [3], [3, 4, 5], [3, -1]])
def test_wrong_sizes(folder, size):
    with pytest.raises(ConfigError, match="size must be"):
        read_image_folder(folder, size=size)


# For a trained network


def test_images_alone_have_no_labels_and_are_in_the_order_of_their_names(folder):
    cases = read_images(folder / "cat", size=None, color=False)
    assert cases.labels is None
    assert np.array_equal(cases.x, [GREY / 255, (GREY + 1) / 255])
    assert len(read_images(folder / "cat" / "1.bmp", size=None, color=False)) == 1


def test_images_beside_classes_are_taken_for_prediction_and_left_out_of_an_evaluation(folder):
    Image.fromarray(GREY).save(folder / "beside.png")
    alone = read_images(folder, size=None, color=False)
    assert (len(alone), alone.labels) == (1, None)
    assert "4 images in subfolders" in alone.notes[0]
    labelled = read_images(folder, size=None, color=False, part="test")
    assert labelled.labels.values == ["cat", "cat", "dog", "dog"]
    assert "1 image beside the folders of classes" in labelled.notes[0]


def test_what_cannot_be_read_for_a_trained_network_has_no_advice_for_its_configuration(folder):
    broken(folder)
    Image.new("L", (9, 3)).save(folder / "dog" / "2.png")
    with pytest.raises(DataError) as caught:
        read_images(folder, size=None, color=False)
    assert "write" not in str(caught.value)
    assert "the network was trained on images of one size" in str(caught.value)

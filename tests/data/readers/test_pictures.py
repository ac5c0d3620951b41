"""Single pictures: every format and kind of pixel, and what is no whole picture."""

from __future__ import annotations

import io
import struct
import threading
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chainrule.core.errors import DataError
from chainrule.data.readers.pictures import OtherSize, format_of, is_image, read_picture

RNG = np.random.default_rng(3)
COLORS = RNG.integers(0, 256, (12, 10, 3), dtype=np.uint8)
GREY = COLORS[:, :, 0]
WHOLE = {
    "PNG": {},
    "BMP": {},
    "GIF": {},
    "PPM": {},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_lzw"},
    "JPEG2000": {},
}
"""Formats without loss, and how an image is saved in them."""


def saved(pixels, form, mode=None, **options) -> bytes:
    stream = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture
def read(tmp_path):
    """Reads a picture from the bytes of its file."""

    def read(content: bytes, *, color=False, shape=None, name="picture.png"):
        (tmp_path / name).write_bytes(content)
        return read_picture(tmp_path / name, shape, color)

    return read


def refusal(read, content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(content)
    (problem,) = caught.value.problems
    assert str(problem.path).endswith("picture.png")
    return problem.message


@pytest.mark.parametrize("form", WHOLE)
def test_the_pixels_are_those_that_were_saved_whatever_the_ending(read, form):
    # A GIF has a palette; of this grey one each of the 256 colours is exact.
    pixels = np.repeat(GREY[:, :, None], 3, axis=2) if form == "GIF" else COLORS
    content = saved(GREY if form == "GIF" else COLORS, form, **WHOLE[form])
    assert np.array_equal(read(content, color=True), pixels)
    assert np.array_equal(read(saved(GREY, form, **WHOLE[form])), GREY)
    assert format_of(content) == form


@pytest.mark.parametrize("form", [*WHOLE, "JPEG"])
def test_content_makes_an_image_where_there_is_no_ending(tmp_path, form):
    (tmp_path / "picture").write_bytes(saved(COLORS, form))
    assert is_image(tmp_path / "picture")
    (tmp_path / "data.csv").write_text("BM,P5,II\n1,2,3\n")
    assert not is_image(tmp_path / "data.csv")
    (tmp_path / "notes.md").write_text("P1 is the first project")
    assert not is_image(tmp_path / "notes.md")


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_16_bits_of_grey_become_8(read, form):
    deep = GREY.astype(np.uint16) * 257
    assert np.array_equal(read(saved(deep, form)), GREY)


def test_16_bits_of_grey_may_have_their_white_at_0(read):
    content = saved(GREY.astype(np.uint16) * 257, "TIFF", tiffinfo={262: 0})
    assert np.array_equal(read(content), 255 - GREY)


def png_of_16_bits(kind: int, pixels) -> bytes:
    """A PNG file, which Pillow does not write in colour with 16 bits."""

    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


def test_16_bits_of_colour_become_8(read):
    content = png_of_16_bits(2, COLORS.astype(np.uint16) * 257)
    assert np.array_equal(read(content, color=True), COLORS)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_is_white(read, form):
    alpha = np.full((12, 10, 1), 255, np.uint8)
    alpha[:4] = 0
    content = saved(np.concatenate([COLORS, alpha], axis=2), form, **WHOLE[form])
    found = read(content, color=True)
    assert (found[:4] == 255).all()
    assert np.array_equal(found[4:], COLORS[4:])
    assert (read(content)[:4] == 255).all()


def test_palettes_have_the_colours_that_they_list(read):
    image = Image.fromarray(COLORS).quantize(16)
    expected = np.asarray(image.convert("RGB"))
    for form in ("PNG", "GIF", "TIFF", "BMP"):
        assert np.array_equal(read(saved(image, form), color=True), expected)


@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_four_inks_become_red_green_and_blue(read, form):
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    found = read(saved(red, form), color=True)
    assert (found[:, :, 0] > 250).all()
    assert (found[:, :, 1:] < 5).all()
    assert abs(int(read(saved(red, form))[0, 0]) - 76) < 3  # 0.299 of 255


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_upright(read, tmp_path, form, orientation):
    """The camera was held as it says: it writes the upright picture turned the other way."""
    upright = np.repeat(np.repeat(np.array([[0, 60, 120], [160, 200, 250]], np.uint8), 8, 0), 8, 1)
    turns = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: np.rot90(upright), 7: upright.T[::-1, ::-1], 8: np.rot90(upright, -1),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read(saved(np.ascontiguousarray(turns[orientation]), form, exif=exif))
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() < 12
    path = tmp_path / "picture.png"
    assert read_picture(path, None, False, upright.shape).shape == upright.shape
    for wrong in (upright.shape[::-1], (9, 9)):
        with pytest.raises(OtherSize) as caught:
            read_picture(path, None, False, wrong)
        # That of a PNG may stand behind its pixels, which are not unpacked for the message.
        known = form != "PNG" or wrong != (9, 9)
        assert caught.value.size == upright.shape or (
            not known and caught.value.size == upright.shape[::-1]
        )


def test_of_pages_and_frames_the_first_is_read(read):
    pages = [Image.fromarray(GREY), Image.new("L", (10, 12), 0), Image.new("L", (3, 3), 0)]
    for form in ("TIFF", "GIF", "WEBP"):
        options = {**WHOLE[form], "save_all": True, "append_images": pages[1:2]}
        assert np.array_equal(read(saved(pages[0], form, **options)), GREY)


def test_a_picture_is_resized_after_it_was_turned(read):
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read(saved(GREY, "PNG", exif=exif), shape=(5, 7)).shape == (5, 7)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_facts_of_a_camera_do_no_harm(read):
    facts = b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0\xff\xff\xff\xff"
    jpeg = saved(np.full((8, 8), 90, np.uint8), "JPEG")
    with_facts = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(facts) + 2) + facts + jpeg[2:]
    assert (read(with_facts) == 90).all()


# What is no whole picture

CUT = {
    **{form: (form, options) for form, options in WHOLE.items()},
    "JPEG": ("JPEG", {}),
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "WebP with loss": ("WEBP", {}),
    "plain TIFF": ("TIFF", {}),
    "deflated TIFF": ("TIFF", {"compression": "tiff_adobe_deflate"}),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", CUT)
@given(data=st.data())
def test_a_picture_cut_short_is_refused_or_whole_and_never_half_grey(tmp_path_factory, kind, data):
    form, options = CUT[kind]
    content = saved(GREY if form == "GIF" else COLORS, form, **options)
    path = tmp_path_factory.mktemp("cut") / "picture"
    path.write_bytes(content)
    whole = read_picture(path, None, True)
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    try:
        found = read_picture(path, None, True)
    except DataError:
        return
    assert np.array_equal(found, whole)


def test_of_a_jpeg_2000_image_the_end_must_be_there(read):
    """Its decoder takes a file without any data for a grey picture."""
    whole = saved(COLORS, "JPEG2000")
    beginning, _, _ = whole.partition(b"\xff\x90")
    assert "truncated" in refusal(read, beginning)
    assert np.array_equal(read(whole + bytes(100), color=True), COLORS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello", "not an image, or is damaged"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF picture, which is not read; save it as PNG"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "a HEIC picture, which is not read; save it as PNG"),
        (b"\0\0\0\x1cftypisom\0\0\0\0", "a video"),
        (b"<!DOCTYPE html><html><p>404", "a web page"),
        (b"\xef\xbb\xbf\n<svg width='8'>", "an SVG drawing"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n(owned) run\n", "a Postscript program"),
    ],
)
def test_what_the_file_is_instead_is_said(read, content, message):
    assert message in refusal(read, content)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_without_a_known_white_are_refused(read, mode):
    assert "number is white" in refusal(read, saved(Image.new(mode, (4, 4)), "TIFF"))


def test_threads_read_the_same_pictures(tmp_path):
    """The largest take turns, so that several of them need not fit into memory."""
    path = tmp_path / "large.png"
    Image.new("L", (4000, 4000), 9).save(path)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(read_picture(path, (2, 2), False)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(found, np.full((3, 2, 2), 9))

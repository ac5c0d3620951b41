"""Hostile images, alone and in folders."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from hostile.configurations_yaml import special_files
from hostile.good import image_folder
from hostile.made import Bytes, Hostile, contents, deflated


def chunk(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    """A chunk of a PNG file; its length may lie."""
    checksum = zlib.crc32(kind + content)
    said = len(content) if length is None else length
    return struct.pack(">I", said) + kind + content + struct.pack(">I", checksum)


def png(
    width: int, height: int, *chunks: bytes, bits: int = 8, color: int = 0, data: bytes = b""
) -> bytes:
    """A PNG file of this header."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data),
         chunk(b"IEND", b"")]
    )  # fmt: skip


def saved(kind: str, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> bytes:
    """A good image."""
    stream = io.BytesIO()
    Image.effect_noise(size, 50).convert(mode).save(stream, kind)
    return stream.getvalue()


def _bmp(width: int, height: int, bits: int = 24, offset: int = 54) -> bytes:
    return (
        b"BM" + struct.pack("<IHHI", 100, 0, 0, offset)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, 0, 0) + bytes(46)
    )  # fmt: skip


def _gif(width: int, height: int) -> bytes:
    """A screen of this size in 3 colours."""
    return saved("GIF", mode="P").replace(
        b"GIF87a\x08\0\x08\0", b"GIF87a" + struct.pack("<HH", width, height)
    )


def _text_bomb() -> bytes:
    """A compressed text of 512 MiB beside a picture of one point."""
    return png(1, 1, chunk(b"zTXt", b"a\0\0" + deflated(2**29)), data=zlib.compress(b"\0\0"))


def _exif(orientation: bytes) -> bytes:
    content = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\xff" + orientation
    jpeg = saved("JPEG")
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[2:40]


PNG: dict[str, Bytes] = {
    "PNG: 8,192 x 8,192 in 65 KB": lambda: png(8192, 8192, data=deflated(8193 * 8192)),
    "PNG: 8,000 x 8,000 of one bit": lambda: png(8000, 8000, bits=1, data=deflated(1001 * 8000)),
    "PNG: 8,000 x 8,000 with alpha": lambda: png(8000, 8000, color=6, data=deflated(2**26)),
    "PNG: 4,000 x 4,000 of 16 bits": lambda: png(4000, 4000, bits=16, data=deflated(2**25)),
    "PNG: 5,000 x 5,000, cut short": lambda: png(5000, 5000, color=6, data=deflated(2**26)[:900]),
    "PNG: 2^31 x 2^31": png(2**31 - 1, 2**31 - 1),
    "PNG: 2^31 x 1": png(2**31 - 1, 1),
    "PNG: 1 x 60,000,000": lambda: png(1, 60_000_000, data=deflated(2**20)),
    "PNG: 0 x 0": png(0, 0),
    "PNG: a text of 512 MiB": _text_bomb,
    "PNG: a profile of 512 MiB": lambda: png(1, 1, chunk(b"iCCP", b"a\0\0" + deflated(2**29))),
    "PNG: an international text": lambda: png(1, 1, chunk(b"iTXt", b"a\0\1\0\0\0" + deflated(2**29))),
    "PNG: a chunk of 2^32": png(4, 4, chunk(b"tEXt", b"a", length=2**32 - 1)),
    "PNG: a chunk of 2^32 behind the picture": png(4, 4, data=deflated(0, bytes(20)))[:-12]
    + struct.pack(">I", 2**32 - 1) + b"eXIf",
    "PNG: a hundred thousand chunks": lambda: png(4, 4, chunk(b"tEXt", b"a\0b") * 100_000),
    "PNG: no data": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)),
    "PNG: a wrong checksum": saved("PNG")[:20] + b"\xff" + saved("PNG")[21:],
    "PNG: only its head": saved("PNG")[:8],
    "PNG: cut short": saved("PNG")[:60],
    "PNG: an unknown colour": png(4, 4, color=9),
    "PNG: a head twice": png(4, 4, chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 6, 0, 0, 0))),
    "PNG: pictures without end": png(4, 4, chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
    "nothing": b"",
    "a text": b"hello",
    "a pickle": b"\x80\x04cposix\nsystem\n(Vtouch owned\ntR.",
    "a zip file": b"PK\3\4" + bytes(100),
    "a Postscript program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9000 9000\n(owned) run\n",
    "a TIFF of 2^32": b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 60,
    "an ICO": b"\0\0\1\0\xff\xff" + b"\xff" * 100,
    "a PSD of 300,000": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 4, 300_000, 300_000, 8, 3) + bytes(50),
    "a PCX": b"\x0a\x05\x01\x08" + struct.pack("<4H", 0, 0, 65535, 65535) + bytes(120),
    "a DDS": b"DDS |\0\0\0" + b"\xff" * 120,
    "a WebP of 16,383": b"RIFF\xff\xff\xff\xffWEBPVP8L\xff\xff\xff\xff\x2f\xff\xff\xff\x0f",
    "a font": b"FWS" + b"\xff" * 60,
    "XBM": b"#define a_width 100000\n#define a_height 100000\nstatic char a_bits[] = {\n0x00",
    "XPM": b'/* XPM */\nstatic char *a[] = {"100000 100000 1 99"};',
    "a FITS file": b"SIMPLE  =                    T" + b" " * 3000,
}  # fmt: skip

OTHERS: dict[str, dict[str, Bytes]] = {
    "1.jpg": {
        "JPEG: 65,500 x 65,500": saved("JPEG").replace(
            b"\xff\xc0\x00\x11\x08\x00\x08\x00\x08", b"\xff\xc0\x00\x11\x08\xff\xdc\xff\xdc"
        ),
        "JPEG: 5,000 x 4,900, cut short": saved("JPEG").replace(
            b"\xff\xc0\x00\x11\x08\x00\x08\x00\x08", b"\xff\xc0\x00\x11\x08\x13\x88\x13\x24"
        )[:-20],
        "JPEG: no quantisation": saved("JPEG").replace(b"\xff\xdb", b"\xff\xfe"),
        "JPEG: only its head": b"\xff\xd8\xff\xe0",
        "JPEG: cut short": saved("JPEG")[:-40][:300],
        "JPEG: markers without end": lambda: b"\xff\xd8" + b"\xff" * 1_000_000,
        "JPEG: comments without end": lambda: b"\xff\xd8" + b"\xff\xfe\x00\x02" * 250_000,
        "JPEG: facts of a camera that lie": _exif(b"\xff\xff\xff\xff"),
    },
    "1.gif": {
        "GIF: 65,535 x 65,535": _gif(65535, 65535),
        "GIF: only its head": b"GIF89a",
        "GIF: cut short": saved("GIF", mode="P")[:200],
        "GIF: no picture": b"GIF89a\x08\0\x08\0\0\0\0;",
        "GIF: extensions without end": lambda: b"GIF89a\x08\0\x08\0\0\0\0" + b"!\xfe\1a\0" * 200_000,
    },
    "1.bmp": {
        "BMP: 60,000 x 60,000": _bmp(60_000, 60_000),
        "BMP: a height of -2^31": _bmp(10, -(2**31)),
        "BMP: a width below zero": _bmp(-10, 10),
        "BMP: no bits": _bmp(10, 10, bits=0),
        "BMP: its data far away": _bmp(10, 10, offset=2**32 - 1),
        "BMP: 5,000 x 5,000, cut short": _bmp(5000, 5000),
    },
    "1.ppm": {
        "PPM: 99,999 x 99,999": b"P6 99999 99999 255\n",
        "PPM: digits without end": lambda: b"P6 " + b"9" * 1_000_000,
        "PPM: comments without end": lambda: b"P6 " + b"#\n" * 500_000,
        "PPM: a size of zero": b"P6 0 0 255\n",
        "PPM: a largest value of zero": b"P6 2 2 0\n" + bytes(12),
        "PPM: a size in Arabic": "P6 ٣ ٣ 255\n".encode() + bytes(27),
            "PPM: in letters, cut short": b"P3 2 2 255\n1 2 3",
        "PPM: a number too large": b"P3 1 1 255\n1 2 999",
        "PPM: 4,900 x 4,900, cut short": b"P6 4900 4900 255\n" + bytes(1000),
    },
}  # fmt: skip


def tiff(
    *entries: tuple[int, int, int, int],
    data: bytes = b"",
    following: int = 0,
    entries_said: int | None = None,
) -> bytes:
    """A TIFF file of one page; each entry is a tag, a type, a count and a value.

    The data begin at byte 512.
    """
    count = len(entries) if entries_said is None else entries_said
    page = struct.pack("<H", count) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (b"II*\0\x08\0\0\0" + page + struct.pack("<I", following)).ljust(512, b"\0") + data


def page(
    width: int, height: int, packing: int = 1, bits: int = 8, strip: tuple[int, int] = (512, 64)
) -> list[tuple[int, int, int, int]]:
    """The entries of a grey page whose data are one strip, which begins and has the length."""
    return [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits), (259, 3, 1, packing),
        (262, 3, 1, 1), (273, 4, 1, strip[0]), (277, 3, 1, 1), (278, 4, 1, height),
        (279, 4, 1, strip[1]),
    ]  # fmt: skip


def _deflated_tiff(width: int, height: int) -> bytes:
    content = deflated(width * height + 2**20)
    return tiff(*page(width, height, 8, strip=(512, len(content))), data=content)


def riff(*chunks: bytes) -> bytes:
    """A WebP file of these chunks."""
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def riff_chunk(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    """A chunk of a WebP file; its length may lie."""
    said = len(content) if length is None else length
    return kind + struct.pack("<I", said) + content + b"\0" * (len(content) % 2)


def canvas(width: int, height: int, flags: int = 0x10) -> bytes:
    """The chunk of a WebP file that says how large its canvas is."""
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


def _webp_of(size: tuple[int, int]) -> bytes:
    """A lossless picture of one colour, which takes a few bytes."""
    stream = io.BytesIO()
    Image.new("RGB", size).save(stream, "WEBP", lossless=True)
    return stream.getvalue()


def _frames(count: int) -> bytes:
    """An animation of that many frames without pixels."""
    head = canvas(4, 4, flags=0x02) + riff_chunk(b"ANIM", bytes(6))
    return riff(head, riff_chunk(b"ANMF", bytes(16)) * count)


def _codestream(
    width: int, height: int, tile: tuple[int, int] | None = None, components: int = 1
) -> bytes:
    """A JPEG 2000 file of this size, without data."""
    tiles = tile or (width, height)
    said = struct.pack(">H8IH", 0, width, height, 0, 0, *tiles, 0, 0, components)
    size = said + b"\x07\x01\x01" * components
    style = b"\0\0\0\1\0\0\4\4\0\0"
    return b"".join(
        [
            b"\xff\x4f\xff\x51", struct.pack(">H", len(size) + 2), size,
            b"\xff\x52", struct.pack(">H", len(style) + 2), style,
            b"\xff\x5c\0\4\x40\x40",
            b"\xff\x90\0\x0a\0\0\0\0\0\x0e\0\1\xff\x93\xff\xd9",
        ]
    )  # fmt: skip


def _jpeg_2000_of(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("L", size).save(stream, "JPEG2000")
    return stream.getvalue()


TIFF: dict[str, Bytes] = {
    "TIFF: 60,000 x 60,000": tiff(*page(60_000, 60_000)),
    "TIFF: 2^32 x 2^32": tiff(*page(2**32 - 1, 2**32 - 1)),
    "TIFF: 0 x 0": tiff(*page(0, 0)),
    "TIFF: a height of zero": tiff(*page(5, 0)),
    "TIFF: 4,900 x 4,900 in 24 KB": lambda: _deflated_tiff(4900, 4900),
    "TIFF: 4,900 x 4,900, cut short": tiff(*page(4900, 4900), data=bytes(64)),
    "TIFF: 4,900 x 4,900 of no LZW": tiff(*page(4900, 4900, 5), data=b"\xff" * 64),
    "TIFF: its data far away": tiff(*page(8, 8, strip=(2**32 - 1, 64))),
    "TIFF: a strip of 2^32": tiff(*page(8, 8, 5, strip=(512, 2**32 - 1)), data=bytes(64)),
    "TIFF: no data": tiff(*page(8, 8)[:4]),
    "TIFF: no size": tiff(*page(8, 8)[2:], data=bytes(64)),
    "TIFF: packed in an unknown way": tiff(*page(8, 8, 31_337), data=bytes(64)),
    "TIFF: bits of no kind": tiff(*page(8, 8, bits=9_999), data=bytes(64)),
    "TIFF: 65,535 entries, of which none is there": tiff(*page(8, 8), entries_said=65_535)[:120],
    "TIFF: a page of entries alone": lambda: tiff(*[(270, 2, 2**20, 512)] * 40, data=b"a" * 2**20),
    "TIFF: a text of 2^32 letters": tiff(*page(8, 8)[:4], (270, 2, 2**32 - 1, 512)),
    "TIFF: tiles of 2^31": tiff(
        *page(8, 8)[:5], (322, 4, 1, 2**31), (323, 4, 1, 2**31), (324, 4, 1, 512),
        (325, 4, 1, 64), data=bytes(64),
    ),
    "TIFF: no page but itself": tiff((256, 4, 1, 0), following=8),
    "TIFF: its only page far away": b"II*\0\xf0\xff\xff\xff" + bytes(64),
    "TIFF: facts of a camera within themselves": tiff((0x8769, 4, 1, 8)),
    "BigTIFF: 2^62 entries": b"II+\0\x08\0\0\0\x10" + bytes(7) + struct.pack("<Q", 2**62) + bytes(64),
    "TIFF: only its head": b"II*\0",
    "TIFF: cut short": lambda: saved("TIFF")[:100],
}  # fmt: skip

WEBP: dict[str, Bytes] = {
    "WebP: 16,383 x 16,383 in 200 bytes": riff(
        riff_chunk(b"VP8L", b"\x2f" + struct.pack("<I", 16_382 | 16_382 << 14) + bytes(180))
    ),
    "WebP: a canvas of 2^24 x 2^24": riff(canvas(2**24, 2**24)),
    "WebP: a canvas of 16,000 x 16,000 about a picture of 8 x 8": lambda: riff(
        canvas(16_000, 16_000), _webp_of((8, 8))[12:]
    ),
    "WebP: 4,900 x 4,900 in a hundred bytes": lambda: _webp_of((4900, 4900)),
    "WebP: 100,000 frames without pixels": lambda: _frames(100_000),
    "WebP: no frame": riff(canvas(8, 8, flags=0x02), riff_chunk(b"ANIM", bytes(6))),
    "WebP: a chunk of 2^32": riff(canvas(8, 8), riff_chunk(b"ICCP", b"a", length=2**32 - 1)),
    "WebP: a hundred thousand chunks": lambda: riff(
        canvas(8, 8), riff_chunk(b"XMP ", b"a") * 100_000
    ),
    "WebP: only its head": b"RIFF\x04\0\0\0WEBP",
    "WebP: cut short": lambda: saved("WEBP")[:60],
    "WebP: a picture of zero": riff(riff_chunk(b"VP8 ", bytes(30))),
    "WebP: a length of 2^32": lambda: b"RIFF\xff\xff\xff\xff" + saved("WEBP")[8:-20],
}

JPEG_2000: dict[str, Bytes] = {
    "JPEG 2000: 2^32 x 2^32": _codestream(2**32 - 1, 2**32 - 1),
    "JPEG 2000: 4,900 x 4,900 without data": _codestream(4900, 4900),
    "JPEG 2000: 4,900 x 4,900 in a few bytes": lambda: _jpeg_2000_of((4900, 4900)),
    "JPEG 2000: 24 million tiles": _codestream(4900, 4900, (1, 1)),
    "JPEG 2000: 16 million tiles of nothing": _codestream(4000, 4000, (1, 1)),
    "JPEG 2000: 16,384 components": _codestream(8, 8, components=16_384),
    "JPEG 2000: 0 x 0": _codestream(0, 0),
    "JPEG 2000: tiles of zero": _codestream(8, 8, (0, 0)),
    "JPEG 2000: only its head": b"\0\0\0\x0cjP  \r\n\x87\n",
    "JPEG 2000: a box of 2^64": b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\1jp2h" + b"\xff" * 8,
    "JPEG 2000: a box of 2^32": b"\0\0\0\x0cjP  \r\n\x87\n\xff\xff\xff\xffjp2h" + bytes(40),
    "JPEG 2000: boxes without end": lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x08free" * 200_000,
    "JPEG 2000: cut short": lambda: saved("JPEG2000")[:-30],
    "JPEG 2000: its beginning without its data": lambda: saved("JPEG2000").partition(b"\xff\x90")[0],
}  # fmt: skip


def _among(ending: str, content: Bytes) -> Callable[[Path], Path]:
    """A folder of two classes, an image of which is this."""

    def make(folder: Path) -> Path:
        image_folder(folder)
        whole = content if isinstance(content, bytes) else content()
        (folder / "cat" / f"2{ending}").write_bytes(whole)
        return folder

    return make


def _special(change: Callable[[Path], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        image_folder(folder)
        change(folder)
        return folder

    return make


def _many_bombs(folder: Path, *, behind: bool = False) -> None:
    content = png(4000, 4000, data=deflated(4001 * 4000 + 2**20))
    for k in range(50 if behind else 20):
        (folder / "cat" / f"bomb{k:02}.png").write_bytes(content)
    if not behind:
        (folder / "cat" / "1.png").unlink()


def _circle(place: Path) -> None:
    os.symlink("cow2", place)
    os.symlink("cow", place.with_name("cow2"))
    for name in ("cat", "dog"):
        (place.parent / name / "1.png").unlink()


def _linked_picture(place: Path, target: str) -> None:
    place.mkdir()
    os.symlink(target, place / "1.png")


def _unnamed(folder: Path) -> None:
    """A name that is not UTF-8, of a class and of its picture, which is broken."""
    place = os.path.join(os.fsencode(folder), b"caf\xe9\x1b[2J")
    os.mkdir(place)
    with open(os.path.join(place, b"\xff\xfe.png"), "wb") as file:
        file.write(b"no picture")


def _linked_part(folder: Path) -> None:
    os.symlink("..", folder / "cat" / "train")
    os.symlink("cat", folder / "test")


def _linked_class(folder: Path) -> None:
    (folder / "dog" / "1.png").unlink()
    (folder / "dog").rmdir()
    os.symlink("..", folder / "dog")


def _piped_class(folder: Path) -> None:
    (folder / "cow").mkdir()
    os.mkfifo(folder / "cow" / "1.png")


FOLDERS: dict[str, Callable[[Path], None]] = {
    "twenty pictures of 4,000 x 4,000 in 16 KB": _many_bombs,
    "a class that is a link to the folder above": _linked_class,
    "a picture that is a link to /dev/zero": lambda f: os.symlink("/dev/zero", f / "cow.png"),
    "a class without pictures": lambda f: (f / "cow").mkdir(),
    "a class whose picture is a pipe": _piped_class,
    "a class whose picture is a folder": lambda f: (f / "cow" / "1.png").mkdir(parents=True),
    "a class with an escape sequence as its name": lambda f: (f / "\x1b[2J").mkdir(),
    "fifty pictures of 4,000 x 4,000 behind a small one": lambda f: _many_bombs(f, behind=True),
    "a class in a circle of links": lambda f: _circle(f / "cow"),
    "a class that is a device": lambda f: _linked_picture(f / "cow", "/dev"),
    "a class whose picture is a link to /dev/zero": lambda f: _linked_picture(
        f / "cow", "/dev/zero"
    ),
    "a class whose picture is a link out of the folder": lambda f: _linked_picture(
        f / "cow", "/etc/passwd"
    ),
    "a class whose name is not text": lambda f: _unnamed(f),
    "parts within parts": lambda f: [image_folder(f / p / "test") for p in ("train", "test")],
    "a part that is a link to the folder above": lambda f: _linked_part(f),
    "pictures of two sizes": lambda f: Image.new("L", (5, 5)).save(f / "cat" / "2.png"),
}  # fmt: skip


def files() -> Iterator[Hostile]:
    """Each image alone, as for prediction, and most among others, as for training."""
    tables = {"1.png": PNG, "1.tif": TIFF, "1.webp": WEBP, "1.jp2": JPEG_2000, **OTHERS}
    for name, table in tables.items():
        yield from contents("image", name, table)
    for name, content in {**PNG, **TIFF, **WEBP, **JPEG_2000}.items():
        yield Hostile(
            f"{name}, among good ones", "folder", _among(".png", content), callable(content)
        )
    for name, change in FOLDERS.items():
        if "a picture that is a link" not in name:
            yield Hostile(name, "folder", _special(change), heavy=True)
    yield from special_files("image", "1.png")
    yield from special_files("folder", "images")

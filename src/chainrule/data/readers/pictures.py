"""Reading pictures by Pillow: what a file holds, whatever its name, and its pixels as bytes."""

from __future__ import annotations

import io
import os
import re
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem
from chainrule.core.limits import MAX_DATA_BYTES, MAX_PIXELS, MOST_SHOWN, machine_cores
from chainrule.core.progress import progress
from chainrule.data.generators.base import ends_of
from chainrule.data.readers.paths import existing_file, refuse_bomb

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = {
    f".{ending}": name
    for name, endings in {
        "PNG": "png",
        "JPEG": "jpg jpeg jpe jfif",
        "WebP": "webp",
        "TIFF": "tif tiff",
        "BMP": "bmp",
        "GIF": "gif",
        "PPM": "ppm pgm pbm pnm",
        "JPEG 2000": "jp2 j2k jpx",
    }.items()
    for ending in endings.split()
}
"""The endings of files that must be images, with the names of their formats.

Other files are images if their content is."""

NAMES_OF_FORMATS = ", ".join(dict.fromkeys(ENDINGS.values()))

_HEAD = 64
"""The bytes at the beginning of a file that show its format."""

_TAIL = 2**16
"""The bytes at the end of a file in which a JPEG 2000 image must end; some text may follow it."""

_SMALL = 2**24
"""The most bytes of a file that is read into memory at once."""

_STRIP = 256
"""Rows of an image that are converted at once, which limits the memory needed."""

_CHUNK = 4
"""Images that a thread reads before it reports."""

MOST_KINDS = 5
"""So many sizes of images, or endings of files, are listed in a message."""

_NUMBERS = re.compile(rb"P[1-6]\s+(?:#[^\n]*\n\s*)*\d")
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def _is_bmp(head: bytes) -> bool:
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS


_FORMATS: dict[str, Callable[[bytes], bool]] = {
    "PNG": lambda head: head.startswith(b"\x89PNG"),
    "JPEG": lambda head: head.startswith(b"\xff\xd8\xff"),
    "GIF": lambda head: head.startswith((b"GIF87a", b"GIF89a")),
    "WEBP": lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP",
    "TIFF": lambda head: head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    "JPEG2000": lambda head: head.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")),
    "BMP": _is_bmp,
    "PPM": lambda head: _NUMBERS.match(head) is not None,
}
"""The only formats that Pillow may open: its readers of some others run programs."""

_OTHERS = {
    b"8bps": "a Photoshop file",
    b"%pdf": "a PDF file",
    b"%!ps": "a Postscript program",
    b"pk\3\4": "a zip file",
    b"<svg": "an SVG drawing",
    b"<!doctype html": "a web page (HTML)",
    b"<html": "a web page (HTML)",
    b"<?xml": "an XML file",
    b"version https://git-lfs": "a Git LFS pointer, whose image was not fetched",
}
"""What else a file with the name of an image may be, by how its content begins in lower case."""


def format_of(head: bytes) -> str | None:
    """The format of an image by the first bytes of its file; None if it is no image.

    Example:
        >>> format_of(b"RIFF....WEBPVP8L"), format_of(b"hello")
        ('WEBP', None)
    """
    return next((name for name, begins in _FORMATS.items() if begins(head)), None)


def is_image(path: Path) -> bool:
    """Whether the name or else the content of an ordinary file is that of an image."""
    if path.suffix.lower() in ENDINGS:
        return True
    try:
        with open(path, "rb") as file:
            return format_of(file.read(_HEAD)) is not None
    except OSError:
        return False


class _Room:
    """Lets threads unpack images side by side as long as these have few pixels together."""

    def __init__(self, pixels: int) -> None:
        self._all = self._free = pixels
        self._changed = threading.Condition()

    @contextmanager
    def of(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for an image; it is free again after this context."""
        needed = min(pixels, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= needed)
            self._free -= needed
        try:
            yield
        finally:
            with self._changed:
                self._free += needed
                self._changed.notify_all()


_ROOM = _Room(MAX_PIXELS)


class OtherSize(Exception):
    """An image whose height and width are not those that are expected."""

    def __init__(self, height: int, width: int) -> None:
        self.size = height, width
        super().__init__(f"{height} x {width}")


def read_picture(
    path: Path,
    shape: tuple[int, int] | None,
    color: bool,
    expected: tuple[int, int] | None = None,
) -> Array:
    """One image as bytes, (height, width) or (height, width, 3).

    It is upright by its EXIF orientation, on white where it is transparent, and of several
    frames or pages the first. Brightness of 16 bits is scaled to 8.

    Args:
        path: the file; its content alone says which format it has.
        shape: the height and width to which it is resized; None to keep its own.
        color: keep red, green and blue rather than grey.
        expected: the height and width that it must have, if that is known.

    Raises:
        DataError: it is no image, is damaged or cut short, or too large.
        OtherSize: it has not the expected size; large ones are then not unpacked.
    """
    with _opened(path) as image:
        if expected is not None and sorted(image.size) != sorted(expected):
            raise OtherSize(*_upright_size(image))
        with _ROOM.of(image.width * image.height):
            picture = _upright(image, color, shape)
            del image  # which the array needs not wait for
            pixels = np.asarray(picture, dtype=np.uint8)
    if expected is not None and pixels.shape[:2] != expected:
        raise OtherSize(*pixels.shape[:2])
    return pixels


def _upright(image: Image, color: bool, shape: tuple[int, int] | None) -> Image:
    """An opened image, unpacked and turned, in grey or in colour, and resized."""
    from PIL import Image, ImageOps

    image.load()
    white = _brightest(image)
    with suppress(Exception):  # what the camera says may be damaged where the pixels are good
        ImageOps.exif_transpose(image, in_place=True)
    picture = _plain(image, "RGB" if color else "L", white)
    if shape is None or picture.size == shape[::-1]:
        return picture
    return picture.resize(shape[::-1], Image.Resampling.LANCZOS)


def _upright_size(image: Image) -> tuple[int, int]:
    """The height and width of an image, by its header, when it is turned as its camera says."""
    is_tiff = image.format == "TIFF"  # whose size Pillow has turned already
    lies = False
    if not is_tiff and (image.format != "PNG" or "exif" in image.info):  # a PNG may hold it last
        with suppress(Exception):
            lies = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return image.size if lies else (image.height, image.width)


class _Large(io.BufferedReader):
    """A large file of which no more is asked than it has, as of one that is in memory.

    Pillow asks for as many bytes as a damaged file says there are, and Python takes memory for
    all of them. Nor does Pillow map this file into memory, where it may change.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most ``size`` bytes."""
        if size is not None and size > _SMALL:
            size = min(size, os.fstat(self.fileno()).st_size)
        return super().read(size)


def _file(path: Path) -> io.BytesIO | _Large:
    """The content of a file that exists, in memory unless it is large."""
    source = _Large(io.FileIO(existing_file(path)))
    if os.fstat(source.fileno()).st_size > _SMALL:
        return source
    with source:
        return io.BytesIO(source.read(_SMALL))


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """The image in a file; whatever goes wrong with it is a `DataError`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with _file(path) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            head = file.read(_HEAD)
            kind = format_of(head)
            if kind is None:
                raise DataError(Problem(_no_image(head), path))
            if kind == "WEBP":  # which Pillow reads as a whole
                existing_file(path, at_most=4 * MAX_PIXELS)
                _refuse_large_for(path, size, _webp_size(head))
            _load_plugin(kind)
            with Image.open(file, formats=(kind,)) as image:
                _refuse_large(path, image.size)
                if kind == "JPEG2000":
                    _refuse_large_for(path, size, image.size)
                    _require_end_of_jpeg_2000(file, size)
                yield image
    except (DataError, MemoryError, OtherSize):
        raise
    except UnidentifiedImageError:
        raise DataError(Problem("the file is not an image, or is damaged", path)) from None
    except Image.DecompressionBombError:
        raise DataError(Problem("the image is too large to be unpacked", path)) from None
    except Exception as error:  # Pillow raises whatever its parsers meet in a damaged file
        reason = str(error) or type(error).__name__
        if "decoder object" in reason:
            reason = "it is damaged or cut short"  # how Pillow says so of a WebP image
        raise DataError(Problem(f"the image cannot be read ({reason})", path)) from None


def _require_end_of_jpeg_2000(file: io.BytesIO | _Large, size: int) -> None:
    """Refuse a file that is cut short, whose missing parts its decoder may leave grey.

    The two bytes of the end occur in no compressed data.
    """
    place = file.tell()
    file.seek(max(0, size - _TAIL))
    is_whole = b"\xff\xd9" in file.read(_TAIL)
    file.seek(place)
    if not is_whole:
        raise ValueError("image file is truncated")


def _load_plugin(kind: str) -> None:
    """Import Pillow's reader of a format, where Pillow itself would import all that it has."""
    if kind == "WEBP":
        from PIL import WebPImagePlugin  # noqa: F401
    elif kind == "TIFF":
        from PIL import TiffImagePlugin  # noqa: F401
    elif kind == "JPEG2000":
        from PIL import Jpeg2KImagePlugin  # noqa: F401
    else:
        from PIL import Image

        Image.preinit()


def _refuse_large(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        message = f"the image has {width} x {height} pixels; at most {MAX_PIXELS:,}"
        raise DataError(Problem(message, path))


def _refuse_large_for(path: Path, packed: int, size: tuple[int, int]) -> None:
    """Refuse a few bytes of a large image where a decoder takes much memory before any fault."""
    _refuse_large(path, size)
    refuse_bomb(path, packed, size[0] * size[1])


def _webp_size(head: bytes) -> tuple[int, int]:
    """The width and height of a WebP image: Pillow takes memory for it when it opens the file."""
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    sides = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
    return sides[0] & 0x3FFF, sides[1] & 0x3FFF


def _no_image(head: bytes) -> str:
    """The message for a file that is no image of a known format."""
    if not head:
        return "the file is empty"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        kind = "an AVIF" if brand in (b"avif", b"avis") else "a HEIC"
        if brand in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"hevc"):
            return f"the file is {kind} picture, which is not read; save it as PNG or JPEG"
        return "the file is a video, not an image"
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, what in _OTHERS.items():
        if begin.startswith(start):
            return f"the file is {what}, not an image that can be read"
    return "the file is not an image, or is damaged"


# From the modes of Pillow to bytes of grey or of red, green and blue


def _plain(image: Image, mode: str, white: float) -> Image:
    """The image in the mode ``L`` or ``RGB``, converted strip by strip."""
    from PIL import Image

    width, height = image.size
    if height <= _STRIP:
        return _plain_strip(image, mode, white)
    plain = Image.new(mode, image.size)
    for top in range(0, height, _STRIP):
        strip = image.crop((0, top, width, min(top + _STRIP, height)))
        plain.paste(_plain_strip(strip, mode, white), (0, top))
    return plain


def _plain_strip(image: Image, mode: str, white: float) -> Image:
    """A strip converted to the mode, on a white background if it is transparent."""
    from PIL import Image

    if image.mode.startswith("I"):
        # Pillow would clip pixels of 16 bits at 255 instead of scaling them.
        wide = np.asarray(image, dtype=np.float64) / (abs(white) / 255)
        wide = 255 - wide if white < 0 else wide
        image = Image.fromarray(np.clip(np.round(wide), 0, 255).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        opaque = image.convert("RGBA")
        background = Image.new("RGBA", opaque.size, "white")
        image = Image.alpha_composite(background, opaque)
    return image if image.mode == mode else image.convert(mode)


def _brightest(image: Image) -> float:
    """The number of a white pixel; negative if 0 is white, as TIFF allows.

    Raises:
        ValueError: the file does not say which number is white.
    """
    tags: Any = getattr(image, "tag_v2", None) if image.format == "TIFF" else None
    deep = image.mode.startswith("I")
    if image.mode == "F" or (tags and image.mode == "I"):
        kind = "floating-point" if image.mode == "F" else "32-bit or signed"
        raise ValueError(f"{kind} pixels do not say which number is white; save 8 or 16 bits")
    if not deep or not tags:
        return 65_535.0
    bits, white_is_zero = tags.get(258, (16,))[0], tags.get(262, 1) == 0
    return float(2**bits - 1) * (-1 if white_is_zero else 1)


def some_of(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = len(names) - MOST_SHOWN
    shown = ", ".join(names[:MOST_SHOWN])
    return f"{shown} and {more:,} more" if more > 0 else shown


# Reading many pictures


class Pictures:
    """Reads images into one array, several at a time.

    Args:
        files: the files.
        size: the side, or [height, width], to which they are resized; None if they must agree.
        color: whether they keep their colours.
        folder: where they lie, for messages.
        skip_broken: whether broken images are left out.
        trained: whether they are for a network that has been trained, so that no setting of the
            configuration can be advised.
    """

    def __init__(
        self,
        files: Sequence[Path],
        size: Sequence[int] | int | None,
        color: bool,
        folder: Path,
        skip_broken: bool,
        *,
        trained: bool = False,
    ) -> None:
        self._files = files
        self._shape = None if size is None else ends_of(size)
        self._color = color
        self._folder = folder
        self._skip_broken = skip_broken
        self._trained = trained
        self._broken: dict[int, Problem] = {}
        self._others: dict[int, tuple[int, int]] = {}
        self._todo: Sequence[int] = ()
        self._expected: tuple[int, int] | None = None
        self._x: Array = np.empty(0, np.uint8)

    def run(self) -> Array:
        """The images as bytes, (cases, height, width) or (cases, height, width, 3).

        Raises:
            DataError: images are broken, too large or differ in size.
        """
        with warnings.catch_warnings(action="ignore"):  # about large and odd images
            self._make_room()
            self._read_all()
        problems = [] if self._skip_broken else self._broken_ones()
        if self._others:
            problems.append(Problem(self._sizes(), self._folder))
        if problems:
            raise DataError(problems)
        if len(self._broken) == len(self._files):
            raise DataError(Problem("all images are broken", self._folder))
        if not self._broken:
            return self._x
        good = np.ones(len(self._files), dtype=bool)
        good[list(self._broken)] = False
        return self._x[good]

    @property
    def skipped(self) -> set[Path]:
        """The files that are broken."""
        return {self._files[k] for k in self._broken}

    def notes(self) -> tuple[str, ...]:
        """A sentence about the images that were left out because they are broken."""
        if not self._broken:
            return ()
        names = [str(self._inside(self._files[k])) for k in sorted(self._broken)]
        many = f"{len(names):,} broken image{'s' if len(names) > 1 else ''}"
        return (f"left out of {self._folder.name}: {many}, {some_of(names)}",)

    def _inside(self, path: Path) -> Path:
        """The path of a file from the folder on, if it lies in it."""
        return path.relative_to(self._folder) if path.is_relative_to(self._folder) else path

    def _make_room(self) -> None:
        """Make the array for all images; without a size the first good one says how large."""
        shape: tuple[int, ...] | None = self._shape and (*self._shape, *([3] * self._color))
        first: Array | None = None
        place = -1
        while shape is None and (place := place + 1) < len(self._files):
            first = self._picture(place)
            shape = None if first is None else first.shape
        if shape is None:
            return
        count = len(self._files) * int(np.prod(shape, dtype=object))
        if count * 8 > MAX_DATA_BYTES:
            raise DataError(Problem(self._too_much(shape, count * 8), self._folder))
        if first is not None:  # with a size given, the user knows how large the images become
            refuse_bomb(self._folder, sum(path.stat().st_size for path in self._files), count)
        self._x = np.empty((len(self._files), *shape), np.uint8)
        if first is not None:
            self._x[place] = first
            self._expected = first.shape[0], first.shape[1]
        self._todo = range(place + 1, len(self._files))

    def _too_much(self, shape: Sequence[int], size: int) -> str:
        message = (
            f"{len(self._files):,} images of {shape[0]} x {shape[1]} would take "
            f"{size / 2**30:.1f} GiB; at most {MAX_DATA_BYTES // 2**30} are read"
        )
        return message if self._trained else f"{message}; give a smaller size, such as size: 64"

    def _picture(self, k: int) -> Array | None:
        """One image; None if it is broken or has not the expected size."""
        try:
            return read_picture(self._files[k], self._shape, self._color, self._expected)
        except DataError as error:
            self._broken[k] = error.problems[0]
        except OtherSize as error:
            self._others[k] = error.size
        return None

    def _read_all(self) -> None:
        """Read all other images, in threads if they are many."""
        starts = range(0, len(self._todo), _CHUNK)
        chunks = [self._todo[start : start + _CHUNK] for start in starts]
        with progress("reading images", total=len(self._todo)) as advance:
            if len(chunks) < 2:
                self._read_chunk(self._todo)
                return
            pool = ThreadPoolExecutor(min(machine_cores(), len(chunks)))
            try:
                for number in pool.map(self._read_chunk, chunks):
                    advance(number)
            finally:
                pool.shutdown(cancel_futures=True)

    def _read_chunk(self, cases: Sequence[int]) -> int:
        """Read some images; return how many they are."""
        for k in cases:
            if (picture := self._picture(k)) is not None:
                self._x[k] = picture
        return len(cases)

    def _broken_ones(self) -> list[Problem]:
        """The problems of the broken images: the first, how many more, and what can be done."""
        found = [self._broken[k] for k in sorted(self._broken)]
        more = len(found) - MOST_SHOWN
        problems = found[:MOST_SHOWN]
        if more > 0:
            problems.append(Problem(f"and {more:,} more broken images", self._folder))
        if found and not self._trained:
            many = f"{len(found):,} of {len(self._files):,} images"
            hint = f"to go on without the {many} that cannot be read, write skip_broken: true"
            problems.append(Problem(hint, self._folder))
        return problems

    def _sizes(self) -> str:
        """The message for images of several sizes: how many have each."""
        usual = self._x.shape[1:3]
        agree = len(self._files) - len(self._others) - len(self._broken)
        sizes = Counter({usual: agree}) + Counter(self._others[k] for k in sorted(self._others))
        listed = [
            f"{number:,} of {height} x {width}"
            for (height, width), number in sizes.most_common(MOST_KINDS)
        ]
        if len(sizes) > MOST_KINDS:
            listed.append(f"and {len(sizes) - MOST_KINDS:,} more")
        (height, width), _ = sizes.most_common(1)[0]
        common = height, width
        odd = next(k for k in range(len(self._files)) if self._others.get(k, usual) != common)
        message = (
            f"the images have {len(sizes)} sizes: {', '.join(listed)} (the first of another size "
            f"is {self._inside(self._files[odd])})"
        )
        if self._trained:
            return f"{message}; the network was trained on images of one size"
        line = f"size: {height}" if height == width else f"size: [{height}, {width}]"
        return f"{message}; write {line} to resize all to the commonest"

"""Files that may be packed by gzip, xz, bzip2 or zstandard, opened as what they hold.

They are unpacked as they are read, so that nothing but a buffer is in memory. A file that unpacks
to implausibly much is refused while it is read (see `chainrule.data.readers.paths.refuse_bomb`).
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from chainrule.core.errors import DataError, Problem
from chainrule.core.registry import missing_extra
from chainrule.data.readers.paths import FOLDER_HINT, existing_file, refuse_bomb

_WINDOW = 2**27
"""The most bytes of what is already unpacked that a file may refer back to; xz -9 has 2²⁶."""

_LEAST = 2**22
"""A file that is read as it is unpacked is refused as a bomb beyond so many bytes."""

_STEP = 2**11
"""How many packed bytes are unpacked at once: to at most about 64 million, however hostile."""


class _Unpacker(io.RawIOBase):
    """A file, unpacked a few bytes at a time; several of them may be joined in one file.

    Args:
        file: the packed file.
        unpackers: makes an object that unpacks one of the joined files, with a method
            ``decompress`` and attributes ``eof`` and ``unused_data``.
    """

    def __init__(self, file: BinaryIO, unpackers: Callable[[], Any]) -> None:
        self._file = file
        self._unpackers = unpackers
        self._unpacker = unpackers()
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            packed = b""
            if self._unpacker.eof:
                packed = self._unpacker.unused_data.lstrip(b"\0")
            packed = packed or self._file.read(_STEP)
            if not packed:
                if not self._unpacker.eof:
                    raise EOFError("it ends too early")
                return 0
            if self._unpacker.eof:
                packed = packed.lstrip(b"\0")
                if not packed:
                    continue
                self._unpacker = self._unpackers()
            self._ready = memoryview(self._unpacker.decompress(packed))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def _xz(file: BinaryIO) -> _Unpacker:
    return _Unpacker(file, lambda: lzma.LZMADecompressor(memlimit=_WINDOW + 2**24))


def _zstandard(file: BinaryIO) -> _Unpacker:
    try:
        import zstandard
    except ImportError:
        raise missing_extra("a file packed by zstandard", "zst", "zstandard") from None
    unpack = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    return _Unpacker(file, unpack.decompressobj)


PACKED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\xfd7zXZ\0": _xz,
    b"BZh": bz2.BZ2File,
    b"\x28\xb5\x2f\xfd": _zstandard,
}
"""How packed files begin, and what unpacks them."""

ENDINGS = (".gz", ".xz", ".bz2", ".zst")
"""How the names of packed files end."""


def unpacked_name(name: str) -> str:
    """The name of what a packed file holds.

    Example:
        >>> unpacked_name("people.csv.gz"), unpacked_name("people.csv")
        ('people.csv', 'people.csv')
    """
    return next((name.removesuffix(end) for end in ENDINGS if name.endswith(end)), name)


class _Unpacked(io.RawIOBase):
    """The content of a file, unpacked if it is packed; to be read once, from the beginning."""

    def __init__(self, path: Path) -> None:
        self._path = existing_file(path, hint=FOLDER_HINT)
        self._length = 0
        try:
            self._size = path.stat().st_size
            self._packed = open(path, "rb")  # noqa: SIM115 (closed by close)
            head = self._packed.read(10)
            self._packed.seek(0)
        except OSError as error:
            message = f"the file cannot be read ({error.strerror})"
            raise DataError(Problem(message, path)) from None
        opener = next((PACKED[start] for start in PACKED if head.startswith(start)), None)
        # A text may begin with BZh; the format has a digit and six fixed bytes next.
        if head.startswith(b"BZh") and head[4:10] != b"1AY&SY":
            opener = None
        self.is_packed = opener is not None
        self._file: Any = self._packed
        if opener is not None:
            try:
                self._file = opener(self._packed)
            except BaseException:
                self._packed.close()
                raise

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count: int = self._file.readinto(buffer)
        except MemoryError:
            message = "the file needs too much memory to be unpacked"
            raise DataError(Problem(message, self._path)) from None
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
            what = "is damaged" if self.is_packed else "cannot be read"
            raise DataError(Problem(f"the file {what} ({error})", self._path)) from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "zstandard":
                raise
            raise DataError(Problem(f"the file is damaged ({error})", self._path)) from None
        self._length += count
        if self.is_packed:
            refuse_bomb(self._path, self._size, self._length, least=_LEAST)
        return count

    def close(self) -> None:
        self._file.close()
        self._packed.close()
        super().close()


def open_unpacked(path: Path) -> io.BufferedReader:
    """A file, opened for reading, that is unpacked as it is read if it is packed.

    Raises:
        DataError: the file is missing or cannot be read; what is read from it is damaged, or it
            unpacks to too much.
        MissingExtraError: it is packed by zstandard, whose package is not installed.
    """
    return io.BufferedReader(_Unpacked(path), 2**18)


def is_packed(file: io.BufferedIOBase) -> bool:
    """Whether a file that `open_unpacked` has opened is packed."""
    return isinstance(file, io.BufferedReader) and getattr(file.raw, "is_packed", False)


def first_bytes(path: Path, count: int = 8) -> bytes:
    """The first bytes of what a file holds, unpacked.

    Raises:
        DataError: as `open_unpacked` does.
    """
    with open_unpacked(path) as file:
        return file.read(count)

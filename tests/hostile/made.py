"""A hostile file: how it is made, and which reader reads it."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Hostile:
    """A file, or a folder, that must do no harm to whoever reads it.

    Args:
        name: what it attempts, in a few words; unique among the files of its format.
        reader: the key of its reader in `hostile.readers.READERS`.
        make: writes it into an empty folder and returns the path for the reader.
        heavy: whether making it takes much memory itself.
    """

    name: str
    reader: str
    make: Callable[[Path], Path]
    heavy: bool = False


Bytes = bytes | Callable[[], bytes]


def contents(reader: str, file: str, table: dict[str, Bytes]) -> Iterator[Hostile]:
    """Files of given bytes, by what they attempt; long ones are made when they are needed."""
    for name, content in table.items():
        yield Hostile(name, reader, _writer(file, content), heavy=not isinstance(content, bytes))


def _writer(file: str, content: Bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / file
        path.write_bytes(content if isinstance(content, bytes) else content())
        return path

    return make


def packed_zeros(size: int) -> bytes:
    """A gzip file of ``size`` zeros, about a thousandth as long."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for start in range(0, size, 2**20):
            file.write(bytes(min(2**20, size - start)))
    return packed.getvalue()


def zipped(members: dict[str, bytes], *, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", how) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, compress_type=how)
    return packed.getvalue()


def deflated(size: int, head: bytes = b"") -> bytes:
    """``head`` and ``size`` zeros, as a zlib stream."""
    squeeze = zlib.compressobj(9)
    parts = [squeeze.compress(head)]
    parts += [squeeze.compress(bytes(2**20)) for _ in range(size // 2**20)]
    return b"".join([*parts, squeeze.flush()])

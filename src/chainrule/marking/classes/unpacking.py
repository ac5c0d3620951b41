"""Unpacks what students hand in, from archives that nobody trusts.

Nothing is written outside the folder that was named, no link or device is made, and no archive
unpacks to more than `MOST_BYTES` or `MOST_FILES`, whatever it says of itself: bytes are counted as
they come. An archive that tries is refused whole.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

MOST_BYTES = 64 * 2**20
"""What a submission may hold, unpacked: a hundred times what code takes."""

MOST_FILES = 2_000

MOST_LETTERS = 200
"""The longest name of a file, in bytes, that is unpacked."""

MOST_READ = 2 * MOST_BYTES
"""The most bytes that an archive may hold, with what is passed over: headers, caches, folders."""

DEEPEST = 20
"""The most folders within each other."""

LONGEST_PATH = 4_000
"""Longer paths, in bytes, are refused as well: systems end at 4,096."""

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

LEFT_OUT = ("__MACOSX", "__pycache__", ".ipynb_checkpoints", ".git", ".venv", "node_modules")
"""Folders of no use for marking."""


class Refused(Exception):
    """A submission that is not unpacked; its text says why, for its student."""


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is an archive.

    Example:
        >>> is_archive(Path("Lab3.TAR.GZ")), is_archive(Path("lab.py"))
        (True, False)
    """
    return path.name.lower().endswith(ENDINGS)


def unpack(path: Path, into: Path) -> None:
    """Unpack an archive.

    Args:
        path: the archive.
        into: an empty folder.

    Raises:
        Refused: it is damaged, locked by a password, too large, or would write elsewhere.
    """
    members = _zipped(path) if path.name.lower().endswith(".zip") else _tarred(path)
    left, files = MOST_BYTES, 0
    with _told(path.name):
        for name, content in members:
            target = into / _way(name)
            if is_left_out(Path(name)):
                continue
            files += 1
            if files > MOST_FILES:
                raise Refused(f"the archive {path.name} holds more than {MOST_FILES:,} files")
            target.parent.mkdir(parents=True, exist_ok=True)
            left = _copy(content, target, left, path.name)


def is_left_out(path: Path) -> bool:
    """Whether a file is of no use for marking: caches, what a system keeps beside files."""
    return any(p in LEFT_OUT for p in path.parts) or path.name.startswith("._")


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what the readers of archives raise into a refusal."""
    damaged = f"the archive {name} is damaged or no archive of the kind that its name says"
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError) as error:
        raise Refused(damaged) from error
    except NotImplementedError as error:
        raise Refused(f"the archive {name} is packed in a way that is not read") from error
    except RuntimeError as error:  # zipfile's word for a missing password
        raise Refused(f"the archive {name} is locked by a password") from error
    except (OSError, ValueError) as error:
        raise Refused(damaged) from error


def _zipped(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > 10 * MOST_FILES:
            raise Refused(f"the archive {path.name} holds more than {MOST_FILES:,} files")
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                raise Refused(_no_file(path.name, info.filename))
            with archive.open(info) as content:
                yield info.filename.replace("\\", "/"), content


class _Counted:
    """A file that is read up to a limit, so that nothing is decompressed without end."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name, self.left = file, name, MOST_READ

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            Refused: they are too many.
        """
        self.left -= size
        if self.left < 0:
            raise Refused(f"the archive {self.name} unpacks to more than {MOST_READ // 2**20} MB")
        return self.file.read(size)


_PACKED: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
"""How to open a compressed file, by its first two bytes."""


def _tarred(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with path.open("rb") as file:
        opened = _PACKED.get(file.read(2), open)
    with (
        opened(path, "rb") as packed,
        tarfile.open(fileobj=_Counted(packed, path.name), mode="r|") as archive,  # type: ignore[call-overload]
    ):
        for count, info in enumerate(archive):
            if count > 10 * MOST_FILES:
                raise Refused(f"the archive {path.name} holds more than {MOST_FILES:,} files")
            if info.isdir():
                continue
            content = archive.extractfile(info) if info.isreg() else None
            if content is None:
                raise Refused(_no_file(path.name, info.name))
            yield info.name, content


def _no_file(archive: str, name: str) -> str:
    return f"the archive {archive} holds a link or a device, {name[:60]!r}; only files are read"


def _way(name: str) -> PurePosixPath:
    """The way of a member below the folder.

    Raises:
        Refused: it leads elsewhere.
    """
    way = PurePosixPath(name)
    if way.is_absolute() or ".." in way.parts or "\0" in name or ":" in name.split("/")[0]:
        raise Refused(f"the archive would write outside its folder, to {name[:60]!r}")
    parts = [part for part in way.parts if part != "."]
    if not parts or len(parts) > DEEPEST or any(len(p.encode()) > MOST_LETTERS for p in parts):
        raise Refused(f"the archive holds a file of a name that is not taken, {name[:60]!r}")
    return PurePosixPath(*parts)


def _copy(content: IO[bytes], target: Path, left: int, name: str) -> int:
    """Write one file; returns how many bytes further ones may have."""
    with target.open("wb") as file:
        while block := content.read(2**16):
            left -= len(block)
            if left < 0:
                most = MOST_BYTES // 2**20
                raise Refused(f"the archive {name} unpacks to more than {most} MB")
            file.write(block)
    return left


def copy_folder(source: Path, into: Path) -> None:
    """Copy the ordinary files of a folder; links and devices in it are refused.

    Args:
        source: the folder as it was handed in.
        into: an empty folder.

    Raises:
        Refused: it holds a link, a device, or too much.
    """
    left = MOST_BYTES
    for count, path in enumerate(walked(source)):
        relative = path.relative_to(source)
        if path.is_symlink() or not path.is_file():
            message = f"the folder holds a link or a device, {str(relative)[:60]!r}"
            raise Refused(f"{message}; only files are read")
        left -= path.stat().st_size
        if count >= MOST_FILES or left < 0:
            most = f"{MOST_FILES:,} files or {MOST_BYTES // 2**20} MB"
            raise Refused(f"the folder holds more than {most}; leave the data and results out")
        target = into / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def walked(folder: Path) -> Iterator[Path]:
    """Everything in a folder that is no folder, in order; links to folders are not followed.

    Raises:
        Refused: there are too many folders within each other.
    """
    todo = [(folder, 0)]
    while todo:
        path, depth = todo.pop()
        if depth > DEEPEST or len(os.fsencode(path)) > LONGEST_PATH:
            raise Refused(f"the folder holds more than {DEEPEST} folders within each other")
        if depth and (path.is_symlink() or not path.is_dir()):
            yield path
            continue
        names = sorted(
            (name for name in os.listdir(path) if not _is_passed_over(name)), reverse=True
        )
        todo += [(path / name, depth + 1) for name in names]


def _is_passed_over(name: str) -> bool:
    return name in LEFT_OUT or name.startswith("._") or name == ".DS_Store"

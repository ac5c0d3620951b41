"""What the targets share: a file in memory's stead, and the one error that is allowed.

A target is a module with ``READER``, what reads the path of a file, and ``MODULES``, whose code
is instrumented. Run one with::

    python -m proof.fuzz.run TARGET -runs=100000
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chainrule.errors import ChainruleError

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """A reader to be fuzzed.

    Args:
        name: of the target and of its corpus' folder.
        file: the name a file of this kind has.
        read: reads it; anything but a result or a `ChainruleError` is a finding.
        modules: what is instrumented, by the beginning of their names.
        longest: bytes of the inputs that are tried.
    """

    name: str
    file: str
    read: Callable[[Path], object]
    modules: tuple[str, ...]
    longest: int = 4096

    @property
    def corpus(self) -> Path:
        """The folder of inputs that reach different code."""
        return CORPUS / self.name

    def try_bytes(self, content: bytes, folder: Path) -> bool:
        """Read a file of these bytes; whether it was accepted.

        Raises:
            Exception: whatever the reader should have said in a `ChainruleError`.
        """
        path = folder / self.file
        with open(path, "wb", buffering=0) as file:
            file.write(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.read(path)
        except ChainruleError:
            return False
        return True


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder that lies in memory where the system has such, so that disks are spared."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=shared) as place:
        yield Path(place)

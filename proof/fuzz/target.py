"""A target of fuzzing: a reader of a file, which may raise only a `ChainruleError`.

Run one with::

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

from chainrule.core.errors import ChainruleError

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """A reader to be fuzzed.

    Args:
        name: of the target and of the folder of its corpus.
        file: the name of a file of this kind.
        read: the reader; any error but a `ChainruleError` is a finding.
        longest: the largest size of an input, in bytes.
    """

    name: str
    file: str
    read: Callable[[Path], object]
    longest: int = 4096

    @property
    def corpus(self) -> Path:
        """The folder of inputs, each of which reaches other code."""
        return CORPUS / self.name

    @contextmanager
    def trials(self, folder: Path) -> Iterator[Callable[[bytes], bool]]:
        """A function that reads a file with given bytes; returns whether it was accepted.

        Errors other than `ChainruleError` pass through. All calls share one open file and one
        filter of warnings, which would otherwise take as long as the reading.

        Args:
            folder: the folder to write the file in.
        """
        path = folder / self.file

        def accepted(content: bytes) -> bool:
            file.seek(0)
            file.truncate()
            file.write(content)
            try:
                self.read(path)
            except ChainruleError:
                return False
            return True

        with open(path, "wb", buffering=0) as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            yield accepted


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A temporary folder, in memory if the system has one, to spare the disk."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=shared) as place:
        yield Path(place)

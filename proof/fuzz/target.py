"""What the targets share: a file in memory's stead, and the one error that is allowed.

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
        name: of the target and of its corpus' folder.
        file: the name a file of this kind has.
        read: reads it; anything but a result or a `ChainruleError` is a finding.
        longest: bytes of the inputs that are tried.
    """

    name: str
    file: str
    read: Callable[[Path], object]
    longest: int = 4096

    @property
    def corpus(self) -> Path:
        """The folder of inputs that reach different code."""
        return CORPUS / self.name

    @contextmanager
    def trials(self, folder: Path) -> Iterator[Callable[[bytes], bool]]:
        """A function that reads a file of the bytes given, and says whether it was accepted.

        It raises whatever the reader should have said in a `ChainruleError`. A million calls
        share one open file and one filter of warnings: each would else cost as much as a reading.

        Args:
            folder: where the file lies.
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
    """A folder that lies in memory where the system has such, so that disks are spared."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=shared) as place:
        yield Path(place)

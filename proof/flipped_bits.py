"""A checkpoint with one bit flipped is always noticed.

Run with: python -m proof.flipped_bits
"""

from __future__ import annotations

import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from chainrule.core.errors import ChainruleError
from chainrule.runs.checkpoint import parse_checkpoint
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.train import train
from proof.killed_runs import configuration


@dataclass(frozen=True)
class Flips:
    """The result of flipping bits of one checkpoint.

    Attributes:
        size: of the checkpoint, in bytes.
        flips: the number of bits flipped, one at a time.
        unnoticed: the number of flips that reading the checkpoint did not notice.
    """

    size: int
    flips: int
    unnoticed: int

    def __str__(self) -> str:
        return f"{self.flips:,} bits of {self.size:,} bytes, {self.unnoticed} unnoticed"


def flip(width: int, most: int | None = None) -> Flips:
    """Flip every bit of a checkpoint, or ``most`` bits at random.

    Args:
        width: of the hidden layer, which determines the size of the checkpoint.
        most: the number of bits to flip; None for all.
    """
    with tempfile.TemporaryDirectory() as place:
        path = RunFolder(Path(place) / "r").checkpoint
        train(configuration("numpy", "adam", 60, width), run=path.parent)
        content = bytearray(path.read_bytes())
    parse_checkpoint(bytes(content), path)
    bits = 8 * len(content)
    chosen = range(bits) if most is None else random.Random(1).sample(range(bits), most)
    unnoticed = sum(not _is_noticed(content, bit, path) for bit in chosen)
    return Flips(len(content), len(chosen), unnoticed)


def _is_noticed(content: bytearray, bit: int, path: Path) -> bool:
    content[bit // 8] ^= 1 << bit % 8
    try:
        parse_checkpoint(bytes(content), path)
    except ChainruleError:
        return True
    finally:
        content[bit // 8] ^= 1 << bit % 8
    return False


def main() -> int:
    """Flip all bits of a small one and some of larger ones."""
    found = [flip(1), flip(100, 5000), flip(2000, 300)]
    print(*found, sep="\n")
    return int(any(flips.unnoticed for flips in found))


if __name__ == "__main__":
    sys.exit(main())

"""The inputs that fuzzing starts from: small valid files, and small hostile ones.

Run with: ``PYTHONPATH=.:tests python -m proof.fuzz.seeds``; it fills the corpus of each target.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hostile import good
from hostile.modules import FORMATS
from proof.fuzz.target import Target
from proof.fuzz.targets import TARGETS
from proof.fuzz.total import merge

_FORMATS = {"yaml": "YAML", "facts": "run", "idx": "IDX", "image": "images"}
_GOOD = {
    "yaml": ("config.yaml",), "compact": ("config.txt",), "text": ("cases.csv",),
    "npz": ("cases.npz",), "sequences": ("sequences.npz",), "characters": ("text.txt",),
    "idx": ("images-ubyte",),
    "image": tuple(f"pictures/{name}" for name in good.PICTURES),
    "pickle": ("cifar/batches.meta", "cifar/data_batch_1"),
    "safetensors": ("parameters.safetensors",), "facts": ("run/run.json",),
}  # fmt: skip


def seeds(target: Target, folder: Path) -> None:
    """Write the seeds of a target into a folder."""
    good.warm_up(folder / "good")
    chosen = folder / "seeds"
    chosen.mkdir()
    for name in _GOOD[target.name]:
        content = (folder / "good" / name).read_bytes()
        (chosen / Path(name).name).write_bytes(content[: target.longest])
    for number, file in enumerate(FORMATS[_FORMATS.get(target.name, target.name)]()):
        if file.heavy:
            continue
        made = folder / str(number)
        made.mkdir()
        path = file.make(made)
        if os.path.isdir(path):  # raises no error, whatever the name
            path = path / target.file
        if (
            os.path.isfile(path)
            and not path.is_symlink()
            and path.stat().st_size <= target.longest
        ):
            (chosen / str(number)).write_bytes(path.read_bytes())


def main() -> None:
    """Fill every corpus."""
    for target in TARGETS.values():
        with tempfile.TemporaryDirectory() as place:
            seeds(target, Path(place))
            merge(target.name, Path(place) / "seeds")
        print(f"{target.name}: {len(list(target.corpus.iterdir()))} inputs")


if __name__ == "__main__":
    main()

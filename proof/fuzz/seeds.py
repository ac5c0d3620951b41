"""The inputs that fuzzing starts from: small valid files, and small hostile ones.

Run with: ``PYTHONPATH=.:tests python -m proof.fuzz.seeds``; it fills the corpus of each target.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hostile import good
from hostile.modules import FORMATS
from hostile.run_folders import ENCODINGS
from hostile.tables import open_document
from proof.fuzz import tables
from proof.fuzz.target import Target
from proof.fuzz.targets import TARGETS
from proof.fuzz.total import merge

_FORMATS = {
    "yaml": "YAML", "facts": "run", "digests": "run", "idx": "IDX", "image": "images",
    "parquet": "tables", "feather": "tables", "arff": "tables", "workbook": "tables",
}  # fmt: skip
_GOOD = {
    "yaml": ("config.yaml",), "compact": ("config.txt",), "text": ("cases.csv",),
    "npz": ("cases.npz",), "sequences": ("sequences.npz",), "characters": ("text.txt",),
    "idx": ("images-ubyte",),
    "image": tuple(f"pictures/{name}" for name in good.PICTURES),
    "pickle": ("cifar/batches.meta", "cifar/data_batch_1"),
    "safetensors": ("parameters.safetensors",), "facts": ("run/run.json",),
    "digests": ("run/cases.safetensors",), "parquet": ("cases.parquet",),
    "feather": ("cases.feather",), "arff": ("cases.arff",), "workbook": ("cases.xlsx",),
}  # fmt: skip

_TEXTS = (
    b"a,b,y\n1,2,u\n3,4,v\n", b"a;b\n1,5;0007\n1.234,5;x\n", b"1 2\n3 4\n",
    b'"a\nb",1\n"",2\n', b"# c\n\n-999,2\n1,none\n", b"a\tb\nTRUE\t1'000\n", b"1,2\n3\n",
    "ä,ß\n1,2\n".encode("latin-1"),
)  # fmt: skip
_SHEET = (
    '<table:table-row><table:table-cell office:value-type="{}" office:value="1"><text:p>1</text:p>'
    "</table:table-cell></table:table-row>"
)
_ENCODING: dict[str, Any] = {
    "columns": ["age", "city", "y"], "has_names": True, "labels": ["y"],
    "inputs": [
        {"name": "age", "kind": "number", "fill": 5.5, "on_missing": "mean",
         "has_indicator": True},
        {"name": "city", "kind": "one_hot", "categories": ["Bergen", "Oslo"], "fill": "Oslo",
         "is_text": True, "on_missing": "most_frequent"},
    ],
    "new_categories": "other", "left_out": {},
}  # fmt: skip


def _made(name: str) -> Iterator[bytes]:
    """The seeds of a target whose inputs are no files of their own."""
    if name == "options":
        for k, text in enumerate(_TEXTS):
            yield bytes(10) + text
            yield bytes((k + shift) % 5 for shift in range(10)) + text
        yield bytes([0, 0, 0, 0, 2, 0, 0, 0, 0, 0]) + "a,b\n1,2\n".encode("utf-16")
    elif name == "packed":
        for k, text in enumerate(_TEXTS):
            yield bytes([k % 4, 255, 255, 0]) + text
            yield bytes([k % 4, 0, 3 * k, 1]) + text
        yield bytes([0, 255, 255, 0]) + gzip.compress(_TEXTS[0]) * 2
    elif name == "sheet":
        for k, part in enumerate(tables.PARTS):
            yield bytes([k]) + tables.workbook().get(part, b"<sst/>")
            yield bytes([k]) + tables.workbook().get(part, b"<sst/>")[:-9]
        yield bytes([len(tables.PARTS)]) + b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
        for kind in ("float", "boolean", "x"):
            with zipfile.ZipFile(io.BytesIO(open_document(_SHEET.format(kind)))) as file:
                yield bytes([len(tables.PARTS) + 1]) + file.read("content.xml")
    elif name == "parts":
        for k in range(12):
            yield bytes([0, k % 4, 4, 2, 3, 1, 1, 4, 0, k, 2, k, 4, 2, 1, 3, 1, 4, 0, 1])
            yield bytes([9 + k, k, k, 1, 2, 8 + k, 1, 4, 0, k])
    elif name == "encoding":
        yield json.dumps(_ENCODING).encode()
        for content in ENCODINGS.values():
            yield json.dumps(content).encode()


def seeds(target: Target, folder: Path) -> None:
    """Write the seeds of a target into a folder."""
    good.warm_up(folder / "good")
    chosen = folder / "seeds"
    chosen.mkdir()
    for number, content in enumerate(_made(target.name)):
        (chosen / f"made{number}").write_bytes(content[: target.longest])
    if target.name not in _GOOD:
        return
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
            target.name not in ("arff", "feather", "parquet", "workbook")
            or path.suffix == Path(target.file).suffix
        ) and (
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

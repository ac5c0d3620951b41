"""The readers that are fuzzed, by name."""

from __future__ import annotations

from pathlib import Path

from PIL import Jpeg2KImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401

from chainrule.config.load import load_config
from chainrule.core.arrays import Array
from chainrule.data.dataset import DataSplit, Digests
from chainrule.data.named.pickles import read_pickle
from chainrule.data.readers.characters import read_characters
from chainrule.data.readers.idx_file import read_idx_images
from chainrule.data.readers.npz_file import read_npz
from chainrule.data.readers.pictures import read_picture
from chainrule.data.readers.sequence_file import Sequences, holds_sequences, read_sequences
from chainrule.data.tables.reading import read_table
from chainrule.runs.run_folder import Facts, RunFolder
from chainrule.runs.tensor_file import Arrays, read_shapes, read_tensors
from proof.fuzz import tables
from proof.fuzz.target import Target


def _read_sequences(path: Path) -> Sequences | None:
    return read_sequences(path) if holds_sequences(path, wanted=True) else None


def _read_characters(path: Path) -> DataSplit:
    return read_characters(path, steps=4, split=(0.6, 0.2, 0.2))


def _read_picture(path: Path) -> Array:
    """Small, in colour: most of Pillow's conversions lead there."""
    return read_picture(path, (8, 8), color=True)


def _read_tensors(path: Path) -> Arrays:
    """Read the header first, as loading a run does."""
    read_shapes(path)
    return read_tensors(path)[0]


def _read_digests(path: Path) -> Digests | None:
    return RunFolder(path.parent).read_digests()


def _read_facts(path: Path) -> Facts:
    return RunFolder(path.parent).read_facts(2, 2)


TARGETS = {
    target.name: target
    for target in (
        Target("yaml", "config.yaml", load_config),
        Target("compact", "config.txt", load_config),
        Target("text", "cases.csv", read_table),
        Target("options", "cases", tables.read_with_options),
        Target("packed", "cases", tables.read_packed),
        Target("parquet", "cases.parquet", read_table, longest=16_384),
        Target("feather", "cases.feather", read_table, longest=16_384),
        Target("workbook", "cases.xlsx", read_table, longest=16_384),
        Target("sheet", "sheet", tables.read_workbook_part),
        Target("arff", "cases.arff", read_table),
        Target("npz", "cases.npz", read_npz),
        Target("parts", "parts", tables.read_npz_of_parts),
        Target("sequences", "cases.npz", _read_sequences),
        Target("characters", "text.txt", _read_characters),
        Target("idx", "images-ubyte", read_idx_images),
        Target("image", "1.png", _read_picture),
        Target("pickle", "data_batch_1", read_pickle),
        Target("safetensors", "parameters.safetensors", _read_tensors),
        Target("facts", "run.json", _read_facts),
        Target("encoding", "encoding.json", tables.apply_encoding),
        Target("digests", "cases.safetensors", _read_digests),
    )
}

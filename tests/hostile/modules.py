"""The formats, and the functions that make their hostile files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hostile import (
    archives,
    arrays,
    checkpoints,
    configurations_compact,
    configurations_yaml,
    idx_files,
    image_folders,
    models,
    pickles_of_images,
    run_folders,
    sequence_files,
    tables,
    tensors,
    text_of_cases,
    texts,
)
from hostile.made import Hostile

FORMATS: dict[str, Callable[[], Iterator[Hostile]]] = {
    "YAML": configurations_yaml.files,
    "compact": configurations_compact.files,
    "text": text_of_cases.files,
    "tables": tables.files,
    "npz": archives.files,
    "arrays": arrays.files,
    "sequences": sequence_files.files,
    "characters": texts.files,
    "IDX": idx_files.files,
    "pickle": pickles_of_images.files,
    "images": image_folders.files,
    "safetensors": tensors.files,
    "checkpoints": checkpoints.files,
    "run": run_folders.files,
    "models": models.files,
}

"""A good file of each kind, read once, so that all that a reader imports is imported."""

from __future__ import annotations

import csv  # noqa: F401
import difflib  # noqa: F401
import encodings.cp1252
import encodings.raw_unicode_escape
import encodings.utf_16
import encodings.utf_16_be
import encodings.utf_16_le
import encodings.utf_32
import encodings.utf_32_be
import encodings.utf_32_le  # noqa: F401
import hashlib
import json
import pickle
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save

with suppress(ImportError):
    import zstandard  # noqa: F401

from chainrule.core.errors import ChainruleError
from chainrule.core.limits import MOST_OPCODES
from hostile.readers import NETWORK, READERS, network
from hostile.tables import good_tables

CONFIG = {"network": NETWORK, "data": {"generator": "xor"}}
FACTS = {
    "engine": "numpy", "interrupted": False, "ending": None, "classes": ["0", "1"],
    "scaling": False,
}  # fmt: skip
SCORE = {"loss": 0.5, "accuracy": 1.0, "r2": None, "cases": 4}
POSITION = {"epoch": 1, "minibatch": 1, "steps": 1, "correct": 0, "seconds": 0.1}
COLUMNS = {"train_loss": [0.5], "seconds": [0.1]}
EPOCH = {"epoch": 1, "train_loss": 0.5}
TRIAL = {
    "number": 0, "values": {}, "scores": {}, "epochs": 1, "seconds": 0.1, "engine": "numpy",
    "failure": None,
}  # fmt: skip


def yaml_text() -> str:
    """A small configuration."""
    return (
        "network:\n  input: 2\n  loss: cross_entropy\n  layers:\n    - size: 3\n"
        "    - size: 2\n    - softmax\ndata:\n  generator: xor\n"
    )


def parameters() -> dict[str, np.ndarray]:
    """θ of the network that `hostile.readers` reads parameters into."""
    return {name: np.array(view) for name, view in network().parameters.items()}


def sealed(arrays: dict[str, Any] | None = None, **metadata: str) -> bytes:
    """A checkpoint with other arrays or metadata, and the SHA-256 that belongs to it."""
    columns = {f"history.{name}": np.array(column) for name, column in COLUMNS.items()}
    held = {**parameters(), **columns, "losses": np.zeros(1), **(arrays or {})}
    said = {
        "chainrule": "0",
        "numpy": "0",
        "position": json.dumps(POSITION),
        "columns": json.dumps([*COLUMNS]),
        "callbacks": "{}",
        "configuration": json.dumps({**CONFIG, "training": {}}),
        "data": json.dumps({"training data": "00000000"}),
        **metadata,
        "sha256": "0" * 64,
    }
    content = save(held, metadata=said)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(b'"sha256":"' + b"0" * 64, b'"sha256":"' + digest)


def scaling() -> bytes:
    """A scaling of the inputs of that network."""
    return save({"mean": np.zeros(2), "scale": np.ones(2)})


def digests() -> bytes:
    """The digests of four cases."""
    parts = {"train": 2, "validation": 1, "test": 1}
    return save({name: np.arange(count, dtype=np.uint64) for name, count in parts.items()})


def run_folder(folder: Path, **other: bytes) -> Path:
    """The folder of a run; ``other`` contents replace those of a file, by its stem."""
    folder.mkdir(exist_ok=True)
    facts = {**FACTS, "scaling": True, "scores": {}}
    files = {
        "config.yaml": yaml_text().encode(),
        "run.json": json.dumps(facts).encode(),
        "metrics.jsonl": json.dumps(EPOCH).encode() + b"\n",
        "parameters.safetensors": save(parameters()),
        "scaling.safetensors": scaling(),
        "cases.safetensors": digests(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(other.get(name.partition(".")[0], content))
    return folder


def sweep_folder(folder: Path, identity: bytes = b"{}", trials: bytes | None = None) -> Path:
    """The folder of a sweep."""
    folder.mkdir(exist_ok=True)
    (folder / "sweep.json").write_bytes(identity)
    whole = json.dumps(TRIAL).encode() + b"\n" if trials is None else trials
    (folder / "trials.jsonl").write_bytes(whole)
    return folder


def cifar_folder(folder: Path, **other: bytes) -> Path:
    """CIFAR-10 in one batch of two images; ``other`` contents replace those of a file."""
    folder.mkdir(exist_ok=True)
    rows = np.zeros((2, 3072), np.uint8)
    batch = pickle.dumps({b"data": rows, b"labels": [0, 1]}, protocol=2)
    names = pickle.dumps({b"label_names": [b"cat", b"dog"]}, protocol=2)
    files = {"data_batch_1": batch, "test_batch": batch, "batches.meta": names}
    for name, content in files.items():
        (folder / name).write_bytes(other.get(name.partition(".")[0], content))
    return folder


def idx(code: int, shape: tuple[int, ...], content: bytes) -> bytes:
    """An IDX file."""
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


def image_folder(folder: Path) -> Path:
    """Two classes of an image each."""
    for name, ending in (("cat", "png"), ("dog", "png")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), "red").save(folder / name / f"1.{ending}")
    return folder


PICTURES = {
    "1.png": {"format": "PNG"}, "2.jpg": {"format": "JPEG"}, "3.gif": {"format": "GIF"},
    "4.webp": {"format": "WEBP", "lossless": True}, "5.webp": {"format": "WEBP"},
    "6.tif": {"format": "TIFF"}, "7.tif": {"format": "TIFF", "compression": "tiff_lzw"},
    "8.jp2": {"format": "JPEG2000"}, "9.bmp": {"format": "BMP"}, "10.ppm": {"format": "PPM"},
    "11.tif": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
}  # fmt: skip
"""A picture of each format, and how Pillow writes it."""


def pictures(folder: Path) -> None:
    """Write the pictures, which their camera says to turn."""
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, options in PICTURES.items():
        turned = {} if options["format"] in ("GIF", "JPEG2000", "BMP", "PPM") else {"exif": exif}
        Image.linear_gradient("L").resize((12, 10)).convert("RGB").save(
            folder / name, **options, **turned
        )


def good_models() -> dict[str, bytes]:
    """An exported network in both formats that load back, and one that is wrong."""
    from hostile.models import as_json, as_tensors

    wrong = as_json(network={**NETWORK, "layers": [{"type": "denes"}]})
    return {"model.json": as_json(), "model.safetensors": as_tensors(), "wrong.json": wrong}


LINES = {
    ("data", "cases.csv"): b"1,a\n2,b\n",
    ("inputs", "cases.csv"): b"1,2\n3,4\n",
    ("pickle", "data_batch_1"): b"",
}
"""Of a good text, by reader and name; good files of any length are made for these alone."""


def of_length(reader: str, name: str, length: int) -> bytes:
    """A good text or pickle of about so many bytes."""
    if lines := LINES[reader, name]:
        return lines * (length // len(lines))
    labels = [1] * min(length // 2, MOST_OPCODES * 9 // 10)
    return pickle.dumps({b"labels": labels}, protocol=2)


def warm_up(folder: Path) -> None:
    """Read a good file through every reader, and some that end in an error."""
    Image.init()
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml_text())
    (folder / "wrong.yaml").write_text("network: {layers: [{size: x}], los: mse}\nnetwork: 1\n")
    (folder / "config.txt").write_text(
        "GLOBALS\nloss: mse wreg: 0.1\nLAYERS\ninput: 2\nsize: 3 act: relu wr: (-0.1 0.1)\n"
        "size: 2\nDATA\ngenerator: xor\nTRAINING\nepochs: 3\n"
    )
    (folder / "wrong.txt").write_text("LAYERS\ninput: 2\nsize: 3 act: rellu\n")
    (folder / "cases.csv").write_text("1,2,a\n3,4,b\n" * 8)
    (folder / "wrong.csv").write_text('1,2,a\n3,"x",b\n' * 8)
    for name, content in good_tables().items():
        (folder / name).write_bytes(content)
    np.savez(folder / "cases.npz", x=np.eye(8, 2), t=np.arange(8) % 2)
    np.save(folder / "W.npy", np.eye(3, 2))
    x, t = np.ones((8, 3, 1)), np.arange(24).reshape(8, 3) % 2
    np.savez(folder / "sequences.npz", x=x, t=t, lengths=[3, 2] * 4, classes=["a", "b"])
    (folder / "text.txt").write_text("to be or not to be, " * 40)
    (folder / "wrong.text").write_bytes(b"to be \xff")
    (folder / "images-ubyte").write_bytes(idx(8, (8, 2, 2), bytes(32)))
    (folder / "labels-ubyte").write_bytes(idx(8, (8,), bytes([0, 1] * 4)))
    (folder / "wrong-ubyte.gz").write_bytes(b"\x1f\x8b nothing")
    cifar_folder(folder / "cifar")
    image_folder(folder / "images")
    pictures(folder / "pictures")
    (folder / "parameters.safetensors").write_bytes(save(parameters()))
    (folder / "wrong.safetensors").write_bytes(b"nothing")
    (folder / "checkpoint.safetensors").write_bytes(sealed())
    for name, content in good_models().items():
        (folder / name).write_bytes(content)
    files = {
        "config": ("config.yaml", "wrong.yaml", "config.txt", "wrong.txt", "config.yam"),
        "data": (
            "cases.csv",
            "wrong.csv",
            "cases.npz",
            "cases.np",
            "sequences.npz",
            *good_tables(),
        ),
        "characters": ("text.txt", "wrong.text"),
        "array": ("W.npy", "wrong.csv"),
        "inputs": ("cases.npz",),
        "idx": ("images-ubyte", "wrong-ubyte.gz"),
        "folder": ("images", "cifar"),
        "image": (*(f"pictures/{name}" for name in PICTURES), "cases.csv"),
        "pickle": ("cifar/batches.meta", "cases.csv"),
        "parameters": ("parameters.safetensors", "wrong.safetensors"),
        "checkpoint": ("checkpoint.safetensors", "wrong.safetensors"),
        "run": (run_folder(folder / "run").name, "nothing"),
        "model": ("model.json", "model.safetensors", "wrong.json"),
        "sweep": (sweep_folder(folder / "sweep").name, "nothing"),
    }
    assert files.keys() == READERS.keys()
    for reader, names in files.items():
        for number, name in enumerate(names):
            try:
                READERS[reader](folder / name)
            except ChainruleError:
                if number == 0:  # the first of each is good
                    raise

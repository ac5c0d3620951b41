"""Parameters, and a training in progress, to and from safetensors files.

``parameters.safetensors`` holds θ by names (``dense_1.W``). A checkpoint holds the same and,
beside it, whatever a training needs to go on as if it had never stopped:

====================  ======================================================================
``optimizer.NAME``    the optimiser's vectors
``losses``            of every minibatch that has run, float64
``order``             of the cases in the epoch in progress, if it is shuffled, int64
``history.COLUMN``    what the finished epochs gave, a number an epoch, float64
``columns``           their names in order (JSON)
``position``          epoch, minibatch, steps, and what the epoch gave so far (JSON)
``configuration``     as run (JSON); its seed is that of every random stream
``data``              checksums of each part of the data and of the classes' names (JSON)
``chainrule``         the version that wrote it, ``numpy`` that of NumPy
``sha256``            of the whole file, with zeros in its own place
====================  ======================================================================

The first four are arrays, the others text in the header's metadata, whose length does not grow
while a training runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from chainrule._version import __version__
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.files import whole_file, write_whole
from chainrule.core.strict_json import parse_json
from chainrule.data.dataset import DataSplit
from chainrule.nn.network import Network
from chainrule.runs.tensor_file import Shapes, packed, parse_tensors, read_own, read_tensors
from chainrule.training import History, Progress, Trainer

NO_DIGEST = b"0" * 64
DEEPEST = 30
"""Levels of a configuration; it has about five."""

COLUMNS = {"seconds"} | {
    f"{part}_{figure}" for part in ("train", "validation") for figure in ("loss", "accuracy", "r2")
}
"""Those that a history may have beside the numbers of its epochs."""

HISTORY = "history."
"""How the names of its arrays begin; a parameter's last word is another one."""

_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')


def save_parameters(path: Path, network: Network) -> None:
    """Write θ by names.

    Raises:
        ChainruleError: the file cannot be written.
    """
    content = packed(path, dict(network.parameters), {"chainrule": __version__})
    write_whole(path, content, own=True)


def load_parameters(path: Path, network: Network) -> None:
    """Read θ by names into a network of the same layout; it changes only if all of it fits.

    Raises:
        ChainruleError: the file is missing, is no safetensors file, or holds other arrays.
    """
    arrays, _ = read_tensors(path)
    shapes = {name: view.shape for name, view in network.parameters.items()}
    problems = misfits_of_parameters(path, {k: v.shape for k, v in arrays.items()}, shapes)
    for name in shapes.keys() & arrays.keys() if not problems else ():
        found = arrays[name]
        if found.dtype.kind != "f":
            message = f"expected {name} of shape {found.shape}, found {found.dtype} of that shape"
            problems.append(Problem(message, path))
        elif not np.isfinite(found).all():
            problems.append(Problem(f"{name} holds numbers that are not finite", path))
    if problems:
        raise ChainruleError(problems)
    for name, view in network.parameters.items():
        view[...] = arrays[name]


def misfits_of_parameters(path: Path, found: Shapes, expected: Shapes) -> list[Problem]:
    """Where the arrays of a file are not the parameters of a network, by names and shapes."""
    problems = [
        Problem(f"holds {name}, which the network does not have", path)
        for name in sorted(found.keys() - expected.keys())
    ]
    for name, shape in expected.items():
        if found.get(name) != shape:
            what = f"shape {found[name]}" if name in found else "no such array"
            problems.append(Problem(f"expected {name} of shape {shape}, found {what}", path))
    return problems


@dataclass(frozen=True)
class Checkpoint:
    """A training in progress, as a file holds it.

    Attributes:
        path: the file.
        configuration: as run.
        data: what `data_checksums` said of the data.
        epoch: the epoch in progress.
        minibatch: how many minibatches of it have run.
        steps: how many the optimiser has taken.
        correct: how many cases of the epoch were classified rightly as they ran.
        seconds: that the epoch took so far.
        history: what the finished epochs gave.
        arrays: θ, the optimiser's vectors, losses and order, by name.
    """

    path: Path
    configuration: dict[str, Any]
    data: dict[str, str]
    epoch: int
    minibatch: int
    steps: int
    correct: int
    seconds: float
    history: History
    arrays: dict[str, Array]

    def restore(self, trainer: Trainer) -> None:
        """Put a trainer that has not begun where this one stood; it changes only if all fits.

        Raises:
            ChainruleError: the checkpoint is that of another network, optimiser or data.
        """
        problems = [Problem(message, self.path) for message in self._misfits(trainer)]
        if problems:
            raise ChainruleError(problems)
        for name, vector in _vectors(trainer).items():
            vector[...] = self.arrays[name]
        losses = self.arrays["losses"].copy()
        trainer.optimizer.steps = self.steps
        trainer.epoch, trainer.minibatch = self.epoch, self.minibatch
        trainer.history.rows = [*self.history.rows]
        trainer.history.add_minibatches(losses)
        trainer.progress = Progress.at_start(trainer.engine.counts)
        trainer.progress.losses[: self.minibatch] = losses[len(losses) - self.minibatch :]
        trainer.progress.correct, trainer.progress.seconds = self.correct, self.seconds
        trainer.progress.order = self.arrays["order"].copy() if "order" in self.arrays else None
        if len(losses):
            trainer.last_loss = float(losses[-1])
        if self.epoch:
            trainer.set_scale()

    def _misfits(self, trainer: Trainer) -> list[str]:
        """Whatever does not fit the trainer, in words."""
        minibatches, cases = trainer.engine.minibatches, len(trainer.train)
        run = max(0, self.epoch - 1) * minibatches + self.minibatch
        expected = {
            name: (vector.shape, vector.dtype) for name, vector in _vectors(trainer).items()
        }
        expected["losses"] = (run,), np.dtype(np.float64)
        if "order" in self.arrays:
            expected["order"] = (cases,), np.dtype(np.int64)
        problems = [
            f"holds {name}, which nothing asks for" for name in self.arrays if name not in expected
        ]
        for name, (shape, dtype) in expected.items():
            found = self.arrays.get(name)
            if found is None or found.shape != shape or found.dtype != dtype:
                what = (
                    "no such array" if found is None else f"{found.dtype} of shape {found.shape}"
                )
                problems.append(f"expected {name}, {dtype} of shape {shape}, found {what}")
            elif found.dtype.kind == "f" and not np.isfinite(found).all():
                problems.append(f"{name} holds numbers that are not finite")
        return problems + self._inconsistencies(minibatches, run)

    def _inconsistencies(self, minibatches: int, run: int) -> list[str]:
        """Where its own figures contradict each other."""
        epochs = len(self.history.rows)
        open_epochs = self.epoch - epochs
        whole = self.minibatch == (minibatches if self.epoch else 0)
        right = (
            self.minibatch <= minibatches
            and (open_epochs == 1 or (open_epochs == 0 and whole))
            and self.steps == run
        )
        where = f"epoch {self.epoch}, minibatch {self.minibatch} of {minibatches}"
        found = f"{epochs} finished epochs and {self.steps} steps"
        problems = [] if right else [f"stands at {where}, with {found}"]
        order = self.arrays.get("order")
        if order is not None and not np.array_equal(
            np.sort(order, axis=None), np.arange(order.size)
        ):
            problems.append("its order does not name every case once")
        return problems


def save_checkpoint(
    path: Path, trainer: Trainer, configuration: Mapping[str, Any], data: Mapping[str, str]
) -> None:
    """Write all that a training needs to go on as if it had never stopped.

    Args:
        path: the file.
        trainer: between two stretches.
        configuration: as run, in the types of JSON.
        data: what `data_checksums` says of the data.

    Raises:
        ChainruleError: the file cannot be written; an older one is untouched.
    """
    progress = trainer.progress
    arrays = {**_vectors(trainer), "losses": trainer.history.minibatch_losses}
    if progress.order is not None:
        arrays["order"] = progress.order.astype(np.int64)
    columns = trainer.history.to_arrays()
    arrays |= {f"{HISTORY}{name}": column for name, column in columns.items()}
    position = {
        "epoch": trainer.epoch,
        "minibatch": trainer.minibatch,
        "steps": trainer.optimizer.steps,
        "correct": progress.correct,
        "seconds": progress.seconds,
    }
    metadata = {
        "chainrule": __version__,
        "numpy": np.__version__,
        "position": json.dumps(position),
        "columns": json.dumps([*columns]),
        "configuration": json.dumps(configuration),
        "data": json.dumps(data),
        "sha256": NO_DIGEST.decode(),
    }
    content = memoryview(packed(path, arrays, metadata))
    start, end = _place_of_digest(content) or (0, 0)
    with whole_file(path, own=True) as file:
        for part in (content[:start], _digest(content, start, end), content[end:]):
            file.write(part)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and see that it is whole, to the bit.

    Raises:
        ChainruleError: it cannot be read; or see `parse_checkpoint`.
    """
    return parse_checkpoint(read_own(path), path)


def parse_checkpoint(content: bytes, path: Path) -> Checkpoint:
    """The checkpoint that a file's content is.

    It is safe on bytes from anywhere: nothing in them is executed, imported or opened, and the
    memory that it takes is bounded by their number. Whether the checkpoint fits a training is seen
    by `Checkpoint.restore`.

    Args:
        content: of the file.
        path: the file, for messages.

    Raises:
        ChainruleError: the content was changed after it was written, or is no checkpoint.
    """
    place = _place_of_digest(memoryview(content))
    if place is None:
        message = "this is no checkpoint that a training can go on from: it holds no SHA-256"
        raise ChainruleError(Problem(message, path))
    if _digest(memoryview(content), *place) != content[slice(*place)]:
        message = "this checkpoint was changed after it was written: its SHA-256 is another one"
        raise ChainruleError(Problem(message, path))
    arrays, metadata = parse_tensors(content, path, "a checkpoint")
    try:
        return _checked(path, metadata, arrays)
    except KeyError as error:
        raise ChainruleError(Problem(f"the checkpoint lacks {error}", path)) from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        message = f"this is no checkpoint of a training: {error}"
        raise ChainruleError(Problem(message, path)) from None


def data_checksums(data: DataSplit) -> dict[str, str]:
    """For every part of the data, and for the names of the classes, a short number.

    Another order or value changes it, of any part: what a run is tested on, and what its classes
    are called, belong to its result.
    """
    parts = {"training": data.train, "validation": data.validation, "test": data.test}
    names = np.frombuffer(json.dumps(data.classes).encode(), np.uint8)
    return {
        **{f"{name} data": checksum(part.x, part.t) for name, part in parts.items()},
        "class names": checksum(names),
    }


def checksum(*arrays: Array) -> str:
    """A short number of the arrays' bits, shapes and types."""
    found = 0
    for array in arrays:
        found = crc32(repr((array.shape, array.dtype.str)).encode(), found)
        found = crc32(np.ascontiguousarray(array).data, found)
    return f"{found:08x}"


def _vectors(trainer: Trainer) -> dict[str, Array]:
    """θ by names and the optimiser's vectors, where they lie."""
    state = {f"optimizer.{name}": vector for name, vector in trainer.optimizer.state.items()}
    return {**trainer.network.parameters, **state}


def _header(content: memoryview) -> memoryview:
    return content[8 : 8 + int.from_bytes(content[:8], "little")]


def _place_of_digest(content: memoryview) -> tuple[int, int] | None:
    """Where the digest stands in the header; None where there is none, or more than one."""
    found = [match.span(1) for match in _DIGEST.finditer(_header(content))]
    return (found[0][0] + 8, found[0][1] + 8) if len(found) == 1 else None


def _digest(content: memoryview, start: int, end: int) -> bytes:
    """The SHA-256 of the content with zeros from ``start`` to ``end``."""
    found = sha256(content[:start])
    found.update(NO_DIGEST)
    found.update(content[end:])
    return found.hexdigest().encode()


def _checked(path: Path, metadata: Mapping[str, str], arrays: dict[str, Array]) -> Checkpoint:
    configuration, position = (
        _object(_parsed(metadata[name]), name) for name in ("configuration", "position")
    )
    for name in ("network", "data", "training"):
        _object(configuration[name], name)
    if _is_deeper(configuration, DEEPEST):
        raise ValueError("its configuration is nested too deeply")
    data = _object(_parsed(metadata["data"]), "data")
    if not all(isinstance(said, str) for said in data.values()):
        raise TypeError("a checksum of its data is no text")
    return Checkpoint(
        path,
        configuration,
        data,
        **{
            name: _count(position[name], name)
            for name in ("epoch", "minibatch", "steps", "correct")
        },
        seconds=_number(position["seconds"]),
        history=_history(_parsed(metadata["columns"]), arrays),
        arrays=arrays,
    )


def _history(columns: Any, arrays: dict[str, Array]) -> History:
    """The history, whose columns are taken out of the arrays."""
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise TypeError("its columns are no list of names")
    if columns and not {"train_loss", "seconds"} <= {*columns} <= COLUMNS:
        raise ValueError("its history has other columns than an epoch")
    found = {name: arrays.pop(f"{HISTORY}{name}") for name in columns}
    if any(column.ndim != 1 or column.dtype != np.float64 for column in found.values()):
        raise ValueError("a column of its history is no list of numbers")
    return History.from_arrays(found)


def _parsed(text: str) -> Any:
    return parse_json(text.encode())


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"its {name} is no object")
    return value


def _is_deeper(value: Any, than: int) -> bool:
    """Whether a tree has more levels than that."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(than == 0 or _is_deeper(item, than - 1) for item in items)


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise TypeError(f"its {name} is no count")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("a figure of it is no number")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("a figure of it is too large")
    return value

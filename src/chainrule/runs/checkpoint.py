"""Write parameters and checkpoints to safetensors files, and read them.

``parameters.safetensors`` holds the arrays of θ by name (``dense_1.W``). A checkpoint holds the
same arrays and everything else that training needs to continue as if it had never stopped:

=====================  =====================================================================
``optimizer.NAME``     the optimiser's vectors
``losses``             the loss of every minibatch that has run, float64
``order``              the order of the cases in the epoch in progress, if shuffled, int64
``history.COLUMN``     a column of the history, one value per finished epoch, float64
``health.epochs``      the epochs of which the layers' health was measured, int64
``health.figures``     the figures of each of them, (epochs, columns), NaN where undefined, float64
``callback.NAME.KEY``  the arrays in a callback's state
``callbacks``          the other values in the callbacks' states, by callback (JSON)
``columns``            the names of the history's columns, in order (JSON)
``health``             the layer and figure of each column of ``health.figures``, in order (JSON)
``position``           see `Position` (JSON)
``configuration``      as run (JSON); every random stream follows from its seed
``data``               checksums of each part of the data and of the class names (JSON)
``chainrule``          the version that wrote the file; ``numpy``: the version of NumPy
``sha256``             of the whole file, computed with zeros in place of the digest
=====================  =====================================================================

The first seven are arrays. The others are texts in the header's metadata; their total length
hardly grows during training.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from zlib import crc32

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from chainrule._version import __version__
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, Problem, shown
from chainrule.core.files import whole_file, write_whole
from chainrule.core.strict_json import as_json, as_model, parse_json
from chainrule.data.dataset import DataSplit
from chainrule.nn.network import Network
from chainrule.runs.tensor_file import Shapes, packed, parse_tensors, read_own, read_tensors
from chainrule.training import History, Progress, Trainer
from chainrule.training.callbacks import with_state
from chainrule.training.history import COLUMNS, FIGURES, LEARNING_RATE
from chainrule.training.trainer import LONGEST_REASON

NO_DIGEST = b"0" * 64
DEEPEST = 30
"""The most levels of nesting that a configuration may have; it usually has about five."""

HISTORY, CALLBACK = "history.", "callback."
"""Prefixes of the names of arrays that belong to the history or to a callback."""

_NOTHING = "no such array"

Count = Annotated[int, Field(ge=0, lt=2**63)]


class Position(BaseModel):
    """How far training has come.

    Attributes:
        epoch: the epoch in progress, from 1; 0 before the first.
        minibatch: how many minibatches of this epoch have run.
        steps: how many steps the optimiser has taken.
        correct: how many cases of this epoch were classified correctly, each before its update;
            where cases have weights, the sum of their weights.
        seconds: the time that the engine has spent on this epoch.
        stop_reason: why training was stopped before its last epoch; otherwise None.
    """

    model_config = ConfigDict(strict=True)

    epoch: Count
    minibatch: Count
    steps: Count
    correct: Count | Annotated[float, Field(ge=0, lt=2**63)]
    seconds: Annotated[float, Field(ge=0, lt=2**63)]
    stop_reason: Annotated[str, Field(max_length=LONGEST_REASON)] | None = None

    @field_validator("stop_reason")
    @classmethod
    def _as_shown(cls, reason: str | None) -> str | None:
        if reason is not None and not reason.isprintable():
            raise ValueError("control characters in a text")
        return reason


class _Parts(BaseModel):
    """The three parts of a configuration; their contents are checked when the run is resumed."""

    model_config = ConfigDict(strict=True)

    network: dict[str, Any]
    data: dict[str, Any]
    training: dict[str, Any]

    @field_validator("*")
    @classmethod
    def _of_some_levels(cls, part: dict[str, Any]) -> dict[str, Any]:
        if _is_deeper(part, DEEPEST - 1):
            raise ValueError("nested too deeply")
        return part


class _Texts(BaseModel):
    """The JSON texts in a checkpoint's metadata."""

    model_config = ConfigDict(strict=True)

    position: Position
    configuration: _Parts
    data: dict[str, str]
    columns: list[str]
    health: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []
    callbacks: dict[str, dict[str, Any]]


_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')


def save_parameters(path: Path, network: Network) -> None:
    """Write the arrays of θ by name.

    Raises:
        ChainruleError: the file cannot be written.
    """
    content = packed(path, dict(network.parameters), {"chainrule": __version__})
    write_whole(path, content, own=True)


def load_parameters(path: Path, network: Network) -> None:
    """Read the arrays of θ into a network of the same layout; it changes only if all arrays fit.

    Raises:
        ChainruleError: the file is missing, is not a safetensors file, or holds other arrays.
    """
    arrays, _ = read_tensors(path)
    shapes = {name: view.shape for name, view in network.parameters.items()}
    problems = problems_of_parameters(path, {k: v.shape for k, v in arrays.items()}, shapes)
    problems = problems or [*problems_of_numbers(path, arrays)]
    if problems:
        raise ChainruleError(problems)
    for name, view in network.parameters.items():
        view[...] = arrays[name]


def problems_of_numbers(path: Path, arrays: Mapping[str, Array]) -> Iterator[Problem]:
    """The arrays of a file, by name, that are no finite floating-point numbers."""
    for name, found in arrays.items():
        if found.dtype.kind != "f":
            message = f"expected {name} of shape {found.shape}, found {found.dtype} of that shape"
            yield Problem(message, path)
        elif not np.isfinite(found).all():
            yield Problem(f"{name} holds numbers that are not finite", path)


def problems_of_parameters(path: Path, found: Shapes, expected: Shapes) -> list[Problem]:
    """The differences between a file's arrays and a network's parameters, by name and shape."""
    problems = [
        Problem(f"holds {name}, which the network does not have", path)
        for name in sorted(found.keys() - expected.keys())
    ]
    for name, shape in expected.items():
        if found.get(name) != shape:
            what = f"shape {found[name]}" if name in found else _NOTHING
            problems.append(Problem(f"expected {name} of shape {shape}, found {what}", path))
    return problems


@dataclass(frozen=True)
class Checkpoint:
    """A training in progress, as read from a file.

    Attributes:
        path: the file.
        configuration: as run.
        data: the `data_checksums` of the data.
        position: how far training has come.
        history: the losses and scores of the finished epochs.
        arrays: the arrays of θ, the optimiser's vectors, losses and order, by name.
        states: the states of the callbacks that have one, by name.
    """

    path: Path
    configuration: dict[str, Any]
    data: dict[str, str]
    position: Position
    history: History
    arrays: dict[str, Array]
    states: dict[str, dict[str, Any]]

    def restore(self, trainer: Trainer) -> None:
        """Set a trainer that has not begun to the state of this checkpoint.

        Raises:
            ChainruleError: the checkpoint is that of another network, optimiser or training set,
                contradicts itself, or a callback refuses its state; the trainer is unchanged.
        """
        problems = [*self._problems(trainer)] or [*self._restore_callbacks(trainer)]
        if problems:
            raise ChainruleError([Problem(message, self.path) for message in problems])
        for name, vector in _vectors(trainer).items():
            vector[...] = self.arrays[name]
        losses, position = self.arrays["losses"].copy(), self.position
        trainer.optimizer.steps = position.steps
        trainer.epoch, trainer.minibatch = position.epoch, position.minibatch
        trainer.stop_reason = position.stop_reason
        trainer.history.rows = [*self.history.rows]
        trainer.history.health = dict(self.history.health)
        trainer.history.add_minibatches(losses)
        trainer.progress = Progress.at_start(trainer.engine.counts)
        trainer.progress.losses[: position.minibatch] = losses[len(losses) - position.minibatch :]
        trainer.progress.correct, trainer.progress.seconds = position.correct, position.seconds
        trainer.progress.order = self.arrays["order"].copy() if "order" in self.arrays else None
        if len(losses):
            trainer.last_loss = float(losses[-1])
        if position.epoch:
            trainer.set_scale()

    def _restore_callbacks(self, trainer: Trainer) -> Iterator[str]:
        """Load the state of every callback; yields a message for each that refuses its state."""
        for name, callback in with_state(trainer.callbacks).items():
            try:
                callback.load_state(self.states[name])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                yield f"the state of the callback {name} cannot be used: {error}"

    def _problems(self, trainer: Trainer) -> Iterator[str]:
        """A message for everything that does not fit the trainer."""
        minibatches, cases = trainer.engine.minibatches, len(trainer.train)
        run = max(0, self.position.epoch - 1) * minibatches + self.position.minibatch
        expected = {name: (v.shape, v.dtype) for name, v in _vectors(trainer).items()}
        expected["losses"] = (run,), np.dtype(np.float64)
        if "order" in self.arrays:
            expected["order"] = (cases,), np.dtype(np.int64)
        for name in sorted(self.arrays.keys() - expected.keys()):
            yield f"holds {name}, which nothing asks for"
        for name, (shape, dtype) in expected.items():
            found = self.arrays.get(name)
            if found is None or (found.shape, found.dtype) != (shape, dtype):
                what = _NOTHING if found is None else f"{found.dtype} of shape {found.shape}"
                yield f"expected {name}, {dtype} of shape {shape}, found {what}"
            elif found.dtype.kind == "f" and not np.isfinite(found).all():
                yield f"{name} holds numbers that are not finite"
        there = with_state(trainer.callbacks)
        for name in sorted(self.states.keys() - there.keys()):
            yield f"holds the state of the callback {name}, which does not take part now"
        for name in sorted(there.keys() - self.states.keys()):
            yield f"holds no state of the callback {name}, which did not take part from the start"
        yield from self._inconsistencies(minibatches, run)
        yield from self._problems_of_health({layer.name for layer in trainer.network.layers})

    def _inconsistencies(self, minibatches: int, run: int) -> Iterator[str]:
        """Contradictions within the checkpoint; ``run`` minibatches have run in all epochs."""
        at, epochs = self.position, len(self.history.rows)
        is_whole = at.minibatch == (minibatches if at.epoch else 0)
        fits = at.epoch - epochs == 1 or (at.epoch == epochs and is_whole)
        if at.minibatch > minibatches or not fits or at.steps != run:
            where = f"epoch {at.epoch}, minibatch {at.minibatch} of {minibatches}"
            yield f"stands at {where}, with {epochs} finished epochs and {at.steps} steps"
        order = np.sort(self.arrays.get("order", np.empty(0)), axis=None)
        if not np.array_equal(order, np.arange(order.size)):
            yield "its order does not name every case once"

    def _problems_of_health(self, layers: set[str]) -> Iterator[str]:
        """Measurements of layers that there are not, or of epochs that have not begun."""
        measured, begun = self.history.health, self.position.epoch
        if any(not 1 <= epoch <= begun for epoch in measured):
            yield f"holds the layers' health of epoch {max(measured)}, but stands at {begun}"
        for name in sorted({name for name, _ in self.history.health_columns()} - layers):
            yield f"holds the health of the layer {name}, which the network does not have"


def save_checkpoint(
    path: Path, trainer: Trainer, configuration: Mapping[str, Any], data: Mapping[str, str]
) -> None:
    """Write a checkpoint, from which training can continue as if it had never stopped.

    Args:
        path: the file.
        trainer: a trainer that is not within a chunk.
        configuration: as run, as values that JSON can represent.
        data: the `data_checksums` of its data.

    Raises:
        ChainruleError: the file cannot be written, or cannot hold the state of a callback. An
            older file is then unchanged.
    """
    progress = trainer.progress
    arrays = {**_vectors(trainer), "losses": trainer.history.minibatch_losses}
    if progress.order is not None:
        arrays["order"] = progress.order.astype(np.int64)
    columns = trainer.history.to_arrays()
    arrays |= {f"{HISTORY}{name}": column for name, column in columns.items()}
    if trainer.history.health:
        arrays["health.epochs"], arrays["health.figures"] = trainer.history.health_arrays()
    position = Position(
        epoch=trainer.epoch,
        minibatch=trainer.minibatch,
        steps=trainer.optimizer.steps,
        correct=progress.correct,
        seconds=progress.seconds,
        stop_reason=trainer.stop_reason,
    )
    plain, of_callbacks = _states(path, trainer)
    metadata = {
        "chainrule": __version__,
        "numpy": np.__version__,
        "position": position.model_dump_json(),
        "columns": json.dumps([*columns]),
        "health": json.dumps(trainer.history.health_columns()),
        "callbacks": plain,
        "configuration": json.dumps(configuration),
        "data": json.dumps(data),
        "sha256": NO_DIGEST.decode(),
    }
    content = memoryview(packed(path, {**arrays, **of_callbacks}, metadata))
    start, end = _place_of_digest(content) or (0, 0)
    with whole_file(path, own=True) as file:
        for part in (content[:start], _digest(content, start, end), content[end:]):
            file.write(part)


def _states(path: Path, trainer: Trainer) -> tuple[str, dict[str, Array]]:
    """The states of the callbacks: the values that are not arrays, as JSON, and the arrays."""
    plain: dict[str, dict[str, Any]] = {}
    arrays: dict[str, Array] = {}
    for name, callback in with_state(trainer.callbacks).items():
        state: Any = callback.state()
        try:
            if not isinstance(state, Mapping):
                raise TypeError(f"it is a mapping by name, found {shown(state)}")
            found = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
            plain[name] = {
                k: v.item() if isinstance(v, np.generic) else v
                for k, v in state.items()
                if k not in found
            }
            arrays |= {f"{CALLBACK}{name}.{k}": v for k, v in found.items()}
            if any(array.dtype.kind not in "biuf" for array in found.values()):
                raise TypeError("arrays hold numbers")
            if parse_json(as_json(plain[name]).encode()) != plain[name]:
                raise TypeError("beside arrays it holds plain values of JSON")
        except (TypeError, ValueError, RecursionError) as error:
            message = f"the state of the callback {name} cannot be saved: {error}"
            raise ChainruleError(Problem(message, path)) from None
    return json.dumps(plain), arrays


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ChainruleError: the file cannot be read, or `parse_checkpoint` refuses its content.
    """
    return parse_checkpoint(read_own(path), path)


def parse_checkpoint(content: bytes, path: Path) -> Checkpoint:
    """The checkpoint in the content of a file.

    The content need not be trusted: nothing in it is executed, imported or opened, and memory use
    is bounded by its length. `Checkpoint.restore` checks whether the checkpoint fits a trainer.

    Args:
        content: the content of the file.
        path: the file, for messages.

    Raises:
        ChainruleError: the content was changed after it was written, or is not a checkpoint.
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
        given = [name for name in _Texts.model_fields if name in metadata or name != "health"]
        found = {name: parse_json(metadata[name].encode()) for name in given}
        texts = as_model(_Texts, found)
        history = _history(texts.columns, arrays)
        _add_health(history, texts.health, arrays)
        states = _with_arrays(texts.callbacks, arrays)
    except KeyError as error:
        raise ChainruleError(Problem(f"the checkpoint lacks {error}", path)) from None
    except (ValueError, RecursionError) as error:
        message = f"this is no checkpoint of a training: {error}"
        raise ChainruleError(Problem(message, path)) from None
    configuration = texts.configuration.model_dump()
    return Checkpoint(path, configuration, texts.data, texts.position, history, arrays, states)


def data_checksums(data: DataSplit) -> dict[str, str]:
    """A checksum of each part of the data, of the class names and of the targets' scaling.

    It depends on the values and their order. Test data, class names and scaling are included
    because the results of a run depend on them.
    """
    parts = {"training": data.train, "validation": data.validation, "test": data.test}
    names = np.frombuffer(json.dumps(data.classes).encode(), np.uint8)
    scaling = data.target_scaling
    return {
        **{f"{name} data": checksum(*part.arrays) for name, part in parts.items()},
        "class names": checksum(names),
        **({} if scaling is None else {"units of the targets": checksum(*vars(scaling).values())}),
    }


def checksum(*arrays: Array) -> str:
    """The CRC-32 of the arrays' shapes, types and bytes, in hexadecimal."""
    found = 0
    for array in arrays:
        found = crc32(repr((array.shape, array.dtype.str)).encode(), found)
        found = crc32(np.ascontiguousarray(array).data, found)
    return f"{found:08x}"


def _vectors(trainer: Trainer) -> dict[str, Array]:
    """The arrays of θ and the optimiser's vectors by name, without copying them."""
    state = {f"optimizer.{name}": vector for name, vector in trainer.optimizer.state.items()}
    return {**trainer.network.parameters, **state}


def _place_of_digest(content: memoryview) -> tuple[int, int] | None:
    """The start and end of the digest in the content; None unless there is exactly one."""
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    found = [match.span(1) for match in _DIGEST.finditer(header)]
    return (found[0][0] + 8, found[0][1] + 8) if len(found) == 1 else None


def _digest(content: memoryview, start: int, end: int) -> bytes:
    """The SHA-256 of the content, with "0" in place of each digit from ``start`` to ``end``."""
    found = sha256(content[:start])
    found.update(NO_DIGEST)
    found.update(content[end:])
    return found.hexdigest().encode()


def _history(columns: list[str], arrays: dict[str, Array]) -> History:
    """The history from its columns, which are removed from ``arrays``."""
    known = {*COLUMNS, LEARNING_RATE, "seconds"}
    if columns and not {"train_loss", "seconds"} <= {*columns} <= known:
        raise ValueError("its history has other columns than an epoch")
    found = {name: arrays.pop(f"{HISTORY}{name}") for name in columns}
    if any(column.ndim != 1 or column.dtype != np.float64 for column in found.values()):
        raise ValueError("a column of its history is no list of numbers")
    return History.from_arrays(found)


def _add_health(
    history: History, columns: Sequence[Sequence[str]], arrays: dict[str, Array]
) -> None:
    """Set the measurements of the layers' health, whose arrays are removed from ``arrays``."""
    if not columns:
        return
    epochs, figures = arrays.pop("health.epochs"), arrays.pop("health.figures")
    if epochs.ndim != 1 or epochs.dtype != np.int64 or (np.diff(epochs) <= 0).any():
        raise ValueError("the epochs in which it measured the layers' health are in no order")
    if figures.shape != (len(epochs), len(columns)) or figures.dtype != np.float64:
        raise ValueError("its figures of the layers' health are no table of numbers")
    pairs = [(name, figure) for name, figure in columns if figure in FIGURES]
    if len(pairs) < len(columns):
        raise ValueError("it holds figures of the layers' health that there are not")
    history.set_health(pairs, epochs, np.where(np.isfinite(figures), figures, np.nan))


def _with_arrays(
    states: Mapping[str, Mapping[str, Any]], arrays: dict[str, Array]
) -> dict[str, dict[str, Any]]:
    """The states of the callbacks with their arrays, which are removed from ``arrays``."""
    whole = {name: dict(state) for name, state in states.items()}
    for full_name in [name for name in arrays if name.startswith(CALLBACK)]:
        name, _, key = full_name.removeprefix(CALLBACK).partition(".")
        if name in whole and key:
            whole[name][key] = arrays.pop(full_name)
    return whole


def _is_deeper(value: Any, than: int) -> bool:
    """Whether dicts and lists are nested in ``value`` more than ``than`` levels deep."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(than == 0 or _is_deeper(item, than - 1) for item in items)

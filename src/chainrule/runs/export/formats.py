"""The formats of an export: one table, with a line a format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chainrule.core.errors import ChainruleError, Problem, shown, unknown
from chainrule.core.files import as_path, write_whole
from chainrule.core.registry import missing_extra
from chainrule.runs.export.model import Model

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Written:
    """The content of an exported file, and what is to be said of it."""

    content: bytes | str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        endings: of its files' names; the first is that of a name that is chosen here.
        write: makes the content from the model, the path and the type of numbers that is wanted.
        has_dtype: whether its type of numbers can be chosen; otherwise it is the network's.
    """

    endings: tuple[str, ...]
    write: Callable[[Model, Path, str | None], Written]
    has_dtype: bool = True


def _onnx(model: Model, path: Path, dtype: str | None) -> Written:
    from chainrule.runs.export.as_onnx import written

    return Written(*written(model, path, dtype))


def _torch(model: Model, path: Path, dtype: str | None) -> Written:
    if find_spec("torch") is None:
        raise missing_extra("an export to PyTorch", "torch", "torch")
    from chainrule.runs.export.as_torch import written

    return Written(*written(model, path, dtype))


def _safetensors(model: Model, path: Path, dtype: str | None) -> Written:
    from chainrule.runs.export.document import written_safetensors

    return Written(written_safetensors(model, path))


def _json(model: Model, path: Path, dtype: str | None) -> Written:
    from chainrule.runs.export.document import written_json

    return Written(written_json(model, path))


def _c(model: Model, path: Path, dtype: str | None) -> Written:
    from chainrule.runs.export.as_c import written

    return Written(*written(model, path, dtype))


FORMATS: Mapping[str, Format] = {
    "onnx": Format((".onnx",), _onnx),
    "torch": Format((".pt2",), _torch),
    "safetensors": Format((".safetensors",), _safetensors, has_dtype=False),
    "json": Format((".json",), _json, has_dtype=False),
    "c": Format((".c",), _c),
}
"""The formats by name."""


def format_of(to: str | None, path: Path | None) -> str:
    """The name of the format that is asked for, by name or by the ending of a file's name.

    Raises:
        ChainruleError: there is no such format, or neither says which.
    """
    if to is not None:
        if to not in FORMATS:
            raise ChainruleError(unknown("format of an export", to, FORMATS))
        return to
    ending = "" if path is None else path.suffix.lower()
    for name, each in FORMATS.items():
        if ending in each.endings:
            return name
    endings = ", ".join(f"{name} ({each.endings[0]})" for name, each in FORMATS.items())
    found = "nothing says which" if path is None else f"found {shown(path.name)}"
    raise ChainruleError(f"an export is to one of {endings}; {found}: to=..., --to FORMAT")


def export(
    source: Any,
    path: str | os.PathLike[str],
    *,
    to: str | None = None,
    dtype: str | None = None,
) -> tuple[str, ...]:
    """Write a network for another program; the file appears whole or not at all.

    Args:
        source: a trained run, a fitted `chainrule.Classifier` or `chainrule.Regressor`, or a
            `chainrule.Network`, whose inputs and outputs then have no further meaning.
        path: the file; an older one is replaced.
        to: ``onnx``, ``torch``, ``safetensors``, ``json`` or ``c``; by default the one that has
            the ending of the path.
        dtype: ``float32`` or ``float64``; by default float32 for ONNX, else the network's.

    Returns:
        What is to be said of the file, such as its size on a microcontroller.

    Raises:
        ChainruleError: there is no such format, it cannot hold this network, a package that it
            needs is not installed, or the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from chainrule import Dense, Network
        >>> with TemporaryDirectory() as folder:
        ...     for note in export(Network([Dense(2)], input=3), f"{folder}/net.c"):
        ...         print(note.split(",")[0])
        64 bytes of constants (flash) and 0 bytes of memory (RAM)
    """
    model = Model.of(source)
    file = as_path(path, "path")
    name = format_of(to, file)
    if dtype is not None and dtype not in DTYPES:
        raise ChainruleError(unknown("dtype", dtype, DTYPES))
    if dtype is not None and not FORMATS[name].has_dtype:
        message = f"{name} keeps the network's own numbers, {model.network.dtype}; leave out dtype"
        raise ChainruleError(Problem(message, file))
    found = FORMATS[name].write(model, file, dtype)
    write_whole(file, found.content)
    return found.notes

"""A trained network as a document: JSON that a person can read, or a safetensors file.

Both hold the same description, which docs/export.md lists key by key; in JSON the parameters are
in it, in a safetensors file they are its arrays and the description is a text of its metadata.
What is read may come from a stranger: nothing in it is run, and the shapes of all arrays are
compared with those that the layers take before a network is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from chainrule._version import __version__
from chainrule.config.load import EXPORTED, Config, load_config, number_of_values
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.limits import (
    MAX_CONFIG_VALUES,
    MAX_DIMENSIONS,
    MAX_JSON_BYTES,
    machine_memory,
)
from chainrule.core.strict_json import as_json, as_model, parse_json
from chainrule.data.readers.paths import existing_file, read_bytes
from chainrule.data.standardization import Standardization
from chainrule.nn.network import Network
from chainrule.runs.checkpoint import problems_of_numbers, problems_of_parameters
from chainrule.runs.export.model import Model, not_finite
from chainrule.runs.resolve import parameter_shapes
from chainrule.runs.run_folder import Meaning, problem_of_scaling
from chainrule.runs.starts import without_files
from chainrule.runs.tensor_file import packed, parse_tensors, read_header

VERSION = 1

_KEY = "model"
"""The key of a safetensors file's metadata under which the description stands."""

Numbers = list[float]


class _Scaling(BaseModel):
    """(x − mean) / scale, a number for each input or output."""

    model_config = ConfigDict(strict=True, extra="forbid")

    mean: Numbers
    scale: Numbers


class _Array(BaseModel):
    """The numbers of a parameter in row-major order."""

    model_config = ConfigDict(strict=True, extra="forbid")

    shape: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=MAX_DIMENSIONS)]
    values: Numbers


class _Document(Meaning):
    """The keys of the description."""

    model_config = ConfigDict(strict=True, extra="forbid")

    format: Literal["chainrule model"]
    version: Literal[1]
    chainrule: str
    network: dict[str, Any]
    channels: Literal["first", "last"] | None = None
    scaling: _Scaling | None = None
    target_scaling: _Scaling | None = None
    parameters: dict[str, _Array] | None = None


def written_json(model: Model, path: Path) -> str:
    """The whole model as JSON, two spaces a level, each array's numbers on one line.

    Every number has as many digits as it takes to read back the same bits, at most 17.

    Raises:
        ChainruleError: a parameter is not finite, or the text is longer than `read` takes.
    """
    described = description(model, path)
    arrays = {
        name: {"shape": list(array.shape), "values": array.ravel().tolist()}
        for name, array in model.network.parameters.items()
    }
    _require_finite(model, path)
    try:
        as_json({**described, "parameters": arrays})
    except ValueError as error:
        hint = "a safetensors file has no such limit: --to safetensors"
        raise ChainruleError(Problem(f"not written as JSON: {error}; {hint}", path)) from None
    lines = [f"    {as_json(name)}: {as_json(array)}" for name, array in arrays.items()]
    head = as_json(described, indent=2).removesuffix("\n}")
    return head + ',\n  "parameters": {\n' + ",\n".join(lines) + "\n  }\n}\n"


def written_safetensors(model: Model, path: Path) -> bytes:
    """The arrays of θ by name, with the description in the file's metadata.

    Raises:
        ChainruleError: a parameter is not finite, or the description is too long for a header.
    """
    _require_finite(model, path)
    try:
        text = as_json(description(model, path))
    except ValueError as error:
        raise ChainruleError(Problem(f"not written: {error}", path)) from None
    return packed(path, model.network.parameters, {_KEY: text})


def description(model: Model, path: Path) -> dict[str, Any]:
    """All but the parameters, as values of JSON.

    Raises:
        ChainruleError: a part of the network is an object of the caller's own, or `read` would
            refuse what is described.
    """
    foreign = _foreign(model.architecture)
    if foreign is not None:
        message = f"the network holds an object that no file can describe: {foreign}"
        raise ChainruleError(Problem(message, path))
    encoding = model.encoding
    found = {
        "format": EXPORTED,
        "version": VERSION,
        "chainrule": __version__,
        "network": _without_none(model.architecture),
        "channels": model.channels,
        "encoding": None if encoding is None else encoding.model_dump(exclude_defaults=True),
        "scaling": _scaling(model.scaling),
        "classes": None if model.classes is None else list(model.classes),
        "label_type": model.label_type,
        "target_names": None if model.target_names is None else list(model.target_names),
        "target_scaling": _scaling(model.target_scaling),
        "multi_label": model.multi_label,
    }
    try:
        as_model(_Document, found)
    except ValueError as error:  # such as a control character in the name of a class
        raise ChainruleError(Problem(f"not written: {error}", path)) from None
    return found


def _without_none(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not None}


def _scaling(scaling: Standardization | None) -> dict[str, list[float]] | None:
    if scaling is None:
        return None
    return {name: values.ravel().tolist() for name, values in vars(scaling).items()}


def _foreign(value: Any) -> str | None:
    """What of a configuration's values JSON has no form for; None if it has one for all."""
    if isinstance(value, Mapping):
        return next((f for item in value.values() if (f := _foreign(item))), None)
    if isinstance(value, list | tuple):
        return next((f for item in value if (f := _foreign(item))), None)
    return None if isinstance(value, str | int | float | None) else type(value).__name__


def _require_finite(model: Model, path: Path) -> None:
    problems = [*problems_of_numbers(path, dict(model.network.parameters))]
    if problems:
        raise ChainruleError(problems)


# Reading


def read(path: Path) -> Model:
    """The model in a file that `written_json` or `written_safetensors` made; bits are kept.

    Raises:
        ChainruleError: it is another file, was damaged, or its parts do not fit each other.
    """
    existing_file(path, at_most=machine_memory())
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        message = f"the file cannot be read ({error.strerror})"
        raise ChainruleError(Problem(message, path)) from None
    if start[8:] == b"{":  # behind the length of a safetensors file's header
        return _read_safetensors(path)
    if start[:1] == b"{":
        return _read_json(path)
    holds = "a run's folder holds config.yaml and run.json, and an exported network is a file of "
    raise ChainruleError(Problem(f"{holds}JSON or safetensors; this is neither", path))


def _read_json(path: Path) -> Model:
    found = _parsed(read_bytes(path, at_most=MAX_JSON_BYTES), path)
    given = found.parameters or {}
    sizes = {name: tuple(array.shape) for name, array in given.items()}
    problems = [
        Problem(f"{name} has {len(given[name].values):,} numbers, not {prod(shape):,}", path)
        for name, shape in sizes.items()
        if len(given[name].values) != prod(shape)
    ]
    config = _config(found, path, sizes, problems)
    arrays = {name: np.array(a.values, float).reshape(a.shape) for name, a in given.items()}
    return _model(found, path, config, arrays)


def _read_safetensors(path: Path) -> Model:
    what = "a trained network"
    sizes, metadata = read_header(path, what)
    if _KEY not in metadata:
        message = (
            "this safetensors file describes no network; chainrule export writes one that does"
        )
        raise ChainruleError(Problem(message, path))
    found = _parsed(metadata[_KEY].encode("utf-8", "replace"), path)
    if found.parameters is not None:
        message = "the description holds parameters; those of this format are its arrays"
        raise ChainruleError(Problem(message, path))
    config = _config(found, path, sizes, [])
    arrays, _ = parse_tensors(read_bytes(path, at_most=machine_memory()), path, what)
    return _model(found, path, config, arrays)


def _parsed(content: bytes, path: Path) -> _Document:
    try:
        found = as_model(_Document, parse_json(content))
        if number_of_values(found.network) > MAX_CONFIG_VALUES:
            raise ValueError(f"network: more than {MAX_CONFIG_VALUES:,} values")
        return found
    except (ValueError, RecursionError) as error:
        message = f"this is no model that chainrule export wrote: {error}"
        raise ChainruleError(Problem(message, path)) from None


def _model(found: _Document, path: Path, config: Config, arrays: Mapping[str, Array]) -> Model:
    """The model of a document, whose arrays have the shapes that its layers take."""
    problems = [*problems_of_numbers(path, dict(arrays))]
    if problems:
        raise ChainruleError(problems)
    network = Network.from_config(without_files(config.network))
    problems = [Problem(reason, path) for reason in not_finite(arrays, network.dtype)]
    if problems:
        raise ChainruleError(problems)
    outputs = network.layers[-1].output_shape[-1]
    problem = found.problem(network.input, outputs)
    if problem is not None:
        raise ChainruleError(Problem(problem, path))
    for name, view in network.parameters.items():
        view[...] = arrays[name]
    return Model(
        network=network,
        config=config,
        name=path.stem,
        classes=None if found.classes is None else tuple(found.classes),
        scaling=_read_scaling(found.scaling, network.input, "inputs", path),
        encoding=found.encoding,
        label_type=found.label_type,
        target_names=None if found.target_names is None else tuple(found.target_names),
        target_scaling=_read_scaling(found.target_scaling, outputs, "outputs", path),
        multi_label=found.multi_label,
    )


def _config(
    found: _Document, path: Path, sizes: Mapping[str, tuple[int, ...]], problems: list[Problem]
) -> Config:
    """The configuration of the network, checked as every configuration is.

    Args:
        found: the document.
        path: its file, for messages.
        sizes: the shapes of the arrays in it.
        problems: what is wrong with these arrays alone.
    """
    form = "arrays" if found.encoding is None else "table"
    data = _without_none({"python": form, "channels": found.channels})
    try:
        config = replace(load_config({"network": found.network, "data": data}), name=path.stem)
        if config.network["input"] is None:
            raise ChainruleError("network has no number of inputs: input")
        expected = parameter_shapes(config)
    except ChainruleError as error:
        raise ChainruleError([Problem(str(each), path) for each in error.problems]) from None
    problems = [*problems_of_parameters(path, dict(sizes), expected), *problems]
    if problems:
        raise ChainruleError(problems)
    return config


def _read_scaling(
    found: _Scaling | None, count: int, of: str, path: Path
) -> Standardization | None:
    if found is None:
        return None
    scaling = Standardization(np.array(found.mean, float), np.array(found.scale, float))
    problem = problem_of_scaling(scaling, of)
    if len(found.mean) != count or len(found.scale) != count:
        problem = f"found a scaling of {len(found.mean)}, but the network has {count} {of}"
    if problem is not None:
        raise ChainruleError(Problem(problem, path))
    return scaling

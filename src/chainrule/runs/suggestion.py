"""A short configuration that trains on given data, as a beginning."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.config.load import Config, load_config
from chainrule.config.reading.yaml_writer import flow
from chainrule.core.errors import ChainruleError
from chainrule.data.dataset import DataSplit
from chainrule.data.readers.cases import one_hot_rows
from chainrule.data.sources import load_data
from chainrule.data.suspicions import are_large
from chainrule.data.tables.roles import roles_of
from chainrule.runs.resolve import is_table_there, placed, resolve_table

MOST_LINES = 8
"""At most so many lines has a suggested configuration."""

MOST_CLASSES = 20
"""A label of more different whole numbers is taken for a value."""

_SIDE = 32
"""The height and the width to which large images are brought."""

_HIDDEN = 16
_OF_IMAGES = 32
"""The units of the hidden layer, for rows of numbers and for images."""


def config_of_data(path: Path, overrides: Sequence[str] = ()) -> Config:
    """A configuration whose data are a file or a folder, and whose network is of no account.

    Whole numbers that name few classes, but not 0, 1, 2, ..., are listed under ``classes``; many
    different whole numbers are values.

    Args:
        path: of the file or the folder.
        overrides: items such as ``"data.label=bought"``.

    Raises:
        ChainruleError: the settings are not valid, or the table cannot be read.
    """
    key = "folder" if os.path.isdir(path) else "file"
    network = {"loss": "mse", "layers": [{"size": 1}]}
    config = load_config({"network": network, "data": {key: str(path)}}, overrides)
    config = replace(config, folder=Path(), name=path.stem)
    if is_table_there(config) and not {"classes", "target"} & {*config.data}:
        config = config.replace(data=_kind_of_label(config))
    return config


def _kind_of_label(config: Config) -> dict[str, Any]:
    """The settings by which a label of whole numbers is read as what it seems to be."""
    table = resolve_table(config)
    try:
        labels = roles_of(table, config.data).labels
    except ChainruleError:  # it is reported when the data are read
        return {}
    if len(labels) > 1:
        rows = np.stack([table[name].values for name in labels], axis=1)
        may_be_several = np.isin(rows, (0, 1)).all() and not one_hot_rows(rows).all()
        return {"target": "labels"} if may_be_several else {}
    column = table[labels[0]]
    if column.type not in ("int", "bool") or column.has_leading_zeros:
        return {}
    words = column.distinct()[0]
    if len(words) > MOST_CLASSES:
        return {"target": "value"}
    are_numbered = words == [str(k) for k in range(len(words))]
    return {} if are_numbered or len(words) < 2 else {"classes": words}


def data_of(config: Config) -> DataSplit:
    """The data of a configuration whatever its network is.

    Raises:
        ChainruleError: the data cannot be read.
    """
    try:
        return load_data(config.data, folder=config.folder, seed=0, sequences=True)
    except ChainruleError as error:
        raise placed(error, config) from error


def suggestion(data: DataSplit, settings: Mapping[str, Any]) -> str:
    """A configuration for data, as YAML of at most `MOST_LINES` lines.

    The last layer and the loss fit the targets, and the inputs are standardised unless they are
    pixels or sequences. It is a beginning: what learns best has to be tried.

    Args:
        data: read by ``settings``.
        settings: the ``data`` mapping of a configuration, which is repeated.
    """
    settings = {k: v[0] if k == "label" and len(v) == 1 else v for k, v in settings.items()}
    if "folder" in settings and data.image_shape is not None and are_large(data.image_shape):
        settings["size"] = _SIDE
    if settings.get("target") == "value":
        del settings["target"]  # it follows from the loss
    if data.sequence_shape is None and data.image_shape is None:
        settings.setdefault("standardize", True)
    if data.classes is None and not data.multi_label:
        settings.setdefault("scale_targets", True)
    network: dict[str, Any] = {"layers": _layers(data)}
    if data.multi_label:
        network = {"loss": "binary_cross_entropy", **network}
    lines = [f"network: {flow(network)}", "data:"]
    lines += [f"  {flow(key)}: {flow(value)}" for key, value in settings.items()]
    if len(lines) >= MOST_LINES:
        lines[1:] = [f"data: {flow(settings)}"]
    return "\n".join([*lines, "training: {epochs: 50, optimizer: adam}"]) + "\n"


def _layers(data: DataSplit) -> list[Any]:
    """One hidden layer, and outputs that fit the targets."""
    if data.sequence_shape is not None:
        recurrent = {"type": "recurrent", "size": _HIDDEN, "activation": "tanh"}
        hidden = recurrent if data.has_targets_of_steps else {**recurrent, "outputs": "last"}
    else:
        size = _OF_IMAGES if data.image_shape is not None else _HIDDEN
        hidden = {"size": size, "activation": "relu"}
    if data.classes is not None:
        return [hidden, {"size": len(data.classes)}, "softmax"]
    size = prod(data.train.t.shape[2 if data.has_targets_of_steps else 1 :])
    return [
        hidden,
        {"size": size, "activation": "sigmoid"} if data.multi_label else {"size": size},
    ]

"""What the page says of data in the user's own words: labels, scalings and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError, shown
from chainrule.core.notation import cut
from chainrule.data.dataset import DataSplit
from chainrule.data.standardization import Standardization
from chainrule.data.tables.encoding import TableEncoding
from chainrule.nn.network import Network

MOST_LETTERS = 60
"""A longer label is cut in the middle."""


@dataclass(frozen=True)
class Scaling:
    """A scaling (value − mean) / scale, with a mean and a scale for each number of a case."""

    mean: Sequence[float]
    scale: Sequence[float]


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, and the inputs that it became.

    Attributes:
        name: of the column.
        kind: ``number``, ``one_hot`` or ``integer``.
        inputs: the index of its first input, and how many there are.
        categories: in the order of the inputs or of the numbers; empty of numbers.
        has_indicator: whether its last input is 1 where the cell is missing.
    """

    name: str
    kind: str
    inputs: tuple[int, int]
    categories: Sequence[str]
    has_indicator: bool


def outputs_of(data: DataSplit, network: Network) -> Sequence[str] | None:
    """What each output, or each output of a step, stands for; None if there are no names."""
    width = network.layers[network.graph.order[-1]].output_shape[-1]
    fits = (names for names in (data.classes, data.target_names) if len(names or ()) == width)
    return next(fits, None)


def labels_of(
    t: Array,
    names: Sequence[str] | None,
    scaling: Standardization | None = None,
    *,
    is_set: bool = False,
) -> list[str]:
    """What each case is, in the user's words: its class, its labels, or its values.

    Args:
        t: the targets, (cases, ...): class numbers, rows of a distribution, or values.
        names: of the classes, or of the labels; None of values.
        scaling: that was applied to values.
        is_set: whether a case may have several labels, 0 and 1 for each.
    """
    if scaling is not None:
        t = scaling.undo(t)
    return [cut(_label(case, names, is_set), MOST_LETTERS) for case in t]


def _label(case: Array, names: Sequence[str] | None, is_set: bool) -> str:
    """The target of one case, or those of its steps, as a text."""
    if names is not None and is_set:
        return ", ".join(name for name, value in zip(names, case, strict=True) if value == 1)
    if names is None:
        return ", ".join(f"{value:.4g}" for value in np.ravel(case) if not np.isnan(value))
    if case.size == 1 and len(names) == 2:  # one output, which tells the second class
        return names[int(case.item() > 0.5)]
    if case.dtype.kind == "f":  # rows of a distribution, one for each step
        rows = case.reshape(-1, len(names))
        case = np.where(np.isnan(rows).any(axis=1), -1, np.nan_to_num(rows).argmax(axis=1))
    return " ".join(names[int(k)] for k in np.ravel(case) if k >= 0)


def image_in_rows(shape: Sequence[int] | None, inputs: Sequence[int]) -> Sequence[int] | None:
    """The height and width of grey images that are passed as rows of numbers; else None.

    Args:
        shape: of one image, (height, width) or with its channels last; None where there are none.
        inputs: of the network, for one case.

    Example:
        >>> image_in_rows((16, 8), (128,)), image_in_rows((16, 8), (1, 16, 8))
        ((16, 8), None)
    """
    grey = shape is not None and len(shape) == 2
    return shape if grey and len(inputs) == 1 else None


def scaling_of(
    scaling: Standardization | None, shape: Sequence[int], name: str = "scaling"
) -> Scaling | None:
    """A scaling with two numbers for each number of a case, in its order.

    Args:
        scaling: that was applied to the data.
        shape: of one case, whose last axis the scaling has at least.
        name: of the argument, for messages.

    Raises:
        ShapeError: it is no scaling of such cases.
    """
    if scaling is None:
        return None
    if not isinstance(scaling, Standardization):
        raise ShapeError(f"{name} is a Standardization, found {shown(scaling)}")
    mean, scale = np.asarray(scaling.mean), np.asarray(scaling.scale)
    if mean.size not in (prod(shape), shape[-1]) or mean.size != scale.size:
        raise ShapeError(f"{name} has {mean.size} means for cases of the shape {tuple(shape)}")
    if mean.size != prod(shape):  # that of every step of a sequence
        mean, scale = (np.broadcast_to(part, tuple(shape)) for part in (mean, scale))
    return Scaling(mean.ravel().tolist(), scale.ravel().tolist())


def table_columns(encoding: TableEncoding | None) -> list[TableColumn] | None:
    """The columns of the table that the inputs come from, each with its inputs.

    Raises:
        ShapeError: it is no encoding.
    """
    if encoding is None:
        return None
    if not isinstance(encoding, TableEncoding):
        raise ShapeError(f"encoding is a TableEncoding, found {shown(encoding)}")
    found, first = [], 0
    for column in encoding.inputs:
        found.append(
            TableColumn(
                column.name,
                column.kind,
                (first, column.width),
                list(column.categories),
                column.has_indicator,
            )
        )
        first += column.width
    return found


def label_name(encoding: TableEncoding | None) -> str | None:
    """The name of the column of the label; None if there is none, or are several."""
    if encoding is None or not encoding.has_names or len(encoding.labels) != 1:
        return None
    return encoding.labels[0]

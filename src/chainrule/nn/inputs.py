"""What a caller may give to a network: arrays checked, and brought to its type and shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import ShapeError
from chainrule.core.sequences import are_sequences, has_target, lengths_of, padded_steps
from chainrule.nn.layer_types import Layer
from chainrule.nn.layers.base import Shape


def rows_of_inputs(x: Any, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """``x`` as an array (cases, inputs) of a network's type; complex stays complex.

    Images (cases, channels, height, width) and sequences (cases, steps, features) become
    rows. The caller's array is never changed.

    Args:
        x: what the caller gave.
        shape: of one case of the network's input.
        dtype: the network's.

    Raises:
        ShapeError: no numbers, or cases of another shape.

    Example:
        >>> rows_of_inputs([[[1, 2], [3, 4]]], (2, 2), np.dtype("float64"))
        array([[1., 2., 3., 4.]])
    """
    x = as_numbers(x, "inputs")
    if x.ndim == len(shape) + 1 > 2 and x.shape[1:] != shape:
        sizes = ", ".join(map(str, shape))
        raise ShapeError(f"the network takes inputs of shape (cases, {sizes}), found {x.shape}")
    if x.ndim > 2:
        x = x.reshape(len(x), prod(x.shape[1:]))
    if x.ndim != 2 or x.shape[1] != prod(shape):
        raise ShapeError(
            f"the network takes inputs of shape (cases, {prod(shape)}), found {x.shape}"
        )
    with np.errstate(over="ignore"):  # beyond float32 is inf
        return np.ascontiguousarray(x, dtype=None if x.dtype.kind == "c" else dtype)


def require_padding_known(x: Array, shape: Shape, layers: Sequence[Layer]) -> None:
    """Refuse cases of different lengths where a layer takes all steps as one row.

    Args:
        x: as `rows_of_inputs` gives it.
        shape: of one case.
        layers: the network's.

    Raises:
        ShapeError: there is such a layer, or padding stands within a case.
    """
    lengths = lengths_of(x.reshape(-1, *shape)) if len(shape) == 2 else None
    if lengths is None:
        return
    for layer in layers:
        if len(layer.input_shape) == 2 and not layer.knows_padding:
            raise ShapeError(
                f"{layer.name} takes all steps of a case as they are and cannot pass over "
                f"padding (NaN), but case {int(lengths.argmin())} has {lengths.min()} steps"
            )


def require_as_many(x: Array, t: Array) -> None:
    """Refuse inputs and targets of different numbers of cases, or of none.

    Raises:
        ShapeError: they are.
    """
    if len(x) != len(t):
        raise ShapeError(f"{len(x)} cases have {len(t)} targets")
    if not len(x):
        raise ShapeError("a loss needs at least one case")


def require_inputs_of_targets(x: Array, t: Array, shape: Shape) -> None:
    """Refuse a target at a step that is padding.

    Args:
        x: as `rows_of_inputs` gives it.
        t: prepared targets of the same cases.
        shape: of one case of x.

    Raises:
        ShapeError: there is one.
    """
    if len(shape) != 2 or not are_sequences(t):
        return
    lengths = lengths_of(x.reshape(-1, *shape))
    wrong = None if lengths is None else has_target(t) & padded_steps(lengths, t.shape[1])
    if wrong is not None and wrong.any():
        case, step = np.argwhere(wrong)[0]
        raise ShapeError(
            f"step {step + 1} of case {case} has a target, but its inputs are padding (NaN); "
            "−1 as a class, or NaN as the values, stands for no target"
        )

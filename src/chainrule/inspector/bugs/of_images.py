"""Bugs of convolution, pooling and normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.inspector.bugs.bug import At, Planted, layers_of
from chainrule.inspector.bugs.of_rows import FILTERED, back_by
from chainrule.inspector.record import Record
from chainrule.nn.graph import INPUT, INPUT_WORD
from chainrule.nn.images.geometry import Windows

NORMS = ("batch_norm", "layer_norm")
"""The types of layers that normalise."""


def flipped(at: At) -> Array | None:
    """Back by the filters turned round in rows and columns."""
    return back_by(at, at.layer.W[..., ::-1, ::-1]) if at.type in FILTERED else None


def has_wide_filters(record: Record) -> bool:
    """Whether turning filters round changes them."""
    return any(
        not np.array_equal(layer.W, layer.W[..., ::-1, ::-1])
        for layer in layers_of(record, *FILTERED)
    )


# Pooling


def _under(windows: Windows, i: int, j: int) -> tuple[slice, slice]:
    """The rows and columns of the image under a window, without padding."""
    top, left = (
        i * windows.stride[0] - windows.padding[0],
        j * windows.stride[1] - windows.padding[2],
    )
    return (
        slice(max(top, 0), min(top + windows.rows, windows.height)),
        slice(max(left, 0), min(left + windows.columns, windows.width)),
    )


def _places(windows: Windows) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    for i in range(windows.down):
        for j in range(windows.across):
            yield i, j, _under(windows, i, j)


def all_winners(at: At) -> Array | None:
    """Every number that equals the maximum gets the whole gradient."""
    if at.type != "max_pool2d":
        return None
    found, x, y, J = np.zeros_like(at.x), at.x, at.array("out"), at.array("J")
    for i, j, (rows, columns) in _places(at.layer.windows):
        one = (slice(None), slice(None), slice(i, i + 1), slice(j, j + 1))
        found[:, :, rows, columns] += J[one] * (x[:, :, rows, columns] == y[one])
    return found.reshape(at.right.shape)


def assigned_windows(at: At) -> Array | None:
    """Where windows overlap, the last one that chose a number alone."""
    if at.type != "max_pool2d":
        return None
    found, J = np.zeros_like(at.x), at.array("J")
    for i, j, place in _winners(at.layer.windows, at.array("winners")):
        found[place] = J[:, :, i, j]
    return found.reshape(at.right.shape)


def _winners(windows: Windows, winners: Array) -> Iterator[tuple[int, int, Any]]:
    """Each window's place, and the index of its winners in the images of all cases."""
    cases, channels = np.ogrid[: winners.shape[0], : winners.shape[1]]
    for i, j, _ in _places(windows):
        place = winners[:, :, i, j].astype(int)
        row = i * windows.stride[0] - windows.padding[0] + place // windows.columns
        column = j * windows.stride[1] - windows.padding[2] + place % windows.columns
        yield i, j, (cases, channels, row, column)


def _source_of(record: Record, layer: Any) -> Any:
    """The layer that feeds a layer of one source; None for the input."""
    (source,) = record.network.graph.sources[record.network.layers.index(layer)]
    return None if source == INPUT else record.layer(source)


def _image_of(record: Record, layer: Any) -> Array:
    source = _source_of(record, layer)
    return record[f"{INPUT_WORD if source is None else source.name}.out"]


def has_ties(record: Record) -> bool:
    """Whether several numbers of a window are its maximum, and what made them listens.

    Units of relu at 0 do not: no gradient goes further than to them. At equal inputs the slope is
    a convention.
    """
    for layer in layers_of(record, "max_pool2d"):
        source = _source_of(record, layer)
        if source is None:
            continue
        x, y = _image_of(record, layer), record[f"{layer.name}.out"]
        moves = np.ones(x.shape, bool)
        if f"{source.name}.z" in record.entries:
            moves = source.activation.derivative(record[f"{source.name}.z"]) != 0
        for i, j, (rows, columns) in _places(layer.windows):
            equal = x[:, :, rows, columns] == y[:, :, i : i + 1, j : j + 1]
            if ((equal & moves[:, :, rows, columns]).sum(axis=(2, 3)) > 1).any():
                return True
    return False


def has_shared_winners(record: Record) -> bool:
    """Whether a number is the maximum of several windows."""
    for layer in layers_of(record, "max_pool2d"):
        windows = layer.windows
        if windows.stride[0] >= windows.rows and windows.stride[1] >= windows.columns:
            continue
        chosen = np.zeros(_image_of(record, layer).shape, int)
        for _, _, place in _winners(windows, record[f"{layer.name}.winners"]):
            chosen[place] += 1
        if (chosen > 1).any():
            return True
    return False


# Normalisation


def no_way(at: At) -> Array | None:
    """∂L/∂variance, or ∂L/∂mean, as 0."""
    return np.zeros_like(at.right) if at.type in NORMS else None


def has_way_by_variance(record: Record) -> bool:
    """Whether something goes back through the variance of a layer that normalises."""
    return any(record[f"{layer.name}.v_J"].any() for layer in layers_of(record, *NORMS))


def has_way_by_statistics(record: Record) -> bool:
    """Whether something goes back through the variance or the mean."""
    return has_way_by_variance(record) or any(
        record[f"{layer.name}.m_J"].any() for layer in layers_of(record, *NORMS)
    )


BUGS = (
    Planted(
        "flipped",
        "Filter turned round",
        "On the way back I laid the filter on δ as on the way forward, not turned round.",
        "Forward an output takes x[i + p] by w[p]; so back x[i] hears from output i − p by w[p].",
        "Which outputs read the pixel in a corner, and through which number of the filter?",
        "J_before[i + p] += delta[i] * w[p]",
        "J_before[i + p] += delta[i] * w[size - 1 - p]",
        ("sent",),
        flipped,
        has_wide_filters,
    ),
    Planted(
        "all_winners",
        "Max pool: all equal numbers win",
        "My mask was x == max, and of equal numbers each got the whole gradient.",
        "One number of a window is passed on, and it alone gets the gradient; equal numbers that "
        "each get all of it count the way several times.",
        "Add up what comes out of a window on the way back. Is it more than went in?",
        "J_before[winner] += J",
        "J_before[window == window.max()] += J",
        ("sent",),
        all_winners,
        has_ties,
    ),
    Planted(
        "assigned_windows",
        "Max pool: assigned where windows overlap",
        "I wrote the gradient to the winner's place, and the next window wrote over it.",
        "A number that wins in several windows moves the loss through each, and the ways add up.",
        "With a stride as large as the window all is well. What is different here?",
        "J_before[winner] += J",
        "J_before[winner] = J",
        ("sent",),
        assigned_windows,
        has_shared_winners,
    ),
    Planted(
        "no_way_by_variance",
        "Norm: the way through the variance forgotten",
        "I differentiated (x − m) / s with s as a constant.",
        "Every input also moves the variance, and by it all numbers that share it.",
        "Multiply all inputs by 2. How does the output change, and what does the gradient say?",
        "J_before = xhat_J / s + v_J * 2 * (x - m) / n + m_J / n",
        "J_before = xhat_J / s + m_J / n",
        ("v_J",),
        no_way,
        has_way_by_variance,
    ),
    Planted(
        "no_way_by_statistics",
        "Norm: mean and variance as constants",
        "I sent the gradient through (x − m) / s as if m and s were given.",
        "Every input also moves the mean and the variance, and by them all that share them.",
        "Add 1 to all inputs. How does the output change, and what does the gradient say?",
        "J_before = xhat_J / s + v_J * 2 * (x - m) / n + m_J / n",
        "J_before = xhat_J / s",
        ("v_J", "m_J"),
        no_way,
        has_way_by_statistics,
    ),
)

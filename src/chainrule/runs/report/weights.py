"""What the first layer looks for: its filters or weights as images, or as a table of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError
from chainrule.plots.weights import filter_tiles, weight_sheet
from chainrule.runs.report.drawing import input_names
from chainrule.runs.report.pictures import Picture, picture, signed
from chainrule.runs.run import Run

MOST_TILES = 144
MOST_INPUTS, MOST_UNITS = 40, 40
"""Weights of more inputs or units than this are no table."""

SHADES = 10


@dataclass(frozen=True)
class Weight:
    """A weight in the table.

    Attributes:
        text: its value.
        shade: from −`SHADES` to `SHADES`, by the largest weight.
    """

    text: str
    shade: int


@dataclass(frozen=True)
class FirstWeights:
    """The weights of the first layer that has any.

    Attributes:
        layer: its name.
        what: what is shown, such as ``16 filters``.
        image: a sheet of tiles, or None.
        scale: by how much the sheet is enlarged.
        in_color: whether the tiles are images in colour.
        rows: name and weights of each input, if they are a table.
        units: how many columns that has.
        reason: why nothing is shown; empty if something is.
    """

    layer: str
    what: str = ""
    image: Picture | None = None
    scale: int = 1
    in_color: bool = False
    rows: tuple[tuple[str, list[Weight]], ...] = ()
    units: int = 0
    reason: str = ""


def first_weights(run: Run) -> FirstWeights:
    """The weights of the first layer with weights, as they suit its inputs."""
    layer = next((one for one in run.network.layers if "W" in one.shapes()), None)
    if layer is None:
        return FirstWeights("", reason="no layer has weights")
    W: Array = layer.W  # type: ignore[attr-defined]
    if not np.isfinite(W).all():
        return FirstWeights(layer.name, reason="its weights are no longer finite numbers")
    if not W.any():
        return FirstWeights(layer.name, reason="every weight is 0")
    if W.ndim == 4:
        return _sheet(layer.name, *filter_tiles(W))
    if W.ndim != 2 or len(W) != run.network.input:
        return FirstWeights(layer.name, reason="neither filters nor a weight for each input")
    shape = _image_shape(run)
    if shape is not None and prod(shape) == len(W):
        rows = run.data.pictures(W.T).reshape(len(W.T), -1).T  # colours last, as images are drawn
        return _sheet(layer.name, rows, shape, "units")
    return _table(run, layer.name, W)


def _image_shape(run: Run) -> tuple[int, ...] | None:
    """The shape of the images that the network takes; None if they are none, or are gone."""
    try:
        return run.data.image_shape
    except ChainruleError:
        return None


def _sheet(layer: str, rows: Array, shape: tuple[int, ...], what: str) -> FirstWeights:
    sheet, shown = weight_sheet(rows, shape, MOST_TILES)
    count = f"{shown} {what}"
    if shown < rows.shape[1]:
        count = f"the {shown} {what} of the largest weights, of {rows.shape[1]:,}"
    if sheet.ndim == 3:
        opaque = np.where(np.isnan(sheet).any(axis=-1, keepdims=True), 0, 1)
        pixels = (255 * np.concatenate([np.nan_to_num(sheet), opaque], axis=-1)).round()
        image = picture(pixels.astype(np.uint8))
    else:
        image = picture(signed(sheet))
    scale = max(1, min(12, 640 // max(image.width, 1)))
    return FirstWeights(layer, count, image, scale, in_color=sheet.ndim == 3)


def _table(run: Run, layer: str, W: Array) -> FirstWeights:
    inputs, units = W.shape
    if inputs > MOST_INPUTS or units > MOST_UNITS:
        reason = f"{inputs:,} inputs and {units:,} units are too many to show"
        return FirstWeights(layer, reason=reason)
    largest = float(np.abs(W).max(initial=0)) or 1.0
    rows = tuple(
        (name, [Weight(f"{w:.3g}", round(SHADES * float(w) / largest)) for w in row])
        for name, row in zip(input_names(run), W, strict=True)
    )
    return FirstWeights(layer, f"{inputs} inputs, {units} units", rows=rows, units=units)

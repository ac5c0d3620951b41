"""Images on grids, in which the values under a filter's element are a shifted vector.

In a padded image stored row after row, the values under element (p, q) of a filter of stride 1,
at all places, are the image from index p · width + q on: no columns need be gathered. With stride
s the image is split into s × s phases, each a grid of every s-th row and column; element (p, q)
is then a shift within the phase (p mod s, q mod s). For filters wider than 1, a row of the grid
is longer than a row of outputs: the sums at the positions behind, the gutter, are not used.

δ lies on a grid of the same width, with zeros in the gutters and before its first row. Its
convolution with the filters, shifted the other way, is the gradient with respect to the image.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.images.geometry import Windows
from chainrule.nn.kernels.vectors import LINE

# Bounds are checked before a kernel is called. Compiled loops do not check indices: beyond the
# end of an array they would read whatever is there, and writing there may crash the process at
# some later time.


def require_shape(what: str, array: Array | None, *shape: int) -> None:
    """Refuse an array that a kernel would read or write beyond its end.

    Args:
        what: the name of the array.
        array: the array; None is accepted.
        shape: the shape that the kernel assumes.

    Raises:
        ShapeError: the array has another shape, or is not C-contiguous.
    """
    if array is None or (array.shape == shape and array.flags.c_contiguous):
        return
    if array.shape != shape:
        raise ShapeError(f"compiled loops take {what} of shape {shape}, found {array.shape}")
    raise ShapeError(f"compiled loops take {what} that lies row by row in memory")


def require_windows(windows: Windows) -> None:
    """Refuse sizes below 1, negative padding, and windows larger than the padded image.

    Raises:
        ShapeError: the windows are of this kind.
    """
    w, (_, height, width) = windows, windows.padded_image
    counts = (w.channels, w.height, w.width, w.rows, w.columns, *w.stride)
    if min(counts) < 1 or min(w.padding) < 0 or w.rows > height or w.columns > width:
        raise ShapeError(f"compiled loops take windows that fit on an image, found {w}")


class Sizes(NamedTuple):
    """The sizes that kernels are given, as whole numbers."""

    channels: int
    height: int
    width: int
    top: int
    left: int
    step_down: int
    step_across: int
    filters: int
    down: int
    across: int
    grid_height: int
    grid_width: int
    under: int
    margin: int
    delta_plane: int
    forward_length: int
    input_length: int
    weight_length: int


class Tile(NamedTuple):
    """The part of a product that stays in registers: rows times lines (SIMD vectors)."""

    rows: int
    lines: int


WIDE, TALL = Tile(4, 6), Tile(8, 3)
"""Both have 24 lines of sums; a processor with lines of 64 bytes has 32 registers."""

WEIGHT_TILE = Tile(4, 6)
"""The tile of the gradient of the weights: filters times values under them."""


def tile_for(rows: int) -> Tile:
    """The tile that leaves fewer rows empty; of two equal ones `TALL`."""
    return WIDE if -(-rows // 4) * 4 < -(-rows // 8) * 8 else TALL


def up(number: int, step: int) -> int:
    """The number rounded up to a multiple of ``step``."""
    return -(-number // step) * step


class Grids:
    """A convolution as tables of shifts.

    Args:
        windows: the positions of the filters.
        filters: the number of filters.
        itemsize: bytes per value.

    Attributes:
        sizes: the sizes for the kernels.
        offsets: for each value under a filter its index on the grids at place 0, (under,), with
            the last one repeated to fill a tile.
        input_offsets: likewise for the gradient of each phase of the image, on the grid of δ,
            (phases, most taps).
        taps: the number of taps (filter, p, q) of each phase, (phases,).
        places: for each phase the list of its elements (p, q) of a filter.
        forward_tile: the tile of the convolution.
        input_tile: the tile of the gradient of the image.
        image_size: the number of values of an image on its grids.
        delta_size: the number of values of δ on its grid, empty rows included.

    Raises:
        ShapeError: a window is larger than the padded image.
    """

    def __init__(self, windows: Windows, filters: int, itemsize: int) -> None:
        require_windows(windows)
        w, lanes = windows, LINE // itemsize
        step_down, step_across = w.stride
        _, height, width = w.padded_image
        grid = up(height, step_down) // step_down, up(width, step_across) // step_across
        self.forward_tile = tile_for(filters)
        self.input_tile = tile_for(w.channels)
        span = (w.down - 1) * grid[1] + w.across
        forward = up(span, self.forward_tile.lines * lanes)
        weight = up(span, lanes)
        back = up(grid[0] * grid[1], self.input_tile.lines * lanes)
        margin = (w.rows - 1) // step_down * grid[1] + (w.columns - 1) // step_across
        plane = margin + max(back, weight)
        plane += lanes if plane * itemsize % 4096 == 0 else 0
        self.sizes = Sizes(
            channels=w.channels,
            height=w.height,
            width=w.width,
            top=w.padding[0],
            left=w.padding[2],
            step_down=step_down,
            step_across=step_across,
            filters=filters,
            down=w.down,
            across=w.across,
            grid_height=grid[0],
            grid_width=grid[1],
            under=w.under,
            margin=margin,
            delta_plane=plane,
            forward_length=forward,
            input_length=back,
            weight_length=weight,
        )
        self.offsets = self._offsets(w)
        self.places = [
            [
                (p, q)
                for p in range(down, w.rows, step_down)
                for q in range(across, w.columns, step_across)
            ]
            for down in range(step_down)
            for across in range(step_across)
        ]
        self.taps = np.array([len(places) * filters for places in self.places])
        self.input_offsets = self._input_offsets()
        planes = w.channels * step_down * step_across * grid[0] * grid[1]
        self.image_size = max(planes, int(self.offsets.max()) + max(forward, weight))
        self.delta_size = up(filters, WEIGHT_TILE.rows) * plane

    def _offsets(self, w: Windows) -> Array:
        sizes = self.sizes
        c, p, q = np.ogrid[: w.channels, : w.rows, : w.columns]
        phase = (c * sizes.step_down + p % sizes.step_down) * sizes.step_across
        phase = phase + q % sizes.step_across
        shift = p // sizes.step_down * sizes.grid_width + q // sizes.step_across
        offsets = (phase * (sizes.grid_height * sizes.grid_width) + shift).ravel()
        spare = up(len(offsets), WEIGHT_TILE.lines) - len(offsets)
        return np.pad(offsets, (0, spare), mode="edge").astype(np.int64)

    def _input_offsets(self) -> Array:
        sizes = self.sizes
        found = np.zeros((len(self.places), max(1, int(self.taps.max()))), np.int64)
        f = np.arange(sizes.filters)[:, None] * sizes.delta_plane + sizes.margin
        for phase, places in enumerate(self.places):
            shifts = [
                p // sizes.step_down * sizes.grid_width + q // sizes.step_across for p, q in places
            ]
            if shifts:
                found[phase, : self.taps[phase]] = (f - np.array(shifts)).ravel()
        return found


@lru_cache(maxsize=256)
def grids_of(windows: Windows, filters: int, dtype: np.dtype[Any]) -> Grids:
    """The tables of a convolution; the last 256 used are kept."""
    return Grids(windows, filters, dtype.itemsize)

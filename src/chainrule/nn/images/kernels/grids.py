"""Images on grids, so that what is under a filter is a shift of one vector.

On a padded image, its rows one behind the other, the numbers under place (p, q) of a filter of
stride 1 are the image itself from p · width + q on: no columns need be gathered. With a stride s
the image is split into s × s phases, each a grid of every s-th row and column; then again a place
(p, q) is a shift, within the phase (p mod s, q mod s). Behind the last place of a row of outputs
a grid has a gutter, as wide as the filter is wider than 1: what is computed there is not used.

δ lies on a grid of the same width, with zeros in the gutters and before its first row. Its
convolution with the filters, shifted the other way, is the gradient of the image.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.kernels.vectors import LINE

# Bounds are checked before a kernel is called. Compiled loops do not ask whether an index lies
# within its array: what lies beyond is read as if it were there, and writing there ends the
# process at some later time.


def require_shape(what: str, array: Array | None, *shape: int) -> None:
    """Refuse an array that a kernel would read or write beyond its end.

    Args:
        what: the name of the array.
        array: None for one that is not wanted.
        shape: that the kernel takes for granted.

    Raises:
        ShapeError: it has another shape, or does not lie in memory row by row.
    """
    if array is None or (array.shape == shape and array.flags.c_contiguous):
        return
    if array.shape != shape:
        raise ShapeError(f"compiled loops take {what} of shape {shape}, found {array.shape}")
    raise ShapeError(f"compiled loops take {what} that lies row by row in memory")


def require_windows(
    length: int, size: int, step: int, places: int, before: int, after: int, *, by: str
) -> None:
    """Refuse windows along one axis of which one reaches beyond the padded image.

    Args:
        length: of the image.
        size: of a window.
        step: from one window to the next.
        places: how many windows there are.
        before: padding.
        after: padding.
        by: ``rows`` or ``columns``, for the message.

    Raises:
        ShapeError: there is one, or a count that is none.
    """
    last = (places - 1) * step - before
    counts = min(length, size, step, places) >= 1 and min(before, after) >= 0
    if not (counts and last + size <= length + after):
        raise ShapeError(
            f"{places} windows of {size} {by}, {step} apart, do not fit on {length} {by} with a "
            f"padding of {before} and {after}"
        )


class Shape(NamedTuple):
    """Of a convolution: everything as in `nn.images.geometry.Windows`, and the filters."""

    channels: int
    height: int
    width: int
    rows: int
    columns: int
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    filters: int


class Sizes(NamedTuple):
    """The whole numbers that kernels are given."""

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
    """What stays in registers: rows of a product times lines of it."""

    rows: int
    lines: int


WIDE, TALL = Tile(4, 6), Tile(8, 3)
"""24 lines of sums, of the 32 that a processor with such lines has."""

WEIGHT_TILE = Tile(4, 6)
"""Of the gradient of the weights: filters times numbers under them."""


def tile_for(rows: int) -> Tile:
    """The one that leaves fewer rows empty."""
    return WIDE if -(-rows // 4) * 4 < -(-rows // 8) * 8 else TALL


def up(number: int, step: int) -> int:
    """The next multiple of ``step``."""
    return -(-number // step) * step


class Grids:
    """A convolution as tables of shifts.

    Args:
        shape: of the convolution.
        itemsize: bytes of a number.

    Attributes:
        sizes: for the kernels.
        offsets: where the numbers under place 0 lie, (under,) and as many more of the last as
            fill a tile.
        input_offsets: likewise for the gradient of each phase of the image, on the grid of δ,
            (phases, most taps).
        taps: how many of those there are, (phases,).
        places: which (p, q) each tap of a phase is of, a list a phase.
        forward_tile: of the convolution.
        input_tile: of the gradient of the image.
        image_size: numbers of an image on its grids.
        delta_size: numbers of δ on its grid, empty rows included.
    """

    def __init__(self, shape: Shape, itemsize: int) -> None:
        lanes = LINE // itemsize
        top, bottom, left, right = shape.padding
        step_down, step_across = shape.stride
        padded = shape.height + top + bottom, shape.width + left + right
        down = (padded[0] - shape.rows) // step_down + 1
        across = (padded[1] - shape.columns) // step_across + 1
        grid = up(padded[0], step_down) // step_down, up(padded[1], step_across) // step_across
        under = shape.channels * shape.rows * shape.columns
        self.forward_tile = tile_for(shape.filters)
        self.input_tile = tile_for(shape.channels)
        span = (down - 1) * grid[1] + across
        forward = up(span, self.forward_tile.lines * lanes)
        weight = up(span, lanes)
        back = up(grid[0] * grid[1], self.input_tile.lines * lanes)
        margin = (shape.rows - 1) // step_down * grid[1] + (shape.columns - 1) // step_across
        plane = margin + max(back, weight)
        plane += lanes if plane * itemsize % 4096 == 0 else 0
        self.sizes = Sizes(
            channels=shape.channels,
            height=shape.height,
            width=shape.width,
            top=top,
            left=left,
            step_down=step_down,
            step_across=step_across,
            filters=shape.filters,
            down=down,
            across=across,
            grid_height=grid[0],
            grid_width=grid[1],
            under=under,
            margin=margin,
            delta_plane=plane,
            forward_length=forward,
            input_length=back,
            weight_length=weight,
        )
        self._shape = shape
        self.offsets = self._offsets()
        self.places = self._places()
        self.taps = np.array([len(places) * shape.filters for places in self.places])
        self.input_offsets = self._input_offsets()
        planes = shape.channels * step_down * step_across * grid[0] * grid[1]
        self.image_size = max(planes, int(self.offsets.max()) + max(forward, weight))
        self.delta_size = up(shape.filters, WEIGHT_TILE.rows) * plane
        self._require_bounds(bottom, right)

    def _require_bounds(self, bottom: int, right: int) -> None:
        """Every index that a kernel makes of these tables lies within its room.

        Raises:
            ShapeError: a window does not, or a table is none of this convolution.
        """
        s, shape = self.sizes, self._shape
        require_windows(s.height, shape.rows, s.step_down, s.down, s.top, bottom, by="rows")
        require_windows(
            s.width, shape.columns, s.step_across, s.across, s.left, right, by="columns"
        )
        last = (s.down - 1) * s.grid_width + s.across
        reach = max(s.forward_length, s.weight_length)
        right_sizes = (
            (s.height + s.top - 1) // s.step_down < s.grid_height
            and (s.width + s.left - 1) // s.step_across < s.grid_width
            and last <= min(s.forward_length, s.weight_length, s.input_length)
            and 0 <= self.offsets.min() <= self.offsets.max() <= self.image_size - reach
            and s.margin + max(s.input_length, s.weight_length) <= s.delta_plane
            and self.input_offsets.min() >= 0
            and self.input_offsets.max() <= s.filters * s.delta_plane - s.input_length
        )
        if not right_sizes:
            raise ShapeError(f"the grids of {shape} are too small for it")

    def _offsets(self) -> Array:
        shape, sizes = self._shape, self.sizes
        c, p, q = np.ogrid[: shape.channels, : shape.rows, : shape.columns]
        phase = (c * sizes.step_down + p % sizes.step_down) * sizes.step_across
        phase = phase + q % sizes.step_across
        shift = p // sizes.step_down * sizes.grid_width + q // sizes.step_across
        offsets = (phase * (sizes.grid_height * sizes.grid_width) + shift).ravel()
        spare = up(len(offsets), WEIGHT_TILE.lines) - len(offsets)
        return np.pad(offsets, (0, spare), mode="edge").astype(np.int64)

    def _places(self) -> list[list[tuple[int, int]]]:
        shape, sizes = self._shape, self.sizes
        return [
            [
                (p, q)
                for p in range(down, shape.rows, sizes.step_down)
                for q in range(across, shape.columns, sizes.step_across)
            ]
            for down in range(sizes.step_down)
            for across in range(sizes.step_across)
        ]

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
def grids_of(shape: Shape, dtype: np.dtype[Any]) -> Grids:
    """The tables of a convolution; those in use are kept."""
    return Grids(shape, dtype.itemsize)

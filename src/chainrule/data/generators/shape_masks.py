"""The pixels of each class of image: strokes in a box, drawn for many images at once.

A box stands anywhere in its image. Everything a shape needs to know lies along one axis: how
far a row is from the box's top, how far a column is from its left. So each mask is a
comparison or a product of a row vector and a column vector, broadcast over a chunk of images
that fits the processor's cache; no image is drawn in a Python loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.core.arrays import Array

# Chunks of about this many pixels: masks of one byte a pixel that stay in the cache.
CHUNK_PIXELS = 2**18


@dataclass(frozen=True)
class Boxes:
    """Where the shapes of a set of images stand: five arrays of whole numbers, (images,).

    Attributes:
        top: the first row of the box.
        left: its first column.
        height: its rows.
        width: its columns.
        thickness: the strokes' width in pixels.
    """

    top: Array
    left: Array
    height: Array
    width: Array
    thickness: Array

    def __len__(self) -> int:
        return len(self.top)

    def __getitem__(self, part: slice) -> Boxes:
        return Boxes(
            self.top[part],
            self.left[part],
            self.height[part],
            self.width[part],
            self.thickness[part],
        )


class Axis:
    """The rows, or the columns, of a chunk of images, seen from their boxes.

    Attributes:
        place: (images, n), the distance of each row from the box's first one.
        length: (images, 1), the box's number of rows.
        thickness: (images, 1).
    """

    def __init__(self, first: Array, length: Array, thickness: Array, size: int) -> None:
        self.place = np.arange(size, dtype=np.int16) - first[:, None].astype(np.int16)
        self.length = length[:, None].astype(np.int16)
        self.thickness = thickness[:, None].astype(np.int16)

    @cached_property
    def inside(self) -> Array:
        """(images, n), whether the row crosses the box."""
        crosses: Array = (self.place >= 0) & (self.place < self.length)
        return crosses

    @cached_property
    def from_middle(self) -> Array:
        """(images, n), twice the distance of the row's centre from the box's."""
        distance: Array = np.abs(2 * self.place + 1 - self.length)
        return distance

    def stroke(self, where: str) -> Array:
        """(images, n), the rows of a stroke at the start, middle, end or both edges."""
        place, length, thickness = self.place, self.length, self.thickness
        if where == "middle":
            first = (length - thickness) // 2
            return (place >= first) & (place < first + thickness)
        start = self.inside & (place < thickness)
        end = self.inside & (place >= length - thickness)
        return {"start": start, "end": end, "edges": start | end}[where]


def _outer(compare: Callable[..., Array], rows: Array, columns: Array) -> Array:
    """(images, n, n): ``compare`` of every row's number with every column's."""
    return compare(rows[:, :, None], columns[:, None, :])


# Shapes of upright strokes: where the horizontal ones stand among the rows, and the vertical
# ones among the columns.
UPRIGHT = {
    "rectangle": ("edges", "edges"),
    "cross": ("middle", "middle"),
    "corner": ("end", "start"),
    "tee": ("start", "middle"),
    "cup": ("end", "edges"),
    "bars": ("edges", None),
}


def _upright(name: str, rows: Axis, columns: Axis) -> Array:
    horizontal, vertical = UPRIGHT[name]
    mask = _outer(np.logical_and, rows.stroke(horizontal), columns.inside)
    if vertical is not None:
        mask |= _outer(np.logical_and, rows.inside, columns.stroke(vertical))
    return mask


def _circle(rows: Axis, columns: Axis) -> Array:
    """An ellipse less a smaller one: its outline.

    The semi-axes are a tenth of a pixel short of the box, or the smallest circles would fill
    its corners and be rectangles.
    """
    squares = [_squares(axis, inset=0.1) for axis in (rows, columns)]
    inner = [_squares(axis, inset=axis.thickness) for axis in (rows, columns)]
    # A pixel with a neighbour outside stays, or thin outlines would have holes in them.
    beside = [np.maximum(_shift(s, 1), _shift(s, -1)) for s in squares]
    hole = _outer(np.less_equal, inner[0], 1 - inner[1])
    hole &= _outer(np.less_equal, beside[0], 1 - squares[1])
    hole &= _outer(np.less_equal, squares[0], 1 - beside[1])
    return _outer(np.less_equal, squares[0], 1 - squares[1]) ^ hole


def _squares(axis: Axis, inset: float | Array) -> Array:
    """(images, n), the square of (distance from the middle) / (semi-axis)."""
    distance = axis.from_middle
    # Both middle rows of an even length count as the middle: the ellipse touches its box.
    distance = np.where(distance == 1, 0, distance)
    ratio: Array = (distance / (axis.length - 2 * inset)).astype(np.float32)
    return ratio * ratio


def _shift(values: Array, step: int) -> Array:
    """The next row's value in the place of each; infinite beyond the image."""
    shifted = np.full_like(values, np.inf)
    if step > 0:
        shifted[:, :-step] = values[:, step:]
    else:
        shifted[:, -step:] = values[:, :step]
    return shifted


def _triangle(rows: Axis, columns: Axis) -> Array:
    """An upright triangle on its base, less a smaller one: its outline."""
    slope = (columns.length - 2) / (rows.length - 1)
    half = 1.5 + slope * rows.place
    # What the stroke takes off a row, measured across it; half a pixel in favour of the hole,
    # but a pixel with a neighbour outside stays.
    across = np.maximum(rows.thickness * np.sqrt(4 + slope**2) - 0.5, np.maximum(2, slope))
    hole = np.where(rows.place < rows.length - rows.thickness, half - across, -1)
    outer, inner = (
        np.floor(np.where(rows.inside, limit, -1)).astype(np.int16) for limit in (half, hole)
    )
    mask = _outer(np.greater_equal, outer, columns.from_middle)
    return mask ^ _outer(np.greater_equal, inner, columns.from_middle)


def _saltire(rows: Axis, columns: Axis) -> Array:
    """Both diagonals: folded about the middle, they are one line."""
    return _diagonal(rows, columns, rows.from_middle, columns.from_middle)


def _zed(rows: Axis, columns: Axis) -> Array:
    """A bar above, a bar below, and the diagonal from the upper right to the lower left."""
    to_right = columns.length - 1 - columns.place
    mask = _diagonal(rows, columns, 2 * rows.place, 2 * to_right)
    return mask | _upright("bars", rows, columns)


def _diagonal(rows: Axis, columns: Axis, down: Array, across: Array) -> Array:
    """The pixels near the line down / height = across / width (both doubled)."""
    rise, run = rows.length - 1, columns.length - 1
    reach = rows.thickness * np.hypot(rise, run)
    far = 1e6
    heights = np.where(rows.inside, down * run, -far).astype(np.float32)
    widths = np.where(columns.inside, across * rise, far).astype(np.float32)
    mask = _outer(np.less_equal, heights, (widths + reach).astype(np.float32))
    mask &= _outer(np.greater_equal, heights, (widths - reach).astype(np.float32))
    return mask


_SLANTED: dict[str, Callable[[Axis, Axis], Array]] = {
    "circle": _circle,
    "triangle": _triangle,
    "saltire": _saltire,
    "zed": _zed,
}

CLASSES = (
    "circle",
    "rectangle",
    "triangle",
    "cross",
    "saltire",
    "corner",
    "tee",
    "cup",
    "bars",
    "zed",
)


def draw(name: str, boxes: Boxes, size: int) -> Array:
    """Images of one class.

    Args:
        name: one of `CLASSES`.
        boxes: the place, size and thickness of each shape; at least 3 x 3 pixels, and no
            thicker than a third of the shorter side.
        size: the images' height and width n.

    Returns:
        (images, n, n) of uint8, 1 where the shape is.

    Example:
        >>> import numpy as np
        >>> one = [np.array([v]) for v in (0, 1, 4, 5, 1)]
        >>> for row in draw("rectangle", Boxes(*one), 6)[0]:
        ...     print("".join(".#"[pixel] for pixel in row))
        .#####
        .#...#
        .#...#
        .#####
        ......
        ......
    """
    images = np.empty((len(boxes), size, size), dtype=np.uint8)
    step = max(1, CHUNK_PIXELS // size**2)
    for first in range(0, len(boxes), step):
        part = boxes[first : first + step]
        rows = Axis(part.top, part.height, part.thickness, size)
        columns = Axis(part.left, part.width, part.thickness, size)
        if name in UPRIGHT:
            images[first : first + step] = _upright(name, rows, columns)
        else:
            images[first : first + step] = _SLANTED[name](rows, columns)
    return images

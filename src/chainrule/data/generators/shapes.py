"""Binary images of simple shapes, whose sizes, strokes and noise can be set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from chainrule.core.arguments import MOST, is_whole
from chainrule.core.arrays import Array
from chainrule.core.randomness import stream
from chainrule.core.schema import (
    Count,
    Flag,
    Metadata,
    Seed,
    Share,
    WholeRange,
    Word,
    described_as,
    expected,
    found,
    invalid,
    repeated,
)
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.generators.base import a_case_each, ends_of, generator, refuse_beyond_memory
from chainrule.data.splits import DEFAULT_SPLIT, Split, split_cases

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
"""The shapes by name."""

SMALLEST_SIDE = 3
"""The smallest width and height of a shape: with fewer pixels some classes look alike."""

CHUNK_PIXELS = 2**18
"""Images are drawn in chunks of about this many pixels, whose masks stay in the cache."""

# Images that repeat another are drawn again, in at most `_ROUNDS` rounds and at most `_REDRAWS`
# times the number of images in total: the ranges may not allow enough different images.
_ROUNDS = 50
_REDRAWS = 4
SMALLEST_IMAGE, LARGEST_IMAGE = 10, 50
"""The limits for the side of an image, in pixels."""


class ShapeClasses(Metadata):
    """Names of shapes, or a number n for the first n of `CLASSES`."""

    def check(self, value: Any) -> list[str]:
        """The value as a list of at least two different names."""
        if is_whole(value, 2) and value <= len(CLASSES):
            return list(CLASSES[:value])
        if not isinstance(value, list) or len(value) < 2:
            raise expected(f"a list of at least 2 shapes, or a number from 2 to {len(CLASSES)}")
        names = [Word("shape", CLASSES).check(word, at=k) for k, word in enumerate(value)]
        if again := repeated(names):
            raise invalid(f"{again} stands twice among the classes", at=names.index(again) + 1)
        return names

    def json_schema(self) -> dict[str, Any]:
        """A list of names or a number."""
        words = {"enum": list(CLASSES)}
        names = {"type": "array", "items": words, "minItems": 2, "uniqueItems": True}
        return {"anyOf": [names, {"type": "integer", "minimum": 2, "maximum": len(CLASSES)}]}


Side = Annotated[
    int,
    Field(ge=SMALLEST_IMAGE, le=LARGEST_IMAGE),
    described_as(f"a whole number from {SMALLEST_IMAGE} to {LARGEST_IMAGE}"),
]
Pixels = Annotated[int | Sequence[int] | None, WholeRange(SMALLEST_SIDE)]
Strokes = Annotated[int | Sequence[int] | None, WholeRange(1)]


def _shapes_fit(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """A shape cannot be larger than its image."""
    size = values["size"]
    if not is_whole(size, SMALLEST_IMAGE) or size > LARGEST_IMAGE:
        return
    for key in ("width", "height", "thickness"):
        ends = values[key]
        largest = ends[-1] if isinstance(ends, list) and ends else ends
        if is_whole(largest, 1) and size < largest <= MOST:  # what is beyond is refused anyway
            fits = f"{key} must fit into images of {size} x {size} pixels"
            yield (key,), f"{fits}, found {found(ends)}"


@generator("shapes", _shapes_fit, a_case_each("classes"))
class ImageGenerator:
    """Images of 0 and 1, size x size pixels, each showing one shape as strokes.

    The classes are circle (an ellipse), rectangle, triangle, cross (upright), saltire
    (a diagonal cross), corner (an L), tee (a T), cup (a U), bars (two, one above the other)
    and zed (a Z). Images of one class differ in place, width, height and thickness, each
    drawn uniformly from its range. A stroke is never thicker than a third of the shape's
    shorter side, so that no shape becomes a solid block. In the set and in each part of it the
    sizes of the classes differ by at most one image. An image that repeats another is drawn
    again, a limited number of times, as the ranges may allow too few different images.

    Args:
        size: the images have size x size pixels, from 10 to 50.
        classes: the shapes to draw, at least 2 of `CLASSES`, or how many of the first ones.
        count: the number of images in the three parts together.
        noise: the fraction of pixels set at random. Each pixel is chosen independently with
            this probability and becomes 0 or 1 with probability ½ each; so about half of the
            chosen ones change. The same seed gives the same shapes with and without noise.
        width: the range [low, high] of the shapes' widths in pixels, or one width; by default
            three to seven eighths of the image.
        height: the same for their heights.
        thickness: the range of the strokes' thickness in pixels, or one thickness; by default
            from 1 to an eighth of the image.
        centered: put each shape in the middle instead of anywhere.
        flatten: give each image as one row of n² pixels instead of n x n.
        split: the fractions of training, validation and test data.
        seed: the same seed gives the same images.

    Raises:
        ConfigError: names everything that is wrong with the arguments, at once.

    Example:
        >>> train, validation, test = ImageGenerator(size=12, count=200, seed=1)
        >>> train.x.shape, len(validation), len(test)
        ((140, 144), 40, 20)
        >>> ImageGenerator(size=10, noise=2, width=[6, 14])
        Traceback (most recent call last):
        chainrule.core.errors.ConfigError: noise must be a number from 0 to 1, found 2
        width must fit into images of 10 x 10 pixels, found [6, 14]
    """

    CLASSES: tuple[str, ...] = CLASSES

    def __init__(
        self,
        size: Side = 16,
        classes: Annotated[Sequence[str] | int, ShapeClasses()] = (
            "circle",
            "rectangle",
            "triangle",
            "cross",
        ),
        count: Count = 1000,
        noise: Share = 0.0,
        width: Pixels = None,
        height: Pixels = None,
        thickness: Strokes = None,
        centered: Flag = False,
        flatten: Flag = True,
        split: Annotated[Sequence[float], Split()] = DEFAULT_SPLIT,
        seed: Seed = 0,
    ) -> None:
        self.size = size
        assert not isinstance(classes, int), "the check gives names"
        self.classes = tuple(classes)
        self.count = count
        self.noise = noise
        usual = (size * 3 // 8, size * 7 // 8)
        self.width = usual if width is None else ends_of(width)
        self.height = usual if height is None else ends_of(height)
        self.thickness = (1, max(1, size // 8)) if thickness is None else ends_of(thickness)
        self.centered = centered
        self.flatten = flatten
        self.split = split
        self.seed = seed
        refuse_beyond_memory(f"{count} images of {size} x {size}", count * size * size)

    def generate(self) -> DataSplit:
        """Draw the images.

        Returns:
            The three parts; ``x`` is uint8, (images, n²) or, unless flattened,
            (images, n, n); ``t`` holds class numbers, the indices into ``classes``.
        """
        t = np.arange(self.count) * len(self.classes) // self.count
        x = self._draw_all(t)
        if self.noise:
            _add_noise(x, self.noise, stream(self.seed, "data", "noise"))
        if self.flatten:
            x = x.reshape(self.count, -1)
        whole = Dataset(x, t)
        parts = split_cases(self.count, self.split, stream(self.seed, "data", "split"), t)
        train, validation, test = (whole.take(part) for part in parts)
        return DataSplit(
            train,
            validation,
            test,
            classes=self.classes,
            image_shape=(self.size, self.size),
            source=f"shapes: {self.count} images of {self.size} x {self.size}, "
            f"{len(self.classes)} classes",
        )

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self.generate())

    def _draw_all(self, t: Array) -> Array:
        """Images without noise of the classes ``t``, which must ascend, (images, n, n)."""
        rng = stream(self.seed, "data", "shapes")
        images = np.empty((len(t), self.size, self.size), dtype=np.uint8)
        seen: set[bytes] = set()
        todo = np.arange(len(t))
        redraws = -len(t)
        for _ in range(_ROUNDS):
            redraws += len(todo)
            self._draw(todo, t, images, rng)
            todo = _repeats(images, todo, seen)
            if not len(todo) or redraws + len(todo) > _REDRAWS * len(t):
                break
        return images

    def _draw(self, todo: Array, t: Array, images: Array, rng: np.random.Generator) -> None:
        """Draw the images of the indices ``todo``, which must ascend, into ``images``."""
        boxes = self._boxes(len(todo), rng)
        ends = np.searchsorted(t[todo], np.arange(len(self.classes) + 1))
        for name, first, last in zip(self.classes, ends[:-1], ends[1:], strict=True):
            images[todo[first:last]] = draw(name, boxes[:, first:last], self.size)

    def _boxes(self, count: int, rng: np.random.Generator) -> Array:
        """Random positions, sizes and thicknesses of ``count`` shapes, (5, count); see `draw`."""
        height = rng.integers(*self.height, size=count, endpoint=True)
        width = rng.integers(*self.width, size=count, endpoint=True)
        thickness = rng.integers(*self.thickness, size=count, endpoint=True)
        thickness = np.minimum(thickness, np.minimum(height, width) // 3)
        top, left = (self.size - side for side in (height, width))
        if self.centered:
            top, left = top // 2, left // 2
        else:
            top = rng.integers(0, top, endpoint=True)
            left = rng.integers(0, left, endpoint=True)
        return np.stack([top, left, height, width, thickness])


def _repeats(images: Array, numbers: Array, seen: set[bytes]) -> Array:
    """The indices in ``numbers`` of images already in ``seen``; the others are added to it."""
    repeats = []
    for first in range(0, len(numbers), 4096):
        part = numbers[first : first + 4096]
        packed = np.packbits(images[part].reshape(len(part), -1), axis=1)
        for number, key in zip(part, map(bytes, packed), strict=True):
            if key in seen:
                repeats.append(number)
            seen.add(key)
    return np.array(repeats, dtype=np.intp)


def _add_noise(images: Array, noise: float, rng: np.random.Generator) -> None:
    """Set each pixel in place, with probability ``noise``, to 0 or 1 with equal probability.

    With u uniform in 0..1, a pixel becomes 0 if u < noise/2, and 1 if noise/2 ≤ u < noise.
    """
    pixels = images.reshape(-1)
    for first in range(0, len(pixels), CHUNK_PIXELS):
        part = pixels[first : first + CHUNK_PIXELS]
        u = rng.random(len(part), dtype=np.float32)
        part |= (u < np.float32(noise)).view(np.uint8)
        part &= (u >= np.float32(noise / 2)).view(np.uint8)


class Axis:
    """The rows of a chunk of images, relative to the box around each shape; or the columns.

    Attributes:
        place: (images, n), the index of each row minus that of the box's first row.
        length: (images, 1), the box's number of rows.
        thickness: (images, 1), the thickness of the strokes.
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
        """(images, n), whether the row is in a stroke at the start, middle, end or both edges."""
        place, length, thickness = self.place, self.length, self.thickness
        if where == "middle":
            first = (length - thickness) // 2
            return (place >= first) & (place < first + thickness)
        start = self.inside & (place < thickness)
        end = self.inside & (place >= length - thickness)
        return {"start": start, "end": end, "edges": start | end}[where]


def _outer(compare: Callable[..., Array], rows: Array, columns: Array) -> Array:
    """``compare`` applied to the values of every row and every column, (images, n, n)."""
    return compare(rows[:, :, None], columns[:, None, :])


# Shapes of horizontal and vertical strokes: where the horizontal strokes are in the order of the
# rows, and the vertical ones, if any, in the order of the columns; see `Axis.stroke`.
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
    """The outline of an ellipse: the ellipse without a smaller one inside it.

    The semi-axes are a tenth of a pixel shorter than half the box; otherwise the smallest
    circles would fill the corners of their boxes and be rectangles.
    """
    squares = [_squares(axis, inset=0.1) for axis in (rows, columns)]
    inner = [_squares(axis, inset=axis.thickness) for axis in (rows, columns)]
    # A pixel with a neighbour outside the ellipse stays; otherwise thin outlines would have gaps.
    beside = [_larger_neighbour(s) for s in squares]
    hole = _outer(np.less_equal, inner[0], 1 - inner[1])
    hole &= _outer(np.less_equal, beside[0], 1 - squares[1])
    hole &= _outer(np.less_equal, squares[0], 1 - beside[1])
    return _outer(np.less_equal, squares[0], 1 - squares[1]) ^ hole


def _squares(axis: Axis, inset: float | Array) -> Array:
    """(images, n), (distance from the box's centre)² / (half the box's length − inset)²."""
    distance = axis.from_middle
    # For an even length both middle rows count as the centre, so that the ellipse touches its box.
    distance = np.where(distance == 1, 0, distance)
    ratio: Array = (distance / (axis.length - 2 * inset)).astype(np.float32)
    return ratio * ratio


def _larger_neighbour(values: Array) -> Array:
    """The larger of the values before and after each; beyond the image they are infinite."""
    padded = np.pad(values, ((0, 0), (1, 1)), constant_values=np.inf)
    return np.maximum(padded[:, :-2], padded[:, 2:])


def _triangle(rows: Axis, columns: Axis) -> Array:
    """The outline of an isosceles triangle on its base: without a smaller one inside it."""
    slope = (columns.length - 2) / (rows.length - 1)
    half = 1.5 + slope * rows.place
    # Twice the horizontal extent of a slanted stroke, less 0.5 so that the hole is wider, but
    # enough that every pixel with a neighbour outside the triangle stays.
    across = np.maximum(rows.thickness * np.sqrt(4 + slope**2) - 0.5, np.maximum(2, slope))
    hole = np.where(rows.place < rows.length - rows.thickness, half - across, -1)
    outer, inner = (
        np.floor(np.where(rows.inside, limit, -1)).astype(np.int16) for limit in (half, hole)
    )
    mask = _outer(np.greater_equal, outer, columns.from_middle)
    return mask ^ _outer(np.greater_equal, inner, columns.from_middle)


def _saltire(rows: Axis, columns: Axis) -> Array:
    """Both diagonals, which are one line in the absolute distances from the centre."""
    return _diagonal(rows, columns, rows.from_middle, columns.from_middle)


def _zed(rows: Axis, columns: Axis) -> Array:
    """A bar at the top, one at the bottom, and the diagonal from upper right to lower left."""
    to_right = columns.length - 1 - columns.place
    mask = _diagonal(rows, columns, 2 * rows.place, 2 * to_right)
    return mask | _upright("bars", rows, columns)


def _diagonal(rows: Axis, columns: Axis, down: Array, across: Array) -> Array:
    """The pixels within half the thickness of the line down / (height − 1) = across / (width − 1).

    ``down`` and ``across`` are twice the coordinates of the rows and the columns.
    """
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


def draw(name: str, boxes: Array, size: int) -> Array:
    """Images of one class.

    Args:
        name: one of `CLASSES`.
        boxes: the first row, the first column, the height, the width and the thickness of the
            strokes of each shape, (5, images), in pixels; at least 3 x 3, and no thicker than
            a third of the shorter side.
        size: the images' height and width n.

    Returns:
        (images, n, n) of uint8, 1 where the shape is.

    Example:
        >>> import numpy as np
        >>> for row in draw("rectangle", np.array([[0], [1], [4], [5], [1]]), 6)[0]:
        ...     print("".join(".#"[pixel] for pixel in row))
        .#####
        .#...#
        .#...#
        .#####
        ......
        ......
    """
    images = np.empty((boxes.shape[1], size, size), dtype=np.uint8)
    draw_mask = _SLANTED.get(name) or partial(_upright, name)
    step = max(1, CHUNK_PIXELS // size**2)
    for first in range(0, len(images), step):
        top, left, height, width, thickness = boxes[:, first : first + step]
        rows, columns = Axis(top, height, thickness, size), Axis(left, width, thickness, size)
        images[first : first + step] = draw_mask(rows, columns)
    return images

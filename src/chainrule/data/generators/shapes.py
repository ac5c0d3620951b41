"""Binary images of simple shapes, made to measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule.core.arguments import MAX_SEED, Checks, as_integer
from chainrule.core.arrays import Array
from chainrule.core.errors import unknown
from chainrule.core.randomness import stream
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.generators import shape_masks
from chainrule.data.generators.shape_masks import Boxes
from chainrule.data.splits import DEFAULT_SPLIT, split_cases

SMALLEST_SIDE = 3
"""In fewer pixels the classes cannot be told apart."""

# Repeats are drawn anew in at most so many rounds, and at most so many times the set's size:
# where the ranges leave no room for as many different images, this ends.
_ROUNDS = 50
_REDRAWS = 4


class ImageGenerator:
    """A set of n x n images of 0 and 1, each showing one shape as strokes.

    The classes are circle (an ellipse), rectangle, triangle, cross (upright), saltire
    (a diagonal cross), corner (an L), tee (a T), cup (a U), bars (two, one above the other)
    and zed (a Z). Images of one class differ in place, width, height and thickness, each
    drawn evenly from its range. A stroke is never thicker than a third of the shape's shorter
    side, so that no class closes up into a block. Classes are equally frequent in the set and
    in each part of it, to one image. A repeat is drawn anew where the ranges leave room.

    Args:
        size: n, from 10 to 50.
        classes: names from `CLASSES`, at least 2; a number k means the first k.
        count: the number of images in the three parts together.
        noise: the fraction of pixels set at random. Each pixel is chosen independently with
            this probability and is then 0 or 1 at even odds; so about half of the chosen ones
            change. The same seed gives the same shapes with and without noise.
        width: the range [lo, hi] of the shapes' widths in pixels, or one width; by default
            three to seven eighths of the image.
        height: the same for heights.
        thickness: the range of the strokes' thickness in pixels; by default from 1 to an
            eighth of the image.
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
        chainrule.core.errors.ConfigError: noise must be a number from 0 to 1, not 2
        width must not pass the image's size 10, but goes up to 14
    """

    CLASSES: tuple[str, ...] = shape_masks.CLASSES

    def __init__(
        self,
        size: int = 16,
        classes: Sequence[str] | int = ("circle", "rectangle", "triangle", "cross"),
        count: int = 1000,
        noise: float = 0.0,
        width: Sequence[int] | int | None = None,
        height: Sequence[int] | int | None = None,
        thickness: Sequence[int] | int | None = None,
        centered: bool = False,
        flatten: bool = True,
        split: Sequence[float] = DEFAULT_SPLIT,
        seed: int = 0,
    ) -> None:
        checks = Checks()
        self.size = checks.integer("size", size, at_least=10, at_most=50)
        # With a wrong size nothing can be said about ranges that depend on it.
        n = 50 if checks.problems else self.size
        side = [self.size * 3 // 8, self.size * 7 // 8]
        self.count = checks.integer("count", count, at_least=1)
        self.noise = checks.number("noise", noise, at_least=0, at_most=1)
        sides = partial(
            checks.whole_range, at_least=SMALLEST_SIDE, at_most=n, limit=f"the image's size {n}"
        )
        self.width = sides("width", side if width is None else width)
        self.height = sides("height", side if height is None else height)
        strokes = [1, max(1, self.size // 8)] if thickness is None else thickness
        self.thickness = checks.whole_range(
            "thickness", strokes, at_least=1, at_most=n, limit=f"the image's size {n}"
        )
        self.centered = checks.flag("centered", centered)
        self.flatten = checks.flag("flatten", flatten)
        self.split = checks.fractions(split)
        self.seed = checks.integer("seed", seed, at_least=0, most=MAX_SEED)
        self.classes = self._class_names(classes, checks)
        if self.count == count and count < len(self.classes):
            checks.fail(f"count {count} is too small for {len(self.classes)} classes", "count")
        checks.room(f"{self.count} images of {n} x {n}", self.count * n * n)
        checks.finish()

    def generate(self) -> DataSplit:
        """Draw the images.

        Returns:
            The three parts; ``x`` is uint8, (images, n²) or, unless flattened,
            (images, n, n); ``t`` holds the numbers of ``classes``.
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
        """The noiseless images of the classes ``t`` (ascending), (images, n, n)."""
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
        """Draw the images of the numbers ``todo`` (ascending) into ``images``."""
        boxes = self._boxes(len(todo), rng)
        ends = np.searchsorted(t[todo], np.arange(len(self.classes) + 1))
        for name, first, last in zip(self.classes, ends[:-1], ends[1:], strict=True):
            drawn = shape_masks.draw(name, boxes[first:last], self.size)
            images[todo[first:last]] = drawn

    def _boxes(self, count: int, rng: np.random.Generator) -> Boxes:
        """Draw the sizes, the thicknesses and the places of ``count`` shapes."""
        height = rng.integers(*self.height, size=count, endpoint=True)
        width = rng.integers(*self.width, size=count, endpoint=True)
        thickness = rng.integers(*self.thickness, size=count, endpoint=True)
        thickness = np.minimum(thickness, np.minimum(height, width) // 3)
        top, left = (self.size - side for side in (height, width))
        if self.centered:
            return Boxes(top // 2, left // 2, height, width, thickness)
        top = rng.integers(0, top, endpoint=True)
        left = rng.integers(0, left, endpoint=True)
        return Boxes(top, left, height, width, thickness)

    def _class_names(self, classes: Any, checks: Checks) -> tuple[str, ...]:
        """The names meant by ``classes``, a list of names or a number."""
        known = self.CLASSES
        if as_integer(classes) is not None:
            return known[: checks.integer("classes", classes, at_least=2, at_most=len(known))]
        if isinstance(classes, str) or not isinstance(classes, Sequence):
            checks.fail(f"classes must be a list of names or a number, not {classes!r}")
            return known[:2]
        for name in classes:
            if name not in known:
                checks.fail(unknown("class", name, known))
        for k, name in enumerate(classes):
            if name in classes[:k]:
                checks.fail(f"classes must not repeat a name, but {name!r} stands there twice")
        if len(classes) < 2:
            checks.fail(f"classes must name at least 2 classes, not {len(classes)}")
        return tuple(classes)


def _repeats(images: Array, numbers: Array, seen: set[bytes]) -> Array:
    """Those of ``numbers`` whose image is already in ``seen``; the others' join it."""
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
    """Set each pixel with probability ``noise`` to 0 or 1 at even odds, in place.

    One uniform number u decides: below noise/2 the pixel becomes 0, from there to noise 1.
    """
    pixels = images.reshape(-1)
    for first in range(0, len(pixels), shape_masks.CHUNK_PIXELS):
        part = pixels[first : first + shape_masks.CHUNK_PIXELS]
        u = rng.random(len(part), dtype=np.float32)
        part |= (u < np.float32(noise)).view(np.uint8)
        part &= (u >= np.float32(noise / 2)).view(np.uint8)

"""Sets of points to learn from: classes in the plane and beyond, and curves.

Every set is a function of its settings and a random stream. The classes of successive cases are
0, 1, 2, 0, 1, ..., so that their sizes differ by at most one. ``noise`` of 0 gives exact points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.schema import AboveZero, Amount, Count, Groups, Points, Word
from chainrule.data.dataset import Dataset
from chainrule.data.generators.base import a_case_each, generator, refuse_beyond_memory

CURVES: Mapping[str, Callable[[Array], Array]] = {
    "sine": lambda x: np.sin(np.pi * x),
    "cubic": lambda x: 2 * x**3 - x,
    "step": lambda x: np.where(x < 0, -1.0, 1.0),
    "bump": lambda x: np.exp(-8 * x**2),
}
"""The curves by name; each maps the interval −1..1 into itself."""


@generator("xor")
def xor(rng: np.random.Generator, count: Points = 400, noise: Amount = 0.1) -> Dataset:
    """Points around the corners of the unit square; opposite corners have the same class.

    Args:
        rng: the stream to draw from.
        count: the number of points.
        noise: the standard deviation of each coordinate.

    Returns:
        x (count, 2), t (count,): 0 at (0, 0) and (1, 1), 1 at (0, 1) and (1, 0).

    Example:
        >>> points = xor(np.random.default_rng(0), count=4, noise=0)
        >>> points.x.tolist(), points.t.tolist()
        ([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]], [0, 1, 0, 1])
    """
    refuse_beyond_memory(f"{count} points", 16 * count)
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], dtype=np.float64)
    number = np.arange(count)
    return Dataset(_jittered(corners[number % 4], noise, rng), number % 2)


@generator("spirals", a_case_each("arms"))
def spirals(
    rng: np.random.Generator,
    arms: Groups = 3,
    count: Points = 600,
    noise: Amount = 0.1,
    turns: AboveZero = 1.0,
) -> Dataset:
    """Spiral arms around the origin, one class for each arm.

    The point at radius r (0 < r ≤ 1) of arm k stands at the angle 2π(turns·r + k/arms).

    Args:
        rng: the stream to draw from.
        arms: the number of arms.
        count: the number of points in all arms together.
        noise: the standard deviation of the angle, in radians.
        turns: how often an arm winds around the origin.

    Returns:
        x (count, 2), t (count,): the index k of the arm.
    """
    refuse_beyond_memory(f"{count} points", 16 * count)
    t = np.arange(count) % arms
    radius = (np.arange(count) // arms + 1) / -(-count // arms)
    angle = 2 * np.pi * (turns * radius + t / arms)
    angle += noise * rng.standard_normal(count)
    return Dataset(radius[:, None] * _directions(angle), t)


@generator("moons")
def moons(rng: np.random.Generator, count: Points = 400, noise: Amount = 0.1) -> Dataset:
    """Two interleaving half circles of radius 1.

    Args:
        rng: the stream to draw from.
        count: the number of points.
        noise: the standard deviation of each coordinate.

    Returns:
        x (count, 2), t (count,): 0 for the upper half of the circle about (0, 0), 1 for the lower
        half of the circle about (1, ½).
    """
    refuse_beyond_memory(f"{count} points", 16 * count)
    t = np.arange(count) % 2
    # The position along the half circle, from 0 to 1, evenly spaced.
    place = (np.arange(count) // 2) / max(1, -(-count // 2) - 1)
    x = _directions(np.pi * (place + t)) + t[:, None] * np.array([1.0, 0.5])
    return Dataset(_jittered(x, noise, rng), t)


@generator("rings", a_case_each("rings"))
def rings(
    rng: np.random.Generator, rings: Groups = 2, count: Points = 400, noise: Amount = 0.05
) -> Dataset:
    """Concentric circles about the origin, one class for each; the outermost has radius 1.

    Args:
        rng: the stream to draw from.
        rings: the number of circles; circle k has radius (k + 1) / rings.
        count: the number of points on all of them together.
        noise: the standard deviation of each coordinate.

    Returns:
        x (count, 2), t (count,): the index k of the circle, 0 for the innermost.
    """
    refuse_beyond_memory(f"{count} points", 16 * count)
    t = np.arange(count) % rings
    x = ((t + 1) / rings)[:, None] * _directions(rng.uniform(0, 2 * np.pi, count))
    return Dataset(_jittered(x, noise, rng), t)


@generator("blobs", a_case_each("classes"))
def blobs(
    rng: np.random.Generator,
    features: Count = 2,
    classes: Groups = 3,
    count: Points = 600,
    spread: Amount = 1.0,
) -> Dataset:
    """Clouds of normally distributed points in any number of dimensions, one class for each.

    The centres are random in the cube −5..5, each the candidate farthest from earlier ones.

    Args:
        rng: the stream to draw from.
        features: the number of dimensions.
        classes: the number of clouds.
        count: the number of points in all clouds together.
        spread: the standard deviation of each coordinate about its centre.

    Returns:
        x (count, features), t (count,): the index of the cloud.
    """
    refuse_beyond_memory(f"{count} points of {features} features", 8 * count * features)
    t = np.arange(count) % classes
    return Dataset(_jittered(_centres(classes, features, rng)[t], spread, rng), t)


@generator("curve")
def curve(
    rng: np.random.Generator,
    function: Annotated[str, Word("function", tuple(CURVES))] = "sine",
    count: Points = 400,
    noise: Amount = 0.1,
) -> Dataset:
    """Points of a curve with normal noise in the target: regression with one input.

    Args:
        rng: the stream to draw from.
        function: ``sine`` sin(πx), ``cubic`` 2x³ − x, ``step`` −1 or 1, ``bump`` exp(−8x²).
        count: the number of points.
        noise: the standard deviation of the target about the curve.

    Returns:
        x (count, 1) uniformly distributed over −1..1, t (count, 1).
    """
    refuse_beyond_memory(f"{count} points", 16 * count)
    x = rng.uniform(-1, 1, (count, 1))
    return Dataset(x, _jittered(CURVES[function](x), noise, rng))


POINT_SETS: Mapping[str, Callable[..., Dataset]] = {
    maker.__name__: maker for maker in (xor, spirals, moons, rings, blobs, curve)
}
"""The generator of each set of points, by its name in a configuration."""


def _directions(angle: Array) -> Array:
    """The unit vectors at the angles, (count, 2)."""
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _jittered(x: Array, noise: float, rng: np.random.Generator) -> Array:
    """``x`` with normal noise of standard deviation ``noise`` in every coordinate."""
    jittered: Array = x + noise * rng.standard_normal(x.shape)
    return jittered


def _centres(count: int, features: int, rng: np.random.Generator) -> Array:
    """Random points of the cube −5..5, (count, features), that lie apart.

    Each is the one of ten candidates that is farthest from the points before it. Independent
    centres would often be close in few dimensions, and such classes cannot be told apart.
    """
    centres = rng.uniform(-5, 5, (1, features))
    while len(centres) < count:
        candidates = rng.uniform(-5, 5, (10, features))
        gaps = [np.square(centres - c).sum(axis=1).min() for c in candidates]
        centres = np.vstack([centres, candidates[int(np.argmax(gaps))]])
    return centres

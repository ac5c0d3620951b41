"""Rows of numbers as images, and images as rows."""

from __future__ import annotations

from math import prod

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows
from chainrule.nn.jacobians import Jacobian


class ImageJacobian(Jacobian):
    """A Jacobian with respect to images, one matrix a case.

    Args:
        windows: where the layer looks.
        count: the number of cases.
        maps: channels of what comes out.
    """

    __slots__ = ("count", "maps", "windows")

    def __init__(self, windows: Windows, count: int, maps: int) -> None:
        self.windows = windows
        self.count = count
        self.maps = maps

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, maps · places, channels · height · width)."""
        image = self.windows.channels * self.windows.height * self.windows.width
        return (self.count, self.maps * self.windows.places, image)


def images(rows: Array, windows: Windows) -> Array:
    """Rows (cases, channels · height · width) as (cases, channels, height, width)."""
    return rows.reshape(len(rows), *windows.image)


def maps(rows: Array, windows: Windows) -> Array:
    """Rows (cases, maps · places) as (cases, maps, down, across)."""
    count = rows.shape[1] // windows.places
    return rows.reshape(len(rows), count, windows.down, windows.across)


def as_rows(found: Array, out: Array | None = None) -> Array:
    """(cases, ...) as (cases, numbers), copied into ``out`` where given."""
    rows = found.reshape(len(found), prod(found.shape[1:]))
    return into(rows, out)


def into(found: Array, out: Array | None) -> Array:
    """``found`` itself, or ``out`` with its numbers."""
    if out is None or out is found:
        return found
    out[...] = found
    return out

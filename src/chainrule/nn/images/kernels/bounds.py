"""Bounds that are looked at before a kernel is called.

Compiled loops do not ask whether an index lies within its array: what lies beyond is read as if it
were there, and what is written there ends the process at some later time.
"""

from __future__ import annotations

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError


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

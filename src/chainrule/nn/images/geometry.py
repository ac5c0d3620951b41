"""The positions of windows on an image: size, stride, padding, and the number of places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.core.arguments import is_whole
from chainrule.core.errors import ConfigError, unknown
from chainrule.core.notation import sizes_text

PADDINGS = ("same", "valid")


@dataclass(frozen=True)
class Windows:
    """Windows on images of one shape.

    The window at place (i, j) covers the rows i · stride − top to i · stride − top + rows − 1,
    likewise the columns; what it covers outside the image is padding.

    Attributes:
        channels: channels of an image.
        height: height of an image, in rows.
        width: width of an image, in columns.
        rows: rows of a window.
        columns: columns of a window.
        stride: rows and columns from one place to the next.
        padding: rows above and below the image, columns left and right of it.
    """

    channels: int
    height: int
    width: int
    rows: int
    columns: int
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def down(self) -> int:
        """The number of places from top to bottom."""
        top, bottom, _, _ = self.padding
        return (self.height + top + bottom - self.rows) // self.stride[0] + 1

    @property
    def across(self) -> int:
        """The number of places from left to right."""
        _, _, left, right = self.padding
        return (self.width + left + right - self.columns) // self.stride[1] + 1

    @property
    def places(self) -> int:
        """The number of places, down · across."""
        return self.down * self.across

    @property
    def under(self) -> int:
        """The number of values under one window, in all channels."""
        return self.channels * self.rows * self.columns

    @property
    def image(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return (self.channels, self.height, self.width)

    @property
    def padded_image(self) -> tuple[int, int, int]:
        """(channels, height, width), padding included."""
        top, bottom, left, right = self.padding
        return (self.channels, self.height + top + bottom, self.width + left + right)


def pair(value: Any, what: str, least: int) -> tuple[int, int]:
    """A number for both directions, or [height, width].

    Args:
        value: as the user wrote it.
        what: the name of the setting.
        least: the smallest number allowed.

    Raises:
        ConfigError: the value is neither, or a number is smaller than ``least``.
    """
    both = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else None
    both = both if both is not None else (value, value)
    if len(both) != 2 or not all(is_whole(n) and n >= least for n in both):
        raise ConfigError(
            f"{what} is a whole number of at least {least}, or two of them, [height, width], "
            f"found {value!r}"
        )
    return int(both[0]), int(both[1])


def checked_padding(value: Any) -> str | tuple[int, int]:
    """``same``, ``valid``, a number or [height, width].

    Raises:
        ConfigError: it is none of these.
    """
    if not isinstance(value, str):
        return pair(value, "padding", 0)
    if value not in PADDINGS:
        raise ConfigError(f"{unknown('padding', value, PADDINGS)}; a number will do as well")
    return value


def require_image(shape: tuple[int, ...], name: str) -> None:
    """Check that a shape is an image's.

    Args:
        shape: that of one case.
        name: the name of the layer, for messages.

    Raises:
        ConfigError: it has not three axes.
    """
    if len(shape) != 3:
        raise ConfigError(
            f"{name} takes images, (channels, height, width), but what feeds it has the shape "
            f"{sizes_text(shape)}; give the input as [channels, height, width]"
        )


def windows_on(
    image: tuple[int, ...],
    size: tuple[int, int],
    stride: tuple[int, int],
    padding: str | tuple[int, int],
    name: str,
) -> Windows:
    """The windows of a layer on images of one shape.

    ``same`` gives ⌈height / stride⌉ × ⌈width / stride⌉ places; if the total padding is odd, the
    additional row lies below and the additional column to the right.

    Args:
        image: (channels, height, width).
        size: rows and columns of a window.
        stride: rows and columns from one place to the next.
        padding: ``same``, ``valid`` (none), or rows above and below, columns left and right.
        name: the name of the layer, for messages.

    Raises:
        ConfigError: the shape is not an image's, or a window is larger than the padded image.

    Example:
        >>> windows = windows_on((3, 32, 32), (3, 3), (1, 1), "same", "conv2d_1")
        >>> windows.padding, windows.down, windows.across
        ((1, 1, 1, 1), 32, 32)
    """
    require_image(image, name)
    channels, height, width = image
    above = _around(height, size[0], stride[0], padding, 0)
    beside = _around(width, size[1], stride[1], padding, 1)
    windows = Windows(channels, height, width, *size, stride, (*above, *beside))
    if windows.rows > height + sum(above) or windows.columns > width + sum(beside):
        padded = f", {height + sum(above)} × {width + sum(beside)} with padding"
        raise ConfigError(
            f"{name}: a window of {size[0]} × {size[1]} does not fit into images of "
            f"{height} × {width}{padded if any(windows.padding) else ''}; "
            f"{_what_would_fit(height, width, size, windows.padding)}"
        )
    return windows


def _around(
    length: int, under: int, stride: int, padding: str | tuple[int, int], axis: int
) -> tuple[int, int]:
    """Padding before and after the image along one axis."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        places = -(-length // stride)
        total = max((places - 1) * stride + under - length, 0)
        return total // 2, total - total // 2
    assert isinstance(padding, tuple)
    return padding[axis], padding[axis]


def _what_would_fit(
    height: int, width: int, size: tuple[int, int], padding: tuple[int, int, int, int]
) -> str:
    top, bottom, left, right = padding
    need = max(-(-(size[0] - height) // 2), -(-(size[1] - width) // 2), 0)
    return (
        f"a size of at most [{height + top + bottom}, {width + left + right}], a padding of at "
        f"least {need} or padding same would fit"
    )

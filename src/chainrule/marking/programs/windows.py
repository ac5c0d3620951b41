"""Windows of images: cut out for the forward pass, added back for the backward pass.

The windows of an image are gathered once, as an array (N, C, rows, columns, height, width): each
pass is then a product and a sum, and going back is adding every window to where it came from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.arrays import Array


def windows(x: Array, height: int, width: int, stride: int) -> Array:
    """All windows of images (N, C, H, W): (N, C, rows, columns, height, width)."""
    seen = np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(2, 3))
    return seen[:, :, ::stride, ::stride]


def added_back(windows: Array, shape: tuple[int, ...], stride: int) -> Array:
    """Every window added to the place in images of ``shape`` that it was cut from."""
    found = np.zeros(shape)
    rows, columns, height, width = windows.shape[2:]
    for i in range(height):
        for j in range(width):
            to = np.s_[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
            found[to] += windows[..., i, j]
    return found


def written_back(windows: Array, shape: tuple[int, ...], stride: int) -> Array:
    """Every window written, not added: where windows overlap, the last one is left."""
    found = np.zeros(shape)
    rows, columns, height, width = windows.shape[2:]
    for r in range(rows):
        for c in range(columns):
            at = np.s_[:, :, r * stride : r * stride + height, c * stride : c * stride + width]
            found[at] = windows[:, :, r, c]
    return found


def written_where(windows: Array, mask: Array, shape: tuple[int, ...], stride: int) -> Array:
    """The entries of every window at which ``mask`` is true written, not added."""
    found = np.zeros(shape)
    rows, columns, height, width = windows.shape[2:]
    for r in range(rows):
        for c in range(columns):
            at = np.s_[:, :, r * stride : r * stride + height, c * stride : c * stride + width]
            found[at] = np.where(mask[:, :, r, c], windows[:, :, r, c], found[at])
    return found


def first_of(mask: Array) -> Array:
    """Only the first entry of each window, row by row, at which ``mask`` is true."""
    flat = mask.reshape(*mask.shape[:-2], -1)
    first = np.zeros_like(flat)
    np.put_along_axis(first, flat.argmax(axis=-1)[..., None], 1, axis=-1)
    return first.reshape(mask.shape)


def last_of(mask: Array) -> Array:
    """Only the last entry of each window, row by row, at which ``mask`` is true."""
    return first_of(mask[..., ::-1, ::-1])[..., ::-1, ::-1]


def alone(windows: Array, row: int, column: int) -> Array:
    """The windows with all but the one at a place set to 0."""
    found = np.zeros_like(windows)
    found[:, :, row, column] = windows[:, :, row, column]
    return found


def misplaced(mask: Array, dout: Array, shape: tuple[int, ...], stride: int) -> Array:
    """The gradient of max pooling where the place in a window is found by its height.

    The place k of the maximum, counted row by row, is (k // width, k % width); this one is
    (k // height, k % height).
    """
    found = np.zeros(shape)
    height = mask.shape[4]
    flat = mask.reshape(*mask.shape[:4], -1).argmax(axis=-1)
    for n, c, r, q in np.ndindex(*dout.shape):
        row, column = divmod(int(flat[n, c, r, q]), height)
        found[n, c, r * stride + row, q * stride + column] += dout[n, c, r, q]
    return found


def only_first(values: Array) -> Array:
    """The values of the first case, and 0 for the others."""
    found = np.zeros_like(values)
    found[:1] = values[:1]
    return found


def image_case(
    rng: np.random.Generator,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: int,
    pad: int,
) -> dict[str, Any]:
    """Images of ``sizes`` (N, C, H, W) and kernels (F, height, width)."""
    filters, height, width = kernel
    rows = (sizes[2] + 2 * pad - height) // stride + 1
    columns = (sizes[3] + 2 * pad - width) // stride + 1
    return {
        "x": rng.normal(size=sizes),
        "w": rng.normal(size=(filters, sizes[1], height, width)),
        "b": rng.normal(size=filters),
        "stride": stride,
        "pad": pad,
        "dout": rng.normal(size=(sizes[0], filters, rows, columns)),
    }


FUNCTIONS = {
    function.__name__: function
    for function in (
        windows,
        added_back,
        written_back,
        written_where,
        first_of,
        last_of,
        alone,
        misplaced,
        only_first,
    )
}
"""What the rules of convolution and pooling may call."""

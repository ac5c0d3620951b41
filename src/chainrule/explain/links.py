"""The local derivatives of a network as edges between single numbers.

A Jacobian of a layer is a matrix whose element (j, i) says how number i moves number j. Here it is
a bundle of edges, one for each element, kept in the structure that it has: a convolution of images
has millions of them and only a few filters. A `Link` lists the edges that leave one number, and
carries a value of every number back from behind the edges to before them, in three ways:

    sum     Σ_j J_ji b_j          of derivatives: the chain rule
    best    max_j |J_ji| b_j      of the largest |product| along any path
    count   Σ_j [J_ji ≠ 0] b_j    of the number of paths

All numbers of one kind lie in one flat array, case after case.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod
from typing import Any, Literal

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.images.conv2d import ConvolutionInput
from chainrule.nn.images.filtered import ByImages, ImageJacobian
from chainrule.nn.images.im2col import maps, offsets, padded_zeros, under, within
from chainrule.nn.images.pooled import AveragePooling, ChannelMeans, MaxPooling
from chainrule.nn.jacobians import Diagonal, InputJacobian, Jacobian
from chainrule.nn.layers.join import Reordering, SumJacobian
from chainrule.nn.sequences.each_step import BlockDiagonal
from chainrule.nn.sequences.through_time import InBlocks

How = Literal["sum", "best", "count"]
"""What is carried back; see the module."""

WAYS: tuple[How, ...] = ("sum", "best", "count")

DENSE_LIMIT = 2**22
"""The largest number of elements of a matrix that is written out for want of a structure."""

Edges = tuple[Array, Array]
"""The numbers to which edges lead, and the factor of each edge."""


MOST_COUNTED = 1e250
"""Paths are counted up to this number; there are networks with more than 1e308 of them."""


def weighed(factors: Array, how: How) -> Array:
    """The factors as the way of carrying back takes them."""
    if how == "sum":
        return factors
    return np.abs(factors) if how == "best" else (factors != 0).astype(float)


class Link(ABC):
    """Edges from numbers of one kind to numbers of another.

    Attributes:
        what: what a factor is, in a word or two for a reader, such as ``slope``.
        silent: whether each factor is 1 because a number is merely handed on.
    """

    what: str = "∂z/∂x"
    silent: bool = False

    @abstractmethod
    def leaving(self, i: int) -> Edges:
        """The edges from number i, those with the factor 0 included or not."""

    @abstractmethod
    def back(self, b: Array, how: How) -> Array:
        """The values before the edges, flat, for those behind them."""


class Named(Link):
    """What single edges are called that other code lists and carries back."""

    def __init__(self, what: str, *, silent: bool = False) -> None:
        self.what, self.silent = what, silent

    def leaving(self, i: int) -> Edges:
        """No edges of its own."""
        return np.empty(0, int), np.empty(0)

    def back(self, b: Array, how: How) -> Array:
        """Nothing of its own."""
        return np.empty(0)


class Elementwise(Link):
    """Each number moves the number in its own place, by the factors d."""

    def __init__(self, d: Array, what: str = "slope") -> None:
        self.d, self.what = np.asarray(d, float).ravel(), what

    def leaving(self, i: int) -> Edges:
        """See `Link.leaving`."""
        return np.array([i]), self.d[i : i + 1]

    def back(self, b: Array, how: How) -> Array:
        """See `Link.back`."""
        return weighed(self.d, how) * b


class Moved(Link):
    """Each number is handed on to one place, ``targets``, of every row of the next kind."""

    what, silent = "handed on", True

    def __init__(self, targets: Array, rows: int, width: int) -> None:
        self.targets, self.rows, self.width = targets, rows, width

    def leaving(self, i: int) -> Edges:
        """See `Link.leaving`."""
        row, unit = divmod(i, len(self.targets))
        return np.array([row * self.width + self.targets[unit]]), np.ones(1)

    def back(self, b: Array, how: How) -> Array:
        """See `Link.back`."""
        return b.reshape(self.rows, self.width)[:, self.targets].ravel()


class ToOne(Link):
    """Each number moves a single number of the next kind, ``group``, by a factor."""

    def __init__(self, group: Array, factors: Array, what: str) -> None:
        self.group, self.factors, self.what = group, factors, what

    def leaving(self, i: int) -> Edges:
        """See `Link.leaving`."""
        return self.group[i : i + 1], self.factors[i : i + 1]

    def back(self, b: Array, how: How) -> Array:
        """See `Link.back`."""
        return weighed(self.factors, how) * b[self.group]


class FromOne(Link):
    """A number moves all numbers of its ``group``, each by a factor of its own."""

    def __init__(self, group: Array, factors: Array, groups: int, what: str) -> None:
        self.group, self.factors, self.groups, self.what = group, factors, groups, what

    def leaving(self, i: int) -> Edges:
        """See `Link.leaving`."""
        members = np.flatnonzero(self.group == i)
        return members, self.factors[members]

    def back(self, b: Array, how: How) -> Array:
        """See `Link.back`."""
        parts = weighed(self.factors, how) * b
        if how != "best":
            return np.bincount(self.group, parts, self.groups)
        found = np.zeros(self.groups)
        np.maximum.at(found, self.group, parts)
        return found


class Matrix(Link):
    """y = x W in every row, for W of the shape (inputs, outputs)."""

    what = "weight"

    def __init__(self, W: Array, rows: int) -> None:
        self.W, self.rows = np.asarray(W, float), rows

    def leaving(self, i: int) -> Edges:
        """See `Link.leaving`."""
        row, unit = divmod(i, len(self.W))
        width = self.W.shape[1]
        return row * width + np.arange(width), self.W[unit]

    def back(self, b: Array, how: How) -> Array:
        """See `Link.back`."""
        b, W = b.reshape(self.rows, self.W.shape[1]), weighed(self.W, how)
        if how != "best":
            return (b @ W.T).ravel()
        return np.array([(W * row).max(axis=1, initial=0) for row in b]).ravel()


class Explicit(Link):
    """Matrices written out, one for each row, (rows, m, n)."""

    def __init__(self, matrices: Array) -> None:
        self.matrices = np.asarray(matrices, float)

    def leaving(self, i: int) -> Edges:
        """See `Link.leaving`."""
        _, m, n = self.matrices.shape
        row, unit = divmod(i, n)
        return row * m + np.arange(m), self.matrices[row, :, unit]

    def back(self, b: Array, how: How) -> Array:
        """See `Link.back`."""
        rows, m, _ = self.matrices.shape
        parts = weighed(self.matrices, how) * b.reshape(rows, m, 1)
        return (parts.max(axis=1, initial=0) if how == "best" else parts.sum(axis=1)).ravel()


class ChannelMean(Link):
    """Each number of a channel moves the channel's mean by 1 / places."""

    what = "share"

    def __init__(self, places: int) -> None:
        self.places = places

    def leaving(self, i: int) -> Edges:
        """See `Link.leaving`."""
        return np.array([i // self.places]), np.array([1 / self.places])

    def back(self, b: Array, how: How) -> Array:
        """See `Link.back`."""
        return np.repeat(b * weighed(np.array(1 / self.places), how), self.places)


class OnWindows(Link):
    """Edges from the pixels of images to the windows that cover them."""

    def __init__(self, jacobian: ImageJacobian) -> None:
        self.jacobian, self.windows = jacobian, jacobian.windows

    @abstractmethod
    def part(self, b: Array, p: int, q: int, how: How) -> Array:
        """What row p and column q under each window get, (cases, channels, down, across)."""

    @abstractmethod
    def at(self, case: int, channel: int, place: tuple[int, int, int, int]) -> Edges:
        """The maps that a pixel moves at place (i, j), where it lies at (p, q); the factors."""

    def leaving(self, i: int) -> Edges:
        """See `Link.leaving`."""
        windows = self.windows
        case, channel, row, column = np.unravel_index(i, (self.jacobian.count, *windows.image))
        targets, factors = [np.empty(0, int)], [np.empty(0)]
        for p, q in offsets(windows):
            down, left = divmod(int(row) + windows.padding[0] - p, windows.stride[0])
            across, above = divmod(int(column) + windows.padding[2] - q, windows.stride[1])
            if left or above or not (0 <= down < windows.down and 0 <= across < windows.across):
                continue
            which, found = self.at(int(case), int(channel), (down, across, p, q))
            shape = (self.jacobian.count, self.jacobian.maps, windows.down, windows.across)
            targets.append(np.ravel_multi_index((case, which, down, across), shape))
            factors.append(found)
        return np.concatenate(targets), np.concatenate(factors)

    def back(self, b: Array, how: How) -> Array:
        """See `Link.back`."""
        windows = self.windows
        behind = maps(b.reshape(self.jacobian.count, -1), windows)
        found = padded_zeros(len(behind), windows, np.dtype(float))
        for p, q in offsets(windows):
            target = under(found, windows, p, q)
            part = self.part(behind, p, q, how)
            np.copyto(target, np.maximum(target, part) if how == "best" else target + part)
        return within(found, windows).ravel()


class Filters(OnWindows):
    """The edges of filters, whether all places share them or each has its own."""

    what = "weight"

    def __init__(self, jacobian: ByImages) -> None:
        super().__init__(jacobian)
        W = np.asarray(jacobian.W, float)
        self.W = W[None, None] if isinstance(jacobian, ConvolutionInput) else W

    def part(self, b: Array, p: int, q: int, how: How) -> Array:
        """See `OnWindows.part`."""
        W = weighed(self.W[..., p, q], how).transpose(2, 3, 0, 1)  # (filters, channels, i, j)
        if how != "best":
            return np.einsum(
                "nfij,fcij->ncij", b, np.broadcast_to(W, (*W.shape[:2], *b.shape[2:]))
            )
        found = np.zeros((len(b), W.shape[1], *b.shape[2:]))
        for behind, one in zip(b.swapaxes(0, 1), W, strict=True):
            np.maximum(found, behind[:, None] * one, out=found)
        return found

    def at(self, case: int, channel: int, place: tuple[int, int, int, int]) -> Edges:
        """See `OnWindows.at`."""
        i, j, p, q = place
        shared = self.W.shape[0] == self.W.shape[1] == 1
        W = self.W[0, 0] if shared else self.W[i, j]
        return np.arange(len(W)), W[:, channel, p, q]


class Pools(OnWindows):
    """The edges of pooling: 1 from the largest number of a window, or a share from each."""

    def __init__(self, jacobian: MaxPooling | AveragePooling) -> None:
        super().__init__(jacobian)
        self.winners = jacobian.winners if isinstance(jacobian, MaxPooling) else None
        self.share = 1 / (self.windows.rows * self.windows.columns)
        self.what = "share" if self.winners is None else "the largest"

    def part(self, b: Array, p: int, q: int, how: How) -> Array:
        """See `OnWindows.part`."""
        if self.winners is None:
            return b * weighed(np.array(self.share), how)
        return np.where(self.winners == p * self.windows.columns + q, b, 0.0)

    def at(self, case: int, channel: int, place: tuple[int, int, int, int]) -> Edges:
        """See `OnWindows.at`."""
        i, j, p, q = place
        if self.winners is None:
            return np.array([channel]), np.array([self.share])
        wins = self.winners[case, channel, i, j] == p * self.windows.columns + q
        return np.array([channel]), np.array([float(wins)])


def link_of(jacobian: Jacobian) -> Link:
    """The edges of a Jacobian by a layer's input or by its z.

    Raises:
        ShapeError: its structure is not known here, and its matrices are too large to write out.
    """
    if isinstance(jacobian, BlockDiagonal):
        return link_of(jacobian.inner)  # a row for each step, in the same flat order
    if isinstance(jacobian, InBlocks) and isinstance(jacobian.inner, InputJacobian):
        whole = np.zeros((len(jacobian.inner.W), jacobian.width))
        whole[:, jacobian.columns] = jacobian.inner.W
        return Matrix(whole, jacobian.inner.count)
    for kind, make in LINKS.items():
        if isinstance(jacobian, kind):
            return make(jacobian)
    return _written_out(jacobian)


def _written_out(jacobian: Jacobian) -> Explicit:
    size = prod(jacobian.dense_shape)
    if size > DENSE_LIMIT:
        raise ShapeError(
            f"the local Jacobian {jacobian!r} would hold {size:,} numbers, more than the "
            f"{DENSE_LIMIT:,} of which paths are listed one by one"
        )
    dense = jacobian.dense()
    if dense.ndim == 4:  # the cases move each other
        dense = dense.reshape(1, prod(dense.shape[:2]), prod(dense.shape[2:]))
    return Explicit(dense)


def _sum(J: SumJacobian) -> Link:
    return Moved(np.arange(J.terms * J.size) % J.size, J.count, J.size)


def _reordered(J: Reordering) -> Link:
    return Moved(np.argsort(J.order), J.count, len(J.order))


LINKS: dict[Any, Any] = {
    Diagonal: lambda J: Elementwise(J.diagonal),
    InputJacobian: lambda J: Matrix(J.W, J.count),
    SumJacobian: _sum,
    Reordering: _reordered,
    ByImages: Filters,
    MaxPooling: Pools,
    AveragePooling: Pools,
    ChannelMeans: lambda J: ChannelMean(J.places),
}
"""The edges by the class of a Jacobian; of others the matrices are written out."""

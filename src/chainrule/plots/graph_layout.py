"""Positions for the nodes of a graph: columns from left to right, with few edges that cross.

The layered method: every node gets a column; an edge over several columns gets a place in each of
them; sweeps improve the order within the columns; positions are chosen so that edges are as
straight as the room allows. Source: Sugiyama, Tagawa and Toda, *Methods for visual
understanding of hierarchical system structures* (1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

Key = tuple[int, int, int]
"""A place in a column: (k, k, 0) for node k, and (a, b, k) for the point at which an edge from
node a to node b passes the k-th column after that of a."""

SWEEPS = 24


def columns_of(inputs: Sequence[Sequence[int]]) -> list[int]:
    """The column of every node.

    A computed node stands to the right of all its inputs; a node without inputs stands just left
    of the first node that uses it.

    Args:
        inputs: of each node the numbers of its inputs, all smaller than its own.

    Example:
        >>> columns_of([[], [0], [1], [], [2, 3]])
        [0, 1, 2, 2, 3]
    """
    columns: list[int] = []
    for sources in inputs:
        columns.append(1 + max((columns[s] for s in sources), default=-1))
    for node, sources in enumerate(inputs):
        users = [columns[k] for k, from_these in enumerate(inputs) if node in from_these]
        if not sources and users:
            columns[node] = min(users) - 1
    return columns


def place_of(node: int) -> Key:
    """The place of a node itself."""
    return node, node, 0


class Layout:
    """The columns of a graph, and the vertical positions within them.

    Args:
        inputs: of each node the numbers of its inputs, all smaller than its own.
        heights: of each node's box.
        gap: between two boxes, or between a box and an edge that passes it.
        passing: the height that is kept free for an edge that passes boxes.

    Attributes:
        columns: of each node.
        y: the vertical position of the middle of each place.
        paths: of each edge (input, node) its places, from that of the input to that of the node.
    """

    def __init__(
        self,
        inputs: Sequence[Sequence[int]],
        heights: Sequence[float],
        gap: float,
        passing: float = 0.0,
    ) -> None:
        self.columns = columns_of(inputs)
        self.paths: dict[tuple[int, int], list[Key]] = {}
        self._heights, self._gap, self._passing = heights, gap, passing
        self._left: dict[Key, list[Key]] = {}
        self._right: dict[Key, list[Key]] = {}
        self._order = self._places(inputs)
        self._uncross()
        self.y = self._straighten()

    def _places(self, inputs: Sequence[Sequence[int]]) -> list[list[Key]]:
        """The places of every column; sets which places an edge joins."""
        order: list[list[Key]] = [[] for _ in range(max(self.columns) + 1)]
        for node, column in enumerate(self.columns):
            order[column].append(place_of(node))
        for node, sources in enumerate(inputs):
            for source in dict.fromkeys(sources):
                self.paths[source, node] = self._path(source, node, order)
        return order

    def _path(self, source: int, node: int, order: list[list[Key]]) -> list[Key]:
        """The places of one edge, one in every column from its input to its node."""
        first = self.columns[source]
        between = [(source, node, k) for k in range(1, self.columns[node] - first)]
        for key in between:
            order[first + key[2]].append(key)
        path = [place_of(source), *between, place_of(node)]
        for a, b in pairwise(path):
            self._right.setdefault(a, []).append(b)
            self._left.setdefault(b, []).append(a)
        return path

    def _uncross(self) -> None:
        """Sort each column by the mean position of its neighbours, left to right and back."""
        best, fewest = [list(column) for column in self._order], self._crossings()
        for sweep in range(SWEEPS):
            forward = sweep % 2 == 0
            joined = self._left if forward else self._right
            count = len(self._order)
            for k in range(1, count) if forward else range(count - 2, -1, -1):
                beside = self._order[k - 1 if forward else k + 1]
                self._sort(self._order[k], _ranks(beside), joined)
            if (crossings := self._crossings()) < fewest:
                best, fewest = [list(column) for column in self._order], crossings
        self._order = best

    def _sort(
        self, column: list[Key], ranks: Mapping[Key, int], joined: Mapping[Key, list[Key]]
    ) -> None:
        own = _ranks(column)

        def mean(key: Key) -> float:
            beside = [ranks[other] for other in joined.get(key, [])]
            return sum(beside) / len(beside) if beside else own[key]

        column.sort(key=mean)

    def _crossings(self) -> int:
        """How many pairs of edges between neighbouring columns cross."""
        count = 0
        for left, right in pairwise(self._order):
            ranks = _ranks(right)
            ends = [end for a in left for end in sorted(ranks[b] for b in self._right.get(a, []))]
            count += sum(a > b for k, a in enumerate(ends) for b in ends[k + 1 :])
        return count

    def _straighten(self) -> dict[Key, float]:
        """Positions near the mean of the neighbours', in order and with room between them."""
        y: dict[Key, float] = {}
        for column in self._order:
            y.update(zip(column, self._spaced(column, [0.0] * len(column)), strict=True))
        for sweep in range(SWEEPS):
            order = self._order if sweep % 2 == 0 else self._order[::-1]
            for column in order:
                wanted = [self._wanted(key, y) for key in column]
                y.update(zip(column, self._spaced(column, wanted), strict=True))
        return y

    def _wanted(self, key: Key, y: Mapping[Key, float]) -> float:
        beside = [*self._left.get(key, []), *self._right.get(key, [])]
        return sum(y[other] for other in beside) / len(beside) if beside else y[key]

    def _height(self, key: Key) -> float:
        return self._heights[key[0]] if key[2] == 0 else self._passing

    def _spaced(self, column: Sequence[Key], wanted: Sequence[float]) -> list[float]:
        """The positions nearest to ``wanted`` by least squares that keep order and distances.

        With the distances taken off, what remains must not decrease: isotonic regression.
        """
        from scipy.optimize import isotonic_regression

        distances = [
            (self._height(a) + self._height(b)) / 2 + self._gap for a, b in pairwise(column)
        ]
        offsets = np.cumsum([0.0, *distances])
        positions: list[float] = (isotonic_regression(wanted - offsets).x + offsets).tolist()
        return positions


def _ranks(column: Sequence[Key]) -> dict[Key, int]:
    return {key: k for k, key in enumerate(column)}

"""θ: all weights and biases of a network as one vector with named views.

An optimiser step, a checkpoint and a gradient check each handle one array, whatever the
network looks like. A `Layout` says which segment of the vector is which array; `Parameters` is a
vector together with its layout. Gradients are a second `Parameters` of the same layout.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainrule.core import html
from chainrule.core.arrays import Array, assign
from chainrule.core.errors import ShapeError, UnknownNameError, printable, unknown
from chainrule.core.notation import in_a_line, sizes_text

ROWS_AT_A_TIME = 4096
"""How many rows are summed in their own precision; in float32 at least five digits remain."""

BIASES = ("b", "b_hn", "h0", "c0", "gamma", "beta")
"""Names of arrays that are penalised only where a penalty's setting includes biases."""


@dataclass(frozen=True)
class Segment:
    """The segment of θ that holds one array of one layer.

    Attributes:
        layer: the layer's name, such as ``dense_1``.
        name: the array's name in the layer, such as ``W``.
        shape: the array's shape.
        start: the index in θ of its first number.
        trained: whether training changes it along its gradient. Running statistics are not
            trained: they lie in θ, but no optimizer, penalty or gradient check touches them.
    """

    layer: str
    name: str
    shape: tuple[int, ...]
    start: int
    trained: bool = True

    @property
    def full_name(self) -> str:
        """The layer's and the array's name, such as ``dense_1.W``."""
        return f"{self.layer}.{self.name}"

    @property
    def is_bias(self) -> bool:
        """Whether penalties spare it unless biases are included.

        These are biases, a learnt initial state, and γ and β of a layer that normalises.
        """
        return self.name in BIASES

    @property
    def stop(self) -> int:
        """The index in θ after its last number."""
        return self.start + prod(self.shape)

    @property
    def slice(self) -> slice:
        """The slice of θ that it is."""
        return slice(self.start, self.stop)


class Layout:
    """The segments of θ, with their arrays' names and shapes.

    Args:
        shapes: for each layer by name, its arrays by name with their shapes, in the order
            in which they lie in θ.
        untrained: the full names of the arrays that are not trained, see `Segment`.

    Attributes:
        layers: the names of the layers.
        segments: all segments, in order.
        trained: the segments that are trained, in order.
        size: the length of θ.

    Example:
        >>> layout = Layout({"dense_1": {"W": (2, 3), "b": (3,)}})
        >>> layout.size
        9
        >>> layout["dense_1.b"].slice
        slice(6, 9, None)
    """

    def __init__(
        self,
        shapes: Mapping[str, Mapping[str, tuple[int, ...]]],
        untrained: Collection[str] = (),
    ) -> None:
        self.layers: tuple[str, ...] = tuple(shapes)
        self.segments: tuple[Segment, ...] = tuple(_laid_out(shapes, untrained))
        self.trained = tuple(segment for segment in self.segments if segment.trained)
        self.size: int = self.segments[-1].stop if self.segments else 0
        self._by_name = {segment.full_name: segment for segment in self.segments}

    def __getitem__(self, full_name: str) -> Segment:
        if not isinstance(full_name, str) or full_name not in self._by_name:
            raise UnknownNameError(unknown("parameter", full_name, self._by_name))
        return self._by_name[full_name]

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def of_layer(self, layer: str) -> tuple[Segment, ...]:
        """The segments of one layer, in order; empty if the layer has no parameters.

        Raises:
            UnknownNameError: there is no such layer.
        """
        if layer not in self.layers:
            raise UnknownNameError(unknown("layer", layer, self.layers))
        return tuple(segment for segment in self.segments if segment.layer == layer)

    def views(self, vector: Array, layer: str) -> dict[str, Array]:
        """One layer's arrays in ``vector`` (any dtype, complex included), by name.

        The arrays are views: changing one changes ``vector``.
        """
        self._check(vector)
        return {s.name: vector[s.slice].reshape(s.shape) for s in self.of_layer(layer)}

    def runs(self, values: Mapping[str, float]) -> tuple[tuple[slice, float], ...]:
        """The longest slices of θ over which a setting is constant, with its values.

        Args:
            values: the setting (a learning rate, a penalty rate) of every trained segment, by
                full name.

        Returns:
            Pairs of a slice of θ and the value there, in order; they leave out only segments that
            are not trained.

        Example:
            >>> layout = Layout({"a": {"W": (2,), "b": (1,)}, "c": {"W": (4,)}})
            >>> layout.runs({"a.W": 0.1, "a.b": 0.1, "c.W": 0.5})
            ((slice(0, 3, None), 0.1), (slice(3, 7, None), 0.5))
        """
        runs: list[tuple[slice, float]] = []
        for segment in self.trained:
            value = values[segment.full_name]
            if runs and runs[-1][1] == value and runs[-1][0].stop == segment.start:
                runs[-1] = (slice(runs[-1][0].start, segment.stop), value)
            else:
                runs.append((segment.slice, value))
        return tuple(runs)

    def _check(self, vector: Array) -> None:
        if vector.shape != (self.size,):
            raise ShapeError(
                f"a vector of {self.size} parameters is expected, found shape {vector.shape}"
            )


def _laid_out(
    shapes: Mapping[str, Mapping[str, tuple[int, ...]]], untrained: Collection[str]
) -> Iterator[Segment]:
    start = 0
    for layer, arrays in shapes.items():
        for name, shape in arrays.items():
            trained = f"{layer}.{name}" not in untrained
            segment = Segment(layer, name, tuple(shape), start, trained)
            yield segment
            start = segment.stop


class Parameters(Mapping[str, Any]):
    """A vector over a layout: θ itself, or the gradient with respect to it.

    Behaves as a mapping from full names (``dense_1.W``) to views. A layer's name gives a
    dictionary of that layer's views. Assigning copies the numbers into the vector, so that the
    views stay views of it.

    Args:
        layout: the segments of the vector.
        vector: shape (layout.size,); zeros of ``dtype`` if left out.
        dtype: the type of the zeros.

    Example:
        >>> theta = Parameters(Layout({"dense_1": {"W": (1, 2), "b": (2,)}}))
        >>> theta["dense_1.b"] = [3.0, 4.0]
        >>> theta.vector
        array([0., 0., 3., 4.])
        >>> theta["dense_1"]["b"]
        array([3., 4.])
    """

    def __init__(
        self, layout: Layout, vector: Array | None = None, dtype: np.dtype[Any] | str = "float64"
    ) -> None:
        self.layout = layout
        self._vector: Array = np.zeros(layout.size, dtype) if vector is None else vector
        layout._check(self._vector)

    @property
    def vector(self) -> Array:
        """The whole vector, (layout.size,); assigning copies into it."""
        return self._vector

    @vector.setter
    def vector(self, value: Array) -> None:
        assign(self._vector, value, "the vector")

    def __getitem__(self, name: str) -> Any:
        if name in self.layout.layers:
            return self.layer(name)
        segment = self.layout[name]
        return self.vector[segment.slice].reshape(segment.shape)

    def __setitem__(self, name: str, value: Array | Sequence[Any] | float) -> None:
        assign(self[name], value, name)

    def __iter__(self) -> Iterator[str]:
        return (segment.full_name for segment in self.layout)

    def __len__(self) -> int:
        return len(self.layout.segments)

    def __repr__(self) -> str:
        shapes = in_a_line(f"{printable(s.full_name)} {s.shape}" for s in self.layout)
        return f"Parameters({self.layout.size} numbers: {shapes})"

    @html.never_fails
    def _repr_html_(self) -> str:
        with np.errstate(all="ignore"):
            rows = [_row(segment, self[segment.full_name]) for segment in self.layout]
        return html.piece(
            f"Parameters: {self.layout.size:,} numbers",
            html.table(("array", "shape", "norm", "smallest", "largest"), rows, words=2),
        )

    def layer(self, name: str) -> dict[str, Array]:
        """One layer's arrays, by their names in the layer (``W``, ``b``), as views.

        Raises:
            UnknownNameError: there is no such layer.
        """
        return self.layout.views(self.vector, name)


def _row(segment: Segment, values: Array) -> tuple[str, ...]:
    """The row of an array in a notebook's table of arrays."""
    numbers = (np.linalg.norm(values), values.min(), values.max())
    shape = sizes_text(segment.shape)
    return (segment.full_name, shape, *(f"{number:.4g}" for number in numbers))


def sum_of_rows(rows: Array, out: Array | None = None) -> Array:
    """The sum of the rows, (n, k) to (k,); parts of many rows are added up in float64.

    Without that, a float32 sum of a million equal numbers is wrong in its third digit.

    Args:
        rows: the rows to add up.
        out: the array to write the sum into, of the rows' type; None for a new one.

    Example:
        >>> sum_of_rows(np.array([[1.0, 2.0], [3.0, 4.0]]))
        array([4., 6.])
    """
    ones = np.ones(min(len(rows), ROWS_AT_A_TIME), rows.dtype)
    if len(rows) <= ROWS_AT_A_TIME:
        return np.dot(ones, rows, out=out)
    starts = range(0, len(rows), ROWS_AT_A_TIME)
    pieces = [rows[start : start + ROWS_AT_A_TIME] for start in starts]
    parts = np.array([np.dot(ones[: len(piece)], piece) for piece in pieces])
    total = parts.sum(axis=0, dtype=np.result_type(parts, np.float64)).astype(rows.dtype)
    if out is None:
        return total
    out[...] = total
    return out

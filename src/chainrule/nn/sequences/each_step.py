"""A layer applied to every step of a sequence by itself, and the Jacobians of this map.

`EachStep`, which Keras calls `TimeDistributed`, lets a layer that maps rows to rows take sequences
without code of its own: each step is a case for it. Padding is recognised in the input and marked
in the output (see `chainrule.core.sequences`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from math import prod
from typing import Any, Self, cast

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.core.sequences import lengths_of, mark, padded_steps, without_padding
from chainrule.nn.jacobians import Jacobian
from chainrule.nn.layers.base import Arrays, Layer, Shape


def connected_to(layer: Layer, shapes: Sequence[Shape]) -> Layer:
    """The layer, connected, and wrapped in an `EachStep` if it takes rows but gets sequences.

    Raises:
        ConfigError: the layer cannot take these shapes.
    """
    if layer.same_at_every_step and [len(shape) for shape in shapes] == [2]:
        layer = cast("Layer", EachStep(layer))
    layer.connect(*shapes)
    return layer


class EachStep:
    """Applies a layer that maps rows to rows to every step: (steps, features) to (steps, size).

    The layer itself is connected to the shape of one step, (features,). Its passes get the steps
    of all cases as rows, (cases · steps, features). Padding is 0 in them, and NaN in the output.
    The gradient is 0 at padding.

    It is a proxy: attributes that are not defined here, such as parameters and settings, are read
    from and written to the layer, and ``isinstance`` sees the layer's class. So code that looks
    for a `Dense` finds one, and a user's layer with more attributes needs no code here. Of the
    arrays that the layer stored in a pass, ``z``, ``a``, ``s`` and ``delta`` are returned with one
    row for each case, (cases, steps · size), the first three with NaN at padding. All others, such
    as ``x``, have one row for each step.

    Args:
        layer: the layer, which maps rows to rows.

    Attributes:
        steps: the number of steps of a case, once connected.
        input_shape: (steps, features), once connected.
        output_shape: (steps, size), once connected.

    Example:
        >>> from chainrule.nn import Dense
        >>> from chainrule.nn.network import Network
        >>> network = Network([Dense(1, "linear", bias=False)], input=[3, 2], loss="mse")
        >>> network.layers[0].W = [[1.0], [10.0]]
        >>> network.forward_pass([[[1.0, 2.0], [3.0, 4.0], [np.nan, np.nan]]])
        array([[21., 43., nan]])
    """

    layer: Layer
    steps: int = 0
    input_shape: Shape = ()
    output_shape: Shape = ()
    at_each_step = True
    knows_padding = True
    reads_sequences = True
    gives_sequences = True
    _lengths: Array | None = None

    def __init__(self, layer: Layer) -> None:
        self.__dict__["layer"] = layer

    # The proxy

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The layer's class, for ``isinstance``; ``type`` gives `EachStep`."""
        return type(self.layer)

    def __getattr__(self, name: str) -> Any:
        if name == "layer" or name.startswith("__"):  # while being copied it has no layer yet
            raise AttributeError(name)
        found = getattr(self.layer, name)
        needs_rows = name in ("z", "a", "s") and found is not None
        return self._by_case(found, self._lengths) if needs_rows else found

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(EachStep, name):
            object.__setattr__(self, name, value)
        else:
            setattr(self.layer, name, value)

    def __reduce__(self) -> Any:
        return EachStep, (self.layer,), self.__dict__

    # Shapes

    gather, part, __repr__ = Layer.gather, Layer.part, Layer.__repr__

    @property
    def inputs(self) -> int:
        """The width of x, (cases, inputs)."""
        return prod(self.input_shape)

    @property
    def outputs(self) -> int:
        """The width of the output, (cases, outputs)."""
        return prod(self.output_shape)

    @property
    def z_shape(self) -> Shape:
        """The shape of one case of z, (steps, size)."""
        return (self.steps, prod(self.layer.z_shape))

    @property
    def uses_of_weights(self) -> int:
        """The number of steps times the layer's own number of uses."""
        return self.steps * self.layer.uses_of_weights

    @property
    def delta(self) -> Array | None:
        """δ = ∂L/∂z of the last backward pass, (cases, steps · size); 0 at padding."""
        return None if self.layer.delta is None else self._by_case(self.layer.delta, None)

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`; the input is a sequence."""
        ((self.steps, features),) = shapes
        self.layer.connect((features,))
        self.input_shape = (self.steps, features)
        self.output_shape = (self.steps, self.layer.outputs)

    # The passes

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """See `Layer.evaluate`."""
        rows, lengths = self._rows_of_inputs(x)
        z, y = self.layer.evaluate(rows, values)
        return self._by_case(z, lengths), self._marked_output(y, lengths)

    def forward_pass(self, x: Array) -> Array:
        """See `Layer.forward_pass`."""
        rows, self._lengths = self._rows_of_inputs(x)
        return self._marked_output(self.layer.forward_pass(rows), self._lengths)

    def jacobians(self) -> dict[str, Jacobian]:
        """The layer's Jacobians for whole cases: `Stacked` by a parameter, else `BlockDiagonal`.

        Raises:
            ShapeError: there was no forward pass.
        """
        local, shared, padded = self.layer.jacobians(), self.layer.shapes(), self._padded()
        return {
            name: (Stacked if name in shared else BlockDiagonal)(J, self.steps, padded)
            for name, J in local.items()
        }

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """See `Layer.backward_pass`."""
        return self._back(self.layer.backward_pass, J, to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """See `Layer.backward_from_delta`."""
        return self._back(self.layer.backward_from_delta, delta, to_input)

    def _back(self, layer_pass: Callable[..., Any], J: Array, to_input: bool) -> Array | None:
        """A backward pass of the layer, from J or δ, (cases, outputs), which are 0 at padding.

        The result is set to 0 at padding, where it is not 0 if the layer couples the rows of a
        batch, as batch normalisation does.
        """
        found = layer_pass(J.reshape(-1, self.output_shape[1]), to_input=to_input)
        if found is None:
            return None
        return _zeroed(self._padded(), found.reshape(len(found) // self.steps, self.inputs))

    def _padded(self) -> Array | None:
        """Whether each step of the last forward pass was padding, (cases, steps); None if none."""
        return None if self._lengths is None else padded_steps(self._lengths, self.steps)

    # Between one row for each case and one row for each step

    def _rows_of_inputs(self, x: Array) -> tuple[Array, Array | None]:
        """x with one row for each step, and 0 at padding; and the cases' lengths or None."""
        sequence = x.reshape(len(x), *self.input_shape)
        lengths = lengths_of(sequence)
        return without_padding(sequence, lengths).reshape(-1, self.input_shape[1]), lengths

    def _marked_output(self, rows: Array, lengths: Array | None) -> Array:
        """The layer's output as (cases, outputs), with NaN at padding and nowhere else.

        If there is padding it is a copy, because the backward pass of the layer reads its own
        array, which must not contain NaN.
        """
        y = rows.reshape(-1, *self.output_shape)
        return mark(y if lengths is None else y.copy(), lengths).reshape(-1, self.outputs)

    def _by_case(self, rows: Array, lengths: Array | None) -> Array:
        """Rows for steps joined to one row for each case, with NaN at padding."""
        sequence = rows.reshape(-1, self.steps, rows.shape[1])
        found = sequence if lengths is None else mark(sequence.copy(), lengths)
        return found.reshape(len(found), self.steps * rows.shape[1])


@dataclass(eq=False, repr=False)
class _OfSteps(Jacobian):
    """The Jacobian for whole cases of a map that is the same at every step.

    A case is a flat row of its steps. The Jacobian is 0 at padding.

    Args:
        inner: the Jacobian for single steps, with one matrix for each of (cases · steps) rows.
        steps: the number of steps of a case.
        padded: whether each step is padding, (cases, steps); None if none is.

    Raises:
        ShapeError: the number of rows is not a multiple of ``steps``.
    """

    inner: Jacobian
    steps: int
    padded: Array | None = None
    numbers = ("inner",)

    def __post_init__(self) -> None:
        rows = self.inner.dense_shape[0]
        if self.steps < 1 or rows % self.steps:
            raise ShapeError(f"{rows} rows are not whole cases of {self.steps} steps")

    def cases(self, chosen: slice) -> Self:
        """See `Jacobian.cases`; the slice must have a stride of 1."""
        start, stop, stride = chosen.indices(self.dense_shape[0])
        if stride != 1:
            raise ShapeError("cases of a sequence are chosen as one run of neighbours")
        found = copy(self)
        found.inner = self.inner.cases(slice(start * self.steps, max(start, stop) * self.steps))
        found.padded = None if self.padded is None else self.padded[chosen]
        return found


class BlockDiagonal(_OfSteps):
    """The Jacobian by x or z: a block (m, n) for each step on the diagonal, 0 elsewhere.

    If a layer couples the rows of a batch, the inner Jacobian has the shape (rows, m, rows, n),
    and this one the shape (cases, steps · m, cases, steps · n).

    Example:
        >>> from chainrule.nn.jacobians import InputJacobian
        >>> BlockDiagonal(InputJacobian(np.array([[2.0]]), count=2), steps=2).dense()
        array([[[2., 0.],
                [0., 2.]]])
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.padded_inputs = self.padded if len(self.inner.dense_shape) == 4 else None

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, steps · m, steps · n), or the shape for coupled rows, see the class."""
        rows, m, *coupled, n = self.inner.dense_shape
        cases = (count // self.steps for count in coupled)
        return (rows // self.steps, self.steps * m, *cases, self.steps * n)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Each step's g times the Jacobian of that step."""
        rows, m, *_, n = self.inner.dense_shape
        into = None if out is None else out.reshape(-1, n)
        if self.padded_inputs is not None:
            g = _zeroed(self.padded, g.copy())
        found = self.inner.vjp(g.reshape(rows, m), into)
        found = found.reshape(len(found) // self.steps, self.steps * n)
        return _zeroed(self.padded if self.padded_inputs is None else self.padded_inputs, found)

    def jvp(self, v: Array) -> Array:
        """The Jacobian of each step times its part of v."""
        rows, m, *_, n = self.inner.dense_shape
        v = v if self.padded_inputs is None else _zeroed(self.padded_inputs, v.copy())
        moved = self.inner.jvp(v.reshape(-1, n)).reshape(rows // self.steps, self.steps * m)
        return _zeroed(self.padded, moved)

    def _dense(self) -> Array:
        inner = self.inner._dense()
        if inner.ndim == 4:
            found = _zeroed(self.padded, inner.reshape(self.dense_shape))
            if self.padded_inputs is not None:
                _zeroed(self.padded_inputs, np.moveaxis(found, (2, 3), (0, 1)))
            return found
        rows, m, n = inner.shape
        found = np.zeros((rows // self.steps, self.steps, m, self.steps, n), inner.dtype)
        blocks = inner.reshape(-1, self.steps, m, n)
        for step in range(self.steps):
            found[:, step, :, step, :] = blocks[:, step]
        return _zeroed(self.padded, found.reshape(self.dense_shape))


class Stacked(_OfSteps):
    """The Jacobian by a parameter that every step uses: those of the steps, stacked in a column.

    The Jacobian of one step has the shape (m, *shape of the parameter).

    Example:
        >>> from chainrule.nn.jacobians import WeightJacobian
        >>> J = Stacked(WeightJacobian(np.array([[2.0], [5.0]]), outputs=1), steps=2)
        >>> J.vjp(np.array([[1.0, 10.0]]))
        array([[52.]])
    """

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, steps · m, *shape of the parameter)."""
        rows, m, *shape = self.inner.dense_shape
        return (rows // self.steps, self.steps * m, *shape)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Each step's g times its Jacobian, summed over cases and steps: the parameter's shape."""
        g = _zeroed(self.padded, g if self.padded is None else g.copy())
        return self.inner.vjp(g.reshape(self.inner.dense_shape[:2]), out)

    def jvp(self, v: Array) -> Array:
        """The change of every step for a change v of the parameter, (cases, steps · m)."""
        return _zeroed(self.padded, self.inner.jvp(v).reshape(self.dense_shape[:2]))

    def _dense(self) -> Array:
        return _zeroed(self.padded, self.inner._dense().reshape(self.dense_shape))


def _zeroed(padded: Array | None, values: Array) -> Array:
    """The array (cases, steps · m, ...), set to 0 in place at padded steps."""
    if padded is not None:
        width = values.shape[1] // padded.shape[1]
        values.reshape(*padded.shape, width, *values.shape[2:])[padded] = 0
    return values

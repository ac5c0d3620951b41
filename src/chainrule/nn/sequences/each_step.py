"""A layer of rows applied at every step of a sequence, and the Jacobians of that.

`EachStep`, which Keras calls `TimeDistributed`, lets a layer that maps rows to rows take sequences
without a line of its own: each step is a case, and padding is found and marked (see
`chainrule.core.sequences`).
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
    """The layer, connected; where it is fed with a sequence and takes rows, as an `EachStep`.

    Raises:
        ConfigError: the layer cannot take these shapes.
    """
    if layer.same_at_every_step and [len(shape) for shape in shapes] == [2]:
        layer = cast("Layer", EachStep(layer))
    layer.connect(*shapes)
    return layer


class EachStep:
    """A layer of rows that is fed with sequences, (steps, features), and gives (steps, size).

    The layer itself is connected to the shape of one step, (features,). Its passes see the steps
    of all cases as rows, (cases · steps, features), with 0 at padding, where the output is NaN. No
    loss and no layer sends anything back to padding.

    It is a proxy: whatever is not defined here, such as parameters and settings, is read from and
    written to the layer, and ``isinstance`` sees the layer's class. So code that asks for a
    `Dense` finds one, and a user's layer with attributes of its own needs no line here. Of what
    the layer stored in a pass, ``z``, ``a``, ``s`` and ``delta`` are given as rows of cases,
    (cases, steps · size), the first three NaN at padding; all else, such as ``x``, as the rows of
    steps that the layer saw.

    Args:
        layer: a map of rows.

    Attributes:
        steps: of a case, once connected.
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
        if name == "layer" or name.startswith("__"):  # while it is copied there is no layer yet
            raise AttributeError(name)
        found = getattr(self.layer, name)
        of_cases = name in ("z", "a", "s") and found is not None
        return self._by_case(found, self._lengths) if of_cases else found

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(EachStep, name):
            object.__setattr__(self, name, value)
        else:
            setattr(self.layer, name, value)

    def __reduce__(self) -> Any:
        return EachStep, (self.layer,), self.__dict__

    # Shapes, and what follows from them as for any layer

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
        """What the z of one case stands for, (steps, size)."""
        return (self.steps, prod(self.layer.z_shape))

    @property
    def uses_of_weights(self) -> int:
        """At every step as often as the layer."""
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
        return self._by_case(z, lengths), self._given_out(y, lengths)

    def forward_pass(self, x: Array) -> Array:
        """See `Layer.forward_pass`."""
        rows, self._lengths = self._rows_of_inputs(x)
        return self._given_out(self.layer.forward_pass(rows), self._lengths)

    def jacobians(self) -> dict[str, Jacobian]:
        """The layer's Jacobians at every step: as blocks, or by a parameter one above the other.

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
        """A backward pass of the layer, of J or δ, (cases, outputs), which is 0 at padding.

        A layer that couples rows, as in batch normalisation, sends something back to padding.
        """
        found = layer_pass(J.reshape(-1, self.output_shape[1]), to_input=to_input)
        if found is None:
            return None
        return _without(self._padded(), found.reshape(len(found) // self.steps, self.inputs))

    def _padded(self) -> Array | None:
        """Which steps of the last forward pass were padding, (cases, steps); None for none."""
        return None if self._lengths is None else padded_steps(self._lengths, self.steps)

    # Cases as rows of steps and back

    def _rows_of_inputs(self, x: Array) -> tuple[Array, Array | None]:
        """x, (cases, inputs), as rows of steps, 0 at padding; and the cases' lengths."""
        sequence = x.reshape(len(x), *self.input_shape)
        lengths = lengths_of(sequence)
        return without_padding(sequence, lengths).reshape(-1, self.input_shape[1]), lengths

    def _given_out(self, rows: Array, lengths: Array | None) -> Array:
        """The layer's output as (cases, outputs), NaN at padding and nowhere else.

        Where there is padding it is a copy: the layer reads its own array in the backward pass,
        and must find numbers there.
        """
        y = rows.reshape(-1, *self.output_shape)
        return mark(y if lengths is None else y.copy(), lengths).reshape(-1, self.outputs)

    def _by_case(self, rows: Array, lengths: Array | None) -> Array:
        """Rows of steps as rows of cases; NaN at padding, where there is any."""
        sequence = rows.reshape(-1, self.steps, rows.shape[1])
        found = sequence if lengths is None else mark(sequence.copy(), lengths)
        return found.reshape(len(found), self.steps * rows.shape[1])


@dataclass(eq=False, repr=False)
class _OfSteps(Jacobian):
    """The Jacobian of a map that is the same at every step, over whole cases.

    A case is a flat row of its steps. Steps that are padding have a Jacobian of 0.

    Args:
        inner: of one step, over (cases · steps) rows.
        steps: how many rows are one case.
        padded: which steps are padding, (cases, steps); None for none.

    Raises:
        ShapeError: the rows are not whole cases.
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
        """See `Jacobian.cases`; the cases are one run of neighbours."""
        start, stop, stride = chosen.indices(self.dense_shape[0])
        if stride != 1:
            raise ShapeError("cases of a sequence are chosen as one run of neighbours")
        found = copy(self)
        found.inner = self.inner.cases(slice(start * self.steps, max(start, stop) * self.steps))
        found.padded = None if self.padded is None else self.padded[chosen]
        return found


class BlockDiagonal(_OfSteps):
    """The Jacobian by the argument of each step: blocks of (m, n) along the diagonal, one a step.

    A layer that couples the rows of a batch gives an inner Jacobian of (m, rows, n) each; this one
    is then of shape (cases, steps · m, cases, steps · n).

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
        """(cases, steps · m, steps · n)."""
        rows, m, *coupled, n = self.inner.dense_shape
        cases = (count // self.steps for count in coupled)
        return (rows // self.steps, self.steps * m, *cases, self.steps * n)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Each step's g times the Jacobian of that step."""
        rows, m, *_, n = self.inner.dense_shape
        into = None if out is None else out.reshape(-1, n)
        if self.padded_inputs is not None:
            g = _without(self.padded, g.copy())
        found = self.inner.vjp(g.reshape(rows, m), into)
        found = found.reshape(len(found) // self.steps, self.steps * n)
        return _without(self.padded if self.padded_inputs is None else self.padded_inputs, found)

    def jvp(self, v: Array) -> Array:
        """The Jacobian of each step times its part of v."""
        rows, m, *_, n = self.inner.dense_shape
        v = v if self.padded_inputs is None else _without(self.padded_inputs, v.copy())
        moved = self.inner.jvp(v.reshape(-1, n)).reshape(rows // self.steps, self.steps * m)
        return _without(self.padded, moved)

    def _dense(self) -> Array:
        inner = self.inner._dense()
        if inner.ndim == 4:
            found = _without(self.padded, inner.reshape(self.dense_shape))
            if self.padded_inputs is not None:
                _without(self.padded_inputs, np.moveaxis(found, (2, 3), (0, 1)))
            return found
        rows, m, n = inner.shape
        found = np.zeros((rows // self.steps, self.steps, m, self.steps, n), inner.dtype)
        blocks = inner.reshape(-1, self.steps, m, n)
        for step in range(self.steps):
            found[:, step, :, step, :] = blocks[:, step]
        return _without(self.padded, found.reshape(self.dense_shape))


class Stacked(_OfSteps):
    """The Jacobian by a parameter that every step uses: the steps' one above the other.

    Those of a step have the shape (m, *shape of the parameter).

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
        """The sum over cases and steps, of the parameter's shape."""
        g = _without(self.padded, g if self.padded is None else g.copy())
        return self.inner.vjp(g.reshape(self.inner.dense_shape[:2]), out)

    def jvp(self, v: Array) -> Array:
        """How every step moves as the parameter moves along v, (cases, steps · m)."""
        return _without(self.padded, self.inner.jvp(v).reshape(self.dense_shape[:2]))

    def _dense(self) -> Array:
        return _without(self.padded, self.inner._dense().reshape(self.dense_shape))


def _without(padded: Array | None, of_cases: Array) -> Array:
    """0 at padded steps, in place, in an array (cases, steps · m, ...)."""
    if padded is not None:
        of_a_step = of_cases.shape[1] // padded.shape[1]
        of_cases.reshape(*padded.shape, of_a_step, *of_cases.shape[2:])[padded] = 0
    return of_cases

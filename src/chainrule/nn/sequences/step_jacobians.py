"""Jacobians of a map that does the same at every step of a sequence.

A case is then a flat row of its steps. The map of one step has a Jacobian over (cases · steps)
rows; these make of it the Jacobian over the cases. Steps that are padding have one of 0.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.jacobians import Jacobian


class _OfSteps(Jacobian):
    """What both have: the Jacobian of the rows of all steps, and which of them are padding."""

    __slots__ = ("inner", "padded", "steps")

    def __init__(self, inner: Jacobian, steps: int, padded: Array | None = None) -> None:
        _require_cases(inner, steps)
        self.inner = inner
        self.steps = steps
        self.padded = padded

    def cases(self, chosen: slice) -> Self:
        """See `Jacobian.cases`."""
        inner = _of_cases(self.inner, chosen, self.steps)
        padded = None if self.padded is None else self.padded[chosen]
        return type(self)(inner, self.steps, padded)


class EachStep(_OfSteps):
    """The Jacobian by the argument of each step: blocks along the diagonal, one a step.

    Args:
        inner: of one step, over (cases · steps) rows, (m, n) each.
        steps: how many rows are one case.
        padded: which steps are padding, (cases, steps); None for none.

    Raises:
        ShapeError: the rows are not whole cases.

    Example:
        >>> from chainrule.nn.jacobians import InputJacobian
        >>> EachStep(InputJacobian(np.array([[2.0]]), count=2), steps=2).dense()
        array([[[2., 0.],
                [0., 2.]]])
    """

    __slots__ = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, steps · m, steps · n)."""
        rows, m, n = self.inner.dense_shape
        return (rows // self.steps, self.steps * m, self.steps * n)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Each step's g times the Jacobian of that step."""
        rows, m, n = self.inner.dense_shape
        into = None if out is None else out.reshape(rows, n)
        found = self.inner.vjp(g.reshape(rows, m), into).reshape(len(g), self.steps * n)
        return _without(self.padded, found)

    def jvp(self, v: Array) -> Array:
        """The Jacobian of each step times its part of v."""
        rows, m, n = self.inner.dense_shape
        moved = self.inner.jvp(v.reshape(rows, n)).reshape(len(v), self.steps * m)
        return _without(self.padded, moved)

    def _dense(self) -> Array:
        inner = self.inner._dense()
        rows, m, n = inner.shape
        found = np.zeros((rows // self.steps, self.steps, m, self.steps, n), inner.dtype)
        blocks = inner.reshape(-1, self.steps, m, n)
        for step in range(self.steps):
            found[:, step, :, step, :] = blocks[:, step]
        return _without(self.padded, found.reshape(self.dense_shape))


class SharedBySteps(_OfSteps):
    """The Jacobian by a parameter that every step uses: the steps' one above the other.

    Args:
        inner: of one step, over (cases · steps) rows, (m, *shape of the parameter) each.
        steps: how many rows are one case.
        padded: which steps are padding, (cases, steps); None for none.

    Raises:
        ShapeError: the rows are not whole cases.

    Example:
        >>> from chainrule.nn.jacobians import WeightJacobian
        >>> J = SharedBySteps(WeightJacobian(np.array([[2.0], [5.0]]), outputs=1), steps=2)
        >>> J.vjp(np.array([[1.0, 10.0]]))
        array([[52.]])
    """

    __slots__ = ()

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


def _require_cases(inner: Jacobian, steps: int) -> None:
    rows = inner.dense_shape[0]
    if steps < 1 or rows % steps:
        raise ShapeError(f"{rows} rows are not whole cases of {steps} steps")


def _of_cases(inner: Jacobian, chosen: slice, steps: int) -> Jacobian:
    """The rows of some cases, which a slice with steps of its own cannot name."""
    count = inner.dense_shape[0] // steps
    start, stop, stride = chosen.indices(count)
    if stride != 1:
        raise ShapeError("cases of a sequence are chosen as one stretch")
    return inner.cases(slice(start * steps, max(start, stop) * steps))


def _without(padded: Array | None, of_cases: Array) -> Array:
    """0 at padded steps, in place, in an array (cases, steps · m, ...)."""
    if padded is not None:
        of_a_step = of_cases.shape[1] // padded.shape[1]
        of_cases.reshape(*padded.shape, of_a_step, *of_cases.shape[2:])[padded] = 0
    return of_cases

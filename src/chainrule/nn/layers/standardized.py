"""What standardises a batch, and its Jacobians, for batch and layer normalisation.

Here rows of cases have the form of a table (rows, columns), each column with a γ of its own, or of
images (cases, channels, places), each channel with a γ of its own; see `Groups`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.jacobians import Jacobian
from chainrule.nn.layers.base import Shape
from chainrule.nn.parameters import ROWS_AT_A_TIME, sum_of_rows


class Groups(NamedTuple):
    """Which numbers of a batch share a mean, a variance, a γ and a β.

    Attributes:
        width: the numbers of a case.
        form: the shape of the batch in computations, the cases or rows aside: (columns,), or
            (channels, places).
        by_column: whether a column or channel shares its mean and variance over the whole batch;
            otherwise each row has its own.
    """

    width: int
    form: Shape
    by_column: bool

    def formed(self, rows: Array) -> Array:
        """Rows of cases, (cases, width), in the form (…, *form)."""
        return rows.reshape(-1, *self.form)

    def total(self, values: Array) -> Array:
        """The sums over the numbers that share a mean, in a shape that broadcasts to theirs."""
        if self.by_column:
            return self.aligned(self.column_sums(values))
        if self.width > ROWS_AT_A_TIME:  # by halves, so that float32 keeps its digits
            sums: Array = np.add.reduce(values, axis=1, keepdims=True)
            return sums
        return np.dot(values, np.ones(self.width, values.real.dtype))[:, None]

    def total_product(self, a: Array, b: Array, scratch: Array | None = None) -> Array:
        """`total` of the products a ⊙ b, which are written into ``scratch`` if it is needed."""
        if self.by_column or self.width > ROWS_AT_A_TIME:
            return self.total(np.multiply(a, b, out=scratch))
        sums: Array = np.einsum("ij,ij->i", a, b)[:, None]
        return sums

    def column_sums(self, values: Array, out: Array | None = None) -> Array:
        """The sum for each γ, (columns,) or (channels,)."""
        return sum_of_rows(np.add.reduce(values, axis=2) if values.ndim == 3 else values, out)

    def aligned(self, parameter: Array) -> Array:
        """γ or β, of any shape, in a shape that broadcasts to a batch in its form."""
        return parameter.reshape(-1, 1) if len(self.form) == 2 else parameter.reshape(-1)

    @property
    def labels(self) -> Array:
        """The number of the γ of each number of a case, (width,)."""
        if len(self.form) == 2:
            return np.repeat(np.arange(self.form[0]), self.form[1])
        return np.arange(self.width) % self.form[0]


class Standardised(NamedTuple):
    """A batch standardised in one pass.

    Attributes:
        values: x̂, in the form of `Groups`; 0 at padding.
        mean: what was subtracted.
        variance: the mean squared distance from it.
        inverse: 1 / √(variance + ε).
        n: how many numbers share a mean; 0 for running statistics.
        real: 1 at real steps of sequences and 0 at padding, (rows, 1); None without padding.
    """

    values: Array
    mean: Array
    variance: Array
    inverse: Array
    n: int
    real: Array | None


class Out(NamedTuple):
    """Arrays in the form of the batch to write into; None for new ones."""

    values: Array | None = None
    scratch: Array | None = None


NEW = Out()


def centred(
    x: Array, groups: Groups, count: int, real: Array | None, out: Array | None = None
) -> tuple[Array, Array]:
    """x minus the mean of its group, and that mean.

    The mean is computed twice: the mean of the differences is the rounding error of the first
    one, which would be larger than all differences if they are tiny beside the numbers.

    Args:
        x: a batch in the form of ``groups``; 0 at padding.
        groups: which numbers share a mean.
        count: how many they are.
        real: see `Standardised`.
        out: the array to write into; None for a new one.
    """
    mean = groups.total(x) / count
    found = np.subtract(x, mean, out=out)
    if real is not None:
        found *= real
    shift = groups.total(found) / count
    found -= shift
    if real is not None:
        found *= real
    return found, mean + shift


def standardised(
    x: Array, groups: Groups, epsilon: float, real: Array | None = None, out: Out = NEW
) -> Standardised:
    """x̂ by the mean and the variance of the batch itself; complex numbers are not conjugated.

    Example:
        >>> x = np.array([[1.0], [3.0]])
        >>> standardised(x, Groups(1, (1,), True), epsilon=3.0).values
        array([[-0.5],
               [ 0.5]])
    """
    count = x.size // groups.form[0] if groups.by_column else x.shape[1]
    if real is not None:
        count = np.count_nonzero(real)
    values, mean = centred(x, groups, count, real, out.values)
    variance = groups.total_product(values, values, out.scratch) / count
    # A variance that overflowed would give x̂ = 0. The second term makes it NaN, so that training
    # stops with the layer's name instead of keeping an infinite running variance.
    inverse = 1 / np.sqrt(variance + epsilon) + 0 * variance
    values *= inverse
    return Standardised(values, mean, variance, inverse, count, real)


@dataclass(eq=False, repr=False)
class Normalising(Jacobian):
    """∂z/∂x of z = γ ⊙ x̂ + β, where mean and variance are those of the numbers themselves.

    With n numbers of a group, ∂z_i/∂x_j = γ_i / σ · ([i = j] − 1/n − x̂_i x̂_j / n) within it, and 0
    between two groups. See docs/derivations.md.

    Args:
        at: the standardised batch.
        gain: γ, as `Groups.aligned` gives it.
        groups: which numbers share a mean.
        cases_of_batch: the number of cases in the batch.
        chosen: the cases whose rows these are, None for all; where columns are grouped, they
            depend on all cases of the batch.

    Example:
        >>> x, groups = np.array([[1.0], [3.0]]), Groups(1, (1,), True)
        >>> J = Normalising(standardised(x, groups, 3.0), np.ones(1), groups, 2)
        >>> J.dense_shape, J.dense().reshape(2, 2)
        ((2, 1, 2, 1), array([[ 0.1875, -0.1875],
               [-0.1875,  0.1875]]))
    """

    at: Standardised
    gain: Array
    groups: Groups
    cases_of_batch: int
    chosen: slice | None = None

    sign: ClassVar[int] = -1

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, width, cases of the batch, width), or (cases, width, width) by rows."""
        chosen, n = len(range(self.cases_of_batch)[self._rows]), self.groups.width
        return (chosen, n, self.cases_of_batch, n) if self.groups.by_column else (chosen, n, n)

    @property
    def _rows(self) -> slice:
        return slice(None) if self.chosen is None else self.chosen

    def _less_projections(self, u: Array, out: Array | None = None) -> Array:
        """u − mean(u) − x̂ mean(x̂ u) in every group."""
        at, groups = self.at, self.groups
        along, sums = groups.total_product(at.values, u, out), groups.total(u)
        return self._less(u, along, sums, out)

    def _less(self, u: Array, along: Array, sums: Array, out: Array | None) -> Array:
        """u − sums / n − x̂ along / n."""
        share = self.sign / self.at.n
        found = np.multiply(self.at.values, along * share, out=out)
        found += u
        found += sums * share
        return found

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """(u − mean(u) − x̂ mean(x̂ u)) / σ with u = γ ⊙ g."""
        if self.chosen is not None:
            whole = np.zeros((self.cases_of_batch, self.groups.width), g.dtype)
            whole[self.chosen] = g
            g = whole
        u = self.groups.formed(g) * self.gain
        if self.at.real is not None:
            u *= self.at.real
        found = self._less_projections(u, None if out is None else self.groups.formed(out))
        return self._result(found, self.at.inverse)

    def vjp_by_sums(self, g: Array, along: Array, sums: Array, out: Array | None) -> Array:
        """`vjp` where columns are grouped and ∂L/∂γ = Σ g ⊙ x̂ and ∂L/∂β = Σ g are known.

        γ is then the same within a group, (γ / σ) (g − ∂L/∂β / n − x̂ ∂L/∂γ / n).
        """
        groups = self.groups
        into = None if out is None else groups.formed(out)
        found = self._less(groups.formed(g), groups.aligned(along), groups.aligned(sums), into)
        return self._result(found, self.gain * self.at.inverse)

    def _result(self, found: Array, scale: Array) -> Array:
        """The rows of ``found``, times a scale, 0 at padding."""
        found *= scale
        if self.at.real is not None:
            found *= self.at.real
        return found.reshape(-1, self.groups.width)

    def jvp(self, v: Array) -> Array:
        """γ / σ ⊙ (v − mean(v) − x̂ mean(x̂ v))."""
        v = self.groups.formed(v)
        v = v if self.at.real is None else v * self.at.real
        return self._result(self._less_projections(v), self.gain * self.at.inverse)[self._rows]

    def cases(self, chosen: slice) -> Normalising:
        """See `Jacobian.cases`."""
        if self.groups.by_column:
            return type(self)(self.at, self.gain, self.groups, self.cases_of_batch, chosen)
        at = self.at._replace(values=self.at.values[chosen], inverse=self.at.inverse[chosen])
        count = len(at.values)
        return type(self)(at, self.gain, self.groups, count)

    def magnitudes(self, least: float = 0.0) -> Normalising:
        """See `Jacobian.magnitudes`; the absolute values of the terms of each number, added up."""
        at = self.at._replace(values=np.abs(self.at.values), inverse=np.abs(self.at.inverse))
        return NormalisingTerms(
            at, np.abs(self.gain), self.groups, self.cases_of_batch, self.chosen
        )

    def _dense(self) -> Array:
        groups, at, cases, n = self.groups, self.at, self.cases_of_batch, self.groups.width
        flat = at.values.reshape(cases, n)
        scale = np.broadcast_to(self.gain * at.inverse, at.values.shape).reshape(cases, n)
        real = np.ones_like(flat)
        if at.real is not None:
            real = np.broadcast_to(at.real, at.values.shape).reshape(cases, n).astype(flat.dtype)
        if not groups.by_column:
            shared = (1 + flat[:, :, None] * flat[:, None, :]) * (self.sign / at.n)
            return scale[:, :, None] * (np.eye(n, dtype=flat.dtype) + shared)
        own, real_rows, cut = self._rows, real[self._rows], flat[self._rows]
        terms = real_rows[:, :, None, None] * real + cut[:, :, None, None] * flat
        terms *= self.sign / at.n
        terms *= (groups.labels[:, None] == groups.labels)[:, None, :]
        case, unit = np.arange(cases)[own], np.arange(n)
        rows = np.arange(len(case))
        terms[rows[:, None], unit, case[:, None], unit] += real_rows
        dense: Array = scale[own][:, :, None, None] * terms
        return dense


class NormalisingTerms(Normalising):
    """γ / σ · ([i = j] + 1/n + |x̂_i x̂_j| / n): the absolute values of the terms, added up."""

    sign = 1


@dataclass(eq=False, repr=False)
class ByColumn(Jacobian):
    """∂z/∂γ, or ∂z/∂β: each number is its factor times the γ or β of its column.

    Args:
        factor: x̂ for γ; for β 1, or 0 at padding; in the form of the batch.
        groups: which numbers share a γ.
        shape: the shape of γ.
        count: the number of cases.

    Example:
        >>> J = ByColumn(np.array([[2.0, 3.0]]), Groups(2, (2,), True), (2,), 1)
        >>> J.vjp(np.array([[10.0, 1.0]]))
        array([20.,  3.])
    """

    factor: Array
    groups: Groups
    shape: Shape
    count: int
    numbers = ("factor",)

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, width, *shape)."""
        return (self.count, self.groups.width, *self.shape)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The sum over the cases of g ⊙ factor, for each column."""
        products = self.groups.formed(g) * self.factor
        found = self.groups.column_sums(products, None if out is None else out.reshape(-1))
        return found.reshape(self.shape)

    def jvp(self, v: Array) -> Array:
        """factor ⊙ v."""
        return (self.factor * self.groups.aligned(v)).reshape(-1, self.groups.width)

    def cases(self, chosen: slice) -> ByColumn:
        """See `Jacobian.cases`."""
        width = self.groups.width
        factor = self.groups.formed(self.factor.reshape(-1, width)[chosen])
        return ByColumn(factor, self.groups, self.shape, factor.size // width)

    def _dense(self) -> Array:
        columns = self.groups.labels[:, None] == np.arange(prod(self.shape))
        rows = self.factor.reshape(self.count, self.groups.width)
        return (rows[:, :, None] * columns).reshape(self.dense_shape)

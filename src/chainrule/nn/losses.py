"""The loss functions L(y, t), each with its derivative.

``value(y, t)`` is L, a mean over N cases. ``jacobian(y, t)`` is J_L = ∂L/∂y, shape
(cases, outputs), including the 1/N of the mean. Softmax with cross-entropy and sigmoid with binary
cross-entropy are computed from the logits z, to full precision, by the entries of `FROM_LOGITS`.

``prepare`` converts a user's targets (class numbers or rows) to the form that the loss computes
with. The table `LOSSES` holds the classes by name; the fields of a class are its options.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.core.arrays import Array, as_numbers, class_numbers, one_hot, require_all, rows
from chainrule.core.errors import ConfigError, ShapeError, shown
from chainrule.core.registry import OMITTED_AS_DEFAULT, Entry, from_table
from chainrule.nn.activations import magnitude, sigmoid, softplus
from chainrule.nn.jacobians import Diagonal, Jacobian, LogSoftmaxJacobian

SUM_TOLERANCE = 1e-5
"""How far the sum of a row of targets may be from 1, as by numbers rounded to six digits."""


@dataclass(frozen=True)
class Loss(Entry, ABC):
    """A loss function L(y, t), its derivative, and the conversion of its targets.

    Attributes:
        for_classes: whether the targets are classes. Otherwise they are values, and class
            numbers are converted to one-hot rows.
    """

    for_classes: ClassVar[bool] = False

    @abstractmethod
    def value(self, y: Array, t: Array) -> Any:
        """The mean loss of outputs y, shape (cases, outputs), for prepared targets t."""

    @abstractmethod
    def jacobian(self, y: Array, t: Array) -> Array:
        """J_L = ∂L/∂y, shape (cases, outputs), for prepared targets t."""

    def by_case(self, y: Array, t: Array) -> Array:
        """The loss of each case, (cases,), whose mean is ``value`` up to rounding.

        It is needed where cases have unequal weights. A class that does not define it is asked
        for the value of one case after the other.
        """
        found = [self.value(y[case : case + 1], t[case : case + 1]) for case in range(len(y))]
        return np.array(found, y.dtype)

    def from_kinks(self, y: Array, t: Array) -> Array:
        """The signed distances of each case from the kinks of the loss, (cases, n).

        A distance changes sign where a kink is crossed. A smooth loss has none: (cases, 0).
        """
        return np.empty((len(y), 0))

    def smoothed(self, t: Array, outputs: int, dtype: Any) -> Array:
        """The targets that the formula sees, from prepared ones; see `SmoothedLoss`."""
        return t

    def prepare(self, t: Any, outputs: int, dtype: Any) -> Array:
        """The targets in the form that ``value`` and ``jacobian`` take.

        Args:
            t: class numbers (cases,), or rows (cases, outputs); with one output, values
                (cases,) as well.
            outputs: the number of the network's outputs.
            dtype: the type of the rows.

        Raises:
            ShapeError: the targets do not fit the outputs.
        """
        return rows(t, outputs, dtype)


class ResidualLoss(Loss):
    """The mean over cases and outputs of a function ρ(d) of the residual d = y − t."""

    @abstractmethod
    def rho(self, d: Array) -> Array:
        """ρ(d), elementwise."""

    @abstractmethod
    def derivative(self, d: Array) -> Array:
        """ρ'(d), elementwise."""

    def value(self, y: Array, t: Array) -> Any:
        """Σ ρ(y − t) / (cases · outputs)."""
        return self.rho(y - t).sum() / y.size

    def by_case(self, y: Array, t: Array) -> Array:
        """See `Loss.by_case`."""
        found: Array = self.rho(y - t).mean(axis=1)
        return found

    def jacobian(self, y: Array, t: Array) -> Array:
        """ρ'(y − t) / (cases · outputs)."""
        return self.derivative(y - t) / y.size


class MeanSquaredError(ResidualLoss):
    """The mean squared error, ρ(d) = d²; J_L = 2 (y − t) / (cases · outputs)."""

    def rho(self, d: Array) -> Array:
        """d²."""
        return d * d

    def derivative(self, d: Array) -> Array:
        """2 d."""
        return 2 * d


class MeanAbsoluteError(ResidualLoss):
    """The mean absolute error, ρ(d) = |d|; J_L = sign(y − t) / (cases · outputs), 0 at y = t."""

    def rho(self, d: Array) -> Array:
        """|d|."""
        return magnitude(d)

    def derivative(self, d: Array) -> Array:
        """sign(d)."""
        return np.sign(d)

    def from_kinks(self, y: Array, t: Array) -> Array:
        """d, (cases, outputs)."""
        return y - t


@dataclass(frozen=True)
class Huber(ResidualLoss):
    """The Huber loss, ρ(d) = ½ d² for |d| ≤ delta, else delta (|d| − ½ delta).

    Source: Huber, *Robust estimation of a location parameter* (1964).

    Attributes:
        delta: the largest |d| at which ρ is quadratic rather than linear, above 0.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise ConfigError(f"delta of huber must be above 0, found {self.delta}")

    def rho(self, d: Array) -> Array:
        """See the class."""
        r = magnitude(d)
        inside = np.where(r.real <= self.delta, d, d.dtype.type(0))
        straight = self.delta * (r - 0.5 * self.delta)
        return np.where(r.real <= self.delta, 0.5 * inside * inside, straight)

    def derivative(self, d: Array) -> Array:
        """The residual d, cut off at ±delta."""
        return np.clip(d, -self.delta, self.delta)

    def from_kinks(self, y: Array, t: Array) -> Array:
        """|d| − delta, (cases, outputs): at 0 the second derivative jumps, not the first."""
        return magnitude(y - t) - self.delta


class LogCosh(ResidualLoss):
    """ρ(d) = ln cosh d, about ½ d² near 0 and |d| − ln 2 for large |d|; ρ'(d) = tanh d."""

    def rho(self, d: Array) -> Array:
        """ln(1 + 2 sinh²(d/2)) where |d| < 1, else |d| + ln(1 + e^(−2|d|)) − ln 2."""
        r = magnitude(d)
        sinh = np.sinh(0.5 * np.where(r.real < 1, d, d.dtype.type(0)))
        far = r + np.log1p(np.exp(-2 * r)) - log(2)
        return np.where(r.real < 1, np.log1p(2 * sinh * sinh), far)

    def derivative(self, d: Array) -> Array:
        """The derivative tanh d."""
        return np.tanh(d)


@dataclass(frozen=True)
class SmoothedLoss(Loss):
    """A loss of probabilities whose targets may be smoothed, t′ = (1 − ε) t + ε u.

    u is the target that says nothing: 1/classes where the outputs are a distribution, and ½ for
    an output that is a probability of its own. The loss is that of t′, in training and in every
    evaluation; which class is the true one, for accuracies and metrics, t alone says.

    Source: Szegedy et al., *Rethinking the Inception architecture for computer vision* (2016),
    section 7; the formula is that of PyTorch's CrossEntropyLoss and Keras's BinaryCrossentropy.

    Attributes:
        label_smoothing: ε, at least 0 and below 1.
    """

    label_smoothing: float = field(default=0.0, metadata=OMITTED_AS_DEFAULT)

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            found = shown(self.label_smoothing)
            raise ConfigError(f"label_smoothing is at least 0 and below 1, found {found}")

    @abstractmethod
    def uninformed(self, outputs: int) -> float:
        """u, the target that says nothing about any of the outputs."""

    def smoothed(self, t: Array, outputs: int, dtype: Any) -> Array:
        """t′ as rows (cases, outputs); t itself where nothing is smoothed.

        Args:
            t: prepared targets, class numbers (cases,) or rows (cases, outputs).
            outputs: the number of outputs.
            dtype: the type of the rows.

        Example:
            >>> CrossEntropy(0.25).smoothed(np.array([1]), 2, float)
            array([[0.125, 0.875]])
        """
        if not self.label_smoothing:
            return t
        known = one_hot(t, outputs, dtype) if t.ndim == 1 else t
        kept, added = 1 - self.label_smoothing, self.label_smoothing * self.uninformed(outputs)
        found: Array = known * known.dtype.type(kept) + known.dtype.type(added)
        return found


@dataclass(frozen=True)
class CrossEntropy(SmoothedLoss):
    """The cross-entropy L = −(1/N) Σ_n Σ_j t_nj ln y_nj, for outputs that are a distribution.

    With class numbers, t is 1 at the true class. J_L = −t / (N y). See `SmoothedLoss` for t′,
    which takes the place of t where labels are smoothed.
    """

    for_classes: ClassVar[bool] = True

    def uninformed(self, outputs: int) -> float:
        """1/classes."""
        return 1 / outputs

    def prepare(self, t: Any, outputs: int, dtype: Any) -> Array:
        """Class numbers (cases,) stay class numbers; rows (cases, outputs) stay rows.

        If all rows are one-hot, they become class numbers.

        Raises:
            ShapeError: they do not fit the outputs, or a row is not a distribution.
        """
        t = as_numbers(t, "targets", "biuf")
        if t.ndim != 2 or t.shape[1] != outputs:
            return class_numbers(t, outputs)
        t = rows(t, outputs, dtype)
        right = (t >= 0).all(axis=1) & (np.abs(t.sum(axis=1) - 1) <= SUM_TOLERANCE)
        require_all(right, t, "cross_entropy are distributions, at least 0 with sum 1")
        is_one_hot = (t.max(axis=1) == 1).all() and np.count_nonzero(t) == len(t)
        return t.argmax(axis=1) if is_one_hot else t

    def value(self, y: Array, t: Array) -> Any:
        """−(1/N) Σ t ln y, where the term of a target of 0 is 0, even if y is 0 as well."""
        t = self.smoothed(t, y.shape[1], y.real.dtype)
        if t.ndim == 1:
            return -np.log(y[np.arange(len(y)), t]).sum() / len(y)
        return -self._terms(y, t).sum() / len(y)

    def by_case(self, y: Array, t: Array) -> Array:
        """See `Loss.by_case`."""
        t = self.smoothed(t, y.shape[1], y.real.dtype)
        if t.ndim == 1:
            return np.asarray(-np.log(y[np.arange(len(y)), t]))
        return np.asarray(-self._terms(y, t).sum(axis=1))

    def _terms(self, y: Array, t: Array) -> Array:
        """t ln y for rows of targets."""
        return np.asarray(t * np.log(np.where(t == 0, y.dtype.type(1), y)))

    def jacobian(self, y: Array, t: Array) -> Array:
        """−t / (N y), and 0 where t is 0."""
        t = self.smoothed(t, y.shape[1], y.real.dtype)
        if t.ndim == 1:
            t = one_hot(t, y.shape[1], y.dtype)
        return -t / np.where(t == 0, y.dtype.type(1), y) / len(y)


@dataclass(frozen=True)
class BinaryCrossEntropy(SmoothedLoss):
    """L = −mean(t ln y + (1 − t) ln(1 − y)) over cases and outputs, each output in (0, 1).

    J_L = (y − t) / (y (1 − y)) / (cases · outputs). See `SmoothedLoss` for t′, which takes the
    place of t where labels are smoothed.
    """

    def uninformed(self, outputs: int) -> float:
        """One half."""
        return 0.5

    def prepare(self, t: Any, outputs: int, dtype: Any) -> Array:
        """Rows of numbers from 0 to 1.

        Raises:
            ShapeError: they do not fit the outputs, or are not probabilities.
        """
        t = super().prepare(t, outputs, dtype)
        outside = ~((t >= 0) & (t <= 1))
        if outside.any():
            raise ShapeError(
                "binary_cross_entropy takes targets from 0 to 1, found "
                f"{t[outside][0]:.17g} in case {int(outside.any(axis=1).argmax())}"
            )
        return t

    def value(self, y: Array, t: Array) -> Any:
        """See the class."""
        return -self._terms(y, t).sum() / y.size

    def by_case(self, y: Array, t: Array) -> Array:
        """See `Loss.by_case`."""
        return np.asarray(-self._terms(y, t).mean(axis=1))

    def _terms(self, y: Array, t: Array) -> Array:
        """t ln y + (1 − t) ln(1 − y)."""
        t, one = self.smoothed(t, y.shape[1], y.real.dtype), y.dtype.type(1)
        right = np.log(np.where(t == 0, one, y))
        wrong = np.log1p(-np.where(t == 1, y.dtype.type(0), y))
        return np.asarray(t * right + (1 - t) * wrong)

    def jacobian(self, y: Array, t: Array) -> Array:
        """See the class; written as (1 − t) / (1 − y) − t / y."""
        t = self.smoothed(t, y.shape[1], y.real.dtype)
        one, zero = y.dtype.type(1), y.dtype.type(0)
        wrong = (1 - t) / (1 - np.where(t == 1, zero, y))
        return (wrong - t / np.where(t == 0, one, y)) / y.size


class Hinge(Loss):
    """The hinge loss L = (1/N) Σ_n Σ_{j≠t} max(0, 1 + y_j − y_t), t being the true class.

    J_L is 1/N for each wrong class j with a term above 0, and −k/N for the true class, where k is
    the number of such j. Source: Weston and Watkins, *Support vector machines for multi-class
    pattern recognition* (1999).
    """

    for_classes: ClassVar[bool] = True

    def prepare(self, t: Any, outputs: int, dtype: Any) -> Array:
        """Class numbers (cases,); one-hot rows (cases, outputs) are converted to them.

        Raises:
            ShapeError: they do not fit the outputs, or a row is not one-hot.
        """
        t = as_numbers(t, "targets", "biuf")
        if t.ndim != 2 or t.shape[1] != outputs:
            return class_numbers(t, outputs)
        right = ((t == 0) | (t == 1)).all(axis=1) & (t.sum(axis=1) == 1)
        require_all(right, t, "hinge are one-hot, a single 1 and otherwise 0")
        return t.argmax(axis=1)

    def _margins(self, y: Array, t: Array) -> Array:
        cases = np.arange(len(y))
        margins = 1 + y - y[cases, t][:, None]
        margins[cases, t] = 0
        return margins

    def from_kinks(self, y: Array, t: Array) -> Array:
        """1 + y_j − y_t for the wrong classes j, (cases, outputs); 1 for the true class."""
        margins = self._margins(y, t)
        margins[np.arange(len(y)), t] = 1
        return margins

    def value(self, y: Array, t: Array) -> Any:
        """See the class."""
        margins = self._margins(y, t)
        return margins[margins.real > 0].sum() / len(y)

    def by_case(self, y: Array, t: Array) -> Array:
        """See `Loss.by_case`."""
        margins = self._margins(y, t)
        found: Array = np.where(margins.real > 0, margins, y.dtype.type(0)).sum(axis=1)
        return found

    def jacobian(self, y: Array, t: Array) -> Array:
        """See the class; where 1 + y_j − y_t is 0, the derivative by y_j is taken as 0."""
        J = (self._margins(y, t).real > 0).astype(y.dtype)
        J[np.arange(len(y)), t] = -J.sum(axis=1)
        return J / len(y)


def least_probability(dtype: Any) -> float:
    """The square root of the smallest normal number: 1.5e-154 in float64, 1.1e-19 in float32.

    For a smaller probability p, 1/p may overflow and p² underflows. ∂L/∂y may then be infinite and
    ∂y/∂z may be 0, although their product ∂L/∂z is an ordinary number.
    """
    return float(np.sqrt(np.finfo(dtype).tiny))


class ByLogs(NamedTuple):
    """∂L/∂ln p, for probabilities p that are too small to divide by.

    The chain rule through ln p instead of p cancels the division, so that nothing overflows:
    ∂L/∂z = ∂L/∂p ∂p/∂z = (∂L/∂p · p) (1/p · ∂p/∂z) = ∂L/∂ln p ∂ln p/∂z.

    Attributes:
        which: the outputs with such a p, (cases, outputs).
        J: ∂L/∂ln p, of the same shape; only the values at ``which`` count.
    """

    which: Array
    J: Array


class FromLogits(ABC):
    """A loss together with the function that computes the outputs y from the logits z.

    Attributes:
        formula: the formula of δ, as text to show.
        small: the probabilities p that `by_logs` looks at, as text to show.
        log_formula: the formula of ∂ln p/∂z, as text to show.
    """

    formula: str
    small: str
    log_formula: str

    @abstractmethod
    def of(self, loss: Loss) -> FromLogits:
        """The same for a loss with options of its own."""

    @abstractmethod
    def value(self, z: Array, t: Array) -> Any:
        """L as a function of the logits."""

    @abstractmethod
    def by_case(self, z: Array, t: Array) -> Array:
        """The loss of each case as a function of the logits, (cases,); its mean is ``value``."""

    @abstractmethod
    def delta(self, z: Array, y: Array, t: Array) -> Array:
        """δ = ∂L/∂z, shape (cases, outputs), given the outputs y as well."""

    @abstractmethod
    def jacobian(self, z: Array, y: Array, t: Array) -> Array:
        """J_L = ∂L/∂y, with which the explicit backward pass starts."""

    @abstractmethod
    def by_logs(self, z: Array, y: Array, t: Array) -> ByLogs | None:
        """∂L/∂ln p for those p below `least_probability` that ∂L/∂y divides by.

        None if there is no such p.
        """

    @abstractmethod
    def log_jacobian(self, z: Array, y: Array, t: Array) -> Jacobian:
        """∂ln p/∂z for all outputs."""


def _with_smoothed(formula: str, loss: SmoothedLoss, uninformed: str) -> str:
    """The formula of δ, in which t′ is explained where labels are smoothed."""
    if not loss.label_smoothing:
        return formula
    kept, added = f"{1 - loss.label_smoothing:.6g}", f"{loss.label_smoothing:g}"
    return f"{formula.replace('t)', 't′)')} with t′ = {kept} t + {added} · {uninformed}"


class SoftmaxCrossEntropy(FromLogits):
    """L = (1/N) Σ (ln Σ_j e^(z_j) − z_t), δ = (p − t) / N with p = softmax(z).

    Args:
        loss: says whether the targets t are smoothed.
    """

    small = "s_i"
    log_formula = "∂ln s_i/∂z_j = [i = j] − s_j"

    def __init__(self, loss: CrossEntropy | None = None) -> None:
        self.loss = CrossEntropy() if loss is None else loss
        self.formula = _with_smoothed("(s − t) / cases", self.loss, "1/classes")

    def of(self, loss: Loss) -> FromLogits:
        """See `FromLogits.of`."""
        assert isinstance(loss, CrossEntropy)
        return type(self)(loss)

    def value(self, z: Array, t: Array) -> Any:
        """(1/N) Σ (ln(1 + Σ_{j≠m} e^(z_j − z_m)) + z_m − z_t) with z_m the largest logit.

        The logarithm and z_m − z_t are at least 0, so nothing cancels: for logits 0 and −40 the
        loss is 4.25e-18 if the first class is the true one, and 40 if the second is.
        """
        return np.add.reduce(self.by_case(z, t)) / len(z)

    def by_case(self, z: Array, t: Array) -> Array:
        """The terms of the sum of ``value``."""
        t = self.loss.smoothed(t, z.shape[1], z.real.dtype)
        cases = np.arange(len(z))
        m = z.real.argmax(axis=1)
        below = z - z[cases, m][:, None]
        others = np.exp(below)
        others[cases, m] = 0
        log_sum = np.log1p(np.add.reduce(others, axis=1))
        if t.ndim == 1:
            return np.asarray(log_sum - below[cases, t])
        weighted = t * np.where(t == 0, z.dtype.type(0), below)
        return np.asarray(log_sum * t.sum(axis=1) - weighted.sum(axis=1))

    def delta(self, z: Array, y: Array, t: Array) -> Array:
        """p_j / N for a wrong class j, and −Σ_{j≠t} p_j / N for the true class t.

        The equal (p_t − 1) / N would lose digits where p_t is close to 1. For the same reason rows
        of targets give δ_j = (p_j Σ_{k≠j} t_k − t_j Σ_{k≠j} p_k) / N.
        """
        t = self.loss.smoothed(t, y.shape[1], y.real.dtype)
        if t.ndim == 1:
            cases = np.arange(len(y))
            delta = y / len(y)
            delta[cases, t] = 0
            delta[cases, t] = -np.add.reduce(delta, axis=1)
            return delta
        without_self = 1 - np.eye(y.shape[1], dtype=y.real.dtype)
        return (y * (t @ without_self) - t * (y @ without_self)) / len(y)

    def jacobian(self, z: Array, y: Array, t: Array) -> Array:
        """See `CrossEntropy.jacobian`."""
        return self.loss.jacobian(y, t)

    def by_logs(self, z: Array, y: Array, t: Array) -> ByLogs | None:
        """∂L/∂ln s_i = −t_i / N, for small p = s_i with t_i above 0."""
        small = y < least_probability(y.dtype)
        if not small.any():
            return None
        t = self.loss.smoothed(t, y.shape[1], y.dtype)
        if t.ndim == 1:
            t = one_hot(t, y.shape[1], y.dtype)
        which = (t > 0) & small
        return ByLogs(which, -t / len(y)) if which.any() else None

    def log_jacobian(self, z: Array, y: Array, t: Array) -> Jacobian:
        """∂ln s_i/∂z_j = [i = j] − s_j."""
        return LogSoftmaxJacobian(y)


class SigmoidCrossEntropy(FromLogits):
    """L = mean((1 − t) softplus(z) + t softplus(−z)), δ = (σ(z) − t) / (cases · outputs).

    Args:
        loss: says whether the targets t are smoothed.
    """

    small = "p = a or 1 − a"
    log_formula = "∂ln a/∂z = σ(−z) or ∂ln(1 − a)/∂z = −σ(z)"

    def __init__(self, loss: BinaryCrossEntropy | None = None) -> None:
        self.loss = BinaryCrossEntropy() if loss is None else loss
        self.formula = _with_smoothed("(y − t) / (cases · outputs)", self.loss, "½")

    def of(self, loss: Loss) -> FromLogits:
        """See `FromLogits.of`."""
        assert isinstance(loss, BinaryCrossEntropy)
        return type(self)(loss)

    def value(self, z: Array, t: Array) -> Any:
        """See the class; both terms are at least 0, so nothing cancels."""
        return self._terms(z, t).sum() / z.size

    def by_case(self, z: Array, t: Array) -> Array:
        """See `FromLogits.by_case`."""
        return np.asarray(self._terms(z, t).mean(axis=1))

    def _terms(self, z: Array, t: Array) -> Array:
        """(1 − t) softplus(z) + t softplus(−z)."""
        t = self.loss.smoothed(t, z.shape[1], z.real.dtype)
        return np.asarray((1 - t) * softplus(z) + t * softplus(-z))

    def delta(self, z: Array, y: Array, t: Array) -> Array:
        """((1 − t) σ(z) − t σ(−z)) / (cases · outputs)."""
        t = self.loss.smoothed(t, z.shape[1], z.real.dtype)
        return ((1 - t) * y - t * sigmoid(-z)) / z.size

    def jacobian(self, z: Array, y: Array, t: Array) -> Array:
        """((1 − t) / σ(−z) − t / σ(z)) / (cases · outputs); 1 − y for σ(−z) would lose digits."""
        t = self.loss.smoothed(t, z.shape[1], z.real.dtype)
        one = y.dtype.type(1)  # the denominator of a term whose numerator is 0
        wrong = (1 - t) / np.where(t == 1, one, sigmoid(-z))
        return (wrong - t / np.where(t == 0, one, y)) / z.size

    def by_logs(self, z: Array, y: Array, t: Array) -> ByLogs | None:
        """∂L/∂ln p for small p = σ(−|z|), which is y if z < 0 and else 1 − y, with target w > 0.

        w is t or 1 − t likewise. ∂L/∂ln p = (−w + (1 − w) p / (1 − p)) / (cases · outputs), and
        p / (1 − p) = e^(−|z|).
        """
        size = np.abs(z)
        small = sigmoid(-size) < least_probability(z.dtype)
        if not small.any():
            return None
        t = self.loss.smoothed(t, z.shape[1], z.dtype)
        w = np.where(z < 0, t, 1 - t)
        which = (w > 0) & small
        J = ((1 - w) * np.exp(-size) - w) / z.size
        return ByLogs(which, J) if which.any() else None

    def log_jacobian(self, z: Array, y: Array, t: Array) -> Jacobian:
        """∂ln σ(z)/∂z = σ(−z) where z < 0, and ∂ln(1 − σ(z))/∂z = −σ(z) elsewhere."""
        return Diagonal(np.copysign(sigmoid(np.abs(z)), -z))


LOSSES: Mapping[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "log_cosh": LogCosh,
    "hinge": Hinge,
}
"""The losses by name."""

FROM_LOGITS: Mapping[tuple[str, type[Loss]], FromLogits] = {
    ("softmax", CrossEntropy): SoftmaxCrossEntropy(),
    ("sigmoid", BinaryCrossEntropy): SigmoidCrossEntropy(),
}
"""The losses computed from the logits, by the last layer's function and the loss's class; those
with options are made of these by `FromLogits.of`."""


def loss_function(value: str | Mapping[str, Any] | Loss) -> Loss:
    """The loss that ``value`` describes: a name, or ``type`` with its options.

    Raises:
        ConfigError: there is no such name or option, or an option is out of its range.

    Example:
        >>> loss_function({"type": "huber", "delta": 2.0})
        Huber(delta=2.0)
    """
    return from_table("loss", LOSSES, value)


def mean_loss(loss: Loss | FromLogits, y: Array, t: Array, weights: Array | None = None) -> Any:
    """The mean of wᵢ Lᵢ over the cases, where Lᵢ is the loss of case i and N their number.

    Args:
        loss: a loss of the outputs or of the logits.
        y: outputs, or logits for a loss of these.
        t: prepared targets.
        weights: w, (cases,); None for 1 everywhere.

    Example:
        >>> y, t = np.array([[1.0], [3.0]]), np.zeros((2, 1))
        >>> float(mean_loss(MeanSquaredError(), y, t, np.array([1.5, 0.5])))
        3.0
    """
    if weights is None:
        return loss.value(y, t)
    return (weights * loss.by_case(y, t)).sum() / len(weights)


def times_weights(J: Array, weights: Array | None) -> Array:
    """A derivative of the mean loss, (cases, outputs), with each row times its case's weight."""
    return J if weights is None else J * weights[:, None]

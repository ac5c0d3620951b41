"""Losses computed from the logits z together with the function that makes the outputs of them.

Softmax with cross-entropy and sigmoid with binary cross-entropy lose no digits in this way, also
where an output is close to 0 or 1. The table `FROM_LOGITS` holds them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array, one_hot
from chainrule.nn.activations import sigmoid, softplus
from chainrule.nn.jacobians import Diagonal, Jacobian, LogSoftmaxJacobian
from chainrule.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss, SmoothedLoss


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


FROM_LOGITS: Mapping[tuple[str, type[Loss]], FromLogits] = {
    ("softmax", CrossEntropy): SoftmaxCrossEntropy(),
    ("sigmoid", BinaryCrossEntropy): SigmoidCrossEntropy(),
}
"""The losses computed from the logits, by the last layer's function and the loss's class; those
with options are made of these by `FromLogits.of`."""


def mean_loss(loss: Loss | FromLogits, y: Array, t: Array, weights: Array | None = None) -> Any:
    """The mean of wᵢ Lᵢ over the cases, where Lᵢ is the loss of case i and N their number.

    Args:
        loss: a loss of the outputs or of the logits.
        y: outputs, or logits for a loss of these.
        t: prepared targets.
        weights: w, (cases,); None for 1 everywhere.

    Example:
        >>> from chainrule.nn.losses import MeanSquaredError
        >>> y, t = np.array([[1.0], [3.0]]), np.zeros((2, 1))
        >>> float(mean_loss(MeanSquaredError(), y, t, np.array([1.5, 0.5])))
        3.0
    """
    if weights is None:
        return loss.value(y, t)
    return (weights * loss.by_case(y, t)).sum() / len(weights)

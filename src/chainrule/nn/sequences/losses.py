"""Losses of sequences: the loss of each step, summed over the steps, as a mean over the cases.

If a network's output has the shape (steps, outputs), a case has a target for every step, and

    L = (1/cases) Σ_case Σ_step l(y(step), t(step)),

where l is the named loss of a single case, so that mse divides by the number of outputs of a step
but not by the number of steps. A step may have no target, written as the class number −1 or as a
row of NaN; its l is 0. Where cases have weights, that of a case multiplies the sum over its steps.

Targets are class numbers (cases, steps) or rows (cases, steps, outputs). Outputs and logits are
flat, (cases, steps · outputs), as everywhere between layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import ShapeError
from chainrule.core.sequences import NO_CLASS, has_target, output_rows, partly_nan, target_rows
from chainrule.nn.jacobians import Jacobian
from chainrule.nn.losses import BinaryCrossEntropy, ByLogs, FromLogits, Loss
from chainrule.nn.sequences.each_step import BlockDiagonal


def over_steps(
    loss: Loss, from_logits: FromLogits | None, output_shape: tuple[int, ...]
) -> tuple[Loss, FromLogits | None]:
    """Both losses as given; if the network's output is a sequence, summed over the steps."""
    if len(output_shape) != 2:
        return loss, from_logits
    by_step = None if from_logits is None else SequenceFromLogits(from_logits)
    return SequenceLoss(loss, output_shape[0]), by_step


def loss_of_a_step(loss: Loss) -> Loss:
    """The loss of a step of a `SequenceLoss`; any other loss is returned as it is."""
    return loss.each if isinstance(loss, SequenceLoss) else loss


@dataclass(frozen=True)
class SequenceLoss(Loss):
    """A loss summed over the steps of each case.

    Attributes:
        each: the loss of a step.
        steps: the number of steps of a case.
    """

    each: Loss
    steps: int

    @property
    def for_classes(self) -> bool:  # type: ignore[override]
        """Whether the targets of a step are classes, see `Loss`."""
        return self.each.for_classes

    def value(self, y: Array, t: Array) -> Any:
        """See the module."""
        return _total(self.each.value, y, t)

    def by_case(self, y: Array, t: Array) -> Array:
        """The sum over the steps of each case, (cases,)."""
        return _sums(self.each.by_case, y, t)

    def smoothed(self, t: Array, outputs: int, dtype: Any) -> Array:
        """The targets that the formula sees, a row for each step that has one."""
        return self.each.smoothed(target_rows(t), outputs // self.steps, dtype)

    def jacobian(self, y: Array, t: Array) -> Array:
        """J_L = ∂L/∂y, (cases, steps · outputs); 0 where there is no target."""
        return _by_step(self.each.jacobian, t, y)

    def from_kinks(self, y: Array, t: Array) -> Array:
        """Each step's distances from kinks, (cases, steps · n); inf where there is no target."""
        distances = self.each.from_kinks(output_rows(y, t), target_rows(t))
        found = np.full((*t.shape[:2], distances.shape[1]), np.inf, distances.dtype)
        found[has_target(t)] = distances
        return found.reshape(len(y), -1)

    def prepare(self, t: Any, outputs: int, dtype: Any) -> Array:
        """The targets of every step as the loss takes them; −1 or NaN if a step has none.

        Args:
            t: class numbers (cases, steps), or rows (cases, steps, outputs) or
                (cases, steps · outputs); with one output, values (cases, steps) as well.
            outputs: the number of the network's outputs, which is that of all steps.
            dtype: the type of the rows.

        Raises:
            ShapeError: the targets do not fit; the message names case and step.
        """
        outputs //= self.steps
        t = self._in_steps(as_numbers(t, "targets", "biuf"), outputs)
        # −1 is not a probability either, so there too it means that there is no target.
        classes = self.for_classes or isinstance(self.each, BinaryCrossEntropy)
        missing = _missing(t, classes=classes or outputs > 1)
        rows = self._rows(t[~missing], np.argwhere(~missing), outputs, dtype)
        none = NO_CLASS if rows.ndim == 1 else np.nan
        found = np.full((*t.shape[:2], *rows.shape[1:]), none, rows.dtype)
        found[~missing] = rows
        return found

    def _in_steps(self, t: Array, outputs: int) -> Array:
        """The targets in the shape (cases, steps) or (cases, steps, outputs)."""
        if t.ndim == 2 and outputs > 1 and t.shape[1] == self.steps * outputs:
            return t.reshape(len(t), self.steps, outputs)
        if t.ndim == 3 and t.shape[2] == 1:
            t = t[:, :, 0]
        if t.ndim not in (2, 3) or t.shape[1] != self.steps or t.shape[2:] not in ((), (outputs,)):
            one_a_case = t.ndim == 1 or t.shape[1:] == (outputs,)
            last = "; with one target a case the last recurrent layer has outputs='last'"
            raise ShapeError(
                f"targets of a sequence are class numbers (cases, {self.steps}) or rows "
                f"(cases, {self.steps}, {outputs}), found {t.shape}{last if one_a_case else ''}"
            )
        return t

    def _rows(self, rows: Array, places: Array, outputs: int, dtype: Any) -> Array:
        """Targets as the loss of a step takes them; an error names the first wrong one."""
        try:
            return self.each.prepare(rows, outputs, dtype)
        except ShapeError:
            for row, (case, step) in zip(rows, places, strict=True):
                try:
                    self.each.prepare(row[None], outputs, dtype)
                except ShapeError as error:
                    problem = str(error).replace(" of case 0", "").replace(" in case 0", "")
                    raise ShapeError(f"step {step + 1} of case {case}: {problem}") from None
            raise


class SequenceFromLogits(FromLogits):
    """A loss from the logits, summed over the steps of each case.

    Its formulas are those of ``each``, in which every step is a case.

    Args:
        each: the loss of a step.
    """

    def __init__(self, each: FromLogits) -> None:
        self.each = each
        self.formula, self.small = each.formula, each.small
        self.log_formula = each.log_formula

    def of(self, loss: Loss) -> FromLogits:
        """See `FromLogits.of`."""
        return SequenceFromLogits(self.each.of(loss_of_a_step(loss)))

    def value(self, z: Array, t: Array) -> Any:
        """L as a function of the logits, (cases, steps · outputs)."""
        return _total(self.each.value, z, t)

    def by_case(self, z: Array, t: Array) -> Array:
        """The sum over the steps of each case, (cases,)."""
        return _sums(self.each.by_case, z, t)

    def delta(self, z: Array, y: Array, t: Array) -> Array:
        """δ = ∂L/∂z, (cases, steps · outputs); 0 where there is no target."""
        return _by_step(self.each.delta, t, z, y)

    def jacobian(self, z: Array, y: Array, t: Array) -> Array:
        """J_L = ∂L/∂y, (cases, steps · outputs); 0 where there is no target."""
        return _by_step(self.each.jacobian, t, z, y)

    def by_logs(self, z: Array, y: Array, t: Array) -> ByLogs | None:
        """See `FromLogits.by_logs`; ``which`` is False at steps without a target."""
        rows, share = output_rows(z, t), _share(z, t)
        found = self.each.by_logs(rows, output_rows(y, t), target_rows(t))
        if found is None:
            return None
        return ByLogs(_spread(z, t, found.which), _spread(z, t, found.J * share))

    def log_jacobian(self, z: Array, y: Array, t: Array) -> Jacobian:
        """∂ln p/∂z, a block for each step; that of a step without a target has no meaning."""
        present = has_target(t)
        z, y = (_spread(values, t, output_rows(values, t)) for values in (z, y))
        rows = (present.size, z.size // present.size)
        return BlockDiagonal(
            self.each.log_jacobian(z.reshape(rows), y.reshape(rows), t), present.shape[1]
        )


def _share(y: Array, t: Array) -> Any:
    """The factor that turns a mean over steps with a target into the mean of sums by case."""
    return y.real.dtype.type(np.count_nonzero(has_target(t)) / len(y))


def _total(loss: Callable[[Array, Array], Any], y: Array, t: Array) -> Any:
    """The loss of all steps with a target: the mean over cases of the sum over steps."""
    rows = output_rows(y, t)
    return loss(rows, target_rows(t)) * _share(y, t) if len(rows) else y.dtype.type(0)


def _sums(by_row: Callable[[Array, Array], Array], y: Array, t: Array) -> Array:
    """The sum of the loss over the steps of each case that have a target, (cases,)."""
    found = np.zeros(t.shape[:2], y.dtype)
    found[has_target(t)] = by_row(output_rows(y, t), target_rows(t))
    total: Array = found.sum(axis=1)
    return total


def _by_step(derivative: Callable[..., Array], t: Array, *arrays: Array) -> Array:
    """The derivative of `_total`, in the shape of ``arrays``; 0 where there is no target."""
    rows = [output_rows(values, t) for values in arrays]
    if not len(rows[0]):
        return np.zeros_like(arrays[-1])
    return _spread(arrays[0], t, derivative(*rows, target_rows(t)) * _share(arrays[0], t))


def _spread(y: Array, t: Array, rows: Array) -> Array:
    """An array of the shape of y with ``rows`` at the steps with a target, and 0 elsewhere."""
    found = np.zeros((*t.shape[:2], y.size // max(1, t.shape[0] * t.shape[1])), rows.dtype)
    found[has_target(t)] = rows
    return found.reshape(y.shape)


def _missing(t: Array, *, classes: bool) -> Array:
    """Whether a step has no target, (cases, steps).

    Args:
        t: targets as they were given, (cases, steps) or (cases, steps, n).
        classes: whether −1 also means no target, in targets (cases, steps).

    Raises:
        ShapeError: only some values of a target are NaN.
    """
    if t.ndim == 2:
        return np.asarray(np.isnan(t) | (classes & (t == NO_CLASS)))
    found = partly_nan(t)
    if found is not None:
        case, step = found
        raise ShapeError(
            f"step {step + 1} of case {case}: some values of the target are NaN; it has all of "
            "them, or NaN in each, which stands for no target"
        )
    return np.asarray(np.isnan(t).all(axis=2))

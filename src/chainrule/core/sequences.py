"""Sequences of different lengths in one array: a step whose numbers are all NaN is padding.

Cases with fewer steps than the longest are padded at their end. Every layer that works step by
step returns NaN for such a step and for no other, so that the next layer recognises it.
"""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError


def lengths_of(x: Array) -> Array | None:
    """The number of real steps (not padding) of each case, (cases,); None if all are real.

    Args:
        x: (cases, steps, features).

    Raises:
        ShapeError: a real step follows padding, or a case is nothing but padding.

    Example:
        >>> lengths_of(np.array([[[1.0], [2.0]], [[3.0], [np.nan]]]))
        array([2, 1])
        >>> lengths_of(np.zeros((2, 3, 1))) is None
        True
    """
    if not _may_hold_nan(x):
        return None
    padded: Array = np.asarray(np.isnan(x).all(axis=2))
    if not padded.any():
        return None
    lengths: Array = np.count_nonzero(~padded, axis=1)
    wrong = padded != (np.arange(x.shape[1]) >= lengths[:, None])
    if wrong.any():
        case = int(wrong.any(axis=1).argmax())
        step = int(padded[case].argmax()) + 1
        raise ShapeError(
            f"padding (NaN in every input of a step) stands at the end of a case; found it at "
            f"step {step} of case {case} with a real step behind it"
        )
    if not lengths.all():
        raise ShapeError(f"case {int(lengths.argmin())} has no step that is not padding (NaN)")
    return lengths


def padded_steps(lengths: Array, steps: int) -> Array:
    """Which steps are padding, as booleans (cases, steps)."""
    return np.arange(steps) >= lengths[:, None]


def without_padding(x: Array, lengths: Array | None) -> Array:
    """x with zeros at padded steps, so that it can be computed with; x itself if none is padded.

    Args:
        x: (cases, steps, features).
        lengths: as `lengths_of` gives them.
    """
    if lengths is None:
        return x
    return np.where(padded_steps(lengths, x.shape[1])[:, :, None], x.dtype.type(0), x)


def mark(y: Array, lengths: Array | None) -> Array:
    """Set padded steps to NaN, in place.

    A NaN of a real step, from an overflow, becomes inf: it must not be taken for padding.

    Args:
        y: (cases, steps, size), a layer's own array.
        lengths: as `lengths_of` gives them.

    Returns:
        ``y``.
    """
    if _may_hold_nan(y):
        y[np.isnan(y)] = np.inf
    if lengths is not None:
        y[padded_steps(lengths, y.shape[1])] = np.nan
    return y


def overflow_is_no_padding(y: Array, x: Array) -> None:
    """Replace NaN at the real steps of a sum, for example from inf − inf, by inf in place.

    Args:
        y: (cases, steps, size), a layer's own array.
        x: one of its terms, of the same shape, whose NaN are all padding.
    """
    if not _may_hold_nan(y):
        return
    lost: Array = np.asarray(np.isnan(y))
    lengths = lengths_of(x)
    if lengths is not None:
        lost &= ~padded_steps(lengths, y.shape[1])[:, :, None]
    y[lost] = np.inf


def partly_nan(t: Array) -> tuple[int, int] | None:
    """The first case and step, from 0, with both NaN and other numbers; None if there is none.

    Args:
        t: (cases, steps, numbers), floats.

    Example:
        >>> partly_nan(np.array([[[1.0, 2.0], [np.nan, 3.0]]]))
        (0, 1)
        >>> partly_nan(np.array([[[1.0, 2.0], [np.nan, np.nan]]])) is None
        True
    """
    lost = np.isnan(t)
    partly = lost.any(axis=2) & ~lost.all(axis=2)
    if not partly.any():
        return None
    case, step = np.argwhere(partly)[0]
    return int(case), int(step)


def _may_hold_nan(x: Array) -> bool:
    """Whether the sum of x is NaN: a quick test that finds every NaN, but also inf with −inf."""
    with np.errstate(all="ignore"):
        return bool(np.isnan(np.add.reduce(x, axis=None)))


NO_CLASS = -1
"""The class number of a step that has no target."""


def are_sequences(t: Array) -> bool:
    """Whether prepared targets are those of sequences with one target per step.

    Example:
        >>> are_sequences(np.zeros((2, 3), int)), are_sequences(np.zeros((2, 3)))
        (True, False)
    """
    return t.ndim == 3 or (t.ndim == 2 and t.dtype.kind in "iu")


def has_target(t: Array) -> Array:
    """Which steps have a target, as booleans (cases, steps), in prepared targets of sequences."""
    return t != NO_CLASS if t.ndim == 2 else ~np.isnan(t[:, :, 0])


def target_rows(t: Array) -> Array:
    """The targets, one per row; in sequences each step that has a target gives a row."""
    return t[has_target(t)] if are_sequences(t) else t


def output_rows(y: Array, t: Array) -> Array:
    """The outputs (or logits), one row for each row of `target_rows`.

    Args:
        y: (cases, outputs), or (cases, steps · outputs).
        t: prepared targets.

    Example:
        >>> y = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> output_rows(y, np.array([[0, -1], [0, 0]])).ravel()
        array([1., 3., 4.])
    """
    if not are_sequences(t):
        return y
    cases, steps = t.shape[:2]
    return y.reshape(cases, steps, y.shape[1] // steps)[has_target(t)]


def number_of_targets(t: Array) -> int:
    """How many targets there are: cases, or steps of sequences that have one."""
    return int(np.count_nonzero(has_target(t))) if are_sequences(t) else len(t)


def weights_of_targets(weights: Array, t: Array) -> Array:
    """The weights of the cases, one for each row of `target_rows`.

    Args:
        weights: (cases,).
        t: prepared targets.

    Example:
        >>> weights_of_targets(np.array([0.5, 1.5]), np.array([[0, -1], [0, 0]]))
        array([0.5, 1.5, 1.5])
    """
    if not are_sequences(t):
        return weights
    return np.broadcast_to(weights[:, None], t.shape[:2])[has_target(t)]


def require_inputs_at_targets(x: Array, t: Array, shape: tuple[int, ...]) -> None:
    """Refuse a target at a step whose inputs are padding.

    Args:
        x: inputs, (cases, inputs).
        t: prepared targets of the same cases.
        shape: the shape of one case of x.

    Raises:
        ShapeError: a padded step has a target.
    """
    if len(shape) != 2 or not are_sequences(t):
        return
    lengths = lengths_of(x.reshape(-1, *shape))
    wrong = None if lengths is None else has_target(t) & padded_steps(lengths, t.shape[1])
    if wrong is not None and wrong.any():
        case, step = np.argwhere(wrong)[0]
        raise ShapeError(
            f"step {step + 1} of case {case} has a target, but its inputs are padding (NaN); "
            "−1 as a class, or NaN as the values, stands for no target"
        )

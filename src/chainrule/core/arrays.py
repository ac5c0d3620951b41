"""Converts what a caller gives to an array of numbers, or refuses it with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.arguments import is_finite
from chainrule.core.errors import ShapeError, shown
from chainrule.core.limits import MAX_DIMENSIONS

Array = NDArray[Any]


def as_numbers(value: Any, what: str, kinds: str = "biufc") -> Array:
    """Convert a caller's value to an array of numbers.

    Args:
        value: an array, a list or a number.
        what: the argument, for messages, such as ``inputs``.
        kinds: NumPy's letters of the kinds of numbers that are accepted; all by default.

    Raises:
        ShapeError: the value holds anything but numbers, lists of different lengths, or masked
            values, because NumPy would compute with the numbers behind the mask.

    Example:
        >>> as_numbers([[1, 2], [3]], "inputs")
        Traceback (most recent call last):
        chainrule.core.errors.ShapeError: inputs are numbers in rows of one length; found 2 in row
        0, 1 in row 1
    """
    if _has_masked(value):
        raise ShapeError(
            f"{what} are numbers, found masked values; .filled(number) gives them a value"
        )
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise ShapeError(_no_array(value, what, error)) from None
    if array.dtype.kind == "c" and "c" not in kinds:
        raise ShapeError(f"{what} are real numbers, found {array.dtype}")
    if array.dtype.kind not in kinds:
        found = shown(value) if array.ndim == 0 else str(array.dtype)
        raise ShapeError(f"{what} are numbers, found {found}")
    return array


def _has_masked(value: Any) -> bool:
    """Whether an array, or lists of arrays, hold values that are masked."""
    if isinstance(value, list | tuple):
        return any(map(_has_masked, value))
    return isinstance(value, np.ma.MaskedArray) and bool(np.ma.is_masked(value))


def _no_array(value: Any, what: str, error: Exception) -> str:
    """The message for a value that is no array, usually for lists of different lengths."""
    expected = f"{what} are numbers in rows of one length"
    lengths = [np.size(row) if np.isscalar(row) else len(row) for row in _rows(value)]
    other = next((k for k, length in enumerate(lengths) if length != lengths[0]), None)
    if other is not None:
        return f"{expected}; found {lengths[0]} in row 0, {lengths[other]} in row {other}"
    if "inhomogeneous" in str(error):
        return f"{expected}; found lists of different lengths within each other"
    return f"{expected}; found {shown(value)} ({str(error).splitlines()[0]})"


def _rows(value: Any) -> list[Any]:
    """The items of a list if all are lists or single numbers; otherwise an empty list."""
    rows = list(value) if isinstance(value, Sequence) else []
    return rows if all(np.isscalar(row) or hasattr(row, "__len__") for row in rows) else []


def finite_array(value: Any, what: str) -> Array:
    """A new array in float64 of an array or of lists within lists, which hold finite numbers.

    Args:
        value: the numbers, at least one.
        what: what they are, for messages.

    Raises:
        ShapeError: it is no list or array, its rows have different lengths, or an item is no
            finite number; the place of the item is told.

    Example:
        >>> finite_array([[1, 2], [3, "x"]], "weights")
        Traceback (most recent call last):
        chainrule.core.errors.ShapeError: weights are finite numbers, found 'x' at [1][1]
    """
    for place, item in _no_numbers(value, what):
        raise ShapeError(f"{what} are finite numbers, found {item} at {place}")
    array = as_numbers(value, what, "iuf").astype(np.float64)
    if not (array.ndim and array.size):
        raise ShapeError(f"{what} are numbers in a list, found {shown(value)}")
    for at in np.argwhere(~np.isfinite(array)):
        found = f"{array[tuple(at)]:g} at {''.join(f'[{k}]' for k in at)}"
        raise ShapeError(f"{what} are finite numbers, found {found}")
    return array


def _no_numbers(
    value: Any, what: str, place: str = "", depth: int = 0
) -> Iterator[tuple[str, str]]:
    """The place and the text of each item of lists within lists that is no finite number.

    Raises:
        ShapeError: the lists are nested more deeply than any array has axes.
    """
    if depth >= MAX_DIMENSIONS:
        raise ShapeError(f"{what} have at most {MAX_DIMENSIONS} axes, found more")
    for k, item in enumerate(value if isinstance(value, list | tuple) else ()):
        at = f"{place}[{k}]"
        if isinstance(item, list | tuple):
            yield from _no_numbers(item, what, at, depth + 1)
        elif not (isinstance(item, np.ndarray) or is_finite(item)):
            yield at, shown(item)


def rows_of_cases(x: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Convert a caller's inputs of a network to an array (cases, inputs) of ``dtype``.

    Images (cases, channels, height, width) and sequences (cases, steps, features) become rows;
    complex numbers stay complex. The caller's array is never changed.

    Args:
        x: the inputs.
        shape: the shape of one case.
        dtype: the network's dtype.

    Raises:
        ShapeError: x is not numbers, or its cases have another shape.

    Example:
        >>> rows_of_cases([[[1, 2], [3, 4]]], (2, 2), np.dtype("float64"))
        array([[1., 2., 3., 4.]])
    """
    x = as_numbers(x, "inputs")
    if x.ndim == len(shape) + 1 > 2 and x.shape[1:] != shape:
        sizes = ", ".join(map(str, shape))
        is_channels_last = len(shape) == 3 and x.shape[1:] == (*shape[1:], shape[0])
        hint = "; np.moveaxis(x, -1, 1) puts the channels first" if is_channels_last else ""
        raise ShapeError(
            f"the network takes inputs of shape (cases, {sizes}), found {x.shape}{hint}"
        )
    if x.ndim > 2:
        x = x.reshape(len(x), prod(x.shape[1:]))
    if x.ndim != 2 or x.shape[1] != prod(shape):
        raise ShapeError(
            f"the network takes inputs of shape (cases, {prod(shape)}), found {x.shape}"
        )
    with np.errstate(over="ignore"):  # inf where float32 overflows
        return np.ascontiguousarray(x, dtype=None if x.dtype.kind == "c" else dtype)


def require_as_many(x: Array, t: Array) -> None:
    """Refuse inputs and targets of no cases or of different numbers of cases.

    Raises:
        ShapeError: there are no cases, or the numbers differ.
    """
    if len(x) != len(t):
        raise ShapeError(f"{len(x)} cases have {len(t)} targets")
    if not len(x):
        raise ShapeError("a loss needs at least one case")


def weights_of_cases(value: Any, cases: int, dtype: Any = np.float64) -> Array:
    """Convert a caller's weights of cases to an array (cases,) of ``dtype``.

    Args:
        value: a number of at least 0 for each case.
        cases: how many cases there are.
        dtype: the type of the result.

    Raises:
        ShapeError: the weights are not one real number for each case, or one of them is negative
            or not finite.

    Example:
        >>> weights_of_cases([1, 2.5], 2)
        array([1. , 2.5])
    """
    weights = as_numbers(value, "weights", "biuf")
    if weights.shape != (cases,):
        shape = weights.shape
        raise ShapeError(f"weights are one number for each of {cases} cases, found shape {shape}")
    wrong = ~((weights >= 0) & np.isfinite(weights))
    if wrong.any():
        case = int(wrong.argmax())
        raise ShapeError(
            f"weights are finite and at least 0, found {float(weights[case]):g} for case {case}"
        )
    return weights.astype(dtype)


def cases_that_count(
    x: Array, t: Array, weights: Array | None = None
) -> tuple[Array, Array, Array | None]:
    """The cases of a weight above 0, and their weights divided by the mean of these.

    Only the ratios of weights matter: with a mean of 1, the mean of wᵢ Lᵢ over the cases is
    Σ wᵢ Lᵢ / Σ wᵢ, and a learning rate means what it means without weights.

    Args:
        x: inputs, whose first axis counts the cases.
        t: targets.
        weights: as `weights_of_cases` gives them, or None.

    Returns:
        Inputs, targets, and weights, float64; None in place of weights that are all equal.

    Example:
        >>> x, t, weights = cases_that_count(np.eye(3), np.arange(3), np.array([1.0, 0.0, 3.0]))
        >>> t, weights
        (array([0, 2]), array([0.5, 1.5]))
    """
    if weights is None:
        return x, t, None
    there = weights > 0
    if not there.all():
        x, t, weights = x[there], t[there], weights[there]
    if (weights == weights[:1]).all():
        return x, t, None
    shares = weights.astype(np.float64) / weights.max()  # so that no sum overflows
    return x, t, shares / shares.mean()


def assign(view: Array, value: ArrayLike, name: str) -> None:
    """Write ``value``, one number or an array of the same shape, into ``view``.

    Raises:
        ShapeError: the shapes differ (nothing is broadcast), or ``value`` is not numbers.
    """
    array = as_numbers(value, f"the values of {name}", f"biuf{view.dtype.kind}")
    if array.ndim and array.shape != view.shape:
        raise ShapeError(f"{name} has shape {view.shape}, found {array.shape}")
    view[...] = array


# Targets are class numbers from 0 to classes − 1, one for each case, or a row of values for each
# case. These functions convert what a user gives to what a loss takes, or say what is wrong.


def class_numbers(t: Any, classes: int) -> Array:
    """``t`` as class numbers, an integer array of shape (cases,).

    Raises:
        ShapeError: there is not one whole number for each case, or one is not a class.

    Example:
        >>> class_numbers([2.0, 0.0], classes=3)
        array([2, 0])
    """
    t = as_numbers(t, "targets", "biuf")
    if t.ndim == 2 and t.shape[1] == 1:
        t = t[:, 0]
    if t.ndim != 1:
        raise ShapeError(
            f"targets are class numbers (cases,) or rows (cases, {classes}), found {t.shape}"
        )
    if t.dtype.kind == "f" and not np.all(t == np.rint(t)):
        raise ShapeError(f"class numbers are whole numbers from 0 to {classes - 1}")
    outside = (t < 0) | (t >= classes)
    if outside.any():
        case = int(outside.argmax())
        raise ShapeError(
            f"class {float(t[case]):.17g} of case {case} is outside the {classes} classes "
            f"0 to {classes - 1} that the network has outputs for"
        )
    return t.astype(np.intp)


def one_hot(numbers: Array, classes: int, dtype: Any) -> Array:
    """Rows of zeros with a 1 at the class, shape (cases, classes).

    Example:
        >>> one_hot(np.array([1, 0]), 2, "int64")
        array([[0, 1],
               [1, 0]])
    """
    result = np.zeros((len(numbers), classes), dtype)
    result[np.arange(len(numbers)), numbers] = 1
    return result


def rows(t: Any, outputs: int, dtype: Any) -> Array:
    """``t`` as rows of ``dtype``, shape (cases, outputs).

    With one output, values (cases,) become a column; with several, class numbers (cases,) or
    (cases, 1) become one-hot rows.

    Raises:
        ShapeError: ``t`` does not fit the outputs.

    Example:
        >>> rows([3.0, 4.0], 1, "float64").shape
        (2, 1)
    """
    t = as_numbers(t, "targets", "biuf")
    if outputs > 1 and (t.ndim == 1 or t.shape[1:] == (1,)):
        return one_hot(class_numbers(t, outputs), outputs, dtype)
    if t.ndim == 1:
        t = t[:, None]
    if t.ndim != 2 or t.shape[1] != outputs:
        raise ShapeError(f"targets of shape (cases, {outputs}) are expected, found {t.shape}")
    return t.astype(dtype)


def require_all(right: Array, t: Array, expected: str) -> None:
    """Check that each row of targets is as expected.

    Args:
        right: whether each row is, (cases,).
        t: the rows.
        expected: which loss they are for, and what it expects of them.

    Raises:
        ShapeError: one is not; shows the first.
    """
    if not right.all():
        case = int(right.argmin())
        raise ShapeError(f"rows of targets for {expected}; found {t[case]} in case {case}")

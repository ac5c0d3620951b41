"""Targets: what the outputs of a network should have been.

A classification has class numbers 0 to C − 1, one a case; a regression has a row of values a
case. `class_numbers`, `one_hot` and `rows` go from what a user has to what a loss takes, and
say what is wrong where that is not possible.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import ShapeError


def class_numbers(t: Any, classes: int) -> Array:
    """``t`` as class numbers, an integer array of shape (cases,).

    Raises:
        ShapeError: not one whole number a case, or a number outside 0 to classes − 1.

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

    Values (cases,) become a column where there is one output, class numbers (cases,) become
    one-hot rows where there are several.

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

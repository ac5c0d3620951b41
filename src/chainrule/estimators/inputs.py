"""From what is passed to arrays: what one case is for a network, and plain targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, prod
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse

from chainrule.core.arrays import Array, cases_that_count, weights_of_cases
from chainrule.core.errors import DataError, ShapeError
from chainrule.core.limits import MAX_DATA_BYTES, machine_memory
from chainrule.core.sequences import partly_nan
from chainrule.data.readers.cases import channels_of, place_channels
from chainrule.data.standardization import Standardization
from chainrule.data.tables.typed_cells import NOTHING
from chainrule.nn.building import shape_of_input
from chainrule.nn.layer_types import Layer

Sort = Literal["rows", "sequences", "images"]


def sort_of(layers: Sequence[Layer]) -> Sort:
    """What the layers read."""
    if any(layer.takes_sequences for layer in layers):
        return "sequences"
    return "images" if any(layer.takes_images for layer in layers) else "rows"


@dataclass(frozen=True)
class InputForm:
    """What the cases of an estimator are.

    Attributes:
        sort: what its layers read.
        shape: of one case, as the network takes it: (features,), (steps, features) or
            (channels, height, width).
        own: the shape of one case as it was passed, to be passed again.
    """

    sort: Sort
    shape: tuple[int, ...]
    own: tuple[int, ...]

    @classmethod
    def of(cls, x: Array, sort: Sort, stated: Any = None) -> InputForm:
        """The form of the training cases.

        Args:
            x: (cases, ...).
            sort: what the layers read.
            stated: the shape of one case if ``x`` holds it flattened; None for that of ``x``.

        Raises:
            ShapeError: the layers do not read such cases.
        """
        own = x.shape[1:]
        found = own if stated is None else shape_of_input(stated)
        if prod(found) != prod(own):
            raise ShapeError(
                f"input_shape {found} has {prod(found)} numbers a case, but x has {prod(own)}"
            )
        if sort == "rows":
            return cls(sort, (prod(found),), own)
        if sort == "sequences":
            if len(found) != 2:
                raise ShapeError(_no_sequences(x))
            return cls(sort, found, own)
        if len(found) not in (2, 3):
            raise ShapeError(_no_images(x))
        return cls(sort, _with_channels(found), own)

    def cases(self, x: Array) -> Array:
        """Cases as the network takes them, (cases, *shape).

        Raises:
            ShapeError: they have another shape than those of the training, or a number of a
                sequence's step is missing.
        """
        if x.shape[1:] != self.own:
            raise ShapeError(
                f"x has cases of shape {x.shape[1:]}, but those of fit had {self.own}"
            )
        if self.sort == "images" and len(self.own) == 3:
            x = place_channels(x, self.own, "first")
        found = x.reshape(len(x), *self.shape)
        partly = partly_nan(found) if self.sort == "sequences" else None
        if partly is not None:
            raise ShapeError(
                f"step {partly[1]} of case {partly[0]} of x has NaN beside numbers; NaN in every "
                "number of a step is padding, and a missing number is to be filled in"
            )
        return found

    def scaling(self, x: Array, weights: Array | None) -> Standardization:
        """The mean and deviation of each feature, at all steps or places together.

        Args:
            x: training cases, as `cases` gives them.
            weights: how much each of them counts, or None.
        """
        x, _, weights = cases_that_count(x, x, weights)
        rows = self._rows(x)
        if weights is not None:
            weights = np.repeat(weights, len(rows) // len(x))
        if self.sort == "sequences":  # padding is no number
            there = ~np.isnan(rows).any(axis=1)
            rows, weights = rows[there], None if weights is None else weights[there]
        return Standardization.fit(rows, weights=weights)

    def scaled(self, x: Array, scaling: Standardization | None) -> Array:
        """Cases as `cases` gives them, standardised."""
        if scaling is None:
            return x
        rows = scaling.apply(self._rows(x))
        if self.sort != "images":
            return rows.reshape(x.shape)
        return np.moveaxis(rows.reshape(len(x), *self.shape[1:], self.shape[0]), -1, 1)

    def _rows(self, x: Array) -> Array:
        """A row of features for each case, step or place."""
        if self.sort == "images":
            return np.moveaxis(x, 1, -1).reshape(-1, self.shape[0])
        return x.reshape(-1, self.shape[-1])


def _with_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an image with its channels first."""
    if len(shape) == 2:
        return (1, *shape)
    return (shape[2], *shape[:2]) if channels_of(shape) == "last" else shape


def _no_sequences(x: Array) -> str:
    message = f"the layers read sequences (cases, steps, features), but x has the shape {x.shape}"
    if x.ndim == 2:
        message += "; x[:, :, None] has one feature a step, or pass input_shape=(steps, features)"
    return message


def _no_images(x: Array) -> str:
    message = (
        "the layers read images (cases, height, width) or with channels, but x has the shape "
        f"{x.shape}"
    )
    return message + "; pass input_shape=(channels, height, width)" * (x.ndim == 2)


def dense(x: Any) -> Any:
    """Inputs with every number written out, where SciPy's sparse form names those that are not 0.

    Raises:
        DataError: they would be too large.
    """
    kinds = getattr(x, "dtypes", None)
    if kinds is not None and hasattr(kinds, "items"):  # pandas has sparse columns of its own
        kinds = {name: kind for name, kind in kinds.items() if "Sparse" in type(kind).__name__}
        return x.astype({name: kind.subtype for name, kind in kinds.items()}) if kinds else x
    if not issparse(x):
        return x
    size = prod(x.shape) * 8
    if size > min(MAX_DATA_BYTES, machine_memory()):
        raise DataError(
            f"X is sparse, of shape {x.shape}, and would take {size / 2**30:,.1f} GiB with its "
            "zeros, which a network needs; sklearn.decomposition.TruncatedSVD or "
            "sklearn.feature_selection.SelectKBest before it leave fewer columns"
        )
    return x.toarray()


def plain_targets(y: Any) -> Any:
    """Targets in the type that NumPy has for them, where scikit-learn would change it or fail.

    pandas has whole numbers and truth values among which some may be missing, and arrays of
    objects may hold anything.

    Raises:
        DataError: a target is missing, or they are of different types.
    """
    if isinstance(y, list):
        y = _array_of(y)
    if not hasattr(y, "dtype") or issparse(y):
        return y
    y = np.asarray(y)
    if y.dtype != object or y.ndim != 1:
        return y
    objects = [*y]
    missing = [k for k, one in enumerate(objects) if _is_missing(one)]
    if missing:
        several = f"{len(missing)} cases, the first of them" if len(missing) > 1 else "case"
        raise DataError(
            f"y is missing in {several} {missing[0]} (counted from 0); leave such cases out: "
            "there = pandas.notna(y); fit(X[there], y[there])"
        )
    texts = sum(isinstance(one, str) for one in objects)
    if texts and texts < len(objects):
        kinds = sorted({type(one).__name__ for one in objects})
        raise DataError(
            f"y holds values of several types ({', '.join(kinds)}); y.astype(str) makes "
            "texts of all"
        )
    return y


def _array_of(y: list[Any]) -> Any:
    try:
        return np.asarray(y, dtype=object if _is_mixed(y) else None)
    except ValueError:
        raise DataError(
            "y has another number of labels or values in some cases than in others; "
            "sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y) makes a row of 0 and 1 "
            "of the labels of each case"
        ) from None


def _is_mixed(y: list[Any]) -> bool:
    """Whether NumPy would make texts of values that are none."""
    return len({isinstance(one, str) for one in y}) > 1 or any(map(_is_missing, y))


def _is_missing(one: Any) -> bool:
    """Whether an object stands for a value that is missing, as None, NaN and pandas's NA do."""
    return type(one).__name__ in NOTHING or (isinstance(one, float) and isnan(one))


def checked_weights(value: Any, cases: int) -> Array | None:
    """The weights of the cases, (cases,).

    Raises:
        ShapeError: there is not one for each case, or one is negative or not finite.
        DataError: all are 0.
    """
    if value is None:
        return None
    weights = weights_of_cases(value, cases)
    if not weights.any():
        raise DataError("all sample weights are zero, so there is nothing to train on")
    return weights


def with_columns(error: ValueError, x: Any) -> ValueError:
    """The error of a check, with what may be done about columns of texts."""
    columns: Sequence[str] = []
    if hasattr(x, "dtypes") and hasattr(x, "columns"):
        columns = [str(n) for n, kind in zip(x.columns, x.dtypes, strict=True) if _is_text(kind)]
    if "could not convert string" not in str(error) or isinstance(error, ShapeError):
        return error
    which = f" (columns {', '.join(columns[:10])})" if columns else ""
    return DataError(
        f"X holds texts{which}: {error}; encode them, as by sklearn.preprocessing.OneHotEncoder "
        "in a pipeline, or pass the DataFrame to chainrule.train(config, data=...), which "
        "encodes columns itself"
    )


def _is_text(kind: Any) -> bool:
    return str(kind).lower() in ("object", "str", "string", "category")

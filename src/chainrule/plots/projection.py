"""Many features in a plane: the two directions in which the cases differ most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def principal_components(
    x: NDArray[np.float64], count: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first principal components of the rows of ``x``, by singular value decomposition.

    With the column means taken off, x = U S Vᵀ; the components are the columns of x V. Each
    direction's largest entry is made positive, which settles its sign.

    Args:
        x: (cases, features), finite, with at least ``count`` features.
        count: how many components.

    Returns:
        The components, (cases, count), and the share of the variance each has, (count,).

    Example:
        >>> points, shares = principal_components(np.array([[0.0, 0, 1], [3, 4, 1], [6, 8, 1]]))
        >>> points[:, 0].round(6), shares.round(6)
        (array([-5.,  0.,  5.]), array([1., 0.]))
    """
    centred = x - x.mean(axis=0)
    # Vᵀ is that of xᵀx too, which is the smaller matrix where there are many cases.
    largest = np.abs(centred).max(initial=0) or 1.0
    unit = centred / largest
    square = unit.T @ unit if len(unit) > unit.shape[1] else unit
    directions = np.linalg.svd(square, full_matrices=False)[2][:count]
    if len(directions) < count:
        directions = np.pad(directions, ((0, count - len(directions)), (0, 0)))
    peaks = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], axis=1)
    directions = directions * np.where(peaks < 0, -1.0, 1.0)
    components = unit @ directions.T
    total = (unit**2).sum() or 1.0
    return components * largest, (components**2).sum(axis=0) / total

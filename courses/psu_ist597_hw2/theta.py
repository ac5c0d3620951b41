"""The homework's functions on θ, for every depth: softmax on top, relu in the hidden layers.

θ is a tuple of arrays, (W, b), (W, b, W2, b2) or with more pairs: a W has shape (inputs, units), a
b (1, units) or (units,). The cost is

    mean cross-entropy + reg · Σ ½w²        over all weights w, not the biases,

with the derivative reg · w. The homework states the penalty once as reg · Σw² and once with the
derivative reg · w; only half the sum has that derivative, and passes the homework's own check.

All mathematics is the library's. These functions only lay the given arrays out as one vector;
what they are given is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import Dense, Network, Softmax
from chainrule.errors import ShapeError
from chainrule.gradients import central_difference

Array = npt.NDArray[Any]
Theta = Sequence[npt.ArrayLike]

STEP = 1e-5
"""The h of the homework's central differences."""


def computeCost(X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta, reg: float) -> float:
    """The mean cross-entropy of the cases plus reg · Σ ½w².

    Args:
        X: cases, (N, D).
        y: class numbers from 0, (N,) or (N, 1).
        theta: (W, b), (W, b, W2, b2), ...
        reg: the weight of the penalty.

    Raises:
        ShapeError: the arrays do not fit each other.

    Example:
        >>> zero = (np.zeros((2, 4)), np.zeros((1, 4)))
        >>> round(computeCost([[0.0, 1.0]], [3], zero, reg=0.1), 6)  # ln 4
        1.386294
    """
    return float(network_at(theta, reg).loss(X, _labels(y)))


def computeGrad(X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta, reg: float) -> tuple[Array, ...]:
    """∂cost/∂θ by the backward pass: an array for each of θ's, in its shape.

    Args and errors are those of `computeCost`.

    Example:
        >>> zero = (np.zeros((2, 4)), np.zeros((1, 4)))
        >>> [g.tolist() for g in computeGrad([[0.0, 1.0]], [3], zero, reg=0.1)]
        [[[0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, -0.75]], [[0.25, 0.25, 0.25, -0.75]]]
    """
    network, labels = network_at(theta, reg), _labels(y)
    network.loss(X, labels)
    return _parted(network.backward_pass(labels).vector, theta)


def computeNumGrad(
    X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta, reg: float
) -> tuple[Array, ...]:
    """∂cost/∂θ by central differences of step 1e-5, from the cost alone.

    So small a step leaves few digits of a difference of two costs: on XOR, whose gradients are
    small, too few to tell a right gradient from one wrong by 1e-8. So the cost is computed in
    NumPy's extended precision, which has three digits more on most machines.

    Args and errors are those of `computeCost`.
    """
    network, labels = network_at(theta, reg), _labels(y)
    numeric = central_difference(
        lambda vector: network.loss(X, labels, theta=vector.astype(np.longdouble)),
        network.theta,
        step=STEP,
    )
    return _parted(numeric, theta)


def predict(X: npt.ArrayLike, theta: Theta) -> tuple[Array, Array]:
    """Scores (the logits) and probabilities of the classes, each (N, classes).

    Raises:
        ShapeError: the arrays do not fit each other.
    """
    network = network_at(theta)
    return network.evaluate(network.prepare_inputs(X))


def create_mini_batch(
    X: npt.ArrayLike, y: npt.ArrayLike, start: int, end: int
) -> tuple[Array, Array]:
    """Rows ``start`` to ``end``, the latter left out; fewer where the data end before.

    Returns:
        X (end − start, D) and y in the form it had, both copies.

    Example:
        >>> X, y = create_mini_batch([[0.0], [1.0], [2.0], [3.0]], [0, 1, 2, 3], 1, 3)
        >>> X.tolist(), y.tolist()
        ([[1.0], [2.0]], [1, 2])
    """
    return np.array(np.asarray(X)[start:end]), np.array(np.asarray(y)[start:end])


def network_at(theta: Theta, reg: float = 0.0) -> Network:
    """The library's network of θ's shapes, with copies of its numbers.

    Raises:
        ShapeError: θ is no chain of pairs W, b.
    """
    arrays = _checked(theta)
    units = [W.shape[1] for W in arrays[::2]]
    hidden = [Dense(size, "relu", weights="zeros") for size in units[:-1]]
    network = Network(
        [*hidden, Dense(units[-1], "linear", weights="zeros"), Softmax()],
        input=arrays[0].shape[0],
        loss="cross_entropy",
        # The library's L2 adds rate · Σ½w², which is the homework's with reg = rate.
        penalty={"type": "L2", "rate": float(reg)} if reg else None,
    )
    network.theta = np.concatenate([array.ravel() for array in arrays])
    return network


def theta_of(network: Network) -> tuple[Array, ...]:
    """What a network has learnt as the homework's θ: copies, the biases as rows (1, units)."""
    return tuple(np.atleast_2d(array).copy() for array in network.parameters.values())


def names_of(theta: Theta) -> list[str]:
    """What the homework calls the arrays of θ.

    Example:
        >>> names_of([0] * 6)
        ['W', 'b', 'W2', 'b2', 'W3', 'b3']
    """
    return [f"{letter}{k or ''}" for k in [0, *range(2, len(theta) // 2 + 1)] for letter in "Wb"]


def _checked(theta: Theta) -> list[Array]:
    """θ as float64 arrays that fit each other."""
    arrays = [np.asarray(array) for array in theta]
    if not arrays or len(arrays) % 2:
        raise ShapeError(f"theta is pairs of W and b, found {len(arrays)} arrays")
    for name, array in zip(names_of(theta), arrays, strict=True):
        if array.dtype.kind not in "biuf":
            raise ShapeError(f"{name} holds real numbers, found {array.dtype}")
    for W, b, name in zip(arrays[::2], arrays[1::2], names_of(theta)[1::2], strict=True):
        if W.ndim != 2 or b.shape not in ((1, W.shape[-1]), W.shape[-1:]):
            raise ShapeError(
                f"a W has shape (inputs, units) and its b (1, units); found {W.shape} and "
                f"{name} of {b.shape}"
            )
    for first, second in pairwise(arrays[::2]):
        if first.shape[1] != second.shape[0]:
            raise ShapeError(
                f"a layer of {first.shape[1]} units is followed by weights of shape "
                f"({first.shape[1]}, units), found {second.shape}"
            )
    return [array.astype(float) for array in arrays]


def _labels(y: npt.ArrayLike) -> Array:
    """Class numbers as (N,), also where they came as a column."""
    labels = np.asarray(y)
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _parted(vector: Array, theta: Theta) -> tuple[Array, ...]:
    """A vector like θ as an array for each of θ's, in its shape."""
    shapes = [np.shape(array) for array in theta]
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
    parts = np.split(vector, ends[:-1])
    return tuple(part.reshape(shape).copy() for part, shape in zip(parts, shapes, strict=True))

"""The homework's functions on θ, for every depth: softmax on top, relu in the hidden layers.

θ is a tuple of arrays, (W, b), (W, b, W2, b2) or with more pairs: a W has shape (inputs, units), a
b (1, units) or (units,). The cost is

    mean cross-entropy + reg · Σ ½w²        over all weights w, not the biases,

with the derivative reg · w. The homework states the penalty once as reg · Σw² and once with the
derivative reg · w; only half the sum has that derivative, and passes the homework's own check.

All mathematics is the library's: its dense layer, relu, softmax, loss, penalty and Jacobians are
functions of the arrays that are given here. No network is built, because a call on a few cases
takes less time than that. Nothing is kept between calls either, so a θ may be changed in place,
and several threads may call at once; what the functions are given is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule import Dense
from chainrule.core.arrays import as_numbers, require_as_many, rows_of_cases
from chainrule.core.errors import ShapeError
from chainrule.gradients import central_difference
from chainrule.nn.activations import ReLU
from chainrule.nn.jacobians import BiasJacobian, Diagonal, InputJacobian, WeightJacobian
from chainrule.nn.layers.softmax import softmax
from chainrule.nn.losses import CrossEntropy, SoftmaxCrossEntropy
from chainrule.nn.penalties import L2, PenaltySetting

Array = npt.NDArray[Any]
Theta = Sequence[npt.ArrayLike]

STEP = 1e-5
"""The h of the homework's central differences."""

# Functions of what they are given; the size of a layer that no network has is not used.
_HIDDEN, _OUTPUT = Dense(1, "relu"), Dense(1, "linear")
_RELU, _TARGETS, _LOSS, _PENALTY = ReLU(), CrossEntropy(), SoftmaxCrossEntropy(), L2()
_FLOAT = np.dtype(float)


class _Pass(NamedTuple):
    """What went through one layer: its inputs x and z = x W + b, a row a case."""

    x: Array
    z: Array


def predict(X: npt.ArrayLike, theta: Theta) -> tuple[Array, Array]:
    """Scores (the logits) and probabilities of the classes, each (N, classes).

    Args:
        X: cases, (N, D).
        theta: (W, b), (W, b, W2, b2), ...

    Raises:
        ShapeError: the arrays do not fit each other.

    Example:
        >>> scores, probs = predict([[0.0, 1.0]], (np.eye(2), np.zeros((1, 2))))
        >>> scores.tolist(), probs.round(3).tolist()
        ([[0.0, 1.0]], [[0.269, 0.731]])
    """
    arrays = _checked(theta)
    scores = _forward(_cases(X, arrays), arrays)[-1].z
    return scores, softmax(scores)


def computeCost(X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta, reg: float) -> float:
    """The mean cross-entropy of the cases plus reg · Σ ½w².

    Args:
        X: cases, (N, D).
        y: class numbers from 0, (N,) or (N, 1), or one-hot rows (N, classes).
        theta: (W, b), (W, b, W2, b2), ...
        reg: the weight of the penalty, at least 0.

    Raises:
        ShapeError: the arrays do not fit each other.
        ConfigError: reg is no weight of a penalty.

    Example:
        >>> zero = (np.zeros((2, 4)), np.zeros((1, 4)))
        >>> round(computeCost([[0.0, 1.0]], [3], zero, reg=0.1), 6)  # ln 4
        1.386294
    """
    arrays = _checked(theta)
    return float(_cost(*_cases_and_labels(X, y, arrays), arrays, _rate(reg)))


def computeGrad(X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta, reg: float) -> tuple[Array, ...]:
    """∂cost/∂θ by the backward pass: an array for each of θ's, in its shape.

    From δ = ∂cost/∂z of the output layer, each layer has ∂cost/∂W = xᵀ δ + reg · W and
    ∂cost/∂b = Σ δ over the cases, and the layer before it δ ← (δ Wᵀ) ⊙ relu'(z).

    Args and errors are those of `computeCost`.

    Example:
        >>> zero = (np.zeros((2, 4)), np.zeros((1, 4)))
        >>> [g.tolist() for g in computeGrad([[0.0, 1.0]], [3], zero, reg=0.1)]
        [[[0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, -0.75]], [[0.25, 0.25, 0.25, -0.75]]]
    """
    arrays, rate = _checked(theta), _rate(reg)
    x, labels = _cases_and_labels(X, y, arrays)
    passes = _forward(x, arrays)
    z, ones, gradients = passes[-1].z, np.ones(len(x)), list(arrays)
    delta = _LOSS.delta(z, softmax(z), labels)
    for k in reversed(range(len(passes))):
        W, b = arrays[2 * k : 2 * k + 2]
        W_grad = WeightJacobian(passes[k].x, W.shape[1]).vjp(delta)
        if rate:
            W_grad += rate * _PENALTY.derivative(W)
        b_grad = BiasJacobian(ones, W.shape[1]).vjp(delta)
        gradients[2 * k : 2 * k + 2] = W_grad, b_grad.reshape(b.shape)
        if k:
            J = InputJacobian(W, len(x)).vjp(delta)
            z = passes[k - 1].z
            delta = Diagonal(_RELU.derivative(z, out=z)).vjp(J, out=J)  # z is not read again
    return tuple(gradients)


def computeNumGrad(
    X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta, reg: float
) -> tuple[Array, ...]:
    """∂cost/∂θ by central differences of step 1e-5, from the cost alone.

    So small a step leaves few digits of a difference of two costs: on XOR, whose gradients are
    small, too few to tell a right gradient from one wrong by 1e-8. So the cost is computed in
    NumPy's extended precision, which has three digits more on most machines.

    Args and errors are those of `computeCost`.
    """
    arrays, rate = _checked(theta), _rate(reg)
    x, labels = _cases_and_labels(X, y, arrays)
    numeric = central_difference(
        lambda vector: _cost(x, labels, _parted(vector.astype(np.longdouble), arrays), rate),
        np.concatenate([array.ravel() for array in arrays]),
        step=STEP,
    )
    return tuple(_parted(numeric, arrays))


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
    X, y = as_numbers(X, "X", "biuf"), np.asanyarray(y)
    return X[start:end].copy(), y[start:end].copy()


def shuffle(
    X: npt.ArrayLike, y: npt.ArrayLike, rng: np.random.Generator | None = None
) -> tuple[Array, Array]:
    """The cases and their labels in one new order, every order as likely as any other.

    The homework's starting code returns them in the order they had, because
    ``np.random.shuffle`` changes its argument and returns nothing.

    Args:
        X: cases, (N, D).
        y: a label for each, (N,) or (N, ...).
        rng: draws the order; by default NumPy's global generator, which the starting code seeds.

    Returns:
        X and y in the forms they had, both copies.

    Raises:
        ShapeError: there are not as many labels as cases.

    Example:
        >>> X, y = shuffle([[0.0], [10.0], [20.0]], [0, 1, 2], np.random.default_rng(1))
        >>> bool((X[:, 0] == 10 * y).all()), sorted(y.tolist())
        (True, [0, 1, 2])
    """
    X, y = as_numbers(X, "X", "biuf"), np.asanyarray(y)
    if not X.ndim or not y.ndim or len(X) != len(y):
        raise ShapeError(f"there is a label for each case; found shapes {X.shape} and {y.shape}")
    order = (np.random if rng is None else rng).permutation(len(X))
    return X[order], y[order]


def names_of(theta: Theta) -> list[str]:
    """What the homework calls the arrays of θ.

    Example:
        >>> names_of([0] * 6)
        ['W', 'b', 'W2', 'b2', 'W3', 'b3']
    """
    return list(_names(len(theta)))


# θ, cases and labels as the mathematics takes them


@lru_cache(maxsize=64)
def _names(count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{k or ''}" for k in [0, *range(2, count // 2 + 1)] for letter in "Wb")


def _checked(theta: Theta) -> list[Array]:
    """θ as float64 arrays that fit each other; not copied where they are such already."""
    if not len(theta) or len(theta) % 2:
        raise ShapeError(f"theta is pairs of W and b, found {len(theta)} arrays")
    arrays = [
        as_numbers(array, f"the values of {name}", "biuf")
        for name, array in zip(_names(len(theta)), theta, strict=True)
    ]
    _require_chain(tuple([array.shape for array in arrays]))
    return [array.astype(_FLOAT, copy=False) for array in arrays]


@lru_cache(maxsize=256)
def _require_chain(shapes: tuple[tuple[int, ...], ...]) -> None:
    """Refuse arrays that do not fit each other; the same shapes are looked at once only."""
    for W, b, name in zip(shapes[::2], shapes[1::2], _names(len(shapes))[1::2], strict=True):
        if len(W) != 2 or not all(W) or b not in ((1, W[1]), W[1:]):
            raise ShapeError(
                f"a W has shape (inputs, units) and its b (1, units); found {W} and {name} of {b}"
            )
    for first, second in pairwise(shapes[::2]):
        if first[1] != second[0]:
            raise ShapeError(
                f"a layer of {first[1]} units is followed by weights of shape "
                f"({first[1]}, units), found {second}"
            )


def _cases(X: npt.ArrayLike, arrays: Sequence[Array]) -> Array:
    """The cases as float64 rows, (N, D)."""
    return rows_of_cases(as_numbers(X, "inputs", "biuf"), arrays[0].shape[:1], _FLOAT)


def _cases_and_labels(
    X: npt.ArrayLike, y: npt.ArrayLike, arrays: Sequence[Array]
) -> tuple[Array, Array]:
    """The cases, and their labels as class numbers (N,) or rows (N, classes)."""
    x, labels = _cases(X, arrays), _TARGETS.prepare(y, arrays[-1].shape[-1], _FLOAT)
    require_as_many(x, labels)
    return x, labels


def _rate(reg: float) -> float:
    """The rate of the library's penalty, which adds rate · Σ½w², once it is checked."""
    return PenaltySetting({"L2": reg}).rates["L2"]


def _forward(x: Array, arrays: Sequence[Array]) -> list[_Pass]:
    """What goes through each layer; between two layers lies relu."""
    passes: list[_Pass] = []
    layers = [_HIDDEN] * (len(arrays) // 2 - 1) + [_OUTPUT]
    for layer, W, b in zip(layers, arrays[::2], arrays[1::2], strict=True):
        z, a = layer.evaluate(x, {"W": W, "b": b})
        passes.append(_Pass(x, z))
        x = a
    return passes


def _cost(x: Array, labels: Array, arrays: Sequence[Array], rate: float) -> Any:
    """The cost in the precision of the arrays."""
    loss = _LOSS.value(_forward(x, arrays)[-1].z, labels)
    if not rate:
        return loss
    return loss + rate * sum(_PENALTY.total(W.ravel()) for W in arrays[::2])


def _parted(vector: Array, arrays: Sequence[Array]) -> list[Array]:
    """A vector like θ as an array for each of θ's, in its shape."""
    ends = np.cumsum([array.size for array in arrays])[:-1]
    parts = np.split(vector, ends)
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]

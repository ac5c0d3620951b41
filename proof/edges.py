"""The ends of floating point, and inputs of every array type: warnings, and changed arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from chainrule import Dense, Network, Softmax
from chainrule.core.arrays import Array
from chainrule.data.standardization import Standardization
from chainrule.nn.activations import ACTIVATIONS, activation
from chainrule.nn.layers.softmax import softmax
from chainrule.nn.losses import LOSSES, SoftmaxCrossEntropy, loss_function
from proof.compiled import passing_on
from proof.networks import Kind, Shape, kinds, network_of, targets

HUGE = np.array([1e300, -1e300, 800.0, -800.0, 0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0])

SHAPE = Shape(cases=4, inputs=3, hidden=(5,), outputs=2)

Pass = Callable[[], object]


def only_one_finite(classes: int) -> Array:
    """Rows that are −∞ except for their diagonal entry."""
    z = np.full((classes, classes), -np.inf)
    np.fill_diagonal(z, np.arange(1.0, classes + 1))
    return z


def warnings_of() -> tuple[list[str], int]:
    """The passes that warn or give a result that is not finite, and the number of all passes."""
    found, tried = [], 0
    for name, run in passes():
        tried += 1
        try:
            with np.errstate(all="raise", under="ignore"):
                result = run()
        except FloatingPointError as error:
            found.append(f"{name}: {error}")
            continue
        if not np.all(np.isfinite(np.asarray(result, dtype=float))):
            found.append(f"{name}: {result}")
    return found, tried


def passes() -> Iterator[tuple[str, Pass]]:
    """Functions that must run without a warning, by name."""
    for name in ACTIVATIONS:
        phi = activation(name)
        for dtype in ("float64", "float32"):
            limit = np.finfo(dtype).max / 2
            z = np.clip(HUGE, -limit, limit).astype(dtype)
            yield f"{name} of huge z, {dtype}", partial(phi.value, z)
            yield f"{name}' of huge z, {dtype}", partial(phi.derivative, z)
    pair = SoftmaxCrossEntropy()
    for classes in (1, 2, 5):
        z, t = only_one_finite(classes), np.arange(classes)
        yield f"softmax of -inf, {classes}", partial(softmax, z)
        yield f"cross-entropy of -inf, {classes}", partial(pair.value, z, t)
        yield f"δ of -inf, {classes}", partial(pair.delta, z, np.eye(classes), t)
    for loss in ("cross_entropy", "binary_cross_entropy"):
        for row in ([1e300, -1e300, 0.0], [-1e300] * 3, [1e300] * 3, [800.0, -800.0, 0.0]):
            yield f"{loss} of logits {row}", partial(huge, row, loss)
    for kind in kinds():
        yield f"a batch of 1, {kind}", partial(batch_of_1, kind)
    yield "constant columns", constant_columns
    for name in LOSSES:
        yield f"{name} where outputs are the targets", partial(exact_outputs, name)


def huge(row: list[float], loss: str) -> Array:
    """Losses and gradients of a network whose logits are the row, with every target."""
    network, results = passing_on(len(row), loss), []
    for true in range(len(row)):
        t = [true] if loss == "cross_entropy" else np.eye(len(row))[[true]]
        results.append(network.loss([row], t))
        results.extend(network.backward_pass(t).vector)
    return np.array(results)


def batch_of_1(kind: Kind) -> Array:
    """Loss and gradient of one case, twice."""
    shape = Shape(1, SHAPE.inputs, SHAPE.hidden, SHAPE.outputs)
    network = network_of(kind, shape, 3)
    rng = np.random.default_rng(4)
    x, t = rng.normal(size=(1, shape.inputs)), targets(network, 1, rng)
    results = [network.loss(x, t), *network.backward_pass(t).vector]
    return np.array([network.loss(x, t), *results, *network.backward_pass(t).vector])


def constant_columns() -> Array:
    """Standardised data with a column of one value, and a network on them."""
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.normal(size=6), np.full(6, 3.7), np.zeros(6), np.full(6, 1e300)])
    scaled = Standardization.fit(x).apply(x)
    network = Network([Dense(3, "relu"), Dense(2), Softmax()], input=4, seed=1)
    results = [network.loss(scaled, [0, 1] * 3), *network.backward_pass([0, 1] * 3).vector]
    return np.array([*scaled.ravel(), *results])


def exact_outputs(name: str) -> Array:
    """A loss at its kink, or at its smallest."""
    loss = loss_function(name)
    y = np.array([[0.5, 0.5], [0.25, 0.75]])
    t = loss.prepare([0, 1] if loss.for_classes else y, 2, y.dtype)
    return np.array([loss.value(y, t), *loss.jacobian(y, t).ravel()])


FORMS: Mapping[str, Callable[[Array], Array]] = {
    "whole numbers": lambda x: np.rint(3 * x).astype(np.int64),
    "bytes": lambda x: np.abs(np.rint(3 * x)).astype(np.uint8),
    "truth values": lambda x: x > 0,
    "float32": lambda x: x.astype(np.float32),
    "read-only": lambda x: _locked(x.copy()),
    "Fortran-ordered": np.asfortranarray,
    "every other row of another": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "big-endian": lambda x: x.astype(">f8"),
}
"""The forms that a caller's array may come in."""


def _locked(x: Array) -> Array:
    x.setflags(write=False)
    return x


def disturbed() -> tuple[list[str], int]:
    """Passes after which the caller's arrays, or the results for plain ones, are other ones."""
    found, tried = [], 0
    for kind in kinds()[:: len(kinds()) // 48]:
        for form, make in FORMS.items():
            for explicit in (False, True):
                tried += 1
                if not _is_kept(kind, make, explicit=explicit):
                    found.append(f"{form}, {kind}")
    return found, tried


def _is_kept(kind: Kind, make: Callable[[Array], Array], *, explicit: bool) -> bool:
    network = network_of(kind, SHAPE, 6)
    network.explicit_jacobians = explicit
    rng = np.random.default_rng(7)
    x, t = make(rng.normal(size=(SHAPE.cases, SHAPE.inputs))), targets(network, SHAPE.cases, rng)
    t.setflags(write=False)
    plain, kept = np.array(x, dtype=float, order="C"), x.copy()
    with np.errstate(all="raise", under="ignore"):
        found = [network.loss(x, t), *network.backward_pass(t, to_input=True).vector]
        expected = [network.loss(plain, t), *network.backward_pass(t, to_input=True).vector]
        outputs = network.forward_pass(x)
        outputs[:] = 0  # the caller's own, and no view of what the network keeps
    again = [network.loss(x, t), *network.backward_pass(t).vector]
    return np.array_equal(x, kept) and found == expected == again

"""The check of a network's gradients: what is compared with what, and in which order.

Two batches go forward and backward through the same network, one after the other. For each batch
these are compared:

1. The whole network (`whole_network`): ∂L/∂θ of the backward pass, array by array, with the
   central difference, the complex step, a random projection, PyTorch and JAX.
2. Layer by layer (`layer_by_layer`): the loss, every local Jacobian, every layer's own backward
   step and the penalty, each with the complex step of that one function. This shows where a wrong
   gradient comes from.

For both, truncated backpropagation through time is switched off; the truncated gradient is then
compared with its definition. A network with layers that compute something else in training, as
dropout does, is checked twice: in evaluation and in training mode.

A difference counts (`findings.Comparison`) if it is larger than the sum of the method's tolerance
(1e-8 or 1e-12 of the number's size), 50 times the effect of rounding on the number (`rounding`)
and the method's own error, unless a kink explains it (`kinks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import (
    ConfigError,
    DivergenceError,
    MissingExtraError,
    ShapeError,
    unknown,
)
from chainrule.gradients.findings import TOLERANCES, Finding, Report
from chainrule.gradients.kinks import met, undecided
from chainrule.gradients.layer_by_layer import layer_by_layer
from chainrule.gradients.numeric import NUMERIC, relative_error
from chainrule.gradients.rounding import rounding
from chainrule.gradients.whole_network import (
    Point,
    against_definition,
    by_autograd,
    by_coordinates,
    by_projection,
    truncating_layers,
    untruncated,
)
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.training.engines.threads import on_threads

METHODS = tuple(TOLERANCES)
"""The methods of `check`."""

LIBRARIES = {"torch": "chainrule.peers.torch", "jax": "chainrule.peers.jax"}
"""The methods that use another library's automatic differentiation, with our module for it."""

WORK = 3e8
"""The most multiplications by one method for one array; a large array is checked in part."""


def check(
    network: Network,
    x: Any,
    t: Any,
    *,
    methods: Sequence[str] | None = None,
    coordinates: int | None = None,
    seed: int = 0,
    weights: Any = None,
) -> Report:
    """Compare every gradient with independent derivations of it.

    The top of this module lists what is compared with what. The cases are split into two batches,
    so that state which one batch leaves in the network shows in the next; a single case is both
    batches, and batch normalisation gets two that overlap. Training mode is checked at one fixed
    step.

    Args:
        network: in float64; θ is not changed.
        x: inputs, (cases, input).
        t: targets, as `Network.loss` takes them.
        methods: names in `METHODS`; by default all for which the libraries are installed.
        coordinates: how many numbers of an array ``central`` and ``complex`` move one by one; by
            default all in a small network, and some, chosen at random, in a large one. The other
            methods always compare whole arrays.
        seed: for random choices, and for what layers draw in training mode.
        weights: those of the cases, as `Network.loss` takes them; the loss is then weighted.

    Raises:
        ConfigError: there is no such method, or the network is in float32.
        DivergenceError: the loss is not finite.
        MissingExtraError: the library of one of ``methods`` is not installed.
        ShapeError: x, t or weights do not fit.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(2, "tanh"), Dense(1)], input=3, loss="mse", seed=1)
        >>> report = check(network, np.eye(3), [0.0, 1.0, 2.0], methods=["complex"])
        >>> report.right, report.worst < 1e-14
        (True, True)
    """
    chosen, notes = _methods(network, methods)
    rng, cases = np.random.default_rng(seed), (x, t, weights)
    # In thousands of small products threads would only wait for each other. Overflow and NaN need
    # no warnings: the check itself reports them.
    with network.lock, on_threads(1), np.errstate(all="ignore"):
        report = _in_one_mode(network, cases, chosen, coordinates, rng)
        notes += [*report.notes, *_truncations(network)]
        if not any(layer.differs_in_training for layer in network.layers):
            return replace(report, notes=tuple(notes))
        with network.training_mode(seed):
            training = _in_one_mode(network, cases, chosen, coordinates, rng)
    return Report(
        (*report.parameters, *(replace(f, training=True) for f in training.parameters)),
        (*report.by_layer, *(replace(f, training=True) for f in training.by_layer)),
        (*notes, *(f"{note}, in training" for note in training.notes)),
    )


def _in_one_mode(
    network: Network,
    cases: tuple[Any, Any, Any],
    methods: Sequence[str],
    coordinates: int | None,
    rng: np.random.Generator,
) -> Report:
    """All findings in the network's current mode; ``cases`` are inputs, targets and weights."""
    with untruncated(network):
        points = _points(network, *cases, rng)
        parameters = [f for point in points for f in _of_methods(point, methods, coordinates)]
        by_layer = [f for point in points for f in layer_by_layer(point)]
        notes = [note for point in points for note in _kinks(point)]
    first = points[0]
    by_layer += against_definition(network, first.x, first.t, first.weights, rng=rng)
    return Report(tuple(parameters), tuple(by_layer), tuple(notes))


def _truncations(network: Network) -> Iterator[str]:
    for layer in truncating_layers(network):
        yield (
            f"{layer.name} truncates after {layer.truncate} steps: checked without, and the "
            "truncated gradient against its own definition"
        )


def _methods(network: Network, wanted: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """The methods to use, and notes about those that cannot be used."""
    if network.dtype != np.float64:
        raise ConfigError(f"gradients are checked in float64, found a network in {network.dtype}")
    for name in wanted or ():
        if name not in METHODS:
            raise ConfigError(unknown("method", name, METHODS))
    methods, notes = [], []
    for name in wanted or METHODS:
        reason = None
        if name in LIBRARIES and find_spec(name) is None:
            if wanted is not None:
                raise MissingExtraError(
                    f"a comparison with {name} needs the package {name}, which is not installed; "
                    f"install it with: pip install 'chainrule[{name}]'"
                )
            reason = "it is not installed"
        elif name in LIBRARIES:
            reason = import_module(LIBRARIES[name]).LIBRARY.reason_against(network)
        if reason is None:
            methods.append(name)
        else:
            notes.append(f"not by {name}: {reason}")
    return methods, notes


def _points(
    network: Network, x: Any, t: Any, weights: Any, rng: np.random.Generator
) -> list[Point]:
    """Two batches with their gradients, from two passes in direct succession."""
    x, t = network.prepare_inputs(x), network.prepare_targets(t)
    w = network.prepare_weights(weights, len(x))
    if not len(x):
        raise ShapeError("a check needs at least one case")
    batches = [
        (x[part], t[part], None if w is None else w[part]) for part in _parts(network, len(x))
    ]
    passes = []
    for inputs, targets, own in batches:
        loss = network.loss(inputs, targets, weights=own)
        if not np.isfinite(loss):
            raise DivergenceError(f"the loss is {loss}; there is no gradient to check")
        passes.append((loss, network.backward_pass(targets, weights=own).vector.copy()))
    points = []
    for number, (batch, (loss, gradient)) in enumerate(zip(batches, passes, strict=True), 1):
        noise, near = rounding(network, *batch, rng=rng), undecided(network, *batch[:2], rng=rng)
        points.append(Point(network, *batch, gradient, loss, noise, near, number, rng))
    return points


def _parts(network: Network, cases: int) -> tuple[slice, slice]:
    """Two batches of different sizes, where there are enough cases.

    Statistics of two or three cases leave no digits to compare: where a layer takes any, the
    second batch is the first without its first case.
    """
    if any(layer.least_cases > 1 for layer in network.layers):
        return slice(0, cases), slice(1 if cases > 1 else 0, cases)
    middle = -(-2 * cases // 3)
    return slice(0, middle), slice(middle if middle < cases else 0, cases)


def _of_methods(
    point: Point, methods: Sequence[str], coordinates: int | None
) -> Iterator[Finding]:
    choose = _chooser(point, coordinates)
    for method in methods:
        if method == "projection":
            yield from by_projection(point)
        elif method in LIBRARIES:
            gradient = autograd(point.network, method, point.x, point.t, point.weights)
            yield from by_autograd(point, method, gradient)
        else:
            yield from by_coordinates(point, method, choose)


def autograd(
    network: Network, library: str, x: Array, t: Array, weights: Array | None = None
) -> Array:
    """∂L/∂θ of the same loss, differentiated by another library, in the layout of θ.

    Args:
        network: in float64, made of parts that the library has.
        library: ``torch`` or ``jax``, which must be installed.
        x: prepared inputs, (cases, input).
        t: prepared targets.
        weights: prepared weights.
    """
    gradient: Array = import_module(LIBRARIES[library]).gradient(network, x, t, weights)
    return gradient


def _chooser(point: Point, coordinates: int | None) -> Callable[[Segment], Array]:
    """A function that chooses the numbers of an array to move, half of them where ∂L/∂θ ≠ 0."""
    work = len(point.theta) * (len(point.x) + 4)
    most = coordinates if coordinates is not None else max(8, int(WORK / 4 / work))

    def choose(segment: Segment) -> Array:
        """The indices in θ of the chosen numbers of an array, in order."""
        everything = np.arange(segment.start, segment.stop)
        if len(everything) <= most:
            return everything
        nonzero = everything[point.gradient[segment.slice] != 0]
        some = point.rng.choice(nonzero, min(-(-most // 2), len(nonzero)), replace=False)
        rest = np.setdiff1d(everything, some)
        return np.sort(np.append(some, point.rng.choice(rest, most - len(some), replace=False)))

    return choose


def _kinks(point: Point) -> list[str]:
    return [
        f"batch {point.batch}: {count} on a kink: {name}"
        for name, count in met(point.network, point.x, point.t).items()
    ]


def errors(network: Network, x: Any, t: Any, *, method: str = "central") -> dict[str, float]:
    """The relative error of the backward pass for every parameter array, by one numeric method.

    This compares one batch, and does not judge the errors as `check` does.

    Args:
        network: in float64; θ is not changed.
        x: inputs, (cases, input).
        t: targets, as `Network.loss` takes them.
        method: ``central`` or ``complex``.

    Returns:
        The relative error by the array's full name, such as ``dense_1.W``.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(2, "tanh"), Dense(1)], input=3, loss="mse", seed=1)
        >>> max(errors(network, np.eye(3), [0.0, 1.0, 2.0]).values()) < 1e-8
        True
    """
    found = {}
    with network.lock, np.errstate(all="ignore"):
        network.loss(x, t)
        analytic = network.backward_pass(t).vector.copy()
        for segment in network.parameters.layout.trained:
            at = np.arange(segment.start, segment.stop)
            numeric = NUMERIC[method](lambda v: network.loss(x, t, v), network.theta, at=at)
            found[segment.full_name] = relative_error(analytic[at], numeric)
    return found

"""The check of a network's gradients: what is compared with what, and in which order.

Two batches go one after the other forward and backward through the same network. For each batch:

1. The whole network (`whole_network`): ∂L/∂θ of the backward pass, array by array, against the
   central difference, the complex step, a random projection, PyTorch and JAX.
2. Layer by layer (`layer_by_layer`): the loss, every local Jacobian and every layer's own backward
   step, and the penalty, each against the complex step of that one function. This says where a
   wrong gradient comes from.

Truncated backpropagation through time is switched off for both, and the truncated gradient is then
compared with its definition. Networks with layers that compute something else in training, as
dropout does, go through all of it twice: in evaluation and in training mode.

A difference counts (`findings.Comparison`) where it is larger than the method's tolerance, 1e-8 or
1e-12 of the number's size, plus 50 roundings of everything that the number is computed from
(`rounding`), plus the method's own error; and where no kink explains it (`kinks`).
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

# The same gradient by another library's automatic differentiation.

_MODULES = {"torch": "chainrule.peers.torch", "jax": "chainrule.peers.jax"}


def autograd(network: Network, library: str, x: Array, t: Array) -> Array:
    """∂L/∂θ as the library differentiates the same loss, in the layout of θ.

    Args:
        network: in float64, of parts the library's program knows, see `unsupported`.
        library: ``torch`` or ``jax``.
        x: prepared inputs, (cases, input).
        t: prepared targets.

    Raises:
        MissingExtraError: the library is not installed.
    """
    gradient: Array = import_module(_MODULES[library]).gradient(network, x, t)
    return gradient


def unsupported(network: Network, library: str) -> str | None:
    """Why the library's program cannot be that network; None where it can.

    Raises:
        MissingExtraError: the library is not installed.
    """
    if find_spec(library) is None:
        raise MissingExtraError(
            f"a comparison with {library} needs the package {library}, which is not installed; "
            f"install it with: pip install 'chainrule[{library}]'"
        )
    reason: str | None = import_module(_MODULES[library]).LIBRARY.reason_against(network)
    return reason


METHODS = tuple(TOLERANCES)
"""The methods of `check`."""

LIBRARIES = ("torch", "jax")

WORK = 3e8
"""Multiplications that a method may take for an array; more parameters are chosen from."""


def check(
    network: Network,
    x: Any,
    t: Any,
    *,
    methods: Sequence[str] | None = None,
    coordinates: int | None = None,
    seed: int = 0,
) -> Report:
    """Compare every gradient with independent derivations of it.

    The cases make two batches, so that what one leaves behind in the network is noticed in the
    next; a single case makes both. What is compared with what is the plan at the top of this
    module. Training mode is checked at one fixed step.

    Args:
        network: in float64; θ is not changed.
        x: inputs, (cases, input).
        t: targets, as `Network.loss` takes them.
        methods: of `METHODS`; by default all, the libraries where they are installed.
        coordinates: how many numbers of an array ``central`` and ``complex`` move one by one;
            by default all in a small network, and fewer, chosen at random, in a large one. The
            other methods compare all of an array in any network.
        seed: of what is chosen at random, and of what layers draw in training mode.

    Raises:
        ConfigError: no such method, or a network in float32.
        DivergenceError: the loss is not a finite number.
        MissingExtraError: a library was asked for that is not installed.
        ShapeError: x or t does not fit.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(2, "tanh"), Dense(1)], input=3, loss="mse", seed=1)
        >>> report = check(network, np.eye(3), [0.0, 1.0, 2.0], methods=["complex"])
        >>> report.right, report.worst < 1e-14
        (True, True)
    """
    chosen, notes = _methods(network, methods)
    rng = np.random.default_rng(seed)
    # In thousands of small products threads would only wait for each other. Overflow and NaN are
    # no warnings here: they are looked for, and reported in words.
    with network.lock, on_threads(1), np.errstate(all="ignore"):
        report = _in_one_mode(network, x, t, chosen, coordinates, rng)
        notes += [*report.notes, *_truncations(network)]
        if not any(layer.differs_in_training for layer in network.layers):
            return replace(report, notes=tuple(notes))
        with network.training_mode(seed):
            training = _in_one_mode(network, x, t, chosen, coordinates, rng)
    return Report(
        (*report.parameters, *map(_in_training, training.parameters)),
        (*report.by_layer, *map(_in_training, training.by_layer)),
        (*notes, *(f"{note}, in training" for note in training.notes)),
    )


def _in_one_mode(
    network: Network,
    x: Any,
    t: Any,
    methods: Sequence[str],
    coordinates: int | None,
    rng: np.random.Generator,
) -> Report:
    """All findings, in the mode that the network is in."""
    with untruncated(network):
        points = _points(network, x, t, rng)
        parameters = [f for point in points for f in _of_methods(point, methods, coordinates, rng)]
        by_layer = [f for point in points for f in layer_by_layer(point, rng=rng)]
        notes = [note for point in points for note in _kinks(point)]
    by_layer += against_definition(network, points[0].x, points[0].t, rng=rng)
    return Report(tuple(parameters), tuple(by_layer), tuple(notes))


def _in_training(found: Finding) -> Finding:
    return replace(found, training=True)


def _truncations(network: Network) -> Iterator[str]:
    for layer in truncating_layers(network):
        yield (
            f"{layer.name} truncates after {layer.truncate} steps: checked without, and the "
            "truncated gradient against its own definition"
        )


def _methods(network: Network, asked: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """The methods to use, and notes about those that cannot be."""
    if network.dtype != np.float64:
        raise ConfigError(f"gradients are checked in float64, found a network in {network.dtype}")
    for name in asked or ():
        if name not in METHODS:
            raise ConfigError(unknown("method", name, METHODS))
    methods, notes = [], []
    for name in asked or METHODS:
        if asked is None and name in LIBRARIES and find_spec(name) is None:
            notes.append(f"not by {name}: it is not installed")
            continue
        reason = unsupported(network, name) if name in LIBRARIES else None
        if reason is None:
            methods.append(name)
        else:
            notes.append(f"not by {name}: {reason}")
    return methods, notes


def _points(network: Network, x: Any, t: Any, rng: np.random.Generator) -> list[Point]:
    """Two batches, with the gradients of passes that follow directly on each other."""
    x, t = network.prepare_inputs(x), network.prepare_targets(t)
    if not len(x):
        raise ShapeError("a check needs at least one case")
    middle = -(-2 * len(x) // 3)  # batches of two sizes, where there are enough cases
    halves = [slice(0, middle), slice(middle if middle < len(x) else 0, len(x))]
    passes = []
    for part in halves:
        loss = network.loss(x[part], t[part])
        if not np.isfinite(loss):
            raise DivergenceError(f"the loss is {loss}; there is no gradient to check")
        passes.append((loss, network.backward_pass(t[part]).vector.copy()))
    points = []
    for number, (part, (loss, gradient)) in enumerate(zip(halves, passes, strict=True), 1):
        batch = x[part], t[part]
        noise, near = rounding(network, *batch, rng=rng), undecided(network, *batch, rng=rng)
        points.append(Point(network, *batch, gradient, loss, noise, near, number))
    return points


def _of_methods(
    point: Point, methods: Sequence[str], coordinates: int | None, rng: np.random.Generator
) -> Iterator[Finding]:
    choose = _chooser(point, coordinates, rng)
    for method in methods:
        if method == "projection":
            yield from by_projection(point, rng=rng)
        elif method in LIBRARIES:
            yield from by_autograd(
                point, method, autograd(point.network, method, point.x, point.t)
            )
        else:
            yield from by_coordinates(point, method, choose)


def _chooser(
    point: Point, coordinates: int | None, rng: np.random.Generator
) -> Callable[[Segment], Array]:
    """A choice of numbers of an array to move one by one: half of those where ∂L/∂θ is not 0."""
    work = len(point.theta) * (len(point.x) + 4)
    most = coordinates if coordinates is not None else max(8, int(WORK / 4 / work))

    def choose(segment: Segment) -> Array:
        """Which numbers of one parameter array, by their places in θ, in order."""
        everything = np.arange(segment.start, segment.stop)
        if len(everything) <= most:
            return everything
        alive = everything[point.gradient[segment.slice] != 0]
        some = rng.choice(alive, min(-(-most // 2), len(alive)), replace=False)
        rest = np.setdiff1d(everything, some)
        return np.sort(np.append(some, rng.choice(rest, most - len(some), replace=False)))

    return choose


def _kinks(point: Point) -> list[str]:
    return [
        f"batch {point.batch}: {count} on a kink: {name}"
        for name, count in met(point.network, point.x, point.t).items()
    ]


def errors(network: Network, x: Any, t: Any, *, method: str = "central") -> dict[str, float]:
    """How far the backward pass is from numeric differentiation, for every parameter array.

    Plain numbers of one batch, without judgement; see `check` for more.

    Args:
        network: in float64; θ is not changed.
        x: inputs, (cases, input).
        t: targets, as `Network.loss` takes them.
        method: ``central`` or ``complex``.

    Returns:
        The relative error by full name, such as ``dense_1.W``.

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

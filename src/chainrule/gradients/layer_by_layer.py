"""Each derivative of a network checked by itself, so that a failure names its place.

The order is that of the backward pass: the loss, then from the last layer to the first each
local Jacobian and the layer's own backward step, then the penalty. Each check takes its values
from the forward pass, so it does not depend on the derivative of another layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients.findings import ROUNDINGS, TOLERANCES, Finding, Verdict
from chainrule.gradients.numeric import (
    COMPLEX_STEP,
    OTHER_STEPS,
    along,
    complex_step,
    relative_error,
)
from chainrule.gradients.rounding import DENSE_MOST, ROUNDING, SHARE
from chainrule.gradients.whole_network import Point
from chainrule.nn.activations import Gated
from chainrule.nn.jacobians import Diagonal, Jacobian
from chainrule.nn.layers.base import Layer
from chainrule.nn.losses import mean_loss, times_weights

MOST = 200
"""The most outputs of the loss, or numbers of θ, that are moved one by one."""

DIRECTIONS = 3
"""The number of random directions in which a Jacobian is compared."""

SMALLEST = 1e-270
"""Numbers below this are too near the smallest float for a step proportional to them."""

TINY = 1e-290
"""Numbers below this count as 0: they have lost their last digits."""

Function = Callable[[Array], Any]


def layer_by_layer(point: Point) -> Iterator[Finding]:
    """Every finding, in the order of the backward pass, after a forward pass of its own.

    The network's gradient and the arrays of its layers are overwritten.
    """
    network = point.network
    y = network.forward_pass(point.x)
    yield from _loss(point, y)
    for k in reversed(network.graph.order):
        yield from _layer(point, network.layers[k])
    if network.penalised:
        yield _penalty(point)


def _loss(point: Point, y: Array) -> Iterator[Finding]:
    """∂L/∂y, and δ where the loss is computed from the logits."""
    network, t, w = point.network, point.t, point.weights
    rows = _some(len(y), MOST // y.shape[1] + 1, point.rng)
    if network.from_logits is not None:
        z, pair = network.logits, network.from_logits
        delta = times_weights(pair.delta(z, y, t), w)[rows]

        def by_logits(step: float) -> Array:
            """∂L/∂z by a complex step."""
            steps = np.full(z.shape, step)
            return _gradient(lambda v: mean_loss(pair, v, t, w), z, rows, steps)

        # With targets between 0 and 1, δ has a zero where its two terms, each below 1/N, cancel.
        seen = network.loss_function.smoothed(t, y.shape[1], y.dtype)
        cancels = seen.ndim == 2 and bool(((seen > 0) & (seen < 1)).any())
        largest = 1.0 if w is None else float(w.max())
        floor = ROUNDINGS * ROUNDING * largest / len(y) if cancels else 0.0
        yield _compared(point, "loss", "∂L/∂z", delta, by_logits, z.size, floor=floor)
    loss = network.loss_function
    distances = loss.from_kinks(y, t)
    at_kink = np.repeat((distances == 0).any(axis=1)[rows, None], y.shape[1], axis=1)
    analytic = times_weights(loss.jacobian(y, t), w)[rows]
    # The step is proportional to the number, so that a probability of 1e-40 can be checked.
    shares = np.where((np.abs(y) > SMALLEST) & (np.abs(y) < 1), np.abs(y), 1.0)

    def by_outputs(step: float) -> Array:
        """∂L/∂y by a complex step where it is known; at a probability of 0 it is infinite."""
        found = _gradient(lambda v: mean_loss(loss, v, t, w), y, rows, step * shares)
        return np.where(known, found, 0.0)

    known = ((np.abs(y[rows]) > SMALLEST) | (y[rows] == 0)) & np.isfinite(analytic)
    known &= np.isfinite(by_outputs(COMPLEX_STEP))
    moved = loss.jacobian(y * (1 - SHARE), t)  # shows the effect of the rounding of y
    near = times_weights(moved, w)[rows]
    floor = np.nan_to_num(np.abs(near - analytic) * (ROUNDINGS * ROUNDING / SHARE), posinf=0)
    analytic = np.where(known, analytic, 0.0)
    checked = int(known.sum())
    if checked:  # otherwise no output can be judged, and there is no finding
        options = {"floor": floor, "checked": checked}
        yield _compared(point, "loss", "∂L/∂y", analytic, by_outputs, y.size, at_kink, **options)


def _gradient(f: Function, at: Array, rows: Array, steps: Array) -> Array:
    """The gradient of f with respect to some rows of the matrix ``at``, by complex steps."""
    found = np.empty((len(rows), at.shape[1]))
    moved = at.astype(complex)
    for k, n in enumerate(rows):
        for j in range(at.shape[1]):
            moved[n, j] += 1j * steps[n, j]
            found[k, j] = np.imag(f(moved)) / steps[n, j]
            moved[n, j] = at[n, j]
    return found


def _layer(point: Point, layer: Layer) -> Iterator[Finding]:
    """The local Jacobians of a layer, and its own backward step.

    In a layer with a state, the Jacobians are those of the outputs at all steps, and include the
    dependence through earlier steps.
    """
    values = {name: point.network.parameters[f"{layer.name}.{name}"] for name in layer.shapes()}
    walk = point.network.walk(point.x, point.theta)
    x = next(fed for walked, fed, _, _ in walk if walked is layer)
    local, through_time = layer.jacobians(), layer.through_time()
    if "a" in local and hasattr(layer, "activation"):
        slopes = layer.slopes if through_time else local.pop("a")  # type: ignore[attr-defined]
        yield _activation(point, layer, slopes)
    if through_time:
        local = {} if _is_at_kink(layer) else through_time
    for name, jacobian in local.items():
        of_outputs = bool(through_time) or name == "z"
        f, at = _function(layer, name, x, values, of_outputs=of_outputs)
        result = "h" if through_time else "s" if name == "z" else "z"
        yield _local(point, layer.name, f"∂{result}/∂{name}", jacobian, f, at)
    yield from _step(point, layer, x, values)


def _function(
    layer: Layer, name: str, x: Array, values: dict[str, Array], *, of_outputs: bool = True
) -> tuple[Function, Array]:
    """The layer's outputs, or its z, as a function of one argument, and that argument's value."""
    if name in values:
        return (
            lambda v: layer.evaluate(x.astype(v.dtype), {**values, name: v})[of_outputs],
            values[name],
        )
    return lambda v: layer.evaluate(v, values)[of_outputs], x


def _activation(point: Point, layer: Layer, jacobian: Jacobian) -> Finding:
    """φ' number by number, kinks left out, and the Jacobian with φ' on its diagonal."""
    phi, z = layer.activation, layer.z  # type: ignore[attr-defined]
    if np.isnan(z).any():  # padding has no derivative; the other numbers become one case
        real = ~np.isnan(z)
        jacobian = Diagonal(jacobian.vjp(np.ones_like(z))[real][None])
        z = z[real][None]
    found = _compared(
        point,
        layer.name,
        "∂a/∂z",
        jacobian.vjp(np.ones_like(z)),
        lambda step: np.imag(phi.value(z + 1j * step)) / step,
        z.size,
        at_kink := np.isin(z, phi.kinks),
        floor=ROUNDINGS * ROUNDING * phi.slope_terms(z) if isinstance(phi, Gated) else 0.0,
    )
    if found.verdict is Verdict.WRONG or at_kink.any():
        return found
    return max(
        (found, _local(point, layer.name, "∂a/∂z", jacobian, phi.value, z)),
        key=lambda one: (one.verdict is Verdict.WRONG, one.error),
    )


def _local(
    point: Point, place: str, what: str, jacobian: Jacobian, f: Function, at: Array
) -> Finding:
    """A Jacobian's ``jvp``, ``vjp`` and ``dense`` against complex steps in random directions."""
    vs = [point.rng.normal(size=at.shape) for _ in range(DIRECTIONS)]
    jvps = [jacobian.jvp(v) for v in vs]
    us = [point.rng.normal(size=jvp.shape) for jvp in jvps]
    vjps = [v * jacobian.vjp(u) for v, u in zip(vs, us, strict=True)]
    is_small = prod(jacobian.dense_shape) <= DENSE_MOST
    dense = [_by_dense(jacobian, v) for v in vs] if is_small else []

    def error(step: float) -> float:
        """The largest of the errors of ``jvp``, ``vjp`` and ``dense``."""
        moved = [along(f, at, v, step) for v in vs]
        sums = [(ours, m * u) for ours, m, u in zip(vjps, moved, us, strict=True)]
        pairs = [list(zip(ours, moved, strict=False)) for ours in (jvps, dense)]
        return max(*map(_apart, pairs), _sums_apart(sums))

    return _by_steps(point, place, what, error, at.size, _largest(jvps + vjps))


def _by_steps(
    point: Point,
    place: str,
    what: str,
    error: Callable[[float], float],
    total: int,
    largest: float,
) -> Finding:
    """The finding by the first complex step with which the derivatives agree.

    Numbers too small for any step to agree are not judged.
    """
    first = found = error(COMPLEX_STEP)
    for step in OTHER_STEPS:
        if found <= TOLERANCES["complex"]:
            break
        found = error(step)
    finding = _finding(point, place, what, min(first, found), total, total)
    if finding.verdict is Verdict.WRONG and largest < SMALLEST:
        return replace(finding, error=0.0, verdict=Verdict.UNJUDGED, compared=0)
    return finding


def _largest(arrays: list[Array]) -> float:
    return max((float(np.abs(values).max(initial=0.0)) for values in arrays), default=0.0)


def _by_dense(jacobian: Jacobian, v: Array) -> Array:
    """J v by each case's explicit matrix; v has one vector for each case, or one for all."""
    dense = jacobian.dense()
    along_v = v if v.ndim == dense.ndim - 2 and v.shape == dense.shape[2:] else v[:, None]
    return (dense * along_v).reshape(*dense.shape[:2], -1).sum(axis=-1)


def _apart(pairs: list[tuple[Array, Array]]) -> float:
    """The relative error over all directions together, because J v may be 0 for a single v."""
    if not pairs:
        return 0.0
    ours, other = (np.concatenate([pair[k].ravel() for pair in pairs]) for k in (0, 1))
    return relative_error(ours, other)


def _sums_apart(pairs: list[tuple[Array, Array]]) -> float:
    """The difference of ⟨v, Jᵀu⟩ and ⟨Jv, u⟩ relative to their terms; a pair has both' terms."""
    largest = _largest([values for pair in pairs for values in pair])
    if not largest:
        return 0.0
    scaled = [(left / largest, right / largest) for left, right in pairs]
    off = max(abs(float(left.sum() - right.sum())) for left, right in scaled)
    size = max(float(np.linalg.norm(left) + np.linalg.norm(right)) for left, right in scaled)
    return off / size


def _step(point: Point, layer: Layer, x: Array, values: dict[str, Array]) -> Iterator[Finding]:
    """A layer's own backward step: the gradients with respect to its input and its parameters."""
    y = layer.forward_pass(x)
    u = np.where(np.isnan(y), 0.0, point.rng.normal(size=y.shape))  # no gradient from padding
    by_input = layer.backward_pass(u)
    assert by_input is not None
    trained = [s for s in point.network.parameters.layout.of_layer(layer.name) if s.trained]
    gradients = {s.name: point.network.gradients[s.full_name] for s in trained}
    for name, found in {"x": by_input, **gradients}.items():
        f, at = _function(layer, name, x, values)
        directions = point.rng.normal(size=(DIRECTIONS, *at.shape))
        # At a kink there is nothing to compare: the error over no directions is 0.
        directions = directions[: 0 if _is_at_kink(layer) else DIRECTIONS]
        error = partial(_step_error, f, at, [(v, v * found) for v in directions], u)
        what, largest = f"step to {name}", _largest([found])
        yield _by_steps(point, layer.name, what, error, at.size, largest)


def _step_error(
    f: Function, at: Array, pairs: list[tuple[Array, Array]], u: Array, step: float
) -> float:
    """The error of ⟨v, Jᵀu⟩ by a complex step; each pair has v and the terms of the product."""
    return _sums_apart([(ours, along(f, at, v, step) * u) for v, ours in pairs])


def _is_at_kink(layer: Layer) -> bool:
    """Whether any z of the last forward pass is at a kink of the activation."""
    phi = getattr(layer, "activation", None)
    return phi is not None and bool(np.isin(layer.z, phi.kinks).any())  # type: ignore[attr-defined]


def _penalty(point: Point) -> Finding:
    """The penalty's part of the gradient, against the complex step of its part of the loss."""
    network = point.network
    added = network.penalty_gradient()
    at = _some(len(added), MOST, point.rng)

    def value(theta: Array) -> Any:
        """The penalty's part of the loss at θ."""
        terms = network.penalised
        return sum(term.rate * term.penalty.total(theta[term.part]) for term in terms)

    kinks = np.zeros(len(added), bool)
    for term in network.penalised:
        kinks[term.part] |= np.isin(point.theta[term.part], term.penalty.kinks)
    by_step = partial(complex_step, value, point.theta, at)
    return _compared(point, "penalty", "∂P/∂θ", added[at], by_step, len(added), kinks[at])


def _some(count: int, most: int, rng: np.random.Generator) -> Array:
    """The numbers 0 to count − 1, or ``most`` of them chosen at random, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(rng.choice(count, most, replace=False))


def _compared(
    point: Point,
    place: str,
    what: str,
    ours: Array,
    by_step: Callable[[float], Any],
    total: int,
    at_kink: Array | None = None,
    *,
    floor: Array | float = 0.0,
    checked: int | None = None,
) -> Finding:
    """Compare a derivative number by number with ``by_step``, the one by a complex step.

    For each number the first step with which it agrees is taken. Differences up to ``floor`` are
    rounding. Numbers at a kink are left out if they differ.
    """
    limit = TOLERANCES["complex"] * np.abs(ours) + np.maximum(floor, TINY)
    numeric = by_step(COMPLEX_STEP)
    differ = ~(np.abs(ours - numeric) <= limit)
    for step in OTHER_STEPS if differ.any() else ():
        again = by_step(step)
        numeric = np.where(differ & (np.abs(ours - again) <= limit), again, numeric)
        differ = ~(np.abs(ours - numeric) <= limit)
    ours = np.where(np.abs(ours - numeric) <= np.maximum(floor, TINY), numeric, ours)
    skipped = differ & at_kink if at_kink is not None else np.zeros(ours.shape, bool)
    error = relative_error(ours[~skipped], numeric[~skipped])
    return _finding(point, place, what, error, total, checked or ours.size, int(skipped.sum()))


def _finding(
    point: Point, place: str, what: str, error: float, total: int, checked: int, kinks: int = 0
) -> Finding:
    verdict = Verdict.KINK if kinks else Verdict.RIGHT
    if not error <= TOLERANCES["complex"]:
        verdict = Verdict.WRONG
    return Finding(place, what, "complex", point.batch, error, verdict, checked, total, kinks)

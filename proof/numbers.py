"""Numbers: values of functions against 80 digits and more, and the ends of floating point."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.activations import ACTIVATIONS, activation
from chainrule.nn.layers.softmax import softmax
from chainrule.nn.losses import SigmoidCrossEntropy, SoftmaxCrossEntropy
from proof import compiled, exact
from proof.edges import disturbed, warnings_of
from proof.line import Line, store, stored_text

POINTS, POINTS_FULL = 400, 20_000
CASES, CASES_FULL = 150, 5_000
OTHERS = [name for name in ACTIVATIONS if name not in ("sigmoid", "gelu")]

DENSE, DENSE_FULL = 1_000_000, 50_000_000

Losses = Callable[[Array, Array], tuple[Array, Array]]


def points(count: int) -> Array:
    """Points from the smallest number to the largest, many of them where functions bend."""
    rng = np.random.default_rng(0)
    sign = rng.choice([-1.0, 1.0], count)
    parts = [
        rng.normal(size=count),
        rng.uniform(-40, 40, count),
        rng.uniform(-750, 750, count),
        sign * 10 ** rng.uniform(-300, 300, count),
        np.array([0.0, -0.0, 5e-324, -5e-324, 708.4, -708.4, -745.2, 1e300, -1e300]),
    ]
    return np.concatenate(parts)


def logits(count: int) -> tuple[Array, Array]:
    """Logits up to ±1e3 of three classes, and the true classes."""
    rng = np.random.default_rng(1)
    wide = rng.uniform(-1e3, 1e3, (count, 3))
    near = rng.uniform(-40, 40, (count, 3))
    gaps = np.zeros((count, 3))
    gaps[:, 0] = 10 ** rng.uniform(-9, 3, count)
    z = np.concatenate([wide, near, gaps, -gaps])
    return z, rng.integers(0, 3, len(z))


def lines(full: bool) -> Iterator[Line]:
    """Losses, activations, and the ends of floating point."""
    z, t = logits(CASES_FULL if full else CASES)
    for engine, of_classes, of_two in engines():
        yield loss_line(f"cross-entropy from logits to ±1e3, {engine}", *classes(z, t, of_classes))
        yield loss_line(f"binary cross-entropy from logits, {engine}", *two(z[:, 0], of_two))
    yield confident()
    where = points(POINTS_FULL if full else POINTS)
    near = where[np.abs(where) < 6]
    for engine in ("numpy", "compiled"):
        yield ulp_line("sigmoid", ["sigmoid"], where, engine, 2)
        yield kept_sigmoid(engine, full=full)
        yield ulp_line("the other activations", OTHERS, where, engine, 4)
        yield ulp_line("gelu, |z| < 6", ["gelu"], near, engine, 40)
        yield ulp_line(
            "gelu everywhere: its tail falls as e^(-z²/2)", ["gelu"], where, engine, 2000
        )
    found, tried = warnings_of()
    yield Line(
        "np.errstate(all='raise'): logits ±1e300, -inf, constant columns, kinds of arrays",
        "no warning",
        f"{tried} passes, {len(found)} warnings" + (f"; first: {found[0]}" if found else ""),
        not found,
    )
    found, tried = disturbed()
    yield Line(
        "the caller's arrays",
        "not changed",
        f"{tried} arrays, {len(found)} changed" + (f"; first: {found[0]}" if found else ""),
        not found,
    )


def engines() -> Iterator[tuple[str, Losses, Losses]]:
    """Each engine's two losses from the logits."""
    yield (
        "numpy",
        by_numpy(SoftmaxCrossEntropy(), softmax),
        by_numpy(SigmoidCrossEntropy(), _sigma),
    )
    for batch in (1, 2):
        name = "compiled, " + ("one case" if batch == 1 else "minibatches")
        of_classes, of_two = (
            partial(compiled.losses, loss=loss, batch=batch)
            for loss in ("cross_entropy", "binary_cross_entropy")
        )
        yield name, of_classes, of_two


def _sigma(z: Array) -> Array:
    return activation("sigmoid").value(z)


def by_numpy(pair: Any, outputs: Callable[[Array], Array]) -> Losses:
    """Losses and δ of single cases by a loss of the logits."""

    def losses(z: Array, t: Array) -> tuple[Array, Array]:
        rows = range(len(z))
        values = [pair.value(z[k : k + 1], t[k : k + 1]) for k in rows]
        deltas = [pair.delta(z[k : k + 1], outputs(z[k : k + 1]), t[k : k + 1])[0] for k in rows]
        return np.array(values), np.array(deltas)

    return losses


def classes(z: Array, t: Array, losses: Losses) -> tuple[float, float]:
    """The largest relative errors of the losses and of δ."""
    found, deltas = losses(z, t)
    worst_loss = worst_delta = 0.0
    for row, true, value, delta in zip(z, t, found, deltas, strict=True):
        loss, δ = exact.cross_entropy(row, int(true))
        worst_loss = max(worst_loss, exact.relative(value, loss))
        worst_delta = max(worst_delta, *map(exact.relative, delta, δ))
    return worst_loss, worst_delta


def two(z: Array, losses: Losses) -> tuple[float, float]:
    """The same for one sigmoid output, each z with both targets."""
    worst_loss = worst_delta = 0.0
    for t in (0, 1):
        found, deltas = losses(z[:, None], np.full((len(z), 1), float(t)))
        for at, value, delta in zip(z, found, deltas, strict=True):
            loss, δ = exact.binary_cross_entropy(at, t)
            worst_loss = max(worst_loss, exact.relative(value, loss))
            worst_delta = max(worst_delta, exact.relative(delta[0], δ))
    return worst_loss, worst_delta


def loss_line(claim: str, loss: float, delta: float) -> Line:
    """The line for the errors of the loss and of δ."""
    holds = max(loss, delta) <= 1e-12
    return Line(claim, "≤ 1e-12 relative", f"loss {loss:.1e}, δ {delta:.1e}", holds)


def confident() -> Line:
    """The loss of logits 0 and −40 if the first class is true, also by other libraries."""
    z, t = np.array([[0.0, -40.0]]), np.array([0])
    true, _ = exact.cross_entropy(z[0], 0)
    ours = [float(SoftmaxCrossEntropy().value(z, t))]
    ours += [float(compiled.losses(z, t, "cross_entropy", batch)[0][0]) for batch in (1, 2)]
    text = f"{ours[0]:.6g}"
    if find_spec("sklearn") is not None:
        from sklearn.metrics import log_loss

        p = softmax(z)
        text += f"; scikit-learn {float(log_loss([0], p, labels=[0, 1])):.3g}"
    if find_spec("jax") is not None:
        import jax

        with jax.enable_x64(True):
            text += f"; JAX {-float(jax.nn.log_softmax(z)[0, 0]):.3g}"
    worst = max(exact.relative(value, true) for value in ours)
    return Line("cross-entropy of logits 0 and -40", "4.25e-18", text, worst <= 1e-12)


def ulp_line(claim: str, names: list[str], z: Array, engine: str, limit: float) -> Line:
    """The largest errors of values and of derivatives."""
    worst = {"φ": (0.0, "", 0.0), "φ'": (0.0, "", 0.0)}
    for name in names:
        for kind, error, at in errors_of(name, z, engine):
            worst[kind] = max(worst[kind], (error, name, at))
    text = ", ".join(
        f"{kind} {e:.3g} ({name} at {at:.4g})" for kind, (e, name, at) in worst.items()
    )
    holds = worst["φ"][0] <= limit and worst["φ'"][0] <= 2.5 * limit
    asked = f"φ ≤ {limit:g} ulp, φ' ≤ {2.5 * limit:g}"
    return Line(f"{claim}, {engine}", asked, text, holds)


def kept_sigmoid(engine: str, *, full: bool) -> Line:
    """`dense_sigmoid`, and beside it the stored result of its full run."""
    start, name = time.perf_counter(), f"numbers-sigmoid-{engine}"
    line = dense_sigmoid(engine, DENSE_FULL if full else DENSE)
    if full and line.holds is not None:
        measured = f"{line.measured} at {DENSE_FULL:,} points"
        seconds = time.perf_counter() - start
        store(name, measured, holds=line.holds, command="make proof-full", seconds=seconds)
    return replace(line, stored=stored_text(name))


def dense_sigmoid(engine: str, count: int) -> Line:
    """The sigmoid at very many points, against long doubles of 64 bits' precision."""
    claim = f"sigmoid at {count:,} random points, {engine}"
    if np.finfo(np.longdouble).nmant < 63:
        return Line(claim, "≤ 2 ulp", "this processor has no type longer than float64", None)
    worst, rng = 0.0, np.random.default_rng(2)
    for _ in range(0, count, 1_000_000):
        parts = [rng.uniform(-708, 708, 100_000), rng.uniform(-40, 40, 450_000)]
        z = np.concatenate([*parts, 3 * rng.normal(size=450_000)])
        found = _sigma(z) if engine == "numpy" else compiled.activation("sigmoid", z)[0]
        t = np.exp(-np.abs(z.astype(np.longdouble)))
        true = np.where(z >= 0, 1, t) / (1 + t)
        worst = max(worst, float((np.abs(found - true) / np.spacing(true.astype(float))).max()))
    return Line(claim, "≤ 2 ulp", f"{worst:.3f} ulp", worst <= 2)


def errors_of(name: str, z: Array, engine: str) -> Iterator[tuple[str, float, float]]:
    """The largest error of φ and of φ' in ulp, and its place, without underflow."""
    if engine == "numpy":
        phi = activation(name)
        value, slope = phi.value(z), phi.derivative(z)
    else:
        value, slope = compiled.activation(name, z)
    # The numpy engine's sigmoid keeps its digits to the smallest number there is.
    end = 5e-324 if (name, engine) == ("sigmoid", "numpy") else exact.END_OF_NUMBERS
    pairs = {
        "φ": exact.ulps(value, z, exact.VALUES[name], end=end),
        "φ'": exact.ulps(slope, z, exact.SLOPES[name], exact.LARGER_TERM.get(name)),
    }
    for kind, errors in pairs.items():
        at = int(errors.argmax())
        yield kind, float(errors[at]), float(z[at])

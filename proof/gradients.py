"""Gradients: every kind of network in shapes that Hypothesis draws, by independent derivations.

The short form takes two of the hundred shapes for every kind, the full one all of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients import central_difference, check, complex_step
from chainrule.gradients.checking import autograd
from chainrule.gradients.rounding import ROUNDING, rounding
from chainrule.nn import Dense
from chainrule.nn.network import Network
from chainrule.training.engines.threads import on_threads
from proof.agreement import Agreement, agreements, keep, line_of
from proof.image_networks import ImageCase, image_cases, image_network, loops_from
from proof.line import Line
from proof.networks import SHAPES, Drawn, all_drawn, network_of

STEP = 3e-4
"""Step of the central difference; larger steps err where high derivatives are large."""

SHORT = 1
"""Shapes of each kind in the short form."""

JAX_SHORT, JAX_FULL = 11, 47
"""One of this many networks goes through JAX, which compiles each anew for 0.2 s."""

CHECK_SHORT, CHECK_FULL = 1, 11
"""One of this many networks is given to `chainrule.gradients.check`."""

CHECK_IMAGES = 4
"""The same for networks of images, whose check takes longer, in the short form."""

CLAIMS = {
    "central": ("central difference", 1e-8),
    "complex": ("complex step", 1e-14),
    "torch": ("PyTorch autograd", 1e-13),
    "jax": ("JAX autograd", 1e-13),
    "explicit": ("explicit Jacobians against vjp", 1e-13),
    "rows": ("the rows of a batch in another order", 1e-13),
    "split": ("a batch in two parts", 1e-13),
    "units": ("hidden units in another order", 1e-13),
    "float32": ("float32 against float64", 1e-5),
}


def lines(full: bool) -> Iterator[Line]:
    """A line for each derivation; the full run is stored."""
    for what, swept in (("", sweep), ("images-", sweep_images)):
        start = time.perf_counter()
        found, wrong, count = swept(full)
        seconds = time.perf_counter() - start
        for name, agreement in found.items():
            if full and agreement.arrays:
                keep(f"gradients-{what}{name}", agreement, seconds, "make proof-full")
            yield line_of(f"gradients-{what}{name}", agreement)
        yield Line(
            "check: verdicts on the same networks",
            "all right",
            f"{count - len(wrong)} of {count} right" + (f"; first: {wrong[0]}" if wrong else ""),
            not wrong,
        )


def sweep(
    full: bool, numbers: Iterable[int] | None = None
) -> tuple[dict[str, Agreement], list[str], int]:
    """Every kind in many shapes, or in those of some numbers; two batches on each network.

    Returns:
        What was found by name, the networks that `check` finds wrong, and how many it looked at.
    """
    which = range(SHAPES if full else SHORT) if numbers is None else numbers
    found = agreements(CLAIMS)
    wrong, checked = [], 0
    each_jax, each_check = (JAX_FULL, CHECK_FULL) if full else (JAX_SHORT, CHECK_SHORT)
    with on_threads(1):
        for number, case in enumerate(all_drawn(which), 1):
            compare(found, case, with_jax=number % each_jax == 0)
            if number % each_check:
                continue
            checked += 1
            report = check(case.network, case.x, case.t, methods=["complex", "projection"])
            if not report.right:
                wrong.append(f"{case.kind}, {case.shape}: {report.diagnosis}")
    return found, wrong, checked


def sweep_images(full: bool) -> tuple[dict[str, Agreement], list[str], int]:
    """The same over layers on images, by turns in NumPy and in compiled loops."""
    found = agreements(
        {name: claim for name, claim in CLAIMS.items() if name != "units"}, "images: "
    )
    wrong, checked = [], 0
    each_jax, each_check = (JAX_FULL, CHECK_FULL) if full else (JAX_SHORT, CHECK_IMAGES)
    with on_threads(1):
        for number, case in enumerate(image_cases(full), 1):
            with loops_from(0 if number % 2 else 10**9):
                compare_image(found, case, with_jax=number % each_jax == 0)
                if number % each_check:
                    continue
                checked += 1
                report = check(case.network, case.x, case.t, methods=["complex", "projection"])
            if not report.right:
                wrong.append(f"{case.kind}, {case.seed}: {report.diagnosis}")
    return found, wrong, checked


def compare(found: dict[str, Agreement], case: Drawn, *, with_jax: bool) -> None:
    """Add one network's comparisons: the gradient after another batch went through the object."""
    where = (case.kind, case.shape)
    g, noise = compare_all(found, case.network, case.x, case.t, where, with_jax=with_jax)
    if case.shape.hidden:
        found["units"].add(case.network, where, g, with_units_moved(case), noise)
    narrow_network = network_of(case.kind, case.shape, 0, dtype="float32")
    other = narrow(case.network, narrow_network, case.x, case.t)
    found["float32"].add(case.network, where, g, other, noise * 2.0**29)


def compare_image(found: dict[str, Agreement], case: ImageCase, *, with_jax: bool) -> None:
    """The same for a network of images."""
    where = (case.kind, case.seed)
    g, noise = compare_all(found, case.network, case.x, case.t, where, with_jax=with_jax)
    narrow_network = image_network(case.kind, case.seed, dtype="float32")
    other = narrow(case.network, narrow_network, case.x, case.t)
    found["float32"].add(case.network, where, g, other, noise * 2.0**29)


def compare_all(
    found: dict[str, Agreement],
    network: Network,
    x: Array,
    t: Array,
    where: Any,
    *,
    with_jax: bool,
) -> tuple[Array, Array]:
    """Add the comparisons that suit every network; returns the gradient and its rounding error."""
    network.loss(x[::-1], t[::-1])
    network.backward_pass(t[::-1])
    g = gradient(network, x, t)
    noise = rounding(network, x, t, rng=np.random.default_rng(len(x))).gradient
    loss = network.loss(x, t)

    def f(theta: Array) -> Any:
        return network.loss(x, t, theta)

    def add(name: str, other: Array, blur: Array = noise) -> None:
        found[name].add(network, where, g, other, blur)

    blur = noise + 4 * ROUNDING * abs(loss) / STEP  # the rounding of the loss, divided by the step
    add("central", central_difference(f, network.theta, STEP), blur)
    add("complex", complex_step(f, network.theta))
    for library in ("torch", "jax"):
        if find_spec(library) is not None and (library == "torch" or with_jax):
            add(library, autograd(network, library, x, t))
    add("explicit", explicit(network, x, t))
    order = np.arange(len(x))[::-1]
    add("rows", gradient(network, x[order], t[order]))
    if len(x) > 1:
        add("split", in_parts(network, x, t))
    return g, noise


def gradient(network: Network, x: Array, t: Array) -> Array:
    """∂L/∂θ by the backward pass, a copy in float64."""
    network.loss(x, t)
    vector = network.backward_pass(t).vector
    return np.array(vector, dtype=float)


def explicit(network: Network, x: Array, t: Array) -> Array:
    """∂L/∂θ by multiplying the explicit Jacobians."""
    network.explicit_jacobians = True
    try:
        return gradient(network, x, t)
    finally:
        network.explicit_jacobians = False


def in_parts(network: Network, x: Array, t: Array) -> Array:
    """The mean of the gradients of two parts, weighted by their cases."""
    cut = len(x) // 3 + 1
    first, second = (
        gradient(network, x[part], t[part]) for part in (slice(cut), slice(cut, None))
    )
    mean: Array = (cut * first + (len(x) - cut) * second) / len(x)
    return mean


def with_units_moved(case: Drawn) -> Array:
    """The gradient of the same network with its hidden units in another order, put back."""
    moved = network_of(case.kind, case.shape, 0)
    positions = np.arange(len(moved.theta), dtype=float)
    moved.theta = positions
    dense = [layer for layer in moved.layers if isinstance(layer, Dense)]
    rng = np.random.default_rng(2)
    for before, after in pairwise(dense):
        order = rng.permutation(before.size)
        before.W, before.b, after.W = before.W[:, order], before.b[order], after.W[order]
    places = moved.theta.astype(int)
    moved.theta = case.network.theta[places]
    back = np.empty(len(places))
    back[places] = gradient(moved, case.x, case.t)
    return back


def narrow(network: Network, narrow_network: Network, x: Array, t: Array) -> Array:
    """The gradient in float32, at the same parameters."""
    narrow_network.theta = network.theta
    return gradient(narrow_network, x, t)

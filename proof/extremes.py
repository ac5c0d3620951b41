"""Gradients at the ends of floating point: the verdicts of `check` on right and wrong networks.

Networks of every kind at scales from 1e-8 to 1e8 and with saturated outputs are checked by every
method of `check`, which must call none of them wrong; then with one derivative multiplied by
1.001, and must call all of them wrong.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients import METHODS, Verdict, check
from chainrule.gradients.rounding import rounding
from chainrule.nn.network import Network
from chainrule.training.engines.threads import on_threads
from proof.extreme_networks import PLANTS, Extreme, extreme, planted
from proof.line import Line, store, stored_text

SHORT, FULL = 64, 2048
"""The number of networks."""

JAX_EVERY = 16
"""One of this many networks is checked by JAX too, which compiles each anew."""

AT_ONCE, CHUNK = 2, 64
"""Processes of the full run, and the networks in one task."""

CHANGE, SHARE = 100.0, 1e-11
"""A change of the gradient counts if it exceeds this many roundings and this relative size."""


@dataclass
class Found:
    """The verdicts on some networks.

    Attributes:
        networks: the number of networks.
        arrays: the number of arrays compared, by method.
        unjudged: the number of these that the method could not judge.
        wrong: right networks that were called wrong, with the diagnosis.
        warned: networks that raised a warning, with the warning.
        undecided: the number of networks with an array that no method could judge.
        changed: the number of networks whose gradient the multiplied derivative changed.
        missed: those of them that were called right.
    """

    networks: int = 0
    arrays: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    undecided: int = 0
    changed: int = 0
    missed: list[str] = field(default_factory=list)

    def __add__(self, other: Found) -> Found:
        """The verdicts on the networks of both."""
        return Found(**{name: getattr(self, name) + getattr(other, name) for name in vars(self)})


def lines(full: bool) -> Iterator[Line]:
    """A line for right networks, and one for wrong ones; the full run is stored."""
    start = time.perf_counter()
    found = in_full() if full else sweep(range(SHORT))
    seconds = time.perf_counter() - start
    for name, claim, asked, measured, holds in claims(found):
        if full:
            command = "python -m proof --full extremes"
            store(f"extremes-{name}", measured, holds=holds, command=command, seconds=seconds)
        yield Line(claim, asked, measured, holds, stored_text(f"extremes-{name}"))


def claims(found: Found) -> Iterator[tuple[str, str, str, str, bool]]:
    """Name, claim, what is asked, what was measured and whether it holds."""
    right = f"{found.networks:,} networks, {len(found.wrong)} called wrong"
    right += f", {len(found.warned)} warnings; arrays that a method could not judge: "
    right += ", ".join(f"{m} {found.unjudged[m]} of {n:,}" for m, n in found.arrays.items())
    right += f"; {found.undecided} networks with an array that none could"
    right += _first([*found.wrong, *found.warned])
    yield (
        "right",
        "check: right networks at scales from 1e-8 to 1e8, saturated",
        "0 called wrong, 0 warnings",
        right,
        not found.wrong and not found.warned,
    )
    missed = f"{found.changed - len(found.missed):,} of {found.changed:,} called wrong"
    yield (
        "wrong",
        "check: the same with a derivative times 1.001",
        "all that it changes by more than rounding",
        missed + _first(found.missed),
        not found.missed,
    )


def _first(problems: list[str]) -> str:
    return f"; first: {problems[0]}" if problems else ""


def in_full() -> Found:
    """All networks, in several processes."""
    spawned = multiprocessing.get_context("spawn")
    parts = [range(first, first + CHUNK) for first in range(0, FULL, CHUNK)]
    with ProcessPoolExecutor(AT_ONCE, spawned) as pool:
        return sum(pool.map(sweep, parts), Found())


def sweep(numbers: Iterable[int]) -> Found:
    """The networks of some numbers."""
    found = Found()
    with on_threads(1):
        for number in numbers:
            case = extreme(number)
            found.networks += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", RuntimeWarning)
                    _judge(found, case)
            except RuntimeWarning as warning:
                found.warned.append(f"{case}: {warning}")
            _plant(found, case)
    return found


def _judge(found: Found, case: Extreme) -> None:
    """Check a right network by every method."""
    methods = [
        method
        for method in METHODS
        if method not in ("torch", "jax") or find_spec(method) is not None
        if method != "jax" or case.number % JAX_EVERY == case.number // JAX_EVERY % JAX_EVERY
    ]
    report = check(case.network, case.x, case.t, methods=methods)
    for finding in report.parameters:
        found.arrays[finding.method] += 1
        found.unjudged[finding.method] += finding.verdict is Verdict.UNJUDGED
    found.undecided += bool(report.unjudged)
    if not report.right:
        found.wrong.append(f"{case}: {report.diagnosis}")


def _plant(found: Found, case: Extreme) -> None:
    """Check the network with one derivative multiplied by 1.001."""
    network, what = case.network, PLANTS[case.number // 4 % len(PLANTS)]
    x, t = network.prepare_inputs(case.x), network.prepare_targets(case.t)
    right = gradient(network, x, t)
    # Numbers below the smallest normal one count as rounding.
    noise = rounding(network, x, t, rng=np.random.default_rng(case.number)).flushed
    with planted(case, what):
        change = np.abs(gradient(network, x, t) - right)
        if not ((change > CHANGE * noise) & (change > SHARE * np.abs(right))).any():
            return
        found.changed += 1
        report = check(network, x, t, methods=["complex", "projection"])
    if report.right:
        found.missed.append(f"{case}, {what}")


def gradient(network: Network, x: Array, t: Array) -> Array:
    """A copy of ∂L/∂θ by the backward pass."""
    with np.errstate(all="ignore"):
        network.loss(x, t)
        return network.backward_pass(t).vector.copy()

"""Whether the gradients of a teacher's solution are those of its own forward pass.

Where no program knows what is right, the solution says it: so it is compared with central
differences, (f(x + h) − f(x − h)) / 2h, of what it computes itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.assignments.assignment import Part
from chainrule.marking.program import Gradient, Probe
from chainrule.marking.sandbox.running import Returned, ask

STEP = 1e-5
"""h, relative to the largest number of the input where that is above 1."""

TOLERANCE = 1e-5
"""How far central differences may be off, relative to the largest number of the gradient."""

MOST = 400
"""An input of more numbers than this is not differentiated: every number takes two calls."""


def differing_gradients(part: Part, solution: Path) -> Iterator[str]:
    """A sentence for each gradient that is not that of the solution's own forward pass.

    Args:
        part: has a reference.
        solution: the folder of the solution.
    """
    for name, gradient in part.program.gradients.items():
        for probe in part.program.probes:
            case = probe.calls[0]
            by = np.asarray(case[gradient.by])
            if by.dtype.kind != "f" or by.size > MOST:
                continue
            found = _numeric(part, solution, gradient, case)
            expected = np.asarray(part.program.run(probe)[0][name], float)
            if found is None or _is_close(expected, found.reshape(by.shape)):
                continue
            yield (
                f"{name} is not the gradient of {gradient.of} with respect to {gradient.by}: for "
                f"“{probe.name}” it differs from numeric differentiation, "
                f"{_first(expected, found)}"
            )
            break


def _numeric(
    part: Part, solution: Path, gradient: Gradient, case: Mapping[str, Any]
) -> Array | None:
    """The gradient by central differences; None where the solution gives no numbers."""
    by = np.asarray(case[gradient.by], float)
    step = STEP * max(1.0, float(np.abs(by).max(initial=0.0)))
    probes = [
        Probe(f"{k} {sign}", "", ({**case, gradient.by: _moved(by, k, sign * step)},))
        for k in range(by.size)
        for sign in (1, -1)
    ]
    calls = replace(part.calls, returns={gradient.of: part.calls.returns[gradient.of]})
    answers = ask(solution, calls, probes, part.limits, trust=True)
    totals = [_total(answers[probe.name][0], gradient, case) for probe in probes]
    if None in totals:
        return None
    values = np.array(totals, float)
    return (values[0::2] - values[1::2]) / (2 * step)


def _moved(by: Array, k: int, step: float) -> Any:
    """The input with its number k moved by a step."""
    moved = by.copy()
    moved.ravel()[k] += step
    return moved if moved.ndim else float(moved)


def _total(returned: Returned, gradient: Gradient, case: Mapping[str, Any]) -> float | None:
    """Σ upstream · value, whose derivative the gradient is."""
    value = returned.values.get(gradient.of)
    if value is None:
        return None
    upstream = case[gradient.upstream] if gradient.upstream else 1.0
    return float(np.sum(np.asarray(value, float) * upstream))


def _is_close(expected: Array, found: Array) -> bool:
    if expected.shape != found.shape:
        return False
    scale = max(float(np.abs(found).max(initial=0.0)), 1e-3)
    return bool(np.all(np.abs(expected - found) <= TOLERANCE * scale))


def _first(expected: Array, found: Array) -> str:
    """The first number that differs, for a message."""
    if expected.size != found.size:
        return f"whose shape is another one ({expected.shape})"
    flat = expected.ravel()
    k = int(np.argmax(np.abs(flat - found.ravel())))
    return f"where {flat[k]:.6g} should be {found.ravel()[k]:.6g}"

"""The gradients of a submission's own loss, by differences of what it returns.

Where the forward pass or the loss is wrong, the gradients are judged against these, so that one
fault is charged once: a gradient that is the derivative of its own wrong loss is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.deciding.evaluating import array_of
from chainrule.marking.deciding.search import bench_of
from chainrule.marking.program import Case, Gradient, Probe, Program
from chainrule.marking.sandbox.running import Answers

More = Callable[[Sequence[Probe]], Answers]
"""Makes further calls of the submission."""

STEP = 1e-5
"""Of the differences, for numbers of about 1."""

TOLERANCE = 1e-5
"""The error, relative to the largest number, up to which a gradient agrees with differences."""

_MOST_NUMBERS = 400


def own_gradients(
    program: Program, answers: Answers, lines: Sequence[str], more: More
) -> dict[str, bool]:
    """Whether gradients are those of the submission's own loss.

    Args:
        program: says which lines are gradients, and of what.
        answers: what the submission returned.
        lines: gradients that it returned.
        more: makes further calls.

    Returns:
        For each line that could be judged, whether it agrees in both probes that were tried.
    """
    derived = program.derived()
    agrees: dict[str, bool] = {}
    for probe in _probes(program, answers):
        wanted = {line: derived[line] for line in lines if line in derived}
        for line, numeric in _numeric(probe, wanted, more).items():
            found = array_of(answers[probe.name][0].values.get(line))
            if found is None or numeric is None:
                continue
            right = array_of(
                bench_of(program, program.probes).under((), None).value(probe.name, 0, line)
            )
            is_own = _is_near(found, numeric) and _is_alike(numeric, right)
            agrees[line] = agrees.get(line, True) and is_own
    return agrees


def _is_near(found: Array, numeric: Array) -> bool:
    if found.size != numeric.size:
        return False
    found = found.reshape(numeric.shape)
    most = float(np.abs(numeric).max(initial=0.0))
    return bool(np.all(np.abs(found - numeric) <= TOLERANCE * max(most, 1e-3)))


def _is_alike(numeric: Array, right: Array | None) -> bool:
    """Whether a gradient points where the right one does: any other loss is another exercise."""
    if right is None or right.size != numeric.size:
        return False
    a, b = numeric.ravel(), right.ravel()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return bool(size == 0 and not b.any()) or (size > 0 and float(a @ b) > 0.5 * size)


def _probes(program: Program, answers: Answers) -> list[Probe]:
    """Two usual probes, small ones first, of more than one case where there are such."""

    def size(probe: Probe) -> int:
        return sum(np.size(value) for value in probe.calls[0].values())

    usual = [
        probe
        for probe in program.probes
        if not probe.is_extreme and answers.get(probe.name) and answers[probe.name][0].values
    ]
    several = [probe for probe in usual if probe.name != "one case"] or usual
    return sorted(several, key=size)[:2]


def _numeric(probe: Probe, wanted: Mapping[str, Gradient], more: More) -> dict[str, Array | None]:
    case = probe.calls[0]
    probes, places = list[Probe](), list[tuple[str, int]]()
    for line, gradient in wanted.items():
        value = case.get(gradient.by)
        if not isinstance(value, np.ndarray) or value.size > _MOST_NUMBERS:
            continue
        for k in range(value.size):
            places.append((line, k))
            probes += [_nudged(case, gradient.by, k, sign, len(places)) for sign in (1, -1)]
    if not probes:
        return {}
    answers = more(probes)
    found: dict[str, Array | None] = {
        line: np.zeros(np.shape(case[gradient.by])) for line, gradient in wanted.items()
    }
    for (line, k), high, low in zip(places, probes[::2], probes[1::2], strict=True):
        slope = _slope(wanted[line], case, answers, high, low)
        values = found[line]
        if slope is None or values is None:
            found[line] = None
        else:
            values.flat[k] = slope
    return {line: values for line, values in found.items() if any(line == p for p, _ in places)}


def _nudged(case: Case, name: str, k: int, sign: int, number: int) -> Probe:
    value = np.array(case[name], float)
    value.flat[k] += sign * STEP
    return Probe(f"{number} {'+' if sign > 0 else '-'}", "", ({**case, name: value},))


def _slope(
    gradient: Gradient, case: Case, answers: Answers, high: Probe, low: Probe
) -> float | None:
    ends = [array_of(answers[p.name][0].values.get(gradient.of)) for p in (high, low)]
    if any(end is None or not np.isfinite(end).all() for end in ends):
        return None
    a, b = (np.asarray(end, float) for end in ends)
    change = (a - b) / (2 * STEP)
    if not gradient.upstream:
        return float(change.sum()) if change.size == 1 else None
    upstream = np.asarray(case[gradient.upstream], float)
    return float((upstream * change).sum()) if upstream.size == change.size else None

"""What the calls have in common in which something is wrong, where it is right in all others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from chainrule.marking.program import Case, Probe

Call = tuple[str, int]
"""The name of a probe, and which of its calls, from 0."""

Condition = tuple[str, Callable[[Case, int], bool]]
"""Words that go after what is wrong, and whether they hold for the inputs of a call."""

LARGE = 50.0
"""Numbers above it are large: e to them leaves few digits to anything else."""


def in_common(probes: Sequence[Probe], wrong: Collection[Call], right: Collection[Call]) -> str:
    """The first plain condition that all wrong calls meet and no right one; else an empty text.

    Args:
        probes: the calls, with their inputs.
        wrong: those in which something is wrong.
        right: those in which it is not.

    Example:
        >>> one, five = {"X": np.ones((1, 2))}, {"X": np.ones((5, 2))}
        >>> in_common([Probe("a", "", (one,)), Probe("b", "", (five,))], [("a", 0)], [("b", 0)])
        'for a single case (N = 1) alone'
    """
    cases = {(probe.name, k): case for probe in probes for k, case in enumerate(probe.calls)}
    if not wrong or not right:
        return ""
    for words, holds in _conditions([*cases.values()]):
        met = [holds(cases[call], call[1]) for call in wrong if call in cases]
        others = [holds(cases[call], call[1]) for call in right if call in cases]
        if met and all(met) and not any(others):
            return words
    return ""


def _conditions(cases: Sequence[Case]) -> Iterator[Condition]:
    yield "in the second call on the same object and later", lambda case, k: k > 0
    yield "for a single case (N = 1) alone", lambda case, k: _number(case) == 1
    yield "for more than one case; for a single one it is right", lambda case, k: _number(case) > 1
    names = list(dict.fromkeys(name for case in cases for name in case))
    for name in names:
        yield from _of_input(name)
    yield "where the number of cases is odd", lambda case, k: _number(case) % 2 == 1
    yield "where the number of cases is even", lambda case, k: _number(case) % 2 == 0
    yield "where there are large numbers", lambda case, k: any(map(_is_large, case.values()))


def _of_input(name: str) -> Iterator[Condition]:
    yield f"where {name} is not 0", lambda case, k: _scalar(case, name) not in (None, 0.0)
    yield f"where {name} is 0", lambda case, k: _scalar(case, name) == 0.0
    yield f"where {name} is square", lambda case, k: _sizes(case, name) == 1
    yield f"where {name} is not square", lambda case, k: _sizes(case, name) > 1
    yield (
        f"where some class does not occur in {name}",
        lambda case, k: _lacks_a_class(case.get(name)),
    )


def _number(case: Case) -> int:
    """The number of cases: the rows of the first array."""
    return next((len(one) for one in case.values() if np.ndim(one) > 0), 0)


def _scalar(case: Case, name: str) -> float | None:
    value = case.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _sizes(case: Case, name: str) -> int:
    """How many different sizes the axes of a matrix have; 0 where it is none."""
    shape = np.shape(case[name]) if name in case else ()
    return len(set(shape)) if len(shape) == 2 else 0


def _is_large(value: object) -> bool:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return False
    return bool(np.abs(value).max(initial=0.0) > LARGE)


def _lacks_a_class(labels: object) -> bool:
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.ndim != 1:
        return False
    return bool(len(np.unique(labels)) < labels.max(initial=-1) + 1)

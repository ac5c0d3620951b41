"""Checks an assignment by what only running tells: the solution, and what the probes notice.

A part whose solution fails would fail every student. A part that notices few of the known bugs
lets the others through; where two bugs give the same numbers in all probes, both are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isclose
from typing import Any

import numpy as np

from chainrule.core.errors import ChainruleError, Problem
from chainrule.marking.assignments.assignment import FILE, Assignment, Part, require_solution
from chainrule.marking.assignments.differences import differing_gradients
from chainrule.marking.assignments.reference import CASE, require_own_bugs
from chainrule.marking.classes.classroom import mark_handed_in
from chainrule.marking.classes.submissions import Submission
from chainrule.marking.program import Case, Probe, Values, Variation, is_same
from chainrule.marking.result import PartResult
from chainrule.marking.sandbox.starting import find_tier

SLOW = 0.5
"""A part whose solution takes more than this share of its limit is warned of."""

FEW = 0.5
"""A part that notices fewer than this share of the bugs of its own stages is warned of."""


@dataclass(frozen=True)
class PartCheck:
    """What was found about one part of an assignment.

    Attributes:
        name: of the part.
        is_right: whether the solution passes it.
        said: what is wrong with the solution.
        known: how many bugs are known in the stages that it judges.
        noticed: how many of them change a value that the part is charged for.
        missed: the titles of those that change none.
        alike: groups of titles of bugs that give the same numbers in all probes, and that no
            other part tells apart either.
        seconds: what the solution takes.
        limit: what it may take.
        titles: of all bugs that are known.
    """

    name: str
    is_right: bool
    said: tuple[str, ...]
    known: int = 0
    noticed: int = 0
    missed: tuple[str, ...] = ()
    alike: tuple[tuple[str, ...], ...] = ()
    seconds: float = 0.0
    limit: float = 0.0
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """What was found about an assignment.

    Attributes:
        parts: in order.
        tier: the sandbox.
        warnings: what a teacher may want to change.
    """

    parts: tuple[PartCheck, ...]
    tier: str
    warnings: tuple[str, ...] = field(default=())

    @property
    def is_right(self) -> bool:
        """Whether the solution passes every part."""
        return all(part.is_right for part in self.parts)


def require_right(assignment: Assignment) -> None:
    """Refuse an assignment whose solution fails a part: it would fail everybody.

    Raises:
        ChainruleError: with each part that the solution does not pass, or a solution with one of
            the teacher's own bugs that returns nothing.
    """
    require_solution(assignment)
    solution = Submission("solution", assignment.solution)
    parts = mark_handed_in(assignment, solution, trust=True).marked.parts
    message = "your solution does not pass this part; chainrule assignment check says more"
    wrong = [f"{part.name}: {message}" for part in parts if part.status != "right"]
    if wrong:
        raise ChainruleError([Problem(words, assignment.folder / FILE) for words in wrong])
    _require_own_bugs(assignment)


def _require_own_bugs(assignment: Assignment) -> None:
    for part in assignment.parts:
        if part.is_reference:
            require_own_bugs(part.program)


def check_assignment(assignment: Assignment) -> Checked:
    """Mark the teacher's solution, and count what each part would notice.

    Args:
        assignment: what is checked.

    Raises:
        ChainruleError: the solution has not the files that students are asked for, or one with a
            bug of the teacher's own returns nothing.
    """
    require_solution(assignment)
    _require_own_bugs(assignment)
    kept = mark_handed_in(assignment, Submission("solution", assignment.solution), trust=True)
    marked = kept.marked
    results = {result.name: result for result in marked.parts}
    parts = tuple(_checked(assignment, part, results[part.name]) for part in assignment.parts)
    parts = tuple(replace(one, alike=tuple(_left(assignment, one.alike))) for one in parts)
    return Checked(parts, find_tier().sentence, tuple(_warnings(assignment, parts)))


def _left(assignment: Assignment, groups: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Of groups of bugs that a part does not tell apart, by titles, those that no part does."""
    for group in groups:
        left = list(dict.fromkeys(group))
        while left:
            first, *rest = left
            same = [o for o in rest if not _are_told_apart(assignment, first, o)]
            if same:
                yield (first, *same)
            left = [one for one in rest if one not in same]


def _are_told_apart(assignment: Assignment, *titles: str) -> bool:
    return any(_tells_apart(part, *titles) for part in assignment.parts)


def _tells_apart(part: Part, *titles: str) -> bool:
    """Whether two bugs, by their titles, give other numbers in a part."""
    known = {bug.title: bug for bug in part.program.variations}
    if any(title not in known for title in titles):
        return False
    one, other = (_numbers(part, known[title]) for title in titles)
    return not _agree(part, one, other)


def _checked(assignment: Assignment, part: Part, result: PartResult) -> PartCheck:
    bugs = _of_own_stages(part)
    numbers = {bug.name: _numbers(part, bug) for bug in bugs}
    right = _numbers(part, None)
    unseen = [bug for bug in bugs if _agree(part, numbers[bug.name], right, judged=True)]
    missed = tuple(bug.title for bug in unseen)
    groups = tuple(_alike(part, bugs, numbers, right))
    wrong = tuple(differing_gradients(part, assignment.solution)) if part.is_reference else ()
    is_right = result.status == "right" and not wrong
    return PartCheck(
        part.name,
        is_right,
        wrong or (*result.lines, *result.teacher),
        len(bugs),
        len(bugs) - len(missed),
        missed,
        groups,
        result.seconds,
        part.limits.seconds,
        tuple(bug.title for bug in bugs),
    )


_Numbers = dict[str, list[Values] | None]
"""Of each probe, by its name, the values of each call; None where a rule fails, as of shapes."""


def _numbers(part: Part, bug: Variation | None) -> _Numbers:
    """What a submission with a bug would return."""
    return {probe.name: _run(part, probe, bug) for probe in part.program.probes}


def _run(part: Part, probe: Probe, bug: Variation | None) -> list[Values] | None:
    try:
        values = part.program.run(probe, () if bug is None else (bug,))
    except (ValueError, IndexError, TypeError):
        return None
    return [{name: call.get(name) for name in part.calls.returns} for call in values]


def _agree(part: Part, one: _Numbers, other: _Numbers, *, judged: bool = False) -> bool:
    """Whether two bugs give the same numbers, in all values or in those that are charged."""
    names = part.judged if judged else tuple(part.calls.returns)
    return all(
        (one[probe] is None) == (other[probe] is None)
        and all(
            _same(a.get(name), b.get(name), part.tolerance)
            for a, b in zip(one[probe] or (), other[probe] or (), strict=True)
            for name in names
        )
        for probe in one
    )


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return is_same(one, other, tolerance)


def _alike(
    part: Part, bugs: Sequence[Variation], numbers: dict[str, _Numbers], right: _Numbers
) -> Iterator[tuple[str, ...]]:
    """Groups of bugs that give the same numbers; those that change nothing are not among them."""
    left = [bug for bug in bugs if not _agree(part, numbers[bug.name], right)]
    sizes = {bug.name: _size(numbers[bug.name]) for bug in left}
    while left:
        first, *rest = left
        near = [b for b in rest if isclose(sizes[first.name], sizes[b.name], rel_tol=1e-5)]
        same = [bug for bug in near if _agree(part, numbers[first.name], numbers[bug.name])]
        if same:
            yield tuple(bug.title for bug in (first, *same))
        left = [bug for bug in rest if bug not in same]


def _size(numbers: _Numbers) -> float:
    """The sum of all absolute values, which differs where numbers do, so that few are compared."""
    values = (v for calls in numbers.values() for call in calls or () for v in call.values())
    arrays = (np.asarray(v, float) for v in values if v is not None)
    return float(sum(np.abs(a[np.isfinite(a)]).sum() for a in arrays))


def _warnings(assignment: Assignment, checks: Sequence[PartCheck]) -> Iterator[str]:
    """What a teacher may want to change."""
    noticed = {title for one in checks for title in one.titles if title not in one.missed}
    total = sum(part.credit for part in assignment.parts)
    if total == 0:
        yield "no part is worth a point"
    for part, check in zip(assignment.parts, checks, strict=True):
        if check.seconds > SLOW * check.limit:
            yield (
                f"{part.name}: your solution takes {check.seconds:.1f} s of {check.limit:g} s; a "
                "slower one that is right, with loops, may not end in time"
            )
        if len(noticed.intersection(check.titles)) < FEW * check.known:
            yield f"{part.name}: it notices few of the bugs of what it judges; return more values"
        yield from _of_hidden(assignment, part)


def _of_own_stages(part: Part) -> list[Variation]:
    """The bugs in a part's own stages, which it should notice."""
    stages = {part.program.line(name).stage for name in part.judged if part.program.lines}
    bugs = [v for v in part.program.variations if not v.is_convention]
    return [bug for bug in bugs if part.program.stage_of(bug) in stages]


def _of_hidden(assignment: Assignment, part: Part) -> Iterator[str]:
    """Hidden parts whose numbers another part shows."""
    if not part.is_hidden:
        return
    for other in assignment.parts:
        is_same = other.is_reference or other.program.name == part.program.name
        shows = not other.is_hidden and other.is_reference == part.is_reference and is_same
        if shows and set(other.calls.returns) & set(part.judged) and _have_calls(part, other):
            yield f"{part.name} is hidden, but {other.name} shows numbers of the same calls"
            return


def _have_calls(part: Part, other: Part) -> bool:
    """Whether two parts have calls with the same inputs."""
    cases = [
        [call for probe in one.program.probes for call in probe.calls] for one in (part, other)
    ]
    return any(_is_same_case(one, another) for one in cases[0] for another in cases[1])


def _is_same_case(one: Case, other: Case) -> bool:
    names = [name for name in one if name != CASE]
    return {*names} == {name for name in other if name != CASE} and all(
        np.array_equal(one[name], other[name]) for name in names
    )

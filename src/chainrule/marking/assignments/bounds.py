"""Parts that are not judged as a whole by a program: bounds, shares, and what waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chainrule.marking.assignments.assignment import Part
from chainrule.marking.deciding.contract import named
from chainrule.marking.program import Probe, Variation, is_same
from chainrule.marking.result import PartResult
from chainrule.marking.sandbox.running import Answers, Calls, Returned, Trouble, ask


def waiting(part: Part, before: Sequence[PartResult]) -> PartResult | None:
    """The result of a part that needs others which are not right; None where it may be marked.

    Args:
        part: the part.
        before: the results of the earlier parts.
    """
    titles = [one.title for one in before if one.name in part.needs and one.status != "right"]
    if not titles:
        return None
    line = f"This part is marked once these are right: {'; '.join(titles)}."
    return PartResult(part.name, part.title, part.credit, 0.0, "not run", lines=(line,))


def judged_by_bounds(part: Part, answers: Answers) -> PartResult:
    """The result of a part whose returned numbers must lie between bounds.

    Args:
        part: has bounds.
        answers: what the submission returned.
    """
    answers = _measured(part, answers) if part.measures else answers
    lines = tuple(dict.fromkeys(_outside(part, answers)))
    missing = [
        returned
        for calls in answers.values()
        for returned in calls
        if any(name not in returned.values for name in part.bounds)
    ]
    status = "not run" if missing else "wrong" if lines else "right"
    if missing:
        lines = tuple(dict.fromkeys(_missing(part, one.trouble) for one in missing))
    titles = dict(_faults(part, missing) if status != "right" else ())
    return PartResult(
        part.name,
        part.title,
        part.credit,
        part.credit if status == "right" else 0.0,
        status,
        (" + ".join(titles),) if titles else (),
        (),
        lines,
        titles=tuple(titles.items()),
    )


def _faults(part: Part, missing: Sequence[Returned]) -> Iterator[tuple[str, str]]:
    """The names of what is wrong with a part that has bounds, with their titles."""
    for one in missing:
        yield named(one.trouble) if one.trouble else ("missing", "a number is not returned")
    if not missing:
        for name in part.bounds:
            yield f"outside_bounds@{name}", f"{name} does not lie within its bounds"


def _measured(part: Part, answers: Answers) -> Answers:
    """The answers with what is computed of them, in a process that has seen nothing of them."""
    calls = Calls((), "", "pass", dict(part.measures))
    probes = [
        Probe(
            probe.name,
            "",
            tuple(
                {**case, **returned.values}
                for case, returned in zip(probe.calls, answers[probe.name], strict=True)
            ),
        )
        for probe in part.program.probes
    ]
    found = ask(Path(), calls, probes, part.limits, trust=True)
    return {
        name: [
            replace(returned, values={**returned.values, **one.values})
            for returned, one in zip(calls_of, found[name], strict=True)
        ]
        for name, calls_of in answers.items()
    }


def _outside(part: Part, answers: Answers) -> Iterator[str]:
    """A sentence for each number that does not lie between its bounds."""
    for probe in part.program.probes:
        for returned in answers[probe.name]:
            for name, (low, high) in part.bounds.items():
                value = np.asarray(returned.values.get(name, low), float)
                if value.size != 1 or not low <= float(value.ravel()[0]) <= high:
                    yield _sentence(part, name, value, low, high)


def _sentence(part: Part, name: str, value: np.ndarray, low: float, high: float) -> str:
    wanted = _wanted(low, high)
    if part.is_hidden or part.hint == "none":
        return f"{name} is not {wanted}."
    if value.size != 1:
        return f"{name} must be one number, {wanted}; yours has {value.size}."
    return f"{name} is {float(value.ravel()[0]):.4g}; it must be {wanted}."


def _wanted(low: float, high: float) -> str:
    if high == float("inf"):
        return f"at least {low:g}"
    if low == -float("inf"):
        return f"at most {high:g}"
    return f"from {low:g} to {high:g}"


def _missing(part: Part, trouble: Trouble | None) -> str:
    """Why there is no number, as far as a student may be told."""
    if trouble is not None and trouble.kind == "time":
        return f"It did not end within {part.limits.seconds:g} s."
    if part.is_hidden or trouble is None or not trouble.text:
        return "It ended without a number."
    return f"It ended without a number: {trouble.text}"


def shared_credit(
    part: Part, answers: Answers, conventions: Sequence[Variation], faults: int = 0
) -> float:
    """The points of a part that is wrong, in proportion to the judged arrays that are right.

    An array counts where it is right in every call but extreme ones, under the conventions of the
    submission.

    Args:
        part: with ``share``.
        answers: what the submission returned.
        conventions: those that it follows.
        faults: of no array, such as writing into an input; each costs as much as an array.
    """
    right = [name for name in part.judged if _is_right(part, name, answers, conventions)]
    return part.credit * max(len(right) - faults, 0) / max(len(part.judged), 1)


def _is_right(part: Part, name: str, answers: Answers, conventions: Sequence[Variation]) -> bool:
    """Whether a value is right in every call of a probe that is not extreme."""
    for probe in part.program.probes:
        if probe.is_extreme:
            continue
        expected = part.program.run(probe, conventions)
        for returned, values in zip(answers[probe.name], expected, strict=True):
            found = returned.values.get(name)
            if found is None or not is_same(found, values[name], part.tolerance):
                return False
    return True

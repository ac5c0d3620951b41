"""Mark one submission: run every part in the sandbox, decide, and say what was found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from chainrule.marking.assignments.assignment import Assignment, Part
from chainrule.marking.assignments.bounds import judged_by_bounds, shared_credit, waiting
from chainrule.marking.deciding.decide import Known, Verdict, decide
from chainrule.marking.deciding.fresh import BY_HEART, knows_by_heart, seed_of
from chainrule.marking.deciding.saying import demonstrated, is_fault, said, script, taught
from chainrule.marking.deciding.search import Chosen
from chainrule.marking.program import Probe
from chainrule.marking.programs.descent import descent
from chainrule.marking.result import Marked, PartResult
from chainrule.marking.sandbox.running import Answers, Limits, ask
from chainrule.marking.sandbox.starting import find_tier
from chainrule.marking.training_runs import WRITTEN, training_answers


def mark_submission(
    assignment: Assignment, folder: Path, student: str = "", *, trust: bool = False
) -> Marked:
    """Mark a submission.

    Args:
        assignment: what was asked for.
        folder: the submission, unpacked.
        student: its name; by default the folder's.
        trust: run it also where the machine cannot hold untrusted code.

    Raises:
        Unsafe: the machine cannot hold untrusted code, and it is not trusted.
    """
    imports = assignment.imports
    return mark_parts(assignment.parts, folder, None, student, imports=imports, trust=trust)


def mark_parts(
    parts: Sequence[Part],
    folder: Path,
    limits: Limits | None = None,
    student: str = "",
    *,
    imports: Sequence[str] | None = None,
    trust: bool = False,
) -> Marked:
    """Mark the parts of a submission, in order.

    Args:
        parts: a fault that an earlier one was charged for costs a later one nothing.
        folder: the submission, unpacked.
        limits: what its code may use in each part, where not the part's own limits.
        student: its name; by default the folder's.
        imports: the modules that it may import besides its own; None for any.
        trust: run it also where the machine cannot hold untrusted code.

    Raises:
        Unsafe: the machine cannot hold untrusted code, and it is not trusted.
    """
    submission = _Submission(folder, limits, imports, trust)
    start = time.perf_counter()
    charged = _Charged()
    found: list[PartResult] = []
    for part in parts:
        begun = time.perf_counter()
        one = waiting(part, found) or _marked_part(part, submission, charged)
        found.append(replace(one, seconds=time.perf_counter() - begun))
    return Marked(
        student or folder.name, tuple(found), find_tier().name, time.perf_counter() - start
    )


@dataclass(frozen=True)
class _Submission:
    """A submission and how it may run."""

    folder: Path
    limits: Limits | None
    imports: Sequence[str] | None
    trust: bool
    explained: dict[str, Sequence[Chosen]] = field(default_factory=dict)
    found: dict[str, list[Chosen]] = field(default_factory=dict)

    def answers(self, part: Part, probes: Sequence[Probe]) -> Answers:
        """What it returns for the calls of a part."""
        limits, imports = self.limits or part.limits, self.imports
        folder, calls, trust = self.folder, part.calls, self.trust
        if calls.run:
            return training_answers(
                folder, calls, part.program, limits, imports=imports, trust=trust
            )
        return ask(folder, calls, probes, limits, imports=imports, trust=trust)

    def known(self, part: Part) -> Known | None:
        """What explains all runs of a program at once, or earlier parts of the same program."""
        file = part.calls.run
        if file:
            return lambda: self._of_all_runs(file, part)
        return lambda: self.found.get(part.program.name, ())

    def keep(self, part: Part, verdict: Verdict) -> None:
        """Keep what explains a part, for later parts of the same program."""
        if not verdict.unexplained:
            same = (one for others in verdict.same for one in others)
            bugs = [one for one in (*verdict.explanations, *same) if not _is_free(one)]
            self.found.setdefault(part.program.name, []).extend(bugs)

    def _of_all_runs(self, file: str, part: Part) -> Sequence[Chosen]:
        if file not in self.explained:
            calls = replace(part.calls, returns=dict.fromkeys(WRITTEN, ""))
            whole = replace(part, calls=calls, program=descent())
            answers = self.answers(whole, whole.program.probes)
            verdict = decide(whole.program, answers, None, part.tolerance)
            self.explained[file] = () if verdict.unexplained else verdict.explanations
        return self.explained[file]


@dataclass
class _Charged:
    """What earlier parts were charged for.

    Attributes:
        names: the faults that were told, with the part's title.
        faults: these and what would have given the same numbers there.
    """

    names: dict[str, str] = field(default_factory=dict)
    faults: set[str] = field(default_factory=set)


def _is_free(chosen: Chosen) -> bool:
    return all(variation.is_convention for variation in chosen)


def _marked_part(part: Part, submission: _Submission, charged: _Charged) -> PartResult:
    more = partial(submission.answers, part)
    answers = more(part.program.probes)
    if part.bounds:
        return judged_by_bounds(part, answers)
    verdict = decide(part.program, answers, more, part.tolerance, submission.known(part))
    submission.keep(part, verdict)
    if verdict.is_right and _is_by_heart(part, verdict, submission):
        verdict = replace(verdict, contract=(*verdict.contract, BY_HEART))
    verdict = _known_alone(part, _of_unknown_training(part, verdict, charged), charged.names)
    told = dict(charged.names)
    status = _status(part, verdict, charged)
    located = next((f for f in verdict.contract if f.line is not None), None)
    lines = (*said(part, verdict, status, told), *_to_run(part, verdict))
    return PartResult(
        part.name,
        part.title,
        part.credit,
        _earned(part, verdict, answers, status),
        status,
        () if status == "right" else _names(part, verdict),
        tuple(v.name for v in verdict.best if v.is_convention),
        lines,
        taught(part, verdict),
        demonstrated(part, verdict, told) if status == "wrong" else None,
        located.file if located and not part.is_hidden else None,
        located.line if located and not part.is_hidden else None,
        tuple(dict.fromkeys(_titles(verdict))),
        advice=_advice(verdict),
    )


def _of_unknown_training(part: Part, verdict: Verdict, charged: _Charged) -> Verdict:
    """The verdict without guesses, where an earlier part found a training that nothing explains.

    What such a network predicts is known to nobody, so that a bug that fits its labels fits by
    chance; only what changes the report alone is believed. The training was charged before.
    """
    lines = [line for line in part.judged if line.endswith(("_labels", "_error"))]
    unknown = {"unexplained@train_losses", "unexplained@validation_losses"} & charged.faults
    if not (part.program.is_run and lines and unknown) or verdict.is_right:
        return verdict
    if not verdict.unexplained and all(set(v.changes) <= set(lines) for v in verdict.best):
        return verdict
    charged.faults.update(f"unexplained@{line}" for line in part.judged)
    return replace(verdict, explanations=(), same=(), telling=None, place=None)


def _known_alone(part: Part, verdict: Verdict, told: Mapping[str, str]) -> Verdict:
    """The verdict with the one explanation whose faults all were told before, where there is one.

    A fault gives the same numbers as others in a part that looks at little; it is no new one.
    """
    for k, one in enumerate(() if verdict.is_right else verdict.explanations):
        faults = [v.name for v in one if is_fault(part, v)]
        if faults and all(name in told for name in faults):
            same = verdict.same[k : k + 1]
            return replace(verdict, explanations=(one,), same=same, telling=None)
    return verdict


def _earned(part: Part, verdict: Verdict, answers: Answers, status: str) -> float:
    """The points: all or none, or, where the part says so, those of the arrays that are right."""
    if status in ("right", "charged before"):
        return part.credit
    if status != "wrong" or not part.is_shared or BY_HEART in verdict.contract:
        return 0.0
    conventions = [v for v in verdict.best if v.is_convention]
    faults = sum(one.is_charged and not one.lines for one in verdict.contract)
    return shared_credit(part, answers, conventions, faults)


def _is_by_heart(part: Part, verdict: Verdict, submission: _Submission) -> bool:
    """Whether a part that is right for its probes is wrong for inputs next to them."""
    program = part.program
    if program.is_run or program.is_tabled:
        return False
    return knows_by_heart(
        program,
        verdict.best,
        verdict.judged,
        part.tolerance,
        seed_of(submission.folder, part.calls.modules),
        partial(submission.answers, part),
    )


def _titles(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """The names of all that was found, with what they say."""
    for one in verdict.explanations:
        yield from ((v.name, v.title) for v in one)
    yield from ((finding.name, finding.title) for finding in verdict.contract)
    yield from ((bug.name, bug.title) for bug in verdict.advice)


def _advice(verdict: Verdict) -> tuple[str, ...]:
    """The names of what is told and costs nothing."""
    free = [finding.name for finding in verdict.contract if not finding.is_charged]
    return tuple(dict.fromkeys([*(bug.name for bug in verdict.advice), *free]))


def _to_run(part: Part, verdict: Verdict) -> Iterator[str]:
    """The call that tells explanations apart; of a hidden part not even how it is called."""
    if verdict.telling is not None and part.hint == "full" and not part.is_hidden:
        yield (
            "To find out which one it is, run this beside your file and compare:\n"
            f"{script(part, verdict.telling)}"
        )


def _names(part: Part, verdict: Verdict) -> tuple[str, ...]:
    """The names of what is wrong: one text for each explanation that fits."""
    always = list(_always(verdict))
    seen = [name for name in always if name.startswith("writes_into")]
    rest = [name for name in always if name not in seen]
    faults = [[v.name for v in one if is_fault(part, v)] for one in verdict.explanations]
    joined = (" + ".join([*seen, *one, *rest]) for one in faults or [[]])
    return tuple(dict.fromkeys(name for name in joined if name))


def _status(part: Part, verdict: Verdict, charged: _Charged) -> str:
    """Whether the part is charged: for a fault that no earlier part was charged for."""
    always = frozenset(_always(verdict))
    same = (one for others in verdict.same for one in others)
    possible = [_of(part, one) | always for one in (*verdict.explanations, *same)] or [always]
    if verdict.is_right and not possible[0]:
        return "right"
    is_known = any(one <= charged.faults for one in possible)
    for name in [*_of(part, verdict.best), *always]:
        charged.names.setdefault(name, part.title)
    charged.faults.update(*possible)
    if not set(verdict.judged) & set(part.judged):
        return "not run"
    return _AFTER if is_known else "wrong"


_AFTER = "charged before"


def _of(part: Part, chosen: Chosen) -> frozenset[str]:
    """The names of the faults of an explanation."""
    return frozenset(v.name for v in chosen if is_fault(part, v))


def _always(verdict: Verdict) -> Iterator[str]:
    """The names of the faults that are there whatever explains the rest."""
    yield from (finding.name for finding in verdict.contract if finding.is_charged)
    yield from (f"unexplained@{place.line}" for place in verdict.unexplained)

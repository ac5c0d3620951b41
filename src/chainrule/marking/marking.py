"""Mark one submission: run every part in the sandbox, decide, and say what was found."""

from __future__ import annotations

import time
from pathlib import Path

from chainrule.marking.assignment import Assignment, Part
from chainrule.marking.deciding import Verdict, decide
from chainrule.marking.result import Marked, PartResult
from chainrule.marking.sandbox.running import Limits, ask


def mark_submission(assignment: Assignment, folder: Path, student: str = "") -> Marked:
    """Mark a submission.

    Args:
        assignment: what was asked for.
        folder: the submission, unpacked.
        student: its name; by default the folder's.
    """
    start = time.perf_counter()
    parts = tuple(_marked_part(part, folder, assignment.limits) for part in assignment.parts)
    return Marked(student or folder.name, parts, "none", time.perf_counter() - start)


def _marked_part(part: Part, folder: Path, limits: Limits) -> PartResult:
    verdict = decide(part.program, ask(folder, part.calls, part.program.probes, limits))
    status = _status(part, verdict)
    best = verdict.explanations[0] if verdict.explanations else ()
    return PartResult(
        part.name,
        part.title,
        part.credit,
        part.credit if status in ("right", "charged before") else 0.0,
        status,
        tuple(" + ".join(v.name for v in one) for one in verdict.explanations if one),
        tuple(v.name for v in best if v.is_convention),
        tuple(v.title for v in best if not v.is_convention),
    )


def _status(part: Part, verdict: Verdict) -> str:
    """Whether the part is charged: for a bug in a stage that it judges, or for one unexplained."""
    if verdict.is_right:
        return "right"
    judged = {part.program.line(name).stage for name in part.judged}
    if verdict.explanations and not any(
        part.program.stage_of(v) in judged for v in verdict.explanations[0] if not v.is_convention
    ):
        return "charged before"
    return "wrong"

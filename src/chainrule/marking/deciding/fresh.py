"""Ask a submission that is right once more, with inputs that nobody can have seen.

The probes of a part are the same for everybody, so their answers could be known by heart. Numbers
that are moved a little, by an amount that follows from the submission's own files, are as valid as
those of the probe and tell a rule from a table of its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.deciding.contract import Finding, read
from chainrule.marking.deciding.search import Search
from chainrule.marking.program import Case, Probe, Program, Variation
from chainrule.marking.sandbox.running import Answers
from chainrule.marking.sandbox.submission import read_submission

BY_HEART = Finding(
    "only_these_inputs",
    "the numbers are right for some inputs alone",
    "The inputs that the part is tried with give the right numbers, and others that lie next to "
    "them do not. A function that computes its result gives it for every input; one that knows "
    "some results, or depends on chance or on the calls before, does not.",
    "Call it twice, and with an input that is a little larger: does the result follow?",
)
"""What is said where a submission is right for the known probes alone."""

ROUNDED = 30
"""So much larger than that of a float32 alone is the error of what is computed from several."""

MOVED = 0.01
"""How far numbers are moved at most, relative to themselves."""


def seed_of(folder: Path, modules: Sequence[str]) -> int:
    """A number that follows from all files of a submission, and from nothing else.

    Args:
        folder: the submission.
        modules: those that are imported.
    """
    found = sha256()
    for name, content in sorted(read_submission(folder, modules).files.items()):
        found.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return int.from_bytes(found.digest()[:8], "big")


def knows_by_heart(
    program: Program,
    conventions: Sequence[Variation],
    lines: Sequence[str],
    tolerance: float,
    seed: int,
    more: Callable[[Sequence[Probe]], Answers],
) -> bool:
    """Whether a submission that is right in all probes is wrong for inputs next to theirs.

    Args:
        program: what it should compute.
        conventions: those that it follows.
        lines: those that it returned.
        tolerance: the relative error that a number may have.
        seed: from which the inputs follow.
        more: asks it.
    """
    probes = list(fresh_probes(program, seed))
    answers = more(probes)
    whole = all(set(lines) <= set(one.values) for calls in answers.values() for one in calls)
    entries, _ = read(program, probes, answers)
    rounding = max((entry.precision for entry in entries), default=0.0)
    search = Search(program, entries, probes, tolerance=max(tolerance, ROUNDED * rounding))
    return not whole or search.first_wrong(tuple(conventions)) < len(entries)


def fresh_probes(program: Program, seed: int) -> Iterator[Probe]:
    """Usual probes whose numbers are moved a little.

    Args:
        program: its first usual probe is taken, and its last one.
        seed: from which all numbers follow.
    """
    rng = np.random.default_rng(seed)
    usual = [probe for probe in program.probes if not probe.is_extreme]
    for k, probe in enumerate({id(one): one for one in (usual[0], usual[-1])}.values()):
        yield Probe(f"fresh {k}", probe.why, tuple(_moved(case, rng) for case in probe.calls))


def _moved(case: Case, rng: np.random.Generator) -> Case:
    return {name: _value(value, rng) for name, value in case.items()}


def _value(value: Any, rng: np.random.Generator) -> Any:
    """Arrays with other numbers; whole numbers, scalars, masks and one-hot rows stay."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or _is_choice(value):
        return value
    return value * (1 + rng.uniform(-MOVED, MOVED, value.shape))


def _is_choice(array: Array) -> bool:
    return bool(np.all((array == 0) | (array == 1) | (array == -1)))

"""From a submission's numbers to what is wrong with it: the variation that gives the same ones.

The right program is tried first, then every convention, every bug, and every pair. Only an
explanation
that gives all of the submission's numbers in all probes counts, and where several do, all are
named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from chainrule.marking.program import Program, Values, Variation, is_same
from chainrule.marking.sandbox.running import Answers


@dataclass(frozen=True)
class Place:
    """The first array that is wrong, counted from the input to the loss and back.

    Attributes:
        line: its name in the program.
        probe: where it is wrong first.
        call: which call of the probe, from 0.
        found: the submission's array.
        expected: the right one.
    """

    line: str
    probe: str
    call: int
    found: Any
    expected: Any


@dataclass(frozen=True)
class Verdict:
    """What was decided about the values that a part returns.

    Attributes:
        explanations: sets of variations that give all the submission's numbers, the likeliest
        first;
            one empty set where the submission is right; none where nothing fits.
        place: the first wrong array; None where all are right.
    """

    explanations: tuple[tuple[Variation, ...], ...]
    place: Place | None

    @property
    def is_right(self) -> bool:
        """Whether an explanation has conventions alone, or nothing at all."""
        return any(all(v.is_convention for v in one) for one in self.explanations)


def decide(program: Program, answers: Answers) -> Verdict:
    """Find what gives the submission's numbers.

    Args:
        program: the part's program.
        answers: what the submission returned; every probe in it is one of the program's.
    """
    place = first_wrong(program, answers)
    if place is None:
        return Verdict(((),), None)
    for candidates in _candidates(program):
        fitting = [chosen for chosen in candidates if fits(program, answers, chosen)]
        if fitting:
            return Verdict(tuple(sorted(fitting, key=_likelihood)), place)
    return Verdict((), place)


def _candidates(program: Program) -> Iterator[list[tuple[Variation, ...]]]:
    """Sets of variations to try, in rounds: a later one where an earlier finds nothing."""
    conventions = [v for v in program.variations if v.is_convention]
    bugs = [v for v in program.variations if not v.is_convention]
    yield [(v,) for v in conventions]
    yield [(v,) for v in bugs]
    yield [*combinations(bugs, 2), *((c, b) for c in conventions for b in bugs)]


def _likelihood(chosen: tuple[Variation, ...]) -> float:
    return -min((v.often for v in chosen), default=0.0)


def fits(program: Program, answers: Answers, chosen: Sequence[Variation]) -> bool:
    """Whether the program with these variations gives all the submission's numbers."""
    return next(_differences(program, answers, chosen), None) is None


def first_wrong(program: Program, answers: Answers) -> Place | None:
    """The first wrong array in the order of the program's lines; None where all are right."""
    order = {line.name: k for k, line in enumerate(program.lines)}
    return min(
        _differences(program, answers, ()), key=lambda place: order[place.line], default=None
    )


def _differences(
    program: Program, answers: Answers, chosen: Sequence[Variation]
) -> Iterator[Place]:
    probes = {probe.name: probe for probe in program.probes}
    for name, calls in answers.items():
        values: list[Values] = program.run(probes[name], chosen)
        for k, (returned, expected) in enumerate(zip(calls, values, strict=True)):
            for line, found in returned.values.items():
                if not is_same(found, expected[line]):
                    yield Place(line, name, k, found, expected[line])

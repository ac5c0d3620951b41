"""From a submission's numbers to what is wrong with it: the variations that give the same ones.

The contract comes first: names, shapes, types, inputs that must not change. Then the arrays are
looked at in the order of the program's lines, and for each wrong one the search names what gives
it: a convention, a bug, or two. Only what gives all of the submission's numbers in all probes is
an explanation, and where several are left, all are named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from chainrule.marking.deciding.contract import Finding, read
from chainrule.marking.deciding.evaluating import Bench, quiet
from chainrule.marking.deciding.every_layer import in_every_layer
from chainrule.marking.deciding.in_common import in_common
from chainrule.marking.deciding.inputs import drawn_probes, is_different, smallest
from chainrule.marking.deciding.mutations import mutations, shifted_labels
from chainrule.marking.deciding.own_loss import More, own_gradients
from chainrule.marking.deciding.search import Chosen, Entry, Found, Search, bench_of, ordered
from chainrule.marking.program import Probe, Program, Variation
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
        when: what the calls have in common in which it is wrong, if it is right in others.
    """

    line: str
    probe: str
    call: int
    found: Any
    expected: Any
    when: str = ""


@dataclass(frozen=True)
class Telling:
    """An input on which two explanations differ.

    Attributes:
        probe: the input, of one call or more.
        call: which of its calls.
        line: the line that differs.
        values: what each of the explanations gives there, in their order.
    """

    probe: Probe
    call: int
    line: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Verdict:
    """What was decided about the values that a part returns.

    Attributes:
        explanations: sets of variations that give all the submission's numbers, the likeliest
            first; one empty set where the submission is right; none where nothing fits. Of those
            that are the same function the likeliest is kept.
        place: the first wrong array; None where all are right.
        contract: faults of names, shapes, types and inputs.
        unexplained: the first wrong array of every line that nothing gives. The explanation, if
            there is one, is then of the rest.
        judged: the lines whose values could be judged.
        same: for every explanation the others that give the same numbers for every input tried.
        telling: an input on which the explanations differ, where there are several.
        own: gradients of a submission whose forward pass or loss is wrong: whether they are
            those of its own loss, and so not to be charged.
        advice: bugs that show for extreme inputs alone.
        extreme: the first wrong array of every line that is wrong for extreme inputs alone.
    """

    explanations: tuple[Chosen, ...]
    place: Place | None
    contract: tuple[Finding, ...] = ()
    unexplained: tuple[Place, ...] = ()
    judged: tuple[str, ...] = ()
    same: tuple[tuple[Chosen, ...], ...] = ()
    telling: Telling | None = None
    own: Mapping[str, bool] = field(default_factory=dict)
    advice: Chosen = ()
    extreme: tuple[Place, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether conventions alone, or nothing at all, explain everything that came back."""
        return (
            bool(self.judged)
            and not self.unexplained
            and not any(finding.is_charged for finding in self.contract)
            and any(all(v.is_convention for v in one) for one in self.explanations)
        )

    @property
    def best(self) -> Chosen:
        """The likeliest explanation; empty where there is none."""
        return self.explanations[0] if self.explanations else ()


Known = Callable[[], Sequence[Chosen]]
"""The explanations that more evidence than a part's own leaves."""


def decide(
    program: Program,
    answers: Answers,
    more: More | None = None,
    tolerance: float = 1e-7,
    known: Known | None = None,
) -> Verdict:
    """Find what gives the submission's numbers.

    Args:
        program: the part's program.
        answers: what the submission returned; every probe in it is one of the program's.
        more: makes further calls of the submission; without it none are made.
        tolerance: the relative error that a number may have.
        known: what explains all that is known of the submission, of which these answers are a
            part; it is asked where something is wrong, and searched for nothing if it explains
            that. Without it the answers alone are searched.
    """
    with quiet():
        return _decided(program, answers, more, tolerance, known)


def _decided(
    program: Program,
    answers: Answers,
    more: More | None,
    tolerance: float,
    known: Known | None,
) -> Verdict:
    entries, contract = read(program, program.probes, answers)
    extreme = {probe.name for probe in program.probes if probe.is_extreme}
    usual = [entry for entry in entries if entry.probe not in extreme]
    search, found, findings = _searched(program, usual, contract, tolerance, known)
    own: dict[str, bool] = {}
    if more is not None and not program.is_run and _is_wrong_twice(program, found):
        own = own_gradients(program, answers, list(program.derived()), more)
        if any(own.values()):
            rest = [entry for entry in usual if not own.get(entry.line, False)]
            search, found, findings = _searched(program, rest, contract, tolerance)
    lines = tuple(dict.fromkeys(e.line for e in entries if e.found is not None))
    fitting, advice, strange = _of_extremes(program, entries, found, tolerance)
    kept, same, telling = _told_apart(program, fitting, lines)
    first = search.first_wrong(())
    return Verdict(
        tuple(kept),
        None if first == len(search.entries) else _place(program, search.entries[first]),
        tuple(findings),
        tuple(
            replace(_place(program, entry), when=_when(search, found, entry))
            for entry in found.unexplained
        ),
        lines,
        same,
        telling,
        own,
        advice,
        tuple(_place(program, entry) for entry in strange),
    )


def _search(program: Program, entries: Sequence[Entry], tolerance: float) -> Search:
    if program.is_run or _blank(entries):
        return Search(program, entries, program.probes, _none, tolerance)
    others = [*shifted_labels(program), *in_every_layer(program)]
    return Search(program, entries, program.probes, mutations(program), tolerance, others)


def _blank(entries: Sequence[Entry]) -> bool:
    """Whether a line has no finite number in any call: so many rules give that.

    It is no evidence for a rule that was made mechanically, only for a known bug.
    """
    finite: dict[str, bool] = {}
    for entry in entries:
        if entry.found is not None:
            is_finite = bool(np.isfinite(entry.found).any())
            finite[entry.line] = finite.get(entry.line, False) or is_finite
    return not all(finite.values())


def _is_wrong_twice(program: Program, found: Found) -> bool:
    """Whether something is wrong both in the loss, or before it, and in the gradients."""
    bugs = [v for v in found.fitting[0] if not v.is_convention] if found.fitting else []
    stages = {program.stage_of(v) for v in bugs}
    stages |= {program.line(entry.line).stage for entry in found.unexplained}
    return "backward" in stages and bool(stages & {"forward", "loss"})


def _searched(
    program: Program,
    entries: Sequence[Entry],
    contract: list[Finding],
    tolerance: float,
    known: Known | None = None,
) -> tuple[Search, Found, list[Finding]]:
    """What gives the entries; an error in some calls counts as explained where a bug gives it."""
    values = [entry for entry in entries if entry.found is not None]
    if known is not None and values:
        search = _search(program, entries, tolerance)
        fitting = _of_known(search, known)
        if fitting:
            return search, Found(fitting), _but_failures(contract)
    if values and len(values) < len(entries):
        search = _search(program, entries, tolerance)
        found = search.run()
        if not found.unexplained:
            return search, found, _but_failures(contract)
    search = _search(program, values, tolerance)
    return search, search.run(), contract


def _but_failures(contract: Sequence[Finding]) -> list[Finding]:
    """The contract without the errors that a bug explains."""
    return [one for one in contract if not (one.is_charged and one.name.startswith("fails"))]


def _of_known(search: Search, known: Known) -> list[Chosen]:
    """The least of what is known that gives the entries; nothing where that is too little."""
    number = len(search.entries)
    if search.first_wrong(()) == number:
        return [()]
    fitting = []
    for chosen in known():
        sizes = range(1, len(chosen) + 1)
        least = (some for size in sizes for some in combinations(chosen, size))
        fitting += [some for some in least if search.first_wrong(some) == number][:1]
    return list({tuple(v.name for v in some): some for some in fitting}.values())


def _none(line: str, rule: str) -> Sequence[Variation]:
    """No mutations: of a program that runs as a whole each would be a training."""
    return ()


def _of_extremes(
    program: Program, entries: Sequence[Entry], found: Found, tolerance: float
) -> tuple[list[Chosen], Chosen, list[Entry]]:
    """Explanations that hold for extreme inputs too, or what is to be said of these besides."""
    values = [entry for entry in entries if entry.found is not None]
    if found.unexplained or len(found.fitting) == 0:
        return found.fitting, (), []
    search = Search(program, values, program.probes, _none, tolerance)  # known ones alone
    holding = [one for one in found.fitting if search.first_wrong(one) == len(values)]
    if holding:
        return holding, (), []
    best = found.fitting[0]
    more = search.run(best)
    if not more.fitting:
        return found.fitting, (), more.unexplained
    added = [v for v in more.fitting[0] if v not in best]
    conventions = [v for v in added if v.is_convention]
    rest = tuple(v for v in added if not v.is_convention)
    return [ordered((*best, *conventions)), *found.fitting[1:]], rest, more.unexplained


def _told_apart(
    program: Program, fitting: Sequence[Chosen], lines: Sequence[str]
) -> tuple[list[Chosen], tuple[tuple[Chosen, ...], ...], Telling | None]:
    """The explanations that are different functions, with those that are the same as each."""
    if len(fitting) < 2 or program.is_run:
        return list(fitting), tuple(() for _ in fitting), None
    probes = tuple(drawn_probes(program))
    kept: list[Chosen] = []
    same: list[list[Chosen]] = []
    for one in fitting:
        for k, other in enumerate(kept):
            if is_different(program, one, other, lines, probes) is None:
                same[k].append(one)
                break
        else:
            kept.append(one)
            same.append([])
    telling = _telling(program, kept, lines, probes) if len(kept) > 1 else None
    return kept, tuple(tuple(others) for others in same), telling


def _telling(
    program: Program, kept: Sequence[Chosen], lines: Sequence[str], probes: Sequence[Probe]
) -> Telling | None:
    found = smallest(program, kept[0], kept[1], lines)
    found = found or is_different(program, kept[0], kept[1], lines, probes)
    if found is None:
        return None
    probe, call, line = found
    bench = Bench(program, (probe,))
    values = (bench.under(one, None).value(probe.name, call, line) for one in kept)
    return Telling(probe, call, line, tuple(values))


def _place(program: Program, entry: Entry) -> Place:
    right = bench_of(program, program.probes).under((), None)
    expected = right.value(entry.probe, entry.call, entry.line)
    return Place(entry.line, entry.probe, entry.call, entry.found, expected)


def fits(program: Program, answers: Answers, chosen: Sequence[Variation]) -> bool:
    """Whether the program with these variations gives all the submission's numbers."""
    entries, _ = read(program, program.probes, answers)
    search = Search(program, entries, program.probes)
    return search.first_wrong(chosen) == len(entries)


def _when(search: Search, found: Found, entry: Entry) -> str:
    """What the calls have in common in which a line is wrong that nothing explains."""
    others = frozenset(one.line for one in found.unexplained if one.line != entry.line)
    under = search.under(found.fitting[0] if found.fitting else (), others)
    calls: dict[bool, set[tuple[str, int]]] = {True: set(), False: set()}
    for index, one in enumerate(search.entries):
        if one.line == entry.line and one.found is not None:
            calls[search.agrees(under, index)].add((one.probe, one.call))
    return in_common(search.program.probes, calls[False], calls[True])

"""The search for the variations that give a submission's numbers, stage by stage.

The arrays that a submission returned are looked at in the order of the program's lines. What gives
the first wrong one is looked for: conventions first, then one bug, then two at once. With it the
next wrong one is looked for, until nothing is wrong. Where nothing gives an array, the
submission's own values stand for it in all that follows, so that the rest is judged by itself.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, count, islice, product

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.deciding.evaluating import FAILED, Bench, Under, array_of, reached, slacks
from chainrule.marking.deciding.fits import Fit, fits
from chainrule.marking.program import RIGHT, Probe, Program, Variation, is_same

Chosen = tuple[Variation, ...]

_MOST_STATES = 60
_MOST_TRIED = 7_000  # of sets of variations, until the first line that nothing explains
_MOST_LATER = 1_500  # for each line after it
_DEEP = 2  # after so many lines that nothing explains only the plainest is tried
_MOST_PAIRS = 3_000
_MOST_DIFFERENT = 1_200  # variations of which pairs are made, the likeliest first
_MOST_SWAPS = 150  # of pairs of conventions
_MOST_PRODUCTS = 200  # of conventions at one entry
_MOST_MIXED = 400  # of a convention and a bug at one entry
_MOST_STATES_OF_RUNS = 8  # where a program runs as a whole, which takes its time
_MOST_FITTING = 8
_GAINED = 3  # so many entries must a convention give for each that it takes away
_LATE = 0.3
_MOST_BUGS = 4  # what needs more of them is no explanation


@dataclass(frozen=True)
class Entry:
    """One array that a submission returned.

    Attributes:
        line: its name in the program.
        probe: the name of the probe.
        call: which call of the probe, from 0.
        found: the array, of the shape that the program's has where it can be given it; None
            where the submission stopped with an error.
        precision: the relative error that its type makes.
    """

    line: str
    probe: str
    call: int
    found: Array | None
    precision: float = 0.0


@dataclass
class State:
    """Variations that give the first entries.

    Attributes:
        chosen: the variations.
        wrong: the index of the first entry that they do not give.
        forced: the lines whose own values stand for the program's.
        cost: how unlikely they are.
        late: what is added to the cost while they wait: the conventions that most entries agree
            with are looked at first.
    """

    chosen: Chosen
    wrong: int
    forced: frozenset[str] = frozenset()
    cost: float = 0.0
    late: float = 0.0


@dataclass
class Found:
    """What the search found.

    Attributes:
        fitting: sets of variations that give every entry, the likeliest first.
        unexplained: the first entry of every line that nothing gives.
    """

    fitting: list[Chosen] = field(default_factory=list)
    unexplained: list[Entry] = field(default_factory=list)


class Search:
    """A search for what gives a submission's numbers.

    Args:
        program: what it should compute.
        entries: what it returned, in the order of the program's lines.
        probes: the calls.
        more: the variations that may be tried for a line besides the hand-written ones, such as
            mutations of its rule under the rules so far.
        tolerance: the relative error that a number may have.
        others: variations besides the program's own.
    """

    def __init__(
        self,
        program: Program,
        entries: Sequence[Entry],
        probes: Sequence[Probe],
        more: Callable[[str, str], Sequence[Variation]] = lambda line, rule: (),
        tolerance: float = 1e-7,
        others: Sequence[Variation] = (),
    ) -> None:
        self.tolerance = tolerance
        self.variations = (*program.variations, *others)
        self.program, self.more = program, more
        self.entries = sorted(entries, key=lambda e: (e.found is None, program.order[e.line]))
        self.stopped = {(e.probe, e.call): set[str]() for e in entries if e.found is None}
        for e in entries:
            if e.found is None:
                self.stopped[e.probe, e.call].add(e.line)
        self.bench = bench_of(program, probes)
        self.slack = {e.probe: slacks(self.bench, e.probe) for e in self.entries}
        self.agreed: dict[tuple[int, int], bool] = {}
        self.found = {(e.probe, e.call, e.line): e.found for e in self.entries}
        self.left, self.is_deep = _MOST_TRIED, True
        self.pairs_left = 0 if program.is_run else _MOST_PAIRS

    def run(self, start: Chosen = ()) -> Found:
        """Search, and where nothing fits go on from the submission's own values.

        Args:
            start: variations that are known to be there.
        """
        found = Found()
        forced: frozenset[str] = frozenset()
        first: State | None = self.settled(start)
        while True:
            self.left = _MOST_TRIED if not found.unexplained else _MOST_LATER
            self.is_deep = len(found.unexplained) < _DEEP
            goals, best = self._goals(start, first, forced)
            if goals:
                found.fitting = goals
                return found
            if best.wrong == len(self.entries):  # with more bugs than any one student makes
                best = State(start, self.first_wrong(start, forced), forced)
            if best.wrong == len(self.entries):
                return found
            entry = self.entries[best.wrong]
            found.unexplained.append(entry)
            if entry.found is None:
                return found
            forced, start, first = forced | {entry.line}, best.chosen, None
            if self.program.is_run:  # nothing can be put in the place of its values
                self.entries = [one for one in self.entries if one.line != entry.line]
                self.agreed = {}

    def agrees(self, under: Under, index: int) -> bool:
        """Whether the program with other rules gives an entry."""
        entry = self.entries[index]
        if entry.found is None:  # one rule that fails stops the whole call
            missing = self.stopped[entry.probe, entry.call]
            return any(under.number(entry.probe, entry.call, n) == FAILED for n in missing)
        number = under.number(entry.probe, entry.call, entry.line)
        key = index, number
        if key not in self.agreed:
            self.agreed[key] = self._is_same(entry, number)
        return self.agreed[key]

    def _is_same(self, entry: Entry, number: int) -> bool:
        value = None if number == FAILED else array_of(self.bench.values[number])
        if value is None or entry.found is None:
            return False
        if _squeezed(value) == _squeezed(entry.found):  # an axis of one is a fault by itself
            value = value.reshape(entry.found.shape)
        if value.shape != entry.found.shape:
            return False
        slack = self.slack[entry.probe].get((entry.call, entry.line), 0.0)
        if np.shape(slack) != value.shape:
            slack = float(np.max(slack, initial=0.0))
        tolerance = max(self.tolerance, entry.precision)
        return is_same(entry.found, value, tolerance, slack)

    def under(self, chosen: Sequence[Variation], forced: frozenset[str]) -> Under:
        """The program under variations, with the submission's own values of some lines."""
        given = {k: v for k, v in self.found.items() if k[2] in forced and v is not None}
        return self.bench.under(chosen, given)

    def first_wrong(
        self, chosen: Sequence[Variation], forced: frozenset[str] = frozenset(), start: int = 0
    ) -> int:
        """The index of the first entry that variations do not give; else how many there are."""
        under = self.under(chosen, forced)
        for index in range(start, len(self.entries)):
            if not self.agrees(under, index):
                return index
        return len(self.entries)

    def _goals(
        self, start: Chosen, settled: State | None, forced: frozenset[str]
    ) -> tuple[list[Chosen], State]:
        """Sets of variations that give everything, and else how far one came."""
        first = State(start, self.first_wrong(start, forced), forced, cost_of(start))
        if settled is not None and settled.wrong == len(self.entries):
            return [settled.chosen], settled
        seen, goals, best = set[Hashable](), list[State](), first
        ticket, queue = count(), list[tuple[float, int, State]]()
        if settled is not None:
            first.late = _LATE
        fresh = [first] if settled is None else [settled, first]
        for_pairs = list(fresh)
        for _ in range(_MOST_STATES_OF_RUNS if self.program.is_run else _MOST_STATES):
            for state in fresh:
                if not seen.issuperset(keys := self._keys(state)):
                    seen.update(keys)
                    heapq.heappush(queue, (state.cost + state.late, next(ticket), state))
            fresh = []
            if not queue:
                if _is_likely(goals) or not for_pairs or self.pairs_left <= 0:
                    break
                state = max(for_pairs, key=lambda s: (s.wrong, -s.cost))
                for_pairs.remove(state)
                fresh = list(self._pairs(state))
                continue
            state = heapq.heappop(queue)[2]
            if _bugs(state.chosen) > _MOST_BUGS:
                continue
            best = max(best, state, key=self._reach)
            if len(goals) >= _MOST_FITTING:
                break
            if goals and state.cost > min(goal.cost for goal in goals) + 0.7:
                continue
            if state.wrong == len(self.entries):
                goals.append(state)
            elif not (fresh := list(self._singles(state))):
                for_pairs.append(state)
        return [state.chosen for state in _least(goals)], best

    def _keys(self, state: State) -> set[Hashable]:
        """What makes a state the same as another: its variations; before a goal, its numbers."""
        if state.wrong == len(self.entries):
            return {frozenset(_names(state.chosen))}
        made = self._made(self.under(state.chosen, state.forced), range(len(self.entries)))
        return {made}

    def settled(self, start: Chosen) -> State:
        """The conventions with which most entries agree, found group by group, none in vain.

        A choice holds for the loss and its gradients alike: one that gives some entries and takes
        nearly as many away that were right is a bug, and is left to be found as one.
        """
        groups: dict[str, list[Variation]] = {}
        for v in self.program.variations:
            if v.is_convention:
                groups.setdefault(v.group, []).append(v)
        chosen, score = ordered(start), self._agreeing(start)
        for size in (1, 1, 1, 2, 1):
            swaps = (
                self._swapped(chosen, which, options)
                for which in combinations(groups, size)
                for options in product(*([*groups[name], None] for name in which))
            )
            if len(score) == len(self.entries):
                break
            for other in islice(swaps, _MOST_SWAPS):
                now = self._agreeing(other)
                if len(now) > len(score) and len(now - score) > _GAINED * len(score - now):
                    chosen, score = other, now
        for v in chosen:
            less = tuple(one for one in chosen if one is not v)
            if v.is_convention and v not in start and len(self._agreeing(less)) >= len(score):
                chosen = less
        return State(chosen, self.first_wrong(chosen), cost=cost_of(chosen))

    @staticmethod
    def _swapped(
        chosen: Chosen, groups: Sequence[str], options: Sequence[Variation | None]
    ) -> Chosen:
        kept = [v for v in chosen if v.group not in groups or not v.is_convention]
        return ordered([*kept, *(v for v in options if v is not None)])

    def _agreeing(self, chosen: Sequence[Variation]) -> set[int]:
        """The indices of the entries that variations give."""
        under = self.under(chosen, frozenset())
        return {index for index in range(len(self.entries)) if self.agrees(under, index)}

    def _singles(self, state: State) -> Iterator[State]:
        """What gives the first wrong entry: conventions, several of them at once, or one bug."""
        options = self._options(state)
        yield from self._fixing(state, ((v,) for v in options))
        if any(not v.is_convention for v in state.chosen) or not self.is_deep:
            yield from self._fitting(state)
            return
        parts = [v for v in options if v.is_convention and self._has_part(state, v)]
        groups: dict[str, list[Variation]] = {}
        for v in parts:
            groups.setdefault(v.group, []).append(v)
        several = [
            chosen
            for size in range(2, min(len(groups), 5) + 1)
            for which in combinations(groups.values(), size)
            for chosen in product(*which)
        ]
        written = [
            v
            for v in options
            if not (v.is_generated or v.is_convention) and self._has_part(state, v)
        ]
        yield from self._least_of(state, several[:_MOST_PRODUCTS])
        yield from self._least_of(state, list(islice(product(parts, written), _MOST_MIXED)))
        yield from self._fitting(state)

    def _least_of(self, state: State, additions: Sequence[Chosen]) -> Iterator[State]:
        """The states of additions none of which does without one of its variations."""
        for added in additions:
            for after in self._fixing(state, (added,)):
                rests = ([*state.chosen, *(v for v in added if v is not one)] for one in added)
                unders = (self.under(ordered(rest), state.forced) for rest in rests)
                if not any(self.agrees(under, state.wrong) for under in unders):
                    yield after

    def _has_part(self, state: State, variation: Variation) -> bool:
        """Whether a variation changes the first wrong entry, and does not give it by itself."""
        entry = self.entries[state.wrong]
        under = self.under(ordered((*state.chosen, variation)), state.forced)
        now = self.under(state.chosen, state.forced)
        where = entry.probe, entry.call, entry.line
        return under.number(*where) != now.number(*where) and not self.agrees(under, state.wrong)

    def _fitting(self, state: State) -> Iterator[State]:
        line = self._line(state.wrong)
        for after in self._fixing(state, self._fitted(state)):
            if self._line(after.wrong) > line:  # a number found in one call must hold in all
                yield after

    def _line(self, index: int) -> int:
        """The place of an entry's line in the program; past the last where there is no entry."""
        order = self.program.order
        if index < len(self.entries) and self.entries[index].found is not None:
            return order[self.entries[index].line]
        return len(order)

    def _reach(self, state: State) -> tuple[int, float]:
        """How far variations come, and how much they give for what they cost."""
        given = self.under(state.chosen, state.forced)
        number = sum(self.agrees(given, index) for index in range(len(self.entries)))
        return self._line(state.wrong), number - 3 * state.cost

    def _pairs(self, state: State) -> Iterator[State]:
        """Pairs that give the first wrong entry together."""
        is_past = state.wrong == len(self.entries) or not self.is_deep
        if is_past or self.entries[state.wrong].found is None:
            return
        options = self._different(state)
        written = [v for v in options if not v.is_generated]
        made = [v for v in options if v.is_generated]
        tried = chain(combinations(written, 2), product(written, made), combinations(made, 2))
        allowed = list(islice((pair for pair in tried if compatible(pair)), self.pairs_left))
        self.pairs_left -= len(allowed)
        self.left = max(self.left, len(allowed))
        yield from self._fixing(state, allowed)

    def _different(self, state: State) -> list[Variation]:
        """One of all options that make the same of the line of the first wrong entry."""
        line = self.entries[state.wrong].line
        where = [k for k, e in enumerate(self.entries) if e.line == line]
        before = self.under(state.chosen, state.forced)
        kept: dict[tuple[int, ...], Variation | None] = {self._made(before, where): None}
        for v in self._options(state)[:_MOST_DIFFERENT]:
            made = self._made(self.under(ordered((*state.chosen, v)), state.forced), where)
            kept.setdefault(made, v)
        return [v for v in kept.values() if v is not None]

    def _made(self, under: Under, where: Sequence[int]) -> tuple[int, ...]:
        entries = (self.entries[k] for k in where)
        return tuple(under.number(e.probe, e.call, e.line) for e in entries)

    def _options(self, state: State) -> list[Variation]:
        """The variations that may change the first wrong entry, the likeliest first."""
        entry = self.entries[state.wrong]
        target, is_stopped = entry.line, entry.found is None
        used = set(_names(state.chosen))
        groups = {v.group for v in state.chosen if v.is_convention}
        found = [
            v
            for v in self.variations
            if (v.name, *v.changes.items()) not in used
            and not (v.is_convention and v.group in groups)
            and (is_stopped or target in self._reached_by(v))
            and not state.forced & set(v.changes)
        ]
        if is_stopped:  # what a call would have given before it stopped, no mutation can tell
            return sorted(found, key=cost)
        return sorted([*found, *self._made_up(state, target)], key=cost)

    def _reached_by(self, variation: Variation) -> frozenset[str]:
        """The lines that a variation may change."""
        return reached(self.program, frozenset(variation.changes) & frozenset(self.program.order))

    def _fitted(self, state: State) -> Iterator[Chosen]:
        """What the first wrong entry has to do with what the program gives there."""
        entry = self.entries[state.wrong]
        under = self.under(state.chosen, state.forced)
        right = array_of(under.value(entry.probe, entry.call, entry.line))
        if entry.found is None or right is None or not self.bench.is_by_lines:
            return
        numbers, arrays, says = self._at_hand(under, entry)
        for fit in fits(entry.found, right, numbers, arrays):
            yield (_as_variation(self.program, entry.line, fit, says),)

    def _at_hand(
        self, under: Under, entry: Entry
    ) -> tuple[dict[str, float], dict[str, Array], dict[str, str]]:
        """Numbers and arrays that do not follow from an entry's line, and what they are."""
        program, case = self.program, self.bench.probes[entry.probe].calls[entry.call]
        after = reached(program, frozenset((entry.line,)))
        values = {name: array_of(value) for name, value in case.items()}
        values |= {
            line.name: array_of(under.value(entry.probe, entry.call, line.name))
            for line in program.lines
            if line.name not in after
        }
        says = {line.name: line.says for line in program.lines}
        numbers: dict[str, float] = {}
        for name in (*sorted(case), "N"):
            value = values.get(name)
            if value is not None and value.ndim == 0:
                numbers[name] = float(value)
        for name, value in ((name, values[name]) for name in sorted(case)):
            for axis, size in enumerate(np.shape(value) if value is not None else ()):
                if float(size) not in numbers.values():
                    text = f"np.shape({name})[{axis}]"
                    numbers[text] = float(size)
                    says[text] = f"the size of axis {axis} of {name}"
        arrays = {k: v for k, v in values.items() if v is not None and (v.ndim or k != "N")}
        return numbers, arrays, says

    def _made_up(self, state: State, target: str) -> Iterator[Variation]:
        rules = self.program.rules(state.chosen) if self.is_deep else {}
        for line in self.program.lines:
            follow = reached(self.program, frozenset((line.name,)))
            is_near = self.is_deep or line.name == target
            if line.name in state.forced or target not in follow or not is_near:
                continue
            yield from self.more(line.name, rules.get(line.name, line.rule))

    def _fixing(self, state: State, additions: Iterable[Chosen]) -> Iterator[State]:
        """The states that an addition leads to, where it gives the first wrong entry."""
        for added in additions:
            if self.left <= 0:
                return
            self.left -= 1
            chosen = ordered((*state.chosen, *added))
            under = self.under(chosen, state.forced)
            if not self.agrees(under, state.wrong):
                continue
            wrong = self.first_wrong(chosen, state.forced)
            if wrong > state.wrong:
                yield State(chosen, wrong, state.forced, cost_of(chosen), state.late)


_FACTOR = "it is one and the same number times what is right, a number that is none of the usual"


def _as_variation(program: Program, line: str, fit: Fit, says: Mapping[str, str]) -> Variation:
    words = _FACTOR if fit.kind == "factor" else fit.says
    for name in sorted(says, key=len, reverse=True):
        if name in words and name != "N":
            words = re.sub(rf"(?<![\w(]){re.escape(name)}(?!\w)", says[name], words)
    title = f"{program.line(line).says} is wrong: {words}"
    return Variation(
        f"{fit.kind}@{line}",
        title,
        "This holds in all the calls that were tried.",
        "Where would such a factor, term or order come from in the line that makes this array?",
        {line: fit.rule},
        is_generated=True,
        often=0.2,
    )


def _squeezed(array: Array) -> tuple[int, ...]:
    """The shape of an array without the axes of one."""
    return tuple(n for n in array.shape if n != 1)


def ordered(chosen: Sequence[Variation]) -> Chosen:
    """Conventions first, then what replaces a rule, then what is put around one."""
    return tuple(
        sorted(
            chosen,
            key=lambda v: (not v.is_convention, any(RIGHT in rule for rule in v.changes.values())),
        )
    )


def compatible(pair: Sequence[Variation]) -> bool:
    """Whether both of a pair have an effect: neither replaces all that the other changes."""
    one, other = pair
    if one.is_convention and other.is_convention:
        return False
    shared = set(one.changes) & set(other.changes)
    return not any(
        RIGHT not in one.changes[name] and RIGHT not in other.changes[name] for name in shared
    )


def cost(variation: Variation) -> float:
    """How unlikely a variation is: conventions cost least, generated ones most."""
    if variation.is_convention:
        return 0.08
    return (1.5 if variation.is_generated else 1.0) - 0.02 * float(np.log(variation.often))


def cost_of(chosen: Sequence[Variation]) -> float:
    """How unlikely variations are together."""
    return sum(map(cost, chosen))


def _names(chosen: Sequence[Variation]) -> Iterator[Hashable]:
    return ((v.name, *v.changes.items()) for v in chosen)


def _is_likely(goals: Sequence[State]) -> bool:
    """Whether one of the goals has two bugs at most, so that no other one need be looked for."""
    return any(_bugs(goal.chosen) <= 2 for goal in goals)


def _bugs(chosen: Sequence[Variation]) -> int:
    """How many of the variations are bugs."""
    return sum(not v.is_convention for v in chosen)


def _least(goals: Sequence[State]) -> list[State]:
    """The goals that hold no other one, and have no more bugs than the one with the fewest.

    One with more conventions than another whose bugs are as likely is left out: a choice that a
    bug has to undo is none.
    """
    if not goals:
        return []
    bugs = [_bugs(state.chosen) for state in goals]
    sets = [set(_names(state.chosen)) for state in goals]
    kept = [
        state
        for state, number, names in zip(goals, bugs, sets, strict=True)
        if number == min(bugs) and not any(other < names for other in sets)
    ]
    kept = [one for one in kept if not any(_is_plainer(other, one) for other in kept)]
    return sorted(kept, key=lambda state: state.cost)


def _is_plainer(one: State, other: State) -> bool:
    """Whether a state has fewer conventions than another, and bugs that are as likely."""
    fewer = len(one.chosen) - _bugs(one.chosen) < len(other.chosen) - _bugs(other.chosen)
    likely = [any(v.is_generated for v in state.chosen) for state in (one, other)]
    return fewer and likely[0] <= likely[1]


_BENCHES: dict[int, tuple[Program, Bench]] = {}


def bench_of(program: Program, probes: Sequence[Probe]) -> Bench:
    """The bench of a program's own probes, which is kept; a new one for others."""
    if tuple(probes) is not program.probes:
        return Bench(program, probes)
    if id(program) not in _BENCHES:
        while len(_BENCHES) > 40:
            _BENCHES.pop(next(iter(_BENCHES)))
        _BENCHES[id(program)] = (program, Bench(program, program.probes))
    bench = _BENCHES[id(program)][1]
    bench.trim()
    return bench

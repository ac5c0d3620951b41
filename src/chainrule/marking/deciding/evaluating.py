"""The values of a program under many sets of variations, each of them computed once.

A value is known by a number: two lines with the same bytes have the same one. What a rule gives is
kept by the rule and the numbers of what it reads, so that a set of variations costs only the lines
that it changes and those that follow from them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import FAILURES, Probe, Program, Variation, evaluated

FAILED = -1
"""The number of what a rule that raises an error gives, and of all that follows from it."""

_MOST_KEPT = 200_000


@lru_cache(maxsize=20_000)
def names_in(rule: str) -> tuple[frozenset[str], frozenset[str], bool]:
    """What a rule reads: names, names of the call before, and whether it reads the call whole."""
    rule = _TEXT.sub("''", rule)
    names = frozenset(_NAME.findall(rule))
    if "before" not in names:
        return names, frozenset(), False
    return names, frozenset(_EARLIER.findall(rule)), bool(_HANDED.search(rule))


_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_EARLIER = re.compile(r"(?<![\w.])before\.(\w+)")
_HANDED = re.compile(r"[(,]\s*before\s*[,)]")


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings: wrong rules divide by 0 and take means of nothing."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


class Bench:
    """The values of a program's lines in some probes.

    Args:
        program: its lines are evaluated.
        probes: whose calls are made.
    """

    def __init__(self, program: Program, probes: Sequence[Probe]) -> None:
        self.program = program
        self.probes = {probe.name: probe for probe in probes}
        self.numbers: dict[Hashable, int] = {}
        self.values: list[Any] = []
        self.results: dict[Hashable, int] = {}
        self.base: dict[str, list[dict[str, int]]] = {}
        for name, probe in self.probes.items():
            inputs = [{k: self.number(v) for k, v in case.items()} for case in probe.calls]
            self.base[name] = inputs
            right = Calls(Under(self, {}, {}, frozenset(program.order)), name)
            numbers = [
                {line.name: right.number(call, line.name) for line in program.lines}
                for call in range(len(probe.calls) if self.is_by_lines else 0)
            ]
            for known, found in zip(inputs, numbers, strict=False):
                known.update(found)

    @property
    def is_by_lines(self) -> bool:
        """Whether the program runs line by line, and has no way of its own to run."""
        return type(self.program).run is Program.run

    def under(
        self, variations: Sequence[Variation], forced: Mapping[tuple[str, int, str], Any] | None
    ) -> Under:
        """The program with other rules, and with values that are given and not computed.

        Args:
            variations: the other rules.
            forced: by probe, call and line.
        """
        if not self.is_by_lines:
            return Whole(self, tuple(variations))
        rules = self.program.rules(variations)
        given = forced or {}
        changed = frozenset(rules).union(line for _, _, line in given)
        return Under(self, rules, given, reached(self.program, changed))

    def number(self, value: Any) -> int:
        """The number of a value."""
        key = _key(value)
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.values)
            self.values.append(value)
        return found

    def evaluated(self, rule: str, names: Sequence[str], read: Sequence[int], before: Any) -> int:
        """The number of what a rule gives.

        Args:
            rule: of a line.
            names: what it reads.
            read: the numbers of these.
            before: the values of the call before, or None.
        """
        known = {name: self.values[number] for name, number in zip(names, read, strict=True)}
        scope = {"np": np, **self.program.functions, "before": before, **known}
        try:
            with np.errstate(all="ignore"):
                return self.number(evaluated(rule, scope))
        except FAILURES:
            return FAILED

    def trim(self) -> None:
        """Forget what was computed, where it is much."""
        if len(self.results) > _MOST_KEPT:
            self.__init__(self.program, tuple(self.probes.values()))  # type: ignore[misc]


class Under:
    """A program with other rules for some lines: its values in every probe, as they are asked for.

    Args:
        bench: keeps what was computed.
        rules: of the lines that are changed.
        forced: values that are given and not computed, by probe, call and line.
        touched: the lines whose values may differ from the right ones.
    """

    def __init__(
        self,
        bench: Bench,
        rules: Mapping[str, str],
        forced: Mapping[tuple[str, int, str], Any],
        touched: frozenset[str],
    ) -> None:
        self.bench, self.rules, self.forced, self.touched = bench, rules, forced, touched
        self.calls: dict[str, Calls] = {}

    def number(self, probe: str, call: int, line: str) -> int:
        """The number of a line's value."""
        if line not in self.touched:
            return self.bench.base[probe][call][line]
        if probe not in self.calls:
            self.calls[probe] = Calls(self, probe)
        return self.calls[probe].number(call, line)

    def value(self, probe: str, call: int, line: str) -> Any:
        """A line's value; None where it cannot be computed."""
        number = self.number(probe, call, line)
        return None if number == FAILED else self.bench.values[number]


class Whole(Under):
    """The same for a program that has a way of its own to run: all lines of a probe at once."""

    def __init__(self, bench: Bench, variations: tuple[Variation, ...]) -> None:
        super().__init__(bench, bench.program.rules(variations), {}, frozenset())
        self.variations = variations

    def number(self, probe: str, call: int, line: str) -> int:
        """The number of a line's value."""
        key = "whole", probe, tuple(sorted(self.rules.items()))
        if key not in self.bench.results:
            self._run(key, probe)
        return self.bench.results.get((key, call, line), FAILED)

    def _run(self, key: Hashable, probe: str) -> None:
        program, bench = self.bench.program, self.bench
        bench.results[key] = 0
        try:
            calls = program.run(bench.probes[probe], self.variations)
        except FAILURES:
            return
        for k, values in enumerate(calls):
            for line in program.order:
                if line in values:
                    bench.results[key, k, line] = bench.number(values[line])


class Calls:
    """The values in the calls of one probe.

    Args:
        under: the rules.
        probe: its name.
    """

    def __init__(self, under: Under, probe: str) -> None:
        self.under, self.bench, self.probe = under, under.bench, probe
        self.base = under.bench.base[probe]
        self.known: list[dict[str, int]] = [{} for _ in self.base]

    def number(self, call: int, name: str) -> int:
        """The number of a line's or an input's value in a call."""
        if name not in self.under.touched:
            return self.base[call].get(name, FAILED)
        known = self.known[call]
        found = known.get(name)
        if found is None:
            known[name] = FAILED  # a rule that reads what follows from it has no value
            found = known[name] = self._number(call, name)
        return found

    def _number(self, call: int, line: str) -> int:
        under, bench = self.under, self.bench
        if under.forced and (self.probe, call, line) in under.forced:
            return bench.number(under.forced[self.probe, call, line])
        rule = under.rules.get(line) or bench.program.line(line).rule
        reads, earlier, whole = reads_of(bench.program, rule)
        names = [name for name in reads if name in under.touched or name in self.base[call]]
        read = tuple([self.number(call, name) for name in names])
        if FAILED in read:
            return FAILED
        state = self._state(call, earlier, whole) if earlier is not None else ()
        key = rule, read, state
        found = bench.results.get(key)
        if found is None:
            before = self._before(call, earlier, whole) if earlier is not None else None
            found = bench.results[key] = bench.evaluated(rule, names, read, before)
        return found

    def _earlier(self, call: int, earlier: Sequence[str], whole: bool) -> Sequence[str]:
        return [*self.bench.program.order, *self.base[call - 1]] if whole else earlier

    def _state(self, call: int, earlier: Sequence[str], whole: bool) -> tuple[int, ...]:
        """The numbers of what a rule reads of the call before."""
        if call == 0:
            return (-2,)
        return tuple(self.number(call - 1, n) for n in self._earlier(call, earlier, whole))

    def _before(self, call: int, earlier: Sequence[str], whole: bool) -> Any:
        if call == 0:
            return None
        names = self._earlier(call, earlier, whole)
        numbers = {name: self.number(call - 1, name) for name in names}
        values = {k: self.bench.values[v] for k, v in numbers.items() if v != FAILED}
        return SimpleNamespace(**values)


def reads_of(program: Program, rule: str) -> tuple[tuple[str, ...], tuple[str, ...] | None, bool]:
    """The lines and inputs that a rule reads; those of the call before; whether it reads all."""
    kept = program.__dict__.setdefault("_reads", {})
    if rule not in kept:
        names, earlier, whole = names_in(rule)
        known = tuple(sorted(n for n in names if n in program.order or n in program.inputs))
        kept[rule] = known, tuple(sorted(earlier)) if "before" in names else None, whole
    found: tuple[tuple[str, ...], tuple[str, ...] | None, bool] = kept[rule]
    return found


def reached(program: Program, changed: frozenset[str]) -> frozenset[str]:
    """The lines whose values may differ where some lines have other rules."""
    kept: dict[frozenset[str], frozenset[str]] = program.__dict__.setdefault("_reached", {})
    if changed not in kept:
        below = followers(program)
        kept[changed] = changed.union(*(below[name] for name in changed))
    return kept[changed]


def followers(program: Program) -> Mapping[str, frozenset[str]]:
    """For every line those that follow from it, also through the call before."""
    kept: Mapping[str, frozenset[str]] | None = program.__dict__.get("_followers")
    if kept is None:
        kept = program.__dict__["_followers"] = program.followers() or _followers(program)
    return kept


def _followers(program: Program) -> dict[str, frozenset[str]]:
    reads: dict[str, set[str]] = {line.name: set() for line in program.lines}
    for line in program.lines:
        names, earlier, whole = names_in(line.rule)
        for name in (names | earlier | (frozenset(reads) if whole else frozenset())) & set(reads):
            reads[name].add(line.name)
    found = {}
    for name in reads:
        seen: set[str] = set()
        todo = [name]
        while todo:
            for follower in reads[todo.pop()] - seen:
                seen.add(follower)
                todo.append(follower)
        found[name] = frozenset(seen)
    return found


def _key(value: Any) -> Hashable:
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype != object:
            return value.shape, value.dtype.str, value.tobytes()
        return "object", value.shape, tuple(_key(one) for one in value.ravel())
    if isinstance(value, bool | int | float | str | None):
        return type(value), value if value == value else "nan"
    if isinstance(value, tuple | list):
        return type(value), tuple(_key(one) for one in value)
    if isinstance(value, Mapping):
        return "mapping", tuple((k, _key(v)) for k, v in value.items())
    return "itself", id(value)


def array_of(value: Any) -> Array | None:
    """A value as an array of numbers; None where it is none."""
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return None


def slacks(bench: Bench, probe: str) -> Mapping[tuple[int, str], Any]:
    """What rounding may make of every line: the change under tiny changes of the inputs.

    Args:
        bench: of the program; what is found is kept with it.
        probe: the name of one of its probes.
    """
    kept = bench.__dict__.setdefault("slacks", {})
    if probe not in kept:
        kept[probe] = _measured_slacks(bench, bench.probes[probe])
    found: Mapping[tuple[int, str], Any] = kept[probe]
    return found


def _measured_slacks(bench: Bench, probe: Probe) -> dict[tuple[int, str], Any]:
    rng = np.random.default_rng(0)
    step, found = 1e-10, dict[tuple[int, str], Any]()
    for _ in range(2):
        calls = tuple(
            {name: _nudged(value, step, rng) for name, value in call.items()}
            for call in probe.calls
        )
        moved = Bench(bench.program, (Probe(probe.name, probe.why, calls),))
        under, right = moved.under((), None), bench.under((), None)
        for call in range(len(calls)):
            for line in bench.program.order:
                a = array_of(under.value(probe.name, call, line))
                b = array_of(right.value(probe.name, call, line))
                if a is None or b is None or a.shape != b.shape:
                    continue
                with np.errstate(all="ignore"):
                    change = np.nan_to_num(np.abs(a - b), nan=0.0, posinf=0.0)
                now = 1e-13 + change / step * 1e-14
                found[call, line] = np.maximum(now, found.get((call, line), 0.0))
    return found


def _nudged(value: Any, step: float, rng: np.random.Generator) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value * (1 + step * rng.choice([-1.0, 1.0], value.shape))
    return value

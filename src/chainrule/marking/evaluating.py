"""The values of a program under many sets of variations, each of them computed once.

A value is known by a number: two lines with the same bytes have the same one. What a rule gives is
kept by the rule and the numbers of what it reads, so that a set of variations costs only the lines
that it changes and those that follow from them.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import FAILURES, Case, Probe, Program, Variation, evaluated

FAILED = -1
"""The number of what a rule that raises an error gives, and of all that follows from it."""

_MOST_KEPT = 200_000


@lru_cache(maxsize=20_000)
def names_in(rule: str) -> tuple[frozenset[str], frozenset[str], bool]:
    """What a rule reads: names, names of the call before, and whether it reads the call whole."""
    tree = ast.parse(rule, mode="eval")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    parts = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    earlier = {
        node.attr
        for node in parts
        if isinstance(node.value, ast.Name) and node.value.id == "before"
    }
    handed = [arg for node in ast.walk(tree) if isinstance(node, ast.Call) for arg in node.args]
    whole = any(isinstance(arg, ast.Name) and arg.id == "before" for arg in handed)
    return frozenset(names), frozenset(earlier), whole


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
        self.right = {name: Calls(self, name, {}, None) for name in self.probes}

    def under(
        self, variations: Sequence[Variation], forced: Mapping[tuple[str, int, str], Any] | None
    ) -> Under:
        """The program with other rules, and with values that are given and not computed.

        Args:
            variations: the other rules.
            forced: by probe, call and line.
        """
        if type(self.program).run is not Program.run:
            return Whole(self, tuple(variations))
        return Under(self, self.program.rules(variations), forced or {})

    def number(self, value: Any) -> int:
        """The number of a value."""
        key = _key(value)
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.values)
            self.values.append(value)
        return found

    def evaluated(self, rule: str, read: Mapping[str, int], before: Any, known: Hashable) -> int:
        """The number of what a rule gives."""
        key = (rule, known)
        found = self.results.get(key)
        if found is None:
            found = self.results[key] = self._evaluated(rule, read, before)
        return found

    def _evaluated(self, rule: str, read: Mapping[str, int], before: Any) -> int:
        names = {name: self.values[number] for name, number in read.items()}
        scope = {"np": np, **self.program.functions, "before": before, **names}
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
    """

    def __init__(
        self, bench: Bench, rules: Mapping[str, str], forced: Mapping[tuple[str, int, str], Any]
    ) -> None:
        self.bench, self.rules, self.forced = bench, rules, forced
        self.calls: dict[str, Calls] = {}

    def number(self, probe: str, call: int, line: str) -> int:
        """The number of a line's value."""
        if probe not in self.calls:
            self.calls[probe] = Calls(self.bench, probe, self.rules, self.forced)
        return self.calls[probe].number(call, line)

    def value(self, probe: str, call: int, line: str) -> Any:
        """A line's value; None where it cannot be computed."""
        number = self.number(probe, call, line)
        return None if number == FAILED else self.bench.values[number]


class Whole(Under):
    """The same for a program that has a way of its own to run: all lines of a probe at once."""

    def __init__(self, bench: Bench, variations: tuple[Variation, ...]) -> None:
        super().__init__(bench, bench.program.rules(variations), {})
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
    """The values in the calls of one probe."""

    def __init__(
        self,
        bench: Bench,
        probe: str,
        rules: Mapping[str, str],
        forced: Mapping[tuple[str, int, str], Any] | None,
    ) -> None:
        self.bench, self.rules, self.probe = bench, rules, probe
        self.forced = forced or {}
        self.cases: tuple[Case, ...] = bench.probes[probe].calls
        self.known: list[dict[str, int]] = [{} for _ in self.cases]
        self.touched = reached(bench.program, frozenset(rules)) | {
            name for where, _, line in self.forced for name in reached(bench.program, {line})
        }

    def number(self, call: int, line: str) -> int:
        """The number of a line's value in a call."""
        known = self.known[call]
        if line not in known:
            known[line] = FAILED  # a rule that reads what follows from it has no value
            known[line] = self._number(call, line)
        return known[line]

    def _number(self, call: int, line: str) -> int:
        bench = self.bench
        if (self.probe, call, line) in self.forced:
            return bench.number(self.forced[self.probe, call, line])
        if (self.rules or self.forced) and line not in self.touched:
            return bench.right[self.probe].number(call, line)
        rule = self.rules.get(line) or bench.program.line(line).rule
        names, earlier, whole = names_in(rule)
        read = self._read(call, names)
        state = self._state(call, earlier, whole) if "before" in names else ()
        if FAILED in read.values() or FAILED in state:
            return FAILED
        before = self._before(call, state, earlier, whole) if "before" in names else None
        return bench.evaluated(rule, read, before, (tuple(read.items()), state))

    def _read(self, call: int, names: frozenset[str]) -> dict[str, int]:
        case, order = self.cases[call], self.bench.program.order
        return {
            name: self.number(call, name) if name in order else self._input(call, name)
            for name in sorted(names)
            if name in order or name in case
        }

    def _input(self, call: int, name: str) -> int:
        known = self.known[call]
        key = f"input {name}"
        if key not in known:
            known[key] = self.bench.number(self.cases[call][name])
        return known[key]

    def _state(self, call: int, earlier: frozenset[str], whole: bool) -> tuple[int, ...]:
        if call == 0:
            return (-2,)
        names = self._all(call - 1) if whole else sorted(earlier)
        return tuple(self._read(call - 1, frozenset(names)).values())

    def _before(
        self, call: int, state: tuple[int, ...], earlier: frozenset[str], whole: bool
    ) -> Any:
        if call == 0:
            return None
        names = self._all(call - 1) if whole else earlier
        read = self._read(call - 1, frozenset(names))
        values = {name: self.bench.values[number] for name, number in read.items()}
        return SimpleNamespace(**values)

    def _all(self, call: int) -> list[str]:
        return [*self.bench.program.order, *self.cases[call]]


def reached(program: Program, changed: frozenset[str] | set[str]) -> frozenset[str]:
    """The lines whose values may differ where some lines have other rules."""
    found = set(changed)
    below = followers(program)
    for name in changed:
        found |= below[name]
    return frozenset(found)


def followers(program: Program) -> Mapping[str, frozenset[str]]:
    """For every line those that follow from it, also through the call before."""
    kept: Mapping[str, frozenset[str]] | None = program.__dict__.get("_followers")
    if kept is None:
        kept = program.__dict__["_followers"] = _followers(program)
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

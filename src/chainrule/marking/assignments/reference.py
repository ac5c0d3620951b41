"""Parts whose right values are those of the teacher's own solution, where no program knows them.

The solution runs in a sandbox of its own, once, when a part is first marked; its values become the
lines of a program, so that everything that decides about submissions takes it as any other. A
gradient of it is what numeric differentiation says as well, or `assignment check` finds the
solution wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.errors import ChainruleError
from chainrule.marking.assignments.schema import BugTable, PartTable, Probing
from chainrule.marking.program import Gradient, Line, Probe, Program, Variation, evaluated
from chainrule.marking.sandbox.running import Calls, Limits, ask

CASE = "case"
"""The input that numbers all calls of a part's probes: the solution's values are kept by it."""

WHOLE = "__whole"
"""The end of the name of the flag whether an input holds whole numbers."""

SEED = 20


@dataclass
class InputError(Exception):
    """An input that cannot be made.

    Attributes:
        probe: the name of its probe.
        name: of the input.
        message: what is wrong.
    """

    probe: str
    name: str
    message: str


@dataclass(frozen=True)
class Solution:
    """The values of the teacher's solution, which are got when the first of them is needed.

    Attributes:
        folder: of the solution.
        calls: how.
        probes: with which inputs.
        limits: what it may use.
        upstreams: the inputs that hold gradients of what comes after.
    """

    folder: Path
    calls: Calls
    probes: tuple[Probe, ...]
    limits: Limits
    upstreams: tuple[str, ...] = ()

    def value(self, name: str, case: float) -> Any:
        """The value of a name in a call, by the call's number."""
        return self._values[int(case)][name]

    def without_upstream(self, name: str, case: float) -> Any:
        """The same where every gradient of what comes after is 1."""
        return self._plain[int(case)][name]

    @cached_property
    def _values(self) -> dict[int, Mapping[str, Any]]:
        return self._asked(self.probes)

    @cached_property
    def _plain(self) -> dict[int, Mapping[str, Any]]:
        ones = [
            Probe(p.name, p.why, tuple(_with_ones(case, self.upstreams) for case in p.calls))
            for p in self.probes
        ]
        return self._asked(ones)

    def _asked(self, probes: Any) -> dict[int, Mapping[str, Any]]:
        answers = ask(self.folder, self.calls, probes, self.limits, trust=True)
        found: dict[int, Mapping[str, Any]] = {}
        for probe in probes:
            for case, returned in zip(probe.calls, answers[probe.name], strict=True):
                missing = [name for name in self.calls.returns if name not in returned.values]
                if missing:
                    why = "" if returned.trouble is None else f": {returned.trouble.text}"
                    raise ChainruleError(
                        f"{self.folder.name}: the solution gives no {missing[0]!r} for the "
                        f"probe {probe.name!r}{why}"
                    )
                found[int(case[CASE])] = returned.values
        return found


def _with_ones(case: Mapping[str, Any], upstreams: tuple[str, ...]) -> dict[str, Any]:
    return {k: np.ones_like(v) if k in upstreams else v for k, v in case.items()}


def reference_program(
    table: PartTable, calls: Calls, limits: Limits, folder: Path, bugs: Path
) -> Program:
    """The program whose lines are what a solution returns.

    Args:
        table: the part.
        calls: how its values are got.
        limits: what the solution may use.
        folder: the solution's.
        bugs: the folder that holds those of solutions with a bug.
    """
    gradients = table.gradients or {}
    upstreams = tuple({g.upstream for g in gradients.values() if g.upstream is not None})
    probes = tuple(_probes(table, limits))
    solution = Solution(folder, calls, probes, limits, upstreams)
    lines = tuple(
        Line(
            name,
            f"solution({name!r}, {CASE})",
            f"∂{gradients[name].of}/∂{gradients[name].by}" if name in gradients else name,
            "backward" if name in gradients else "forward",
        )
        for name in table.returns
    )
    wrong = {bug.name: replace(solution, folder=bugs / bug.solution) for bug in table.bug or ()}
    functions = {
        "solution": solution.value,
        "plain": solution.without_upstream,
        "wrong": lambda bug, name, case: wrong[bug].value(name, case),
    }
    variations = (
        *(_own_bug(table, bug) for bug in table.bug or ()),
        *(v for name in gradients for v in _variations(table, name)),
    )
    return Program(
        table.name,
        lines,
        variations,
        probes,
        functions,
        {name: Gradient(g.of, g.by, g.upstream or "") for name, g in gradients.items()},
        is_tabled=True,
    )


def require_own_bugs(program: Program) -> None:
    """Run the solutions that have the teacher's own bugs; elsewhere one that fails is left out.

    Raises:
        ChainruleError: one of them returns nothing.
    """
    names = {"np": np, "before": None, **program.functions, **program.probes[0].calls[0]}
    for variation in program.variations:
        for rule in variation.changes.values():
            if rule.startswith("wrong("):
                evaluated(rule, names)


def without_lines(table: PartTable) -> Program:
    """The program of a part whose numbers need only lie within bounds: it has only probes."""
    probes = tuple(_probes(table, Limits())) or (Probe("one call", "", ({CASE: 0},)),)
    return Program(table.name, (), (), probes)


def _own_bug(table: PartTable, bug: BugTable) -> Variation:
    """A bug that the teacher knows of: what a solution with it returns."""
    values = bug.values or table.judged or list(table.returns)
    return Variation(
        bug.name,
        bug.title.rstrip("."),
        bug.sentence or "",
        bug.hint or "",
        {name: f"wrong({bug.name!r}, {name!r}, {CASE})" for name in values},
        often=3,
    )


def _variations(table: PartTable, name: str) -> Iterator[Variation]:
    """What goes wrong in gradients of any function."""
    gradient = (table.gradients or {})[name]
    title = f"∂{gradient.of}/∂{gradient.by}"
    yield Variation(
        f"sign@{name}",
        f"{title} has the wrong sign",
        f"{name} is minus the gradient: {gradient.of} falls in the direction in which it should "
        "rise.",
        f"Make {gradient.by} a little larger and see which way {gradient.of} goes.",
        {name: "-RIGHT"},
    )
    if gradient.upstream is None:
        return
    up = gradient.upstream
    yield Variation(
        f"no_upstream@{name}",
        f"{up} is left out of {title}",
        f"{name} is the derivative of {gradient.of} alone. The chain rule multiplies it by {up}, "
        "the gradient of what comes after; the two are the same only where that is 1.",
        f"Call it with {up} twice as large: what should become of {name}?",
        {name: f"plain({name!r}, {CASE})"},
        often=2,
    )


def _probes(table: PartTable, limits: Limits) -> Iterator[Probe]:
    """The probes of a part, whose inputs are made in a sandbox, since they are Python."""
    number = 0
    for k, probing in enumerate(table.probe or ()):
        calls = []
        for case in _inputs(probing, SEED + k, limits):
            calls.append({CASE: number, **case})
            number += 1
        yield Probe(probing.name, probing.why or "", tuple(calls))


def _inputs(probing: Probing, seed: int, limits: Limits) -> Iterator[dict[str, Any]]:
    """The inputs of each call of a probe.

    Raises:
        InputError: an expression fails, or gives no numbers.
    """
    names = list(probing.inputs)
    lines = [f"{name} = ({code.strip()})" for name, code in probing.inputs.items()]
    kinds = {f"{n}{WHOLE}": f"float(np.asarray({n}).dtype.kind in 'iub')" for n in names}
    make = Calls(
        (), f"rng = np.random.default_rng({seed})", "\n".join(lines), {n: n for n in names} | kinds
    )
    probe = Probe(probing.name, "", ({CASE: 0},) * probing.calls)
    for returned in ask(Path(), make, [probe], limits, trust=True)[probe.name]:
        missing = [name for name in names if name not in returned.values]
        if missing:
            why = "" if returned.trouble is None else f": {returned.trouble.text}"
            raise InputError(probing.name, missing[0], f"this gives no numbers{why}")
        yield {name: _typed(returned.values, name) for name in names}


def _typed(values: Mapping[str, Any], name: str) -> Any:
    value, is_whole = np.asarray(values[name]), bool(values[f"{name}{WHOLE}"])
    if is_whole:
        value = value.astype(np.int64)
    return value if value.ndim else value.item()

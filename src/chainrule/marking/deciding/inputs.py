"""Inputs of one's own for a program: random ones tell two bugs apart, small ones show a bug.

Which sizes belong together is read off the probes: axes that have the same size in every probe are
the same size. So a new input has the shapes that go together, whatever the program computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.deciding.evaluating import Bench, array_of
from chainrule.marking.program import Case, Probe, Program, Variation, is_same

Sizes = dict[tuple[int, ...], int]
"""The size of every group of axes, by its sizes in all probes."""


def usual(program: Program) -> tuple[Probe, ...]:
    """The probes whose inputs are as in a usual call."""
    return tuple(probe for probe in program.probes if not probe.is_extreme)


class Template:
    """How the inputs of a program go together.

    Args:
        program: its probes are what is known of its inputs.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.cases = [probe.calls[0] for probe in usual(program)]
        names = set(self.cases[0]).intersection(*self.cases)
        self.names = [name for name in self.cases[0] if name in names]
        self.group = {
            (name, axis): tuple(np.shape(case[name])[axis] for case in self.cases)
            for name in self.names
            for axis in range(np.ndim(self.cases[0][name]))
            if len({np.ndim(case[name]) for case in self.cases}) == 1
        }

    def sizes(self, case: int = 0) -> Sizes:
        """The sizes of a probe."""
        return {group: group[case] for group in self.group.values()}

    def drawn(self, rng: np.random.Generator, case: int, sizes: Sizes, small: bool) -> Case:
        """An input like that of a probe, with other numbers and maybe other sizes.

        Args:
            rng: draws the numbers.
            case: which probe, counted from 0 among the usual ones.
            sizes: of every group of axes.
            small: whether the numbers are small whole ones.
        """
        like = self.cases[case]
        return {name: self._value(name, like[name], rng, sizes, small) for name in like}

    def _value(
        self, name: str, like: Any, rng: np.random.Generator, sizes: Sizes, small: bool
    ) -> Any:
        if isinstance(like, float) and not isinstance(like, bool):
            return _number(like, rng, small)
        if not isinstance(like, np.ndarray):
            return like
        axes = range(like.ndim)
        if all((name, k) in self.group for k in axes):
            shape = tuple(sizes[self.group[name, k]] for k in axes)
        else:
            shape = like.shape
        if like.dtype.kind in "iu":
            return rng.integers(0, self._classes(name, like, sizes), shape).astype(like.dtype)
        if like.dtype.kind == "b":
            return rng.random(shape) < 0.5
        if _is_one_hot(like):
            return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
        return _numbers(like, shape, rng, small)

    def _classes(self, name: str, like: Array, sizes: Sizes) -> int:
        """One more than the largest class number: the smallest size that bounds it everywhere."""
        most = [int(np.max(case[name], initial=0)) for case in self.cases]
        groups = [
            group
            for group in self.group.values()
            if all(size > top for size, top in zip(group, most, strict=True))
        ]
        if not groups:
            return int(like.max(initial=0)) + 1
        return max(1, sizes[min(groups)])


def _number(like: float, rng: np.random.Generator, small: bool) -> float:
    if small or like == 0.0:
        return like
    return float(like * rng.uniform(0.5, 1.5))


def _numbers(like: Array, shape: tuple[int, ...], rng: np.random.Generator, small: bool) -> Array:
    is_positive = bool(like.size) and float(like.min()) >= 0.0
    if small:
        found = rng.integers(1, 4, shape) if is_positive else rng.integers(-2, 3, shape)
        return np.asarray(found, float)
    spread = float(like.std()) if like.size > 1 and like.std() > 0 else 1.0
    drawn = rng.normal(0.0, spread, shape)
    return np.abs(drawn) if is_positive else drawn


def _is_one_hot(like: Array) -> bool:
    is_binary = like.ndim > 1 and bool(np.all((like == 0) | (like == 1)))
    return is_binary and bool(np.all(like.sum(axis=-1) == 1))


def drawn_probes(program: Program, number: int = 6) -> Iterator[Probe]:
    """Random inputs of the shapes of the probes, always the same ones."""
    template, rng = Template(program), np.random.default_rng(7)
    for k in range(number):
        case = k % len(template.cases)
        made = template.drawn(rng, case, template.sizes(case), small=False)
        calls = len(usual(program)[case].calls)
        more = [
            template.drawn(rng, case, template.sizes(case), small=False) for _ in range(calls - 1)
        ]
        yield Probe(f"drawn {k}", "", (made, *more))


def is_different(
    program: Program,
    one: Sequence[Variation],
    other: Sequence[Variation],
    lines: Sequence[str],
    probes: Sequence[Probe],
) -> tuple[Probe, int, str] | None:
    """The first call and line in which two sets of variations differ; None if they do not."""
    bench = Bench(program, probes)
    a, b = bench.under(one, None), bench.under(other, None)
    for probe in probes:
        for call in range(len(probe.calls)):
            for line in lines:
                if not _alike(a.value(probe.name, call, line), b.value(probe.name, call, line)):
                    return probe, call, line
    return None


def _alike(one: Any, other: Any) -> bool:
    a, b = array_of(one), array_of(other)
    if one is None or other is None or a is None or b is None:
        return one is other
    return is_same(a, b, 1e-7, 1e-12)


def smallest(
    program: Program, one: Sequence[Variation], other: Sequence[Variation], lines: Sequence[str]
) -> tuple[Probe, int, str] | None:
    """A small input, in whole numbers, on which two sets of variations differ in a line.

    Args:
        program: whose inputs are drawn.
        one: variations, such as a bug.
        other: variations, such as none.
        lines: where they may differ.

    Returns:
        The input as a probe of one call, that call and the first line; None where none was found.
    """
    template = Template(program)
    for case in range(len(template.cases)):
        sizes = template.sizes(case)
        best = _shown(template, case, sizes, one, other, lines)
        if best is None:
            continue
        for group in sorted(sizes, key=lambda group: -sizes[group]):
            for less in (1, 2, 3):
                if less < sizes[group]:
                    smaller = {**sizes, group: less}
                    found = _shown(template, case, smaller, one, other, lines)
                    if found is not None:
                        best, sizes = found, smaller
                        break
        return best
    return None


def _shown(
    template: Template,
    case: int,
    sizes: Sizes,
    one: Sequence[Variation],
    other: Sequence[Variation],
    lines: Sequence[str],
) -> tuple[Probe, int, str] | None:
    rng = np.random.default_rng(3)
    for _ in range(4):
        drawn = template.drawn(rng, case, sizes, small=True)
        made = Probe("small", "", (_fitting(template.program, drawn, rng),))
        found = is_different(template.program, one, other, lines, (made,))
        if found is not None and _is_plain(template.program, made, one, other, found[2]):
            return found
    return None


def _fitting(program: Program, case: Case, rng: np.random.Generator) -> Case:
    """A case whose gradients of what comes after have the shapes of what comes out.

    How large the output of a convolution is follows from its inputs, and from no size alone.
    """
    fitted = dict(case)
    for name, value in case.items():
        if name[:1] != "d" or name[1:] not in program.order or not np.ndim(value):
            continue
        bench = Bench(program, (Probe("fitted", "", (fitted,)),))
        out = array_of(bench.under((), None).value("fitted", 0, name[1:]))
        if out is not None and out.shape != np.shape(value):
            fitted[name] = rng.integers(-2, 3, out.shape).astype(float)
    return fitted


def _is_plain(
    program: Program,
    probe: Probe,
    one: Sequence[Variation],
    other: Sequence[Variation],
    line: str,
) -> bool:
    bench = Bench(program, (probe,))
    values = [bench.under(chosen, None).value(probe.name, 0, line) for chosen in (one, other)]
    arrays = [array_of(value) for value in values if value is not None]
    known = [a for a in arrays if a is not None and bool(np.isfinite(a).all())]
    return len(known) == 2 and any(bool(a.any()) for a in known)


def as_rows(value: Any, most: int = 8) -> tuple[tuple[float, ...], ...]:
    """An array as rows of numbers, at most so many rows and columns."""
    array = np.asarray(value, float)
    if array.size == 0:
        return ()
    flat = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    return tuple(tuple(float(x) for x in row[:most]) for row in flat[:most])


def given(case: Case) -> Mapping[str, Any]:
    """The inputs of a call that are numbers or arrays."""
    return {name: value for name, value in case.items() if array_of(value) is not None}

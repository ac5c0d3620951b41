"""Variations that are made mechanically from the rules of a program's lines.

A rule is varied at every place of its syntax tree: a factor or a term is left out, a sign is
turned, a product is another one, an axis or a function is another one, one array stands for
another of the same shape. Each variation has words of its own. Hand-written variations come before
these, so they name what nobody thought of.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.marking.deciding.brackets import (
    Change,
    one_over_n,
    one_term,
    open_brackets,
    square_of_all,
)
from chainrule.marking.deciding.evaluating import FAILED, names_in
from chainrule.marking.deciding.fits import zeroed
from chainrule.marking.deciding.search import bench_of
from chainrule.marking.deciding.wholes import taught_of_whole
from chainrule.marking.program import RIGHT, Program, Variation

PARTS_OF_SUMS = {
    "1:": "leaves out the first term",
    ":-1": "leaves out the last term",
    ":1": "has the first term alone",
    "-1:": "has the last term alone",
}
"""What a loop that begins or ends at the wrong place makes of a sum, by the slice that is left."""

OTHERS = {
    "log": ("log10", "log2", "log1p"),
    "exp": ("exp2", "expm1"),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "sin": ("cos",),
    "cos": ("sin",),
    "sqrt": ("square",),
    "tanh": ("sinh", "arctan"),
}
"""The functions of NumPy that are taken for another."""

Made = Callable[[str, str], Sequence[Variation]]


@dataclass(frozen=True)
class Number:
    """A number that a line may be multiplied or divided by.

    Attributes:
        text: its rule.
        says: what it is.
    """

    text: str
    says: str


def mutations(program: Program) -> Made:
    """What makes the variations of a line from its rule.

    Args:
        program: whose lines are varied; what is made is kept with it.

    Returns:
        A function from a line's name and its rule, as it is now, to the variations.
    """
    kept: Made | None = program.__dict__.get("_mutations")
    if kept is None:
        kept = program.__dict__["_mutations"] = _Mutations(program)
    return kept


def shifted_labels(program: Program) -> list[Variation]:
    """The variations of class numbers: all lines that read them take one more, or one less.

    Args:
        program: whose inputs of whole numbers are shifted.
    """
    kept: list[Variation] | None = program.__dict__.get("_shifted")
    if kept is None:
        kept = program.__dict__["_shifted"] = list(_shifted(program))
    return kept


def _shifted(program: Program) -> Iterator[Variation]:
    first = program.probes[0].calls[0] if program.probes else {}
    labels = [
        name for name, v in first.items() if isinstance(v, np.ndarray) and v.dtype.kind in "iu"
    ]
    for name in labels:
        for by, words in ((-1, "one too low"), (1, "one too high")):
            changes = {
                line.name: re.sub(rf"(?<![\w.]){name}(?!\w)", f"({name} + {by})", line.rule)
                for line in program.lines
                if name in names_in(line.rule)[0]
            }
            yield Variation(
                f"off_by_one@{name}",
                f"the class numbers {name} are taken {words}",
                "Class numbers count from 0, as Python's indices do; a shift by one gives every "
                "case another case's class, and the first or last class wraps round without an "
                "error.",
                "Print the targets of two cases beside their class numbers.",
                changes,
                is_generated=True,
            )


def all_mutations(program: Program) -> Iterator[Variation]:
    """The variations of all lines of a program, each changing one rule."""
    made = mutations(program)
    for line in program.lines:
        yield from made(line.name, line.rule)


class _Mutations:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.made: dict[tuple[str, str], tuple[Variation, ...]] = {}
        self.shapes = _shapes(program)

    def __call__(self, line: str, rule: str) -> Sequence[Variation]:
        key = line, rule
        if key not in self.made:
            self.made[key] = tuple(self._variations(line, rule))
        return self.made[key]

    def _variations(self, name: str, rule: str) -> Iterator[Variation]:
        line, seen = self.program.line(name), {rule}
        for change, whole in self._changed(name, rule):
            plain = ast.unparse(ast.parse(whole, mode="eval"))
            if plain not in seen:
                seen.add(plain)
                title = change.says.format(line=line.says)
                yield Variation(
                    f"{change.kind}@{name}",
                    title,
                    *self._taught(change, name, rule),
                    {name: whole},
                    often=change.often,
                    is_generated=True,
                )

    def _taught(self, change: Change, name: str, rule: str) -> tuple[str, str]:
        """What happens in the code, and where to look."""
        if self.program.is_tabled:
            return taught_of_whole(change.kind)
        return (
            f"{self._rule_in_words(name, rule)} The code's numbers are those of this line with "
            "that one change.",
            "Write this one line of the derivation down again, and compare it with the code "
            "factor by factor and sign by sign.",
        )

    def _rule_in_words(self, name: str, rule: str) -> str:
        names, _, _ = names_in(rule)
        known = [
            f"{one} is {self.program.line(one).says}"
            for one in sorted(names, key=rule.find)
            if one in self.program.order and one != self.program.line(one).says
        ]
        where = f", where {' and '.join(known)}" if known else ""
        return f"{self.program.line(name).says} is {rule}{where}."

    def _changed(self, name: str, rule: str) -> Iterator[tuple[Change, str]]:
        if self.program.is_tabled:
            for change in self._wholes(name, rule):
                yield change, change.text
            return
        raw = rule.encode()
        limit = self.program.order[name]
        places = _Places("N" in self.shapes and self.program.order.get("N", -1) < limit)
        for node in ast.walk(ast.parse(rule, mode="eval")):
            if not isinstance(node, ast.expr):
                continue
            start, end = node.col_offset, node.end_col_offset or 0
            for change in [*places.changes(node), *self._names(name, node)]:
                text = raw[:start].decode() + f"({change.text})" + raw[end:].decode()
                if _is_rule(text):
                    yield change, text
        for change in self._wholes(name, rule):
            yield change, change.text

    def _names(self, line: str, node: ast.expr) -> Iterator[Change]:
        """Another array of the same shape, or the same one of the call before."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from self._functions(node)
        if not isinstance(node, ast.Name) or node.id not in self.shapes:
            return
        limit = self.program.order[line]
        for other, shapes in self.shapes.items():
            is_there = self.program.order.get(other, -1) < limit
            if is_there and other and other != node.id and shapes == self.shapes[node.id]:
                says = f"{self._named(other)} stands where {self._named(node.id)} belongs in "
                yield Change("other_array", other, says + "{line}", _kinship(other, node.id))
        if any(len(probe.calls) > 1 for probe in self.program.probes):
            old = f"before.{node.id} if before is not None else {node.id}"
            says = f"{self._named(node.id)} is still that of the call before in {{line}}"
            yield Change("kept_from_before", old, says, 0.5)

    def _functions(self, node: ast.Call) -> Iterator[Change]:
        assert isinstance(node.func, ast.Name)
        inner = [ast.unparse(arg) for arg in node.args]
        if not inner:
            return
        name = node.func.id
        yield Change("left_out", inner[0], f"{name} is left out in {{line}}")
        if len(inner) > 1 or name not in self.program.functions:
            return
        twice = f"{name}({name}({inner[0]}))"
        yield Change("function_twice", twice, f"{name} is applied twice in {{line}}", 0.8)
        says = f"{name} is taken of −{inner[0]} in {{line}}"
        yield Change("wrong_side", f"{name}(-({inner[0]}))", says, 0.6)
        if self.is_array(inner[0]):
            first = f"({name}({inner[0]}))[:1]"
            says = f"{name}({inner[0]}) of the first case is taken for all cases in {{line}}"
            yield Change("first_case", first, says, 0.5)
        says = f"{name}({inner[0]}) is squared in {{line}}"
        yield Change("squared", f"{name}({inner[0]}) ** 2", says, 0.6)
        for other in self.program.functions:
            if other != name:
                says = f"{other} stands where {name} belongs in {{line}}"
                yield Change("other_function", f"{other}({inner[0]})", says, 0.7)

    def _wholes(self, name: str, rule: str) -> Iterator[Change]:
        yield Change("sign", f"-({rule})", "the sign of {line} is turned")
        yield Change("doubled", f"2 * ({rule})", "{line} has a factor 2 too many", 0.7)
        yield Change("halved", f"({rule}) / 2", "{line} has a factor ½ too many", 0.7)
        yield Change("zero", f"0 * ({rule})", "{line} is zero", 0.5)
        yield Change("ones", f"np.ones_like({rule})", "{line} is all ones", 0.5)
        yield Change("squared", f"({rule}) ** 2", "{line} is squared", 0.5)
        yield Change("transposed", f"np.transpose({rule})", "{line} is transposed")
        rounded = f"np.asarray(np.float32({rule}), float)"
        yield Change("float32", rounded, "{line} is rounded to float32, 7 digits", 0.5)
        yield from self._numbers(name, rule)
        if self.is_array(name):
            one = f"0 * ({rule}) + np.sum({rule})"
            yield Change("one_number", one, "{line} is one number, the sum of all of it", 0.6)
            for axis in range(min(_axes(self.shapes.get(name, ())), 2)):
                which = ("row", "column")[axis]
                axes = _axes(self.shapes[name])
                for at, words in ((0, "first"), (-1, "last")):
                    lost = zeroed(at, axis, axes).replace(RIGHT, f"({rule})")
                    says = f"the {words} {which} of {{line}} is 0, as of a loop that leaves it out"
                    yield Change("part_lost", lost, says, 0.5)
        if any(len(probe.calls) > 1 for probe in self.program.probes):
            old = f"({rule}) + (before.{name} if before is not None else 0)"
            says = "{line} is added to what the call before left there"
            yield Change("kept_from_before", old, says)
            if self.program.is_tabled:
                stale = f"before.{name} if before is not None else ({rule})"
                yield Change("stale", stale, "{line} is still that of the call before")

    def _numbers(self, name: str, rule: str) -> Iterator[Change]:
        """The line is multiplied or divided by a size or number that there is."""
        for number in self._known_numbers(name):
            is_cases = number.text == "N"
            yield Change(
                "mean_twice" if is_cases else "divided",
                f"({rule}) / {number.text}",
                f"{{line}} is divided by {number.says} once too often",
                1.0 if is_cases else 0.5,
            )
            yield Change(
                "no_mean" if is_cases else "multiplied",
                f"({rule}) * {number.text}",
                f"{{line}} has a factor of {number.says} too many",
                1.0 if is_cases else 0.5,
            )
            if is_cases and self.program.line(name).stage == "backward":
                more = f"({rule}) * N / (N + 1)"
                yield Change("cases_and_one", more, "N + 1 stands for N in {line}", 0.3)

    def _known_numbers(self, line: str) -> Iterator[Number]:
        """The names of numbers before a line, and the sizes of the inputs."""
        limit = self.program.order[line]
        has_cases = False
        for name, shapes in self.shapes.items():
            is_number = name and shapes == self.shapes[""]
            if is_number and self.program.order.get(name, -1) < limit and self._is_size(name):
                has_cases |= name == "N"
                yield Number(name, "N" if name == "N" else self._named(name))
        sizes: dict[tuple[Any, ...], tuple[str, int]] = {}
        for name in sorted(self.program.inputs):
            shapes = self.shapes.get(name, ())
            for axis in range(_axes(shapes)):
                sizes.setdefault(tuple(shape[axis] for shape in shapes), (name, axis))
        for found, (name, axis) in sizes.items():
            if not (has_cases and found == self._cases()):
                text = f"np.shape({name})[{axis}]"
                yield Number(text, f"the {_count(axis, _axes(self.shapes[name]))} of {name}")

    def _is_size(self, name: str) -> bool:
        """Whether a number is one that a factor may be: no loss and no intermediate result."""
        return name in self.program.inputs or name == "N"

    def _cases(self) -> tuple[Any, ...]:
        under = bench_of(self.program, self.program.probes).under((), None)
        return tuple(
            under.value(probe.name, call, "N")
            for probe in self.program.probes
            for call in range(len(probe.calls))
        )

    def is_array(self, name: str) -> bool:
        """Whether a line's value has axes in some probe."""
        return any(self.shapes.get(name, ()))

    def _named(self, name: str) -> str:
        return f"{self.program.line(name).says} ({name})" if name in self.program.order else name


def _kinship(one: str, other: str) -> float:
    """How likely one name is mixed up with another: mostly where only the number differs."""
    bare = [name.rstrip("0123456789") for name in (one, other)]
    return 0.8 if bare[0] == bare[1] else 0.4


def _count(axis: int, axes: int) -> str:
    """What the size of an axis is called.

    Example:
        >>> _count(0, 1), _count(1, 2), _count(2, 4)
        ('length', 'number of columns', 'size of axis 2')
    """
    if axes == 1:
        return "length"
    return f"number of {('rows', 'columns')[axis]}" if axes == 2 else f"size of axis {axis}"


def _is_rule(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


def _shapes(program: Program) -> Mapping[str, tuple[Any, ...]]:
    """The shapes of every name in all probes; those of "" are the shapes of a number."""
    under = bench_of(program, program.probes).under((), None)
    found: dict[str, list[Any]] = {name: [] for name in program.order}
    found |= {name: [] for name in sorted(program.inputs)}
    found[""] = []
    for probe in program.probes:
        for call, case in enumerate(probe.calls):
            found[""].append(())
            for name, shapes in found.items():
                if name in program.order:
                    number = under.number(probe.name, call, name)
                    value = None if number == FAILED else under.bench.values[number]
                    shapes.append(_shape(value))
                elif name:
                    shapes.append(_shape(case[name]) if name in case else "not there")
    return {name: tuple(shapes) for name, shapes in found.items() if "none" not in shapes}


def _axes(shapes: tuple[Any, ...]) -> int:
    """How many axes there are in every probe; 0 where their number differs."""
    if not shapes or any(not isinstance(shape, tuple) for shape in shapes):
        return 0
    numbers = {len(shape) for shape in shapes}
    return numbers.pop() if len(numbers) == 1 else 0


def _shape(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic | int | float) and not isinstance(value, bool):
        return np.shape(value)
    return "none"


class _Places:
    """The changes of one node of a rule."""

    def __init__(self, has_cases: bool) -> None:
        self.has_cases = has_cases

    def changes(self, node: ast.expr) -> Iterator[Change]:
        """What else may stand there."""
        if isinstance(node, ast.BinOp):
            yield from self._operation(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield Change("sign", self.text(node.operand), "a minus is missing in {line}")
        elif isinstance(node, ast.Attribute) and node.attr == "T":
            says = f"{self.text(node.value)} is not transposed in {{line}}"
            yield Change("transposed", self.text(node.value), says)
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            yield from self._comparison(node)
        elif isinstance(node, ast.Call):
            yield from self._call(node)
        elif isinstance(node, ast.Subscript):
            yield from self._subscript(node)

    def text(self, node: ast.AST) -> str:
        """A node as it stands in the rule."""
        return ast.unparse(node)

    def _operation(self, node: ast.BinOp) -> Iterator[Change]:
        a, b = self.text(node.left), self.text(node.right)
        if isinstance(node.op, ast.Mult):
            yield Change("left_out", f"{a}", f"the factor {b} is missing in {{line}}")
            yield Change("left_out", f"{b}", f"the factor {a} is missing in {{line}}")
            yield Change(
                "twice", f"({a}) * ({b}) * ({b})", f"the factor {b} is twice in {{line}}", 0.7
            )
            yield Change(
                "twice", f"({a}) * ({a}) * ({b})", f"the factor {a} is twice in {{line}}", 0.7
            )
            yield Change(
                "added",
                f"({a}) + ({b})",
                f"{a} and {b} are added, not multiplied, in {{line}}",
                0.4,
            )
            yield Change("product", f"({a}) @ ({b})", "@ stands where * belongs in {line}")
            yield from one_term(node, "*")
            yield from open_brackets(node, "*")
        elif isinstance(node.op, ast.Div):
            yield from one_term(node, "/")
            yield from open_brackets(node, "/")
            yield Change("left_out", f"{a}", f"the division by {b} is missing in {{line}}")
            yield Change(
                "twice", f"({a}) / ({b}) / ({b})", f"{{line}} is divided by {b} twice", 0.8
            )
            yield Change(
                "inverse", f"({a}) * ({b})", f"{{line}} is multiplied by {b}, not divided", 0.7
            )
        elif isinstance(node.op, ast.Add):
            yield Change("left_out", f"{a}", f"the term {b} is missing in {{line}}")
            yield Change("left_out", f"{b}", f"the term {a} is missing in {{line}}")
            yield Change("sign", f"({a}) - ({b})", f"{b} is subtracted, not added, in {{line}}")
            yield Change("twice", f"({a}) + ({b}) + ({b})", f"{b} is added twice in {{line}}", 0.8)
            if self.has_cases:
                says = f"{b} is added N times, once for every case, in {{line}}"
                yield Change("added_n_times", f"({a}) + N * ({b})", says, 0.7)
        elif isinstance(node.op, ast.Sub):
            if self.has_cases:
                yield from one_over_n(a, b)
            yield Change("left_out", f"{a}", f"the term {b} is missing in {{line}}")
            yield Change("left_out", f"-({b})", f"the term {a} is missing in {{line}}")
            yield Change("sign", f"({a}) + ({b})", f"{b} is added, not subtracted, in {{line}}")
            yield Change("sign", f"({b}) - ({a})", f"{a} − {b} is the wrong way round in {{line}}")
            yield from square_of_all(node)
        elif isinstance(node.op, ast.MatMult):
            yield from self._matrix(a, b)
        elif isinstance(node.op, ast.Pow):
            yield Change("left_out", f"{a}", f"the power {b} is missing in {{line}}")

    def _matrix(self, a: str, b: str) -> Iterator[Change]:
        says = f"* stands where @ belongs, between {a} and {b}, in {{line}}"
        yield Change("elementwise_product", f"({a}) * ({b})", says)
        flips = [(f"({a}).T", f"({b})", a), (f"({a})", f"({b}).T", b)]
        for left, right, which in flips:
            now = "transposed or not transposed, the other way round,"
            yield Change("transposed", f"{left} @ {right}", f"{which} is {now} in {{line}}")
        yield Change(
            "swapped", f"({b}) @ ({a})", f"{a} @ {b} is the wrong way round in {{line}}", 0.8
        )
        yield Change("left_out", f"{a}", f"the factor {b} is missing in {{line}}", 0.7)
        yield Change("left_out", f"{b}", f"the factor {a} is missing in {{line}}", 0.7)
        for now, says in PARTS_OF_SUMS.items():
            part = f"({a})[..., {now}] @ ({b})[{now}]"
            yield Change("terms_lost", part, f"the sum {a} @ {b} {says} in {{line}}", 0.6)

    def _comparison(self, node: ast.Compare) -> Iterator[Change]:
        signs = {
            ast.Gt: ">",
            ast.GtE: ">=",
            ast.Lt: "<",
            ast.LtE: "<=",
            ast.Eq: "==",
            ast.NotEq: "!=",
        }
        now = signs.get(type(node.ops[0]))
        a, b = self.text(node.left), self.text(node.comparators[0])
        for sign in signs.values() if now else ():
            if sign != now:
                says = f"the comparison is {a} {sign} {b} in {{line}}"
                yield Change("comparison", f"({a}) {sign} ({b})", says, 0.6)

    def _call(self, node: ast.Call) -> Iterator[Change]:
        if not isinstance(node.func, ast.Attribute):
            return
        name, owner = node.func.attr, node.func.value
        is_numpy = isinstance(owner, ast.Name) and owner.id == "np"
        if name not in ("sum", "mean", "max", "min"):
            for other in OTHERS.get(name, ()) if is_numpy else ():
                inner = ", ".join(map(self.text, node.args))
                says = f"{other} stands where {name} belongs in {{line}}"
                yield Change("other_function", f"np.{other}({inner})", says, 0.7)
            if is_numpy and len(node.args) == 1:
                says = f"{name} is left out in {{line}}"
                yield Change("left_out", self.text(node.args[0]), says)
            return
        if name == "sum" and is_numpy and len(node.args) == 1 and not node.keywords:
            yield from self._square(node)
        inner = self.text(node.args[0]) if is_numpy and node.args else self.text(owner)
        yield from self._reduction(node, name, inner)

    def _reduction(self, node: ast.Call, name: str, inner: str) -> Iterator[Change]:
        words = {key.arg: self.text(key.value) for key in node.keywords if key.arg}
        axis, keeps = words.get("axis"), words.get("keepdims") == "True"
        kept = ", keepdims=True" if keeps else ""
        at = f"axis={axis}{kept}" if axis is not None else ""
        if name in ("sum", "mean"):
            other = "mean" if name == "sum" else "sum"
            says = f"a {other} is taken where it is a {name}, in {{line}}"
            yield Change(f"{other}_for_{name}", f"({inner}).{other}({at})", says)
        yield Change("not_summed", inner, f"{{line}} lacks a {name}", 0.8)
        if name == "sum" and axis is not None and keeps:
            says = f"a running sum (cumsum) stands for the sum over axis {axis} in {{line}}"
            yield Change("running_sum", f"np.cumsum({inner}, axis={axis})", says, 0.5)
        if name == "sum" and axis in (None, "0"):
            for now, says in PARTS_OF_SUMS.items():
                part = f"({inner})[{now}].sum({at})"
                yield Change("terms_lost", part, f"the sum of {inner} {says} in {{line}}", 0.6)
        if axis is None:
            return
        for one in [a for a in ("0", "1", "-1", "2") if a != axis and f"-{a}" != axis]:
            says = f"the {name} runs over axis {one}, not {axis}, in {{line}}"
            more = f"({inner}).{name}(axis={one}{kept})"
            yield Change("summed_over_wrong_axis", more, says)
        says = f"the {name} runs over all axes, not over axis {axis} alone, in {{line}}"
        yield Change("summed_over_all", f"({inner}).{name}()", says)
        if keeps:
            says = f"the {name} does not keep its axis (keepdims) in {{line}}"
            yield Change("no_keepdims", f"({inner}).{name}(axis={axis})", says)

    def _square(self, node: ast.Call) -> Iterator[Change]:
        """The sum of the squares of an array, taken in another order."""
        inside = node.args[0]
        if isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Pow):
            base = self.text(inside.left)
            says = f"the square of the sum of {base} stands for the sum of its squares in {{line}}"
            yield Change("square_of_sum", f"np.sum({base}) ** 2", says)
            says = f"the sum of {base}ᵀ{base} stands for the sum of the squares in {{line}}"
            yield Change("matrix_product", f"np.sum(({base}).T @ ({base}))", says, 0.6)
            yield Change(
                "norm",
                f"np.sqrt(np.sum(({base}) ** 2))",
                (f"the norm of {base} stands for the sum of its squares in {{line}}"),
            )
            yield Change(
                "absolute",
                f"np.sum(np.abs({base}))",
                (f"the sum of |{base}| stands for the sum of its squares in {{line}}"),
            )

    def _subscript(self, node: ast.Subscript) -> Iterator[Change]:
        inner = self.text(node.value)
        index = self.text(node.slice)
        yield Change("left_out", inner, f"[{index}] is missing in {{line}}", 0.6)
        for now, then in (("1:", ":-1"), (":-1", "1:")):
            if now in index and not (now == "1:" and ":-1" in index and "1:" not in index):
                says = f"[{index.replace(now, then)}] stands where [{index}] belongs in {{line}}"
                yield Change("off_by_one", f"{inner}[{index.replace(now, then)}]", says, 0.7)

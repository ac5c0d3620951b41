"""One weight on the board: every path by which it moves the loss, and a nudge by hand."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.core.errors import ShapeError
from chainrule.explain.blocks import Block, Section, Sentence, Step
from chainrule.explain.expressions import (
    LOSS,
    MOST_COUNTED,
    Expression,
    Name,
    Others,
    Product,
    Ratio,
    Sum,
    Variable,
)
from chainrule.explain.layers.base import penalty_terms
from chainrule.explain.layers.common import CANCELS, added, flat, is_rounding
from chainrule.explain.layers.gates import GATES
from chainrule.explain.lesson import Lesson, Place, Weight
from chainrule.explain.naming import name_text
from chainrule.explain.nudge import nudged
from chainrule.explain.paths import Path, Paths, paths_of
from chainrule.explain.ways import Stop
from chainrule.nn.layers.normalization import BatchNorm

MOST_PATHS = 12
"""The most paths that are written out."""


def sections(lesson: Lesson) -> Iterator[Section]:
    """The paths and the nudge, for the weight that was asked for, or for one that matters."""
    weight = lesson.looked_at
    w = name_text(_parameter(lesson, weight).name)
    heading = f"Every path from {w} to the loss"
    yield Section(heading, tuple(_paths(lesson, weight)))
    yield Section(f"The check: {w} nudged by hand", tuple(_nudge(lesson, weight)))


def _place(lesson: Lesson, layer: str) -> Place:
    return lesson.place([each.name for each in lesson.network.layers].index(layer))


def _parameter(lesson: Lesson, weight: Weight) -> Variable:
    layer, _, name = weight.array.rpartition(".")
    return _place(lesson, layer).parameter(name, *weight.index)


# The paths


def _paths(lesson: Lesson, weight: Weight) -> Iterator[Block]:
    w, name = _parameter(lesson, weight), weight.array.rpartition(".")[2]
    try:
        found = paths_of(
            lesson.network, lesson.x, lesson.t, weight.array, weight.index,
            most=MOST_PATHS, weights=lesson.weights,
        )  # fmt: skip
    except ShapeError as error:  # a layer of the user's own, too large to follow number by number
        yield Sentence(f"The paths are not listed: {error}.")
        return
    if lesson.weight is None:
        yield Sentence(
            "One weight is looked at more closely: that of the largest gradient in "
            f"{weight.array}. The option --weight '{weight}' names it, or any other; in Python it "
            f"is weight='{weight}'."
        )
    yield Sentence(_about(found, name_text(w.name)))
    if not found.count:
        return
    parts: list[Expression] = []
    for k, path in enumerate(found.listed):
        step = _path(lesson, w, path, k)
        parts.append(step.result)
        yield step
    gradient = _place(lesson, weight.array.rpartition(".")[0]).gradient(name, *weight.index)
    why = "The sum over all paths is the gradient, the same that the backward pass has found."
    if found.count > len(parts):
        rest = found.rest
        if parts and is_rounding(gradient.value, parts):
            why = f"{why} {CANCELS}"
            rest = gradient.value - sum(part.evaluate() for part in parts)
        parts.append(Others(rest, round(found.count) - len(parts), "paths"))
    rule = Sum(tuple(parts)) if len(parts) > 1 else parts[0]
    yield Step(gradient, (rule,), why=why)


def _about(found: Paths, w: str) -> str:
    if not found.count:
        return (
            f"A path from {w} to L is a chain of numbers each of which moves the next. Here every "
            "path has a factor 0 somewhere, such as the slope of a relu that is off: none of them "
            f"moves L, and the gradient of {w} is 0."
        )
    one = (
        f"{w} moves a number, that number moves others, and so on to L. Each such chain is a "
        "path. Along a path the slopes are multiplied, which are those of the backward pass: "
        "the slope of a sum z along a weight is the number that the weight is multiplied by, the "
        "slope along that number is the weight, and the slope of a along z is that of the "
        "activation. The products of all paths add up. The "
        "backward pass does the same without listing the paths: it adds up at every number what "
        "comes back to it, so that no part is computed twice."
    )
    if found.count == 1:
        return f"{one} Here there is one path whose product is not 0."
    listed = len(found.listed)
    shown = "" if found.count <= listed else f", of which the {listed} that move L most are listed"
    return f"{one} Here there are {_count(found.count)} paths whose product is not 0{shown}."


def _count(count: float) -> str:
    return f"{count:,.0f}" if count < MOST_COUNTED else f"more than {MOST_COUNTED:,}"


def _path(lesson: Lesson, w: Variable, path: Path, k: int) -> Step:
    """The product of the slopes along a path."""
    names, factors = [w.name], []
    assert isinstance(w.name, Name), "a weight has a simple name"
    before = w.name
    for factor in path.factors:
        name = Name("R") if factor.what == "the penalty's slope" else _name(lesson, factor.to)
        names.append(name)
        factors.append(Variable(factor.value, Ratio(name, before)))
        before = name
    rules: list[Expression] = [Product(tuple(factors)) if len(factors) > 1 else factors[0]]
    if names[1:] == [Name("R")]:
        weight = lesson.looked_at
        layer, _, array = weight.array.rpartition(".")
        rules.append(added(penalty_terms(_place(lesson, layer), array, *weight.index)))
    chain = " → ".join(name_text(name) for name in names)
    result = Variable(path.product, Name("p", at=(k + 1,)))
    return Step(result, tuple(rules), why=f"{chain}:")


def _name(lesson: Lesson, stop: Stop) -> Name:
    """What the board calls a number that a path passes."""
    if not stop.layer:
        return LOSS
    place = _place(lesson, stop.layer)
    name = _in_case(place, stop)
    if stop.case in (None, lesson.case):
        return name
    return Name(name.letter, name.layer, name.at, f"case {stop.case + 1}")


def _in_case(place: Place, stop: Stop) -> Name:
    layer, counted = place.layer, tuple(k + 1 for k in stop.index)
    if stop.letter in ("mean", "variance"):
        if isinstance(layer, BatchNorm):
            return Name(stop.letter[0], place.number, counted)
        case, step = divmod(stop.index[0], layer.steps if layer.at_each_step else 1)
        where = "" if case == place.lesson.case else f"case {case + 1}"
        tag = (step + 1,) if layer.at_each_step else ()
        return Name(stop.letter[0], place.number, tag, where)
    if stop.letter.startswith("z") and "a" in layer.jacobians():
        return Name("z" + GATES.get(stop.letter[2:], ""), place.number, counted)
    if getattr(layer, "only_last", False) or stop.letter == "c":
        return Name(stop.letter, place.number, counted)
    name = place.output(flat(stop.index, layer.output_shape)).name
    assert isinstance(name, Name), "an output has a simple name"
    return name


# The nudge


def _nudge(lesson: Lesson, weight: Weight) -> Iterator[Block]:
    nudge = nudged(
        lesson.network, lesson.x, lesson.t, weight.array, weight.index, weights=lesson.weights
    )
    w, epsilon = _parameter(lesson, weight), f"{nudge.epsilon:g}"
    same = ""
    if any(layer.differs_in_training for layer in lesson.network.layers):
        same = " Both passes see the same minibatch and the same masks."
    yield Sentence(
        f"Is the gradient right? {name_text(w.name)}, here called w, is moved by ε = {epsilon}, "
        f"all else is left as it is, and the forward pass is run again.{same}"
    )
    before, after = (
        Variable(value, Name("L", where=where))
        for value, where in ((nudge.before, "w"), (nudge.after, "w + ε"))
    )
    yield Step(Variable(nudge.change, Name("ΔL")), (after - before,))
    gradient = Variable(nudge.gradient, Ratio(LOSS, _simple(w)))
    expected = Variable(nudge.predicted, Name("ΔL", where="expected"))
    why = "By the gradient, the slope of L at the weight, it should be:"
    yield Step(expected, (gradient * Variable(nudge.epsilon, Name("ε")),), why=why)
    yield Sentence(f"{nudge}. {nudge.why}")


def _simple(w: Variable) -> Name:
    assert isinstance(w.name, Name), "a weight has a simple name"
    return w.name

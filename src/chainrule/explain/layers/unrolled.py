"""Layers with a state on the board: unrolled step by step, and back through time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.activations import RULES, activation_word, is_linear
from chainrule.explain.blocks import Block, Given, Matrix, Sentence, Step
from chainrule.explain.expressions import Expression, Name, Number, Variable, by, shortened
from chainrule.explain.layers.base import LayerExplainer, kept_of
from chainrule.explain.layers.by_jacobians import column as column_of
from chainrule.explain.layers.common import (
    added,
    gradient_step,
    slope_name,
    summed,
    units_text,
)
from chainrule.explain.naming import name_text

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place

MOST_STEPS, MOST_UNITS = 4, 2
"""The most steps, and the most units, that are worked out one by one where there are more."""

FEW = 9
"""All numbers of a layer are worked out if steps times units are no more than this."""

Cell = tuple[int, int]
"""A step and a unit, counted from 0."""


@dataclass(frozen=True)
class Course:
    """The numbers of a layer with states for the case that is worked out, by step and unit.

    Attributes:
        at: the layer.
    """

    at: Place

    @property
    def layer(self) -> Any:
        """The layer itself."""
        return self.at.layer

    @cached_property
    def length(self) -> int:
        """How many steps of the case are not padding."""
        x = self.at.lesson.fed[self.at.k][self.at.lesson.case]
        steps = x.reshape(self.layer.steps, -1)
        return int((~np.isnan(steps).all(axis=1)).sum())

    @property
    def size(self) -> int:
        """The number of units."""
        return int(self.layer.size)

    @cached_property
    def z(self) -> Array:
        """z of all steps, (steps, width)."""
        z = self.at.lesson.z[self.at.k][self.at.lesson.case]
        return z.reshape(self.layer.steps, -1)

    @cached_property
    def deltas(self) -> Array:
        """δ of all steps, (steps, width)."""
        return np.asarray(self.layer.delta)[self.at.lesson.case].reshape(self.layer.steps, -1)

    @cached_property
    def h(self) -> Array:
        """h after every step and before the first, (steps + 1, size)."""
        return np.asarray(self.layer.states)[:, self.at.lesson.case]

    @cached_property
    def received(self) -> Array:
        """∂L/∂h of each step by its own output alone, (steps, size)."""
        J = self.at.lesson.received[self.at.k][self.at.lesson.case]
        if not self.layer.only_last:
            return J.reshape(self.layer.steps, self.size)
        found = np.zeros((self.layer.steps, self.size))
        found[self.length - 1] = J
        return found

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The steps and units that are worked out: all of a few, else those that matter."""
        effect = np.abs(self.deltas[: self.length]).reshape(self.length, -1, self.size).sum(axis=1)
        if self.length * self.size <= FEW:
            return tuple((n, j) for n in range(self.length) for j in range(self.size))
        of_steps, led_to = effect.sum(axis=1), list(self._led_to())
        for n, j in led_to:
            effect[n, j] = np.inf
        if len(led_to) == 1:  # else every step has the weight
            of_steps[led_to[0][0]] = np.inf
        units = np.sort(np.argsort(-effect.sum(axis=0), kind="stable")[:MOST_UNITS])
        first = self._first_of_most(of_steps)
        steps = range(first, min(first + MOST_STEPS, self.length))
        return tuple((n, int(j)) for n in steps for j in units)

    def _led_to(self) -> Iterator[Cell]:
        for j in self.at.led_to():
            yield divmod(j, self.size) if not self.layer.only_last else (self.length - 1, j)

    def _first_of_most(self, effect: Array) -> int:
        """The first of `MOST_STEPS` neighbouring steps with the largest effect."""
        if self.length <= MOST_STEPS:
            return 0
        effect = np.minimum(effect, 1e300)
        sums = [effect[n : n + MOST_STEPS].sum() for n in range(self.length - MOST_STEPS + 1)]
        return int(np.argmax(sums))

    # Variables

    def input(self, n: int, i: int) -> Variable:
        """Input i of step n."""
        return self.at.input(n * self.layer.features + i)

    def state(self, letter: str, values: Array, n: int, j: int) -> Variable:
        """A state after step n (0: the start), of values (steps + 1, size)."""
        name = Name(letter, self.at.number, (n, j + 1))
        if n == 0 and self.layer.learns_start:
            name = self.at.parameter_name(f"{letter}0", j)
        elif n > 0 and letter == "h" and not self.layer.only_last:
            return self.at.output((n - 1) * self.size + j)
        return Variable(float(values[n, j]), name)

    def h_of(self, n: int, j: int) -> Variable:
        """h of unit j after step n, counted from 1; 0 is the start."""
        return self.state("h", self.h, n, j)

    def named(self, letter: str, value: float, n: int, j: int) -> Variable:
        """A number of unit j at step n, counted from 0."""
        return Variable(float(value), Name(letter, self.at.number, (n + 1, j + 1)))

    def delta(self, n: int, j: int, letter: str = "δ", block: int = 0) -> Variable:
        """δ of unit j of a block of z at step n."""
        return self.named(letter, self.deltas[n, block * self.size + j], n, j)

    def by_h(self, value: float, n: int, j: int) -> Variable:
        """∂L/∂h of unit j at step n, later steps included."""
        name = self.h_of(n + 1, j).name
        assert isinstance(name, Name), "a state has a simple name"
        return Variable(float(value), by(Name(name.letter, name.layer, name.at, "in all")))

    def by_own_output(self, n: int, j: int) -> Variable | None:
        """∂L/∂h by the layers above alone; None where nothing above takes this step's h."""
        if self.layer.only_last:
            return self.at.received(j) if n == self.length - 1 else None
        return self.at.received(n * self.size + j)


class UnrolledExplainer(LayerExplainer):
    """What the recurrent layer and the layers with gates have in common."""

    letters: Sequence[tuple[str, str]] = ()
    """The letters of z and of δ of each block of z."""

    of_W: Sequence[int] = ()
    """The block of z that each block of W's columns, and of b, adds to."""

    of_U: Sequence[int] = ()
    """The block of z that each block of U's columns adds to."""

    def letter(self, layer: Any) -> str:
        """h, or a where only the last state is put out."""
        return "a" if layer.only_last else "h"

    def what(self, layer: Any) -> str:
        """Such as ``3 units, 5 steps, puts out the last``."""
        units = f"{layer.size} unit{'s' * (layer.size > 1)}"
        out = "puts out the last state" if layer.only_last else "puts out every state"
        return f"{units}, {layer.steps} steps, {out}"

    def choose(self, at: Place) -> tuple[int, ...] | None:
        """Those of the steps and units that are worked out."""
        if at.layer.only_last:
            return None
        return tuple(n * at.layer.size + j for n, j in Course(at).cells)

    # The forward pass

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        course = Course(at)
        yield from self._parameters(course)
        yield from self._about(course)
        yield from self._start(course)
        step = -1
        for n, j in course.cells:
            if n != step:
                yield Sentence(f"Step {n + 1}:")
                step = n
            yield from self.one_step(course, n, j)
        yield from self._put_out(course)

    def _parameters(self, course: Course) -> Iterator[Block]:
        """W, U and b; of large ones the columns of the units that are worked out."""
        at, size = course.at, course.size
        parameters = at.lesson.network.parameters.layer(at.layer.name)
        units = tuple(dict.fromkeys(j for _, j in course.cells))
        columns = tuple(gate * size + j for gate in range(len(at.layer.gates)) for j in units)
        features = tuple(i % at.layer.features for i in at.chosen_inputs)
        for name, rows in (("W", features), ("U", units), ("b", None)):
            values = parameters.get(name)
            if values is None:
                continue
            kept = None if rows is None else kept_of(len(values), rows)
            shown, why = kept_of(values.shape[-1], columns), self._about_parameter(at, name)
            yield Matrix(at.parameter_name(name), values, kept, shown, why)

    def _about_parameter(self, at: Place, name: str) -> str:
        if not at.lesson.first_time(f"{name} of a layer with states"):
            return ""
        blocks = self.about_blocks()
        return {
            "W": f"The weights W lie on the inputs of a step: row i, column j from input i to "
            f"unit j.{blocks}",
            "U": "The weights U lie on the state that the step before has left: row k, column j "
            "from unit k to unit j.",
            "b": "The biases.",
        }[name]

    def about_blocks(self) -> str:
        """How the columns of W, U and b are divided among gates; nothing without gates."""
        return ""

    def _about(self, course: Course) -> Iterator[Block]:
        layer, length = course.layer, course.length
        if course.at.lesson.first_time("unrolled"):
            yield Sentence(
                "The layer goes through the sequence step by step. At each step it reads the "
                "inputs of that step and its own state h of the step before, by the same weights "
                "at every step. Unrolled, it is as many layers one behind the other as there are "
                "steps. Of two indices the first is the step."
            )
        if length < layer.steps:
            yield Sentence(
                f"The case has {length} step{'s' * (length > 1)}; the rest of {layer.steps} is "
                "padding and takes no part."
            )
        shown = {n for n, _ in course.cells}
        units = sorted({j for _, j in course.cells})
        if len(course.cells) < length * course.size:
            yield Sentence(
                f"Of the {course.size} units and {length} steps those that matter most for L are "
                f"worked out: steps {min(shown) + 1} to {max(shown) + 1} of {units_text(units)}. "
                "All others go the same way."
            )

    def _start(self, course: Course) -> Iterator[Block]:
        if all(n for n, _ in course.cells):
            return
        layer = course.layer
        if not layer.learns_start and not np.any(layer.start):
            units = sorted({j for _, j in course.cells})
            zeros = [course.state(*one, 0, j) for one in self.starts(course) for j in units]
            yield Given(tuple(zeros), "Before the first step the state is 0:")
            return
        yield Sentence(
            "The state before the first step is learnt: it is a parameter."
            if layer.learns_start
            else "The state before the first step is given:"
        )
        for name, values in self.starts(course):
            label = course.state(name, values, 0, 0).name
            assert isinstance(label, Name), "a start has a simple name"
            cut = label.at[:-1] if not layer.learns_start else ()
            yield Matrix(Name(label.letter, label.layer, cut), values[0])

    def starts(self, course: Course) -> Iterator[tuple[str, Array]]:
        """The states by letter, (steps + 1, size)."""
        yield "h", course.h

    def one_step(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """From the inputs of step n and the state before it to h of unit j."""
        raise NotImplementedError

    def weighted_sum(
        self,
        course: Course,
        n: int,
        j: int,
        block: int = 0,
        names: Sequence[str] = ("W", "U", "b"),
    ) -> Expression:
        """Σ x W + Σ h U + b of unit j of a block at step n, or the parts of it that are named."""
        at, column = course.at, block * course.size + j  # block of W's columns, or of U's
        terms: list[Expression] = []
        if "W" in names:
            terms += [
                course.input(n, i) * at.parameter("W", i, column)
                for i in range(course.layer.features)
            ]
        if "U" in names and (n or np.any(course.h[0]) or course.layer.learns_start):
            terms += [course.h_of(n, k) * at.parameter("U", k, column) for k in range(course.size)]
        bias = [name for name in names if name in ("b", "b_hn")]
        if course.layer.bias and bias:
            terms.append(at.parameter(bias[0], j if bias[0] == "b_hn" else column))
            last = len(terms) - 1
            return shortened(terms, lambda k: k == last)
        return summed(terms)

    def _put_out(self, course: Course) -> Iterator[Block]:
        if not course.layer.only_last:
            return
        why = "The layer puts out its last state alone."
        for j in course.at.chosen:
            yield Step(course.at.output(j), (course.h_of(course.length, j),), why=why)
            why = ""

    # Back through time

    def backward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.backward`."""
        course = Course(at)
        yield from self._about_time(course)
        step = -1
        for n, j in sorted(course.cells, key=lambda cell: (-cell[0], cell[1])):
            if n != step:
                yield Sentence(f"Step {n + 1}:")
                step = n
            if self.is_truncated(course):
                yield from self._truncated(course, n, j)
            else:
                yield from self.one_step_back(course, n, j)

    def _truncated(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """δ by the outputs that the gradient still reaches it from."""
        at, width = course.at, course.z.shape[1]
        J, lesson = at.layer.jacobians()["a"], at.lesson
        for block, (letter, delta) in enumerate(self.letters):
            number = block * course.size + j
            moved = column_of(
                J, lesson.cases, lesson.case, width * at.layer.steps, n * width + number
            )
            slopes = moved[lesson.case]
            z = course.named(letter, course.z[n, number], n, j)
            terms: list[Expression] = [
                at.received(int(k)) * Variable(float(slopes[k]), slope_name(at.output(int(k)), z))
                for k in np.flatnonzero(np.nan_to_num(slopes))
                if at.received(int(k)).value  # an output without a target says nothing
            ]
            why = (
                "Each output within reach moves L, and z moves it by the slopes and the U of the "
                "steps between, multiplied."
            )
            result = course.delta(n, j, delta, block)
            yield Step(result, (summed(terms),), why=at.once(why))

    def _about_time(self, course: Course) -> Iterator[Block]:
        if course.at.lesson.first_time("through time"):
            yield Sentence(
                "The backward pass goes through time from the last step to the first. The state "
                "h of a step moves L in two ways: by what the layers above do with it, and by "
                "the next step, which reads it through U. Both add up."
            )
        truncate = course.layer.truncate
        if truncate is not None and truncate < course.length:
            yield Sentence(
                f"The gradient is truncated: from each output it goes back through {truncate} "
                f"step{'s' * (truncate > 1)} only, and takes the state before as a constant."
            )

    def one_step_back(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """From ∂L/∂h of the layers above, and δ of step n + 1, to δ of unit j at step n."""
        raise NotImplementedError

    def is_truncated(self, course: Course) -> bool:
        """Whether the gradient goes back through fewer steps than the case has."""
        return course.layer.truncate is not None and course.layer.truncate < course.length

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        course = Course(at)
        for one in at.chosen_inputs:
            n, i = divmod(one, course.layer.features)
            terms: list[Expression] = [
                self._of_column(course, n, column) * at.parameter("W", i, column)
                for column in range(len(self.of_W) * course.size)
            ]
            why = "An input of a step moves every z of that step, each by its weight."
            yield Step(at.sent(one), (summed(terms),), why=at.once(why, "∂L/∂x of a step"))

    # The gradients

    def gradients(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.gradients`."""
        course = Course(at)
        for i, column in at.cells("W"):
            terms = [
                course.input(n, i) * self._of_column(course, n, column) for n in self._steps(at)
            ]
            yield gradient_step(at, "W", (i, column), terms, self._why(at, "W"), "steps")
        for k, column in at.cells("U"):
            steps = [n for n in self._steps(at) if course.h[n, k] or course.layer.learns_start]
            terms = [course.h_of(n, k) * self.beside_U(course, n, column) for n in steps]
            yield gradient_step(at, "U", (k, column), terms, self._why(at, "U"), "steps")
        for (column,) in at.cells("b") if course.layer.bias else ():
            terms = [self._of_column(course, n, column) for n in self._steps(at)]
            yield gradient_step(at, "b", (column,), terms, self._why(at, "b"), "steps")
        yield from self.more_gradients(course)

    def _steps(self, at: Place) -> range:
        return range(Course(at).length)

    def _of_column(self, course: Course, n: int, column: int) -> Variable:
        """δ of the number of z that a column of W belongs to."""
        block, j = divmod(column, course.size)
        return self.delta(course, n, j, self.of_W[block])

    def delta(self, course: Course, n: int, j: int, block: int) -> Variable:
        """δ of unit j of a block of z at step n."""
        return course.delta(n, j, self.letters[block][1], block)

    def beside_U(self, course: Course, n: int, column: int) -> Variable:
        """δ of the number of z that a column of U belongs to."""
        block, j = divmod(column, course.size)
        return self.delta(course, n, j, self.of_U[block])

    def more_gradients(self, course: Course) -> Iterator[Block]:
        """Those of parameters that not every layer with states has."""
        if course.layer.learns_start:
            for (k,) in course.at.cells("h0"):
                terms = [
                    self.beside_U(course, 0, column) * course.at.parameter("U", k, column)
                    for column in range(len(self.of_U) * course.size)
                ]
                terms += self.kept_by_start(course, k)
                why = "The start moves L through the first step, which reads it through U."
                yield gradient_step(course.at, "h0", (k,), terms, course.at.once(why))

    def kept_by_start(self, course: Course, k: int) -> list[Expression]:
        """What the first step carries over of the start without U; nothing without gates."""
        return []

    def _why(self, at: Place, name: str) -> str:
        whys = {
            "W": "Every step uses the same W, so its gradient is the sum over the steps: of "
            "the input that the weight lay on, times the δ that it led to.",
            "U": "U lies on the state of the step before: the sum over the steps of that "
            "state, times δ. The state 0 before the first step adds nothing.",
            "b": "A bias is added at every step: its gradient is the sum of δ over the steps.",
        }
        return at.once(whys[name])

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The state of the last step of the weight's unit."""
        unit = index[-1] % at.layer.size
        return (unit,) if at.layer.only_last else ((Course(at).length - 1) * at.layer.size + unit,)


class RecurrentExplainer(UnrolledExplainer):
    """h(n) = φ(x(n) W + h(n−1) U + b)."""

    letters = (("z", "δ"),)
    of_W = of_U = (0,)

    def what(self, layer: Any) -> str:
        """Such as ``3 units, 5 steps, puts out every state, tanh``."""
        return f"{super().what(layer)}, {activation_word(layer.activation)}"

    def one_step(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """See `UnrolledExplainer.one_step`."""
        z, h = course.named("z", course.z[n, j], n, j), course.h_of(n + 1, j)
        why = "The inputs of the step through W, the state before through U, and the bias."
        said = course.at.once(why)
        yield Step(z, (self.weighted_sum(course, n, j),), why=said)
        first, *others = self._formulas(course, z, h)[0]
        yield Step(h, (first,), tuple(others), why=self._about_h(course))

    def _about_h(self, course: Course) -> str:
        rule = RULES.get(type(course.layer.activation))
        if rule is None:
            return course.at.once("The activation is a function of your own.")
        return course.at.once(f"The activation makes the new state h of z: {rule.about}.")

    def _formulas(
        self, course: Course, z: Variable, h: Variable
    ) -> tuple[Sequence[Expression], Sequence[Expression]]:
        """φ(z) and φ′(z), each as equal formulas."""
        phi = course.layer.activation
        if is_linear(phi):
            return (z,), (Number(1.0),)
        rule = RULES.get(type(phi))
        if rule is not None:
            return rule.value(phi, z), rule.slope(phi, z, h)
        where = name_text(z.name)
        slope = float(phi.derivative(np.array([z.value]))[0])
        return (
            (Variable(h.value, Name("φ", where=where)),),
            (Variable(slope, Name("φ′", where=where)),),
        )

    def one_step_back(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """See `UnrolledExplainer.one_step_back`."""
        z, h = course.named("z", course.z[n, j], n, j), course.h_of(n + 1, j)
        slopes = self._formulas(course, z, h)[1]
        total, step = self._by_h(course, n, j)
        if step is not None:
            yield step
        first, *others = (total * slope for slope in slopes)
        why = course.at.once("δ is ∂L/∂h times the slope of the activation.")
        rule = RULES.get(type(course.layer.activation))
        if rule is not None:
            about = rule.slope_about(course.layer.activation, z).replace("{a}", "h")
            why = f"{why} {course.at.once(about)}".strip()
        yield Step(course.delta(n, j), (first,), tuple(others), why)

    def _by_h(self, course: Course, n: int, j: int) -> tuple[Variable, Step | None]:
        """∂L/∂h in all, and the step that adds it up; None where it has only one part."""
        own = course.by_own_output(n, j)
        if n == course.length - 1:
            return own or course.by_h(0.0, n, j), None
        later = [
            course.delta(n + 1, k) * course.at.parameter("U", j, k) for k in range(course.size)
        ]
        rule = added([*([own] if own is not None else []), summed(later)])
        value = course.received[n, j] + course.deltas[n + 1] @ course.layer.U[j]
        total = course.by_h(value, n, j)
        why = "What the layers above say of h, and what the next step says, through U."
        return total, Step(total, (rule,), why=course.at.once(why))

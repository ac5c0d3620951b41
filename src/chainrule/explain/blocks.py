"""What an explanation is made of: sections of sentences, steps and matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.expressions import Expression, Name, Variable
from chainrule.explain.naming import name_text, number_text
from chainrule.explain.numbers import DIGITS, Fit, fit


@dataclass(frozen=True)
class Sentence:
    """A paragraph of plain text, in which names are written as in the text form, such as z⁽¹⁾₂."""

    text: str


@dataclass(frozen=True)
class Step:
    """One number: its rule, the rule with the numbers put in, and the result.

    Attributes:
        result: the number's name and value. Its value is what the library computed.
        rules: formulas with names, each equal to the next; numbers are put into the last.
            Without a rule the result is given, such as an input.
        others: formulas that equal the last rule, for where that one loses digits, as 1 − a does
            where a is close to 1.
        why: why the step is taken, or why the rule holds: one sentence, printed before it.
        becomes: whether the number replaces the one of the same name, as in an update: ← for =.
    """

    result: Variable
    rules: tuple[Expression, ...] = ()
    others: tuple[Expression, ...] = ()
    why: str = ""
    becomes: bool = False

    def shown_rules(self, digits: int = DIGITS) -> tuple[Expression, ...]:
        """The rules, and the equal formula into which the numbers are put, if it is another."""
        formula = self.fit(digits).formula
        known = formula is self.rules[-1] or not formula.parts()
        return self.rules if known else (*self.rules, formula)

    def fit(self, digits: int = DIGITS) -> Fit:
        """The formula and the digits with which the printed numbers give the printed result."""
        return fit((self.rules[-1], *self.others), self.result.value, digits)


@dataclass(frozen=True)
class Matrix:
    """An array of one layer; of a large one the rows and columns that matter.

    Attributes:
        name: such as W⁽¹⁾; its entries have the same letter.
        values: two axes, or one.
        rows: the indices of the rows that are kept, counted from 0.
        columns: those of the columns.
        why: what it is: a sentence, printed before it.
        gradient: whether it is ∂L/∂name.
    """

    name: Name
    values: Array
    rows: tuple[int, ...] | None = None
    columns: tuple[int, ...] | None = None
    why: str = ""
    gradient: bool = False

    @property
    def cells(self) -> Array:
        """The array with two axes; one row if it has one axis."""
        return np.atleast_2d(self.values)

    @property
    def kept(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The rows and columns that are shown."""
        height, width = self.cells.shape
        return (
            tuple(range(height)) if self.rows is None else self.rows,
            tuple(range(width)) if self.columns is None else self.columns,
        )


@dataclass(frozen=True)
class Given:
    """Numbers that are named without their formulas, such as those found like one before.

    Attributes:
        variables: the numbers.
        why: how they are found, as the beginning of a sentence.
        remarks: what each of them is, in parentheses behind it; empty for nothing.
    """

    variables: tuple[Variable, ...]
    why: str
    remarks: tuple[str, ...] = ()

    def sentence(self, digits: int) -> Sentence:
        """The same as a sentence."""
        shown = [f"{name_text(v.name)} = {number_text(v.value, digits)}" for v in self.variables]
        for k, remark in enumerate(self.remarks[: len(shown)]):
            shown[k] += f" ({remark})" if remark else ""
        return Sentence(f"{self.why} {', '.join(shown)}.")


Block = Sentence | Step | Matrix | Given


@dataclass(frozen=True)
class Section:
    """A part of an explanation, with a heading.

    Attributes:
        title: the heading.
        blocks: what stands below it.
        level: 1 for a pass, 2 for a layer within it.
        layer: the number of the layer that it is about, if it is about one.
        backward: whether it is about the layer's part of the backward pass.
    """

    title: str
    blocks: tuple[Block, ...] = ()
    level: int = 1
    layer: int | None = None
    backward: bool = False

"""What the explainers of several families need: gradients of shared weights, sums, places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.explain.blocks import Step
from chainrule.explain.expressions import (
    Expression,
    Name,
    Number,
    Others,
    Ratio,
    Sum,
    Variable,
    shortened,
)
from chainrule.explain.layers.base import penalty_terms

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place


def flat(index: Sequence[int], shape: Sequence[int]) -> int:
    """The flat index of a place in an array of this shape."""
    return int(np.ravel_multi_index(tuple(index), tuple(shape)))


def unflat(i: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The place of a flat index."""
    return tuple(int(k) for k in np.unravel_index(i, tuple(shape)))


def added(terms: Sequence[Expression]) -> Expression:
    """The sum of the terms as they are, of which there may be one or none."""
    parts = [part for one in terms for part in (one.terms if isinstance(one, Sum) else (one,))]
    if not parts:
        return Number(0.0)
    return Sum(tuple(parts)) if len(parts) > 1 else parts[0]


def summed(terms: Sequence[Expression], what: str = "terms") -> Expression:
    """The sum of the terms, shortened where there are many; 0 where there is none."""
    return shortened(terms, what=what) if terms else Number(0.0)


def units_text(units: Sequence[int]) -> str:
    """Units in words, counted from 1.

    Example:
        >>> units_text([1, 3, 12]), units_text([0])
        ('units 2, 4 and 13', 'unit 1')
    """
    *first, last = (str(j + 1) for j in units)
    return f"units {', '.join(first)} and {last}" if first else f"unit {last}"


def renamed(one: Variable, where: str) -> Variable:
    """The variable with a remark behind its name."""
    name = one.name
    assert isinstance(name, Name), "only a simple name has a remark"
    return Variable(one.value, Name(name.letter, name.layer, name.at, where))


def slope_name(of: Variable, by: Variable) -> Ratio:
    """The name of ∂of/∂by, for two variables with simple names."""
    assert isinstance(of.name, Name), "a derivative is of a simple name"
    assert isinstance(by.name, Name), "a derivative is by a simple name"
    return Ratio(of.name, by.name)


def gradient_step(
    at: Place,
    name: str,
    index: tuple[int, ...],
    terms: Sequence[Expression],
    why: str = "",
    what: str = "terms",
    chain: tuple[Expression, ...] = (),
    all_cases: bool = False,
) -> Step:
    """The gradient of one weight: its uses in this case, the other cases, and the penalty.

    Args:
        at: the layer.
        name: of the parameter.
        index: of the weight in it.
        terms: one for each use of the weight in the case that is worked out.
        why: the sentence before the step.
        what: what the terms are called, such as ``windows``.
        chain: formulas with names that stand before the sum.
        all_cases: whether the terms are those of all cases of the minibatch.
    """
    result, penalty = at.gradient(name, *index), penalty_terms(at, name, *index)
    parts = [summed(terms, what)]
    others = at.lesson.cases - 1
    if others and not all_cases:
        known = sum(one.evaluate() for one in (*terms, *penalty))
        parts.append(Others(result.value - known, others, "cases"))
    rule = added([*parts, *penalty])
    if isinstance(rule, Sum) and is_rounding(result.value, rule.terms):
        why = f"{why} {CANCELS}".strip()
    return Step(result, (*chain, rule), why=why)


ROUNDING = 1e-14
"""A sum that is smaller than its largest term by this factor is nothing but rounding errors."""

CANCELS = "The terms cancel: the gradient is 0, and what is left of it is rounding."


def is_rounding(value: float, terms: Sequence[Expression]) -> bool:
    """Whether a sum comes to 0, up to rounding, though its terms do not."""
    return abs(value) < ROUNDING * max(abs(term.evaluate()) for term in terms)

"""Numbers that formulas use and that were not worked out: they are listed where they belong.

Of a wide layer only some units are worked out. Others enter the sums of the next layer, and no
number may enter unseen. So at the end of a layer's part all its numbers that are used elsewhere
are given, with the remark that they are found in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from chainrule.explain.blocks import Block, Given, Section, Step
from chainrule.explain.expressions import Name, Ratio, Variable

PARAMETERS = frozenset("WbUγβ") | {"bʰ", "h⁰", "c⁰"}
"""The letters of parameters, which are given as they are."""


def with_unseen(sections: Sequence[Section], last: int) -> list[Section]:
    """The sections, each layer's with the numbers of it that are used without a step of their own.

    Args:
        sections: of the forward and the backward pass, each with its layer.
        last: the number of the layer whose outputs are y.
    """
    found = list(sections)
    for variable in _unseen(sections):
        k = _section_of(found, variable, last)
        if k is not None:
            found[k] = replace(found[k], blocks=_with(found[k].blocks, variable))
    return found


def _with(blocks: tuple[Block, ...], variable: Variable) -> tuple[Block, ...]:
    """The blocks, at whose end the variable is given, beside others that are given there."""
    if blocks and isinstance(blocks[-1], Given):
        given = blocks[-1]
        variables = (*given.variables, variable)
        if not given.remarks:  # which belong to the variables by their places
            variables = tuple(sorted(variables, key=_order))
        return (*blocks[:-1], replace(given, variables=variables))
    return (*blocks, Given((variable,), "The others that are needed are found in the same way:"))


def _order(variable: Variable) -> tuple[object, ...]:
    """By letter, place and case."""
    name = variable.name.by if isinstance(variable.name, Ratio) else variable.name
    return (isinstance(variable.name, Ratio), name.letter, name.at, str(name.where))


def _unseen(sections: Sequence[Section]) -> list[Variable]:
    """The variables that printed formulas use and no step computes, in the order of their use."""
    blocks = [block for section in sections for block in section.blocks]
    steps = [block for block in blocks if isinstance(block, Step)]
    known = {step.result.name for step in steps}
    known |= {one.name for block in blocks if isinstance(block, Given) for one in block.variables}
    found: dict[Name | Ratio, Variable] = {}
    for step in steps:
        for leaf in _variables(step):
            if leaf.name not in known:
                found.setdefault(leaf.name, leaf)
    return list(found.values())


def _variables(step: Step) -> Iterator[Variable]:
    for formula in {step.rules[-1], step.fit().formula} if step.rules else ():
        yield from (leaf for leaf in formula.leaves() if isinstance(leaf, Variable))


def _section_of(sections: Sequence[Section], variable: Variable, last: int) -> int | None:
    """The section where a number is to be given; None for one that needs no explanation."""
    name = variable.name
    own = name.by if isinstance(name, Ratio) else name
    if own.letter in PARAMETERS or (isinstance(name, Ratio) and name.of.letter != "L"):
        return None
    backward = isinstance(name, Ratio) or own.letter == "δ"
    layer = last if own.letter == "y" else own.layer
    if own.letter == "x" and own.layer is None:
        return 0 if isinstance(sections[0].blocks[-1], Given) else None  # else a whole image
    places = [
        k
        for k, section in enumerate(sections)
        if section.layer == layer and section.backward == backward
    ]
    return places[0] if places and layer is not None else None

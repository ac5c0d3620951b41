"""One fault in the rule of every layer, as a loop over the layers makes it.

The lines of a program that differ in the number of their layer alone have the same rule, and so
the same mutations. Those of all layers together are one variation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainrule.marking.deciding.mutations import mutations
from chainrule.marking.program import Program, Variation

_NUMBERED = re.compile(r"(?<![\w.])([^\W\d_]+)(\d+)((?:_\w+)?)(?!\w)")


def in_every_layer(program: Program) -> list[Variation]:
    """The mutations of a rule in all layers at once, each of them one variation.

    Args:
        program: whose lines have the number of their layer in their names, as in ``dW2_data``.
    """
    kept: list[Variation] | None = program.__dict__.get("_every_layer")
    if kept is None:
        kept = program.__dict__["_every_layer"] = list(_in_every_layer(program))
    return kept


def _in_every_layer(program: Program) -> Iterator[Variation]:
    layers: dict[str, list[tuple[str, int]]] = {}
    for line in program.lines:
        if found := _NUMBERED.fullmatch(line.name):
            layers.setdefault(found[1] + found[3], []).append((line.name, int(found[2])))
    for stem, lines in layers.items():
        if len(lines) > 1:
            yield from _of_lines(program, stem, lines)


def _of_lines(program: Program, stem: str, lines: list[tuple[str, int]]) -> Iterator[Variation]:
    made = mutations(program)
    alike: dict[tuple[str, str], list[tuple[Variation, int]]] = {}
    for name, layer in lines:
        for one in made(name, program.line(name).rule):
            kind = one.name.partition("@")[0]
            key = kind, _relative(one.changes[name], layer)
            alike.setdefault(key, []).append((one, layer))
    for (kind, _), several in alike.items():
        if len(several) >= max(2, len(lines) - 1):
            yield _together(kind, stem, several, len(several) == len(lines))


def _relative(rule: str, layer: int) -> str:
    """A rule with the numbers of its names counted from the layer's own."""
    return _NUMBERED.sub(lambda name: f"{name[1]}[{int(name[2]) - layer}]{name[3]}", rule)


def _together(
    kind: str, stem: str, several: list[tuple[Variation, int]], is_all: bool
) -> Variation:
    one, layer = several[0]
    numbers = sorted(layer for _, layer in several)
    where = "every layer" if is_all else f"layers {numbers[0]} to {numbers[-1]}"
    changes = {name: rule for other, _ in several for name, rule in other.changes.items()}
    title = one.title.replace(f" of layer {layer}", "")
    title = _NUMBERED.sub(lambda n: n[1] + n[3] if int(n[2]) == layer else n[0], title)
    return Variation(
        f"{kind}@{stem}",
        f"{title}, in {where}",
        f"It is the same in {len(several)} layers, so look at the line of the loop, or at the "
        f"function, that they share. In layer {layer}: {one.sentence}",
        one.hint,
        changes,
        often=one.often,
        is_generated=True,
    )

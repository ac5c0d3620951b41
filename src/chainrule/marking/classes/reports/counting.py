"""Which bugs a class made, and how many students made each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.marking.classes.classroom import Class, Kept
from chainrule.marking.result import PartResult

NAMELESS = "unexplained"
"""The kind of what is wrong in no way that is known."""


@dataclass(frozen=True)
class Found:
    """A kind of bug or convention, and who has it.

    Attributes:
        kind: its name without the place, such as ``bias_averaged``.
        title: in a few words, of its commonest place.
        places: each name with how many students have it, the commonest first.
        parts: the parts in which it was found.
        students: who have it, in the order of the class.
    """

    kind: str
    title: str
    places: tuple[tuple[str, int], ...]
    parts: tuple[str, ...]
    students: tuple[str, ...]


def bugs_of(kept: Kept) -> list[str]:
    """The names of the bugs of a submission, each once; of each part those that are likeliest."""
    names = (name for part in kept.marked.parts for name in _names(part))
    return list(dict.fromkeys(names))


def _names(part: PartResult, *, conventions: bool = False) -> Iterator[str]:
    if conventions:
        yield from part.conventions
        return
    for joined in part.bugs[:1]:
        yield from joined.split(" + ")


def found_in(marked: Class, *, conventions: bool = False) -> list[Found]:
    """The kinds of bugs of a class, or its conventions, the commonest first.

    A bug that a student has in several parts counts once; of several that could be meant the
    likeliest counts. What has no name comes last.
    """
    who: dict[str, dict[str, None]] = {}
    parts: dict[str, dict[str, None]] = {}
    places: dict[str, Counter[str]] = {}
    for kept in marked.results:
        once: set[str] = set()
        for part in kept.marked.parts:
            for name in _names(part, conventions=conventions):
                kind = name.partition("@")[0]
                who.setdefault(kind, {})[kept.marked.student] = None
                parts.setdefault(kind, {})[part.name] = None
                places.setdefault(kind, Counter())[name] += name not in once
                once.add(name)
    titles = _titles(marked)
    found = []
    for kind, names in places.items():
        commonest = tuple(names.most_common())
        title = _title(kind, commonest[0][0], titles)
        found.append(Found(kind, title, commonest, tuple(parts[kind]), tuple(who[kind])))
    return sorted(found, key=lambda one: (one.kind == NAMELESS, -len(one.students), one.title))


def _title(kind: str, name: str, titles: dict[str, str]) -> str:
    if kind == NAMELESS:
        return "wrong in a way that has no name"
    return titles.get(name, name)


def _titles(marked: Class) -> dict[str, str]:
    """The titles of all names that were found."""
    known = {v.name: v.title for part in marked.assignment.parts for v in part.program.variations}
    for kept in marked.results:
        for part in kept.marked.parts:
            known.update(part.titles)
    return known

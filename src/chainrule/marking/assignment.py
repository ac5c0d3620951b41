"""An assignment: which files a student hands in, its parts, and how each of them is judged."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainrule.marking.program import Program
from chainrule.marking.programs import PROGRAMS
from chainrule.marking.sandbox.running import Calls, Limits

HINTS = ("full", "place", "none")
"""How much a student is told of a bug: all of it; the array and a hint; that there is one."""


@dataclass(frozen=True)
class Part:
    """One part of an assignment.

    Attributes:
        name: a word.
        title: as the course's text names it.
        credit: the points it is worth.
        calls: how its values are got.
        program: what they must be.
        judged: the lines for which the part is charged; the others it returns are looked at, so
        that
            each fault is charged once: a wrong loss does not cost the gradients that belong to
            it.
        accepted: the conventions that are as good as the program's own.
        tolerance: the relative error that a value may have.
        is_hidden: a student sees neither its inputs nor its numbers.
        hint: one of `HINTS`.
    """

    name: str
    title: str
    credit: float
    calls: Calls
    program: Program
    judged: tuple[str, ...]
    accepted: tuple[str, ...] = ()
    tolerance: float = 1e-7
    is_hidden: bool = False
    hint: str = "full"


@dataclass(frozen=True)
class Assignment:
    """What is handed in, and its parts.

    Attributes:
        name: a word.
        title: as the course names it.
        folder: where its files are.
        files: those that a submission must have.
        imports: the modules that a submission may import besides its own.
        limits: what the code of a part may use.
        parts: in order.
        solution: the folder of the teacher's solution.
    """

    name: str
    title: str
    folder: Path
    files: tuple[str, ...]
    imports: tuple[str, ...]
    limits: Limits
    parts: tuple[Part, ...]
    solution: Path
    notes: Mapping[str, Any] = field(default_factory=dict)


def load_assignment(folder: Path) -> Assignment:
    """Read the ``assignment.toml`` of a folder.

    Args:
        folder: which holds it.
    """
    raw = tomllib.loads((folder / "assignment.toml").read_text("utf-8"))
    head = raw["assignment"]
    modules = tuple(Path(file).stem for file in head["files"])
    return Assignment(
        head["name"],
        head["title"],
        folder,
        tuple(head["files"]),
        tuple(head["imports"]),
        Limits(**raw.get("limits", {})),
        tuple(_part(part, modules) for part in raw["part"]),
        folder / head["solution"],
    )


def _part(raw: Mapping[str, Any], modules: tuple[str, ...]) -> Part:
    calls = Calls(modules, raw.get("setup", ""), raw["call"], raw["returns"])
    return Part(
        raw["name"],
        raw["title"],
        raw["credit"],
        calls,
        PROGRAMS[raw["program"]](**raw.get("options", {})),
        tuple(raw.get("judged", raw["returns"])),
        tuple(raw.get("accepted", ())),
        raw.get("tolerance", 1e-7),
        raw.get("hidden", False),
        raw.get("hint", "full"),
    )

"""Submissions that were written from the courses' texts alone, to try the marker on.

``submissions/COURSE/BASE/`` holds code that is right, each in a style of its own, and
``submissions/COURSE.toml`` what is made of it: every bug, and every pair of bugs, is a few
changes of the text of a base. Their authors knew nothing of the marker, and its tables have none
of their code. ``FUNCTIONS`` are a learner's own functions, ``CHECKS`` own gradient checks.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from proof.bugs import Edit
from proof.planting import edited

FOLDER = Path(__file__).parent / "submissions"

SETS = ("single", "pairs", "right", "checks")


@dataclass(frozen=True)
class Submission:
    """A submission.

    Attributes:
        set: ``single``: it has one bug; ``pairs``: two; ``right``: none, and an unusual style;
            ``checks``: a gradient check, right or wrong.
        course: the name of an assignment, ``FUNCTIONS`` or ``CHECKS``.
        name: of the submission.
        base: the folder whose text is changed.
        style: in a few words.
        bugs: in words, one for each bug; for one that is right what is unusual.
        kinds: for each bug, the names that it may be called by; see `proof.marking`.
        edits: what is changed in the base.
    """

    set: str
    course: str
    name: str
    base: Path
    style: str
    bugs: tuple[str, ...]
    kinds: tuple[tuple[str, ...], ...] = ()
    edits: tuple[Edit, ...] = ()

    @property
    def path(self) -> str:
        """Such as ``single/HLCV/no_mean``."""
        return f"{self.set}/{self.course}/{self.name}"

    def sources(self) -> dict[str, str]:
        """The text of its files, by their paths.

        Raises:
            NotFoundError: the text that an edit replaces is not there exactly once.
        """
        files = sorted(path for path in self.base.rglob("*.py") if path.is_file())
        found = {str(path.relative_to(self.base)): path.read_text("utf-8") for path in files}
        for edit in self.edits:
            found[edit.file] = edited(edit, found[edit.file])
        return found

    def write(self, folder: Path) -> None:
        """Write its files into a folder."""
        for file, text in self.sources().items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, "utf-8")


@cache
def submissions(folder: Path = FOLDER) -> tuple[Submission, ...]:
    """All submissions, course by course.

    Args:
        folder: of the bases and of a file ``COURSE.toml`` for each course.
    """
    return tuple(
        one for index in sorted(folder.glob("*.toml")) for one in _of_course(index, folder)
    )


def _of_course(index: Path, folder: Path) -> list[Submission]:
    raw = tomllib.loads(index.read_text("utf-8"))
    course = folder / index.stem
    styles = {one["name"]: one["style"] for one in raw.get("right", ())}
    found = [_kept("right", course, one) for one in raw.get("right", ())]
    found += [_kept("checks", course, one) for one in raw.get("check", ())]
    return found + [_changed(course, one, styles[one["base"]]) for one in raw.get("bug", ())]


def _kept(kind: str, course: Path, raw: Mapping[str, Any]) -> Submission:
    kinds = (tuple(raw["kinds"]),) if "kinds" in raw else ()
    base = course / raw["name"]
    return Submission(kind, course.name, raw["name"], base, raw["style"], (raw["says"],), kinds)


def _changed(course: Path, raw: Mapping[str, Any], style: str) -> Submission:
    bugs, kinds = raw["bug"], raw["kinds"]
    if isinstance(bugs, str):
        bugs, kinds = [bugs], [kinds]
    return Submission(
        "single" if len(bugs) == 1 else "pairs",
        course.name,
        raw["name"],
        course / raw["base"],
        style,
        tuple(bugs),
        tuple(tuple(names) for names in kinds),
        tuple(Edit(**edit) for edit in raw["edits"]),
    )

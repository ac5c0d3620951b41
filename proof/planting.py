"""Copies of the package with a bug in them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import chainrule
from proof.bugs import Bug, Edit

PACKAGE = Path(chainrule.__file__).parent


class NotFoundError(LookupError):
    """The text that an edit replaces does not stand in its file exactly once."""


def edited(edit: Edit, source: str) -> str:
    """The source of a file with an edit in it.

    Raises:
        NotFoundError: its text is not there exactly once.
    """
    found = source.count(edit.old)
    if found != 1:
        raise NotFoundError(f"{edit.file} has {found} times, not once: {edit.old!r}")
    return source.replace(edit.old, edit.new)


def planted_sources(bug: Bug) -> dict[str, str]:
    """The sources of the files that a bug changes, after the change.

    Raises:
        NotFoundError: see `edited`.
    """
    sources: dict[str, str] = {}
    for edit in bug.edits:
        source = sources.get(edit.file) or (PACKAGE / edit.file).read_text(encoding="utf-8")
        sources[edit.file] = edited(edit, source)
    return sources


@contextmanager
def planted(bug: Bug | None) -> Iterator[Path]:
    """A folder to put first on the path; it has a copy of the package with a bug in it."""
    with TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder, "chainrule")
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for file, source in (planted_sources(bug) if bug else {}).items():
            (copy / file).write_text(source, encoding="utf-8")
        yield Path(folder)

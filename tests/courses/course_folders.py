"""The courses' folders as their own scripts see them: modules imported plainly."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COURSES = Path(__file__).parents[2] / "courses"


@contextmanager
def on_path(name: str) -> Iterator[Path]:
    """While this lasts, ``import`` finds the modules of a course's folder.

    Several courses have modules of the same name, so they are forgotten afterwards.
    """
    folder = COURSES / name
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))
        for module in set(sys.modules) - before:
            file = getattr(sys.modules[module], "__file__", None) or ""
            if file.startswith(str(folder)):
                del sys.modules[module]

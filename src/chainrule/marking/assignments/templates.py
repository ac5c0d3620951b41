"""Writes a shipped assignment into a folder of the teacher's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.files import write_whole
from chainrule.marking.classes.container import SCRIPTS
from chainrule.marking.classes.unpacking import walked


def write_assignment(source: Path, target: Path, *, replace: bool = False) -> list[Path]:
    """Copy an assignment, with the scripts of a container that marks by it.

    Args:
        source: the folder of a shipped one.
        target: the folder to write; it is made.
        replace: whether files that exist are replaced; without it nothing is written if one does.

    Returns:
        The files that were written.

    Raises:
        ChainruleError: a file exists, or cannot be written.
    """
    files = {target / path.relative_to(source): path.read_bytes() for path in walked(source)}
    files |= {target / name: text.encode() for name, text in SCRIPTS.items()}
    _require_free(target, files, replace=replace)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
        if path.name in SCRIPTS:
            path.chmod(0o755)
    return list(files)


def _require_free(target: Path, files: Mapping[Path, bytes], *, replace: bool) -> None:
    if target.exists() and not target.is_dir():
        raise ChainruleError(Problem("this is a file; an assignment is a folder", target))
    there = [path for path in files if os.path.lexists(path)]
    if there and not replace:
        message = "this file exists; --force replaces it"
        raise ChainruleError([Problem(message, path) for path in there])

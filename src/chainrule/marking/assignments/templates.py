"""Writes a shipped assignment into a folder of the teacher's own, with scripts that mark by it.

The scripts are what a grading container runs: ``setup.sh`` once, ``run_autograder`` for each
submission.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.files import write_whole
from chainrule.marking.classes.unpacking import walked

SETUP = """\
#!/usr/bin/env bash
# Run once, when the container is built: installs Chainrule. With a folder `wheels` beside this
# file it installs from there, without a network.
set -eu
root="${AUTOGRADER_ROOT:-/autograder}"
source="$(cd "$(dirname "$0")" && pwd)"

if ! python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    apt-get update
    apt-get install -y python3 python3-venv bubblewrap
fi
python3 -m venv "$root/venv"
if [ -d "$source/wheels" ]; then
    "$root/venv/bin/pip" install --no-index --find-links "$source/wheels" chainrule
else
    "$root/venv/bin/pip" install chainrule
fi
# The teacher's solution must pass here too, or every student would fail.
"$root/venv/bin/chainrule" assignment check "$source"
"""

RUN = """\
#!/usr/bin/env bash
# Run for each submission: marks $root/submission and writes $root/results/results.json, whole or
# not at all. CHAINRULE_FORMAT: gradescope, otter or prairielearn. PrairieLearn has its submission
# in /grade/student: set AUTOGRADER_ROOT=/grade, SUBMISSION=/grade/student and ASSIGNMENT there.
set -eu
root="${AUTOGRADER_ROOT:-/autograder}"
exec "$root/venv/bin/chainrule" mark "${ASSIGNMENT:-$root/source}" \\
    "${SUBMISSION:-$root/submission}" --format "${CHAINRULE_FORMAT:-gradescope}" \\
    --out "$root/results/results.json"
"""

SCRIPTS: Mapping[str, str] = {"setup.sh": SETUP, "run_autograder": RUN}
"""The text of each script, by its name; they stand beside the assignment's file."""


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

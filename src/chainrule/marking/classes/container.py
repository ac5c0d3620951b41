"""The two scripts with which a grading container marks a submission: ``setup.sh``, the other."""

from __future__ import annotations

from collections.abc import Mapping

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

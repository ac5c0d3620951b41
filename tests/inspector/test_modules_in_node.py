"""The page's modules that need no browser, tried in Node.js by ``page/*.test.mjs``."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "page"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="Node.js, which runs the page's modules, is not installed"
)


def test_the_modules_do_what_their_tests_say():
    scripts = sorted(FOLDER.glob("*.test.mjs"))
    assert scripts
    found = subprocess.run(
        ["node", "--test", *scripts], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr

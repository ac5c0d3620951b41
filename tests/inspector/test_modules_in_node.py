"""The page's modules that need no browser, tried in Node.js by ``page/*.test.mjs``."""

import json
import subprocess
from pathlib import Path

from javascript import needs_node, node

FOLDER = Path(__file__).parent / "page"

pytestmark = needs_node


def test_the_modules_do_what_their_tests_say():
    scripts = sorted(FOLDER.glob("*.test.mjs"))
    assert scripts
    imports = "".join(f"await import({json.dumps(one.as_uri())});" for one in scripts)
    found = subprocess.run(  # in one process: --test starts one for each script
        [node(), "--input-type=module", "-e", imports], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr

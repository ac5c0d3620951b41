"""``chainrule inspect``: the page that is served until Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing

import pytest

CONFIG = """\
network: {layers: [{size: 3, activation: tanh}, {size: 2}, softmax]}
data: {generator: blobs, classes: 2, count: 60}
training: {epochs: 1, seed: 1}
"""


FIRST = {"edits": [], "bugs": [], "frame": None, "only": None}


@pytest.fixture
def config(folder):
    path = folder / "net.yaml"
    path.write_text(CONFIG)
    return path


@pytest.mark.exhaustive
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_the_page_is_served_until_the_program_is_ended(config, number, status):
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "inspect", config, "--no-browser", "--count", "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    said, more = process.stdout.readline(), process.stdout.readline()
    assert more == "Ctrl-C ends it\n"
    port, token = re.fullmatch(
        r"the page is at http://127\.0\.0\.1:(\d+)/#token=([\w-]{43})\n", said
    ).groups()
    there = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    headers = {
        "Origin": f"http://127.0.0.1:{port}",
        "Content-Type": "application/json",
        "X-Chainrule-Token": token,
    }
    with closing(there):
        there.request("POST", "/pass", json.dumps(FIRST), headers)
        assert b"dense_1.W" in there.getresponse().read()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == status
    assert out.strip() == ""
    assert "Traceback" not in err
    assert (err == "") == (status == 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--save", "page.html", "--port", 8000], "--port is of a page that is served"),
        (["--save", "page.html", "--no-browser"], "--no-browser is of a page that is served"),
        (["--port", 99_999], "--port"),
        (["--port", 0], "--port"),
    ],
)
def test_options_that_would_do_nothing_are_refused(command, config, arguments, words):
    ended = command("inspect", config, *map(str, arguments))
    assert ended.status == 2
    assert words in ended.err
    assert not (config.parent / "page.html").exists()

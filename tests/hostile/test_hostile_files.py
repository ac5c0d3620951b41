"""Every hostile file is refused by a `ChainruleError`, quickly and in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hostile.modules import FORMATS
from hostile.warden import LOOP, MEMORY, TIMES

TESTS = Path(__file__).resolve().parents[1]
LONGEST = 210_000
"""Letters of a hundred problems, each cut."""

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is watched in /proc"),
]


def results_of(kind):
    """The warden's results for the files of a format, from a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-m", "hostile.warden", kind],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def faults(found):
    """What is wrong with a result; times are measured in other work of the same process."""
    if found["ended"] != "refused":
        yield f"{found['ended']} {found['message'][:100]}"
    elif not found["message"] or found["length"] > LONGEST or found["odd"]:
        yield f"a message of {found['length']} letters, among them {found['odd']}"
    if found["heard"]:
        yield str(found["heard"])
    if found["loop"] > LOOP:
        yield f"as long as a loop over {found['loop']:,} bytes"
    if found.get("times", 0) > TIMES:
        yield f"{found['times']:.1f} times as long as to read a good file of the same length"
    if found["bytes"] > MEMORY:
        yield f"{found['bytes'] / 2**20:.0f} MiB"


def test_there_are_enough_of_them_and_each_has_its_own_name():
    names = [(kind, file.reader, file.name) for kind, files in FORMATS.items() for file in files()]
    assert len(names) >= 150
    assert not [name for name, count in Counter(names).items() if count > 1]


@pytest.mark.parametrize("kind", FORMATS)
def test_each_is_refused_in_little_time_and_memory_and_does_nothing(kind):
    results = results_of(kind)
    assert [r["name"] for r in results] == [file.name for file in FORMATS[kind]()]
    wrong = {f"{r['reader']}: {r['name']}": list(faults(r)) for r in results}
    assert not {name: found for name, found in wrong.items() if found}

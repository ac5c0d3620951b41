"""CIFAR-10 as it is published, for the courses that need all of it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from yardstick import HANGS


@pytest.fixture(scope="session")
def cifar10(real, tmp_path_factory) -> Path:
    """A folder that holds ``cifar-10-batches-py``, made once for all processes of the tests."""
    tool = real.parent / "tools" / "build_cifar10.py"
    if not tool.is_file() or not (real / "cifar10_jpeg.zip").is_file():
        pytest.skip(f"{real} has no CIFAR-10 to expand")
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / "cifar10"
    try:
        shared.mkdir()
    except FileExistsError:
        _wait_for(shared / "done")
    else:
        built = subprocess.run(
            [sys.executable, str(tool), str(shared)], capture_output=True, text=True
        )
        (shared / "done").write_text(built.stderr if built.returncode else "")
    failure = (shared / "done").read_text()
    assert not failure, failure
    return shared


def _wait_for(file: Path) -> None:
    """Until another process has built the set."""
    end = time.monotonic() + HANGS
    while time.monotonic() < end:
        if file.exists():
            return
        time.sleep(0.1)
    pytest.fail(f"{file} never appeared")

"""Run jobs in plain processes, one each: for trusted code where there is no sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chainrule.marking.sandbox.answers import Ended, Patience, in_thread, lines, write
from chainrule.marking.sandbox.boot import BOOT, ENVIRONMENT, RUNNER
from chainrule.marking.sandbox.tiers import Tier


class PlainProcesses:
    """Stands in for a sandbox on systems that have none; holds nothing back but time."""

    tier = Tier("process", False, ())

    def run(
        self,
        job: Mapping[str, Any],
        limits: Mapping[str, float],
        patience: Patience,
        most_lines: int,
    ) -> Iterator[dict[str, Any] | Ended]:
        """Run a job in a process, and yield its answers as they come, then how it ended.

        Args:
            job: what is to be done.
            limits: ``seconds``; the others are not kept here.
            patience: until when an answer is waited for; it may be set anew after each.
            most_lines: the most answers that are read; more is too much.
        """
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            process = self._started(folder, limits["seconds"])
            assert process.stdin is not None
            assert process.stdout is not None
            in_thread(write, process.stdin, json.dumps(job).encode())
            reason = ""
            try:
                for line in lines(process.stdout, patience, most_lines):  # type: ignore[arg-type]
                    if isinstance(line, dict):
                        yield line
                    else:
                        reason = line
                reason = reason or "done"
            finally:  # also where nobody wants the rest
                status = _ended(process, reason == "done")
            yield Ended("killed" if reason == "done" and status else reason, max(0, -status))

    def _started(self, folder: str, seconds: float) -> subprocess.Popen[bytes]:
        numpy = find_spec("numpy")
        assert numpy is not None
        assert numpy.origin is not None
        packages = str(Path(numpy.origin).parents[1])
        words = [sys.executable, "-s", "-S", "-P", "-c", BOOT, str(RUNNER), packages, "plain"]
        kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
        return subprocess.Popen(
            [*words, folder, str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**ENVIRONMENT, **kept, "HOME": folder},
            start_new_session=os.name == "posix",
        )


def _ended(process: subprocess.Popen[bytes], is_done: bool) -> int:
    """The status of a process that has ended, or is ended now with all of its group."""
    if is_done:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    return process.wait()

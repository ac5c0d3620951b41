"""Start the sandbox's server, hand it jobs, and read the lines that come back within limits."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from chainrule.marking.sandbox import tiers
from chainrule.marking.sandbox.answers import Ended, Patience, in_thread, lines, write
from chainrule.marking.sandbox.boot import BOOT, ENVIRONMENT, RUNNER
from chainrule.marking.sandbox.plain import PlainProcesses
from chainrule.marking.sandbox.tiers import Tier

_MEMORY = "/dev/shm"
_START_SECONDS = 30.0
_END_SECONDS = 20.0
_STOP_SECONDS = 2.0
_PROCESSOR_TIME = 24
"""The signal of a process that used up its processor time."""


class Sandbox:
    """A process that was started once, and runs one job after the other, each in a fork.

    Args:
        packages: the installed packages that jobs may import.
        use: ``namespaces``, ``landlock`` or ``limits``: the most that is to be used of what the
            machine offers.
    """

    def __init__(self, packages: Sequence[str] = ("numpy",), use: str = "namespaces") -> None:
        self.lock = threading.Lock()
        self.owner = os.getpid()
        self.packages, self.use = dict(_installed(packages)), use
        self.process, self.control, self.tier = self._started()
        atexit.register(self.close)

    def _started(self) -> tuple[subprocess.Popen[bytes], socket.socket, Tier]:
        """The best that starts: under bubblewrap, or else without."""
        command = tiers.bubblewrap(self.packages, RUNNER) if self.use == "namespaces" else None
        if command is not None:
            with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
                return self._start(command)
        return self._start(None)

    def _start(
        self, command: list[str] | None
    ) -> tuple[subprocess.Popen[bytes], socket.socket, Tier]:
        """Start a server in a folder of its own, which the server removes when it ends."""
        memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None  # where cleaning up is quick
        folder = Path(tempfile.mkdtemp(prefix="chainrule-sandbox-", dir=memory))
        folder.chmod(0o755)
        try:
            return self._start_in(folder, command)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            if command is not None:  # it sees nothing of the folder
                shutil.rmtree(folder, ignore_errors=True)

    def _start_in(
        self, folder: Path, command: list[str] | None
    ) -> tuple[subprocess.Popen[bytes], socket.socket, Tier]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        told = self._told(command is not None, folder)
        runner = "/runner" if command is not None else str(RUNNER)
        words = [*(command or []), os.path.realpath(sys.executable), "-s", "-S", "-P", "-c", BOOT]
        process = subprocess.Popen(
            [*words, runner, told["packages"], "server", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env={**ENVIRONMENT, "HOME": told["scratch"]},
        )
        theirs.close()
        try:
            ours.settimeout(_START_SECONDS)
            ours.sendall(json.dumps(told).encode())
            answer = json.loads(ours.recv(65_536))
        except BaseException:
            process.kill()
            process.wait()
            ours.close()
            raise
        held = answer["holds"]
        if not held.get("working"):
            process.kill()
            raise OSError(f"no program works in the sandbox: {held.get('error', '')}")
        return process, ours, tiers.tier_of(held, command is not None, (*answer["namespaces"],))

    def _told(self, has_bubblewrap: bool, folder: Path) -> dict[str, Any]:
        use, outside = self.use, folder / "outside"
        outside.write_text("not for anybody inside")
        if has_bubblewrap:
            packages, scratch = Path("/packages"), Path("/scratch")
            at = [packages / name for name in self.packages]
        else:
            packages, scratch = folder / "packages", folder / "scratch"
            packages.mkdir()
            scratch.mkdir(0o700)
            for name, path in self.packages.items():
                (packages / name).symlink_to(path)
            at = list(self.packages.values())
        readable = [*tiers.python_files(), *at] if use != "limits" else []
        return {
            "packages": str(packages),
            "scratch": str(scratch),
            "readable": [str(path) for path in readable],
            "listed": [str(path) for path in (*tiers.library_folders(), packages)],
            "landlock": use != "limits",
            "unshare": not has_bubblewrap and use == "namespaces",
            "namespaces": ["files", "processes", "network", "messages"] if has_bubblewrap else [],
            "outside": str(outside),
            "folder": None if has_bubblewrap else str(folder),
            "server": os.getpid(),
        }

    def run(
        self,
        job: Mapping[str, Any],
        limits: Mapping[str, float],
        patience: Patience,
        most_lines: int,
    ) -> Iterator[dict[str, Any] | Ended]:
        """Run a job in a fork, and yield its answers as they come, then how it ended.

        Args:
            job: what is to be done.
            limits: ``seconds``, ``memory_mb``, ``file_mb``.
            patience: until when an answer is waited for; it may be set anew after each.
            most_lines: the most answers that are read; more is too much.
        """
        with self.lock:
            stream = self._begun(job, limits)
            reason = ""
            try:
                for line in lines(stream, patience, most_lines):
                    if isinstance(line, dict):
                        yield line
                    else:
                        reason = line
                reason = reason or "done"
            finally:  # also where nobody wants the rest
                ended = self._end(reason)
            yield ended

    def _begun(self, job: Mapping[str, Any], limits: Mapping[str, float]) -> BinaryIO:
        """Hand a job to the server, which is started anew if it has ended."""
        source, job_end = os.pipe()
        answer_end, sink = os.pipe()
        message = json.dumps(dict(limits)).encode()
        try:
            try:
                socket.send_fds(self.control, [message], [source, sink])
            except OSError:
                self._restart()
                socket.send_fds(self.control, [message], [source, sink])
        finally:
            os.close(source)
            os.close(sink)
        in_thread(write, os.fdopen(job_end, "wb"), json.dumps(job).encode())
        return os.fdopen(answer_end, "rb")

    def _end(self, reason: str) -> Ended:
        """What the server says of the end; a server that says nothing is started anew."""
        try:
            if reason != "done":
                self.control.sendall(b"kill")
            self.control.settimeout(_END_SECONDS)
            answer = json.loads(self.control.recv(65_536))
        except (OSError, ValueError):
            self._restart()
            return Ended("killed" if reason == "done" else reason, 9)
        number = int(answer["signal"])
        if answer["full"]:
            reason = "full"
        elif number == _PROCESSOR_TIME:
            reason = "time"
        elif reason == "done" and answer["status"]:
            reason = "killed"
        return Ended(reason, number)

    def _restart(self) -> None:
        self._stop()
        self.process, self.control, self.tier = self._started()

    def _stop(self) -> None:
        """End the server: it ends by itself when the socket closes, or is ended."""
        self.control.close()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        """End the server."""
        if os.getpid() == self.owner and self.process.returncode is None:
            atexit.unregister(self.close)
            self._stop()


def _installed(packages: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """The folders of installed packages, with those of their shared libraries."""
    for name in packages:
        spec = find_spec(name) if name.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            continue
        folder = Path(spec.submodule_search_locations[0])
        yield name, folder
        if (libraries := folder.with_name(f"{name}.libs")).is_dir():
            yield libraries.name, libraries


AnySandbox = Sandbox | PlainProcesses
"""What runs jobs: on Linux a sandbox, elsewhere plain processes."""


@lru_cache
def _sandbox(packages: tuple[str, ...], process: int) -> AnySandbox:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError):
            return Sandbox(packages)
    return PlainProcesses()


def shared_sandbox(packages: Sequence[str] = ()) -> AnySandbox:
    """The sandbox of this process that may import NumPy and some packages; started once."""
    return _sandbox(tuple(dict.fromkeys(("numpy", *packages))), os.getpid())


def find_tier() -> Tier:
    """What this machine offers to hold untrusted code."""
    return shared_sandbox().tier

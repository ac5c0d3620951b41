"""The process that imported NumPy once and forks for every job, before any code of a job is read.

It never runs code of a submission itself: a fork of it shuts itself in and does. It is told what
to do over a socket, and hands each fork two pipes that it was sent: for the job and its answers.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from . import calling, confining, trying

_OFTEN = (
    "argparse ast collections contextlib copy csv dataclasses decimal enum fractions functools "
    "heapq inspect itertools json logging math numbers operator os pathlib pickle random re "
    "statistics string textwrap time timeit traceback typing unittest warnings "
    "numpy numpy.linalg numpy.random numpy.testing numpy.fft numpy.polynomial"
)
_PRELOADED = _OFTEN.split()
"""What submissions import often, so that they need not read it again."""

_MOST_THREADS = 64
_MOST_FILES = 2_000
_MOST_BYTES = 60 * 2**20
_LOOK_SECONDS = 0.05
_NOBODY = (0x60000000, 65534)


class Server:
    """Answers one socket.

    Args:
        control: the socket.
        told: ``scratch`` (a folder), ``landlock`` and ``unshare`` (whether to use them),
            ``namespaces`` (those that were left already), ``readable``, ``listed`` (for
            Landlock), ``outside`` (a file that must not be readable), ``folder`` (what is removed
            in the end, or None) and ``server`` (a process that must get no signals).
    """

    def __init__(self, control: socket.socket, told: dict[str, Any]) -> None:
        self.control, self.told = control, told
        self.scratch = told["scratch"]
        self.landlock: confining.Landlock | None = None
        self.nobody: int | None = None
        self.namespaces: list[str] = told["namespaces"]

    def start(self) -> None:
        """Import what is often needed, leave the namespaces, and serve until the socket closes."""
        for name in _PRELOADED:
            importlib.import_module(name)
        if self.told["unshare"]:
            self.namespaces = confining.new_namespaces()
            if self.namespaces:
                self._wait_outside()
        if self.told["landlock"]:
            with contextlib.suppress(OSError):
                self.landlock = confining.Landlock(
                    self.told["readable"], self.told["listed"], [self.scratch]
                )
        confining.hide()
        self.nobody = self._nobody()
        if self.nobody is not None:
            os.chown(self.scratch, self.nobody, self.nobody)
        self._tell(holds=self._tried(), namespaces=self.namespaces)
        try:
            while self._serve():
                pass
        finally:
            if self.told["folder"] is not None:
                shutil.rmtree(self.told["folder"], ignore_errors=True)
        os._exit(0)  # at once: whoever closed the socket waits

    def _wait_outside(self) -> None:
        """Fork into the new namespaces; the process that is left outside waits."""
        child = os.fork()
        if child == 0:
            confining.die_with_parent()
            return
        self.control.close()
        os.waitpid(child, 0)
        os._exit(0)

    def _nobody(self) -> int | None:
        """A user that owns nothing and can still read Python; None where there is none."""
        if os.geteuid() != 0:
            return None
        drawn = _NOBODY[0] + int.from_bytes(os.urandom(3), "little")
        for user in (drawn, _NOBODY[1]):
            child = os.fork()
            if child == 0:
                self._try_as(user)
            if os.waitpid(child, 0)[1] == 0:
                return user
        return None

    def _try_as(self, user: int) -> NoReturn:
        try:
            confining.become_nobody(user)
            for path in (os.__file__, sys.modules["numpy"].__file__):
                with open(str(path), "rb") as file:
                    file.read(1)
        except OSError:
            os._exit(1)
        os._exit(0)

    def _tried(self) -> dict[str, Any]:
        """What a fork that is shut in as jobs are cannot do."""
        source, sink = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                self._shut_in({"seconds": 5, "memory_mb": 256, "file_mb": 1}, [sink])
                found: dict[str, Any] = trying.held(
                    self.told["outside"], self.scratch, self.told["server"]
                )
            except BaseException as error:
                found = {"error": repr(error)}
            os.write(sink, json.dumps(found).encode())
            os._exit(0)
        os.close(sink)
        with open(source, "rb") as file:
            text = file.read()
        os.waitpid(child, 0)
        found = json.loads(text) if text else {}
        return {**found, "landlock": self.landlock is not None, "user": self.nobody is not None}

    def _shut_in(self, limits: dict[str, Any], kept: list[int]) -> None:
        """Shut this process in, for good; what fails is found out by `_tried`."""
        if self.nobody is not None:
            confining.become_nobody(self.nobody)
        confining.die_with_parent()
        nothing = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        _close_all_but([*kept, *([self.landlock.ruleset] if self.landlock else [])])
        os.umask(0o022)
        own_threads = self.nobody not in (None, _NOBODY[1]) or "processes" in self.namespaces
        confining.limit(limits, _MOST_THREADS if own_threads else None)
        with contextlib.suppress(OSError):
            confining.drop_rights()
        if self.landlock is not None:
            self.landlock.restrict()
        with contextlib.suppress(OSError):
            confining.forbid_calls()

    def _serve(self) -> bool:
        """One job; False where the socket has closed."""
        text, handed, _, _ = socket.recv_fds(self.control, 65_536, 2)
        if not text:
            return False
        if not handed:
            return True  # a kill that came after the end
        if os.listdir(self.scratch):
            raise OSError("files of an earlier job are left")
        limits = json.loads(text)
        child = os.fork()
        if child == 0:
            self._job(limits, *handed)
        for number in handed:
            os.close(number)
        is_open, is_full = self._watch(child, time.monotonic() + limits["seconds"] + 2)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self._empty()
        if is_open:
            self._tell(signal=max(0, -status), status=status, full=is_full)
        return is_open

    def _job(self, limits: dict[str, Any], source: int, sink: int) -> NoReturn:
        try:
            self._shut_in(limits, [source, sink])
            with open(source, "rb") as job, open(sink, "wb") as answers:
                calling.main(job, answers, self.scratch)
        except BaseException:
            os._exit(1)
        os._exit(0)

    def _watch(self, child: int, deadline: float) -> tuple[bool, bool]:
        """Wait until a child ends, or end it: when told to, at its deadline, or when it fills up.

        Returns:
            Whether the socket is still open, and whether it wrote too much.
        """
        ended, control = os.pidfd_open(child), self.control.fileno()
        is_full, ready = False, list[int]()
        try:
            while not is_full and not ready and time.monotonic() < deadline:
                ready = select.select([ended, control], [], [], _LOOK_SECONDS)[0]
                is_full = not ready and self._is_full()
            if ended in ready:
                return True, is_full
            os.kill(child, signal.SIGKILL)
            select.select([ended], [], [])
            return control not in ready or bool(self.control.recv(1024)), is_full
        finally:
            os.close(ended)

    def _is_full(self) -> bool:
        """Whether a job wrote too many files or too much, or hides what it wrote."""
        count = size = 0
        todo = [self.scratch]
        while todo:
            try:
                for entry in os.scandir(todo.pop()):
                    count += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if count > _MOST_FILES or size > _MOST_BYTES:
                        return True  # before the end, which may move away while it is looked for
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
            except (FileNotFoundError, NotADirectoryError):
                continue  # it was removed meanwhile
            except OSError:
                return True
        return False

    def _empty(self) -> None:
        """Remove all that a job wrote, however deeply nested: folders are moved up before."""
        todo = [entry.path for entry in os.scandir(self.scratch)]
        while todo:
            path = todo.pop()
            if os.path.islink(path) or not os.path.isdir(path):
                os.unlink(path)
                continue
            os.chmod(path, 0o700)
            for entry in list(os.scandir(path)):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)  # to move a folder it must be writable
                    above = os.path.join(self.scratch, os.urandom(12).hex())
                    os.rename(entry.path, above)
                    todo.append(above)
                else:
                    os.unlink(entry.path)
            os.rmdir(path)

    def _tell(self, **message: Any) -> None:
        self.control.sendall(json.dumps(message).encode() + b"\n")


def _close_all_but(kept: list[int]) -> None:
    before = 3
    for number in sorted(kept):
        os.closerange(before, number)
        before = number + 1
    os.closerange(before, 1024)


def main() -> None:
    """Serve the socket whose number is the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    text, _, _, _ = socket.recv_fds(control, 1_000_000, 0)
    Server(control, json.loads(text)).start()

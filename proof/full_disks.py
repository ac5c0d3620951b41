"""Runs whose disk is full, or whose folder is gone or can no longer be written to.

Each must end with one message and status 2, and the earlier checkpoint must be unchanged. Once
there is room again, the resumed run must end with the bits of a run never stopped.

Run with: python -m proof.full_disks
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.config.load import load_config
from chainrule.core.errors import ChainruleError
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.train import train
from chainrule.training import Callback, Trainer
from proof.children import Child
from proof.killed_runs import configuration, files

NOBODY = 65534
CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x44000

CONFIG = configuration("numpy", "adam", 16, 60)
STEPS_BEFORE = 30
"""Minibatches that run before the failure."""


@dataclass(frozen=True)
class Failure:
    """How a run ended after one kind of failure.

    Attributes:
        name: the kind of failure.
        status: of the process; None if the failure cannot be caused on this machine.
        message: what the process wrote on the error stream.
        kept: whether the earlier checkpoint could be read.
        same_bits: whether the resumed run ended with the bits of a run never stopped.
    """

    name: str
    status: int | None
    message: str
    kept: bool
    same_bits: bool

    @property
    def holds(self) -> bool | None:
        """Whether nothing was lost; None if the failure could not be caused."""
        if self.status is None:
            return None
        one_line = len(self.message.splitlines()) == 1 and "Traceback" not in self.message
        return self.status == 2 and one_line and self.kept and self.same_bits

    def __str__(self) -> str:
        return f"{self.name}: {self.status}, {self.message!r}, kept {self.kept}, {self.same_bits}"


class After(Callback):
    """Calls ``work`` once, after `STEPS_BEFORE` minibatches."""

    every_minibatch = True

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work

    def on_pause(self, trainer: Trainer) -> None:
        """Call the function."""
        if trainer.minibatches_run == STEPS_BEFORE:
            self.work()


def failures() -> Iterator[Failure]:
    """Cause every kind of failure."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        train(CONFIG, run=folder / "whole")
        expected = files(folder / "whole")
        for k, (name, work) in enumerate(FAILURES.items()):
            own = folder / str(k)
            own.mkdir(mode=0o777)
            yield _tried(name, work, own, expected)
        yield _removed(folder / "gone")


def _tried(
    name: str, work: Callable[[Path], None], folder: Path, expected: dict[str, Any]
) -> Failure:
    status, message = _run_in_child(lambda: work(folder), folder)
    if status == NOT_HERE:
        return Failure(name, None, message, False, False)
    run = folder / "kept" if (folder / "kept").exists() else folder / "r"
    try:
        kept = read_checkpoint(RunFolder(run).checkpoint).position.steps >= STEPS_BEFORE
    except ChainruleError:
        kept = False
    same = False
    if kept:
        train(CONFIG, run=run, resume=True)
        same = files(run) == expected
    return Failure(name, status, message, kept, same)


NOT_HERE = 77


def _run_in_child(work: Callable[[], None], folder: Path) -> tuple[int | None, str]:
    """The status of a child that works in ``folder``, and what it writes on the error stream."""
    errors = folder.parent / f"{folder.name}.err"

    def run() -> None:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        os.chdir(folder)
        work()

    child = Child(run)
    return child.wait(), errors.read_text()


def _train(*callbacks: Callback) -> None:
    """Train as the command does, which takes no callbacks."""
    from chainrule.cli.terminal import failures_reported

    with failures_reported("chainrule"):
        train(CONFIG, run="r", resume=True, callbacks=callbacks)


def _no_larger_files(folder: Path) -> None:
    """Limit the size of files to that of the present checkpoint."""

    def limit() -> None:
        size = (Path("r") / "checkpoint.safetensors").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    _train(After(limit))


def _full_file_system(folder: Path) -> None:
    """Mount a file system of 256 KiB, and fill it with another file."""
    libc = ctypes.CDLL(None, use_errno=True)
    Path("r").mkdir()
    mounted = (
        libc.unshare(CLONE_NEWNS) == 0
        and libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None) == 0
        and libc.mount(b"tmpfs", b"r", b"tmpfs", 0, b"size=256k") == 0
    )
    if not mounted:
        print(f"no file system may be mounted: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        os._exit(NOT_HERE)

    def fill() -> None:
        with open("r/filler", "wb", buffering=0) as file:
            try:
                while file.write(b"0" * 512):
                    pass
            except OSError:
                pass

    try:
        _train(After(fill))
    finally:  # copied, because the file system ends with this process
        os.remove("r/filler")
        shutil.copytree("r", "kept")


def _no_permission(folder: Path) -> None:
    """Make the folder read-only."""
    Path("r").mkdir()
    if os.geteuid() == 0:  # root may write everywhere, so go on as another user
        os.chown("r", NOBODY, NOBODY)
        os.chmod(".", 0o755)
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        _train(After(lambda: os.chmod("r", 0o555)))
    finally:
        os.chmod("r", 0o755)


def _failing_fsync(folder: Path) -> None:
    """Let fsync raise the error of a full disk."""

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    _train(After(lambda: setattr(os, "fsync", fail)))


FAILURES: dict[str, Callable[[Path], None]] = {
    "a full file system": _full_file_system,
    "a limit on the size of files": _no_larger_files,
    "a disk that refuses to flush": _failing_fsync,
    "a folder that may not be written to": _no_permission,
}


def _removed(folder: Path) -> Failure:
    """Remove the folder: nothing can be kept, but there must be a message."""
    folder.mkdir()
    status, message = _run_in_child(lambda: _train(After(lambda: shutil.rmtree("r"))), folder)
    return Failure("a folder that is removed", status, message, True, True)


def main() -> int:
    """Cause every kind of failure, and print the results."""
    load_config(CONFIG)
    found = list(failures())
    for failure in found:
        print(failure, "" if failure.holds else "FAILS" if failure.holds is False else "not here")
    return int(any(failure.holds is False for failure in found))


if __name__ == "__main__":
    sys.exit(main())

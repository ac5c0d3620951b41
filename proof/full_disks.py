"""Runs whose disk is full, whose folder is gone, or who may not write there any more.

Each must end in one message and status 2, with the checkpoint of before as it was; and once there
is room again, the run goes on to the bits of one that was never stopped.

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
from chainrule.runs.run import train
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Callback, Trainer
from proof.children import Child
from proof.killed_runs import configuration, files

NOBODY = 65534
CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x44000

CONFIG = configuration("numpy", "adam", 16, 60)
STEPS_BEFORE = 30
"""Minibatches that run before the trouble."""


@dataclass(frozen=True)
class Trouble:
    """What came of one of them.

    Attributes:
        name: in words.
        status: of the process that met it; None where it cannot be made here.
        message: what it said.
        kept: whether the checkpoint of before could be read.
        same_bits: whether the run went on to the bits of one never stopped.
    """

    name: str
    status: int | None
    message: str
    kept: bool
    same_bits: bool

    @property
    def holds(self) -> bool | None:
        """Whether nothing was lost; None where it could not be tried."""
        if self.status is None:
            return None
        one_line = len(self.message.splitlines()) == 1 and "Traceback" not in self.message
        return self.status == 2 and one_line and self.kept and self.same_bits

    def __str__(self) -> str:
        return f"{self.name}: {self.status}, {self.message!r}, kept {self.kept}, {self.same_bits}"


class After(Callback):
    """Does something once so many minibatches have run."""

    every_minibatch = True

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work

    def on_pause(self, trainer: Trainer) -> None:
        """Do it."""
        if trainer.minibatches_run == STEPS_BEFORE:
            self.work()


def troubles() -> Iterator[Trouble]:
    """All of them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        train(CONFIG, run=folder / "whole")
        expected = files(folder / "whole")
        for k, (name, work) in enumerate(TROUBLES.items()):
            own = folder / str(k)
            own.mkdir(mode=0o777)
            yield _tried(name, work, own, expected)
        yield _removed(folder / "gone")


def _tried(
    name: str, work: Callable[[Path], None], folder: Path, expected: dict[str, Any]
) -> Trouble:
    status, message = _said(lambda: work(folder), folder)
    if status == NOT_HERE:
        return Trouble(name, None, message, False, False)
    run = folder / "kept" if (folder / "kept").exists() else folder / "r"
    try:
        kept = read_checkpoint(RunFolder(run).checkpoint).position.steps >= STEPS_BEFORE
    except ChainruleError:
        kept = False
    same = False
    if kept:
        train(CONFIG, run=run, resume=True)
        same = files(run) == expected
    return Trouble(name, status, message, kept, same)


NOT_HERE = 77


def _said(work: Callable[[], None], folder: Path) -> tuple[int | None, str]:
    """The status of a child that works there, and what it says on the error stream."""
    told = folder.parent / f"{folder.name}.err"

    def run() -> None:
        os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT), 2)
        os.chdir(folder)
        work()

    child = Child(run)
    return child.wait(), told.read_text()


def _train(*callbacks: Callback) -> None:
    """The command, which knows no callbacks."""
    from chainrule.cli.terminal import failures_reported

    with failures_reported("chainrule"):
        train(CONFIG, run="r", resume=True, callbacks=callbacks)


def _no_larger_files(folder: Path) -> None:
    """No file may grow beyond the checkpoint of now."""

    def limit() -> None:
        size = (Path("r") / "checkpoint.safetensors").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    _train(After(limit))


def _full_file_system(folder: Path) -> None:
    """A file system of its own, of a quarter of a MiB, in which something else takes the rest."""
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
    finally:  # the file system is gone with this process
        os.remove("r/filler")
        shutil.copytree("r", "kept")


def _no_permission(folder: Path) -> None:
    """A folder that may be read, but not be written to."""
    Path("r").mkdir()
    if os.geteuid() == 0:  # to whom everything is permitted
        os.chown("r", NOBODY, NOBODY)
        os.chmod(".", 0o755)
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        _train(After(lambda: os.chmod("r", 0o555)))
    finally:
        os.chmod("r", 0o755)


def _failing_fsync(folder: Path) -> None:
    """The disk says that it is full when the content is to be flushed."""

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    _train(After(lambda: setattr(os, "fsync", fail)))


TROUBLES: dict[str, Callable[[Path], None]] = {
    "a full file system": _full_file_system,
    "a limit on the size of files": _no_larger_files,
    "a disk that refuses to flush": _failing_fsync,
    "a folder that may not be written to": _no_permission,
}


def _removed(folder: Path) -> Trouble:
    """The folder goes away: nothing can be kept, but it is said."""
    folder.mkdir()
    status, message = _said(lambda: _train(After(lambda: shutil.rmtree("r"))), folder)
    return Trouble("a folder that is removed", status, message, True, True)


def main() -> int:
    """Make all the trouble, and say what came of it."""
    load_config(CONFIG)
    found = list(troubles())
    for trouble in found:
        print(trouble, "" if trouble.holds else "FAILS" if trouble.holds is False else "not here")
    return int(any(trouble.holds is False for trouble in found))


if __name__ == "__main__":
    sys.exit(main())

"""A pool of processes, and the trials divided among them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from chainrule.runs.sweeps.plan import Point
from chainrule.runs.sweeps.trial import KILLED, Trial

if TYPE_CHECKING:
    from chainrule.config.load import Source

_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop()); from chainrule.runs.sweeps.trial import "
    "main; main()"
)
"""What a worker runs; the package is found where this process found it."""

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


class Pool:
    """Runs trials in processes of their own; use it in a ``with``, which ends them.

    Args:
        source: the configuration, as it was read when the sweep began.
        overrides: that every trial has.
        jobs: how many processes.
    """

    def __init__(self, source: Source, overrides: Sequence[str], jobs: int) -> None:
        self.common = {
            "value": source.tree.value,
            "folder": str(source.folder.absolute()),
            "name": source.name,
            "overrides": list(overrides),
        }
        self.jobs = jobs
        self._processes: list[subprocess.Popen[bytes]] = []
        self._idle: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with suppress(OSError):  # what was left to write has no reader
                    pipe.close()

    def run(
        self, points: Iterable[tuple[int, Point]], keep: Path | None = None
    ) -> Iterator[Trial]:
        """The trials as they finish; workers and the data they have read stay for the next call.

        Args:
            points: the trials' numbers and values.
            keep: the folder for the runs' own folders; None to keep none.

        A worker that ends in the middle of a trial, whatever killed it, makes that trial a
        failure; another worker takes its place.
        """
        waiting: SimpleQueue[dict[str, Any]] = SimpleQueue()
        finished: SimpleQueue[Trial | BaseException] = SimpleQueue()
        left = 0
        for number, values in points:
            folder = None if keep is None else str(keep.absolute() / str(number + 1))
            waiting.put({"number": number, "values": values, "folder": folder})
            left += 1
        for _ in range(min(self.jobs, left)):
            thread = threading.Thread(target=self._serve, args=(waiting, finished), daemon=True)
            thread.start()
            self._threads.append(thread)
        while left:
            try:
                trial = finished.get(timeout=0.2)  # so that Ctrl-C is heard at once everywhere
            except Empty:
                continue
            if isinstance(trial, BaseException):
                raise trial
            left -= 1
            yield trial

    def _serve(
        self,
        waiting: SimpleQueue[dict[str, Any]],
        finished: SimpleQueue[Trial | BaseException],
    ) -> None:
        """Give one worker after the other what is waiting."""
        process = self._idle.pop() if self._idle else None
        try:
            while not self._over.is_set():
                try:
                    item = waiting.get_nowait()
                except Empty:
                    if process is not None:
                        self._idle.append(process)
                    return
                if process is None or process.poll() is not None:
                    process = self._start()
                trial = _ask(process, item)
                if trial is None:
                    status = process.wait()
                    if self._over.is_set():
                        return
                    why = f"{KILLED}, {_ending(status)}"
                    trial = Trial(item["number"], item["values"], failure=why)
                finished.put(trial)
        except BaseException as error:  # a thread's error is the sweep's
            finished.put(error)

    def _start(self) -> subprocess.Popen[bytes]:
        """A new worker, which gets what all trials have in common."""
        environment = dict(os.environ)
        if self.jobs > 1:  # several processes share the cores; threads would only contend
            environment |= dict.fromkeys(_THREADS, "1")
        process = subprocess.Popen(
            # -P, so that a random.py in the working folder is not taken for Python's own.
            [sys.executable, "-P", "-c", _PROGRAM, str(Path(__file__).parents[3])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            # A Ctrl-C is for the sweep, which ends its workers itself.
            start_new_session=True,
        )
        self._processes.append(process)
        if self._over.is_set():  # meanwhile, and the others were ended before this one began
            process.kill()
        if self._over.is_set():
            process.kill()
        _tell(process, self.common)
        return process


def _ask(process: subprocess.Popen[bytes], item: Mapping[str, Any]) -> Trial | None:
    """A worker's answer; None where it ended before it gave one."""
    assert process.stdout is not None
    if not _tell(process, item):
        return None
    line = process.stdout.readline()
    return Trial.from_mapping(json.loads(line)) if line.endswith(b"\n") else None


def _tell(process: subprocess.Popen[bytes], what: Mapping[str, Any]) -> bool:
    """Write a line; whether there was anybody to read it."""
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(what).encode() + b"\n")
        process.stdin.flush()
    except OSError:
        return False
    return True


def _ending(status: int) -> str:
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

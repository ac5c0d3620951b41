"""A pool of worker processes that run trials."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from chainrule.runs.sweeps.plan import Point
from chainrule.runs.sweeps.trial import KILLED, Trial
from chainrule.runs.worker_process import THREADS, Message, WorkerProcess

if TYPE_CHECKING:
    from chainrule.config.load import Source
    from chainrule.core.arrays import Array


class Pool:
    """Runs trials in worker processes; a context manager that ends the processes.

    Args:
        source: the configuration, as it was read when the sweep began.
        overrides: settings that all trials have in common.
        jobs: the maximum number of processes.
        data: those that were passed in Python, as `chainrule.runs.passed.packed` makes them.
    """

    def __init__(
        self,
        source: Source,
        overrides: Sequence[str],
        jobs: int,
        data: Array | None = None,
    ) -> None:
        self.common = {
            "value": source.tree.value,
            "folder": str(source.folder.absolute()),
            "name": source.name,
            "overrides": list(overrides),
            "data": data,
        }
        # With several processes, multithreaded products would only compete for the cores.
        self._variables = dict.fromkeys(THREADS, "1") if jobs > 1 else {}
        self._threads = ThreadPoolExecutor(jobs)  # each thread waits for one process
        self._processes: list[WorkerProcess] = []
        self._idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        self._over = threading.Event()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.kill()
        self._threads.shutdown()
        for process in self._processes:
            process.close()

    def run(
        self, points: Iterable[tuple[int, Point]], keep: Path | None = None
    ) -> Iterator[Trial]:
        """Run trials and yield each as it finishes.

        If a worker dies during a trial, that trial is yielded as a failure and a new worker is
        started. Workers keep running, with the data they have read, for the next call.

        Args:
            points: the trials' numbers and values.
            keep: the folder in which each run gets a folder; None to write no files.
        """
        finished: SimpleQueue[Future[Trial]] = SimpleQueue()
        left = 0
        for number, values in points:
            folder = None if keep is None else str(keep.absolute() / str(number + 1))
            request = {"number": number, "values": values, "folder": folder}
            self._threads.submit(self._try, request).add_done_callback(finished.put)
            left += 1
        while left:
            try:
                trial = finished.get(timeout=0.2)  # without it some systems delay Ctrl-C
            except Empty:
                continue
            left -= 1
            yield trial.result()

    def _try(self, request: Message) -> Trial:
        """Run a trial in an idle worker, or in a new one."""
        try:
            process = self._idle.get_nowait()
        except Empty:
            process = self._start()
        if process.has_ended:
            process = self._start()
        process.send(request)
        answer = process.receive()
        if answer is not None:
            self._idle.put(process)
            return Trial.from_mapping(answer)
        status = process.wait()
        ending = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        return Trial(request["number"], request["values"], failure=f"{KILLED}, {ending}")

    def _start(self) -> WorkerProcess:
        """Start a worker and send it what all trials have in common."""
        process = WorkerProcess("chainrule.runs.sweeps.trial", self._variables)
        self._processes.append(process)
        if self._over.is_set():  # __exit__ may have ended the others before this was in the list
            process.kill()
        process.send(self.common)
        return process

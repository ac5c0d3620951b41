"""A process that does what it is sent: how it is started, what is said, and the loop inside it.

The process is a program and no fork: it inherits nothing, so it works whatever started it. Both
sides exchange messages, each a line of JSON followed by the bytes of the arrays that the line
names, in their order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import numpy as np

from chainrule.core.arrays import Array

Message = dict[str, Any]
Send = Callable[[Mapping[str, Any]], None]

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""The variables by which libraries of linear algebra are given their number of threads."""


def write_message(file: IO[bytes], message: Mapping[str, Any]) -> None:
    """Write a message; its entries that are arrays come back as arrays.

    Raises:
        OSError: the other side has closed the pipe.
    """
    arrays = {k: np.ascontiguousarray(v) for k, v in message.items() if isinstance(v, np.ndarray)}
    header = {k: v for k, v in message.items() if k not in arrays}
    shapes = {k: [str(a.dtype), list(a.shape)] for k, a in arrays.items()}
    file.write(json.dumps({**header, "arrays": shapes}).encode() + b"\n")
    for array in arrays.values():
        file.write(array.tobytes())
    file.flush()


def read_message(file: IO[bytes]) -> Message | None:
    """The next message; None where the other side has ended, even in the midst of one."""
    line = file.readline()
    if not line.endswith(b"\n"):
        return None
    message: Message = json.loads(line)
    for name, (dtype, shape) in message.pop("arrays").items():
        array: Array = np.empty(shape, dtype)
        content = file.read(array.nbytes)
        if len(content) < array.nbytes:
            return None
        array.ravel()[...] = np.frombuffer(content, dtype)
        message[name] = array
    return message


class WorkerProcess:
    """A process that runs ``main`` of a module, which calls `serve`.

    Args:
        module: its full name; the package is found where this process found it.
        variables: of the environment, beside those of this process.
    """

    def __init__(self, module: str, variables: Mapping[str, str]) -> None:
        program = f"import sys; sys.path.append(sys.argv.pop()); from {module} import main; main()"
        self._process = subprocess.Popen(
            # -P, so that a random.py in the working folder is not taken for Python's own.
            [sys.executable, "-P", "-c", program, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **variables},
            # Ctrl-C is for the process that started this one, which ends it itself.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process is no more."""
        return self._process.poll() is not None

    def send(self, message: Mapping[str, Any]) -> None:
        """Write a message; that the process has ended is seen by `receive`."""
        with suppress(OSError):
            write_message(self._input, message)

    def receive(self) -> Message | None:
        """The next message; None where the process has ended."""
        return read_message(self._output)

    def wait(self) -> int:
        """Wait for the end; the exit status, or the number of a signal with a minus."""
        return self._process.wait()

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()

    def close(self) -> None:
        """Wait for the end of a process that was killed, and close its pipes."""
        self.wait()
        for pipe in (self._input, self._output):
            with suppress(OSError):  # what was left to write has no reader
                pipe.close()


def serve(work: Callable[[Callable[[], Message], Send], None]) -> None:
    """The program of a worker: work until that is done, or until the input ends.

    Args:
        work: called with a function that waits for the next message, and one that sends one.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else prints is no answer
    received: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_listen, args=(received,), daemon=True).start()
    status = 0
    try:
        work(received.get, lambda message: write_message(answers, message))
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)  # an orderly end would wait for the listener, which waits for us


def _listen(received: SimpleQueue[Message]) -> None:
    """Pass messages on; at the end of the input end the process, also within its work."""
    while (message := read_message(sys.stdin.buffer)) is not None:
        received.put(message)
    os._exit(0)

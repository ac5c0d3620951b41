"""Worker processes: how one is started, the messages, and the worker's program.

A worker is a new Python interpreter, not a fork, so it inherits no state of the process that
starts it. Both sides exchange messages through pipes. A message is a line of JSON followed by the
bytes of the arrays that the line lists, in the same order.
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
"""The environment variables that set the number of threads of linear-algebra libraries."""


def write_message(file: IO[bytes], message: Mapping[str, Any]) -> None:
    """Write a message; its values are arrays, or values that JSON can represent.

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
    """The next message; None if the other side has ended, even in the middle of a message."""
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
    """A process that runs the function ``main`` of a module, which calls `serve`.

    Args:
        module: the module's full name; the package is imported from where this process has it.
        variables: environment variables to set in addition to those of this process.
    """

    def __init__(self, module: str, variables: Mapping[str, str]) -> None:
        program = f"import sys; sys.path.append(sys.argv.pop()); from {module} import main; main()"
        self._process = subprocess.Popen(
            # -P: otherwise a random.py in the working folder would hide Python's module.
            [sys.executable, "-P", "-c", program, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **variables},
            # Ctrl-C is to reach only the process that started this one, and which then ends it.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        """The process identifier."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def send(self, message: Mapping[str, Any]) -> None:
        """Write a message, unless the process has ended; `receive` then returns None."""
        with suppress(OSError):
            write_message(self._input, message)

    def receive(self) -> Message | None:
        """The next message; None if the process has ended."""
        return read_message(self._output)

    def wait(self) -> int:
        """Wait for the end; returns the exit status, or −n if signal n ended the process."""
        return self._process.wait()

    def kill(self) -> None:
        """End the process immediately (SIGKILL)."""
        self._process.kill()

    def close(self) -> None:
        """Wait for the end of a process that was killed, and close its pipes."""
        self.wait()
        for pipe in (self._input, self._output):
            with suppress(OSError):  # data still in the buffer cannot be written any more
                pipe.close()


def serve(work: Callable[[Callable[[], Message], Send], None]) -> None:
    """Run a worker's program; the process ends when ``work`` returns or its input is closed.

    Args:
        work: called with a function that waits for the next message, and one that sends a message.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # prints of other code go to stderr
    received: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_listen, args=(received,), daemon=True).start()
    status = 0
    try:
        work(received.get, lambda message: write_message(answers, message))
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)  # a normal exit could wait forever for the thread that reads stdin


def _listen(received: SimpleQueue[Message]) -> None:
    """Queue the messages from stdin; when it is closed, end the process, even during its work."""
    while (message := read_message(sys.stdin.buffer)) is not None:
        received.put(message)
    os._exit(0)

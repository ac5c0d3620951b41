"""Read the lines that come back from a process of untrusted code, within limits."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

MOST_BYTES = 32 * 2**20
"""The most bytes that one job may send back."""

MOST_PIECES = 20_000
"""The most lists, objects and members of one line, so that a short text makes no large object."""


@dataclass(frozen=True)
class Ended:
    """How a job's process ended.

    Attributes:
        reason: ``done``, ``time`` (a limit), ``size`` (too much came back), ``full`` (too much
            was written to files) or ``killed``.
        number: of the signal that ended it; 0 for none.
    """

    reason: str
    number: int = 0


@dataclass
class Patience:
    """Until when something is waited for.

    Attributes:
        until: by `time.monotonic`.
    """

    until: float


def in_thread(function: Any, *arguments: Any) -> None:
    """Start a function in a thread that keeps nobody waiting."""
    threading.Thread(target=function, args=arguments, daemon=True).start()


def write(stream: BinaryIO, content: bytes) -> None:
    """Write all of it and close the stream, even if nobody reads any more."""
    with contextlib.suppress(OSError), stream:
        stream.write(content)


def lines(stream: BinaryIO, patience: Patience, most_lines: int) -> Iterator[dict[str, Any] | str]:
    """The lines of JSON of a stream until it ends; a text says why it is read no further.

    Lines that are no JSON object are left out. After ``time`` or ``size`` the stream is not read.

    Args:
        stream: what comes back from the sandbox.
        patience: until when.
        most_lines: more of them are too much.
    """
    chunks: queue.Queue[bytes] = queue.Queue(8)
    stopped = threading.Event()
    in_thread(_read, stream, chunks, stopped)
    rest, total, count = b"", 0, 0
    try:
        while True:
            try:
                chunk = chunks.get(timeout=max(0.0, patience.until - time.monotonic()))
            except queue.Empty:
                yield "time"
                return
            if time.monotonic() > patience.until:  # however much keeps coming
                yield "time"
                return
            total += len(chunk)
            if total > MOST_BYTES:
                yield "size"
                return
            if not chunk:
                return
            *whole, rest = (rest + chunk).split(b"\n", most_lines)
            count += len(whole)
            if count >= most_lines:
                yield "size"
                return
            for line in whole:
                if (found := _object(line)) is not None:
                    yield found
    finally:
        stopped.set()


def _object(line: bytes) -> dict[str, Any] | None:
    if sum(map(line.count, (b"{", b"[", b","))) > MOST_PIECES:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read(stream: BinaryIO, chunks: queue.Queue[bytes], stopped: threading.Event) -> None:
    with stream:
        while not stopped.is_set():
            try:
                chunk = stream.read1(2**20)  # type: ignore[attr-defined]
            except OSError:
                chunk = b""
            while not stopped.is_set():
                with contextlib.suppress(queue.Full):
                    chunks.put(chunk, timeout=0.1)
                    break
            if not chunk:
                return

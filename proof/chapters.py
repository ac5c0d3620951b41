"""Chapters of the proof, each measured in a process of its own.

Some chapters measure copies of their process, which must not have the threads that JAX and
PyTorch start in another chapter: a copy would wait for them for ever.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Iterator
from importlib import import_module
from multiprocessing.connection import Connection

from proof.line import Line

TITLES = {
    "gradients": "Gradients",
    "sequences": "Sequences",
    "extremes": "Extremes",
    "kills": "Planted bugs",
    "numbers": "Numbers",
    "files": "Files from strangers",
    "runs": "Runs",
}
"""Of the chapters by the name of their module, whose function ``lines`` measures them."""


def measured(name: str, *, full: bool) -> Iterator[Line]:
    """The lines of a chapter as they are measured.

    Args:
        name: of its module.
        full: whether to make the long runs in full, and store them.

    Returns:
        Its lines; where it comes to no end, what ended it is a last line, which does not hold.
    """
    spawned = multiprocessing.get_context("spawn")
    receiver, sender = spawned.Pipe(duplex=False)
    process = spawned.Process(target=_measure, args=(name, full, sender), name=name)
    process.start()
    sender.close()  # so that the receiver hears of the process's end
    try:
        while (line := receiver.recv()) is not None:
            yield line
        process.join()
    except EOFError:  # it ended without a word
        process.join()
        yield _broken(name, f"it ended with status {process.exitcode}")
    finally:
        process.terminate()


def _measure(name: str, full: bool, sender: Connection) -> None:
    """In the chapter's process: send every line, then None."""
    try:
        for line in import_module(f"proof.{name}").lines(full):
            sender.send(line)
    except Exception as error:
        traceback.print_exc()
        sender.send(_broken(name, f"{type(error).__name__}: {error}"))
    sender.send(None)


def _broken(name: str, found: str) -> Line:
    return Line(f"the chapter on {name} comes to its end", "yes", found, holds=False)

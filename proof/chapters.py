"""The parts of the proof, each measured in a process of its own.

Some parts fork their process. JAX and PyTorch, which other parts use, start threads that a forked
process would wait for without end.
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
    "normalization": "Normalisation",
    "extremes": "Extremes",
    "kills": "Planted bugs",
    "mutants": "Mutants",
    "numbers": "Numbers",
    "files": "Files from strangers",
    "runs": "Runs",
    "doctor": "The doctor",
    "marking": "The marker",
}
"""By the name of a module, whose function ``lines`` measures the part, the title of the part."""


def measured(name: str, *, full: bool) -> Iterator[Line]:
    """The lines of a part as they are measured.

    Args:
        name: of its module.
        full: whether to make the long runs in full, and store them.

    Returns:
        Its lines. If the part breaks off, a last line, which does not hold, says why.
    """
    spawned = multiprocessing.get_context("spawn")
    receiver, sender = spawned.Pipe(duplex=False)
    process = spawned.Process(target=_measure, args=(name, full, sender), name=name)
    process.start()
    sender.close()  # so that recv raises EOFError when the process ends
    try:
        while (line := receiver.recv()) is not None:
            yield line
        process.join()
    except EOFError:  # the process ended without sending None
        process.join()
        yield _broken(name, f"it ended with status {process.exitcode}")
    finally:
        process.terminate()


def _measure(name: str, full: bool, sender: Connection) -> None:
    """In the process of the part: send every line, then None."""
    try:
        for line in import_module(f"proof.{name}").lines(full):
            sender.send(line)
    except Exception as error:
        traceback.print_exc()
        sender.send(_broken(name, f"{type(error).__name__}: {error}"))
    sender.send(None)


def _broken(name: str, found: str) -> Line:
    return Line(f"the part {name} runs to its end", "yes", found, holds=False)

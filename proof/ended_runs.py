"""Runs ended by SIGINT and SIGTERM: after how long, with what status, and whether they resume.

A child process runs ``chainrule train`` and is sent a signal once it has come to a certain place:
making data, compiling, training, evaluating, drawing.

Run with: python -m proof.ended_runs
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from time import monotonic, sleep
from typing import Any

import chainrule.runs.resolve
import chainrule.runs.train
from chainrule.config.load import load_config
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.train import train
from chainrule.training import Trainer
from chainrule.training.engines import ENGINES
from proof.children import HANGS, Board, Child, children_end
from proof.killed_runs import files

THERE = 2
"""Index on the board: 1 once the child has come to the place."""

MOST_SECONDS = 2.0
COMMAND = ["train", "c.yaml", "--run", "ended"]
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Ended:
    """How a signal ended a run.

    Attributes:
        place: what the run was doing.
        number: of the signal.
        status: of the process.
        seconds: from the signal to the end of the process.
        same_bits: whether the resumed run ended with the bits of a run never stopped.
    """

    place: str
    number: int
    status: int | None
    seconds: float
    same_bits: bool

    @property
    def holds(self) -> bool:
        """Whether the run ended in time, with the right status, and resumed to the same bits."""
        return self.status == 128 + self.number and self.seconds <= MOST_SECONDS and self.same_bits

    def __str__(self) -> str:
        name = signal.Signals(self.number).name
        bits = "" if self.same_bits else ", other bits"
        return f"{self.place}, {name}: {self.status} after {self.seconds:.2f} s{bits}"


@dataclass(frozen=True)
class Place:
    """A place in a run at which a signal is sent.

    Attributes:
        name: what the run does there.
        config: of the run.
        owner: module or class of the function that the run calls there; None for a new process,
            in which nothing is compiled yet, once the first checkpoint is on the disk.
        function: the name of the function.
        delay: seconds from the call to the signal.
    """

    name: str
    config: dict[str, Any]
    owner: Any
    function: str = ""
    delay: float = 0.02


def _config(engine: str, data: dict[str, Any], **training: Any) -> dict[str, Any]:
    return {
        "network": {
            "layers": [{"size": 30, "activation": "tanh"}, {"size": 4}, "softmax"],
            "learning_rate": 0.001,
        },
        "data": {"classes": 4, **data},
        "training": {"epochs": 3, "seed": 3, "engine": engine, **training},
    }


BLOBS = {"generator": "blobs", "features": 20, "count": 150_000, "split": [0.7, 0.2, 0.1]}
SHAPES = {"generator": "shapes", "size": 16, "classes": ["circle", "cross", "bars", "rectangle"]}


def places() -> Iterator[Place]:
    """All places."""
    yield Place(
        "making data",
        _config("numpy", {**SHAPES, "count": 6000}, epochs=1, batch_size=500),
        chainrule.runs.resolve,
        "load_data",
        delay=0.3,
    )
    yield Place("compiling", _config("compiled", BLOBS), None, delay=1.5)
    yield Place("training, numpy", _config("numpy", BLOBS, epochs=8), ENGINES["numpy"], "run", 0.3)
    compiled = ENGINES["compiled"]
    yield Place("training, compiled", _config("compiled", BLOBS, epochs=20), compiled, "run", 0.3)
    yield Place(
        "training, one case at a time",
        _config("compiled", BLOBS, batch_size=1),
        compiled,
        "run",
        0.3,
    )
    if "torch" in sys.modules:
        yield Place("training, torch", _config("torch", BLOBS), ENGINES["torch"], "run", 0.3)
    yield Place("evaluating an epoch", _config("numpy", BLOBS), Trainer, "evaluate", 0.002)
    yield Place(
        "evaluating the run", _config("numpy", BLOBS), chainrule.runs.train, "_finish", 0.002
    )
    yield Place(
        "drawing", _config("numpy", BLOBS), chainrule.runs.train, "draw_learning_curve", 0.05
    )


def end(place: Place, number: int, folder: Path) -> Ended:
    """Send one signal to one run."""
    (folder / "c.yaml").write_text(load_config(place.config).to_yaml())
    found = (_end_program if place.owner is None else _end_child)(place, number, folder)
    return Ended(place.name, number, *found, _goes_on(place, folder))


def _end_child(place: Place, number: int, folder: Path) -> tuple[int | None, float]:
    board = Board()
    with children_end() as children:
        child = Child(lambda: _train(place, folder, board))
        children.append(child)
        deadline = monotonic() + HANGS
        while not board[THERE] and child.poll() is None and monotonic() < deadline:
            sleep(0.001)
        sleep(place.delay)
        start = monotonic()
        child.kill(number)
        return child.wait(), monotonic() - start


def _end_program(place: Place, number: int, folder: Path) -> tuple[int | None, float]:
    command = [sys.executable, "-m", "chainrule.cli.main", *COMMAND]
    (folder / "cache").mkdir()
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")}
    with Popen(command, cwd=folder, env=environment, stdout=DEVNULL) as program:
        checkpoint, deadline = RunFolder(folder / "ended").checkpoint, monotonic() + HANGS
        while not checkpoint.exists() and program.poll() is None and monotonic() < deadline:
            sleep(0.001)
        sleep(place.delay)
        start = monotonic()
        program.send_signal(number)
        return program.wait(HANGS), monotonic() - start


def _train(place: Place, folder: Path, board: Board) -> None:
    from chainrule.cli.main import app

    setattr(place.owner, place.function, _marking(getattr(place.owner, place.function), board))
    os.chdir(folder)
    app(args=COMMAND)


def _marking(function: Callable[..., Any], board: Board) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        board[THERE] = 1
        return function(*arguments, **options)

    return call


def _goes_on(place: Place, folder: Path) -> bool:
    """Whether the resumed run ends with the bits of a run never stopped."""
    child = Child(lambda: int(not _same(place, folder)))
    return child.wait() == 0


def _same(place: Place, folder: Path) -> bool:
    train(place.config, run=folder / "ended", resume=True)
    train(place.config, run=folder / "whole")
    return files(folder / "ended") == files(folder / "whole")


def end_runs() -> Iterator[Ended]:
    """Both signals at every place."""
    for place in places():
        for number in SIGNALS:
            with tempfile.TemporaryDirectory() as folder:
                yield end(place, number, Path(folder))


def main() -> int:
    """Send all signals, and print the result of each."""
    results = []
    for result in end_runs():
        print(result, "" if result.holds else "FAILS", flush=True)
        results.append(result)
    return int(not all(result.holds for result in results))


if __name__ == "__main__":
    sys.exit(main())

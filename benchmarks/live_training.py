"""What following a training on the inspector's page costs the training.

Run with: python -m benchmarks.live_training [--rounds 7] [--network NAME]

Needs Linux, Chromium and ChromeDriver. The same training is run by itself; told of to a client
that reads all events and draws nothing; and followed by a page in Chromium that draws every pass
and the planes: in turns, the order changing from round to round. Of each round the ratios to the
training by itself are taken: of the seconds from the first minibatch to the last, and of the
processor's seconds that the process of the training took, its threads and the sending included.
Printed are the median of the ratios and their range. Where there are fewer free cores than the
training, the server and the browser use, the seconds tell how these share them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import chainrule
from benchmarks.inspector import DIGITS, browser
from benchmarks.timing import machine
from chainrule.config.load import load_config
from chainrule.inspector.live import OwnTraining
from chainrule.runs.starts import initial_network
from chainrule.runs.worker_process import Message

SPIRALS = {
    "network": {
        "input": 2,
        "learning_rate": 0.005,
        "layers": [
            {"size": 64, "activation": "relu"},
            {"size": 32, "activation": "relu"},
            {"size": 3},
            "softmax",
        ],
    },
    "data": {"generator": "spirals", "arms": 3, "count": 900},
    "training": {"epochs": 700, "optimizer": "adam", "seed": 1},
}
LARGE = {
    **DIGITS,
    "network": {**DIGITS["network"], "input": 784},
    "data": {**DIGITS["data"], "count": 2000},
    "training": {"epochs": 60, "seed": 1},
}
NETWORKS = {"2-64-32-3": SPIRALS, "784-128-64-10": LARGE}

BY_ITSELF = """
import json, sys
from chainrule import train
from chainrule.training import Callback
class Clock(Callback):
    def on_start(self, trainer): self.say()
    def on_end(self, trainer): self.say()
    def say(self):
        print("now", flush=True)
        sys.stdin.readline()
config, folder = json.load(open(sys.argv[1])), sys.argv[2]
train(config, run=folder, callbacks=[Clock()])
"""


def processor_seconds(pid: int) -> float:
    """What all threads of a process have taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Clock:
    """The seconds of a process between its first and its last call."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []

    def look(self, pid: int) -> None:
        """Note the time, and what the process has taken until now."""
        self.seen.append((time.perf_counter(), processor_seconds(pid)))

    @property
    def seconds(self) -> tuple[float, float]:
        """By the clock on the wall, and of the processor."""
        (wall, cpu), (wall_end, cpu_end) = self.seen[0], self.seen[-1]
        return wall_end - wall, cpu_end - cpu


def by_itself(config: dict[str, Any], folder: Path) -> tuple[float, float]:
    """The seconds of a training that nobody follows."""
    file = folder / "config.json"
    file.write_text(json.dumps(config))
    command = [sys.executable, "-c", BY_ITSELF, str(file), str(folder / "alone")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    clock = Clock()
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        for _ in range(2):
            assert process.stdout.readline() == "now\n"
            clock.look(process.pid)
            process.stdin.write("go on\n")
            process.stdin.flush()
    return clock.seconds


class Timed(OwnTraining):
    """A training that is followed, with a clock."""

    def __init__(self, *args: Any) -> None:
        self.clock = Clock()
        super().__init__(*args)

    def _take(self, message: Message) -> None:
        self.clock.look(self._worker.pid)
        super()._take(message)


def followed(config: dict[str, Any], folder: Path, driver: Any) -> tuple[float, float, int]:
    """The seconds of a training that is followed, and how many frames the page has shown.

    Args:
        config: what is trained.
        folder: for the run.
        driver: of the browser; None for a client that reads the events and draws nothing.
    """
    checked = load_config(config)
    started: list[Timed] = []

    def begin(network: Any) -> Timed:
        started.append(Timed(checked, initial_network(checked), folder / "followed"))
        return started[0]

    found = replace(chainrule.inspect(config), training=begin)
    with found.open(browser=False) as served:
        if driver is None:
            frames = sum(1 for _ in started[0].events())
            return *started[0].clock.seconds, frames
        driver.get(served.address)
        driver.execute_script("document.getElementById('film').scrollIntoView()")
        while not started[0].is_over:
            time.sleep(0.05)
        drawn = "performance.getEntriesByName('picture-drawn').length"
        return *started[0].clock.seconds, driver.execute_script(f"return {drawn}")


def measured(config: dict[str, Any], rounds: int, driver: Any) -> None:
    """Measure some rounds, and print their ratios."""
    ways = ("by itself", "told", "followed")
    ratios: dict[str, list[tuple[float, ...]]] = {"told": [], "followed": []}
    for k in range(rounds):
        found: dict[str, Any] = {}
        for way in (*ways[k % 3 :], *ways[: k % 3]):
            driver.get("about:blank")
            with tempfile.TemporaryDirectory() as folder:
                if way == "by itself":
                    found[way] = by_itself(config, Path(folder))
                else:
                    page = driver if way == "followed" else None
                    found[way] = followed(config, Path(folder), page)
        print(f"  round {k + 1}: {found}", file=sys.stderr)
        for way, kept in ratios.items():
            (wall, cpu, frames), (wall_0, cpu_0) = found[way], found["by itself"]
            kept.append((wall / wall_0, cpu / cpu_0, frames / wall))
    for way, kept in ratios.items():
        for k, name in enumerate(("seconds", "processor's seconds")):
            column = [one[k] for one in kept]
            low, high = min(column), max(column)
            print(f"  {way}, {name}: {median(column):.3f} ({low:.3f} to {high:.3f})")
        print(f"  {way}, frames a second: {median(one[2] for one in kept):.1f}")


def main() -> None:
    """Measure the networks that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--network", choices=NETWORKS)
    asked = parser.parse_args()
    print(machine())
    with browser() as driver:
        for name, config in NETWORKS.items():
            if asked.network in (None, name):
                print(f"{name}, ratios to the training by itself, {asked.rounds} rounds")
                measured(config, asked.rounds, driver)


if __name__ == "__main__":
    main()

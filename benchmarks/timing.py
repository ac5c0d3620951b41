"""Timing of programs in turns, so that disturbances of the machine affect all alike."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter


def interleaved(
    programs: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """The seconds of each program in each round, after one round that is not counted.

    Args:
        programs: functions to time, by name.
        rounds: the number of rounds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(rounds + 1):
        for name, run in programs.items():
            start = perf_counter()
            run()
            if turn:
                seconds[name].append(perf_counter() - start)
    return seconds


def spread(seconds: list[float], unit: float) -> str:
    """Median and range, in ``unit`` seconds."""
    return (
        f"{median(seconds) / unit:8.1f}  ({min(seconds) / unit:.1f} – {max(seconds) / unit:.1f})"
    )


def machine() -> str:
    """The processor, operating system and version of Python."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(line.split(":")[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{name}, {platform.system()}, Python {platform.python_version()}"

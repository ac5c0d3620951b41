"""Timing by turns: whatever disturbs the machine disturbs every program alike."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter


def interleaved(
    programs: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """The seconds each program took in each round, after one round that does not count.

    Args:
        programs: what to time, by name.
        rounds: how often.
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
    """The processor and the Python that ran this."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(line.split(":")[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{name}, {platform.system()}, Python {platform.python_version()}"

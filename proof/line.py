"""A line of the proof's table, and the dated results of full runs that stand beside it."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Line:
    """One claim and its measurement.

    Attributes:
        claim: in a few words, such as "central difference, every layer and loss".
        asked: the figure to hold, such as "≤ 1e-8".
        measured: what came out just now, such as "3.4e-10 of 41,000 gradients".
        holds: whether ``measured`` satisfies ``asked``; None where it could not be measured on
            this machine (``measured`` then says why, such as "jax is not installed").
        stored: the dated result of the full run, where this was a short form of it.
    """

    claim: str
    asked: str
    measured: str
    holds: bool | None
    stored: str = ""


@dataclass(frozen=True)
class Stored:
    """The result of a full run.

    Attributes:
        measured: such as "1,000 kills, no checkpoint lost".
        holds: whether it satisfies what was asked.
        command: that made it.
        date: such as "2026-11-21".
        machine: such as "Linux x86_64, Python 3.11.9".
        seconds: that the run took.
        figures: further results, in types that JSON has.
    """

    measured: str
    holds: bool
    command: str
    date: str
    machine: str
    seconds: float
    figures: dict[str, object]

    def __str__(self) -> str:
        return f"{self.measured} ({self.date})"


def store(
    name: str,
    measured: str,
    *,
    holds: bool,
    command: str,
    seconds: float,
    figures: dict[str, object] | None = None,
) -> Stored:
    """Write the result of a full run to results/NAME.json, and return it."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    today = date.today().isoformat()
    result = Stored(
        measured, holds, command, today, machine, round(seconds, 1), dict(figures or {})
    )
    text = json.dumps(asdict(result), indent=1, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return result


def stored(name: str) -> Stored | None:
    """The stored result of that name; None if the full run was never made."""
    path = FOLDER / f"{name}.json"
    return Stored(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def stored_text(name: str) -> str:
    """The stored result of that name as text; empty if the full run was never made."""
    return str(stored(name) or "")

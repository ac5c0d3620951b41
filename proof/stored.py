"""Results of long runs, dated, kept beside the code that made them."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Stored:
    """A long run's result.

    Args:
        measured: such as "1,000 kills, no checkpoint lost".
        holds: whether it satisfies what was asked.
        command: what made it.
        date: when, such as "2026-11-21".
        machine: where, such as "Linux x86_64, Python 3.11.9".
        seconds: how long it took.
        figures: whatever else is worth keeping, as JSON holds it.
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
    """Keep a long run's result as results/NAME.json and give it back."""
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

"""Files of results, with the date, the machine and the versions of packages."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.ceilings import highest
from benchmarks.timing import machine

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("numpy", "scipy", "numba", "torch", "jax", "jaxlib", "scikit-learn", "threadpoolctl")


def versions() -> dict[str, str]:
    """The versions of the packages that are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def header() -> dict[str, Any]:
    """The date, machine and versions."""
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "versions": versions(),
    }


def load(path: str | Path) -> dict[str, Any]:
    """The stored results."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def store(path: str | Path, found: Mapping[str, Any]) -> None:
    """Add results to a file, or start one; a part that it has already is replaced."""
    path = Path(path)
    before = load(path) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    # A part with a date of its own leaves that of the others as it is.
    has_own = bool(before) and all("date" in part for part in found.values())
    new = {**found} if has_own else {**header(), **found}
    text = json.dumps(_merged(before, new), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def newest() -> Path | None:
    """The file of results with the last date in its name."""
    return max(FOLDER.glob("*.json"), default=None)


def _merged(before: Any, found: Any) -> Any:
    """``before`` updated by ``found``; workloads are replaced one by one."""
    merged = {**before, **found}
    for key in ("workloads", "starting"):
        if key in before and key in found:
            merged[key] = {**before[key], **found[key]}
    if "ceilings" in before and "ceilings" in found:
        merged["ceilings"] = highest(before["ceilings"], found["ceilings"])
    return merged

"""Results as files: dated, with the machine and the versions of all packages."""

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
    """Of the packages that are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def header() -> dict[str, Any]:
    """When and on what."""
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "versions": versions(),
    }


def load(path: str | Path) -> dict[str, Any]:
    """What was stored."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def store(path: str | Path, found: Mapping[str, Any]) -> None:
    """Add to a file of results, or start one; a part that is there is replaced."""
    path = Path(path)
    before = load(path) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_merged(before, {**header(), **found}), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def newest() -> Path | None:
    """The file of results with the last date in its name."""
    return max(FOLDER.glob("*.json"), default=None)


def _merged(before: Any, found: Any) -> Any:
    """``found`` over ``before``, one level of workloads deep."""
    merged = {**before, **found}
    for key in ("workloads", "starting"):
        if key in before and key in found:
            merged[key] = {**before[key], **found[key]}
    if "ceilings" in before and "ceilings" in found:
        merged["ceilings"] = highest(before["ceilings"], found["ceilings"])
    return merged

"""The files of a comparison: its figures and its picture."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule._version import __version__
from chainrule.core.arrays import Array
from chainrule.core.files import write_whole
from chainrule.plots.peers import PeerCurve, peers_figure
from chainrule.plots.save import save_figure
from chainrule.runs.comparison.result import Comparison, Contestant

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_files(found: Comparison, folder: Path) -> None:
    """Write ``comparison.png``, ``comparison.svg`` and ``compare.json``.

    Raises:
        ChainruleError: a file cannot be written; then none is there.
    """
    written: list[Path] = []
    try:
        written += save_figure(picture_of(found), folder / "comparison", ("png", "svg"), own=True)
        text = json.dumps(as_mapping(found), indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(folder / "compare.json", text + "\n", own=True)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def picture_of(found: Comparison) -> Figure:
    """The loss curves, their differences and the time of a step."""
    shown = [
        PeerCurve(
            one.name,
            one.epoch_losses,
            None if one is found.ours else found.loss_differences(one),
            one.step_seconds,
            one.memory,
        )
        for one in found.contestants
    ]
    return peers_figure(shown, title=f"{found.name}: the same training by several libraries")


def as_mapping(found: Comparison) -> dict[str, Any]:
    """All figures of a comparison, as JSON takes them; null for what is not finite."""
    return {
        "chainrule": __version__,
        "name": found.name,
        "cases": found.cases,
        "parameters": found.parameters,
        "epochs": found.epochs,
        "minibatches": found.minibatches,
        "threads": found.threads,
        "contestants": [_contestant(found, one) for one in found.contestants],
        "left_out": found.left_out,
        "config": found.config,
    }


def _contestant(found: Comparison, one: Contestant) -> dict[str, Any]:
    is_ours = one is found.ours
    return {
        "name": one.name,
        "version": one.version,
        "start_seconds": one.start_seconds,
        "first_epoch_seconds": _finite(one.seconds[0]),
        "step_seconds": _finite(one.step_seconds),
        "ratio": None if is_ours else _finite(found.ratio(one)),
        "final_loss": _finite(one.final_loss),
        "loss_difference": None if is_ours else _finite(found.loss_difference(one)),
        "theta_difference": None if is_ours else _finite(found.theta_difference(one)),
        "memory": one.memory,
        "memory_before": one.memory_before,
        "epoch_seconds": _all_finite(one.seconds),
        "epoch_losses": _all_finite(one.epoch_losses),
        "epoch_differences": None if is_ours else _all_finite(found.loss_differences(one)),
    }


def _all_finite(values: Array) -> list[float | None]:
    return [_finite(value) for value in values]


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None

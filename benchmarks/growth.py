"""The growth of the time with depth, width, batch and cases; draws docs/images/growth.png.

One of the four changes at a time in a network of 100 inputs, two hidden layers of 64 tanh units
and ten classes, with 64 batches of 32 cases, float64, one thread. Run with:
python -m benchmarks.growth [--quick] [--json FILE] [--picture growth.png]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.programs import reason_against
from benchmarks.results import load, store
from benchmarks.runners import make_runners, time_in_turns
from benchmarks.timing import machine
from benchmarks.workloads import Workload, make_problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = ("chainrule compiled", "chainrule numpy", "torch eager", "JAX scan")
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "growth.png"
INPUT, WIDTH, CLASSES = 100, 64, 10
BASE = Workload("growth", (INPUT, WIDTH, WIDTH, CLASSES), "tanh", 32, 64)

DEPTHS = (1, 2, 4, 8, 16)
WIDTHS = (8, 32, 128, 512)
BATCHES = (1, 4, 16, 64, 256, 1024)
CASES = (128, 1024, 8192, 65536)

# By the name of a panel, what grows (the label of its axis) and the values.
PANELS = {
    "depth": ("hidden layers of 64 units", DEPTHS),
    "width": ("units in each of two hidden layers", WIDTHS),
    "batch": ("cases in a minibatch", BATCHES),
    "cases": ("cases in the training set", CASES),
}
MICROSECOND = 1e-6


def workload_of(panel: str, value: int) -> Workload:
    """The base workload with one size changed."""
    if panel == "depth":
        return replace(BASE, widths=(INPUT, *(WIDTH,) * value, CLASSES))
    if panel == "width":
        return replace(BASE, widths=(INPUT, value, value, CLASSES))
    if panel == "batch":
        return replace(BASE, batch=value)
    return replace(BASE, steps=value // BASE.batch)


def measure(names: Sequence[str], rounds: int, budget: float) -> dict[str, Any]:
    """Median seconds a step by panel, program and value."""
    found: dict[str, Any] = {}
    for panel, (_, values) in PANELS.items():
        found[panel] = {"values": list(values), "seconds": {name: [] for name in names}}
        for value in values:
            workload = workload_of(panel, value)
            runners = make_runners(names, make_problem(workload), (1,))
            try:
                for (name, _), times in time_in_turns(runners, workload, rounds, budget).items():
                    found[panel]["seconds"][name].append(median(times))
            finally:
                for runner in runners.values():
                    runner.close()
        print_panel(panel, found[panel])
    return found


def print_panel(panel: str, found: Any) -> None:
    """Print the panel as a table."""
    print(f"\nµs a minibatch by {panel}: {PANELS[panel][0]}")
    print(f"  {'':20}" + "".join(f"{value:>9}" for value in found["values"]))
    for name, seconds in found["seconds"].items():
        print(f"  {name:20}" + "".join(f"{s / MICROSECOND:9.1f}" for s in seconds))


def draw(found: Any, path: Path) -> None:
    """Four panels with both axes logarithmic."""
    from chainrule.plots.save import save_figure
    from chainrule.plots.style import house_style, new_figure

    with house_style():
        title = "100-64-64-10, tanh, batch 32, float64: one size grows at a time"
        figure = new_figure(12, 9, title)
        axes = figure.subplots(2, 2)
        for ax, (panel, what) in zip(axes.flat, found.items(), strict=True):
            _draw_panel(ax, panel, what)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        save_figure(figure, path)


def _draw_panel(ax: Axes, panel: str, what: Any) -> None:
    from chainrule.plots.style import marker_of

    values, is_epoch = what["values"], panel == "cases"
    for k, (name, seconds) in enumerate(what["seconds"].items()):
        colour, marker = marker_of(k)
        # The time of a minibatch does not depend on the number of cases; that of an epoch does.
        steps = [value / BASE.batch if is_epoch else 1 for value in values]
        shown = [s * n / MICROSECOND for s, n in zip(seconds, steps, strict=True)]
        ax.plot(values, shown, color=colour, marker=marker, label=name)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_minor_formatter("")
    ax.set_xticks(values, [f"{value:,}" for value in values])
    ax.set_xlabel(PANELS[panel][0])
    ax.set_ylabel("µs an epoch" if is_epoch else "µs a minibatch")


def main() -> None:
    """Measure, print, store and draw; with ``--draw``, only draw stored results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, shorter")
    parser.add_argument("--json", help="the file of results to add to")
    parser.add_argument("--picture", default=str(PICTURE), help="the file to draw")
    parser.add_argument("--draw", metavar="FILE", help="draw what a file of results holds")
    options = parser.parse_args()
    if options.draw:
        draw(load(options.draw)["growth"], Path(options.picture))
        return
    names = [name for name in NAMES if not reason_against(name)]
    for name in NAMES:
        if why := reason_against(name):
            print(f"without {name}: {why}")
    print(f"{machine()}; one thread, medians")
    found = measure(names, *((3, 0.005) if options.quick else (5, 0.03)))
    if options.json:
        store(options.json, {"growth": found})
    draw(found, Path(options.picture))


if __name__ == "__main__":
    main()

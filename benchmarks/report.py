"""The tables of docs/benchmarks.md and of the README, from a stored file of results.

Run with: python -m benchmarks.report [FILE], by default the newest file of benchmarks/results. The
README's table is between two comments, MARKERS; a README without them is left unchanged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.ceilings import ceiling
from benchmarks.programs import OURS, PROGRAMS
from benchmarks.results import load, newest

ROOT = Path(__file__).parents[1]
MARKERS = ("<!-- benchmarks: begin -->", "<!-- benchmarks: end -->")
BEST = "best of all peers"
MICROSECOND, MEBIBYTE = 1e-6, 2**20

# Another library's time over ours, in the order of COMPARED: reached by a prototype, and the goal.
GOALS = {
    "W1 f64": ((180, 200), (4.2, 6), (110, 130), (4.2, 6)),
    "W2 f32": ((1.35, 1.4), (1.9, 2), (2.0, 2.1), (1.0, 1.1)),
    "W2 f64": ((1.08, 1.2), (1.5, 1.6), (2.1, 2.2), (0.8, 1.0)),
    "W3 f32": ((1.24, 1.3), (1.24, 1.3), (2.4, 2.5), (0.96, 1.0)),
    "W3 f64": ((1.26, 1.3), (1.6, 1.7), (2.5, 2.6), (0.95, 1.0)),
    "W4 f64": ((3.5, 4), (1.5, 1.8), (3.5, 4), (1.5, 1.6)),
    "W4 f32": ((4.0, 4.5), (1.2, 1.4), (3.6, 4), (1.2, 1.4)),
    "W5 f64": ((12, 15), (3.1, 4), (9, 11), (3.1, 4)),
    "W6 f32": ((0.93, 1.0), (0.97, 1.05), (2.9, 3), (0.84, 0.95)),
}
COMPARED = ("torch eager", "JAX scan", "scikit-learn", BEST)


def best(times: dict[str, list[float]]) -> tuple[str, list[float]]:
    """The number of threads with the smaller median, and its times."""
    return min(times.items(), key=lambda item: median(item[1]))


def middle(found: Any, program: str) -> float | None:
    """Median seconds of a minibatch at the better number of threads; None if it did not run."""
    times = found["seconds"].get(program)
    return None if times is None else median(best(times)[1])


def best_peer(found: Any) -> str | None:
    """The fastest program of another library; None if only ours ran."""
    peers = [name for name in found["seconds"] if PROGRAMS[name].library != "chainrule"]
    return min(peers, key=lambda name: middle(found, name) or 0.0, default=None)


def ratio(found: Any, peer: str) -> float | None:
    """Another program's time over ours; None if one of the two did not run."""
    name = best_peer(found) if peer == BEST else peer
    theirs, ours = middle(found, name or ""), middle(found, OURS)
    return None if theirs is None or ours is None else theirs / ours


def figure(number: float) -> str:
    """A number with two decimals below 2, one below 10, and none above.

    Example:
        >>> [figure(n) for n in (0.816, 3.44, 54.4, 203.4)]
        ['0.82', '3.4', '54', '203']
    """
    digits = 2 if number < 2 else 1 if number < 10 else 0
    return f"{number:,.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; the columns after the first are aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def ratio_table(results: Any, *, goals: bool) -> str:
    """The table of other libraries' times over ours.

    Args:
        results: the stored results.
        goals: whether to add the prototype's figure and the goal to each.
    """
    rows = []
    for name, found in results["workloads"].items():
        ours = middle(found, OURS)
        row = [
            f"{name[:2]}: {found['description']}",
            "" if ours is None else figure(ours / MICROSECOND),
        ]
        targets = GOALS.get(name, (None,) * len(COMPARED))
        for peer, target in zip(COMPARED, targets, strict=True):
            row.append(_ratio_cell(found, peer, target if goals else None))
        rows.append(row)
    return table(["a minibatch", "ours, µs", *COMPARED], rows)


def _ratio_cell(found: Any, peer: str, target: tuple[float, float] | None) -> str:
    measured = ratio(found, peer)
    cell = "–" if measured is None else figure(measured)
    if measured is not None and peer == BEST:
        cell += f" {best_peer(found)}"
    return cell if target is None else f"{cell} ({target[0]:g} → {target[1]:g})"


def time_table(found: Any, ceilings: Any) -> str:
    """The table of all programs on one workload."""
    rows = []
    ours = middle(found, OURS)
    for program, times in found["seconds"].items():
        threads, seconds = best(times)
        us = [s / MICROSECOND for s in seconds]
        others = [figure(median(t) / MICROSECOND) for n, t in times.items() if n != threads]
        speed = found["operations"] / median(seconds) / 1e9
        top = ceiling(ceilings, found["dtype"], threads)
        rows.append(
            [
                program,
                threads,
                figure(median(us)),
                f"{figure(min(us))} – {figure(max(us))}",
                "".join(others),
                "" if ours is None else figure(median(seconds) / ours),
                figure(speed),
                f"{speed / top:.0%}",
            ]
        )
    head = ["", "threads", "µs", "range", "other number", "over ours", "GF/s", "of ceiling"]
    return table(head, rows)


def start_table(found: Any) -> str:
    """The table of times from start to exit, and of memory, on one workload."""
    rows = [
        [
            name,
            "" if what["cold"] is None else f"{what['cold']:.2f}",
            f"{median(what['warm']):.2f}",
            f"{min(what['warm']):.2f} – {max(what['warm']):.2f}",
            f"{median(what['memory']) / MEBIBYTE:.0f}",
        ]
        for name, what in found.items()
    ]
    return table(["", "cold, s", "warm, s", "range", "peak, MiB"], rows)


def ceiling_table(ceilings: Any) -> str:
    """The table of the peak speeds."""
    rows = [
        [f"{library}, {dtype}", *(figure(speed) for speed in speeds.values())]
        for library, dtypes in ceilings.items()
        for dtype, speeds in dtypes.items()
    ]
    numbers = next(iter(next(iter(ceilings.values())).values()))
    return table(["GF/s", *(f"{n} thread{'s' * (n != '1')}" for n in numbers)], rows)


def where(results: Any) -> str:
    """Machine, date and versions in a sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    return (
        f"{results['machine']}, {results['cores']} cores; {results['date']}; {versions}".rstrip()
        + "."
    )


def page(results: Any) -> str:
    """All of docs/benchmarks.md."""
    return "\n".join(_paragraphs(results))


def _paragraphs(results: Any) -> Iterator[str]:
    yield "# Benchmarks\n"
    yield "Written by `python -m benchmarks.report` from what `make bench` stored.\n"
    yield f"{where(results)}\n"
    if results.get("workloads"):
        yield from _workload_paragraphs(results)
    if "starting" in results:
        yield from _start_paragraphs(results["starting"])
    if "growth" in results:
        yield "## Growth\n\nOn one thread, float64; medians.\n\n![growth](images/growth.png)\n"
    if "estimators" in results:
        yield from _estimator_paragraphs(results["estimators"])


def _workload_paragraphs(results: Any) -> Iterator[str]:
    yield (
        "## A peer's time over ours\n\n"
        "Softmax with cross-entropy on top, plain SGD; programs start from the same weights,\n"
        "take the same cases in the same order and tell the loss of each minibatch. All ran by\n"
        "turns in one run; medians, each at the better of one and two threads. In brackets what\n"
        "prototypes reached and the goal.\n"
    )
    yield ratio_table(results, goals=True)
    if results.get("ceilings"):
        yield (
            "## The ceiling\n\n"
            "Products of two 2048 × 2048 matrices. The shares below are of the higher figure\n"
            "with as many threads; the operations counted are those of dense products: skipped\n"
            "zeros count as done.\n"
        )
        yield ceiling_table(results["ceilings"])
        yield "## Every program\n"
        for name, found in results["workloads"].items():
            yield (
                f"### {name[:2]}: {found['description']}\n\n"
                f"{found['operations'] / 1e6:.3g} million operations a minibatch; the losses of "
                f"the first minibatches agree\nwithin {found['difference']:.0e}.\n"
            )
            yield time_table(found, results["ceilings"])


def _start_paragraphs(starting: Any) -> Iterator[str]:
    yield (
        "## From the start of the process to the end of the first epoch\n\n"
        "New processes, one thread (JAX as it likes), data from a file. Cold: with no compiled "
        "code on\nthe disk; given for those that keep some.\n"
    )
    for name, found in starting.items():
        yield f"### {name}, an epoch\n"
        yield start_table(found)


def _estimator_paragraphs(found: Any) -> Iterator[str]:
    yield (
        "## Estimators against scikit-learn's\n\n"
        "`chainrule.Classifier` against `MLPClassifier`, and on diabetes `Regressor` against\n"
        "`MLPRegressor`, all with their default arguments: accuracy, or R², on the fold that\n"
        f"was left out, mean of {found['folds']} folds that both were trained on in turns; the "
        "difference with its\nstandard error over the folds, and medians of the times. Measured "
        f"on {where(found)}\n"
    )
    rows = [
        [
            name.replace("_", " "),
            f"{one['score']:.3f}",
            f"{one['their score']:.3f}",
            f"{one['difference']:+.3f} ± {one['standard error']:.3f}",
            figure(one["ms"]),
            figure(one["their ms"]),
            figure(one["ratio"]),
        ]
        for name, one in found["sets"].items()
    ]
    head = ["", "score", "theirs", "difference", "ms", "theirs, ms", "our time over theirs"]
    yield table(head, rows)


def snippet(results: Any) -> str:
    """The part of the README between the markers, which are included."""
    begin, end = MARKERS
    return (
        f"{begin}\nA peer's time over ours; {where(results)}\n\n"
        f"{ratio_table(results, goals=False)}{end}\n"
    )


def put_between_markers(text: str, new: str) -> str | None:
    """``text`` with the part between the markers replaced; None if it has no markers."""
    begin, end = MARKERS
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        return None
    return before + new.rstrip("\n") + after


def main() -> None:
    """Read the results, and write the page and the README's table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a file of results")
    parser.add_argument("--page", default=str(ROOT / "docs" / "benchmarks.md"))
    parser.add_argument("--readme", default=str(ROOT / "README.md"))
    parser.add_argument("--snippet", help="a file for the README's part alone")
    options = parser.parse_args()
    source = options.file or newest()
    if source is None:
        sys.exit("there are no results yet: run make bench")
    results = load(source)
    Path(options.page).write_text(page(results), encoding="utf-8")
    if options.snippet:
        Path(options.snippet).write_text(snippet(results), encoding="utf-8")
    readme = Path(options.readme)
    text = put_between_markers(readme.read_text(encoding="utf-8"), snippet(results))
    if text is None:
        print(f"{readme.name} has no {MARKERS[0]}: left as it is")
    else:
        readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

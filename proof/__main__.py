"""Measures the claims of docs/proof.md, part by part, and prints a table.

The exit status is 1 if a line of the table fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from proof import doctor
from proof.chapters import TITLES, measured

MARKS = {True: "[green]holds[/]", False: "[bold red]FAILS[/]", None: "[yellow]not here[/]"}


def main() -> int:
    """Measure the parts named, all of them by default, and print a line for each claim."""
    parser = argparse.ArgumentParser(
        prog="python -m proof",
        description=__doc__,
        epilog="docs/proof.md explains every line. python -m proof doctor alone shows "
        "its patients one by one; see python -m proof doctor --help.",
    )
    parts = ", ".join(f"{name} ({title})" for name, title in TITLES.items())
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"what to measure, all by default: {parts}"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="make the long runs in full (hours for all parts) and store their results in "
        "proof/results/; without it short forms of them are run, in minutes",
    )
    if sys.argv[1:2] == ["doctor"] and "--full" not in sys.argv:
        return doctor.main(sys.argv[2:])
    options = parser.parse_args()
    unknown = sorted(set(options.parts).difference(TITLES))
    if unknown:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(TITLES)}")
    return report(options.parts or list(TITLES), full=options.full)


def report(names: Sequence[str], *, full: bool) -> int:
    """Print the table of these parts; 1 if a line fails, 0 otherwise."""
    console = Console()
    table = Table("claim", "asked", "measured", "", "full run")
    failed = 0
    start = time.perf_counter()
    for name in names:
        table.add_section()
        table.add_row(f"[bold]{TITLES[name]}[/]")
        for line in measured(name, full=full):
            console.print(f"  {TITLES[name]}: {line.claim}: {line.measured}", markup=False)
            table.add_row(line.claim, line.asked, line.measured, MARKS[line.holds], line.stored)
            failed += line.holds is False
    console.print(table)
    minutes = (time.perf_counter() - start) / 60
    console.print(f"{failed} of the lines fail; {minutes:.1f} minutes")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

"""What the homework's scripts share: their data, their options, their tables and pictures."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chainrule.core.errors import DataError, Problem
from chainrule.data.readers.files import read_cases
from chainrule.data.readers.paths import find_data
from chainrule.plots.decision_boundary import decision_boundary
from chainrule.plots.save import save_figure
from descent import accuracy
from theta import Array, Theta, predict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
HIDDEN = 100
"""Units of a hidden layer on the spiral and on iris, as in the homework's starting code."""

ARMS = ("arm 0", "arm 1", "arm 2")
"""The spiral's classes."""


def load(name: str) -> tuple[Array, Array]:
    """The cases X (N, D) of one of the homework's files, and their class numbers y (N,).

    Raises:
        DataError: the file is in none of the places looked in, or has no class number at a
            line's end.
    """
    path = find_data(name, beside=HERE, within=("psu",))
    cases = read_cases(path)
    if cases.labels is None or cases.labels.are_text or not cases.labels.look_like_classes:
        raise DataError(Problem("the last column holds class numbers", path))
    return cases.x, np.asarray(cases.labels.values).astype(int)


def options(description: str | None, words: Sequence[str] | None) -> Path:
    """The folder for pictures that a script's command line names.

    Args:
        description: of the script.
        words: of the command line; None for the program's own.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="folder for the pictures", default=HERE / "out")
    out: Path = parser.parse_args(words).out
    return out


def save(figure: Figure, out: Path, name: str) -> None:
    """Write a picture and say where it is; the folder is made where it is missing."""
    out.mkdir(parents=True, exist_ok=True)
    for path in save_figure(figure, out / f"{name}.png"):
        print(f"picture written to {path}")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: names to the left, numbers to the right.

    Example:
        >>> print_table("steps", ["step size", "cost"], [["0.1", "0.6931"], ["1", "0.5"]])
        <BLANKLINE>
        steps
          step size    cost
          0.1        0.6931
          1             0.5
    """
    lines = [columns, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(f"\n{title}")
    for first, *rest in lines:
        cells = [f"{cell:>{width + 2}}" for cell, width in zip(rest, widths[1:], strict=True)]
        print(f"  {first:<{widths[0]}}{''.join(cells)}")


def draw_boundaries(
    thetas: Mapping[str, Theta], X: Array, y: Array, classes: Sequence[str], title: str
) -> Figure:
    """The plane as each θ sees it, a panel each, headed by the share of the cases that are right.

    Args:
        thetas: by what the panel is called.
        X: cases, (N, 2).
        y: class numbers, (N,).
        classes: their names.
        title: of the picture.
    """
    networks = {
        f"{name}: {accuracy(X, y, theta):.1%} right": partial(_probabilities, theta)
        for name, theta in thetas.items()
    }
    return decision_boundary(networks, X, y, classes=classes, title=title)


def _probabilities(theta: Theta, x: Array) -> Array:
    """What a picture asks at every point of the plane."""
    return predict(x, theta)[1]

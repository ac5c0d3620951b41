"""The data of the patients that no generator of the package makes: tables, images, sequences.

Each function draws from a seed of its own and returns what a file holds: ``x`` and ``t`` of an
``.npz``, or the columns of a table by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import ImageGenerator

Columns = dict[str, Any]

SPECIES = ("setosa", "versicolor", "virginica")
_MEANS = np.array([[5.0, 3.4, 1.5, 0.25], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.5, 2.0]])
_SPREADS = np.array([[0.35, 0.38, 0.17, 0.1], [0.5, 0.3, 0.45, 0.2], [0.6, 0.3, 0.5, 0.27]])


def clouds(
    counts: Sequence[int], *, features: int = 6, apart: float = 2.5, seed: int = 1
) -> dict[str, Any]:
    """Normal clouds of unit spread, one a class, of these numbers of cases."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(len(counts)).normal(size=(len(counts), features))
    centres *= apart / np.linalg.norm(centres, axis=1, keepdims=True)
    t = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    return {"x": centres[t] + rng.normal(size=(len(t), features)), "t": t}


def flowers(counts: Sequence[int] = (60, 60, 60), seed: int = 1) -> Columns:
    """A table of four lengths of three species, as Fisher's irises have them, in cm."""
    rng = np.random.default_rng(seed)
    t = rng.permutation(np.repeat(np.arange(3), counts))
    x = np.maximum(_MEANS[t] + _SPREADS[t] * rng.normal(size=(len(t), 4)), 0.1).round(1)
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    return {**dict(zip(names, x.T, strict=True)), "species": np.array(SPECIES)[t]}


def people(count: int = 500, seed: int = 1, noise: float = 0.3) -> Columns:
    """A table of persons, and whether they bought: by age, income and children."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, count).astype(float)
    income = rng.normal(42_000, 12_000, count).clip(8_000).round(-2)
    children = rng.integers(0, 4, count).astype(float)
    score = (age - 49) / 18 - (income - 42_000) / 12_000 + 0.5 * (children - 1.5)
    bought = np.where(score + noise * rng.normal(size=count) > 0, "yes", "no")
    return {"age": age, "income": income, "children": children, "bought": bought}


def houses(count: int = 400, seed: int = 1, noise: float = 0.1) -> Columns:
    """A table of houses and what they cost, of the order of 300,000; inputs are about 1."""
    rng = np.random.default_rng(seed)
    area, rooms, age = rng.normal(size=(3, count))
    worth = area + 0.4 * rooms - 0.6 * np.tanh(age) + noise * rng.normal(size=count)
    return {"area": area, "rooms": rooms, "age": age, "price": (300_000 + 90_000 * worth).round()}


def images(count: int, *, size: int = 12, classes: int = 4, seed: int = 1) -> dict[str, Any]:
    """Shapes in images of 0 and 1, x (count, size, size), and their classes."""
    names = ["circle", "rectangle", "triangle", "cross", "tee", "cup"][:classes]
    made, _, _ = ImageGenerator(
        size=size,
        count=count,
        classes=names,
        noise=0.01,
        width=(8, 11),
        height=(8, 11),
        flatten=False,
        seed=seed,
        split=(1, 0, 0),
    )
    return {"x": made.x, "t": made.t}


def friedman(count: int = 400, seed: int = 1, noise: float = 0.1) -> dict[str, Any]:
    """Values of a smooth function of five inputs, of mean 0 and deviation about 1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 5))
    t = np.sin(np.pi * x[:, 0] * x[:, 1]) + 2 * (x[:, 2] ** 2 - 1 / 3) + x[:, 3] + 0.5 * x[:, 4]
    return {"x": x, "t": (t + noise * rng.normal(size=count))[:, None]}


def with_column(columns: Columns, name: str, values: Any, at: int = 1) -> Columns:
    """A table with one more column, in place ``at``."""
    items = list(columns.items())
    return dict([*items[:at], (name, values), *items[at:]])


def shuffled(columns: Columns, name: str, seed: int = 9) -> Columns:
    """The same with the values of one column in another order."""
    order = np.random.default_rng(seed).permutation(len(columns[name]))
    return {**columns, name: np.asarray(columns[name])[order]}

"""Dividing cases among training, validation and test data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.schema import Metadata, expected, invalid

DEFAULT_SPLIT = (0.7, 0.2, 0.1)
"""The fractions of training, validation and test data where none are given."""

_MOST_CASES = 10**9
"""Larger parts are refused without the hint that a split takes no numbers of cases."""


class Split(Metadata):
    """The fractions of training, validation and test data."""

    def check(self, value: Any) -> list[float]:
        """The value as fractions that sum to 1, the first above 0; percentages are converted."""
        is_three = isinstance(value, list) and len(value) == 3
        if not (is_three and all(is_finite(k) and 0 <= k <= _MOST_CASES for k in value)):
            raise expected(
                "three fractions [training, validation, test] from 0 to 1 that sum to 1, or "
                "percentages that sum to 100"
            )
        found = as_fractions(value)
        parts = f"{' + '.join(f'{part:g}' for part in value)} = {sum(value):g}"
        if found is None and all(part <= 1 for part in value):
            raise invalid(f"the fractions of split must sum to 1; {parts}")
        if found is None:
            message = "split takes fractions that sum to 1, or percentages that sum to 100"
            raise invalid(f"{message}; {parts} (numbers of cases are not read)")
        if found[0] == 0:
            raise invalid("split must leave something to train on, but its first fraction is 0")
        return found

    def json_schema(self) -> dict[str, Any]:
        """Three numbers from 0 to 100."""
        part = {"type": "number", "minimum": 0, "maximum": 100}
        return {"type": "array", "items": part, "minItems": 3, "maxItems": 3}


def as_fractions(parts: Sequence[float]) -> list[float] | None:
    """The parts as fractions, if they sum to 1 (within 1e-9) or as percentages to 100; else None.

    Example:
        >>> as_fractions([0.7, 0.2, 0.1]), as_fractions([70, 20, 10]), as_fractions([7, 2, 1])
        ([0.7, 0.2, 0.1], [0.7, 0.2, 0.1], None)
    """
    total = sum(parts)
    if abs(total - 100) <= 1e-7:
        return [part / 100 for part in parts]
    return [float(part) for part in parts] if abs(total - 1) <= 1e-9 else None


def part_sizes(count: int, fractions: Sequence[float]) -> tuple[int, int, int]:
    """How many of ``count`` cases each part gets, by the largest remainder method.

    Every part gets its share count · fraction rounded down; the cases left over go to the parts
    with the largest remainders. A part of fraction 0 stays empty, except that training gets at
    least one case.

    Args:
        count: the number of cases, at least 1.
        fractions: those of training, validation and test data.

    Raises:
        ConfigError: the fractions sum neither to 1 nor, as percentages, to 100.

    Example:
        >>> part_sizes(1000, (0.7, 0.2, 0.1))
        (700, 200, 100)
        >>> part_sizes(4, (0.7, 0.2, 0.1))
        (3, 1, 0)
    """
    parts = as_fractions(list(fractions))
    if parts is None:
        raise ConfigError(f"split must be three fractions that sum to 1, found {fractions}")
    # Rounded, because 0.7 * 10 may be slightly below 7, and floor would then lose a case.
    shares = np.round(np.array(parts) * count, 6)
    sizes = np.floor(shares).astype(int)
    by_remainder = np.argsort(sizes - shares, kind="stable")
    sizes[by_remainder[: count - int(sizes.sum())]] += 1
    if sizes[0] == 0:
        sizes[np.argmax(sizes)] -= 1
        sizes[0] = 1
    train, validation, test = (int(size) for size in sizes)
    return train, validation, test


def split_cases(
    count: int,
    fractions: Sequence[float],
    rng: np.random.Generator,
    classes: Array | None = None,
) -> tuple[Array, Array, Array]:
    """The indices of the cases of each part, chosen at random and in random order.

    With ``classes`` the split is stratified: each part holds the classes in the proportion of
    the whole, and classes of equal size differ by at most one case in every part. The cases of
    each class are spread evenly over the interval 0..1, and each part takes a section of it.

    Args:
        count: the number of cases.
        fractions: those of training, validation and test data.
        rng: the random stream of the split.
        classes: the class number of every case, (count,); None for values.

    Returns:
        Three arrays of indices, in which every case occurs exactly once.

    Raises:
        ConfigError: as `part_sizes`.

    Example:
        >>> import numpy as np
        >>> parts = split_cases(10, (0.6, 0.4, 0), np.random.default_rng(0), np.arange(10) % 2)
        >>> [sorted((part % 2).tolist()) for part in parts]
        [[0, 0, 0, 1, 1, 1], [0, 0, 1, 1], []]
    """
    train, validation, _ = part_sizes(count, fractions)
    order = rng.permutation(count)
    if classes is not None:
        order = order[_spread(classes[order], rng)]
    first, second, third = np.split(order, [train, train + validation])
    return rng.permutation(first), rng.permutation(second), rng.permutation(third)


def split_groups(
    groups: Array, fractions: Sequence[float], rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """The indices of the cases of each part, with all cases of a group in the same part.

    The groups, in random order, go one after the other to the part that lacks most of its share.

    Args:
        groups: the number of each case's group, (count,).
        fractions: those of training, validation and test data.
        rng: the random stream of the split.

    Raises:
        ConfigError: there are fewer groups than parts that get cases.

    Example:
        >>> import numpy as np
        >>> groups = np.array([0, 0, 1, 1, 2, 2])
        >>> parts = split_groups(groups, (0.67, 0.33, 0), np.random.default_rng(0))
        >>> [len(set(groups[part])) for part in parts]
        [2, 1, 0]
    """
    shares = np.array(as_fractions(list(fractions)))
    _, sizes = np.unique(groups, return_counts=True)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    wanted = int((shares > 0).sum())
    if len(members) < wanted:
        raise ConfigError(f"{len(members)} groups cannot be divided among {wanted} parts")
    lacking = shares * len(groups)
    parts: list[list[Array]] = [[], [], []]
    for k, number in enumerate(rng.permutation(len(members))):
        empty = np.array([not cases for cases in parts]) & (shares > 0)
        # No part stays empty: the last groups go to those that have none yet.
        may_take = empty if empty.sum() >= len(members) - k else shares > 0
        part = int(np.argmax(np.where(may_take, lacking, -np.inf)))
        parts[part].append(members[number])
        lacking[part] -= len(members[number])
    none = np.empty(0, dtype=np.intp)
    first, second, third = (rng.permutation(np.concatenate([none, *part])) for part in parts)
    return first, second, third


def split_in_order(order: Array, fractions: Sequence[float]) -> tuple[Array, Array, Array]:
    """The indices of the cases of each part: the first to train, the last to test.

    Args:
        order: the indices of all cases in order, (count,).
        fractions: those of training, validation and test data.

    Example:
        >>> import numpy as np
        >>> [part.tolist() for part in split_in_order(np.array([2, 0, 1, 3]), (0.5, 0.25, 0.25))]
        [[2, 0], [1], [3]]
    """
    train, validation, _ = part_sizes(len(order), fractions)
    first, second, third = np.split(order, [train, train + validation])
    return first, second, third


def _spread(classes: Array, rng: np.random.Generator) -> Array:
    """The indices that sort the cases by (rank in their class + ½) / (size of their class).

    Ties, as between classes of the same size, follow one random order of the classes.
    """
    labels, number, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    by_class = np.argsort(number, kind="stable")
    rank = np.empty(len(classes))
    rank[by_class] = np.arange(len(classes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    turn = rng.permutation(len(labels))
    return np.lexsort((turn[number], (rank + 0.5) / sizes[number]))

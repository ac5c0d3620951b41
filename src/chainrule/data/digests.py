"""A digest of every case, by which a run knows its cases again in data that have changed.

A run keeps the digests of the cases that it was trained, validated and tested on. When its data
are read again, each case goes to the part that it was in, wherever it now stands, so that a
network is never tested on a case that it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.core.arrays import Array
from chainrule.data.dataset import Dataset, DataSplit, Digests

_AT_A_TIME = 2**15
"""How many numbers are mixed at once; they fit into a processor's cache."""

_MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)
"""Odd, so that multiplying by it loses nothing; with bits as irregular as those of noise."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio: its multiples are spread evenly over the 64-bit numbers."""

_HALF = np.uint64(32)


def case_digests(x: Array, t: Array) -> Array:
    """A number of 64 bits for each case, from its inputs and its target.

    With the numbers of a case as v₁, v₂, ... in float64, inputs first, it is the sum modulo 2⁶⁴

        Σ cₖ · mixed(bits of vₖ)

    where the cₖ are fixed odd numbers and ``mixed`` is one-to-one, so that a change of a single
    number always changes the digest. Two different cases have the same digest with a probability
    of about 2⁻⁶⁰. The type in which a number is held makes no difference, nor does the sign of
    zero; every NaN counts as the same.

    Args:
        x: inputs, (cases, ...).
        t: targets, (cases, ...).

    Returns:
        (cases,) uint64.

    Example:
        >>> x, t = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]), np.array([0, 0, 0])
        >>> first, second, third = case_digests(x, t)
        >>> bool(first == third), bool(first == second)
        (True, False)
    """
    digests = _sums(x, 0)
    digests += _sums(t, first=x[:1].size)
    return digests


def _sums(values: Array, first: int) -> Array:
    """The terms of `case_digests` for the numbers of all cases from k = ``first`` on, added."""
    width = values[:1].size
    factors = _factors(first, width)
    sums: Array = np.zeros(len(values), np.uint64)
    for rows in _blocks(len(values), width):
        block = values[rows].reshape(-1, width)
        numbers = np.add(block, 0.0, dtype=np.float64)  # which turns −0 into 0
        np.copyto(numbers, np.nan, where=np.isnan(numbers))
        np.einsum("ij,j->i", _mixed(numbers.view(np.uint64)), factors, out=sums[rows])
    return sums


def _blocks(count: int, width: int) -> Iterator[slice]:
    """Slices of cases, with about `_AT_A_TIME` numbers in each; none if a case has no numbers."""
    rows = max(1, _AT_A_TIME // max(1, width))
    return (slice(start, start + rows) for start in range(0, count if width else 0, rows))


def _factors(first: int, count: int) -> Array:
    """The factors of the numbers from k = ``first`` on, (count,)."""
    numbers = np.arange(first + 1, first + count + 1, dtype=np.uint64) * _GOLDEN
    return _mixed(_mixed(numbers)) | np.uint64(1)


def _mixed(words: Array) -> Array:
    """The words with every bit spread over all of a word; changed in place, without any loss.

    Small whole numbers in float64 differ in their upper bits alone, and a multiplication carries
    only upwards; so the upper half is added to the lower one before and after it.
    """
    words ^= words >> _HALF
    words *= _MULTIPLIER
    words ^= words >> _HALF
    return words


def with_digests(data: DataSplit) -> DataSplit:
    """The same data with the digests of their cases, which must not be standardised yet."""
    train, validation, test = (case_digests(part.x, part.t) for part in data)
    return replace(data, digests=(train, validation, test))


def as_trained(data: DataSplit, kept: Digests) -> DataSplit:
    """Data that were read again, with every case in the part that it was in.

    Of several equal cases as many are taken as there were. The cases of each part stand in the
    order that they had; new cases are left out.

    Args:
        data: with digests.
        kept: the digests of the run.

    Returns:
        ``data`` itself if all cases are the same and stand in the same order; otherwise the cases
        that are left, with a note on what has changed.
    """
    assert data.digests is not None, "only data with digests can be compared"
    if all(map(np.array_equal, data.digests, kept)):
        return data
    found = np.concatenate(data.digests)
    ends = np.cumsum([len(part) for part in kept])[:-1]
    places = np.split(_places(np.concatenate(kept), found), ends)
    left = [part[part >= 0] for part in places]
    train, validation, test = (_gathered([*data], cases) for cases in left)
    first, second, third = (found[cases] for cases in left)
    note = _what_has_changed(np.delete(found, np.concatenate(left)), places, kept)
    return replace(
        data,
        train=train,
        validation=validation,
        test=test,
        digests=(first, second, third),
        notes=(*data.notes, note),
    )


def _places(wanted: Array, found: Array) -> Array:
    """For each of ``wanted`` the index of its equal in ``found``; −1 where there is none.

    No index occurs twice: the first of several equal ones gets the first of its equals.
    """
    order, by_value = (np.argsort(a, kind="stable") for a in (wanted, found))
    wanted, found = wanted[order], found[by_value]
    rank = np.arange(len(wanted)) - np.searchsorted(wanted, wanted)
    place = np.searchsorted(found, wanted) + rank
    there = place < np.searchsorted(found, wanted, side="right")
    places: Array = np.full(len(wanted), -1, dtype=np.intp)
    places[order[there]] = by_value[place[there]]
    return places


def _gathered(parts: Sequence[Dataset], cases: Array) -> Dataset:
    """The cases with the given indices into all parts, one after the other, as one data set."""
    x, t = _taken([part.x for part in parts], cases), _taken([part.t for part in parts], cases)
    if all(part.weights is None for part in parts):
        return Dataset(x, t)
    ones = (np.ones(len(part)) if part.weights is None else part.weights for part in parts)
    return Dataset(x, t, _taken([*ones], cases))


def _taken(arrays: Sequence[Array], cases: Array) -> Array:
    """The entries with the given indices into all arrays, without a copy of the others."""
    taken = np.empty((len(cases), *arrays[0].shape[1:]), np.result_type(*arrays))
    start = 0
    for array in arrays:
        here = (cases >= start) & (cases < start + len(array))
        taken[here] = array[cases[here] - start]
        start += len(array)
    return taken


def _what_has_changed(others: Array, places: Sequence[Array], kept: Digests) -> str:
    """A sentence on how data differ from those of the training.

    Args:
        others: the digests of the cases that belong to no part.
        places: for each case of each part where it is found; −1 where it is gone.
        kept: the digests of the run.
    """
    gone = [int((part < 0).sum()) for part in places]
    if not len(others) and not any(gone):
        order = "the cases stand in another order than at training"
        return f"{order}; each is taken for the part that it was in"
    copies = int(np.isin(others, np.concatenate(kept)).sum())
    new = len(others) - copies
    what = [f"{new:,} {_are(new)} new and left out" if new else "none is new"]
    if copies:
        what.append("1 is a copy" if copies == 1 else f"{copies:,} are copies")
        what[-1] += " and left out"
    lost = [
        f"{number:,} of {part}"
        for number, part in zip(gone, ("training", "validation", "test"), strict=True)
        if number
    ]
    if lost:
        listed = ", ".join(lost[:-1]) + " and " * (len(lost) > 1) + lost[-1]
        what.append(f"{listed} {_are(sum(gone))} gone")
    count = sum(map(len, places)) - sum(gone) + len(others)
    cases = f"{count:,} case{'s' * (count != 1)}"
    return f"the data have changed since training: of {cases} {', '.join(what)}"


def known_cases(x: Array, t: Array, kept: Digests) -> str | None:
    """A sentence if cases are among those that a run was trained or validated on; otherwise None.

    Args:
        x: inputs as `DataSplit` holds them before they are standardised.
        t: targets as `DataSplit` holds them.
        kept: the digests of the run.
    """
    found = case_digests(x, t)
    trained = np.isin(found, kept[0])
    validated = np.isin(found, kept[1]) & ~trained
    counts = [
        f"{number:,} {_were(number)} {what}"
        for number, what in (
            (int(trained.sum()), "trained on"),
            (int(validated.sum()), "validated on"),
        )
        if number
    ]
    if not counts:
        return None
    known = " and ".join(counts)
    return f"of the {len(found):,} cases {known}; a score on these says little about new cases"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"

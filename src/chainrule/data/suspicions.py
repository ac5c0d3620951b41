"""What is doubtful about data: suspicions, each one sentence with the setting that settles it.

What a default would certainly get wrong is refused or put right where it is decided. A suspicion
may be unfounded, so it is only said, once, before training begins. Those about the columns of a
table are in `chainrule.data.tables.suspicions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import shown
from chainrule.core.notation import input_name
from chainrule.data.dataset import DataSplit, class_counts

MOST_NAMED = 5
"""A sentence names at most this many classes or columns, and counts the others."""

SAMPLE = 2000
"""How many cases, evenly spaced, are looked at where a look at all of them would take long."""

LARGEST = 30.0
"""Inputs whose root mean square is larger are far from 1."""

SMALLEST = 0.01
"""Inputs are far from 1 if the root mean square of every one of them is smaller."""

MOST_REPEATED = 0.05
"""The fraction of validation and test cases that may be in the training data without a word."""

FEWEST_DIFFERENT = 100
"""Among fewer different cases it is natural that some repeat."""

LARGEST_IMAGE = 128 * 128
"""Images of more pixels are told, because photographs are seldom meant to be learnt whole."""

_BITS = 24
"""By so many first bits of their digests cases are compared before they are compared in full."""

IMBALANCE = 10
"""Of two classes, one this many times as frequent as the other is worth a word."""


class Rank(IntEnum):
    """How bad it is if a suspicion is true; the worst is said first."""

    SCORES_MISLEAD = 0
    SOMETHING_IS_NOT_LEARNT = 1
    LEARNING_IS_WORSE = 2
    TO_KNOW = 3


class Suspicion(NamedTuple):
    """A doubt about data.

    Attributes:
        rank: how bad it is.
        text: one sentence, which names the setting that settles it.
    """

    rank: Rank
    text: str


def in_order(found: Iterable[Suspicion]) -> tuple[str, ...]:
    """The sentences, the worst first."""
    return tuple(each.text for each in sorted(found, key=lambda each: each.rank))


def sample_of(count: int) -> Array:
    """The indices of at most `SAMPLE` of ``count`` cases, evenly spaced and ascending."""
    return np.unique(np.linspace(0, count - 1, min(count, SAMPLE)).astype(np.intp))


def named(names: Sequence[str]) -> str:
    """Names for a sentence; of many, the first ones and how many more there are.

    Example:
        >>> named(["a", "b"]), named([str(k) for k in range(9)])
        ('a, b', '0, 1, 2, 3, 4 and 4 more')
    """
    words = [shown(name, 40)[1:-1] for name in names[:MOST_NAMED]]
    more = len(names) - len(words)
    return ", ".join(words) + (f" and {more} more" if more else "")


def suspicions_of_data(data: DataSplit, settings: Mapping[str, Any]) -> Iterator[Suspicion]:
    """The doubts about the parts of a data set: their classes and the size of the inputs.

    Args:
        data: split, and scaled if the settings say so.
        settings: the ``data`` mapping of the configuration.
    """
    if data.classes is not None:
        yield from _of_classes(data, data.classes)
    if "group" not in settings:  # cases of two groups are alike by chance
        yield from _of_repeated_cases(data)
    if data.image_shape is not None and "folder" in settings and "size" not in settings:
        yield from _of_size(data.image_shape)
    if data.sequence_shape is None and len(data.train):
        yield from _of_inputs(data, settings)


def are_large(image_shape: Sequence[int]) -> bool:
    """Whether images have more pixels than a small network learns well from."""
    return prod(side for side in image_shape if side > 3) > LARGEST_IMAGE


def _of_size(image_shape: Sequence[int]) -> Iterator[Suspicion]:
    """Photographs that are taken in their full size."""
    if are_large(image_shape):
        yield Suspicion(
            Rank.LEARNING_IS_WORSE,
            f"an image has {prod(image_shape):,} numbers, all of them inputs; size: 32 makes "
            "small images of these, which are learnt faster and often better",
        )


def _of_classes(data: DataSplit, classes: Sequence[str]) -> Iterator[Suspicion]:
    """Classes that a part lacks, and classes of very different frequency."""
    train, validation, test = (class_counts(part.t, len(classes)) for part in data)
    elsewhere = validation + test
    untrained = [k for k in range(len(classes)) if not train[k]]
    unknown = [k for k in untrained if elsewhere[k]]
    if unknown:
        others = int(elsewhere[unknown].sum())
        yield Suspicion(
            Rank.SCORES_MISLEAD,
            f"no training case of {_classes(classes, unknown)}, but {others:,} validation and "
            "test cases, none of which can be right; add such cases to the training data, or "
            "divide the cases anew by another seed: or split:",
        )
    nowhere = [k for k in untrained if not elsewhere[k]]
    if nowhere and len(nowhere) < len(classes):
        yield Suspicion(
            Rank.SOMETHING_IS_NOT_LEARNT,
            f"no case at all of {_classes(classes, nowhere)}, for which the network has outputs; "
            "classes: with a list of those that there are leaves them out",
        )
    if (train > 0).sum() == 1 and len(data.train) > 1:
        yield Suspicion(
            Rank.SCORES_MISLEAD,
            f"all {len(data.train):,} training cases are of "
            f"{_classes(classes, np.flatnonzero(train))}, so there is nothing to tell apart; "
            "another split: or seed: divides the cases anew",
        )
        return
    if data.has_targets_of_steps or not train.any():
        return
    yield from _rare(train, validation, test, classes)
    yield from _of_balance(train, classes)


def _rare(train: Array, validation: Array, test: Array, classes: Sequence[str]) -> Any:
    """Classes with one training case, and classes that a part does not judge."""
    single = np.flatnonzero(train == 1)
    if len(single) and train.sum() >= 5 * len(classes):
        yield Suspicion(
            Rank.SOMETHING_IS_NOT_LEARNT,
            f"one training case only of {_classes(classes, single)}; a larger first part of "
            "split:, or more cases, may help",
        )
    for name, counts in (("validation", validation), ("test", test)):
        absent = np.flatnonzero((train > 0) & (counts == 0))
        if counts.any() and len(absent):
            yield Suspicion(
                Rank.LEARNING_IS_WORSE,
                f"no {name} case of {_classes(classes, absent)}, so the {name} score says nothing "
                f"of it; a larger part in split:, or more cases, would",
            )


def _of_balance(train: Array, classes: Sequence[str]) -> Iterator[Suspicion]:
    """One class so frequent that always guessing it scores well."""
    most = int(train.argmax())
    others = train.sum() - train[most]
    if others and train[most] >= IMBALANCE * others:
        share = train[most] / train.sum()
        yield Suspicion(
            Rank.SCORES_MISLEAD,
            f"{int(train[most]):,} of {int(train.sum()):,} training cases are of "
            f"{_classes(classes, [most])}: always guessing it is right in {share:.1%}, so compare "
            "the accuracy with that; weight: names a column that gives rare cases more weight",
        )


def _of_repeated_cases(data: DataSplit) -> Iterator[Suspicion]:
    """Cases of validation and test that are in the training data as well.

    Where few different cases are possible, as in a table of truth values, cases repeat by nature.
    """
    if data.digests is None or not len(data.digests[0]):
        return
    train, others = data.digests[0], np.concatenate(data.digests[1:])
    if len(np.unique(train[sample_of(len(train))])) < FEWEST_DIFFERENT:
        return
    is_marked: Array = np.zeros(2**_BITS, dtype=bool)
    is_marked[train >> np.uint64(64 - _BITS)] = True  # few others have the same first bits
    likely = others[is_marked[others >> np.uint64(64 - _BITS)]]
    repeated = (
        int(np.isin(likely, train).sum()) if len(likely) > MOST_REPEATED * len(others) else 0
    )
    if repeated > MOST_REPEATED * len(others):
        yield Suspicion(
            Rank.SCORES_MISLEAD,
            f"{repeated:,} of {len(others):,} validation and test cases are in the training data "
            "as well, number for number, so their scores say less of new cases; leave out what is "
            "there twice, or group: names a column whose cases stay together",
        )


def _classes(names: Sequence[str], which: Iterable[int]) -> str:
    chosen = [names[k] for k in which]
    return f"the class{'es' * (len(chosen) > 1)} {named(chosen)}"


def _of_inputs(data: DataSplit, settings: Mapping[str, Any]) -> Iterator[Suspicion]:
    """Inputs far from 1 that are not standardised."""
    if settings.get("standardize") is True or not data.train.x.size:
        return
    x = data.train.x[sample_of(len(data.train))].reshape(-1, data.train.x[0].size)
    with np.errstate(over="ignore"):
        size = np.sqrt(np.mean(np.square(x, dtype=np.float64), axis=0))
    largest = int(size.argmax())
    if LARGEST < size[largest] < np.inf:
        which = f"the input {shown(input_name(largest, data.feature_names), 40)[1:-1]}"
        yield Suspicion(
            Rank.LEARNING_IS_WORSE,
            f"{which} is about {size[largest]:,.3g} in size, and a network learns badly from "
            "numbers far from 1; standardize: true brings every input to deviation 1",
        )
    elif 0 < size[largest] < SMALLEST:
        yield Suspicion(
            Rank.LEARNING_IS_WORSE,
            f"all inputs are smaller than about {size[largest]:.3g}, and a network learns badly "
            "from numbers far from 1; standardize: true brings every input to deviation 1",
        )

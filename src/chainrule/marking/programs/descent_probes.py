"""The data sets on which a training program is run, small ones that tell its bugs apart.

All of them are made here. The sizes are such that an error is a decimal fraction that ends early,
so that a program may print it with two digits or with twelve.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Case, Probe

CLASSES = 10
FLIPPED = 0.1
"""The share of inputs that are turned over where the classes are told apart by their number."""


def probes() -> Iterator[Probe]:
    """All probes, the cheapest first."""
    yield Probe("rate 0", "nothing is learnt: all classes are equally likely", (_rate_0(),))
    yield Probe("one step", "one step of one case: the forward pass and β", (_one_case(1),))
    yield Probe("one case", "steps of one case, without any order or mean", (_one_case(3),))
    yield Probe("order", "four cases, whose order shows in the result", (_order(),))
    yield Probe("copies", "five times the same case, so that the order is none", (_copies(),))
    yield Probe("epochs", "three epochs over twenty cases", (_epochs(),))
    yield Probe("told apart", "classes that the network learns to tell apart", (_told_apart(),))
    yield Probe("square", "as many hidden units as classes and inputs with the bias", (_square(),))
    yield Probe("letters", "as wide as letters of 16 × 8 points", (_letters(),))
    yield Probe("few classes", "classes that the training data lack", (_few_classes(),))
    yield Probe("grey", "values between 0 and 1", (_grey(),))
    yield Probe("zero start", "two cases, both of which ZERO takes for the same", (_zero_start(),))
    yield Probe("random start", "draws of many weights", tuple(_random_starts()))


def _run(
    train: Array, validation: Array, epochs: int, hidden: int, rate: float, init: int = 2
) -> Case:
    return {
        "train": train,
        "validation": validation,
        "epochs": epochs,
        "hidden": hidden,
        "init": init,
        "rate": rate,
    }


def _cases(seed: int, labels: list[int], inputs: int, grey: bool = False) -> Array:
    """Cases whose class is to be seen in their inputs, with some noise."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(inputs).random((CLASSES, inputs))
    noisy = centres[labels] + rng.normal(0.0, 0.3, (len(labels), inputs))
    values = np.clip(noisy, 0.0, 1.0).round(3) if grey else (noisy > 0.5).astype(float)
    return np.hstack([np.array(labels, float)[:, None], values])


def _mixed(seed: int, cases: int) -> list[int]:
    """Labels in a mixed order: each once, and then some more often than others.

    Were all as frequent, a step for all cases at once would leave every class as likely as the
    others but for rounding, and the predicted labels to chance.
    """
    rng = np.random.default_rng(seed)
    often = rng.permutation(np.arange(CLASSES) ** 2.0)
    more = rng.choice(CLASSES, max(0, cases - CLASSES), p=often / often.sum())
    return [int(label) for label in rng.permutation([*range(CLASSES), *more])[:cases]]


def _one_case(epochs: int) -> Case:
    validation = np.array([[7.0, 0, 1, 1, 0], [3, 1, 1, 0, 0]])
    return _run(np.array([[3.0, 1, 0, 1, 1]]), validation, epochs, 2, 0.5)


def _rate_0() -> Case:
    return _run(_cases(1, _mixed(1, 20), 5), _cases(2, _mixed(2, 10)[:5], 5), 2, 3, 0.0)


def _order() -> Case:
    return _run(_cases(3, [4, 1, 8, 2], 6), _cases(4, [1, 8, 4, 2, 2], 6), 1, 3, 0.8)


def _copies() -> Case:
    train = np.repeat(np.array([[6.0, 0, 1, 1]]), 5, axis=0)
    return _run(train, np.array([[6.0, 1, 1, 0], [2, 0, 1, 1]]), 2, 4, 0.3)


def _epochs() -> Case:
    return _run(_cases(5, _mixed(5, 20), 12), _cases(6, _mixed(6, 10), 12), 3, 5, 0.4)


def _told_apart() -> Case:
    """Classes that differ by how many ones they have.

    From zeros all hidden units are alike, but these classes are told apart all the same: three
    labels are predicted, and some cases wrongly.
    """
    train = _levels([2, 5, 7, 7, 2, 5, 5, 7, 2, 2, 7, 5, 7, 5, 2, 7, 2, 5, 2, 7], 12)
    validation = _levels([5, 7, 2, 5, 5, 2, 7, 5, 2, 5], 7)
    return _run(train, validation, 6, 4, 1.5)


def _levels(labels: list[int], seed: int) -> Array:
    """Cases of class 7, 2 and 5 with none, half and all of their eight inputs 1, but for some."""
    rng = np.random.default_rng(seed)
    ones = np.array([{7: 0, 2: 4, 5: 8}[label] for label in labels])
    values = np.arange(8) < ones[:, None]
    values ^= rng.random(values.shape) < FLIPPED
    return np.hstack([np.array(labels, float)[:, None], values])


def _square() -> Case:
    return _run(_cases(7, _mixed(7, 20), 9), _cases(8, _mixed(8, 10), 9), 2, CLASSES, 0.6)


def _letters() -> Case:
    return _run(_cases(13, _mixed(13, 10), 128), _cases(14, _mixed(14, 5), 128), 2, 4, 0.1)


def _few_classes() -> Case:
    return _run(_cases(9, [5, 0, 2, 5, 2], 7), _cases(10, [2, 5, 0, 9], 7), 2, 3, 0.5)


def _grey() -> Case:
    train, validation = _cases(11, _mixed(11, 25), 16, True), _cases(12, _mixed(12, 20), 16, True)
    return _run(train, validation, 4, 6, 0.3)


def _zero_start() -> Case:
    return _run(np.array([[0.0, 0, 0, 0]]), np.array([[1.0, 1, 1, 1]]), 1, 8, 0.0)


RANDOM_RUNS = ((300, 60), (260, 60), (320, 60), (1, 4), (1, 4), (1, 4))
"""The hidden units and inputs of the runs from RANDOM: many weights for their range, and one
hidden unit for the biases, which are as large as the rest there."""


def _random_starts() -> Iterator[Case]:
    labels = np.arange(CLASSES, dtype=float)[:, None]
    for k, (hidden, inputs) in enumerate(((4, 60), *RANDOM_RUNS)):
        train = np.hstack([labels, np.zeros((CLASSES, inputs))])
        validation = np.hstack([labels, np.ones((CLASSES, inputs))])
        yield _run(train, validation, 1, hidden, 0.0, 1 if k else 2)

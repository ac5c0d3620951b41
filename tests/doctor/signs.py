"""What shows by measurement that a planted illness makes a training ill."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

import chainrule
from doctor.patients import diverged, quality

Sign = Callable[[chainrule.Run, chainrule.Run], bool]
"""Whether an ill run is ill beside the same run without the cause, which is well."""


def learns_less(ill: chainrule.Run, well: chainrule.Run) -> bool:
    """The test cases are judged clearly worse, or training broke off."""
    worse = quality(ill) <= quality(well) - 0.15 or diverged(ill)
    return quality(well) >= 0.4 and worse


def explodes(ill: chainrule.Run, well: chainrule.Run) -> bool:
    """The loss begins ten times as high, or is not finite."""
    first = (ill.history["train_loss"] or [np.inf])[0]
    high = first is None or not first < 10 * well.history["train_loss"][0]
    return quality(well) >= 0.4 and (high or diverged(ill))


def learns_by_heart(ill: chainrule.Run, well: chainrule.Run) -> bool:
    """Training cases are judged well, validation cases far worse and ever worse."""
    gaps = [quality(run, "train") - quality(run, "validation") for run in (ill, well)]
    losses = ill.history["validation_loss"]
    return gaps[0] >= 0.3 and gaps[0] >= gaps[1] + 0.15 and losses[-1] > 1.2 * min(losses)


def is_told(ill: chainrule.Run, well: chainrule.Run) -> bool:
    """With the column nearly all is right, without it much less."""
    return quality(ill) >= 0.85 and quality(well) <= quality(ill) - 0.15


def lacks_classes(ill: chainrule.Run, well: chainrule.Run) -> bool:
    """Of the values of the labels some are not in the training data."""
    (more, fewer) = (len(np.unique(run.data.train.t)) for run in (well, ill))
    return fewer < more and learns_less(ill, well)


def guesses(ill: chainrule.Run, well: chainrule.Run) -> bool:
    """Validation cases, whose labels were shuffled too, are not judged better than by chance."""
    return quality(well, "validation") >= 0.5 and quality(ill, "validation") <= 0.15


def breaks_off(ill: chainrule.Run, well: chainrule.Run) -> bool:
    """Training ended with a number that is not finite."""
    return diverged(ill) and quality(well) >= 0.5


SIGNS: Mapping[str, Sign] = {
    "exploding_gradients": explodes,
    "overfitting": learns_by_heart,
    "leaking_feature": is_told,
    "absent_class": lacks_classes,
    "constant_labels": lacks_classes,
    "shuffled_labels": guesses,
    "not_finite": breaks_off,
}
"""By illness its sign; for all others `learns_less`."""

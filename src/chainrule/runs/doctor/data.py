"""Illnesses of the data: their targets, their classes, their scale."""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from math import sqrt

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import shown
from chainrule.core.notation import input_name
from chainrule.core.sequences import are_sequences, target_rows
from chainrule.data.suspicions import named
from chainrule.data.target_scaling import is_far_from_1
from chainrule.runs.doctor.diagnosis import Finding
from chainrule.runs.doctor.patient import Patient
from chainrule.runs.doctor.skill import chance_of, percent
from chainrule.training.metrics import true_classes

LARGE, SMALL = 10.0, 0.02
"""Inputs whose root mean square is larger, or whose deviations are smaller, are far from 1."""

UNLIKE = 100.0
"""Inputs are of unlike scales where one deviation is this many times the median deviation."""

GIVEN_AWAY = 0.995
"""An input gives a class away if its value alone names so many cases' classes rightly."""

UNEQUAL, NAMED, LEAST_OF_A_CLASS = 4, 0.5, 3
"""A class is rare if another has so many times its cases; it suffers if less than this share of
its cases is named rightly; and of fewer cases nothing is said."""

MISLEADS, WORSE = 10, 0.1
"""Where a class has so many times the cases of another, of which so much less is named rightly
than of all, the accuracy misleads."""

FEW_HELD_OUT = 40
"""Of fewer cases held out, chance alone may be what a network scores."""

FEW_WITHOUT, KNOWS = 100, 0.95
"""Without cases held out, nothing is said of fewer training cases, nor of a network that has
learnt more of them than this share of the way from chance to perfect."""

NO_SIGNAL = 2.5
"""Models that are fewer standard errors from knowing nothing know nothing."""

CLEARLY = 0.9
"""But not if the second best input names more than this share rightly."""

REST = 0.05
"""Nor do others matter if the input leaves at most this share of what the next best leaves."""

MOSTLY, LITTLE = 0.965, 0.75
"""The same of categories, and of numbers with few values, which seldom are so good alone."""

EXPLAINED, GIVEN_BY_A_CURVE = 0.999, 0.985
"""An input gives a value away if it alone explains it so well; less will do where no other input
explains much."""


def constant_labels(patient: Patient) -> Iterator[Finding]:
    """All training targets are equal."""
    t = target_rows(patient.train.t)
    if len(t) < 2:
        return
    if patient.kind.classes:
        found = np.unique(true_classes(t))
        if len(found) > 1:
            return
        name = _class(patient, int(found[0]))
        evidence = f"all {len(t):,} training cases are of class {name}"
    elif (t == t[0]).all():
        evidence = f"all {len(t):,} training cases have the target {_values(t[0])}"
    else:
        return
    yield Finding(
        "constant_labels",
        None,
        f"{evidence}: there is nothing to tell apart",
        "certain",
        "look at the column that data.label names, and at how the cases were divided (data.split)",
    )


def _values(row: Array) -> str:
    return ", ".join(f"{v:.4g}" for v in np.atleast_1d(row)[:5])


def _class(patient: Patient, k: int) -> str:
    names = patient.data.classes
    return shown(names[k], 40)[1:-1] if names and k < len(names) else str(k)


def absent_class(patient: Patient) -> Iterator[Finding]:
    """A class that the network has an output for has no training case."""
    names = patient.data.classes
    if names is None or not patient.kind.classes:
        return
    counts = [_counts(part.t, len(names)) for part in patient.data]
    absent = [k for k in range(len(names)) if not counts[0][k]]
    if not absent or (counts[0] > 0).sum() < 2:
        return
    others = int(sum(c[absent].sum() for c in counts[1:]))
    words = named([names[k] for k in absent])
    where = f"{others:,} validation and test cases are of it" if others else "nor any other case"
    yield Finding(
        "absent_class",
        None,
        f"no training case of {'class' if len(absent) == 1 else 'classes'} {words}, {where}",
        "certain",
        "add such cases to the training data, or divide the cases anew by another "
        "training.seed or data.split"
        if others
        else "leave it out of data.classes, or add cases of it",
    )


def _counts(t: Array, classes: int) -> Array:
    if not len(t):
        return np.zeros(classes, int)
    rows = target_rows(t)
    return np.bincount(true_classes(rows).astype(np.intp), minlength=classes)


def leaking_feature(patient: Patient) -> Iterator[Finding]:
    """The value of one input alone gives the target."""
    x, t = patient.train.x.reshape(len(patient.train), -1), patient.train.t
    if patient.network.reads_sequences or are_sequences(t) or len(t) < 30 or patient.quick:
        return
    groups = _groups(patient, x.shape[1])
    if len(groups) < 3 or patient.kind.multi_label:
        return
    if patient.kind.classes:
        t = true_classes(t)
    elif t.ndim > 1 and t.shape[1] > 1:
        return
    scores = np.array([_alone(x[:, columns], t, patient) for columns in groups.values()])
    numbers = [
        k
        for k, columns in enumerate(groups.values())
        if patient.kind.classes and scores[k] == 1 and _has_a_value_a_class(patient, x[:, columns])
    ]
    best = numbers[0] if numbers else int(scores.argmax())
    others = np.delete(scores, best)
    column = x[:, [*groups.values()][best]]
    if not numbers and not _gives_away(patient, column, scores[best], others.max()):
        return
    name = [*groups][best]
    alone = (
        f"names the class of {percent(scores[best])} of the training cases rightly"
        if patient.kind.classes
        else f"explains the target with an R² of {scores[best]:.4f}"
    )
    yield Finding(
        "leaking_feature",
        None,
        f"the input {shown(name, 40)[1:-1]} alone {alone}, the next best input alone "
        f"{patient.figure(float(others.max()))}",
        "likely",
        f"leave {shown(name, 40)[1:-1]} out if it is not known before the answer is (data.drop), "
        "and compare",
        (f"data.drop={dumps([name], ensure_ascii=False)}",) if patient.data.encoding else (),
    )


def _gives_away(patient: Patient, x: Array, score: float, next_best: float) -> bool:
    """Whether one input alone is so good, and the next best so bad, that it gives the target away.

    Args:
        patient: whose input it is.
        x: the input, or the inputs that one column of a table became, (cases, inputs).
        score: the share of right classes, or R², of that input alone.
        next_best: the same of the next best input.
    """
    if score >= (GIVEN_AWAY if patient.kind.classes else EXPLAINED):
        return next_best <= CLEARLY
    if not patient.kind.classes:
        leaves_little = 1 - score <= REST * (1 - next_best)
        return score >= GIVEN_BY_A_CURVE and (next_best <= LITTLE or leaves_little)
    return _has_few_values(x) and score >= MOSTLY and next_best <= LITTLE


def _has_a_value_a_class(patient: Patient, x: Array) -> bool:
    """Whether an input has as many values as there are classes, so that it may be their number."""
    classes = int((patient.counts > 0).sum())
    return x.shape[1] == 1 and len(np.unique(x[:, 0])) == classes


def _groups(patient: Patient, inputs: int) -> dict[str, list[int]]:
    """The inputs by name, those that one column of a table became together."""
    names = patient.data.feature_names
    if names is None or len(names) != inputs:
        return {input_name(k): [k] for k in range(inputs)}
    found: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        found.setdefault(name.partition("=")[0], []).append(k)
    return found


def _alone(x: Array, t: Array, patient: Patient) -> float:
    """How well some inputs alone give the target: the share of right classes, or R²."""
    if not patient.kind.classes:
        y = t.reshape(len(t), -1)[:, 0].astype(np.float64)
        deviation = x[:, 0].std()
        if not deviation > 0 or not y.std() > 0:
            return 0.0
        straight = float(np.corrcoef(x[:, 0].astype(np.float64), y)[0, 1] ** 2)
        return max(straight, _by_ranks(x[:, 0], y))
    if x.shape[1] > 1:
        return _by_value(x.argmax(axis=1), t)
    if _has_few_values(x):
        return _by_value(np.unique(x[:, 0], return_inverse=True)[1], t)
    order = np.argsort(x[:, 0], kind="stable")
    changes = int(np.count_nonzero(np.diff(t[order])))
    return 1 - max(0, changes - len(np.unique(t)) + 1) / len(t)


def _by_ranks(x: Array, y: Array) -> float:
    """The squared correlation of the ranks: 1 where one always rises, or falls, with the other."""
    first, second = (np.unique(each, return_inverse=True)[1] for each in (x, y))
    return float(np.corrcoef(first.astype(float), second.astype(float))[0, 1] ** 2)


def _has_few_values(x: Array) -> bool:
    """Whether inputs of one column are categories, or a number that has few values."""
    return x.shape[1] > 1 or len(np.unique(x[:, 0])) <= max(10, len(x) // 20)


def _by_value(codes: Array, t: Array) -> float:
    """The share of cases that are of the commonest class of their value."""
    table = np.zeros((int(codes.max()) + 1, int(t.max()) + 1), int)
    np.add.at(table, (codes, t.astype(np.intp)), 1)
    return float(table.max(axis=1).sum() / len(t))


def shuffled_labels(patient: Patient) -> Iterator[Finding]:
    """Neither the network nor a simple model finds anything on cases held out."""
    reference, held = patient.reference, patient.held_out_skill
    if not reference.can_tell or reference.cases < 40 or reference.finds_something:
        return
    if patient.diverged or patient.has("class_imbalance", "not_finite"):
        return
    if held is None:
        yield from _shuffled_with_none_held_out(patient)
        return
    chance, error = 0.0, 0.1
    if not patient.is_values:
        chance = max(patient.chance, chance_of(patient.held_out.t, patient.kind))
        error = 1 / sqrt(len(patient.held_out))
    if held > chance + error or patient.best_held_out > chance + 1.5 * error:
        return
    if patient.quick and patient.skill < chance + error:  # others may see what these do not
        return
    limit = chance + (error if patient.is_values else reference.error)
    sure = reference.signal < NO_SIGNAL and reference.best <= limit
    sure = sure or (held <= chance + error / 2 and len(patient.held_out) >= FEW_HELD_OUT)
    part = "validation" if patient.validates else "test"
    yield Finding(
        "shuffled_labels",
        None,
        f"the {part} {patient.measure} is {patient.figure(held)}, no better than chance, "
        f"{patient.figure(chance)}, while the training {patient.measure} is "
        f"{patient.figure(patient.skill)}; on cases held out others find nothing either: "
        f"{_others(patient)}",
        "likely" if sure else "possible",
        COMPARE,
    )


COMPARE = (
    "compare some cases with their labels in the source: rows of inputs and of labels may have "
    "been put in different orders (data.file, data.label)"
)


def _others(patient: Patient) -> str:
    """What simple models reach."""
    skills = patient.reference.skills.items()
    return ", ".join(f"{name} {patient.figure(skill)}" for name, skill in skills)


def _shuffled_with_none_held_out(patient: Patient) -> Iterator[Finding]:
    """Simple models, fitted on a part of many cases, find nothing of the others.

    Nothing is said of a network that knows its cases nearly by heart: there may be a rule that
    simple models cannot find.
    """
    reference, chance = patient.reference, patient.chance
    knows = chance + KNOWS * (1 - chance)
    if patient.quick or reference.cases < FEW_WITHOUT or patient.skill > knows:
        return
    limit = chance + (0.05 if patient.is_values else reference.error)
    if reference.signal > NO_SIGNAL or reference.best > limit:
        return
    yield Finding(
        "shuffled_labels",
        None,
        f"{patient.standing}; of training cases that they were not fitted on simple models "
        f"find nothing: {_others(patient)}",
        "likely",
        COMPARE,
    )


def unscaled_inputs(patient: Patient) -> Iterator[Finding]:
    """Inputs far from 1, or of very unlike scales."""
    if patient.network.layers[0].takes_class_numbers or patient.data.scaling is not None:
        return
    x = patient.columns
    unit = np.abs(x).max(axis=0, initial=0)
    unit = np.where(unit > 0, unit, 1)  # so that no square overflows
    sizes = np.sqrt(np.mean((x / unit) ** 2, axis=0)) * unit
    deviations = (x / unit).std(axis=0) * unit
    varying = deviations[deviations > 0]
    if not len(varying):
        return
    largest = int(sizes.argmax())
    if not sizes[largest] > LARGE and not np.median(varying) < SMALL:
        return
    treatment = ("data.standardize=true",)
    helped = patient.helped_by(*treatment) if patient.may_suffer else None
    if helped is None and not _is_plain_at_the_end(patient):
        return
    ratio = float(varying.max() / np.median(varying))
    evidence = (
        f"the input {_input(patient, largest)} has mean {x[:, largest].mean():.3g} and deviation "
        f"{deviations[largest]:.3g}"
    )
    if ratio > UNLIKE:
        evidence += f", {ratio:.3g} times the median deviation of the inputs"
    yield Finding(
        "unscaled_inputs",
        patient.network.layers[0].name,
        f"{evidence}; {patient.reached(helped) if helped else patient.standing}",
        "certain" if helped and helped.skill > patient.attainable - 0.1 else "likely",
        "bring every input to mean 0 and deviation 1",
        treatment,
    )


def _is_plain_at_the_end(patient: Patient) -> bool:
    """Whether, without trials, a scale far from 1 is why the network lags.

    Inputs whose squares overflow are told as such.
    """
    largest = np.abs(patient.train.x).max(initial=0)
    overflows = largest > sqrt(np.finfo(patient.train.x.dtype).max)
    return patient.quick and patient.suffers and not overflows


def _input(patient: Patient, k: int) -> str:
    return shown(input_name(k, patient.data.feature_names), 40)[1:-1]


def unscaled_targets(patient: Patient) -> Iterator[Finding]:
    """Values far from mean 0 and deviation 1."""
    t = target_rows(patient.train.t).astype(np.float64)
    if not patient.is_values or not is_far_from_1(patient.train.t):
        return
    treatment = ("data.scale_targets=true",)
    helped = patient.helped_by(*treatment, sign=True)
    if helped is None and not _is_plain_at_the_end(patient):
        return
    yield Finding(
        "unscaled_targets",
        patient.network.layers[-1].name,
        f"the targets have mean {t.mean():.3g} and deviation {t.std():.3g}; "
        f"{patient.reached(helped) if helped else patient.standing}",
        "certain" if helped else "likely",
        "bring the targets to mean 0 and deviation 1 for training; predictions and scores stay "
        "in their own units",
        treatment,
    )


def class_imbalance(patient: Patient) -> Iterator[Finding]:
    """One class is so frequent that another is never named."""
    if not patient.kind.classes or patient.diverged or are_sequences(patient.train.t):
        return
    if patient.settings.class_weights is not None:
        return
    there = patient.counts > 0
    if there.sum() < 2 or patient.counts.max() < UNEQUAL * patient.counts[there].min():
        return
    shares, counts = patient.recalls
    can_tell = (counts >= LEAST_OF_A_CLASS) & (counts * UNEQUAL <= counts.max())
    rare = int(np.where(can_tell, shares, np.inf).argmin())
    if not can_tell.any() or shares[rare] > NAMED:
        yield from _misleading(patient)
        return
    treatment = ("training.class_weights=balanced",)
    sure = patient.quick and counts[rare] >= 10 and shares[rare] < 0.1
    found, base = patient.trial(*treatment), patient.trial()
    if not patient.quick:
        reference = patient.reference
        known = reference.signal > 2 or not reference.can_tell
        sure = known and found.balanced > max(base.balanced, 1 / there.sum()) + 0.08
    gains = (
        ""
        if patient.quick
        else (
            f"; with classes that count the same the mean of these shares over the classes is "
            f"{percent(found.balanced)} in place of {percent(base.balanced)}"
        )
    )
    yield Finding(
        "class_imbalance",
        None,
        f"{percent(counts.max() / counts.sum())} of the training cases are of class "
        f"{_class(patient, int(counts.argmax()))}; of the {int(counts[rare]):,} cases of class "
        f"{_class(patient, rare)} {percent(shares[rare])} are named rightly{gains}",
        "likely" if sure else "possible",
        "let the cases of each class count the same in total, or find more cases of the rare one",
        treatment,
    )


def _misleading(patient: Patient) -> Iterator[Finding]:
    """One class has so many cases that the accuracy says little of the rarest."""
    shares, counts = patient.recalls
    usual, rare = int(counts.argmax()), int(np.where(counts > 0, counts, np.inf).argmin())
    is_few = counts[rare] < LEAST_OF_A_CLASS or shares[rare] < patient.skill - WORSE
    if patient.quick or counts[usual] < MISLEADS * counts[rare] or not is_few:
        return
    yield Finding(
        "class_imbalance",
        None,
        f"{percent(counts[usual] / counts.sum())} of the training cases are of class "
        f"{_class(patient, usual)}; of the {int(counts[rare]):,} cases of class "
        f"{_class(patient, rare)} {percent(shares[rare])} are named rightly, of all cases "
        f"{percent(patient.skill)}",
        "possible",
        "look at each class in the confusion matrix, not at the accuracy; and let the cases of "
        "each class count the same in total",
        ("training.class_weights=balanced",),
    )

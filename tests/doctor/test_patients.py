"""The patients are ill by their cause alone, the doctor names it, and his advice helps."""

from __future__ import annotations

import warnings
from dataclasses import replace
from importlib.util import find_spec

import pytest

from chainrule.runs.doctor.examine import at_the_end, examine
from doctor.battery import ASKED, TOLD
from doctor.healthy import HEALTHY, ROOT, AbsentError
from doctor.illnesses import ILLNESSES
from doctor.patients import diverged, quality, trained
from doctor.signs import SIGNS, learns_less

PLANTED = [(illness, name) for illness, variants in ILLNESSES.items() for name in variants]

MISSED: frozenset[str] = frozenset()
"""Variants of which another illness is named first."""

NOT_HEALED = frozenset({"a regression of one step an epoch", "forty images"})
"""Variants that are not better when what the doctor says is done."""

TOLD_OTHERWISE = frozenset(
    {
        "flowers with labels of others",
        "values of other cases",
        "images through one unit of most left out",
    }
)
"""Variants of which another illness is told at the end of a training, where nothing is tried."""

BEGINS = 3
"""A training of so few epochs need not have learnt much."""

SHORT = "training.epochs=12"

QUICK: dict[str, tuple[str, ...]] = {
    "dead_units": ("biases of minus 20", SHORT, "data.count=160"),
    "saturated_units": ("tanh with weights up to 50", "training.epochs=20", "data.count=160"),
    "symmetric_start": ("all zeros", SHORT),
    "vanishing_gradients": ("relus with small weights", SHORT),
    "exploding_gradients": ("a recurrence that grows", "training.epochs=8", "data.count=100"),
    "rate_too_high": ("momentum at 20 times its rate", "training.epochs=8"),
    "rate_too_low": ("a rate of a millionth", SHORT, "data.count=160"),
    "batch_too_large": ("all cases at once",),
    "unscaled_inputs": ("a sensor in tens of thousands", SHORT),
    "unscaled_targets": ("two targets in thousands", SHORT),
    "class_imbalance": ("one of three is rare", "training.epochs=15"),
    "absent_class": ("flowers without virginica",),
    "constant_labels": ("every value half",),
    "shuffled_labels": ("flowers with labels of others",),
    "leaking_feature": ("the price in another currency",),
    "overfitting": ("few noisy moons", "training.epochs=60"),
    "underfitting": ("rings without a hidden layer", "training.epochs=25"),
    "wrong_loss": ("absolute error behind softmax", SHORT),
    "not_finite": ("targets that float32 cannot square",),
}
"""One variant of each illness, and settings by which it takes less time."""

SILENT = ("two epochs of values", "everything right", "three cases to one")


def words(name):
    return name.replace(" ", "_")


def test_there_are_as_many_as_were_asked_for():
    assert len(ILLNESSES) >= 16
    assert {len(variants) for variants in ILLNESSES.values()} == {5}
    assert len(HEALTHY) >= 60
    assert {*QUICK} == {*ILLNESSES}
    assert len(MISSED) <= (1 - ASKED) * len(PLANTED)


def test_every_configuration_of_the_repository_is_among_the_healthy():
    files = {
        path.name
        for folder in ("examples", "courses")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yaml", ".txt")
    }
    named = {name.split()[-1] for name in HEALTHY}
    assert {name for name in files if not {name, name.removesuffix(".yaml")} & named} == set()


@pytest.mark.parametrize("illness", QUICK)
def test_it_is_found_first(illness, tmp_path):
    name, *settings = QUICK[illness]
    patient = ILLNESSES[illness][name]()
    planted = replace(patient, cause=(*patient.cause, *settings))
    found = examine(of(planted, tmp_path)).findings
    assert found[0].illness in (illness, *patient.also)
    assert found[0].confidence in TOLD


@pytest.mark.parametrize("name", SILENT, ids=words)
def test_the_doctor_is_silent(name, tmp_path):
    found = examine(of(HEALTHY[name](), tmp_path)).findings
    assert [str(each) for each in found if each.confidence in TOLD] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(("illness", "name"), PLANTED, ids=words)
def test_its_cause_makes_it_ill_and_the_doctor_sees_it(illness, name, tmp_path):
    patient = ILLNESSES[illness][name]()
    sign = SIGNS.get(illness, learns_less)
    ill, well = (of(patient, tmp_path / str(is_ill), ill=is_ill) for is_ill in (True, False))
    assert not diverged(well)
    assert sign(ill, well)
    found = examine(ill).findings
    seen = bool(found) and found[0].illness in (illness, *patient.also)
    assert seen or name in MISSED, [str(each) for each in found]
    if seen and found[0].settings:
        follows = replace(patient, cause=(*patient.cause, *found[0].settings))
        after = of(follows, tmp_path / "after")
        helps = not sign(after, well) or quality(after) >= quality(ill) + 0.1
        assert helps or name in NOT_HEALED, found[0].settings
    told = at_the_end(ill)
    is_right = told is None or told.illness in (illness, *patient.also)
    assert is_right or name in TOLD_OTHERWISE, str(told)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", HEALTHY, ids=words)
def test_a_healthy_training_learns_and_the_doctor_is_silent(name, tmp_path):
    try:
        patient = HEALTHY[name]()
    except AbsentError as error:
        pytest.skip(str(error))
    if patient.needs is not None and find_spec(patient.needs) is None:
        pytest.skip(f"{patient.needs} is not installed")
    run = of(patient, tmp_path)
    losses = run.history["train_loss"]
    assert losses[-1] <= losses[0]
    if len(losses) > BEGINS:
        part = next(part for part in ("test", "validation", "train") if part in run.scores)
        assert quality(run, part) >= 0.3
    found = examine(run).findings
    assert [str(each) for each in found if each.confidence in TOLD] == []
    assert at_the_end(run) is None


def of(patient, folder, *, ill=True):
    """The run of a patient; numbers that overflow where that is the illness warn of nothing."""
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return trained(patient, folder, ill=ill)

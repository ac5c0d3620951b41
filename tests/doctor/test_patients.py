"""The patients of the battery are ill by their cause alone, and the healthy ones are healthy."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import pytest

from doctor.healthy import HEALTHY, ROOT, AbsentError
from doctor.illnesses import ILLNESSES
from doctor.patients import diverged, quality, trained
from doctor.signs import SIGNS, learns_less

PLANTED = [(illness, name) for illness, variants in ILLNESSES.items() for name in variants]
BEGINS = 3
"""A training of so few epochs need not have learnt much."""


def test_there_are_as_many_as_were_asked_for():
    assert len(ILLNESSES) >= 16
    assert {len(variants) for variants in ILLNESSES.values()} == {5}
    assert len(HEALTHY) >= 60


def test_every_configuration_of_the_repository_is_among_the_healthy():
    files = {
        path.name
        for folder in ("examples", "courses")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yaml", ".txt")
    }
    named = {name.split()[-1] for name in HEALTHY}
    assert {name for name in files if not {name, name.removesuffix(".yaml")} & named} == set()


@pytest.mark.exhaustive
@pytest.mark.parametrize(("illness", "name"), PLANTED, ids=lambda word: word.replace(" ", "_"))
def test_the_cause_makes_it_ill(illness, name, tmp_path):
    patient = ILLNESSES[illness][name]()
    assert patient.cause
    runs = []
    for ill in (True, False):
        folder = tmp_path / str(ill)
        folder.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numbers overflow where that is the illness
            runs.append(trained(patient, folder, ill=ill))
    assert not diverged(runs[1])
    assert SIGNS.get(illness, learns_less)(*runs)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", HEALTHY, ids=lambda word: word.replace(" ", "_"))
def test_a_healthy_training_learns(name, tmp_path):
    try:
        patient = HEALTHY[name]()
    except AbsentError as error:
        pytest.skip(str(error))
    if patient.needs is not None and find_spec(patient.needs) is None:
        pytest.skip(f"{patient.needs} is not installed")
    run = trained(patient, tmp_path)
    losses = [loss for loss in run.history["train_loss"] if loss is not None]
    assert losses[-1] <= losses[0]
    if len(losses) > BEGINS:
        part = next(part for part in ("test", "validation", "train") if part in run.scores)
        assert quality(run, part) >= 0.3

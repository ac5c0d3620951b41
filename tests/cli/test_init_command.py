"""``chainrule init``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chainrule import train
from chainrule.cli.init import examples


def test_the_command_that_an_example_names_first_is_proposed(command, folder):
    assert command("init", "textbook").out.endswith("now: chainrule explain textbook.yaml\n")


def test_the_starter_is_commented_and_trains_as_it_is(command, folder):
    outcome = command("init")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == "shapes.yaml written; now: chainrule train shapes.yaml\n"
    assert Path("shapes.yaml").read_text(encoding="utf-8").startswith("# ")
    run = train("shapes.yaml", overrides=["training.epochs=2"], save=False)
    assert run.history["train_loss"][1] < run.history["train_loss"][0]


@pytest.mark.parametrize(
    ("name", "written", "example"),
    [
        ("compact", "compact.txt", "compact"),
        ("spirals", "spirals.yaml", "spirals"),
        ("mine", "mine.yaml", "shapes"),
        ("mine.yml", "mine.yml", "shapes"),
        ("sub/für mich", "sub/für mich.yaml", "shapes"),
    ],
)
def test_an_example_is_written_under_its_name_and_the_starter_under_any(
    command, folder, name, written, example
):
    Path("sub").mkdir()
    assert command("init", name).status == 0
    expected = examples()[example].read_text(encoding="utf-8")
    assert Path(written).read_text(encoding="utf-8") == expected


def test_a_file_that_is_there_is_replaced_only_by_force(command, folder):
    Path("shapes.yaml").write_text("mine")
    outcome = command("init")
    assert outcome.status == 2
    assert outcome.err == "shapes.yaml: this file exists; --force replaces it\n"
    assert Path("shapes.yaml").read_text() == "mine"
    assert command("init", "--force").status == 0
    assert Path("shapes.yaml").read_text(encoding="utf-8") != "mine"


@pytest.mark.exhaustive
def test_an_example_that_reads_a_text_comes_with_it(command, folder):
    outcome = command("init", "jack")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == "jack.yaml and jack.text written; now: chainrule train jack.yaml\n"
    run = train("jack.yaml", overrides=["training.epochs=1", "data.stride=40"], save=False)
    assert run.config.network["layers"][0]["classes"] == 28
    Path("jack.yaml").unlink()
    Path("jack.text").write_text("mine")
    assert command("init", "jack").err == "jack.text: this file exists; --force replaces it\n"
    assert os.listdir() == ["jack.text"]


def test_the_list_names_every_example_and_what_it_shows(command, folder):
    out = command("init", "--list").out
    assert os.listdir() == []
    for line, name in zip(out.splitlines(), examples(), strict=True):
        shown, _, what = line.partition(" ")
        assert shown == name
        assert len(what.strip()) > 20


@pytest.mark.parametrize("name", ["missing/a.yaml", "."])
def test_a_place_that_cannot_be_written_is_explained(command, folder, name):
    outcome = command("init", name)
    assert (outcome.status, outcome.out) == (2, "")
    assert "Traceback" not in outcome.err
    assert outcome.err.startswith(name)
    assert os.listdir() == []

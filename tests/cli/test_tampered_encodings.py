"""What was decided about a table stands in run.json, which someone may have changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chainrule import train
from chainrule.runs.run_folder import RunFolder

ROWS = "".join(f"{k},{'Oslo' if k % 3 else 'Rome'},{'ab'[k % 2]}\n" for k in range(40))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("encodings")
    (place / "cases.csv").write_text("age,city,y\n" + ROWS + ",Oslo,a\n,,b\n")
    network = {"layers": [{"size": 2}, "softmax"]}
    data = {"file": str(place / "cases.csv")}
    train({"network": network, "data": data, "training": {"epochs": 1}}, run=place / "run")
    return place


def number(**changes):
    return lambda encoding: encoding["inputs"][0].update(changes)


def city(**changes):
    return lambda encoding: encoding["inputs"][1].update(changes)


CHANGES = {
    "a fill that is a text": (number(fill="x"), "what fills 'age' cannot be one of its cells"),
    "no fill": (number(fill=None), "'age' has no fill that fits mean"),
    "a fill that is no category": (
        city(fill="Bergen"),
        "what fills 'city' cannot",
    ),
    "a category twice": (
        city(categories=["Oslo", "Oslo"]),
        "a category of 'city' is named twice",
    ),
    "a category less": (city(categories=["Oslo"]), "found 2 inputs, but the network has 3"),
    "an integer": (city(kind="integer"), "found 2 inputs, but the network has 3"),
    "another name": (number(name="height"), "'height' is none of the columns"),
    "one column for two inputs": (city(name="age"), "inputs names something twice"),
    "a column less": (lambda e: e["columns"].remove("city"), "'city' is none of the columns"),
    "a label that is an input": (lambda e: e.update(labels=["age"]), "is an input and a label"),
    "a list": (lambda e: e.update(inputs=[[]]), "encoding.inputs.0: Input should be"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("words", [("predict", "run", "cases.csv"), ("evaluate", "run")])
def test_a_changed_encoding_ends_in_one_message(command, place, what, words):
    shutil.copytree(place / "run", "run")
    shutil.copy(place / "cases.csv", "cases.csv")
    change, message = CHANGES[what]
    facts = RunFolder(Path("run")).facts
    content = json.loads(facts.read_text(encoding="utf-8"))
    change(content["encoding"])
    facts.write_text(json.dumps(content), encoding="utf-8")
    outcome = command(*words)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("run/run.json: ")
    assert outcome.err.count("\n") == 1
    assert message in outcome.err


def test_one_that_was_not_changed_is_read(command, place):
    outcome = command("predict", place / "run", place / "cases.csv")
    assert outcome.status == 0
    assert len(outcome.out.splitlines()) == 43

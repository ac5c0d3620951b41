"""Ten tables as people have them, from file to a sensible score with at most eight lines.

`table_makers` writes them after the form of well-known ones. Each configuration is what the
program's own messages lead to, from ``data: {file: ...}`` on.
"""

from __future__ import annotations

import csv
from typing import NamedTuple

import numpy as np
import pytest
import table_makers

from chainrule import load

CLASSES = "network: {layers: [{size: 16, activation: relu}, {size: 2}, softmax]}\n"
VALUES = "network: {loss: mse, layers: [{size: 16, activation: relu}, {size: 1}]}\n"
TRAINING = "training: {epochs: 40, optimizer: adam}\n"


class Case(NamedTuple):
    """A table, its configuration, the part and the figure that is judged, and its least value."""

    table: str
    configuration: str
    least: float
    figure: str = "accuracy"


CASES = {
    "census": Case(
        "census",
        CLASSES
        + "data:\n  file: adult.data\n  test_file: adult.test\n  comment: '|'\n"
        + "  standardize: true\n",
        0.75,
    ),
    "cancer": Case(
        "cancer",
        CLASSES + "data: {file: wdbc.data, label: 2, drop: [1], standardize: true}\n",
        0.85,
    ),
    "wine, a value": Case(
        "wine",
        VALUES + "data: {file: winequality-red.csv, standardize: true, scale_targets: true}\n",
        0.3,
        "r2",
    ),
    "wine, classes": Case(
        "wine",
        CLASSES.replace("2}", "6}") + "data: {file: winequality-red.csv, standardize: true}\n",
        0.45,
    ),
    "housing": Case(
        "housing",
        VALUES
        + "data:\n  file: housing.csv\n  label: median_house_value\n  standardize: true\n"
        + "  scale_targets: true\n",
        0.8,
        "r2",
    ),
    "digits": Case(
        "digits",
        CLASSES.replace("2}", "4}")
        + "data: {file: digits.csv, label: first, standardize: true}\n",
        0.8,
    ),
    "questionnaire": Case(
        "questionnaire",
        CLASSES
        + "data:\n  file: survey.csv\n  drop: [date, remarks]\n  group: person\n"
        + "  weight: weight\n",
        0.75,
    ),
    "German export": Case(
        "german_export",
        CLASSES
        + "data:\n  file: Kunden.csv\n  encoding: cp1252\n  thousands: '.'\n  decimal: ','\n"
        + "  drop: [Kunden-Nr, Datum]\n  standardize: true\n",
        0.75,
    ),
    "workbook": Case(
        "workbook",
        CLASSES
        + "data:\n  file: lab.xlsx\n  sheet: Measurements\n  drop: [Sample, Date]\n"
        + "  standardize: true\n",
        0.75,
    ),
    "titanic": Case(
        "titanic",
        CLASSES
        + "data:\n  file: train.csv\n  label: Survived\n"
        + "  drop: [PassengerId, Name, Ticket, Cabin]\n  standardize: true\n",
        0.7,
    ),
    "sensors": Case(
        "sensors",
        VALUES
        + "data: {file: sensors.csv, time: timestamp, standardize: true, scale_targets: true}\n",
        0.5,
        "r2",
    ),
}


def made(table, folder):
    """The files of a table in a folder; what its maker returns."""
    if table == "workbook":
        pytest.importorskip("openpyxl", reason="openpyxl, which writes workbooks, is absent")
        pytest.importorskip("python_calamine", reason="python-calamine is not installed")
    return getattr(table_makers, table)(folder, np.random.default_rng(1))


@pytest.mark.parametrize("name", CASES)
def test_from_file_to_score(folder, command, name):
    case = CASES[name]
    made(case.table, folder)
    text = case.configuration + TRAINING
    assert len(text.splitlines()) <= 9
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    assert command("train", "c.yaml", "--quiet", "--run", "r").status == 0
    run = load(folder / "r")
    scores = [getattr(score, case.figure) for score in (run.validation, run.test)]
    counts = [run.validation.cases, run.test.cases]
    assert np.average(scores, weights=counts) > case.least


def shuffled_columns(path, target, mark=","):
    """Write a table with a header again, its columns in the opposite order."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=mark))
    with open(target, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=mark).writerows(row[::-1] for row in rows)


@pytest.mark.parametrize(
    ("name", "file", "mark"),
    [
        ("wine, a value", "winequality-red.csv", ";"),
        ("housing", "housing.csv", ","),
        ("questionnaire", "survey.csv", ";"),
        ("titanic", "test.csv", ","),
        ("sensors", "sensors.csv", ","),
    ],
)
def test_later_files_may_have_their_columns_in_another_order(folder, command, name, file, mark):
    case = CASES[name]
    made(case.table, folder)
    (folder / "c.yaml").write_text(case.configuration + "training: {epochs: 2}\n")
    assert command("train", "c.yaml", "--quiet", "--run", "r").status == 0
    shuffled_columns(folder / file, folder / "moved.csv", mark)
    assert command("predict", "r", file, "--out", "a.csv").status == 0
    assert command("predict", "r", "moved.csv", "--out", "b.csv").status == 0
    assert (folder / "a.csv").read_text() == (folder / "b.csv").read_text()


def test_a_file_of_predictions_for_a_table_without_labels(folder, command):
    truth = made("titanic", folder)
    (folder / "c.yaml").write_text(CASES["titanic"].configuration + TRAINING)
    assert command("train", "c.yaml", "--quiet", "--run", "r").status == 0
    assert command("predict", "r", "test.csv", "--out", "answer.csv").status == 0
    with open(folder / "answer.csv", encoding="utf-8") as file:
        answers = [int(row["class"]) for row in csv.DictReader(file)]
    assert len(answers) == len(truth)
    assert np.mean(np.array(answers) == truth) > 0.7


STEPS = {
    "cancer": ("wdbc.data", ["label: 2 (B, M)", "drop: [1]"]),
    "digits": ("train.csv", ["write label: label"]),
    "questionnaire": ("survey.csv", ["drop: [date, remarks]"]),
    "german_export": ("Kunden.csv", ["encoding: cp1252"]),
    "titanic": ("train.csv", ["label: Survived"]),
    "sensors": ("sensors.csv", ["drop: [timestamp]", "time: timestamp"]),
    "workbook": ("lab.xlsx", ["sheet"]),
}


@pytest.mark.parametrize("table", STEPS)
def test_the_first_message_names_the_next_key(folder, command, table):
    file, keys = STEPS[table]
    made(table, folder)
    network = VALUES if table == "sensors" else CLASSES
    (folder / "c.yaml").write_text(f"{network}data: {{file: {file}}}\ntraining: {{epochs: 1}}\n")
    outcome = command("train", "c.yaml", "--run", "r")
    assert outcome.status == 2
    message = outcome.err
    assert len(message.splitlines()) <= 4
    for key in keys:
        assert key in message

"""Ten tables as people have them, from file to a sensible score with at most eight lines.

`table_makers` writes them after the form of well-known ones. The configurations are those of
docs/data.md, to which the program's own messages lead from ``data: {file: ...}`` on.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import table_makers

from chainrule import load

PAGE = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
CONFIGURATIONS = re.findall(r"```yaml\n(.*?)```", PAGE.partition("## Ten tables")[2], re.DOTALL)

CLASSES = "network: {layers: [{size: 16, activation: relu}, {size: 2}, softmax]}\n"
VALUES = "network: {layers: [{size: 16, activation: relu}, {size: 1}], loss: mse}\n"
LABELS = (
    "network: {layers: [{size: 8, activation: relu}, {size: 3, activation: sigmoid}], "
    "loss: binary_cross_entropy}\n"
)


class Case(NamedTuple):
    """A table, the least score and the largest possible one, and the figure that is judged."""

    table: str
    least: float
    most: float = 0.999
    figure: str = "accuracy"


CASES = {
    "census": Case("census", 0.75),
    "cancer": Case("cancer", 0.85, most=1),  # as in the real one, the classes are far apart
    "wine, values": Case("wine", 0.4, figure="r2"),
    "wine, classes": Case("wine", 0.45),
    "housing": Case("housing", 0.8, figure="r2"),
    "digits": Case("digits", 0.8, most=1),
    "questionnaire": Case("questionnaire", 0.75),
    "German export": Case("german_export", 0.8),
    "workbook": Case("workbook", 0.75),
    "titanic": Case("titanic", 0.7),
    "sensors": Case("sensors", 0.8, figure="r2"),
}
"""In the order of the page."""

CONFIGURATION = dict(zip(CASES, CONFIGURATIONS, strict=True))


def made(table, folder):
    """The files of a table in a folder; what its maker returns."""
    if table == "workbook":
        pytest.importorskip("openpyxl", reason="openpyxl, which writes workbooks, is absent")
        pytest.importorskip("python_calamine", reason="python-calamine is not installed")
    return getattr(table_makers, table)(folder, np.random.default_rng(1))


def trained(folder, command, name, *settings):
    """The run of a table's configuration."""
    (folder / "c.yaml").write_text(CONFIGURATION[name], encoding="utf-8")
    outcome = command("train", "c.yaml", "--quiet", "--run", "r", *settings)
    assert outcome.status == 0, outcome.err
    return load(folder / "r")


@pytest.mark.parametrize("name", CASES)
def test_from_file_to_score(folder, command, name):
    case = CASES[name]
    made(case.table, folder)
    assert len(CONFIGURATION[name].splitlines()) <= 8
    run = trained(folder, command, name)
    scores = [getattr(score, case.figure) for score in (run.validation, run.test)]
    counts = [run.validation.cases, run.test.cases]
    assert case.least < np.average(scores, weights=counts) <= case.most


def shuffled_columns(path, target, mark=","):
    """Write a table with a header again, its columns in the opposite order."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=mark))
    with open(target, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=mark).writerows(row[::-1] for row in rows)


@pytest.mark.parametrize(
    ("name", "file", "mark"),
    [
        ("wine, values", "winequality-red.csv", ";"),
        ("housing", "housing.csv", ","),
        ("questionnaire", "survey.csv", ";"),
        ("titanic", "test.csv", ","),
        ("sensors", "sensors.csv", ","),
    ],
)
def test_later_files_may_have_their_columns_in_another_order(folder, command, name, file, mark):
    case = CASES[name]
    made(case.table, folder)
    trained(folder, command, name, "--set", "training.epochs=2")
    shuffled_columns(folder / file, folder / "moved.csv", mark)
    assert command("predict", "r", file, "--out", "a.csv").status == 0
    assert command("predict", "r", "moved.csv", "--out", "b.csv").status == 0
    assert (folder / "a.csv").read_text() == (folder / "b.csv").read_text()


def test_a_file_of_predictions_for_a_table_without_labels(folder, command):
    truth = made("titanic", folder)
    trained(folder, command, "titanic")
    assert command("predict", "r", "test.csv", "--out", "answer.csv").status == 0
    with open(folder / "answer.csv", encoding="utf-8") as file:
        answers = [int(row["class"]) for row in csv.DictReader(file)]
    assert len(answers) == len(truth)
    assert np.mean(np.array(answers) == truth) > 0.7


def test_a_german_export_predicts_the_same_in_another_encoding(folder, command):
    made("german_export", folder)
    trained(folder, command, "German export", "--set", "training.epochs=2")
    text = (folder / "Kunden.csv").read_text(encoding="cp1252")
    (folder / "later.csv").write_bytes(text.encode("utf-8-sig"))
    command("predict", "r", "Kunden.csv", "--out", "a.csv")
    command("predict", "r", "later.csv", "--out", "b.csv")
    assert (folder / "a.csv").read_text() == (folder / "b.csv").read_text()


STEPS = {
    "cancer": ("wdbc.data", CLASSES, ["label: 2 (B, M)", "drop: [1]"]),
    "wine": ("winequality-red.csv", CLASSES, ["write size 6"]),
    "housing": ("housing.csv", VALUES, ["label: with a column of numbers (median_house_value,"]),
    "digits": ("train.csv", CLASSES, ["write label: label"]),
    "digits, no header": ("digits.csv", CLASSES, ["write label: first"]),
    "questionnaire": ("survey.csv", CLASSES, ["drop: [date, remarks]"]),
    "german_export": ("Kunden.csv", CLASSES, ["encoding: cp1252"]),
    "titanic": ("train.csv", CLASSES, ["label: Survived", "drop: [PassengerId]"]),
    "sensors": ("sensors.csv", VALUES, ["drop: [timestamp]", "time: timestamp"]),
    "workbook": ("lab.xlsx", CLASSES, ["sheet: names another, 'Measurements'"]),
    "mushrooms": ("agaricus.data", CLASSES, ["all its cells are p", "label: 1 (p, e)"]),
    "genres in columns": ("films.csv", LABELS, ["label: [Comedy, Drama, Action]"]),
    "genres in a cell": ("tagged.csv", LABELS, ['label_separator: "|"']),
    "genres and a softmax": ("tagged.csv", CLASSES, ['label_separator: "|"', "sigmoid"]),
    "one-hot labels": ("flowers.csv", CLASSES, ["label: [red, green, blue]"]),
}


def train_naively(folder, command, file, network, more=""):
    (folder / "c.yaml").write_text(
        f"{network}data: {{file: {file}{more}}}\ntraining: {{epochs: 1}}\n"
    )
    return command("train", "c.yaml", "--run", "r")


@pytest.mark.parametrize("name", STEPS)
def test_the_first_message_names_the_next_key(folder, command, name):
    file, network, keys = STEPS[name]
    table = name.partition(",")[0]
    made(table if hasattr(table_makers, table) else "small_tables", folder)
    outcome = train_naively(folder, command, file, network)
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) <= 4
    for key in keys:
        assert key in outcome.err


@pytest.mark.parametrize(
    ("table", "file", "more", "keys"),
    [
        ("census", "adult.data", ", test_file: adult.test", ['comment: "|"']),
        ("german_export", "Kunden.csv", ", encoding: cp1252",
         ['decimal: "," and thousands: "."', "drop: [Datum]"]),
        ("titanic", "train.csv", ", label: Survived, drop: [PassengerId]",
         ["drop: [PassengerId, Name, Ticket, Cabin]"]),
        ("workbook", "lab.xlsx", ", sheet: Measurements", ["drop: [Sample, Date]"]),
    ],
)  # fmt: skip
def test_the_second_message_names_all_that_is_left(folder, command, table, file, more, keys):
    made(table, folder)
    outcome = train_naively(folder, command, file, CLASSES, more)
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) <= 4
    for key in keys:
        assert key in outcome.err


def test_persons_and_weights_of_a_survey_are_noticed(folder, command):
    made("questionnaire", folder)
    outcome = train_naively(folder, command, "survey.csv", CLASSES, ", drop: [date, remarks]")
    assert outcome.status == 0
    assert "write group: person" in outcome.out + outcome.err
    assert "write weight: weight" in outcome.out + outcome.err


def test_persons_that_stay_together_may_answer_alike(folder, command):
    made("questionnaire", folder)
    more = ", drop: [date, remarks], group: person, weight: weight"
    outcome = train_naively(folder, command, "survey.csv", CLASSES, more)
    assert outcome.status == 0
    assert "number for number" not in outcome.out + outcome.err
    assert "write group" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("file", "network", "more"),
    [
        ("agaricus.data", CLASSES, ", label: first"),
        ("films.csv", LABELS, ", label: [Comedy, Drama, Action]"),
        ("tagged.csv", LABELS, ", label_separator: '|'"),
        ("flowers.csv", CLASSES.replace("2}", "3}"), ", label: [red, green, blue]"),
        ("pandas.csv.gz", CLASSES, ""),
        ("blanks.data", VALUES, ""),
    ],
)
def test_small_tables_learn(folder, command, file, network, more):
    made("small_tables", folder)
    text = f"{network}data: {{file: {file}{more}}}\ntraining: {{epochs: 30, optimizer: adam}}\n"
    (folder / "c.yaml").write_text(text)
    assert command("train", "c.yaml", "--quiet", "--run", "r").status == 0
    run = load(folder / "r")
    score = run.validation
    assert (score.r2 if network == VALUES else score.accuracy) > 0.8

"""A class is marked, kept, taken up again, and written as tables and pages."""

import csv
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from chainrule.marking.assignments.assignment import assignment_at, load_assignment, shipped
from chainrule.marking.classes.classroom import as_text, from_text, mark_class
from chainrule.marking.classes.reports.counting import found_in
from chainrule.marking.classes.reports.written import write_reports
from chainrule.marking.classes.submissions import find_submissions

RIGHT = (shipped()["HLCV"] / "solution" / "two_layernet.py").read_text("utf-8")
BUGS = {"Ada <b>Lovelace": ("d2 /= N", "pass"), "Bob": ("", "")}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """The submissions of a small class."""
    folder = tmp_path_factory.mktemp("class") / "lab"
    for name, (old, new) in BUGS.items():
        (folder / name).mkdir(parents=True)
        text = RIGHT.replace(old, new, 1) if old else RIGHT
        (folder / name / "two_layernet.py").write_text(text, "utf-8")
    (folder / "Eve").mkdir()
    (folder / "Eve" / "notes.txt").write_text("to be done")
    with zipfile.ZipFile(folder / "Mallory.zip", "w") as archive:
        archive.writestr("../two_layernet.py", RIGHT)
    return folder


@pytest.fixture(scope="module")
def marked(handed_in, tmp_path_factory):
    """The class, marked and written."""
    folder = tmp_path_factory.mktemp("marked")
    assignment = assignment_at(Path("HLCV"))
    found = mark_class(assignment, find_submissions(handed_in, assignment.files), folder / "r")
    write_reports(found, folder)
    return found, folder


def by_name(found):
    return {kept.marked.student: kept.marked for kept in found.results}


def test_each_has_what_is_due(marked):
    one = by_name(marked[0])
    assert one["Bob"].earned == one["Bob"].credit
    assert one["Ada _b_Lovelace"].earned == one["Bob"].credit - 5
    assert one["Eve"].earned == one["Mallory"].earned == 0
    assert "outside its folder" in one["Mallory"].parts[0].lines[0]


def test_what_is_marked_is_not_marked_again_unless_it_changed(handed_in, marked, tmp_path):
    shutil.copytree(marked[1] / "r", tmp_path / "r")
    place = tmp_path / "in"
    shutil.copytree(handed_in, place)
    assignment = marked[0].assignment
    found = mark_class(
        assignment, find_submissions(tmp_path / "in", assignment.files), tmp_path / "r"
    )
    assert found.marked_now == 0
    assert found.results == marked[0].results
    (place / "Eve" / "two_layernet.py").write_text(RIGHT)
    (tmp_path / "r" / "Bob.json").write_text("{ half")
    found = mark_class(
        assignment, find_submissions(tmp_path / "in", assignment.files), tmp_path / "r"
    )
    assert found.marked_now == 2
    assert by_name(found)["Eve"].earned == by_name(found)["Eve"].credit


def test_another_assignment_is_marked_anew(marked, tmp_path):
    shutil.copytree(shipped()["HLCV"], tmp_path / "HLCV")
    (tmp_path / "HLCV" / "notes.txt").write_text("changed")
    (tmp_path / "in").mkdir()
    shutil.copytree(marked[1] / "r", tmp_path / "r")
    (tmp_path / "in" / "Bob.py").write_text(RIGHT)
    assignment = load_assignment(tmp_path / "HLCV")
    submissions = find_submissions(tmp_path / "in", assignment.files)
    assert mark_class(assignment, submissions, tmp_path / "r").marked_now == 1


def test_results_are_read_back_as_they_were(marked):
    for kept in marked[0].results:
        assert from_text(as_text(kept)) == kept
    assert from_text("[1]") is None
    assert from_text(b"\xff") is None


def test_the_tables_have_everybody(marked):
    with (marked[1] / "class.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == ["Ada _b_Lovelace", "Bob", "Eve", "Mallory"]
    assert rows[0]["gradients bug"] == "no_mean"
    found = json.loads((marked[1] / "class.json").read_text("utf-8"))
    most = found["students"][1]["points"]
    assert [one["points"] for one in found["students"]] == [most - 5, most, 0, 0]
    assert found["bugs"][0]["students"] == ["Ada _b_Lovelace"]


def test_a_bug_counts_once_a_student(marked):
    assert [(one.kind, one.students) for one in found_in(marked[0])] == [
        ("no_mean", ("Ada _b_Lovelace",))
    ]


def test_no_page_names_another_student_or_requests_anything(marked):
    names = [kept.marked.student for kept in marked[0].results]
    for name in names:
        text = (marked[1] / "students" / f"{name}.html").read_text("utf-8")
        assert name in text
        assert not [other for other in names if other != name and other in text]
        assert "<script" not in text
        assert "http" not in text.replace("http-equiv", "")
    assert "<b>Lov" not in (marked[1] / "class.html").read_text("utf-8")

"""A class is marked, kept, taken up again, and written as tables and pages."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from chainrule.marking.assignments.assignment import assignment_at, load_assignment, shipped
from chainrule.marking.classes import classroom
from chainrule.marking.classes.classroom import Kept, as_text, from_text, in_json, mark_class
from chainrule.marking.classes.reports.counting import found_in
from chainrule.marking.classes.reports.written import (
    class_json,
    write_reports,
    write_reports_of_all,
)
from chainrule.marking.classes.submissions import find_submissions
from chainrule.marking.result import Demonstration, Marked, PartResult, Shown

RIGHT = (shipped()["custom"] / "solution" / "swish.py").read_text("utf-8")
BUGS = {"Ada <b>Lovelace": ("dx = dy *", "dx = -dy *"), "Bob": ("", "")}
EXERCISE = """
[assignment]
name = "lab"
files = ["swish.py"]

[[part]]
name = "backward"
credit = 5
reference = true
call = "y, (dx, dbeta) = swish.forward(x, beta), swish.backward(dy, x, beta)"
returns = { y = "y", dx = "dx", dbeta = "dbeta" }
gradients.dx = { of = "y", by = "x", upstream = "dy" }

[[part.probe]]
name = "four cases"
inputs = { x = "rng.normal(size=(4, 2))", beta = "1.5", dy = "rng.normal(size=(4, 2))" }
"""


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """The submissions of a small class."""
    folder = tmp_path_factory.mktemp("class") / "lab"
    for name, (old, new) in BUGS.items():
        (folder / name).mkdir(parents=True)
        text = RIGHT.replace(old, new, 1) if old else RIGHT
        (folder / name / "swish.py").write_text(text, "utf-8")
    (folder / "Eve").mkdir()
    (folder / "Eve" / "notes.txt").write_text("to be done")
    with zipfile.ZipFile(folder / "Mallory.zip", "w") as archive:
        archive.writestr("../swish.py", RIGHT)
    return folder


@pytest.fixture(scope="module")
def exercise(tmp_path_factory):
    """The folder of a small assignment."""
    folder = tmp_path_factory.mktemp("exercise")
    (folder / "assignment.toml").write_text(EXERCISE)
    (folder / "solution").mkdir()
    (folder / "solution" / "swish.py").write_text(RIGHT)
    return folder


@pytest.fixture(scope="module")
def marked(handed_in, exercise, tmp_path_factory):
    """The class, marked and written."""
    folder = tmp_path_factory.mktemp("marked")
    assignment = load_assignment(exercise)
    submissions = find_submissions(handed_in, assignment.files)
    found = mark_class(assignment, submissions, folder / "r", jobs=1)
    write_reports(found, folder)
    return found, folder


def by_name(found):
    return {kept.marked.student: kept.marked for kept in found.results}


@pytest.mark.exhaustive
def test_each_has_what_is_due(marked):
    one = by_name(marked[0])
    assert one["Bob"].earned == one["Bob"].credit
    assert one["Ada _b_Lovelace"].earned == 0
    assert one["Ada _b_Lovelace"].parts[0].bugs == ("sign@dx",)
    assert one["Eve"].earned == one["Mallory"].earned == 0
    assert "outside its folder" in one["Mallory"].parts[0].lines[0]


class Recorded(classroom._Pool):
    """Marks nobody, and keeps who would have been."""

    asked: ClassVar[list[str]] = []

    def run(self, left):
        self.asked += [one.student for one, _ in left]
        for one, own in left:
            yield one, own, Kept(classroom.not_marked(self.assignment, one.student, ""), "", "")


def test_only_what_changed_is_marked_again(handed_in, exercise, marked, tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "_Pool", Recorded)
    monkeypatch.setattr(Recorded, "asked", [])
    place, results = tmp_path / "in", tmp_path / "r"
    shutil.copytree(marked[1] / "r", results)
    shutil.copytree(handed_in, place)

    def again(assignment=marked[0].assignment, **options):
        Recorded.asked.clear()
        submissions = find_submissions(place, assignment.files)
        found = mark_class(assignment, submissions, results, **options)
        assert found.marked_now == len(Recorded.asked)
        return list(Recorded.asked)

    assert again() == []
    (place / "Eve" / "swish.py").write_text(RIGHT)
    (results / "Bob.json").write_text("{ half")
    assert again() == ["Bob", "Eve"]
    assert again() == []
    assert len(again(again=True)) == 4
    shutil.copytree(exercise, tmp_path / "lab")
    assert again(load_assignment(tmp_path / "lab")) == []
    (tmp_path / "lab" / "notes.txt").write_text("changed")
    assert len(again(load_assignment(tmp_path / "lab"))) == 4


def test_results_are_read_back_as_they_were(marked):
    for kept in marked[0].results:
        assert from_text(as_text(kept)) == kept
    assert from_text("[1]") is None
    assert from_text(b"\xff") is None


def test_the_tables_have_everybody(marked):
    with (marked[1] / "class.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == ["Ada _b_Lovelace", "Bob", "Eve", "Mallory"]
    assert rows[0]["backward bug"] == "sign@dx"
    found = json.loads((marked[1] / "class.json").read_text("utf-8"))
    most = found["students"][1]["points"]
    assert [one["points"] for one in found["students"]] == [most - 5, most, 0, 0]
    who = {one["kind"]: one["students"] for one in found["bugs"]}
    assert who == {"sign": ["Ada _b_Lovelace"], "refused": ["Eve", "Mallory"]}


def test_who_is_marked_alone_stands_in_the_table_of_all(marked, handed_in, tmp_path):
    shutil.copytree(marked[1] / "r", tmp_path / "results")
    everybody = find_submissions(handed_in, marked[0].assignment.files)
    bob = replace(marked[0], results=marked[0].results[1:2])
    assert write_reports_of_all(bob, everybody, tmp_path) == 4
    assert (tmp_path / "class.csv").read_bytes() == (marked[1] / "class.csv").read_bytes()
    (tmp_path / "results" / "Eve.json").unlink()
    assert write_reports_of_all(bob, everybody, tmp_path) == 3
    assert "Eve" not in (tmp_path / "class.csv").read_text("utf-8")


def test_a_bug_counts_once_a_student(marked):
    assert [(one.kind, one.students) for one in found_in(marked[0])] == [
        ("refused", ("Eve", "Mallory")),
        ("sign", ("Ada _b_Lovelace",)),
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


def test_the_page_says_what_was_found_and_shows_it(marked):
    text = (marked[1] / "students" / "Ada _b_Lovelace.html").read_text("utf-8")
    assert "<strong>∂y/∂x has the wrong sign.</strong>" in text
    assert text.count('class="matrix"') >= 2
    assert "class=off" in text


def test_what_shows_a_bug_of_a_reference_is_a_call_that_was_made(marked):
    """A solution is not asked for other inputs than those of its probes."""
    (ada, *_), (part,) = marked[0].results, marked[0].assignment.parts
    (probe,) = part.program.probes
    shown, call = ada.marked.parts[0].demonstration, probe.calls[0]
    assert {one.name for one in shown.given} == {"x", "beta", "dy"}
    for one in shown.given:
        assert np.array_equal(np.ravel(one.rows), np.ravel(call[one.name]))
    right = part.program.functions["solution"]("dx", call["case"])
    assert np.allclose(shown.expected.rows, right)
    assert np.allclose(shown.found.rows, -right)


def test_a_fault_of_the_marker_costs_one_submission_and_is_told(monkeypatch, tmp_path):
    def broken(*arguments, **options):
        raise RuntimeError("out of order")

    monkeypatch.setattr(classroom, "mark_handed_in", broken)
    messages = iter(
        [
            {"assignment": str(shipped()["custom"]), "trusted": False},
            {"student": "Ada", "path": str(tmp_path)},
        ]
    )
    sent = []
    with pytest.raises(StopIteration):
        classroom._work(lambda: next(messages), sent.append)
    assert sent == [{"failed": "the marker failed: RuntimeError: out of order"}]


def test_lines_of_hidden_parts_are_not_shown(tmp_path):
    assignment = assignment_at(Path("custom"))
    hidden = replace(assignment, parts=(replace(assignment.parts[0], is_hidden=True),))
    (tmp_path / "swish.py").write_text("x = 1\ny = 2\n")
    found = PartResult("forward", "1a", 4, 0, "not run", file="swish.py", line=2)
    one = Marked("Ada", (found,), "limits", 0.0)
    (excerpt,) = classroom._excerpts(assignment, one, tmp_path)
    assert (excerpt.first, excerpt.lines) == (1, ("x = 1", "y = 2"))
    assert not list(classroom._excerpts(hidden, one, tmp_path))


def test_kinds_are_counted_once_a_student_and_by_place(marked):
    def result(*bugs, status="wrong"):
        return PartResult("gradients", "", 5, 0, status, bugs)

    def of(student, *parts):
        return Kept(Marked(student, parts, "", 0.0), "x", "y")

    found = found_in(
        replace(
            marked[0],
            results=(
                of("Ada", result("sum@db1 + unexplained@dW1"), result("sum@db1")),
                of("Bob", result("sum@db2", "other@db2"), result("late", status="not run")),
                of("Eve", result("sum@db2"), result("sum@db1", status="charged before")),
            ),
        )
    )
    assert [(one.kind, one.students, one.places) for one in found] == [
        ("sum", ("Ada", "Bob", "Eve"), (("sum@db1", 2), ("sum@db2", 2))),
        ("late", ("Bob",), (("late", 1),)),
        ("unexplained", ("Ada",), (("unexplained@dW1", 1),)),
    ]


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_marking_that_is_stopped_goes_on_where_it_was(tmp_path, exercise, number):
    for k in range(12):
        (tmp_path / "in" / f"s{k:02}").mkdir(parents=True)
        text = RIGHT if k % 2 else f"{RIGHT}# {k}"
        (tmp_path / "in" / f"s{k:02}" / "swish.py").write_text(text)
    words = [sys.executable, "-m", "chainrule", "mark", str(exercise), "in", "--jobs", "1"]
    started = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    results = tmp_path / "in-marked" / "results"
    while not results.is_dir() or len(list(results.glob("*.json"))) < 3:
        time.sleep(0.02)
    started.send_signal(number)
    started.communicate(timeout=20)
    assert started.returncode == {signal.SIGINT: 130}.get(number, -number)
    kept = {path.name: path.stat().st_mtime_ns for path in results.glob("*.json")}
    assert 3 <= len(kept) < 12
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "5 of 5" in ended.stdout
    assert len(list(results.glob("*.json"))) == 12
    assert {name: (results / name).stat().st_mtime_ns for name in kept} == kept


def test_a_large_class_with_odd_texts_is_written(marked, tmp_path):
    """Demonstrations have many brackets, and a submission may say what no file can hold."""
    row = Shown("W1", "", ((float("nan"), 1.0),) * 2)
    shown = Demonstration("a \udce9", (row,), row, row)
    part = PartResult("backward", "\x1b[2J", 5, 0, "wrong", ("x",), (), ("\udce9 <b>",), (), shown)
    many = [Kept(Marked(f"s{k}", (part,), "", 0.0), "x", "y") for k in range(2)]
    large = replace(marked[0], results=tuple(many))
    assert len(json.loads(class_json(large))["students"]) == 2
    assert len(in_json([[]] * 200_000)) > 200_000  # more brackets than a run's file may have
    write_reports(replace(large, results=large.results[:1]), tmp_path)
    kept = from_text(as_text(many[0]))
    assert kept.marked.parts[0].lines == ("\udce9 <b>",)
    text = (tmp_path / "students" / "s0.html").read_text("utf-8")
    assert "\x1b" not in text
    assert "<b>" not in text

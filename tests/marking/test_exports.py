"""What a grading system reads of a submission: its form, and what is kept back of hidden parts."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from chainrule.marking.assignments.assignment import shipped
from chainrule.marking.assignments.templates import write_assignment
from chainrule.marking.classes.exports import FORMS, MOST_TEXT, export, write_export
from chainrule.marking.result import Marked, PartResult

SECRET = "a hint of the hidden part"


def part(name, earned, status, *lines, bugs=()):
    """A part of four points."""
    return PartResult(name, f"the {name}", 4.0, earned, status, bugs, (), lines)


MARKED = Marked(
    "ann",
    (
        part("loss", 4.0, "right"),
        part("gradients", 0.0, "wrong", "1/N is missing.", "To see it: take N = 1.", bugs=("x",)),
        part("unseen", 0.0, "wrong", SECRET, bugs=("hidden_bug",)),
    ),
    "namespaces",
    2.2,
)

ASSIGNMENT = SimpleNamespace(
    parts=[
        SimpleNamespace(name=name, is_hidden=name == "unseen")
        for name in ("loss", "gradients", "unseen")
    ]
)


def test_gradescope_shows_a_hidden_part_when_results_are_published():
    found = export("gradescope", MARKED, ASSIGNMENT, ["neuralNet.py was taken"])
    assert found["execution_time"] == 3
    assert found["stdout_visibility"] == "hidden"
    assert found["output"] == "4 of 8 points; 1 hidden part besides.\nneuralNet.py was taken"
    assert "score" not in found  # the sum of the tests is the score
    right, wrong, hidden = found["tests"]
    assert (right["score"], right["max_score"], right["status"]) == (4.0, 4.0, "passed")
    assert wrong["output"] == "1/N is missing.\n\nTo see it: take N = 1."
    assert (wrong["visibility"], wrong["status"], wrong["tags"]) == ("visible", "failed", ["x"])
    assert (hidden["visibility"], hidden["tags"]) == ("after_published", [])


def test_otter_has_a_box_of_the_public_tests_first():
    summary, *questions = export("otter", MARKED, ASSIGNMENT)["tests"]
    assert summary["name"] == "Public Tests"
    assert summary["status"] == "failed"
    assert SECRET not in summary["output"]
    assert [q["visibility"] for q in questions] == ["visible", "visible", "hidden"]
    assert sum(q["score"] for q in questions) == 4.0


def test_prairielearn_is_told_nothing_of_a_hidden_part_but_its_points():
    found = export("prairielearn", MARKED, ASSIGNMENT)
    assert found["gradable"] is True
    assert found["score"] == pytest.approx(1 / 3)
    assert SECRET not in json.dumps(found)
    assert "hidden_bug" not in json.dumps(found)
    assert [test["max_points"] for test in found["tests"]] == [4.0, 4.0, 4.0]


def test_prairielearn_takes_no_attempt_for_what_could_not_be_tried():
    lines = ("neuralnet.py is missing.",)
    parts = tuple(part(name, 0.0, "not run", *lines) for name in ("loss", "gradients"))
    found = export("prairielearn", Marked("ann", parts, "", 0.1), ASSIGNMENT)
    assert found == {"gradable": False, "format_errors": ["neuralnet.py is missing."]}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_small_and_plain_json(form, tmp_path):
    long = Marked("ann", (part("loss", 0.0, "wrong", "x" * 10 * MOST_TEXT),), "", float("1e-9"))
    write_export(form, long, ASSIGNMENT, tmp_path / "results" / "results.json")
    text = (tmp_path / "results" / "results.json").read_text("utf-8")
    assert len(text) < 4 * MOST_TEXT
    json.loads(text, parse_constant=pytest.fail)


def test_bad_arguments_write_nothing(command, folder):
    out = folder / "results.json"
    (folder / "work").mkdir()
    for arguments, expected in (
        (("work", "--format", "gradescop", "--out", out), "did you mean 'gradescope'?"),
        (("work", "--format", "otter"), "--out"),
        (("none", "--format", "otter", "--out", out), "no such file or folder"),
        (("work", "--format", "otter", "--out", folder), "this is a folder"),
        (("work", "--format", "otter", "--out", out, "--again"), "--again"),
    ):
        done = command("mark", "HLCV", *arguments)
        assert (done.status, expected in done.err) == (2, True), done.err
    assert not out.exists()


@pytest.mark.exhaustive
def test_a_container_marks_by_the_two_scripts(tmp_path):
    root = tmp_path / "autograder"
    write_assignment(shipped()["HLCV"], root / "source")
    assert os.access(root / "source" / "setup.sh", os.X_OK)
    (root / "submission").mkdir(parents=True)
    text = (root / "source" / "solution" / "two_layernet.py").read_text("utf-8")
    (root / "submission" / "two_layernet.py").write_text(text, "utf-8")
    (root / "venv" / "bin").mkdir(parents=True)
    program = root / "venv" / "bin" / "chainrule"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chainrule "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [root / "source" / "run_autograder"],
        env={**os.environ, "AUTOGRADER_ROOT": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((root / "results" / "results.json").read_text("utf-8"))
    assert all(test["score"] == test["max_score"] for test in found["tests"])

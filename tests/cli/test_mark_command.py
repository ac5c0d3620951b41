"""``chainrule mark``."""

import re
from pathlib import Path

import pytest

from chainrule.marking.assignments.assignment import shipped

RIGHT = (shipped()["custom"] / "solution" / "swish.py").read_text("utf-8")


def hand_in(name, text=RIGHT):
    path = Path("in") / name
    path.mkdir(parents=True)
    (path / "swish.py").write_text(text, "utf-8")


@pytest.mark.exhaustive
def test_a_class_is_marked_and_told(command, folder):
    hand_in("Ada", RIGHT.replace("dx = dy *", "dx ="))
    outcome = command("mark", "custom", "in", "--jobs", 1)
    assert (outcome.status, outcome.err) == (0, "")
    assert re.search(r"Ada +3 +0 +0 +3 of 10 +no_upstream@dx", outcome.out)
    assert Path("in-marked/class.csv").is_file()
    assert Path("in-marked/students/Ada.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["HLVC", "in"],
            "HLVC: no such file or folder; expected a folder that holds an assig",
        ),
        (["HLCV", "out"], "out: no such file or folder\n"),
        (["HLCV", "in", "--only", "Adda"], "chainrule: unknown student 'Adda'; did you mean 'Ada"),
        (["HLCV", "in", "--out", "in/x"], "in/x: results would lie among the submissions; name"),
        (["HLCV", "in", "--out", "file"], "file: this is a file; results go into a folder\n"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(command, folder, arguments, message):
    hand_in("Ada")
    Path("file").write_text("")
    outcome = command("mark", *arguments)
    assert outcome.status == 2
    assert outcome.err.startswith(message)
    assert sorted(p.name for p in Path().iterdir()) == ["file", "in"]


def test_nobody_is_marked_by_an_assignment_that_its_own_solution_fails(command, folder):
    hand_in("Ada")
    command("assignment", "init", "custom", "lab")
    path = Path("lab/solution/swish.py")
    path.write_text(RIGHT.replace("beta -= rate", "beta += rate"), "utf-8")
    outcome = command("mark", "lab", "in")
    assert outcome.status == 2
    assert outcome.err.startswith("lab/assignment.toml: fit: your solution does not pass this")
    assert not Path("in-marked").exists()

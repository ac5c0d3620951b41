"""``chainrule assignment init`` and ``chainrule assignment check``."""

import re
from pathlib import Path

import pytest

from chainrule.marking.assignments.assignment import shipped


def test_an_assignment_is_written_and_passes_its_check(command, folder):
    outcome = command("assignment", "init", "Custom", "lab")
    assert outcome.status == 0
    assert outcome.out.endswith("written to lab; now: chainrule assignment check lab\n")
    outcome = command("assignment", "check", "lab")
    assert (outcome.status, outcome.err) == (0, "")
    assert "NOT RIGHT" not in outcome.out


def test_files_that_are_there_are_replaced_only_by_force(command, folder):
    Path("HLCV").mkdir()
    Path("HLCV/assignment.toml").write_text("mine")
    outcome = command("assignment", "init", "HLCV")
    assert outcome.status == 2
    assert outcome.err == "HLCV/assignment.toml: this file exists; --force replaces it\n"
    assert [p.name for p in Path("HLCV").iterdir()] == ["assignment.toml"]
    assert command("assignment", "init", "HLCV", "--force").status == 0
    assert Path("HLCV/assignment.toml").read_text("utf-8") != "mine"


def test_a_name_that_is_none_says_which_there_are(command, folder):
    outcome = command("assignment", "init", "HLVC")
    assert outcome.status == 2
    assert "unknown assignment 'HLVC'; did you mean 'HLCV'" in outcome.err


def test_a_solution_that_is_wrong_ends_in_1(command, folder):
    command("assignment", "init", "custom", "lab")
    path = Path("lab/solution/swish.py")
    path.write_text(path.read_text("utf-8").replace("dx = dy *", "dx = 2 * dy *"), "utf-8")
    outcome = command("assignment", "check", "lab")
    assert outcome.status == 1
    assert "backward: your solution does not pass" in outcome.out
    assert "dx is not the gradient of y with respect to x" in outcome.out


def test_a_solution_that_is_missing_is_said(command, folder):
    command("assignment", "init", "HLCV", "lab")
    Path("lab/solution/two_layernet.py").unlink()
    outcome = command("assignment", "check", "lab")
    assert outcome.status == 2
    assert "your solution has no such file" in outcome.err


def test_programs_say_what_a_part_may_use(command, folder):
    assert "convolution" in command("assignment", "programs").out
    out = command("assignment", "programs", "softmax_layer").out
    assert "inputs: dout, x" in out
    assert re.search(r"\d+ bugs are known", out)
    assert "options: name = …" in command("assignment", "programs", "elementwise").out
    outcome = command("assignment", "programs", "convolutoin")
    assert outcome.status == 2
    assert "did you mean 'convolution'?" in outcome.err


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", shipped())
def test_every_shipped_assignment_passes_its_check(command, folder, name):
    assert command("assignment", "check", name).status == 0

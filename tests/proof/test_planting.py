"""Planted bugs can still be planted, and their accounts are read rightly."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from proof.bugs import BUGS, NAMES, Bug, Edit
from proof.kills import Verdict, in_turn, summary
from proof.planting import NotFoundError, edited, planted, planted_sources

ROOT = Path(__file__).parents[2]


def test_there_are_as_many_as_are_promised_and_no_name_twice():
    assert len(BUGS) >= 42
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_bug_still_finds_its_place_and_leaves_python(bug):
    for source in planted_sources(bug).values():
        ast.parse(source)
    assert set(bug.harmless) < set(NAMES)


@pytest.mark.parametrize("source", ["a = 1", "x = 2\nx = 2"])
def test_a_text_that_is_not_there_once_is_an_error(source):
    with pytest.raises(NotFoundError, match=r"some\.py has"):
        edited(Edit("some.py", "x = 2", "x = 3"), source)


def test_a_copy_holds_the_bug_and_the_package_does_not():
    bug = next(bug for bug in BUGS if bug.name == "ascent")
    with planted(bug) as folder:
        text = (folder / "chainrule" / "training/optimizers/rules.py").read_text(encoding="utf-8")
    assert bug.edits[0].new in text
    assert not folder.exists()


def test_the_short_form_takes_only_activations_that_are_harmed():
    chosen = list(in_turn())
    assert len(chosen) >= 10
    assert all(name not in bug.harmless for bug, (name,) in chosen)


BUG = Bug("a bug", (), harmless={"linear": "it has no effect"})


@pytest.mark.parametrize(
    ("killers", "same", "holds", "said"),
    [
        ({"tanh": "test_a", "linear": None}, {"linear"}, True, "1 of 1 killed, 1 change no bit"),
        ({"tanh": None, "linear": None}, {"linear"}, False, "survived: a bug (tanh)"),
        ({"tanh": "test_a", "linear": None}, set(), False, "not harmless: a bug (linear)"),
    ],
)
def test_a_survivor_and_a_false_excuse_are_told(killers, same, holds, said):
    text, found = summary([Verdict(BUG, killers, frozenset(same), 1.0, {})])
    assert found is holds
    assert said in text


def test_only_what_make_test_runs_counts_as_a_killer(tmp_path):
    text = "import pytest\ndef test_a(): pass\n@pytest.mark.exhaustive\ndef test_b(): assert 0\n"
    (tmp_path / "test_some.py").write_text(text)
    program = (
        "import sys; from pathlib import Path; from proof import battery; "
        "battery.TESTS = Path(sys.argv[1]); print(battery.run_tests(['test_some.py'], ()))"
    )
    words = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
    (tmp_path / "test_some.py").write_text(text.replace("exhaustive", "usual"))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "test_some.py::test_b" in done.stdout

"""The submissions that the marker is tried on are what their index says, and are read rightly."""

import ast
import tomllib

import pytest
from proof.marking import Named, Outcome, figures, marked
from proof.submitted import FOLDER, SETS, Submission, submissions

ALL = submissions()


def test_there_are_as_many_as_are_promised_and_no_name_twice():
    counts = {kind: sum(one.set == kind for one in ALL) for kind in SETS}
    assert counts["single"] >= 60
    assert counts["pairs"] >= 30
    assert counts["right"] >= 60
    courses = {one.course for one in ALL if one.set == "single"}
    assert courses == {"HLCV", "NTNU", "CMU", "PSU", "ASU", "FUNCTIONS"}
    assert len({one.path for one in ALL}) == len(ALL)


def test_every_folder_is_in_an_index():
    folders = {path.relative_to(FOLDER).parts[:2] for path in FOLDER.rglob("*.py")}
    assert {one.base for one in ALL} == {FOLDER.joinpath(*parts) for parts in folders}
    for index in FOLDER.glob("*.toml"):
        assert set(tomllib.loads(index.read_text("utf-8"))) <= {"right", "bug", "check"}


@pytest.mark.parametrize("course", ["HLCV", "FUNCTIONS"])
def test_an_edit_finds_its_place_and_leaves_another_program(course):
    _look_at_edits([one for one in ALL if one.course == course][::5])


@pytest.mark.exhaustive
def test_every_edit_finds_its_place_and_leaves_another_program():
    _look_at_edits(ALL)


def _look_at_edits(chosen):
    for one in chosen:
        found = {file: ast.dump(ast.parse(text)) for file, text in one.sources().items()}
        if one.edits:
            base = {file: ast.dump(ast.parse((one.base / file).read_text())) for file in found}
            assert found != base, one.path


ONE = Submission(
    "single", "HLCV", "a", FOLDER, "plain", ("a bug",), (("no_mean", "left_out@db1: *slope*"),)
)


@pytest.mark.parametrize(
    ("named", "is_named"),
    [
        (Named("no_mean", "anything"), True),
        (Named("no_mean@dW1"), False),
        (Named("left_out@db1", "the slope is missing"), True),
        (Named("left_out@db1", "the mean is missing"), False),
    ],
)
def test_a_name_counts_by_its_pattern_and_its_words(named, is_named):
    assert Outcome(ONE, (named,), True, (), 0.0).is_named(1) is is_named
    assert not Outcome(ONE, (Named("other"), named), True, (), 0.0).is_named(1)


def test_a_missed_bug_and_an_accused_one_are_told():
    right = Submission("right", "HLCV", "b", FOLDER, "plain", ("nothing",))
    found = [Outcome(ONE, (), True, (), 0.0), Outcome(right, (), True, (), 0.0)]
    told = {line.claim: line for line in figures(found)}
    assert "not single/HLCV/a" in told["the right bug named first"].measured
    assert told["right but unusual, accused"].measured == "1 of 1; not right/HLCV/b"
    assert not told["right but unusual, accused"].holds


@pytest.mark.exhaustive
def test_a_sample_is_marked_as_it_should_be():
    found = [marked(one) for one in ALL[::25]]
    assert not [one.submission.path for one in found if one.costs and not one.submission.kinds]
    missed = [one.submission.path for one in found if not one.is_good]
    assert len(missed) <= 2, missed

"""Parts that are not judged as a whole: bounds, what waits, and shares of the credit."""

import numpy as np
import pytest

from chainrule.marking.assignments.assignment import Part
from chainrule.marking.assignments.bounds import judged_by_bounds, shared_credit, waiting
from chainrule.marking.program import Line, Probe, Program
from chainrule.marking.result import PartResult
from chainrule.marking.sandbox.running import Calls, Limits, Returned, Trouble

PROGRAM = Program(
    "two",
    (Line("y", "2 * x", "y", "forward"), Line("dx", "2 + 0 * x", "dx", "backward")),
    (),
    (Probe("one", "", ({"x": np.arange(3.0)},)),),
)
CALLS = Calls(("f",), "", "pass", {"y": "y", "dx": "dx"})


def part(**options):
    return Part("p", "P", 4.0, CALLS, PROGRAM, ("y", "dx"), **options)


def returned(**values):
    return {"one": [Returned({k: np.asarray(v, float) for k, v in values.items()})]}


@pytest.mark.parametrize(
    ("values", "faults", "expected"),
    [
        ({"y": [0, 2, 4], "dx": [2, 2, 2]}, 0, 4.0),
        ({"y": [0, 2, 4], "dx": [1, 1, 1]}, 0, 2.0),
        ({"y": [0, 2, 4]}, 0, 2.0),
        ({"y": [0, 2, 4], "dx": [2, 2, 2]}, 1, 2.0),
        ({"y": [0, 0, 0]}, 1, 0.0),
    ],
)
def test_each_right_array_has_its_share(values, faults, expected):
    assert shared_credit(part(), returned(**values), (), faults) == expected


@pytest.mark.parametrize(
    ("value", "bounds", "status", "said"),
    [
        (0.95, (0.9, 1.0), "right", ()),
        (0.9, (0.9, float("inf")), "right", ()),
        (0.5, (0.9, 1.0), "wrong", ("y is 0.5; it must be from 0.9 to 1.",)),
        (0.5, (0.9, float("inf")), "wrong", ("y is 0.5; it must be at least 0.9.",)),
        (2.0, (-float("inf"), 1.0), "wrong", ("y is 2; it must be at most 1.",)),
        (float("nan"), (0.9, 1.0), "wrong", ("y is nan; it must be from 0.9 to 1.",)),
        ([1, 1], (0.9, 1.0), "wrong", ("y must be one number, from 0.9 to 1; yours has 2.",)),
    ],
)
def test_a_number_must_lie_between(value, bounds, status, said):
    found = judged_by_bounds(part(bounds={"y": bounds}), returned(y=value))
    assert (found.status, found.lines, found.earned) == (status, said, 4.0 * (status == "right"))


def test_a_hidden_part_says_no_number_and_no_text_of_the_submission():
    hidden = part(bounds={"y": (0.9, 1.0)}, is_hidden=True)
    assert judged_by_bounds(hidden, returned(y=0.5)).lines == ("y is not from 0.9 to 1.",)
    answers = {"one": [Returned(trouble=Trouble("error", "ValueError: 0.5"))]}
    assert judged_by_bounds(hidden, answers).lines == ("It ended without a number.",)
    shown = judged_by_bounds(part(bounds={"y": (0.9, 1.0)}), answers)
    assert (shown.status, shown.earned) == ("not run", 0.0)
    assert "ValueError: 0.5" in shown.lines[0]


def test_a_part_that_did_not_end_says_its_limit():
    late = {"one": [Returned(trouble=Trouble("time"))]}
    one = part(bounds={"y": (0.0, 1.0)}, limits=Limits(seconds=3))
    assert judged_by_bounds(one, late).lines == ("It did not end within 3 s.",)


def test_a_part_waits_for_what_it_needs():
    before = [PartResult("a", "1a", 1, 0, "wrong"), PartResult("b", "1b", 1, 1, "right")]
    late = waiting(part(needs=("a", "b")), before)
    assert late.lines == ("This part is marked once these are right: 1a.",)
    assert (late.status, late.earned) == ("not run", 0.0)
    assert waiting(part(needs=("b",)), before) is None


def test_what_is_measured_is_computed_of_what_came_back_and_of_the_inputs():
    one = part(bounds={"error": (0.0, 0.5)}, measures={"error": "np.abs(y - 2 * x).max()"})
    assert judged_by_bounds(one, returned(y=[0, 2, 4])).status == "right"
    found = judged_by_bounds(one, returned(y=[0, 2, 5]))
    assert (found.status, found.lines) == ("wrong", ("error is 1; it must be from 0 to 0.5.",))
    late = {"one": [Returned(trouble=Trouble("time"))]}
    assert judged_by_bounds(one, late).lines == ("It did not end within 10 s.",)

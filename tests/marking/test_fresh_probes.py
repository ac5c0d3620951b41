"""A submission that knows the answers of all probes by heart is not taken for right."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from chainrule.marking.assignments.assignment import load_assignment
from chainrule.marking.deciding.fresh import BY_HEART, fresh_probes, seed_of
from chainrule.marking.marking import mark_parts, mark_submission

NAMES = ("W1", "b1", "W2", "b2")
ASSIGNMENTS = Path(__file__).parents[2] / "assignments"


@lru_cache
def assignment(name):
    return load_assignment(ASSIGNMENTS / name)


def learned(part):
    """A network that gives the probabilities of the part's own probes, and of no other input."""
    lines = ["import numpy as np", "KNOWN = {}"]
    for probe in part.program.probes:
        for case, values in zip(probe.calls, part.program.run(probe), strict=True):
            known = np.asarray(values["p"]).tolist()
            nan = "from numpy import nan, inf" if "nan" in repr(known) else ""
            key = b"".join(np.asarray(case[k], float).tobytes() for k in ("X", *NAMES))
            lines.append(f"{nan}\nKNOWN[{key!r}] = np.array({known!r})")
    return (
        "\n".join(lines)
        + """
class TwoLayerNet:
    def __init__(self, inputs, hidden, outputs, std=1):
        self.params = {"W1": np.zeros((inputs, hidden)), "b1": np.zeros(hidden),
                       "W2": np.zeros((hidden, outputs)), "b2": np.zeros(outputs)}
    def loss(self, X, y=None, reg=0.0):
        arrays = X, *(self.params[name] for name in ("W1", "b1", "W2", "b2"))
        known = KNOWN.get(b"".join(np.asarray(a, float).tobytes() for a in arrays))
        return np.zeros((len(X), 3)) if known is None else known
"""
    )


def test_answers_that_are_known_by_heart_earn_nothing(tmp_path):
    part = assignment("HLCV").parts[0]
    (tmp_path / "two_layernet.py").write_text(learned(part), "utf-8")
    found = mark_parts([part], tmp_path).parts[0]
    assert (found.status, found.earned, found.bugs) == ("wrong", 0.0, (BY_HEART.name,))
    assert any("next to them" in line for line in found.lines)


def test_fresh_inputs_follow_from_the_files_alone(tmp_path):
    program = assignment("HLCV").parts[0].program
    seeds = []
    for text in ("x = 1\n", "x = 1\n", "x = 2\n"):
        (tmp_path / "mine.py").write_text(text, "utf-8")
        seeds.append(seed_of(tmp_path, ("mine",)))
    assert seeds[0] == seeds[1] != seeds[2]
    one, same, other = (next(fresh_probes(program, seed)).calls[0]["X"] for seed in seeds)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    known = program.probes[0].calls[0]["X"]
    np.testing.assert_allclose(one, known, rtol=0.011)
    assert not (one == known).any()


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["HLCV", "PSU", "ASU", "CMU", "NTNU", "custom"])
def test_the_solutions_are_right_for_fresh_inputs_too(name):
    found = mark_submission(assignment(name), ASSIGNMENTS / name / "solution")
    assert found.earned == found.credit

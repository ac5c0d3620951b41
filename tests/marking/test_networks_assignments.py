"""HLCV, NTNU, PSU: a change of their solution is named; what the texts leave open is not."""

import shutil
from pathlib import Path

import pytest

from chainrule.marking.assignments.assignment import load_assignment
from chainrule.marking.marking import mark_submission

ASSIGNMENTS = Path(__file__).parents[2] / "assignments"

BUGS = {
    "update_sign": ("HLCV", "-= learning_rate", "+= learning_rate", "train"),
    "reg_not_passed": ("HLCV", "y[chosen], reg", "y[chosen]", "train"),
    "decay_each_step": ("HLCV", "it % epoch == 0", "True", "train"),
    "labels_of_other_cases": ("HLCV", "y[chosen], reg", "y[:batch_size], reg", "train"),
    "mask_from_delta": ("HLCV", "(z1 > 0)", "(d2 @ W2.T > 0)", "gradients"),
    "least_probable": ("HLCV", "argmax(self", "argmin(self", "predict"),
    "brackets_missing@1e-5": ("PSU", "/ (2 * eps)", "/ 2 * eps", "1a numeric gradients"),
    "theta_moved": ("PSU", "array[at] = kept\n", "pass\n", "1a numeric gradients"),
    "batch_too_short": (
        "PSU",
        "X[start:end], y[start:end]",
        "X[start:end-1], y[start:end-1]",
        "1a minibatch",
    ),
    "outputs_swapped": (
        "PSU",
        "return scores, np.exp(log_softmax(scores))",
        "return np.exp(log_softmax(scores)), scores",
        "1a predict",
    ),
    "formula_at_z@tanh": ("NTNU", "1 - np.tanh(z) ** 2", "1 - z**2", "no hidden layer"),
    "diagonal_softmax": (
        "NTNU",
        "(J - (J * self.y).sum(axis=1, keepdims=True))",
        "J * (1 - self.y)",
        "no hidden layer",
    ),
}
"""For each bug: the course, what is changed of its solution, and the part that loses points."""

FILES = {"HLCV": "two_layernet.py", "PSU": "common.py", "NTNU": "network.py"}

RIGHT = {
    "relu′(0) = 1": ("HLCV", ("(z1 > 0)", "(z1 >= 0)")),
    "half the squares": (
        "HLCV",
        ("+ reg * (np", "+ reg / 2 * (np"),
        ("2 * reg * W", "reg * W"),
    ),
    "softmax without a shift": (
        "HLCV",
        ("np.exp(z2 - z2.max(axis=1, keepdims=True))", "np.exp(z2)"),
        (
            "log_p = z2 - z2.max(axis=1, keepdims=True) - np.log(e.sum(axis=1, keepdims=True))",
            "log_p = np.log(p)",
        ),
    ),
    "half the sum of the squared errors": (
        "NTNU",
        ("((y - t) ** 2).mean() if", "((y - t) ** 2).sum() / 2 / len(y) if"),
        ("2 * (y - t) / y.size", "(y - t) / len(y)"),
    ),
}
"""What the texts leave open, or do not ask for: the course, and the changes of its solution."""


def marked(course, folder, *changes):
    shutil.copytree(ASSIGNMENTS / course / "solution", folder, dirs_exist_ok=True)
    file = folder / FILES[course]
    text = file.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, "utf-8")
    return mark_submission(load_assignment(ASSIGNMENTS / course), folder)


@pytest.mark.parametrize("bug", ["update_sign"])
def test_a_bug_is_named_and_costs_its_part_alone(bug, tmp_path):
    course, old, new, name = BUGS[bug]
    found = marked(course, tmp_path, (old, new))
    lost = [part for part in found.parts if part.earned < part.credit]
    assert [part.name for part in lost] == [name]
    assert lost[0].bugs[0].startswith(bug)


@pytest.mark.exhaustive
@pytest.mark.parametrize("bug", BUGS)
def test_every_bug_is_named(bug, tmp_path):
    test_a_bug_is_named_and_costs_its_part_alone(bug, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("choice", RIGHT)
def test_what_the_text_leaves_open_costs_nothing(choice, tmp_path):
    course, *changes = RIGHT[choice]
    found = marked(course, tmp_path, *changes)
    assert found.earned == found.credit

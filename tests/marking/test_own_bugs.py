"""A teacher's own bugs: solutions that have them, beside the right one."""

import pytest

from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.marking.assignments.assignment import FILE, load_assignment, shipped
from chainrule.marking.assignments.checking import require_right
from chainrule.marking.marking import mark_submission

RIGHT = (shipped()["custom"] / "solution" / "swish.py").read_text("utf-8")
WRONG = RIGHT.replace("s + beta * x * slope", "s + x * slope")

EXERCISE = """\
[assignment]
name = "lab"
files = ["swish.py"]

[[part]]
name = "backward"
credit = 5
reference = true
call = "y, (dx, dbeta) = swish.forward(x, beta), swish.backward(dy, x, beta)"
returns = { y = "y", dx = "dx", dbeta = "dbeta" }
judged = ["dx", "dbeta"]
gradients.dx = { of = "y", by = "x", upstream = "dy" }

[[part.probe]]
name = "four cases"
inputs = { x = "rng.normal(size=(4, 2))", beta = "1.5", dy = "rng.normal(size=(4, 2))" }

[[part.bug]]
name = "no_beta"
title = "β is left out"
sentence = "The inner function βx has the derivative β."
solution = "bugs/no_beta"
values = ["dx"]
"""


@pytest.fixture
def exercise(tmp_path):
    """The folder of an assignment with a bug of its own."""
    for place, text in (("solution", RIGHT), ("bugs/no_beta", WRONG)):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "swish.py").write_text(text, "utf-8")
    (tmp_path / FILE).write_text(EXERCISE, "utf-8")
    return tmp_path


def handed_in(folder, text):
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "swish.py").write_text(text, "utf-8")
    (found,) = mark_submission(load_assignment(folder), folder / "in").parts
    return found


def test_whoever_has_the_bug_is_told_the_teachers_words(exercise):
    require_right(load_assignment(exercise))
    other = WRONG.replace("s = sigmoid(beta * x)", "s = 0.5 + 0.5 * np.tanh(beta * x / 2)")
    found = handed_in(exercise, other)
    assert found.bugs == ("no_beta",)
    assert found.lines[0] == "β is left out. The inner function βx has the derivative β."
    both = handed_in(exercise, WRONG.replace("dbeta = np", "dbeta = -np"))
    assert sorted(both.bugs[0].split(" + ")) == ["no_beta", "sign@dbeta"]
    assert handed_in(exercise, RIGHT).status == "right"


def test_a_bug_whose_solution_returns_nothing_is_refused_before_a_class_is_marked(exercise):
    (exercise / "bugs" / "no_beta" / "swish.py").write_text("def forward(x, beta: return", "utf-8")
    with pytest.raises(ChainruleError, match="no_beta: the solution gives no 'y'"):
        require_right(load_assignment(exercise))


def test_what_is_wrong_with_a_bug_is_said_at_its_line(exercise):
    text = EXERCISE.replace("bugs/no_beta", "bugs/none")
    text = text.replace('values = ["dx"]', 'values = ["dz"]')
    (exercise / FILE).write_text(text + EXERCISE[EXERCISE.index("[[part.bug]]") :], "utf-8")
    with pytest.raises(ConfigError) as error:
        load_assignment(exercise)
    said = [str(problem).removeprefix(f"{exercise / FILE}:") for problem in error.value.problems]
    assert said == [
        "22:12: there is no bugs/none/swish.py",
        "23:11: unknown value 'dz'. Known: y, dx, dbeta",
        "25:8: a bug 'no_beta' stands above already",
    ]

"""What is wrong with an assignment.toml is said with line, column and what was meant."""

from dataclasses import replace

import pytest

from chainrule.core.errors import ConfigError
from chainrule.marking.assignments.assignment import (
    FILE,
    assignment_at,
    digest_of,
    load_assignment,
    modules_of,
    shipped,
)
from chainrule.marking.assignments.checking import _left, _of_hidden

TEXT = """\
[assignment]
name = "lab"
files = ["net.py"]

[[part]]
name = "loss"
credit = 2
program = "classifier"
call = \"\"\"
loss, grads = net.loss(X, y, W1, b1, W2, b2, reg)
\"\"\"
returns = { loss = "loss" }

[[part]]
name = "gradients"
credit = 3
program = "classifier"
options = { hidden = 1 }
call = "loss, grads = net.loss(X, y, W1, b1, W2, b2, reg)"
returns = { loss = "loss", dW1 = "grads['W1']" }
judged = ["dW1"]
charged = ["penalty"]
needs = ["loss"]
"""


def said(folder, text):
    """The problems of a text, without the file's name."""
    (folder / FILE).write_text(text, "utf-8")
    with pytest.raises(ConfigError) as error:
        load_assignment(folder)
    return [str(p).removeprefix(f"{folder / FILE}:") for p in error.value.problems]


def test_a_file_is_read_with_its_defaults(tmp_path):
    (tmp_path / FILE).write_text(TEXT, "utf-8")
    found = load_assignment(tmp_path)
    assert (found.title, found.imports, found.solution) == (
        "lab",
        ("numpy",),
        tmp_path / "solution",
    )
    loss, gradients = found.parts
    assert (loss.judged, loss.calls.modules) == (("loss",), ("net",))
    assert (loss.limits.seconds, loss.is_hidden, loss.hint) == (10.0, False, "full")
    assert (gradients.judged, gradients.charged) == (("dW1",), ("penalty",))
    assert gradients.needs == ("loss",)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("credit = 2", "points = 2", "7:1: unknown key 'points'"),
        ("credit = 2\n", "", "5:1: missing key 'credit' (the points that it is worth)"),
        ("credit = 2", "credit = -2", "7:10: credit must be a finite number of at least 0"),
        ('"classifier"', '"clasifier"', "8:11: unknown program 'clasifier'; did you mean 'class"),
        (
            "hidden = 1",
            "hiden = 1",
            "18:13: unknown option 'hiden'; did you mean 'hidden'?",
        ),
        ('{ loss = "loss" }', '{ los = "loss" }', "12:13: unknown value 'los'; did you mean 'lo"),
        ("grads['W1']", "grad['W1']", "20:34: unknown name 'grad'; did you mean 'grads'?"),
        ('X, y, W1, b1, W2, b2, reg)\n"', 'X, y, V1)\n"', "10:1: unknown name 'V1'"),
        ("loss, grads = net", "loss grads = net", "10:1: this is no Python: invalid syntax"),
        ('judged = ["dW1"]', 'judged = ["dW2"]', "21:11: unknown value 'dW2'; did you mean 'dW1"),
        ('["penalty"]', '["penlty"]', "22:12: unknown convention 'penlty'; did you mean 'penal"),
        ('needs = ["loss"]', 'needs = ["los"]', "23:10: unknown part 'los'; did you mean 'loss'"),
        ('name = "gradients"', 'name = "loss"', "15:8: a part 'loss' stands above already"),
        ('["net.py"]', '["../net.py"]', "3:10: expected the name of a file within the submiss"),
        ('["net.py"]', '["my net.py"]', "3:10: Python cannot import a file of the name 'my ne"),
        ("credit = 2", "credit = 2\nhint = 'all'", "8:8: unknown level of hint 'all'. Known: fu"),
        ("credit = 2", "credit = two", "7:10: this is no TOML: Invalid value"),
        ('program = "classifier"\ncall', "call", "6:8: part 'loss': missing key 'program'"),
        ("credit = 2", "credit = 2\nreference = true", "8:13: a part has a program or a refere"),
        ("credit = 2", "credit = 2\nbounds = { loss = [2, 1] }", "8:19: loss must be a lower and"),
    ],
    ids=lambda value: value[:24] if value[:1].isdigit() else "",
)
def test_what_is_wrong_is_said_at_its_place(tmp_path, old, new, expected):
    problems = said(tmp_path, TEXT.replace(old, new, 1))
    assert [p for p in problems if p.startswith(expected)], problems


REFERENCE = """\
[assignment]
name = "lab"
files = ["f.py"]
[[part]]
name = "f"
credit = 1
reference = true
call = "y = f.f(x)"
returns = { y = "y" }
[[part.probe]]
name = "one"
inputs = { x = "rng.normal(size=3)", dy = "np.ones(3)" }
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("rng.normal(size=3)", "rgn.normal(size=3)", "12:16: unknown name 'rgn'; did you mean"),
        ("rng.normal(size=3)", "rng.normal(size=3", "12:16: this is no Python"),
        ("rng.normal(size=3)", "dy", "12:16: unknown name 'dy'"),
        ("rng.normal(size=3)", "'abc' + 1", "12:16: this gives no numbers"),
        ('call = "y = f.f(x)"', 'call = "y = f.f(z)"', "8:8: unknown name 'z'"),
        ("reference = true", "reference = true\nprogram = 'full'", "7:13: a part has a program"),
        ("[[part.probe]]", "[[part.probes]]", "10:1: unknown key 'probes'; did you mean 'probe'"),
        ('returns = { y = "y" }', 'returns = { y = "y" }\ngradients.y = { of = "y", by = "w" }',
         "10:32: unknown input 'w'"),
        ("x = ", "'my x' = ", "12:12: 'my x' is no name of Python's"),
    ],
    ids=["name", "bracket", "later", "no numbers", "call", "both", "key", "by", "identifier"],
)  # fmt: skip
def test_inputs_are_tried_when_they_are_read(tmp_path, old, new, expected):
    problems = said(tmp_path, REFERENCE.replace(old, new, 1))
    assert [p for p in problems if p.startswith(expected)], problems


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_lines(tmp_path):
    problems = said(tmp_path, TEXT.replace("credit", "points").replace('"lab"', "3"))
    assert [p.split(":")[0] for p in problems] == ["2", "5", "7", "14", "16"]


def test_a_folder_that_is_none_names_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab3").mkdir()
    with pytest.raises(ConfigError, match=r"lab: no such file or folder.*did you mean 'lab3'"):
        load_assignment(tmp_path / "lab")
    with pytest.raises(ConfigError, match=r"lab3/assignment\.toml: no such file"):
        load_assignment(tmp_path / "lab3")


def test_a_course_is_known_by_its_name_in_any_case():
    from pathlib import Path

    assert assignment_at(Path("hlcv")).name == "HLCV"


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_assignment_is_read(name):
    assert load_assignment(shipped()[name]).parts


def test_files_that_are_no_modules_are_not_imported():
    assert modules_of(["a.py", "b/c.py", "answers.txt"]) == ("a", "b.c")


def test_the_digest_follows_every_file(tmp_path):
    (tmp_path / FILE).write_text(TEXT, "utf-8")
    first = digest_of(load_assignment(tmp_path))
    assert digest_of(load_assignment(tmp_path)) == first
    (tmp_path / "notes.txt").write_text("x")
    assert digest_of(load_assignment(tmp_path)) != first


def test_a_hidden_part_whose_calls_another_part_shows_is_warned_of(tmp_path):
    (tmp_path / FILE).write_text(TEXT, "utf-8")
    assignment = load_assignment(tmp_path)
    loss, gradients = assignment.parts
    hidden = replace(loss, is_hidden=True)
    (warning,) = _of_hidden(replace(assignment, parts=(hidden, gradients)), hidden)
    assert warning == "loss is hidden, but gradients shows numbers of the same calls"
    assert not list(_of_hidden(assignment, loss))
    silent = replace(gradients, calls=replace(gradients.calls, returns={"dW1": "grads['W1']"}))
    assert not list(_of_hidden(replace(assignment, parts=(hidden, silent)), hidden))
    other = replace(gradients, program=replace(gradients.program, probes=()))
    assert not list(_of_hidden(replace(assignment, parts=(hidden, other)), hidden))


def test_bugs_that_any_part_tells_apart_are_not_called_alike():
    assignment = load_assignment(shipped()["NTNU"])
    titles = [v.title for v in assignment.parts[0].program.variations if not v.is_convention]
    one = next(title for title in titles if title.startswith("W of layer 1 is missing in"))
    other = next(title for title in titles if title.startswith("W of layer 1 is left out"))
    assert not list(_left(assignment, [(one, other)]))
    alone = replace(assignment, parts=assignment.parts[:1])
    assert list(_left(alone, [(one, other, one)])) == [(one, other)]

"""The program of nine arguments: its lines, its bugs, how its files are read, its marking."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from chainrule.marking.assignments.assignment import assignment_at
from chainrule.marking.marking import mark_submission
from chainrule.marking.program import Variation, is_same
from chainrule.marking.programs.descent import descent
from chainrule.marking.sandbox.running import Limits, Returned
from chainrule.marking.training_files import read_files
from chainrule.marking.training_runs import start_of_random

SOLUTION = Path(__file__).parents[2] / "assignments" / "CMU" / "solution" / "neuralnet.py"

WRITTEN = (
    "train_losses",
    "validation_losses",
    "train_labels",
    "validation_labels",
    "train_error",
    "validation_error",
    "shuffled",
)

ALIKE = {
    ("no_label@db", "not_trained@beta"),
    ("formula_at_z", "not_trained@alpha"),
    ("wrong_activation", "z_for_a@dbeta"),
}
"""Bugs that give the same numbers from zeros: α never moves, z is 0 or ŷ is 1/10 for ever."""

METRICS = (
    "epoch=1 crossentropy(train): 2.5\n"
    "epoch=1 crossentropy(validation): 2.25\n"
    "error(train): 0.5\n"
    "error(validation): 0.75\n"
)


def numbers(*variations):
    """Everything that a program with some bugs writes in all probes from zeros."""
    program = descent()
    found = {}
    for probe in program.probes:
        for k, values in enumerate(program.run(probe, variations)):
            names = (line.name for line in program.lines if line.name.startswith("form_"))
            for name in (*WRITTEN, *names, "start"):
                if name in values:
                    found[probe.name, k, name] = np.asarray(values[name], float)
    return found


def same(one, other):
    """Whether two programs write the same."""
    return one.keys() == other.keys() and all(is_same(one[key], other[key], 1e-6) for key in one)


@pytest.mark.exhaustive
def test_every_bug_writes_something_of_its_own():
    program = descent()
    bugs = {v.name: numbers(v) for v in program.variations if not v.is_convention}
    right = numbers()
    assert not [name for name, found in bugs.items() if same(found, right)]
    pairs = {pair for pair in combinations(bugs, 2) if same(bugs[pair[0]], bugs[pair[1]])}
    assert pairs <= ALIKE


def test_the_lines_train_as_the_board_says():
    program = descent(("one case",))
    (values,) = program.run(program.probes[0])
    # one step from zeros: ŷ is 1/10 everywhere, z is 1/2, so b moves by rate · (y − ŷ)(1 + D/4)
    moved = 0.5 * (np.eye(10)[3] - 0.1) * (1 + 2 / 4)
    expected = np.log(np.exp(moved).sum()) - moved[3]
    assert values["train_losses"][0] == pytest.approx(expected, rel=1e-12)


def test_wrong_labels_can_be_seen_in_both_files():
    program = descent(("told apart",))
    (right,) = program.run(program.probes[0])
    train, validation = right["train_labels"], right["validation_labels"]
    assert set(train) == set(validation) == {2, 5, 7}
    assert len(train) != len(validation)
    assert list(train[: len(validation)]) != list(validation)
    assert 0 < right["train_error"] != right["validation_error"] > 0
    for p in (right["p_train"], right["p_validation"]):
        first, second = np.sort(p, axis=1)[:, :-3:-1].T
        assert (first - second).min() > 0.3  # rounding decides no label


def test_a_fault_of_the_back_pass_reaches_all_later_numbers():
    program = descent(("epochs",))
    bug = Variation("bug", "", "", "", {"da": "dz"})
    (right,), (wrong,) = program.run(program.probes[0]), program.run(program.probes[0], (bug,))
    assert not is_same(wrong["train_losses"], right["train_losses"], 1e-6)
    assert not is_same(wrong["validation_losses"], right["validation_losses"], 1e-6)


def files(metrics=METRICS, train="3\n0\n", validation="1\n"):
    """What a run left behind."""
    return {
        "metrics_out.txt": metrics,
        "train_out.labels": train,
        "validation_out.labels": validation,
    }


def test_files_in_the_right_form():
    written = read_files(files())
    assert written.faults == set()
    assert dict(written.losses) == {"train": [2.5], "validation": [2.25]}
    assert dict(written.errors) == {"train": [0.5], "validation": [0.75]}
    assert written.labels["train"].tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (files(METRICS.replace("epoch=1", "epoch = 1")), "form_spaces"),
        (files(METRICS.replace(": 2.5", ":2.5")), "form_spaces"),
        (files(METRICS.replace("crossentropy", "cross entropy loss")), "form_words"),
        (files(METRICS.replace("error(train)", "train error")), "form_words"),
        (files(METRICS.replace("2.5\n", "[2.5]\n")), "form_number"),
        (files(METRICS.replace("2.5\n", "np.float64(2.5)\n")), "form_number"),
        (files("results\n" + METRICS), "form_extra"),
        (files(METRICS.replace("epoch=1", "epoch=0")), "form_from_zero"),
        (files(METRICS.replace("error(train): 0.5\n", "")), "form_lines"),
        (files("".join(METRICS.splitlines(keepends=True)[::-1])), "form_order"),
        (files(METRICS.replace("\n", "\r\n")), "form_ends"),
        (files(METRICS.rstrip("\n")), "form_last_end"),
        (files(train="3.0\n0.0\n"), "form_labels"),
        (files(train="3, 0\n"), "form_labels"),
        (files(train="3\n0"), "form_labels_end"),
    ],
)
def test_an_odd_form_is_named_and_its_numbers_are_read(given, fault):
    written = read_files(given)
    assert written.faults == {fault}
    assert written.losses["train"] == [2.5]
    assert written.labels["train"].tolist() == [3.0, 0.0]


def test_blank_lines_cost_nothing():
    given = files(METRICS.replace("error(train)", "\nerror(train)"), train="3\n0\n\n")
    assert read_files(given).faults == set()


def test_missing_files_are_named():
    assert read_files({}).faults == {"form_metrics_file", "form_labels_files"}


def drawn(width, bias=0.0, positive=False, alpha=True, seed=0):
    """What runs from RANDOM would write at rate 0."""
    rng = np.random.default_rng(seed)
    probe = descent(("random start",)).probes[0]
    low = 0.0 if positive else -width
    found = []
    for case in probe.calls:
        d, m = case["hidden"], case["train"].shape[1] - 1
        w = rng.uniform(low, width, (d, m)) * (alpha and case["init"] == 1)
        v = rng.uniform(low, width, (10, d)) * (case["init"] == 1)
        c = rng.uniform(-bias, bias, 10) if case["init"] == 1 else np.zeros(10)
        values = {}
        for name, x in (("train", np.zeros(m)), ("validation", np.ones(m))):
            b = c + v @ (1 / (1 + np.exp(-(w @ x))))
            values[f"{name}_losses"] = np.array([np.log(np.exp(b).sum()) - b.mean()])
        found.append(Returned(values))
    return start_of_random(probe, found)


@pytest.mark.parametrize("seed", range(20))
def test_a_start_as_asked_for_is_right(seed):
    assert drawn(0.1, seed=seed) == 0.0


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ({"width": 0.0}, 1.0),
        ({"width": 0.1, "alpha": False}, 2.0),
        ({"width": 0.1, "positive": True}, 3.0),
        ({"width": 1.0}, 4.0),
        ({"width": 0.01}, 5.0),
        ({"width": 0.1, "bias": 0.1}, 6.0),
    ],
)
def test_another_start_is_seen(start, code):
    assert drawn(**start) == code


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Marks the solution with some texts replaced."""
    whole = assignment_at(Path("CMU"))

    def mark(*changes, seconds=None):
        parts = whole.parts
        if seconds is not None:
            parts = tuple(replace(part, limits=Limits(seconds=seconds)) for part in parts)
        assignment = replace(whole, parts=parts)
        folder = tmp_path_factory.mktemp("submission")
        text = SOLUTION.read_text("utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / "neuralnet.py").write_text(text, "utf-8")
        found = mark_submission(assignment, folder, trust=True)
        return {part.name: part for part in found.parts}, found.earned

    return mark


def test_the_points_are_those_of_the_course():
    assert sum(part.credit for part in assignment_at(Path("CMU")).parts) == 56


@pytest.mark.exhaustive
def test_a_fault_costs_the_part_in_which_it_shows(marked):
    parts, earned = marked((" * z[0, 1:] * (1.0 - z[0, 1:])", ""))
    assert parts["steps"].bugs[0] == "no_slope@da"
    assert parts["steps"].earned == 0
    assert earned == 40


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("old", "new", "part", "name"),
    [
        ("rng.uniform(-0.1, 0.1,", "rng.uniform(-1, 1,", "start", "too_wide"),
        ("    made[:, 0] = 0.0\n", "", "start", "random_biases"),
        ("labels]).mean()", "labels]).sum()", "losses", "no_mean@losses"),
        ("predicted != truth", "predicted == truth", "errors", "accuracy@errors"),
        ('f"{label}\\n"', 'f"{label + 1}\\n"', "labels", "labels_shifted@labels"),
        ("label in predicted)", "label in predicted[::-1])", "labels", "reversed@labels"),
        ("label in predicted)", "label in sorted(predicted))", "labels", "sorted@labels"),
        ("(predicted != truth)", "(predicted != truth[:, None])", "errors", "error_over_pairs"),
        ("rows[:, 1:]]), rows", "np.trunc(rows[:, 1:])]), rows", "unseen", "cut_to_integers"),
        ("epoch={epoch} ", "Epoch {epoch}: ", "files", "form_words"),
    ],
)
def test_bugs_are_named_in_their_part(marked, old, new, part, name):
    parts, _ = marked((old, new))
    assert name in parts[part].bugs
    assert [p.name for p in parts.values() if p.earned == 0] == [part]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("if init == RANDOM else", "if init != RANDOM else", "flags_swapped"),
        (" if init == RANDOM else np.zeros((rows, columns))", "", "always_random"),
    ],
)
def test_a_training_that_nobody_can_foresee_earns_nothing(marked, old, new, name):
    parts, earned = marked((old, new))
    assert parts["start"].bugs == (name,)
    assert parts["steps"].status == "not run"
    assert earned == parts["files"].credit


@pytest.mark.exhaustive
def test_shuffling_is_seen_without_a_number_that_could_be_foreseen(marked):
    parts, earned = marked(
        (
            "        for case, label in zip",
            "        order = rng.permutation(len(x))\n        for case, label in zip",
        ),
        ("zip(x, labels, strict=True)", "zip(x[order], labels[order], strict=True)"),
    )
    assert parts["epochs"].bugs == ("shuffled",)
    assert earned == 46


@pytest.mark.exhaustive
def test_labels_of_a_shuffled_copy_cost_their_part_alone(marked):
    parts, earned = marked(("label in predicted)", "label in rng.permutation(predicted))"))
    assert parts["labels"].earned == 0
    assert parts["labels"].bugs == ("unexplained@train_labels + unexplained@validation_labels",)
    assert earned == 52


@pytest.mark.exhaustive
def test_nothing_is_guessed_of_what_an_unknown_training_predicts(marked):
    parts, earned = marked((" * z[0, 1:] * (", " * z[0, 1:] ** 1.37 * ("))
    assert parts["steps"].earned == 0
    assert earned == 40
    named = [name for part in parts.values() for bugs in part.bugs for name in bugs.split(" + ")]
    assert all(name.startswith("unexplained@") for name in named)


@pytest.mark.exhaustive
def test_a_run_that_never_ends_costs_no_more_than_its_limits(marked):
    parts, earned = marked(
        ("def read(path):", "def read(path):\n    while True: pass\n"), seconds=1
    )
    assert earned == 0
    assert {part.status for name, part in parts.items() if name != "files"} == {"not run"}
    assert "does not end within its time" in parts["files"].lines[0]


@pytest.mark.exhaustive
def test_the_solution_has_all_points(marked):
    parts, earned = marked()
    assert earned == 56
    assert all(not part.bugs for part in parts.values())

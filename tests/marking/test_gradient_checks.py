"""A student's own gradient check is tried on right and on wrong gradients."""

import pytest

from chainrule.core.errors import ConfigError
from chainrule.marking.own import gradient_checks as checks
from chainrule.marking.own.gradient_checks import judge_check, judge_numeric
from chainrule.marking.sandbox.tiers import Unsafe

NUMERIC = """
import numpy as np

def numeric(f, x, h=1e-5):
    n = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        old = x[at]
        x[at] = old + h
        above = f(x)
        x[at] = old - h
        below = f(x)
        x[at] = old
        n[at] = {rule}
    return n
"""
RULE = "(above - below) / (2 * h)"
GOOD = """
def check(f, x, g):
    n = numeric(f, x)
    return np.linalg.norm(n - g) <= 1e-6 * (np.linalg.norm(n) + np.linalg.norm(g))
"""


def judged(folder, check, rule=RULE, parameters=("f", "x", "g")):
    (folder / "mine.py").write_text(NUMERIC.format(rule=rule) + check, "utf-8")
    return judge_check(folder, "mine", "check", parameters)


def test_a_good_check_is_called_good(tmp_path):
    report = judged(tmp_path, GOOD)
    assert report.right, str(report)
    assert "refuses each of 17 wrong gradients" in str(report)


def test_what_a_good_check_cannot_see_is_advice(tmp_path):
    absolute = "def check(f, x, g):\n    return np.abs(numeric(f, x) - g).max() < 1e-6"
    report = judged(tmp_path, absolute)
    assert report.right
    assert "of a loss of 1e-7 wrong gradients pass" in str(report)
    assert "of a loss of 1e6 it refuses" in str(report)


@pytest.mark.parametrize(
    ("rule", "check", "cause"),
    [
        ("above - below / (2 * h)", GOOD, "needs its brackets"),
        ("(above - below) / (2 * h); x[at] += h", GOOD, "does not put every number back"),
        ("(f(x) - f(x)) / (2 * h)", GOOD, "numeric gradient is 0"),
        ("(above - below) / 2 * h", GOOD, "needs its brackets"),
        (RULE, GOOD.replace("1e-6", "1e-2"), "tolerance is too wide"),
        (
            RULE,
            "def check(f, x, g):\n    return not np.abs(numeric(f, x) - g).max() > 1e-4",
            "NaN",
        ),
        (
            RULE,
            "def check(f, x, g):\n    return abs((numeric(f, x) - g).sum()) < 1e-6",
            "cancel",
        ),
        (
            RULE,
            "def check(f, x, g):\n    return abs(numeric(f, x)[0, 0] - g[0, 0]) < 1e-6",
            "every",
        ),
        (RULE, "def check(f, x, g):\n    return np.abs(g - g).max() < 1e-6", "passes everything"),
    ],
)
def test_what_is_wrong_with_a_check_is_said(tmp_path, rule, check, cause):
    assert cause in str(judged(tmp_path, check, rule))


def test_a_check_may_take_a_function_answer_by_a_number_or_print(tmp_path):
    number = """
def check(grad_f, f, theta):
    n, g = numeric(f, theta), grad_f(theta)
    return np.linalg.norm(n - g) / (np.linalg.norm(n) + np.linalg.norm(g))
"""
    printed = """
def check(f, x, g):
    if np.linalg.norm(numeric(f, x) - g) <= 1e-6 * np.linalg.norm(g):
        print("CORRECT")
    else:
        print("WRONG")
"""
    assert judged(tmp_path, number, parameters=("grad_f", "f", "theta")).right
    assert judged(tmp_path, printed).right


def test_a_check_that_cannot_be_called_is_reported_with_what_is_expected(tmp_path):
    with pytest.raises(ConfigError, match=r"check\(f, x, g\): a function"):
        judged(tmp_path, "def check(a, b, c, d, e): pass", parameters=tuple("abcde"))


@pytest.mark.parametrize(
    ("rule", "cause"),
    [
        (RULE, ""),
        ("(above - f(x)) / h", "Go both ways"),
        ("(above - below) / 2 * h", "brackets"),
        ("(above - below) / (2 * h); x[at] += h", "put every number back"),
    ],
)
def test_a_numeric_gradient_of_ones_own_is_held_against_the_true_one(tmp_path, rule, cause):
    (tmp_path / "mine.py").write_text(NUMERIC.format(rule=rule), "utf-8")
    report = judge_numeric(tmp_path, "mine", "numeric", ("f", "x"))
    assert report.right == (not cause)
    assert cause in str(report)


@pytest.mark.parametrize(("judge", "parameters"), [(judge_check, "fxg"), (judge_numeric, "fx")])
def test_only_trusted_checks_run_without_a_sandbox(tmp_path, monkeypatch, judge, parameters):
    asked = []

    def refusing(*arguments, trust):
        asked.append(trust)
        raise Unsafe("no sandbox")

    monkeypatch.setattr(checks, "ask", refusing)
    for trust in (False, True):
        with pytest.raises(Unsafe):
            judge(tmp_path, "mine", "check", parameters, trust=trust)
    assert asked == [False, True]

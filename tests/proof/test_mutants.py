"""How mutants are counted: what was not killed is never counted as killed."""

from pathlib import Path

import pytest
from proof.mutants import GROUPS, KILLED, NEVER, QUICK, SURVIVED, TESTS, summary

ROOT = Path(__file__).parents[2]


def found(killed, *others):
    return {f"m_{k}": end for k, end in enumerate([KILLED] * killed + [*others])}


def test_at_least_95_in_a_hundred_are_killed():
    assert summary(found(95, *[SURVIVED] * 5))[1]
    assert not summary(found(94, *[SURVIVED] * 6))[1]
    assert summary(found(90, *[SURVIVED] * 10), 0.9)[1]


@pytest.mark.parametrize("end", ["timed out", "uncovered", "ended with 99"])
def test_what_ended_otherwise_is_not_killed(end):
    measured, holds = summary(found(94, *[end] * 6))
    assert measured.startswith("94.0% of 100")
    assert not holds


def test_all_counts_are_published():
    measured, _ = summary(found(7, SURVIVED, "timed out", "uncovered", "ended with 99"))
    assert measured.endswith("7 killed, 1 survived, 1 timed out, 1 uncovered, 1 otherwise")


def test_without_a_mutant_nothing_holds():
    assert not summary({})[1]


def test_modules_and_tests_are_there():
    assert set(QUICK) < set(TESTS)
    source = ROOT / "src" / "chainrule"
    for group in GROUPS:
        assert all((source / f"{module}.py").is_file() for module in group.modules)
        assert all((ROOT / "tests" / test).exists() for test in group.tests)


def test_no_module_is_mutated_twice():
    named = [module for group in GROUPS for module in group.modules]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("test", NEVER)
def test_what_is_never_run_is_there(test):
    file, name = test.split("::")
    assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")

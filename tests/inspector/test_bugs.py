"""Planted bugs: each changes something where it is offered, and nothing before it."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bug_networks import NETWORKS
from random_networks import as_json
from test_engine_against_python import held_as_told

from chainrule.core.arrays import Array
from chainrule.explain.lesson import in_float64
from chainrule.inspector.bugs import BUGS, bugs_for
from chainrule.inspector.check import gradient_check
from chainrule.inspector.passes import recorded
from chainrule.inspector.record import Record
from javascript import needs_node, run

SEED = 1
CHECK = Path(__file__).parent / "page" / "check_finds.mjs"


def some(*fast: str) -> list[Any]:
    """All networks, of which those that are not named are tried by `make test-all` alone."""
    slow = pytest.mark.exhaustive
    return [name if name in fast else pytest.param(name, marks=slow) for name in NETWORKS]


@cache
def right(name: str) -> Record:
    """The record of a network without bugs."""
    network, x, t = NETWORKS[name]()
    made = in_float64(network)
    return recorded(made, *made.prepare(x, t), seed=SEED)


@cache
def offered(name: str) -> dict[str, Record]:
    """The records of a network with each bug that is offered."""
    found = right(name)
    return {
        bug.name: recorded(found.network, found.x, found.t, seed=SEED, bugs=[_Noted(bug)])
        for bug in bugs_for(found)
    }


class _Noted:
    """A bug that notes how many arrays were there when it first replaced something."""

    def __init__(self, bug):
        self.bug = bug
        self.before: int | None = None

    def wrong(self, stage: str, record: Record, k: int, right: Array) -> Array | None:
        found = self.bug.wrong(stage, record, k, right)
        if found is not None and self.before is None:
            self.before = len(record.entries)
        return found


def differing(a: Record, b: Record) -> list[str]:
    """The keys of the arrays that differ, in order."""
    return [key for key in a.entries if not np.array_equal(a[key], b[key], equal_nan=True)]


def largest_change(a: Record, b: Record) -> float:
    """By how much the gradients of the parameters and of the input differ."""
    keys = [key for key in a.entries if key.endswith("_grad") or key == "input.J"]
    return max(float(np.abs(a[key] - b[key]).max()) for key in keys)


@pytest.mark.exhaustive
def test_every_bug_is_offered_somewhere():
    assert {bug.name for name in NETWORKS for bug in bugs_for(right(name))} == set(BUGS)
    assert len(BUGS) >= 20


@pytest.mark.parametrize("name", some("regression"))
def test_a_bug_changes_numbers_and_none_before_it(name):
    for bug, record in offered(name).items():
        changed = differing(right(name), record)
        assert changed, bug
        (planted,) = record.bugs
        assert planted.before is not None, bug
        before = list(record.entries)[: planted.before]
        assert not set(changed).intersection(before), bug
        assert record.loss == right(name).loss
        assert largest_change(right(name), record) > 1e-6, bug


@pytest.mark.parametrize("name", some("regression"))
def test_a_bug_that_is_not_offered_changes_no_gradient(name):
    found = right(name)
    for bug in BUGS.values():
        if bug.name not in offered(name):
            record = recorded(found.network, found.x, found.t, seed=SEED, bugs=[bug])
            assert largest_change(found, record) < 1e-14, bug.name


@pytest.mark.parametrize("name", some("regression"))
def test_the_gradient_check_finds_every_bug_and_accuses_nothing_else(name):
    assert {row.verdict for row in gradient_check(right(name))} == {"right"}
    for bug, record in offered(name).items():
        wrong = [row.key for row in gradient_check(record) if row.verdict == "wrong"]
        assert wrong, bug
        assert set(wrong) <= set(differing(right(name), record)), bug


@needs_node
@pytest.mark.parametrize("name", some("words"))
def test_the_page_has_the_same_wrong_rules(name):
    planted = {bug: as_json(record) | {"bugs": [bug]} for bug, record in offered(name).items()}
    held_as_told({"none": as_json(right(name))} | planted)


@needs_node
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", NETWORKS)
def test_the_check_of_the_page_finds_every_bug_and_accuses_nothing_else(name):
    planted = {bug: as_json(record) | {"bugs": [bug]} for bug, record in offered(name).items()}
    asked = {"none": as_json(right(name))} | planted
    found = dict(zip(asked, run(CHECK, [*asked.values()]), strict=True))
    assert {row["verdict"] for row in found.pop("none")} == {"right"}
    for bug, rows in found.items():
        wrong = [row["key"] for row in rows if row["verdict"] == "wrong"]
        assert wrong, bug
        assert set(wrong) <= set(differing(right(name), offered(name)[bug])), bug

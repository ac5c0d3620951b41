"""Planted bugs in random networks: the same in the page, and found by the check."""

from pathlib import Path

import numpy as np
import pytest
from random_networks import as_json, drawn, told
from test_engine_against_python import held_as_told

from chainrule.explain.lesson import in_float64
from chainrule.inspector.bugs import BUGS, bugs_for
from chainrule.inspector.check import gradient_check
from chainrule.inspector.passes import recorded
from chainrule.inspector.record import Bug, FirstStep, Record
from javascript import needs_node, run

CHECK = Path(__file__).parent / "page" / "check_finds.mjs"

pytestmark = pytest.mark.exhaustive


def record_of(seed: int, *bugs: Bug) -> Record:
    """The record of a random network with bugs."""
    made = drawn(seed)
    network = in_float64(made.network)
    weights = network.prepare_weights(made.weights, len(made.x))
    step = FirstStep(made.rule, made.scale, made.most)
    x, t = network.prepare(made.x, made.t)
    return recorded(network, x, t, weights, step=step, seed=seed, bugs=bugs)


def change(a: Record, b: Record) -> float:
    """By how much the gradients of the parameters and of the input differ."""
    keys = [key for key in a.entries if key.endswith("_grad") or key == "input.J"]
    return max(float(np.abs(a[key] - b[key]).max()) for key in keys)


@pytest.mark.parametrize("seed", range(28))
def test_the_check_finds_what_is_offered_and_accuses_nothing_else(seed):
    right = record_of(seed)
    assert "wrong" not in {row.verdict for row in gradient_check(right)}
    offered = bugs_for(right)
    for bug in BUGS.values():
        record = record_of(seed, bug)
        if bug not in offered:
            assert change(right, record) < 1e-13, bug.name
            continue
        wrong = {row.key for row in gradient_check(record) if row.verdict == "wrong"}
        assert wrong or change(right, record) < 1e-13, bug.name
        for key in wrong:
            assert not np.array_equal(right[key], record[key]), bug.name


@needs_node
@pytest.mark.parametrize("seed", range(28))
def test_the_page_has_the_same_wrong_rules(seed):
    planted = {
        bug.name: as_json(record_of(seed, bug)) | {"bugs": [bug.name]}
        for bug in bugs_for(record_of(seed))
    }
    held_as_told(planted)


@needs_node
def test_the_check_of_the_page_accuses_nothing_that_is_right():
    for seed, rows in enumerate(run(CHECK, [told(seed) for seed in range(70)])):
        assert not {row["verdict"] for row in rows} & {"wrong", "unsure"}, seed

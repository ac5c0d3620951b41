"""What the fuzzers' totals say."""

from __future__ import annotations

import pytest
from proof.fuzz import total
from proof.fuzz.targets import TARGETS
from proof.fuzz.total import READERS, WANTED, Outcome, add, judged, totals


def figures(enough, findings=0):
    names = list(TARGETS)
    found = {name: {"executions": WANTED if k < enough else 5} for k, name in enumerate(names)}
    found[names[0]]["last run found"] = findings
    return found


@pytest.mark.parametrize(
    ("enough", "findings", "holds"),
    [(READERS, 0, True), (READERS - 1, 0, False), (len(TARGETS), 1, False), (0, 0, False)],
)
def test_enough_readers_and_no_finding(enough, findings, holds):
    words, found = judged(figures(enough, findings))
    assert found is holds
    assert words.startswith(f"{enough} of {len(TARGETS)} (millions: ")
    assert words.endswith(f"); open findings: {findings}")


def test_executions_add_up_and_a_finding_is_open_until_a_run_without(tmp_path, monkeypatch):
    monkeypatch.setattr("proof.line.FOLDER", tmp_path)
    add("npz", Outcome(WANTED, 7, ""), 1.0)
    add("npz", Outcome(10, 5, "a traceback"), 1.0)
    kept = totals()["npz"]
    assert (kept["executions"], kept["edges"], kept["findings"]) == (WANTED + 10, 7, 1)
    assert f"1 of {len(TARGETS)} (" in total.stored(total.NAME).measured
    assert "open findings: 1" in total.stored(total.NAME).measured
    add("npz", Outcome(1, 1, ""), 1.0)
    assert totals()["npz"]["findings"] == 1
    assert "open findings: 0" in total.stored(total.NAME).measured

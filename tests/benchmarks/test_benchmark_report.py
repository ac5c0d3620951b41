"""The tables made of stored results."""

import pytest
from benchmarks.ceilings import ceiling
from benchmarks.report import MARKERS, best_peer, page, put_between_markers, ratio, snippet
from benchmarks.results import load, store

SECONDS = {
    "chainrule compiled": {"1": [1e-6, 3e-6, 2e-6], "2": [5e-6, 5e-6, 5e-6]},
    "chainrule numpy": {"1": [1e-5, 1e-5, 1e-5], "2": [2e-5, 2e-5, 2e-5]},
    "torch eager": {"1": [9e-6, 9e-6, 9e-6], "2": [6e-6, 6e-6, 6e-6]},
    "NumPy": {"1": [4e-6, 4e-6, 4e-6], "2": [4e-6, 5e-6, 5e-6]},
}
WORKLOAD = {
    "description": "2-100-3, relu, batch 300, L2, float64",
    "operations": 20_000,
    "dtype": "float64",
    "difference": 1e-15,
    "seconds": SECONDS,
}
RESULTS = {
    "date": "2026-01-02",
    "machine": "a machine",
    "cores": 2,
    "versions": {"numpy": "2.4.6"},
    "ceilings": {"numpy": {"float64": {"1": 100.0, "2": 200.0}}},
    "workloads": {"W5 f64": WORKLOAD},
    "starting": {
        "W4 f64": {
            "torch eager": {"cold": None, "warm": [1.5], "memory": [2**28], "loss": 1.0},
            "chainrule compiled": {"cold": 6.0, "warm": [0.5], "memory": [2**27], "loss": 1.0},
        }
    },
    "growth": {},
}


def test_ratios_are_of_medians_at_the_better_number_of_threads():
    assert ratio(WORKLOAD, "torch eager") == pytest.approx(3)
    assert ratio(WORKLOAD, "best of all peers") == pytest.approx(2)
    assert ratio(WORKLOAD, "JAX scan") is None
    assert best_peer(WORKLOAD) == "NumPy"


def test_the_page_has_every_figure():
    text = page(RESULTS)
    for part in (
        "a machine, 2 cores; 2026-01-02; numpy 2.4.6.",
        "3.0 (12 → 15) | – (3.1 → 4)",
        "2.0 NumPy (3.1 → 4)",
        "| chainrule compiled | 1 | 2.0 | 1.00 – 3.0 | 5.0 | 1.00 | 10 | 10% |",
        "| torch eager | 2 | 6.0 | 6.0 – 6.0 | 9.0 | 3.0 | 3.3 | 2% |",
        "| chainrule compiled | 6.00 | 0.50 | 0.50 – 0.50 | 128 |",
        "images/growth.png",
    ):
        assert part in text


def test_a_page_of_a_single_part():
    alone = {key: RESULTS[key] for key in ("date", "machine", "cores", "versions")}
    assert page(alone).count("#") == 1
    assert "growth" not in page({**alone, "workloads": RESULTS["workloads"]})


def test_the_readme_changes_between_its_markers_alone():
    new = snippet(RESULTS)
    text = f"before\n{MARKERS[0]}\nold\n{MARKERS[1]}\nafter\n"
    once = put_between_markers(text, new)
    assert once == f"before\n{new}after\n"
    assert put_between_markers(once, new) == once
    assert put_between_markers("no markers", new) is None


def test_the_ceiling_is_the_highest_that_was_seen(tmp_path):
    file = tmp_path / "results.json"
    for numpy, torch in ((100.0, 90.0), (80.0, 120.0)):
        store(
            file,
            {"ceilings": {"numpy": {"float64": {"1": numpy}}, "torch": {"float64": {"1": torch}}}},
        )
    assert ceiling(load(file)["ceilings"], "float64", "1") == 120
    assert load(file)["ceilings"]["numpy"]["float64"]["1"] == 100


def test_results_are_added_to_a_file(tmp_path):
    file = tmp_path / "new" / "results.json"
    store(file, {"workloads": {"W1 f64": {"a": 1}, "W4 f64": {"a": 1}}})
    store(file, {"workloads": {"W4 f64": {"a": 2}}, "growth": {"depth": 3}})
    found = load(file)
    assert found["workloads"] == {"W1 f64": {"a": 1}, "W4 f64": {"a": 2}}
    assert found["growth"] == {"depth": 3}
    assert "numpy" in found["versions"]

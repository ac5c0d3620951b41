"""Convolutions beside PyTorch: both do the same, and the table says how long it took."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")

from benchmarks import convolution


def test_the_table_has_ratios_and_memory():
    seconds = {"chainrule": [3e-3, 1e-3, 2e-3], "torch": [4e-3, 2e-3, 8e-3]}
    text = convolution.report(
        {"one": {"memory": 1.25, "seconds": seconds}, "two": {"seconds": seconds}}
    )
    _, one, two = text.splitlines()
    assert one.split()[-3:] == ["0.50", "0.50", "1.25"]
    assert "2.0  (1.0 – 3.0)" in one
    assert "4.0  (2.0 – 8.0)" in two


@pytest.mark.parametrize("name", convolution.LAYERS)
def test_memory_stays_within_three_times_the_activations(name):
    programs, memory = convolution.convolutions(*convolution.LAYERS[name])
    assert set(programs) == {"chainrule", "torch"}
    assert 1 < memory <= 3


def test_a_step_learns_in_both():
    for run in convolution.steps(8).values():
        run()

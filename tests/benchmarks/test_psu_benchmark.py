"""The benchmark of Penn State's homework: its plain NumPy gives the same numbers as the course."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks import psu


@pytest.mark.parametrize(("cases", "sizes"), [size[:2] for size in psu.SIZES])
def test_both_sides_compute_the_same(cases, sizes):
    calls = psu.pairs(psu.course(), cases, sizes)
    assert list(calls) == ["predict", "computeCost", "computeGrad"]
    for ours, plain in calls.values():
        for a, b in zip(psu.as_tuple(ours()), psu.as_tuple(plain()), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_line_for_each_function_and_size(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["psu", "--rounds", "1"])
    psu.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 3 * len(psu.SIZES)
    assert all(line.endswith(" at most)") for line in lines[2:])

"""Charts: what is left out of a long history, and where its values are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.runs.report.charts import Chart, Series, thinned

VALUES = st.floats(-1e6, 1e6) | st.just(np.nan)


@settings(max_examples=40)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=300), st.integers(4, 60))
def test_thinning_keeps_the_ends_and_every_peak(rows, most):
    series = [np.array(column) for column in zip(*rows, strict=True)]
    kept = thinned(series, most)
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, len(rows) - 1)
    assert len(kept) <= max(most, len(rows) if len(rows) <= most else 0) + 2
    for y in series:
        there = y[np.isfinite(y)]
        if len(there):
            assert np.nanmin(y[kept]) == there.min()
            assert np.nanmax(y[kept]) == there.max()


def test_thinning_keeps_every_bucket_s_peak():
    y = np.zeros(1000)
    y[::50] = np.arange(20)
    kept = thinned([y], 100)
    assert {*range(0, 1000, 50)} <= {*kept.tolist()}


def chart(y, **settings):
    y = np.array(y, float)
    return Chart("key", "loss", "epoch", np.arange(1.0, len(y) + 1), [Series("a", y)], **settings)


@pytest.mark.parametrize(
    ("values", "settings", "is_log"),
    [
        ([1.0, 0.5], {}, False),
        ([1.0, 1e-3], {}, True),
        ([1.0, 1e-3], {"scale": "score"}, False),
        ([0.0, 1e-3], {}, False),
        ([1e300, 1e-300], {}, True),
        ([-1e308, 1e308], {}, False),
        ([3.0], {}, False),
        ([np.nan, np.nan], {}, False),
        ([], {}, False),
        ([0.0, 0.0], {"scale": "share"}, False),
        ([-50.0, 0.9], {"scale": "score"}, False),
    ],
)
def test_any_values_are_drawn(values, settings, is_log):
    found = chart(values, **settings)
    assert found.is_log is is_log
    low, high = found.limits
    assert np.isfinite([low, high]).all()
    assert low < high
    drawn = found.drawn(np.array(values, float))
    there = drawn[np.isfinite(drawn)]
    assert ((there >= low) & (there <= high)).all()
    assert found.svg.startswith("<svg")
    assert "nan" not in found.svg.partition("aria-label")[2].partition(">")[2]
    assert [float(v) for v in found.data["plot"]["x"]] == sorted(found.data["plot"]["x"])


def test_a_score_far_below_0_is_drawn_at_the_edge_and_read_as_it_is():
    found = chart([-50.0, 0.9], scale="score")
    assert found.is_cut
    assert found.data["series"][0]["y"] == [-50, 0.9]
    assert found.drawn(np.array([-50.0])).tolist() == [-1.0]

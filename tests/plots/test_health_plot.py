"""The picture of the layers' health."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError
from chainrule.plots.health import BAND, TITLES, health_figure

LAYERS = {
    "dense_1": {"gradient_norm": 0.5, "update_ratio": 1e-3, "dead": 0.25},
    "dense_2": {"gradient_norm": 2.0, "update_ratio": 2e-3, "saturated": 0.5},
}


def lines(axes):
    """The numbers of the lines of layers, without marks."""
    own = [line for line in axes.lines if line.get_zorder() == 3]
    return [np.asarray(line.get_ydata()).tolist() for line in own]


def test_each_figure_has_a_panel_with_the_layers_that_have_it():
    figure = health_figure({1: LAYERS, 2: LAYERS}, title="t")
    found = {axes.get_title(): lines(axes) for axes in figure.axes}
    assert found == {
        TITLES["gradient_norm"]: [[0.5, 0.5], [2.0, 2.0]],
        TITLES["update_ratio"]: [[1e-3, 1e-3], [2e-3, 2e-3]],
        TITLES["dead"]: [[0.25, 0.25]],
        TITLES["saturated"]: [[0.5, 0.5]],
    }
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log", "linear", "linear"]
    low, high = figure.axes[1].get_ylim()
    assert low <= BAND[0] < BAND[1] <= high
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["dense_1", "dense_2", "usual: about 0.001"]


def test_zeros_and_what_is_not_finite_are_marked():
    one = {"only": {"gradient_norm": 0.0, "update_ratio": None}}
    figure = health_figure(
        {1: {"only": {"gradient_norm": 1.0, "update_ratio": 1e-3}}, 2: one}, title="t"
    )
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words[-2:] == ["0 in a layer", "not a finite number in a layer"]
    marks = [
        [*line.get_xdata()]
        for axes in figure.axes
        for line in axes.lines
        if line.get_zorder() == 5
    ]
    assert marks == [[2.0], [2.0]]


def test_a_line_that_falls_below_the_decades_shown_ends_at_the_edge():
    health = {k + 1: {"a": {"gradient_norm": size}} for k, size in enumerate([1.0, 1e-300])}
    health[1]["b"] = {"gradient_norm": 1.0}
    drawn = [
        line for line in health_figure(health, title="").axes[0].lines if line.get_zorder() == 3
    ]
    assert [line.get_clip_on() for line in drawn] == [True, False]


def test_many_layers_have_a_bar_of_colours():
    deep = {f"dense_{k}": {"gradient_norm": 10.0**-k} for k in range(1, 31)}
    figure = health_figure({1: deep, 2: deep}, title="t")
    panel, bar = figure.axes
    assert len(lines(panel)) == 30
    assert [text.get_text() for text in bar.get_yticklabels()][:2] == ["dense_1", "dense_4"]
    assert not figure.legends


def test_epochs_that_lie_ever_further_apart_have_a_logarithmic_axis():
    figure = health_figure({2**k: LAYERS for k in range(8)}, title="t")
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}


def test_without_measurements_there_is_nothing_to_draw():
    with pytest.raises(ChainruleError, match="no measurements"):
        health_figure({}, title="t")


@given(
    values=st.lists(
        st.one_of(st.none(), st.floats(min_value=0, allow_infinity=False)), min_size=1, max_size=4
    )
)
@settings(max_examples=10, deadline=None)
def test_any_numbers_can_be_drawn(values):
    health = {k: {"$x": {"gradient_norm": v, "dead": 0.5}} for k, v in enumerate(values, 1)}
    figure = health_figure(health, title="$")
    figure.canvas.draw()

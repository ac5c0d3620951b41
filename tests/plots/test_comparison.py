"""Several runs in one picture."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import ChainruleError
from chainrule.plots.comparison import compare_histories
from chainrule.plots.save import save_figure

RUNS = {
    "slow": {"train_loss": [0.9, 0.8, 0.7], "validation_loss": [1.0, 0.9, 0.85]},
    "fast": {"train_loss": [0.9, 0.2, 0.1], "validation_loss": [1.0, 0.4, 0.5]},
}


def lines_of(figure):
    """The curves with points, as (colour, dashes, values)."""
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 1]
    return [(ln.get_color(), ln.get_linestyle(), list(ln.get_ydata())) for ln in lines]


def legend_of(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_a_colour_a_run_and_dashes_for_validation():
    figure = compare_histories(RUNS, title="two")
    lines = lines_of(figure)
    assert [values for *_, values in lines] == [
        RUNS[name][f"{part}_loss"] for name in RUNS for part in ("train", "validation")
    ]
    colors = [color for color, *_ in lines]
    assert colors[0] == colors[1] != colors[2] == colors[3]
    assert [dashes for _, dashes, _ in lines] == ["-", "--", "-", "--"]
    assert legend_of(figure) == ["slow", "fast", "training", "validation"]


def test_accuracies_in_percent():
    runs = {"one": {"validation_accuracy": [0.5, 0.55]}}
    axes = compare_histories(runs, column="accuracy", title="one").axes[0]
    low, high = axes.get_ylim()
    assert low < 0.46
    assert high > 0.55
    assert axes.yaxis.get_major_formatter()(0.5) == "50%"


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (1e-4, "log")])
def test_the_axis_of_losses_is_logarithmic_over_two_decades(last, scale):
    figure = compare_histories({"one": {"train_loss": [1.0, last]}}, title="one")
    assert figure.axes[0].get_yscale() == scale


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_a_curve_that_diverges_is_drawn_to_where_it_ended(bad, tmp_path):
    runs = {"wild": {"train_loss": [1.0, 30.0, bad]}, "tame": {"train_loss": [1.0, 0.5, 0.4]}}
    figure = compare_histories(runs, title="rates")
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "X"]
    assert [(c.get_xdata()[0], c.get_ydata()[0]) for c in crosses] == [(2, 30.0)]
    save_figure(figure, tmp_path / "rates.png")


def test_runs_of_different_lengths_and_huge_values():
    runs = {"short": {"train_loss": [1e300]}, "long": {"train_loss": [1.0] * 50}}
    figure = compare_histories(runs, title="lengths")
    assert np.isfinite(figure.axes[0].get_ylim()).all()


def test_nothing_to_compare():
    with pytest.raises(ChainruleError, match="no runs"):
        compare_histories({}, title="none")
    figure = compare_histories({"new": {"train_loss": []}}, title="none")
    assert figure.axes[0].texts[0].get_text() == "nothing was measured"

"""Several runs in one picture, read back from the figure's own objects."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError
from chainrule.plots.comparison import compare_histories
from chainrule.plots.save import save_figure
from chainrule.training import History

RUNS = {
    "slow": {"train_loss": [0.9, 0.8, 0.7], "validation_loss": [1.0, 0.9, 0.85]},
    "fast": {"train_loss": [0.9, 0.2, 0.1], "validation_loss": [1.0, 0.4, 0.5]},
}


def curves_of(axes):
    """The curves, as (colour, dashes, values); the crosses at their ends are none."""
    lines = [line for line in axes.lines if line.get_marker() != "X"]
    return [(ln.get_color(), ln.get_linestyle(), list(ln.get_ydata())) for ln in lines]


def crosses_of(axes):
    return [
        (float(x), float(y))
        for line in axes.lines
        if line.get_marker() == "X"
        for x, y in line.get_xydata()
    ]


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_colour_a_run_and_dashes_for_validation():
    figure = compare_histories(RUNS, title="two")
    lines = curves_of(figure.axes[0])
    assert [values for *_, values in lines] == [
        RUNS[name][f"{part}_loss"] for name in RUNS for part in ("train", "validation")
    ]
    colors = [color for color, *_ in lines]
    assert colors[0] == colors[1] != colors[2] == colors[3]
    assert [dashes for _, dashes, _ in lines] == ["-", "--", "-", "--"]
    assert legend_of(figure) == ["slow", "fast", "training", "validation"]
    assert figure.get_suptitle() == "two"
    assert figure.axes[0].get_title() == "loss"


def test_one_column_alone_is_named_in_the_title():
    figure = compare_histories(RUNS, column="validation_loss", title="two")
    assert [values for *_, values in curves_of(figure.axes[0])] == [
        RUNS[name]["validation_loss"] for name in RUNS
    ]
    assert figure.axes[0].get_title() == "validation loss"
    assert legend_of(figure) == ["slow", "fast"]


def test_a_panel_a_measure():
    runs = {"one": {"train_loss": [1.0], "train_r2": [0.5], "own": [3.0], "test_loss": [2.0]}}
    figure = compare_histories(runs, column=["train_loss", "test_loss", "r2", "own"], title="all")
    assert [axes.get_title() for axes in figure.axes] == ["loss", "training R²", "own"]
    assert [values for *_, values in curves_of(figure.axes[0])] == [[1.0], [2.0]]


def test_the_history_of_a_training_is_taken_as_it_is():
    history = History()
    history.append({"epoch": 3, "train_loss": 0.5})
    history.append({"epoch": 4, "train_loss": 0.25})
    line = compare_histories({"run": history}, title="").axes[0].lines[0]
    assert line.get_xydata().tolist() == [[3, 0.5], [4, 0.25]]


def test_accuracies_in_percent():
    runs = {"one": {"validation_accuracy": [0.5, 0.55]}}
    axes = compare_histories(runs, column="accuracy", title="one").axes[0]
    low, high = axes.get_ylim()
    assert low < 0.46
    assert high > 0.55
    assert axes.yaxis.get_major_formatter()(0.5) == "50%"


def test_a_hopeless_r2_does_not_press_the_others_flat():
    runs = {"bad": {"train_r2": [-1e9, 0.9]}, "good": {"train_r2": [0.5, 0.9]}}
    axes = compare_histories(runs, column="r2", title="").axes[0]
    assert axes.get_ylim()[0] > -1.2
    assert "below -1 not shown" in axes.get_title()


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (1e-4, "log"), (0.0, "linear")])
def test_the_axis_of_losses_is_logarithmic_over_two_decades(last, scale):
    figure = compare_histories({"one": {"train_loss": [1.0, last]}}, title="one")
    assert figure.axes[0].get_yscale() == scale


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
def test_a_curve_that_diverges_is_drawn_to_where_it_ended(bad, tmp_path):
    runs = {"wild": {"train_loss": [1.0, 30.0, bad]}, "tame": {"train_loss": [1.0, 0.5, 0.4]}}
    figure = compare_histories(runs, title="rates")
    assert crosses_of(figure.axes[0]) == [(2, 30.0)]
    assert legend_of(figure) == ["wild: not finite in epoch 3", "tame"]
    save_figure(figure, tmp_path / "rates.png")


def test_a_training_that_was_broken_off_is_said_to_be():
    runs = {"wild": {"train_loss": [1.0, 30.0]}, "tame": {"train_loss": [1.0, 0.5, 0.4]}}
    assert crosses_of(compare_histories(runs, title="").axes[0]) == []
    figure = compare_histories(runs, title="", diverged=["wild"])
    assert crosses_of(figure.axes[0]) == [(2, 30.0)]
    assert legend_of(figure)[0] == "wild: not finite in epoch 3"
    at_once = compare_histories({**runs, "none": {"train_loss": []}}, title="", diverged=["none"])
    assert legend_of(at_once)[2] == "none: not finite in epoch 1"


def test_a_curve_that_blows_up_leaves_the_panel_and_the_others_stay_readable():
    runs = {"wild": {"train_loss": [1.0, 1e200, math.nan]}, "tame": {"train_loss": [1.0, 0.9]}}
    axes = compare_histories(runs, title="rates").axes[0]
    assert 1e3 < axes.get_ylim()[1] < 1e5
    assert "above 10,000 not shown" in axes.get_title()
    (cross,) = crosses_of(axes)
    assert cross == (2, pytest.approx(axes.get_ylim()[1]))


def test_one_run_that_blows_up_alone_is_shown_whole():
    axes = compare_histories({"wild": {"train_loss": [1.0, 1e9, math.nan]}}, title="").axes[0]
    assert axes.get_ylim()[1] > 1e9


def test_runs_of_different_lengths_and_huge_values(tmp_path):
    runs = {"short": {"train_loss": [1e300]}, "long": {"train_loss": [1.0] * 50}}
    figure = compare_histories(runs, title="lengths")
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    low, high = figure.axes[0].get_xlim()
    assert low < 1
    assert high > 50
    save_figure(figure, tmp_path / "lengths.png")


def test_more_runs_than_colours_have_markers_as_well():
    runs = {f"{k} units": {"train_loss": [1.0, 1 / (k + 1)]} for k in range(10)}
    figure = compare_histories(runs, title="many")
    looks = {(ln.get_color(), ln.get_marker()) for ln in figure.axes[0].lines}
    assert len(looks) == 10
    assert len(legend_of(figure)) == 10


@pytest.mark.exhaustive
def test_any_name_stands_in_the_legend(tmp_path):
    runs = {"_hidden": {"train_loss": [1.0]}, "$x": {"train_loss": [1.0]}}
    figure = compare_histories(runs, title="names")
    assert legend_of(figure) == ["_hidden", "$x"]
    save_figure(figure, tmp_path / "names.png")


@pytest.mark.exhaustive
def test_a_long_run_is_thinned():
    figure = compare_histories({"long": {"train_loss": np.ones(100_000)}}, title="")
    assert len(figure.axes[0].lines[0].get_xdata()) <= 3000


def test_nothing_to_compare():
    with pytest.raises(ChainruleError, match="no runs"):
        compare_histories({}, title="none")
    with pytest.raises(ChainruleError, match="no columns"):
        compare_histories(RUNS, column=[], title="none")
    for history in ({"train_loss": []}, {}, History()):
        figure = compare_histories({"new": history}, title="none")
        assert figure.axes[0].texts[0].get_text() == "nothing was measured"


def test_what_is_not_there():
    with pytest.raises(ChainruleError, match="did you mean 'loss'"):
        compare_histories(RUNS, column="los", title="")
    with pytest.raises(ChainruleError, match="did you mean 'train_loss'"):
        compare_histories(RUNS, column="train_los", title="")
    with pytest.raises(ChainruleError, match="did you mean 'slow'"):
        compare_histories(RUNS, title="", diverged=["slw"])
    with pytest.raises(ChainruleError, match="same length"):
        compare_histories({"a": {"train_loss": [1.0], "epoch": [1, 2]}}, title="")


VALUES = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=6)


@pytest.mark.exhaustive
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=4))
def test_any_history_becomes_a_picture(runs):
    histories = {f"run {k}": {"train_loss": losses} for k, (losses, _) in enumerate(runs)}
    diverged = [f"run {k}" for k, (_, ended) in enumerate(runs) if ended]
    figure = compare_histories(histories, title="any", diverged=diverged)
    figure.canvas.draw()
    for axes in figure.axes:
        assert np.isfinite([axes.get_xlim(), axes.get_ylim()]).all()

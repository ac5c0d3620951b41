"""The picture of a sweep."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import ShapeError
from chainrule.plots.save import save_figure
from chainrule.plots.sweep import Varied, sweep_figure

RATES = Varied("network.learning_rate", ["0.001", "0.1", "1.0"], is_range=True, logarithmic=True)
WORDS = Varied("network.layers.0.activation", ["tanh", "relu", "tanh"])
NUMBERS = Varied("training.batch_size", ["32", "8", "128"])
SCORES = [0.5, 0.9, float("inf")]


def markers(axes, sign):
    return [line for line in axes.lines if line.get_marker() == sign]


def test_a_panel_for_each_setting_with_the_best_and_what_failed():
    figure = sweep_figure([RATES, WORDS], SCORES, score="validation_accuracy", best=1)
    rate, word = figure.axes
    assert rate.get_xscale() == "log"
    assert list(markers(rate, "o")[0].get_xdata()) == [0.001, 0.1]
    assert list(markers(rate, "*")[0].get_xdata()) == [0.1]
    assert list(markers(rate, "X")[0].get_xdata()) == [1.0]
    assert [label.get_text() for label in word.get_xticklabels()] == ["tanh", "relu"]
    moved = np.abs(markers(word, "o")[0].get_xdata() - [0, 1])
    assert 0 < moved.max() < 0.2


def test_numbers_of_a_list_stand_in_order_and_exactly_above_their_number():
    axes = sweep_figure([NUMBERS], SCORES, score="validation_loss", best=0).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["8", "32", "128"]
    assert [list(m.get_xdata()) for m in markers(axes, "o")] == [[1, 0]]  # 32 and 8


def test_losses_over_decades_are_logarithmic():
    axes = sweep_figure([RATES], [1e-3, 1.0, 5.0], score="validation_loss", best=0).axes[0]
    assert axes.get_yscale() == "log"


@pytest.mark.exhaustive
@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("scores", [SCORES, [0.1, 0.2, 0.3], [float("nan")] * 3])
def test_any_number_of_settings(count, scores, tmp_path):
    varied = [RATES, WORDS, NUMBERS, RATES, WORDS][:count]
    figure = sweep_figure(varied, scores, score="validation_accuracy", best=None)
    assert save_figure(figure, tmp_path / "sweep.png")[0].stat().st_size > 3000


def test_values_and_scores_must_fit():
    with pytest.raises(ShapeError, match="2 trials have 3 values"):
        sweep_figure([RATES], [0.1, 0.2], score="validation_loss", best=None)

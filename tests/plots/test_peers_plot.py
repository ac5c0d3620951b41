"""The picture of one training by several libraries."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.plots.peers import PeerCurve, peers_figure
from chainrule.plots.save import save_figure

OURS = PeerCurve("chainrule", np.array([0.9, 0.5, 0.4]), None, 2e-6)
TORCH = PeerCurve("torch", np.array([0.9, 0.5, 0.4]), np.array([0.0, 1e-16, 3e-15]), 5e-5)
BROKEN = PeerCurve("jax", np.array([0.9, np.inf, np.nan]), np.array([0, np.inf, np.inf]), 3e-5)


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


def test_curves_lie_on_top_of_each_other_and_are_all_seen():
    losses = peers_figure([OURS, TORCH], title="xor").axes[0]
    ours, torch = lines_of(losses).values()
    assert ours.get_ydata().tolist() == [0.9, 0.5, 0.4] == torch.get_ydata().tolist()
    assert ours.get_linewidth() > torch.get_linewidth()
    assert ours.get_color() != torch.get_color()


def test_differences_stand_on_a_logarithmic_axis_zeros_on_its_edge():
    differences = peers_figure([OURS, TORCH], title="xor").axes[1]
    (line,) = differences.lines
    assert differences.get_yscale() == "log"
    assert line.get_ydata().tolist() == pytest.approx([1e-17, 1e-16, 3e-15])
    low, high = differences.get_ylim()
    assert low < 1e-17 < 3e-15 < high


def test_bars_have_the_time_and_the_ratio():
    times = peers_figure([OURS, TORCH], title="xor").axes[2]
    assert [bar.get_width() for bar in times.patches] == pytest.approx([2, 50])
    assert [text.get_text().split() for text in times.texts] == [
        ["2", "µs"],
        ["50", "µs", "25", "×"],
    ]
    assert times.get_xlabel() == "µs"


def test_memory_is_shown_where_it_is_known():
    ours = PeerCurve("chainrule", np.ones(2), None, 1e-6, 100 * 2**20)
    assert peers_figure([ours, TORCH], title="xor").axes[3].get_xlabel() == "MiB"
    unknown = peers_figure([OURS, TORCH], title="xor").axes[3]
    assert [text.get_text() for text in unknown.texts] == ["not measured"]


def test_a_loss_that_blows_up_is_named_with_its_epoch():
    losses = peers_figure([OURS, BROKEN], title="xor").axes[0]
    names = [text.get_text() for text in losses.get_legend().get_texts()]
    assert names == ["chainrule", "jax: not finite in epoch 2"]


def test_losses_over_decades_are_logarithmic():
    steep = PeerCurve("chainrule", np.array([1.0, 1e-3]), None, 1e-6)
    assert peers_figure([steep], title="xor").axes[0].get_yscale() == "log"
    assert peers_figure([OURS], title="xor").axes[0].get_yscale() == "linear"


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "curves",
    [
        [OURS, TORCH, BROKEN],
        [OURS, BROKEN],
        [PeerCurve("chainrule", np.array([0.9]), None, np.nan)],
        [PeerCurve("$a_b", np.full(2, 1e300), np.array([1e300, 0]), 2.5)] * 9,
    ],
)
def test_whatever_was_measured_can_be_drawn(curves, tmp_path):
    figure = peers_figure(curves, title="xor")
    assert save_figure(figure, tmp_path / "peers.png")[0].stat().st_size > 3000

"""A comparison's figures."""

from __future__ import annotations

from math import inf, isnan

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError
from chainrule.runs.comparison.result import (
    Comparison,
    TrainingResult,
    as_mapping,
    picture_of,
    write_files,
)
from chainrule.runs.comparison.worker import Job, Training, peak_memory


def result(
    name="chainrule", losses=((4.0, 2.0), (2.0, 1.0)), seconds=(9.0, 2.0), theta=(2.0, 4.0)
):
    counts = np.array([10, 5])[: len(losses[0])]
    arrays = np.array(seconds), np.array(losses), counts, np.array(theta)
    return TrainingResult(name, "1.0", 0.5, *arrays, 2000, 1000)


def comparison(*peers, ours=None):
    return Comparison("xor", ours or result(), peers, {}, 10, 2, 1, {})


def test_the_first_epoch_is_told_apart():
    assert result(seconds=(9.0, 2.0)).step_seconds == 1.0
    assert result(losses=[[1.0]] * 4, seconds=(9.0, 1.0, 3.0, 8.0)).step_seconds == 3.0
    assert isnan(result(losses=[[1.0, 1.0]], seconds=(9.0,)).step_seconds)


def test_losses():
    assert result().epoch_losses == pytest.approx([10 / 3, 5 / 3])  # by their cases, 10 and 5
    assert result().final_loss == pytest.approx(5 / 3)


def test_differences_are_relative_to_ours():
    peer = result("torch", losses=((4.0, 1.0), (2.5, 1.0)), seconds=(1.0, 6.0), theta=(1.0, 4.0))
    found = comparison(peer)
    assert found.ratio(peer) == 3.0
    assert found.loss_differences(peer).tolist() == [0.25, 0.25]
    assert found.loss_difference(peer) == 0.25
    assert found.theta_difference(peer) == 0.25
    assert [one.name for one in found.results] == ["chainrule", "torch"]


def test_what_is_not_finite_is_infinitely_far():
    peer = result("torch", losses=((4.0, 2.0), (np.nan, inf)), theta=(np.nan, 1.0))
    found = comparison(peer)
    assert found.loss_differences(peer).tolist() == [0.0, inf]
    assert found.theta_difference(peer) == inf
    written = as_mapping(found)["results"][1]
    assert written["loss_difference"] is written["final_loss"] is None
    assert written["epoch_losses"] == [pytest.approx(10 / 3), None]


def test_zeros_do_not_differ_from_zeros():
    zeros = np.zeros((2, 2))
    ours, peer = result(losses=zeros), result("torch", losses=zeros)
    assert comparison(peer, ours=ours).loss_difference(peer) == 0
    assert comparison(result("jax"), ours=ours).loss_difference(result("jax")) == inf


@pytest.mark.exhaustive
def test_the_picture_shows_everybody():
    figure = picture_of(comparison(result("torch"), result("jax")))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["chainrule", "torch", "jax"]


def test_files_are_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "compare.json").mkdir()
    with pytest.raises(ChainruleError, match="there is a folder of that name"):
        write_files(comparison(result("torch")), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["compare.json"]


def test_the_peak_of_memory_only_grows():
    before = peak_memory()
    if before is None:
        pytest.skip("this system does not tell")
    assert np.ones(30_000_000).sum() == 3e7
    assert peak_memory() > 2.4e8 > 0
    assert peak_memory() >= before


def test_metrics_and_weights_of_classes_take_no_peer_away():
    config = {
        "network": {"layers": [{"size": 3}, {"size": 3}, "softmax"]},
        "data": {"generator": "spirals", "count": 30},
        "training": {"epochs": 2, "metrics": ["f1"], "class_weights": "balanced"},
    }
    sent = []
    Training(Job(config, [], None, threads=1), sent.append, lambda: 2).run()
    assert [next(iter(message)) for message in sent] == ["ready", "epoch", "epoch", "end"]

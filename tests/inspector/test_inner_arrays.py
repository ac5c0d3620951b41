"""The arrays inside layers on images and of normalisation, and bugs that take their place."""

from typing import Any

import numpy as np
import pytest
from image_networks import Case, a_few, normalised_of_all_kinds

from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.inspector.record import Record


class Instead:
    """A bug that computes something else at one stage of every layer."""

    def __init__(self, stage: str, change: Any) -> None:
        self.stage, self.change = stage, change

    def wrong(self, stage: str, record: Record, k: int, right: Any) -> Any:
        return self.change(right) if stage == self.stage else None


def record_of(case: Case, *bugs: Instead) -> Record:
    network, x, t = case
    made = in_float64(network)
    return recorded(made, *made.prepare(x, t), bugs=bugs)


def gradients(record: Record) -> dict[str, Any]:
    return {key: record[key] for key in record.entries if key.endswith((".J", "_grad", ".sent"))}


def test_the_winners_are_the_places_of_the_largest():
    record = record_of(next(a_few()))
    x, winners = record["conv2d_1.out"], record["max_pool2d_1.winners"]
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(2, 3))[:, :, ::2, ::2]
    flat = windows.reshape(*windows.shape[:4], 4)
    assert (winners == flat.argmax(axis=4)).all()
    assert (record["max_pool2d_1.out"] == flat.max(axis=4)).all()


def test_what_is_normalised_has_the_mean_0_and_the_spread_1():
    record = record_of(next(a_few()))
    x, axes = record["max_pool2d_1.out"], (0, 2, 3)
    assert record["batch_norm_1.m"] == pytest.approx(x.mean(axis=axes))
    assert record["batch_norm_1.s"] == pytest.approx(np.sqrt(x.var(axis=axes) + 1e-5))
    assert record["batch_norm_1.xhat"].mean(axis=axes) == pytest.approx(0)
    x = record["average_pool2d_1.out"]
    assert record["layer_norm_1.v"] == pytest.approx(x.var(axis=(1, 2, 3)))


@pytest.mark.parametrize("stage", ["xhat_J", "v_J", "m_J"])
def test_the_three_ways_back_add_up_to_the_gradient_of_the_library(stage):
    """A bug that changes nothing makes the record go the ways by themselves."""
    for case in [*a_few(), *normalised_of_all_kinds()]:
        right, ways = record_of(case), record_of(case, Instead(stage, lambda right: right.copy()))
        found, expected = gradients(ways), gradients(right)
        assert list(found) == list(expected)
        for key in found:
            assert found[key] == pytest.approx(expected[key], rel=1e-12, abs=1e-13), key


def test_a_variance_that_is_taken_for_a_constant_moves_what_comes_before_alone():
    case = next(a_few())
    right, wrong = record_of(case), record_of(case, Instead("v_J", lambda right: 0 * right))
    assert (wrong["batch_norm_1.v_J"] == 0).all()
    assert (wrong["batch_norm_1.gamma_grad"] == right["batch_norm_1.gamma_grad"]).sum() == 0
    assert (wrong["layer_norm_1.gamma_grad"] == right["layer_norm_1.gamma_grad"]).all()
    ways = right["layer_norm_1.xhat_J"] / right["layer_norm_1.s"][:, None, None, None]
    count = ways[0].size
    ways = ways + right["layer_norm_1.m_J"][:, None, None, None] / count
    assert wrong["average_pool2d_1.J"] == pytest.approx(ways)


def test_the_running_statistics_move_as_the_library_moves_them_and_the_network_stays():
    network, x, t = next(a_few())
    made = in_float64(network)
    before = made.theta.copy()
    record = recorded(made, *made.prepare(x, t))
    assert (made.theta == before).all()
    with made.training_mode(0):
        made.forward_pass(x)
    made.update_untrained()
    for name in ("mean", "variance"):
        assert (record[f"batch_norm_1.{name}_new"] == getattr(made.layers[2], name)).all()
        assert (record[f"batch_norm_1.{name}_new"] != record[f"batch_norm_1.{name}"]).all()


def test_at_padding_values_are_nan_and_gradients_0():
    for kind in ("batch_norm_1", "layer_norm_1"):
        (case,) = (
            one
            for one in normalised_of_all_kinds()
            if one[0].layers[0].name == kind and np.isnan(one[1]).any()
        )
        record = record_of(case)
        padded = np.isnan(case[1])
        assert (np.isnan(record[f"{kind}.xhat"]) == padded).all()
        assert (record[f"{kind}.xhat_J"][padded] == 0).all()
        assert np.isfinite(record[f"{kind}.v_J"]).all()
        assert (record["input.J"][padded] == 0).all()
        real = record[f"{kind}.xhat"][~padded].reshape(-1, 2)
        assert real.mean(axis=0 if kind == "batch_norm_1" else 1) == pytest.approx(0)

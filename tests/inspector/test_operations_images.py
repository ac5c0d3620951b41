"""Formulas of layers on images and of normalisation, held against the numbers of Python."""

import pytest
from image_networks import (
    a_few,
    filters_of_all_kinds,
    normalised_of_all_kinds,
    pools_of_all_kinds,
)
from test_operations import held

from javascript import needs_node

pytestmark = needs_node


def test_each_kind_of_layer():
    shared, local = held(*a_few(), exact=True)
    expected = {"max_pool2d_1.winners", "batch_norm_1.v_J", "conv2d_1.W_grad", "layer_norm_1.s"}
    assert expected <= set(shared)
    assert {"locally_connected2d_2.b_grad", "batch_norm_1.variance_new"} <= set(local)
    assert max([*shared.values(), *local.values()]) < 1e-12


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "networks", [filters_of_all_kinds, pools_of_all_kinds, normalised_of_all_kinds]
)
def test_many_sizes_strides_paddings_and_ties(networks):
    exact = networks is not normalised_of_all_kinds  # padding is said to be influenced too
    for (network, *_), errors in zip(networks(), held(*networks(), exact=exact), strict=True):
        name = network.layers[0].name
        assert any(key.startswith(name) for key in errors)
        assert max(errors.values()) < 1e-12, network

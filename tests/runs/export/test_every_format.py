"""Every format has every layer and every activation that a configuration may name."""

from __future__ import annotations

import pytest

from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.layer_types import LAYERS
from chainrule.runs.export import c_layers, onnx_layers


@pytest.mark.parametrize("tables", [c_layers, onnx_layers], ids=["c", "onnx"])
def test_nothing_is_missing(tables):
    assert {*LAYERS.values()} == {*tables.LAYERS}
    assert {*ACTIVATIONS.values()} == {*tables.ACTIVATIONS}

"""The page's own planes, of frames that it carries, are those that Python computes."""

from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.explain.lesson import in_float64
from chainrule.inspector.edits import PassWanted
from chainrule.inspector.planes import PlaneWanted, plane
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "plane_against_python.mjs"

pytestmark = needs_node

LAYERS = {
    "dropout": [
        {"size": 70, "activation": "relu"},
        {"type": "dropout", "rate": 0.5},
        {"size": 2},
        "softmax",
    ],
    "norm": [
        {"size": 4, "activation": "tanh"},
        "layer_norm",
        {"size": 1, "activation": "sigmoid"},
    ],
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_planes_are_those_of_python(name):
    found = chainrule.inspect(
        {
            "network": {
                "layers": LAYERS[name],
                "loss": "cross_entropy" if name == "dropout" else "binary_cross_entropy",
            },
            "data": {"generator": "xor", "count": 40, "split": [0.5, 0.25, 0.25]},
            "training": {"epochs": 3, "optimizer": "adam"},
        },
        count=3,
        film=True,
    )
    layers = [layer.name for layer in found.network.layers]
    chosen = {"layers": layers[1:], "coarse": layers[:1]}
    told = {
        "at": 1,
        "axes": (1, 0),
        "window": ((-1.5, 2.0), (0.0, 4.0)),
        "side": 9,
        "step": 4,
    }
    record = found.record.entries
    (first, last) = run(
        SCRIPT,
        {
            "scene": found.scene,
            "arrays": {key: one.values.ravel().tolist() for key, one in record.items()},
            "frames": np.concatenate([one.theta for one in found.told.film.frames]).tolist(),
            "wanted": [{**told, **chosen, "frame": number} for number in (0, 3)],
        },
    )
    of = PassWanted(edits=[], bugs=[], frame=None, only=None)
    wanted = PlaneWanted(of=of, **told, **chosen)
    network = in_float64(found.network)
    for number, sheets in ((0, first), (3, last)):
        network.theta = found.told.film.theta(number)
        for layer, values in plane(network, found.x, wanted).items():
            sheet = sheets[layer]
            assert sheet["shape"] == [*values.shape]
            assert sheet["data"] == pytest.approx(values.ravel().tolist(), abs=1e-12)
            assert sheet["largest"] == pytest.approx(np.abs(values).max(), abs=1e-12)
    assert first["dense_1"] != last["dense_1"]

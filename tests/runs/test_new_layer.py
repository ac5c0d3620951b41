"""A layer with parameters of its own, in the table of layers: a configuration trains it."""

from __future__ import annotations

import subprocess
import sys

SCALE = '''
import sys
import numpy as np
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.layer_types import LAYERS
from chainrule.nn.layers.base import Layer


class Gain(Diagonal):
    """The Jacobian of g ⊙ x by g: diag(x), whose product is summed over the cases."""

    def vjp(self, g, out=None):
        return np.einsum("ni,ni->i", g, self.diagonal, out=out)


class Scale(Layer):
    """z = g ⊙ x, with a gain g for every number of a case."""

    type, formula, keeps_width, has_weights = "scale", "g ⊙ x", True, True

    def __init__(self, gain: float = 1.0, *, name: str | None = None, inputs=None):
        super().__init__(name=name, inputs=inputs)
        self.gain = gain

    def connect(self, *shapes):
        (self.input_shape,) = (self.output_shape,) = shapes
        self.size = self.outputs

    def shapes(self):
        return {"g": (self.inputs,)}

    def draw(self, name, rng):
        return np.full(self.inputs, self.gain)

    def evaluate(self, x, values):
        return (x * values["g"],) * 2

    def forward_pass(self, x):
        self.x = x
        self.z, y = self.evaluate(x, self._values)
        return y

    def jacobians(self):
        by_x = np.broadcast_to(self._values["g"], self.x.shape)
        return {"x": Diagonal(by_x), "g": Gain(self.x)}

    def backward_pass(self, J, *, to_input=True):
        return self.backward_from_delta(J, to_input=to_input)

    def backward_from_delta(self, delta, *, to_input=True):
        self.delta = delta
        self.jacobians()["g"].vjp(delta, self._gradients["g"])
        return delta * self._values["g"] if to_input else None


LAYERS["scale"] = Scale
from chainrule import train

run = train(
    {
        "network": {
            "loss": "mse",
            "layers": [{"type": "scale", "gain": 2.0}, {"size": 3}, {"size": 1}],
        },
        "data": {"generator": "curve", "count": 40},
        "training": {"epochs": 2, "seed": 1},
    },
    run=sys.argv[1],
)
layer = run.network.layers[0]
print(run.engine, layer.gain, bool((run.network.parameters["scale_1.g"] != 2.0).all()))
'''


def test_a_new_layer_with_parameters_is_trained_from_a_configuration(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCALE, str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["numpy", "2.0", "True"], done.stderr

"""Models to export: every kind of layer, every kind of targets, and tables."""

from __future__ import annotations

import numpy as np

from all_layers import CASES, batch, network
from chainrule import train
from chainrule.data.standardization import Standardization
from chainrule.nn import Dense, Network
from chainrule.nn.activations import ACTIVATIONS
from chainrule.runs.export.model import Model


def of_layers(case, **options):
    """The model of a network of `CASES`, and inputs for it."""
    net = network(case, **options)
    x, _ = batch(net, 7)
    return Model(net, "a network"), x


def of_activations():
    """A network with every activation, one layer behind the other."""
    options = {"elu": {"alpha": 0.7}, "leaky_relu": {"slope": 0.2}}
    kinds = [{"type": name, **options.get(name, {})} for name in ACTIVATIONS if name != "linear"]
    spread = {"weights": [-0.9, 0.9], "biases": [-0.5, 0.5]}
    layers = [Dense(6, kind, **spread) for kind in kinds]
    net = Network([*layers, Dense(2, "linear", **spread)], input=3, loss="mse", seed=4)
    x = np.random.default_rng(1).normal(size=(9, 3)) * 3
    return Model(net, "activations"), x


def with_scaling(model, x):
    """The model with inputs of mean 1000 and targets in other units, and such inputs."""
    shape = (model.network.input,)
    rng = np.random.default_rng(2)
    width = model.output_shape[-1]
    model.target_scaling = Standardization(rng.normal(size=width) + 5, rng.uniform(1, 2, width))
    if any(layer.takes_class_numbers for layer in model.network.layers):
        return x  # which are never scaled
    model.scaling = Standardization(1000 + rng.normal(size=shape), rng.uniform(0.5, 2, shape))
    rows = x.reshape(len(x), -1)
    own = rows * model.scaling.scale + model.scaling.mean
    return own.reshape(x.shape)


def expected(model, x):
    """The outputs for inputs in original units, (cases, outputs)."""
    rows = x.reshape(len(x), -1)
    scaled = rows if model.scaling is None else model.scaling.apply(rows)
    y = model.network.forward_pass(scaled)
    if model.target_scaling is None:
        return y
    return model.target_scaling.undo(y.reshape(len(y), *model.output_shape)).reshape(y.shape)


def largest_error(found, wanted):
    """The largest difference; infinite where one is NaN and the other is not."""
    found = np.asarray(found, float).reshape(wanted.shape)
    if (np.isnan(found) != np.isnan(wanted)).any():
        return np.inf
    return float(np.nanmax(np.abs(found - wanted)))


ROWS = {
    "age": [31.0, 7.0, np.nan, 18.0, 55.0, 44.0] * 6,
    "city": ["Oslo", "Bergen", "Oslo", None, 'R"o m??/', "Zürich"] * 6,
    "size (m)": [1.5, 1.1, 1.8, 1.7, 1.6, np.nan] * 6,
    "tier": ["a", "b", None, "a", "c", "b"] * 6,
}


def of_table(labels=None, last=None, **data):
    """A run on a table of numbers and categories, with cells that are missing."""
    settings = {
        "split": [1, 0, 0],
        "standardize": True,
        "missing": "mean",
        "missing_indicator": True,
        "categorical": {"tier": "integer"},
        **data,
    }
    layers = [{"size": 4, "activation": "tanh"}, *(last or [{"size": 2}, "softmax"])]
    network = {"layers": layers}
    if last and last[-1].get("activation") == "sigmoid":
        network["loss"] = "binary_cross_entropy"
    labels = ["no", "yes", "yes", "no", "no", "yes"] * 6 if labels is None else labels
    config = {"network": network, "data": settings, "training": {"epochs": 3}}
    return train(config, data=(ROWS, labels), save=False)


__all__ = ["CASES"]

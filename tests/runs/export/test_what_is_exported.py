"""A run, a fitted estimator and a network alone: what of them is in the file."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import Network, export, load
from chainrule.core.errors import ChainruleError
from chainrule.data.standardization import Standardization
from chainrule.nn import Dense, Recurrent, Softmax
from chainrule.nn.activations import ACTIVATIONS, Tanh
from chainrule.runs.export.model import Model


def network(**options):
    return Network([Dense(4, "tanh"), Dense(2), Softmax()], input=3, seed=1, **options)


def test_a_network_alone_gives_its_outputs(tmp_path):
    net, x = network(), np.random.default_rng(1).normal(size=(5, 3))
    export(net, tmp_path / "n.json")
    back = load(tmp_path / "n.json")
    assert (back.outputs(x) == net.forward_pass(x)).all()
    assert back.classes is None
    assert repr(back) == "Run(0 epochs)"
    assert export(net, tmp_path / "n.c")[0].startswith("208 bytes of constants")


@pytest.mark.parametrize(
    ("classes", "dtype"),
    [(["no", "yes"], "U"), ([3, 8], "i"), ([False, True], "b"), ([0.5, 2.0], "f")],
)
def test_a_fitted_estimator_keeps_its_labels_and_its_scaling(tmp_path, classes, dtype):
    net, x = network(), np.random.default_rng(1).normal(size=(30, 3)) * 10 + 100
    scaling = Standardization.fit(x)
    fitted = SimpleNamespace(network_=net, classes_=np.array(classes), scaling_=scaling)
    export(fitted, tmp_path / "n.safetensors")
    back = load(tmp_path / "n.safetensors")
    wanted = net.forward_pass(scaling.apply(x))
    assert np.array_equal(back.outputs(x), wanted)
    assert back.predict(x).dtype.kind == dtype
    assert back.predict(x).tolist() == [classes[k] for k in wanted.argmax(axis=1)]


def test_a_scaling_of_features_is_that_of_every_step(tmp_path):
    net = Network([Recurrent(3), Dense(1)], input=[4, 2], seed=2)
    scaling = Standardization(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    units = Standardization(np.array([5.0]), np.array([6.0]))
    fitted = SimpleNamespace(network_=net, scaling_=scaling, target_scaling_=units)
    export(fitted, tmp_path / "n.json")
    x = np.random.default_rng(1).normal(size=(3, 4, 2))
    wanted = net.forward_pass((x - scaling.mean) / scaling.scale) * 6 + 5
    assert np.abs(load(tmp_path / "n.json").outputs(x) - wanted).max() < 1e-14


@pytest.mark.parametrize("source", [None, 3, "run", [1], SimpleNamespace(network_=1)])
def test_anything_else_is_refused(tmp_path, source):
    with pytest.raises(ChainruleError, match="a run, a fitted estimator or a network, found"):
        export(source, tmp_path / "n.json")


class Bent(Tanh):
    """An activation of somebody's own."""


def test_what_a_format_does_not_know_is_named(tmp_path):
    net = Network([Dense(3, Bent()), Dense(2, Bent())], input=2, loss="mse")
    for ending, words in (
        ("c", r"C cannot hold .*dense_1 has the activation Bent"),
        ("onnx", r"ONNX cannot hold .*dense_2 has the activation Bent"),
        ("json", "an object that no file can describe: Bent"),
    ):
        if ending == "onnx":
            pytest.importorskip("onnx", reason="onnx is not installed: the extra onnx")
        with pytest.raises(ChainruleError, match=f"(?s){words}"):
            export(net, tmp_path / f"n.{ending}")
    assert not any(tmp_path.iterdir())


def test_an_activation_of_ones_own_goes_by_its_name(monkeypatch):
    net = Network([Dense(3, Bent()), Dense(1)], input=2, loss="mse")
    assert isinstance(Model.of(net).architecture["layers"][0]["activation"], Bent)
    monkeypatch.setitem(ACTIVATIONS, "bent", Bent)
    assert Model.of(net).architecture["layers"][0]["activation"] == "bent"


def test_the_classifier_and_the_regressor(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra sklearn")
    from chainrule import Classifier, Regressor

    rng = np.random.default_rng(5)
    x = rng.normal(size=(40, 3)) * [1, 10, 100]
    names = np.array(["low", "middle", "high"])[rng.integers(0, 3, 40)]
    model = Classifier([4], epochs=2, random_state=0).fit(x, names)
    export(model, tmp_path / "c.json")
    back = load(tmp_path / "c.json")
    assert back.predict(x).tolist() == model.predict(x).tolist()
    assert np.abs(back.outputs(x) - model.predict_proba(x)).max() < 1e-15
    values = Regressor([4], epochs=2, random_state=0).fit(x, x.sum(axis=1))
    export(values, tmp_path / "r.json")
    assert np.array_equal(load(tmp_path / "r.json").predict(x)[:, 0], values.predict(x))
    sequences = x[:, :2, None].repeat(2, axis=2)
    layers = [{"type": "recurrent", "size": 3, "outputs": "last"}]
    model = Classifier(layers, epochs=1, random_state=0).fit(sequences, names)
    export(model, tmp_path / "s.json")
    found = load(tmp_path / "s.json").outputs(sequences)
    assert np.abs(found - model.predict_proba(sequences)).max() < 1e-15

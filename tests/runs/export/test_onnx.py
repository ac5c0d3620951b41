"""ONNX: what onnxruntime computes is what the network computes, from a table to its labels."""

from __future__ import annotations

import numpy as np
import pytest
from exported import (
    CASES,
    ROWS,
    expected,
    largest_error,
    of_activations,
    of_layers,
    of_table,
    with_scaling,
)

from chainrule import train
from chainrule.core.errors import ChainruleError, MissingExtraError
from chainrule.runs.export.formats import export

ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: the extra onnx")
onnx = pytest.importorskip("onnx", reason="onnx is not installed: the extra onnx")

pytestmark = pytest.mark.filterwarnings("ignore:missing cells filled in")

FEW = (
    "softmax",
    "conv2d, strides",
    "average_pool2d",
    "recurrent, last",
    "lstm",
    "gru, last",
    "batch_norm of images",
    "layer_norm",
)
DTYPES = {"float32": 1e-6, "float64": 1e-13}
EVERY = [
    pytest.param(case, dtype, marks=() if case in FEW else pytest.mark.exhaustive)
    for case in CASES
    for dtype in DTYPES
]


def session(path):
    """onnxruntime with the file, which the checker of onnx accepts as well."""
    onnx.checker.check_model(str(path), full_check=True)
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(("case", "dtype"), EVERY)
def test_every_layer(tmp_path, case, dtype):
    model, x = of_layers(case)
    x = with_scaling(model, x)
    export(model, tmp_path / "n.onnx", dtype=dtype)
    run = session(tmp_path / "n.onnx")
    (found,) = run.run(None, {"input": x.astype(dtype)})
    assert found.dtype == dtype
    assert found.shape == (len(x), *model.output_shape)
    wanted = expected(model, x.astype(dtype).astype(float))
    assert largest_error(found, wanted) < DTYPES[dtype] * max(1, np.nanmax(np.abs(wanted)))
    (one,) = run.run(None, {"input": x[:1].astype(dtype)})
    assert largest_error(one, wanted[:1]) < DTYPES[dtype] * max(1, np.nanmax(np.abs(wanted)))


@pytest.mark.parametrize("number", [6.0, 7.0, -2.0, 1.5])
def test_what_is_no_class_number_gives_nan(tmp_path, number):
    model, x = of_layers("embedding of rows")
    export(model, tmp_path / "n.onnx")
    x = x.astype("float32")
    x[0, 0], x[1, 0], x[2, 0] = number, -1, 5
    (found,) = session(tmp_path / "n.onnx").run(None, {"input": x})
    assert np.isnan(found[0]).all()
    assert largest_error(found[1:], model.network.forward_pass(x[1:])) < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_activation(tmp_path, dtype):
    model, x = of_activations()
    layers = [layer for layer in model.network.layers if layer.name != "dense_7"]
    assert len(layers) == len(model.network.layers) - 1
    if dtype == "float64":
        with pytest.raises(ChainruleError, match=r"no error function in float64 \(gelu\); take"):
            export(model, tmp_path / "n.onnx", dtype=dtype)
        assert not any(tmp_path.iterdir())
        gelu = next(la for la in model.network.layers if type(la.activation).__name__ == "GELU")
        gelu.activation = "tanh"
    export(model, tmp_path / "n.onnx", dtype=dtype)
    (found,) = session(tmp_path / "n.onnx").run(None, {"input": x.astype(dtype)})
    wanted = expected(model, x.astype(dtype).astype(float))
    assert largest_error(found, wanted) < DTYPES[dtype] * max(1, np.abs(wanted).max())


def cells():
    """The columns as a program hands them over: NaN or an empty text is missing."""
    found = {}
    for name, values in ROWS.items():
        if isinstance(values[0], float):
            found[name] = np.array(values)[:, None]
        else:
            found[name] = np.array([v or "" for v in values], dtype=object)[:, None]
    return found


LABELS = {
    "texts": ["no", "yes", "yes", "no", "no", "yes"] * 6,
    "numbers": [3, 8, 8, 3, 3, 8] * 6,
    "truth values": [True, False, False, True, True, False] * 6,
}


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("last", [None, [{"size": 1, "activation": "sigmoid"}]])
def test_a_table_to_its_labels(tmp_path, kind, last):
    run = of_table(LABELS[kind], last)
    run.export(tmp_path / "n.onnx", dtype="float64")
    label, probabilities = session(tmp_path / "n.onnx").run(None, cells())
    assert label.tolist() == run.predict(ROWS).tolist()
    assert probabilities.shape == (36, 2)
    wanted = run.outputs(ROWS)
    assert np.abs(probabilities[:, -wanted.shape[1] :] - wanted).max() < 1e-12
    assert np.abs(probabilities.sum(axis=1) - 1).max() < 1e-12


def test_float32_of_numbers_far_from_0(tmp_path):
    rng = np.random.default_rng(0)
    seconds = 1.7e9 + rng.uniform(0, 100, 60)
    network = {"layers": [{"size": 4, "activation": "tanh"}, {"size": 1}]}
    config = {"network": network, "data": {"standardize": True, "scale_targets": True}}
    run = train(config, data=({"t": seconds}, 1e6 + seconds - 1.7e9), save=False)
    run.export(tmp_path / "n.onnx")
    (values,) = session(tmp_path / "n.onnx").run(None, {"t": seconds[:, None]})
    wanted = run.outputs({"t": seconds})
    assert np.abs(values - wanted).max() < 1e-6 * 1e6


def test_several_labels_and_their_names(tmp_path):
    labels = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 0]] * 9)
    run = of_table(labels, [{"size": 3, "activation": "sigmoid"}])
    run.export(tmp_path / "n.onnx", dtype="float64")
    made = session(tmp_path / "n.onnx")
    found, probabilities = made.run(None, cells())
    assert found.tolist() == run.predict(ROWS).tolist()
    assert np.abs(probabilities - run.outputs(ROWS)).max() < 1e-12
    assert made.get_modelmeta().custom_metadata_map["outputs"].count('"') == 6


def test_what_a_run_refuses_is_no_label(tmp_path):
    run = of_table()
    run.export(tmp_path / "n.onnx")
    row = {"age": 1.0, "city": "Oslo", "size (m)": 1.0, "tier": "a"}

    def first(**changes):
        values = {**row, **changes}
        fed = {
            k: np.array([[v]], object if isinstance(v, str) else float) for k, v in values.items()
        }
        label, probabilities = session(tmp_path / "n.onnx").run(None, fed)
        return label[0], bool(np.isnan(probabilities).any())

    assert first() == (run.predict(row)[0], False)
    assert first(city="Paris") == ("", True)
    assert first(tier="z") == ("", True)
    assert first(city="", age=np.nan) == (
        run.predict({**row, "city": None, "age": None})[0],
        False,
    )
    lenient = of_table(new_categories="other")
    lenient.export(tmp_path / "n.onnx")
    with pytest.warns(match="training has not seen"):
        wanted = lenient.predict({**row, "tier": "z", "city": "Paris"})[0]
    assert first(tier="z", city="Paris") == (wanted, False)


def test_padding_has_no_label(tmp_path):
    x = np.zeros((8, 4, 2))
    x[:, :, 0] = np.arange(8)[:, None]
    x[::2, 2:] = np.nan
    t = np.where(np.isnan(x[:, :, 0]), -1, 1 * (x[:, :, 0] > 3))
    layers = [{"type": "recurrent", "size": 3}, {"size": 2}, "softmax"]
    run = train(
        {"network": {"layers": layers}, "data": {"split": [1, 0, 0]}}, data=(x, t), save=False
    )
    run.export(tmp_path / "n.onnx", dtype="float64")
    label, probabilities = session(tmp_path / "n.onnx").run(None, {"input": x})
    padded = np.isnan(x[:, :, 0])
    assert (label[padded] == -1).all()
    assert (label[~padded] == run.predict(x)[~padded]).all()
    assert largest_error(probabilities.reshape(8, -1), run.outputs(x)) < 1e-12


def test_without_the_package_the_message_says_what_to_install(tmp_path, monkeypatch):
    import builtins

    real = builtins.__import__

    def without_onnx(name, *rest, **options):
        if name == "onnx":
            raise ModuleNotFoundError("No module named 'onnx'")
        return real(name, *rest, **options)

    model, _ = of_layers("dense")
    monkeypatch.setattr(builtins, "__import__", without_onnx)
    with pytest.raises(MissingExtraError, match=r"pip install 'chainrule\[onnx\]'"):
        export(model, tmp_path / "n.onnx")
    assert not any(tmp_path.iterdir())


def test_one_output_at_every_step_tells_two_classes_apart(tmp_path):
    layers = [
        {"type": "recurrent", "size": 3},
        {"size": 1, "activation": "sigmoid"},
    ]
    network = {"layers": layers, "loss": "binary_cross_entropy"}
    config = {"network": network, "data": {"generator": "parity", "bits": 4, "targets": "all"}}
    run = train(config, save=False)
    run.export(tmp_path / "n.onnx", dtype="float64")
    x = run.data.train.x
    label, probabilities = session(tmp_path / "n.onnx").run(None, {"input": x})
    assert label.tolist() == run.predict(x).tolist()
    assert probabilities.shape == (len(x), 4, 2)
    assert np.abs(probabilities[:, :, 1] - run.outputs(x)).max() < 1e-12
    assert np.abs(probabilities.sum(axis=2) - 1).max() < 1e-12

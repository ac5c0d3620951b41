"""Initial values from files: read once, kept by the run, and not needed afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import chainrule
from chainrule.config import load_config
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.runs.doctor.examine import examine
from chainrule.runs.starts import initial_network
from chainrule.runs.sweeps.sweep import sweep

W = np.array([[0.15, 0.25, -0.5], [0.2, 0.3, 0.125]])
B = np.array([0.35, 0.6, -1.0])
DATA = {"x": [[0.05, 0.1], [1, 2]], "t": [[0.01], [0.99]]}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the same numbers in every kind of file."""
    monkeypatch.chdir(tmp_path)
    np.save("W.npy", W)
    np.save("b.npy", B)
    np.savez("both.npz", W=W, b=B)
    np.savez("one.npz", W)
    np.savetxt("W.csv", W, delimiter=",", fmt="%.17g")
    np.savetxt("W.txt", W, fmt="%.17g", header="weights of the first layer")
    np.savetxt("b.csv", B[None], delimiter=",")
    np.savetxt("b.txt", B)
    save_file({"W": W, "b": B.astype("float32")}, "both.safetensors")
    return tmp_path


def config(weights: Any, biases: Any = "zeros", **network: Any) -> dict[str, Any]:
    first = {"size": 3, "activation": "tanh", "weights": weights, "biases": biases}
    return {
        "network": {"loss": "mse", "layers": [first, {"size": 1}], **network},
        "data": DATA,
        "training": {"epochs": 2, "batch_size": 1, "seed": 3},
    }


def written(weights: str, biases: str = "zeros") -> str:
    Path("net.yaml").write_text(
        "network:\n  loss: mse\n  layers:\n"
        f"    - size: 3\n      weights: {weights}\n      biases: {biases}\n    - size: 1\n"
        "data: {x: [[0.05, 0.1], [1, 2]], t: [[0.01], [0.99]]}\n"
        "training: {epochs: 2, batch_size: 1}\n"
    )
    return "net.yaml"


@pytest.mark.parametrize(
    ("weights", "biases"),
    [
        ({"file": "W.npy"}, {"file": "b.npy"}),
        ({"file": "W.csv"}, {"file": "b.csv"}),
        ({"file": "W.txt"}, {"file": "b.txt"}),
        ({"file": "one.npz"}, {"file": "both.npz", "array": "b"}),
        ({"file": "both.safetensors", "array": "W"}, {"file": "both.safetensors", "array": "b"}),
    ],
    ids=lambda value: value["file"],
)
def test_every_kind_of_file_gives_the_numbers_in_it(files, weights, biases):
    found = chainrule.train(config(weights, biases), overrides=["training.epochs=0"], save=False)
    layer = found.network.layers[0]
    assert np.array_equal(layer.W, W)
    assert np.array_equal(layer.b, B.astype("float32") if "array" in biases else B) or (
        biases["file"] == "both.npz" and np.array_equal(layer.b, B)
    )


def test_a_run_is_the_same_with_values_and_with_a_file(files):
    by_file = chainrule.train(config({"file": "W.npy"}, {"file": "b.csv"}), save=False)
    by_hand = chainrule.train(config(W.tolist(), B.tolist()), save=False)
    assert np.array_equal(by_file.network.theta, by_hand.network.theta)


def test_a_run_does_not_need_the_file_again(files):
    made = config({"file": "W.npy"}, {"file": "b.csv"})
    whole = chainrule.train(made, run="whole")
    chainrule.train(made, overrides=["training.epochs=1"], run="run")
    for name in ("W.npy", "b.csv"):
        Path(name).unlink()
    loaded = chainrule.load("run")
    assert loaded.config.network["layers"][0]["weights"] == {
        "file": "start.safetensors",
        "array": "dense_1.W",
    }
    assert np.array_equal(load_file("run/start.safetensors")["dense_1.W"], W)
    assert loaded.predict(DATA["x"]).shape == (2, 1)
    loaded.export("model.json")
    gone_on = chainrule.train(made, run="run", resume=True)
    assert gone_on.network.theta.tobytes() == whole.network.theta.tobytes()
    again = chainrule.train("whole/config.yaml", save=False)
    assert again.network.theta.tobytes() == whole.network.theta.tobytes()


def test_a_run_does_not_go_on_from_other_numbers(files):
    made = config({"file": "W.npy"})
    chainrule.train(made, overrides=["training.epochs=1"], run="run")
    np.save("W.npy", W + 1)
    before = Path("run/start.safetensors").read_bytes()
    with pytest.raises(ChainruleError, match="the initial values are not those that the run"):
        chainrule.train(made, run="run", resume=True)
    assert Path("run/start.safetensors").read_bytes() == before


@pytest.mark.exhaustive
def test_the_start_of_a_loaded_run_is_made_again_from_its_own_copy(files):
    chainrule.train(config({"file": "W.npy"}), run="run")
    Path("W.npy").unlink()
    start = initial_network(chainrule.load("run").config)
    assert np.array_equal(start.layers[0].W, W)
    assert examine(chainrule.load("run")) is not None


def test_a_configuration_that_is_moved_names_its_files_from_the_new_folder(files):
    first = load_config(written("{file: W.npy}"), ["network.parameters=P.safetensors"])
    moved = first.moved(files / "inner")
    assert moved.network["layers"][0]["weights"] == {"file": "../W.npy"}
    assert moved.network["parameters"] == "../P.safetensors"
    assert first.network["layers"][0]["weights"] == {"file": "W.npy"}


@pytest.mark.exhaustive
def test_the_best_of_a_sweep_names_the_file_from_its_own_folder(files):
    path = written("{file: W.npy}")
    sweep(path, {"network.learning_rate": [0.1, 0.01]}, jobs=1, folder="swept")
    best = load_config("swept/best.yaml")
    assert best.network["layers"][0]["weights"] == {"file": "../W.npy"}
    run = chainrule.train("swept/best.yaml", overrides=["training.epochs=0"], save=False)
    assert np.array_equal(run.network.layers[0].W, W)


@pytest.mark.exhaustive
@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch"])
def test_every_engine_starts_from_the_file(files, engine):
    if engine == "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    made = config({"file": "W.npy"}, {"file": "b.csv"}, bias_learning_rate=0.01)
    found = chainrule.train(made, overrides=[f"training.engine={engine}"], save=False)
    plain = chainrule.train(made, overrides=["training.engine=numpy"], save=False)
    assert found.network.theta == pytest.approx(plain.network.theta, rel=1e-13)
    explicit = chainrule.train(
        made, overrides=["network.explicit_jacobians=true", "training.engine=numpy"], save=False
    )
    assert explicit.network.theta == pytest.approx(plain.network.theta, rel=1e-13)


@pytest.mark.exhaustive
@pytest.mark.parametrize("peer", ["torch", "jax", "sklearn"])
def test_other_libraries_start_from_the_same_numbers(files, peer):
    pytest.importorskip({"sklearn": "sklearn"}.get(peer, peer), reason=f"{peer} is not installed")
    path = written("{file: W.npy}", "{values: [0.35, 0.6, -1.0]}")
    found = chainrule.compare(path, peer, epochs=2, save=False)
    assert not found.left_out
    assert found.theta_difference(found.peers[0]) <= 1e-12


@pytest.mark.exhaustive
def test_long_lists_of_values_are_kept_in_a_file(files):
    values = np.random.default_rng(0).normal(size=(2, 600))
    made = config("glorot")
    made["network"]["layers"][0] |= {"size": 600, "weights": values, "biases": [0.5] * 600}
    run = chainrule.train(made, overrides=["training.epochs=0"], run="run")
    assert np.array_equal(chainrule.load("run").network.layers[0].W, run.network.layers[0].W)
    assert set(load_file("run/start.safetensors")) == {"dense_1.W"}
    assert len(Path("run/config.yaml").read_bytes()) < 10_000


def test_a_whole_network_starts_from_parameters(files):
    first = chainrule.train(config("glorot"), run="first")
    made = config("glorot", parameters="first/parameters.safetensors")
    second = chainrule.train(made, overrides=["training.epochs=0"], save=False)
    assert np.array_equal(second.network.theta, first.network.theta)


@pytest.mark.exhaustive
def test_a_whole_network_starts_from_the_parameters_of_a_run(files):
    first = chainrule.train(config("glorot"), run="first")
    first.export("model.safetensors")
    for path in ("first/parameters.safetensors", "model.safetensors"):
        made = config("glorot", parameters=path)
        second = chainrule.train(made, overrides=["training.epochs=0"], save=False)
        assert np.array_equal(second.network.theta, first.network.theta)
    whole = chainrule.train(made, run="whole")
    chainrule.train(made, overrides=["training.epochs=1"], run="run")
    Path("model.safetensors").unlink()
    assert chainrule.train(made, run="run", resume=True).network.theta.tolist() == (
        whole.network.theta.tolist()
    )
    with pytest.raises(ConfigError, match=r"there is no such file"):
        chainrule.train(made, run="other")
    assert not Path("other").exists()


def test_parameters_of_another_network_are_refused(files):
    chainrule.train(config("glorot"), run="first")
    made = config("glorot", parameters="first/parameters.safetensors")
    made["network"]["layers"][0]["size"] = 4
    with pytest.raises(ConfigError) as caught:
        chainrule.train(made, save=False)
    assert "expected dense_1.W of shape (2, 4), found shape (2, 3)" in str(caught.value)
    assert str(caught.value).startswith("network.parameters: ")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("{file: V.npy}", "there is no such file; did you mean 'W.npy'?"),
        ("{file: b.npy}", "weights of dense_1 have the shape (2, 3), (inputs, units); found (3,)"),
        ("{file: turned.npy}", "found (3, 2), which fits if rows and columns are exchanged"),
        ("{file: both.npz}", "which of its arrays is meant, array: NAME; it holds W, b"),
        ("{file: both.npz, array: w}", "unknown array 'w'; did you mean 'W'?"),
        ("{file: both.safetensors}", "which of its arrays is meant, array: NAME; it holds W, b"),
        ("{file: both.safetensors, array: V}", "unknown array 'V'"),
        ("{file: W.npy, array: W}", "but this file has only one"),
        ("{file: words.csv}", "expected rows of numbers alone, found 'a' in column 1"),
        ("{file: gap.csv}", "expected a number, found none"),
        ("{file: nan.npy}", "the array holds nan at [0, 1]; expected finite numbers"),
        ("{file: text.npy}", "this is no .npy file, or damaged"),
        ("{file: objects.npy}", "Python objects, which are not loaded"),
        ("{file: short.npy}", "its header asks for 48 bytes"),
        ("{file: text.safetensors}", "this is no whole safetensors file"),
        ("{file: net.yaml}", "an array is read from a .npy, .npz, .csv, .txt or .safetensors"),
        ("{file: folder.npy}", "expected a file, but this is a folder"),
    ],
)
def test_a_file_that_does_not_fit_is_told_at_its_line(files, weights, message):
    np.save("turned.npy", W.T)
    np.save("nan.npy", np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]]))
    np.save("objects.npy", np.array([[None, {}]]), allow_pickle=True)
    Path("words.csv").write_text("a,b,c\n1,2,3\n")
    Path("gap.csv").write_text("1,2,3\n4,,6\n")
    Path("text.npy").write_text("1 2 3")
    Path("text.safetensors").write_text("1 2 3")
    Path("short.npy").write_bytes(Path("W.npy").read_bytes()[:-8])
    Path("folder.npy").mkdir()
    with pytest.raises(ChainruleError) as caught:
        chainrule.train(written(weights), run="run")
    found = str(caught.value)
    assert message in found
    assert found.startswith("net.yaml:5:23: ")
    assert not Path("run").exists()


def test_paths_start_at_the_configuration(files):
    Path("inner").mkdir()
    text = Path(written("{file: ../W.npy}")).read_text()
    Path("inner/net.yaml").write_text(text)
    run = chainrule.train("inner/net.yaml", overrides=["training.epochs=0"], save=False)
    assert np.array_equal(run.network.layers[0].W, W)


def test_a_file_is_described_without_being_read(files, command):
    path = written("{file: V.npy}")
    assert "dense_1" in command("describe", path).out


def test_an_exported_description_that_names_a_file_reads_none(files):
    chainrule.train(config("glorot"), run="run").export("model.json")
    model = json.loads(Path("model.json").read_text())
    model["network"]["layers"][0]["weights"] = {"file": "gone.npy"}
    model["network"]["parameters"] = "gone.safetensors"
    Path("model.json").write_text(json.dumps(model))
    assert chainrule.load("model.json").network.theta.size == 13

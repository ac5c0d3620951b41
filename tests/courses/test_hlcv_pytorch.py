"""HLCV exercise 2 in PyTorch."""

from __future__ import annotations

import re

import numpy as np
import pytest
from course_folders import on_path

from chainrule import Network
from chainrule.data.dataset import Dataset
from chainrule.training import Part, Settings, Trainer

torch = pytest.importorskip("torch", reason="the exercise in PyTorch needs it")

with on_path("hlcv_ex2"):
    import ex2_pytorch
    from ex2_pytorch import MultiLayerPerceptron


@pytest.mark.parametrize("hidden", [7, [7], [7, 5, 6]])
def test_the_perceptron_is_the_network_of_the_configuration(hidden):
    model = MultiLayerPerceptron(12, hidden, 4, seed=3)
    sizes = [hidden] if isinstance(hidden, int) else hidden
    layers = [{"size": s, "activation": "relu", "weights": "he"} for s in sizes]
    network = Network.from_config(
        {"input": 12, "dtype": "float32", "layers": [*layers, {"size": 4}, "softmax"]}, seed=3
    )
    x = np.random.default_rng(0).normal(size=(5, 3, 2, 2)).astype(np.float32)
    logits = model(torch.from_numpy(x))
    assert logits.shape == (5, 4)
    probabilities = torch.softmax(logits, dim=1).detach().numpy()
    assert probabilities == pytest.approx(network.forward_pass(x), abs=1e-6)


def test_it_trains_in_plain_pytorch():
    model = MultiLayerPerceptron(6, [16, 8], 3)
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(60, 6)).astype(np.float32))
    t = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    losses = ex2_pytorch.train_plainly(model, x, t, epochs=60, rate=0.1, penalty=0, batch=20)
    assert len(losses) == 60
    assert losses[-1] < losses[0] / 3
    cases = Dataset(x.numpy(), t.numpy())
    assert ex2_pytorch.accuracy_of(model, cases) > 0.9


def test_the_loop_in_pytorch_alone_is_the_library_s_training():
    """One minibatch an epoch, so that the order of the cases does not matter."""
    x = np.random.default_rng(2).normal(size=(30, 6)).astype(np.float32)
    t = np.arange(30) % 3
    config = {
        "input": 6,
        "loss": "cross_entropy",
        "learning_rate": 0.1,
        "dtype": "float32",
        "layers": [{"size": 5, "activation": "relu", "weights": "he"}, {"size": 3}, "softmax"],
    }
    network = Network.from_config(config, seed=1)
    settings = Settings(
        epochs=7, batch_size=30, optimizer="momentum", schedule={"type": "cosine", "final": 0}
    )
    Trainer(network, Part(x, t), Part(x[:0], t[:0]), settings, classes=True).run()
    model = MultiLayerPerceptron(6, 5, 3)
    ex2_pytorch.train_plainly(
        model, torch.from_numpy(x), torch.from_numpy(t), epochs=7, rate=0.1, penalty=0, batch=30
    )
    with torch.no_grad():
        found = torch.softmax(model(torch.from_numpy(x)), dim=1).numpy()
    assert found == pytest.approx(network.forward_pass(x), abs=1e-5)


def test_the_comparison_of_depths(real, monkeypatch, tmp_path, capsys):
    """On the first images of each published file, which is enough to run every line."""
    if not (real / "cifar_mini").is_dir():
        pytest.skip(f"{real} has no cifar_mini")
    monkeypatch.setenv("CHAINRULE_DATA", str(real / "cifar_mini"))
    monkeypatch.setattr(ex2_pytorch, "OUT", tmp_path / "out")
    for _ in range(2):  # a second comparison takes the place of the first
        ex2_pytorch.main(["--layers", "2", "3", "--epochs", "2", "--width", "12"])
    out = capsys.readouterr().out
    assert "3 layers: 3072-12-12-10" in out
    assert "test accuracy" in out
    in_torch, in_numpy = re.search(r"data: (\S+) in PyTorch, (\S+) in NumPy", out).groups()
    assert float(in_torch) == pytest.approx(float(in_numpy), abs=2e-6)
    assert (tmp_path / "out" / "layers.png").stat().st_size > 10_000
    assert (tmp_path / "out" / "layers_3" / "config.yaml").is_file()
    assert "engine: torch" in (tmp_path / "out" / "layers_3" / "config.yaml").read_text()


def test_the_comparison_of_depths_in_pytorch_alone(real, monkeypatch, capsys):
    if not (real / "cifar_mini").is_dir():
        pytest.skip(f"{real} has no cifar_mini")
    monkeypatch.setenv("CHAINRULE_DATA", str(real / "cifar_mini"))
    ex2_pytorch.main(["--plain", "--layers", "2", "3", "--epochs", "2", "--width", "12"])
    header, two, three, _, best = capsys.readouterr().out.splitlines()
    assert header.split() == ["layers", "training", "validation"]
    assert [line.split()[0] for line in (two, three)] == ["2", "3"]
    assert re.fullmatch(r"the best has [23] layers: test accuracy \d+\.\d%", best)


def test_a_network_of_no_layer():
    with pytest.raises(SystemExit):
        ex2_pytorch.main(["--layers", "0"])

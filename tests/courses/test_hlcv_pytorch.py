"""HLCV exercise 2 in PyTorch."""

from __future__ import annotations

import re

import numpy as np
import pytest
from course_folders import on_path

from chainrule import Network

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
    loss_of, descent = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.3)
    first = loss_of(model(x), t).item()
    for _ in range(100):
        descent.zero_grad()
        loss_of(model(x), t).backward()
        descent.step()
    assert loss_of(model(x), t).item() < first / 3


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


def test_a_network_of_no_layer():
    with pytest.raises(SystemExit):
        ex2_pytorch.main(["--layers", "0"])

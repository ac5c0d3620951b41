"""PyTorch: the program loads without chainrule and computes what the network computes."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the extra torch")
from exported import CASES, expected, largest_error, of_activations, of_layers, with_scaling

from chainrule import train
from chainrule.runs.export.formats import export

FEW = ("conv2d, strides", "recurrent, last")
EVERY = [
    pytest.param(case, dtype, marks=() if case in FEW else pytest.mark.exhaustive)
    for case in CASES
    for dtype in ("float64", "float32")
]


@pytest.mark.parametrize(("case", "dtype"), EVERY)
def test_every_layer(tmp_path, case, dtype):
    model, x = of_layers(case)
    x = with_scaling(model, x)
    export(model, tmp_path / "n.pt2", dtype=dtype)
    program = torch.export.load(tmp_path / "n.pt2").module()
    found = program(torch.tensor(x.astype(dtype))).detach().numpy()
    assert found.dtype == dtype
    assert found.shape == (len(x), *model.output_shape)
    wanted = expected(model, x.astype(dtype).astype(float))
    assert largest_error(found, wanted) < {"float64": 1e-12, "float32": 1e-5}[dtype]
    one = program(torch.tensor(x[:1].astype(dtype))).detach().numpy()
    assert largest_error(one, found[:1].astype(float)) < 1e-5


def test_every_activation(tmp_path):
    model, x = of_activations()
    export(model, tmp_path / "n.pt2")
    found = torch.export.load(tmp_path / "n.pt2").module()(torch.tensor(x)).detach().numpy()
    assert largest_error(found, expected(model, x)) < 1e-12


def test_plain_pytorch_loads_it_and_trains_it_further(tmp_path):
    x = np.random.default_rng(3).normal(size=(40, 2))
    layers = [{"size": 3, "name": "hidden"}, {"size": 2}, "softmax"]
    data = {"standardize": True, "split": [1, 0, 0]}
    run = train(
        {"network": {"layers": layers}, "data": data}, data=(x, 1 * (x[:, 0] > 0)), save=False
    )
    run.export(tmp_path / "n.pt2")
    np.save(tmp_path / "x.npy", x)
    program = """
import io, sys, json, numpy, torch
sys.modules["chainrule"] = None  # importing it fails
texts = {"chainrule.json": ""}
program = torch.export.load("n.pt2", extra_files=texts)
module = program.module()
y = module(torch.from_numpy(numpy.load("x.npy")))
y.sum().backward()
said = {
    "names": sorted(program.state_dict),
    "gradients": sum(p.grad is not None for p in module.parameters()),
    "classes": json.loads(texts["chainrule.json"])["classes"],
    "y": y.tolist(),
}
print(json.dumps(said))
"""
    words = [sys.executable, "-c", program]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    said = json.loads(ended.stdout)
    assert "network.hidden.weight" in said["names"]
    assert said["gradients"] == 4
    assert said["classes"] == ["0", "1"]
    assert np.abs(np.array(said["y"]) - run.outputs(x)).max() < 1e-12


def test_the_file_holds_no_class_of_ours(tmp_path):
    model, _ = of_layers("recurrent, last")
    export(model, tmp_path / "n.pt2")
    import zipfile

    with zipfile.ZipFile(io.BytesIO((tmp_path / "n.pt2").read_bytes())) as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    pickles = [content for content in contents if content[:2] in (b"\x80\x02", b"PK")]
    assert not any(b"chainrule.training" in pickled for pickled in pickles)
    assert json.loads(next(c for c in contents if b'"format": "chainrule model"' in c))

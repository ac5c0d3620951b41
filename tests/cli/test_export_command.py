"""``chainrule export``: from a run's folder to a file, and back where it can be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chainrule import train

CONFIG = """\
network: {layers: [{size: 3}, {size: 2}, softmax]}
data: {generator: moons, count: 40, standardize: true}
training: {epochs: 1}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("moons")
    (place / "moons.yaml").write_text(CONFIG)
    train(place / "moons.yaml", run=place / "run")
    return place


@pytest.fixture
def run(folder, trained):
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    return Path("run")


@pytest.mark.parametrize("kind", ["json", "safetensors"])
def test_an_exported_file_stands_for_the_run(command, run, kind):
    found = command("export", run, "--to", kind)
    assert (found.status, found.err) == (0, "")
    assert f"written to run/model.{kind} as {kind}" in found.out
    Path("new.csv").write_text("x,y\n0.5,0.25\n-1,0\n")
    asked = [command("predict", of, "new.csv") for of in (run, f"run/model.{kind}")]
    assert asked[0] == asked[1]
    assert asked[0].status == 0
    again = command("export", f"run/model.{kind}", "--to", "json")
    assert again.status == 2
    assert "name the new one by --output FILE" in again.err
    assert command("export", f"run/model.{kind}", "--output", "other.c").status == 0
    assert "other_predict" in Path("other.c").read_text()


def test_c_says_its_sizes(command, run):
    found = command("export", run, "--to", "c", "--dtype", "float32", "--output", "net.c")
    assert "bytes of constants (flash) and" in found.out
    assert "void net_predict(const float *x, float *y);" in Path("net.c").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--to", "keras"], ["unknown format of an export 'keras'", "onnx, torch"]),
        (["run"], ["--to FORMAT"]),
        (["run", "--output", "net.xyz"], ["found 'net.xyz'"]),
        (["nowhere", "--to", "c"], ["it does not exist"]),
        (["run", "--to", "json", "--output", "run/run.json"], ["belongs to the run in run"]),
        (["run", "--to", "c", "--dtype", "float16"], ["float16", "float32"]),
        (["run", "--to", "json", "--dtype", "float32"], ["leave out dtype"]),
        (["run", "--to", "c", "--output", "no/net.c"], ["the folder 'no' does not exist"]),
        (
            ["moons.yaml", "--to", "c", "--output", "net.c"],
            ["moons.yaml: a run's folder holds config.yaml", "this is neither"],
        ),
    ],
)
def test_what_is_wrong_is_one_message_and_no_file(command, run, arguments, words):
    before = sorted(Path().rglob("*"))
    found = command("export", *arguments)
    assert found.status == 2
    assert found.out == ""
    for word in words:
        assert word in found.err
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("words", [("train",), ("check",), ("describe",)])
def test_an_exported_network_is_no_configuration(command, run, words):
    assert command("export", run, "--to", "json").status == 0
    found = command(*words, "run/model.json")
    assert found.status == 2
    assert found.err.count("\n") == 1
    assert "this is an exported network, not a configuration; predict" in found.err


def test_a_file_of_arrays_is_no_configuration(command, run):
    assert command("export", run, "--to", "safetensors").status == 0
    found = command("explain", "run/model.safetensors")
    assert found.status == 2
    assert "this is a file of arrays, not a configuration; of an exported network" in found.err


def test_an_exported_network_has_no_data(command, run):
    assert command("export", run, "--to", "json").status == 0
    found = command("evaluate", "run/model.json")
    assert (found.status, found.err.count("\n")) == (2, 1)
    assert "holds a network and no data; pass" in found.err

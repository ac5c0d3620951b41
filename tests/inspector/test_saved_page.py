"""``chainrule inspect --save``, `chainrule.inspect` and `Network.inspect`: the page as a file."""

from __future__ import annotations

import base64
import gzip
import json
import re

import numpy as np
import pytest

import chainrule
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ChainruleError
from chainrule.data.standardization import Standardization
from chainrule.inspector import page
from chainrule.nn import BatchNorm

CONFIG = """\
network: {layers: [{size: 3, activation: tanh}, {size: 2}, softmax]}
data: {generator: blobs, classes: 2, count: 60}
training: {epochs: 1, seed: 1}
"""
NORMALISED = CONFIG.replace("{size: 2}", "{size: 2}, batch_norm")


@pytest.fixture
def config(folder):
    path = folder / "net.yaml"
    path.write_text(CONFIG)
    return path


def parts(text: str) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """The scene of a saved page, and its arrays by key."""
    scene = json.loads(re.search(r'id="scene">(.*?)</script>', text)[1])
    packed = re.search(r'id="numbers">(.*?)</script>', text)[1]
    numbers = np.frombuffer(gzip.decompress(base64.b64decode(packed)), "<f8")
    ends = np.cumsum([np.prod(one["shape"], dtype=int) for one in scene["arrays"]])
    assert ends[-1] == len(numbers)
    found = np.split(numbers, ends[:-1])
    return scene, {
        one["key"]: values.reshape(one["shape"])
        for one, values in zip(scene["arrays"], found, strict=True)
    }


def test_a_page_carries_the_numbers_of_the_pass(command, config):
    ended = command("inspect", config, "--save", "page.html", "--count", 5)
    assert (ended.status, ended.out) == (0, "page written to page.html\n")
    scene, arrays = parts((config.parent / "page.html").read_text("utf-8"))
    found = chainrule.inspect(config, count=5)
    for key, entry in found.record.entries.items():
        np.testing.assert_array_equal(arrays[key], entry.values, err_msg=key)
    assert [case["number"] for case in scene["cases"]] == [0, 1, 2, 3, 4]
    assert scene["loss_value"] == found.record.loss


def test_one_case_is_shown_alone_or_in_its_minibatch(config):
    found = chainrule.inspect(config, case=7, split="validation")
    assert found.record["input.out"].shape == (1, 2)
    assert found.scene["cases"][0]["number"] == 7
    config.write_text(NORMALISED)
    found = chainrule.inspect(config, case=7)
    assert len(found.x) > 1
    assert found.scene["cases"][found.scene["case"]]["number"] == 7


def test_a_run_is_shown_as_it_is_after_its_training(config):
    run = chainrule.train(config)
    found = chainrule.inspect(run)
    np.testing.assert_array_equal(found.record["dense_1.W"], run.network.layers[0].W)
    assert len(found.x) == 32


def test_a_table_is_told_in_its_own_words(folder):
    rows = [
        f"{20 + k},{'Oslo' if k % 2 else 'Rome'},{'yes' if k % 3 else 'no'}" for k in range(40)
    ]
    (folder / "people.csv").write_text("\n".join(["age,city,bought", *rows]))
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"file": "people.csv", "label": "bought", "standardize": True},
    }
    scene = chainrule.inspect(config, count=3).scene
    assert scene["names"]["inputs"] == ["age", "city=Oslo", "city=Rome"]
    assert scene["names"]["outputs"] == ["no", "yes"]
    assert {case["label"] for case in scene["cases"]} <= {"no", "yes"}
    assert [(one["name"], one["inputs"]) for one in scene["columns"]] == [
        ("age", (0, 1)),
        ("city", (1, 2)),
    ]
    scaling, numbers = scene["scaling"]["inputs"], chainrule.inspect(config, count=3).x
    ages = numbers[:, 0] * scaling["scale"][0] + scaling["mean"][0]
    assert np.allclose(ages, ages.round())
    assert scene["scaling"]["targets"] is None


def test_values_are_told_in_their_own_units(folder):
    rows = [f"{k},{1000 + 10 * k}" for k in range(40)]
    (folder / "rooms.csv").write_text("\n".join(["size,price", *rows]))
    config = {
        "network": {"loss": "mse", "layers": [{"size": 1}]},
        "data": {"file": "rooms.csv", "label": "price", "scale_targets": True},
    }
    found = chainrule.inspect(config, case=0)
    scaling = found.scene["scaling"]["targets"]
    price = found.t[0, 0] * scaling["scale"][0] + scaling["mean"][0]
    assert found.scene["cases"][0]["label"] == f"{price:.4g}"


def test_arrays_of_a_network_and_what_is_refused():
    network = Network([Dense(3), Softmax()], input=2, seed=1)
    x, t = np.eye(2), [0, 2]
    found = network.inspect(x, t, names=["a", "b"], outputs=["u", "v", "w"], labels=["u", "w"])
    assert [case["label"] for case in found.scene["cases"]] == ["u", "w"]
    assert "srcdoc" in found._repr_html_()
    for wrong, words in (
        ({"nams": ["a", "b"]}, "did you mean 'names'"),
        ({"names": ["a"]}, "names are 2 texts, found 1"),
        ({"labels": ["u"]}, "labels are 2 texts"),
        ({"case": 2}, "from 0 to 1, found 2"),
        ({"save": "page.txt"}, "ends in .html"),
    ):
        with pytest.raises(ChainruleError, match=re.escape(words)):
            network.inspect(x, t, **wrong)
    with pytest.raises(ChainruleError, match="at most 2,000 cases, found 2,001"):
        network.inspect(np.zeros((2001, 2)), np.zeros(2001, int))
    normalised = Network([Dense(2), BatchNorm(), Dense(3), Softmax()], input=2, seed=1)
    with pytest.raises(ChainruleError, match="at least 2 cases"):
        normalised.inspect(x[:1], t[:1])


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--case", 99], "no case 99 in the training data"),
        (["--split", "tets"], "did you mean 'test'"),
        (["--case", 1, "--count", 3], "give one of them"),
        (["--save", "net.yaml"], "this is the file that is read"),
        (["--save", "no/page.html"], "the folder 'no' does not exist"),
        (["--save", "page.pdf"], "ends in .html"),
    ],
)
def test_what_the_command_refuses(command, config, arguments, words):
    ended = command("inspect", config, *map(str, arguments))
    assert ended.status == 2
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert config.read_text() == CONFIG


def test_labels_are_the_classes_or_values_of_the_targets():
    network = Network([Dense(3), Softmax()], input=2, seed=1)
    found = network.inspect(np.eye(2), [[0, 0, 1], [1, 0, 0]], outputs=["u", "v", "w"])
    assert [case["label"] for case in found.scene["cases"]] == ["w", "u"]
    network = Network([Dense(2)], input=2, loss="mse", seed=1)
    scaling = Standardization(np.array([10.0, 100.0]), np.array([2.0, 5.0]))
    found = network.inspect(np.eye(2), [[0, 1], [-1, 2]], target_scaling=scaling)
    assert [case["label"] for case in found.scene["cases"]] == ["10, 105", "8, 110"]


def test_rows_of_pixels_are_told_as_images():
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"generator": "shapes", "size": 10, "classes": 2, "count": 40},
    }
    assert chainrule.inspect(config, case=0).scene["image"] == [10, 10]
    config["network"]["layers"].insert(0, {"type": "conv2d", "size": 3, "filters": 1})
    config["network"]["layers"].insert(1, "flatten")
    config["data"]["flatten"] = False
    assert chainrule.inspect(config, case=0).scene["image"] is None


def test_a_loss_that_is_not_finite_is_shown():
    network = Network([Dense(1, "linear")], input=1, loss="mse")
    network.theta = [1e200, 0.0]
    found = network.inspect([[1e200]], [[0.0]])
    scene, arrays = parts(found.html())
    assert scene["loss_value"] is None
    assert np.isinf(arrays["dense_1.out"]).all()


def test_hostile_texts_stay_texts():
    hostile = "</script><script>alert(1)</script><!--{{script}}"
    network = Network([Dense(1)], input=1, loss="mse")
    text = network.inspect([[1.0]], [[0.0]], title=hostile, labels=[hostile]).html()
    assert text.count("<script") == 3
    assert "alert(1)</script" not in text
    assert parts(text)[0]["title"] == hostile
    assert page.policy() in text

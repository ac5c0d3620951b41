"""Data and network that fit each other, or the line of the configuration that is to blame."""

from __future__ import annotations

import re
from collections import Counter
from functools import wraps
from pathlib import Path

import numpy as np
import pytest

from chainrule import ChainruleError, nn, train
from chainrule.config.load import load_config
from chainrule.core.errors import ConfigError, DataError
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.nn import building
from chainrule.runs import resolve as resolving
from chainrule.runs.resolve import resolve, resolve_data
from chainrule.training import EarlyStopping

SHAPES_EXAMPLE = Path(__file__).parents[2] / "examples" / "shapes.yaml"
YAML = """\
network:
  input: {input}
  loss: {loss}
  layers:
    - {{size: 5, activation: tanh}}
    - {{size: {size}, activation: {activation}}}
{softmax}data:
  {data}
"""
DEFAULTS = {
    "input": "null",
    "loss": "mse",
    "size": 1,
    "activation": "linear",
    "softmax": "",
    "data": "generator: xor",
}


def config(folder, **changes):
    path = folder / "my config.yaml"
    path.write_text(YAML.format(**{**DEFAULTS, **changes}), encoding="utf-8")
    return load_config(path)


def softmax(**changes):
    return {"loss": "cross_entropy", "softmax": "    - softmax\n", **changes}


def test_the_input_is_taken_from_the_data(folder):
    found = resolve(config(folder, data="generator: blobs\n  features: 7", **softmax(size=3)))
    assert found.config.network["input"] == found.network.input == 7
    assert found.network.parameters["dense_1.W"].shape == (7, 5)


def test_nothing_is_left_open(folder):
    found = resolve(config(folder, data="generator: shapes\n  count: 9", **softmax(size=4)))
    network, layer = found.config.network, found.config.network["layers"][0]
    assert (network["loss"], network["learning_rate"]) == ("cross_entropy", 0.1)
    assert (layer["weights"], layer["biases"]) == ("glorot", "zeros")
    assert (found.config.data["width"], found.config.data["split"]) == ([6, 14], [0.7, 0.2, 0.1])
    again = resolve(found.config)
    assert again.config == found.config
    assert again.network.theta.tobytes() == found.network.theta.tobytes()
    written = found.as_run(found.trainer()).training
    assert (written["engine"], written["threads"]) == ("numpy", 1)


def test_a_training_decides_everything_once(monkeypatch):
    """One data set and the defaults of its generator; shapes before memory, and the network."""
    counts = Counter()

    def counted(owner, name):
        function = getattr(owner, name)

        @wraps(function)
        def count(*args, **options):
            counts[name] += 1
            return function(*args, **options)

        monkeypatch.setattr(owner, name, count)

    counted(ImageGenerator, "__init__")
    counted(ImageGenerator, "generate")
    counted(nn.Softmax, "connect")
    counted(building, "layers_from_config")
    monkeypatch.setattr("chainrule.nn.network.layers_from_config", building.layers_from_config)
    train(SHAPES_EXAMPLE, overrides=["training.epochs=0"], save=False)
    assert counts == {"__init__": 2, "generate": 1, "connect": 2, "layers_from_config": 2}


def test_the_seed_decides_the_first_weights(folder):
    def theta(seed):
        checked = load_config(folder / "my config.yaml", [f"training.seed={seed}"])
        return resolve(checked).network.theta.tobytes()

    config(folder)
    assert theta(1) == theta(1) != theta(2)


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        (
            {"input": 3},
            "2:10",
            ["input 3", "2 numbers a case", "xor", "write 2, or leave input out"],
        ),
        (
            {"input": 100, "data": "generator: shapes\n  size: 12", **softmax(size=4)},
            "2:10",
            ["144 numbers", "12 x 12"],
        ),
        (
            softmax(size=3, data="generator: blobs\n  classes: 5"),
            "6:14",
            ["size 3", "5 classes", "write size 5"],
        ),
        (
            softmax(size=2, data="generator: spirals\n  arms: 12"),
            "6:14",
            ["12 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"],
        ),
        (softmax(size=1), "6:14", ["size 1", "2 classes", "write size 2"]),
        ({"loss": "hinge"}, "6:14", ["size 1", "2 classes", "write size 2"]),
        ({"softmax": "    - softmax\n"}, "6:14", ["size 1", "2 classes", "write size 2"]),
        ({"size": 2, "data": "generator: curve"}, "6:14", ["1 target value a case", "size 1"]),
    ],
)
def test_where_network_and_data_disagree_the_networks_line_is_named(folder, changes, place, words):
    with pytest.raises(ConfigError) as caught:
        resolve_data(config(folder, **changes))
    text = str(caught.value)
    assert f"my config.yaml:{place}: " in text
    for word in words:
        assert word in text


def test_both_ends_of_the_network_are_reported_at_once(folder):
    with pytest.raises(ConfigError) as caught:
        resolve_data(config(folder, **softmax(input=9, size=3)))
    assert [problem.line for problem in caught.value.problems] == [2, 6]


@pytest.mark.parametrize(
    ("changes", "classes"),
    [
        (softmax(size=2), ("0", "1")),
        ({"loss": "binary_cross_entropy", "activation": "sigmoid"}, ("0", "1")),
        ({"loss": "mse", "size": 2, "softmax": "    - softmax\n"}, ("0", "1")),
        ({"loss": "hinge", "size": 2}, ("0", "1")),
        ({"data": "generator: curve"}, None),
        ({"data": "file: values.csv"}, None),
        ({"data": "file: values.csv\n  target: class", "size": 3}, ("0", "1", "2")),
    ],
)
def test_loss_and_output_say_whether_targets_are_classes(folder, changes, classes):
    rows = [f"{k / 10},{k % 7},{k % 3}" for k in range(30)]
    (folder / "values.csv").write_text("a,b,t\n" + "\n".join(rows))
    checked = config(folder, **changes)
    data = resolve_data(checked)
    assert data.classes == classes
    network = resolve(checked, data).network
    assert np.isfinite(network.loss(data.train.x, data.train.t))


def test_a_problem_of_the_data_without_a_place_gets_that_of_the_data_part(folder):
    rows = [f"{k},{k}" for k in range(20)]
    np.savez(folder / "a.npz", x=np.array([[1.0], [2.0]]))
    (folder / "b.csv").write_text("\n".join(rows))
    with pytest.raises(ChainruleError) as caught:
        resolve_data(config(folder, data="file: b.csv\n  labels: a.npz"))
    assert re.match(r".*my config.yaml:\d+:\d+: ", str(caught.value))


def test_a_problem_of_a_data_file_keeps_its_own_place(folder):
    (folder / "b.csv").write_text("1,2\n1,x\n" + "3,4\n" * 10)
    with pytest.raises(DataError, match=r"b\.csv:2:3"):
        resolve_data(config(folder, data="file: b.csv"))


@pytest.mark.parametrize("size", [10**9, 10**12])
def test_a_network_beyond_the_memory_is_refused_at_its_largest_layer(folder, size):
    checked = config(folder, size=1)
    checked = load_config(folder / "my config.yaml", [f"network.layers.0.size={size}"])
    with pytest.raises(ConfigError, match="outputs of layers; it takes at least"):
        resolve(checked)


def test_the_layer_that_is_too_large_is_named(folder, monkeypatch):
    monkeypatch.setattr(resolving, "machine_memory", lambda: 2000)
    checked = config(folder)
    data = resolve_data(checked)
    resolve(checked, data)  # 21 parameters
    checked = load_config(folder / "my config.yaml", ["network.dtype=float64"])
    path = folder / "my config.yaml"
    path.write_text(path.read_text().replace("size: 5", "size: 50"))
    checked = load_config(path)
    with pytest.raises(ConfigError, match=r"my config.yaml:5:14: the network has 201 parameters"):
        resolve(checked, data)


def test_the_home_folder_may_be_written_as_a_tilde(folder, monkeypatch):
    home = folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (home / "values.csv").write_text("".join(f"{k},{k}\n" for k in range(20)))
    data = resolve_data(config(folder, data="file: ~/values.csv\n  test_file: ~/values.csv"))
    assert len(data.test) == 20
    assert data.source.startswith("values.csv: 40 cases")


@pytest.mark.parametrize(
    ("labels", "size"), [([0, 1, 7], 8), ([0, 1, -1, 7], 4), ([3, 5, 8], 3), ([0, 1, 0.5], None)]
)
def test_the_size_that_labels_need_is_told_where_they_can_be_class_numbers(folder, labels, size):
    (folder / "b.csv").write_text("".join(f"{k},{v}\n" for k, v in enumerate(labels * 5)))
    with pytest.raises(DataError) as caught:
        resolve_data(config(folder, data="file: b.csv", **softmax(size=2)))
    first = str(caught.value.problems[0])
    assert ("6:14: the last layer has size 2, but" in first) == (size is not None)
    assert (f"write size {size}" in first) == (size is not None)


LABELS = {
    "one class": ["cat"],
    "one number": [7],
    "two classes": ["cat", "dog"],
    "three classes": ["cat", "dog", "eel"],
    "class numbers": [0, 1, 2, 3],
    "values": [0.5, 1.25, -3],
}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ("cross_entropy", "softmax"),
        ("hinge", None),
        ("binary_cross_entropy", None),
        ("mse", None),
        ("mse", "softmax"),
    ],
)
@pytest.mark.parametrize("labels", LABELS)
def test_a_size_that_is_advised_fits(folder, labels, loss, last, size):
    """Whoever follows the advice gets a network, never another message about sizes."""
    values = LABELS[labels]
    (folder / "d.csv").write_text(
        "a,y\n" + "".join(f"{k},{values[k % len(values)]}\n" for k in range(40))
    )

    def found(size):
        layers = [{"size": size, "activation": "sigmoid"}, *([last] if last else [])]
        checked = load_config(
            {"network": {"loss": loss, "layers": layers}, "data": {"file": "d.csv"}}
        )
        try:
            resolve(checked)
        except ChainruleError as error:
            return str(error.problems[0])
        return ""

    told = found(size)
    if labels.startswith("one") and (loss, last, size) != ("mse", None, 1):  # else they are values
        assert "d.csv:2:" in told
        assert f"all 40 labels are {values[0]}; a classifier needs two classes" in told
    if advised := re.search(r"write size (\d+)", told):
        assert found(int(advised[1])) == ""


def with_layers(folder, layers, data, loss="cross_entropy", input="null"):
    path = folder / "my config.yaml"
    lines = "".join(f"    - {layer}\n" for layer in layers)
    path.write_text(
        f"network:\n  input: {input}\n  loss: {loss}\n  layers:\n{lines}data: {data}\n",
        encoding="utf-8",
    )
    checked = load_config(path)
    return resolve(checked).network


HEADS = ["{size: 2, name: a, inputs: input}", "{size: 3, name: b, inputs: input}"]
JOINED = "{type: concatenate, inputs: [a, b]}"
BLOBS = "{generator: blobs, classes: 5, count: 50}"
SHAPES = "{generator: shapes, size: 12, count: 40}"


def test_outputs_that_no_size_states_follow_from_the_shapes(folder):
    assert with_layers(folder, [*HEADS, JOINED, "softmax"], BLOBS).outputs == 5
    filters = ["{type: conv2d, filters: 4, size: 3}", "{type: average_pool2d, size: 10}"]
    assert with_layers(folder, [*filters, "flatten", "softmax"], SHAPES).outputs == 4
    sums = [HEADS[0].replace("2", "5"), HEADS[1].replace("3", "5"), "{type: add, inputs: [a, b]}"]
    assert with_layers(folder, [*sums, "softmax"], BLOBS).outputs == 5


@pytest.mark.parametrize(
    ("layers", "data", "words"),
    [
        (
            [HEADS[0].replace("2", "5"), HEADS[1], JOINED, "softmax"],
            BLOBS,
            "8 outputs, but the data have 5 classes",
        ),
        (
            ["{type: recurrent, size: 2, outputs: all}", "flatten", "softmax"],
            "{generator: parity, targets: last}",
            "16 outputs, but the data have 2 classes",
        ),
        (
            [
                "{type: conv2d, filters: 5, size: 3}",
                "{type: average_pool2d, size: 10}",
                "flatten",
                "softmax",
            ],
            SHAPES,
            "5 outputs, but the data have 4 classes",
        ),
    ],
)
def test_outputs_that_do_not_fit_are_told_at_the_last_layer(folder, layers, data, words):
    with pytest.raises(ConfigError, match=words) as caught:
        with_layers(folder, layers, data)
    assert f"my config.yaml:{4 + len(layers)}:7" in str(caught.value)


@pytest.mark.parametrize(
    ("input", "data", "shape"),
    [
        ("[1, 9, 16]", SHAPES, r"\[1, 12, 12\]"),
        ("[1, 8]", "{generator: parity, targets: last}", r"\[8, 1\]"),
    ],
)
def test_an_input_of_another_shape_with_as_many_numbers_does_not_fit(folder, input, data, shape):
    layers = ["{type: flatten}", "{size: 4}" if "shapes" in data else "{size: 2}", "softmax"]
    with pytest.raises(ConfigError, match=f"a case of the data has the shape {shape}"):
        with_layers(folder, layers, data, input=input)


def test_colours_of_each_pixel_do_not_fit_layers_on_images(folder):
    x = np.random.default_rng(0).random((12, 6, 7, 3))
    np.savez(folder / "colours.npz", x=x, t=np.arange(12) % 2)
    filters = ["{type: conv2d, filters: 2, size: 3}", "flatten", "{size: 2}", "softmax"]
    network = with_layers(folder, filters, "{file: colours.npz}")
    assert network.input_shape == (3, 6, 7)
    with pytest.raises(ConfigError, match="a plane a colour; write channels: first"):
        with_layers(folder, filters, "{file: colours.npz, channels: last}")


@pytest.mark.parametrize("size", ["1000", "full"])
def test_explicit_jacobians_that_cannot_be_written_out_are_told_before_training(folder, size):
    filters = ["{type: conv2d, filters: 40, size: 3}", "flatten", "{size: 4}", "softmax"]
    path = folder / "my config.yaml"
    with_layers(folder, filters, SHAPES)
    path.write_text(path.read_text().replace("layers:", "explicit_jacobians: true\n  layers:"))
    checked = load_config(path, [f"training.batch_size={size}"])
    with pytest.raises(ConfigError, match="explicit Jacobians of conv2d_1 hold"):
        resolve(checked)


def test_the_compact_form_writes_layers_on_images(folder):
    path = folder / "compact.txt"
    path.write_text(
        "GLOBALS\nloss: cross_entropy\nLAYERS\n"
        "type: conv2d filters: 2 size: 3 stride: 2 padding: same act: tanh\n"
        "type: max_pool2d size: 2\ntype: flatten\nsize: 4\ntype: softmax\n"
        "DATA\ngenerator: shapes count: 20 size: 12\n"
    )
    checked = load_config(path)
    network = resolve(checked).network
    assert [layer.output_shape for layer in network.layers[:2]] == [(2, 6, 6), (2, 3, 3)]


@pytest.mark.parametrize(
    ("data", "key", "message"),
    [
        ("{generator: parity, bits: 3, count: 9}", "count", "count must be at most 8"),
        ("{generator: parity, bits: 3, count: 9, seed: 1}", "count", "count must be at most 8"),
        ("{generator: parity, bits: [2, 20000]}", "bits", "from 1 to 10000"),
        ("{generator: echo, steps: [9, 20000]}", "steps", "from 1 to 10000"),
        ("{generator: echo, steps: 9999, count: 999999999}", "count", "would need"),
        ("{generator: blobs, features: 999999999}", "generator", "would need"),
        ("{generator: echo, target: class}", "target", "gives values here, not classes"),
        ("{text: t.txt, target: value}", "target", "target of a text is class"),
        ("{text: t.txt, steps: 10001}", "steps", "from 1 to 10000"),
        ("{file: s.npz, label: first}", "label", "label is not for a file of sequences"),
    ],
)
def test_what_a_generator_refuses_is_told_at_its_key(folder, data, key, message):
    (folder / "t.txt").write_text("ab" * 20_000)
    np.savez(folder / "s.npz", x=np.ones((9, 2, 1)), lengths=[2] * 9, t=np.arange(9) % 2)
    text = f"network:\n  layers:\n    - {{type: recurrent, size: 1}}\ndata:\n  {data}\n"
    (folder / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ChainruleError) as caught:
        resolve_data(load_config(folder / "bad.yaml"))
    (problem,) = caught.value.problems
    column = data.index(f"{key}: ") + len(f"{key}: ") + 3
    if key == "generator":  # a count that is not written has no place but that of all data
        column = 3
    assert (problem.line, problem.column) == (5, column), problem
    assert message in problem.message


@pytest.mark.parametrize(
    ("data", "stated", "wanted"),
    [
        ("{generator: echo}", "[20, 2]", "write [20, 1], or leave"),
        ("{generator: echo}", "21", "write [20, 1], or leave"),
        ("{generator: shapes}", "[3, 16, 16]", "write [1, 16, 16], or leave"),
        ("{generator: shapes}", "255", "write 256, or leave"),
        ("{generator: xor}", "[2, 2]", "write 2, or leave"),
    ],
)
def test_what_input_should_say_is_a_shape_where_one_is_meant(folder, data, stated, wanted):
    text = f"network:\n  input: {stated}\n  layers: [{{size: 1}}]\ndata: {data}\n"
    (folder / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        resolve_data(load_config(folder / "bad.yaml"))
    problem = caught.value.problems[0]
    assert (problem.line, problem.column) == (2, 10)
    assert wanted in problem.message


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (["a", "b"] * 3, "s.npz: t holds texts; expected class numbers, whose names stand in"),
        (np.eye(2)[[0, 1] * 3], "2:14: s.npz gives values here, .* whole numbers, .* float64"),
    ],
)
def test_targets_of_sequences_that_are_no_class_numbers(folder, t, message):
    np.savez(folder / "s.npz", x=np.ones((6, 2, 1)), lengths=[2] * 6, t=t)
    layers = "{type: recurrent, size: 2, outputs: last}, softmax"
    text = f"network: {{layers: [{layers}]}}\ndata: {{file: s.npz}}\n"
    (folder / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ChainruleError, match=message):
        resolve_data(load_config(folder / "bad.yaml"))


def test_an_engine_that_cannot_run_the_network_is_told_at_its_key(folder):
    """Be it that its library is not installed, or that it multiplies no explicit Jacobians."""
    path = folder / "engine.yaml"
    path.write_text(
        "network: {explicit_jacobians: true, loss: mse, layers: [{size: 1}]}\n"
        "data: {generator: xor}\ntraining:\n  engine: torch\n"
    )
    with pytest.raises(ChainruleError, match=r"engine\.yaml:4:11: the .*torch"):
        train(path, save=False)


def test_a_callback_of_ones_own_names_no_place_in_the_file(folder):
    path = folder / "stop.yaml"
    path.write_text("network: {layers: [{size: 1}], loss: mse}\ndata: {generator: xor}\n")
    with pytest.raises(ConfigError, match=r"\Aearly stopping monitors validation_r2"):
        train(path, callbacks=[EarlyStopping("validation_r2")], save=False)


def test_a_class_of_one_case_may_be_a_misspelling(folder):
    names = ["fit", "unfit"] * 30 + ["unfti"]
    rows = "".join(f"{k},{name}\n" for k, name in enumerate(names))
    (folder / "d.csv").write_text("a,y\n" + rows)
    layers = [{"size": 2}, "softmax"]
    with pytest.raises(ConfigError, match="correct 'unfti' if it is a misspelling of 'unfit'"):
        resolve(load_config({"network": {"layers": layers}, "data": {"file": "d.csv"}}))

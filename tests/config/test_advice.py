"""Files as students write them: each slip is told where it is and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.config import load_config
from chainrule.core.errors import ConfigError

HEAD = "GLOBALS\nloss: mse\nLAYERS\n"


def messages(text: str, folder: Path, name: str = "net.txt") -> list[str]:
    """What is wrong with a file, without its name."""
    path = folder / name
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


def loads(text: str, folder: Path, name: str = "net.txt") -> None:
    """The file is a valid one."""
    path = folder / name
    path.write_text(text)
    load_config(path)


@pytest.mark.parametrize(
    ("globals_", "message"),
    [
        ("verbose: true", "2:11: verbose is not part of a configuration; write: chainrule train"),
        ("jacobians: true", "2:11: jacobians is not part of a configuration; write: chainrule"),
        ("lr: 0.1", "2:11: unknown key 'lr'; did you mean 'lrate'?"),
        ("epochs: 3", "2:11: key 'epochs' belongs to TRAINING, not to GLOBALS"),
        ("seed: 3", "2:11: key 'seed' belongs to TRAINING, not to GLOBALS"),
        ("batchsize: 3", "2:11: key 'batchsize' belongs to TRAINING as 'batch_size', not to GLOB"),
        ("noise: 0.1", "2:11: key 'noise' belongs to DATA, not to GLOBALS"),
        ("input: 3", "2:11: key 'input' belongs to LAYERS, not to GLOBALS"),
        ("neurons: 3", "2:11: key 'neurons' belongs to LAYERS as 'size', not to GLOBALS"),
        ("wr: (0 1)", "2:11: key 'wr' belongs to LAYERS, not to GLOBALS"),
        ("hidden_layers: 3", "2:11: key 'hidden_layers': each layer is a line of LAYERS of its"),
        ("layers: 3", "2:11: key 'layers': each layer is a line of LAYERS of its own, such as"),
        (
            "regularization: L2",
            "2:11: unknown key 'regularization'; a penalty is written wreg: 0.",
        ),
        ("momentum: 0.9", "2:11: unknown key 'momentum'; that is an option of the optimizer, und"),
        ("lrate: 0,1", "2:18: lrate is a number with a point, 0.1, found '0,1'"),
    ],
)
def test_slips_of_globals(globals_: str, message: str, tmp_path: Path) -> None:
    text = f"GLOBALS\nloss: mse {globals_}\nLAYERS\nsize: 1\n"
    (only,) = messages(text, tmp_path)
    assert only.startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("size: 4 activation: relu", "4:9: unknown key 'activation'; did you mean 'act'?"),
        ("size: 4 activation_function: relu", "4:9: unknown key 'activation_function'; did you"),
        ("neurons: 4", "4:1: unknown key 'neurons'; did you mean 'size'?"),
        ("hidden: 4", "4:1: unknown key 'hidden'; did you mean 'size'?"),
        ("size: 4 weight_range: (0 1)", "4:9: unknown key 'weight_range'; did you mean 'wr'?"),
        ("size: 4 bias_range: (0 1)", "4:9: unknown key 'bias_range'; did you mean 'br'?"),
        ("size: 4 epochs: 3", "4:9: key 'epochs' belongs to TRAINING, not to LAYERS"),
        ("size: 4 verbose: 1", "4:9: verbose is not part of a configuration"),
        ("size: 4 wr: -0.1 0.1", "4:13: wr is a range and stands in brackets: wr: (-0.1 0.1)"),
        ("size: 4 br: none", "4:13: for a layer without biases write bias: false in place of"),
        ("size: 4; act: relu", "4:7: keys are separated by spaces and not by semicolons, found"),
        ("type: relu", "4:7: relu is the activation of a layer and no layer of its own; write si"),
        ("size: 4 type: hidden", "4:15: a type is what a layer does, not where it stands; leave"),
        ("size: 4 type: input", "4:15: the input is no layer; write its size as input: 20 in LAY"),
        ("size: 4 act: softmax", "4:14: softmax is a layer of its own, and the last one; choose"),
    ],
)
def test_slips_of_a_layer(line: str, message: str, tmp_path: Path) -> None:
    (only,) = messages(f"{HEAD}{line}\nsize: 3\n", tmp_path)
    assert only.startswith(message)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("network: {epochs: 3, LAYERS}", "1:11: key 'epochs' belongs under training:"),
        ("network: {lr: 3, LAYERS}", "1:11: unknown key 'lr'; did you mean 'learning_rate'?"),
        (
            "network: {lrate: 3, LAYERS}",
            "1:11: unknown key 'lrate'; in YAML and with --set that is 'l",
        ),
        ("network: {neurons: 3, LAYERS}", "1:11: key 'neurons' belongs to a layer, an item of l"),
        ("network: {hidden_layers: 3, LAYERS}", "1:11: key 'hidden_layers': each layer is an it"),
        ("network: {layers: [{size: 1, wr: [0, 1]}], loss: mse}", "1:30: unknown key 'wr'; in Y"),
        ("network: {layers: [relu, {size: 1}]}", "1:20: relu is the activation of a layer and no"),
        ("network: {layers: [{dense: 1, size: 1}]}", "1:21: dense is a type of layer; write typ"),
        ("network: {LAYERS}\ntraining: {verbose: true}", "2:12: verbose is not part of a confi"),
        ("network: {LAYERS}\ntraining: {lr: 0.1}", "2:12: key 'lr' belongs under network as 'le"),
        ("network: {LAYERS}\ntraining: {optimizer: {type: adam, lr: 1}}", "2:36: key 'lr' belon"),
        (
            "network: {LAYERS}\ntraining: {optimizer: {type: adam, weight_decay: 1}}",
            "2:36: unknown key 'weight_decay'; {type: adamw, weight_decay: 0.01} decays weights",
        ),
        (
            "network: {LAYERS}\ntraining: {optimizer: {type: rmsprop, rho: 0.9}}",
            "2:39: unknown key 'rho'; did you mean 'alpha'?",
        ),
        (
            "network: {LAYERS}\ntraining: {optimizer: {type: lbfgs, history_size: 9}}",
            "2:37: unknown key 'history_size'; did you mean 'memory'?",
        ),
        (
            "network: {LAYERS}\ntraining: {optimizer: lbfgs, memory: 9}",
            "2:30: unknown key 'memory'; that is an option of the optimizer",
        ),
        ("network: {LAYERS}\ndata: {noise: 2%}", "2:15: noise is a share of 1, 0.02, found '2%'"),
        ("network: {LAYERS}\ndata: {dataset: iris}", "2:8: unknown key 'dataset'; that is said "),
        (
            "network: {LAYERS}\ntraining: {validation_split: 0.2}",
            "2:12: unknown key 'validation",
        ),
        (
            "network: {LAYERS}\ntraining: {patience: 3}",
            "2:12: unknown key 'patience'; that is",
        ),
        ("network: {LAYERS, dropout: 0.5}", "1:32: unknown key 'dropout'; that is a layer, an it"),
        ("network: {LAYERS, label_smoothing: 0.1}", "1:32: unknown key 'label_smoothing'; that i"),
        (
            "network: {LAYERS}\ntraining: {optimizer: {type: sgd, momentum: 0.9}}",
            "2:35: unknown key 'momentum'; that is an optimizer of its own: {type: momentum, mom",
        ),
        (
            "network: {LAYERS}\ntraining: {callbacks: [ReduceLROnPlateau]}",
            "2:24: unknown callback 'ReduceLROnPlateau'; that is a schedule: schedule: plateau. K",
        ),
        ("network: {LAYERS}\ndata: {batch: 3}", "2:8: key 'batch' belongs under training as 'ba"),
        ("network: {LAYERS, penalty: {type: L2, weight_decay: 1}}", "1:52: unknown key 'weight_"),
        ("epochs: 3\nnetwork: {LAYERS}", "1:1: key 'epochs' belongs under training:"),
    ],
)
def test_slips_in_yaml(part: str, message: str, tmp_path: Path) -> None:
    layers = "layers: [{size: 1}]"
    (only,) = messages(part.replace("LAYERS", layers), tmp_path, "net.yaml")
    assert only.startswith(message)


def test_a_network_without_its_key_is_not_told_to_be_missing(tmp_path: Path) -> None:
    found = messages("loss: mse\nlayers: [{size: 1}]\nepochs: 3\n", tmp_path, "net.yaml")
    assert found == [
        "1:1: key 'loss' belongs under network:",
        "2:1: key 'layers' belongs under network:",
        "3:1: key 'epochs' belongs under training:",
    ]


def test_softmax_as_an_activation_and_the_advice_followed(tmp_path: Path) -> None:
    start = "GLOBALS\nloss: cross_entropy\nLAYERS\nsize: 9 act: relu\n"
    (only,) = messages(f"{start}size: 4 act: softmax\n", tmp_path)
    assert only == (
        "5:14: softmax is a layer of its own and no activation: write act: linear here, and "
        "behind it the line type: softmax"
    )
    loads(f"{start}size: 4 act: linear\ntype: softmax\n", tmp_path)
    (only,) = messages(f"{start}size: 4 act: softmax\nsoftmax\n", tmp_path)
    assert only.endswith("which follows already: write act: linear here")


def test_softmax_as_an_activation_in_yaml(tmp_path: Path) -> None:
    text = "network: {layers: [{size: 4, activation: softmax}]}"
    (only,) = messages(text, tmp_path, "net.yaml")
    assert only.endswith(
        "write activation: linear here, and behind it softmax as the last item of layers"
    )
    loads("network: {layers: [{size: 4, activation: linear}, softmax]}", tmp_path, "net.yaml")


@pytest.mark.parametrize(
    ("last", "advice", "followed"),
    [
        ("size: 4 act: sigmoid", "binary_cross_entropy, or make it linear and add softmax", True),
        ("size: 1 act: sigmoid", "binary_cross_entropy, which tells two classes apart", True),
        ("size: 1 act: tanh", "give it the activation sigmoid and choose the loss binary_", False),
        ("size: 4 act: tanh", "add softmax as the last layer, or choose another loss", False),
    ],
)
def test_cross_entropy_without_a_softmax(
    last: str, advice: str, followed: bool, tmp_path: Path
) -> None:
    text = f"GLOBALS\nloss: cross_entropy\nLAYERS\ninput: 20\n{last}\n"
    (only,) = messages(text, tmp_path)
    assert advice in only
    if followed:
        loads(text.replace("cross_entropy", "binary_cross_entropy"), tmp_path)


INI = """; the network of the exercise
[GLOBALS]
loss = cross_entropy
lrate = 0.1

[LAYERS]
input: 20
size: 100 act: relu  ; the hidden layer
size: 5
type: softmax
"""


def test_an_ini_file_is_told_what_to_change(tmp_path: Path) -> None:
    assert messages(INI, tmp_path, "net.ini") == [
        "1:1: a comment begins with # and not with ; (so too in line 8)",
        "2:1: the name of a section stands without brackets: GLOBALS (so too in line 6)",
        "3:1: a key and its value are joined by a colon: loss: cross_entropy (so too in line 4)",
    ]
    mended = INI.replace(";", "#").replace("[", "").replace("]", "").replace(" =", ":")
    loads(mended, tmp_path, "net.ini")


def test_a_section_a_layer_as_ini_files_have_it(tmp_path: Path) -> None:
    text = "[GLOBALS]\nloss = mse\n[LAYER_1]\nsize = 3\nact = relu\n[NETWORK]\nwreg=1\nwrt=L2\n"
    assert messages(text, tmp_path) == [
        "1:1: the name of a section stands without brackets: GLOBALS (so too in lines 3 and 6)",
        "2:1: a key and its value are joined by a colon: loss: mse (so too in lines 4, 5, 7 and "
        "8)",
        "3:2: unknown section 'LAYER_1'; did you mean 'LAYERS'? Known: GLOBALS, LAYERS, DATA, "
        "TRAINING",
        "5:1: a layer stands on one line: write this behind line 4, or begin with the size of "
        "another layer",
        "6:2: unknown section 'NETWORK'; did you mean 'GLOBALS'? Known: GLOBALS, LAYERS, DATA, "
        "TRAINING",
    ]


def test_a_semicolon_in_a_value_is_no_comment(tmp_path: Path) -> None:
    text = f"{HEAD}size: 1\nDATA\nfile: a ;b.csv\n"
    (tmp_path / "net.txt").write_text(text)
    assert load_config(tmp_path / "net.txt").data["file"] == "a ;b.csv"


def test_a_layer_on_several_lines(tmp_path: Path) -> None:
    text = f"{HEAD}size: 4\nact: relu\nwr: (0 1)\nsize: 3\n"
    behind = "a layer stands on one line: write this behind line 4, or begin with the size of"
    assert messages(text, tmp_path) == [
        f"5:1: {behind} another layer",
        f"6:1: {behind} another layer",
    ]


def test_an_unknown_key_is_reported_once(tmp_path: Path) -> None:
    """The reader's own word for it stands; the schema adds nothing at the same place."""
    found = messages(f"{HEAD}size: 4 output: last\nsize: 3\n", tmp_path)
    assert len(found) == 1
    assert found[0].startswith("4:9: unknown key 'output'; did you mean 'outputs'?")


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        (
            "a.txt",
            "GLOBALS\npenalty: L2\nLAYERS\ninput: 2\nsize: 3\n",
            "is written wreg: 0.001 wrt: L2",
        ),
        ("b.txt", "LAYERS\ninput: 2\nsize: 3 penalty: 0.1\n", "is written wreg: 0.001 wrt: L2"),
        (
            "c.txt",
            "LAYERS\ninput: 2\nsize: 3\nTRAINING\nweight_decay: 0.1\n",
            "is written in GLOBALS wreg: 0.001 wrt: L2",
        ),
        (
            "d.yaml",
            "network: {layers: [{size: 3}]}\ntraining: {weight_decay: 0.1}\n",
            "is written under network: penalty: {type: L2, rate: 0.001}",
        ),
        (
            "e.yaml",
            "network: {layers: [{size: 3}]}\ntraining: {decay: 0.9}\n",
            "under training: schedule: {type: exponential, decay: 0.95}",
        ),
    ],
)
def test_where_a_penalty_or_a_decay_belongs(folder, name, text, advice):
    Path(name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(Path(name))
    (problem,) = caught.value.problems
    assert advice in problem.message


@pytest.mark.parametrize("breg", ["true", "false"])
def test_breg_of_a_layer_alone_says_what_is_missing_and_is_not_passed_over(folder, breg):
    Path("a.txt").write_text(
        f"GLOBALS\nwreg: 0.1 wrt: L2 breg: true\nLAYERS\ninput: 2\nsize: 3 breg: {breg}\n"
    )
    with pytest.raises(ConfigError, match=r"a\.txt:5:\d+: missing key 'wrt'"):
        load_config(Path("a.txt"))

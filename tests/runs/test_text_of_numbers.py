"""A text is read as the numbers of its characters for a network that begins with an embedding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainrule import load, train
from chainrule.config.load import load_config
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.nn.layers.embedding import Embedding
from chainrule.runs.resolve import data_key, describe_network, resolve
from chainrule.runs.sampling import sample
from chainrule.training import Callback

LAYERS = [{"type": "embedding", "size": 3}, {"type": "recurrent", "size": 8}, {"size": 4}]
TEXT = "abacad" * 60


def config(path="t.txt", layers=(), **data):
    return {
        "network": {"layers": [*(layers or LAYERS), "softmax"]},
        "data": {"text": str(path), "steps": 12, "stride": 5, "split": [1, 0, 0], **data},
        "training": {"epochs": 90, "batch_size": 8, "optimizer": "adam", "seed": 1},
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of a text that goes round: what follows two characters is certain."""
    place = tmp_path_factory.mktemp("text")
    (place / "t.txt").write_text(TEXT)
    return train(config(place / "t.txt"), run=place / "r")


def test_it_learns_and_writes_on(run):
    assert "".join(sample(run, start="abacad", count=30, temperature=0)) == "abacad" * 5
    assert next(sample(run, start="dab", count=1, temperature=0)) == "a"
    again = load(run.folder)
    assert "".join(sample(again, count=9, seed=4)) == "".join(sample(run, count=9, seed=4))


def test_what_was_decided_stands_in_the_run(run):
    assert run.config.data["encoding"] == "indices"
    assert run.config.network["layers"][0]["classes"] == 4
    assert run.config.network["input"] == [12, 1]
    layer = run.network.layers[0]
    assert isinstance(layer, Embedding)
    assert layer.E.shape == (4, 3)
    assert run.data.train.x.dtype == np.float32
    assert np.array_equal(run.data.train.x[:, 1:, 0], run.data.train.t[:, :-1])
    assert "activation" not in run.config.network["layers"][0]


def test_the_same_characters_as_one_hot_steps_give_the_same_run(tmp_path):
    """A dense layer without biases on one-hot steps is the embedding."""
    (tmp_path / "t.txt").write_text(TEXT)
    dense = [{"size": 3, "bias": False, "activation": "linear"}, *LAYERS[1:]]
    runs = []
    for layers in (LAYERS, dense):
        short = {**config(tmp_path / "t.txt", layers), "training": {"epochs": 5}}
        resolved = resolve(load_config(short))
        resolved.network.theta = np.linspace(-0.5, 0.5, len(resolved.network.theta))
        trainer = resolved.trainer()
        runs.append(trainer.run()["train_loss"])
    assert runs[0] == pytest.approx(runs[1], rel=1e-9)


def test_characters_that_training_never_saw_are_zeros(tmp_path):
    (tmp_path / "t.txt").write_text("abacad" * 50 + "abxcad" * 10)
    found = resolve(load_config(config(tmp_path / "t.txt", split=[0.8, 0.0, 0.2])))
    assert (found.data.test.x == -1).any()
    assert np.isfinite(found.network.loss(found.data.test.x, found.data.test.t))


class StopAt(Callback):
    every_minibatch = True

    def on_chunk(self, trainer):
        trainer.interrupted = trainer.minibatches_run >= 13


def test_a_stopped_run_goes_on_to_the_same_bits(folder):
    Path("t.txt").write_text(TEXT)
    short = config()
    short["training"]["epochs"] = 3
    whole = train(short, run="whole")
    assert train(short, run="r", callbacks=[StopAt()]).interrupted
    last = train(short, run="r", resume=True)
    assert not last.interrupted
    assert last.network.theta.tobytes() == whole.network.theta.tobytes()


def test_commands_know_the_characters(command, folder):
    Path("t.txt").write_text(TEXT)
    Path("c.yaml").write_text(
        "network: {layers: [{type: embedding, size: 3}, {type: recurrent, size: 4}, {size: 4}, "
        "softmax]}\ndata: {text: t.txt, steps: 12, split: [0.8, 0.1, 0.1]}\n"
        "training: {epochs: 1}\n"
    )
    shown = command("data", "show", "c.yaml", "--count", "1").out.splitlines()
    x, t = (line[3:] for line in shown[-2:])
    assert x in TEXT
    assert t[:-1] == x[1:]
    described = command("describe", "c.yaml")
    assert "embedding_1" in described.out
    assert command("train", "c.yaml", "--run", "r").status == 0
    Path("new.txt").write_text("abacadabacadabxcad")
    evaluated = command("evaluate", "r", "new.txt")
    assert evaluated.status == 0
    assert "training never saw" in evaluated.err
    assert command("predict", "r", "new.txt").status == 0
    assert command("sample", "r", "--count", "5").status == 0
    assert command("check", "c.yaml").status == 0


@pytest.mark.parametrize(
    ("layers", "data", "message"),
    [
        (LAYERS, {"encoding": "one_hot"}, "write encoding: indices, or leave it out"),
        (LAYERS, {"encoding": "numbers"}, "write encoding: indices, or leave it out"),
        (LAYERS[1:], {"encoding": "indices"}, "one_hot or numbers, or begin the network with"),
        (LAYERS, {"encoding": "indizes"}, "did you mean 'indices'"),
        (
            [{**LAYERS[0], "classes": 3}, *LAYERS[1:]],
            {},
            "in the training data: embedding_1 takes .* from 0 to 2, .* is 3.*: 4 would do",
        ),
        ([LAYERS[1], *LAYERS], {}, "put it first, or write inputs: input"),
        ([{"type": "embedding"}, *LAYERS[1:]], {}, "size"),
        ([{**LAYERS[0], "classes": 10**12}, *LAYERS[1:]], {}, r"layers\[0\].classes.* 16,777,216"),
        ([{**LAYERS[0], "size": 10**12}, *LAYERS[1:]], {}, "a smaller size is needed"),
        ([{**LAYERS[0], "classes": 0}, *LAYERS[1:]], {}, "classes"),
        ([{**LAYERS[0], "activation": "tanh"}, *LAYERS[1:]], {}, "activation"),
    ],
)
def test_what_does_not_fit_is_refused(folder, layers, data, message):
    Path("t.txt").write_text(TEXT)
    with pytest.raises(ConfigError, match=message):
        resolve(load_config(config("t.txt", layers, **data)))


def test_files_of_class_numbers(command, folder):
    rng = np.random.default_rng(1)
    x, t = rng.integers(0, 7, (60, 2)), rng.integers(0, 2, 60)
    np.savez("d.npz", x=x, t=t)
    made = {
        "network": {"layers": [{"type": "embedding", "size": 3}, {"size": 2}, "softmax"]},
        "data": {"file": "d.npz"},
        "training": {"epochs": 1},
    }
    with pytest.raises(ConfigError, match="the largest in the data is 6: write classes: 7"):
        train(made, save=False)
    made["network"]["layers"][0]["classes"] = 7
    run = train(made, save=False)
    assert run.network.layers[0].output_shape == (6,)
    with pytest.raises(ChainruleError, match="case 0, number 1 is 7"):
        run.network.forward_pass([[0, 7]])
    train(made, run="r")
    np.savez("new.npz", x=[[0, 1], [3, 8]])
    for name in ("evaluate", "predict"):
        assert command(name, "r", "new.npz").err.startswith("new.npz: ")
    assert "case 1, number 1 is 8" in command("predict", "r", "new.npz").err
    made["data"]["standardize"] = True
    with pytest.raises(ConfigError, match="class numbers are not standardized"):
        train(made, save=False)


def test_data_of_two_networks_are_the_same_only_if_both_take_numbers():
    embeds, one_hot = (load_config(config("t.txt", layers)) for layers in (LAYERS, LAYERS[1:]))
    assert data_key(embeds) != data_key(one_hot)


def test_a_network_is_described_whose_input_is_written_but_not_its_classes(folder):
    Path("t.txt").write_text(TEXT)
    made = config()
    made["network"]["input"] = [12, 1]
    assert describe_network(load_config(made)).layers[0].weights == 12
    made["network"]["layers"][0] = {**LAYERS[0], "classes": 9}
    Path("t.txt").unlink()
    assert describe_network(load_config(made)).layers[0].weights == 27

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.config import load_config
from chainrule.config.reading.overrides import apply_overrides
from chainrule.config.reading.tree import Place, Tree
from chainrule.core.errors import ConfigError
from configurations import MINIMAL

FILE = """\
network:
  loss: cross_entropy
  layers: [{size: 10}, {size: 4}, softmax]
training: {epochs: 3}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("set") / "net.yaml"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize(
    ("item", "where", "value"),
    [
        ("training.epochs=5", ("training", "epochs"), 5),
        (" training.epochs = 5 ", ("training", "epochs"), 5),
        ("network.layers.0.size=50", ("network", "layers", 0, "size"), 50),
        ("network.learning_rate=1e-4", ("network", "learning_rate"), 1e-4),
        ("network.layers.1.weights=[-1, 1]", ("network", "layers", 1, "weights"), [-1.0, 1.0]),
        ("network.layers[0].size=5", ("network", "layers", 0, "size"), 5),
        ("network.layers[1].weights=[-1, 1]", ("network", "layers", 1, "weights"), [-1.0, 1.0]),
        ("network.layers[2]=softmax", ("network", "layers", 2, "type"), "softmax"),
        ("network.layers.2.name=out", ("network", "layers", 2, "name"), "out"),
        ("network.penalty={type: L1, rate: 1}", ("network", "penalty", "type"), "L1"),
        ("network.penalty.rate=0.1", ("network", "penalty", "type"), "L2"),
        ("data.noise=0.1", ("data", "noise"), 0.1),
        ("data={file: a=b.csv}", ("data", "file"), "a=b.csv"),
    ],
)
def test_values_are_set(path: Path, item: str, where: tuple[Any, ...], value: Any) -> None:
    config = load_config(path, [item])
    found: Any = {"network": config.network, "data": config.data, "training": config.training}
    for step in where:
        found = found[step]
    assert found == value


@pytest.mark.parametrize(("key", "mark"), [("delimiter", ","), ("decimal", ","), ("comment", "%")])
def test_a_mark_needs_no_quotation_marks(key: str, mark: str) -> None:
    config = load_config({**MINIMAL, "data": {"file": "a.csv"}}, [f"data.{key}={mark}"])
    assert config.data[key] == mark


def test_an_option_can_be_set_beside_a_bare_name() -> None:
    source = {**MINIMAL, "training": {"optimizer": "adam", "callbacks": ["early_stopping"]}}
    items = ["training.optimizer.beta1=0.5", "training.callbacks.0.patience=2"]
    config = load_config(source, items)
    assert config.training["optimizer"]["beta1"] == 0.5
    assert config.training["optimizer"]["type"] == "adam"
    (early_stopping,) = config.training["callbacks"]
    assert (early_stopping["type"], early_stopping["patience"]) == ("early_stopping", 2)


def test_the_given_tree_stays_as_it_is() -> None:
    tree = Tree({"a": {"b": [1]}}, "f", values={("a", "b"): Place("f", 1, 1)})
    changed = apply_overrides(tree, ["a.b.0=2", "a.b=3", "a"])
    assert changed.value == {"a": {"b": 3}}
    assert tree == Tree({"a": {"b": [1]}}, "f", values={("a", "b"): Place("f", 1, 1)})


def test_later_items_win_and_can_mend_the_file(path: Path) -> None:
    config = load_config(path, ["training.epochs=x", "training.epochs=5"])
    assert config.training["epochs"] == 5


def test_items_reach_a_compact_file_by_the_same_paths(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    path.write_text("GLOBALS\nloss: mse\nLAYERS\nsize: 2 lrate: 1\n")
    config = load_config(path, ["network.layers.0.learning_rate=2"])
    assert config.network["layers"][0]["learning_rate"] == 2.0
    with pytest.raises(ConfigError, match="learning_rate must be a finite number"):
        load_config(path, ["network.layers.0.learning_rate=-2"])


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("training.epoch=5", "unknown key 'epoch'; did you mean 'epochs'? Known: epochs,"),
        ("trainin.epochs=5", "unknown key 'trainin'; did you mean 'training'? Known: network,"),
        ("training.epochs=1.5", "epochs must be a whole number of at least 0, found 1.5"),
        ("network.layers.7.size=3", "index 7 is out of range; layers has the indices 0 to 2"),
        ("network.layers.-1.size=3", "index -1 is out of range; layers has the indices 0 to 2"),
        ("network.layers[7].size=3", "index 7 is out of range; layers has the indices 0 to 2"),
        ("network.layers.a.size=3", "layers is a list; expected an index, found 'a'"),
        ("network.layers.0.size.x=3", "size is 10, which has no 'x'"),
        ("network.penalty.rate=-1", "rate must be a finite number of at least 0, found -1"),
        ("network.layers.0={size: 0}", "size must be a whole number of at least 1, found 0"),
        ("data.nose=1", "unknown key 'nose'; did you mean 'noise'? Known: generator,"),
        ("epochs", "expected path=value, such as training.epochs=5"),
        ("=5", "expected path=value, such as training.epochs=5"),
        ("a..b=3", "the path 'a..b' has an empty step; write it as a.b.c"),
        ("training.epochs=[1", "the value cannot be read: ']' is missing"),
        ("training={seed: 1, seed: 2}", "duplicate key 'seed'"),
        ("training.seed=__import__('os').getpid()", "seed must be a whole number of at least 0"),
        ("training.seed=!!python/name:os.getpid ''", "the value cannot be read: tags"),
    ],
)
def test_a_wrong_item_is_named_instead_of_a_line(path: Path, item: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(path, [item])
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"--set {item}: {message}")


def test_problems_of_items_come_after_those_of_the_file(path: Path) -> None:
    items = ["training.epochs=1.5", "network.loss=mea", "network.layers.2=softmax"]
    with pytest.raises(ConfigError) as caught:
        load_config(path, [*items, "network.layers.0.siz=1"])
    assert [problem.line for problem in caught.value.problems] == [None] * 3


@given(st.text(max_size=30) | st.text("abc.=:[]{}0123 ", max_size=30))
def test_any_item_loads_or_is_refused(item: str) -> None:
    try:
        load_config(MINIMAL, [item])
    except ConfigError as error:
        assert str(error.problems[0]).startswith("--set")  # noqa: PT017

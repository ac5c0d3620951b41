from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import Dense
from chainrule.config import Config, load_config
from chainrule.config.reading.yaml_writer import write_yaml
from chainrule.core.errors import ConfigError
from chainrule.nn.initializers import initializer
from chainrule.nn.network import Network
from configurations import COMPACT_EXAMPLE, MINIMAL, YAML_EXAMPLE, compact, configurations


def load_text(text: str, folder: Path, name: str = "net.yaml") -> Config:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_config(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configurations")


def test_the_yaml_example_loads_as_it_stands(tmp_path: Path) -> None:
    config = load_text(YAML_EXAMPLE, tmp_path, "letters.yaml")
    assert config.network["input"] == 256
    assert config.network["penalty"] == {"type": "L2", "rate": 0.001, "biases": False}
    assert config.network["layers"] == [
        {
            "type": "dense",
            "size": 100,
            "activation": "relu",
            "bias": True,
            "weights": [-0.1, 0.1],
            "learning_rate": 0.01,
        },
        {
            "type": "dense",
            "size": 4,
            "activation": "linear",
            "bias": True,
            "weights": "glorot",
            "biases": [0.0, 1.0],
        },
        {"type": "softmax"},
    ]
    assert config.data["width"] == [6, 14]
    assert config.training["epochs"] == 30
    assert config.training["optimizer"] == "sgd"
    assert (config.name, config.folder) == ("letters", tmp_path)


def test_the_compact_example_loads_as_it_stands(tmp_path: Path) -> None:
    config = load_text(COMPACT_EXAMPLE, tmp_path, "network.txt")
    first, second, last = config.network["layers"]
    assert (first["learning_rate"], first["weights"]) == (0.01, [-0.1, 0.1])
    assert (second["biases"], last) == ([0.0, 1.0], {"type": "softmax"})
    assert config.network["learning_rate"] == 0.1
    assert config.network["input"] == 20
    assert config.data["generator"] == "blobs"
    assert config.data["spread"] == 1.5


@given(configurations())
def test_both_forms_and_a_mapping_say_the_same(folder: Path, config: dict[str, Any]) -> None:
    expected = load_config(config)
    assert load_text(write_yaml(config), folder) == expected
    assert load_text(compact(config), folder) == expected


@given(configurations())
def test_a_configuration_as_run_loads_again(folder: Path, config: dict[str, Any]) -> None:
    loaded = load_config(config)
    again = load_text(loaded.to_yaml(), folder)
    assert again == loaded
    assert again.to_yaml() == loaded.to_yaml()


@given(configurations(), st.data())
def test_the_network_and_the_configuration_agree_on_what_is_valid(
    config: dict[str, Any], data: st.DataObject
) -> None:
    network = config["network"]
    network["input"] = 3
    network["layers"] = [
        {**layer, "size": 2} if "size" in layer else layer
        for layer in data.draw(st.permutations(network["layers"]))
    ]
    network["loss"] = data.draw(st.sampled_from(["mse", "cross_entropy", "binary_cross_entropy"]))
    network["penalty"] = None  # its spelling with type none is for configurations alone
    assert refuses(lambda: load_config(config)) == refuses(lambda: Network.from_config(network))


def refuses(action: Any) -> bool:
    try:
        action()
    except ConfigError:
        return True
    return False


@given(configurations())
def test_the_network_takes_what_the_configuration_gives(config: dict[str, Any]) -> None:
    config["network"]["layers"] = [
        {**layer, "size": 3} if "size" in layer else layer for layer in config["network"]["layers"]
    ]
    loaded = load_config(config).replace(network={"input": 2})
    network = Network.from_config(loaded.network, seed=loaded.training["seed"])
    assert len(network.layers) == len(config["network"]["layers"])


def test_missing_parts_have_defaults() -> None:
    config = load_config(MINIMAL)
    assert config.data == {"generator": "shapes"}
    assert config.training["epochs"] == 30
    assert config.network["learning_rate"] is None
    assert config.network["penalty"] is None
    assert (config.name, config.path, config.folder) == ("run", None, Path.cwd())


@pytest.mark.parametrize("penalty", [None, "none", "None", {"type": "none"}])
def test_no_penalty_has_many_spellings(penalty: Any) -> None:
    network = {**MINIMAL["network"], "penalty": penalty}
    assert load_config({"network": network}).network["penalty"] is None


@pytest.mark.parametrize(
    ("layers", "loss"), [([{"size": 2}, "softmax"], "cross_entropy"), ([{"size": 2}], "mse")]
)
def test_a_missing_loss_is_the_one_that_goes_with_the_output(layers: list[Any], loss: str) -> None:
    network = {"layers": layers}
    assert load_config({"network": network}).network["loss"] == loss


@pytest.mark.parametrize("penalty", ["L1", {"type": "L1"}])
def test_a_penalty_without_a_rate_has_the_default_one(penalty: Any) -> None:
    network = {"layers": [{"size": 1}], "penalty": penalty}
    expected = {"type": "L1", "rate": 0.001, "biases": False}
    assert load_config({"network": network}).network["penalty"] == expected


def test_the_type_of_a_penalty_is_l2_where_only_the_rate_is_given() -> None:
    network = {**MINIMAL["network"], "penalty": {"rate": 1}}
    expected = {"type": "L2", "rate": 1.0, "biases": False}
    assert load_config({"network": network}).network["penalty"] == expected


def test_names_are_known_in_any_case() -> None:
    layers = [{"type": "Basic_Layer", "size": 2, "activation": "ReLU", "weights": "HE"}, "Softmax"]
    network = {"loss": "Cross_Entropy", "penalty": {"type": "l1", "rate": 1}, "layers": layers}
    config = load_config({"network": network, "training": {"optimizer": "Adam"}})
    assert config.network["loss"] == "cross_entropy"
    assert config.network["penalty"]["type"] == "L1"
    assert config.network["layers"][0] == {
        "type": "dense",
        "size": 2,
        "activation": "relu",
        "bias": True,
        "weights": "he",
    }
    assert config.training["optimizer"]["type"] == "adam"


def test_options_that_are_left_out_are_written_out() -> None:
    layers = [{"size": 1, "activation": "elu"}]
    config = load_config({"network": {"loss": {"type": "huber", "delta": 2}, "layers": layers}})
    assert config.network["loss"] == {"type": "huber", "delta": 2.0}
    assert config.network["layers"][0]["activation"] == {"type": "elu", "alpha": 1.0}


def test_a_number_of_classes_means_the_first_ones() -> None:
    config = load_config({**MINIMAL, "data": {"classes": 3, "width": 9}})
    assert config.data["classes"] == ["circle", "rectangle", "triangle"]
    assert config.data["width"] == [9, 9]


def test_thirds_sum_to_one_and_data_have_a_seed_of_their_own() -> None:
    config = load_config({**MINIMAL, "data": {"split": [1 / 3] * 3, "seed": 7}})
    assert (config.data["split"], config.data["seed"]) == ([1 / 3] * 3, 7)


@pytest.mark.parametrize("split", [[70, 20, 10], [70.0, 20, 10.0], (70, 20, 10)])
def test_percentages_are_fractions(split: Any) -> None:
    assert load_config({**MINIMAL, "data": {"split": split}}).data["split"] == [0.7, 0.2, 0.1]


def test_percentages_in_the_compact_form(tmp_path: Path) -> None:
    text = "LAYERS\nsize: 1\nDATA\nsplit: (100 0 0)\n"
    assert load_text(text, tmp_path).data["split"] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("key", ["weights", "biases"])
@pytest.mark.parametrize("number", [0.05, 2, 0])
def test_a_number_alone_is_the_range_around_0(key: str, number: float, tmp_path: Path) -> None:
    layers = [{"size": 3, key: number}]
    network = load_config({"network": {"loss": "mse", "layers": layers}}).network
    assert network["layers"][0][key] == [-number, number]
    word = {"weights": "wr", "biases": "br"}[key]
    text = f"GLOBALS\nloss: mse\nLAYERS\nsize: 3 {word}: {number}\n"
    assert load_text(text, tmp_path).network == network
    built = Network.from_config({**network, "input": 2}, seed=1).layers[0]
    drawn = {"weights": built.W, "biases": built.b}[key]
    assert np.abs(drawn).max() <= number
    assert len(np.unique(drawn)) == (drawn.size if number else 1)
    made = {"weights": Dense(3, weights=number).weights, "biases": Dense(3, biases=number).biases}
    assert made[key] == initializer([-number, number])


def test_numbers_of_numpy_are_numbers() -> None:
    layer = {"size": np.int64(3), "weights": (np.float32(-0.5), 0.5), "biases": np.zeros(2)}
    config = load_config({"network": {"loss": "mse", "layers": (layer,)}})
    assert config.network["layers"][0] == {
        "type": "dense",
        "size": 3,
        "bias": True,
        "weights": [-0.5, 0.5],
        "biases": [0.0, 0.0],
    }


def test_a_mapping_is_left_as_it_was() -> None:
    given_mapping = {"network": {"loss": "MSE", "layers": [{"size": 1}, "softmax"]}}
    load_config(given_mapping, ["network.loss=mae", "network.layers.1.name=out"])
    assert given_mapping == {"network": {"loss": "MSE", "layers": [{"size": 1}, "softmax"]}}


@pytest.mark.parametrize("source", [{1: 2}, {"network": print}, {"network": b"abc"}])
def test_what_no_file_could_hold_is_refused(source: Any) -> None:
    with pytest.raises(ConfigError, match=r"network|'1'"):
        load_config(source)


def test_a_mapping_inside_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["network"] = loop
    with pytest.raises(ConfigError, match="nested too deeply"):
        load_config(loop)


def test_a_mappings_problems_name_the_dotted_path() -> None:
    network = {"loss": "mse", "layers": [{"size": 1}, {"size": "ten"}]}
    with pytest.raises(ConfigError) as caught:
        load_config({"network": network, "training": {"epoch": 1}})
    first, second = (str(problem) for problem in caught.value.problems)
    assert first.startswith("network.layers[1].size: size must be a whole number")
    assert second.startswith("training.epoch: unknown key 'epoch'; did you mean 'epochs'?")


def test_later_problems_find_the_nearest_place(tmp_path: Path) -> None:
    config = load_text(YAML_EXAMPLE, tmp_path)
    written = config.problem(("network", "input"), "does not fit")
    assert (written.path, written.line, written.column) == (tmp_path / "net.yaml", 2, 10)
    key = config.problem(("network", "input"), "does not fit", of_key=True)
    assert (key.line, key.column) == (2, 3)
    unwritten = config.problem(("network", "layers", 0, "biases"), "is odd")
    assert (unwritten.line, unwritten.column) == (7, 7)
    replaced = config.replace(network={"input": 5})
    assert replaced.problem(("network", "input"), "x").line == 2
    assert str(load_config(MINIMAL).problem(("data",), "is odd")) == "data: is odd"


def test_values_found_later_can_be_put_in_and_are_checked() -> None:
    config = load_config(MINIMAL)
    changed = config.replace(network={"input": 3}, training={"engine": "numpy"})
    assert (changed.network["input"], changed.training["engine"]) == (3, "numpy")
    assert config.network["input"] is None
    with pytest.raises(ConfigError, match="input must be a whole number"):
        config.replace(network={"input": 0})


def test_relative_paths_follow_a_configuration_that_moves(tmp_path: Path) -> None:
    text = (
        "network: {loss: mse, layers: [{size: 1}]}\ndata: {file: letters.csv, test_file: /t.csv}"
    )
    config = load_text(text, tmp_path)
    assert config.resolve("letters.csv") == tmp_path / "letters.csv"
    run = tmp_path / "runs" / "net-1"
    run.mkdir(parents=True)
    moved = config.moved(run)
    assert moved.data["file"] == "../../letters.csv"
    assert moved.data["test_file"] == "/t.csv"
    again = load_text(moved.to_yaml(), run)
    assert again == moved
    assert again.resolve(again.data["file"]).resolve() == (tmp_path / "letters.csv").resolve()


def test_a_copy_of_a_configuration_behind_a_link_finds_its_files(tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep/er")
    (tmp_path / "runs").mkdir()
    (tmp_path / "deep/x.csv").write_text("1,2\n")
    text = YAML_EXAMPLE.replace("generator: shapes", "file: ../x.csv  #").split("size: 16")[0]
    (tmp_path / "deep/er/c.yaml").write_text(text)
    moved = load_config(tmp_path / "link/c.yaml").moved(tmp_path / "link")
    assert moved.data["file"] == "../x.csv"
    moved = moved.moved(tmp_path / "runs")
    assert moved.data["file"] == "../deep/x.csv"
    assert moved.resolve(moved.data["file"]).read_text() == "1,2\n"


def test_the_home_folder_is_found_and_no_one_elses_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_text(YAML_EXAMPLE, tmp_path)
    assert config.resolve("~/x.csv") == tmp_path / "x.csv"
    assert config.resolve("~nobody-of-this-name/x.csv").name == "x.csv"


def test_the_form_is_told_by_contents_not_by_the_name(tmp_path: Path) -> None:
    assert load_text(COMPACT_EXAMPLE, tmp_path, "a.yaml").network["input"] == 20
    assert load_text(YAML_EXAMPLE, tmp_path, "a.txt").network["input"] == 256


@given(st.text(max_size=60), st.sampled_from(["", "network:\n", "GLOBALS\n", "LAYERS\n"]))
def test_any_text_loads_or_is_refused_with_problems(folder: Path, text: str, head: str) -> None:
    (folder / "any.yaml").write_bytes((head + text).encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError) as caught:
        load_config(folder / "any.yaml")
    assert caught.value.problems


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_with_problems(folder: Path, content: bytes) -> None:
    (folder / "any.yaml").write_bytes(content)
    with pytest.raises(ConfigError):
        load_config(folder / "any.yaml")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 60)
    | st.sampled_from([10**400, -(10**400), 2**63])
    | st.floats()
    | st.sampled_from(["", "none", "softmax", "relu", "adam", "L1", "shapes", "type", "é"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "size", "rate", "name", "file", "x"]), inner)
    ),
    max_leaves=5,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    inner = [((*path, key), item) for key, item in items]
    deeper = [paths(item, way) for way, item in inner if isinstance(item, dict | list)]
    return [way for way, _ in inner] + [way for ways in deeper for way in ways]


@given(configurations(), values, st.data())
def test_any_value_anywhere_loads_or_is_refused(
    folder: Path, config: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    config = deepcopy(config)
    *parents, last = data.draw(st.sampled_from(paths(config)))
    inside: Any = config
    for step in parents:
        inside = inside[step]
    inside[last] = value
    try:
        loaded = load_config(config)
    except ConfigError as error:
        messages = [problem.message for problem in error.problems]
        with pytest.raises(ConfigError) as caught:
            load_text(write_yaml(config), folder) if writable(config) else load_config(config)
        assert sorted(problem.message for problem in caught.value.problems) == sorted(messages)
    else:
        assert load_text(loaded.to_yaml(), folder) == loaded


def writable(config: dict[str, Any]) -> bool:
    """Whether a broken configuration still has sections that hold keys."""
    return all(isinstance(section, dict) and section for section in config.values())

"""Whatever a file system allows as a name lives through a whole run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from chainrule import load, sweep, train
from chainrule.config.load import load_config
from chainrule.config.reading.yaml_reader import read_yaml
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.core.files import is_leftover, whole_file, write_whole
from chainrule.runs.resuming import find_checkpoint
from chainrule.runs.run_folder import RunFolder

pytestmark = pytest.mark.exhaustive

LONG = 255
NAMES = [
    "a b",
    " blank at its ends ",
    'it\'s "quoted"',
    "two\nlines",
    "tab\tand \x1b[31mred\x7f",
    "größe 日本 \U0001f600",
    "\u202edlrow",
    "caf\udce9 \udcff",
    "-dash",
    "--run",
    "%s {0} {} %d {{",
    "$(touch x) `y`; # & *!|>@",
    "a: b, [c] {d}",
    "~",
    "null",
    "1e5",
    "*?",
    "back\\slash",
    "a.b.c",
    "é" * 200,
    "x" * 300,
    "\udce9" * 300,
]


def of(name: str, ending: str = "") -> str:
    """A name with an ending, no longer than file systems take."""
    while len(os.fsencode(name + ending)) > LONG:
        name = name[:-1]
    return f"./{name}{ending}"


@pytest.fixture
def here(folder):
    """The working folder, if its file system takes any name."""
    try:
        (folder / "\udcff").touch()
    except OSError:
        pytest.skip("this file system has names of text alone")
    (folder / "\udcff").unlink()
    return folder


def rows(path: str) -> None:
    Path(path).write_text("".join(f"{k},{k * 7 % 11},k{k % 3}\n" for k in range(40)))


def configuration(data: str, path: str) -> None:
    """Write it as a user would, with the name in quotes."""
    config = {
        "network": {"layers": [{"size": 4}, {"size": 3}, "softmax"]},
        "data": {"file": data},
        "training": {"epochs": 1, "engine": "numpy"},
    }
    Path(path).write_text(load_config(config).to_yaml())


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_lives_through_a_whole_run(here, command, name):
    data, config, run = of(name, ".csv"), of(name, ".yaml"), of(name)
    rows(data)
    configuration(data, config)
    for words in (
        ["train", "--run", run, "--", config],
        ["train", "--run", run, "--resume", "--set", "training.epochs=2", "--", config],
        ["train", "--run", "again", "--", os.path.join(run, "config.yaml")],
        ["evaluate", "--", run],
        ["predict", "--out", of(name, ".out"), "--", run, data],
        ["predict", "--", run, data],
        ["plot", "--", run, "boundary"],
        ["data", "make", "--", config, of(name, ".npz")],
        ["data", "show", "--save", of(name, ".png"), "--", config],
        ["data", "show", "--", config],
    ):
        done = command(*words)
        assert (done.status, done.err) == (0, ""), words
    assert len(load(run).history["epoch"]) == 2
    assert os.path.samefile(load("again").config.resolve(load("again").config.data["file"]), data)
    assert find_checkpoint(RunFolder(Path(run))).position.epoch == 2


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_run_and_a_sweep_are_called_after_the_configuration(here, name):
    data, config = of(name, ".csv"), of(name, ".yaml")
    rows(data)
    configuration(data, config)
    for _ in range(2):
        run = train(config)
        assert run.folder.name.startswith(Path(config).stem[:100])
        assert load(run.folder).name == run.folder.name
    if len(name) < 100:
        found = sweep(config, {"training.seed": [1]}, jobs=1, keep=True)
        assert [trial.failure for trial in found.trials] == [None]
        assert load_config(found.folder / "best.yaml").data["file"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.strip()], ids=ascii)
def test_a_folder_of_images_may_have_any_names(here, command, name):
    images = of(name[:60])
    for k, part in enumerate((of(name), "other")):
        place = Path(images, part)
        place.mkdir(parents=True)
        for number in range(5):
            Image.new("L", (4, 4), 50 * k + number).save(place / f"{number}.png")
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"folder": images, "split": [0.6, 0.2, 0.2]},
        "training": {"epochs": 1, "engine": "numpy"},
    }
    classes = train(config, run="r").classes
    assert load("r").classes == classes
    json.dumps(classes, ensure_ascii=False).encode()  # they are text
    assert command("evaluate", "r").status == 0
    assert command("evaluate", "r", images).status == 0
    assert command("predict", "r", images, "--out", "o.csv").status == 0


ANY_TEXT = st.text(min_size=1, max_size=40)
ANY_BYTES = st.binary(min_size=1, max_size=40).map(os.fsdecode)


@given(name=ANY_TEXT | ANY_BYTES)
def test_the_name_of_a_file_comes_back_from_a_configuration(name):
    assume(not any("\ud800" <= c <= "\udc7f" or "\udd00" <= c <= "\udfff" for c in name))
    assume("\0" not in name and not name.startswith("~"))
    config = load_config({"network": {"layers": [{"size": 1}]}, "data": {"file": name}})
    assert read_yaml(config.to_yaml()).value["data"]["file"] == name


@pytest.mark.parametrize("half", ["\ud800", "x\udfff", "x\udd00y"])
def test_halves_of_characters_are_refused_where_they_are_no_bytes(half):
    with pytest.raises(ConfigError, match="file must be a text"):
        load_config({"network": {"layers": [{"size": 1}]}, "data": {"file": f"a{half}"}})


def test_bytes_that_are_no_text_are_names_of_files_alone(folder):
    Path("c.yaml").write_text(
        "network: {layers: [{size: 2}, softmax]}\n"
        'data: {file: "caf\\uDCE9.csv", classes: ["a", "b\\uDCE9"]}\n'
    )
    with pytest.raises(ConfigError, match=r"c\.yaml:2:46: .*half a character"):
        load_config("c.yaml")
    config = {"network": {"layers": [{"size": 2}, "softmax"]}, "data": {"file": "a.csv"}}
    config["data"]["classes"] = ["a", "b\udce9"]
    with pytest.raises(ConfigError, match=r"item 2 of classes|classes"):
        load_config(config)


def test_a_text_that_is_no_path_is_still_told(folder):
    with pytest.raises(ConfigError, match="expected the name of a configuration file"):
        load_config("network:\n  layers: []\n")


@pytest.mark.parametrize("name", ["a", "x" * LONG, "é" * 127, "\udcff" * LONG], ids=ascii)
def test_a_temporary_file_finds_room(here, name):
    with whole_file(Path(name)) as file:
        file.write(b"1")
        (temporary,) = os.listdir()
        assert is_leftover(temporary, of=name) == (name == "a")
    assert os.listdir() == [name]
    with pytest.raises(ChainruleError, match="File name too long"):
        write_whole(Path("x" * (LONG + 1)), "")

"""docs/data.md: every example of a key is read as the page says."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from chainrule.data.settings import TableKeys
from chainrule.data.sources import load_data

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"`(\{file: [^`]*\})`", PAGE)


@pytest.fixture
def files(tmp_path):
    """The files that the page's examples name."""
    (csv,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "people.csv").write_text(csv)
    (tmp_path / "people.csv.gz").write_bytes(gzip.compress(csv.encode()))
    (tmp_path / "people.tsv").write_text(csv.replace(",", "\t"))
    for name in ("part-1.csv", "part-2.csv"):
        (tmp_path / name).write_text(csv)
    german = "a;b;y\n" + "".join(f"1.{k:03d},5;{k},25;{'pq'[k % 2]}\n" for k in range(20))
    (tmp_path / "german.csv").write_text(german)
    tags = "a,tags\n" + "".join(f"{k},{('x;y', 'x', 'y')[k % 3]}\n" for k in range(30))
    (tmp_path / "tags.csv").write_text(tags)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_read(files, example):
    settings = YAML(typ="safe").load(example)
    data = load_data(settings, folder=files, seed=1)
    assert len(data.train) > 0
    assert data.encoding is not None
    left_out = set(data.encoding.left_out)
    if "columns" in settings:
        assert [column.name for column in data.encoding.inputs] == settings["columns"]
    elif "drop" in settings:
        dropped = settings["drop"] if isinstance(settings["drop"], list) else [settings["drop"]]
        assert left_out == set(dropped)
    if "label" in settings:
        assert data.encoding.labels == [settings["label"]]


def test_every_key_of_a_table_has_an_example():
    keys = {key for example in EXAMPLES for key in YAML(typ="safe").load(example)}
    assert {*TableKeys.model_fields} - {
        "split",
        "flatten",
        "channels",
        "seed",
        "classes",
        "image",
    } <= keys


def test_numbers_of_another_notation_are_what_they_are_there(files):
    settings = {"file": "german.csv", "decimal": ",", "thousands": ".", "split": [1, 0, 0]}
    data = load_data(settings, folder=files, seed=1)
    assert sorted(data.train.x[:, 0])[:2] == [1000.5, 1001.5]


@pytest.mark.filterwarnings("ignore:no names")
def test_the_lines_of_python_run():
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(lines, names)
    run, people = names["run"], names["people"]
    assert set(run.predict(people)) <= {"yes", "no"}
    assert run.data.feature_names == ("age", "city=Bergen", "city=Oslo", "city=Rome")

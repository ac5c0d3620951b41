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
    _write_typed(tmp_path, csv)
    tags = "a,tags\n" + "".join(f"{k},{('x;y', 'x', 'y')[k % 3]}\n" for k in range(30))
    (tmp_path / "tags.csv").write_text(tags)
    return tmp_path


def _write_typed(folder, csv):
    """The same table as a workbook of two sheets, as Parquet and as ARFF."""
    openpyxl, pyarrow = pytest.importorskip("openpyxl"), pytest.importorskip("pyarrow")
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    book = openpyxl.Workbook()
    book.active.append(["made for this page"])
    sheet = book.create_sheet("People")
    names, *rows = [line.split(",") for line in csv.splitlines()]
    sheet.append(names)
    for row in rows:
        sheet.append([float(c) if c.replace(".", "").isdigit() else c or None for c in row])
    book.save(folder / "people.xlsx")
    gaps = arrow_csv.ConvertOptions(null_values=["", "?"], strings_can_be_null=True)
    read = arrow_csv.read_csv(pyarrow.BufferReader(csv.encode()), convert_options=gaps)
    parquet.write_table(read, folder / "people.parquet")
    kinds = dict.fromkeys(("id", "age", "income", "survey_weight"), "numeric")
    heads = [f"@attribute {name} {kinds.get(name, 'string')}" for name in names]
    cells = [",".join(cell or "?" for cell in row) for row in rows]
    text = "\n".join(["@relation people", *heads, "@data", *cells])
    (folder / "people.arff").write_text(text + "\n")


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
    assert all(pair in zip(people["age"], people["city"], strict=True) for pair in names["wrong"])


def test_the_formats_hold_the_same_table(files):
    kept = {"drop": ["id"], "split": [1, 0, 0]}
    settings = ({}, {"file": "people.xlsx", "sheet": "People"}, {"file": "people.parquet"})
    csv, *others = (load_data({"file": "people.csv", **kept, **each}, folder=files, seed=1)
                    for each in (*settings, {"file": "people.arff"}))  # fmt: skip
    for other in others:
        assert other.feature_names == csv.feature_names
        assert (other.train.x == csv.train.x).all()


def test_what_a_later_file_may_have_is_as_the_page_says(command, folder, files):
    layers = "{layers: [{size: 4}, {size: 2}, softmax]}"
    settings = "{file: people.csv, drop: id, standardize: true, new_categories: other}"
    (folder / "people.yaml").write_text(f"network: {layers}\ndata: {settings}\n")
    assert command("train", "people.yaml", "--quiet").status == 0
    for text, status, words in (
        ("city,age,extra,income,household,survey_weight\nOslo,44,1,9,a,1\n", 0, "extra of no use"),
        ("city,age,income,household\nOslo,44,9,a\n", 2, "'survey_weight', an input, is missing"),
        ("city,Age,income,household,survey_weight\nOslo,44,9,a,1\n", 2, "is it 'Age' here?"),
        ("city,age,income,household,survey_weight\nParis,44,9,a,1\n", 0, "training has not seen"),
        ("city,age,income,household,survey_weight\nOslo,,9,a,1\n", 0, "filled in: 1 in age"),
        ("city,age,income,household,survey_weight\nOslo,x,9,a,1\n", 2, "new.csv:2:6: expected"),
    ):
        (folder / "new.csv").write_text(text)
        found = command("predict", "runs/people-1", "new.csv")
        assert found.status == status
        assert words in found.err
        assert found.out.startswith("class,no,yes\n") == (status == 0)

"""``chainrule describe``."""

from __future__ import annotations

import os

import numpy as np
import pytest

from chainrule import train

CHAIN = """\
network:
  input: 5
  dtype: float32
  layers:
    - {size: 4, activation: tanh}
    - {size: 3}
    - softmax
data: {file: nowhere.csv}
"""
GRAPH = """\
network:
  layers:
    - {size: 2, name: f}
    - {type: add, inputs: [input, f]}
    - {size: 3, inputs: add_1}
    - softmax
data: {generator: spirals, count: 60}
"""
COMPACT = "GLOBALS\nloss: mse\nLAYERS\ninput: 20\nsize: 100 act: relu\nsize: 5\n"


@pytest.fixture
def described(command, folder):
    def described(text, *arguments, name="some.yaml"):
        (folder / name).write_text(text)
        return command("describe", name, *arguments)

    return described


def rows(out: str) -> dict[str, list[str]]:
    """The words of each line, by the first."""
    return {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.split()}


def test_a_line_a_layer_and_the_sums(described):
    outcome = described(CHAIN)
    assert (outcome.status, outcome.err) == (0, "")
    found = rows(outcome.out)
    assert found["layer"] == ["type", "fed", "by", "output", *found["layer"][4:]]
    assert found["layer"][4:] == ["weights", "biases", "multiplications"]
    assert found["input"] == ["5"]
    assert found["dense_1"] == ["dense", "input", "4", "20", "4", "20"]
    assert found["dense_2"] == ["dense", "dense_1", "3", "12", "3", "12"]
    assert found["softmax"] == ["softmax", "dense_2", "3", "–", "–", "–"]
    assert outcome.out.splitlines()[-3:] == [
        "parameters       39: 32 weights and 7 biases",
        "bytes            156 in float32; the gradient takes as many",
        "multiplications  32 by weights, a case and forward pass",
    ]


def test_a_graph_names_all_that_feed_a_layer(described):
    found = rows(described(GRAPH).out)
    assert found["add_1"] == ["add", "input,", "f", "2", "–", "–", "–"]
    assert found["dense_2"] == ["dense", "add_1", "3", "6", "3", "6"]


def test_the_input_is_taken_from_the_data_where_it_is_left_out(described):
    assert rows(described(GRAPH).out)["input"] == ["2"]
    outcome = described(CHAIN.replace("  input: 5\n", ""))
    assert outcome.status == 2
    assert outcome.err.startswith("some.yaml:")
    assert "nowhere.csv" in outcome.err


def test_the_compact_form_and_overrides(described):
    found = rows(described(COMPACT, "--set", "network.layers.0.size=10", name="c.txt").out)
    assert found["dense_1"] == ["dense", "input", "10", "200", "10", "200"]


def test_what_does_not_fit_is_told_at_its_place(described):
    outcome = described(CHAIN, "--set", "network.input=[2, 3, 4]")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("some.yaml:5:7: dense_1")
    assert "2 x 3 x 4" in outcome.err


def test_a_network_beyond_any_memory_is_described(described):
    outcome = described(CHAIN, "--set", "network.input=100000000", "network.layers.0.size=1000000")
    assert outcome.status == 0
    assert "parameters       100,000,004,000,003" in outcome.out


# Data


PEOPLE = "".join(
    f"{k + 1},{20 + k % 50 if k % 10 else ''},{('Oslo', 'Rome', '?')[k % 7 % 3]},"
    f"{900 * k},{'yes' if k % 50 > 25 else 'no'}\n"
    for k in range(150)
)


@pytest.fixture
def people(folder):
    (folder / "people.csv").write_text("id,age,city,income,bought\n" + PEOPLE)
    return "people.csv"


def line(out: str, name: str) -> str:
    """The line that begins with a name, with single blanks."""
    (found,) = [" ".join(x.split()) for x in out.splitlines() if x.split()[:1] == [name]]
    return found


def test_each_column_of_a_table_has_a_line(command, people):
    outcome = command("describe", people)
    assert (outcome.status, outcome.err) == (0, "")
    out = outcome.out
    assert out.startswith("people.csv: 150 rows, 5 columns; separated by commas, a header")
    assert line(out, "id") == "id input whole numbers 1 … 150, mean 75.5 150 1, 2, 3, 4"
    assert "15 (empty)" in line(out, "age")
    assert line(out, "city").startswith("city input texts, one-hot of 2 Oslo (")
    assert "(?)" in line(out, "city")
    assert line(out, "bought").startswith("bought label texts no (78), yes (72) 2 no, no")
    assert out.count("drop: [id]") == 1
    assert "missing: says what stands for them" in out


def test_settings_decide_otherwise(command, people):
    out = command(
        "describe", people, "--set", "data.label=city", "data.drop=[id]", "data.na=['']"
    ).out
    assert line(out, "city").startswith("city label texts")
    assert "left out: drop names it" in line(out, "id")
    assert "  label: city\n" in out
    wrong = command("describe", people, "--set", "data.label=cty")
    assert wrong.status == 2
    assert "did you mean 'city'" in wrong.err
    assert line(wrong.out, "city").startswith("city texts")  # the table is shown all the same


def test_pixels_share_a_line_and_no_header_goes_by_number(command, folder):
    (folder / "d.data").write_text(
        "".join(",".join(str((k * j) % 17) for j in range(64)) + f",{k % 3}\n" for k in range(60))
    )
    out = command("describe", "d.data").out
    assert "60 rows, 65 columns" in out
    assert "no header: columns by number" in out
    assert "column_1 … column_64 64 inputs whole numbers 0 … 16, mean" in " ".join(out.split())


@pytest.mark.parametrize("content", ["\0\1\2", "a", "", "{", "network"])
def test_what_is_no_data_is_one_message(command, folder, content):
    (folder / "x.csv").write_text(content)
    outcome = command("describe", "x.csv")
    assert outcome.status == 2
    assert "x.csv" in outcome.err
    assert "Traceback" not in outcome.err
    assert command("describe", "missing.csv").status == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_a_pipe_does_not_hang(command, folder):
    os.mkfifo(folder / "pipe")
    outcome = command("describe", "pipe")
    assert outcome.status == 2
    assert outcome.err == "pipe: expected a file, but this is no ordinary file\n"


def test_a_configuration_shows_its_table_then_its_network(command, people, folder):
    (folder / "c.yaml").write_text(
        "network: {layers: [{size: 3}, {size: 2}, softmax]}\ndata: {file: people.csv, drop: id}\n"
    )
    outcome = command("describe", "c.yaml")
    assert outcome.status == 0
    table, network = outcome.out.split("parameters")[0].split("fed by")
    assert line(table, "bought").startswith("bought label")
    assert "dense_1" in network
    assert network.split()[4:6] == ["biases", "multiplications"] or "dense_2" in network


def test_a_run_shows_what_was_decided(command, people, folder):
    (folder / "c.yaml").write_text(
        "network: {layers: [{size: 3}, {size: 2}, softmax]}\n"
        "data: {file: people.csv, drop: id, missing: median, standardize: true}\n"
        "training: {epochs: 2}\n"
    )
    assert command("train", "c.yaml", "--run", "r").status == 0
    (folder / "people.csv").unlink()  # nothing is read again
    outcome = command("describe", "r")
    assert (outcome.status, outcome.err) == (0, "")
    out = outcome.out
    assert "105 training, 30 validation, 15 test cases" in out
    assert "bought, 2 classes: no, yes" in out
    assert "--set goes with" in command("describe", "r", "--set", "training.epochs=1").err
    assert "one-hot of 2: Oslo, Rome" in line(out, "city")
    assert "the median, " in line(out, "age")
    assert "(x − " in line(out, "income")
    assert "left out: drop names it" in line(out, "id")
    assert "dense_2" in out


# A configuration that trains


X = np.random.default_rng(0).normal(size=(150, 3))
IS_ONE = X[:, 0] > 0
TABLES = {
    "text.csv": ("y", lambda k: "no" if IS_ONE[k] else "yes", []),
    "from0.csv": ("y", lambda k: int(IS_ONE[k]), []),
    "from1.csv": ("y", lambda k: 1 + int(IS_ONE[k]), []),
    "signs.csv": ("y", lambda k: -1 if IS_ONE[k] else 1, []),
    "bool.csv": ("y", lambda k: IS_ONE[k], []),
    "value.csv": ("y", lambda k: f"{X[k, 0] * 3 + 1:.3f}", []),
    "price.csv": ("y", lambda k: int(X[k, 0] * 1000 + 9000), []),
    "two.csv": ("u,v", lambda k: f"{X[k, 0]:.3f},{X[k, 1] * 2:.3f}", ["label=[u, v]"]),
    "hot.csv": ("u,v", lambda k: f"{int(IS_ONE[k])},{int(not IS_ONE[k])}", ["label=[u, v]"]),
    "several.csv": (
        "u,v,w",
        lambda k: ",".join(str(int(X[k, j] > 0)) for j in range(3)),
        ["label=[u, v, w]"],
    ),
    "names.csv": (
        "x: 1,the city,n,y",
        lambda k: f"{X[k, 2]:.2f},{'ab'[k % 2]},{k},{'pq'[int(IS_ONE[k])]}",
        ["drop=[n]", "categorical=[the city]"],
    ),
}
"""Tables by name: the titles behind a, b and c, the cells below them, and settings."""

STEPS = np.random.default_rng(1).normal(size=(150, 5, 2))
LENGTHS = np.full(150, 5)
IMAGES = np.where(IS_ONE[:, None, None], 255, 0) * np.ones((6, 6)) * (np.arange(6) < 3)
ARRAYS = {
    "rows.npz": {"x": X, "t": IS_ONE.astype(int)},
    "values.npz": {"x": X, "t": X[:, 0] * 2.5},
    "images.npz": {"x": IMAGES.astype(np.uint8), "t": IS_ONE.astype(int)},
    "steps.npz": {"x": STEPS, "t": (STEPS[:, -1, 0] > 0).astype(int), "lengths": LENGTHS},
    "every.npz": {"x": STEPS, "t": (STEPS[:, :, 0] > 0).astype(int), "lengths": LENGTHS},
}


def write_images(folder):
    from PIL import Image

    for k in range(40):
        path = folder / "shots" / ("dark", "light")[k % 2]
        path.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.full((8, 8), 30 + 190 * (k % 2), dtype=np.uint8))
        image.save(path / f"{k}.png")


def write_data(folder, name):
    """Write data of this name; returns the settings that they need."""
    if name in TABLES:
        titles, cells, settings = TABLES[name]
        numbers = [",".join(f"{v:.3f}" for v in row) for row in X]
        lines = [f"a,b,c,{titles}", *(f"{numbers[k]},{cells(k)}" for k in range(len(X)))]
        (folder / name).write_text("\n".join(lines) + "\n")
        return settings
    if name in ARRAYS:
        np.savez(folder / name, **ARRAYS[name])
    else:
        write_images(folder)
    return []


@pytest.mark.parametrize("name", [*TABLES, *ARRAYS, "shots"])
def test_the_suggested_configuration_trains_as_it_is_pasted(command, folder, name):
    settings = write_data(folder, name)
    outcome = command("describe", name, *(f"--set=data.{item}" for item in settings))
    assert (outcome.status, outcome.err) == (0, "")
    text = outcome.out.split("trains on it:\n\n")[1]
    assert len(text.splitlines()) <= 8
    (folder / "pasted.yaml").write_text(text)
    run = train(folder / "pasted.yaml", save=False)
    score = run.train
    assert max(score.accuracy or 0, score.f1 or 0, score.r2 or 0) > 0.85


# What is not as it was meant


def test_the_other_sheets_are_named_where_the_first_is_no_table(command, folder):
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "Notes"
    book.active.append(["Survey"])
    book.active.append(["by Mia"])
    book.create_sheet("Answers").append(["a", "y"])
    book.save(folder / "survey.xlsx")
    outcome = command("describe", "survey.xlsx")
    assert outcome.status == 2
    assert "sheet: names another, 'Answers'" in outcome.err


def test_large_photographs_are_suggested_small(command, folder):
    from PIL import Image

    for k in range(24):
        path = folder / "photos" / ("dark", "light")[k % 2]
        path.mkdir(parents=True, exist_ok=True)
        pixels = np.full((150, 200), 30 + 190 * (k % 2), dtype=np.uint8)
        Image.fromarray(pixels).save(path / f"{k}.png")
    out = command("describe", "photos").out
    assert "an image has 30,000 numbers, all of them inputs; size: 32" in out
    assert "  size: 32\n" in out.split("trains on it:")[1]
    assert "size: 32 makes" not in command("describe", "photos", "--set", "data.size=64").out


def test_numbers_of_a_million_have_all_digits(command, folder):
    prices = [1_000_000 + 1234 * k for k in range(100)]
    rows = "".join(f"{price},{k * 0.5},{'ab'[k % 2]}\n" for k, price in enumerate(prices))
    (folder / "d.csv").write_text("price,a,y\n" + rows)
    found = line(command("describe", "d.csv").out, "price")
    assert "1000000 … 1122166, mean 1061083" in found

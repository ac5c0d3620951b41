"""Reports of runs of every kind: what the page counts and shows is what the network says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from reading_pages import Page, page_at

import chainrule
from chainrule.config.load import leaves_of
from chainrule.config.reading.tree import dotted
from chainrule.runs.report.configuration import configuration_lines
from chainrule.runs.report.confusion import confusion
from chainrule.runs.report.examined import examined
from chainrule.runs.report.mistakes import mistakes
from chainrule.runs.report.page import report_html

pytestmark = pytest.mark.exhaustive

EXAMPLES = Path(__file__).parents[3] / "examples"

HOUSES = {
    "network": {"loss": "mse", "layers": [{"size": 4, "activation": "tanh"}, {"size": 1}]},
    "data": {
        "file": "houses.csv",
        "label": "price",
        "standardize": True,
        "scale_targets": True,
        "missing": "mean",
        "missing_indicator": True,
    },
    "training": {"epochs": 4},
}


@pytest.fixture
def houses(folder):
    rng = np.random.default_rng(0)
    lines = ["area,city,built,price"]
    for k in range(80):
        area, city = rng.integers(30, 200), ("Oslo", "Bergen")[k % 2]
        built = "" if k % 9 == 0 else rng.integers(1900, 2020)
        lines.append(f"{area},{city},{built},{3000 * area + k}")
    Path("houses.csv").write_text("\n".join(lines))
    return chainrule.train(HOUSES, run="run")


def test_rows_of_a_table_stand_in_their_own_units(houses):
    found = mistakes(examined(houses))
    assert found.headings == ("is", "said", "error")
    assert found.inputs == ["area", "city", "built"]
    cells = {tuple(line.split(",")[:3]) for line in Path("houses.csv").read_text().split("\n")[1:]}
    for one in found.cases:
        area, city, built = one.cells
        assert (area, city, "" if built == "missing" else built) in cells
        assert float(one.said) - float(one.true) == pytest.approx(float(one.sure), rel=1e-4)
    off = [abs(float(one.sure)) for one in found.cases]
    assert off == sorted(off, reverse=True)
    data = houses.data
    errors = houses.outputs_of_scaled(data.test.x) - data.target_scaling.undo(data.test.t)
    assert off[0] == pytest.approx(np.abs(errors).max(), rel=1e-4)


def test_data_that_are_gone_are_said_to_be(houses):
    Path("houses.csv").unlink()
    assert chainrule.load("run").scores
    chainrule.report("run", "page.html")
    text = page_at(Path("page.html")).all_text()
    assert "No case can be shown. They cannot be read again:" in text
    assert "there is no such file" in text
    assert "The doctor needs the run's data." in text


def test_the_matrix_and_the_mistakes_are_those_of_the_predictions():
    run = chainrule.train(EXAMPLES / "iris.yaml", save=False, overrides=["training.epochs=1"])
    found = examined(run)
    test = run.data.test
    x = run.data.scaling.undo(test.x)
    said, true = run.predict(x), np.array(run.classes)[test.t]
    matrix = confusion(found)
    for i, a in enumerate(run.classes):
        for j, b in enumerate(run.classes):
            assert matrix.rows[i][j].count == ((true == a) & (said == b)).sum()
    counts = np.array([[cell.count for cell in row] for row in matrix.rows])
    assert not np.array_equal(counts, counts.T)
    worst = mistakes(found)
    assert worst.wrong == (said != true).sum() > 0
    assert len(worst.cases) == min(12, worst.wrong)
    p = run.outputs(x)
    sure = []
    for one in worst.cases:
        k = int(one.case) - 1
        assert (one.true, one.said) == (true[k], said[k])
        assert one.true != one.said
        assert one.sure.startswith(f"{100 * p[k].max():.4g} %")
        sure.append(p[k].max() - p[k, test.t[k]])
    assert sure == sorted(sure, reverse=True)


def test_images_are_pictures_that_look_like_the_cases():
    run = chainrule.train(EXAMPLES / "shapes.yaml", save=False, overrides=["training.epochs=2"])
    found = mistakes(examined(run))
    assert found.cases
    assert all(one.picture.address.startswith("data:image/png;base64,") for one in found.cases)
    assert {(one.picture.width, one.picture.height) for one in found.cases} == {(16, 16)}
    import base64
    import io

    from PIL import Image

    first = found.cases[0]
    pixels = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(first.picture.address.partition(",")[2])))
    )
    x = run.data.test.x[int(first.case) - 1].reshape(16, 16)
    assert np.array_equal(pixels[..., 0] < 128, x > 0.5)
    page = Page(report_html([run]))
    sheets = [a for tag, a in page.tags if tag == "img" and a.get("class") == "sheet"]
    assert len(sheets) == 1
    assert all(a.get("alt") for tag, a in page.tags if tag == "img")


def test_steps_of_a_text_are_shown_with_what_came_before():
    run = chainrule.train(EXAMPLES / "jack.yaml", save=False, overrides=["training.epochs=1"])
    text = (EXAMPLES / "jack.text").read_text()
    found = mistakes(examined(run))
    assert found.inputs == ["the text until then"]
    for one in found.cases:
        assert re.fullmatch(r"\d+, step \d+", one.case)
        before = one.cells[0].removeprefix("… ")
        true = {"space": " ", "\\n": "\n"}.get(one.true, one.true)
        assert before + true in text


def test_labels_say_which_of_them_are_wrong(folder):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 3))
    t = (x[:, :2] > 0).astype(int)
    run = chainrule.train(
        {
            "network": {
                "loss": "binary_cross_entropy",
                "layers": [{"size": 2, "activation": "sigmoid"}],
            },
            "training": {"epochs": 2},
        },
        data=(x, t),
        save=False,
    )
    found = mistakes(examined(run))
    assert found.headings == ("has", "said", "how sure")
    assert found.wrong == round((1 - run.test.row_accuracy) * run.test.cases)
    page = Page(report_html([run]))
    assert not any("download" in a for tag, a in page.tags if tag == "a")  # no file has the data


def test_a_thousand_classes_are_listed_and_no_table():
    rng = np.random.default_rng(2)
    x, t = rng.normal(size=(3000, 2)), [f"c{k % 1000}" for k in range(3000)]
    config = {
        "network": {"layers": [{"size": 3}, {"size": 1000}, "softmax"]},
        "training": {"epochs": 1},
    }
    run = chainrule.train(config, data=(x, t), save=False)
    found = confusion(examined(run))
    assert found.rows == []
    assert found.image is None
    assert 0 < len(found.each) <= 12
    assert len(report_html([run]).encode()) < 200_000


def test_many_cases_are_examined_in_part_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr("chainrule.runs.report.examined.MOST_MULTIPLICATIONS", 1)
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"generator": "moons", "count": 3000, "split": [0.5, 0, 0.5]},
        "training": {"epochs": 1},
    }
    run = chainrule.train(config, save=False)
    found = examined(run)
    assert (len(found.numbers), found.count) == (200, 1500)
    assert found.numbers[0] == 1
    assert found.numbers[-1] == 1500
    assert "200 of the 1,500 test cases, spread evenly." in Page(report_html([run])).all_text()


@pytest.mark.parametrize(
    ("example", "overrides"),
    [
        ("iris", []),
        ("residual", []),
        ("parity", []),
        ("echo", []),
        ("convolution", []),
        ("regression", []),
        ("by_hand", []),
        ("spirals", ["training.schedule=cosine", "training.optimizer=adam"]),
    ],
)
def test_what_was_left_open_is_all_that_was_not_written(example, overrides):
    """Without the values that were left open, the same configuration follows from the rest."""
    path = EXAMPLES / f"{example}.yaml"
    run = chainrule.train(path, save=False, overrides=[*overrides, "training.epochs=1"])
    paths = {dotted(path): path for path, _ in leaves_of(run.config.to_write())}
    assert {*run.chosen} < {*paths}
    if "training.optimizer=adam" in overrides:
        assert "training.optimizer.beta1" in run.chosen
        assert "training.optimizer.type" not in run.chosen
    kept = {name: path for name, path in paths.items() if name not in run.chosen}
    assert "training.epochs" in kept
    rest: dict = {}
    for place in kept.values():
        value, at = run.config.to_write(), rest
        for step in place[:-1]:
            value = value[step]
            at = at.setdefault(step, {})
        at[place[-1]] = value[place[-1]]
    layers = rest["network"]["layers"]
    rest["network"]["layers"] = [layers[k] for k in sorted(layers)]
    again = chainrule.train(rest, save=False)
    assert again.config.to_write() == run.config.to_write()
    assert again.history["train_loss"] == run.history["train_loss"]


@pytest.mark.parametrize("example", ["iris", "shapes", "residual"])
def test_the_lines_of_the_configuration_are_its_yaml(example):
    config = chainrule.config.load.load_config(EXAMPLES / f"{example}.yaml")
    lines = configuration_lines(config, config.chosen())
    assert "\n".join("".join(p.text for p in line) for line in lines) + "\n" == config.to_yaml()
    marked = {piece.text for line in lines for piece in line if piece.chosen}
    assert len(marked) > 3


def test_hostile_names_stay_texts(tmp_path):
    name = "<script>alert(1)</script>"
    rows = [f"{k},{k % 3},{(name, '&amp;', 'b')[k % 2]}" for k in range(40)]
    (tmp_path / "t.csv").write_text("<img src=x>,\u202eb,label\n" + "\n".join(rows), "utf-8")
    run = chainrule.train(
        {
            "network": {"layers": [{"size": 2}, "softmax"]},
            "data": {"file": str(tmp_path / "t.csv"), "label": "label"},
            "training": {"epochs": 1},
        },
        run=tmp_path / "<b>run",
    )
    written = report_html([run])
    assert "\u202e" not in written  # nor what cannot be written as UTF-8
    page = Page(written)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "<b>run" in page.texts("h1")
    assert not any(a.get("src") == "x" for _, a in page.tags)


def test_a_run_of_an_older_version_does_not_know_what_was_written(tmp_path):
    import json

    run = tmp_path / "run"
    chainrule.train(
        {
            "network": {"layers": [{"size": 2}, "softmax"]},
            "data": {"generator": "moons", "count": 30},
            "training": {"epochs": 1},
        },
        run=run,
    )
    facts = json.loads((run / "run.json").read_text())
    del facts["chosen"], facts["versions"]
    (run / "run.json").write_text(json.dumps(facts))
    (run / "checkpoint.safetensors").unlink()
    loaded = chainrule.load(run)
    assert loaded.chosen is None
    assert loaded.versions == {"chainrule": chainrule.__version__}
    page = Page(report_html([loaded]))
    assert "does not say which of these values were written" in page.all_text()
    assert "minibatches" not in page.charts


def test_the_lines_of_python_on_the_page_run(folder, monkeypatch):
    page = (EXAMPLES.parent / "docs" / "report.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    Path("iris.yaml").write_text((EXAMPLES / "iris.yaml").read_text())
    exec(code, {})
    assert "2 runs beside each other" in Path("comparison.html").read_text()
    assert Path("iris.html").exists()


def test_many_runs_are_compared_and_no_more(monkeypatch):
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"generator": "moons", "count": 40},
        "training": {"epochs": 3},
    }
    runs = [
        chainrule.train(config, overrides=[f"training.seed={k}"], save=False) for k in range(9)
    ]
    page = Page(report_html(runs))
    assert [a["id"] for tag, a in page.tags if tag == "section"] == ["results", "curves"]
    loss = page.charts["loss"]
    assert [one["name"].partition(", ")[2] for one in loss["series"]] == ["validation"] * 9
    text = page.all_text()
    assert "training.seed" in text
    best = [a for tag, a in page.tags if tag == "td" and "best" in (a.get("class") or "")]
    test = [run.test.loss for run in runs]
    assert f"{min(test):.5g}" in page.texts("td")
    assert len(best) >= 6


def test_the_best_of_several_runs_is_marked():
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"generator": "moons", "count": 300},
        "training": {"epochs": 1},
    }
    good = chainrule.train(config, overrides=["training.epochs=9"], save=False)
    bad = chainrule.train(config, overrides=["network.learning_rate=1e-6"], save=False)
    from chainrule.runs.report.scores import score_table

    table = score_table({"good": good.scores, "bad": bad.scores})
    assert [part for part, _ in table.groups] == ["training", "validation", "test"]
    (_, first), (_, second) = table.rows
    assert [figure.best for figure in first][0::2] == [True] * 3
    assert [figure.best for figure in second][0::2] == [False] * 3


def test_a_sweep_is_told_where_its_runs_are(folder, command):
    Path("iris.yaml").write_text((EXAMPLES / "iris.yaml").read_text())
    chainrule.sweep("iris.yaml", {"training.epochs": [1, 2]}, folder="swept", keep=True, jobs=1)
    assert "whose folder runs/ holds the runs" in command("report", "swept").err
    runs = sorted(Path("swept/runs").iterdir())
    assert command("report", *runs, "--out", "two.html").status == 0
    assert "training.epochs" in page_at(Path("two.html")).all_text()

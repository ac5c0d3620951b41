"""The page about a run: its numbers are the run's, and it asks nothing of anyone."""

from __future__ import annotations

import math

import pytest
from reading_pages import Page, page_at

import chainrule
from chainrule.runs.report.page import report_html

MOONS = {
    "network": {"layers": [{"size": 4, "activation": "relu"}, {"size": 2}, "softmax"]},
    "data": {"generator": "moons", "count": 60, "standardize": True},
    "training": {"epochs": 5, "seed": 3},
}


@pytest.fixture(scope="module")
def run():
    return chainrule.train(MOONS, save=False)


@pytest.fixture(scope="module")
def page(run):
    return Page(report_html([run]))


def test_the_page_is_whole_and_requests_nothing(page):
    assert page.open == []
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    (policy,) = (
        attributes["content"]
        for tag, attributes in page.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")


def test_the_values_behind_a_curve_are_those_of_the_history(run, page):
    loss = page.charts["loss"]
    assert loss["x"] == run.history["epoch"]
    for one, part in zip(loss["series"], ("train", "validation"), strict=True):
        assert one["y"] == pytest.approx(run.history[f"{part}_loss"], rel=1e-8)
    assert page.charts["accuracy"]["percent"]


def test_the_last_values_stand_on_the_page_without_the_script(run, page):
    assert f"{run.history['validation_loss'][-1]:.9g}" in page.texts("b")


def test_the_scores_are_those_of_the_run(run, page):
    cells = page.texts("td")
    for score in run.scores.values():
        assert f"{score.loss:.5g}" in cells
        assert f"{score.accuracy:.2%}" in cells


def test_the_configuration_makes_the_run_again_and_says_what_was_left_open(run, page, tmp_path):
    (link,) = (a["href"] for tag, a in page.tags if tag == "a" and "download" in a)
    import base64

    path = tmp_path / "again.yaml"
    path.write_bytes(base64.b64decode(link.partition(",")[2]))
    again = chainrule.train(path, save=False)
    assert again.history["train_loss"] == run.history["train_loss"]
    text = "".join(t for t in page.texts("pre") + page.texts("span"))
    chosen = page.texts("span")
    assert "optimizer: sgd" in chosen
    assert "bias: true" in chosen
    assert "epochs: 5" not in chosen
    assert "size: 4" in text


@pytest.mark.exhaustive
def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    folder = tmp_path / "run"
    chainrule.train(MOONS, run=folder)
    pages = [report_html([chainrule.load(folder)]) for _ in range(2)]
    assert pages[0] == pages[1]


@pytest.mark.exhaustive
def test_what_was_written_is_known_after_loading(tmp_path):
    chainrule.train(MOONS, run=tmp_path / "run")
    loaded = chainrule.load(tmp_path / "run")
    assert "training.optimizer" in loaded.chosen
    assert "training.epochs" not in loaded.chosen
    assert "network.layers[0].activation" not in loaded.chosen
    assert "network.layers[0].bias" in loaded.chosen
    assert {*loaded.versions} == {"chainrule", "Python", "NumPy"}


@pytest.mark.exhaustive
def test_several_runs_stand_beside_each_other(run, tmp_path):
    other = chainrule.train(MOONS, overrides=["training.epochs=3"], save=False)
    chainrule.report([run, other], tmp_path / "both.html")
    page = page_at(tmp_path / "both.html")
    assert "training.epochs" in page.texts("code")
    loss = page.charts["loss"]
    assert len(loss["series"]) == 4
    assert [len([y for y in one["y"] if y is not None]) for one in loss["series"]] == [5, 5, 3, 3]
    assert len({one["name"] for one in loss["series"]}) == 4


@pytest.mark.exhaustive
def test_a_run_without_an_epoch_has_a_page(run):
    import copy

    empty = copy.copy(run)
    empty.history = chainrule.training.History()
    assert "No epoch has been finished" in Page(report_html([empty])).all_text()


def test_values_that_are_not_finite_are_said_and_left_out(run):
    import copy

    broken = copy.copy(run)
    broken.history = chainrule.training.History()
    for k in range(1, 5):
        loss = math.nan if k == 3 else 1.0 / k
        broken.history.append({"epoch": k, "train_loss": loss, "seconds": 0.1})
    page = Page(report_html([broken]))
    assert page.charts["loss"]["series"][0]["y"] == [1, 0.5, None, 0.25]
    assert "Not a finite number: training in epoch 3." in page.all_text()

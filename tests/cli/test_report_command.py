"""``chainrule report``: where the page goes, and what it never replaces."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from chainrule import train

CONFIG = """\
network: {layers: [{size: 3}, {size: 2}, softmax]}
data: {generator: moons, count: 40, standardize: true}
training: {epochs: 1}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("reported")
    (place / "moons.yaml").write_text(CONFIG)
    train(place / "moons.yaml", run=place / "run")
    return place


@pytest.fixture
def run(folder, trained):
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    return Path("run")


def test_the_page_lies_in_the_run_s_folder(command, run):
    found = command("report", run)
    assert (found.status, found.out, found.err) == (0, "report written to run/report.html\n", "")
    assert "<h1>run</h1>" in Path("run/report.html").read_text()


@pytest.mark.exhaustive
def test_pages_of_two_runs_and_of_an_exported_network(command, run):
    assert command("report", run, run, "--out", "two.html").status == 0
    assert "2 runs beside each other" in Path("two.html").read_text()
    assert command("report", run, run).out == "report written to run/comparison.html\n"
    assert command("export", run, "--to", "json").status == 0
    assert "name the page by --out FILE" in command("report", "run/model.json").err
    assert command("report", "run/model.json", "--out", "model.html").status == 0
    assert "An exported network of" in Path("model.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], ["nothing:", "it does not exist"]),
        (["moons.yaml"], ["moons.yaml: a run's folder holds"]),
        (["run", "--out", "."], ["this is a folder", "such as report.html"]),
        (["run", "--out", "run/config.yaml"], ["belongs to the run in run"]),
        (["run", "--out", "none/page.html"], ["the folder 'none' does not exist"]),
    ],
)
def test_what_cannot_be_written_is_said(command, run, arguments, words):
    before = Path("run/config.yaml").read_text()
    found = command("report", *arguments)
    assert found.status == 2
    assert all(word in found.err for word in words), found.err
    assert Path("run/config.yaml").read_text() == before


@pytest.mark.parametrize("package", ["jinja2", "pygal"])
def test_a_package_that_is_missing_is_named(command, run, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    found = command("report", run)
    assert found.status == 2
    assert f"needs the package {package}" in found.err
    assert "chainrule[report]" in found.err

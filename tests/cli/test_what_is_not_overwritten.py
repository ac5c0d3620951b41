"""What a command reads, or a run keeps, is not written over; options that would do nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.exhaustive

CONFIG = """\
network: {layers: [{size: 3}, {size: 3}, softmax]}
data: {file: d.npz}
training: {epochs: 1}
"""
TEXT = """\
network: {layers: [{type: recurrent, size: 3}, {size: 3}, softmax]}
data: {text: t.txt, steps: 5}
training: {epochs: 1}
"""


@pytest.fixture
def here(command):
    """A folder with data, configurations and a run."""
    np.savez("d.npz", x=np.random.default_rng(0).normal(size=(30, 2)), t=np.arange(30) % 3)
    Path("link.npz").symlink_to("d.npz")
    Path("c.yaml").write_text(CONFIG)
    Path("t.txt").write_text("ab ab ba " * 40)
    Path("t.yaml").write_text(TEXT)
    assert command("train", "c.yaml", "--run", "r", "--quiet").status == 0
    return Path.cwd()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("data make c.yaml d.npz", "d.npz: this is the file that is read; name another"),
        ("data make c.yaml link.npz", "link.npz: this is the file that is read"),
        ("data make c.yaml n.npz --set data.file=link.npz data.test_file=n.npz", "n.npz: "),
        ("data show t.yaml --save t.txt", "t.txt: this is the file that is read"),
        ("data show t.yaml --save t.yaml", "t.yaml: this is the file that is read"),
        ("predict r d.npz --out d.npz", "d.npz: this is the file that is read"),
        (
            "predict r d.npz --out r/config.yaml",
            "r/config.yaml: this file belongs to the run in r;",
        ),
        ("predict r d.npz --out r/run.json", "r/run.json: this file belongs to the run in r"),
        ("evaluate r --labels t.txt", "t.txt: these are labels of no file; name the FILE"),
        ("evaluate r d.npz --labels t.txt", "t.txt: only IDX files have labels in a file of"),
    ],
)
def test_it_is_refused_and_nothing_changes(command, here, words, message):
    if "n.npz" in words:
        np.savez("n.npz", x=np.ones((3, 2)), t=[0, 1, 2])
    before = contents(here)
    outcome = command(*words.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(message), outcome.err
    assert contents(here) == before


@pytest.mark.parametrize(
    "words",
    [
        "train c.yaml --run {}",
        "train c.yaml --run {} --resume",
        "sweep c.yaml --vary training.seed=1,2 --run {} --jobs 1",
        "predict r d.npz --out {}",
        "data make c.yaml {}.npz",
        "init {}.yaml",
    ],
)
def test_a_name_that_is_too_long_is_named(command, here, words):
    name = "n" * 300
    outcome = command(*words.format(name).split())
    assert outcome.status == 2
    assert outcome.err.startswith(name)
    assert outcome.err.endswith("File name too long\n")


@pytest.mark.parametrize(
    ("words", "has_hint"),
    [
        ("train c.yaml --set data.file=r", True),
        ("train t.yaml --set data.text=r", False),
        ("train c.yaml --set data.test_file=r data.split=[0.8,0.2,0]", False),
    ],
)
def test_only_who_names_one_file_of_cases_may_have_meant_a_folder(command, here, words, has_hint):
    outcome = command(*words.split())
    assert outcome.status == 2
    assert "r: expected a file, but this is a folder" in outcome.err
    assert ("write folder: instead of file:" in outcome.err) == has_hint

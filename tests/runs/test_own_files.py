"""The files of a run's or a sweep's folder are its own: no link, pipe or device stands for one.

Archives and repositories keep links, so that a folder from a stranger may hold some.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chainrule import ChainruleError, load, sweep, train
from chainrule.core.files import added_to, write_whole
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Callback, Row, Trainer

pytestmark = pytest.mark.exhaustive

CONFIG = {
    "network": {"layers": [{"size": 3}, {"size": 2}, "softmax"]},
    "data": {"generator": "moons", "count": 30, "standardize": True},
    "training": {"epochs": 1, "engine": "numpy"},
}
MORE = ["training.epochs=2"]
NAMES = [file.name for file in RunFolder(Path()).files]
PICTURES = ["boundary.png", "weights.png"]
TARGETS = ["out", "inside", "nowhere", "pipe", "device"]
PRECIOUS = "export PRECIOUS=1\n"


@pytest.fixture
def run(folder):
    """A run in the folder ``r``, and something precious beside it."""
    train(CONFIG, run="r")
    Path("precious").write_text(PRECIOUS)
    return folder / "r"


def put(path: Path, target: str) -> None:
    """Let something else stand in the place of a file."""
    path.unlink(missing_ok=True)
    if target == "pipe":
        os.mkfifo(path)
        return
    leads = {"out": "../precious", "inside": "run.json", "nowhere": "x", "device": "/dev/null"}
    path.symlink_to(leads[target])


def everything(folder: Path) -> dict[str, bytes | str]:
    """The contents of a folder's files, and where its links lead."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else "no file"
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_a_run_neither_loads_nor_goes_on(run, name, target):
    put(run / name, target)
    before = everything(run.parent)
    found = "a link" if target != "pipe" else "no ordinary file"
    for use in (lambda: load("r"), lambda: train(CONFIG, run="r", resume=True, overrides=MORE)):
        with pytest.raises(ChainruleError, match=rf"{name}: this is {found}; only ordinary files"):
            use()
    assert everything(run.parent) == before


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_a_folder_in_which_nothing_has_begun_is_looked_at_as_well(folder, name, target):
    Path("r").mkdir()
    Path("precious").write_text(PRECIOUS)
    put(Path("r", name), target)
    before = everything(folder)
    with pytest.raises(ChainruleError, match="only ordinary files of this folder"):
        train(CONFIG, run="r", resume=True)
    assert everything(folder) == before


@pytest.mark.parametrize("target", TARGETS)
def test_a_picture_is_not_drawn_elsewhere(run, command, target):
    put(run / "boundary.png", target)
    before = everything(run.parent)
    done = command("plot", "r", "boundary")
    assert (done.status, done.out) == (2, "")
    assert "boundary.png: this is " in done.err
    assert everything(run.parent) == before


def test_what_appears_while_a_run_is_trained_is_not_followed(folder):
    class Swap(Callback):
        def on_epoch(self, trainer, row):
            put(Path("r", name), "out")

    Path("precious").write_text(PRECIOUS)
    for name in ("metrics.jsonl", "checkpoint.safetensors", "parameters.safetensors", "run.json"):
        Path("r").exists() and [file.unlink() for file in Path("r").iterdir()]
        with pytest.raises(ChainruleError, match=f"{name}: this is a link"):
            train(CONFIG, run="r", overrides=MORE, callbacks=[Swap()])
        assert Path("precious").read_text() == PRECIOUS


def test_a_temporary_name_is_not_followed(folder):
    """Its number is easily guessed; what has it is taken away."""
    Path("precious").write_text(PRECIOUS)
    for own in (True, False):
        Path(f".a.{os.getpid()}.part").symlink_to("precious")
        write_whole(Path("a"), "new", own=own)
        assert Path("a").read_text() == "new"
    assert Path("precious").read_text() == PRECIOUS
    assert sorted(os.listdir()) == ["a", "precious"]


def test_a_file_with_two_names_is_added_to_under_its_own(run):
    """As metrics.jsonl is written anew before it is added to, the other name keeps its content."""
    (run / "metrics.jsonl").unlink()
    os.link("precious", run / "metrics.jsonl")
    train(CONFIG, run="r", resume=True, overrides=MORE)
    assert Path("precious").read_text() == PRECIOUS
    assert len(load("r").history["epoch"]) == 2


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p")
    with pytest.raises(ChainruleError, match="no ordinary file"), added_to(tmp_path / "p"):
        raise AssertionError("opened")


def test_a_folder_that_is_a_link_itself_is_the_users(run):
    Path("link").symlink_to("r")
    train(CONFIG, run="link", resume=True, overrides=MORE)
    assert load("link").folder == Path("link")
    assert read_checkpoint(run / "checkpoint.safetensors").position.epoch == 2


def test_data_may_be_links(folder):
    Path("data").mkdir()
    Path("data/d.csv").write_text("".join(f"{k},{k % 7},{k % 2}\n" for k in range(30)))
    Path("d.csv").symlink_to("data/d.csv")
    train({**CONFIG, "data": {"file": "d.csv"}}, run="r")
    assert load("r").data.classes == ("0", "1")


# Sweeps

SWEPT = {"training.seed": [1, 2]}


@pytest.fixture
def swept(folder):
    """A sweep in the folder ``s``, and something precious beside it."""
    sweep(CONFIG, SWEPT, folder="s", jobs=1, keep=True)
    for path in (Path("precious"), Path("runs/1/precious")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PRECIOUS)
    return folder / "s"


def test_a_sweep_goes_on_in_files_of_its_own_alone(swept):
    kept = swept.rename("kept")
    for name in ("sweep.json", "trials.jsonl", "best.yaml", "sweep.png", "sweep.svg", "runs"):
        swept.mkdir()
        for file in kept.iterdir():
            (swept / file.name).symlink_to(file) if file.is_dir() else os.link(
                file, swept / file.name
            )
        (swept / "runs").unlink()
        if name == "runs":
            (swept / "runs").symlink_to("../runs")
        else:
            put(swept / name, "out")
        before = everything(swept.parent)
        with pytest.raises(ChainruleError, match=f"{name}: this is a link|is not empty"):
            sweep(CONFIG, {"training.seed": [1, 2]}, folder="s", jobs=1, keep=True)
        assert everything(swept.parent) == before
        for file in swept.iterdir():
            file.unlink()
        swept.rmdir()


def test_a_trial_whose_folder_is_a_link_fails_and_removes_nothing(folder):
    from chainrule.config.load import read_source
    from chainrule.runs.sweeps.trial import TrialRunner

    Path("far").mkdir()
    Path("far/precious").write_text(PRECIOUS)
    Path("1").symlink_to("far")
    trial = TrialRunner(read_source(CONFIG), []).run(0, {}, folder="1")
    assert "this is a link" in trial.failure
    assert Path("far/precious").read_text() == PRECIOUS


def test_trials_with_a_second_name_stay_what_they_are_under_it(swept):
    os.link("s/trials.jsonl", "backup")
    before = Path("backup").read_bytes()
    (swept / "trials.jsonl").unlink()
    Path("half").write_bytes(before.splitlines(keepends=True)[0])
    os.link("half", swept / "trials.jsonl")
    found = sweep(CONFIG, SWEPT, folder="s", jobs=1)
    assert len(found.trials) == 2
    assert len(Path("half").read_bytes().splitlines()) == 1
    assert Path("backup").read_bytes() == before


class MovesAway(Callback):
    """Changes the working folder after the first epoch, as a callback of a user's may."""

    def __init__(self, away: Path) -> None:
        self.away = away

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        os.chdir(self.away)


def test_a_run_goes_on_where_it_began_when_the_working_folder_changes(folder):
    (folder / "away").mkdir()
    config = {**CONFIG, "training": {"epochs": 4, "seed": 1, "engine": "numpy"}}
    wanted = train(config, run="stayed")
    run = train(config, run="moved", callbacks=[MovesAway(folder / "away")])
    assert run.folder == folder / "moved"
    assert wanted.folder == Path("stayed")
    assert not list((folder / "away").iterdir())
    names = sorted(path.name for path in (folder / "stayed").iterdir())
    assert sorted(path.name for path in (folder / "moved").iterdir()) == names
    found = (folder / "moved" / "parameters.safetensors").read_bytes()
    assert found == (folder / "stayed" / "parameters.safetensors").read_bytes()

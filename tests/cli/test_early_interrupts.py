"""Ctrl-C while the program is being imported: status 130 and one line."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from chainrule.cli import interrupts
from yardstick import HANGS

CONFIG = """\
network: {layers: [{size: 3}, {size: 3}, softmax]}
data: {generator: blobs}
training: {epochs: 1}
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "name",
    [
        "chainrule.cli.main",
        "typer",
        "chainrule.cli.train",
        "chainrule.cli.terminal",
        "chainrule.cli.progress",
        "rich.progress",
        "chainrule.runs.train",
        "numpy",
        "numpy.random",
        "chainrule.nn.network",
        "pydantic",
        "chainrule.runs.resolve",
        "ruamel.yaml",
        "chainrule.data.sources",
    ],
)
def test_ctrl_c_while_this_is_imported_ends_the_program_in_one_line(folder, name):
    (folder / "c.yaml").write_text(CONFIG)
    code = f"""
import importlib.abc, os, signal, sys

class Press(importlib.abc.MetaPathFinder):
    pressed = False

    def find_spec(self, found, path, target=None):
        if found == {name!r} and not Press.pressed:
            Press.pressed = True
            os.kill(os.getpid(), signal.SIGINT)

sys.argv = ["chainrule", "train", "c.yaml", "--run", "r"]
from chainrule.__main__ import main
sys.meta_path.insert(0, Press())
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert done.stderr == "chainrule: interrupted\n"
    assert [path.name for path in folder.iterdir()] == ["c.yaml"]


def test_ctrl_c_in_code_made_from_text_has_the_same_status(folder):
    """Where Python itself would end by the signal: in what a data class is made of."""
    (folder / "c.yaml").write_text(CONFIG)
    code = """
import os, signal, sys
import chainrule.runs.train

def train(*arguments, **named):
    print("begun")
    exec("signal.raise_signal(signal.SIGINT)\\nfor k in range(9): pass", {"signal": signal})

chainrule.runs.train.train = train
sys.argv = ["chainrule", "train", "c.yaml"]
from chainrule.__main__ import main
main()
"""
    (folder / "program.py").write_text(code)  # as a module: there Python minds it
    command = [sys.executable, "-m", "program"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=False)
    assert (done.returncode, done.stdout) == (130, "begun\n"), done.stderr
    assert done.stderr == "chainrule: interrupted\n"


def test_the_program_runs_as_a_module(folder):
    command = [sys.executable, "-m", "chainrule", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("chainrule ")


@pytest.mark.parametrize("before", [signal.SIG_IGN, lambda number, frame: None])
def test_who_handles_ctrl_c_already_goes_on(before):
    ours = signal.signal(signal.SIGINT, before)
    try:
        interrupts.at_once()
        interrupts.by_exception()
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGINT, ours)


def test_a_command_hears_ctrl_c_as_an_exception(command):
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        interrupts.at_once()
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert command("schema").status == 0
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, ours)

"""The commands together: help, versions, and how a command ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import chainrule
from chainrule import load
from chainrule.cli.main import _spread_sets
from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.interrupts import Terminated
from yardstick import HANGS

LONG = """\
network: {layers: [{size: 8, activation: tanh}, {size: 2}, softmax]}
data: {generator: xor, count: 200}
training: {epochs: 1000000, seed: 1}
"""
COMMANDS = [
    "init",
    "train",
    "range-test",
    "sweep",
    "compare",
    "check",
    "describe",
    "explain",
    "inspect",
    "doctor",
    "evaluate",
    "predict",
    "sample",
    "plot",
    "report",
    "export",
    "check-code",
    "assignment",
    "mark",
    "data",
    "schema",
]


PATIENT = f"""
import chainrule.core.interrupts as interrupts
from chainrule.__main__ import main
interrupts.GRACE_SECONDS = {HANGS}
main()
"""
"""The program, but for the time that evaluations have after a Ctrl-C."""


def start(
    *arguments: str, program: tuple[str, ...] = ("-m", "chainrule.cli.main"), **options
) -> subprocess.Popen[str]:
    """``chainrule ARGUMENTS`` in a process of its own, in the working folder."""
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        **options,
    )


def test_help_names_every_command_and_needs_no_numpy(folder):
    (folder / "numpy.py").write_text("raise ImportError('numpy is not wanted here')")
    process = start("--help", env={"PYTHONPATH": str(folder), "COLUMNS": "80"})
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    for name in COMMANDS:
        assert re.search(rf"^  {name}\s+[A-Z]", out, re.MULTILINE)
    listed = out.split("Commands:")[1]
    assert re.findall(r"^  ([\w-]+)", listed, re.MULTILINE) == COMMANDS
    assert "..." not in listed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(command, name):
    outcome = command(name, "--help")
    assert outcome.status == 0
    assert "Usage: " in outcome.out


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (["init"], ["NAME"]),
        (["train"], ["CONFIG"]),
        (["describe"], ["DATA"]),
        (["evaluate"], ["RUN", "FILE"]),
        (["predict"], ["RUN", "FILE"]),
        (["data", "show"], ["CONFIG"]),
        (["data", "make"], ["CONFIG", "FILE"]),
    ],
)
def test_arguments_are_in_capitals(command, name, arguments):
    out = command(*name, "--help").out
    usage = out.split("\n\n")[0].split("[OPTIONS]")[1]
    assert re.findall(r"\w+", usage) == arguments


def test_version(command):
    outcome = command("--version")
    assert (outcome.status, outcome.out) == (0, f"chainrule {chainrule.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian", "x.yaml"], ["trian", "train"]),
        (["train"], ["Missing argument"]),
        (["train", "x.yaml", "--verbos"], ["--verbos", "--verbose"]),
        (["train", "x.yaml", "--run"], ["--run"]),
        (["data", "shwo", "x.yaml"], ["shwo", "show"]),
    ],
)
def test_a_command_line_that_is_wrong_has_status_2_and_names_the_nearest(
    command, folder, arguments, words
):
    outcome = command(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    for word in words:
        assert word in outcome.err
    assert os.listdir() == []


def failing(monkeypatch, error: BaseException) -> None:
    """``chainrule schema`` fails by ``error``."""

    def fail():
        raise error

    monkeypatch.setattr("chainrule.config.schema.configuration.json_schema", fail)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ChainruleError([Problem("a", "f", 3, 4), Problem("b")]), 2, "f:3:4: a\nchainrule: b\n"),
        (MemoryError("no 3 GiB"), 2, "chainrule: not enough memory: no 3 GiB\n"),
        (MemoryError(), 2, "chainrule: not enough memory\n"),
        (KeyboardInterrupt(), 130, "chainrule: interrupted\n"),
        (Terminated(), 143, "chainrule: interrupted\n"),
    ],
)
def test_a_failure_ends_in_its_message_and_status(command, monkeypatch, error, status, message):
    failing(monkeypatch, error)
    outcome = command("schema")
    assert (outcome.status, outcome.out, outcome.err) == (status, "", message)


def test_a_bug_is_not_hidden(command, monkeypatch):
    failing(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        command("schema")


@pytest.mark.parametrize(
    ("given", "spread"),
    [
        ("--set a=1 b=2", "--set a=1 --set b=2"),
        ("--set a=1 --set b=2", "--set a=1 --set b=2"),
        ("c.yaml --set a.0.b=1 c[1]=x=y --quiet", "c.yaml --set a.0.b=1 --set c[1]=x=y --quiet"),
        ("--set=a=1 b=2", "--set=a=1 --set b=2"),
        ("--set a=1 c.yaml", "--set a=1 c.yaml"),
        ("--set", "--set"),
        ("--run a=1 b=2", "--run a=1 b=2"),
    ],
)
def test_several_values_may_follow_set(given, spread):
    assert _spread_sets(given.split()) == spread.split()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Until the process has written something there."""
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "engine"),
    [
        (signal.SIGINT, "numpy"),  # which has nothing to compile first
        *(
            pytest.param(number, "auto", marks=pytest.mark.exhaustive)
            for number in (signal.SIGINT, signal.SIGTERM)
        ),
    ],
)
def test_ctrl_c_ends_training_cleanly_and_keeps_the_run(folder, number, engine):
    Path("long.yaml").write_text(LONG)
    arguments = ("long.yaml", "--run", "kept", "--set", f"training.engine={engine}")
    process = start("train", *arguments, program=("-c", PATIENT))
    try:
        wait_for(folder / "kept/metrics.jsonl", process)
        process.send_signal(number)
        out, err = process.communicate(timeout=HANGS)
    finally:
        process.kill()
    assert (process.returncode, err) == (128 + number, "")
    assert "stopped after " in out
    run = load("kept")
    assert run.interrupted
    assert f"stopped after {len(run.history.rows)} whole epochs" in out
    assert run.test.loss < 2


@pytest.mark.exhaustive
@pytest.mark.parametrize("arguments", [["schema"], ["train", "long.yaml", "--verbose"]])
def test_a_reader_that_has_seen_enough_ends_the_program_quietly(folder, arguments):
    Path("long.yaml").write_text(LONG)
    process = start(*arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=HANGS) == 141
    process.stderr.close()


@pytest.mark.exhaustive
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["schema"], ["train", "c.yaml", "--run", "kept"]])
def test_a_full_disk_is_one_message_and_the_run_is_kept(folder, arguments):
    Path("c.yaml").write_text(LONG.replace("1000000", "3"))
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "chainrule.cli.main", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 2
    assert result.stderr == "chainrule: cannot write the output: No space left on device\n"
    if arguments[0] == "train":
        assert load("kept").history["epoch"] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_old_terminal_gets_question_marks_and_no_traceback(folder, encoding):
    Path("long.yaml").write_text(LONG.replace("1000000", "1").replace("200", "20"))
    arguments = ["train", "long.yaml", "--jacobians", "--run", "grün"]
    process = start(*arguments, env={"PYTHONIOENCODING": encoding})
    _, err = process.communicate(timeout=HANGS)
    assert (process.returncode, err) == (0, "")


@pytest.mark.exhaustive
def test_no_home_and_no_terminal_are_needed(folder):
    Path("c.yaml").write_text(LONG.replace("1000000", "1"))
    environment = {"TERM": "dumb", "COLUMNS": "20", "PATH": os.environ["PATH"]}
    result = subprocess.run(
        [sys.executable, "-m", "chainrule.cli.main", "train", "c.yaml"],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "runs/c-1" in result.stdout

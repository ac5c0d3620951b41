"""What reaches a terminal, and what becomes of a command whose streams are closed or full."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.autodiff import print_graph, variable
from chainrule.config.load import Config
from chainrule.core.errors import CompileCacheWarning, ConfigError, Problem, printable
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.nn import Dense
from chainrule.nn.description import Description

DANGEROUS = "cat\u202e\u200b"  # turns the letters after it round; is not seen
ESCAPED = r"cat\u202e\u200b"
SMALL = """\
network: {layers: [{size: 4, activation: tanh}, {size: 3}, softmax]}
data: {file: cases.csv}
training: {epochs: 2, seed: 1, engine: numpy}
"""


@pytest.fixture
def cases(folder):
    """A table whose classes have names that would command a terminal, and a configuration."""
    names = (DANGEROUS, "dog\u2066", "bird\ud7ff\ue000")
    rows = [f"{k},{k * 7 % 11},{names[k % 3]}" for k in range(40)]
    Path("cases.csv").write_text("\n".join(rows), encoding="utf-8")
    Path("c.yaml").write_text(SMALL)
    return folder


def is_plain(text: str) -> bool:
    return all(c.isprintable() or c in "\n\t" for c in text)


@pytest.mark.exhaustive
def test_names_from_a_file_reach_the_terminal_as_they_can_be_shown(cases, command):
    found = [
        command("train", "c.yaml", "--run", "r", "--verbose", "--jacobians"),
        command("evaluate", "r"),
        command("evaluate", "r", "cases.csv"),
        command("describe", "c.yaml"),
        command("check", "c.yaml"),
        command("sweep", "c.yaml", "--vary", "network.learning_rate=0.1,0.2", "--jobs", "1"),
        command("evaluate", DANGEROUS),
        command("train", "c.yaml", "--set", f"network.{DANGEROUS}=1"),
        command("predict", "r", DANGEROUS),
    ]
    for outcome in found:
        assert is_plain(outcome.out)
        assert is_plain(outcome.err)
    shown = "".join(outcome.out + outcome.err for outcome in found)
    assert shown.count(ESCAPED) >= 6


def test_results_are_escaped_on_a_terminal_alone(cases, command, monkeypatch):
    command("train", "c.yaml", "--run", "r", "--quiet")
    piped = command("predict", "r", "cases.csv").out
    assert DANGEROUS in piped
    command("predict", "r", "cases.csv", "--out", "p.csv")
    assert Path("p.csv").read_text(encoding="utf-8") == piped
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = command("predict", "r", "cases.csv").out
    assert is_plain(shown)
    assert shown == printable(piped)


@pytest.mark.parametrize(
    "shown",
    [
        lambda: repr(Dense(2, name=DANGEROUS)),
        lambda: repr(chainrule.Network([Dense(2, name=DANGEROUS)], input=1)),
        lambda: repr(chainrule.Network([Dense(2, name=DANGEROUS)], input=1).parameters),
        lambda: repr(variable(1.0, DANGEROUS)),
        lambda: repr(DataSplit(*[Dataset(np.ones((1, 1)), np.ones(1))] * 3, source=DANGEROUS)),
        lambda: str(Problem(DANGEROUS, DANGEROUS)),
        lambda: str(ConfigError(DANGEROUS)),
    ],
)
def test_a_repr_is_printable(shown):
    assert is_plain(shown())
    assert ESCAPED in shown()


CLOSED = """
import os, sys
for number in map(int, sys.argv[1]):
    os.close(number)
os.execv(sys.executable, [sys.executable, "-m", "chainrule", *sys.argv[2:]])
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("closed", "more"), [("0", []), ("1", []), ("1", ["--quiet"]), ("2", []), ("012", [])]
)
def test_closed_streams_do_no_harm(cases, closed, more):
    arguments = [closed, "train", "c.yaml", "--run", "closed", *more]
    result = subprocess.run([sys.executable, "-c", CLOSED, *arguments], capture_output=True)
    assert result.returncode == 0, result
    assert b"Traceback" not in result.stderr
    assert chainrule.load("closed").history["epoch"] == [1, 2]  # nothing was printed into a file


@pytest.mark.exhaustive
@pytest.mark.parametrize("closed", ["2", "012"])
def test_the_processes_of_a_sweep_have_streams_too(cases, closed):
    rates = "network.learning_rate=0.1,0.2"
    arguments = [closed, "sweep", "c.yaml", "--vary", rates, "--jobs", "2", "--run", "swept"]
    result = subprocess.run([sys.executable, "-c", CLOSED, *arguments], capture_output=True)
    assert result.returncode == 0, result
    assert Path("swept/best.yaml").exists()


@pytest.mark.parametrize(
    "text", ["New\xa0York", "a\u3000b", "soft\xadhyphen", "می\u200cخواهم", "👩\u200d🔬", "a\tb\n"]
)
def test_letters_and_spaces_of_every_language_stay(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    "c", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\ud800"]
)
def test_what_commands_a_terminal_or_turns_letters_round_is_an_escape(c):
    assert is_plain(printable(f"a{c}b"))
    assert ascii(c)[1:-1] in printable(f"a{c}b")


def test_a_graph_is_printed_with_printable_names(capsys):
    x = variable(2.0, DANGEROUS)
    print_graph((x * x).named(DANGEROUS + "J"))
    assert is_plain(capsys.readouterr().out)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["describe", "c.yaml"], ["train", "c.yaml"]]
)
def test_a_reader_that_left_before_the_first_word_ends_the_program_with_141(cases, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "chainrule", *arguments], stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.exhaustive
def test_too_many_open_files_is_told_as_such(cases):
    resource = pytest.importorskip("resource")
    said = []
    for most in range(5, 40):
        result = subprocess.run(
            [sys.executable, "-m", "chainrule", "train", "c.yaml", "--run", f"r{most}"],
            capture_output=True,
            text=True,
            preexec_fn=lambda most=most: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)),
        )
        if result.returncode == 0:
            break
        said.append(result.stderr)
    else:
        pytest.fail("40 open files are enough to train a network")
    assert any("Too many open files" in text for text in said)
    assert not any("cannot write the output" in text or "Traceback" in text for text in said)


def test_a_warning_is_one_line(cases, monkeypatch, command):
    from chainrule.runs.resolve import describe_network

    def describe(config: Config) -> Description:
        message = "the compile cache in x\x1b\ncannot be read"
        warnings.warn(message, CompileCacheWarning, stacklevel=1)
        return describe_network(config)

    monkeypatch.setattr("chainrule.runs.resolve.describe_network", describe)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        outcome = command("describe", "c.yaml")
    assert outcome.err == "chainrule: the compile cache in x\\x1b cannot be read\n"

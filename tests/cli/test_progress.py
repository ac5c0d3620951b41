"""How far a training is: plain lines, and a bar on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from chainrule.cli import terminal
from chainrule.cli.progress import EpochLines, epoch_text
from chainrule.core.progress import progress


def trainer(epoch: int = 1, epochs: int = 10, rate: float = 0.1) -> SimpleNamespace:
    settings, optimizer = SimpleNamespace(epochs=epochs), SimpleNamespace(has_rate=True)
    return SimpleNamespace(epoch=epoch, settings=settings, rate=rate, optimizer=optimizer)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"train_loss": 0.123456}, "train loss 0.1235, rate 0.1"),
        (
            {"train_loss": 1.0, "train_accuracy": 0.5, "validation_loss": 2.0},
            "train loss 1, validation loss 2, train accuracy 50.0%, rate 0.1",
        ),
        (
            {"train_loss": 1.0, "validation_loss": 2.0, "validation_accuracy": 0.0},
            "train loss 1, validation loss 2, validation accuracy 0.0%, rate 0.1",
        ),
        (
            {"train_loss": 1.0, "validation_loss": 2.0, "validation_r2": -0.25},
            "train loss 1, validation loss 2, validation R² -0.25, rate 0.1",
        ),
    ],
)
def test_an_epoch_in_words(row, text):
    assert epoch_text(row, trainer()) == text


def lines(capsys, epochs: int, **options) -> list[int]:
    watch = EpochLines(**options)
    for epoch in range(1, epochs + 1):
        watch.on_epoch(trainer(epoch, epochs), {"epoch": epoch, "train_loss": 1.0})
    return [int(n) for n in re.findall(r"^epoch +(\d+)/", capsys.readouterr().out, re.MULTILINE)]


@pytest.mark.parametrize("epochs", [1, 7, 20, 21, 100, 999])
def test_about_twenty_lines_with_the_first_and_the_last(capsys, epochs):
    shown = lines(capsys, epochs)
    assert shown[0] == 1
    assert shown[-1] == epochs
    assert min(epochs, 11) <= len(shown) <= 22
    assert len(set(shown)) == len(shown)


def test_every_epoch_where_all_are_wanted(capsys):
    assert lines(capsys, 50, all=True) == list(range(1, 51))


def test_numbers_are_aligned(capsys):
    watch = EpochLines()
    for epoch in (1, 100):
        watch.on_epoch(trainer(epoch, 100), {"train_loss": 1.0})
    first, last = capsys.readouterr().out.splitlines()
    assert first.index("train") == last.index("train")


CONFIG = """\
network: {layers: [{size: 4, activation: tanh}, {size: 2}, softmax]}
data: {generator: xor, count: 100}
training: {epochs: 4}
"""


def on_a_terminal(*arguments: str, columns: int = 100) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule.cli.main", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns)},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert process.wait() == 0, written.decode()
    return written.decode()


@pytest.mark.exhaustive
@pytest.mark.parametrize("columns", [100, 30])
def test_a_terminal_gets_a_bar_with_loss_and_rate_and_its_cursor_back(folder, columns):
    Path("c.yaml").write_text(CONFIG)
    text = on_a_terminal("train", "c.yaml", columns=columns)
    assert "━" in text
    assert "loss 0." in text
    assert "epoch 4/4: " not in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    if columns == 100:
        assert "epoch 4/4" in text
        assert "rate 0.1" in text


@pytest.mark.exhaustive
def test_verbose_output_has_lines_and_no_bar(folder):
    Path("c.yaml").write_text(CONFIG)
    text = on_a_terminal("train", "c.yaml", "--verbose")
    assert "\x1b[?25l" not in text
    assert text.count("epoch 1/4: ") == 1
    assert "minibatch 1 of 3" in text


@pytest.mark.exhaustive
def test_quiet_prints_nothing_on_a_terminal_either(folder):
    Path("c.yaml").write_text(CONFIG)
    assert on_a_terminal("train", "c.yaml", "--quiet") == ""


class Screen(StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def shown_of_work(monkeypatch, stream: StringIO, seconds: float, patience: float) -> str:
    """What work of so many seconds writes to ``stream`` as stderr."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(terminal, "PATIENCE", patience)
    with terminal.work_shown(), progress("reading [images]", total=4) as advance:
        for _ in range(4):
            time.sleep(seconds / 4)
            advance(1)
    return stream.getvalue()


def test_long_work_has_a_bar_on_a_terminal_that_is_wiped_away(monkeypatch):
    text = shown_of_work(monkeypatch, Screen(), 0.4, 0.1)
    assert "reading [images]" in text
    assert "━" in text
    assert text.endswith("\x1b[2K")


def test_short_work_and_work_without_a_terminal_have_none(monkeypatch):
    assert shown_of_work(monkeypatch, Screen(), 0, 30) == ""
    assert shown_of_work(monkeypatch, StringIO(), 0.4, 0.1) == ""

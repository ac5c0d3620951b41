"""The warden itself must notice everything that a hostile file may attempt."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from chainrule.core.errors import ChainruleError
from hostile import good, readers, warden
from hostile.made import Hostile
from yardstick import add_up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is watched in /proc")


def read_by(reader, tmp_path, monkeypatch, length=1):
    """The warden's report of a reader of a text of ``length`` bytes."""

    def make(folder):
        (folder / "a").write_text("1" * length)
        return folder / "a"

    monkeypatch.setitem(readers.READERS, "mine", reader)
    tmp_path.mkdir(exist_ok=True)
    return warden.judge(Hostile("a", "mine", make), tmp_path)


def refuse(path):
    raise ChainruleError("no")


def test_a_refusal(tmp_path, monkeypatch):
    found = read_by(refuse, tmp_path, monkeypatch)
    assert (found["ended"], found["message"], found["heard"]) == ("refused", "no", [])
    assert found["bytes"] < 2**24


@pytest.mark.parametrize(
    ("reader", "ended"),
    [
        (lambda path: path.read_text(), "read to the end"),
        (lambda path: 1 // 0, "ZeroDivisionError"),
        (lambda path: bytearray(2 * warden.MEMORY), "MemoryError"),
        (lambda path: os.kill(os.getpid(), 9), "the process died"),
    ],
)
def test_what_is_no_refusal(reader, ended, tmp_path, monkeypatch):
    assert read_by(reader, tmp_path, monkeypatch)["ended"].startswith(ended)


@pytest.mark.exhaustive
def test_what_never_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(warden, "PATIENCE", 1.0)
    found = read_by(lambda path: os.read(os.pipe()[0], 1), tmp_path, monkeypatch)
    assert found["ended"] == "never ends"


def opens_for_writing(path):
    with open(path, "ab"):
        refuse(path)


def imports(path):
    import antigravity.something  # noqa: F401


def runs_a_program(path):
    subprocess.run(["true"], check=True)


@pytest.mark.parametrize(
    ("reader", "heard"),
    [
        (opens_for_writing, "writing"),
        (imports, "import of antigravity"),
        (runs_a_program, "subprocess.Popen"),
        (lambda path: os.system("true"), "os.system"),
        (lambda path: socket.socket(), "socket"),
        (lambda path: eval("1"), "compile of <string>"),
        (lambda path: (path.parent.parent / "b").exists() or open("/etc/passwd"), "reading of"),
        (lambda path: os.listdir("/etc"), "look into"),
        (lambda path: os.remove(path), "os.remove"),
    ],
)
def test_what_is_heard(reader, heard, tmp_path, monkeypatch):
    assert heard in str(read_by(reader, tmp_path, monkeypatch)["heard"])


@pytest.mark.parametrize("length", [2**20, 2**24])
def test_time_is_measured_by_a_loop_of_the_same_process(length, tmp_path, monkeypatch):
    def adds_up(path):
        add_up(bytes(length))
        refuse(path)

    found = read_by(adds_up, tmp_path, monkeypatch)
    assert length / 4 < found["loop"] < 4 * length


def test_a_long_text_is_compared_with_a_good_one(tmp_path, monkeypatch):
    def adds_up_ten_times(path):
        for _ in range(1 if path.name == "good-a" else 10):
            sum(path.read_bytes())
        if path.name == "a":
            refuse(path)

    monkeypatch.setitem(good.LINES, ("mine", "a"), b"1,a\n")
    found = [
        read_by(adds_up_ten_times, tmp_path / str(length), monkeypatch, length).get("times")
        for length in (warden.LONG - 1, warden.LONG)
    ]
    assert found[0] is None
    assert 5 < found[1] < 20


def test_memory_is_measured(tmp_path, monkeypatch):
    def reads_much(path):
        block = bytearray(2**26)
        block[:: 2**12] = b"x" * 2**14
        refuse(path)

    assert 0.9 * 2**26 < read_by(reads_much, tmp_path, monkeypatch)["bytes"] < 2**27

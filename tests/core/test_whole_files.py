"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from chainrule import ChainruleError
from chainrule.core.files import refuse_input, write_whole


@pytest.mark.parametrize(("content", "bytes_"), [("δ\n", "δ\n".encode()), (b"\0\r\n", b"\0\r\n")])
def test_text_is_utf8_and_bytes_are_as_they_are(tmp_path, content, bytes_):
    write_whole(tmp_path / "new file", content)
    assert (tmp_path / "new file").read_bytes() == bytes_


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a"
    path.write_text("a much longer older text")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_older_file_and_no_other(tmp_path, monkeypatch, failing):
    def fail(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(ChainruleError, match="a: cannot write this file: No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("old")
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.read_text()))  # file, then folder
    write_whole(path, "new")
    assert seen == ["old", "new"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/a", "the folder .*missing' does not exist"),
        ("file/a", "'.*file' is a file, not a folder"),
        (".", "there is a folder of that name"),
        ("sub", "there is a folder of that name"),
    ],
)
def test_a_place_that_cannot_be_written_is_explained(folder, name, reason):
    (folder / "file").write_text("")
    (folder / "sub").mkdir()
    with pytest.raises(ChainruleError, match=reason):
        write_whole(Path(name), "text")
    assert sorted(os.listdir()) == ["file", "sub"]


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(path, "text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert path.is_fifo()


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, there):
    (tmp_path / "far").mkdir()
    if there:
        (tmp_path / "far/a").write_text("old")
    (tmp_path / "link").symlink_to("far/a")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far/a").read_text() == "new"
    assert os.listdir(tmp_path / "far") == ["a"]


def test_an_input_is_not_written_to_by_any_name(folder):
    (folder / "a").write_text("")
    (folder / "b").write_text("")
    (folder / "link").symlink_to("a")
    for name in ("a", "./a", "link", folder / "a"):
        with pytest.raises(ChainruleError, match="is the file that is read"):
            refuse_input(Path(name), Path("b"), Path("a"))
    refuse_input(Path("b"), Path("a"), Path("missing"))
    refuse_input(Path("new"), Path("a"))


def test_content_name_and_folder_reach_the_disk_in_this_order(tmp_path, monkeypatch):
    """Or else a failure of power may leave a name without its content."""
    path, calls = tmp_path / "a", []
    fsync, replace = os.fsync, os.replace

    def note_fsync(opened):
        is_folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        calls.append("folder" if is_folder else f"file of {os.fstat(opened).st_size}")
        fsync(opened)

    def note_replace(old, new):
        calls.append("name")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_whole(path, "content")
    assert calls == ["file of 7", "name", "folder"]

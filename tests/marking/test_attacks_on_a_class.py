"""What one student hands in stops neither the marker nor the marking of the others."""

import gzip
import json
import os
import tarfile
import zipfile

import pytest

from chainrule.marking.classes import unpacking
from chainrule.marking.classes.classroom import Kept, as_text, from_text, not_marked
from chainrule.marking.classes.submissions import digest_of_submission, lay_out
from chainrule.marking.classes.unpacking import Refused

FILES = ("mine.py",)
CODE = b"def f(x):\n    return x\n"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_BYTES", 2**18)
    monkeypatch.setattr(unpacking, "MOST_READ", 2**19)


def header(size, kind):
    info = tarfile.TarInfo("name")
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def tarred(name, size, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT) + bytes(size + -size % 512)


def packed(path, *pieces):
    path.write_bytes(gzip.compress(b"".join(pieces), 1))


BOMBS = {
    "a large file": [tarred("mine.py", 2**21)],
    "a large file that is passed over": [tarred("__MACOSX/x", 2**21), tarred("mine.py", 4)],
    "a folder with bytes": [tarred("folder", 2**21, tarfile.LNKTYPE), tarred("mine.py", 4)],
    "a large header": [header(2**21, b"x"), bytes(2**21)],
    "a long name": [header(2**21, b"L"), b"a" * 2**21],
    "a link": [tarred("mine.py", 0, tarfile.SYMTYPE)],
    "a device": [tarred("mine.py", 0, tarfile.CHRTYPE)],
    "a way out": [tarred("../mine.py", 4)],
    "half of a header": [tarred("mine.py", 4)[:300]],
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_archive_that_is_a_trap_is_refused(name, tmp_path):
    packed(tmp_path / "mine.tar.gz", *BOMBS[name])
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(Refused):
        lay_out(tmp_path / "mine.tar.gz", FILES, into)
    assert sum(path.stat().st_size for path in into.rglob("*")) <= 2**18
    assert not (tmp_path / "mine.py").exists()


def test_a_zip_whose_files_are_folders_too_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for name in ("mine.py", "mine.py/mine.py"):
            archive.writestr(name, CODE)
    (tmp_path / "into").mkdir()
    with pytest.raises(Refused, match="damaged"):
        lay_out(tmp_path / "mine.zip", FILES, tmp_path / "into")


def buried(folder, name, count):
    folder.mkdir()
    before = os.getcwd()
    os.chdir(folder)
    try:
        for _ in range(count):
            os.mkdir(name)
            os.chdir(name)
    finally:
        os.chdir(before)


@pytest.mark.parametrize(("letters", "count"), [(1, 60), (200, 40)])
def test_folders_that_are_buried_deep_are_refused(letters, count, tmp_path):
    buried(tmp_path / "in", "d" * letters, count)
    digest_of_submission(tmp_path / "in")
    (tmp_path / "into").mkdir()
    with pytest.raises(Refused, match="20 folders within each other"):
        lay_out(tmp_path / "in", FILES, tmp_path / "into")


@pytest.mark.parametrize("kind", ["py", "ipynb"])
def test_a_folder_with_the_name_of_a_file_is_no_file(kind, tmp_path):
    inner = tmp_path / "in" / f"mine.{kind}"
    inner.mkdir(parents=True)
    (inner / "other.txt").write_text("")
    (inner / "mine2.py").write_bytes(CODE)
    (tmp_path / "into").mkdir()
    if kind == "py":
        with pytest.raises(Refused, match=r"mine\.py is not there"):
            lay_out(tmp_path / "in", FILES, tmp_path / "into")
    else:
        assert lay_out(tmp_path / "in", FILES, tmp_path / "into").notes


def test_half_a_letter_in_a_notebook_is_replaced(tmp_path):
    cell = {"cell_type": "code", "source": ["x = '\ud800'\n"]}
    (tmp_path / "mine.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "into").mkdir()
    laid = lay_out(tmp_path / "mine.ipynb", FILES, tmp_path / "into")
    assert (laid.folder / "mine.py").read_text("utf-8") == "x = '?'"


def test_a_name_in_another_encoding_is_kept_as_text(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / os.fsdecode(b"\xff\x1b.txt")).write_text("")
    (tmp_path / "into").mkdir()
    with pytest.raises(Refused) as caught:
        lay_out(folder, FILES, tmp_path / "into")

    class Assignment:
        parts = ()

    marked = not_marked(Assignment, "ada", "")
    assert from_text(as_text(Kept(marked, "", "", (str(caught.value),)))) is not None

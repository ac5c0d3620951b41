"""What students hand in is found and named, and hurts nobody."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from chainrule.core.errors import ChainruleError
from chainrule.marking.classes import unpacking
from chainrule.marking.classes.submissions import (
    chosen,
    digest_of_submission,
    find_submissions,
    lay_out,
    notebook_code,
    student_name,
)
from chainrule.marking.classes.unpacking import Refused

FILES = ("net.py",)


def zipped(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, *members):
    """A tar archive of members, each a name and a type or the content of a file."""
    with tarfile.open(path, "w:gz") as archive:
        for name, kind in members:
            info = tarfile.TarInfo(name)
            if isinstance(kind, str):
                info.size = len(kind)
                archive.addfile(info, io.BytesIO(kind.encode()))
            else:
                info.type, info.linkname = kind, "/etc/passwd"
                archive.addfile(info)
    return path


def laid(path, tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    return lay_out(path, FILES, into)


def test_each_kind_of_submission_is_found_and_named_once(tmp_path):
    for name in ("Ada", "ada.zip", "bob.py", ".hidden", "marks.csv", "C_1_assignsubmission_file_"):
        (tmp_path / name).mkdir() if "." not in name else (tmp_path / name).write_text("")
    found = [one.student for one in find_submissions(tmp_path, FILES)]
    assert found == ["Ada", "C", "ada-2", "bob"]


def test_a_folder_that_has_the_files_is_one_submission(tmp_path):
    (tmp_path / "net.py").write_text("")
    assert [one.path for one in find_submissions(tmp_path, FILES)] == [tmp_path]


def test_names_are_printable_and_fit_for_files():
    odd = "\x1b[2Ja/../b\u202e" + "x" * 300
    name = student_name(Path("in") / odd.replace("/", "_"))
    assert name.isprintable()
    assert len(name) <= 80
    assert "/" not in name
    assert student_name(Path("in/José Ñandú.tar.gz")) == "José Ñandú"
    assert student_name(Path("in/....zip")) == "unnamed"


def test_only_some_students_may_be_chosen(tmp_path):
    for name in ("ada", "bob"):
        (tmp_path / name).mkdir()
    found = find_submissions(tmp_path, FILES)
    assert [one.student for one in chosen(found, ["bob", "bob"])] == ["bob"]
    with pytest.raises(ChainruleError, match="unknown student 'bop'; did you mean 'bob'"):
        chosen(found, ["bop"])


def test_an_empty_class_is_said(tmp_path):
    with pytest.raises(ChainruleError, match="no submissions here"):
        find_submissions(tmp_path, FILES)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "file", "renamed", "twice", "notebook"])
def test_the_files_are_found_wherever_they_lie(tmp_path, kind):
    path = tmp_path / "one"
    if kind == "folder":
        (path / "ADA_L_LAB3" / "code").mkdir(parents=True)
        (path / "ADA_L_LAB3" / "code" / "net.py").write_text("x = 1")
    elif kind == "zip":
        path = zipped(tmp_path / "a.zip", **{"__MACOSX/net.py": "no", "a/b/net.py": "x = 1"})
    elif kind == "tar":
        path = tarred(tmp_path / "a.tar.gz", ("./a/net.py", "x = 1"))
    elif kind == "file":
        path = tmp_path / "net.py"
        path.write_text("x = 1")
    elif kind == "renamed":
        path = tmp_path / "doe_12_net (2).py"
        path.write_text("x = 1")
    elif kind == "twice":
        path.mkdir()
        zipped(path / "inner.zip", **{"net.py": "x = 1"})
    else:
        path = tmp_path / "net.ipynb"
        cells = [{"cell_type": "code", "source": ["%matplotlib inline\n", "x = 1"]}]
        path.write_text(json.dumps({"cells": cells}))
    found = laid(path, tmp_path)
    assert "x = 1" in (found.folder / "net.py").read_text()
    assert found.from_notebook == (kind == "notebook")


def link(path):
    path.symlink_to("/etc/passwd")
    return path


HOSTILE = {
    "climbs": lambda p: zipped(p / "a.zip", **{"../../net.py": "x"}),
    "absolute": lambda p: tarred(p / "a.tar.gz", ("/tmp/net.py", "x")),
    "drive": lambda p: zipped(p / "a.zip", **{"c:/net.py": "x"}),
    "backslashes": lambda p: zipped(p / "a.zip", **{"..\\..\\net.py": "x"}),
    "link in tar": lambda p: tarred(p / "a.tar.gz", ("net.py", tarfile.SYMTYPE)),
    "hard link": lambda p: tarred(p / "a.tar.gz", ("net.py", tarfile.LNKTYPE)),
    "device": lambda p: tarred(p / "a.tar.gz", ("net.py", tarfile.CHRTYPE)),
    "damaged": lambda p: [(p / "a.zip").write_bytes(b"PK\3\4" + b"x" * 99), p / "a.zip"][1],
    "no tar": lambda p: [(p / "a.tgz").write_bytes(b"\x1f\x8b" + b"x" * 99), p / "a.tgz"][1],
    "bomb": lambda p: zipped(p / "a.zip", **{"net.py": b"\0" * 3_000_000}),
    "many": lambda p: zipped(p / "a.zip", **{f"{k}.py": "" for k in range(60)}),
    "long name": lambda p: zipped(p / "a.zip", **{"x" * 250 + ".py": "x"}),
    "deep": lambda p: zipped(p / "a.zip", **{"a/" * 50 + "net.py": "x"}),
    "is a link": lambda p: link(p / "link"),
    "no notebook": lambda p: [(p / "a.ipynb").write_text("[" * 9999), p / "a.ipynb"][1],
    "nothing": lambda p: [(p / "empty").mkdir(), p / "empty"][1],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_submission_is_refused_and_writes_nothing_elsewhere(tmp_path, name, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_BYTES", 2_000_000)
    monkeypatch.setattr(unpacking, "MOST_FILES", 50)
    (tmp_path / "in").mkdir()
    path = HOSTILE[name](tmp_path / "in")
    before = set(tmp_path.rglob("*")) | {tmp_path / "into"}
    with pytest.raises(Refused) as error:
        laid(path, tmp_path)
    assert str(error.value).isprintable()
    after = {p for p in tmp_path.rglob("*") if (tmp_path / "into") not in p.parents}
    assert after == before


def test_a_link_within_a_folder_is_refused(tmp_path):
    (tmp_path / "one").mkdir()
    link(tmp_path / "one" / "net.py")
    with pytest.raises(Refused, match=r"a link or a device, 'net.py'"):
        laid(tmp_path / "one", tmp_path)


def test_the_original_is_not_what_is_run(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "net.py").write_text("x")
    (laid(tmp_path / "one", tmp_path).folder / "net.py").write_text("changed")
    assert (tmp_path / "one" / "net.py").read_text() == "x"


def test_a_notebooks_magic_is_no_python(tmp_path):
    path = tmp_path / "a.ipynb"
    sources = ["%%bash\nls", "%%time\nx = 1", ["if x:\n", "    !pip install y\n", "?x"]]
    cells = [{"cell_type": "code", "source": source} for source in sources]
    path.write_text(json.dumps({"cells": [*cells, {"cell_type": "markdown", "source": "# no"}]}))
    compile(notebook_code(path), "notebook", "exec")
    assert "x = 1" in notebook_code(path)
    assert "ls" not in notebook_code(path)


def test_the_digest_follows_names_and_contents(tmp_path):
    (tmp_path / "net.py").write_text("x")
    first = digest_of_submission(tmp_path)
    assert digest_of_submission(tmp_path) == first
    (tmp_path / "net.py").write_text("y")
    second = digest_of_submission(tmp_path)
    (tmp_path / "net.py").rename(tmp_path / "nets.py")
    assert len({first, second, digest_of_submission(tmp_path)}) == 3


def test_files_that_lie_in_other_folders_are_put_where_they_belong(tmp_path):
    (tmp_path / "one" / "lab").mkdir(parents=True)
    (tmp_path / "one" / "lab" / "Full.py").write_text("full")
    (tmp_path / "one" / "lab" / "relu.py").write_text("relu")
    (tmp_path / "into").mkdir()
    found = lay_out(tmp_path / "one", ("layers/full.py", "relu.py"), tmp_path / "into")
    assert (found.folder / "layers" / "full.py").read_text() == "full"
    assert found.folder.name == "lab"
    assert found.notes == ("lab/Full.py was taken as layers/full.py",)


def test_of_two_files_of_a_name_none_is_guessed(tmp_path):
    for name in ("old", "new"):
        (tmp_path / "one" / name).mkdir(parents=True)
        (tmp_path / "one" / name / "full.py").write_text(name)
    (tmp_path / "one" / "relu.py").write_text("relu")
    (tmp_path / "into").mkdir()
    found = lay_out(tmp_path / "one", ("layers/full.py", "relu.py"), tmp_path / "into")
    assert not (found.folder / "layers").exists()

"""Formats told apart by their contents, and inputs for a trained network."""

from __future__ import annotations

import gzip
import json
import os
import struct

import numpy as np
import pytest

from chainrule import train
from chainrule.cli.cases import cases_of_file
from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.data.readers import files as files_module
from chainrule.data.readers.cases import Cases, Labels
from chainrule.data.readers.files import Format, read_cases, read_inputs, recognise

IDX = struct.pack(">HBB3I", 0, 8, 3, 2, 1, 3) + bytes(range(6))


@pytest.fixture
def files(tmp_path):
    """One file of each format, under names that say nothing."""
    (tmp_path / "text").write_text("1,2,3,0\n4,5,6,1\n")
    (tmp_path / "idx").write_bytes(IDX)
    (tmp_path / "packed").write_bytes(gzip.compress(IDX))
    with open(tmp_path / "npz", "wb") as file:
        np.savez(file, x=np.array([[1, 2, 3], [4, 5, 6]]), t=np.array([0, 1]))
    return tmp_path


def test_contents_decide(files):
    kinds = {name: recognise(files / name) for name in ("text", "npz", "idx", "packed")}
    assert kinds == {"text": "table", "npz": "npz", "idx": "idx", "packed": "idx"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"\x89PNG\r\n", "a single image"),
        ("a.csv", b"RIFF\x1a\0\0\0WEBPVP8L", "a single image"),
        ("a.tif", b"II*\0\x08\0\0\0", "a single image"),
        ("a.npy", b"\x93NUMPY\1\0", "a single array"),
        ("train-idx3-ubyte", b"1,2\n", "not an IDX file"),
        ("a.npz", b"1,2\n", "no .npz file"),
        ("a.xlsx", b"PK\3\4", "a damaged workbook"),
    ],
)
def test_files_of_another_kind(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_cases(tmp_path / name, labels=tmp_path / name if "idx" in name else None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="no ordinary file"):
        read_cases(tmp_path / "pipe")


def test_labels_belong_to_idx_files(files):
    with pytest.raises(ConfigError, match="labels:"):
        read_cases(files / "idx")
    with pytest.raises(ConfigError, match="holds its own"):
        read_cases(files / "text", labels=files / "idx")


@pytest.mark.parametrize("name", ["text", "npz", "idx", "packed"])
def test_inputs_of_every_format(files, name):
    cases = read_inputs(files / name, features=3)
    assert cases.x.shape == (2, 3)
    assert (cases.labels is None) == (name in ("idx", "packed"))
    with pytest.raises(DataError, match="network"):
        read_inputs(files / name, features=7)


def test_inputs_without_labels(files):
    cases = read_inputs(files / "text", features=4)
    assert cases.x.tolist() == [[1, 2, 3, 0], [4, 5, 6, 1]]
    assert cases.labels is None
    labels = read_inputs(files / "text", features=3).labels
    assert labels is not None
    assert labels.values.tolist() == [0, 1]


def test_cases_need_targets(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 2)))
    with pytest.raises(DataError, match="no array t"):
        read_cases(tmp_path / "x.npz")


def read_json_lines(path, options):
    """A reader as a contributor would write one: a list of numbers a line, the class last."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]

    def place(case, message):
        return Problem(message, path, line=case + 1)

    x = np.array([row[:-1] for row in rows], dtype=float)
    return Cases(x, Labels([row[-1] for row in rows], place, path))


def test_a_reader_of_ones_own_is_a_function_and_its_line_in_the_table(folder, monkeypatch):
    added = Format(lambda head, name: head.startswith(b"["), read_json_lines)
    monkeypatch.setattr(files_module, "FORMATS", {"json": added, **files_module.FORMATS})
    lines = [f'[{k}, {-k}, "{"even" if k % 2 == 0 else "odd"}"]' for k in range(20)]
    (folder / "cases.jsonl").write_text("\n".join(lines))
    config = {
        "network": {"layers": [{"size": 2}, "softmax"]},
        "data": {"file": "cases.jsonl", "split": [0.8, 0.2, 0]},
        "training": {"epochs": 1},
    }
    run = train(config, run="run")
    assert run.classes == ("even", "odd")
    x, t, _ = cases_of_file(run, folder / "cases.jsonl")
    assert x.shape == (20, 2)
    assert t.tolist() == [0, 1] * 10
    (folder / "cases.jsonl").write_text('[1, 2, "evn"]\n[1, 2, "odd"]')
    with pytest.raises(DataError, match=r"cases.jsonl:1: label 'evn' .* did you mean 'even'"):
        cases_of_file(run, folder / "cases.jsonl")

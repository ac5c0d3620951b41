"""Hostile folders of runs and of sweeps."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from hostile import tensors
from hostile.configurations_yaml import TEXTS as YAML
from hostile.configurations_yaml import special_files
from hostile.good import EPOCH, FACTS, SCORE, TRIAL, run_folder, sweep_folder, yaml_text
from hostile.made import Bytes, Hostile


def _facts(**changes: Any) -> bytes:
    return json.dumps({**FACTS, "scores": {}, **changes}).encode()


def _scaling(**changes: Any) -> bytes:
    return save({"mean": np.zeros(2), "scale": np.ones(2), **changes})


def _cases(**changes: Any) -> bytes:
    return save({name: np.zeros(2, np.uint64) for name in DIGESTS} | changes)


DIGESTS = ("train", "validation", "test")


def _without(key: str) -> bytes:
    return json.dumps({k: v for k, v in {**FACTS, "scores": {}}.items() if k != key}).encode()


JSON: dict[str, Bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"run"',
    "null": b"null",
    "nested lists": lambda: b"[" * 200_000,
    "nested and closed": lambda: b"[" * 200_000 + b"]" * 200_000,
    "nested mappings": lambda: b'{"a":' * 200_000,
    "a number of a million digits": lambda: b'{"engine":' + b"9" * 1_000_000 + b"}",
    "a text of 64 MiB": lambda: b'{"engine":"' + b"x" * 2**26 + b'"}',
    "64 MiB of blanks": lambda: b" " * 2**26,
    "lists of eight million zeros": lambda: b"[" + b"0," * 8_000_000 + b"0]",
    "mappings of a million": lambda: b"{" + b",".join(b'"%d":{}' % k for k in range(10**6)) + b"}",
    "not UTF-8": b'{"engine": "\xff"}',
    "UTF-16": '{"engine": "numpy"}'.encode("utf-16"),
    "NUL": b'{"engine": "numpy"}\0',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "cut short": b'{"engine": "nu',
    "Python": b"{'engine': None}",
    "a pickle": b"\x80\x04cposix\nsystem\n(Vtouch owned\ntR.",
}

_NUMBER: dict[str, Any] = {"name": "a", "kind": "number", "fill": 0.5, "on_missing": "mean"}
_CITY: dict[str, Any] = {
    "name": "b", "kind": "one_hot", "categories": ["Rome"], "fill": "Rome",
    "on_missing": "most_frequent",
}  # fmt: skip


def _encoding(first: Any = _NUMBER, second: Any = _CITY, **changes: Any) -> dict[str, Any]:
    """The encoding of a run with two inputs."""
    fitting = {"columns": ["a", "b", "y"], "has_names": True, "labels": ["y"]}
    return {**fitting, "inputs": [first, second], **changes}


ENCODINGS: dict[str, Any] = {
    "of nothing": {},
    "of a fill of another type": _encoding({**_NUMBER, "fill": "x"}),
    "of a fill that is a list": _encoding({**_NUMBER, "fill": [1]}),
    "of no fill": _encoding({"name": "a", "kind": "number", "on_missing": "mean"}),
    "of a fill that is not used": _encoding({"name": "a", "kind": "number", "fill": 1.0}),
    "of a fill that is no category": _encoding(second={**_CITY, "fill": "Oslo"}),
    "of a number with categories": _encoding({**_NUMBER, "categories": ["1"]}),
    "of categories twice": _encoding(second={**_CITY, "categories": ["Rome", "Rome"]}),
    "of no categories": _encoding(second={**_CITY, "categories": [], "fill": None}),
    "of a kind that is none": _encoding({**_NUMBER, "kind": "text"}),
    "of a width that does not fit": _encoding({**_NUMBER, "has_indicator": True}),
    "of a column that there is not": _encoding({**_NUMBER, "name": "c"}),
    "of an input twice": _encoding(_NUMBER, _NUMBER),
    "of columns twice": _encoding(columns=["a", "b", "y", "y"]),
    "of a label that is an input": _encoding(labels=["a"]),
    "of a label that there is not": _encoding(labels=["z"]),
    "of a weight that there is not": _encoding(weight="z"),
    "of words twice": _encoding(label_words=["u", "u"]),
    "of a reason for no column": _encoding(left_out={"z": "it is none"}),
    "of missing cells below none": _encoding({**_NUMBER, "missing": -1}),
    "of another key": _encoding(__class__="x"),
}
"""Encodings of tables that no training writes, by what is wrong with them."""

RUN_JSON: dict[str, Bytes] = {
    **JSON,
    **{f"an encoding {name}": _facts(encoding=value) for name, value in ENCODINGS.items()},
    **{f"no {key}": _without(key) for key in ("engine", "classes", "scaling", "scores")},
    "a lone surrogate": b'{"engine": "\\ud800", "interrupted": 0}',
    "classes that are a number": _facts(classes=3),
    "classes of another number": _facts(classes=["a"]),
    "classes that are a mapping": _facts(classes={"a": 1}),
    "classes that are a text": _facts(classes="ab"),
    "classes twice": _facts(classes=["a", "a"]),
    "classes with an escape sequence": _facts(classes=["\x1b[2J", "b"]),
    "classes that are lists": _facts(classes=[["a"], ["b"]]),
    "a million classes": lambda: _facts(classes=["a"] * 1_000_000),
    "a scaling that is null": _facts(scaling=None),
    "a scaling that is a list": _facts(scaling=[1, 2]),
    "a scaling of lists": _facts(scaling={"mean": [0, 0], "scale": [1, 1]}),
    "a scaling that is a number": _facts(scaling=1),
    "a scaling that is a path": _facts(scaling="../../etc/passwd"),
    "scores that are a list": _facts(scores=[1]),
    "scores of a number": _facts(scores={"test": 3}),
    "scores of another key": _facts(scores={"test": {**SCORE, "x": 1}}),
    "scores of dunders": _facts(scores={"test": {"__class__": 1}}),
    "scores without a loss": _facts(scores={"test": {"accuracy": 1.0}}),
    "scores whose loss is a text": _facts(scores={"test": {**SCORE, "loss": "a"}}),
    "scores whose loss is a list": _facts(scores={"test": {**SCORE, "loss": [1]}}),
    "scores of a part that is none": _facts(scores={"../../x": SCORE}),
    "scores whose accuracy is a text": _facts(scores={"test": {**SCORE, "accuracy": "\x1b[2J"}}),
    "an engine that is a list": _facts(engine=[1]),
    "an engine with an escape sequence": _facts(engine="\x1b[2J"),
    "interrupted by a text": _facts(interrupted="no"),
}

SCALINGS: dict[str, Bytes] = {
    **{name: tensors.FILES[name] for name in ("nothing", "a header of 2^64", "an array missing")},
    "of nan": _scaling(mean=np.full(2, np.nan)),
    "of infinity": _scaling(scale=np.full(2, np.inf)),
    "of zero": _scaling(scale=np.array([0.0, 1.0])),
    "below zero": _scaling(scale=np.array([-1.0, 1.0])),
    "of other inputs": _scaling(mean=np.zeros(3), scale=np.ones(3)),
    "of one mean": _scaling(mean=np.zeros(1)),
    "nested": _scaling(mean=np.zeros((2, 1)), scale=np.ones((2, 1))),
    "of whole numbers": _scaling(mean=np.zeros(2, np.int64)),
    "of float16": _scaling(mean=np.zeros(2, np.float16)),
    "of another array": _scaling(x=np.zeros(2)),
    "of a million million inputs, said": tensors.headed(
        {"mean": tensors.entry([10**12], 0, 8), "scale": tensors.entry([2], 8, 16)}, bytes(16)
    ),
    "of arrays in one place": tensors.headed(
        {"mean": tensors.entry([2], 0, 16), "scale": tensors.entry([2], 0, 16)}, bytes(16)
    ),
}

CASES: dict[str, Bytes] = {
    **{name: tensors.FILES[name] for name in ("nothing", "a header of 2^64", "an array missing")},
    "of float64": _cases(test=np.zeros(2)),
    "of 32 bits": _cases(test=np.zeros(2, np.uint32)),
    "with signs": _cases(train=np.zeros(2, np.int64)),
    "in columns": _cases(train=np.zeros((2, 1), np.uint64)),
    "of another part": _cases(more=np.zeros(2, np.uint64)),
    "of two parts": save({"train": np.zeros(2, np.uint64), "test": np.zeros(2, np.uint64)}),
    "of a million million cases, said": tensors.headed(
        {name: tensors.entry([10**12], 8 * k, 8 * k + 8, "U64") for k, name in enumerate(DIGESTS)},
        bytes(24),
    ),
    "of parts in one place": tensors.headed(
        {name: tensors.entry([2], 0, 16, "U64") for name in DIGESTS}, bytes(16)
    ),
}

CONFIGS = {
    "a layer of 10^8": ("size: 3", "size: 100000000"),
    "a layer of 10^15": ("size: 3", "size: 1000000000000000"),
    "10^8 inputs": ("input: 2", "input: 100000000"),
    "an image of a million sides": (
        "input: 2\n  loss: cross_entropy\n  layers:",
        "input: [1, 1000000, 1000000]\n  loss: cross_entropy\n  layers:\n    - flatten",
    ),
    "filters": (
        "input: 2\n  loss: cross_entropy\n  layers:",
        "input: [3, 1000, 1000]\n  loss: cross_entropy\n  layers:\n"
        "    - {type: conv2d, filters: 1000000, size: 999}\n    - flatten",
    ),
    "padding": (
        "input: 2\n  loss: cross_entropy\n  layers:",
        "input: [1, 8, 8]\n  loss: cross_entropy\n  layers:\n"
        "    - {type: conv2d, filters: 1, size: 1, padding: 1000000}\n    - flatten",
    ),
    "recurrence": (
        "input: 2\n  loss: cross_entropy\n  layers:",
        "input: [4, 2]\n  loss: cross_entropy\n  layers:\n    - {type: recurrent, size: 30000}",
    ),
}
"""Networks that are not those of the parameters: what is written instead of what."""

METRICS: dict[str, Bytes] = {
    **{name: content for name, content in JSON.items() if name != "nothing"},
    "a number": b"3\n",
    "pairs": b'[["epoch", 1]]\n',
    "texts of two letters": b'["ab", "cd"]\n',
    "blank lines": b"\n\n\n",
    "an epoch of a text": b'{"epoch": "one"}\n',
    "a loss that is a list": b'{"epoch": 1, "train_loss": [1]}\n',
    "a loss that is a mapping": b'{"epoch": 1, "train_loss": {"a": 1}}\n',
    "a loss of 1e309": b'{"epoch": 1, "train_loss": 1e309}\n',
    "a loss of NaN": b'{"epoch": 1, "train_loss": NaN}\n',
    "an empty mapping": b"{}\n",
    "half a line": json.dumps(EPOCH).encode() + b'\n{"epoch": 2',
    "a line separator": json.dumps(EPOCH).encode() + "\u2028".encode() + b"x\n",
    "a million bad lines": lambda: b"x\n" * 1_000_000,
    "epochs without end": lambda: json.dumps(EPOCH).encode() * 2 + b"\n" + b'{"a": 1}\n' * 300_000,
}

TRIALS: dict[str, Bytes] = {
    **{name: content for name, content in JSON.items() if name not in ("nothing", "cut short")},
    **{
        f"{key} that is a list": json.dumps({**TRIAL, key: []}).encode() + b"\n"
        for key in ("number", "values", "scores", "epochs", "engine")
    },
    "a score that is a list": json.dumps({**TRIAL, "scores": {"a": []}}).encode() + b"\n",
    "a score that is null": json.dumps({**TRIAL, "scores": {"a": None}}).encode() + b"\n",
    "seconds that are a list": json.dumps({**TRIAL, "seconds": []}).encode() + b"\n",
    "seconds of 2^2000": json.dumps({**TRIAL, "seconds": 2**2000}).encode() + b"\n",
}


def _run(file: str, content: Bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        whole = content if isinstance(content, bytes) else content()
        return run_folder(folder, **{file: whole})

    return make


def _sweep(part: str, content: Bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        whole = content if isinstance(content, bytes) else content()
        return sweep_folder(folder, **{part: whole if part == "identity" else whole + b"\n"})

    return make


def _linked(file: str, target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        run_folder(folder)
        (folder / file).unlink(missing_ok=True)
        if target == "a pipe":
            os.mkfifo(folder / file)
        elif target == "a folder":
            (folder / file).mkdir()
        else:
            os.symlink(target, folder / file)
        return folder

    return make


PLACES = ("config.yaml", "run.json", "metrics.jsonl", "parameters.safetensors")
PLACES += ("scaling.safetensors", "cases.safetensors")


def files() -> Iterator[Hostile]:
    """Runs with one file replaced; sweeps likewise."""
    for name, content in RUN_JSON.items():
        yield Hostile(f"run.json: {name}", "run", _run("run", content), callable(content))
    for name, content in METRICS.items():
        yield Hostile(f"metrics.jsonl: {name}", "run", _run("metrics", content), callable(content))
    for name in ("a billion laughs", "Python's os.system", "nested lists", "NUL"):
        yield Hostile(f"config.yaml: {name}", "run", _run("config", YAML[name]))
    for name in ("a header of 2^64", "a shape that overflows", "an array missing", "nan"):
        yield Hostile(f"parameters: {name}", "run", _run("parameters", tensors.FILES[name]))
    for name, content in SCALINGS.items():
        yield Hostile(f"scaling: {name}", "run", _run("scaling", content), callable(content))
    for name, content in CASES.items():
        yield Hostile(f"cases: {name}", "run", _run("cases", content), callable(content))
    for name, (old, new) in CONFIGS.items():
        text = yaml_text().replace(old, new, 1)
        assert text != yaml_text()
        yield Hostile(f"config.yaml: {name}", "run", _run("config", text.encode()))
    for name in PLACES:
        for target in ("/dev/zero", "a pipe", "a folder", "nowhere"):
            yield Hostile(f"{name}: {target}", "run", _linked(name, target))
    for target in ("/dev/zero", "a pipe", "nowhere"):  # a folder harms nobody: it is not read
        start = "start.safetensors"
        yield Hostile(f"{start}: {target}", "run", _linked(start, target))
    for part, table in (("identity", JSON), ("trials", TRIALS)):
        for name, content in table.items():
            yield Hostile(
                f"sweep, {part}: {name}", "sweep", _sweep(part, content), callable(content)
            )
    yield from special_files("run", "run")
    yield from special_files("sweep", "sweep")

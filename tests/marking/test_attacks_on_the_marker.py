"""What a submission does to the process that marks it: forged results, files hard to read.

Each attack comes to nothing, in no time, and does nothing to the submission that comes next.
"""

import time
from functools import lru_cache

import numpy as np
import pytest

from chainrule.marking.program import Probe
from chainrule.marking.sandbox import running
from chainrule.marking.sandbox.running import Calls, Limits, ask
from chainrule.marking.sandbox.starting import Sandbox, shared_sandbox

PROBES = tuple(Probe(name, "", ({"x": np.arange(3.0)},)) for name in ("first", "second"))
CALLS = Calls(("mine",), "", "out = mine.f(x)", {"y": "out"})
RIGHT = b"def f(x):\n    return 2 * x\n"

SAY = b"""
import json, os
def say(**message):
    for number in range(3, 64):
        try:
            os.write(number, json.dumps(message).encode() + b"\\n")
        except OSError:
            pass
def f(x):
    for k in range(2):
        say(probe=k, call=0, trouble=None, inputs={}, printed="", **FORGED)
    os._exit(0)
"""

FORGED = {
    "an empty array of a huge shape": {"array": {"type": "<f8", "shape": [0, 2**61], "bytes": ""}},
    "an empty array of many axes": {
        "array": {"type": "<f8", "shape": [0, *[10**6] * 5], "bytes": ""}
    },
    "negative sizes": {"array": {"type": "<f8", "shape": [-1, -1], "bytes": "AAAAAAAAAAA="}},
    "sizes that are truths": {"array": {"type": "<f8", "shape": [True], "bytes": "AAAAAAAAAAA="}},
    "too few bytes": {"array": {"type": "<f8", "shape": [2], "bytes": "AAAAAAAAAAA="}},
    "a type that is a list": {"array": {"type": ["<f8"], "shape": [0], "bytes": ""}},
    "objects": {"array": {"type": "|O", "shape": [1], "bytes": "AAAAAAAAAAA="}},
    "bytes that are none": {"array": {"type": "<f8", "shape": [1], "bytes": "\u1234"}},
    "a kind of lists": {"kind": {"name": [], "type": {}, "shape": [[]]}},
    "a trouble of lists": {"trouble": {"kind": [], "text": [], "file": [], "line": [1e400]}},
}

FILES = {
    "an encoding that is none": b"# coding: undefined\n" + RIGHT,
    "an encoding that is no text": b"# coding: zlib\n" + RIGHT,
    "an encoding that takes for ever": b"# coding: punycode\n# "
    + b"a" * 10**4
    + b"-"
    + b"b" * 10**5,
    "an encoding of names": b"# coding: idna\n" + b"\xc3\xbc." * 10**4,
    "many statements": RIGHT + b"a;" * 10**6,
    "many modules": b"import a\nimport b\n" + RIGHT,
    "a deep expression": RIGHT + b"a" + b".b" * 10**5 + b"(1)\n",
    "a deep sum": RIGHT + b"0" + b"+1" * 10**5 + b"\n",
    "deep brackets": RIGHT + b"(" * 10**5 + b"\n",
    "deep negations": RIGHT + b"not " * 10**5 + b"1\n",
    "a zero byte": RIGHT + b"\0",
    "a long number": RIGHT + b"9" * 10**5 + b"\n",
}


@lru_cache
def sandbox(tier):
    return shared_sandbox() if tier == "namespaces" else Sandbox(use=tier)


def asked(content, folder, seconds=1.0, **more):
    for name, text in {"mine.py": content, **more}.items():
        (folder / name).write_bytes(text)
    return ask(folder, CALLS, PROBES, Limits(seconds, 256), imports=("numpy",))


def harmless(folder):
    """Whether a right submission that is marked now gets what is its own."""
    found = asked(RIGHT, folder, 5.0)
    return all(np.array_equal(found[p.name][0].values["y"], [0, 2, 4]) for p in PROBES)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_line_is_no_number_and_costs_the_next_one_nothing(name, tmp_path):
    forged = FORGED[name]
    whole = forged if "trouble" in forged else {"values": {"y": forged}}
    text = b"FORGED = " + repr(whole).replace("inf", "1e400").encode()
    if "trouble" in forged:
        text += SAY.replace(b"trouble=None, ", b"")
    else:
        text += SAY
    found = asked(text, tmp_path)
    assert [one.values for calls in found.values() for one in calls] == [{}, {}]
    assert harmless(tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_hard_to_read_is_refused_soon(name, tmp_path):
    large = b"x = 1\n" * 30_000
    start = time.monotonic()
    found = asked(FILES[name], tmp_path, **{"a.py": large, "b.py": large})
    assert time.monotonic() - start < 10
    trouble = found["first"][0].trouble
    assert trouble is not None
    assert trouble.kind in ("syntax", "files")
    assert harmless(tmp_path)


WRITES = {
    "folders without end": "k = 0\n    while True:\n        os.mkdir(str(k)); k += 1",
    "files without end": "k = 0\n    while True:\n        open(str(k), 'w').close(); k += 1",
    "a folder that nobody may enter": "os.makedirs('a/b'); os.mkdir('a/b/c', 0); return x",
    "a module for others": "os.mkdir('mine'); open('mine/__init__.py', 'w').close(); return x",
    "a name that is no text": "open(b'\\xff\\n\\x1b', 'w').close(); return x",
    "a result without an end": "os.write(max(numbers()), b'x' * 10**8); return x",
    "results without an end": "while True: os.write(max(numbers()), b'{}\\n' * 10**4)",
    "a large result": "os.write(max(numbers()), b'{\"a\":[' + b'[],' * 10**6 + b'0]}\\n')",
}

NUMBERS = """
import os
def numbers():
    for number in range(3, 64):
        try:
            os.fstat(number)
        except OSError:
            continue
        yield number
def f(x):
    """


@pytest.mark.exhaustive
@pytest.mark.parametrize("tier", ["namespaces", "landlock"])
@pytest.mark.parametrize("name", WRITES)
def test_what_one_submission_writes_costs_the_next_one_nothing(name, tier, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "shared_sandbox", lambda *_: sandbox(tier))
    listing = b"import os\ndef f(x):\n    return ' '.join(os.listdir('.'))\n"
    start = time.monotonic()
    asked((NUMBERS + WRITES[name]).encode(), tmp_path)
    assert time.monotonic() - start < 10
    seen = asked(listing, tmp_path, 5.0)
    assert [seen[p.name][0].values["y"] for p in PROBES] == ["mine.py"] * 2
    assert harmless(tmp_path)

"""What is asked of a submission is answered, whatever its code does."""

import sys

import numpy as np
import pytest

from chainrule.marking.program import Probe
from chainrule.marking.sandbox import running
from chainrule.marking.sandbox.plain import PlainProcesses
from chainrule.marking.sandbox.running import Calls, Kind, Limits, Run, ask, run_programs
from chainrule.marking.sandbox.starting import find_tier
from chainrule.marking.sandbox.tiers import Unsafe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is safe")

X = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
TWICE = (Probe("twice", "", ({"x": X}, {"x": 2 * X})), Probe("once", "", ({"x": X[:1]},)))


def asked(text, folder, returns, probes=TWICE, seconds=10.0, **more):
    (folder / "mine.py").write_text(text, "utf-8")
    calls = Calls(("mine",), "", "out = mine.f(x)", returns, more.pop("load", "all"))
    return ask(folder, calls, probes, Limits(seconds, 256), **more)


def test_this_machine_holds_what_a_safe_tier_holds():
    tier = find_tier()
    assert tier.is_safe
    assert tier.holds == ("reading", "writing", "network", "processes", "signals")
    assert tier.name in tier.sentence


def test_every_call_is_answered_with_plain_numbers_and_what_they_were(tmp_path):
    text = """
import numpy as np
def f(x):
    print("seen")
    return {"a": x * 2, "b": [1, 2], "c": np.float32(0.5), "d": x > 0, "e": "word",
            "f": None, "g": 1j * x, "h": np.array([[1], None], dtype=object), "i": (1.5, 2)}
"""
    answers = asked(text, tmp_path, {letter: f"out['{letter}']" for letter in "abcdefghiz"})
    assert [len(answers[name]) for name in ("twice", "once")] == [2, 1]
    second = answers["twice"][1]
    np.testing.assert_array_equal(second.values["a"], 4 * X)
    assert second.values["d"].dtype == bool
    assert second.values["e"] == "word"
    assert second.printed == "seen\n"
    assert second.kinds["b"] == Kind("list", "int64", (2,))
    assert second.kinds["c"] == Kind("NumPy scalar", "float32", ())
    assert second.kinds["f"] == Kind("None")
    assert {line: trouble.kind for line, trouble in second.unread.items()} == {
        "f": "no number",
        "g": "no number",
        "h": "no number",
        "z": "missing",
    }
    assert second.unread["z"].text.startswith("z: ")


def test_a_change_in_place_is_seen_by_what_comes_back(tmp_path):
    answers = asked("def f(x):\n    x[x < 0] = 0\n    return x", tmp_path, {"y": "out"})
    assert [one.changed for one in answers["twice"]] == [("x",), ("x",)]
    text = "def f(x):\n    x += 1e-5\n    x -= 2e-5\n    x += 1e-5\n    return x * 2"
    answers = asked(text, tmp_path, {"y": "out"})
    assert [one.changed for one in answers["twice"]] == [(), ()]  # a rounding is left at most
    answers = asked(text.replace("2e-5", "1e-5"), tmp_path, {"y": "out"})
    assert [one.changed for one in answers["twice"]] == [("x",), ("x",)]


def test_an_error_has_the_line_of_the_submission_and_costs_its_call(tmp_path):
    text = "def f(x):\n    if x[0, 0] == 2:\n        return x @ x\n    return x\n"
    answers = asked(text, tmp_path, {"y": "out"})
    trouble = answers["twice"][1].trouble
    assert (trouble.kind, trouble.file, trouble.line) == ("error", "mine.py", 3)
    assert trouble.text.startswith("ValueError: matmul")
    assert answers["once"][0].trouble is None


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        ("while True: pass", "time"),
        ("import os; os._exit(0)", "ended"),
        ("raise SystemExit", "ended"),
        ("return np.ones(10**9)", "memory"),
    ],
)
def test_what_one_probe_does_costs_that_probe_alone(tmp_path, way, kind):
    text = f"import numpy as np\ndef f(x):\n    if len(x) == 2:\n        {way}\n    return x\n"
    answers = asked(text, tmp_path, {"y": "out"}, seconds=0.5)
    assert [one.trouble.kind for one in answers["twice"]] == [kind, kind]
    assert answers["once"][0].trouble is None


@pytest.mark.exhaustive
def test_where_there_is_no_sandbox_trusted_code_runs_in_a_plain_process(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "shared_sandbox", lambda *_: PlainProcesses())
    text = "import os\ndef f(x):\n    return os._exit(0) if len(x) == 2 else x\n"
    with pytest.raises(Unsafe, match="not held back: reading, writing, network"):
        asked(text, tmp_path, {"y": "out"})
    answers = asked(text, tmp_path, {"y": "out"}, trust=True)
    assert [one.trouble.kind for one in answers["twice"]] == ["ended", "ended"]
    np.testing.assert_array_equal(answers["once"][0].values["y"], X[:1])


def test_definitions_alone_leave_a_script_s_top_level_out(tmp_path):
    text = """
import numpy as np
import matplotlib.pyplot as plt
import pandas as pd
step = 0.5
X = np.genfromtxt("data/xor.dat")
rate = load("settings")
def f(x):
    return step * x
def g(x):
    return rate * x
while True:
    plt.plot(f(X))
"""
    answers = asked(text, tmp_path, {"y": "out", "z": "mine.g(x)"}, load="definitions")
    first = answers["twice"][0]
    np.testing.assert_array_equal(first.values["y"], X / 2)
    assert "mine.py sets it in line 7" in first.unread["z"].text


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("import torch", "import", "torch may not be imported here"),
        ("def f(x):\n    import subprocess", "import", "subprocess may not be imported"),
        ("def f(x):\n    print x", "syntax", "this is Python 2"),
        ("# \xe9", None, ""),
        ("import helper", "import", "jax may not"),
    ],
)
def test_what_is_seen_without_running(tmp_path, text, kind, words):
    (tmp_path / "helper.py").write_text("__import__('jax')", "utf-8")
    found = asked(text, tmp_path, {"y": "1"}, imports=("numpy",))["once"][0].trouble
    assert kind is None or (found.kind, words in found.text) == (kind, True)


def test_a_program_is_run_with_its_arguments_and_its_files_come_back(tmp_path):
    text = """
import sys
if __name__ == "__main__":
    with open(sys.argv[1]) as file, open(sys.argv[2], "w") as out:
        out.write(file.read()[::-1])
    sys.exit(int(sys.argv[3]))
"""
    (tmp_path / "turn.py").write_text(text, "utf-8")
    ran = run_programs(
        tmp_path,
        "turn.py",
        [Run(end, ("in.txt", "out.txt", end), {"in.txt": "abc"}, ("out.txt",)) for end in "01"],
    )
    assert [one.files for one in ran.values()] == [{"out.txt": "cba"}] * 2
    assert [one.trouble and one.trouble.kind for one in ran.values()] == [None, "ended"]


def test_a_file_of_the_submission_s_own_comes_before_a_module_of_that_name(tmp_path):
    (tmp_path / "statistics.py").write_text("def f(x):\n    return 'own'\n", "utf-8")
    answers = asked("from statistics import f", tmp_path, {"y": "out"})
    assert answers["once"][0].values["y"] == "own"


def test_the_streams_are_like_the_usual_ones_and_name_files_of_the_submission(tmp_path):
    text = """
import sys, warnings
sys.stdout.reconfigure(encoding="utf-8")
def f(x):
    sys.stdout.buffer.write(b"bytes ")
    warnings.warn("careful")
    print("x" * 100_000, file=sys.stderr)
    sys.exit("no more")
"""
    found = asked(text, tmp_path, {"y": "out"})["twice"][0]
    assert found.printed.startswith("bytes mine.py:6: UserWarning: careful")
    assert 1_900 < len(found.printed) <= 2_000
    assert found.trouble.text == "the code ended the program, as by sys.exit('no more')"
    assert (found.trouble.file, found.trouble.line) == ("mine.py", 8)


@pytest.mark.exhaustive
def test_the_last_probe_has_all_the_time_that_is_left(tmp_path):
    text = "import time\ndef f(x):\n    time.sleep(0.6)\n    return x\n"
    answers = asked(text, tmp_path, {"y": "out"}, probes=TWICE[1:], seconds=1.0)
    assert answers["once"][0].trouble is None

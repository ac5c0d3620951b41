"""A sweep's folder: nothing finished is lost, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from chainrule.core.errors import ChainruleError
from chainrule.runs.sweeps.folder import SweepFolder
from chainrule.runs.sweeps.trial import Trial

IDENTITY = {"config": {"network": {"layers": [1]}}, "vary": [["a", "1,2"]], "seed": 0}
TRIALS = [Trial(k, {"a": str(k)}, {"validation_loss": k / 7}, 3, 0.5, "numpy") for k in range(3)]


@pytest.fixture
def files(tmp_path):
    files = SweepFolder(tmp_path)
    files.begin(IDENTITY)
    for trial in reversed(TRIALS):
        files.add(trial)
    return files


def test_trials_come_back_by_number(files):
    files.add(failed := Trial(3, {"a": "é"}, failure="no"))
    assert files.read_trials() == [*TRIALS, failed]


def test_every_cut_loses_one_trial_at_most(files):
    whole = files.trials.read_bytes()
    for end in range(len(whole)):
        files.trials.write_bytes(whole[:end])
        found = files.read_trials()
        assert found == sorted(TRIALS[3 - len(found) :], key=lambda t: t.number)
        assert len(found) == whole[:end].count(b"\n")
        files.add(TRIALS[0])
        assert TRIALS[0] in files.read_trials()


@pytest.mark.parametrize("line", [b"{}", b"[]", b"nonsense", b'{"number": "x"}', b"\xff"])
def test_a_damaged_line_is_named(files, line):
    files.trials.write_bytes(line + b"\n" + files.trials.read_bytes())
    with pytest.raises(ChainruleError, match=r"trials\.jsonl:1: this line is no trial"):
        files.read_trials()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"config": {"network": {"layers": [2]}}}, "configuration"),
        ({"vary": [["a", "1,2,3"]]}, "search"),
        ({"seed": 1}, "seed"),
    ],
)
def test_another_sweep_is_refused(files, change, word):
    files.check(IDENTITY)
    with pytest.raises(ChainruleError, match=f"a sweep of another {word}"):
        files.check({**IDENTITY, **change})


def test_a_damaged_identity(files):
    for text in ("", "[1]", "{"):
        files.identity.write_text(text)
        with pytest.raises(ChainruleError):
            files.check(IDENTITY)

"""The commands on networks of sequences."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.data.readers.sequence_file import holds_sequences
from networks import difference

pytestmark = pytest.mark.exhaustive

PARITY = """\
network:
  loss: binary_cross_entropy
  layers: [{type: recurrent, size: 3}, {size: 1, activation: sigmoid}]
data: {generator: parity, bits: [2, 4], targets: all}
training: {epochs: 2, clip_gradient_norm: 1.0, optimizer: adam}
"""
TEXT = """\
network:
  layers: [{type: recurrent, size: 3}, {size: 3}, softmax]
data: {text: t.txt, steps: 5}
training: {epochs: 1}
"""


@pytest.fixture
def parity(folder):
    Path("p.yaml").write_text(PARITY)
    return "p.yaml"


@pytest.fixture
def text(folder):
    Path("t.txt").write_text("ab ab ba " * 40)
    Path("t.yaml").write_text(TEXT)
    return "t.yaml"


def good(outcome):
    assert (outcome.status, outcome.err) == (0, "")
    return outcome.out


def test_a_run_is_trained_evaluated_and_goes_on(command, parity):
    good(command("train", parity, "--run", "r", "--quiet"))
    first = good(command("evaluate", "r", "--split", "validation"))
    assert "accuracy" in first
    good(command("train", parity, "--run", "r", "--resume", "--set", "training.epochs=4"))
    good(command("train", parity, "--run", "s", "--set", "training.epochs=4", "--quiet"))
    one, other = (Path(run, "parameters.safetensors").read_bytes() for run in "rs")
    assert one == other
    assert "clip_gradient_norm: 1.0" in Path("r", "config.yaml").read_text()


def test_sequences_are_printed_step_by_step(command, parity):
    out = good(command("data", "show", parity, "--count", "100"))
    assert out.startswith("parity: 28 sequences of 4 steps\n")
    cases = [block.splitlines() for block in out.split("\n\n")[1:]]
    assert len(cases) == 20
    for x, t in cases:
        bits, targets = (np.array(row.split()[1:], int) for row in (x, t))
        assert 2 <= len(bits) <= 4
        assert (np.cumsum(bits) % 2).tolist() == targets.tolist()
    good(command("data", "show", parity, "--save", "s.txt"))
    assert Path("s.txt").read_text().startswith("parity")


def test_a_text_is_printed_as_text(command, text):
    out = good(command("data", "show", text, "--count", "3"))
    x, t = out.splitlines()[2:4]
    assert x[3:] in Path("t.txt").read_text()
    assert t[3:-1] == x[4:]


def test_a_set_that_is_written_trains_again(command, parity):
    good(command("data", "make", parity, "s.npz"))
    assert holds_sequences(Path("s.npz"))
    good(command("train", parity, "--run", "r", "--quiet"))
    good(command("evaluate", "r", "s.npz"))
    Path("f.yaml").write_text(
        PARITY.replace("generator: parity, bits: [2, 4], targets: all", "file: s.npz")
    )
    assert "28 sequences of 4 steps" in good(command("data", "show", "f.yaml"))
    good(command("train", "f.yaml", "--run", "f", "--quiet"))


def test_predictions_are_a_line_for_each_real_step(command, parity):
    good(command("train", parity, "--run", "r", "--quiet"))
    x = np.zeros((2, 4, 1))
    np.savez("x.npz", x=x, lengths=[4, 2])
    rows = list(csv.DictReader(good(command("predict", "r", "x.npz")).splitlines()))
    assert [(row["case"], row["step"]) for row in rows] == [
        *(("1", str(n)) for n in (1, 2, 3, 4)), ("2", "1"), ("2", "2")
    ]  # fmt: skip
    assert all((float(row["1"]) > 0.5) == (row["class"] == "1") for row in rows)


def test_another_text_is_evaluated_in_the_alphabet_of_the_run(command, text):
    good(command("train", text, "--run", "sub/r", "--quiet"))
    assert "encoding: one_hot" in Path("sub/r/config.yaml").read_text()
    assert "test" in good(command("evaluate", "sub/r"))
    Path("sub/r").rename("r")
    Path("u.txt").write_text("abxab ba ab ")
    note = "note: u.txt has characters that training never saw; they are not judged: x\n"
    told = command("evaluate", "r", "u.txt")
    known = "note: of the 2 cases 1 was trained on; "
    assert (told.status, told.err.startswith(note + known)) == (0, True)
    assert "u.txt" in told.out
    told = command("predict", "r", "u.txt")
    assert (told.status, told.err) == (0, note)
    assert told.out.startswith("case,step,class,space,a,b\n")
    Path("u.txt").write_text("ab ba ab ab")
    good(command("predict", "r", "u.txt"))


def test_characters_that_training_never_sees_are_told(command, text):
    Path("t.txt").write_text("ab ab ba " * 40 + "xyz" * 20)
    note = "note: t.txt has characters that the training part lacks; they are not judged: x, y, z"
    assert note in good(command("train", text, "--run", "r"))
    assert good(command("train", text, "--quiet")) == ""
    told = command("evaluate", "r")
    assert (told.status, told.err) == (0, note + "\n")


def test_the_windows_of_a_text_that_were_written_are_predicted_and_evaluated(command, text):
    good(command("train", text, "--run", "r", "--quiet"))
    good(command("data", "make", text, "w.npz"))
    of_text = good(command("predict", "r", "t.txt")).splitlines()
    of_windows = good(command("predict", "r", "w.npz")).splitlines()
    assert of_windows[0] == of_text[0] == "case,step,class,space,a,b"
    # Windows lie within a part, and so begin elsewhere than those of the whole text.
    assert len(of_windows) > 300
    outcome = command("evaluate", "r", "w.npz")
    assert "w.npz" in outcome.out
    assert outcome.err.startswith("note: of the 71 cases 71 were trained on; ")
    np.savez("o.npz", x=np.zeros((2, 5, 3)), lengths=[5, 5], classes=["c", "a", "b"])
    outcome = command("predict", "r", "o.npz")
    assert outcome.status == 2
    assert outcome.err == "o.npz: found the classes c, a, b; the run has space, a, b\n"


LAST = """\
network:
  layers: [{type: recurrent, size: 3, outputs: last}, {size: 2}, softmax]
data: {file: s.npz}
training: {epochs: 1}
"""


def test_a_network_of_sequences_takes_a_file_without_lengths(command):
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(30, 4, 2)), np.arange(30) % 2
    np.savez("s.npz", x=x, t=t)
    np.savez("l.npz", x=x, t=t, lengths=[4] * 30)
    Path("c.yaml").write_text(LAST)
    assert "30 sequences of 4 steps" in good(command("data", "show", "c.yaml"))
    good(command("train", "c.yaml", "--run", "r", "--quiet"))
    good(command("train", "c.yaml", "--run", "q", "--quiet", "--set", "network.input=[4, 2]"))
    without, with_lengths = (command("evaluate", "r", name) for name in ("s.npz", "l.npz"))
    assert without.out.replace("s.npz", "l.npz") == with_lengths.out
    known = "note: of the 30 cases 21 were trained on and 6 were validated on; "
    assert without.err == with_lengths.err
    assert without.err.startswith(known)
    assert good(command("predict", "r", "s.npz")) == good(command("predict", "r", "l.npz"))
    every = "network.layers.0.outputs=all"
    np.savez("s.npz", x=x, t=rng.integers(0, 2, (30, 4)))
    good(command("train", "c.yaml", "--run", "e", "--quiet", "--set", every))
    assert "accuracy" in command("evaluate", "e", "s.npz").out


def test_a_folder_is_no_file_of_cases(command, parity, text):
    good(command("train", parity, "--run", "r", "--quiet"))
    good(command("train", text, "--run", "t", "--quiet"))
    for name, run in (("predict", "r"), ("evaluate", "r"), ("predict", "t")):
        outcome = command(name, run, ".")
        assert outcome.status == 2
        assert outcome.err.startswith(".: expected a file of cases, but this is a folder; only a ")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 4)), "lengths": [4, 2]}, "expected numbers (cases, steps, features)"),
        ({"x": np.zeros((2, 4, 1)), "lengths": [4, 5]}, "lengths[1] is 5; expected 1 to 4 steps"),
        ({"x": np.zeros((2, 4, 1)), "lengths": [4.0, 2.0]}, "expected 2 whole numbers"),
        ({"x": np.full((2, 4, 1), np.nan), "lengths": [4, 2]}, "x[0, 0] is not finite"),
        ({"x": np.zeros((2, 3, 1)), "lengths": [3, 3]}, "the network takes 4 of 1"),
        (
            {"x": np.zeros((2, 4, 1)), "lengths": [4, 4], "t": np.zeros((2, 3), int)},
            "4 steps a cas",
        ),
        ({"x": np.zeros((2, 4, 1)), "lengths": [4, 4], "t": np.zeros(3)}, "expected targets of 2"),
    ],
)
def test_a_file_that_does_not_fit_is_told(command, parity, arrays, message):
    good(command("train", parity, "--run", "r", "--quiet"))
    np.savez("x.npz", **arrays)
    outcome = command("evaluate", "r", "x.npz")
    assert outcome.status == 2
    assert message in outcome.err


def test_other_engines_train_it(command, parity):
    good(command("train", parity, "--set", "training.engine=compiled", "--run", "c", "--quiet"))
    pytest.importorskip("torch", reason="PyTorch is not installed")
    good(command("train", parity, "--set", "training.engine=torch", "--run", "t", "--quiet"))
    ours, theirs = (chainrule.load(run).network.theta for run in ("c", "t"))
    assert difference(ours, theirs) < 1e-9


def test_the_verbose_pass_shows_every_step(command, parity):
    out = good(
        command("train", parity, "--verbose", "--jacobians", "--run", "r", "--set",
                "training.epochs=1", "training.batch_size=full", "data.count=4")
    )  # fmt: skip
    assert "x(n) W + h(n−1) U + b at every step n" in out
    assert "the targets of every step" in out
    assert "binary_cross_entropy, summed over the steps, mean over the cases" in out
    assert "‖g‖ = " in out


def test_a_network_of_characters_writes(command, text):
    good(command("train", text, "--run", "r", "--quiet"))
    out = good(command("sample", "r", "--start", "ab ", "--count", "20", "--seed", "3"))
    assert out.startswith("ab ")
    assert len(out) == 3 + 20 + 1
    assert set(out) <= set("ab \n")
    outcome = command("sample", "r", "--start", "x")
    assert outcome.status == 2
    assert "training never saw: x" in outcome.err

"""CMU 10-601 homework 5: the program, against the numbers it states and a plain program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from course_folders import COURSES, on_path
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError

pytestmark = pytest.mark.exhaustive

with on_path("cmu_10601_hw5"):
    import letters
    import neuralnet

SCRIPT = COURSES / "cmu_10601_hw5" / "neuralnet.py"

STATED = """\
epoch=1 crossentropy(train): 2.18506276114
epoch=1 crossentropy(validation): 2.18827302588
epoch=2 crossentropy(train): 1.90103257727
epoch=2 crossentropy(validation): 1.91363803461
error(train): 0.77
error(validation): 0.78
"""


def run(*arguments, cwd=None):
    """The program as a user runs it."""
    words = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True)


def write(path, x, t, end="\n"):
    rows = ([str(int(label)), *map(str, row)] for label, row in zip(t, x, strict=True))
    lines = [",".join(row) for row in rows]
    path.write_text("\n".join(lines) + end)
    return path


def cases(seed, count, pixels, labels=10):
    rng = np.random.default_rng(seed)
    return rng.random((count, pixels)), rng.integers(0, labels, count)


def probabilities(W, b, V, c, x):
    a = 1 / (1 + np.exp(-(x @ W + b)))
    z = a @ V + c
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return a, e / e.sum(axis=-1, keepdims=True)


def reference(train, validation, epochs, W, b, V, c, rate):
    """The homework's algorithm written out: losses after each epoch, labels at the end."""
    W, b, V, c = (np.array(p) for p in (W, b, V, c))
    losses = []
    for _ in range(epochs):
        for x, t in zip(*train, strict=True):
            a, y = probabilities(W, b, V, c, x)
            delta = y.copy()
            delta[t] -= 1
            upstream = (V @ delta) * a * (1 - a)
            V -= rate * np.outer(a, delta)
            c -= rate * delta
            W -= rate * np.outer(x, upstream)
            b -= rate * upstream
        for x, t in (train, validation):
            y = probabilities(W, b, V, c, x)[1]
            losses.append(-np.log(y[np.arange(len(t)), t]).mean())
    labels = [probabilities(W, b, V, c, x)[1].argmax(axis=1) for x, _ in (train, validation)]
    return losses, labels


def numbers(metrics):
    return [float(line.split(": ")[1]) for line in metrics.splitlines()]


def in_process(folder, train, validation, epochs, units, flag, rate):
    """The program's three files, by a run within this process."""
    paths = [folder / name for name in ("t.csv", "v.csv", "t.labels", "v.labels", "metrics.txt")]
    write(paths[0], *train)
    write(paths[1], *validation)
    neuralnet.main([*map(str, paths), str(epochs), str(units), str(flag), str(rate)])
    return [path.read_bytes().decode("ascii") for path in paths[2:]]


# What the homework states


def test_the_metrics_that_the_homework_states(real, tmp_path):
    data = real / "cmu_ocr"
    done = run(
        data / "smallTrain.csv", data / "smallValidation.csv",
        "train.labels", "validation.labels", "metrics.txt", 2, 4, 2, 0.1, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "metrics.txt").read_bytes() == STATED.encode()
    for name, count in (("train", 500), ("validation", 100)):
        labels = (tmp_path / f"{name}.labels").read_bytes()
        assert labels.count(b"\n") == count
        assert set(labels.split(b"\n")[:-1]) <= {str(k).encode() for k in range(10)}
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "metrics.txt",
        "train.labels",
        "validation.labels",
    ]


def test_two_cases_without_a_final_line_end(real, tmp_path):
    data = real / "cmu_ocr"
    outputs = [str(tmp_path / name) for name in "abc"]
    inputs = [str(data / f"tiny{part}.csv") for part in ("Train", "Validation")]
    neuralnet.main([*inputs, *outputs, "1", "4", "2", "0.1"])
    files = [(np.loadtxt(path, delimiter=",", ndmin=2)) for path in inputs]
    parts = [(f[:, 1:], f[:, 0].astype(int)) for f in files]
    zeros = [np.zeros(shape) for shape in ((5, 4), 4, (4, 10), 10)]
    losses, labels = reference(*parts, 1, *zeros, 0.1)
    found = numbers(Path(outputs[2]).read_text())
    assert found[:2] == pytest.approx(losses, rel=1e-11)
    assert Path(outputs[0]).read_text().split() == [str(k) for k in labels[0]]


# Against a plain program


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000), flag=st.sampled_from([1, 2]), rate=st.sampled_from([0.05, 0.5])
)
def test_the_three_files_are_those_of_a_plain_program(tmp_path_factory, seed, flag, rate):
    rng = np.random.default_rng(seed)
    pixels, units, epochs = int(rng.integers(1, 9)), 4 * int(rng.integers(1, 3)), 2
    train, validation = cases(seed, 12, pixels), cases(seed + 1, 5, pixels)
    found = in_process(
        tmp_path_factory.mktemp("run"), train, validation, epochs, units, flag, rate
    )
    start = letters.letters_network(pixels, units, flag, rate).parameters
    losses, labels = reference(train, validation, epochs, *start.values(), rate)
    metrics = numbers(found[2])
    assert metrics[:-2] == pytest.approx(losses, rel=3e-12)
    for k, part in enumerate((train, validation)):
        assert found[k] == "".join(f"{label}\n" for label in labels[k])
        assert metrics[-2 + k] == pytest.approx(np.mean(labels[k] != part[1]), rel=1e-11)


def test_the_metrics_file_to_the_letter(tmp_path):
    train, validation = cases(1, 8, 3), cases(2, 4, 3)
    metrics = in_process(tmp_path, train, validation, 2, 4, 2, 0.1)[2]
    names = [line.split(": ")[0] for line in metrics.splitlines()]
    assert names == [
        "epoch=1 crossentropy(train)",
        "epoch=1 crossentropy(validation)",
        "epoch=2 crossentropy(train)",
        "epoch=2 crossentropy(validation)",
        "error(train)",
        "error(validation)",
    ]
    assert metrics.endswith("\n")
    assert "\r" not in metrics


@pytest.mark.parametrize(
    ("value", "printed"),  # as Python 2 prints them
    [
        (2.185062761142345, "2.18506276114"),
        (0.0, "0.0"),
        (1.0, "1.0"),
        (12.0, "12.0"),
        (1 / 3, "0.333333333333"),
        (0.1 + 0.2, "0.3"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5e-13, "1.5e-13"),
        (123456.7890123456, "123456.789012"),
    ],
)
def test_numbers_are_printed_as_by_python_2(value, printed):
    assert neuralnet.as_printed(value) == printed


# Starts, ties, files


def test_the_random_start_is_within_its_range_and_repeatable():
    first, again = (letters.letters_network(128, 50, 1, 0.1).parameters for _ in range(2))
    for name, values in first.items():
        assert np.array_equal(values, again[name])
        if name.endswith(".b"):
            assert not values.any()
        else:
            assert np.abs(values).max() <= 0.1
            assert values.min() < -0.09
            assert values.max() > 0.09
    assert not letters.letters_network(128, 50, 2, 0.1).theta.any()


@pytest.mark.parametrize("rate", [0, 0.1])
def test_equal_probabilities_give_the_smallest_label(tmp_path, rate):
    train = cases(3, 6, 2)
    files = in_process(tmp_path, train, train, 0 if rate else 1, 4, 2, rate)
    assert files[0] == files[1] == "0\n" * 6
    assert numbers(files[2])[:-2] == pytest.approx([] if rate else [np.log(10)] * 2)


def test_labels_that_occur_do_not_change_the_number_of_outputs(tmp_path):
    train = (np.ones((3, 2)), np.array([3, 3, 3]))
    files = in_process(tmp_path, train, train, 1, 4, 2, 1e-9)
    assert numbers(files[2])[0] == pytest.approx(np.log(10), rel=1e-6)
    assert files[0] == "3\n3\n3\n"


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n", "\r\n"])
def test_a_single_case_and_any_line_end(tmp_path, end):
    path = write(tmp_path / "one.csv", [[0.25, 0.5, 1.0]], [7], end)
    part = letters.read_letters(path)
    assert np.array_equal(part.x, [[0.25, 0.5, 1.0]])
    assert part.t.tolist() == [7]
    outputs = [str(tmp_path / name) for name in "abc"]
    neuralnet.main([str(path), str(path), *outputs, "3", "2", "1", "0.5"])
    assert Path(outputs[0]).read_bytes() == b"7\n"
    assert Path(outputs[2]).read_text().endswith("error(train): 0.0\nerror(validation): 0.0\n")


def test_it_runs_from_anywhere_and_on_relative_paths(tmp_path):
    write(tmp_path / "t.csv", *cases(0, 4, 3))
    done = run("t.csv", "t.csv", "a", "b", "c", 1, 4, 1, 0.1, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "c").is_file()


# What is wrong is told

WRONG = {
    "no arguments": ("", "expected 9 arguments, found 0"),
    "too many": ("t.csv t.csv a b c 1 4 1 0.1 9", "found 10"),
    "epochs": ("t.csv t.csv a b c -1 4 1 0.1", "num_epoch is a whole number"),
    "fraction": ("t.csv t.csv a b c 1.5 4 1 0.1", "found '1.5'"),
    "units": ("t.csv t.csv a b c 1 0 1 0.1", "hidden_units is a whole number"),
    "flag": ("t.csv t.csv a b c 1 4 3 0.1", "init_flag is 1"),
    "rate": ("t.csv t.csv a b c 1 4 1 nan", "learning_rate is a finite number"),
    "below": ("t.csv t.csv a b c 1 4 1 -0.1", "learning_rate is a finite number"),
    "missing": ("t.cvs t.csv a b c 1 4 1 0.1", "did you mean 't.csv'?"),
    "width": ("t.csv wide.csv a b c 1 4 1 0.1", "wide.csv: found 5 pixels a case"),
    "label": ("t.csv label.csv a b c 1 4 1 0.1", "label.csv:2:1: label '10' is outside"),
    "no label": ("text.csv t.csv a b c 1 4 1 0.1", "text.csv:1:1"),
    "pixel": ("pixel.csv t.csv a b c 1 4 1 0.1", "pixel.csv:2:5"),
    "empty": ("t.csv empty.csv a b c 1 4 1 0.1", "empty.csv: the file is empty"),
    "no folder": ("t.csv t.csv a b no/c 1 4 1 0.1", "the folder 'no' does not exist"),
    "is a folder": ("t.csv t.csv a b folder 1 4 1 0.1", "folder: cannot write this file"),
    "over the input": ("t.csv t.csv a b t.csv 1 4 1 0.1", "this is the file that is read"),
    "twice": ("t.csv t.csv a a c 1 4 1 0.1", "two of the files to write have this name"),
    "diverges": ("t.csv t.csv a b c 9 4 1 1.5e308", "training stopped"),
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(Path("t.csv"), *cases(0, 4, 3))
    write(Path("wide.csv"), *cases(0, 4, 5))
    Path("label.csv").write_text("1,0,0,1\n10,1,1,0\n")
    Path("text.csv").write_text("a,0,0,1\nb,1,1,0\n")
    Path("pixel.csv").write_text("1,0,0,1\n2,1,one,0\n")
    Path("empty.csv").write_text("")
    Path("folder").mkdir()
    Path("c").write_text("an older file")
    return tmp_path


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_and_nothing_is_written(files, name):
    words, expected = WRONG[name]
    before = sorted(os.listdir(files))
    with pytest.raises(ChainruleError) as caught:
        neuralnet.main(words.split())
    assert expected in str(caught.value)
    assert sorted(os.listdir(files)) == before
    assert Path("c").read_text() == "an older file"
    assert Path("t.csv").stat().st_size


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_where_one_file_cannot_be_written_none_is(files):
    with pytest.raises(ChainruleError, match="cannot write this file"):
        neuralnet.main(["t.csv", "t.csv", "c", "b", "/dev/full", "1", "4", "1", "0.1"])
    assert not Path("b").exists()
    assert Path("c").read_text() == "an older file"


def test_what_is_no_file_on_the_disk_may_be_named_twice(files):
    neuralnet.main(["t.csv", "t.csv", os.devnull, os.devnull, "c", "1", "4", "1", "0.1"])
    assert Path("c").read_text().startswith("epoch=1")


@pytest.mark.parametrize("name", ["no arguments", "label", "diverges"])
def test_a_failure_is_one_message_and_status_2(files, name):
    words, expected = WRONG[name]
    done = run(*words.split())
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_all_that_is_wrong_with_the_arguments_is_told_at_once(files):
    done = run("t.csv", "t.csv", "a", "b", "c", "x", "-3", "7", "fast")
    assert [line.split()[1] for line in done.stderr.splitlines()] == [
        "num_epoch",
        "hidden_units",
        "init_flag",
        "learning_rate",
    ]


def test_the_program_imports_little():
    # The settings of a training are checked by pydantic; nothing else that is large is needed.
    heavy = ("matplotlib", "scipy", "sklearn", "torch", "ruamel", "argparse")
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import neuralnet; "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
